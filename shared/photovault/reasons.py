"""Why photos are in their albums, in sentences: of albums that make themselves, that follow a filter or that a person
made. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from photovault import explaining

_TOLD = {
    "measured": "The position in the file lies there.",
    "estimated": "The place was estimated from photos close in time.",
    "place": "Taken away from home, by the position in the file.",
    "time": "Taken in between, without a position of their own.",
    "day": "By the day where they were taken.",
    "face": "By the face of this person.",
    "burst": "Taken in one go.",
    "filter": "They fit the filter.",
    "hand": "You put them in.",
}
# Of memberships that say nothing of the kind.
_OTHERWISE = {"date": "day", "person": "face", "manual": "hand", "smart": "filter", "place": "measured"}


@dataclass(frozen=True)
class Reason:
    """Why so many photos of an album are in it: ``name`` for programs, ``because`` for people."""

    name: str
    because: str
    image_count: int


def because(kind: str, why: Mapping[str, Any] | None) -> str:
    """Why one photo is in an album of this kind, in a sentence."""
    rule = (why or {}).get("rule")
    if rule == "hand":
        return "You put it in."
    if rule == "filter":
        return "It fits the filter."
    return explaining.explain_member(kind, why or {})


def of_album(kind: str, counted: Iterable[tuple[str | None, int]]) -> list[Reason]:
    """Of an album of this kind, most photos first; ``counted`` is what its memberships say, and how often."""
    found: dict[str, int] = {}
    for said, count in counted:
        name = said if said in _TOLD else _OTHERWISE.get(kind, "time")
        name = "burst" if kind == "event" and name == "time" else name
        found[name] = found.get(name, 0) + count
    return [
        Reason(name, _TOLD[name], count) for name, count in sorted(found.items(), key=lambda one: (-one[1], one[0]))
    ]
