"""The trash and edits of many photos: all or none, back into the same albums, and gone for good when asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, Sent, add_photo, add_photos, build, face_of, table, value
from tests.pictures import draw
from tests.shared.api.photos import problem, sealed_photo
from tests.vaults import Somebody, client, somebody

from photovault import api as photovault_api
from photovault import db, rollups, staging, storage, trash, users
from photovault.api import PARTS
from photovault.api import trash as trash_api
from photovault.errors import StorageUnavailable
from photovault.pipeline import maintenance, purging
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "sent", "notes")


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is noted in staging."""
    kept: set[str] = set()
    monkeypatch.setattr(staging, "mark", kept.add)
    monkeypatch.setattr(staging, "delete", kept.discard)
    return kept


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    parts = [*PARTS["images"], *PARTS["albums"], *PARTS["jobs"], *PARTS["dashboard"]]
    with client([photovault_api.router(name) for name in dict.fromkeys(parts)]) as made:
        yield made


def ask(http: TestClient, who: Somebody, method: str, path: str, status: int = 200, **request: Any) -> Any:
    answer = http.request(method, path, headers=who.headers, **request)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def ids_at(http: TestClient, who: Somebody, path: str) -> set[UUID]:
    return {UUID(item["id"]) for item in ask(http, who, "GET", path)["items"]}


def many(image_ids: list[UUID], **more: Any) -> dict[str, Any]:
    return {"json": {"image_ids": [str(image_id) for image_id in image_ids]} | more}


# -------------------------------------------------------------------------------------------------- in and out again


def test_photos_go_to_the_trash_together_and_come_back_into_the_same_albums(http: TestClient, sent: Sent) -> None:
    who = somebody()
    photos = add_photos(who.user_id, 4, where=LISBON)
    album = ask(http, who, "POST", "/albums/manual", 201, json={"title": "Mine", "image_ids": [str(photos[0])]})["id"]
    build(who.user_id)
    members = (
        "SELECT a.kind, a.title, m.image_id FROM album_images m JOIN albums a ON a.id = m.album_id "
        "WHERE a.deleted_at IS NULL ORDER BY 1, 2, 3"
    )
    before = table(who.user_id, members)
    assert len(before) > 4
    assert ask(http, who, "POST", "/images/trash", **many(photos[:3])) == {"changed": 3, "unchanged": 0}
    assert ask(http, who, "POST", "/images/trash", **many(photos[2:])) == {"changed": 1, "unchanged": 1}
    assert ids_at(http, who, "/images/trash") == set(photos)
    assert ids_at(http, who, "/images/list") == ids_at(http, who, f"/albums/{album}/images") == set()
    assert ask(http, who, "GET", "/images/timeline")["total"] == 0
    assert ask(http, who, "GET", "/images/map")["items"] == []
    build(who.user_id)
    assert ask(http, who, "POST", "/images/restore", **many(photos)) == {"changed": 4, "unchanged": 0}
    build(who.user_id)
    assert table(who.user_id, members) == before
    assert ids_at(http, who, f"/albums/{album}/images") == {photos[0]}
    assert ask(http, who, "GET", "/images/timeline")["total"] == 4
    kinds = [kind for (kind,) in table(who.user_id, "SELECT kind FROM activity ORDER BY id")]
    assert [kind for kind in kinds if "photo" in kind] == ["photos-deleted", "photo-deleted", "photos-restored"]


def test_the_trash_says_on_which_day_each_photo_goes(http: TestClient) -> None:
    who = somebody()
    add_photo(who.user_id, deleted_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    (item,) = ask(http, who, "GET", "/images/trash")["items"]
    assert item["purged_on"] == "2026-03-02"
    assert trash.purged_on(datetime(2026, 1, 1, tzinfo=UTC)) == date(2026, 1, 31)


@pytest.mark.parametrize("path", ["/images/trash", "/images/restore", "/images/edit"])
def test_with_one_unknown_photo_nothing_is_done(http: TestClient, path: str) -> None:
    who = somebody()
    photos = [add_photo(who.user_id), add_photo(who.user_id, deleted_at=datetime(2026, 1, 1))]
    before = table(who.user_id, "SELECT id, deleted_at, favourite, revision FROM images ORDER BY id")
    for unknown in (uuid4(), add_photo(somebody().user_id)):
        more = {"favourite": True} if path.endswith("edit") else {}
        answer = http.post(path, headers=who.headers, **many([*photos, unknown], **more))
        assert problem(answer, 404, "not-found")["detail"] == "There is no such photo."
    assert table(who.user_id, "SELECT id, deleted_at, favourite, revision FROM images ORDER BY id") == before


@pytest.mark.parametrize("body", [{"image_ids": []}, {"image_ids": [str(uuid4())] * 1001}, {}, {"image_ids": ["x"]}])
def test_too_many_or_no_photos_are_refused(http: TestClient, body: dict[str, Any]) -> None:
    for path in ("/images/trash", "/images/restore", "/images/edit"):
        problem(http.post(path, headers=somebody().headers, json=body), 422, "invalid")


def test_what_shows_other_numbers_now_has_a_new_revision(http: TestClient) -> None:
    who = somebody()
    photo = add_photo(who.user_id, faces=[face_of(1)])
    add_photo(who.user_id, faces=[face_of(1, 1)])
    build(who.user_id)
    album = ask(http, who, "POST", "/albums/manual", 201, json={"title": "Mine", "image_ids": [str(photo)]})["id"]
    for path in ("/images/trash", "/images/restore"):
        ask(http, who, "POST", path, **many([photo]))
        latest = value(who.user_id, "SELECT revision FROM users")
        assert value(who.user_id, "SELECT revision FROM images WHERE id = %s", [photo]) == latest
        assert value(who.user_id, "SELECT revision FROM albums WHERE id = %s", [album]) == latest
        assert value(who.user_id, "SELECT revision FROM person_clusters") == latest


def test_the_same_file_again_is_told_to_be_in_the_trash_and_comes_back_by_restoring(http: TestClient) -> None:
    """Its SHA-256 is free for another photo only when it was removed for good."""
    who = somebody()
    data = draw(7, (32, 32))
    photo = sealed_photo(who, data)
    ask(http, who, "POST", "/images/trash", **many([photo]))
    again = ask(http, who, "POST", "/images/upload", 202, files={"file": ("b.jpg", data, "image/jpeg")})
    assert (again["image"]["id"], again["duplicate"]) == (str(photo), True)
    assert again["image"]["deleted_at"]
    assert ask(http, who, "POST", f"/images/{photo}/restore")["deleted_at"] is None
    ask(http, who, "POST", "/images/trash", **many([photo]))
    ask(http, who, "DELETE", f"/images/trash/{photo}", 204)
    assert sealed_photo(who, data) != photo


# ------------------------------------------------------------------------------------------------------ gone for good


def test_emptying_the_trash_removes_what_is_in_it_and_says_how_many(http: TestClient, notes: set[str]) -> None:
    who = somebody()
    kept, *photos = [sealed_photo(who, draw(n, (32, 32))) for n in range(10, 14)]
    used = value(who.user_id, "SELECT used_bytes FROM users")
    size = value(who.user_id, "SELECT bytes FROM images WHERE id = %s", [kept])
    keys = table(who.user_id, "SELECT driver, key, image_id FROM blobs")
    ask(http, who, "POST", "/images/trash", **many(photos))
    started = ask(http, who, "POST", "/images/trash/empty", 202)
    assert started["photos"] == 3
    job = ask(http, who, "GET", f"/jobs/{started['job_id']}")
    assert (job["kind"], job["state"], job["done"], job["total"]) == ("empty-trash", "done", 3, 3)
    assert ids_at(http, who, "/images/trash") == set()
    assert ids_at(http, who, "/images/list") == {kept}
    assert value(who.user_id, "SELECT used_bytes FROM users") == size < used
    gone = table(who.user_id, "SELECT subject_id FROM tombstones WHERE kind = 'image'")
    assert {subject for (subject,) in gone} == set(photos)
    assert notes == {purging.note_of(who.user_id)}
    # The blobs, which nothing opens any more, go with the next sweep.
    report = Report()
    maintenance.finish_purges(report, [who.user_id], daily=False)
    assert report.failures == []
    for driver, key, image_id in keys:
        assert (storage.driver(driver).size(key) is not None) == (image_id == kept)
    assert table(who.user_id, "SELECT key FROM retired_blobs") == []
    assert notes == set()


def test_a_large_trash_is_emptied_by_and_by_and_what_comes_meanwhile_stays(
    http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "BATCH", 10)
    monkeypatch.setattr(trash_api, "SECONDS", -1.0)  # no time at all
    who = somebody()
    add_trashed(who, 35)
    started = ask(http, who, "POST", "/images/trash/empty", 202)
    assert started["photos"] == 35
    later = add_photo(who.user_id)
    ask(http, who, "POST", "/images/trash", **many([later]))
    seen = []
    while not purging.empty(who.user_id, remaining=iter([100.0, 0.0]).__next__):
        job = ask(http, who, "GET", f"/jobs/{started['job_id']}")
        seen.append((job["state"], job["done"], job["total"]))
    assert seen == [("running", 10, 35), ("running", 20, 35), ("running", 30, 35), ("done", 35, 35)]
    assert ids_at(http, who, "/images/trash") == {later}
    with db.transaction(who.user_id) as conn:
        assert rollups.differences(conn) == {}


def add_trashed(who: Somebody, count: int) -> None:
    first = add_photo(who.user_id, deleted_at=datetime(2026, 1, 1))
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, key_version, content_key, sort_at, "
            "deleted_at) SELECT gen_random_uuid(), sha256(n::text::bytea), 'a', 'b', 1, key_version, content_key, "
            "sort_at, deleted_at FROM images, generate_series(2, %s) AS n WHERE images.id = %s",
            [count, first],
        )


def test_asking_twice_goes_on_with_one_job_and_takes_what_came_since(
    http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_api, "SECONDS", -1.0)
    who = somebody()
    add_trashed(who, 3)
    first = ask(http, who, "POST", "/images/trash/empty", 202)
    ask(http, who, "POST", "/images/trash", **many([add_photo(who.user_id)]))
    second = ask(http, who, "POST", "/images/trash/empty", 202)
    assert (second["job_id"], second["photos"]) == (first["job_id"], 4)
    assert purging.empty(who.user_id)
    assert ids_at(http, who, "/images/trash") == set()


def test_cancelling_keeps_the_rest(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 10)
    monkeypatch.setattr(trash_api, "SECONDS", -1.0)
    who = somebody()
    add_trashed(who, 25)
    job = ask(http, who, "POST", "/images/trash/empty", 202)["job_id"]
    purging.empty(who.user_id, remaining=iter([100.0, 0.0]).__next__)
    ask(http, who, "DELETE", f"/jobs/{job}", 202)
    assert purging.empty(who.user_id)
    assert ask(http, who, "GET", f"/jobs/{job}")["state"] == "failed"
    assert len(ids_at(http, who, "/images/trash")) == 15


def test_an_empty_trash_is_emptied_at_once(http: TestClient) -> None:
    who = somebody()
    started = ask(http, who, "POST", "/images/trash/empty", 202)
    assert started["photos"] == 0
    assert ask(http, who, "GET", f"/jobs/{started['job_id']}")["state"] == "done"


def test_the_daily_pass_finds_a_job_whose_note_was_lost(
    http: TestClient, notes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise StorageUnavailable("no")

    monkeypatch.setattr(staging, "mark", fail)
    monkeypatch.setattr(trash_api, "SECONDS", -1.0)
    who = somebody()
    add_trashed(who, 3)
    ask(http, who, "POST", "/images/trash/empty", 202)
    maintenance.finish_purges(Report(), [], daily=False)
    assert len(ids_at(http, who, "/images/trash")) == 3
    maintenance.finish_purges(Report(), [], daily=True)
    assert ids_at(http, who, "/images/trash") == set()


def test_one_photo_of_the_trash_is_removed_for_good_and_one_outside_is_not_found(http: TestClient) -> None:
    who = somebody()
    photo, other = add_photos(who.user_id, 2)
    problem(http.delete(f"/images/trash/{photo}", headers=who.headers), 404, "not-found")
    ask(http, who, "DELETE", f"/images/{photo}", 204)
    ask(http, who, "DELETE", f"/images/trash/{photo}", 204)
    problem(http.delete(f"/images/trash/{photo}", headers=who.headers), 404, "not-found")
    problem(http.get(f"/images/{photo}", headers=who.headers), 404, "not-found")
    assert ids_at(http, who, "/images/list") == {other}


def test_blobs_that_cannot_be_deleted_now_are_deleted_by_another_sweep(
    http: TestClient, notes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = somebody()
    photos = [sealed_photo(who, draw(n, (32, 32))) for n in range(20, 22)]
    keys = table(who.user_id, "SELECT driver, key FROM blobs ORDER BY key")
    ask(http, who, "POST", "/images/trash", **many(photos))
    ask(http, who, "POST", "/images/trash/empty", 202)
    driver = storage.driver("local")
    delete = driver.delete

    def fail_for_the_first(key: str) -> None:
        if key == keys[0][1]:
            raise StorageUnavailable("no")
        delete(key)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "delete", fail_for_the_first)
        assert not purging.finish(who.user_id)
    assert table(who.user_id, "SELECT driver, key FROM retired_blobs") == keys[:1]
    assert notes == {purging.note_of(who.user_id)}
    assert purging.finish(who.user_id)
    assert [driver.size(key) for _, key in keys] == [None] * len(keys)
    assert notes == set()


def test_a_worker_that_dies_between_two_batches_loses_nothing(
    http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "BATCH", 10)
    monkeypatch.setattr(trash_api, "SECONDS", -1.0)
    who = somebody()
    add_trashed(who, 25)
    job = ask(http, who, "POST", "/images/trash/empty", 202)["job_id"]

    def die(name: str) -> None:
        raise KeyboardInterrupt(name)

    with monkeypatch.context() as patch:
        patch.setattr(purging.failpoints, "reach", die)
        with pytest.raises(KeyboardInterrupt):
            purging.empty(who.user_id)
    assert purging.empty(who.user_id)
    told = ask(http, who, "GET", f"/jobs/{job}")
    assert (told["state"], told["done"], told["total"]) == ("done", 25, 25)


def test_an_account_that_is_deleted_meanwhile_leaves_no_note(http: TestClient, notes: set[str]) -> None:
    who = somebody()
    ask(http, who, "POST", "/images/trash/empty", 202)
    with db.transaction(who.user_id) as conn:
        conn.execute("UPDATE users SET erased_at = now()")
    report = Report()
    maintenance.finish_purges(report, [who.user_id], daily=False)
    assert (report.failures, notes) == ([], set())


def test_the_daily_pass_removes_what_is_thirty_days_old_and_nothing_younger() -> None:
    who = somebody()
    now = datetime.now(UTC)
    old = [add_photo(who.user_id, deleted_at=now - timedelta(days=30, minutes=n)) for n in (1, 2)]
    young = add_photo(who.user_id, deleted_at=now - timedelta(days=29, hours=23))
    report = Report()
    maintenance.purge_trash(report, now=now)
    assert report.purged >= 2
    assert table(who.user_id, "SELECT id FROM images") == [(young,)]
    assert {row[0] for row in table(who.user_id, "SELECT subject_id FROM tombstones")} >= set(old)


def test_the_daily_pass_removes_however_many_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 2)
    now = datetime.now(UTC)
    gone = somebody()
    for _ in range(3):
        add_photo(gone.user_id, deleted_at=now - timedelta(days=40))
    with db.transaction(gone.user_id) as conn:
        conn.execute("UPDATE users SET erased_at = now()")
    who = somebody()
    for _ in range(5):
        add_photo(who.user_id, deleted_at=now - timedelta(days=31))
    maintenance.purge_trash(Report(), now=now)
    assert table(who.user_id, "SELECT id FROM images") == []


# ------------------------------------------------------------------------------------------------------ edits of many


def test_photos_become_favourites_and_captioned_together(http: TestClient) -> None:
    who = somebody()
    photos = add_photos(who.user_id, 3)
    body = many(photos[:2], favourite=True, caption="Harbour at dusk")
    assert ask(http, who, "POST", "/images/edit", **body) == {"changed": 2, "unchanged": 0, "labels": []}
    assert ids_at(http, who, "/images/list?favourite=true") == set(photos[:2])
    terms = table(who.user_id, "SELECT image_id FROM image_terms WHERE term = 'harbour'")
    assert {image_id for (image_id,) in terms} == set(photos[:2])
    assert value(who.user_id, "SELECT favourite FROM image_totals") == 2
    before = table(who.user_id, "SELECT id, revision FROM images ORDER BY id")
    assert ask(http, who, "POST", "/images/edit", **body) == {"changed": 0, "unchanged": 2, "labels": []}
    assert table(who.user_id, "SELECT id, revision FROM images ORDER BY id") == before
    ask(http, who, "POST", "/images/edit", **many(photos, caption=""))
    assert table(who.user_id, "SELECT DISTINCT caption FROM images") == [(None,)]
    assert table(who.user_id, "SELECT image_id FROM image_terms WHERE term = 'harbour'") == []


def test_archived_photos_leave_lists_automatic_albums_timeline_and_map_but_not_albums_by_hand(
    http: TestClient, sent: Sent
) -> None:
    who = somebody()
    photos = add_photos(who.user_id, 3, where=LISBON)
    album = ask(http, who, "POST", "/albums/manual", 201, json={"title": "Mine", "image_ids": [str(photos[0])]})["id"]
    build(who.user_id)
    sent.messages.clear()
    ask(http, who, "POST", "/images/edit", **many(photos[:2], archived=True))
    assert sent.albums()
    build(who.user_id)
    assert ids_at(http, who, "/images/list") == {photos[2]}
    assert ids_at(http, who, "/images/list?archived=true") == set(photos[:2])
    assert ids_at(http, who, f"/albums/{album}/images") == {photos[0]}
    assert ask(http, who, "GET", "/images/timeline")["total"] == 1
    assert [cluster["count"] for cluster in ask(http, who, "GET", "/images/map")["items"]] == [1]
    members = table(
        who.user_id,
        "SELECT DISTINCT m.image_id FROM album_images m JOIN albums a ON a.id = m.album_id WHERE a.key IS NOT NULL",
    )
    assert members in ([], [(photos[2],)])
    ask(http, who, "POST", "/images/edit", **many(photos[:2], archived=False))
    assert ids_at(http, who, "/images/list") == set(photos)


def test_an_edit_that_changes_nothing_or_cannot_be_is_refused(http: TestClient) -> None:
    who = somebody()
    photo = add_photo(who.user_id)
    for more in ({}, {"caption": "a\x00b"}, {"caption": "x" * 2001}, {"favourite": None}):
        problem(http.post("/images/edit", headers=who.headers, **many([photo], **more)), 422, "invalid")
