"""The table ``jobs``: work that a person asked for and may watch or cancel.

A job of kind ``albums`` is a place to watch a rebuild from: it is done when its generation has been built, whoever
asked for that. Cancelling it ends the watching; the albums are always built to the end, because others wait for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, ids

if TYPE_CHECKING:
    from photovault.db import Connection

CANCELLED = "Cancelled."

Stage = Literal["people", "arranging", "comparing", "writing"]

_COLUMNS = "id, kind, state, cursor AS stage, done, total, generation, error, cancel_requested, created_at, finished_at"


@dataclass(frozen=True)
class Job:
    """``done`` and ``total`` count steps; ``total`` is None until somebody works on it. ``stage``: what is done now."""

    id: UUID
    kind: str
    state: Literal["queued", "running", "done", "failed"]
    stage: Stage | None
    done: int
    total: int | None
    generation: int | None
    error: str | None
    cancel_requested: bool
    created_at: datetime
    finished_at: datetime | None


def add(conn: Connection, kind: str, *, generation: int | None = None) -> UUID:
    """A queued job."""
    job_id = ids.new()
    conn.execute("INSERT INTO jobs (id, kind, generation) VALUES (%s, %s, %s)", [job_id, kind, generation])
    return job_id


def get(conn: Connection, job_id: UUID) -> Job | None:
    return db.row(conn, Job, f"SELECT {_COLUMNS} FROM jobs WHERE id = %s", [job_id])


def queued(conn: Connection, kind: str, *, generation: int) -> UUID | None:
    """A job that waits for exactly this generation and that nobody has begun."""
    found = db.value(
        conn,
        "SELECT id FROM jobs WHERE kind = %s AND state = 'queued' AND generation = %s ORDER BY created_at LIMIT 1",
        [kind, generation],
    )
    return UUID(str(found)) if found is not None else None


def is_watched(conn: Connection, kind: str) -> bool:
    """Whether somebody waits for a job of this kind."""
    return bool(
        db.value(conn, "SELECT EXISTS (SELECT FROM jobs WHERE kind = %s AND state IN ('queued', 'running'))", [kind])
    )


def cancel(conn: Connection, job_id: UUID) -> Job | None:
    """Ask a job to stop: a queued one ends now, a running one at its next step, one that is over stays as it is."""
    conn.execute(
        "UPDATE jobs SET cancel_requested = true, "
        "state = CASE state WHEN 'queued' THEN 'failed' ELSE state END, "
        "error = CASE state WHEN 'queued' THEN %(why)s ELSE error END, "
        "finished_at = CASE state WHEN 'queued' THEN now() ELSE finished_at END "
        "WHERE id = %(id)s AND state IN ('queued', 'running')",
        {"id": job_id, "why": CANCELLED},
    )
    return get(conn, job_id)


def progress(conn: Connection, kind: str, *, generation: int, stage: Stage, done: int, total: int) -> None:
    """Tell the open jobs up to this generation how far the work is. ``done`` never falls when the work starts over."""
    conn.execute(
        "UPDATE jobs SET error = CASE WHEN cancel_requested THEN %(why)s END, "
        "state = CASE WHEN cancel_requested THEN 'failed' ELSE 'running' END, "
        "finished_at = CASE WHEN cancel_requested THEN now() END, "
        "cursor = %(stage)s, done = greatest(done, %(done)s), total = greatest(total, %(total)s) "
        "WHERE kind = %(kind)s AND state IN ('queued', 'running') AND generation <= %(generation)s",
        {"kind": kind, "generation": generation, "stage": stage, "done": done, "total": total, "why": CANCELLED},
    )


def finish(conn: Connection, kind: str, *, generation: int) -> None:
    """End the open jobs up to this generation: it has been built."""
    conn.execute(
        "UPDATE jobs SET state = 'done', cursor = NULL, error = NULL, finished_at = now(), total = coalesce(total, 1), "
        "done = coalesce(total, 1) "
        "WHERE kind = %(kind)s AND state IN ('queued', 'running') AND generation <= %(generation)s",
        {"kind": kind, "generation": generation},
    )


def note_failure(conn: Connection, kind: str, *, generation: int, why: str) -> None:
    """Say that an attempt failed. The queue tries again, so the jobs stay open."""
    conn.execute(
        "UPDATE jobs SET error = %(why)s "
        "WHERE kind = %(kind)s AND state IN ('queued', 'running') AND generation <= %(generation)s",
        {"kind": kind, "generation": generation, "why": why},
    )


# ------------------------------------------------------------------------------------------ work on a number of things


def begin(conn: Connection, kind: str, *, total: int) -> UUID:
    """A job of so many steps; if one of this kind is open, that one, with what there is more to do now."""
    found = db.value(
        conn,
        "UPDATE jobs SET created_at = now(), total = done + %(total)s WHERE id = ("
        "SELECT id FROM jobs WHERE kind = %(kind)s AND state IN ('queued', 'running') AND NOT cancel_requested "
        "ORDER BY created_at, id LIMIT 1) RETURNING id",
        {"kind": kind, "total": total},
    )
    if found is not None:
        return UUID(str(found))
    job_id = ids.new()
    conn.execute("INSERT INTO jobs (id, kind, total) VALUES (%s, %s, %s)", [job_id, kind, total])
    return job_id


def open_one(conn: Connection, kind: str) -> Job | None:
    """The oldest job of this kind that is to be worked on. Those that were cancelled meanwhile end here."""
    conn.execute(
        "UPDATE jobs SET state = 'failed', error = %s, finished_at = now() "
        "WHERE kind = %s AND state = 'running' AND cancel_requested",
        [CANCELLED, kind],
    )
    return db.row(
        conn,
        Job,
        f"SELECT {_COLUMNS} FROM jobs WHERE kind = %s AND state IN ('queued', 'running') "
        "ORDER BY created_at, id LIMIT 1",
        [kind],
    )


def advance(conn: Connection, job_id: UUID, *, by: int, finished: bool) -> None:
    """Note steps of such a job; ``finished`` ends it, with as many steps as there really were."""
    conn.execute(
        "UPDATE jobs SET done = done + %(by)s, state = CASE WHEN %(finished)s THEN 'done' ELSE 'running' END, "
        "total = CASE WHEN %(finished)s THEN done + %(by)s ELSE greatest(total, done + %(by)s) END, "
        "finished_at = CASE WHEN %(finished)s THEN now() END WHERE id = %(id)s",
        {"id": job_id, "by": by, "finished": finished},
    )


def whose_are_open(conn: Connection, kind: str) -> list[UUID]:
    """Everybody with an open job of this kind, as maintenance sees them."""
    found = conn.execute(
        "SELECT DISTINCT user_id FROM jobs WHERE kind = %s AND state IN ('queued', 'running') ORDER BY user_id", [kind]
    ).fetchall()
    return [row[0] for row in found]
