"""The table ``retired_blobs``: copies that no row of ``blobs`` names any more, and that are still to be deleted.

A blob that moved leaves one for a day, because tickets to it may be out; should the new copy be lost or altered in that
time, the old one is what the blob is restored from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.blobs import Blob
    from photovault.db import Connection

_COLUMNS = "driver, key, user_id, image_id, name, retired_at"


@dataclass(frozen=True)
class Retired:
    """A copy that a row named until ``retired_at``."""

    driver: str
    key: str
    user_id: UUID
    image_id: UUID
    name: str
    retired_at: datetime


def add(conn: Connection, copies: Iterable[Blob]) -> None:
    """Note that the person's rows name these no more. Noting one twice is fine."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO retired_blobs (driver, key, image_id, name) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(copy.driver, copy.key, copy.image_id, copy.name) for copy in copies],
        )


def of_images(conn: Connection, image_ids: Sequence[UUID]) -> list[Retired]:
    """Photos' retired copies, the newest first."""
    return db.rows(
        conn,
        Retired,
        f"SELECT {_COLUMNS} FROM retired_blobs WHERE image_id = ANY(%s) ORDER BY retired_at DESC, driver, key",
        [list(image_ids)],
    )


def of_purged(conn: Connection, *, limit: int, after: tuple[str, str] | None = None) -> list[Retired]:
    """Some of the person's retired copies of photos that are gone, after a (driver, key)."""
    return db.rows(
        conn,
        Retired,
        f"SELECT {_COLUMNS} FROM retired_blobs r WHERE NOT EXISTS (SELECT FROM images i WHERE i.id = r.image_id) "
        "AND (%(driver)s::text IS NULL OR (driver, key) > (%(driver)s, %(key)s)) "
        "ORDER BY driver, key LIMIT %(limit)s",
        {"driver": after[0] if after else None, "key": after[1] if after else None, "limit": limit},
    )


def due(conn: Connection, before: datetime, *, after: Retired | None, limit: int) -> list[Retired]:
    """A page of what was retired before an instant, the oldest first; asked as maintenance, over all people."""
    return db.rows(
        conn,
        Retired,
        f"SELECT {_COLUMNS} FROM retired_blobs WHERE retired_at <= %(before)s "
        "AND (%(at)s::timestamptz IS NULL OR (retired_at, driver, key) > (%(at)s, %(driver)s, %(key)s)) "
        "ORDER BY retired_at, driver, key LIMIT %(limit)s",
        {
            "before": before,
            "at": after.retired_at if after else None,
            "driver": after.driver if after else None,
            "key": after.key if after else None,
            "limit": limit,
        },
    )


def hold(conn: Connection, copy: Blob) -> bool:
    """Whether this is still a retired copy; nobody strikes it off until the transaction ends."""
    return bool(
        db.value(
            conn, "SELECT true FROM retired_blobs WHERE driver = %s AND key = %s FOR UPDATE", [copy.driver, copy.key]
        )
    )


def strike(conn: Connection, copy: Retired) -> bool:
    """Strike a copy off before it is deleted; False when it is none any more, because a row names it again."""
    return bool(
        db.value(
            conn,
            "DELETE FROM retired_blobs WHERE driver = %s AND key = %s RETURNING true",
            [copy.driver, copy.key],
        )
    )


def put_back(conn: Connection, copy: Retired) -> None:
    """Note one again that was struck off and could not be deleted."""
    conn.execute(
        "INSERT INTO retired_blobs (driver, key, image_id, name, retired_at) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        [copy.driver, copy.key, copy.image_id, copy.name, copy.retired_at],
    )


def forget(conn: Connection, copies: Iterable[Blob | Retired]) -> None:
    """Strike these off: they were deleted, or a row names them again."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM retired_blobs WHERE driver = %s AND key = %s",
            sorted((copy.driver, copy.key) for copy in copies),  # in one order, so that two never deadlock
        )
