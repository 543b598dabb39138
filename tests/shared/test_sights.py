"""What a photo seems to show, from boxes and classes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from photovault import sights

names = st.sampled_from(["dog", "cat", "beach", "person", "snow"])
boxes = st.lists(st.tuples(names, st.floats(0, 1)), max_size=40)
classes = st.dictionaries(names, st.floats(0, 1))


def test_boxes_of_one_thing_count_and_the_surest_says_how_sure() -> None:
    found = sights.combine([("dog", 0.5), ("dog", 0.4), ("dog", 0.2), ("cat", 0.01)], {})

    assert set(found) == {"dog"}
    assert found["dog"].boxes == 2
    assert 0.5 < found["dog"].strength < 0.6


def test_detector_and_classifier_together_are_surer_than_either() -> None:
    box, whole = [("dog", 0.5)], {"dog": 0.5}
    both = sights.combine(box, whole)["dog"].strength

    assert both > sights.combine(box, {})["dog"].strength > sights.combine([], whole)["dog"].strength


def test_one_thing_among_many_is_less_what_the_photo_is_about() -> None:
    alone = sights.combine([("dog", 0.9)], {})
    among = sights.combine([("dog", 0.9), ("cat", 0.9), ("person", 0.9)], {})

    assert alone["dog"].strength > among["dog"].strength


@given(boxes, classes)
def test_only_the_strongest_are_kept_each_between_the_least_and_one(
    seen: list[tuple[str, float]], guessed: dict[str, float]
) -> None:
    found = sights.combine(seen, guessed)

    assert len(found) <= sights.MOST
    assert all(sights.LEAST <= sight.strength <= 1 for sight in found.values())


@given(boxes, classes, st.randoms())
def test_the_order_of_boxes_says_nothing(seen: list, guessed: dict, dice: object) -> None:
    mixed = list(seen)
    dice.shuffle(mixed)  # type: ignore[attr-defined]

    assert sights.combine(mixed, guessed) == sights.combine(seen, guessed)


def test_every_class_of_the_classifier_is_a_number_that_it_has() -> None:
    assert all(0 < number <= 1000 for numbers in sights.classes().values() for number in numbers)
    assert all(numbers for numbers in sights.classes().values())
