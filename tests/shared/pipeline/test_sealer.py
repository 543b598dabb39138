"""What lies in staging is taken for what it is: the announced bytes, sealed or not; anything else is thrown away."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infra.local.pictures import draw
from tests.arranging import Sent
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import blobs, db, ids, images, keyring, originals, sealing, staging, storage, uploads, users
from photovault import vault as blob_vault
from photovault.errors import Unavailable
from photovault.images import Image
from photovault.pipeline import maintenance, sealer, vision
from photovault.pipeline.messages import PhotoMessage
from photovault.pipeline.reports import Report
from photovault.sealing import Address
from photovault.uploads import Seal

pytestmark = pytest.mark.usefixtures("vault", "sent")

MIB = 1024 * 1024
PICTURE = draw(1, (400, 300))


@dataclass(frozen=True)
class Announced:
    """A pending photo, and what its uploads are sealed with."""

    owner: Somebody
    image_id: UUID
    seal: Seal

    @property
    def key(self) -> str:
        return staging.key_of(self.owner.user_id, self.image_id)

    @property
    def row(self) -> Image:
        with db.transaction(self.owner.user_id) as conn:
            image = images.get(conn, self.image_id)
        assert image is not None
        return image

    def sealed(self, data: bytes) -> bytes:
        return sealing.seal(data, key=self.seal.key, address=self.seal.address)

    def content_key(self) -> bytes:
        row = self.row
        with db.transaction(row.user_id) as conn:
            return keyring.content_key_of(conn, row)


def announce(who: Somebody, data: bytes, *, size: int | None = None, now: datetime | None = None) -> Announced:
    wanted = uploads.Announcement("photo.jpg", "image/jpeg", size or len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [wanted], now=now or datetime.now(UTC), sealed=True)
    assert answer.seal is not None
    return Announced(who, answer.image_id, answer.seal)


def quota(who: Somebody) -> tuple[int, int]:
    """Used and reserved bytes."""
    with db.transaction(who.user_id) as conn:
        user = users.get(conn)
    assert user is not None
    return user.used_bytes, user.reserved_bytes


def original(photo: Announced) -> bytes:
    """What the vault holds, opened."""
    content_key = photo.content_key()
    with db.transaction(photo.owner.user_id) as conn:
        blob = blobs.get(conn, photo.image_id, "original")
    assert blob is not None
    return blob_vault.fetch(blob, content_key=content_key, user_id=photo.owner.user_id)


def ciphertext(photo: Announced) -> bytes:
    with db.transaction(photo.owner.user_id) as conn:
        blob = blobs.get(conn, photo.image_id, "original")
    assert blob is not None
    return storage.driver(blob.driver).get(blob.key)


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture
def staged(bucket: Bucket) -> dict[str, bytes]:
    """What lies in staging, by its keys."""
    return bucket.contents


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """The metrics that were counted."""
    counted: list[tuple[str, float]] = []
    monkeypatch.setattr(sealer, "count", lambda name, value=1, **_: counted.append((name, value)))
    return counted


# ---- what is taken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB + 5])
def test_a_sealed_upload_becomes_an_original_under_a_salt_of_its_own(
    ada: Somebody, staged: dict[str, bytes], size: int
) -> None:
    data = hashlib.shake_256(b"photo").digest(size)
    photo = announce(ada, data)
    staged[photo.key] = envelope = photo.sealed(data)
    assert sealer.seal(photo.row) == photo.row
    assert photo.row.status == "processing"
    assert original(photo) == data
    assert quota(ada) == (size, 0)
    assert staged == {}
    assert len(envelope) == photo.seal.sealed_bytes
    stored = ciphertext(photo)
    salt = slice(-64, -32)  # of a header
    assert stored[: sealing.header_size("original")][salt] != envelope[: sealing.header_size("upload")][salt]


def test_a_plain_upload_is_taken_whatever_was_asked_for(ada: Somebody, staged: dict[str, bytes]) -> None:
    photo = announce(ada, PICTURE)
    staged[photo.key] = PICTURE
    assert sealer.seal(photo.row)
    assert original(photo) == PICTURE


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_a_file_that_looks_like_an_envelope_is_a_file_like_any_other(
    ada: Somebody, staged: dict[str, bytes], sealed: bool
) -> None:
    """Even one that this very key seals: it is its announced size and hash that say what it is."""
    other = announce(ada, PICTURE)
    data = other.sealed(PICTURE)
    photo = announce(ada, data)
    staged[photo.key] = photo.sealed(data) if sealed else data
    assert sealer.seal(photo.row)
    assert original(photo) == data


def test_what_begins_like_an_envelope_and_is_no_image_is_rejected_like_any_other(
    ada: Somebody, staged: dict[str, bytes]
) -> None:
    data = sealing.MAGIC + bytes(500)
    photo = announce(ada, data)
    staged[photo.key] = data
    vision.handle(PhotoMessage(ada.user_id, photo.image_id))
    assert photo.row.status == "rejected"
    assert original(photo) == data


# ---- what is thrown away -------------------------------------------------------------------------------------------

Forge = Callable[[Somebody, Announced], bytes]


def of_another_photo(ada: Somebody, photo: Announced) -> bytes:
    data = PICTURE[:-1] + b"?"
    return announce(ada, data).sealed(data)


def of_another_person(ada: Somebody, photo: Announced) -> bytes:
    return announce(somebody(), PICTURE).sealed(PICTURE)


def of_other_bytes(ada: Somebody, photo: Announced) -> bytes:
    return photo.sealed(PICTURE[:-1] + b"#")


def under_another_name(ada: Somebody, photo: Announced) -> bytes:
    """An original's envelope of the right size."""
    address = Address(ada.user_id, photo.image_id, "original")
    return sealing.seal(PICTURE[:-2], key=sealing.blob_key(photo.content_key(), address), address=address)


def with_the_keys_of_an_original(ada: Somebody, photo: Announced) -> bytes:
    key = sealing.blob_key(photo.content_key(), Address(ada.user_id, photo.image_id, "original"))
    return sealing.seal(PICTURE, key=key, address=photo.seal.address)


def of_a_shorter_file(ada: Somebody, photo: Announced) -> bytes:
    return photo.sealed(PICTURE[:-1])


def cut_short(ada: Somebody, photo: Announced) -> bytes:
    return photo.sealed(PICTURE)[:-1]


def with_more_behind_it(ada: Somebody, photo: Announced) -> bytes:
    return photo.sealed(PICTURE) + b"?"


def cut_and_filled_up(ada: Somebody, photo: Announced) -> bytes:
    return photo.sealed(PICTURE)[:-100] + bytes(100)


def noise_of_an_envelopes_size(ada: Somebody, photo: Announced) -> bytes:
    return bytes(photo.seal.sealed_bytes)


def nothing_at_all(ada: Somebody, photo: Announced) -> bytes:
    return b""


@pytest.mark.parametrize(
    "forge",
    [
        of_another_photo,
        of_another_person,
        of_other_bytes,
        under_another_name,
        with_the_keys_of_an_original,
        of_a_shorter_file,
        cut_short,
        with_more_behind_it,
        cut_and_filled_up,
        noise_of_an_envelopes_size,
        nothing_at_all,
    ],
    ids=lambda forge: forge.__name__,
)
def test_anything_else_is_thrown_away_and_the_photo_can_be_uploaded_again(
    ada: Somebody, staged: dict[str, bytes], caplog: pytest.LogCaptureFixture, forge: Forge
) -> None:
    photo = announce(ada, PICTURE)
    staged[photo.key] = forge(ada, photo)
    before = quota(ada)
    stored = {each.key for each in storage.driver("local").list()}
    vision.handle(PhotoMessage(ada.user_id, photo.image_id))
    assert staged == {}
    assert (photo.row.status, photo.row.sealed_at) == ("pending", None)
    assert quota(ada) == before
    assert {each.key for each in storage.driver("local").list()} == stored
    (line,) = [record for record in caplog.records if record.message == "upload.not_as_announced"]
    assert line.__dict__["why"]
    again = announce(ada, PICTURE)
    assert (again.image_id, again.seal) == (photo.image_id, photo.seal)
    staged[again.key] = again.sealed(PICTURE)
    assert sealer.seal(again.row)
    assert original(photo) == PICTURE


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_the_right_upload_that_comes_while_a_wrong_one_is_thrown_away_stays(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    """A client that noticed its mistake tries again at once; ``looks`` are those that the sealer had had by then."""
    photo = announce(ada, PICTURE)
    bucket.contents[photo.key] = noise_of_an_envelopes_size(ada, photo)
    looked = 0

    def after_so_many(look: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            nonlocal looked
            found = look(*arguments, **options)
            looked += 1
            if looked == looks:
                bucket.contents[photo.key] = photo.sealed(PICTURE)
            return found

        return watched

    for name in ("get", "find"):
        monkeypatch.setattr(staging, name, after_so_many(getattr(bucket, name)))
    assert sealer.seal(photo.row) is None
    assert sealer.seal(photo.row)
    assert original(photo) == PICTURE


def test_a_photo_announced_anew_with_the_right_size_while_a_look_is_taken_keeps_its_upload(
    ada: Somebody, staged: dict[str, bytes]
) -> None:
    photo = announce(ada, PICTURE, size=7)
    before = photo.row
    with db.transaction(ada.user_id) as conn:
        users.move_quota(conn, reserved=len(PICTURE) - 7)
        conn.execute("UPDATE images SET bytes = %s WHERE id = %s", [len(PICTURE), photo.image_id])
    staged[photo.key] = PICTURE
    assert sealer.seal(before) is None
    assert sealer.seal(photo.row)
    assert original(photo) == PICTURE


def test_an_envelope_of_the_same_file_from_before_it_was_forgotten_is_thrown_away(
    ada: Somebody, staged: dict[str, bytes]
) -> None:
    """Announced again after its pending row had expired, a file is another photo with another key."""
    before = announce(ada, PICTURE)
    envelope = before.sealed(PICTURE)
    with db.transaction(ada.user_id) as conn:
        images.delete_row(conn, before.image_id)
    photo = announce(ada, PICTURE)
    staged[photo.key] = envelope
    assert sealer.seal(photo.row) is None
    assert staged == {}
    assert photo.row.status == "pending"


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
@pytest.mark.parametrize("off", [-1, 1])
def test_the_right_bytes_of_a_photo_announced_with_a_wrong_size_are_thrown_away(
    ada: Somebody, staged: dict[str, bytes], sealed: bool, off: int
) -> None:
    """The quota was asked about the announced size."""
    photo = announce(ada, PICTURE, size=len(PICTURE) + off)
    staged[photo.key] = photo.sealed(PICTURE) if sealed else PICTURE
    assert sealer.seal(photo.row) is None
    assert staged == {}
    assert quota(ada) == (0, len(PICTURE) + off)


def test_no_flipped_bit_of_an_envelope_goes_unnoticed(ada: Somebody, staged: dict[str, bytes]) -> None:
    data = b"a small file"
    photo = announce(ada, data)
    row, content_key, envelope = photo.row, photo.content_key(), photo.sealed(data)

    @settings(deadline=None)
    @given(bit=st.integers(0, 8 * len(envelope) - 1))
    def flip(bit: int) -> None:
        wrong = bytearray(envelope)
        wrong[bit // 8] ^= 1 << bit % 8
        staged[photo.key] = bytes(wrong)
        with pytest.raises(originals.NotAsAnnounced):
            originals.received(row, content_key=content_key)

    flip()
    staged[photo.key] = envelope
    assert originals.received(row, content_key=content_key) == data


def test_a_photo_announced_anew_with_another_size_while_it_is_sealed_is_not_committed(
    ada: Somebody, staged: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = announce(ada, PICTURE)
    staged[photo.key] = photo.sealed(PICTURE)
    before = photo.row
    stored = {each.key for each in storage.driver("local").list()}
    store = blob_vault.store

    def announced_anew(*arguments: bytes, **options: object) -> blobs.Blob:
        with db.transaction(ada.user_id) as conn:
            users.move_quota(conn, reserved=-len(PICTURE) + 7)
            conn.execute("UPDATE images SET bytes = 7 WHERE id = %s", [photo.image_id])
        return store(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(blob_vault, "store", announced_anew)
    with pytest.raises(Unavailable):
        sealer.seal(before)
    assert photo.row.sealed_at is None
    assert quota(ada) == (0, 7)
    assert {each.key for each in storage.driver("local").list()} == stored
    assert sealer.seal(photo.row) is None
    assert staged == {}


# ---- memory and time -----------------------------------------------------------------------------------------------


def test_no_more_is_held_than_an_envelope_and_its_plaintext(
    ada: Somebody, staged: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = hashlib.shake_256(b"large").digest(24 * MIB)
    photo = announce(ada, data)
    envelope = photo.sealed(data)
    monkeypatch.setattr(staging, "get", lambda *_, at_most: bytes(bytearray(envelope)))
    row = photo.row
    tracemalloc.start()
    try:
        sealer.seal(row)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert photo.row.sealed_at
    assert peak <= len(envelope) + len(data) + 4 * MIB


def test_plaintext_is_measured_when_it_leaves_and_ciphertext_is_not(
    ada: Somebody, bucket: Bucket, measured: list[tuple[str, float]]
) -> None:
    staged = bucket.contents
    plain, sealed, wrong = PICTURE, draw(2, (40, 30)), draw(3, (40, 30))
    photos = {data: announce(ada, data) for data in (plain, sealed, wrong)}
    staged[photos[plain].key] = plain
    staged[photos[sealed].key] = photos[sealed].sealed(sealed)
    staged[photos[wrong].key] = b"who knows what this is"
    bucket.modified |= dict.fromkeys(staged, datetime.now(UTC) - timedelta(seconds=40))
    rested = []
    for photo in photos.values():
        sealer.seal(photo.row)
        rested.append([value for name, value in measured if name == "PlaintextSeconds"])
        measured.clear()
    assert staged == {}
    assert [len(each) for each in rested] == [1, 0, 1]
    assert rested[0] == [pytest.approx(40, abs=5)]


def test_what_nobody_announced_is_measured_as_plaintext(
    ada: Somebody, staged: dict[str, bytes], measured: list[tuple[str, float]], sent: Sent
) -> None:
    photo = announce(ada, PICTURE)
    staged[photo.key] = PICTURE
    with db.transaction(ada.user_id) as conn:
        images.delete_row(conn, photo.image_id)
    vision.handle(PhotoMessage(ada.user_id, photo.image_id))
    assert staged == {}
    assert [name for name, _ in measured] == ["PlaintextSeconds"]


def test_opened_copies_are_swept_after_six_minutes(bucket: Bucket) -> None:
    lent, report = datetime(2026, 5, 1, 12, tzinfo=UTC), Report()
    bucket.contents["outgoing/0123"] = PICTURE
    bucket.modified["outgoing/0123"] = lent
    maintenance.sweep_staging(report, now=lent + timedelta(minutes=5, seconds=59))
    assert list(bucket.contents) == ["outgoing/0123"]
    assert report.oldest_seconds == 359
    maintenance.sweep_staging(report, now=lent + timedelta(minutes=6))
    assert bucket.contents == {}
    assert report.removed == 1


def test_notes_to_maintenance_are_no_plaintext_that_grows_old(bucket: Bucket) -> None:
    bucket.mark(f"erasing/{ids.new()}")
    report = Report()
    maintenance.sweep_staging(report, now=datetime.now(UTC) + timedelta(hours=5))
    assert (report.staged, report.oldest_seconds, report.removed) == (0, 0, 0)


def test_a_sealed_upload_that_lost_its_worker_is_swept_like_any_other(ada: Somebody, staged: dict[str, bytes]) -> None:
    photo = announce(ada, PICTURE)
    staged[photo.key] = photo.sealed(PICTURE)
    report = Report()
    maintenance.sweep_staging(report, now=datetime.now(UTC) + timedelta(minutes=11))
    assert (report.sealed, staged) == (1, {})
    assert original(photo) == PICTURE
