"""What memories are chosen from: photos of the same days of earlier years, and what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import memories, moments
from photovault.images import ARRANGED
from photovault.memories import Memory, Photo

if TYPE_CHECKING:
    from photovault.db import Connection

SAMPLE = 150
"""Photos of one day that are looked at, favourites and faces first, the others spread over the day."""
YEARS = 30
"""The latest years with photos."""


@dataclass(frozen=True)
class Recalled:
    """A memory in words. ``album`` is the trip or event that at least half of its photos are of: (id, title)."""

    memory: Memory
    subtitle: str
    people: tuple[tuple[UUID, str], ...]
    album: tuple[UUID, str] | None


def on(conn: Connection, today: date, *, most: int = memories.MOST) -> list[Recalled]:
    """The memories of a day, the latest year first, with up to ``most`` photos each.

    Neither trash nor archive, nor photos whose time of exposure is unknown, nor any that show somebody hidden.
    """
    photos = _candidates(conn, today)
    ids = [photo.id for photo in photos]
    alike = conn.execute(
        "SELECT image_a, image_b FROM look_alikes WHERE image_a = ANY(%(ids)s) AND image_b = ANY(%(ids)s)", {"ids": ids}
    ).fetchall()
    chosen = memories.choose(photos, today=today, alike=alike, most=most)
    names = _names(conn, [person for memory in chosen for person in memory.people])
    albums = _albums(conn, [image_id for memory in chosen for image_id in memory.photos])
    return [_recalled(memory, names, albums) for memory in chosen]


def _recalled(memory: Memory, names: dict[UUID, str], albums: dict[UUID, list[tuple[UUID, str]]]) -> Recalled:
    counted: dict[tuple[UUID, str], int] = {}
    for image_id in memory.photos:
        for each in albums.get(image_id, ()):
            counted[each] = counted.get(each, 0) + 1
    most = max(counted, key=lambda each: (counted[each], each[0])) if counted else None
    album = most if most is not None and 2 * counted[most] >= len(memory.photos) else None
    return Recalled(
        memory=memory,
        subtitle=memories.subtitle(memory, names=names, album=album[1] if album else None),
        people=tuple((person, names[person]) for person in memory.people if person in names),
        album=album,
    )


def _candidates(conn: Connection, today: date) -> list[Photo]:
    """Photos of the very days, and of the days around them for years that have none."""
    years = conn.execute(
        "SELECT extract(year FROM day)::int FROM image_days WHERE level = 'year' AND arranged > 0 AND day < %s "
        "ORDER BY day DESC LIMIT %s",
        [today, YEARS],
    ).fetchall()
    # Around New Year a memory's days lie in two years.
    ago = {
        n for (year,) in years for n in range(today.year - year - 1, today.year - year + 2) if 0 < n < today.year - 1
    }
    photos = _photos(conn, [day for n in ago for day in memories.same_days(today, n)])
    seen = {photo.day for photo in photos if not memories.is_no_memory(photo)}
    without = [n for n in ago if not seen & set(memories.same_days(today, n))]
    return photos + _photos(
        conn,
        [day for n in without for day in memories.days_around(today, n) if day not in memories.same_days(today, n)],
    )


def _photos(conn: Connection, days: Sequence[date]) -> list[Photo]:
    """Of each day one range of the index on local days; how many photos are looked at of it is bounded."""
    found = conn.execute(
        f"""
        SELECT i.id, i.sha256, i.sort_at, i.local_day, i.filename, i.content_type,
               coalesce(i.width::bigint * i.height, 0), i.camera_make IS NOT NULL OR i.camera_model IS NOT NULL,
               i.favourite, coalesce(f.best, 0), coalesce(f.people, '{{}}'), i.phash, i.city, i.country
        FROM unnest(%(days)s::date[]) AS wanted(day)
        CROSS JOIN LATERAL (
            SELECT i.* FROM images i
            WHERE {ARRANGED} AND i.local_day = wanted.day AND i.taken_source <> ALL(%(files)s)
            ORDER BY i.favourite DESC, i.face_count > 0 DESC, i.sha256 LIMIT %(sample)s
        ) AS i
        CROSS JOIN LATERAL (
            SELECT max(f.quality) AS best, array_agg(p.id) FILTER (WHERE p.name IS NOT NULL) AS people,
                   coalesce(bool_or(p.hidden), false) AS hidden
            FROM faces f LEFT JOIN person_clusters p ON p.id = f.person_id WHERE f.image_id = i.id
        ) AS f
        WHERE NOT f.hidden
        """.encode(),
        {"days": sorted(days), "sample": SAMPLE, "files": sorted(moments.TIMES_OF_FILES)},
    ).fetchall()
    return [
        Photo(
            id=image_id,
            order=bytes(sha256),
            local=local,
            day=day,
            filename=filename,
            content_type=content_type,
            pixels=pixels,
            from_camera=from_camera,
            favourite=favourite,
            best_face=best_face,
            people=frozenset(people),
            phash=None if phash is None else phash % (1 << 64),
            city=city,
            country=country,
        )
        for (
            image_id, sha256, local, day, filename, content_type, pixels, from_camera, favourite, best_face, people,
            phash, city, country,
        ) in found
    ]  # fmt: skip


def _names(conn: Connection, person_ids: Sequence[UUID]) -> dict[UUID, str]:
    return dict(
        conn.execute(
            "SELECT id, name FROM person_clusters WHERE id = ANY(%s) AND name IS NOT NULL AND NOT hidden",
            [list(person_ids)],
        ).fetchall()
    )


def _albums(conn: Connection, image_ids: Sequence[UUID]) -> dict[UUID, list[tuple[UUID, str]]]:
    found: dict[UUID, list[tuple[UUID, str]]] = {}
    for image_id, album_id, title in conn.execute(
        "SELECT m.image_id, a.id, a.title FROM album_images m JOIN albums a ON a.id = m.album_id "
        "WHERE m.image_id = ANY(%s) AND a.kind IN ('trip', 'event') AND a.deleted_at IS NULL",
        [list(image_ids)],
    ).fetchall():
        found.setdefault(image_id, []).append((album_id, title))
    return found
