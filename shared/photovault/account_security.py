"""What a person proves who they are with, and how they change it: password, e-mail address, second factor.

Each of these asks for the password once more, and for a code where log-in asks for one: whoever finds an open browser
must not be able to keep the vault. So does what would go on without the session and after another password: an API key,
and a webhook, whose function gets a proof for it. Nothing here is for API keys. Only an operator is not asked:
``reset_password``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import (
    accounts,
    activity,
    api_keys,
    db,
    passwords,
    second_factors,
    sessions,
    shares,
    throttles,
    tokens,
    users,
    webhooks,
)
from photovault.errors import Conflict, SecondFactorWrong, Unauthenticated

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class PasswordChanged:
    """How many sessions, API keys, webhooks and share links ended, and how many of the latter three go on.

    Programs and visitors have those, not whoever knows a password.
    """

    sessions_ended: int
    api_keys: int
    webhooks: int
    shares: int
    api_keys_revoked: int = 0
    webhooks_removed: int = 0
    shares_revoked: int = 0


@contextmanager
def _proven(user_id: UUID, session_id: UUID, known: users.Credentials, address: str) -> Iterator[Connection]:
    """A transaction of somebody who has just proven who they are, with their row locked.

    Raises ``Unauthenticated`` when the session ended meanwhile, or the password became another one.
    """
    with db.transaction(user_id) as conn:
        if not users.lock_with(conn, known.password_hash):
            raise Unauthenticated("The password was changed meanwhile.")
        sessions.require(conn, session_id)  # behind the lock: it may have been ended by whoever held that
        yield conn
        accounts.forgive(conn, known.email_key, address)


def change_password(
    user_id: UUID,
    session_id: UUID,
    *,
    current: str,
    new: str,
    address: str,
    code: str | None = None,
    revoke_api_keys: bool = False,
    remove_webhooks: bool = False,
    revoke_shares: bool = False,
) -> PasswordChanged:
    """Another password, and the end of all sessions but this one. No key of the vault hangs on a password.

    API keys, webhooks and share links go on unless they are to end with it. Raises what ``accounts.prove`` raises.
    """
    known = accounts.prove(user_id, session_id, password=current, code=code, address=address)
    hashed = passwords.hash_password(new)
    with _proven(user_id, session_id, known, address) as conn:
        users.set_password_hash(conn, hashed)
        ended = sessions.revoke_all(conn, because="the password was changed", but=session_id)
        activity.record(conn, "password-changed", sessions=ended)
        revoked = api_keys.revoke_all(conn) if revoke_api_keys else []
        for name in revoked:
            activity.record(conn, "api-key-revoked", name=name)
        removed = webhooks.remove_all(conn) if remove_webhooks else []
        for webhook_id, description in removed:
            activity.record(conn, "webhook-removed", webhook_id=str(webhook_id), description=description)
        closed = shares.revoke_all(conn) if revoke_shares else []
        for share_id, title in closed:
            activity.record(conn, "share-revoked", share_id=str(share_id), title=title)
        return PasswordChanged(
            sessions_ended=ended,
            api_keys=api_keys.working(conn),
            webhooks=webhooks.count(conn),
            shares=shares.working(conn),
            api_keys_revoked=len(revoked),
            webhooks_removed=len(removed),
            shares_revoked=len(closed),
        )


def reset_password(user_id: UUID, *, new: str) -> PasswordChanged:
    """Another password for somebody who has forgotten theirs, and the end of all sessions: what an operator does.

    Log-in asks for the second factor as before. Raises ``PersonGone``.
    """
    hashed = passwords.hash_password(new)
    with db.transaction(user_id) as conn:
        users.lock(conn)
        users.set_password_hash(conn, hashed)
        ended = sessions.revoke_all(conn, because="the operator set another password")
        activity.record(conn, "password-changed", sessions=ended, by="operator")
        return PasswordChanged(
            sessions_ended=ended,
            api_keys=api_keys.working(conn),
            webhooks=webhooks.count(conn),
            shares=shares.working(conn),
        )


def change_email(
    user_id: UUID, session_id: UUID, *, email: str, password: str, address: str, code: str | None = None
) -> None:
    """Another address to log in with.

    Raises what ``accounts.prove`` raises, ``Invalid``, and ``Conflict`` for an address that has an account.
    """
    display, key = accounts.normalise_email(email)
    known = accounts.prove(user_id, session_id, password=password, code=code, address=address)
    with db.before_login() as conn:  # as at sign-up: else one could ask here who has an account
        throttles.pour(conn, accounts.SIGNUP_ADDRESS, address)
    with _proven(user_id, session_id, known, address) as conn:
        users.set_email(conn, email=display, email_key=key)
        activity.record(conn, "email-changed")


# -------------------------------------------------------------------------------------- what goes on without a session


def give_proof(user_id: UUID, session_id: UUID, *, password: str, address: str, code: str | None = None) -> str:
    """A token that says so, for functions that know no passwords, in this session alone.

    Raises what ``accounts.prove`` raises.
    """
    known = accounts.prove(user_id, session_id, password=password, code=code, address=address)
    signer = accounts.signing_key()
    with _proven(user_id, session_id, known, address):
        return tokens.sign(signer, user_id=user_id, session_id=session_id, now=datetime.now(UTC), kind=tokens.PROOF)


def make_api_key(
    user_id: UUID,
    session_id: UUID,
    *,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    password: str,
    address: str,
    code: str | None = None,
) -> api_keys.Made:
    """A key for a program. Raises what ``accounts.prove`` raises, and ``Conflict`` for one too many."""
    with db.transaction(user_id) as conn:  # before a code is used up for nothing
        sessions.require(conn, session_id)
        api_keys.require_room(conn)
    known = accounts.prove(user_id, session_id, password=password, code=code, address=address)
    with _proven(user_id, session_id, known, address) as conn:
        made = api_keys.add(conn, name=name, scopes=scopes, expires_at=expires_at)
        activity.record(conn, "api-key-created", name=made.key.name, hint=made.key.hint, scopes=made.key.scopes)
        return made


# -------------------------------------------------------------------------------------------------- the second factor


def begin_second_factor(user_id: UUID, session_id: UUID, *, password: str, address: str) -> bytes:
    """A secret for an authenticator. It is asked for at log-in once ``confirm_second_factor`` has seen a code of it.

    Raises ``Conflict`` while one is in use, and what ``accounts.prove`` raises.
    """
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        if second_factors.is_on(conn):
            raise Conflict(second_factors.ON_ALREADY)
    known = accounts.prove(user_id, session_id, password=password, code=None, address=address)
    with _proven(user_id, session_id, known, address) as conn:
        return second_factors.begin(conn, user_id, accounts.sealing_keys())


def confirm_second_factor(user_id: UUID, session_id: UUID, *, code: str) -> list[str]:
    """Ask for codes from now on. The recovery codes, which are told this once.

    Raises ``SecondFactorWrong``, ``Conflict`` when there is nothing to confirm, ``TooManyRequests``.
    """
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        # Before it counts: else whoever finds an open browser could use up the attempts of the person's log-in.
        second_factors.require_begun(conn)
    accounts.count_code(user_id)
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        users.lock(conn)
        codes = second_factors.confirm(conn, code, accounts.sealing_keys(), now=datetime.now(UTC))
        if codes is None:
            raise SecondFactorWrong
        activity.record(conn, "second-factor-on")
        throttles.empty(conn, accounts.SECOND_FACTOR, str(user_id))
    return codes


def remove_second_factor(user_id: UUID, session_id: UUID, *, password: str, code: str | None, address: str) -> bool:
    """Ask for no codes any more. False when none were asked for. Raises what ``accounts.prove`` raises."""
    known = accounts.prove(user_id, session_id, password=password, code=code, address=address)
    with _proven(user_id, session_id, known, address) as conn:
        removed = second_factors.remove(conn)
        if removed:
            activity.record(conn, "second-factor-off")
    return removed


def renew_recovery_codes(
    user_id: UUID, session_id: UUID, *, password: str, code: str | None, address: str
) -> list[str] | None:
    """Ten new ones in place of those before; None while log-in asks for no codes.

    Raises what ``accounts.prove`` raises.
    """
    known = accounts.prove(user_id, session_id, password=password, code=code, address=address)
    with _proven(user_id, session_id, known, address) as conn:
        if not second_factors.is_on(conn):
            return None
        activity.record(conn, "recovery-codes-renewed")
        return second_factors.renew_recovery_codes(conn, user_id)
