"""Words become a filter; what is not understood stays text; nothing breaks the parser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from photovault import queries, raw, spoken_dates, vocabularies
from photovault.filters import Filter, Near, Parsed, PlaceRef
from photovault.speech import SPEECHES
from photovault.spoken_dates import Dates, Days, Yearly
from photovault.spoken_english import ENGLISH
from photovault.spoken_words import Speech

TODAY = date(2026, 11, 22)  # a Sunday
ANNA, BEN, CARA, ANNA_TWO, MAY, WALTER = (UUID(int=n) for n in range(1, 7))
PEOPLE = [(ANNA, "Anna"), (BEN, "Ben Müller"), (CARA, "Cara"), (MAY, "May")]
PLACES = [
    ("city", "Lisbon", "PT"),
    ("city", "Porto", "PT"),
    ("country", "Portugal", "PT"),
    ("city", "São Paulo", "BR"),
    ("city", "New York", "US"),
    ("city", "Paris", "FR"),
    ("city", "Paris", "US"),
    ("country", "France", "FR"),
]
LABELS = ["dog", "cat", "cell phone", "bicycle", "person", "cake"]
CAMERAS = ["Canon EOS 5D Mark II", "Apple iPhone 12"]
ALBUM = UUID(int=50)

LISBON = PlaceRef("city", "Lisbon", "PT")
PORTO = PlaceRef("city", "Porto", "PT")
NICE = PlaceRef("city", "Nice", "FR")
ESSEN = PlaceRef("city", "Essen", "DE")
PORTUGAL = PlaceRef("country", "Portugal", "PT")


def parse(q: str) -> Parsed:
    return queries.parse(
        q, today=TODAY, people=PEOPLE, places=PLACES, labels=LABELS, cameras=CAMERAS, albums=[(ALBUM, "Road trip")]
    )


def between(first: str, last: str) -> dict[str, object]:
    start, stop = (date.fromisoformat(day) if day else None for day in (first, last))
    return {"date_from": start, "date_to": stop, "days": ((start, stop),)}


FILTERS = [
    ("anna in lisbon last summer not ben müller", {
        "people_all": (ANNA,), "people_none": (BEN,), "places": (LISBON,), **between("2026-06-01", "2026-08-31")}, ""),
    ("photos of Anna and Ben Müller", {"people_all": (ANNA, BEN)}, ""),
    ("show me all pictures of ANNA", {"people_all": (ANNA,)}, ""),
    ("anna or cara", {"people_any": ((ANNA, CARA),)}, ""),
    ("ben", {"people_all": (BEN,)}, ""),
    ("ben muller", {"people_all": (BEN,)}, ""),
    ("Anna's birthday", {"people_all": (ANNA,)}, "birthday"),
    ("without anna and cara", {"people_none": (ANNA, CARA)}, ""),
    ("-anna", {"people_none": (ANNA,)}, ""),
    ("lisbon -anna", {"places": (LISBON,), "people_none": (ANNA,)}, ""),
    ("person:\"Ben Müller\"", {"people_all": (BEN,)}, ""),
    ("-person:anna", {"people_none": (ANNA,)}, ""),
    ("with may", {"people_all": (MAY,)}, ""),
    ("may", {"people_all": (MAY,)}, ""),
    ("in may", {"yearly": ((501, 531),)}, ""),
    ("May in May 2025", {"people_all": (MAY,), **between("2025-05-01", "2025-05-31")}, ""),
    ("sao paulo", {"places": (PlaceRef("city", "São Paulo", "BR"),)}, ""),
    ("new york at night", {"places": (PlaceRef("city", "New York", "US"),), "hours": ((21, 5),)}, ""),
    ("lisbon or porto", {"places": (LISBON, PORTO)}, ""),
    ("Lisbon, Portugal", {"places": (LISBON,)}, ""),
    ("portugal", {"places": (PORTUGAL,)}, ""),
    ("portugal not in lisbon", {"places": (PORTUGAL,), "places_none": (LISBON,)}, ""),
    ("paris", {"places": (PlaceRef("city", "Paris", "FR"), PlaceRef("city", "Paris", "US"))}, ""),
    ("paris france", {"places": (PlaceRef("city", "Paris", "FR"),)}, ""),
    ("place:new york", {"places": (PlaceRef("city", "New York", "US"),)}, ""),
    ("dogs", {"labels_all": ("dog",)}, ""),
    ("dog and cat", {"labels_all": ("dog", "cat")}, ""),
    ("dog or cat", {"labels_any": (("dog", "cat"),)}, ""),
    ("cell phones in lisbon", {"labels_all": ("cell phone",), "places": (LISBON,)}, ""),
    ("dog on the beach", {}, "dog on the beach"),
    ("dog and cat on the beach", {}, "dog and cat on the beach"),
    ("label:dog on the beach", {"labels_all": ("dog",)}, "beach"),
    ("beach not dog", {"labels_none": ("dog",)}, "beach"),
    ("anna on the beach", {"people_all": (ANNA,)}, "beach"),
    ("favourites", {"favourite": True}, ""),
    ("is:favorite anna", {"favourite": True, "people_all": (ANNA,)}, ""),
    ("not favourite", {"favourite": False}, ""),
    ("is:archived", {"archived": True}, ""),
    ("has:faces", {"has_faces": True}, ""),
    ("-has:faces", {"has_faces": False}, ""),
    ("beach without people", {"has_faces": False}, "beach"),
    ("has:gps", {"has_gps": True}, ""),
    ("type:png", {"content_types": ("image/png",)}, ""),
    ("pngs", {"content_types": ("image/png",)}, ""),
    ("-type:heic", {"content_types_none": ("image/heic",)}, ""),
    ("type:nonsense", {}, ""),
    ("type:raw", {"content_types": tuple(raw.TYPES)}, ""),
    ("camera:canon", {"cameras": ("Canon EOS 5D Mark II",)}, ""),
    ("camera:\"iphone 12\"", {"cameras": ("Apple iPhone 12",)}, ""),
    ("camera:leica", {}, ""),
    ("album:\"road trip\"", {"albums": (ALBUM,)}, ""),
    ("in the album road trip", {"albums": (ALBUM,)}, ""),
    ("2025", between("2025-01-01", "2025-12-31"), ""),
    ("2025-05-03", between("2025-05-03", "2025-05-03"), ""),
    ("2025-05", between("2025-05-01", "2025-05-31"), ""),
    ("3.5.2025", between("2025-05-03", "2025-05-03"), ""),
    ("5/13/2025", between("2025-05-13", "2025-05-13"), ""),
    ("2025-02-30", between("2025-01-01", "2025-12-31"), "-02-30"),
    ("between march and may 2025", between("2025-03-01", "2025-05-31"), ""),
    ("from december 2024 to february", between("2024-12-01", "2025-02-28"), ""),
    ("2023 - 2025", between("2023-01-01", "2025-12-31"), ""),
    ("yesterday", between("2026-11-21", "2026-11-21"), ""),
    ("last week", between("2026-11-09", "2026-11-15"), ""),
    ("last weekend", between("2026-11-14", "2026-11-15"), ""),
    ("last 3 months", between("2026-08-22", "2026-11-22"), ""),
    ("two years ago", between("2024-01-01", "2024-12-31"), ""),
    ("a couple of weeks ago", between("2026-11-02", "2026-11-08"), ""),
    ("on monday", between("2026-11-16", "2026-11-16"), ""),
    ("last christmas", between("2025-12-24", "2025-12-26"), ""),
    ("christmas 2024", between("2024-12-24", "2024-12-26"), ""),
    ("christmas", {"yearly": ((1224, 1226),)}, ""),
    ("christmas tree", {}, "christmas tree"),
    ("new year's eve", {"yearly": ((1231, 1231),)}, ""),
    ("easter 2025", between("2025-04-18", "2025-04-21"), ""),
    ("winter 2023", between("2023-12-01", "2024-02-29"), ""),
    ("in winter", {"yearly": ((1201, 229),)}, ""),
    ("summer dress", {}, "summer dress"),
    ("on this day", {"yearly": ((1122, 1122),)}, ""),
    ("3rd of may", {"yearly": ((503, 503),)}, ""),
    ("may 3rd, 2025", between("2025-05-03", "2025-05-03"), ""),
    ("before:2020", between("", "2019-12-31"), ""),
    ("after:2025-05-03", between("2025-05-04", ""), ""),
    ("since may 2025", between("2025-05-01", ""), ""),
    ("before march", between("", "2026-02-28"), ""),
    ("after:2020 before:2022", between("2021-01-01", "2021-12-31"), ""),
    ("1990s", between("1990-01-01", "1999-12-31"), ""),
    ("not 2024", {"days_none": ((date(2024, 1, 1), date(2024, 12, 31)),)}, ""),
    ("red car in lisbon", {"places": (LISBON,)}, "red car"),
    ('"anna in lisbon" 2025', between("2025-01-01", "2025-12-31"), '"anna in lisbon"'),
    ("not", {}, "not"),
    ("and or and", {}, "and or and"),
    ("photos", {}, ""),
    ("", {}, ""),
    ("  ", {}, ""),
    ("🎂 anna", {"people_all": (ANNA,)}, "🎂"),
    ("'; DROP TABLE images; --", {}, "'; DROP TABLE images; --"),
    ("(a+)+$ [x", {}, "(a+)+$ [x"),
    ("well-known", {}, "well-known"),
    ("unknown:thing", {}, "unknown:thing"),
    ("before:", {}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("q", "expected", "text"), FILTERS, ids=[q for q, _, _ in FILTERS])
def test_a_query_becomes_a_filter_and_a_rest(q: str, expected: dict[str, object], text: str) -> None:
    parsed = parse(q)
    assert parsed.filter == Filter(**expected)  # type: ignore[arg-type]
    assert parsed.text == text


BIRTHDAYS = {ANNA: date(2019, 6, 3)}
CENTRES = {LISBON: (38.72, -9.14)}
NAMED = vocabularies.vocabulary(
    [*PEOPLE, (WALTER, "Walter")],
    [*PLACES, ("city", "München", "DE")],
    [*LABELS, "car", "bench"],
    birthdays=BIRTHDAYS,
    centres=CENTRES,
)
MUNICH = PlaceRef("city", "München", "DE")

SAID_SO = [
    # Ages and birthdays, where they are known.
    ("anna at 3", {"people_all": (ANNA,), **between("2022-06-03", "2023-06-02")}, ""),
    ("with anna aged five in lisbon", {
        "people_all": (ANNA,), "places": (LISBON,), **between("2024-06-03", "2025-06-02")}, ""),
    ("Anna, 3 years old", {"people_all": (ANNA,), **between("2022-06-03", "2023-06-02")}, ""),
    ("anna as a baby", {"people_all": (ANNA,), **between("2019-06-03", "2021-06-02")}, ""),
    ("cara at 3", {"people_all": (CARA,)}, "3"),
    ("Anna's birthday", {"yearly": ((603, 603),)}, ""),
    ("anna's birthday 2024", between("2024-06-03", "2024-06-03"), ""),
    ("cara's birthday", {"people_all": (CARA,)}, "birthday"),
    # Days of the week, and Sundays that move.
    ("anna on sundays", {"people_all": (ANNA,), "weekdays": (6,)}, ""),
    ("mondays or fridays", {"weekdays": (0, 4)}, ""),
    ("not on sundays", {"weekdays": (0, 1, 2, 3, 4, 5)}, ""),
    ("weekends in lisbon", {"weekdays": (5, 6), "places": (LISBON,)}, ""),
    ("lisbon at the weekend", {"weekdays": (5, 6), "places": (LISBON,)}, ""),
    ("weekend", {"weekdays": (5, 6)}, ""),
    ("weekend bag", {}, "weekend bag"),
    ("on weekdays in 2024", {"weekdays": (0, 1, 2, 3, 4), **between("2024-01-01", "2024-12-31")}, ""),
    ("on sunday", between("2026-11-15", "2026-11-15"), ""),
    ("mother's day", between("2026-05-10", "2026-05-10"), ""),
    ("Mothers Day 2024", between("2024-05-12", "2024-05-12"), ""),
    ("father's day 2025", between("2025-06-15", "2025-06-15"), ""),
    ("mother's day card", {}, "mother's day card"),
    # So far around a place.
    ("within 50 km of lisbon", {"near": (Near(38.72, -9.14, 50.0),)}, ""),
    ("anna within 10km of Lisbon", {"people_all": (ANNA,), "near": (Near(38.72, -9.14, 10.0),)}, ""),
    ("30 miles from lisbon", {"near": (Near(38.72, -9.14, 48.3),)}, ""),
    ("not within 5 km of lisbon", {"near_none": (Near(38.72, -9.14, 5.0),)}, ""),
    ("50 km", {}, "50 km"),
    ("within 50 km of nowhere", {}, "within 50 km of nowhere"),
    ("within 0 km of lisbon", {"places": (LISBON,)}, "within 0 km"),
    # What "or" joins to something unknown does not narrow.
    ("flarbl or anna", {}, "flarbl or anna"),
    ("anna or flarbl", {}, "anna or flarbl"),
    ("anna or cara or flarbl", {}, "anna or cara or flarbl"),
    ("flarbl or anna or cara", {}, "flarbl or anna or cara"),
    ("anna or sunsets in lisbon", {"places": (LISBON,)}, "anna or sunsets"),
    ("flarbl or lisbon in 2024", between("2024-01-01", "2024-12-31"), "flarbl or lisbon"),
    ("anna in the snow or rain", {"people_all": (ANNA,)}, "snow or rain"),
    ("flarbl or person:anna", {}, "flarbl or person:anna"),
    # Times of day.
    ("lisbon at night", {"places": (LISBON,), "hours": ((21, 5),)}, ""),
    ("in the morning", {"hours": ((5, 12),)}, ""),
    ("not at night", {"hours": ((5, 21),)}, ""),
    ("yesterday evening", {"hours": ((17, 22),), **between("2026-11-21", "2026-11-21")}, ""),
    ("night sky", {}, "night sky"),
    ("time:night lisbon", {"places": (LISBON,), "hours": ((21, 5),)}, ""),
    ("-time:morning", {"hours": ((12, 5),)}, ""),
    ("time:nonsense", {}, ""),
    # Misspelt names, and words that are none.
    ("in lisbno", {"places": (LISBON,)}, ""),
    ("lisbonn 2024", {"places": (LISBON,), **between("2024-01-01", "2024-12-31")}, ""),
    ("new yrok", {"places": (PlaceRef("city", "New York", "US"),)}, ""),
    ("with anan", {"people_all": (ANNA,)}, ""),
    ("anan", {}, "anan"),
    ("water", {}, "water"),
    ("porch", {}, "porch"),
    ('"lisbonn"', {}, '"lisbonn"'),
    # Around a place, and which way up.
    ("near:lisbon", {"near": (Near(38.72, -9.14, 25.0),)}, ""),
    ("-near:lisbon", {"near_none": (Near(38.72, -9.14, 25.0),)}, ""),
    ("near:nowhere", {}, ""),
    ("near:portugal", {"places": (PORTUGAL,)}, ""),
    ("orientation:portrait", {"orientations": ("portrait",)}, ""),
    ("-is:portrait", {"orientations": ("landscape", "panorama", "square")}, ""),
    ("dog in landscape format", {"labels_all": ("dog",), "orientations": ("landscape",)}, ""),
    ("portrait of anna", {"people_all": (ANNA,)}, "portrait"),
    # Two but not a third.
    ("anna and ben but not cara", {"people_all": (ANNA, BEN), "people_none": (CARA,)}, ""),
    # More dates.
    ("3-5 may 2025", between("2025-05-03", "2025-05-05"), ""),
    ("from 24 to 26 december 2024", between("2024-12-24", "2024-12-26"), ""),
    ("good friday 2025", between("2025-04-18", "2025-04-18"), ""),
    ("pentecost 2025", between("2025-06-08", "2025-06-09"), ""),
]  # fmt: skip

GERMAN = [
    ("anna letzten sommer", {"people_all": (ANNA,), **between("2026-06-01", "2026-08-31")}, ""),
    ("in München im Mai 2025", {"places": (MUNICH,), **between("2025-05-01", "2025-05-31")}, ""),
    ("Fotos von Anna und Ben Müller ohne Cara", {"people_all": (ANNA, BEN), "people_none": (CARA,)}, ""),
    ("zeig mir alle bilder von anna", {"people_all": (ANNA,)}, ""),
    ("anna oder cara", {"people_any": ((ANNA, CARA),)}, ""),
    ("Annas Geburtstag", {"yearly": ((603, 603),)}, ""),
    ("geburtstag von anna 2024", between("2024-06-03", "2024-06-03"), ""),
    ("anna mit 3 jahren", {"people_all": (ANNA,), **between("2022-06-03", "2023-06-02")}, ""),
    ("anna als baby", {"people_all": (ANNA,), **between("2019-06-03", "2021-06-02")}, ""),
    ("vor zwei Jahren", between("2024-01-01", "2024-12-31"), ""),
    ("vor einer woche", between("2026-11-09", "2026-11-15"), ""),
    ("vor 2020", between("", "2019-12-31"), ""),
    ("seit Mai 2024", between("2024-05-01", ""), ""),
    ("nach 2020 bis 2022", between("2021-01-01", "2022-12-31"), ""),
    ("zwischen März und Mai 2025", between("2025-03-01", "2025-05-31"), ""),
    ("die letzten drei Monate", between("2026-08-22", "2026-11-22"), ""),
    ("letztes jahr", between("2025-01-01", "2025-12-31"), ""),
    ("dieses Jahr", between("2026-01-01", "2026-12-31"), ""),
    ("letztes Wochenende", between("2026-11-14", "2026-11-15"), ""),
    ("gestern", between("2026-11-21", "2026-11-21"), ""),
    ("vorgestern abend", {"hours": ((17, 22),), **between("2026-11-20", "2026-11-20")}, ""),
    ("am Montag", between("2026-11-16", "2026-11-16"), ""),
    ("am 3. Mai 2025", between("2025-05-03", "2025-05-03"), ""),
    ("3. bis 5. Mai 2025", between("2025-05-03", "2025-05-05"), ""),
    ("3. Mai", {"yearly": ((503, 503),)}, ""),
    ("an diesem Tag", {"yearly": ((1122, 1122),)}, ""),
    ("Weihnachten 2024", between("2024-12-24", "2024-12-26"), ""),
    ("Weihnachtsbaum", {}, "Weihnachtsbaum"),
    ("heiligabend", {"yearly": ((1224, 1224),)}, ""),
    ("Silvester 2023", between("2023-12-31", "2023-12-31"), ""),
    ("Ostern 2025", between("2025-04-18", "2025-04-21"), ""),
    ("Pfingsten 2025", between("2025-06-08", "2025-06-09"), ""),
    ("im winter", {"yearly": ((1201, 229),)}, ""),
    ("1990er", between("1990-01-01", "1999-12-31"), ""),
    ("nachts in Paris", {
        "places": (PlaceRef("city", "Paris", "FR"), PlaceRef("city", "Paris", "US")), "hours": ((21, 5),)}, ""),
    ("nicht in lissabon", {"places_none": (LISBON,)}, ""),
    ("nicht in atlantis", {}, "nicht in atlantis"),
    ("nicht in Porto", {"places_none": (PORTO,)}, ""),
    ("Hunde", {"labels_all": ("dog",)}, ""),
    ("hund oder katze", {"labels_any": (("dog", "cat"),)}, ""),
    ("Hund am Strand", {}, "Hund am Strand"),
    ("auto aber kein fahrrad", {"labels_all": ("car",), "labels_none": ("bicycle",)}, ""),
    ("ohne personen", {"has_faces": False}, ""),
    ("mit menschen", {"has_faces": True}, ""),
    ("niemand", {"has_faces": False}, ""),
    ("zeit:abend", {"hours": ((17, 22),)}, ""),
    ("favoriten aus portugal", {"favourite": True, "places": (PORTUGAL,)}, ""),
    ("ist:archiviert", {"archived": True}, ""),
    ("hochformat", {"orientations": ("portrait",)}, ""),
    ("anna sonntags", {"people_all": (ANNA,), "weekdays": (6,)}, ""),
    ("an Samstagen in Lissabon", {"weekdays": (5,), "places": (LISBON,)}, ""),
    ("am Wochenende", {"weekdays": (5, 6)}, ""),
    ("letzten Sonntag", between("2026-11-15", "2026-11-15"), ""),
    ("Muttertag 2025", between("2025-05-11", "2025-05-11"), ""),
    ("Vatertag 2025", between("2025-05-29", "2025-05-29"), ""),
    ("im Umkreis von 50 km um Lisbon", {"near": (Near(38.72, -9.14, 50.0),)}, ""),
    ("schwimmbad oder anna", {}, "schwimmbad oder anna"),
    ("ort:porto seit:2020", {"places": (PORTO,), **between("2020-01-01", "")}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("q", "expected", "text"), SAID_SO + GERMAN, ids=[q for q, _, _ in SAID_SO + GERMAN])
def test_a_query_with_birthdays_and_places_known(q: str, expected: dict[str, object], text: str) -> None:
    parsed = queries.parse_with(q, NAMED, today=TODAY)
    assert parsed.filter == Filter(**expected)  # type: ignore[arg-type]
    assert parsed.text == text


@pytest.mark.parametrize("q", [q for q, _, _ in GERMAN], ids=[q for q, _, _ in GERMAN])
def test_german_is_read_as_german(q: str) -> None:
    assert queries.parse_with(q, NAMED, today=TODAY).language == "de"


@pytest.mark.parametrize("q", [q for q, _, _ in FILTERS + SAID_SO], ids=[q for q, _, _ in FILTERS + SAID_SO])
def test_english_is_read_as_english(q: str) -> None:
    assert queries.parse_with(q, NAMED, today=TODAY).language == "en"


def test_every_condition_is_written_out() -> None:
    """150 queries by hand, as many as it takes to trust the reader."""
    assert len({q for q, _, _ in FILTERS + SAID_SO + GERMAN}) >= 150


UNKNOWN = [
    ("person:adda", "person:adda", "person"),
    ("place:atlantis", "place:atlantis", "place"),
    ("city:portugal", "city:portugal", "place"),
    ("country:lisbon", "country:lisbon", "place"),
    ("near:nowhere", "near:nowhere", "near"),
    ("label:zzz", "label:zzz", "label"),
    ("camera:none", "camera:none", "camera"),
    ("album:xyz", "album:xyz", "album"),
    ('album:"no such trip" anna', 'album:"no such trip"', "album"),
    ("type:nonsense", "type:nonsense", "type"),
    ("orientation:round", "orientation:round", "orientation"),
    ("time:dawnish", "time:dawnish", "time"),
    ("date:whenever", "date:whenever", "date"),
    ("before:adda", "before:adda", "date"),
    ("is:purple", "is:purple", "is"),
    ("has:fleas", "has:fleas", "has"),
    ("person:", "person:", "person"),
    ("beach before:", "before:", "date"),
    ('person:""', 'person:""', "person"),
    ("person:!?", "person:!?", "person"),
    ("person: adda", "person:", "person"),
    ("kamera:keine", "kamera:keine", "camera"),
]


@pytest.mark.parametrize(("q", "text", "kind"), UNKNOWN, ids=[q for q, _, _ in UNKNOWN])
def test_an_operator_that_names_nothing_is_a_condition_that_nothing_fulfils(q: str, text: str, kind: str) -> None:
    parsed = queries.parse_with(q, NAMED, today=TODAY)

    (span,) = [span for span in parsed.spans if not span.known]
    assert (q[span.start : span.end], span.kind, span.negated) == (text, kind, False)
    assert not parsed.possible
    assert text not in parsed.text


def test_nothing_is_left_out_by_what_is_not_here() -> None:
    parsed = parse("-person:adda")
    assert (parsed.filter, parsed.text, parsed.possible) == (Filter(), "", True)
    assert [(span.known, span.negated) for span in parsed.spans] == [(False, True)]


@pytest.mark.parametrize(
    ("q", "expected", "possible"),
    [
        ("person:adda or person:anna", {"people_all": (ANNA,)}, True),
        ("person:anna or person:adda", {"people_all": (ANNA,)}, True),
        ("anna or person:adda", {"people_all": (ANNA,)}, True),
        ("cara person:adda or person:anna", {"people_all": (CARA, ANNA)}, True),
        ("person:adda or person:nobody", {}, False),
        ("person:adda and person:anna", {"people_all": (ANNA,)}, False),
        ("label:zzz or label:dog", {"labels_all": ("dog",)}, True),
        ("place:atlantis place:lisbon", {"places": (LISBON,)}, True),
        ("date:whenever or date:2024", between("2024-01-01", "2024-12-31"), True),
        ("date:whenever 2024", between("2024-01-01", "2024-12-31"), False),
    ],
)
def test_of_alternatives_one_that_is_here_is_enough(q: str, expected: dict[str, object], possible: bool) -> None:
    parsed = parse(q)
    assert parsed.filter == Filter(**expected)  # type: ignore[arg-type]
    assert (parsed.text, parsed.possible) == ("", possible)


OPERATORS = [
    ("person:muller", {"people_all": (BEN,)}),
    ("person: anna", {"people_all": (ANNA,)}),
    ("person:anan", {"people_all": (ANNA,)}),
    ("-person:muller", {"people_none": (BEN,)}),
    ("person:anna or person:cara", {"people_any": ((ANNA, CARA),)}),
    ("label:dog OR label:cat", {"labels_any": (("dog", "cat"),)}),
    ("label:bicycel", {"labels_all": ("bicycle",)}),
    ("place:york", {"places": (PlaceRef("city", "New York", "US"),)}),
    ("city:lisbon", {"places": (LISBON,)}),
    ("city:lisbno", {"places": (LISBON,)}),
    ("country:portugal", {"places": (PORTUGAL,)}),
    ("land:portugal", {"places": (PORTUGAL,)}),
    ("-stadt:porto", {"places_none": (PORTO,)}),
    ("year:2024", between("2024-01-01", "2024-12-31")),
    ("month:may", {"yearly": ((501, 531),)}),
    ("month:5", {"yearly": ((501, 531),)}),
    ("monat:mai", {"yearly": ((501, 531),)}),
    ("from:2020 to:2022", between("2020-01-01", "2022-12-31")),
    ("von:2020 bis:2022", between("2020-01-01", "2022-12-31")),
    ("has:caption", {"has_caption": True}),
    ("-has:caption", {"has_caption": False}),
    ("has:location", {"has_gps": True}),
    ("has:motion", {"has_motion": True}),
    ("has:film", {"has_motion": True}),
    ("is:live", {"has_motion": True}),
    ("-is:live", {"has_motion": False}),
    ("hat:beschreibung", {"has_caption": True}),
    ("is:raw", {"content_types": tuple(raw.TYPES)}),
    ("-is:raw", {"content_types_none": tuple(raw.TYPES)}),
]


@pytest.mark.parametrize(("q", "expected"), OPERATORS, ids=[q for q, _ in OPERATORS])
def test_operators_take_parts_of_names_misspelt_ones_and_lists(q: str, expected: dict[str, object]) -> None:
    parsed = queries.parse_with(q, NAMED, today=TODAY)
    assert parsed.filter == Filter(**expected)  # type: ignore[arg-type]
    assert (parsed.text, parsed.possible) == ("", True)
    assert all(span.known for span in parsed.spans)


def test_a_part_of_an_albums_title_is_enough() -> None:
    albums = [(ALBUM, "Lisbon & Porto, May 2025"), (ANNA, "Lisbon")]
    assert queries.parse("album:porto", today=TODAY, albums=albums).filter.albums == (ALBUM,)
    assert queries.parse("album:lisbon", today=TODAY, albums=albums).filter.albums == (ANNA,)
    assert queries.parse('album:"may 2025"', today=TODAY, albums=albums).filter.albums == (ALBUM,)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Zürich", ["Zürich", "ZÜRICH", "zurich", "Zuerich", "Zu\u0308rich"]),
        ("Zu\u0308rich", ["Zürich", "zurich", "zuerich"]),
        ("Café Central", ["cafe central", "CAFÉ CENTRAL", "Cafe\u0301 central"]),
        ("Tromsø", ["tromso", "tromsoe", "TROMSØ"]),
        ("Łódź", ["lodz", "łódź"]),
        ("Großer Feldberg", ["grosser feldberg", "GROSSER FELDBERG", "großer feldberg"]),
        ("Αθήνα", ["αθηνα", "ΑΘΗΝΑ"]),
        ("القاهرة", ["القاهرة"]),
        ("北京", ["北京"]),
        ("हिन्दी", ["हिन्दी"]),
    ],
)
@pytest.mark.parametrize("kind", ["person", "place", "album"])
def test_accents_and_how_they_are_typed_do_not_matter(name: str, asked: list[str], kind: str) -> None:
    known = vocabularies.vocabulary(
        people=[(ANNA, name)] if kind == "person" else (),
        places=[("city", name, "XX")] if kind == "place" else (),
        albums=[(ANNA, name)] if kind == "album" else (),
    )
    for typed in asked:
        for q in (f'{kind}:"{typed}"', f"in the album {typed}" if kind == "album" else typed):
            parsed = queries.parse_with(q, known, today=TODAY)
            assert [(span.kind, span.guessed) for span in parsed.spans] == [(kind, False)], q
            assert parsed.text == "", q


def test_names_that_differ_in_their_vowel_signs_are_two() -> None:
    parsed = queries.parse("मीना", today=TODAY, people=[(ANNA, "मीना"), (BEN, "मोना")])
    assert parsed.filter == Filter(people_all=(ANNA,))


def test_the_time_of_day_is_never_an_album() -> None:
    parsed = queries.parse("time:dawn", today=TODAY, albums=[(ALBUM, "Dawn")])
    assert (parsed.filter, parsed.text, parsed.possible) == (Filter(), "", False)


def test_a_guess_is_marked_as_one() -> None:
    (span,) = queries.parse_with("in lisbno", NAMED, today=TODAY).spans
    assert (span.value, span.guessed) == ("Lisbon", True)
    (span,) = queries.parse_with("in lisbon", NAMED, today=TODAY).spans
    assert not span.guessed


def test_two_names_that_are_equally_near_are_not_guessed() -> None:
    parsed = queries.parse("with marlin", today=TODAY, people=[(ANNA, "Marlon"), (BEN, "Marlis")])
    assert parsed == Parsed(Filter(), "with marlin", ())


@pytest.mark.parametrize("speech", SPEECHES, ids=[speech.code for speech in SPEECHES])
def test_the_words_of_a_language_are_folded(speech: Speech) -> None:
    """A word that is written with an accent or a capital would never be met."""
    for entry in fields(speech):
        value = getattr(speech, entry.name)
        if entry.name in {"code", "orientations", "oriented", "operators", "labels", "plurals", "units", "bounds"}:
            value = list(value) if entry.name != "code" else []
        for word in _words_in(value):
            assert spoken_dates.fold(word) == word, (entry.name, word)


@pytest.mark.parametrize("speech", SPEECHES, ids=[speech.code for speech in SPEECHES])
def test_what_is_said_behind_is_said_at_all(speech: Speech) -> None:
    assert speech.last_behind <= speech.last
    assert speech.position <= speech.located
    assert speech.one_face <= speech.faces
    assert {(word,) for word in speech.shy_filed} <= speech.filed
    assert speech.genres <= speech.orientations.keys()


def _words_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, Mapping):
        yield from _words_in(list(value))
    elif isinstance(value, (tuple, list, frozenset)):
        for part in value:
            yield from _words_in(part)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("in summer", {"yearly": ((1201, 229),)}),
        ("in winter", {"yearly": ((601, 831),)}),
        ("im Herbst", {"yearly": ((301, 531),)}),
        ("last summer", between("2025-12-01", "2026-02-28")),
        ("summer 2024", between("2024-12-01", "2025-02-28")),
        ("last spring", between("2025-09-01", "2025-11-30")),
        ("winter 2025", between("2025-06-01", "2025-08-31")),
        ("christmas 2024", between("2024-12-24", "2024-12-26")),
    ],
)
def test_seasons_of_who_is_at_home_in_the_south_are_half_a_year_later(q: str, expected: dict[str, object]) -> None:
    parsed = queries.parse_with(q, vocabularies.vocabulary(southern=True), today=TODAY)
    assert parsed.filter == Filter(**expected)  # type: ignore[arg-type]


NATURAL = [
    # As people type, over a library of their own.
    ("my favourite photos of anna", {"people_all": (ANNA,), "favourite": True}, ""),
    ("show me anna", {"people_all": (ANNA,)}, ""),
    ("only anna", {"people_all": (ANNA,)}, ""),
    ("where is cara", {"people_all": (CARA,)}, ""),
    ("baby photos of cara", {"people_all": (CARA,)}, "baby"),
    ("anna when she was 3", {"people_all": (ANNA,), **between("2022-06-03", "2023-06-02")}, ""),
    ("everything from march 2024", between("2024-03-01", "2024-03-31"), ""),
    ("in the 90s", between("1990-01-01", "1999-12-31"), ""),
    ("10.5.24", between("2024-05-10", "2024-05-10"), ""),
    ("summer", {"yearly": ((601, 831),)}, ""),
    ("autumn in new york", {"yearly": ((901, 1130),), "places": (PlaceRef("city", "New York", "US"),)}, ""),
    ("spring flowers", {}, "spring flowers"),
    ("2024 summer", between("2024-06-01", "2024-08-31"), ""),
    ("the year 2020", between("2020-01-01", "2020-12-31"), ""),
    ("early 2024", between("2024-01-01", "2024-04-30"), ""),
    ("end of 2023", between("2023-10-01", "2023-12-31"), ""),
    ("q1 2024", between("2024-01-01", "2024-03-31"), ""),
    ("late dinner", {}, "late dinner"),
    ("a year ago today", between("2025-11-22", "2025-11-22"), ""),
    ("this morning", {"hours": ((5, 12),), **between("2026-11-22", "2026-11-22")}, ""),
    ("last night in lisbon", {"places": (LISBON,), "hours": ((21, 5),), **between("2026-11-21", "2026-11-21")}, ""),
    ("older than 2010", between("", "2009-12-31"), ""),
    ("newer than may 2024", between("2024-06-01", ""), ""),
    ("outside portugal", {"places_none": (PORTUGAL,)}, ""),
    ("dogs outside", {}, "dogs outside"),
    ("near lisbon", {"near": (Near(38.72, -9.14, 25.0),)}, ""),
    ("not near lisbon", {"near_none": (Near(38.72, -9.14, 25.0),)}, ""),
    ("close to lisbon or near porto", {"near": (Near(38.72, -9.14, 25.0),), "places": (PORTO,)}, ""),
    ("photos without location", {"has_gps": False}, ""),
    ("without a caption", {"has_caption": False}, ""),
    ("no place like home", {}, "no place like home"),
    ("archived photos", {"archived": True}, ""),
    ("live photos of anna", {"people_all": (ANNA,), "has_motion": True}, ""),
    ("raw files", {"content_types": tuple(raw.TYPES)}, ""),
    ("nice weather", {}, "nice weather"),
    ("in nice", {"places": (NICE,)}, ""),
    ("nice", {"places": (NICE,)}, ""),
    ("nice 2024", {"places": (NICE,), **between("2024-01-01", "2024-12-31")}, ""),
    ("snow in munich", {"places": (MUNICH,)}, "snow"),
    ("food in lisbon", {"places": (LISBON,)}, "food"),
    ("anna + cara", {"people_all": (ANNA, CARA)}, ""),
    ("Anna, Lisbon, 2024", {"people_all": (ANNA,), "places": (LISBON,), **between("2024-01-01", "2024-12-31")}, ""),
    ("nur Anna", {"people_all": (ANNA,)}, ""),
    ("alles aus Frankreich", {"places": (PlaceRef("country", "France", "FR"),)}, ""),
    ("Sonnenuntergang in Lissabon", {"places": (LISBON,)}, "Sonnenuntergang"),
    ("unsere Reise nach Lissabon 2023", {"places": (LISBON,), **between("2023-01-01", "2023-12-31")}, ""),
    ("in den 90er Jahren", between("1990-01-01", "1999-12-31"), ""),
    ("Anfang 2024", between("2024-01-01", "2024-04-30"), ""),
    ("im Jahr 2020", between("2020-01-01", "2020-12-31"), ""),
    ("heute vor einem Jahr", between("2025-11-22", "2025-11-22"), ""),
    ("heute Morgen", {"hours": ((5, 11),), **between("2026-11-22", "2026-11-22")}, ""),
    ("in der Nähe von Lissabon", {"near": (Near(38.72, -9.14, 25.0),)}, ""),
    ("Fotos ohne Ort", {"has_gps": False}, ""),
    ("archivierte Fotos", {"archived": True}, ""),
    ("Herbst in New York", {"yearly": ((901, 1130),), "places": (PlaceRef("city", "New York", "US"),)}, ""),
    ("Essen in Portugal", {"places": (PORTUGAL,)}, "Essen"),
    ("in Essen", {"places": (ESSEN,)}, ""),
    ("außerhalb von Portugal", {"places_none": (PORTUGAL,)}, ""),
    ("Oma Erikas Hund", {"people_all": (WALTER,), "labels_all": ("dog",)}, ""),
    ("Muenchen 2024", {"places": (MUNICH,), **between("2024-01-01", "2024-12-31")}, ""),
]  # fmt: skip
HOUSE = vocabularies.vocabulary(
    [*PEOPLE, (WALTER, "Oma Erika")],
    [*PLACES, ("city", "München", "DE"), ("city", "Nice", "FR"), ("city", "Essen", "DE")],
    LABELS,
    birthdays=BIRTHDAYS,
    centres=CENTRES,
)


@pytest.mark.parametrize(("q", "expected", "text"), NATURAL, ids=[q for q, _, _ in NATURAL])
def test_what_people_type_is_understood(q: str, expected: dict[str, object], text: str) -> None:
    parsed = queries.parse_with(q, HOUSE, today=TODAY)
    assert parsed.filter == Filter(**expected)  # type: ignore[arg-type]
    assert (parsed.text, parsed.possible) == (text, True)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("anna l'été dernier", {"people_all": (ANNA,), **between("2026-06-01", "2026-08-31")}),
        ("la semaine dernière", between("2026-11-09", "2026-11-15")),
        ("mars 2024 sans cara", {"people_none": (CARA,), **between("2024-03-01", "2024-03-31")}),
        ("anna ou cara", {"people_any": ((ANNA, CARA),)}),
        ("personne:anna avant:2020", {"people_all": (ANNA,), **between("", "2019-12-31")}),
        ("chiens", {"labels_all": ("dog",)}),
    ],
)
def test_another_language_is_data(q: str, expected: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    french = replace(
        ENGLISH,
        code="fr",
        months={"mars": 3, "mai": 5},
        shy_months=frozenset({"mars"}),
        seasons={"ete": (601, 831), "hiver": (1201, 229)},
        units={"semaine": "week", "annee": "year"},
        last=frozenset({"dernier", "derniere"}),
        last_behind=frozenset({"dernier", "derniere"}),
        and_=frozenset({"et"}),
        or_=frozenset({"ou"}),
        not_=frozenset({"sans", "pas"}),
        articles=frozenset({"l", "la", "le", "les"}),
        idle=frozenset({"l", "la", "le", "les", "avec"}),
        operators={"personne": "person", "avant": "before"},
        labels={"dog": "chien chiens"},
    )
    for module in (queries, vocabularies):
        monkeypatch.setattr(module, "SPEECHES", (ENGLISH, french))
    parsed = queries.parse_with(q, vocabularies.vocabulary(PEOPLE, labels=LABELS), today=TODAY)
    assert parsed.filter == Filter(**expected)  # type: ignore[arg-type]
    assert (parsed.text, parsed.language) == ("", "fr")


def test_years_side_by_side_are_alternatives() -> None:
    found = parse("2021 or 2023").filter
    assert found.days == ((date(2021, 1, 1), date(2021, 12, 31)), (date(2023, 1, 1), date(2023, 12, 31)))
    assert (found.date_from, found.date_to) == (date(2021, 1, 1), date(2023, 12, 31))


def test_two_people_of_one_name_are_alternatives() -> None:
    parsed = queries.parse("anna", today=TODAY, people=[(ANNA, "Anna"), (ANNA_TWO, "anna")])
    assert parsed.filter == Filter(people_any=((ANNA, ANNA_TWO),))


def test_a_first_name_that_two_people_share_is_not_guessed() -> None:
    parsed = queries.parse("anna", today=TODAY, people=[(ANNA, "Anna Berg"), (ANNA_TWO, "Anna Stein")])
    assert parsed == Parsed(Filter(), "anna", ())


def test_the_longest_name_wins() -> None:
    parsed = queries.parse(
        "new york city", today=TODAY, places=[("city", "York", "GB"), ("city", "New York City", "US")]
    )
    assert parsed.filter.places == (PlaceRef("city", "New York City", "US"),)


NONSENSE = ["???", "...", "-", "%", "_", "* ?", "\x01\x02", "\u202e\u202c", "\u200b", "\u0301", "\U0010ffff", "(( ))"]


@pytest.mark.parametrize("q", NONSENSE, ids=ascii)
def test_signs_alone_mean_no_photo(q: str) -> None:
    parsed = parse(q)
    assert (parsed.spans, parsed.possible) == ((), False)
    assert parse(f"anna {q}").filter == Filter(people_all=(ANNA,))


@pytest.mark.parametrize("q", ["🏖️", "👨‍👩‍👧", "❤️", "☃", "1"], ids=ascii)
def test_a_sign_that_shows_something_is_looked_for(q: str) -> None:
    assert parse(q).possible


def test_conditions_that_hang_together_are_one_chip() -> None:
    def chips(q: str) -> list[tuple[str, str, str, bool]]:
        spans = queries.parse_with(q, NAMED, today=TODAY).spans
        return [(q[span.start : span.end], span.kind, span.value, span.negated) for span in spans]

    assert chips("lisbon anna at 3") == [
        ("lisbon", "place", "Lisbon", False),
        ("anna at 3", "person", "anna, 2022-06-03..2023-06-02", False),
    ]
    assert chips("yesterday evening") == [("yesterday evening", "date", "2026-11-21, 17..22", False)]
    assert chips("without anna or cara in lisbon") == [
        ("without anna or cara", "person", "anna, cara", True),
        ("in lisbon", "place", "Lisbon", False),
    ]


@pytest.mark.parametrize(
    ("q", "gone", "left"),
    [
        ("anna or cara", 0, {"people_all": (CARA,)}),
        ("anna or cara", 1, {"people_all": (ANNA,)}),
        ("anna and ben müller but not cara", 1, {"people_all": (ANNA,), "people_none": (CARA,)}),
        ("anna and ben müller but not cara", 2, {"people_all": (ANNA, BEN)}),
        ("lisbon or porto", 0, {"places": (PORTO,)}),
        ("person:adda or person:anna", 0, {"people_all": (ANNA,)}),
        ("anna not in lisbon or porto", 1, {"people_all": (ANNA,)}),
    ],
)
def test_a_list_without_one_of_its_chips_is_the_shorter_list(q: str, gone: int, left: dict[str, object]) -> None:
    span = parse(q).spans[gone]
    assert parse(q[: span.start] + q[span.end :]).filter == Filter(**left)  # type: ignore[arg-type]


def test_spans_show_which_words_became_conditions() -> None:
    q = "dancing with Anna in Lisbon, last summer, not ben"
    parsed = parse(q)
    assert [(q[s.start : s.end], s.kind, s.negated) for s in parsed.spans] == [
        ("with Anna", "person", False),
        ("in Lisbon", "place", False),
        ("last summer", "date", False),
        ("not ben", "person", True),
    ]
    assert parsed.text == "dancing"


def test_the_echo_is_json_and_holds_only_what_was_said() -> None:
    echo = json.loads(json.dumps(parse("anna in lisbon since 2020 favourites").filter.as_json()))
    assert echo == {
        "people_all": [str(ANNA)],
        "places": [{"level": "city", "value": "Lisbon", "country_code": "PT"}],
        "date_from": "2020-01-01",
        "days": [["2020-01-01", None]],
        "favourite": True,
    }


def test_a_query_beyond_the_limit_is_cut() -> None:
    parsed = parse("word " * 100_000)
    assert len(parsed.text) <= queries.MAX_LENGTH


@given(st.integers(1900, 2100))
def test_easter_is_a_sunday_in_spring(year: int) -> None:
    found = Dates(ENGLISH, TODAY).find(spoken_dates.words(f"easter {year}"), 0)
    assert found is not None
    assert isinstance(found[0], Days)
    friday = found[0].first
    assert friday is not None
    assert friday.weekday() == 4
    assert date(year, 3, 20) <= friday <= date(year, 4, 23)


def test_yearly_days_run_over_new_year() -> None:
    assert Yearly(1201, 229).of(2022) == Days(date(2022, 12, 1), date(2023, 2, 28))
    assert Yearly(1231, 101).latest(date(2025, 6, 1)) == Days(date(2024, 12, 31), date(2025, 1, 1))


# ---- laws ------------------------------------------------------------------------------------------------------------

WORDS = """
anna ben müller not without - and or in on the with lisbon new york paris france dog cats last this past next summer
winter may march 2025 2024-05 1990s 3rd 31 0 9999 99999 between from to since before: after: date: person: -has:faces
week months years ago christmas easter new year s eve monday weekend favourite png type: camera: album " : , . / ..
photos of ² ٣ İ ß ﬁ 한국 עברית 🎂 é
"""
VOCABULARY = vocabularies.vocabulary(PEOPLE, PLACES, LABELS, cameras=CAMERAS, albums=[(ALBUM, "Road trip")])
SAID = st.sampled_from([*WORDS.split(), "ﾞ", "\u0301", "\x00", "\ud7ff"])
QUERIES = st.one_of(
    st.text(max_size=60),
    st.lists(SAID, max_size=14).map(" ".join),
    st.lists(SAID, max_size=10).map("".join),
)


@settings(max_examples=600, deadline=None)
@given(QUERIES, st.dates())
def test_any_text_on_any_day_has_an_answer(q: str, today: date) -> None:
    parsed = queries.parse_with(q, VOCABULARY, today=today)
    json.dumps(parsed.filter.as_json())
    end = 0
    for span in parsed.spans:
        assert end <= span.start < span.end <= len(q)
        end = span.end
    assert bool(parsed.filter) == any(span.known for span in parsed.spans)
    assert parsed.possible or parsed.text or any(not span.known for span in parsed.spans)
    if q.strip() and not any(word.text in speech.photos for word in spoken_dates.words(q) for speech in SPEECHES):
        assert parsed.spans or parsed.text
    for first, last in parsed.filter.days + parsed.filter.days_none:
        assert first is None or last is None or first <= last


@settings(max_examples=200, deadline=None)
@given(QUERIES)
def test_a_query_of_unknown_words_keeps_them_all(q: str) -> None:
    parsed = queries.parse(q, today=TODAY)
    if not parsed.spans and not any(
        word.text in speech.photos for word in spoken_dates.words(q) for speech in SPEECHES
    ):
        assert parsed.text == " ".join(q.split())


@settings(max_examples=200, deadline=None)
@example("Mama ❤️")
@given(st.text(max_size=20).filter(lambda name: '"' not in name and spoken_dates.words(name)))
def test_anybody_is_found_by_the_whole_name_in_quotes(name: str) -> None:
    parsed = queries.parse(f'beach person:"{name}"', today=TODAY, people=[(ANNA, name)])
    assert parsed.filter == Filter(people_all=(ANNA,))
    assert parsed.text == "beach"


def test_the_days_of_relative_words_are_in_order() -> None:
    for offset in range(0, 800, 7):
        today = TODAY - timedelta(days=offset)
        for q in ("last week", "past month", "last summer", "last winter", "last weekend", "last year", "5 months ago"):
            found = Dates(ENGLISH, today).find(spoken_dates.words(q), 0)
            assert found is not None
            assert isinstance(found[0], Days)
            assert found[0].first is not None
            assert found[0].last is not None
            assert found[0].first <= found[0].last <= today


@pytest.mark.parametrize("operator", ["album", "label", "camera", "person", "place"])
def test_names_are_sorted_out_once_however_often_a_query_asks(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One query of a library with thousands of albums took ten seconds."""
    made = []
    sort_out = vocabularies.Spelling.__init__

    def counted(spelling: vocabularies.Spelling, names: Mapping[vocabularies.Key, object]) -> None:
        made.append(spelling)
        sort_out(spelling, names)

    monkeypatch.setattr(vocabularies.Spelling, "__init__", counted)
    known = vocabularies.vocabulary(PEOPLE, PLACES, LABELS, cameras=CAMERAS, albums=[(ALBUM, "Summer")])
    queries.parse_with(f"{operator}:qwertz or " * 30, known, today=TODAY)
    assert len(made) <= 2 + len(SPEECHES), "people and places are asked for by every query"
