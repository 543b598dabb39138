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

# Long side in pixels of the picture that YuNet sees. It finds nearly every face of 15 pixels (those of 48 in a preview
# of 2,048), four in ten of 10 pixels, and none of 7.
DETECTION_SIDE = 640
# Where it saw small faces, or something that may be one, it looks again at twice the size: nearly all of 32 pixels in
# a preview are found then, and eight in ten of 24. That takes three times the time, for photos of groups only.
GROUP_SIDE = 1280
SMALL = 16.0  # pixels at the first size
HINT_SCORE = 0.5
# Of a picture with a side of 32 pixels or fewer, OpenCV's networks read memory that nobody has written, in which YuNet
# now and then sees faces.
LEAST_SIDE = 64
MIN_SCORE = 0.7
MAX_OVERLAP = 0.3
MAX_FACES = 500
MIN_SIDE = 16.0  # pixels of the given picture; below that a box holds no face to compare

# A tilted face gets landmarks that are too upright: at 45 degrees they seem to be tilted by 15 or less, and the
# embedding keeps 0.56 of itself (its cosine with that of the upright face, median). One that seems to be tilted by so
# many degrees, or that is seen less clearly than upright faces of its size are, is looked at again, turned back by each
# of these angles, and keeps 0.96. Two milliseconds a look, for such faces alone.
TILTED = 4.0
CLEAR = 0.88
TURNS = (25.0, 45.0)
TURNED_SIDE = 32.0  # pixels of the given picture, below which no face is worth these looks
# A face that the detector is not sure of must be one from close by, too. That also holds for the best of those that it
# passed over: what may be a face is one when a closer look is sure of it.
DOUBTFUL = 0.78
MAX_HINTS = 8
CLOSE_SIDE = 160  # pixels of the second look, of which the face takes about a half
CLOSE_FACE = 90.0


class OnnxFaces:
    """YuNet and one face embedder. Safe to share between threads; calls run one after the other."""

    def __init__(self, *, detector: Path, embedder: Path, model: ModelInfo, face_input: FaceInput) -> None:
        self.model = model
        self._input = face_input
        self._template = np.array(face_input.template, dtype=np.float64)
        self._detector = vision_cv.cv().FaceDetectorYN.create(
            str(detector), "", (320, 320), HINT_SCORE, MAX_OVERLAP, MAX_FACES
        )
        self._embedder = vision_cv.read_net(embedder)
        self._lock = threading.Lock()

    def find(self, image: Picture) -> list[Face]:
        """The faces of an oriented RGB picture, best quality first. Raises ``ValueError`` for another array."""
        bgr = vision_cv.to_bgr(image)
        with self._lock:
            faces = [face for row in self._detect(bgr) if (face := self._describe(bgr, row)) is not None]
        return sorted(faces, key=lambda face: (-face.quality, face.box))

    def _detect(self, bgr: Picture) -> list[Points]:
        """The faces, each 15 numbers in pixels of the given picture: box, five points, score."""
        rows = self._seen(bgr, DETECTION_SIDE)
        factor = min(1.0, DETECTION_SIDE / max(bgr.shape[:2]))
        if factor < 1 and (np.minimum(rows[:, 2], rows[:, 3]) * factor < SMALL).any():
            rows = _merged(rows, self._seen(bgr, GROUP_SIDE))
        rows = rows[np.minimum(rows[:, 2], rows[:, 3]) >= MIN_SIDE]
        rows = rows[np.argsort(-rows[:, 14], kind="stable")]
        hints = np.cumsum(rows[:, 14] < MIN_SCORE)
        return [face for row in rows[hints <= MAX_HINTS] if (face := self._surely(bgr, row)) is not None]

    def _seen(self, bgr: Picture, long_side: int) -> Points:
        """N x 15 in pixels of the given picture, those that may be faces included."""
        small, factor = vision_cv.shrink(bgr, long_side)
        lacking = [max(0, LEAST_SIDE - side) for side in small.shape[:2]]
        if any(lacking):
            cv = vision_cv.cv()
            small = cv.copyMakeBorder(small, 0, lacking[0], 0, lacking[1], cv.BORDER_CONSTANT)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._detector.detect(small)
        if rows is None:
            return np.empty((0, 15))
        found = np.asarray(rows, dtype=np.float64)
        found[:, :14] /= factor
        return found[np.isfinite(found).all(axis=1)]

    def _surely(self, bgr: Picture, row: Points) -> Points | None:
        """The face with the landmarks and the score of the best look at it; None for a doubtful one that none is."""
        turns = self._turns(row)
        if not turns:
            return row
        looks = [look for turn in turns if (look := self._close(bgr, row, turn=turn)) is not None]
        best = max(looks, key=lambda look: float(look[14]), default=row)
        if best[14] < (MIN_SCORE if looks and row[14] >= MIN_SCORE else DOUBTFUL):
            return None
        return np.concatenate((row[:4], best[4:])) if best[14] > row[14] else row  # the box stays upright

    def _turns(self, row: Points) -> list[float]:
        """By how many degrees to turn a face counter-clockwise for the looks that it needs."""
        if min(row[2], row[3]) >= TURNED_SIDE:
            tilt = _tilt(row, self._template)
            if abs(tilt) >= TILTED:
                return [float(np.copysign(turn, tilt)) for turn in TURNS]
            if row[14] < CLEAR:
                return [0.0, *TURNS, *(-turn for turn in TURNS)]
        return [0.0] if row[14] < DOUBTFUL else []

    def _close(self, bgr: Picture, row: Points, *, turn: float) -> Points | None:
        """The same face seen close and turned by ``turn`` degrees counter-clockwise, in pixels of the given picture."""
        cv = vision_cv.cv()
        points = row[4:14].reshape(5, 2)
        centre = points.mean(axis=0)
        scale = np.hypot(*face_measures.similarity(self._template, points)[:, 0]) * self._input.side
        there = cv.getRotationMatrix2D(tuple(centre), turn, CLOSE_FACE / max(scale, 1.0))
        there[:, 2] += CLOSE_SIDE / 2 - centre
        view = cv.warpAffine(bgr, there, (CLOSE_SIDE, CLOSE_SIDE), borderMode=cv.BORDER_REPLICATE)
        back = cv.invertAffineTransform(there)
        best: Points | None = None
        for seen in self._seen(view, CLOSE_SIDE):
            found = seen[4:14].reshape(5, 2)
            aside = float(np.hypot(*(found.mean(axis=0) - CLOSE_SIDE / 2)))
            if aside < CLOSE_FACE / 3 and seen[14] >= MIN_SCORE and (best is None or seen[14] > best[14]):
                best = np.concatenate((seen[:4], (found @ back[:, :2].T + back[:, 2]).ravel(), seen[14:]))
        return best

    def _describe(self, bgr: Picture, row: Points) -> Face | None:
        height, width = bgr.shape[:2]
        x, y, wide, high = (float(value) for value in row[:4])
        box = (x, y, wide, high)
        shown = face_measures.fractions(box, width=width, height=height)
        if 0 in shown[2:]:
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


def _merged(rows: Points, more: Points) -> Points:
    """Both, each face once: as the look that was surer saw it."""
    every = np.concatenate((rows, more))
    kept = vision_cv.cv().dnn.NMSBoxes(every[:, :4].tolist(), every[:, 14].tolist(), 0.0, MAX_OVERLAP)
    return np.asarray(every[np.asarray(kept, dtype=np.intp).ravel()])


def _tilt(row: Points, template: Points) -> float:
    """Degrees by which a face must be turned counter-clockwise, as its landmarks have it, to be upright."""
    turn = face_measures.similarity(template, row[4:14].reshape(5, 2))
    return float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
