"""Exports over HTTP: a fixed list with everything that a person has, and tickets that open the originals."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, add_photo, add_photos, build, face_of, table, value, who_is_in
from tests.shared.api.described import seal
from tests.vaults import Somebody, client, somebody

from photovault import db, images, sealing, users
from photovault.api import albums, delivery, exports, people

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([albums.router, delivery.router, exports.router, people.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def export(http: TestClient, who: Somebody, **headers: str) -> dict[str, Any]:
    answer = http.post("/exports", headers=who.headers | headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def listed(http: TestClient, who: Somebody, path: str, *, limit: int = 200) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = http.get(path, headers=who.headers, params=query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


def test_a_photo_is_exported_with_all_that_is_known_of_it(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(
        ada.user_id,
        faces=[face_of(1)],
        where=LISBON,
        filename="IMG_1.jpg",
        caption="On the roof",
        favourite=True,
        camera_make="Canon",
        camera_model="EOS R6",
    )
    for look in (1, 2):
        add_photo(ada.user_id, faces=[face_of(1, look)])
    build(ada.user_id)
    album = http.post("/albums/manual", json={"title": "Mine", "image_ids": [str(photo)]}, headers=ada.headers).json()
    (person,) = who_is_in(ada.user_id, [photo])
    http.patch(f"/people/{person}", json={"name": "Grace"}, headers=ada.headers)
    seal(ada.user_id, photo)
    with db.transaction(ada.user_id) as conn:
        images.edit(conn, photo, revision=users.next_revision(conn), archived=True)
    made = export(http, ada)
    assert (made["photos"], made["bytes"], made["people"]) == (3, 3000, 1)
    shown = listed(http, ada, f"/exports/{made['id']}/images")[0]
    assert shown["id"] == str(photo)
    assert (shown["filename"], shown["caption"], shown["favourite"], shown["archived"]) == (
        "IMG_1.jpg",
        "On the roof",
        True,
        True,
    )
    assert shown["taken"]["local_time"] == "2025-05-09T10:00:00"
    assert shown["location"]["place"]["city"] == "Lisbon"
    assert shown["camera"] == {"make": "Canon", "model": "EOS R6"}
    (face,) = shown["people"]
    assert face == {"box": pytest.approx([0.1, 0.1, 0.2, 0.3]), "person_id": str(person), "person_name": "Grace"}
    assert album["id"] in shown["albums"]
    assert shown["tickets"].keys() == {"original"}
    (listed_album,) = [a for a in listed(http, ada, f"/exports/{made['id']}/albums") if a["id"] == album["id"]]
    assert (listed_album["title"], listed_album["kind"]) == ("Mine", "manual")
    (listed_person,) = listed(http, ada, f"/exports/{made['id']}/people")
    assert (listed_person["id"], listed_person["name"]) == (str(person), "Grace")


def test_the_ticket_opens_the_original(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id)
    seal(ada.user_id, photo)
    (shown,) = listed(http, ada, f"/exports/{export(http, ada)['id']}/images")
    ticket = shown["tickets"]["original"]
    sealed = http.get(ticket["url"]).content
    opened = sealing.unseal(
        sealed,
        key=base64.urlsafe_b64decode(ticket["key"]),
        address=sealing.Address(ada.user_id, photo, "original"),
        header_sha256=bytes.fromhex(ticket["header_sha256"]),
    )
    assert opened == b"original" * 20


def test_pages_do_not_shift_while_photos_come_and_go(http: TestClient, ada: Somebody) -> None:
    photos = add_photos(ada.user_id, 6)
    made = export(http, ada)
    path = f"/exports/{made['id']}/images"
    first = http.get(path, params={"limit": 3}, headers=ada.headers).json()
    add_photos(ada.user_id, 3)
    with db.transaction(ada.user_id) as conn:
        conn.execute("DELETE FROM images WHERE id = ANY(%s)", [[photos[0], photos[4]]])
    second = http.get(path, params={"limit": 3, "cursor": first["next_cursor"]}, headers=ada.headers).json()
    assert [UUID(item["id"]) for item in (*first["items"], *second["items"])] == [*photos[:4], photos[5]]
    assert second["next_cursor"] is None
    assert http.get(f"/exports/{made['id']}", headers=ada.headers).json()["photos"] == 6


def test_a_repeated_request_makes_one_export(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id)
    first = export(http, ada, **{"Idempotency-Key": "k1"})
    add_photo(ada.user_id)
    assert export(http, ada, **{"Idempotency-Key": "k1"})["id"] == first["id"]
    assert export(http, ada, **{"Idempotency-Key": "k2"})["photos"] == 2
    assert value(ada.user_id, "SELECT count(*) FROM exports") == 2
    assert http.delete(f"/exports/{first['id']}", headers=ada.headers).status_code == 204
    assert http.post("/exports", headers=ada.headers | {"Idempotency-Key": "k1"}).status_code == 404
    assert value(ada.user_id, "SELECT count(*) FROM activity WHERE kind = 'export-made'") == 2


@pytest.mark.parametrize("path", ["", "/images", "/albums", "/people"])
def test_an_export_that_is_deleted_expired_or_somebody_elses_is_not_there(
    http: TestClient, ada: Somebody, path: str
) -> None:
    deleted, expired, foreign = export(http, ada), export(http, ada), export(http, somebody())
    http.delete(f"/exports/{deleted['id']}", headers=ada.headers)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE exports SET created_at = now() - interval '31 days' WHERE id = %s", [expired["id"]])
    answers = [
        http.get(f"/exports/{id_}{path}", headers=ada.headers)
        for id_ in (deleted["id"], expired["id"], foreign["id"], uuid4())
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert http.delete(f"/exports/{foreign['id']}", headers=ada.headers).status_code == 404


def test_a_cursor_of_one_export_is_none_of_another(http: TestClient, ada: Somebody) -> None:
    add_photos(ada.user_id, 2)
    one, other = export(http, ada), export(http, ada)
    cursor = http.get(f"/exports/{one['id']}/images?limit=1", headers=ada.headers).json()["next_cursor"]
    answer = http.get(f"/exports/{other['id']}/images", params={"cursor": cursor}, headers=ada.headers)
    assert answer.status_code == 422


def test_what_is_left_out_is_counted(http: TestClient, ada: Somebody) -> None:
    photos = add_photos(ada.user_id, 2)
    add_photo(ada.user_id, status="pending", sealed_at=None)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE images SET deleted_at = now() WHERE id = %s", [photos[0]])
    made = export(http, ada)
    assert (made["photos"], made["waiting"], made["in_trash"]) == (1, 1, 1)


def test_a_page_costs_the_same_statements_however_long_it_is(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    for look in range(12):
        seal(ada.user_id, add_photo(ada.user_id, faces=[face_of(1, look)], where=LISBON))
    build(ada.user_id)
    path = f"/exports/{export(http, ada)['id']}/images"
    asked: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(self: Any, query: Any, *rest: Any, **options: Any) -> Any:
        asked.append(str(query))
        return execute(self, query, *rest, **options)

    def statements(limit: int) -> int:
        asked.clear()
        answer = http.get(path, params={"limit": limit}, headers=ada.headers).json()
        assert len(answer["items"]) == limit
        assert all(item["tickets"] and item["people"] and item["albums"] for item in answer["items"])
        return len(asked)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    assert statements(2) == statements(12) <= 10


def test_nothing_is_stored_but_the_bound(http: TestClient, ada: Somebody, vault: Path) -> None:
    seal(ada.user_id, add_photo(ada.user_id))
    before = sorted(str(path) for path in vault.rglob("*"))
    made = export(http, ada)
    for part in ("images", "albums", "people"):
        listed(http, ada, f"/exports/{made['id']}/{part}")
    assert sorted(str(path) for path in vault.rglob("*")) == before
    (row,) = table(ada.user_id, "SELECT photos, bytes FROM exports")
    assert row == (1, 1000)
