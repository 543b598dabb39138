"""Photos out of Immich: which files lie beside a photo, and what they say. Pure.

Immich has no export. What people have, and what the files know, by Immich's documents and code as of 2025 and 2026:

- **Its storage**, ``UPLOAD_LOCATION`` (docs: Backup and Restore; Storage Template): originals in ``library/<user>`` or,
  without a template, in ``upload/<user>/ab/cd/<uuid>.jpg``. The folders beside these two are not originals: ``thumbs``,
  ``encoded-video``, ``profile``, ``backups``. Albums, favourites and the archive are in its database alone.
- **Sidecars** ``IMG_1.jpg.xmp``, else ``IMG_1.xmp`` (docs: XMP Sidecars; pull requests 8186, 8235). Immich writes one
  when a person edits: dc:description, exif:DateTimeOriginal, exif:GPSLatitude and exif:GPSLongitude, xmp:Rating and
  digiKam:TagsList, each only if it was edited (``handleSidecarWrite``). What is there is thus a correction. Times are
  written with the offset that the person chose; older versions have written UTC with a Z, whatever the zone: such a
  time is an instant, and says nothing of the clock on the wall.
- **Downloads of its web page** (``download.service.ts``, ``asset-utils.ts``): zips with nothing but originals in one
  folder, ``IMG_1.jpg`` and ``IMG_1+1.jpg``, the film of a Live Photo among them. The zip is called
  ``<album>-20250827_225104.zip``, of several parts ``<album>+1-20250827_225104.zip``; ``immich`` in place of the album
  is a selection of photos.
- **Archives of immich-go** (``immich-go archive``; its ``writeFolder.go``, ``jsonsidecar`` and ``metadata.go``):
  ``2023/2023-10/IMG_1.jpg``, or below ``no-date``, a second one of a name as ``IMG_1~1.jpg``; beside it
  ``IMG_1.jpg.JSON`` with fileName, latitude, longitude, dateTaken, description, albums, tags, rating, trashed, archived
  and favorited, and where there was one ``IMG_1.jpg.XMP``. Some versions leave the albums out (its pull request 1272).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePath
from typing import Any

from photovault import beside, metadata, moments, xmp
from photovault.beside import Known, position

ORIGINALS = frozenset({"library", "upload"})
MADE = frozenset({"thumbs", "encoded-video", "encoded-videos", "profile", "backups"})
"""Folders beside those of the originals."""

_TIMES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_DOWNLOAD = re.compile(r"(.+?)(?:\+\d{1,3})?-\d{8}_\d{6}(?: ?\(\d{1,3}\))?(?:\.zip)?", re.IGNORECASE | re.DOTALL)
_SELECTIONS = frozenset({"immich", "immich-shared"})


def sidecars_of(name: str, there: Collection[str]) -> list[str]:
    """The files beside a photo that tell of it, the one that knows most first; ``there`` as ``plain`` gives names."""
    stem = PurePath(name).stem
    xmp_file = next((each for each in (f"{name}.xmp", f"{stem}.xmp") if each in there), None)
    return [each for each in (f"{name}.json", xmp_file) if each is not None and each in there]


def plain(name: str) -> str:
    """A name with its last ending in small letters: immich-go writes ``.JSON`` and ``.XMP``."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}{dot}{ending.lower()}"


def made_in(path: PurePath, roots: Collection[PurePath]) -> PurePath | None:
    """The folder of what Immich makes itself that a path is or lies in; None for all others."""
    around = (path, *path.parents)
    return next((each for each in around if each.name in MADE and each.parent in roots), None)


def roots(paths: Iterable[PurePath]) -> set[PurePath]:
    """The folders that have one of originals in them, among those that these paths lie in."""
    return {each.parent for path in paths for each in (path, *path.parents) if each.name in ORIGINALS}


def album_of(name: str) -> str | None:
    """The album that was downloaded as a zip of this name, or of a folder that it was unpacked to."""
    found = _DOWNLOAD.fullmatch(name)
    title = beside.title(found[1]) if found else ""
    return title if title and title.lower() not in _SELECTIONS else None


def read(name: str, document: bytes) -> tuple[Known, list[str]] | None:
    """What a file beside a photo says, and the titles of its albums; None when it is no such file. Raises nothing."""
    if name.lower().endswith(".xmp"):
        known = _of_xmp(document)
        return None if known is None else (known, [])
    return _of_json(document)


def _of_xmp(document: bytes) -> Known | None:
    properties = xmp.read(document)
    if not properties.values:
        return None
    said = next((values[0] for name in ("dc:description", "tiff:ImageDescription")
                 if (values := properties.values.get(name))), "")  # fmt: skip
    instant, corrected = None, ""
    for name in _TIMES:
        text = properties.text(name)
        written = moments.parse(text)
        if written is None or moments.is_zero(written[0]):
            continue
        local, offset = written
        if text is not None and text.upper().endswith("Z"):
            instant = local.replace(tzinfo=UTC)
        elif offset is None:
            corrected = local.isoformat(timespec="seconds")
        else:
            corrected = local.replace(tzinfo=timezone(timedelta(minutes=offset))).isoformat(timespec="seconds")
        break
    tags = beside.words(properties.texts("digiKam:TagsList") or properties.texts("dc:subject"))
    return Known(
        caption=_text(said),
        taken=instant,
        corrected_time=corrected,
        corrected_location=position(*metadata.xmp_position(properties)),
        rating=beside.stars(properties.text("xmp:Rating")),
        tags=tags,
        labels=beside.parts(tags),
    )


def _of_json(document: bytes) -> tuple[Known, list[str]] | None:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("software"), str):
        return None
    if "immich-go" not in found["software"] and not {"fileName", "dateTaken"} & found.keys():
        return None
    tags = beside.words(_tags(found.get("tags")))
    known = Known(
        filename=_text(found.get("fileName")),
        taken=_time(found.get("dateTaken")),
        caption=_text(found.get("description")),
        favourite=found.get("favorited") is True,
        archived=found.get("archived") is True,
        location=position(found.get("latitude"), found.get("longitude")),
        trashed=found.get("trashed") is True,
        rating=beside.stars(found.get("rating")),
        tags=tags,
        labels=beside.parts(tags),
    )
    return known, _titles(found.get("albums"))


def _titles(albums: object) -> list[str]:
    listed: Sequence[Any] = albums if isinstance(albums, list) else ()
    titles = (beside.title(_text(each.get("title"))) for each in listed if isinstance(each, dict))
    return list(dict.fromkeys(title for title in titles if title))


def _tags(tags: object) -> list[object]:
    """Of immich-go, with their whole paths, such as ``Travel/Portugal``."""
    listed: Sequence[Any] = tags if isinstance(tags, list) else ()
    return [_text(each.get("value") or each.get("name")) if isinstance(each, dict) else each for each in listed]


def _time(value: object) -> datetime | None:
    """Go's RFC 3339; its year 1 stands for none."""
    written = moments.parse(value) if isinstance(value, str) else None
    if written is None or not 1800 < written[0].year < 2200 or moments.is_zero(written[0]):
        return None
    return (written[0] - timedelta(minutes=written[1] or 0)).replace(tzinfo=UTC)


def _text(value: object) -> str:
    """Text as the vault takes it: JSON may hold NULs and halves of letters."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\x00", " ").strip()
