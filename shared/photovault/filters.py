"""What a query asks for once it is understood: a filter, and what the parts of the query became. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

Kind = Literal[
    "date",
    "time",
    "person",
    "place",
    "near",
    "label",
    "camera",
    "album",
    "favourite",
    "archived",
    "faces",
    "gps",
    "caption",
    "motion",
    "type",
    "orientation",
    "is",
    "has",
]
"""``is`` and ``has`` are what an operator of that name was asked for in vain."""


class PlaceRef(NamedTuple):
    """A place of the library: ``level`` is country, region or city."""

    level: str
    value: str
    country_code: str


@dataclass(frozen=True, order=True)
class Near:
    """Within so many kilometres of a position in degrees."""

    lat: float
    lon: float
    km: float


@dataclass(frozen=True)
class Filter:
    """Conditions that a photo must all fulfil. Days are local days, ends included.

    ``date_from`` and ``date_to`` bound ``days``, of which any may hold; ``yearly`` are (first, last) as month * 100 +
    day, any of them; ``days_none`` none. ``people_all`` all; of each group in ``people_any`` at least one. Of
    ``places``, ``near``, ``albums``, ``cameras``, ``content_types`` and ``orientations`` (portrait, landscape, square,
    panorama) any. ``hours`` are local ones, any of (first, the one after the last), over midnight where the first is
    later; ``weekdays`` any of them, 0 for Monday; a photo whose time is only that of its file or upload is in none.
    None and empty mean: no condition.
    """

    date_from: date | None = None
    date_to: date | None = None
    days: tuple[tuple[date | None, date | None], ...] = ()
    days_none: tuple[tuple[date | None, date | None], ...] = ()
    yearly: tuple[tuple[int, int], ...] = ()
    yearly_none: tuple[tuple[int, int], ...] = ()
    places: tuple[PlaceRef, ...] = ()
    places_none: tuple[PlaceRef, ...] = ()
    people_all: tuple[UUID, ...] = ()
    people_any: tuple[tuple[UUID, ...], ...] = ()
    people_none: tuple[UUID, ...] = ()
    labels_all: tuple[str, ...] = ()
    labels_any: tuple[tuple[str, ...], ...] = ()
    labels_none: tuple[str, ...] = ()
    albums: tuple[UUID, ...] = ()
    albums_none: tuple[UUID, ...] = ()
    cameras: tuple[str, ...] = ()
    cameras_none: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    content_types_none: tuple[str, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    weekdays: tuple[int, ...] = ()
    near: tuple[Near, ...] = ()
    near_none: tuple[Near, ...] = ()
    orientations: tuple[str, ...] = ()
    favourite: bool | None = None
    archived: bool | None = None
    has_faces: bool | None = None
    has_gps: bool | None = None
    has_caption: bool | None = None
    has_motion: bool | None = None

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return self != Filter()

    def as_json(self) -> dict[str, Any]:
        """The conditions that there are, for the answer's echo."""
        return {
            entry.name: _jsonable(value)
            for entry in fields(self)
            if (value := getattr(self, entry.name)) is not None and value != ()
        }


@dataclass(frozen=True)
class Span:
    """The part ``q[start:end]`` of the query that became a condition: what a client shows as a chip to remove.

    ``guessed``: it was misspelt, and read as the name that is nearest to it. ``known`` is False where an operator names
    nothing that is here, such as ``person:`` and nobody: no photo fulfils that, and every photo its negation.
    ``meant`` are who or what a name stands for, any of them: ids of people and albums, places, labels.
    ``strict`` is False for a thing in plain words: what surely shows it comes first, behind it what may
    (``Parsed.looser``).
    """

    start: int
    end: int
    kind: Kind
    value: str
    negated: bool = False
    guessed: bool = False
    known: bool = True
    meant: tuple[UUID | PlaceRef | str, ...] = ()
    strict: bool = True


@dataclass(frozen=True)
class Looser:
    """A query whose things, said in plain words, are words to rank by."""

    filter: Filter
    text: str


@dataclass(frozen=True)
class Parsed:
    """A query: the filter, the rest in its order, and where the filter came from.

    ``possible`` is False where no photo can be meant: a condition names nothing that is here, or the query is made of
    signs alone. ``looser`` is how to go on behind the photos of the filter, where it has things in plain words: a model
    saw them, and what it was not sure of may be meant, too.
    """

    filter: Filter
    text: str
    spans: tuple[Span, ...]
    language: str = "en"
    possible: bool = True
    looser: Looser | None = None


def _jsonable(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case PlaceRef():
            return {"level": value.level, "value": value.value, "country_code": value.country_code}
        case Near():
            return {"lat": value.lat, "lon": value.lon, "km": value.km}
        case tuple():
            return [_jsonable(part) for part in value]
        case _:
            return value
