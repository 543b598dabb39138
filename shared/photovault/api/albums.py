"""Albums: those that make themselves and say why, those made by hand, and photos by place, day and person."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from pydantic import ConfigDict, Field, model_validator

from photovault import (
    activity,
    album_choices,
    albums,
    cursors,
    explaining,
    jobs,
    queues,
    reasons,
    rebuilds,
    saved_filters,
    smart_albums,
)
from photovault.api import schemas
from photovault.api.album_shapes import (
    ID,
    Album,
    AlbumId,
    Boundary,
    DateGroup,
    Description,
    Explanation,
    ManualAlbum,
    PlaceGroup,
    Reason,
    Title,
    covers,
    existing,
    show,
    show_one,
)
from photovault.api.changing import IdempotencyKey, Once, changing, rebuilding
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.api.people import Person, page_of_people
from photovault.api.saved_filters import SavedFilter
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.api.smart_albums import FilterOrQuery, Spoken, understood
from photovault.errors import Invalid

router = APIRouter(prefix="/albums", tags=["albums"])


class AlbumEdit(schemas.Schema):
    """What is not given stays; null gives title and cover of an automatic album back to the vault."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"title": "Our honeymoon"},
                {"cover_image_id": ID},
                {"sort": "oldest"},
                {"q": "anna in lisbon"},
            ]
        },
    )

    title: Title | None = None
    description: Description | None = None
    cover_image_id: UUID | None = None
    sort: albums.Sort | None = Field(None, description="How its photos are listed; `manual` in albums made by hand.")
    filter: SavedFilter | None = Field(None, description="What a smart album follows from now on.")
    q: Spoken | None = Field(None, description="The same in words.")
    today: date | None = Field(None, description="For `q`: the calendar day where the person is; else UTC's.")

    @model_validator(mode="after")
    def _one_filter(self) -> AlbumEdit:
        if self.filter is not None and self.q is not None:
            raise ValueError("give `filter` or `q`")
        return self

    @property
    def follows(self) -> FilterOrQuery | None:
        if self.filter is None and self.q is None:
            return None
        return FilterOrQuery(filter=self.filter, q=self.q, today=self.today)


class Generate(schemas.Schema):
    """Nothing is needed; the vault knows what to do."""


class Started(schemas.Schema):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"job_id": ID}]})

    job_id: UUID = Field(description="Watch it at `GET /jobs/{id}`.")


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
        return show_one(conn, album_id)


# --------------------------------------------------------------------------------------------------- one album


@router.get("/{album_id}", operation_id="getAlbum", summary="Get an album", responses=NOT_FOUND)
def get_album(album_id: AlbumId, person: CurrentPerson) -> Album:
    """An album; its photos are at `GET /albums/{id}/images`."""
    with person.transaction() as conn:
        return show_one(conn, album_id)


@router.patch("/{album_id}", operation_id="editAlbum", summary="Edit an album", responses=NOT_FOUND | CONFLICT)
def edit_album(album_id: AlbumId, body: AlbumEdit, person: CurrentPerson) -> Album:
    """Change title, description, cover or order, or a smart album's filter. Such edits survive every rebuild."""
    given = body.model_fields_set
    given_back = any(getattr(body, name) is None for name in given & {"title", "cover_image_id"})
    saved = understood(person, body.follows) if body.follows is not None else None
    with rebuilding(person) if given_back else changing(person) as change:
        conn, revision = change.conn, change.revision
        rebuilds.edited(conn)
        album = existing(conn, album_id)
        if "title" in given:
            if body.title is None and not album.automatic:
                raise Invalid("An album made by hand needs a title.", [("title", "may not be null")])
            albums.set_title(conn, album_id, body.title, revision=revision)
        if "description" in given:
            albums.set_description(conn, album_id, body.description, revision=revision)
        if "cover_image_id" in given:
            albums.set_cover(conn, album_id, body.cover_image_id, revision=revision)
        if saved is not None:
            smart_albums.set_filter(conn, album, saved, revision=revision)
        if body.sort is not None:
            albums.set_sort(conn, album, body.sort, revision=revision)
        return show_one(conn, album_id)


@router.delete(
    "/{album_id}", status_code=204, operation_id="deleteAlbum", summary="Delete an album", responses=NOT_FOUND
)
def delete_album(album_id: AlbumId, person: CurrentPerson) -> Response:
    """Remove an album, never its photos, and end its links. An automatic album does not make itself again.

    For 30 days it can be restored.
    """
    with changing(person) as change:
        conn, revision = change.conn, change.revision
        following = smart_albums.naming(conn, album_id)
        albums.delete(conn, existing(conn, album_id), revision=revision)
        smart_albums.refresh(conn, following, revision=revision)
        rebuilds.edited(conn)
    return Response(status_code=204)


@router.post(
    "/{album_id}/restore",
    operation_id="restoreAlbum",
    summary="Restore an album",
    responses=NOT_FOUND | CONFLICT,
)
def restore_album(album_id: AlbumId, person: CurrentPerson) -> Album:
    """Take back an album that was deleted within the last 30 days: it is as it was, but its links stay ended.

    An automatic album may be without photos until it has been arranged again, as after an upload. A trip or an event
    that the vault would not make any more, because a longer one has its photos now, goes on as an album made by hand.
    An album that was not deleted stays as it is.
    """
    with rebuilding(person) as change:
        conn, revision = change.conn, change.revision
        if albums.restore(conn, album_id, revision=revision) is not None:
            smart_albums.restored(conn, album_id, revision=revision)
        return show_one(conn, album_id)


@router.get(
    "/{album_id}/explanation", operation_id="explainAlbum", summary="Why an album is there", responses=NOT_FOUND
)
def explain_album(
    album_id: AlbumId,
    person: CurrentPerson,
    language: Annotated[
        str, Query(max_length=35, description="Of the sentences about albums that make themselves; filters: English.")
    ] = "en",
) -> Explanation:
    """Why an album is there and has these photos: the rule, the numbers that it went by, and where it ends."""
    with person.transaction() as conn:
        album = existing(conn, album_id)
        sentences = (
            smart_albums.tell(conn, saved_filters.of_json(album.filter))
            if album.filter is not None
            else explaining.explain(album.kind, album.why or {}, language=language)
        )
        counted = albums.count_reasons(conn, album_id)
        put_in, taken_out = album_choices.count(conn, album_id)
    why = album.why or {}
    bounds = {name: why.get(name) for name in ("begun_by", "ended_by")}
    if taken_out:
        sentences.append(f"You took {counting(taken_out)} out.")
    if put_in:
        sentences.append(f"You put {counting(put_in)} in.")
    return Explanation(
        album_id=album.id,
        kind=album.kind,
        text=" ".join(sentences),
        sentences=sentences,
        rule=why.get("rule") or "hand",
        parameters=why.get("parameters") or {},
        boundary=Boundary(**bounds) if any(bounds.values()) else None,
        reasons=[
            Reason(reason=one.name, because=one.because, image_count=one.image_count)
            for one in reasons.of_album(album.kind, counted)
        ],
        put_in=put_in,
        taken_out=taken_out,
        why=album.why,
    )


def counting(photos: int) -> str:
    return "one photo" if photos == 1 else f"{photos} photos"
