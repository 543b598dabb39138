"""The table ``rebuilds``: who wants their albums built again, and who is building.

``wanted_generation`` counts the reasons to rebuild, ``built_generation`` the last one that was met,
``edit_generation`` what the person changed by hand meanwhile. The lease keeps two builders of one person apart; its
token fences the write, so that a builder that slept through its lease writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from photovault import db

if TYPE_CHECKING:
    from photovault.db import Connection

# While photos of a person are still on their way, albums are rebuilt at most this often.
PAUSE = timedelta(seconds=60)
# Longer than the albums function may run.
LEASE = timedelta(seconds=330)


@dataclass(frozen=True)
class Generations:
    wanted_generation: int
    built_generation: int
    edit_generation: int


@dataclass(frozen=True)
class Lease:
    """Held for ``seconds`` from now; ``held_by_other`` says that it is somebody else who has it.

    The database's clock alone decides: those of functions may differ.
    """

    token: UUID
    seconds: float
    held_by_other: bool


def want(conn: Connection) -> int:
    """Ask for a rebuild in the transaction that makes it necessary. Returns the generation to wait for."""
    return int(
        db.value(conn, "UPDATE rebuilds SET wanted_generation = wanted_generation + 1 RETURNING wanted_generation")
    )


def edited(conn: Connection) -> None:
    """Note that the person changed people or albums by hand: a builder that read before this starts again."""
    conn.execute("UPDATE rebuilds SET edit_generation = edit_generation + 1")


def face_model(conn: Connection) -> int | None:
    """The model of the faces that this person's people are made of; None until vision has said so."""
    found = db.value(conn, "SELECT face_model_id FROM rebuilds")
    return None if found is None else int(found)


def set_face_model(conn: Connection, model_id: int) -> None:
    conn.execute("UPDATE rebuilds SET face_model_id = %s", [model_id])


def generations(conn: Connection) -> Generations | None:
    return db.row(conn, Generations, "SELECT wanted_generation, built_generation, edit_generation FROM rebuilds")


def is_due(conn: Connection) -> bool:
    return bool(db.value(conn, "SELECT wanted_generation > built_generation FROM rebuilds"))


def due(conn: Connection) -> list[UUID]:
    """Everybody who waits for a rebuild, as maintenance sees them."""
    found = conn.execute("SELECT user_id FROM rebuilds WHERE wanted_generation > built_generation").fetchall()
    return [row[0] for row in found]


def can_wait(conn: Connection) -> bool:
    """Whether a bulk upload is under way and the albums were built a moment ago.

    The builder that built them comes again after the pause, so skipping a rebuild now loses nothing; without this a
    thousand photos would cause as many rebuilds as fit into the time that they take.
    """
    return bool(db.value(conn, "SELECT built_at > now() - %s FROM rebuilds", [PAUSE])) and photos_are_coming(conn)


def photos_are_coming(conn: Connection) -> bool:
    """Whether any photo of the person is sealed and not finished."""
    return bool(db.value(conn, "SELECT EXISTS (SELECT FROM images WHERE status = 'processing')"))


def take_lease(conn: Connection) -> Lease | None:
    """Try to become the builder of this person. None when the person is gone."""
    token = uuid4()
    taken = db.value(
        conn,
        "UPDATE rebuilds SET lease_token = %(token)s, lease_expires_at = now() + %(length)s "
        "WHERE lease_token IS NULL OR lease_expires_at < now() RETURNING true",
        {"token": token, "length": LEASE},
    )
    if taken:
        return Lease(token, LEASE.total_seconds(), held_by_other=False)
    # Nobody may hold it by now: then whoever comes in a moment may.
    seconds = db.value(
        conn,
        "SELECT greatest(0, extract(epoch FROM coalesce(lease_expires_at, now()) - clock_timestamp())) FROM rebuilds",
    )
    return Lease(token, float(seconds), held_by_other=True) if seconds is not None else None


def is_held(conn: Connection, token: UUID) -> bool:
    """Whether this builder still has the lease."""
    return bool(db.value(conn, "SELECT lease_token = %s FROM rebuilds", [token]))


def release(conn: Connection, token: UUID) -> None:
    conn.execute("UPDATE rebuilds SET lease_token = NULL, lease_expires_at = NULL WHERE lease_token = %s", [token])


def hold(conn: Connection, token: UUID, read: Generations) -> bool:
    """Fence a part of a build in its writing transaction, and keep the lease. False as of ``mark_built``."""
    return bool(
        db.value(
            conn,
            "UPDATE rebuilds SET lease_expires_at = now() + %(length)s "
            "WHERE lease_token = %(token)s AND edit_generation = %(edit)s RETURNING true",
            {"edit": read.edit_generation, "token": token, "length": LEASE},
        )
    )


def mark_built(conn: Connection, token: UUID, read: Generations) -> bool:
    """Fence and finish a build in its writing transaction. False when the lease was lost or the person edited."""
    return bool(
        db.value(
            conn,
            "UPDATE rebuilds SET built_generation = greatest(built_generation, %(wanted)s), built_at = now(), "
            "lease_expires_at = now() + %(length)s "
            "WHERE lease_token = %(token)s AND edit_generation = %(edit)s RETURNING true",
            {"wanted": read.wanted_generation, "edit": read.edit_generation, "token": token, "length": LEASE},
        )
    )
