"""The names of one library as the reader of queries looks them up, and what a misspelt one is near to. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from photovault import emoji, spoken_dates
from photovault.filters import PlaceRef
from photovault.speech import EVERYDAY, SPEECHES
from photovault.spoken_english import ENGLISH
from photovault.spoken_words import Speech

T = TypeVar("T")
Key = tuple[str, ...]
"""The folded words of a name."""

MOST_LETTERS = 1000  # of a name
_MOST_REMEMBERED = 1000  # answers
_SAINTS = ("st", "saint", "sankt")
_MOST_JOINED, _SHORTEST_JOINED = 4, 6  # words, letters
SHORTEST_GUESS = 4
"""Letters that a word must have to be read as another one."""


class Index(dict[Key, tuple[T, ...]]):
    """The bearers of names."""

    @cached_property
    def longest(self) -> Mapping[str, int]:
        """The number of words of the longest name that begins with a word."""
        found: dict[str, int] = {}
        for key in self:
            if found.get(key[0], 0) < len(key):
                found[key[0]] = len(key)
        return found

    @cached_property
    def joined(self) -> Mapping[str, Key]:
        """Names of several words by their letters alone: ``newyork``. Not those that are somebody's in two ways."""
        found: dict[str, Key | None] = {}
        for key in self:
            if 1 < len(key) <= _MOST_JOINED:
                written = "".join(key)
                found[written] = key if written not in found or self.get(found[written] or ()) == self[key] else None
        return {written: key for written, key in found.items() if key and len(written) >= _SHORTEST_JOINED}


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The names of one library by their folded words, each kind sorted out when a query first needs it; build it once
    per state of the library with ``vocabulary``.
    """

    known_people: Sequence[tuple[UUID, str]]
    known_places: Sequence[PlaceRef]
    known_labels: Sequence[str]
    known_cameras: Sequence[str]
    known_albums: Sequence[tuple[UUID, str]]
    birthdays: Mapping[UUID, date] = field(default_factory=dict)
    centres: Mapping[PlaceRef, tuple[float, float]] = field(default_factory=dict)
    """Latitude and longitude in degrees of the middle of places."""
    southern: bool = False
    """Whether summer is in January here."""

    @cached_property
    def people(self) -> Index[UUID]:
        """By whole names, and by a first name, or the first word of it, that is nobody else's."""
        named = index(self.known_people)
        firsts: dict[Key, set[UUID]] = {}
        for key, ids in named.items():
            if len(key) > 1 and len(key[0]) > 2:
                firsts.setdefault(key[:1], set()).update(ids)
        for person, name in self.known_people:
            given = name.partition(" ")[0]
            if "-" in given and given != name and len(double := key_of(given)) > 1:  # Anna-Lena
                firsts.setdefault(double, set()).add(person)
        alone = {first: tuple(bearers) for first, bearers in firsts.items() if len(bearers) == 1}
        return Index({**alone, **named})

    @cached_property
    def places(self) -> Index[PlaceRef]:
        """By their names, by what they are called in other languages, with Saint, Sankt and St as one, and countries by
        their flags."""
        known = index([(place, place.value) for place in self.known_places])
        for speech in SPEECHES:
            for called, english in speech.places.items():
                here, there = tuple(called.split()), tuple(english.split())
                for one, other in ((here, there), (there, here)):
                    if one in known and one != other:
                        known[other] = tuple(dict.fromkeys((*known.get(other, ()), *known[one])))
        for place in self.known_places:
            if place.level == "country":
                known[(emoji.flag(place.country_code),)] = (place,)
        for key in [key for key in known if key[0] in _SAINTS]:
            for saint in _SAINTS:
                known.setdefault((saint, *key[1:]), known[key])
        return known

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """Words with which the name of a person or a place begins, if they are no everyday words."""
        return frozenset(key[0] for table in (self.people, self.places) for key in table) - EVERYDAY

    @cached_property
    def labels(self) -> Mapping[str, Index[str]]:
        """By the code of a language."""
        return {speech.code: _labels(self.known_labels, speech) for speech in SPEECHES}

    @cached_property
    def cameras(self) -> Index[str]:
        return index([(camera, camera) for camera in self.known_cameras])

    @cached_property
    def albums(self) -> Index[UUID]:
        return index(self.known_albums)

    @cached_property
    def people_spelt(self) -> Spelling:
        return Spelling(self.people)

    @cached_property
    def places_spelt(self) -> Spelling:
        return Spelling(self.places)

    @cached_property
    def labels_spelt(self) -> Mapping[str, Spelling]:
        """By the code of a language."""
        return {code: Spelling(names) for code, names in self.labels.items()}

    @cached_property
    def cameras_spelt(self) -> Spelling:
        return Spelling(self.cameras)

    @cached_property
    def albums_spelt(self) -> Spelling:
        return Spelling(self.albums)


class Spelling:
    """The words of some names, by their first letter and length: no other word is one letter away."""

    def __init__(self, names: Mapping[Key, object]) -> None:
        self.longest = max((len(key) for key in names), default=0)
        """Words of the longest name."""
        self._words = {word for key in names for word in key if len(word) >= SHORTEST_GUESS}
        self._alike: dict[tuple[str, int], list[str]] = {}
        self._asked: dict[str, list[str]] = {}
        for word in self._words:
            self._alike.setdefault((word[0], len(word)), []).append(word)

    def near(self, word: str) -> list[str]:
        """Words with the same first letter that differ by one letter more, less or another, or by two swapped."""
        if word not in self._asked:
            if len(self._asked) >= _MOST_REMEMBERED:
                self._asked.clear()
            self._asked[word] = self._look(word)
        return self._asked[word]

    def _look(self, word: str) -> list[str]:
        if len(word) < SHORTEST_GUESS or word in self._words or not word.isalpha():
            return []
        lengths = (len(word) - 1, len(word), len(word) + 1)
        likely = (known for length in lengths for known in self._alike.get((word[0], length), ()))
        return sorted(known for known in likely if _one_apart(word, known))


def _one_apart(a: str, b: str) -> bool:
    """Whether two words, whose lengths differ by one at most, differ by one letter or by two neighbours swapped."""
    if len(a) > len(b):
        a, b = b, a
    at = 1
    while at < len(a) and a[at] == b[at]:
        at += 1
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])


def vocabulary(
    people: Sequence[tuple[UUID, str]] = (),
    places: Sequence[tuple[str, str, str]] = (),
    labels: Sequence[str] = (),
    *,
    cameras: Sequence[str] = (),
    albums: Sequence[tuple[UUID, str]] = (),
    birthdays: Mapping[UUID, date] | None = None,
    centres: Mapping[PlaceRef, tuple[float, float]] | None = None,
    southern: bool = False,
) -> Vocabulary:
    """``people``: (id, name); ``places``: (level, value, country code); ``albums``: (id, title)."""
    refs = [PlaceRef(*place) for place in places]
    return Vocabulary(people, refs, labels, cameras, albums, birthdays or {}, centres or {}, southern)


def key_of(name: str) -> Key:
    return spoken_dates.folded(name[:MOST_LETTERS])


# How vowels are written where a keyboard has no better ones.
_WRITTEN_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "Ø": "Oe", "å": "aa", "Å": "Aa"}
)


_APART = re.compile(r"[^a-z0-9\n]+")
_INSIDE = re.compile(r"(?<=\w)['’](?=\w)")


def keys_of(names: Sequence[str]) -> list[list[Key]]:
    """Each name by its folded words, and as it is written without accents and apostrophes: ``zurich``, ``zuerich``."""
    # Most names are of plain letters, and those are folded as one text: a tenth of the time.
    simple = [name.isascii() and "'" not in name for name in names]
    plain = "\n".join(
        name[:MOST_LETTERS].replace("\n", " ") if is_simple else ""
        for name, is_simple in zip(names, simple, strict=True)
    )
    lines = _APART.sub(" ", plain.lower()).split("\n")
    return [
        ([tuple(words)] if (words := line.split()) else []) if is_simple else _accented(name[:MOST_LETTERS])
        for name, line, is_simple in zip(names, lines, simple, strict=False)
    ]


def _accented(name: str) -> list[Key]:
    written_out = unicodedata.normalize("NFC", name).translate(_WRITTEN_OUT)
    ways = (name, written_out, _INSIDE.sub("", name))
    return [key for key in dict.fromkeys(key_of(way) for way in ways) if key]


def index(named: Sequence[tuple[T, str]]) -> Index[T]:
    """The bearers of each name."""
    found: Index[T] = Index()
    for (value, _), keys in zip(named, keys_of([name for _, name in named]), strict=True):
        for key in keys:
            others = found.get(key)
            if others is None:
                found[key] = (value,)
            elif value not in others:
                found[key] = (*others, value)
    return found


def _labels(labels: Sequence[str], speech: Speech) -> Index[str]:
    """Labels by what they are called in a language, singular and plural. They are English by themselves."""
    things: dict[Key, list[str]] = {}
    for label in labels:
        if speech is ENGLISH:
            key = key_of(label)
            forms = {key, *_plurals(key, speech)} - {()}
        else:
            forms = {(word,) for word in speech.labels.get(label.lower(), "").split()}
        for form in forms:
            things.setdefault(form, []).append(label)
    return Index({key: tuple(dict.fromkeys(values)) for key, values in things.items()})


def _plurals(key: Key, speech: Speech) -> list[Key]:
    if not key:
        return []
    *front, last = key
    if last in speech.plurals:
        return [(*front, speech.plurals[last])]
    forms = [f"{last}{ending}" for ending in speech.plural_endings]
    if last.endswith("y"):
        forms.append(f"{last[:-1]}ies")
    return [(*front, form) for form in forms]
