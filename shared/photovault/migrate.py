"""Plain SQL migrations: numbered files, each applied once, in one transaction, under an advisory lock.

A landed file never changes: its SHA-256 is kept beside its number, and a difference stops the upgrade with the name
of the file. ``upgrade`` also publishes the public halves of the signing keys, because every function must know them
and only the auth function may know the secret.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from photovault import second_factors, tokens
from photovault.errors import Misconfigured

if TYPE_CHECKING:
    from photovault.db import Connection

LOCK = 0x50686F746F56  # "PhotoV": any number that nobody else in the database uses
LOCK_TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.sql.encode()).digest()


def available() -> list[Migration]:
    """The migrations that this version carries, in order."""
    found = []
    for entry in resources.files("photovault.migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name)
        if match:
            found.append(Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def pending(conn: Connection) -> list[Migration]:
    """Those not yet applied to this database. Raises ``Misconfigured`` when an applied one has changed since."""
    exists = conn.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
    rows: dict[int, bytes] = {}
    if exists and exists[0]:
        rows = dict(conn.execute("SELECT number, sha256 FROM schema_migrations").fetchall())
    missing = []
    for migration in available():
        applied = rows.get(migration.number)
        if applied is None:
            missing.append(migration)
        elif bytes(applied) != migration.sha256:
            raise Misconfigured(f"{migration.name} was changed after it had been applied; add a new migration instead.")
    return missing


def upgrade(database_url: str, *, jwt_secrets: Sequence[str] = ()) -> list[str]:
    """Apply what is missing and publish signing keys; safe to run from many places at once. Returns the names applied.

    Second factors are sealed by the newest secret then, so that older ones may be taken out.

    The log-in role must be able to create roles and the extension ``vector`` on the first run.
    """
    import psycopg

    applied = []
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10, prepare_threshold=None) as conn:
        version = conn.info.server_version
        if version < 150000:
            raise Misconfigured(f"Postgres {version // 10000} is too old: PhotoVault needs 15 or later.")
        with _alone(conn):
            conn.execute(
                "CREATE TABLE IF NOT EXISTS schema_migrations (number int PRIMARY KEY, name text NOT NULL, "
                "sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
            )
        while (name := _apply_next(conn)) is not None:
            applied.append(name)
        with _alone(conn):
            conn.execute("GRANT SELECT ON schema_migrations TO photovault_app")
            publish_signing_keys(conn, jwt_secrets)
        if jwt_secrets:
            with _alone(conn):
                conn.execute("SET LOCAL ROLE photovault_rotation")
                second_factors.reseal(conn, jwt_secrets)
    return applied


@contextmanager
def _alone(conn: Connection) -> Iterator[None]:
    """A transaction while no other upgrade runs one. The lock ends with it, whatever pooler is in between.

    A statement that waits for a busy table blocks all that come after it, so it does not wait for long.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        conn.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}".encode())
        yield


def _apply_next(conn: Connection) -> str | None:
    """The name of the migration just applied; None when none was missing."""
    with _alone(conn):
        missing = pending(conn)
        if not missing:
            return None
        migration = missing[0]
        conn.execute(migration.sql.encode())
        conn.execute(
            "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.sha256],
        )
        return migration.name


def publish_signing_keys(conn: Connection, jwt_secrets: Sequence[str]) -> None:
    """Make the keys of these secrets the ones that tokens are verified with; the others are retired at once."""
    if not jwt_secrets:
        return
    keys = [tokens.SigningKey.from_secret(secret) for secret in jwt_secrets]
    for key in keys:
        conn.execute(
            "INSERT INTO signing_keys (kid, public_key) VALUES (%s, %s) "
            "ON CONFLICT (kid) DO UPDATE SET retired_at = NULL",
            [key.kid, key.public_bytes],
        )
    conn.execute(
        "UPDATE signing_keys SET retired_at = now() WHERE retired_at IS NULL AND kid <> ALL(%s)",
        [[k.kid for k in keys]],
    )
