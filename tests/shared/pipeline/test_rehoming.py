"""Coming home: what a fallback took while its home was down ends where it belongs, and nobody is woken in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from tests.arranging import add_photo, table
from tests.cloudinary_stand_in import StandIn
from tests.staged import Bucket
from tests.storages import (
    Told,
    add_blob,
    content_key,
    lying,
    opened,
    overwrite,
    retire_earlier,
    row,
)
from tests.vaults import Somebody, somebody

from photovault import blobs, db, staging, vault
from photovault.blobs import Blob
from photovault.pipeline import clearing, maintenance, rehoming
from photovault.pipeline.reports import Report
from photovault.storage import placing

pytestmark = pytest.mark.usefixtures("vault", "sent")

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)

NOTE = "away/cloudinary"


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def rows_of(who: Somebody) -> list[Blob]:
    with db.transaction(who.user_id) as conn:
        images_of = [row[0] for row in conn.execute("SELECT id FROM images").fetchall()]
        return blobs.of_images(conn, images_of)


def all_opened(who: Somebody) -> dict[str, bytes]:
    """Every blob of a person by its name, from wherever its row says it is."""
    rows = rows_of(who)
    content_keys = {image_id: content_key(who, image_id) for image_id in {blob.image_id for blob in rows}}
    return {blob.name: vault.fetch(blob, content_key=content_keys[blob.image_id], user_id=who.user_id) for blob in rows}


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
