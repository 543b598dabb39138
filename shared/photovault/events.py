"""Events: dense bursts of photos outside trips, such as a birthday or a hike. Pure, near linear.

What is dense follows from the person's own rhythm: a gap splits when it is long against the gaps around it, and a burst
counts when it has more photos than the person takes on a usual day of that time.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import Any
from uuid import UUID

from photovault import titles
from photovault.drafts import Draft, Parameters, Person, Photo, make
from photovault.homes import Distances
from photovault.languages import Language
from photovault.trips import FIRST, LAST, Boundary

_TRIP: Boundary = {"by": "trip"}
_Burst = tuple[int, int, tuple[Boundary, Boundary]]
"""A half-open range, and what is on both sides."""


@dataclass(frozen=True)
class Event:
    """Photos of a burst, in order of time."""

    photos: Sequence[Photo]
    begun_by: Boundary
    ended_by: Boundary
    least: int
    """So many photos it took."""


def find_events(photos: Sequence[Photo], travelled: Sequence[bool], rules: Parameters) -> list[Event]:
    """Bursts outside trips, in order of time. ``photos``: dated, in order; ``travelled`` says which are on a trip."""
    usual = _Rhythm([photo.local_day for photo, away in zip(photos, travelled, strict=True) if not away], rules)
    events = []
    start = 0
    while start < len(photos):
        if travelled[start]:
            start += 1
            continue
        stop = start
        while stop < len(photos) and not travelled[stop]:
            stop += 1
        ends = (_TRIP if start else FIRST, _TRIP if stop < len(photos) else LAST)
        for first, last, (begun, ended) in _bursts(photos[start:stop], ends, rules):
            burst = photos[start + first : start + last]
            if len(burst) >= rules.event_photos and _is_long_enough(burst, rules):
                least = usual.least(burst[0].local_day)
                if len(burst) >= least:
                    events.append(Event(burst, begun, ended, least))
        start = stop
    return events


class _Rhythm:
    """How many photos a person takes a day."""

    def __init__(self, days: Sequence[date], rules: Parameters) -> None:
        self._days = sorted(days)
        self._rules = rules

    def least(self, day: date) -> int:
        """Photos that an event of a day needs: more than on a usual day of the weeks around."""
        reach = timedelta(days=self._rules.event_rhythm_days)
        first, last = max(self._days[0], _shifted(day, -reach)), min(self._days[-1], _shifted(day, reach))
        count = bisect_right(self._days, last) - bisect_left(self._days, first)
        a_day = count / max(self._rules.event_rhythm_days, (last - first).days + 1)  # a new library has no rhythm yet
        return max(self._rules.event_photos, math.ceil(self._rules.event_rhythm * a_day))


def _shifted(day: date, by: timedelta) -> date:
    """The calendar has ends."""
    return date.fromordinal(min(max(day.toordinal() + by.days, date.min.toordinal()), date.max.toordinal()))


def _bursts(photos: Sequence[Photo], ends: tuple[Boundary, Boundary], rules: Parameters) -> list[_Burst]:
    """Half-open ranges between the gaps that are long against their neighbours: a gap splits when its logarithm is
    ``event_log_gap`` above the mean of those around it (PhotoTOC)."""
    gaps = [max(1.0, (b.local - a.local).total_seconds()) for a, b in pairwise(photos)]
    sums = list(accumulate((math.log(gap) for gap in gaps), initial=0.0))
    bounds: list[tuple[int, Boundary]] = [(0, ends[0])]
    for n, gap in enumerate(gaps):
        if gap > rules.event_most_gap_hours * 3600:
            hours = round(gap / 3600, 1)
            bounds.append((n + 1, {"by": "gap", "hours": hours, "limit_hours": rules.event_most_gap_hours}))
        elif gap >= rules.event_least_gap_minutes * 60:
            low, high = max(0, n - rules.event_window), min(len(gaps), n + rules.event_window + 1)
            usual = (sums[high] - sums[low]) / (high - low)
            if math.log(gap) >= rules.event_log_gap + usual:
                bounds.append((n + 1, _gap(gap, usual)))
    bounds.append((len(photos), ends[1]))
    return [
        part
        for (first, begun), (stop, ended) in pairwise(bounds)
        for part in _at_pauses(gaps[first : stop - 1], first, (begun, ended), rules)
    ]


def _at_pauses(gaps: Sequence[float], start: int, ends: tuple[Boundary, Boundary], rules: Parameters) -> list[_Burst]:
    """A burst between its pauses, which are long against its own gaps: next to a silent day, PhotoTOC cannot tell the
    breakfast from the party."""
    bounds: list[tuple[int, Boundary]] = [(0, ends[0])]
    if len(gaps) >= rules.event_photos - 1 and max(gaps) >= rules.event_pause_hours * 3600:
        usual = sum(math.log(gap) for gap in gaps) / len(gaps)
        for n, gap in enumerate(gaps):
            if gap >= rules.event_pause_hours * 3600 and math.log(gap) >= rules.event_log_pause + usual:
                bounds.append((n + 1, _gap(gap, usual)))
    bounds.append((len(gaps) + 1, ends[1]))
    return [(start + first, start + stop, (begun, ended)) for (first, begun), (stop, ended) in pairwise(bounds)]


def _gap(seconds: float, usual: float) -> Boundary:
    """A gap that is long against the mean logarithm of others."""
    return {"by": "gap", "hours": round(seconds / 3600, 1), "usual_minutes": round(math.exp(usual) / 60, 1)}


def _is_long_enough(photos: Sequence[Photo], rules: Parameters) -> bool:
    minutes = (photos[-1].local - photos[0].local).total_seconds() / 60
    return rules.event_minutes <= minutes <= rules.event_days * 1440


# ---- their albums ----------------------------------------------------------------------------------------------------


def draft_event(
    event: Event, distances: Distances, known: Mapping[UUID, Person], rules: Parameters, words: Language
) -> Draft:
    """The album of an event."""
    photos = event.photos
    occasion = _occasion(event, distances, known, rules)
    why: dict[str, Any] = {
        "rule": "event",
        "first": [photos[0].local.isoformat(), str(photos[0].id)],
        "last": [photos[-1].local.isoformat(), str(photos[-1].id)],
        "begun_by": event.begun_by,
        "ended_by": event.ended_by,
        # Of the clock, as both ends are told: from 16:28 to 17:00 are 32 minutes, whatever the seconds were.
        "minutes": round((photos[-1].local.replace(second=0) - photos[0].local.replace(second=0)).total_seconds() / 60),
        "parameters": {
            **{key: value for key, value in asdict(rules).items() if key.startswith("event_")},
            "event_photos": event.least,
        },
    }
    if occasion.birthday_of:
        why["birthday_of"] = occasion.birthday_of
    key = f"event:{photos[0].local.isoformat()}:{photos[0].id}"
    reasons = [{"by": "time"}] * len(photos)
    return make("event", key, titles.event(occasion, words), photos=photos, why=why, reasons=reasons)


def _occasion(event: Event, distances: Distances, known: Mapping[UUID, Person], rules: Parameters) -> titles.Occasion:
    photos = event.photos
    far = [found[0] for photo in photos if (found := distances.nearest(photo))]
    middle = sorted(far)[len(far) // 2] if far else 0.0
    hours = (photos[-1].local - photos[0].local).total_seconds() / 3600
    places = Counter(photo.place[3] for photo in photos if photo.place and photo.place[3] and not photo.place_estimated)
    city = min(places, key=lambda name: (-places[name], name)) if places else None
    at_home = {home.city for home in distances.of_day(photos[0].local_day)}
    seen = Counter(person for photo in photos for person in set(photo.people) if person in known)
    often = sorted(
        (-count, name)
        for person, count in seen.items()
        if (name := known[person].name) and count >= rules.event_people_share * len(photos)
    )
    day = titles.evening_of(photos[0].local)
    born = sorted(
        (-count, name)
        for person, count in seen.items()
        if (name := known[person].name)
        and count >= rules.birthday_share * len(photos)
        and _has_birthday(known[person].birthday, day)
    )
    return titles.Occasion(
        photos[0].local,
        photos[-1].local,
        city=city if middle > rules.home_radius_km and city not in at_home else None,
        far=math.isfinite(middle) and middle >= rules.event_far_km and hours >= rules.event_far_hours,
        people=[name for _, name in often],
        birthday_of=born[0][1] if born else None,
    )


def _has_birthday(birthday: date | None, day: date) -> bool:
    """Whoever was born on a leap day has it on the 28th in other years."""
    if birthday is None:
        return False
    wanted = (birthday.month, birthday.day)
    leaps = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    if wanted == (2, 29) and not leaps:
        wanted = (2, 28)
    return (day.month, day.day) == wanted
