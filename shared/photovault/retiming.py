"""Correcting when photos were taken: one photo's time, or the clock of a whole camera.

A corrected time has the source ``person``. What the file says stays beside it in the row (``file_*``), so that it can
be given back, and so that vision, should it look at the photo later, does not overwrite the correction. A correction
that leads back to what the file says is none: the photo has its file's source again, so that a shift is undone by the
opposite shift.

Words and places are not touched: no index of words holds a time. Albums are derived from days and want a rebuild.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from photovault import db, images, moments, timezones
from photovault.errors import Invalid, NotFound

if TYPE_CHECKING:
    from photovault.db import Connection

SOURCE = "person"
MOST = 10_000
"""Photos of one shift."""


class Time(NamedTuple):
    """A wall-clock time (naive) and the minutes of its offset from UTC, None where unknown."""

    local: datetime
    offset_minutes: int | None

    @property
    def instant(self) -> datetime | None:
        return None if self.offset_minutes is None else timezones.instant_of(self.local, self.offset_minutes)


@dataclass(frozen=True)
class Timed:
    """A photo's time as the row has it; ``source`` is None before vision saw the photo. ``zone`` is its position's."""

    id: UUID
    filename: str
    local: datetime
    offset_minutes: int | None
    source: str | None
    zone: str | None
    file_local: datetime | None
    file_offset_minutes: int | None
    file_source: str | None

    @property
    def time(self) -> Time:
        return Time(self.local, self.offset_minutes)

    @property
    def file_time(self) -> Time | None:
        """What the file says, of a corrected photo."""
        return None if self.file_local is None else Time(self.file_local, self.file_offset_minutes)


@dataclass(frozen=True)
class Change:
    """What a photo's time becomes; ``source`` is ``person`` or, of a correction that is taken back, the file's."""

    photo: Timed
    after: Time
    source: str | None


@dataclass(frozen=True)
class Shift:
    """``by`` is added to what the clocks showed; then ``offset_minutes`` says how far they were from UTC."""

    by: timedelta = timedelta()
    offset_minutes: int | None = None


_COLUMNS = (
    "id, filename, sort_at AS local, taken_offset_minutes AS offset_minutes, taken_source AS source, zone, "
    "file_local, file_offset_minutes, file_source"
)


def by_ids(conn: Connection, image_ids: Sequence[UUID]) -> list[Timed]:
    """These photos, oldest first. Raises ``NotFound`` when one is missing."""
    found = db.rows(
        conn, Timed, f"SELECT {_COLUMNS} FROM images WHERE id = ANY(%s) ORDER BY sort_at, id", [list(image_ids)]
    )
    if len(found) < len(set(image_ids)):
        raise NotFound("There is no such photo.")
    return found


def by_camera(
    conn: Connection, make: str | None, model: str | None, *, from_day: date | None, to_day: date | None
) -> list[Timed]:
    """A camera's photos outside the trash, oldest first, of these local days. Raises ``Invalid`` for too many."""
    found = db.rows(
        conn,
        Timed,
        f"SELECT {_COLUMNS} FROM images WHERE deleted_at IS NULL AND camera_make IS NOT DISTINCT FROM %(make)s::text "
        "AND camera_model IS NOT DISTINCT FROM %(model)s::text AND local_day IS NOT NULL "
        "AND (%(from)s::date IS NULL OR local_day >= %(from)s) AND (%(to)s::date IS NULL OR local_day <= %(to)s) "
        "ORDER BY sort_at, id LIMIT %(limit)s",
        {"make": make, "model": model, "from": from_day, "to": to_day, "limit": MOST + 1},
    )
    if len(found) > MOST:
        raise Invalid(f"These are more than {MOST} photos. Narrow the days with `from` and `to`.")
    return found


def corrected(photo: Timed, local: datetime, offset_minutes: int | None) -> Change | None:
    """A photo's right time; None when it has that already, of its file or a person.

    Without an offset that of the zone at its position counts, else the one that it has.
    """
    if offset_minutes is None:
        at_place = timezones.offset_at(photo.zone, local) if photo.zone else None
        offset_minutes = photo.offset_minutes if at_place is None else at_place
    after = Time(local, offset_minutes)
    by_person = photo.source == SOURCE
    guessed = photo.file_source if by_person else photo.source
    if guessed is None or guessed in moments.TIMES_OF_FILES:
        # To say that a photo was taken when its file was written is to say something new: albums go by it then.
        return None if by_person and after == photo.time else Change(photo, after, SOURCE)
    return None if after == photo.time else _change(photo, after)


def shifted(photo: Timed, shift: Shift) -> Change | None:
    """A photo's time after a shift; None when the photo has no time of its own, or the same.

    Where the offset is the one of the zone at the position, it stays so: a camera that was half a year wrong was wrong
    about summer time, too.
    """
    if photo.source in {None, "upload"}:
        return None
    try:
        local = photo.local + shift.by
    except OverflowError:
        raise _out_of_range(photo) from None
    offset = photo.offset_minutes if shift.offset_minutes is None else shift.offset_minutes
    if shift.offset_minutes is None and photo.zone and offset == timezones.offset_at(photo.zone, photo.local):
        offset = timezones.offset_at(photo.zone, local)
    after = Time(local, offset)
    return None if after == photo.time else _change(photo, after)


def given_back(photo: Timed) -> Change | None:
    """What the file says of a corrected photo; None for others."""
    return Change(photo, photo.file_time or photo.time, photo.file_source) if photo.source == SOURCE else None


def _change(photo: Timed, after: Time) -> Change:
    same_as_file = photo.source == SOURCE and after == photo.file_time and photo.file_source != "upload"
    return Change(photo, after, photo.file_source if same_as_file else SOURCE)


def check(changes: Sequence[Change], *, now: datetime) -> None:
    """Raises ``Invalid`` when a time would lie before photography or in the future, naming the first such photo."""
    latest = now.astimezone(UTC) + timedelta(days=1)
    for change in changes:
        wall_clock = change.after.local.replace(tzinfo=UTC)
        if change.after.local < moments.OLDEST or max(wall_clock, change.after.instant or wall_clock) > latest:
            raise _out_of_range(change.photo)


def _out_of_range(photo: Timed) -> Invalid:
    return Invalid(f"{photo.filename} would be from before photography or from the future. Nothing was changed.")


def apply(conn: Connection, changes: Sequence[Change], *, revision: int) -> None:
    """Write corrected times, and give photos back to their files where that is the outcome."""
    kept = [change for change in changes if change.source == SOURCE]
    conn.execute(
        """
        UPDATE images i SET
            file_instant = CASE WHEN i.taken_source = 'person' THEN i.file_instant ELSE i.taken_instant END,
            file_offset_minutes =
                CASE WHEN i.taken_source = 'person' THEN i.file_offset_minutes ELSE i.taken_offset_minutes END,
            file_local = CASE WHEN i.taken_source = 'person' THEN i.file_local
                WHEN i.taken_source IS NOT NULL THEN i.sort_at END,
            file_source = CASE WHEN i.taken_source = 'person' THEN i.file_source ELSE i.taken_source END,
            taken_source = 'person', taken_instant = n.instant, taken_offset_minutes = n.offset_minutes,
            local_day = n.local::date, sort_at = n.local, revision = %(revision)s
        FROM unnest(%(ids)s::uuid[], %(locals)s::timestamp[], %(offsets)s::int[], %(instants)s::timestamptz[])
            AS n(id, local, offset_minutes, instant)
        WHERE i.id = n.id
        """,
        {
            "ids": [change.photo.id for change in kept],
            "locals": [change.after.local for change in kept],
            "offsets": [change.after.offset_minutes for change in kept],
            "instants": [change.after.instant for change in kept],
            "revision": revision,
        },
    )
    conn.execute(
        """
        UPDATE images SET
            taken_instant = file_instant, taken_offset_minutes = file_offset_minutes,
            taken_source = coalesce(file_source, CASE WHEN vision_failed THEN 'upload' END),
            local_day = coalesce(
                file_local::date,
                CASE WHEN file_source IS NOT NULL OR vision_failed THEN (created_at AT TIME ZONE 'UTC')::date END
            ),
            sort_at = coalesce(file_local, created_at AT TIME ZONE 'UTC'),
            file_instant = NULL, file_offset_minutes = NULL, file_local = NULL, file_source = NULL,
            revision = %(revision)s
        WHERE id = ANY(%(ids)s) AND taken_source = 'person'
        """,
        {"ids": [change.photo.id for change in changes if change.source != SOURCE], "revision": revision},
    )
    # An album without a cover of its own shows its latest photo, and its photos are in the order of their times.
    image_ids = [change.photo.id for change in changes]
    images.note_albums(conn, image_ids, revision=revision)
    images.settle_albums(conn, image_ids)
