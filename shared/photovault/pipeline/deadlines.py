"""The time that is left to a function before it is stopped: nothing is begun that would not be ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Remaining = Callable[[], float]
"""Gives the seconds left."""

# Maintenance begins nothing new with less than this left.
LEAST_SECONDS = 30.0


def no_end() -> float:
    """What is left where nobody stops anything."""
    return float("inf")


def time_left(context: Any) -> Remaining:
    """The seconds that a function may still run, by its context; without one there is no end."""
    if context is None:
        return no_end

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    return remaining
