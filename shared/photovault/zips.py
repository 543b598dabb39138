"""Files within zips as the command line uploads them: read piece by piece where they are, never unpacked to the disk.

``find`` is for ``photo_files.find``'s zips what that is for folders. A member's path is its zip's with its own behind,
cleaned of all that leads elsewhere; it names the member, and nothing is ever written or opened there. A member is told
from what it was before by its zip's stamp and its place within.

What a zip says of itself is not trusted: members are read no further than the size they declare, those that unpack to
absurd sizes are left out, and so are zips whose members lie over each other (D. Fifield, A better zip bomb, 2019).
"""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from photovault import photo_files
from photovault.photo_files import Changed, Found, PassedOver, Stamp

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ENDING = ".zip"
_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")  # APPNOTE.TXT 4.3.7 and, of an empty one, 4.3.16
# What exports come in. bzip2 and LZMA are left out: ``zipfile`` unpacks as much of them at once as a zip holds, and a
# few hundred bytes of it may become gigabytes, whatever size they declare.
_KNOWN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED, _UTF8 = 0x1, 0x800  # of the general purpose flags, APPNOTE.TXT 4.4.4
# A photo hardly becomes smaller when it is packed. Deflate reaches 1,032 : 1.
_ABSURD_BYTES = 64 * 1024 * 1024
_ABSURD_RATIO = 200
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip
_NOT_WHOLE = "The zip is damaged, or did not arrive whole. Download it again."
_DAMAGED = "It is damaged in its zip. Download the zip again"
_LOCKED = "{} of the zip are locked with a password. Unpack it, and import the folder."
_UNKNOWN = "{} of the zip are packed in a way that cannot be read here. Unpack it, and import the folder."


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip does. Raises ``OSError``."""
    with path.open("rb") as file:
        return file.read(4) in _BEGINNINGS


class Archive:
    """An open zip. Its members may be read from several threads. Raises ``OSError``, ``zipfile.BadZipFile``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        try:
            self.stamp = self.now()
            self._zip = zipfile.ZipFile(self._file)
        except BaseException:
            self._file.close()
            raise
        self.members = [info for info in self._zip.infolist() if not info.filename.endswith("/")]

    def close(self) -> None:
        """Members cannot be read any more."""
        self._zip.close()
        self._file.close()

    def now(self) -> Stamp:
        """The zip as it is now. Raises ``OSError``."""
        return Stamp.of(os.fstat(self._file.fileno()))

    def open(self, info: zipfile.ZipInfo) -> zipfile.ZipExtFile:
        """A member's bytes. Raises what ``zipfile`` does."""
        found = self._zip.open(info)
        assert isinstance(found, zipfile.ZipExtFile)  # noqa: S101 - for reading it is
        return found

    @property
    def overlaps(self) -> bool:
        """Whether the members have more bytes together than the zip."""
        return sum(info.compress_size for info in self.members) > self.stamp.size


@dataclass(frozen=True)
class Member:
    """A file within a zip, as ``photo_files`` opens it."""

    archive: Archive = field(repr=False, compare=False)
    info: zipfile.ZipInfo = field(repr=False, compare=False)

    def stamp(self) -> Stamp:
        """What tells it from what it was before. Raises ``OSError``.

        No file has an inode below zero; the zip's, and the place in it, are all of a member's.
        """
        whole = self.archive.now()
        inode = -(whole.inode << 64 | self.info.header_offset) - 1
        return Stamp(whole.device, inode, self.info.file_size, whole.modified, whole.changed)

    def opened(self, stamp: Stamp) -> BinaryIO:
        """Its bytes. Raises ``Changed`` when the zip is another by now, ``OSError``."""
        if self.stamp() != stamp:
            raise Changed
        try:
            return io.BufferedReader(_Bytes(self.archive.open(self.info)), buffer_size=64 * 1024)
        except _BROKEN:
            raise _damaged() from None


class _Bytes(io.RawIOBase):
    """A member's bytes, whose damages are those of a disk."""

    def __init__(self, file: zipfile.ZipExtFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def readinto(self, buffer: WriteableBuffer) -> int:
        with memoryview(buffer).cast("B") as view:
            try:
                piece = self._file.read(len(view))
            except _BROKEN:
                raise _damaged() from None
            view[: len(piece)] = piece
            return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except _BROKEN:
            raise _damaged() from None

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


def _damaged() -> OSError:
    return OSError(errno.EIO, _DAMAGED)


def find(archive: Archive, name: str) -> Iterator[Found | PassedOver]:
    """The files in a zip; those of one folder by name, as ``photo_files.find`` gives them.

    ``name`` is how the zip is told to a person. Hidden files, and what Macs add, are left out. Raises ``OSError``.
    """
    if archive.overlaps:
        yield PassedOver(
            name, "The zip's parts lie over each other, as no honest zip's do. It is left out.", broken=True
        )
        return
    closed: Counter[str] = Counter()
    for inner, info in sorted(((inner_path(info), info) for info in archive.members), key=_order):
        if not inner.parts or any(photo_files.is_hidden(part) or part == "__MACOSX" for part in inner.parts):
            continue
        told = f"{name}/{inner}"
        if info.flag_bits & _ENCRYPTED:
            closed[_LOCKED] += 1
        elif info.compress_type not in _KNOWN:
            closed[_UNKNOWN] += 1
        elif info.file_size == 0:
            yield PassedOver(told, "The file is empty.")
        elif info.file_size > max(_ABSURD_BYTES, _ABSURD_RATIO * info.compress_size):
            yield PassedOver(told, "It unpacks to an absurd size, as no photo does.", broken=True)
        else:
            member = Member(archive, info)
            yield Found(archive.path / inner, told, member.stamp(), member)
    for why, files in closed.items():
        yield PassedOver(name, why.format("One file" if files == 1 else f"{files:,} files"), broken=True)


def opened(found: Found) -> Archive | PassedOver:
    """A zip, or why it cannot be opened."""
    try:
        return Archive(found.path)
    except OSError as error:
        return PassedOver(found.name, f"{error.strerror or type(error).__name__}.", broken=True)
    except _BROKEN:
        return PassedOver(found.name, _NOT_WHOLE, broken=True)


def inner_path(info: zipfile.ZipInfo) -> PurePosixPath:
    """A member's path within its zip: relative, and without steps upwards.

    Names are UTF-8 where they say so and where they can be: Macs write it without a word. Windows may have backslashes.
    """
    name = info.filename
    if not info.flag_bits & _UTF8:
        try:
            name = name.encode("cp437").decode("utf-8")  # as zipfile has read it
        except UnicodeError:
            name = info.filename
    if "/" not in name:
        name = name.replace("\\", "/")
    return PurePosixPath(*(part for part in name.split("/") if part not in {"", ".", ".."}))


def _order(member: tuple[PurePosixPath, zipfile.ZipInfo]) -> tuple[tuple[str, ...], str, str]:
    inner, _ = member
    return inner.parent.parts, inner.stem.casefold(), inner.name
