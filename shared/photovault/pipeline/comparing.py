"""Comparing a photo with those that may be copies of it, or of the same burst: after vision's findings are committed.

Reading, computing and writing are apart: no transaction spans the work on pictures. Safe to repeat and to race; see
``lookalikes`` for why no pair is lost.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from photovault import db, duplicates, ids, keyring, lookalikes, users
from photovault.duplicates import Photo
from photovault.errors import NotFound, PersonGone, Tampered
from photovault.lookalikes import Seen
from photovault.observability import logger

if TYPE_CHECKING:
    from photovault.db import Connection

_INFO = b"PhotoVault/v1/sketch"
_NONCE = 12
# Whoever was to compare a photo this old has died, or will not come again.
_LEFT_BEHIND_SECONDS = 3600
_LEFT_BEHIND_AT_ONCE = 3


def compare(user_id: UUID, image_id: UUID) -> None:
    """Find the pairs of a photo that was not compared yet, and of a few that were left behind long ago."""
    with db.transaction(user_id) as conn:
        found = waiting(conn, image_id)
    for one in found:
        _compare(user_id, one)


def waiting(conn: Connection, image_id: UUID) -> list[UUID]:
    """What ``compare`` would look at: this photo, if it was not compared yet, and a few that were left behind."""
    hour_ago = ids.from_time(time.time_ns() // 1_000_000 - _LEFT_BEHIND_SECONDS * 1000, 0)
    return lookalikes.waiting(conn, image_id, before=hour_ago, limit=_LEFT_BEHIND_AT_ONCE)


def _compare(user_id: UUID, image_id: UUID) -> None:
    keyring.warm(user_id)
    with db.transaction(user_id) as conn:
        found = lookalikes.seen(conn, [image_id, *lookalikes.candidates(conn, image_id)])
        sketches = {one.id: sketch for one in found if (sketch := _opened(conn, user_id, one)) is not None}
    photos = {one.id: _photo(one) for one in found if one.id in sketches}
    this = photos.get(image_id)
    pairs = (
        duplicates.pairs([(this, other) for other in photos.values() if other is not this], sketches) if this else []
    )
    try:
        with db.transaction(user_id) as conn:
            users.next_revision(conn)
            lookalikes.write(conn, image_id, pairs)
    except PersonGone:
        return
    logger().info(
        "image.compared",
        extra={"image_id": str(image_id), "candidates": max(0, len(photos) - 1), "pairs": len(pairs)},
    )


def _opened(conn: Connection, user_id: UUID, one: Seen) -> bytes | None:
    """None for a sketch that cannot be opened: that photo is not compared, the others are."""
    try:
        key = keyring.content_key(conn, user_id, one.id, version=one.key_version, wrapped=bytes(one.content_key))
        return unseal(bytes(one.sketch), content_key=key, user_id=user_id, image_id=one.id)
    except (NotFound, Tampered) as error:  # the account was deleted meanwhile, or somebody changed rows
        logger().warning("image.not_compared", extra={"image_id": str(one.id), "why": error.detail})
        return None


def _photo(one: Seen) -> Photo:
    return Photo(one.id, bytes(one.order), one.width, one.height, one.taken, one.camera)


def seal(sketch: bytes, *, content_key: bytes, user_id: UUID, image_id: UUID) -> bytes:
    """A sketch as the database keeps it: nonce, then AES-256-GCM under a key that the photo's content key gives."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(_key(content_key)).encrypt(nonce, sketch, _context(user_id, image_id))


def unseal(sealed: bytes, *, content_key: bytes, user_id: UUID, image_id: UUID) -> bytes:
    """Raises ``Tampered`` for what is not the sketch of this photo."""
    try:
        return AESGCM(_key(content_key)).decrypt(sealed[:_NONCE], sealed[_NONCE:], _context(user_id, image_id))
    except (InvalidTag, ValueError):
        raise Tampered(f"The sketch of photo {image_id} does not open.") from None


def _key(content_key: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_INFO).derive(content_key)


def _context(user_id: UUID, image_id: UUID) -> bytes:
    return _INFO + user_id.bytes + image_id.bytes
