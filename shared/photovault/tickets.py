"""Tickets: what a client needs to fetch and open a photo's sealed blobs by itself, made without asking the storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import blobs, keyring, presigning, sealing, storage
from photovault.blobs import Blob
from photovault.images import Image

if TYPE_CHECKING:
    from photovault.db import Connection

# Addresses are the same for half of this time, so that caches work, and live for half of it to all of it.
TTL_SECONDS = 1800


@dataclass(frozen=True)
class Ticket:
    """``key`` opens this blob alone; the key of the photo never leaves the vault.

    ``links`` are the addresses of the ciphertext: one, or those of its consecutive pieces. The ids of the person and
    of ``blob``'s photo are bound into it, so whoever opens it needs them too.
    """

    user_id: UUID
    blob: Blob
    links: Sequence[storage.Link]
    expires_at: datetime
    key: bytes = field(repr=False)


def of_images(
    conn: Connection, images: Sequence[Image], *, names: Sequence[str] | None, now: datetime
) -> dict[UUID, dict[str, Ticket]]:
    """The tickets of some photos of one person, by photo and blob name; ``names`` None means all blobs."""
    found: dict[UUID, dict[str, Ticket]] = defaultdict(dict)
    if not images:
        return found
    by_id = {image.id: image for image in images}
    content_keys: dict[UUID, bytes] = {}
    for blob in blobs.of_images(conn, list(by_id), names):
        image = by_id[blob.image_id]
        if image.id not in content_keys:
            content_keys[image.id] = keyring.content_key_of(conn, image)
        found[image.id][blob.name] = of_blob(blob, image.user_id, content_keys[image.id], now=now)
    return found


def of_blob(blob: Blob, user_id: UUID, content_key: bytes, *, now: datetime) -> Ticket:
    address = sealing.Address(user_id, blob.image_id, blob.name)
    return Ticket(
        user_id=user_id,
        blob=blob,
        links=storage.driver(blob.driver).links(blob.key, size=blob.size, now=now, ttl=TTL_SECONDS),
        expires_at=presigning.bucket_start(now, TTL_SECONDS) + timedelta(seconds=TTL_SECONDS),
        key=sealing.blob_key(content_key, address),
    )
