"""What benchmarks on Postgres share: a server of their own with a migrated database, and a person's rights on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from uuid import UUID

import psycopg
from infra.local.postgres import Postgres

from photovault import db, ids, migrate
from photovault.settings import get_settings


@dataclass(frozen=True)
class Scratch:
    """A running server without durability, the address of a migrated database on it, and a folder for other things."""

    server: Postgres
    url: str
    folder: Path

    def restart(self, **options: str) -> None:
        """With other server options, such as ``shared_buffers``."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            for name, value in options.items():
                conn.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        db.close()
        self.server.stop()
        self.server.start()


@contextmanager
def database(*, jwt_secrets: Sequence[str] = ()) -> Iterator[Scratch]:
    """Starts a server, and ends it with the block; within it ``DATABASE_URL`` names the database."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, mock.patch.dict(os.environ):
        folder = Path(name)
        server = Postgres(folder / "postgres", folder / "postgres.log", scratch=True)
        server.start()
        try:
            url = server.create_database("bench")
            migrate.upgrade(url, jwt_secrets=jwt_secrets)
            os.environ["DATABASE_URL"] = url
            get_settings.cache_clear()
            yield Scratch(server, url, folder)
        finally:
            db.close()
            server.stop()
            get_settings.cache_clear()


@contextmanager
def as_person(url: str, person: UUID) -> Iterator[psycopg.Connection]:
    """A transaction with the rights of a request, on a connection of its own that is as those of the pool."""
    with psycopg.connect(url, prepare_threshold=None) as conn:
        conn.execute("SET LOCAL ROLE photovault_app")
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
        yield conn


def processor_ms(backend: int) -> float:
    """Milliseconds that a process of this host (a back end, by its id) has computed so far; 0 where Linux is not."""
    told = Path(f"/proc/{backend}/schedstat")
    return int(told.read_text().split()[0]) / 1e6 if told.exists() else 0.0


def add_person(conn: psycopg.Connection) -> UUID:
    """Somebody new with a key, who is the person of the connection's transaction from here on."""
    person = ids.new()
    conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
    conn.execute(
        "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) VALUES (%s, %s, 'b', 'b', 0)",
        [str(person)] * 2,
    )
    conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
    return person
