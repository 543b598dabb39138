"""The table ``tombstones``: what is gone, so that whoever keeps a copy learns of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    from photovault.db import Connection

Kind = Literal["image", "album", "person"]


def add(conn: Connection, kind: Kind, subject_ids: Iterable[UUID], *, revision: int) -> None:
    """Note that these are gone since ``revision``."""
    conn.execute(
        "INSERT INTO tombstones (revision, kind, subject_id) SELECT %s, %s, unnest(%s::uuid[]) ON CONFLICT DO NOTHING",
        [revision, kind, list(subject_ids)],
    )
