"""Several rankings of the same things made into one. Pure.

Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): only ranks count, so that weights of words and cosines of
vectors need no common scale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = 60
"""The paper's constant: how little the first place counts more than the tenth."""

Id = TypeVar("Id")


@dataclass(frozen=True, slots=True)
class Fused(Generic[Id]):
    """One result. ``score`` is 0..1, 1 being first in every ranking; ``scores`` are its own in each that has it."""

    id: Id
    score: float
    scores: Mapping[str, float]


def fuse(
    rankings: Mapping[str, Sequence[tuple[Id, float]]],
    *,
    limit: int,
    unseen: Mapping[str, Collection[Id]] | None = None,
) -> list[Fused[Id]]:
    """The best ``limit`` of some rankings by name, each of (id, score), best first, every id at most once.

    What scores the same in a ranking shares the rank there. Results that come out equal keep the order that the
    rankings gave them, the one that names them earliest first. A ranking that found nothing has no say. The order of
    the rankings makes no difference.

    ``unseen`` are those that a ranking knows nothing of, by its name, where not being found says nothing against them.
    From it they get what the others that are found elsewhere got from it on average.
    """
    parts: dict[str, dict[Id, float]] = {}
    scores: dict[Id, dict[str, float]] = {}
    earliest: dict[Id, tuple[int, str]] = {}
    said = {name: ranked for name, ranked in sorted(rankings.items()) if ranked}
    best = (K + 1) / max(1, len(said))
    if len(said) == 1:  # in its own order
        ((name, ranked),) = said.items()
        return [
            Fused(identity, min(1.0, share * best), {name: score})
            for share, (identity, score) in zip(_shares(ranked), ranked[:limit], strict=False)
        ]
    for name, ranked in said.items():
        part = parts.setdefault(name, {})
        for position, (share, (identity, score)) in enumerate(zip(_shares(ranked), ranked, strict=True), start=1):
            part[identity] = share
            known = scores.get(identity)
            if known is None:
                scores[identity], earliest[identity] = {name: score}, (position, name)
            else:
                known[name] = score
                if position < earliest[identity][0]:
                    earliest[identity] = position, name
    for name, unknown in (unseen or {}).items():
        part = parts.get(name, {})
        like_it = [
            part.get(identity, 0.0) for identity in scores.keys() - set(unknown) if scores[identity].keys() != {name}
        ]
        if part and like_it:
            part |= dict.fromkeys(scores.keys() & set(unknown), sum(like_it) / len(like_it))
    ranks: dict[Id, float] = {}
    for part in parts.values():
        for identity, share in part.items():
            ranks[identity] = ranks.get(identity, 0.0) + share
    order = sorted(ranks, key=lambda identity: (-ranks[identity], earliest[identity]))
    return [Fused(identity, min(1.0, ranks[identity] * best), scores[identity]) for identity in order[:limit]]


def _shares(ranked: Sequence[tuple[Id, float]]) -> Iterator[float]:
    """What a ranking gives to each, in its order: what scores the same shares the first one's rank."""
    share, before = 0.0, None
    for position, (_, score) in enumerate(ranked, start=1):
        if score != before:
            share, before = 1 / (K + position), score
        yield share


def near_the_best(ranked: Sequence[tuple[Id, float]], *, margin: float) -> list[tuple[Id, float]]:
    """Those of a ranking, best first, whose score is at most ``margin`` below the first's."""
    return [(identity, score) for identity, score in ranked if score >= ranked[0][1] - margin]
