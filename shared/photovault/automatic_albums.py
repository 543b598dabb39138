"""The tables ``albums`` and ``album_images``, as the rebuild reads and writes them: the automatic albums.

An automatic album has a key. What a person edits of it (title, description, cover, whether it is there at all) is
in ``albums``; everything else is written here, by ``pipeline.albums`` alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from photovault import db
from photovault.images import ARRANGED

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class Arranged:
    """What drafting needs to know of a photo; archived ones belong to no automatic album, but keep their people."""

    id: UUID
    sort_at: datetime
    local_day: date
    lat: float | None
    lon: float | None
    location_source: str | None
    country_code: str | None
    country: str | None
    region: str | None
    city: str | None


def photos(conn: Connection) -> list[Arranged]:
    """Photos that automatic albums are made of: understood, and neither in the trash nor in the archive."""
    return db.rows(
        conn,
        Arranged,
        "SELECT id, sort_at, local_day, lat, lon, location_source, country_code, country, region, city FROM images i "
        f"WHERE {ARRANGED} AND local_day IS NOT NULL",
    )


@dataclass(frozen=True)
class Automatic:
    """An automatic album as it is stored; ``deleted`` when the person does not want it."""

    id: UUID
    kind: Literal["place", "date", "person", "trip", "event"]
    key: str
    title: str
    title_edited: bool
    cover_image_id: UUID | None
    cover_edited: bool
    why: dict[str, Any] | None
    first_day: date | None
    last_day: date | None
    image_count: int
    deleted: bool


def stored(conn: Connection) -> list[Automatic]:
    return db.rows(
        conn,
        Automatic,
        "SELECT id, kind, key, title, title_edited, cover_image_id, cover_edited, why, first_day, last_day, "
        "image_count, deleted_at IS NOT NULL AS deleted FROM albums WHERE key IS NOT NULL ORDER BY id",
    )


def members(conn: Connection) -> list[tuple[UUID, UUID, str, bool]]:
    """(album, photo, why as JSON, whether the photo is in the trash) of all automatic albums."""
    return conn.execute(
        "SELECT m.album_id, m.image_id, m.why::text, i.deleted_at IS NOT NULL FROM album_images m "
        "JOIN albums a ON a.id = m.album_id AND a.key IS NOT NULL JOIN images i ON i.id = m.image_id"
    ).fetchall()


@dataclass(frozen=True)
class Drafted:
    """An automatic album as the rebuild wants it; ``why`` is JSON."""

    kind: str
    key: str
    title: str
    cover_image_id: UUID
    why: str
    first_day: date
    last_day: date
    image_count: int


def remove(conn: Connection, album_ids: Collection[UUID]) -> None:
    conn.execute("DELETE FROM albums WHERE id = ANY(%s)", [list(album_ids)])


def empty(conn: Connection, album_ids: Collection[UUID], *, revision: int) -> None:
    """Albums that nothing is left of but what is in the trash."""
    conn.execute("UPDATE albums SET image_count = 0, revision = %s WHERE id = ANY(%s)", [revision, list(album_ids)])


def write(
    conn: Connection,
    *,
    new: Sequence[tuple[UUID, Drafted]],
    changed: Sequence[tuple[UUID, Drafted]],
    revision: int,
) -> None:
    """Insert and update automatic albums; a title or cover that the person chose stays."""
    # Keys may move in a circle, and are unique at every step: first out of the way.
    conn.execute(
        "UPDATE albums a SET key = 'moving:' || a.id FROM unnest(%s::uuid[], %s::text[]) AS u(id, key) "
        "WHERE a.id = u.id AND a.key <> u.key",
        [[album_id for album_id, _ in changed], [row.key for _, row in changed]],
    )
    cover = "(SELECT i.id FROM images i WHERE i.id = %(cover)s)"
    for statement, albums in (
        (
            "INSERT INTO albums (id, kind, key, title, cover_image_id, why, first_day, last_day, image_count, "
            f"revision) VALUES (%(id)s, %(kind)s, %(key)s, %(title)s, {cover}, %(why)s::jsonb, %(first)s, "
            "%(last)s, %(count)s, %(revision)s)",
            new,
        ),
        (
            "UPDATE albums SET key = %(key)s, title = CASE WHEN title_edited THEN title ELSE %(title)s END, "
            f"cover_image_id = CASE WHEN cover_edited THEN cover_image_id ELSE {cover} END, why = %(why)s::jsonb, "
            "first_day = %(first)s, last_day = %(last)s, image_count = %(count)s, revision = %(revision)s "
            "WHERE id = %(id)s",
            changed,
        ),
    ):
        with conn.cursor() as cursor:
            cursor.executemany(
                statement.encode(),
                [
                    {
                        "id": album_id,
                        "kind": row.kind,
                        "key": row.key,
                        "title": row.title,
                        "cover": row.cover_image_id,
                        "why": row.why,
                        "first": row.first_day,
                        "last": row.last_day,
                        "count": row.image_count,
                        "revision": revision,
                    }
                    for album_id, row in albums
                ],
            )


def write_members(
    conn: Connection, *, added: Sequence[tuple[UUID, UUID, str]], removed: Sequence[tuple[UUID, UUID]]
) -> None:
    """Memberships of automatic albums: (album, photo, why as JSON) in, or with another why; (album, photo) out."""
    conn.execute(
        "DELETE FROM album_images m USING unnest(%s::uuid[], %s::uuid[]) AS u(album_id, image_id) "
        "WHERE m.album_id = u.album_id AND m.image_id = u.image_id",
        [[album for album, _ in removed], [image for _, image in removed]],
    )
    conn.execute(
        "INSERT INTO album_images (album_id, image_id, why) SELECT u.album_id, u.image_id, u.why::jsonb "
        "FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS u(album_id, image_id, why) "
        "JOIN images i ON i.id = u.image_id "
        "ON CONFLICT (album_id, image_id) DO UPDATE SET why = excluded.why",
        [[a for a, _, _ in added], [i for _, i, _ in added], [w for _, _, w in added]],
    )
