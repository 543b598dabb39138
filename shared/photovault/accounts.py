"""Signing up, logging in, staying logged in, leaving: what the auth function does, without HTTP.

Hashing a password takes tens of milliseconds and happens outside transactions. An unknown e-mail costs the same as a
known one. Attempts are counted in a transaction of their own, so that a failed one still counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import (
    activity,
    db,
    ids,
    one_time_codes,
    passwords,
    second_factors,
    sessions,
    throttles,
    tokens,
    users,
)
from photovault.errors import (
    Conflict,
    Invalid,
    PasswordWrong,
    PersonGone,
    SecondFactorNeeded,
    SecondFactorWrong,
    Unauthenticated,
)
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

# A person who mistypes waits seconds; a list of a million passwords takes months from one address.
LOGIN_PAIR = throttles.Bucket("login-pair", capacity=10, seconds=15)
LOGIN_ACCOUNT = throttles.Bucket("login-account", capacity=100, seconds=6)
LOGIN_ADDRESS = throttles.Bucket("login-address", capacity=60, seconds=2)
SIGNUP_ADDRESS = throttles.Bucket("signup-address", capacity=60, seconds=5)
# Three of a million codes fit at any moment: whoever has the password needs years to guess one. Recovery codes, which
# nobody guesses, are not held up by it, so that an attacker cannot keep the person out.
SECOND_FACTOR = throttles.Bucket("second-factor", capacity=10, seconds=300)
REFRESH_ADDRESS = throttles.Bucket("refresh-address", capacity=300, seconds=0.5)
WRONG = "The e-mail address or the password is wrong."


@dataclass(frozen=True)
class LoggedIn:
    """A person, the session just started or continued, and its two tokens."""

    user: users.User
    session_id: UUID
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


def normalise_email(text: str) -> tuple[str, str]:
    """The address as it is written to, and the key by which it is unique. Raises ``Invalid``.

    Upper and lower case are one address: no provider of today keeps them apart, and people mix them.
    """
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise Invalid("The e-mail address is not valid.", [("email", str(error))]) from None
    return found.normalized, (found.ascii_email or found.normalized).casefold()


def sign_up(*, email: str, password: str, name: str, address: str, user_agent: str | None) -> LoggedIn:
    """Make an account and log in. Raises ``Invalid``, ``Conflict`` (known e-mail), ``TooManyRequests``."""
    display, key = normalise_email(email)
    with db.before_login() as conn:
        throttles.pour(conn, SIGNUP_ADDRESS, address)
    with db.before_login() as conn:
        known = users.find_account(conn, key) is not None
    if known:
        raise Conflict("There is already an account with this e-mail address; log in instead.")
    hashed = passwords.hash_password(password)
    signer = signing_key()
    now = datetime.now(UTC)
    with db.transaction(ids.new()) as conn:
        user = users.create(
            conn,
            email=display,
            email_key=key,
            name=name,
            password_hash=hashed,
            quota_bytes=get_settings().default_quota_bytes,
        )
        session_id, refresh_token = sessions.start(conn, user_agent=user_agent, now=now)
        activity.record(conn, "sign-up")
    return _logged_in(user, session_id, refresh_token, signer, now)


def log_in(*, email: str, password: str, address: str, user_agent: str | None, code: str | None = None) -> LoggedIn:
    """Raises ``Unauthenticated`` (the same for an unknown e-mail and a wrong password) or ``TooManyRequests``.

    Raises ``SecondFactorNeeded`` and ``SecondFactorWrong``, too, but only to who knows the password.
    """
    try:
        _, key = normalise_email(email)
    except Invalid:
        key = email.strip().casefold().replace("\x00", "\ufffd")  # which Postgres does not take
    _count_attempt(key, address)
    account = _verified(key, password)
    method = _second_step(account.user_id, code, user_agent=user_agent)
    signer = signing_key()
    now = datetime.now(UTC)
    while True:
        rehashed = passwords.hash_password(password) if passwords.needs_rehash(account.password_hash) else None
        with db.transaction(account.user_id) as conn:
            # Whoever changes the password ends all sessions: this one begins before that, or not at all.
            user = users.get(conn) if users.lock_with(conn, account.password_hash) else None
            if user is not None:
                if rehashed:
                    users.set_password_hash(conn, rehashed)
                session_id, refresh_token = sessions.start(conn, user_agent=user_agent, now=now, method=method)
                activity.record(conn, "log-in", user_agent=(user_agent or "")[:300], method=method)
                forgive(conn, key, address)
                break
        # There is another hash by now: of another password, or of this one, made anew.
        was, account = account, _verified(key, password)
        if account.user_id != was.user_id:  # whose second step nobody has seen
            raise Unauthenticated(WRONG)
    return _logged_in(user, session_id, refresh_token, signer, now)


def refresh(refresh_token: str, *, address: str) -> LoggedIn:
    """Trade a refresh token for new tokens, once. A spent token that comes back ends the whole session.

    Raises ``Unauthenticated``, ``TooManyRequests``.
    """
    with db.before_login() as conn:
        throttles.pour(conn, REFRESH_ADDRESS, address)
        found = sessions.find_refresh(conn, refresh_token)
    if found is None:
        raise Unauthenticated("The refresh token is not known; log in again.")
    signer = signing_key()
    now = datetime.now(UTC)
    with db.transaction(found.user_id) as conn:
        user = users.get(conn)
        if user is not None and sessions.use_refresh(conn, refresh_token, now=now):
            renewed = sessions.add_refresh(conn, found.session_id, now=now)
            return _logged_in(user, found.session_id, renewed, signer, now)
        reused = sessions.was_spent(conn, refresh_token)
        if reused and sessions.revoke(conn, found.session_id, because="a refresh token was used twice"):
            activity.record(conn, "session-revoked", because="a refresh token was used twice")
    if reused:
        raise Unauthenticated("This refresh token was already used, so its session was ended; log in again.")
    raise Unauthenticated("The session has ended; log in again.")


def prove(user_id: UUID, session_id: UUID, *, password: str, code: str | None, address: str) -> users.Credentials:
    """That whoever is logged in is the person: by the password, and by a code where log-in asks for one.

    Attempts count as those of log-in do, for the same password can be guessed. Raises ``PasswordWrong``,
    ``SecondFactorNeeded``, ``SecondFactorWrong``, ``Unauthenticated`` (a session that has ended, an account that is
    gone) or ``TooManyRequests``.
    """
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        known = users.credentials(conn)
    _count_attempt(known.email_key, address)
    if not passwords.verify(known.password_hash, password):
        raise PasswordWrong
    _second_step(user_id, code, user_agent=None)
    return known


def delete(user_id: UUID, session_id: UUID, *, password: str, address: str, code: str | None = None) -> datetime:
    """Delete the account for good. Returns when: the same instant, nothing of it can be opened any more.

    What is left to remove is removed by maintenance. Raises what ``prove`` raises.
    """
    from photovault import erasures, keyring
    from photovault.pipeline import erasing

    known = prove(user_id, session_id, password=password, code=code, address=address)
    now = datetime.now(UTC)
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        if not erasures.erase(conn, at=now):
            raise PersonGone
        # They are hashes of the address that is to be forgotten, and in the way of whoever signs up with it again.
        forgive(conn, known.email_key, address)
        throttles.empty(conn, LOGIN_ACCOUNT, known.email_key)
    keyring.forget()
    erasing.begin(user_id, now)
    return now


# --------------------------------------------------------------------------------------------- what all of them need


def _verified(email_key: str, password: str) -> users.Account:
    """The account of that address. Raises ``Unauthenticated``, after as much work for an unknown as for a known one."""
    with db.before_login() as conn:
        account = users.find_account(conn, email_key)
    if not passwords.verify(account.password_hash if account else None, password) or account is None:
        raise Unauthenticated(WRONG)
    return account


def _second_step(user_id: UUID, code: str | None, *, user_agent: str | None) -> sessions.Method:
    """What log-in asks for after the password. A wrong code is told to the person: somebody knows the password."""
    with db.transaction(user_id) as conn:
        if not second_factors.is_on(conn):
            return "password"
    if not code or not code.strip():
        raise SecondFactorNeeded
    if not one_time_codes.is_recovery_code(code):
        count_code(user_id)
    with db.transaction(user_id) as conn:
        users.lock(conn)
        method = second_factors.accept(conn, code, sealing_keys(), now=datetime.now(UTC))
        if method is None:
            activity.record(conn, "second-factor-refused", user_agent=(user_agent or "")[:300])
        elif method == "recovery-code":
            activity.record(conn, "recovery-code-used", left=second_factors.state(conn).recovery_codes_left)
        else:
            throttles.empty(conn, SECOND_FACTOR, str(user_id))
    if method is None:
        raise SecondFactorWrong
    return method


def count_code(user_id: UUID) -> None:
    """Raises ``TooManyRequests``."""
    with db.before_login() as conn:
        throttles.pour(conn, SECOND_FACTOR, str(user_id))


def sealing_keys() -> one_time_codes.SealingKeys:
    settings = get_settings()
    settings.require("jwt_secret")
    return one_time_codes.SealingKeys(settings.jwt_secrets)


def _count_attempt(email_key: str, address: str) -> None:
    """Raises ``TooManyRequests``."""
    with db.before_login() as conn:
        throttles.pour(conn, LOGIN_ADDRESS, address)
        throttles.pour(conn, LOGIN_PAIR, _pair(email_key, address))
        throttles.pour(conn, LOGIN_ACCOUNT, email_key)


def forgive(conn: Connection, email_key: str, address: str) -> None:
    """Forget the failures before a success."""
    throttles.empty(conn, LOGIN_PAIR, _pair(email_key, address))


def _pair(email_key: str, address: str) -> str:
    return f"{email_key}|{address}"


def signing_key() -> tokens.SigningKey:
    settings = get_settings()
    settings.require("jwt_secret")
    return tokens.SigningKey.from_secret(settings.jwt_secrets[0])


def _logged_in(
    user: users.User, session_id: UUID, refresh_token: str, signer: tokens.SigningKey, now: datetime
) -> LoggedIn:
    access_token = tokens.sign(signer, user_id=user.id, session_id=session_id, now=now)
    return LoggedIn(user, session_id, access_token, refresh_token, int(tokens.LIFETIME.total_seconds()))
