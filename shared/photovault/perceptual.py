"""Perceptual hashes: bits that stay nearly the same when a photo is resized, recompressed, cropped or retouched.

``phash`` is for look-alikes; ``look`` is what copies are found and verified by (``duplicates``).

The former is the DCT hash of Zauner's "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010) in
the form that the ``imagehash`` package made common, equal to it bit by bit, with NumPy alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Floats = np.ndarray[Any, np.dtype[Any]]

_SIDE = 32
_KEPT = 8


def opaque(image: Image.Image) -> Image.Image:
    """The picture, on white where it is transparent: what lies beneath is often black, and nobody sees it."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def phash(image: Image.Image) -> int:
    """The hash as an unsigned 64-bit integer, its first bit the most significant.

    The thumbnail gives the same hash as the photo, give or take a bit, at a hundredth of the cost.
    """
    from PIL import Image

    return _phash(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS).tobytes())


def phash_of(found: Look) -> int:
    """``phash`` of the picture that was looked at: its sketch begins with what the hash is made of."""
    return _phash(found.sketch[: _SIDE**2])


def _phash(grey: bytes) -> int:
    """The hash of 32 x 32 grey values."""
    import numpy as np

    pixels = np.frombuffer(grey, dtype=np.uint8).reshape(_SIDE, _SIDE).astype(np.float64)
    table = _dct_rows()
    low = table @ pixels @ table.T
    bits = (low > np.median(low)).flatten()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


@cache
def _dct_rows() -> np.ndarray[Any, np.dtype[np.float64]]:
    """The first eight rows of the unnormalised DCT-II of 32 samples."""
    import numpy as np

    return 2 * np.cos(np.pi / _SIDE * np.outer(np.arange(_KEPT), np.arange(_SIDE) + 0.5))


def hamming(a: int, b: int) -> int:
    """How many of the 64 bits differ; signed and unsigned forms may be mixed."""
    return ((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def phash_vector(value: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The hash as an embedding: 64 components of +1/8 and -1/8, float32, length 1.

    The cosine of two of them is ``1 - hamming / 32``, so that nearest by cosine is nearest by hash.
    """
    import numpy as np

    bits = np.unpackbits(np.frombuffer((value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big"), dtype=np.uint8))
    return ((bits.astype(np.float32) * 2) - 1) / np.float32(8)


# ---- finding copies: a sketch to verify with, and marks to find candidates by ------------------------------------

LOOK_VERSION = 1
"""Of how sketches and marks are made. Those of two versions are not compared."""

SKETCH_SIDE = _SIDE
COLOUR_SIDE = 4
SKETCH_BYTES = SKETCH_SIDE**2 + 2 * COLOUR_SIDE**2
_MARKS_SIDE = 64
_MOST_MARKS = 24
_WINDOW = 0.36  # of the picture's side; how much of it one mark describes
_SAMPLES = 8  # a side of the window
_MARK_BITS = 22
_LEAST_CONTRAST = 1.0  # grey values; below it a blob is noise
# Standard deviations in pixels of the marks' picture: blobs are where the first two differ most, windows are
# described through the third. Chosen on 79 photos in 20 versions each (see tests/benchmarks/bench_duplicates.py).
_INNER, _OUTER, _SMOOTH = 1.2, 2.2, 2.0


class Mark(NamedTuple):
    """What the surroundings of one blob look like, in 23 bits, and where it is: 1/256 of the picture's width, height.

    A copy has most of its marks in common with its original, a crop those that it still shows, and two different
    pictures hardly ever one.
    """

    value: int
    x: int
    y: int


@dataclass(frozen=True)
class Look:
    """``sketch`` is the picture stretched to a square: 32 x 32 grey values, row by row, and then Cb and Cr of 4 x 4
    fields (ITU-R BT.601, 128 is none)."""

    sketch: bytes
    marks: tuple[Mark, ...]


def look(image: Image.Image) -> Look:
    """What copies of a photo are found by; of the thumbnail, in about 2 ms. Transparency is white, as in copies."""
    import numpy as np
    from PIL import Image

    image = opaque(image)
    grey = image.convert("L")
    sketch = grey.resize((SKETCH_SIDE, SKETCH_SIDE), Image.Resampling.LANCZOS)
    coarse = Image.Resampling.BOX if min(grey.size) >= 2 * _MARKS_SIDE else Image.Resampling.LANCZOS
    pixels = np.asarray(grey.resize((_MARKS_SIDE, _MARKS_SIDE), coarse), dtype=np.float32)
    return Look(sketch.tobytes() + _colours(image), tuple(_marks(pixels)))


def _colours(image: Image.Image) -> bytes:
    """Cb and Cr of each field, row by row."""
    import numpy as np
    from PIL import Image

    side = 8 * COLOUR_SIDE
    way = Image.Resampling.BOX if min(image.size) >= 2 * side else Image.Resampling.LANCZOS
    pixels = np.asarray(image.convert("RGB").resize((side, side), way).convert("YCbCr"), dtype=np.float32)
    fields = pixels[:, :, 1:].reshape(COLOUR_SIDE, 8, COLOUR_SIDE, 8, 2).mean(axis=(1, 3))
    colours: bytes = fields.round().astype(np.uint8).tobytes()
    return colours


def _marks(pixels: Floats) -> list[Mark]:
    """The marks of the strongest blobs, by difference of Gaussians (Lowe, "Distinctive Image Features from
    Scale-Invariant Keypoints", 2004, at one scale: copies are never much larger or smaller than their originals).

    The bits are the signs of the low frequencies of the window around the blob, as in ``phash``, and the blob's own.
    """
    import numpy as np

    side = len(pixels)
    inner, outer, smooth = (_blur(sigma) for sigma in (_INNER, _OUTER, _SMOOTH))
    blobs = inner @ pixels @ inner.T - outer @ pixels @ outer.T
    half = _WINDOW / 2 * side
    edge = math.ceil(half - 0.5)
    centre = blobs[1:-1, 1:-1]
    around = [blobs[y : side - 2 + y, x : side - 2 + x] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    extreme = (centre > np.max(around, axis=0)) | (centre < np.min(around, axis=0))
    rows, columns = np.nonzero(extreme & (np.abs(centre) >= _LEAST_CONTRAST))
    rows, columns = rows + 1, columns + 1
    inside = (np.minimum(rows, columns) >= edge) & (np.maximum(rows, columns) < side - edge)
    rows, columns = rows[inside], columns[inside]
    strongest = np.argsort(-np.abs(blobs[rows, columns]), kind="stable")[:_MOST_MARKS]
    rows, columns = rows[strongest], columns[strongest]
    if not len(rows):
        return []

    def between(before: Floats, here: Floats, after: Floats) -> Floats:
        """Where a parabola through three neighbours has its peak, in pixels from the middle one."""
        bend = before - 2 * here + after
        peak: Floats = np.clip((before - after) / (2 * np.where(bend == 0, 1, bend)), -0.5, 0.5)
        return peak

    here = blobs[rows, columns]
    down = rows + between(blobs[rows - 1, columns], here, blobs[rows + 1, columns])
    across = columns + between(blobs[rows, columns - 1], here, blobs[rows, columns + 1])
    steps = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES * 2 - 1) * half
    calm = smooth @ pixels @ smooth.T
    windows = _samples(down[:, None] + steps, side) @ calm @ _samples(across[:, None] + steps, side).transpose(0, 2, 1)
    table, wanted_rows, wanted_columns = _window_frequencies()
    found = (table @ windows @ table.T)[:, wanted_rows, wanted_columns]
    bits = np.concatenate([found > 0, (here > 0)[:, None]], axis=1)
    values = bits @ (1 << np.arange(bits.shape[1], dtype=np.int64))
    places = np.clip(np.stack([across, down]) / side * 256, 0, 255).astype(int)
    return [Mark(int(v), int(x), int(y)) for v, x, y in zip(values, *places, strict=True)]


def _samples(positions: Floats, side: int) -> Floats:
    """Matrices that take linear samples at ``positions`` (n x m, in pixels) out of ``side`` of them: n x m x side."""
    import numpy as np

    inside = np.clip(positions, 0, side - 1)
    weights: Floats = np.maximum(0, 1 - np.abs(inside[:, :, None] - np.arange(side)))
    return weights


@cache
def _blur(sigma: float) -> Floats:
    """A Gaussian as a matrix over the marks' picture, which goes on beyond its edges as it is there."""
    import numpy as np

    reach = int(3 * sigma + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    matrix = np.zeros((_MARKS_SIDE, _MARKS_SIDE), dtype=np.float32)
    for row in range(_MARKS_SIDE):
        np.add.at(matrix[row], np.clip(row + offsets, 0, _MARKS_SIDE - 1), weights / weights.sum())
    return matrix


@cache
def _window_frequencies() -> tuple[Floats, list[int], list[int]]:
    """The DCT of a window's side, and which of its frequencies count: the lowest but the mean."""
    import numpy as np

    table = np.cos(np.pi / _SAMPLES * np.outer(np.arange(_SAMPLES), np.arange(_SAMPLES) + 0.5)).astype(np.float32)
    both = [(v, u) for v in range(_SAMPLES) for u in range(_SAMPLES) if (v, u) != (0, 0)]
    lowest = sorted(both, key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))[:_MARK_BITS]
    return table, [v for v, _ in lowest], [u for _, u in lowest]
