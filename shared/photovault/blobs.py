"""The table ``blobs``: where each sealed blob lies and what it must hash to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db
from photovault.settings import DRIVERS

if TYPE_CHECKING:
    from photovault.db import Connection

_NAMES = "image_id, name, driver, key, bytes, sha256, header_sha256, plain_bytes, content_type, width, height, away"
_COLUMNS = _NAMES.replace("bytes,", "bytes AS size,", 1).replace("plain_bytes", "plain_bytes AS plain_size")

_FIELDS = [column.split()[-1] for column in _COLUMNS.split(", ")]
_ARRAYS = (
    "%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bytea[], %s::bytea[], %s::bigint[], "
    "%s::text[], %s::int[], %s::int[], %s::boolean[]"
)


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
    """All in one statement."""
    rows = list(blobs)
    if rows:
        conn.execute(
            f"INSERT INTO blobs ({_NAMES}) SELECT * FROM unnest({_ARRAYS})".encode(),
            [[getattr(blob, field) for blob in rows] for field in _FIELDS],
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
    """Those of the keys that no row names, nor a retired copy; asked as maintenance, over all people."""
    known = {
        row[0]
        for row in conn.execute(
            "SELECT key FROM blobs WHERE driver = %(driver)s AND key = ANY(%(keys)s) "
            "UNION ALL SELECT key FROM retired_blobs WHERE driver = %(driver)s AND key = ANY(%(keys)s)",
            {"driver": driver, "keys": list(keys)},
        )
    }
    return [key for key in keys if key not in known]


def replace(conn: Connection, old: Blob, new: Blob) -> bool:
    """Let the row name a blob that was sealed anew; whether it still named the old one, else nothing is changed."""
    changed = conn.execute(
        """
        UPDATE blobs SET driver = %(driver)s, key = %(key)s, bytes = %(size)s, sha256 = %(sha256)s,
            header_sha256 = %(header_sha256)s, plain_bytes = %(plain_size)s, content_type = %(content_type)s,
            width = %(width)s, height = %(height)s, away = %(away)s
        WHERE image_id = %(image_id)s AND name = %(name)s AND driver = %(old_driver)s AND key = %(old_key)s
        """,
        vars(new) | {"old_driver": old.driver, "old_key": old.key},
    )
    return changed.rowcount == 1


def remove(conn: Connection, image_id: UUID, names: Sequence[str]) -> None:
    """Let no row name these any more; the copies are to be retired in the same transaction."""
    conn.execute("DELETE FROM blobs WHERE image_id = %s AND name = ANY(%s)", [image_id, list(names)])


# ----------------------------------------------------------------- all people's, as maintenance, for the operator's eye

# Of an erased account nothing can be opened any more, and its blobs are being deleted: there is nothing to lose.
_RECORD = """
    b.image_id, b.name, b.user_id, b.driver, b.key, b.bytes AS size, b.sha256, b.away FROM blobs b
    WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = b.user_id AND u.erased_at IS NOT NULL)
"""
_CHOSEN = """
    AND (%(driver)s::text IS NULL OR b.driver = %(driver)s)
    AND (%(elsewhere_than)s::text IS NULL OR b.driver <> %(elsewhere_than)s)
    AND (%(kind)s::text IS NULL OR split_part(b.name, ':', 1) = %(kind)s)
"""


@dataclass(frozen=True)
class Record:
    """What maintenance sees of anybody's blob: where it lies and what its ciphertext (``size`` bytes) hashes to."""

    image_id: UUID
    name: str
    user_id: UUID
    driver: str
    key: str
    size: int
    sha256: bytes
    away: bool = False


@dataclass(frozen=True)
class Total:
    """Blobs of one driver: how many, their bytes, how many are away from home, how many retired copies lie there."""

    driver: str
    blobs: int
    bytes: int
    away: int
    retired: int


def walk(
    conn: Connection,
    *,
    after: tuple[UUID, str],
    limit: int,
    driver: str | None = None,
    elsewhere_than: str | None = None,
    kind: str | None = None,
) -> list[Record]:
    """A page of all people's blobs after an (image, name), in that order, those of erased accounts left out.

    Only those on ``driver``, not on ``elsewhere_than``, or of a ``kind`` ("original", "face", ...) where given.
    """
    return db.rows(
        conn,
        Record,
        f"SELECT {_RECORD} AND (b.image_id, b.name) > (%(image_id)s, %(name)s) {_CHOSEN} "
        "ORDER BY b.image_id, b.name LIMIT %(limit)s",
        {
            "image_id": after[0],
            "name": after[1],
            "limit": limit,
            "driver": driver,
            "elsewhere_than": elsewhere_than,
            "kind": kind,
        },
    )


def away(conn: Connection, *, after: tuple[UUID, str], limit: int) -> list[Record]:
    """A page of all people's blobs that wait to be brought home, after an (image, name), in that order."""
    return db.rows(
        conn,
        Record,
        f"SELECT {_RECORD} AND b.away AND (b.image_id, b.name) > (%s, %s) ORDER BY b.image_id, b.name LIMIT %s",
        [*after, limit],
    )


def count_away(conn: Connection) -> int:
    """How many blobs of all people wait to be brought home."""
    return int(db.value(conn, f"SELECT count(*) FROM (SELECT {_RECORD} AND b.away) AS waiting"))


def count(
    conn: Connection,
    *,
    after: tuple[UUID, str],
    driver: str | None = None,
    elsewhere_than: str | None = None,
    kind: str | None = None,
) -> tuple[int, int]:
    """How many blobs ``walk`` comes by, and their bytes."""
    row = conn.execute(
        "SELECT count(*), coalesce(sum(r.size), 0)::bigint "
        f"FROM (SELECT {_RECORD} AND (b.image_id, b.name) > (%(image_id)s, %(name)s) {_CHOSEN}) AS r".encode(),
        {
            "image_id": after[0],
            "name": after[1],
            "driver": driver,
            "elsewhere_than": elsewhere_than,
            "kind": kind,
        },
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def record(conn: Connection, image_id: UUID, name: str) -> Record | None:
    return db.row(conn, Record, f"SELECT {_RECORD} AND b.image_id = %s AND b.name = %s", [image_id, name])


def between(conn: Connection, driver: str, *, after: str, upto: str | None) -> list[Record]:
    """The blobs of a driver whose key sorts after one key, up to and with another (or to the end)."""
    return db.rows(
        conn,
        Record,
        f"SELECT {_RECORD} AND b.driver = %(driver)s AND b.key > %(after)s "
        "AND (%(upto)s::text IS NULL OR b.key <= %(upto)s) ORDER BY b.key",
        {"driver": driver, "after": after, "upto": upto},
    )


def holding(conn: Connection, hashes: Sequence[bytes]) -> list[Record]:
    """The blobs whose ciphertext has one of these SHA-256. Reads the whole table once: there is no index for it."""
    return db.rows(conn, Record, f"SELECT {_RECORD} AND b.sha256 = ANY(%s)", [list(hashes)])


def sizes(conn: Connection, among: Sequence[int]) -> set[int]:
    """Those of some sizes in bytes that a blob has. Reads the whole table once, like ``holding``."""
    found = conn.execute("SELECT DISTINCT bytes FROM blobs WHERE bytes = ANY(%s::bigint[])", [list(among)])
    return {row[0] for row in found.fetchall()}


def sealed_without_original(conn: Connection, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of photos that are sealed, though no row says where the original lies."""
    return conn.execute(
        """
        SELECT i.user_id, i.id FROM images i
        WHERE i.sealed_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM blobs b WHERE b.image_id = i.id AND b.name = 'original')
        AND NOT EXISTS (SELECT FROM users u WHERE u.id = i.user_id AND u.erased_at IS NOT NULL)
        ORDER BY i.id LIMIT %s
        """,
        [limit],
    ).fetchall()


def drivers(conn: Connection) -> list[str]:
    """Those that a row or a retired copy names, found without counting: a vault may hold hundreds of millions."""
    found = conn.execute(
        """
        SELECT d.name FROM unnest(%s::text[]) AS d (name)
        WHERE EXISTS (SELECT FROM blobs b WHERE b.driver = d.name)
            OR EXISTS (SELECT FROM retired_blobs r WHERE r.driver = d.name)
        ORDER BY d.name
        """,
        [list(DRIVERS)],
    )
    return [row[0] for row in found.fetchall()]


def totals(conn: Connection) -> list[Total]:
    """For each driver that a row or a retired copy names."""
    return db.rows(
        conn,
        Total,
        """
        SELECT driver, sum(blobs)::bigint AS blobs, sum(bytes)::bigint AS bytes, sum(away)::bigint AS away,
               sum(retired)::bigint AS retired
        FROM (
            SELECT driver, count(*) AS blobs, sum(bytes) AS bytes, count(*) FILTER (WHERE away) AS away, 0 AS retired
            FROM blobs GROUP BY driver
            UNION ALL
            SELECT driver, 0, 0, 0, count(*) FROM retired_blobs GROUP BY driver
        ) AS parts
        GROUP BY driver ORDER BY driver
        """,
    )
