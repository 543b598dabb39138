"""IPTC streams: dates with their parts unknown, and streams that break off."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import iptc


def stream(*records: tuple[int, bytes], record: int = 2) -> bytes:
    return b"".join(b"\x1c" + bytes([record, n]) + struct.pack(">H", len(value)) + value for n, value in records)


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (b"20190506", b"070809+0900", (datetime(2019, 5, 6, 7, 8, 9), 540)),
        (b"20190506", b"070809-0330", (datetime(2019, 5, 6, 7, 8, 9), -210)),
        (b"20190506", b"070809+0000", (datetime(2019, 5, 6, 7, 8, 9), None)),
        (b"20190506", b"070809", (datetime(2019, 5, 6, 7, 8, 9), None)),
        (b"2019-05-06", b"07:08:09+09:00", (datetime(2019, 5, 6, 7, 8, 9), 540)),
        (b"20190506\0", b"070809\0", (datetime(2019, 5, 6, 7, 8, 9), None)),
        (b"20190506", b"nonsense", (datetime(2019, 5, 6, 12), None)),
        (b"20190500", b"070809", (datetime(2019, 5, 1, 12), None)),
        (b"19620000", b"000000", (datetime(1962, 1, 1, 12), None)),
        (b"00000000", b"070809", None),
        (b"20190231", b"070809", None),
        (b"", b"070809+0900", None),
        (b"\xff" * 8, b"", None),
    ],
)
def test_a_date_has_the_parts_that_were_known(day: bytes, clock: bytes, expected: object) -> None:
    for which in (iptc.CREATED, iptc.DIGITIZED):
        records = iptc.read(stream((which[0], day), (which[1], clock)))
        assert iptc.moment(records, which) == expected


def test_other_records_and_later_values_do_not_count() -> None:
    assert iptc.read(stream((55, b"other"), record=1) + stream((55, b"first"), (55, b"second"))) == {55: b"first"}


def test_a_stream_that_breaks_off_gives_what_came_before() -> None:
    whole = stream((5, b"title"), (55, b"20190506"))
    assert iptc.read(whole[:-3] + b"")[5] == b"title"
    assert iptc.read(stream((5, b"title")) + b"\x1c\x02\x37\x80\x04" + b"x" * 9) == {5: b"title"}
    assert iptc.read(None) == {}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    for data in (raw, stream((55, raw), (60, raw)), stream((55, b"20190506")) + raw):
        records = iptc.read(data)
        iptc.moment(records, iptc.CREATED)
        iptc.text(records, 55)
