"""RAW files show the camera's own picture. No camera's files are at hand here: these are built as the formats say."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.pictures import draw, encode, paint

from photovault import formats, metadata, raw
from photovault.errors import Rejected

LARGE = draw(5, (640, 480))
SMALL = draw(6, (240, 160))
SENSOR = bytes(range(256)) * 40
LOSSLESS = b"\xff\xd8\xff\xc3\x00\x0b\x08\x20\x00\x20\x00\x01\x01\x11\x00" + bytes(4000)

Entry = tuple[int, int, "bytes | list[int]"]
ASCII, SHORT, LONG, UNDEFINED, RATIONAL = 2, 3, 4, 7, 5


class Tiff:
    """A TIFF structure, put together piece by piece."""

    def __init__(self, word: bytes = b"II*\0") -> None:
        self.order = ">" if word.startswith(b"MM") else "<"
        self.data = bytearray(word + bytes(12))  # room for CR2's mark

    def add(self, piece: bytes) -> int:
        """Append and say where it lies."""
        self.data += bytes(len(self.data) % 2)
        at = len(self.data)
        self.data += piece
        return at

    def directory(self, entries: list[Entry], *, following: int = 0) -> int:
        packed = []
        for tag, kind, value in sorted(entries, key=lambda e: e[0]):
            letter = {SHORT: "H", LONG: "I", RATIONAL: "I"}.get(kind)
            raw_value = value if isinstance(value, bytes) else struct.pack(f"{self.order}{len(value)}{letter}", *value)
            count = len(value) // (2 if kind == RATIONAL else 1)
            place = (
                raw_value.ljust(4, b"\0") if len(raw_value) <= 4 else struct.pack(self.order + "I", self.add(raw_value))
            )
            packed.append(struct.pack(self.order + "HHI", tag, kind, count) + place)
        tail = struct.pack(self.order + "I", following)
        return self.add(struct.pack(self.order + "H", len(packed)) + b"".join(packed) + tail)

    def finish(self, first: int) -> bytes:
        struct.pack_into(self.order + "I", self.data, 4, first)
        return bytes(self.data)

    def exif(self) -> int:
        return self.directory([(0x9003, ASCII, b"2021:03:04 05:06:07\0"), (0x9011, ASCII, b"+02:00\0")])

    def gps(self) -> int:
        return self.directory(
            [
                (1, ASCII, b"N\0"),
                (2, RATIONAL, [48, 1, 30, 1, 0, 1]),
                (3, ASCII, b"E\0"),
                (4, RATIONAL, [11, 1, 15, 1, 0, 1]),
            ]
        )

    def about(self, make: bytes, *, orientation: int = 1) -> list[Entry]:
        return [
            (0x010F, ASCII, make + b"\0"),
            (0x0112, SHORT, [orientation]),
            (0x8769, LONG, [self.exif()]),
            (0x8825, LONG, [self.gps()]),
        ]

    def sensor(self) -> int:
        at = self.add(SENSOR)
        return self.directory(
            [(0x0103, SHORT, [1]), (0x0106, SHORT, [32803]), (0x0111, LONG, [at]), (0x0117, LONG, [9])]
        )


def uncompressed(tiff: Tiff, *, make: bytes, orientation: int = 1) -> list[Entry]:
    """A first directory with a thumbnail that Pillow would gladly take for the photo."""
    at = tiff.add(bytes(32 * 24 * 3))
    return [
        *tiff.about(make, orientation=orientation),
        (0x00FE, LONG, [1]), (0x0100, LONG, [32]), (0x0101, LONG, [24]), (0x0102, SHORT, [8, 8, 8]),
        (0x0103, SHORT, [1]), (0x0106, SHORT, [2]), (0x0111, LONG, [at]), (0x0115, SHORT, [3]),
        (0x0116, LONG, [24]), (0x0117, LONG, [32 * 24 * 3]),
    ]  # fmt: skip


def dng(orientation: int = 1, jpeg: bytes = LARGE, word: bytes = b"II*\0") -> bytes:
    """Adobe's: a thumbnail first, and in SubIFDs the sensor's data and the preview as one JPEG strip."""
    tiff = Tiff(word)
    at = tiff.add(jpeg)
    shown = tiff.directory([(0x0103, SHORT, [7]), (0x0111, LONG, [at]), (0x0117, LONG, [len(jpeg)])])
    lossless = tiff.add(LOSSLESS)
    hidden = tiff.directory(
        [(0x0103, SHORT, [7]), (0x0106, SHORT, [32803]), (0x0111, LONG, [lossless]), (0x0117, LONG, [len(LOSSLESS)])]
    )
    first = uncompressed(tiff, make=b"Apple", orientation=orientation)
    return tiff.finish(tiff.directory([*first, (0x014A, LONG, [hidden, shown]), (0xC612, 1, b"\1\4\0\0")]))


def nef() -> bytes:
    """Nikon's: big-endian, the preview as JPEGInterchangeFormat of a SubIFD."""
    tiff = Tiff(b"MM\0*")
    at = tiff.add(LARGE)
    shown = tiff.directory([(0x0103, SHORT, [6]), (0x0201, LONG, [at]), (0x0202, LONG, [len(LARGE)])])
    first = uncompressed(tiff, make=b"NIKON CORPORATION")
    return tiff.finish(tiff.directory([*first, (0x014A, LONG, [shown, tiff.sensor()])]))


def cr2() -> bytes:
    """Canon's: the preview as the first directory's strip, a thumbnail in the second, lossless JPEG in the last."""
    tiff = Tiff()
    tiff.data[8:10] = b"CR"
    hidden, small, large = tiff.add(LOSSLESS), tiff.add(SMALL), tiff.add(LARGE)
    last = tiff.directory([(0x0103, SHORT, [6]), (0x0111, LONG, [hidden]), (0x0117, LONG, [len(LOSSLESS)])])
    second = tiff.directory([(0x0201, LONG, [small]), (0x0202, LONG, [len(SMALL)])], following=last)
    first = [(0x0103, SHORT, [6]), (0x0111, LONG, [large]), (0x0117, LONG, [len(LARGE)])]
    return tiff.finish(tiff.directory([*tiff.about(b"Canon"), *first], following=second))


def arw() -> bytes:
    """Sony's: the preview in the first directory, the sensor's data in a SubIFD."""
    tiff = Tiff()
    at = tiff.add(LARGE)
    first = [(0x00FE, LONG, [1]), (0x014A, LONG, [tiff.sensor()]), (0x0201, LONG, [at]), (0x0202, LONG, [len(LARGE)])]
    return tiff.finish(tiff.directory([*tiff.about(b"SONY"), *first]))


def pef() -> bytes:
    """Pentax's: the sensor's data first, previews in the directories behind it."""
    tiff = Tiff(b"MM\0*")
    small, large, sensor = tiff.add(SMALL), tiff.add(LARGE), tiff.add(SENSOR)
    third = tiff.directory([(0x0201, LONG, [large]), (0x0202, LONG, [len(LARGE)])])
    second = tiff.directory([(0x0201, LONG, [small]), (0x0202, LONG, [len(SMALL)])], following=third)
    first = [(0x0103, SHORT, [65535]), (0x0106, SHORT, [32803]), (0x0111, LONG, [sensor]), (0x0117, LONG, [9])]
    return tiff.finish(tiff.directory([*tiff.about(b"PENTAX"), *first], following=second))


def orf() -> bytes:
    """Olympus's: the preview lies in the maker's notes, where no pointer that is followed leads."""
    tiff = Tiff(b"IIRO")
    tiff.add(SMALL)
    tiff.add(LARGE)
    return tiff.finish(tiff.directory(tiff.about(b"OLYMPUS IMAGING CORP.")))


def rw2() -> bytes:
    """Panasonic's: a tag of the first directory is the JPEG."""
    tiff = Tiff(b"IIU\0")
    return tiff.finish(tiff.directory([*tiff.about(b"Panasonic"), (0x002E, UNDEFINED, LARGE)]))


def with_exif(picture: bytes) -> bytes:
    tiff = Tiff()
    block = tiff.finish(tiff.directory(tiff.about(b"FUJIFILM")))
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(out, "JPEG", exif=b"Exif\0\0" + block)
    return out.getvalue()


def raf() -> bytes:
    """Fujifilm's: a header that points at a JPEG, which has the metadata."""
    jpeg = with_exif(LARGE)
    header = (b"FUJIFILMCCD-RAW 0201FF129502".ljust(84, b"\0") + struct.pack(">II", 160, len(jpeg))).ljust(160, b"\0")
    return header + jpeg + SENSOR


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def cr3(orientation: int = 1) -> bytes:
    """Canon's newer: ISO base media, directories in boxes of their own, a preview, and the photo as a track."""
    parts = []
    for name, make in (
        (b"CMT1", lambda t: t.directory([(0x010F, ASCII, b"Canon\0"), (0x0112, SHORT, [orientation])])),
        (b"CMT2", Tiff.exif),
        (b"CMT4", Tiff.gps),
    ):
        tiff = Tiff()
        parts.append(box(name, tiff.finish(make(tiff))))
    about = box(b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48") + b"".join(parts))
    shown = box(b"PRVW", bytes(6) + struct.pack(">HHHI", 240, 160, 1, len(SMALL)) + SMALL)
    beside = box(b"uuid", bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16") + bytes(8) + shown)

    def whole(place: int) -> bytes:
        table = box(b"stsz", struct.pack(">III", 0, len(LARGE), 1)) + box(b"co64", struct.pack(">IIQ", 0, 1, place))
        track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table))))
        return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", about + track) + beside

    return whole(len(whole(0)) + 8) + box(b"mdat", LARGE + SENSOR)


RAWS = {
    "image/x-adobe-dng": dng, "image/x-nikon-nef": nef, "image/x-canon-cr2": cr2, "image/x-sony-arw": arw,
    "image/x-pentax-pef": pef, "image/x-olympus-orf": orf, "image/x-panasonic-rw2": rw2, "image/x-fuji-raf": raf,
    "image/x-canon-cr3": cr3,
}  # fmt: skip


@pytest.mark.parametrize("kind", RAWS)
def test_the_largest_picture_inside_stands_for_the_photo(kind: str) -> None:
    data = RAWS[kind]()
    assert formats.sniff(data) == kind
    picture = formats.decode(data)
    assert (picture.content_type, picture.width, picture.height) == (kind, 640, 480)
    assert kind in formats.ACCEPTED


@pytest.mark.parametrize("kind", RAWS)
def test_time_and_place_come_from_the_raw_files_own_directories(kind: str) -> None:
    found = metadata.read(RAWS[kind](), filename="x", uploaded_at=datetime(2024, 1, 1, tzinfo=UTC), zone_at=None)
    assert found.taken is not None
    assert (found.taken.source, found.taken.local.isoformat()) == ("exif", "2021-03-04T05:06:07")
    assert found.location is not None
    assert (found.location.latitude, found.location.longitude) == (48.5, 11.25)
    assert found.camera_make


@pytest.mark.parametrize("make", [dng, cr3])
def test_the_raw_files_orientation_is_applied(make: object) -> None:
    assert callable(make)
    picture = formats.decode(make(6))
    assert (picture.width, picture.height, picture.image.size) == (480, 640, (480, 640))


def test_a_preview_that_says_the_same_orientation_is_turned_once() -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    picture = formats.decode(dng(6, encode(paint(5, (640, 480)), format="JPEG", exif=tags)))
    assert (picture.width, picture.height) == (480, 640)


def test_an_ordinary_tiff_is_no_raw_file() -> None:
    for word in (b"II*\0", b"MM\0*"):
        tiff = Tiff(word)
        entries = [e for e in uncompressed(tiff, make=b"NIKON") if e[0] != 0x00FE]
        data = tiff.finish(tiff.directory(entries))
        assert formats.sniff(data) == "image/tiff"
        assert formats.decode(data).width == 32


def test_a_raw_file_without_a_picture_is_refused_by_name() -> None:
    with pytest.raises(Rejected, match="no picture that can be shown"):
        formats.decode(dng(jpeg=draw(5, (160, 120))))  # a thumbnail is no photo
    with pytest.raises(Rejected, match="no picture that can be shown"):
        formats.decode(dng(jpeg=LOSSLESS))
    with pytest.raises(Rejected, match="no picture that can be shown"):
        formats.decode(dng(jpeg=LOSSLESS) + LARGE)  # a tile of the sensor's data, which no preview's pointer names


@pytest.mark.parametrize("make", [nef, cr3])
def test_a_cut_raw_file_is_told_that_it_ends_too_early(make: object) -> None:
    assert callable(make)
    data = make()
    cut = data[: data.index(LARGE) - 500] if make is nef else data[:-5000]
    if make is nef:  # its directories lie behind the picture; put them in front
        tiff = Tiff()
        first = [(0x0201, LONG, [90_000]), (0x0202, LONG, [9000])]
        cut = tiff.finish(tiff.directory([*uncompressed(tiff, make=b"NIKON"), *first, (0x014A, LONG, [8])]))
    with pytest.raises(Rejected, match="ends too early"):
        formats.decode(cut)


def test_pointers_that_lead_in_circles_or_nowhere_are_left() -> None:
    tiff = Tiff()
    first = tiff.directory([*uncompressed(tiff, make=b"SONY"), (0x014A, LONG, [len(tiff.data)] * 16)], following=16)
    data = bytearray(tiff.finish(first))
    struct.pack_into("<I", data, len(data) - 4, first)
    assert raw.preview(bytes(data)) is None
    assert raw.sniff(b"II*\0" + b"\xff" * 40) is None


MUTABLE = {kind: make() for kind, make in RAWS.items()}


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_raw_files_are_decoded_or_refused(data: st.DataObject) -> None:
    whole = bytearray(MUTABLE[data.draw(st.sampled_from(sorted(MUTABLE)))])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1) | st.integers(max(0, len(whole) - 600), len(whole) - 1))
        whole[at : at + 4] = data.draw(st.binary(min_size=0, max_size=6))
    damaged = bytes(whole)
    with suppress(Rejected):
        assert formats.decode(damaged).width >= 1
    metadata.read(damaged, filename=None, uploaded_at=datetime(2024, 1, 1, tzinfo=UTC), zone_at=None)
