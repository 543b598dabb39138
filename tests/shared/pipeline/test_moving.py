"""A blob moves to another driver whole or not at all, whoever dies, races, or answers badly; and heals from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.arranging import Sent, table
from tests.cloudinary_stand_in import StandIn
from tests.storages import Told, add_blob, is_whole, lying, opened, overwrite, reconfigure, row, sealed
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, retired, storage, users, vault
from photovault.blobs import Blob
from photovault.errors import StorageUnavailable
from photovault.pipeline import moving
from photovault.pipeline.moving import Outcome

DATA = os.urandom(200_000)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def ada(hybrid: StandIn, sent: Sent) -> Somebody:
    return somebody()


def move(who: Somebody, blob: Blob, to: str) -> Outcome:
    return moving.move(who.user_id, blob.image_id, blob.name, to=to)


def retired_of(who: Somebody) -> set[tuple[str, str]]:
    return set(table(who.user_id, "SELECT driver, key FROM retired_blobs"))


def delete_photo(who: Somebody, blob: Blob) -> None:
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        images.delete_row(conn, blob.image_id)


def after(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, then: Callable[[], None]) -> None:
    """Let something happen once, right after a function has run."""
    original, due = getattr(owner, name), [then]

    def with_more(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        while due:
            due.pop()()
        return result

    monkeypatch.setattr(owner, name, with_more)


# ---- moving ---------------------------------------------------------------------------------------------------------


def test_a_moved_blob_is_the_same_ciphertext_and_the_old_copy_is_retired(ada: Somebody) -> None:
    old = add_blob(ada, DATA)
    assert move(ada, old, "local") == Outcome.MOVED
    new = row(ada, old)
    assert new is not None
    assert new == replace(old, driver="local", key=new.key, away=True)
    assert new.key != old.key
    assert is_whole(new)
    assert opened(ada, new) == DATA
    assert retired_of(ada) == {("cloudinary", old.key)}
    assert is_whole(old), "tickets may be out"


def test_a_blob_that_came_home_is_away_no_more(ada: Somebody) -> None:
    blob = add_blob(ada, DATA)
    move(ada, blob, "local")
    assert move(ada, blob, "cloudinary") == Outcome.MOVED
    home = row(ada, blob)
    assert home is not None
    assert (home.driver, home.away) == ("cloudinary", False)
    assert opened(ada, blob) == DATA
    assert len(retired_of(ada)) == 2


def test_a_blob_is_cut_as_its_new_driver_needs_it(
    ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDINARY_MAX_FILE_BYTES", "65536")
    reconfigure()
    blob = add_blob(ada, DATA)
    assert blob.key.endswith(".4x65536")
    assert move(ada, blob, "local") == Outcome.MOVED
    assert move(ada, blob, "cloudinary") == Outcome.MOVED
    assert opened(ada, blob) == DATA
    home = row(ada, blob)
    assert home is not None
    assert home.key.endswith(".4x65536")


def test_a_blob_that_is_there_already_stays(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = add_blob(ada, DATA)
    assert move(ada, blob, "cloudinary") == Outcome.ALREADY_THERE
    assert row(ada, blob) == blob
    assert not retired_of(ada)
    move(ada, blob, "local")
    monkeypatch.setenv("STORAGE_TIERS", "preview=local")  # what was the fallback is its home from now on
    reconfigure()
    assert move(ada, blob, "local") == Outcome.ALREADY_THERE
    settled = row(ada, blob)
    assert settled is not None
    assert not settled.away


def test_a_blob_without_a_row_is_not_moved(ada: Somebody) -> None:
    assert moving.move(ada.user_id, uuid4(), "preview", to="local") == Outcome.CHANGED
    assert moving.move(uuid4(), uuid4(), "preview", to="local") == Outcome.CHANGED


@pytest.mark.parametrize("size", [100, len(DATA)])
def test_a_bad_copy_is_reported_and_neither_moved_nor_deleted(ada: Somebody, told: Told, size: int) -> None:
    blob = add_blob(ada, DATA)
    overwrite(blob, os.urandom(size))
    bad = sealed(blob)
    before = lying("local")
    assert move(ada, blob, "local") == Outcome.TAMPERED
    assert row(ada, blob) == blob
    assert sealed(blob) == bad
    assert lying("local") == before
    assert told.counted == ["BlobsTampered"]


def test_a_lost_blob_is_reported_and_its_row_stays(ada: Somebody, told: Told) -> None:
    blob = add_blob(ada, DATA)
    storage.driver(blob.driver).delete(blob.key)
    assert move(ada, blob, "local") == Outcome.LOST
    assert row(ada, blob) == blob
    assert told.counted == ["BlobsLost"]


@pytest.mark.parametrize("action", ["upload", "download"])
def test_a_storage_that_is_down_changes_nothing(ada: Somebody, hybrid: StandIn, action: str) -> None:
    blob = add_blob(ada, DATA)
    move(ada, blob, "local")
    there = row(ada, blob)
    hybrid.fault("status", status=503, on=action)
    with pytest.raises(StorageUnavailable):
        move(ada, blob, "cloudinary")
    assert row(ada, blob) == there
    assert opened(ada, blob) == DATA


def test_a_storage_that_keeps_something_else_than_it_was_sent_changes_nothing(
    ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = add_blob(ada, DATA)
    local = storage.driver("local")
    before = lying("local")
    put = local.put
    monkeypatch.setattr(local, "put", lambda key, data, *, size: put(key, data[:-1] + b"?", size=size))
    with pytest.raises(StorageUnavailable, match="did not keep"):
        move(ada, blob, "local")
    assert row(ada, blob) == blob
    assert lying("local") == before, "what it kept is of no use to anybody"


def test_many_movers_at_once_leave_one_copy(ada: Somebody) -> None:
    blob = add_blob(ada, DATA)
    before = lying("local")
    together = threading.Barrier(4)

    def run(_: int) -> Outcome:
        together.wait()
        return move(ada, blob, "local")

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(run, range(4)))
    assert outcomes.count(Outcome.MOVED) == 1
    assert set(outcomes) <= {Outcome.MOVED, Outcome.CHANGED, Outcome.ALREADY_THERE}
    new = row(ada, blob)
    assert new is not None
    assert lying("local") - before == {new.key}
    assert retired_of(ada) == {("cloudinary", blob.key)}
    assert opened(ada, blob) == DATA


def test_a_photo_purged_while_its_blob_moves_leaves_no_copy(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = add_blob(ada, DATA)
    before = lying("local")
    after(monkeypatch, vault, "read", lambda: delete_photo(ada, blob))
    assert move(ada, blob, "local") == Outcome.CHANGED
    assert lying("local") == before
    assert not retired_of(ada)


def test_a_blob_sealed_anew_while_it_moves_is_left_alone(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = add_blob(ada, DATA)
    anew = add_blob(ada, DATA)
    before = lying("local")

    def seal_anew() -> None:
        with db.transaction(ada.user_id) as conn:
            users.next_revision(conn)
            images.delete_row(conn, anew.image_id)
            blobs.replace(conn, blob, replace(anew, image_id=blob.image_id))

    after(monkeypatch, vault, "read", seal_anew)
    assert move(ada, blob, "local") == Outcome.CHANGED
    current = row(ada, blob)
    assert current is not None
    assert current.key == anew.key
    assert lying("local") == before


@pytest.mark.parametrize("failpoint", ["moving.stored", "moving.committed"])
def test_a_mover_killed_anywhere_is_finished_by_the_next(ada: Somebody, hybrid: StandIn, failpoint: str) -> None:
    blob = add_blob(ada, DATA)
    before = lying("local")
    code = (
        "import sys; from uuid import UUID; from photovault.pipeline import moving; "
        "moving.move(UUID(sys.argv[1]), UUID(sys.argv[2]), sys.argv[3], to='local')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ada.user_id), str(blob.image_id), blob.name],
        env={**os.environ, "PHOTOVAULT_FAILPOINT": failpoint, "PYTHONPATH": str(ROOT / "shared")},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert opened(ada, blob) == DATA
    move(ada, blob, "local")
    new = row(ada, blob)
    assert new is not None
    assert new.driver == "local"
    assert opened(ada, blob) == DATA
    assert retired_of(ada) == {("cloudinary", blob.key)}
    orphans = lying("local") - before - {new.key}
    assert len(orphans) == (1 if failpoint == "moving.stored" else 0)
    with db.maintenance() as conn:
        assert set(blobs.unreferenced(conn, "local", [new.key, *orphans])) == orphans


# ---- healing --------------------------------------------------------------------------------------------------------


def heal(who: Somebody, blob: Blob) -> bool:
    return moving.heal(who.user_id, blob.image_id, blob.name)


@pytest.mark.parametrize("how", ["lost", "altered"])
def test_a_bad_blob_is_healed_from_the_copy_that_it_was_moved_from(ada: Somebody, how: str) -> None:
    blob = add_blob(ada, DATA)
    move(ada, blob, "local")
    moved = row(ada, blob)
    assert moved is not None
    if how == "lost":
        storage.driver("local").delete(moved.key)
    else:
        overwrite(moved, os.urandom(moved.size))
    assert heal(ada, blob)
    assert row(ada, blob) == blob
    assert opened(ada, blob) == DATA
    assert retired_of(ada) == {("local", moved.key)}


def test_a_sound_blob_needs_no_healing(ada: Somebody) -> None:
    blob = add_blob(ada, DATA)
    move(ada, blob, "local")
    moved = row(ada, blob)
    assert heal(ada, blob)
    assert row(ada, blob) == moved


def test_a_blob_is_never_healed_from_something_else(ada: Somebody) -> None:
    """An earlier sealing of the same photo, and a copy that is bad itself."""
    blob, earlier = add_blob(ada, DATA), add_blob(ada, DATA)
    move(ada, blob, "local")
    overwrite(blob, os.urandom(blob.size))
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)
        images.delete_row(conn, earlier.image_id)
        retired.add(conn, [replace(earlier, image_id=blob.image_id)])
    moved = row(ada, blob)
    assert moved is not None
    storage.driver("local").delete(moved.key)
    assert not heal(ada, blob)
    assert row(ada, blob) == moved
    assert len(retired_of(ada)) == 2
    assert not moving.heal(ada.user_id, uuid4(), "preview")


def test_a_blob_whose_storage_is_down_is_not_taken_for_lost(ada: Somebody, hybrid: StandIn) -> None:
    blob = add_blob(ada, DATA)
    move(ada, blob, "local")
    move(ada, blob, "cloudinary")
    home = row(ada, blob)
    hybrid.stop()
    with pytest.raises(StorageUnavailable):
        heal(ada, blob)
    assert row(ada, blob) == home
