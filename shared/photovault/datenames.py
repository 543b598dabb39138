"""Dates that phones, cameras and messengers write into file names.

Known forms: ``IMG_20250911_085900.jpg`` (and MVIMG_, VID_, PANO_, Screenshot_), ``PXL_20250911_065900123.jpg`` (UTC),
``20250911_085900.jpg``, ``WP_20140101_12_34_56_Pro.jpg``, ``2025-09-11 08.59.00.jpg``,
``photo_2025-09-11_08-59-00.jpg`` and ``photo_1@11-09-2025_08-59-00.jpg`` (Telegram),
``signal-2025-09-11-085900.jpg``, ``WhatsApp Image 2025-09-11 at 8.59.00 PM.jpeg``, ``IMG-20250911-WA0001.jpg`` (a day),
``Screenshot 2025-09-11 at 08.59.00.png`` in a dozen languages, ``25-09-11 08-59-00 0123.jpg`` (Nextcloud), and
milliseconds since 1970: ``FB_IMG_1757573940123.jpg``, ``mmexport1757573940123.jpg``, ``1757573940123.jpg``.

Days and months in one order of the two are not told apart by a name, so that 11-09-2025 alone is no date.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

NOON = time(12)
"""A day without a time is given its noon: in the middle of its day, and far from any zone's edge."""

_DAY = r"(?<![0-9])(?P<year>(?:19|20)[0-9]{2})(?P<dash>[-_.]?)(?P<month>[0-9]{2})(?P=dash)(?P<day>[0-9]{2})"
_TIME = (
    # How systems say "at" in screenshots: English, German, French, Italian, Spanish, Dutch, Scandinavian, Slavic ...
    r"(?:[-_ .T]|,\s|_?at_|[-\s](?:at|um|à|alle(?:\sore)?|a\sla\(?s\)?|om|kl\.?|klo|às|o|в|from)[-\s])"
    r"(?P<hour>[0-9]{2}|[0-9](?=[-_.:hꓽ]))(?P<mark>[-_.:hꓽ]?)(?P<minute>[0-9]{2})(?:m|(?P=mark))(?P<second>[0-9]{2})"
    r"(?:[-_.]?(?P<milli>[0-9]{3})(?![0-9]))?(?![0-9])"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]|(?P<zulu>Z)(?![A-Za-z]))?"
)
_STAMP = re.compile(_DAY + _TIME)
_RUN = re.compile(
    r"(?<![0-9])(?P<year>20[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})(?P<milli>[0-9]{3})?(?![0-9])"
)
_TELEGRAM = re.compile(
    r"@(?P<day>[0-9]{2})-(?P<month>[0-9]{2})-(?P<year>20[0-9]{2})"
    r"_(?P<hour>[0-9]{2})-(?P<minute>[0-9]{2})-(?P<second>[0-9]{2})(?![0-9])"
)
_NEXTCLOUD = re.compile(
    r"^(?P<year>[0-9]{2})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r" (?P<hour>[0-9]{2})-(?P<minute>[0-9]{2})-(?P<second>[0-9]{2}) [0-9]{4}(?![0-9])"
)
_WHOLE_DAY = re.compile(_DAY + r"(?![0-9])")
# From 2008, or 2011 without more of a name, to 2033. Ten digits of seconds look like a telephone's number.
_EPOCH = re.compile(
    r"(?:(?:FB_IMG_|mmexport|wx_camera_|microMsg\.|IMG_|image_|Screenshot_)(?=1[2-9])|^(?=1[3-9]))"
    r"(?P<milli>[0-9]{13})(?![0-9])",
    re.IGNORECASE,
)
_UTC = re.compile(r"(?<![A-Za-z])PXL_")


@dataclass(frozen=True)
class NamedDate:
    """``local`` is naive; ``utc`` says that it is UTC instead; ``whole_day`` that only the day was written."""

    local: datetime
    utc: bool = False
    whole_day: bool = False


def read(filename: str | None) -> NamedDate | None:
    """The date in a file name, or None; folders before the name are ignored."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", filename or "")[-1][-255:])
    if not name:
        return None
    if found := _EPOCH.search(name):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found["milli"]))
        return NamedDate(moment.replace(tzinfo=None), utc=True)
    for pattern in (_STAMP, _RUN, _TELEGRAM, _NEXTCLOUD):
        for found in pattern.finditer(name):
            if (local := _moment(found)) is not None:
                return NamedDate(local, utc=bool(found.groupdict().get("zulu") or _UTC.search(name)))
    for found in _WHOLE_DAY.finditer(name):
        try:
            day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), NOON.hour)  # noqa: DTZ001
        except ValueError:
            continue
        return NamedDate(day, whole_day=True)
    return None


def _moment(found: re.Match[str]) -> datetime | None:
    groups = found.groupdict()
    hour = int(groups["hour"])
    if half := groups.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        return datetime(  # noqa: DTZ001 - file names hold wall-clock times
            int(groups["year"]) + (2000 if len(groups["year"]) == 2 else 0),
            int(groups["month"]),
            int(groups["day"]),
            hour,
            int(groups["minute"]),
            int(groups["second"]),
            int(groups.get("milli") or 0) * 1000,
        )
    except ValueError:
        return None
