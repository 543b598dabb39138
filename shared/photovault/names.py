"""The names of one library as a search box needs them: to understand queries, to rank, and to complete. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from operator import itemgetter
from typing import Literal, NamedTuple
from uuid import UUID

from photovault import spoken_dates, vocabularies
from photovault.filters import PlaceRef
from photovault.speech import SPEECHES
from photovault.vocabularies import Vocabulary

NameKind = Literal["person", "place", "label", "album", "camera"]

# Albums that the library named itself after a place, a day or a person: search knows those by their own names.
NAMED_AFTER_SOMETHING = frozenset({"place", "date", "person"})
MOST_WORDS = 6
"""Words of a query's end that a completion may replace."""


class Name(NamedTuple):
    """A name and its number of photos, of those that search shows without being asked for the archive.

    ``level``, ``country_code``, ``lat`` and ``lon`` (the middle, in degrees) are a place's, ``id`` a person's or
    album's, ``birthday`` a person's. What is ``hidden`` is understood, but never completed to.
    """

    kind: NameKind
    value: str
    image_count: int
    id: UUID | None = None
    level: str = ""
    country_code: str = ""
    hidden: bool = False
    birthday: date | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True)
class Camera:
    """A camera as files name it; both may be None."""

    make: str | None
    model: str | None

    @property
    def full(self) -> str:
        """Make and model in lower case, as ``listing.Filter.cameras`` has it."""
        return " ".join(part for part in (self.make, self.model) if part is not None).lower()

    def spoken(self) -> list[str]:
        """How people call it: with its make said once, and by its model where that is no common word."""
        make, model = self.make or "", self.model or ""
        known = [model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()]
        if " " in model or any(letter.isdigit() for letter in model):
            known.append(model)
        return [name for name in dict.fromkeys(known) if name]


@dataclass(frozen=True, eq=False)
class Names:
    """All names of one state of a library, sorted out as far as somebody asks: build it once with ``collect``."""

    known: tuple[Name, ...]
    """Most photos first."""
    cameras: Mapping[str, tuple[str, ...]]
    """Full names by what a camera is called."""
    southern: bool = False

    @cached_property
    def vocabulary(self) -> Vocabulary:
        known = self.known
        return Vocabulary(
            known_people=[(name.id, name.value) for name in known if name.kind == "person" and name.id],
            known_places=[
                PlaceRef(name.level, name.value, name.country_code) for name in known if name.kind == "place"
            ],
            known_labels=[name.value for name in known if name.kind == "label"],
            known_cameras=list(self.cameras),
            known_albums=[(name.id, name.value) for name in known if name.kind == "album" and name.id],
            birthdays={name.id: name.birthday for name in known if name.id and name.birthday},
            centres={
                PlaceRef(name.level, name.value, name.country_code): (name.lat, name.lon)
                for name in known
                if name.lat is not None and name.lon is not None
            },
            southern=self.southern,
        )

    @cached_property
    def by_word(self) -> Mapping[str, tuple[Name, ...]]:
        """The people and albums whose name has a folded word."""
        found: dict[str, list[Name]] = {}
        for name in self.known:
            if name.kind in {"person", "album"} and not name.hidden:
                for word in dict.fromkeys(spoken_dates.folded(name.value)):
                    found.setdefault(word, []).append(name)
        return {word: tuple(bearers) for word, bearers in found.items()}

    @cached_property
    def titles(self) -> Mapping[UUID, str]:
        """What people and albums are called."""
        return {name.id: name.value for name in self.known if name.id}

    @cached_property
    def countries(self) -> Mapping[str, str]:
        """What countries are called, by their codes."""
        return {name.country_code: name.value for name in self.known if name.level == "country"}

    @cached_property
    def shown(self) -> tuple[Name, ...]:
        """What can be completed to."""
        return tuple(name for name in self.known if not name.hidden)

    @cached_property
    def places(self) -> Mapping[str, tuple[Name, ...]]:
        """Of what can be completed to, the places by what they are called: a city and its region, or two of a kind."""
        found: dict[str, list[Name]] = {}
        for name in self.shown:
            if name.kind == "place":
                found.setdefault(name.value, []).append(name)
        return {value: tuple(places) for value, places in found.items()}

    @cached_property
    def lines(self) -> str:
        """The folded words of ``shown``, a name a line: to look through a text is a hundred times as fast as through
        as many names."""
        every = vocabularies.keys_of([name.value for name in self.shown])
        lines = (" ".join([word for key in keys for word in key]) for keys in every)
        return "\n" + "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Suggestion:
    """``text`` is the query with its end completed."""

    name: Name
    text: str


def collect(known: Iterable[Name], cameras: Iterable[Camera], *, southern: bool = False) -> Names:
    """What the queries' parser, the ranking and the completion need of all names."""
    spoken: dict[str, list[str]] = {}
    for camera in cameras:
        for called in camera.spoken():
            spoken.setdefault(called, []).append(camera.full)
    every = sorted(known, key=itemgetter(1))
    every.sort(key=itemgetter(2), reverse=True)
    return Names(
        known=tuple(every),
        cameras={called: tuple(full) for called, full in spoken.items()},
        southern=southern,
    )


def full_cameras(names: Names, spoken: str) -> tuple[str, ...]:
    """The cameras meant by a spoken name or a part of one; a name that nothing matches stays as it is."""
    if spoken in names.cameras:
        return names.cameras[spoken]
    part = spoken.casefold()
    found = {full for name, known in names.cameras.items() if part in name.casefold() for full in known}
    return tuple(sorted(found)) or (spoken.lower(),)


def written(names: Names, meant: Iterable[UUID | PlaceRef | str], *, most: int) -> list[str]:
    """What a part of a query means as the library writes it: people and albums by their whole names, places with their
    country. Each once, and at most so many."""
    found: dict[str, None] = {}
    for one in meant:
        match one:
            case UUID():
                name = names.titles.get(one)  # None for whom the library has no more
            case PlaceRef():
                country = names.countries.get(one.country_code) if one.level != "country" else None
                name = f"{one.value}, {country}" if country else one.value
            case _:
                name = one
        if name is not None:
            found.setdefault(name)
        if len(found) == most:
            break
    return list(found)


def complete(names: Names, q: str, *, limit: int) -> list[Suggestion]:
    """Names that the end of a query begins: those that more of its words begin come first, then the more frequent.

    Behind an operator that takes names, names of its kind. Places of one name are one: the query means all of them.
    """
    said = spoken_dates.words(q)
    opened = _operator(q, said)
    if opened is not None and opened.kinds is None:
        return []
    first = max(opened.first if opened else 0, len(said) - MOST_WORDS)
    found: dict[Name, str] = {}
    for start in [first] if opened else range(first, len(said)):
        begun = " ".join(word.text for word in said[start:])
        for name in _beginning(names, begun):
            if opened is None:
                found.setdefault(_together(names, name, ""), q[: said[start].start] + _as_typed(name))
            elif name.kind == opened.kinds and (not opened.level or name.level == opened.level):
                found.setdefault(_together(names, name, opened.level), q[: opened.begin] + _as_operand(name))
            if len(found) == limit:
                break
        if len(found) == limit:
            break
    return [Suggestion(name, text) for name, text in found.items()]


@dataclass(frozen=True)
class _Operator:
    """An operator whose value is being typed: the kind of names it takes, or none; the index of the value's first word,
    and where in the query the value begins."""

    kinds: str | None
    level: str
    first: int
    begin: int


_TAKES = {
    "person": ("person", ""),
    "label": ("label", ""),
    "album": ("album", ""),
    "place": ("place", ""),
    "near": ("place", ""),
    "city": ("place", "city"),
    "region": ("place", "region"),
    "country": ("place", "country"),
}


def _operator(q: str, said: Sequence[spoken_dates.Word]) -> _Operator | None:
    for at in range(len(said) - 1, -1, -1):
        key = next((s.operators[said[at].text] for s in SPEECHES if said[at].text in s.operators), None)
        end = said[at].end
        if key is None or q[end : end + 1] != ":":
            continue
        value = q[end + 1 :]
        quoted = value.startswith('"')
        if '"' in value[1:] if quoted else any(letter.isspace() for letter in value):
            return None  # that one is finished
        kind, level = _TAKES.get(key, (None, ""))
        return _Operator(kind, level, at + 1, end + 1)
    return None


def _beginning(names: Names, begun: str) -> Iterator[Name]:
    """Names that begin so, then names with such words inside, the more frequent first."""
    lines, shown = names.lines, names.shown
    for mark in ("\n", " "):
        line, counted = -1, 0
        at = lines.find(mark + begun)
        while 0 <= at < len(lines) - 1:
            line += lines.count("\n", counted, at + 1)
            counted = at + 1
            yield shown[line]
            at = lines.find(mark + begun, lines.index("\n", at + 1))


def _together(names: Names, name: Name, level: str) -> Name:
    """A place with the photos of all that are called so, of a level or of any. In one country one is within another."""
    if name.kind != "place":
        return name
    alike = [place for place in names.places[name.value] if level in {"", place.level}]
    most: dict[str, int] = {}
    for place in alike:
        most[place.country_code] = max(most.get(place.country_code, 0), place.image_count)
    return alike[0]._replace(image_count=sum(most.values()))


def _as_typed(name: Name) -> str:
    """What the parser reads as this name: an album's title only after its operator."""
    return f"album:{_quoted(name)}" if name.kind == "album" else name.value


def _as_operand(name: Name) -> str:
    return name.value if name.value.isalnum() else _quoted(name)


def _quoted(name: Name) -> str:
    return '"' + name.value.replace('"', " ") + '"'
