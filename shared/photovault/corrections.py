"""The table ``face_corrections``: what people said about faces, as time-stamped facts of which the newest wins.

Persons are derived from these facts by the next rebuild (``grouping``), which keeps to them. What an act means for the
persons of now is done here at once, so that the answer is true before the rebuild.

An act writes several facts with one time. The first of them (by id) is the statement: *these two faces are one person*,
*are not*, or *this face is called so*. The others hold each side together, so that a side does not fall apart when a
face leaves, say what each side is called, and keep apart what had been said to be apart. Undoing a statement undoes its
whole act, and with it exactly what it changed; what later acts held together because of it, they then hold together in
its parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, ids, people
from photovault.errors import Conflict, Invalid, NotFound
from photovault.people import Person

if TYPE_CHECKING:
    from photovault.db import Connection

NO_SUCH_PERSON = "There is no such person."
NO_SUCH_FACE = "There is no such face."

Kind = Literal["same", "different", "named"]


@dataclass(frozen=True)
class Fact:
    """``face_b`` is None and ``name`` is set for ``named`` alone; an empty name takes a face's name away. A person is
    called by the newest name that any of their faces has; a ``birthday`` is said together with a name."""

    id: UUID
    kind: Kind
    face_a: UUID
    face_b: UUID | None
    name: str | None
    at: datetime
    birthday: date | None = None


@dataclass(frozen=True)
class _Said:
    kind: Kind
    a: UUID
    b: UUID | None = None
    name: str | None = None
    birthday: date | None = None


_COLUMNS = "id, kind, face_a, face_b, name, at, birthday"


def standing(conn: Connection) -> list[Fact]:
    """Every fact that was not undone, oldest first."""
    return db.rows(conn, Fact, f"SELECT {_COLUMNS} FROM face_corrections WHERE undone_at IS NULL ORDER BY at, id")


def acts(facts: Iterable[Fact]) -> dict[datetime, list[Fact]]:
    """Facts by the act that they belong to, in the order given."""
    found: dict[datetime, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.at, []).append(fact)
    return found


def newest_names(facts: Iterable[Fact]) -> dict[UUID, Fact]:
    """By face, of facts that come oldest first; a name that was taken away is none."""
    newest = {fact.face_a: fact for fact in facts if fact.kind == "named"}
    return {face: fact for face, fact in newest.items() if fact.name}


def sides(facts: Iterable[Fact]) -> list[set[UUID]]:
    """The sets of faces that these facts say to be one person each."""
    side_of: dict[UUID, set[UUID]] = {}
    for fact in facts:
        if fact.kind == "same" and fact.face_b is not None:
            one = side_of.setdefault(fact.face_a, {fact.face_a})
            other = side_of.setdefault(fact.face_b, {fact.face_b})
            if one is not other:
                one |= other
                side_of |= dict.fromkeys(other, one)
    return list({id(side): side for side in side_of.values()}.values())


def vouched_for(conn: Connection, face_ids: Collection[UUID]) -> set[UUID]:
    """Those of the faces that somebody said something of, or that are somebody's who has a name or is hidden: they are
    faces, whatever a detector says."""
    found = conn.execute(
        "SELECT f.id FROM faces f LEFT JOIN person_clusters p ON p.id = f.person_id WHERE f.id = ANY(%s) "
        "AND (p.name IS NOT NULL OR p.hidden OR EXISTS (SELECT FROM face_corrections c WHERE c.face_a = f.id) "
        "OR EXISTS (SELECT FROM face_corrections c WHERE c.face_b = f.id))",
        [list(face_ids)],
    ).fetchall()
    return {row[0] for row in found}


def restate(conn: Connection, said: Sequence[tuple[Literal["same", "different"], UUID, UUID, datetime]]) -> None:
    """Say again, as part of the act of that time, what it said through faces that may be gone for good."""
    for kind, a, b, at in said:
        _write(conn, [_Said(kind, a, b)], at)


# ---- acts: each returns the id of its statement, by which it can be undone ---------------------------------------


def merge(conn: Connection, into: UUID, other: UUID, *, revision: int) -> UUID:
    """Two persons are one, who keeps the id of ``into`` and its name and birthday, if any; else those of the other.

    Raises ``NotFound``, ``Invalid``.
    """
    if into == other:
        raise Invalid("A person cannot be merged with themselves.", [("people", "holds the person merged into")])
    kept, gone = _person(conn, into), _person(conn, other)
    staying, coming = people.face_ids_of(conn, into), people.face_ids_of(conn, other)
    said = _say(
        conn,
        [
            _Said("same", staying[0], coming[0]),
            *_together(staying),
            *_together(coming),
            *_called(staying[0], kept.name, kept.birthday or gone.birthday),
        ],
    )
    people.assign(conn, coming, into)
    people.set_name(conn, into, kept.name or gone.name, birthday=kept.birthday or gone.birthday, revision=revision)
    _settle(conn, [into, other], revision=revision)
    return said


def split(conn: Connection, person_id: UUID, face_ids: Collection[UUID], *, revision: int) -> tuple[UUID, UUID]:
    """These faces are somebody else, all of them the same one. Returns the statement and the new person.

    Raises ``NotFound`` for a face that is not this person's, ``Invalid`` when nobody would stay behind.
    """
    person = _person(conn, person_id)
    all_faces = people.face_ids_of(conn, person_id)
    wanted = set(face_ids)
    if wanted - set(all_faces):
        raise NotFound("There is no such face of this person.")
    leaving = [face for face in all_faces if face in wanted]
    staying = [face for face in all_faces if face not in wanted]
    if not staying:
        raise Invalid("A split leaves at least one face behind.", [("face_ids", "holds all faces of the person")])
    said = _say(
        conn,
        [
            _Said("different", leaving[0], staying[0]),
            *_together(leaving),
            *_together(staying),
            *_still_apart(conn, [leaving, staying]),
            *_called(staying[0], person.name, person.birthday),
            *_nameless(conn, leaving),
        ],
    )
    new = people.found(conn, revision=revision)
    people.assign(conn, leaving, new)
    _settle(conn, [person_id, new], revision=revision)
    return said, new


def give(conn: Connection, face_id: UUID, person_id: UUID, *, revision: int) -> UUID:
    """This face is that person. Raises ``NotFound``, ``Conflict`` when it is already."""
    face, person = _face(conn, face_id), _person(conn, person_id)
    if face.person_id == person_id:
        raise Conflict("The face belongs to this person already.")
    theirs = people.face_ids_of(conn, person_id)
    said = _say(
        conn,
        [
            _Said("same", theirs[0], face_id),
            *_together(theirs),
            *_called(theirs[0], person.name, person.birthday),
            *_left_behind(conn, face, joins=theirs),
        ],
    )
    people.assign(conn, [face_id], person_id)
    _settle(conn, _those(face.person_id, person_id), revision=revision)
    return said


def introduce(conn: Connection, face_id: UUID, name: str, *, revision: int) -> tuple[UUID, UUID]:
    """This face is somebody new, called so. Returns the statement and the new person. Raises ``NotFound``."""
    face = _face(conn, face_id)
    said = _say(conn, [*_left_behind(conn, face), *_called(face_id, name, None)])
    new = people.found(conn, revision=revision, name=name)
    people.assign(conn, [face_id], new)
    _settle(conn, _those(face.person_id, new), revision=revision)
    return said, new


def take_away(conn: Connection, face_id: UUID, *, revision: int) -> UUID:
    """This face is not the person it is said to be. Raises ``NotFound`` when it is nobody's."""
    face = _face(conn, face_id)
    if face.person_id is None:
        raise NotFound("The face belongs to nobody.")
    # A face that was all of somebody has nothing to be parted from: it loses its name.
    said = _say(conn, _left_behind(conn, face) or [_Said("named", face_id, name="")])
    people.assign(conn, [face_id], None)
    _settle(conn, [face.person_id], revision=revision)
    return said


def name(conn: Connection, person_id: UUID, name: str | None, *, revision: int) -> UUID:
    """This person is called so, or by no name, which takes the birthday away too. Raises ``NotFound``."""
    return describe(conn, person_id, name=name, birthday=_person(conn, person_id).birthday, revision=revision)


def describe(conn: Connection, person_id: UUID, *, name: str | None, birthday: date | None, revision: int) -> UUID:
    """This person is called so and was born then. Without a name there is no birthday. Raises ``NotFound``."""
    _person(conn, person_id)
    faces = people.face_ids_of(conn, person_id)
    # A founder, if there is one: the name goes where that face goes, and a founder makes the person.
    said = _say(
        conn, [*_called(faces[0], name, birthday)] or _nameless(conn, faces) or [_Said("named", faces[0], name="")]
    )
    people.set_name(conn, person_id, name, birthday=birthday if name else None, revision=revision)
    _settle(conn, [person_id], revision=revision)
    return said


def inherit(conn: Connection, face_id: UUID, heir: UUID, *, revision: int) -> bool:
    """What was said of a face holds of the one that shows the same in another copy of the photo, so that it stays
    said when the photo goes: the named person that it is, name and birthday. Whether there was anything to be said.

    Somebody else's name on the heir stays. Raises ``NotFound``.
    """
    face, other = _face(conn, face_id), _face(conn, heir)
    if face.person_id is None or face.person_name is None:
        return False
    if other.person_id != face.person_id:
        if other.person_name is not None:
            return False
        give(conn, heir, face.person_id, revision=revision)
    elif not _names(conn, [face_id]):
        return False
    _say(conn, _called(heir, face.person_name, face.person_birthday))
    return True


def undo(conn: Connection, correction_id: UUID, *, revision: int) -> list[UUID]:
    """Take an act back. Returns the persons it touched that exist afterwards.

    Raises ``NotFound`` when there is none of this id, or when it was undone before.
    """
    act = db.rows(
        conn,
        Fact,
        f"SELECT {_COLUMNS} FROM face_corrections WHERE undone_at IS NULL "
        "AND at = (SELECT at FROM face_corrections WHERE id = %s) ORDER BY id",
        [correction_id],
    )
    if not any(fact.id == correction_id for fact in act):
        raise NotFound("There is no such correction.")
    _undo(conn, [fact.id for fact in act])
    involved = {face for fact in act for face in (fact.face_a, fact.face_b) if face is not None}
    before = _persons_of(conn, involved)
    _move_back(conn, act, revision=revision)
    touched = before | _persons_of(conn, involved)
    for person_id in touched:
        fact = _name_said(conn, person_id)
        people.set_name(
            conn,
            person_id,
            fact.name if fact else None,
            birthday=fact.birthday if fact else None,
            revision=revision,
        )
    _settle(conn, touched, revision=revision)
    return sorted(person_id for person_id in touched if people.get(conn, person_id) is not None)


# ---- how it is done ----------------------------------------------------------------------------------------------


def _move_back(conn: Connection, act: Sequence[Fact], *, revision: int) -> None:
    statement, support = act[0], act[1:]
    if statement.kind == "named":
        # Whoever was only that face was nobody without a name.
        lone = people.get_face(conn, statement.face_a)
        if lone is not None and lone.person_id is None and _names(conn, [lone.id]):
            people.assign(conn, [lone.id], people.found(conn, revision=revision))
        return
    # A face that was given away had left another behind (``different`` in the same act): there it returns.
    apart = {fact.face_a: fact.face_b for fact in support if fact.kind == "different"}
    mover = statement.face_a if statement.kind == "different" else statement.face_b
    anchor = statement.face_b if statement.kind == "different" else apart.get(_certain(statement.face_b))
    side = _side(_certain(mover), support)
    if statement.kind == "same":
        _cut(conn, side, after=statement.at)
    faces = people.faces_by_ids(conn, {*side, *([anchor] if anchor else [])})
    here = faces[_certain(mover)].person_id
    moving = [face for face in side if face in faces and faces[face].person_id == here]
    if anchor is not None and anchor in faces and faces[anchor].person_id is not None:
        people.assign(conn, moving, faces[anchor].person_id)
    elif anchor is not None:
        # What had been left behind was too little to be somebody.
        rest = [face.id for face in people.faces_by_ids(conn, _side(anchor, support)).values() if not face.person_id]
        parted = here if statement.kind == "different" else None
        people.assign(conn, [*moving, *rest], parted or people.found(conn, revision=revision))
    elif moving:
        people.assign(conn, moving, people.found(conn, revision=revision))


def _settle(conn: Connection, person_ids: Collection[UUID], *, revision: int) -> None:
    """Bring these persons up to date with their faces. Somebody without a name is a person by two photos or by word."""
    conn.execute(
        f"""
        UPDATE faces SET person_id = NULL WHERE id IN (
            SELECT f.id FROM faces f JOIN images i ON i.id = f.image_id JOIN person_clusters p ON p.id = f.person_id
            WHERE p.id = ANY(%(ids)s) AND p.name IS NULL AND {people.LIVE}
            AND 1 = (
                SELECT count(DISTINCT i.id) FROM faces g JOIN images i ON i.id = g.image_id
                WHERE g.person_id = p.id AND {people.LIVE}
            )
            AND NOT EXISTS (
                SELECT FROM face_corrections c JOIN faces a ON a.id = c.face_a JOIN faces b ON b.id = c.face_b
                WHERE c.kind = 'same' AND c.undone_at IS NULL AND a.person_id = p.id AND b.person_id = p.id
            )
        )
        """.encode(),
        {"ids": list(person_ids)},
    )
    people.settle(conn, person_ids, revision=revision)


def _side(face: UUID, support: Iterable[Fact]) -> set[UUID]:
    """The faces that an act's other facts hold together with this one."""
    return next((side for side in sides(support) if face in side), {face})


def _cut(conn: Connection, side: set[UUID], *, after: datetime) -> None:
    """Let later acts hold together, each for itself, this side and what it was joined with, and speak of the latter."""
    later = db.rows(
        conn,
        Fact,
        f"SELECT {_COLUMNS} FROM face_corrections WHERE undone_at IS NULL AND at > %s ORDER BY at, id",
        [after],
    )
    for at, act in acts(later).items():
        support = [fact for fact in act[1:] if fact.kind == "same"]
        stand_in: dict[UUID, UUID] = {}
        for held in sides(support):
            out, stay = sorted(held & side), sorted(held - side)
            if not out or not stay:
                continue
            stand_in |= dict.fromkeys(out, stay[0])
            _undo(conn, [fact.id for fact in support if fact.face_a in held])
            _write(conn, [*_together(stay), *_together(out)], at)
        for fact in act:
            if fact.kind != "same" or fact is act[0]:
                a, b = stand_in.get(fact.face_a, fact.face_a), stand_in.get(fact.face_b or fact.id, fact.face_b)
                if (a, b) != (fact.face_a, fact.face_b):
                    conn.execute("UPDATE face_corrections SET face_a = %s, face_b = %s WHERE id = %s", [a, b, fact.id])


def _undo(conn: Connection, fact_ids: Collection[UUID]) -> None:
    conn.execute("UPDATE face_corrections SET undone_at = now() WHERE id = ANY(%s)", [list(fact_ids)])


def _certain(face: UUID | None) -> UUID:
    assert face is not None  # noqa: S101 - the table's checks
    return face


def _those(*person_ids: UUID | None) -> list[UUID]:
    return [person_id for person_id in person_ids if person_id is not None]


def _person(conn: Connection, person_id: UUID) -> Person:
    person = people.get(conn, person_id)
    if person is None or not people.face_ids_of(conn, person_id):
        raise NotFound(NO_SUCH_PERSON)
    return person


def _face(conn: Connection, face_id: UUID) -> people.FaceInPhoto:
    face = people.get_face(conn, face_id)
    if face is None:
        raise NotFound(NO_SUCH_FACE)
    return face


def _together(faces: Sequence[UUID]) -> Iterator[_Said]:
    return (_Said("same", a, b) for a, b in pairwise(faces))


def _called(face: UUID, name: str | None, birthday: date | None) -> list[_Said]:
    return [_Said("named", face, name=name, birthday=birthday)] if name else []


def _nameless(conn: Connection, faces: Sequence[UUID]) -> list[_Said]:
    """The facts by which those of the faces that have a name lose it."""
    return [_Said("named", face, name="") for face in sorted(_names(conn, faces))]


def _left_behind(conn: Connection, face: people.FaceInPhoto, *, joins: Collection[UUID] = ()) -> list[_Said]:
    """The facts by which a face leaves its person, if it has one with other faces, and perhaps joins others."""
    if face.person_id is None:
        return []
    rest = [other for other in people.face_ids_of(conn, face.person_id) if other != face.id]
    if not rest:
        return _nameless(conn, [face.id])
    return [
        _Said("different", face.id, rest[0]),
        *_together(rest),
        *_still_apart(conn, [[face.id], rest], joins=joins),
        *_called(rest[0], face.person_name, face.person_birthday),
        *_nameless(conn, [face.id]),
    ]


def _still_apart(conn: Connection, parts: Sequence[Sequence[UUID]], *, joins: Collection[UUID] = ()) -> Iterator[_Said]:
    """Whoever was said not to be a person is none of the parts that the person falls into."""
    whole = {face for part in parts for face in part}
    standing_apart = conn.execute(
        "SELECT face_a, face_b FROM face_corrections WHERE kind = 'different' AND undone_at IS NULL "
        "AND (face_a = ANY(%(whole)s)) <> (face_b = ANY(%(whole)s)) ORDER BY at, id",
        {"whole": list(whole)},
    ).fetchall()
    said = set()
    for a, b in standing_apart:
        inside, outside = (a, b) if a in whole else (b, a)
        for part in parts:
            if inside not in part and outside not in joins and (outside, part[0]) not in said:
                said.add((outside, part[0]))
                yield _Said("different", outside, part[0])


def _persons_of(conn: Connection, faces: Collection[UUID]) -> set[UUID]:
    return set(_those(*(face.person_id for face in people.faces_by_ids(conn, faces).values())))


def _name_said(conn: Connection, person_id: UUID) -> Fact | None:
    """The newest fact about any of the person's faces."""
    names = _names(conn, people.face_ids_of(conn, person_id)).values()
    return max(names, key=lambda fact: (fact.at, fact.id), default=None)


def _names(conn: Connection, faces: Collection[UUID]) -> dict[UUID, Fact]:
    """The newest name of each of the faces that has one."""
    said = db.rows(
        conn,
        Fact,
        f"SELECT {_COLUMNS} FROM face_corrections WHERE face_a = ANY(%s) AND kind = 'named' AND undone_at IS NULL "
        "ORDER BY at, id",
        [list(faces)],
    )
    return newest_names(said)


def _say(conn: Connection, facts: Sequence[_Said]) -> UUID:
    """Write the facts of one act. Its time is later than that of any act before, whatever the clock says."""
    at = db.value(conn, "SELECT greatest(clock_timestamp(), max(at) + interval '1 microsecond') FROM face_corrections")
    return _write(conn, facts, at)[0]


def _write(conn: Connection, facts: Sequence[_Said], at: datetime) -> list[UUID]:
    # Ids ascend within the act: the order in which it was said.
    numbered = [ids.new() for _ in facts]
    conn.execute(
        "INSERT INTO face_corrections (id, kind, face_a, face_b, name, birthday, at) "
        "SELECT u.id, u.kind, u.a, u.b, u.name, u.birthday, %s "
        "FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::text[], %s::date[]) "
        "AS u(id, kind, a, b, name, birthday)",
        [
            at,
            numbered,
            [fact.kind for fact in facts],
            [fact.a for fact in facts],
            [fact.b for fact in facts],
            [fact.name for fact in facts],
            [fact.birthday for fact in facts],
        ],
    )
    return numbered
