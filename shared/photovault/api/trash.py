"""The trash: into it, out of it, and emptied for good."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from photovault import activity, cursors, films, images, jobs, queues, rebuilds, smart_albums, trash
from photovault.api import edge, presenting, schemas
from photovault.api.changing import changing
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.api.schemas import NOT_FOUND
from photovault.errors import NotFound
from photovault.pipeline import purging

router = APIRouter(prefix="/images", tags=["images"])

ImageId = Annotated[UUID, Path(description="A photo's id.")]
# Behind a gateway that gives up after 29 seconds; what is left the next sweep does.
SECONDS = 8.0


class TrashedImage(schemas.Image):
    purged_on: date = Field(description="From this day on (UTC) the photo may be gone for good.")


class Photos(schemas.Schema):
    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class Changed(schemas.Schema):
    changed: int = Field(description="Photos that are otherwise now.")
    unchanged: int = Field(description="Photos that were so already.")


class Emptying(schemas.Schema):
    job_id: UUID = Field(description="Watch it at `GET /jobs/{id}`.")
    photos: int = Field(description="How many are being removed; some or all of them are gone by now.")


@router.get("/trash", operation_id="listTrash")
def list_trash(
    person: CurrentPerson, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[TrashedImage]:
    """Deleted photos, latest first. Each says on which day, 30 days after it was deleted, it is removed for good."""
    after = cursors.decode("trash", cursor, "tu")
    with person.transaction() as conn:
        rows = images.trash(conn, limit=limit + 1, after=after)
        shown = presenting.image_list(conn, rows[:limit])
    following = next_cursor("trash", rows, limit=limit, key=lambda row: (row.deleted_at, row.id))
    return schemas.Page(
        items=[
            TrashedImage(**dict(image), purged_on=trash.purged_on(image.deleted_at))
            for image in shown
            if image.deleted_at is not None
        ],
        next_cursor=following,
    )


@router.post("/trash", operation_id="deleteImages", responses=NOT_FOUND)
def delete_images(body: Photos, person: CurrentPerson) -> Changed:
    """Move up to 1,000 photos to the trash, from where they can be restored for 30 days. Of unknown ids, none moves."""
    return move(person, body.image_ids, into=True)


@router.post("/restore", operation_id="restoreImages", responses=NOT_FOUND)
def restore_images(body: Photos, person: CurrentPerson) -> Changed:
    """Take up to 1,000 photos out of the trash, back into their albums. Of unknown ids, none moves."""
    return move(person, body.image_ids, into=False)


@router.post("/trash/empty", status_code=202, operation_id="emptyTrash")
def empty_trash(person: CurrentPerson) -> Emptying:
    """Remove everything that is in the trash now, for good: nothing brings it back.

    A few thousand photos are gone when the answer comes. More are removed by and by: the job tells how far that is,
    and cancelling it keeps the rest. What is moved to the trash meanwhile stays there.
    """
    ends = time.monotonic() + SECONDS
    purging.note(person.user_id)
    with changing(person) as change:
        photos = trash.count(change.conn)
        job_id = jobs.begin(change.conn, purging.JOB, total=photos)
    purging.empty(person.user_id, remaining=lambda: ends - time.monotonic(), least=0)
    return Emptying(job_id=job_id, photos=photos)


@router.delete("/trash/{image_id}", status_code=204, operation_id="purgeImage", responses=NOT_FOUND)
def purge_image(person: CurrentPerson, image_id: ImageId) -> Response:
    """Remove one photo of the trash for good: nothing brings it back. One that is not in the trash is not found."""
    purging.note(person.user_id)
    with changing(person) as change:
        if not trash.purge_one(change.conn, image_id, revision=change.revision):
            raise NotFound("There is no such photo in the trash.")
    return Response(status_code=204)


def move(person: edge.Person, image_ids: Collection[UUID], *, into: bool) -> Changed:
    """Into the trash or out of it. Raises ``NotFound``, and moves none, when one does not exist."""
    wanted = set(image_ids)
    queues.send_rebuild_check(person.user_id)
    with changing(person) as change:
        images.require(change.conn, wanted)
        move = images.move_all_to_trash if into else images.restore_all
        moved = move(change.conn, wanted, revision=change.revision)
        done = "deleted" if into else "restored"
        if len(moved) == 1:
            activity.record(change.conn, f"photo-{done}", image_id=str(moved[0]))
        elif moved:
            activity.record(change.conn, f"photos-{done}", photos=len(moved))
        if moved:
            rebuilds.want(change.conn)
        if not into:  # they may have been edited meanwhile
            smart_albums.follow(change.conn, moved, revision=change.revision)
        waiting = [] if into else films.among(change.conn, moved)
    for film_id in waiting:  # its picture may have come meanwhile
        queues.send_vision(person.user_id, film_id)
    queues.send_albums(person.user_id)
    return Changed(changed=len(moved), unchanged=len(wanted) - len(moved))
