"""What changed in a vault since a moment: photos, albums and people, in the order of their revisions.

Every change takes the next revision under the lock of the person's row (``users.next_revision``) and writes it to the
rows that show something else by it, or to tombstones where they are gone. The lock is held until the commit, so the
revisions of a person become visible in their order: whoever has read up to one has missed nothing before it.

The feed says *that* something changed. What it is like is read at once and not remembered, so an older entry of it
already tells the newest state, and the same thing told twice is no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import cursors, db, tombstones
from photovault.errors import BadCursor, StartAgain
from photovault.tombstones import Kind

if TYPE_CHECKING:
    from photovault.db import Connection

_CURSOR = "changes"
_NONE = UUID(int=0)


@dataclass(frozen=True)
class Position:
    """How far a copy has read: up to a (revision, id).

    ``begun`` is the revision at which it was empty: what was gone by then it never had. ``complete_at`` is when it was
    last complete, or begun: what is gone since then must still be remembered.
    """

    revision: int
    id: UUID
    begun: int
    complete_at: datetime


@dataclass(frozen=True)
class Entry:
    """Something that changed."""

    revision: int
    kind: Kind
    id: UUID


def begin(conn: Connection, *, now: datetime) -> Position:
    """The position of an empty copy."""
    return Position(-1, _NONE, newest(conn), now)


def resume(conn: Connection, since: str | None, *, now: datetime) -> Position:
    """The position in a cursor; without one, that of an empty copy.

    Raises ``BadCursor``, and ``StartAgain`` when what is gone since then is not known any more: the copy is too old, or
    is ahead of a database that was restored from a backup.
    """
    found = cursors.decode(_CURSOR, since, "iuit")
    if found is None:
        return begin(conn, now=now)
    position = Position(*found)
    if position.complete_at.tzinfo is None:
        raise BadCursor
    if now - position.complete_at > tombstones.REMEMBERED:
        raise StartAgain("This copy was last complete too long ago; begin anew without `since`.")
    if max(position.revision, position.begun) > newest(conn):
        raise StartAgain("This copy is ahead of the vault, which was restored; begin anew without `since`.")
    return position


def cursor(position: Position) -> str:
    return cursors.encode(_CURSOR, position.revision, position.id, position.begun, position.complete_at)


def after(position: Position, read: list[Entry], *, complete: bool, now: datetime) -> Position:
    """Where a copy is that was at a position and has taken these in; ``complete`` when nothing followed them."""
    last = read[-1] if read else position
    return Position(last.revision, last.id, position.begun, now if complete else position.complete_at)


def page(conn: Connection, position: Position, *, limit: int) -> list[Entry]:
    """What comes after a position, in the order of (revision, id).

    One statement, because two would see two states: the later one a revision beyond something that the earlier missed.
    """
    beyond = "> (%(revision)s, %(id)s) ORDER BY revision, id LIMIT %(limit)s"
    return db.rows(
        conn,
        Entry,
        f"""
        SELECT revision, kind, id FROM (
            (SELECT revision, 'image' AS kind, id FROM images WHERE (revision, id) {beyond})
            UNION
            (SELECT revision, 'album', id FROM albums WHERE (revision, id) {beyond})
            UNION
            (SELECT revision, 'person', id FROM person_clusters WHERE (revision, id) {beyond})
            UNION
            (SELECT revision, kind, subject_id AS id FROM tombstones
             WHERE revision > %(begun)s AND (revision, subject_id) {beyond})
        ) AS changed ORDER BY revision, id LIMIT %(limit)s
        """,
        {"revision": position.revision, "id": position.id, "begun": position.begun, "limit": limit},
    )


def of_kind(conn: Connection, kind: Literal["album", "person"], *, since: int) -> dict[UUID, int]:
    """What changed or went away after a revision, each with its latest one, in their order."""
    table = {"album": "albums", "person": "person_clusters"}[kind]
    found = conn.execute(
        f"SELECT id, max(revision) FROM (SELECT id, revision FROM {table} WHERE revision > %(since)s UNION ALL "
        "SELECT subject_id, revision FROM tombstones WHERE revision > %(since)s AND kind = %(kind)s) AS changed "
        "GROUP BY id ORDER BY 2, 1".encode(),
        {"since": since, "kind": kind},
    )
    return dict(found.fetchall())


def newest(conn: Connection) -> int:
    """The revision of the latest change."""
    return int(db.value(conn, "SELECT revision FROM users") or 0)
