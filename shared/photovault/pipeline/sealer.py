"""The first act of vision, and the last resort of the sweeper: seal an uploaded original and remove its plaintext.

An upload that its client sealed goes the same way: opened, verified, and sealed anew as the original.
"""

from __future__ import annotations

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
from photovault.staging import Staged


def load(user_id: UUID, image_id: UUID) -> Image | None:
    """The photo's row; None when it, or its person, is gone."""
    with db.transaction(user_id) as conn:
        return images.get(conn, image_id) if users.get(conn) is not None else None


def seal(image: Image) -> Image | None:
    """Seal the staged original of a photo that has no sealed one yet, commit, and delete what was uploaded.

    Returns the row as it is afterwards, or None when there was nothing to seal: no upload has arrived, or what arrived
    is not what was announced and was thrown away (the same photo can be uploaded again), or the photo is gone. Raises
    ``Unavailable``.
    """
    user_id = image.user_id
    keyring.warm(user_id)
    try:
        with db.transaction(user_id) as conn:
            content_key = keyring.content_key_of(conn, image)
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
        current = load(user_id, image.id)
        return current if current is not None and current.sealed_at else None
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
    won = False
    with db.transaction(user_id) as conn:
        revision = _revision(conn)
        if (
            revision is not None
            and _is_as_it_was(conn, image)
            and images.mark_sealed(conn, image.id, revision=revision)
        ):
            blobs.add(conn, [blob])
            users.move_quota(conn, reserved=-image.size, used=image.size)
            won = True
    failpoints.reach("sealer.committed")
    if won:
        logger().info("image.sealed", extra={"image_id": str(image.id), "bytes": image.size})
        count("PhotosSealed")
    else:
        _discard_if_unnamed(user_id, blob)
    current = load(user_id, image.id)
    if current is None:
        remove_upload(user_id, image.id, size=image.size)  # the photo went while it was sealed
    elif current.sealed_at:
        clean_staging(current)
    elif current.size != image.size:
        raise Unavailable("The photo was announced anew while it was sealed.")
    failpoints.reach("sealer.cleaned")
    return current if current is not None and current.sealed_at else None


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


def _is_as_it_was(conn: db.Connection, image: Image) -> bool:
    """Whether a pending photo has not been announced anew with another size; wants the person's lock."""
    current = images.get(conn, image.id)
    return current is not None and current.size == image.size


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
