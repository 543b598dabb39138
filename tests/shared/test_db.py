"""Transactions: what bounds them, what ends with them, and what they make of a database in trouble."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tests.vaults import Somebody, somebody

from photovault import db, sessions
from photovault.errors import Unavailable

pytestmark = pytest.mark.usefixtures("vault")


@pytest.fixture
def ada() -> Somebody:
    return somebody()


@pytest.mark.parametrize("limit", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
def test_every_transaction_is_bounded_without_start_up_options(ada: Somebody, limit: str) -> None:
    with db.transaction(ada.user_id) as conn:
        assert db.value(conn, "SELECT setting::int FROM pg_settings WHERE name = %s", [limit]) > 0
        assert "statement_timeout" not in conn.info.get_parameters().get("options", "")


def test_nothing_of_a_transaction_stays_with_its_connection(ada: Somebody) -> None:
    shown = "SELECT current_user, current_setting('photovault.person', true), current_setting('statement_timeout')"
    with db.pool().connection() as conn:
        before = conn.execute(shown).fetchone()
    with db.transaction(ada.user_id):
        pass
    with db.pool().connection() as conn:
        after = conn.execute(shown).fetchone()
    assert before is not None
    assert after is not None
    assert (after[0], after[1] or "", after[2]) == (before[0], before[1] or "", before[2])


def test_a_server_that_no_longer_writes_is_left(ada: Somebody) -> None:
    """After a fail-over an open connection leads to what is now a copy, and would do so until it is closed."""
    with pytest.raises(Unavailable), db.transaction(ada.user_id) as conn:
        conn.execute("SET TRANSACTION READ ONLY; UPDATE users SET name = 'x'")
    assert conn.closed
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE users SET name = 'Grace'")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has this option")
def test_a_server_that_vanished_is_noticed_in_seconds(ada: Somebody) -> None:
    with db.transaction(ada.user_id) as conn:
        assert 0 < int(conn.info.get_parameters()["tcp_user_timeout"]) <= 20_000


def test_while_the_database_is_away_requests_wait_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under one lock the tenth would wait for the nine before it, ten seconds each."""
    all_there = threading.Barrier(3)

    class Away:
        def connection(self) -> None:
            all_there.wait(timeout=20)  # broken, and another error, unless all three get here
            raise psycopg.OperationalError("away")

    def ask(_: int) -> bool:
        with pytest.raises(Unavailable):
            sessions.cached_public_keys("a key that nobody knows")
        return True

    monkeypatch.setattr(db, "pool", Away)
    monkeypatch.setattr(sessions, "_read_at", float("-inf"))
    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(ask, range(3)))
