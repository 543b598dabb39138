"""Albums that make themselves and say why. Pure, deterministic, near linear.

``draft`` turns a person's photos into drafts of albums: places, dates, people, trips and events. Every draft carries
its *why*: the rule, the parameters that mattered and, for trips and events, the boundary that ended it; ``replay``
turns that explanation and the photos back into the same set. ``match`` recognises the albums that exist already.

Homes come first: areas to which photos keep returning over weeks and months, each with a period. A trip is a run of
photos away from every home, an event a dense burst outside trips. A photo without a measured position joins a trip by
time, and never bridges a gap.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from uuid import UUID

from photovault import titles
from photovault.globe import distance_km

Kind = Literal["place", "date", "person", "trip", "event"]
Place = tuple[str, str, str, str]
"""(country code, country, region, city); parts that are not known are empty."""


@dataclass(frozen=True)
class Photo:
    """What drafting needs to know. ``local``: wall-clock time where it was taken; ``place_estimated``: place and
    position were borrowed from photos close in time, and are no evidence."""

    id: UUID
    local: datetime
    local_day: date
    lat: float | None = None
    lon: float | None = None
    place: Place | None = None
    people: tuple[UUID, ...] = ()
    place_estimated: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody in the photos."""

    id: UUID
    name: str | None


@dataclass(frozen=True)
class Parameters:
    """Every number of the rules. Distances in km. Home criteria and the home radius follow Ente's trip calculator, the
    lengths of trips are between Ente's and Journeys for Nextcloud; events follow Platt, Czerwinski and Field,
    "PhotoTOC" (2003). Where no source is named, the default is a judgement."""

    place_photos: int = 1
    """Photos with a measured position that make a city's album."""
    year_months: int = 2
    """A year gets an album when it has photos in so many months; every month has one."""
    day_photos: int = 12
    """A day gets an album from so many photos on."""
    person_photos: int = 1
    """Grouping already asks for two photos or a name."""

    home_area_km: float = 1.5  # Ente: clusters of 0.6 km, merged at 1.5 km
    home_photos: int = 10  # Ente
    home_days: int = 10  # Ente
    home_weeks: int = 6  # Ente
    home_span_days: int = 45  # Ente
    home_absence_days: int = 120  # Ente asks for 12 active days in 120; here a longer absence ends the period
    home_margin_days: int = 90  # Ente: a home is current when used within 90 days
    home_share: float = 0.5
    """Without a home by these rules, the place of so many of all located days stands in for one."""
    home_radius_km: float = 10.0  # Ente

    trip_gap_hours: float = 60.0
    """A longer silence ends a trip (Journeys: 36 h; Ente chains at 2 days within clusters)."""
    trip_hop_km: float = 800.0
    """A longer hop is one trip only when it takes less than ``trip_hop_hours`` (Ente: 800 km)."""
    trip_hop_hours: float = 36.0
    roam_hop_km: float = 300.0
    """For a person without any home, a longer hop begins another trip."""
    trip_photos: int = 8
    trip_days: int = 2  # Ente
    trip_city_share: float = 0.15
    """A city is named in the title from this share of the trip's photos on."""
    join_hours: float = 6.0
    """A photo without a position joins a trip so far before its first or after its last photo."""

    event_log_gap: float = math.log(17)  # PhotoTOC, K
    event_window: int = 10  # PhotoTOC, d
    event_least_gap_minutes: float = 30.0
    event_most_gap_hours: float = 8.0
    event_photos: int = 8
    event_minutes: float = 15.0
    """A shorter burst is a series of shots."""
    event_days: int = 2


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Home:
    """An area to which photos keep returning, from ``first_day`` to ``last_day``. ``provisional``: only the place where
    most of a young library was taken."""

    lat: float
    lon: float
    first_day: date
    last_day: date
    days: int
    photos: int
    country_code: str | None = None
    city: str | None = None
    provisional: bool = False


@dataclass(frozen=True)
class Existing:
    """An automatic album as it was: for ``match``."""

    album_id: UUID
    kind: Kind
    key: str
    image_ids: frozenset[UUID]


def draft(photos: Iterable[Photo], people: Iterable[Person] = (), parameters: Parameters | None = None) -> list[Draft]:
    """All automatic albums of one person's photos, in a stable order: by kind, then by key."""
    rules = parameters or Parameters()
    ordered = sorted(photos, key=_order)
    known = {person.id: person for person in people}
    homes = find_homes(ordered, rules)
    trips, travelled = _trips(ordered, homes, rules)
    drafts = [
        *_places(ordered, rules),
        *_dates(ordered, rules),
        *_persons(ordered, known, rules),
        *trips,
        *_events(ordered, travelled, known, rules),
    ]
    return sorted(drafts, key=lambda made: (made.kind, made.key))


def replay(why: Mapping[str, Any], photos: Iterable[Photo]) -> frozenset[UUID]:
    """The photos that an explanation describes: the same set that the draft has."""
    rule = why["rule"]
    if rule == "place":
        part = slice(0, 1) if why["level"] == "country" else slice(0, 4)
        wanted = (why["country_code"], why["country"], why["region"], why["city"])[part]
        return frozenset(p.id for p in photos if p.place is not None and p.place[part] == wanted)
    if rule == "date":
        length = {"year": 4, "month": 7, "day": 10}[why["level"]]
        return frozenset(p.id for p in photos if p.local_day.isoformat()[:length] == why["value"])
    if rule == "person":
        return frozenset(p.id for p in photos if UUID(why["person"]) in p.people)
    # Trips and events are unbroken runs in time, so that their two ends are the whole boundary.
    first, last = ((datetime.fromisoformat(at), UUID(image)) for at, image in (why["first"], why["last"]))
    return frozenset(p.id for p in photos if first <= _order(p) <= last)


def match(previous: Iterable[Existing], drafts: Sequence[Draft]) -> dict[str, UUID]:
    """Which existing album each draft continues: draft key -> album id. Drafts without one are new.

    Places, dates and people by their key. Trips and events by overlap, the greatest first, of at least one half
    (Jaccard: shared by all photos of both); what is left, by the photo they begin with.
    """
    albums = sorted(previous, key=lambda album: (album.key, album.album_id))
    found: dict[str, UUID] = {}
    taken: set[UUID] = set()
    runs = {"trip", "event"}
    owners: dict[UUID, list[int]] = defaultdict(list)
    for n, album in enumerate(albums):
        if album.kind in runs:
            for image in album.image_ids:
                owners[image].append(n)
    pairs: list[tuple[float, str, int]] = []
    for made in drafts:
        if made.kind not in runs:
            continue
        shared = Counter(n for member in made.members for n in owners.get(member.image_id, ()))
        for n, count in shared.items():
            overlap = count / (len(made.members) + len(albums[n].image_ids) - count)
            if albums[n].kind == made.kind and overlap >= 0.5:
                pairs.append((-overlap, made.key, n))
    for _, key, n in sorted(pairs):
        if key not in found and albums[n].album_id not in taken:
            found[key] = albums[n].album_id
            taken.add(albums[n].album_id)
    by_key: dict[tuple[str, str], UUID] = {}
    for album in albums:
        if album.album_id not in taken:
            by_key.setdefault((album.kind, album.key), album.album_id)
    for made in drafts:
        if made.key not in found and (made.kind, made.key) in by_key:
            found[made.key] = by_key[made.kind, made.key]
    return found


# ---- shared --------------------------------------------------------------------------------------------------------


def _order(photo: Photo) -> tuple[datetime, UUID]:
    return (photo.local, photo.id)


def _cover(photos: Sequence[Photo], *, of_person: bool = False) -> UUID:
    """The photo with most people (at most three count), for a person's album with fewest others; of equals the one
    nearest to the middle."""
    middle = (len(photos) - 1) / 2

    def rank(entry: tuple[int, Photo]) -> tuple[int, float, int]:
        at, photo = entry
        faces = len(photo.people) if of_person else -min(len(photo.people), 3)
        return (faces, abs(at - middle), at)

    return min(enumerate(photos), key=rank)[1].id


def _make(
    kind: Kind,
    key: str,
    title: str,
    *,
    photos: Sequence[Photo],
    why: Mapping[str, Any],
    reasons: Sequence[Mapping[str, Any]],
) -> Draft:
    """``photos`` in order of time."""
    return Draft(
        kind=kind,
        key=key,
        title=title,
        first_day=min(photo.local_day for photo in photos),
        last_day=max(photo.local_day for photo in photos),
        cover=_cover(photos, of_person=kind == "person"),
        why={**why, "photos": len(photos)},
        members=tuple(Member(photo.id, reason) for photo, reason in zip(photos, reasons, strict=True)),
    )


def _key_part(value: str) -> str:
    return value.replace("%", "%25").replace(":", "%3A")


def _position(photo: Photo) -> tuple[float, float] | None:
    """Measured, not estimated."""
    if photo.lat is None or photo.lon is None or photo.place_estimated:
        return None
    return (photo.lat, photo.lon)


# ---- places, dates, people -----------------------------------------------------------------------------------------


def _places(photos: Sequence[Photo], rules: Parameters) -> list[Draft]:
    """A city's album per city with a measured photo; a country's where there are several cities."""
    cities: dict[Place, list[Photo]] = defaultdict(list)
    countries: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        if photo.place is not None and photo.place[0]:
            countries[photo.place[0]].append(photo)
            if photo.place[3]:
                cities[photo.place].append(photo)

    cities = {
        place: inside
        for place, inside in cities.items()
        if sum(not photo.place_estimated for photo in inside) >= rules.place_photos
    }
    namesakes = Counter(place[3] for place in cities)
    drafts = []
    for place, inside in cities.items():
        code, country, region, city = place
        apart = next((part for part in (region, country) if part and part != city), None)
        title = f"{city}, {apart}" if namesakes[city] > 1 and apart else city
        key = ":".join(("place", "city", *map(_key_part, (code, country, region, city))))
        drafts.append(_place_draft("city", key, title, inside, place=place, rules=rules))
    towns = Counter(place[0] for place in cities)
    for code, inside in countries.items():
        if towns[code] > 1:
            names = sorted(Counter(p.place[1] for p in inside if p.place).items(), key=lambda item: (-item[1], item[0]))
            country = names[0][0] or code
            key = f"place:country:{_key_part(code)}"
            drafts.append(_place_draft("country", key, country, inside, place=(code, country, "", ""), rules=rules))
    return drafts


def _place_draft(
    level: str, key: str, title: str, photos: Sequence[Photo], *, place: Place, rules: Parameters
) -> Draft:
    why = {
        "rule": "place",
        "level": level,
        "country_code": place[0],
        "country": place[1],
        "region": place[2],
        "city": place[3],
        "parameters": {"place_photos": rules.place_photos},
        "estimated": sum(photo.place_estimated for photo in photos),
    }
    measured, estimated = {"place": title, "source": "measured"}, {"place": title, "source": "estimated"}
    reasons = [estimated if photo.place_estimated else measured for photo in photos]
    return _make("place", key, title, photos=photos, why=why, reasons=reasons)


def _dates(photos: Sequence[Photo], rules: Parameters) -> list[Draft]:
    """Months; years with several months; days with many photos. By local day."""
    days: dict[date, list[Photo]] = defaultdict(list)
    for photo in photos:
        days[photo.local_day].append(photo)
    months: dict[str, list[Photo]] = defaultdict(list)
    years: dict[str, list[Photo]] = defaultdict(list)
    for local_day in sorted(days):
        months[local_day.isoformat()[:7]] += days[local_day]
        years[local_day.isoformat()[:4]] += days[local_day]
    months_of = Counter(month[:4] for month in months)

    drafts = []
    for value, inside in years.items():
        if months_of[value] >= rules.year_months:
            parameters = {"year_months": rules.year_months, "months": months_of[value]}
            drafts.append(_date_draft("year", value, str(int(value)), inside, parameters=parameters))
    for value, inside in months.items():
        drafts.append(_date_draft("month", value, titles.month(inside[0].local_day), inside, parameters={}))
    for local_day, inside in sorted(days.items()):
        if len(inside) >= rules.day_photos:
            parameters = {"day_photos": rules.day_photos}
            title = titles.day(local_day)
            drafts.append(_date_draft("day", local_day.isoformat(), title, inside, parameters=parameters))
    return drafts


def _date_draft(level: str, value: str, title: str, photos: Sequence[Photo], *, parameters: Mapping[str, Any]) -> Draft:
    why = {"rule": "date", "level": level, "value": value, "parameters": dict(parameters)}
    days = {photo.local_day: {"local_day": photo.local_day.isoformat()} for photo in photos}
    reasons = [days[photo.local_day] for photo in photos]
    return _make("date", f"date:{level}:{value}", title, photos=photos, why=why, reasons=reasons)


def _persons(photos: Sequence[Photo], known: Mapping[UUID, Person], rules: Parameters) -> list[Draft]:
    """An album per known person. People who are not given (hidden, for instance) have none."""
    seen: dict[UUID, list[Photo]] = defaultdict(list)
    for photo in photos:
        for person in dict.fromkeys(photo.people):
            seen[person].append(photo)
    drafts = []
    for person, inside in seen.items():
        if person in known and len(inside) >= rules.person_photos:
            why = {"rule": "person", "person": str(person), "parameters": {"person_photos": rules.person_photos}}
            reasons = [{"person": str(person)}] * len(inside)
            title = titles.person(known[person].name)
            drafts.append(_make("person", f"person:{person}", title, photos=inside, why=why, reasons=reasons))
    return drafts


# ---- homes ---------------------------------------------------------------------------------------------------------


def find_homes(photos: Sequence[Photo], parameters: Parameters | None = None) -> tuple[Home, ...]:
    """Where a person lives, and when, by measured positions. ``photos`` in order of time."""
    rules = parameters or Parameters()
    located = [(photo, at) for photo in photos if (at := _position(photo)) is not None]
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for n, (_, at) in enumerate(located):
        cells[_cell(at, rules.home_area_km)].append(n)
    days_of = {cell: len({located[n][0].local_day for n in inside}) for cell, inside in cells.items()}

    homes: list[Home] = []
    used: set[tuple[int, int]] = set()
    for cell in sorted(cells, key=lambda cell: (-days_of[cell], cell)):
        if days_of[cell] * 9 < rules.home_days:
            break  # not even nine such cells together make a home
        if cell in used:
            continue
        around = [near for near in _neighbours(cell, rules.home_area_km) if near in cells and near not in used]
        inside = sorted(n for near in around for n in cells[near])
        found = _periods([located[n] for n in inside], rules)
        if found:
            used.update(around)
            homes += found
    if not homes and located:
        homes += _provisional(located, cells, days_of, rules)
    return tuple(sorted(homes, key=lambda home: (home.first_day, home.lat, home.lon)))


def _cell(at: tuple[float, float], size_km: float) -> tuple[int, int]:
    """A square of about ``size_km``; columns are numbered within their row."""
    row = math.floor(at[0] * 111.2 / size_km)
    return (row, math.floor((at[1] % 360.0) / 360.0 * _columns(row, size_km)))


def _columns(row: int, size_km: float) -> int:
    """Cells around the globe in a row."""
    return max(1, int(40030.0 * math.cos(math.radians(min(90.0, abs((row + 0.5) * size_km / 111.2)))) / size_km))


def _neighbours(cell: tuple[int, int], size_km: float) -> list[tuple[int, int]]:
    row, column = cell
    middle = (column + 0.5) / _columns(row, size_km)
    around = []
    for other in (row - 1, row, row + 1):
        count = _columns(other, size_km)
        at = math.floor(middle * count)
        around += [(other, (at + shift) % count) for shift in (-1, 0, 1)]
    return sorted(set(around) | {cell})


def _periods(located: Sequence[tuple[Photo, tuple[float, float]]], rules: Parameters) -> list[Home]:
    """The times in which an area was a home: runs of days without a long absence that are long and dense enough."""
    runs: list[list[tuple[Photo, tuple[float, float]]]] = []
    for entry in sorted(located, key=lambda entry: (entry[0].local_day, _order(entry[0]))):
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


def _provisional(
    located: Sequence[tuple[Photo, tuple[float, float]]],
    cells: Mapping[tuple[int, int], list[int]],
    days_of: Mapping[tuple[int, int], int],
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


def _home(located: Sequence[tuple[Photo, tuple[float, float]]], *, provisional: bool) -> Home:
    lat = sorted(at[0] for _, at in located)[len(located) // 2]
    # Longitudes around the first one, so that a home on the antimeridian has its middle there too.
    origin = located[0][1][1]
    shift = sorted((at[1] - origin + 180.0) % 360.0 - 180.0 for _, at in located)[len(located) // 2]
    places = Counter((photo.place[0], photo.place[3]) for photo, _ in located if photo.place is not None)
    place = min(places, key=lambda place: (-places[place], place)) if places else (None, None)
    return Home(
        lat=lat,
        lon=(origin + shift + 180.0) % 360.0 - 180.0,
        first_day=min(photo.local_day for photo, _ in located),
        last_day=max(photo.local_day for photo, _ in located),
        days=len({photo.local_day for photo, _ in located}),
        photos=len(located),
        country_code=place[0],
        city=place[1],
        provisional=provisional,
    )


def _from_home(photo: Photo, homes: Sequence[Home], rules: Parameters) -> float | None:
    """Distance in km to the nearest home that was one at the time; None without a measured position, infinity without
    a home."""
    at = _position(photo)
    if at is None:
        return None
    margin = timedelta(days=rules.home_margin_days)
    return min(
        (
            distance_km(at, (home.lat, home.lon))
            for home in homes
            if home.provisional or home.first_day - photo.local_day <= margin >= photo.local_day - home.last_day
        ),
        default=math.inf,
    )


# ---- trips ---------------------------------------------------------------------------------------------------------


def _trips(photos: Sequence[Photo], homes: Sequence[Home], rules: Parameters) -> tuple[list[Draft], list[bool]]:
    """The trips, and which photos are on one."""
    away = [_from_home(photo, homes, rules) for photo in photos]
    runs: list[tuple[list[int], tuple[str, str]]] = []  # located photos of a run, what began and what ended it
    run: list[int] = []
    begun = "the first photo"
    for n, (photo, km) in enumerate(zip(photos, away, strict=True)):
        if km is None:
            continue
        ended = ""
        if km <= rules.home_radius_km:
            ended = "a photo at home"
        elif run:
            ended = _break(photos[run[-1]], photo, homes, rules)
        if ended:
            if run:
                runs.append((run, (begun, ended)))
            begun, run = ended, []
        if km > rules.home_radius_km:
            run.append(n)
    if run:
        runs.append((run, (begun, "the last photo")))

    travelled = [False] * len(photos)
    drafts = []
    for located, bounds in runs:
        first, last = _stretch(photos, away, located, travelled=travelled, rules=rules)
        inside = photos[first : last + 1]
        if len(inside) >= rules.trip_photos and len({photo.local_day for photo in inside}) >= rules.trip_days:
            travelled[first : last + 1] = [True] * len(inside)
            drafts.append(_trip_draft(inside, away[first : last + 1], homes, bounds=bounds, rules=rules))
    return drafts, travelled


def _break(before: Photo, after: Photo, homes: Sequence[Home], rules: Parameters) -> str:
    """Why two consecutive located photos away from home are not one trip; empty when they are."""
    hours = (after.local - before.local).total_seconds() / 3600
    a, b = _position(before), _position(after)
    km = distance_km(a, b) if a and b else 0.0
    if hours > rules.trip_gap_hours:
        return f"a gap of {hours / 24:.1f} days"
    if km > rules.trip_hop_km and hours > rules.trip_hop_hours:
        return f"a hop of {km:.0f} km in {hours:.0f} h"
    if not homes and km > rules.roam_hop_km:
        return f"a hop of {km:.0f} km"
    return ""


def _stretch(
    photos: Sequence[Photo],
    away: Sequence[float | None],
    located: Sequence[int],
    *,
    travelled: Sequence[bool],
    rules: Parameters,
) -> tuple[int, int]:
    """A run's first and last photo with those without a position that are close in time at its ends, up to the next
    located photo and to the trip before."""
    first, last = located[0], located[-1]
    reach = timedelta(hours=rules.join_hours)
    start, end = photos[first].local, photos[last].local

    def free(n: int) -> bool:
        return 0 <= n < len(photos) and away[n] is None and not travelled[n]

    while free(first - 1) and start - photos[first - 1].local <= reach:
        first -= 1
    while free(last + 1) and photos[last + 1].local - end <= reach:
        last += 1
    return first, last


def _trip_draft(
    photos: Sequence[Photo],
    away: Sequence[float | None],
    homes: Sequence[Home],
    *,
    bounds: tuple[str, str],
    rules: Parameters,
) -> Draft:
    placed = [photo.place for photo in photos if photo.place is not None and not photo.place_estimated]
    visited = Counter(place[3] for place in placed if place[3])
    enough = rules.trip_city_share * sum(visited.values())
    cities = [city for city, count in visited.items() if count >= enough]
    at_home = {home.country_code for home in homes if not home.provisional}
    names = {place[0]: place[1] or place[0] for place in placed if place[0]}
    abroad = [name for code, name in names.items() if code not in at_home] or list(names.values())
    first_day, last_day = photos[0].local_day, photos[-1].local_day
    distances = [km for km in away if km is not None and math.isfinite(km)]
    why = {
        "rule": "trip",
        "first": [photos[0].local.isoformat(), str(photos[0].id)],
        "last": [photos[-1].local.isoformat(), str(photos[-1].id)],
        "begun_by": bounds[0],
        "ended_by": bounds[1],
        "homes": [
            {"city": home.city, "from": home.first_day.isoformat(), "to": home.last_day.isoformat()} for home in homes
        ],
        "farthest_km": round(max(distances)) if distances else None,
        "cities": dict(visited),
        "parameters": {key: value for key, value in asdict(rules).items() if key.startswith(("trip", "home_radius"))},
    }
    reasons: list[dict[str, Any]] = []
    for km in away:
        if km is None:
            reasons.append({"by": "time"})
        else:
            reasons.append({"by": "place", "km_from_home": round(km) if math.isfinite(km) else None})
    title = titles.trip(
        titles.Journey(min(first_day, last_day), max(first_day, last_day), cities=cities, countries=abroad)
    )
    key = f"trip:{photos[0].local.isoformat()}:{photos[0].id}"
    return _make("trip", key, title, photos=photos, why=why, reasons=reasons)


# ---- events --------------------------------------------------------------------------------------------------------


def _events(
    photos: Sequence[Photo], travelled: Sequence[bool], known: Mapping[UUID, Person], rules: Parameters
) -> list[Draft]:
    """Dense bursts outside trips."""
    drafts = []
    start = 0
    while start < len(photos):
        if travelled[start]:
            start += 1
            continue
        stop = start
        while stop < len(photos) and not travelled[stop]:
            stop += 1
        for first, last, bounds in _bursts(photos[start:stop], rules):
            burst = photos[start + first : start + last]
            if _is_event(burst, rules):
                drafts.append(_event_draft(burst, known, bounds=bounds, rules=rules))
        start = stop
    return drafts


def _bursts(photos: Sequence[Photo], rules: Parameters) -> list[tuple[int, int, tuple[str, str]]]:
    """Half-open ranges between the gaps that are long against their neighbours: a gap splits when its logarithm is
    ``event_log_gap`` above the mean of those around it (PhotoTOC)."""
    gaps = [max(1.0, (b.local - a.local).total_seconds()) for a, b in pairwise(photos)]
    sums = [0.0]
    for gap in gaps:
        sums.append(sums[-1] + math.log(gap))
    bounds = [(0, "the first photo")]
    for n, gap in enumerate(gaps):
        low, high = max(0, n - rules.event_window), min(len(gaps), n + rules.event_window + 1)
        usual = (sums[high] - sums[low]) / (high - low)
        relative = gap >= rules.event_least_gap_minutes * 60 and math.log(gap) >= rules.event_log_gap + usual
        if relative or gap > rules.event_most_gap_hours * 3600:
            told = f"{gap / 3600:.1f} h" if gap < 172_800 else f"{gap / 86_400:.0f} days"
            bounds.append((n + 1, f"a gap of {told}"))
    bounds.append((len(photos), "the last photo"))
    return [(a, b, (before, after)) for (a, before), (b, after) in pairwise(bounds)]


def _is_event(photos: Sequence[Photo], rules: Parameters) -> bool:
    span = (photos[-1].local - photos[0].local).total_seconds() / 60
    return len(photos) >= rules.event_photos and rules.event_minutes <= span <= rules.event_days * 1440


def _event_draft(
    photos: Sequence[Photo], known: Mapping[UUID, Person], *, bounds: tuple[str, str], rules: Parameters
) -> Draft:
    places = Counter(photo.place[3] for photo in photos if photo.place and photo.place[3] and not photo.place_estimated)
    city = min(places, key=lambda name: (-places[name], name)) if places else None
    seen = Counter(person for photo in photos for person in set(photo.people))
    often = sorted(
        (-count, name)
        for person, count in seen.items()
        if person in known and (name := known[person].name) and 3 * count >= len(photos)
    )
    why = {
        "rule": "event",
        "first": [photos[0].local.isoformat(), str(photos[0].id)],
        "last": [photos[-1].local.isoformat(), str(photos[-1].id)],
        "begun_by": bounds[0],
        "ended_by": bounds[1],
        "minutes": round((photos[-1].local - photos[0].local).total_seconds() / 60),
        "parameters": {key: value for key, value in asdict(rules).items() if key.startswith("event")},
    }
    occasion = titles.Occasion(photos[0].local, photos[-1].local, city=city, people=[name for _, name in often])
    title = titles.event(occasion)
    key = f"event:{photos[0].local.isoformat()}:{photos[0].id}"
    return _make("event", key, title, photos=photos, why=why, reasons=[{"by": "time"}] * len(photos))
