"""HEIC, HEIF and AVIF written anew with their main picture alone (ISO/IEC 14496-12, ISO/IEC 23008-12). Pure.

Such a file is a list of items: pictures, tiles that a picture is put together from, thumbnails, depth maps, cut-outs of
people, Exif, XMP. Kept are the main picture, what it is made of, and its transparency. Within those, messages that
encoders and cameras leave between the pixels (SEI in HEVC, metadata in AV1, units of types that are reserved or their
maker's) are left out, but for the brightness that colours are shown at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from photovault import embedded, profiles

_PICTURES = frozenset({b"hvc1", b"av01", b"grid", b"iden", b"iovl"})
_PROPERTIES = frozenset(
    {b"ispe", b"colr", b"pixi", b"hvcC", b"av1C", b"auxC", b"irot", b"imir", b"clap", b"pasp", b"clli", b"mdcv",
     b"cclv", b"amve", b"a1op", b"lsel"}
)  # fmt: skip
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_HEVC_KEPT = range(35)  # NAL units of slices and parameter sets (ITU-T H.265, table 7-1)
_AV1_KEPT = frozenset({1, 2, 3, 4, 6, 7, 8})  # sequence, delimiter, frames and their tiles (AV1 specification, 6.2.2)
_AV1_METADATA = 5
_AV1_LIGHT = frozenset({1, 2})  # content light level, mastering display (AV1 specification, 6.7.1)
_MOST_ITEMS = 5000
_MOST_EXTENTS = 20_000
_MOST_UNITS = 10_000  # of one item

Extents = list[tuple[int, int]]


@dataclass(frozen=True)
class _Item:
    """``hidden`` is not shown by itself, such as a tile."""

    kind: bytes
    hidden: bool


@dataclass(frozen=True)
class _File:
    """``properties`` are (type, content) and ``uses`` their numbers (from 1) by item, with whether it must be known."""

    primary: int
    items: Mapping[int, _Item]
    references: tuple[tuple[bytes, int, tuple[int, ...]], ...]
    properties: tuple[tuple[bytes, bytes], ...]
    uses: Mapping[int, tuple[tuple[int, bool], ...]]
    extents: Mapping[int, Extents]


def still(data: bytes) -> bytes:
    """The main picture in a file of its own. Raises ``ValueError``, ``IndexError`` and ``struct.error``."""
    top = {kind: (start, end) for kind, start, end in embedded.boxes(data)}
    if b"moov" in top:
        raise ValueError("it is an animation")
    if b"ftyp" not in top or b"meta" not in top:
        raise ValueError("there is no picture")
    found = _read(data, *top[b"meta"])
    wanted = _wanted(found)
    return _written(_brands(data[slice(*top[b"ftyp"])]), found, wanted, data)


def _brands(body: bytes) -> bytes:
    kept = [body[at : at + 4] for at in range(8, len(body) - 3, 4)]
    return _box(b"ftyp", body[:4] + bytes(4) + b"".join(kept[:32]))


# ------------------------------------------------------------------------------------------------------ reading


def _read(data: bytes, start: int, end: int) -> _File:
    parts = {kind: (s, e) for kind, s, e in embedded.boxes(data, start + 4, end)}
    for needed in (b"pitm", b"iinf", b"iloc", b"iprp"):
        if needed not in parts:
            raise ValueError(f"there is no box {needed.decode()}")
    at = parts[b"pitm"][0]
    properties, uses = _properties(data, *parts[b"iprp"])
    return _File(
        primary=int.from_bytes(data[at + 4 : at + (6 if data[at] == 0 else 8)], "big"),
        items=_items(data, *parts[b"iinf"]),
        references=tuple(_references(data, *parts[b"iref"])) if b"iref" in parts else (),
        properties=properties,
        uses=uses,
        extents=_extents(data, *parts[b"iloc"], idat=parts.get(b"idat", (0, 0))),
    )


def _items(data: bytes, start: int, end: int) -> dict[int, _Item]:
    found: dict[int, _Item] = {}
    for kind, at, _ in embedded.boxes(data, start + (6 if data[start] == 0 else 8), end):
        if kind != b"infe" or data[at] not in {2, 3}:
            continue
        width = 2 if data[at] == 2 else 4
        number = int.from_bytes(data[at + 4 : at + 4 + width], "big")
        found[number] = _Item(kind=data[at + 6 + width : at + 10 + width], hidden=bool(data[at + 3] & 1))
        if len(found) > _MOST_ITEMS:
            raise ValueError("there are too many items")
    return found


def _references(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    wide = ">I" if data[start] else ">H"
    size = struct.calcsize(wide)
    for kind, at, stop in embedded.boxes(data, start + 4, end):
        (source,) = struct.unpack_from(wide, data, at)
        (count,) = struct.unpack_from(">H", data, at + size)
        first = at + size + 2
        if first + count * size > stop:
            raise ValueError("a reference is longer than its box")
        if count > _MOST_ITEMS:
            raise ValueError("there are too many references")
        yield kind, source, struct.unpack_from(f">{count}{wide[1]}", data, first)


def _properties(
    data: bytes, start: int, end: int
) -> tuple[tuple[tuple[bytes, bytes], ...], dict[int, tuple[tuple[int, bool], ...]]]:
    properties: list[tuple[bytes, bytes]] = []
    uses: dict[int, tuple[tuple[int, bool], ...]] = {}
    for kind, at, stop in embedded.boxes(data, start, end):
        if kind == b"ipco":
            properties = [(name, data[s:e]) for name, s, e in embedded.boxes(data, at, stop)]
        elif kind == b"ipma":
            uses |= _associations(data, at, stop)
    return tuple(properties), uses


def _associations(data: bytes, at: int, stop: int) -> dict[int, tuple[tuple[int, bool], ...]]:
    id_size, wide = (2 if data[at] == 0 else 4), bool(data[at + 3] & 1)
    (count,) = struct.unpack_from(">I", data, at + 4)
    at += 8
    found = {}
    for _ in range(min(count, _MOST_ITEMS)):
        item = int.from_bytes(data[at : at + id_size], "big")
        many = data[at + id_size]
        at += id_size + 1
        size, essential = (2, 0x8000) if wide else (1, 0x80)
        if at + many * size > stop:
            raise ValueError("a list of properties is longer than its box")
        numbers = [int.from_bytes(data[at + n * size : at + (n + 1) * size], "big") for n in range(many)]
        found[item] = tuple((number & (essential - 1), bool(number & essential)) for number in numbers)
        at += many * size
    return found


def _extents(data: bytes, start: int, end: int, *, idat: tuple[int, int]) -> dict[int, Extents]:
    version = data[start]
    sizes = int.from_bytes(data[start + 4 : start + 6], "big")
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    at = start + 6

    def number(size: int) -> int:
        nonlocal at
        if at + size > end:
            raise ValueError("the list of places is cut off")
        at += size
        return int.from_bytes(data[at - size : at], "big")

    found: dict[int, Extents] = {}
    steps = 0
    for _ in range(min(number(4 if version == 2 else 2), _MOST_ITEMS)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version in {1, 2} else 0
        number(2)
        base = number(base_size)
        whole = len(data)  # where places without a length end
        if method == 1:
            base, whole = base + idat[0], idat[1]
        places: Extents = []
        for _ in range(number(2)):
            steps += 1
            if steps > _MOST_EXTENTS:  # those of no bytes each could be without end
                raise ValueError("there are too many places")
            if version in {1, 2}:
                number(index_size)
            begin = base + number(offset_size)
            length = number(length_size)
            places.append((begin, begin + length if length else whole))
        if method in {0, 1}:
            found[item] = places
    return found


# ----------------------------------------------------------------------------------------------------- choosing


def _wanted(file: _File) -> list[int]:
    """The main picture, its parts, its transparency, and the parts of that; in this order."""
    parts: dict[int, list[int]] = {}
    for kind, source, targets in file.references:
        if kind == b"dimg":
            parts.setdefault(source, []).extend(targets)
    wanted: dict[int, None] = {}
    _add_with_parts(wanted, file.primary, parts)
    for kind, source, targets in file.references:
        if (
            kind == b"auxl"
            and source not in wanted
            and not wanted.keys().isdisjoint(targets)
            and _is_alpha(file, source)
        ):
            _add_with_parts(wanted, source, parts)
    for item in wanted:
        if item not in file.items or file.items[item].kind not in _PICTURES:
            raise ValueError("the picture is of an unknown kind")
        if item not in file.extents:
            raise ValueError("nothing says where the picture lies")
    return list(wanted)


def _add_with_parts(wanted: dict[int, None], item: int, parts: Mapping[int, list[int]]) -> None:
    wanted[item] = None
    waiting = [item]
    while waiting:
        for part in parts.get(waiting.pop(), ()):
            if part not in wanted:
                wanted[part] = None
                waiting.append(part)


def _is_alpha(file: _File, item: int) -> bool:
    return any(
        kind == b"auxC" and body[4:64].partition(b"\0")[0] in _ALPHA
        for kind, body in (_property(file, number) for number, _ in file.uses.get(item, ()))
    )


def _property(file: _File, number: int) -> tuple[bytes, bytes]:
    return file.properties[number - 1] if number else (b"free", b"")


# ------------------------------------------------------------------------------------------------------ writing


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, body: bytes, *, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + body)


def _written(brands: bytes, file: _File, wanted: list[int], data: bytes) -> bytes:
    new = {item: number for number, item in enumerate(wanted, 1)}  # the old numbers say how many others there were
    if sum(end - start for item in wanted for start, end in file.extents[item]) > len(data):
        raise ValueError("parts of the picture lie in one place")
    bodies = [_body(file, item, data) for item in wanted]
    inside = [
        _full(b"hdlr", bytes(4) + b"pict" + bytes(13)),
        _full(b"pitm", struct.pack(">H", new[file.primary])),
        _full(
            b"iinf",
            struct.pack(">H", len(wanted))
            + b"".join(
                _full(
                    b"infe",
                    struct.pack(">HH4sx", new[item], 0, file.items[item].kind),
                    version=2,
                    flags=int(file.items[item].hidden),
                )
                for item in wanted
            ),
        ),
        _properties_box(file, wanted, new),
    ]
    references = b"".join(
        _box(kind, struct.pack(f">HH{len(targets)}H", new[source], len(targets), *(new[each] for each in targets)))
        for kind, source, targets in file.references
        if kind in {b"dimg", b"auxl", b"prem"} and source in new and all(each in new for each in targets)
    )
    if references:
        inside.append(_full(b"iref", references))

    def meta(first: int) -> bytes:
        places, at = struct.pack(">HH", 0x4400, len(wanted)), first
        for number, body in enumerate(bodies, 1):
            places += struct.pack(">HHHII", number, 0, 1, at, len(body))
            at += len(body)
        return _full(b"meta", b"".join([*inside, _full(b"iloc", places)]))

    first = len(brands) + len(meta(0)) + 8
    return brands + meta(first) + _box(b"mdat", b"".join(bodies))


def _properties_box(file: _File, wanted: list[int], new: Mapping[int, int]) -> bytes:
    numbers: dict[int, int | None] = {}
    kept: list[bytes] = []
    lists: list[bytes] = []
    for item in wanted:
        uses = []
        for old, essential in file.uses.get(item, ()):
            if old not in numbers:  # tiles share theirs
                kind, body = _property(file, old)
                cleaned = _cleaned(kind, body)
                kept += [] if cleaned is None else [_box(kind, cleaned)]
                numbers[old] = None if cleaned is None else len(kept)
            number = numbers[old]
            if number is not None:
                uses.append(number | (0x8000 if essential else 0))
            elif essential:
                raise ValueError("a property of the picture is of an unknown kind")
        lists.append(struct.pack(f">HB{len(uses)}H", new[item], len(uses), *uses))
    associations = _full(b"ipma", struct.pack(">I", len(wanted)) + b"".join(lists), flags=1)
    return _box(b"iprp", _box(b"ipco", b"".join(kept)) + associations)


def _cleaned(kind: bytes, body: bytes) -> bytes | None:
    """A property without what is no picture; None to leave it out."""
    if kind not in _PROPERTIES:
        return None
    if kind == b"colr" and body[:4] in {b"prof", b"rICC"}:
        profile = profiles.cleaned(body[4:])
        return body[:4] + profile if profile else None
    if kind == b"colr" and body[:4] == b"nclx":
        return body[:11]
    if kind == b"colr":
        return None
    if kind == b"hvcC":
        return _hevc_configuration(body)
    if kind == b"av1C":
        return body[:4] + _av1(body[4:])
    if kind == b"auxC":
        return body[:4] + body[4:64].partition(b"\0")[0] + b"\0"
    return body


def _hevc_configuration(body: bytes) -> bytes:
    """ISO/IEC 14496-15, 8.3.3: 22 bytes, the number of arrays, and arrays of NAL units of one type each."""
    kept, at = [], 23
    for _ in range(body[22]):
        begin, kind = at, body[at] & 63
        (count,) = struct.unpack_from(">H", body, at + 1)
        at += 3
        for _ in range(count):
            at += 2 + struct.unpack_from(">H", body, at)[0]
        if at > len(body):
            raise ValueError("the decoder's set-up is cut off")
        if kind in _HEVC_KEPT:
            kept.append(body[begin:at])
    return body[:22] + bytes([len(kept)]) + b"".join(kept)


def _body(file: _File, item: int, data: bytes) -> bytes:
    pieces = []
    for start, end in file.extents[item]:
        if not 0 <= start <= end <= len(data):
            raise ValueError("a part of the picture lies outside the file")
        pieces.append(data[start:end])
    whole = b"".join(pieces)
    kind = file.items[item].kind
    if kind == b"hvc1":
        return _hevc(whole, _length_size(file, item))
    if kind == b"av01":
        return _av1(whole)
    if kind == b"grid":  # what more there is would be something else
        return whole[: 12 if whole[1] & 1 else 8]
    return b"" if kind == b"iden" else whole


def _length_size(file: _File, item: int) -> int:
    for number, _ in file.uses.get(item, ()):
        kind, body = _property(file, number)
        if kind == b"hvcC":
            return (body[21] & 3) + 1
    raise ValueError("the picture has no set-up for its decoder")


def _hevc(data: bytes, size: int) -> bytes:
    """NAL units, each after its length, without what is no picture."""
    kept, at, units = [], 0, 0
    while at < len(data):
        end = at + size + int.from_bytes(data[at : at + size], "big")
        if end > len(data) or end < at + size + 2:
            raise ValueError("the picture is cut off")
        units += 1
        if units > _MOST_UNITS:
            raise ValueError("there are too many units")
        if data[at + size] >> 1 & 63 in _HEVC_KEPT:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _av1(data: bytes) -> bytes:
    """Open bitstream units of the picture, and of its light levels (AV1 specification, 5.3)."""
    kept, at, units = [], 0, 0
    while at < len(data):
        header = data[at]
        body = at + (2 if header & 4 else 1)
        length, body = _leb128(data, body) if header & 2 else (len(data) - body, body)
        end = body + length
        if end > len(data):
            raise ValueError("the picture is cut off")
        units += 1
        if units > _MOST_UNITS:
            raise ValueError("there are too many units")
        kind = header >> 3 & 15
        light = kind == _AV1_METADATA and length > 0 and _leb128(data, body)[0] in _AV1_LIGHT
        if light or kind in _AV1_KEPT:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends (AV1 specification, 4.10.5)."""
    value = 0
    for shift in range(0, 56, 7):
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
    raise ValueError("a length is too long")
