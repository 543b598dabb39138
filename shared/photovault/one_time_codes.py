"""Codes that work once: of an authenticator app (TOTP, RFC 6238), and for when it is lost. Pure.

TOTP is what every authenticator understands: HMAC-SHA-1 of the number of 30-second steps since 1970, six digits. The
algorithm is ten lines over ``hmac``; a library would not know which steps were used before, which is the other half.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlencode
from uuid import UUID

from photovault.errors import Tampered, Unavailable

ISSUER = "PhotoVault"
STEP_SECONDS = 30
DIGITS = 6
# Clocks of telephones go wrong by less; RFC 6238 recommends one step.
DRIFT_STEPS = 1
SECRET_BYTES = 20  # what RFC 4226 recommends: the length of a SHA-1
RECOVERY_CODES = 10

# Crockford's base 32 (https://www.crockford.com/base32.html): no letter that is read for another.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS = str.maketrans("oil", "011", " -\t\r\n")
_RECOVERY_CODE = re.compile(rf"[{_LETTERS}]{{16}}", re.ASCII)  # 80 bits
_KEY_INFO = b"PhotoVault/v1/second-factor"
_NONCE_BYTES = 12


# ----------------------------------------------------------------------------------------------------------- TOTP


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """The code of one step (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 15
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: bytes, code: str, *, now: datetime, after: int) -> int | None:
    """The step of which this is the code: the one of now or its neighbours, and later than ``after``. None for none.

    All of them are compared, in constant time.
    """
    given = typed(code).encode("utf-8", "replace")
    found = None
    for step in range(step_of(now) - DRIFT_STEPS, step_of(now) + DRIFT_STEPS + 1):
        fits = hmac.compare_digest(code_at(secret, step).encode(), given)
        if fits and step > after:
            found = step
    return found


def uri(secret: bytes, email: str) -> str:
    """What a QR code of it tells an authenticator: https://github.com/google/google-authenticator/wiki/Key-Uri-Format."""
    label = f"{ISSUER}:{quote(email, safe='@')}"
    query = urlencode(
        {"secret": as_text(secret), "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS}
    )
    return f"otpauth://totp/{label}?{query}"


def as_text(secret: bytes) -> str:
    """Base 32, as one types it into an authenticator."""
    return base64.b32encode(secret).decode().rstrip("=")


# ---------------------------------------------------------------------------------------------------------- as typed


def typed(code: str) -> str:
    """A code without what people put between its letters, and with its letters as they were meant."""
    return code.casefold().translate(_READ_AS)


def is_recovery_code(code: str) -> bool:
    return _RECOVERY_CODE.fullmatch(typed(code)) is not None


def new_recovery_codes() -> list[str]:
    """Ten of 80 random bits each, such as ``7k3m-qx9d-0vtn-c5rz``."""
    codes: set[str] = set()
    while len(codes) < RECOVERY_CODES:
        codes.add(new_code())
    return sorted(codes)


def new_code() -> str:
    """80 random bits that can be read out over a telephone."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(code[at : at + 4] for at in range(0, 16, 4))


def hash_recovery_code(user_id: UUID, code: str) -> bytes:
    """SHA-256: 80 random bits are in no dictionary. With the person's id, so that nobody looks for all people's."""
    return hashlib.sha256(user_id.bytes + typed(code).encode("utf-8", "replace")).digest()


# ------------------------------------------------------------------------------------------------------------ at rest


@dataclass(frozen=True)
class Sealed:
    """A secret at rest, and the fingerprint of the key that it is sealed by."""

    token: bytes
    sealed_by: str


@dataclass(frozen=True)
class SealingKeys:
    """Keys for secrets at rest, made from ``JWT_SECRET``, newest first: the first seals, all of them open.

    That is what the auth function holds and nobody else; the master key, which opens photos, it is not given. Whoever
    steals JWT_SECRET can sign tokens anyway.
    """

    jwt_secrets: Sequence[str] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Names the key that seals."""
        return _fingerprint(_key(self.jwt_secrets[0]))

    def seal(self, secret: bytes, *, user_id: UUID) -> Sealed:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key, nonce = _key(self.jwt_secrets[0]), secrets.token_bytes(_NONCE_BYTES)
        return Sealed(nonce + AESGCM(key).encrypt(nonce, secret, user_id.bytes), _fingerprint(key))

    def open(self, sealed: Sealed, *, user_id: UUID) -> bytes:
        """Raises ``Tampered`` for what is altered or another person's, ``Unavailable`` without the key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        for key in map(_key, self.jwt_secrets):
            if _fingerprint(key) == sealed.sealed_by:
                nonce, rest = sealed.token[:_NONCE_BYTES], sealed.token[_NONCE_BYTES:]
                try:
                    return AESGCM(key).decrypt(nonce, rest, user_id.bytes)
                except (InvalidTag, ValueError):
                    raise Tampered("A second factor does not open: it was altered, or is another person's.") from None
        raise Unavailable(
            "Codes of your authenticator cannot be checked right now. Use a recovery code, or try again in a minute."
        )


def _key(jwt_secret: str) -> bytes:
    """32 bytes by HKDF-SHA-256, which the signing key cannot be told from, nor they from it."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, None, _KEY_INFO).derive(jwt_secret.encode())


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, b"PhotoVault/v1/fingerprint", "sha256").hex()[:16]
