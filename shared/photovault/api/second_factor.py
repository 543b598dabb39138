"""Two-step log-in: an authenticator's codes (TOTP), and recovery codes for when it is lost."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from photovault import account_security, one_time_codes, second_factors, users
from photovault.api.account import THROTTLED, Proof
from photovault.api.auth import Password
from photovault.api.edge import CurrentLoggedIn, client_address
from photovault.api.schemas import CONFLICT, NOT_FOUND, Schema
from photovault.errors import NotFound, PersonGone

router = APIRouter(prefix="/auth/totp", tags=["auth"])

NOT_ON = "Two-step log-in is not on."


class State(Schema):
    on: bool = Field(description="Whether log-in asks for a code.")
    since: datetime | None
    recovery_codes_left: int


class Begin(Schema):
    password: Password


class Begun(Schema):
    secret: str = Field(
        description="To type into an authenticator app: base 32, six digits, every 30 seconds.",
        examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"],
    )
    uri: str = Field(
        description="The same for a QR code.",
        examples=[
            "otpauth://totp/PhotoVault:ada@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=PhotoVault"
        ],
    )


class Confirm(Schema):
    code: Annotated[str, Field(max_length=64, examples=["123456"])]


class RecoveryCodes(Schema):
    recovery_codes: list[str] = Field(
        description="Each stands in for the authenticator once. They are told this once and not kept.",
        examples=[["7k3m-qx9d-0vtn-c5rz"]],
    )


@router.get("", operation_id="getSecondFactor", summary="Whether two-step log-in is on")
def get_state(person: CurrentLoggedIn) -> State:
    """Whether log-in asks for a code, since when, and how many recovery codes are left."""
    with person.transaction() as conn:
        found = second_factors.state(conn)
    return State(on=found.since is not None, since=found.since, recovery_codes_left=found.recovery_codes_left)


@router.post("", operation_id="beginSecondFactor", summary="Begin two-step log-in", responses=CONFLICT | THROTTLED)
def begin(person: CurrentLoggedIn, body: Begin, request: Request) -> Begun:
    """A secret for an authenticator app. Nothing changes until a first code of it was sent to `confirm`."""
    secret = account_security.begin_second_factor(
        person.user_id, person.session_id, password=body.password, address=client_address(request)
    )
    with person.transaction() as conn:
        user = users.get(conn)
    if user is None:
        raise PersonGone
    return Begun(secret=one_time_codes.as_text(secret), uri=one_time_codes.uri(secret, user.email))


@router.post(
    "/confirm", operation_id="confirmSecondFactor", summary="Turn two-step log-in on", responses=CONFLICT | THROTTLED
)
def confirm(person: CurrentLoggedIn, body: Confirm) -> RecoveryCodes:
    """Ask for a code at log-in from now on. Keep the recovery codes where the authenticator is not."""
    return RecoveryCodes(
        recovery_codes=account_security.confirm_second_factor(person.user_id, person.session_id, code=body.code)
    )


@router.delete(
    "",
    status_code=204,
    operation_id="removeSecondFactor",
    summary="Turn two-step log-in off",
    responses=NOT_FOUND | THROTTLED,
)
def remove(person: CurrentLoggedIn, body: Proof, request: Request) -> Response:
    """Ask for no codes any more. It takes the password and a code, or a recovery code."""
    removed = account_security.remove_second_factor(
        person.user_id,
        person.session_id,
        password=body.password,
        code=body.code,
        address=client_address(request),
    )
    if not removed:
        raise NotFound(NOT_ON)
    return Response(status_code=204)


@router.post(
    "/recovery-codes",
    operation_id="renewRecoveryCodes",
    summary="Make new recovery codes",
    responses=NOT_FOUND | THROTTLED,
)
def renew_recovery_codes(person: CurrentLoggedIn, body: Proof, request: Request) -> RecoveryCodes:
    """Ten new recovery codes; those before open nothing any more."""
    codes = account_security.renew_recovery_codes(
        person.user_id,
        person.session_id,
        password=body.password,
        code=body.code,
        address=client_address(request),
    )
    if codes is None:
        raise NotFound(NOT_ON)
    return RecoveryCodes(recovery_codes=codes)
