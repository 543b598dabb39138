"""The tables ``albums`` and ``album_images``, as the rebuild reads and writes them: the automatic albums.

An automatic album has a key. What a person edits of it (title, description, cover, whether it is there at all) is
in ``albums``; everything else is written here, by ``pipeline.albums`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import albums, db, tombstones
from photovault.reconciling import Album, Change, Members, Retired

if TYPE_CHECKING:
    from photovault.db import Connection


# ------------------------------------------------------------------------------------------------------ reading


def stored(conn: Connection) -> list[Album]:
    """All of them, those that are deleted or not there now among them, in the order of their ids."""
    return db.rows(
        conn,
        Album,
        """
        WITH trashed AS MATERIALIZED (
            SELECT DISTINCT m.album_id FROM images i JOIN album_images m ON m.image_id = i.id
            WHERE i.deleted_at IS NOT NULL
        )
        SELECT a.id, a.kind, a.key, a.title, a.title_edited, a.cover_image_id,
            a.cover_edited AND a.cover_image_id IS NOT NULL AS cover_edited, a.first_day, a.last_day, a.image_count,
            a.deleted_at IS NOT NULL AS deleted,
            a.restored OR a.title_edited OR a.cover_edited OR a.description IS NOT NULL OR EXISTS (
                SELECT FROM album_choices c WHERE c.album_id = a.id
            ) OR EXISTS (
                SELECT FROM shares s WHERE s.album_id = a.id AND s.revoked_at IS NULL
            ) AS kept,
            a.image_count > 0 OR EXISTS (
                SELECT FROM album_images m JOIN images i ON i.id = m.image_id
                WHERE m.album_id = a.id AND i.deleted_at IS NULL
            ) AS occupied,
            a.id IN (SELECT album_id FROM trashed) AS trashed, a.past, a.fingerprint, a.restored
        FROM albums a WHERE a.key IS NOT NULL ORDER BY a.id
        """,
    )


def members(conn: Connection, album_ids: Collection[UUID]) -> dict[UUID, Members]:
    """What is in these albums, by album."""
    whys = conn.execute("SELECT id, why::text FROM albums WHERE id = ANY(%s)", [list(album_ids)]).fetchall()
    found: dict[UUID, Members] = {}
    reasons: dict[UUID, dict[UUID, str | None]] = {album_id: {} for album_id, _ in whys}
    trashed: dict[UUID, set[UUID]] = {album_id: set() for album_id, _ in whys}
    known: dict[str | None, str | None] = {}
    with conn.cursor(binary=True) as cursor:
        cursor.execute(
            "SELECT m.album_id, m.image_id, m.why::text, i.deleted_at IS NOT NULL FROM album_images m "
            "JOIN images i ON i.id = m.image_id WHERE m.album_id = ANY(%s)",
            [list(reasons)],
        )
        for album_id, image_id, why, in_trash in cursor:
            reasons[album_id][image_id] = known.setdefault(why, why)
            if in_trash:
                trashed[album_id].add(image_id)
    for album_id, why in whys:
        found[album_id] = Members(why, reasons[album_id], trashed[album_id])
    return found


# ------------------------------------------------------------------------------------------------------ writing


def remove(conn: Connection, gone: Iterable[Album], *, revision: int) -> None:
    """Albums that nothing is left of."""
    rows = list(gone)
    conn.execute("DELETE FROM albums WHERE id = ANY(%s)", [[album.id for album in rows]])
    tombstones.add(conn, "album", [album.id for album in rows if album.occupied], revision=revision)


def retire(conn: Connection, rows: Sequence[Retired], *, revision: int) -> None:
    """Leave nothing of these albums but their row, and what is in the trash; a deleted one lets go of that too."""
    if not rows:
        return
    conn.execute(
        "DELETE FROM album_images m USING albums a, images i WHERE a.id = ANY(%s) AND m.album_id = a.id "
        "AND i.id = m.image_id AND (a.deleted_at IS NOT NULL OR i.deleted_at IS NULL)",
        [[row.album_id for row in rows]],
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            "UPDATE albums SET key = %s, past = %s::uuid[], image_count = 0, fingerprint = NULL, revision = %s "
            "WHERE id = %s",
            [(row.key, None if row.past is None else list(row.past), revision, row.album_id) for row in rows],
        )
    tombstones.add(conn, "album", [row.album_id for row in rows if row.seen], revision=revision)


def settle_restored(conn: Connection, restored: Collection[UUID], by_hand: Iterable[Album], *, revision: int) -> None:
    """What the person has taken back is like any other album from now on, and some of it like those made by hand."""
    conn.execute("UPDATE albums SET restored = false WHERE id = ANY(%s)", [list(restored)])
    for album in by_hand:
        albums.become_manual(conn, album.id, revision=revision)


def free_keys(conn: Connection, album_ids: Collection[UUID]) -> None:
    """Keys may move in a circle, and are unique at every step: first out of the way. ``write`` gives new ones."""
    conn.execute("UPDATE albums SET key = 'moving:' || id WHERE id = ANY(%s)", [list(album_ids)])


def write(conn: Connection, changes: Sequence[Change], *, revision: int) -> None:
    """Albums with their photos; a title or cover that the person chose stays.

    Photos may have gone for good since the data was read: what names them is left out. The person's lock is held, so
    none goes meanwhile.
    """
    _write_rows(conn, [change for change in changes if change.new], _INSERT, revision=revision)
    _take_out(conn, changes)
    _put_in(conn, changes)
    # Last, because every change of photos leaves a doubt about their album.
    _write_rows(conn, [change for change in changes if change.told], _UPDATE, revision=revision)
    _write_rows(conn, [change for change in changes if not change.told], _TRUST, revision=revision)


_ROWS = (
    "jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, kind text, key text, title text, cover uuid, why jsonb, "
    "first_day date, last_day date, image_count int, fingerprint text)"
)
_COVER = "(SELECT i.id FROM images i WHERE i.id = r.cover)"
_INSERT = (
    "INSERT INTO albums "
    "(id, kind, key, title, cover_image_id, why, first_day, last_day, image_count, sort, revision) "
    f"SELECT r.id, r.kind, r.key, r.title, {_COVER}, r.why, r.first_day, r.last_day, r.image_count, "
    # What happened is told from its beginning.
    "CASE WHEN r.kind IN ('trip', 'event') THEN 'oldest' ELSE 'newest' END, %(revision)s "
    f"FROM {_ROWS}"
)
_UPDATE = (
    "UPDATE albums a SET kind = r.kind, key = r.key, past = NULL, "
    "title = CASE WHEN a.title_edited THEN a.title ELSE r.title END, "
    # A cover of one's own that is gone for good is none.
    "cover_edited = a.cover_edited AND a.cover_image_id IS NOT NULL, "
    "cover_image_id = CASE WHEN a.cover_edited AND a.cover_image_id IS NOT NULL THEN a.cover_image_id "
    f"ELSE {_COVER} END, why = r.why, first_day = r.first_day, last_day = r.last_day, image_count = r.image_count, "
    f"fingerprint = decode(r.fingerprint, 'hex'), revision = %(revision)s FROM {_ROWS} WHERE a.id = r.id"
)
_TRUST = f"UPDATE albums a SET fingerprint = decode(r.fingerprint, 'hex') FROM {_ROWS} WHERE a.id = r.id"


def _write_rows(conn: Connection, changes: Sequence[Change], statement: str, *, revision: int) -> None:
    if not changes:
        return
    rows = [
        {
            "id": str(change.album_id),
            "kind": change.packed.draft.kind,
            "key": change.packed.draft.key,
            "title": change.packed.draft.title,
            "cover": str(change.packed.draft.cover),
            "why": change.packed.draft.why,
            "first_day": change.packed.draft.first_day.isoformat(),
            "last_day": change.packed.draft.last_day.isoformat(),
            "image_count": len(change.packed.draft.members),
            "fingerprint": change.packed.fingerprint.hex(),
        }
        for change in changes
    ]
    conn.execute(statement.encode(), {"rows": json.dumps(rows), "revision": revision})


def _take_out(conn: Connection, changes: Iterable[Change]) -> None:
    pairs = [(change.album_id, image_id) for change in changes for image_id in change.removed]
    if pairs:
        conn.execute(
            "DELETE FROM album_images m USING unnest(%s::uuid[], %s::uuid[]) AS u(album_id, image_id) "
            "WHERE m.album_id = u.album_id AND m.image_id = u.image_id",
            [_array(album_id for album_id, _ in pairs), _array(image_id for _, image_id in pairs)],
        )


def _put_in(conn: Connection, changes: Iterable[Change]) -> None:
    """Photos with their reasons, or with others. Each reason and album is sent once."""
    album_ids: list[UUID] = []
    reasons: dict[str, int] = {}
    of_album, images, of_reason = [], [], []
    for change in changes:
        album_ids.append(change.album_id)
        for image_id, why in change.added:
            of_album.append(len(album_ids))
            images.append(image_id)
            of_reason.append(reasons.setdefault(why, len(reasons) + 1))
    if images:
        conn.execute(
            "WITH reasons AS MATERIALIZED "
            "(SELECT n, why::jsonb AS why FROM unnest(%(reasons)s::text[]) WITH ORDINALITY AS u(why, n)) "
            "INSERT INTO album_images (album_id, image_id, why) "
            "SELECT (%(albums)s::uuid[])[u.album], u.image_id, r.why "
            "FROM unnest(%(of_album)s::int[], %(images)s::uuid[], %(of_reason)s::int[]) AS u(album, image_id, reason) "
            "JOIN reasons r ON r.n = u.reason JOIN images i ON i.id = u.image_id "
            "ON CONFLICT (album_id, image_id) DO UPDATE SET why = excluded.why",
            {
                "reasons": list(reasons),
                "albums": _array(album_ids),
                "of_album": _array(of_album),
                "images": _array(images),
                "of_reason": _array(of_reason),
            },
        )


def _array(values: Iterable[UUID] | Iterable[int]) -> str:
    """An array as text: a list of ten thousand parameters takes longer to prepare than to store."""
    return "{" + ",".join(map(str, values)) + "}"
