"""Files without anything but their picture: nothing else is left, and the picture is the same."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from tests.pictures import camera_tags, paint, shared_photos

from photovault import embedded, exif, formats, motion, profiles, renditions, stripping
from photovault.errors import Rejected

# Words that none of the pictures has, for every block that a file may keep them in.
SECRET = b"Ada-of-Lisbon-serial-0451"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
FOLDERS = ("exif-samples", "formats-pillow", "immich-test-assets")


def real_files() -> list[Path]:
    return sorted(
        path
        for folder in FOLDERS
        if (found := shared_photos(folder)) is not None
        for path in found.rglob("*")
        if path.is_file() and path.stat().st_size < 30_000_000
    )


def stripped(data: bytes) -> bytes:
    return stripping.strip(data, content_type=formats.sniff(data) or "")


def assert_same_picture(before: bytes, after: bytes) -> None:
    one, other = formats.decode(before), formats.decode(after)
    assert (one.content_type, one.width, one.height) == (other.content_type, other.width, other.height)
    assert np.array_equal(np.asarray(one.image), np.asarray(other.image))


def assert_bare(data: bytes) -> None:
    """Nothing that a reader of metadata finds, but which way up it is."""
    blocks = formats.blocks(data)
    assert (blocks.xmp, blocks.iptc, blocks.png_created, blocks.png_modified) == (None, None, None, None)
    tags = exif.read(blocks.exif)
    assert (dict(tags.exif), dict(tags.gps), set(tags.image) - {0x0112}) == ({}, {}, set())
    assert motion.find(data, content_type=formats.sniff(data) or "") is None


def encoded(seed: int, size: tuple[int, int], kind: str, **options: Any) -> bytes:
    out, image = io.BytesIO(), paint(seed, size)
    if "exif" in options:
        options["exif"] = options["exif"].tobytes()
    if kind == "HEIF":
        if "icc_profile" in options:
            image.info["icc_profile"] = options.pop("icc_profile")
        pillow_heif.from_pillow(image).save(out, **options)
    else:
        image.save(out, kind, **options)
    return out.getvalue()


def full(kind: str, orientation: int = 6) -> bytes:
    """A drawn photo with a camera's tags and XMP."""
    tags = camera_tags(camera=("Maker", SECRET.decode()), orientation=orientation)
    more = {} if kind == "PNG" else {"xmp": XMP}
    data = encoded(7, (64, 40), kind, exif=tags, **more)
    assert SECRET in data
    return data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_tags_and_xmp_go_and_the_picture_stays_upright(kind: str) -> None:
    data = full(kind)
    bare = stripped(data)
    assert SECRET not in bare
    assert_bare(bare)
    assert_same_picture(data, bare)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def riff(data: bytes, kind: bytes, body: bytes) -> bytes:
    data += kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


JPEG, PNG, GIF = (encoded(3, (48, 32), kind) for kind in ("JPEG", "PNG", "GIF"))
WEBP = encoded(3, (48, 32), "WEBP", xmp=b"x")
FILM = struct.pack(">I", 20) + b"ftypmp42" + bytes(8) + struct.pack(">I", 8 + len(SECRET)) + b"mdat" + SECRET
HIDDEN: dict[str, bytes] = {
    "a comment": JPEG[:2] + segment(0xFE, SECRET) + JPEG[2:],
    "a maker's block": JPEG[:2] + segment(0xE7, SECRET) + JPEG[2:],
    "a block between tables and scan": JPEG.replace(b"\xff\xda", segment(0xEC, SECRET) + b"\xff\xda", 1),
    "a thumbnail of JFIF": JPEG[:2] + segment(0xE0, b"JFXX\0\x10" + SECRET) + JPEG[2:],
    "IPTC": JPEG[:2] + segment(0xED, b"Photoshop 3.0\0" + SECRET) + JPEG[2:],
    "a film behind the picture": JPEG + FILM,
    "another picture behind it": JPEG + JPEG[:2] + segment(0xE1, SECRET) + JPEG[2:],
    "a text of PNG": PNG[:33] + chunk(b"tEXt", b"Comment\0" + SECRET) + PNG[33:],
    "a time of PNG": PNG[:33] + chunk(b"tIME", SECRET[:7]) + PNG[33:],
    "a private chunk of PNG": PNG[:33] + chunk(b"prVt", SECRET) + PNG[33:],
    "bytes behind a PNG": PNG + SECRET,
    "a chunk of WebP": riff(WEBP, b"ABCD", SECRET),
    "bytes behind a WebP": WEBP + SECRET,
    "a comment of GIF": GIF[:-1] + b"\x21\xfe" + bytes([len(SECRET)]) + SECRET + b"\0\x3b",
    "XMP of GIF": GIF[:-1] + b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0\x3b",
    "bytes behind a GIF": GIF + SECRET,
}


@pytest.mark.parametrize("data", HIDDEN.values(), ids=HIDDEN)
def test_whatever_hides_beside_a_picture_goes(data: bytes) -> None:
    bare = stripped(data)
    assert SECRET not in bare
    assert SECRET[:7] not in bare
    assert_same_picture(data, bare)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF"])
def test_what_was_stripped_is_stripped(kind: str) -> None:
    data = encoded(4, (40, 40), kind)
    if not stripping.can_strip(formats.sniff(data) or ""):
        with pytest.raises(stripping.CannotStrip):
            stripped(data)
        return
    bare = stripped(data)
    assert stripped(bare) == bare


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_stays_the_right_way_up(kind: str, orientation: int) -> None:
    data = full(kind, orientation)
    assert_same_picture(data, stripped(data))


def test_an_animation_goes_on_moving() -> None:
    frames = [paint(n, (24, 24)) for n in range(4)]
    for kind in ("GIF", "PNG", "WEBP"):
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=90, loop=3)
        before, after = (Image.open(io.BytesIO(data)) for data in (out.getvalue(), stripped(out.getvalue())))
        assert (after.n_frames, after.info.get("loop")) == (before.n_frames, before.info.get("loop"))  # type: ignore[attr-defined]
        for number in range(4):
            before.seek(number)
            after.seek(number)
            assert np.array_equal(np.asarray(before.convert("RGBA")), np.asarray(after.convert("RGBA")))
            assert before.info.get("duration") == after.info.get("duration")


# ------------------------------------------------------------------------------------------------ colour profiles


def profile_with(tag: bytes, value: bytes) -> bytes:
    """sRGB's profile with one more tag."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (count,) = struct.unpack_from(">I", srgb, 128)
    end = 132 + 12 * count
    table = b"".join(
        struct.pack(">4sII", name, offset + 12, size)
        for name, offset, size in (struct.unpack_from(">4sII", srgb, at) for at in range(132, end, 12))
    )
    table += struct.pack(">4sII", tag, len(srgb) + 12, len(value))
    whole = srgb[:128] + struct.pack(">I", count + 1) + table + srgb[end:] + value
    return struct.pack(">I", len(whole)) + whole[4:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_a_profile_keeps_its_colours_and_loses_the_screen_it_was_made_for(kind: str) -> None:
    data = encoded(5, (48, 48), kind, icc_profile=profile_with(b"mmod", SECRET))
    bare = stripped(data)
    opened = pillow_heif.open_heif(bare) if kind == "HEIF" else Image.open(io.BytesIO(bare))
    assert SECRET not in opened.info["icc_profile"]
    assert SECRET not in bare
    assert_same_picture(data, bare)


def test_a_profile_of_many_segments_is_put_together() -> None:
    big = profile_with(b"A2B0", bytes(200_000))
    data = encoded(5, (48, 48), "JPEG", icc_profile=big)
    with Image.open(io.BytesIO(stripped(data))) as image:
        assert image.info["icc_profile"] == profiles.cleaned(big)


@given(data=st.binary(max_size=400))
def test_any_bytes_are_a_profile_or_none(data: bytes) -> None:
    profiles.cleaned(bytes(36) + b"acsp" + data)


def test_a_cleaned_profile_is_clean() -> None:
    once = profiles.cleaned(profile_with(b"dscm", SECRET))
    assert once is not None
    assert SECRET not in once
    assert profiles.cleaned(once) == once


# ---------------------------------------------------------------------------------------- whatever files there are


def mutants(data: bytes) -> st.SearchStrategy[bytes]:
    def bent(at: int, what: bytes) -> bytes:
        return data[:at] + what + data[at + len(what) :]

    places = st.integers(0, len(data))
    return st.builds(bent, places, st.binary(min_size=1, max_size=6)) | places.map(lambda at: data[:at])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF"])
def test_a_broken_file_is_stripped_or_refused(kind: str) -> None:
    data = encoded(6, (32, 24), "GIF") if kind == "GIF" else full(kind)
    content_type = formats.sniff(data) or ""

    @settings(max_examples=150, deadline=None)
    @given(mutant=mutants(data))
    def check(mutant: bytes) -> None:
        try:
            bare = stripping.strip(mutant, content_type=content_type)
        except stripping.CannotStrip:
            return
        found = embedded.find(bare, content_type=content_type)
        assert found.xmp is None
        assert not exif.read(found.exif).gps

    check()


def of_real_files(check: Callable[[Path, bytes, bytes], None]) -> int:
    done = 0
    for path in real_files():
        data = path.read_bytes()
        content_type = formats.sniff(data)
        if content_type is None:
            continue
        try:
            formats.decode(data)
            bare = stripping.strip(data, content_type=content_type)
        except (Rejected, stripping.CannotStrip):
            continue
        check(path, data, bare)
        done += 1
    return done


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not real_files(), reason="the real photos are not at hand")
def test_of_real_photos_nothing_but_the_picture_is_left() -> None:
    telling = re.compile(
        rb"xmpmeta|Photoshop 3\.0|http://ns\.|GPSLat|SerialNumber|Apple iOS|Nikon\0|OLYMP|ftypmp4|8BIM"
    )

    def check(path: Path, data: bytes, bare: bytes) -> None:
        assert_bare(bare)
        assert not telling.search(bare), path.name
        for text in words_of(data):
            assert text not in bare, (path.name, text)
        assert_same_picture(data, bare)
        assert stripped(bare) == bare, path.name

    assert of_real_files(check) > 100


def words_of(data: bytes) -> set[bytes]:
    """What the tags of a file say in letters, and the numbers of its position as they are written there."""
    tags = exif.read(formats.blocks(data).exif)
    values = [*tags.image.values(), *tags.exif.values(), *tags.gps.values()]
    texts = {bytes(each).strip(b"\0 ")[:60] for each in values if isinstance(each, bytes)}
    for tag in (2, 4):  # latitude and longitude: degrees, minutes and seconds as fractions
        parts = [number for each in tags.gps.get(tag, ()) if isinstance(each, tuple) for number in each]
        if len(parts) == 6:
            texts |= {struct.pack(order + "6I", *parts) for order in "<>"}
    return {text for text in texts if len(text) >= 8 and len(set(text)) > 4}


def test_previews_and_thumbnails_have_nothing_beside_the_picture() -> None:
    """Those of a share go out as vision has made them."""
    picture = formats.decode(full("JPEG"))
    for made in (renditions.preview(picture), renditions.thumbnail(picture)):
        markers = [marker for marker, _, _ in embedded.jpeg_segments(made.data)]
        assert not [marker for marker in markers if marker > 0xE0], "segments beside JFIF's"
        assert_bare(made.data)
