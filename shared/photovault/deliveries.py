"""The table ``webhook_deliveries``: what webhooks are posted, until it has arrived or is given up.

Each attempt has a number, and a message of the queue asks for one attempt. A message for an attempt that was made, or
that somebody is at, asks for nothing; so messages may come twice, and a worker may die anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, ids

if TYPE_CHECKING:
    from photovault.db import Connection

State = Literal["waiting", "delivered", "failed"]
# Longer than an attempt takes, shorter than it takes a message to come again after its worker died.
CLAIM = timedelta(seconds=60)
# A retry that is overdue by this much has lost its message.
OVERDUE = timedelta(hours=1)
# So has a first attempt that was asked for so long ago.
LOST_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Delivery:
    """``id`` is what the receiver knows it by, at every attempt."""

    id: UUID
    webhook_id: UUID
    event: str
    body: str
    state: State
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_trouble: str | None
    created_at: datetime


_COLUMNS = (
    "id, webhook_id, event, body, state, attempts, next_attempt_at, last_attempt_at, last_status, last_trouble, "
    "created_at"
)


def add(conn: Connection, webhook_id: UUID, event: str, bodies: Sequence[str]) -> list[UUID]:
    """To be delivered now; their ids."""
    made = [ids.new() for _ in bodies]
    conn.execute(
        "INSERT INTO webhook_deliveries (id, webhook_id, event, body) "
        "SELECT u.id, %s, %s, u.body FROM unnest(%s::uuid[], %s::text[]) AS u(id, body)",
        [webhook_id, event, made, list(bodies)],
    )
    return made


def get(conn: Connection, delivery_id: UUID) -> Delivery | None:
    return db.row(conn, Delivery, f"SELECT {_COLUMNS} FROM webhook_deliveries WHERE id = %s", [delivery_id])


def page(conn: Connection, webhook_id: UUID, *, limit: int, before: UUID | None = None) -> list[Delivery]:
    """Newest first."""
    return db.rows(
        conn,
        Delivery,
        f"SELECT {_COLUMNS} FROM webhook_deliveries WHERE webhook_id = %(webhook)s "
        "AND (%(before)s::uuid IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
        {"webhook": webhook_id, "before": before, "limit": limit},
    )


def unsent(conn: Connection, *, limit: int) -> list[tuple[UUID, int]]:
    """(delivery, attempts so far) of those that wait for a first attempt, or whose retry has lost its message."""
    return conn.execute(
        "SELECT id, attempts FROM webhook_deliveries WHERE state = 'waiting' "
        "AND (claimed_until IS NULL OR claimed_until < now()) "
        "AND next_attempt_at <= CASE WHEN attempts = 0 THEN now() ELSE now() - %s END ORDER BY id LIMIT %s",
        [OVERDUE, limit],
    ).fetchall()


def asked_for(conn: Connection, delivery_ids: Sequence[UUID]) -> None:
    """Messages about their first attempts are on their way: they are not sent again unless they are lost."""
    conn.execute(
        "UPDATE webhook_deliveries SET next_attempt_at = now() + %s "
        "WHERE id = ANY(%s) AND state = 'waiting' AND attempts = 0",
        [LOST_AFTER, list(delivery_ids)],
    )


def due(conn: Connection) -> dict[UUID, int]:
    """How many attempts of each webhook are to be made right now."""
    return dict(
        conn.execute(
            "SELECT webhook_id, count(*) FROM webhook_deliveries "
            "WHERE state = 'waiting' AND (attempts = 0 OR next_attempt_at <= now()) GROUP BY webhook_id"
        ).fetchall()
    )


def claim(conn: Connection, delivery_id: UUID, *, attempts: int) -> Delivery | None:
    """The delivery, if after so many attempts the next one is due and nobody is at it."""
    return db.row(
        conn,
        Delivery,
        "UPDATE webhook_deliveries SET claimed_until = now() + %(claim)s WHERE id = %(id)s AND state = 'waiting' "
        f"AND attempts = %(attempts)s AND (claimed_until IS NULL OR claimed_until < now()) RETURNING {_COLUMNS}",
        {"claim": CLAIM, "id": delivery_id, "attempts": attempts},
    )


def record(
    conn: Connection,
    delivery_id: UUID,
    *,
    attempts: int,
    state: State,
    status: int | None,
    trouble: str | None,
    next_attempt_at: datetime | None,
) -> None:
    """What the latest of so many attempts came to, unless it was written, or given up, while somebody was at it."""
    conn.execute(
        "UPDATE webhook_deliveries SET state = %s, attempts = %s, last_attempt_at = now(), last_status = %s, "
        "last_trouble = %s, next_attempt_at = %s, claimed_until = NULL "
        "WHERE id = %s AND state = 'waiting' AND attempts < %s",
        [state, attempts, status, trouble, next_attempt_at, delivery_id, attempts],
    )


def again(conn: Connection, delivery_id: UUID) -> None:
    """Begin anew with all attempts, whatever became of it so far."""
    conn.execute(
        "UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_attempt_at = now(), claimed_until = NULL "
        "WHERE id = %s",
        [delivery_id],
    )


def give_up(conn: Connection, webhook_id: UUID) -> None:
    """Whatever waits for a webhook that is switched off."""
    conn.execute(
        "UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL, claimed_until = NULL "
        "WHERE webhook_id = %s AND state = 'waiting'",
        [webhook_id],
    )


def forget_expired(conn: Connection) -> None:
    """As maintenance: what ended a month ago."""
    conn.execute("DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND created_at < now() - interval '30 days'")
