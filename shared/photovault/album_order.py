"""The order of an album made by hand: moving photos writes the photos that move, whatever the album's size.

Each photo's position is a number between those of its neighbours. Where the numbers between two neighbours are used up,
after some fifty moves to one spot, the whole album is numbered anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db
from photovault.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from photovault.albums import Album
    from photovault.db import Connection

NOT_IN_ALBUM = "There is no such photo in this album."


@dataclass(frozen=True)
class Spot:
    """Right before or after another photo of the album."""

    side: Literal["before", "after"]
    image_id: UUID


Where = Spot | Literal["start", "end"]


def move(conn: Connection, album: Album, image_ids: Sequence[UUID], where: Where, *, revision: int) -> None:
    """Bring photos of the album, in the order given, to one spot of it. From then on it is sorted by hand.

    An album that was sorted by time begins with the order that it was shown in.
    Raises ``NotFound`` for a photo that is not in it, ``Conflict``, ``Invalid``.
    """
    if not album.by_hand:
        raise Conflict("Only an album made by hand has an order of its own.")
    moved = list(dict.fromkeys(image_ids))
    beside = [where.image_id] if isinstance(where, Spot) else []
    _must_be_in(conn, album.id, list({*moved, *beside}))
    if set(beside) & set(moved):
        raise Invalid("A photo cannot be moved next to itself.", [("image_ids", "holds the photo moved next to")])
    if album.sort != "manual":
        direction = "DESC" if album.sort == "newest" else "ASC"
        _number(conn, album.id, f"i.sort_at {direction}, i.id {direction}")
    positions = between(*_neighbours(conn, album.id, moved, where), len(moved))
    if positions is None:
        _number(conn, album.id, "m.position, m.image_id")
        positions = between(*_neighbours(conn, album.id, moved, where), len(moved))
    conn.execute(
        "UPDATE album_images m SET position = u.position FROM unnest(%s::uuid[], %s::float8[]) AS u(id, position) "
        "WHERE m.album_id = %s AND m.image_id = u.id",
        [moved, positions, album.id],
    )
    conn.execute("UPDATE albums SET sort = 'manual', revision = %s WHERE id = %s", [revision, album.id])


def between(low: float | None, high: float | None, count: int) -> list[float] | None:
    """``count`` ascending numbers strictly between two, of which either may be missing; None where they do not fit."""
    if low is None and high is None:
        low = 0.0
    if low is None and high is not None:
        found = [high - count + n for n in range(count)]
    elif low is not None and high is None:
        found = [low + n + 1 for n in range(count)]
    else:
        step = (high - low) / (count + 1)  # type: ignore[operator]
        found = [low + step * (n + 1) for n in range(count)]  # type: ignore[operator]
    bounds = [*([] if low is None else [low]), *found, *([] if high is None else [high])]
    return found if all(a < b for a, b in pairwise(bounds)) else None


def _neighbours(
    conn: Connection, album_id: UUID, moved: Sequence[UUID], where: Where
) -> tuple[float | None, float | None]:
    """The positions that the moved photos come between."""
    others = "FROM album_images m WHERE m.album_id = %(album)s AND m.image_id <> ALL(%(moved)s)"
    given = {"album": album_id, "moved": list(moved), "beside": where.image_id if isinstance(where, Spot) else None}
    if where == "start":
        return None, db.value(conn, f"SELECT min(m.position) {others}", given)
    if where == "end":
        return db.value(conn, f"SELECT max(m.position) {others}", given), None
    beside = "(SELECT position FROM album_images WHERE album_id = %(album)s AND image_id = %(beside)s)"
    at = db.value(conn, f"SELECT {beside}", given)
    if where.side == "before":
        return db.value(conn, f"SELECT max(m.position) {others} AND m.position < {beside}", given), at
    return at, db.value(conn, f"SELECT min(m.position) {others} AND m.position > {beside}", given)


def _must_be_in(conn: Connection, album_id: UUID, image_ids: list[UUID]) -> None:
    there = db.value(
        conn,
        "SELECT count(*) FROM album_images m JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL "
        "WHERE m.album_id = %s AND m.image_id = ANY(%s)",
        [album_id, image_ids],
    )
    if there != len(image_ids):
        raise NotFound(NOT_IN_ALBUM)


def _number(conn: Connection, album_id: UUID, order: str) -> None:
    """Whole numbers from 1 on, in this order; photos in the trash keep their place among the others."""
    conn.execute(
        "UPDATE album_images m SET position = now.n FROM ("
        f"SELECT m.image_id, row_number() OVER (ORDER BY {order}) AS n "
        "FROM album_images m JOIN images i ON i.id = m.image_id WHERE m.album_id = %(album)s"
        ") AS now WHERE m.album_id = %(album)s AND m.image_id = now.image_id".encode(),
        {"album": album_id},
    )
