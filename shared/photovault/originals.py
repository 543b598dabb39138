"""A photo's original bytes, wherever they are: sealed in the vault, or in staging until vision has sealed them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from photovault import blobs, db, images, keyring, staging, vault
from photovault.errors import BlobMissing, NotFound, Tampered
from photovault.images import Image

NAME = "original"


@dataclass(frozen=True)
class Opened:
    """The row as it was when its bytes were read, and the bytes, whose SHA-256 is the row's."""

    image: Image
    data: bytes


def open(user_id: UUID, image_id: UUID) -> Opened:  # noqa: A001 - read as originals.open
    """Read a photo's original, following it from staging to the vault while it moves.

    Raises ``NotFound`` (gone, or never arrived), ``BlobMissing`` (lost), ``Tampered``, ``Unavailable``.
    """
    missing = ""
    for _ in range(3):
        with db.transaction(user_id) as conn:
            image = images.get(conn, image_id)
            if image is None:
                raise NotFound("There is no such photo.")
            blob = blobs.get(conn, image_id, NAME) if image.sealed_at else None
            content_key = keyring.content_key(
                conn, user_id, image_id, version=image.key_version, wrapped=bytes(image.content_key)
            )
        data: bytes | None
        if blob is not None:
            try:
                data = vault.fetch(blob, content_key=content_key, user_id=user_id)
            except BlobMissing:
                if blob.key == missing:
                    raise
                missing, data = blob.key, None  # purged or moved since its row was read, or else lost
        elif image.sealed_at:
            raise BlobMissing("The row of the original is missing.")
        else:
            data = staging.get(user_id, image_id, at_most=image.size)
        if data is None:
            continue  # it moved between the row and the look: the next look at the row says where
        if len(data) != image.size or hashlib.sha256(data).digest() != image.sha256:
            raise Tampered("The original's bytes are not those that were announced.")
        return Opened(image, data)
    # Staging is emptied after the commit that says so: what is in neither place was thrown away, or is yet to come.
    raise NotFound("The photo's bytes have not arrived.")
