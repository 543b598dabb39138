"""Who is who: people as a function of a *set* of faces and the log of corrections. Pure.

**The guarantee.** ``group`` depends on the set of faces, the corrections that stand and the parameters, and on nothing
else: the same photos uploaded in any order and any batches, with the same log, give the same people. ``previous`` only
saves work and never changes the answer. Faces of one call must come from one model.

**The definition.**

1. Canonical order: best quality first, ties by the photo's SHA-256, then by the face's box. Ids never decide, because
   they encode the order of upload. Embeddings are rounded so that similarities are exact (``linkage.quantise``).
2. Corrections become must-links and cannot-links: the newest first, each unless it contradicts newer ones. An undone
   correction is one that is missing from the log, so undo is exact.
3. *Founders* are faces good enough to found a person. They are clustered by constrained average linkage, down to a
   mean cosine of ``threshold``. Two faces of one photo are never one person, unless a correction says so (collages).
4. A cluster is a person when its faces come from ``min_photos`` photos or when a correction made it. So strangers in
   the background stay unknown.
5. Every other face, weak or alone, is a *leaf*: it joins the person whose centroid of founders is nearest, from a
   cosine of ``join`` upwards, best pairs first. Leaves never move a person, so blurred faces chain nobody together.
6. A leaf that somebody gave a name and that joins nobody is a person by that name; other leaves may join it then.
7. A founder that is still alone may take in weak faces, from a cosine of ``threshold`` upwards, and is a person with
   them when that makes ``min_photos`` photos: somebody of whom there are but two photos, one of them blurred.

**What is incremental, and why it equals the full run.** Clusters merge only when their mean similarity reaches the
threshold, hence only when one pair of faces does: the connected components of the graph of such pairs (and of
must-links) are clustered apart, exactly. A component whose founders and corrections are those of ``previous`` keeps its
clusters. A new founder is compared with all founders once and recomputes the components that it touches. A leaf depends
on the persons near it and on the faces in its own photo alone: only leaves near a changed person, leaves in photos with
a changed face, and leaves that somebody spoke of are placed anew. ``threshold`` lies well above ``join`` not only for
precision: the cosines of strangers spread by 0.11, and at 0.35 a library of 8,000 faces is one component, at 0.50 the
largest component is the largest person.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from photovault.grouping_memory import BY_NAME, NOBODY, PERSON, Memory
from photovault.linkage import BLOCK, GRID, Cannot, Sums, Unit, Vectors, linked, quantise

# Up to so many new faces or changed persons are looked up among all faces; for more, one pass over all is cheaper.
FEW = 64

# A look-up asks for a little less than what it needs: half precision and the grid move a cosine by less than this
# (sqrt(D) / GRID for D dimensions, 0.009 at 1,180).
SLACK = 0.02

Ints = NDArray[np.intp]


class AnyFace(Protocol):
    """A detected face, as a row of the database or a ``Face``. ``box`` is (x, y, width, height) in any unit that is the
    same for the whole photo; ``quality`` is higher for better faces; ``founder`` says that it may found a person."""

    @property
    def id(self) -> UUID: ...
    @property
    def photo_sha256(self) -> bytes: ...
    @property
    def box(self) -> tuple[float, ...]: ...
    @property
    def quality(self) -> float: ...
    @property
    def founder(self) -> bool: ...


@dataclass(frozen=True)
class Face:
    """A face whose embedding is in memory: ``row`` is its line in the ``Matrix``."""

    id: UUID
    photo_sha256: bytes
    box: tuple[float, ...]
    quality: float
    founder: bool
    row: int = 0


@dataclass(frozen=True)
class Correction:
    """What a person said about two faces, and when. ``kind`` is ``same`` or ``different``."""

    kind: Literal["same", "different"]
    a: UUID
    b: UUID
    at: datetime


@dataclass(frozen=True)
class Parameters:
    """``threshold``: mean cosine of two clusters that are one person; ``join``: cosine of a leaf with a person's
    centroid; ``min_photos``: see the module; ``exact_limit``: components with more founders are first condensed
    (memory: 17 bytes times its square).

    The defaults are for face-reidentification-retail-0095. They were chosen on the calibration people of
    tests/benchmarks/bench_people.py, which also prints what they give on the people held out.

    There every threshold from 0.30 to 0.65 finds the same people, without an error. With each of these faces spoilt
    in some way of tests/benchmarks/bench_faces.py (blur, noise, light, tilt, a mask), 0.40 finds 0.88 of the pairs,
    0.45 0.84, 0.50 0.75 and 0.55 0.62, none of them wrongly from 0.50 upwards. But a library holds strangers by the
    hundred, and of a million pairs of two people 19 reach 0.45 and two 0.50: hence 0.50.
    """

    threshold: float = 0.50
    join: float = 0.45
    min_photos: int = 2
    exact_limit: int = 1000

    @classmethod
    def of_model(cls, same_person_threshold: float) -> Parameters:
        """For a model of the manifest, which knows from which cosine with a centroid a face *can* be the person.

        Grouping is stricter, because a library holds more pairs of strangers than any test: their number grows with the
        square of the faces, that of lost faces does not.
        """
        return cls(threshold=same_person_threshold + 0.10, join=same_person_threshold + 0.05)


class Embeddings(Protocol):
    """Where embeddings come from: a ``Matrix``, or the database, which need not send what nobody asks for."""

    def rows(self, faces: Sequence[AnyFace]) -> Vectors:
        """Of these faces, in their order, quantised [N, D]."""
        ...

    def near(self, probes: Sums, *, least: float) -> Sequence[Iterable[UUID]]:
        """For each probe [P, D], of any length: at least all faces with a cosine of ``least`` or more."""
        ...


class Matrix:
    """The embeddings [N, D] of faces in memory, normalised or not; each face says which row is its own."""

    def __init__(self, embeddings: NDArray[np.floating[Any]], faces: Sequence[Face]) -> None:
        self._vectors = quantise(embeddings)
        self._row = {face.id: face.row for face in faces}
        self._ids: dict[int, list[UUID]] = {}
        for face in faces:
            self._ids.setdefault(face.row, []).append(face.id)

    def rows(self, faces: Sequence[AnyFace]) -> Vectors:
        return self._vectors[[self._row[face.id] for face in faces]]

    def near(self, probes: Sums, *, least: float) -> Sequence[Iterable[UUID]]:
        lengths = np.sqrt((probes * probes).sum(axis=1, keepdims=True))
        unit = np.divide(probes, lengths, out=np.zeros_like(probes), where=lengths > 0).astype(np.float32)
        cosines = self._vectors @ unit.T / GRID
        close = cosines >= least - SLACK
        rows = (np.flatnonzero(close[:, k]).tolist() for k in range(len(probes)))
        return [[face for row in some for face in self._ids.get(row, ())] for some in rows]


@dataclass(frozen=True, eq=False)
class Grouping:
    """The people among ``faces``: ``owner`` gives each face, in ``ranks``' canonical order, a number of somebody or -1.

    ``memory`` is what the next call takes as ``previous``. ``recomputed`` counts the founders in components that had
    to be clustered, ``placed`` the leaves that had to be placed.
    """

    faces: Sequence[AnyFace]
    ranks: Ints
    owner: Ints
    memory: Memory
    recomputed: int
    placed: int

    @cached_property
    def clusters(self) -> tuple[frozenset[UUID], ...]:
        """The people, each a set of face ids, in canonical order."""
        rows = np.flatnonzero(self.owner >= 0)
        rows = rows[np.argsort(self.ranks[rows])]
        people: dict[int, list[UUID]] = {}
        for i, somebody in zip(rows.tolist(), self.owner[rows].tolist(), strict=True):
            people.setdefault(somebody, []).append(self.faces[i].id)
        return tuple(frozenset(person) for person in people.values())

    @cached_property
    def unknown(self) -> frozenset[UUID]:
        """The faces of nobody."""
        return frozenset(self.faces[i].id for i in np.flatnonzero(self.owner < 0).tolist())


@dataclass(frozen=True)
class _Law:
    """What was said, with faces as numbers. ``groups`` gives faces the first face of their must-link group, where they
    have one with others; ``cannot`` holds cannot-links between first faces."""

    groups: Mapping[int, int]
    cannot: Cannot
    names: Mapping[int, UUID]

    def group(self, i: int) -> int:
        return self.groups.get(i, i)

    @property
    def members(self) -> set[int]:
        """Faces that belong to a component though they be weak: somebody said who they are."""
        return {*self.groups, *self.names}

    @property
    def told(self) -> set[int]:
        """Every face that anything was said of."""
        return self.members | {i for pair in self.cannot for i in pair}


@dataclass(frozen=True)
class _Problem:
    """Everything one regrouping knows. Faces are numbered as they were given, and found again by the bytes of their
    ids (hashed much faster than a UUID); ``ranks`` is their canonical order."""

    faces: Sequence[AnyFace]
    ids: tuple[bytes, ...]
    index: Mapping[bytes, int]
    ranks: Ints
    founder: NDArray[np.bool_]
    embeddings: Embeddings
    law: _Law
    rules: Parameters

    def rows(self, numbers: Iterable[int]) -> Vectors:
        return self.embeddings.rows([self.faces[i] for i in numbers])

    def photo(self, i: int) -> bytes:
        return self.faces[i].photo_sha256


def group(
    faces: Sequence[AnyFace],
    embeddings: Embeddings,
    *,
    corrections: Iterable[Correction] = (),
    named: Mapping[UUID, UUID] | None = None,
    parameters: Parameters | None = None,
    previous: Memory | None = None,
) -> Grouping:
    """The people among ``faces``.

    ``named`` maps faces by which somebody named a person to that person's id: two names never merge by themselves.
    ``previous`` must come from the same embeddings; one of other parameters is passed over. Raises ``ValueError`` for a
    face given twice.
    """
    ids = tuple(face.id.bytes for face in faces)
    index = {face: i for i, face in enumerate(ids)}
    if len(index) != len(faces):
        raise ValueError("a face occurs twice")
    rules = parameters or Parameters()
    ranks = _ranks(faces)
    problem = _Problem(
        faces=faces,
        ids=ids,
        index=index,
        ranks=ranks,
        founder=np.fromiter((face.founder for face in faces), dtype=bool, count=len(faces)),
        embeddings=embeddings,
        law=_law(corrections, index, named or {}, ranks),
        rules=rules,
    )
    recalled = _recall(previous if previous and previous.rules == _signature(rules) else Memory.empty(), problem)
    founded = _found(problem, recalled)
    joined, placed = _join(problem, recalled, founded)
    return _result(problem, founded, joined, placed)


def assign_ids(
    previous: Mapping[UUID, Iterable[UUID]],
    clusters: Sequence[frozenset[UUID]],
    *,
    named: Iterable[UUID] = (),
    anchors: Mapping[UUID, UUID] | None = None,
) -> tuple[UUID | None, ...]:
    """Which person each cluster continues, or None for somebody new; aligned with ``clusters``.

    ``previous`` maps a person's id to the ids of that person's faces; ``anchors`` maps faces by which somebody named a
    person to that person, who goes where the face goes; ``named`` are all persons whom somebody named or hid: they
    choose next, so that a name survives a merge with nameless faces. Then the greatest overlap wins; ties fall to the
    cluster that comes first and the smaller id.
    """
    owner = {face: i for i, cluster in enumerate(clusters) for face in cluster}
    home = {person: owner[face] for face, person in (anchors or {}).items() if face in owner}
    first = set(named)
    claims: list[tuple[bool, bool, int, int, UUID]] = []
    for person, faces in previous.items():
        overlap = Counter(i for face in set(faces) if (i := owner.get(face)) is not None)
        claims += [(home.get(person) != i, person not in first, -n, i, person) for i, n in overlap.items()]
    ids: list[UUID | None] = [None] * len(clusters)
    taken: set[UUID] = set()
    for *_, i, person in sorted(claims):
        if ids[i] is None and person not in taken:
            ids[i] = person
            taken.add(person)
    return tuple(ids)


# ---- order and law -------------------------------------------------------------------------------------------------


def _ranks(faces: Sequence[AnyFace]) -> Ints:
    """The place of each face in the canonical order. The id decides only between two faces with the same box of the
    same bytes, which one person's library cannot hold."""
    qualities = np.fromiter((face.quality for face in faces), dtype=np.float64, count=len(faces))
    order = np.argsort(-qualities, kind="stable")
    sorted_qualities = qualities[order]
    # Only runs of one quality need the rest of the key.
    starts = np.flatnonzero(np.r_[True, sorted_qualities[1:] != sorted_qualities[:-1]]) if len(faces) else order
    ends = np.r_[starts[1:], len(faces)]
    for start, end in zip(starts[ends - starts > 1].tolist(), ends[ends - starts > 1].tolist(), strict=True):
        tied = [(faces[i].photo_sha256, faces[i].box, faces[i].id, i) for i in order[start:end].tolist()]
        order[start:end] = [i for *_, i in sorted(tied)]
    ranks = np.empty(len(faces), dtype=np.intp)
    ranks[order] = np.arange(len(faces))
    return ranks


def _law(
    corrections: Iterable[Correction], index: Mapping[bytes, int], named: Mapping[UUID, UUID], ranks: Ints
) -> _Law:
    """Facts are taken newest first; one that contradicts what is already taken is void. Faces that were given the same
    name come last."""
    names = {i: who for face, who in named.items() if (i := index.get(face.bytes)) is not None}
    facts = []
    for fact in corrections:
        a, b = index.get(fact.a.bytes), index.get(fact.b.bytes)
        if a is not None and b is not None and a != b:
            low, high = sorted((a, b), key=lambda i: int(ranks[i]))
            facts.append((fact.at, fact.kind == "different", int(ranks[low]), int(ranks[high]), low, high))
    namesakes: dict[UUID, list[int]] = {}
    for i in sorted(names, key=lambda i: int(ranks[i])):
        namesakes.setdefault(names[i], []).append(i)
    links = [(different, low, high) for _, different, _, _, low, high in sorted(facts, reverse=True)]
    links += [(False, a, b) for same in namesakes.values() for a, b in pairwise(same)]

    parent = {i: i for _, a, b in links for i in (a, b)}
    apart: dict[int, set[int]] = {}

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for different, a, b in links:
        low, high = sorted((find(a), find(b)), key=lambda i: int(ranks[i]))
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
    firsts = {i: find(i) for i in parent}
    shared = {first for i, first in firsts.items() if first != i}
    return _Law(
        groups={i: first for i, first in firsts.items() if first in shared},
        cannot=frozenset((a, b) for a, others in apart.items() for b in others),
        names=names,
    )


def _decree(members: Sequence[int], problem: _Problem) -> bytes:
    """A digest of everything but the founders' embeddings that the clusters of a component depend on, by stable ids;
    empty when nothing was said."""
    law, ids, inside = problem.law, problem.ids, set(members)
    said = [(b"named", ids[i], law.names[i].bytes) for i in inside & law.names.keys()]
    said += [(b"same", ids[i], ids[law.groups[i]]) for i in inside & law.groups.keys()]
    said += [(b"apart", ids[a], ids[b]) for a, b in law.cannot if a in inside and b in inside]
    return hashlib.sha256(b"".join(part for fact in sorted(said) for part in fact)).digest()[:16] if said else b""


def _signature(rules: Parameters) -> tuple[float, ...]:
    return (rules.threshold, rules.join, rules.min_photos, rules.exact_limit)


# ---- what is left of the last time ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Recalled:
    """``memory`` in terms of the faces of now: ``at`` gives the number of each face it knew, or -1; ``component`` the
    other way round each face's old component, or -1; ``stands`` says which components are as they were."""

    memory: Memory
    at: Ints
    component: Ints
    stands: NDArray[np.bool_]


def _recall(memory: Memory, problem: _Problem) -> _Recalled:
    at = np.fromiter((problem.index.get(face, -1) for face in memory.faces), dtype=np.intp, count=len(memory.faces))
    component = np.full(len(problem.faces), -1, dtype=np.intp)
    here = at >= 0
    component[at[here]] = memory.component[here]
    stands = np.ones(len(memory.laws), dtype=bool)
    stands[memory.component[~here & (memory.component >= 0)]] = False
    spoken = {int(component[i]) for i in problem.law.told} | {c for c, said in enumerate(memory.laws) if said}
    members = _by_number(component, wanted=spoken - {-1})
    for c, inside in members.items():
        if _decree(inside, problem) != memory.laws[c]:
            stands[c] = False
    return _Recalled(memory, at, component, stands)


def _where(numbers: Ints, true: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each number whether that of it is true; -1 is nothing of which anything is true."""
    out = numbers >= 0
    out[out] = true[numbers[out]]
    return out


def _by_number(numbers: Ints, *, wanted: set[int]) -> dict[int, list[int]]:
    """Who has each of the wanted numbers."""
    found: dict[int, list[int]] = {number: [] for number in wanted}
    if wanted:
        for i in np.flatnonzero(np.isin(numbers, list(wanted))).tolist():
            found[int(numbers[i])].append(i)
    return found


# ---- founders: components and their clusters -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Founded:
    """Components and clusters of founders, by number of face (-1: none). ``kinds`` of clusters; ``targets`` are the
    persons with a centroid, ``totals`` [T, D] the sums of their founders. ``fresh`` are the clusters of components that
    had to be clustered, ``renumbered`` maps old cluster numbers, or to -1."""

    component: Ints
    cluster: Ints
    laws: tuple[bytes, ...]
    kinds: NDArray[np.int8]
    targets: Ints
    totals: Sums
    fresh: Ints
    renumbered: Ints
    recomputed: int


def _found(problem: _Problem, recalled: _Recalled) -> _Founded:
    memory = recalled.memory
    standing, touched = _components(problem, recalled)

    # What stands is numbered anew, without gaps.
    component_numbers = np.where(standing, np.cumsum(standing) - 1, -1)
    kept = _where(memory.component, standing) & (recalled.at >= 0)
    stands = np.zeros(len(memory.kinds), dtype=bool)
    stands[memory.cluster[kept]] = True
    renumbered = np.where(stands, np.cumsum(stands) - 1, -1)
    component = np.full(len(problem.faces), -1, dtype=np.intp)
    cluster = np.full(len(problem.faces), -1, dtype=np.intp)
    component[recalled.at[kept]] = component_numbers[memory.component[kept]]
    cluster[recalled.at[kept]] = renumbered[memory.cluster[kept]]
    laws = [memory.laws[c] for c in np.flatnonzero(standing).tolist()]
    kinds = memory.kinds[stands].tolist()
    still = renumbered[memory.targets]
    targets, totals = still[still >= 0].tolist(), [memory.totals[still >= 0].astype(np.float64)]

    first_fresh, recomputed = len(kinds), 0
    # Whoever is alone is compared with nobody and, as a rule, no person.
    alone = 1 if problem.rules.min_photos > 1 else 0
    compared = [i for members in touched if len(members) > alone for i in members if problem.founder[i]]
    line = {i: n for n, i in enumerate(compared)}
    vectors = problem.rows(compared) if compared else np.zeros((0, 1), dtype=np.float32)
    for members in touched:
        recomputed += int(problem.founder[members].sum())
        component[members] = len(laws)
        laws.append(_decree(members, problem))
        for unit in _cluster(members, problem, vectors, line):
            cluster[unit.faces] = len(kinds)
            kind = _kind(unit.faces, problem)
            if kind == PERSON and unit.founders:
                targets.append(len(kinds))
                totals.append(unit.total[None, :])
            kinds.append(kind)
    return _Founded(
        component=component,
        cluster=cluster,
        laws=tuple(laws),
        kinds=np.array(kinds, dtype=np.int8),
        targets=np.array(targets, dtype=np.intp),
        totals=np.concatenate([part for part in totals if len(part)] or [np.zeros((0, 1))]),
        fresh=np.arange(first_fresh, len(kinds)),
        renumbered=renumbered,
        recomputed=recomputed,
    )


def _components(problem: _Problem, recalled: _Recalled) -> tuple[NDArray[np.bool_], list[list[int]]]:
    """Connected components of founders with a cosine of at least the threshold, joined by must-links, and of weak faces
    of which somebody said who they are: which of the old ones stand, and the members of the others, in canonical
    order."""
    memory, founders = recalled.memory, np.flatnonzero(problem.founder)
    parent = np.arange(len(problem.faces))
    rows = _where(memory.component, recalled.stands) & (recalled.at >= 0)
    kept, kept_component = recalled.at[rows], memory.component[rows]
    lead = np.full(len(memory.laws), len(problem.faces), dtype=np.intp)
    np.minimum.at(lead, kept_component, kept)
    parent[kept] = lead[kept_component]

    old = recalled.component[founders]
    fresh = founders[old < 0]
    # What is left of a component that changed is linked among itself; to the others it never was.
    loose = founders[_where(old, ~recalled.stands)]
    if len(loose):
        _link(parent, problem, loose, loose)
    if len(fresh) > FEW:
        _link(parent, problem, fresh, founders)
    elif len(fresh):
        _look_up(parent, problem, fresh)
    for i, first in problem.law.groups.items():
        _unite(parent, np.array([first, i]))

    roots = _roots(parent, np.arange(len(problem.faces)))
    member = problem.founder.copy()
    member[list(problem.law.members)] = True
    sizes = np.bincount(roots[member], minlength=len(problem.faces))
    standing = recalled.stands & (lead < len(problem.faces))
    whole = np.bincount(kept_component, minlength=len(memory.laws))
    standing[standing] = sizes[roots[lead[standing]]] == whole[standing]
    member[kept[standing[kept_component]]] = False
    touched: dict[int, list[int]] = {}
    left = np.flatnonzero(member)
    for i in left[np.argsort(problem.ranks[left])].tolist():
        touched.setdefault(int(roots[i]), []).append(i)
    return standing, list(touched.values())


def _link(parent: Ints, problem: _Problem, fresh: Ints, others: Ints) -> None:
    """Unite every fresh founder with all others similar to it. Blocked; only the part above the diagonal when these are
    the same."""
    columns = problem.rows(others.tolist())
    triangular = len(fresh) == len(others)
    rows = columns if triangular else problem.rows(fresh.tolist())
    least = problem.rules.threshold * GRID * GRID
    for start in range(0, len(fresh), BLOCK):
        first = start if triangular else 0
        hits = rows[start : start + BLOCK] @ columns[first:].T >= least
        # A face always finds itself, unless its embedding is empty; rows with nobody else are done.
        for k in np.flatnonzero(hits.sum(axis=1) > 1).tolist():
            _unite(parent, others[first + np.flatnonzero(hits[k])])


def _look_up(parent: Ints, problem: _Problem, fresh: Ints) -> None:
    """As ``_link`` with all founders, of which only those are fetched that may be similar."""
    rows = problem.rows(fresh.tolist())
    candidates = problem.embeddings.near(rows.astype(np.float64), least=problem.rules.threshold)
    numbers = [[i for face in some if (i := problem.index.get(face.bytes)) is not None] for some in candidates]
    some = sorted({i for those in numbers for i in those if problem.founder[i]})
    if not some:
        return
    hits = rows @ problem.rows(some).T >= problem.rules.threshold * GRID * GRID
    for k, i in enumerate(fresh.tolist()):
        _unite(parent, np.array([i, *(some[c] for c in np.flatnonzero(hits[k]).tolist())]))


def _roots(parent: Ints, nodes: Ints) -> Ints:
    roots = parent[nodes]
    while not np.array_equal(above := parent[roots], roots):
        roots = above
    return roots


def _unite(parent: Ints, nodes: Ints) -> None:
    """One component of all nodes, under its smallest root."""
    roots = _roots(parent, nodes)
    least = roots.min()
    parent[roots] = least
    parent[nodes] = least


def _cluster(members: Sequence[int], problem: _Problem, vectors: Vectors, line: Mapping[int, int]) -> list[Unit]:
    """The clusters of one component, whose members come in canonical order. ``line``: where in ``vectors`` a founder
    is; whoever is alone needs none."""
    units: dict[int, Unit] = {}
    for i in members:
        first = problem.law.group(i)
        unit = units.get(first)
        if unit is None:
            unit = units[first] = Unit([], np.zeros(1), 0, set(), {first}, set())
        unit.faces.append(i)
        unit.photos.add(problem.photo(i))
        if i in problem.law.names:
            unit.named.add(problem.law.names[i])
        if problem.founder[i]:
            unit.founders += 1
            if i in line:
                unit.total = unit.total + vectors[line[i]]
    ranked = [units[key] for key in sorted(units, key=lambda i: int(problem.ranks[i]))]
    # Units without a founder have no vector: they stand as somebody made them.
    mute = [unit for unit in ranked if not unit.founders]
    loud = [unit for unit in ranked if unit.founders]
    rules = problem.rules
    return mute + linked(loud, problem.law.cannot, threshold=rules.threshold, exact_limit=rules.exact_limit)


def _kind(faces: Sequence[int], problem: _Problem) -> int:
    if any(i in problem.law.groups for i in faces):
        return PERSON
    if len({problem.photo(i) for i in faces}) >= problem.rules.min_photos:
        return PERSON
    return BY_NAME if any(i in problem.law.names for i in faces) else NOBODY


# ---- leaves --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Targets:
    """Whom leaves may join from a cosine of ``least``: numbers of their clusters, sums of their founders [T, D], and
    which lines of these changed: are not what they were, or have room that they had not."""

    clusters: Ints
    totals: Sums
    changed: Ints
    least: float


def _join(problem: _Problem, recalled: _Recalled, founded: _Founded) -> tuple[Ints, int]:
    """For each face the cluster that it joined as a leaf, or -1; and how many had to be placed."""
    memory = recalled.memory
    leaf = ~_where(founded.cluster, founded.kinds == PERSON)
    joined = np.full(len(problem.faces), -1, dtype=np.intp)
    known = recalled.at >= 0
    before = memory.joined.copy()
    before[before >= 0] = founded.renumbered[before[before >= 0]]
    joined[recalled.at[known]] = before[known]

    # Leaves that are new, were told something, lost their person, or share a photo with a face that moved.
    anew = leaf.copy()
    anew[recalled.at[known & memory.leaf & ~memory.told]] = False
    anew[list(problem.law.told)] = True
    anew[recalled.at[known & (memory.joined >= 0) & (before < 0)]] = True
    moved = anew | np.isin(founded.cluster, founded.fresh)
    # Where a leaf went away or became a founder, another of its photo may follow.
    left = (before >= 0) & ~_where(recalled.at, leaf)
    shaken = set(before[left].tolist())
    joined[~leaf] = -1

    kind = np.where(joined >= 0, founded.kinds[joined], -1) if len(founded.kinds) else np.full(len(joined), -1)
    by_kind = {which: np.where(kind == which, joined, -1) for which in (PERSON, BY_NAME, NOBODY)}
    joined = by_kind[PERSON].copy()

    changed = np.flatnonzero(np.isin(founded.targets, founded.fresh) | np.isin(founded.targets, list(shaken)))
    first = _Targets(founded.targets, founded.totals, changed, problem.rules.join)
    affected = _affected(problem, first, leaf, moved)
    joined[affected] = -1
    _place(problem, first, founded, affected, joined)
    placed = set(affected)

    unplaced_before = np.zeros(len(problem.faces), dtype=bool)
    unplaced_before[recalled.at[known]] = memory.joined[known] < 0
    fresh_or_shaken = shaken | set(founded.fresh.tolist())
    placed_until_now = by_kind[PERSON] >= 0

    # Whoever is somebody by name alone, then founders that are alone.
    for which, least in ((BY_NAME, problem.rules.join), (NOBODY, problem.rules.threshold)):
        wanted = _where(founded.cluster, founded.kinds == which) & (joined < 0)
        alone = np.unique(founded.cluster[wanted])
        free = leaf & (joined < 0) & ~np.isin(founded.cluster, alone)
        if which == NOBODY:
            free &= ~problem.founder & (founded.cluster < 0)
        as_before = by_kind[which]
        # Whoever comes to this round and did not before, or the other way round.
        moved |= placed_until_now != (joined >= 0)
        placed_until_now = placed_until_now | (as_before >= 0)
        moved |= (as_before >= 0) & ~np.isin(as_before, alone)
        voiced: dict[int, list[int]] = {}
        for i in np.flatnonzero(wanted & problem.founder).tolist():
            voiced.setdefault(int(founded.cluster[i]), []).append(i)
        otherwise = set(founded.cluster[unplaced_before != (joined < 0)].tolist())
        changed_ones = [c for c in voiced if c in otherwise or c in fresh_or_shaken]
        targets = _Targets(
            np.array(changed_ones, dtype=np.intp),
            _sums(problem, [voiced[c] for c in changed_ones]),
            np.arange(len(changed_ones)),
            least,
        )
        again = _affected(problem, targets, free, moved)
        kept = free & (as_before >= 0)
        kept[again] = False
        joined[kept] = as_before[kept]
        _place(problem, _within_reach(problem, founded, voiced, again, least), founded, again, joined)
        placed.update(again)
    return joined, len(placed)


def _sums(problem: _Problem, groups: Sequence[Sequence[int]]) -> Sums:
    """The sum of the embeddings of each group of faces, fetched at once."""
    if not groups:
        return np.zeros((0, 1))
    rows = problem.rows(i for group in groups for i in group).astype(np.float64)
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])
    return np.asarray(np.add.reduceat(rows, starts, axis=0))


def _within_reach(
    problem: _Problem, founded: _Founded, voiced: Mapping[int, list[int]], leaves: list[int], least: float
) -> _Targets:
    """Those of the targets that any of the leaves may be near: few leaves are looked up, for many all are fetched."""
    some = list(voiced) if leaves else []
    if leaves and len(leaves) <= FEW < len(voiced):
        found = problem.embeddings.near(problem.rows(leaves).astype(np.float64), least=least)
        numbers = {problem.index.get(face.bytes, -1) for those in found for face in those} - {-1}
        # A sum of several may be near though none of them is.
        several = {c for c, faces in voiced.items() if len(faces) > 1}
        some = sorted({int(founded.cluster[i]) for i in numbers} & voiced.keys() | several)
    clusters = np.array(some, dtype=np.intp)
    return _Targets(clusters, _sums(problem, [voiced[c] for c in some]), clusters[:0], least)


def _affected(problem: _Problem, targets: _Targets, leaf: NDArray[np.bool_], moved: NDArray[np.bool_]) -> list[int]:
    """The leaves that have to be placed anew: see the module."""
    if len(targets.changed) > FEW:
        return [int(i) for i in np.flatnonzero(leaf)]
    here = moved.copy()
    if len(targets.changed):
        for those in problem.embeddings.near(targets.totals[targets.changed], least=targets.least):
            here[[i for face in those if (i := problem.index.get(face.bytes)) is not None and leaf[i]]] = True
    photos = {problem.photo(i) for i in np.flatnonzero(here).tolist()}
    faces = problem.faces
    return [i for i in np.flatnonzero(leaf).tolist() if faces[i].photo_sha256 in photos] if photos else []


def _place(problem: _Problem, targets: _Targets, founded: _Founded, leaves: list[int], joined: Ints) -> None:
    """Let these leaves join in ``joined``: the nearest first, one face of a photo per person, none against the law."""
    if not leaves or not len(targets.clusters):
        return
    pairs = _pairs(problem, targets, founded, leaves)
    if not pairs:
        return
    law = problem.law
    of_interest = {problem.photo(i) for _, _, _, i, _ in pairs}
    wanted = {c for *_, c in pairs}
    photos: dict[int, set[bytes]] = {c: set() for c in wanted}
    named: dict[int, set[UUID]] = {}
    apart: dict[int, set[int]] = {}

    def settle(i: int, c: int) -> None:
        photos[c].add(problem.photo(i))
        if i in law.names:
            named.setdefault(c, set()).add(law.names[i])
        apart.setdefault(c, set()).update(b for b in forbidden.get(law.group(i), ()))

    forbidden: dict[int, list[int]] = {}
    for a, b in law.cannot:
        forbidden.setdefault(a, []).append(b)
    owner = np.where(joined >= 0, joined, founded.cluster)
    for i in np.flatnonzero(np.isin(owner, list(wanted))).tolist():
        if problem.photo(i) in of_interest or i in law.names or law.group(i) in forbidden:
            settle(i, int(owner[i]))
    for _, _, _, i, c in pairs:
        name = law.names.get(i)
        if joined[i] >= 0 or problem.photo(i) in photos[c] or law.group(i) in apart.get(c, ()):
            continue
        if name is not None and named.get(c, {name}) != {name}:
            continue
        joined[i] = c
        settle(i, c)


def _pairs(
    problem: _Problem, targets: _Targets, founded: _Founded, leaves: list[int]
) -> list[tuple[float, int, int, int, int]]:
    """Every leaf with every target near enough, nearest first: (-cosine, rank of the leaf, rank of the target, leaf,
    cluster)."""
    rank = np.full(len(founded.kinds), len(problem.faces), dtype=np.intp)
    placed = founded.cluster >= 0
    np.minimum.at(rank, founded.cluster[placed], problem.ranks[placed])
    lengths = np.sqrt((targets.totals * targets.totals).sum(axis=1))
    lengths[lengths == 0] = np.inf
    pairs: list[tuple[float, int, int, int, int]] = []
    for start in range(0, len(leaves), BLOCK):
        some = leaves[start : start + BLOCK]
        cosines = problem.rows(some).astype(np.float64) @ targets.totals.T / (lengths * GRID)
        for r, t in np.argwhere(cosines >= targets.least).tolist():
            i, c = some[r], int(targets.clusters[t])
            if founded.cluster[i] != c:
                pairs.append((-float(cosines[r, t]), int(problem.ranks[i]), int(rank[c]), i, c))
    return sorted(pairs)


# ---- the answer ----------------------------------------------------------------------------------------------------


def _result(problem: _Problem, founded: _Founded, joined: Ints, placed: int) -> Grouping:
    owner = np.where(joined >= 0, joined, founded.cluster)
    somebody = founded.kinds != NOBODY
    taken_in = _where(joined, ~somebody)
    for c in set(joined[taken_in].tolist()):
        photos = {problem.photo(i) for i in np.flatnonzero(owner == c).tolist()}
        somebody[c] = len(photos) >= problem.rules.min_photos
    owner[~_where(owner, somebody)] = -1
    leaf = ~_where(founded.cluster, founded.kinds == PERSON)
    told = np.zeros(len(problem.faces), dtype=bool)
    told[list(problem.law.told)] = True
    memory = Memory(
        rules=_signature(problem.rules),
        faces=problem.ids,
        component=founded.component,
        cluster=founded.cluster,
        joined=joined,
        leaf=leaf,
        told=told,
        laws=founded.laws,
        kinds=founded.kinds,
        targets=founded.targets,
        totals=founded.totals,
    )
    return Grouping(problem.faces, problem.ranks, owner, memory, founded.recomputed, placed)


def component_sizes(memory: Memory) -> Iterator[int]:
    """The number of faces in each component, largest first."""
    yield from sorted(np.bincount(memory.component[memory.component >= 0]).tolist(), reverse=True)
