"""The languages of search queries. Pure.

To add one, write another ``Speech`` beside ``spoken_german``, put it into ``SPEECHES``, and give
``tests/shared/test_queries.py`` a table of queries in it, as German has one. Fill its fields from those of a language
that is near to it. What it does not have stays empty (``ago_before`` in English). A query is read in every language,
and the one that understands most of it is right, so that operators of all languages work for everybody and a language
cannot break another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache

from photovault.spoken_english import ENGLISH
from photovault.spoken_german import GERMAN
from photovault.spoken_words import Speech

SPEECHES = (ENGLISH, GERMAN)
"""In order of preference where two understand a query equally well."""

EVERYDAY = frozenset().union(*(speech.common for speech in SPEECHES))
"""The common words of all languages: none of them is a misspelt name in another."""


_NO_WORDS = {"code", "places", "labels", "plurals", "plural_endings", "ordinals", "decades", "genitive"}


def _facts(speech: Speech) -> dict[str, set[tuple[object, ...]]]:
    """What a language says of each word of its own: in which fields it stands, in which phrase, and for what."""
    found: dict[str, set[tuple[object, ...]]] = {}
    for entry in fields(speech):
        # Names of places are those of all languages, labels are looked up by themselves, and endings are no words.
        if entry.name in _NO_WORDS:
            continue
        value = getattr(speech, entry.name)
        for key in value:
            meaning = value[key] if isinstance(value, Mapping) else None
            for word in (key,) if isinstance(key, str) else key:
                found.setdefault(word, set()).add((entry.name, key, meaning))
    return found


@lru_cache(maxsize=16)
def own_words(speech: Speech, other: Speech) -> frozenset[str]:
    """The words of a language that mean something else, or nothing, in another one."""
    theirs = _facts(other)
    return frozenset(word for word, facts in _facts(speech).items() if not facts <= theirs.get(word, set()))
