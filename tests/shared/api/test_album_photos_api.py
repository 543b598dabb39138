"""Photos of albums over HTTP: in an order by hand, and put into or taken out of albums that make themselves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, PORTO, START, add_photo, add_photos, build, table, value
from tests.vaults import Somebody, client, somebody

from photovault import db, duplicates, images, users
from photovault.api import album_photos, albums
from photovault.api import duplicates as duplicate_routes

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([albums.router, album_photos.router, duplicate_routes.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture
def album(http: TestClient, ada: Somebody) -> dict[str, Any]:
    """Five photos an hour apart, put in oldest first."""
    photos = [str(photo) for photo in add_photos(ada.user_id, 5)]
    answer = http.post("/albums/manual", headers=ada.headers, json={"title": "Mine", "image_ids": photos})
    shown: dict[str, Any] = answer.json() | {"photos": photos}
    return shown


def listed(http: TestClient, who: Somebody, album_id: str, *, limit: int = 2) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        parameters = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = http.get(f"/albums/{album_id}/images", headers=who.headers, params=parameters)
        assert answer.status_code == 200, answer.text
        found += [image["id"] for image in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


def move(http: TestClient, who: Somebody, album_id: str, *image_ids: str, **where: str) -> Any:
    body = {"image_ids": list(image_ids), **where}
    return http.put(f"/albums/{album_id}/order", headers=who.headers, json=body)


def remove(http: TestClient, who: Somebody, album_id: str, *image_ids: UUID) -> Any:
    body = {"image_ids": [str(image_id) for image_id in image_ids]}
    return http.request("DELETE", f"/albums/{album_id}/images", headers=who.headers, json=body)


def put(http: TestClient, who: Somebody, album_id: str, *image_ids: UUID) -> Any:
    body = {"image_ids": [str(image_id) for image_id in image_ids]}
    return http.put(f"/albums/{album_id}/images", headers=who.headers, json=body)


def named(http: TestClient, who: Somebody, title: str) -> dict[str, Any] | None:
    found = [one for one in http.get("/albums/", headers=who.headers).json()["items"] if one["title"] == title]
    return found[0] if found else None


def trash(user_id: UUID, image_id: UUID, *, back: bool = False) -> None:
    with db.transaction(user_id) as conn:
        change = images.restore if back else images.move_to_trash
        change(conn, image_id, revision=users.next_revision(conn))


# ---- the order ----------------------------------------------------------------------------------------------------


def test_an_album_is_listed_as_it_is_sorted(http: TestClient, ada: Somebody, album: dict[str, Any]) -> None:
    photos = album["photos"]
    assert album["sort"] == "newest"
    assert listed(http, ada, album["id"]) == photos[::-1]
    for sort, expected in (("oldest", photos), ("manual", photos), ("newest", photos[::-1])):
        answer = http.patch(f"/albums/{album['id']}", headers=ada.headers, json={"sort": sort})
        assert answer.json()["sort"] == sort
        assert listed(http, ada, album["id"]) == expected


@pytest.mark.parametrize(
    ("moved", "where", "expected"),
    [
        ([4], {"to": "start"}, [4, 0, 1, 2, 3]),
        ([0, 2], {"to": "end"}, [1, 3, 4, 0, 2]),
        ([4, 0], {"before": 2}, [1, 4, 0, 2, 3]),
        ([0, 4], {"after": 2}, [1, 2, 0, 4, 3]),
        ([3], {"before": 3 + 1}, [0, 1, 2, 3, 4]),
        ([4, 3, 2, 1, 0], {"to": "start"}, [4, 3, 2, 1, 0]),
        ([1, 1, 0], {"to": "end"}, [2, 3, 4, 1, 0]),
    ],
)
def test_photos_are_moved_next_to_each_other_in_the_order_given(  # noqa: PLR0917 - fixtures
    http: TestClient,
    ada: Somebody,
    album: dict[str, Any],
    moved: list[int],
    where: dict[str, Any],
    expected: list[int],
) -> None:
    photos = album["photos"]
    http.patch(f"/albums/{album['id']}", headers=ada.headers, json={"sort": "manual"})
    spot = {side: photos[at] if isinstance(at, int) else at for side, at in where.items()}
    for _ in range(2):  # asked again, it changes nothing
        answer = move(http, ada, album["id"], *(photos[n] for n in moved), **spot)
        assert answer.status_code == 200, answer.text
        assert answer.json()["sort"] == "manual"
        assert listed(http, ada, album["id"]) == [photos[n] for n in expected]


def test_the_first_move_begins_with_the_order_that_was_shown(
    http: TestClient, ada: Somebody, album: dict[str, Any]
) -> None:
    newest = album["photos"][::-1]
    move(http, ada, album["id"], newest[4], to="start")
    assert listed(http, ada, album["id"]) == [newest[4], *newest[:4]]


def test_a_hundred_moves_to_one_spot_keep_the_order(http: TestClient, ada: Somebody, album: dict[str, Any]) -> None:
    """More than there are numbers between two neighbours: the album is numbered anew on the way."""
    expected = album["photos"][::-1]
    for n in range(120):
        moved, before = expected[n % 3 + 1], expected[4]
        answer = move(http, ada, album["id"], moved, before=before)
        assert answer.status_code == 200
        expected.remove(moved)
        expected.insert(3, moved)
    assert listed(http, ada, album["id"]) == expected


def test_any_moves_end_in_the_order_that_a_list_would_have(
    http: TestClient, ada: Somebody, album: dict[str, Any]
) -> None:
    chance, expected = random.Random(5), album["photos"][::-1]
    for _ in range(40):
        moved = chance.sample(expected, chance.randint(1, 3))
        rest = [photo for photo in expected if photo not in moved]
        beside = chance.choice(rest)
        side = chance.choice(["before", "after"])
        at = rest.index(beside) + (side == "after")
        expected = [*rest[:at], *moved, *rest[at:]]
        assert move(http, ada, album["id"], *moved, **{side: beside}).status_code == 200
        assert listed(http, ada, album["id"]) == expected


def test_one_move_writes_the_photos_that_move(http: TestClient, ada: Somebody, album: dict[str, Any]) -> None:
    move(http, ada, album["id"], album["photos"][0], to="start")
    sql = "SELECT image_id::text, position FROM album_images WHERE album_id = %s"
    before = dict(table(ada.user_id, sql, [album["id"]]))
    move(http, ada, album["id"], album["photos"][3], after=album["photos"][0])
    after = dict(table(ada.user_id, sql, [album["id"]]))
    assert {photo for photo in before if before[photo] != after[photo]} == {album["photos"][3]}


def test_new_photos_come_to_the_end_of_the_order_by_hand(
    http: TestClient, ada: Somebody, album: dict[str, Any]
) -> None:
    move(http, ada, album["id"], album["photos"][0], to="end")
    new = add_photo(ada.user_id, taken=START - timedelta(days=9))
    put(http, ada, album["id"], new)
    assert listed(http, ada, album["id"])[-1] == str(new)


def test_a_photo_keeps_its_place_in_the_trash(http: TestClient, ada: Somebody, album: dict[str, Any]) -> None:
    order = [album["photos"][n] for n in (2, 0, 4, 1, 3)]
    move(http, ada, album["id"], *order, to="start")
    trash(ada.user_id, UUID(order[2]))
    assert listed(http, ada, album["id"]) == [*order[:2], *order[3:]]
    trash(ada.user_id, UUID(order[2]), back=True)
    assert listed(http, ada, album["id"]) == order


def test_the_cover_of_an_album_in_order_is_its_first_photo(
    http: TestClient, ada: Somebody, album: dict[str, Any]
) -> None:
    answer = move(http, ada, album["id"], album["photos"][1], to="start")
    assert answer.json()["cover"]["image_id"] == album["photos"][1]


def test_moves_that_make_no_sense_say_so(http: TestClient, ada: Somebody, album: dict[str, Any]) -> None:
    inside, outside = album["photos"][0], str(add_photo(ada.user_id))
    foreign = str(add_photo(somebody().user_id))
    details = set()
    for wrong in (outside, foreign, str(uuid4())):
        for answer in (
            move(http, ada, album["id"], wrong, to="end"),
            move(http, ada, album["id"], inside, before=wrong),
            move(http, ada, album["id"], inside, after=wrong),
        ):
            assert answer.status_code == 404
            details.add(answer.json()["detail"])
    assert len(details) == 1
    assert move(http, ada, album["id"], inside, before=inside).status_code == 422
    assert move(http, ada, album["id"], inside).status_code == 422
    assert move(http, ada, album["id"], inside, to="end", before=album["photos"][1]).status_code == 422
    assert move(http, ada, album["id"], to="end").status_code == 422
    assert move(http, ada, album["id"], *([inside] * 1001), to="end").status_code == 422
    assert move(http, ada, str(uuid4()), inside, to="end").status_code == 404


def test_only_an_album_made_by_hand_has_an_order_of_its_own(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    lisbon = named(http, ada, "Lisbon")
    assert lisbon
    assert move(http, ada, lisbon["id"], str(photo), to="end").status_code == 409
    assert http.patch(f"/albums/{lisbon['id']}", headers=ada.headers, json={"sort": "manual"}).status_code == 409
    assert http.patch(f"/albums/{lisbon['id']}", headers=ada.headers, json={"sort": "oldest"}).status_code == 200
    build(ada.user_id)
    assert (named(http, ada, "Lisbon") or {})["sort"] == "oldest"


def test_two_edits_at_once_both_count(http: TestClient, ada: Somebody, album: dict[str, Any]) -> None:
    """Two devices rename, fill and order one album: nothing is lost, and nothing fails."""
    path, new = f"/albums/{album['id']}", add_photos(ada.user_id, 4, start=START + timedelta(days=3))

    def edit(n: int) -> list[int]:
        answers = [
            http.patch(path, headers=ada.headers, json={"description": "both"} if n else {"title": "Both"}),
            put(http, ada, album["id"], *new[2 * n : 2 * n + 2]),
            move(http, ada, album["id"], album["photos"][n], to="start"),
        ]
        return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(edit, (0, 1))) == [[200, 200, 200]] * 2
    shown = http.get(path, headers=ada.headers).json()
    assert (shown["title"], shown["description"], shown["image_count"]) == ("Both", "both", 9)
    assert set(listed(http, ada, album["id"])[:2]) == set(album["photos"][:2])


def test_a_thousand_photos_are_put_in_at_once(http: TestClient, ada: Somebody, album: dict[str, Any]) -> None:
    too_many = [uuid4() for _ in range(1001)]
    assert put(http, ada, album["id"], *too_many).status_code == 422
    assert put(http, ada, album["id"], *too_many[:1000]).status_code == 404
    assert put(http, ada, album["id"], *([UUID(album["photos"][0])] * 1000)).json()["image_count"] == 5


# ---- albums that make themselves ----------------------------------------------------------------------------------


@pytest.fixture
def lisbon(http: TestClient, ada: Somebody) -> dict[str, Any]:
    photos = add_photos(ada.user_id, 4, where=LISBON)
    other = add_photo(ada.user_id, where=PORTO, taken=START + timedelta(days=200))
    build(ada.user_id)
    found = named(http, ada, "Lisbon")
    assert found
    return found | {"photos": photos, "other": other}


def test_a_photo_taken_out_of_an_automatic_album_stays_out(
    http: TestClient, ada: Somebody, lisbon: dict[str, Any]
) -> None:
    wrong, *right = lisbon["photos"]
    answer = remove(http, ada, lisbon["id"], wrong)
    assert answer.json()["image_count"] == 3
    for _ in range(2):
        late = add_photo(ada.user_id, where=LISBON, taken=START + timedelta(hours=5))
        right.append(late)
        build(ada.user_id)
        assert set(listed(http, ada, lisbon["id"])) == {str(photo) for photo in right}
    again = named(http, ada, "Lisbon")
    assert again
    assert (again["id"], again["image_count"]) == (lisbon["id"], 5)
    assert value(ada.user_id, "SELECT count(*) FROM images WHERE deleted_at IS NULL") == 7


def test_a_rebuild_after_a_choice_writes_nothing(http: TestClient, ada: Somebody, lisbon: dict[str, Any]) -> None:
    remove(http, ada, lisbon["id"], lisbon["photos"][0], UUID(lisbon["cover"]["image_id"]))
    put(http, ada, lisbon["id"], lisbon["other"])
    build(ada.user_id)
    before = value(ada.user_id, "SELECT revision FROM users")
    add_photo(ada.user_id, archived=True)
    build(ada.user_id)
    assert value(ada.user_id, "SELECT revision FROM users") == before + 1  # the photo's


def test_a_photo_put_into_an_automatic_album_stays_in(http: TestClient, ada: Somebody, lisbon: dict[str, Any]) -> None:
    answer = put(http, ada, lisbon["id"], lisbon["other"])
    assert answer.json()["image_count"] == 5
    build(ada.user_id)
    shown = http.get(f"/albums/{lisbon['id']}", headers=ada.headers).json()
    assert (shown["image_count"], shown["last_day"]) == (5, "2025-11-25")
    (first, *_) = http.get(f"/albums/{lisbon['id']}/images", headers=ada.headers).json()["items"]
    assert (first["id"], first["because"]) == (str(lisbon["other"]), "You put it in.")


def test_what_was_taken_out_can_be_put_back(http: TestClient, ada: Somebody, lisbon: dict[str, Any]) -> None:
    remove(http, ada, lisbon["id"], *lisbon["photos"][:2])
    put(http, ada, lisbon["id"], lisbon["photos"][0])
    build(ada.user_id)
    assert set(listed(http, ada, lisbon["id"])) == {str(lisbon["photos"][n]) for n in (0, 2, 3)}


def test_an_automatic_album_that_everything_was_taken_out_of_does_not_come_back(
    http: TestClient, ada: Somebody, lisbon: dict[str, Any]
) -> None:
    remove(http, ada, lisbon["id"], *lisbon["photos"])
    build(ada.user_id)
    assert named(http, ada, "Lisbon") is None
    late = add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    again = named(http, ada, "Lisbon")
    assert again
    assert again["id"] == lisbon["id"]
    assert listed(http, ada, lisbon["id"]) == [str(late)]


def test_a_choice_lives_through_the_trash(http: TestClient, ada: Somebody, lisbon: dict[str, Any]) -> None:
    remove(http, ada, lisbon["id"], lisbon["photos"][0])
    put(http, ada, lisbon["id"], lisbon["other"])
    for photo in (*lisbon["photos"], lisbon["other"]):
        trash(ada.user_id, photo)
    add_photo(ada.user_id)
    build(ada.user_id)
    assert named(http, ada, "Lisbon") is None
    for photo in (*lisbon["photos"], lisbon["other"]):
        trash(ada.user_id, photo, back=True)
    add_photo(ada.user_id)
    build(ada.user_id)
    assert set(listed(http, ada, lisbon["id"])) == {str(photo) for photo in (*lisbon["photos"][1:], lisbon["other"])}


def test_a_cover_that_is_taken_out_is_chosen_anew(http: TestClient, ada: Somebody, lisbon: dict[str, Any]) -> None:
    cover = lisbon["cover"]["image_id"]
    http.patch(f"/albums/{lisbon['id']}", headers=ada.headers, json={"cover_image_id": cover})
    remove(http, ada, lisbon["id"], UUID(cover))
    build(ada.user_id)
    assert http.get(f"/albums/{lisbon['id']}", headers=ada.headers).json()["cover"]["image_id"] != cover


def test_an_explanation_counts_what_the_person_chose(http: TestClient, ada: Somebody, lisbon: dict[str, Any]) -> None:
    remove(http, ada, lisbon["id"], *lisbon["photos"][:2])
    put(http, ada, lisbon["id"], lisbon["other"])
    build(ada.user_id)
    told = http.get(f"/albums/{lisbon['id']}/explanation", headers=ada.headers).json()
    assert (told["put_in"], told["taken_out"], told["rule"]) == (1, 2, "place")
    assert told["sentences"][-2:] == ["You took 2 photos out.", "You put one photo in."]
    assert {one["reason"]: one["image_count"] for one in told["reasons"]} == {"measured": 2, "hand": 1}


def test_choices_name_photos_that_are_there(http: TestClient, ada: Somebody, lisbon: dict[str, Any]) -> None:
    foreign = add_photo(somebody().user_id)
    details = {put(http, ada, lisbon["id"], photo).json()["detail"] for photo in (foreign, uuid4())}
    assert details == {"There is no such photo."}
    assert remove(http, ada, lisbon["id"], foreign, uuid4(), lisbon["other"]).json()["image_count"] == 4
    assert value(ada.user_id, "SELECT count(*) FROM album_choices") == 0


def test_the_keeper_of_copies_takes_over_where_one_was_put_in(
    http: TestClient, ada: Somebody, lisbon: dict[str, Any]
) -> None:
    copy, kept = lisbon["other"], add_photo(ada.user_id, where=PORTO, taken=START + timedelta(days=200))
    put(http, ada, lisbon["id"], copy)
    with db.transaction(ada.user_id) as conn:
        conn.execute(
            "INSERT INTO look_alikes (image_a, image_b, kind, score, share) VALUES (%s, %s, 'duplicate', 1, 1)",
            [copy, kept],
        )
    path = f"/images/duplicates/{duplicates.group_id('duplicate', [copy, kept])}/resolve"
    answer = http.post(path, headers=ada.headers, json={"keeper_id": str(kept), "remove": [str(copy)]})
    assert answer.status_code == 200, answer.text
    build(ada.user_id)
    assert set(listed(http, ada, lisbon["id"])) == {str(photo) for photo in (*lisbon["photos"], kept)}
