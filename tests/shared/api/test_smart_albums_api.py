"""Smart albums over HTTP: saved filters that keep themselves up to date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from tests.arranging import BERLIN, LISBON, PORTO, START, add_photo, add_photos, build, face_of, table, value, who_is_in
from tests.vaults import Somebody, client, somebody

from photovault import db, smart_albums, users
from photovault.api import album_photos, albums, people
from photovault.api import images as image_routes
from photovault.api import search as search_routes
from photovault.api import smart_albums as routes
from photovault.api.saved_filters import SavedFilter
from photovault.filters import Filter

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    routers = [routes.router, albums.router, album_photos.router, people.router, image_routes.router]
    with client([*routers, search_routes.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def make(http: TestClient, who: Somebody, *, title: str = "Smart", **body: Any) -> dict[str, Any]:
    answer = http.post("/albums/smart", headers=who.headers, json={"title": title} | body)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def photos_of(http: TestClient, who: Somebody, album: dict[str, Any]) -> set[UUID]:
    answer = http.get(f"/albums/{album['id']}/images", headers=who.headers, params={"limit": 200})
    assert answer.status_code == 200, answer.text
    return {UUID(image["id"]) for image in answer.json()["items"]}


def told(http: TestClient, who: Somebody, album: dict[str, Any]) -> list[str]:
    sentences: list[str] = http.get(f"/albums/{album['id']}/explanation", headers=who.headers).json()["sentences"]
    return sentences


def person(http: TestClient, who: Somebody, photo: UUID, name: str | None = None) -> str:
    (found,) = who_is_in(who.user_id, [photo])
    if name:
        answer = http.patch(f"/people/{found}", headers=who.headers, json={"name": name})
        assert answer.status_code == 200, answer.text
    return str(found)


def ask(http: TestClient, who: Somebody, method: str, path: str, **body: Any) -> Any:
    answer = http.request(method, path, headers=who.headers, json=body or None)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


PLACE = {"level": "city", "value": "Lisbon", "country_code": "PT"}


# ---- a filter, and what it finds ----------------------------------------------------------------------------------


Library = tuple[Somebody, list[UUID]]


@pytest.fixture(scope="module")
def a_little_of_all(vault: Path) -> Library:
    """Somebody with six photos on as many days, each of which has something that no other has."""
    who = somebody()
    days = [START + timedelta(days=n) for n in range(6)]
    photos = [
        add_photo(who.user_id, taken=days[0], where=LISBON),
        add_photo(who.user_id, taken=days[1], where=LISBON, favourite=True),
        add_photo(who.user_id, taken=days[2], where=PORTO, faces=[face_of(1)]),
        add_photo(who.user_id, taken=days[3], where=BERLIN, camera_make="Canon", camera_model="EOS R5"),
        add_photo(who.user_id, taken=days[4], content_type="image/heic", width=3, height=4),
        add_photo(who.user_id, taken=days[5], archived=True),
    ]
    with db.transaction(who.user_id) as conn:
        conn.execute("UPDATE images SET caption = 'by the river' WHERE id = %s", [photos[3]])
        conn.execute(
            "INSERT INTO blobs (image_id, name, driver, key, bytes, sha256, header_sha256, plain_bytes, content_type) "
            "VALUES (%(id)s, 'motion', 'local', %(id)s::text, 1, sha256('a'), sha256('a'), 1, 'video/quicktime')",
            {"id": photos[0]},
        )
    return who, photos


def test_an_album_holds_what_its_filter_finds(http: TestClient, ada: Somebody) -> None:
    inside = set(add_photos(ada.user_id, 3, where=LISBON))
    add_photos(ada.user_id, 2, where=PORTO)
    add_photo(ada.user_id, where=LISBON, archived=True)
    add_photo(ada.user_id, where=LISBON, status="processing")
    album = make(http, ada, filter={"places": [PLACE]}, description="Ours")
    assert (album["kind"], album["title"], album["description"], album["sort"]) == ("smart", "Smart", "Ours", "newest")
    assert (album["image_count"], album["first_day"]) == (3, "2025-05-09")
    assert album["filter"]["places"] == [PLACE]
    assert album["cover"]["image_id"] in {str(photo) for photo in inside}
    assert photos_of(http, ada, album) == inside
    assert told(http, ada, album) == ["Taken in Lisbon."]
    (image, *_) = http.get(f"/albums/{album['id']}/images", headers=ada.headers).json()["items"]
    assert (image["why"], image["because"]) == ({"rule": "filter"}, "It fits the filter.")


@pytest.mark.parametrize(
    ("conditions", "which"),
    [
        ({"favourite": True}, {1}),
        ({"favourite": False}, {0, 2, 3, 4}),
        ({"archived": True}, {5}),
        ({"date_from": "2025-05-10"}, {1, 2, 3, 4}),
        ({"date_from": "2025-05-10", "date_to": "2025-05-11"}, {1, 2}),
        ({"days": [["2025-05-09", "2025-05-09"], ["2025-05-12", None]]}, {0, 3, 4}),
        ({"days_none": [["2025-05-09", "2025-05-11"]]}, {3, 4}),
        ({"yearly": [[510, 511]]}, {1, 2}),
        ({"yearly_none": [[510, 511]]}, {0, 3, 4}),
        ({"places": [{"level": "country", "value": "Portugal", "country_code": "pt"}]}, {0, 1, 2}),
        ({"places_none": [PLACE]}, {2, 3, 4}),
        ({"bbox": [-10, 38, -9, 39]}, {0, 1}),
        ({"cameras": ["canon"]}, {3}),
        ({"cameras_none": ["canon"]}, {0, 1, 2, 4}),
        ({"content_types": ["image/heic"]}, {4}),
        ({"content_types_none": ["image/heic"]}, {0, 1, 2, 3}),
        ({"has_gps": False}, {4}),
        ({"near": [{"lat": 38.7, "lon": -9.1, "km": 50}]}, {0, 1}),
        ({"near_none": [{"lat": 38.7, "lon": -9.1, "km": 400}]}, {3, 4}),
        ({"hours": [[9, 11]]}, {0, 1, 2, 3, 4}),
        ({"hours": [[22, 6]]}, set()),
        ({"weekdays": [5, 6]}, {1, 2}),
        ({"orientations": ["portrait", "square"]}, {4}),
        ({"has_faces": True}, {2}),
        ({"has_caption": True}, {3}),
        ({"has_caption": False}, {0, 1, 2, 4}),
        ({"has_motion": True}, {0}),
        ({"has_motion": False}, {1, 2, 3, 4}),
        ({"places": [PLACE], "favourite": True}, {1}),
        ({"labels_all": ["cat"]}, set()),
    ],
)
def test_every_condition_narrows(
    http: TestClient, a_little_of_all: Library, conditions: dict[str, Any], which: set[int]
) -> None:
    who, photos = a_little_of_all
    album = make(http, who, filter=conditions)
    assert photos_of(http, who, album) == {photos[n] for n in which}
    assert told(http, who, album)
    preview = ask(http, who, "POST", "/albums/smart/preview", filter=conditions)
    assert preview["image_count"] == len(which)
    assert preview["filter"] == album["filter"]


def test_what_a_search_understood_can_be_saved_as_it_is(http: TestClient, ada: Somebody) -> None:
    inside = add_photos(ada.user_id, 3, where=LISBON)
    add_photos(ada.user_id, 2, where=PORTO)
    build(ada.user_id)
    found = http.get("/search", headers=ada.headers, params={"q": "lisbon in may 2025 -is:favourite"}).json()
    album = make(http, ada, filter=found["filter"]["conditions"])
    assert photos_of(http, ada, album) == {UUID(hit["image"]["id"]) for hit in found["items"]} == set(inside)


def test_a_query_in_words_is_saved_by_what_it_means(http: TestClient, ada: Somebody) -> None:
    anna = add_photos(ada.user_id, 3, where=LISBON, faces=[face_of(1)])
    add_photos(ada.user_id, 3, where=LISBON, faces=[face_of(2)])
    build(ada.user_id)
    anna_id = person(http, ada, anna[0], "Anna")
    album = make(http, ada, q="anna in lisbon")
    assert album["filter"]["people_all"] == [anna_id]
    assert photos_of(http, ada, album) == set(anna)
    assert told(http, ada, album) == ["Photos with Anna.", "Taken in Lisbon."]


def test_words_that_are_no_condition_are_refused_by_name(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id, where=LISBON)
    for path in ("/albums/smart", "/albums/smart/preview"):
        body = {"q": "lisbon sunset on a boat"} | ({"title": "Mine"} if path.endswith("smart") else {})
        answer = http.post(path, headers=ada.headers, json=body)
        assert answer.status_code == 422
        assert "sunset on a boat" in answer.json()["detail"]
        assert answer.json()["errors"] == [{"field": "q", "message": "holds words that are no condition"}]


# ---- up to date ---------------------------------------------------------------------------------------------------


def test_an_upload_comes_in_with_the_rebuild_that_it_asks_for(http: TestClient, ada: Somebody) -> None:
    album = make(http, ada, filter={"places": [PLACE]})
    assert album["image_count"] == 0
    photo = add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    shown = ask(http, ada, "GET", f"/albums/{album['id']}")
    assert (shown["image_count"], shown["first_day"], shown["cover"]["image_id"]) == (1, "2025-05-09", str(photo))


def test_a_favourite_comes_and_goes_at_once(http: TestClient, ada: Somebody) -> None:
    photo, other = add_photos(ada.user_id, 2)
    album = make(http, ada, filter={"favourite": True})
    for favourite, expected in ((True, {photo}), (False, set())):
        ask(http, ada, "PATCH", f"/images/{photo}", favourite=favourite)
        assert photos_of(http, ada, album) == expected
        assert ask(http, ada, "GET", f"/albums/{album['id']}")["image_count"] == len(expected)
    ask(http, ada, "PATCH", f"/images/{other}", caption="no reason")
    assert photos_of(http, ada, album) == set()


def test_a_new_name_changes_what_it_says_and_not_what_it_holds(http: TestClient, ada: Somebody) -> None:
    anna = add_photos(ada.user_id, 3, faces=[face_of(1)])
    build(ada.user_id)
    anna_id = person(http, ada, anna[0], "Anna")
    album = make(http, ada, q="anna")
    person(http, ada, anna[0], "Annabel")
    add_photos(ada.user_id, 3, faces=[face_of(2)])
    build(ada.user_id)
    assert photos_of(http, ada, album) == set(anna)
    assert told(http, ada, album) == ["Photos with Annabel."]
    assert ask(http, ada, "GET", f"/albums/{album['id']}")["filter"]["people_all"] == [anna_id]


def test_a_correction_moves_photos_with_the_rebuild(http: TestClient, ada: Somebody) -> None:
    anna, ben = add_photos(ada.user_id, 3, faces=[face_of(1)]), add_photos(ada.user_id, 3, faces=[face_of(2)])
    build(ada.user_id)
    with_anna = make(http, ada, filter={"people_all": [person(http, ada, anna[0], "Anna")]})
    without = make(http, ada, filter={"people_none": [person(http, ada, anna[0])]})
    (face,) = ask(http, ada, "GET", f"/images/{ben[0]}")["people"]
    ask(http, ada, "PUT", f"/faces/{face['id']}/person", person_id=person(http, ada, anna[0]))
    build(ada.user_id)
    assert photos_of(http, ada, with_anna) == {*anna, ben[0]}
    assert photos_of(http, ada, without) == set(ben[1:])


def test_a_filter_follows_somebody_who_turned_out_to_be_somebody_else(http: TestClient, ada: Somebody) -> None:
    one, other = add_photos(ada.user_id, 3, faces=[face_of(1)]), add_photos(ada.user_id, 3, faces=[face_of(2)])
    build(ada.user_id)
    anna, annie = person(http, ada, one[0], "Anna"), person(http, ada, other[0], "Annie")
    album = make(http, ada, filter={"people_all": [annie]})
    neither = make(http, ada, filter={"people_none": [annie]})
    ask(http, ada, "POST", "/people/merge", into=anna, people=[annie])
    assert told(http, ada, album) == ["Photos with Anna."]
    build(ada.user_id)
    assert photos_of(http, ada, album) == {*one, *other}
    assert photos_of(http, ada, neither) == set()
    assert ask(http, ada, "GET", f"/albums/{album['id']}")["filter"]["people_all"] == [anna]


def test_a_photo_in_the_trash_is_gone_and_comes_back(http: TestClient, ada: Somebody) -> None:
    photo, other = add_photos(ada.user_id, 2, where=LISBON)
    album = make(http, ada, filter={"places": [PLACE]})
    ask(http, ada, "DELETE", f"/images/{photo}")
    build(ada.user_id)
    assert photos_of(http, ada, album) == {other}
    assert ask(http, ada, "GET", f"/albums/{album['id']}")["image_count"] == 1
    ask(http, ada, "POST", f"/images/{photo}/restore")
    assert photos_of(http, ada, album) == {photo, other}


def test_a_rebuild_that_changes_nothing_writes_nothing(http: TestClient, ada: Somebody) -> None:
    add_photos(ada.user_id, 3, where=LISBON)
    make(http, ada, filter={"places": [PLACE]})
    make(http, ada, filter={"last_days": 30})
    build(ada.user_id)
    before = value(ada.user_id, "SELECT revision FROM users")
    add_photo(ada.user_id, archived=True)
    build(ada.user_id)
    assert value(ada.user_id, "SELECT revision FROM users") == before + 1  # the photo's


def test_the_last_days_move_along(http: TestClient, ada: Somebody) -> None:
    today = datetime.now(UTC).replace(tzinfo=None)
    ages = {days: add_photo(ada.user_id, taken=today - timedelta(days=days)) for days in (0, 3, 6, 7, 8, 40)}
    album = make(http, ada, filter={"last_days": 7})

    def lately(*days: int) -> list[set[UUID]]:
        """Those that are still young enough: as it began, and now, as midnight may have come."""
        late = (datetime.now(UTC).date() - today.date()).days
        return [{ages[age] for age in days if age + later <= 7} for later in (0, late)]

    assert photos_of(http, ada, album) in lately(0, 3, 6, 7)
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)
        # A photo that has grown older by a week, as the calendar sees it.
        conn.execute("UPDATE images SET local_day = local_day - 7 WHERE id = %s", [ages[3]])
        smart_albums.refresh(conn)
    assert photos_of(http, ada, album) in lately(0, 6, 7)


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("last 30 days", 30),
        ("past 2 weeks", 14),
        ("letzte 30 Tage", 30),
        ("last summer", None),
        ("2024", None),
        ("yesterday", None),
    ],
)
def test_words_for_days_that_end_today_roll_and_others_stand_still(
    http: TestClient, ada: Somebody, words: str, days: int | None
) -> None:
    preview = ask(http, ada, "POST", "/albums/smart/preview", q=words, today="2025-06-11")
    assert preview["filter"]["last_days"] == days
    assert bool(preview["filter"]["days"]) == (days is None)


# ---- by hand ------------------------------------------------------------------------------------------------------


def test_what_the_person_took_out_stays_out_and_what_they_put_in_stays_in(http: TestClient, ada: Somebody) -> None:
    inside = add_photos(ada.user_id, 3, where=LISBON)
    porto = add_photo(ada.user_id, where=PORTO)
    album = make(http, ada, filter={"places": [PLACE]})
    path = f"/albums/{album['id']}/images"
    assert ask(http, ada, "DELETE", path, image_ids=[str(inside[0])])["image_count"] == 2
    assert ask(http, ada, "PUT", path, image_ids=[str(porto)])["image_count"] == 3
    late = add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    assert photos_of(http, ada, album) == {*inside[1:], porto, late}
    other = {"places": [{"level": "country", "value": "Portugal", "country_code": "PT"}]}
    ask(http, ada, "PATCH", f"/albums/{album['id']}", filter=other)
    assert photos_of(http, ada, album) == {*inside[1:], porto, late}
    assert told(http, ada, album) == ["Taken in Portugal.", "You took one photo out.", "You put one photo in."]
    ask(http, ada, "PUT", path, image_ids=[str(inside[0])])
    build(ada.user_id)
    assert photos_of(http, ada, album) == {*inside, porto, late}


def test_a_filter_is_changed_by_another_filter_or_by_words(http: TestClient, ada: Somebody) -> None:
    lisbon, porto = add_photo(ada.user_id, where=LISBON), add_photo(ada.user_id, where=PORTO)
    album = make(http, ada, filter={"places": [PLACE]})
    answer = ask(http, ada, "PATCH", f"/albums/{album['id']}", q="in porto", title="Elsewhere")
    assert (answer["title"], answer["id"]) == ("Elsewhere", album["id"])
    assert photos_of(http, ada, album) == {porto}
    ask(http, ada, "PATCH", f"/albums/{album['id']}", filter={"places": [PLACE]})
    assert photos_of(http, ada, album) == {lisbon}
    assert ask(http, ada, "GET", f"/albums/{album['id']}")["title"] == "Elsewhere"
    both = {"q": "porto", "filter": {"favourite": True}}
    assert http.patch(f"/albums/{album['id']}", headers=ada.headers, json=both).status_code == 422


def test_only_a_smart_album_follows_a_filter(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    ask(http, ada, "POST", "/albums/manual", title="Mine")
    for album in http.get("/albums/", headers=ada.headers).json()["items"]:
        assert album["filter"] is None
        answer = http.patch(f"/albums/{album['id']}", headers=ada.headers, json={"filter": {"favourite": True}})
        assert answer.status_code == 409
    smart = make(http, ada, filter={"favourite": True})
    for body in ({"sort": "manual"}, {"title": None}):
        assert http.patch(f"/albums/{smart['id']}", headers=ada.headers, json=body).status_code in {409, 422}


# ---- albums in filters --------------------------------------------------------------------------------------------


def test_a_filter_follows_what_comes_into_an_album(http: TestClient, ada: Somebody) -> None:
    first, second, third = add_photos(ada.user_id, 3)
    mine = ask(http, ada, "POST", "/albums/manual", title="Mine", image_ids=[str(first)])
    inside, outside = (
        make(http, ada, filter={"albums": [mine["id"]]}),
        make(http, ada, filter={"albums_none": [mine["id"]]}),
    )
    ask(http, ada, "PUT", f"/albums/{mine['id']}/images", image_ids=[str(second)])
    ask(http, ada, "DELETE", f"/albums/{mine['id']}/images", image_ids=[str(first)])
    assert photos_of(http, ada, inside) == {second}
    assert photos_of(http, ada, outside) == {first, third}
    assert told(http, ada, inside) == ["In the album Mine."]


def test_an_album_that_would_follow_itself_is_refused(http: TestClient, ada: Somebody) -> None:
    """Neither itself, nor another that follows a filter: no circle can begin."""
    add_photo(ada.user_id)
    album = make(http, ada, title="First", filter={"favourite": True})
    itself = {"filter": {"albums": [album["id"]]}}
    for answer in (
        http.patch(f"/albums/{album['id']}", headers=ada.headers, json=itself),
        http.post("/albums/smart", headers=ada.headers, json={"title": "Second"} | itself),
        http.post("/albums/smart", headers=ada.headers, json={"title": "Third", "q": "-album:first"}),
        http.post("/albums/smart/preview", headers=ada.headers, json=itself),
    ):
        assert answer.status_code == 422
        assert "First is a smart album itself" in answer.json()["detail"]
    assert value(ada.user_id, "SELECT count(*) FROM albums WHERE kind = 'smart'") == 1


def test_an_album_stays_and_says_why_when_what_it_follows_is_gone(http: TestClient, ada: Somebody) -> None:
    photo, _ = add_photos(ada.user_id, 2)
    mine = ask(http, ada, "POST", "/albums/manual", title="Mine", image_ids=[str(photo)])
    following = [make(http, ada, filter={name: [mine["id"]]}) for name in ("albums", "albums_none")]
    ask(http, ada, "DELETE", f"/albums/{mine['id']}")
    for album in following:
        assert photos_of(http, ada, album) == set()
        shown = ask(http, ada, "GET", f"/albums/{album['id']}")
        assert shown["why"] == {"rule": "filter", "missing": [mine["id"]]}
        assert told(http, ada, album)[1:] == [
            "Mine, an album of this filter, is no longer there.",
            "So the album is empty until its filter is changed.",
        ]
    ask(http, ada, "PATCH", f"/albums/{following[0]['id']}", filter={"favourite": False})
    assert photos_of(http, ada, following[0])


def test_nobody_is_shown_for_want_of_somebody_to_leave_out(http: TestClient, ada: Somebody) -> None:
    """When the person whom a filter leaves out is gone, it shows nothing, rather than them under another id."""
    anna = add_photos(ada.user_id, 3, faces=[face_of(1)])
    add_photos(ada.user_id, 2)
    build(ada.user_id)
    person(http, ada, anna[0], "Anna")
    album = make(http, ada, q="without anna")
    assert len(photos_of(http, ada, album)) == 2
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)
        conn.execute("DELETE FROM faces")
    add_photo(ada.user_id)
    build(ada.user_id)
    assert photos_of(http, ada, album) == set()
    assert "Anna, a person of this filter, is no longer there." in told(http, ada, album)


# ---- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": {}},
        {"q": ""},
        {"q": "   "},
        {"q": "in lisbon", "filter": {"favourite": True}},
        {"filter": {"favourites": True}},
        {"filter": {"days": [["2025-05-09"]]}},
        {"filter": {"days": [["2025-05-09", "2025-05-01"]]}},
        {"filter": {"date_from": "2025-05-09", "date_to": "2025-05-01"}},
        {"filter": {"yearly": [[230, 301]]}},
        {"filter": {"bbox": [0, 10, 0, -10]}},
        {"filter": {"bbox": [0, 0, 0]}},
        {"filter": {"last_days": 0}},
        {"filter": {"near": [{"lat": 91, "lon": 0, "km": 1}]}},
        {"filter": {"hours": [[9, 25]]}},
        {"filter": {"weekdays": [7]}},
        {"filter": {"orientations": ["diagonal"]}},
        {"filter": {"people_all": [str(UUID(int=n)) for n in range(51)]}},
        {"filter": {"labels_all": ["a\x00b"]}},
        {"filter": {"places": [{"level": "street", "value": "x", "country_code": "PT"}]}},
        {"filter": {"favourite": True}, "title": "\u200b"},
        {"filter": {"favourite": True}, "title": "x" * 201},
        {"filter": {"favourite": True}, "title": "a\nb"},
    ],
)
def test_what_is_no_filter_is_refused(http: TestClient, ada: Somebody, body: dict[str, Any]) -> None:
    answer = http.post("/albums/smart", headers=ada.headers, json={"title": "Mine"} | body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert value(ada.user_id, "SELECT count(*) FROM albums") == 0


def test_titles_may_be_in_any_script(http: TestClient, ada: Somebody) -> None:
    for title in ("שלום עולם", "صور العائلة 2025", "写真", "👨‍👩‍👧", "a\u202eb"):
        assert make(http, ada, title=title, filter={"favourite": True})["title"] == title


def test_somebody_elses_people_and_albums_are_not_there(http: TestClient, ada: Somebody) -> None:
    grace = somebody()
    photos = add_photos(grace.user_id, 2, faces=[face_of(1)])
    build(grace.user_id)
    theirs = {
        "people_all": person(http, grace, photos[0]),
        "albums": ask(http, grace, "POST", "/albums/manual", title="H")["id"],
    }
    for name, foreign in theirs.items():
        details = set()
        for id_ in (foreign, str(uuid4())):
            answer = http.post("/albums/smart", headers=ada.headers, json={"title": "Mine", "filter": {name: [id_]}})
            assert answer.status_code == 404
            details.add(answer.json()["detail"])
        assert len(details) == 1


def test_a_repeated_request_makes_one_album(http: TestClient, ada: Somebody) -> None:
    body = {"title": "Mine", "filter": {"favourite": True}}
    headers = ada.headers | {"Idempotency-Key": "k"}
    made = [http.post("/albums/smart", headers=headers, json=body).json()["id"] for _ in range(2)]
    assert made[0] == made[1]
    assert http.post("/albums/smart", headers=headers, json=body | {"title": "Other"}).status_code == 409


def test_there_is_an_end_to_smart_albums(http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smart_albums, "MOST", 2)
    for _ in range(2):
        make(http, ada, filter={"favourite": True})
    answer = http.post("/albums/smart", headers=ada.headers, json={"title": "Mine", "filter": {"favourite": True}})
    assert answer.status_code == 409


def test_an_empty_library_has_empty_albums(http: TestClient, ada: Somebody) -> None:
    album = make(http, ada, filter={"favourite": True})
    assert (album["image_count"], album["cover"], album["first_day"]) == (0, None, None)
    assert ask(http, ada, "POST", "/albums/smart/preview", q="in 2024")["image_count"] == 0
    assert ask(http, ada, "GET", f"/albums/{album['id']}/explanation")["rule"] == "filter"


def test_a_smart_album_is_deleted_like_any_other(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id, favourite=True)
    album = make(http, ada, filter={"favourite": True})
    ask(http, ada, "DELETE", f"/albums/{album['id']}/images", image_ids=[str(photo)])
    ask(http, ada, "DELETE", f"/albums/{album['id']}")
    add_photo(ada.user_id, favourite=True)
    build(ada.user_id)
    assert table(ada.user_id, "SELECT id FROM albums WHERE kind = 'smart' AND deleted_at IS NULL") == []
    assert table(ada.user_id, "SELECT kind FROM tombstones WHERE subject_id = %s", [album["id"]]) == [("album",)]


def test_a_caption_moves_a_photo_in_and_out(http: TestClient, ada: Somebody) -> None:
    (photo,) = add_photos(ada.user_id, 1)
    album = make(http, ada, q="has:caption")
    for caption, inside in (("by the river", {photo}), ("", set())):
        assert http.patch(f"/images/{photo}", headers=ada.headers, json={"caption": caption}).status_code == 200
        assert photos_of(http, ada, album) == inside


def test_a_condition_that_names_nothing_is_refused(http: TestClient, ada: Somebody) -> None:
    answer = http.post("/albums/smart/preview", headers=ada.headers, json={"q": "favourites -person:adda"})
    assert answer.status_code == 422
    assert "-person:adda" in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == "q"


def test_today_is_the_persons(http: TestClient, ada: Somebody) -> None:
    preview = ask(http, ada, "POST", "/albums/smart/preview", q="yesterday", today="2025-03-01")
    assert preview["filter"]["days"] == [["2025-02-28", "2025-02-28"]]
    assert ask(http, ada, "POST", "/albums/smart/preview", q="last 30 days", today=str(date.max))["filter"]


def test_the_api_takes_and_shows_every_condition_that_a_query_can_have() -> None:
    """A condition that the parser learns must be one that an album can keep."""
    assert SavedFilter.model_fields.keys() - {"last_days", "bbox"} == {entry.name for entry in fields(Filter)}
