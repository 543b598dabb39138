"""Writing a zip of any size that can be killed at any point and gone on with.

While it grows the archive is ``NAME.partial``, and beside it lies a journal, ``NAME.partial.journal``: lines of JSON,
the first a head of the caller's, then one for each ``commit``, with the entries since the one before and a note of the
caller's. A commit first makes the data durable, then the line. Whoever comes back finds the notes, and the archive cut
to the last whole commit. ``finish`` writes the directory from the journal and gives the archive its name.

So memory does not grow with the archive, and a file called NAME is a whole archive or is not there. Entries are stored,
not compressed (photos are compressed already). The format is PKWARE's APPNOTE 6.3.9, with zip64 where a size, an offset
or a count needs it, and names in UTF-8.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from photovault import failpoints
from photovault.errors import Conflict, Misconfigured

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_END64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR = struct.Struct("<IIQI")
_CRC_AT = 14  # in a local header

_PLAIN_VERSION, _ZIP64_VERSION = 20, 45
_MADE_ON_UNIX = 3 << 8
_UTF8_NAMES = 0x0800
_STORED = 0
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_REGULAR_FILE = 0o100644 << 16

_EARLIEST, _LATEST = datetime(1980, 1, 1), datetime(2107, 12, 31, 23, 59, 58)  # noqa: DTZ001 - zip has local times


class Damaged(Misconfigured):
    """A partial archive or journal that cannot be gone on with."""


class WrongSize(ValueError):
    """The chunks of an entry do not add up to its size; nothing of it stays."""


@dataclass(frozen=True)
class Entry:
    """A file in the archive. ``at`` is its header's offset; ``size`` (bytes) and ``crc`` (CRC-32) are its data's."""

    name: str
    at: int
    size: int
    crc: int
    written: str  # ISO, local

    @property
    def end(self) -> int:
        return self.at + len(_local_header(self)) + self.size


@dataclass(frozen=True)
class Commit:
    """One line of the journal."""

    entries: tuple[Entry, ...]
    note: Mapping[str, Any]


class Archive:
    """A growing archive; a context manager, which leaves what is committed to be gone on with."""

    def __init__(self, target: Path, *, head: Mapping[str, Any] | None = None) -> None:
        """Go on with the archive of this name, or begin it with ``head``, which the journal keeps.

        Raises ``Conflict`` when another process writes it, ``Damaged`` when it cannot be gone on with, and
        ``FileNotFoundError`` when there is none and no ``head``.
        """
        self.target = target
        self.partial, self.journal = paths(target)
        self._pending: list[Entry] = []
        self._lines: BinaryIO = _open_private(self.journal, create=head is not None)
        try:
            _lock(self._lines)
            self._data: BinaryIO = _open_private(self.partial, create=True)
            try:
                self.head, self._position = self._recover(head)
                self._data.truncate(self._position)
                self._data.seek(self._position)
            except BaseException:
                self._data.close()
                raise
        except BaseException:
            self._lines.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._data.close()
        self._lines.close()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._position

    def commits(self) -> Iterator[Commit]:
        """What the journal holds, from its beginning."""
        with self.journal.open("rb") as lines:
            next(lines, None)
            for line in lines:
                yield _read_commit(line)

    def add(self, name: str, chunks: Iterable[bytes], *, size: int, written: datetime) -> None:
        """Write an entry of ``size`` bytes. It counts with the next ``commit``.

        ``name`` is a path with ``/``, at most 65535 bytes; ``written`` its local time. When the chunks raise, or are
        not ``size`` bytes (``WrongSize``), the archive is as it was before. Raises ``ValueError`` for a path that leads
        out of the folder that the archive is unpacked in.
        """
        _stay_inside(name)
        begun = self._position
        entry = Entry(name, begun, size, 0, written.isoformat())
        crc = 0
        try:
            self._write(_local_header(entry))
            for chunk in _exactly(chunks, size, name=name):
                crc = zlib.crc32(chunk, crc)
                self._write(chunk)
            self._data.seek(begun + _CRC_AT)
            _write_all(self._data, struct.pack("<I", crc))
            self._data.seek(self._position)
        except Exception:
            self._cut_to(begun)
            raise
        self._pending.append(replace(entry, crc=crc))

    def discard(self) -> None:
        """Take back what was added since the last commit."""
        if self._pending:
            self._cut_to(self._pending[0].at)
            self._pending.clear()

    def commit(self, note: Mapping[str, Any]) -> None:
        """Make what was added last for good, with a note: after this returns, it survives a loss of power."""
        if self._pending:
            os.fsync(self._data.fileno())
        failpoints.reach("archive.written")
        line = json.dumps({"entries": [asdict(entry) for entry in self._pending], "note": dict(note)})
        _write_all(self._lines, line.encode() + b"\n")
        failpoints.reach("archive.noted")
        os.fsync(self._lines.fileno())
        self._pending.clear()

    def finish(self) -> None:
        """Write the directory of everything that is committed and give the archive its name.

        Raises ``Conflict`` when there is a file of that name by now.
        """
        self.discard()
        begun, count = self._position, 0
        for commit in self.commits():
            for entry in commit.entries:
                self._write(_central_header(entry))
                count += 1
        self._write(_end(count, size=self._position - begun, at=begun))
        os.fsync(self._data.fileno())
        failpoints.reach("archive.closed")
        if self.target.exists():
            raise Conflict(f"{self.target} is there by now. Move it away and run the same command again.")
        self.close()
        self.partial.replace(self.target)
        _sync_folder(self.target)
        failpoints.reach("archive.named")
        self.journal.unlink()

    def _write(self, data: bytes) -> None:
        _write_all(self._data, data)
        self._position += len(data)

    def _cut_to(self, position: int) -> None:
        self._position = position
        self._data.seek(position)
        self._data.truncate()

    def _recover(self, head: Mapping[str, Any] | None) -> tuple[dict[str, Any], int]:
        """The journal's head, and where the archive goes on. A last line that is no whole line is cut off."""
        found: dict[str, Any] | None = None
        position = whole = 0
        with self.journal.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                if found is None:
                    found = _read_head(line)
                else:
                    for entry in _read_commit(line).entries:
                        if entry.at != position:
                            raise Damaged(f"{self.journal} does not fit together.")
                        position = entry.end
                whole += len(line)
        self._lines.truncate(whole)
        self._lines.seek(whole)
        if self._data.seek(0, os.SEEK_END) < position:
            raise Damaged(f"{self.partial} is shorter than its journal says.")
        if found is None:
            if head is None:
                raise Damaged(f"{self.journal} is empty.")
            found = dict(head)
            _write_all(self._lines, json.dumps(found).encode() + b"\n")
            os.fsync(self._lines.fileno())
            _sync_folder(self.journal)
        return found, position


def paths(target: Path) -> tuple[Path, Path]:
    """Where an archive grows, and its journal."""
    return target.with_name(target.name + ".partial"), target.with_name(target.name + ".partial.journal")


def is_begun(target: Path) -> bool:
    """Whether there is something to go on with. A journal whose archive has its name already is tidied away."""
    partial, journal = paths(target)
    if journal.exists() and not partial.exists() and target.exists():
        journal.unlink()
    if not journal.exists():
        return False
    with journal.open("rb") as lines:
        return lines.readline().endswith(b"\n")


def forget(target: Path) -> None:
    """Delete what was begun. Raises ``Conflict`` when another process is writing it."""
    partial, journal = paths(target)
    if journal.exists():
        with _open_private(journal, create=False) as lines:
            _lock(lines)
            partial.unlink(missing_ok=True)
            journal.unlink()
    partial.unlink(missing_ok=True)


# --------------------------------------------------------------------------------------------------- the format


def _local_header(entry: Entry) -> bytes:
    large = entry.size >= _FULL32
    name = entry.name.encode()
    extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.size) if large else b""
    size = _FULL32 if large else entry.size
    date, time = _dos_time(entry.written)
    version = _ZIP64_VERSION if large else _PLAIN_VERSION
    fields = (0x04034B50, version, _UTF8_NAMES, _STORED, time, date, entry.crc, size, size, len(name), len(extra))
    return _LOCAL.pack(*fields) + name + extra


def _central_header(entry: Entry) -> bytes:
    large, far = entry.size >= _FULL32, entry.at >= _FULL32
    name = entry.name.encode()
    wide = [entry.size, entry.size] * large + [entry.at] * far
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    size, at = (_FULL32 if large else entry.size), (_FULL32 if far else entry.at)
    date, time = _dos_time(entry.written)
    version = _ZIP64_VERSION if wide else _PLAIN_VERSION
    fields = (0x02014B50, _MADE_ON_UNIX | _ZIP64_VERSION, version, _UTF8_NAMES, _STORED, time, date, entry.crc, size,
              size, len(name), len(extra), 0, 0, 0, _REGULAR_FILE, at)  # fmt: skip
    return _CENTRAL.pack(*fields) + name + extra


def _end(count: int, *, size: int, at: int) -> bytes:
    """What ends an archive with a directory of ``count`` entries, ``size`` bytes long, at an offset."""
    wide = b""
    if count >= _FULL16 or size >= _FULL32 or at >= _FULL32:
        versions = (_MADE_ON_UNIX | _ZIP64_VERSION, _ZIP64_VERSION)
        wide = _END64.pack(0x06064B50, _END64.size - 12, *versions, 0, 0, count, count, size, at)
        wide += _LOCATOR.pack(0x07064B50, 0, at + size, 1)
    short = min(count, _FULL16)
    return wide + _END.pack(0x06054B50, 0, 0, short, short, min(size, _FULL32), min(at, _FULL32), 0)


def _dos_time(written: str) -> tuple[int, int]:
    """Date and time of MS-DOS: years from 1980 to 2107, every other second."""
    when = min(max(datetime.fromisoformat(written), _EARLIEST), _LATEST)
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    return date, when.hour << 11 | when.minute << 5 | when.second // 2


# -------------------------------------------------------------------------------------------------------- files


def _read_head(line: bytes) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except ValueError:
        raise Damaged("The journal cannot be read.") from None
    if not isinstance(head, dict):
        raise Damaged("The journal cannot be read.")
    return head


def _read_commit(line: bytes) -> Commit:
    try:
        read = json.loads(line)
        return Commit(tuple(Entry(**entry) for entry in read["entries"]), read["note"])
    except (ValueError, TypeError, KeyError):
        raise Damaged("The journal cannot be read.") from None


def _exactly(chunks: Iterable[bytes], size: int, *, name: str) -> Iterator[bytes]:
    """The chunks, as long as they add up to ``size``. Raises ``WrongSize``."""
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > size:
            break
        yield chunk
    if total != size:
        raise WrongSize(f"{name} does not have {size} bytes")


def _stay_inside(name: str) -> None:
    if "\\" in name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise ValueError(f"{name!r} is not a path within an archive")


def _open_private(path: Path, *, create: bool) -> BinaryIO:
    """A file for its owner alone, unbuffered: what is written is the system's at once.

    Raises ``Conflict`` for what others have put there, as they can in a folder that is not ours alone: a link, or a
    file that they could read our photos from.
    """
    flags = os.O_RDWR | (os.O_CREAT if create else 0)
    for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW"):  # those that the system has
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Conflict(f"{path} is a link. Remove it, or export to another folder.") from None
        raise
    file = os.fdopen(descriptor, "r+b", buffering=0)
    if hasattr(os, "fchmod") and hasattr(os, "geteuid"):  # not on Windows
        found = os.fstat(descriptor)
        # The owner of a folder could replace everything in it anyway; network disks show one owner for all.
        owners = {os.geteuid(), path.parent.stat().st_uid}
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in owners or found.st_nlink > 1:
            file.close()
            raise Conflict(f"{path} is not a file of yours alone. Remove it, or export to another folder.")
        with contextlib.suppress(OSError):  # disks without modes
            os.fchmod(descriptor, 0o600)
    return file


def _lock(file: BinaryIO) -> None:
    """Hold the file until it is closed, where the system can. Raises ``Conflict`` when another process does."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict("Another process is writing this archive.") from None


def _write_all(file: BinaryIO, data: bytes) -> None:
    """All of the data: an unbuffered file may take less at a time, as when a disk is about to be full."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _sync_folder(path: Path) -> None:
    """Make a new or changed name in a folder durable, where the system can."""
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
