"""The moving part of a photo: the clip inside a Motion Photo, and what ties the two files of a Live Photo together.

Motion Photos are one file. Google's and Samsung's phones write a short video behind the picture, and say where in XMP
(https://developer.android.com/media/platform/motion-photo-format), in a box ``mpvd`` of a HEIC or AVIF, or in Samsung's
own trailer. What they say is only a hint here: software that edits a photo leaves it wrong or drops it. A clip is what
begins and ends as a whole MP4 file (ISO/IEC 14496-12) with a table of contents.

Live Photos are two files, a picture and a QuickTime film. Both hold the same identifier: the picture as tag 17 of
Apple's maker notes, the film as ``com.apple.quicktime.content.identifier``. By it
the film is found to be the picture's (see ``films``).

Nothing here raises for what the bytes hold. Searches are bounded: at most 16 places are looked at, each for 64 boxes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from photovault import embedded, exif

LEAST_BYTES = 64
"""Shorter runs of boxes are no film."""

_MOST_PLACES = 16
_MOST_BOXES = 64
_TRAILER = 64 * 1024  # bytes at the end of a file in which Samsung's list of contents is looked for
_BOXES_OF_FILMS = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta", b"udta", b"pdin", b"moof", b"mfra",
     b"sidx", b"ssix", b"styp", b"prft", b"emsg", b"pnot"}
)  # fmt: skip
_PICTURE_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"msf1", b"avif", b"avis", b"crx "})

_MICRO_VIDEO = re.compile(rb"MicroVideoOffset\s{0,9}(?:=\s{0,9}[\"']|>\s{0,9})(\d{1,10})")
_ITEM = re.compile(rb"<[\w-]{1,40}:Item\s([^<>]{1,2000})>")
_ATTRIBUTE = re.compile(rb"[\w-]{1,40}:(Semantic|Length|Padding)\s{0,9}=\s{0,9}[\"']([^\"'<>]{0,40})[\"']")
_IDENTIFIER = re.compile(rb"[0-9A-Fa-f-]{8,64}")
_IDENTIFIER_KEY = b"com.apple.quicktime.content.identifier"


@dataclass(frozen=True)
class Clip:
    """``data[start:end]`` is a film of the MIME type ``content_type``."""

    start: int
    end: int
    content_type: str


def find(data: bytes, *, content_type: str) -> Clip | None:
    """The film within a photo of this MIME type; None when there is none."""
    if content_type not in {"image/jpeg", "image/heic", "image/heif", "image/avif"}:
        return None
    tried: set[int] = set()
    for start, most in _places(data, content_type=content_type):
        if start in tried or not 12 <= start < len(data):
            continue
        tried.add(start)
        if len(tried) > _MOST_PLACES:
            return None
        if (clip := _film(data, start, end=min(most, len(data)))) is not None:
            return clip
    return None


def is_film(data: bytes) -> bool:
    """Whether these bytes begin as a film of the QuickTime family and not as one of the pictures in such boxes."""
    return data[4:8] == b"ftyp" and data[8:12] not in _PICTURE_BRANDS


def film_type(data: bytes) -> str:
    """The MIME type of a film."""
    return "video/quicktime" if data[8:12] == b"qt  " else "video/mp4"


def content_identifier(data: bytes) -> str | None:
    """What the picture and the film of a Live Photo have in common: a UUID in upper case; of either file."""
    if is_film(data):
        return _identifier_of_film(data)
    kind = "image/jpeg" if data.startswith(b"\xff\xd8\xff") else "image/heic"
    return identifier_in_note(exif.read(embedded.find(data, content_type=kind).exif).exif.get(0x927C))


def identifier_in_note(note: object) -> str | None:
    """Tag 17 of Apple's maker notes: ``Apple iOS``, two bytes of version, the byte order, then a TIFF directory.

    Offsets count from the beginning of the notes.
    """
    if not isinstance(note, bytes) or not note.startswith(b"Apple iOS\0") or len(note) < 16:
        return None
    order = "<" if note[12:14] == b"II" else ">"
    (count,) = struct.unpack_from(order + "H", note, 14)
    for at in range(16, min(16 + 12 * min(count, 512), len(note) - 11), 12):
        tag, kind, length, offset = struct.unpack_from(order + "HHII", note, at)
        if (tag, kind) == (17, 2) and length <= 100:
            return _identifier(note[offset : offset + length])
    return None


def _places(data: bytes, *, content_type: str) -> Iterator[tuple[int, int]]:
    """(start, end) of what may be a film, the most trustworthy first."""
    end = len(data)
    if content_type != "image/jpeg":
        yield from ((start, stop) for kind, start, stop in embedded.boxes(data) if kind == b"mpvd")
    packet = embedded.find(data, content_type=content_type).xmp or b""
    yield from ((end - back, end - rest) for back, rest in _said_by_xmp(packet[: embedded.MAX_BLOCK]))
    yield from _said_by_samsung(data)
    if content_type == "image/jpeg" and not data.endswith(b"\xff\xd9"):  # no word of it, or a wrong one
        at = data.find(b"ftyp", 12)
        while at > 0:
            yield at - 4, end
            at = data.find(b"ftyp", at + 4)


def _said_by_xmp(packet: bytes) -> Iterator[tuple[int, int]]:
    """(bytes from the film's start to the end of the file, bytes from its end) by the two versions of the format."""
    items = [dict(_ATTRIBUTE.findall(item.group(1))) for item in islice(_ITEM.finditer(packet), _MOST_BOXES)]
    behind = 0
    for item in reversed(items):
        padding, length = _number(item.get(b"Padding")), _number(item.get(b"Length"))
        if item.get(b"Semantic") == b"MotionPhoto" and length:
            yield behind + length, behind  # the padding lies between an item and the next one
            yield behind + padding + length, behind + padding
        behind += padding + length
    for found in _MICRO_VIDEO.findall(packet)[:2]:
        yield int(found), 0


def _number(text: bytes | None) -> int:
    return int(text) if text and text.isdigit() and len(text) <= 10 else 0


def _said_by_samsung(data: bytes) -> Iterator[tuple[int, int]]:
    """The entry ``MotionPhoto_Data`` of the trailer: the film itself, or in HEIC its place in the file.

    The trailer ends with ``SEFH``, version, count, entries of (type, distance back from ``SEFH``, size), the length of
    that list and ``SEFT``; an entry's data begins with its type, the length of its name, and its name.
    """
    at = data.rfind(b"SEFH", max(0, len(data) - _TRAILER))
    if at < 0 or at + 12 > len(data):
        return
    (count,) = struct.unpack_from("<I", data, at + 8)
    for entry in range(at + 12, min(at + 12 + 12 * min(count, _MOST_BOXES), len(data) - 11), 12):
        back, size = struct.unpack_from("<II", data, entry + 4)
        start = at - back
        if not 0 < start < at or size < 8 or start + size > at:
            continue
        (named,) = struct.unpack_from("<I", data, start + 4)
        if data[start + 8 : start + 8 + min(named, 64)] != b"MotionPhoto_Data":
            continue
        film = start + 8 + named
        if data[film : film + 4] == b"mpv2" and film + 12 <= at:
            place, length = struct.unpack_from(">II", data, film + 4)
            yield place, place + length
        else:
            yield film, start + size


def _film(data: bytes, start: int, *, end: int) -> Clip | None:
    """A film that begins at ``start`` and takes all boxes that follow one another, up to ``end``."""
    at, seen = start, set[bytes]()
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            break
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        elif size == 0:
            size = end - at
        if kind not in _BOXES_OF_FILMS or size < 8 or at + size > end or (kind == b"ftyp") != (at == start):
            break
        seen.add(kind)
        at += size
    if not {b"ftyp", b"moov"} <= seen or at - start < LEAST_BYTES or data[start + 8 : start + 12] in _PICTURE_BRANDS:
        return None
    return Clip(start=start, end=at, content_type=film_type(data[start : start + 12]))


def _identifier_of_film(data: bytes) -> str | None:
    """The value of the key in the film's ``moov/meta``: names in ``keys``, values in ``ilst`` by the name's number.

    QuickTime File Format, "Metadata". Its ``meta`` has no version and flags, unlike the one of ISO/IEC 14496-12.
    """
    for kind, start, stop in embedded.boxes(data):
        if kind != b"moov":
            continue
        for inner, begin, end in embedded.boxes(data, start, stop):
            if inner == b"meta":
                skip = 0 if data[begin + 4 : begin + 8] == b"hdlr" else 4
                parts = {name: (s, e) for name, s, e in embedded.boxes(data, begin + skip, end)}
                return _value_in_list(data, parts)
    return None


def _value_in_list(data: bytes, parts: dict[bytes, tuple[int, int]]) -> str | None:
    if b"keys" not in parts or b"ilst" not in parts:
        return None
    start, stop = parts[b"keys"]
    number = 0
    for at, (_, name, end) in enumerate(embedded.boxes(data, start + 8, stop), 1):
        if data[name:end] == _IDENTIFIER_KEY:
            number = at
    for kind, start, stop in embedded.boxes(data, *parts[b"ilst"]):
        if number and int.from_bytes(kind, "big") == number:  # the value: size, ``data``, type, locale, text
            return _identifier(data[start + 16 : min(stop, start + 116)])
    return None


def _identifier(raw: bytes) -> str | None:
    text = raw.split(b"\0", 1)[0].strip()
    return text.decode("ascii").upper() if _IDENTIFIER.fullmatch(text) else None
