"""The names in one person's library: people, albums, labels, places and cameras, as queries are read by them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, names
from photovault.names import Camera, Name, Names

if TYPE_CHECKING:
    from photovault.db import Connection

MOST_PEOPLE, MOST_ALBUMS, MOST_PLACES, MOST_LABELS = 2000, 5000, 20_000, 5000

_CACHED_LIBRARIES = 32
_lock = threading.Lock()
_cache: OrderedDict[UUID, tuple[int, Names]] = OrderedDict()


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


def forget(user_id: UUID) -> None:
    """Read this person's names again next time, as a new process does."""
    with _lock:
        _cache.pop(user_id, None)


# With the columns of ``Name``, in one statement. Labels and places are counted in advance (``rollups``). Of people and
# albums, entries of an index are counted, and those of photos that search does not show, which an index has, are taken
# away. What only the archive has counts no photos; it is hidden, but understood. Albums named after a place, a day or a
# person are hidden, too, and not counted. The middle of a city is the direction of a sum of vectors.
_KNOWN = """
    WITH aside AS MATERIALIZED (
        SELECT i.id FROM images i
        WHERE i.user_id = current_person() AND (i.deleted_at IS NOT NULL OR i.archived)
    ), on_aside AS MATERIALIZED (
        SELECT f.person_id, count(DISTINCT f.image_id) AS images FROM aside JOIN faces f ON f.image_id = aside.id
        WHERE f.person_id IS NOT NULL GROUP BY 1
    ), in_aside AS MATERIALIZED (
        SELECT m.album_id, count(*) AS images FROM aside JOIN album_images m ON m.image_id = aside.id GROUP BY 1
    )
    (SELECT 'person' AS kind, p.name AS value, p.images, p.id, '' AS level, '' AS country_code,
            p.hidden OR p.images = 0, p.birthday, NULL::float8 AS lat, NULL::float8 AS lon
     FROM (
        SELECT p.id, p.name, p.hidden, p.birthday, (
            (SELECT count(DISTINCT f.image_id) FROM faces f WHERE f.user_id = current_person() AND f.person_id = p.id)
            - coalesce(o.images, 0)
        )::int AS images
        FROM person_clusters p LEFT JOIN on_aside o ON o.person_id = p.id
        WHERE p.name IS NOT NULL ORDER BY p.image_count DESC, p.id LIMIT %(people)s
     ) AS p)
    UNION ALL
    (SELECT 'album', a.title, a.images, a.id, '', '', a.named_after OR (a.automatic AND a.images = 0), NULL, NULL, NULL
     FROM (
        SELECT a.id, a.title, a.key IS NOT NULL AS automatic, a.kind = ANY(%(named_after)s) AS named_after,
               CASE WHEN a.kind = ANY(%(named_after)s) THEN a.image_count ELSE (
                   (SELECT count(*) FROM album_images m WHERE m.user_id = current_person() AND m.album_id = a.id)
                   - coalesce(o.images, 0)
               )::int END AS images
        -- One that makes itself and has no photos is not there.
        FROM albums a LEFT JOIN in_aside o ON o.album_id = a.id
        WHERE a.deleted_at IS NULL AND (a.key IS NULL OR a.image_count > 0)
        ORDER BY a.last_day DESC NULLS LAST, a.id DESC LIMIT %(albums)s
     ) AS a)
    UNION ALL
    (SELECT 'label', label, images, NULL, '', '', images = 0, NULL, NULL, NULL
     FROM image_things ORDER BY images DESC, label LIMIT %(labels)s)
    UNION ALL SELECT kind, name, images, NULL, kind, detail, images = 0, NULL, NULL, NULL FROM image_names
    UNION ALL
    (SELECT 'place', region, sum(images)::int, NULL, 'region', country_code, sum(images) = 0, NULL, NULL, NULL
     FROM image_places WHERE region <> '' GROUP BY country_code, region ORDER BY 3 DESC LIMIT %(places)s)
    UNION ALL
    (SELECT 'place', city, images, NULL, 'city', country_code, images = 0, NULL,
            CASE WHEN is_located THEN degrees(atan2(z, sqrt(x * x + y * y))) END,
            CASE WHEN is_located THEN degrees(atan2(y, x)) END
     FROM (
        SELECT country_code, city, sum(images)::int AS images, sum(x_sum::float8) AS x, sum(y_sum::float8) AS y,
               sum(z_sum::float8) AS z, bool_or(x_sum <> 0 OR y_sum <> 0 OR z_sum <> 0) AS is_located
        FROM image_places WHERE city <> '' GROUP BY country_code, city
     ) AS cities ORDER BY images DESC LIMIT %(places)s)
"""
# Whether two of three photos are from the southern half of the map, which is two cells of its first level (``cells``).
_SOUTHERN = (
    "SELECT coalesce(3 * sum(images) FILTER (WHERE cell >= 6) >= 2 * sum(images), false) "
    "FROM image_cells WHERE cell BETWEEN 4 AND 7"
)


def read_names(conn: Connection) -> Names:
    """The names of the library as it is now."""
    rows = conn.execute(
        _KNOWN.encode(),
        {
            "people": MOST_PEOPLE,
            "albums": MOST_ALBUMS,
            "places": MOST_PLACES,
            "labels": MOST_LABELS,
            "named_after": list(names.NAMED_AFTER_SOMETHING),
        },
    ).fetchall()
    cameras = [Camera(row[1] or None, row[5] or None) for row in rows if row[0] == "camera"]
    known = [Name._make(row) for row in rows if row[0] not in {"camera", "country"}]
    known += [Name("place", *row[1:]) for row in rows if row[0] == "country"]
    return names.collect(known, cameras, southern=bool(db.value(conn, _SOUTHERN)))
