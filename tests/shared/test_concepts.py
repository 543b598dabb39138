"""Words of queries, and what they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import concept_words, concepts, inflections, labels_yolox, sights, spoken_dates

MODELS_SAY = {*labels_yolox.COCO, *sights.classes(), sights.MONOCHROME}


def meant(text: str, *, language: str = "en", known: dict[tuple[str, ...], tuple[str, ...]] | None = None) -> dict:
    """What the units of a text stand for, those that stand for something."""
    words = [word.text for word in spoken_dates.words(text)]
    return {unit.text: dict(unit.meant) for unit in concepts.units(words, known or {}, language=language) if unit.meant}


@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("dogs", "dog"), ("kitten", "cat"), ("two men", "person"), ("women", "person"), ("kids", "person"),
        ("motorbikes", "motorcycle"), ("television", "tv"), ("sofa", "couch"), ("sandwiches", "sandwich"),
        ("knives", "knife"), ("food", "pizza"), ("animals", "horse"), ("vehicles", "car"), ("surfing", "surfboard"),
        ("skiers", "skis"), ("riding", "horse"), ("kitchen", "oven"), ("beach", "beach"), ("castles", "castle"),
        ("stuffed animals", "teddy bear"), ("polar bears", "polar bear"), ("violin", "violin"),
    ],
)  # fmt: skip
def test_english_words_stand_for_what_models_name(q: str, name: str) -> None:
    assert any(name in names for names in meant(q).values())


@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("Hunde", "dog"), ("Kätzchen", "cat"), ("Männer", "person"), ("Küche", "oven"), ("Strand", "beach"),
        ("Fahrräder", "bicycle"), ("Schnee", "skis"), ("Schlösser", "castle"), ("Züge", "train"), ("Straße", "street"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["de", "en"])
def test_german_words_do_too_whatever_language_the_query_was_read_in(q: str, name: str, language: str) -> None:
    assert any(name in names for names in meant(q, language=language).values())


def test_a_phrase_is_not_its_words() -> None:
    assert meant("a hot dog") == {"hot dog": {"hot dog": 1.0}}
    assert "dog" in meant("a hot day with a dog")["dog"]
    assert set(meant("teddy bears")) == {"teddy bears"}


def test_labels_of_the_library_count_fully_beside_what_a_word_suggests() -> None:
    found = meant("bikes", known={("bikes",): ("bike",)})["bikes"]

    assert found["bike"] == 1
    assert 0 < found["bicycle"] < 1


def test_idle_words_stand_for_nothing() -> None:
    assert meant("standing next to the other group of it") == {}


@pytest.mark.parametrize(
    ("q", "counts"),
    [
        ("two dogs", {"dogs": 2}),
        ("a dog", {"dog": None}),
        ("zwei Hunde", {"hunde": 2}),
        ("eine Katze", {"katze": None}),
        ("a herd of brown cows", {"herd": None, "cows": 3}),
        ("seven cups", {"cups": 3}),
        ("a dog and two cats", {"dog": None, "cats": 2}),
        ("two dogs and a cat", {"dogs": 2, "cat": None}),
        ("two flurbls on a bench", {"bench": None}),
    ],
)
def test_how_many_are_asked_for_is_said_of_what_follows(q: str, counts: dict[str, int | None]) -> None:
    found = concepts.units(spoken_dates.folded(q), {}, language="en")

    assert {unit.text: unit.count for unit in found if unit.meant} == counts


def test_an_orange_thing_is_no_fruit() -> None:
    assert "orange" not in meant("an orange bicycle")
    assert meant("an orange")["orange"]["orange"] == 1
    assert meant("oranges in a bowl")["oranges"]["orange"] == 1


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("Hundebett", {"dog", "bed"}),
        ("Gartentisch", {"garden", "dining table"}),
        ("Tennisspieler", {"tennis racket"}),
        ("Blumenwiese", {"flower", "sheep"}),
        ("Hafenkneipe", {"boat", "wine glass"}),
    ],
)
@pytest.mark.parametrize("language", ["de", "en"])
def test_compounds_are_their_parts_and_less_sure_of_either(q: str, names: set[str], language: str) -> None:
    (found,) = meant(q, language=language).values()

    assert names <= set(found)
    assert max(found.values()) <= 1
    assert meant("Hundebett")["hundebett"]["bed"] < 1


@pytest.mark.parametrize("q", ["flurbl", "asdfhund", "hundasdf", "verstand", "understand", "grmpf", "a" * 1000])
def test_what_is_put_together_of_something_unknown_stands_for_nothing(q: str) -> None:
    assert meant(q) == {}


@pytest.mark.parametrize("q", ["northern lights", "ferris wheel", "Riesenrad", "a space ship", "Polarlichter"])
def test_a_thing_that_no_model_knows_is_not_the_words_in_its_name(q: str) -> None:
    assert meant(q) == {}


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_tables_are_folded_and_name_only_what_a_model_can_say(language: str) -> None:
    table = concepts._table(language)

    assert {name for names in table.values() for name in names} <= MODELS_SAY
    assert all(0 < strength <= 1 for names in table.values() for strength in names.values())
    assert all(spoken_dates.fold(words) == words for words in table if words not in MODELS_SAY)


def test_every_german_word_has_an_english_one_that_means_something() -> None:
    english = concepts._table("en")

    assert [same for _, (same,) in concepts._lines(concept_words.GERMAN) if same not in english] == []


@given(st.lists(st.text(max_size=12), max_size=40), st.sampled_from(["en", "de"]))
def test_any_words_have_units_that_cover_them_in_order(words: list[str], language: str) -> None:
    found = concepts.units(words, {}, language=language)

    assert set(words) == {word for unit in found for word in unit.words}
    assert len({unit.words for unit in found}) == len(found)


@pytest.mark.parametrize(
    ("word", "base"),
    [("dogs", "dog"), ("buses", "bus"), ("babies", "baby"), ("wolves", "wolf"), ("riding", "ride"), ("running", "run"),
     ("skated", "skate"), ("mice", "mouse")],
)  # fmt: skip
def test_english_forms_have_their_base(word: str, base: str) -> None:
    assert base in inflections.bases(word, language="en")
    assert word in inflections.variants(base, language="en") or word in {"wolves", "running"}


@pytest.mark.parametrize(("word", "base"), [("hauser", "haus"), ("hunde", "hund"), ("lehrerinnen", "lehrerin")])
def test_german_forms_have_their_base(word: str, base: str) -> None:
    assert base in inflections.bases(word, language="de")


@given(st.text(max_size=12), st.sampled_from(["en", "de"]))
def test_a_word_comes_first_among_its_bases_and_is_no_variant_of_itself(word: str, language: str) -> None:
    assert inflections.bases(word, language=language)[0] == word
    assert word not in inflections.variants(word, language=language)
