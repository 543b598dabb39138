"""Thumbnails and previews: sizes, colours, and nothing of the photo's metadata."""

from __future__ import annotations

import io
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.pictures import draw, encode, paint

from photovault import formats, renditions


def opened(rendition: renditions.Rendition) -> Image.Image:
    image = Image.open(io.BytesIO(rendition.data))
    image.load()
    return image


def test_a_preview_is_2048_pixels_long_and_a_thumbnail_320_short() -> None:
    picture = formats.decode(encode(paint(1, (3000, 2000))))
    preview, thumbnail = renditions.preview(picture), renditions.thumbnail(picture)
    assert (preview.name, preview.width, preview.height) == ("preview", 2048, 1365)
    assert (thumbnail.name, thumbnail.width, thumbnail.height) == ("thumbnail", 480, 320)
    for rendition in (preview, thumbnail):
        assert opened(rendition).size == (rendition.width, rendition.height)
        assert rendition.content_type == "image/jpeg"
        assert formats.sniff(rendition.data) == "image/jpeg"


def test_a_sensor_a_little_over_4000_pixels_gives_its_half_as_preview() -> None:
    preview = renditions.preview(formats.decode(encode(Image.new("RGB", (4032, 3024), "navy"))))
    assert (preview.width, preview.height) == (2016, 1512)


@settings(max_examples=25, deadline=None)
@given(width=st.integers(1, 5000), height=st.integers(1, 300), turned=st.booleans())
def test_renditions_are_never_larger_than_the_photo(width: int, height: int, *, turned: bool) -> None:
    size = (height, width) if turned else (width, height)
    picture = formats.decode(encode(Image.new("RGB", size, "gold"), format="PNG"))
    for rendition in (renditions.preview(picture), renditions.thumbnail(picture)):
        assert 1 <= rendition.width <= size[0]
        assert 1 <= rendition.height <= size[1]
    assert max(renditions.thumbnail(picture).width, renditions.thumbnail(picture).height) <= 1280
    assert max(renditions.preview(picture).width, renditions.preview(picture).height) <= 2048


def test_the_thinnest_photo_has_renditions() -> None:
    picture = formats.decode(encode(Image.new("RGB", (1, 30_000), "red"), format="PNG"))
    assert opened(renditions.preview(picture)).size == (1, 2000)  # a fifteenth
    assert opened(renditions.thumbnail(picture)).size == (1, 1280)


def test_no_metadata_leaves_with_a_rendition() -> None:
    data = draw(2, (600, 400), gps=(48.1, 11.6), taken=datetime(2024, 5, 6, 7, 8, 9), camera=("Maker", "Model"))
    picture = formats.decode(data)
    for rendition in (renditions.preview(picture), renditions.thumbnail(picture)):
        for word in (b"Exif", b"Maker", b"ICC_PROFILE", b"xap"):
            assert word not in rendition.data
        assert not opened(rendition).getexif()


def test_transparency_becomes_white() -> None:
    image = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    picture = formats.decode(encode(image, format="PNG"))
    for rendition in (renditions.preview(picture), renditions.thumbnail(picture)):
        assert opened(rendition).getpixel((50, 50)) == (255, 255, 255)
    assert renditions.working_image(picture, 50).getpixel((25, 25)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_working_image_is_rgb_at_the_asked_side(mode: str) -> None:
    picture = formats.decode(encode(paint(3, (900, 600)).convert(mode), format="PNG"))
    image = renditions.working_image(picture, 640)
    assert (image.mode, image.size) == ("RGB", (640, 427))
    assert renditions.working_image(picture, 5000).size == (900, 600)


def test_a_rendition_looks_like_its_photo() -> None:
    image = paint(5, (1600, 1200))
    thumbnail = opened(renditions.thumbnail(formats.decode(encode(image, quality=95))))
    expected = image.resize(thumbnail.size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(thumbnail, dtype=int) - np.asarray(expected, dtype=int)).mean() < 4
