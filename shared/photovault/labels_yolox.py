"""Things by YOLOX-nano (Ge et al. 2021, arXiv:2107.08430) with COCO's 80 classes, through OpenCV's DNN."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photovault import face_measures, sights, vision_cv
from photovault.labels import SIDE, Label, Seen
from photovault.labels_mobilenet import MobilenetClasses
from photovault.model_manifest import ModelInfo
from photovault.vision_cv import Picture

STRIDES = (8, 16, 32)
PAD = 114  # the grey that YOLOX was trained to see around a picture

# Objectness times class probability. On 79 photos of COCO val2017, counting each thing once per photo: precision 0.89
# and recall 0.53 at 0.35, 0.83 and 0.60 at 0.25. A wrong label is seen, a missing one hardly, so the stricter one.
MIN_SCORE = 0.35
MAX_OVERLAP = 0.45  # intersection over union above which two boxes of one class are one thing

# The standard deviation between channels, of 8 bits: 0 in photos in black and white of COCO val2017, from 1.7 (a slope
# in fog) in others. A lens cap's black is no such photo, either.
MOST_TINTS = 1.0
LEAST_SHADES = 12.0
_SURE = 0.9

# The order of the network's outputs, as COCO lists its 80 detection classes.
# fmt: off
COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on


class YoloxLabels:
    """YOLOX-nano, beside a classifier where there is one. Safe to share between threads; calls run one by one."""

    def __init__(self, path: Path, model: ModelInfo, classifier: MobilenetClasses | None = None) -> None:
        self.model = model
        self.classifier = classifier
        self.net = vision_cv.read_net(path)
        self._lock = threading.Lock()

    def look(self, image: Picture) -> Seen:
        """The things in an oriented RGB picture. Raises ``ValueError`` for another kind of array."""
        cv = vision_cv.cv()
        if image.ndim == 3 and image.size:  # halving comes first: there is less to turn around then
            image = vision_cv.halved(image, _fitted(image)[0])
        height, width = image.shape[:2]
        square, factor = letterbox(vision_cv.to_bgr(image))
        with self._lock:
            self.net.setInput(cv.dnn.blobFromImage(square))
            raw = self.net.forward()[0]
        boxes, scores, classes = decode(raw, min_score=sights.LEAST_SCORE)
        kept: list[int] = []
        if len(boxes):
            lists = boxes.tolist(), scores.tolist(), classes.tolist()
            kept = np.asarray(cv.dnn.NMSBoxesBatched(*lists, sights.LEAST_SCORE, MAX_OVERLAP)).ravel().tolist()
        found = []
        for index in kept:
            if scores[index] < MIN_SCORE:
                continue
            left, top, wide, high = (float(side) / factor for side in boxes[index])
            found.append(
                Label(
                    name=COCO[classes[index]],
                    score=float(scores[index]),
                    box=face_measures.fractions((left, top, wide, high), width=width, height=height),
                )
            )
        return Seen(
            labels=sorted(found, key=lambda label: (-label.score, label.name, label.box)),
            sights=sights.combine(
                [(COCO[classes[index]], float(scores[index])) for index in kept],
                self.classifier.classify(image) if self.classifier else {},
                monochrome=_SURE if is_monochrome(image) else 0.0,
            ),
        )


def is_monochrome(image: Picture) -> bool:
    """Whether an RGB picture has light and shade, but one tint at the most."""
    red, green, blue = (image[::4, ::4, channel].astype(np.float32) for channel in range(3))
    tints = float((red - green).std()), float((green - blue).std())
    return max(tints) < MOST_TINTS and float(green.std()) > LEAST_SHADES


def letterbox(bgr: Picture) -> tuple[Picture, float]:
    """The picture in the upper left of a grey 416 x 416 square, and the factor it was scaled by (YOLOX's recipe)."""
    size, factor = _fitted(bgr)
    square = np.full((SIDE, SIDE, 3), PAD, dtype=np.uint8)
    square[: size[1], : size[0]] = vision_cv.resized(bgr, size)
    return square, factor


def _fitted(image: Picture) -> tuple[tuple[int, int], float]:
    """Width and height within the square, and the factor to them."""
    height, width = image.shape[:2]
    factor = min(SIDE / width, SIDE / height)
    return (max(1, int(width * factor)), max(1, int(height * factor))), factor


@lru_cache(maxsize=1)
def _grid() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(cells, strides): the upper left corner and the stride of each of the 3,549 predictions."""
    cells, strides = [], []
    for stride in STRIDES:
        count = SIDE // stride
        rows, columns = np.mgrid[0:count, 0:count]
        cells.append(np.stack((columns, rows), axis=-1).reshape(-1, 2))
        strides.append(np.full((count * count, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(
    raw: npt.NDArray[np.float32], *, min_score: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Boxes (N x 4: left, top, width, height in pixels of the square), scores and classes from 3549 x 85 outputs.

    Each row is (dx, dy, log w, log h, objectness, 80 class probabilities), in cells of its stride.
    """
    classes = raw[:, 5:].argmax(axis=1)
    scores = raw[:, 4] * raw[np.arange(len(raw)), 5 + classes]
    keep = scores >= min_score
    cells, strides = _grid()
    cells, strides, rows = cells[keep], strides[keep], raw[keep]
    centres = (rows[:, 0:2] + cells) * strides
    sizes = np.exp(rows[:, 2:4]) * strides
    return np.concatenate((centres - sizes / 2, sizes), axis=1), scores[keep], classes[keep]
