"""The people of a library, derived again from all faces and everything that was said about them.

Read, compute, write apart: ``read`` and ``write`` are each part of one short transaction, ``regroup`` is between them.
It asks for the few embeddings that it needs (``Stored``) in short transactions of their own: after one new photo these
are its faces, one pass of the database over all embeddings that sends only the ids of those near, and the faces of the
persons that changed. An embedding changes only when a library moves to another model (``reunderstanding``), and then it
is one of that model; a face that is gone meanwhile asked for another rebuild when it went.

**While a library moves to another model** its faces are of two, which cannot be compared. Then everybody's faces stay
theirs, as they were when it began or as somebody said since; a face that is nobody's joins the person whose faces of
the new model it is grouped with; and nobody new is found but by word, because whoever seems new may be somebody whose
faces are still to come. When all faces are of the new model, people are again what ``grouping`` says, and go on with
their ids and names as after any other change. Only faces that the new model does not find, and that somebody vouched
for, stay whose they are as long as the old model made them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from photovault import corrections, db, grouping, ids, model_manifest, people, rebuilds, renewals, vectors
from photovault.corrections import Fact
from photovault.grouping_memory import Memory
from photovault.linkage import quantise
from photovault.people import FaceModel, KnownFace, Person, Somebody

if TYPE_CHECKING:
    from photovault.db import Connection


# From so many faces upwards all embeddings of a model are read at once.
MANY = 10_000


@dataclass(frozen=True)
class Known:
    """Everything stored about people but the embeddings. ``memories``: by model, what its last grouping remembers.

    ``own`` is the model that people are made of, None where all models are equal; ``moving`` says that faces of others
    are still to become faces of it.
    """

    models: list[FaceModel]
    faces: list[KnownFace]
    memories: dict[int, bytes]
    facts: list[Fact]
    persons: list[Person]
    own: int | None = None
    moving: bool = False


@dataclass(frozen=True)
class Who:
    """``person_of``: of every face whose photo counts; ``restated``: what was said through photos in the trash, said of
    the faces that stay; ``memories``: as in ``Known``."""

    persons: tuple[Somebody, ...]
    person_of: Mapping[UUID, UUID | None]
    restated: tuple[grouping.Correction, ...]
    memories: Mapping[int, bytes]


@dataclass(frozen=True)
class Difference:
    """What has to be written so that the tables say ``Who``."""

    new: tuple[Somebody, ...]
    changed: tuple[Somebody, ...]
    gone: tuple[UUID, ...]
    moved: Mapping[UUID | None, tuple[UUID, ...]]
    restated: tuple[grouping.Correction, ...]
    memories: Mapping[int, bytes]
    forgotten: tuple[int, ...]

    def __bool__(self) -> bool:
        people = self.new or self.changed or self.gone or self.moved or self.restated
        return bool(people or self.memories or self.forgotten)


def read(conn: Connection) -> Known:
    models, own = people.face_models(conn), rebuilds.face_model(conn)
    return Known(
        own=own,
        moving=own is not None and any(model.id != own for model in models) and renewals.are_moving(conn, own),
        models=models,
        faces=people.known_faces(conn),
        memories=people.memories(conn),
        facts=corrections.standing(conn),
        persons=people.all_persons(conn),
    )


class Stored:
    """The embeddings of one model's faces in the database, sent when asked for; ``grouping.Embeddings``."""

    def __init__(self, user_id: UUID, model: FaceModel) -> None:
        self._user_id = user_id
        self._model = model
        self._all: dict[UUID, int] | None = None
        self._vectors = _nothing(model)

    def rows(self, faces: Sequence[grouping.AnyFace]) -> NDArray[np.float32]:
        """Zeros, which are like nothing, for a face that is gone."""
        if self._all is None and len(faces) <= MANY:
            return self._of(faces, self._sent([face.id for face in faces]))
        if self._all is None:
            sent = self._sent(None)
            self._all = {face: row for row, face in enumerate(sent)}
            # One row more, for faces that are gone.
            self._vectors = np.zeros((len(sent) + 1, self._model.dims), dtype=np.float32)
            for start in range(0, len(sent), MANY):
                some = list(islice(sent.values(), start, start + MANY))
                self._vectors[start : start + len(some)] = quantise(vectors.from_sql(some, self._model.dims))
        gone = len(self._vectors) - 1
        return self._vectors[[self._all.get(face.id, gone) for face in faces]]

    def near(self, probes: NDArray[np.float64], *, least: float) -> list[list[UUID]]:
        lengths = np.sqrt((probes * probes).sum(axis=1, keepdims=True))
        units = np.divide(probes, lengths, out=np.zeros_like(probes), where=lengths > 0)
        with db.transaction(self._user_id) as conn:
            asked = [vectors.to_sql(unit) for unit in units]
            return people.faces_near(conn, self._model.id, asked, least=least - grouping.SLACK)

    def _sent(self, face_ids: list[UUID] | None) -> dict[UUID, bytes]:
        with db.transaction(self._user_id) as conn:
            return people.embeddings(conn, self._model.id, face_ids)

    def _of(self, faces: Sequence[grouping.AnyFace], sent: Mapping[UUID, bytes]) -> NDArray[np.float32]:
        out = np.zeros((len(faces), self._model.dims), dtype=np.float32)
        here = [row for row, face in enumerate(faces) if face.id in sent]
        if here:
            out[here] = quantise(vectors.from_sql([sent[faces[row].id] for row in here], self._model.dims))
        return out


def regroup(known: Known, embeddings: Callable[[FaceModel], grouping.Embeddings]) -> Who:
    """Who the people are, by the faces whose photos count. People keep their ids and names as long as any of their
    faces is there, be it in the trash."""
    live = [face for face in known.faces if face.live]
    named = _anchors(known, live)
    spoken, restated = _said(known.facts, present={face.id for face in live})
    told = [*spoken, *restated]
    clusters, memories = _clusters(known, live, named, told=told, embeddings=embeddings)
    clusters = _staying(known, live, clusters, told=told, named=named)
    if len(known.models) > 1:
        clusters = _across_models(clusters, told)
    before: dict[UUID, list[UUID]] = defaultdict(list)
    for face in live:
        if face.person_id is not None:
            before[face.person_id].append(face.id)
    stored = {person.id: person for person in known.persons}
    distinct = {person.id for person in known.persons if person.name or person.hidden}
    continued = grouping.assign_ids(before, clusters, named=distinct, anchors=named)

    by_id = {face.id: face for face in known.faces}
    faces_of: dict[UUID, set[UUID]] = {
        person_id or ids.new(): set(cluster) for person_id, cluster in zip(continued, clusters, strict=True)
    }
    person_of: dict[UUID, UUID | None] = {face.id: None for face in live}
    person_of |= {face: person_id for person_id, faces in faces_of.items() for face in faces}
    for face in known.faces:  # those in the trash stay whose they were
        if not face.live and face.person_id is not None:
            faces_of.setdefault(face.person_id, set()).add(face.id)

    said = corrections.newest_names(known.facts)
    by_fact = {by_id[face].person_id for face in said if face in by_id}
    persons = []
    for person_id, faces in faces_of.items():
        old = stored.get(person_id)
        shown = [by_id[face] for face in faces if by_id[face].live]
        best = min(shown, key=lambda face: (-face.quality, face.id), default=None)
        newest = max((said[face] for face in faces if face in said), key=lambda fact: (fact.at, fact.id), default=None)
        # The photo by which somebody was named may be gone for good: the name is not.
        called = newest or (old if person_id not in by_fact else None)
        persons.append(
            Somebody(
                id=person_id,
                name=called.name if called else None,
                birthday=called.birthday if called else None,
                hidden=old.hidden if old else False,
                cover_face_id=best.id if best else None,
                face_count=len(shown),
                image_count=len({face.image_id for face in shown}),
            )
        )
    return Who(tuple(sorted(persons, key=lambda person: person.id)), person_of, tuple(restated), memories)


def difference(known: Known, who: Who) -> Difference:
    stored = {person.id: person for person in known.persons}
    moved: dict[UUID | None, list[UUID]] = defaultdict(list)
    for face in known.faces:
        if face.live and who.person_of[face.id] != face.person_id:
            moved[who.person_of[face.id]].append(face.id)
    return Difference(
        new=tuple(person for person in who.persons if person.id not in stored),
        changed=tuple(p for p in who.persons if p.id in stored and not _is_stored(p, stored[p.id])),
        gone=tuple(sorted(stored.keys() - {person.id for person in who.persons})),
        moved={person_id: tuple(faces) for person_id, faces in moved.items()},
        restated=who.restated,
        memories={model: memory for model, memory in who.memories.items() if memory != known.memories.get(model)},
        forgotten=tuple(sorted(known.memories.keys() - who.memories.keys())),
    )


def write(conn: Connection, change: Difference, *, revision: int) -> None:
    people.add_all(conn, change.new, revision=revision)
    people.change_all(conn, change.changed, revision=revision)
    for person_id, faces in change.moved.items():
        people.assign(conn, faces, person_id)
    if change.gone:
        people.remove_all(conn, change.gone, revision=revision)
    corrections.restate(conn, [(said.kind, said.a, said.b, said.at) for said in change.restated])
    for model_id, memory in change.memories.items():
        people.remember(conn, model_id, memory)
    if change.forgotten:
        people.forget(conn, change.forgotten)


def _is_stored(person: Somebody, row: Person) -> bool:
    stored = Somebody(row.id, row.name, row.hidden, row.cover_face_id, row.face_count, row.image_count, row.birthday)
    return person == stored


# ---- grouping, model by model ------------------------------------------------------------------------------------


def _clusters(
    known: Known,
    live: list[KnownFace],
    named: Mapping[UUID, UUID],
    *,
    told: list[grouping.Correction],
    embeddings: Callable[[FaceModel], grouping.Embeddings],
) -> tuple[list[frozenset[UUID]], dict[int, bytes]]:
    """The people among the faces of each model, or of the library's own one, and what each grouping remembers."""
    found: list[frozenset[UUID]] = []
    memories: dict[int, bytes] = {}
    for model in known.models:
        if known.own not in {None, model.id}:
            continue
        before = known.memories.get(model.id)
        grouped = grouping.group(
            [face for face in live if face.model_id == model.id],
            embeddings(model),
            corrections=told,
            named=named,
            parameters=parameters_of(model),
            previous=Memory.from_bytes(before) if before is not None else None,
        )
        found += grouped.clusters
        memories[model.id] = grouped.memory.to_bytes()
    return found, memories


def _nothing(model: FaceModel) -> NDArray[np.float32]:
    return np.zeros((0, model.dims), dtype=np.float32)


def parameters_of(model: FaceModel) -> grouping.Parameters:
    """The thresholds that the manifest gives for a model, by version where it knows it, else by name."""
    known = [entry.info for entry in model_manifest.MANIFEST if entry.info] + [model_manifest.HAAR]
    for info in sorted(known, key=lambda info: info.version != model.version):
        if info.kind == "face" and info.name == model.name:
            return grouping.Parameters.of_model(info.same_person_threshold)
    return grouping.Parameters()


def _staying(
    known: Known,
    live: list[KnownFace],
    clusters: list[frozenset[UUID]],
    *,
    told: list[grouping.Correction],
    named: Mapping[UUID, UUID],
) -> list[frozenset[UUID]]:
    """The people with the faces that stay whose they are: those of other models, and while the library moves all."""
    stays: dict[UUID, set[UUID]] = defaultdict(set)
    for face in live:
        if face.person_id is not None and known.own is not None and (known.moving or face.model_id != known.own):
            stays[face.person_id].add(face.id)
    if not known.moving and not stays:
        return clusters
    whose = {face.id: face.person_id for face in live}
    photo_of = {face.id: face.image_id for face in live}
    apart: dict[UUID, set[UUID]] = defaultdict(set)
    for said in told:
        if said.kind == "different":
            apart[said.a].add(said.b)
            apart[said.b].add(said.a)

    def joined(person: set[UUID], others: Iterable[UUID]) -> set[UUID]:
        """A person's faces, and of others those that may be theirs too."""
        faces, photos = set(person), {photo_of[face] for face in person}
        for face in sorted(others):
            if photo_of[face] not in photos and faces.isdisjoint(apart.get(face, ())):
                faces.add(face)
                photos.add(photo_of[face])
        return faces

    # Whose faces each cluster holds: of somebody, how many.
    votes = [Counter(person for face in cluster if (person := whose[face]) is not None) for cluster in clusters]
    rest: list[frozenset[UUID]] = []
    if known.moving:
        for cluster, those in zip(clusters, votes, strict=True):
            strangers = {face for face in cluster if whose[face] is None}
            if those:
                person = min(those, key=lambda person: (-those[person], person))
                stays[person] = joined(stays[person], strangers)
            elif not named.keys().isdisjoint(strangers):
                rest.append(frozenset(strangers))
        return [*(frozenset(faces) for _, faces in sorted(stays.items())), *rest]
    goes_on = _homes(clusters, votes, people=stays.keys(), named=named)
    rest = [frozenset(faces) for person, faces in sorted(stays.items()) if person not in goes_on]
    members: dict[int, set[UUID]] = defaultdict(set)
    for person, n in goes_on.items():
        members[n].add(person)
    found = []
    for n, cluster in enumerate(clusters):
        sure = {face for face in cluster if whose[face] in members[n]}
        staying = {face for person in members[n] for face in stays[person]}
        found.append(frozenset(joined(staying | sure, cluster - sure)) if staying else cluster)
    return [*found, *rest]


def _homes(
    clusters: list[frozenset[UUID]], votes: list[Counter[UUID]], *, people: Iterable[UUID], named: Mapping[UUID, UUID]
) -> dict[UUID, int]:
    """Which cluster somebody goes on in: that of the face they exist by, else the one with most of their faces."""
    owner = {face: n for n, cluster in enumerate(clusters) for face in cluster}
    anchored = {person: owner[face] for face, person in named.items() if face in owner}
    most: dict[UUID, tuple[int, int]] = {}
    for n, those in enumerate(votes):
        for person, count in those.items():
            most[person] = max(most.get(person, (0, 0)), (count, -n))
    best = {person: -n for person, (_, n) in most.items()} | anchored
    return {person: best[person] for person in people if person in best}


def _across_models(clusters: list[frozenset[UUID]], told: list[grouping.Correction]) -> list[frozenset[UUID]]:
    """Faces of two models cannot be compared, but somebody may have said whose they are: the newest word counts."""
    owner = {face: n for n, cluster in enumerate(clusters) for face in cluster}
    parent = list(range(len(clusters)))
    apart: set[tuple[int, int]] = set()

    def find(n: int) -> int:
        while parent[n] != n:
            n = parent[n]
        return n

    for fact in sorted(told, key=lambda fact: (fact.at, fact.kind, fact.a, fact.b), reverse=True):
        if fact.a not in owner or fact.b not in owner:
            continue
        a, b = sorted((find(owner[fact.a]), find(owner[fact.b])))
        if a == b or (a, b) in apart:
            continue
        if fact.kind == "different":
            apart.add((a, b))
        else:
            parent[b] = a
            apart = {(min(x, y), max(x, y)) for x, y in ((find(x), find(y)) for x, y in apart)}
    joined: dict[int, set[UUID]] = defaultdict(set)
    for n, cluster in enumerate(clusters):
        joined[find(n)] |= cluster
    return [frozenset(cluster) for _, cluster in sorted(joined.items())]


# ---- what was said -----------------------------------------------------------------------------------------------


def _said(facts: Iterable[Fact], *, present: set[UUID]) -> tuple[list[grouping.Correction], list[grouping.Correction]]:
    """The facts about faces that are present, and what else has to be said of these so that an act holds together and
    apart, without the faces that are not, whatever it held with them."""
    spoken: list[grouping.Correction] = []
    missing: list[grouping.Correction] = []
    for at, act in corrections.acts(fact for fact in facts if fact.kind != "named").items():
        literal = [fact for fact in act if fact.face_a in present and fact.face_b in present]
        spoken += [_correction(fact.kind, fact.face_a, fact.face_b, at) for fact in literal]
        if len(literal) == len(act):
            continue
        parts = {face: min(part) for part in corrections.sides(literal) for face in part}
        stands_for: dict[UUID, UUID] = {}
        for side in corrections.sides(act):
            those = sorted({parts.get(face, face) for face in side if face in present})
            missing += [_correction("same", a, b, at) for a, b in pairwise(those)]
            stands_for |= {face: those[0] for face in side if those}
        apart = {frozenset(_ends(fact, stands_for)) for fact in literal if fact.kind == "different"}
        for fact in act:
            ends = _ends(fact, stands_for)
            if fact.kind == "different" and frozenset(ends) not in apart and present.issuperset(ends):
                apart.add(frozenset(ends))
                missing.append(_correction("different", *ends, at))
    return spoken, missing


def _correction(kind: str, a: UUID, b: UUID | None, at: datetime) -> grouping.Correction:
    assert b is not None  # noqa: S101 - the table's checks
    return grouping.Correction("same" if kind == "same" else "different", a, b, at)


def _ends(fact: Fact, stands_for: Mapping[UUID, UUID]) -> tuple[UUID, UUID]:
    assert fact.face_b is not None  # noqa: S101 - the table's checks
    return stands_for.get(fact.face_a, fact.face_a), stands_for.get(fact.face_b, fact.face_b)


def _anchors(known: Known, live: list[KnownFace]) -> dict[UUID, UUID]:
    """One face for each named person, by which that person exists whatever else changes: the one they were last named
    by if its photo counts, else their best. Somebody named by a face that is nobody's now exists by that word."""
    names = corrections.newest_names(known.facts)
    of_face = {face.id: face for face in live if face.id in names} if names else {}
    anchors: dict[UUID, UUID] = {}
    decided: set[UUID] = set()
    for fact in sorted(names.values(), key=lambda fact: (fact.at, fact.id), reverse=True):
        named = of_face.get(fact.face_a)
        person_id = named.person_id or fact.id if named else None
        if named and person_id and person_id not in decided:
            decided.add(person_id)
            anchors[named.id] = person_id
    others = {person.id for person in known.persons if person.name} - decided
    best: dict[UUID, KnownFace] = {}
    if others:
        theirs = [face for face in live if face.person_id in others]
        for face in sorted(theirs, key=_canonical):
            best.setdefault(_certain(face.person_id), face)
    return anchors | {face.id: person_id for person_id, face in best.items()}


def _canonical(face: KnownFace) -> tuple[bool, float, bytes, float, float]:
    """Best first, and never by what order the photos came in."""
    return (not face.founder, -face.quality, face.photo_sha256, face.x, face.y)


def _certain(person_id: UUID | None) -> UUID:
    assert person_id is not None  # noqa: S101 - whoever calls has looked
    return person_id
