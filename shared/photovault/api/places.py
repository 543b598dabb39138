"""Places of the world by their names, for whoever says where a photo was taken."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from photovault.api import schemas
from photovault.api.edge import CurrentPerson

router = APIRouter(tags=["images"])


class NamedPlace(schemas.Schema):
    name: str = Field(examples=["Lisbon"])
    region: str | None = Field(examples=["Lisbon"])
    country: str | None = Field(examples=["Portugal"])
    country_code: str | None = Field(examples=["PT"])
    lat: float = Field(description="Of its centre, degrees north.", examples=[38.7253])
    lon: float = Field(description="Degrees east.", examples=[-9.15])


class NamedPlaces(schemas.Schema):
    items: list[NamedPlace]


@router.get("/places", operation_id="findPlaces")
def find_places(
    person: CurrentPerson,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="How its name begins; behind a comma its region or country may stand.",
            examples=["lisb", "york, uk"],
        ),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 8,
) -> NamedPlaces:
    """Towns and cities of the world, the most populous first, by their English or local names as GeoNames has them.

    For `location` of `PATCH /images/{id}` and `POST /images/edit`. Looked up in a table of this server: what is typed
    goes nowhere else. Without the table there are none.
    """
    from photovault import geocoder  # with its table, which few other requests need

    with person.transaction():
        pass  # a session that has ended is told here
    return NamedPlaces(
        items=[
            NamedPlace(
                name=place.city,
                region=place.region,
                country=place.country,
                country_code=place.country_code,
                lat=place.lat,
                lon=place.lon,
            )
            for place in geocoder.named(q.replace("\x00", " "), limit=limit)
            if place.city is not None and place.lat is not None and place.lon is not None
        ]
    )
