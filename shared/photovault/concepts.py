"""From the words of a query to the names that models give to what they see. Pure.

Nothing is learnt from anybody's photos: the words are those of ``concept_words``, and words that are in no table stand
for nothing but themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from photovault import concept_words, inflections, sights
from photovault.speech import SPEECHES

Meant = Mapping[str, float]
"""The names that a word stands for, each with how surely what has the name is what the word says, up to 1."""

MOST_WORDS = 4
"""Words of the longest phrase in the tables."""

MANY = 3
"""What is said of a group counts for so many and more."""

SHORTEST_PART = 3
"""Letters of the shortest part of a compound."""
LONGEST_COMPOUND = 40
_JOINTS = ("", "s", "n", "en", "es", "e", "er")  # between its parts; the empty one first
_HEAD = 0.6  # how much of what a compound says its last part does

NO_NAME = "-"
"""Stands in a table where no model has a name for what the words say."""

NOTHING: Meant = MappingProxyType({})

IDLE = frozenset(concept_words.IDLE.split()) | {
    stem + ending for stem in concept_words.IDLE_STEMS.split() for ending in ("", "e", "em", "en", "er", "es")
}
"""Said of any picture; a photo that has no such word is not the worse for it."""

_COLOURS = frozenset({("orange",)})
"""Things whose name is a colour where another thing follows."""

_COUNTS = {
    word: count
    for count, words in (
        (1, "one single lone alone einzelner einzelne einzelnes"),
        (2, "two both pair couple twin zwei beide"),
        (3, "three drei"),
        (MANY, "four five six seven eight nine ten group crowd herd flock bunch many several various multiple row pile "
         "stack lots dozen vier funf sechs sieben acht neun zehn gruppe herde viele mehrere haufen reihe"),
    )
    for word in words.split()
}  # fmt: skip


_BREAKS = frozenset(("and", "with", "on", "in", "at", "by", "near", "und", "mit", "auf", "im", "am", "bei"))
"""What follows them is not what a number before them counts."""


@dataclass(frozen=True)
class Unit:
    """One thing that a query names: ``words`` are its folded words, ``meant`` the names that it stands for."""

    words: tuple[str, ...]
    meant: Meant
    count: int | None = None
    """How many of it the query asks for, ``MANY`` for more; None where it does not say."""
    thing: bool = False
    """Whether the tables have it as a thing of its own, which photos without it do not show."""

    @property
    def text(self) -> str:
        return " ".join(self.words)


def units(words: Sequence[str], known: Mapping[tuple[str, ...], Sequence[str]], *, language: str) -> list[Unit]:
    """A query's folded words as the things that they name, the longest phrases first, each thing once.

    ``known`` are the labels of the library by what they are called in the query's language. A number belongs to the
    next thing that is named: of "two dogs and a cat" to the dogs.
    """
    found: dict[tuple[str, ...], Unit] = {}
    at, count = 0, None
    while at < len(words):
        key, meant = _longest(words, at, known, language=language)
        following = tuple(words[at + 1 : at + 2])
        if key in _COLOURS and following and _meant(following, known, language=language):
            meant = None  # "an orange bicycle"
        thing = meant is not None and max(meant.values(), default=1.0) == 1
        meant = _parts(key[0]) if meant is None else meant
        number = _COUNTS.get(" ".join(key))  # "a herd of cows" asks for a herd, and for many cows
        found.setdefault(key, Unit(key, meant, count if meant and not number else None, thing))
        if number or meant or key[0] in _BREAKS:
            count = number
        at += len(key)
    return list(found.values())


def _longest(
    words: Sequence[str], at: int, known: Mapping[tuple[str, ...], Sequence[str]], *, language: str
) -> tuple[tuple[str, ...], Meant | None]:
    """The longest phrase from ``at`` that is in a table, with what it stands for; else one word, and None."""
    for length in range(min(MOST_WORDS, len(words) - at), 0, -1):
        key = tuple(words[at : at + length])
        meant = _meant(key, known, language=language)
        if meant is not None:
            return key, meant
    return key, None


def _meant(key: tuple[str, ...], known: Mapping[tuple[str, ...], Sequence[str]], *, language: str) -> Meant | None:
    """What a phrase stands for, its last word perhaps inflected; in another language where not in the query's. None
    where no table has it."""
    meant = dict.fromkeys(known.get(key, ()), 1.0)
    if key[-1] in IDLE and not meant:
        return None
    for code in sorted(_TABLES, key=lambda code: code != language):
        for last in inflections.bases(key[-1], language=code):
            there = _table(code).get(" ".join((*key[:-1], last)))
            if there is not None:
                return {**there, **meant}
    return meant or None


@lru_cache(maxsize=4096)
def _parts(word: str) -> Meant:
    """What a word in no table stands for that is put together of two that are, as in German: "Hundebett" is the more a
    bed, the less a dog, and a photo of both the most."""
    if word in IDLE or len(word) > LONGEST_COMPOUND:
        return NOTHING
    for at in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1):
        head = _meant((word[at:],), {}, language="de")
        if not head:
            continue
        for joint in _JOINTS:
            if word[:at].endswith(joint) and (first := _meant((word[: at - len(joint)],), {}, language="de")):
                names = [*head, *first]
                return {name: _HEAD * head.get(name, 0.0) + (1 - _HEAD) * first.get(name, 0.0) for name in names}
    return NOTHING


_TABLES = ("en", "de")


@lru_cache(maxsize=len(_TABLES))
def _table(language: str) -> Mapping[str, Meant]:
    """The words and phrases of a language; names that the models give are English by themselves."""
    english: dict[str, dict[str, float]] = {}
    for words, names in _lines(concept_words.ENGLISH):
        strengths = dict(_strength(name) for name in names)
        for word in words:
            entry = english.setdefault(word, {})
            for name, strength in strengths.items():
                entry[name] = max(strength, entry.get(name, 0.0))
        for name in strengths:
            english.setdefault(name, {})[name] = 1.0
    for name in sights.classes():
        english.setdefault(name, {})[name] = 1.0
    if language == "en":
        return english
    labels = next(speech.labels for speech in SPEECHES if speech.code == language)
    named = [(word, name) for name, words in labels.items() for word in words.split()]
    named += [(word, same) for words, (same,) in _lines(concept_words.GERMAN) for word in words]
    german: dict[str, dict[str, float]] = {}
    for word, same in named:
        entry = german.setdefault(word, {})
        for name, strength in english.get(same, {same: 1.0}).items():
            entry[name] = max(strength, entry.get(name, 0.0))
    return german


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """What the models may name, as far as a word stands for it."""
    return frozenset(name for meant in _table("en").values() for name in meant)


def _lines(text: str) -> list[tuple[list[str], list[str]]]:
    """(words, names) of each line."""
    lines = text.replace("\n ", "").strip().split("\n")
    pairs = [line.split(": ") for line in lines]
    return [(words.split(", "), names.split(", ") if names != NO_NAME else []) for words, names in pairs]


def _strength(name: str) -> tuple[str, float]:
    """ "truck .4" as ("truck", 0.4)."""
    *words, last = name.split(" ")
    return (" ".join(words), float(last)) if words and last.startswith(".") else (name, 1.0)
