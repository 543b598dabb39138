"""Distances on the earth: a sphere of the mean radius 6371.0088 km (IUGG), positions in degrees (WGS 84)."""

from __future__ import annotations

import math

EARTH_RADIUS_KM = 6371.0088


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance of two (latitude, longitude) pairs (haversine); right across the antimeridian."""
    phi1, phi2 = math.radians(one[0]), math.radians(other[0])
    half_lat, half_lon = (phi2 - phi1) / 2, math.radians(other[1] - one[1]) / 2
    square = math.sin(half_lat) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(square)))
