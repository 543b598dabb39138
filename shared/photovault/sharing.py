"""What a share link is made of: its token, the proof of a visit, and the names of its photos. Pure.

The token is all that a link needs, so it is random and kept as a hash alone. A visit is proved by a short-lived grant,
which only says until when: whether the share still stands is asked of its row each time. Photos are named by their ids,
encrypted under the share's own secret: the same photo in two shares has two names, and none of them tells an id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VISIT = timedelta(hours=2)
"""How long an opened share stays open for whoever opened it: page loads in this time are one visit."""

_TOKEN_BYTES = 24
_NONCE_BYTES = 8
_MAC_BYTES = 16


def new_token() -> str:
    """192 random bits, 32 characters that need no escaping in an address."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def hash_token(token: str) -> bytes:
    """SHA-256: no dictionary holds random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def hint(token: str) -> str:
    """The end of a token, by which its owner tells links apart."""
    return token[-4:]


# ------------------------------------------------------------------------------------------------------- visits


def grant(secret: bytes, *, now: datetime, until: datetime | None) -> tuple[str, datetime]:
    """The proof of a visit that begins now, and when it ends: at the latest with the share."""
    ends = now + VISIT if until is None else min(now + VISIT, until)
    body = struct.pack(">Q", int(ends.timestamp())) + secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(body + _mac(secret, body)).decode(), datetime.fromtimestamp(
        int(ends.timestamp()), UTC
    )


def granted(secret: bytes, proof: str | None, *, now: datetime) -> datetime | None:
    """Until when the proof holds; None for one that is over, forged, or of another share."""
    try:
        whole = base64.b64decode((proof or "").encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    body, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
    if len(body) != 8 + _NONCE_BYTES or not hmac.compare_digest(_mac(secret, body), mac):
        return None
    ends = datetime.fromtimestamp(struct.unpack_from(">Q", body)[0], UTC)
    return ends if now < ends else None


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(_key(secret, b"visit"), body, "sha256")[:_MAC_BYTES]


# ------------------------------------------------------------------------------------------------ names of photos


def name_of(secret: bytes, image_id: UUID) -> str:
    """A photo's name in this share: 32 hexadecimal digits."""
    encryptor = _cipher(secret).encryptor()
    return (encryptor.update(image_id.bytes) + encryptor.finalize()).hex()


def image_of(secret: bytes, name: str) -> UUID | None:
    """The id behind a name; None for what cannot be one. Any 32 digits are the name of some id, mostly of nothing."""
    try:
        block = bytes.fromhex(name)
    except ValueError:
        return None
    if len(block) != 16 or block.hex() != name:
        return None
    decryptor = _cipher(secret).decryptor()
    return UUID(bytes=decryptor.update(block) + decryptor.finalize())


def etag(secret: bytes, header_sha256: bytes, kind: str) -> str:
    """Names the bytes of one rendition, here and nowhere else, so that two shares cannot be compared by it."""
    return hmac.digest(_key(secret, b"etag"), kind.encode() + b"\0" + header_sha256, "sha256").hex()[:32]


def _cipher(secret: bytes) -> Cipher[modes.ECB]:
    """An id is exactly one block: a block cipher by itself is a permutation of ids, which is all that is wanted."""
    return Cipher(algorithms.AES256(_key(secret, b"photo")), modes.ECB())  # noqa: S305


def _key(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"PhotoVault/v1/share/" + purpose).derive(secret)
