"""The table ``blobs``: where each sealed blob lies and what it must hash to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.db import Connection

_NAMES = "image_id, name, driver, key, bytes, sha256, header_sha256, plain_bytes, content_type, width, height, away"
_COLUMNS = _NAMES.replace("bytes,", "bytes AS size,", 1).replace("plain_bytes", "plain_bytes AS plain_size")

_FIELDS = [column.split()[-1] for column in _COLUMNS.split(", ")]


@dataclass(frozen=True)
class Blob:
    """A sealed blob. ``size`` (bytes) and ``sha256`` are of the ciphertext, ``plain_size`` of what it opens to.

    ``away`` is set while it lies with the fallback, because its home was out of reach.
    """

    image_id: UUID
    name: str
    driver: str
    key: str
    size: int
    sha256: bytes
    header_sha256: bytes
    plain_size: int
    content_type: str
    width: int | None = None
    height: int | None = None
    away: bool = False


def add(conn: Connection, blobs: Iterable[Blob]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO blobs ({_NAMES}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)".encode(),
            [tuple(getattr(blob, column) for column in _FIELDS) for blob in blobs],
        )


def get(conn: Connection, image_id: UUID, name: str) -> Blob | None:
    return db.row(conn, Blob, f"SELECT {_COLUMNS} FROM blobs WHERE image_id = %s AND name = %s", [image_id, name])


def of_images(conn: Connection, image_ids: Sequence[UUID], names: Sequence[str] | None = None) -> list[Blob]:
    """The blobs of some photos, all or those with these names."""
    return db.rows(
        conn,
        Blob,
        f"SELECT {_COLUMNS} FROM blobs WHERE image_id = ANY(%(ids)s) "
        "AND (%(names)s::text[] IS NULL OR name = ANY(%(names)s)) ORDER BY image_id, name",
        {"ids": list(image_ids), "names": list(names) if names is not None else None},
    )


def unreferenced(conn: Connection, driver: str, keys: Sequence[str]) -> list[str]:
    """Those of the keys that no row names; asked as maintenance, over all people."""
    known = {
        row[0]
        for row in conn.execute("SELECT key FROM blobs WHERE driver = %s AND key = ANY(%s)", [driver, list(keys)])
    }
    return [key for key in keys if key not in known]
