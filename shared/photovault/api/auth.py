"""Sign-up, log-in and tokens: what a cold start is made for. What else belongs to an account is in `account`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints

from photovault import accounts, sessions, users
from photovault.api.edge import CurrentLoggedIn, CurrentPerson, client_address
from photovault.api.schemas import CONFLICT, Schema
from photovault.errors import Unauthenticated

router = APIRouter(prefix="/auth", tags=["auth"])

Email = Annotated[str, Field(max_length=320, examples=["ada@example.com"])]
# Whatever a person can remember and type; no rules on composition (NIST SP 800-63B).
NewPassword = Annotated[str, Field(min_length=8, max_length=1024, examples=["password123"])]
Password = Annotated[str, Field(max_length=1024, examples=["password123"])]
Code = Annotated[
    str | None,
    Field(
        max_length=64,
        description="Where two-step log-in is on: the six digits that the authenticator shows, or a recovery code.",
        examples=["123456"],
    ),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


# What a page's scripts cannot read, whoever wrote them, and what outlives a page that is closed before an answer came.
COOKIE = "photovault-session"
InCookie = Annotated[
    bool,
    Field(
        description="For pages of this server: keep the refresh token in a cookie that no script can read, and which "
        "`POST /auth/refresh` takes; the answer's is null then."
    ),
]


class SignUp(Schema):
    email: Email
    password: NewPassword
    name: Annotated[Name, Field(examples=["Ada"])]
    cookie: InCookie = False


class LogIn(Schema):
    email: Email
    password: Password
    code: Code = None
    cookie: InCookie = False


class Refresh(Schema):
    refresh_token: Annotated[
        str | None, Field(max_length=200, description="Left out by pages whose token is in a cookie.")
    ] = None


class User(Schema):
    id: UUID
    email: str
    name: str
    created_at: datetime


class LoggedIn(Schema):
    user: User
    access_token: str
    refresh_token: str | None = Field(description="null when it was put into a cookie.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the scheme's name
    expires_in: int = Field(description="Seconds until the access token expires.")


class Verified(Schema):
    user: User


@router.post("/signup", status_code=201, operation_id="signUp", responses=CONFLICT)
def sign_up(body: SignUp, request: Request, response: Response) -> LoggedIn:
    """Make an account and log in."""
    result = accounts.sign_up(
        email=body.email,
        password=body.password,
        name=body.name,
        address=client_address(request),
        user_agent=request.headers.get("user-agent"),
    )
    return _logged_in(result, in_cookie_of=(request, response) if body.cookie else None)


@router.post("/login", operation_id="logIn", responses={401: {}})
def log_in(body: LogIn, request: Request, response: Response) -> LoggedIn:
    """Log in with e-mail address and password, and with a code where two-step log-in is on.

    Without that it is a 401 of the type `second-factor-needed`, once the password was right: ask again with a `code`.
    """
    result = accounts.log_in(
        email=body.email,
        password=body.password,
        code=body.code,
        address=client_address(request),
        user_agent=request.headers.get("user-agent"),
    )
    return _logged_in(result, in_cookie_of=(request, response) if body.cookie else None)


@router.post("/refresh", operation_id="refresh", responses={401: {}})
def refresh(body: Refresh, request: Request, response: Response) -> LoggedIn:
    """Trade the refresh token for new tokens. Each works once; using one twice ends its session.

    A token that came in the cookie is answered with the next one in the cookie.
    """
    token = body.refresh_token or request.cookies.get(COOKIE)
    if token is None:
        raise Unauthenticated("There is no session here; log in.")
    result = accounts.refresh(token[:200], address=client_address(request))
    return _logged_in(result, in_cookie_of=None if body.refresh_token else (request, response))


@router.get("/verify", operation_id="verify", responses={401: {}})
def verify(person: CurrentPerson) -> Verified:
    """Whom the access token or the API key speaks for."""
    with person.transaction() as conn:
        user = users.get(conn)
    if user is None:
        raise Unauthenticated("The account is gone.")
    return Verified(user=shown(user))


@router.post("/logout", status_code=204, operation_id="logOut")
def log_out(person: CurrentLoggedIn, request: Request) -> Response:
    """End the session that the access token belongs to, at once."""
    with person.transaction() as conn:
        sessions.revoke(conn, person.session_id, because="log-out")
    response = Response(status_code=204)
    if COOKIE in request.cookies:
        _set_cookie(request, response, "", seconds=0)
    return response


def _logged_in(result: accounts.LoggedIn, *, in_cookie_of: tuple[Request, Response] | None) -> LoggedIn:
    if in_cookie_of is not None:
        seconds = int(sessions.REFRESH_LIFETIME.total_seconds())
        _set_cookie(*in_cookie_of, result.refresh_token, seconds=seconds)
    return LoggedIn(
        user=shown(result.user),
        access_token=result.access_token,
        refresh_token=None if in_cookie_of else result.refresh_token,
        expires_in=result.expires_in,
    )


def _set_cookie(request: Request, response: Response, value: str, *, seconds: int) -> None:
    # Without a path it is for what lies beside this route, below /auth, whatever a gateway or proxy puts before it.
    response.set_cookie(
        COOKIE,
        value,
        path=None,
        max_age=seconds,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def shown(user: users.User) -> User:
    return User(id=user.id, email=user.email, name=user.name, created_at=user.created_at)
