"""Memories from the rows: what is left out, and what a day's photos are said to be about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, add_photo, build, face_of, table, who_is_in
from tests.libraries import insert
from tests.shared.api.photos import problem, sealed_photo
from tests.vaults import Somebody, client, somebody

from photovault import api as photovault_api
from photovault import db, ids
from photovault.api import PARTS

pytestmark = pytest.mark.usefixtures("vault", "sent")

THEN = datetime(2023, 5, 17, 10)


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([photovault_api.router(name) for name in (*PARTS["images"], *PARTS["people"])]) as made:
        yield made


def remember(http: TestClient, who: Somebody, day: str = "2026-05-17", **query: Any) -> list[dict[str, Any]]:
    answer = http.get("/images/memories", headers=who.headers, params={"date": day} | query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["date"] == day
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def shown(memory: dict[str, Any]) -> list[UUID]:
    return [UUID(item["id"]) for item in memory["items"]]


def test_this_day_three_years_ago(http: TestClient) -> None:
    who = somebody()
    photo = sealed_photo(who, taken=THEN)
    other = add_photo(who.user_id, taken=THEN + timedelta(hours=2), where=LISBON, camera_make="A")
    add_photo(who.user_id, taken=THEN + timedelta(days=9))
    (memory,) = remember(http, who)
    assert (memory["title"], memory["kind"], memory["years_ago"]) == ("3 years ago", "on-this-day", 3)
    assert shown(memory) == [photo, other]
    assert memory["items"][0]["tickets"]["thumbnail"]
    assert (memory["day"], memory["of"], memory["cover_id"]) == ("2023-05-17", 2, str(other))
    (memory,) = remember(http, who, "2026-05-19")
    assert (memory["title"], set(shown(memory))) == ("This week, 3 years ago", {photo, other})
    assert remember(http, who, most=1)[0]["of"] == 2
    assert len(remember(http, who, most=1)[0]["items"]) == 1


def test_trash_archive_unknown_times_and_what_is_not_understood_stay_out(http: TestClient) -> None:
    who = somebody()
    for left_out in (
        {"deleted_at": datetime(2026, 1, 1)},
        {"archived": True},
        {"taken_source": "upload"},
        {"taken_source": "exif_modified"},
        {"status": "rejected", "reason": "no photo"},
        {"status": "processing", "local_day": None, "taken_source": None},
    ):
        add_photo(who.user_id, taken=THEN, **left_out)
    assert remember(http, who) == []


def test_people_and_the_trip_are_named_and_hidden_people_are_not_shown(http: TestClient) -> None:
    who = somebody()
    photos = [
        add_photo(who.user_id, taken=THEN + timedelta(hours=n), where=LISBON, faces=[face_of(n % 2, n)])
        for n in range(4)
    ]
    build(who.user_id)
    first, second = who_is_in(who.user_id, photos[:2])
    http.patch(f"/people/{first}", headers=who.headers, json={"name": "Anna"})
    (memory,) = remember(http, who)
    assert memory["people"] == [{"id": str(first), "name": "Anna"}]
    assert set(shown(memory)) == set(photos)
    http.patch(f"/people/{second}", headers=who.headers, json={"name": "Ben", "hidden": True})
    (memory,) = remember(http, who)
    assert set(shown(memory)) == {photos[0], photos[2]}
    with db.transaction(who.user_id) as conn:
        conn.execute("DELETE FROM albums")
        trip = ids.new()
        insert(conn, "albums", id=trip, kind="trip", key="trip:1", title="Weekend in Lisbon")
        insert(conn, "album_images", album_id=trip, image_id=photos[0])
    (memory,) = remember(http, who)
    assert memory["subtitle"] == "Weekend in Lisbon"
    assert memory["album"] == {"id": str(trip), "name": "Weekend in Lisbon"}
    with db.transaction(who.user_id) as conn:
        conn.execute("DELETE FROM albums")
    assert remember(http, who)[0]["subtitle"] == "With Anna in Lisbon"


def test_pairs_that_were_found_alike_are_shown_once(http: TestClient) -> None:
    who = somebody()
    photos = [add_photo(who.user_id, taken=THEN + timedelta(hours=n)) for n in range(2)]
    with db.transaction(who.user_id) as conn:
        insert(conn, "look_alikes", image_a=photos[0], image_b=photos[1], kind="duplicate", score=1, share=1)
    (memory,) = remember(http, who)
    assert len(memory["items"]) == 1


def test_today_is_that_of_the_offset(http: TestClient) -> None:
    who = somebody()
    for offset, hours in (("+14:00", 14), ("-12:00", -12)):
        answer = http.get("/images/memories", headers=who.headers, params={"offset": offset})
        days = {(datetime.now(UTC) + timedelta(hours=hours, seconds=s)).date().isoformat() for s in (-60, 0)}
        assert answer.json()["date"] in days


@pytest.mark.parametrize(
    "query", ["date=tomorrow", "offset=99:00", "most=0", "most=31", "date=0001-01-01", "date=9999-12-31"]
)
def test_a_day_that_is_none_is_refused(http: TestClient, query: str) -> None:
    problem(http.get(f"/images/memories?{query}", headers=somebody().headers), 422, "invalid")


def test_a_day_with_very_many_photos_is_sampled_by_its_index(http: TestClient, database_url: str) -> None:
    who = somebody()
    first = add_photo(who.user_id, taken=THEN, favourite=True)
    with db.transaction(who.user_id) as conn:
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, "
            "sealed_at, sort_at, local_day, taken_source) SELECT gen_random_uuid(), sha256(n::text::bytea), "
            "'a', 'image/jpeg', 1, 'ready', key_version, content_key, now(), sort_at + n * interval '20 seconds', "
            "local_day, 'exif' FROM images, generate_series(1, 1000) AS n WHERE images.id = %s",
            [first],
        )
    (memory,) = remember(http, who)
    assert memory["of"] == 150
    assert UUID(memory["cover_id"]) == first
    assert table(who.user_id, "SELECT count(*) FROM images") == [(1001,)]
