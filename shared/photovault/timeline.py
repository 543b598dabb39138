"""How many photos there are by month, from the roll-up by day: what a scrubber beside the list of photos shows."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.db import Connection

Key = tuple[datetime, UUID]
"""(sort_at, id), as ``images.page`` takes it."""


@dataclass(frozen=True)
class Month:
    """``month`` is its first day. ``images`` are those that the list of photos shows when nothing narrows it."""

    month: date
    images: int

    @property
    def last_day(self) -> date:
        return self.month.replace(day=monthrange(self.month.year, self.month.month)[1])

    def before(self, *, oldest_first: bool) -> Key:
        """The key after which a list in that order goes on with this month. No photo has it."""
        if oldest_first:
            return datetime.combine(self.month, time.min), UUID(int=0)
        return datetime.combine(self.last_day, time.max), UUID(int=(1 << 128) - 1)


def months(conn: Connection, *, oldest_first: bool = False) -> list[Month]:
    """The months with photos in the list, latest first unless said otherwise; a person has a few hundred at most."""
    direction = "ASC" if oldest_first else "DESC"
    return db.rows(
        conn,
        Month,
        "SELECT day AS month, listed AS images FROM image_days WHERE level = 'month' AND listed > 0 "
        f"ORDER BY day {direction}",
    )
