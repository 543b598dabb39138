"""Requests that correct where a photo was taken: their shape, and what is done about them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from photovault import activity, locations
from photovault.api import schemas
from photovault.api.changing import Change
from photovault.estimating import Names

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.images import Image


class LocationEdit(schemas.Schema):
    """A position in degrees, WGS 84."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="North.", examples=[38.7139])]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="East.", examples=[-9.1394])]

    @model_validator(mode="after")
    def _is_a_place(self) -> LocationEdit:
        if self.lat == 0 and self.lon == 0:
            raise ValueError("0, 0 is what a receiver without a position says")
        return self


Location = Annotated[
    LocationEdit | Literal["nowhere"] | None,
    Field(
        description="Where it was taken, as the person knows it. `nowhere`: nobody knows, and no place is estimated. "
        "Null gives it back to what the file says."
    ),
]


class FileLocation(schemas.Schema):
    """What a file says."""

    lat: float
    lon: float
    source: str | None


def correct(
    change: Change, image_ids: Collection[UUID], wanted: LocationEdit | Literal["nowhere"] | None
) -> list[UUID]:
    """Set photos' position, or give them back to what their files say. Returns those that are elsewhere now."""
    conn, revision = change.conn, change.revision
    if wanted is None:
        moved = locations.give_back(conn, image_ids, name_at=_name_at, revision=revision)
    else:
        at = None if wanted == "nowhere" else (wanted.lat, wanted.lon)
        moved = locations.correct(conn, image_ids, at, name_at=_name_at, revision=revision)
    if len(image_ids) == 1 and moved:
        activity.record(conn, "place-corrected", image_id=str(moved[0]), restored=wanted is None)
    elif moved:
        activity.record(conn, "places-corrected", changed=len(moved), restored=wanted is None)
    return moved


def by_file(conn: Connection, image: Image) -> FileLocation | None:
    """What the file of a photo says that a person put elsewhere; None of others."""
    if image.location_source != locations.PERSON:
        return None
    found = locations.by_file(conn, image.id)
    return FileLocation(lat=found.lat, lon=found.lon, source=found.source) if found else None


def _name_at(lat: float, lon: float) -> Names:
    from photovault import geocoder  # with its table, which no other request needs

    place = geocoder.reverse(lat, lon)
    return Names(place.country_code, place.country, place.region, place.city, place.id) if place else Names()
