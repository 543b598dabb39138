"""What holds for every query, whatever its words: of parts that people type, put together in any order."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.shared import test_typed_queries as typed

from photovault import queries, vocabularies
from photovault.filters import Parsed

TABLES = [
    table for name, table in vars(typed).items() if name.isupper() and isinstance(table, dict) and name != "PLACES"
]
TYPED = sorted({q for table in TABLES for q in table if isinstance(q, str)})
PARTS = sorted({part for q in TYPED for part in q.split()})
QUERIES = st.one_of(
    st.sampled_from(TYPED),
    st.lists(st.sampled_from(TYPED), min_size=2, max_size=3).map(" ".join),
    st.lists(st.sampled_from(PARTS), max_size=9).map(" ".join),
)
PIECES_OF_DATES = re.compile(r"[0-9]\.")  # "24. - 26. 12." in any other order may be two dates
A_LAW = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def parse(q: str) -> Parsed:
    return queries.parse_with(q, typed.LIBRARY, today=typed.TODAY)


def said(q: str) -> list[tuple[str, str, str, bool, bool]]:
    """The conditions of a query, by what was typed."""
    return [(q[one.start : one.end], one.kind, one.value, one.negated, one.known) for one in parse(q).spans]


@A_LAW
@given(QUERIES)
def test_the_same_query_is_always_read_the_same(q: str) -> None:
    one = typed.LIBRARY
    new = vocabularies.Vocabulary(
        one.known_people, one.known_places, one.known_labels, one.known_cameras, one.known_albums, one.birthdays,
        one.centres,
    )  # fmt: skip
    first = parse(q)
    parse("anna lisobn " + q)

    assert parse(q) == first
    assert queries.parse_with(q, new, today=typed.TODAY) == first


@A_LAW
@given(QUERIES.filter(lambda q: q.isascii() and not PIECES_OF_DATES.search(q)))
@example("ANNA  or  (BEN)")
def test_capitals_and_spaces_say_nothing(q: str) -> None:
    plain = parse(q)
    loud = parse(q.replace(" ", "  ").upper())

    assert (loud.filter, loud.possible, loud.language) == (plain.filter, plain.possible, plain.language)
    assert loud.text.casefold().split() == plain.text.casefold().split()
    assert parse(f"  {q}\n").filter == plain.filter


@A_LAW
@given(QUERIES)
def test_every_letter_is_a_condition_or_text_or_says_nothing(q: str) -> None:
    """Chips and text do not overlap, and together invent nothing."""
    parsed = parse(q)
    left = list(q)
    for span in parsed.spans:
        left[span.start : span.end] = "\0" * (span.end - span.start)
    rest = "".join(left).split()
    if parsed.spans:
        at = 0
        for piece in parsed.text.split():
            at = next(n for n in range(at, len(rest)) if piece in rest[n]) + 1


THINGS = ["dog", "cats", "hund", "a pizza", "label:cat", "-label:dog", "without cats", "anna", "in lisbon", "2021"]


@A_LAW
@example(["anna", "dog", "anna"], " or ")
@given(st.lists(st.sampled_from(THINGS), min_size=1, max_size=5), st.sampled_from([" ", " and ", " or ", ", "]))
def test_what_comes_behind_the_sure_photos_asks_for_less(parts: Sequence[str], joint: str) -> None:
    parsed = parse(joint.join(parts))
    looser = parsed.looser
    if looser is None:
        assert all(span.strict for span in parsed.spans)
        return

    assert looser.text
    assert parsed.text == ""
    for name in ("labels_all", "labels_any"):
        assert set(getattr(looser.filter, name)) <= set(getattr(parsed.filter, name))
    strict, loose = vars(parsed.filter).copy(), vars(looser.filter).copy()
    assert {name for name in strict if strict[name] != loose[name]} <= {"labels_all", "labels_any"}
    assert any(not span.strict for span in parsed.spans)


CHIPS = [
    "anna", "with cara", "ben müller", "anna at 3", "person:anna", "-person:cara", "person:adda", "not ben müller",
    "without anna or cara", "in lisbon", "place:porto", "near:lisbon", "country:portugal", "not in paris", "yesterday",
    "in 2021", "before:2020", "at night", "time:morning", "label:dog", "-label:cat", "camera:canon", "favourites",
    "archived", "in the archive", "❤️", "in 🇵🇹", "not 🇪🇸", "vertical photos", "is:archived", "has:gps", "-has:faces",
    "type:png", "orientation:portrait", 'album:"summer party"', "album:xyz",
]  # fmt: skip


@A_LAW
@given(
    st.lists(st.sampled_from(CHIPS), min_size=1, max_size=5, unique=True),
    st.sampled_from(["", "windmill", "windmill flarbl", "🐕", '"happy birthday"']),
    st.sampled_from([" ", ", "]),
    st.data(),
)
def test_a_query_without_a_chip_keeps_its_other_chips_and_its_words(
    parts: Sequence[str], words: str, joint: str, data: st.DataObject
) -> None:
    q = joint.join([*parts, words] if words else parts)
    before = said(q)
    gone = data.draw(st.integers(0, len(before) - 1))
    span = parse(q).spans[gone]
    without = q[: span.start] + q[span.end :]

    assert said(without) == before[:gone] + before[gone + 1 :]
    assert parse(without).text.strip(", ") == parse(q).text == words


def calls(q: str) -> int:
    """Calls of functions that it takes to read a query: what a slow machine does not change."""
    count = 0

    def counted(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        parse(q)
    finally:
        sys.setprofile(before)
    return count


@settings(A_LAW, max_examples=8)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map(" ".join))
@example("anna or")
@example("not not")
@example("person:")
@example("between 2020 and")
@example("🐕")
@example('-"')
def test_a_query_of_twice_the_length_takes_about_twice_the_steps(unit: str) -> None:
    times = (queries.MAX_LENGTH - 1) // (len(unit) + 1) // 2
    half, whole = " ".join([unit] * times), " ".join([unit] * 2 * times)
    parse(whole)  # what is remembered is remembered for both

    assert calls(whole) <= 2.5 * calls(half) + 500


@pytest.mark.parametrize("q", ["anna lisbon 2021 ", "not anna or ben or ", "label:dog or ", "🇵🇹❤️"])
def test_the_longest_query_takes_a_bounded_number_of_steps(q: str) -> None:
    longest = (q * queries.MAX_LENGTH)[: queries.MAX_LENGTH]
    parse(longest)

    assert calls(longest) < 400 * queries.MAX_LENGTH
