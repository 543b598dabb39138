"""Dates as files write them, and clocks that nobody ever set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import moments


@pytest.mark.parametrize(
    ("text", "local", "offset"),
    [
        ("2025:05:11 13:37:00", datetime(2025, 5, 11, 13, 37), None),
        ("2025-05-11T13:37:00", datetime(2025, 5, 11, 13, 37), None),
        ("2025-05-11T13:37", datetime(2025, 5, 11, 13, 37), None),
        ("2025-05-11T13:37Z", datetime(2025, 5, 11, 13, 37), 0),
        ("2025-05-11T13:37:00.250-03:30", datetime(2025, 5, 11, 13, 37, 0, 250_000), -210),
        ("2025:05:11 13:37:00+02:00", datetime(2025, 5, 11, 13, 37), 120),
        ("2025/05/11 13:37:00", datetime(2025, 5, 11, 13, 37), None),
        ("2025.05.11 13.37.00", datetime(2025, 5, 11, 13, 37), None),
        ("2025:05:11 13:37:00.123456789", datetime(2025, 5, 11, 13, 37, 0, 123_456), None),
        # What is not known: a day's noon, a month's first day.
        ("2025-05-11", datetime(2025, 5, 11, 12), None),
        ("2025-05", datetime(2025, 5, 1, 12), None),
        ("1962", datetime(1962, 1, 1, 12), None),
        ("2025:05:11   :  :  ", datetime(2025, 5, 11, 12), None),
        ("2025:05:     :  :  ", datetime(2025, 5, 1, 12), None),
        ("2025:  :     :  :  ", datetime(2025, 1, 1, 12), None),
        # Padded with blanks, or on a clock of twelve hours.
        ("2025: 5:11 13:37: 9", datetime(2025, 5, 11, 13, 37, 9), None),
        ("2025: 5: 6  7: 8: 9", datetime(2025, 5, 6, 7, 8, 9), None),
        ("2025:05:11 01:37:00 PM", datetime(2025, 5, 11, 13, 37), None),
        ("2025:05:11 12:00:00 a.m.", datetime(2025, 5, 11), None),
        ("2025:05:11 13:37:00 PM", datetime(2025, 5, 11, 13, 37), None),
        # Rounded up.
        ("2025:05:11 13:36:60", datetime(2025, 5, 11, 13, 37), None),
        ("2016:12:31 23:59:60", datetime(2017, 1, 1), None),
        ("2025:05:11 24:00:00", datetime(2025, 5, 12), None),
    ],
)
def test_a_date_is_read_however_it_is_written(text: str, local: datetime, offset: int | None) -> None:
    assert moments.parse(text) == (local, offset)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "    :  :     :  :  ",
        "0000:00:00 00:00:00",
        "2025:00:00 00:00:00",
        "2025:05:00 00:00:00",
        "2025:02:29 08:59:00",
        "2025:02:30 08:59:00",
        "2025:13:01 08:59:00",
        "2025:05:11 24:00:01",
        "2025:05:11 25:00:00",
        "2025:05:11 13:60:00",
        "2025:05:11 13:37:61",
        "9999:12:31 24:00:00",
        "11:05:2025 13:37:00",
        "25:05:11 13:37:00",
        "٢٠٢٥:٠٥:١١ ١٣:٣٧:٠٠",
        "2025:05:11 13:37:00 and so on",
        "-2025:05:11 13:37:00",
        "2025" * 100_000,
    ],
)
def test_what_is_no_date_of_the_calendar_is_none(text: str | None) -> None:
    assert moments.parse(text) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    moments.parse(text)
    moments.parse_mail(text)
    moments.parse_offset(text)


@pytest.mark.parametrize(
    ("text", "local", "offset"),
    [
        ("Sun, 11 May 2025 13:37:00 +0200", datetime(2025, 5, 11, 13, 37), 120),
        ("Sun, 11 May 2025 13:37:00 GMT", datetime(2025, 5, 11, 13, 37), 0),
        ("11 May 2025 13:37:00", datetime(2025, 5, 11, 13, 37), None),
        ("2025-05-11T13:37:00+09:00", datetime(2025, 5, 11, 13, 37), 540),
        ("2025:05:11 13:37:00", datetime(2025, 5, 11, 13, 37), None),
    ],
)
def test_a_png_may_write_its_date_as_mail_does(text: str, local: datetime, offset: int | None) -> None:
    assert moments.parse_mail(text) == (local, offset)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)).map(lambda d: d.replace(microsecond=0)))
def test_mails_dates_make_the_round_trip(moment: datetime) -> None:
    assert moments.parse_mail(format_datetime(moment.replace(tzinfo=UTC))) == (moment, 0)


@pytest.mark.parametrize(
    "local",
    [
        datetime(1970, 1, 1),
        datetime(1970, 1, 1, 1),
        datetime(1970, 1, 1, 5, 30),
        datetime(1969, 12, 31, 16),
        datetime(1904, 1, 1),
        datetime(1980, 1, 1),
        datetime(1980, 1, 6),
        datetime(1899, 12, 30),
    ],
)
def test_a_counters_zero_is_no_time_of_a_photo(local: datetime) -> None:
    assert moments.is_zero(local)
    assert not moments.is_zero(local + timedelta(seconds=37))


@pytest.mark.parametrize("local", [datetime(2000, 1, 1), datetime(2001, 1, 1), datetime(2012, 1, 1)])
def test_a_midnight_of_new_year_is_doubtful_since_cameras_have_clocks(local: datetime) -> None:
    assert moments.is_doubtful(local)
    assert not moments.is_doubtful(local + timedelta(seconds=1))
    assert not moments.is_doubtful(local.replace(year=1985))


def test_the_default_of_a_generation_of_compact_cameras_is_doubtful() -> None:
    assert moments.is_doubtful(datetime(2002, 12, 8, 12))
    assert not moments.is_doubtful(datetime(2002, 12, 8, 12, 0, 5))
