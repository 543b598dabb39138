"""The table ``tombstones``: what is gone, so that whoever keeps a copy learns of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    from photovault.db import Connection

Kind = Literal["image", "album", "person"]

# A copy that was last complete longer ago than this has to start again. Tombstones themselves stay for 100 days
# (migration 0015): transactions that were under way, and clocks that differ, are well within the rest.
REMEMBERED = timedelta(days=90)


def add(conn: Connection, kind: Kind, subject_ids: Iterable[UUID], *, revision: int) -> None:
    """Note that these are gone since ``revision``."""
    conn.execute(
        "INSERT INTO tombstones (revision, kind, subject_id) SELECT %s, %s, unnest(%s::uuid[]) ON CONFLICT DO NOTHING",
        [revision, kind, list(subject_ids)],
    )


def forget_expired(conn: Connection) -> None:
    """As maintenance, which may delete those of which every copy knows, or has to start again."""
    conn.execute("DELETE FROM tombstones WHERE at < now() - interval '100 days'")
