"""Rows as the API shows them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import images, tickets
from photovault.api import schemas
from photovault.api.paging import next_cursor
from photovault.errors import BadCursor, NotFound

if TYPE_CHECKING:
    from photovault import picture_search
    from photovault.db import Connection

LIST_TICKETS = ("thumbnail",)
DETAIL_TICKETS = ("thumbnail", "preview", "original", "metadata", "motion")


def image_list(conn: Connection, rows: Sequence[images.Image]) -> list[schemas.Image]:
    """Photos with the ticket of each thumbnail."""
    found = tickets.of_images(conn, rows, names=LIST_TICKETS, now=datetime.now(UTC))
    return [image(row, found.get(row.id, {})) for row in rows]


LOOK_ALIKE_KEY = "fui"
"""What a cursor of look-alikes holds: the distance and id of the last, and the model whose distances these are."""


def look_alikes(
    conn: Connection,
    anchors: Sequence[picture_search.Anchor],
    *,
    kind: str,
    after: tuple[float, UUID, int] | None,
    limit: int,
    without: UUID | None = None,
) -> schemas.Page[schemas.LookAlike]:
    """A page of photos that look like a picture. Raises ``BadCursor`` where the model of the page before is gone."""
    from photovault import picture_search  # which no other route of most functions needs

    if after:  # a library that is being embedded anew: on with the model that the list began with
        anchors = sorted(anchors, key=lambda one: one.model_id != after[2])
        if not anchors or anchors[0].model_id != after[2]:
            raise BadCursor
    found = picture_search.similar(conn, anchors, limit=limit + 1, after=after[:2] if after else None, without=without)
    score = {one.id: 1 - one.distance for one in found[:limit]}
    items = [
        schemas.LookAlike(image=image, score=round(score[image.id], 4))
        for image in image_list(conn, images.by_ids(conn, list(score)))
    ]
    following = next_cursor(kind, found, limit=limit, key=lambda one: (one.distance, one.id, anchors[0].model_id))
    return schemas.Page(items=items, next_cursor=following)


def existing(conn: Connection, image_id: UUID) -> images.Image:
    """A photo, in the trash or not. Raises ``NotFound``."""
    row = images.get(conn, image_id)
    if row is None:
        raise NotFound(images.NO_SUCH_PHOTO)
    return row


def ticket(made: tickets.Ticket) -> schemas.Ticket:
    return schemas.Ticket(
        url=made.links[0].url,
        parts=[schemas.TicketPart(url=link.url, bytes=link.bytes) for link in made.links]
        if len(made.links) > 1
        else None,
        expires_at=made.expires_at,
        user_id=made.user_id,
        image_id=made.blob.image_id,
        name=made.blob.name,
        key=base64.urlsafe_b64encode(made.key).decode(),
        header_sha256=made.blob.header_sha256.hex(),
        sealed_bytes=made.blob.size,
        bytes=made.blob.plain_size,
        content_type=made.blob.content_type,
        width=made.blob.width,
        height=made.blob.height,
    )


def image(row: images.Image, found: dict[str, tickets.Ticket]) -> schemas.Image:
    return schemas.Image(
        id=row.id,
        filename=row.filename,
        content_type=row.content_type,
        bytes=row.size,
        sha256=row.sha256.hex(),
        width=row.width,
        height=row.height,
        status=row.status,
        reason=row.told,
        steps=schemas.Steps(
            vision=_step(row.vision_done_at, failed=row.vision_failed or row.status == "rejected"),
            embedding=_step(row.embedding_done_at, failed=row.embedding_failed or row.status == "rejected"),
        ),
        taken=_taken(row),
        location=_location(row),
        camera=schemas.Camera(make=row.camera_make, model=row.camera_model)
        if row.camera_make or row.camera_model
        else None,
        caption=row.caption,
        caption_source=row.caption_source,
        favourite=row.favourite,
        archived=row.archived,
        thumbhash=base64.b64encode(row.thumbhash).decode() if row.thumbhash else None,
        faces=row.face_count,
        tickets={name: ticket(made) for name, made in found.items()},
        created_at=row.created_at,
        deleted_at=row.deleted_at,
    )


def offset(minutes: int | None) -> str | None:
    """Minutes east of UTC as +hh:mm."""
    if minutes is None:
        return None
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _step(done_at: datetime | None, *, failed: bool) -> schemas.Step:
    return "done" if done_at else "failed" if failed else "waiting"


def _taken(row: images.Image) -> schemas.Taken | None:
    if row.local_day is None or row.taken_source is None:
        return None
    return schemas.Taken(
        instant=row.created_at if row.taken_source == "upload" else row.taken_instant,
        offset=offset(row.taken_offset_minutes),
        local_day=row.local_day,
        local_time=row.sort_at,
        source=row.taken_source,
    )


def place_names(row: images.Image) -> schemas.PlaceNames | None:
    """What the place of a photo is called; None where it has no name."""
    if not (row.country_code or row.city):
        return None
    return schemas.PlaceNames(city=row.city, region=row.region, country=row.country, country_code=row.country_code)


def _location(row: images.Image) -> schemas.Location | None:
    if row.lat is None or row.lon is None or row.location_source is None:
        return None
    return schemas.Location(
        lat=row.lat,
        lon=row.lon,
        place=place_names(row),
        source=row.location_source,
        accuracy_km=row.location_accuracy_km,
    )
