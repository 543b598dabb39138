"""The forms of a word: what it may be an inflected form of, and how a caption may inflect it. Pure.

No stemmer: a form counts only where a table or a caption has it, so a wrong guess finds nothing instead of something
else. Words are folded as ``spoken_dates.fold`` does it, which takes German umlauts along (``hauser``, ``haus``).
"""

from __future__ import annotations

SHORTEST = 3
"""Letters of the shortest word that is taken apart, and of what may be left of it."""

_ENDINGS = {
    "en": ("s", "es", "ing", "ed", "er", "ers"),
    "de": ("e", "n", "en", "er", "ern", "es", "s", "em"),
}
# What an ending takes the place of.
_REPLACED = {"en": {"ies": "y", "ied": "y", "ves": "f", "ying": "ie"}, "de": {"innen": "in"}}
# How a caption may have a word of a query, beyond what is written there.
_LIKELY = {"en": ("s", "es", "ing", "ed"), "de": ("e", "n", "en", "er", "s")}
_IRREGULAR = {
    "en": {
        "men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse", "geese": "goose",
        "feet": "foot", "teeth": "tooth", "knives": "knife", "wives": "wife", "lives": "life", "oxen": "ox",
        "leaves": "leaf", "ate": "eat", "eaten": "eat", "rode": "ride", "ridden": "ride", "flew": "fly",
        "flown": "fly", "ran": "run", "swam": "swim", "slept": "sleep", "drove": "drive", "driven": "drive",
        "skies": "ski",
    },
    "de": {},
}  # fmt: skip


def bases(word: str, *, language: str) -> list[str]:
    """What a word may be a form of, itself first, likelier ones before others."""
    found = [word]
    if base := _IRREGULAR[language].get(word):
        found.append(base)
    for ending, instead in _REPLACED[language].items():
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST - 1:
            found.append(word[: -len(ending)] + instead)
    for ending in _ENDINGS[language]:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < SHORTEST or (ending == "s" and stem.endswith("s")):
            continue
        found.append(stem)
        if language == "en" and ending != "s":
            found.append(f"{stem}e")
            if stem[-1] == stem[-2]:
                found.append(stem[:-1])
    return list(dict.fromkeys(found))


def variants(word: str, *, language: str) -> list[str]:
    """Other forms of a word that a caption may have, without the word itself."""
    if len(word) < SHORTEST or not word.isalpha():
        return []
    found = [base for base in bases(word, language=language) if len(base) >= SHORTEST]
    found += [f"{word}{ending}" for ending in _LIKELY[language]]
    if language == "en":
        found += [plural for plural, base in _IRREGULAR["en"].items() if base == word]
        if word.endswith("y"):
            found.append(f"{word[:-1]}ies")
        if word.endswith("e"):
            found += [f"{word[:-1]}ing", f"{word}d"]
    return [form for form in dict.fromkeys(found) if form != word]
