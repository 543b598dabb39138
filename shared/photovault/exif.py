"""EXIF tags out of a TIFF structure, from files that cannot be trusted.

A reader of its own, because the usual ones warn, raise or recurse on hostile directories: here every pointer and count
is checked against the block, sub-directories are followed once by name, and what does not fit is left out. Written from
CIPA DC-008 (Exif 2.32) and TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_FORMATS = {3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I"}

_MAX_ENTRIES = 512
# Nothing that is read is longer, so that 512 entries that share one large value cost little. Longer values are cut.
_MAX_BYTES = 16 * 1024
_MAX_NUMBERS = 64
_MAX_VALUE = 64 * 1024
_MAX_PACKET = 2**20
_PACKETS = frozenset({0x02BC, 0x83BB})  # XMP and IPTC of TIFF files; some writers say that their bytes are LONGs

Rational = tuple[int, int]
Value = bytes | tuple[int, ...] | tuple[float, ...] | tuple[Rational, ...]
"""BYTE, ASCII and UNDEFINED stay bytes; integers, floats and (numerator, denominator) pairs come as tuples."""


@dataclass(frozen=True)
class Tags:
    """The directories that matter: the image's own, Exif's and GPS's; tag number -> value."""

    image: Mapping[int, Value] = field(default_factory=dict)
    exif: Mapping[int, Value] = field(default_factory=dict)
    gps: Mapping[int, Value] = field(default_factory=dict)

    @property
    def orientation(self) -> int:
        """1 to 8; 1 when absent or absurd."""
        value = self.integer(0x0112, self.image)
        return value if value is not None and 1 <= value <= 8 else 1

    @staticmethod
    def integer(tag: int, directory: Mapping[int, Value]) -> int | None:
        """The first number of an integer tag."""
        value = directory.get(tag)
        if isinstance(value, bytes):
            return value[0] if value else None
        return value[0] if value and isinstance(value[0], int) else None

    @staticmethod
    def number(tag: int, directory: Mapping[int, Value]) -> float | None:
        """The first number of a tag as a float; None for a zero denominator, infinity and NaN."""
        numbers = Tags.numbers(tag, directory)
        return numbers[0] if numbers else None

    @staticmethod
    def numbers(tag: int, directory: Mapping[int, Value]) -> tuple[float | None, ...]:
        """All numbers of a tag as floats; None where there is no finite one."""
        value = directory.get(tag)
        if value is None or isinstance(value, bytes):
            return ()
        return tuple(_finite(item) for item in value)

    @staticmethod
    def text(tag: int, directory: Mapping[int, Value], *, most: int = 200) -> str | None:
        """A text tag without NUL bytes and control characters, at most ``most`` long; None when nothing is left."""
        value = directory.get(tag)
        return clean(value, most=most) if isinstance(value, bytes) else None


def clean(raw: bytes, *, most: int) -> str | None:
    """Printable text out of raw bytes: UTF-8, else Latin-1; control characters dropped, blanks collapsed."""
    raw = raw[: 4 * most].split(b"\0", 1)[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return printable(text, most=most)


def printable(text: str, *, most: int) -> str | None:
    """Without control, format, surrogate and unassigned-to-text characters; None when nothing is left."""
    kept = "".join(c if c.isprintable() else " " for c in text[: 4 * most])
    return " ".join(kept.split())[:most].strip() or None


def _finite(item: float | Rational) -> float | None:
    if isinstance(item, tuple):
        return item[0] / item[1] if item[1] else None
    number = float(item)
    return number if number - number == 0 else None


def read(block: bytes | None, *, exif: bytes | None = None, gps: bytes | None = None) -> Tags:
    """The tags of a block that begins with a TIFF header; empty ``Tags`` for anything else.

    ``exif`` and ``gps`` are blocks whose first directory is Exif's or GPS's, where a file keeps them apart.
    """
    if exif or gps:
        return Tags(image=read(block).image, exif=read(exif).image, gps=read(gps).image)
    if not block:
        return Tags()
    if block.startswith(b"Exif\0\0"):
        block = block[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(block[:4]))
    if order is None or len(block) < 8:
        return Tags()
    (start,) = struct.unpack_from(order + "I", block, 4)
    image = _directory(block, start, order=order)
    return Tags(
        image=image,
        exif=_directory(block, Tags.integer(0x8769, image), order=order),
        gps=_directory(block, Tags.integer(0x8825, image), order=order),
    )


def _directory(block: bytes, start: int | None, *, order: str) -> dict[int, Value]:
    tags: dict[int, Value] = {}
    if start is None or not 8 <= start <= len(block) - 2:
        return tags
    (count,) = struct.unpack_from(order + "H", block, start)
    for at in range(start + 2, min(start + 2 + 12 * min(count, _MAX_ENTRIES), len(block) - 11), 12):
        tag, kind, length, offset = struct.unpack_from(order + "HHII", block, at)
        each = _SIZES.get(kind, 0)
        size = length * each
        if not 0 < size <= (_MAX_PACKET if tag in _PACKETS else _MAX_VALUE):
            continue
        where = at + 8 if size <= 4 else offset
        if where + size > len(block) or tag in tags:
            continue
        if tag in _PACKETS:
            tags[tag] = bytes(block[where : where + size])
        else:
            most = _MAX_BYTES if kind in {1, 2, 7} else _MAX_NUMBERS * each
            tags[tag] = _value(block[where : where + min(size, most)], kind, order=order)
    return tags


def _value(raw: bytes, kind: int, *, order: str) -> Value:
    if kind in {1, 2, 7}:
        return bytes(raw)
    count = len(raw) // struct.calcsize(_FORMATS[kind])
    numbers = struct.unpack(f"{order}{count}{_FORMATS[kind]}", raw)
    if kind in {5, 10}:
        return tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return numbers
