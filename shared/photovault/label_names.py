"""What labels are called: as somebody wrote them, and the key by which two of them are the same. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from photovault import beside

LONGEST = 100
"""Characters of a label."""
MOST_OF_A_FILE = 50
"""Keywords that are taken from one file."""


class LabelName(NamedTuple):
    """``key`` is in small letters; ``name`` is how it is written, None where that is the key."""

    key: str
    name: str | None = None


def read(text: str) -> LabelName | None:
    """A label as somebody typed it, in one line and without controls; None for one with nothing to see or too long."""
    written = unicodedata.normalize("NFC", beside.title(text))
    if not written or len(written) > LONGEST or len(text) > 2 * LONGEST:
        return None
    key = unicodedata.normalize("NFC", written.lower())
    return LabelName(key, None if written == key else written)


def key_of(text: str) -> str:
    """The key of a label that is asked for; of what cannot be one, something that none has."""
    found = read(text)
    return found.key if found else text.lower()


def of_keywords(words: object) -> list[LabelName]:
    """The keywords of a file, each once; nothing for what is no list of texts."""
    listed: Iterable[object] = words if isinstance(words, list) else ()
    found = [name for word in listed if isinstance(word, str) and (name := read(word))]
    return list({name.key: name for name in reversed(found)}.values())[::-1][:MOST_OF_A_FILE]
