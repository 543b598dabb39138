"""API keys, for programs that a person trusts with a part of the vault."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import AwareDatetime, Field, StringConstraints

from photovault import account_security, activity, api_keys, users
from photovault.api.account import THROTTLED
from photovault.api.auth import Code, Password
from photovault.api.edge import CurrentLoggedIn, client_address
from photovault.api.schemas import CONFLICT, NOT_FOUND, Schema
from photovault.errors import Invalid, NotFound
from photovault.scopes import SCOPES, Scope

router = APIRouter(prefix="/auth/keys", tags=["auth"])

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$"),
    Field(description="What it is for.", examples=["Camera uploads of the NAS"]),
]
NO_SUCH_KEY = "There is no such API key."


class NewKey(Schema):
    name: Name
    scopes: Annotated[
        list[Scope],
        Field(min_length=1, max_length=len(SCOPES), description="What it may do.", examples=[["photos:upload"]]),
    ]
    expires_at: AwareDatetime | None = Field(
        None, description="When it ends by itself; without, when it is revoked.", examples=["2031-01-01T00:00:00Z"]
    )
    password: Annotated[Password, Field(description="Your own, once more: the key goes on without this session.")]
    code: Code = None


class KeyName(Schema):
    name: Name


class ApiKey(Schema):
    id: UUID
    name: str
    hint: str = Field(description="How the key begins.", examples=["pv_3fGh"])
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the hour.")


class MadeKey(Schema):
    key: ApiKey
    secret: str = Field(
        description="The key itself, for `Authorization: Bearer`. It is told this once and not kept.",
        examples=["pv_" + "0" * 49],
    )


class ApiKeys(Schema):
    items: list[ApiKey]
    next_cursor: None = None


@router.post(
    "", status_code=201, operation_id="createApiKey", summary="Make an API key", responses=CONFLICT | THROTTLED
)
def create(person: CurrentLoggedIn, body: NewKey, request: Request) -> MadeKey:
    """Make a key for a program. Give it no more scopes than it needs, and an end when it is for a while.

    The password is asked for once more, and a code where two-step log-in is on: a key goes on after its session, and
    after another password. No key makes keys.
    """
    if body.expires_at is not None and body.expires_at <= datetime.now(UTC):
        raise Invalid("A key that has expired opens nothing.", [("expires_at", "This time is past.")])
    made = account_security.make_api_key(
        person.user_id,
        person.session_id,
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
        password=body.password,
        code=body.code,
        address=client_address(request),
    )
    return MadeKey(key=_shown(made.key), secret=made.secret)


@router.get("", operation_id="listApiKeys", summary="List API keys")
def list_keys(person: CurrentLoggedIn) -> ApiKeys:
    """All keys that were not revoked, newest first; those that have expired too."""
    with person.transaction() as conn:
        found = api_keys.all_of_person(conn)
    return ApiKeys(items=[_shown(key) for key in found])


@router.patch("/{key_id}", operation_id="renameApiKey", summary="Rename an API key", responses=NOT_FOUND)
def rename(person: CurrentLoggedIn, key_id: Annotated[UUID, Path()], body: KeyName) -> ApiKey:
    """Another name. What a key may do stays as it is: make another one for that."""
    with person.transaction() as conn:
        renamed = api_keys.rename(conn, key_id, body.name)
    if renamed is None:
        raise NotFound(NO_SUCH_KEY)
    return _shown(renamed)


@router.delete(
    "/{key_id}", status_code=204, operation_id="revokeApiKey", summary="Revoke an API key", responses=NOT_FOUND
)
def revoke(person: CurrentLoggedIn, key_id: Annotated[UUID, Path()]) -> Response:
    """End a key at once, and for good."""
    with person.transaction() as conn:
        users.lock(conn)
        name = api_keys.revoke(conn, key_id)
        if name is None:
            raise NotFound(NO_SUCH_KEY)
        activity.record(conn, "api-key-revoked", name=name)
    return Response(status_code=204)


def _shown(key: api_keys.ApiKey) -> ApiKey:
    return ApiKey.model_validate(key, from_attributes=True)
