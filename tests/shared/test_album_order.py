"""Positions between positions."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from photovault import album_order

numbers = st.none() | st.floats(-1e9, 1e9)


@given(numbers, numbers, st.integers(1, 1000))
def test_positions_ascend_strictly_between_their_neighbours_or_there_are_none(
    low: float | None, high: float | None, count: int
) -> None:
    if low is not None and high is not None and low > high:
        low, high = high, low
    found = album_order.between(low, high, count)
    if found is None:
        assert low is not None
        assert high is not None
        assert high - low < 1e-3
        return
    assert len(found) == count
    everything = [*([] if low is None else [low]), *found, *([] if high is None else [high])]
    assert all(a < b for a, b in pairwise(everything))


def test_neighbours_have_room_for_fifty_moves_to_one_spot() -> None:
    low, high, moves = 1.0, 2.0, 0
    while (found := album_order.between(low, high, 1)) is not None:
        low, moves = found[0], moves + 1
    assert moves >= 50
