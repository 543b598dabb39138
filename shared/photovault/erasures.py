"""Deleting an account for good, and the ledger outside the database that says which accounts were.

``erase`` is a crypto-erase: one transaction in which the person's wrapped keys become nothing. From its commit on,
nothing that the person ever stored can be opened by anybody who holds the database, the storage and the master key of
now; sessions end with it, and the e-mail address is free. Unwrapped keys may live in other processes for up to five
minutes more (``keyring``), but no request and no worker gets to them: both look whether the person is gone first.

A backup of the database still holds the wrapped keys, and so do the database's own files until autovacuum comes by.
So each erasure is entered in the ledger, which lies apart from the database and from the blobs and is never restored,
and ``photovault db replay-erasures`` applies it to a restored database. When the oldest backup has expired, archived
logs included, the account is gone everywhere.

What a death leaves, in the order of things (``pipeline.erasing`` is the rest of it):

- before the commit: an account that lives, and nothing anywhere that says otherwise. The entry in the ledger comes
  after the commit for this reason: an entry of an account that lives would erase it at the next replay.
- between the commit and the entry: an erased account of which only the database knows. The daily pass finds it there
  and makes the entry; only a database restored to before the commit, within that time, would bring the account back.
- between the entry and the mark in staging: the daily pass finishes, instead of the next sweep.
- anywhere behind: the sweep and the daily pass go on where it ended, see ``pipeline.erasing.finish``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, keys, sessions
from photovault.errors import BlobMissing, Conflict, Invalid, Misconfigured, PersonGone
from photovault.retired import Retired
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.storage import Driver

# Tables of a person's rows that hang on no photo; the others go with the photos or, empty of content, at the end.
# Sessions take their refresh tokens along, albums and shares their lists of photos, webhooks their deliveries.
_TABLES = (
    "shares",
    "webhooks",
    "albums",
    "person_clusters",
    "groupings",
    "jobs",
    "exports",
    "activity",
    "tombstones",
    "idempotency_keys",
    "sessions",
)


# ------------------------------------------------------------------------------------------------------- the erasure


def erase(conn: Connection, *, at: datetime) -> bool:
    """The crypto-erase. False when there is no account (any more) to erase.

    Sessions come before the lock of the person's row, against the rule: whoever renews a session holds that, and then
    waits for the person's row.
    """
    sessions.revoke_all(conn, because="the account was deleted")
    erased = db.value(
        conn,
        "UPDATE users SET erased_at = %s, email = '', email_key = 'erased:' || id, name = '', password_hash = '', "
        "revision = revision + 1 WHERE erased_at IS NULL RETURNING true",
        [at],
    )
    if not erased:
        return False
    conn.execute("UPDATE user_keys SET wrapped = '', master_fingerprint = %s", [keys.ERASED])
    for table in ("api_keys", "second_factors", "recovery_codes"):
        conn.execute(f"DELETE FROM {table}".encode())
    conn.execute("DELETE FROM activity")
    # Nothing is to be built any more, and whoever is building has lost the lease.
    conn.execute(
        "UPDATE rebuilds SET built_generation = wanted_generation, lease_token = NULL, lease_expires_at = NULL"
    )
    return True


def erased_at(conn: Connection) -> datetime | None:
    """When the person of this transaction deleted the account; None for one that lives. Raises ``PersonGone``."""
    found = conn.execute("SELECT erased_at FROM users").fetchone()
    if found is None:
        raise PersonGone
    at: datetime | None = found[0]
    return at


def lock(conn: Connection) -> None:
    """Keep everybody else out while rows of an erased person are deleted.

    Raises ``PersonGone`` when there is none: what follows must never happen to somebody who lives.
    """
    if db.value(conn, "SELECT true FROM users WHERE erased_at IS NOT NULL FOR UPDATE") is None:
        raise PersonGone


def waiting(conn: Connection) -> list[UUID]:
    """Everybody whose erasure is not finished, as maintenance sees them, who waits longest first."""
    return [row[0] for row in conn.execute("SELECT id FROM users WHERE erased_at IS NOT NULL ORDER BY erased_at, id")]


# -------------------------------------------------------------------------------------- what is left to do after it


def retire_photos(conn: Connection, *, limit: int) -> int:
    """Delete some photos with everything that hangs on them. Their blobs are kept as retired copies, to be deleted."""
    return conn.execute(
        """
        WITH chosen AS MATERIALIZED (SELECT id FROM images ORDER BY id LIMIT %s),
        retired AS (
            INSERT INTO retired_blobs (driver, key, image_id, name)
            SELECT b.driver, b.key, b.image_id, b.name FROM blobs b JOIN chosen ON chosen.id = b.image_id
            ON CONFLICT (driver, key) DO NOTHING
        )
        DELETE FROM images USING chosen WHERE images.id = chosen.id
        """,
        [limit],
    ).rowcount


def forget(conn: Connection, *, limit: int) -> int:
    """Delete some of what is left of a person beside photos: albums, people's names, history. Returns how many rows."""
    for table in _TABLES:
        deleted = conn.execute(
            f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} LIMIT %s)".encode(), [limit]
        ).rowcount
        if deleted:
            return deleted
    return 0


def copies(conn: Connection, *, limit: int, but: Sequence[str] = ()) -> list[Retired]:
    """Some of the person's retired copies, of all drivers but those named."""
    return db.rows(
        conn,
        Retired,
        "SELECT driver, key, user_id, image_id, name, retired_at FROM retired_blobs WHERE driver <> ALL(%s) "
        "ORDER BY image_id, name, key LIMIT %s",
        [list(but), limit],
    )


def remove(conn: Connection) -> bool:
    """Delete the person's row, and with it the last of all rows. False, and nothing done, while anything is stored."""
    return (
        conn.execute(
            "DELETE FROM users WHERE erased_at IS NOT NULL "
            "AND NOT EXISTS (SELECT FROM images) AND NOT EXISTS (SELECT FROM retired_blobs)"
        ).rowcount
        > 0
    )


# -------------------------------------------------------------------------------------------------------- the ledger

PREFIX = "erasures/"
VERSION = 1
_LARGEST_ENTRY = 4096  # bytes; ours have a hundred


@dataclass(frozen=True)
class Entry:
    """One erasure. ``trouble`` says in words why an entry cannot be read; then ``user_id`` or ``erased_at`` is None."""

    key: str
    user_id: UUID | None
    erased_at: datetime | None
    trouble: str = ""


def enter(user_id: UUID, at: datetime) -> None:
    """Make the ledger's entry, durably; one that is there already stays as it is.

    Raises ``Misconfigured`` without a ledger, ``StorageUnavailable``.
    """
    content = json.dumps({"user_id": str(user_id), "erased_at": at.isoformat(), "version": VERSION}).encode()
    try:
        _ledger().put(f"{PREFIX}{user_id}", content, size=len(content))
    except Conflict:  # entries are written once
        return


def entries() -> Iterator[Entry]:
    """The whole ledger, page by page, in the order of the ids. Raises ``Misconfigured``, ``StorageUnavailable``."""
    ledger = _ledger()
    for stored in ledger.list(PREFIX):
        try:
            content = ledger.get(stored.key, at_most=_LARGEST_ENTRY)
        except (Invalid, BlobMissing) as error:  # what else somebody put there keeps no account alive
            yield Entry(stored.key, None, None, error.detail)
        else:
            yield _read(stored.key, content)


def _read(key: str, content: bytes) -> Entry:
    try:
        fields = json.loads(content)
        if fields["version"] != VERSION:
            return Entry(key, None, None, f"version {fields['version']} is of a newer PhotoVault")
        user_id, at = UUID(fields["user_id"]), datetime.fromisoformat(fields["erased_at"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Entry(key, None, None, "it is not JSON with user_id, erased_at and version")
    if at.tzinfo is None:
        return Entry(key, None, None, "its time has no offset")
    if key != f"{PREFIX}{user_id}":
        return Entry(key, None, None, f"it names {user_id}")
    return Entry(key, user_id, at)


def _ledger() -> Driver:
    """The storage of ``LEDGER_ROOT``, which wins, or of ``LEDGER_BUCKET``. Raises ``Misconfigured``."""
    settings = get_settings()
    if settings.ledger_root:
        return _folder(settings.ledger_root)
    return _bucket(settings.require("ledger"), settings.aws_region, settings.aws_endpoint_url)


@lru_cache(maxsize=1)
def _folder(root: str) -> Driver:
    from photovault.storage.local import LocalDriver

    on_lambda = os.environ.get("AWS_LAMBDA_FUNCTION_NAME") and not os.environ.get("AWS_ENDPOINT_URL")
    if on_lambda and not Path(os.path.normpath(root)).is_relative_to("/mnt"):
        raise Misconfigured("LEDGER_ROOT on Lambda's own disk keeps nothing. Set LEDGER_BUCKET instead.")
    try:
        return LocalDriver(root, public_url="", signing_keys=tuple)
    except Misconfigured:
        raise Misconfigured(
            f"LEDGER_ROOT={root} cannot be written to. Set it to a durable folder that is backed up apart from the "
            "database."
        ) from None


@lru_cache(maxsize=1)
def _bucket(name: str, region: str, endpoint: str | None) -> Driver:
    from photovault import aws
    from photovault.storage.s3 import S3Driver

    return S3Driver(
        name, region=region, endpoint=endpoint, client=lambda: aws.client("s3"), credentials=aws.credentials
    )
