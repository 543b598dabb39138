"""Who is who: people as a function of a *set* of faces. Pure.

**The guarantee.** ``group`` depends on the set of faces, the set of corrections and the parameters, and on nothing
else: the same photos uploaded in any order and any batches, with the same log of corrections, give the same people.
``previous`` only saves work and never changes the answer. Faces of one call must come from one model.

How it is reached:

* Embeddings are rounded to a grid on which every product and sum is exact in float32 (``quantise``), so a similarity
  is the same number in any order, block size, BLAS and processor.
* Ties fall by the photo's SHA-256 and the face's box, never by an id, because ids encode the order of upload.
* People are the clusters of constrained average linkage over *founder* faces. Two clusters merge only when their mean
  similarity reaches the threshold, hence only when one pair does: the connected components of the graph of such pairs
  can be clustered apart, exactly, and a new face recomputes only the components it touches.

What else holds:

* Two faces of one photo are never one person, unless a correction says so (collages, mirrors).
* Corrections are law: the newest first, each unless it contradicts newer ones. An undone correction is one that is
  missing from the log, so undo is exact.
* Faces too weak to found a person (``founder=False``) join a person that exists or stay unknown. They never move one.
* A stranger stays unknown: a person needs founders in ``Parameters.min_photos`` photos, or a correction, or a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

GRID = 4000
"""Steps per unit of an embedding's coordinate. |a||b| < 2**24 then holds for rounded unit vectors of up to 1,300
dimensions, and with it every partial sum of a float32 product is an exact integer (Cauchy-Schwarz)."""

_BLOCK = 512  # rows per blocked product: 512 x 50,000 float32 is 100 MB, the largest array of a full regroup

Vectors = NDArray[np.float32]
Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """One detected face. ``box`` is (x, y, width, height) in any unit that is the same for the whole photo; ``row`` is
    its line in the embeddings; ``quality`` is higher for better faces; ``founder`` says that it may found a person."""

    id: UUID
    image_id: UUID
    photo_sha256: bytes
    box: tuple[float, ...]
    quality: float
    founder: bool
    row: int


@dataclass(frozen=True)
class Correction:
    """What a person said about two faces, and when. ``kind`` is ``same`` or ``different``."""

    kind: Literal["same", "different"]
    a: UUID
    b: UUID
    at: datetime


@dataclass(frozen=True)
class Parameters:
    """``threshold``: mean cosine of two clusters that are one person; ``join``: cosine of a weak face with a person's
    centroid; ``min_photos``: see the module; ``exact_limit``: components with more founders are first condensed
    (memory: 17 bytes times its square).

    The defaults are for face-reidentification-retail-0095: on the labelled photos (tests/benchmarks/bench_grouping.py)
    any threshold from 0.20 to 0.40 with a ``join`` 0.05 above it makes no mistake, on either half of the people.
    """

    threshold: float = 0.35
    join: float = 0.40
    min_photos: int = 2
    exact_limit: int = 3000

    @classmethod
    def of_model(cls, same_person_threshold: float) -> Parameters:
        """For a model of the manifest, which knows the cosine of a face with a centroid. Faces are less like one
        another than like their centroid, so that the mean may be a little lower."""
        return cls(threshold=same_person_threshold - 0.05, join=same_person_threshold)


@dataclass(frozen=True)
class Component:
    """Founders that are linked by similarity or corrections, and the clusters among them. ``law`` is what corrections
    and names said about it: while founders and law stay, so do the clusters."""

    founders: frozenset[UUID]
    law: frozenset[tuple[Any, ...]]
    clusters: tuple[frozenset[UUID], ...]


@dataclass(frozen=True)
class Grouping:
    """``clusters``: the people, each a set of face ids, in canonical order; ``unknown``: the faces of nobody;
    ``components``: what ``previous`` reuses; ``recomputed``: founders in components that had to be clustered."""

    clusters: tuple[frozenset[UUID], ...]
    unknown: frozenset[UUID]
    components: tuple[Component, ...] = field(default=(), repr=False)
    recomputed: int = field(default=0, compare=False)


@dataclass
class _Unit:
    """Faces that move as one: a single founder, a must-link group, or a condensed cluster."""

    faces: list[int]
    total: Sums
    founders: int
    photos: set[bytes]
    law: set[int]  # must-link groups inside, for cannot-links
    named: set[UUID]


@dataclass(frozen=True)
class _Problem:
    """Everything one regrouping knows. Faces are numbered in canonical order; ``groups`` gives each face the first face
    of its must-link group, ``cannot`` holds both directions of each cannot-link between such first faces."""

    faces: Sequence[Face]
    vectors: Vectors
    groups: Sequence[int]
    cannot: frozenset[tuple[int, int]]
    names: Mapping[int, UUID]
    rules: Parameters


def quantise(embeddings: NDArray[np.floating[Any]]) -> Vectors:
    """Unit vectors [N, D] on the exact grid, as whole numbers in float32. Zero and non-finite vectors become zero,
    which is similar to nothing."""
    out = np.zeros(embeddings.shape, dtype=np.float32)
    for start in range(0, len(embeddings), _BLOCK):
        block = np.asarray(embeddings[start : start + _BLOCK], dtype=np.float64)
        norms = np.sqrt((block * block).sum(axis=1, keepdims=True))
        usable = np.isfinite(norms) & (norms > 0)
        out[start : start + _BLOCK] = np.rint(np.divide(block * GRID, norms, out=np.zeros_like(block), where=usable))
    return out


def group(
    faces: Sequence[Face],
    embeddings: NDArray[np.floating[Any]],
    *,
    corrections: Iterable[Correction] = (),
    named: Mapping[UUID, UUID] | None = None,
    parameters: Parameters | None = None,
    previous: Grouping | None = None,
) -> Grouping:
    """The people among ``faces``.

    ``embeddings`` is [N, D], a row per face (``Face.row``), normalised or not. ``named`` maps faces by which somebody
    named a person to that person's id: such a person exists even with one face, and two names never merge by
    themselves. ``previous`` must come from the same embeddings and parameters.
    """
    ordered = sorted(faces, key=_canonical)
    index = {face.id: i for i, face in enumerate(ordered)}
    if len(index) != len(ordered):
        raise ValueError("a face occurs twice")
    names = {index[face]: person for face, person in (named or {}).items() if face in index}
    groups, cannot = _law(corrections, index, names)
    problem = _Problem(
        faces=ordered,
        vectors=quantise(np.asarray(embeddings)[[face.row for face in ordered]]) if ordered else np.zeros((0, 1), "f4"),
        groups=groups,
        cannot=cannot,
        names=names,
        rules=parameters or Parameters(),
    )
    reusable = {(c.founders, c.law): c for c in previous.components} if previous else {}
    done: list[Component] = []
    recomputed = 0
    for members in _components(problem, previous):
        founders = frozenset(ordered[i].id for i in members if ordered[i].founder)
        law = _component_law(members, problem)
        component = reusable.get((founders, law))
        if component is None:
            recomputed += len(founders)
            clusters = tuple(frozenset(ordered[i].id for i in cluster) for cluster in _cluster(members, problem))
            component = Component(founders, law, clusters)
        done.append(component)

    found = [sorted(index[face] for face in cluster) for component in done for cluster in component.clusters]
    people = _join([cluster for cluster in sorted(found) if _is_person(cluster, problem)], problem)
    clusters = tuple(frozenset(ordered[i].id for i in person) for person in people)
    unknown = frozenset(index) - frozenset().union(*clusters)
    return Grouping(clusters=clusters, unknown=unknown, components=tuple(done), recomputed=recomputed)


def assign_ids(
    previous: Mapping[UUID, Iterable[UUID]],
    clusters: Sequence[frozenset[UUID]],
    *,
    named: Iterable[UUID] = (),
) -> tuple[UUID | None, ...]:
    """Which person each cluster continues, or None for somebody new; aligned with ``clusters``.

    ``previous`` maps a person's id to the ids of that person's faces; ``named`` are the persons whom somebody named:
    they choose first, so that a name survives a merge with nameless faces. Then the greatest overlap wins; ties fall to
    the cluster that comes first and the smaller id.
    """
    owner = {face: i for i, cluster in enumerate(clusters) for face in cluster}
    first = set(named)
    claims: list[tuple[bool, int, int, UUID]] = []
    for person, faces in previous.items():
        overlap: dict[int, int] = {}
        for face in set(faces):
            if (i := owner.get(face)) is not None:
                overlap[i] = overlap.get(i, 0) + 1
        claims.extend((person not in first, -count, i, person) for i, count in overlap.items())
    ids: list[UUID | None] = [None] * len(clusters)
    taken: set[UUID] = set()
    for _, _, i, person in sorted(claims):
        if ids[i] is None and person not in taken:
            ids[i] = person
            taken.add(person)
    return tuple(ids)


# ---- order and law -------------------------------------------------------------------------------------------------


def _canonical(face: Face) -> tuple[float, bytes, tuple[float, ...], UUID]:
    """Best first. The id decides only between two faces with the same box of the same bytes, which one person's
    library cannot hold."""
    return (-face.quality, face.photo_sha256, face.box, face.id)


def _law(
    corrections: Iterable[Correction], index: Mapping[UUID, int], names: Mapping[int, UUID]
) -> tuple[list[int], frozenset[tuple[int, int]]]:
    """Must-link groups and cannot-links (see ``_Problem``). Facts are taken newest first; one that contradicts what is
    already taken is void. Faces that were given the same name come last."""
    facts = sorted(
        (
            (fact.at, fact.kind == "different", min(index[fact.a], index[fact.b]), max(index[fact.a], index[fact.b]))
            for fact in corrections
            if fact.a in index and fact.b in index and fact.a != fact.b
        ),
        reverse=True,
    )
    namesakes: dict[UUID, list[int]] = {}
    for i in sorted(names):
        namesakes.setdefault(names[i], []).append(i)
    links = [(different, a, b) for _, different, a, b in facts]
    links += [(False, a, b) for same in namesakes.values() for a, b in pairwise(same)]

    parent = list(range(len(index)))
    apart: dict[int, set[int]] = {}

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for different, a, b in links:
        low, high = sorted((find(a), find(b)))
        if low == high or high in apart.get(low, ()):
            continue
        if different:
            apart.setdefault(low, set()).add(high)
            apart.setdefault(high, set()).add(low)
            continue
        parent[high] = low
        for other in apart.pop(high, set()):
            apart[other].discard(high)
            apart[other].add(low)
            apart.setdefault(low, set()).add(other)
    cannot = frozenset((a, b) for a, others in apart.items() for b in others)
    return [find(i) for i in range(len(index))], cannot


def _component_law(members: Sequence[int], problem: _Problem) -> frozenset[tuple[Any, ...]]:
    """Everything but the founders' embeddings that the clusters of a component depend on, by stable ids."""
    inside, groups, faces = set(members), problem.groups, problem.faces
    facts: set[tuple[Any, ...]] = {("named", faces[i].id, problem.names[i]) for i in members if i in problem.names}
    facts |= {("same", faces[i].id, faces[groups[i]].id) for i in members if groups[i] != i}
    facts |= {("different", faces[a].id, faces[b].id) for a, b in problem.cannot if a in inside and b in inside}
    return frozenset(facts)


def _is_person(cluster: Sequence[int], problem: _Problem) -> bool:
    """Enough photos, or somebody's word."""
    if any(i in problem.names or problem.groups[i] != i for i in cluster):
        return True
    return len({problem.faces[i].photo_sha256 for i in cluster}) >= problem.rules.min_photos


# ---- components ----------------------------------------------------------------------------------------------------


def _components(problem: _Problem, previous: Grouping | None) -> Iterator[list[int]]:
    """Connected components of founders with a cosine of at least the threshold, joined by must-links, and of weak faces
    of which somebody said something. Members ascend, components come by their first member."""
    faces, groups = problem.faces, problem.groups
    parent = np.arange(len(faces))
    founders = np.array([i for i, face in enumerate(faces) if face.founder], dtype=np.intp)
    fresh = founders
    if previous is not None:
        index = {faces[i].id: i for i in founders.tolist()}
        # A component that lost a founder may fall apart, and so may one that a must-link held: their faces are as new.
        kept = [c for c in previous.components if c.founders <= index.keys() and not any(f[0] == "same" for f in c.law)]
        for component in kept:
            _unite(parent, np.array([index[face] for face in component.founders], dtype=np.intp))
        known = frozenset().union(*(component.founders for component in kept))
        fresh = np.array([i for i in founders.tolist() if faces[i].id not in known], dtype=np.intp)
    _link(parent, problem.vectors, fresh, founders, least=problem.rules.threshold)
    spoken_for = set(problem.names)
    for i, first in enumerate(groups):
        if first != i:
            _unite(parent, np.array([first, i], dtype=np.intp))
            spoken_for |= {first, i}
    members: dict[int, list[int]] = {}
    for i, root in enumerate(_roots(parent, np.arange(len(faces))).tolist()):
        if faces[i].founder or i in spoken_for:
            members.setdefault(root, []).append(i)
    yield from members.values()


def _link(
    parent: NDArray[np.intp], vectors: Vectors, fresh: NDArray[np.intp], founders: NDArray[np.intp], *, least: float
) -> None:
    """Unite every fresh founder with all founders similar to it (cosine). Blocked; only the part above the diagonal
    when all are fresh."""
    triangular = len(fresh) == len(founders)
    columns = vectors[founders]
    for start in range(0, len(fresh), _BLOCK):
        rows = fresh[start : start + _BLOCK]
        first = start if triangular else 0
        hits = vectors[rows] @ columns[first:].T >= least * GRID * GRID
        # A face always finds itself, unless its embedding is empty; rows with nobody else are done.
        for k in np.flatnonzero(hits.sum(axis=1) > 1).tolist():
            _unite(parent, founders[first + np.flatnonzero(hits[k])])


def _roots(parent: NDArray[np.intp], nodes: NDArray[np.intp]) -> NDArray[np.intp]:
    roots = parent[nodes]
    while not np.array_equal(above := parent[roots], roots):
        roots = above
    return roots


def _unite(parent: NDArray[np.intp], nodes: NDArray[np.intp]) -> None:
    """One component of all nodes, under its smallest root."""
    if len(nodes) == 0:
        return
    roots = _roots(parent, nodes)
    least = roots.min()
    parent[roots] = least
    parent[nodes] = least


# ---- clusters ------------------------------------------------------------------------------------------------------


def _cluster(members: Sequence[int], problem: _Problem) -> list[list[int]]:
    """The clusters of one component, by constrained average linkage."""
    units: dict[int, _Unit] = {}
    for i in members:
        first = problem.groups[i]
        unit = units.get(first)
        if unit is None:
            unit = units[first] = _Unit([], np.zeros(problem.vectors.shape[1]), 0, set(), {first}, set())
        unit.faces.append(i)
        unit.photos.add(problem.faces[i].photo_sha256)
        if i in problem.names:
            unit.named.add(problem.names[i])
        if problem.faces[i].founder:
            unit.total = unit.total + problem.vectors[i]
            unit.founders += 1
    ranked = [units[key] for key in sorted(units)]
    # Units without a founder have no vector: they stand as somebody made them.
    mute = [unit for unit in ranked if not unit.founders]
    loud = [unit for unit in ranked if unit.founders]
    threshold = problem.rules.threshold
    # A huge component (thousands of photos of a child) is condensed first, from surely the same downwards.
    for step in (0.75, 0.5, 0.25, 0.0):
        if len(loud) <= problem.rules.exact_limit:
            break
        loud = _condense(loud, problem.cannot, threshold + step * (1 - threshold))
    if 1 < len(loud) <= problem.rules.exact_limit:
        loud = _average_linkage(loud, problem.cannot, threshold)
    return [sorted(unit.faces) for unit in mute + loud]


def _conflict(a: _Unit, b: _Unit, cannot: frozenset[tuple[int, int]]) -> bool:
    """Whether two units must not become one by themselves."""
    if not a.photos.isdisjoint(b.photos) or (a.named and b.named and a.named != b.named):
        return True
    return bool(cannot) and any((x, y) in cannot for x in a.law for y in b.law)


def _copy(unit: _Unit) -> _Unit:
    return _Unit(list(unit.faces), unit.total, unit.founders, set(unit.photos), set(unit.law), set(unit.named))


def _absorb(a: _Unit, b: _Unit) -> None:
    a.faces += b.faces
    a.total = a.total + b.total
    a.founders += b.founders
    a.photos |= b.photos
    a.law |= b.law
    a.named |= b.named


def _condense(units: Sequence[_Unit], cannot: frozenset[tuple[int, int]], threshold: float) -> list[_Unit]:
    """One pass in canonical order: each unit joins the cluster with the highest mean similarity that it may join."""
    sums = np.zeros((len(units), len(units[0].total)))
    sizes = np.zeros(len(units))
    out: list[_Unit] = []
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


def _conflicts(units: Sequence[_Unit], cannot: frozenset[tuple[int, int]]) -> NDArray[np.bool_]:
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


def _average_linkage(units: Sequence[_Unit], cannot: frozenset[tuple[int, int]], threshold: float) -> list[_Unit]:
    """Average linkage by chains of nearest neighbours (Benzécri 1982; Müllner, arXiv:1109.2378, section 3.1): n² time
    and memory. A cannot-link counts as minus infinity and passes to what a unit merges into, which keeps the
    reducibility on which the chains rest. Means come from exact sums of products, so no order of merging shows."""
    vectors = np.stack([unit.total for unit in units])
    sums = vectors @ vectors.T
    sizes = np.array([unit.founders for unit in units], dtype=np.float64)
    blocked = _conflicts(units, cannot)
    least = threshold * GRID * GRID
    alive = np.ones(len(units), dtype=bool)
    merged_units: list[_Unit | None] = [_copy(unit) for unit in units]
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


# ---- weak faces ----------------------------------------------------------------------------------------------------


def _join(people: list[list[int]], problem: _Problem) -> list[list[int]]:
    """Weak faces join the person whose centroid is nearest, best pairs first, one face of a photo per person."""
    faces, vectors = problem.faces, problem.vectors
    placed = {i for person in people for i in person}
    weak = [i for i, face in enumerate(faces) if not face.founder and i not in placed]
    founders = {k: [i for i in person if faces[i].founder] for k, person in enumerate(people)}
    voiced = [k for k, those in founders.items() if those]
    if not weak or not voiced:
        return people
    totals = np.stack([vectors[founders[k]].sum(axis=0, dtype=np.float64) for k in voiced])
    lengths = np.sqrt((totals * totals).sum(axis=1))
    lengths[lengths == 0] = np.inf
    pairs: list[tuple[float, int, int]] = []
    for start in range(0, len(weak), _BLOCK):
        rows = weak[start : start + _BLOCK]
        cosines = vectors[rows].astype(np.float64) @ totals.T / (lengths * GRID)
        pairs += [
            (-float(cosines[r, c]), rows[r], voiced[c]) for r, c in np.argwhere(cosines >= problem.rules.join).tolist()
        ]
    photos = [{faces[i].photo_sha256 for i in person} for person in people]
    owner = {i: k for k, person in enumerate(people) for i in person}
    apart: dict[int, set[int]] = {}
    for a, b in problem.cannot:
        if a in owner:
            apart.setdefault(owner[a], set()).add(b)
    joined = [list(person) for person in people]
    for _, i, k in sorted(pairs):
        if i in placed or faces[i].photo_sha256 in photos[k] or i in apart.get(k, ()):
            continue
        placed.add(i)
        photos[k].add(faces[i].photo_sha256)
        joined[k].append(i)
        for a, b in problem.cannot:
            if a == i:
                apart.setdefault(k, set()).add(b)
    return [sorted(person) for person in joined]
