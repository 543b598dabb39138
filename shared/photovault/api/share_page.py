"""The page behind a share link: one answer without anything from elsewhere, held to that by its own policy.

Script and style are part of the page and named in the policy by their hashes, so that nothing else runs, whatever a
title may hold. The page is the same for every share; what it shows, it asks for.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Page:
    html: str
    policy: str


@cache
def found() -> Page:
    """The page of a link that works."""
    return _made(state="opening")


@cache
def gone() -> Page:
    """The page of a link that does not."""
    return _made(state="gone")


def _made(*, state: str) -> Page:
    template, style, script = (_read(name) for name in ("share.html", "share.css", "share.js"))
    html = template.replace("{{state}}", state).replace("{{style}}", style).replace("{{script}}", script)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return Page(html, policy)


def _read(name: str) -> str:
    return (resources.files("photovault") / "web" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
