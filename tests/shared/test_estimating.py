"""Where photos without a position were probably taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault.estimating import TIMES, Estimate, Names, Photo, Position, Rules, estimate
from photovault.globe import distance_km

LISBON = Position(38.7139, -9.1394, Names("PT", "Portugal", "Lisbon", "Lisbon", 2267057))
BELEM = Position(38.6968, -9.2034, Names("PT", "Portugal", "Lisbon", "Lisbon", 2267057))
SINTRA = Position(38.8010, -9.3783, Names("PT", "Portugal", "Lisbon", "Sintra", 2263480))
ALMADA = Position(38.6790, -9.1569, Names("PT", "Portugal", "Setúbal", "Almada", 2271473))
PORTO = Position(41.1496, -8.6109, Names("PT", "Portugal", "Porto", "Porto", 2735943))
BASEL = Position(47.5546, 7.5885, Names("CH", "Switzerland", "Basel-City", "Basel", 2661604))
WEIL = Position(47.5929, 7.6206, Names("DE", "Germany", "Baden-Wurttemberg", "Weil am Rhein", 2811909))
AT_SEA = Position(38.60, -9.30)
NINE = datetime(2025, 5, 9, 9)
RULES = Rules()


def photo(number: int, hours: float, position: Position | None = None, *, offset: int | None = 60) -> Photo:
    """Taken so many hours after nine, by a camera; ``offset`` in minutes."""
    local = NINE + timedelta(hours=hours)
    return Photo(
        id=UUID(int=number),
        local=local,
        instant=None if offset is None else (local - timedelta(minutes=offset)).replace(tzinfo=UTC),
        time_source="exif",
        has_camera=True,
        position=position,
    )


def asked(*others: Photo, wanting: Photo | None = None) -> Estimate | None:
    """The estimate of a photo at nine."""
    wanting = wanting or photo(1, 0)
    return estimate([wanting, *others]).get(wanting.id)


def test_a_photo_between_two_of_one_place_was_taken_there() -> None:
    made = asked(photo(2, -3, LISBON), photo(3, 4, LISBON))
    assert made is not None
    assert (made.lat, made.lon, made.names) == LISBON
    assert made.accuracy_km == RULES.least_accuracy_km + 3 * RULES.walking_km_per_hour


def test_between_two_places_close_by_it_lies_on_the_way_in_proportion_to_the_time() -> None:
    made = asked(photo(2, -1, LISBON), photo(3, 3, BELEM))
    assert made is not None
    way = distance_km(LISBON[:2], BELEM[:2])
    assert distance_km(LISBON[:2], (made.lat, made.lon)) == pytest.approx(way / 4, abs=0.02)
    assert distance_km(BELEM[:2], (made.lat, made.lon)) == pytest.approx(way * 3 / 4, abs=0.02)
    assert made.names == LISBON.names
    assert made.accuracy_km == pytest.approx(5.5 + way / 4, abs=0.06)


@pytest.mark.parametrize(
    ("other", "names"),
    [
        (BELEM, LISBON.names),
        (ALMADA, Names("PT", "Portugal")),
        (AT_SEA, Names()),
        (LISBON._replace(names=Names("PT", "Portugal", "Lisbon", "Lisboa", 5)), Names("PT", "Portugal", "Lisbon")),
        (LISBON._replace(names=LISBON.names._replace(place_id=None)), LISBON.names),
        (LISBON._replace(names=LISBON.names._replace(country="República")), LISBON.names),
    ],
    ids=["same city", "other region", "at sea", "other city", "without an id", "other spelling"],
)
def test_only_names_that_both_sides_share_are_sure(other: Position, names: Names) -> None:
    for one, two in ((LISBON, other), (other, LISBON)):
        made = asked(photo(2, -0.5, one), photo(3, 0.5, two))
        assert made is not None
        assert made.names == names


def test_across_a_border_no_country_is_sure() -> None:
    made = asked(photo(2, -0.5, BASEL), photo(3, 0.5, WEIL))
    assert made is not None
    assert made.names == Names()


def test_a_jump_has_two_sides_and_either_could_be_right() -> None:
    assert asked(photo(2, -0.1, LISBON), photo(3, 2, PORTO)) is None
    assert asked(photo(2, -0.5, LISBON), photo(3, 0.5, SINTRA)) is None  # 23 km: another town


@pytest.mark.parametrize("hours", [-1, -0.5, 0, 0.5, 1])
def test_one_side_speaks_for_an_hour(hours: float) -> None:
    made = asked(photo(2, hours, LISBON))
    assert made == Estimate(LISBON.lat, LISBON.lon, RULES.least_accuracy_km + 5 * abs(hours), LISBON.names)


@pytest.mark.parametrize("hours", [-1.1, 1.1, 5, -20])
def test_one_side_alone_is_not_heard_from_afar(hours: float) -> None:
    assert asked(photo(2, hours, LISBON)) is None


def test_what_lies_outside_the_window_neither_helps_nor_hinders() -> None:
    assert asked(photo(2, -2, LISBON), photo(3, 6.1, LISBON)) is None
    near = asked(photo(2, -0.5, LISBON), photo(3, 6.1, PORTO))
    assert near is not None
    assert near.names == LISBON.names
    assert asked(photo(2, -6, LISBON), photo(3, 6, LISBON)) is not None


def test_two_places_at_the_very_same_time_are_a_jump() -> None:
    assert asked(photo(2, 0, LISBON), photo(3, 0, PORTO)) is None
    made = asked(photo(2, 0, LISBON), photo(3, 0, BELEM))
    assert made is not None
    assert made.names == LISBON.names


def test_a_picture_that_no_camera_took_has_no_place() -> None:
    assert asked(photo(2, 0, LISBON), wanting=replace(photo(1, 0), has_camera=False)) is None


@pytest.mark.parametrize("source", ["upload", "filename", "exif_digitized", "exif_modified", "png", None])
def test_the_time_of_a_file_or_a_scan_says_nothing_about_where(source: str | None) -> None:
    assert asked(photo(2, 0, LISBON), wanting=replace(photo(1, 0), time_source=source)) is None
    assert asked(replace(photo(2, 0, LISBON), time_source=source)) is None


@pytest.mark.parametrize("source", sorted(TIMES))
def test_noon_is_a_time_only_where_a_clock_wrote_it(source: str) -> None:
    noon = replace(photo(1, 3), time_source=source)
    assert noon.local == datetime(2025, 5, 9, 12)
    believed = source in {"exif", "gps"}
    assert (asked(photo(2, 3, LISBON), wanting=noon) is not None) == believed
    assert (asked(replace(noon, position=LISBON), wanting=photo(2, 3)) is not None) == believed


def test_instants_decide_where_the_offset_is_known() -> None:
    """Ten o'clock in Lisbon is five in New York."""
    there = photo(1, 1, offset=60)
    assert asked(photo(2, -4, LISBON, offset=-240), wanting=there) is not None
    assert asked(photo(2, 1, LISBON, offset=-240), wanting=there) is None


def test_without_an_offset_the_clocks_on_the_wall_decide() -> None:
    unknown = photo(1, 0, offset=None)
    assert asked(photo(2, 0.5, LISBON, offset=600), wanting=unknown) is not None
    assert asked(photo(2, 0.5, LISBON, offset=None), wanting=unknown) is not None
    assert asked(photo(2, 0.5, LISBON, offset=None), wanting=photo(1, 0)) is None  # nobody knows when that was


def test_the_180th_meridian_and_the_pole_are_no_obstacles() -> None:
    west, east = Position(-16.8, 179.95), Position(-16.8, -179.95)
    made = asked(photo(2, -1, west), photo(3, 1, east))
    assert made is not None
    assert (made.lat, abs(made.lon)) == (-16.8, 180.0)
    made = asked(photo(2, -1, Position(89.95, 0)), photo(3, 1, Position(89.95, 180)))
    assert made is not None
    assert made.lat == 90


# ------------------------------------------------------------------------------------------------------- laws

PLACES = st.sampled_from([LISBON, BELEM, SINTRA, ALMADA, PORTO, AT_SEA])
PHOTOS = st.lists(
    st.builds(
        lambda minutes, position, offset, has_camera, source: Photo(
            UUID(int=0),
            NINE + timedelta(minutes=minutes),
            None if offset is None else (NINE + timedelta(minutes=minutes - offset)).replace(tzinfo=UTC),
            source,
            has_camera,
            position,
        ),
        st.integers(-600, 600).map(lambda tens: tens * 10),
        st.none() | PLACES,
        st.sampled_from([60, 60, 120, None]),
        st.sampled_from([True, True, True, False]),
        st.sampled_from(["exif", "exif", "exif", "upload", "person"]),
    ),
    max_size=25,
).map(lambda photos: [replace(each, id=UUID(int=number)) for number, each in enumerate(photos)])


@given(photos=PHOTOS, data=st.data())
def test_any_order_and_any_ids_give_the_same(photos: list[Photo], data: st.DataObject) -> None:
    made = estimate(photos)
    assert estimate(data.draw(st.permutations(photos))) == made
    renamed = [replace(each, id=UUID(int=1000 - each.id.int)) for each in photos]
    assert estimate(renamed) == {UUID(int=1000 - key.int): value for key, value in made.items()}


@given(photos=PHOTOS)
def test_no_estimate_is_evidence_for_another(photos: list[Photo]) -> None:
    """Each photo's estimate is what it would be if no other photo wanted one."""
    located = [each for each in photos if each.position is not None]
    alone = {}
    for each in photos:
        if each.position is None:
            alone |= estimate([each, *located])
    assert estimate(photos) == alone


@given(photos=PHOTOS)
def test_an_estimate_lies_near_a_photo_close_in_time(photos: list[Photo]) -> None:
    by_id = {each.id: each for each in photos}
    for key, made in estimate(photos).items():
        wanting = by_id[key]
        assert wanting.position is None
        assert wanting.has_camera
        assert any(
            abs(each.local - wanting.local) <= timedelta(hours=RULES.window_hours + 3)  # zones are up to 3 h apart here
            and distance_km((made.lat, made.lon), each.position[:2]) <= RULES.agree_km
            and (made.names.city is None or made.names == each.position.names)
            for each in photos
            if each.position is not None
        )


@given(photos=PHOTOS)
def test_without_evidence_nothing_is_estimated(photos: list[Photo]) -> None:
    assert estimate([replace(each, position=None) for each in photos]) == {}
