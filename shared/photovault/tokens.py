"""Access tokens: JWTs signed with Ed25519 (RFC 8037), living ten minutes, tied to a session that can be revoked.

A proof is a second kind of the same: that whoever has the session has just given the password, and a code where log-in
asks for one. Functions that know neither ask for it before what would outlive the session.

The private key is derived from a secret that only the auth function holds; the public keys are published in the
database. ``kid`` is a fingerprint of the public key, so that a list of secrets can be rotated without a flag day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from photovault.errors import Unauthenticated

ISSUER = "photovault"
LIFETIME = timedelta(minutes=10)
# Long enough to mend what was wrong with the rest of a form, without another code.
PROOF_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True)
class Kind:
    """What a token is good for: its type and audience, so that none is taken for another, and how long."""

    type: str
    audience: str
    lifetime: timedelta


ACCESS = Kind("at+jwt", "photovault-api", LIFETIME)
PROOF = Kind("proof+jwt", "photovault-proof", PROOF_LIFETIME)


@dataclass(frozen=True)
class Claims:
    """Who a token speaks for, and the session that it ends with."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True, repr=False)
class SigningKey:
    private: Ed25519PrivateKey

    @classmethod
    def from_secret(cls, secret: str) -> SigningKey:
        """HKDF-SHA-256 of the secret; the info string keeps it apart from any other use of the same secret."""
        seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"PhotoVault/v1/access-token").derive(secret.encode())
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @cached_property
    def public_bytes(self) -> bytes:
        """32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def kid(self) -> str:
        return hashlib.sha256(self.public_bytes).hexdigest()[:16]


def sign(key: SigningKey, *, user_id: UUID, session_id: UUID, now: datetime, kind: Kind = ACCESS) -> str:
    """A token for one person and session, valid from ``now`` for the lifetime of its kind."""
    import jwt

    claims = {
        "iss": ISSUER,
        "aud": kind.audience,
        "sub": str(user_id),
        "sid": str(session_id),
        "iat": int(now.timestamp()),
        "exp": int((now + kind.lifetime).timestamp()),
    }
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid, "typ": kind.type})


def key_id(token: str, *, kind: Kind = ACCESS) -> str:
    """The ``kid`` that a token names. Raises ``Unauthenticated`` when it is no token of ours."""
    import jwt

    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Unauthenticated("The access token cannot be read; log in again.") from None
    kid = header.get("kid")
    if header.get("alg") != "EdDSA" or header.get("typ") != kind.type or not isinstance(kid, str):
        raise Unauthenticated("The access token is of another kind; log in again.")
    return kid


def verify(token: str, public_keys: Mapping[str, bytes], *, now: datetime, kind: Kind = ACCESS) -> Claims:
    """The claims of a valid token. ``public_keys`` maps kid to 32 bytes. Raises ``Unauthenticated``."""
    import jwt

    public = public_keys.get(key_id(token, kind=kind))
    if public is None:
        raise Unauthenticated("The access token was signed with a key that is no longer used; log in again.")
    try:
        claims = jwt.decode(
            token,
            Ed25519PublicKey.from_public_bytes(public),
            algorithms=["EdDSA"],
            audience=kind.audience,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "sid"], "verify_exp": False, "verify_iat": False},
        )
        expires_at = datetime.fromtimestamp(int(claims["exp"]), tz=now.tzinfo)
        user_id, session_id = UUID(claims["sub"]), UUID(claims["sid"])
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise Unauthenticated("The access token is not valid; log in again.") from None
    if now >= expires_at:
        raise Unauthenticated("The access token has expired; refresh it.")
    return Claims(user_id, session_id, expires_at)
