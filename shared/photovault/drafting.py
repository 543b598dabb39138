"""Albums that make themselves and say why. Pure, deterministic, near linear.

``draft`` turns a person's photos into drafts of albums: places, dates, people, trips and events. Every draft carries
its *why*: the rule, the parameters that mattered and, for trips and events, the boundaries that began and ended it;
``replay`` turns that explanation and the photos back into the same set, ``explaining`` puts it into words, and
``reconciling`` recognises the albums that exist already.

Homes come first (``homes``). A trip is a run of photos away from every home (``trips``), an event a dense burst outside
trips (``events``). Photos whose time is not known are in albums of places and people only.
"""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

from photovault import languages, titles
from photovault.drafts import Draft, Parameters, Person, Photo, Place, make, order
from photovault.events import draft_event, find_events
from photovault.homes import Distances, find_homes
from photovault.languages import Language
from photovault.trip_albums import draft_trip
from photovault.trips import find_trips, is_left_out


def draft(
    photos: Iterable[Photo],
    people: Iterable[Person] = (),
    parameters: Parameters | None = None,
    *,
    language: str = "en",
    kept: Collection[str] = (),
) -> list[Draft]:
    """All automatic albums of one person's photos, in a stable order: by kind, then by key.

    ``language`` is the tag of the titles' language, such as ``de-AT``. ``kept`` are the keys of albums that the person
    said something about: those of towns and months take no more photos as the library grows.
    """
    with _no_collecting():
        return _draft(photos, people, parameters or Parameters(), languages.find(language), kept)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Without the collector of reference cycles: there are none among photos and albums, and looking for them again and
    again while these pile up would be a third of the time of a large library."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _draft(
    photos: Iterable[Photo], people: Iterable[Person], rules: Parameters, words: Language, kept: Collection[str]
) -> list[Draft]:
    ordered = sorted(photos, key=order)
    dated = [photo for photo in ordered if photo.dated]
    known = {person.id: person for person in people}
    homes = find_homes(dated, rules)
    distances = Distances(homes, rules)
    trips = find_trips(dated, distances, rules)
    travelled = [False] * len(dated)
    for trip in trips:
        for n in trip.photos:
            travelled[n] = True
    runs = [
        *(draft_trip(trip, dated, homes, rules, words) for trip in trips),
        *(draft_event(event, distances, known, rules, words) for event in find_events(dated, travelled, rules)),
    ]
    drafts = [
        *_places(ordered, rules, kept),
        *_dates(dated, {member.image_id for run in runs for member in run.members}, rules, words, kept),
        *_persons(ordered, known, rules, words),
        *runs,
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
        return frozenset(p.id for p in photos if p.dated and p.local_day.isoformat()[:length] == why["value"])
    if rule == "person":
        return frozenset(p.id for p in photos if UUID(why["person"]) in p.people)
    # Trips and events are unbroken runs in time, but for photos of homes inside.
    first, last = ((datetime.fromisoformat(at), UUID(image)) for at, image in (why["first"], why["last"]))
    homes, radius = [tuple(at) for at in why.get("except", ())], why["parameters"].get("home_radius_km", 0.0)
    return frozenset(
        p.id for p in photos if p.dated and first <= order(p) <= last and not is_left_out(p, homes, radius)
    )


# ---- places, dates, people -------------------------------------------------------------------------------------------


def _places(photos: Sequence[Photo], rules: Parameters, kept: Collection[str]) -> list[Draft]:
    """A city's album per city with enough measured photos; a country's where there are several cities."""
    cities: dict[Place, list[Photo]] = defaultdict(list)
    countries: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        if photo.place is not None and photo.place[0]:
            countries[photo.place[0]].append(photo)
            if photo.place[3]:
                cities[photo.place].append(photo)
    visited = Counter(place[0] for place, inside in cities.items() if any(not p.place_estimated for p in inside))
    least = max(rules.place_photos, _log2(sum(map(len, countries.values()))) - rules.place_log_less)
    needed = {place: rules.place_photos if _city_key(place) in kept else least for place in cities}
    cities = {
        place: inside for place, inside in cities.items() if sum(not p.place_estimated for p in inside) >= needed[place]
    }
    namesakes = Counter(place[3] for place in cities)
    drafts = []
    for place, inside in cities.items():
        code, country, region, city = place
        apart = next((part for part in (region, country) if part and part != city), None)
        title = f"{city}, {apart}" if namesakes[city] > 1 and apart else city
        drafts.append(_place_draft("city", _city_key(place), title, inside, place=place, least=needed[place]))
    for code, inside in countries.items():
        if visited[code] > 1:
            names = sorted(Counter(p.place[1] for p in inside if p.place).items(), key=lambda item: (-item[1], item[0]))
            country = names[0][0] or code
            key = f"place:country:{_key_part(code)}"
            drafts.append(_place_draft("country", key, country, inside, place=(code, country, "", ""), least=least))
    return drafts


def _log2(number: int) -> int:
    """Rounded down; -1 for none."""
    return number.bit_length() - 1


def _place_draft(level: str, key: str, title: str, photos: Sequence[Photo], *, place: Place, least: int) -> Draft:
    why = {
        "rule": "place",
        "level": level,
        "country_code": place[0],
        "country": place[1],
        "region": place[2],
        "city": place[3],
        "parameters": {"place_photos": least} if level == "city" else {"place_cities": 2},
        "estimated": sum(photo.place_estimated for photo in photos),
    }
    measured, estimated = {"place": title, "source": "measured"}, {"place": title, "source": "estimated"}
    reasons = [estimated if photo.place_estimated else measured for photo in photos]
    return make("place", key, title, photos=photos, why=why, reasons=reasons)


def _city_key(place: Place) -> str:
    return ":".join(("place", "city", *map(_key_part, place)))


def _key_part(value: str) -> str:
    return value.replace("%", "%25").replace(":", "%3A")


def _dates(
    photos: Sequence[Photo], in_runs: set[UUID], rules: Parameters, words: Language, kept: Collection[str]
) -> list[Draft]:
    """Months with enough photos; years with several months; days with many that are on no trip and at no event."""
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
    least = max(rules.month_photos, _log2(len(photos)) - rules.month_log_less)
    for value, inside in months.items():
        needed = rules.month_photos if f"date:month:{value}" in kept else least
        if len(inside) >= needed:
            title = titles.month(inside[0].local_day, words)
            drafts.append(_date_draft("month", value, title, inside, parameters={"month_photos": needed}))
    for local_day, inside in sorted(days.items()):
        if len(inside) >= rules.day_photos and 2 * sum(p.id in in_runs for p in inside) < len(inside):
            parameters = {"day_photos": rules.day_photos}
            title = titles.day(local_day, words)
            drafts.append(_date_draft("day", local_day.isoformat(), title, inside, parameters=parameters))
    return drafts


def _date_draft(level: str, value: str, title: str, photos: Sequence[Photo], *, parameters: Mapping[str, Any]) -> Draft:
    why = {"rule": "date", "level": level, "value": value, "parameters": dict(parameters)}
    days = {photo.local_day: {"local_day": photo.local_day.isoformat()} for photo in photos}
    reasons = [days[photo.local_day] for photo in photos]
    return make("date", f"date:{level}:{value}", title, photos=photos, why=why, reasons=reasons)


def _persons(photos: Sequence[Photo], known: Mapping[UUID, Person], rules: Parameters, words: Language) -> list[Draft]:
    """An album per known person. People who are not given (hidden, for instance) have none."""
    seen: dict[UUID, list[Photo]] = defaultdict(list)
    for photo in photos:
        for person in dict.fromkeys(photo.people):
            seen[person].append(photo)
    drafts = []
    for person, inside in seen.items():
        if person in known and len(inside) >= rules.person_photos:
            who = {"person": str(person), "name": known[person].name}
            why = {"rule": "person", **who, "parameters": {"person_photos": rules.person_photos}}
            reasons = [who] * len(inside)
            title = titles.person(known[person].name, words)
            drafts.append(make("person", f"person:{person}", title, photos=inside, why=why, reasons=reasons))
    return drafts
