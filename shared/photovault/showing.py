"""Text of others on a terminal: names of files, a server's sentences, keys of a bucket. Pure."""

from __future__ import annotations

import unicodedata

# Controls (terminals take orders in them), what turns the writing's direction, lone surrogates, ends of lines. Joiners
# are of the same kind as the marks of direction, and scripts and emoji need them.
_KEPT = "\u200c\u200d"
_UNFIT = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: str) -> str:
    """The text in one line, without anything that a terminal would obey instead of showing it."""
    return "".join("\ufffd" if unicodedata.category(each) in _UNFIT and each not in _KEPT else each for each in text)
