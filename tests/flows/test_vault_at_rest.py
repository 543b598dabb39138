"""Nothing readable at rest: real pictures sealed by the real steps into each kind of storage, which is then searched.

And nothing but the sealed blob is ever taken for it: whatever is altered, swapped, cut or replaced by an older blob is
refused by the vault, told as an error by the API, and found by the check.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from infra.local import stack
from infra.local.localstack import LocalStack
from PIL import Image
from tests.cloudinary_stand_in import API_KEY, API_SECRET, CLOUD, StandIn
from tests.local_cloud import ON_S3, database_of_its_own
from tests.pictures import draw, encode
from tests.shared.inference import drawn_face
from tests.staged import Bucket
from tests.storages import content_key, opened, overwrite, sealed
from tests.vaults import Somebody, client, forget, somebody

from photovault import blobs, db, queues, sealing, staging, storage, uploads, vault
from photovault.api import viewing
from photovault.blobs import Blob
from photovault.errors import Tampered
from photovault.pipeline import checking, vision
from photovault.pipeline.findings import Position, Tally
from photovault.pipeline.messages import PhotoMessage

MIB = 1024 * 1024

# What a file begins with, and how far into it that stands. Three bytes occur by chance once in 16 million places: they
# are looked for where a file or a chunk begins, and only longer ones everywhere.
BEGINNINGS = {
    "JPEG": (0, b"\xff\xd8\xff"),
    "PNG": (0, b"\x89PNG"),
    "RIFF": (0, b"RIFF"),
    "GIF": (0, b"GIF8"),
    "TIFF, little-endian": (0, b"II*\0"),
    "TIFF, big-endian": (0, b"MM\0*"),
    "HEIF and AVIF": (4, b"ftyp"),
    "JSON": (0, b'{"'),
}
ANYWHERE = (
    b"\x89PNG\r\n\x1a\n",
    b"WEBPVP8",
    b"GIF87a",
    b"GIF89a",
    b"ftypheic",
    b"ftypavif",
    b"ftypmif1",
    b"Exif\0\0",
    b"Canon EOS",
    b"http://ns.adobe.com/",
)
# Every 64 bytes of a plaintext hold at least one such block from a multiple of its length on.
BLOCK = 32


@dataclass(frozen=True)
class Resting:
    """A vault full of somebody's photos, by their ids, and how to get at every byte of its storage."""

    who: Somebody
    photos: dict[UUID, bytes]
    bucket: Bucket
    files: Callable[[], list[bytes]]

    def blobs(self) -> list[Blob]:
        with db.transaction(self.who.user_id) as conn:
            return blobs.of_images(conn, list(self.photos))


def pictures() -> list[bytes]:
    """A dozen photos of all formats with a camera's tags; one has a face, one is larger than a chunk."""
    options: dict[str, Any] = {"taken": datetime(2024, 5, 1, 12), "camera": ("Canon", "Canon EOS R5"), "gps": (47, 11)}
    formats = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "HEIF", "AVIF", "JPEG", "PNG", "WEBP"]
    made = [draw(seed, (240, 180), format=name, **options) for seed, name in enumerate(formats)]
    large = draw(20, (800, 600), format="TIFF", **options)
    assert len(large) > MIB
    return [*made, large, encode(Image.fromarray(drawn_face(600, side=160, centre=(420, 200))))]


database_url = database_of_its_own()


@pytest.fixture(scope="module", params=["local", ON_S3, "cloudinary", "hybrid"])
def resting(
    request: pytest.FixtureRequest, vault: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Resting]:
    """The vault, filled through one kind of storage; hybrid loses its home in the middle."""
    kind: str = request.param
    folder = tmp_path_factory.mktemp(kind)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("TRUNCATE users CASCADE")
    with StandIn() as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "STORAGE_DRIVER": kind,
            "STORAGE_ROOT": str(folder),
            "STORAGE_FALLBACK": "local",
            "CLOUDINARY_CLOUD_NAME": CLOUD,
            "CLOUDINARY_API_KEY": API_KEY,
            "CLOUDINARY_API_SECRET": API_SECRET,
            "CLOUDINARY_UPLOAD_PREFIX": cloud.url,
            "CLOUDINARY_MAX_FILE_BYTES": "600000",
            "FACE_PROVIDER": "haar",
            "EMBEDDINGS_PROVIDER": "phash",
            **(_bucket(request.getfixturevalue("localstack")) if kind == "s3" else {}),
        }.items():
            patch.setenv(name, value)
        forget()
        bucket = Bucket()
        for name in ("objects", "get", "find", "delete", "mark"):
            patch.setattr(staging, name, getattr(bucket, name))
        patch.setattr(queues, "_send", lambda setting, body, delay: None)
        who, photos = somebody(), {}
        for number, data in enumerate(pictures()):
            if kind == "hybrid" and number == 6:
                cloud.stop()
            photos[_sealed(who, bucket, data)] = data
        if kind == "hybrid":
            cloud.start()

        def files() -> list[bytes]:
            if kind == "s3":
                return [storage.driver("s3").get(stored.key) for stored in storage.driver("s3").list()]
            on_disk = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
            return [*on_disk, *cloud.stored()]

        yield Resting(who, photos, bucket, files)
    forget()


def _bucket(localstack: LocalStack) -> dict[str, str]:
    name = f"vault-{uuid4().hex[:8]}"
    stack.client(localstack.endpoint, "s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": stack.REGION}
    )
    return {"VAULT_BUCKET": name, "AWS_ENDPOINT_URL": localstack.endpoint, "AWS_REGION": stack.REGION}


def _sealed(who: Somebody, bucket: Bucket, data: bytes) -> UUID:
    """Through the steps that a photo takes."""
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    bucket.post(who.user_id, answer.image_id, data)
    vision.handle(PhotoMessage(who.user_id, answer.image_id))
    return answer.image_id


# ---- what lies there ------------------------------------------------------------------------------------------------


def found_in(data: bytes, blocks: set[bytes], *, chunks_at: int) -> list[str]:
    """What of pictures shows in a stored file whose first chunk begins at ``chunks_at``."""
    seen = [magic.decode("latin-1") for magic in ANYWHERE if magic in data]
    for start in [0, *range(chunks_at, len(data), sealing.CHUNK_SIZE + sealing.TAG_SIZE)]:
        seen += [name for name, (offset, magic) in BEGINNINGS.items() if data[start + offset :].startswith(magic)]
    if any(data[at : at + BLOCK] in blocks for at in range(len(data) - BLOCK + 1)):
        seen.append("a piece of a plaintext")
    return seen


def blocks_of(plaintext: bytes) -> set[bytes]:
    return {plaintext[at : at + BLOCK] for at in range(0, len(plaintext) - BLOCK + 1, BLOCK)}


def test_nothing_of_a_picture_can_be_read_in_the_storage(resting: Resting) -> None:
    names = {blob.name.partition(":")[0] for blob in resting.blobs()}
    assert names == {"original", "preview", "thumbnail", "metadata", "face"}
    blocks = set().union(*(blocks_of(opened(resting.who, blob)) for blob in resting.blobs()))
    assert set().union(*map(blocks_of, resting.photos.values())) <= blocks
    files = resting.files()
    assert sum(map(len, files)) == sum(blob.size for blob in resting.blobs()), "every byte was looked at"
    assert max(blob.size for blob in resting.blobs()) > MIB
    for data in files:
        # A file of a blob in parts that is not its first begins anywhere: its chunks cannot be told.
        begins = sealing.header_size("original") if data.startswith(sealing.MAGIC) else 0
        assert found_in(data, blocks, chunks_at=begins) == []


def test_the_search_would_find_them(resting: Resting) -> None:
    blocks = set().union(*map(blocks_of, resting.photos.values()))
    noise = os.urandom(1000)
    for data in resting.photos.values():
        assert found_in(data, set(), chunks_at=sealing.header_size("original")) != []
        assert "a piece of a plaintext" in found_in(noise + data[101:165] + noise, blocks, chunks_at=0)


def test_no_upload_is_left_in_staging(resting: Resting) -> None:
    assert resting.bucket.of(resting.who.user_id) == []


def test_the_storage_names_nobody_and_no_photo(resting: Resting) -> None:
    ids = [str(resting.who.user_id), *map(str, resting.photos), resting.who.email]
    for blob in resting.blobs():
        assert storage.is_new_key(blob.key)
    for data in resting.files():
        assert not any(each.encode() in data for each in ids)


def test_the_check_finds_nothing_wrong(resting: Resting) -> None:
    assert findings() == {}


# ---- what is refused ------------------------------------------------------------------------------------------------


def findings() -> dict[tuple[UUID | None, str], str]:
    """What the check reports, by photo and blob."""
    walk = checking.walk(Tally(), now=datetime.now(UTC), start=Position())
    return {(each.image_id, each.name): each.kind for batch in walk for each in batch}


def flipped(who: Somebody, blob: Blob, there: list[Blob]) -> None:
    data = bytearray(sealed(blob))
    data[len(data) // 2] ^= 1
    overwrite(blob, bytes(data))


def truncated(who: Somebody, blob: Blob, there: list[Blob]) -> None:
    overwrite(blob, sealed(blob)[:-1])


def swapped(who: Somebody, blob: Blob, there: list[Blob]) -> None:
    """With the same kind of blob of another photo of the same person."""
    _swap(blob, next(each for each in there if each.name == blob.name and each.image_id != blob.image_id))


def swapped_within(who: Somebody, blob: Blob, there: list[Blob]) -> None:
    """With another blob of the same photo."""
    _swap(blob, next(each for each in there if each.name != blob.name and each.image_id == blob.image_id))


def _swap(blob: Blob, other: Blob) -> None:
    mine, theirs = sealed(blob), sealed(other)
    overwrite(blob, theirs)
    overwrite(other, mine)


def replaced_by_an_older_one(who: Somebody, blob: Blob, there: list[Blob]) -> None:
    """Sealed for the same photo and name, under the same key, as an earlier run of vision would have."""
    address = sealing.Address(who.user_id, blob.image_id, blob.name)
    key = sealing.blob_key(content_key(who, blob.image_id), address)
    overwrite(blob, sealing.seal(opened(who, blob), key=key, address=address))


Damage = Callable[[Somebody, Blob, list[Blob]], None]


@pytest.mark.parametrize("name", ["original", "thumbnail"])
@pytest.mark.parametrize("damage", [flipped, truncated, swapped, swapped_within, replaced_by_an_older_one])
def test_what_is_not_the_sealed_blob_is_refused_told_and_found(resting: Resting, damage: Damage, name: str) -> None:
    who, everything = resting.who, resting.blobs()
    api = client([viewing.router])
    of_this_name = [blob for blob in everything if blob.name == name]
    for driver in sorted({blob.driver for blob in of_this_name}):
        # Those in one file: others fit into no place of another length.
        there = [blob for blob in everything if blob.driver == driver and "." not in blob.key]
        blob = next(each for each in there if each.name == name)
        before = {each.key: sealed(each) for each in there}
        try:
            damage(who, blob, there)
            _assert_refused(resting, blob, before)
        finally:
            for each in there:
                if sealed(each) != before[each.key]:
                    overwrite(each, before[each.key])
        path = f"/images/{blob.image_id}/view?rendition={name}"
        assert api.get(path, headers=who.headers).status_code == 200, "served again once it is back"


def _assert_refused(resting: Resting, blob: Blob, before: dict[str, bytes]) -> None:
    who, api = resting.who, client([viewing.router])
    with pytest.raises(Tampered) as refusal:
        vault.fetch(blob, content_key=content_key(who, blob.image_id), user_id=who.user_id)
    assert str(blob.image_id) in refusal.value.detail
    for headers in ({}, {"Range": "bytes=0-9"}):
        answer = api.get(f"/images/{blob.image_id}/view?rendition={blob.name}", headers=who.headers | headers)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert str(blob.image_id) in answer.text
    changed = {
        (each.image_id, each.name)
        for each in resting.blobs()
        if each.key in before and sealed(each) != before[each.key]
    }
    assert (blob.image_id, blob.name) in changed
    assert findings() == dict.fromkeys(changed, "tampered")
