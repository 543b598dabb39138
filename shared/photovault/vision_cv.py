"""OpenCV, imported in this one module only, on first use, quiet and single-threaded.

One thread: a function has about one core, and on a laptop two processes use both; more threads only spin. OpenCV never
sees raw uploaded bytes here, only arrays that Pillow decoded.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

# HxWx3 uint8: RGB where it comes from outside, BGR once ``to_bgr`` was called.
Picture = npt.NDArray[np.uint8]


@lru_cache(maxsize=1)
def cv() -> ModuleType:
    """The ``cv2`` module, set up."""
    import cv2

    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2


def read_net(path: Path) -> Any:
    """An ONNX network on OpenCV's own CPU backend. Not safe to share between threads without a lock."""
    net = cv().dnn.readNetFromONNX(str(path))
    net.setPreferableBackend(cv().dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv().dnn.DNN_TARGET_CPU)
    return net


def to_bgr(image: Picture) -> Picture:
    """A contiguous BGR copy of an RGB picture. Raises ``ValueError`` for any other shape or type."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"expected a non-empty HxWx3 uint8 picture, got {image.shape} {image.dtype}")
    return np.asarray(cv().cvtColor(np.ascontiguousarray(image), cv().COLOR_RGB2BGR), dtype=np.uint8)


def shrink(image: Picture, long_side: int) -> tuple[Picture, float]:
    """The picture with its long side at most ``long_side`` pixels, and the factor (0..1] it was scaled by."""
    height, width = image.shape[:2]
    factor = long_side / max(height, width)
    if factor >= 1:
        return image, 1.0
    return resized(image, (max(1, round(width * factor)), max(1, round(height * factor)))), factor


def halved(image: Picture, size: tuple[int, int], *, most: int = 16) -> Picture:
    """The picture at half its size, as often as both sides stay at least those of ``size`` (width, height).

    At most ``most`` times.
    """
    for _ in range(most):
        if image.shape[1] < 2 * size[0] or image.shape[0] < 2 * size[1]:
            break
        height, width = (side // 2 for side in image.shape[:2])
        image = cv().resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv().INTER_AREA)
    return image


def resized(image: Picture, size: tuple[int, int]) -> Picture:
    """The picture at another size (width, height), without aliasing.

    Halves by averaging, then samples what is left to do: an eighth of the time of averaging by a broken fraction.
    """
    image = halved(image, size)
    return np.asarray(cv().resize(image, size, interpolation=cv().INTER_LINEAR), dtype=np.uint8)
