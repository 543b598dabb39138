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

MOST_WORDS = 3
"""Words of the longest phrase in the tables."""

MANY = 3
"""What is said of a group counts for so many and more."""

NOTHING: Meant = MappingProxyType({})

IDLE = frozenset(concept_words.IDLE.split())
"""Said of any picture; a photo that has no such word is not the worse for it."""

_COUNTS = {
    word: count
    for count, words in (
        (1, "one single lone alone ein eine einzelner einzelne"),
        (2, "two both pair couple twin zwei beide"),
        (3, "three drei"),
        (MANY, "four five six seven eight nine ten group crowd herd flock bunch many several various multiple row pile "
         "stack lots dozen vier funf sechs sieben acht neun zehn gruppe herde viele mehrere haufen reihe"),
    )
    for word in words.split()
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """One thing that a query names: ``words`` are its folded words, ``meant`` the names that it stands for."""

    words: tuple[str, ...]
    meant: Meant

    @property
    def text(self) -> str:
        return " ".join(self.words)


def count_said(words: Sequence[str]) -> int | None:
    """How many of something folded words ask for, ``MANY`` for more; None where none says it."""
    return max((_COUNTS[word] for word in words if word in _COUNTS), default=None)


def units(words: Sequence[str], known: Mapping[tuple[str, ...], Sequence[str]], *, language: str) -> list[Unit]:
    """A query's folded words as the things that they name, the longest phrases first, each thing once.

    ``known`` are the labels of the library by what they are called in the query's language.
    """
    found: dict[tuple[str, ...], Unit] = {}
    at = 0
    while at < len(words):
        for length in range(min(MOST_WORDS, len(words) - at), 0, -1):
            key = tuple(words[at : at + length])
            meant = _meant(key, known, language=language)
            if meant or length == 1:
                found.setdefault(key, Unit(key, meant))
                at += length
                break
    return list(found.values())


def _meant(key: tuple[str, ...], known: Mapping[tuple[str, ...], Sequence[str]], *, language: str) -> Meant:
    """What a phrase stands for, its last word perhaps inflected; in another language where not in the query's."""
    meant = dict.fromkeys(known.get(key, ()), 1.0)
    if key[-1] in IDLE and not meant:
        return NOTHING
    for code in sorted(_TABLES, key=lambda code: code != language):
        for last in inflections.bases(key[-1], language=code):
            if there := _table(code).get(" ".join((*key[:-1], last))):
                return {**there, **meant}
    return meant


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
    return {word: english.get(same, {same: 1.0}) for word, same in named}


def _lines(text: str) -> list[tuple[list[str], list[str]]]:
    """(words, names) of each line."""
    lines = text.replace("\n ", "").strip().split("\n")
    pairs = [line.split(": ") for line in lines]
    return [(words.split(", "), names.split(", ")) for words, names in pairs]


def _strength(name: str) -> tuple[str, float]:
    """ "truck .4" as ("truck", 0.4)."""
    *words, last = name.split(" ")
    return (" ".join(words), float(last)) if words and last.startswith(".") else (name, 1.0)
