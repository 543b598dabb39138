"""Where to cut off what a model finds, from pictures and texts of which it is known what belongs together. Pure.

A floor is chosen by what must not be found, and then it is told what is lost by it: texts that mean nothing answer in
no more than a stated share of cases. As a best match of many pictures is better than one of few, a floor holds for
libraries of about as many pictures as it was measured on, and is too low for much larger ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[Any]]

# Of the pictures that a query is about and that are over the floor, so many are to be within the margin, too.
WITHIN_MARGIN = 0.95
# What hardly says anything: how near a picture lies to these is how near it lies to any text.
NEUTRAL = ("a photo", "a picture", "an image", "something", "a photo of something")


@dataclass(frozen=True)
class Spread:
    """Five marks of a set of cosines: the lowest, a twentieth, the middle, all but a twentieth, the highest."""

    count: int
    marks: tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Way:
    """A way to score a picture for a text: the floor that keeps nonsense to the stated share, and what it keeps.

    ``kept``: of the texts, how many find their own picture.
    """

    name: str
    floor: float
    kept: float


@dataclass(frozen=True)
class Texts:
    """What texts and pictures gave. ``best_of_nonsense``: the best picture's cosine, of each text that means nothing.

    ``answers``: how many pictures a text finds on average within floor and margin. ``ways`` begins with the cosine as
    it is, which is what search goes by.
    """

    own: Spread
    others: Spread
    best_of_nonsense: Spread
    floor: float
    margin: float
    kept: float
    answers: float
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class LookAlikes:
    """What pictures and altered copies of them gave. ``nearest``: of each picture, the most similar other one.

    ``kept``: by kind of copy, how many are still found.
    """

    nearest: Spread
    floor: float
    kept: Mapping[str, float]


def spread(values: Floats) -> Spread:
    import numpy as np

    low, twentieth, middle, most, high = (float(mark) for mark in np.quantile(values, (0, 0.05, 0.5, 0.95, 1)))
    return Spread(int(np.size(values)), (low, twentieth, middle, most, high))


def floor_for(best: Floats, *, share: float) -> float:
    """The lowest floor, to a thousandth, that at most this ``share`` (less than 1) of the values reaches."""
    import numpy as np

    ordered = np.sort(best)[::-1]
    first_out = float(ordered[math.floor(share * len(ordered))])
    return math.floor(first_out * 1000 + 1) / 1000


def texts(cosines: Floats, own: Sequence[int], *, nonsense: Floats, neutral: Floats, false_answers: float) -> Texts:
    """Cut-offs for texts, from N texts x M pictures, of which ``own`` names the picture of each text.

    ``nonsense`` and ``neutral`` are K x M. ``false_answers`` is the share of nonsense that may find something.
    """
    import numpy as np

    rows = np.arange(len(own))
    of_own = cosines[rows, list(own)]
    others = np.ones(cosines.shape, dtype=bool)
    others[rows, list(own)] = False

    def way(name: str, scores: Floats, of_nonsense: Floats) -> Way:
        floor = floor_for(of_nonsense.max(axis=1), share=false_answers)
        return Way(name, floor, float((scores[rows, list(own)] >= floor).mean()))

    def standard(scores: Floats) -> Floats:
        deviation = np.maximum(scores.std(axis=1, keepdims=True), 1e-9)
        return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / deviation)

    ways = [way("cosine", cosines, nonsense)]
    base = neutral.mean(axis=0)
    ways.append(way("cosine, less that of neutral texts", cosines - base, nonsense - base))
    ways.append(way("deviations from the query's mean", standard(cosines), standard(nonsense)))
    floor = ways[0].floor
    behind = (cosines.max(axis=1) - of_own)[of_own >= floor]
    margin = math.ceil(float(np.quantile(behind, WITHIN_MARGIN)) * 1000) / 1000 if len(behind) else 0.0
    found = (cosines >= floor) & (cosines >= cosines.max(axis=1, keepdims=True) - margin)
    return Texts(
        own=spread(of_own),
        others=spread(cosines[others]),
        best_of_nonsense=spread(nonsense.max(axis=1)),
        floor=floor,
        margin=margin,
        kept=float(found[rows, list(own)].mean()),
        answers=float(found.sum(axis=1).mean()),
        ways=tuple(ways),
    )


def look_alikes(pictures: Floats, copies: Mapping[str, Floats], *, false_answers: float) -> LookAlikes:
    """A floor for pictures, from M vectors of different pictures and, by kind, those of a copy of each.

    ``false_answers`` is the share of pictures that may find one that is no copy.
    """
    import numpy as np

    among = pictures @ pictures.T
    np.fill_diagonal(among, -1.0)
    nearest = among.max(axis=1)
    floor = floor_for(nearest, share=false_answers)
    kept = {kind: float(((pictures * found).sum(axis=1) >= floor).mean()) for kind, found in copies.items()}
    return LookAlikes(nearest=spread(nearest), floor=floor, kept=kept)
