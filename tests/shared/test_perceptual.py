"""The hash equals imagehash's, and stays near when a photo is passed around."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.pictures import draw, paint, recompressed, shared_photos

from photovault import formats, model_manifest, perceptual

HASHES = st.integers(0, 2**64 - 1)


def reference(image: Image.Image) -> int:
    return int(str(imagehash.phash(image)), 16)


@pytest.mark.parametrize("seed", range(40))
def test_it_equals_imagehash_on_drawn_pictures(seed: int) -> None:
    image = paint(seed, (200 + seed * 7, 150 + seed * 3))
    for version in (image, image.convert("L"), image.rotate(90, expand=True), image.resize((31, 33))):
        assert perceptual.phash(version) == reference(version)


def test_it_equals_imagehash_on_noise() -> None:
    dice = np.random.default_rng(1)
    for _ in range(50):
        image = Image.fromarray(dice.integers(0, 256, (40, 50, 3), dtype=np.uint8))
        assert perceptual.phash(image) == reference(image)


def test_it_equals_imagehash_on_real_photos() -> None:
    root = shared_photos("coco-mini", "val2017")
    if root is None:
        pytest.skip("the shared photos are not here")
    for path in sorted(root.glob("*.jpg")):
        with Image.open(path) as image:
            assert perceptual.phash(image) == reference(image), path


@pytest.mark.parametrize("seed", range(8))
def test_copies_stay_near_and_other_pictures_far(seed: int) -> None:
    original = draw(seed, (1000, 750), quality=92)

    def of(data: bytes) -> int:
        return perceptual.phash(formats.decode(data).small)

    assert perceptual.hamming(of(original), of(recompressed(original, quality=40, scale=0.5))) <= 6
    assert perceptual.hamming(of(original), of(draw(seed + 100, (1000, 750)))) > 10


def test_the_thumbnail_hashes_like_the_photo() -> None:
    picture = formats.decode(draw(3, (1600, 1200)))
    assert perceptual.hamming(perceptual.phash(picture.small), perceptual.phash(picture.image)) <= 2


@given(HASHES, HASHES)
def test_signed_and_unsigned_forms_have_the_same_distance(a: int, b: int) -> None:
    signed = a - 2**64 if a >= 2**63 else a  # as Postgres' bigint holds it
    assert perceptual.hamming(signed, b) == perceptual.hamming(a, b) == (a ^ b).bit_count()
    assert (perceptual.phash_vector(signed) == perceptual.phash_vector(a)).all()


@given(HASHES, HASHES)
def test_the_cosine_of_two_vectors_is_their_hashes_distance(a: int, b: int) -> None:
    one, other = perceptual.phash_vector(a), perceptual.phash_vector(b)
    assert one.dtype == np.float32
    assert one.shape == (model_manifest.PHASH.dims,)
    assert float(one @ one) == 1
    assert float(one @ other) == 1 - perceptual.hamming(a, b) / 32
