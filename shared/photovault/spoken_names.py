"""People, places, labels, cameras and albums of the library in words, misspelt by a letter too. Pure, deterministic.

The names are those of ``vocabularies``, the words around them those of ``spoken_words``, one language at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from photovault.filters import Kind, Near, PlaceRef
from photovault.readings import Meant
from photovault.speech import EVERYDAY
from photovault.spoken_dates import Word
from photovault.spoken_words import Speech
from photovault.vocabularies import SHORTEST_GUESS, Index, Key, Spelling, Vocabulary

NEAR_KM = 25.0
"""How far ``near:`` reaches around a place."""
_MAX_NAME = 12  # words of a name
_LEVELS = {"country": ("country",), "region": ("region",), "city": ("city",)}
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
                return self._known("label", names.labels.get(self.speech.code, Index()), said, at)
            case "camera":
                return self._known("camera", names.cameras, said, at)
            case _:
                return self._known("album", names.albums, said, at)

    def operand(self, key: str, said: Sequence[Word], first: int, last: int) -> Meant | None:
        """What an operator's value names: a whole name, or else all names with these words in them, or else one that is
        nearly so. ``last``: the index behind the words that certainly belong to it; a longer name takes more.
        """
        kind, table = self._table(key)
        found = self._whole(kind, table, said, first)
        if found is None or found.end < last:
            part = tuple(word.text for word in said[first:last])
            found = self._with_part(kind, table, part, last)
        if found is None:
            found = self._guessed(kind, table, said, first, self._spelling(key), announced=True)
        if found is None or found.end < last:
            return None
        level = _LEVELS.get(key)
        if level is not None:
            found = replace(found, values=tuple(value for value in found.values if value.level in level))
        return found if found.values else None

    def near(self, said: Sequence[Word], first: int, last: int) -> Meant | None:
        """Around the places of that name, or inside of those that have no middle, such as countries."""
        place = self.operand("place", said, first, last)
        return self.around(place) if place else None

    def around(self, place: Meant, km: float | None = None) -> Meant:
        """So far around a place, as a circle."""
        centres = self.vocabulary.centres
        around = tuple(Near(*centres[value], km or NEAR_KM) for value in place.values if value in centres)
        shown = f"{place.shown}, {km:g} km" if km else place.shown
        return replace(place, kind="near", values=around, shown=shown) if around else place

    def _table(self, key: str) -> tuple[Kind, Index[Any]]:
        names = self.vocabulary
        match key:
            case "person":
                return "person", names.people
            case "label":
                return "label", names.labels.get(self.speech.code, Index())
            case "camera":
                return "camera", names.cameras
            case "album":
                return "album", names.albums
            case _:
                return "place", names.places

    def _spelling(self, key: str) -> Spelling:
        names = self.vocabulary
        match key:
            case "person":
                return names.people_spelt
            case "label":
                return names.labels_spelt[self.speech.code]
            case "camera":
                return names.cameras_spelt
            case "album":
                return names.albums_spelt
            case _:
                return names.places_spelt

    @staticmethod
    def _with_part(kind: Kind, table: Index[Any], part: Key, end: int) -> Meant | None:
        bearers = tuple(
            dict.fromkeys(value for name, values in table.items() if _contains(name, part) for value in values)
        )
        return Meant(kind, bearers, " ".join(part), end) if bearers else None

    def born(self, person: Meant | None) -> date | None:
        """The birthday of the one who is meant, if it is known."""
        return self.vocabulary.birthdays.get(person.values[0]) if person and len(person.values) == 1 else None

    def _known(
        self,
        kind: Kind,
        table: Index[Any],
        said: Sequence[Word],
        at: int,
        spelling: Spelling | None = None,
        *,
        announced: bool = False,
    ) -> Meant | None:
        if at >= len(said):
            return None
        if found := self._whole(kind, table, said, at):
            return found
        if spelling is None:
            return None
        if whole := table.joined.get(said[at].text):
            shown = self._shown(kind, table[whole], whole, said, at)
            return replace(shown, end=at + 1, guessed=True)
        return self._guessed(kind, table, said, at, spelling, announced=announced)

    def _whole(self, kind: Kind, table: Index[Any], said: Sequence[Word], at: int) -> Meant | None:
        first = said[at].text
        most = table.longest.get(first, 0)
        ending = self.speech.genitive if kind == "person" else ""
        if ending and first.endswith(ending):
            most = max(most, table.longest.get(first.removesuffix(ending), 0))
        if not most:
            return None
        key = tuple(word.text for word in said[at : at + min(most, _MAX_NAME)])
        for length in range(len(key), 0, -1):
            name = key[:length]
            if ending and name not in table and self._has_something(said, at + length):
                name = (*name[:-1], name[-1].removesuffix(ending))
            if (values := table.get(name)) is not None:
                return self._shown(kind, values, name, said, at)
        return None

    def _has_something(self, said: Sequence[Word], at: int) -> bool:
        """Whether "annas" before the word ``at`` may be Anna's: in "roses in the garden" they are not Rose's."""
        if at >= len(said) or said[at - 1].text in EVERYDAY or said[at - 1].text in self.speech.idle:
            return False
        return said[at].text not in self.speech.idle

    def _guessed(
        self,
        kind: Kind,
        table: Index[Any],
        said: Sequence[Word],
        at: int,
        spelling: Spelling,
        *,
        announced: bool,
    ) -> Meant | None:
        """The one name that the words are when one of them is misspelt."""
        if said[at].text not in table.longest and not spelling.near(said[at].text):
            return None
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
    # A query may ask a hundred times, of thousands of names: most are told by a look at their words.
    return part[0] in name and any(name[k : k + len(part)] == part for k in range(len(name) - len(part) + 1))
