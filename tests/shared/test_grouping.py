"""People are a function of the set of faces: any order, any batching, any log of corrections."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photovault import grouping
from photovault.grouping import Correction, Face, Grouping, Matrix, Parameters, assign_ids
from photovault.grouping_memory import Memory
from photovault.linkage import quantise

DAY = datetime(2025, 5, 3, 12, tzinfo=UTC)


def group(faces: Sequence[Face], vectors: np.ndarray, **options: Any) -> Grouping:
    return grouping.group(faces, Matrix(vectors, faces), **options)


def uid(n: int) -> UUID:
    return UUID(int=n)


def face(n: int, photo: int, *, founder: bool = True, quality: float = 1.0, box: float = 0.0) -> Face:
    return Face(
        id=uid(1000 + n),
        photo_sha256=hashlib.sha256(b"photo %d" % photo).digest(),
        box=(box, 0.0, 10.0, 10.0),
        quality=quality,
        founder=founder,
        row=n,
    )


def identities(people: int, *, dimensions: int = 64, seed: int = 1) -> np.ndarray:
    centres = np.random.default_rng(seed).normal(size=(people, dimensions))
    return centres / np.linalg.norm(centres, axis=1, keepdims=True)


def album(sizes: Sequence[int], *, noise: float = 0.06, seed: int = 2) -> tuple[list[Face], np.ndarray, list[int]]:
    """Faces of people, one face per photo, with the number of faces each has."""
    rng = np.random.default_rng(seed)
    centres = identities(len(sizes))
    who = [person for person, size in enumerate(sizes) for _ in range(size)]
    vectors = centres[who] + rng.normal(scale=noise, size=(len(who), centres.shape[1]))
    return [face(n, n) for n in range(len(who))], vectors.astype(np.float32), who


def merged(faces: Iterable[UUID], at: datetime) -> list[Correction]:
    """The facts that say: all these faces are one person (a merge of persons, a face given to a person)."""
    return [Correction("same", a, b, at) for a, b in pairwise(dict.fromkeys(faces))]


def separated(out: Iterable[UUID], rest: Iterable[UUID], at: datetime) -> list[Correction]:
    """The facts that say: ``out`` are one person, ``rest`` another (a split, "not this person"). Both sides are linked
    anew, because an older merge may have held them together through a face that now leaves."""
    leaving, staying = list(dict.fromkeys(out)), list(dict.fromkeys(rest))
    apart = [Correction("different", leaving[0], staying[0], at)] if leaving and staying else []
    return [*merged(leaving, at), *merged(staying, at), *apart]


def people_of(grouping: Grouping) -> set[frozenset[UUID]]:
    return set(grouping.clusters)


def ids(*numbers: int) -> frozenset[UUID]:
    return frozenset(uid(1000 + n) for n in numbers)


def test_faces_of_one_person_are_one_cluster_and_strangers_stay_unknown() -> None:
    faces, vectors, _ = album([4, 3, 1])
    result = group(faces, vectors)
    assert people_of(result) == {ids(0, 1, 2, 3), ids(4, 5, 6)}
    assert result.unknown == ids(7)


def test_nobody_is_found_among_no_faces() -> None:
    result = group([], np.zeros((0, 8), np.float32))
    assert result.clusters == ()
    assert result.unknown == frozenset()


def test_two_faces_of_one_photo_are_never_one_person() -> None:
    faces, vectors, _ = album([4])
    mirror = replace(faces[3], photo_sha256=faces[0].photo_sha256, box=(50.0, 0.0, 9.0, 9.0))
    result = group([*faces[:3], mirror], vectors)
    for cluster in result.clusters:
        assert not {faces[0].id, mirror.id} <= cluster


def test_an_explicit_same_person_beats_the_same_photo() -> None:
    faces, vectors, _ = album([4])
    mirror = replace(faces[3], photo_sha256=faces[0].photo_sha256, box=(50.0, 0.0, 9.0, 9.0))
    result = group([*faces[:3], mirror], vectors, corrections=merged([faces[0].id, mirror.id], DAY))
    assert people_of(result) == {ids(0, 1, 2, 3)}


def test_a_weak_face_joins_a_person_but_founds_none() -> None:
    faces, vectors, _ = album([4, 2])
    weak = [*faces[:3], *(replace(f, founder=False) for f in faces[3:])]
    result = group(weak, vectors)
    assert people_of(result) == {ids(0, 1, 2, 3)}
    assert result.unknown == ids(4, 5)


def turned(towards: np.ndarray, cosine: float, *, seed: int) -> np.ndarray:
    """A unit vector with this cosine to another."""
    other = np.random.default_rng([seed, 7]).normal(size=towards.shape)
    other -= towards * (other @ towards)
    return cosine * towards + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)


def test_a_founder_too_far_off_to_be_linked_joins_as_a_leaf() -> None:
    (one,) = identities(1)
    vectors = np.stack([one, one, one, turned(one, 0.48, seed=1), turned(one, 0.44, seed=2)])
    result = group([face(n, n) for n in range(5)], vectors)
    assert people_of(result) == {ids(0, 1, 2, 3)}
    assert result.unknown == ids(4)


def test_a_founder_alone_and_a_weak_face_surely_alike_are_a_person() -> None:
    (one,) = identities(1)
    vectors = np.stack([one, turned(one, 0.55, seed=1), turned(one, 0.48, seed=2)])
    faces = [face(0, 0), face(1, 1, founder=False), face(2, 2, founder=False)]
    result = group(faces, vectors)
    assert people_of(result) == {ids(0, 1)}
    assert result.unknown == ids(2)


def test_a_founder_takes_in_no_face_of_its_own_photo_and_none_it_was_told_apart_from() -> None:
    (one,) = identities(1)
    vectors = np.stack([one, turned(one, 0.55, seed=1)])
    assert group([face(0, 0), face(1, 0, founder=False, box=5.0)], vectors).clusters == ()
    faces = [face(0, 0), face(1, 1, founder=False)]
    told = [Correction("different", faces[0].id, faces[1].id, DAY)]
    assert group(faces, vectors, corrections=told).clusters == ()


def test_weak_faces_alone_are_nobody_however_alike() -> None:
    (one,) = identities(1)
    assert group([face(n, n, founder=False) for n in range(4)], np.stack([one] * 4)).clusters == ()


def test_two_strangers_a_little_alike_are_not_a_person() -> None:
    (one,) = identities(1)
    result = group([face(0, 0), face(1, 1)], np.stack([one, turned(one, 0.48, seed=1)]))
    assert result.clusters == ()


def test_leaves_never_move_the_person_that_they_join() -> None:
    (one,) = identities(1)
    leaves, near_to_leaves = [turned(one, 0.6, seed=1)] * 20, turned(one, 0.3, seed=1)
    faces = [face(n, n, founder=n < 2) for n in range(23)]
    result = group(faces, np.stack([one, one, *leaves, near_to_leaves]))
    assert people_of(result) == {ids(*range(22))}
    assert result.unknown == ids(22)


def test_a_named_leaf_gives_its_name_to_whom_it_joins_and_keeps_other_names_away() -> None:
    (one,) = identities(1)
    vectors = np.stack([one, one, turned(one, 0.48, seed=1), turned(one, 0.47, seed=2)])
    faces = [face(n, n) for n in range(4)]
    assert people_of(group(faces, vectors, named={uid(1002): uid(1)})) == {ids(0, 1, 2, 3)}
    both = group(faces, vectors, named={uid(1002): uid(1), uid(1003): uid(2)})
    assert people_of(both) == {ids(0, 1, 2), ids(3)}


def test_others_join_somebody_who_is_a_person_by_name_alone() -> None:
    (one,) = identities(1)
    vectors = np.stack([one, turned(one, 0.48, seed=1)])
    faces = [face(0, 0), face(1, 1)]
    assert people_of(group(faces, vectors, named={uid(1000): uid(1)})) == {ids(0, 1)}


def test_of_two_weak_faces_in_one_photo_only_the_nearer_joins() -> None:
    faces, vectors, _ = album([5])
    vectors[4] = vectors[:3].mean(axis=0)
    pair = [replace(faces[3], founder=False), replace(faces[4], founder=False, photo_sha256=faces[3].photo_sha256)]
    result = group([*faces[:3], *pair], vectors)
    assert people_of(result) == {ids(0, 1, 2, 4)}


def test_a_blurred_face_between_two_people_does_not_chain_them() -> None:
    a, b = identities(2)
    rng = np.random.default_rng(3)
    middle = (a + b) / np.linalg.norm(a + b)
    vectors = np.vstack([a + rng.normal(scale=0.05, size=(4, 64)), b + rng.normal(scale=0.05, size=(4, 64)), middle])
    result = group([face(n, n) for n in range(9)], vectors)
    sides = [{n for n in range(8) if uid(1000 + n) in cluster} for cluster in result.clusters]
    assert sorted(map(sorted, sides)) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_the_newest_correction_wins_and_undoing_it_restores_the_people_exactly() -> None:
    faces, vectors, _ = album([3, 3])
    before = group(faces, vectors)
    merge = merged([f.id for f in faces], DAY)
    together = group(faces, vectors, corrections=merge)
    assert people_of(together) == {ids(0, 1, 2, 3, 4, 5)}
    split = separated(ids(0), ids(1, 2, 3, 4, 5), DAY + timedelta(hours=1))
    apart = group(faces, vectors, corrections=[*merge, *split])
    assert people_of(apart) == {ids(1, 2, 3, 4, 5)}
    assert apart.unknown == ids(0)
    assert group(faces, vectors, corrections=merge).clusters == together.clusters
    assert group(faces, vectors).clusters == before.clusters


def test_a_cannot_link_holds_through_what_would_join_the_two() -> None:
    faces, vectors, _ = album([6])
    apart = [Correction("different", faces[0].id, faces[1].id, DAY)]
    for cluster in group(faces, vectors, corrections=apart).clusters:
        assert not ids(0, 1) <= cluster


def test_a_weak_face_told_apart_from_a_person_does_not_join_again() -> None:
    faces, vectors, _ = album([4])
    faces[3] = replace(faces[3], founder=False)
    told = [Correction("different", faces[3].id, faces[0].id, DAY)]
    assert group(faces, vectors, corrections=told).unknown == ids(3)


def test_a_named_face_is_a_person_even_alone_and_two_names_never_merge() -> None:
    faces, vectors, _ = album([4, 1])
    lonely = group(faces, vectors, named={faces[4].id: uid(1)})
    assert ids(4) in lonely.clusters
    twins = group(faces, vectors, named={faces[0].id: uid(1), faces[1].id: uid(2)})
    for cluster in twins.clusters:
        assert not ids(0, 1) <= cluster


def test_faces_with_one_name_are_one_person_unless_told_apart() -> None:
    faces, vectors, _ = album([1, 1])
    names = {faces[0].id: uid(1), faces[1].id: uid(1)}
    assert people_of(group(faces, vectors, named=names)) == {ids(0, 1)}
    apart = [Correction("different", faces[0].id, faces[1].id, DAY)]
    assert people_of(group(faces, vectors, named=names, corrections=apart)) == {ids(0), ids(1)}


def test_empty_and_broken_embeddings_belong_to_nobody() -> None:
    faces, vectors, _ = album([3, 2])
    vectors[3] = 0
    vectors[4] = np.nan
    result = group(faces, vectors)
    assert people_of(result) == {ids(0, 1, 2)}
    assert result.unknown == ids(3, 4)


def test_a_face_given_twice_is_refused() -> None:
    faces, vectors, _ = album([2])
    with pytest.raises(ValueError, match="twice"):
        group([faces[0], faces[0]], vectors)


def test_similarities_are_exact_in_any_block_and_order() -> None:
    vectors = quantise(np.random.default_rng(4).normal(size=(64, 512)).astype(np.float32))
    whole = vectors @ vectors.T
    exact = vectors.astype(np.int64) @ vectors.astype(np.int64).T
    assert np.array_equal(whole.astype(np.int64), exact)
    assert float(np.abs(whole).max()) < 2**24
    assert np.array_equal(vectors[5:6] @ vectors[::-1].T, whole[5:6, ::-1])


def test_a_component_too_large_for_the_exact_method_gives_the_same_people() -> None:
    faces, vectors, _ = album([40, 30, 20], noise=0.05)
    exact = group(faces, vectors)
    condensed = group(faces, vectors, parameters=Parameters(exact_limit=5, threshold=0.4))
    assert people_of(condensed) == people_of(exact)


def test_a_new_face_recomputes_only_the_component_it_touches() -> None:
    faces, vectors, _ = album([20, 20, 20])
    before = group(faces[1:], vectors)
    after = group(faces, vectors, previous=before.memory)
    assert after.recomputed == 20
    assert after.clusters == group(faces, vectors).clusters


def test_a_face_that_touches_nobody_recomputes_nothing() -> None:
    faces, vectors, _ = album([20, 20, 1])
    before = group(faces[:40], vectors)
    after = group(faces, vectors, previous=before.memory)
    assert after.recomputed == 1
    assert after.placed == 1
    assert after.clusters == before.clusters


def test_memory_of_other_parameters_is_passed_over() -> None:
    faces, vectors, _ = album([4, 4])
    strict = Parameters(threshold=0.999, join=0.999)
    before = group(faces, vectors)
    assert group(faces, vectors, parameters=strict, previous=before.memory).unknown == frozenset(f.id for f in faces)


# ---- laws ------------------------------------------------------------------------------------------------------------

seeds = st.integers(0, 2**32).map(Random)


@st.composite
def libraries(draw: st.DrawFn) -> tuple[list[Face], np.ndarray, list[Correction], dict[UUID, UUID]]:
    """Hard little libraries: few dimensions so that people overlap, equal vectors, shared photos, contradictions."""
    count = draw(st.integers(2, 14))
    vectors = np.array(
        [draw(st.tuples(*[st.integers(-2, 2)] * 3)) for _ in range(count)],
        dtype=np.float32,
    )
    faces = [
        face(
            n,
            draw(st.integers(0, count)),
            founder=draw(st.integers(0, 3)) > 0,
            quality=draw(st.sampled_from([0.5, 1.0])),
            box=float(n),
        )
        for n in range(count)
    ]
    pairs = st.tuples(st.sampled_from(faces), st.sampled_from(faces), st.integers(0, 3), st.booleans())
    corrections = [
        Correction("same" if same else "different", a.id, b.id, DAY + timedelta(days=when))
        for a, b, when, same in draw(st.lists(pairs, max_size=5))
    ]
    named = draw(st.dictionaries(st.sampled_from([f.id for f in faces]), st.sampled_from([uid(1), uid(2)]), max_size=3))
    return faces, vectors, corrections, named


def renumbered(
    faces: Sequence[Face], vectors: np.ndarray, order: Sequence[int]
) -> tuple[list[Face], np.ndarray, dict[UUID, UUID]]:
    """The same photos uploaded in another order: other ids, other rows."""
    new = {faces[old].id: uid(9000 + k) for k, old in enumerate(order)}
    moved = [replace(faces[old], id=new[faces[old].id], row=k) for k, old in enumerate(order)]
    return moved, vectors[list(order)], new


@settings(max_examples=150, deadline=None)
@given(libraries(), seeds)
def test_any_order_of_upload_gives_the_same_people(library, random) -> None:  # type: ignore[no-untyped-def]
    faces, vectors, corrections, named = library
    order = list(range(len(faces)))
    random.shuffle(order)
    moved, rows, new = renumbered(faces, vectors, order)
    random.shuffle(corrections)
    told = [replace(c, a=new[c.b], b=new[c.a]) for c in corrections]
    expected = group(faces, vectors, corrections=corrections, named=named)
    result = group(moved, rows, corrections=told, named={new[f]: p for f, p in named.items()})
    assert [frozenset(new[f] for f in cluster) for cluster in expected.clusters] == list(result.clusters)
    assert {new[f] for f in expected.unknown} == result.unknown


@pytest.fixture(params=[0, grouping.FEW], ids=["all are compared", "few are looked up"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Both ways in which new faces and changed persons find their like."""
    monkeypatch.setattr(grouping, "FEW", request.param)
    return int(request.param)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(libraries(), seeds)
def test_any_batching_with_corrections_in_between_gives_the_same_people(few, library, random) -> None:  # type: ignore[no-untyped-def]
    faces, vectors, corrections, named = library
    arriving = list(faces)
    random.shuffle(arriving)
    previous = None
    while len(arriving) > 1 and random.random() < 0.8:
        some = arriving[: random.randint(1, len(arriving))]
        told = [c for c in corrections if random.random() < 0.5]
        names = {f: p for f, p in named.items() if random.random() < 0.5}
        previous = group(some, vectors, corrections=told, named=names, previous=previous).memory
        previous = Memory.from_bytes(previous.to_bytes())
    whole = group(faces, vectors, corrections=corrections, named=named)
    stepped = group(arriving, vectors, corrections=corrections, named=named, previous=previous)
    assert stepped.clusters == whole.clusters
    assert stepped.unknown == whole.unknown


@settings(max_examples=150, deadline=None)
@given(libraries())
def test_people_are_disjoint_and_obey_photos_and_corrections(library) -> None:  # type: ignore[no-untyped-def]
    faces, vectors, corrections, named = library
    result = group(faces, vectors, corrections=corrections, named=named)
    everyone = [f for cluster in result.clusters for f in cluster]
    assert len(everyone) == len(set(everyone))
    assert set(everyone) | result.unknown == {f.id for f in faces}
    if not any(c.kind == "same" for c in corrections) and len(set(named.values())) == len(named):
        by_id = {f.id: f for f in faces}
        told = {frozenset((c.a, c.b)) for c in corrections if c.a != c.b}
        for cluster in result.clusters:
            for a, b in combinations(sorted(cluster), 2):
                assert by_id[a].photo_sha256 != by_id[b].photo_sha256
                assert frozenset((a, b)) not in told


# ---- identities across regroupings -----------------------------------------------------------------------------------


def test_a_person_keeps_the_id_with_the_greatest_overlap() -> None:
    clusters = [ids(0, 1, 2), ids(3, 4), ids(9)]
    previous = {uid(1): ids(0, 1), uid(2): ids(2, 3, 4)}
    assert assign_ids(previous, clusters) == (uid(1), uid(2), None)


def test_a_named_person_keeps_the_id_against_a_larger_nameless_one() -> None:
    clusters = [ids(0, 1, 2, 3, 4)]
    previous = {uid(1): ids(0, 1, 2, 3), uid(2): ids(4)}
    assert assign_ids(previous, clusters) == (uid(1),)
    assert assign_ids(previous, clusters, named=[uid(2)]) == (uid(2),)


def test_a_named_person_goes_where_the_face_goes_that_was_named() -> None:
    clusters = [ids(0, 1, 2), ids(3)]
    assert assign_ids({uid(1): ids(0, 1, 2, 3)}, clusters, named=[uid(1)]) == (uid(1), None)
    named = assign_ids({uid(1): ids(0, 1, 2, 3)}, clusters, named=[uid(1)], anchors={uid(1003): uid(1)})
    assert named == (None, uid(1))


def test_a_person_that_falls_apart_stays_where_most_of_the_faces_are() -> None:
    clusters = [ids(0), ids(1, 2)]
    assert assign_ids({uid(1): ids(0, 1, 2)}, clusters) == (None, uid(1))


@given(
    st.dictionaries(st.integers(1, 4).map(uid), st.sets(st.integers(0, 9)), max_size=4),
    st.lists(st.integers(0, 3), min_size=10, max_size=10),
    st.sets(st.integers(1, 4).map(uid)),
)
def test_no_two_clusters_continue_one_person(
    previous: dict[UUID, set[int]], where: list[int], named: set[UUID]
) -> None:
    clusters = [ids(*(n for n in range(10) if where[n] == k)) for k in range(4)]
    kept = [person for person in assign_ids({p: ids(*f) for p, f in previous.items()}, clusters, named=named) if person]
    assert len(kept) == len(set(kept))
    assert set(kept) <= previous.keys()


def test_the_parameters_of_a_model_follow_its_own_threshold() -> None:
    assert Parameters.of_model(0.40) == Parameters(threshold=0.40 + 0.10, join=0.40 + 0.05)
