"""What a person proves who they are with, and how they change it: password, e-mail address, second factor.

Each of these asks for the password once more, and for a code where log-in asks for one: whoever finds an open browser
must not be able to keep the vault. Nothing here is for API keys. Only an operator is not asked: ``reset_password``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from photovault import accounts, activity, api_keys, db, passwords, second_factors, sessions, throttles, users
from photovault.errors import Conflict, SecondFactorWrong, Unauthenticated


@dataclass(frozen=True)
class PasswordChanged:
    """How many sessions ended, and how many API keys go on: programs have them, not whoever knows a password."""

    sessions_ended: int
    api_keys: int


def change_password(
    user_id: UUID, session_id: UUID, *, current: str, new: str, address: str, code: str | None = None
) -> PasswordChanged:
    """Another password, and the end of all sessions but this one. No key of the vault hangs on a password.

    Raises what ``accounts.prove`` raises.
    """
    known = accounts.prove(user_id, session_id, password=current, code=code, address=address)
    hashed = passwords.hash_password(new)
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        if not users.lock_with(conn, known.password_hash):
            raise Unauthenticated("The password was changed meanwhile.")
        users.set_password_hash(conn, hashed)
        ended = sessions.revoke_all(conn, because="the password was changed", but=session_id)
        activity.record(conn, "password-changed", sessions=ended)
        accounts.forgive(conn, known.email_key, address)
        return PasswordChanged(ended, api_keys.working(conn))


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
        return PasswordChanged(ended, api_keys.working(conn))


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
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        if not users.lock_with(conn, known.password_hash):
            raise Unauthenticated("The password was changed meanwhile.")
        users.set_email(conn, email=display, email_key=key)
        activity.record(conn, "email-changed")
        accounts.forgive(conn, known.email_key, address)


# -------------------------------------------------------------------------------------------------- the second factor


def begin_second_factor(user_id: UUID, session_id: UUID, *, password: str, address: str) -> bytes:
    """A secret for an authenticator. It is asked for at log-in once ``confirm_second_factor`` has seen a code of it.

    Raises ``Conflict`` while one is in use, and what ``accounts.prove`` raises.
    """
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        if second_factors.is_on(conn):
            raise Conflict(second_factors.ON_ALREADY)
    accounts.prove(user_id, session_id, password=password, code=None, address=address)
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        users.lock(conn)
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
    accounts.prove(user_id, session_id, password=password, code=code, address=address)
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        users.lock(conn)
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
    accounts.prove(user_id, session_id, password=password, code=code, address=address)
    with db.transaction(user_id) as conn:
        sessions.require(conn, session_id)
        users.lock(conn)
        if not second_factors.is_on(conn):
            return None
        activity.record(conn, "recovery-codes-renewed")
        return second_factors.renew_recovery_codes(conn, user_id)
