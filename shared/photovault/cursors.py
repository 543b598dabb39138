"""Keyset cursors: the sort key of the last row of a page, readable by the list that gave it out and by no other.

A cursor grants nothing: row-level security decides what it leads to. So it is encoded, not signed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from photovault.errors import BadCursor

Key = str | int | float | UUID | datetime | date | None

_READERS: dict[str, Callable[[Any], Key]] = {
    "s": str,
    "i": int,
    "f": float,
    "u": UUID,
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
}


def encode(kind: str, *key: Key) -> str:
    """A cursor of the list ``kind`` after the row with this sort key."""
    return base64.urlsafe_b64encode(json.dumps([kind, *map(_tagged, key)]).encode()).decode().rstrip("=")


def decode(kind: str, cursor: str | None, shape: str) -> tuple[Any, ...] | None:
    """The sort key in a cursor; None for no cursor.

    ``shape`` has a letter for each part: s(tring), i(nt), f(loat), u(uid), t(ime), d(ate); a capital may be null.
    Raises ``BadCursor``.
    """
    if not cursor:
        return None
    try:
        got_kind, *parts = _parts(cursor)
        if got_kind != kind or len(parts) != len(shape):
            raise BadCursor
        return tuple(_read(letter, part) for letter, part in zip(shape, parts, strict=True))
    except (binascii.Error, ValueError, TypeError, RecursionError, OverflowError):
        raise BadCursor from None


def is_of(kind: str, cursor: str | None) -> bool:
    """Whether a cursor is of this list, for one that goes on as another; ``decode`` says whether it is any good."""
    try:
        return cursor is not None and _parts(cursor)[0] == kind
    except (binascii.Error, ValueError, TypeError, RecursionError, LookupError):
        return False


def _parts(cursor: str) -> Any:
    padded = cursor + "=" * (-len(cursor) % 4)
    return json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))


def _tagged(value: Key) -> str | int | float | None:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):  # and datetime, which is one
        return value.isoformat()
    return value


def _read(letter: str, part: object) -> Key:
    if part is None and letter.isupper():
        return None
    lower = letter.lower()
    expected = {"i": (int,), "f": (int, float)}.get(lower, (str,))
    if not isinstance(part, expected) or isinstance(part, bool):
        raise BadCursor
    if isinstance(part, int) and not -(2**31) <= part < 2**31:  # they are Postgres's ``integer``
        raise BadCursor
    if isinstance(part, str) and b"\x00" in part.encode():  # which raises for a lone surrogate
        raise BadCursor
    return _READERS[lower](part)
