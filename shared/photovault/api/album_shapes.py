"""Albums as the API takes and shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from photovault import albums, images, tickets
from photovault.api import presenting, schemas
from photovault.api.saved_filters import SavedFilter
from photovault.errors import NotFound

if TYPE_CHECKING:
    from photovault.db import Connection

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER_ID = "01890a5d-ac96-7ab2-80e2-4536629c90de"
_CONTROLS = {"Cc", "Zl", "Zp"}
_UNSEEN = _CONTROLS | {"Cf", "Zs"}


def _title(value: str) -> str:
    categories = {unicodedata.category(letter) for letter in value}
    if categories & _CONTROLS:
        raise ValueError("may not hold control characters")
    if categories <= _UNSEEN:
        raise ValueError("has nothing to be seen")
    return value


AlbumId = Annotated[UUID, Path(description="An album's id.")]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$"),
    AfterValidator(_title),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]


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
    sort: albums.Sort = Field(description="How its photos are listed; `manual` only in albums made by hand.")
    filter: SavedFilter | None = Field(description="What a smart album follows; null for all others.")
    why: dict[str, Any] | None = Field(description="The rule that made an automatic album; null for one made by hand.")
    created_at: datetime


class ManualAlbum(schemas.Schema):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"title": "For grandma", "description": "The best of May", "image_ids": [ID]}]},
    )

    title: Title
    description: Description | None = None
    image_ids: Annotated[list[UUID], Field(default_factory=list, max_length=1000)]


class ImageIds(schemas.Schema):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"image_ids": [ID]}]})

    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class AlbumImage(schemas.Image):
    why: dict[str, Any] | None = Field(description="Why an album that makes itself has it; null in one made by hand.")
    because: str = Field(description="The same in a sentence.", examples=["Taken in Lisbon."])


class Boundary(schemas.Schema):
    begun_by: Any = Field(description="What lies before the first photo.")
    ended_by: Any = Field(description="What lies after the last one.")


class Reason(schemas.Schema):
    reason: str = Field(description="A word for programs.", examples=["measured", "estimated", "place", "time", "hand"])
    because: str = Field(description="A sentence for people.")
    image_count: int


class Explanation(schemas.Schema):
    album_id: UUID
    kind: albums.Kind
    text: str = Field(description="The sentences in one.", examples=["Photos taken in Lisbon, Portugal."])
    sentences: list[str]
    rule: str = Field(
        description="place, date, person, trip or event; `filter` for a smart album, `hand` for one made by hand."
    )
    parameters: dict[str, Any] = Field(description="The numbers that the rule went by.")
    boundary: Boundary | None = Field(description="Of a trip or an event: what begins and what ends it.")
    reasons: list[Reason] = Field(description="Why its photos are in it, most frequent reason first.")
    put_in: int = Field(description="Photos that the person put into an album that makes itself.")
    taken_out: int = Field(description="Photos that the person took out, and that stay out.")
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
            sort=row.sort,
            filter=SavedFilter.of(row.filter) if row.filter else None,
            why=row.why,
            created_at=row.created_at,
        )
        for row in rows
    ]


def existing(conn: Connection, album_id: UUID) -> albums.Album:
    row = albums.get(conn, album_id)
    if row is None:
        raise NotFound(albums.NO_SUCH_ALBUM)
    return row


def show_one(conn: Connection, album_id: UUID) -> Album:
    return show(conn, [existing(conn, album_id)])[0]
