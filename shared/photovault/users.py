"""The table ``users``: one row a person, with the quota and the revision that orders all changes of that person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db
from photovault.errors import Conflict, PersonGone, QuotaExceeded

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class User:
    id: UUID
    email: str
    name: str
    quota_bytes: int
    used_bytes: int
    reserved_bytes: int
    created_at: datetime


@dataclass(frozen=True)
class Account:
    """What log-in needs before anybody is known."""

    user_id: UUID
    password_hash: str = field(repr=False)


@dataclass(frozen=True)
class Credentials:
    """What a known person proves again before something that cannot be undone."""

    email_key: str
    password_hash: str = field(repr=False)


def create(conn: Connection, *, email: str, email_key: str, name: str, password_hash: str, quota_bytes: int) -> User:
    """The row of the person set for this transaction. Raises ``Conflict`` when the e-mail has an account."""
    from psycopg import errors

    try:
        conn.execute(
            "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) "
            "VALUES (%(email)s, %(email_key)s, %(name)s, %(password_hash)s, %(quota_bytes)s)",
            {
                "email": email,
                "email_key": email_key,
                "name": name,
                "password_hash": password_hash,
                "quota_bytes": quota_bytes,
            },
        )
    except errors.UniqueViolation:
        raise Conflict("There is already an account with this e-mail address; log in instead.") from None
    conn.execute("INSERT INTO rebuilds DEFAULT VALUES")
    user = get(conn)
    assert user is not None  # noqa: S101 - inserted above
    return user


def get(conn: Connection) -> User | None:
    """The person of this transaction; None once the account was deleted."""
    return db.row(
        conn,
        User,
        "SELECT id, email, name, quota_bytes, used_bytes, reserved_bytes, created_at FROM users "
        "WHERE erased_at IS NULL",
    )


def credentials(conn: Connection) -> Credentials:
    """Raises ``PersonGone``."""
    found = db.row(conn, Credentials, "SELECT email_key, password_hash FROM users WHERE erased_at IS NULL")
    if found is None:
        raise PersonGone
    return found


def find_account(conn: Connection, email_key: str) -> Account | None:
    """By e-mail, before anybody is known."""
    return db.row(conn, Account, "SELECT user_id, password_hash FROM find_account(%s)", [email_key])


def lock_with(conn: Connection, password_hash: str) -> bool:
    """Lock the person's row; False when the password was changed meanwhile, or the account is gone."""
    return bool(
        db.value(
            conn,
            "SELECT true FROM users WHERE erased_at IS NULL AND password_hash = %s FOR NO KEY UPDATE",
            [password_hash],
        )
    )


def set_name(conn: Connection, name: str) -> None:
    conn.execute("UPDATE users SET name = %s", [name])


def set_email(conn: Connection, *, email: str, email_key: str) -> None:
    """Raises ``Conflict`` when the address has an account."""
    from psycopg import errors

    try:
        conn.execute("UPDATE users SET email = %s, email_key = %s", [email, email_key])
    except errors.UniqueViolation:
        raise Conflict("There is already an account with this e-mail address.") from None


def set_password_hash(conn: Connection, password_hash: str) -> None:
    conn.execute("UPDATE users SET password_hash = %s", [password_hash])


def lock(conn: Connection) -> None:
    """Lock the person's row for something that is no change to tell other devices of. Raises ``PersonGone``."""
    if not db.value(conn, "SELECT true FROM users WHERE erased_at IS NULL FOR NO KEY UPDATE"):
        raise PersonGone


def next_revision(conn: Connection) -> int:
    """The number of a change, taken under the lock of the person's row.

    Whoever writes takes this lock before any other row's, so that two writers wait instead of deadlocking.
    Raises ``PersonGone``: once an account was deleted, nothing of it is written any more.
    """
    revision = db.value(conn, "UPDATE users SET revision = revision + 1 WHERE erased_at IS NULL RETURNING revision")
    if revision is None:
        raise PersonGone
    return int(revision)


def reserve(conn: Connection, size: int) -> None:
    """Set ``size`` bytes aside for an upload. Raises ``QuotaExceeded``; the person's row must be locked."""
    reserved = db.value(
        conn,
        "UPDATE users SET reserved_bytes = reserved_bytes + %(size)s "
        "WHERE used_bytes + reserved_bytes + %(size)s <= quota_bytes RETURNING true",
        {"size": size},
    )
    if not reserved:
        user = get(conn)
        free = max(0, user.quota_bytes - user.used_bytes - user.reserved_bytes) if user else 0
        raise QuotaExceeded(f"This file has {size} bytes and {free} bytes are free in your vault.")


def move_quota(conn: Connection, *, reserved: int = 0, used: int = 0) -> None:
    """Change both accounts by these many bytes (negative to release)."""
    conn.execute(
        "UPDATE users SET reserved_bytes = greatest(0, reserved_bytes + %s), used_bytes = greatest(0, used_bytes + %s)",
        [reserved, used],
    )
