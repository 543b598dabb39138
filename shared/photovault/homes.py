"""Where a person lives, and when: areas to which their photos keep returning over weeks and months. Pure, near linear.

There may be several homes, each with a period: after a move the old one ends; a second home and a workplace are homes
too, for somebody there is not on a trip. A few months somewhere between two periods at another home are none, but a
long stay, and somebody who only ever stays has no home at all.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from photovault.drafts import Parameters, Photo, Position, position
from photovault.globe import distance_km

Located = tuple[Photo, Position]
_Cell = tuple[int, int]


@dataclass(frozen=True)
class Home:
    """An area to which photos keep returning, from ``first_day`` to ``last_day``. ``provisional``: only the place where
    most of a young library was taken. ``current``: nothing says yet that it ended."""

    lat: float
    lon: float
    first_day: date
    last_day: date
    days: int
    photos: int
    country_code: str | None = None
    city: str | None = None
    provisional: bool = False
    current: bool = False


def find_homes(photos: Sequence[Photo], parameters: Parameters | None = None) -> tuple[Home, ...]:
    """The homes by measured positions, in order of their beginning. ``photos`` in order of time."""
    rules = parameters or Parameters()
    located = [(photo, at) for photo in photos if photo.dated and (at := position(photo)) is not None]
    if not located:
        return ()
    cells: dict[_Cell, list[int]] = defaultdict(list)
    for n, (_, at) in enumerate(located):
        cells[_cell(at, rules.home_area_km)].append(n)
    days_of = {cell: len({located[n][0].local_day for n in inside}) for cell, inside in cells.items()}

    candidates: list[Home] = []
    used: set[_Cell] = set()
    for cell in sorted(cells, key=lambda cell: (-days_of[cell], cell)):
        if days_of[cell] * 9 < rules.home_days:
            break  # not even nine such cells together make a home
        if cell in used:
            continue
        around = [near for near in _neighbours(cell, rules.home_area_km) if near in cells and near not in used]
        inside = sorted(n for near in around for n in cells[near])
        found = [
            home for home in _periods([located[n] for n in inside], rules) if not _is_part(home, candidates, rules)
        ]
        if found:
            used.update(around)
            candidates += found
    homes = _settled(candidates, located, rules) or _provisional(located, cells, days_of, rules)
    return tuple(sorted(homes, key=lambda home: (home.first_day, home.lat, home.lon)))


class Distances:
    """How far from home photos are, by the homes of their time."""

    def __init__(self, homes: Sequence[Home], parameters: Parameters) -> None:
        self._homes = homes
        self._margin = parameters.home_margin_days
        self._by_day: dict[date, tuple[list[Home], bool]] = {}

    def nearest(self, photo: Photo) -> tuple[float, Home | None] | None:
        """Distance in km and the nearest home of the time; None without a measured position, infinity without one."""
        at = position(photo) if photo.dated else None
        if at is None:
            return None
        best, nearest = math.inf, None
        for home in self.of_day(photo.local_day):
            km = distance_km(at, (home.lat, home.lon))
            if km < best:
                best, nearest = km, home
        return best, nearest

    def of_day(self, day: date) -> list[Home]:
        """The homes of a day: those of its period and a little around. Before the first, between two and after the last
        it is the next one in time: people live somewhere also while they take few photos."""
        return self._at(day)[0]

    def lives_somewhere(self, day: date) -> bool:
        """Whether a day is in, or close to, the period of a home."""
        return self._at(day)[1]

    def activity(self, day: date) -> float | None:
        """Share of days with a photo at home, around a day, to a twentieth; None for somebody without a home."""
        shares = [home.days / ((home.last_day - home.first_day).days + 1) for home in self._at(day)[0]]
        return round(20 * max(shares)) / 20 if shares else None

    def _at(self, day: date) -> tuple[list[Home], bool]:
        found = self._by_day.get(day)
        if found is None:
            apart = [(self._days_apart(home, day), home) for home in self._homes]
            least = min((days for days, _ in apart), default=0)
            reach = max(self._margin, least)
            homes = [home for days, home in apart if days <= reach]
            found = self._by_day[day] = (homes, bool(homes) and least <= self._margin)
        return found

    @staticmethod
    def _days_apart(home: Home, day: date) -> int:
        return 0 if home.provisional else max(0, (home.first_day - day).days, (day - home.last_day).days)


# ---- areas -----------------------------------------------------------------------------------------------------------


def _cell(at: Position, size_km: float) -> _Cell:
    """A square of about ``size_km``; columns are numbered within their row."""
    row = math.floor(at[0] * 111.2 / size_km)
    return (row, math.floor((at[1] % 360.0) / 360.0 * _columns(row, size_km)))


def _columns(row: int, size_km: float) -> int:
    """Cells around the globe in a row."""
    return max(1, int(40030.0 * math.cos(math.radians(min(90.0, abs((row + 0.5) * size_km / 111.2)))) / size_km))


def _neighbours(cell: _Cell, size_km: float) -> list[_Cell]:
    row, column = cell
    middle = (column + 0.5) / _columns(row, size_km)
    around = []
    for other in (row - 1, row, row + 1):
        count = _columns(other, size_km)
        at = math.floor(middle * count)
        around += [(other, (at + shift) % count) for shift in (-1, 0, 1)]
    return sorted(set(around) | {cell})


def _periods(located: Iterable[Located], rules: Parameters) -> list[Home]:
    """The times in which an area was a home: runs of days without a long absence that are long and dense enough."""
    runs: list[list[Located]] = []
    for entry in sorted(located, key=lambda entry: entry[0].local_day):
        if runs and (entry[0].local_day - runs[-1][-1][0].local_day).days <= rules.home_absence_days:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    homes = []
    for run in runs:
        days = {photo.local_day for photo, _ in run}
        weeks = {day.isocalendar()[:2] for day in days}
        if (
            len(run) >= rules.home_photos
            and len(days) >= rules.home_days
            and len(weeks) >= rules.home_weeks
            and (max(days) - min(days)).days >= rules.home_span_days
        ):
            homes.append(_home(run, provisional=False))
    return homes


def _is_part(home: Home, larger: Sequence[Home], rules: Parameters) -> bool:
    """Whether an area is a part of the town in which somebody lives at the time anyway."""
    return any(
        _same(home, other, rules)
        and (home.first_day - other.first_day).days >= -rules.home_margin_days
        and (home.last_day - other.last_day).days <= rules.home_margin_days
        for other in larger
    )


def _home(located: Sequence[Located], *, provisional: bool) -> Home:
    lat = sorted(at[0] for _, at in located)[len(located) // 2]
    # Longitudes around the first one, so that a home on the antimeridian has its middle there too.
    origin = located[0][1][1]
    shift = sorted((at[1] - origin + 180.0) % 360.0 - 180.0 for _, at in located)[len(located) // 2]
    places = Counter((photo.place[0], photo.place[3]) for photo, _ in located if photo.place is not None)
    place = min(places, key=lambda place: (-places[place], place)) if places else (None, None)
    return Home(
        # A hundredth of a degree is exact enough, and does not move with every new photo.
        lat=round(lat, 2),
        lon=round((origin + shift + 180.0) % 360.0 - 180.0, 2),
        first_day=min(photo.local_day for photo, _ in located),
        last_day=max(photo.local_day for photo, _ in located),
        days=len({photo.local_day for photo, _ in located}),
        photos=len(located),
        country_code=place[0],
        city=place[1],
        provisional=provisional,
        current=provisional,
    )


# ---- which of them are homes -----------------------------------------------------------------------------------------


def _settled(candidates: Sequence[Home], located: Sequence[Located], rules: Parameters) -> list[Home]:
    """The candidates without long stays, told which of them are current."""
    end = max(photo.local_day for photo, _ in located)
    lasting = [home for home in candidates if (home.last_day - home.first_day).days >= rules.home_settled_days]
    if not lasting and not _is_most(candidates, located, rules):
        return []
    days = _days_at(candidates, located, rules)
    kept = [home for home in candidates if home in lasting or not _is_stay(home, lasting, days, rules)]
    kept = _without_wandering(sorted(kept, key=lambda home: (home.first_day, home.last_day)), lasting, days, rules)
    return [replace(home, current=(end - home.last_day).days <= rules.home_margin_days) for home in kept]


def _is_most(homes: Sequence[Home], located: Sequence[Located], rules: Parameters) -> bool:
    """Whether somebody without a lasting home spent their days at these short ones."""
    days = {photo.local_day for photo, _ in located}
    return sum(home.days for home in homes) >= rules.home_share * len(days)


def _is_stay(home: Home, lasting: Sequence[Home], days: Mapping[Home, list[date]], rules: Parameters) -> bool:
    """A few months between two at one other home; unless people went to and fro."""
    if any(_visits(days[home], days[other]) >= rules.home_visits for other in lasting):
        return False
    before = [other for other in lasting if days[other][0] < home.first_day]
    after = [other for other in lasting if days[other][-1] > home.last_day]
    return any(one is other or _same(one, other, rules) for one in before for other in after)


def _without_wandering(
    homes: Sequence[Home], lasting: Sequence[Home], days: Mapping[Home, list[date]], rules: Parameters
) -> list[Home]:
    """Without short periods that follow one another again and again: somebody who always moves on lives nowhere."""
    kept: list[Home] = []
    run: list[Home] = []
    for home in [*homes, None]:
        if home is not None and home not in lasting:
            if not any(_visits(days[home], days[other]) >= rules.home_visits for other in lasting):
                run.append(home)
                continue
        else:
            kept += run if len(run) < rules.home_wanderings else []
            run = []
        kept += [home] if home else []
    return kept


def _same(one: Home, other: Home, rules: Parameters) -> bool:
    return distance_km((one.lat, one.lon), (other.lat, other.lon)) <= rules.home_radius_km


def _visits(mine: Sequence[date], others: Sequence[date]) -> int:
    """How many times somebody came back: runs of days here with days there between them."""
    at = [bisect_right(others, day) for day in mine]
    return 1 + sum(one != other for one, other in pairwise(at))


def _days_at(homes: Sequence[Home], located: Sequence[Located], rules: Parameters) -> dict[Home, list[date]]:
    """The days with a photo at each home, in its period, in order."""
    by_day = sorted(located, key=lambda entry: entry[0].local_day)
    days = [photo.local_day for photo, _ in by_day]
    found: dict[Home, list[date]] = {}
    for home in homes:
        inside = by_day[bisect_left(days, home.first_day) : bisect_right(days, home.last_day)]
        middle = (home.lat, home.lon)
        # A day is known by any of its photos: most are not measured.
        here: dict[date, bool] = {}
        for photo, at in inside:
            if not here.get(photo.local_day):
                here[photo.local_day] = distance_km(at, middle) <= rules.home_radius_km
        found[home] = [day for day, there in here.items() if there]
    return found


def _provisional(
    located: Sequence[Located],
    cells: Mapping[_Cell, list[int]],
    days_of: Mapping[_Cell, int],
    rules: Parameters,
) -> list[Home]:
    """A young library has no home yet, but it may have a place where most of it was taken."""
    best = min(cells, key=lambda cell: (-days_of[cell], cell))
    centre = located[cells[best][0]][1]
    near = [entry for entry in located if distance_km(centre, entry[1]) <= rules.home_radius_km]
    days, all_days = {photo.local_day for photo, _ in near}, {photo.local_day for photo, _ in located}
    if len(days) < 2 or len(days) < rules.home_share * len(all_days):
        return []
    return [_home(near, provisional=True)]
