"""Titles of albums, as a person would write them. Pure; the words are those of ``languages``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from photovault.languages import ENGLISH, Holiday, Language

# An evening ends when people go to bed: what is taken before this hour belongs to the day before.
BEDTIME = timedelta(hours=5)
# A longer event has filled its day.
WHOLE_DAY = timedelta(hours=7)


def month(day: date, language: Language = ENGLISH) -> str:
    """``May 2025``."""
    return language.titles["month"].format(month=language.months[day.month - 1], year=day.year)


def day(day: date, language: Language = ENGLISH) -> str:
    """``3 May 2025``."""
    return language.titles["day"].format(day=day.day, month=language.months[day.month - 1], year=day.year)


def months(first: date, last: date, language: Language = ENGLISH) -> str:
    """``May 2025``, ``May–June 2025`` or ``December 2024 – January 2025``."""
    if (first.year, first.month) == (last.year, last.month):
        return month(first, language)
    if first.year == last.year:
        names = {"first_month": language.months[first.month - 1], "month": language.months[last.month - 1]}
        return language.titles["months-of-a-year"].format(**names, year=first.year)
    return language.titles["from-to"].format(first=month(first, language), last=month(last, language))


def days(first: date, last: date, language: Language = ENGLISH) -> str:
    """``3 May 2025``, ``3–4 May 2025``, ``31 May – 1 June 2025``."""
    if first == last:
        return day(first, language)
    if first.year != last.year:
        return language.titles["from-to"].format(first=day(first, language), last=day(last, language))
    same = first.month == last.month
    return language.titles["days-of-a-month" if same else "days-of-a-year"].format(
        first=first.day,
        last=last.day,
        first_month=language.months[first.month - 1],
        month=language.months[last.month - 1],
        year=first.year,
    )


def listing(names: Sequence[str], language: Language = ENGLISH) -> str:
    """``Lisbon``, ``Lisbon & Porto``, ``Lisbon, Porto & Faro``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{language.also}{names[-1]}"


def is_weekend(first: date, last: date) -> bool:
    """At most four days around a Saturday or Sunday, from Friday to Monday at the widest."""
    length = (last - first).days
    return length <= 3 and first.weekday() >= 4 and first.weekday() + length <= 7 and length >= 1


def person(name: str | None, language: Language = ENGLISH) -> str:
    """The title of a person's album."""
    return name or language.titles["nobody"]


# ---- trips -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Journey:
    """What the title of a trip is made of. ``cities`` are those that matter, in order of the visit; ``countries`` leave
    out home; ``regions`` are of one country. ``manner`` is ``road-trip``, ``cruise`` or None."""

    first: date
    last: date
    cities: Sequence[str] = ()
    regions: Sequence[str] = ()
    countries: Sequence[str] = ()
    manner: str | None = None


def evening_of(at: datetime) -> date:
    """The day that somebody would say it still is."""
    return at.date() - timedelta(days=at.hour < BEDTIME.seconds // 3600 and at.date() > date.min)


def trip(journey: Journey, language: Language = ENGLISH) -> str:
    """The title of a trip: ``Weekend in Porto, May 2025``, ``Road trip through Norway, July 2024``."""
    when = months(journey.first, journey.last, language)
    where = _where(journey, language)
    manner = journey.manner or "trip"
    if journey.manner is None and len(journey.cities) <= 1 and is_weekend(journey.first, journey.last):
        manner, when = "weekend", month(journey.last, language)
    elif journey.manner is None and where and (days := _christmas(journey, language)):
        return language.titles["holiday-place"].format(holiday=days.name, where=where, year=journey.first.year)
    if where is None:
        manner = "trip" if manner == "road-trip" else manner
        return language.titles[f"{manner}-nowhere"].format(when=when)
    return language.titles[manner].format(where=where, when=when)


def _where(journey: Journey, language: Language) -> str | None:
    """Few cities by name; else few regions or countries; else some of them and more."""
    more = language.titles["more"]
    cities, regions, countries = journey.cities, journey.regions, journey.countries
    if journey.manner == "road-trip":
        # One goes through lands, not through towns.
        if len(countries) == 1 and 1 <= len(regions) <= 2:
            return listing(regions, language)
        cities = () if countries else cities
    if 1 <= len(cities) <= 2 or (journey.manner == "cruise" and len(cities) == 3):
        return listing(cities, language)
    if journey.manner == "cruise" and cities:
        return more.format(names=", ".join(cities[:3]))
    if 1 <= len(countries) <= 3:
        return listing(countries, language)
    if len(countries) > 3:
        return more.format(names=", ".join(countries[:3]))
    return more.format(names=", ".join(cities[:2])) if cities else None


def _christmas(journey: Journey, language: Language) -> Holiday | None:
    """A few days away over Christmas or New Year are named after it."""
    if (journey.last - journey.first).days > 9:
        return None
    # The latest day that is inside and is not the year's first: somebody away on both keeps New Year's Eve.
    inside = [
        named
        for named in language.holidays
        if named.month == 12 and journey.first <= date(journey.first.year, named.month, named.day) <= journey.last
    ]
    return inside[-1] if inside else None


# ---- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Occasion:
    """What the title of an event is made of; times are local. ``city`` is None at home and where it is not known;
    ``far``: out of town, for hours. ``birthday_of``: somebody there, on their day."""

    first: datetime
    last: datetime
    city: str | None = None
    far: bool = False
    people: Sequence[str] = ()
    birthday_of: str | None = None


def event(occasion: Occasion, language: Language = ENGLISH) -> str:
    """The title of an event: ``Maria's birthday, 3 June 2024``, ``Christmas Eve 2024``, ``Evening with Anna``."""
    words = language.titles
    first, last = evening_of(occasion.first), evening_of(occasion.last)
    when = days(first, last, language)
    names: dict[str, str] = {"when": when, "where": occasion.city or ""}
    if occasion.people:
        names["people"] = listing(occasion.people[:3], language)
    if occasion.birthday_of:
        sibilant = occasion.birthday_of.lower().endswith(language.sibilants)
        return words["birthday-sibilant" if sibilant else "birthday"].format(name=occasion.birthday_of, **names)
    if first == last and (named := holiday(first, occasion.last, language)):
        key = "holiday-place" if occasion.city else "holiday"
        return words[key].format(holiday=named.name, year=first.year, **names)
    if first != last:
        return words[_over_days(occasion, weekend=is_weekend(first, last))].format(**names)
    if occasion.far:
        return words["day-trip" if occasion.city else "day-out"].format(**names)
    part = _part(occasion)
    names |= {"part": words[part], "weekday": language.weekdays[first.weekday()]}
    if occasion.people and occasion.city:
        return words["people-place"].format(**names)
    if occasion.people:
        return words["part-people"].format(**names)
    if occasion.city:
        return words["part-place"].format(**names)
    if part == "whole-day":
        return words["day-alone"].format(**names)
    return words["part-alone"].format(part_within=words[f"{part}-within"], **names)


def _over_days(occasion: Occasion, *, weekend: bool) -> str:
    if occasion.people and occasion.city:
        return "people-place"
    if occasion.people:
        return "weekend-people" if weekend else "days-people"
    if occasion.city:
        return "weekend" if weekend else "days-place"
    return "weekend-alone" if weekend else "days-alone"


def holiday(evening_of: date, until: datetime, language: Language = ENGLISH) -> Holiday | None:
    """The holiday of a day, if what ended then was late enough for it."""
    for named in language.holidays:
        late = until.date() > evening_of or until.hour >= named.from_hour
        if late and (named.month, named.day) == (evening_of.month, evening_of.day):
            return named
    return None


def _part(occasion: Occasion) -> str:
    if occasion.last - occasion.first >= WHOLE_DAY:
        return "whole-day"
    middle = occasion.first + (occasion.last - occasion.first) / 2
    hour = middle.hour + middle.minute / 60
    return "morning" if 5 <= hour < 12 else "afternoon" if 12 <= hour < 17.5 else "evening"
