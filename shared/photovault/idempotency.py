"""The table ``idempotency_keys``: a POST that is repeated with the same key makes nothing twice.

What is kept is which resource a key made, never an answer: a repetition is answered with the resource as it is now.
Use ``recall`` and ``remember`` in one transaction that holds the person's lock, so that two requests with one key wait
in line.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from photovault.errors import Conflict

if TYPE_CHECKING:
    from photovault.db import Connection

# Also in the policy that lets maintenance delete them.
LIFETIME = timedelta(hours=24)


def recall(conn: Connection, key: str | None, *, route: str, request_sha256: bytes) -> UUID | None:
    """The resource that this key made on this route; None for a new key, or none at all.

    Raises ``Conflict`` when the key came with another request before.
    """
    if key is None:
        return None
    found = conn.execute(
        "SELECT request_sha256, resource_id FROM idempotency_keys "
        "WHERE route = %s AND key = %s AND created_at > now() - %s",
        [route, key, LIFETIME],
    ).fetchone()
    if found is None:
        return None
    if bytes(found[0]) != request_sha256:
        raise Conflict("This Idempotency-Key was sent with another request before; take a new one.")
    return UUID(str(found[1]))


def forget_expired(conn: Connection) -> None:
    """Delete everybody's keys that are not recalled any more."""
    conn.execute("DELETE FROM idempotency_keys WHERE created_at < now() - %s", [LIFETIME])


def remember(conn: Connection, key: str | None, *, route: str, request_sha256: bytes, resource_id: UUID) -> None:
    """Note what this key has made."""
    if key is None:
        return
    conn.execute(
        "INSERT INTO idempotency_keys (key, route, request_sha256, resource_id) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (user_id, route, key) DO UPDATE SET request_sha256 = excluded.request_sha256, "
        "resource_id = excluded.resource_id, created_at = now()",
        [key, route, request_sha256, resource_id],
    )
