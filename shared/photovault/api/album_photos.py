"""The photos of one album: listed, put in, taken out, and put in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator

from photovault import album_choices, album_order, albums, cursors, reasons, smart_albums
from photovault.api import presenting, schemas
from photovault.api.album_shapes import (
    ID,
    OTHER_ID,
    Album,
    AlbumId,
    AlbumImage,
    ImageIds,
    existing,
    show_one,
)
from photovault.api.changing import changing, rebuilding
from photovault.api.edge import CurrentPerson, Person
from photovault.api.paging import next_cursor
from photovault.api.schemas import CONFLICT, NOT_FOUND

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(prefix="/albums", tags=["albums"])


class Move(schemas.Schema):
    """Photos, in their new order, and the one spot of the album that they come to."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"image_ids": [ID], "before": OTHER_ID}, {"image_ids": [ID], "to": "end"}]},
    )

    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]
    before: UUID | None = Field(None, description="Right before this photo of the album.")
    after: UUID | None = Field(None, description="Right after this photo of the album.")
    to: Literal["start", "end"] | None = None

    @model_validator(mode="after")
    def _one_spot(self) -> Move:
        if [self.before, self.after, self.to].count(None) != 2:
            raise ValueError("give one of `before`, `after` and `to`")
        return self

    @property
    def where(self) -> album_order.Where:
        if self.before is not None:
            return album_order.Spot("before", self.before)
        if self.after is not None:
            return album_order.Spot("after", self.after)
        return self.to or "end"


@router.get("/{album_id}/images", operation_id="listAlbumImages", summary="Photos of an album", responses=NOT_FOUND)
def list_album_images(
    album_id: AlbumId, person: CurrentPerson, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[AlbumImage]:
    """An album's photos in its order, each with the reason why an album that makes itself has it."""
    with person.transaction() as conn:
        album = existing(conn, album_id)
        by_hand = album.sort == "manual"
        kind = "album-images" if album.sort == "newest" else f"album-images-{album.sort}"
        after = cursors.decode(kind, cursor, "fu" if by_hand else "tu")
        rows = albums.images_page(conn, album_id, limit=limit + 1, sort=album.sort, after=after)
        shown = presenting.image_list(conn, rows[:limit])
    return schemas.Page(
        items=[
            AlbumImage(**dict(image), why=row.why, because=reasons.because(album.kind, row.why))
            for image, row in zip(shown, rows, strict=False)
        ],
        next_cursor=next_cursor(
            kind, rows, limit=limit, key=lambda row: (row.position if by_hand else row.sort_at, row.id)
        ),
    )


@router.put("/{album_id}/images", operation_id="addAlbumImages", summary="Add photos", responses=NOT_FOUND)
def add_album_images(album_id: AlbumId, body: ImageIds, person: CurrentPerson) -> Album:
    """Put photos into an album, at the end of its order. Those that are in it already stay.

    In an album that makes itself they stay from now on, whatever its rule says.
    """
    return _changed(person, album_id, body.image_ids, by_hand=albums.add_images, otherwise=album_choices.put_in)


@router.delete("/{album_id}/images", operation_id="removeAlbumImages", summary="Take photos out", responses=NOT_FOUND)
def remove_album_images(album_id: AlbumId, body: ImageIds, person: CurrentPerson) -> Album:
    """Take photos out of an album. They stay in the vault; of an album that makes itself they stay out for good."""
    return _changed(person, album_id, body.image_ids, by_hand=albums.remove_images, otherwise=album_choices.take_out)


class _Act(Protocol):
    def __call__(self, conn: Connection, album_id: UUID, image_ids: Sequence[UUID], /, *, revision: int) -> None: ...


def _changed(person: Person, album_id: UUID, image_ids: Sequence[UUID], *, by_hand: _Act, otherwise: _Act) -> Album:
    """What a rebuild made of an album, one at work must not write over: it starts again."""
    with person.transaction() as conn:
        automatic = existing(conn, album_id).automatic
    with rebuilding(person) if automatic else changing(person) as change:
        conn = change.conn
        act = by_hand if existing(conn, album_id).by_hand else otherwise
        act(conn, album_id, image_ids, revision=change.revision)
        smart_albums.follow(conn, image_ids, revision=change.revision)
        return show_one(conn, album_id)


@router.put(
    "/{album_id}/order", operation_id="orderAlbumImages", summary="Put photos in order", responses=NOT_FOUND | CONFLICT
)
def order_album_images(album_id: AlbumId, body: Move, person: CurrentPerson) -> Album:
    """Move photos of an album made by hand to one spot of it, next to each other in the order given.

    From then on the album is sorted by hand; one that was sorted by time begins with the order that it was shown in.
    """
    with changing(person) as change:
        album = existing(change.conn, album_id)
        album_order.move(change.conn, album, body.image_ids, body.where, revision=change.revision)
        return show_one(change.conn, album_id)
