"""Filters that smart albums keep."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import queries, saved_filters
from photovault.filters import Filter, Near, PlaceRef
from photovault.saved_filters import Known, Saved

ANNA, BEN, TRIP = UUID(int=1), UUID(int=2), UUID(int=3)
TODAY = date(2025, 6, 11)

ids = st.uuids()
days = st.none() | st.dates()
texts = st.text(max_size=10)
circles = st.builds(Near, st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 100))
places = st.builds(PlaceRef, st.sampled_from(["country", "region", "city"]), texts, texts)


def tuples(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3).map(tuple)


stretches, yearly = tuples(st.tuples(days, days)), tuples(st.tuples(st.integers(101, 1231), st.integers(101, 1231)))
filters = st.builds(
    Filter,
    date_from=days,
    date_to=days,
    days=stretches,
    days_none=stretches,
    yearly=yearly,
    yearly_none=yearly,
    places=tuples(places),
    places_none=tuples(places),
    people_all=tuples(ids),
    people_any=tuples(tuples(ids)),
    people_none=tuples(ids),
    labels_all=tuples(texts),
    labels_any=tuples(tuples(texts)),
    labels_none=tuples(texts),
    albums=tuples(ids),
    albums_none=tuples(ids),
    cameras=tuples(texts),
    cameras_none=tuples(texts),
    content_types=tuples(texts),
    content_types_none=tuples(texts),
    favourite=st.none() | st.booleans(),
    archived=st.none() | st.booleans(),
    has_faces=st.none() | st.booleans(),
    has_gps=st.none() | st.booleans(),
    has_caption=st.none() | st.booleans(),
    has_motion=st.none() | st.booleans(),
    hours=tuples(st.tuples(st.integers(0, 24), st.integers(0, 24))),
    weekdays=tuples(st.integers(0, 6)),
    near=tuples(circles),
    near_none=tuples(circles),
    orientations=tuples(texts),
)
saved = st.builds(
    Saved,
    conditions=filters,
    last_days=st.none() | st.integers(1, 1000),
    bbox=st.none() | st.tuples(*[st.floats(-90, 90)] * 4),
    known=st.dictionaries(ids, st.builds(Known, st.none() | texts, tuples(ids)), max_size=3),
)


@given(saved)
def test_a_filter_comes_back_from_json_as_it_was(filter_: Saved) -> None:
    assert saved_filters.of_json(json.loads(json.dumps(filter_.as_json()))) == filter_


def test_a_version_of_tomorrow_is_not_taken_for_todays() -> None:
    with pytest.raises(ValueError, match="version 2"):
        saved_filters.of_json(Saved(Filter(favourite=True)).as_json() | {"version": 2})


def test_every_condition_of_a_query_is_kept() -> None:
    """A condition that the parser learns must be read back, and told."""
    told = {
        "date_from": TODAY, "date_to": TODAY, "days": ((TODAY, None),), "days_none": ((None, TODAY),),
        "yearly": ((1224, 1226),), "yearly_none": ((101, 101),), "places": (PlaceRef("city", "Porto", "PT"),),
        "places_none": (PlaceRef("city", "Porto", "PT"),), "people_all": (ANNA,), "people_any": ((ANNA, BEN),),
        "people_none": (BEN,), "labels_all": ("dog",), "labels_any": (("dog", "cat"),), "labels_none": ("dog",),
        "albums": (TRIP,), "albums_none": (TRIP,), "cameras": ("canon",), "cameras_none": ("canon",),
        "content_types": ("image/heic",), "content_types_none": ("image/heic",), "favourite": True, "archived": True,
        "has_faces": False, "has_gps": False, "has_caption": True, "has_motion": True,
        "hours": ((21, 5),), "weekdays": (5, 6), "near": (Near(38.7, -9.1, 25.0),),
        "near_none": (Near(38.7, -9.1, 25.0),), "orientations": ("portrait",),
    }  # fmt: skip
    assert told.keys() == Filter.__dataclass_fields__.keys()
    for name, value in told.items():
        one = Saved(Filter(**{name: value}))
        assert saved_filters.of_json(json.loads(json.dumps(one.as_json()))) == one
        assert len(saved_filters.tell(one, {ANNA: "Anna", BEN: "Ben", TRIP: "Trip"}, gone=set())) == 1, name


@given(filters)
def test_a_filter_that_moves_nothing_with_the_days_stands_still(filter_: Filter) -> None:
    assert saved_filters.of_query(filter_, filter_, today=TODAY) == Saved(filter_)


@pytest.mark.parametrize(
    ("words", "days"),
    [("last 30 days", 30), ("past week", 7), ("last 3 months", 92), ("today", None), ("last year", None)],
)
def test_only_days_that_end_today_go_on(words: str, days: int | None) -> None:
    now, tomorrow = (queries.parse(words, today=day).filter for day in (TODAY, TODAY + timedelta(days=1)))
    found = saved_filters.of_query(now, tomorrow, today=TODAY)
    assert found == (Saved(last_days=days) if days else Saved(now))


def test_a_filter_follows_people_and_keeps_what_they_were_called() -> None:
    before = Saved(
        Filter(people_all=(ANNA,), people_any=((ANNA, BEN),), people_none=(BEN,)), known={ANNA: Known("Anna")}
    )
    after = saved_filters.following(before, {ANNA: BEN})
    assert after.conditions == Filter(people_all=(BEN,), people_any=((BEN,),), people_none=(BEN,))
    assert after.known == {BEN: Known("Anna")}
    both = replace(before, known={ANNA: Known("Anna"), BEN: Known("Ben")})
    assert saved_filters.following(both, {ANNA: BEN}).known == {BEN: Known("Ben")}


@pytest.mark.parametrize(
    ("conditions", "possible"),
    [
        (Filter(people_all=(ANNA,)), False),
        (Filter(people_any=((ANNA, BEN),)), True),
        (Filter(people_any=((ANNA,), (BEN,))), False),
        (Filter(people_none=(ANNA, BEN)), False),
        (Filter(albums=(TRIP,)), False),
        (Filter(albums=(TRIP, BEN)), True),
        (Filter(albums_none=(TRIP,)), False),
        (Filter(people_all=(BEN,), albums_none=(BEN,)), True),
    ],
)
def test_whoever_is_gone_is_neither_found_nor_left_out(conditions: Filter, possible: bool) -> None:
    assert saved_filters.is_possible(Saved(conditions), gone={ANNA, TRIP}) == possible


def test_conditions_are_told_in_words() -> None:
    said = Filter(
        people_all=(ANNA,),
        places=(PlaceRef("city", "Lisbon", "PT"), PlaceRef("region", "Lisbon", "PT"), PlaceRef("city", "Faro", "PT")),
        days=((date(2024, 6, 1), date(2024, 8, 31)), (date(2025, 5, 9), date(2025, 5, 9)), (date(2025, 6, 1), None)),
        yearly=((1224, 1226),),
        content_types=("image/heic",),
    )
    names = {ANNA: "Anna {0}"}
    assert saved_filters.tell(Saved(said, last_days=7, known={BEN: Known("Ben")}), names, gone=set()) == [
        "Photos with Anna {0}.",
        "Taken in Lisbon or Faro.",
        "Taken in the last 7 days.",
        "Taken from 1 June 2024 to 31 August 2024, on 9 May 2025 or since 1 June 2025.",
        "Taken from 24 December to 26 December, in any year.",
        "Files of the type HEIC.",
    ]
