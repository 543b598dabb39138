"""RAW files of cameras: which they are, and the JPEG picture that cameras put inside them.

The sensor's own data is not developed: no library for it fits beside the others, and the camera's own rendering is what
its owner saw on its screen. Every common RAW format holds it as a JPEG, often in full size. ``preview`` finds the
largest one, by the format's pointers; where they lead to nothing, by looking for JPEG headers.

Most formats are TIFF structures (TIFF 6.0, TIFF/EP, Adobe DNG 1.7): DNG, Canon CR2, Nikon NEF and NRW, Sony ARW,
Pentax PEF, Samsung SRW, and with an own first word Olympus ORF and Panasonic RW2. Canon CR3 is ISO base media, Fujifilm
RAF has a header of its own (https://libopenraw.freedesktop.org/formats/).

Hostile files cost milliseconds: at most 64 directories of 512 entries and 64 JPEG headers are looked at, and nothing is
copied but the preview. Nothing here raises for what the bytes hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from photovault import embedded

TYPES = MappingProxyType(
    {
        "image/x-adobe-dng": "dng",
        "image/x-canon-cr2": "cr2",
        "image/x-canon-cr3": "cr3",
        "image/x-fuji-raf": "raf",
        "image/x-nikon-nef": "nef",
        "image/x-olympus-orf": "orf",
        "image/x-panasonic-rw2": "rw2",
        "image/x-pentax-pef": "pef",
        "image/x-samsung-srw": "srw",
        "image/x-sony-arw": "arw",
    }
)
"""MIME type -> file extension."""

LEAST_SIDE = 200
"""Pixels of the long side. What is smaller is a thumbnail and stands for no photo."""

_MOST_DIRECTORIES = 64
_MOST_ENTRIES = 512
_MOST_CANDIDATES = 64
_MOST_TRACKS = 16  # and other boxes beside them
_MAKERS = (
    (b"CANON", "image/x-canon-cr2"),
    (b"NIKON", "image/x-nikon-nef"),
    (b"SONY", "image/x-sony-arw"),
    (b"PENTAX", "image/x-pentax-pef"),
    (b"RICOH", "image/x-pentax-pef"),
    (b"SAMSUNG", "image/x-samsung-srw"),
)
_WORDS = MappingProxyType(
    {
        b"II*\0": "<",
        b"MM\0*": ">",
        b"IIRO": "<",
        b"IIRS": "<",
        b"MMOR": ">",
        b"IIU\0": "<",
    }
)
_SENSOR_PHOTOMETRY = frozenset({32803, 34892})  # colour filter array, linear raw
_SENSOR_COMPRESSION = frozenset({32767, 32769, 32770, 34713, 65000, 65535})  # Sony, packed, Samsung, Nikon, Pentax
_CR3_META = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_CR3_PREVIEW = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")


@dataclass(frozen=True)
class Preview:
    """``data[start:end]`` is a JPEG of ``width`` x ``height`` pixels, not yet upright."""

    start: int
    end: int
    width: int
    height: int


@dataclass(frozen=True)
class _Directory:
    """A TIFF directory: tag -> (type, count, where its value lies)."""

    order: str
    entries: dict[int, tuple[int, int, int]]

    def numbers(self, data: bytes, tag: int, *, most: int = 64) -> tuple[int, ...]:
        """SHORT or LONG values (also IFD's) of a tag."""
        kind, count, at = self.entries.get(tag, (0, 0, 0))
        letter = {3: "H", 4: "I", 13: "I"}.get(kind)
        if letter is None or not count:
            return ()
        count = min(count, most)
        if at + count * struct.calcsize(letter) > len(data):
            return ()
        return struct.unpack_from(f"{self.order}{count}{letter}", data, at)

    def number(self, data: bytes, tag: int, *, otherwise: int = 0) -> int:
        numbers = self.numbers(data, tag, most=1)
        return numbers[0] if numbers else otherwise

    def text(self, data: bytes, tag: int) -> bytes:
        kind, count, at = self.entries.get(tag, (0, 0, 0))
        return data[at : at + min(count, 64)] if kind == 2 else b""


def sniff(data: bytes) -> str | None:
    """The MIME type of a RAW file by content; None for everything else, ordinary TIFF files too."""
    head = bytes(data[:16])
    if head.startswith(b"FUJIFILMCCD-RAW"):
        return "image/x-fuji-raf"
    if head[4:12] == b"ftypcrx ":
        return "image/x-canon-cr3"
    if head[:4] in {b"IIRO", b"IIRS", b"MMOR"}:
        return "image/x-olympus-orf"
    if head[:4] == b"IIU\0":
        return "image/x-panasonic-rw2"
    if head[:4] not in _WORDS:
        return None
    return _kind_of_tiff(data, list(_directories(data)))


def preview(data: bytes) -> Preview | None:
    """The largest JPEG inside a RAW file that shows the photo; None when there is none."""
    best: Preview | None = None
    # A DNG's pointers are complete, and its sensor's data may be JPEGs too, of a tile each.
    searches = (_pointed_at(data),) if sniff(data) == "image/x-adobe-dng" else (_pointed_at(data), _looked_for(data))
    for places in searches:
        for start, end in islice(places, _MOST_CANDIDATES):
            found = _jpeg(data, start, end=end)
            if found and (best is None or found.width * found.height > best.width * best.height):
                best = found
        if best is not None:
            return best
    return None


def ends_early(data: bytes) -> bool:
    """Whether something that the file points at lies behind its end."""
    if data[4:12] == b"ftypcrx ":
        return embedded.ends_early(data, content_type="image/heic")
    return any(
        place >= len(data)
        for directory in _directories(data)
        for tag in (0x0111, 0x0144, 0x0201)  # strips, tiles, a JPEG
        for place in directory.numbers(data, tag, most=4096)
    )


def tiff_blocks(data: bytes) -> tuple[bytes | None, bytes | None, bytes | None]:
    """The TIFF structures with a RAW file's metadata: (the image's own, Exif's, GPS's), each beginning with its header.

    Where one structure holds all of them the others are None; all are None in a file whose preview holds them.
    """
    word = bytes(data[:4])
    if word in {b"II*\0", b"MM\0*"}:
        return data, None, None
    if word in _WORDS:  # Olympus's and Panasonic's own words instead of the usual 42
        return (b"II*\0" if _WORDS[word] == "<" else b"MM\0*") + data[4:], None, None
    if data[4:12] == b"ftypcrx ":
        parts = {kind: data[start:stop] for kind, start, stop in _cr3_boxes(data, _CR3_META)}
        return parts.get(b"CMT1"), parts.get(b"CMT2"), parts.get(b"CMT4")
    return None, None, None


def _kind_of_tiff(data: bytes, directories: list[_Directory]) -> str | None:
    if not directories:
        return None
    first = directories[0]
    if 0xC612 in first.entries:  # DNGVersion
        return "image/x-adobe-dng"
    if data[8:10] == b"CR":
        return "image/x-canon-cr2"
    raw = (first.number(data, 0x00FE) == 1 and 0x014A in first.entries) or any(
        d.number(data, 0x0106) in _SENSOR_PHOTOMETRY or d.number(data, 0x0103) in _SENSOR_COMPRESSION
        for d in directories
    )
    if not raw:
        return None
    make = first.text(data, 0x010F).upper()
    return next((kind for name, kind in _MAKERS if make.startswith(name)), "image/x-adobe-dng")


def _directories(data: bytes) -> Iterator[_Directory]:
    """The chain of directories from the header, each followed by its SubIFDs; none twice."""
    order = _WORDS.get(bytes(data[:4]))
    if order is None or len(data) < 16:
        return
    waiting = [struct.unpack_from(order + "I", data, 4)[0]]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        start = waiting.pop(0)
        if start in seen or not 8 <= start <= len(data) - 2:
            continue
        seen.add(start)
        (count,) = struct.unpack_from(order + "H", data, start)
        entries: dict[int, tuple[int, int, int]] = {}
        stop = min(start + 2 + 12 * min(count, _MOST_ENTRIES), len(data) - 11)
        for at in range(start + 2, stop, 12):
            tag, kind, length, offset = struct.unpack_from(order + "HHII", data, at)
            size = length * {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 13: 4}.get(kind, 8)
            entries.setdefault(tag, (kind, length, at + 8 if size <= 4 else offset))
        directory = _Directory(order, entries)
        yield directory
        inner = [*directory.numbers(data, 0x014A, most=16), directory.number(data, 0x8769)]
        following = start + 2 + 12 * count
        if following + 4 <= len(data):
            inner.append(struct.unpack_from(order + "I", data, following)[0])
        waiting += inner


def _pointed_at(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) of what the format calls a JPEG."""
    if data.startswith(b"FUJIFILMCCD-RAW") and len(data) >= 92:
        start, size = struct.unpack_from(">II", data, 84)
        yield start, start + size
    elif data[4:12] == b"ftypcrx ":
        yield from _in_cr3(data)
    for directory in _directories(data):
        start, size = directory.number(data, 0x0201), directory.number(data, 0x0202)  # JPEGInterchangeFormat
        if start and size:
            yield start, start + size
        kind, count, at = directory.entries.get(0x002E, (0, 0, 0))  # Panasonic's JpgFromRaw
        if kind in {1, 7} and count > 4:
            yield at, at + count
        if directory.number(data, 0x0103) in {6, 7, 34892}:
            starts, sizes = directory.numbers(data, 0x0111, most=2), directory.numbers(data, 0x0117, most=2)
            if len(starts) == len(sizes) == 1:
                yield starts[0], starts[0] + sizes[0]


def _in_cr3(data: bytes) -> Iterator[tuple[int, int]]:
    """The full-size JPEG is the first track's only sample; a smaller one lies in a box ``PRVW`` beside ``moov``."""
    for kind, start, stop in embedded.boxes(data):
        if kind == b"moov":
            for inner, at, end in islice(embedded.boxes(data, start, stop), _MOST_TRACKS):
                if inner == b"trak" and (sample := _only_sample(data, at, end)):
                    yield sample
    for kind, start, stop in _cr3_boxes(data, _CR3_PREVIEW):
        if kind == b"PRVW":
            found = data.find(b"\xff\xd8\xff", start, min(stop, start + 64))
            if found >= 0:
                yield found, stop


def _only_sample(data: bytes, start: int, stop: int) -> tuple[int, int] | None:
    for name in (b"mdia", b"minf", b"stbl"):
        inner = next(((s, e) for kind, s, e in embedded.boxes(data, start, stop) if kind == name), None)
        if inner is None:
            return None
        start, stop = inner
    parts = {kind: (s, e) for kind, s, e in embedded.boxes(data, start, stop)}
    if not {b"stsz", b"co64"} <= parts.keys() or parts[b"co64"][0] + 16 > len(data):
        return None
    size, count, first = struct.unpack_from(">III", data, parts[b"stsz"][0] + 4)
    (place,) = struct.unpack_from(">Q", data, parts[b"co64"][0] + 8)
    return (place, place + (size or first)) if count == 1 else None


def _cr3_boxes(data: bytes, uuid: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The boxes inside Canon's box of that UUID, which lies at the top or in ``moov``."""
    for kind, start, stop in embedded.boxes(data):
        inside = embedded.boxes(data, start, stop) if kind == b"moov" else [(kind, start, stop)]
        for name, at, end in inside:
            if name == b"uuid" and data[at : at + 16] == uuid:
                skip = 8 if uuid == _CR3_PREVIEW else 0
                yield from embedded.boxes(data, at + 16 + skip, end)


def _looked_for(data: bytes) -> Iterator[tuple[int, int]]:
    at = data.find(b"\xff\xd8\xff")
    while at >= 0:
        yield at, len(data)
        at = data.find(b"\xff\xd8\xff", at + 3)


def _jpeg(data: bytes, start: int, *, end: int) -> Preview | None:
    """A JPEG that a decoder for photos can read; the sensor's own data may be lossless JPEG, which none can."""
    if not 0 < start < end <= len(data) or data[start : start + 3] != b"\xff\xd8\xff":
        return None
    size = embedded.jpeg_size(data, start)
    if size is None or max(size) < LEAST_SIDE:
        return None
    return Preview(start=start, end=end, width=size[0], height=size[1])
