"""Maintenance: one thing that is broken stops nothing else, and what may not be ours is not deleted."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tests.arranging import Sent, add_photo
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, staging, storage
from photovault.errors import Tampered, Unavailable
from photovault.pipeline import maintenance, sealer
from photovault.staging import Staged

pytestmark = pytest.mark.usefixtures("vault", "sent")

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def staged(who: Somebody, image_id: UUID) -> Staged:
    return Staged(staging.key_of(who.user_id, image_id), 1, NOW - timedelta(hours=1), who.user_id, image_id)


def test_an_upload_that_cannot_be_sealed_holds_up_no_other(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, first, second = [], uuid4(), uuid4()

    def load(user_id: UUID, image_id: UUID) -> None:
        tried.append(image_id)
        raise Tampered

    monkeypatch.setattr(staging, "objects", lambda: iter([staged(ada, first), staged(ada, second)]))
    monkeypatch.setattr(sealer, "load", load)
    report = maintenance.Report()
    maintenance.sweep_staging(report, now=NOW)
    assert tried == [first, second]
    assert len(report.failures) == 2


def test_a_task_that_fails_keeps_no_other_from_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    ran = []
    monkeypatch.setattr(staging, "objects", lambda: iter([]))
    for task in ("resend_unfinished", "expire_pending", "purge_trash", "remove_orphans"):
        monkeypatch.setattr(maintenance, task, broken)
    monkeypatch.setattr(maintenance, "forget_expired", lambda report, *, now, remaining: ran.append(now))
    report = maintenance.run(daily=True, now=NOW)
    assert ran == [NOW]
    assert len(report.failures) == 4


def test_the_vault_is_listed_once_a_day_whatever_an_outage_leaves_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def away(*_: object) -> None:
        raise Unavailable

    def note(name: str) -> Callable[..., None]:
        return lambda *_, **__: ran.append(name)

    who, image_id = uuid4(), uuid4()
    found = Staged(staging.key_of(who, image_id), 1, NOW - timedelta(hours=1), who, image_id)
    monkeypatch.setattr(staging, "objects", lambda: iter([found]))
    monkeypatch.setattr(sealer, "load", away)
    for task in ("resend_unfinished", "expire_pending", "purge_trash", "forget_expired", "remove_orphans"):
        monkeypatch.setattr(maintenance, task, note(task))
    maintenance.run(daily=False, now=NOW)
    assert ran == ["resend_unfinished", "expire_pending"]


def test_a_schedule_with_jitter_at_midnight_misses_no_day() -> None:
    midnight = datetime(2026, 5, 2, tzinfo=UTC)
    early, late = midnight - timedelta(seconds=1), midnight + timedelta(minutes=5, seconds=1)
    assert maintenance.is_daily(early, timedelta(minutes=5)) or maintenance.is_daily(late, timedelta(minutes=5))


# ---- orphans ------------------------------------------------------------------------------------------------------


@pytest.fixture
def emptied() -> Iterator[None]:
    """No blob is left of other tests, before or after."""

    def empty() -> None:
        for stored in list(storage.driver("local").list()):
            storage.driver("local").delete(stored.key)

    empty()
    yield
    empty()


def put(key: str | None = None) -> str:
    key = key or storage.new_key()
    storage.driver("local").put(key, b"sealed", size=6)
    return key


def name(who: Somebody, key: str) -> None:
    """A row that names the blob."""
    image_id = add_photo(who.user_id)
    with db.transaction(who.user_id) as conn:
        blobs.add(
            conn,
            [
                blobs.Blob(
                    image_id, "original", "local", key, 6, secrets.token_bytes(32), secrets.token_bytes(32), 6, "x"
                )
            ],
        )


def remaining_keys() -> set[str]:
    return {stored.key for stored in storage.driver("local").list()}


@pytest.mark.usefixtures("emptied")
def test_files_that_are_no_blobs_are_left_alone(ada: Somebody) -> None:
    """Somebody may have pointed STORAGE_ROOT at a folder with files of their own."""
    name(ada, put())
    mine, orphan = put("holidays/beach.jpg"), put()
    maintenance.remove_orphans(maintenance.Report(), now=LATER)
    assert mine in remaining_keys()
    assert orphan not in remaining_keys()


@pytest.mark.usefixtures("emptied")
def test_a_vault_that_another_database_knows_is_not_emptied(ada: Somebody) -> None:
    """Keys are random: if most of them are unknown, this database is new, restored or of another vault."""
    name(ada, put())
    theirs = {put() for _ in range(60)}
    report = maintenance.Report()
    maintenance.remove_orphans(report, now=LATER)
    assert theirs <= remaining_keys()
    assert report.orphans == 0
    assert report.failures


@pytest.mark.usefixtures("emptied")
def test_what_one_run_has_no_time_for_is_not_begun(ada: Somebody) -> None:
    name(ada, put())
    orphan = put()
    maintenance.remove_orphans(maintenance.Report(), now=LATER, remaining=lambda: 10.0)
    assert orphan in remaining_keys()


# ---- steps that were given up ---------------------------------------------------------------------------------------


def test_all_unfinished_photos_are_asked_for_at_a_start(
    ada: Somebody, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop's queues forget: nobody else would ask for those beyond the first batch before the next day."""
    monkeypatch.setattr(maintenance, "BATCH", 2)
    photos = [add_photo(ada.user_id, status="processing", vision_done_at=None) for _ in range(5)]
    maintenance.resend_unfinished()
    asked = {message["image_id"] for _, message, _ in sent.messages if "image_id" in message}
    assert {str(photo) for photo in photos} <= asked


def test_starts_of_a_laptop_do_not_count_as_failures(ada: Somebody) -> None:
    photo = add_photo(ada.user_id, status="processing", vision_done_at=None)
    for _ in range(6):
        maintenance.resend_unfinished()
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, photo)
    assert image is not None
    assert not image.vision_failed
