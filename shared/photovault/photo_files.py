"""Files on a disk as the command line uploads them: found below folders, told apart by content, and hashed.

``find`` opens nothing but folders. ``read`` opens a file once, in pieces, and of one that is no photo no more than its
beginning.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from photovault import embedded, formats, motion

if TYPE_CHECKING:
    from photovault.zips import Member

FILM_TYPE = "video/quicktime"
PIECE = 1024 * 1024
_HEAD = 64 * 1024
# The table of contents of a Live Photo's film has some 20 KB.
_MOST_MOOV = 16 * 1024 * 1024
_MOST_BOXES = 64
# What computers and network disks put among photos.
_ODDS = frozenset({"@eadir", "#recycle", "$recycle.bin", "system volume information", "thumbs.db", "desktop.ini"})


class Changed(Exception):
    """A file became another while it was read."""


@dataclass(frozen=True)
class Stamp:
    """What tells a file from what it was before, without opening it. Times in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True)
class Found:
    """A file to look into. ``name`` is how it is told to a person; ``member`` is it where it lies within a zip."""

    path: Path
    name: str
    stamp: Stamp
    member: Member | None = None


def modified_at(stamp: Stamp, member: Member | None) -> str | None:
    """When a file was last changed, in ISO 8601 as the clock of its device showed it; None where nobody can know."""
    try:
        if member is not None:
            return datetime(*member.info.date_time).isoformat()  # noqa: DTZ001 - zips know no zone
        return datetime.fromtimestamp(stamp.modified // 10**9).isoformat()  # noqa: DTZ006 - the wall clock's
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True)
class PassedOver:
    """Something that is not looked into, and why. ``broken`` is what should have been there and cannot be read."""

    name: str
    why: str
    broken: bool = False


@dataclass(frozen=True)
class Contents:
    """What a file holds: a photo or a Live Photo's film with its SHA-256 (32 bytes), or, with neither, why not."""

    content_type: str | None
    sha256: bytes
    why: str = ""

    @property
    def is_film(self) -> bool:
        return self.content_type == FILM_TYPE


def text_of(path: str | os.PathLike[str]) -> str:
    """A path as text that can be printed and sent, whatever bytes the system has in it."""
    try:
        return os.fsencode(path).decode("utf-8", "replace")
    except UnicodeEncodeError:  # a name out of a zip that this system's own names cannot have
        return os.fspath(path).encode("utf-8", "replace").decode()


# ------------------------------------------------------------------------------------------------------- finding


def find(paths: Sequence[Path], *, exclude: Sequence[str] = ()) -> Iterator[Found | PassedOver]:
    """All files at and below some paths, each once; those of one folder by name, so that film and photo come together.

    Hidden files are left out unless they are named themselves. Links are followed, and none twice. ``exclude`` are
    patterns as in a shell, of a name or of a path below what was given. Raises nothing for what the disk holds.
    """
    walk = _Walk(tuple(pattern.replace(os.sep, "/") for pattern in exclude))
    for path in paths:
        yield from walk.at(path, text_of(path), below="", named=True)


class _Walk:
    def __init__(self, exclude: Sequence[str]) -> None:
        self.exclude = exclude
        self.folders: set[tuple[int, int]] = set()
        self.files: set[tuple[int, int, str]] = set()

    def at(self, path: Path, name: str, *, below: str, named: bool = False) -> Iterator[Found | PassedOver]:
        if not named and (is_hidden(path.name) or self._is_excluded(below)):
            return
        try:
            found = path.stat()
        except OSError as error:
            why = "It is a link to nothing." if path.is_symlink() else _sentence(error)
            yield PassedOver(name, why, broken=True)
            return
        if stat.S_ISDIR(found.st_mode):
            # Where a system has no numbers for folders, their names have to do.
            key = (found.st_dev, found.st_ino) if found.st_ino else (0, hash(os.path.realpath(path)))
            if key not in self.folders:
                self.folders.add(key)
                yield from self._inside(path, name, below)
        elif not stat.S_ISREG(found.st_mode):
            yield PassedOver(name, "It is no file.")
        elif found.st_size == 0:
            yield PassedOver(name, "The file is empty.")
        else:
            # Another name of the same file may be that of a film's photo: only the same path is the same.
            same = (found.st_dev, found.st_ino, os.path.realpath(path))
            if same not in self.files:
                self.files.add(same)
                yield Found(path, name, Stamp.of(found))

    def _inside(self, folder: Path, name: str, below: str) -> Iterator[Found | PassedOver]:
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=_order)
        except OSError as error:
            yield PassedOver(name, _sentence(error), broken=True)
            return
        for entry in inside:
            under = f"{below}/{entry.name}" if below else entry.name
            yield from self.at(Path(entry.path), text_of(entry.path), below=under)

    def _is_excluded(self, below: str) -> bool:
        last = below.rpartition("/")[2]
        return any(
            fnmatch.fnmatchcase(last, pattern) or fnmatch.fnmatchcase(below, pattern.rstrip("/"))
            for pattern in self.exclude
        )


def is_hidden(name: str) -> bool:
    """Whether a name is that of a hidden file, or of what computers put among photos."""
    return name.startswith(".") or name.lower() in _ODDS


def _order(entry: os.DirEntry[str]) -> tuple[bool, str, str]:
    """Files before folders, so that what is told of one folder stays together."""
    try:
        folder = entry.is_dir()
    except OSError:
        folder = False
    return folder, entry.name.rpartition(".")[0].casefold() or entry.name.casefold(), entry.name


# ------------------------------------------------------------------------------------------------------- reading


def read(
    path: Path, stamp: Stamp, member: Member | None = None, *, on_bytes: Callable[[int], None] = lambda _: None
) -> Contents:
    """What a file holds. ``on_bytes`` hears how many were read, and may raise. Raises ``Changed``, ``OSError``."""
    with opened(path, stamp, member) as file:
        head = file.read(_HEAD)
        content_type = _kind(file, head)
        if content_type is None:
            contents = Contents(None, b"", formats.unsupported(head))
        else:
            digest = hashlib.sha256(head)
            on_bytes(len(head))
            if file.tell() != len(head):  # a zip's checksum is only looked at by who reads from one end to the other
                file.seek(len(head))
            came = len(head)
            while came < stamp.size and (piece := file.read(min(PIECE, stamp.size - came))):  # one may grow for ever
                digest.update(piece)
                came += len(piece)
                on_bytes(len(piece))
            contents = Contents(content_type, digest.digest())
        if _now(file, member) != stamp:
            raise Changed
    return contents


def opened(path: Path, stamp: Stamp, member: Member | None = None) -> BinaryIO:
    """The file that had this stamp. Raises ``Changed`` when it is another now, ``OSError``."""
    if member is not None:
        return member.opened(stamp)
    # Without waiting for a writer, should there be a pipe of that name by now.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    file = os.fdopen(descriptor, "rb", buffering=0)
    if Stamp.of(os.fstat(descriptor)) != stamp:
        file.close()
        raise Changed
    return file


def stamped(path: Path, member: Member | None = None) -> Stamp:
    """The stamp that a file has now. Raises ``OSError``."""
    return member.stamp() if member is not None else Stamp.of(path.stat())


def _now(file: BinaryIO, member: Member | None) -> Stamp:
    return member.stamp() if member is not None else Stamp.of(os.fstat(file.fileno()))


def pieces(path: Path, stamp: Stamp, member: Member | None = None) -> Iterator[bytes]:
    """The bytes of a file that was read before. Raises ``Changed`` as soon as it is seen to be another, ``OSError``."""
    with opened(path, stamp, member) as file:
        left = stamp.size
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise Changed
            left -= len(piece)
            yield piece
        if _now(file, member) != stamp:
            raise Changed


def _kind(file: BinaryIO, head: bytes) -> str | None:
    if motion.is_film(head):
        return FILM_TYPE if _has_identifier(file, head) else None
    return formats.sniff(head)


def _has_identifier(file: BinaryIO, head: bytes) -> bool:
    """Whether a film says that it belongs to a Live Photo. Reads its table of contents, wherever in the file it is."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        start = file.read(16)
        if len(start) < 8:
            return False
        size, kind = int.from_bytes(start[:4], "big"), start[4:8]
        if size == 1:
            size = int.from_bytes(start[8:16], "big")
        if kind == b"moov":
            file.seek(at)
            table = file.read(min(size or _MOST_MOOV, _MOST_MOOV))
            first = next(iter(embedded.boxes(head)), None)
            return first is not None and motion.content_identifier(head[: first[2]] + table) is not None
        if size < 8:
            return False
        at += size
    return False


def _sentence(error: OSError) -> str:
    return f"{error.strerror or type(error).__name__}."
