"""Exports: everything that a person has in the vault, page by page, with tickets to the originals.

Nothing is packed on the server and nothing plaintext is stored: the client fetches the sealed originals, opens them and
builds the archive itself, as ``photovault export`` does.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from photovault import activity, albums, cursors, exports, locations, tickets
from photovault.api import labels, presenting, schemas
from photovault.api.changing import IdempotencyKey, Once, changing
from photovault.api.edge import CurrentPerson
from photovault.api.labels import LabelInPhoto
from photovault.api.paging import next_cursor
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.errors import NotFound

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(prefix="/exports", tags=["exports"])

NO_SUCH_EXPORT = "There is no such export, or it has expired."

ExportId = Annotated[UUID, Path(description="As `POST /exports` gave it.")]


class Export(schemas.Schema):
    id: UUID
    created_at: datetime
    expires_at: datetime = Field(description="From then on the export is not known any more; the photos stay.")
    photos: int = Field(description="Photos that it covers, as of `created_at`.")
    bytes: int = Field(description="Of the opened originals of these photos.")
    albums: int = Field(description="Albums there are now.")
    people: int = Field(description="People there are now, named or not.")
    waiting: int = Field(description="Photos on their way into the vault now. They are not in this export.")
    in_trash: int = Field(description="Photos in the trash now. They are not in this export.")


class ExportedFace(schemas.Schema):
    box: list[float] = Field(description="x, y, width, height as fractions of the upright picture.")
    person_id: UUID | None
    person_name: str | None


class ExportedImage(schemas.Image):
    """`tickets` are of the original and, when the photo has a moving part, of `motion`."""

    location_corrected: bool = Field(
        description="Whether you said where it was taken; with `location` null, that nobody knows."
    )
    people: list[ExportedFace]
    labels: list[LabelInPhoto]
    removed_labels: list[str] = Field(
        description="What the person took away, of what a model or the file says.", examples=[["giraffe"]]
    )
    albums: list[UUID]
    positions: dict[UUID, float] = Field(
        description="Where it stands in those albums that a person put in order: the least number comes first."
    )


class ExportedAlbum(schemas.Schema):
    id: UUID
    kind: albums.Kind
    title: str
    description: str | None
    sort: albums.Sort
    filter: dict[str, Any] | None = Field(description="What a smart album follows, by the ids of people and albums.")
    why: dict[str, Any] | None = Field(description="What an automatic album is about.")
    first_day: date | None
    last_day: date | None
    cover_image_id: UUID | None
    created_at: datetime


class ExportedPerson(schemas.Schema):
    id: UUID
    name: str | None
    birthday: date | None
    hidden: bool
    face_count: int
    image_count: int
    created_at: datetime


@router.post("", status_code=201, operation_id="createExport", responses=NOT_FOUND | CONFLICT)
def create_export(person: CurrentPerson, idempotency_key: IdempotencyKey = None) -> Export:
    """Fix what is exported: every photo that is in the vault now and not in the trash.

    The export is a list, not a file: its pages bring tickets to the sealed originals. It is known for 30 days.
    """
    once = Once.of(idempotency_key, "createExport", None)
    with changing(person) as change:
        conn = change.conn
        export_id = once.before(conn)
        if export_id is None:
            export_id = exports.add(conn)
            once.made(conn, export_id)
            activity.record(conn, "export-made", export_id=str(export_id))
        return _shown(conn, _existing(conn, export_id))


@router.get("/{export_id}", operation_id="getExport", responses=NOT_FOUND)
def get_export(person: CurrentPerson, export_id: ExportId) -> Export:
    """What an export covers."""
    with person.transaction() as conn:
        return _shown(conn, _existing(conn, export_id))


@router.delete("/{export_id}", status_code=204, operation_id="deleteExport", responses=NOT_FOUND)
def delete_export(person: CurrentPerson, export_id: ExportId) -> Response:
    """Forget an export. The photos stay."""
    with changing(person) as change:
        if not exports.delete(change.conn, export_id):
            raise NotFound(NO_SUCH_EXPORT)
    return Response(status_code=204)


@router.get("/{export_id}/images", operation_id="listExportImages", responses=NOT_FOUND)
def list_export_images(
    person: CurrentPerson, export_id: ExportId, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[ExportedImage]:
    """The photos of an export, each with all that is known of it and tickets to its original.

    In the order in which they were uploaded. A page can be asked for again, for fresh tickets.
    """
    kind = f"export-{export_id}"
    after = cursors.decode(kind, cursor, "u")
    with person.transaction() as conn:
        rows = exports.images_page(conn, _existing(conn, export_id), limit=limit + 1, after=after[0] if after else None)
        page = rows[:limit]
        made = tickets.of_images(conn, page, names=exports.BLOBS, now=datetime.now(UTC))
        belongings = exports.belongings(conn, [row.id for row in page])
    return schemas.Page(
        items=[
            ExportedImage(
                **presenting.image(row, made.get(row.id, {})).model_dump(),
                location_corrected=row.location_source == locations.PERSON,
                people=[
                    ExportedFace(
                        box=[face.x, face.y, face.w, face.h], person_id=face.person_id, person_name=face.person_name
                    )
                    for face in belongings[row.id].faces
                ],
                labels=labels.shown(belongings[row.id].labels),
                removed_labels=list(belongings[row.id].removed_labels),
                albums=list(belongings[row.id].album_ids),
                positions=dict(belongings[row.id].positions),
            )
            for row in page
        ],
        next_cursor=next_cursor(kind, rows, limit=limit, key=lambda row: (row.id,)),
    )


@router.get("/{export_id}/albums", operation_id="listExportAlbums", responses=NOT_FOUND)
def list_export_albums(
    person: CurrentPerson, export_id: ExportId, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[ExportedAlbum]:
    """The albums as they are now; which photos are in them say the photos."""
    after = cursors.decode("export-albums", cursor, "u")
    with person.transaction() as conn:
        _existing(conn, export_id)
        rows = exports.albums_page(conn, limit=limit + 1, after=after[0] if after else None)
    return schemas.Page(
        items=[ExportedAlbum(**vars(row)) for row in rows[:limit]],
        next_cursor=next_cursor("export-albums", rows, limit=limit, key=lambda row: (row.id,)),
    )


@router.get("/{export_id}/people", operation_id="listExportPeople", responses=NOT_FOUND)
def list_export_people(
    person: CurrentPerson, export_id: ExportId, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[ExportedPerson]:
    """The people as they are now, hidden ones and those without a name too."""
    after = cursors.decode("export-people", cursor, "u")
    with person.transaction() as conn:
        _existing(conn, export_id)
        rows = exports.people_page(conn, limit=limit + 1, after=after[0] if after else None)
    return schemas.Page(
        items=[ExportedPerson(**vars(row)) for row in rows[:limit]],
        next_cursor=next_cursor("export-people", rows, limit=limit, key=lambda row: (row.id,)),
    )


def _existing(conn: Connection, export_id: UUID) -> exports.Export:
    found = exports.get(conn, export_id)
    if found is None:
        raise NotFound(NO_SUCH_EXPORT)
    return found


def _shown(conn: Connection, export: exports.Export) -> Export:
    counted = exports.counts(conn)
    return Export(
        id=export.id,
        created_at=export.created_at,
        expires_at=export.expires_at,
        photos=export.photos,
        bytes=export.bytes,
        albums=counted.albums,
        people=counted.people,
        waiting=counted.waiting,
        in_trash=counted.in_trash,
    )
