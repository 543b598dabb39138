"""Constrained average linkage over face embeddings: the clusters of one connected component. Pure.

Embeddings are rounded to a grid on which every product and sum is exact (``quantise``), so a similarity is the same
number in any order, block size, BLAS and processor; nothing here depends on an order but the one that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

GRID = 4000
"""Steps per unit of an embedding's coordinate. |a||b| < 2**24 then holds for rounded unit vectors of up to 1,300
dimensions, and with it every partial sum of a float32 product is an exact integer (Cauchy-Schwarz)."""

BLOCK = 512  # rows per blocked product: 512 x 50,000 float32 is 100 MB, the largest array of a full regroup

Vectors = NDArray[np.float32]
Sums = NDArray[np.float64]


def quantise(embeddings: NDArray[np.floating[Any]]) -> Vectors:
    """Unit vectors [N, D] on the exact grid, as whole numbers in float32. Zero and non-finite vectors become zero,
    which is similar to nothing."""
    out = np.zeros(embeddings.shape, dtype=np.float32)
    for start in range(0, len(embeddings), BLOCK):
        block = np.asarray(embeddings[start : start + BLOCK], dtype=np.float64)
        norms = np.sqrt((block * block).sum(axis=1, keepdims=True))
        usable = np.isfinite(norms) & (norms > 0)
        out[start : start + BLOCK] = np.rint(np.divide(block * GRID, norms, out=np.zeros_like(block), where=usable))
    return out


@dataclass
class Unit:
    """Faces that move as one: a single founder, a must-link group, or a condensed cluster. ``total`` sums the
    ``founders`` embeddings among them; ``law`` holds the must-link groups inside, by which cannot-links speak."""

    faces: list[int]
    total: Sums
    founders: int
    photos: set[bytes]
    law: set[int]
    named: set[UUID]


Cannot = frozenset[tuple[int, int]]
"""Both directions of each cannot-link, between must-link groups."""


def linked(units: Sequence[Unit], cannot: Cannot, *, threshold: float, exact_limit: int) -> list[Unit]:
    """The clusters among ``units``, which come in canonical order and have founders. More than ``exact_limit`` of them
    (thousands of photos of a child) are condensed first, from surely the same downwards."""
    for step in (0.5, 0.25, 0.0):
        if len(units) <= exact_limit:
            break
        units = _condense(units, cannot, threshold + step * (1 - threshold))
    if 1 < len(units) <= exact_limit:
        return _average_linkage(units, cannot, threshold)
    return list(units)


def _conflict(a: Unit, b: Unit, cannot: Cannot) -> bool:
    """Whether two units must not become one by themselves."""
    if not a.photos.isdisjoint(b.photos) or (a.named and b.named and a.named != b.named):
        return True
    return bool(cannot) and any((x, y) in cannot for x in a.law for y in b.law)


def _copy(unit: Unit) -> Unit:
    return Unit(list(unit.faces), unit.total, unit.founders, set(unit.photos), set(unit.law), set(unit.named))


def _absorb(a: Unit, b: Unit) -> None:
    a.faces += b.faces
    a.total = a.total + b.total
    a.founders += b.founders
    a.photos |= b.photos
    a.law |= b.law
    a.named |= b.named


def _condense(units: Sequence[Unit], cannot: Cannot, threshold: float) -> list[Unit]:
    """One pass in canonical order: each unit joins the cluster with the highest mean similarity that it may join."""
    sums = np.zeros((len(units), len(units[0].total)))
    sizes = np.zeros(len(units))
    out: list[Unit] = []
    for unit in units:
        near = sums[: len(out)] @ unit.total / (sizes[: len(out)] * unit.founders * GRID * GRID)
        candidates = np.flatnonzero(near >= threshold)
        for k in candidates[np.argsort(-near[candidates], kind="stable")].tolist():
            if not _conflict(out[k], unit, cannot):
                _absorb(out[k], unit)
                break
        else:
            k = len(out)
            out.append(_copy(unit))
        sums[k] = out[k].total
        sizes[k] = out[k].founders
    return out


def _conflicts(units: Sequence[Unit], cannot: Cannot) -> NDArray[np.bool_]:
    """Who may not merge with whom [n, n], without comparing all pairs of sets."""
    blocked = np.eye(len(units), dtype=bool)
    by_photo: dict[bytes, list[int]] = {}
    by_law: dict[int, int] = {}
    named: list[int] = []
    for k, unit in enumerate(units):
        for photo in unit.photos:
            by_photo.setdefault(photo, []).append(k)
        by_law.update((law, k) for law in unit.law)
        if unit.named:
            named.append(k)
    for sharing in by_photo.values():
        if len(sharing) > 1:
            blocked[np.ix_(sharing, sharing)] = True
    for a, b in cannot:
        if a in by_law and b in by_law:
            blocked[by_law[a], by_law[b]] = blocked[by_law[b], by_law[a]] = True
    for a in named:
        for b in named:
            if units[a].named != units[b].named:
                blocked[a, b] = True
    return blocked


def _average_linkage(units: Sequence[Unit], cannot: Cannot, threshold: float) -> list[Unit]:
    """Average linkage by chains of nearest neighbours (Benzécri 1982; Müllner, arXiv:1109.2378, section 3.1): n² time
    and memory. A cannot-link counts as minus infinity and passes to what a unit merges into, which keeps the
    reducibility on which the chains rest. Means come from exact sums of products, so no order of merging shows."""
    vectors = np.stack([unit.total for unit in units])
    sums = vectors @ vectors.T
    sizes = np.array([unit.founders for unit in units], dtype=np.float64)
    blocked = _conflicts(units, cannot)
    least = threshold * GRID * GRID
    alive = np.ones(len(units), dtype=bool)
    merged_units: list[Unit | None] = [_copy(unit) for unit in units]
    finished: list[int] = []
    chain: list[int] = []
    while alive.any():
        if not chain:
            chain.append(int(np.argmax(alive)))
        top = chain[-1]
        mean = np.where(alive & ~blocked[top], sums[top] / (sizes * sizes[top]), -np.inf)
        best = int(np.argmax(mean))
        if len(chain) > 1 and mean[chain[-2]] == mean[best]:
            best = chain[-2]
        if mean[best] < least:
            # Nothing that is left, nor anything made of it, can come nearer: this one is complete.
            alive[top] = False
            finished.append(top)
            chain.pop()
        elif len(chain) > 1 and best == chain[-2]:
            del chain[-2:]
            low, high = sorted((top, best))
            alive[high] = False
            into, gone = merged_units[low], merged_units[high]
            if into is not None and gone is not None:
                _absorb(into, gone)
            merged_units[high] = None
            sums[low] += sums[high]
            sums[:, low] = sums[low]
            sizes[low] += sizes[high]
            blocked[low] |= blocked[high]
            blocked[:, low] = blocked[low]
        else:
            chain.append(best)
    return [unit for k in sorted(finished) if (unit := merged_units[k]) is not None]
