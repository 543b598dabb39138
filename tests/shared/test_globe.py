"""Distances on the earth."""

from __future__ import annotations

import math

import pytest

from photovault.globe import EARTH_RADIUS_KM, distance_km


def test_distances_are_of_the_sphere() -> None:
    assert distance_km((0, 0), (0, 180)) == pytest.approx(math.pi * EARTH_RADIUS_KM)
    assert distance_km((51.5085, -0.1257), (48.8534, 2.3488)) == pytest.approx(344, abs=1)  # London to Paris
    assert distance_km((48.2085, 16.3721), (38.7167, -9.1333)) == pytest.approx(2298, abs=1)  # Vienna to Lisbon


def test_distances_are_right_across_the_antimeridian() -> None:
    assert distance_km((0, 179.5), (0, -179.5)) == pytest.approx(111.2, abs=0.1)
    assert distance_km((60, 179.5), (60, -179.5)) == pytest.approx(55.6, abs=0.1)
