"""``GET /changes``: page by page, from any moment on, nothing skipped, nothing of anybody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, START, add_photo, add_photos, build, face_of, table, value
from tests.mirrors import Mirror, lists
from tests.shared.api.described import assert_problem, routers
from tests.vaults import Somebody, client, somebody

from photovault import changes, cursors, db, images, tombstones, trash, users
from photovault.api import changes as route
from photovault.pipeline import maintenance
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture
def ada() -> Somebody:
    return somebody()


def read(http: TestClient, who: Somebody, since: str | None = None, **query: Any) -> dict[str, Any]:
    answer = http.get("/changes", params=query | ({"since": since} if since else {}), headers=who.headers)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def caught_up(http: TestClient, who: Somebody) -> str:
    page = read(http, who, limit=200)
    assert not page["more"]
    return str(page["next_since"])


def at(who: Somebody, **changed: Any) -> str:
    """A cursor as it was given out to a copy that was complete at another time, or had read otherwise."""
    with db.transaction(who.user_id) as conn:
        now = changes.begin(conn, now=datetime.now(UTC))
    return changes.cursor(changes.Position(**{**vars(now), **changed}))


def test_an_empty_vault_has_no_changes_and_a_place_to_go_on_from(http: TestClient, ada: Somebody) -> None:
    page = read(http, ada)
    assert (page["items"], page["more"]) == ([], False)
    photo = add_photo(ada.user_id)
    following = read(http, ada, page["next_since"])
    assert [item["id"] for item in following["items"]] == [str(photo)]


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_pages_of_any_size_bring_what_the_lists_show(http: TestClient, ada: Somebody, limit: int) -> None:
    add_photos(ada.user_id, 5, where=LISBON, faces=[face_of(1)])
    build(ada.user_id)
    copy = Mirror(http, ada.headers)
    assert copy.catch_up(limit=limit) == lists(http, ada.headers)
    assert {row["is"] for row in copy.rows.values()} == {"image", "album", "person"}
    assert not read(http, ada, copy.since)["items"], "nothing is told twice to whoever is up to date"


def test_many_changes_of_one_revision_are_told_page_by_page(http: TestClient, ada: Somebody) -> None:
    photos = add_photos(ada.user_id, 7)
    since = caught_up(http, ada)
    body = {"image_ids": [str(photo) for photo in photos], "favourite": True}
    assert http.post("/images/edit", json=body, headers=ada.headers).is_success
    told = []
    for _ in range(4):
        page = read(http, ada, since, limit=2)
        told += page["items"]
        since = page["next_since"]
    assert sorted(item["id"] for item in told) == sorted(map(str, photos))
    assert len({item["revision"] for item in told}) == 1
    assert not page["more"]


def test_the_trash_tells_gone_from_gone_for_good(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id)

    def told(since: str) -> dict[str, Any]:
        (item,) = read(http, ada, since)["items"]
        return {"id": item["id"], "gone": item["gone"], "there": item["image"] is not None}

    since = caught_up(http, ada)
    http.delete(f"/images/{photo}", headers=ada.headers)
    assert told(since) == {"id": str(photo), "gone": True, "there": True}
    http.post(f"/images/{photo}/restore", headers=ada.headers)
    assert told(since) == {"id": str(photo), "gone": False, "there": True}
    with db.transaction(ada.user_id) as conn:
        revision = users.next_revision(conn)
        images.move_to_trash(conn, photo, revision=revision)
        trash.purge_one(conn, photo, revision=revision)
    assert told(since) == {"id": str(photo), "gone": True, "there": False}
    assert read(http, ada)["items"] == [], "an empty copy is not told of what it never had"


def test_an_album_comes_with_its_photos_in_their_order(http: TestClient, ada: Somebody) -> None:
    photos = [str(photo) for photo in add_photos(ada.user_id, 3)]
    made = http.post("/albums/manual", json={"title": "A", "image_ids": photos}, headers=ada.headers).json()
    since = caught_up(http, ada)
    order = {"image_ids": [photos[2]], "to": "start"}
    assert http.put(f"/albums/{made['id']}/order", json=order, headers=ada.headers).is_success
    (item,) = read(http, ada, since)["items"]
    assert item["album"]["image_ids"] == [photos[2], *sorted(photos[:2], reverse=True)]


def test_albums_too_large_for_an_answer_are_left_to_their_list(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "MOST_OF_AN_ALBUM", 2)
    monkeypatch.setattr(route, "MOST_OF_A_PAGE", 3)
    photos = [str(photo) for photo in add_photos(ada.user_id, 3)]
    since = caught_up(http, ada)
    for many in (1, 2, 3, 2, 0):
        body = {"title": str(many), "image_ids": photos[:many]}
        assert http.post("/albums/manual", json=body, headers=ada.headers).is_success
    sizes = []
    while True:
        page = read(http, ada, since)
        sizes.append(
            [len(i["album"]["image_ids"]) if i["album"]["image_ids"] is not None else None for i in page["items"]]
        )
        since = page["next_since"]
        if not page["more"]:
            break
    assert sizes == [[1, 2, None], [2, 0]]


def test_a_photo_that_is_retimed_changes_the_cover_of_its_album(http: TestClient, ada: Somebody) -> None:
    early, late = add_photo(ada.user_id), add_photo(ada.user_id, taken=START + timedelta(hours=1))
    body = {"title": "A", "image_ids": [str(early), str(late)]}
    album = http.post("/albums/manual", json=body, headers=ada.headers).json()
    assert album["cover"]["image_id"] == str(late)
    since = caught_up(http, ada)
    http.patch(f"/images/{late}", json={"taken_at": "2001-01-01T10:00"}, headers=ada.headers)
    told = {item["kind"]: item for item in read(http, ada, since)["items"]}
    assert told["album"]["album"]["cover"]["image_id"] == str(early)


def test_an_upload_that_never_came_leaves_its_album(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance.staging, "holds", lambda *_: False)
    item = {"filename": "a.jpg", "content_type": "image/jpeg", "size": 9, "sha256": "ab" * 32}
    (announced,) = http.post("/images/uploads", json={"items": [item]}, headers=ada.headers).json()["items"]
    body = {"title": "A", "image_ids": [announced["image_id"]]}
    assert http.post("/albums/manual", json=body, headers=ada.headers).json()["image_count"] == 1
    copy = Mirror(http, ada.headers)
    copy.catch_up()
    assert maintenance._expire(ada.user_id, UUID(announced["image_id"]), now=datetime.now(UTC) + timedelta(days=9))
    assert copy.catch_up() == lists(http, ada.headers)


# ----------------------------------------------------------------------------------------------------- concurrency


def test_a_change_that_commits_later_is_not_skipped(http: TestClient, ada: Somebody) -> None:
    """Two writers at once: whoever took the first revision holds the lock until its commit, so nobody overtakes it."""
    first, second = add_photos(ada.user_id, 2)
    since = caught_up(http, ada)
    overtaken = threading.Event()

    def write_second() -> None:
        with db.transaction(ada.user_id) as conn:
            images.edit(conn, second, revision=users.next_revision(conn), favourite=True)
        overtaken.set()

    other = threading.Thread(target=write_second)
    with db.transaction(ada.user_id) as conn:
        images.edit(conn, first, revision=users.next_revision(conn), favourite=True)
        other.start()
        assert not overtaken.wait(0.5), "the second writer did not wait"
        between = read(http, ada, since)
        assert (between["items"], between["more"]) == ([], False)
    other.join()
    told = read(http, ada, between["next_since"])["items"]
    assert [item["id"] for item in told] == [str(first), str(second)]
    assert told[0]["revision"] < told[1]["revision"]


# ------------------------------------------------------------------------------------------------- too old, or wrong


def test_a_copy_that_is_too_old_has_to_start_again(http: TestClient, ada: Somebody) -> None:
    add_photo(ada.user_id)
    now = datetime.now(UTC)
    assert read(http, ada, at(ada, complete_at=now - timedelta(days=89)))
    old = http.get("/changes", params={"since": at(ada, complete_at=now - timedelta(days=91))}, headers=ada.headers)
    assert old.status_code == 410
    assert assert_problem(old)["type"].endswith("/start-again")


def test_reading_slowly_does_not_make_a_copy_younger(http: TestClient, ada: Somebody) -> None:
    """What is gone since it was last complete must be remembered, and not since it last asked."""
    add_photos(ada.user_id, 3)
    then = datetime.now(UTC) - timedelta(days=80)
    page = read(http, ada, at(ada, complete_at=then), limit=1)
    assert cursors.decode("changes", page["next_since"], "iuit")[3] == then
    while page["more"]:
        page = read(http, ada, page["next_since"], limit=1)
    assert cursors.decode("changes", page["next_since"], "iuit")[3] > then + timedelta(days=79)


def test_a_copy_that_is_ahead_of_a_restored_vault_has_to_start_again(http: TestClient, ada: Somebody) -> None:
    ahead = http.get("/changes", params={"since": at(ada, revision=10**6)}, headers=ada.headers)
    assert ahead.status_code == 410


@pytest.mark.parametrize(
    "since",
    [
        "nonsense",
        cursors.encode("trash", datetime.now(UTC), UUID(int=0)),
        cursors.encode("changes", 1, UUID(int=0), 1, datetime(2026, 1, 1)),
    ],
    ids=["nonsense", "of another list", "without an offset"],
)
def test_what_is_no_cursor_is_refused(http: TestClient, ada: Somebody, since: str) -> None:
    answer = http.get("/changes", params={"since": since}, headers=ada.headers)
    assert answer.status_code == 422
    assert_problem(answer)


def test_tombstones_outlive_the_copies_that_need_them(ada: Somebody, database_url: str) -> None:
    with db.transaction(ada.user_id) as conn:
        tombstones.add(conn, "image", [UUID(int=1)], revision=1)
        tombstones.add(conn, "image", [UUID(int=2)], revision=2)
    with psycopg.connect(database_url) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(ada.user_id)])
        conn.execute("UPDATE tombstones SET at = now() - interval '101 days' WHERE revision = 1")
        conn.execute("UPDATE tombstones SET at = now() - %s WHERE revision = 2", [tombstones.REMEMBERED])
    maintenance.forget_expired(Report(), now=datetime.now(UTC))
    assert table(ada.user_id, "SELECT revision FROM tombstones") == [(2,)]


# ------------------------------------------------------------------------------------------------------------ plans


def test_a_page_is_read_from_indexes_alone(ada: Somebody) -> None:
    """However large the vault, and however far back: no sorting of everything that changed since."""
    add_photos(ada.user_id, 3)
    with db.transaction(ada.user_id) as conn:
        conn.execute("SET LOCAL enable_seqscan = off")
        conn.execute("SET LOCAL enable_bitmapscan = off")
        conn.execute("SET LOCAL enable_sort = off")  # nor of a few rows, where it costs nothing
        for name, id_ in (
            ("images", "id"),
            ("albums", "id"),
            ("person_clusters", "id"),
            ("tombstones", "subject_id"),
        ):
            plan = conn.execute(
                f"EXPLAIN SELECT revision, {id_} FROM {name} WHERE (revision, {id_}) > (1, %s) "
                f"ORDER BY revision, {id_} LIMIT 50".encode(),
                [UUID(int=0)],
            ).fetchall()
            told = "\n".join(line for (line,) in plan)
            assert "Index" in told, told
            assert "Sort" not in told, told
    assert value(ada.user_id, "SELECT count(*) FROM images") == 3
