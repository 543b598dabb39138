"""Log-in sessions, their refresh tokens, and the public keys that access tokens are verified with."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, ids
from photovault.errors import Unauthenticated

if TYPE_CHECKING:
    from photovault.db import Connection

REFRESH_LIFETIME = timedelta(days=30)
# How long a function trusts the published keys it has read.
PUBLIC_KEYS_TTL_SECONDS = 60.0


Method = Literal["password", "totp", "recovery-code"]


@dataclass(frozen=True)
class Session:
    """``method`` is what it began with: the password, and whatever code came with that."""

    id: UUID
    user_agent: str | None
    method: Method
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class RefreshToken:
    """Where a refresh token belongs; found before anybody is known."""

    user_id: UUID
    session_id: UUID


def hash_refresh(token: str) -> bytes:
    """SHA-256: the tokens are 256 random bits, which no dictionary holds."""
    return hashlib.sha256(token.encode()).digest()


def start(conn: Connection, *, user_agent: str | None, now: datetime, method: Method = "password") -> tuple[UUID, str]:
    """A new session and its first refresh token."""
    session_id = ids.new()
    conn.execute(
        "INSERT INTO sessions (id, user_agent, method, created_at, last_used_at, expires_at) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [session_id, (user_agent or "")[:300] or None, method, now, now, now + REFRESH_LIFETIME],
    )
    return session_id, add_refresh(conn, session_id, now=now)


def add_refresh(conn: Connection, session_id: UUID, *, now: datetime) -> str:
    token = "pvr_" + secrets.token_urlsafe(32)
    conn.execute(
        "INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at) VALUES (%s, %s, %s, %s)",
        [hash_refresh(token), session_id, now, now + REFRESH_LIFETIME],
    )
    return token


def find_refresh(conn: Connection, token: str) -> RefreshToken | None:
    """Whose token this is, before anybody is known."""
    return db.row(conn, RefreshToken, "SELECT user_id, session_id FROM find_refresh_token(%s)", [hash_refresh(token)])


def use_refresh(conn: Connection, token: str, *, now: datetime) -> bool:
    """Spend the token, once. False when it was spent before, has expired, or its session has ended."""
    spent = db.value(
        conn,
        "UPDATE refresh_tokens t SET used_at = %(now)s FROM sessions s WHERE t.hash = %(hash)s AND t.used_at IS NULL "
        "AND t.expires_at > %(now)s AND s.id = t.session_id AND s.revoked_at IS NULL RETURNING t.session_id",
        {"hash": hash_refresh(token), "now": now},
    )
    if spent is None:
        return False
    conn.execute(
        "UPDATE sessions SET last_used_at = %s, expires_at = %s WHERE id = %s", [now, now + REFRESH_LIFETIME, spent]
    )
    return True


def was_spent(conn: Connection, token: str) -> bool:
    """Whether the token was spent before: its second use is theft or a lost answer, and ends the session."""
    return bool(db.value(conn, "SELECT used_at IS NOT NULL FROM refresh_tokens WHERE hash = %s", [hash_refresh(token)]))


def is_active(conn: Connection, session_id: UUID) -> bool:
    """Whether the session has not ended. None of a deleted account has not, even one that a log-in began meanwhile."""
    return bool(
        db.value(
            conn,
            "SELECT true FROM sessions s JOIN users u ON u.id = s.user_id "
            "WHERE s.id = %s AND s.revoked_at IS NULL AND s.expires_at > now() AND u.erased_at IS NULL",
            [session_id],
        )
    )


def require(conn: Connection, session_id: UUID) -> None:
    """Raises ``Unauthenticated`` once the session has ended."""
    if not is_active(conn, session_id):
        raise Unauthenticated("The session has ended; log in again.")


def active(conn: Connection) -> list[Session]:
    """The person's sessions that have not ended, latest used first."""
    return db.rows(
        conn,
        Session,
        "SELECT id, user_agent, method, created_at, last_used_at, expires_at FROM sessions "
        "WHERE revoked_at IS NULL AND expires_at > now() ORDER BY last_used_at DESC, id DESC LIMIT 200",
    )


def revoke(conn: Connection, session_id: UUID, *, because: str) -> bool:
    """End a session at once. False when there is none of that id that has not ended."""
    return (
        db.value(
            conn,
            "UPDATE sessions SET revoked_at = now(), revoked_because = %s "
            "WHERE id = %s AND revoked_at IS NULL RETURNING true",
            [because, session_id],
        )
        is not None
    )


def revoke_all(conn: Connection, *, because: str, but: UUID | None = None) -> int:
    """End the person's sessions, all or all but one. Returns how many ended."""
    return conn.execute(
        "UPDATE sessions SET revoked_at = now(), revoked_because = %s "
        "WHERE revoked_at IS NULL AND id IS DISTINCT FROM %s",
        [because, but],
    ).rowcount


def forget_expired(conn: Connection) -> None:
    """Delete everybody's refresh tokens a week after their end, and sessions a month after theirs.

    The policies of ``photovault_maintenance`` allow no earlier.
    """
    conn.execute("DELETE FROM refresh_tokens WHERE expires_at < now() - interval '7 days'")
    conn.execute("DELETE FROM sessions WHERE expires_at < now() - interval '30 days'")


# ------------------------------------------------------------------------------------------------- public keys

_lock = threading.Lock()
_keys: dict[str, bytes] = {}
_read_at = float("-inf")


def public_keys(conn: Connection) -> dict[str, bytes]:
    """The keys published by ``photovault db upgrade``: kid to 32 bytes."""
    return {
        kid: bytes(key)
        for kid, key in conn.execute("SELECT kid, public_key FROM signing_keys WHERE retired_at IS NULL").fetchall()
    }


def cached_public_keys(kid: str) -> dict[str, bytes]:
    """The published keys, read at most once a minute, or at once when a new ``kid`` shows up."""
    global _keys, _read_at
    with _lock:
        age = time.monotonic() - _read_at
        if age <= PUBLIC_KEYS_TTL_SECONDS and (kid in _keys or age <= 1):
            return _keys
    # Not under the lock: while the database is away, each request would wait for all before it to give up.
    with db.before_login() as conn:
        found = public_keys(conn)
    with _lock:
        _keys, _read_at = found, time.monotonic()
    return found
