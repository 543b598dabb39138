"""Sealed blobs in storage: seal and store, fetch and open.

A key of a blob is written once and has a random part, so two workers that seal the same photo never overwrite each
other; whose blob counts is decided by the row that is committed.

What does not verify is never served. It is logged as ``blob.tampered``, what is missing as ``blob.lost``, each counted
and told with the photo's id. A blob that was moved or deleted since its row was read is neither: only where one is
missing is the database asked, whether the row still names it. So nothing here may be called within a transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from uuid import UUID

from photovault import blobs, db, sealing, staging, storage
from photovault.blobs import Blob
from photovault.errors import BlobMissing, NotFound, Tampered
from photovault.observability import count, logger
from photovault.retired import Retired
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


def read(blob: Blob, *, user_id: UUID) -> bytes:
    """The whole blob as it lies there, sealed, after its size and SHA-256 were found to be those of its row.

    Raises ``Tampered``, ``BlobMissing`` (both reported), ``NotFound`` for a photo that was deleted meanwhile, and
    ``StorageUnavailable``.
    """
    while True:
        try:
            sealed = storage.driver(blob.driver).get(blob.key, at_most=blob.size)
        except BlobMissing as error:
            blob = _moved_to(blob, user_id, error)
            continue
        if len(sealed) != blob.size:
            found = str(len(sealed)) if len(sealed) < blob.size else "more"
            raise _tampered(blob, user_id, f"it has {found} bytes instead of {blob.size}")
        if hashlib.sha256(sealed).digest() != blob.sha256:
            raise _tampered(blob, user_id, "its SHA-256 is not the one recorded for it")
        return sealed


def fetch(blob: Blob, *, content_key: bytes, user_id: UUID) -> bytes:
    """The whole blob, opened. Holds it twice for a moment: sealed, since its hash comes first, and opened.

    Raises what ``read`` does.
    """
    sealed = read(blob, user_id=user_id)
    address = Address(user_id, blob.image_id, blob.name)
    try:
        return sealing.unseal(
            sealed, key=sealing.blob_key(content_key, address), address=address, header_sha256=blob.header_sha256
        )
    except Tampered as error:
        raise _tampered(blob, user_id, error.detail) from error


def fetch_range(blob: Blob, *, content_key: bytes, user_id: UUID, start: int, stop: int) -> Iterator[bytes]:
    """The bytes [start, stop) of the opened blob, reading only the sealed chunks that hold them.

    Each piece (at most 1 MiB) is verified before it is given out: where one is bad, the stream breaks off before it.
    Raises what ``read`` does.
    """
    position = start
    while True:
        try:
            for piece in _pieces(blob, content_key=content_key, user_id=user_id, start=position, stop=stop):
                yield piece
                position += len(piece)
        except Tampered as error:
            raise _tampered(blob, user_id, error.detail) from error
        except BlobMissing as error:
            blob = _moved_to(blob, user_id, error)
        else:
            return


def discard(copies: Iterable[Blob | Retired]) -> None:
    """Delete blobs that no row names. Only after the row was read again: see the way of a photo."""
    for copy in copies:
        storage.driver(copy.driver).delete(copy.key)


def _pieces(blob: Blob, *, content_key: bytes, user_id: UUID, start: int, stop: int) -> Iterator[bytes]:
    address = Address(user_id, blob.image_id, blob.name)
    driver = storage.driver(blob.driver)
    opener = sealing.Opener(
        lambda offset, length: driver.read(blob.key, offset, length),
        total=blob.size,
        key=sealing.blob_key(content_key, address),
        address=address,
        header_sha256=blob.header_sha256,
    )
    return opener.chunks(start, stop)


def _moved_to(blob: Blob, user_id: UUID, missing: BlobMissing) -> Blob:
    """Where the row says the blob is by now, after it was not where the row had said.

    Raises ``NotFound`` when the row is gone, and ``BlobMissing``, reported, when it still says the same.
    """
    with db.transaction(user_id) as conn:
        current = blobs.get(conn, blob.image_id, blob.name)
    if current is None:
        raise NotFound("There is no such photo.")
    if (current.driver, current.key) == (blob.driver, blob.key):
        _report("blob.lost", blob, user_id, missing.detail)
        count("BlobsLost")
        raise BlobMissing(f"The stored {blob.name} of photo {blob.image_id} is missing.") from missing
    return current


def _tampered(blob: Blob, user_id: UUID, why: str) -> Tampered:
    """The error for a blob that does not verify, after it was reported."""
    _report("blob.tampered", blob, user_id, why)
    count("BlobsTampered")
    return Tampered(f"The stored {blob.name} of photo {blob.image_id} does not verify and was not served.")


def _report(event: str, blob: Blob, user_id: UUID, why: str) -> None:
    """The line of a security event."""
    logger().error(
        event,
        extra={
            "user_id": str(user_id),
            "image_id": str(blob.image_id),
            "blob": blob.name,
            "driver": blob.driver,
            "why": why,
        },
    )
