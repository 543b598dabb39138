"""The HTTP edge: routers, and the applications that serve them.

A router costs tens of milliseconds to build, which a cold start pays before its first answer. So an application builds
the part that a request asks for, by the first segments of its path, when it is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

    from photovault.api.edge import Receive, Scope, Send

# The first segment of a path, or the first two, and the modules of photovault.api that have its routers.
PARTS = {
    "": ("gallery",),
    "assets": ("gallery",),
    "auth": ("auth",),
    "auth/sessions": ("account",),
    "auth/account": ("account",),
    "auth/password": ("account",),
    "auth/proof": ("account",),
    "auth/totp": ("second_factor",),
    "auth/keys": ("keys",),
    "search": ("search",),
    # In this order: `map` and `trash` are no ids of photos.
    "images": ("duplicates", "timeline", "map", "memories", "trash", "edits", "images", "viewing"),
    "albums": ("albums", "album_photos", "smart_albums", "shares"),
    "people": ("people",),
    "faces": ("people",),
    "labels": ("labels",),
    "places": ("places",),
    "jobs": ("jobs",),
    "changes": ("changes",),
    "webhooks": ("webhooks",),
    "dashboard": ("dashboard",),
    "exports": ("exports",),
    "shares": ("shares",),
    "s": ("shared",),
    "blobs": ("delivery",),
}
# Everything else: whether the API is up, and what it is like.
OTHERWISE = ("health",)

# What the functions that open photos and hand out tickets cannot do without.
PHOTOS_NEED = ("database_url", "master_key", "staging_bucket")
# What the function does that alone may sign tokens, and what it cannot do without.
AUTH = frozenset(segments for segments in PARTS if segments.partition("/")[0] == "auth")
AUTH_NEEDS = ("database_url", "jwt_secret", "ledger")


class Application:
    """An ASGI application of some parts, each built at the first request for it and kept."""

    def __init__(self, segments: Iterable[str], *, needed: Iterable[str]) -> None:
        """Raises ``Misconfigured`` for settings that cannot be used, and in production for those that are missing."""
        from photovault.settings import get_settings

        self._parts = {segment: PARTS[segment] for segment in segments}
        self._needed = tuple(needed)
        self._built: dict[tuple[str, ...], FastAPI] = {}
        self._lock = threading.Lock()
        get_settings().check(self._needed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        first, *more = path.strip("/").split("/")
        names = self._parts.get("/".join([first, *more[:1]])) or self._parts.get(first, OTHERWISE)
        await self.part(names)(scope, receive, send)

    def part(self, names: tuple[str, ...]) -> FastAPI:
        """The application of these modules, built now unless it was before."""
        from photovault.api import edge

        with self._lock:
            if names not in self._built:
                app = edge.create_app([router(name) for name in names], needed=self._needed)
                if names == OTHERWISE:
                    from photovault.api import health

                    health.add_documents(app, describe)
                self._built[names] = app
            return self._built[names]


async def _live(receive: Receive, send: Send) -> None:
    """Nothing to start or to stop: pools open at first use and end with the process."""
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


def router(name: str) -> APIRouter:
    """The router of a module of this package."""
    found: APIRouter = import_module(f"photovault.api.{name}").router
    return found


def routers() -> list[APIRouter]:
    """All of them."""
    return [router(name) for name in dict.fromkeys(name for names in [*PARTS.values(), OTHERWISE] for name in names)]


def library_app() -> Application:
    """Everything but log-in and search, and the description of all of it."""
    return Application(PARTS.keys() - AUTH - {"search"}, needed=PHOTOS_NEED)


def auth_app() -> Application:
    """Log-in, built at once, and what belongs to an account."""
    app = Application(AUTH, needed=AUTH_NEEDS)
    app.part(PARTS["auth"])
    return app


def complete_app() -> Application:
    """All routes in one application, as a laptop serves them."""
    return Application(PARTS, needed=(*PHOTOS_NEED, *AUTH_NEEDS))


@cache
def describe() -> dict[str, Any]:
    """The OpenAPI document of all functions together."""
    from photovault.api import describing, edge, webhooks

    app = edge.create_app(routers(), needed=())
    app.webhooks.routes.extend(webhooks.posts.routes)
    return describing.completed(app.openapi())
