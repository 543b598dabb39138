"""Emoji as words, because telephones offer them in place of words. Pure.

What they are called is Unicode's own name of them ("slice of pizza"). Skin tones, the choice between text and picture,
and what joins several into one say nothing. A flag is its country.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

HEART = "❤"
"""The red one: what a photo is marked with that somebody likes."""

_FIRST_OF_FLAGS = 0x1F1E6  # the regional indicator for A
_ONE = "[\u231a-\u23ff\u2600-\u27bf\u2b1b-\u2b55\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"
_VARIED = "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*"
_SIGN = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_ONE}{_VARIED}(?:\u200d{_ONE}{_VARIED})*")
_SAYS_NOTHING = re.compile(f"\u200d|{_VARIED}")

# Names that nobody would type. Faces of people are faces, whatever they feel.
_CALLED = {"☕": "coffee", "😎": "sunglasses"}
_FACES = re.compile(
    "[\u2639\u263a\U0001f600-\U0001f644\U0001f910-\U0001f917\U0001f920-\U0001f92f\U0001f970-\U0001f97a]"
)
# Said of how an emoji is drawn. "Dog face" and "cat face" are drawings of a whole dog and cat.
_DRAWN = frozenset(["black", "white", "heavy", "medium", "large", "small", "sign", "symbol", "face", "suit"])


def flag(country_code: str) -> str:
    """The flag of a country by its two letters."""
    return "".join(chr(_FIRST_OF_FLAGS + ord(letter) - ord("A")) for letter in country_code.upper())


def signs(text: str) -> list[tuple[str, int, int]]:
    """Each emoji of a text as (itself without what says nothing, its start, its end)."""
    if text.isascii():
        return []
    return [(_SAYS_NOTHING.sub("", found[0]), *found.span()) for found in _SIGN.finditer(text)]


def in_words(text: str) -> str:
    """A text with words in the place of its emoji."""
    if text.isascii():
        return text
    return _SIGN.sub(lambda found: f" {' '.join(filter(None, map(_name, found[0])))} ", text)


@lru_cache(maxsize=1024)
def _name(letter: str) -> str:
    """What an emoji is called; nothing for what is none by itself."""
    if letter in _CALLED:
        return _CALLED[letter]
    if _FACES.match(letter):
        return "face"
    if unicodedata.category(letter) != "So" or ord(letter) - _FIRST_OF_FLAGS in range(26):
        return ""
    name = re.split(" without | with face", unicodedata.name(letter, "").lower())[0]
    return " ".join(word for word in name.split() if word not in _DRAWN) or name
