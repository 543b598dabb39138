"""Colour profiles without what they say about anything but colour (ICC.1:2022). Pure.

Profiles made for one screen name it, down to its serial number, and the day it was measured. What turns numbers into
colours is a handful of tags; only those are kept, beside neutral words where the standard asks for words.
"""

from __future__ import annotations

import struct

MAX_BYTES = 4 * 2**20
"""Longer profiles are given up: none for photos is."""

_COLOUR = frozenset(
    {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"bkpt", b"chad", b"cicp", b"lumi",
     b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0", b"D2B1", b"D2B2", b"B2D0", b"B2D1", b"B2D2",
     b"gamt"}
)  # fmt: skip
# Names of whole kinds of profiles, which programs go by; any other name may be somebody's.
_KNOWN = ("sRGB", "Display P3", "Adobe RGB (1998)", "ProPhoto RGB")
_UNKNOWN = "Colour profile"
_HEADER = 128
_MOST_TAGS = 200


def cleaned(profile: bytes) -> bytes | None:
    """The profile with its colours alone; None for what is no profile, or one that contradicts itself."""
    if not _HEADER + 4 <= len(profile) <= MAX_BYTES or profile[36:40] != b"acsp":
        return None
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > _MOST_TAGS or _HEADER + 4 + 12 * count > len(profile):
        return None
    values: dict[bytes, bytes] = {}
    places: set[tuple[int, int]] = set()
    name = _UNKNOWN
    for at in range(_HEADER + 4, _HEADER + 4 + 12 * count, 12):
        tag, offset, size = struct.unpack_from(">4sII", profile, at)
        if offset + size > len(profile):
            return None
        if tag in _COLOUR:
            places.add((offset, size))
            if sum(length for _, length in places) > len(profile):  # tags share all of a value, or nothing
                return None
            values[tag] = profile[offset : offset + size]
        elif tag == b"desc":
            name = _known(profile[offset : offset + min(size, 512)])
    if not values:
        return None
    newer = profile[8] >= 4
    values[b"desc"] = _localised(name) if newer else _described(name)
    values[b"cprt"] = _localised(_UNKNOWN) if newer else b"text" + bytes(4) + _UNKNOWN.encode() + b"\0"
    return _written(_header(profile), values)


def _known(description: bytes) -> str:
    plain = description.replace(b"\0", b"")  # of either width
    return next((name for name in _KNOWN if name.encode() in plain), _UNKNOWN)


def _header(profile: bytes) -> bytes:
    """Size, maker, device, date and fingerprint are left out; zero stands for unknown in each of them."""
    kept = bytearray(profile[:_HEADER])
    for start, stop in ((0, 8), (24, 36), (48, 56), (80, _HEADER)):
        kept[start:stop] = bytes(stop - start)
    return bytes(kept)


def _written(header: bytes, values: dict[bytes, bytes]) -> bytes:
    at = _HEADER + 4 + 12 * len(values)
    table, body, places = b"", b"", dict[bytes, int]()
    for tag, value in values.items():
        if value not in places:  # red, green and blue mostly share a curve
            places[value] = at + len(body)
            body += value + bytes(-len(value) % 4)
        table += struct.pack(">4sII", tag, places[value], len(value))
    whole = header + struct.pack(">I", len(values)) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def _described(text: str) -> bytes:
    """A textDescriptionType, as profiles of version 2 have it."""
    ascii_part = text.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(ascii_part)) + ascii_part + bytes(8) + bytes(3) + bytes(67)


def _localised(text: str) -> bytes:
    """A multiLocalizedUnicodeType of one language, as profiles of version 4 have it."""
    wide = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(wide), 28) + wide
