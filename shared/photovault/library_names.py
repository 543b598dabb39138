"""The names in one person's library: people, albums, labels, places and cameras, as queries are read by them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, names
from photovault.names import Camera, Name, Names

if TYPE_CHECKING:
    from photovault.db import Connection

MOST_PEOPLE, MOST_ALBUMS, MOST_PLACES = 2000, 5000, 20_000

_CACHED_LIBRARIES = 32
_lock = threading.Lock()
_cache: OrderedDict[UUID, tuple[int, Names]] = OrderedDict()


@dataclass(frozen=True)
class _Kept:
    """What a photo's row names, and how many photos share it."""

    country_code: str | None
    country: str | None
    region: str | None
    city: str | None
    camera_make: str | None
    camera_model: str | None
    image_count: int
    lat: float | None
    lon: float | None


def names_of(conn: Connection, user_id: UUID) -> Names:
    """The names of this transaction's person, ``user_id``; kept in the process as long as the library is unchanged."""
    # Read before the names: what changes in between is read again next time, under the revision that it brings.
    revision = int(db.value(conn, "SELECT revision FROM users") or 0)
    with _lock:
        known = _cache.get(user_id)
        if known and known[0] == revision:
            _cache.move_to_end(user_id)
            return known[1]
    read = read_names(conn)
    with _lock:
        _cache[user_id] = (revision, read)
        _cache.move_to_end(user_id)
        while len(_cache) > _CACHED_LIBRARIES:
            _cache.popitem(last=False)
    return read


def read_names(conn: Connection) -> Names:
    """The names of the library as it is now."""
    known = db.rows(
        conn,
        Name,
        "SELECT 'person' AS kind, name AS value, image_count, id, hidden, birthday FROM person_clusters "
        "WHERE name IS NOT NULL "
        "ORDER BY image_count DESC, id LIMIT %s",
        [MOST_PEOPLE],
    )
    known += db.rows(
        conn,
        Name,
        # Albums named after a place, a day or a person are understood, but neither ranked by nor completed to.
        "SELECT 'album' AS kind, title AS value, image_count, id, kind = ANY(%s) AS hidden FROM albums "
        # One that makes itself and has no photos is not there.
        "WHERE deleted_at IS NULL AND (key IS NULL OR image_count > 0) "
        "ORDER BY last_day DESC NULLS LAST, id DESC LIMIT %s",
        [list(names.NAMED_AFTER_SOMETHING), MOST_ALBUMS],
    )
    known += db.rows(
        conn, Name, "SELECT 'label' AS kind, label AS value, count(*) AS image_count FROM image_labels GROUP BY label"
    )
    kept = db.rows(
        conn,
        _Kept,
        "SELECT country_code, country, region, city, camera_make, camera_model, count(*) AS image_count, "
        # On both sides of the antimeridian degrees are counted on from 180.
        "avg(lat) AS lat, CASE WHEN max(lon) - min(lon) > 180 THEN avg(CASE WHEN lon < 0 THEN lon + 360 ELSE lon END) "
        "ELSE avg(lon) END AS lon FROM images "
        "WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY image_count DESC LIMIT %s",
        [MOST_PLACES],
    )
    return names.collect([*known, *_places(kept)], {Camera(row.camera_make, row.camera_model) for row in kept})


def _places(kept: Sequence[_Kept]) -> list[Name]:
    """``kept``: most photos first. The middle of a city is that of most of its photos."""
    counts: dict[tuple[str, str, str], int] = {}
    middles: dict[tuple[str, str, str], tuple[float, float]] = {}
    for row in kept:
        for level, value in (("country", row.country), ("region", row.region), ("city", row.city)):
            if value and row.country_code:
                key = (level, value, row.country_code)
                counts[key] = counts.get(key, 0) + row.image_count
                if level == "city" and row.lat is not None and row.lon is not None:
                    middles.setdefault(key, (row.lat, row.lon))
    return [
        Name("place", key[1], count, level=key[0], country_code=key[2], centre=middles.get(key))
        for key, count in counts.items()
    ]
