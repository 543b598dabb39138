"""The map: clusters of photos by bounding box and zoom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from photovault import clusters, images, tickets
from photovault.api import boxes, presenting, schemas
from photovault.api.edge import CurrentPerson

router = APIRouter(prefix="/images", tags=["images"])

WORLD = (-180.0, -90.0, 180.0, 90.0)


class Cluster(schemas.Schema):
    lat: float = Field(description="Of the middle of its photos; a single photo's own.")
    lon: float
    count: int
    estimated: int = Field(description="Of the count: photos whose position is an estimate.")
    bbox: tuple[float, float, float, float] = Field(
        description="west,south,east,north. `GET /images/list` with this `bbox` shows exactly these photos."
    )
    image_id: UUID = Field(description="A photo that stands for the cluster; with a count of 1 it is the one.")
    ticket: schemas.Ticket | None = Field(description="Of that photo's thumbnail.")
    place: schemas.PlaceNames | None = Field(
        description="What its place is called, as far as the photos at both of its ends agree: null where not even "
        "about the country."
    )


class Map(schemas.Schema):
    zoom: int = Field(description="What the clusters are for: less than asked for where the box is large for that.")
    items: list[Cluster] = Field(description="Those with most photos first.")
    unlocated: int = Field(description="Photos that no map shows, because nobody knows where they were taken.")


@router.get("/map", operation_id="mapOfImages", summary="Photos on a map")
def show_map(
    person: CurrentPerson,
    bbox: boxes.BoxText = None,
    zoom: Annotated[int, Query(ge=0, le=clusters.DEEPEST_ZOOM, description="As web maps count it.")] = 2,
) -> Map:
    """Clusters of photos in a box, each about 128 pixels of the screen wide, at most 256 of them.

    They are those of whole cells, so that they stay where they are when the map is moved. Trash and archive are left
    out; estimated positions are in, and told apart.
    """
    with person.transaction() as conn:
        found = clusters.within(conn, boxes.parse(bbox) or WORLD, zoom=zoom)
        unlocated = clusters.unlocated(conn)
        covers = images.by_ids(conn, [cluster.cover_id for cluster in found.clusters])
        ends = images.by_ids(conn, [cluster.other_end_id for cluster in found.clusters])
        made = tickets.of_images(conn, covers, names=presenting.LIST_TICKETS, now=datetime.now(UTC))
    places = {image.id: presenting.place_names(image) for image in (*covers, *ends)}
    items = []
    for cluster in found.clusters:
        thumbnail = made.get(cluster.cover_id, {}).get("thumbnail")
        items.append(
            Cluster(
                lat=cluster.lat,
                lon=cluster.lon,
                count=cluster.images,
                estimated=cluster.estimated,
                bbox=cluster.cell.box,
                image_id=cluster.cover_id,
                ticket=presenting.ticket(thumbnail) if thumbnail else None,
                place=_shared(places.get(cluster.cover_id), places.get(cluster.other_end_id)),
            )
        )
    return Map(zoom=found.zoom, items=items, unlocated=unlocated)


def _shared(one: schemas.PlaceNames | None, other: schemas.PlaceNames | None) -> schemas.PlaceNames | None:
    """The names of two places from the country down to where they part."""
    if one is None or other is None or one.country_code is None or one.country_code != other.country_code:
        return None
    in_region = one.region == other.region
    return schemas.PlaceNames(
        city=one.city if in_region and one.city == other.city else None,
        region=one.region if in_region else None,
        country=one.country,
        country_code=one.country_code,
    )
