"""How an exported archive is laid out: names that every system can hold, and the documents beside the photos. Pure.

    README.txt                           this layout in plain words
    manifest.json                        what was exported, when and from where (``MANIFEST``)
    SHA256SUMS.txt                       one line a photo, for ``sha256sum -c``
    albums.json, people.json             all of them (``ALBUMS``, ``PEOPLE``)
    albums/<title>.json                  one album and the paths of its photos (``ALBUM``)
    photos/2025/2025-05 (May)/IMG_1.jpg  by the local day; ``photos/undated`` when the file says no time
    photos/2025/2025-05 (May)/IMG_1.jpg.json  everything that is known of that photo (``PHOTO``)
    errors.txt                           only when photos could not be exported

Documents name their schema in ``schema``; a change that old readers would stumble over counts its number up.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from photovault import raw

MANIFEST = "photovault-export/1"
PHOTO = "photovault-photo/1"
ALBUM = "photovault-album/1"
ALBUMS = "photovault-albums/1"
PEOPLE = "photovault-people/1"

SIDECAR = ".json"
UNDATED = "undated"

# Room for " (12345)" and the endings of what lies beside, within the 255 bytes of most file systems and the 143 of
# encrypted ones.
LONGEST_NAME = 110
_LONGEST_SUFFIX = 16
# Windows keeps these for devices, with any ending ("Naming Files, Paths, and Namespaces", Microsoft).
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE)
# Marks that turn the writing's direction, and what has no width. Joiners stay: scripts and emoji need them.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_REFUSED = re.compile(r'[<>:"/\\|?*]')
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SUFFIXES = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif", "image/tiff": ".tif",
    "image/heic": ".heic", "image/heif": ".heif", "image/avif": ".avif", "video/mp4": ".mp4", "video/quicktime": ".mov",
} | {content_type: f".{ending}" for content_type, ending in raw.TYPES.items()}  # fmt: skip


def safe_name(text: str, *, otherwise: str) -> str:
    """One segment of a path that Windows, macOS and Linux can hold and show: at most ``LONGEST_NAME`` bytes of UTF-8.

    Control characters and marks that turn the writing's direction go, what a system refuses becomes ``_``. The ending
    stays when the rest is too long. ``otherwise`` is the name when nothing is left.
    """
    name = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cs", "Cn", "Zl", "Zp"})
    name = _REFUSED.sub("_", name).strip().rstrip(". ")
    if not name.strip("._ "):
        return otherwise
    if name.startswith("."):  # hidden, to most
        name = "_" + name
    if _RESERVED.fullmatch(name.partition(".")[0].rstrip()):
        name = "_" + name
    stem, suffix = split(name)
    return _cut(stem, LONGEST_NAME - len(suffix.encode())) + suffix


def split(name: str) -> tuple[str, str]:
    """A name and its ending, dot included; an ending that is too long to be one belongs to the name."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or not suffix or len(suffix.encode()) >= _LONGEST_SUFFIX or " " in suffix:
        return name, ""
    return stem, dot + suffix


def _cut(text: str, size: int) -> str:
    """The beginning of a text that fits so many bytes, without half a letter at its end."""
    if len(text.encode()) <= size:
        return text
    cut = text.encode()[:size].decode(errors="ignore")
    while cut and unicodedata.combining(text[len(cut)]) and len(cut) > 1:
        cut = cut[:-1]
    return cut.rstrip(". ")


class Names:
    """Gives out each path once. Two paths are the same when a system that ignores case, or how accents are written,
    takes them for the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def take(self, folder: str, name: str, *, beside: Sequence[str] = ()) -> str:
        """``folder/name``, or with " (2)" and so on before its ending when that, or one of the names that are made of
        it with the endings ``beside``, is taken."""
        stem, suffix = split(name)
        wanted = _same(f"{folder}/{name}")
        number = self._next.get(wanted, 1)
        while True:
            path = f"{folder}/{name}" if number == 1 else f"{folder}/{stem} ({number}){suffix}"
            number += 1
            if not any(_same(path + ending) in self._taken for ending in ("", *beside)):
                break
        self._next[wanted] = number
        self.keep([path, *(path + ending for ending in beside)])
        return path

    def keep(self, paths: Iterable[str]) -> None:
        """Note paths that were given out before."""
        self._taken.update(map(_same, paths))


def _same(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def photo_folder(photo: Mapping[str, Any]) -> str:
    """Where a photo goes, by the local day on which it was taken; ``photo`` as the API shows it.

    Nothing of the answer's text gets into the path: a server may send anything for a day.
    """
    taken = photo["taken"]
    if taken is None or taken["source"] == "upload":  # the vault's guess, not the photo's word
        return f"photos/{UNDATED}"
    try:
        day = date.fromisoformat(taken["local_day"])
    except ValueError:
        return f"photos/{UNDATED}"
    return f"photos/{day.year:04}/{day.year:04}-{day.month:02} ({_MONTHS[day.month - 1]})"


def photo_name(photo: Mapping[str, Any]) -> str:
    """What a photo is called: as its owner called it, with an ending where there was none."""
    suffix = _SUFFIXES.get(photo["content_type"], "")
    name = safe_name(photo["filename"], otherwise=f"photo{suffix}")
    return name if split(name)[1] else name + suffix


def motion_ending(content_type: str) -> str:
    """What is added to a photo's name for its moving part."""
    return ".motion" + _SUFFIXES.get(content_type, ".mp4")


def written_at(photo: Mapping[str, Any]) -> datetime:
    """The time that a photo's entry in the archive gets: the clock on the wall when it was taken, else its upload."""
    taken = photo["taken"]
    return datetime.fromisoformat(taken["local_time"] if taken else photo["created_at"]).replace(tzinfo=None)


# ---------------------------------------------------------------------------------------------------- documents


def document(content: Mapping[str, Any]) -> bytes:
    """JSON as people read it: UTF-8, indented."""
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode("utf-8", errors="replace")


def sidecar(photo: Mapping[str, Any], *, path: str, motion: str | None, albums: Sequence[Mapping[str, Any]]) -> bytes:
    """The document beside a photo: ``photo`` as the API's export lists it, without its tickets.

    ``file`` and ``motion`` are names in the same folder; ``albums`` have ``id``, ``title`` and ``file``. Boxes are
    fractions of the upright picture, from its upper left corner.
    """
    return document(
        {
            "schema": PHOTO,
            "id": photo["id"],
            "file": path.rpartition("/")[2],
            "motion": motion.rpartition("/")[2] if motion else None,
            "original_filename": photo["filename"],
            "content_type": photo["content_type"],
            "bytes": photo["bytes"],
            "sha256": photo["sha256"],
            "width": photo["width"],
            "height": photo["height"],
            "taken": photo["taken"],
            "location": photo["location"],
            # Without a place: the person said that nobody knows it. Older servers do not tell.
            "location_corrected": photo.get("location_corrected", False),
            "camera": photo["camera"],
            "caption": photo["caption"],
            "favourite": photo["favourite"],
            "archived": photo["archived"],
            "people": [
                {
                    "id": face["person_id"],
                    "name": face["person_name"],
                    "box": dict(zip(("x", "y", "width", "height"), face["box"], strict=True)),
                }
                for face in photo["people"]
            ],
            "labels": photo["labels"],
            "removed_labels": photo.get("removed_labels", []),
            "albums": [{"id": a["id"], "title": a["title"], "file": a["file"]} for a in albums],
            "uploaded_at": photo["created_at"],
            "rejected_because": photo["reason"],
        }
    )


README = """\
Your photos, as PhotoVault kept them
====================================

photos/           Your photos, byte for byte as you uploaded them, by year and month
                  of the day on which they were taken. photos/undated has those whose
                  files say no time.
                  Beside each photo is a file of the same name with .json at its end.
                  It says what the vault knows of that photo: when and where it was
                  taken, who is in it, what it shows, your caption, its albums.
albums/           One file an album, which lists the paths of its photos. A photo lies
                  in photos/ once, however many albums it is in.
albums.json       All albums.
people.json       All people, named or not.
manifest.json     What was exported, when, and from which server.
SHA256SUMS.txt    The fingerprints of all photos. `sha256sum -c SHA256SUMS.txt` in this
                  folder tells whether every file is still what it was.
errors.txt        Only there when photos could not be exported: which, and why.

Photos in the trash, and photos that were still being uploaded, are not in here.
Nothing in here is encrypted: keep it where you keep what is private.

The JSON files are UTF-8. Each says in "schema" what it is and in which version.
Times: "local_time" is the clock on the wall where the photo was taken, "offset" what
that clock was ahead of UTC, "instant" the moment itself in UTC, "source" where that is
known from. Places are degrees of WGS 84. Boxes around faces are fractions of the
picture's width and height, from the upper left corner of the picture held upright.
"""
