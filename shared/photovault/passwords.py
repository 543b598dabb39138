"""Passwords: Argon2id with 19 MiB, two passes and one lane (OWASP's minimum, 26 to 45 ms here)."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, salt_len=16)


@cache
def dummy_hash() -> str:
    """A hash that no password fits, verified for unknown accounts so that they take as long as known ones."""
    return _hasher.hash("no account has this password")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Whether the password fits. ``None`` (no such account) costs the same and is never true."""
    try:
        fits = _hasher.verify(dummy_hash() if stored is None else stored, password)
    except (VerificationError, InvalidHashError):
        return False
    return fits and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)
