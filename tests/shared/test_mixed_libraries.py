"""Libraries that two models have embedded: while a better one walks through the photos, nothing is found less."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.libraries import TINY, TinyEncoder, photo, towards
from tests.renewed import painted, upload
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import (
    db,
    embeddings,
    library_names,
    listing,
    meanings,
    model_manifest,
    models,
    picture_search,
    renewals,
    search,
    vectors,
    word_search,
)
from photovault.errors import Rejected
from photovault.model_manifest import ModelInfo
from photovault.pipeline import embedding, renewing

OLD = ModelInfo(name="tests-before", version="1", kind="image", dims=2)
HASH = model_manifest.PHASH


@pytest.fixture(scope="module", autouse=True)
def configured(vault: Path) -> Path:
    return vault


@pytest.fixture
def person() -> Somebody:
    return somebody()


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> TinyEncoder:
    tiny = TinyEncoder()
    monkeypatch.setattr(embeddings, "provider", lambda: tiny)
    meanings._meaning_of.cache_clear()
    return tiny


def also(person: Somebody, image_id: UUID, model: ModelInfo, vector: list[float]) -> UUID:
    """The photo was embedded anew."""
    with db.transaction(person.user_id) as conn:
        recipe = renewals.recipe_of(conn, renewals.Ingredients("embedding", model))
        vectors.add_embedding(conn, image_id, recipe.model_id, vector)
        conn.execute("UPDATE images SET embedding_recipe = %s WHERE id = %s", [recipe.id, image_id])
    return image_id


def found(person: Somebody, text: str) -> list[UUID]:
    meaning = meanings.meaning_of(text)
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, text, library_names.names_of(conn, person.user_id))
        return [one.id for one in search.ranked(conn, listing.Filter(), words, meaning)]


def alike(user_id: UUID, image_id: UUID) -> list[picture_search.LookAlike]:
    with db.transaction(user_id) as conn:
        return picture_search.similar(conn, picture_search.anchors_of(conn, image_id), without=image_id, limit=50)


# ------------------------------------------------------------------------------------------------------- in words


def test_photos_that_wait_for_the_new_model_are_found_by_their_words(person: Somebody, encoder: TinyEncoder) -> None:
    waits = photo(person.user_id, caption="sunset", vector=[1.0, 0.0], model=OLD)
    moved = photo(person.user_id, vector=towards(0.3))

    assert set(found(person, "sunset")) == {waits, moved}


def test_photos_that_wait_are_not_pushed_behind_those_that_the_new_model_thinks_little_of(
    person: Somebody, encoder: TinyEncoder
) -> None:
    best = photo(person.user_id, caption="sunset", vector=towards(0.3))
    waiting = [photo(person.user_id, caption="sunset", vector=[1.0, 0.0], model=OLD) for _ in range(3)]
    no_sunset = photo(person.user_id, caption="sunset", vector=towards(0.0))
    by_meaning_alone = [photo(person.user_id, vector=towards(0.28)) for _ in range(9)]

    assert found(person, "sunset")[:5] == [best, *reversed(waiting), no_sunset]
    assert set(found(person, "sunset")[5:]) == set(by_meaning_alone)


def test_whom_no_model_has_seen_is_asked_only_where_there_are_several_models(
    person: Somebody, encoder: TinyEncoder
) -> None:
    settled = [photo(person.user_id, vector=towards(0.3)), photo(person.user_id)]
    meaning = meanings.meaning_of("sunset")
    assert meaning
    with db.transaction(person.user_id) as conn:
        assert picture_search.unseen(conn, meaning, settled) == set()
    old = photo(person.user_id, vector=[1.0, 0.0], model=OLD)
    with db.transaction(person.user_id) as conn:
        assert picture_search.unseen(conn, meaning, [*settled, old]) == {settled[1], old}


def test_whom_the_new_model_has_not_seen_in_the_archive_is_asked_there_too(
    person: Somebody, encoder: TinyEncoder
) -> None:
    shown = photo(person.user_id, caption="sunset", vector=towards(0.3))
    waits = photo(person.user_id, caption="sunset", vector=[1.0, 0.0], model=OLD, archived=True)
    meaning = meanings.meaning_of("sunset")
    assert meaning
    with db.transaction(person.user_id) as conn:
        assert picture_search.unseen(conn, meaning, [shown, waits]) == {waits}


# -------------------------------------------------------------------------------------------------- look-alikes


def test_each_photo_is_compared_by_the_last_model_that_both_were_seen_by(person: Somebody) -> None:
    also(person, anchor := photo(person.user_id, vector=[1.0, 0.0], model=OLD), TINY, towards(1.0))
    also(person, better := photo(person.user_id, vector=[0.0, 1.0], model=OLD), TINY, towards(0.9))
    also(person, photo(person.user_id, vector=[1.0, 0.0], model=OLD), TINY, towards(0.1))  # the new model says no
    waits = photo(person.user_id, vector=[0.8, 0.6], model=OLD)
    came = photo(person.user_id, vector=towards(0.95))

    assert [one.id for one in alike(person.user_id, anchor)] == [came, better, waits]
    assert [one.id for one in alike(person.user_id, waits)][:1] == [anchor]


def test_pages_of_a_mixed_library_join_and_hold_each_photo_once(person: Somebody) -> None:
    also(person, anchor := photo(person.user_id, vector=[1.0, 0.0], model=OLD), TINY, towards(1.0))
    for n in range(6):
        cosine = 1 - n / 30
        one = photo(person.user_id, vector=[cosine, math.sqrt(1 - cosine**2)], model=OLD)
        if n % 2:
            also(person, one, TINY, towards(cosine))
    everything = alike(person.user_id, anchor)
    pages: list[picture_search.LookAlike] = []
    with db.transaction(person.user_id) as conn:
        anchors, after = picture_search.anchors_of(conn, anchor), None
        while page := picture_search.similar(conn, anchors, limit=2, after=after, without=anchor):
            pages += page
            after = (page[-1].distance, page[-1].id)
            assert len(pages) <= len(everything)

    assert len(everything) == 6
    assert pages == everything == sorted(everything, key=lambda one: (one.distance, one.id))


def test_where_photos_cease_to_be_alike_is_the_same_distance_in_all_models(person: Somebody) -> None:
    floor = HASH.cut_offs.look_alike_floor
    barely = photo(person.user_id, vector=[floor + 0.001, math.sqrt(1 - floor**2)], model=HASH)
    photo(person.user_id, vector=[floor - 0.01, math.sqrt(1 - floor**2)], model=HASH)
    with db.transaction(person.user_id) as conn:
        seen_by = [
            picture_search.Anchor(vectors.model_id(conn, TINY), TINY.name, TINY.version, "[1,0,0]"),
            picture_search.Anchor(vectors.model_id(conn, HASH), HASH.name, HASH.version, "[1,0]"),
        ]
        (one,) = picture_search.similar(conn, seen_by, limit=9)

    assert one.id == barely
    assert one.distance == pytest.approx(1 - TINY.cut_offs.look_alike_floor, abs=0.01)


def test_a_picture_from_elsewhere_is_looked_for_among_the_moved_and_the_waiting(
    person: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = painted(1, 2, 3)
    shown = embeddings.decode(data).convert("RGB")
    waits = photo(person.user_id, vector=embeddings.PerceptualHash().embed_image(shown), model=HASH)
    monkeypatch.setattr(embeddings, "provider", TinyEncoder)
    described = meanings.meanings_of_picture(data)
    assert [one.model_name for one in described] == [TINY.name, HASH.name]

    def like_it() -> list[UUID]:
        with db.transaction(person.user_id) as conn:
            anchors = picture_search.anchors(conn, described)
            return [one.id for one in picture_search.similar(conn, anchors, limit=9)]

    assert like_it() == [waits]  # before the new model has seen anything
    moved = photo(person.user_id, vector=towards(0.9))
    assert set(like_it()) == {waits, moved}


# ------------------------------------------------------------------------------------------------------- the walk


class Better(embeddings.PerceptualHash):
    model = replace(HASH, name="tests-better", weak=False)


@pytest.fixture
def library(vault: Path, bucket: Bucket, sent: object, monkeypatch: pytest.MonkeyPatch) -> tuple[UUID, list[UUID]]:
    """Five photos that are all alike, embedded by the hash, and a better model at hand."""
    ada = somebody().user_id
    photos = [upload(ada, bucket, painted(1, look=n)) for n in range(5)]
    monkeypatch.setattr(embeddings, "provider", Better)
    monkeypatch.setattr(models, "image_model", lambda: Better.model)
    return ada, photos


def renew_one(user_id: UUID, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The next photo of the walk; whether there was one."""
    waiting, left = renewals.waiting, [1]

    def one(*given: Any, limit: int) -> list[UUID]:
        page = waiting(*given, limit=1) if left[0] else []
        left[0] = 0
        return page

    with monkeypatch.context() as patch:
        patch.setattr(renewals, "waiting", one)
        return renewing.renew_some(user_id, embedding.WORK)


def models_of_photos(user_id: UUID) -> dict[UUID, set[str]]:
    with db.transaction(user_id) as conn:
        rows = conn.execute(
            "SELECT e.image_id, m.name FROM image_embeddings e JOIN models m ON m.id = e.model_id"
        ).fetchall()
    return {image_id: {name for one, name in rows if one == image_id} for image_id, _ in rows}


pytestmark = pytest.mark.usefixtures("small_models")


def test_on_every_step_of_a_walk_every_photo_finds_all_others(
    library: tuple[UUID, list[UUID]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, photos = library
    sent = painted(1, look=2)
    steps = 0
    while True:
        for one in photos:
            assert {other.id for other in alike(ada, one)} == set(photos) - {one}, f"after {steps} photos"
        described = meanings.meanings_of_picture(sent)
        with db.transaction(ada) as conn:
            like_it = picture_search.similar(conn, picture_search.anchors(conn, described), limit=9)
        assert {other.id for other in like_it} == set(photos), f"after {steps} photos"
        if not renew_one(ada, monkeypatch):
            break
        steps += 1
    assert steps == len(photos)
    assert models_of_photos(ada) == {one: {Better.model.name} for one in photos}


def test_what_is_uploaded_meanwhile_finds_and_is_found(
    library: tuple[UUID, list[UUID]], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, photos = library
    renew_one(ada, monkeypatch)
    (moved,) = [one for one, names in models_of_photos(ada).items() if Better.model.name in names]
    came = upload(ada, bucket, painted(1, look=9))

    assert models_of_photos(ada)[came] == {Better.model.name}
    assert {one.id for one in alike(ada, moved)} == {*photos, came} - {moved}
    assert {one.id for one in alike(ada, came)} == {moved}  # the others when the model gets to them
    renewing.renew_some(ada, embedding.WORK)
    assert {one.id for one in alike(ada, came)} == set(photos)


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_photo_that_cannot_be_embedded_anew_keeps_its_vector_and_does_not_hold_up_the_end(
    library: tuple[UUID, list[UUID]], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    ada, photos = library
    embed = embedding._embed
    order: list[UUID] = []

    def breaking(user_id: UUID, image_id: UUID) -> Any:
        order.append(image_id)
        if len(order) == at + 1:
            raise Rejected("It cannot be opened.")
        return embed(user_id, image_id)

    monkeypatch.setattr(embedding, "_embed", breaking)
    renewing.renew_some(ada, embedding.WORK)

    assert models_of_photos(ada) == {one: {HASH.name if one == order[at] else Better.model.name} for one in photos}


def test_who_goes_back_to_the_model_of_before_half_way_computes_nothing(
    library: tuple[UUID, list[UUID]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, photos = library
    renew_one(ada, monkeypatch)
    renew_one(ada, monkeypatch)
    monkeypatch.setattr(embeddings, "provider", embeddings.PerceptualHash)
    monkeypatch.setattr(models, "image_model", lambda: HASH)
    monkeypatch.setattr(embedding, "_made_of", lambda model: renewals.Ingredients("embedding", model))
    monkeypatch.setattr(embedding, "_embed", lambda *_: pytest.fail("the vectors of before are still there"))
    renewing.renew_some(ada, embedding.WORK)

    assert models_of_photos(ada) == {one: {HASH.name} for one in photos}
