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
    def people(self) -> Mapping[Key, tuple[UUID, ...]]:
        """By whole names, and by a first word that is nobody else's."""
        named = index(self.known_people)
        firsts: dict[Key, set[UUID]] = {}
        for name, ids in named.items():
            if len(name) > 1 and len(name[0]) > 2:
                firsts.setdefault(name[:1], set()).update(ids)
        alone = {first: tuple(bearers) for first, bearers in firsts.items() if len(bearers) == 1}
        return {**alone, **named}

    @cached_property
    def places(self) -> Mapping[Key, tuple[PlaceRef, ...]]:
        """By their names, and by what they are called in other languages."""
        known = index([(place, place.value) for place in self.known_places])
        for speech in SPEECHES:
            for called, english in speech.places.items():
                for one, other in (((called,), (english,)), ((english,), (called,))):
                    if one in known and one != other:
                        known[other] = tuple(dict.fromkeys((*known.get(other, ()), *known[one])))
        return known

    @cached_property
    def labels(self) -> Mapping[str, Mapping[Key, tuple[str, ...]]]:
        """By the code of a language."""
        return {speech.code: _labels(self.known_labels, speech) for speech in SPEECHES}

    @cached_property
    def cameras(self) -> Mapping[Key, tuple[str, ...]]:
        return index([(camera, camera) for camera in self.known_cameras])

    @cached_property
    def albums(self) -> Mapping[Key, tuple[UUID, ...]]:
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


def keys_of(names: Sequence[str]) -> list[list[Key]]:
    """Each name by its folded words, and as it is written without accents: ``zurich`` and ``zuerich``."""
    # Most names are of plain letters, and those are folded as one text: a tenth of the time.
    plain = "\n".join(name[:MOST_LETTERS].replace("\n", " ") if name.isascii() else "" for name in names)
    lines = _APART.sub(" ", plain.lower()).split("\n")
    return [
        ([tuple(words)] if (words := line.split()) else []) if name.isascii() else _accented(name[:MOST_LETTERS])
        for name, line in zip(names, lines, strict=False)
    ]


def _accented(name: str) -> list[Key]:
    written_out = unicodedata.normalize("NFC", name).translate(_WRITTEN_OUT)
    return [key for key in dict.fromkeys((key_of(name), key_of(written_out))) if key]


def index(named: Sequence[tuple[T, str]]) -> dict[Key, tuple[T, ...]]:
    """The bearers of each name."""
    found: dict[Key, tuple[T, ...]] = {}
    for (value, _), keys in zip(named, keys_of([name for _, name in named]), strict=True):
        for key in keys:
            others = found.get(key)
            if others is None:
                found[key] = (value,)
            elif value not in others:
                found[key] = (*others, value)
    return found


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
