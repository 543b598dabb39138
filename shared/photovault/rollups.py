"""Tables ``image_days``, ``image_cells``, ``image_places``, ``image_names``, ``image_totals`` and ``image_things``:
photos counted in advance.

Triggers on ``images`` and ``image_labels`` keep them in the transaction of each change (migrations 0010 and 0016), so
nothing here writes them but a recount. What they mean is defined once, in the functions ``rolled_...`` of those
migrations, which the triggers and the recount use alike.
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
    "image_places": "country_code, region, city, images, archived, x_sum, y_sum, z_sum",
    "image_names": "kind, name, detail, images, archived",
    "image_totals": "pending, processing, ready, rejected, archived, favourite, arranged, located, trash",
}
_THINGS = (
    "SELECT label, count(*) FILTER (WHERE searchable)::int, count(*) FILTER (WHERE NOT searchable)::int "
    "FROM image_labels GROUP BY label"
)


def everybody(conn: Connection) -> list[UUID]:
    """Every person, as maintenance sees them."""
    return [user_id for (user_id,) in conn.execute("SELECT user_id FROM rebuilds ORDER BY user_id").fetchall()]


def differences(conn: Connection) -> dict[str, int]:
    """How many rows each roll-up of this person has too many or lacks, against a recount; only those that differ."""
    counts = {
        table: (
            f"SELECT {columns} FROM {table.replace('image_', 'rolled_')}"
            "((SELECT array_agg(change_of(i, 1)) FROM images i))",
            f"SELECT {columns} FROM {table}",
        )
        for table, columns in _COLUMNS.items()
    }
    counts["image_things"] = (_THINGS, "SELECT label, images, hidden FROM image_things")
    found = {}
    for table, (counted, kept) in counts.items():
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
    conn.execute("DELETE FROM image_things")
    conn.execute(f"INSERT INTO image_things (label, images, hidden) {_THINGS}".encode())
