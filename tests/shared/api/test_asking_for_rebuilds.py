"""Requests that change what albums are made of ask for a rebuild; no others do."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, START, add_photo, build, face_of, value
from tests.vaults import Somebody, client, somebody

from photovault.api import albums, images, people

pytestmark = pytest.mark.usefixtures("vault", "sent")

TIME = {"taken": {"local_time": "2024-05-09T10:00:00"}}
PLACE = {"location": {"lat": 41.15, "lon": -8.61}}


@pytest.fixture(scope="module")
def http(vault: Path) -> TestClient:
    return client([images.router, albums.router, people.router])


@pytest.fixture
def ada(vault: Path) -> Somebody:
    """With two photos of somebody in Lisbon, arranged."""
    person = somebody()
    for look in range(2):
        add_photo(person.user_id, taken=START, where=LISBON, faces=[face_of(1, look)])
    build(person.user_id)
    return person


def paths(person: Somebody) -> dict[str, UUID]:
    """Ids of what there is: a photo, the album of its place, who is in it."""
    return {
        "photo": value(person.user_id, "SELECT id FROM images ORDER BY id LIMIT 1"),
        "album": value(person.user_id, "SELECT id FROM albums WHERE kind = 'place'"),
        "person": value(person.user_id, "SELECT id FROM person_clusters"),
    }


@pytest.mark.parametrize(
    ("request_line", "body", "asks"),
    [
        ("PATCH /images/{photo}", {"archived": True}, True),
        ("PATCH /images/{photo}", {"archived": False}, False),
        ("PATCH /images/{photo}", TIME, True),
        ("PATCH /images/{photo}", PLACE, True),
        ("PATCH /images/{photo}", {"caption": "Sunny"}, False),
        ("PATCH /images/{photo}", {"favourite": True}, False),
        ("DELETE /images/{photo}", None, True),
        ("POST /images/{photo}/restore", None, False),
        ("PATCH /people/{person}", {"name": "Grace"}, True),
        ("PATCH /people/{person}", {"hidden": True}, True),
        ("PATCH /albums/{album}", {"title": "Our town"}, False),
        ("PATCH /albums/{album}", {"description": "Sunny"}, False),
        ("PATCH /albums/{album}", {"title": None}, True),
        ("DELETE /albums/{album}", None, False),
    ],
    ids=str,
)
def test_who_asks_for_a_rebuild(
    http: TestClient, ada: Somebody, request_line: str, body: dict[str, Any] | None, asks: bool
) -> None:
    before = value(ada.user_id, "SELECT wanted_generation FROM rebuilds")
    method, path = request_line.split()
    answer = http.request(method, path.format(**paths(ada)), json=body, headers=ada.headers)
    assert answer.is_success, answer.text
    assert (value(ada.user_id, "SELECT wanted_generation FROM rebuilds") > before) is asks


def test_a_photo_that_comes_back_asks_for_a_rebuild(http: TestClient, ada: Somebody) -> None:
    photo = paths(ada)["photo"]
    http.delete(f"/images/{photo}", headers=ada.headers)
    build(ada.user_id)
    assert http.post(f"/images/{photo}/restore", headers=ada.headers).is_success
    assert value(ada.user_id, "SELECT wanted_generation > built_generation FROM rebuilds")
