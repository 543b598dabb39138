"""Ranking by words, labels and sights: what counts how much, what is cut off, and the reasons that are given."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import renewed
from tests.arranging import Sent
from tests.libraries import LISBON, PARIS, photo
from tests.shared.inference import COCO, MODELS, needs, use_settings
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import db, ids, labels, library_names, listing, terms, things, word_search
from photovault.settings import get_settings
from photovault.sights import Sight


@pytest.fixture(scope="module", autouse=True)
def configured(vault: Path) -> Path:
    return vault


@pytest.fixture
def person() -> Somebody:
    return somebody()


def shows(person: Somebody, seen: Mapping[str, float | tuple[float, int]], **values: object) -> UUID:
    """A photo that seems to show these, by strength, or by strength and number."""
    image_id = photo(person.user_id, **values)
    sights = {name: Sight(*(one if isinstance(one, tuple) else (one, 1))) for name, one in seen.items()}
    with db.transaction(person.user_id) as conn:
        things.add_sights(conn, image_id, sights)
    return image_id


def scores(person: Somebody, text: str) -> dict[UUID, float]:
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, text, library_names.names_of(conn, person.user_id))
        return dict(word_search.by_words(conn, listing.Filter(), words, most=100)) if words else {}


def found(person: Somebody, text: str) -> list[UUID]:
    return list(scores(person, text))


def reasons(person: Somebody, text: str, image_id: UUID) -> list[tuple[str, str]]:
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, text, library_names.names_of(conn, person.user_id))
        assert words
        return [(why.kind, why.text) for why in word_search.reasons(conn, [image_id], words)[image_id]]


# ------------------------------------------------------------------------------------------------ words as written


@pytest.mark.parametrize(
    ("caption", "q"),
    [
        ("a café in Zürich", "cafe"),
        ("a cafe", "Café"),
        ("Zürich", "zurich"),
        ("Straße", "strasse"),
        ("Łódź", "lodz"),
        ("Tromsø", "tromso"),
    ],
)
def test_accents_make_no_difference(person: Somebody, caption: str, q: str) -> None:
    wanted = photo(person.user_id, caption=caption)

    assert found(person, q) == [wanted]


@pytest.mark.parametrize(
    ("caption", "q"), [("a lantern", "lanterns"), ("lanterns", "lantern"), ("sailing", "sail"), ("we sail", "sailing")]
)
def test_other_forms_of_a_word_are_found_behind_the_word_itself(person: Somebody, caption: str, q: str) -> None:
    other = photo(person.user_id, caption=caption)
    exact = photo(person.user_id, caption=q)

    assert found(person, q) == [exact, other]


def test_german_forms_are_found_in_german(person: Somebody) -> None:
    house = photo(person.user_id, caption="unser Haus")
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, "Häuser", library_names.names_of(conn, person.user_id), language="de")
        assert words
        assert [one for one, _ in word_search.by_words(conn, listing.Filter(), words, most=9)] == [house]


def test_indexing_again_changes_nothing(person: Somebody) -> None:
    image_id = photo(person.user_id, caption="Crème brûlée")
    before = terms_of(person, image_id)
    with db.transaction(person.user_id) as conn:
        terms.refresh(conn, image_id)

    assert terms_of(person, image_id) == before >= {"creme", "brulee"}


def terms_of(person: Somebody, image_id: UUID) -> set[str]:
    with db.transaction(person.user_id) as conn:
        return {row[0] for row in conn.execute("SELECT term FROM image_terms WHERE image_id = %s", [image_id])}


# ------------------------------------------------------------------------------------------- what counts how much


def test_a_word_that_most_photos_have_says_little(person: Somebody) -> None:
    for _ in range(8):
        photo(person.user_id, caption="holiday")
    rare = photo(person.user_id, caption="windmill")
    both = photo(person.user_id, caption="holiday windmill")

    # With what is asked for there, the word that everything has alone is no answer.
    assert found(person, "holiday windmill") == [both, rare]


def test_one_common_word_of_a_query_about_something_else_finds_nothing(person: Somebody) -> None:
    for _ in range(10):
        shows(person, {"person": 0.9})
    photo(person.user_id, caption="windmill")

    assert len(found(person, "man")) == 10
    assert found(person, "man quantum spectrometer diagrams") == []


def test_words_that_say_nothing_cost_nothing(person: Somebody) -> None:
    wanted = photo(person.user_id, caption="windmill")

    assert scores(person, "there is a very large windmill standing in the background") == {wanted: 1.0}


def test_scores_are_between_nothing_and_one_and_equal_ones_are_newest_first(person: Somebody) -> None:
    older, newer = (photo(person.user_id, caption="windmill") for _ in range(2))
    part = photo(person.user_id, filename="windmill.jpg")

    given = scores(person, "windmill")

    assert list(given) == [newer, older, part]
    assert given[newer] == given[older] == 1
    assert 0 < given[part] < 1


def test_more_of_a_query_never_scores_less(person: Somebody) -> None:
    one = shows(person, {"dog": 0.5}, caption="windmill")
    more = shows(person, {"dog": 0.9, "beach": 0.3}, caption="windmill")

    given = scores(person, "dog and windmill at the beach")

    assert given[more] > given[one]


# ------------------------------------------------------------------------------------------------ what photos show


def test_the_surer_sight_comes_first_and_labels_without_sights_are_found_all_the_same(person: Somebody) -> None:
    unsure, sure = shows(person, {"dog": 0.3}), shows(person, {"dog": 0.9})
    labelled = photo(person.user_id, labels=["dog"])

    assert found(person, "dogs") == [sure, labelled, unsure]


def test_words_find_what_usually_stands_there(person: Somebody) -> None:
    kitchen, oven = shows(person, {"kitchen": 0.9}), shows(person, {"oven": 0.7})
    shows(person, {"giraffe": 0.9})

    assert found(person, "kitchen") == [kitchen, oven]
    assert found(person, "Küche") == [kitchen, oven]


def test_a_thing_asked_for_by_its_kind_is_found_by_any_of_it(person: Somebody) -> None:
    horse, zebra = shows(person, {"horse": 0.9}), shows(person, {"zebra": 0.8})
    shows(person, {"car": 0.9})

    assert set(found(person, "animals")) == {horse, zebra}


def test_a_phrase_finds_no_photos_of_its_words(person: Somebody) -> None:
    snack = shows(person, {"hot dog": 0.8})
    shows(person, {"dog": 0.9})

    assert found(person, "hot dogs") == [snack]


def test_the_right_number_comes_first(person: Somebody) -> None:
    two = shows(person, {"dog": (0.8, 2)})
    one, herd = shows(person, {"dog": (0.8, 1)}), shows(person, {"dog": (0.8, 5)})

    assert found(person, "two dogs")[0] == two
    assert found(person, "a group of dogs")[0] == herd
    assert found(person, "a single dog")[0] == one
    assert set(found(person, "two dogs")) == {one, two, herd}


def test_a_number_is_of_the_thing_that_follows_it(person: Somebody) -> None:
    two_cats = shows(person, {"dog": (0.8, 1), "cat": (0.8, 2)})
    two_dogs = shows(person, {"dog": (0.8, 2), "cat": (0.8, 1)})

    assert found(person, "a dog and two cats") == [two_cats, two_dogs]
    assert found(person, "two dogs and a cat") == [two_dogs, two_cats]


def test_a_word_that_stands_for_something_begins_no_other_label(person: Somebody) -> None:
    car, carrot = photo(person.user_id, labels=["car"]), photo(person.user_id, labels=["carrot"])
    named = photo(person.user_id, filename="carpark.jpg")

    assert found(person, "a big car") == [car, named]
    assert found(person, "a big carr") == [carrot]


def test_a_hint_far_below_the_best_is_cut_off(person: Somebody) -> None:
    sure = shows(person, {"dog": 0.95})
    shows(person, {"dog": 0.1})

    assert found(person, "dog") == [sure]


# --------------------------------------------------------------------------------------------------------- reasons


def test_reasons_name_the_label_or_sight_that_a_word_stands_for(person: Somebody) -> None:
    seen = shows(person, {"dog": 0.9, "beach": 0.4}, labels=["dog"], caption="Rex")

    assert reasons(person, "puppy by the seaside with rex", seen) == [
        ("word", "rex"),
        ("label", "dog"),
        ("look", "beach"),
    ]


def test_a_label_is_a_word_of_the_photo_only_where_its_caption_says_so(person: Somebody) -> None:
    silent = photo(person.user_id, labels=["dog"])
    told = photo(person.user_id, labels=["dog"], caption="my dog")

    assert reasons(person, "dog", silent) == [("label", "dog")]
    assert set(reasons(person, "dog", told)) == {("label", "dog"), ("word", "dog")}


def test_what_others_photos_show_is_not_found_and_weighs_nothing(person: Somebody) -> None:
    stranger = somebody()
    mine = shows(person, {"dog": 0.8})
    alone = scores(person, "dog on a beach")
    for _ in range(5):
        shows(stranger, {"dog": 0.9, "beach": 0.9})

    assert scores(person, "dog on a beach") == alone
    assert set(alone) == {mine}


# ------------------------------------------------------------------------------------------------------- conditions


def ranked(person: Somebody, text: str, wanted: listing.Filter, *, most: int = 100) -> list[tuple[UUID, float]]:
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, text, library_names.names_of(conn, person.user_id))
        assert words
        return word_search.by_words(conn, wanted, words, most=most)


def test_a_condition_only_ever_takes_photos_away(person: Somebody) -> None:
    for n in range(6):
        shows(person, {"dog": 0.2 + n / 10, "beach": 0.9 - n / 10}, day=date(2025, 1 + n, 1))
    everything = ranked(person, "dogs on the beach", listing.Filter(status="ready"))
    spring = ranked(person, "dogs on the beach", listing.Filter(status="ready", from_day=date(2025, 3, 1)))

    assert 0 < len(spring) < len(everything)
    assert spring == [one for one in everything if one in spring]


def test_of_many_equals_the_newest_are_found_whatever_the_order_they_came_in(person: Somebody) -> None:
    days = [date(2025, 1, 1 + n * 7 % 20) for n in range(20)]
    photos = dict(zip(days, [photo(person.user_id, caption="windmill", day=day) for day in days], strict=True))

    newest = [image_id for image_id, _ in ranked(person, "windmill", listing.Filter(status="ready"), most=3)]

    assert newest == [photos[day] for day in sorted(photos, reverse=True)[:3]]


def test_the_best_may_all_be_in_the_archive(person: Somebody) -> None:
    for _ in range(12):
        photo(person.user_id, caption="windmill", archived=True)
    wanted = photo(person.user_id, filename="windmill.jpg")

    assert [one for one, _ in ranked(person, "windmill", listing.Filter(status="ready"), most=2)] == [wanted]


# ---------------------------------------------------------------------------------------------- the ranking as a law


WORDS = ("dog", "beach", "kite", "lantern", "person", "windmill", "lanterns", "kites")
SIGHTS = ("dog", "beach", "kite", "surfboard", "umbrella", "person", "boat")


def by_the_book(person: Somebody, text: str) -> dict[UUID, float]:
    """The ranking as decision 0023 tells it, in Python, of all photos in no order."""
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, text, library_names.names_of(conn, person.user_id))
        assert words
        known: dict[tuple[UUID, int], float] = defaultdict(float)
        unlike: dict[tuple[UUID, int], float] = defaultdict(lambda: 1.0)
        for one in words.look_ups:
            sql = f"SELECT h.image_id, {one.unit}, {one.weight} FROM {one.rows}"
            for image_id, unit, weight in conn.execute(sql.encode(), words.parameters):
                if weight >= 0.05 and one.kind == "look":
                    unlike[image_id, unit] *= 1 - min(weight, 0.99)
                elif weight >= 0.05:
                    known[image_id, unit] = max(known[image_id, unit], weight)
        photos = db.value(conn, "SELECT count(*) FROM images WHERE deleted_at IS NULL AND NOT archived")
    sure = {key: max(known[key], 1 - unlike[key]) for key in known.keys() | unlike.keys()}
    worths: dict[int, float] = {}
    for unit in {unit for _, unit in sure}:
        total = math.fsum(weight for (_, at), weight in sure.items() if at == unit)
        worths[unit] = math.log(1 + (max(0.0, photos - total) + 0.5) / (total + 0.5))
    whole = math.fsum(worths.values()) + math.fsum(
        counts * math.log(2 + 2 * photos) for unit, counts in enumerate(words.units) if unit not in worths
    )
    scores: dict[UUID, float] = defaultdict(float)
    surest: dict[UUID, float] = defaultdict(float)
    for (image_id, unit), weight in sure.items():
        scores[image_id] += weight * worths[unit] / whole
        surest[image_id] = max(surest[image_id], weight)
    rounded = {image_id: round(1e4 * score) / 1e4 for image_id, score in scores.items()}
    rounded = {one: score for one, score in rounded.items() if surest[one] >= word_search.LEAST_SURE}
    least = max(word_search.LEAST_SCORE, word_search.LEAST_OF_BEST * max(rounded.values(), default=0.0))
    return {image_id: score for image_id, score in rounded.items() if score >= least}


@pytest.mark.parametrize("seed", range(6))
def test_rankings_are_those_of_the_definition_whatever_a_library_holds(person: Somebody, seed: int) -> None:
    dice = random.Random(seed)
    anna, other = (person_named(person, name) for name in ("Anna", "Windmill Smith"))
    rows: dict[UUID, dict[str, Any]] = {}
    for _ in range(40):
        values: dict[str, Any] = {
            "caption": " ".join(dice.sample(WORDS, dice.randint(0, 3))),
            "archived": dice.random() < 0.2,
            "day": date(2025, dice.randint(1, 3), 1),
            "labels": dice.sample(SIGHTS, dice.randint(0, 2)),
            "people": dice.sample([anna, other], dice.randint(0, 2)),
            **dice.choice([LISBON, PARIS]),
        }
        seen = {
            name: (dice.choice([0.06, 0.3, 0.7, 0.999]), dice.randint(0, 4))
            for name in dice.sample(SIGHTS, dice.randint(0, 4))
        }
        rows[shows(person, seen, **values)] = values
    filters: list[tuple[listing.Filter, Callable[[dict[str, Any]], bool]]] = [
        (listing.Filter(status="ready"), lambda row: not row["archived"]),
        (listing.Filter(archived=None), lambda row: True),
        (listing.Filter(archived=True), lambda row: bool(row["archived"])),
        (listing.Filter(archived=None, person_ids=(anna,)), lambda row: anna in row["people"]),
        (listing.Filter(archived=None, from_day=date(2025, 2, 1)), lambda row: row["day"] >= date(2025, 2, 1)),
        (listing.Filter(archived=None, cities=("Lisbon",)), lambda row: row["city"] == "Lisbon"),
    ]

    answers = 0
    for text in ("dog", "two dogs on the beach with kites", "a person and a lantern", "windmill flurbl", "lan"):
        every = by_the_book(person, text)
        answers += len(every)
        for wanted, keeps in filters:
            expected = {image_id: score for image_id, score in every.items() if keeps(rows[image_id])}
            answered = ranked(person, text, wanted)
            assert dict(answered) == expected
            assert [score for _, score in answered] == sorted(expected.values(), reverse=True)
    assert answers > 40


def person_named(person: Somebody, name: str) -> UUID:
    person_id = ids.new()
    with db.transaction(person.user_id) as conn:
        conn.execute("INSERT INTO person_clusters (id, name, image_count) VALUES (%s, %s, 1)", [person_id, name])
    return person_id


# -------------------------------------------------------------------------------------------------- photos as they come


@needs(MODELS / "yolox_nano.onnx", COCO / "val2017")
def test_an_uploaded_photo_is_found_by_what_it_shows(
    person: Somebody, bucket: Bucket, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS_DIR", str(MODELS))
    monkeypatch.setenv("EMBEDDINGS_PROVIDER", "phash")
    get_settings.cache_clear()
    pizza, zebras = (
        renewed.upload(person.user_id, bucket, (COCO / "val2017" / f"{number:012}.jpg").read_bytes())
        for number in (160012, 244592)
    )

    assert found(person, "a woman with two pizzas")[0] == pizza
    assert found(person, "Zebras im Zoo") == [zebras]
    assert found(person, "flurbl") == []
    get_settings.cache_clear()


def test_a_photo_that_is_looked_at_again_forgets_what_it_seemed_to_show(person: Somebody) -> None:
    seen = shows(person, {"dog": 0.9})
    with db.transaction(person.user_id) as conn:
        things.replace_sights(conn, seen, {"cat": Sight(0.8, 1)})

    assert found(person, "dog") == []
    assert found(person, "cat") == [seen]


@pytest.mark.parametrize(
    "caption", ["카페", "がっこう", "مقهى", "кафе Ёлка", "咖啡", "Ärger", "naïve", "ﬁancé", "İzmir"]
)
def test_words_of_any_script_are_found_as_they_are_written(person: Somebody, caption: str) -> None:
    wanted = photo(person.user_id, caption=caption)

    assert found(person, caption) == [wanted]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=60))
def test_any_text_is_answered_with_scores_up_to_one(library: Somebody, text: str) -> None:
    assert all(0 < score <= 1 for score in scores(library, f"{text} dog").values())


# ---------------------------------------------------------------------------------------------- nothing to be found


NONSENSE = (
    "spaceship", "asdfgh", "quarterly report", "xylophone", "northern lights", "ferris wheel", "flurbl", "tax return",
    "qwrt zxcv", "the wifi password", "unicorn", "moon landing", "a ballet dancer on a stage", "ultrasound of the baby",
    "Raumschiff", "Quartalsbericht", "Nordlichter", "Riesenrad", "Steuererklärung", "Kontoauszug", "Einhorn", "Geige",
    "Röntgenbild", "Gebrauchsanweisung", "Schnurpsel", "Achterbahn", "Vulkan", "Tätowierung",
)  # fmt: skip


@pytest.fixture(scope="module")
def everyday(configured: Path) -> Somebody:
    """Photos of what everybody has photos of, surely, hardly, and with wrong guesses."""
    person = somebody()
    for strength in (0.95, 0.6, 0.3, 0.12):
        for things_seen in (
            ("person", "dog", "couch"),
            ("person", "baseball bat", "sports ball"),
            ("traffic light", "car", "street", "bus"),
            ("bird", "boat", "water", "beach"),
            ("motorcycle", "bicycle", "person"),
            ("bed", "book", "cat", "teddy bear"),
            ("skis", "snow", "mountain"),
            ("dining table", "pizza", "wine glass", "bottle"),
            ("laptop", "keyboard", "tv", "remote"),
            ("flower", "vase", "clock", "church"),
        ):
            shows(person, dict.fromkeys(things_seen, strength), labels=things_seen[:1] if strength > 0.9 else ())
    return person


@pytest.mark.parametrize("q", NONSENSE)
def test_nonsense_and_what_nobody_photographed_find_nothing(everyday: Somebody, q: str) -> None:
    assert scores(everyday, q) == {}


@needs(MODELS / "yolox_nano.onnx", MODELS / "mobilenet_v2_1.0_224_quant.onnx", COCO / "val2017")
def test_they_find_nothing_among_real_photos_either(person: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch, models_dir=str(MODELS))
    for path in sorted((COCO / "val2017").glob("*.jpg"))[::5]:
        seen = labels.provider().look(np.asarray(PIL.Image.open(path).convert("RGB")))
        image_id = photo(person.user_id, labels=sorted({label.name for label in seen.labels}))
        with db.transaction(person.user_id) as conn:
            things.add_sights(conn, image_id, seen.sights)

    assert found(person, "somebody in the kitchen")
    assert {q: scores(person, q) for q in NONSENSE if scores(person, q)} == {}


@pytest.fixture(scope="module")
def library(configured: Path) -> Somebody:
    person = somebody()
    shows(person, {"dog": (0.9, 2), "beach": 0.3}, labels=["dog"], caption="two of them")
    return person
