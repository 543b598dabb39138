"""Sealed blobs of the ``local`` driver over HTTP: ciphertext only, to whoever holds a link that the vault signed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from photovault import storage
from photovault.api.headers import parse_range
from photovault.errors import NotFound
from photovault.settings import get_settings

router = APIRouter(tags=["delivery"])

PIECE = 1024 * 1024


@router.get(
    "/blobs/{shard}/{name}",
    operation_id="getBlob",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/octet-stream": {}}},
        206: {"description": "The range asked for.", "content": {"application/octet-stream": {}}},
        403: {},
        404: {},
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
    """The ciphertext that a ticket's `url` points to when the vault keeps its blobs on a disk."""
    if get_settings().storage_driver != "local":
        raise NotFound
    key = f"{shard}/{name}"
    storage.verify_local_url(key, expires, signature, datetime.now(UTC))
    driver = storage.driver("local")
    size = driver.size(key)
    if size is None:
        raise NotFound("This file is gone.")
    wanted = parse_range(request.headers.get("range"), size)
    start, stop = wanted or (0, size)

    def pieces() -> Iterator[bytes]:
        for offset in range(start, stop, PIECE):
            yield driver.read(key, offset, min(PIECE, stop - offset))

    headers = {
        # Blobs are written once under names nobody can guess: a browser may keep the ciphertext for ever.
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "Content-Length": str(stop - start),
        "Access-Control-Allow-Origin": "*",
    }
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return StreamingResponse(
        pieces(),
        status_code=206 if wanted else 200,
        headers=headers,
        media_type="application/octet-stream",
    )
