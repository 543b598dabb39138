"""What happened in a vault, in the words of the dashboard: append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import db, ids

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class Event:
    id: UUID
    kind: str
    detail: dict[str, Any]
    at: datetime


def record(conn: Connection, kind: str, **detail: Any) -> UUID:
    """Add an event such as ``log-in`` or ``upload``. ``detail`` is shown to the person and to nobody else."""
    from psycopg.types.json import Jsonb

    event_id = ids.new()
    conn.execute("INSERT INTO activity (id, kind, detail) VALUES (%s, %s, %s)", [event_id, kind, Jsonb(detail)])
    return event_id


def get(conn: Connection, event_id: UUID) -> Event | None:
    return db.row(conn, Event, "SELECT id, kind, detail, at FROM activity WHERE id = %s", [event_id])


def latest(conn: Connection, *, limit: int, before: UUID | None = None) -> list[Event]:
    """Newest first, from ``before`` on."""
    return db.rows(
        conn,
        Event,
        "SELECT id, kind, detail, at FROM activity WHERE %(before)s::uuid IS NULL OR id < %(before)s "
        "ORDER BY id DESC LIMIT %(limit)s",
        {"before": before, "limit": limit},
    )
