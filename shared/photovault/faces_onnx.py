"""Faces by two networks in OpenCV's DNN module: YuNet finds them (Wu et al. 2023), an embedder from the manifest
describes them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from photovault import face_measures, vision_cv
from photovault.face_measures import Face, Points
from photovault.model_manifest import FaceInput, ModelInfo
from photovault.vision_cv import Picture

# Long side of the picture that YuNet sees. 1,024 finds smaller faces at two and a half times the time.
DETECTION_SIDE = 640
MIN_SCORE = 0.7
MAX_OVERLAP = 0.3
MAX_FACES = 500
MIN_SIDE = 12.0  # pixels of the given picture; below that a box holds no face to compare


class OnnxFaces:
    """YuNet and one face embedder. Safe to share between threads; calls run one after the other."""

    def __init__(self, *, detector: Path, embedder: Path, model: ModelInfo, face_input: FaceInput) -> None:
        self.model = model
        self._input = face_input
        self._template = np.array(face_input.template, dtype=np.float64)
        self._detector = vision_cv.cv().FaceDetectorYN.create(
            str(detector), "", (320, 320), MIN_SCORE, MAX_OVERLAP, MAX_FACES
        )
        self._embedder = vision_cv.read_net(embedder)
        self._lock = threading.Lock()

    def find(self, image: Picture) -> list[Face]:
        """The faces of an oriented RGB picture, best quality first. Raises ``ValueError`` for another array."""
        bgr = vision_cv.to_bgr(image)
        with self._lock:
            faces = [face for row in self._detect(bgr) if (face := self._describe(bgr, row)) is not None]
        return sorted(faces, key=lambda face: (-face.quality, face.box))

    def _detect(self, bgr: Picture) -> Points:
        """N x 15 in pixels of the given picture: box, five points, score."""
        small, factor = vision_cv.shrink(bgr, DETECTION_SIDE)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._detector.detect(small)
        if rows is None:
            return np.empty((0, 15))
        found = np.asarray(rows, dtype=np.float64)
        found[:, :14] /= factor
        return found[np.isfinite(found).all(axis=1)]

    def _describe(self, bgr: Picture, row: Points) -> Face | None:
        height, width = bgr.shape[:2]
        x, y, wide, high = (float(value) for value in row[:4])
        box = (x, y, wide, high)
        shown = face_measures.fractions(box, width=width, height=height)
        if min(shown[2] * width, shown[3] * height) < MIN_SIDE:
            return None
        points = row[4:14].reshape(5, 2)
        score = float(min(1.0, row[14]))
        side = self._input.side
        aligned = face_measures.align(bgr, points=points, template=self._template, side=side)
        embedding = face_measures.unit(self._embed(aligned))
        if embedding is None:
            return None
        sharp = face_measures.sharpness(aligned)
        frontal = face_measures.frontality(points)
        return Face(
            box=shown,
            landmarks=tuple((float(px / width), float(py / height)) for px, py in points),
            score=score,
            sharpness=sharp,
            quality=face_measures.quality(box=box, score=score, sharp=sharp, frontal=frontal),
            founder=face_measures.may_found(box=box, score=score, sharp=sharp, frontal=frontal),
            embedding=embedding,
            crop=face_measures.crop(bgr, box=box),
        )

    def _embed(self, aligned: Picture) -> Points:
        blob = vision_cv.cv().dnn.blobFromImage(aligned, swapRB=self._input.channels == "rgb")
        self._embedder.setInput(blob)
        return np.asarray(self._embedder.forward(), dtype=np.float64)
