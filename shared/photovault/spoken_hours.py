"""Hours of the clock in words: "at 7 pm", "18:30", "nach 22 Uhr", "between 6 and 9 pm". Pure, deterministic.

A photo has the hour that begins with its own: 18:30 is sought from 18 to 19. A number alone is no hour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photovault.spoken_dates import Word
from photovault.spoken_words import Hours, Speech

Found = tuple[Hours, int]
"""The first hour and the one after the last, and the index of the word after them."""

_GLUED = re.compile(r"([0-9]{1,2})([a-z]+)")
_DASHES = {"-", "–", "—"}
_BARE = "bare"


def find(said: Sequence[Word], at: int, speech: Speech) -> Found | None:
    """The hours that begin with the word ``at``, or with the preposition that it is."""
    text = said[at].text
    if text[:1].isdigit():
        return _range(said, at, speech) or _one(said, at, speech)
    if at + 1 >= len(said) or not said[at + 1].text[:1].isdigit():
        return None
    if text in speech.between and (found := _range(said, at + 1, speech)):
        return found
    bound = speech.bounds.get(text)
    if bound is None:
        return _one(said, at + 1, speech) if text in speech.into or text in speech.around else None
    one = _hour(said, at + 1, speech)
    if one is None or one[1] == _BARE:
        return None
    hour, _, after = one
    return ((hour, 0) if bound in {"since", "after"} else (0, hour)) if hour else (0, 0), after


def _one(said: Sequence[Word], at: int, speech: Speech) -> Found | None:
    found = _hour(said, at, speech)
    if found is None or found[1] == _BARE:
        return None
    return (found[0], (found[0] + 1) % 24), found[2]


def _range(said: Sequence[Word], at: int, speech: Speech) -> Found | None:
    """6 to 9 pm: what is said behind the second belongs to both."""
    first = _hour(said, at, speech)
    if first is None or first[2] >= len(said):
        return None
    behind = first[2]
    if said[behind].text in speech.to or said[behind].text in speech.and_:
        behind += 1
    elif said[behind].before.strip() not in _DASHES:
        return None
    last = _hour(said, behind, speech) if behind < len(said) else None
    if last is None or last[1] == _BARE:
        return None
    begin = first[0]
    if first[1] == _BARE:
        added = speech.clock.get(last[1])
        begin = _of_day(begin, added) if added is not None else begin
        if added and begin > last[0]:  # "10 to 1 pm"
            begin = first[0]
    return ((begin, last[0]), last[2]) if begin != last[0] else None


def _hour(said: Sequence[Word], at: int, speech: Speech) -> tuple[int, str, int] | None:
    """An hour of the day, what was said behind it, and the index behind both."""
    text, after = said[at].text, at + 1
    mark = ""
    if glued := _GLUED.fullmatch(text):
        text, mark = glued.groups()
        if mark not in speech.clock:
            return None
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= 24):
        return None
    minutes = False
    if not mark and after < len(said) and said[after].before == ":":
        found = _GLUED.fullmatch(said[after].text)
        digits = found[1] if found else said[after].text
        if not (digits.isascii() and digits.isdigit() and len(digits) == 2 and int(digits) < 60):
            return None
        mark, minutes, after = found[2] if found else "", True, after + 1
        if mark and mark not in speech.clock:
            return None
    if not mark and after < len(said) and not said[after].before.strip():
        if said[after].text in speech.clock:
            mark, after = said[after].text, after + 1
        else:  # "7 p.m."
            pair = "".join(word.text for word in said[after : after + 2])
            if len(pair) == 2 and after + 1 < len(said) and said[after + 1].before == "." and pair in speech.clock:
                mark, after = pair, after + 2
    if not mark:
        return int(text) % 24, _BARE if not minutes else ":", after
    added = speech.clock[mark]
    if added is not None and not 1 <= int(text) <= 12:
        return None
    return _of_day(int(text), added), mark, after


def _of_day(hour: int, added: int | None) -> int:
    """Twelve at noon and at midnight are the zeros of their halves."""
    return hour % 24 if added is None else hour % 12 + added
