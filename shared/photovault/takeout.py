"""Google Photos as Google Takeout exports it: which JSON file belongs to which photo, and what it says. Pure.

A folder a year ("Photos from 2020") and a folder an album; a photo of an album lies in both. Beside a photo lies a JSON
file, but its name is the photo's only roughly. As people who looked at many exports report (Ente's pull request 4956,
immich-go, GooglePhotosTakeoutHelper):

- ``IMG_1.jpg.json`` in exports up to 2024, ``IMG_1.jpg.supplemental-metadata.json`` since;
- what comes before ``.json`` is cut at 46 characters, so that of ``.supplemental-metadata`` any part may be left, down
  to a dot, and of long names an end may be missing;
- the number that tells photos of one name apart stands elsewhere: ``IMG_1(2).jpg`` has ``IMG_1.jpg(2).json`` or
  ``IMG_1.jpg.supplemental-metadata(2).json``, and is not counted in the 46;
- an edited copy, ``IMG_1-edited.jpg`` in the account's language, has none of its own: the original's counts.

An album's own file is ``metadata.json``, in the account's language; it is told by what it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from photovault import beside
from photovault.beside import Known, position, title

LONGEST_STEM = 46
_SUFFIX = ".supplemental-metadata"
_NUMBER = re.compile(r"(.*?)(\(\d{1,4}\))?(\.[^.]*)?", re.DOTALL)
_EDITED = (
    "-edited", "-effects", "-smile", "-mix", "-bearbeitet", "-modifié", "-modifie", "-editado", "-editada",
    "-modificato", "-bewerkt", "-redigerad", "-redigeret", "-redigert", "-edytowane", "-muokattu", "-upravené",
    "-düzenlendi", "-編集済み", "-已修改", "-изменено",
)  # fmt: skip
_ROOT = re.compile(r"takeout[-_ .()\d]*", re.IGNORECASE)
_PART = re.compile(r"[-_ .()\d]*(\.zip)?$", re.IGNORECASE)
# Titles of the folders that Google makes itself, one a year.
_OF_A_YEAR = re.compile(
    r"(?:Photos from|Photos de|Fotos von|Fotos aus|Fotos de|Fotos del|Foto del|Foto's uit|Foton från|Bilder fra|"
    r"Billeder fra|Zdjęcia z|Фото за) \d{4}"
)


def sidecar_of(name: str, there: Collection[str]) -> str | None:
    """The JSON file of a photo, among the names of its folder (best a set)."""
    return next((found for found in _candidates(name) if found in there), None) or _by_beginning(name, there)


def _candidates(name: str) -> Iterator[str]:
    found = _NUMBER.fullmatch(name)
    stem, number, ending = (found[1], found[2] or "", found[3] or "") if found else (name, "", "")
    yield from _named(f"{stem}{ending}", number)
    if number:  # the number may be the photo's own
        yield from _named(name, "")
    for word in _EDITED:
        if stem.lower().endswith(word):
            yield from _candidates(f"{stem[: -len(word)]}{number}{ending}")
    yield f"{stem}{number}.json"


def _named(name: str, number: str) -> Iterator[str]:
    yield f"{(name + _SUFFIX)[:LONGEST_STEM]}{number}.json"
    yield f"{name + _SUFFIX}{number}.json"
    yield f"{name[:LONGEST_STEM]}{number}.json"
    yield f"{name}{number}.json"


def _by_beginning(name: str, there: Collection[str]) -> str | None:
    """Of a name that had to be cut: the one JSON file whose name, without what was added, begins it."""
    if len(name) + len(_SUFFIX) <= LONGEST_STEM:
        return None
    found = [each for each in there if each.endswith(".json") and _begins(each.removesuffix(".json"), name)]
    return found[0] if len(found) == 1 else None


def _begins(stem: str, name: str) -> bool:
    bare, dot, rest = stem.rpartition(".")
    if dot and _SUFFIX.startswith(dot + rest):
        stem = bare
    return len(stem) >= LONGEST_STEM - len(_SUFFIX) and (name.startswith(stem) or stem.startswith(name))


def folder_of(path: Sequence[str]) -> tuple[str, ...]:
    """What names a folder in every part of one export: the parts' own names without their numbers, and its path there.

    ``path`` has the names of a folder and of those around it. The parts are ``takeout-20250601T120000Z-001.zip`` and
    so on, each with a folder ``Takeout``; unpacked side by side they may be ``Takeout``, ``Takeout 2`` and so on.
    """
    # Below it are Google Photos' folder and those of years and albums, of which one may be called Takeout, too.
    at = max((number for number, name in enumerate(path[:-2]) if _ROOT.fullmatch(name)), default=None)
    if at is None:
        return tuple(path)
    around = _PART.sub("", path[at - 1]).lower() if at else ""
    return *path[: max(at - 1, 0)], around, *path[at + 1 :]


def read(document: bytes) -> Known | None:
    """What a photo's JSON file says; None for one that is no photo's. Raises nothing for what it holds."""
    found = _object(document)
    taken = _time(found.get("photoTakenTime"))
    if taken is None and "photoTakenTime" not in found:
        return None
    return Known(
        filename=_text(found.get("title")),
        taken=taken,
        caption=_text(found.get("description")),
        favourite=found.get("favorited") is True,
        archived=found.get("archived") is True,
        location=_place(found.get("geoData")) or _place(found.get("geoDataExif")),
        trashed=found.get("trashed") is True,
        people=beside.words(_names(found.get("people"))),
    )


def _names(people: object) -> list[object]:
    listed: Sequence[Any] = people if isinstance(people, list) else ()
    return [_text(each.get("name")) for each in listed if isinstance(each, dict)]


def album_title(document: bytes) -> str | None:
    """The title that an album's own JSON file gives it; None for other files, and for the folder of a year."""
    found = _object(document)
    inner = found.get("albumData")
    album: dict[str, Any] = inner if isinstance(inner, dict) else found
    if "photoTakenTime" in album or not {"access", "date", "description"} & album.keys():
        return None
    found_title = title(_text(album.get("title")))
    return None if not found_title or _OF_A_YEAR.fullmatch(found_title) else found_title


def _object(document: bytes) -> dict[str, Any]:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    """Text as the vault takes it: JSON may hold NULs and halves of letters."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\x00", " ").strip()


def _time(value: object) -> datetime | None:
    stamp = value.get("timestamp") if isinstance(value, dict) else None
    if not isinstance(stamp, (str, int)) or isinstance(stamp, bool):
        return None
    try:
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(stamp))
    except (ValueError, OverflowError):
        return None
    # Zero stands for none; negative ones are photos of before 1970.
    return found if int(stamp) and 1800 < found.year < 2200 else None


def _place(value: object) -> tuple[float, float] | None:
    return position(value.get("latitude"), value.get("longitude")) if isinstance(value, dict) else None
