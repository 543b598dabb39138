"""People, places, labels, cameras and albums of the library in words, misspelt by a letter too. Pure, deterministic.

The names are those of ``vocabularies``, the words around them those of ``speech``, one language at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from photovault.filters import Kind, Near, PlaceRef
from photovault.readings import Meant
from photovault.speech import EVERYDAY, Speech
from photovault.spoken_dates import Word
from photovault.vocabularies import SHORTEST_GUESS, Key, Spelling, Vocabulary, key_of

NEAR_KM = 25.0
"""How far ``near:`` reaches around a place."""
_MAX_NAME = 12  # words of a name
_SAFE_GUESS = SHORTEST_GUESS + 1  # letters of a word that nothing announces as a name


@dataclass(frozen=True)
class KnownNames:
    """Reads the names of one library in one language."""

    vocabulary: Vocabulary
    speech: Speech

    def find(self, kind: str, said: Sequence[Word], at: int, *, announced: bool = False) -> Meant | None:
        """The longest name of that kind that begins at ``at``. ``announced``: by a preposition or an operator."""
        names = self.vocabulary
        match kind:
            case "person":
                return self._known("person", names.people, said, at, names.people_spelt, announced=announced)
            case "place":
                return self._known("place", names.places, said, at, names.places_spelt, announced=announced)
            case "label":
                return self._known("label", names.labels.get(self.speech.code, {}), said, at)
            case "camera":
                return self._known("camera", names.cameras, said, at)
            case _:
                return self._known("album", names.albums, said, at)

    def cameras(self, value: str, end: int) -> Meant:
        """Cameras whose name contains the words, or else the words as they are."""
        key = key_of(value)
        known = tuple(
            camera for name, values in self.vocabulary.cameras.items() if _contains(name, key) for camera in values
        )
        return Meant("camera", known or (value,), value, end)

    def near(self, said: Sequence[Word], at: int) -> Meant | None:
        """Around the places of that name, as far as their positions are known."""
        place = self.find("place", said, at, announced=True)
        if place is None:
            return None
        around = tuple(
            Near(*centre, NEAR_KM)
            for value in place.values
            if (centre := self.vocabulary.centres.get(value)) is not None
        )
        return replace(place, kind="near", values=around) if around else None

    def born(self, person: Meant | None) -> date | None:
        """The birthday of the one who is meant, if it is known."""
        return self.vocabulary.birthdays.get(person.values[0]) if person and len(person.values) == 1 else None

    def _known(
        self,
        kind: Kind,
        table: Mapping[Key, tuple[Any, ...]],
        said: Sequence[Word],
        at: int,
        spelling: Spelling | None = None,
        *,
        announced: bool = False,
    ) -> Meant | None:
        key = tuple(word.text for word in said[at : at + _MAX_NAME])
        for length in range(len(key), 0, -1):
            if (values := table.get(key[:length])) is not None:
                return self._shown(kind, values, key[:length], said, at)
        stem = (key[0].removesuffix(self.speech.genitive),) if kind == "person" and key else ()
        if stem and (values := table.get(stem)) is not None:
            return self._shown(kind, values, stem, said, at)
        return self._guessed(kind, table, said, at, spelling, announced=announced) if spelling else None

    def _guessed(
        self,
        kind: Kind,
        table: Mapping[Key, tuple[Any, ...]],
        said: Sequence[Word],
        at: int,
        spelling: Spelling,
        *,
        announced: bool,
    ) -> Meant | None:
        """The one name that the words are when one of them is misspelt."""
        key = tuple(word.text for word in said[at : at + min(_MAX_NAME, spelling.longest)])
        nearest = {k: alike for k, word in enumerate(key) if (alike := spelling.near(word))}
        for length in range(len(key) if nearest else 0, 0, -1):
            found: dict[Key, tuple[Any, ...]] = {}
            for k, candidates in nearest.items():
                least = SHORTEST_GUESS if announced or length > 1 else _SAFE_GUESS
                if k >= length or len(key[k]) < least or (key[k] in EVERYDAY and not announced):
                    continue
                for near in candidates:
                    likely = (*key[:k], near, *key[k + 1 : length])
                    if likely in table:
                        found[likely] = table[likely]
            if len(found) == 1:
                ((likely, values),) = found.items()
                return replace(self._shown(kind, values, likely, said, at), guessed=True)
        return None

    def _shown(self, kind: Kind, values: tuple[Any, ...], key: Key, said: Sequence[Word], at: int) -> Meant:
        end = at + len(key)
        if kind == "person" and end < len(said) and said[end].text == "s" and said[end].before in {"'", "’"}:
            end += 1
        return Meant(kind, values, values[0].value if isinstance(values[0], PlaceRef) else " ".join(key), end)


def _contains(name: Key, part: Key) -> bool:
    return any(name[k : k + len(part)] == part for k in range(len(name) - len(part) + 1))
