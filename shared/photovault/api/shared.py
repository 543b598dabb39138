"""What a share link leads to, for people without an account: a page for browsers, JSON for programs, the pictures.

Nothing here names a photo's id, a person, a place or a key, and nothing is handed out that would outlive the share: the
pictures come through this function, each after a look at the share's row. What is in a file beside its picture does not
leave the vault (see ``stripping``).
"""

from __future__ import annotations

import base64
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import ConfigDict, Field

from photovault import blobs, formats, images, keyring, shares, sharing, staging, stripping, vault, visits
from photovault.api import schemas, share_page
from photovault.api.edge import client_address
from photovault.api.headers import content_disposition
from photovault.api.schemas import NOT_FOUND
from photovault.api.serving import serve
from photovault.blobs import Blob
from photovault.errors import BadCursor, Forbidden, NotFound, TooLarge
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(prefix="/s", tags=["shared with you"])

COOKIE = "photovault-visit"
ROBOTS = {"X-Robots-Tag": "noindex, nofollow, noarchive"}
PUBLIC: schemas.Responses = NOT_FOUND | {429: {}}
VISITED: schemas.Responses = PUBLIC | {401: {"description": "The share was not opened, or the visit is over."}}
NO_SUCH_PHOTO = "There is no such photo in this share."

Token = Annotated[str, Path(max_length=200, description="The last part of a share link.")]
Proof = Annotated[
    str | None, Header(alias="Share-Visit", max_length=200, description="`visit` of the answer that opened the share.")
]


class Shared(schemas.Schema):
    """What is null is told once the share was opened."""

    has_password: bool
    is_open: bool = Field(description="Whether this visitor has opened the share.")
    title: str | None
    photos: int | None = Field(description="How many it shows now.")
    downloads: bool | None = Field(description="Whether photos may be downloaded, without anything but the picture.")
    expires_at: datetime | None


class Unlock(schemas.Schema):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{}, {"password": "tell them by phone"}]},
    )

    password: Annotated[str, Field(max_length=1024)] | None = None


class Unlocked(Shared):
    visit: str = Field(description="Send it as `Share-Visit`, where the cookie of the same answer does not do.")
    visit_ends_at: datetime = Field(description="From then on the share has to be opened anew, which counts again.")


class SharedPhoto(schemas.Schema):
    id: str = Field(description="Its name in this share alone.", examples=["5f3c0d6f9b1e4f3f8a3b7f4f5e0c9d21"])
    width: int | None
    height: int | None
    thumbhash: str | None = Field(description="A ThumbHash in base64, to show before the thumbnail has come.")
    download: Literal["original", "preview"] | None = Field(
        description="What a download brings. Files whose metadata cannot be taken out safely (TIFF, camera RAW) are "
        "given as their preview, a JPEG of 2048 pixels."
    )


# -------------------------------------------------------------------------------------------------------- opening


@router.get(
    "/{token}",
    operation_id="getShared",
    summary="Look at a share",
    response_model=Shared,
    responses=PUBLIC | {200: {"content": {"text/html": {}}}, 404: {"content": {"text/html": {}}}},
)
def get_shared(token: Token, request: Request, response: Response, share_visit: Proof = None) -> Response | Shared:
    """Whether the link works and has a password; once opened, what it shows. Browsers get a page. Counts nothing.

    So the previews that messengers make of links use no opening up.
    """
    wants_page = "text/html" in request.headers.get("accept", "")
    try:
        with _looking(token, request, share_visit) as (conn, visitor):
            shown = _shown(conn, visitor)
    except NotFound:
        if not wants_page:
            raise
        return _page(share_page.gone(), status_code=404)
    response.headers.update(ROBOTS | {"Vary": "Accept"})
    return _page(share_page.found()) if wants_page else shown


@router.post("/{token}/unlock", operation_id="openShared", summary="Open a share", responses=VISITED)
def open_shared(
    token: Token,
    request: Request,
    response: Response,
    body: Annotated[Unlock | None, Body()] = None,
    share_visit: Proof = None,
) -> Unlocked:
    """Open a share, with its password if it has one. Counts as one opening, and lasts for two hours.

    Sets a cookie for the share's own address, and answers with the same as `visit`, for programs.
    """
    opened = visits.unlock(
        token,
        password=body.password if body else None,
        proof=_proof(request, share_visit),
        address=client_address(request),
    )
    until = opened.visitor.until
    assert until is not None  # noqa: S101 - it was opened
    with _looking(token, request, opened.proof) as (conn, visitor):
        shown = _shown(conn, visitor)
    # Without a path it is for what lies below this share's link, whatever a gateway or proxy puts before it.
    response.set_cookie(
        COOKIE,
        opened.proof,
        path=None,
        max_age=max(1, int((until - datetime.now(UTC)).total_seconds())),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    response.headers.update(ROBOTS)
    return Unlocked(**shown.model_dump(), visit=opened.proof, visit_ends_at=until)


@router.get("/{token}/photos", operation_id="listShared", summary="Photos of a share", responses=VISITED)
def list_shared(
    token: Token,
    request: Request,
    share_visit: Proof = None,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> schemas.Page[SharedPhoto]:
    """The photos that the share shows now, latest taken first."""
    with _visiting(token, request, share_visit) as (conn, visitor):
        share = visitor.share
        after = None if cursor is None else sharing.image_of(share.secret, cursor)
        if cursor is not None and after is None:
            raise BadCursor
        try:
            rows = shares.photos(conn, share, limit=limit + 1, after=after)
        except NotFound:
            raise BadCursor from None
    return schemas.Page(
        items=[_photo(row, share) for row in rows[:limit]],
        next_cursor=sharing.name_of(share.secret, rows[limit - 1].id) if len(rows) > limit else None,
    )


# ------------------------------------------------------------------------------------------------------- pictures


# Not in the description: whoever knows GET knows it, and generators of clients would make a second method of it.
@router.head("/{token}/photos/{photo_id}/{rendition}", include_in_schema=False)
@router.get(
    "/{token}/photos/{photo_id}/{rendition}",
    operation_id="viewShared",
    summary="A picture of a share",
    response_class=StreamingResponse,
    responses=VISITED
    | {
        200: {"content": {"image/*": {}}},
        206: {"description": "The range asked for, or its beginning.", "content": {"image/*": {}}},
        303: {"description": "Too large for one answer: at this address for five minutes."},
        304: {"description": "What you have is current."},
        403: {"description": "Downloads are not allowed."},
        412: {},
        413: {"description": "Too large for one answer, in a vault that lends no opened copies: ask for parts."},
        416: {},
    },
)
def view_shared(
    token: Token,
    photo_id: Annotated[str, Path(max_length=200, description="As the list of photos gives it.")],
    rendition: Literal["thumbnail", "preview", "original"],
    request: Request,
    share_visit: Proof = None,
) -> Response:
    """A picture's bytes. Originals come without place, time, names, serial numbers, thumbnails and moving parts, and
    with every pixel; where that cannot be done, their preview comes instead. Takes `Range`."""
    with _visiting(token, request, share_visit) as (conn, visitor):
        share = visitor.share
        image_id = sharing.image_of(share.secret, photo_id)
        image = shares.photo(conn, share, image_id) if image_id else None
        if image is None:
            raise NotFound(NO_SUCH_PHOTO)
        if rendition == "original" and not share.downloads:
            raise Forbidden("Whoever made this link does not allow downloads.")
        found = {blob.name: blob for blob in blobs.of_images(conn, [image.id], [rendition, "preview"])}
        content_key = keyring.content_key_of(conn, image)
    sent = _Sent(request, visitor.user_id, share, photo_id, content_key)
    if rendition != "original":
        return _as_stored(sent, found.get(rendition))
    visits.count_download(visitor, address=client_address(request))
    answer = _original(sent, found.get(rendition)) if stripping.can_strip(image.content_type) else None
    return answer or _as_stored(sent, found.get("preview"), suffix=" (preview)", attached=True)


class _Sent:
    """A picture that is on its way to a visitor."""

    def __init__(self, request: Request, user_id: UUID, share: shares.Share, photo_id: str, content_key: bytes) -> None:
        self.request = request
        self.user_id = user_id
        self.share = share
        self.content_key = content_key
        # No name of a file, which may be somebody's; and none that changes when photos come and go.
        self.stem = f"photo-{photo_id[:8]}"

    def headers(self, disposition: str, *, cache: str) -> dict[str, str]:
        return ROBOTS | {
            "Cache-Control": cache,
            "Vary": "Cookie, Share-Visit",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Disposition": disposition,
        }

    def etag(self, blob: Blob, kind: str) -> str:
        return f'"{sharing.etag(self.share.secret, blob.header_sha256, kind)}"'


def _as_stored(sent: _Sent, blob: Blob | None, *, suffix: str = "", attached: bool = False) -> Response:
    """A rendition, which vision made without metadata."""
    if blob is None:
        raise NotFound("This photo has no such picture.")
    name = f"{sent.stem}{suffix}.{formats.ACCEPTED.get(blob.content_type, 'bin')}"
    disposition = content_disposition(name, inline=not attached)
    return serve(
        sent.request,
        size=blob.plain_size,
        etag=sent.etag(blob, blob.name),
        media_type=blob.content_type,
        # Kept by the visitor's browser, and shown again only after asking whether the share still stands.
        headers=sent.headers(disposition, cache="private, no-cache"),
        pieces=lambda start, stop: vault.fetch_range(
            blob, content_key=sent.content_key, user_id=sent.user_id, start=start, stop=stop
        ),
        lend=lambda: _lend(
            vault.fetch(blob, content_key=sent.content_key, user_id=sent.user_id), blob.content_type, disposition
        ),
    )


def _original(sent: _Sent, blob: Blob | None) -> Response | None:
    """The original without metadata; None where nobody can tell its picture from the rest."""
    if blob is None:
        return None
    data = vault.fetch(blob, content_key=sent.content_key, user_id=sent.user_id)
    content_type = formats.sniff(data) or ""
    try:
        stripped = stripping.strip(data, content_type=content_type)
    except stripping.CannotStrip:
        return None
    disposition = content_disposition(f"{sent.stem}.{formats.ACCEPTED[content_type]}", inline=False)
    return serve(
        sent.request,
        size=len(stripped),
        etag=sent.etag(blob, "stripped"),
        media_type=content_type,
        headers=sent.headers(disposition, cache="no-store"),
        pieces=lambda start, stop: iter([stripped[start:stop]]),
        lend=lambda: _lend(stripped, content_type, disposition),
    )


def _lend(data: bytes, content_type: str, disposition: str) -> str:
    """The address of a copy in staging, for five minutes. Raises ``TooLarge`` where plaintext may rest nowhere."""
    if get_settings().require_sealed_uploads:
        raise TooLarge("This photo is larger than one answer; ask for it in parts with `Range`.")
    return staging.lend(data, content_type=content_type, disposition=disposition, now=datetime.now(UTC))


# -------------------------------------------------------------------------------------------------------- helpers


def _proof(request: Request, header: str | None) -> str | None:
    return header or request.cookies.get(COOKIE)


Entered = AbstractContextManager[tuple["Connection", visits.Visitor]]


def _looking(token: str, request: Request, header: str | None) -> Entered:
    return visits.looking(token, _proof(request, header), address=client_address(request))


def _visiting(token: str, request: Request, header: str | None) -> Entered:
    return visits.visiting(token, _proof(request, header), address=client_address(request))


def _shown(conn: Connection, visitor: visits.Visitor) -> Shared:
    share, is_open = visitor.share, visitor.until is not None
    return Shared(
        has_password=share.password_hash is not None,
        is_open=is_open,
        title=share.public_title if is_open else None,
        photos=shares.counts(conn, [share.id])[share.id] if is_open else None,
        downloads=share.downloads if is_open else None,
        expires_at=share.expires_at if is_open else None,
    )


def _photo(row: images.Image, share: shares.Share) -> SharedPhoto:
    download: Literal["original", "preview"] | None = None
    if share.downloads:
        download = "original" if stripping.can_strip(row.content_type) else "preview"
    return SharedPhoto(
        id=sharing.name_of(share.secret, row.id),
        width=row.width,
        height=row.height,
        thumbhash=base64.b64encode(row.thumbhash).decode() if row.thumbhash else None,
        download=download,
    )


def _page(page: share_page.Page, *, status_code: int = 200) -> HTMLResponse:
    headers = ROBOTS | {"Content-Security-Policy": page.policy, "Vary": "Accept"}
    return HTMLResponse(page.html, status_code=status_code, headers=headers)
