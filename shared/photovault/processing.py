"""Waiting until photos that were uploaded are looked at, and what came of them, as a client of the API."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from photovault.client import Client
from photovault.errors import Unavailable

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 10.0
# The sweeper finds within a quarter of an hour what got lost on the way.
PATIENCE_SECONDS = 20 * 60.0


def wait(
    client: Client,
    image_ids: Collection[str],
    *,
    pause: Callable[[float], object],
    tell: Callable[[int], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Until none of these photos is on its way any more. ``tell`` hears how many are.

    Raises ``Unavailable`` when nothing moves for long, and what ``pause``, which gets seconds, raises.
    """
    left, seconds, moved = set(image_ids), FIRST_SECONDS, clock()
    while left:
        # In the order in which a photo passes through them, so that none slips through between the two.
        busy = {photo["id"] for status in ("pending", "processing") for photo in _listed(client, status)}
        still = left & busy
        if len(still) < len(left):
            moved, seconds = clock(), FIRST_SECONDS
        left = still
        tell(len(left))
        if left and clock() - moved > PATIENCE_SECONDS:
            raise Unavailable(
                "The vault has your photos but does not get on with looking at them. They are not lost: it goes on by "
                "itself, and you need not wait for it."
            )
        if left:
            pause(seconds)
            seconds = min(LONGEST_SECONDS, seconds * 1.5)


def rejections(client: Client, image_ids: Collection[str]) -> dict[str, str]:
    """Those of some photos that the vault could not take, and why, in its sentences."""
    if not image_ids:
        return {}
    return {photo["id"]: photo["reason"] or "" for photo in _listed(client, "rejected") if photo["id"] in image_ids}


def _listed(client: Client, status: str) -> list[dict[str, Any]]:
    return list(client.items("/images/list", status=status, archived="any"))
