"""Looking places up in small tables, made here, and the rule that makes suburbs speak for their city."""

from __future__ import annotations

import math
import subprocess
import sys
from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from photovault import places
from photovault.globe import distance_km
from photovault.places import Grid, Place, Settlement, Table

COUNTRIES = {"AA": "Aland", "BB": "Beland"}
LONDON = Settlement(1, "London", 51.5085, -0.1257, 8_961_989, "AA", "England", "ENG", "Greater London")
ISLINGTON = Settlement(2, "Islington", 51.5362, -0.1033, 319_143, "AA", "England", "ENG", "Greater London")
FAR_TOWN = Settlement(3, "Brighton", 50.8284, -0.1395, 139_001, "AA", "England", "ENG", "Brighton and Hove")


def table(*settlements: Settlement, **zones: list[str]) -> Table:
    named = {"Zone/" + name: codes for name, codes in zones.items()}
    return Table.build(settlements, countries=COUNTRIES, zones=named, source="made up")


def city_at(lat: float, lon: float, *settlements: Settlement) -> str | None:
    return table(*settlements).nearest(lat, lon).city


def dot(number: int, lat: float, lon: float, country: str = "AA") -> Settlement:
    return Settlement(number, f"Dot {number}", lat, lon, 0, country)


# ------------------------------------------------------------------------------------------------ suburbs


def test_a_suburb_speaks_for_its_city():
    place = table(LONDON, ISLINGTON, FAR_TOWN).nearest(51.5362, -0.1033)
    assert (place.id, place.city, place.region, place.country, place.country_code) == (
        1,
        "London",
        "England",
        "Aland",
        "AA",
    )
    assert (place.lat, place.lon, place.population) == (51.5085, -0.1257, 8_961_989)
    assert place.distance_km == pytest.approx(3.45, abs=0.05)  # to the centre that is named, not to the suburb


def test_a_town_outside_the_built_up_area_keeps_its_name():
    assert city_at(50.83, -0.14, LONDON, ISLINGTON, FAR_TOWN) == "Brighton"


@pytest.mark.parametrize(
    ("near", "says"),
    [
        (replace(ISLINGTON, country_code="BB"), "Islington"),
        (replace(ISLINGTON, region_code="WLS"), "Islington"),
        (replace(ISLINGTON, county="Surrey"), "Islington"),
        (replace(ISLINGTON, county="Surrey", population=5000), "London"),
        (replace(ISLINGTON, population=4_000_000), "Islington"),
        (replace(ISLINGTON, region_code=None, county=None), "London"),
    ],
    ids=["other country", "other region", "other county", "tiny, other county", "nearly as large", "nothing known"],
)
def test_borders_and_size_decide_what_is_a_suburb(near: Settlement, says: str):
    assert city_at(51.5362, -0.1033, LONDON, near) == says


def test_a_quarter_goes_to_the_town_of_its_own_county_before_the_larger_city_next_door():
    boston = Settlement(1, "Boston", 42.35843, -71.05977, 653_833, "AA", None, "MA", "Suffolk")
    cambridge = Settlement(2, "Cambridge", 42.3751, -71.10561, 110_402, "AA", None, "MA", "Middlesex")
    quarter = Settlement(3, "East Cambridge", 42.36676, -71.08005, 13_000, "AA", None, "MA", "Middlesex")
    assert city_at(42.3668, -71.0800, boston, cambridge, quarter) == "Cambridge"


def test_whoever_speaks_speaks_for_themselves():
    """Also where a town that speaks for a quarter is swallowed by a city in the second round."""
    city = Settlement(1, "City", 0.0, 0.0, 10_000_000, "AA", None, "R", "One")
    town = Settlement(2, "Town", 0.1, 0.0, 100_000, "AA", None, "R", "Two")
    quarter = Settlement(3, "Quarter", 0.11, 0.0, 10_000, "AA", None, "R", "Two")
    assert places.speakers([city, town, quarter]) == [0, 0, 0]


def test_villages_have_no_suburbs():
    assert places.speakers([dot(1, 0, 0), replace(dot(2, 0, 0), population=999)]) == [0, 1]


# ------------------------------------------------------------------------------------ inside a larger city

SAN_FRANCISCO = Settlement(1, "San Francisco", 37.7749, -122.4194, 864_816, "AA", "California", "CA")
SAUSALITO = Settlement(2, "Sausalito", 37.8591, -122.4853, 7_116, "AA", "California", "CA", "Marin County")
GOLDEN_GATE = (37.8199, -122.4783)


def test_outside_the_nearest_town_and_inside_a_city_is_in_the_city():
    assert city_at(*GOLDEN_GATE, SAN_FRANCISCO, SAUSALITO) == "San Francisco"
    assert city_at(37.8591, -122.4853, SAN_FRANCISCO, SAUSALITO) == "Sausalito"
    assert city_at(37.8390, -122.4830, SAN_FRANCISCO, SAUSALITO) == "Sausalito"  # 7.9 km out: beyond the built-up area


@pytest.mark.parametrize(
    "city",
    [
        replace(SAN_FRANCISCO, country_code="BB"),
        replace(SAN_FRANCISCO, region="Nevada"),
        replace(SAN_FRANCISCO, population=500_000),
        replace(SAN_FRANCISCO, population=19_999),
    ],
    ids=["other country", "other region", "smaller area", "no city"],
)
def test_a_city_does_not_reach_across_borders_or_beyond_its_area(city: Settlement):
    assert city_at(*GOLDEN_GATE, city, SAUSALITO) == "Sausalito"


def test_the_largest_cities_reach_no_farther_than_their_middle():
    town = replace(SAUSALITO, population=250_000)
    metropolis = replace(SAN_FRANCISCO, population=10_000_000, county="San Francisco")
    assert city_at(*GOLDEN_GATE, metropolis, town) == "San Francisco"
    assert city_at(*GOLDEN_GATE, replace(metropolis, lat=37.72), town) == "Sausalito"  # 12 km


def test_a_quarter_keeps_to_its_own_city():
    """Though it lies outside the area of that city, and nearer to a larger one."""
    small = Settlement(3, "Small", 0.0, 0.0, 300_000, "AA", None, "R", "Own")
    quarter = Settlement(4, "Quarter", 0.035, 0.0, 1000, "AA", None, "R", "Own")
    large = Settlement(5, "Large", 0.12, 0.0, 1_000_000, "AA", None, "R", "Other")
    assert city_at(0.05, 0.0, small, quarter, large) == "Small"


# ------------------------------------------------------------------------------------- borders, land and sea

NEAR_SIDE = Settlement(1, "Detroit", 42.3314, -83.0458, 645_705, "AA")
FAR_SIDE = Settlement(2, "Windsor", 42.3001, -83.0165, 317_914, "BB")
RIVER_BANK = (42.3149, -83.0364)


def test_without_a_zone_the_nearest_wins_even_across_a_border():
    assert table(NEAR_SIDE, FAR_SIDE).nearest(*RIVER_BANK).city == "Detroit"


def test_the_zone_keeps_a_photo_on_its_side_of_the_border():
    border = table(NEAR_SIDE, FAR_SIDE, Detroit=["AA"], Toronto=["BB"], Both=["AA", "BB"])
    assert border.nearest(*RIVER_BANK, zone="Zone/Toronto").country_code == "BB"
    assert border.nearest(*RIVER_BANK, zone="Zone/Detroit").country_code == "AA"
    assert border.nearest(*RIVER_BANK, zone="Zone/Both").country_code == "AA"
    assert border.nearest(*RIVER_BANK, zone="Zone/Unheard_of").country_code == "AA"


def test_the_open_sea_is_sea_and_nothing_else():
    assert table(LONDON).nearest(50.3, -1.5, zone="Etc/GMT") == Place(sea=True)
    assert table(LONDON).nearest(0, 0) == Place(sea=True)


def test_an_islet_that_the_zones_miss_is_land():
    assert table(dot(7, 10, 10)).nearest(10.05, 10, zone="Etc/GMT-1").city == "Dot 7"
    assert table(dot(7, 10, 10)).nearest(10.15, 10, zone="Etc/GMT-1").sea


def test_wilderness_has_a_country_and_no_city():
    algeria = table(dot(1, 27.2, 2.5), dot(2, 12.5, -8, country="BB"), Algiers=["AA"], Both=["AA", "BB"], Isles=[])
    assert algeria.nearest(24, 5, zone="Zone/Algiers") == Place(country="Aland", country_code="AA")
    assert algeria.nearest(24, 5, zone="Zone/Both") == Place(country="Aland", country_code="AA")
    assert algeria.nearest(14, -5, zone="Zone/Both") == Place(country="Beland", country_code="BB")
    assert algeria.nearest(24, 5, zone="Zone/Isles") == Place()


def test_a_country_of_the_zone_needs_no_settlement():
    assert table(LONDON, South=["BB"]).nearest(-90, 0, zone="Zone/South") == Place(country="Beland", country_code="BB")


@pytest.mark.parametrize(
    ("lat", "lon"), [(90.01, 0), (-91, 0), (math.nan, 0), (0, math.nan), (math.inf, 0), (0, math.inf)]
)
def test_a_position_that_does_not_exist_is_refused(lat: float, lon: float):
    with pytest.raises(ValueError, match="no such position"):
        table(LONDON).nearest(lat, lon)


# ------------------------------------------------------------------------------------------------- geometry


def test_the_180th_meridian_is_no_border():
    fiji = table(dot(1, -16.8, 179.99), dot(2, -16.8, 179.5))
    assert fiji.nearest(-16.8, -179.99).city == "Dot 1"
    assert fiji.nearest(-16.8, 180.0) == fiji.nearest(-16.8, -180.0) == fiji.nearest(-16.8, 540.0)


def test_at_the_pole_every_longitude_is_near():
    station = table(dot(1, -89.9, 0), dot(2, -89.8, 90))
    assert {station.nearest(-90, lon).city for lon in (-180, -90, 0, 90, 179)} == {"Dot 1"}
    assert station.nearest(-89.95, 180).city == "Dot 1"  # over the pole


LATITUDES = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.9999, 0.0, 89.9999, 90.0]))
LONGITUDES = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, -179.9999, 0.0, 179.9999, 180.0]))
DOTS = st.lists(st.tuples(LATITUDES, LONGITUDES, st.sampled_from(["AA", "BB"])), min_size=1, max_size=60)


@settings(max_examples=300, deadline=None)
@given(dots=DOTS, lat=LATITUDES, lon=LONGITUDES, country=st.sampled_from([None, 0, 1]))
@example(dots=[(90.0, 0.0, "AA"), (-90.0, 0.0, "BB")], lat=0.0, lon=12.0, country=None)
def test_the_nearest_is_the_nearest_of_all(dots, lat: float, lon: float, country: int | None):
    made = table(*(dot(number, *row) for number, row in enumerate(dots, start=1)))
    found, km = made.nearest_settlement(lat, lon, countries=() if country is None else [country])
    rows = sorted(dots, key=lambda row: Grid.place(row[0], row[1]))
    distances = {
        index: distance_km((lat, lon), (round(row[0], 4), round(row[1], 4)))
        for index, row in enumerate(rows)
        if country is None or row[2] == ("AA", "BB")[country]
    }
    if distances:
        assert km == pytest.approx(min(distances.values()), abs=0.001)
        assert distances[found] == pytest.approx(km, abs=0.001)
    else:
        assert (found, km) == (-1, math.inf)


@settings(max_examples=100, deadline=None)
@given(dots=DOTS, lat=LATITUDES, lon=LONGITUDES, within=st.floats(0, 25_000))
def test_a_radius_hides_only_what_lies_outside(dots, lat: float, lon: float, within: float):
    made = table(*(dot(number, *row) for number, row in enumerate(dots, start=1)))
    nearest = made.nearest_settlement(lat, lon)
    assert made.nearest_settlement(lat, lon, within_km=within) == (nearest if nearest[1] <= within else (-1, math.inf))


def test_a_circle_holds_what_lies_in_it_and_nothing_twice():
    columns = [
        array("i", values) for values in zip(*((lat, lon) for lat in (-1, 0, 1) for lon in (0, 5, 9)), strict=True)
    ]
    order = sorted(range(9), key=lambda n: Grid.place(columns[0][n] / 10_000, columns[1][n] / 10_000))
    grid = Grid(*(array("i", (column[n] for n in order)) for column in columns))
    for km in (20_100, math.inf):
        assert sorted(row for row, _ in grid.within(0.0, 180.0, km)) == list(range(9))
    assert [row for row, km in grid.within(0.0, 0.0, 0.0)] == [next(i for i, n in enumerate(order) if n == 3)]


# ---------------------------------------------------------------------------------------------------- files


def test_a_table_needs_nothing_but_the_standard_library():
    """The function that serves the API looks places up, too, and has no numpy."""
    code = "import sys, photovault.places; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(places.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {name.partition(".")[0] for name in done.stdout.split()} & {"numpy", "scipy"} == set()


def test_a_table_survives_its_file():
    before = table(LONDON, ISLINGTON, FAR_TOWN, replace(dot(4, 0, 0), name="São Tomé"), London=["AA", "BB"])
    after = Table.from_bytes(before.to_bytes())
    assert after.to_bytes() == before.to_bytes()
    assert (len(after), after.source) == (4, "made up")
    for at in [(51.53, -0.1), (50.8, 0), (0, 0)]:
        assert after.nearest(*at) == before.nearest(*at)
    assert after.nearest(0, 0).city == "São Tomé"


def test_the_order_of_the_settlements_does_not_matter():
    assert table(LONDON, ISLINGTON, FAR_TOWN).to_bytes() == table(FAR_TOWN, ISLINGTON, LONDON).to_bytes()


def test_a_file_of_something_else_is_refused():
    with pytest.raises(ValueError, match="not a table of places"):
        Table.from_bytes(b"PK\x03\x04")


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_file_that_was_cut_is_refused(keep: float):
    data = table(LONDON, ISLINGTON, FAR_TOWN).to_bytes()
    with pytest.raises(ValueError, match="damaged"):
        Table.from_bytes(data[: int(len(data) * keep)])


# ------------------------------------------------------------------------------------------------- by their names

NAMED = table(
    Settlement(1, "Zürich", 47.37, 8.54, 415_000, "AA", "Zurich"),
    Settlement(2, "York", 53.96, -1.08, 156_000, "BB", "England"),
    Settlement(3, "New York City", 40.71, -74.0, 8_800_000, "AA", "New York"),
    Settlement(4, "York", 39.96, -76.7, 44_000, "AA", "Pennsylvania"),
    Settlement(5, "Łódź", 51.77, 19.46, 640_000, "BB"),
    Settlement(6, "Saint-Denis", -20.88, 55.45, 154_000, "BB"),
    Settlement(7, "St. John's", 47.56, -52.7, 110_000, "AA"),
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("zur", [1]),
        ("LODZ", [5]),
        ("york", [2, 4, 3]),
        ("york, penn", [4]),
        ("york, aa", [4, 3]),
        ("york, aland, penn", [4]),
        ("saint den", [6]),
        ("st. john\u2019s", [7]),
        ("new  york", [3]),
        ("ork", []),
        ("", []),
        (" , aa", []),
        ("york\nzurich", []),
    ],
    ids=repr,
)
def test_places_are_found_by_their_names(text: str, ids: list[int]) -> None:
    assert [place.id for place in NAMED.named(text, limit=10)] == ids


def test_the_best_places_come_first_and_no_more_than_wanted() -> None:
    assert [place.id for place in NAMED.named("york", limit=2)] == [2, 4]


def test_a_place_that_is_found_is_told_whole() -> None:
    (found,) = NAMED.named("york, bb", limit=5)
    assert found == Place(2, "York", "England", "Beland", "BB", 53.96, -1.08, 156_000)


@given(st.text(max_size=40))
def test_no_text_is_too_odd_to_look_a_place_up(text: str) -> None:
    assert len(NAMED.named(text, limit=3)) <= 3
