"""Time zones by place, and their offsets by date.

At the edges of daylight-saving time a wall clock is not enough. Where an hour happens twice, the first one (still
summer time) is meant; where an hour is skipped, the clock is taken as not yet moved. Both follow PEP 495 with fold 0.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_at(latitude: float, longitude: float) -> str | None:
    """The IANA zone at a place, degrees north and east; at sea the nautical zone (``Etc/GMT-2``); None off the map.

    Looked up offline in the polygons that tzfpy carries (timezone-boundary-builder, ODbL).
    """
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    from tzfpy import get_tz

    return str(get_tz(longitude, latitude)) or None


def offset_at(zone: str, moment: datetime) -> int | None:
    """Minutes east of UTC in ``zone``, at an instant (aware) or at a local wall-clock time (naive).

    None when the zone is not known to this machine's time-zone data. Local mean times before standard time are rounded
    to the minute.
    """
    try:
        place = ZoneInfo(zone)
        local = moment.astimezone(place) if moment.tzinfo else moment.replace(tzinfo=place, fold=0)
        offset = local.utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return None
    return None if offset is None else round(offset / timedelta(minutes=1))


def instant_of(local: datetime, offset_minutes: int) -> datetime | None:
    """The UTC instant of a naive local time; None when it leaves the calendar."""
    try:
        return (local - timedelta(minutes=offset_minutes)).replace(tzinfo=UTC)
    except OverflowError:
        return None
