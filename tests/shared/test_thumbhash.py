"""ThumbHash against values of an independent implementation (PyPI's thumbhash 0.1.2, rounding half up as the original
does, and its alpha branch mended)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.pictures import paint

from photovault import thumbhash


def pattern(width: int, height: int, *, transparent: bool) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    alpha = (x * 9 + y * y) % 256 if transparent else np.full_like(x, 255)
    return np.stack([(x * 7 + y * 3) % 256, (x * x + y) % 256, (y * 5 + x) % 256, alpha], -1).astype(np.uint8)


@pytest.mark.parametrize(
    ("width", "height", "transparent", "expected"),
    [
        (40, 30, False, "9a180a3d880367965288867778787777176fd78083"),
        (30, 40, False, "1d380a4d082077507968797777777887446f867850"),
        (100, 20, False, "9c18062182615360727776776e7f973f89"),
        (17, 17, True, "13f9851d041790699789977787808cf7378771771178a0d969"),
        (64, 48, True, "9f178624840775335057a49767f7bafa667575505656576606"),
        (1, 1, False, "000802070000000000000000000000000000000000000000"),
        (3, 90, False, "17970e21088770378875885977708c0806"),
    ],
)
def test_it_equals_the_published_algorithm(*, width: int, height: int, transparent: bool, expected: str) -> None:
    assert thumbhash.encode_pixels(pattern(width, height, transparent=transparent)).hex() == expected


@pytest.mark.parametrize("seed", range(6))
def test_the_placeholder_looks_like_the_picture(seed: int) -> None:
    image = paint(seed, (400, 300))
    placeholder = thumbhash.decode(thumbhash.encode(image))
    assert placeholder.shape == (23, 32, 4)
    expected = np.asarray(image.resize((32, 23), Image.Resampling.BOX), dtype=float)
    assert np.corrcoef(placeholder[..., :3].ravel(), expected.ravel())[0, 1] > 0.8


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.integers(8, 150), st.integers(8, 150))
def test_a_plain_picture_hashes_to_its_colour(colour: tuple[int, int, int], width: int, height: int) -> None:
    found = thumbhash.decode(thumbhash.encode(Image.new("RGB", (width, height), colour)))
    assert (found[..., 3] == 255).all()
    assert found[..., :3].mean(axis=(0, 1)) == pytest.approx(colour, abs=16)


def test_a_transparent_picture_is_transparent() -> None:
    assert not thumbhash.decode(thumbhash.encode(Image.new("RGBA", (30, 20), (9, 9, 9, 0))))[..., 3].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 40), st.sampled_from(["L", "RGB", "RGBA"]))
def test_any_shape_has_a_hash_of_at_most_25_bytes(width: int, height: int, mode: str) -> None:
    found = thumbhash.encode(Image.new(mode, (width, height), 77 if mode == "L" else None))
    assert 5 < len(found) <= 25
    assert thumbhash.decode(found).size


def test_pixels_beyond_a_hundred_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        thumbhash.encode_pixels(np.zeros((10, 101, 4), dtype=np.uint8))
