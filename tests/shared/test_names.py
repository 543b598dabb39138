"""Names of a library: completion, cameras, labels in a text."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import ids, names, queries
from photovault.names import Camera, Name

ANNA = Name("person", "Anna Smith", 40, id=ids.new())
HIDDEN = Name("person", "Annabel", 90, id=ids.new(), hidden=True)
LISBON = Name("place", "Lisbon", 12, level="city", country_code="PT")
LISSE = Name("place", "Lisse", 3, level="city", country_code="NL")
ZURICH = Name("place", "Zürich", 2, level="city", country_code="CH")
DOG = Name("label", "dog", 7)
LIGHT = Name("label", "traffic light", 7)
TRIP = Name("album", 'The "big" trip to Lisbon', 30, id=ids.new())
CANON = Camera("Canon", "Canon EOS 5D")
PIXEL = Camera("Google", "Pixel 7")
KNOWN = names.collect([ANNA, HIDDEN, LISBON, LISSE, ZURICH, DOG, LIGHT, TRIP], [CANON, PIXEL, Camera(None, None)])


def completed(q: str, limit: int = 10) -> list[tuple[str, str]]:
    return [(found.name.value, found.text) for found in names.complete(KNOWN, q, limit=limit)]


def test_the_last_word_is_completed_and_the_rest_stays() -> None:
    assert completed("sunset in lisb") == [
        ("Lisbon", "sunset in Lisbon"),
        (TRIP.value, 'sunset in album:"The  big  trip to Lisbon"'),
    ]


def test_names_that_begin_so_come_before_names_that_hold_such_a_word_and_frequent_before_rare() -> None:
    assert [value for value, _ in completed("lis")] == ["Lisbon", "Lisse", TRIP.value]


def test_a_name_that_more_words_begin_comes_first() -> None:
    assert completed("anna sm") == [("Anna Smith", "Anna Smith")]
    assert completed("trip to li")[0][0] == TRIP.value


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("person:an", [("Anna Smith", 'person:"Anna Smith"')]),
        ("beach -person:an", [("Anna Smith", 'beach -person:"Anna Smith"')]),
        ('person:"anna s', [("Anna Smith", 'person:"Anna Smith"')]),
        ("album:tri", [(TRIP.value, 'album:"The  big  trip to Lisbon"')]),
        ("place:lis", [("Lisbon", "place:Lisbon"), ("Lisse", "place:Lisse")]),
        ("city:zur", [("Zürich", "city:Zürich")]),
        ("country:lis", []),
        ("label:", [("traffic light", 'label:"traffic light"'), ("dog", "label:dog")]),
        ("ort:lisb", [("Lisbon", "ort:Lisbon")]),
        ("is:fav", []),
        (
            "person:anna lisb",
            [("Lisbon", "person:anna Lisbon"), (TRIP.value, 'person:anna album:"The  big  trip to Lisbon"')],
        ),
    ],
)
def test_behind_an_operator_names_of_its_kind_are_completed(q: str, expected: list[tuple[str, str]]) -> None:
    found = completed(q)
    assert sorted(found) == sorted(expected)
    for _, text in found:
        assert queries.parse_with(text, KNOWN.vocabulary, today=date(2025, 6, 1)).possible


def test_what_is_written_without_its_accents_is_completed_too() -> None:
    assert completed("zuer") == [("Zürich", "Zürich")]


def test_accents_and_case_do_not_matter() -> None:
    assert completed("ZUR") == [("Zürich", "Zürich")]


def test_places_of_one_name_are_told_once_with_the_photos_of_all() -> None:
    places = [("city", "FR", 9), ("region", "FR", 12), ("city", "US", 2)]
    paris = names.collect([Name("place", "Paris", count, None, level, code) for level, code, count in places], [])

    def told(q: str) -> list[tuple[str, int]]:
        return [(found.text, found.name.image_count) for found in names.complete(paris, q, limit=10)]

    assert told("par") == [("Paris", 14)]
    assert told("city:par") == [("city:Paris", 11)]


def test_hidden_people_are_not_completed_but_understood() -> None:
    assert "Annabel" not in [value for value, _ in completed("anna")]
    parsed = queries.parse_with("without annabel", KNOWN.vocabulary, today=date(2025, 6, 1))
    assert parsed.filter.people_none == (HIDDEN.id,)


@pytest.mark.parametrize("q", ["", " ", "...", "qqq", "🙂"])
def test_nothing_to_complete_is_nothing(q: str) -> None:
    assert completed(q) == []


@pytest.mark.parametrize("name", [ANNA, LISBON, ZURICH, DOG, LIGHT, TRIP], ids=lambda name: name.value)
def test_a_completed_query_is_understood_as_that_name(name: Name) -> None:
    first = name.value.split()[-1][:3]
    text = next(found.text for found in names.complete(KNOWN, first, limit=10) if found.name == name)

    parsed = queries.parse_with(text, KNOWN.vocabulary, today=date(2025, 6, 1))

    assert [span.kind for span in parsed.spans] == [name.kind]
    assert parsed.text == ""


def test_a_camera_is_called_with_its_make_once() -> None:
    assert CANON.spoken() == ["Canon EOS 5D"]
    assert PIXEL.spoken() == ["Google Pixel 7", "Pixel 7"]
    assert Camera("Apple", None).spoken() == ["Apple"]
    assert Camera(None, None).spoken() == []


def test_a_part_of_a_camera_means_all_that_have_it() -> None:
    assert names.full_cameras(KNOWN, "Pixel 7") == ("google pixel 7",)
    assert names.full_cameras(KNOWN, "canon") == ("canon canon eos 5d",)
    assert names.full_cameras(KNOWN, "leica") == ("leica",)


@given(st.text(max_size=60), st.integers(1, 5))
def test_any_text_is_completed_or_not_but_never_fails(q: str, limit: int) -> None:
    assert len(names.complete(KNOWN, q, limit=limit)) <= limit


def test_what_a_query_means_is_told_as_the_library_writes_it() -> None:
    portugal = Name("place", "Portugal", 15, level="country", country_code="PT")
    known = names.collect([*KNOWN.known, portugal], [CANON])

    def written(q: str) -> list[list[str]]:
        parsed = queries.parse_with(q, known.vocabulary, today=date(2025, 6, 1))
        return [names.written(known, span.meant, most=10) for span in parsed.spans]

    assert written("anna in lisbon") == [["Anna Smith"], ["Lisbon, Portugal"]]
    assert written("portugal -zurich") == [["Portugal"], ["Zürich"]]
    assert written("person:ann annabel") == [[], ["Annabel"]]
    assert written("label:dogs camera:canon album:trip") == [["dog"], [], [TRIP.value]]
    assert written("may 2024 favourites near:lisbon person:nobody") == [[], [], ["Lisbon, Portugal"], []]
    meant = [ids.new(), *(name.id for name in (ANNA, TRIP, HIDDEN) if name.id)]
    assert names.written(known, meant, most=2) == ["Anna Smith", TRIP.value]
