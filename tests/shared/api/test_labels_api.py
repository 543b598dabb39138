"""Things that photos show over HTTP: browsing them, and the photos of some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import add_photo
from tests.vaults import Somebody, client, somebody

from photovault import db, images, things, users, vectors
from photovault.api import images as images_api
from photovault.api import labels
from photovault.model_manifest import ModelInfo

pytestmark = pytest.mark.usefixtures("vault", "sent")

MODEL = ModelInfo(name="tests-things", version="1", kind="label", dims=0)


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([labels.router, images_api.router]) as made:
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
    showing(somebody(), {"elephant": 0.9})
    assert counts(http, ada) == {}


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
