"""Things that photos show over HTTP: browsing them, and the photos of some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import add_photo
from tests.shared.api.described import routers
from tests.vaults import Somebody, client, somebody

from photovault import db, images, things, users, vectors
from photovault.model_manifest import ModelInfo
from photovault.sights import Sight

pytestmark = pytest.mark.usefixtures("vault", "sent")

MODEL = ModelInfo(name="tests-things", version="1", kind="label", dims=0)


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def showing(ada: Somebody, scores: Mapping[str, float], **columns: Any) -> UUID:
    """A photo of these things."""
    photo = add_photo(ada.user_id, **columns)
    with db.transaction(ada.user_id) as conn:
        things.add(conn, photo, vectors.model_id(conn, MODEL), scores)
    return photo


def browsed(http: TestClient, ada: Somebody, **query: Any) -> list[dict[str, Any]]:
    answer = http.get("/labels", headers=ada.headers, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def counts(http: TestClient, ada: Somebody) -> dict[str, int]:
    return {label["name"]: label["image_count"] for label in browsed(http, ada)}


def listed(http: TestClient, ada: Somebody, **query: Any) -> set[UUID]:
    answer = http.get("/images/list", headers=ada.headers, params=query)
    assert answer.status_code == 200, answer.text
    return {UUID(image["id"]) for image in answer.json()["items"]}


def change(ada: Somebody, photo: UUID, what: str) -> None:
    with db.transaction(ada.user_id) as conn:
        revision = users.next_revision(conn)
        if what == "archive":
            images.edit(conn, photo, revision=revision, archived=True)
        elif what == "bring back":
            images.edit(conn, photo, revision=revision, archived=False)
        elif what == "trash":
            images.move_to_trash(conn, photo, revision=revision)
        else:
            images.restore(conn, photo, revision=revision)


def test_things_are_listed_by_how_many_photos_show_them_with_the_clearest_as_cover(
    http: TestClient, ada: Somebody
) -> None:
    showing(ada, {"dog": 0.5, "cat": 0.6})
    clearest = showing(ada, {"dog": 0.9})
    showing(ada, {"dog": 0.7, "boat": 0.4})

    found = browsed(http, ada)

    assert [(label["name"], label["image_count"]) for label in found] == [("dog", 3), ("boat", 1), ("cat", 1)]
    assert found[0]["best_score"] == pytest.approx(0.9)
    assert found[0]["cover"]["image_id"] == str(clearest)


def test_a_library_in_which_nothing_was_seen_has_no_labels(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id)
    assert http.get("/labels", headers=ada.headers).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_bring_every_label_once(http: TestClient, ada: Somebody, limit: int) -> None:
    for photo in range(4):
        showing(ada, dict.fromkeys(("cup", "fork", "bowl", "spoon", "knife")[: 5 - photo], 0.5))
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = http.get("/labels", headers=ada.headers, params=query).json()
        seen += [label["name"] for label in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["cup", "fork", "bowl", "spoon", "knife"]


def test_a_cursor_of_another_list_is_refused(http: TestClient, ada: Somebody) -> None:
    for _ in range(2):
        showing(ada, {"dog": 0.5})
    cursor = http.get("/images/list", headers=ada.headers, params={"limit": 1}).json()["next_cursor"]
    assert http.get("/labels", headers=ada.headers, params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize(("away", "back"), [("archive", "bring back"), ("trash", "restore")])
def test_photos_in_archive_and_trash_do_not_count_until_they_come_back(
    http: TestClient, ada: Somebody, away: str, back: str
) -> None:
    photo = showing(ada, {"dog": 0.9, "kite": 0.5})
    showing(ada, {"dog": 0.5})
    change(ada, photo, away)
    assert counts(http, ada) == {"dog": 1}
    assert browsed(http, ada)[0]["best_score"] == pytest.approx(0.5)
    change(ada, photo, back)
    assert counts(http, ada) == {"dog": 2, "kite": 1}


def test_labels_that_come_while_a_photo_is_archived_are_not_browsed(http: TestClient, ada: Somebody) -> None:
    photo = showing(ada, {"dog": 0.9}, archived=True)
    assert counts(http, ada) == {}
    change(ada, photo, "bring back")
    assert counts(http, ada) == {"dog": 1}


def test_somebody_elses_things_are_not_seen(http: TestClient, ada: Somebody) -> None:
    theirs = showing(somebody(), {"elephant": 0.9})
    assert counts(http, ada) == {}
    assert browsed(http, ada, image_id=str(theirs)) == []


def test_some_photos_have_labels_of_their_own_count(http: TestClient, ada: Somebody) -> None:
    clear, dim = showing(ada, {"dog": 0.9, "kite": 0.4}), showing(ada, {"dog": 0.5}, archived=True)
    gone = showing(ada, {"dog": 0.95, "boat": 0.5})
    showing(ada, {"dog": 0.99, "zebra": 0.9})
    change(ada, gone, "trash")
    ids = [str(photo) for photo in (clear, dim, gone)]
    found = browsed(http, ada, image_id=ids)
    assert [(label["name"], label["image_count"]) for label in found] == [("dog", 2), ("kite", 1)]
    assert found[0]["cover"]["image_id"] == str(clear)
    assert [label["name"] for label in browsed(http, ada, image_id=ids, q="ki")] == ["kite"]
    first = ask(http, ada, "GET", "/labels", params={"image_id": ids, "limit": 1})
    second = ask(http, ada, "GET", "/labels", params={"image_id": ids, "limit": 1, "cursor": first["next_cursor"]})
    assert [label["name"] for page in (first, second) for label in page["items"]] == ["dog", "kite"]
    assert second["next_cursor"] is None
    assert http.get("/labels", headers=ada.headers, params={"image_id": ids[:1] * 101}).status_code == 422


def test_photos_are_narrowed_by_all_labels_and_their_scores(http: TestClient, ada: Somebody) -> None:
    sure = showing(ada, {"dog": 0.9, "cat": 0.8})
    unsure = showing(ada, {"dog": 0.45, "cat": 0.9})
    only = showing(ada, {"dog": 0.8})

    assert listed(http, ada, label="dog") == {sure, unsure, only}
    assert listed(http, ada, label="Dog", min_score=0.8) == {sure, only}
    assert listed(http, ada, label=["dog", "cat"]) == {sure, unsure}
    assert listed(http, ada, label=["dog", "cat"], min_score=0.5) == {sure}
    assert listed(http, ada, label="unicorn") == set()


def test_the_scores_that_a_photo_shows_are_scores_to_ask_for(http: TestClient, ada: Somebody) -> None:
    photo = showing(ada, {"dog": 0.9, "cat": 0.61})
    detail = http.get(f"/images/{photo}", headers=ada.headers).json()
    assert [label["name"] for label in detail["labels"]] == ["dog", "cat"]
    for label in detail["labels"]:
        assert listed(http, ada, label=label["name"], min_score=label["score"]) == {photo}


@pytest.mark.parametrize("query", [{"min_score": 0.5}, {"label": "dog", "min_score": 1.5}], ids=["no label", "above 1"])
def test_a_score_that_means_nothing_is_refused(http: TestClient, ada: Somebody, query: dict[str, Any]) -> None:
    assert http.get("/images/list", headers=ada.headers, params=query).status_code == 422


# ------------------------------------------------------------------------------------------------- said by a person


def ask(http: TestClient, ada: Somebody, method: str, path: str, **request: Any) -> Any:
    answer = http.request(method, path, headers=ada.headers, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(http: TestClient, ada: Somebody, q: str) -> set[UUID]:
    answer = ask(http, ada, "GET", "/search", params={"q": q})
    return {UUID(item["image"]["id"]) for item in answer["items"]}


def test_a_wrong_label_is_taken_away_and_a_right_one_added(http: TestClient, ada: Somebody) -> None:
    photo = showing(ada, {"giraffe": 0.6, "person": 0.9})
    ask(http, ada, "DELETE", f"/images/{photo}/labels/Giraffe")
    answer = ask(http, ada, "PUT", f"/images/{photo}/labels/K%C3%B6ln%20%2F%20Dom")
    assert answer == {
        "labels": [
            {"name": "Köln / Dom", "score": 1, "source": "person"},
            {"name": "person", "score": pytest.approx(0.9), "source": "vision"},
        ],
        "removed_labels": ["giraffe"],
    }
    detail = ask(http, ada, "GET", f"/images/{photo}")
    assert {name: detail[name] for name in answer} == answer
    assert counts(http, ada) == {"Köln / Dom": 1, "person": 1}
    assert listed(http, ada, label="KÖLN / dom") == {photo}
    assert listed(http, ada, label="giraffe") == set()


def test_searches_and_suggestions_know_what_was_added_and_not_what_was_removed(http: TestClient, ada: Somebody) -> None:
    photo, other = showing(ada, {"giraffe": 0.6}), showing(ada, {"giraffe": 0.6})
    with db.transaction(ada.user_id) as conn:
        for each in (photo, other):
            things.add_sights(conn, each, {"giraffe": Sight(0.9, 1)})
    body = {"image_ids": [str(photo)], "add_labels": ["Köln"], "remove_labels": ["giraffe"]}
    ask(http, ada, "POST", "/images/edit", json=body)
    for q in ("koln", "label:koln", "köln", "label:Köln"):
        assert found(http, ada, q) == {photo}, q
    for q in ("giraffe", "label:giraffe", "giraffes"):
        assert found(http, ada, q) == {other}, q
    assert found(http, ada, "-label:giraffe") == {photo}
    (suggestion,) = ask(http, ada, "GET", "/search/suggest", params={"q": "kol"})["items"]
    assert (suggestion["kind"], suggestion["value"]) == ("label", "köln")


def test_a_smart_album_follows_what_is_said(http: TestClient, ada: Somebody) -> None:
    photo, other = (add_photo(ada.user_id) for _ in range(2))
    body = {"title": "Sea", "filter": {"labels_all": ["Beach"]}}
    made = http.post("/albums/smart", headers=ada.headers, json=body)
    assert made.status_code == 201, made.text
    path = f"/albums/{made.json()['id']}"
    ask(http, ada, "PUT", f"/images/{photo}/labels/beach")
    ask(http, ada, "PATCH", f"/images/{other}", json={"add_labels": ["BEACH"]})
    assert ask(http, ada, "GET", path)["image_count"] == 2
    ask(http, ada, "DELETE", f"/images/{other}/labels/beach")
    assert ask(http, ada, "GET", path)["image_count"] == 1


def test_an_edit_of_many_says_how_it_is_undone(http: TestClient, ada: Somebody) -> None:
    seen, said, bare = showing(ada, {"dog": 0.5}), add_photo(ada.user_id), add_photo(ada.user_id)
    ask(http, ada, "PUT", f"/images/{said}/labels/Dog")
    ids = [str(seen), str(said), str(bare)]
    edited = ask(http, ada, "POST", "/images/edit", json={"image_ids": ids, "remove_labels": ["DOG"]})
    assert edited == {
        "changed": 2,
        "unchanged": 1,
        "labels": [
            {"name": "Dog", "undo": "add_labels", "image_ids": [str(said)]},
            {"name": "dog", "undo": "restore_labels", "image_ids": [str(seen)]},
        ],
    }
    assert counts(http, ada) == {}
    for step in edited["labels"]:
        ask(http, ada, "POST", "/images/edit", json={"image_ids": step["image_ids"], step["undo"]: [step["name"]]})
    assert {label["source"] for label in ask(http, ada, "GET", f"/images/{seen}")["labels"]} == {"vision"}
    assert ask(http, ada, "GET", f"/images/{said}")["labels"] == [{"name": "Dog", "score": 1, "source": "person"}]
    assert ask(http, ada, "GET", f"/images/{bare}")["labels"] == []


def test_labels_are_completed_by_the_beginnings_of_their_words(http: TestClient, ada: Somebody) -> None:
    photo = showing(ada, {"traffic light": 0.5})
    ask(http, ada, "PATCH", f"/images/{photo}", json={"add_labels": ["Île de Ré", "Light house"]})
    for q, names in {
        "li": {"Light house", "traffic light"},
        "ile": {"Île de Ré"},
        "re": {"Île de Ré"},
        "%": set(),
        "ight": set(),
        " ": {"Light house", "traffic light", "Île de Ré"},
    }.items():
        assert {label["name"] for label in browsed(http, ada, q=q)} == names, q


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"add_labels": ["x" * 101]}, "1 to 100 characters"),
        ({"add_labels": [" "]}, "1 to 100 characters"),
        ({"add_labels": []}, "at least 1 item"),
        ({"add_labels": [f"label {n}" for n in range(21)]}, "at most 20 items"),
        ({"add_labels": ["dog"], "remove_labels": ["Dog"]}, "only one of these"),
        ({}, "labels to add"),
    ],
    ids=["long", "blank", "none", "many", "both", "nothing"],
)
def test_what_is_no_label_is_refused_in_a_sentence(
    http: TestClient, ada: Somebody, body: dict[str, Any], words: str
) -> None:
    photo = add_photo(ada.user_id)
    answer = http.post("/images/edit", headers=ada.headers, json={"image_ids": [str(photo)], **body})
    assert answer.status_code == 422
    assert words in answer.text


def test_a_photo_takes_a_hundred_labels_and_says_so(http: TestClient, ada: Somebody) -> None:
    photo, other = (add_photo(ada.user_id) for _ in range(2))
    for lot in range(5):
        add = [f"label {20 * lot + n}" for n in range(20)]
        ask(http, ada, "PATCH", f"/images/{photo}", json={"add_labels": add})
    body = {"image_ids": [str(photo), str(other)], "add_labels": ["one more"]}
    answer = http.post("/images/edit", headers=ada.headers, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "A photo can have at most 100 labels; take some away first."
    assert ask(http, ada, "GET", f"/images/{other}")["labels"] == [], "none of them was changed"
