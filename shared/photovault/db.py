"""The database: one pool per process, and transactions that belong to a person.

Every statement of a request or a message runs inside ``transaction(user_id)``: as the role ``photovault_app``, which
row-level security binds, with the person set for that transaction only. Without a person there are no rows.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from photovault.errors import Unavailable
from photovault.settings import get_settings

Connection = psycopg.Connection[TupleRow]

# Waiting longer than this for a lock or an answer helps nobody behind a gateway that gives up after 29 s.
STATEMENT_TIMEOUT_MS = 25_000
LOCK_TIMEOUT_MS = 10_000
# Losing a race or a server is worth another try; anything else is an error of ours.
_AWAY = (
    psycopg.errors.ConnectionException,
    psycopg.errors.OperatorIntervention,
    psycopg.errors.InsufficientResources,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.TransactionRollback,
    psycopg.errors.QueryCanceled,
)

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
            url = get_settings().require("database_url")
            parts = conninfo_to_dict(url)
            in_lambda = bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME"))
            options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"
            _pool = ConnectionPool(
                url,
                min_size=0 if in_lambda else 1,
                max_size=1 if in_lambda else 10,
                max_idle=300,
                kwargs={
                    "connect_timeout": 10,
                    "application_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "photovault"),
                    "options": f"{parts.get('options', '')} {options}".strip(),
                },
                configure=_configure,
                check=ConnectionPool.check_connection,
                timeout=10,
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
    try:
        with pool().connection() as conn:
            # One round trip: the role and the person end with the transaction.
            conn.execute(f"SET LOCAL ROLE {role}; SET LOCAL photovault.person = '{person}'".encode())
            yield conn
    except PoolTimeout:
        raise Unavailable("The database does not answer; try again in a moment.") from None
    except _AWAY as error:
        raise Unavailable("The database is busy or restarting; try again in a moment.") from error
    except psycopg.OperationalError as error:
        raise Unavailable("The database does not answer; try again in a moment.") from error


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


def fetch_one(conn: Connection, sql: str, parameters: dict[str, Any] | None = None) -> TupleRow:
    """The only row of a statement that always gives one."""
    row = conn.execute(sql.encode(), parameters).fetchone()
    if row is None:
        raise LookupError("a row was expected")
    return row
