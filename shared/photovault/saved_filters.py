"""Filters that smart albums keep: as JSON of a version, and in words. Pure.

People and albums are kept by their ids, so that a new name changes nothing. Beside each stands what it was called, and
by which faces a person was known: when two people turn out to be one, the filter follows the faces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from photovault import titles
from photovault.cells import Box
from photovault.filters import Filter, Near, PlaceRef
from photovault.languages import ENGLISH

VERSION = 1


@dataclass(frozen=True)
class Known:
    """What a person or album of a filter was called when it was saved, and a person's best faces."""

    called: str | None
    faces: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Saved:
    """``last_days`` reaches from so many days ago until now, whenever now is; everything else stands still."""

    conditions: Filter = field(default_factory=Filter)
    last_days: int | None = None
    bbox: Box | None = None
    known: Mapping[UUID, Known] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return bool(self.conditions) or self.last_days is not None or self.bbox is not None

    @property
    def people(self) -> set[UUID]:
        said = self.conditions
        return {*said.people_all, *said.people_none, *(one for group in said.people_any for one in group)}

    @property
    def albums(self) -> set[UUID]:
        return {*self.conditions.albums, *self.conditions.albums_none}

    def conditions_as_json(self) -> dict[str, Any]:
        """As the API takes and gives them."""
        found = self.conditions.as_json()
        if self.last_days is not None:
            found["last_days"] = self.last_days
        if self.bbox is not None:
            found["bbox"] = list(self.bbox)
        return found

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        known = {
            str(one): {"called": what.called, "faces": [str(face) for face in what.faces]}
            for one, what in sorted(self.known.items())
        }
        return {"version": VERSION, "conditions": self.conditions_as_json(), "known": known}


def as_json_of(asked: Saved, now: Saved) -> dict[str, Any]:
    """As it is stored once people of it turned out to be somebody else: what holds now, and what was asked for, to
    which it returns when that is taken back."""
    return asked.as_json() if asked.conditions == now.conditions else now.as_json() | {"asked": asked.as_json()}


def asked_for(stored: Mapping[str, Any]) -> Saved:
    """What ``as_json_of`` was given first; of any other what ``Saved.as_json`` gave."""
    return of_json(stored.get("asked", stored))


def of_json(stored: Mapping[str, Any]) -> Saved:
    """What ``Saved.as_json`` gave. Raises ``ValueError`` for a version that is not known here."""
    if stored["version"] != VERSION:
        raise ValueError(f"A filter of version {stored['version']} cannot be read here.")
    known = {
        UUID(one): Known(what["called"], tuple(UUID(face) for face in what["faces"]))
        for one, what in stored["known"].items()
    }
    return replace(of_conditions(stored["conditions"]), known=known)


def of_conditions(given: Mapping[str, Any]) -> Saved:
    """What ``Saved.conditions_as_json`` gave."""
    conditions = {
        entry.name: _READERS.get(entry.name, _same)(given[entry.name])
        for entry in fields(Filter)
        if given.get(entry.name) is not None
    }
    bbox = given.get("bbox")
    return Saved(Filter(**conditions), last_days=given.get("last_days"), bbox=tuple(bbox) if bbox else None)


def of_query(said: Filter, tomorrow: Filter, *, today: date) -> Saved:
    """What a query asks for, read today and as it would be read tomorrow: what moves along with the days goes on to."""
    if said == tomorrow or len(said.days) != 1 or len(tomorrow.days) != 1:
        return Saved(said)
    (first, last), (later, _) = said.days[0], tomorrow.days[0]
    rolls = first and later == first + timedelta(days=1) and last == today and first < today
    if not first or not rolls:
        return Saved(said)
    return Saved(replace(said, days=(), date_from=None, date_to=None), last_days=(today - first).days)


def following(saved: Saved, became: Mapping[UUID, UUID]) -> Saved:
    """The same with other ids, of people who turned out to be somebody else."""

    def each(ids: Iterable[UUID]) -> tuple[UUID, ...]:
        return tuple(dict.fromkeys(became.get(one, one) for one in ids))

    said = saved.conditions
    conditions = replace(
        said,
        people_all=each(said.people_all),
        people_any=tuple(each(group) for group in said.people_any),
        people_none=each(said.people_none),
    )
    # Who was known already stays known as they were.
    known = {became[one]: what for one, what in saved.known.items() if one in became}
    known |= {one: what for one, what in saved.known.items() if one not in became}
    return replace(saved, conditions=conditions, known=known)


def is_possible(saved: Saved, *, gone: set[UUID]) -> bool:
    """Whether anything may fulfil it although these people and albums are gone.

    Who cannot be told any more cannot be left out either: then nothing does, rather than too much.
    """
    said = saved.conditions
    return not (
        gone & {*said.people_all, *said.people_none, *said.albums_none}
        or (said.albums and gone.issuperset(said.albums))
        or any(gone.issuperset(group) for group in said.people_any)
    )


# ---- in words ------------------------------------------------------------------------------------------------------


def tell(saved: Saved, names: Mapping[UUID, str], *, gone: set[UUID]) -> list[str]:
    """Sentences, one a condition. ``names`` are those of now, of people and albums that are there."""

    def name(one: UUID) -> str:
        if one in names:
            return names[one]
        known = saved.known.get(one)
        return (known.called if known else None) or "somebody without a name"

    said = saved.conditions
    told = [
        *(f"Photos with {name(one)}." for one in said.people_all),
        *(f"Photos with {_or(map(name, group))}." for group in said.people_any),
        *_some("Photos without {}.", map(name, said.people_none)),
        *_some("Taken in {}.", (place.value for place in said.places)),
        *_some("Not taken in {}.", (place.value for place in said.places_none)),
        *(["Taken inside a part of the map."] if saved.bbox else []),
        *_some("Taken within {}.", map(_circle, said.near)),
        *_some("Not taken within {}.", map(_circle, said.near_none)),
        *_dates(saved),
        *_some("Taken between {}.", (f"{first}:00 and {last}:00" for first, last in said.hours)),
        *_some("Taken on a {}.", (_WEEKDAYS[day] for day in said.weekdays)),
        *(f"Showing {label}." for label in said.labels_all),
        *(f"Showing {_or(group)}." for group in said.labels_any),
        *_some("Not showing {}.", said.labels_none),
        *_some("In the album {}.", map(name, said.albums)),
        *_some("Not in the album {}.", map(name, said.albums_none)),
        *_some("Taken with {}.", said.cameras),
        *_some("Not taken with {}.", said.cameras_none),
        *_some("Files of the type {}.", map(_type, said.content_types)),
        *_some("No files of the type {}.", map(_type, said.content_types_none)),
        *_some("In the format {}.", said.orientations),
        *_flag(said.favourite, "Favourites only.", "No favourites."),
        *_flag(said.archived, "From the archive.", "Not from the archive."),
        *_flag(said.has_faces, "With people in them.", "Without people."),
        *_flag(said.has_gps, "With a position.", "Without a position."),
        *_flag(said.has_caption, "With a caption.", "Without a caption."),
        *_flag(said.has_motion, "Live Photos.", "No Live Photos."),
    ]
    for one in sorted(gone):
        known = saved.known.get(one)
        what = "an album" if one in saved.albums else "a person"
        who = f"{known.called}, {what} of this filter," if known and known.called else f"{what.capitalize()} of it"
        told.append(f"{who} is no longer there.")
    if not is_possible(saved, gone=gone):
        told.append("So the album is empty until its filter is changed.")
    return told


def _dates(saved: Saved) -> list[str]:
    said = saved.conditions
    told = [] if saved.last_days is None else [f"Taken in the last {saved.last_days} days."]
    ranges = said.days or (((said.date_from, said.date_to),) if said.date_from or said.date_to else ())
    told += _some("Taken {}.", (_range(first, last) for first, last in ranges))
    told += _some("Not taken {}.", (_range(first, last) for first, last in said.days_none))
    told += _some("Taken {}, in any year.", (_every_year(first, last) for first, last in said.yearly))
    told += _some("Not taken {}, in any year.", (_every_year(first, last) for first, last in said.yearly_none))
    return told


def _range(first: date | None, last: date | None) -> str:
    if first and last:
        return f"on {titles.day(first)}" if first == last else f"from {titles.day(first)} to {titles.day(last)}"
    if first:
        return f"since {titles.day(first)}"
    return f"until {titles.day(last)}" if last else "on a known day"


def _every_year(first: int, last: int) -> str:
    ends = [f"{day % 100} {ENGLISH.months[day // 100 - 1]}" for day in (first, last)]
    return f"on {ends[0]}" if first == last else f"from {ends[0]} to {ends[1]}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _type(content_type: str) -> str:
    return content_type.partition("/")[2].upper()


def _circle(circle: Near) -> str:
    return f"{circle.km:g} km of {circle.lat:.2f}, {circle.lon:.2f}"


def _or(words: Iterable[str]) -> str:
    *some, last = words
    return f"{', '.join(some)} or {last}" if some else last


def _some(sentence: str, words: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(words))
    return [sentence.format(_or(found))] if found else []


def _flag(value: bool | None, yes: str, no: str) -> list[str]:
    return [] if value is None else [yes if value else no]


# ---- reading -------------------------------------------------------------------------------------------------------


def _same(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value is not None else None


def _each(read: Callable[[Any], Any]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    return lambda values: tuple(read(value) for value in values)


def _place(value: Mapping[str, str]) -> PlaceRef:
    return PlaceRef(value["level"], value["value"], value["country_code"])


def _near(value: Mapping[str, float]) -> Near:
    return Near(value["lat"], value["lon"], value["km"])


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "date_from": _day,
    "date_to": _day,
    "days": _each(_each(_day)),
    "days_none": _each(_each(_day)),
    "yearly": _each(tuple),
    "yearly_none": _each(tuple),
    "places": _each(_place),
    "places_none": _each(_place),
    "people_all": _each(UUID),
    "people_any": _each(_each(UUID)),
    "people_none": _each(UUID),
    "labels_any": _each(tuple),
    "hours": _each(tuple),
    "near": _each(_near),
    "near_none": _each(_near),
    "albums": _each(UUID),
    "albums_none": _each(UUID),
}
