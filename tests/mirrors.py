"""A copy of a vault that keeps up with it by ``GET /changes``, and what the lists show, to hold against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient

Rows = dict[str, dict[str, Any]]


@dataclass
class Mirror:
    """As a careful client keeps it: what is gone is dropped, everything else replaced."""

    http: TestClient
    headers: dict[str, str]
    rows: Rows = field(default_factory=dict)
    since: str | None = None
    pages: int = 0

    def turn(self, *, limit: int = 50) -> bool:
        """One page; whether there is more."""
        asked = {"limit": limit} | ({"since": self.since} if self.since else {})
        answer = self.http.get("/changes", params=asked, headers=self.headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        for item in page["items"]:
            shown = item[item["kind"]]
            if shown is None:
                assert item["gone"]
                self.rows.pop(item["id"], None)
            else:
                assert item["gone"] == (item["kind"] == "image" and shown["deleted_at"] is not None)
                self.rows[item["id"]] = {"is": item["kind"]} | without_tickets(shown)
        self.since = page["next_since"]
        self.pages += 1
        more: bool = page["more"]
        return more

    def catch_up(self, *, limit: int = 200) -> Rows:
        while self.turn(limit=limit):
            pass
        return self.rows


def lists(http: TestClient, headers: dict[str, str]) -> Rows:
    """Everything that the lists show: photos in every state, the trash, albums with their photos, people."""

    def pages(path: str, **query: Any) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            asked = query | {"limit": 200} | ({"cursor": cursor} if cursor else {})
            answer = http.get(path, params=asked, headers=headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    found: Rows = {}
    for archived in (True, False):
        for status in ({}, {"status": "pending"}):
            for image in pages("/images/list", archived=archived, **status):
                found[image["id"]] = {"is": "image"} | without_tickets(image)
    for image in pages("/images/trash"):
        del image["purged_on"]
        found[image["id"]] = {"is": "image"} | without_tickets(image)
    for album in pages("/albums/"):
        photos = [photo["id"] for photo in pages(f"/albums/{album['id']}/images")]
        found[album["id"]] = {"is": "album"} | without_tickets(album) | {"image_ids": photos}
    for person in pages("/albums/persons", hidden=True):
        found[person["id"]] = {"is": "person"} | without_tickets(person)
    return found


def without_tickets(shown: Any) -> Any:
    """Tickets are made anew by every answer."""
    if isinstance(shown, dict):
        return {name: without_tickets(part) for name, part in shown.items() if name not in {"ticket", "tickets"}}
    if isinstance(shown, list):
        return [without_tickets(part) for part in shown]
    return shown
