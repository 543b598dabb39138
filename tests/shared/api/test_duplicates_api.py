"""Groups of copies over HTTP: what is offered, what the kept photo takes over, and what is not offered again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import START, Sent, add_photo, build, face_of, faces_in, table, value
from tests.vaults import Somebody, client, somebody

from photovault import db, images, users
from photovault.api import albums, duplicates, people
from photovault.api import images as images_api

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([duplicates.router, images_api.router, albums.router, people.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def copies(
    who: Somebody, *photos: dict[str, Any], kind: str = "duplicate", share: float = 1.0, taken: datetime = START
) -> list[UUID]:
    """Photos that were found to be a group."""
    made = []
    for columns in photos:
        size = {"width": 4000, "height": 3000, "bytes": 5_000_000}
        made.append(add_photo(who.user_id, **{"taken": taken} | size | columns))
    link(who, made, kind=kind, share=share)
    return made


def link(who: Somebody, photos: Sequence[UUID], *, kind: str = "duplicate", share: float = 1.0) -> None:
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        for n, one in enumerate(photos):
            for other in photos[n + 1 :]:
                conn.execute(
                    "INSERT INTO look_alikes (image_a, image_b, kind, score, share) VALUES (%s, %s, %s, 0.99, %s) "
                    "ON CONFLICT DO NOTHING",
                    [one, other, kind, share],
                )


def offered(http: TestClient, who: Somebody, **query: Any) -> list[dict[str, Any]]:
    answer = http.get("/images/duplicates", headers=who.headers, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def members(group: dict[str, Any]) -> list[UUID]:
    return [UUID(image["id"]) for image in group["images"]]


def resolve(
    http: TestClient, who: Somebody, group: dict[str, Any], keeper: UUID, *removed: UUID, key: str | None = None
) -> Any:
    headers = who.headers | ({"Idempotency-Key": key} if key else {})
    body = {"keeper_id": str(keeper), "remove": [str(one) for one in removed]}
    return http.post(f"/images/duplicates/{group['id']}/resolve", headers=headers, json=body)


def dismiss(http: TestClient, who: Somebody, group: dict[str, Any]) -> int:
    return http.post(f"/images/duplicates/{group['id']}/dismiss", headers=who.headers).status_code


def shown(http: TestClient, who: Somebody, image_id: UUID) -> dict[str, Any]:
    answer: dict[str, Any] = http.get(f"/images/{image_id}", headers=who.headers).json()
    return answer


SMALL = {"width": 2000, "height": 1500, "bytes": 900_000}


# ------------------------------------------------------------------------------------------------------ offering


def test_a_group_says_which_to_keep_and_why(http: TestClient, ada: Somebody) -> None:
    small, large = copies(ada, SMALL, {})
    (group,) = offered(http, ada)
    assert members(group) == [large, small]
    assert (group["kind"], group["keeper_id"]) == ("duplicate", str(large))
    (why,) = group["why"]
    assert (why["image_id"], why["text"]) == (str(small), "same picture, half the size")
    assert (why["likeness"], why["share"]) == (0.99, 1.0)


def test_a_crop_is_told_from_either_side(http: TestClient, ada: Somebody) -> None:
    """``share`` is stored from the first photo to the second; the answer counts from the one to keep."""
    crop, whole = copies(ada, {"width": 3800}, {}, share=1 / 0.95)
    (group,) = offered(http, ada)
    assert group["keeper_id"] == str(whole)
    assert group["why"][0]["text"] == "same picture, cropped by 5 %"
    assert group["why"][0]["image_id"] == str(crop)
    assert group["why"][0]["share"] == pytest.approx(0.95, abs=1e-4)


def test_bursts_are_a_kind_of_their_own(http: TestClient, ada: Somebody) -> None:
    shots = copies(ada, {"taken": START}, {"taken": START + timedelta(seconds=1)}, kind="burst")
    pair = copies(ada, SMALL, {})
    assert {frozenset(members(group)): group["kind"] for group in offered(http, ada)} == {
        frozenset(shots): "burst",
        frozenset(pair): "duplicate",
    }
    (burst,) = offered(http, ada, kind="burst")
    assert burst["why"][0]["text"] == "taken 1 s later"
    assert [set(members(group)) for group in offered(http, ada, kind="duplicate")] == [set(pair)]
    assert http.get("/images/duplicates?kind=other", headers=ada.headers).status_code == 422


def test_groups_come_in_pages_the_newest_first(http: TestClient, ada: Somebody) -> None:
    made = [set(copies(ada, {}, SMALL, taken=START + timedelta(days=day))) for day in range(5)]
    found: list[set[UUID]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = http.get("/images/duplicates", headers=ada.headers, params=query).json()
        found += [set(members(group)) for group in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == made[::-1]
    assert http.get("/images/duplicates?cursor=nonsense", headers=ada.headers).status_code == 422
    other_list = {"kind": "burst", "cursor": query["cursor"]}
    assert http.get("/images/duplicates", headers=ada.headers, params=other_list).status_code == 422


def test_the_trash_takes_no_part_and_the_archive_does(http: TestClient, ada: Somebody) -> None:
    archived, trashed, plain = copies(ada, {"archived": True}, SMALL, SMALL)
    (before,) = offered(http, ada)
    with db.transaction(ada.user_id) as conn:
        images.move_to_trash(conn, trashed, revision=users.next_revision(conn))
    (group,) = offered(http, ada)
    assert members(group) == [archived, plain]
    http.post(f"/images/{trashed}/restore", headers=ada.headers)
    assert offered(http, ada)[0]["id"] == before["id"]


def test_a_group_of_one_is_none(http: TestClient, ada: Somebody) -> None:
    one, other = copies(ada, {}, SMALL)
    http.delete(f"/images/{other}", headers=ada.headers)
    assert offered(http, ada) == []
    assert shown(http, ada, one)["deleted_at"] is None


def test_duplicates_is_no_id_of_a_photo(http: TestClient, ada: Somebody) -> None:
    assert http.get("/images/duplicates", headers=ada.headers).json() == {"items": [], "next_cursor": None}


# ----------------------------------------------------------------------------------------------------- resolving


def test_the_others_go_to_the_trash_and_the_keeper_stays(http: TestClient, ada: Somebody, sent: Sent) -> None:
    small, large, third = copies(ada, SMALL, {}, SMALL)
    (group,) = offered(http, ada)
    sent.messages.clear()
    answer = resolve(http, ada, group, large, small)
    assert answer.status_code == 200, answer.text
    assert answer.json()["removed"] == [str(small)]
    assert answer.json()["keeper"]["id"] == str(large)
    assert shown(http, ada, small)["deleted_at"] is not None
    assert shown(http, ada, large)["deleted_at"] is shown(http, ada, third)["deleted_at"] is None
    assert {*members(offered(http, ada)[0])} == {large, third}
    assert sent.albums(), "albums and people are derived again"
    assert table(ada.user_id, "SELECT kind, detail ->> 'image_id' FROM activity")[-1] == (
        "duplicates-resolved",
        str(large),
    )


def test_a_removed_copy_can_be_restored_with_what_it_had(http: TestClient, ada: Somebody) -> None:
    small, large = copies(ada, SMALL | {"caption": "mine", "favourite": True}, {})
    album = http.post("/albums/manual", headers=ada.headers, json={"title": "A", "image_ids": [str(small)]}).json()
    resolve(http, ada, offered(http, ada)[0], large, small)
    assert http.post(f"/images/{small}/restore", headers=ada.headers).status_code == 200
    restored = shown(http, ada, small)
    assert (restored["caption"], restored["favourite"]) == ("mine", True)
    assert album["id"] in {one["id"] for one in restored["albums"]}


def test_the_keeper_joins_the_albums_made_by_hand(http: TestClient, ada: Somebody) -> None:
    small, large, tiny = copies(ada, SMALL, {}, SMALL)

    def album(title: str, *photos: UUID) -> str:
        body = {"title": title, "image_ids": [str(one) for one in photos]}
        made: str = http.post("/albums/manual", headers=ada.headers, json=body).json()["id"]
        return made

    of_small, of_both, of_tiny, own = album("a", small), album("b", small, large), album("c", tiny), album("d", large)
    http.patch(f"/albums/{of_small}", headers=ada.headers, json={"cover_image_id": str(small)})
    answer = resolve(http, ada, offered(http, ada)[0], large, small, tiny).json()
    assert set(answer["album_ids"]) == {of_small, of_tiny}
    assert {one["id"] for one in shown(http, ada, large)["albums"]} == {of_small, of_both, of_tiny, own}
    for one in (of_small, of_both, of_tiny, own):
        got = http.get(f"/albums/{one}", headers=ada.headers).json()
        assert got["image_count"] == 1
    assert value(ada.user_id, "SELECT cover_image_id FROM albums WHERE id = %s", [of_small]) == large


def test_automatic_albums_follow_by_themselves(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id, taken=START + timedelta(minutes=5))
    small, large = copies(ada, SMALL, {})
    build(ada.user_id)
    resolve(http, ada, offered(http, ada)[0], large, small)
    build(ada.user_id)
    count = "SELECT image_count FROM albums WHERE kind = 'date' AND deleted_at IS NULL"
    assert value(ada.user_id, count) == 2


@pytest.mark.parametrize(
    ("kept", "copy", "expected", "left"),
    [
        (None, "a lake", ("a lake", "taken"), []),
        ("mine", "a lake", ("mine", "kept"), ["a lake"]),
        ("mine", "mine", ("mine", "kept"), []),
        ("mine", None, ("mine", "kept"), []),
        (None, None, (None, "kept"), []),
    ],
)
def test_a_caption_is_taken_where_there_was_none_and_told_of_otherwise(
    http: TestClient,
    ada: Somebody,
    *,
    kept: str | None,
    copy: str | None,
    expected: tuple[str | None, str],
    left: list[str],
) -> None:
    small, large = copies(ada, SMALL | {"caption": copy}, {"caption": kept})
    answer = resolve(http, ada, offered(http, ada)[0], large, small).json()
    assert (answer["keeper"]["caption"], answer["caption"]) == expected
    assert answer["captions_left"] == left
    words = table(ada.user_id, "SELECT term FROM image_terms WHERE image_id = %s AND term = 'lake'", [large])
    assert bool(words) == (expected[0] == "a lake")


@pytest.mark.parametrize(("kept", "copy"), [(False, False), (False, True), (True, False), (True, True)])
def test_it_is_a_favourite_if_any_was_and_archived_only_if_all_were(
    http: TestClient, ada: Somebody, kept: bool, copy: bool
) -> None:
    small, large = copies(ada, SMALL | {"favourite": copy, "archived": copy}, {"favourite": kept, "archived": kept})
    keeper = resolve(http, ada, offered(http, ada)[0], large, small).json()["keeper"]
    assert keeper["favourite"] == (kept or copy)
    assert keeper["archived"] == (kept and copy)


def test_names_of_the_copys_faces_become_those_of_the_keepers(http: TestClient, ada: Somebody) -> None:
    """The keeper's face was too weak to be anybody; the copy's was named. The name stays when the copy is purged."""
    others = [add_photo(ada.user_id, faces=[face_of(1, look)]) for look in range(2)]
    small, large = copies(
        ada, SMALL | {"faces": [face_of(1, 7)]}, {"faces": [face_of(9, 0, quality=0.1, founder=False)]}
    )
    build(ada.user_id)
    (face,), (heir,) = faces_in(ada.user_id, small), faces_in(ada.user_id, large)
    assert heir.person_id is None
    http.patch(f"/people/{face.person_id}", headers=ada.headers, json={"name": "Ida"})
    answer = resolve(http, ada, offered(http, ada)[0], large, small)
    assert answer.json()["names"] == 1
    for purged in (False, True):
        if purged:
            with db.transaction(ada.user_id) as conn:
                users.next_revision(conn)
                for gone in (small, *others):
                    images.delete_row(conn, gone)
            http.post("/albums/generate", headers=ada.headers, json={})
        build(ada.user_id)
        (heir,) = faces_in(ada.user_id, large)
        assert heir.person_name == "Ida"


def test_a_name_that_the_keepers_face_has_stays(http: TestClient, ada: Somebody) -> None:
    small, large = copies(ada, SMALL | {"faces": [face_of(1)]}, {"faces": [face_of(2)]})
    for photo, name in ((small, "Ida"), (large, "Eva")):
        http.put(f"/faces/{faces_in(ada.user_id, photo)[0].id}/person", headers=ada.headers, json={"name": name})
    assert resolve(http, ada, offered(http, ada)[0], large, small).json()["names"] == 0
    build(ada.user_id)
    assert faces_in(ada.user_id, large)[0].person_name == "Eva"


def test_the_newest_name_of_a_person_wins_over_what_a_copys_face_was_called_before(
    http: TestClient, ada: Somebody
) -> None:
    small, large = copies(ada, SMALL | {"faces": [face_of(1, 0)]}, {"faces": [face_of(1, 1)]})
    build(ada.user_id)
    person = faces_in(ada.user_id, small)[0].person_id
    for name in ("Ida", "Ada"):
        http.patch(f"/people/{person}", headers=ada.headers, json={"name": name})
    resolve(http, ada, offered(http, ada)[0], large, small)
    build(ada.user_id)
    assert faces_in(ada.user_id, large)[0].person_name == "Ada"


def test_a_resolution_that_is_repeated_is_done_once(http: TestClient, ada: Somebody) -> None:
    small, large = copies(ada, SMALL, {})
    (group,) = offered(http, ada)
    first, second = (resolve(http, ada, group, large, small, key="once") for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert second.json()["keeper"]["id"] == str(large)
    assert value(ada.user_id, "SELECT count(*) FROM activity WHERE kind = 'duplicates-resolved'") == 1
    assert resolve(http, ada, group, small, large, key="once").status_code == 409
    assert resolve(http, ada, group, large, small).status_code == 404, "the group is gone"


def test_what_is_not_of_the_group_is_not_touched(http: TestClient, ada: Somebody) -> None:
    small, large = copies(ada, SMALL, {})
    (group,) = offered(http, ada)
    other = add_photo(ada.user_id)
    assert resolve(http, ada, group, large, small, other).status_code == 404
    assert resolve(http, ada, group, other, small).status_code == 404
    assert resolve(http, ada, group, large, large, small).status_code == 422
    assert resolve(http, ada, group, large).status_code == 422
    assert resolve(http, ada, {"id": UUID(int=0)}, large, small).status_code == 404
    assert value(ada.user_id, "SELECT count(*) FROM images WHERE deleted_at IS NOT NULL") == 0


def test_a_group_that_changed_meanwhile_is_not_resolved_unseen(http: TestClient, ada: Somebody) -> None:
    small, large = copies(ada, SMALL, {})
    (group,) = offered(http, ada)
    third = add_photo(ada.user_id, **SMALL)
    link(ada, [small, large, third])
    assert resolve(http, ada, group, large, small).status_code == 404
    assert shown(http, ada, small)["deleted_at"] is None


# ---------------------------------------------------------------------------------------------------- dismissing


def test_what_was_dismissed_is_not_offered_again(http: TestClient, ada: Somebody) -> None:
    copies(ada, SMALL, {})
    (group,) = offered(http, ada)
    assert [dismiss(http, ada, group), dismiss(http, ada, group)] == [204, 204]
    assert offered(http, ada) == []
    assert value(ada.user_id, "SELECT count(DISTINCT dismissal_id) FROM dismissed_look_alikes") == 1


def test_nor_is_a_part_of_it_when_a_photo_goes(http: TestClient, ada: Somebody) -> None:
    photos = copies(ada, SMALL, {}, SMALL)
    dismiss(http, ada, offered(http, ada)[0])
    http.delete(f"/images/{photos[0]}", headers=ada.headers)
    assert offered(http, ada) == []


def test_another_photo_that_joins_brings_it_back(http: TestClient, ada: Somebody) -> None:
    photos = copies(ada, SMALL, {})
    dismiss(http, ada, offered(http, ada)[0])
    third = add_photo(ada.user_id, **SMALL)
    link(ada, [*photos, third])
    (group,) = offered(http, ada)
    assert {*members(group)} == {*photos, third}


def test_copies_that_are_none_may_still_be_a_burst(http: TestClient, ada: Somebody) -> None:
    photos = copies(ada, SMALL, {})
    dismiss(http, ada, offered(http, ada)[0])
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)
        conn.execute("UPDATE look_alikes SET kind = 'burst'")
    assert [set(members(group)) for group in offered(http, ada)] == [set(photos)]


def test_nobody_sees_or_settles_the_groups_of_others(http: TestClient, ada: Somebody) -> None:
    small, large = copies(ada, SMALL, {})
    (group,) = offered(http, ada)
    eve = somebody()
    assert offered(http, eve) == []
    assert resolve(http, eve, group, large, small).status_code == 404
    assert dismiss(http, eve, group) == 404
    assert offered(http, ada) == [group | {"images": offered(http, ada)[0]["images"]}]
