"""Near-duplicates: which photos are copies of one picture, which are shots of one burst, and which copy to keep.

Two photos that share a mark (``perceptual.look``) are candidates; nothing else is ever compared. A pair of candidates
is verified on the sketches of both: one is laid over the other (shift and scale of either axis, brightness and
contrast, by Gauss-Newton steps as in Baker and Matthews, "Lucas-Kanade 20 Years On", 2004), and then

- the whole must correlate,
- the details must correlate: what is left without the coarse light and shade, which different pictures share easily,
- no single spot may differ much: somebody who moved makes another picture of the same scene,
- the colours must be about the same: a version in black and white was made to be another picture,
- the scales must be those of a crop, which does not stretch.

Whether the pair is one picture or two is not left to the pixels alone: photos of one camera with different times of
exposure are never copies. Within a few seconds of each other, and alike, they are a burst.

Groups are a function of the set of pairs, whatever their order: pairs are taken from the surest to the least sure, and
two groups become one only if at least half of all pairs between them were verified and none was found to be two
pictures. So a chain of ever other neighbours does not become one group.

The thresholds were chosen on 139 photos in 20 versions each (tests/benchmarks/bench_duplicates.py prints what they
give): there the details of copies correlate by 0.95 or more for all but two of 2,780, those of different pictures,
portraits of one head size included, by 0.66 at most.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from photovault.perceptual import SKETCH_BYTES, SKETCH_SIDE

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[Any]]  # float32, but for sums

Kind = Literal["duplicate", "burst"]

BURST = timedelta(seconds=10)
"""Photos of one camera this close in time are looked at as a burst."""

NEAR = 33
"""1/256 of the picture's side: how far a mark may move between two copies."""

_STEPS = (6, 4)  # on blurred sketches, then on the sketches themselves
# Scale and shift across, scale and shift down; the others are tried where the first ends short of a likely copy.
_STARTS = ((1, 0, 1, 0), (0.9, 0, 0.9, 0), (1.1, 0, 1.1, 0))
_BATCH = 400  # pairs at a time: 15 MB of working memory
_WINDOW = 7  # pixels of the sketch, of the spots that may not differ
_FRAMED = 0.006  # what scale and shift may be off by where nothing was cropped
_STRETCH = 0.03  # difference of the logarithms of both scales, beside what the sizes explain
_LEAST_DETAIL = 0.5  # variance in grey values squared; below it there is nothing to tell pictures apart by
_LEAST_OVERLAP = 0.75


@dataclass(frozen=True)
class Photo:
    """What beside its sketch is known of a photo. ``taken`` is the local time of exposure that the camera wrote, None
    without; ``order`` is what ties are decided by: its SHA-256, never an id, which encodes the order of upload."""

    id: UUID
    order: bytes
    width: int
    height: int
    taken: datetime | None = None
    camera: str | None = None


@dataclass(frozen=True)
class Likeness:
    """How well one sketch lies over another: correlations of the whole and of the details (1 is the same), the largest
    difference of a spot (0 is none, 2 is unrelated), and how much of the first one's width and height the second shows.
    ``contrast`` is the variance of the fainter one's details, ``moved`` the largest shift or change of scale, and
    ``colour`` the mean difference of Cb and Cr, as they are before anything is moved."""

    whole: float
    detail: float
    spot: float
    contrast: float
    overlap: float
    across: float
    down: float
    moved: float
    colour: float = 0.0


@dataclass(frozen=True)
class Pair:
    """Two photos that belong together. ``share`` is how much of the picture of ``a`` the one of ``b`` shows, by area:
    under 1 where ``b`` is cropped, over 1 where ``a`` is."""

    a: UUID
    b: UUID
    kind: Kind
    score: float
    share: float = 1.0


@dataclass(frozen=True)
class Group:
    """``id`` follows from kind and members alone; ``members`` are in the order of their ids."""

    id: UUID
    kind: Kind
    members: tuple[UUID, ...]


# ---- two photos --------------------------------------------------------------------------------------------------


def pairs(candidates: Iterable[tuple[Photo, Photo]], sketches: Mapping[UUID, bytes]) -> list[Pair]:
    """Those candidates that belong together, with the photo first that comes first by ``order``."""
    ordered = [(a, b) if a.order <= b.order else (b, a) for a, b in candidates]
    likenesses = measure([sketches[a.id] for a, _ in ordered], [sketches[b.id] for _, b in ordered])
    found = []
    for (a, b), likeness in zip(ordered, likenesses, strict=True):
        kind = judge(a, b, likeness)
        if kind is not None:
            share = likeness.across * likeness.down
            found.append(Pair(a.id, b.id, kind, round(likeness.detail, 4), round(share, 4)))
    return found


def judge(a: Photo, b: Photo, likeness: Likeness) -> Kind | None:
    """What two photos are to each other; None when they are different pictures."""
    if likeness.contrast < _LEAST_DETAIL or likeness.overlap < _LEAST_OVERLAP:
        return None
    apart = time_between(a, b)
    copies = (apart is None or not apart) and _is_copy(a, b, likeness)
    if copies:
        return "duplicate"
    alike = likeness.whole >= 0.7 and likeness.detail >= 0.4
    return "burst" if apart is not None and apart <= BURST and a.camera is not None and alike else None


def time_between(a: Photo, b: Photo) -> timedelta | None:
    """Between the exposures of two photos of one camera, or of none that is named; None when nothing is known of it.

    Zero also within the same second where one file does not say more: software that copies drops fractions.
    """
    if a.taken is None or b.taken is None or a.camera != b.camera:
        return None
    whole = [at.replace(microsecond=0) for at in (a.taken, b.taken)]
    if whole[0] == whole[1] and not (a.taken.microsecond and b.taken.microsecond):
        return timedelta(0)
    return abs(a.taken - b.taken)


def _is_copy(a: Photo, b: Photo, likeness: Likeness) -> bool:
    if likeness.moved <= _FRAMED:
        same = likeness.whole >= 0.95 and likeness.detail >= 0.98 and likeness.spot <= 0.08
        return same and likeness.colour <= 3
    shapes = math.log(b.width / b.height) - math.log(a.width / a.height)
    rounding = 1.5 / min(a.width, a.height, b.width, b.height)
    stretched = abs(math.log(likeness.across / likeness.down) - shapes) > _STRETCH + rounding
    same = likeness.whole >= 0.9 and likeness.detail >= 0.93 and likeness.spot <= 0.25
    return same and likeness.colour <= 9 and not stretched


def measure(firsts: Sequence[bytes], seconds: Sequence[bytes]) -> list[Likeness]:
    """The likeness of each first sketch with its second, in about 0.4 ms a pair."""
    import numpy as np

    found: list[Likeness] = []
    for start in range(0, len(firsts), _BATCH):
        both = [
            np.frombuffer(b"".join(sketches[start : start + _BATCH]), dtype=np.uint8)
            .reshape(-1, SKETCH_BYTES)
            .astype(np.float32)
            for sketches in (firsts, seconds)
        ]
        greys = [sketch[:, : SKETCH_SIDE**2].reshape(-1, SKETCH_SIDE, SKETCH_SIDE) for sketch in both]
        colours = np.abs(both[0][:, SKETCH_SIDE**2 :] - both[1][:, SKETCH_SIDE**2 :]).mean(axis=1)
        found += _best(*greys, colours=colours)
    return found


def _best(first: Floats, second: Floats, *, colours: Floats) -> list[Likeness]:
    found = _measure(first, second, colours=colours, start=_STARTS[0])
    short = [n for n, likeness in enumerate(found) if likeness.detail >= 0.5 and likeness.spot > 0.25]
    for start in _STARTS[1:] if short else ():
        for n, again in zip(
            short, _measure(first[short], second[short], colours=colours[short], start=start), strict=True
        ):
            found[n] = max(found[n], again, key=lambda likeness: likeness.detail)
    return found


def _measure(first: Floats, second: Floats, *, colours: Floats, start: Sequence[float]) -> list[Likeness]:
    import numpy as np

    fit = np.tile(np.array(start, dtype=np.float32), (len(first), 1))
    fit = _aligned(_blurred(first), _blurred(second), fit, steps=_STEPS[0])
    fit = _aligned(first, second, fit, steps=_STEPS[1])
    laid, inside = _laid_over(first, fit)
    whole, my_variance, their_variance = _correlation(laid, second, inside)
    gain = np.sqrt((their_variance + 0.01) / (my_variance + 0.01))[:, None, None]
    # What the first one does not show must not bleed into the details at its edge.
    offset = (second * inside - gain * laid * inside).sum(axis=(1, 2)) / np.maximum(inside.sum(axis=(1, 2)), 1)
    laid = np.where(inside > 0, gain * laid + offset[:, None, None], second)
    mine, theirs = _details(laid), _details(second)
    detail, my_variance, their_variance = _correlation(mine, theirs, inside)
    # By how much each spot differs, in units of what it holds; a spot that holds little counts as half an average one.
    gain = np.sqrt((their_variance + 0.01) / (my_variance + 0.01))[:, None, None]
    difference = _means(inside * (gain * mine - theirs) ** 2)
    held = _means(inside * ((gain * mine) ** 2 + theirs**2)) / 2
    spot = (difference / (held + 0.25 * their_variance[:, None, None] + 0.5)).max(axis=(1, 2))
    moved = np.abs(fit - np.array([1, 0, 1, 0])).max(axis=1)
    columns = (
        whole,
        detail,
        spot,
        np.minimum(my_variance, their_variance),
        inside.mean(axis=(1, 2)),
        fit[:, 0],
        fit[:, 2],
        moved,
        colours,
    )
    return [Likeness(*map(float, row)) for row in zip(*columns, strict=True)]


def _aligned(first: Floats, second: Floats, fit: Floats, *, steps: int) -> Floats:
    """Better fits: n x (scale across, shift across, scale down, shift down), in half sides of the second sketch.

    Each step solves for all four and for gain and offset of the grey values at once, damped, and goes no further than
    one sixteenth of a side. Fits stay within 0.8 to 1.25 times the size and a quarter's shift of a half side.
    """
    import numpy as np

    count, side = first.shape[:2]
    across = _grid(side)
    damping = np.diag(np.array([1, 1, 1, 1, 0, 0], dtype=np.float32))
    for _ in range(steps):
        laid, inside = _laid_over(first, fit)
        right, down = np.zeros_like(laid), np.zeros_like(laid)
        right[:, :, 1:-1] = (laid[:, :, 2:] - laid[:, :, :-2]) * (side / 4)
        down[:, 1:-1] = (laid[:, 2:] - laid[:, :-2]) * (side / 4)
        right /= fit[:, 0, None, None]
        down /= fit[:, 2, None, None]
        columns = (right * across, right, down * across[:, None], down, laid, np.ones_like(laid))
        slopes = np.stack(columns, axis=-1).reshape(count, side * side, 6)
        weighted = (slopes * inside.reshape(count, side * side, 1)).transpose(0, 2, 1)
        normal = weighted @ slopes
        diagonal = np.einsum("nii->ni", normal)
        normal = normal + (1e-3 * diagonal[:, :, None] + 1e-3) * damping + 1e-4 * np.eye(6, dtype=np.float32)
        solved = np.linalg.solve(normal, weighted @ second.reshape(count, side * side, 1))[:, :, 0]
        gain = np.maximum(np.abs(solved[:, 4:5]), 0.2)
        fit = fit + np.clip(solved[:, :4] / gain, -1 / 16, 1 / 16)
        fit[:, ::2] = np.clip(fit[:, ::2], 0.8, 1.25)
        fit[:, 1::2] = np.clip(fit[:, 1::2], -0.25, 0.25)
    return fit


def _laid_over(first: Floats, fit: Floats) -> tuple[Floats, Floats]:
    """The first sketches as the second ones show them, and 1 where they do, 0 beyond their edges."""
    import numpy as np

    side = first.shape[1]
    rows, rows_inside = _samples(fit[:, 2], fit[:, 3], side)
    columns, columns_inside = _samples(fit[:, 0], fit[:, 1], side)
    inside = (rows_inside[:, :, None] & columns_inside[:, None, :]).astype(np.float32)
    return rows @ first @ columns.transpose(0, 2, 1), inside


def _samples(scale: Floats, shift: Floats, side: int) -> tuple[Floats, Any]:
    """Matrices that take linear samples along one axis, and whether each sample lies inside."""
    import numpy as np

    wanted = scale[:, None] * _grid(side) + shift[:, None]
    positions = (wanted + 1) / 2 * side - 0.5
    inside = (positions >= -0.5) & (positions <= side - 0.5)
    clipped = np.clip(positions, 0, side - 1)[:, :, None]
    weights: Floats = np.maximum(0, 1 - np.abs(clipped - np.arange(side))).astype(np.float32)
    return weights, inside


@cache
def _grid(side: int) -> Floats:
    """The middles of the pixels, from -1 to 1."""
    import numpy as np

    return ((np.arange(side) + 0.5) / side * 2 - 1).astype(np.float32)


def _blurred(pictures: Floats) -> Floats:
    """By 1, 2, 1 along both axes."""
    import numpy as np

    p = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), "edge")
    p = (p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]) / 4
    blurred: Floats = (p[:, :, :-2] + 2 * p[:, :, 1:-1] + p[:, :, 2:]) / 4
    return blurred


def _details(pictures: Floats) -> Floats:
    """Neither light and shade nor the finest grain, which resampling changes."""
    fine = _blurred(pictures)
    return fine - _blurred(_blurred(_blurred(fine)))


def _correlation(one: Floats, other: Floats, inside: Floats) -> tuple[Floats, Floats, Floats]:
    """Of n pairs of pictures where both are, and the variance of each there."""
    import numpy as np

    weight = np.maximum(inside.sum(axis=(1, 2)), 1)

    def centred(picture: Floats) -> Floats:
        mean = (picture * inside).sum(axis=(1, 2)) / weight
        without: Floats = (picture - mean[:, None, None]) * inside
        return without

    x, y = centred(one), centred(other)
    x_variance, y_variance = (x * x).sum(axis=(1, 2)) / weight, (y * y).sum(axis=(1, 2)) / weight
    shared = (x * y).sum(axis=(1, 2)) / weight
    return shared / np.sqrt(x_variance * y_variance + 1e-6), x_variance, y_variance


def _means(pictures: Floats) -> Floats:
    """Of all windows of ``_WINDOW`` pixels a side."""
    import numpy as np

    sums: Floats = np.pad(pictures, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    k = _WINDOW
    means: Floats = (sums[:, k:, k:] - sums[:, :-k, k:] - sums[:, k:, :-k] + sums[:, :-k, :-k]) / k**2
    return means


# ---- groups ------------------------------------------------------------------------------------------------------


def group(found: Iterable[Pair], order: Mapping[UUID, bytes]) -> list[Group]:
    """Duplicates and bursts, of at least two photos each, in the order of their ids.

    ``order`` is each photo's SHA-256. The same pairs give the same groups, in whatever order they come.
    """
    all_pairs = list(found)
    bursts = _neighbours(pair for pair in all_pairs if pair.kind == "burst")
    groups = _grouped("duplicate", all_pairs, order, apart=bursts) + _grouped("burst", all_pairs, order, apart={})
    return sorted(groups, key=lambda one: one.id)


def _grouped(
    kind: Kind, found: Sequence[Pair], order: Mapping[UUID, bytes], *, apart: Mapping[UUID, set[UUID]]
) -> list[Group]:
    sure = [pair for pair in found if pair.kind == kind]
    sure.sort(key=lambda pair: (-pair.score, *sorted((order[pair.a], order[pair.b]))))
    linked = _neighbours(sure)
    members = {photo: {photo} for photo in linked}
    nobody: set[UUID] = set()
    for pair in sure:
        mine, theirs = members[pair.a], members[pair.b]
        if mine is theirs:
            continue
        verified = sum(len(linked[photo] & theirs) for photo in mine)
        if 2 * verified >= len(mine) * len(theirs) and all(theirs.isdisjoint(apart.get(p, nobody)) for p in mine):
            mine |= theirs
            members |= dict.fromkeys(theirs, mine)
    distinct = {id(group): group for group in members.values() if len(group) > 1}.values()
    return [Group(group_id(kind, one), kind, tuple(sorted(one))) for one in distinct]


def _neighbours(found: Iterable[Pair]) -> dict[UUID, set[UUID]]:
    neighbours: dict[UUID, set[UUID]] = {}
    for pair in found:
        neighbours.setdefault(pair.a, set()).add(pair.b)
        neighbours.setdefault(pair.b, set()).add(pair.a)
    return neighbours


def group_id(kind: Kind, members: Iterable[UUID]) -> UUID:
    """The same for the same photos; another as soon as one joins or leaves."""
    text = kind.encode() + b"".join(sorted(member.bytes for member in members))
    return UUID(bytes=hashlib.sha256(text).digest()[:16], version=5)


# ---- what to keep, and why ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """What a keeper is chosen by. ``size`` in bytes; ``known`` counts what is known of time, place and camera."""

    id: UUID
    width: int
    height: int
    size: int
    content_type: str
    known: int
    taken: datetime
    created_at: datetime


def keeper(members: Iterable[Member]) -> Member:
    """Most pixels, then most bytes, then most that is known of it, then the one that was there first."""
    return min(members, key=lambda m: (-m.width * m.height, -m.size, -m.known, m.created_at, m.id))


def reason(kept: Member, other: Member, *, kind: Kind, share: float | None) -> str:
    """What tells a photo from the one to keep, in a line. ``share`` is how much of the kept picture it shows."""
    if kind == "burst":
        seconds = (other.taken - kept.taken).total_seconds()
        if not seconds:
            return "taken in the same second"
        return f"taken {abs(seconds):.3g} s {'later' if seconds > 0 else 'earlier'}"
    words = []
    if share is not None and share < 0.985:
        words.append(f"cropped by {100 * (1 - share):.0f} %")
    elif share is not None and share > 1.015:
        words.append(f"shows {100 * (share - 1):.0f} % more")
    kept_pixels, pixels = kept.width * kept.height, other.width * other.height
    # Unknown of a photo whose size has not been read, as while it is understood again.
    scale = math.sqrt(pixels / kept_pixels / (share or 1.0)) if kept_pixels and pixels else 1.0
    if scale < 0.97:
        words.append("half the size" if 0.48 < scale < 0.52 else f"{100 * scale:.0f} % of the size")
    elif scale > 1.03:
        words.append(f"enlarged to {100 * scale:.0f} %")
    if other.content_type != kept.content_type:
        words.append(other.content_type.removeprefix("image/").upper())
    elif not words and other.size != kept.size:
        words.append("smaller file" if other.size < kept.size else "larger file")
    if other.known < kept.known:
        words.append("less known about it")
    return ", ".join(["same picture", *words])
