"""Every file ends as a Picture or as Rejected, for a reason that is true."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from tests.largest import jpeg, padded
from tests.pictures import draw, encode, paint, shared_photos
from tests.shared.test_motion import live_film

from photovault import embedded, formats
from photovault.errors import Rejected
from photovault.vision_cv import cv

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF")
MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rejected(data: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        formats.decode(data)
    return caught.value.reason


def outcome(data: bytes) -> formats.Picture | str:
    """The picture, or the reason why there is none."""
    try:
        return formats.decode(data)
    except Rejected as refusal:
        return refusal.reason


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean absolute difference per channel, 0 to 255."""
    return float(np.abs(np.asarray(a.convert("RGB"), dtype=int) - np.asarray(b.convert("RGB"), dtype=int)).mean())


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_known_by_its_content_and_decoded(kind: str) -> None:
    data = draw(4, (240, 160), format=kind)
    assert formats.sniff(data) == MIME[kind]
    picture = formats.decode(data)
    assert (picture.content_type, picture.width, picture.height) == (MIME[kind], 240, 160)
    assert picture.image.size == (240, 160)
    assert difference(picture.image, paint(4, (240, 160))) < 12  # GIF's palette is the worst of them


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(kind: str, orientation: int) -> None:
    stored = paint(6, (120, 80))
    tags = Image.Exif()
    tags[0x0112] = orientation
    picture = formats.decode(encode(stored, format=kind, exif=tags, quality=92))
    turns = [None, None, 0, 3, 1, 5, 4, 6, 2]  # Pillow's numbers of the transpositions
    turn = turns[orientation]
    upright = stored if turn is None else stored.transpose(Image.Transpose(turn))
    assert (picture.width, picture.height) == upright.size
    assert difference(picture.image, upright) < 8


@pytest.mark.parametrize(
    ("width", "side"), [(4032, 2016), (4000, 2000), (3000, 3000), (2048, 2048), (640, 640), (8064, 2016)]
)
def test_jpeg_is_decoded_at_the_smallest_fraction_that_suffices(width: int, side: int) -> None:
    data = saved(Image.new("RGB", (width, width // 4), "teal"), "JPEG")
    picture = formats.decode(data)
    assert picture.width == width
    assert picture.image.width == side
    assert picture.scale == pytest.approx(side / width)


def test_other_formats_are_reduced_alike() -> None:
    data = saved(paint(1, (1200, 800)), "PNG")
    assert formats.decode(data, min_side=300).image.size == (300, 200)
    assert formats.decode(data, min_side=300).width == 1200


def test_a_banded_reduction_equals_the_reduction_of_the_whole() -> None:
    image = paint(2, (3000, 4000))
    assert difference(formats.decode(saved(image, "PNG"), min_side=1000).image, image.reduce(4)) < 0.01


@pytest.mark.parametrize("size", [(1, 1), (1, 30_000), (30_000, 1), (2, 3), (17, 9000)])
def test_extreme_shapes_are_taken(size: tuple[int, int]) -> None:
    picture = formats.decode(saved(Image.new("RGB", size, "olive"), "PNG"))
    assert (picture.width, picture.height) == size
    assert min(picture.image.size) >= 1


def modes() -> dict[str, bytes]:
    image = paint(9, (96, 64))
    deep = np.asarray(image.convert("L"), dtype=np.uint16) * 257
    return {
        "1-bit": saved(image.convert("1"), "PNG"),
        "grey": saved(image.convert("L"), "JPEG"),
        "palette": saved(image.quantize(64), "PNG"),
        "16-bit grey PNG": saved(Image.fromarray(deep), "PNG"),
        "16-bit grey TIFF": saved(Image.fromarray(deep), "TIFF"),
        "32-bit TIFF": saved(Image.fromarray(deep.astype(np.int32)), "TIFF"),
        "float TIFF": saved(Image.fromarray(deep.astype(np.float32) / 65535), "TIFF"),
        "CMYK JPEG": saved(image.convert("CMYK"), "JPEG", quality=95),
        "CMYK TIFF": saved(image.convert("CMYK"), "TIFF"),
        "YCbCr TIFF": saved(image.convert("YCbCr"), "TIFF"),
    }


def variants() -> dict[str, bytes]:
    """What scanners, phones and photo software write of the formats that are taken, beside the plain kind."""
    image = paint(9, (96, 64))
    deep = np.asarray(image)[:, :, ::-1].astype(np.uint16) * 257  # OpenCV's order
    veiled = np.dstack([deep, np.full((64, 96), 30_000, np.uint16)])
    clear = image.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((96, 64)))
    turned = [image.rotate(90), image.resize((300, 200))]

    def by_opencv(ending: str, pixels: np.ndarray[Any, Any], *options: int) -> bytes:
        return bytes(cv().imencode(ending, pixels, list(options))[1].tobytes())

    def by_libheif(*pictures: Image.Image) -> bytes:
        container, out = pillow_heif.HeifFile(), io.BytesIO()
        for picture in pictures:
            container.add_from_pillow(picture)
        container.save(out)
        return out.getvalue()

    def of_ten_bits(mode: str, pixels: np.ndarray[Any, Any]) -> bytes:
        out = io.BytesIO()
        pillow_heif.from_bytes(mode, (96, 64), pixels.tobytes()).save(out)
        return out.getvalue()

    return {
        "JPEG progressive": saved(image, "JPEG", progressive=True),
        "JPEG 4:4:4": saved(image, "JPEG", subsampling=0),
        "JPEG of RGB": saved(image, "JPEG", keep_rgb=True),
        "PNG 16-bit RGB": by_opencv(".png", deep),
        "PNG 16-bit RGBA": by_opencv(".png", veiled),
        "PNG palette with transparency": saved(image.quantize(64), "PNG", transparency=bytes([0, 128, 255])),
        "PNG animated": saved(image, "PNG", save_all=True, append_images=turned[:1]),
        "WebP animated": saved(image, "WEBP", save_all=True, append_images=[image.rotate(180)]),
        "WebP with alpha": saved(clear, "WEBP"),
        "GIF animated": saved(image, "GIF", save_all=True, append_images=[image.rotate(180)]),
        "TIFF 16-bit RGB": by_opencv(".tiff", deep),
        "TIFF 16-bit RGB plain": by_opencv(".tiff", deep, cv().IMWRITE_TIFF_COMPRESSION, 1),
        "TIFF 16-bit RGB deflate": by_opencv(".tiff", deep, cv().IMWRITE_TIFF_COMPRESSION, 8),
        "TIFF 16-bit RGBA": by_opencv(".tiff", veiled),
        "TIFF with alpha": saved(clear, "TIFF"),
        "TIFF palette": saved(image.quantize(64), "TIFF"),
        "TIFF of JPEG": saved(image, "TIFF", compression="jpeg"),
        "TIFF of Zstandard": saved(image, "TIFF", compression="zstd"),
        "TIFF of many pages": saved(image, "TIFF", save_all=True, append_images=turned),
        "BigTIFF": saved(image, "TIFF", big_tiff=True),
        "AVIF animated": saved(image, "AVIF", save_all=True, append_images=[image.rotate(180)]),
        "AVIF with alpha": saved(clear, "AVIF"),
        "HEIC of many pictures": by_libheif(image, *turned),
        "HEIC with alpha": by_libheif(clear),
        "HEIC 10-bit": of_ten_bits("RGB;16", deep[:, :, ::-1].copy()),
        "HEIC 10-bit with alpha": of_ten_bits("RGBA;16", np.dstack([deep[:, :, ::-1], veiled[:, :, 3]])),
    }


@pytest.mark.parametrize("name", list(variants()))
def test_every_sane_variant_of_a_format_shows_the_picture(name: str) -> None:
    """The first picture of several, and the colours beneath whatever transparency there is."""
    picture = formats.decode(variants()[name])
    assert (picture.width, picture.height) == (96, 64)
    assert difference(picture.image, paint(9, (96, 64))) < 8


def test_grey_of_ten_bits_is_neither_white_nor_black() -> None:
    grey = np.asarray(paint(9, (96, 64)).convert("L"))
    out = io.BytesIO()
    pillow_heif.from_bytes("I;16", (96, 64), (grey.astype(np.uint16) * 257).tobytes()).save(out)
    assert difference(formats.decode(out.getvalue()).image, Image.fromarray(grey)) < 4


def test_a_tiff_whose_pixels_are_of_a_rare_kind_is_not_called_broken() -> None:
    """Three floating-point numbers each: neither Pillow nor browsers show them."""
    pixels = np.asarray(paint(9, (96, 64)), dtype=np.float32) / 255
    data = bytes(cv().imencode(".tiff", pixels)[1].tobytes())
    assert "8 or 16 bits" in rejected(data)


@pytest.mark.parametrize("name", list(modes()))
def test_unusual_pixels_become_eight_bit_colour_or_grey(name: str) -> None:
    picture = formats.decode(modes()[name])
    assert picture.image.mode in {"L", "RGB"}
    expected = paint(9, (96, 64))
    if picture.image.mode == "L":
        expected = expected.convert("L")
    if name == "1-bit":
        expected = paint(9, (96, 64)).convert("1").convert("L")
    assert difference(picture.image, expected) < 14


def test_a_lab_picture_keeps_its_colours() -> None:
    image = paint(9, (96, 64))
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert difference(formats.decode(saved(lab, "TIFF")).image, image) < 5


def test_nan_and_infinity_in_a_float_tiff_do_no_harm() -> None:
    values = np.linspace(-5, 900, 64 * 64, dtype=np.float32).reshape(64, 64)
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.inf, -np.inf
    assert formats.decode(saved(Image.fromarray(values), "TIFF")).image.mode == "L"


def test_transparency_survives_and_an_opaque_alpha_channel_does_not() -> None:
    image = paint(3, (50, 40)).convert("RGBA")
    assert formats.decode(saved(image, "PNG")).image.mode == "RGB"
    image.putpixel((3, 3), (0, 0, 0, 0))
    assert formats.decode(saved(image, "PNG")).image.mode == "RGBA"
    assert formats.decode(saved(image, "WEBP", lossless=True)).image.mode == "RGBA"
    named = paint(3, (50, 40)).quantize(16)
    assert formats.decode(saved(named, "PNG", transparency=0)).image.mode == "RGBA"


def test_colours_are_converted_to_srgb() -> None:
    """A profile with red and green swapped is as plain as a test can get."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    description = entries[b"desc"]
    start, size = struct.unpack_from(">II", profile, description + 4)
    profile[start : start + size] = (
        profile[start : start + size].replace(b"s\0R\0G\0B", b"o\0d\0d\0!").replace(b"sRGB", b"odd!")
    )
    data = saved(Image.new("RGB", (16, 16), (255, 0, 0)), "PNG", icc_profile=bytes(profile))
    red_value, green_value, _ = formats.decode(data).image.getpixel((8, 8))  # type: ignore[misc]
    assert red_value < 60
    assert green_value > 200


def test_a_broken_profile_is_ignored() -> None:
    data = saved(Image.new("RGB", (16, 16), (200, 100, 50)), "PNG", icc_profile=b"no profile" * 30)
    assert formats.decode(data).image.getpixel((8, 8)) == (200, 100, 50)


# What is refused


def png_header(width: int, height: int, body: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, this is no picture at all", "a text"),
        (bytes(range(1, 200)), "not a photo in a known format"),
        ("<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>".encode("utf-16"), "XMP sidecar"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "web page"),
        (b"\x00\x00\x00\x18ftypmp42....", "video"),
        (b"\xff\x0a....", "JPEG XL"),
        (b"\0\0\0\x08wide\0\0\0\x10mdat....", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta/>", "XMP sidecar"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(40), "no picture that can be shown"),
        (live_film(), "film of a Live Photo"),
        (png_header(30_001, 10), "30,000 pixels a side"),
        (png_header(11_000, 11_000), "121 megapixels"),
        (png_header(100, 100), "ends too early"),
        (b"\xff\xd8\xff", "broken"),
        (b"GIF89a", "broken"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "broken"),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    assert reason in rejected(data)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_told_that_it_ends_too_early(kind: str, share: float) -> None:
    data = draw(5, (300, 200), format=kind)
    assert "ends too early" in rejected(data[: int(len(data) * share)])


def test_a_jpeg_of_two_hundred_megapixels_is_taken_and_one_more_row_of_blocks_is_not() -> None:
    image = saved(Image.new("L", (16, 16)), "JPEG")
    start = image.index(b"\xff\xc0") + 5

    def sized(width: int, height: int) -> bytes:
        return image[:start] + struct.pack(">HH", height, width) + image[start + 4 :]

    assert "megapixels" in rejected(sized(20_000, 10_001))
    picture = formats.decode(sized(20_000, 10_000))
    assert (picture.width, picture.height, picture.image.width) == (20_000, 10_000, 2500)


def test_a_progressive_jpeg_with_absurdly_many_scans_is_refused() -> None:
    data = saved(paint(1, (64, 64)), "JPEG", progressive=True)
    start = data.index(b"\xff\xc2") + 5
    data = data[:start] + struct.pack(">HH", 10_000, 10_000) + data[start + 4 :]
    last = data.rindex(b"\xff\xda")
    length = 2 + int.from_bytes(data[last + 2 : last + 4], "big")
    assert "progressive" in rejected(data[:last] + (data[last : last + length] + b"\0") * 1000 + b"\xff\xd9")


@pytest.mark.parametrize(("subsampling", "most"), [(0, 80), (2, 159)])
def test_a_progressive_jpeg_is_refused_where_its_coefficients_do_not_fit(subsampling: int, most: int) -> None:
    reason = rejected(jpeg(20_000, 10_000, progressive=True, subsampling=subsampling))
    assert "200 megapixels" in reason
    assert f"at most {most} can" in reason


def test_what_a_picture_may_have_depends_on_how_many_bytes_its_decoder_holds() -> None:
    plain, full = (
        saved(Image.new("RGB", (640, 480)), "AVIF", speed=10, subsampling=kind) for kind in ("4:2:0", "4:4:4")
    )
    assert embedded.av1_planes(plain) == (False, 0.5)
    assert embedded.av1_planes(full) == (False, 2.0)
    assert embedded.av1_planes(b"nothing of the kind") == (True, 2.0)


def test_a_large_webp_of_many_bytes_is_refused_before_it_is_decoded() -> None:
    data = saved(Image.new("RGB", (8000, 5000)), "WEBP", method=0)
    assert formats.decode(data).width == 8000
    reason = rejected(padded(data))
    assert "40 megapixels; at most 36 can" in reason


def test_a_tiff_with_one_enormous_strip_is_refused_before_it_is_decoded() -> None:
    data = bytearray(saved(Image.new("RGBA", (8, 8)), "TIFF", compression="tiff_lzw"))
    count = struct.unpack_from("<H", data, 8 - 8 + struct.unpack_from("<I", data, 4)[0])[0]
    start = struct.unpack_from("<I", data, 4)[0] + 2
    for at in range(start, start + 12 * count, 12):
        tag, kind = struct.unpack_from("<HH", data, at)
        if tag in {256, 257, 278}:
            struct.pack_into("<HHII" if kind == 4 else "<HHIHxx", data, at, tag, kind, 1, 9_900)
    assert "one block" in rejected(bytes(data))


# Real files. The tables name what is refused and why; everything else is decoded.

REFUSED = {
    ".bmp": "BMP",
    ".ico": "an icon",
    ".tga": "not a photo in a known format",
    ".jxl": "JPEG XL",
    "hopper_webp.tif": "compressed in a way",
}


@pytest.mark.parametrize("folder", ["exif-samples", "immich-test-assets", "formats-pillow", "coco-mini", "faces"])
def test_real_photos_are_decoded_or_refused_for_a_true_reason(folder: str) -> None:
    root = shared_photos(folder)
    if root is None:
        pytest.skip("the shared photos are not here")
    files = [p for p in root.rglob("*") if p.is_file() and p.suffix not in {"", ".xmp", ".json", ".txt", ".tsv", ".md"}]
    assert files
    for path in sorted(files):
        data = path.read_bytes()
        reason = REFUSED.get(path.name) or REFUSED.get(path.suffix.lower())
        found = outcome(data)
        if reason is None:
            assert isinstance(found, formats.Picture), f"{path} was refused: {found}"
            assert found.image.mode in {"L", "RGB", "RGBA"}, path
        else:
            assert isinstance(found, str), f"{path} was taken"
            assert reason in found, path


@pytest.mark.parametrize("name", [f"hopper_orientation_{n}.{ext}" for n in range(2, 9) for ext in ("jpg", "webp")])
def test_the_hopper_files_stand_upright(name: str) -> None:
    root = shared_photos("formats-pillow")
    if root is None:
        pytest.skip("the shared photos are not here")
    upright = Image.open(root / "hopper.png").convert("RGB")
    assert difference(formats.decode((root / name).read_bytes()).image, upright) < 12


TRUE_REASONS = {
    "decompression_bomb.gif": "megapixels",
    "png_decompression_dos.png": "unpacks to an absurd size",
    "truncated_jpeg.jpg": "ends too early",
    "truncated_image.png": "ends too early",
    "broken.png": "broken",
    "broken_data_stream.png": "broken",
    "reallybig.bmp": "BMP",
    "invalid_header_length.jp2": "JPEG 2000",
    "zero_bb.eps": "PostScript",
}


def test_adversarial_files_end_decoded_or_refused() -> None:
    root = shared_photos("adversarial")
    if root is None:
        pytest.skip("the shared photos are not here")
    seen = set()
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        found = outcome(path.read_bytes())
        if path.name in TRUE_REASONS:
            assert isinstance(found, str), path
            assert TRUE_REASONS[path.name] in found, path
            seen.add(path.name)
    assert seen == set(TRUE_REASONS)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_mutants_are_decoded_or_refused(kind: str, data: st.DataObject) -> None:
    original = bytearray(SEEDS[kind])
    for _ in range(data.draw(st.integers(1, 8), label="changes")):
        at = data.draw(st.integers(0, len(original) - 1), label="at")
        match data.draw(st.sampled_from(["flip", "cut", "insert", "zero"]), label="how"):
            case "flip":
                original[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del original[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                original[at:at] = data.draw(st.binary(min_size=1, max_size=16))
            case "zero":
                original[at : at + 8] = bytes(len(original[at : at + 8]))
        if not original:
            break
    found = outcome(bytes(original))
    assert found if isinstance(found, str) else found.image.width >= 1


SEEDS = {kind: draw(8, (48, 32), gps=(1.5, 2.5), camera=("A", "B"), format=kind) for kind in FORMATS}


def test_sniffing_needs_neither_pillow_nor_numpy() -> None:
    code = (
        "import sys; from photovault import formats, metadata;"
        "formats.sniff(b'x'); metadata.read(b'', filename=None, uploaded_at=__import__('datetime').datetime.now("
        "__import__('datetime').UTC), zone_at=None);"
        "assert not {'PIL', 'numpy', 'cv2', 'pillow_heif', 'tzfpy'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=SHARED)
    assert done.returncode == 0, done.stderr


SHARED = Path(__file__).parents[2] / "shared"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["png", "jpeg", "gif"])
def test_the_largest_files_that_are_taken_fit_one_gibibyte(kind: str, tmp_path: Path) -> None:
    """A worker of its own decodes a file that is as hungry as the limits allow, and reports its peak memory."""
    path = tmp_path / "large"
    if kind == "png":
        row = b"\0" + bytes(range(256)) * 120 * 4
        packer = zlib.compressobj(1)
        width = (len(row) - 1) // 4
        width, height = min(width, 10_000), 10_000
        row = row[: 1 + 4 * width]
        packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()

        def chunk(name: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

        header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    elif kind == "gif":  # a frame far beyond its canvas, to be restored to the background: refused, but cheaply
        frame = bytearray(saved(Image.new("P", (8, 8)), "GIF", disposal=2, transparency=1))
        start = frame.index(b"\x2c")
        struct.pack_into("<HHHH", frame, start + 1, 4000, 4000, 60_000, 60_000)
        path.write_bytes(frame)
    else:
        data = saved(paint(1, (64, 64)), "JPEG", progressive=True)
        start = data.index(b"\xff\xc2") + 5
        path.write_bytes(data[:start] + struct.pack(">HH", 10_000, 20_000) + data[start + 4 :])
    code = """
import pathlib, re, resource, sys
from photovault import formats, renditions
from photovault.errors import Rejected
from photovault.vision_cv import cv
try:
    picture = formats.decode(pathlib.Path(sys.argv[1]).read_bytes())
    renditions.preview(picture)
    renditions.thumbnail(picture)
except Rejected:
    pass
status = pathlib.Path("/proc/self/status")  # ru_maxrss would count the test runner's own peak on Linux
if status.exists():
    print(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False, cwd=SHARED
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1024 * 1024
