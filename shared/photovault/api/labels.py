"""Labels: the things that photos show, to browse by."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from photovault import cursors, things
from photovault.api import schemas
from photovault.api.album_shapes import Cover, covers
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor

router = APIRouter(tags=["images"])


class Label(schemas.Schema):
    name: str = Field(description="For `GET /images/list?label=`.", examples=["dog"])
    image_count: int = Field(description="Photos that show it and are neither archived nor in the trash.")
    best_score: float = Field(description="Of the clearest of them, up to 1.")
    cover: Cover | None = Field(description="The clearest of them.")


@router.get("/labels", operation_id="listLabels")
def list_labels(person: CurrentPerson, cursor: schemas.Cursor = None, limit: schemas.Limit = 50) -> schemas.Page[Label]:
    """The things that photos show, those with most photos first.

    A detector of 80 everyday things names them, from a score of 0.35: nine in ten of its labels are right, and it sees
    about half of what is there. Without its model there are none; `GET /ready` says whether it runs.
    """
    after = cursors.decode("labels", cursor, "is")
    with person.transaction() as conn:
        rows = things.page(conn, limit=limit + 1, after=after)
        found = covers(conn, [row.cover_image_id for row in rows[:limit]])
    shown = [
        Label(
            name=row.label,
            image_count=row.image_count,
            best_score=row.best_score,
            cover=found.get(row.cover_image_id),
        )
        for row in rows[:limit]
    ]
    following = next_cursor("labels", rows, limit=limit, key=lambda row: (row.image_count, row.label))
    return schemas.Page(items=shown, next_cursor=following)
