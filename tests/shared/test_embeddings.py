"""Embeddings. CLIP's code runs on a tiny pair of networks with the names and shapes of the real export; the real pair
is asked where MODELS_DIR has it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.shared.inference import FLOAT, INT64, MODELS, needs, node, onnx_model, use_settings, value

from photovault import embeddings, model_manifest
from photovault.errors import Misconfigured

VOCABULARY = MODELS / "bpe_simple_vocab_16e6.txt.gz"
CAT = [49406, 320, 1125, 539, 320, 2368, 49407]  # "a photo of a cat"

RANDOM = np.random.default_rng(7)
PROJECTION = RANDOM.normal(size=(3, 512)).astype(np.float32)
TABLE = RANDOM.normal(size=(49408, 4)).astype(np.float32)
WORDS = RANDOM.normal(size=(4, 512)).astype(np.float32)


def image_tower() -> bytes:
    """Mean colour times a matrix, behind the inputs and outputs of CLIP's image tower."""
    return onnx_model(
        [
            node("GlobalAveragePool", ["pixel_values"], ["last_hidden_state"]),
            node("Flatten", ["last_hidden_state"], ["colour"], axis=1),
            node("MatMul", ["colour", "projection"], ["image_embeds"]),
        ],
        weights={"projection": PROJECTION},
        inputs=[value("pixel_values", FLOAT, ["batch", 3, 224, 224])],
        outputs=[
            value("last_hidden_state", FLOAT, ["batch", 3, 1, 1]),
            value("image_embeds", FLOAT, ["batch", 512]),
        ],
    )


def text_tower(length: int | str = "sequence") -> bytes:
    """Mean of one row per token times a matrix, behind the inputs and outputs of CLIP's text tower."""
    return onnx_model(
        [
            node("Gather", ["table", "input_ids"], ["rows"], axis=0),
            node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0),
            node("MatMul", ["mean", "projection"], ["text_embeds"]),
        ],
        weights={"table": TABLE, "projection": WORDS},
        inputs=[value("input_ids", INT64, ["batch", length])],
        outputs=[value("text_embeds", FLOAT, ["batch", 512])],
    )


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, **content: bytes) -> None:
    """Write files for manifest entries and pin them as they are."""
    pins = {}
    for name, raw in content.items():
        entry = model_manifest.get(name.replace("_", "-"))
        (folder / entry.file).write_bytes(raw)
        pins[entry.name] = replace(entry, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
    known = model_manifest.get
    monkeypatch.setattr(model_manifest, "get", lambda name: pins.get(name) or known(name))


@pytest.fixture
def clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> embeddings.Provider:
    install(
        monkeypatch,
        tmp_path,
        clip_image=image_tower(),
        clip_text=text_tower(),
        clip_vocabulary=VOCABULARY.read_bytes(),
    )
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
    install(monkeypatch, tmp_path, clip_image=image_tower())
    use_settings(monkeypatch, models_dir=str(tmp_path))
    assert embeddings.provider().model == model_manifest.PHASH


def test_clip_without_files_says_which_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_settings(monkeypatch, embeddings_provider="clip", models_dir=str(tmp_path))
    with pytest.raises(Misconfigured, match=r"vision_model_quantized\.onnx.*photovault models pull"):
        embeddings.provider()


@needs(VOCABULARY)
def test_a_tower_with_other_bytes_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clip: embeddings.Provider
) -> None:
    (tmp_path / "vision_model_quantized.onnx").write_bytes(image_tower()[:-1] + b"!")
    with pytest.raises(Misconfigured, match="not the pinned file"):
        clip.embed_image(Image.new("RGB", (300, 200)))


# --- CLIP ----------------------------------------------------------------------------------------------------------


@needs(VOCABULARY)
def test_a_picture_goes_through_the_image_tower(clip: embeddings.Provider) -> None:
    vector = clip.embed_image(Image.new("RGB", (640, 480), (200, 100, 50)))
    colour = (np.array([200, 100, 50]) / 255 - embeddings.MEAN) / embeddings.DEVIATION
    assert vector.dtype == np.float32
    assert vector.shape == (clip.model.dims,)
    assert vector == pytest.approx(unit(colour @ PROJECTION), abs=1e-4)


@needs(VOCABULARY)
def test_a_text_goes_through_the_tokenizer_and_the_text_tower(clip: embeddings.Provider) -> None:
    vector = clip.embed_text("A photo of a  cat")
    assert clip.understands_text
    assert vector.dtype == np.float32
    assert vector == pytest.approx(unit(TABLE[CAT].mean(axis=0) @ WORDS), abs=1e-5)


@needs(VOCABULARY)
def test_an_export_of_fixed_length_gets_its_length(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(
        monkeypatch,
        tmp_path,
        clip_image=image_tower(),
        clip_text=text_tower(77),
        clip_vocabulary=VOCABULARY.read_bytes(),
    )
    use_settings(monkeypatch, models_dir=str(tmp_path), embeddings_provider="clip")
    padded = CAT + [49407] * (77 - len(CAT))
    vector = embeddings.provider().embed_text("a photo of a cat")
    assert vector == pytest.approx(unit(TABLE[padded].mean(axis=0) @ WORDS), abs=1e-5)


@needs(VOCABULARY)
def test_a_search_for_text_never_loads_the_image_tower(clip: embeddings.Provider, tmp_path: Path) -> None:
    (tmp_path / "vision_model_quantized.onnx").unlink()
    assert clip.embed_text("a photo of a cat") is not None
    with pytest.raises(Misconfigured, match="disappeared"):
        clip.embed_image(Image.new("RGB", (30, 30)))


@settings(max_examples=25, deadline=None)
@given(size=st.tuples(st.integers(60, 700), st.integers(60, 700)), seed=st.integers(0, 9))
def test_preprocessing_equals_resize_then_centre_crop(size: tuple[int, int], seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    short = min(size)
    wide, high = (224 if side == short else 224 * side // short for side in size)
    left, top = round((wide - 224) / 2), round((high - 224) / 2)
    plain = picture.resize((wide, high), Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
    expected = (np.asarray(plain, np.float32) / 255 - embeddings.MEAN) / embeddings.DEVIATION
    found = embeddings.preprocess(picture)
    assert found.shape == (1, 3, 224, 224)
    assert found.dtype == np.float32
    assert np.abs(found[0].transpose(1, 2, 0) - expected).max() < 0.05  # two or three steps of 255


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2)])
def test_preprocessing_takes_any_mode_and_size(mode: str, size: tuple[int, int]) -> None:
    values = embeddings.preprocess(Image.new(mode, size))
    assert values.shape == (1, 3, 224, 224)
    assert np.isfinite(values).all()


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
