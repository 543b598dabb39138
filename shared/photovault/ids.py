"""Identifiers: UUIDs of version 7 (RFC 9562), made here because Postgres 15 has no ``uuidv7()``."""

from __future__ import annotations

import secrets
import threading
import time
from uuid import UUID


class _Clock:
    """Moments in 1/4096 ms since 1970, each later than the last, even where the clock stands still or is set back."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        with self._lock:
            self._last = max(time.time_ns() * 4096 // 1_000_000, self._last + 1)
            return self._last


_clock = _Clock()


def new() -> UUID:
    """A UUID that sorts after every one this process made before, so that index inserts stay at the right edge.

    The 48 bits of milliseconds since 1970 are followed by 12 bits of the millisecond's fraction (RFC 9562, section 6.2,
    method 3) and by 62 random bits.
    """
    milliseconds, fraction = divmod(_clock.next(), 4096)
    return from_time(milliseconds, fraction << 62 | secrets.randbits(62))


def from_time(milliseconds: int, randomness: int) -> UUID:
    """The version-7 UUID of a time and the 74 bits that follow it (12 above the variant, 62 below)."""
    high, low = randomness >> 62, randomness & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
