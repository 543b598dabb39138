"""What albums say of themselves is true: their explanation, applied to the photos of now, gives their photos."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import BERLIN, LISBON, PORTO, add_photo, build, face_of, table
from tests.vaults import Somebody, client, somebody

from photovault import album_choices, db, drafting, drafts, locations
from photovault.api import album_photos, albums, images
from photovault.pipeline import albums as builder
from photovault.pipeline import regrouping

pytestmark = pytest.mark.usefixtures("vault", "sent")
KINDS = {"place", "date", "person", "trip", "event"}


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([albums.router, album_photos.router, images.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    """Somebody who lives in Lisbon, was in Porto and Berlin with a camera that knows no position too, and had a
    party."""
    who = somebody()
    start = datetime(2025, 1, 6, 12)
    for week in range(16):
        for day in range(2):
            add_photo(
                who.user_id, taken=start + timedelta(weeks=week, days=day), where=LISBON, faces=[face_of(1, week)]
            )
    for n in range(24):
        where = None if n % 5 == 2 else PORTO if n < 12 else BERLIN
        add_photo(who.user_id, taken=datetime(2025, 3, 13, 9) + timedelta(hours=4 * n), where=where)
    for n in range(14):
        add_photo(who.user_id, taken=datetime(2025, 4, 19, 20, 4 * n), where=LISBON, faces=[face_of(2, n)])
    for n in range(10):
        add_photo(who.user_id, taken=datetime(2025, 2, 1, 18, 5 * n))
    build(who.user_id)
    return who


def photos_of_now(who: Somebody) -> list[drafts.Photo]:
    """As the builder hands them to drafting."""
    with db.transaction(who.user_id) as conn:
        stored = builder._read(conn)
    assert stored
    people = regrouping.regroup(stored.known, lambda model: regrouping.Stored(who.user_id, model))
    return list(builder._photos(stored.photos, locations.changes(stored.photos), stored.known, people))


def assert_explained(who: Somebody) -> set[str]:
    """Every automatic album is what its explanation says, but for what the person chose. The kinds that there are."""
    photos = photos_of_now(who)
    with db.transaction(who.user_id) as conn:
        chosen = album_choices.of_all(conn)
    kinds = set()
    for album_id, kind, why in table(who.user_id, "SELECT id, kind, why FROM albums WHERE key IS NOT NULL"):
        members = table(who.user_id, "SELECT image_id FROM album_images WHERE album_id = %s", [album_id])
        said = chosen.get(album_id, album_choices.Chosen())
        replayed = (drafting.replay(why, photos) - said.taken_out) | said.put_in
        assert {row[0] for row in members} == replayed, (kind, why)
        kinds.add(kind)
    return kinds


def ask(http: TestClient, who: Somebody, path: str) -> dict[str, Any]:
    answer = http.get(path, headers=who.headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def albums_of(http: TestClient, who: Somebody) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(http, who, "/albums/?limit=200")["items"]
    return found


def test_replaying_an_explanation_gives_the_albums_photos(ada: Somebody) -> None:
    assert assert_explained(ada) == KINDS


def test_it_still_does_after_choices_late_uploads_and_deletions(http: TestClient, ada: Somebody) -> None:
    for album in albums_of(http, ada)[:4]:
        path = f"/albums/{album['id']}/images"
        (first, *_) = ask(http, ada, path)["items"]
        http.request("DELETE", path, headers=ada.headers, json={"image_ids": [first["id"]]})
    elsewhere = add_photo(ada.user_id, taken=datetime(2025, 3, 15, 13), where=BERLIN)
    trip = next(album for album in albums_of(http, ada) if album["kind"] == "trip")
    home = table(ada.user_id, "SELECT id FROM images WHERE city = 'Lisbon' ORDER BY id LIMIT 1")[0][0]
    http.put(f"/albums/{trip['id']}/images", headers=ada.headers, json={"image_ids": [str(home), str(elsewhere)]})
    build(ada.user_id)
    assert assert_explained(ada) == KINDS
    with db.transaction(ada.user_id) as conn:
        assert album_choices.of_all(conn)


def test_an_explanation_says_rule_numbers_bounds_and_reasons(http: TestClient, ada: Somebody) -> None:
    for album in albums_of(http, ada):
        told = ask(http, ada, f"/albums/{album['id']}/explanation")
        assert told["rule"] == album["kind"] == told["kind"]
        assert told["why"] == album["why"]
        assert told["sentences"]
        assert told["text"] == " ".join(told["sentences"])
        assert sum(reason["image_count"] for reason in told["reasons"]) == album["image_count"]
        assert all(reason["because"] for reason in told["reasons"])
        assert (told["boundary"] is not None) == (album["kind"] in {"trip", "event"})
        assert (told["put_in"], told["taken_out"]) == (0, 0)
        german = ask(http, ada, f"/albums/{album['id']}/explanation?language=de")
        assert german["sentences"] != told["sentences"]


def test_a_trip_tells_photos_with_a_position_from_those_without(http: TestClient, ada: Somebody) -> None:
    trip = next(album for album in albums_of(http, ada) if album["kind"] == "trip")
    told = ask(http, ada, f"/albums/{trip['id']}/explanation")
    assert {reason["reason"] for reason in told["reasons"]} >= {"place", "time"}


def test_a_photo_says_why_it_is_in_each_of_its_albums(http: TestClient, ada: Somebody) -> None:
    photo: UUID = table(ada.user_id, "SELECT id FROM images WHERE city = 'Porto' LIMIT 1")[0][0]
    mine = http.post("/albums/manual", headers=ada.headers, json={"title": "Mine", "image_ids": [str(photo)]}).json()
    memberships = ask(http, ada, f"/images/{photo}")["albums"]
    assert {album["kind"] for album in memberships} >= {"place", "date", "trip", "manual"}
    assert all(album["because"] for album in memberships)
    for album in memberships:
        listed = ask(http, ada, f"/albums/{album['id']}/images?limit=200")["items"]
        (shown,) = [image for image in listed if image["id"] == str(photo)]
        assert shown["because"] == album["because"]
    told = ask(http, ada, f"/albums/{mine['id']}/explanation")
    assert (told["rule"], told["boundary"], told["parameters"]) == ("hand", None, {})
