"""Links to albums and photos, for their owner: made, looked at, changed, ended. What visitors ask is in ``shared``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from photovault import activity, cursors, shares
from photovault.api import schemas
from photovault.api.changing import IdempotencyKey, Once, changing
from photovault.api.edge import CurrentPerson, Person
from photovault.api.paging import next_cursor
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.errors import Conflict, Invalid, NotFound
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(tags=["shares"])

# Later ends are no ends; and what is added to a date must stay one.
LONGEST = timedelta(days=3650)

ShareId = Annotated[UUID, Path(description="A share's id.")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Password = Annotated[str, Field(min_length=4, max_length=1024, examples=["tell them by phone"])]
Seconds = Annotated[int, Field(ge=60, le=int(LONGEST.total_seconds()), examples=[7 * 24 * 3600])]
ViewLimit = Annotated[int, Field(ge=1, le=1_000_000, examples=[20])]
_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


class Share(schemas.Schema):
    id: UUID
    of: Literal["album", "photos"]
    album_id: UUID | None = Field(
        description="null for chosen photos, and once the album was deleted, also if it is restored."
    )
    title: str | None = Field(description="As you know it. Visitors do not read names of people that the vault wrote.")
    link: str | None = Field(
        description="The whole link: shown once, when it is made, because the vault keeps no copy. "
        "`POST /shares/{share_id}/link` makes another."
    )
    link_hint: str = Field(description="The last characters of the link.")
    has_password: bool
    expires_at: datetime | None
    view_limit: int | None = Field(description="How often it may be opened in all.")
    openings: int = Field(
        description="How often it was opened. What somebody looks at within two hours is one opening."
    )
    last_opened_at: datetime | None
    downloads: bool
    image_count: int = Field(description="Photos that it shows now.")
    state: shares.State = Field(
        description="Only `active` can be opened. `exhausted`: opened as often as it may be, and still open for those "
        "who are visiting; `revoked`: ended by you, or its album is gone."
    )
    created_at: datetime


class Terms(schemas.Schema):
    title: Title | None = Field(None, description="What visitors read above the photos, instead of the album's title.")
    password: Password | None = Field(None, description="Visitors have to know it. It is kept as an Argon2 hash.")
    expires_at: AwareDatetime | None = Field(None, description="From then on the link does not work.")
    expires_in: Seconds | None = Field(None, description="The same in seconds from now. Give one of the two, or none.")
    view_limit: ViewLimit | None = Field(None, description="How often it may be opened in all.")


class AlbumShare(Terms):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"expires_in": 604800},
                {"password": "tell them by phone", "view_limit": 20, "downloads": True},
            ]
        },
    )

    downloads: bool = Field(False, description="Whether visitors may keep originals, without anything but the picture.")


class PhotoShare(AlbumShare):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"image_ids": [_ID]}]}
    )

    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class ShareEdit(Terms):
    """What is not given stays; null takes title, password, end or limit away."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"expires_in": 86400}, {"password": None, "downloads": True}]},
    )

    downloads: bool | None = None


# ------------------------------------------------------------------------------------------------------- making


@router.post(
    "/albums/{album_id}/shares",
    status_code=201,
    operation_id="shareAlbum",
    summary="Share an album",
    responses=NOT_FOUND | CONFLICT,
)
def share_album(
    album_id: Annotated[UUID, Path(description="An album's id.")],
    body: AlbumShare,
    person: CurrentPerson,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Share:
    """Make a link to an album, for people without an account. It shows what is in the album whenever it is opened.

    Photos in the archive or the trash are not shown, and no photo tells where and when it was taken or who is in it.
    """
    once = Once.of(idempotency_key, f"shareAlbum:{album_id}", body)
    return _make(person, request, once, body, album_id=album_id)


@router.post(
    "/shares", status_code=201, operation_id="sharePhotos", summary="Share photos", responses=NOT_FOUND | CONFLICT
)
def share_photos(
    body: PhotoShare, person: CurrentPerson, request: Request, idempotency_key: IdempotencyKey = None
) -> Share:
    """Make a link to one photo or some, for people without an account."""
    return _make(person, request, Once.of(idempotency_key, "sharePhotos", body), body, image_ids=body.image_ids)


def _make(
    person: Person,
    request: Request,
    once: Once,
    body: AlbumShare,
    *,
    album_id: UUID | None = None,
    image_ids: list[UUID] | None = None,
) -> Share:
    expires_at = _end(body, datetime.now(UTC))
    hashed = _hashed(body.password)
    token: str | None = None
    with changing(person) as change:
        conn = change.conn
        share_id = once.before(conn)
        if share_id is None:
            share_id, token = shares.add(
                conn,
                album_id=album_id,
                image_ids=image_ids or (),
                title=body.title,
                password_hash=hashed,
                expires_at=expires_at,
                view_limit=body.view_limit,
                downloads=body.downloads,
            )
            once.made(conn, share_id)
            share = _existing(conn, share_id)
            activity.record(conn, "share-created", share_id=str(share_id), title=share.title)
        return _show_one(conn, share_id, link=_link(request, token) if token else None)


# ------------------------------------------------------------------------------------------------- looking, ending


@router.get("/shares", operation_id="listShares", summary="List shares")
def list_shares(
    person: CurrentPerson,
    album_id: Annotated[UUID | None, Query(description="Only shares of this album.")] = None,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> schemas.Page[Share]:
    """Your links, latest made first. Those that ended are listed for 90 days more."""
    after = cursors.decode("shares", cursor, "u")
    with person.transaction() as conn:
        rows = shares.page(conn, album_id=album_id, limit=limit + 1, after=after[0] if after else None)
        shown = _show(conn, rows[:limit])
    return schemas.Page(items=shown, next_cursor=next_cursor("shares", rows, limit=limit, key=lambda row: (row.id,)))


@router.get("/shares/{share_id}", operation_id="getShare", summary="Get a share", responses=NOT_FOUND)
def get_share(share_id: ShareId, person: CurrentPerson) -> Share:
    """A share, with how often and when it was opened."""
    with person.transaction() as conn:
        return _show_one(conn, share_id)


@router.patch("/shares/{share_id}", operation_id="editShare", summary="Edit a share", responses=NOT_FOUND | CONFLICT)
def edit_share(share_id: ShareId, body: ShareEdit, person: CurrentPerson) -> Share:
    """Change what a link allows, at once. A new password has to be given by those who are visiting, too."""
    given = body.model_fields_set
    now = datetime.now(UTC)
    expires_at = _end(body, now)
    hashed = _hashed(body.password)
    with changing(person) as change:
        conn = change.conn
        share = _not_over(conn, share_id)
        shares.edit(
            conn,
            share,
            title=body.title if "title" in given else share.own_title,
            expires_at=expires_at if given & {"expires_at", "expires_in"} else share.expires_at,
            view_limit=body.view_limit if "view_limit" in given else share.view_limit,
            downloads=share.downloads if body.downloads is None else body.downloads,
        )
        if "password" in given:
            shares.set_password(conn, share_id, hashed)
        return _show_one(conn, share_id)


@router.post(
    "/shares/{share_id}/link", operation_id="renewShareLink", summary="Make a new link", responses=NOT_FOUND | CONFLICT
)
def renew_share_link(share_id: ShareId, person: CurrentPerson, request: Request) -> Share:
    """Put a new link in the place of the old one, which ends at once. Everything else about the share stays."""
    with changing(person) as change:
        _not_over(change.conn, share_id)
        token = shares.renew_link(change.conn, share_id)
        return _show_one(change.conn, share_id, link=_link(request, token))


@router.delete(
    "/shares/{share_id}", status_code=204, operation_id="revokeShare", summary="Revoke a share", responses=NOT_FOUND
)
def revoke_share(share_id: ShareId, person: CurrentPerson) -> Response:
    """End a link at once, for those who are visiting too. Revoking twice is revoking."""
    with changing(person) as change:
        share = _existing(change.conn, share_id)
        if shares.revoke(change.conn, share_id):
            activity.record(change.conn, "share-revoked", share_id=str(share_id), title=share.title)
    return Response(status_code=204)


# ------------------------------------------------------------------------------------------------------ showing


def _end(body: Terms, now: datetime) -> datetime | None:
    """When a share ends. Raises ``Invalid``."""
    if body.expires_in is not None and body.expires_at is not None:
        raise Invalid("Give `expires_at` or `expires_in`, not both.", [("expires_in", "comes with `expires_at`")])
    if body.expires_in is not None:
        return now + timedelta(seconds=body.expires_in)
    if body.expires_at is not None and not now < body.expires_at <= now + LONGEST:
        raise Invalid("`expires_at` is not within the next ten years.", [("expires_at", "is past, or too far off")])
    return body.expires_at


def _hashed(password: str | None) -> str | None:
    """Takes tens of milliseconds: not to be called within a transaction."""
    from photovault import passwords  # what most requests to albums do without

    return passwords.hash_password(password) if password is not None else None


def _link(request: Request, token: str) -> str:
    settings = get_settings()
    named = "public_url" in settings.model_fields_set
    base = settings.public_url if named else str(request.base_url).rstrip("/")
    return f"{base}/s/{token}"


def _existing(conn: Connection, share_id: UUID) -> shares.Share:
    found = shares.get(conn, share_id)
    if found is None:
        raise NotFound(shares.NO_SUCH_SHARE)
    return found


def _not_over(conn: Connection, share_id: UUID) -> shares.Share:
    share = _existing(conn, share_id)
    if share.is_over:
        raise Conflict("This share was revoked, or its album is gone; make a new one.")
    return share


def _show_one(conn: Connection, share_id: UUID, *, link: str | None = None) -> Share:
    return _show(conn, [_existing(conn, share_id)], link=link)[0]


def _show(conn: Connection, rows: list[shares.Share], *, link: str | None = None) -> list[Share]:
    now, counts = datetime.now(UTC), shares.counts(conn, [row.id for row in rows])
    return [
        Share(
            id=row.id,
            of="album" if row.of_album else "photos",
            album_id=row.album_id,
            title=row.title,
            link=link,
            link_hint=row.token_hint,
            has_password=row.password_hash is not None,
            expires_at=row.expires_at,
            view_limit=row.view_limit,
            openings=row.openings,
            last_opened_at=row.last_opened_at,
            downloads=row.downloads,
            image_count=counts[row.id],
            state=row.state(now),
            created_at=row.created_at,
        )
        for row in rows
    ]
