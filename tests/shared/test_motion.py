"""The clip inside a Motion Photo, and the name that the two files of a Live Photo share."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.pictures import draw, encode, paint, shared_photos

from photovault import formats, metadata, motion

JPEG = draw(3, (64, 48))
UUID = "570F1469-09C7-4E50-9875-05F21D5BD166"


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def film(brand: bytes = b"mp42", *, body: bytes = b"frames" * 40) -> bytes:
    return box(b"ftyp", brand + b"\0\0\0\0isom") + box(b"mdat", body) + box(b"moov", box(b"mvhd", bytes(100)))


def with_xmp(picture: bytes, attributes: str, inner: str = "") -> bytes:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" {attributes}>{inner}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet
    return picture[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(body)) + body + picture[2:]


def items(*lengths: tuple[str, int, int]) -> str:
    return "<Container:Directory><rdf:Seq>" + "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="x/y" Item:Semantic="{semantic}" '
        f'Item:Length="{length}" Item:Padding="{padding}"/></rdf:li>'
        for semantic, length, padding in lengths
    ) + "</rdf:Seq></Container:Directory>"  # fmt: skip


def samsung(picture: bytes, clip: bytes) -> bytes:
    """A JPEG with the clip inside the trailer, as Samsung's phones wrote it before they took up Google's format."""
    start = len(picture)
    entry = struct.pack("<HHI", 0, 0x0A30, 16) + b"MotionPhoto_Data" + clip
    at = start + len(entry)
    listed = b"SEFH" + struct.pack("<IIHHII", 106, 1, 0, 0x0A30, at - start, len(entry))
    return picture + entry + listed + struct.pack("<I", len(listed)) + b"SEFT"


def found(data: bytes, content_type: str = "image/jpeg") -> bytes | None:
    clip = motion.find(data, content_type=content_type)
    return data[clip.start : clip.end] if clip else None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            with_xmp(JPEG, f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(film())}"') + film(),
            id="micro video",
        ),
        pytest.param(
            with_xmp(
                JPEG,
                'GCamera:MotionPhoto="1"',
                items(("Primary", 0, 0), ("GainMap", 7, 0), ("MotionPhoto", len(film()), 0)),
            )
            + b"gainmap"
            + film(),
            id="container",
        ),
        pytest.param(
            with_xmp(JPEG, "", items(("Primary", 0, 0), ("MotionPhoto", len(film()), 0), ("Depth", 5, 0)))
            + film()
            + b"depth",
            id="something behind the film",
        ),
        pytest.param(samsung(JPEG, film()), id="samsung"),
        pytest.param(JPEG + film(), id="no word of it"),
        pytest.param(with_xmp(JPEG, 'GCamera:MicroVideoOffset="12345"') + film(), id="a wrong word of it"),
        pytest.param(with_xmp(JPEG, 'GCamera:MicroVideoOffset="99999999999999999999"') + film(), id="an absurd word"),
    ],
)
def test_the_film_of_a_motion_photo_is_found_to_the_byte(data: bytes) -> None:
    assert found(data) == film()
    assert formats.decode(data).width == 64  # and the picture is none the worse for it


def test_a_real_motion_photo_of_a_samsung_phone_gives_its_film() -> None:
    root = shared_photos("immich-test-assets")
    if root is None:
        pytest.skip("the shared photos are not here")
    data = (root / "formats/motionphoto/samsung-one-ui-6.heic").read_bytes()
    assert motion.find(data, content_type="image/heic") == motion.Clip(452284, 3678753, "video/mp4")
    without = data.replace(b"mpvd", b"free")  # then XMP says it, and without that Samsung's trailer
    assert motion.find(without, content_type="image/heic") == motion.Clip(452284, 3678753, "video/mp4")
    assert motion.find(without.replace(b":Length", b":Lengtx"), content_type="image/heic") is not None


def test_the_box_of_a_heic_is_taken_to_its_end() -> None:
    data = draw(3, (64, 48), format="HEIF")
    assert found(data + box(b"mpvd", film()) + box(b"sefd", b"more"), "image/heic") == film()


def test_a_quicktime_film_is_called_one() -> None:
    clip = motion.find(JPEG + film(b"qt  "), content_type="image/jpeg")
    assert clip is not None
    assert clip.content_type == "video/quicktime"


@pytest.mark.parametrize(
    "behind",
    [
        b"",
        b"\0\0\0\x18ftypmp42",
        film()[:-1],  # its table of contents is cut
        box(b"ftyp", b"mp42") + box(b"mdat", bytes(500)),  # it has none
        box(b"ftyp", b"heic\0\0\0\0mif1") + box(b"moov", bytes(500)),  # a picture
        b"\0\0\0\x08ftyp" * 5000,
    ],
)
def test_what_is_no_whole_film_is_left_alone(behind: bytes) -> None:
    assert found(JPEG + behind) is None


def test_a_png_with_a_film_behind_it_is_no_motion_photo() -> None:
    assert found(draw(3, (64, 48), format="PNG") + film(), "image/png") is None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_motion_photos_break_nothing(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(MUTABLE)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + 4] = data.draw(st.binary(min_size=0, max_size=4))
    for kind in ("image/jpeg", "image/heic"):
        clip = motion.find(bytes(whole), content_type=kind)
        assert clip is None or (0 < clip.start < clip.end <= len(whole) and whole[clip.start + 4 :][:4] == b"ftyp")
    motion.content_identifier(bytes(whole))


# Live Photos


def maker_note(identifier: str = UUID) -> bytes:
    text = identifier.encode() + b"\0"
    entries = struct.pack(">HHIi", 1, 9, 1, 14) + struct.pack(">HHII", 17, 2, len(text), 14 + 2 + 24 + 4)
    return b"Apple iOS\0\0\1MM" + struct.pack(">H", 2) + entries + bytes(4) + text


def live_picture(note: bytes) -> bytes:
    tags = Image.Exif()
    tags.get_ifd(0x8769)[0x927C] = note
    return encode(paint(1, (64, 48)), format="JPEG", exif=tags)


def live_film(identifier: str = UUID) -> bytes:
    key = b"com.apple.quicktime.content.identifier"
    names = struct.pack(">II", 0, 2) + box(b"mdta", b"com.apple.quicktime.make") + box(b"mdta", key)
    value = box(b"data", struct.pack(">II", 1, 0) + identifier.encode())
    listed = box(b"\0\0\0\1", box(b"data", bytes(8) + b"Apple")) + box(b"\0\0\0\2", value)
    meta = box(b"meta", box(b"hdlr", bytes(24)) + box(b"keys", names) + box(b"ilst", listed))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"mdat", bytes(64)) + box(b"moov", box(b"mvhd", bytes(100)) + meta)


MUTABLE = [samsung(JPEG, film()), with_xmp(JPEG, "", items(("MotionPhoto", len(film()), 0))) + film(), live_film()]


def test_both_files_of_a_live_photo_show_the_same_identifier() -> None:
    assert motion.content_identifier(live_picture(maker_note())) == UUID
    assert motion.content_identifier(live_film(UUID.lower())) == UUID


@pytest.mark.parametrize(
    "note", [b"", b"Apple iOS\0", b"Apple iOS\0\0\1MM\xff\xff", maker_note("<script>"), b"Nikon\0"]
)
def test_notes_without_an_identifier_show_none(note: bytes) -> None:
    assert motion.identifier_in_note(note) is None


def test_a_real_live_photo_shows_its_identifier_in_its_metadata() -> None:
    root = shared_photos("exif-samples")
    if root is None:
        pytest.skip("the shared photos are not here")
    data = (root / "heic/IMG_5195.HEIC").read_bytes()
    assert motion.content_identifier(data) == UUID
    found = metadata.read(data, filename=None, uploaded_at=datetime.now(UTC), zone_at=None)
    assert found.extra["content_identifier"] == UUID
