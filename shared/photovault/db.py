"""The database: one pool per process, and transactions that belong to a person.

Every statement of a request or a message runs inside ``transaction(user_id)``: as the role ``photovault_app``, which
row-level security binds, with the person set for that transaction only. Without a person there are no rows.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from photovault.errors import Unavailable
from photovault.settings import get_settings

if TYPE_CHECKING:  # psycopg takes as long to import as half of FastAPI: only a request that needs rows pays for it
    import psycopg
    from psycopg.rows import TupleRow
    from psycopg_pool import ConnectionPool

    Connection = psycopg.Connection[TupleRow]

Row = TypeVar("Row")

# Waiting longer than this for a lock or an answer helps nobody behind a gateway that gives up after 29 s.
STATEMENT_TIMEOUT_MS = 25_000
LOCK_TIMEOUT_MS = 10_000
# A worker that is killed or frozen in the middle must not keep a person's lock until TCP notices.
IDLE_TIMEOUT_MS = 30_000
# Set for each transaction: poolers such as PgBouncer and RDS Proxy refuse start-up options, and would keep a plain SET.
_LIMITS = (
    f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}; SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}; "
    f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}; SET LOCAL timezone = 'UTC'"
)
# A server that vanished without a word (a fail-over, a forgetful NAT) is noticed within this long.
_KEEP_ALIVE = {
    "keepalives_idle": 30,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
_lock = threading.Lock()
_pool: ConnectionPool[Connection] | None = None


def _configure(conn: Connection) -> None:
    conn.autocommit = False
    # Prepared statements do not survive a transaction pooler in front of Postgres.
    conn.prepare_threshold = None


def pool() -> ConnectionPool[Connection]:
    """The process's pool: one connection in a Lambda function, which serves one event at a time."""
    global _pool  # noqa: PLW0603 - built on first use, kept for the life of the process
    with _lock:
        if _pool is None:
            from psycopg_pool import ConnectionPool

            url = get_settings().require("database_url")
            in_lambda = bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME"))
            _pool = ConnectionPool(
                url,
                min_size=0 if in_lambda else 1,
                max_size=1 if in_lambda else 10,
                max_idle=300,
                kwargs={
                    "connect_timeout": 10,
                    "application_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "photovault"),
                    **_KEEP_ALIVE,
                },
                configure=_configure,
                check=ConnectionPool.check_connection,
                timeout=10,
                # Attempts come further and further apart: after this long the next request begins anew, at once.
                reconnect_timeout=5,
                open=True,
            )
        return _pool


def close() -> None:
    """Close the pool; the next use opens a new one."""
    global _pool  # noqa: PLW0603
    with _lock:
        if _pool is not None:
            _pool.close()
            _pool = None


@contextmanager
def _as_role(role: str, person: str) -> Iterator[Connection]:
    import psycopg
    from psycopg import errors
    from psycopg_pool import PoolTimeout

    try:
        with pool().connection() as conn:
            # One round trip: the role and the person end with the transaction.
            conn.execute(f"SET LOCAL ROLE {role}; SET LOCAL photovault.person = '{person}'; {_LIMITS}".encode())
            try:
                yield conn
            except errors.ReadOnlySqlTransaction:
                conn.close()  # after a fail-over this is no longer the server that writes
                raise
    except PoolTimeout:
        raise Unavailable("The database does not answer; try again in a moment.") from None
    except (
        psycopg.OperationalError,  # away, restarting, out of connections, deadlock, serialization, lock and time-outs
        psycopg.InterfaceError,  # the connection was lost under our hands
        errors.IdleInTransactionSessionTimeout,
        errors.ReadOnlySqlTransaction,
    ) as error:
        raise Unavailable("The database is away or busy; try again in a moment.") from error


@contextmanager
def transaction(user_id: UUID) -> Iterator[Connection]:
    """One transaction of one person; commits at the end of the block, rolls back on an exception.

    Raises ``Unavailable`` when the database is away, busy or lost the transaction; the caller may try again.
    """
    with _as_role("photovault_app", str(UUID(str(user_id)))) as conn:
        yield conn


@contextmanager
def before_login() -> Iterator[Connection]:
    """A transaction without a person: shared tables and the definer functions of log-in, nothing personal."""
    with _as_role("photovault_app", "") as conn:
        yield conn


@contextmanager
def maintenance() -> Iterator[Connection]:
    """A transaction that sees life cycles of all people's rows, never their contents."""
    with _as_role("photovault_maintenance", "") as conn:
        yield conn


@contextmanager
def rotation() -> Iterator[Connection]:
    """A transaction that sees the wrapped keys of all people, and nothing else."""
    with _as_role("photovault_rotation", "") as conn:
        yield conn


def rows(
    conn: Connection, kind: type[Row], sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None
) -> list[Row]:
    """All rows of a statement, as frozen dataclasses whose fields are named like the columns."""
    from psycopg.rows import class_row

    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(sql.encode(), parameters).fetchall()


def row(
    conn: Connection, kind: type[Row], sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None
) -> Row | None:
    """The first row of a statement, or None."""
    found = rows(conn, kind, sql, parameters)
    return found[0] if found else None


def value(conn: Connection, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
    """The first column of the first row, or None."""
    found = conn.execute(sql.encode(), parameters).fetchone()
    return found[0] if found else None
