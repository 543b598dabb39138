"""Pictures and words as vectors: CLIP through ONNX Runtime, or a perceptual hash where CLIP is absent.

The only module that imports ``onnxruntime``, and only when a tower is first used: ``embedding`` loads the image tower,
``search`` the text tower and the vocabulary, neither both. Which provider runs is told without loading even NumPy.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from photovault import clip_tokens, model_manifest, models, perceptual
from photovault.clip_tokens import ClipTokens
from photovault.errors import Misconfigured
from photovault.model_manifest import ModelInfo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image

    Vector = npt.NDArray[np.float32]

T = TypeVar("T")

# OpenAI CLIP, clip/clip.py: shorter side to 224 bicubic, centre crop, these means and deviations of RGB in 0..1.
SIDE = 224
# CLIP looks at 224 pixels, the perceptual hash at 32: a decode at reduced scale is plenty for both.
DECODED_SIDE = 448
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class Provider(Protocol):
    """What makes vectors: all of one ``model``, float32, of length 1 (L2) and ``model.dims`` long."""

    @property
    def model(self) -> ModelInfo: ...

    @property
    def understands_text(self) -> bool:
        """Whether words and pictures meet in one space."""
        ...

    def embed_image(self, image: Image) -> Vector:
        """The vector of an oriented picture."""
        ...

    def embed_text(self, text: str) -> Vector | None:
        """The vector of a text, or None from a provider that does not understand any."""
        ...


class Clip:
    """CLIP's two towers, each loaded when first needed."""

    model = model_manifest.CLIP
    understands_text = True

    def __init__(self, *, image: Callable[[], Path], text: Callable[[], Path], vocabulary: Callable[[], Path]) -> None:
        """Each argument answers with the path of a verified file when asked."""
        self._image = _Once(lambda: _session(image()))
        self._text = _Once(lambda: _session(text()))
        self._tokens: _Once[ClipTokens] = _Once(lambda: clip_tokens.load(vocabulary()))

    def embed_image(self, image: Image) -> Vector:
        (values,) = self._image.get().run(["image_embeds"], {"pixel_values": preprocess(image)})
        return normalised(values[0])

    def embed_text(self, text: str) -> Vector | None:
        import numpy as np

        session, tokens = self._text.get(), self._tokens.get()
        ids = np.array([tokens.encode(text)], dtype=np.int64)
        names = {entry.name: entry for entry in session.get_inputs()}
        length = names["input_ids"].shape[1]
        seen = np.ones_like(ids)
        # An export with a fixed length; attention is causal, so what follows the end is idle.
        if isinstance(length, int):
            fill = ((0, 0), (0, length - ids.shape[1]))
            ids, seen = np.pad(ids, fill, constant_values=tokens.end), np.pad(seen, fill)
        feed = {"input_ids": ids}
        if "attention_mask" in names:
            feed["attention_mask"] = seen
        (values,) = session.run(["text_embeds"], feed)
        return normalised(values[0])


class PerceptualHash:
    """Look-alikes only: the bits of a perceptual hash as a vector, so that cosine distance counts differing bits."""

    model = model_manifest.PHASH
    understands_text = False

    def embed_image(self, image: Image) -> Vector:
        return normalised(perceptual.phash_vector(perceptual.phash(perceptual.opaque(image))))

    def embed_text(self, text: str) -> Vector | None:
        return None


def decode(data: bytes) -> Image:
    """A photo as large as the providers need it, upright. Raises ``Rejected``."""
    from photovault import formats

    picture = formats.decode(data, min_side=DECODED_SIDE)
    narrow = min(picture.width, picture.height)
    if min(picture.image.size) < min(SIDE, narrow):
        # Of a panorama or a tall screenshot CLIP sees the middle, which would be few pixels made large.
        long = SIDE * max(picture.width, picture.height) / narrow
        picture = formats.decode(data, min_side=math.ceil(long / formats.SLACK))
    return picture.image


def preprocess(image: Image) -> npt.NDArray[np.float32]:
    """CLIP's input, 1 x 3 x 224 x 224, from a picture of any size and mode."""
    import numpy as np
    from PIL import Image as Pillow

    picture = perceptual.opaque(image).convert("RGB")
    width, height = picture.size
    short = min(width, height)
    wide, high = max(SIDE, SIDE * width // short), max(SIDE, SIDE * height // short)
    # Cut to the centre square while resampling: a panorama's ends never take memory. One direction after the other, as
    # Pillow does with a whole picture, since the rounding between them shows.
    left, top = round((wide - SIDE) / 2), round((high - SIDE) / 2)
    across, down = width / wide, height / high
    strip = picture.resize(
        (SIDE, height), Pillow.Resampling.BICUBIC, (left * across, 0, (left + SIDE) * across, height)
    )
    square = strip.resize((SIDE, SIDE), Pillow.Resampling.BICUBIC, (0, top * down, SIDE, (top + SIDE) * down))
    mean, deviation = np.array(MEAN, np.float32), np.array(DEVIATION, np.float32)
    values = (np.asarray(square, dtype=np.float32) / 255.0 - mean) / deviation
    return np.ascontiguousarray(values.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def normalised(values: npt.ArrayLike) -> Vector:
    """The vector at length 1. Raises ``ValueError`` for zeros or anything not finite: such a vector finds nothing."""
    import numpy as np

    vector = np.asarray(values, dtype=np.float32).ravel()
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0.0:
        raise ValueError("an embedding came out empty or not finite")
    return vector / np.float32(length)


class _Once(Generic[T]):
    """A value built at the first call of ``get``, once, whatever the number of threads."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._value: T | None = None

    def get(self) -> T:
        with self._lock:
            if self._value is None:
                self._value = self._build()
            return self._value


def _session(path: Path) -> Any:
    """A session on one CPU thread: on a small function more threads double the CPU time by spinning, for nothing."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def _needed(name: str) -> Callable[[], Path]:
    def find() -> Path:
        path = models.locate(name)
        if path is None:  # it was there when the provider was chosen
            raise Misconfigured(f"{model_manifest.get(name).file} has disappeared. {models.HOW_TO_GET}")
        return path

    return find


_lock = threading.Lock()
_providers: dict[models.Selection, Provider] = {}


def provider() -> Provider:
    """The provider that ``EMBEDDINGS_PROVIDER`` and the files at hand select; chosen once per process and setting.

    Raises ``Misconfigured`` for ``EMBEDDINGS_PROVIDER=clip`` without the files.
    """
    key = models.selection()
    with _lock:
        if key not in _providers:
            if models.image_model() == model_manifest.CLIP:
                image, text, vocabulary = (_needed(name) for name in model_manifest.CLIP_FILES)
                _providers[key] = Clip(image=image, text=text, vocabulary=vocabulary)
            else:
                _providers[key] = PerceptualHash()
        return _providers[key]


def forget_all_but(model: ModelInfo) -> None:
    """Let go of a provider that was chosen when other files were at hand: what asks next chooses anew."""
    with _lock:
        for key in [key for key, one in _providers.items() if one.model != model]:
            del _providers[key]
