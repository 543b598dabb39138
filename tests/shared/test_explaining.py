"""Why an album is there, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photovault import languages
from photovault.explaining import duration, explain, explain_member

ID = "00000000-0000-0000-0000-000000000001"
TRIP: dict[str, Any] = {
    "rule": "trip",
    "first": ["2025-05-03T09:00:00", ID],
    "last": ["2025-05-07T14:05:00", ID],
    "begun_by": {"by": "home", "place": "Vienna", "from": "2023-01-05", "hours": 14.2, "km": 2300},
    "ended_by": {"by": "gap", "hours": 75.4, "limit_hours": 60},
    "cities": {"Lisbon": 18, "Porto": 12},
    "farthest_km": 2301,
    "unlocated": 3,
    "photos": 33,
}


def test_a_trip_tells_where_it_led_and_what_ended_it() -> None:
    assert explain("trip", TRIP) == [
        "Photos taken away from home, one after the other, from 3 May 2025, 09:00 to 7 May 2025, 14:05.",
        "They show Lisbon & Porto.",
        "The farthest one is 2,301 km from home.",
        "3 photos without a position are in it by their time.",
        "It begins after a photo at home in Vienna (since January 2023), 14 hours before its first one.",
        "It ends with 3.1 days without a photo; more than 2.5 days is a break here.",
    ]
    assert explain("trip", TRIP, language="de-AT")[-1] == (
        "Es endet mit 3,1 Tagen ohne Foto; eine Pause beginnt hier ab 2,5 Tagen."
    )


@pytest.mark.parametrize(
    ("kind", "why", "sentences"),
    [
        ("manual", {}, ["You made this album."]),
        ("smart", {}, ["This album is a saved search and keeps itself up to date."]),
        (
            "place",
            {"rule": "place", "level": "city", "city": "Lisbon", "country": "Portugal", "photos": 9, "estimated": 2},
            [
                "Photos taken in Lisbon, Portugal.",
                "2 of its 9 photos have no position of their own: they are close in time to photos that were taken "
                "there.",
            ],
        ),
        (
            "date",
            {"rule": "date", "level": "month", "value": "2025-05"},
            ["Photos taken in May 2025, by the day where they were taken."],
        ),
        ("person", {"rule": "person", "person": ID, "name": "Anna"}, ["Photos that show Anna."]),
        ("person", {"rule": "person", "person": ID}, ["Photos that show this person."]),
        (
            "event",
            {"rule": "event", "minutes": 90, "begun_by": "the first photo", "ended_by": "a gap of 9.0 h"},
            [
                "Photos close together in time within 1.5 hours, apart from what you took before and after.",
                "Before it: the first photo.",
                "After it: a gap of 9.0 h.",
            ],
        ),
    ],
)
def test_every_rule_has_sentences(kind: str, why: Mapping[str, Any], sentences: list[str]) -> None:
    assert explain(kind, why) == sentences


@pytest.mark.parametrize(
    ("kind", "why", "sentence"),
    [
        ("trip", {"by": "place", "place": "Porto", "km_from_home": 2300}, "Taken in Porto, 2,300 km from home."),
        ("trip", {"by": "place", "km_from_home": 2300}, "Taken 2,300 km from home."),
        ("trip", {"by": "place", "km_from_home": 900, "sea": True}, "Taken at sea, 900 km from home."),
        (
            "trip",
            {"by": "time", "minutes": 40, "after": True, "place": "Porto"},
            "No position; taken 40 minutes after one in Porto.",
        ),
        (
            "trip",
            {"by": "time", "minutes": 0, "after": False},
            "No position; taken less than a minute before one of this trip.",
        ),
        ("event", {"by": "time"}, "Taken within its time."),
        ("date", {"local_day": "2025-05-03"}, "Taken on 3 May 2025."),
        ("person", {"person": ID, "name": "Anna"}, "Shows Anna."),
        ("place", {"place": "Porto", "source": "measured"}, "Taken in Porto."),
        ("manual", {}, "You put it here."),
    ],
)
def test_every_membership_has_a_sentence(kind: str, why: Mapping[str, Any], sentence: str) -> None:
    assert explain_member(kind, why) == sentence


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0, "less than a minute"),
        (1 / 60, "1 minute"),
        (0.5, "30 minutes"),
        (1, "1 hour"),
        (26, "26 hours"),
        (72, "3 days"),
    ],
)
def test_durations_are_as_exact_as_people_are(hours: float, words: str) -> None:
    assert duration(hours, languages.ENGLISH) == words


VALUES = st.recursive(
    st.none() | st.integers(-5, 10**6) | st.floats() | st.text(max_size=3) | st.sampled_from(["gap", "home", "hop"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["by", "hours", "km", "from", "to", "limit_hours"]), inner)
    ),
    max_leaves=6,
)
KEYS = sorted({*TRIP, "level", "value", "minutes", "local_day", "by", "parameters", "manner"})


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["place", "date", "person", "trip", "event", "manual"]),
    st.dictionaries(st.sampled_from(KEYS), VALUES),
)
def test_no_explanation_is_too_strange_for_words(kind: str, why: dict[str, Any]) -> None:
    sentences = [*explain(kind, {**why, "rule": kind}), explain_member(kind, why)]
    assert all(sentences)
