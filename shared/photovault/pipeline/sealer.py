"""The first act of vision, and the last resort of the sweeper: seal an uploaded original and remove its plaintext.

An upload that its client sealed goes the same way: opened, verified, and sealed anew as the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from photovault import (
    blobs,
    db,
    failpoints,
    images,
    keyring,
    originals,
    queues,
    sealing,
    staging,
    storage,
    users,
    vault,
)
from photovault.blobs import Blob
from photovault.errors import NotFound, PersonGone, Unavailable
from photovault.images import Image
from photovault.observability import count, logger
from photovault.originals import Opened
from photovault.staging import Staged


def load(user_id: UUID, image_id: UUID) -> Image | None:
    """The photo's row; None when it, or its person, is gone."""
    with db.transaction(user_id) as conn:
        return images.get_owned(conn, image_id)


@dataclass(frozen=True)
class Sealed:
    """The row of a sealed photo, and what was sealed; None when another delivery had sealed it, so nothing was read."""

    image: Image
    opened: Opened | None


def seal(image: Image) -> Image | None:
    """``take``, for those who want nothing but the row."""
    sealed = take(image)
    return sealed.image if sealed is not None else None


def take(image: Image) -> Sealed | None:
    """Seal the staged original of a photo that has no sealed one yet, commit, and delete what was uploaded.

    Returns the row as it is afterwards, or None when there was nothing to seal: no upload has arrived, or what arrived
    is not what was announced and was thrown away (the same photo can be uploaded again), or the photo is gone. Raises
    ``Unavailable``.
    """
    user_id = image.user_id
    try:
        content_key = keyring.open_content_key(image)
    except NotFound:  # the account was deleted meanwhile
        remove_upload(user_id, image.id, size=image.size)
        return None
    try:
        data = originals.received(image, content_key=content_key)
    except originals.NotAsAnnounced as error:
        # A plain post is signed for its bytes, so somebody went around it; what is sealed can be wrong in many ways.
        logger().warning(
            "upload.not_as_announced", extra={"image_id": str(image.id), "bytes": error.bytes, "why": str(error)}
        )
        _throw_away(image, content_key)
        return None
    if data is None:
        sealed = load(user_id, image.id)
        return Sealed(sealed, None) if sealed is not None and sealed.sealed_at else None
    # Before the first effect, so that a death anywhere behind it is noticed.
    queues.send_vision(user_id, image.id, check=True, delay=queues.LONGEST_DELAY_SECONDS)
    failpoints.reach("sealer.before-store")
    blob = vault.store(
        data,
        content_key=content_key,
        user_id=user_id,
        image_id=image.id,
        name=originals.NAME,
        content_type=image.content_type,
    )
    failpoints.reach("sealer.stored")
    won = current = None
    with db.transaction(user_id) as conn:
        revision = _revision(conn)
        if revision is not None:
            won = images.mark_sealed(conn, image.id, revision=revision, size=image.size)
        if won is not None:
            blobs.add(conn, [blob])
            users.move_quota(conn, reserved=-image.size, used=image.size)
    failpoints.reach("sealer.committed")
    if won is not None:
        logger().info("image.sealed", extra={"image_id": str(image.id), "bytes": image.size})
        count("PhotosSealed")
    else:
        _discard_if_unnamed(user_id, blob)
    # The row that was committed just now names this blob: where that is in its place, neither need be read again.
    if won is not None and storage.driver(blob.driver).size(blob.key) == blob.size:
        current = won
        remove_upload(user_id, image.id, size=image.size)
    elif (current := load(user_id, image.id)) is None:
        remove_upload(user_id, image.id, size=image.size)  # the photo went while it was sealed
    elif current.sealed_at:
        clean_staging(current)
    elif current.size != image.size:
        raise Unavailable("The photo was announced anew while it was sealed.")
    failpoints.reach("sealer.cleaned")
    if current is None or not current.sealed_at:
        return None
    return Sealed(current, Opened(current, data, content_key))


def clean_staging(image: Image) -> None:
    """Delete what was uploaded of a sealed photo, after making sure that the sealed blob is where its row says.

    Raises ``Unavailable`` when it is not: the upload is then the only copy.
    """
    with db.transaction(image.user_id) as conn:
        blob = blobs.get(conn, image.id, originals.NAME)
    if blob is None or storage.driver(blob.driver).size(blob.key) != blob.size:
        logger().error("vault.original_missing", extra={"image_id": str(image.id)})
        raise Unavailable("The sealed original is not where its row says.")
    remove_upload(image.user_id, image.id, size=image.size)


def _throw_away(image: Image, content_key: bytes) -> None:
    """Delete a wrong upload, looked at again: the right one may just have been posted in its place, or the photo
    announced anew with the size that this has. What stays has a message of its own, and the sweeper behind it."""
    staged = staging.find(image.user_id, image.id)
    current = load(image.user_id, image.id)
    try:
        originals.received(current or image, content_key=content_key)
    except originals.NotAsAnnounced:
        remove_upload(image.user_id, image.id, size=image.size, only=staged)


def remove_upload(user_id: UUID, image_id: UUID, *, size: int | None, only: Staged | None = None) -> None:
    """Delete what lies in staging for a photo; when it is plaintext, say how many seconds it lay there.

    ``size`` is the announced one in bytes; without it (nobody announced the photo, or it is gone) whatever lies there
    counts as plaintext. With ``only``, another upload that lies there by now is left alone, but for the milliseconds
    between look and deletion: LocalStack knows no conditional deletion. Raises ``StorageUnavailable``.
    """
    staged = staging.find(user_id, image_id)
    if staged is None or (only is not None and staged != only):
        return
    staging.delete(staged.key)
    if size is None or staged.bytes != sealing.sealed_size(size, staging.UPLOAD):
        count("PlaintextSeconds", max(0.0, (datetime.now(UTC) - staged.modified).total_seconds()), unit="Seconds")


def _revision(conn: db.Connection) -> int | None:
    try:
        return users.next_revision(conn)
    except PersonGone:
        return None


def _discard_if_unnamed(user_id: UUID, blob: Blob) -> None:
    """Delete our blob only after seeing another one named, or no photo; in any doubt the daily pass does it."""
    with db.transaction(user_id) as conn:
        current = blobs.get(conn, blob.image_id, blob.name)
    if current is None or current.key != blob.key:
        vault.discard([blob])
