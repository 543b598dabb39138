"""Requests that correct where a photo was taken: their shape, and what is done about them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from photovault import activity, locations
from photovault.api import schemas
from photovault.api.changing import Change
from photovault.estimating import Names


class LocationEdit(schemas.Schema):
    """A position in degrees, WGS 84."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="North.", examples=[38.7139])]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="East.", examples=[-9.1394])]

    @model_validator(mode="after")
    def _is_a_place(self) -> LocationEdit:
        if self.lat == 0 and self.lon == 0:
            raise ValueError("0, 0 is what a receiver without a position says")
        return self


def correct(change: Change, image_id: UUID, wanted: LocationEdit | None) -> bool:
    """Set a photo's position, or give it back to what the file says; whether anything changed."""
    if wanted is None:
        moved = locations.give_back(change.conn, image_id, name_at=_name_at, revision=change.revision)
    else:
        at = (wanted.lat, wanted.lon)
        moved = locations.correct(change.conn, image_id, at, name_at=_name_at, revision=change.revision)
    if moved:
        activity.record(change.conn, "place-corrected", image_id=str(image_id), restored=wanted is None)
    return moved


def _name_at(lat: float, lon: float) -> Names:
    from photovault import geocoder  # with its table, which no other request needs

    place = geocoder.reverse(lat, lon)
    return Names(place.country_code, place.country, place.region, place.city, place.id) if place else Names()
