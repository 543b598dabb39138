"""Throttling that every function shares: leaky buckets in Postgres. A bucket always drains, so nobody is locked out."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photovault import db
from photovault.errors import TooManyRequests

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class Bucket:
    """Holds ``capacity`` attempts and lets one go every ``seconds``."""

    scope: str
    capacity: int
    seconds: float


def pour(conn: Connection, bucket: Bucket, key: str) -> None:
    """Count one attempt of ``key``. Raises ``TooManyRequests`` with the seconds until there is room again.

    Keys are stored as hashes: the table must not become a list of e-mail addresses. Call it in a transaction that
    ends before the attempt is judged, so that a failed attempt counts; a refused one is rolled back and does not.
    """
    level = db.value(
        conn,
        """
        INSERT INTO throttles AS t (scope, key, level, updated_at) VALUES (%(scope)s, %(key)s, 1, now())
        ON CONFLICT (scope, key) DO UPDATE SET
            level = least(
                %(capacity)s + 1,
                greatest(0, t.level - extract(epoch FROM now() - t.updated_at) / %(seconds)s) + 1
            ),
            updated_at = now()
        RETURNING level
        """,
        {"scope": bucket.scope, "key": _hash(key), "capacity": bucket.capacity, "seconds": bucket.seconds},
    )
    if level > bucket.capacity:
        wait = max(1, math.ceil((level - bucket.capacity) * bucket.seconds))
        raise TooManyRequests(f"Too many attempts; try again in {wait} seconds.", retry_after=wait)


def empty(conn: Connection, bucket: Bucket, key: str) -> None:
    """Forget the attempts of ``key``."""
    conn.execute("DELETE FROM throttles WHERE scope = %s AND key = %s", [bucket.scope, _hash(key)])


def forget_idle(conn: Connection) -> None:
    """Delete the buckets into which nothing was poured for a day: they have drained."""
    conn.execute("DELETE FROM throttles WHERE updated_at < now() - interval '1 day'")


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()[:16]
