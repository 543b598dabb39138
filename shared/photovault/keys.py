"""The chain of keys: master keys wrap each person's data-encryption key (DEK), a DEK wraps each image's content key.

A master key is a Fernet key (AES-128-CBC with HMAC-SHA-256, https://github.com/fernet/spec) or a key that never leaves
AWS KMS. They stand in one list, newest first: the first one wraps, all of them open what they wrapped, and each row
names the one that wrapped it. So a new key is put in front of the old ones, and one of KMS in front of Fernet keys or
the other way round. What is wrapped names what it belongs to (the person and the DEK's version, or the image), and
unwrapping verifies that: rows swapped in the database are an error, never a cross-read. Content keys feed
``photovault.sealing``. Nothing here logs, prints, pickles or keeps an unwrapped key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from photovault.errors import MasterKeyMissing, Misconfigured, Tampered

CONTENT_KEY_SIZE = 32
# How a key of KMS stands in MASTER_KEY: this mark and the key's ARN. No aliases: they can be pointed elsewhere.
KMS_MARK = "kms:"
_KMS_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:([0-9]{12}):key/([A-Za-z0-9-]+)")
# The place of a fingerprint in the row of a person whose key was destroyed, with all that it opened.
ERASED = "erased"

# Each kind of payload starts with its own mark, so that one can never pass for the other.
_DEK_MARK = b"PhotoVault/v1/dek:"
_CONTENT_MARK = b"PhotoVault/v1/content-key:"
_WEBHOOK_MARK = b"PhotoVault/v1/webhook:"
_HOW_TO = "`photovault keys generate` prints one."


class Wrapper(Protocol):
    """What holds master keys. ``context`` is bound to the token where the wrapper can bind something."""

    def wrap(self, payload: bytes, *, context: Mapping[str, str]) -> bytes:
        """The payload as a token. Raises ``Unavailable``."""
        ...

    def unwrap(self, token: bytes, *, context: Mapping[str, str]) -> bytes:
        """The payload of a token. Raises ``Tampered`` for what this never wrapped, ``Unavailable``."""
        ...


def generate_master_key() -> str:
    """A new Fernet key, as text for ``MASTER_KEY``."""
    return Fernet.generate_key().decode("ascii")


def new_dek() -> bytes:
    """A new data-encryption key for one person: a Fernet key, 44 bytes of URL-safe base64."""
    return Fernet.generate_key()


def new_content_key() -> bytes:
    """A new key for one image: 32 random bytes."""
    return os.urandom(CONTENT_KEY_SIZE)


def is_master_key(entry: str) -> bool:
    """Whether this can stand in ``MASTER_KEY``: a Fernet key, or ``kms:`` and the ARN of a key."""
    return _kms_identity(entry) is not None or _secret(entry) is not None


@dataclass(frozen=True)
class Wrapped:
    """A wrapped DEK and the fingerprint of the master key that wrapped it: what a row of ``user_keys`` holds."""

    token: bytes
    fingerprint: str


def _without_kms(arn: str) -> Wrapper:
    raise Misconfigured(f"{arn} of MASTER_KEY is a key of KMS, and nothing here can ask KMS.")


class MasterKeys:
    """The master keys, newest first. ``kms`` makes the wrapper of an ARN when it is first needed.

    Raises ``Misconfigured`` for what is not a list of Fernet keys and ``kms:`` ARNs.
    """

    def __init__(self, keys: Sequence[str], *, kms: Callable[[str], Wrapper] = _without_kms) -> None:
        if not keys:
            raise Misconfigured(f"MASTER_KEY is empty, so no photo can be sealed or opened. {_HOW_TO}")
        self._kms = kms
        self._secrets: list[bytes] = []
        self._arns: dict[str, str] = {}
        self._wrappers: dict[str, Wrapper] = {}
        fingerprints: list[str] = []
        for number, entry in enumerate(keys, start=1):
            if (identity := _kms_identity(entry)) is not None:
                fingerprint = KMS_MARK + hashlib.sha256(identity).hexdigest()[:16]
                self._arns[fingerprint] = entry.strip().removeprefix(KMS_MARK)
            else:
                if (secret := _secret(entry)) is None:
                    raise Misconfigured(
                        f"Key {number} of MASTER_KEY is neither a Fernet key (32 bytes in URL-safe base64) nor kms: "
                        f"and the ARN of a KMS key. {_HOW_TO}"
                    )
                fingerprint = _fingerprint(base64.urlsafe_b64encode(secret))
                self._secrets.append(secret)
            fingerprints.append(fingerprint)
        self.fingerprints = tuple(fingerprints)
        if self._secrets:
            fernets = _FernetKeys(self._secrets)
            self._wrappers = {fingerprint: fernets for fingerprint in fingerprints if fingerprint not in self._arns}

    @property
    def fingerprint(self) -> str:
        """Names the newest key, the one that wraps."""
        return self.fingerprints[0]

    def asks_kms(self, fingerprint: str) -> bool:
        """Whether opening what this key wrapped takes a call over the network."""
        return fingerprint in self._arns

    def wrap_dek(self, dek: bytes, *, user_id: UUID, version: int) -> Wrapped:
        """Wrap a person's DEK under the newest master key, bound to that person and version. Raises ``Unavailable``."""
        payload = _dek_prefix(user_id, version) + dek
        token = self._wrapper(self.fingerprint).wrap(payload, context=_context(user_id, version))
        return Wrapped(token, self.fingerprint)

    def unwrap_dek(self, wrapped: Wrapped, *, user_id: UUID, version: int) -> bytes:
        """The DEK.

        Raises ``Tampered`` when the token is altered, foreign, or another person's or version's, ``MasterKeyMissing``
        when the key that wrapped it is not here, ``Unavailable`` when KMS does not open it now.
        """
        payload = self._wrapper(wrapped.fingerprint).unwrap(wrapped.token, context=_context(user_id, version))
        return _after(payload, _dek_prefix(user_id, version), "A person's key is bound to another person or version.")

    def rewrap(self, wrapped: Wrapped, *, user_id: UUID, version: int) -> Wrapped:
        """The same DEK under the newest master key. Raises like ``unwrap_dek`` and ``wrap_dek``."""
        dek = self.unwrap_dek(wrapped, user_id=user_id, version=version)
        return self.wrap_dek(dek, user_id=user_id, version=version)

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for this purpose alone, from the newest Fernet key (HKDF-SHA-256). Raises ``Misconfigured``."""
        return self.derive_all(purpose)[0]

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """``derive`` for every Fernet key, newest first: to verify what was signed before a rotation."""
        if not self._secrets:
            raise Misconfigured(
                "Links to local files are signed with a Fernet key, and MASTER_KEY holds keys of KMS alone: put a "
                f"Fernet key behind them. {_HOW_TO}"
            )
        return tuple(_derived(secret, purpose) for secret in self._secrets)

    def _wrapper(self, fingerprint: str) -> Wrapper:
        if fingerprint not in self._wrappers:
            if fingerprint not in self._arns:
                raise MasterKeyMissing(fingerprint)
            self._wrappers[fingerprint] = self._kms(self._arns[fingerprint])
        return self._wrappers[fingerprint]

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self.fingerprints)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("master keys are not serialised")


class _FernetKeys:
    """The Fernet keys of a list, newest first: that one wraps, each opens. They bind no context; the payload does."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(secret)) for secret in secrets])

    def wrap(self, payload: bytes, *, context: Mapping[str, str]) -> bytes:
        del context
        return self._fernet.encrypt(payload)

    def unwrap(self, token: bytes, *, context: Mapping[str, str]) -> bytes:
        del context
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise Tampered("A person's key does not open: it was altered, or none of MASTER_KEY wrapped it.") from None


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


def seal_webhook(dek: bytes, plain: bytes, *, webhook_id: UUID) -> bytes:
    """What is secret of a webhook, sealed under its owner's DEK and bound to that webhook."""
    return Fernet(dek).encrypt(_WEBHOOK_MARK + webhook_id.bytes + plain)


def open_webhook(dek: bytes, token: bytes, *, webhook_id: UUID) -> bytes:
    """Raises ``Tampered`` when the token is altered, under another DEK, or another webhook's."""
    try:
        payload = Fernet(dek).decrypt(bytes(token))
    except InvalidToken:
        raise Tampered("A webhook does not open: it was altered or sealed by another person's key.") from None
    return _after(payload, _WEBHOOK_MARK + webhook_id.bytes, "What was sealed is bound to another webhook.")


def _context(user_id: UUID, version: int) -> dict[str, str]:
    return {"photovault": "dek", "user_id": str(user_id), "version": str(version)}


def _dek_prefix(user_id: UUID, version: int) -> bytes:
    return _DEK_MARK + user_id.bytes + version.to_bytes(4, "big")


def _after(payload: bytes, prefix: bytes, otherwise: str) -> bytes:
    if not hmac.compare_digest(payload[: len(prefix)], prefix):
        raise Tampered(otherwise)
    return payload[len(prefix) :]


def _secret(entry: str) -> bytes | None:
    """The 32 bytes of a Fernet key; None for anything else."""
    try:
        secret = base64.b64decode(entry.strip().encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) == 32 else None


def _kms_identity(entry: str) -> bytes | None:
    """Account and id of a key of KMS; None for anything else.

    Without the region: the replicas of a multi-Region key share its id, and each opens what another one wrapped.
    """
    mark, _, arn = entry.strip().partition(":")
    match = _KMS_ARN.fullmatch(arn) if f"{mark}:" == KMS_MARK else None
    return f"PhotoVault/v1/kms:{match[1]}:{match[2]}".encode() if match else None


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, b"PhotoVault/v1/fingerprint", "sha256").hex()[:16]


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, b"PhotoVault/v1/purpose:" + purpose.encode()).derive(secret)
