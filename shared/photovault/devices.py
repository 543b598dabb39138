"""What a session's device is called, from what its program says of itself (User-Agent, RFC 9110, 10.1.5). Pure.

For a person who looks for the session that is not theirs. Browsers name each other for compatibility, so the order
matters: the more particular first.
"""

from __future__ import annotations

import re

_PROGRAMS = (
    ("photovault/", "PhotoVault's command line"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "a Python program"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def named(user_agent: str | None) -> str | None:
    """Such as ``Firefox on Linux``; None for what says nothing that we know."""
    program, system = _first(_PROGRAMS, user_agent or ""), _first(_SYSTEMS, user_agent or "")
    return " on ".join(filter(None, (program, system))) or None


def _first(known: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for mark, name in known if re.search(rf"\b{re.escape(mark)}", text)), None)
