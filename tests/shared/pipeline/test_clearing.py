"""Clearing: only refuse is deleted, and an old copy goes only when its successor is there."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.arranging import add_photo, table
from tests.cloudinary_stand_in import CLOUD, StandIn
from tests.local_cloud import database_of_its_own
from tests.storages import (
    add_blob,
    is_whole,
    lying,
    opened,
    overwrite,
    reconfigure,
    retire_earlier,
    row,
    sealed,
)
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, retired, storage, users
from photovault.blobs import Blob
from photovault.pipeline import clearing, moving, purging
from photovault.pipeline.reports import Report
from photovault.retired import Retired
from photovault.storage import placing

pytestmark = pytest.mark.usefixtures("vault", "sent")

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)


database_url = database_of_its_own()  # storages that rows of other tests name are looked through, too


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


# ---- orphans ------------------------------------------------------------------------------------------------------


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
    name(ada, put())  # so that the database knows of the local one, too
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
    name(ada, put())
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
    purging.purge(ada.user_id, [old.image_id], deleted_before=LATER)
    assert old.key not in lying("cloudinary")
    assert new.key not in lying("local")
    assert not table(ada.user_id, "SELECT key FROM retired_blobs")


@pytest.mark.usefixtures("settled")
def test_what_a_purge_cannot_delete_is_retired_and_goes_later(ada: Somebody, hybrid: StandIn) -> None:
    blob = add_blob(ada, b"a photo")
    with db.transaction(ada.user_id) as conn:
        images.move_to_trash(conn, blob.image_id, revision=users.next_revision(conn))
    hybrid.stop()
    purging.purge(ada.user_id, [blob.image_id], deleted_before=LATER)
    hybrid.start()
    assert row(ada, blob) is None
    assert blob.key in lying("cloudinary")
    retire_earlier(ada, timedelta(days=2))
    clearing.remove_retired(Report(), now=datetime.now(UTC))
    assert blob.key not in lying("cloudinary")
    assert not table(ada.user_id, "SELECT key FROM retired_blobs")
