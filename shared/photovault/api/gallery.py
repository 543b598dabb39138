"""The web gallery: the files that ``make gallery`` builds from ``web/``, under a policy that lets in nothing else.

What a page is called stands behind the ``#`` of its address, so the gallery is one document at the root of the API, and
neither a server nor its logs see which photo is looked at or what is searched for. Everything else has the hash of its
content in its name and is kept by browsers for ever.
"""

from __future__ import annotations

import hashlib
import html
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from photovault import presigning
from photovault.api.headers import conditions
from photovault.errors import NotFound
from photovault.settings import Settings, get_settings

router = APIRouter(include_in_schema=False)

BUILT = Path(__file__).resolve().parents[1] / "web" / "gallery"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASSET = re.compile(r"(?=.{1,100}$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(\.[a-z0-9]+)")

# The API is whole without the gallery, which needs Node to be built and nothing to be served.
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>PhotoVault</title>
<h1>The gallery has not been built</h1>
<p>Install Node 20 or later and run <code>make gallery</code>, then load this page again.</p>
<p>Everything else runs: <a href="{root}/docs">the API and its documents</a>.</p>
</html>
"""


@router.api_route("/", methods=["GET", "HEAD"])
def gallery(request: Request) -> Response:
    """The page that everything begins with; asked for at each visit, sent when it has changed."""
    root = html.escape(str(request.scope.get("root_path", "")).rstrip("/"))
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": policy(get_settings())}
    page = _index(root)
    if page is None:
        return HTMLResponse(NOT_BUILT.format(root=root), headers=headers)
    etag = f'"{hashlib.sha256(page.encode()).hexdigest()[:32]}"'
    headers["ETag"] = etag
    if conditions(request.headers.getlist).is_current(etag):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(page, headers=headers)


@router.api_route("/assets/{name}", methods=["GET", "HEAD"])
def asset(name: str, request: Request) -> Response:
    """A script, a style or a picture of the gallery. Raises ``NotFound``."""
    named = ASSET.fullmatch(name)
    content_type = TYPES.get(named[1]) if named else None
    path = BUILT / "assets" / name
    if content_type is None or not path.is_file():
        raise NotFound
    # A worker is held to the policy of its own script.
    headers = {"Cache-Control": FOR_EVER, "Content-Security-Policy": policy(get_settings())}
    packed = path.with_name(f"{name}.gz")
    if packed.is_file():
        headers["Vary"] = "Accept-Encoding"
        if re.search(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", request.headers.get("accept-encoding", "")):
            return Response(
                packed.read_bytes(), media_type=content_type, headers=headers | {"Content-Encoding": "gzip"}
            )
    return Response(path.read_bytes(), media_type=content_type, headers=headers)


def _index(root: str) -> str | None:
    """The built page with the addresses of what it loads, which without a known root are relative to its own."""
    try:
        page = (BUILT / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return page.replace('"./assets/', f'"{root}/assets/') if root else page


def policy(settings: Settings) -> str:
    """What the gallery may load and whom it may ask: this server, and the storages that tickets and forms name."""
    return _policy(origins(settings))


@cache
def _policy(asked: tuple[str, ...]) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "font-src 'self'",
            " ".join(("connect-src 'self'", *asked)),
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def origins(settings: Settings) -> tuple[str, ...]:
    """Where ciphertext is fetched from and uploads go, by what is configured; none is asked."""
    buckets = [bucket for bucket in (settings.vault_bucket, settings.staging_bucket) if bucket]
    addresses = [
        settings.public_url,
        *(presigning.base_of(settings.aws_endpoint_url, bucket, settings.aws_region) for bucket in buckets),
        *([settings.cloudinary_upload_prefix] if settings.cloudinary_cloud_name else []),
    ]
    return tuple(dict.fromkeys("{0.scheme}://{0.netloc}".format(urlsplit(address)) for address in addresses))
