"""Moving a blob to another driver, as ciphertext: nothing is opened, and no key is needed.

In this order, so that a death anywhere, or two movers at once, lose nothing: read and verify; store under a new key and
read that back; let the row name the new copy if it still names the old one, which is retired in the same transaction.
A copy that no row names is an orphan, which maintenance removes after a day.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from enum import StrEnum
from uuid import UUID

from photovault import blobs, db, failpoints, retired, storage, users, vault
from photovault.blobs import Blob
from photovault.errors import BlobMissing, NotFound, PersonGone, StorageUnavailable, Tampered
from photovault.observability import logger
from photovault.storage import placing


class Outcome(StrEnum):
    """What became of a move. A blob that is ``TAMPERED`` or ``LOST`` was reported, and left as it is."""

    MOVED = "moved"
    ALREADY_THERE = "already-there"
    CHANGED = "changed"  # its row is gone, or names another copy by now
    TAMPERED = "tampered"
    LOST = "lost"


def move(user_id: UUID, image_id: UUID, name: str, *, to: str) -> Outcome:
    """Move one blob to the driver ``to``. Safe to repeat and to race.

    Raises ``Unavailable`` when either storage or the database is away, or the new copy is not what was sent.
    """
    blob = _row(user_id, image_id, name)
    if blob is None:
        return Outcome.CHANGED
    if blob.driver == to:
        return _settle(user_id, blob)
    try:
        sealed = vault.read(blob, user_id=user_id)
    except NotFound:
        return Outcome.CHANGED
    except Tampered:
        return Outcome.TAMPERED
    except BlobMissing:
        return Outcome.LOST
    key = placing.put(to, sealed)
    failpoints.reach("moving.stored")
    new = _homed(replace(blob, driver=to, key=key))
    if not _verifies(new):
        with contextlib.suppress(StorageUnavailable):
            vault.discard([new])
        raise StorageUnavailable(f"The storage {to} did not keep a blob as it was sent.")
    if swap(user_id, blob, new):
        failpoints.reach("moving.committed")
        logger().debug(
            "blob.moved", extra={"image_id": str(image_id), "blob": name, "from_driver": blob.driver, "to_driver": to}
        )
        return Outcome.MOVED
    current = _row(user_id, image_id, name)
    if current is None or current.key != new.key:
        vault.discard([new])
    return Outcome.CHANGED


def heal(user_id: UUID, image_id: UUID, name: str) -> bool:
    """Whether a blob verifies: as its row says, or from now on as one of its retired copies.

    A copy that a blob was moved from is the same ciphertext, so one that has the row's SHA-256 takes the place of a bad
    one, which is retired in turn. A copy of an earlier sealing has another SHA-256 and is never taken. Raises
    ``Unavailable`` when a storage that must be asked is away.
    """
    with db.transaction(user_id) as conn:
        blob = blobs.get(conn, image_id, name)
        copies = [copy for copy in retired.of_images(conn, [image_id]) if copy.name == name]
    if blob is None:
        return False
    if _verifies(blob):
        return True
    for copy in copies:
        candidate = _homed(replace(blob, driver=copy.driver, key=copy.key))
        if _verifies(candidate):
            healed = swap(user_id, blob, candidate, if_retired=True)
            if healed:
                logger().warning(
                    "blob.healed",
                    extra={"user_id": str(user_id), "image_id": str(image_id), "blob": name, "driver": copy.driver},
                )
            return healed
    return False


def _row(user_id: UUID, image_id: UUID, name: str) -> Blob | None:
    with db.transaction(user_id) as conn:
        return blobs.get(conn, image_id, name)


def _homed(blob: Blob) -> Blob:
    return replace(blob, away=blob.driver != placing.home(blob.name))


def _verifies(blob: Blob) -> bool:
    """Whether what lies there is what the row says."""
    try:
        sealed = storage.driver(blob.driver).get(blob.key, at_most=blob.size)
    except BlobMissing:
        return False
    return len(sealed) == blob.size and hashlib.sha256(sealed).digest() == blob.sha256


def _settle(user_id: UUID, blob: Blob) -> Outcome:
    """Nothing to move; but what was away may be at home by now, because the settings changed."""
    settled = _homed(blob)
    if settled != blob:
        with contextlib.suppress(PersonGone), db.transaction(user_id) as conn:
            users.next_revision(conn)
            blobs.replace(conn, blob, settled)
    return Outcome.ALREADY_THERE


def swap(user_id: UUID, old: Blob, new: Blob, *, if_retired: bool = False) -> bool:
    """Let the row name another copy, and retire the one that it named. False when it names that no more.

    ``if_retired``: only if the other is still a retired copy. Else maintenance is just deleting it.
    """
    try:
        with db.transaction(user_id) as conn:
            users.next_revision(conn)
            if if_retired and not retired.hold(conn, new):
                return False
            swapped = blobs.replace(conn, old, new)
            if swapped:
                retired.forget(conn, [new])
                retired.add(conn, [old])
    except PersonGone:
        return False
    return swapped
