"""Signing up, logging in, staying logged in, leaving: what the auth function does, without HTTP.

Hashing a password takes tens of milliseconds and happens outside transactions. An unknown e-mail costs the same as a
known one. Attempts are counted in a transaction of their own, so that a failed one still counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from photovault import activity, db, ids, passwords, sessions, throttles, tokens, users
from photovault.errors import Conflict, Invalid, PersonGone, Unauthenticated
from photovault.settings import get_settings

# A person who mistypes waits seconds; a list of a million passwords takes months from one address.
LOGIN_PAIR = throttles.Bucket("login-pair", capacity=10, seconds=15)
LOGIN_ACCOUNT = throttles.Bucket("login-account", capacity=100, seconds=6)
LOGIN_ADDRESS = throttles.Bucket("login-address", capacity=60, seconds=2)
SIGNUP_ADDRESS = throttles.Bucket("signup-address", capacity=60, seconds=5)
REFRESH_ADDRESS = throttles.Bucket("refresh-address", capacity=300, seconds=0.5)


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
    signing_key = _signing_key()
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
    return _logged_in(user, session_id, refresh_token, signing_key, now)


def log_in(*, email: str, password: str, address: str, user_agent: str | None) -> LoggedIn:
    """Raises ``Unauthenticated`` (the same for an unknown e-mail and a wrong password) or ``TooManyRequests``."""
    try:
        _, key = normalise_email(email)
    except Invalid:
        key = email.strip().casefold().replace("\x00", "\ufffd")  # which Postgres does not take
    _count_attempt(key, address)
    with db.before_login() as conn:
        account = users.find_account(conn, key)
    if not passwords.verify(account.password_hash if account else None, password) or account is None:
        raise Unauthenticated("The e-mail address or the password is wrong.")
    signing_key = _signing_key()
    rehashed = passwords.hash_password(password) if passwords.needs_rehash(account.password_hash) else None
    now = datetime.now(UTC)
    with db.transaction(account.user_id) as conn:
        user = users.get(conn)
        if user is None:
            raise Unauthenticated("The e-mail address or the password is wrong.")
        if rehashed:
            users.set_password_hash(conn, rehashed)
        session_id, refresh_token = sessions.start(conn, user_agent=user_agent, now=now)
        activity.record(conn, "log-in", user_agent=(user_agent or "")[:300])
        throttles.empty(conn, LOGIN_PAIR, _pair(key, address))
    return _logged_in(user, session_id, refresh_token, signing_key, now)


def refresh(refresh_token: str, *, address: str) -> LoggedIn:
    """Trade a refresh token for new tokens, once. A spent token that comes back ends the whole session.

    Raises ``Unauthenticated``, ``TooManyRequests``.
    """
    with db.before_login() as conn:
        throttles.pour(conn, REFRESH_ADDRESS, address)
        found = sessions.find_refresh(conn, refresh_token)
    if found is None:
        raise Unauthenticated("The refresh token is not known; log in again.")
    signing_key = _signing_key()
    now = datetime.now(UTC)
    with db.transaction(found.user_id) as conn:
        user = users.get(conn)
        if user is not None and sessions.use_refresh(conn, refresh_token, now=now):
            renewed = sessions.add_refresh(conn, found.session_id, now=now)
            return _logged_in(user, found.session_id, renewed, signing_key, now)
        reused = sessions.was_spent(conn, refresh_token)
        if reused and sessions.revoke(conn, found.session_id, because="a refresh token was used twice"):
            activity.record(conn, "session-revoked", because="a refresh token was used twice")
    if reused:
        raise Unauthenticated("This refresh token was already used, so its session was ended; log in again.")
    raise Unauthenticated("The session has ended; log in again.")


def delete(user_id: UUID, session_id: UUID, *, password: str, address: str) -> datetime:
    """Delete the account for good, after its password was given once more. Returns when: the same instant, nothing of
    it can be opened any more.

    What is left to remove is removed by maintenance. Attempts count as those of log-in do, for the same password can
    be guessed. Raises ``Unauthenticated`` (a wrong password, a session that has ended, an account that is gone) or
    ``TooManyRequests``.
    """
    from photovault import erasures, keyring
    from photovault.pipeline import erasing

    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        known = users.credentials(conn)
    _count_attempt(known.email_key, address)
    if not passwords.verify(known.password_hash, password):
        raise Unauthenticated("The password is wrong.")
    now = datetime.now(UTC)
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        if not erasures.erase(conn, at=now):
            raise PersonGone
        # They are hashes of the address that is to be forgotten, and in the way of whoever signs up with it again.
        throttles.empty(conn, LOGIN_PAIR, _pair(known.email_key, address))
        throttles.empty(conn, LOGIN_ACCOUNT, known.email_key)
    keyring.forget()
    erasing.begin(user_id, now)
    return now


def _count_attempt(email_key: str, address: str) -> None:
    """Raises ``TooManyRequests``."""
    with db.before_login() as conn:
        throttles.pour(conn, LOGIN_ADDRESS, address)
        throttles.pour(conn, LOGIN_PAIR, _pair(email_key, address))
        throttles.pour(conn, LOGIN_ACCOUNT, email_key)


def _pair(email_key: str, address: str) -> str:
    return f"{email_key}|{address}"


def _signing_key() -> tokens.SigningKey:
    settings = get_settings()
    settings.require("jwt_secret")
    return tokens.SigningKey.from_secret(settings.jwt_secrets[0])


def _logged_in(
    user: users.User, session_id: UUID, refresh_token: str, signing_key: tokens.SigningKey, now: datetime
) -> LoggedIn:
    access_token = tokens.sign(signing_key, user_id=user.id, session_id=session_id, now=now)
    return LoggedIn(user, session_id, access_token, refresh_token, int(tokens.LIFETIME.total_seconds()))
