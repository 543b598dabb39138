"""A photo's original bytes, wherever they are: sealed in the vault, or in staging until vision has sealed them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from uuid import UUID

from photovault import blobs, db, images, keyring, sealing, staging, vault
from photovault.errors import BlobMissing, NotFound, Tampered
from photovault.images import Image

NAME = "original"


@dataclass(frozen=True)
class Opened:
    """The row as it was when its bytes were read, the bytes, whose SHA-256 is the row's, and the photo's key."""

    image: Image
    data: bytes = field(repr=False)
    content_key: bytes = field(repr=False)


class NotAsAnnounced(ValueError):
    """What lies in staging is not the announced photo; ``bytes`` are its size, as far as it was read."""

    def __init__(self, why: str, *, bytes: int) -> None:  # noqa: A002 - the word of the logs
        super().__init__(why)
        self.bytes = bytes


def received(image: Image, *, content_key: bytes) -> bytes | None:
    """The plaintext of what lies in staging for a photo, or None when nothing does.

    Taken for what it is: exactly the announced bytes, or an envelope of exactly the right size that opens under the
    upload's key to exactly those. An envelope is larger than its plaintext, so their sizes tell them apart, and a photo
    may begin with anything. Holds at most the two at once. Raises ``NotAsAnnounced``, ``StorageUnavailable``.
    """
    sealed_size = sealing.sealed_size(image.size, staging.UPLOAD)
    data = staging.get(image.user_id, image.id, at_most=sealed_size)
    if data is None:
        return None
    size = len(data)
    if size == sealed_size:
        address = sealing.Address(image.user_id, image.id, staging.UPLOAD)
        try:
            data = sealing.unseal(data, key=sealing.blob_key(content_key, address), address=address)
        except Tampered as error:
            raise NotAsAnnounced(error.detail, bytes=size) from error
    elif size != image.size:
        raise NotAsAnnounced(f"Its size is neither {image.size} nor, sealed, {sealed_size} bytes.", bytes=size)
    if hashlib.sha256(data).digest() != image.sha256:
        raise NotAsAnnounced("Its SHA-256 is another one.", bytes=size)
    return data


def open(user_id: UUID, image_id: UUID) -> Opened:  # noqa: A001 - read as originals.open
    """Read a photo's original, following it from staging to the vault while it moves.

    Raises ``NotFound`` (gone, or never arrived as it was announced), ``BlobMissing`` (lost), ``Tampered``,
    ``Unavailable``.
    """
    keyring.warm(user_id)
    for _ in range(3):
        with db.transaction(user_id) as conn:
            image = images.get(conn, image_id)
            if image is None:
                raise NotFound("There is no such photo.")
            blob = blobs.get(conn, image_id, NAME) if image.sealed_at else None
            content_key = keyring.content_key_of(conn, image)
        data: bytes | None
        if blob is not None:
            data = vault.fetch(blob, content_key=content_key, user_id=user_id)
        elif image.sealed_at:
            raise BlobMissing(f"The row of the original of photo {image_id} is missing.")
        else:
            try:
                data = received(image, content_key=content_key)
            except NotAsAnnounced as error:  # vision throws it away
                raise NotFound("The photo has not arrived as it was announced.") from error
        if data is None:
            continue  # it moved between the row and the look: the next look at the row says where
        if len(data) != image.size or hashlib.sha256(data).digest() != image.sha256:
            raise Tampered(f"The bytes of the original of photo {image_id} are not those that were announced.")
        return Opened(image, data, content_key)
    # Staging is emptied after the commit that says so: what is in neither place was thrown away, or is yet to come.
    raise NotFound("The photo's bytes have not arrived.")
