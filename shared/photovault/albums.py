"""Tables ``albums`` and ``album_images``: albums as they are shown, those made by hand, and photos by place and day.

Automatic albums have a key and are written by the rebuild (``automatic_albums``), smart ones follow a filter
(``smart_albums``). A person edits their title, description, cover and order, and whether they are there at all; what
they say about single photos stays (``album_choices``). A photo in the trash stays a member, for when it is restored,
and is neither listed nor counted.

An album that was deleted keeps its row and its photos for 30 days, in which it can be restored, and is shown nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from photovault import db, ids, images, shares, tombstones
from photovault.errors import Conflict, NotFound
from photovault.images import ARRANGED

if TYPE_CHECKING:
    from photovault.db import Connection

NO_SUCH_ALBUM = "There is no such album."
NO_SUCH_PHOTO = "There is no such photo."

# In which it can be restored; also in the policy that lets maintenance delete it.
KEPT_AFTER_DELETION = "30 days"

Kind = Literal["place", "date", "person", "trip", "event", "manual", "smart"]
Sort = Literal["manual", "newest", "oldest"]


@dataclass(frozen=True)
class Album:
    """``cover_image_id`` is one that can be shown now; ``image_count`` counts what is not in the trash.

    ``filter`` is a smart album's, as ``saved_filters`` reads it. Only albums made by hand are sorted ``manual``.
    """

    id: UUID
    kind: Kind
    key: str | None
    title: str
    title_edited: bool
    description: str | None
    cover_image_id: UUID | None
    why: dict[str, Any] | None
    filter: dict[str, Any] | None
    sort: Sort
    first_day: date | None
    last_day: date | None
    image_count: int
    created_at: datetime

    @property
    def automatic(self) -> bool:
        return self.key is not None

    @property
    def by_hand(self) -> bool:
        return self.kind == "manual"


# Memberships are counted in an index; those in the trash, which are few, are subtracted.
_SHOWN = """
    WITH trashed AS (
        SELECT m.album_id, count(*) AS images FROM images i JOIN album_images m ON m.image_id = i.id
        WHERE i.deleted_at IS NOT NULL GROUP BY m.album_id
    )
    SELECT a.id, a.kind, a.key, a.title, a.title_edited, a.description, a.why, a.filter, a.sort,
        a.first_day, a.last_day, a.created_at,
        (live.images)::int AS image_count,
        coalesce(
            (SELECT i.id FROM images i WHERE i.id = a.cover_image_id AND i.deleted_at IS NULL),
            (SELECT i.id FROM album_images m JOIN images i ON i.id = m.image_id
             WHERE m.album_id = a.id AND i.deleted_at IS NULL
             ORDER BY CASE WHEN a.sort = 'manual' THEN m.position END, i.sort_at DESC, i.id DESC LIMIT 1)
        ) AS cover_image_id
    FROM albums a LEFT JOIN trashed t ON t.album_id = a.id
    CROSS JOIN LATERAL (
        SELECT count(*) - coalesce(t.images, 0) AS images FROM album_images m WHERE m.album_id = a.id
    ) AS live
    WHERE a.deleted_at IS NULL
"""


def get(conn: Connection, album_id: UUID) -> Album | None:
    return db.row(conn, Album, f"{_SHOWN} AND a.id = %s", [album_id])


def page(
    conn: Connection, *, kind: str | None, limit: int, after: tuple[date | None, UUID] | None = None
) -> list[Album]:
    """Latest photos first, after a (last_day, id). An automatic album whose photos are all in the trash is left out."""
    return db.rows(
        conn,
        Album,
        f"{_SHOWN} AND (a.key IS NULL OR live.images > 0) AND (%(kind)s::text IS NULL OR a.kind = %(kind)s) "
        "AND (%(id)s::uuid IS NULL OR (coalesce(a.last_day, '-infinity'), a.id) "
        "< (coalesce(%(day)s::date, '-infinity'), %(id)s)) "
        "ORDER BY coalesce(a.last_day, '-infinity') DESC, a.id DESC LIMIT %(limit)s",
        {"kind": kind, "day": after[0] if after else None, "id": after[1] if after else None, "limit": limit},
    )


def listed(conn: Connection, album_ids: Collection[UUID]) -> list[Album]:
    """Those of these albums that ``page`` lists, in no order."""
    return db.rows(
        conn, Album, f"{_SHOWN} AND (a.key IS NULL OR live.images > 0) AND a.id = ANY(%s)", [list(album_ids)]
    )


@dataclass(frozen=True)
class Membership:
    """An album that a photo is in, and why."""

    id: UUID
    kind: Kind
    title: str
    why: dict[str, Any] | None


def of_image(conn: Connection, image_id: UUID) -> list[Membership]:
    return db.rows(
        conn,
        Membership,
        "SELECT a.id, a.kind, a.title, m.why FROM album_images m JOIN albums a ON a.id = m.album_id "
        "WHERE m.image_id = %s AND a.deleted_at IS NULL ORDER BY a.kind, a.title, a.id",
        [image_id],
    )


@dataclass(frozen=True)
class Member(images.Image):
    """A photo in an album: why it is there (None in albums made by hand), and its place in the order by hand."""

    why: dict[str, Any] | None
    position: float | None


_SORT_KEYS = {
    "newest": ("(i.sort_at, i.id)", "<", "i.sort_at DESC, i.id DESC"),
    "oldest": ("(i.sort_at, i.id)", ">", "i.sort_at, i.id"),
    "manual": ("(m.position, m.image_id)", ">", "m.position, m.image_id"),
}


def images_page(
    conn: Connection,
    album_id: UUID,
    *,
    limit: int,
    sort: Sort = "newest",
    after: tuple[datetime, UUID] | tuple[float, UUID] | None = None,
) -> list[Member]:
    """The album's photos that are not in the trash, after a (sort_at, id), or a (position, id) in the order by hand."""
    key, beyond, order = _SORT_KEYS[sort]
    following = f"AND {key} {beyond} (%(at)s, %(id)s) " if after else ""
    return db.rows(
        conn,
        Member,
        f"SELECT {images.QUALIFIED_COLUMNS}, m.why, m.position FROM album_images m JOIN images i ON i.id = m.image_id "
        f"WHERE m.album_id = %(album)s AND i.deleted_at IS NULL {following}ORDER BY {order} LIMIT %(limit)s",
        {"album": album_id, "at": after[0] if after else None, "id": after[1] if after else None, "limit": limit},
    )


def members(conn: Connection, album_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The photos of each album as ``images_page`` lists them, by album."""
    found = conn.execute(
        "SELECT a.id, array_agg(i.id ORDER BY CASE WHEN a.sort = 'manual' THEN m.position END, "
        "CASE WHEN a.sort = 'newest' THEN i.sort_at END DESC, CASE WHEN a.sort = 'newest' THEN i.id END DESC, "
        "CASE WHEN a.sort = 'oldest' THEN i.sort_at END, i.id) "
        "FROM albums a JOIN album_images m ON m.album_id = a.id "
        "JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL WHERE a.id = ANY(%s) GROUP BY a.id",
        [list(album_ids)],
    )
    return {album_id: list(image_ids) for album_id, image_ids in found.fetchall()}


def count_reasons(conn: Connection, album_id: UUID) -> list[tuple[str | None, int]]:
    """Of the photos outside the trash: (what memberships say, how many), None where they say nothing of the kind."""
    return conn.execute(
        "SELECT coalesce(m.why->>'rule', m.why->>'by', m.why->>'source'), count(*)::int FROM album_images m "
        "JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL WHERE m.album_id = %s GROUP BY 1",
        [album_id],
    ).fetchall()


# ---------------------------------------------------------------------------------------------------- by hand


def add(conn: Connection, *, title: str, description: str | None, image_ids: Sequence[UUID], revision: int) -> UUID:
    """A new album of these photos. Raises ``NotFound`` for a photo that is not there, or in the trash."""
    album_id = ids.new()
    conn.execute(
        "INSERT INTO albums (id, kind, title, description, revision) VALUES (%s, 'manual', %s, %s, %s)",
        [album_id, title, description or None, revision],
    )
    if image_ids:
        add_images(conn, album_id, image_ids, revision=revision)
    return album_id


def add_images(conn: Connection, album_id: UUID, image_ids: Sequence[UUID], *, revision: int) -> None:
    """Put photos at the end of an album made by hand; those that are in it stay where they are.

    Raises ``NotFound`` for the album or any photo, ``Conflict`` for an album that makes itself.
    """
    _made_by_hand(conn, album_id)
    wanted = list(dict.fromkeys(image_ids))
    must_be_there(conn, wanted)
    append(conn, album_id, wanted, revision=revision)


def append(conn: Connection, album_id: UUID, image_ids: Sequence[UUID], *, revision: int) -> None:
    """As ``add_images``, of photos that are there, to an album made by hand that may be deleted."""
    conn.execute(
        "INSERT INTO album_images (album_id, image_id, position) "
        "SELECT %(album)s, u.id, "
        "u.n + coalesce((SELECT max(position) FROM album_images WHERE album_id = %(album)s), 0) "
        "FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS u(id, n) ON CONFLICT (album_id, image_id) DO NOTHING",
        {"album": album_id, "ids": list(image_ids)},
    )
    settle(conn, album_id, revision=revision)


def must_be_there(conn: Connection, image_ids: Collection[UUID]) -> None:
    """Raises ``NotFound`` when any of these photos (each given once) is not there, or in the trash."""
    there = db.value(conn, "SELECT count(*) FROM images WHERE id = ANY(%s) AND deleted_at IS NULL", [list(image_ids)])
    if there != len(image_ids):
        raise NotFound(NO_SUCH_PHOTO)


def remove_images(conn: Connection, album_id: UUID, image_ids: Collection[UUID], *, revision: int) -> None:
    """Take photos out of an album made by hand. Raises ``NotFound``, ``Conflict`` for an album that makes itself."""
    _made_by_hand(conn, album_id)
    let_go(conn, album_id, image_ids)
    settle(conn, album_id, revision=revision)


def let_go(conn: Connection, album_id: UUID, image_ids: Collection[UUID]) -> None:
    """Photos out of any album; a cover that went is chosen anew. ``settle`` is to follow."""
    conn.execute("DELETE FROM album_images WHERE album_id = %s AND image_id = ANY(%s)", [album_id, list(image_ids)])
    conn.execute(
        "UPDATE albums SET cover_image_id = NULL, cover_edited = false WHERE id = %s AND cover_image_id = ANY(%s)",
        [album_id, list(image_ids)],
    )


def _made_by_hand(conn: Connection, album_id: UUID) -> None:
    album = get(conn, album_id)
    if album is None:
        raise NotFound(NO_SUCH_ALBUM)
    if not album.by_hand:
        raise Conflict("This album makes itself; its photos cannot be chosen by hand.")


def settle(conn: Connection, album_id: UUID, *, revision: int) -> None:
    """Bring the days and the count of an album up to date with its photos."""
    conn.execute(
        b"""
        UPDATE albums a SET image_count = now.images, first_day = now.first, last_day = now.last,
            revision = %(revision)s
        FROM (
            SELECT count(i.id) AS images, min(i.local_day) AS first, max(i.local_day) AS last
            FROM album_images m JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL WHERE m.album_id = %(id)s
        ) AS now WHERE a.id = %(id)s
        """,
        {"id": album_id, "revision": revision},
    )


def set_title(conn: Connection, album_id: UUID, title: str | None, *, revision: int) -> None:
    """A title of one's own; None gives an automatic album back to the rebuild."""
    conn.execute(
        "UPDATE albums SET title = coalesce(%(title)s, title), title_edited = %(title)s::text IS NOT NULL, "
        "revision = %(revision)s WHERE id = %(id)s",
        {"id": album_id, "title": title, "revision": revision},
    )


def set_description(conn: Connection, album_id: UUID, description: str | None, *, revision: int) -> None:
    conn.execute(
        "UPDATE albums SET description = %s, revision = %s WHERE id = %s", [description or None, revision, album_id]
    )


def set_cover(conn: Connection, album_id: UUID, image_id: UUID | None, *, revision: int) -> None:
    """A cover of one's own; None leaves the choice to the album. Raises ``NotFound`` for a photo that is not in it."""
    if image_id is not None and not db.value(
        conn,
        "SELECT true FROM album_images m JOIN images i ON i.id = m.image_id "
        "WHERE m.album_id = %s AND m.image_id = %s AND i.deleted_at IS NULL",
        [album_id, image_id],
    ):
        raise NotFound("There is no such photo in this album.")
    conn.execute(
        "UPDATE albums SET cover_image_id = %(image)s, cover_edited = %(image)s::uuid IS NOT NULL, "
        "revision = %(revision)s WHERE id = %(id)s",
        {"id": album_id, "image": image_id, "revision": revision},
    )


def set_sort(conn: Connection, album: Album, sort: Sort, *, revision: int) -> None:
    """How its photos are listed. The order by hand is kept meanwhile. Raises ``Conflict`` where there is none."""
    if sort == "manual" and not album.by_hand:
        raise Conflict("Only an album made by hand has an order of its own.")
    conn.execute("UPDATE albums SET sort = %s, revision = %s WHERE id = %s", [sort, revision, album.id])


def delete(conn: Connection, album: Album, *, revision: int) -> None:
    """Remove an album, never its photos, and end its links for good.

    Its row stays: of an automatic one so that no rebuild brings it back, of any other until it cannot be restored.
    """
    conn.execute(
        "UPDATE albums SET deleted_at = now(), restored = false, revision = %s WHERE id = %s", [revision, album.id]
    )
    shares.end_of_album(conn, album.id)
    tombstones.add(conn, "album", [album.id], revision=revision)


def restore(conn: Connection, album_id: UUID, *, revision: int) -> Kind | None:
    """Take an album back that was deleted, as it was, without its links; None when it is not deleted.

    A rebuild is to follow, which had taken the photos out of an automatic one. Those of a trip or an event are
    remembered; should they be no trip or event by now, it keeps them as an album made by hand. Raises ``NotFound``.
    """
    kind: Kind | None = db.value(
        conn,
        "UPDATE albums SET deleted_at = NULL, restored = key IS NOT NULL, revision = %s "
        f"WHERE id = %s AND deleted_at > now() - interval '{KEPT_AFTER_DELETION}' RETURNING kind",
        [revision, album_id],
    )
    if kind is None and get(conn, album_id) is None:
        raise NotFound(NO_SUCH_ALBUM)
    if kind in {"trip", "event"}:
        conn.execute(
            "WITH remembered AS (UPDATE albums a SET past = NULL FROM albums was "
            "WHERE a.id = %(id)s AND was.id = a.id AND a.past IS NOT NULL RETURNING was.past) "
            "INSERT INTO album_images (album_id, image_id) SELECT %(id)s, i.id FROM remembered, images i "
            "LEFT JOIN album_choices c ON c.album_id = %(id)s AND c.image_id = i.id "
            "WHERE coalesce(c.included, i.id = ANY(remembered.past)) ON CONFLICT DO NOTHING",
            {"id": album_id},
        )
    if kind in {"manual", "trip", "event"}:
        settle(conn, album_id, revision=revision)
    return kind


def become_manual(conn: Connection, album_id: UUID, *, revision: int) -> None:
    """An automatic album goes on as one made by hand, with the photos that it has, in the order of time."""
    conn.execute(
        "UPDATE album_images m SET why = NULL, position = ordered.n FROM ("
        "SELECT o.image_id, row_number() OVER (ORDER BY i.sort_at, i.id) AS n FROM album_images o "
        "JOIN images i ON i.id = o.image_id WHERE o.album_id = %(id)s"
        ") AS ordered WHERE m.album_id = %(id)s AND m.image_id = ordered.image_id",
        {"id": album_id},
    )
    conn.execute("DELETE FROM album_choices WHERE album_id = %s", [album_id])
    conn.execute("UPDATE albums SET kind = 'manual', key = NULL, past = NULL, why = NULL WHERE id = %s", [album_id])
    settle(conn, album_id, revision=revision)


def forget_expired(conn: Connection) -> None:
    """Delete everybody's albums that cannot be restored any more, as maintenance; the policy allows no earlier."""
    conn.execute(
        f"DELETE FROM albums WHERE key IS NULL AND deleted_at < now() - interval '{KEPT_AFTER_DELETION}'".encode()
    )


# ----------------------------------------------------------------------------------- by place and by day, at read


@dataclass(frozen=True)
class PlaceGroup:
    """Photos of a country, region or city; what a level does not tell apart is None."""

    country_code: str
    country: str | None
    region: str | None
    city: str | None
    image_count: int
    first_day: date
    last_day: date
    cover_image_id: UUID


_LEVELS: dict[str, tuple[str, str]] = {  # which columns count, and which must be known
    "country": ("NULL::text", "NULL::text"),
    "region": ("i.region", "NULL::text"),
    "city": ("i.region", "i.city"),
}


def by_location(
    conn: Connection, level: str, *, limit: int, after: tuple[int, str, str, str] | None = None
) -> list[PlaceGroup]:
    """Places with most photos first, after an (image_count, country code, region, city); unknown parts are ''."""
    region, city = _LEVELS[level]
    known = {"country": "true", "region": "i.region IS NOT NULL", "city": "i.city IS NOT NULL"}[level]
    return db.rows(
        conn,
        PlaceGroup,
        f"""
        SELECT g.country_code, g.country, nullif(g.region, '') AS region, nullif(g.city, '') AS city, g.image_count,
            g.first_day, g.last_day, cover.id AS cover_image_id
        FROM (
            SELECT i.country_code, max(i.country) AS country, coalesce({region}, '') AS region,
                coalesce({city}, '') AS city, count(*)::int AS image_count,
                min(i.local_day) AS first_day, max(i.local_day) AS last_day
            FROM images i WHERE {ARRANGED} AND i.country_code IS NOT NULL AND {known}
            GROUP BY 1, 3, 4
            HAVING %(count)s::int IS NULL OR (-count(*), i.country_code, coalesce({region}, ''), coalesce({city}, ''))
                > (-%(count)s::int, %(country_code)s, %(region)s, %(city)s)
            ORDER BY image_count DESC, 1, 3, 4 LIMIT %(limit)s
        ) AS g CROSS JOIN LATERAL (
            SELECT i.id FROM images i WHERE {ARRANGED} AND i.country_code = g.country_code
                AND coalesce({region}, '') = g.region AND coalesce({city}, '') = g.city AND {known}
            ORDER BY i.favourite DESC, i.sort_at DESC, i.id DESC LIMIT 1
        ) AS cover
        ORDER BY g.image_count DESC, g.country_code, g.region, g.city
        """,
        {
            "count": after[0] if after else None,
            "country_code": after[1] if after else None,
            "region": after[2] if after else None,
            "city": after[3] if after else None,
            "limit": limit,
        },
    )


@dataclass(frozen=True)
class DayGroup:
    """Photos of a year, month or day, by its first day."""

    day: date
    image_count: int
    cover_image_id: UUID


def by_date(conn: Connection, level: str, *, limit: int, before: date | None = None) -> list[DayGroup]:
    """Years, months or days (``level``) with photos, latest first, before a first day.

    The cover is the latest favourite, else the latest photo: each is the first of an index, however many there are.
    """
    of_group = "i.sort_at >= g.day::timestamp AND i.sort_at < g.day::timestamp + ('1 ' || %(level)s)::interval"
    latest = "ORDER BY i.sort_at DESC, i.id DESC LIMIT 1"
    return db.rows(
        conn,
        DayGroup,
        f"""
        SELECT g.day, g.arranged AS image_count, coalesce(
            (SELECT i.id FROM images i WHERE {ARRANGED} AND i.favourite AND {of_group} {latest}),
            (SELECT i.id FROM images i WHERE {ARRANGED} AND {of_group} {latest})
        ) AS cover_image_id
        FROM image_days g
        WHERE g.level = %(level)s AND g.arranged > 0 AND (%(before)s::date IS NULL OR g.day < %(before)s)
        ORDER BY g.day DESC LIMIT %(limit)s
        """,
        {"level": level, "before": before, "limit": limit},
    )
