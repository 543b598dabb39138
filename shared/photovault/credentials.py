"""Where the command line keeps who is logged in: one file for its owner alone, which several processes may use at once.

A refresh token works once, and using it twice ends the session. So whoever renews a session holds the file's lock from
reading the token until its successor is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from photovault.errors import Misconfigured, Unavailable

# Longer than a renewal takes that has to be patient with its server.
LOCK_SECONDS = 120.0
_LOOK_SECONDS = 0.05
_FORMAT = 1
# More than the sessions of some servers take.
_ROOM_BYTES = 64 * 1024


@dataclass(frozen=True)
class Session:
    """Somebody logged in at a server. An API key has no refresh token: it is not renewed."""

    server: str
    email: str
    user_id: UUID
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False, default="")

    @property
    def is_key(self) -> bool:
        return not self.refresh_token


@dataclass
class Kept:
    """What the file holds: the session at each server, and which server is meant when none is named."""

    current: str | None = None
    sessions: dict[str, Session] = field(default_factory=dict)

    def put(self, session: Session) -> None:
        self.sessions[session.server] = session

    def drop(self, server: str) -> None:
        self.sessions.pop(server, None)
        if self.current == server:
            self.current = next(iter(self.sessions), None)


class Store:
    """The file ``session.json`` of a folder, and its lock beside it. Nothing is made before something is written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "session.json"

    def read(self) -> Kept:
        """What is kept; nothing when there is no file. Raises ``Misconfigured`` for one that nobody here wrote."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Kept()
        except (OSError, ValueError) as error:
            raise Misconfigured(f"{self.path} cannot be read ({_words(error)}).") from None
        try:
            return _parsed(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Misconfigured(
                f"{self.path} is not what `photovault login` writes. Remove it, and log in again."
            ) from None

    @contextlib.contextmanager
    def changing(self) -> Iterator[Kept]:
        """What is kept, for this process alone; written at the end of the block when it was changed.

        Raises ``Unavailable`` when another process does not let go of it, and ``Misconfigured``.
        """
        with self._locked():
            kept = self.read()
            before = deepcopy(kept)
            yield kept
            if kept != before:
                self._write(kept)

    def make_sure_of_room(self) -> None:
        """Before something is asked for that is lost if it cannot be written down. Raises ``Misconfigured``."""
        trial = self.path.with_name(f".{self.path.name}.{os.getpid()}.room")
        try:
            with trial.open("wb") as file:
                file.write(bytes(_ROOM_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Misconfigured(f"{self.path} cannot be written ({_words(error)}).") from None
        finally:
            with contextlib.suppress(OSError):
                trial.unlink(missing_ok=True)

    def _write(self, kept: Kept) -> None:
        document = {
            "format": _FORMAT,
            "current": kept.current,
            "sessions": [asdict(each) | {"user_id": str(each.user_id)} for each in kept.sessions.values()],
        }
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with contextlib.suppress(FileNotFoundError):
                fresh.unlink()
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise Misconfigured(f"{self.path} cannot be written ({_words(error)}).") from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Misconfigured(f"{self.path.parent} cannot be used ({_words(error)}).") from None
        with os.fdopen(descriptor, "r+b") as file:
            until = time.monotonic() + LOCK_SECONDS
            while not _taken(file):
                if time.monotonic() > until:
                    raise Unavailable("Another photovault command holds the session and does not let go of it.")
                time.sleep(_LOOK_SECONDS)
            yield


def _taken(file: BinaryIO) -> bool:
    """Whether the file is this process's now, until it closes it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _parsed(document: Mapping[str, Any]) -> Kept:
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    sessions = [Session(**each | {"user_id": UUID(each["user_id"])}) for each in document["sessions"]]
    if not all(isinstance(text, str) for each in sessions for text in (each.server, each.email, each.access_token)):
        raise ValueError("no texts")
    known = {each.server: each for each in sessions}
    return Kept(document["current"] if document["current"] in known else None, known)


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


# ------------------------------------------------------------------------------------------------------- folders


def state_folder() -> Path:
    """Where this computer's person keeps what programs remember (XDG Base Directory Specification, or as macOS and
    Windows have it). Raises ``Misconfigured`` when nobody has a home here."""
    return _folder("XDG_STATE_HOME", ".local/state", "Library/Application Support")


def cache_folder() -> Path:
    """The same for what may be thrown away."""
    return _folder("XDG_CACHE_HOME", ".cache", "Library/Caches")


def _folder(variable: str, on_linux: str, on_macos: str) -> Path:
    chosen = os.environ.get(variable, "")
    if Path(chosen).is_absolute():  # others are to be ignored, says the specification
        return Path(chosen, "photovault")
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"], "PhotoVault")
    try:
        home = Path.home()
    except RuntimeError:
        raise Misconfigured(f"There is no home folder here. Set {variable} to a folder of yours.") from None
    return home / (on_macos if sys.platform == "darwin" else on_linux) / "photovault"
