"""Albums: those that make themselves and say why, those made by hand, and photos by place, day and person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import ConfigDict, Field, StringConstraints

from photovault import activity, albums, cursors, images, jobs, queues, rebuilds, tickets
from photovault.api import presenting, schemas
from photovault.api.changing import IdempotencyKey, Once, changing, rebuilding
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.api.people import Person, page_of_people
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.errors import Invalid, NotFound

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(prefix="/albums", tags=["albums"])

AlbumId = Annotated[UUID, Path(description="An album's id.")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]
_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


class Cover(schemas.Schema):
    image_id: UUID
    ticket: schemas.Ticket | None = Field(description="Of the thumbnail; null until it has been made.")


class Album(schemas.Schema):
    id: UUID
    kind: albums.Kind
    title: str
    description: str | None
    image_count: int = Field(description="Photos outside the trash.")
    first_day: date | None
    last_day: date | None
    cover: Cover | None
    why: dict[str, Any] | None = Field(description="The rule that made an automatic album; null for one made by hand.")
    created_at: datetime


class ManualAlbum(schemas.Schema):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"title": "For grandma", "description": "The best of May", "image_ids": [_ID]}]
        },
    )

    title: Title
    description: Description | None = None
    image_ids: Annotated[list[UUID], Field(default_factory=list, max_length=1000)]


class AlbumEdit(schemas.Schema):
    """What is not given stays; null gives title and cover of an automatic album back to the vault."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"title": "Our honeymoon"}, {"cover_image_id": _ID}]},
    )

    title: Title | None = None
    description: Description | None = None
    cover_image_id: UUID | None = None


class ImageIds(schemas.Schema):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"image_ids": [_ID]}]})

    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class Generate(schemas.Schema):
    """Nothing is needed; the vault knows what to do."""


class Started(schemas.Schema):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"job_id": _ID}]})

    job_id: UUID = Field(description="Watch it at `GET /jobs/{id}`.")


class AlbumImage(schemas.Image):
    why: dict[str, Any] | None = Field(description="Why an automatic album has it; null in one made by hand.")


class Explanation(schemas.Schema):
    album_id: UUID
    kind: albums.Kind
    text: str = Field(description="In a sentence or two.", examples=["Photos taken in Lisbon, Portugal."])
    why: dict[str, Any] | None = Field(description="Rule, parameters and bounds: they give the same photos again.")


class PlaceGroup(schemas.Schema):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    place: schemas.PlaceNames = Field(description="Names that the level does not tell apart are null.")
    image_count: int
    cover: Cover | None
    from_: date = Field(alias="from", description="Day of the first photo.")
    to: date = Field(description="Day of the last photo.")


class DateGroup(schemas.Schema):
    date: str = Field(description="A year, a month or a day.", examples=["2025", "2025-05", "2025-05-17"])
    image_count: int
    cover: Cover | None


# ------------------------------------------------------------------------------------------------------ showing


def covers(conn: Connection, image_ids: Sequence[UUID | None]) -> dict[UUID, Cover]:
    """The covers among these photos, with a ticket for each thumbnail."""
    photos = images.by_ids(conn, [image_id for image_id in image_ids if image_id is not None])
    made = tickets.of_images(conn, photos, names=presenting.LIST_TICKETS, now=datetime.now(UTC))
    found = {}
    for photo in photos:
        ticket = made.get(photo.id, {}).get("thumbnail")
        found[photo.id] = Cover(image_id=photo.id, ticket=presenting.ticket(ticket) if ticket else None)
    return found


def show(conn: Connection, rows: Sequence[albums.Album]) -> list[Album]:
    found = covers(conn, [row.cover_image_id for row in rows])
    return [
        Album(
            id=row.id,
            kind=row.kind,
            title=row.title,
            description=row.description,
            image_count=row.image_count,
            first_day=row.first_day,
            last_day=row.last_day,
            cover=found.get(row.cover_image_id) if row.cover_image_id else None,
            why=row.why,
            created_at=row.created_at,
        )
        for row in rows
    ]


def _existing(conn: Connection, album_id: UUID) -> albums.Album:
    row = albums.get(conn, album_id)
    if row is None:
        raise NotFound(albums.NO_SUCH_ALBUM)
    return row


def _show_one(conn: Connection, album_id: UUID) -> Album:
    return show(conn, [_existing(conn, album_id)])[0]


# -------------------------------------------------------------------------------------------------------- lists


@router.get("", include_in_schema=False)
@router.get("/", operation_id="listAlbums", summary="List albums")
def list_albums(
    person: CurrentPerson,
    kind: Annotated[albums.Kind | None, Query(description="Only albums of this kind.")] = None,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> schemas.Page[Album]:
    """Albums with the latest photos first; those without any come last."""
    after = cursors.decode("albums", cursor, "Du")
    with person.transaction() as conn:
        rows = albums.page(conn, kind=kind, limit=limit + 1, after=after)
        shown = show(conn, rows[:limit])
    following = next_cursor("albums", rows, limit=limit, key=lambda row: (row.last_day, row.id))
    return schemas.Page(items=shown, next_cursor=following)


@router.get("/by-location", operation_id="albumsByLocation", summary="Photos by place")
def by_location(
    person: CurrentPerson,
    level: Annotated[Literal["country", "region", "city"], Query()] = "city",
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> schemas.Page[PlaceGroup]:
    """Countries, regions or cities with most photos first, without photos whose place is not known to that level."""
    kind = f"by-location-{level}"
    after = cursors.decode(kind, cursor, "isss")
    with person.transaction() as conn:
        rows = albums.by_location(conn, level, limit=limit + 1, after=after)
        found = covers(conn, [row.cover_image_id for row in rows[:limit]])
    items = [
        PlaceGroup(
            place=schemas.PlaceNames(
                city=row.city, region=row.region, country=row.country, country_code=row.country_code
            ),
            image_count=row.image_count,
            cover=found.get(row.cover_image_id),
            from_=row.first_day,
            to=row.last_day,
        )
        for row in rows[:limit]
    ]
    following = next_cursor(
        kind,
        rows,
        limit=limit,
        key=lambda row: (row.image_count, row.country_code, row.region or "", row.city or ""),
    )
    return schemas.Page(items=items, next_cursor=following)


@router.get("/by-date", operation_id="albumsByDate", summary="Photos by date")
def by_date(
    person: CurrentPerson,
    level: Annotated[Literal["year", "month", "day"], Query()] = "month",
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> schemas.Page[DateGroup]:
    """Years, months or days with photos, latest first, by the local day where each was taken."""
    kind = f"by-date-{level}"
    after = cursors.decode(kind, cursor, "d")
    with person.transaction() as conn:
        rows = albums.by_date(conn, level, limit=limit + 1, before=after[0] if after else None)
        found = covers(conn, [row.cover_image_id for row in rows[:limit]])
    length = {"year": 4, "month": 7, "day": 10}[level]
    return schemas.Page(
        items=[
            DateGroup(
                date=row.day.isoformat()[:length], image_count=row.image_count, cover=found.get(row.cover_image_id)
            )
            for row in rows[:limit]
        ],
        next_cursor=next_cursor(kind, rows, limit=limit, key=lambda row: (row.day,)),
    )


@router.get("/persons", operation_id="listPeople", summary="List people")
def list_people(
    person: CurrentPerson,
    hidden: Annotated[bool, Query(description="Also those who are hidden.")] = False,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> schemas.Page[Person]:
    """The people in the photos, those with most photos first."""
    return page_of_people(person, cursor=cursor, limit=limit, with_hidden=hidden)


# ------------------------------------------------------------------------------------------------------- making


@router.post(
    "/auto-generate",
    status_code=202,
    operation_id="generateAlbums",
    summary="Arrange everything again",
    responses=CONFLICT,
)
def generate_albums(
    person: CurrentPerson,
    body: Annotated[Generate | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Started:
    """Derive people and automatic albums again now. Uploads, deletions and corrections do so by themselves."""
    once = Once.of(idempotency_key, "generateAlbums", body)
    queues.send_rebuild_check(person.user_id)
    with changing(person) as change:
        conn = change.conn
        job_id = once.before(conn)
        if job_id is None:
            generations = rebuilds.generations(conn)
            waiting = generations.wanted_generation if generations else 0
            job_id = jobs.queued(conn, "albums", generation=waiting)
            if job_id is None:
                job_id = jobs.add(conn, "albums", generation=rebuilds.want(conn))
            once.made(conn, job_id)
    queues.send_albums(person.user_id, delay=0)
    return Started(job_id=job_id)


@router.post(
    "/manual", status_code=201, operation_id="createAlbum", summary="Make an album", responses=NOT_FOUND | CONFLICT
)
def create_album(body: ManualAlbum, person: CurrentPerson, idempotency_key: IdempotencyKey = None) -> Album:
    """Make an album by hand, with or without photos."""
    once = Once.of(idempotency_key, "createAlbum", body)
    with changing(person) as change:
        conn = change.conn
        album_id = once.before(conn)
        if album_id is None:
            album_id = albums.add(
                conn,
                title=body.title,
                description=body.description,
                image_ids=body.image_ids,
                revision=change.revision,
            )
            once.made(conn, album_id)
            activity.record(conn, "album-created", album_id=str(album_id), title=body.title)
        return _show_one(conn, album_id)


# --------------------------------------------------------------------------------------------------- one album


@router.get("/{album_id}", operation_id="getAlbum", summary="Get an album", responses=NOT_FOUND)
def get_album(album_id: AlbumId, person: CurrentPerson) -> Album:
    """An album; its photos are at `GET /albums/{id}/images`."""
    with person.transaction() as conn:
        return _show_one(conn, album_id)


@router.patch("/{album_id}", operation_id="editAlbum", summary="Edit an album", responses=NOT_FOUND)
def edit_album(album_id: AlbumId, body: AlbumEdit, person: CurrentPerson) -> Album:
    """Change title, description or cover. On automatic albums such edits survive every rebuild."""
    given = body.model_fields_set
    given_back = any(getattr(body, name) is None for name in given & {"title", "cover_image_id"})
    with rebuilding(person) if given_back else changing(person) as change:
        conn, revision = change.conn, change.revision
        rebuilds.edited(conn)
        album = _existing(conn, album_id)
        if "title" in given:
            if body.title is None and not album.automatic:
                raise Invalid("An album made by hand needs a title.", [("title", "may not be null")])
            albums.set_title(conn, album_id, body.title, revision=revision)
        if "description" in given:
            albums.set_description(conn, album_id, body.description, revision=revision)
        if "cover_image_id" in given:
            albums.set_cover(conn, album_id, body.cover_image_id, revision=revision)
        return _show_one(conn, album_id)


@router.delete(
    "/{album_id}", status_code=204, operation_id="deleteAlbum", summary="Delete an album", responses=NOT_FOUND
)
def delete_album(album_id: AlbumId, person: CurrentPerson) -> Response:
    """Remove an album, never its photos. An automatic album does not come back."""
    with changing(person) as change:
        albums.delete(change.conn, _existing(change.conn, album_id), revision=change.revision)
        rebuilds.edited(change.conn)
    return Response(status_code=204)


@router.get("/{album_id}/images", operation_id="listAlbumImages", summary="Photos of an album", responses=NOT_FOUND)
def list_album_images(
    album_id: AlbumId, person: CurrentPerson, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[AlbumImage]:
    """An album's photos, newest first, each with the reason why an automatic album has it."""
    after = cursors.decode("album-images", cursor, "tu")
    with person.transaction() as conn:
        _existing(conn, album_id)
        rows = albums.images_page(conn, album_id, limit=limit + 1, after=after)
        shown = presenting.image_list(conn, rows[:limit])
    return schemas.Page(
        items=[AlbumImage(**dict(image), why=row.why) for image, row in zip(shown, rows, strict=False)],
        next_cursor=next_cursor("album-images", rows, limit=limit, key=lambda row: (row.sort_at, row.id)),
    )


@router.put("/{album_id}/images", operation_id="addAlbumImages", summary="Add photos", responses=NOT_FOUND | CONFLICT)
def add_album_images(album_id: AlbumId, body: ImageIds, person: CurrentPerson) -> Album:
    """Put photos into an album made by hand. Those that are in it already stay."""
    with changing(person) as change:
        albums.add_images(change.conn, album_id, body.image_ids, revision=change.revision)
        return _show_one(change.conn, album_id)


@router.delete(
    "/{album_id}/images", operation_id="removeAlbumImages", summary="Take photos out", responses=NOT_FOUND | CONFLICT
)
def remove_album_images(album_id: AlbumId, body: ImageIds, person: CurrentPerson) -> Album:
    """Take photos out of an album made by hand. They stay in the vault."""
    with changing(person) as change:
        albums.remove_images(change.conn, album_id, body.image_ids, revision=change.revision)
        return _show_one(change.conn, album_id)


@router.get(
    "/{album_id}/explanation", operation_id="explainAlbum", summary="Why an album is there", responses=NOT_FOUND
)
def explain_album(album_id: AlbumId, person: CurrentPerson) -> Explanation:
    """The rule that made an automatic album, with the numbers that it went by."""
    with person.transaction() as conn:
        album = _existing(conn, album_id)
    return Explanation(album_id=album.id, kind=album.kind, text=explain(album.why), why=album.why)


def explain(why: dict[str, Any] | None) -> str:
    """An explanation in words."""
    if why is None:
        return "You made this album."
    rule = why.get("rule")
    if rule == "place":
        names = [why.get("city"), why.get("country")] if why.get("level") == "city" else [why.get("country")]
        return f"Photos taken in {', '.join(name for name in names if name) or why.get('country_code')}."
    if rule == "date":
        return f"Photos of the {why.get('level')} {why.get('value')}, by the day where they were taken."
    if rule == "person":
        return "Photos with this person's face."
    began, ended = why.get("begun_by"), why.get("ended_by")
    if rule == "trip":
        return f"Photos taken away from home without a long break. Before it: {began}. After it: {ended}."
    if rule == "event":
        return f"Many photos within {why.get('minutes')} minutes. Before it: {began}. After it: {ended}."
    return "This album makes itself."
