"""The caption that a file brings with it, as people and their photo managers write it (XMP, IPTC, EXIF). Pure.

Cameras and phones fill the same fields by themselves, with their name, a mode or a file name, which says nothing of the
picture.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photovault.metadata import Metadata

_EMPTY_WORDS = frozenset(
    {"ascii", "binary comment", "camera", "default", "digital image", "exif jpeg", "image", "my beautiful picture"}
    | {"no title", "photo", "picture", "screenshot", "untitled", "user comments"}
)
# Names of cameras in general, and the modes that Huawei's phones write.
_OF_CAMERAS = re.compile(
    r".*\bdigital (still )?camera\b.*|\w+ dsc|(oz)?(btf|cof|dav|edf|fbt|hdr|hdrpl|mde|nor|ptr|rhdr|sdr|vhdr)(cb)?"
)


def caption_of(found: Metadata, *, filename: str) -> str | None:
    """The description, else the title; None where neither is something that somebody would say of a picture."""
    camera = frozenset(f"{found.camera_make or ''} {found.camera_model or ''}".casefold().split())
    for name in ("description", "title"):
        text = found.extra.get(name)
        if isinstance(text, str) and not _says_nothing(text.strip().casefold(), filename=filename, camera=camera):
            return text.strip()
    return None


def _says_nothing(text: str, *, filename: str, camera: frozenset[str]) -> bool:
    return (
        not any(letter.isalpha() for letter in text)
        or text in _EMPTY_WORDS
        or camera.issuperset(text.split())
        or _OF_CAMERAS.fullmatch(text) is not None
        or "\\" in text
        or (" " not in text and _is_a_file_name(text, filename.casefold()))
    )


def _is_a_file_name(word: str, filename: str) -> bool:
    """Its own, or one that counts, such as ``dsc_0012`` and ``dcim/100gopro``."""
    return word in {filename, PurePath(filename).stem} or re.search(r"\d{3}|_", word) is not None
