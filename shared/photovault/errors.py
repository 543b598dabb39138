"""What can go wrong, once.

Every error carries its HTTP status and a stable type; the HTTP edge renders it as RFC 9457 problem+json, and workers
treat the same classes: a ``Rejected`` photo is recorded and acknowledged, anything else goes back to its queue.

    PhotoVaultError
    ├── Invalid            422  fields that cannot be accepted (``fields`` names them)
    │   └── BadCursor      422
    ├── Unauthenticated    401
    │   ├── SecondFactorNeeded 401  the password was right, and a code is asked for as well
    │   ├── SecondFactorWrong  401  a code that is wrong, past, or used
    │   ├── ProofNeeded    401  what wants the password once more, by way of ``POST /auth/proof``
    │   └── PersonGone     401  the account was deleted
    ├── Forbidden          403
    │   ├── ScopeMissing   403  an API key that may not do this; ``scope`` would let it
    │   └── SessionNeeded  403  what no API key may do
    ├── NotFound           404  not there, or not yours: the same answer
    ├── Conflict           409
    ├── StartAgain         410  a copy of the vault that cannot be brought up to date
    ├── TooLarge           413
    ├── UnsupportedType    415
    ├── RangeNotSatisfiable 416
    ├── TooManyRequests    429  ``retry_after`` in seconds
    ├── QuotaExceeded      413
    ├── Unavailable        503  ``retry_after`` in seconds; a dependency is away
    │   ├── StorageUnavailable
    │   └── MasterKeyMissing   the key that wrapped a person's key is not in MASTER_KEY
    ├── Rejected           422  a photo that cannot be taken; ``reason`` is for the person
    ├── Tampered           500  sealed bytes that do not verify; a security event
    ├── BlobMissing        500  a sealed blob is not where its row says
    └── Misconfigured      500  settings that must not start
"""

from __future__ import annotations

from collections.abc import Sequence


class PhotoVaultError(Exception):
    """Base of all errors that are told to a person. ``detail`` is safe to show, ``fields`` are (location, message).

    ``remedy`` is what to do about it at a command line, where ``detail`` does not say so: a client of ours sets it.
    """

    status = 500
    type = "internal"
    title = "Something went wrong"
    remedy = ""

    def __init__(self, detail: str = "", fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.fields = tuple(fields)

    @property
    def sentence(self) -> str:
        """What is wrong, and what to do about it."""
        return f"{self.detail} {self.remedy}".rstrip()


class Invalid(PhotoVaultError):
    """Input that cannot be accepted."""

    status = 422
    type = "invalid"
    title = "The request cannot be accepted as it is"


class BadCursor(Invalid):
    type = "bad-cursor"
    title = "The cursor is not one that this list gave out"


class Unauthenticated(PhotoVaultError):
    status = 401
    type = "unauthenticated"
    title = "Log in first"


class PasswordWrong(Unauthenticated):
    """Whoever is logged in was asked for the password once more. The session is as good as it was."""

    type = "password-wrong"
    title = "The password is wrong"

    def __init__(self) -> None:
        super().__init__("The password is wrong.")


class SecondFactorNeeded(Unauthenticated):
    type = "second-factor-needed"
    title = "A code is needed as well"

    def __init__(self) -> None:
        super().__init__("Send `code`, too: the six digits that your authenticator shows, or a recovery code.")


class SecondFactorWrong(Unauthenticated):
    type = "second-factor-wrong"
    title = "The code is wrong"

    def __init__(self) -> None:
        super().__init__("The code is wrong, or was used already. Each works once: wait for the next one.")


class ProofNeeded(Unauthenticated):
    type = "proof-needed"
    title = "Prove once more that it is you"

    def __init__(self) -> None:
        super().__init__(
            "Prove once more that it is you: `POST /auth/proof` gives a proof for your password. It is good for five "
            "minutes, in the session that asked for it."
        )


# What is about the proof of who somebody is, and says nothing about the session.
PROOFS = frozenset({PasswordWrong.type, SecondFactorNeeded.type, SecondFactorWrong.type, ProofNeeded.type})


class PersonGone(Unauthenticated, LookupError):
    """The account was deleted, be it in the middle of this piece of work; a worker's next delivery finds nobody."""

    def __init__(self) -> None:
        super().__init__("The account is gone.")


class Forbidden(PhotoVaultError):
    status = 403
    type = "forbidden"
    title = "Not allowed"


class ScopeMissing(Forbidden):
    type = "scope-missing"
    title = "This API key may not do that"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key lacks the scope {scope}.")
        self.scope = scope


class SessionNeeded(Forbidden):
    type = "session-needed"
    title = "No API key may do that"

    def __init__(self) -> None:
        super().__init__("No API key may do this, whatever its scopes: log in.")


class NotFound(PhotoVaultError):
    status = 404
    type = "not-found"
    title = "Not found"


class Conflict(PhotoVaultError):
    status = 409
    type = "conflict"
    title = "This contradicts what is already there"


class StartAgain(PhotoVaultError):
    """What a copy of the vault missed is not known any more; it has to be made anew."""

    status = 410
    type = "start-again"
    title = "The copy is too old to be brought up to date"


class TooLarge(PhotoVaultError):
    status = 413
    type = "too-large"
    title = "Too large"


class QuotaExceeded(TooLarge):
    type = "quota-exceeded"
    title = "The vault is full"


class UnsupportedType(PhotoVaultError):
    status = 415
    type = "unsupported-type"
    title = "This type is not supported"


class RangeNotSatisfiable(PhotoVaultError):
    """A byte range outside the resource; ``size`` is the resource's length in bytes."""

    status = 416
    type = "range-not-satisfiable"
    title = "The range lies outside the file"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.")
        self.size = size


class TooManyRequests(PhotoVaultError):
    status = 429
    type = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str = "", retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(PhotoVaultError):
    status = 503
    type = "unavailable"
    title = "A part of the vault is not reachable right now; try again"

    def __init__(self, detail: str = "", retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StorageUnavailable(Unavailable):
    type = "storage-unavailable"
    title = "The storage is not reachable right now; try again"


class MasterKeyMissing(Unavailable):
    """A key is wrapped by a master key that this process lacks: ``fingerprint``.

    To be tried again, by clients and queues alike: it passes with the roll-out of a new key, or once the operator has
    put a key back that was taken out too early.
    """

    title = "A key of the vault is missing"

    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"The master key {fingerprint} is not in MASTER_KEY here. Put it back, behind the newest one.")
        self.fingerprint = fingerprint


class Rejected(PhotoVaultError):
    """A photo that cannot be taken, for a reason that will not change by trying again."""

    status = 422
    type = "rejected"
    title = "The photo cannot be taken"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Tampered(PhotoVaultError):
    type = "tampered"
    title = "A stored file does not verify; it was not served"


class BlobMissing(PhotoVaultError):
    type = "blob-missing"
    title = "A stored file is missing"


class Misconfigured(PhotoVaultError):
    type = "misconfigured"
    title = "The settings cannot be used"
