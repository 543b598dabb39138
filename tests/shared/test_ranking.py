"""The laws of rank fusion."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import ranking
from photovault.ranking import K

scores = st.integers(0, 5).map(float)
ranked = st.dictionaries(st.integers(0, 20), scores, max_size=12).map(
    lambda found: sorted(found.items(), key=lambda item: (-item[1], item[0]))
)
rankings = st.dictionaries(st.sampled_from(["words", "picture", "third"]), ranked, max_size=3)


def test_what_both_rankings_have_beats_what_one_of_them_has_first() -> None:
    fused = ranking.fuse({"words": [("a", 9.0), ("b", 5.0)], "picture": [("c", 0.3), ("b", 0.2)]}, limit=10)

    assert [found.id for found in fused] == ["b", "c", "a"]
    assert fused[0].scores == {"words": 5.0, "picture": 0.2}


def test_first_everywhere_scores_one() -> None:
    assert ranking.fuse({"words": [("a", 3.0)], "picture": [("a", 0.3)]}, limit=1)[0].score == pytest.approx(1.0)


def test_a_score_is_the_papers_formula_against_the_best_possible() -> None:
    fused = ranking.fuse({"words": [("a", 2.0), ("b", 1.0)], "picture": [("a", 0.3)]}, limit=10)

    assert fused[1].score == pytest.approx((1 / 62) / (2 / 61))


def test_equal_scores_share_a_rank_and_the_next_rank_counts_them_all() -> None:
    fused = ranking.fuse({"words": [("a", 2.0), ("b", 2.0), ("c", 1.0)]}, limit=10)

    assert [found.score for found in fused] == pytest.approx([1.0, 1.0, (K + 1) / (K + 3)])
    assert [found.id for found in fused] == ["a", "b", "c"]


def test_a_ranking_that_found_nothing_has_no_say() -> None:
    alone = ranking.fuse({"words": [("a", 2.0), ("b", 1.0)]}, limit=10)

    assert ranking.fuse({"words": [("a", 2.0), ("b", 1.0)], "picture": []}, limit=10) == alone


def test_nothing_found_is_nothing() -> None:
    assert ranking.fuse({"words": [], "picture": []}, limit=10) == []
    assert ranking.near_the_best([], margin=0.1) == []


@given(rankings)
def test_every_result_appears_once_with_a_score_up_to_one_best_first(given_rankings: dict) -> None:
    fused = ranking.fuse(given_rankings, limit=1000)

    assert sorted(found.id for found in fused) == sorted(
        {one for ranked in given_rankings.values() for one, _ in ranked}
    )
    assert all(0 < found.score <= 1 for found in fused)
    assert all(a.score >= b.score for a, b in pairwise(fused))


@given(rankings, st.integers(0, 10))
def test_a_limit_is_a_prefix_and_the_order_of_rankings_does_not_matter(given_rankings: dict, limit: int) -> None:
    backwards = dict(reversed(given_rankings.items()))

    assert ranking.fuse(backwards, limit=limit) == ranking.fuse(given_rankings, limit=1000)[:limit]


@given(ranked, st.floats(0, 3))
def test_the_cut_keeps_the_best_and_a_prefix(found: list, margin: float) -> None:
    kept = ranking.near_the_best(found, margin=margin)

    assert kept == found[: len(kept)]
    assert all(found[0][1] - score <= margin for _, score in kept)
    assert all(found[0][1] - score > margin for _, score in found[len(kept) :])


# ------------------------------------------------------------------------------------- what a ranking knows nothing of

WORDS = [(name, 1.0) for name in "abcd"]
PICTURE = [("a", 0.3), ("x", 0.29), ("y", 0.28), ("b", 0.27)]


def order(unseen: set[str]) -> list[str]:
    return [one.id for one in ranking.fuse({"words": WORDS, "picture": PICTURE}, limit=10, unseen={"picture": unseen})]


def test_who_was_not_seen_stands_between_those_who_were_seen_and_found_and_those_who_were_not() -> None:
    assert order(set()) == ["a", "b", "c", "d", "x", "y"]
    assert order({"d"}) == ["a", "b", "d", "c", "x", "y"]


def test_where_none_like_them_was_seen_the_rankings_alternate() -> None:
    fused = ranking.fuse(
        {"words": [("u", 2.0), ("v", 1.0)], "picture": [("x", 0.3), ("y", 0.2)]},
        limit=10,
        unseen={"picture": {"u", "v"}},
    )
    assert [one.id for one in fused] == ["x", "u", "y", "v"]


@given(rankings, st.sets(st.integers(0, 20)))
def test_not_having_been_seen_never_counts_against_anybody(given_rankings: dict, unseen: set[int]) -> None:
    seen_all = {one.id: one.score for one in ranking.fuse(given_rankings, limit=1000)}
    found_by_picture = {identity for identity, _ in given_rankings.get("picture", ())}
    unseen -= found_by_picture  # who was found was seen
    fused = ranking.fuse(given_rankings, limit=1000, unseen={"picture": unseen})

    assert {one.id for one in fused} == seen_all.keys()
    assert all(one.score >= seen_all[one.id] - 1e-9 for one in fused)
    assert all(one.score == pytest.approx(seen_all[one.id]) for one in fused if one.id not in unseen)
    assert all(0 < one.score <= 1 for one in fused)


@given(rankings, st.data())
def test_a_better_place_in_one_ranking_is_never_a_worse_one_of_all(given_rankings: dict, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(name for name, found in given_rankings.items() if found) or [None]))
    if name is None:
        return
    found = given_rankings[name]
    at = data.draw(st.integers(0, len(found) - 1))
    identity = found[at][0]
    ahead = found[data.draw(st.integers(0, at))][1] + data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    better = sorted([*found[:at], *found[at + 1 :], (identity, ahead)], key=lambda one: (-one[1], one[0] != identity))
    before = ranking.fuse(given_rankings, limit=1000)
    after = ranking.fuse({**given_rankings, name: better}, limit=1000)

    assert score_of(identity, after) >= score_of(identity, before)
    others = [one.id for one in before if one.id != identity]
    behind = {other for other in others if score_of(other, before) < score_of(identity, before)}
    assert all(score_of(other, after) < score_of(identity, after) for other in behind)


def score_of(identity: int, fused: list) -> float:
    return next(one.score for one in fused if one.id == identity)


@given(rankings)
def test_the_same_rankings_give_the_same_whatever_else_was_asked(given_rankings: dict) -> None:
    first = ranking.fuse(given_rankings, limit=1000)
    ranking.fuse({"words": [(99, 1.0)]}, limit=1)

    assert ranking.fuse({name: list(found) for name, found in given_rankings.items()}, limit=1000) == first
