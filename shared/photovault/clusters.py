"""Photos on a map: clusters of what is near one another at a zoom, from the roll-up by map cell.

Counted are the photos that the list shows when nothing narrows it, estimated positions included, as in its ``bbox``;
each cluster says how many of its photos are estimates. What a cluster costs does not depend on how many photos it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import cells

if TYPE_CHECKING:
    from photovault.db import Connection

DEEPEST_ZOOM = cells.DEEPEST - 1
"""There a cluster is 19 m wide at the equator."""
MOST = 256
"""Cells of an answer. A screen of 1,920 x 1,080 shows about 150 cells."""

# As the index images_on_map says it, and as the list of photos means it.
_SHOWN = "i.map_cell IS NOT NULL AND i.deleted_at IS NULL AND NOT i.archived AND i.status <> 'pending'"


@dataclass(frozen=True)
class Cluster:
    """``lat`` and ``lon`` are the middle of its photos; ``cover_id`` is one of them, the only one of a single photo.

    The cover is the first photo in the order of cells, ``other_end_id`` the last: as far as a cell is wide, they are
    far apart.
    """

    cell: cells.Cell
    lat: float
    lon: float
    images: int
    estimated: int
    cover_id: UUID
    other_end_id: UUID


@dataclass(frozen=True)
class Map:
    """``zoom`` is the one that the clusters are of: a lower one than asked for where the box is large for that."""

    zoom: int
    clusters: list[Cluster]


def within(conn: Connection, box: cells.Box, *, zoom: int) -> Map:
    """The clusters of all cells that touch a box (degrees), those with most photos first.

    A cell is half a map tile wide, 128 pixels on a screen. ``zoom`` is that of web maps, 0 to ``DEEPEST_ZOOM``.
    """
    covering = cells.covering(box, finest=zoom + 1, most=MOST)
    level = covering[0].level
    found = conn.execute(
        f"""
        SELECT c.cell, c.images, c.estimated, c.lat_sum, c.lon_sum, cover.id, other_end.id
        FROM image_cells c CROSS JOIN LATERAL (
            SELECT i.id FROM images i
            WHERE {_SHOWN} AND i.map_cell >= c.cell << %(up)s AND i.map_cell < (c.cell + 1) << %(up)s
            ORDER BY i.map_cell, i.sort_at DESC, i.id DESC LIMIT 1
        ) AS cover CROSS JOIN LATERAL (
            SELECT i.id FROM images i
            WHERE {_SHOWN} AND i.map_cell >= c.cell << %(up)s AND i.map_cell < (c.cell + 1) << %(up)s
            ORDER BY i.map_cell DESC, i.sort_at, i.id LIMIT 1
        ) AS other_end
        WHERE c.cell = ANY(%(cells)s)
        ORDER BY c.images DESC, c.cell
        """.encode(),
        {"cells": [cell.code for cell in covering], "up": 2 * (cells.DEEPEST - level)},
    ).fetchall()
    return Map(
        zoom=level - 1,
        clusters=[
            Cluster(
                cell=cells.of_code(code),
                lat=lat_sum / images / 1_000_000,
                lon=lon_sum / images / 1_000_000,
                images=images,
                estimated=estimated,
                cover_id=cover_id,
                other_end_id=other_end_id,
            )
            for code, images, estimated, lat_sum, lon_sum, cover_id, other_end_id in found
        ],
    )


def unlocated(conn: Connection) -> int:
    """How many photos have no position, of those that have arrived and are neither in the trash nor in the archive."""
    found = conn.execute("SELECT arranged - located FROM image_totals").fetchone()
    return int(found[0]) if found else 0
