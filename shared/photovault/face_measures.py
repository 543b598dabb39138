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
# turned-away faces of different people resemble one another. Chosen in tests/benchmarks/bench_faces.py on what blur,
# motion, noise, JPEG, size, light, tilt, glasses and masks make of labelled faces: all 58 pass as they are, and of
# 640,000 pairs of two people's spoilt faces two in a million reach the 0.50 from which founders are one person.
FOUNDER_SIDE = 32.0  # shorter side of the box in pixels of the picture that was given
FOUNDER_SCORE = 0.84
FOUNDER_SHARPNESS = 0.25
FOUNDER_FRONTALITY = 0.50

# A face this wide and high in pixels shows the embedders all that they can see; more adds nothing to quality.
ENOUGH_PIXELS = 112.0

# Sharpness is measured on a face of this many pixels whose eyes lie here, in the upper left and in the upper right.
MEASURED_SIDE = 128
MEASURED_EYES = np.array([[40.4, 59.1], [87.4, 59.1]])
FINE, COARSE = 2.0, 4.0  # pixels (sigma of the Gaussians)
FULL_SHARPNESS = 0.8

# An average face in units of the distance between the eyes, in the landmarks' order: to the right, down, and towards
# whom it looks at. The eyes are 63 mm apart in adults and the tip of the nose is some 30 mm before them.
AVERAGE_FACE = np.array([(-0.5, 0, 0), (0.5, 0, 0), (0, 0.49, 0.5), (-0.41, 0.99, 0.05), (0.41, 0.99, 0.05)])


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
    """0 (blurred) to 1 (crisp), of an aligned BGR face: how much steeper its slopes are at sigma 2 than at sigma 4.

    Slopes (RMS gradients) at 128 pixels, in the direction in which they differ least, because motion blurs in one
    only. A ratio of 1 is 0 and one of 1.8 is 1. Contrast and light cancel out, and noise, whose variance a Laplacian
    would take for detail, is gone at sigma 2. A small face that had to be enlarged counts as blurred, as it is for an
    embedder. On labelled faces of 90 pixels: crisp 0.66 (median), blurred by sigma 2 (which costs the embedders
    nothing) 0.43, by sigma 4 (which makes half of it of no use) 0.20.
    """
    cv = vision_cv.cv()
    grey = cv.cvtColor(aligned, cv.COLOR_BGR2GRAY).astype(np.float32)
    if grey.shape[0] != MEASURED_SIDE:
        grey = cv.resize(grey, (MEASURED_SIDE, MEASURED_SIDE), interpolation=cv.INTER_LINEAR)
    fine, coarse = (_slopes(cv.GaussianBlur(grey, (0, 0), sigma)) for sigma in (FINE, COARSE))
    if np.linalg.det(coarse) < 1e-6 * np.trace(coarse) ** 2 or np.trace(coarse) < 1e-3:
        return 0.0  # nothing to be seen, at least in one direction
    ratios = np.linalg.eigvals(np.linalg.solve(coarse, fine)).real  # squared, in the two directions of the extremes
    return float(np.clip((np.sqrt(max(ratios.min(), 0.0)) - 1) / FULL_SHARPNESS, 0, 1))


def _slopes(grey: npt.NDArray[np.float32]) -> Points:
    """The structure tensor (2 x 2) of the middle of a face: hair, hats and what is behind it are not the face."""
    edge = MEASURED_SIDE // 5
    middle = grey[edge:-edge, edge:-edge].astype(np.float64)
    across, down = np.diff(middle, axis=1)[:-1].ravel(), np.diff(middle, axis=0)[:, :-1].ravel()
    mixed = across @ down
    return np.array([[across @ across, mixed], [mixed, down @ down]]) / across.size


def frontality(points: Points) -> float:
    """1 for a face that looks at the camera, 0 for a profile, from the five landmarks; a tilted head counts as upright.

    The affine picture (2 x 3, least squares) of an average face in space that comes nearest to the landmarks shows how
    it was turned: the share of the face's own plane that remains visible, against its larger axis. It is the cosine of
    the angle of turning (yaw and pitch), times how far the proportions are those of a face. On real faces: 0.8 to 1
    for people who look ahead, 0.6 for 45 degrees, where both eyes are seen still, below 0.5 for profiles.
    """
    solid = AVERAGE_FACE - AVERAGE_FACE.mean(axis=0)
    pose = np.linalg.lstsq(solid, points - points.mean(axis=0), rcond=None)[0].T
    longest = float(np.linalg.norm(pose, ord=2))
    if longest < 1e-9:
        return 0.0
    return float(np.clip(np.linalg.det(pose[:, :2]) / longest**2, 0, 1))


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
