"""The chain of keys: master keys wrap each person's data-encryption key (DEK), a DEK wraps each image's content key.

Wrapping is Fernet (AES-128-CBC with HMAC-SHA-256, https://github.com/fernet/spec), with ``MultiFernet`` at the top so
that a new master key can be put in front of the old ones. What is wrapped names what it belongs to (the person and the
DEK's version, or the image), and unwrapping verifies that: rows swapped in the database are an error, never a
cross-read. Content keys feed ``photovault.sealing``. Nothing here logs, prints, pickles or keeps an unwrapped key.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from photovault.errors import Misconfigured, Tampered

CONTENT_KEY_SIZE = 32

# Each kind of payload starts with its own mark, so that one can never pass for the other.
_DEK_MARK = b"PhotoVault/v1/dek:"
_CONTENT_MARK = b"PhotoVault/v1/content-key:"
_HOW_TO = "`photovault keys generate` prints one."


def generate_master_key() -> str:
    """A new Fernet key, as text for ``MASTER_KEY``."""
    return Fernet.generate_key().decode("ascii")


def new_dek() -> bytes:
    """A new data-encryption key for one person: a Fernet key, 44 bytes of URL-safe base64."""
    return Fernet.generate_key()


def new_content_key() -> bytes:
    """A new key for one image: 32 random bytes."""
    return os.urandom(CONTENT_KEY_SIZE)


@dataclass(frozen=True)
class Wrapped:
    """A wrapped DEK and the fingerprint of the master key that wrapped it: what a row of ``user_keys`` holds."""

    token: bytes
    fingerprint: str


class MasterKeys:
    """The master keys, newest first. Raises ``Misconfigured`` for what is not a list of Fernet keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise Misconfigured(f"MASTER_KEY is empty, so no photo can be sealed or opened. {_HOW_TO}")
        self._secrets = [_decoded(key, number) for number, key in enumerate(keys, start=1)]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(secret)) for secret in self._secrets])
        self.fingerprints = tuple(_fingerprint(base64.urlsafe_b64encode(secret)) for secret in self._secrets)

    @property
    def fingerprint(self) -> str:
        """Names the newest key, the one that wraps."""
        return self.fingerprints[0]

    def wrap_dek(self, dek: bytes, *, user_id: UUID, version: int) -> Wrapped:
        """Wrap a person's DEK under the newest master key, bound to that person and version."""
        return Wrapped(self._fernet.encrypt(_dek_prefix(user_id, version) + dek), self.fingerprint)

    def unwrap_dek(self, token: bytes, *, user_id: UUID, version: int) -> bytes:
        """The DEK. Raises ``Tampered`` when the token is altered, foreign, or another person's or version's."""
        try:
            payload = self._fernet.decrypt(token)
        except InvalidToken:
            raise Tampered(
                "A person's key does not open: it was altered, or MASTER_KEY lacks the key that wrapped it."
            ) from None
        return _after(payload, _dek_prefix(user_id, version), "A person's key is bound to another person or version.")

    def rewrap(self, token: bytes, *, user_id: UUID, version: int) -> Wrapped:
        """The same DEK under the newest master key. Raises ``Tampered`` like ``unwrap_dek``."""
        return self.wrap_dek(self.unwrap_dek(token, user_id=user_id, version=version), user_id=user_id, version=version)

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for this purpose alone, from the newest master key (HKDF-SHA-256)."""
        return _derived(self._secrets[0], purpose)

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """``derive`` for every master key, newest first: to verify what was signed before a rotation."""
        return tuple(_derived(secret, purpose) for secret in self._secrets)

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self.fingerprints)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("master keys are not serialised")


def wrap_content_key(dek: bytes, content_key: bytes, *, image_id: UUID) -> bytes:
    """Wrap an image's content key under its owner's DEK, bound to that image."""
    if len(content_key) != CONTENT_KEY_SIZE:
        raise ValueError(f"a content key has {CONTENT_KEY_SIZE} bytes")
    return Fernet(dek).encrypt(_CONTENT_MARK + image_id.bytes + content_key)


def unwrap_content_key(dek: bytes, token: bytes, *, image_id: UUID) -> bytes:
    """The content key. Raises ``Tampered`` when the token is altered, under another DEK, or another image's."""
    try:
        payload = Fernet(dek).decrypt(token)
    except InvalidToken:
        raise Tampered("A photo's key does not open: it was altered or wrapped by another person's key.") from None
    content_key = _after(payload, _CONTENT_MARK + image_id.bytes, "A photo's key is bound to another photo.")
    if len(content_key) != CONTENT_KEY_SIZE:
        raise Tampered("A photo's key has the wrong length.")
    return content_key


def _dek_prefix(user_id: UUID, version: int) -> bytes:
    return _DEK_MARK + user_id.bytes + version.to_bytes(4, "big")


def _after(payload: bytes, prefix: bytes, otherwise: str) -> bytes:
    if not hmac.compare_digest(payload[: len(prefix)], prefix):
        raise Tampered(otherwise)
    return payload[len(prefix) :]


def _decoded(key: str, number: int) -> bytes:
    """The 32 bytes of a Fernet key. The error says which one of the list, never what it holds."""
    try:
        secret = base64.b64decode(key.strip().encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != 32:
        raise Misconfigured(f"Key {number} of MASTER_KEY is not a Fernet key (32 bytes in URL-safe base64). {_HOW_TO}")
    return secret


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, b"PhotoVault/v1/fingerprint", "sha256").hex()[:16]


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, b"PhotoVault/v1/purpose:" + purpose.encode()).derive(secret)
