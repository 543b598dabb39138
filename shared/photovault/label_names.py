"""What labels are called: as somebody wrote them, and the key by which two of them are the same. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from photovault import beside
from photovault.beside import Known

LONGEST = 100
"""Characters of a label."""
MOST_OF_A_FILE = 50
"""Keywords that are taken from one file."""
MOST_OF_A_PHOTO = 100
"""Labels that a photo can show."""

# What has no width or turns the writing: two labels that look the same are one. Joiners within stay: scripts and emoji
# need them.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]")
_AT_ITS_ENDS = " \u200c\u200d"


class LabelName(NamedTuple):
    """``key`` is in small letters; ``name`` is how it is written, None where that is the key."""

    key: str
    name: str | None = None


def read(text: str) -> LabelName | None:
    """A label as somebody typed it, in one line and without controls; None for one with nothing to see or too long."""
    if len(text) > 2 * LONGEST:
        return None
    written = unicodedata.normalize("NFC", beside.title(_UNSEEN.sub("", text)).strip(_AT_ITS_ENDS))
    key = unicodedata.normalize("NFC", written.lower())  # may be longer: İ is two
    if max(len(written), len(key)) > LONGEST or not any(unicodedata.category(each)[0] in "LNPS" for each in written):
        return None
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


def unlabelled(photo: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """What of labels ``PATCH /images/{id}`` is to be told; empty when there is nothing.

    ``photo`` is as the API shows one alone. What a person said there stays.
    """
    has = {key_of(label["name"]): label["source"] for label in photo["labels"]}
    denied = {key_of(name) for name in photo["removed_labels"]}
    # Of one that is still to be looked at, nobody knows yet what will be seen.
    is_seen = photo["status"] not in {"pending", "processing"}
    added = [name for name in _each(known.labels) if name.key not in {*has, *denied}]
    wrong = [
        name
        for name in _each(known.wrong_labels)
        if has.get(name.key) in {"vision", "file"} or not (is_seen or name.key in {*has, *denied})
    ]
    edit = {
        "add_labels": [name.name or name.key for name in added[: max(0, MOST_OF_A_PHOTO - len(has))]],
        "remove_labels": [name.name or name.key for name in wrong[:MOST_OF_A_PHOTO]],
    }
    return {verb: labels for verb, labels in edit.items() if labels}


def _each(texts: Iterable[str]) -> list[LabelName]:
    """Each once, the last spelling of it; without what is no label here."""
    return list({name.key: name for text in texts if (name := read(text))}.values())
