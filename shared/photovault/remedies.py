"""What whoever sits at a command line can do about an error that the API answers. Pure.

The API's own sentences say what is wrong, and some are for those who write programs; these say what to do next. By the
type of a problem, and for types that this version does not know, by its status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

AGAIN = "Try again."
LOG_IN = "Run `photovault login`."
KEY = "Is the key in PHOTOVAULT_API_KEY or PHOTOVAULT_TOKEN still right? The gallery's settings list your keys."
_OPERATOR = "Try again; if it stays so, tell whoever runs the vault."
_LATER = "Try again in a moment; `photovault doctor` says what is away."
_CORRECT = "Nothing was changed. Correct that, and run the command again."
_VERSIONS = "Is the address right, and is this command as new as the vault? `photovault doctor` compares them."

_BY_TYPE: Mapping[str, str] = {
    "second-factor-needed": "Set PHOTOVAULT_CODE where nobody can be asked, or use an API key.",
    "second-factor-wrong": LOG_IN,
    "unauthenticated": LOG_IN,
    "password-wrong": f"Nothing was changed. {AGAIN}",
    "proof-needed": f"Nothing was changed. {AGAIN}",
    "scope-missing": "Make a key with it in the gallery's settings, or use your own log-in: `photovault login`.",
    "session-needed": LOG_IN,
    "not-found": "It may have been deleted meanwhile. Look for it with `photovault search` or `photovault albums`.",
    "conflict": "Nothing was changed. Look at what is there already, then try again.",
    "start-again": "Run the command again from the beginning.",
    "too-large": "Make it smaller, or ask whoever runs the vault to take larger ones.",
    "quota-exceeded": "Empty the trash or delete photos in the gallery, or ask whoever runs the vault for more room.",
    "unsupported-type": "Save it as another kind, and upload that.",
    "rejected": "The same file will be refused again; save it anew with another program, and upload that.",
    "range-not-satisfiable": _OPERATOR,
    "bad-cursor": "Run the command again.",
    "invalid": _CORRECT,
    "too-many-requests": "Wait a moment, and run the command again.",
    "unavailable": _LATER,
    "storage-unavailable": _LATER,
    "tampered": "Tell whoever runs the vault: `photovault storage check` finds what was altered.",
    "blob-missing": "Tell whoever runs the vault: `photovault storage check` finds what is missing.",
    "misconfigured": "Tell whoever runs the vault.",
    "internal": _OPERATOR,
}
_BY_STATUS: Mapping[int, str] = {
    400: _VERSIONS,
    403: "Your own log-in may do more than this key: `photovault login`.",
    404: _BY_TYPE["not-found"],
    405: _VERSIONS,
    408: _LATER,
    409: _BY_TYPE["conflict"],
    412: "It was changed meanwhile. Run the command again.",
    413: _BY_TYPE["too-large"],
    415: _BY_TYPE["unsupported-type"],
    422: _CORRECT,
    429: _BY_TYPE["too-many-requests"],
    500: _OPERATOR,
}


# In which part of a request a field is: nothing that anybody typed.
_WHERE = re.compile(r"\b(query|path|body)\.(?=\w)")
_NOTHING_THERE = "Not found"
"""What the API says of a path that it does not have."""


def remedy(type_: str, status: int, detail: str) -> str:
    """What to do next about a problem that the API answered."""
    if type_ == "not-found" and detail == _NOTHING_THERE:
        return _VERSIONS
    known = _BY_TYPE.get(type_) or _BY_STATUS.get(status)
    return known or (LOG_IN if status == 401 else _LATER if status > 500 else _OPERATOR)


def sentence(detail: str, fields: Sequence[tuple[str, str]] = ()) -> str:
    """What a problem says is wrong, as a sentence, with what it says of single fields beside it."""
    detail = "The vault does not know what it was asked for." if detail == _NOTHING_THERE else _sentence(detail)
    beside = [message for _, message in fields if message.strip(". ").casefold() not in detail.casefold()]
    return " ".join([detail, *map(_sentence, beside[:3])])


def _sentence(text: str) -> str:
    text = _WHERE.sub("", text.strip())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else ".")
