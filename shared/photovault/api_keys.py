"""API keys: what they look like, whose they are, and what they may do.

A key is ``pv_``, 256 random bits in base 62 (43 characters) and their CRC-32 in base 62 (6 characters). The prefix is
what scanners for leaked secrets look for (``pv_[0-9A-Za-z]{49}``), the checksum lets them and us tell a key from a typo
without asking the database. The vault keeps the SHA-256 of a key: slow hashes are for what people think up, and random
bits are in no dictionary, so that a slow one would cost each request 30 ms and stop nobody.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, ids, throttles
from photovault.errors import Conflict, Unauthenticated

if TYPE_CHECKING:
    from photovault.db import Connection

PREFIX = "pv_"
# More would be a mistake of a program; all of them are listed on one page.
MOST = 100
# How exactly it is known when a key was last used: a request in an hour writes that down.
USE_NOTED_EVERY = timedelta(hours=1)
# Guessing 256 bits is hopeless; a program that goes on asking with a key that was revoked is held up.
KEY_ADDRESS = throttles.Bucket("api-key-address", capacity=60, seconds=2)

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES = 32
_SECRET_LENGTH = 43  # digits that hold 256 bits
_CHECK_LENGTH = 6  # digits that hold 32 bits
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{{_CHECK_LENGTH}}})", re.ASCII)
# So much of a key is kept: 24 of 256 bits, by which its owner tells keys apart.
_HINT_LENGTH = len(PREFIX) + 4


@dataclass(frozen=True)
class ApiKey:
    """A key as its owner sees it. ``hint`` is its start."""

    id: UUID
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class Found:
    """Whose key it is and what it may do; found before anybody is known."""

    id: UUID
    user_id: UUID
    scopes: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class Made:
    """A new key, and the key itself, which is told this once."""

    key: ApiKey
    secret: str = field(repr=False)


# ----------------------------------------------------------------------------------------------------------- the form


def generate() -> str:
    body = _base62(int.from_bytes(secrets.token_bytes(_SECRET_BYTES)), _SECRET_LENGTH)
    return PREFIX + body + _checksum(body)


def is_meant(token: str) -> bool:
    """Whether somebody means this to be an API key, mistyped or not."""
    return token.startswith(PREFIX)


def is_well_formed(token: str) -> bool:
    """Whether it is one, by its length, its characters and its checksum."""
    match = _FORM.fullmatch(token)
    return match is not None and _checksum(match[1]) == match[2]


def hash_key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


# ------------------------------------------------------------------------------------------------------- its owner's


def add(conn: Connection, *, name: str, scopes: Collection[str], expires_at: datetime | None) -> Made:
    """A new key of the person, whose row must be locked. Raises ``Conflict`` for one too many."""
    require_room(conn)
    key_id, secret = ids.new(), generate()
    conn.execute(
        "INSERT INTO api_keys (id, name, hash, hint, scopes, expires_at) VALUES (%s, %s, %s, %s, %s, %s)",
        [key_id, name, hash_key(secret), secret[:_HINT_LENGTH], sorted(set(scopes)), expires_at],
    )
    made = get(conn, key_id)
    assert made is not None  # noqa: S101 - inserted above
    return Made(made, secret)


def require_room(conn: Connection) -> None:
    """Raises ``Conflict`` when there are as many keys as there may be."""
    if db.value(conn, "SELECT count(*) FROM api_keys") >= MOST:
        raise Conflict(f"There are {MOST} API keys already; revoke one that is not used any more.")


_SELECT = "SELECT id, name, hint, scopes, created_at, expires_at, last_used_at FROM api_keys"


def get(conn: Connection, key_id: UUID) -> ApiKey | None:
    return db.row(conn, ApiKey, f"{_SELECT} WHERE id = %s", [key_id])


def all_of_person(conn: Connection) -> list[ApiKey]:
    """All of them, past ones too, newest first."""
    return db.rows(conn, ApiKey, f"{_SELECT} ORDER BY id DESC")


def working(conn: Connection) -> int:
    """How many keys of the person open something now."""
    return int(db.value(conn, "SELECT count(*) FROM api_keys WHERE expires_at IS NULL OR expires_at > now()"))


def rename(conn: Connection, key_id: UUID, name: str) -> ApiKey | None:
    """The key with its new name; None when there is none of that id."""
    conn.execute("UPDATE api_keys SET name = %s WHERE id = %s", [name, key_id])
    return get(conn, key_id)


def revoke(conn: Connection, key_id: UUID) -> str | None:
    """End a key at once, and forget it. Its name; None when there is none of that id. The person's row is locked."""
    name: str | None = db.value(conn, "DELETE FROM api_keys WHERE id = %s RETURNING name", [key_id])
    return name


def revoke_all(conn: Connection) -> list[str]:
    """End all keys, past ones too. Their names. The person's row is locked."""
    return [row[0] for row in conn.execute("DELETE FROM api_keys RETURNING name").fetchall()]


# --------------------------------------------------------------------------------------------------------- a program's


def authenticate(token: str, *, address: str) -> Found:
    """Whose key this is. Raises ``Unauthenticated``, or ``TooManyRequests`` for an address that keeps being wrong.

    One look-up by an index. Keys that are wrong count and those that are right do not: programs behind one address must
    not get in each other's way.
    """
    if not is_well_formed(token):
        raise Unauthenticated("This is not an API key: a character of it is missing or wrong.")
    with db.before_login() as conn:
        found = db.row(
            conn,
            Found,
            "SELECT id, user_id, scopes, expires_at, last_used_at FROM find_api_key(%s)",
            [hash_key(token)],
        )
    now = datetime.now(UTC)
    past = found is not None and found.expires_at is not None and found.expires_at <= now
    if found is None or past:
        with db.before_login() as conn:
            throttles.pour(conn, KEY_ADDRESS, address)
        raise Unauthenticated("This API key has expired." if past else "This API key does not exist, or was revoked.")
    if found.last_used_at is None or found.last_used_at <= now - USE_NOTED_EVERY:
        _note_use(found)
    return found


def require(conn: Connection, key_id: UUID) -> None:
    """Raises ``Unauthenticated`` once the key was revoked, has expired, or its account was deleted."""
    alive = db.value(
        conn,
        "SELECT true FROM api_keys k JOIN users u ON u.id = k.user_id "
        "WHERE k.id = %s AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.erased_at IS NULL",
        [key_id],
    )
    if not alive:
        raise Unauthenticated("This API key does not exist, or was revoked.")


def _note_use(found: Found) -> None:
    """In a transaction of its own: the request's takes the person's row first, which this has no need to wait for.

    Of many requests at once one writes, and the others find it done.
    """
    with db.transaction(found.user_id) as conn:
        conn.execute(
            "UPDATE api_keys SET last_used_at = now() "
            "WHERE id = %s AND (last_used_at IS NULL OR last_used_at <= now() - %s)",
            [found.id, USE_NOTED_EVERY],
        )
