"""The names of one library as a search box needs them: to understand queries, to rank, and to complete. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from photovault import spoken_dates, vocabularies
from photovault.filters import PlaceRef
from photovault.speech import ENGLISH
from photovault.vocabularies import Vocabulary

NameKind = Literal["person", "place", "label", "album", "camera"]

# Albums that the library named itself after a place, a day or a person: search knows those by their own names.
NAMED_AFTER_SOMETHING = frozenset({"place", "date", "person"})
MOST_WORDS = 6
"""Words of a query's end that a completion may replace."""


@dataclass(frozen=True)
class Name:
    """A name and its number of photos.

    ``level``, ``country_code`` and ``centre`` (latitude, longitude) are a place's, ``id`` a person's or album's,
    ``birthday`` a person's.
    """

    kind: NameKind
    value: str
    image_count: int
    id: UUID | None = None
    level: str = ""
    country_code: str = ""
    hidden: bool = False
    centre: tuple[float, float] | None = None
    birthday: date | None = None


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


@dataclass(frozen=True)
class Names:
    """Built once per state of a library."""

    vocabulary: Vocabulary
    cameras: Mapping[str, tuple[str, ...]]  # spoken name -> full names
    by_word: Mapping[str, tuple[Name, ...]]  # a folded word of a person's or an album's name -> those
    completable: tuple[tuple[tuple[str, ...], Name], ...]  # folded words; most photos first


@dataclass(frozen=True)
class Suggestion:
    """``text`` is the query with its end completed."""

    name: Name
    text: str


def collect(known: Iterable[Name], cameras: Iterable[Camera]) -> Names:
    """What the queries' parser, the ranking and the completion need of all names."""
    every = sorted(known, key=lambda name: (-name.image_count, name.value))
    spoken: dict[str, list[str]] = {}
    for camera in cameras:
        for called in camera.spoken():
            spoken.setdefault(called, []).append(camera.full)
    by_word: dict[str, list[Name]] = {}
    completable: list[tuple[tuple[str, ...], Name]] = []
    for name in every:
        words = _words(name.value)
        if not words or name.hidden:
            continue
        completable.append((words, name))
        if name.kind in {"person", "album"}:
            for word in dict.fromkeys(words):
                by_word.setdefault(word, []).append(name)
    return Names(
        vocabulary=vocabularies.vocabulary(
            people=[(name.id, name.value) for name in every if name.kind == "person" and name.id],
            places=[(name.level, name.value, name.country_code) for name in every if name.kind == "place"],
            labels=[name.value for name in every if name.kind == "label"],
            cameras=list(spoken),
            albums=[(name.id, name.value) for name in every if name.kind == "album" and name.id],
            birthdays={name.id: name.birthday for name in every if name.id and name.birthday},
            centres={PlaceRef(name.level, name.value, name.country_code): name.centre for name in every if name.centre},
        ),
        cameras={called: tuple(full) for called, full in spoken.items()},
        by_word={word: tuple(bearers) for word, bearers in by_word.items()},
        completable=tuple(completable),
    )


def full_cameras(names: Names, spoken: str) -> tuple[str, ...]:
    """The cameras meant by a spoken name or a part of one; a name that nothing matches stays as it is."""
    if spoken in names.cameras:
        return names.cameras[spoken]
    part = spoken.casefold()
    found = {full for name, known in names.cameras.items() if part in name.casefold() for full in known}
    return tuple(sorted(found)) or (spoken.lower(),)


def labels_in(names: Names, words: Sequence[str], *, language: str = ENGLISH.code) -> list[tuple[str, str]]:
    """(label, the word that it ends with) for every label among the folded words, singular or plural."""
    known = names.vocabulary.labels[language]
    found = []
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + MOST_WORDS) + 1):
            found += [(label, words[end - 1]) for label in known.get(tuple(words[start:end]), ())]
    return list(dict.fromkeys(found))


def complete(names: Names, q: str, *, limit: int) -> list[Suggestion]:
    """Names that the end of a query begins: those that more of its words begin come first, then the more frequent."""
    said = spoken_dates.words(q)
    found: dict[Name, tuple[tuple[int, bool], str]] = {}
    for start in range(max(0, len(said) - MOST_WORDS), len(said)):
        begun = tuple(word.text for word in said[start:])
        for words, name in names.completable:
            if name not in found and (at := _begins(words, begun)) is not None:
                found[name] = ((start, at > 0), q[: said[start].start] + _as_typed(name))
    best = sorted(found.items(), key=lambda item: (item[1][0], -item[0].image_count, item[0].value))
    return [Suggestion(name, text) for name, (_, text) in best[:limit]]


def _as_typed(name: Name) -> str:
    """What the parser reads as this name: an album's title only after its operator."""
    return f'album:"{name.value.replace(chr(34), " ")}"' if name.kind == "album" else name.value


def _begins(words: tuple[str, ...], begun: tuple[str, ...]) -> int | None:
    """Where in a name the words stand, the last of them perhaps unfinished."""
    *whole, last = begun
    for at in range(len(words) - len(whole)):
        if list(words[at : at + len(whole)]) == whole and words[at + len(whole)].startswith(last):
            return at
    return None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.text for word in spoken_dates.words(text))
