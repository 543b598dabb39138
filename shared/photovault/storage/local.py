"""Sealed blobs as files under one folder: a laptop's disk, or EFS.

A file appears under its key only when it is whole and on the disk: it is written under another name, fsynced, linked
into place (which, unlike a rename, refuses to replace) and its folder fsynced.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from photovault.errors import BlobMissing, Conflict, Forbidden, Invalid, Misconfigured, StorageUnavailable
from photovault.presigning import bucket_start
from photovault.storage import Link, Stored, check_key, new_key

URL_PURPOSE = "local-file-url"

# A dot in front: never a key, never listed.
_UNFINISHED = ".unfinished"
_UNFINISHED_MAX_AGE = 24 * 3600  # seconds


class LocalDriver:
    """Files under ``root``, made if it is not there. ``signing_keys`` gives the keys of links, newest first."""

    name = "local"

    def __init__(self, root: str, *, public_url: str, signing_keys: Callable[[], Sequence[bytes]]) -> None:
        self._public_url = public_url.rstrip("/")
        self._signing_keys = signing_keys
        try:
            folder = Path(root).expanduser()
            (folder / _UNFINISHED).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._root = folder.resolve(strict=True)
        except OSError as error:
            raise Misconfigured(
                f"STORAGE_ROOT={root} cannot be written to ({_reason(error)}). Set it to a durable folder."
            ) from None
        with contextlib.suppress(OSError):  # a disk that has turned read-only can still be read
            self._remove_unfinished()

    def new_key(self, size: int) -> str:
        del size
        return new_key()

    def put(self, key: str, chunks: Iterable[bytes] | bytes, *, size: int) -> None:
        target = self._path(key)
        unfinished = self._root / _UNFINISHED / secrets.token_hex(16)
        try:
            _write_durably(unfinished, [chunks] if isinstance(chunks, bytes) else chunks, size)
            new_folders = [folder for folder in _between(self._root, target) if not folder.is_dir()]
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(unfinished, target)
            for folder in {target.parent, *(folder.parent for folder in new_folders)}:
                _sync_folder(folder)
        except FileExistsError:
            raise Conflict("A stored file is written once, and this key is taken.") from None
        except OSError as error:
            raise _unavailable(error) from error
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink()

    def get(self, key: str, *, at_most: int | None = None) -> bytes:
        with self._reading(key) as path, path.open("rb") as file:
            return file.read() if at_most is None else file.read(at_most + 1)

    def read(self, key: str, offset: int, length: int) -> bytes:
        with self._reading(key) as path, path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def size(self, key: str) -> int | None:
        with contextlib.suppress(BlobMissing), self._reading(key) as path:
            status = path.stat()
            return status.st_size if stat.S_ISREG(status.st_mode) else None
        return None

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
            _sync_folder(path.parent)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            self._check_root()
        except OSError as error:
            raise _unavailable(error) from error

    def links(self, key: str, *, size: int, now: datetime, ttl: int) -> list[Link]:
        check_key(key)
        expires = int(bucket_start(now, ttl).timestamp()) + ttl
        signature = _signature(self._signing_keys()[0], key, expires)
        query = urlencode({"expires": expires, "signature": signature})
        return [Link(f"{self._public_url}/blobs/{key}?{query}", size)]

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        self._check_root()
        return _walk(self._root, "", prefix=prefix, after=after)

    def _path(self, key: str) -> Path:
        """The file of a key. Raises ``Invalid`` for one outside the root, be it by its name or by a link on the way."""
        path = self._root / check_key(key)
        if not path.resolve().is_relative_to(self._root):
            raise Invalid("This is not the key of a stored file.")
        return path

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[Path]:
        try:
            yield self._path(key)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            self._check_root()
            raise BlobMissing("A stored file is not where it should be.") from None
        except OSError as error:
            raise _unavailable(error) from error

    def _check_root(self) -> None:
        """Raises ``StorageUnavailable`` when the folder is not the one that was opened: of a disk that was unmounted an
        empty one is left, in which every blob would seem to be missing."""
        if not (self._root / _UNFINISHED).is_dir():
            raise StorageUnavailable("The storage folder is gone; is its disk mounted?")

    def _remove_unfinished(self) -> None:
        """Drop what processes that were killed while writing left behind a day ago or earlier."""
        oldest = time.time() - _UNFINISHED_MAX_AGE
        for path in (self._root / _UNFINISHED).iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process cleans up too
                if path.stat().st_mtime < oldest:
                    path.unlink()


def verify_url(key: str, *, expires: int, signature: str, now: datetime, signing_keys: Sequence[bytes]) -> None:
    """Check the query of a link that ``LocalDriver.links`` made. Raises ``Forbidden`` when it is forged or past."""
    given = signature.encode("utf-8", "replace")
    if not any(hmac.compare_digest(_signature(each, key, expires).encode(), given) for each in signing_keys):
        raise Forbidden("This link is not one that the vault gave out.")
    if now.timestamp() >= expires:
        raise Forbidden("This link has expired.")


def _signature(signing_key: bytes, key: str, expires: int) -> str:
    digest = hmac.digest(signing_key, f"{expires}\n{key}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _write_durably(path: Path, chunks: Iterable[bytes], size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        written = sum(file.write(chunk) for chunk in chunks)
        if written != size:
            raise ValueError(f"the chunks have {written} bytes and not the {size} announced")
        file.flush()
        os.fsync(file.fileno())


def _between(root: Path, path: Path) -> Iterator[Path]:
    """The folders from below ``root`` down to the one that holds ``path``."""
    parts = path.relative_to(root).parts[:-1]
    return (root.joinpath(*parts[: count + 1]) for count in range(len(parts)))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _walk(folder: Path, base: str, *, prefix: str, after: str) -> Iterator[Stored]:
    """Depth first in the order of whole keys, so that a folder sorts by its name with the slash."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                (base + entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""))
                for entry in entries
                if not entry.name.startswith(".")
            )
    except OSError as error:
        raise _unavailable(error) from error
    for key in names:
        path = folder / key[len(base) :]
        if key.endswith("/"):
            if (key.startswith(prefix) or prefix.startswith(key)) and (key > after or after.startswith(key)):
                yield from _walk(path, key, prefix=prefix, after=after)
        elif key.startswith(prefix) and key > after:
            with contextlib.suppress(FileNotFoundError):  # deleted since the folder was read
                status = path.lstat()
                if not stat.S_ISREG(status.st_mode):
                    continue
                yield Stored(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _reason(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno else type(error).__name__).lower()


def _unavailable(error: OSError) -> StorageUnavailable:
    return StorageUnavailable(f"The storage folder cannot be used right now: {_reason(error)}.")
