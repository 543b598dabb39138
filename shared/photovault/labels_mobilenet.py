"""Whole pictures by MobileNet v2 (Sandler et al. 2018, arXiv:1801.04381), ImageNet's classes, through OpenCV's DNN."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photovault import sights, vision_cv
from photovault.vision_cv import Picture

SIDE = 224
_OUTPUT = "logits"  # softmax over 1,001 classes


class MobilenetClasses:
    """Safe to share between threads; calls run one after the other."""

    def __init__(self, path: Path) -> None:
        self.net = vision_cv.read_net(path)
        self._lock = threading.Lock()

    def classify(self, image: Picture) -> dict[str, float]:
        """By our names for the classes, how probably an RGB picture (HxWx3 uint8) shows them."""
        square = vision_cv.resized(image, (SIDE, SIDE))  # the whole picture: what stands at its edge counts, too
        blob = vision_cv.cv().dnn.blobFromImage(square, 1 / 127.5, (SIDE, SIDE), (127.5,) * 3)
        with self._lock:
            self.net.setInput(blob)
            probabilities = np.asarray(self.net.forward(_OUTPUT)).ravel()
        return named(probabilities)


def named(probabilities: npt.NDArray[np.float32]) -> dict[str, float]:
    """The probabilities of 1,001 classes by our names for them."""
    return {name: float(probabilities[list(numbers)].sum()) for name, numbers in sights.classes().items()}
