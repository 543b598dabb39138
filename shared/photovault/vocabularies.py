"""The names of one library as the reader of queries looks them up, and what a misspelt one is near to. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from photovault import spoken_dates
from photovault.filters import PlaceRef
from photovault.speech import ENGLISH, SPEECHES, Speech

T = TypeVar("T")
Key = tuple[str, ...]
"""The folded words of a name."""

MOST_LETTERS = 1000  # of a name
_MOST_REMEMBERED = 1000  # answers
SHORTEST_GUESS = 4
"""Letters that a word must have to be read as another one."""


@dataclass(frozen=True)
class Vocabulary:
    """The names of one library by their folded words; build it once per state of the library with ``vocabulary``."""

    people: Mapping[Key, tuple[UUID, ...]]
    places: Mapping[Key, tuple[PlaceRef, ...]]
    labels: Mapping[str, Mapping[Key, tuple[str, ...]]]
    """By the code of a language."""
    cameras: Mapping[Key, tuple[str, ...]]
    albums: Mapping[Key, tuple[UUID, ...]]
    birthdays: Mapping[UUID, date] = field(default_factory=dict)
    centres: Mapping[PlaceRef, tuple[float, float]] = field(default_factory=dict)
    """Latitude and longitude in degrees."""

    @cached_property
    def people_spelt(self) -> Spelling:
        return Spelling(self.people)

    @cached_property
    def places_spelt(self) -> Spelling:
        return Spelling(self.places)


class Spelling:
    """The words of some names, by what is left of each without one of its letters (after Garbe's SymSpell, 2012)."""

    def __init__(self, names: Mapping[Key, object]) -> None:
        self.longest = max((len(key) for key in names), default=0)
        """Words of the longest name."""
        self._words = {word for key in names for word in key if len(word) >= SHORTEST_GUESS}
        self._shorter: dict[str, list[str]] = {}
        self._asked: dict[str, list[str]] = {}
        for word in sorted(self._words):
            for less in without_a_letter(word):
                self._shorter.setdefault(less, []).append(word)

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
        shorter = without_a_letter(word)
        found = {less for less in shorter if less in self._words}
        found.update(self._shorter.get(word, ()))
        for less in shorter:
            found.update(known for known in self._shorter.get(less, ()) if _one_apart(word, known))
        return sorted(known for known in found if known[0] == word[0])


def without_a_letter(word: str) -> set[str]:
    return {word[:k] + word[k + 1 :] for k in range(len(word))}


def _one_apart(a: str, b: str) -> bool:
    """Of two words of one length: whether one letter differs, or two neighbours are swapped."""
    differ = [k for k in range(len(a)) if a[k] != b[k]] if len(a) == len(b) else []
    if len(differ) == 2:
        first, second = differ
        return second == first + 1 and a[first] == b[second] and a[second] == b[first]
    return len(differ) == 1


def vocabulary(
    people: Sequence[tuple[UUID, str]] = (),
    places: Sequence[tuple[str, str, str]] = (),
    labels: Sequence[str] = (),
    *,
    cameras: Sequence[str] = (),
    albums: Sequence[tuple[UUID, str]] = (),
    birthdays: Mapping[UUID, date] | None = None,
    centres: Mapping[PlaceRef, tuple[float, float]] | None = None,
) -> Vocabulary:
    """``people``: (id, name); ``places``: (level, value, country code); ``albums``: (id, title)."""
    named = index(people)
    firsts: dict[Key, set[UUID]] = {}
    for name, ids in named.items():
        if len(name) > 1 and len(name[0]) > 2:
            firsts.setdefault(name[:1], set()).update(ids)
    alone = {first: tuple(bearers) for first, bearers in firsts.items() if len(bearers) == 1}
    return Vocabulary(
        people={**alone, **named},
        places=index([(PlaceRef(level, value, code), value) for level, value, code in places]),
        labels={speech.code: _labels(labels, speech) for speech in SPEECHES},
        cameras=index([(camera, camera) for camera in cameras]),
        albums=index(albums),
        birthdays=birthdays or {},
        centres=centres or {},
    )


def key_of(name: str) -> Key:
    return tuple(word.text for word in spoken_dates.words(name[:MOST_LETTERS]))


# How vowels are written where a keyboard has no better ones.
_WRITTEN_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "Ø": "Oe", "å": "aa", "Å": "Aa"}
)


def keys_of(name: str) -> list[Key]:
    """A name by its folded words, and as it is written without accents: ``zurich`` and ``zuerich``."""
    name = name[:MOST_LETTERS]
    if name.isascii():
        return [key] if (key := key_of(name)) else []
    composed = unicodedata.normalize("NFC", name)
    return [key for key in dict.fromkeys((key_of(name), key_of(composed.translate(_WRITTEN_OUT)))) if key]


def index(named: Sequence[tuple[T, str]]) -> dict[Key, tuple[T, ...]]:
    """The bearers of each name."""
    found: dict[Key, list[T]] = {}
    for value, name in named:
        for key in keys_of(name):
            found.setdefault(key, []).append(value)
    return {key: tuple(dict.fromkeys(values)) for key, values in found.items()}


def _labels(labels: Sequence[str], speech: Speech) -> dict[Key, tuple[str, ...]]:
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
    return {key: tuple(dict.fromkeys(values)) for key, values in things.items()}


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
