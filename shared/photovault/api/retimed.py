"""Requests that correct times: their shapes, and what is done about them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, NaiveDatetime, model_validator

from photovault import activity, images, moments, queues, rebuilds, retiming, smart_albums
from photovault.api import edge, presenting, schemas
from photovault.api.changing import Change, Once, changing
from photovault.errors import Invalid

if TYPE_CHECKING:
    from photovault.db import Connection

SHOWN = 1000
"""Changes that a dry run shows, oldest photos first."""

_CENTURY = 100 * 366 * 86_400


def _offset(text: str) -> str:
    if moments.parse_offset(text) is None:
        raise ValueError("an offset from UTC is one of -12:00 to +14:00")
    return text


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("may not hold NUL characters")
    return text


Offset = Annotated[
    str,
    AfterValidator(_offset),
    Field(max_length=6, description="Of the local time from UTC, -12:00 to +14:00.", examples=["+02:00"]),
]
CameraName = Annotated[str, AfterValidator(_without_nul), Field(max_length=200)]


class TimeEdit(schemas.Schema):
    local_time: Annotated[
        NaiveDatetime,
        Field(
            description="What a right clock on the wall showed, without an offset: 1826 to tomorrow.",
            examples=["2025-09-11T08:59:00"],
        ),
    ]
    offset: Offset | None = Field(
        None, description="Without it, what the zone at the photo's position says, else what the photo has."
    )


def _written(value: object) -> object:
    if not isinstance(value, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", value):
        raise ValueError("a time is written in ISO 8601")
    return value


def _on_earth(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    if offset is not None and (
        offset % timedelta(minutes=1) or not moments.is_offset(round(offset.total_seconds() / 60))
    ):
        raise ValueError("an offset from UTC is one of -12:00 to +14:00")
    return moment


TakenAt = Annotated[datetime, BeforeValidator(_written), AfterValidator(_on_earth)]
"""A wall-clock time and its offset in one text; without an offset it is a local time alone."""


class CameraOf(schemas.Schema):
    """As `camera` of a photo shows it."""

    make: CameraName | None
    model: CameraName | None


class ShiftRequest(schemas.Schema):
    """Which photos, by their ids or by camera and days; and how."""

    image_ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=1000)] = None
    camera: CameraOf | None = None
    from_day: date | None = Field(None, description="With `camera`: the first local day, as the photos have it now.")
    to_day: date | None = Field(None, description="With `camera`: the last local day.")
    by_seconds: Annotated[
        int | None, Field(ge=-_CENTURY, le=_CENTURY, description="Added to what the clock showed.", examples=[3600])
    ] = None
    offset: Offset | None = None
    restore: bool = Field(False, description="Give the photos back to what their files say; not with a shift.")
    dry_run: bool = False

    @model_validator(mode="after")
    def _whole(self) -> ShiftRequest:
        if (self.image_ids is None) == (self.camera is None):
            raise ValueError("name photos by either `image_ids` or `camera`")
        if self.camera is None and (self.from_day or self.to_day):
            raise ValueError("`from_day` and `to_day` go with `camera`")
        if self.from_day and self.to_day and self.from_day > self.to_day:
            raise ValueError("`from_day` is later than `to_day`")
        shifts = self.by_seconds is not None or self.offset is not None
        if shifts == self.restore:
            raise ValueError("give `by_seconds`, `offset` or both; or `restore`")
        return self


class TimeShown(schemas.Schema):
    local_time: datetime = Field(description="The clock on the wall, without an offset.")
    offset: str | None
    source: str | None


class ShiftedPhoto(schemas.Schema):
    image_id: UUID
    filename: str
    before: TimeShown
    after: TimeShown


class Shifted(schemas.Schema):
    dry_run: bool
    changed: int = Field(description="Photos that have another time now, or would have.")
    unchanged: int = Field(description="Photos that had it already, or whose file has no time that could be shifted.")
    items: list[ShiftedPhoto] = Field(description=f"Of a dry run: the first {SHOWN} changes, oldest photos first.")


def of_text(taken_at: datetime | None) -> TimeEdit | None:
    """``taken_at`` as ``taken``."""
    if taken_at is None:
        return None
    offset = taken_at.utcoffset()
    return TimeEdit(
        local_time=taken_at.replace(tzinfo=None),
        offset=None if offset is None else presenting.offset(round(offset.total_seconds() / 60)),
    )


def correct(change: Change, image_id: UUID, wanted: TimeEdit | None) -> bool:
    """Set or give back one photo's time; whether it changed. Raises ``Invalid``."""
    (photo,) = retiming.by_ids(change.conn, [image_id])
    if wanted is None:
        made = retiming.given_back(photo)
    else:
        minutes = None if wanted.offset is None else moments.parse_offset(wanted.offset)
        made = retiming.corrected(photo, wanted.local_time, minutes)
    if made is None:
        return False
    retiming.check([made], now=datetime.now(UTC))
    retiming.apply(change.conn, [made], revision=change.revision)
    activity.record(change.conn, "time-corrected", image_id=str(image_id), restored=wanted is None)
    return True


def by_file(conn: Connection, image: images.Image) -> TimeShown | None:
    """What the file of a corrected photo says; None of others, and before the file was looked at."""
    if image.taken_source != retiming.SOURCE:
        return None
    (photo,) = retiming.by_ids(conn, [image.id])
    if photo.file_time is None:
        return None
    return _time(photo.file_time, photo.file_source)


def shift(person: edge.Person, body: ShiftRequest, *, key: str | None) -> Shifted:
    """Shift many photos at once, or say what that would do. Raises ``Invalid``, ``NotFound``, ``Conflict``."""
    if body.dry_run:
        with person.transaction() as conn:
            photos = _photos(conn, body)
        changes = _changes(photos, body)
        return Shifted(
            dry_run=True,
            changed=len(changes),
            unchanged=len(photos) - len(changes),
            items=[_shown(each) for each in changes[:SHOWN]],
        )
    once = Once.of(key, "shiftTime", body)
    queues.send_rebuild_check(person.user_id)
    with changing(person) as change:
        conn = change.conn
        event_id = once.before(conn)
        if event_id is None:
            photos = _photos(conn, body)
            changes = _changes(photos, body)
            if changes:
                retiming.apply(conn, changes, revision=change.revision)
                smart_albums.follow(conn, [each.photo.id for each in changes], revision=change.revision)
                rebuilds.want(conn)
            event_id = activity.record(
                conn,
                "times-shifted",
                changed=len(changes),
                unchanged=len(photos) - len(changes),
                **body.model_dump(mode="json", include={"camera", "by_seconds", "offset", "restore"}),
            )
            once.made(conn, event_id)
        event = activity.get(conn, event_id)
    queues.send_albums(person.user_id)
    detail = event.detail if event else {}
    return Shifted(dry_run=False, changed=detail.get("changed", 0), unchanged=detail.get("unchanged", 0), items=[])


def _photos(conn: Connection, body: ShiftRequest) -> list[retiming.Timed]:
    if body.image_ids is not None:
        return retiming.by_ids(conn, body.image_ids)
    if body.camera is None:
        raise Invalid("Name photos by either `image_ids` or `camera`.")
    return retiming.by_camera(conn, body.camera.make, body.camera.model, from_day=body.from_day, to_day=body.to_day)


def _changes(photos: list[retiming.Timed], body: ShiftRequest) -> list[retiming.Change]:
    if body.restore:
        found = [retiming.given_back(photo) for photo in photos]
    else:
        minutes = None if body.offset is None else moments.parse_offset(body.offset)
        wanted = retiming.Shift(timedelta(seconds=body.by_seconds or 0), minutes)
        found = [retiming.shifted(photo, wanted) for photo in photos]
    changes = [each for each in found if each is not None]
    retiming.check(changes, now=datetime.now(UTC))
    return changes


def _shown(change: retiming.Change) -> ShiftedPhoto:
    photo = change.photo
    return ShiftedPhoto(
        image_id=photo.id,
        filename=photo.filename,
        before=_time(photo.time, photo.source),
        after=_time(change.after, change.source),
    )


def _time(time: retiming.Time, source: str | None) -> TimeShown:
    return TimeShown(local_time=time.local, offset=presenting.offset(time.offset_minutes), source=source)
