"""The first act of vision, and the last resort of the sweeper: seal an uploaded original and remove its plaintext."""

from __future__ import annotations

import hashlib
from uuid import UUID

from photovault import blobs, db, failpoints, images, keyring, originals, queues, staging, storage, users, vault
from photovault.blobs import Blob
from photovault.errors import NotFound, PersonGone, Unavailable
from photovault.images import Image
from photovault.observability import count, logger


def load(user_id: UUID, image_id: UUID) -> Image | None:
    """The photo's row; None when it, or its person, is gone."""
    with db.transaction(user_id) as conn:
        return images.get(conn, image_id) if users.get(conn) is not None else None


def seal(image: Image) -> Image | None:
    """Seal the staged original of a photo that has no sealed one yet, commit, and delete the plaintext.

    Returns the row as it is afterwards, or None when there was nothing to seal: no upload has arrived, or what arrived
    is not what was announced and was thrown away (the same photo can be uploaded again), or the photo is gone. Raises
    ``Unavailable``.
    """
    user_id = image.user_id
    key = staging.key_of(user_id, image.id)
    data = staging.get(user_id, image.id, at_most=image.size)
    if data is None:
        current = load(user_id, image.id)
        return current if current is not None and current.sealed_at else None
    if len(data) != image.size or hashlib.sha256(data).digest() != image.sha256:
        # The post was signed for these bytes, so somebody went around it: nothing to keep, nothing to tell but this.
        logger().warning("upload.not_as_announced", extra={"image_id": str(image.id), "bytes": len(data)})
        staging.delete(key)
        return None
    # Before the first effect, so that a death anywhere behind it is noticed.
    queues.send_vision(user_id, image.id, check=True, delay=queues.LONGEST_DELAY_SECONDS)
    try:
        with db.transaction(user_id) as conn:
            content_key = keyring.content_key(
                conn, user_id, image.id, version=image.key_version, wrapped=bytes(image.content_key)
            )
    except NotFound:  # the account was deleted meanwhile
        staging.delete(key)
        return None
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
        if revision is not None and images.mark_sealed(conn, image.id, revision=revision):
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
        staging.delete(key)  # the photo went while it was sealed
    elif current.sealed_at:
        clean_staging(current)
    failpoints.reach("sealer.cleaned")
    return current if current is not None and current.sealed_at else None


def clean_staging(image: Image) -> None:
    """Delete the plaintext of a sealed photo, after making sure that the sealed blob is where its row says.

    Raises ``Unavailable`` when it is not: the plaintext is then the only copy.
    """
    with db.transaction(image.user_id) as conn:
        blob = blobs.get(conn, image.id, originals.NAME)
    if blob is None or storage.driver(blob.driver).size(blob.key) != blob.size:
        logger().error("vault.original_missing", extra={"image_id": str(image.id)})
        raise Unavailable("The sealed original is not where its row says.")
    staging.delete(staging.key_of(image.user_id, image.id))


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
