"""The timeline: months with photos, and where each begins in the list."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from photovault import cursors, timeline
from photovault.api.edge import CurrentPerson
from photovault.api.schemas import Schema

router = APIRouter(prefix="/images", tags=["images"])


class Month(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    month: str = Field(description="In which the photos were taken, by the local clock.", examples=["2025-05"])
    count: int = Field(description="Photos that `GET /images/list` shows of it when nothing narrows the list.")
    cursor: str = Field(
        description="Give it to `GET /images/list`, with the same `order`, to go on with the month's first photo."
    )
    from_: date = Field(alias="from", description="The month's first day.")
    to: date = Field(description="The month's last day.")


class Timeline(Schema):
    items: list[Month]
    total: int = Field(description="Photos in all months.")


@router.get("/timeline", operation_id="timeline", summary="Photos by month")
def show_timeline(
    person: CurrentPerson,
    order: Annotated[
        Literal["newest", "oldest"], Query(description="Of the list that the cursors are for.")
    ] = "newest",
) -> Timeline:
    """Every month with photos and how many there are: what a scrubber beside the list needs. It is all in one answer.

    A photo stands where the list has it: at the local time it was taken, or that of its upload until that is known.
    """
    oldest_first = order == "oldest"
    with person.transaction() as conn:
        found = timeline.months(conn, oldest_first=oldest_first)
    return Timeline(items=[_shown(month, order) for month in found], total=sum(month.images for month in found))


def _shown(month: timeline.Month, order: str) -> Month:
    return Month(
        month=f"{month.month:%Y-%m}",
        count=month.images,
        cursor=cursors.encode(f"images-{order}", *month.before(oldest_first=order == "oldest")),
        from_=month.month,
        to=month.last_day,
    )
