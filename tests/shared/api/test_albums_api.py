"""Albums and jobs over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from tests.arranging import BERLIN, LISBON, PORTO, START, Sent, add_photo, add_photos, build, face_of, value
from tests.vaults import Somebody, client, somebody

from photovault import db, images, users
from photovault.api import album_photos, albums, jobs, smart_albums

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([albums.router, album_photos.router, smart_albums.router, jobs.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def items(http: TestClient, who: Somebody, path: str, *, limit: int = 200, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        parameters = query | {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = http.get(path, headers=who.headers, params=parameters)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def trash(user_id: UUID, image_id: UUID) -> None:
    with db.transaction(user_id) as conn:
        images.move_to_trash(conn, image_id, revision=users.next_revision(conn))


def make(http: TestClient, who: Somebody, **body: Any) -> dict[str, Any]:
    answer = http.post("/albums/manual", headers=who.headers, json={"title": "Mine"} | body)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


# ---- the list -----------------------------------------------------------------------------------------------------


def test_albums_are_listed_with_the_latest_first_and_page_by_page(http: TestClient, ada: Somebody) -> None:
    for months in (0, 3, 1):
        add_photo(ada.user_id, taken=START + timedelta(days=31 * months), where=LISBON)
    make(http, ada, title="Empty")
    build(ada.user_id)
    whole = items(http, ada, "/albums/")
    assert items(http, ada, "/albums/", limit=1) == whole
    days = [album["last_day"] for album in whole]
    assert days[-1] is None
    assert days[:-1] == sorted(days[:-1], reverse=True)
    assert http.get("/albums", headers=ada.headers).json()["items"] == whole


def test_albums_can_be_asked_for_by_kind(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    assert [album["title"] for album in items(http, ada, "/albums/", kind="place")] == ["Lisbon"]
    assert http.get("/albums/?kind=nonsense", headers=ada.headers).status_code == 422


def test_an_album_shows_what_it_is(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    (album,) = items(http, ada, "/albums/", kind="place")
    assert album.keys() == {
        "id", "kind", "title", "description", "image_count", "first_day", "last_day", "cover", "sort", "filter", "why",
        "created_at",
    }  # fmt: skip
    assert album["image_count"] == 1
    assert album["cover"] == {"image_id": str(photo), "ticket": None}
    assert album["why"]["rule"] == "place"
    assert http.get(f"/albums/{album['id']}", headers=ada.headers).json() == album


def test_photos_in_the_trash_are_gone_from_albums_at_once(http: TestClient, ada: Somebody) -> None:
    kept = add_photo(ada.user_id, where=LISBON)
    doomed = add_photo(ada.user_id, where=LISBON, taken=START + timedelta(hours=1))
    only = add_photo(ada.user_id, where=PORTO, taken=START + timedelta(days=200))
    build(ada.user_id)
    for photo in (doomed, only):
        trash(ada.user_id, photo)
    shown = {album["title"]: album for album in items(http, ada, "/albums/", kind="place")}
    assert shown.keys() == {"Lisbon", "Portugal"}
    assert shown["Lisbon"]["image_count"] == 1
    assert shown["Lisbon"]["cover"]["image_id"] == str(kept)
    assert [image["id"] for image in items(http, ada, f"/albums/{shown['Lisbon']['id']}/images")] == [str(kept)]


# ---- photos of an album -------------------------------------------------------------------------------------------


def test_photos_of_an_album_come_newest_first_and_say_why(http: TestClient, ada: Somebody) -> None:
    photos = add_photos(ada.user_id, 5, where=LISBON)
    build(ada.user_id)
    (album,) = items(http, ada, "/albums/", kind="place")
    found = items(http, ada, f"/albums/{album['id']}/images", limit=2)
    assert [image["id"] for image in found] == [str(photo) for photo in reversed(photos)]
    assert all(image["why"] == {"place": "Lisbon", "source": "measured"} for image in found)


def test_what_happened_is_told_from_its_beginning(http: TestClient, ada: Somebody) -> None:
    add_photos(ada.user_id, 10, start=datetime(2025, 3, 1, 8), hours=72)
    party = add_photos(ada.user_id, 12, start=datetime(2025, 3, 15, 15), hours=1 / 12)
    build(ada.user_id)
    (album,) = items(http, ada, "/albums/", kind="event")
    assert album["sort"] == "oldest"
    found = items(http, ada, f"/albums/{album['id']}/images", limit=5)
    assert [image["id"] for image in found] == [str(photo) for photo in party]
    newest = http.patch(f"/albums/{album['id']}", headers=ada.headers, json={"sort": "newest"})
    build(ada.user_id)
    assert http.get(f"/albums/{album['id']}", headers=ada.headers).json()["sort"] == newest.json()["sort"] == "newest"


def test_an_explanation_has_words_and_numbers(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    texts = {}
    for album in items(http, ada, "/albums/"):
        answer = http.get(f"/albums/{album['id']}/explanation", headers=ada.headers).json()
        assert answer["why"] == album["why"]
        texts[album["kind"]] = answer["text"]
    assert texts == {
        "place": "Photos taken in Lisbon, Portugal.",
        "date": "Photos taken in May 2025, by the day where they were taken.",
    }


# ---- by hand ------------------------------------------------------------------------------------------------------


def test_an_album_is_made_filled_and_emptied_by_hand(http: TestClient, ada: Somebody) -> None:
    first, second = add_photos(ada.user_id, 2, hours=24)
    album = make(http, ada, title="  Mine ", description="All of it", image_ids=[str(first)])
    assert (album["kind"], album["title"], album["description"]) == ("manual", "Mine", "All of it")
    assert (album["image_count"], album["first_day"], album["why"]) == (1, "2025-05-09", None)
    path = f"/albums/{album['id']}/images"
    body = {"image_ids": [str(first), str(second)]}
    for _ in range(2):
        answer = http.put(path, headers=ada.headers, json=body)
        assert answer.status_code == 200
        assert (answer.json()["image_count"], answer.json()["last_day"]) == (2, "2025-05-10")
    assert [image["why"] for image in items(http, ada, path)] == [None, None]
    answer = http.request("DELETE", path, headers=ada.headers, json={"image_ids": [str(second)]})
    assert (answer.json()["image_count"], answer.json()["last_day"]) == (1, "2025-05-09")
    assert http.delete(f"/albums/{album['id']}", headers=ada.headers).status_code == 204
    assert http.get(f"/albums/{album['id']}", headers=ada.headers).status_code == 404
    assert value(ada.user_id, "SELECT count(*) FROM images") == 2


def test_photos_of_others_and_of_nobody_are_equally_unknown(http: TestClient, ada: Somebody) -> None:
    mine, theirs = add_photo(ada.user_id), add_photo(somebody().user_id)
    doomed = add_photo(ada.user_id)
    trash(ada.user_id, doomed)
    album = make(http, ada)
    answers = []
    for foreign in (theirs, uuid4(), doomed):
        body = {"title": "Mine", "image_ids": [str(mine), str(foreign)]}
        answers.append(http.post("/albums/manual", headers=ada.headers, json=body))
        path = f"/albums/{album['id']}/images"
        answers.append(http.put(path, headers=ada.headers, json={"image_ids": [str(mine), str(foreign)]}))
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["detail"] for answer in answers} == {"There is no such photo."}
    assert value(ada.user_id, "SELECT count(*) FROM albums") == 1
    assert value(ada.user_id, "SELECT count(*) FROM album_images") == 0


def test_somebody_elses_album_is_not_there(http: TestClient, ada: Somebody) -> None:
    grace = somebody()
    path = f"/albums/{make(http, grace)['id']}"
    body = {"image_ids": [str(uuid4())]}
    answers = [
        http.get(path, headers=ada.headers),
        http.patch(path, headers=ada.headers, json={"title": "Stolen"}),
        http.delete(path, headers=ada.headers),
        http.get(f"{path}/images", headers=ada.headers),
        http.get(f"{path}/explanation", headers=ada.headers),
        http.put(f"{path}/images", headers=ada.headers, json=body),
        http.request("DELETE", f"{path}/images", headers=ada.headers, json=body),
    ]
    assert [answer.status_code for answer in answers] == [404] * 7
    assert http.get(path, headers=grace.headers).json()["title"] == "Mine"


def test_an_album_needs_a_title(http: TestClient, ada: Somebody) -> None:
    for title in ("", "   ", "a\x00b", "x" * 201):
        assert http.post("/albums/manual", headers=ada.headers, json={"title": title}).status_code == 422
    path = f"/albums/{make(http, ada)['id']}"
    assert http.patch(path, headers=ada.headers, json={"title": None}).status_code == 422


def test_edits_change_what_is_given_and_no_more(http: TestClient, ada: Somebody) -> None:
    first, second = add_photos(ada.user_id, 2)
    album = make(http, ada, description="Old", image_ids=[str(first), str(second)])
    path = f"/albums/{album['id']}"
    answer = http.patch(path, headers=ada.headers, json={"title": "New"}).json()
    assert (answer["title"], answer["description"]) == ("New", "Old")
    answer = http.patch(path, headers=ada.headers, json={"description": None, "cover_image_id": str(first)}).json()
    assert (answer["title"], answer["description"], answer["cover"]["image_id"]) == ("New", None, str(first))
    answer = http.patch(path, headers=ada.headers, json={"cover_image_id": str(uuid4())})
    assert answer.status_code == 404
    answer = http.patch(path, headers=ada.headers, json={"cover_image_id": None}).json()
    assert answer["cover"]["image_id"] == str(second)


def test_an_automatic_album_can_be_renamed_and_deleted_for_good(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    (album,) = items(http, ada, "/albums/", kind="place")
    path = f"/albums/{album['id']}"
    http.patch(path, headers=ada.headers, json={"title": "Our town"})
    add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    assert http.get(path, headers=ada.headers).json()["title"] == "Our town"
    http.patch(path, headers=ada.headers, json={"title": None})
    build(ada.user_id)
    assert http.get(path, headers=ada.headers).json()["title"] == "Lisbon"
    assert http.delete(path, headers=ada.headers).status_code == 204
    add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    assert items(http, ada, "/albums/", kind="place") == []


def test_a_month_that_was_renamed_stays_when_the_library_has_grown(http: TestClient, ada: Somebody) -> None:
    """Else a wedding of three photos would go, with its title and its link, because more photos came."""
    for year in (1969, 1970):
        add_photo(ada.user_id, taken=datetime(year, 5, 3, 12))
    build(ada.user_id)
    mine, other = (one for one in items(http, ada, "/albums/", kind="date") if one["title"].startswith("May "))
    http.patch(f"/albums/{mine['id']}", headers=ada.headers, json={"title": "Our wedding"})
    add_photos(ada.user_id, 126)
    build(ada.user_id)
    there = {one["id"]: one["title"] for one in items(http, ada, "/albums/", kind="date")}
    assert there[mine["id"]] == "Our wedding"
    assert other["id"] not in there


# ---- repetition ---------------------------------------------------------------------------------------------------


def test_a_key_makes_one_album_however_often_it_is_sent(http: TestClient, ada: Somebody) -> None:
    headers = ada.headers | {"Idempotency-Key": "k1"}
    answers = [http.post("/albums/manual", headers=headers, json={"title": "Mine"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(items(http, ada, "/albums/")) == 1
    again = http.post("/albums/manual", headers=headers, json={"title": "Another"})
    assert again.status_code == 409
    assert (
        http.post("/albums/manual", headers=ada.headers | {"Idempotency-Key": "k2"}, json={"title": "Mine"}).json()[
            "id"
        ]
        != (answers[0].json()["id"])
    )


def test_a_repetition_is_answered_with_the_album_as_it_is_now(http: TestClient, ada: Somebody) -> None:
    headers = ada.headers | {"Idempotency-Key": "k1"}
    album = http.post("/albums/manual", headers=headers, json={"title": "Mine"}).json()
    http.patch(f"/albums/{album['id']}", headers=ada.headers, json={"title": "Renamed"})
    assert http.post("/albums/manual", headers=headers, json={"title": "Mine"}).json()["title"] == "Renamed"


def test_keys_are_each_persons_own_and_expire(http: TestClient, ada: Somebody) -> None:
    grace = somebody()
    albums_made = set()
    for who in (ada, grace):
        headers = who.headers | {"Idempotency-Key": "same"}
        albums_made.add(http.post("/albums/manual", headers=headers, json={"title": "Mine"}).json()["id"])
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    headers = ada.headers | {"Idempotency-Key": "same"}
    albums_made.add(http.post("/albums/manual", headers=headers, json={"title": "Later"}).json()["id"])
    assert len(albums_made) == 3


def test_a_failed_request_leaves_its_key_unused(http: TestClient, ada: Somebody) -> None:
    headers = ada.headers | {"Idempotency-Key": "k1"}
    body = {"title": "Mine", "image_ids": [str(uuid4())]}
    assert http.post("/albums/manual", headers=headers, json=body).status_code == 404
    assert http.post("/albums/manual", headers=headers, json={"title": "Mine"}).status_code == 201


def test_a_cover_in_the_trash_is_stood_in_for_until_it_is_back(http: TestClient, ada: Somebody) -> None:
    first, second = add_photos(ada.user_id, 2)
    path = f"/albums/{make(http, ada, image_ids=[str(first), str(second)])['id']}"
    http.patch(path, headers=ada.headers, json={"cover_image_id": str(first)})

    def cover() -> str:
        shown: str = http.get(path, headers=ada.headers).json()["cover"]["image_id"]
        return shown

    assert cover() == str(first)
    trash(ada.user_id, first)
    assert cover() == str(second)
    with db.transaction(ada.user_id) as conn:
        images.restore(conn, first, revision=users.next_revision(conn))
    assert cover() == str(first)
    http.request("DELETE", f"{path}/images", headers=ada.headers, json={"image_ids": [str(first)]})
    assert cover() == str(second)


# ---- arranging on demand ------------------------------------------------------------------------------------------


def test_arranging_is_a_job_to_watch(http: TestClient, ada: Somebody, sent: Sent) -> None:
    add_photo(ada.user_id, where=LISBON)
    answer = http.post("/albums/auto-generate", headers=ada.headers, json={})
    assert answer.status_code == 202
    assert sent.albums() == [300, 0]
    path = f"/jobs/{answer.json()['job_id']}"
    job = http.get(path, headers=ada.headers).json()
    assert (job["kind"], job["state"], job["done"], job["total"]) == ("albums", "queued", 0, None)
    build(ada.user_id)
    job = http.get(path, headers=ada.headers).json()
    assert (job["state"], job["done"], job["error"]) == ("done", job["total"], None)
    assert [album["title"] for album in items(http, ada, "/albums/", kind="place")] == ["Lisbon"]


def test_a_job_that_nobody_has_begun_serves_everybody_who_asks(http: TestClient, ada: Somebody) -> None:
    first = http.post("/albums/auto-generate", headers=ada.headers).json()["job_id"]
    assert http.post("/albums/auto-generate", headers=ada.headers, json={}).json()["job_id"] == first
    build(ada.user_id)
    assert http.post("/albums/auto-generate", headers=ada.headers).json()["job_id"] != first


def test_a_job_waits_for_what_was_uploaded_after_the_one_before(http: TestClient, ada: Somebody) -> None:
    first = http.post("/albums/auto-generate", headers=ada.headers).json()["job_id"]
    add_photo(ada.user_id)
    assert http.post("/albums/auto-generate", headers=ada.headers).json()["job_id"] != first


def test_a_repeated_request_to_arrange_names_the_same_job(http: TestClient, ada: Somebody) -> None:
    headers = ada.headers | {"Idempotency-Key": "k1"}
    first = http.post("/albums/auto-generate", headers=headers, json={}).json()["job_id"]
    build(ada.user_id)
    assert http.post("/albums/auto-generate", headers=headers, json={}).json()["job_id"] == first


def test_a_waiting_job_is_cancelled_at_once(http: TestClient, ada: Somebody) -> None:
    path = f"/jobs/{http.post('/albums/auto-generate', headers=ada.headers).json()['job_id']}"
    answer = http.delete(path, headers=ada.headers)
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["error"]) == ("failed", "Cancelled.")
    build(ada.user_id)
    assert http.get(path, headers=ada.headers).json()["state"] == "failed"


def test_somebody_elses_job_is_not_there(http: TestClient, ada: Somebody) -> None:
    path = f"/jobs/{http.post('/albums/auto-generate', headers=somebody().headers).json()['job_id']}"
    assert http.get(path, headers=ada.headers).status_code == 404
    assert http.delete(path, headers=ada.headers).status_code == 404


# ---- by place, day and person --------------------------------------------------------------------------------------


@pytest.fixture
def europe(ada: Somebody) -> Somebody:
    """Three photos of Lisbon, two of Porto, one of Berlin, one of the Portuguese countryside, one of nowhere."""
    add_photos(ada.user_id, 3, where=LISBON, hours=24)
    add_photos(ada.user_id, 2, where=PORTO, start=START + timedelta(days=40))
    add_photo(ada.user_id, where=BERLIN, taken=START + timedelta(days=400))
    add_photo(ada.user_id, where=("PT", "Portugal", None, None, 40.0, -8.0))
    add_photo(ada.user_id)
    trash(ada.user_id, add_photo(ada.user_id, where=BERLIN))
    add_photo(ada.user_id, where=BERLIN, archived=True)
    return ada


@pytest.mark.parametrize(
    ("level", "names", "counts"),
    [
        ("country", ["Portugal", "Germany"], [6, 1]),
        ("region", ["Lisbon", "Porto", "Berlin"], [3, 2, 1]),
        ("city", ["Lisbon", "Porto", "Berlin"], [3, 2, 1]),
    ],
)
def test_photos_by_place(http: TestClient, europe: Somebody, level: str, names: list[str], counts: list[int]) -> None:
    found = items(http, europe, "/albums/by-location", level=level)
    assert [group["place"][level] for group in found] == names
    assert [group["image_count"] for group in found] == counts
    assert items(http, europe, "/albums/by-location", level=level, limit=1) == found
    assert all(group["cover"]["image_id"] for group in found)


def test_a_place_has_its_first_and_last_day(http: TestClient, europe: Somebody) -> None:
    lisbon = items(http, europe, "/albums/by-location", level="city")[0]
    assert (lisbon["from"], lisbon["to"]) == ("2025-05-09", "2025-05-11")
    assert lisbon["place"] == {"city": "Lisbon", "region": "Lisbon", "country": "Portugal", "country_code": "PT"}


def test_places_with_as_many_photos_are_all_listed(http: TestClient, ada: Somebody) -> None:
    for n in range(7):
        add_photo(ada.user_id, where=("PT", "Portugal", "Region", f"Town {n}", 40.0, -8.0))
    found = items(http, ada, "/albums/by-location", level="city", limit=2)
    assert sorted(group["place"]["city"] for group in found) == [f"Town {n}" for n in range(7)]


@pytest.mark.parametrize(
    ("level", "dates", "counts"),
    [
        ("year", ["2026", "2025"], [1, 7]),
        ("month", ["2026-06", "2025-06", "2025-05"], [1, 2, 5]),
        ("day", ["2026-06-13", "2025-06-18", "2025-05-11", "2025-05-10", "2025-05-09"], [1, 2, 1, 1, 3]),
    ],
)
def test_photos_by_date(http: TestClient, europe: Somebody, level: str, dates: list[str], counts: list[int]) -> None:
    found = items(http, europe, "/albums/by-date", level=level)
    assert [group["date"] for group in found] == dates
    assert [group["image_count"] for group in found] == counts
    assert items(http, europe, "/albums/by-date", level=level, limit=1) == found
    assert all(group["cover"]["image_id"] for group in found)


def test_unknown_levels_and_foreign_cursors_are_refused(http: TestClient, ada: Somebody) -> None:
    for path in ("by-location?level=street", "by-date?level=hour", "?cursor=nonsense", "?limit=0", "?limit=201"):
        assert http.get(f"/albums/{path}", headers=ada.headers).status_code == 422
    cursor = {"cursor": "WyJvdGhlciIsIDFd"}
    for path in ("", "by-location", "by-date", "persons"):
        assert http.get(f"/albums/{path}", headers=ada.headers, params=cursor).status_code == 422


def test_people_are_listed_with_most_photos_first(http: TestClient, ada: Somebody) -> None:
    for who, photos in ((1, 2), (2, 4), (3, 2)):
        for look in range(photos):
            add_photo(ada.user_id, faces=[face_of(who, look)])
    build(ada.user_id)
    found = items(http, ada, "/albums/persons")
    assert [person["image_count"] for person in found] == [4, 2, 2]
    assert items(http, ada, "/albums/persons", limit=1) == found
    assert found[0].keys() == {"id", "name", "birthday", "face_count", "image_count", "cover_face", "hidden"}
    assert found[0]["cover_face"]["image_id"]


def test_nothing_is_shown_without_logging_in(http: TestClient) -> None:
    for path in ("/albums/", "/albums/by-location", "/albums/by-date", "/albums/persons", f"/jobs/{uuid4()}"):
        assert http.get(path).status_code == 401
    assert http.post("/albums/manual", json={"title": "Mine"}).status_code == 401
