"""Tables ``image_days``, ``image_cells``, ``image_places`` and ``image_totals``: photos counted in advance.

Triggers on ``images`` keep them in the transaction of each change (migration 0010), so nothing here writes them but a
recount. What they mean is defined once, in the functions ``rolled_...`` of that migration, which the triggers and the
recount use alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.db import Connection

_COLUMNS = {
    "image_days": "level, day, listed, arranged",
    "image_cells": "cell, images, estimated, lat_sum, lon_sum",
    "image_places": "country_code, region, city, images",
    "image_totals": "pending, processing, ready, rejected, archived, favourite, arranged, located, trash",
}


def everybody(conn: Connection) -> list[UUID]:
    """Every person, as maintenance sees them."""
    return [user_id for (user_id,) in conn.execute("SELECT user_id FROM rebuilds ORDER BY user_id").fetchall()]


def differences(conn: Connection) -> dict[str, int]:
    """How many rows each roll-up of this person has too many or lacks, against a recount; only those that differ."""
    found = {}
    for table, columns in _COLUMNS.items():
        rolled = table.replace("image_", "rolled_")
        counted = f"SELECT {columns} FROM {rolled}((SELECT array_agg(change_of(i, 1)) FROM images i))"
        kept = f"SELECT {columns} FROM {table}"
        number = db.value(
            conn,
            f"SELECT count(*) FROM (({counted} EXCEPT {kept}) UNION ALL ({kept} EXCEPT {counted})) AS different",
        )
        if number:
            found[table] = int(number)
    return found


def recount(conn: Connection) -> None:
    """Make all roll-ups of this person again from the photos. The person's lock must be held."""
    for table in _COLUMNS:
        conn.execute(f"DELETE FROM {table}".encode())
    conn.execute(
        "SELECT roll_up(changes) FROM (SELECT array_agg(change_of(i, 1)) AS changes FROM images i) AS all_photos "
        "WHERE changes IS NOT NULL"
    )
