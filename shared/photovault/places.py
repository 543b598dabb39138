"""Which place a position lies in, on a loaded table: no network, no clock, no database.

A ``Table`` holds the world's settlements (GeoNames, CC BY 4.0; ``infra/places`` builds the file). A look-up takes the
settlement nearest by great circle and answers with the city that it speaks for: when the table is made, settlements
inside a larger city's built-up area are told to speak for that city (see ``speakers``), so that Islington says London.
A position outside the town that it is nearest to, and inside a larger city's area, is in that city, too.

Two things are better known from the *time zone* at the position, which the caller may pass along (tzfpy answers in a
microsecond, from polygons that include twelve miles of territorial waters): which countries are possible, so that a
photo in Windsor is not put into Detroit across the river; and whether this is the open sea (zones named ``Etc/...``).

The table needs nothing but the standard library, so that a function that looks up one position now and then does not
carry numpy for it. Distances are in kilometres on the sphere of ``globe``, positions in degrees (WGS 84).
"""

from __future__ import annotations

import json
import math
import sys
import unicodedata
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import accumulate, chain, pairwise
from typing import Any

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

#: A position outside the town that lies nearest, but inside a larger city's built-up area, is in that city, as the
#: Golden Gate bridge is in San Francisco; no farther from its centre than this, for the largest are ringed by others.
INSIDE_KM = 10.0
#: A city has this many people.
CITY = 20_000

_MAGIC = b"PVPLACES2\n"
_SCALE = 10_000  # positions are kept to 1/10,000 degree: 11 m
_CIRCLE = 360 * _SCALE
_BAND = _SCALE // 4  # of latitude: 28 km
_BANDS = 180 * _SCALE // _BAND + 1  # the north pole is one of its own
_FIRST_KM = 5.0  # how far around a position is searched first; in towns that is enough
_FARTHEST_KM = math.pi * EARTH_RADIUS_KM


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


class Grid:
    """Points in bands of latitude, in each by longitude: exact everywhere, poles and the 180th meridian included.

    ``lat`` and ``lon`` are in 1/10,000 degree and in the order of ``Grid.place``.
    """

    def __init__(self, lat: array[int], lon: array[int]) -> None:
        self._lat = lat
        self._lon = lon
        rows = range(len(lat))
        self._starts = [bisect_left(rows, band, key=lambda row: _band(lat[row])) for band in range(_BANDS + 1)]

    @staticmethod
    def place(lat: float, lon: float) -> tuple[int, int, int]:
        """What to sort points by, positions in degrees."""
        return _band(round(lat * _SCALE)), round(lon * _SCALE), round(lat * _SCALE)

    def within(self, lat: float, lon: float, km: float) -> Iterator[tuple[int, float]]:
        """Row and distance in km of all points so close to a position in degrees, in no order."""
        angle = min(km / EARTH_RADIUS_KM, math.pi)
        most = math.sin(angle / 2) ** 2 * (1 + 1e-9)  # before the square root, and for rounding
        phi = math.radians(lat)
        cos_phi = math.cos(phi)
        for row in self._near(lat, lon, angle):
            other = math.radians(self._lat[row] / _SCALE)
            square = (
                math.sin((other - phi) / 2) ** 2
                + cos_phi * math.cos(other) * math.sin(math.radians(self._lon[row] / _SCALE - lon) / 2) ** 2
            )
            if square <= most:
                distance = 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(square)))
                if distance <= km:
                    yield row, distance

    def _near(self, lat: float, lon: float, angle: float) -> Iterator[int]:
        """Rows in a box around everything within an angle in radians."""
        reach = math.degrees(angle)
        first = _band(math.floor(max(-90.0, lat - reach) * _SCALE))
        last = _band(math.ceil(min(90.0, lat + reach) * _SCALE))
        spans: tuple[tuple[int, int], ...] = ((-_CIRCLE, _CIRCLE),)
        if abs(lat) + reach < 90:  # no pole inside, so the circle has an east and a west end
            half = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(lat)))))
            middle = (lon + 180) % 360 - 180
            west, east = math.floor((middle - half) * _SCALE), math.ceil((middle + half) * _SCALE)
            spans = ((west, east), (west - _CIRCLE, east - _CIRCLE), (west + _CIRCLE, east + _CIRCLE))
        for band in range(first, last + 1):
            start, end = self._starts[band], self._starts[band + 1]
            for west, east in spans:
                yield from range(bisect_left(self._lon, west, start, end), bisect_right(self._lon, east, start, end))


def _band(lat: int) -> int:
    return (lat + 90 * _SCALE) // _BAND


def speakers(settlements: Sequence[Settlement]) -> list[int]:
    """For each settlement the index of the city it speaks for: its own, or that of the city it is a suburb of.

    A suburb lies within the radius that its city's population fills at ``URBAN_DENSITY``, has at most a third of its
    population, and no border between them: same country, same region, and, unless it is tiny beside the city, same
    county, where both have one. (GeoNames leaves out the county of a city that is itself made of several, such as New
    York, Paris or Tokyo.) The largest such city that is no suburb itself speaks; one of the same county comes first.
    """
    in_grid = sorted(range(len(settlements)), key=lambda n: Grid.place(settlements[n].lat, settlements[n].lon))
    grid = Grid(
        array("i", (round(settlements[n].lat * _SCALE) for n in in_grid)),
        array("i", (round(settlements[n].lon * _SCALE) for n in in_grid)),
    )
    largest_first = sorted(range(len(settlements)), key=lambda n: -settlements[n].population)
    speaks_for = list(range(len(settlements)))
    for across_counties, smallest in ((False, VILLAGE), (True, VILLAGE * ABSOLUTE_DOMINANCE)):
        for number in largest_first:
            city = settlements[number]
            if city.population < smallest:
                break
            if speaks_for[number] != number:
                continue
            for row, _ in grid.within(city.lat, city.lon, radius_km(city.population)):
                other = in_grid[row]
                if speaks_for[other] == other and _is_suburb(settlements[other], city, across_counties):
                    speaks_for[other] = number
    # A town of the first round can become a suburb in the second, and its own suburbs with it.
    return [speaks_for[speaker] for speaker in speaks_for]


def radius_km(population: int) -> float:
    """Of the built-up area of so many people."""
    return math.sqrt(population / (math.pi * URBAN_DENSITY))


def _is_suburb(settlement: Settlement, city: Settlement, across_counties: bool) -> bool:
    """Whether size and borders allow a settlement within a city's radius to be its suburb."""
    dominance = ABSOLUTE_DOMINANCE if across_counties else DOMINANCE
    if settlement.population * dominance > city.population or settlement.country_code != city.country_code:
        return False
    if settlement.region_code and city.region_code and settlement.region_code != city.region_code:
        return False
    return across_counties or not settlement.county or not city.county or settlement.county == city.county


#: Letters that no decomposition turns into those that people type instead.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "'": None})
_LETTERS |= str.maketrans(dict.fromkeys("\u2019\u02bb\u2018`"))

#: What people write for a country's code.
_CODES = {"uk": "gb", "usa": "us"}


def folded(text: str) -> str:
    """A name as it is compared: without case, accents and apostrophes, words apart by single spaces or line ends."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return bare.translate(_LETTERS).replace("-", " ")


_KINDS = {"i": 4, "I": 4, "H": 2}  # bytes of an item of ``array``, as far as the table uses them


class Table:
    """The settlements as columns, in the order of ``Grid``. Made by ``build`` or ``from_bytes``, never changed."""

    def __init__(self, columns: Mapping[str, array[int]], header: Mapping[str, Any], names: bytes) -> None:
        self._columns = columns
        self._header = header
        self._names = names
        self._name_ends = array("I", accumulate(columns["name_bytes"]))
        self._grid = Grid(columns["lat"], columns["lon"])
        self._country = columns["country"]
        self._cities = [row for row, people in enumerate(columns["population"]) if people >= CITY]
        self._city_grid = Grid(*(array("i", (columns[axis][row] for row in self._cities)) for axis in ("lat", "lon")))
        self._zones: Mapping[str, Sequence[int]] = header["zones"]
        self._searched: tuple[str, array[int]] | None = None

    def __len__(self) -> int:
        return len(self._country)

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
        rows = sorted(settlements, key=lambda s: (*Grid.place(s.lat, s.lon), s.id))
        speaks_for = speakers(rows)
        codes = sorted(countries)
        code_index = {code: index for index, code in enumerate(codes)}
        regions = ["", *sorted({s.region for s in rows if s.region})]
        region_index = {region: index for index, region in enumerate(regions)}
        heard = [speaker == index for index, speaker in enumerate(speaks_for)]  # a suburb's own name is never told
        names = [(s.name if own else "").encode() for s, own in zip(rows, heard, strict=True)]
        columns = {
            "lat": array("i", (round(s.lat * _SCALE) for s in rows)),
            "lon": array("i", (round(s.lon * _SCALE) for s in rows)),
            "id": array("I", (s.id * own for s, own in zip(rows, heard, strict=True))),
            "population": array("I", (s.population * own for s, own in zip(rows, heard, strict=True))),
            "country": array("H", (code_index[s.country_code] for s in rows)),
            "region": array("H", (region_index[s.region or ""] for s in rows)),
            "speaks_for": array("i", speaks_for),
            "name_bytes": array("H", map(len, names)),
        }
        header = {
            "source": source,
            "countries": [[code, countries[code]] for code in codes],
            "regions": regions,
            "zones": {zone: sorted(code_index[code] for code in codes) for zone, codes in sorted(zones.items())},
        }
        return cls(columns, header, b"".join(names))

    def to_bytes(self) -> bytes:
        """The table as one file. Columns are stored byte by byte plane, which packs a third smaller."""
        layout = [(name, column.typecode, len(column)) for name, column in self._columns.items()]
        header = json.dumps({**self._header, "layout": layout}, ensure_ascii=False, sort_keys=True).encode()
        planes = chain.from_iterable(_planes(column) for column in self._columns.values())
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
            columns: dict[str, array[int]] = {}
            for name, kind, length in header.pop("layout"):
                end = at + length * _KINDS[kind]
                columns[name] = _from_planes(body[at:end], kind, length)
                at = end
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
        code, name = self._header["countries"][countries[0] if found < 0 else self._country[found]]
        return Place(country=name, country_code=code)

    def nearest_settlement(
        self, lat: float, lon: float, *, countries: Sequence[int] = (), within_km: float = math.inf
    ) -> tuple[int, float]:
        """Row and distance in km of the nearest settlement, suburbs included; (-1, infinity) when there is none.

        ``countries`` limits the search to these of the table's countries (empty means all), ``within_km`` to a radius.
        """
        radius = min(_FIRST_KM, within_km)
        while True:
            found = min(
                (
                    (km, row)
                    for row, km in self._grid.within(lat, lon, radius)
                    if not countries or self._country[row] in countries
                ),
                default=None,
            )
            if found is not None:
                return found[1], found[0]
            if radius >= min(within_km, _FARTHEST_KM):
                return -1, math.inf
            radius = min(radius * 4, within_km)

    def named(self, text: str, *, limit: int) -> list[Place]:
        """Settlements whose name begins like this, the most populous first; then those of which a later word does.

        Behind a comma the region or the country may be named, by its beginning or the country's code: "York, UK".
        """
        name, *around = (" ".join(folded(part).split()) for part in text.split(","))
        around = list(dict.fromkeys(part for part in around if part))
        if not name:
            return []
        lies_there = cache(partial(self._lies_in, parts=around))
        all_names, starts = self._names_to_search()
        found: list[int] = []
        for before in ("\n", " "):
            at = all_names.find(before + name)
            rows = set()
            while at >= 0:
                rows.add(bisect_right(starts, at + 1) - 1)
                at = all_names.find(before + name, at + 1)
            fitting = (row for row in rows.difference(found) if lies_there(*self._surroundings(row)))
            found += sorted(fitting, key=lambda row: (-self._columns["population"][row], row))
            if len(found) >= limit:
                break
        return [self._told(row) for row in found[:limit]]

    def _names_to_search(self) -> tuple[str, array[int]]:
        """All names, folded, each behind a line end, and where each begins. Made at the first search (0.5 s, 4 MB)."""
        if self._searched is None:
            ends = self._name_ends
            names = (self._names[start:end].decode() for start, end in pairwise(chain([0], ends)))
            text = folded("\n" + "\n".join(name.replace("\n", " ") for name in names))
            starts = array("I", (at + 1 for at, letter in enumerate(text) if letter == "\n"))
            self._searched = text, starts
        return self._searched

    def _surroundings(self, row: int) -> tuple[int, int]:
        """The numbers of a settlement's country and region: a few thousand for all that there are."""
        return self._country[row], self._columns["region"][row]

    def _lies_in(self, country: int, region: int, *, parts: Sequence[str]) -> bool:
        code, name = self._header["countries"][country]
        names = folded(name), folded(self._header["regions"][region])
        return all(
            code.casefold() == _CODES.get(part, part) or any(each.startswith(part) for each in names) for part in parts
        )

    def _city_around(self, settlement: int, lat: float, lon: float) -> int:
        """The city that a position with this nearest settlement is in: the one it speaks for, or a larger one."""
        city = self._columns["speaks_for"][settlement]
        people, at = self._columns["population"], self._position(city)
        if city != settlement or distance_km((lat, lon), at) <= radius_km(people[city]):
            return city
        region = self._columns["region"]
        larger = (
            (people[row], row)
            for row, km in ((self._cities[n], km) for n, km in self._city_grid.within(lat, lon, INSIDE_KM))
            if people[row] > people[city]
            and km <= radius_km(people[row])
            and self._country[row] == self._country[city]
            and region[row] == region[city]
        )
        return max(larger, default=(0, city))[1]

    def _position(self, row: int) -> tuple[float, float]:
        return self._columns["lat"][row] / _SCALE, self._columns["lon"][row] / _SCALE

    def _place(self, settlement: int, lat: float, lon: float) -> Place:
        city = self._city_around(settlement, lat, lon)
        return replace(self._told(city), distance_km=round(distance_km((lat, lon), self._position(city)), 3))

    def _told(self, row: int) -> Place:
        """A settlement, without a way to it."""
        code, country = self._header["countries"][self._country[row]]
        end = self._name_ends[row]
        at = self._position(row)
        return Place(
            id=self._columns["id"][row],
            city=self._names[end - self._columns["name_bytes"][row] : end].decode(),
            region=self._header["regions"][self._columns["region"][row]] or None,
            country=country,
            country_code=code,
            lat=at[0],
            lon=at[1],
            population=self._columns["population"][row],
        )


def _planes(column: array[int]) -> Iterator[bytes]:
    """All lowest bytes, then all second bytes, and so on."""
    data = _little_endian(column).tobytes()
    return (data[number :: column.itemsize] for number in range(column.itemsize))


def _from_planes(data: memoryview, kind: str, length: int) -> array[int]:
    """A column again. Raises ``KeyError`` for fewer bytes than it has."""
    size = _KINDS[kind]
    if len(data) != size * length:
        raise KeyError("the end of a column")
    mixed = bytearray(len(data))
    for number in range(size):
        mixed[number::size] = data[number * length : (number + 1) * length]
    column = array(kind)
    column.frombytes(mixed)
    return _little_endian(column)


def _little_endian(column: array[int]) -> array[int]:
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column
