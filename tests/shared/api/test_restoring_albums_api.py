"""Albums that were deleted, and come back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.arranging import BERLIN, LISBON, add_photo, add_photos, build, table, value, want
from tests.mirrors import Mirror, lists
from tests.shared.api.described import routers
from tests.shared.api.photos import problem
from tests.vaults import Somebody, client, somebody

from photovault import db, images, inheriting, smart_albums, users
from photovault.pipeline import maintenance
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture
def ada() -> Somebody:
    return somebody()


def ask(http: TestClient, who: Somebody, method: str, path: str, **body: Any) -> Any:
    answer = http.request(method, path, headers=who.headers, json=body or None)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def all_of(http: TestClient, who: Somebody, album: str) -> dict[str, Any]:
    """What there is to see of an album, its photos in their order with their reasons among it."""
    shown = ask(http, who, "GET", f"/albums/{album}")
    photos = ask(http, who, "GET", f"/albums/{album}/images?limit=200")["items"]
    cover = shown["cover"] and shown["cover"]["image_id"]
    return {**shown, "cover": cover, "photos": [(photo["id"], photo["why"]) for photo in photos]}


def automatic(http: TestClient, who: Somebody, kind: str) -> str:
    (album,) = ask(http, who, "GET", f"/albums/?kind={kind}")["items"]
    return str(album["id"])


def delete(http: TestClient, who: Somebody, album: str) -> None:
    ask(http, who, "DELETE", f"/albums/{album}")
    problem(http.get(f"/albums/{album}", headers=who.headers), 404, "not-found")


def arrange(who: Somebody) -> None:
    want(who.user_id)
    build(who.user_id)


def age(who: Somebody, album: str, days: int) -> None:
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        conn.execute("UPDATE albums SET deleted_at = now() - make_interval(days => %s) WHERE id = %s", [days, album])


def test_an_album_made_by_hand_comes_back_in_its_order_and_without_its_links(http: TestClient, ada: Somebody) -> None:
    photos = [str(photo) for photo in add_photos(ada.user_id, 4)]
    album = ask(http, ada, "POST", "/albums/manual", title="Best", description="Sunny", image_ids=photos)["id"]
    ask(http, ada, "PUT", f"/albums/{album}/order", image_ids=[photos[2]], to="start")
    ask(http, ada, "PATCH", f"/albums/{album}", cover_image_id=photos[1])
    following = ask(http, ada, "POST", "/albums/smart", title="All", filter={"albums": [album]})["id"]
    before, followed = all_of(http, ada, album), all_of(http, ada, following)
    share = ask(http, ada, "POST", f"/albums/{album}/shares", view_limit=3)["id"]
    delete(http, ada, album)
    assert all_of(http, ada, following)["photos"] == []
    assert ask(http, ada, "POST", f"/albums/{album}/restore")["title"] == "Best"
    assert all_of(http, ada, album) == before
    assert all_of(http, ada, following) == followed
    ended = ask(http, ada, "GET", f"/shares/{share}")
    assert (ended["state"], ended["album_id"], ended["title"]) == ("revoked", None, "Best")
    assert ask(http, ada, "POST", f"/albums/{album}/restore")["id"] == album, "twice is once"


def test_what_became_of_its_photos_meanwhile_is_right_when_it_comes_back(http: TestClient, ada: Somebody) -> None:
    first, second, third = add_photos(ada.user_id, 3, hours=24)
    album = ask(http, ada, "POST", "/albums/manual", title="Best", image_ids=[str(first), str(second)])["id"]
    delete(http, ada, album)
    ask(http, ada, "DELETE", f"/images/{first}")
    with db.transaction(ada.user_id) as conn:
        kept, copy = images.get(conn, third), images.get(conn, second)
        assert kept is not None
        assert copy is not None
        told = inheriting.inherit(conn, kept, [copy], revision=users.next_revision(conn))
    assert told.albums == (), "nobody is told of an album that is not there"
    ask(http, ada, "DELETE", f"/images/{second}")
    shown = ask(http, ada, "POST", f"/albums/{album}/restore")
    assert (shown["image_count"], shown["first_day"], shown["last_day"]) == (1, "2025-05-11", "2025-05-11")
    assert [photo for photo, _ in all_of(http, ada, album)["photos"]] == [str(third)]


@pytest.mark.parametrize("kind", ["place", "trip"])
def test_an_automatic_album_stays_away_until_it_is_restored(http: TestClient, ada: Somebody, kind: str) -> None:
    add_photos(ada.user_id, 20, start=datetime(2024, 1, 1), hours=24, where=BERLIN)
    there = [str(photo) for photo in add_photos(ada.user_id, 12, start=datetime(2024, 6, 1), hours=6, where=LISBON)]
    build(ada.user_id)
    album = next(
        each["id"]
        for each in ask(http, ada, "GET", f"/albums/?kind={kind}")["items"]
        if {photo for photo, _ in all_of(http, ada, each["id"])["photos"]} == set(there)
    )
    ask(http, ada, "PATCH", f"/albums/{album}", title="By the sea", cover_image_id=there[3], sort="oldest")
    ask(http, ada, "DELETE", f"/albums/{album}/images", image_ids=there[:1])
    arrange(ada)
    before = all_of(http, ada, album)
    delete(http, ada, album)
    arrange(ada)
    assert value(ada.user_id, "SELECT count(*) FROM album_images WHERE album_id = %s", [album]) == 0
    others = {each["id"] for each in ask(http, ada, "GET", "/albums/?limit=200")["items"]}
    assert album not in others

    ask(http, ada, "POST", f"/albums/{album}/restore")
    build(ada.user_id)
    assert all_of(http, ada, album) == before
    assert {each["id"] for each in ask(http, ada, "GET", "/albums/?limit=200")["items"]} == {*others, album}


def test_a_trip_whose_photos_a_longer_one_has_by_now_comes_back_as_it_was(http: TestClient, ada: Somebody) -> None:
    add_photos(ada.user_id, 20, start=datetime(2024, 1, 1), hours=24, where=BERLIN)
    days = {"start": datetime(2024, 6, 1), "hours": 6, "where": LISBON}
    there = [str(photo) for photo in add_photos(ada.user_id, 8, **days)]
    build(ada.user_id)
    trip = automatic(http, ada, "trip")
    before = all_of(http, ada, trip)
    delete(http, ada, trip)
    more = add_photos(ada.user_id, 24, **days | {"start": datetime(2024, 6, 3)})
    arrange(ada)
    longer = automatic(http, ada, "trip")
    assert ask(http, ada, "GET", f"/albums/{longer}")["image_count"] == len(there) + len(more)

    mirror = Mirror(http, ada.headers)
    mirror.catch_up()
    shown = ask(http, ada, "POST", f"/albums/{trip}/restore")
    assert (shown["kind"], shown["image_count"]) == ("trip", 8), "its photos are there at once"
    assert mirror.catch_up() == lists(http, ada.headers)
    for _ in range(2):
        arrange(ada)
        after = all_of(http, ada, trip)
        same = ("id", "title", "first_day", "last_day", "image_count", "cover", "sort")
        assert {name: after[name] for name in same} == {name: before[name] for name in same}
        assert [photo for photo, _ in after["photos"]] == [photo for photo, _ in before["photos"]]
        assert after["kind"] == "manual", "for the vault it is none"
        assert automatic(http, ada, "trip") == longer
        assert mirror.catch_up() == lists(http, ada.headers)


def test_a_month_that_a_grown_library_makes_no_album_of_stays_when_it_was_restored(
    http: TestClient, ada: Somebody
) -> None:
    add_photo(ada.user_id, taken=datetime(2020, 5, 3))
    build(ada.user_id)
    month = next(
        each["id"] for each in ask(http, ada, "GET", "/albums/?kind=date")["items"] if each["title"] == "May 2020"
    )
    delete(http, ada, month)
    add_photos(ada.user_id, 127, start=datetime(2025, 6, 1))
    arrange(ada)
    ask(http, ada, "POST", f"/albums/{month}/restore")
    for _ in range(2):
        arrange(ada)
        assert all_of(http, ada, month)["image_count"] == 1
    delete(http, ada, month)
    arrange(ada)
    assert month not in {each["id"] for each in ask(http, ada, "GET", "/albums/?limit=200")["items"]}


def test_a_restored_album_has_the_copy_that_is_kept_of_a_photo_that_was_put_in(http: TestClient, ada: Somebody) -> None:
    kept, copy, _ = add_photos(ada.user_id, 3, hours=24)
    album = ask(http, ada, "POST", "/albums/smart", title="Loved", filter={"favourite": True})["id"]
    ask(http, ada, "PUT", f"/albums/{album}/images", image_ids=[str(copy)])
    delete(http, ada, album)
    with db.transaction(ada.user_id) as conn:
        by_id = {image.id: image for image in images.with_trash(conn, [kept, copy])}
        told = inheriting.inherit(conn, by_id[kept], [by_id[copy]], revision=users.next_revision(conn))
    assert told.albums == ()
    ask(http, ada, "DELETE", f"/images/{copy}")
    ask(http, ada, "POST", f"/albums/{album}/restore")
    assert [photo for photo, _ in all_of(http, ada, album)["photos"]] == [str(kept)]


def test_after_thirty_days_it_is_gone_for_good(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    place = automatic(http, ada, "place")
    made = [
        ask(http, ada, "POST", "/albums/manual", title=title, image_ids=[str(photo)])["id"] for title in ("Old", "New")
    ]
    smart = ask(http, ada, "POST", "/albums/smart", title="Loved", filter={"favourite": True})["id"]
    for album, days in ((place, 31), (made[0], 31), (smart, 31), (made[1], 29)):
        delete(http, ada, album)
        age(ada, album, days)
    for album in (place, made[0], smart):
        problem(http.post(f"/albums/{album}/restore", headers=ada.headers), 404, "not-found")
    maintenance.forget_expired(Report(), now=datetime.now(UTC))
    left = {str(row[0]) for row in table(ada.user_id, "SELECT id FROM albums WHERE deleted_at IS NOT NULL")}
    assert left == {place, made[1]}, "an automatic one stays as a row, so that it does not make itself again"
    assert ask(http, ada, "POST", f"/albums/{made[1]}/restore")["image_count"] == 1
    assert value(ada.user_id, "SELECT count(*) FROM images") == 1


def test_one_smart_album_too_many_does_not_come_back(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smart_albums, "MOST", 1)
    first = ask(http, ada, "POST", "/albums/smart", title="Loved", filter={"favourite": True})["id"]
    delete(http, ada, first)
    second = ask(http, ada, "POST", "/albums/smart", title="Old", filter={"archived": True})["id"]
    problem(http.post(f"/albums/{first}/restore", headers=ada.headers), 409, "conflict")
    delete(http, ada, second)
    add_photo(ada.user_id, favourite=True)
    assert ask(http, ada, "POST", f"/albums/{first}/restore")["image_count"] == 1, "and is up to date at once"


def test_somebody_elses_album_is_not_restored(http: TestClient, ada: Somebody) -> None:
    album = ask(http, ada, "POST", "/albums/manual", title="Mine")["id"]
    delete(http, ada, album)
    problem(http.post(f"/albums/{album}/restore", headers=somebody().headers), 404, "not-found")


@pytest.mark.parametrize("kind", ["smart", "place"])
def test_a_copy_learns_that_an_album_went_and_came_back(http: TestClient, ada: Somebody, kind: str) -> None:
    add_photo(ada.user_id, where=LISBON, favourite=True)
    build(ada.user_id)
    if kind == "smart":
        album = ask(http, ada, "POST", "/albums/smart", title="Loved", filter={"favourite": True})["id"]
    else:
        album = automatic(http, ada, "place")
    steady, slow = Mirror(http, ada.headers), Mirror(http, ada.headers)
    steady.catch_up()
    slow.catch_up()
    for _ in range(2):
        delete(http, ada, album)
        assert album not in steady.catch_up()
        ask(http, ada, "POST", f"/albums/{album}/restore")
        assert steady.catch_up() == lists(http, ada.headers)
        assert album in steady.rows
    assert slow.catch_up() == lists(http, ada.headers)
    delete(http, ada, album)
    age(ada, album, 31)
    maintenance.forget_expired(Report(), now=datetime.now(UTC))
    assert album not in slow.catch_up(), "also when its row is gone"
