"""Sealed blobs of the ``local`` driver over HTTP: ciphertext only, to whoever holds a link that the vault signed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from photovault import staging, storage
from photovault.api.serving import serve
from photovault.errors import BlobMissing, NotFound
from photovault.settings import get_settings

router = APIRouter(tags=["delivery"])

PIECE = 1024 * 1024
MEDIA_TYPE = "application/octet-stream"


# Not in the description: whoever knows GET knows it, and generators of clients would make a second method of it.
@router.head("/blobs/{shard}/{name}", include_in_schema=False)
@router.get(
    "/blobs/{shard}/{name}",
    operation_id="getBlob",
    response_class=StreamingResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {}}},
        206: {"description": "The range asked for, or its beginning.", "content": {MEDIA_TYPE: {}}},
        303: {"description": "Too large for one answer: at this address for five minutes."},
        304: {"description": "What you have is current."},
        403: {},
        404: {},
        412: {},
        416: {},
    },
)
def get_blob(
    shard: str,
    name: str,
    request: Request,
    expires: Annotated[int, Query(ge=0, lt=2**53)],
    signature: Annotated[str, Query(max_length=200)],
) -> Response:
    """The ciphertext that a ticket's `url` points to where the vault keeps blobs on a disk. Takes `Range`."""
    # Wherever new blobs go: older ones, those of a fallback and those of one tier may lie on the disk.
    if not get_settings().storage_root:
        raise NotFound
    key = f"{shard}/{name}"
    storage.verify_local_url(key, expires, signature, datetime.now(UTC))
    driver = storage.driver("local")
    size = driver.size(key)
    if size is None:
        raise NotFound("This file is gone.")
    return serve(
        request,
        size=size,
        etag=f'"{key}"',  # written once, under a name that nobody can guess
        media_type=MEDIA_TYPE,
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",
            # To any page: it is ciphertext, and whoever has this address was given it.
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Accept-Ranges, Content-Range, ETag",
        },
        pieces=lambda start, stop: _pieces(driver, key, start, stop),
        lend=lambda: staging.lend(
            driver.get(key, at_most=size), content_type=MEDIA_TYPE, disposition="attachment", now=datetime.now(UTC)
        ),
    )


def _pieces(driver: storage.Driver, key: str, start: int, stop: int) -> Iterator[bytes]:
    for offset in range(start, stop, PIECE):
        wanted = min(PIECE, stop - offset)
        piece = driver.read(key, offset, wanted)
        if len(piece) != wanted:  # a connection that breaks off tells so; an answer that ends would not
            raise BlobMissing("A stored file ended before its length.")
        yield piece
