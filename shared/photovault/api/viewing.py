"""Photos as the vault opens them, for clients that do not open tickets themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from photovault import blobs, formats, images, keyring, staging, vault
from photovault.api.edge import CurrentPerson
from photovault.api.headers import content_disposition, rendition_name
from photovault.api.images import UNKNOWN_TYPE, ImageId
from photovault.api.presenting import existing
from photovault.api.serving import serve
from photovault.blobs import Blob
from photovault.errors import NotFound, TooLarge
from photovault.settings import get_settings

router = APIRouter(prefix="/images", tags=["images"])


# Not in the description: whoever knows GET knows it, and generators of clients would make a second method of it.
@router.head("/{image_id}/view", include_in_schema=False)
@router.get(
    "/{image_id}/view",
    operation_id="viewImage",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"image/*": {}}},
        206: {"description": "The range asked for, or its beginning.", "content": {"image/*": {}}},
        303: {"description": "Too large for one answer: at this address for five minutes."},
        304: {"description": "What you have is current."},
        404: {},
        412: {},
        413: {"description": "Too large for one answer, in a vault that lends no opened copies: ask for parts."},
        416: {},
    },
)
def view_image(
    person: CurrentPerson,
    image_id: ImageId,
    request: Request,
    rendition: Annotated[Literal["original", "preview", "thumbnail"], Query()] = "preview",
) -> Response:
    """A photo's bytes, opened by the vault, for clients that do not open tickets themselves.

    Takes `Range`; the answer may be shorter than what was asked for, and `Content-Range` says what came. `HEAD` tells
    type, length and `ETag` alone.
    """
    with person.transaction() as conn:
        image = existing(conn, image_id)
        blob = blobs.get(conn, image_id, rendition)
        content_key = keyring.content_key_of(conn, image)
    if blob is None:
        raise NotFound(_why_no_rendition(image, rendition))
    if rendition == "original":
        content_type, filename = image.content_type, image.filename
    else:
        content_type = blob.content_type
        filename = rendition_name(image.filename, rendition, formats.ACCEPTED.get(content_type, "bin"))
    # Nothing else gets in; should it ever, a browser is to keep it and not to run it.
    is_picture = content_type in formats.ACCEPTED
    media_type = content_type if is_picture else UNKNOWN_TYPE
    disposition = content_disposition(filename, inline=is_picture)
    return serve(
        request,
        size=blob.plain_size,
        etag=f'"{blob.header_sha256.hex()[:32]}"',  # names the blob, and a blob's plaintext never changes
        media_type=media_type,
        headers={
            "Cache-Control": "private, max-age=86400",
            "Vary": "Authorization",  # whoever logs in next in the same browser asks for themselves
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Disposition": disposition,
        },
        pieces=lambda start, stop: vault.fetch_range(
            blob, content_key=content_key, user_id=person.user_id, start=start, stop=stop
        ),
        lend=lambda: _lend(blob, content_key, person.user_id, media_type=media_type, disposition=disposition),
    )


def _lend(blob: Blob, content_key: bytes, user_id: UUID, *, media_type: str, disposition: str) -> str:
    """The address of an opened copy in staging. Raises ``TooLarge`` in a vault whose plaintext may rest nowhere."""
    if get_settings().require_sealed_uploads:
        raise TooLarge(
            f"This photo has {blob.plain_size} bytes, more than one answer holds, and this vault puts no opened copy "
            "anywhere. Ask for it in parts with `Range`, or open it yourself with its ticket from `GET /images/{id}`."
        )
    return staging.lend(
        vault.fetch(blob, content_key=content_key, user_id=user_id),
        content_type=media_type,
        disposition=disposition,
        now=datetime.now(UTC),
    )


def _why_no_rendition(image: images.Image, rendition: str) -> str:
    if image.status == "rejected":
        return f"This photo was rejected and has no {rendition}: {image.reason}"
    if image.status in {"pending", "processing"}:
        return f"This photo has no {rendition} yet; it is {image.status}."
    return f"This photo has no {rendition}."
