"""Faces without any download: OpenCV's bundled Haar cascades (Viola and Jones 2001) and a classical descriptor.

It finds clear, upright faces that look at the camera: on 200 real photos seven in ten of those that the network finds,
85 % of those that are good enough for people, and one false alarm.

The descriptor is a grid of uniform local binary patterns (Ahonen et al. 2006) on a face normalised for light (Tan and
Triggs 2010). It is weak: on seven people the area under the curve is 0.68, where the network has 1.00, and no other
classical descriptor that was tried did better (histograms of gradients, Gabor wavelets, plain pixels; also with the
network's landmarks). Above the strict threshold are shots of one scene: it puts half of those together and, on the
labelled faces, no two people. Everybody else waits for a name by hand.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from photovault import face_measures, model_manifest, vision_cv
from photovault.face_measures import Box, Face, Points
from photovault.vision_cv import Picture

DETECTION_SIDE = 640
MIN_SIDE = 24
# Windows around a face that must agree. In 200 photos with 97 upright faces of at least 20 pixels six find 71 of them,
# 68 of the 80 that are good enough for people, with one false alarm; from eight on there was none.
NEIGHBOURS = 6
EYE_NEIGHBOURS = 4
EYE_SIDE = 120  # the face's width at which eyes are looked for

# A frontal cascade sees frontal faces only, and says no more about it.
ASSUMED_FRONTALITY = 0.8
# Where the eyes are when none are found, as fractions of a cascade's box.
USUAL_EYES = ((0.31, 0.39), (0.69, 0.39))

ALIGNED_SIDE = 64
ALIGNED_EYES = np.array([[0.27, 0.33], [0.73, 0.33]]) * ALIGNED_SIDE
GRID = (5, 4)
PATTERNS = 59
RADIUS = 2


class HaarFaces:
    """The fallback provider. Safe to share between threads; calls run one after the other."""

    model = model_manifest.HAAR

    def __init__(self) -> None:
        self._faces = _cascade("haarcascade_frontalface_alt.xml")
        self._eyes = _cascade("haarcascade_eye.xml"), _cascade("haarcascade_eye_tree_eyeglasses.xml")
        self._lock = threading.Lock()

    def find(self, image: Picture) -> list[Face]:
        """The frontal faces of an oriented RGB picture, best quality first. Raises ``ValueError`` for another array."""
        cv = vision_cv.cv()
        bgr = vision_cv.to_bgr(image)
        small, factor = vision_cv.shrink(bgr, DETECTION_SIDE)
        grey = cv.cvtColor(small, cv.COLOR_BGR2GRAY)
        if min(grey.shape) < MIN_SIDE:
            return []
        with self._lock:
            boxes, counts = self._faces.detectMultiScale2(grey, 1.1, NEIGHBOURS, minSize=(MIN_SIDE, MIN_SIDE))
            found = [
                self._describe(bgr, grey, box=tuple(map(int, box)), hits=int(hits), factor=factor)
                for box, hits in zip(boxes, np.ravel(counts), strict=True)
            ]
        return sorted((face for face in found if face is not None), key=lambda face: (-face.quality, face.box))

    def _describe(
        self, bgr: Picture, grey: npt.NDArray[np.uint8], *, box: tuple[int, ...], hits: int, factor: float
    ) -> Face | None:
        height, width = bgr.shape[:2]
        x, y, wide, high = (value / factor for value in box)
        eyes = self._find_eyes(grey, box) / factor
        aligned = face_measures.align(bgr, points=eyes, template=ALIGNED_EYES, side=ALIGNED_SIDE)
        embedding = face_measures.unit(describe(vision_cv.cv().cvtColor(aligned, vision_cv.cv().COLOR_BGR2GRAY)))
        if embedding is None:
            return None
        # The measured face is cut from the picture again: at 64 pixels everything looks sharp.
        large = face_measures.align(
            bgr, points=eyes, template=face_measures.MEASURED_EYES, side=face_measures.MEASURED_SIDE
        )
        pixels: Box = (x, y, wide, high)
        score = hits_to_score(hits)
        sharp = face_measures.sharpness(large)
        return Face(
            box=face_measures.fractions(pixels, width=width, height=height),
            landmarks=None,
            score=score,
            sharpness=sharp,
            quality=face_measures.quality(box=pixels, score=score, sharp=sharp, frontal=ASSUMED_FRONTALITY),
            founder=face_measures.may_found(box=pixels, score=score, sharp=sharp, frontal=ASSUMED_FRONTALITY),
            embedding=embedding,
            crop=face_measures.crop(bgr, box=pixels),
        )

    def _find_eyes(self, grey: npt.NDArray[np.uint8], box: tuple[int, ...]) -> Points:
        """Two points in pixels of ``grey``: the most level and central pair in the upper half, else the usual place."""
        cv = vision_cv.cv()
        x, y, wide, high = box
        top = y + int(0.15 * high)
        factor = EYE_SIDE / wide
        band = cv.resize(grey[top : y + int(0.6 * high), x : x + wide], None, fx=factor, fy=factor)
        for cascade in self._eyes:
            spots = [
                (left + size / 2, up + size / 2)
                for left, up, size, _ in cascade.detectMultiScale(
                    band, 1.05, EYE_NEIGHBOURS, minSize=(18, 18), maxSize=(48, 48)
                )
            ]
            pairs = [
                (abs(one[0] + other[0] - EYE_SIDE) + abs(one[1] - other[1]), one, other)
                for one in spots
                for other in spots
                if 0.3 * EYE_SIDE < other[0] - one[0] < 0.6 * EYE_SIDE and abs(one[1] - other[1]) < 0.12 * EYE_SIDE
            ]
            if pairs:
                _, one, other = min(pairs)
                return np.array([one, other], dtype=np.float64) / factor + (x, top)
        return np.array([(x + fx * wide, y + fy * high) for fx, fy in USUAL_EYES])


def hits_to_score(hits: int) -> float:
    """How many neighbouring windows agreed on a face, as a score from 0.5 to 1: 0.83 at six, 0.86 at eight.

    So that seven, the least with which no false alarm was seen, pass the gate for founders.
    """
    return 0.5 + 0.5 * hits / (hits + 3)


def describe(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The 1,180 numbers of a 64 x 64 grey face: square roots of pattern frequencies, 59 in each of 5 x 4 fields.

    Each field is centred, so that the cosine compares how patterns are spread, not that there are patterns.
    """
    patterns = _uniform()[_local_patterns(_even_light(grey))]
    fields = [
        np.bincount(field.ravel(), minlength=PATTERNS)
        for band in np.array_split(patterns, GRID[0], axis=0)
        for field in np.array_split(band, GRID[1], axis=1)
    ]
    rows = np.sqrt(np.array([field / field.sum() for field in fields]))
    return np.asarray(rows - rows.mean(axis=1, keepdims=True), dtype=np.float64).ravel()


def _even_light(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Tan and Triggs: gamma 0.2, difference of Gaussians (1, 2). Contrast does not matter to binary patterns."""
    cv = vision_cv.cv()
    lifted = np.power(grey.astype(np.float32) / 255.0 + 1e-3, np.float32(0.2))
    return np.asarray(cv.GaussianBlur(lifted, (0, 0), 1) - cv.GaussianBlur(lifted, (0, 0), 2), dtype=np.float32)


def _local_patterns(values: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """One byte per pixel: which of its eight neighbours at distance 2 are at least as bright."""
    height, width = values.shape
    centre = values[RADIUS : height - RADIUS, RADIUS : width - RADIUS]
    code = np.zeros(centre.shape, dtype=np.intp)
    around = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
    for bit, (down, right) in enumerate(around):
        top, left = RADIUS * (1 + down), RADIUS * (1 + right)
        neighbour = values[top : top + centre.shape[0], left : left + centre.shape[1]]
        code |= (neighbour >= centre).astype(np.intp) << bit
    return code


@lru_cache(maxsize=1)
def _uniform() -> npt.NDArray[np.intp]:
    """From byte to class: the 58 patterns with at most two changes around the circle, all others in class 58."""
    classes = np.full(256, PATTERNS - 1, dtype=np.intp)
    uniform = [byte for byte in range(256) if (byte ^ ((byte << 1 | byte >> 7) & 255)).bit_count() <= 2]
    classes[uniform] = np.arange(len(uniform))
    return classes


def _cascade(file: str) -> Any:
    cv = vision_cv.cv()
    cascade = cv.CascadeClassifier(cv.data.haarcascades + file)
    if cascade.empty():
        raise FileNotFoundError(f"OpenCV's {file} is not in this installation")
    return cascade
