"""Identifiers: UUIDs of version 7 (RFC 9562), made here because Postgres 15 has no ``uuidv7()``."""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def new() -> UUID:
    """A UUID whose first 48 bits are the milliseconds since 1970, so that index inserts stay at the right edge."""
    return from_time(time.time_ns() // 1_000_000, secrets.randbits(74))


def from_time(milliseconds: int, randomness: int) -> UUID:
    """The version-7 UUID of a time and 74 random bits (12 above the variant, 62 below)."""
    high, low = randomness >> 62, randomness & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
