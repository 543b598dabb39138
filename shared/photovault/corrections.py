"""The table ``face_corrections``: what people said about faces, as time-stamped facts of which the newest wins.

Persons are derived from these facts by the next rebuild (``grouping``), which keeps to them. What an act means for the
persons of now is done here at once, so that the answer is true before the rebuild.

An act writes several facts with one time. The first of them (by id) is the statement: *these two faces are one person*,
*are not*, or *this face is called so*. The others hold each side together, so that a side does not fall apart when a
face leaves, and say what each side is called. Undoing a statement undoes its whole act, and with it exactly what it
changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
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
    """``face_b`` is None and ``name`` is set for ``named`` alone; an empty name takes a name away."""

    id: UUID
    kind: Kind
    face_a: UUID
    face_b: UUID | None
    name: str | None
    at: datetime


@dataclass(frozen=True)
class _Said:
    kind: Kind
    a: UUID
    b: UUID | None = None
    name: str | None = None


_COLUMNS = "id, kind, face_a, face_b, name, at"


def standing(conn: Connection) -> list[Fact]:
    """Every fact that was not undone, oldest first."""
    return db.rows(conn, Fact, f"SELECT {_COLUMNS} FROM face_corrections WHERE undone_at IS NULL ORDER BY at, id")


# ---- acts: each returns the id of its statement, by which it can be undone ---------------------------------------


def merge(conn: Connection, into: UUID, other: UUID, *, revision: int) -> UUID:
    """Two persons are one, who keeps the id of ``into`` and its name, if any. Raises ``NotFound``, ``Invalid``."""
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
            _called(staying[0], kept.name or gone.name),
        ],
    )
    people.assign(conn, coming, into)
    people.set_name(conn, into, kept.name or gone.name, revision=revision)
    people.settle(conn, [into, other], revision=revision)
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
            _called(staying[0], person.name),
            _called(leaving[0], None),
        ],
    )
    new = people.found(conn, revision=revision)
    people.assign(conn, leaving, new)
    people.settle(conn, [person_id, new], revision=revision)
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
            _called(theirs[0], person.name),
            *_left_behind(conn, face),
        ],
    )
    people.assign(conn, [face_id], person_id)
    people.settle(conn, _those(face.person_id, person_id), revision=revision)
    return said


def introduce(conn: Connection, face_id: UUID, name: str, *, revision: int) -> tuple[UUID, UUID]:
    """This face is somebody new, called so. Returns the statement and the new person. Raises ``NotFound``."""
    face = _face(conn, face_id)
    said = _say(conn, [*_left_behind(conn, face), _called(face_id, name)])
    new = people.found(conn, revision=revision, name=name)
    people.assign(conn, [face_id], new)
    people.settle(conn, _those(face.person_id, new), revision=revision)
    return said, new


def take_away(conn: Connection, face_id: UUID, *, revision: int) -> UUID:
    """This face is not the person it is said to be. Raises ``NotFound`` when it is nobody's."""
    face = _face(conn, face_id)
    if face.person_id is None:
        raise NotFound("The face belongs to nobody.")
    said = _say(conn, [*_left_behind(conn, face), _called(face_id, None)])
    people.assign(conn, [face_id], None)
    people.settle(conn, [face.person_id], revision=revision)
    return said


def name(conn: Connection, person_id: UUID, name: str | None, *, revision: int) -> UUID:
    """This person is called so, or by no name. Raises ``NotFound``."""
    person = _person(conn, person_id)
    faces = people.face_ids_of(conn, person_id)
    cover = person.cover_face_id if person.cover_face_id in faces else faces[0]
    said = _say(conn, [_called(cover, name)])
    people.set_name(conn, person_id, name, revision=revision)
    return said


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
    conn.execute("UPDATE face_corrections SET undone_at = now() WHERE id = ANY(%s)", [[fact.id for fact in act]])
    involved = {face for fact in act for face in (fact.face_a, fact.face_b) if face is not None}
    before = _persons_of(conn, involved)
    _move_back(conn, act, revision=revision)
    touched = before | _persons_of(conn, involved)
    for person_id in touched:
        people.set_name(conn, person_id, _name_said(conn, person_id), revision=revision)
    people.settle(conn, touched, revision=revision)
    return sorted(person_id for person_id in touched if people.get(conn, person_id) is not None)


# ---- how it is done ----------------------------------------------------------------------------------------------


def _move_back(conn: Connection, act: Sequence[Fact], *, revision: int) -> None:
    statement, support = act[0], act[1:]
    if statement.kind == "named":
        return
    # A face that was given away had left another behind (``different`` in the same act): there it returns.
    apart = {fact.face_a: fact.face_b for fact in support if fact.kind == "different"}
    mover = statement.face_a if statement.kind == "different" else statement.face_b
    anchor = statement.face_b if statement.kind == "different" else apart.get(_certain(statement.face_b))
    side = _side(_certain(mover), support)
    faces = people.faces_by_ids(conn, {*side, *([anchor] if anchor else [])})
    here = faces[_certain(mover)].person_id
    moving = [face for face in side if face in faces and faces[face].person_id == here]
    if anchor is not None:
        people.assign(conn, moving, faces[anchor].person_id)
    elif len(moving) > 1 or _has_name(conn, moving):
        people.assign(conn, moving, people.found(conn, revision=revision))
    else:
        people.assign(conn, moving, None)


def _side(face: UUID, support: Iterable[Fact]) -> list[UUID]:
    """The faces that an act's other facts hold together with this one."""
    links: dict[UUID, list[UUID]] = {}
    for fact in support:
        if fact.kind == "same" and fact.face_b is not None:
            links.setdefault(fact.face_a, []).append(fact.face_b)
            links.setdefault(fact.face_b, []).append(fact.face_a)
    seen, todo = {face}, [face]
    while todo:
        for other in links.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return sorted(seen)


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


def _called(face: UUID, name: str | None) -> _Said:
    return _Said("named", face, name=name or "")


def _left_behind(conn: Connection, face: people.FaceInPhoto) -> list[_Said]:
    """The facts by which a face leaves its person, if it has one with other faces."""
    if face.person_id is None:
        return []
    rest = [other for other in people.face_ids_of(conn, face.person_id) if other != face.id]
    if not rest:
        return []
    return [_Said("different", face.id, rest[0]), *_together(rest), _called(rest[0], face.person_name)]


def _persons_of(conn: Connection, faces: Collection[UUID]) -> set[UUID]:
    return set(_those(*(face.person_id for face in people.faces_by_ids(conn, faces).values())))


def _name_said(conn: Connection, person_id: UUID) -> str | None:
    """By the newest fact about any of the person's faces."""
    said = db.value(
        conn,
        "SELECT c.name FROM face_corrections c JOIN faces f ON f.id = c.face_a WHERE f.person_id = %s "
        "AND c.kind = 'named' AND c.undone_at IS NULL ORDER BY c.at DESC, c.id DESC LIMIT 1",
        [person_id],
    )
    return str(said) if said else None


def _has_name(conn: Connection, faces: Collection[UUID]) -> bool:
    return bool(
        db.value(
            conn,
            "SELECT name <> '' FROM face_corrections WHERE face_a = ANY(%s) AND kind = 'named' "
            "AND undone_at IS NULL ORDER BY at DESC, id DESC LIMIT 1",
            [list(faces)],
        )
    )


def _say(conn: Connection, facts: Sequence[_Said]) -> UUID:
    """Write the facts of one act. Its time is later than that of any act before, whatever the clock says."""
    at = db.value(conn, "SELECT greatest(clock_timestamp(), max(at) + interval '1 microsecond') FROM face_corrections")
    milliseconds = int(at.timestamp() * 1000)
    # Ids that ascend within the act: the order in which it was said.
    numbered = [ids.from_time(milliseconds, n << 50 | secrets.randbits(50)) for n in range(len(facts))]
    conn.execute(
        "INSERT INTO face_corrections (id, kind, face_a, face_b, name, at) "
        "SELECT u.id, u.kind, u.a, u.b, u.name, %s "
        "FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::text[]) AS u(id, kind, a, b, name)",
        [
            at,
            numbered,
            [fact.kind for fact in facts],
            [fact.a for fact in facts],
            [fact.b for fact in facts],
            [fact.name for fact in facts],
        ],
    )
    return numbered[0]
