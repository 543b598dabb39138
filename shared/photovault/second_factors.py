"""The second factor of log-in: an authenticator's secret, sealed, and recovery codes, as hashes. One row a person.

Each function but ``reseal`` runs in a transaction of the person, and those that change anything with the person's row
locked (``users.lock``): so no code is taken twice, however many come at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, one_time_codes
from photovault.errors import Conflict, Tampered, Unavailable
from photovault.one_time_codes import Sealed, SealingKeys

if TYPE_CHECKING:
    from photovault.db import Connection

Method = Literal["totp", "recovery-code"]
NOT_BEGUN = "There is no authenticator to confirm; ask for a secret first."
ON_ALREADY = "Two-step log-in is on already; turn it off first to begin with another authenticator."


@dataclass(frozen=True)
class State:
    """``since`` is None while log-in asks for no code."""

    since: datetime | None
    recovery_codes_left: int


@dataclass(frozen=True)
class _Row:
    user_id: UUID
    sealed: bytes = field(repr=False)
    sealed_by: str
    last_step: int
    confirmed_at: datetime | None


def state(conn: Connection) -> State:
    since = db.value(conn, "SELECT confirmed_at FROM second_factors")
    return State(since, int(db.value(conn, "SELECT count(*) FROM recovery_codes")))


def is_on(conn: Connection) -> bool:
    """Whether log-in asks for a code."""
    return db.value(conn, "SELECT true FROM second_factors WHERE confirmed_at IS NOT NULL") is not None


def begin(conn: Connection, user_id: UUID, keys: SealingKeys) -> bytes:
    """A new secret, in place of one that was not confirmed. Raises ``Conflict`` while one is in use."""
    secret = one_time_codes.new_secret()
    sealed = keys.seal(secret, user_id=user_id)
    begun = db.value(
        conn,
        "INSERT INTO second_factors AS f (sealed, sealed_by) VALUES (%s, %s) ON CONFLICT (user_id) DO UPDATE SET "
        "sealed = EXCLUDED.sealed, sealed_by = EXCLUDED.sealed_by, created_at = now() WHERE f.confirmed_at IS NULL "
        "RETURNING true",
        [sealed.token, sealed.sealed_by],
    )
    if not begun:
        raise Conflict(ON_ALREADY)
    return secret


def require_begun(conn: Connection) -> None:
    """Raises ``Conflict`` unless there is a secret that waits for its first code."""
    if not db.value(conn, "SELECT true FROM second_factors WHERE confirmed_at IS NULL"):
        raise Conflict(NOT_BEGUN)


def confirm(conn: Connection, code: str, keys: SealingKeys, *, now: datetime) -> list[str] | None:
    """Turn it on with a first code, and give the recovery codes; None when the code is not the secret's.

    Raises ``Conflict`` when there is no secret to confirm.
    """
    row = _row(conn)
    if row is None or row.confirmed_at is not None:
        raise Conflict(NOT_BEGUN)
    if not _take_totp(conn, row, code, keys, now=now):
        return None
    conn.execute("UPDATE second_factors SET confirmed_at = %s", [now])
    return renew_recovery_codes(conn, row.user_id)


def accept(conn: Connection, code: str, keys: SealingKeys, *, now: datetime) -> Method | None:
    """What a code is, and it is used up with that; None for one that is wrong or was used.

    Raises ``Unavailable`` when the secret cannot be opened here; recovery codes work then, too.
    """
    row = _row(conn)
    if row is None or row.confirmed_at is None:
        return None
    if one_time_codes.is_recovery_code(code):
        hashed = one_time_codes.hash_recovery_code(row.user_id, code)
        used = db.value(conn, "DELETE FROM recovery_codes WHERE hash = %s RETURNING true", [hashed])
        return "recovery-code" if used else None
    return "totp" if _take_totp(conn, row, code, keys, now=now) else None


def renew_recovery_codes(conn: Connection, user_id: UUID) -> list[str]:
    """Ten new ones; those before open nothing any more."""
    codes = one_time_codes.new_recovery_codes()
    conn.execute("DELETE FROM recovery_codes")
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO recovery_codes (hash) VALUES (%s)",
            [[one_time_codes.hash_recovery_code(user_id, code)] for code in codes],
        )
    return codes


def remove(conn: Connection) -> bool:
    """Log-in asks for no code any more. False when it did not ask for one; a secret that waits for its code is gone."""
    conn.execute("DELETE FROM recovery_codes")
    removed = conn.execute("DELETE FROM second_factors RETURNING confirmed_at IS NOT NULL").fetchone()
    return removed is not None and bool(removed[0])


def reseal(conn: Connection, jwt_secrets: Sequence[str]) -> int:
    """Seal everybody's secrets by the newest key; runs in a transaction of ``photovault_rotation``.

    Returns how many are left as they are, because the key that they are sealed by is not among these.
    """
    keys, left = SealingKeys(jwt_secrets), 0
    found = conn.execute(
        "SELECT user_id, sealed, sealed_by FROM second_factors WHERE sealed_by <> %s", [keys.fingerprint]
    ).fetchall()
    for user_id, sealed, sealed_by in found:
        anew = _resealed(Sealed(bytes(sealed), sealed_by), keys, user_id=user_id)
        if anew is None:
            left += 1
            continue
        conn.execute(
            "UPDATE second_factors SET sealed = %s, sealed_by = %s WHERE user_id = %s AND sealed = %s",
            [anew.token, anew.sealed_by, user_id, sealed],
        )
    return left


def not_sealed_by(conn: Connection, jwt_secrets: Sequence[str]) -> int:
    """How many secrets another key seals than the newest of these; runs in a transaction of ``photovault_rotation``."""
    newest = SealingKeys(jwt_secrets).fingerprint
    return int(db.value(conn, "SELECT count(*) FROM second_factors WHERE sealed_by <> %s", [newest]))


def _resealed(sealed: Sealed, keys: SealingKeys, *, user_id: UUID) -> Sealed | None:
    try:
        return keys.seal(keys.open(sealed, user_id=user_id), user_id=user_id)
    except (Tampered, Unavailable):
        return None


def _row(conn: Connection) -> _Row | None:
    return db.row(conn, _Row, "SELECT user_id, sealed, sealed_by, last_step, confirmed_at FROM second_factors")


def _take_totp(conn: Connection, row: _Row, code: str, keys: SealingKeys, *, now: datetime) -> bool:
    secret = keys.open(Sealed(bytes(row.sealed), row.sealed_by), user_id=row.user_id)
    step = one_time_codes.matching_step(secret, code, now=now, after=row.last_step)
    if step is None:
        return False
    conn.execute("UPDATE second_factors SET last_step = %s", [step])
    return True
