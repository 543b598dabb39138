"""A person's account: its sessions, name, address and password, and its end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from photovault import account_security, accounts, activity, devices, sessions, tokens, users
from photovault.api.auth import Code, Email, Name, NewPassword, Password, Verified, shown
from photovault.api.edge import CurrentLoggedIn, client_address
from photovault.api.schemas import CONFLICT, NOT_FOUND, Responses, Schema
from photovault.errors import Invalid, NotFound, PersonGone

router = APIRouter(prefix="/auth", tags=["auth"])

THROTTLED: Responses = {429: {}}
DELETED = (
    "Your account is deleted. The keys of your photos are destroyed: nobody can open them any more. The sealed files "
    "and everything else about you are being removed now. Backups of this vault's database may hold the keys until "
    "they expire; whoever restores one deletes your account from it again."
)


class Session(Schema):
    id: UUID
    device: str | None = Field(description="Read from `user_agent`.", examples=["Firefox on Linux"])
    user_agent: str | None = Field(description="What the device's program called itself.")
    method: sessions.Method = Field(
        description="What it began with: the password alone, or with a code of the authenticator or a recovery code."
    )
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class Sessions(Schema):
    items: list[Session]
    next_cursor: None = None


class AccountEdit(Schema):
    name: Name | None = None
    email: Email | None = Field(None, description="Wants `password`, for it is what one logs in with.")
    password: Password | None = None
    code: Code = None


class PasswordChange(Schema):
    current: Password
    new: NewPassword
    code: Code = None
    revoke_api_keys: bool = Field(False, description="End all API keys with it.")
    remove_webhooks: bool = Field(False, description="Remove all webhooks with it.")
    revoke_shares: bool = Field(False, description="End all share links with it.")


class PasswordChanged(Schema):
    sessions_ended: int = Field(description="On other devices. This one stays logged in.")
    api_keys: int = Field(description="How many API keys go on working. Revoke those that you do not know.")
    webhooks: int = Field(description="How many webhooks are there still. Remove those that you do not know.")
    shares: int = Field(description="How many share links open something still. End those that you do not know.")
    api_keys_revoked: int
    webhooks_removed: int
    shares_revoked: int


class Proof(Schema):
    password: Password
    code: Code = None


class Proven(Schema):
    proof: str = Field(
        description="For what asks for a `proof`, in this session alone.", examples=["eyJhbGc.eyJpc3M.c2ln"]
    )
    expires_in: int = Field(description="Seconds until it is good for nothing.", examples=[300])


class Deletion(Schema):
    password: Password
    code: Code = None


class Deleted(Schema):
    erased_at: datetime = Field(description="Since then nothing of the account can be opened.")
    detail: str = Field(examples=[DELETED])


@router.get("/sessions", operation_id="listSessions")
def list_sessions(person: CurrentLoggedIn) -> Sessions:
    """The sessions that have not ended, latest used first."""
    with person.transaction() as conn:
        found = sessions.active(conn)
    return Sessions(
        items=[
            Session(
                id=s.id,
                device=devices.named(s.user_agent),
                user_agent=s.user_agent,
                method=s.method,
                created_at=s.created_at,
                last_used_at=s.last_used_at,
                expires_at=s.expires_at,
                current=s.id == person.session_id,
            )
            for s in found
        ]
    )


@router.delete("/sessions/{session_id}", status_code=204, operation_id="endSession", responses=NOT_FOUND)
def end_session(person: CurrentLoggedIn, session_id: Annotated[UUID, Path()]) -> Response:
    """End one session, on whatever device it is."""
    with person.transaction() as conn:
        if not sessions.revoke(conn, session_id, because="ended by the person"):
            raise NotFound("There is no such session.")
        activity.record(conn, "session-ended")
    return Response(status_code=204)


@router.delete("/sessions", status_code=204, operation_id="endOtherSessions")
def end_other_sessions(person: CurrentLoggedIn) -> Response:
    """End every session but this one."""
    with person.transaction() as conn:
        ended = sessions.revoke_all(conn, because="ended by the person", but=person.session_id)
        activity.record(conn, "session-ended", sessions=ended)
    return Response(status_code=204)


@router.patch("/account", operation_id="editAccount", summary="Change name or address", responses=CONFLICT | THROTTLED)
def edit_account(person: CurrentLoggedIn, body: AccountEdit, request: Request) -> Verified:
    """Change the name, or the e-mail address that one logs in with; for that the password is asked for once more."""
    if body.email is not None:
        if body.password is None:
            raise Invalid(
                "Another address wants your password.", [("password", "Give it to change the e-mail address.")]
            )
        account_security.change_email(
            person.user_id,
            person.session_id,
            email=body.email,
            password=body.password,
            code=body.code,
            address=client_address(request),
        )
    with person.transaction() as conn:
        if body.name is not None:
            users.lock(conn)
            users.set_name(conn, body.name)
        user = users.get(conn)
    if user is None:
        raise PersonGone
    return Verified(user=shown(user))


@router.post("/password", operation_id="changePassword", summary="Change the password", responses=THROTTLED)
def change_password(person: CurrentLoggedIn, body: PasswordChange, request: Request) -> PasswordChanged:
    """Change the password. Every other session ends.

    API keys, webhooks and share links go on, because programs and visitors have them, unless they are to end with it:
    look through them when somebody else knew the password. Photos stay as they are: none of the vault's keys hangs on a
    password.
    """
    changed = account_security.change_password(
        person.user_id,
        person.session_id,
        current=body.current,
        new=body.new,
        code=body.code,
        address=client_address(request),
        revoke_api_keys=body.revoke_api_keys,
        remove_webhooks=body.remove_webhooks,
        revoke_shares=body.revoke_shares,
    )
    return PasswordChanged.model_validate(changed, from_attributes=True)


@router.post("/proof", operation_id="giveProof", summary="Prove that it is you", responses=THROTTLED)
def give_proof(person: CurrentLoggedIn, body: Proof, request: Request) -> Proven:
    """Give the password once more, and a code where two-step log-in is on, and get a `proof` for making a webhook.

    It is good for five minutes and more than one request, in this session alone.
    """
    proof = account_security.give_proof(
        person.user_id,
        person.session_id,
        password=body.password,
        code=body.code,
        address=client_address(request),
    )
    return Proven(proof=proof, expires_in=int(tokens.PROOF_LIFETIME.total_seconds()))


@router.delete("/account", status_code=202, operation_id="deleteAccount", responses={429: {}})
def delete_account(person: CurrentLoggedIn, body: Deletion, request: Request) -> Deleted:
    """Delete the account and everything in it, at once and for good. Export what you want to keep first.

    The password is asked for once more. Every session and API key ends, and the e-mail address is free again.
    """
    erased_at = accounts.delete(
        person.user_id,
        person.session_id,
        password=body.password,
        code=body.code,
        address=client_address(request),
    )
    return Deleted(erased_at=erased_at, detail=DELETED)
