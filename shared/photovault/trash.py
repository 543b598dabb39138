"""The end of photos: how long the trash keeps them, and removing them from it for good.

With its row goes the key of a photo's content, so from that commit on nothing of it can be opened again, wherever its
sealed blobs still lie. These are noted as retired copies in the same transaction, for ``pipeline.purging`` to delete.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import activity, db, people, rebuilds, renewals, tombstones, users

if TYPE_CHECKING:
    from photovault.db import Connection

RETENTION = timedelta(days=30)


def purged_on(deleted_at: datetime) -> date:
    """The first day (UTC) on which a photo in the trash may be gone."""
    return (deleted_at + RETENTION).date()


def count(conn: Connection) -> int:
    return int(db.value(conn, "SELECT trash FROM image_totals") or 0)


def purge(
    conn: Connection,
    *,
    deleted_before: datetime,
    limit: int,
    revision: int,
    only: Collection[UUID] | None = None,
) -> list[UUID]:
    """Remove some photos that have been in the trash since an instant or longer, the oldest first; their ids.

    Everything that hangs on them goes, and their bytes are free for other photos.
    """
    gone = conn.execute(
        """
        WITH chosen AS MATERIALIZED (
            SELECT id FROM images WHERE deleted_at <= %(before)s AND (%(only)s::uuid[] IS NULL OR id = ANY(%(only)s))
            ORDER BY deleted_at, id LIMIT %(limit)s
        ), retired AS (
            INSERT INTO retired_blobs (driver, key, image_id, name)
            SELECT b.driver, b.key, b.image_id, b.name FROM blobs b JOIN chosen ON chosen.id = b.image_id
            ON CONFLICT DO NOTHING
        )
        DELETE FROM images USING chosen WHERE images.id = chosen.id
        RETURNING images.id, images.sealed_at IS NOT NULL,
            images.bytes + (SELECT coalesce(sum(f.bytes), 0)::bigint FROM films f WHERE f.picture_id = images.id)
        """,
        {"before": deleted_before, "only": list(only) if only is not None else None, "limit": limit},
    ).fetchall()
    if not gone:
        return []
    used = sum(size for _, sealed, size in gone if sealed)
    reserved = sum(size for _, sealed, size in gone if not sealed)
    users.move_quota(conn, used=-used, reserved=-reserved)
    removed = [image_id for image_id, _, _ in gone]
    tombstones.add(conn, "image", removed, revision=revision)
    if people.remove_faceless(conn, revision=revision):
        rebuilds.edited(conn)  # a builder at work may be about to give them another face
    renewals.settle_after_removal(conn)
    if len(removed) == 1:
        activity.record(conn, "photo-purged", image_id=str(removed[0]))
    else:
        activity.record(conn, "photos-purged", photos=len(removed))
    return removed


def purge_one(conn: Connection, image_id: UUID, *, revision: int) -> bool:
    """Remove one photo, whenever it came to the trash; whether it was there."""
    now: datetime = db.value(conn, "SELECT now()")
    return bool(purge(conn, deleted_before=now, limit=1, revision=revision, only=[image_id]))
