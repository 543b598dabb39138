"""Sealed blobs in storage: seal and store, fetch and open. Nothing here touches the database.

A key of a blob is written once and has a random part, so two workers that seal the same photo never overwrite each
other; whose blob counts is decided by the row that is committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from uuid import UUID

from photovault import sealing, staging, storage
from photovault.blobs import Blob
from photovault.errors import Tampered
from photovault.observability import logger
from photovault.sealing import Address
from photovault.storage import placing


def store(
    plaintext: bytes,
    *,
    content_key: bytes,
    user_id: UUID,
    image_id: UUID,
    name: str,
    content_type: str,
    dimensions: tuple[int, int] | None = None,
) -> Blob:
    """Seal ``plaintext`` under a key of its own and put it where it belongs. Returns its row, not yet written.

    ``dimensions`` are width and height of a picture. Raises ``StorageUnavailable``.
    """
    address = Address(user_id, image_id, name)
    sealed = sealing.seal(plaintext, key=sealing.blob_key(content_key, address), address=address)
    placed = placing.place(name, sealed)
    if placed.away:
        staging.mark_away(placing.home(name))
    return Blob(
        image_id=image_id,
        name=name,
        driver=placed.driver,
        key=placed.key,
        size=len(sealed),
        sha256=hashlib.sha256(sealed).digest(),
        header_sha256=hashlib.sha256(sealed[: sealing.header_size(name)]).digest(),
        plain_size=len(plaintext),
        content_type=content_type,
        width=dimensions[0] if dimensions else None,
        height=dimensions[1] if dimensions else None,
        away=placed.away,
    )


def fetch(blob: Blob, *, content_key: bytes, user_id: UUID) -> bytes:
    """The whole blob, opened. Raises ``Tampered`` (a security event), ``BlobMissing``, ``StorageUnavailable``."""
    sealed = storage.driver(blob.driver).get(blob.key)
    address = Address(user_id, blob.image_id, blob.name)
    try:
        _check_sealed(sealed, blob)
        return sealing.unseal(
            sealed, key=sealing.blob_key(content_key, address), address=address, header_sha256=blob.header_sha256
        )
    except Tampered as error:
        _report(blob, user_id, error)
        raise


def fetch_range(blob: Blob, *, content_key: bytes, user_id: UUID, start: int, stop: int) -> Iterator[bytes]:
    """The bytes [start, stop) of the opened blob, reading only the sealed chunks that hold them."""
    address = Address(user_id, blob.image_id, blob.name)
    driver = storage.driver(blob.driver)
    try:
        opener = sealing.Opener(
            lambda offset, length: driver.read(blob.key, offset, length),
            total=blob.size,
            key=sealing.blob_key(content_key, address),
            address=address,
            header_sha256=blob.header_sha256,
        )
        yield from opener.chunks(start, stop)
    except Tampered as error:
        _report(blob, user_id, error)
        raise


def _check_sealed(sealed: bytes, blob: Blob) -> None:
    if len(sealed) != blob.size or hashlib.sha256(sealed).digest() != blob.sha256:
        raise Tampered(f"The stored {blob.name} of photo {blob.image_id} is not the one that was sealed.")


def discard(blobs: list[Blob]) -> None:
    """Delete blobs that no row names. Only after the row was read again: see the way of a photo."""
    for blob in blobs:
        storage.driver(blob.driver).delete(blob.key)


def _report(blob: Blob, user_id: UUID, error: Tampered) -> None:
    logger().error(
        "blob.tampered",
        extra={"user_id": str(user_id), "image_id": str(blob.image_id), "blob": blob.name, "why": error.detail},
    )
