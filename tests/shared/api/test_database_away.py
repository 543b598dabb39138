"""The database gone, restarted, full or locked while requests come: 503 with Retry-After, and well again afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from fastapi.testclient import TestClient
from infra.local.postgres import Postgres
from tests.shared.api.described import assert_problem, routers
from tests.vaults import SECRET, Somebody, client, forget, somebody

from photovault import albums, db, migrate

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[Postgres]:
    """A server of these tests' own, to be stopped and killed; what it has committed outlives that."""
    made = Postgres(scratch / "away" / "postgres", scratch / "away" / "postgres.log")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def http(vault: Path, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The API on that server, whose pool waits half a second instead of ten."""
    url = server.create_database("away")
    migrate.upgrade(url, jwt_secrets=[SECRET])
    monkeypatch.setenv("DATABASE_URL", url)
    forget()
    with db.pool().connection(timeout=PATIENCE_SECONDS):  # which is there from now on
        pass
    db.pool().timeout = 0.5
    with client(routers()) as made:
        yield made
    forget()


@pytest.fixture
def ada(http: TestClient) -> Somebody:
    return somebody()


def assert_unavailable(answer: Any) -> None:
    assert answer.status_code == 503, answer.text
    assert assert_problem(answer)["type"].endswith("/unavailable")
    assert int(answer.headers["retry-after"]) > 0


def comes_back(http: TestClient, ada: Somebody) -> set[int]:
    """Asks until there is an answer; returns the statuses met on the way."""
    met: set[int] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = http.get("/albums/", headers=ada.headers)
        if answer.status_code == 200:
            return met
        assert_unavailable(answer)
        met.add(answer.status_code)
        time.sleep(0.1)
    pytest.fail("the database is up, but the API does not find it")


def test_a_database_that_is_down_is_503_and_found_again(http: TestClient, ada: Somebody, server: Postgres) -> None:
    assert http.get("/albums/", headers=ada.headers).status_code == 200
    server.stop()
    try:
        assert_unavailable(http.get("/albums/", headers=ada.headers))
        assert_unavailable(http.post("/albums/manual", headers=ada.headers, json={"title": "A"}))
        assert_unavailable(http.get("/ready"))
        assert_unavailable(http.post("/auth/login", json={"email": "a@example.com", "password": "password123"}))
        assert http.get("/health").status_code == 200
    finally:
        server.start()
    assert comes_back(http, ada) <= {503}
    assert http.get("/ready").status_code == 200


def test_a_server_that_was_killed_is_503_until_it_has_recovered(
    http: TestClient, ada: Somebody, server: Postgres
) -> None:
    made = http.post("/albums/manual", headers=ada.headers, json={"title": "Before"})
    assert made.status_code == 201
    pid = server.pid()
    assert pid is not None
    backends = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    # One that has not noticed yet would answer, and be gone a moment later.
    assert psutil.wait_procs(backends, timeout=PATIENCE_SECONDS)[1] == []
    assert comes_back(http, ada) <= {503}
    assert http.post("/albums/manual", headers=ada.headers, json={"title": "After"}).status_code == 201


def test_connections_that_were_cut_between_two_requests_are_not_noticed(
    http: TestClient, ada: Somebody, server: Postgres
) -> None:
    db.pool().timeout = PATIENCE_SECONDS
    assert http.get("/albums/", headers=ada.headers).status_code == 200
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        cut = conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'away'")
        assert cut.fetchall()
    assert http.get("/albums/", headers=ada.headers).status_code == 200


def test_a_connection_cut_in_the_middle_is_503_and_nothing_is_done(
    http: TestClient, ada: Somebody, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = albums.add

    def cut(conn: db.Connection, **options: Any) -> Any:
        made = add(conn, **options)
        with psycopg.connect(server.url("postgres"), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [conn.info.backend_pid])
        return made

    monkeypatch.setattr(albums, "add", cut)
    assert_unavailable(http.post("/albums/manual", headers=ada.headers, json={"title": "Half"}))
    monkeypatch.undo()
    monkeypatch.setenv("DATABASE_URL", server.url("away"))
    db.pool().timeout = PATIENCE_SECONDS
    assert http.get("/albums/", headers=ada.headers).json()["items"] == []


def test_a_pool_without_a_free_connection_is_503_until_there_is_one(http: TestClient, ada: Somebody) -> None:
    pool = db.pool()
    held = [pool.getconn(timeout=PATIENCE_SECONDS) for _ in range(pool.max_size)]
    try:
        assert_unavailable(http.get("/albums/", headers=ada.headers))
        assert http.get("/health").status_code == 200
    finally:
        for conn in held:
            pool.putconn(conn)
    assert http.get("/albums/", headers=ada.headers).status_code == 200


def test_a_server_without_free_connections_is_503(http: TestClient, ada: Somebody, server: Postgres) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute("ALTER DATABASE away CONNECTION LIMIT 0")
        try:
            # Superusers are not counted: as one, the tests' own role would pass.
            conn.execute("ALTER DATABASE away ALLOW_CONNECTIONS false")
            conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'away'")
            assert_unavailable(http.get("/albums/", headers=ada.headers))
        finally:
            conn.execute("ALTER DATABASE away ALLOW_CONNECTIONS true CONNECTION LIMIT -1")
    comes_back(http, ada)


def test_waiting_for_a_lock_ends_in_503(
    http: TestClient, ada: Somebody, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "LOCK_TIMEOUT_MS", 200)
    db.close()
    with psycopg.connect(server.url("away")) as other:
        other.execute("SELECT FROM users WHERE id = %s FOR UPDATE", [ada.user_id])
        assert_unavailable(http.post("/albums/manual", headers=ada.headers, json={"title": "A"}))
        assert http.get("/albums/", headers=ada.headers).status_code == 200, "reading waits for nobody"
        other.rollback()
    assert http.post("/albums/manual", headers=ada.headers, json={"title": "A"}).status_code == 201


def test_a_statement_that_takes_too_long_ends_in_503(
    http: TestClient, ada: Somebody, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "STATEMENT_TIMEOUT_MS", 200)
    db.close()
    monkeypatch.setattr(albums, "page", lambda conn, **_: conn.execute("SELECT pg_sleep(60)").fetchall())
    assert_unavailable(http.get("/albums/", headers=ada.headers))


def test_a_database_without_tables_is_not_ready(
    http: TestClient, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.create_database("empty"))
    forget()
    answer = http.get("/ready")
    assert_unavailable(answer)
    assert "photovault db upgrade" in answer.json()["detail"]


def test_a_server_without_our_roles_is_not_ready(http: TestClient, server: Postgres) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute("ALTER ROLE photovault_app RENAME TO photovault_elsewhere")
        try:
            answer = http.get("/ready")
        finally:
            conn.execute("ALTER ROLE photovault_elsewhere RENAME TO photovault_app")
    assert_unavailable(answer)
    assert "photovault db upgrade" in answer.json()["detail"]


def test_a_database_of_another_version_is_not_ready(http: TestClient, server: Postgres) -> None:
    with psycopg.connect(server.url("away"), autocommit=True) as conn:
        conn.execute("UPDATE schema_migrations SET sha256 = sha256 || 'x'::bytea WHERE number = 1")
        try:
            answer = http.get("/ready")
        finally:
            conn.execute("UPDATE schema_migrations SET sha256 = substr(sha256, 1, 32) WHERE number = 1")
    assert_unavailable(answer)
    assert "0001_house.sql" in answer.json()["detail"]
