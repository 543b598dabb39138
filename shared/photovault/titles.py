"""Titles of albums in words. Pure; English, the one seam for more languages is this module."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def month(day: date) -> str:
    """``May 2025``."""
    return f"{MONTHS[day.month - 1]} {day.year}"


def day(day: date) -> str:
    """``3 May 2025``."""
    return f"{day.day} {month(day)}"


def months(first: date, last: date) -> str:
    """``May 2025``, ``May–June 2025`` or ``December 2024 – January 2025``."""
    if (first.year, first.month) == (last.year, last.month):
        return month(first)
    if first.year == last.year:
        return f"{MONTHS[first.month - 1]}–{month(last)}"
    return f"{month(first)} – {month(last)}"


def days(first: date, last: date) -> str:
    """``3 May 2025``, ``3–4 May 2025``, ``31 May – 1 June 2025``."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    if first.year == last.year:
        return f"{first.day} {MONTHS[first.month - 1]} – {day(last)}"
    return f"{day(first)} – {day(last)}"


def listing(names: Sequence[str]) -> str:
    """``Lisbon``, ``Lisbon & Porto``, ``Lisbon, Porto & Faro``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} & {names[-1]}"


def is_weekend(first: date, last: date) -> bool:
    """At most four days around a Saturday or Sunday, from Friday to Monday at the widest."""
    length = (last - first).days
    return length <= 3 and first.weekday() >= 4 and first.weekday() + length <= 7 and length >= 1


def person(name: str | None) -> str:
    """The title of a person's album."""
    return name or "Unnamed person"


def trip(cities: Sequence[str], countries: Sequence[str], first: date, last: date) -> str:
    """The title of a trip. ``cities`` are those that matter, in order of the visit; ``countries`` leave out home."""
    if len(cities) == 1 and is_weekend(first, last):
        return f"Weekend in {cities[0]}, {month(last)}"
    if 1 <= len(cities) <= 2:
        where = listing(cities)
    elif 1 <= len(countries) <= 3:
        where = listing(countries)
    elif len(countries) > 3:
        where = f"{', '.join(countries[:3])} & more"
    elif cities:
        where = f"{', '.join(cities[:2])} & more"
    else:
        where = "Trip"
    return f"{where}, {months(first, last)}"


def event(city: str | None, people: Sequence[str], first: date, last: date) -> str:
    """The title of an event: who, where and on which days."""
    when = days(first, last)
    if people and city:
        return f"{listing(people)} in {city}, {when}"
    if people:
        return f"With {listing(people)}, {when}"
    if city:
        return f"{city}, {when}"
    if first == last:
        return f"{WEEKDAYS[first.weekday()]}, {when}"
    return f"Weekend, {when}" if is_weekend(first, last) else when
