"""The programs in docs/api-guide.md do what the guide says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.arranging import add_photo
from tests.documents import ROOT, blocks
from tests.mirrors import lists, without_tickets
from tests.shared.api.described import fill, routers
from tests.vaults import client

from photovault import changes, ids, webhook_events

pytestmark = pytest.mark.usefixtures("vault", "sent")

GUIDE = ROOT / "docs" / "api-guide.md"


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What the guide's Python defines."""
    names: dict[str, Any] = {}
    for block in blocks(GUIDE, "python"):
        exec(compile(block, str(GUIDE), "exec"), names)  # noqa: S102 - our own document
    return names


def test_the_client_of_the_guide_keeps_up(http: TestClient, told: dict[str, Any]) -> None:
    ada = fill(http).owner
    copy: dict[str, Any] = {}

    def catch_up(since: str | None) -> str:
        def get(path: str, query: dict[str, Any]) -> Any:
            return http.get(path, params=query, headers=ada.headers)

        ended: str = told["catch_up"](get, copy, since)
        return ended

    def is_complete() -> None:
        shown = {key: {name: value for name, value in row.items() if name != "is"} for key, row in rows().items()}
        assert {key: without_tickets(row) for key, row in copy.items()} == shown

    def rows() -> dict[str, dict[str, Any]]:
        return lists(http, ada.headers)

    since = catch_up(None)
    is_complete()

    photo = add_photo(ada.user_id)
    album = http.post("/albums/manual", json={"title": "New", "image_ids": [str(photo)]}, headers=ada.headers).json()
    since = catch_up(since)
    assert copy[album["id"]]["image_ids"] == [str(photo)]
    http.delete(f"/albums/{album['id']}", headers=ada.headers)
    http.delete(f"/images/{photo}", headers=ada.headers)
    since = catch_up(since)
    is_complete()
    assert album["id"] not in copy
    assert copy[str(photo)]["deleted_at"]
    assert catch_up(since)
    is_complete()


def test_the_client_of_the_guide_begins_anew_when_it_was_away_too_long(http: TestClient, told: dict[str, Any]) -> None:
    ada = fill(http).owner
    long_ago = changes.cursor(changes.Position(0, ids.new(), 0, datetime(2020, 1, 1, tzinfo=UTC)))
    copy = {"something": {"old": True}}
    told["catch_up"](lambda path, query: http.get(path, params=query, headers=ada.headers), copy, long_ago)
    assert copy.keys() == lists(http, ada.headers).keys()


def test_a_receiver_of_the_guide_takes_our_posts_and_no_others(told: dict[str, Any]) -> None:
    secret, now = webhook_events.new_secret(), datetime.now(UTC)
    (body,) = webhook_events.bodies("image.ready", [], at=now)
    headers = webhook_events.headers([secret], ids.new(), body, at=now)
    assert told["is_ours"](headers, body.encode(), secret)
    assert not told["is_ours"](headers, body.encode() + b" ", secret)
    assert not told["is_ours"](headers, body.encode(), webhook_events.new_secret())
    old = webhook_events.headers([secret], ids.new(), body, at=datetime(2020, 1, 1, tzinfo=UTC))
    assert not told["is_ours"](old, body.encode(), secret)
