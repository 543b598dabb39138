"""Which place a position lies in, on a loaded table: no network, no clock, no database.

A ``Table`` holds the world's settlements (GeoNames, CC BY 4.0; ``infra/places`` builds the file). A look-up takes the
settlement nearest by great circle and answers with the city that it speaks for: when the table is made, settlements
inside a larger city's built-up area are told to speak for that city (see ``speakers``), so that Islington says London.

Two things are better known from the *time zone* at the position, which the caller may pass along (tzfpy answers in a
microsecond, from polygons that include twelve miles of territorial waters): which countries are possible, so that a
photo in Windsor is not put into Detroit across the river; and whether this is the open sea (zones named ``Etc/...``).

Distances are in kilometres on the sphere of ``globe``, positions in degrees (WGS 84).
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photovault.globe import EARTH_RADIUS_KM, distance_km

#: Farther than this from every settlement, a position has no city: wilderness on land, else the sea.
REACH_KM = 50.0
#: In a zone of the open sea, only a settlement this close (an islet that the zone polygons miss) makes it land.
SEA_REACH_KM = 10.0

#: People per square kilometre of a large city's built-up area, which turns a population into a radius. London has
#: 5,700, Berlin 4,100, New York 11,300; chosen so that Spandau falls to Berlin and Yonkers stays out of New York.
URBAN_DENSITY = 4500.0
#: A city must have this many times a settlement's population to speak for it. New York has 3.2 times Brooklyn's.
DOMINANCE = 3.0
#: With this many times its population, the county does not matter: Istanbul's quarters lie in several.
ABSOLUTE_DOMINANCE = 50.0
#: Below this many people, a place is a village, and a village has no suburbs.
VILLAGE = 1000

_MAGIC = b"PVPLACES1\n"
_SCALE = 10_000  # positions are kept to 1/10,000 degree: 11 m
_GRAIN = 1e-6  # degrees, 0.1 m: more than rounding can do to a band's edge


@dataclass(frozen=True)
class Place:
    """What is known of a position.

    City: ``id`` is its GeoNames id, ``lat``, ``lon`` its centre, ``distance_km`` the way there. Wilderness: ``city``
    and ``id`` are None, the country is known if the time zone is. Sea: ``sea`` is True, nothing else is known.
    ``country_code`` is ISO 3166-1 alpha-2, of the territory where it has one (FO, HK, GI), XK for Kosovo.
    """

    id: int | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None
    lat: float | None = None
    lon: float | None = None
    population: int = 0
    distance_km: float | None = None
    sea: bool = False


@dataclass(frozen=True)
class Settlement:
    """One populated place, as the table is built from. ``region_code`` and ``county`` only decide what is a suburb."""

    id: int
    name: str
    lat: float
    lon: float
    population: int
    country_code: str
    region: str | None = None
    region_code: str | None = None
    county: str | None = None
    zone: str | None = None


def unit_vectors(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """N x 3 points on the unit sphere. Chords between them grow with great-circle distance, everywhere alike."""
    phi, lam = np.radians(lat), np.radians(lon)
    return np.column_stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)))


def speakers(settlements: Sequence[Settlement]) -> list[int]:
    """For each settlement the index of the city it speaks for: its own, or that of the city it is a suburb of.

    A suburb lies within the radius that its city's population fills at ``URBAN_DENSITY``, has at most a third of its
    population, and no border between them: same country, same region, and, unless it is tiny beside the city, same
    county, where both have one. (GeoNames leaves out the county of a city that is itself made of several, such as New
    York, Paris or Tokyo.) The largest such city that is no suburb itself speaks; one of the same county comes first.
    """
    people = np.array([s.population for s in settlements], dtype=np.int64)
    points = unit_vectors(np.array([s.lat for s in settlements]), np.array([s.lon for s in settlements]))
    by_height = np.argsort(points[:, 2], kind="stable")
    heights = points[by_height, 2]
    largest_first = np.argsort(-people, kind="stable").tolist()
    speaks_for = list(range(len(settlements)))
    for across_counties, smallest in ((False, VILLAGE), (True, VILLAGE * ABSOLUTE_DOMINANCE)):
        for city in largest_first:
            if people[city] < smallest:
                break
            if speaks_for[city] != city:
                continue
            chord = math.sqrt(people[city] / (math.pi * URBAN_DENSITY)) / EARTH_RADIUS_KM
            first, last = np.searchsorted(heights, (points[city, 2] - chord, points[city, 2] + chord))
            band = by_height[first:last]
            for other in band[((points[band] - points[city]) ** 2).sum(axis=1) <= chord * chord].tolist():
                if speaks_for[other] == other and _is_suburb(settlements[other], settlements[city], across_counties):
                    speaks_for[other] = city
    # A town of the first round can become a suburb in the second, and its own suburbs with it.
    return [speaks_for[speaker] for speaker in speaks_for]


def _is_suburb(settlement: Settlement, city: Settlement, across_counties: bool) -> bool:
    """Whether size and borders allow a settlement within a city's radius to be its suburb."""
    dominance = ABSOLUTE_DOMINANCE if across_counties else DOMINANCE
    if settlement.population * dominance > city.population or settlement.country_code != city.country_code:
        return False
    if settlement.region_code and city.region_code and settlement.region_code != city.region_code:
        return False
    return across_counties or not settlement.county or not city.county or settlement.county == city.county


class Table:
    """The settlements, ordered by latitude, as columns. Made by ``build`` or ``from_bytes``, never changed.

    The latitude of two points differs by at most their great-circle distance, so the nearest settlement is found in a
    band of latitudes: exact everywhere, poles and the 180th meridian included, without a tree.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], header: Mapping[str, Any], names: bytes) -> None:
        self._columns = columns
        self._header = header
        self._names = names
        self._ends = np.flatnonzero(np.frombuffer(names, dtype=np.uint8) == ord("\n"))
        self._lat = columns["lat"] / _SCALE
        self._lon = columns["lon"] / _SCALE
        self._points = unit_vectors(self._lat, self._lon)
        self._country = columns["country"]
        self._speaks_for = columns["speaks_for"]
        self._zones: Mapping[str, Sequence[int]] = header["zones"]

    def __len__(self) -> int:
        return len(self._lat)

    @property
    def source(self) -> str:
        """Where the data comes from and its licence, in words to be shown."""
        return str(self._header["source"])

    @classmethod
    def build(
        cls,
        settlements: Iterable[Settlement],
        *,
        countries: Mapping[str, str],
        zones: Mapping[str, Sequence[str]],
        source: str,
    ) -> Table:
        """A table of settlements. ``countries``: code to name; ``zones``: time zone to the codes of its countries."""
        rows = sorted(settlements, key=lambda s: (round(s.lat * _SCALE), s.id))
        speaks_for = speakers(rows)
        codes = sorted(countries)
        code_index = {code: index for index, code in enumerate(codes)}
        regions = ["", *sorted({s.region for s in rows if s.region})]
        region_index = {region: index for index, region in enumerate(regions)}
        heard = [speaker == index for index, speaker in enumerate(speaks_for)]  # a suburb's own name is never told
        columns: dict[str, NDArray[Any]] = {
            "lat": np.array([round(s.lat * _SCALE) for s in rows], dtype=np.int32),
            "lon": np.array([round(s.lon * _SCALE) for s in rows], dtype=np.int32),
            "id": np.array([s.id * own for s, own in zip(rows, heard, strict=True)], dtype=np.uint32),
            "population": np.array([s.population * own for s, own in zip(rows, heard, strict=True)], dtype=np.uint32),
            "country": np.array([code_index[s.country_code] for s in rows], dtype=np.uint16),
            "region": np.array([region_index[s.region or ""] for s in rows], dtype=np.uint16),
            "speaks_for": np.array(speaks_for, dtype=np.int32),
        }
        names = "".join((s.name if own else "") + "\n" for s, own in zip(rows, heard, strict=True)).encode()
        header = {
            "source": source,
            "countries": [[code, countries[code]] for code in codes],
            "regions": regions,
            "zones": {zone: sorted(code_index[code] for code in codes) for zone, codes in sorted(zones.items())},
        }
        return cls(columns, header, names)

    def to_bytes(self) -> bytes:
        """The table as one file. Columns are stored byte by byte plane, which packs a third smaller."""
        layout = [(name, column.dtype.str, len(column)) for name, column in self._columns.items()]
        header = json.dumps({**self._header, "layout": layout}, ensure_ascii=False, sort_keys=True).encode()
        planes = [column.view(np.uint8).reshape(len(column), -1).T.tobytes() for column in self._columns.values()]
        body = b"".join((len(header).to_bytes(4, "big"), header, *planes, self._names))
        return _MAGIC + zlib.compress(body, 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> Table:
        """The table in a file's bytes. Raises ``ValueError`` for anything that ``to_bytes`` did not write."""
        if not data.startswith(_MAGIC):
            raise ValueError("not a table of places, or one of another version")
        try:
            body = memoryview(zlib.decompress(data[len(_MAGIC) :]))
            at = 4 + int.from_bytes(body[:4], "big")
            header = json.loads(bytes(body[4:at]))
            columns: dict[str, NDArray[Any]] = {}
            for name, kind, length in header.pop("layout"):
                dtype = np.dtype(kind)
                planes = np.frombuffer(body[at : at + length * dtype.itemsize], dtype=np.uint8)
                columns[name] = np.ascontiguousarray(planes.reshape(dtype.itemsize, length).T).view(dtype).ravel()
                at += length * dtype.itemsize
            return cls(columns, header, bytes(body[at:]))
        except (zlib.error, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise ValueError("a damaged table of places") from error

    def nearest(self, lat: float, lon: float, *, zone: str | None = None) -> Place:
        """The place at a position in degrees; ``zone`` is the name of the time zone there, if known.

        Raises ``ValueError`` for a latitude beyond a pole or anything that is no number; longitudes wrap around.
        """
        if not (math.isfinite(lat) and math.isfinite(lon) and -90 <= lat <= 90):
            raise ValueError(f"no such position: {lat}, {lon}")
        if zone is not None and zone.startswith("Etc/"):
            found, _ = self.nearest_settlement(lat, lon, within_km=SEA_REACH_KM)
            return self._place(found, lat, lon) if found >= 0 else Place(sea=True)
        countries = self._zones.get(zone, ()) if zone is not None else ()
        found, _ = self.nearest_settlement(lat, lon, countries=countries, within_km=REACH_KM)
        if found >= 0:
            return self._place(found, lat, lon)
        if not countries:
            return Place(sea=zone is None)
        if len(countries) > 1:
            found, _ = self.nearest_settlement(lat, lon, countries=countries)
        code, name = self._header["countries"][countries[0] if found < 0 else int(self._country[found])]
        return Place(country=name, country_code=code)

    def nearest_settlement(
        self, lat: float, lon: float, *, countries: Sequence[int] = (), within_km: float = math.inf
    ) -> tuple[int, float]:
        """Row and distance in km of the nearest settlement, suburbs included; (-1, infinity) when there is none.

        ``countries`` limits the search to these of the table's countries (empty means all), ``within_km`` to a radius.
        """
        allowed: NDArray[np.bool_] | None = None
        if countries:
            allowed = np.zeros(len(self._header["countries"]), dtype=np.bool_)
            allowed[list(countries)] = True
        point = unit_vectors(np.array([lat]), np.array([lon]))[0]
        limit = min(180.0, math.degrees(within_km / EARTH_RADIUS_KM))
        found, angle, half = -1, math.inf, min(limit, 0.25)  # degrees; 28 km are enough for nearly every photo
        while True:
            first, last = np.searchsorted(self._lat, (lat - half, lat + half + _GRAIN))
            cosines = self._points[first:last] @ point
            if allowed is not None:
                cosines[~allowed[self._country[first:last]]] = -2
            best = int(cosines.argmax()) if len(cosines) else -1
            if best >= 0 and cosines[best] >= -1.5:
                # The cosine of a small angle is coarse; the chord is not.
                found = int(first) + best
                angle = 2 * math.asin(min(1.0, math.sqrt(float(((self._points[found] - point) ** 2).sum())) / 2))
            if math.degrees(angle) <= half or half >= limit:
                km = angle * EARTH_RADIUS_KM
                return (found, km) if km <= within_km else (-1, math.inf)
            # What was found bounds the answer, so one more band of that width settles it.
            half = min(limit, math.degrees(angle) + _GRAIN if found >= 0 else half * 4)

    def _place(self, settlement: int, lat: float, lon: float) -> Place:
        city = int(self._speaks_for[settlement])
        code, country = self._header["countries"][int(self._country[city])]
        start = int(self._ends[city - 1]) + 1 if city else 0
        at = (float(self._lat[city]), float(self._lon[city]))
        return Place(
            id=int(self._columns["id"][city]),
            city=self._names[start : int(self._ends[city])].decode(),
            region=self._header["regions"][int(self._columns["region"][city])] or None,
            country=country,
            country_code=code,
            lat=at[0],
            lon=at[1],
            population=int(self._columns["population"][city]),
            distance_km=round(distance_km((lat, lon), at), 3),
        )
