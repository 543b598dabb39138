"""Memories: what happened on a day of earlier years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from photovault import images, memories, moments, remembering
from photovault.api import presenting, schemas
from photovault.api.edge import CurrentPerson
from photovault.api.retimed import Offset
from photovault.errors import Invalid

router = APIRouter(prefix="/images", tags=["images"])


class Remembered(schemas.Schema):
    """Somebody in the photos, or the album that they are of."""

    id: UUID
    name: str


class Memory(schemas.Schema):
    kind: Literal["on-this-day", "this-week"] = Field(
        description="`this-week`: no photo is of the very day, these are of up to three days before and after."
    )
    title: str = Field(examples=["3 years ago", "This week, 1 year ago"])
    subtitle: str = Field(
        description="A trip's or event's title, else who and where; may be empty.",
        examples=["With Anna and Ben in Lisbon"],
    )
    years_ago: int
    day: date = Field(description="The same day of that year; of 29 February, the 28th where there is no 29th.")
    cover_id: UUID = Field(description="The best of its photos.")
    people: list[Remembered]
    album: Remembered | None = Field(description="The trip or event that at least half of the photos are of.")
    of: int = Field(description="How many photos these were chosen from.")
    items: list[schemas.Image] = Field(description="The best, in the order in which they were taken.")


class Memories(schemas.Schema):
    date: date
    items: list[Memory] = Field(description="One of each year that has any, the latest first.")


@router.get("/memories", operation_id="memories", summary="This day in earlier years")
def show_memories(
    person: CurrentPerson,
    day: Annotated[date | None, Query(alias="date", description="Today, unless given.")] = None,
    offset: Annotated[
        Offset | None, Query(description="Without `date`: where it is today. UTC, unless given.", examples=["+02:00"])
    ] = None,
    most: Annotated[int, Query(ge=1, le=30, description="Photos of one year at most.")] = memories.MOST,
) -> Memories:
    """The best photos of this day, or of the days around it, from each earlier year: favourites and people first, no
    two alike, no screenshots.

    Photos in the trash or the archive, of hidden people, or whose time nobody knows are not shown. The same photos give
    the same memories.
    """
    today = day or (datetime.now(UTC) + timedelta(minutes=moments.parse_offset(offset or "+00:00") or 0)).date()
    if not 1826 <= today.year <= 2999:
        raise Invalid("There are no photos of that time.", [("date", "is one of the years 1826 to 2999")])
    with person.transaction() as conn:
        recalled = remembering.on(conn, today, most=most)
        rows = images.by_ids(conn, [image_id for each in recalled for image_id in each.memory.photos])
        shown = {image.id: image for image in presenting.image_list(conn, rows)}
    return Memories(
        date=today,
        items=[
            Memory(
                kind=each.memory.kind,
                title=each.memory.title,
                subtitle=each.subtitle,
                years_ago=each.memory.years,
                day=each.memory.day,
                cover_id=each.memory.cover,
                people=[Remembered(id=person_id, name=name) for person_id, name in each.people],
                album=Remembered(id=each.album[0], name=each.album[1]) if each.album else None,
                of=each.memory.of,
                items=[shown[image_id] for image_id in each.memory.photos],
            )
            for each in recalled
        ],
    )
