"""A large photo on every kind of storage: its parts, what is read for them, and what is wrong, through the API.

S3 is LocalStack's, Cloudinary the stand-in's, which cuts the photo into three files.
"""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi.testclient import TestClient
from infra.local import stack
from infra.local.localstack import REGION
from tests.cloudinary_stand_in import API_KEY, API_SECRET, CLOUD, StandIn
from tests.local_cloud import ON_S3
from tests.shared.api.photos import JPEG, problem, sealed_photo
from tests.vaults import Somebody, client, forget, somebody

from photovault import blobs, db, sealing, storage
from photovault.api import edge, images, viewing

MIB = sealing.CHUNK_SIZE
SIZE = 25_000_000
DATA = JPEG + random.Random(25).randbytes(SIZE - len(JPEG))
CHUNK = MIB + sealing.TAG_SIZE
HEADER = sealing.header_size("original")


@dataclass
class Shelf:
    """A vault on one driver, with a photo of 25 MB. ``read`` are the bytes of each read of the storage."""

    api: TestClient
    person: Somebody
    photo: UUID
    blob: blobs.Blob
    replace: Callable[[bytes], None]
    """Puts other bytes where the sealed original is."""
    read: list[int] = field(default_factory=list)

    def view(self, **headers: str) -> Any:
        return self.api.get(
            f"/images/{self.photo}/view",
            params={"rendition": "original"},
            headers=self.person.headers | headers,
            follow_redirects=False,
        )

    def driver(self) -> storage.Driver:
        return storage.driver(self.blob.driver)


@pytest.fixture(scope="module", params=["local", ON_S3, "cloudinary"])
def shelf(vault: Path, request: pytest.FixtureRequest) -> Iterator[Shelf]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_DRIVER", request.param)
        if request.param == "local":
            yield from stocked(patch, lambda blob, data: (vault / "blobs" / blob.key).write_bytes(data))
        elif request.param == "s3":
            yield from stocked_s3(patch, request.getfixturevalue("localstack").endpoint)
        else:
            yield from stocked_cloudinary(patch)
    forget()


def stocked_s3(patch: pytest.MonkeyPatch, endpoint: str) -> Iterator[Shelf]:
    s3, bucket = stack.client(endpoint, "s3"), f"vault-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    values = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, "VAULT_BUCKET": bucket, "STAGING_BUCKET": bucket}
    for name, value in values.items():
        patch.setenv(name, value)
    yield from stocked(patch, lambda blob, data: s3.put_object(Bucket=bucket, Key=blob.key, Body=data))


def stocked_cloudinary(patch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    with StandIn() as cloud:
        values = {"CLOUD_NAME": CLOUD, "API_KEY": API_KEY, "API_SECRET": API_SECRET, "UPLOAD_PREFIX": cloud.url}
        for name, value in values.items():
            patch.setenv(f"CLOUDINARY_{name}", value)

        def replace(blob: blobs.Blob, data: bytes) -> None:
            driver = storage.driver("cloudinary")
            driver.delete(blob.key)
            driver.put(blob.key, data, size=len(data))

        yield from stocked(patch, replace)


def stocked(patch: pytest.MonkeyPatch, replace: Callable[[blobs.Blob, bytes], object]) -> Iterator[Shelf]:
    forget()
    person = somebody()
    photo = sealed_photo(person, DATA)
    with db.transaction(person.user_id) as conn:
        blob = blobs.get(conn, photo, "original")
    assert blob is not None
    read: list[int] = []
    driver = storage.driver(blob.driver)
    for name in ("get", "read"):
        patch.setattr(driver, name, counted(getattr(driver, name), read))
    api = client([images.router, viewing.router])
    yield Shelf(api, person, photo, blob, lambda data: replace(blob, data) and None, read)


def counted(original: Callable[..., bytes], read: list[int]) -> Callable[..., bytes]:
    def call(*arguments: Any, **options: Any) -> bytes:
        found = original(*arguments, **options)
        read.append(len(found))
        return found

    return call


@pytest.mark.parametrize(
    ("start", "chunks"),
    [(0, 1), (7 * MIB, 1), (7 * MIB + 1, 2), (10 * MIB - 77, 2), (SIZE - MIB, 2), (10_000_000, 2)],
    ids=["first", "aligned", "unaligned", "across files", "last", "anywhere"],
)
def test_a_mebibyte_of_25_megabytes_reads_two_chunks_at_most(shelf: Shelf, start: int, chunks: int) -> None:
    shelf.read.clear()
    answer = shelf.view(Range=f"bytes={start}-{start + MIB - 1}")
    assert answer.status_code == 206
    assert answer.content == DATA[start : start + MIB]
    assert answer.headers["content-range"] == f"bytes {start}-{start + MIB - 1}/{SIZE}"
    header, *body = shelf.read
    assert header == HEADER
    assert sum(body) <= chunks * CHUNK


def test_the_whole_comes_back_and_a_head_reads_nothing(shelf: Shelf) -> None:
    whole = shelf.view()
    assert (whole.status_code, whole.content) == (200, DATA)
    shelf.read.clear()
    head = shelf.api.head(f"/images/{shelf.photo}/view", params={"rendition": "original"}, headers=shelf.person.headers)
    assert head.headers["content-length"] == str(SIZE)
    assert shelf.view(**{"If-None-Match": head.headers["etag"]}).status_code == 304
    assert shelf.view(Range=f"bytes={SIZE}-").status_code == 416
    assert shelf.read == []


@pytest.mark.parametrize("shelf", [ON_S3, "cloudinary"], indirect=True)
def test_a_ticket_opens_it_with_plain_requests(shelf: Shelf) -> None:
    """With the addresses of all its parts. Those of local files are tested with their route."""
    shown = shelf.api.get(f"/images/{shelf.photo}", headers=shelf.person.headers).json()["tickets"]["original"]
    parts = shown["parts"] or [{"url": shown["url"], "bytes": shown["sealed_bytes"]}]
    assert len(parts) == (3 if shelf.blob.driver == "cloudinary" else 1)
    sealed = b""
    for part in parts:
        piece = httpx.get(part["url"]).content
        assert len(piece) == part["bytes"]
        sealed += piece
    address = sealing.Address(shelf.person.user_id, shelf.photo, "original")
    opened = sealing.unseal(
        sealed,
        key=base64.urlsafe_b64decode(shown["key"]),
        address=address,
        header_sha256=bytes.fromhex(shown["header_sha256"]),
    )
    assert opened == DATA


def test_what_is_changed_or_lost_there_is_refused_by_name_and_served_again_when_it_is_back(shelf: Shelf) -> None:
    sealed = shelf.driver().get(shelf.blob.key)
    flipped = bytearray(sealed)
    flipped[HEADER + 3 * CHUNK + 5] ^= 1
    shelf.replace(bytes(flipped))
    in_it, before_it = f"bytes={3 * MIB}-{3 * MIB + 9}", "bytes=0-99"
    told = problem(shelf.view(Range=in_it), 500, "tampered")
    assert str(shelf.photo) in told["detail"]
    assert shelf.view(Range=before_it).content == DATA[:100], "what verifies is served"
    shelf.driver().delete(shelf.blob.key)
    told = problem(shelf.view(Range=before_it), 500, "blob-missing")
    assert str(shelf.photo) in told["detail"]
    shelf.replace(sealed)
    assert shelf.view(Range=in_it).content == DATA[3 * MIB : 3 * MIB + 10]


@pytest.mark.parametrize("shelf", [ON_S3], indirect=True)
def test_beyond_the_gateways_limit_it_is_fetched_from_the_bucket(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "in_cloud", lambda: True)
    addresses = set()
    for _ in range(2):
        answer = shelf.view()
        assert (answer.status_code, answer.content) == (303, b"")
        addresses.add(answer.headers["location"])
        lent = httpx.get(answer.headers["location"])
        assert lent.content == DATA
        assert lent.headers["content-type"] == "image/jpeg"
        assert lent.headers["content-disposition"] == "inline; filename=\"IMG_1.jpg\"; filename*=UTF-8''IMG_1.jpg"
        assert lent.headers["cache-control"] == "private, no-store"
    assert len(addresses) == 2
