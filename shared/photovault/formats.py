"""Photo files: what they are, and one decode that serves everything.

``sniff`` names a file by its content, never by its name. ``decode`` reads the header first, refuses what is too large,
and then decodes once, at the smallest integer fraction that is large enough; renditions, hashes, detectors and
embedders all start from that one ``Picture``.

Whatever is wrong with a file, the answer is ``errors.Rejected`` with a sentence for the person, and no other exception.
Of a camera's RAW file the photo is the camera's own JPEG inside it (see ``raw``); sizes are that JPEG's.

Truncated files are refused too ("the file ends too early"): a picture with a grey lower half is not what was taken,
and the upload can be repeated while the camera still has the original.

Pillow and pillow-heif are imported on first use, so that functions without them may still call ``sniff``.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from photovault import embedded, exif, heap, motion, raw
from photovault.errors import Rejected

if TYPE_CHECKING:
    from PIL import Image

ACCEPTED = MappingProxyType(
    {
        "image/jpeg": "jpg",
        "image/png": "png",
        "image/webp": "webp",
        "image/gif": "gif",
        "image/tiff": "tiff",
        "image/heic": "heic",
        "image/heif": "heif",
        "image/avif": "avif",
        **raw.TYPES,
    }
)
"""MIME type -> file extension of everything that is taken."""

MAX_SIDE = 30_000
"""Pixels. Longer sides are refused."""

MAX_PIXELS = MappingProxyType(
    {
        "image/jpeg": 200_000_000,  # decoded at a fraction, so memory does not follow the size
        "image/png": 100_000_000,
        "image/gif": 100_000_000,
        "image/tiff": 100_000_000,
        # These decoders hold several full-size planes at once, 8 to 14 bytes for each pixel. The limits keep a worker
        # with its models below ``MEMORY`` and still take the 48 and 50 megapixel modes of phones, which write HEIC.
        "image/webp": 40_000_000,
        "image/heic": 51_000_000,
        "image/heif": 51_000_000,
        "image/avif": 51_000_000,
    }
)
"""Most pixels per format; what one decode may cost in memory and time."""

MEMORY = 700_000_000
"""Bytes. A worker's whole process stays below it with whatever is taken, but for deep HEIC, which cameras write with 45
megapixels: of these it stays below 1 GiB, because no smaller decoder is at hand and the photo is the point.
tests/benchmarks/bench_vision.py measures."""

SLACK = 0.95
"""A fraction is large enough when it reaches 95 % of the side that is asked for. Sensors of 4000, 4032, 8000 and
8064 pixels then decode at exactly 1/2 or 1/4 for a side of 2048, at a third of the cost and with no visible loss."""

SMALL_SIDE = 320
"""Pixels of a thumbnail's short side."""

SMALL_RATIO = 4
"""A thumbnail's long side is at most this many times ``SMALL_SIDE``, so that panoramas stay small."""

_MAX_DECODING = 490_000_000
"""Bytes that a file and its decoder may hold at once: ``MEMORY`` without the process, its models and the results."""

_MAX_DECODING_DEEP = 760_000_000
"""The same for HEIC of ten bits or full colour."""

_LARGE = 20_000_000  # pixels

_MAX_PROGRESSIVE_WORK = 2_400_000_000  # pixels x scans: a 200 megapixel photo in 12 scans
_BAND_PIXELS = 1_000_000

_TIFF_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946, 34925, 50000})
"""None, CCITT, LZW, JPEG, Deflate, PackBits, LZMA, Zstandard: what Pillow's own libtiff is built with."""

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_PILLOW = MappingProxyType(
    {
        "image/jpeg": ("JPEG",),
        "image/png": ("PNG",),
        "image/webp": ("WEBP",),
        "image/gif": ("GIF",),
        "image/tiff": ("TIFF",),
        "image/avif": ("AVIF",),
    }
)
_OTHERS = (
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"BM", "a BMP picture"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"icns", "an icon"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (b"DDS ", "a DDS texture"),
    (b"BLP", "a BLP texture"),
    (b"FOVb", "a RAW file of a rare kind"),
    (b"\x00MRM", "a RAW file of a rare kind"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"<x:xmpmeta", "an XMP sidecar without its photo"),
    (b"<?xpacket", "an XMP sidecar without its photo"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)

_BROKEN = "The file is broken: its picture data cannot be read."
_ODD_TIFF = "This TIFF holds pixels of a kind that cannot be read here; save it with 8 or 16 bits for each colour."
_TOO_EARLY = "The file ends too early: a part of the photo is missing. Try the upload again from the original."


@dataclass(frozen=True)
class Picture:
    """A decoded photo.

    ``width`` and ``height`` are those of the whole photo in pixels, after orientation. ``image`` is upright, 8 bits per
    channel, in sRGB, of mode L, RGB or RGBA, and at least 95 % of the asked side long (or as long as the photo itself).
    ``scale`` is ``image.width / width``: multiply photo coordinates with it to get those in ``image``.
    """

    content_type: str
    width: int
    height: int
    image: Image.Image
    scale: float
    reduced: Image.Image | None = None
    """``image`` by box means to a size not below ``small``'s, where somebody has it: less to do for ``small``."""

    @cached_property
    def small(self) -> Image.Image:
        """``image`` at the size of a thumbnail: what is encoded as one, and what the hashes look at."""
        return _shrunk_to(self.reduced or self.image, self.small_size)

    @property
    def small_size(self) -> tuple[int, int]:
        """Width and height of ``small``."""
        short, long = min(self.image.size), max(self.image.size)
        return fitted(self.image.size, long_side=min(SMALL_SIDE * SMALL_RATIO, round(long * SMALL_SIDE / short)))


def scaled(image: Image.Image, *, long_side: int) -> Image.Image:
    """``image`` with at most ``long_side`` pixels on its long side and at least one on its short; never larger."""
    return _shrunk_to(image, fitted(image.size, long_side=long_side))


def fitted(size: tuple[int, int], *, long_side: int) -> tuple[int, int]:
    """Width and height in the proportions of ``size``, at most ``long_side``, never more than it and at least 1."""
    longest = max(size)
    if longest <= long_side:
        return size
    return max(1, round(size[0] * long_side / longest)), max(1, round(size[1] * long_side / longest))


def _shrunk_to(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    from PIL import Image

    if image.size == size:
        return image
    # A box mean by a whole number first, then a filter over what remains: a tenth of the cost of one long filter.
    fraction = max(image.size) // max(size)
    if fraction > 1:
        image = image.reduce((min(fraction, image.width), min(fraction, image.height)))
    return image.resize(size, Image.Resampling.HAMMING)


def sniff(data: bytes) -> str | None:
    """The MIME type by content, or None when it is nothing that can be taken."""
    head = bytes(data[:64])
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return raw.sniff(data) or "image/tiff"
    if head[4:8] == b"ftyp" and (brand := _sniff_brands(head)):
        return brand
    return raw.sniff(data)


def _sniff_brands(head: bytes) -> str | None:
    """ISO base media files (ISO/IEC 14496-12) name themselves by a major brand and a list of compatible ones."""
    major = head[8:12]
    end = min(len(head), int.from_bytes(head[:4], "big"))
    brands = {head[i : i + 4] for i in range(16, end - 3, 4)}
    if major in _AVIF_BRANDS:
        return "image/avif"
    if major in _HEIC_BRANDS:
        return "image/heic"
    if major in _HEIF_BRANDS:
        if brands & _AVIF_BRANDS:
            return "image/avif"
        return "image/heic" if brands & _HEIC_BRANDS else "image/heif"
    return None


def blocks(data: bytes) -> embedded.Blocks:
    """The metadata of a photo of any of these formats."""
    content_type = sniff(data)
    if content_type not in raw.TYPES:
        return embedded.find(data, content_type=content_type)
    whole, exif_part, gps_part = raw.tiff_blocks(data)
    if whole is None and (found := raw.preview(data)):
        return embedded.find(data[found.start : found.end], content_type="image/jpeg")
    return embedded.Blocks(exif=whole, exif_part=exif_part, gps_part=gps_part)


def decode(data: bytes, *, min_side: int = 2048) -> Picture:
    """Decode a photo once, upright and in sRGB, with a long side of about ``min_side`` up to twice that.

    The whole photo is never held in more than one copy. Raises ``Rejected`` for everything that cannot be taken.
    """
    content_type = sniff(data)
    if content_type is None:
        raise Rejected(unsupported(data))
    try:
        with _quiet():
            return _decode(data, content_type=content_type, min_side=min_side)
    except Rejected:
        raise
    except MemoryError:
        raise Rejected("The photo needs more memory than there is to decode it.") from None
    except Exception as error:
        if content_type == "image/tiff" and type(error).__name__ == "UnidentifiedImageError" and _is_described(data):
            raise Rejected(_ODD_TIFF) from error
        early = embedded.ends_early(data, content_type=content_type)
        raise Rejected(_TOO_EARLY if early else _reason(error)) from error


def _decode(data: bytes, *, content_type: str, min_side: int) -> Picture:
    if content_type in raw.TYPES:
        image, size, orientation = _decode_raw(data, min_side=min_side)
    elif content_type in {"image/heic", "image/heif"}:
        image, size = _decode_heif(data, content_type=content_type, min_side=min_side)
        orientation = 1  # libheif has applied the container's own rotation; EXIF's repeats it
    else:
        image, size, orientation = _decode_with_pillow(data, content_type=content_type, min_side=min_side)
    image = _upright(image, orientation)
    width, height = size if orientation < 5 else (size[1], size[0])
    return Picture(content_type=content_type, width=width, height=height, image=image, scale=image.width / width)


def _decode_with_pillow(data: bytes, *, content_type: str, min_side: int) -> tuple[Image.Image, tuple[int, int], int]:
    from PIL import Image, ImageFile

    # Pillow's own switches, set each time because another module may have changed them: a half-shown photo must not
    # pass as a whole one, and its bomb check (an error from twice this number on) is what stops a GIF whose frames
    # leave its canvas, for which Pillow allocates while it opens the file. The limits per format are checked below.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = max(MAX_PIXELS.values()) // 2
    with Image.open(io.BytesIO(data), formats=_PILLOW[content_type]) as source:
        size = source.size
        _check_size(*size, content_type=content_type)
        tags = exif.read(embedded.find(data, content_type=content_type).exif)
        orientation = tags.orientation
        if content_type == "image/tiff":
            _check_tiff(source, data)
            orientation = _keep_lying(source)
        elif content_type == "image/avif":
            # Pillow folds the rotation that an AVIF container asks for into this tag.
            orientation = int(source.getexif().get(0x0112, 1))
        elif content_type == "image/jpeg":
            fraction = _fraction(size, min_side=min_side)
            step = max(step for step in (1, 2, 4, 8) if step <= fraction)
            _check_progressive(data, size=size, step=step)
            # Pillow's Image.draft picks libjpeg's DCT scaling from the size asked for.
            source.draft(None, (max(1, size[0] // step), max(1, size[1] // step)))
        if content_type in {"image/webp", "image/avif"}:
            _check_planes(source, data, content_type=content_type)
            image = _shrunk_frame(source, min_side=min_side)
        else:
            source.load()
            if content_type == "image/tiff":
                size = source.im.size
                source._size = size  # as it lies, see ``_keep_lying``
            image = _shrunk(source, _fraction(source.size, min_side=min_side))
        return _to_srgb(image, profile=source.info.get("icc_profile")), size, orientation


def _keep_lying(source: Image.Image) -> int:
    """The orientation of a TIFF, which Pillow now leaves as it lies: turning all of it would take twice the memory."""
    tags = source.getexif()
    orientation = tags.get(0x0112, 1)
    tags[0x0112] = 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _shrunk_frame(source: Any, *, min_side: int) -> Image.Image:
    """The first frame of a WebP or AVIF file, as ``_shrunk`` makes it.

    Pillow would hold decoder, its pixels and an image of them at once. Here the decoder goes once it has given them.
    """
    from PIL import Image

    if source.format == "WEBP":
        rawmode, frame = source.rawmode, source._decoder.get_next()
    else:
        rawmode, frame = source.mode, source._decoder.get_frame(0)
    if frame is None:
        raise EOFError("no frame")
    pixels, frame = memoryview(frame[0]), None
    source._decoder = None
    width, height = source.size
    stride = len(pixels) // height
    convert = _converter(source)

    def band(top: int, bottom: int) -> Image.Image:
        part = pixels[top * stride : bottom * stride]
        return convert(Image.frombytes(source.mode, (width, bottom - top), part, "raw", rawmode, stride))

    return _banded(source.size, _fraction(source.size, min_side=min_side), band)


def _decode_raw(data: bytes, *, min_side: int) -> tuple[Image.Image, tuple[int, int], int]:
    """The camera's own JPEG inside a RAW file, turned as the RAW file says, or else as the JPEG does."""
    if raw.ends_early(data):
        raise Rejected(_TOO_EARLY)
    found = raw.preview(data)
    if found is None:
        raise Rejected("This RAW file holds no picture that can be shown; upload the camera's JPEG or HEIC.")
    picture = data[found.start : found.end]
    image, size, orientation = _decode_with_pillow(picture, content_type="image/jpeg", min_side=min_side)
    tags = exif.read(raw.tiff_blocks(data)[0])
    return image, size, tags.orientation if 0x0112 in tags.image else orientation


def _decode_heif(data: bytes, *, content_type: str, min_side: int) -> tuple[Image.Image, tuple[int, int]]:
    import numpy as np
    import pillow_heif
    from PIL import Image

    pillow_heif.options.DECODE_THREADS = 1
    container = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    opened = container[container.primary_index]
    _check_size(int(opened.size[0]), int(opened.size[1]), content_type=content_type)
    _check_planes(opened, data, content_type=content_type)
    pixels = memoryview(opened.data)
    mode, stride, (width, height) = str(opened.mode), int(opened.stride), (int(opened.size[0]), int(opened.size[1]))

    def band(top: int, bottom: int) -> Image.Image:
        part = pixels[top * stride : bottom * stride]
        image = Image.frombytes(mode, (width, bottom - top), part, "raw", mode, stride)
        if mode.startswith("I;16"):  # grey of 10 or 12 bits, which pillow-heif spreads over 16 and leaves at that
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        return image.convert("RGBA") if mode == "RGBa" else image

    out = _banded((width, height), _fraction((width, height), min_side=min_side), band)
    return _to_srgb(out, profile=opened.info.get("icc_profile")), (width, height)


def _check_size(width: int, height: int, *, content_type: str) -> None:
    if width < 1 or height < 1:
        raise Rejected("The photo has no pixels.")
    if max(width, height) > MAX_SIDE:
        raise Rejected(f"The photo is {width} x {height} pixels; at most {MAX_SIDE:,} pixels a side can be taken.")
    most = MAX_PIXELS[content_type]
    if width * height > most:
        raise Rejected(
            f"The photo has {_megapixels(width * height)} megapixels; at most {most // 1_000_000} can be taken in this "
            "format."
        )
    if width * height > _LARGE:
        heap.release()  # what earlier photos have left, which may be of no use for this one


def _check_progressive(data: bytes, *, size: tuple[int, int], step: int) -> None:
    """Refuse progressive JPEGs whose coefficients would not fit or whose scans would take minutes.

    A progressive decoder keeps two bytes for each coefficient of the *whole* photo, whatever the output's scale, and
    passes over all of them once for each scan; a few hundred bytes can ask for thousands of scans.
    """
    start, components = embedded.progressive_frame(data)
    if start is None:
        return
    pixels = size[0] * size[1]
    largest = max((h * v for h, v in components), default=1) or 1
    coefficients = pixels * sum(h * v for h, v in components) / largest
    end = data.find(b"\xff\xd9", start)
    scans = data.count(b"\xff\xda", start, end if end > 0 else len(data))
    # Beside them the picture that is made, and the file: twice, for it may lie in a RAW file.
    held = 2 * coefficients + 4 * pixels / step**2
    if held + 2 * len(data) > _MAX_DECODING:
        raise Rejected(
            f"This progressive JPEG has {_megapixels(pixels)} megapixels; at most "
            f"{_fitting(pixels, held, 2 * len(data))} can be decoded in its kind. Save it as a baseline JPEG."
        )
    if scans * pixels > _MAX_PROGRESSIVE_WORK:
        raise Rejected("This progressive JPEG has too many scans to decode safely; save it as a baseline JPEG.")


def _megapixels(pixels: int) -> int:
    """Rounded up, so that nobody reads that 100 are too many where 100 are taken."""
    return -(-pixels // 1_000_000)


def _fitting(pixels: int, held: float, besides: int, *, most: int = _MAX_DECODING) -> int:
    """How many megapixels would fit, where ``pixels`` take ``held`` bytes, and the file ``besides``."""
    return max(1, int((most - besides) * pixels / held / 1_000_000))


def _check_planes(source: Any, data: bytes, *, content_type: str) -> None:
    """Refuse a picture whose decoder's planes, with the pixels made of them, would not fit.

    Planes are of one or two bytes, and colour's may be subsampled. libavif makes pixels of eight bits of them, and
    Pillow a copy. libheif makes pixels by way of others that are as deep as the planes, but for the common 4:2:0 of
    eight bits. libwebp keeps two frames of four bytes, and Pillow a third. All as measured, in bytes for each pixel.
    """
    pixels = source.size[0] * source.size[1]
    channels = 4 if source.mode[-1] in "Aa" else 1 if source.mode[0] in "LI" else 3
    alpha, copies, most = channels == 4, 1, _MAX_DECODING
    if content_type == "image/webp":
        each, copies = 12.0, 2
    elif content_type == "image/avif":
        deep, colour = embedded.av1_planes(data)
        each, copies = (1 + colour + alpha) * (1 + deep) + 2 * channels, 2
    else:
        deep = source.info.get("bit_depth", 16) > 8
        colour = 0 if channels == 1 else {420: 0.5, 422: 1}.get(source.info.get("chroma"), 2)
        between = 1.5 * (alpha + deep) if colour == 0.5 else channels * (1 + deep)
        each = (1 + colour + alpha) * (1 + deep) + between + channels + 0.3
        most = _MAX_DECODING if colour == 0.5 and not deep else _MAX_DECODING_DEEP
    if pixels * each + copies * len(data) > most:
        raise Rejected(
            f"The photo has {_megapixels(pixels)} megapixels; at most "
            f"{_fitting(pixels, pixels * each, copies * len(data), most=most)} can be taken in this format with its "
            "depth of colours and size of file. A JPEG of it can be."
        )


def _check_tiff(source: Image.Image, data: bytes) -> None:
    wide = getattr(source, "tag_v2", {})
    if wide.get(259, 1) not in _TIFF_COMPRESSIONS:
        raise Rejected("This TIFF is compressed in a way that cannot be read here; save it with LZW or Deflate.")
    samples, bits = int(wide.get(277, 1)), max(int(b) for b in wide.get(258, (8,)) or (8,))
    if 322 in wide:
        strip = int(wide[322]) * int(wide.get(323, wide[322]))
    else:
        strip = source.width * min(int(wide.get(278, source.height)), source.height)
    # libtiff unpacks a whole strip or tile, JPEG's to four bytes a pixel, beside the picture that Pillow makes of them.
    strip = strip * max(samples * bits // 8, 4 if wide.get(259) in {6, 7} else 1)
    whole = source.width * source.height * {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}.get(source.mode, 4)
    if len(data) + whole + strip > _MAX_DECODING or samples > 8:
        raise Rejected("This TIFF keeps its pixels in one block that is too large to decode safely; save it in strips.")


def _is_described(data: bytes) -> bool:
    """Whether a TIFF says all that a reader needs, so that it is the reader that does not know its kind of pixels."""
    tags = exif.read(data)
    return all(tags.integer(tag, tags.image) is not None for tag in (0x0100, 0x0101, 0x0106, 0x0111))


def _fraction(size: tuple[int, int], *, min_side: int) -> int:
    """The largest whole divisor that leaves ``SLACK`` of ``min_side`` of the long side."""
    return max(1, int(max(size) / (min_side * SLACK)))


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)


def _band_rows(width: int, fraction: int) -> int:
    return max(1, _BAND_PIXELS // max(1, width) // fraction) * fraction


def _shrunk(source: Image.Image, fraction: int) -> Image.Image:
    """``source`` divided by ``fraction`` (box mean), 8 bits per channel, as L, RGB, RGBA, CMYK or LAB."""
    convert = _converter(source)
    if convert is _as_it_is and source.mode != "RGBA":  # of which ``reduce`` would make a copy
        return source.reduce(fraction) if fraction > 1 else source
    width = source.width
    return _banded(source.size, fraction, lambda top, bottom: convert(source.crop((0, top, width, bottom))))


def _banded(size: tuple[int, int], fraction: int, band: Callable[[int, int], Image.Image]) -> Image.Image:
    """A picture of ``size`` divided by ``fraction`` (box mean), of which ``band`` gives the rows from, and up to.

    Band by band, so that making a palette, float or raw picture of 100 megapixels usable needs no second copy of it.
    """
    from PIL import Image

    width, height = size
    rows = _band_rows(width, fraction)
    out: Image.Image | None = None
    for top in range(0, height, rows):
        part = band(top, min(height, top + rows))
        part = part.reduce(fraction) if fraction > 1 else part
        if rows >= height:
            return part
        if out is None:
            out = Image.new(part.mode, (_ceil(width, fraction), _ceil(height, fraction)))
        out.paste(part, (0, top // fraction))
    assert out is not None  # noqa: S101 - height is at least 1
    return out


def _as_it_is(band: Image.Image) -> Image.Image:
    return band


def _converter(source: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """How bands of ``source`` become 8 bits per channel in a mode whose pixels may be averaged."""
    mode = source.mode
    if mode in {"CMYK", "LAB"} or (mode in {"L", "RGB", "RGBA"} and "transparency" not in source.info):
        return _as_it_is
    if mode == "1":
        return lambda band: band.convert("L")
    if mode in {"LA", "La", "PA", "RGBa"} or source.has_transparency_data:
        return lambda band: band.convert("LA").convert("RGBA") if band.mode == "La" else band.convert("RGBA")
    if mode.startswith("I") or mode == "F":
        return _deep_grey(source)
    return lambda band: band.convert("RGB")


def _deep_grey(source: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """16-bit, 32-bit and float grey to 8 bits: by the format's own range where the values fit it, else stretched."""
    import numpy as np
    from PIL import Image

    low, high = _extrema(source)
    if source.mode.startswith("I;16"):
        low, span = 0.0, 65535.0
    elif low >= 0 and source.mode == "F" and high <= 1:
        low, span = 0.0, 1.0
    elif low >= 0 and high <= 65535:
        low, span = 0.0, 255.0 if high <= 255 else 65535.0
    else:
        span = max(high - low, 1e-9)

    def convert(band: Image.Image) -> Image.Image:
        values = np.nan_to_num(np.asarray(band, dtype=np.float32), nan=low, posinf=high, neginf=low)
        grey = np.clip((values - low) * (255.0 / span) + 0.5, 0, 255).astype(np.uint8)
        return Image.fromarray(grey)

    return convert


def _extrema(source: Image.Image) -> tuple[float, float]:
    """Least and greatest finite value, band by band."""
    import numpy as np

    lows, highs = [0.0], [0.0]
    rows = _band_rows(source.width, 1)
    for top in range(0, source.height, rows):
        values = np.asarray(source.crop((0, top, source.width, min(source.height, top + rows))))
        finite = values[np.isfinite(values)]
        if finite.size:
            lows.append(float(finite.min()))
            highs.append(float(finite.max()))
    return (min(lows[1:] or lows), max(highs[1:] or highs))


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    """Apply EXIF orientation 1-8 (CIPA DC-008, tag 0x0112)."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _to_srgb(image: Image.Image, *, profile: object) -> Image.Image:
    """8-bit sRGB as L, RGB or RGBA without metadata. A profile that cannot be used is ignored, as browsers do."""
    if isinstance(profile, bytes) and image.mode in {"RGB", "RGBA", "CMYK"} and len(profile) < 4 * 2**20:
        image = _through_profile(image, profile)
    if image.mode == "LAB":
        image = _from_lab(image)
    if image.mode not in {"L", "RGB", "RGBA"}:
        image = image.convert("RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    return image


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    from PIL import ImageCms

    space = profile[16:20]  # ICC.1:2022, 7.2.6: the colour space of the data
    if space != (b"CMYK" if image.mode == "CMYK" else b"RGB ") or b"sRGB" in _description(profile):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGBA":  # littlecms would drop the alpha channel's meaning
            alpha = image.getchannel("A")
            colour = _through_profile(image.convert("RGB"), profile)
            colour.putalpha(alpha)
            return colour
        done = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if done is None else done


def _description(profile: bytes) -> bytes:
    """The profile's ``desc`` tag with the zero bytes of UTF-16 dropped; empty when there is none."""
    count = min(int.from_bytes(profile[128:132], "big"), 100)
    for entry in range(132, 132 + 12 * count, 12):
        if profile[entry : entry + 4] == b"desc":
            offset, size = struct.unpack_from(">II", profile.ljust(entry + 12, b"\0"), entry + 4)
            return profile[offset : offset + min(size, 512)].replace(b"\0", b"")
    return b""


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    done = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    if done is None:
        raise Rejected("The colours of this Lab picture cannot be converted.")
    return done


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow warns about odd files; here oddities either do not matter or reject the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def unsupported(data: bytes) -> str:
    """Why bytes that ``sniff`` does not know cannot be taken, in sentences. The beginning of a file will do."""
    if not data:
        return "The file is empty."
    head = bytes(data[:64])
    text = head.decode("utf-16", "replace").encode() if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else head
    for magic, name in _OTHERS:
        if text.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(magic) or head.startswith(magic):
            return f"This is {name}, which cannot be taken. {_TAKEN}"
    if head[4:8] == b"ftyp" and motion.content_identifier(data):
        return f"This is the film of a Live Photo and shows no picture of its own. {_TAKEN}"
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide"} or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return f"This is a video, which cannot be taken: of films, only those of Live Photos are. {_TAKEN}"
    if not any(byte < 9 or 13 < byte < 32 for byte in data[:4096]):
        return f"This is a text, which cannot be taken. {_TAKEN}"
    return f"This is not a photo in a known format. {_TAKEN}"


_TAKEN = "Photos may be JPEG, PNG, WebP, GIF, TIFF, HEIC, AVIF or a camera's RAW file."


def _reason(error: Exception) -> str:
    """A sentence for a decoder's exception; only "truncated" is told apart, because trying again may help there."""
    words = str(error).lower()
    if "truncat" in words or "unexpected end" in words or "end of file" in words or "premature" in words:
        return _TOO_EARLY
    if "decompression bomb" in words:
        return f"The photo has more than {max(MAX_PIXELS.values()) // 1_000_000} megapixels, which cannot be taken."
    if "decompressed data too large" in words:
        return "The file holds a text that unpacks to an absurd size."
    return _BROKEN
