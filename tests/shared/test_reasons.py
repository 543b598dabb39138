"""Why photos are in their albums, in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from photovault import reasons


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("place", [("measured", 3), ("estimated", 5), ("hand", 1)], [("estimated", 5), ("measured", 3), ("hand", 1)]),
        ("place", [(None, 2)], [("measured", 2)]),
        ("trip", [("place", 2), ("time", 2)], [("place", 2), ("time", 2)]),
        ("event", [("time", 4), ("hand", 4)], [("burst", 4), ("hand", 4)]),
        ("date", [(None, 4)], [("day", 4)]),
        ("person", [(None, 4)], [("face", 4)]),
        ("manual", [(None, 4)], [("hand", 4)]),
        ("smart", [("filter", 4), ("hand", 1), ("something of tomorrow", 2)], [("filter", 6), ("hand", 1)]),
        ("trip", [], []),
    ],
)
def test_photos_are_counted_by_reason(
    kind: str, said: list[tuple[str | None, int]], told: list[tuple[str, int]]
) -> None:
    found = reasons.of_album(kind, said)
    assert [(one.name, one.image_count) for one in found] == told
    assert all(one.because.endswith(".") for one in found)


@pytest.mark.parametrize("kind", ["place", "date", "person", "trip", "event", "manual", "smart"])
@pytest.mark.parametrize(
    "why", [None, {}, {"rule": "hand"}, {"rule": "filter"}, {"by": "time"}, {"something": ["else"]}]
)
def test_every_membership_has_a_sentence(kind: str, why: dict[str, Any] | None) -> None:
    assert reasons.because(kind, why).endswith(".")
