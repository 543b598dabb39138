"""What albums are drafted from and what comes out: photos, people, parameters, drafts. Pure values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

Kind = Literal["place", "date", "person", "trip", "event"]
Place = tuple[str, str, str, str]
"""(country code, country, region, city); parts that are not known are empty."""
Position = tuple[float, float]
"""Degrees (WGS 84): latitude, longitude."""


@dataclass(frozen=True, slots=True)
class Photo:
    """What drafting needs to know. ``local``: wall-clock time where it was taken; ``place_estimated``: place and
    position were borrowed from photos close in time, and are no evidence; ``dated``: the time is when it was taken, and
    not that of a file or of an upload; ``camera``: any name that tells a person's cameras apart."""

    id: UUID
    local: datetime
    local_day: date
    lat: float | None = None
    lon: float | None = None
    place: Place | None = None
    people: tuple[UUID, ...] = ()
    place_estimated: bool = False
    dated: bool = True
    camera: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody in the photos. Of ``birthday`` the month and the day count."""

    id: UUID
    name: str | None
    birthday: date | None = None


@dataclass(frozen=True)
class Parameters:
    """Every number of the rules. Distances in km. Home criteria and the home radius follow Ente's trip calculator, the
    lengths of trips are between Ente's and Journeys for Nextcloud; events follow Platt, Czerwinski and Field,
    "PhotoTOC" (2003). Where no source is named, the default is a judgement, checked by ``bench_albums``."""

    place_photos: int = 1
    """Photos with a measured position that make a city's album."""
    place_log_less: int = 6
    """In a large library it takes more: the logarithm to base 2 of its photos, less this (PhotoPrism: plus 1)."""
    year_months: int = 2
    """A year gets an album when it has photos in so many months."""
    month_photos: int = 1
    month_log_less: int = 5
    """In a large library a month's album takes more photos: the logarithm to base 2 of all, less this. Else the scans
    of half a life are a shelf of albums of one photo."""
    day_photos: int = 12
    """A day gets an album from so many photos on, unless a trip or an event holds half of them."""
    person_photos: int = 1
    """Grouping already asks for two photos or a name."""

    home_area_km: float = 1.5  # Ente: clusters of 0.6 km, merged at 1.5 km
    home_photos: int = 10  # Ente
    home_days: int = 10  # Ente
    home_weeks: int = 6  # Ente
    home_span_days: int = 45  # Ente
    home_absence_days: int = 120  # Ente asks for 12 active days in 120; here a longer absence ends the period
    home_margin_days: int = 90  # Ente: a home is current when used within 90 days
    home_settled_days: int = 150
    """A shorter period between two of another home is a long stay, and a trip."""
    home_visits: int = 4
    """Unless somebody went there so many times: a workplace, a second home."""
    home_wanderings: int = 3
    """So many short periods, one after the other, are a life on the road."""
    home_share: float = 0.5
    """Without a home by these rules, the place of so many of all located days stands in for one."""
    home_radius_km: float = 10.0  # Ente

    trip_gap_hours: float = 60.0
    """A longer silence ends a trip (Journeys: 36 h; Ente chains at 2 days within clusters)."""
    trip_gap_odds: float = 100.0
    """Unless it is at one place, and by the person's rhythm at home and on the trip it is not so many times as likely
    that they were at home meanwhile."""
    trip_most_gap_hours: float = 360.0  # Ente: 15 days
    trip_near_km: float = 50.0  # Journeys: 50 km
    trip_near_gap_hours: float = 15.0
    """So close to home, somebody silent for a night has slept at home (Journeys: 24 h)."""
    trip_hop_km: float = 800.0
    """A longer hop is one trip only when it takes less than ``trip_hop_hours`` (Ente: 800 km)."""
    trip_hop_hours: float = 36.0
    roam_hop_km: float = 300.0
    """For a person without any home, a longer hop begins another trip, if they stayed long before or after it."""
    roam_stay_days: float = 10.0
    trip_photos: int = 8
    trip_days: int = 2  # Ente
    trip_hours: float = 12.0
    """Both by photos with a position: a trip needs a night."""
    trip_city_share: float = 0.15
    """A city is named in the title from this share of the trip's photos on."""
    trip_clock_hours: float = 14.0
    """Clocks on Earth are at most so far from UTC, and so is one that was never set to the place."""
    trip_night_share: float = 0.1
    """A camera without positions whose clock shows the depth of night so often was not set to the place."""
    join_hours: float = 6.0
    """A photo without a position joins a trip so far before its first or after its last photo."""
    road_stops: int = 4
    """Places to sleep, one after the other, that make a road trip."""
    road_nights: float = 3.0
    """On average no more nights in each."""
    road_stop_km: float = 40.0
    road_hop_km: float = 600.0
    """A longer hop between two nights is a flight."""
    cruise_share: float = 0.3
    """Share of days with photos at sea that makes a cruise; at least two."""

    event_log_gap: float = math.log(17)  # PhotoTOC, K
    event_window: int = 10  # PhotoTOC, d
    event_least_gap_minutes: float = 30.0
    event_most_gap_hours: float = 8.0
    event_pause_hours: float = 2.0
    event_log_pause: float = math.log(6)
    """A pause of hours, so much longer than the gaps of a burst, is not inside it: what is left of it decides."""
    event_photos: int = 8
    event_rhythm: float = 1.5
    """So many times what the person takes on a day around that time, where this is more."""
    event_rhythm_days: int = 45
    event_minutes: float = 15.0
    """A shorter burst is a series of shots."""
    event_days: int = 2
    event_far_km: float = 20.0
    event_far_hours: float = 3.0
    """So far from home for so long, a day is a day trip."""
    event_people_share: float = 1 / 3
    """Who is in so many of an event's photos is named in its title."""
    birthday_share: float = 0.1
    """Whoever has a birthday must be in so many of its photos."""


@dataclass(frozen=True, slots=True)
class Member:
    """One photo of an album, and why it is in."""

    image_id: UUID
    why: Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """An album that should exist. ``key`` identifies place, date and person albums for good, and is unique among
    drafts; ``why`` and the members' are JSON-able."""

    kind: Kind
    key: str
    title: str
    first_day: date
    last_day: date
    cover: UUID
    why: Mapping[str, Any]
    members: tuple[Member, ...]


def order(photo: Photo) -> tuple[datetime, UUID]:
    """How photos are sorted: by time; at the same instant by id."""
    return (photo.local, photo.id)


def position(photo: Photo) -> Position | None:
    """Measured, not estimated; anything that is not on the globe is none."""
    if photo.place_estimated or photo.lat is None or photo.lon is None:
        return None
    if not (-90.0 <= photo.lat <= 90.0 and math.isfinite(photo.lon)):
        return None
    return (photo.lat, photo.lon)


def make(
    kind: Kind,
    key: str,
    title: str,
    *,
    photos: Sequence[Photo],
    why: Mapping[str, Any],
    reasons: Sequence[Mapping[str, Any]],
) -> Draft:
    """``photos`` in order of time."""
    days = [photo.local_day for photo in photos]
    return Draft(
        kind=kind,
        key=key,
        title=title,
        first_day=min(days),
        last_day=max(days),
        cover=_cover(photos, of_person=kind == "person"),
        why={**why, "photos": len(photos)},
        members=tuple(Member(photo.id, reason) for photo, reason in zip(photos, reasons, strict=True)),
    )


def _cover(photos: Sequence[Photo], *, of_person: bool) -> UUID:
    """The photo with most people (at most three count), for a person's album with fewest others; of equals the one
    nearest to the middle."""
    middle = (len(photos) - 1) / 2

    def rank(entry: tuple[int, Photo]) -> tuple[int, float, int]:
        at, photo = entry
        faces = len(photo.people) if of_person else -min(len(photo.people), 3)
        return (faces, abs(at - middle), at)

    return min(enumerate(photos), key=rank)[1].id
