"""The dashboards' numbers, counted from the rows when they are asked for, but for photos by state and by place: those
are kept by triggers (``rollups``), which no change can pass by.

Photos in the trash are left out unless a docstring says otherwise. What is about storage counts the trash too, because
it takes space until it is emptied. The archive is counted, but for places, which are those that albums are made of.
People and days are of photos that were not rejected; days are the local ones of where a photo was taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db
from photovault.images import ARRANGED
from photovault.people import LIVE

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.homes import Home

# The hashes of pictures of one colour (black; any other): they are alike without being copies.
FLAT_HASHES = (0, -(1 << 63))
COMPANIONS = 10


# --------------------------------------------------------------------------------------------------------- counts


@dataclass(frozen=True)
class Images:
    """How many photos there are. ``trash`` are those in the trash, and nothing else counts them; ``arranged`` and what
    follows leaves out the archive too, and ``located`` are those of the arranged with a position."""

    total: int
    pending: int
    processing: int
    ready: int
    rejected: int
    archived: int
    favourite: int
    trash: int
    first_day: date | None
    last_day: date | None
    arranged: int
    located: int
    countries: int
    cities: int


@dataclass(frozen=True)
class People:
    """Those who are in a photo. ``hidden`` ones are neither among the named nor among the unnamed."""

    named: int
    unnamed: int
    hidden: int


@dataclass(frozen=True)
class Faces:
    total: int
    with_person: int


@dataclass(frozen=True)
class Stored:
    """Bytes in storage: ``originals`` before sealing, ``stored`` everything as it lies there."""

    originals: int
    stored: int


def images(conn: Connection) -> Images:
    found = db.row(
        conn,
        Images,
        """
        SELECT coalesce(t.pending + t.processing + t.ready + t.rejected, 0) AS total,
               coalesce(t.pending, 0) AS pending, coalesce(t.processing, 0) AS processing,
               coalesce(t.ready, 0) AS ready, coalesce(t.rejected, 0) AS rejected,
               coalesce(t.archived, 0) AS archived, coalesce(t.favourite, 0) AS favourite,
               coalesce(t.trash, 0) AS trash, first.day AS first_day, last.day AS last_day,
               coalesce(t.arranged, 0) AS arranged, coalesce(t.located, 0) AS located,
               places.countries, places.cities
        FROM (SELECT count(DISTINCT country_code) AS countries, count(*) FILTER (WHERE city <> '') AS cities
              FROM image_places WHERE images > 0) AS places
        LEFT JOIN image_totals t ON true
        LEFT JOIN LATERAL (
            SELECT local_day AS day FROM images
            WHERE deleted_at IS NULL AND status <> 'rejected' AND local_day IS NOT NULL ORDER BY local_day LIMIT 1
        ) AS first ON true
        LEFT JOIN LATERAL (
            SELECT local_day AS day FROM images
            WHERE deleted_at IS NULL AND status <> 'rejected' AND local_day IS NOT NULL ORDER BY local_day DESC LIMIT 1
        ) AS last ON true
        """,
    )
    assert found is not None  # noqa: S101 - an aggregate has a row
    return found


def albums_by_kind(conn: Connection) -> dict[str, int]:
    """Those that the list of albums shows: an automatic one needs a photo. Kinds without an album are not in it."""
    counted = conn.execute(
        """
        SELECT kind, count(*) FROM albums a
        WHERE a.deleted_at IS NULL AND (a.key IS NULL OR EXISTS (
            SELECT FROM album_images m JOIN images i ON i.id = m.image_id
            WHERE m.album_id = a.id AND i.deleted_at IS NULL
        ))
        GROUP BY kind ORDER BY kind
        """
    ).fetchall()
    return {str(kind): int(number) for kind, number in counted}


def people(conn: Connection) -> People:
    found = db.row(
        conn,
        People,
        f"""
        SELECT count(*) FILTER (WHERE NOT hidden AND name IS NOT NULL) AS named,
               count(*) FILTER (WHERE NOT hidden AND name IS NULL) AS unnamed,
               count(*) FILTER (WHERE hidden) AS hidden
        FROM person_clusters p
        WHERE EXISTS (
            SELECT FROM faces f JOIN images i ON i.id = f.image_id
            WHERE f.person_id = p.id AND {LIVE}
        )
        """,
    )
    assert found is not None  # noqa: S101 - an aggregate has a row
    return found


def faces(conn: Connection) -> Faces:
    found = db.row(
        conn,
        Faces,
        "SELECT count(*) AS total, count(f.person_id) AS with_person "
        f"FROM faces f JOIN images i ON i.id = f.image_id WHERE {LIVE}",
    )
    assert found is not None  # noqa: S101 - an aggregate has a row
    return found


def stored(conn: Connection) -> Stored:
    """With the trash."""
    found = db.row(
        conn,
        Stored,
        "SELECT coalesce(sum(plain_bytes) FILTER (WHERE name = 'original'), 0)::bigint AS originals, "
        "coalesce(sum(bytes), 0)::bigint AS stored FROM blobs",
    )
    assert found is not None  # noqa: S101 - an aggregate has a row
    return found


# -------------------------------------------------------------------------------------------------------- storage


@dataclass(frozen=True)
class Share:
    """A part of the storage: ``photos`` it belongs to, sealed ``blobs``, and their ``size`` in bytes."""

    name: str
    photos: int
    blobs: int
    size: int


@dataclass(frozen=True)
class NearDuplicates:
    """Photos that share a perceptual hash. ``size``: bytes of all their blobs; ``reclaimable``: of all but those of
    the largest original of each group."""

    groups: int
    photos: int
    size: int
    reclaimable: int


@dataclass(frozen=True)
class Storage:
    """Each of the four breakdowns adds up to ``total``. With the trash, whose part of it is ``trash``."""

    total: Share
    trash: Share
    by_driver: list[Share]
    by_rendition: list[Share]
    by_content_type: list[Share]
    by_month: list[Share]


# Blobs are added up for each photo first: counting photos is then counting rows, where count(DISTINCT) would sort all
# blobs once for every breakdown. Of a name without a colon a photo has one blob, of `face:...` as many as faces.
_BY_PHOTO = """
    SELECT CASE grouping(content_type, month, in_trash) WHEN 3 THEN 'type' WHEN 5 THEN 'month' WHEN 6 THEN 'trash'
               ELSE 'total' END AS part,
           coalesce(content_type, month, in_trash::text, '') AS name,
           count(*), coalesce(sum(blobs), 0)::bigint, coalesce(sum(size), 0)::bigint
    FROM (
        SELECT i.content_type, to_char(i.sort_at, 'YYYY-MM') AS month, i.deleted_at IS NOT NULL AS in_trash, blobs, size
        FROM (SELECT image_id, count(*) AS blobs, sum(bytes) AS size FROM blobs GROUP BY image_id) AS b
        JOIN images i ON i.id = image_id
    ) AS stored
    GROUP BY GROUPING SETS ((content_type), (month), (in_trash), ())
"""
_BY_BLOB = """
    SELECT part, name, count(*), sum(blobs)::bigint, sum(size)::bigint
    FROM (
        SELECT 'driver' AS part, driver AS name, count(*) AS blobs, sum(bytes) AS size
        FROM blobs GROUP BY image_id, driver
    ) AS stored
    GROUP BY part, name
    UNION ALL
    SELECT 'rendition', name, count(*), count(*), sum(bytes)::bigint
    FROM blobs WHERE strpos(name, ':') = 0 GROUP BY name
    UNION ALL
    SELECT 'rendition', split_part(name, ':', 1), count(DISTINCT image_id), count(*), sum(bytes)::bigint
    FROM blobs WHERE strpos(name, ':') > 0 GROUP BY split_part(name, ':', 1)
"""


def storage(conn: Connection) -> Storage:
    """Drivers, renditions and types with the most bytes first, months newest first."""
    parts: dict[str, list[Share]] = defaultdict(list)
    for sql in (_BY_PHOTO, _BY_BLOB):
        for part, name, photos, blobs, size in conn.execute(sql).fetchall():
            parts[part].append(Share(name, photos, blobs, size))
    for each in parts.values():
        each.sort(key=lambda share: (-share.size, share.name))
    (total,) = parts["total"]
    return Storage(
        total=total,
        trash=next((share for share in parts["trash"] if share.name == "true"), Share("true", 0, 0, 0)),
        by_driver=parts["driver"],
        by_rendition=parts["rendition"],
        by_content_type=parts["type"],
        by_month=sorted(parts["month"], key=lambda share: share.name, reverse=True),
    )


def near_duplicates(conn: Connection) -> NearDuplicates:
    """Likely copies of one another, resized or recompressed; pictures of one colour are not taken for copies."""
    found = db.row(
        conn,
        NearDuplicates,
        """
        WITH alike AS (
            SELECT id, phash, count(*) OVER (PARTITION BY phash) AS copies,
                   row_number() OVER (PARTITION BY phash ORDER BY bytes DESC, id) AS place
            FROM images WHERE deleted_at IS NULL AND phash IS NOT NULL AND phash <> ALL(%(flat)s)
        )
        SELECT count(*) FILTER (WHERE place = 1) AS groups, count(*) AS photos,
               coalesce(sum(s.size), 0)::bigint AS size,
               coalesce(sum(s.size) FILTER (WHERE place > 1), 0)::bigint AS reclaimable
        FROM alike a
        LEFT JOIN LATERAL (SELECT sum(b.bytes) AS size FROM blobs b WHERE b.image_id = a.id) AS s ON true
        WHERE copies > 1
        """,
        {"flat": list(FLAT_HASHES)},
    )
    assert found is not None  # noqa: S101 - an aggregate has a row
    return found


# --------------------------------------------------------------------------------------------------------- people


@dataclass(frozen=True)
class Appearance:
    """One person's photos; days are None when none of them has one yet."""

    person_id: UUID
    name: str | None
    images: int
    faces: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class Companion:
    """Somebody who is in ``images`` photos of ``of``."""

    of: UUID
    person_id: UUID
    name: str | None
    images: int


def appearances(conn: Connection, *, limit: int, after: tuple[int, UUID] | None = None) -> list[Appearance]:
    """People who are not hidden, those in most photos first, after an (images, person_id)."""
    return db.rows(
        conn,
        Appearance,
        f"""
        SELECT person_id, p.name, images, faces, first_day, last_day
        FROM (
            SELECT f.person_id, count(DISTINCT f.image_id) AS images, count(*) AS faces,
                   min(i.local_day) AS first_day, max(i.local_day) AS last_day
            FROM faces f JOIN images i ON i.id = f.image_id
            WHERE {LIVE} AND f.person_id IS NOT NULL
            GROUP BY f.person_id
        ) AS seen
        JOIN person_clusters p ON p.id = seen.person_id
        WHERE NOT p.hidden
          AND (%(images)s::bigint IS NULL OR (-images, person_id) > (-%(images)s::bigint, %(person_id)s::uuid))
        ORDER BY -images, person_id LIMIT %(limit)s
        """,
        {"images": after[0] if after else None, "person_id": after[1] if after else None, "limit": limit},
    )


def companions(conn: Connection, person_ids: Sequence[UUID], *, most: int = COMPANIONS) -> dict[UUID, list[Companion]]:
    """With whom each of these people shares most photos, at most so many of each; hidden people are left out."""
    found = db.rows(
        conn,
        Companion,
        f"""
        SELECT of, person_id, p.name, images
        FROM (
            SELECT a.person_id AS of, b.person_id, count(DISTINCT a.image_id) AS images,
                   row_number() OVER (
                       PARTITION BY a.person_id ORDER BY count(DISTINCT a.image_id) DESC, b.person_id
                   ) AS place
            FROM faces a
            JOIN faces b ON b.image_id = a.image_id AND b.person_id <> a.person_id
            JOIN images i ON i.id = a.image_id
            JOIN person_clusters other ON other.id = b.person_id
            WHERE a.person_id = ANY(%(ids)s) AND {LIVE} AND NOT other.hidden
            GROUP BY a.person_id, b.person_id
        ) AS together
        JOIN person_clusters p ON p.id = together.person_id
        WHERE place <= %(most)s
        ORDER BY of, place
        """,
        {"ids": list(person_ids), "most": most},
    )
    by_person: dict[UUID, list[Companion]] = {person_id: [] for person_id in person_ids}
    for companion in found:
        by_person[companion.of].append(companion)
    return by_person


# --------------------------------------------------------------------------------------------------------- places


@dataclass(frozen=True)
class Place:
    """A country, or a city of it. ``days`` counts the local days with a photo there."""

    country_code: str
    country: str | None
    region: str | None
    city: str | None
    images: int
    days: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class Trip:
    """A trip's album; ``images`` are those of it that are not in the trash, at least one."""

    album_id: UUID
    title: str
    first_day: date | None
    last_day: date | None
    images: int


def countries(conn: Connection) -> list[Place]:
    """Those with most photos first. A country's name is the one that most of its photos carry."""
    return db.rows(
        conn,
        Place,
        f"""
        SELECT country_code, mode() WITHIN GROUP (ORDER BY country) AS country, NULL AS region, NULL AS city,
               count(*) AS images, count(DISTINCT local_day) AS days,
               min(local_day) AS first_day, max(local_day) AS last_day
        FROM images i WHERE {ARRANGED} AND country_code IS NOT NULL
        GROUP BY country_code ORDER BY images DESC, country_code
        """,
    )


def cities(conn: Connection) -> list[Place]:
    """Those with most photos first; cities of one name in two regions are two."""
    return db.rows(
        conn,
        Place,
        f"""
        SELECT country_code, mode() WITHIN GROUP (ORDER BY country) AS country, region, city,
               count(*) AS images, count(DISTINCT local_day) AS days,
               min(local_day) AS first_day, max(local_day) AS last_day
        FROM images i WHERE {ARRANGED} AND country_code IS NOT NULL AND city IS NOT NULL
        GROUP BY country_code, region, city ORDER BY images DESC, country_code, region, city
        """,
    )


def homes(conn: Connection) -> tuple[Home, ...]:
    """Where the person lives and lived, by the rules that albums follow."""
    from photovault.drafts import Photo
    from photovault.homes import find_homes

    located = conn.execute(
        f"SELECT id, sort_at, local_day, lat, lon, country_code, country, region, city FROM images i "
        f"WHERE {ARRANGED} AND lat IS NOT NULL AND local_day IS NOT NULL "
        "AND location_source IS DISTINCT FROM 'estimated' ORDER BY sort_at, id".encode()
    ).fetchall()
    return find_homes(
        [
            Photo(
                id=image_id,
                local=local,
                local_day=day,
                lat=lat,
                lon=lon,
                place=(code, country or "", region or "", city or "") if code else None,
            )
            for image_id, local, day, lat, lon, code, country, region, city in located
        ]
    )


def trips(conn: Connection) -> list[Trip]:
    """The latest first."""
    return db.rows(
        conn,
        Trip,
        """
        SELECT a.id AS album_id, a.title, a.first_day, a.last_day, count(*) AS images
        FROM albums a JOIN album_images m ON m.album_id = a.id JOIN images i ON i.id = m.image_id
        WHERE a.kind = 'trip' AND a.deleted_at IS NULL AND i.deleted_at IS NULL
        GROUP BY a.id ORDER BY a.last_day DESC NULLS LAST, a.id DESC
        """,
    )
