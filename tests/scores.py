"""How well photos were parted into trips or events, against a known truth.

*Boundary F1*: a segment's beginning and its end are right when a true one of the same kind lies within a tolerance;
each true one counts once. *Pairwise F1*: of all pairs of photos, those that are in one segment in both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from photovault.drafts import Photo


@dataclass(frozen=True)
class Score:
    """True positives, all found, all true; added over libraries."""

    right: float = 0
    found: float = 0
    true: float = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.found + other.found, self.true + other.true)

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 1.0


def boundaries(photos: Sequence[Photo], found: Mapping[UUID, str], true: Mapping[UUID, str], *, hours: float) -> Score:
    """Beginnings and ends, matched one to one in order of time."""
    local = {photo.id: photo.local for photo in photos}
    right = total_found = total_true = 0
    sides: tuple[Callable[[list[datetime]], datetime], ...] = (min, max)
    for side in sides:
        ours, theirs = (sorted(_ends(labels, local, side)) for labels in (found, true))
        total_found, total_true = total_found + len(ours), total_true + len(theirs)
        at = 0
        for moment in ours:
            while at < len(theirs) and theirs[at] < moment - timedelta(hours=hours):
                at += 1
            if at < len(theirs) and theirs[at] <= moment + timedelta(hours=hours):
                right, at = right + 1, at + 1
    return Score(right, total_found, total_true)


def _ends(
    labels: Mapping[UUID, str], local: Mapping[UUID, datetime], side: Callable[[list[datetime]], datetime]
) -> Iterable[datetime]:
    segments: dict[str, list[datetime]] = defaultdict(list)
    for image, label in labels.items():
        segments[label].append(local[image])
    return (side(moments) for moments in segments.values())


def pairs(found: Mapping[UUID, str], true: Mapping[UUID, str]) -> Score:
    """Pairs of photos that are together."""
    both = Counter((label, true[image]) for image, label in found.items() if image in true)
    return Score(*(_pairs(count.values()) for count in (both, Counter(found.values()), Counter(true.values()))))


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
