"""Which of the faces that a new model finds in a photo are those that an older one found there. Pure.

By their boxes alone, because embeddings of two models cannot be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""x, y, width, height, in any unit that is the same for both sides."""

LEAST_OVERLAP = 0.3
"""Intersection over union. Detectors cut the same face differently, brow to chin or a square with the hair: the boxes
of the cascades and of YuNet overlapped by 0.50 to 0.80 on 41 faces of LFW. Two heads side by side overlap by less."""


def match(old: Sequence[Box], new: Sequence[Box], *, least: float = LEAST_OVERLAP) -> dict[int, int]:
    """By index of a new face that of the old one, each at most once: the pairs that overlap most come first."""
    pairs = [(-overlap(one, other), i, j) for i, one in enumerate(old) for j, other in enumerate(new)]
    found: dict[int, int] = {}
    taken: set[int] = set()
    for negative, i, j in sorted(pairs):
        if -negative >= least and i not in taken and j not in found:
            found[j] = i
            taken.add(i)
    return found


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, from 0 to 1."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
