"""Keys of people and photos: unwrapped when needed, kept in memory for five minutes, never written down or logged."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, keys, users
from photovault.errors import NotFound, PersonGone, Tampered, Unavailable
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.images import Image

DEK_TTL_SECONDS = 300.0
# A key that KMS has just not opened is not asked for again within the transaction that follows.
REFUSAL_SECONDS = 5.0

_lock = threading.Lock()
_deks: dict[tuple[UUID, int], tuple[float, bytes]] = {}
_refusals: dict[tuple[UUID, int], tuple[float, str]] = {}


@dataclass(frozen=True)
class UserKey:
    """A row of ``user_keys``. ``committed`` tells it from one that this very transaction has made."""

    version: int
    wrapped: bytes
    master_fingerprint: str
    committed: bool


@lru_cache(maxsize=1)
def master_keys() -> keys.MasterKeys:
    """The process's master keys. Raises ``Misconfigured``."""
    from photovault import kms

    settings = get_settings()
    settings.require("master_key")
    return keys.MasterKeys(settings.master_keys, kms=kms.KmsKey)


def uses_kms() -> bool:
    """Whether a master key is one of KMS, so that opening keys may take calls over the network."""
    return any(entry.startswith(keys.KMS_MARK) for entry in get_settings().master_keys)


# --------------------------------------------------------------------------------------------- a person's keys


def warm(user_id: UUID, version: int | None = None) -> None:
    """Ask KMS for the person's keys now, so that the transactions that follow need not wait for the network.

    Nothing to do where no master key is one of KMS, or where a key (of that version, where one is given) is in memory.
    What is not here all the same, as when the five minutes end in between, is asked for within the transaction. What
    does not open is told where it is needed: not every transaction needs a key, and an account can be deleted without.
    """
    if not uses_kms() or _is_warm(user_id, version):
        return
    with db.transaction(user_id) as conn:
        found = all_versions(conn)
    for row in found:
        if row.master_fingerprint != keys.ERASED:
            with suppress(Tampered, Unavailable):
                _keep(user_id, row.version, _opened(row, user_id))


def provide(user_id: UUID) -> None:
    """``warm``, and make the person's first key where there is none: before a transaction that announces uploads.

    Nothing to do where no master key is one of KMS: there ``current_version`` makes it in passing. Raises
    ``Unavailable``.
    """
    if not uses_kms() or _is_warm(user_id, None):
        return
    with db.transaction(user_id) as conn:
        found = all_versions(conn)
    if not found:
        wrapped = master_keys().wrap_dek(keys.new_dek(), user_id=user_id, version=1)
        with db.transaction(user_id) as conn:
            try:
                users.next_revision(conn)
            except PersonGone:  # whoever asks is told so where the session is looked at
                return
            add_version(conn, 1, wrapped)
    warm(user_id)


def current_version(conn: Connection, user_id: UUID) -> int:
    """The newest version of the person's data-encryption key, made now if there is none. Raises ``Unavailable``."""
    version = db.value(conn, "SELECT max(version) FROM user_keys")
    if version is not None:
        return int(version)
    add_version(conn, 1, master_keys().wrap_dek(keys.new_dek(), user_id=user_id, version=1))
    return 1


def add_version(conn: Connection, version: int, wrapped: keys.Wrapped) -> bool:
    """Write a key of the person; False when there is one of that version. The person's row must be locked."""
    return bool(
        db.value(
            conn,
            "INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING "
            "RETURNING true",
            [version, wrapped.token, wrapped.fingerprint],
        )
    )


def all_versions(conn: Connection) -> list[UserKey]:
    """The person's wrapped keys, newest first."""
    return db.rows(
        conn,
        UserKey,
        "SELECT version, wrapped, master_fingerprint, created_at < now() AS committed FROM user_keys "
        "ORDER BY version DESC",
    )


def dek(conn: Connection, user_id: UUID, version: int) -> bytes:
    """The person's data-encryption key of that version.

    Raises ``NotFound`` (the account is gone, or going), ``Tampered``, ``Unavailable``: the key that wrapped it is not
    in ``MASTER_KEY`` (``MasterKeyMissing``), KMS does not open it, or the version was superseded.
    """
    if (cached := _at_hand(user_id, version)) is not None:
        return cached
    found = all_versions(conn)
    row = next((row for row in found if row.version == version), None)
    if row is None:
        if any(later.version > version for later in found):
            raise Unavailable("The key of this photo has just been wrapped anew; try again in a moment.")
        raise NotFound("The key of this photo no longer exists.")
    opened = _opened(row, user_id)
    # A row of this very transaction may be rolled back, and then a key kept from it would wrap what nobody can open.
    if row.committed:
        _keep(user_id, version, opened)
    return opened


def _opened(row: UserKey, user_id: UUID) -> bytes:
    if row.master_fingerprint == keys.ERASED:
        raise NotFound("This account was deleted; its photos cannot be opened any more.")
    name, now = (user_id, row.version), time.monotonic()
    with _lock:
        until, why = _refusals.get(name, (now, ""))
    if until > now:
        raise Unavailable(why)
    masters = master_keys()
    try:
        return masters.unwrap_dek(
            keys.Wrapped(bytes(row.wrapped), row.master_fingerprint), user_id=user_id, version=row.version
        )
    except Tampered as error:
        _report(error, user_id=user_id, version=row.version)
        raise
    except Unavailable as error:
        if masters.asks_kms(row.master_fingerprint):
            with _lock:
                _refusals[name] = time.monotonic() + REFUSAL_SECONDS, error.detail
        raise


# ---------------------------------------------------------------------------------------------- a photo's keys


def new_content_key(conn: Connection, user_id: UUID, image_id: UUID) -> tuple[int, bytes]:
    """A content key for a new photo: the version of the key that wraps it, and the wrapped key."""
    version = current_version(conn, user_id)
    return version, keys.wrap_content_key(dek(conn, user_id, version), keys.new_content_key(), image_id=image_id)


def content_key(conn: Connection, user_id: UUID, image_id: UUID, *, version: int, wrapped: bytes) -> bytes:
    """The 32 bytes that the keys of a photo's blobs are derived from. Raises like ``dek``.

    ``version`` and ``wrapped`` may be of a row that was read before the person's key was rotated: content keys stay
    the same all their life, so the row of now is then as good. Raises ``Tampered`` for another photo's key.
    """
    try:
        opened = dek(conn, user_id, version)
    except Unavailable:
        row = conn.execute("SELECT key_version, content_key FROM images WHERE id = %s", [image_id]).fetchone()
        if row is None or row[0] == version:
            raise
        version, wrapped = int(row[0]), bytes(row[1])
        opened = dek(conn, user_id, version)
    except Tampered as error:
        raise Tampered(f"{error.detail} The key of photo {image_id} hangs on it.") from None
    return _unwrapped(opened, user_id, image_id, version=version, wrapped=wrapped)


def content_key_of(conn: Connection, image: Image) -> bytes:
    """The content key of a photo whose row was read. Raises like ``content_key``."""
    return content_key(conn, image.user_id, image.id, version=image.key_version, wrapped=bytes(image.content_key))


def open_content_key(image: Image) -> bytes:
    """``content_key_of`` outside of transactions: opens one only where the person's key is not in memory."""
    warm(image.user_id)
    if (cached := _at_hand(image.user_id, image.key_version)) is not None:
        return _unwrapped(cached, image.user_id, image.id, version=image.key_version, wrapped=bytes(image.content_key))
    with db.transaction(image.user_id) as conn:
        return content_key_of(conn, image)


def _unwrapped(opened: bytes, user_id: UUID, image_id: UUID, *, version: int, wrapped: bytes) -> bytes:
    """A content key, by the person's key ``opened``. Raises ``Tampered``, reported."""
    try:
        return keys.unwrap_content_key(opened, wrapped, image_id=image_id)
    except Tampered as error:
        _report(error, user_id=user_id, version=version, image_id=image_id)
        raise Tampered(f"{error.detail} It is that of photo {image_id}.") from None


def _report(error: Tampered, *, user_id: UUID, version: int, image_id: UUID | None = None) -> None:
    """A security event, counted with those of stored blobs."""
    from photovault.observability import count, logger

    logger().error(
        "key.tampered",
        extra={
            "user_id": str(user_id),
            "key_version": version,
            "image_id": str(image_id) if image_id else None,
            "why": error.detail,
        },
    )
    count("BlobsTampered")


# --------------------------------------------------------------------------------------------------- in memory


def forget() -> None:
    """Drop every unwrapped key, as when an account was deleted."""
    with _lock:
        _deks.clear()
        _refusals.clear()


def _keep(user_id: UUID, version: int, opened: bytes) -> None:
    with _lock:
        _deks[user_id, version] = (time.monotonic() + DEK_TTL_SECONDS, opened)


def _at_hand(user_id: UUID, version: int) -> bytes | None:
    """The person's key of that version, if it is in memory; drops all keys whose five minutes are over."""
    now = time.monotonic()
    with _lock:
        for held in (_deks, _refusals):
            for stale in [name for name, (until, _) in held.items() if until <= now]:
                del held[stale]
        cached = _deks.get((user_id, version))
    return cached[1] if cached is not None else None


def _is_warm(user_id: UUID, version: int | None) -> bool:
    now = time.monotonic()
    with _lock:
        return any(
            person == user_id and version in {None, kept} and until > now
            for (person, kept), (until, _) in _deks.items()
        )
