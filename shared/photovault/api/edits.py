"""Edits of many photos at once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator

from photovault import images, queues, rebuilds, smart_albums, terms
from photovault.api import labelled, relocated
from photovault.api.changing import changing
from photovault.api.edge import CurrentPerson
from photovault.api.schemas import NOT_FOUND, Schema
from photovault.api.trash import Changed
from photovault.errors import Invalid

router = APIRouter(prefix="/images", tags=["images"])


class Edit(Schema):
    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]
    favourite: bool | None = None
    archived: bool | None = None
    caption: Annotated[str | None, Field(max_length=2000, description="Of every one of them; empty removes it.")] = None
    location: relocated.Location = None
    add_labels: labelled.Added = None
    remove_labels: labelled.Removed = None
    restore_labels: labelled.Restored = None

    @model_validator(mode="after")
    def _something(self) -> Edit:
        flags = (self.favourite, self.archived, self.caption)
        if all(flag is None for flag in flags) and not self.relocates and not labelled.is_asked(self):
            raise ValueError("give `favourite`, `archived`, `caption`, `location` or labels to add, remove or restore")
        return self

    @property
    def relocates(self) -> bool:
        return "location" in self.model_fields_set


class Edited(Changed):
    labels: list[labelled.LabelChange] = Field(description="What undoes the changes of labels.")


@router.post("/edit", operation_id="editImages", responses=NOT_FOUND)
def edit_images(body: Edit, person: CurrentPerson) -> Edited:
    """Make up to 1,000 photos favourites, archive them, caption them, say where they were taken or what they show; what
    is not given stays. Of unknown ids, none is changed.

    The answer's `labels` say how to undo a change of labels: one request each.
    """
    if body.caption is not None and "\x00" in body.caption:
        raise Invalid("A caption may not hold NUL characters.", [("caption", "holds a NUL character")])
    wanted = set(body.image_ids)
    rebuild = body.archived is not None or body.relocates
    if rebuild:
        queues.send_rebuild_check(person.user_id)
    with changing(person) as change:
        images.require(change.conn, wanted)
        changed = images.edit_all(
            change.conn,
            wanted,
            revision=change.revision,
            caption=body.caption,
            favourite=body.favourite,
            archived=body.archived,
        )
        if body.caption is not None:
            terms.refresh_all(change.conn, changed)
        if body.relocates:
            changed = sorted({*changed, *relocated.correct(change, wanted, body.location)})
        said = labelled.say(change, wanted, body)
        changed = sorted({*changed, *(one.image_id for one in said)})
        smart_albums.follow(change.conn, changed, revision=change.revision)
        if changed and rebuild:
            rebuilds.want(change.conn)
    if rebuild:
        queues.send_albums(person.user_id)
    return Edited(changed=len(changed), unchanged=len(wanted) - len(changed), labels=labelled.changes(said))
