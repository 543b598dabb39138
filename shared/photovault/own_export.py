"""What ``photovault export`` wrote, read again: the document beside a photo, and which albums were made by hand. Pure.

The layout is that of ``export_layout``. Times and places of a photo are in its own file, but for those that a person
corrected; people, automatic albums and labels of models come again by themselves.
"""

from __future__ import annotations

import json
from typing import Any

from photovault import beside, export_layout
from photovault.beside import Known, position, title

_CORRECTED = "person"


def read(document: bytes) -> tuple[Known, list[str]] | None:
    """What is known of a photo, and the ids of its albums; None for another document. Raises nothing."""
    found = _object(document)
    if found.get("schema") != export_layout.PHOTO:
        return None
    taken, location = found.get("taken"), found.get("location")
    corrected = ""
    if isinstance(taken, dict) and taken.get("source") == _CORRECTED:
        corrected = f"{_text(taken.get('local_time'))}{_text(taken.get('offset'))}"
    at = None
    if isinstance(location, dict) and location.get("source") == _CORRECTED:
        at = position(location.get("lat"), location.get("lon"))
    nowhere = location is None and found.get("location_corrected") is True
    known = Known(
        filename=_text(found.get("original_filename")),
        caption=_text(found.get("caption")),
        favourite=found.get("favourite") is True,
        archived=found.get("archived") is True,
        corrected_time=corrected,
        corrected_location=at,
        nowhere=nowhere,
        people=_names(found.get("people")),
        labels=_labels(found.get("labels")),
        wrong_labels=beside.words(found.get("removed_labels")),
    )
    albums = found.get("albums")
    return known, [_text(each.get("id")) for each in albums if isinstance(each, dict)] if isinstance(
        albums, list
    ) else []


def _names(people: object) -> tuple[str, ...]:
    listed: list[Any] = people if isinstance(people, list) else []
    return beside.words([each.get("name") for each in listed if isinstance(each, dict)])


def _labels(labels: object) -> tuple[str, ...]:
    """Those that a person added; the others come again by themselves."""
    listed: list[Any] = labels if isinstance(labels, list) else []
    added = [each for each in listed if isinstance(each, dict) and each.get("source") == _CORRECTED]
    return beside.words([each.get("name") for each in added])


def titles(document: bytes) -> dict[str, str]:
    """The titles of the albums that were made by hand, by id; of ``albums.json``."""
    found = _object(document)
    albums = found.get("albums")
    if found.get("schema") != export_layout.ALBUMS or not isinstance(albums, list):
        return {}
    return {
        _text(each.get("id")): title(_text(each.get("title")))
        for each in albums
        if isinstance(each, dict) and each.get("kind") == "manual" and title(_text(each.get("title")))
    }


def _object(document: bytes) -> dict[str, Any]:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return value.encode("utf-8", "replace").decode().replace("\x00", " ") if isinstance(value, str) else ""
