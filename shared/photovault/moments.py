"""Moments as photo files write them, and those that only a clock without a setting shows.

All are naive wall-clock times with the minutes of an offset from UTC beside them, where one was written.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from email.utils import parsedate_to_datetime

from photovault.datenames import NOON

Written = tuple[datetime, int | None]
"""Naive time and minutes east of UTC; None where no offset was written."""

TIMES_OF_FILES = frozenset({"exif_modified", "png_modified", "file_modified", "upload"})
"""Those of ``metadata.SOURCES`` that tell when a file was last written or sent, not when the photo was taken."""

OLDEST = datetime(1826, 1, 1)  # noqa: DTZ001 - the first photograph (Niépce)

# Zeros of counters that were never set: QuickTime and HFS, FAT, GPS, OLE Automation. Nobody means them.
_ZEROS = frozenset({datetime(1904, 1, 1), datetime(1980, 1, 1), datetime(1980, 1, 6), datetime(1899, 12, 30)})  # noqa: DTZ001
_UNIX = datetime(1970, 1, 1)  # noqa: DTZ001
# The date that the firmware of many compact cameras of the time starts with.
_FIRMWARE = datetime(2002, 12, 8, 12)  # noqa: DTZ001
_WIDEST = (-12 * 60, 14 * 60)  # minutes; the offsets in use on Earth

_MOMENT = re.compile(
    r"\s*(?P<year>[0-9]{4})(?:[-:./ ](?P<month>[0-9]{1,2})(?:[-:./ ](?P<day>[0-9]{1,2}))?)?"
    r"(?:[T ]+(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})(?:[:.](?P<second>[0-9]{1,2})(?:[.,](?P<part>[0-9]+))?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|[+-][0-9]{1,2}:?[0-9]{2})?\s*"
)
_PADDED = re.compile(r":\s(?=[0-9](?![0-9]))")
_OFFSET = re.compile(r"([+-])([0-9]{1,2}):?([0-9]{2})")


def parse(text: str | None) -> Written | None:
    """A date as EXIF, XMP (ISO 8601) and careless software write it.

    A missing time is noon, a missing month or day the first one; EXIF leaves blanks between its colons for them. Old
    cameras pad with blanks, and phones that are set to twelve hours write them. A second that is rounded up to 60 and
    midnight as 24:00:00 belong to what follows. None for no date of the calendar.
    """
    found = _MOMENT.fullmatch(_PADDED.sub(":0", text[:64].rstrip(" :\0"))) if text else None
    if found is None:
        return None
    clock, carry = NOON, timedelta()
    try:
        if found["hour"]:
            hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
            if found["half"] and 1 <= hour <= 12:
                hour = hour % 12 + (12 if found["half"] in "Pp" else 0)
            if second == 60:
                second, carry = 59, timedelta(seconds=1)
            elif (hour, minute, second) == (24, 0, 0):
                hour, carry = 0, timedelta(days=1)
            clock = time(hour, minute, second, int((found["part"] or "")[:6].ljust(6, "0")))
        day = date(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1))
        return datetime.combine(day, clock) + carry, parse_offset(found["zone"])
    except (ValueError, OverflowError):
        return None


def parse_mail(text: str | None) -> Written | None:
    """A date as RFC 1123 and e-mail write it, which PNG recommends for its ``Creation Time``; else as ``parse``."""
    if (plain := parse(text)) or not text:
        return plain
    try:
        moment = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    offset = moment.utcoffset()
    minutes = None if offset is None else parse_offset(_signed(round(offset / timedelta(minutes=1))))
    return moment.replace(tzinfo=None), minutes


def _signed(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def parse_offset(text: str | None) -> int | None:
    """Minutes east of UTC of ``+02:00``, ``-0530`` or ``Z``; None outside -12:00 to +14:00 and for anything else."""
    text = (text or "").strip()
    if text in {"Z", "z"}:
        return 0
    found = _OFFSET.fullmatch(text)
    if found is None or int(found[3]) > 59:
        return None
    minutes = (int(found[2]) * 60 + int(found[3])) * (-1 if found[1] == "-" else 1)
    return minutes if is_offset(minutes) else None


def is_offset(minutes: int) -> bool:
    """Whether clocks on Earth may be that far from UTC."""
    return _WIDEST[0] <= minutes <= _WIDEST[1]


def is_zero(local: datetime) -> bool:
    """Whether a counter that was never set shows this time: it says nothing about a photo."""
    if local in _ZEROS:
        return True
    # Unix' zero, seen through any zone: a whole quarter of an hour within 14 hours of it.
    from_zero = local.replace(microsecond=0) - _UNIX
    return abs(from_zero) <= timedelta(hours=14) and from_zero % timedelta(minutes=15) == timedelta()


def is_doubtful(local: datetime) -> bool:
    """Whether a camera whose clock was never set is likely to show this time; but a person may have meant it.

    Clocks start at a midnight of New Year, of 2000 (two digits of zero), 2001 (Apple's zero) or the year of the
    firmware. Whoever knows only the year of a photo writes the same. So it is believed where nothing contradicts.
    """
    return local == _FIRMWARE or (local.year >= 2000 and local == datetime(local.year, 1, 1))  # noqa: DTZ001
