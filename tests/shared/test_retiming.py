"""What a correction makes of a photo's time, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import moments, retiming
from photovault.errors import Invalid
from photovault.retiming import Change, Shift, Time, Timed

NINE = datetime(2025, 9, 11, 8, 59)
PHOTO = Timed(UUID(int=1), "a.jpg", NINE, 120, "exif", None, None, None, None)


def written(change: Change | None, photo: Timed) -> Timed:
    """The photo as ``retiming.apply`` would leave it."""
    if change is None:
        return photo
    after = replace(photo, local=change.after.local, offset_minutes=change.after.offset_minutes, source=change.source)
    if change.source != retiming.SOURCE:
        return replace(after, file_local=None, file_offset_minutes=None, file_source=None)
    if photo.source == retiming.SOURCE:
        return after
    return replace(after, file_local=photo.local, file_offset_minutes=photo.offset_minutes, file_source=photo.source)


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2025, 1, 1)),
    st.none() | st.integers(-48, 56).map(lambda quarters: quarters * 15),
    st.lists(st.integers(-(10**8), 10**8), max_size=5),
)
def test_shifts_that_add_up_to_nothing_leave_no_trace(local: datetime, offset: int | None, seconds: list[int]) -> None:
    photo = before = replace(PHOTO, local=local, offset_minutes=offset)
    for by in [*seconds, -sum(seconds)]:
        photo = written(retiming.shifted(photo, Shift(timedelta(seconds=by))), photo)
    assert photo == before


@given(st.integers(-(10**9), 10**9))
def test_a_shift_moves_the_instant_as_far_as_the_clock(seconds: int) -> None:
    change = retiming.shifted(PHOTO, Shift(timedelta(seconds=seconds)))
    if seconds == 0:
        assert change is None
        return
    assert change is not None
    assert change.after.local - NINE == timedelta(seconds=seconds)
    assert change.after.instant is not None
    assert PHOTO.time.instant is not None
    assert change.after.instant - PHOTO.time.instant == timedelta(seconds=seconds)


def test_the_place_tells_whether_it_is_summer_but_only_where_it_told_before() -> None:
    winter = Shift(timedelta(days=-200))
    in_berlin = replace(PHOTO, zone="Europe/Berlin")
    followed = retiming.shifted(in_berlin, winter)
    assert followed is not None
    assert followed.after.offset_minutes == 60
    # The file says another offset than the place: a camera on the time of home. It stays there.
    kept = retiming.shifted(replace(in_berlin, offset_minutes=540), winter)
    assert kept is not None
    assert kept.after.offset_minutes == 540


@pytest.mark.parametrize("source", [None, *sorted(moments.TIMES_OF_FILES)])
def test_to_confirm_when_a_file_was_written_makes_it_the_persons_word(source: str | None) -> None:
    photo = replace(PHOTO, source=source)
    confirmed = written(retiming.corrected(photo, NINE, None), photo)
    assert (confirmed.source, confirmed.time, confirmed.file_source) == (retiming.SOURCE, photo.time, source)
    assert retiming.corrected(confirmed, NINE, None) is None
    moved = written(retiming.corrected(confirmed, NINE + timedelta(days=1), None), confirmed)
    assert written(retiming.corrected(moved, NINE, None), moved) == confirmed


def test_to_confirm_what_a_photo_says_changes_nothing() -> None:
    assert retiming.corrected(PHOTO, NINE, None) is None


@pytest.mark.parametrize("source", [None, "upload"])
def test_a_photo_without_a_time_of_its_own_is_not_shifted(source: str | None) -> None:
    assert retiming.shifted(replace(PHOTO, source=source), Shift(timedelta(seconds=60))) is None


def test_a_shift_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(Invalid, match=r"a\.jpg"):
        retiming.shifted(PHOTO, Shift(timedelta(days=4_000_000)))


@pytest.mark.parametrize(
    ("time", "possible"),
    [
        (Time(datetime(1826, 1, 1), None), True),
        (Time(datetime(1825, 12, 31, 23, 59), None), False),
        (Time(datetime(2025, 9, 12, 8, 59), None), True),
        (Time(datetime(2025, 9, 12, 9, 1), None), False),
        (Time(datetime(2025, 9, 12, 8, 59), -60), False),
        (Time(datetime(2025, 9, 12, 8, 59), 840), True),
    ],
)
def test_nothing_is_from_before_photography_or_from_the_day_after_tomorrow(time: Time, *, possible: bool) -> None:
    change = Change(PHOTO, time, retiming.SOURCE)
    now = datetime(2025, 9, 11, 9, tzinfo=UTC)
    if possible:
        retiming.check([change], now=now)
    else:
        with pytest.raises(Invalid):
            retiming.check([change], now=now)
