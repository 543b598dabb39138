"""What a newer recipe finds anew, and which faces are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import face_matching, recipes
from photovault.recipes import Recipe

GOOD = Recipe(1, "vision", model_id=1, weak=False, label_model_id=None, look_version=1)
BETTER = replace(GOOD, id=2, model_id=2)
WEAK = replace(GOOD, id=3, model_id=3, weak=True)
WITH_THINGS = replace(GOOD, id=4, label_model_id=7)

EVERYTHING = {"model", "look"}


@pytest.mark.parametrize(
    ("seen", "now", "yields", "parts"),
    [
        (GOOD, GOOD, False, set()),
        (GOOD, BETTER, False, {"model"}),
        (BETTER, GOOD, False, {"model"}),
        (WEAK, GOOD, False, {"model"}),
        (GOOD, WEAK, False, {"model"}),
        (GOOD, WEAK, True, set()),
        (replace(WEAK, model_id=9), WEAK, True, {"model"}),
        (GOOD, WITH_THINGS, False, {"labels"}),
        (WITH_THINGS, GOOD, False, set()),
        (GOOD, replace(GOOD, look_version=2), False, {"look"}),
        (None, GOOD, False, EVERYTHING),
        (None, WITH_THINGS, True, EVERYTHING | {"labels"}),
        (None, replace(GOOD, step="embedding", look_version=0), False, {"model"}),
    ],
)
def test_what_is_outdated(seen: Recipe | None, now: Recipe, yields: bool, parts: set[str]) -> None:
    assert recipes.outdated(seen, now, yields=yields) == parts


sides = st.integers(1, 40)
boxes = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), sides, sides), max_size=6)


@given(boxes, boxes)
def test_faces_are_matched_one_to_one_and_by_enough(old: list[face_matching.Box], new: list[face_matching.Box]) -> None:
    found = face_matching.match(old, new)
    assert len(set(found.values())) == len(found)
    for j, i in found.items():
        assert face_matching.overlap(old[i], new[j]) >= face_matching.LEAST_OVERLAP
    for i, j in [(i, j) for i in range(len(old)) for j in range(len(new))]:
        if face_matching.overlap(old[i], new[j]) >= face_matching.LEAST_OVERLAP:
            assert j in found or i in found.values()  # nothing that fits is left out for nothing


@given(boxes)
def test_the_same_boxes_are_the_same_faces(old: list[face_matching.Box]) -> None:
    unlike = [box for n, box in enumerate(old) if all(face_matching.overlap(box, other) < 1 for other in old[:n])]
    assert face_matching.match(unlike, unlike) == {n: n for n in range(len(unlike))}


def test_the_best_overlap_decides_before_the_order() -> None:
    wide, exact = (0.0, 0.0, 10.0, 8.0), (0.0, 0.0, 10.0, 10.0)
    assert face_matching.match([wide, exact], [(0.0, 0.0, 10.0, 10.0)]) == {0: 1}


def test_neighbours_are_not_the_same_face() -> None:
    assert face_matching.overlap((0, 0, 10, 10), (10, 0, 10, 10)) == 0
    assert face_matching.match([(0, 0, 10, 10)], [(6, 0, 10, 10)]) == {}
