"""Blobs that are tampered with, swapped, cut, foreign, old or lost are refused, named and reported, on every driver."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from infra.local import stack
from infra.local.localstack import LocalStack
from tests.arranging import Sent
from tests.cloudinary_stand_in import StandIn
from tests.storages import Shelf, Told, add_blob, content_key, opened, overwrite, reconfigure, sealed, store
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, storage, users, vault
from photovault.blobs import Blob
from photovault.errors import BlobMissing, NotFound, Tampered
from photovault.pipeline import moving

MIB = 1024 * 1024
DATA = os.urandom(3 * MIB + 5)

Damage = Callable[[bytes], bytes]


def flip(position: int) -> Damage:
    """One bit of the byte at a position, negative from the end."""

    def damage(data: bytes) -> bytes:
        altered = bytearray(data)
        altered[position] ^= 1
        return bytes(altered)

    return damage


def pieces(who: Somebody, blob: Blob, start: int, stop: int) -> Iterator[bytes]:
    return vault.fetch_range(
        blob, content_key=content_key(who, blob.image_id), user_id=who.user_id, start=start, stop=stop
    )


def assert_refused(who: Somebody, blob: Blob, told: Told, *, also_ranges: bool = True) -> None:
    """Nothing of it is served, and each refusal is one event and one count that name it."""
    reads = [lambda: vault.fetch(blob, content_key=content_key(who, blob.image_id), user_id=who.user_id)]
    if also_ranges:
        reads.append(lambda: next(pieces(who, blob, 0, 10)))
    for read in reads:
        told.events.clear()
        told.counted.clear()
        with pytest.raises(Tampered) as refusal:
            read()
        assert str(blob.image_id) in refusal.value.detail
        assert blob.name in refusal.value.detail
        ((event, about),) = told.events
        assert event == "blob.tampered"
        assert about.pop("why")
        assert about == {
            "user_id": str(who.user_id),
            "image_id": str(blob.image_id),
            "blob": blob.name,
            "driver": blob.driver,
        }
        assert told.counted == ["BlobsTampered"]


class VaultContract:
    """For one driver each, set up by the fixture ``driver``."""

    @pytest.fixture
    def ada(self, driver: str, sent: Sent) -> Somebody:
        return somebody()

    @pytest.fixture
    def blob(self, ada: Somebody, driver: str) -> Blob:
        blob = add_blob(ada, DATA, name="original")
        assert (blob.driver, blob.away) == (driver, False)
        return blob

    def test_what_is_stored_is_fetched_whole_and_in_ranges(self, ada: Somebody, blob: Blob, told: Told) -> None:
        assert opened(ada, blob) == DATA
        assert DATA[:64] not in sealed(blob)
        for start, stop in ((0, 0), (0, 1), (MIB - 1, MIB + 1), (5, len(DATA)), (len(DATA) - 3, len(DATA))):
            assert b"".join(pieces(ada, blob, start, stop)) == DATA[start:stop]
        assert not told.events

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(flip(0), id="first-bit"),
            pytest.param(flip(40), id="salt"),
            pytest.param(flip(200), id="first-chunk"),
            pytest.param(lambda data: b"", id="emptied"),
            pytest.param(lambda data: data[:50], id="cut-in-the-header"),
            pytest.param(lambda data: data[:MIB], id="cut-in-the-first-chunk"),
            pytest.param(lambda data: data[:300] + data[301:], id="a-byte-less"),
            pytest.param(lambda data: os.urandom(len(data)), id="other-bytes"),
        ],
    )
    def test_a_blob_that_was_altered_is_refused(
        self, ada: Somebody, blob: Blob, told: Told, damage: Damage, driver: str
    ) -> None:
        damaged = damage(sealed(blob))
        if driver == "cloudinary" and not damaged:
            pytest.skip("Cloudinary keeps no empty files")
        overwrite(blob, damaged)
        assert_refused(ada, blob, told)

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(flip(-1), id="last-bit"),
            pytest.param(lambda data: data[:-1], id="a-byte-short"),
            pytest.param(lambda data: data + b"\x00", id="a-byte-long"),
            pytest.param(lambda data: data * 2, id="twice"),
        ],
    )
    def test_a_blob_that_was_altered_behind_what_a_range_asks_for_is_refused_as_a_whole(
        self, ada: Somebody, blob: Blob, told: Told, damage: Damage
    ) -> None:
        overwrite(blob, damage(sealed(blob)))
        assert_refused(ada, blob, told, also_ranges=False)
        assert b"".join(pieces(ada, blob, 0, 100)) == DATA[:100], "what is asked for verifies"

    @pytest.mark.parametrize("damage", [flip(2 * MIB + 500), lambda data: data[: 2 * MIB + 500]], ids=["bit", "cut"])
    def test_a_stream_breaks_off_before_the_chunk_that_does_not_verify(
        self, ada: Somebody, blob: Blob, told: Told, damage: Damage
    ) -> None:
        overwrite(blob, damage(sealed(blob)))
        stream = pieces(ada, blob, 0, len(DATA))
        assert next(stream) + next(stream) == DATA[: 2 * MIB]
        with pytest.raises(Tampered, match=str(blob.image_id)):
            next(stream)
        assert [event for event, _ in told.events] == ["blob.tampered"]

    @pytest.mark.parametrize("whose", ["an older one", "another name", "another photo", "another person"])
    def test_a_blob_in_the_place_of_another_is_refused(self, ada: Somebody, blob: Blob, told: Told, whose: str) -> None:
        """All are whole, sealed by this vault, and of the same plaintext."""
        other = {
            "an older one": lambda: store(ada, DATA, name="original", image_id=blob.image_id),
            "another name": lambda: store(ada, DATA, name="motion", image_id=blob.image_id),
            "another photo": lambda: add_blob(ada, DATA, name="original"),
            "another person": lambda: add_blob(somebody(), DATA, name="original"),
        }[whose]()
        overwrite(blob, sealed(other))
        assert_refused(ada, blob, told)
        if whose != "an older one":  # not even when the row was made to expect it
            assert_refused(
                ada, replace(blob, sha256=other.sha256, header_sha256=other.header_sha256, size=other.size), told
            )

    def test_a_lost_blob_is_told_and_served_again_once_it_is_back(self, ada: Somebody, blob: Blob, told: Told) -> None:
        saved = sealed(blob)
        storage.driver(blob.driver).delete(blob.key)
        for read in (lambda: opened(ada, blob), lambda: next(pieces(ada, blob, 0, 10))):
            told.events.clear()
            told.counted.clear()
            with pytest.raises(BlobMissing, match=f"original of photo {blob.image_id}"):
                read()
            ((event, about),) = told.events
            assert event == "blob.lost"
            assert (about["image_id"], about["blob"], about["driver"]) == (
                str(blob.image_id),
                "original",
                blob.driver,
            )
            assert about["user_id"] == str(ada.user_id)
            assert told.counted == ["BlobsLost"]
        storage.driver(blob.driver).put(blob.key, saved, size=len(saved))
        assert opened(ada, blob) == DATA
        assert b"".join(pieces(ada, blob, 5, MIB + 5)) == DATA[5 : MIB + 5]

    def test_a_blob_that_was_deleted_with_its_photo_is_not_lost(self, ada: Somebody, blob: Blob, told: Told) -> None:
        key = content_key(ada, blob.image_id)
        with db.transaction(ada.user_id) as conn:
            users.next_revision(conn)
            images.delete_row(conn, blob.image_id)
        vault.discard([blob])
        with pytest.raises(NotFound):
            vault.fetch(blob, content_key=key, user_id=ada.user_id)
        assert not told.events


class TestLocal(VaultContract):
    @pytest.fixture
    def driver(self, vault: Path) -> str:
        return "local"


class TestCloudinary(VaultContract):
    @pytest.fixture
    def driver(self, hybrid: StandIn) -> str:
        return "cloudinary"


class TestS3(VaultContract):
    @pytest.fixture
    def driver(self, vault: Path, localstack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        bucket = f"vault-{uuid4().hex[:12]}"
        stack.client(localstack.endpoint, "s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": stack.REGION}
        )
        for name, value in {
            "STORAGE_DRIVER": "s3",
            "VAULT_BUCKET": bucket,
            "AWS_ENDPOINT_URL": localstack.endpoint,
            "AWS_REGION": stack.REGION,
        }.items():
            monkeypatch.setenv(name, value)
        reconfigure()
        yield "s3"
        monkeypatch.undo()
        reconfigure()


# ---- blobs that moved ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sent")
def test_a_reader_follows_a_blob_that_moved_since_its_row_was_read(hybrid: StandIn, told: Told) -> None:
    ada = somebody()
    blob = add_blob(ada, DATA)
    key = content_key(ada, blob.image_id)
    stream = vault.fetch_range(blob, content_key=key, user_id=ada.user_id, start=0, stop=len(DATA))
    assert moving.move(ada.user_id, blob.image_id, blob.name, to="local") == moving.Outcome.MOVED
    vault.discard([blob])
    assert vault.fetch(blob, content_key=key, user_id=ada.user_id) == DATA
    assert b"".join(stream) == DATA
    assert not told.events


@pytest.mark.usefixtures("sent")
def test_a_flipped_bit_in_the_part_of_a_blob_that_is_cut_is_refused(
    hybrid: StandIn, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDINARY_MAX_FILE_BYTES", str(MIB))
    reconfigure()
    ada = somebody()
    blob = add_blob(ada, DATA)
    parts = [name for name in hybrid.files if name[1].startswith(blob.key)]
    assert len(parts) == 4
    overwrite(blob, flip(2 * MIB + 500)(sealed(blob)))
    assert_refused(ada, blob, told, also_ranges=False)
    del hybrid.files[parts[1]]
    with pytest.raises(BlobMissing, match=str(blob.image_id)):
        opened(ada, blob)


@pytest.mark.usefixtures("sent")
def test_where_a_blob_went_is_in_its_row_and_noted_when_it_is_away(hybrid: StandIn, shelf: Shelf) -> None:
    ada = somebody()
    at_home = add_blob(ada, DATA)
    assert (at_home.driver, at_home.away) == ("cloudinary", False)
    assert not shelf.notes
    hybrid.stop()
    away = add_blob(ada, DATA)
    assert (away.driver, away.away) == ("local", True)
    assert list(shelf.notes) == ["away/cloudinary"]
    assert opened(ada, away) == DATA
    with db.transaction(ada.user_id) as conn:
        assert [found.away for found in blobs.of_images(conn, [at_home.image_id, away.image_id])] == [False, True]
