"""Map cells: the quadtree of Web Mercator tiles, as the migration's ``map_cell`` computes it. Pure.

A cell's code is a 1, then two bits (y, x) for each level: the whole map is 1, its quarters are 4 to 7, and
``code >> 2`` is the cell around it. So the photos of a cell of any level are one range of the codes of the finest
level, and the cells of all levels fit into one column. The projection is that of every map on the web (EPSG:3857);
beyond 85.05 degrees of latitude, which it does not show, everything lies in the outermost rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DEEPEST = 21
"""The finest level; its cells are 19 m wide at the equator."""
NORTHERNMOST = 85.0511287798066
"""Degrees of latitude where the square map of the web ends."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west greater than east spans the antimeridian."""


@dataclass(frozen=True)
class Cell:
    """``x`` counts from the west, ``y`` from the north, both up to 2 ** ``level`` - 1."""

    level: int
    x: int
    y: int

    @property
    def code(self) -> int:
        code = 1
        for bit in reversed(range(self.level)):
            code = code << 2 | (self.y >> bit & 1) << 1 | self.x >> bit & 1
        return code

    @property
    def box(self) -> Box:
        """The largest box whose photos, edges included, are those of the cell: no point is in the boxes of two."""
        side = 1 << self.level
        west, east = self.x / side * 360 - 180, (self.x + 1) / side * 360 - 180
        north, south = _latitude(self.y / side), _latitude((self.y + 1) / side)
        return (
            west,
            -90.0 if self.y == side - 1 else math.nextafter(south, 90),
            180.0 if self.x == side - 1 else math.nextafter(east, -180),
            90.0 if self.y == 0 else north,
        )


def of_code(code: int) -> Cell:
    level = (code.bit_length() - 1) // 2
    x = y = 0
    for bit in reversed(range(level)):
        x, y = x << 1 | code >> 2 * bit & 1, y << 1 | code >> 2 * bit + 1 & 1
    return Cell(level, x, y)


def at(lat: float, lon: float, level: int = DEEPEST) -> Cell:
    """The cell around a position in degrees."""
    side = 1 << DEEPEST
    bounded = max(-NORTHERNMOST, min(NORTHERNMOST, lat))
    down = 0.5 - math.log(math.tan((90 + bounded) * math.pi / 360)) / (2 * math.pi)
    x, y = (max(0, min(side - 1, math.floor(part * side))) for part in ((lon + 180) / 360, down))
    return Cell(level, x >> DEEPEST - level, y >> DEEPEST - level)


def covering(box: Box, *, finest: int, most: int) -> list[Cell]:
    """The cells that touch a box, of the finest level up to ``finest`` with at most so many of them, from the north."""
    for level in range(min(finest, DEEPEST), -1, -1):
        columns, rows = _columns(box, level), _rows(box, level)
        if sum(map(len, columns)) * len(rows) <= most:
            return [Cell(level, x, y) for y in rows for part in columns for x in part]
    return [Cell(0, 0, 0)]


def _rows(box: Box, level: int) -> range:
    return range(at(box[3], 0.0, level).y, at(box[1], 0.0, level).y + 1)


def _columns(box: Box, level: int) -> list[range]:
    first, last = at(0.0, box[0], level).x, at(0.0, box[2], level).x
    if box[0] <= box[2]:
        return [range(first, last + 1)]
    # West and east of the antimeridian; all of them, once, where both ends lie in one cell.
    return [range(last + 1), range(max(first, last + 1), 1 << level)]


def _latitude(down: float) -> float:
    """Of a line that lies this part of the map below its northern edge."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))
