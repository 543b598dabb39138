"""What parts of a query were taken to mean, and the filter that they make together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from photovault.calendar_days import Days, When, Yearly
from photovault.filters import Filter, Kind, PlaceRef, Span
from photovault.spoken_dates import fold

_ORIENTATIONS = ("landscape", "panorama", "portrait", "square")
_COLUMNS: Mapping[str, str] = {
    "place": "places",
    "near": "near",
    "album": "albums",
    "camera": "cameras",
    "type": "content_types",
}
_FLAGS: Mapping[str, str] = {
    "faces": "has_faces",
    "gps": "has_gps",
    "caption": "has_caption",
    "motion": "has_motion",
}


_SHORT = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Weekdays:
    """Every one of these days, 0 for Monday."""

    days: tuple[int, ...]

    def others(self) -> tuple[int, ...]:
        return tuple(day for day in range(7) if day not in self.days)


@dataclass(frozen=True)
class Meant:
    """One reading of some words: ``values`` are alternatives (two people of one name); none is what nothing fulfils."""

    kind: Kind
    values: tuple[Any, ...]
    shown: str
    end: int  # index of the word after it
    guessed: bool = False


@dataclass(frozen=True)
class Taken:
    """What was understood; ``also``: what hangs on it and goes with it, as the years do in "Anna at 3";
    ``alternative``: "or" stood before it; ``soft``: a bare label or everyday word.
    """

    meant: Meant
    span: Span
    also: Meant | None = None
    alternative: bool = False
    soft: bool = False


def date_meant(when: When, end: int) -> Meant:
    """Days, shown as ``2024-06-01..2024-08-31``, or every year's as ``0601..0831``."""
    if isinstance(when, Yearly):
        return Meant("date", (when,), f"{when.first:04}..{when.last:04}", end)
    ends = [day.isoformat() if day else "" for day in (when.first, when.last)]
    return Meant("date", (when,), ends[0] if ends[0] == ends[1] else "..".join(ends), end)


def weekdays_meant(days: tuple[int, ...], end: int) -> Meant:
    """Days of the week, 0 for Monday, shown as ``Sat, Sun``."""
    return Meant("date", (Weekdays(days),), ", ".join(_SHORT[day] for day in days), end)


def time_meant(hours: tuple[int, int], end: int) -> Meant:
    """Local hours, the first and the one after the last, shown as ``18..22``."""
    return Meant("time", (hours,), f"{hours[0]:02}..{hours[1]:02}", end)


def filter_of(taken: Sequence[Taken]) -> Filter:
    """What was understood, as one filter: all of it, but for alternatives and several places, albums or cameras."""
    some: dict[str, list[Any]] = {}
    flags: dict[str, Any] = {}
    days: list[Days] = []
    for k, one in enumerate(taken):
        either = _is_alternative(taken, k)
        for meant in (one.meant, one.also) if one.also else (one.meant,):
            _add(meant, some, flags, days, negated=one.span.negated, either=either)
    for name in ("people", "labels"):
        groups = some.pop(f"{name}_any_or_all", [])
        some[f"{name}_all"] = [group[0] for group in groups if len(group) == 1]
        some[f"{name}_any"] = [tuple(dict.fromkeys(group)) for group in groups if len(group) > 1]
    some["places"] = _narrowest(some.get("places", []))
    conditions: dict[str, Any] = {name: tuple(dict.fromkeys(values)) for name, values in some.items()}
    result = Filter(**conditions, **flags)
    if days:
        firsts, lasts = [one.first for one in days], [one.last for one in days]
        result = replace(
            result,
            days=tuple((one.first, one.last) for one in days),
            date_from=min(first for first in firsts if first) if all(firsts) else None,
            date_to=max(last for last in lasts if last) if all(lasts) else None,
        )
    return result


def _add(
    meant: Meant, some: dict[str, list[Any]], flags: dict[str, Any], days: list[Days], *, negated: bool, either: bool
) -> None:
    if not meant.values and (negated or meant.kind not in {"person", "label"}):
        return  # what is not here leaves nothing out; whether it can be fulfilled says ``is_possible``
    match meant.kind:
        case "date":
            for n, when in enumerate(meant.values):
                if isinstance(when, Weekdays):
                    some.setdefault("weekdays", []).extend(when.others() if negated else when.days)
                    continue
                _add_date(when, days, some, negated=negated, either=either or n > 0)
        case "time":
            for first, last in meant.values:
                some.setdefault("hours", []).append((last, first) if negated else (first, last))
        case "orientation":
            others = [name for name in _ORIENTATIONS if name not in meant.values]
            some.setdefault("orientations", []).extend(others if negated else meant.values)
        case "person" | "label":
            name = "people" if meant.kind == "person" else "labels"
            if negated:
                some.setdefault(f"{name}_none", []).extend(meant.values)
            elif either and some.get(f"{name}_any_or_all"):
                some[f"{name}_any_or_all"][-1].extend(meant.values)
            else:
                some.setdefault(f"{name}_any_or_all", []).append(list(meant.values))
        case "place" | "near" | "album" | "camera" | "type":
            name = _COLUMNS[meant.kind]
            some.setdefault(f"{name}_none" if negated else name, []).extend(meant.values)
        case _:
            flags[_FLAGS.get(meant.kind, meant.kind)] = not negated


def is_possible(taken: Sequence[Taken]) -> bool:
    """Whether something can fulfil all that was asked for. Of alternatives, and of places, albums, cameras and types
    side by side, one that is here is enough.
    """
    here: dict[tuple[str, int], bool] = {}
    first = 0
    for k, one in enumerate(taken):
        if not _is_alternative(taken, k):
            first = k
        if not one.span.negated:
            group = (one.meant.kind, -1 if one.meant.kind in _COLUMNS else first)
            here[group] = here.get(group, False) or bool(one.meant.values)
    return all(here.values())


def alternatives(taken: Sequence[Taken]) -> list[list[Taken]]:
    """What was understood, those together that "or" joins."""
    groups: list[list[Taken]] = []
    for k, one in enumerate(taken):
        if _is_alternative(taken, k):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _is_alternative(taken: Sequence[Taken], k: int) -> bool:
    return taken[k].alternative and k > 0 and taken[k - 1].meant.kind == taken[k].meant.kind


def _add_date(when: When, days: list[Days], some: dict[str, list[Any]], *, negated: bool, either: bool) -> None:
    """Ranges that overlap narrow each other ("2025, since may"); others, and those after "or", stand side by side."""
    if isinstance(when, Yearly):
        some.setdefault("yearly_none" if negated else "yearly", []).append((when.first, when.last))
    elif negated:
        some.setdefault("days_none", []).append((when.first, when.last))
    elif days and not either and (both := _overlap(days[-1], when)):
        days[-1] = both
    else:
        days.append(when)


def _overlap(a: Days, b: Days) -> Days | None:
    first = max((day for day in (a.first, b.first) if day), default=None)
    last = min((day for day in (a.last, b.last) if day), default=None)
    return None if first and last and first > last else Days(first, last)


def _narrowest(places: Sequence[PlaceRef]) -> list[PlaceRef]:
    """ "Lisbon, Portugal" is the city; a city's namesake in a country that was not named falls away."""
    countries = {place.country_code for place in places if place.level == "country"}
    inside = [place for place in places if place.level != "country" and place.country_code in countries]
    narrowed = {place.country_code for place in inside}
    named = {fold(place.value) for place in inside}
    return [
        place
        for place in places
        if (place.level == "country" and place.country_code not in narrowed)
        or (place.level != "country" and (place in inside or fold(place.value) not in named))
    ]
