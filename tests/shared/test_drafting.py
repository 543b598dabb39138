"""Albums make themselves and say why."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lives import LIVES, Life
from tests.scores import boundaries, pairs

from photovault.drafting import draft, replay
from photovault.drafts import Draft, Parameters, Person, Photo
from photovault.explaining import explain, explain_member
from photovault.homes import find_homes

PLACES = {
    "Lisbon": (38.7167, -9.1333, ("PT", "Portugal", "Lisbon", "Lisbon")),
    "Porto": (41.1496, -8.611, ("PT", "Portugal", "Porto", "Porto")),
    "Vienna": (48.2085, 16.3721, ("AT", "Austria", "Vienna", "Vienna")),
    "Graz": (47.0667, 15.45, ("AT", "Austria", "Styria", "Graz")),
    "Suva": (-18.1416, 178.4415, ("FJ", "Fiji", "Central", "Suva")),
}


class Camera:
    """Takes photos, one after the other, with ids in order of time."""

    def __init__(self) -> None:
        self.photos: list[Photo] = []

    def take(self, at: str | datetime, where: str | None = None, *, people: Iterable[UUID] = ()) -> Photo:
        local = datetime.fromisoformat(at) if isinstance(at, str) else at
        lat, lon, place = PLACES[where] if where else (None, None, None)
        number = UUID(int=len(self.photos) + 1)
        photo = Photo(number, local, local.date(), lat, lon, place, tuple(people))
        self.photos.append(photo)
        return photo

    def live_in(self, where: str, first: date, last: date, *, every: int = 5) -> None:
        day = first
        while day <= last:
            self.take(datetime.fromisoformat(f"{day}T18:30"), where)
            day += timedelta(days=every)

    def visit(self, where: str | None, first: str, *, days: int, a_day: int = 6) -> list[Photo]:
        start = datetime.fromisoformat(first)
        return [
            self.take(start + timedelta(days=day, hours=9 + hour), where)
            for day in range(days)
            for hour in range(a_day)
        ]


def of_kind(drafts: Iterable[Draft], kind: str) -> list[Draft]:
    return [made for made in drafts if made.kind == kind]


def ids(made: Draft) -> set[UUID]:
    return {member.image_id for member in made.members}


def year_with_trip() -> Camera:
    camera = Camera()
    camera.live_in("Vienna", date(2025, 1, 1), date(2025, 4, 30))
    camera.visit("Lisbon", "2025-05-03", days=3)
    camera.visit("Porto", "2025-05-06", days=2)
    camera.live_in("Vienna", date(2025, 5, 10), date(2025, 8, 30))
    return camera


def test_an_empty_library_has_no_albums() -> None:
    assert draft([]) == []


def test_a_city_a_country_a_month_and_a_year_have_albums() -> None:
    camera = Camera()
    camera.take("2025-05-03T10:00", "Lisbon")
    camera.take("2025-06-03T10:00", "Porto")
    made = {d.key: d for d in draft(camera.photos)}
    assert made["place:city:PT:Portugal:Lisbon:Lisbon"].title == "Lisbon"
    assert made["place:country:PT"].title == "Portugal"
    assert len(made["place:country:PT"].members) == 2
    assert made["date:month:2025-05"].title == "May 2025"
    assert made["date:year:2025"].title == "2025"


def test_in_a_large_library_single_photos_make_no_month_of_their_own() -> None:
    camera = Camera()
    for n in range(60):
        camera.take(f"{1960 + n}-05-03T10:00")  # the scans of half a life
    few = {d.key for d in of_kind(draft(camera.photos), "date")}
    assert "date:month:1960-05" in few
    camera.visit(None, "2025-06-01", days=20, a_day=10)
    many = {d.key: d for d in of_kind(draft(camera.photos), "date")}
    assert "date:month:1960-05" not in many
    assert many["date:month:2025-06"].why["parameters"] == {"month_photos": 3}


def test_what_somebody_said_of_a_month_or_a_town_keeps_its_album_as_the_library_grows() -> None:
    camera = Camera()
    camera.take("1960-05-03T10:00", "Lisbon")
    rules = Parameters(place_log_less=4, month_log_less=4)
    mine = {"date:month:1960-05", "place:city:PT:Portugal:Lisbon:Lisbon"}
    assert mine <= {d.key for d in draft(camera.photos, (), rules)}
    camera.live_in("Vienna", date(2025, 1, 1), date(2025, 12, 30))
    large = {d.key: d for d in draft(camera.photos, (), rules)}
    assert not mine & large.keys()
    kept = {d.key: d for d in draft(camera.photos, (), rules, kept=mine)}
    assert kept.keys() == large.keys() | mine
    assert kept["date:month:1960-05"].why["parameters"] == {"month_photos": 1}


def test_a_country_with_one_city_has_no_album_of_its_own() -> None:
    camera = Camera()
    camera.take("2025-05-03T10:00", "Lisbon")
    assert [d.key for d in of_kind(draft(camera.photos), "place")] == ["place:city:PT:Portugal:Lisbon:Lisbon"]


def test_cities_of_one_name_are_told_apart_by_their_region() -> None:
    camera = Camera()
    maine = replace(camera.take("2025-05-03T10:00"), place=("US", "United States", "Maine", "Portland"))
    oregon = replace(camera.take("2025-06-03T10:00"), place=("US", "United States", "Oregon", "Portland"))
    made = [d.title for d in of_kind(draft([maine, oregon]), "place") if ":city:" in d.key]
    assert made == ["Portland, Maine", "Portland, Oregon"]


def test_an_estimated_place_joins_an_album_but_makes_none() -> None:
    camera = Camera()
    real = camera.take("2025-05-03T10:00", "Lisbon")
    guess = replace(camera.take("2025-05-03T11:00", "Lisbon"), place_estimated=True)
    alone = replace(camera.take("2025-05-09T11:00", "Graz"), place_estimated=True)
    cities = [d for d in of_kind(draft([real, guess, alone]), "place") if ":city:" in d.key]
    assert [d.title for d in cities] == ["Lisbon"]
    assert [member.why["source"] for member in cities[0].members] == ["measured", "estimated"]


def test_a_day_with_many_photos_has_an_album_by_local_day() -> None:
    camera = Camera()
    for minute in range(12):
        photo = camera.take(f"2025-05-03T23:{minute:02}")
        camera.photos[-1] = replace(photo, local_day=date(2025, 5, 3))
    camera.take("2025-05-04T00:10")
    days = [d for d in of_kind(draft(camera.photos), "date") if d.key.startswith("date:day")]
    assert [(d.key, d.title, len(d.members)) for d in days] == [("date:day:2025-05-03", "3 May 2025", 12)]


def test_a_person_has_an_album_and_somebody_hidden_has_none() -> None:
    anna, hidden = UUID(int=77), UUID(int=78)
    camera = Camera()
    camera.take("2025-05-03T10:00", people=[anna, hidden])
    alone = camera.take("2025-05-04T10:00", people=[anna])
    (made,) = of_kind(draft(camera.photos, [Person(anna, "Anna")]), "person")
    assert (made.key, made.title, made.cover) == (f"person:{anna}", "Anna", alone.id)


def test_a_trip_begins_and_ends_at_home_and_says_so() -> None:
    (trip,) = of_kind(draft(year_with_trip().photos), "trip")
    assert trip.title == "Lisbon & Porto, May 2025"
    assert (trip.first_day, trip.last_day, len(trip.members)) == (date(2025, 5, 3), date(2025, 5, 7), 30)
    home = {"by": "home", "place": "Vienna", "from": "2025-01-01"}
    assert trip.why["begun_by"] == {**home, "hours": 158.5, "km": 2298}
    assert trip.why["ended_by"] == {**home, "hours": 76.5, "km": 2114}
    assert trip.why["cities"] == {"Lisbon": 18, "Porto": 12}


def test_homes_have_periods_and_an_old_home_can_be_visited_again() -> None:
    camera = Camera()
    camera.live_in("Graz", date(2022, 1, 1), date(2022, 12, 31))
    camera.live_in("Vienna", date(2023, 1, 1), date(2024, 12, 31))
    camera.visit("Graz", "2024-08-16", days=3)
    homes = find_homes(sorted(camera.photos, key=lambda photo: photo.local))
    assert [(home.city, home.first_day.year, home.last_day.year) for home in homes] == [
        ("Graz", 2022, 2022),
        ("Vienna", 2023, 2024),
    ]
    (trip,) = of_kind(draft(camera.photos), "trip")
    assert trip.title == "Weekend in Graz, August 2024"


def test_a_photo_without_a_position_joins_a_trip_by_time() -> None:
    camera = year_with_trip()
    during = camera.take("2025-05-04T12:30")
    later = camera.take("2025-05-06T20:00")
    (trip,) = of_kind(draft(camera.photos), "trip")
    assert {during.id, later.id} <= ids(trip)
    reason = {m.image_id: m.why for m in trip.members}[during.id]
    assert reason == {"by": "time", "minutes": 30, "after": True, "place": "Lisbon"}


def test_photos_without_a_position_do_not_bridge_a_gap() -> None:
    camera = Camera()
    camera.live_in("Vienna", date(2025, 1, 1), date(2025, 4, 20))
    camera.visit("Lisbon", "2025-05-01", days=2)
    camera.visit(None, "2025-05-03", days=5)
    camera.visit("Porto", "2025-05-08", days=2)
    trips = of_kind(draft(camera.photos), "trip")
    assert [trip.title for trip in trips] == ["Lisbon, May 2025", "Porto, May 2025"]


def test_days_at_the_only_place_of_a_young_library_are_no_trip() -> None:
    camera = Camera()
    camera.visit("Lisbon", "2025-05-01", days=4)
    assert of_kind(draft(camera.photos), "trip") == []


def test_somebody_who_always_travels_has_trips() -> None:
    camera = Camera()
    for n, where in enumerate(("Lisbon", "Vienna", "Suva", "Graz", "Porto")):
        camera.visit(where, f"2025-0{n + 1}-07", days=5)
    assert [trip.title for trip in of_kind(draft(camera.photos), "trip")] == [
        "Lisbon, January 2025",
        "Vienna, February 2025",
        "Suva, March 2025",
        "Graz, April 2025",
        "Porto, May 2025",
    ]


def test_a_birthday_without_any_position_is_an_event() -> None:
    anna = UUID(int=77)
    camera = Camera()
    for day in range(1, 29, 3):
        camera.take(f"2025-03-{day:02}T08:00")
        camera.take(f"2025-03-{day:02}T19:00")
    party = [camera.take(f"2025-03-15T15:{minute:02}", people=[anna]) for minute in range(0, 60, 5)]
    (event,) = of_kind(draft(camera.photos, [Person(anna, "Anna")]), "event")
    assert ids(event) == {photo.id for photo in party}
    assert event.title == "Afternoon with Anna, 15 March 2025"
    assert event.why["ended_by"] == {"by": "gap", "hours": 16.1, "limit_hours": 8.0}


def test_the_minutes_of_an_event_are_those_between_the_clocks_that_are_told() -> None:
    camera = Camera()
    for day in range(1, 29, 3):
        camera.take(f"2025-03-{day:02}T08:00")
    for time in ("16:28:50", "16:33:00", "16:40:00", "16:44:00", "16:47:00", "16:52:00", "16:55:00", "17:00:10"):
        camera.take(f"2025-03-15T{time}")
    (event,) = of_kind(draft(camera.photos, []), "event")
    assert event.why["minutes"] == 32


def test_a_series_of_shots_in_a_second_is_no_event() -> None:
    camera = Camera()
    for _ in range(500):
        camera.take("2025-03-15T15:00")
    assert of_kind(draft(camera.photos), "event") == []


def test_the_cover_shows_the_most_people_near_the_middle() -> None:
    camera = Camera()
    group = (UUID(int=71), UUID(int=72), UUID(int=73))
    for n in range(9):
        camera.take(f"2025-03-15T15:{n:02}", people=group if n in {1, 5} else group[:1])
    (month,) = of_kind(draft(camera.photos), "date")
    assert month.cover == camera.photos[5].id


def test_a_home_on_the_antimeridian_is_one_home() -> None:
    camera = Camera()
    camera.live_in("Suva", date(2025, 1, 1), date(2025, 6, 30))
    shifted = [replace(photo, lat=0.0, lon=179.999 if n % 2 else -179.999) for n, photo in enumerate(camera.photos)]
    (home,) = find_homes(shifted)
    assert home.photos == len(shifted)
    assert abs(abs(home.lon) - 180) < 0.01


# ---- lives -----------------------------------------------------------------------------------------------------------


def of_life(life: Life) -> list[Draft]:
    return draft(life.photos, life.people)


def trip_titles(life: Life) -> list[str]:
    return [trip.title for trip in of_kind(of_life(life), "trip")]


def labels(drafts: Iterable[Draft], kind: str) -> dict[UUID, str]:
    return {image: made.key for made in of_kind(drafts, kind) for image in ids(made)}


@pytest.mark.parametrize("name", LIVES)
def test_trips_and_events_of_a_life_are_found_where_they_begin_and_end(name: str) -> None:
    life = LIVES[name](7)
    drafts = of_life(life)
    trips, events = labels(drafts, "trip"), labels(drafts, "event")
    assert boundaries(life.photos, trips, life.trips, hours=3).f1 >= 0.9
    assert pairs(trips, life.trips).f1 >= 0.95
    assert boundaries(life.photos, events, life.events, hours=0.5).f1 >= 0.85


@pytest.mark.parametrize("name", LIVES)
def test_every_album_of_a_life_is_replayed_and_explained(name: str) -> None:
    life = LIVES[name](8)
    for made in of_life(life):
        assert replay(json.loads(json.dumps(made.why)), life.photos) == ids(made), made.title
        assert explain(made.kind, made.why)
        assert all(explain_member(made.kind, member.why) for member in made.members[:20])


def test_a_road_trip_and_a_cruise_are_called_so() -> None:
    assert "Road trip through Norway, July 2022" in trip_titles(LIVES["road trip"](7))
    (cruise,) = [title for title in trip_titles(LIVES["cruise"](7)) if "Cruise" in title]
    assert cruise.endswith(", September 2022")


def test_a_workplace_abroad_is_a_home_and_no_trip() -> None:
    life = LIVES["commuting"](7)
    homes = find_homes(sorted(life.photos, key=lambda photo: photo.local))
    assert {home.city for home in homes} == {"Vienna", "Bratislava"}
    assert not [title for title in trip_titles(life) if "Bratislava" in title or "Slovakia" in title]


def test_somebody_who_never_settles_has_no_home() -> None:
    life = LIVES["nomad"](7)
    assert find_homes(sorted(life.photos, key=lambda photo: photo.local)) == ()


def test_a_summer_elsewhere_between_two_times_at_home_is_a_trip() -> None:
    camera = Camera()
    camera.live_in("Vienna", date(2024, 1, 1), date(2024, 5, 31), every=3)
    camera.live_in("Lisbon", date(2024, 6, 3), date(2024, 8, 20), every=2)
    camera.live_in("Vienna", date(2024, 8, 25), date(2025, 1, 31), every=3)
    (home,) = find_homes(camera.photos)
    assert home.city == "Vienna"
    (trip,) = of_kind(draft(camera.photos), "trip")
    assert trip.title == "Lisbon, June–August 2024"


def test_a_camera_on_the_time_of_home_does_not_tear_a_trip_apart() -> None:
    camera = Camera()
    camera.live_in("Vienna", date(2025, 1, 1), date(2025, 5, 1))
    camera.visit("Lisbon", "2025-05-02", days=3)
    for minute in range(0, 60, 20):
        camera.take(f"2025-05-04T22:{minute:02}", "Vienna")
        camera.take(f"2025-05-04T22:{minute + 10:02}", "Lisbon")  # taken in the afternoon
    camera.live_in("Vienna", date(2025, 5, 6), date(2025, 8, 1))
    (trip,) = of_kind(draft(camera.photos), "trip")
    assert len(trip.members) == 18 + 3
    assert trip.why["except"] == [[48.21, 16.37]]
    assert replay(trip.why, camera.photos) == ids(trip)


def test_photos_without_a_time_are_in_albums_of_places_and_people_only() -> None:
    anna = UUID(int=77)
    camera = Camera()
    for minute in range(0, 60, 2):
        camera.take(f"2025-03-15T15:{minute:02}", "Lisbon", people=[anna])
    undated = [replace(photo, dated=False) for photo in camera.photos]
    assert {made.kind for made in draft(undated, [Person(anna, "Anna")])} == {"place", "person"}


def test_a_hundred_thousand_photos_of_one_second_make_no_event_and_no_trip() -> None:
    at = datetime.fromisoformat("2025-03-15T15:00")
    photos = [Photo(UUID(int=n + 1), at, at.date(), *PLACES["Lisbon"]) for n in range(100_000)]
    assert sorted(made.title for made in draft(photos)) == ["15 March 2025", "Lisbon", "March 2025"]


def test_photos_of_the_first_and_the_last_day_of_the_calendar_are_harmless() -> None:
    first, last = (datetime.fromisoformat(text) for text in ("0001-01-01T00:00", "9999-12-31T23:59"))
    photos = [Photo(UUID(int=n + 1), at, at.date(), 0.0, 0.0) for n, at in enumerate([first] * 9 + [last] * 9)]
    assert {made.kind for made in draft(photos)} == {"date"}


def test_a_silence_near_home_ends_a_trip_earlier_than_far_away() -> None:
    camera = Camera()
    camera.live_in("Vienna", date(2025, 1, 1), date(2025, 4, 28))
    far = [*camera.visit("Lisbon", "2025-05-01", days=2), *camera.visit("Lisbon", "2025-05-04", days=2)]
    camera.live_in("Vienna", date(2025, 5, 10), date(2025, 6, 1))
    for at in ("2025-06-03", "2025-06-04"):
        camera.photos += [
            replace(photo, lat=48.4, lon=16.37, place=None) for photo in camera.visit("Vienna", at, days=1, a_day=5)
        ]
        del camera.photos[-10:-5]
    camera.live_in("Vienna", date(2025, 6, 8), date(2025, 8, 1))
    (trip,) = of_kind(draft(camera.photos), "trip")
    assert ids(trip) == {photo.id for photo in far}


def test_drafting_leaves_the_garbage_collector_as_it_was() -> None:
    with pytest.raises(AttributeError):
        draft([None])  # type: ignore[list-item]
    assert gc.isenabled()
    gc.disable()
    try:
        draft([])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_birthday_names_its_event() -> None:
    maria = UUID(int=77)
    camera = Camera()
    for minute in range(0, 60, 5):
        camera.take(f"2024-06-03T15:{minute:02}", people=[maria])
    people = [Person(maria, "Maria", birthday=date(1990, 6, 3))]
    (event,) = of_kind(draft(camera.photos, people), "event")
    assert event.title == "Maria's birthday, 3 June 2024"
    (german,) = of_kind(draft(camera.photos, people, language="de"), "event")
    assert german.title == "Marias Geburtstag, 3. Juni 2024"


def test_a_day_that_is_an_event_or_on_a_trip_has_no_album_of_its_own() -> None:
    camera = year_with_trip()
    camera.visit("Lisbon", "2025-05-04T01:00", days=1, a_day=10)
    assert not [made for made in draft(camera.photos) if made.key.startswith("date:day")]


# ---- laws ------------------------------------------------------------------------------------------------------------

PEOPLE = [Person(UUID(int=70 + n), name) for n, name in enumerate(("Anna", None, "Ben"))]
NEW_YEAR = datetime.fromisoformat("2024-01-01")
taken = st.one_of(
    st.datetimes(NEW_YEAR, NEW_YEAR + timedelta(days=60)),
    st.sampled_from([NEW_YEAR + timedelta(hours=hours) for hours in (12, 13, 48)]),
)


@st.composite
def libraries(draw: st.DrawFn) -> list[Photo]:
    """Photos in bursts here and there, some at the same instant, some without a position or with an estimate."""
    photos: list[Photo] = []
    for _ in range(draw(st.integers(0, 6))):
        start, where = draw(taken), draw(st.sampled_from([None, *PLACES]))
        step = timedelta(minutes=draw(st.sampled_from([0, 1, 30, 300, 1500])))
        estimated = draw(st.booleans())
        people = tuple(draw(st.lists(st.sampled_from([person.id for person in PEOPLE]), max_size=2)))
        lat, lon, place = PLACES[where] if where else (None, None, None)
        if where is None and draw(st.booleans()):
            lat, lon = draw(st.sampled_from([(0.0, 0.0), (90.0, 0.0), (-90.0, 12.0), (0.0, 180.0), (0.0, -180.0)]))
        dated, camera = draw(st.integers(0, 5)) > 0, draw(st.sampled_from([None, "phone", "camera"]))
        for n in range(draw(st.integers(1, 14))):
            local = start + n * step
            number = UUID(int=len(photos) * 7919 % 1009 + 1)
            photos.append(Photo(number, local, local.date(), lat, lon, place, people, estimated, dated, camera))
    return photos


@settings(max_examples=150, deadline=None)
@given(libraries(), st.integers(0, 2**32).map(Random))
def test_replaying_an_explanation_gives_the_album(photos: list[Photo], random: Random) -> None:
    drafts = draft(photos, PEOPLE)
    shuffled = random.sample(photos, len(photos))
    for made in drafts:
        why = json.loads(json.dumps(made.why))
        assert replay(why, shuffled) == ids(made), made.key
        assert made.cover in ids(made)
        assert made.title
        json.dumps([member.why for member in made.members])


@settings(max_examples=100, deadline=None)
@given(libraries(), st.integers(0, 2**32).map(Random))
def test_albums_do_not_depend_on_the_order_of_the_photos(photos: list[Photo], random: Random) -> None:
    drafts = draft(photos, PEOPLE)
    assert draft(random.sample(photos, len(photos)), random.sample(PEOPLE, len(PEOPLE))) == drafts
    assert len({made.key for made in drafts}) == len(drafts)


@settings(max_examples=100, deadline=None)
@given(libraries())
def test_no_photo_is_on_two_trips_or_at_an_event_and_on_a_trip(photos: list[Photo]) -> None:
    runs = [member.image_id for made in draft(photos) if made.kind in {"trip", "event"} for member in made.members]
    assert len(runs) == len(set(runs))
