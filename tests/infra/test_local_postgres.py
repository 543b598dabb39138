"""The embedded Postgres starts, survives being killed, and is never left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from infra.local.postgres import NotReady, Postgres

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[Postgres]:
    folder = scratch / "tried"
    server = Postgres(folder / "data", folder / "postgres.log", scratch=True)
    server.start()
    yield server
    server.stop()


def ask(url: str, query: str = "SELECT 1") -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def eventually(url: str) -> object:
    deadline = time.monotonic() + 30
    while True:
        try:
            return ask(url)
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_it_has_vectors_and_listens_on_no_network_port(server: Postgres) -> None:
    url = server.create_database("vectors")
    assert ask(url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == 1
    assert ask(url, "SHOW listen_addresses") == ""


def test_nobody_else_may_reach_its_socket(server: Postgres) -> None:
    assert server.data.stat().st_mode & 0o077 == 0


def test_a_database_is_made_once(server: Postgres) -> None:
    url = server.create_database("twice")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (value int)")
    assert server.create_database("twice") == url
    assert ask(url, "SELECT count(*) FROM kept") == 0
    server.drop_database("twice")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(url)


def test_a_killed_server_comes_back_with_what_was_committed(server: Postgres) -> None:
    url = server.create_database("killed")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        connection.execute("COMMIT; CHECKPOINT")
    before = server.pid()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert eventually(url) == 1
    assert ask(url, "SELECT value FROM kept") == 7
    assert server.pid() != before


def test_a_stopped_server_is_gone_and_starts_again_with_its_data(server_folder: Path) -> None:
    server = Postgres(server_folder / "data", server_folder / "log", scratch=True)
    server.start()
    url = server.create_database("kept")
    pid = server.pid()
    server.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    server.start()
    assert ask(url) == 1
    server.stop()


def test_a_long_path_gets_a_short_socket_folder_which_is_removed(server_folder: Path) -> None:
    server = Postgres(server_folder / ("long" * 30) / "data", server_folder / "log", scratch=True)
    server.start()
    sockets = Path(ask(server.url("postgres"), "SHOW unix_socket_directories"))  # type: ignore[arg-type]
    assert sockets.stat().st_mode & 0o077 == 0
    server.stop()
    assert not sockets.exists()


def test_it_ends_with_the_process_that_started_it_even_when_that_is_killed(server_folder: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(server_folder)], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    gone(pid)


def test_a_server_left_behind_is_stopped_and_replaced(server_folder: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(server_folder)], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        left = int(owner.stdout.readline())
        keeper = psutil.Process(left).parent()
        assert keeper is not None
        keeper.kill()  # the supervisor, which would have stopped it
        owner.kill()
    assert psutil.pid_exists(left)
    server = Postgres(server_folder / "data", server_folder / "log", scratch=True)
    server.start()
    assert ask(server.url("postgres")) == 1
    assert server.pid() != left
    gone(left)
    server.stop()


def test_a_server_that_cannot_start_says_where_to_look(server_folder: Path) -> None:
    server = Postgres(server_folder / "data", server_folder / "postgres.log", scratch=True)
    server.start()
    server.stop()
    (server_folder / "data" / "postgresql.conf").write_text("no such setting\n")
    with pytest.raises(NotReady, match=r"postgres\.log"):
        server.start()


OWNER = """
import sys
from pathlib import Path
from infra.local.postgres import Postgres
folder = Path(sys.argv[1])
server = Postgres(folder / "data", folder / "log", scratch=True)
server.start()
print(server.pid(), flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> None:
    """Waits for the end of a process; a zombie that nobody collects has ended."""
    deadline = time.monotonic() + 30
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, f"process {pid} still runs"
            time.sleep(0.05)
