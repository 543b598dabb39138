"""Photo files without anything but their picture: no place, no time, no names, no serial numbers. Pure.

Nothing is decoded and no pixel changes: a new file is written from those parts of the old one that a decoder needs,
and everything else stays behind, known or not. So a maker's private block, a thumbnail of what was cropped away, a
film behind the picture or a comment cannot be forgotten. Kept are the picture's data, what its colours mean (see
``profiles``), how transparent it is, how an animation moves, and which way up it is: that one tag is written anew.

Camera RAW files and TIFF are refused: they interleave pixels with whatever their makers thought of. So are animated
HEIF and AVIF, and files that contradict themselves.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from photovault import embedded, exif, profiles, stripping_heif

_MOST_PARTS = 200_000
"""Segments, chunks and blocks; an animation of some minutes has thousands."""


class CannotStrip(ValueError):
    """The file is of a kind, or in a state, in which nobody can tell its picture from the rest."""


def strip(data: bytes, *, content_type: str) -> bytes:
    """The same picture in a file of the same type, without metadata. Raises ``CannotStrip``."""
    writer = _WRITERS.get(content_type)
    if writer is None:
        raise CannotStrip(f"Files of type {content_type} cannot be told from what is in them.")
    try:
        return writer(data)
    except (ValueError, IndexError, struct.error, zlib.error, OverflowError) as error:
        raise CannotStrip(f"The file contradicts itself: {error}") from error


def can_strip(content_type: str) -> bool:
    """Whether files of that type can be stripped, unless one is broken."""
    return content_type in _WRITERS


def _orientation(data: bytes, content_type: str) -> int:
    return exif.read(embedded.find(data, content_type=content_type).exif).orientation


def _exif_of(orientation: int) -> bytes:
    """A TIFF structure with this tag alone."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


# --------------------------------------------------------------------------------------------- JPEG (ITU-T T.81)

# Frames, tables, restart intervals and numbers of lines: what a decoder works with.
_JPEG_KEPT = frozenset({*range(0xC0, 0xC8), *range(0xC9, 0xD0), 0xDB, 0xDC, 0xDD})
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
# In a scan's data a 0xFF is followed by a zero, or is a restart marker; anything else ends the data.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_FILL = re.compile(rb"\xff+")
_ICC = b"ICC_PROFILE\0"
_MOST_IN_SEGMENT = 65_533


def _jpeg(data: bytes) -> bytes:
    kept: list[bytes] = []
    profile: dict[int, bytes] = {}
    jfif = adobe = b""
    at = 2
    for _ in range(_MOST_PARTS):
        at = data.index(b"\xff", at)
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker in {0x00, 0x01} or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if marker == _JPEG_END:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if not at + 4 <= end <= len(data):
            raise ValueError("a segment is longer than the file")
        body = data[at + 4 : end]
        if marker in _JPEG_KEPT:
            kept.append(data[at:end])
        elif marker == _JPEG_SCAN:
            end = _scan_end(data, end)
            kept.append(data[at:end])
        elif marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 12:
            jfif = body[:12] + bytes(2)  # without a thumbnail
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[:12]  # how its colours were transformed
        elif marker == 0xE2 and body.startswith(_ICC) and len(body) > 14:
            profile.setdefault(body[12], body[14:])
        elif kept and kept[-1][1] == _JPEG_SCAN and not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            raise ValueError("the picture is broken")  # where a decoder would go on, nobody knows
        at = end
    else:
        raise ValueError("there are too many segments")
    if not any(part[1] == _JPEG_SCAN for part in kept):
        raise ValueError("there is no picture")
    head = [_segment(0xE0, jfif)] if jfif else []
    if (orientation := _orientation(data, "image/jpeg")) != 1:
        head.append(_segment(0xE1, b"Exif\0\0" + _exif_of(orientation)))
    if adobe:
        head.append(_segment(0xEE, adobe))
    return b"".join([b"\xff\xd8", *head, *_icc_segments(profile), *kept, b"\xff\xd9"])


def _scan_end(data: bytes, at: int) -> int:
    """Where the marker behind a scan's data begins, with the 0xFF before it that fill up."""
    while (found := _AFTER_SCAN.search(data, at)) is not None:
        filled = _FILL.match(data, found.start())
        at = filled.end() if filled else len(data)
        if at < len(data) and data[at] != 0 and not 0xD0 <= data[at] <= 0xD7:
            return found.start()
    raise ValueError("the picture has no end")


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _icc_segments(parts: Mapping[int, bytes]) -> list[bytes]:
    cleaned = profiles.cleaned(b"".join(parts[number] for number in sorted(parts)))
    if cleaned is None:
        return []
    most = _MOST_IN_SEGMENT - len(_ICC) - 2
    pieces = [cleaned[at : at + most] for at in range(0, len(cleaned), most)]
    if len(pieces) > 255:
        return []
    return [_segment(0xE2, _ICC + bytes([number, len(pieces)]) + piece) for number, piece in enumerate(pieces, 1)]


# ------------------------------------------------------------------------------------------------- PNG (W3C, 3rd)

_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"cHRM", b"gAMA", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"cICP", b"mDCV",
     b"mDCv", b"cLLI", b"cLLi", b"acTL", b"fcTL", b"fdAT"}
)  # fmt: skip


def _png(data: bytes) -> bytes:
    kept = [data[:8]]
    profiled = False
    at = 8
    for _ in range(_MOST_PARTS):
        size, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if end > len(data):
            raise ValueError("a chunk is longer than the file")
        if kind == b"IEND":
            break
        if kind == b"IHDR" and len(kept) > 1:
            raise ValueError("it begins twice")
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
            if kind == b"IHDR" and (orientation := _orientation(data, "image/png")) != 1:
                kept.append(_chunk(b"eXIf", _exif_of(orientation)))
        elif kind == b"iCCP":  # the first alone: each may be a thousand times as long once it is unpacked
            kept += [] if profiled else _png_profile(data[at + 8 : end - 4])
            profiled = True
        elif not kind[0] & 0x20:  # a small first letter says that a decoder may go without
            raise ValueError("a part of the picture is of an unknown kind")
        at = end
    else:
        raise ValueError("there are too many chunks")
    if not any(part[4:8] == b"IDAT" for part in kept):
        raise ValueError("there is no picture")
    return b"".join([*kept, _chunk(b"IEND", b"")])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_profile(body: bytes) -> list[bytes]:
    packed = body.partition(b"\0")[2][1:]
    cleaned = profiles.cleaned(zlib.decompressobj().decompress(packed, profiles.MAX_BYTES))
    return [_chunk(b"iCCP", b"icc\0\0" + zlib.compress(cleaned))] if cleaned else []


# ------------------------------------------------------------------------------------------------ WebP (RFC 9649)

_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM"})
_ICC_FLAG, _EXIF_FLAG, _XMP_FLAG = 0x20, 0x08, 0x04


def _webp(data: bytes) -> bytes:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("the file ends too early")
    head = b""
    profile: bytes | None = None
    kept: list[bytes] = []
    for kind, body in _riff(data, 12, end):
        if kind == b"VP8X" and len(body) >= 10:
            head = body[:10]
        elif kind == b"ICCP":
            profile = profiles.cleaned(body)
        elif kind in _WEBP_KEPT:
            kept.append(_riff_chunk(kind, body))
        elif kind == b"ANMF" and len(body) >= 16:
            frame = [_riff_chunk(k, b) for k, b in _riff(body, 16, len(body)) if k in _WEBP_KEPT]
            kept.append(_riff_chunk(kind, body[:16] + b"".join(frame)))
    if not any(part[:4] in {b"VP8 ", b"VP8L", b"ANMF"} for part in kept):
        raise ValueError("there is no picture")
    if head:
        orientation = _orientation(data, "image/webp")
        flags = head[0] & ~(_ICC_FLAG | _EXIF_FLAG | _XMP_FLAG)
        flags |= (_ICC_FLAG if profile else 0) | (_EXIF_FLAG if orientation != 1 else 0)
        kept.insert(0, _riff_chunk(b"VP8X", bytes([flags]) + head[1:]))
        if profile:
            kept.insert(1, _riff_chunk(b"ICCP", profile))
        if orientation != 1:
            kept.append(_riff_chunk(b"EXIF", _exif_of(orientation)))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(data: bytes, at: int, end: int) -> list[tuple[bytes, bytes]]:
    found = []
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > end:
            raise ValueError("a chunk is longer than the file")
        found.append((kind, data[at + 8 : at + 8 + size]))
        if len(found) > _MOST_PARTS:
            raise ValueError("there are too many chunks")
        at += 8 + size + size % 2
    return found


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


# ------------------------------------------------------------------------------------------------ GIF (version 89a)

_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = 0x21, 0x2C, 0x3B
_GIF_CONTROL, _GIF_APPLICATION = 0xF9, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def _gif(data: bytes) -> bytes:
    at = 13 + _palette(data[10])
    kept = [data[:at]]
    for _ in range(_MOST_PARTS):
        start = at
        introducer = data[at]
        if introducer == _GIF_END:
            break
        if introducer == _GIF_IMAGE:
            at += 10 + _palette(data[at + 9])
            at = _past_blocks(data, at + 1)
            kept.append(data[start:at])
        elif introducer == _GIF_EXTENSION:
            label = data[at + 1]
            at = _past_blocks(data, at + 2)
            if label == _GIF_CONTROL and data[start + 2] == 4:  # how long a frame is shown, and what is transparent
                kept.append(data[start : start + 7] + b"\0")
            elif label == _GIF_APPLICATION and data[start + 3 : start + 14] in _LOOPS:
                times = data[start + 16 : start + 18] if data[start + 14 : start + 16] == b"\x03\x01" else b"\0\0"
                kept.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + times + b"\0")
        else:
            raise ValueError("a block is of an unknown kind")
    else:
        raise ValueError("there are too many blocks")
    if not any(part[0] == _GIF_IMAGE for part in kept):
        raise ValueError("there is no picture")
    return b"".join([*kept, b"\x3b"])


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, at: int) -> int:
    """Behind a row of sub-blocks, each of which says its length, and a zero."""
    while (size := data[at]) != 0:
        at += 1 + size
    return at + 1


_WRITERS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "image/jpeg": _jpeg,
        "image/png": _png,
        "image/webp": _webp,
        "image/gif": _gif,
        "image/heic": stripping_heif.still,
        "image/heif": stripping_heif.still,
        "image/avif": stripping_heif.still,
    }
)
