"""Titles of albums, as a person would write them."""

from __future__ import annotations

import string
from datetime import date, datetime, timedelta

import pytest

from photovault import languages, titles
from photovault.languages import ENGLISH, GERMAN, Language
from photovault.titles import Journey, Occasion

MAY = date(2025, 5, 1)
FRIDAY = date(2025, 5, 2)


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("language", languages.LANGUAGES.values(), ids=lambda language: language.code)
def test_every_language_has_every_sentence_with_the_same_fields(language: Language) -> None:
    for ours, theirs in ((ENGLISH.titles, language.titles), (ENGLISH.sentences, language.sentences)):
        assert {key: fields(text) for key, text in ours.items()} == {key: fields(text) for key, text in theirs.items()}
    assert language.units.keys() == ENGLISH.units.keys()
    assert (len(language.months), len(language.weekdays)) == (12, 7)


@pytest.mark.parametrize(
    ("tag", "code"), [("de-AT", "de"), ("de_DE", "de"), ("EN-gb", "en"), ("fr", "en"), ("", "en"), (None, "en")]
)
def test_languages_are_found_by_their_tags(tag: str | None, code: str) -> None:
    assert languages.find(tag).code == code


def test_months_days_and_lists_are_written_as_people_do() -> None:
    assert titles.months(date(2024, 12, 30), date(2025, 1, 2)) == "December 2024 – January 2025"
    assert titles.months(date(2025, 5, 30), date(2025, 6, 2)) == "May–June 2025"
    assert titles.days(date(2025, 5, 3), date(2025, 5, 4)) == "3–4 May 2025"
    assert titles.days(date(2025, 5, 31), date(2025, 6, 1)) == "31 May – 1 June 2025"
    assert titles.days(date(2024, 12, 31), date(2025, 1, 1)) == "31 December 2024 – 1 January 2025"
    assert titles.days(date(2025, 5, 3), date(2025, 5, 4), GERMAN) == "3.–4. Mai 2025"
    assert titles.listing(["Lisbon", "Porto", "Faro"]) == "Lisbon, Porto & Faro"


def test_a_weekend_is_from_friday_to_monday_at_the_widest() -> None:
    assert titles.is_weekend(FRIDAY, FRIDAY + timedelta(days=3))
    assert titles.is_weekend(FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2))
    assert not titles.is_weekend(FRIDAY - timedelta(days=1), FRIDAY + timedelta(days=1))
    assert not titles.is_weekend(FRIDAY, FRIDAY)
    assert not titles.is_weekend(FRIDAY, FRIDAY + timedelta(days=4))


@pytest.mark.parametrize(
    ("journey", "english", "german"),
    [
        (
            Journey(FRIDAY, FRIDAY + timedelta(2), ["Porto"]),
            "Weekend in Porto, May 2025",
            "Wochenende in Porto, Mai 2025",
        ),
        (Journey(MAY, date(2025, 5, 9), ["Lisbon", "Porto"]), "Lisbon & Porto, May 2025", "Lisbon & Porto, Mai 2025"),
        (
            Journey(MAY, date(2025, 5, 9), list("ABCD"), countries=["Spain", "Portugal"]),
            "Spain & Portugal, May 2025",
            "Spain & Portugal, Mai 2025",
        ),
        (
            Journey(MAY, date(2025, 5, 9), list("ABCD"), countries=list("ABCD")),
            "A, B, C & more, May 2025",
            "A, B, C & mehr, Mai 2025",
        ),
        (Journey(MAY, date(2025, 5, 9)), "Trip, May 2025", "Reise, Mai 2025"),
        (Journey(FRIDAY, FRIDAY + timedelta(2)), "Weekend away, May 2025", "Wochenendausflug, Mai 2025"),
        (
            Journey(date(2024, 7, 1), date(2024, 7, 12), list("ABCD"), list("RSTU"), ["Norway"], "road-trip"),
            "Road trip through Norway, July 2024",
            "Rundreise durch Norway, Juli 2024",
        ),
        (
            Journey(MAY, date(2025, 5, 9), ["Graz", "Villach"], ["Styria", "Carinthia"], ["Austria"], "road-trip"),
            "Road trip through Styria & Carinthia, May 2025",
            "Rundreise durch Styria & Carinthia, Mai 2025",
        ),
        (
            Journey(MAY, date(2025, 5, 9), ["Naples", "Valletta", "Tunis"], manner="cruise"),
            "Cruise to Naples, Valletta & Tunis, May 2025",
            "Kreuzfahrt nach Naples, Valletta & Tunis, Mai 2025",
        ),
        (Journey(MAY, date(2025, 5, 9), manner="cruise"), "Cruise, May 2025", "Kreuzfahrt, Mai 2025"),
        (
            Journey(date(2024, 12, 22), date(2024, 12, 27), ["Graz"]),
            "Christmas in Graz, 2024",
            "Weihnachten in Graz, 2024",
        ),
        (
            Journey(date(2024, 12, 30), date(2025, 1, 2), ["Porto"]),
            "New Year's Eve in Porto, 2024",
            "Silvester in Porto, 2024",
        ),
        (
            Journey(date(2024, 12, 1), date(2025, 1, 20), ["Porto"]),
            "Porto, December 2024 – January 2025",
            "Porto, Dezember 2024 – Januar 2025",
        ),
    ],
)
def test_trips(journey: Journey, english: str, german: str) -> None:
    assert titles.trip(journey) == english
    assert titles.trip(journey, GERMAN) == german


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("occasion", "english", "german"),
    [
        (
            Occasion(at("2024-06-03T15:00"), at("2024-06-03T18:00"), people=["Maria", "Ben"], birthday_of="Maria"),
            "Maria's birthday, 3 June 2024",
            "Marias Geburtstag, 3. Juni 2024",
        ),
        (
            Occasion(at("2024-06-03T15:00"), at("2024-06-03T18:00"), birthday_of="Thomas"),
            "Thomas's birthday, 3 June 2024",
            "Geburtstag von Thomas, 3. Juni 2024",
        ),
        (
            Occasion(at("2024-12-24T17:00"), at("2024-12-24T21:00"), people=["Maria"]),
            "Christmas Eve 2024",
            "Heiligabend 2024",
        ),
        (
            Occasion(at("2024-12-31T20:00"), at("2025-01-01T01:30"), city="Graz"),
            "New Year's Eve in Graz, 2024",
            "Silvester in Graz, 2024",
        ),
        (
            Occasion(at("2024-12-31T09:00"), at("2024-12-31T10:30")),
            "Tuesday morning, 31 December 2024",
            "Dienstagvormittag, 31. Dezember 2024",
        ),
        (
            Occasion(at("2025-05-03T09:00"), at("2025-05-03T17:00"), city="Bratislava", far=True),
            "Day trip to Bratislava, 3 May 2025",
            "Tagesausflug nach Bratislava, 3. Mai 2025",
        ),
        (
            Occasion(at("2025-05-03T09:00"), at("2025-05-03T17:00"), far=True),
            "Day out, 3 May 2025",
            "Tagesausflug, 3. Mai 2025",
        ),
        (
            Occasion(at("2025-05-03T19:00"), at("2025-05-04T01:00"), people=["Anna", "Ben"]),
            "Evening with Anna & Ben, 3 May 2025",
            "Abend mit Anna & Ben, 3. Mai 2025",
        ),
        (
            Occasion(at("2025-05-03T14:00"), at("2025-05-03T16:00"), city="Graz", people=["Anna"]),
            "Anna in Graz, 3 May 2025",
            "Anna in Graz, 3. Mai 2025",
        ),
        (
            Occasion(at("2025-05-03T10:00"), at("2025-05-03T11:00"), city="Graz"),
            "Morning in Graz, 3 May 2025",
            "Vormittag in Graz, 3. Mai 2025",
        ),
        (Occasion(at("2025-05-03T09:00"), at("2025-05-03T19:00")), "Saturday, 3 May 2025", "Samstag, 3. Mai 2025"),
        (
            Occasion(at("2025-05-03T13:00"), at("2025-05-04T19:00"), people=["Anna"]),
            "Weekend with Anna, 3–4 May 2025",
            "Wochenende mit Anna, 3.–4. Mai 2025",
        ),
        (Occasion(at("2025-05-05T13:00"), at("2025-05-06T19:00")), "5–6 May 2025", "5.–6. Mai 2025"),
    ],
)
def test_events(occasion: Occasion, english: str, german: str) -> None:
    assert titles.event(occasion) == english
    assert titles.event(occasion, GERMAN) == german
