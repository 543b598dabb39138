"""What files on this computer hold, as they were read before: unchanged files need not be read again.

A SQLite file of this computer's own. It has no names of files: rows go by device, inode, size, and the times of change.
A file that had only just changed when it was read is not noted, because disks round times: it could change once more
within the same tick (as git's index has it, "racy git"). A cache that cannot be used is done without.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

from photovault.photo_files import Contents, Stamp

SETTLED_NS = 2_000_000_000
"""FAT counts its times in two seconds, everything else more finely."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    device TEXT, inode TEXT, size INTEGER, modified INTEGER, changed INTEGER,
    content_type TEXT, sha256 BLOB NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (device, inode)
) WITHOUT ROWID
"""
_VERSION = 1


class HashCache:
    """A context manager. For one thread. ``trouble`` says why nothing is remembered, when that is so."""

    def __init__(self, path: Path, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.path = path
        self.trouble = ""
        self._clock = clock
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> HashCache:
        for last in (False, True):
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                self._close()
                # Only a file that is none is thrown away, and never one that another process merely holds.
                if last or isinstance(error, sqlite3.OperationalError):
                    self.trouble = f"{self.path} cannot be used ({error})."
                    break
                self.path.unlink(missing_ok=True)
            except OSError as error:
                self.trouble = f"{self.path} cannot be used ({error.strerror})."
                break
            else:
                break
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.flush()
        self._close()

    def get(self, stamp: Stamp) -> Contents | None:
        """What a file with this stamp holds, when it was read before."""
        row = self._asked(
            "SELECT content_type, sha256, why FROM files "
            "WHERE device = ? AND inode = ? AND size = ? AND modified = ? AND changed = ?",
            _columns(stamp),
        )
        return Contents(row[0], bytes(row[1]), row[2]) if row else None

    def put(self, stamp: Stamp, contents: Contents) -> None:
        """Note what was read, unless the file is so new that its times say little."""
        if self._clock() - max(stamp.modified, stamp.changed) < SETTLED_NS:
            return
        self._asked(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*_columns(stamp), contents.content_type, contents.sha256, contents.why),
        )

    def flush(self) -> None:
        """Make what was noted last."""
        if self._database is not None:
            with self._forgiving():
                self._database.commit()

    def count(self) -> int:
        """How many files are known."""
        row = self._asked("SELECT count(*) FROM files", ())
        return int(row[0]) if row else 0

    def check(self) -> str:
        """What is wrong with the file, in SQLite's words; empty when nothing is."""
        row = self._asked("PRAGMA quick_check(1)", ())
        if self.trouble or row is None:
            return self.trouble or "It does not answer."
        return "" if row[0] == "ok" else str(row[0])

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = sqlite3.connect(self.path, timeout=10, check_same_thread=False)
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in {0, _VERSION}:
            self._database.execute("DROP TABLE IF EXISTS files")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_SCHEMA)
        self._database.execute(f"PRAGMA user_version = {_VERSION}")
        self._database.commit()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None

    def _asked(self, sql: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        if self._database is None:
            return None
        with self._forgiving():
            row: tuple[Any, ...] | None = self._database.execute(sql, parameters).fetchone()
            return row
        return None

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self.trouble = f"{self.path} cannot be used ({error})."
            self._close()


def _columns(stamp: Stamp) -> tuple[str | int, ...]:
    """Device and inode as text: network disks have numbers above SQLite's 2^63."""
    device, inode, *others = astuple(stamp)
    return str(device), str(inode), *others
