"""Photos as the vault opens them, for clients that do not open tickets themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from photovault import blobs, images, keyring, staging, vault
from photovault.api import edge
from photovault.api.edge import CurrentPerson
from photovault.api.headers import content_disposition, matches, parse_range, range_applies
from photovault.api.images import ImageId, existing
from photovault.errors import NotFound

router = APIRouter(prefix="/images", tags=["images"])


@router.get(
    "/{image_id}/view",
    operation_id="viewImage",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"image/*": {}}},
        206: {"content": {"image/*": {}}},
        303: {"description": "Too large for one answer: at this address for five minutes."},
        304: {"description": "What you have is current."},
        404: {},
        416: {},
    },
)
def view_image(
    person: CurrentPerson,
    image_id: ImageId,
    request: Request,
    rendition: Annotated[Literal["original", "preview", "thumbnail"], Query()] = "preview",
) -> Response:
    """A photo's bytes, opened by the vault, for clients that do not open tickets themselves. Takes `Range`."""
    with person.transaction() as conn:
        image = existing(conn, image_id)
        blob = blobs.get(conn, image_id, rendition)
        content_key = keyring.content_key(
            conn, person.user_id, image_id, version=image.key_version, wrapped=bytes(image.content_key)
        )
    if blob is None:
        raise NotFound(_why_no_rendition(image, rendition))
    headers = {
        # The header's hash names the blob, and a blob's plaintext never changes.
        "ETag": f'"{blob.header_sha256.hex()[:32]}"',
        "Cache-Control": "private, max-age=86400",
        "Vary": "Authorization",  # whoever logs in next in the same browser asks for themselves
        "Accept-Ranges": "bytes",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": content_disposition(image.filename if rendition == "original" else f"{rendition}.jpg"),
    }
    content_type = image.content_type if rendition == "original" else blob.content_type
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    wanted = parse_range(request.headers.get("range"), blob.plain_size)
    if wanted is not None and not range_applies(request.headers.get("if-range"), headers["ETag"]):
        wanted = None
    start, stop = wanted or (0, blob.plain_size)
    if edge.in_cloud() and stop - start > edge.LARGEST_BODY_IN_CLOUD:
        if wanted is None:
            address = staging.lend(
                vault.fetch(blob, content_key=content_key, user_id=person.user_id),
                content_type=content_type,
                disposition=headers["Content-Disposition"],
                now=datetime.now(UTC),
            )
            return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-store"})
        stop = start + edge.LARGEST_BODY_IN_CLOUD  # a server may answer with less than the range asked for
    chunks: Iterator[bytes] = vault.fetch_range(
        blob, content_key=content_key, user_id=person.user_id, start=start, stop=stop
    )
    first = next(chunks, b"")  # what cannot be opened fails here, before the status is sent
    headers["Content-Length"] = str(stop - start)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.plain_size}"
    return StreamingResponse(
        _chain(first, chunks), status_code=206 if wanted else 200, headers=headers, media_type=content_type
    )


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _why_no_rendition(image: images.Image, rendition: str) -> str:
    if image.status == "rejected":
        return f"This photo was rejected and has no {rendition}: {image.reason}"
    if image.status in {"pending", "processing"}:
        return f"This photo has no {rendition} yet; it is {image.status}."
    return f"This photo has no {rendition}."
