"""Smart albums whose filter follows the calendar, such as the last thirty days: once a day, for nobody else does."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from photovault import db, smart_albums
from photovault.errors import PersonGone
from photovault.pipeline.deadlines import LEAST_SECONDS, Remaining, no_end
from photovault.pipeline.reports import Report, noting_failure


def roll_smart_albums(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Bring the smart albums of everybody who has such a filter up to date. The day is the database's, in UTC."""
    del now
    with db.maintenance() as conn:
        waiting = smart_albums.rolling(conn)
    for user_id in waiting:
        if remaining() < LEAST_SECONDS:
            return
        with noting_failure(report, "roll_smart_albums"), suppress(PersonGone), db.transaction(user_id) as conn:
            smart_albums.refresh(conn)
