"""What every HTTP function shares: the application, errors as problem+json, limits, headers, and who is asking."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from photovault import api_keys, db, scopes, sessions, tokens, users
from photovault.api.schemas import PROBLEM_TYPE, TYPE_BASE
from photovault.errors import (
    PhotoVaultError,
    ProofNeeded,
    RangeNotSatisfiable,
    ScopeMissing,
    SessionNeeded,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from photovault.observability import logger
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

# JSON bodies are small; uploads have their own bound.
LARGEST_JSON_BYTES = 1024 * 1024
# What fits API Gateway's 10 MB and Lambda's 6 MB once a binary body travels as base64.
LARGEST_BODY_IN_CLOUD = 4 * 1024 * 1024
SMALL_FORM_BYTES = 64 * 1024
# Where a request's scope says whether its path came with a slash at the end, which relative links depend on.
SLASHED = "photovault.slashed"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def in_cloud() -> bool:
    """Whether this process serves API Gateway, with its limits, and not a socket."""
    return bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME"))


# ------------------------------------------------------------------------------------------------ who is asking

_DESCRIPTION = (
    "A private photo vault: sealed at rest, arranged by itself.\n\n"
    "Names of places: [GeoNames](https://www.geonames.org), CC BY 4.0. Borders of time zones, and finer names "
    "where the vault asks Nominatim: © [OpenStreetMap](https://www.openstreetmap.org/copyright) contributors, ODbL."
)
# As `describing` tells it, beside API keys, which come in the same header.
_bearer = HTTPBearer(
    scheme_name="session",
    bearerFormat="JWT",
    auto_error=False,
    description="The access token of sign-up, log-in or refresh.",
)


@dataclass(frozen=True)
class Person:
    """Whoever a request speaks for: by the access token of a session, or by an API key that may do what is asked."""

    user_id: UUID
    session_id: UUID | None
    key_id: UUID | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of this person. Raises ``Unauthenticated`` once session or key was ended, at once."""
        from photovault import keyring  # a start without a request that needs rows does without

        keyring.warm(self.user_id)
        with db.transaction(self.user_id) as conn:
            if self.session_id is not None:
                sessions.require(conn, self.session_id)
            elif self.key_id is not None:
                api_keys.require(conn, self.key_id)
            else:
                raise Unauthenticated
            yield conn


@dataclass(frozen=True)
class LoggedInPerson(Person):
    """Whoever has logged in, and is no program with a key."""

    session_id: UUID

    @contextmanager
    def locked(self) -> Iterator[Connection]:
        """A transaction with the person's row locked, for what goes on without the session.

        Raises ``Unauthenticated`` once the session was ended, be it by whoever held the row before: a password that is
        changed, and ends other sessions and what they made, overtakes nothing.
        """
        with self.transaction() as conn:
            users.lock(conn)
            sessions.require(conn, self.session_id)
            yield conn

    def require_proof(self, proof: str) -> None:
        """For what goes on without the session. Raises ``ProofNeeded`` unless this was given to it minutes ago."""
        try:
            known = sessions.cached_public_keys(tokens.key_id(proof, kind=tokens.PROOF))
            claims = tokens.verify(proof, known, now=datetime.now(UTC), kind=tokens.PROOF)
        except Unauthenticated:
            raise ProofNeeded from None
        if (claims.user_id, claims.session_id) != (self.user_id, self.session_id):
            raise ProofNeeded


def _person(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Person:
    """Whom the token speaks for. Raises ``Unauthenticated``, ``TooManyRequests``, ``Forbidden`` for a key's scopes."""
    if credentials is None:
        raise Unauthenticated("Send an access token or an API key as `Authorization: Bearer <token>`.")
    token = credentials.credentials
    if not api_keys.is_meant(token):
        return _logged_in(token)
    found = api_keys.authenticate(token, address=client_address(request))
    needed = scopes.NEEDED.get(request.scope["route"].operation_id)
    if needed is None:
        raise SessionNeeded
    if needed not in found.scopes:
        raise ScopeMissing(needed)
    return Person(found.user_id, None, found.id)


def _logged_in(token: str) -> LoggedInPerson:
    claims = tokens.verify(token, sessions.cached_public_keys(tokens.key_id(token)), now=datetime.now(UTC))
    return LoggedInPerson(claims.user_id, claims.session_id)


CurrentPerson = Annotated[Person, Depends(_person)]


def _logged_in_person(person: CurrentPerson) -> LoggedInPerson:
    if not isinstance(person, LoggedInPerson):
        raise SessionNeeded
    return person


# For what no key may do, whatever its scopes are.
CurrentLoggedIn = Annotated[LoggedInPerson, Depends(_logged_in_person)]


def client_address(request: Request) -> str:
    """Where a request comes from, as the gateway saw it; never a header that the client could write."""
    return request.client.host if request.client else "unknown"


# ------------------------------------------------------------------------------------------------------ problems


def problem(
    request: Request,
    *,
    status: int,
    kind: str,
    title: str,
    detail: str,
    errors: Iterable[tuple[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """An RFC 9457 answer. ``errors`` are (location, message) pairs."""
    body: dict[str, Any] = {
        "type": TYPE_BASE + kind,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request_id(request),
    }
    fields = [{"field": where, "message": message} for where, message in errors]
    if fields:
        body["errors"] = fields
    return JSONResponse(body, status_code=status, headers=headers, media_type=PROBLEM_TYPE)


def request_id(request: Request) -> str:
    """The gateway's id of the request, or one of our own; the same in the answer and in the logs."""
    known = getattr(request.state, "request_id", None)
    if known is None:
        event = request.scope.get("aws.event") or {}
        known = str((event.get("requestContext") or {}).get("requestId") or uuid4())
        request.state.request_id = known
    return str(known)


def as_logged(path: str) -> str:
    """A path as logs may have it: without a share's token, with which the share could be opened, and without its query,
    which holds what somebody searched for and where."""
    return re.sub(r"(?<=/s/)[^/]+", "...", path.partition("?")[0])


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PhotoVaultError)  # noqa: S101 - registered for this class
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, ScopeMissing):
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{error.scope}"'
    if isinstance(error, (TooManyRequests, Unavailable)):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if error.status >= 500:
        logger().error(
            "request.failed",
            extra={
                "request_id": request_id(request),
                "type": error.type,
                "path": as_logged(request.url.path),
                "why": error.detail,
            },
        )
    return problem(
        request,
        status=error.status,
        kind=error.type,
        title=error.title,
        detail=error.detail,
        errors=error.fields,
        headers=headers,
    )


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    fields = []
    for found in error.errors():
        where = ".".join(str(part) for part in found["loc"] if part != "body") or "body"
        message = str(found["msg"]).removeprefix("Value error, ")
        if found["type"] == "json_invalid":
            where, message = "body", f"The body is not JSON: {found.get('ctx', {}).get('error', 'it cannot be read')}."
        fields.append((where, message))
    return problem(
        request,
        status=422,
        kind="invalid",
        title="The request cannot be accepted as it is",
        detail="; ".join(f"{where}: {message}" for where, message in fields[:3]),
        errors=fields,
    )


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if isinstance(error.__cause__, PhotoVaultError):  # raised while the body was read, and wrapped on its way
        return await _on_error(request, error.__cause__)
    if error.status_code == 404:
        return problem(request, status=404, kind="not-found", title="Not found", detail="Not found")
    title = HTTPStatus(error.status_code).phrase
    return problem(
        request,
        status=error.status_code,
        kind=title.lower().replace(" ", "-"),
        title=title,
        detail=str(error.detail),
        headers=dict(error.headers or {}),
    )


async def _on_crash(request: Request, error: Exception) -> Response:
    told: dict[str, Any] = {"request_id": request_id(request), "path": as_logged(request.url.path)}
    if isinstance(error, ResponseValidationError):  # its text is the answer, with whatever keys and tokens are in that
        wrong = [{"where": list(found["loc"]), "type": found["type"]} for found in error.errors()[:20]]
        logger().error("request.crashed", extra=told | {"why": "the answer is not as it is described", "wrong": wrong})
    else:
        logger().error("request.crashed", exc_info=error, extra=told)
    return problem(
        request,
        status=500,
        kind="internal",
        title="Something went wrong",
        detail=f"This is our fault. Say request {request_id(request)} when you report it.",
    )


# ------------------------------------------------------------------------------------------ limits and headers


class Guard:
    """Bounds what a request may carry and sets the headers that every answer has."""

    def __init__(self, app: App, slashed: frozenset[str], root: str = "") -> None:
        self.app = app
        self.slashed = slashed
        self.root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = str(scope["path"])
        # What a gateway or proxy puts before every path. Servers can say so themselves; the gateway's adapter cannot.
        root = self.root or str(scope.get("root_path", ""))
        path = self._as_registered(given, root.rstrip("/"))
        scope = {**scope, "root_path": root, "path": path, SLASHED: given.endswith("/")}
        largest = _largest_body(str(scope["path"]))
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        received = 0
        started = False

        async def bounded_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                raise _too_large(scope, largest)
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in _headers(str(scope["path"])) if name not in present),
                ]
            await send(message)

        if not declared.isdigit() or len(declared) > 18 or int(declared) > largest:
            answer = await _on_error(Request(scope), _too_large(scope, largest))
            await answer(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, bounded_receive, send_with_headers)
        except Exception as error:
            if started:  # too late to say so: the connection breaks off
                raise
            # Here and not outside of everything, so that this answer has the headers of every other.
            answer = await _on_crash(Request(scope), error)
            await answer(scope, receive, send_with_headers)

    def _as_registered(self, path: str, root: str) -> str:
        """The path as its route has it: both forms answer, without a redirect that loses the body.

        A second route for each would double what a cold start spends on building them.
        """
        bare = path.rstrip("/")
        slashed = bare + "/"
        return slashed if not bare or slashed.removeprefix(root) in self.slashed else bare


def _headers(path: str) -> list[tuple[bytes, bytes]]:
    docs = path.endswith(("/docs", "/docs/"))
    policy = (
        # Swagger UI starts with an inline script and styles itself; it is served from here alone.
        b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
        if docs
        else b"default-src 'none'; frame-ancestors 'none'"
    )
    return [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", policy),
        (b"cache-control", b"no-store"),
        (b"strict-transport-security", b"max-age=31536000"),
    ]


def _largest_body(path: str) -> int:
    if path.rstrip("/").endswith(("/images/upload", "/search/by-image")):
        return upload_limit() + SMALL_FORM_BYTES
    return LARGEST_JSON_BYTES


def upload_limit() -> int:
    """The largest file in bytes that may come through the API itself."""
    most = get_settings().max_upload_bytes
    return min(LARGEST_BODY_IN_CLOUD, most) if in_cloud() else most


def _too_large(scope: Scope, largest: int) -> TooLarge:
    hint = ""
    if str(scope["path"]).rstrip("/").endswith("/images/upload"):
        hint = " Larger photos go straight to the storage: ask `POST /images/uploads` for a form."
    return TooLarge(f"The body is larger than {largest} bytes.{hint}")


def lambda_handler(app: App) -> Callable[[Any, Any], Any]:
    """The application as a handler of API Gateway's events. Text goes out as text, pictures as base64."""
    from mangum import Mangum

    text = ["text/", "application/json", PROBLEM_TYPE, "application/javascript", "image/svg+xml"]
    return Mangum(app, lifespan="off", text_mime_types=text)  # type: ignore[arg-type]  # it wants a Coroutine, by name


def create_app(
    routers: Iterable[APIRouter], *, title: str = "PhotoVault", needed: Iterable[str] = ("database_url",)
) -> FastAPI:
    """An application of some routers, with everything that all of them share.

    Raises ``Misconfigured`` for settings that cannot be used, and in production for ``needed`` ones that are missing.
    """
    from photovault import __version__

    settings = get_settings()
    settings.check(needed)
    app = FastAPI(
        title=title,
        version=__version__,
        description=_DESCRIPTION,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers={
            PhotoVaultError: _on_error,
            RequestValidationError: _on_invalid,
            HTTPException: _on_http,
            Exception: _on_crash,
        },
    )
    routers = list(routers)
    for router in routers:
        app.include_router(router)
    slashed = {route.path for router in routers for route in router.routes if isinstance(route, APIRoute)}
    slashed = {path for path in slashed if path.endswith("/")}
    app.add_middleware(Guard, slashed=frozenset(slashed), root=settings.root_path)
    if settings.allowed_origins:
        from fastapi.middleware.cors import CORSMiddleware

        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                *("Authorization", "Content-Type", "Idempotency-Key"),
                *("Range", "If-Range", "If-Match", "If-None-Match"),
            ],
            expose_headers=["Accept-Ranges", "Content-Disposition", "Content-Range", "ETag", "Retry-After"],
            max_age=600,
        )
    return app
