"""Checking and mending: what is lost, altered or nobody's is found, what can be mended is, and nothing else is touched.

The walks look at all people's rows, so these tests have a database of their own.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from tests.arranging import MODEL, face_of
from tests.cloudinary_stand_in import CLOUD, StandIn
from tests.local_cloud import database_of_its_own
from tests.pictures import draw
from tests.shared.api.photos import sealed_photo
from tests.shared.test_motion import film
from tests.staged import Bucket
from tests.storages import add_blob as add_blob_named
from tests.storages import is_whole, lying, opened, overwrite, reconfigure, row, sealed, store
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, originals, people, retired, storage, uploads, users, vectors
from photovault.blobs import Blob
from photovault.errors import BlobMissing, StorageUnavailable
from photovault.pipeline import checking, clearing, mending, moving, vision, walking
from photovault.pipeline.findings import Finding, Position, Tally
from photovault.pipeline.messages import PhotoMessage
from photovault.pipeline.reports import Report
from photovault.storage import local

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "alone")

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)


database_url = database_of_its_own()


@pytest.fixture
def ada(alone: None) -> Somebody:
    return somebody()


@pytest.fixture
def security(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The security events that were logged."""
    events: list[tuple[str, dict[str, Any]]] = []

    class Log:
        def error(self, event: str, *, extra: dict[str, Any]) -> None:
            events.append((event, extra))

    monkeypatch.setattr(checking, "logger", Log)
    return events


def check(*, repair: bool = False, now: datetime = LATER, **options: Any) -> tuple[list[Finding], Tally]:
    """What one run finds, and makes of it."""
    tally, found = Tally(), []
    adopt = mending.adopt if repair else None
    for batch in checking.walk(tally, now=now, adopt=adopt, **({"start": Position()} | options)):
        for finding in mending.mend(batch) if repair else batch:
            tally.take(finding)
            found.append(finding)
    return found, tally


def kinds(found: list[Finding]) -> list[tuple[str, str]]:
    return sorted((finding.kind, finding.name or finding.key) for finding in found)


def add_blob(who: Somebody, data: bytes, *, name: str = "original", image_id: UUID | None = None) -> Blob:
    """An original, unless said otherwise: a photo without one is a finding by itself."""
    return add_blob_named(who, data, name=name, image_id=image_id)


def put(*, data: bytes = b"sealed") -> str:
    """A file that no row names."""
    key = storage.new_key()
    storage.driver("local").put(key, data, size=len(data))
    return key


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def delete(blob: Blob) -> None:
    storage.driver(blob.driver).delete(blob.key)


# ---- rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quick", [False, True])
def test_a_sound_vault_has_no_findings(ada: Somebody, quick: bool) -> None:
    for seed in range(3):
        sealed_photo(ada, draw(seed, (64, 48)))
    found, tally = check(quick=quick)
    assert found == []
    assert (tally.blobs, tally.files, tally.left, tally.complete, tally.cursor) == (9, 9, 0, True, None)


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("tampered", flip),
        ("tampered", lambda data: data[:-1]),
        ("tampered", lambda data: data + b"x"),
        ("tampered", lambda data: b""),
        ("tampered", lambda data: data[::-1]),
    ],
    ids=["one bit", "cut", "longer", "empty", "other bytes"],
)
def test_an_altered_blob_is_found_and_told_to_the_log(
    ada: Somebody, security: list[tuple[str, dict[str, Any]]], kind: str, damage: Callable[[bytes], bytes]
) -> None:
    add_blob(ada, b"a sound one")
    bad = add_blob(ada, b"a bad one")
    overwrite(bad, damage(sealed(bad)))
    (finding,), tally = check()
    assert (finding.kind, finding.image_id, finding.name, finding.key) == (kind, bad.image_id, bad.name, bad.key)
    assert (tally.tampered, tally.left) == (1, 1)
    ((event, about),) = security
    assert (event, about["image_id"], about["blob"]) == ("blob.tampered", str(bad.image_id), "original")


def test_two_blobs_in_each_others_place_are_both_found(ada: Somebody) -> None:
    one, other = add_blob(ada, b"one of them"), add_blob(ada, b"another one")
    bytes_of_one = sealed(one)
    overwrite(one, sealed(other))
    overwrite(other, bytes_of_one)
    found, _ = check()
    assert {finding.image_id for finding in found} == {one.image_id, other.image_id}


@pytest.mark.parametrize("quick", [False, True])
def test_a_lost_blob_is_found_and_told_to_the_log(
    ada: Somebody, security: list[tuple[str, dict[str, Any]]], quick: bool
) -> None:
    lost = [add_blob(ada, b"blob") for _ in range(3)]
    add_blob(ada, b"a sound one")
    for blob in lost:
        delete(blob)
    found, tally = check(quick=quick)
    assert {finding.image_id for finding in found} == {blob.image_id for blob in lost}
    assert (tally.lost, tally.left, tally.blobs) == (3, 3, 4)
    assert [event for event, _ in security] == ["blob.lost"] * 3


def test_a_photo_whose_original_no_row_names_is_lost(ada: Somebody) -> None:
    image_id = sealed_photo(ada)
    with db.transaction(ada.user_id) as conn:
        conn.execute("DELETE FROM blobs WHERE image_id = %s AND name = 'original'", [image_id])
    found, tally = check(now=NOW)
    assert [(finding.kind, finding.image_id, finding.name) for finding in found] == [("lost", image_id, "original")]
    assert tally.lost == 1


def test_the_quick_look_reads_nothing_of_sound_blobs_and_finds_other_lengths(
    ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        add_blob(ada, b"a sound one")
    short, altered = add_blob(ada, b"cut"), add_blob(ada, b"altered")
    overwrite(short, sealed(short)[:-1])
    overwrite(altered, flip(sealed(altered)))
    driver, keys_read = storage.driver("local"), set()
    read = driver.read
    monkeypatch.setattr(driver, "read", lambda key, *rest: keys_read.add(key) or read(key, *rest))
    found, _ = check(quick=True)
    assert [finding.key for finding in found] == [short.key]
    assert keys_read == {short.key}


def test_blobs_are_read_in_pieces(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = add_blob(ada, os.urandom(100_000))
    exact = add_blob(ada, os.urandom(10_000))
    monkeypatch.setattr(checking, "PIECE", exact.size)  # a file that ends where a piece does
    driver, lengths = storage.driver("local"), []
    read = driver.read
    monkeypatch.setattr(driver, "read", lambda key, offset, length: lengths.append(length) or read(key, offset, length))
    assert check()[0] == []
    assert max(lengths) == exact.size
    overwrite(blob, flip(sealed(blob)))
    assert kinds(check()[0]) == [("tampered", "original")]


def test_the_walk_is_page_by_page_and_in_the_order_of_the_rows(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "PAGE", 2)
    photos = [sealed_photo(ada, draw(seed, (64, 48))) for seed in range(5)]
    for image_id in photos:
        with db.transaction(ada.user_id) as conn:
            for blob in blobs.of_images(conn, [image_id]):
                delete(blob)
    found, tally = check()
    assert [finding.image_id for finding in found] == [image_id for image_id in sorted(photos) for _ in range(3)]
    assert tally.blobs == 15


def test_an_erased_account_has_nothing_to_lose(ada: Somebody) -> None:
    delete(add_blob(ada, b"of somebody who left"))
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE users SET erased_at = now()")
    found, tally = check()
    assert (found, tally.blobs) == ([], 0)


def test_a_blob_that_moves_or_goes_while_it_is_looked_for_is_no_loss(
    ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, purged = add_blob(ada, b"moved"), add_blob(ada, b"purged")
    copy = store(ada, b"moved", name="original", image_id=moved.image_id)
    driver, pending = storage.driver("local"), [True]
    read = driver.read

    def meanwhile(key: str, offset: int, length: int) -> bytes:
        if pending:
            pending.clear()
            moving.swap(ada.user_id, moved, copy)
            delete(moved)
            with db.transaction(ada.user_id) as conn:
                images.delete_row(conn, purged.image_id)
            delete(purged)
        return read(key, offset, length)

    monkeypatch.setattr(driver, "read", meanwhile)
    found, _ = check(jobs=1)
    assert found == []


# ---- storage that is away -------------------------------------------------------------------------------------------


def failing(monkeypatch: pytest.MonkeyPatch, times: float) -> None:
    """Let so many of the next reads fail."""
    driver, lock, left = storage.driver("local"), threading.Lock(), [times]
    read = driver.read

    def flaky(key: str, offset: int, length: int) -> bytes:
        with lock:
            left[0] -= 1
            if left[0] >= 0:
                raise StorageUnavailable("The storage is away.")
        return read(key, offset, length)

    monkeypatch.setattr(driver, "read", flaky)


def test_storage_that_is_away_for_a_moment_leaves_no_finding(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        add_blob(ada, b"sound")
    failing(monkeypatch, 3)
    found, tally = check()
    assert (found, tally.complete, tally.cursor) == ([], True, None)


def test_storage_that_stays_away_is_not_checked_and_no_loss(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(60):
        add_blob(ada, b"sound")
    with monkeypatch.context() as patch:
        failing(patch, float("inf"))
        (finding,), tally = check()
    assert (finding.kind, finding.count) == ("unchecked", 60)
    assert "away" in finding.detail
    assert (tally.left, tally.complete, tally.unchecked) == (0, False, 60)
    assert tally.cursor is not None
    found, again = check(start=Position.of(tally.cursor))
    assert (found, again.blobs, again.complete) == ([], 60, True)


def test_a_storage_that_is_away_is_not_waited_for_with_each_blob(
    ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(100):
        add_blob(ada, b"sound")
    asked = []

    def hang(key: str, offset: int, length: int) -> bytes:
        asked.append(key)
        raise StorageUnavailable

    monkeypatch.setattr(storage.driver("local"), "read", hang)
    check(jobs=2)
    assert len(asked) <= checking.AWAY_AFTER + 4 * 2 + 2


def test_a_driver_that_lacks_its_settings_is_not_checked_and_says_what_to_set(ada: Somebody) -> None:
    blob = add_blob(ada, b"sound")
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE blobs SET driver = 's3' WHERE image_id = %s", [blob.image_id])
    found, tally = check(now=NOW)
    assert {(finding.kind, finding.driver) for finding in found} == {("unchecked", "s3")}
    assert all("VAULT_BUCKET" in finding.detail for finding in found)
    assert (tally.left, tally.complete) == (0, False)


# ---- interrupted ----------------------------------------------------------------------------------------------------


def test_an_interrupted_walk_goes_on_where_it_was(ada: Somebody) -> None:
    photos = sorted(sealed_photo(ada, draw(seed, (64, 48))) for seed in range(6))
    for image_id in photos:
        with db.transaction(ada.user_id) as conn:
            delete(blobs.of_images(conn, [image_id], ["preview"])[0])
    tally = Tally()
    walk = checking.walk(tally, now=NOW, start=Position())
    seen = [next(walk)[0].image_id, next(walk)[0].image_id]
    walk.close()
    found, rest = check(start=Position.of(tally.cursor), now=NOW)
    assert {*seen, *(finding.image_id for finding in found)} == set(photos)
    assert len(found) in {4, 5}, "the photo that was being looked at comes again"
    assert rest.cursor is None


def test_an_interrupted_walk_does_not_pass_what_could_not_be_read(
    ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        add_blob(ada, b"sound")
    for _ in range(2):
        delete(add_blob(ada, b"lost"))
    tally = Tally()
    with monkeypatch.context() as patch:
        failing(patch, 1)
        walk = checking.walk(tally, now=NOW, start=Position(), jobs=1)
        next(walk)
        next(walk)
        walk.close()
    assert check(start=Position.of(tally.cursor), now=NOW)[1].blobs == 4


def test_an_interrupted_look_through_the_files_goes_on_there(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "PAGE", 4)
    for _ in range(3):
        add_blob(ada, b"sound")
    orphans = {put() for _ in range(12)}
    tally = Tally()
    walk = checking.walk(tally, now=LATER, start=Position())
    first = {finding.key for finding in next(walk)} | {finding.key for finding in next(walk)}
    walk.close()
    rest, again = check(start=Position.of(tally.cursor))
    assert first | {finding.key for finding in rest} == orphans
    assert again.blobs == 0, "the rows were done"


# ---- files ----------------------------------------------------------------------------------------------------------


def test_files_are_nobodys_after_a_day_unless_a_row_or_a_retired_copy_names_them(ada: Somebody) -> None:
    blob = add_blob(ada, b"named")
    copy = store(ada, b"named", name="original", image_id=blob.image_id)
    assert moving.swap(ada.user_id, blob, copy)
    orphan = put(data=b"orphan")
    storage.driver("local").put("holidays/beach.jpg", b"mine", size=4)
    assert check(now=NOW)[0] == []
    found, tally = check()
    assert [(finding.kind, finding.key, finding.bytes) for finding in found] == [("orphan", orphan, 6)]
    assert (tally.foreign, tally.young, tally.files) == (1, 0, 4)
    assert check(now=NOW)[1].young == 1


def test_a_retired_copy_that_is_gone_is_no_loss(ada: Somebody) -> None:
    blob = add_blob(ada, b"named")
    assert moving.swap(ada.user_id, blob, store(ada, b"named", name="original", image_id=blob.image_id))
    delete(blob)
    assert check()[0] == []


@pytest.mark.parametrize("repair", [False, True])
def test_no_file_is_refuse_to_a_database_that_knows_few_of_them(ada: Somebody, repair: bool) -> None:
    add_blob(ada, b"named")
    theirs = {put() for _ in range(60)}
    (finding,), tally = check(repair=repair)
    assert finding.kind == "unknown-to-the-database"
    assert (tally.orphans, tally.complete) == (0, False)
    assert theirs <= lying("local")


def test_no_file_is_refuse_to_a_database_that_names_none_of_the_storage(ada: Somebody) -> None:
    """Such as a new one, beside a vault of a handful of photos."""
    theirs = {put() for _ in range(5)}
    (finding,), _ = check(repair=True)
    assert (finding.kind, finding.outcome) == ("unknown-to-the-database", "")
    report = Report()
    clearing.remove_orphans(report, now=LATER)
    assert report.failures == [f"remove_orphans of local: {finding.detail}"]
    assert theirs == lying("local")


def test_parts_of_a_blob_that_are_missing_are_a_loss_and_parts_without_a_row_an_orphan(
    ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDINARY_MAX_FILE_BYTES", "2000")
    reconfigure()
    lost, whole, unnamed = (add_blob(ada, os.urandom(5000)) for _ in range(3))
    assert lost.driver == "cloudinary"
    hybrid.files.pop((CLOUD, f"{lost.key}.1"))
    hybrid.files.pop((CLOUD, f"{unnamed.key}.2"))
    with db.transaction(ada.user_id) as conn:
        images.delete_row(conn, unnamed.image_id)
    for quick in (False, True):
        found, _ = check(quick=quick)
        assert kinds(found) == sorted([("lost", "original"), ("orphan", unnamed.key)])
        assert {finding.key for finding in found} == {lost.key, unnamed.key}
    check(repair=True)
    assert lying("cloudinary") == {lost.key, whole.key}


# ---- mending --------------------------------------------------------------------------------------------------------


def photo_with_everything(who: Somebody, bucket: Bucket, data: bytes) -> UUID:
    """Through the pipeline: an original, renditions and metadata."""
    announced = uploads.Announcement("IMG.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=NOW)
    bucket.post(who.user_id, answer.image_id, data)
    vision.handle(PhotoMessage(who.user_id, answer.image_id))
    return answer.image_id


def blobs_of(who: Somebody, image_id: UUID) -> dict[str, Blob]:
    with db.transaction(who.user_id) as conn:
        return {blob.name: blob for blob in blobs.of_images(conn, [image_id])}


@pytest.mark.parametrize("damage", ["lost", "tampered"])
def test_what_is_made_from_the_original_is_made_again(ada: Somebody, bucket: Bucket, damage: str) -> None:
    data = draw(1, (640, 480), taken=datetime(2024, 5, 1, 12, 30), camera=("Canon", "EOS R5"))
    image_id = photo_with_everything(ada, bucket, data + film())
    before = blobs_of(ada, image_id)
    plain = {name: opened(ada, blob) for name, blob in before.items()}
    assert before.keys() == {"original", "preview", "thumbnail", "metadata", "motion"}
    for name in before.keys() - {"original"}:
        delete(before[name]) if damage == "lost" else overwrite(before[name], flip(sealed(before[name])))
    found, tally = check(repair=True, now=datetime.now(UTC))
    assert {(finding.name, finding.outcome) for finding in found} == {
        (name, "mended") for name in ("preview", "thumbnail", "metadata", "motion")
    }
    assert (tally.mended, tally.left) == (4, 0)
    after = blobs_of(ada, image_id)
    assert {name: opened(ada, blob) for name, blob in after.items()} == plain
    assert all(after[name].key != before[name].key for name in before.keys() - {"original"})
    assert {(blob.width, blob.height) for blob in after.values()} == {
        (blob.width, blob.height) for blob in before.values()
    }
    assert check(now=datetime.now(UTC))[0] == []


def test_the_picture_of_a_face_is_made_again_from_where_it_is(ada: Somebody, bucket: Bucket) -> None:
    image_id = photo_with_everything(ada, bucket, draw(2, (640, 480)))
    face = face_of(1)
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)
        (face_id,) = people.new_face_ids([face])
        people.add_faces(conn, image_id, vectors.model_id(conn, MODEL), [face_id], [face])
    blob = add_blob(ada, b"the face", name=f"face:{face_id}", image_id=image_id)
    delete(blob)
    (finding,), _ = check(repair=True, now=NOW)
    assert (finding.name, finding.outcome) == (blob.name, "mended")
    again = row(ada, blob)
    assert again is not None
    with Image.open(io.BytesIO(opened(ada, blob))) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (again.width, again.height) == (230, 230)  # 0.3 of 480 pixels and a margin


def test_a_face_that_no_row_describes_any_more_cannot_be_made_again(ada: Somebody, bucket: Bucket) -> None:
    image_id = photo_with_everything(ada, bucket, draw(3, (640, 480)))
    delete(add_blob(ada, b"a face", name="face:00000000-0000-4000-8000-000000000000", image_id=image_id))
    (finding,), tally = check(repair=True, now=NOW)
    assert (finding.outcome, tally.left) == ("", 1)
    assert "cannot be made again" in finding.detail


def test_a_lost_original_is_told_and_served_again_once_its_file_is_back(ada: Somebody) -> None:
    image_id = sealed_photo(ada)
    original = blobs_of(ada, image_id)["original"]
    kept = sealed(original)
    delete(original)
    (finding,), tally = check(repair=True)
    assert (finding.outcome, tally.left) == ("", 1)
    assert "backup" in finding.detail
    assert row(ada, original) == original
    with pytest.raises(BlobMissing):
        originals.open(ada.user_id, image_id)
    storage.driver("local").put(original.key, kept, size=len(kept))
    assert check(repair=True)[0] == []
    assert originals.open(ada.user_id, image_id).data == opened(ada, original)


def test_what_would_be_made_from_a_lost_original_stays_as_it_is(ada: Somebody, bucket: Bucket) -> None:
    image_id = photo_with_everything(ada, bucket, draw(4, (640, 480)))
    before = blobs_of(ada, image_id)
    for name in ("original", "preview"):
        delete(before[name])
    found, tally = check(repair=True, now=NOW)
    assert {(finding.name, finding.outcome) for finding in found} == {("original", ""), ("preview", "")}
    assert tally.left == 2
    assert blobs_of(ada, image_id) == before


def test_an_original_is_sealed_again_while_the_upload_is_still_there(ada: Somebody, bucket: Bucket) -> None:
    data = draw(5, (640, 480))
    image_id = photo_with_everything(ada, bucket, data)
    before = blobs_of(ada, image_id)
    delete(before["original"])
    delete(before["preview"])
    bucket.post(ada.user_id, image_id, data)
    found, tally = check(repair=True, now=NOW)
    assert {(finding.name, finding.outcome) for finding in found} == {("original", "mended"), ("preview", "mended")}
    assert tally.left == 0
    assert originals.open(ada.user_id, image_id).data == data


def test_what_lies_in_staging_and_is_not_the_photo_mends_nothing(ada: Somebody, bucket: Bucket) -> None:
    image_id = photo_with_everything(ada, bucket, draw(6, (64, 48)))
    original = blobs_of(ada, image_id)["original"]
    delete(original)
    bucket.post(ada.user_id, image_id, b"another photo")
    _, tally = check(repair=True, now=NOW)
    assert tally.left == 1
    assert row(ada, original) == original


@pytest.mark.parametrize("damage", ["lost", "tampered"])
def test_a_blob_is_healed_from_the_copy_that_it_was_moved_from(ada: Somebody, damage: str) -> None:
    old = add_blob(ada, b"an original")
    data = sealed(old)
    key = put(data=data)
    new = blobs.Blob(**(vars(old) | {"key": key}))
    assert moving.swap(ada.user_id, old, new)
    delete(new) if damage == "lost" else overwrite(new, flip(data))
    (finding,), tally = check(repair=True, now=NOW)
    assert (finding.outcome, tally.left) == ("mended", 0)
    assert row(ada, old) == old
    assert opened(ada, old) == b"an original"


def test_a_blob_that_an_older_database_looks_for_in_vain_is_found_among_the_orphans(ada: Somebody) -> None:
    """After a restore the rows name the places that blobs were moved away from since."""
    moved = add_blob(ada, b"an original")
    key = put(data=sealed(moved))
    delete(moved)
    refuse = put(data=b"refuse")
    found, tally = check(repair=True)
    assert tally.left == 0
    assert (tally.lost, tally.mended, tally.orphans, tally.removed) == (1, 1, 1, 1)
    assert {(finding.key, finding.outcome) for finding in found if finding.kind == "orphan"} == {
        (key, "mended"),
        (refuse, "removed"),
    }
    current = row(ada, moved)
    assert current is not None
    assert current.key == key
    assert opened(ada, moved) == b"an original"


def test_a_database_older_than_a_migration_finds_the_whole_vault_where_it_went(
    ada: Somebody, hybrid: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names no file of the new storage, which maintenance therefore leaves alone until the repair."""
    monkeypatch.setattr(checking, "PAGE", 10)
    there = [add_blob(ada, os.urandom(size)) for size in range(25)]
    for blob in there:
        moving.move(ada.user_id, blob.image_id, blob.name, to="local")
    uploaded_since = {put() for _ in range(5)}
    for blob in there:  # the dump of before, and the old copies went after their day
        current = row(ada, blob)
        assert current is not None
        with db.transaction(ada.user_id) as conn:
            assert blobs.replace(conn, current, blob)
            conn.execute("DELETE FROM retired_blobs")
        delete(blob)
    moved = lying("local") - uploaded_since
    report = Report()
    clearing.remove_orphans(report, now=LATER)
    assert report.orphans == 0
    _, tally = check(repair=True)
    assert (tally.lost, tally.mended) == (25, 25)
    assert lying("local") == moved | uploaded_since, "there may be a newer dump"
    assert [len(opened(ada, blob)) for blob in there] == list(range(25))
    assert check(repair=True)[1].left == 0
    assert lying("local") == moved


def test_an_orphan_that_is_a_second_copy_of_a_sound_blob_goes(ada: Somebody) -> None:
    blob = add_blob(ada, b"an original")
    copy = put(data=sealed(blob))
    check(repair=True)
    assert lying("local") == {blob.key}
    assert copy not in lying("local")
    assert is_whole(blob)


def test_an_orphan_that_cannot_be_read_stays(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be what a row is looking for."""
    orphan = put(data=bytes(add_blob(ada, b"named").size))
    read = local.LocalDriver.read

    def away(driver: local.LocalDriver, key: str, offset: int, length: int) -> bytes:
        if key == orphan:
            raise StorageUnavailable("It cannot be read right now.")
        return read(driver, key, offset, length)

    monkeypatch.setattr(local.LocalDriver, "read", away)
    (finding,), tally = check(repair=True)
    assert (finding.outcome, tally.left) == ("", 1)
    assert "not deleted" in finding.detail
    assert orphan in lying("local")


def test_repair_deletes_orphans_that_are_a_day_old_and_nothing_else(ada: Somebody) -> None:
    blob = add_blob(ada, b"named")
    copy = store(ada, b"named", name="original", image_id=blob.image_id)
    assert moving.swap(ada.user_id, blob, copy)
    storage.driver("local").put("holidays/beach.jpg", b"mine", size=4)
    old, young = put(), put()
    a_day_ago = (NOW - timedelta(hours=24, minutes=1)).timestamp()
    os.utime(Path(os.environ["STORAGE_ROOT"]) / old, (a_day_ago, a_day_ago))
    _, tally = check(repair=True, now=NOW)
    assert (tally.removed, tally.left, tally.young) == (1, 0, 1)
    assert lying("local") == {blob.key, copy.key, young, "holidays/beach.jpg"}
    with db.maintenance() as conn:
        assert len(retired.due(conn, LATER, after=None, limit=10)) == 1


def test_a_repair_can_be_run_again_and_finds_nothing_more_to_do(ada: Somebody, bucket: Bucket) -> None:
    image_id = photo_with_everything(ada, bucket, draw(7, (640, 480)))
    delete(blobs_of(ada, image_id)["preview"])
    put()
    assert check(repair=True)[1].left == 0
    found, tally = check(repair=True)
    assert (found, tally.left) == ([], 0)


def test_a_bad_copy_goes_a_day_after_it_was_replaced(ada: Somebody, bucket: Bucket) -> None:
    image_id = photo_with_everything(ada, bucket, draw(8, (640, 480)))
    bad = blobs_of(ada, image_id)["preview"]
    overwrite(bad, flip(sealed(bad)))
    check(repair=True, now=NOW)
    assert bad.key in lying("local")
    clearing.remove_retired(Report(), now=LATER)
    assert bad.key not in lying("local")
