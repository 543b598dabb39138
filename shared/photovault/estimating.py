"""Where a photo without a position was probably taken: where the same person's photos close in time were.

Pure and near linear. ``estimate`` looks at the nearest located photo before and the nearest after, within hours:

- Both there and close to each other: the photo lies between them, in proportion to the time. Both there and far apart:
  somebody travelled in between, either could be right, and nothing is said.
- One of them only: its position, if it is at most ``one_side_hours`` away.

Only measured and corrected positions count, an estimate never does; so the result is a function of the *set* of photos
with a position, whatever the order or the batches in which photos came, and estimating again changes nothing. Without a
camera's name a picture gets no estimate (screenshots, downloads, messengers strip or never had it), nor does one whose
time is that of a file and not of a photo.

The idea is PhotoPrism's (``photo_estimate.go``, 36 hours and 100 km), with windows so much narrower that a person would
say the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from photovault.globe import distance_km

#: Sources of a photo's time that tell when it was taken, not when a film was scanned or a file was sent or written.
TIMES = frozenset({"sidecar", "exif", "gps", "xmp", "iptc", "person"})
#: Of these, the ones that are given noon where they know the day alone.
_MAY_BE_A_DAY = frozenset({"sidecar", "xmp", "iptc", "person"})
_NOON = time(12)


class Names(NamedTuple):
    """Of a place; ``place_id`` is the city's GeoNames id. What is not known is None."""

    country_code: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    place_id: int | None = None


class Position(NamedTuple):
    """Degrees (WGS 84), measured or said by the person, and what the place there is called."""

    lat: float
    lon: float
    names: Names = Names()


@dataclass(frozen=True)
class Photo:
    """What estimating needs to know. ``local``: wall-clock time, naive; ``instant``: UTC, None without an offset.

    ``position`` is None for a photo that may get an estimate, be there one already or not.
    """

    id: UUID
    local: datetime
    instant: datetime | None
    time_source: str | None
    has_camera: bool
    position: Position | None = None


@dataclass(frozen=True)
class Estimate:
    """A probable place. ``accuracy_km``: how far off it may be for somebody on foot. Names as far as they are sure."""

    lat: float
    lon: float
    accuracy_km: float
    names: Names


@dataclass(frozen=True)
class Rules:
    """Every number of the rules; all are judgements, on the side of saying nothing."""

    window_hours: float = 6.0
    """A located photo farther away in time says nothing."""
    one_side_hours: float = 1.0
    """A located photo alone, without one on the other side, must be so close."""
    agree_km: float = 20.0
    """Two located photos farther apart are two places: a town and its surroundings are one."""
    least_accuracy_km: float = 0.5
    walking_km_per_hour: float = 5.0


class _Evidence(NamedTuple):
    """A located photo. Ordered by what it says, never by an id."""

    at: datetime
    lat: float
    lon: float
    names: tuple[str, ...]
    position: Position


def estimate(photos: Iterable[Photo], rules: Rules = Rules()) -> dict[UUID, Estimate]:
    """The estimates of a person's photos, by id; of those that get none there is no entry."""
    photos = list(photos)
    wanting = [photo for photo in photos if photo.position is None and photo.has_camera and _has_time(photo)]
    if not wanting:
        return {}
    located = [photo for photo in photos if photo.position is not None and _has_time(photo)]
    # Who knows an offset is compared by instants; who does not, by what the clocks showed there.
    by_instant = _in_order((photo.instant, photo.position) for photo in located)
    by_clock = _in_order((photo.local, photo.position) for photo in located)
    found = {}
    for photo in wanting:
        made = (
            _between(by_clock, photo.local, rules)
            if photo.instant is None
            else _between(by_instant, photo.instant, rules)
        )
        if made is not None:
            found[photo.id] = made
    return found


def _has_time(photo: Photo) -> bool:
    """Whether the time is a photo's, to the minute."""
    if photo.time_source not in TIMES:
        return False
    return not (photo.time_source in _MAY_BE_A_DAY and photo.local.time() == _NOON)


def _in_order(photos: Iterable[tuple[datetime | None, Position | None]]) -> list[_Evidence]:
    found = [
        _Evidence(at, position.lat, position.lon, tuple(str(name or "") for name in position.names), position)
        for at, position in photos
        if at is not None and position is not None
    ]
    return sorted(found, key=lambda evidence: evidence[:4])


def _between(evidence: Sequence[_Evidence], at: datetime, rules: Rules) -> Estimate | None:
    """From the nearest before and the nearest after; one at the very same time is both."""
    window = timedelta(hours=rules.window_hours)
    first_after = bisect_left(evidence, at, key=lambda each: each.at)
    last_before = bisect_right(evidence, at, key=lambda each: each.at) - 1
    before = evidence[last_before] if last_before >= 0 else None
    after = evidence[first_after] if first_after < len(evidence) else None
    since = at - before.at if before is not None else window * 2
    until = after.at - at if after is not None else window * 2
    hours = min(since, until) / timedelta(hours=1)
    walked = rules.least_accuracy_km + rules.walking_km_per_hour * hours
    if before is not None and after is not None and max(since, until) <= window:
        apart = distance_km((before.lat, before.lon), (after.lat, after.lon))
        if apart > rules.agree_km:
            return None
        share = since / (since + until) if since + until else 0.5
        lat, lon = _along(before.position, after.position, share)
        accuracy = walked + apart * min(share, 1 - share)
        return Estimate(lat, lon, round(accuracy, 1), _common(before.position.names, after.position.names))
    nearest = before if since <= until else after
    if nearest is None or hours > rules.one_side_hours:
        return None
    return Estimate(nearest.lat, nearest.lon, round(walked, 1), nearest.position.names)


def _along(one: Position, other: Position, share: float) -> tuple[float, float]:
    """The point at ``share`` of the way; by unit vectors, right across the antimeridian and at the poles.

    To 1/10,000 degree (11 m), which is finer than any estimate. A way of nothing gives the point itself.
    """
    if (one.lat, one.lon) == (other.lat, other.lon):
        return one.lat, one.lon
    a, b = _vector(one), _vector(other)
    x, y, z = (p + (q - p) * share for p, q in zip(a, b, strict=True))
    return round(math.degrees(math.atan2(z, math.hypot(x, y))), 4), round(math.degrees(math.atan2(y, x)), 4)


def _vector(position: Position) -> tuple[float, float, float]:
    phi, lam = math.radians(position.lat), math.radians(position.lon)
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


def _common(one: Names, other: Names) -> Names:
    """What two places have in common, from the country down: between Lisbon and Almada, Portugal is sure."""
    if one.country_code is None or one.country_code != other.country_code:
        return Names()
    # Of two spellings, as an online geocoder may have given one of them, the same one in either order.
    country = min(filter(None, (one.country, other.country)), default=None)
    if one.region != other.region:
        return Names(one.country_code, country)
    if one.city != other.city:
        return Names(one.country_code, country, one.region)
    ids = {each for each in (one.place_id, other.place_id) if each is not None}
    return Names(one.country_code, country, one.region, one.city, min(ids, default=None))
