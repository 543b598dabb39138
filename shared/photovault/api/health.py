"""Whether the API is up (no database), whether the vault is ready (with it), and the documents of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from pydantic import Field

from photovault import db, migrate, rotation
from photovault.api.edge import SLASHED
from photovault.api.schemas import Schema
from photovault.errors import Misconfigured, NotFound, PhotoVaultError, Unavailable
from photovault.settings import get_settings

router = APIRouter(tags=["health"])

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon-32x32.png": "image/png"}


class Health(Schema):
    status: str
    version: str
    environment: str
    providers: dict[str, str]
    sealed_uploads: Literal["optional", "required"] = Field(
        description="Whether `POST /images/uploads` takes announcements without `sealed: true`."
    )


class Ready(Schema):
    status: str
    checks: dict[str, str]
    models: list[str]


@router.get("/health", operation_id="health")
def health() -> Health:
    """That this function runs, and which providers it is configured for. Asks nobody else."""
    from photovault import __version__

    settings = get_settings()
    return Health(
        status="ok",
        version=__version__,
        environment=settings.app_env,
        providers={
            "storage": settings.storage_driver,
            "faces": settings.face_provider,
            "embeddings": settings.embeddings_provider,
            "geocoder": "offline + nominatim" if settings.enable_geocoder else "offline",
        },
        sealed_uploads="required" if settings.require_sealed_uploads else "optional",
    )


@router.get(
    "/ready", operation_id="ready", responses={503: {"description": "Something is missing; the answer says what."}}
)
def ready() -> Ready:
    """That the database answers and is migrated, that no master key is missing, and which models have been at work."""
    from psycopg import errors

    try:
        with db.before_login() as conn:
            missing = migrate.pending(conn)
            if missing:  # the tables that the rest asks for may not be there
                raise Unavailable(f"The database lacks {missing[0].name}: run `photovault db upgrade`.")
            models = [
                f"{kind}: {name} {version}"
                for kind, name, version in conn.execute("SELECT kind, name, version FROM models ORDER BY id").fetchall()
            ]
            keys = db.value(conn, "SELECT count(*) FROM signing_keys WHERE retired_at IS NULL")
    except errors.InvalidParameterValue:  # migrations make the role itself
        raise Unavailable("The database has not been set up: run `photovault db upgrade`.") from None
    except Misconfigured as error:  # of another version than this program: not ready, and no crash of it
        raise Unavailable(error.detail) from None
    if not keys:
        raise Unavailable("No signing key is published: run `photovault db upgrade` with JWT_SECRET set.")
    checks = {"database": "ok", "migrations": "ok", "signing_keys": "ok"}
    if get_settings().master_key is not None:  # a function that opens no photos has none
        lacking = rotation.missing_lately()
        if lacking:
            raise Unavailable(rotation.how_to_restore(lacking))
        checks["master_keys"] = "ok"
    return Ready(status="ready", checks=checks, models=models)


def add_documents(app: FastAPI, complete: Callable[[], dict[str, Any]]) -> None:
    """Serve the API's description (of all functions together) and Swagger UI from assets of our own."""

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        document = complete() | {"servers": [{"url": "."}]}  # beside this document, whatever stands in front of it
        return JSONResponse(document, headers={"Cache-Control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        from fastapi.openapi.docs import get_swagger_ui_html

        # Relative, because a page cannot know what a gateway or proxy puts before its path.
        base = ".." if request.scope[SLASHED] else "."
        page = get_swagger_ui_html(
            openapi_url=f"{base}/openapi.json",
            title="PhotoVault API",
            swagger_js_url=f"{base}/docs/assets/swagger-ui-bundle.js",
            swagger_css_url=f"{base}/docs/assets/swagger-ui.css",
            swagger_favicon_url=f"{base}/docs/assets/favicon-32x32.png",
            swagger_ui_parameters={"persistAuthorization": True},
        )
        return HTMLResponse(bytes(page.body), headers={"Cache-Control": "no-cache"})

    @app.get("/docs/assets/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        from importlib import resources

        if name not in ASSETS:
            raise NotFound
        with resources.as_file(resources.files("fastapi_swagger.resources") / name) as path:
            if not path.is_file():
                raise PhotoVaultError("The documents' assets are not installed.")
            return FileResponse(path, media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})
