"""What a face is, and how good: alignment, crops and the measures that decide who may found a person.

Both face providers use these, so that a face's quality means the same whatever found it. Arrays are pictures
(HxWx3 uint8, BGR inside the providers, RGB in ``Face.crop``); points and boxes are in pixels unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photovault import vision_cv
from photovault.vision_cv import Picture

Points = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]

CROP_SIDE = 256
CROP_MARGIN = 1.6  # side of the square crop by the longer side of the face's box

# Gates for founders. A weaker face may join a person, but must not be the reason that one exists: blurred, tiny and
# turned-away faces of different people resemble one another.
FOUNDER_SIDE = 48.0  # shorter side of the box in pixels of the picture that was given
FOUNDER_SCORE = 0.80
FOUNDER_SHARPNESS = 0.30
FOUNDER_FRONTALITY = 0.35

# A face this wide and high in pixels shows the embedders all that they can see; more adds nothing to quality.
ENOUGH_PIXELS = 112.0
# Variance of the Laplacian of an aligned face at which sharpness is one half.
HALF_SHARP = 60.0
MEASURED_SIDE = 128


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a picture.

    ``box`` (x, y, width, height) and ``landmarks`` (the eye at the left of the picture, the eye at the right, nose
    tip, mouth corner at the left, at the right) are fractions of the oriented picture. ``score``, ``sharpness`` and
    ``quality`` run from 0 to 1. ``founder`` says that the face is good enough to found a person. ``embedding`` is
    float32 of length 1 (L2). ``crop`` is a square RGB picture of the face with a margin, at most 256 pixels a side.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...] | None
    score: float
    sharpness: float
    quality: float
    founder: bool
    embedding: Vector
    crop: Picture


def align(image: Picture, *, points: Points, template: Points, side: int) -> Picture:
    """The square of ``side`` pixels in which ``points`` lie as near as can be to ``template``.

    Rotation, uniform scale and shift only (Umeyama 1991, least squares), so that a face keeps its proportions. A face
    much larger than the square is averaged down first: sampling it straight would alias.
    """
    cv = vision_cv.cv()
    transform = similarity(points, template)
    factor = float(np.hypot(transform[0, 0], transform[1, 0]))
    if factor < 0.5:
        height, width = image.shape[:2]
        # Only the part that the square shows, with some room for rotation.
        left, top = np.maximum(0, np.floor(points.mean(axis=0) - side / factor)).astype(int)
        right, bottom = np.ceil(points.mean(axis=0) + side / factor).astype(int)
        part = image[top : min(bottom, height), left : min(right, width)]
        if part.size:
            small = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
            image = cv.resize(part, small, interpolation=cv.INTER_AREA)
            scale = np.array([small[0] / part.shape[1], small[1] / part.shape[0]])
            transform = similarity((points - (left, top)) * scale, template)
    return np.asarray(cv.warpAffine(image, transform, (side, side), flags=cv.INTER_LINEAR), dtype=np.uint8)


def similarity(source: Points, target: Points) -> Points:
    """The 2x3 matrix of rotation, uniform scale and shift that brings ``source`` nearest to ``target``."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    # As complex numbers the least-squares solution is one division: target = a * source, a = scale * e^(i angle).
    s = (source - source_mean) @ (1, 1j)
    t = (target - target_mean) @ (1, 1j)
    spread = float((s * s.conj()).real.sum())
    a = complex((t * s.conj()).sum() / spread) if spread > 1e-9 else complex(1, 0)  # all in one spot: shift only
    turn = np.array([[a.real, -a.imag], [a.imag, a.real]])
    return np.column_stack((turn, target_mean - turn @ source_mean))


def crop(bgr: Picture, *, box: Box) -> Picture:
    """A square RGB picture around ``box`` (pixels) with a margin, inside the picture, at most 256 pixels a side."""
    cv = vision_cv.cv()
    height, width = bgr.shape[:2]
    x, y, wide, high = box
    side = max(1, min(round(max(wide, high) * CROP_MARGIN), width, height))
    left = int(np.clip(round(x + wide / 2 - side / 2), 0, width - side))
    top = int(np.clip(round(y + high / 2 - side / 2), 0, height - side))
    square = bgr[top : top + side, left : left + side]
    if side > CROP_SIDE:
        square = cv.resize(square, (CROP_SIDE, CROP_SIDE), interpolation=cv.INTER_AREA)
    return np.ascontiguousarray(square[:, :, ::-1])


def sharpness(aligned: Picture) -> float:
    """0 (blurred) to 1 (crisp): variance v of the Laplacian of a BGR face at 128 pixels, as v / (v + 60).

    Measured on the aligned face, so a small face that had to be enlarged counts as blurred, as it is for an embedder.
    """
    cv = vision_cv.cv()
    grey = cv.cvtColor(aligned, cv.COLOR_BGR2GRAY)
    if grey.shape[0] != MEASURED_SIDE:
        grey = cv.resize(grey, (MEASURED_SIDE, MEASURED_SIDE), interpolation=cv.INTER_LINEAR)
    # The middle only: hair, hats and a sharp background behind a blurred face are not the face.
    edge = MEASURED_SIDE // 5
    variance = float(cv.Laplacian(grey[edge:-edge, edge:-edge], cv.CV_64F).var())
    return variance / (variance + HALF_SHARP)


def frontality(points: Points) -> float:
    """1 for a face that looks at the camera, 0 for a profile, from the five landmarks.

    Two signs of turning sideways, of which the worse counts: the nose leaves the middle between the eyes (by half
    their distance in a profile), and the eyes move together compared with the height from eyes to mouth.
    """
    eyes = points[1] - points[0]
    distance = float(np.hypot(*eyes))
    middle = (points[0] + points[1]) / 2
    down = (points[3] + points[4]) / 2 - middle
    height = float(np.hypot(*down))
    if distance == 0 or height == 0:
        return 0.0
    # Where the nose would be on the line from eyes to mouth, and how far aside of it it is.
    aside = points[2] - (middle + down / 2)
    offset = abs(float(aside @ eyes)) / distance**2
    return float(np.clip(min(1 - 2 * offset, distance / height / 0.9), 0, 1))


def quality(*, box: Box, score: float, sharp: float, frontal: float) -> float:
    """0 to 1: the geometric mean of size, detection score, sharpness and frontality, so that one bad measure tells.

    Size is the box's shorter side in pixels over 112, at most 1; the score counts from 0.5 (0) to 0.9 (1).
    """
    size = float(np.clip(min(box[2], box[3]) / ENOUGH_PIXELS, 0, 1))
    sure = float(np.clip((score - 0.5) / 0.4, 0, 1))
    return float((size * sure * sharp * frontal) ** 0.25)


def may_found(*, box: Box, score: float, sharp: float, frontal: float) -> bool:
    """Whether a face passes every gate for founders. ``box`` in pixels."""
    return (
        min(box[2], box[3]) >= FOUNDER_SIDE
        and score >= FOUNDER_SCORE
        and sharp >= FOUNDER_SHARPNESS
        and frontal >= FOUNDER_FRONTALITY
    )


def fractions(box: Box, *, width: int, height: int) -> Box:
    """A box in pixels, cut at the picture's edges, as fractions of the picture."""
    x0, y0 = float(np.clip(box[0] / width, 0, 1)), float(np.clip(box[1] / height, 0, 1))
    x1, y1 = float(np.clip((box[0] + box[2]) / width, 0, 1)), float(np.clip((box[1] + box[3]) / height, 0, 1))
    return x0, y0, x1 - x0, y1 - y0


def unit(vector: npt.ArrayLike) -> Vector | None:
    """The vector at length 1 (L2), or None for one that has no direction (zeros, not finite)."""
    values = np.asarray(vector, dtype=np.float64).ravel()
    length = float(np.linalg.norm(values))
    return (values / length).astype(np.float32) if np.isfinite(length) and length > 0 else None
