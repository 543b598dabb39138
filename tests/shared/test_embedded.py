"""Metadata blocks in their containers."""

from __future__ import annotations

import io
import struct
import zlib

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
