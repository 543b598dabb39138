"""The HTTP edge: routers that the HTTP functions serve, and everything they share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI


# What the functions that open photos and hand out tickets cannot do without.
PHOTOS_NEED = ("database_url", "master_key", "staging_bucket")


def library_routers() -> list[APIRouter]:
    """Everything but log-in and search."""
    from photovault.api import albums, dashboard, delivery, health, images, jobs, people

    return [
        images.router,
        albums.router,
        people.router,
        dashboard.router,
        jobs.router,
        health.router,
        delivery.router,
    ]


def library_app() -> FastAPI:
    """The library function's application, which also serves the description of all of them."""
    from photovault.api import edge, health

    app = edge.create_app(library_routers(), title="PhotoVault: library", needed=PHOTOS_NEED)
    health.add_documents(app, describe)
    return app


def complete_app() -> FastAPI:
    """All routes in one application, as a laptop serves them."""
    from photovault.api import auth, edge, health, search

    routers = [auth.router, search.router, *library_routers()]
    app = edge.create_app(routers, needed=(*PHOTOS_NEED, "jwt_secret"))
    health.add_documents(app, describe)
    return app


@cache
def describe() -> dict[str, Any]:
    """The OpenAPI document of all functions together."""
    from photovault.api import auth, describing, edge, search

    return describing.with_problems(edge.create_app([auth.router, search.router, *library_routers()]).openapi())
