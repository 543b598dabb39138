"""Where photo files keep their metadata: the EXIF, XMP and IPTC blocks inside each container.

Only lengths are followed, nothing is decoded, and nothing is ever raised: a structure that contradicts itself ends the
search, and what was found before it counts. Every loop moves forward through the file and makes at most ``MAX_STEPS``,
so a hostile one costs milliseconds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

MAX_BLOCK = 2**20
"""Bytes. Longer XMP or compressed blocks are cut or ignored; EXIF's own pointers are bounded in ``exif``."""

MAX_STEPS = 20_000
"""Segments, chunks, boxes, or pieces of HEIF items that are looked at. Honest files have some thousands at most."""

MAX_TEXTS = 16
"""Texts of PNG that are looked into, for each may be a thousand times as long once it is unpacked."""

_EXIF = b"Exif\x00\x00"
_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_PHOTOSHOP = b"Photoshop 3.0\x00"
_PNG_XMP, _PNG_CREATED = b"XML:com.adobe.xmp", b"Creation Time"
_PNG_RAW = (b"Raw profile type exif", b"Raw profile type APP1")
_PNG_KEYWORD = 79 + 1  # bytes at most, with its end


@dataclass(frozen=True)
class Blocks:
    """The raw blocks: ``exif`` begins with a TIFF header, ``xmp`` is XML, ``iptc`` is an IIM stream.

    Of a PNG also its text ``Creation Time``, and its tIME (UTC) as an ISO date.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    png_created: str | None = None
    png_modified: str | None = None
    exif_part: bytes | None = None
    """TIFF structures of their own with Exif's and GPS's directory, as Canon's CR3 keeps them."""
    gps_part: bytes | None = None


def find(data: bytes, *, content_type: str | None) -> Blocks:
    """The first block of each kind in a file of this MIME type."""
    finders = {
        "image/jpeg": _in_jpeg,
        "image/png": _in_png,
        "image/webp": _in_webp,
        "image/gif": _in_gif,
        "image/tiff": _in_tiff,
        "image/heic": _in_heif,
        "image/heif": _in_heif,
        "image/avif": _in_heif,
    }
    finder = finders.get(content_type or "")
    if finder is None:
        return Blocks()
    try:
        return finder(data)
    except (struct.error, IndexError, ValueError, OverflowError, zlib.error):
        return Blocks()


def ends_early(data: bytes, *, content_type: str) -> bool:
    """Whether the container itself says that more bytes should follow than there are."""
    if content_type == "image/webp":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if content_type in {"image/heic", "image/heif", "image/avif"}:
        at = 0
        while at + 16 <= len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            size = int.from_bytes(data[at + 8 : at + 16], "big") if size == 1 else size
            if size < 8:  # zero reaches to the end of the file, wherever that is
                return False
            at += size
        return at > len(data)
    return False


def progressive_frame(data: bytes) -> tuple[int | None, list[tuple[int, int]]]:
    """Where a progressive JPEG's frame header ends, and its components' sampling factors; (None, []) for others."""
    for marker, start, end in jpeg_segments(data):
        if marker in {0xC2, 0xC6, 0xCA, 0xCE} and end - start >= 6:
            sampling = [data[i] for i in range(start + 7, min(end, start + 6 + 3 * data[start + 5]), 3)]
            return end, [(max(1, s >> 4), max(1, s & 15)) for s in sampling]
        if marker in {0xC0, 0xC1, 0xC3, 0xC5, 0xC7, 0xC9, 0xCB, 0xCD, 0xCF}:
            break
    return None, []


def jpeg_size(data: bytes, start: int) -> tuple[int, int] | None:
    """Width and height of the JPEG that begins at ``start``; None without a baseline or progressive frame of 8 bits."""
    for marker, at, end in islice(jpeg_segments(data, start), 500):
        if marker in {0xC0, 0xC1, 0xC2} and end - at >= 6:
            bits, height, width = struct.unpack_from(">BHH", data, at)
            return (width, height) if bits == 8 else None
        if marker in {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}:
            break
    return None


def jpeg_segments(data: bytes, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's content up to the first scan (ITU-T T.81, annex B).

    ``start`` is where the JPEG begins in ``data``.
    """
    at = start + 2
    for _ in range(MAX_STEPS):
        if at + 4 > len(data):
            return
        if data[at] != 0xFF:
            following = data.find(b"\xff", at)  # some writers leave stray bytes between segments
            if following < 0:
                return
            at = following
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in {0x00, 0x01} or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if marker in {0xD9, 0xDA}:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            return
        yield marker, at + 4, min(at + 2 + length, len(data))
        at += 2 + length


def av1_planes(data: bytes) -> tuple[bool, float]:
    """(more than 8 bits, colour's samples for each pixel) of an AVIF: the most of what its pictures have.

    By their AV1CodecConfigurationBoxes (AV1-ISOBMFF, 2.3); without one, what is largest.
    """
    deep, chroma = False, 0.0
    at = data.find(b"av1C")
    if not 0 < at <= len(data) - 7:
        return True, 2.0
    for _ in range(64):
        flags = data[at + 6]  # tier, high_bitdepth, twelve_bit, monochrome, subsampling_x, subsampling_y, position
        deep |= bool(flags & 0x40)
        if not flags & 0x10:
            chroma = max(chroma, 2 / ((2 if flags & 8 else 1) * (2 if flags & 4 else 1)))
        at = data.find(b"av1C", at + 4, len(data) - 3)
        if at < 0:
            break
    return deep, chroma


def _in_jpeg(data: bytes) -> Blocks:
    found = Blocks()
    for marker, start, end in jpeg_segments(data):
        if marker == 0xE1 and found.exif is None and data.startswith(_EXIF[:5], start):
            found = replace(found, exif=data[start + 6 : end])
        elif marker == 0xE1 and found.xmp is None and data.startswith(_XMP, start):
            found = replace(found, xmp=data[start + len(_XMP) : end])
        elif marker == 0xED and found.iptc is None and data.startswith(_PHOTOSHOP, start):
            found = replace(found, iptc=_iptc_in_resources(data[start + len(_PHOTOSHOP) : end]))
    return found


def _iptc_in_resources(block: bytes) -> bytes | None:
    """Resource 0x0404 of a list of Photoshop image resources."""
    at = 0
    for _ in range(MAX_STEPS):
        if not block.startswith(b"8BIM", at):
            break
        name_length = block[at + 6] + 1
        at_size = at + 6 + name_length + name_length % 2
        (size,) = struct.unpack_from(">I", block, at_size)
        if block[at + 4 : at + 6] == b"\x04\x04":
            return block[at_size + 4 : at_size + 4 + size]
        at = at_size + 4 + size + size % 2
    return None


def _in_png(data: bytes) -> Blocks:
    found = Blocks()
    texts = 0
    at = 8
    for _ in range(MAX_STEPS):
        if at + 12 > len(data):
            break
        size = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if at + 12 + size > len(data):
            break
        body = slice(at + 8, at + 8 + size)
        if kind == b"eXIf":
            block = data[body]
            found = replace(found, exif=block.removeprefix(_EXIF))
        elif kind in {b"iTXt", b"tEXt", b"zTXt"}:
            keyword = data[at + 8 : at + 8 + min(size, _PNG_KEYWORD)].partition(b"\0")[0]
            texts += keyword in {_PNG_XMP, _PNG_CREATED, *_PNG_RAW}
            if texts <= MAX_TEXTS:
                with suppress(
                    ValueError, IndexError, zlib.error
                ):  # what is broken here does not hide what is elsewhere
                    found = _png_text(found, kind, data[body])
        elif kind == b"tIME" and size == 7:
            year, *rest = struct.unpack_from(">H5B", data, at + 8)
            found = replace(found, png_modified="{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(year, *rest))
        elif kind == b"IEND":
            break
        at += 12 + size
    return found


def _png_text(found: Blocks, kind: bytes, body: bytes) -> Blocks:
    keyword, _, rest = body.partition(b"\0")
    if keyword == _PNG_XMP and kind == b"iTXt" and found.xmp is None:
        compressed, rest = rest[:1] == b"\1", rest[2:]
        text = rest.split(b"\0", 2)[-1]
        return replace(found, xmp=_inflate(text) if compressed else text)
    if keyword == _PNG_CREATED and found.png_created is None:
        text = _inflate(rest[1:]) if kind == b"zTXt" else rest.split(b"\0")[-1]
        return replace(found, png_created=text[:64].decode("latin-1").strip())
    if keyword in _PNG_RAW and found.exif is None:
        # ImageMagick's way before eXIf existed: a name, a length and hexadecimal digits on lines.
        text = _inflate(rest[1:]) if kind == b"zTXt" else rest
        block = bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
        if block.startswith(_XMP):
            return replace(found, xmp=found.xmp or block[len(_XMP) :])
        return replace(found, exif=block.removeprefix(_EXIF))
    return found


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_BLOCK)


def _in_webp(data: bytes) -> Blocks:
    found = Blocks()
    at = 12
    for _ in range(MAX_STEPS):
        if at + 8 > len(data):
            break
        kind = data[at : at + 4]
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"EXIF" and found.exif is None:
            found = replace(found, exif=data[at + 8 : at + 8 + size].removeprefix(_EXIF))
        elif kind == b"XMP " and found.xmp is None:
            found = replace(found, xmp=data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return found


def _in_gif(data: bytes) -> Blocks:
    start = data.find(b"\x21\xff\x0bXMP DataXMP")
    if start < 0:
        return Blocks()
    end = data.find(b"</x:xmpmeta>", start, start + MAX_BLOCK)
    return Blocks(xmp=data[start + 14 : end + 12] if end > 0 else None)


def _in_tiff(data: bytes) -> Blocks:
    """A TIFF file is an EXIF block; XMP and IPTC are tags of its first directory, which ``exif`` reads."""
    return Blocks(exif=data)


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """(type, content start, content end) of ISO base media boxes (ISO/IEC 14496-12, 4.2)."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(MAX_STEPS):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            if start + 16 > end:
                return
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            return
        yield kind, start + header, start + size
        start += size


def _in_heif(data: bytes) -> Blocks:
    """Items of type ``Exif`` and XMP's ``mime`` of the file's meta box (ISO/IEC 23008-12, annex A)."""
    meta = next(((s + 4, e) for kind, s, e in boxes(data) if kind == b"meta"), None)
    if meta is None:
        return Blocks()
    parts = {kind: (s, e) for kind, s, e in boxes(data, *meta)}
    if b"iinf" not in parts or b"iloc" not in parts:
        return Blocks()
    wanted = _heif_items(data, *parts[b"iinf"])
    idat = parts.get(b"idat", (0, 0))
    found = Blocks()
    with suppress(IndexError):
        for item, block in _heif_locations(data, *parts[b"iloc"], wanted=frozenset(wanted), idat=idat):
            if wanted[item] == "exif" and found.exif is None and len(block) > 4:
                skip = 4 + int.from_bytes(block[:4], "big")  # bytes between the length field and the TIFF header
                found = replace(found, exif=block[skip:].removeprefix(_EXIF))
            elif wanted[item] == "xmp" and found.xmp is None:
                found = replace(found, xmp=block)
            if found.exif is not None and found.xmp is not None:
                break
    return found


def _heif_items(data: bytes, start: int, end: int) -> dict[int, str]:
    start += 4 + (2 if data[start] == 0 else 4)
    items: dict[int, str] = {}
    for kind, at, stop in boxes(data, start, end):
        if kind != b"infe" or data[at] not in {2, 3}:
            continue
        wide = data[at] == 3
        item = int.from_bytes(data[at + 4 : at + (8 if wide else 6)], "big")
        name = at + (10 if wide else 8)
        if data[name : name + 4] == b"Exif":
            items[item] = "exif"
        elif data[name : name + 4] == b"mime" and b"application/rdf+xml" in data[at:stop]:
            items[item] = "xmp"
    return items


def _heif_locations(
    data: bytes, start: int, end: int, *, wanted: frozenset[int], idat: tuple[int, int]
) -> Iterator[tuple[int, bytes]]:
    version = data[start]
    sizes = int.from_bytes(data[start + 4 : start + 6], "big")
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    at = start + 6
    id_size = 4 if version == 2 else 2
    steps = read = 0

    def number(size: int) -> int:
        nonlocal at
        if at + size > end:
            raise IndexError(at)
        at += size
        return int.from_bytes(data[at - size : at], "big")

    for _ in range(number(id_size)):
        item = number(id_size)
        method = number(2) & 15 if version in {1, 2} else 0
        number(2)
        base = number(base_size)
        block = b""
        steps += 1
        for _ in range(number(2)):
            steps += 1
            if steps > MAX_STEPS or read > 4 * MAX_BLOCK:
                return
            if version in {1, 2}:
                number(index_size)
            offset = base + number(offset_size)
            length = number(length_size)
            if item in wanted and method in {0, 1} and len(block) < MAX_BLOCK:
                offset += idat[0] if method == 1 else 0
                block += data[offset : offset + min(length, MAX_BLOCK)]
                read += len(block)
        if steps > MAX_STEPS:
            return
        if item in wanted and block:
            yield item, block
