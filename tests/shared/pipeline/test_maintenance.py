"""Maintenance: one thing that is broken stops nothing else, and what staging notes is gone on with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from uuid import UUID, uuid4

import pytest
from tests.arranging import Sent, add_photo
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import db, images, staging
from photovault.errors import Tampered, Unavailable
from photovault.pipeline import clearing, erasing, maintenance, rehoming, sealer
from photovault.pipeline.reports import Report
from photovault.staging import Staged

pytestmark = pytest.mark.usefixtures("vault", "sent")

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)
DAILY: tuple[tuple[ModuleType, str], ...] = (
    (maintenance, "resend_unfinished"),
    (maintenance, "expire_pending"),
    (rehoming, "rehome"),
    (maintenance, "give_films_up"),
    (maintenance, "purge_trash"),
    (maintenance, "forget_expired"),
    (clearing, "remove_retired"),
    (clearing, "remove_orphans"),
)


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
    report = Report()
    maintenance.sweep_staging(report, now=NOW)
    assert tried == [first, second]
    assert len(report.failures) == 2


def test_a_task_that_fails_keeps_no_other_from_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    ran = []
    monkeypatch.setattr(staging, "objects", lambda: iter([]))
    for task in ("resend_unfinished", "expire_pending", "purge_trash"):
        monkeypatch.setattr(maintenance, task, broken)
    monkeypatch.setattr(clearing, "remove_orphans", broken)
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
    for module, task in DAILY:
        monkeypatch.setattr(module, task, note(task))
    maintenance.run(daily=False, now=NOW)
    assert ran == ["resend_unfinished", "expire_pending", "rehome"]


def test_a_schedule_with_jitter_at_midnight_misses_no_day() -> None:
    midnight = datetime(2026, 5, 2, tzinfo=UTC)
    early, late = midnight - timedelta(seconds=1), midnight + timedelta(minutes=5, seconds=1)
    assert maintenance.is_daily(early, timedelta(minutes=5)) or maintenance.is_daily(late, timedelta(minutes=5))


# ---- erasures -------------------------------------------------------------------------------------------------------


def test_erasures_that_staging_notes_are_gone_on_with(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    finished: list[UUID] = []
    first, second = uuid4(), uuid4()

    def finish(user_id: UUID, *, remaining: Callable[[], float]) -> bool:
        finished.append(user_id)
        if user_id == first:
            raise Unavailable
        return True

    monkeypatch.setattr(erasing, "finish", finish)
    for user_id in sorted((first, second)):
        bucket.mark(erasing.mark_of(user_id))
    report = maintenance.run(daily=False, now=NOW + timedelta(hours=1))
    assert sorted(finished) == sorted((first, second))
    assert report.erased == 1
    assert len(report.failures) == 1
    assert (report.staged, report.oldest_seconds) == (0, 0)


def test_the_daily_pass_goes_on_with_all_erasures(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "finish_all", lambda *, remaining: erasing.Finished(done=2, left=1))
    report = Report()
    maintenance.finish_erasures(report, [], daily=True)
    assert report.erased == 2


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
