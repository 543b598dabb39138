"""What the C library does with memory that a photo has used: kept for the next step, given back after a large photo.

Decoding and scaling take and free blocks of 2 to 16 MB, several times for each photo. As it comes, glibc returns each
of them to the system at once and gets the next one page by page, every page cleared: some 8,000 page faults for a 12
megapixel photo, up to a seventh of its time. ``hold`` makes it keep ``KEPT`` bytes at hand (mallopt(3)).
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

KEPT = 64 * 2**20
"""Bytes of free memory that stay with the process. A usual photo's pictures fit into them."""

OWN_BLOCK = 24 * 2**20
"""Bytes. Larger blocks are single ones of large photos; they come from the system and go back to it when freed."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


@cache
def hold() -> bool:
    """Keep freed memory at hand, once for the process; whether this C library could be told so (glibc)."""
    tell = _function("mallopt")
    return tell is not None and bool(tell(_M_MMAP_THRESHOLD, OWN_BLOCK)) and bool(tell(_M_TRIM_THRESHOLD, KEPT))


def release() -> None:
    """Give all free memory back to the system, also what lies between blocks in use."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


@cache
def _function(name: str) -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
