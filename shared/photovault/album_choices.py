"""The table ``album_choices``: photos that a person took out of an album that makes itself, or put into it.

A choice holds until the person says otherwise: every rebuild (``choosing``) and every refreshing of a smart album keeps
to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import albums

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class Chosen:
    """Of one album."""

    put_in: set[UUID] = field(default_factory=set)
    taken_out: set[UUID] = field(default_factory=set)


def of_all(conn: Connection) -> Mapping[UUID, Chosen]:
    """By album, of all albums that make themselves."""
    found: dict[UUID, Chosen] = defaultdict(Chosen)
    for album_id, image_id, included in conn.execute("SELECT album_id, image_id, included FROM album_choices"):
        (found[album_id].put_in if included else found[album_id].taken_out).add(image_id)
    return found


def count(conn: Connection, album_id: UUID) -> tuple[int, int]:
    """How many photos outside the trash were (put in, taken out)."""
    found = conn.execute(
        "SELECT count(*) FILTER (WHERE c.included), count(*) FILTER (WHERE NOT c.included) FROM album_choices c "
        "JOIN images i ON i.id = c.image_id AND i.deleted_at IS NULL WHERE c.album_id = %s",
        [album_id],
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


def holding(conn: Connection, image_ids: Collection[UUID]) -> list[UUID]:
    """The albums that any of these photos was put into, also deleted ones, because they may be restored."""
    found = conn.execute(
        "SELECT DISTINCT album_id FROM album_choices WHERE image_id = ANY(%s) AND included ORDER BY album_id",
        [list(image_ids)],
    ).fetchall()
    return [row[0] for row in found]


def put_in(conn: Connection, album_id: UUID, image_ids: Collection[UUID], *, revision: int) -> None:
    """Photos are to be in this album, whatever its rule says. Raises ``NotFound`` for any that is not there."""
    wanted = list(dict.fromkeys(image_ids))
    albums.must_be_there(conn, wanted)
    _say(conn, album_id, wanted, included=True)
    conn.execute(
        'INSERT INTO album_images (album_id, image_id, why) SELECT %s, unnest(%s::uuid[]), \'{"rule": "hand"}\' '
        "ON CONFLICT (album_id, image_id) DO NOTHING",
        [album_id, wanted],
    )
    albums.settle(conn, album_id, revision=revision)


def take_out(conn: Connection, album_id: UUID, image_ids: Collection[UUID], *, revision: int) -> None:
    """Photos are not to be in this album, whatever its rule says; those that are not in it are let be."""
    members = conn.execute(
        "SELECT image_id FROM album_images WHERE album_id = %s AND image_id = ANY(%s)", [album_id, list(image_ids)]
    ).fetchall()
    leaving = [row[0] for row in members]
    _say(conn, album_id, leaving, included=False)
    albums.let_go(conn, album_id, leaving)
    albums.settle(conn, album_id, revision=revision)


def _say(conn: Connection, album_id: UUID, image_ids: Collection[UUID], *, included: bool) -> None:
    conn.execute(
        "INSERT INTO album_choices (album_id, image_id, included) SELECT %s, unnest(%s::uuid[]), %s "
        "ON CONFLICT (album_id, image_id) DO UPDATE SET included = excluded.included, at = now()",
        [album_id, list(image_ids), included],
    )
