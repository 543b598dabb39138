"""Keys of people and photos: unwrapped when needed, kept in memory for five minutes, never written down or logged."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, keys
from photovault.errors import NotFound
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

DEK_TTL_SECONDS = 300.0

_lock = threading.Lock()
_deks: dict[tuple[UUID, int], tuple[float, bytes]] = {}


@lru_cache(maxsize=1)
def master_keys() -> keys.MasterKeys:
    """The process's master keys. Raises ``Misconfigured``."""
    settings = get_settings()
    settings.require("master_key")
    return keys.MasterKeys(settings.master_keys)


def current_version(conn: Connection, user_id: UUID) -> int:
    """The newest version of the person's data-encryption key, made now if there is none."""
    version = db.value(conn, "SELECT max(version) FROM user_keys")
    if version is not None:
        return int(version)
    wrapped = master_keys().wrap_dek(keys.new_dek(), user_id=user_id, version=1)
    conn.execute(
        "INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, %s, %s) ON CONFLICT DO NOTHING",
        [wrapped.token, wrapped.fingerprint],
    )
    return 1


def dek(conn: Connection, user_id: UUID, version: int) -> bytes:
    """The person's data-encryption key of that version. Raises ``NotFound``, ``Tampered``."""
    now = time.monotonic()
    with _lock:
        for stale in [name for name, (until, _) in _deks.items() if until <= now]:
            del _deks[stale]
        if (cached := _deks.get((user_id, version))) is not None:
            return cached[1]
    # A row of this very transaction may be rolled back, and then a key kept from it would wrap what nobody can open.
    row = conn.execute(
        "SELECT wrapped, created_at < now() AS committed FROM user_keys WHERE version = %s", [version]
    ).fetchone()
    if row is None:
        raise NotFound("The key of this photo no longer exists.")
    wrapped, committed = row
    found = master_keys().unwrap_dek(bytes(wrapped), user_id=user_id, version=version)
    if committed:
        with _lock:
            _deks[user_id, version] = (now + DEK_TTL_SECONDS, found)
    return found


def new_content_key(conn: Connection, user_id: UUID, image_id: UUID) -> tuple[int, bytes]:
    """A content key for a new photo: the version of the key that wraps it, and the wrapped key."""
    version = current_version(conn, user_id)
    return version, keys.wrap_content_key(dek(conn, user_id, version), keys.new_content_key(), image_id=image_id)


def content_key(conn: Connection, user_id: UUID, image_id: UUID, *, version: int, wrapped: bytes) -> bytes:
    """The 32 bytes that the keys of a photo's blobs are derived from. Raises ``Tampered`` for another photo's key."""
    return keys.unwrap_content_key(dek(conn, user_id, version), wrapped, image_id=image_id)


def forget() -> None:
    """Drop every unwrapped key, as when an account was deleted."""
    with _lock:
        _deks.clear()
