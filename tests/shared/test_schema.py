"""What the schema promises beyond isolation: managed servers take it, and deletions find their rows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from infra.local.postgres import Postgres
from psycopg import conninfo, sql

from photovault import migrate

ROLES = ("photovault_app", "photovault_maintenance", "photovault_lookup", "photovault_rotation")


def test_every_deletion_that_cascades_finds_its_rows_by_an_index(database_url: str) -> None:
    """Without one, each deleted photo, face or person costs a look at all people's rows."""
    with psycopg.connect(database_url) as conn:
        unindexed = conn.execute(
            """
            SELECT conrelid::regclass::text, conname FROM pg_constraint c
            WHERE contype = 'f' AND confdeltype IN ('c', 'n') AND NOT EXISTS (
                SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
                AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) LIKE '%IS NOT NULL)')
            )
            """
        ).fetchall()
    assert unindexed == []


@pytest.fixture
def operator_url(postgres: Postgres, database_url: str) -> Iterator[str]:
    """A new database of a log-in role that is no superuser, as on a managed server; there CREATEROLE leaves whoever
    made a role its member without the right to SET ROLE."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        if conn.info.server_version < 160000:
            pytest.skip("before Postgres 16 a member of a role may always SET ROLE to it")
        conn.execute("CREATE ROLE operator LOGIN CREATEROLE")
        for role in ROLES:
            conn.execute(
                sql.SQL("GRANT {} TO operator WITH ADMIN TRUE, INHERIT FALSE, SET FALSE").format(sql.Identifier(role))
            )
    url = postgres.create_database("managed")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION vector; ALTER DATABASE managed OWNER TO operator")
    yield conninfo.make_conninfo(url, user="operator")
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("DROP DATABASE managed")
        for role in ROLES:
            conn.execute(sql.SQL("REVOKE {} FROM operator CASCADE").format(sql.Identifier(role)))
        conn.execute("DROP ROLE operator")


def test_an_operator_who_is_no_superuser_can_migrate_and_serve(operator_url: str) -> None:
    assert migrate.upgrade(operator_url) == [migration.name for migration in migrate.available()]
    with psycopg.connect(operator_url) as conn:
        for role in ROLES[:2]:
            conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            assert conn.execute("SELECT count(id) FROM images").fetchone() == (0,)
            conn.execute("RESET ROLE")
        conn.execute("SET LOCAL ROLE photovault_app")
        assert conn.execute("SELECT * FROM find_account('nobody')").fetchall() == []


def test_the_log_in_role_sees_nothing_until_it_becomes_the_application(operator_url: str) -> None:
    migrate.upgrade(operator_url)
    with psycopg.connect(operator_url) as conn:
        for role in ROLES:
            assert conn.execute("SELECT pg_has_role(session_user, %s, 'USAGE')", [role]).fetchone() == (False,)


def test_upgrades_at_once_apply_everything_once_and_leave_no_lock(postgres: Postgres) -> None:
    url = postgres.create_database("crowded")
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate.upgrade, [url] * 4))
    everything = [migration.name for migration in migrate.available()]
    assert sorted(name for names in applied for name in names) == everything
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)


def test_an_upgrade_holds_no_lock_beyond_a_transaction(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a pooler a session's lock would stay with whichever server connection took it."""
    url = postgres.create_database("pooled")
    locked: list[tuple[int, ...] | None] = []
    available = migrate.available

    def look() -> list[migrate.Migration]:
        with psycopg.connect(url) as conn:
            locked.append(
                conn.execute(
                    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND a.xact_start IS NULL"
                ).fetchone()
            )
        return available()

    monkeypatch.setattr(migrate, "available", look)
    migrate.upgrade(url)
    assert set(locked) == {(0,)}
