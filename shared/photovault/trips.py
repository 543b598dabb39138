"""Trips: runs of photos away from every home. Pure, near linear.

A run ends with a photo at home, after a silence, or with a jump that took too long to be a way. What a silence is
depends on the distance from home and on the trip's own rhythm. Photos without a position of their own join by time, and
never bridge any of these. Where somebody cannot have been home between two photos, a clock was off or a time zone was
crossed, and the trip goes on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from photovault.drafts import Parameters, Photo, Position, position
from photovault.globe import distance_km
from photovault.homes import Distances, Home
from photovault.titles import evening_of

Boundary = Mapping[str, Any]
FIRST: Boundary = {"by": "first"}
LAST: Boundary = {"by": "last"}

# The fastest way by car and by plane, doors not counted (km/h), and how far cars are faster.
_ROAD_SPEED, _AIR_SPEED, _ROAD_KM = 130.0, 900.0, 300.0
# Before this hour people sleep.
_DAWN = 6
# So far, nobody's position is exact enough to tell a speed.
_VAGUE_KM = 30.0


@dataclass(frozen=True)
class Trip:
    """Photos of a run, as indices into all of them, in order; ``km`` says how far from home each was, None without a
    position. ``left_out``: homes whose photos lie between its first and its last one."""

    photos: tuple[int, ...]
    km: tuple[float | None, ...]
    begun_by: Boundary
    ended_by: Boundary
    left_out: tuple[Position, ...] = ()


@dataclass
class _Run:
    """Located photos away from home, as indices."""

    located: list[int]
    begun_by: Boundary
    ended_by: Boundary


def find_trips(photos: Sequence[Photo], distances: Distances, rules: Parameters) -> list[Trip]:
    """The trips in order of time; none share a photo. ``photos``: dated, in order of time."""
    away = [distances.nearest(photo) for photo in photos]
    runs = _runs(photos, away, distances, rules)
    blind = _blind_cameras(photos)
    trips: list[Trip] = []
    taken = -1  # the last photo of the trip before
    for run in runs:
        trip = _trip(photos, away, run, blind=blind, after=taken, rules=rules)
        if trip is not None:
            trips.append(trip)
            taken = trip.photos[-1]
    return trips


# ---- runs ------------------------------------------------------------------------------------------------------------

_Away = Sequence[tuple[float, Home | None] | None]


def _runs(photos: Sequence[Photo], away: _Away, distances: Distances, rules: Parameters) -> list[_Run]:
    """Stretches of located photos away from home, cut at silences and jumps."""
    whole: list[_Run] = []
    run: list[int] = []
    begun = FIRST
    last_home: int | None = None  # the last photo at home, while nothing else came after it
    for n, from_home in enumerate(away):
        if from_home is None:
            continue
        if from_home[0] > rules.home_radius_km:
            if not run and last_home is not None:
                begun = _home_boundary(photos, away, at_home=last_home, on_trip=n)
            run.append(n)
            continue
        if run:
            whole.append(_Run(run, begun, _home_boundary(photos, away, at_home=n, on_trip=run[-1])))
            run = []
        last_home = n
    if run:
        whole.append(_Run(run, begun, LAST))
    joined = _with_wrong_clocks(photos, whole, away, rules)
    return [part for run in joined for part in _cut(photos, away, run, distances, rules)]


def _home_boundary(photos: Sequence[Photo], away: _Away, *, at_home: int, on_trip: int) -> Boundary:
    """A photo at home before or after one on the trip."""
    found = away[at_home]
    home = found[1] if found else None
    told: dict[str, Any] = {"by": "home", "hours": round(abs(_hours(photos[at_home], photos[on_trip])), 1)}
    km = _km(photos[at_home], photos[on_trip])
    told["km"] = round(km)
    if home is not None:
        told |= {"place": home.city or None, "from": home.first_day.isoformat()}
        told |= {"provisional": True} if home.provisional else {}
        told |= {} if home.current else {"to": home.last_day.isoformat()}
    return told


def _with_wrong_clocks(photos: Sequence[Photo], runs: Sequence[_Run], away: _Away, rules: Parameters) -> list[_Run]:
    """Runs with photos at home between them are one where nobody can have travelled so fast: the clock of a camera was
    not set to the place, or a flight went west, and photos at home show earlier times than some of the trip."""
    joined: list[_Run] = []
    for run in runs:
        if joined:
            before = joined[-1]
            one, other = photos[before.located[-1]], photos[run.located[0]]
            if (
                _hours(one, other) <= rules.trip_clock_hours
                and _km(one, other) <= rules.trip_hop_km
                and _impossible(photos, before.located[-1], run.located[0], away)
            ):
                joined[-1] = _Run([*before.located, *run.located], before.begun_by, run.ended_by)
                continue
        joined.append(run)
    return joined


def _impossible(photos: Sequence[Photo], first: int, last: int, away: _Away) -> bool:
    """Whether the way from one photo over those at home between to another one is too fast anywhere."""
    located = [n for n in range(first, last + 1) if away[n] is not None]
    return any(not _possible(photos[a], photos[b]) for a, b in pairwise(located))


def _possible(one: Photo, other: Photo) -> bool:
    km = _km(one, other)
    return km <= _VAGUE_KM or km <= (_ROAD_SPEED if km < _ROAD_KM else _AIR_SPEED) * _hours(one, other)


def _cut(photos: Sequence[Photo], away: _Away, run: _Run, distances: Distances, rules: Parameters) -> list[_Run]:
    """The run, cut at silences, at jumps, and where somebody without a home moves on."""
    ways = list(enumerate(pairwise(run.located), start=1))  # by the place in the run of the second photo
    silences = [at for at, (a, b) in ways if photos[a].local_day != photos[b].local_day]
    hours = [_hours(photos[run.located[at - 1]], photos[run.located[at]]) for at in silences]
    limits = {}
    for n, at in enumerate(silences):
        a, b = run.located[at - 1], run.located[at]
        if hours[n] > rules.trip_gap_hours and _km(photos[a], photos[b]) <= rules.trip_near_km:
            around = [*hours[max(0, n - 6) : n], *hours[n + 1 : n + 7]]
            limits[at] = _limit(around, distances.activity(photos[a].local_day), rules)
    cuts: dict[int, Boundary] = {}
    moves: dict[int, Boundary] = {}
    for at, (a, b) in ways:
        boundary = _break(photos, away, a, b, limit=limits.get(at, rules.trip_gap_hours), rules=rules)
        if boundary is not None:
            cuts[at] = boundary
        elif (km := _km(photos[a], photos[b])) > rules.roam_hop_km and not distances.lives_somewhere(
            photos[b].local_day
        ):
            moves[at] = {"by": "move", "km": round(km), "stay_days": rules.roam_stay_days}

    ends = sorted({0, *cuts, *moves, len(run.located)})
    long = {
        (first, stop): _hours(photos[run.located[first]], photos[run.located[stop - 1]]) >= 24 * rules.roam_stay_days
        for first, stop in pairwise(ends)
    }
    for before, at, after in zip(ends, ends[1:], ends[2:], strict=False):
        if at in moves and (long[before, at] or long[at, after]):
            cuts[at] = moves[at]

    bounds = [(0, run.begun_by), *sorted(cuts.items(), key=lambda cut: cut[0]), (len(run.located), run.ended_by)]
    return [_Run(run.located[first:stop], begun, ended) for (first, begun), (stop, ended) in pairwise(bounds)]


def _limit(around: Sequence[float], at_home: float | None, rules: Parameters) -> float:
    """Hours of silence at one place that end a trip.

    ``at_home`` is the share of days with photos at home, ``around`` are the silences of the trip from one day to the
    next. Somebody who takes as many photos at home as here would have taken some there: each day without one tells so
    much less that they went home, and after enough of them it is ``trip_gap_odds`` times as likely or never will be.
    """
    if at_home is None:
        return rules.trip_most_gap_hours  # where else should they have been?
    here = min(0.95, 24 * len(around) / sum(around)) if around else 0.95
    a_day = math.log(1 - min(0.95, at_home)) - math.log(1 - here)
    if a_day <= 0:
        return rules.trip_most_gap_hours
    hours = 24 * (1 + math.log(rules.trip_gap_odds) / a_day)
    return min(rules.trip_most_gap_hours, max(rules.trip_gap_hours, hours))


def _break(photos: Sequence[Photo], away: _Away, a: int, b: int, *, limit: float, rules: Parameters) -> Boundary | None:
    """Why two consecutive located photos away from home are not one trip; None when they are."""
    one, other = photos[a], photos[b]
    hours = _hours(one, other)
    if hours <= rules.trip_near_gap_hours:
        return None
    if any((found := away[n]) is not None and found[0] < rules.trip_near_km for n in (a, b)):
        return {"by": "gap", "hours": round(hours, 1), "limit_hours": rules.trip_near_gap_hours}
    if hours > limit:
        return {"by": "gap", "hours": round(hours, 1), "limit_hours": round(limit, 1)}
    if hours > rules.trip_hop_hours and (km := _km(one, other)) > rules.trip_hop_km:
        return {"by": "hop", "km": round(km), "hours": round(hours, 1)}
    return None


# ---- from runs to trips ----------------------------------------------------------------------------------------------


def _blind_cameras(photos: Sequence[Photo]) -> frozenset[str]:
    """Cameras that never know where they are."""
    named = {photo.camera for photo in photos if photo.camera}
    return frozenset(named - {photo.camera for photo in photos if photo.camera and position(photo)})


def _trip(
    photos: Sequence[Photo], away: _Away, run: _Run, *, blind: frozenset[str], after: int, rules: Parameters
) -> Trip | None:
    """The photos of a run, if they are enough for a trip: with those without a position inside, and close to its ends,
    no earlier than the trip before."""
    unset = _unset_cameras(photos, run, blind, rules)
    first = _reach(photos, away, run.located[0], step=-1, stop=after, unset=unset, rules=rules)
    last = _reach(photos, away, run.located[-1], step=1, stop=len(photos), unset=unset, rules=rules)
    inside = range(first, last + 1)
    at_home = {
        (found[1].lat, found[1].lon)
        for n in inside
        if (found := away[n]) is not None and found[0] <= rules.home_radius_km and found[1] is not None
    }
    left_out = tuple(sorted(at_home))
    members = [n for n in inside if not is_left_out(photos[n], left_out, rules.home_radius_km)]
    km = [found[0] if (found := away[n]) else None for n in members]
    days = {evening_of(photos[n].local) for n in run.located}
    hours = _hours(photos[run.located[0]], photos[run.located[-1]])
    if len(members) < rules.trip_photos or len(days) < rules.trip_days or hours < rules.trip_hours:
        return None
    return Trip(tuple(members), tuple(km), run.begun_by, run.ended_by, left_out)


def is_left_out(photo: Photo, homes: Iterable[Position], radius_km: float) -> bool:
    """Whether a photo between the first and the last one of a trip was taken at one of these homes."""
    at = position(photo)
    return at is not None and any(distance_km(at, home) <= radius_km for home in homes)


def _unset_cameras(
    photos: Sequence[Photo], run: _Run, blind: frozenset[str], rules: Parameters
) -> frozenset[str | None]:
    """Cameras that nobody set to the time of the place: they show the depth of night again and again."""
    nights: Counter[str | None] = Counter()
    days: Counter[str | None] = Counter()
    if blind:
        for n in range(run.located[0], run.located[-1] + 1):
            if photos[n].camera in blind:
                (nights if photos[n].local.hour < _DAWN else days)[photos[n].camera] += 1
    return frozenset(
        camera
        for camera, count in nights.items()
        if count >= rules.trip_days and count >= rules.trip_night_share * (count + days[camera])
    )


def _reach(
    photos: Sequence[Photo],
    away: _Away,
    end: int,
    *,
    step: int,
    stop: int,
    unset: frozenset[str | None],
    rules: Parameters,
) -> int:
    """The farthest photo without a position that joins a run's end: within hours, and nearer to it than to the next
    located photo. For a camera whose clock is off it is as far as clocks may be."""
    joined, n = end, end + step
    beyond = n
    while 0 <= beyond < len(photos) and away[beyond] is None and _apart(photos, end, beyond) <= rules.trip_clock_hours:
        beyond += step
    located = 0 <= beyond < len(photos) and away[beyond] is not None
    while n not in (stop, beyond):
        hours = _apart(photos, end, n)
        nearer = not located or hours < _apart(photos, beyond, n)
        if photos[n].camera in unset or (nearer and hours <= rules.join_hours):
            joined = n
        n += step
    return joined


def _apart(photos: Sequence[Photo], one: int, other: int) -> float:
    return abs(_hours(photos[one], photos[other]))


def _hours(one: Photo, other: Photo) -> float:
    return (other.local - one.local).total_seconds() / 3600


def _km(one: Photo, other: Photo) -> float:
    a, b = position(one), position(other)
    return distance_km(a, b) if a and b else 0.0
