"""Metadata blocks in their containers."""

from __future__ import annotations

import io
import struct
import zlib
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.pictures import camera_tags, encode, paint

from photovault import embedded, formats

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_exif_begins_with_a_tiff_header_everywhere(kind: str) -> None:
    data = encode(paint(1, (32, 24)), format=kind, exif=camera_tags(camera=("A", "B")))
    found = embedded.find(data, content_type=formats.sniff(data)).exif
    assert found is not None
    assert found[:4] in {b"II*\0", b"MM\0*"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_xmp_is_found(kind: str) -> None:
    out = io.BytesIO()
    image = paint(1, (32, 24))
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
        image.save(out, kind, pnginfo=info)
    else:
        image.save(out, kind, xmp=XMP)
    data = out.getvalue()
    assert embedded.find(data, content_type=formats.sniff(data)).xmp == XMP


def test_a_compressed_text_is_unpacked_to_a_bounded_size() -> None:
    body = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(50 * 2**20))
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(body)) + b"iTXt" + body + bytes(4)
    found = embedded.find(data, content_type="image/png").xmp
    assert found is not None
    assert len(found) == embedded.MAX_BLOCK


def test_texts_that_cannot_be_read_are_not_unpacked_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind them is found nevertheless."""
    inflate = mock.Mock(wraps=embedded._inflate)
    monkeypatch.setattr(embedded, "_inflate", inflate)
    text = b"Raw profile type exif\0\0" + zlib.compress(b"exif 2 " + b"no digits " * 1000)
    data = encode(paint(1, (32, 24)), format="PNG", exif=camera_tags(camera=("A", "B")))
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + bytes(4)
    found = embedded.find(data[:33] + chunk * 500 + data[33:], content_type="image/png")
    assert inflate.call_count == embedded.MAX_TEXTS
    assert found.exif is not None


def heif(iloc: bytes, rest: bytes = b"") -> bytes:
    """A file with one item of EXIF and that table of where items lie."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body) + 8, kind) + body

    item = box(b"infe", b"\2\0\0\0\0\1\0\0Exif\0")
    meta = box(b"meta", bytes(4) + box(b"iinf", b"\0\0\0\0\0\1" + item) + box(b"iloc", iloc))
    return box(b"ftyp", b"heic\0\0\0\0") + meta + rest


def test_pieces_of_no_bytes_end() -> None:
    """65,535 items of 65,535 pieces that take no room: four billion steps."""
    hostile = heif(b"\1\0\0\0\0\0\xff\xff" + struct.pack(">4H", 1, 0, 0, 65535) * 65535)
    assert embedded.find(hostile, content_type="image/heic") == embedded.Blocks()


def test_what_was_found_before_a_table_breaks_off_counts() -> None:
    exif = b"\0\0\0\0II*\0" + bytes(20)
    broken = b"\1\0\0\0\x44\0\0\2" + struct.pack(">4HII", 1, 0, 0, 1, len(heif(bytes(24))), len(exif)) + b""
    data = heif(broken, exif)
    assert len(broken) == 24
    assert embedded.find(data, content_type="image/heic").exif == exif[4:]


@pytest.mark.parametrize(
    ("content_type", "head", "filler", "block"),
    [
        ("image/jpeg", b"\xff\xd8", b"\xff\xe0\0\2", b"\xff\xe1\0\x0cExif\0\0II*\0"),
        ("image/png", b"\x89PNG\r\n\x1a\n", bytes(4) + b"fILL" + bytes(4), b"\0\0\0\4eXIfII*\0" + bytes(4)),
        ("image/webp", b"RIFF\0\0\0\0WEBP", b"FILL" + bytes(4), b"EXIF\4\0\0\0II*\0"),
    ],
)
def test_after_more_pieces_than_honest_files_have_nothing_is_looked_for(
    content_type: str, head: bytes, filler: bytes, block: bytes
) -> None:
    few = head + filler * 1000 + block + filler
    many = head + filler * embedded.MAX_STEPS + block + filler
    assert embedded.find(few, content_type=content_type).exif == b"II*\0"
    assert embedded.find(many, content_type=content_type).exif is None


def test_a_progressive_frame_tells_its_sampling() -> None:
    out = io.BytesIO()
    Image.new("RGB", (32, 32)).save(out, "JPEG", progressive=True, subsampling="4:2:0")
    start, sampling = embedded.progressive_frame(out.getvalue())
    assert start is not None
    assert sampling == [(2, 2), (1, 1), (1, 1)]
    assert embedded.progressive_frame(encode(Image.new("RGB", (32, 32)))) == (None, [])


@given(st.binary(max_size=300))
def test_no_bytes_break_the_search(raw: bytes) -> None:
    for kind in formats.ACCEPTED:
        embedded.find(raw, content_type=kind)
        embedded.find(HEADS.get(kind, b"") + raw, content_type=kind)


HEADS = {
    "image/jpeg": b"\xff\xd8\xff\xe1",
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\x20eXIf",
    "image/heic": b"\0\0\0\x10ftypheic\0\0\0\0\0\0\1\0meta",
}
