"""Zones by place, offsets by date, and the edges of daylight-saving time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import timezones


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [
        (52.52, 13.4, "Europe/Berlin"),
        (40.71, -74.0, "America/New_York"),
        (27.7, 85.3, "Asia/Kathmandu"),
        (-43.9, -176.5, "Pacific/Chatham"),
        (0.0, 32.58, "Africa/Kampala"),
        (51.48, 0.0, "Europe/London"),
        (-16.8, 179.98, "Pacific/Fiji"),
    ],
)
def test_places_know_their_zone(latitude: float, longitude: float, zone: str) -> None:
    assert timezones.zone_at(latitude, longitude) == zone


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_place_has_a_zone_with_an_offset(latitude: float, longitude: float) -> None:
    zone = timezones.zone_at(latitude, longitude)
    assert zone is not None
    offset = timezones.offset_at(zone, datetime(2024, 6, 1, tzinfo=UTC))
    assert offset is not None
    assert -12 * 60 <= offset <= 14 * 60


@pytest.mark.parametrize("place", [(91, 0), (0, 181), (float("nan"), 0), (0, float("inf"))])
def test_what_is_no_place_has_no_zone(place: tuple[float, float]) -> None:
    assert timezones.zone_at(*place) is None


@pytest.mark.parametrize(
    ("zone", "local", "minutes"),
    [
        ("Europe/Berlin", datetime(2024, 1, 15, 12), 60),
        ("Europe/Berlin", datetime(2024, 7, 15, 12), 120),
        ("Asia/Kathmandu", datetime(2024, 7, 15, 12), 345),
        ("Pacific/Chatham", datetime(2024, 1, 15, 12), 825),
        ("America/New_York", datetime(1970, 7, 1, 12), -240),
        ("Europe/Amsterdam", datetime(1930, 1, 1, 12), 20),  # +00:19:32 then
        # Autumn: 02:30 happens twice, the first is meant, which is still summer time.
        ("Europe/Berlin", datetime(2024, 10, 27, 1, 59), 120),
        ("Europe/Berlin", datetime(2024, 10, 27, 2, 30), 120),
        ("Europe/Berlin", datetime(2024, 10, 27, 2, 30, fold=1), 120),
        ("Europe/Berlin", datetime(2024, 10, 27, 3, 0), 60),
        # Spring: 02:30 does not happen; the clock was not moved yet.
        ("Europe/Berlin", datetime(2024, 3, 31, 1, 59), 60),
        ("Europe/Berlin", datetime(2024, 3, 31, 2, 30), 60),
        ("Europe/Berlin", datetime(2024, 3, 31, 3, 0), 120),
        ("Australia/Lord_Howe", datetime(2024, 1, 1, 12), 660),
        ("Australia/Lord_Howe", datetime(2024, 7, 1, 12), 630),
    ],
)
def test_a_wall_clock_gives_its_offset(zone: str, local: datetime, minutes: int) -> None:
    assert timezones.offset_at(zone, local) == minutes


def test_an_instant_tells_the_two_hours_of_autumn_apart() -> None:
    assert timezones.offset_at("Europe/Berlin", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)) == 120
    assert timezones.offset_at("Europe/Berlin", datetime(2024, 10, 27, 1, 30, tzinfo=UTC)) == 60


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../etc/passwd", "/etc/localtime", "\0"])
def test_an_unknown_zone_has_no_offset(zone: str) -> None:
    assert timezones.offset_at(zone, datetime(2024, 1, 1)) is None


def test_an_instant_outside_the_calendar_is_none() -> None:
    assert timezones.instant_of(datetime(1, 1, 1), 60) is None
    assert timezones.instant_of(datetime(2024, 1, 1), 60) == datetime(2023, 12, 31, 23, tzinfo=UTC)
