"""Labels: what photos show, to browse by, and what a person says of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from photovault import cursors, labelling, smart_albums, things
from photovault.api import edge, labelled, presenting, schemas
from photovault.api.album_shapes import Cover, covers
from photovault.api.changing import changing
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.errors import Invalid

router = APIRouter(tags=["images"])

ImageId = Annotated[UUID, Path(description="A photo's id.")]
LabelPath = Annotated[
    labelled.LabelText, Path(description="In any spelling of small and capital letters.", examples=["beach"])
]


_MOST_IMAGES = 100
"""Whose ids an address can hold."""


class Label(schemas.Schema):
    name: str = Field(description="For `GET /images/list?label=`.", examples=["dog"])
    image_count: int = Field(
        description="Photos that show it and are neither archived nor in the trash; with `image_id`, of these photos "
        "all that are not in the trash."
    )
    best_score: float = Field(description="Of the clearest of them, up to 1.")
    cover: Cover | None = Field(description="The clearest of them.")


class LabelInPhoto(schemas.Schema):
    name: str = Field(examples=["beach"])
    score: float = Field(description="How sure the model is, from 0 to 1; 1 where the file or a person says so.")
    source: Literal["vision", "file", "person"] = Field(
        description="`vision`: a model sees it; `file`: it is a keyword of the file; `person`: you added it.",
        examples=["vision"],
    )


class LabelsOfPhoto(schemas.Schema):
    labels: list[LabelInPhoto] = Field(description="The surest first.")
    removed_labels: list[str] = Field(
        description="What you took away, of what a model or the file says.", examples=[["giraffe"]]
    )


@router.get("/labels", operation_id="listLabels")
def list_labels(
    person: CurrentPerson,
    q: Annotated[
        str, Query(max_length=100, description="Only labels of which a word begins so.", examples=["be"])
    ] = "",
    image_id: Annotated[
        list[UUID] | None, Query(max_length=_MOST_IMAGES, description="Only what these photos show; repeat it.")
    ] = None,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> schemas.Page[Label]:
    """What photos show, those with most photos first; with `image_id`, what some photos show, such as those that
    somebody has picked.

    A label is a keyword of the file, or one that you added; and a detector of 80 everyday things names what it sees,
    from a score of 0.35: nine in ten of its labels are right, and it sees about half of what is there. Without its
    model there are none of these; `GET /ready` says whether it runs. What is wrong can be taken away for good.
    """
    if "\x00" in q:
        raise Invalid("A label may not hold NUL characters.", [("q", "holds a NUL character")])
    after = cursors.decode("labels", cursor, "is")
    with person.transaction() as conn:
        beginning = " ".join(q.split())
        if image_id:
            rows = things.of_images(conn, image_id, limit=limit + 1, after=after, beginning=beginning)
        else:
            rows = things.page(conn, limit=limit + 1, after=after, beginning=beginning)
        found = covers(conn, [row.cover_image_id for row in rows[:limit]])
    shown = [
        Label(
            name=row.name,
            image_count=row.image_count,
            best_score=row.best_score,
            cover=found.get(row.cover_image_id),
        )
        for row in rows[:limit]
    ]
    following = next_cursor("labels", rows, limit=limit, key=lambda row: (row.image_count, row.label))
    return schemas.Page(items=shown, next_cursor=following)


@router.put("/images/{image_id}/labels/{label:path}", operation_id="addLabel", responses=schemas.NOT_FOUND)
def add_label(person: CurrentPerson, image_id: ImageId, label: LabelPath) -> LabelsOfPhoto:
    """Say that a photo shows something. Lists, searches and smart albums find it by that from now on, and models that
    look at it again do not take it away. `POST /images/edit` does it with many."""
    return _say(person, image_id, _Said(add_labels=[label]))


@router.delete("/images/{image_id}/labels/{label:path}", operation_id="removeLabel", responses=schemas.NOT_FOUND)
def remove_label(person: CurrentPerson, image_id: ImageId, label: LabelPath) -> LabelsOfPhoto:
    """Say that a photo does not show something. Models that look at it again do not bring it back.

    To take your word back, either way: `restore_labels` of `PATCH /images/{id}` or `POST /images/edit`.
    """
    return _say(person, image_id, _Said(remove_labels=[label]))


class _Said(schemas.Schema):
    add_labels: list[str] | None = None
    remove_labels: list[str] | None = None
    restore_labels: list[str] | None = None


def _say(person: edge.Person, image_id: UUID, said: _Said) -> LabelsOfPhoto:
    with changing(person) as change:
        presenting.existing(change.conn, image_id)
        if labelled.say(change, [image_id], said):
            smart_albums.follow(change.conn, [image_id], revision=change.revision)
        found = things.of_image(change.conn, image_id)
        removed = labelling.removed_from(change.conn, [image_id]).get(image_id, [])
    return LabelsOfPhoto(labels=shown(found), removed_labels=removed)


def shown(found: Sequence[things.Thing]) -> list[LabelInPhoto]:
    return [LabelInPhoto(name=each.label, score=each.score, source=each.source) for each in found]
