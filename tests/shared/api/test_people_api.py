"""People and their corrections over HTTP: the answer is true at once, and the rebuild agrees with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from tests.arranging import Sent, add_photo, build, face_of, faces_in, table, value, who_is_in
from tests.vaults import Somebody, client, somebody

from photovault.api import albums, people

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([albums.router, people.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def somebody_in(ada: Somebody, who: int, photos: int = 3) -> list[UUID]:
    """Photos of one more person."""
    return [add_photo(ada.user_id, faces=[face_of(who, look)]) for look in range(photos)]


def person_in(ada: Somebody, photos: list[UUID]) -> str:
    (person,) = set(who_is_in(ada.user_id, photos))
    assert person is not None
    return str(person)


def face_in(ada: Somebody, photo: UUID) -> str:
    return str(faces_in(ada.user_id, photo)[0].id)


def listed(http: TestClient, ada: Somebody, **query: Any) -> dict[str, dict[str, Any]]:
    answer = http.get("/albums/persons", headers=ada.headers, params=query)
    return {person["id"]: person for person in answer.json()["items"]}


def groups(ada: Somebody) -> list[tuple[str | None, list[UUID]]]:
    """Every person's name and faces, whatever their ids."""
    found = table(
        ada.user_id,
        "SELECT p.name, array_agg(f.id ORDER BY f.id) FROM faces f LEFT JOIN person_clusters p ON p.id = f.person_id "
        "GROUP BY f.person_id, p.name",
    )
    return sorted(found, key=lambda group: group[1])


def build_agrees(http: TestClient, ada: Somebody) -> None:
    """What was answered at once is what a rebuild makes of it."""
    before = groups(ada), listed(http, ada, hidden=True)
    build(ada.user_id)
    assert (groups(ada), listed(http, ada, hidden=True)) == before


def post(http: TestClient, ada: Somebody, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = http.post(path, headers=ada.headers, json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def undo(http: TestClient, ada: Somebody, correction: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = post(http, ada, f"/people/corrections/{correction}/undo", {})["people"]
    return shown


@pytest.fixture
def two(ada: Somebody) -> tuple[str, str, list[UUID], list[UUID]]:
    """Two people, and the photos of each."""
    first, second = somebody_in(ada, 1), somebody_in(ada, 2)
    build(ada.user_id)
    return person_in(ada, first), person_in(ada, second), first, second


Two = tuple[str, str, list[UUID], list[UUID]]


# ---- names and hiding ----------------------------------------------------------------------------------------------


def test_a_name_is_true_at_once_and_stays(http: TestClient, ada: Somebody, two: Two) -> None:
    answer = http.patch(f"/people/{two[0]}", headers=ada.headers, json={"name": " Grace "}).json()
    assert (answer["person"]["id"], answer["person"]["name"]) == (two[0], "Grace")
    build_agrees(http, ada)
    assert listed(http, ada)[two[0]]["name"] == "Grace"
    assert value(ada.user_id, "SELECT detail->>'name' FROM activity WHERE kind = 'person-named'") == "Grace"


def test_a_name_can_be_changed_taken_away_and_undone(http: TestClient, ada: Somebody, two: Two) -> None:
    path = f"/people/{two[0]}"
    said = [
        http.patch(path, headers=ada.headers, json={"name": name}).json()["correction_id"]
        for name in ("Grace", "Hopper", None)
    ]
    assert listed(http, ada)[two[0]]["name"] is None
    build_agrees(http, ada)
    for correction, name in zip(reversed(said), ("Hopper", "Grace", None), strict=True):
        (shown,) = undo(http, ada, correction)
        assert shown["name"] == name
        build_agrees(http, ada)


def test_an_empty_edit_changes_nothing(http: TestClient, ada: Somebody, two: Two, sent: Sent) -> None:
    answer = http.patch(f"/people/{two[0]}", headers=ada.headers, json={}).json()
    assert answer["correction_id"] is None
    assert answer["person"]["id"] == two[0]
    assert sent.albums() == []


def test_hidden_people_are_left_out_unless_asked_for(http: TestClient, ada: Somebody, two: Two) -> None:
    http.patch(f"/people/{two[0]}", headers=ada.headers, json={"hidden": True})
    assert listed(http, ada).keys() == {two[1]}
    assert listed(http, ada, hidden=True).keys() == {two[0], two[1]}
    assert http.get(f"/people/{two[0]}", headers=ada.headers).json()["hidden"] is True
    build_agrees(http, ada)
    http.patch(f"/people/{two[0]}", headers=ada.headers, json={"hidden": False})
    assert listed(http, ada).keys() == {two[0], two[1]}


# ---- merging and splitting -------------------------------------------------------------------------------------------


def test_merged_people_are_one_at_once_and_stay_one(http: TestClient, ada: Somebody, two: Two) -> None:
    merged = post(http, ada, "/people/merge", {"into": two[0], "people": [two[1]]})
    assert (merged["person"]["id"], merged["person"]["image_count"]) == (two[0], 6)
    assert listed(http, ada).keys() == {two[0]}
    assert http.get(f"/people/{two[1]}", headers=ada.headers).status_code == 404
    build_agrees(http, ada)
    assert person_in(ada, [*two[2], *two[3]]) == two[0]


def test_a_merge_keeps_the_name_of_who_stays(http: TestClient, ada: Somebody, two: Two) -> None:
    for person, name in ((two[0], "Grace"), (two[1], "Mistaken")):
        http.patch(f"/people/{person}", headers=ada.headers, json={"name": name})
    assert post(http, ada, "/people/merge", {"into": two[0], "people": [two[1]]})["person"]["name"] == "Grace"
    build_agrees(http, ada)


def test_a_merge_takes_over_a_name_where_there_was_none(http: TestClient, ada: Somebody, two: Two) -> None:
    http.patch(f"/people/{two[1]}", headers=ada.headers, json={"name": "Grace"})
    assert post(http, ada, "/people/merge", {"into": two[0], "people": [two[1]]})["person"]["name"] == "Grace"
    build_agrees(http, ada)


def test_a_merge_is_undone_exactly(http: TestClient, ada: Somebody, two: Two) -> None:
    for person, name in ((two[0], "Grace"), (two[1], "Katherine")):
        http.patch(f"/people/{person}", headers=ada.headers, json={"name": name})
    build(ada.user_id)
    before = groups(ada)
    (correction,) = post(http, ada, "/people/merge", {"into": two[0], "people": [two[1]]})["correction_ids"]
    build(ada.user_id)
    assert groups(ada) != before
    shown = undo(http, ada, correction)
    assert {person["name"] for person in shown} == {"Grace", "Katherine"}
    assert groups(ada) == before
    build_agrees(http, ada)


def test_several_people_are_merged_and_undone_one_by_one(http: TestClient, ada: Somebody, two: Two) -> None:
    third = somebody_in(ada, 3)
    build(ada.user_id)
    person = person_in(ada, third)
    merged = post(http, ada, "/people/merge", {"into": two[0], "people": [two[1], person]})
    assert merged["person"]["image_count"] == 9
    assert len(merged["correction_ids"]) == 2
    undo(http, ada, merged["correction_ids"][0])
    build_agrees(http, ada)
    assert person_in(ada, [*two[2], *third]) == two[0]
    assert person_in(ada, two[3]) != two[0]


def test_a_repeated_merge_merges_once(http: TestClient, ada: Somebody, two: Two) -> None:
    headers = ada.headers | {"Idempotency-Key": "k1"}
    body = {"into": two[0], "people": [two[1]]}
    answers = [http.post("/people/merge", headers=headers, json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [len(answer.json()["correction_ids"]) for answer in answers] == [1, 0]
    other = {"into": two[1], "people": [two[0]]}
    assert http.post("/people/merge", headers=headers, json=other).status_code == 409


def test_a_split_is_true_at_once_stays_and_is_undone(http: TestClient, ada: Somebody) -> None:
    photos = somebody_in(ada, 1, photos=5)
    build(ada.user_id)
    person = person_in(ada, photos)
    http.patch(f"/people/{person}", headers=ada.headers, json={"name": "Grace"})
    before = groups(ada)
    leaving = [face_in(ada, photo) for photo in photos[:2]]
    split = post(http, ada, f"/people/{person}/split", {"face_ids": leaving})
    assert (split["person"]["image_count"], split["person"]["name"]) == (2, None)
    assert listed(http, ada)[person]["image_count"] == 3
    assert listed(http, ada)[person]["name"] == "Grace"
    build_agrees(http, ada)
    assert person_in(ada, photos[:2]) == split["person"]["id"]
    undo(http, ada, split["correction_id"])
    assert groups(ada) == before
    build_agrees(http, ada)


def test_a_repeated_split_splits_once(http: TestClient, ada: Somebody, two: Two) -> None:
    headers = ada.headers | {"Idempotency-Key": "k1"}
    body = {"face_ids": [face_in(ada, two[2][0]), face_in(ada, two[2][1])]}
    answers = [http.post(f"/people/{two[0]}/split", headers=headers, json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["person"]["id"] == answers[1].json()["person"]["id"]


def test_a_split_needs_faces_of_that_person_and_leaves_some(http: TestClient, ada: Somebody, two: Two) -> None:
    path = f"/people/{two[0]}/split"
    everything = [face_in(ada, photo) for photo in two[2]]
    assert http.post(path, headers=ada.headers, json={"face_ids": everything}).status_code == 422
    foreign = {"face_ids": [face_in(ada, two[3][0])]}
    assert http.post(path, headers=ada.headers, json=foreign).status_code == 404
    assert http.post(path, headers=ada.headers, json={"face_ids": []}).status_code == 422


# ---- faces ----------------------------------------------------------------------------------------------------------


def test_a_face_is_given_to_somebody_and_back(http: TestClient, ada: Somebody, two: Two) -> None:
    http.patch(f"/people/{two[0]}", headers=ada.headers, json={"name": "Grace"})
    before = groups(ada)
    path = f"/faces/{face_in(ada, two[2][0])}/person"
    answer = http.put(path, headers=ada.headers, json={"person_id": two[1]}).json()
    assert (answer["person"]["id"], answer["person"]["image_count"]) == (two[1], 4)
    assert listed(http, ada)[two[0]]["image_count"] == 2
    assert listed(http, ada)[two[0]]["name"] == "Grace"
    build_agrees(http, ada)
    assert http.put(path, headers=ada.headers, json={"person_id": two[1]}).status_code == 409
    undo(http, ada, answer["correction_id"])
    assert groups(ada) == before
    build_agrees(http, ada)


def test_a_face_of_nobody_is_introduced_by_a_name(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id, faces=[face_of(5)])
    build(ada.user_id)
    assert who_is_in(ada.user_id, [photo]) == [None]
    path = f"/faces/{face_in(ada, photo)}/person"
    answer = http.put(path, headers=ada.headers, json={"name": "Grace"}).json()
    assert (answer["person"]["name"], answer["person"]["image_count"]) == ("Grace", 1)
    build_agrees(http, ada)
    undo(http, ada, answer["correction_id"])
    build(ada.user_id)
    assert who_is_in(ada.user_id, [photo]) == [None]
    assert listed(http, ada) == {}


def test_a_face_of_somebody_is_introduced_as_somebody_else(http: TestClient, ada: Somebody, two: Two) -> None:
    before = groups(ada)
    path = f"/faces/{face_in(ada, two[2][0])}/person"
    answer = http.put(path, headers=ada.headers, json={"name": "Twin"}).json()
    assert listed(http, ada)[answer["person"]["id"]]["name"] == "Twin"
    assert listed(http, ada)[two[0]]["image_count"] == 2
    build_agrees(http, ada)
    undo(http, ada, answer["correction_id"])
    assert groups(ada) == before
    build_agrees(http, ada)


def test_not_this_person_is_heard_for_good(http: TestClient, ada: Somebody, two: Two) -> None:
    before = groups(ada)
    path = f"/faces/{face_in(ada, two[2][0])}/person"
    answer = http.delete(path, headers=ada.headers).json()
    assert (answer["person"]["id"], answer["person"]["image_count"]) == (two[0], 2)
    assert who_is_in(ada.user_id, two[2][:1]) == [None]
    build_agrees(http, ada)
    assert http.delete(path, headers=ada.headers).status_code == 404
    undo(http, ada, answer["correction_id"])
    assert groups(ada) == before
    build_agrees(http, ada)


def test_the_newest_word_counts(http: TestClient, ada: Somebody, two: Two) -> None:
    face = face_in(ada, two[2][0])
    http.put(f"/faces/{face}/person", headers=ada.headers, json={"person_id": two[1]})
    http.delete(f"/faces/{face}/person", headers=ada.headers)
    build_agrees(http, ada)
    http.put(f"/faces/{face}/person", headers=ada.headers, json={"person_id": two[0]})
    build_agrees(http, ada)
    assert person_in(ada, two[2]) == two[0]


def test_a_face_belongs_to_a_person_or_to_a_new_name(http: TestClient, ada: Somebody, two: Two) -> None:
    path = f"/faces/{face_in(ada, two[2][0])}/person"
    for body in ({}, {"person_id": two[1], "name": "Both"}, {"name": "  "}):
        assert http.put(path, headers=ada.headers, json=body).status_code == 422


# ---- strangers ------------------------------------------------------------------------------------------------------


def test_somebody_elses_people_are_not_there(http: TestClient, ada: Somebody, two: Two) -> None:
    grace = somebody()
    face = face_in(ada, two[2][0])
    said = http.patch(f"/people/{two[0]}", headers=ada.headers, json={"name": "Ada"}).json()["correction_id"]
    mine = somebody_in(grace, 7)
    build(grace.user_id)
    own = person_in(grace, mine)
    answers = [
        http.get(f"/people/{two[0]}", headers=grace.headers),
        http.patch(f"/people/{two[0]}", headers=grace.headers, json={"name": "Stolen"}),
        http.post("/people/merge", headers=grace.headers, json={"into": own, "people": [two[0]]}),
        http.post("/people/merge", headers=grace.headers, json={"into": two[0], "people": [own]}),
        http.post(f"/people/{two[0]}/split", headers=grace.headers, json={"face_ids": [face]}),
        http.put(f"/faces/{face}/person", headers=grace.headers, json={"person_id": own}),
        http.put(f"/faces/{face_in(grace, mine[0])}/person", headers=grace.headers, json={"person_id": two[0]}),
        http.delete(f"/faces/{face}/person", headers=grace.headers),
        http.post(f"/people/corrections/{said}/undo", headers=grace.headers),
        http.get(f"/people/{uuid4()}", headers=grace.headers),
        http.post(f"/people/corrections/{uuid4()}/undo", headers=grace.headers),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert listed(http, ada)[two[0]]["name"] == "Ada"
    assert listed(http, grace).keys() == {own}


def test_a_correction_is_undone_once(http: TestClient, ada: Somebody, two: Two) -> None:
    said = http.patch(f"/people/{two[0]}", headers=ada.headers, json={"name": "Ada"}).json()["correction_id"]
    undo(http, ada, said)
    assert http.post(f"/people/corrections/{said}/undo", headers=ada.headers).status_code == 404


def test_every_correction_asks_for_a_rebuild_before_and_after(
    http: TestClient, ada: Somebody, two: Two, sent: Sent
) -> None:
    http.patch(f"/people/{two[0]}", headers=ada.headers, json={"name": "Ada"})
    assert sent.albums() == [300, None]
    assert value(ada.user_id, "SELECT wanted_generation > built_generation FROM rebuilds")
