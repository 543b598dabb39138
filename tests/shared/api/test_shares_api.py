"""Links to albums and photos, as their owner makes, changes and ends them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import add_photo, table
from tests.shared.api.described import routers
from tests.shared.api.photos import problem
from tests.vaults import Somebody, client, somebody

from photovault import db, ids, shares, sharing, users

pytestmark = pytest.mark.usefixtures("vault", "sent", "quick_hashes")


@pytest.fixture(scope="module")
def http(vault: Path) -> TestClient:
    return client(routers())


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def album_of(http: TestClient, owner: Somebody, *image_ids: UUID, title: str = "For grandma") -> str:
    body = {"title": title, "image_ids": [str(image_id) for image_id in image_ids]}
    answer = http.post("/albums/manual", json=body, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def share(http: TestClient, owner: Somebody, album: str, **terms: Any) -> dict[str, Any]:
    answer = http.post(f"/albums/{album}/shares", json=terms, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def edited(http: TestClient, owner: Somebody, share_id: str, **terms: Any) -> dict[str, Any]:
    answer = http.patch(f"/shares/{share_id}", json=terms, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_share_says_what_it_allows_and_shows_its_link_once(http: TestClient, ada: Somebody) -> None:
    album = album_of(http, ada, add_photo(ada.user_id))
    made = share(http, ada, album, password="1234", expires_in=3600, view_limit=3, downloads=True)
    assert made["link"].startswith("http")
    token = made["link"].rpartition("/s/")[2]
    assert len(token) == 32
    assert made["link_hint"] == token[-4:]
    wanted = {
        "of": "album",
        "album_id": album,
        "title": "For grandma",
        "has_password": True,
        "view_limit": 3,
        "downloads": True,
        "openings": 0,
        "last_opened_at": None,
        "image_count": 1,
        "state": "active",
    }
    assert made.items() >= wanted.items()
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < ends <= timedelta(hours=1)
    shown = http.get(f"/shares/{made['id']}", headers=ada.headers).json()
    assert shown == made | {"link": None}
    assert http.get("/shares", headers=ada.headers).json()["items"] == [shown]


def test_neither_link_nor_password_is_in_the_database(http: TestClient, ada: Somebody) -> None:
    album = album_of(http, ada, add_photo(ada.user_id))
    made = share(http, ada, album, password="tell nobody")
    rows = str(table(ada.user_id, "SELECT to_jsonb(s) FROM shares s")) + str(table(ada.user_id, "SELECT * FROM shares"))
    assert made["link"].rpartition("/")[2] not in rows
    assert "tell nobody" not in rows


def test_a_link_without_terms_has_no_password_end_or_limit_and_allows_no_downloads(
    http: TestClient, ada: Somebody
) -> None:
    made = share(http, ada, album_of(http, ada, add_photo(ada.user_id)))
    assert (made["has_password"], made["expires_at"], made["view_limit"]) == (False, None, None)
    assert made["downloads"] is False


def test_photos_are_shared_without_an_album(http: TestClient, ada: Somebody) -> None:
    photos = [str(add_photo(ada.user_id)) for _ in range(2)]
    answer = http.post("/shares", json={"image_ids": [*photos, photos[0]]}, headers=ada.headers)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["of"], made["album_id"], made["title"], made["image_count"]) == ("photos", None, None, 2)


@pytest.mark.parametrize("gone", ["missing", "somebody else's", "in the trash"])
def test_a_photo_that_is_not_there_cannot_be_shared(http: TestClient, ada: Somebody, gone: str) -> None:
    mine = add_photo(ada.user_id)
    other = {"missing": ids.new(), "somebody else's": add_photo(somebody().user_id), "in the trash": mine}[gone]
    if gone == "in the trash":
        http.delete(f"/images/{mine}", headers=ada.headers)
    answer = http.post("/shares", json={"image_ids": [str(mine), str(other)]}, headers=ada.headers)
    problem(answer, 404, "not-found")
    assert http.get("/shares", headers=ada.headers).json()["items"] == []


@pytest.mark.parametrize(
    "terms",
    [
        {"password": "123"},
        {"password": "x" * 1025},
        {"expires_in": 59},
        {"expires_in": 60, "expires_at": "2100-01-01T00:00:00Z"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2999-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"view_limit": 0},
        {"view_limit": 10**9},
        {"title": " "},
        {"title": "a\x00b"},
        {"colour": "red"},
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused(http: TestClient, ada: Somebody, terms: dict[str, Any]) -> None:
    album = album_of(http, ada, add_photo(ada.user_id))
    problem(http.post(f"/albums/{album}/shares", json=terms, headers=ada.headers), 422, "invalid")
    made = share(http, ada, album)
    problem(http.patch(f"/shares/{made['id']}", json=terms, headers=ada.headers), 422, "invalid")
    assert http.get(f"/shares/{made['id']}", headers=ada.headers).json() == made | {"link": None}


def test_an_edit_changes_what_it_names(http: TestClient, ada: Somebody) -> None:
    made = share(http, ada, album_of(http, ada, add_photo(ada.user_id)), password="1234", expires_in=60, view_limit=2)
    as_made = made | {"link": None}
    assert edited(http, ada, made["id"]) == as_made
    assert edited(http, ada, made["id"], downloads=True) == as_made | {"downloads": True}
    freed = edited(http, ada, made["id"], password=None, expires_at=None, view_limit=None, title="Summer")
    assert freed == as_made | {
        "downloads": True, "has_password": False, "expires_at": None, "view_limit": None, "title": "Summer"
    }  # fmt: skip
    assert edited(http, ada, made["id"], title=None)["title"] == "For grandma"


def test_the_state_tells_why_a_link_does_not_work(http: TestClient, ada: Somebody) -> None:
    album = album_of(http, ada, add_photo(ada.user_id))
    names = ("active", "expired", "exhausted", "revoked", "orphaned")
    made = {name: UUID(share(http, ada, album, view_limit=1)["id"]) for name in names[:4]}
    other = album_of(http, ada, add_photo(ada.user_id))
    made["orphaned"] = UUID(share(http, ada, other)["id"])
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)
        conn.execute("UPDATE shares SET expires_at = now() WHERE id = %s", [made["expired"]])
        conn.execute("UPDATE shares SET openings = 1 WHERE id = %s", [made["exhausted"]])
    assert http.delete(f"/shares/{made['revoked']}", headers=ada.headers).status_code == 204
    assert http.delete(f"/albums/{other}", headers=ada.headers).status_code == 204
    found = {UUID(each["id"]): each["state"] for each in http.get("/shares", headers=ada.headers).json()["items"]}
    assert found == {made[name]: "revoked" if name == "orphaned" else name for name in names}


def test_a_revoked_share_stays_revoked(http: TestClient, ada: Somebody) -> None:
    made = share(http, ada, album_of(http, ada, add_photo(ada.user_id)))
    for _ in range(2):
        assert http.delete(f"/shares/{made['id']}", headers=ada.headers).status_code == 204
    problem(http.patch(f"/shares/{made['id']}", json={"expires_in": 600}, headers=ada.headers), 409, "conflict")
    problem(http.post(f"/shares/{made['id']}/link", headers=ada.headers), 409, "conflict")


def test_shares_come_page_by_page_and_of_one_album_where_asked(http: TestClient, ada: Somebody) -> None:
    albums = [album_of(http, ada, add_photo(ada.user_id)) for _ in range(2)]
    made = [share(http, ada, album)["id"] for album in (albums * 3)[:5]]
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = http.get("/shares", params=query, headers=ada.headers).json()
        found += [each["id"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == made[::-1]
    listed = http.get("/shares", params={"album_id": albums[1]}, headers=ada.headers).json()["items"]
    assert [each["id"] for each in listed] == [made[3], made[1]]


def test_a_request_that_is_repeated_makes_one_share(http: TestClient, ada: Somebody) -> None:
    """The link is only shown to whoever got the first answer; who did not makes a new one."""
    album = album_of(http, ada, add_photo(ada.user_id))
    headers = ada.headers | {"Idempotency-Key": "once"}
    first, again = (http.post(f"/albums/{album}/shares", json={}, headers=headers).json() for _ in range(2))
    assert again == first | {"link": None}
    other = album_of(http, ada, add_photo(ada.user_id))
    assert http.post(f"/albums/{other}/shares", json={}, headers=headers).json()["id"] != first["id"]


def test_the_activity_tells_of_shares(http: TestClient, ada: Somebody) -> None:
    made = share(http, ada, album_of(http, ada, add_photo(ada.user_id)))
    http.delete(f"/shares/{made['id']}", headers=ada.headers)
    events = http.get("/dashboard/recent-activity", headers=ada.headers).json()["items"]
    told = [(each["kind"], each["detail"]) for each in events if each["kind"].startswith("share-")]
    detail = {"share_id": made["id"], "title": "For grandma"}
    assert told == [("share-revoked", detail), ("share-created", detail)]


def test_shares_are_forgotten_long_after_their_end(http: TestClient, ada: Somebody) -> None:
    album = album_of(http, ada, add_photo(ada.user_id))
    made = {name: UUID(share(http, ada, album)["id"]) for name in ("open", "ended", "long ended", "long revoked")}
    with db.transaction(ada.user_id) as conn:
        for name, column, days in (
            ("ended", "expires_at", 89),
            ("long ended", "expires_at", 91),
            ("long revoked", "revoked_at", 91),
        ):
            conn.execute(
                f"UPDATE shares SET {column} = now() - interval '{days} days' WHERE id = %s".encode(), [made[name]]
            )
    with db.maintenance() as conn:
        shares.forget_expired(conn)
    left = {row[0] for row in table(ada.user_id, "SELECT id FROM shares")}
    assert left == {made["open"], made["ended"]}


def test_a_link_is_found_by_its_hash_and_by_nothing_else(http: TestClient, ada: Somebody) -> None:
    made = share(http, ada, album_of(http, ada, add_photo(ada.user_id)))
    token = made["link"].rpartition("/")[2]
    with db.before_login() as conn:
        found = shares.find(conn, token)
        assert found == shares.Found(ada.user_id, UUID(made["id"]))
        for other in (token[:-1], token + "A", token.swapcase(), "", "%"):
            assert shares.find(conn, other) is None
        assert conn.execute("SELECT count(*) FROM shares").fetchone() == (0,)
    assert sharing.hash_token(token) not in {b"", token.encode()}
