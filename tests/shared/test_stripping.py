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
    "XMP that goes on": JPEG[:2]
    + segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + SECRET)
    + JPEG[2:],
    "a place among several pictures": JPEG[:2] + segment(0xE2, b"MPF\0" + SECRET) + JPEG[2:],
    "a depth map": JPEG[:2] + segment(0xEB, b"JP\0\1" + SECRET) + JPEG[2:],
    "what a phone leaves behind a picture": JPEG + SECRET + b"SEFH" + bytes(12) + b"SEFT",
    "stray bytes between segments": JPEG[:20] + SECRET + JPEG[20:],
    "a film behind the picture": JPEG + FILM,
    "another picture behind it": JPEG + JPEG[:2] + segment(0xE1, SECRET) + JPEG[2:],
    "a text of PNG": PNG[:33] + chunk(b"tEXt", b"Comment\0" + SECRET) + PNG[33:],
    "a packed text of PNG": PNG[:33] + chunk(b"zTXt", b"Author\0\0" + zlib.compress(SECRET, 0)) + PNG[33:],
    "a text of the world": PNG[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + SECRET) + PNG[33:],
    "a text behind the pixels": PNG[:-12] + chunk(b"tEXt", b"Comment\0" + SECRET) + PNG[-12:],
    "the rest of a larger PNG": PNG + chunk(b"IDAT", SECRET) + PNG[-12:],
    "a time of PNG": PNG[:33] + chunk(b"tIME", SECRET[:7]) + PNG[33:],
    "a private chunk of PNG": PNG[:33] + chunk(b"prVt", SECRET) + PNG[33:],
    "bytes behind a PNG": PNG + SECRET,
    "a chunk of WebP": riff(WEBP, b"ABCD", SECRET),
    "bytes behind a WebP": WEBP + SECRET,
    "a comment of GIF": GIF[:-1] + b"\x21\xfe" + bytes([len(SECRET)]) + SECRET + b"\0\x3b",
    "more than a frame's duration": GIF[: 13 + 3 * 256]
    + b"\x21\xf9"
    + bytes([4, 0, 0, 0, 0, len(SECRET)])
    + SECRET
    + b"\0"
    + GIF[13 + 3 * 256 :],
    "words over a GIF": GIF[:-1] + b"\x21\x01" + bytes([12]) + bytes(12) + bytes([len(SECRET)]) + SECRET + b"\0\x3b",
    "XMP of GIF": GIF[:-1] + b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0\x3b",
    "bytes behind a GIF": GIF + SECRET,
}


@pytest.mark.parametrize("data", HIDDEN.values(), ids=HIDDEN)
def test_whatever_hides_beside_a_picture_goes(data: bytes) -> None:
    bare = stripped(data)
    assert SECRET not in bare
    assert SECRET[:7] not in bare
    assert_same_picture(data, bare)


def box(kind: bytes, *body: bytes, version: int | None = None) -> bytes:
    whole = (b"" if version is None else bytes([version, 0, 0, 0])) + b"".join(body)
    return struct.pack(">I", 8 + len(whole)) + kind + whole


def unit(kind: int, body: bytes) -> bytes:
    """A NAL unit of HEVC after its length."""
    return struct.pack(">IBB", 2 + len(body), kind << 1, 1) + body


def heic(
    items: list[tuple[bytes, bytes]],
    *,
    references: bytes = b"",
    properties: tuple[bytes, ...] = (),
    uses: tuple[tuple[int, ...], ...] = (),
    places: bytes | None = None,
) -> bytes:
    """A file of these (type, content), of which the first is the main picture. Nothing in it can be decoded."""
    listed = [box(b"infe", struct.pack(">HH4sx", n, 0, kind), version=2) for n, (kind, _) in enumerate(items, 1)]
    used = b"".join(struct.pack(f">HB{len(u)}B", n, len(u), *u) for n, u in enumerate(uses, 1))
    brand = box(b"ftyp", b"heic", bytes(4), b"mif1")
    at = len(brand) + 8
    if places is None:
        places = struct.pack(">HH", 0x4400, len(items))
        for n, (_, body) in enumerate(items, 1):
            places += struct.pack(">HHHII", n, 0, 1, at, len(body))
            at += len(body)
    return b"".join(
        [
            brand,
            box(b"mdat", *(body for _, body in items)),
            box(
                b"meta",
                box(b"pitm", b"\0\1", version=0),
                box(b"iinf", struct.pack(">H", len(items)), *listed, version=0),
                box(b"iloc", places, version=0),
                box(b"iprp", box(b"ipco", *properties), box(b"ipma", struct.pack(">I", len(uses)), used, version=0)),
                box(b"iref", references, version=0),
                version=0,
            ),
        ]
    )


def refer(kind: bytes, source: int, *targets: int) -> bytes:
    return box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets))


SET_UP = bytes(21) + b"\3" + b"\1" + bytes([62]) + struct.pack(">HH", 1, len(SECRET)) + SECRET
ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


def test_of_a_file_of_many_items_the_picture_and_its_transparency_are_left() -> None:
    hidden = unit(39, SECRET) + unit(62, SECRET) + unit(38, SECRET)
    bare = stripped(
        heic(
            [
                (b"hvc1", hidden + unit(19, b"the picture") + hidden),
                (b"hvc1", unit(19, b"its transparency")),
                (b"hvc1", unit(19, b"a thumbnail" + SECRET)),
                (b"hvc1", unit(19, b"a depth map" + SECRET)),
                (b"tmap", b"how bright it may be" + SECRET),
                (b"Exif", bytes(4) + SECRET),
                (b"mime", XMP),
            ],
            references=refer(b"auxl", 2, 1) + refer(b"thmb", 3, 1) + refer(b"auxl", 4, 1) + refer(b"cdsc", 6, 1),
            properties=(
                box(b"hvcC", SET_UP),
                box(b"auxC", bytes(4) + ALPHA + SECRET),
                box(b"auxC", bytes(4) + b"urn:com:apple:photo:2020:aux:hdrgainmap\0" + SECRET),
                box(b"colr", b"nclx", bytes(7), SECRET),
                box(b"udes", SECRET),
            ),
            uses=((1, 4, 5), (1, 2), (1,), (1, 3)),
        )
    )
    assert SECRET not in bare
    assert unit(19, b"the picture") in bare
    assert unit(19, b"its transparency") in bare
    assert (bare.count(b"infe"), bare.count(b"nclx"), bare.count(b"auxC")) == (2, 1, 1)


def test_the_layout_of_tiles_is_no_longer_than_it_is() -> None:
    layout, tile = bytes([0, 0, 0, 0, 0, 64, 0, 64]), unit(19, b"the picture")
    bare = stripped(
        heic(
            [(b"grid", layout + SECRET), (b"hvc1", tile)],
            references=refer(b"dimg", 1, 2),
            properties=(box(b"hvcC", SET_UP),),
            uses=((), (1,)),
        )
    )
    assert bare.endswith(layout + tile)
    assert SECRET not in bare


@pytest.mark.parametrize(
    "data",
    {
        "a PNG that begins twice": PNG[:33] + PNG[8:],
        "more places than bytes": heic(
            [(b"hvc1", b"")], places=struct.pack(">HHHHH", 0, 2, 1, 0, 65_535) + struct.pack(">HHH", 2, 0, 65_535)
        ),
        "the whole file again and again": heic([(b"hvc1", b"")], places=struct.pack(">HHHHH", 0, 1, 1, 0, 9)),
        "more units than a picture has": heic(
            [(b"hvc1", unit(19, b"") * 10_001)], properties=(box(b"hvcC", SET_UP),), uses=((1,),)
        ),
        "more units than an AVIF has": heic([(b"av01", b"\x12\0" * 10_001)]),
        "more tiles than there can be": heic([(b"grid", b"")], references=refer(b"dimg", 1, *range(6000))),
        "tiles of tiles without end": heic([(b"grid", b"")], references=refer(b"dimg", 1, 2) + refer(b"dimg", 2, 1)),
    }.items(),
    ids=lambda item: item[0],
)
def test_what_would_cost_without_end_is_refused(data: tuple[str, bytes]) -> None:
    with pytest.raises(stripping.CannotStrip):
        stripped(data[1])


def test_a_profile_whose_values_lie_in_one_place_is_none() -> None:
    head = bytes(36) + b"acsp" + bytes(88)
    tags = (b"A2B0", b"A2B1", b"A2B2", b"B2A0")
    table = b"".join(struct.pack(">4sII", tag, at, 4000) for at, tag in enumerate(tags))
    assert profiles.cleaned(head + struct.pack(">I", len(tags)) + table + bytes(4096)) is None


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
