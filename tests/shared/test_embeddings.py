"""Embeddings. CLIP's code runs on a tiny pair of networks with the names and shapes of the real export; the real pair
is asked where MODELS_DIR has it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests import towers
from tests.pictures import SHARED
from tests.shared.inference import MODELS, needs, use_settings
from tests.towers import COLOURS, SPACE, install

from photovault import embeddings, model_manifest
from photovault.errors import Misconfigured

RED = (np.array(COLOURS["red"]) / 255 - embeddings.MEAN) / embeddings.DEVIATION


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


@pytest.fixture
def clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> embeddings.Provider:
    install(monkeypatch, tmp_path)
    use_settings(monkeypatch, models_dir=str(tmp_path))
    return embeddings.provider()


# --- Choosing ------------------------------------------------------------------------------------------------------


def test_without_files_look_alikes_are_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch)
    provider = embeddings.provider()
    assert provider.model == model_manifest.PHASH
    assert not provider.understands_text
    assert provider.embed_text("a cat") is None


def test_one_tower_alone_does_not_make_clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, clip_image=towers.image_tower())
    use_settings(monkeypatch, models_dir=str(tmp_path))
    assert embeddings.provider().model == model_manifest.PHASH


def test_clip_without_files_says_which_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_settings(monkeypatch, embeddings_provider="clip", models_dir=str(tmp_path))
    with pytest.raises(Misconfigured, match=r"vision_model_quantized\.onnx.*photovault models pull"):
        embeddings.provider()


def test_a_tower_with_other_bytes_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clip: embeddings.Provider
) -> None:
    (tmp_path / "vision_model_quantized.onnx").write_bytes(towers.image_tower()[:-1] + b"!")
    with pytest.raises(Misconfigured, match="not the pinned file"):
        clip.embed_image(Image.new("RGB", (300, 200)))


# --- CLIP ----------------------------------------------------------------------------------------------------------


def test_a_picture_goes_through_the_image_tower(clip: embeddings.Provider) -> None:
    vector = clip.embed_image(Image.new("RGB", (640, 480), COLOURS["red"]))
    assert vector.dtype == np.float32
    assert vector.shape == (clip.model.dims,)
    assert vector == pytest.approx(unit(RED @ SPACE[:3]), abs=1e-4)


def test_a_text_goes_through_the_tokenizer_and_the_text_tower(clip: embeddings.Provider) -> None:
    vector = clip.embed_text("A photo of  RED")
    assert clip.understands_text
    assert vector is not None
    assert vector.dtype == np.float32
    assert vector @ unit(RED @ SPACE[:3]) > 0.95
    assert vector @ clip.embed_text("blue") < 0.2


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("length", ["sequence", 77])
def test_exports_of_any_length_with_and_without_a_mask_get_what_they_ask_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, length: int | str, mask: bool
) -> None:
    install(
        monkeypatch,
        tmp_path,
        clip_image=towers.image_tower(),
        clip_text=towers.text_tower(length=length, mask=mask),
        clip_vocabulary=towers.vocabulary(),
    )
    use_settings(monkeypatch, models_dir=str(tmp_path), embeddings_provider="clip")
    provider = embeddings.provider()
    rows = towers.table()
    red = 512 + towers.merges(towers.WORDS).index(("re", "d</w>"))
    # This tower takes the mean, so what fills a fixed length without a mask counts; the marks lie at the origin.
    assert provider.embed_text("red") == pytest.approx(unit(rows[red] @ SPACE), abs=1e-5)
    for text in ("", "red " * 200):  # nothing but the marks has no direction here
        if text:
            assert provider.embed_text(text) == pytest.approx(unit(rows[red] @ SPACE), abs=1e-5)


def test_the_mask_leaves_out_what_only_fills(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = towers.table()
    rows[-1] = 5  # the mark of the end, which fills
    install(
        monkeypatch,
        tmp_path,
        clip_image=towers.image_tower(),
        clip_text=towers.text_tower(rows, length=77, mask=True),
        clip_vocabulary=towers.vocabulary(),
    )
    use_settings(monkeypatch, models_dir=str(tmp_path), embeddings_provider="clip")
    red = 512 + towers.merges(towers.WORDS).index(("re", "d</w>"))
    assert embeddings.provider().embed_text("red") == pytest.approx(unit((rows[red] + rows[-1]) @ SPACE), abs=1e-5)


def test_a_search_for_text_never_loads_the_image_tower(clip: embeddings.Provider, tmp_path: Path) -> None:
    (tmp_path / "vision_model_quantized.onnx").unlink()
    assert clip.embed_text("a photo of red") is not None
    with pytest.raises(Misconfigured, match="disappeared"):
        clip.embed_image(Image.new("RGB", (30, 30)))


@pytest.mark.parametrize(
    ("colour", "values"),
    [("black", (-1.7923, -1.7521, -1.4802)), ("white", (1.9303, 2.0749, 2.1459)), ("red", (1.9303, -1.7521, -1.4802))],
)
def test_colours_become_the_numbers_that_clip_was_trained_on(colour: str, values: tuple[float, ...]) -> None:
    """As OpenAI's transform and others' ports of it print them, red first."""
    pixels = embeddings.preprocess(Image.new("RGB", (300, 200), colour))[0]
    for plane, number in zip(pixels, values, strict=True):
        assert (plane.min(), plane.max()) == pytest.approx((number, number), abs=1e-4)


def bicubic(length: int, wanted: int) -> np.ndarray:
    """A ``wanted`` x ``length`` matrix that resamples a line, from the definition: Keys' cubic (a = -0.5) around
    the centres of the new pixels, as wide as the line shrinks, cut off at its ends."""
    scale = length / wanted
    wide = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    x = np.abs((np.arange(length) + 0.5)[None, :] - centres[:, None]) / wide
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(axis=1, keepdims=True)


def reference(picture: Image.Image) -> np.ndarray:
    """OpenAI's transform: the shorter side to 224, 8 bits after each direction, the centre square, mean, deviation."""
    pixels = np.asarray(picture, np.float64)
    high, wide = pixels.shape[:2]
    short = min(high, wide)
    rows, columns = (int(224 * side / short) for side in (high, wide))
    across = np.clip(np.einsum("ij,kjc->kic", bicubic(wide, columns), pixels), 0, 255).round()
    resized = np.clip(np.einsum("ij,jkc->ikc", bicubic(high, rows), across), 0, 255).round()
    top, left = round((rows - 224) / 2), round((columns - 224) / 2)
    square = resized[top : top + 224, left : left + 224] / 255
    return np.moveaxis((square - embeddings.MEAN) / embeddings.DEVIATION, 2, 0)


def steps_off(picture: Image.Image) -> tuple[float, float]:
    """The largest and the mean difference from the reference, in steps of 8-bit colour."""
    difference = np.abs(embeddings.preprocess(picture)[0] - reference(picture))
    steps = difference * np.array(embeddings.DEVIATION)[:, None, None] * 255
    return float(steps.max()), float(steps.mean())


@settings(max_examples=25, deadline=None)
@given(size=st.tuples(st.integers(60, 700), st.integers(60, 700)), seed=st.integers(0, 9))
def test_preprocessing_is_openais_within_two_steps_of_colour(size: tuple[int, int], seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    largest, mean = steps_off(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC))
    assert round(largest, 3) <= 2
    assert mean < 0.05  # Pillow's whole numbers fall to the other side of a half now and then


@needs(SHARED / "photos" / "coco-mini" / "val2017")
def test_preprocessing_of_real_photos_is_openais_within_a_step_of_colour() -> None:
    photos = sorted((SHARED / "photos" / "coco-mini" / "val2017").glob("*.jpg"))[:12]
    off = [steps_off(Image.open(path).convert("RGB")) for path in photos]
    assert round(max(largest for largest, _ in off), 3) <= 1
    assert max(mean for _, mean in off) < 0.01


def test_of_a_panorama_the_middle_is_seen() -> None:
    panorama = Image.new("RGB", (2240, 224), COLOURS["blue"])
    panorama.paste(COLOURS["red"], (1008, 0, 1232, 224))
    assert embeddings.preprocess(panorama)[0].mean(axis=(1, 2)) == pytest.approx(RED, abs=0.05)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(1800, 1200), (1080, 2400), (3000, 500), (5000, 200), (300, 150), (20, 3000)])
def test_as_many_pixels_are_decoded_as_clip_looks_at(kind: str, size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("L", size).save(out, kind)
    decoded = embeddings.decode(out.getvalue())
    assert min(decoded.size) >= min(224, *size)
    assert max(decoded.size) <= max(2 * embeddings.DECODED_SIDE, 2 * 224 * max(size) / min(size))


def test_the_middle_of_a_panorama_is_sharp() -> None:
    """Lines three of CLIP's pixels wide, of which a fifth of the pixels would leave nothing but grey."""
    panorama = Image.new("L", (4480, 448), "white")
    for x in range(0, 4480, 12):
        panorama.paste("black", (x, 0, x + 6, 448))
    out = io.BytesIO()
    panorama.save(out, "PNG")
    assert embeddings.preprocess(embeddings.decode(out.getvalue())).std() > 1


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2)])
def test_preprocessing_takes_any_mode_and_size(mode: str, size: tuple[int, int]) -> None:
    values = embeddings.preprocess(Image.new(mode, size))
    assert values.shape == (1, 3, 224, 224)
    assert np.isfinite(values).all()


def test_what_shines_through_is_white() -> None:
    clear = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    white = Image.new("RGB", (300, 300), "white")
    assert (embeddings.preprocess(clear) == embeddings.preprocess(white)).all()
    clear.paste((*COLOURS["red"], 255), (0, 0, 300, 150))
    white.paste(COLOURS["red"], (0, 0, 300, 150))
    hashes = embeddings.PerceptualHash()
    assert hashes.embed_image(clear) == pytest.approx(hashes.embed_image(white))


@pytest.mark.parametrize("depth", [8, 16])
def test_a_grey_photo_of_any_depth_is_seen_as_its_grey(depth: int, tmp_path: Path) -> None:
    """As the function decodes it: Pillow alone would make 16 bits white."""
    kind = np.uint8 if depth == 8 else np.uint16
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((300, 400), 0.25 * (2**depth - 1), kind)).save(path)
    decoded = embeddings.decode(path.read_bytes())
    grey = (0.25 - np.array(embeddings.MEAN)) / embeddings.DEVIATION
    assert embeddings.preprocess(decoded)[0].mean(axis=(1, 2)) == pytest.approx(grey, abs=0.02)


@pytest.mark.parametrize("vector", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_a_vector_without_direction_is_refused(vector: list[float]) -> None:
    with pytest.raises(ValueError, match="empty or not finite"):
        embeddings.normalised(vector)


# --- The fallback --------------------------------------------------------------------------------------------------


def test_the_hash_vector_is_close_for_a_shrunk_copy_and_far_for_another_picture() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    one, other = (Image.fromarray(part).resize((500, 400), Image.Resampling.BICUBIC) for part in noise)
    provider = embeddings.PerceptualHash()
    vector = provider.embed_image(one)
    assert vector.shape == (provider.model.dims,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert vector @ provider.embed_image(one.resize((250, 200))) > 0.9
    assert vector @ provider.embed_image(other) < 0.6


# --- The real pair -------------------------------------------------------------------------------------------------

REAL = Path(os.environ.get("MODELS_DIR") or MODELS)


@needs(*(REAL / model_manifest.get(name).file for name in model_manifest.CLIP_FILES))
def test_the_real_pair_knows_red_from_blue(monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch, models_dir=str(REAL), embeddings_provider="clip")
    provider = embeddings.provider()
    picture = provider.embed_image(Image.new("RGB", (300, 300), (220, 20, 20)))
    red, blue = (provider.embed_text(f"a plain {colour} picture") for colour in ("red", "blue"))
    assert picture @ red > picture @ blue
