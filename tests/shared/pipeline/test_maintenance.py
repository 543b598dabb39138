"""Maintenance: one thing that is broken stops nothing else, blobs come home, and only refuse is deleted."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.arranging import Sent, add_photo, table
from tests.cloudinary_stand_in import CLOUD, StandIn
from tests.staged import Bucket
from tests.storages import Told, add_blob, content_key, is_whole, lying, opened, overwrite, reconfigure, row, sealed
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, retired, staging, storage, users, vault
from photovault.blobs import Blob
from photovault.errors import Tampered, Unavailable
from photovault.pipeline import clearing, erasing, maintenance, moving, rehoming, sealer
from photovault.pipeline.reports import Report
from photovault.retired import Retired
from photovault.staging import Staged
from photovault.storage import placing

pytestmark = pytest.mark.usefixtures("vault", "sent")

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)
DAILY: tuple[tuple[ModuleType, str], ...] = (
    (maintenance, "resend_unfinished"),
    (maintenance, "expire_pending"),
    (rehoming, "rehome"),
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
    clearing.remove_orphans(Report(), now=LATER)
    assert mine in remaining_keys()
    assert orphan not in remaining_keys()


@pytest.mark.usefixtures("emptied")
def test_a_vault_that_another_database_knows_is_not_emptied(ada: Somebody) -> None:
    """Keys are random: if most of them are unknown, this database is new, restored or of another vault."""
    name(ada, put())
    theirs = {put() for _ in range(60)}
    report = Report()
    clearing.remove_orphans(report, now=LATER)
    assert theirs <= remaining_keys()
    assert report.orphans == 0
    assert report.failures


@pytest.mark.usefixtures("emptied")
def test_what_one_run_has_no_time_for_is_not_begun(ada: Somebody) -> None:
    name(ada, put())
    orphan = put()
    clearing.remove_orphans(Report(), now=LATER, remaining=lambda: 10.0)
    assert orphan in remaining_keys()


@pytest.mark.usefixtures("emptied")
def test_orphans_are_looked_for_on_every_driver_with_the_parts_of_what_was_never_finished(
    ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDINARY_MAX_FILE_BYTES", "65536")
    reconfigure()
    kept = add_blob(ada, os.urandom(200_000))
    orphans = [(driver, placing.put(driver, os.urandom(200_000))) for driver in ("cloudinary", "local")]
    last_part = max(public_id for _, public_id in hybrid.files if public_id.startswith(orphans[0][1]))
    del hybrid.files[CLOUD, last_part]  # as if its worker had died before the last one
    report = Report()
    clearing.remove_orphans(report, now=NOW)
    assert report.orphans == 0, "younger than a day"
    clearing.remove_orphans(report, now=LATER)
    assert report.orphans == 2
    assert not report.failures
    assert {public_id.rpartition(".")[0] for _, public_id in hybrid.files} == {kept.key}
    assert opened(ada, kept)


@pytest.mark.usefixtures("emptied")
def test_a_driver_that_is_down_keeps_no_other_from_being_cleared(ada: Somebody, hybrid: StandIn) -> None:
    orphan = put()
    hybrid.stop()
    report = Report()
    clearing.remove_orphans(report, now=LATER)
    assert orphan not in remaining_keys()
    (failure,) = report.failures
    assert failure.startswith("remove_orphans of cloudinary")


@pytest.mark.usefixtures("emptied", "settled")
def test_a_blob_that_an_older_database_looks_for_elsewhere_is_found_and_not_deleted(
    ada: Somebody, hybrid: StandIn
) -> None:
    """After a restore the rows name the places that blobs were moved away from since."""
    kept, old = add_blob(ada, b"another photo"), add_blob(ada, b"a photo")
    moving.move(ada.user_id, kept.image_id, kept.name, to="local")
    moving.move(ada.user_id, old.image_id, old.name, to="local")
    storage.driver("cloudinary").delete(old.key)
    with db.transaction(ada.user_id) as conn:  # the dump of the day before
        new = blobs.get(conn, old.image_id, old.name)
        assert new is not None
        blobs.replace(conn, new, old)
        conn.execute("DELETE FROM retired_blobs WHERE image_id = %s", [old.image_id])
    report = Report()
    clearing.remove_orphans(report, now=LATER)
    assert (report.orphans, report.mended, report.failures) == (0, 1, [])
    assert opened(ada, old) == b"a photo"


@pytest.mark.usefixtures("emptied", "settled")
def test_orphans_are_looked_for_where_blobs_lie_that_no_setting_places_there(
    ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = add_blob(ada, b"a photo")
    orphan = placing.put("cloudinary", b"refuse")
    monkeypatch.setenv("STORAGE_DRIVER", "local")
    reconfigure()
    clearing.remove_orphans(Report(), now=LATER)
    assert lying("cloudinary") == {kept.key}
    assert orphan not in lying("cloudinary")


@pytest.mark.usefixtures("emptied")
def test_a_retired_copy_is_no_orphan(ada: Somebody, hybrid: StandIn) -> None:
    """However old the file is: its own day begins when the blob has moved."""
    blob = add_blob(ada, b"a photo")
    moving.move(ada.user_id, blob.image_id, blob.name, to="local")
    report = Report()
    clearing.remove_orphans(report, now=LATER)
    assert report.orphans == 0
    assert is_whole(blob)


# ---- coming home ----------------------------------------------------------------------------------------------------


NOTE = "away/cloudinary"


@pytest.fixture
def settled(database_url: str) -> None:
    """Nothing of other tests' is away or retired."""
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE blobs SET away = false WHERE away")
        conn.execute("DELETE FROM retired_blobs")


def rows_of(who: Somebody) -> list[Blob]:
    with db.transaction(who.user_id) as conn:
        images_of = [row[0] for row in conn.execute("SELECT id FROM images").fetchall()]
        return blobs.of_images(conn, images_of)


def all_opened(who: Somebody) -> dict[str, bytes]:
    """Every blob of a person by its name, from wherever its row says it is."""
    rows = rows_of(who)
    content_keys = {image_id: content_key(who, image_id) for image_id in {blob.image_id for blob in rows}}
    return {blob.name: vault.fetch(blob, content_key=content_keys[blob.image_id], user_id=who.user_id) for blob in rows}


def retire_earlier(who: Somebody, by: timedelta) -> None:
    with db.transaction(who.user_id) as conn:
        conn.execute("UPDATE retired_blobs SET retired_at = retired_at - %s", [by])


@pytest.mark.usefixtures("emptied", "settled")
def test_the_storage_goes_down_amid_two_hundred_uploads_and_comes_back(hybrid: StandIn, bucket: Bucket) -> None:
    """Nothing is lost, nothing is there twice, and in the end all is where it belongs."""
    ada = somebody()
    photos = [add_photo(ada.user_id) for _ in range(20)]
    contents: dict[str, bytes] = {}
    for number in range(200):
        if number == 70:
            hybrid.stop()
        if number == 140:
            hybrid.start()  # the breaker, which is open, does not know yet
        name = f"face:{uuid4()}"
        contents[name] = f"face {number} of many".encode() * 20
        add_blob(ada, contents[name], name=name, image_id=photos[number % 20])
    assert {blob.driver for blob in rows_of(ada)} == {"cloudinary", "local"}
    away = [blob for blob in rows_of(ada) if blob.away]
    assert [blob for blob in rows_of(ada) if blob.driver == "local"] == away
    assert NOTE in bucket.contents
    assert all_opened(ada) == contents

    report = maintenance.run(daily=False, now=NOW)
    assert (report.rehomed, report.away, report.failures) == (len(away), 0, [])
    homed = rows_of(ada)
    assert [(blob.driver, blob.away) for blob in homed] == [("cloudinary", False)] * 200
    assert {blob.key for blob in homed} == lying("cloudinary"), "nothing twice"
    assert all_opened(ada) == contents
    assert lying("local") == {blob.key for blob in away}, "tickets to the old copies may be out"

    report = Report()
    clearing.remove_retired(report, now=NOW)
    assert report.retired == 0
    retire_earlier(ada, timedelta(hours=24))
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert (report.retired, report.failures) == (len(away), [])
    assert not lying("local")
    assert not table(ada.user_id, "SELECT key FROM retired_blobs")
    clearing.remove_orphans(report, now=LATER)
    assert report.orphans == 0
    assert all_opened(ada) == contents


@pytest.mark.usefixtures("emptied")
def test_a_blob_that_was_stored_though_no_answer_came_is_an_orphan_and_goes_after_a_day(
    ada: Somebody, hybrid: StandIn, bucket: Bucket
) -> None:
    hybrid.fault("lose", on="upload")
    blob = add_blob(ada, b"a photo")
    hybrid.well()
    assert (blob.driver, blob.away) == ("local", True)
    (twin,) = lying("cloudinary")
    report = Report()
    rehoming.rehome(report, now=NOW)
    clearing.remove_orphans(report, now=NOW)
    assert twin in lying("cloudinary"), "younger than a day"
    clearing.remove_orphans(report, now=LATER)
    assert report.orphans == 1
    assert twin not in lying("cloudinary")
    assert is_home(ada, blob)
    assert opened(ada, blob) == b"a photo"


def away_blob(who: Somebody, cloud: StandIn) -> Blob:
    """A blob that the fallback took while its home was down."""
    cloud.stop()
    blob = add_blob(who, b"a photo")
    cloud.start()
    placing.forget()
    assert blob.away
    return blob


def no_database(*_: object) -> None:
    raise AssertionError("the database was woken")


@pytest.mark.usefixtures("settled")
def test_an_outage_does_not_keep_the_database_awake(
    ada: Somebody, hybrid: StandIn, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    away_blob(ada, hybrid)
    hybrid.stop()
    since = bucket.modified[NOTE]
    for name in ("maintenance", "transaction"):
        monkeypatch.setattr(db, name, no_database)
    report = maintenance.run(daily=False, now=NOW + timedelta(hours=1))
    assert not report.failures
    assert bucket.modified[NOTE] == since
    maintenance.run(daily=False, now=NOW + timedelta(hours=7))
    assert bucket.modified[NOTE] > since, "staging forgets what is a day old"


@pytest.mark.usefixtures("settled")
def test_a_storage_that_answers_and_takes_nothing_wakes_nobody(
    ada: Somebody, hybrid: StandIn, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    away_blob(ada, hybrid)
    hybrid.fault("status", status=420, on="upload")
    for name in ("maintenance", "transaction"):
        monkeypatch.setattr(db, name, no_database)
    assert not maintenance.run(daily=False, now=NOW).failures


@pytest.mark.usefixtures("settled")
def test_a_note_is_neither_measured_as_plaintext_nor_swept_before_its_work_is_done(
    ada: Somebody, hybrid: StandIn, bucket: Bucket
) -> None:
    blob = away_blob(ada, hybrid)
    hybrid.stop()
    late = NOW + timedelta(hours=5)
    report = maintenance.run(daily=False, now=late)
    assert (report.staged, report.oldest_seconds, report.removed) == (0, 0, 0)
    assert NOTE in bucket.contents
    hybrid.start()
    report = maintenance.run(daily=False, now=late)
    assert report.rehomed == 1
    assert NOTE not in bucket.contents
    assert is_home(ada, blob)


def is_home(who: Somebody, blob: Blob) -> bool:
    current = row(who, blob)
    return current is not None and (current.driver, current.away) == ("cloudinary", False)


@pytest.mark.usefixtures("settled")
def test_a_note_stays_while_a_worker_may_still_commit_what_it_notes(
    ada: Somebody, hybrid: StandIn, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging.mark_away("cloudinary")  # a worker stored a blob, and its row comes later
    maintenance.run(daily=False, now=NOW + timedelta(minutes=15))
    assert NOTE in bucket.contents
    # The next one notes again, while maintenance is about to remove the note.
    monkeypatch.setattr(blobs, "away", lambda *_, **__: staging.mark_away("cloudinary") or [])
    maintenance.run(daily=False, now=NOW + timedelta(hours=1))
    assert NOTE in bucket.contents


@pytest.mark.parametrize("key", ["away/floppy", "away/", "erasing/nobody", "erasing/"])
@pytest.mark.usefixtures("settled")
def test_what_only_looks_like_a_note_does_not_stay(bucket: Bucket, key: str) -> None:
    bucket.mark(key)
    report = maintenance.run(daily=False, now=datetime.now(UTC) + timedelta(minutes=11))
    assert report.removed == 1
    assert key not in bucket.contents


@pytest.mark.usefixtures("settled")
def test_the_daily_pass_finds_what_no_note_tells_of_and_notes_what_it_cannot_bring_home(
    ada: Somebody, hybrid: StandIn, bucket: Bucket
) -> None:
    blob = away_blob(ada, hybrid)
    bucket.contents.clear()
    hybrid.stop()
    report = Report()
    rehoming.rehome(report, now=NOW)
    assert report.away >= 1
    assert NOTE in bucket.contents
    hybrid.start()
    rehoming.rehome(report, now=NOW)
    assert is_home(ada, blob)


@pytest.mark.usefixtures("settled")
def test_a_blob_that_cannot_be_moved_is_reported_and_holds_up_no_other(
    hybrid: StandIn, bucket: Bucket, told: Told
) -> None:
    ada = somebody()
    bad, good = away_blob(ada, hybrid), away_blob(ada, hybrid)
    overwrite(bad, b"something else")
    report = maintenance.run(daily=False, now=NOW + timedelta(hours=1))
    assert is_home(ada, good)
    assert row(ada, bad) == bad
    assert report.away >= 1
    assert told.counted == ["BlobsTampered"]
    assert NOTE not in bucket.contents, "there is nothing to wait for"


@pytest.mark.usefixtures("settled")
def test_what_there_is_no_time_for_comes_home_in_the_next_round(ada: Somebody, hybrid: StandIn, bucket: Bucket) -> None:
    blobs_away = [away_blob(ada, hybrid) for _ in range(3)]
    times = iter([100.0, 100.0])
    report = Report()
    notes = dict(bucket.modified)
    rehoming.rehome(report, now=LATER, remaining=lambda: next(times, 10.0), notes=notes)
    assert report.rehomed == 2
    assert NOTE in bucket.contents
    rehoming.rehome(report, now=NOW)
    assert all(is_home(ada, blob) for blob in blobs_away)


@pytest.mark.usefixtures("settled")
def test_a_home_that_fails_again_meanwhile_is_left_alone_after_three_blobs(
    ada: Somebody, hybrid: StandIn, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        away_blob(ada, hybrid)
    hybrid.fault("status", status=503, on="upload")
    monkeypatch.setattr(rehoming, "takes_blobs", lambda driver: True)
    asked = len(hybrid.requests)
    report = Report()
    rehoming.rehome(report, now=NOW)
    uploads = [request for request in hybrid.requests[asked:] if request.action == "upload"]
    assert len(uploads) == 3
    assert report.rehomed == 0
    assert NOTE in bucket.contents
    hybrid.well()
    rehoming.rehome(report, now=NOW)
    assert report.rehomed == 6


@pytest.mark.usefixtures("settled")
def test_blobs_where_nobody_can_read_them_hold_up_no_other(
    ada: Somebody, hybrid: StandIn, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as those that a laptop's disk took, in a vault that runs on Lambda by now."""
    stuck = [away_blob(ada, hybrid) for _ in range(4)]
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE blobs SET driver = 's3' WHERE NOT (key = %s)", [stuck[-1].key])
    monkeypatch.delenv("VAULT_BUCKET", raising=False)
    report = Report()
    rehoming.rehome(report, now=NOW)
    assert report.rehomed == 1
    assert is_home(ada, stuck[-1])
    assert report.away == 3
    assert NOTE in bucket.contents
    with db.transaction(ada.user_id) as conn:
        conn.execute("DELETE FROM blobs")


# ---- retired copies -------------------------------------------------------------------------------------------------


def moved(who: Somebody) -> tuple[Blob, Blob]:
    """A blob's old copy and its new one, two days after it moved."""
    old = add_blob(who, b"a photo")
    moving.move(who.user_id, old.image_id, old.name, to="local")
    new = row(who, old)
    assert new is not None
    retire_earlier(who, timedelta(days=2))
    return old, new


@pytest.mark.usefixtures("settled")
def test_an_old_copy_whose_successor_is_lost_is_not_deleted_but_takes_its_place(ada: Somebody, hybrid: StandIn) -> None:
    old, new = moved(ada)
    storage.driver("local").delete(new.key)
    report = Report()
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 0
    assert row(ada, old) == old
    assert opened(ada, old) == b"a photo"


@pytest.mark.usefixtures("settled")
def test_the_old_copies_of_a_lost_blob_stay_even_if_they_are_of_no_use(ada: Somebody, hybrid: StandIn) -> None:
    old, new = moved(ada)
    storage.driver("local").delete(new.key)
    overwrite(old, b"something else")
    report = Report()
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 0
    assert any(str(old.image_id) in failure for failure in report.failures)
    assert old.key in lying("cloudinary")


@pytest.mark.usefixtures("settled")
def test_copies_in_a_storage_that_is_down_wait_and_hold_up_no_other(ada: Somebody, hybrid: StandIn) -> None:
    old, new = moved(ada)
    moving.move(ada.user_id, old.image_id, old.name, to="cloudinary")
    moving.move(ada.user_id, old.image_id, old.name, to="local")
    retire_earlier(ada, timedelta(days=2))
    hybrid.stop()
    report = Report()
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 1
    assert new.key not in lying("local")
    hybrid.start()
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 3
    assert not lying("cloudinary")
    assert opened(ada, old) == b"a photo"


@pytest.mark.usefixtures("settled")
def test_copies_whose_successors_are_in_a_storage_that_is_down_wait_and_hold_up_no_other(
    ada: Somebody, hybrid: StandIn
) -> None:
    waiting, other = add_blob(ada, b"a photo"), add_blob(ada, b"another photo")
    for blob, to in ((waiting, "local"), (waiting, "cloudinary"), (other, "local")):
        moving.move(ada.user_id, blob.image_id, blob.name, to=to)
    copy = row(ada, other)
    assert copy is not None
    assert moving.swap(ada.user_id, copy, replace(copy, key=placing.put("local", sealed(copy))))
    retire_earlier(ada, timedelta(days=2))
    hybrid.stop()
    report = Report()
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 1
    assert copy.key not in lying("local")
    hybrid.start()
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 4
    assert opened(ada, waiting) == b"a photo"
    assert opened(ada, other) == b"another photo"


@pytest.mark.usefixtures("settled")
def test_a_copy_that_a_blob_is_healed_from_in_that_moment_is_not_deleted(
    ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new copy was altered and is as long as ever: `storage check --repair` sees it, maintenance does not."""
    old, new = moved(ada)
    overwrite(new, bytes(new.size))
    strike = retired.strike

    def healed_first(conn: db.Connection, copy: Retired) -> bool:
        assert moving.heal(ada.user_id, old.image_id, old.name)
        return strike(conn, copy)

    monkeypatch.setattr(retired, "strike", healed_first)
    report = Report()
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 0
    assert row(ada, old) == old
    assert opened(ada, old) == b"a photo"


@pytest.mark.usefixtures("settled")
def test_no_blob_is_healed_from_a_copy_that_is_being_deleted(
    ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = moved(ada)
    overwrite(new, bytes(new.size))
    replace_row = moving.swap

    def removed_first(*arguments: Any, **options: Any) -> bool:
        clearing.remove_retired(Report(), now=datetime.now(UTC))
        return replace_row(*arguments, **options)

    monkeypatch.setattr(moving, "swap", removed_first)
    assert not moving.heal(ada.user_id, old.image_id, old.name)
    assert row(ada, new) == new, "a row never names what is not there"


@pytest.mark.usefixtures("settled")
def test_copies_are_removed_page_by_page(ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        moved(ada)
    monkeypatch.setattr(clearing, "PAGE", 2)
    report = Report()
    clearing.remove_retired(report, now=datetime.now(UTC), remaining=lambda: 10.0)
    assert report.retired == 0, "there was no time"
    clearing.remove_retired(report, now=datetime.now(UTC))
    assert report.retired == 5
    assert not lying("cloudinary")


@pytest.mark.usefixtures("settled")
def test_a_purge_takes_the_retired_copies_with_it(ada: Somebody, hybrid: StandIn) -> None:
    old = add_blob(ada, b"a photo")
    moving.move(ada.user_id, old.image_id, old.name, to="local")
    new = row(ada, old)
    assert new is not None
    with db.transaction(ada.user_id) as conn:
        images.move_to_trash(conn, old.image_id, revision=users.next_revision(conn))
    maintenance.purge(ada.user_id, old.image_id, deleted_before=LATER)
    assert old.key not in lying("cloudinary")
    assert new.key not in lying("local")
    assert not table(ada.user_id, "SELECT key FROM retired_blobs")


@pytest.mark.usefixtures("settled")
def test_what_a_purge_cannot_delete_is_retired_and_goes_later(ada: Somebody, hybrid: StandIn) -> None:
    blob = add_blob(ada, b"a photo")
    with db.transaction(ada.user_id) as conn:
        images.move_to_trash(conn, blob.image_id, revision=users.next_revision(conn))
    hybrid.stop()
    maintenance.purge(ada.user_id, blob.image_id, deleted_before=LATER)
    hybrid.start()
    assert row(ada, blob) is None
    assert blob.key in lying("cloudinary")
    retire_earlier(ada, timedelta(days=2))
    clearing.remove_retired(Report(), now=datetime.now(UTC))
    assert blob.key not in lying("cloudinary")
    assert not table(ada.user_id, "SELECT key FROM retired_blobs")


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
