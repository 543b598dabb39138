"""Lists in pages: one row more than a page holds is asked for, and says whether another page follows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from photovault import cursors

Row = TypeVar("Row")


def next_cursor(
    kind: str, rows: Sequence[Row], *, limit: int, key: Callable[[Row], tuple[cursors.Key, ...]]
) -> str | None:
    """The cursor after the last row of a page, None at the end. ``rows`` has up to ``limit + 1``, sorted by ``key``."""
    return cursors.encode(kind, *key(rows[limit - 1])) if len(rows) > limit else None
