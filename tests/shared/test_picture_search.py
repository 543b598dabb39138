"""Search by what pictures show: the same as comparing everything, by plans that read one person's vectors alone."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from infra.local.postgres import Postgres
from tests import explained, libraries
from tests.benchmarks.scratch import add_person, as_person
from tests.clip_space import FIRST_DAY, Space, add_library
from tests.explained import Node, of_table
from tests.libraries import LISBON, PARIS, TINY, photo, towards
from tests.local_cloud import database_of_its_own
from tests.vaults import Somebody, somebody

from photovault import db, ids, images, listing, meanings, migrate, picture_search, users, vectors
from photovault.filters import PlaceRef
from photovault.meanings import Meaning
from photovault.model_manifest import CLIP, LITERATURE, PHASH, ModelInfo

ANY = listing.Filter(status="ready")
SUNSET = Meaning(TINY.name, TINY.version, "[1,0,0]")


# Plans depend on what else a table holds.
database_url = database_of_its_own()


@pytest.fixture(scope="module", autouse=True)
def configured(vault: Path) -> Path:
    return vault


@pytest.fixture
def person() -> Somebody:
    return somebody()


def found(user_id: UUID, wanted: listing.Filter = ANY, meaning: Meaning = SUNSET, *, most: int = 1000) -> list[UUID]:
    with db.transaction(user_id) as conn:
        return [image_id for image_id, _ in picture_search.by_picture(conn, wanted, meaning, most=most)]


# ------------------------------------------------------------------------------------------------------ meaning


def test_pictures_are_ranked_by_meaning_and_cut_off(person: Somebody) -> None:
    near, nearer, _far, _noise = (photo(person.user_id, vector=towards(cosine)) for cosine in (0.27, 0.3, 0.19, 0.05))

    assert found(person.user_id) == [nearer, near]


def test_what_hardly_matches_is_cut_off_where_nothing_matches_better(person: Somebody) -> None:
    over = photo(person.user_id, vector=towards(0.25))
    photo(person.user_id, vector=towards(0.21))

    assert found(person.user_id) == [over]
    assert found(somebody().user_id) == []


def test_what_matches_much_worse_than_the_best_is_noise(person: Somebody) -> None:
    best = photo(person.user_id, vector=towards(0.35))
    photo(person.user_id, vector=towards(0.22))

    assert found(person.user_id) == [best]


def test_what_the_filter_leaves_out_makes_nothing_else_noise(person: Somebody) -> None:
    photo(person.user_id, vector=towards(0.4), **PARIS)
    lisbon = photo(person.user_id, vector=towards(0.25), **LISBON)

    assert found(person.user_id, replace(ANY, cities=("Lisbon",))) == [lisbon]


def test_vectors_of_another_model_are_not_compared(person: Somebody) -> None:
    photo(person.user_id, vector=towards(0.9), model=replace(TINY, version="2"))

    assert found(person.user_id) == []


def test_a_text_of_a_model_that_has_seen_nothing_finds_nothing(person: Somebody) -> None:
    photo(person.user_id, vector=towards(0.9))

    assert found(person.user_id, meaning=Meaning("never", "seen", "[1]")) == []


# ------------------------------------------------------------------------------------ the same as comparing everything


@dataclass(frozen=True)
class Library:
    user_id: UUID
    anna: UUID


@pytest.fixture(scope="module")
def library(configured: Path) -> Library:
    """Photos in all states, with vectors all over the sphere; a stranger has some that are nearer to everything."""
    cosines = np.linspace(0.1, 0.4, 80).tolist()  # further apart than half precision is from exact
    random.Random(5).shuffle(cosines)
    user_id, stranger = somebody().user_id, somebody().user_id
    anna = libraries.named_person(user_id, "Anna")
    for n, cosine in enumerate(cosines):
        photo(
            user_id,
            vector=towards(cosine),
            day=FIRST_DAY + timedelta(days=n),
            people=[anna] if n % 7 == 0 else [],
            labels=["dog"] if n % 40 == 1 else [],
            archived=n % 5 == 0,
            favourite=n % 3 == 0,
            status="processing" if n % 11 == 3 else "ready",
            **(LISBON if n % 2 else PARIS),
        )
    with db.transaction(user_id) as conn:
        for image in images.page(conn, ANY, limit=80)[::9]:
            images.move_to_trash(conn, image.id, revision=users.next_revision(conn))
    for cosine in (0.21, 0.3, 0.4):
        photo(user_id, vector=[cosine, 1.0], model=ModelInfo(name="tests-other", version="1", kind="image", dims=2))
        photo(stranger, vector=towards(cosine), **LISBON)
    return Library(user_id, anna)


def compared(user_id: UUID, wanted: listing.Filter) -> list[tuple[UUID, float]]:
    """What a text on the first axis finds in a filter, by all photos that it lists, nothing left out."""
    with db.transaction(user_id) as conn:
        listed = {image.id for image in images.page(conn, wanted, limit=1000)}
        rows = conn.execute(
            "SELECT image_id, embedding::vector::real[] FROM image_embeddings e JOIN models m ON m.id = model_id "
            "WHERE m.name = %s AND m.version = %s",
            [TINY.name, TINY.version],
        ).fetchall()
    near = [(image_id, values[0] / float(np.linalg.norm(values))) for image_id, values in rows if image_id in listed]
    near = sorted((one for one in near if one[1] >= LITERATURE.text_floor), key=lambda one: -one[1])
    return [one for one in near if one[1] >= near[0][1] - LITERATURE.text_margin]


FILTERS = {
    "everything": ANY,
    "three days": replace(ANY, days=((FIRST_DAY, FIRST_DAY + timedelta(days=2)),)),
    "two months": replace(ANY, days=((FIRST_DAY, FIRST_DAY + timedelta(days=60)),)),
    "since a day": replace(ANY, from_day=FIRST_DAY + timedelta(days=20)),
    "a city": replace(ANY, cities=("Lisbon",)),
    "no city": replace(ANY, cities=("Rome",)),
    "a thing": replace(ANY, labels=("dog",)),
    "without a thing": replace(ANY, without_labels=("dog",)),
    "favourites": replace(ANY, favourite=True),
    "any state": replace(ANY, status=None),
    "a thing in a city": replace(ANY, labels=("dog",), cities=("Lisbon",)),
}


@pytest.mark.parametrize("archived", [False, True, None])
@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_leaves_what_it_leaves_of_everything_compared(
    library: Library, name: str, archived: bool | None
) -> None:
    wanted = replace(FILTERS[name], archived=archived)
    expected = compared(library.user_id, wanted)
    with db.transaction(library.user_id) as conn:
        ranked = picture_search.by_picture(conn, wanted, SUNSET, most=1000)

    assert [image_id for image_id, _ in ranked] == [image_id for image_id, _ in expected]
    assert [score for _, score in ranked] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert found(library.user_id, wanted, most=3) == [image_id for image_id, _ in expected[:3]]


@pytest.mark.parametrize("archived", [False, True, None])
def test_a_persons_photos_are_ranked_like_any_others(library: Library, archived: bool | None) -> None:
    wanted = replace(ANY, person_ids=(library.anna,), archived=archived)

    assert found(library.user_id, wanted) == [image_id for image_id, _ in compared(library.user_id, wanted)]


def test_the_two_ways_are_both_taken_by_these_filters(library: Library) -> None:
    ways = {few_are_fetched(library.user_id, wanted) for name, wanted in FILTERS.items() if name != "everything"}

    assert ways == {True, False}


def few_are_fetched(user_id: UUID, wanted: listing.Filter) -> bool:
    with db.transaction(user_id) as conn:
        model_id = vectors.model_id(conn, TINY)
    nodes = explained.run(of_table(planned(user_id, wanted, model_id, "[1,0,0]"), "image_embeddings"))
    return {node["Index Name"] for node in nodes} <= {"image_embeddings_pkey"}


# -------------------------------------------------------------------------------------------------- look-alikes


def test_look_alikes_are_near_and_nearest_first_page_by_page(person: Somebody) -> None:
    first = photo(person.user_id, vector=towards(1.0))
    near = [photo(person.user_id, vector=towards(cosine)) for cosine in (0.8, 0.9, 0.99, 0.9)]
    photo(person.user_id, vector=towards(0.2))
    photo(person.user_id, vector=towards(1.0), archived=True)
    photo(somebody().user_id, vector=towards(1.0))
    with db.transaction(person.user_id) as conn:
        anchors = picture_search.anchors_of(conn, first)
        everything = picture_search.similar(conn, anchors, limit=10, without=first)
        pages, after = [], None
        while page := picture_search.similar(conn, anchors, limit=1, after=after, without=first):
            pages += page
            after = (page[-1].distance, page[-1].id)
            assert len(pages) <= len(everything)

    assert [one.id for one in everything] == [near[2], near[1], near[3], near[0]]
    assert pages == everything


def test_a_photo_without_a_vector_has_no_look_alikes(person: Somebody) -> None:
    photo(person.user_id, vector=towards(1.0))
    plain = photo(person.user_id)
    with db.transaction(person.user_id) as conn:
        assert picture_search.anchors_of(conn, plain) == []
        assert picture_search.similar(conn, [], limit=10) == []


def test_a_picture_of_a_model_that_has_seen_nothing_is_like_nothing(person: Somebody) -> None:
    with db.transaction(person.user_id) as conn:
        assert picture_search.anchors(conn, [meanings.Meaning("never", "seen", "[1]")]) == []


# -------------------------------------------------------------------------------------------------------- plans


@dataclass(frozen=True)
class Crowd:
    """People with libraries of very different sizes, one of which is most of the table."""

    model_id: int
    people: dict[int, tuple[UUID, np.ndarray]]
    texts: np.ndarray

    def anchor(self, size: int) -> picture_search.Anchor:
        return picture_search.Anchor(self.model_id, CLIP.name, CLIP.version, vectors.to_sql(self.people[size][1][0]))


SIZES = (4000, 400, 40, 4)


@pytest.fixture(scope="module")
def crowd(configured: Path, database_url: str) -> Iterator[Crowd]:
    dice = np.random.default_rng(3)
    space, people = Space.of(dice), {}
    with db.transaction(somebody().user_id) as conn:
        model_id = vectors.model_id(conn, CLIP)
    # Commits are on their way to the disk for a moment here, and until then VACUUM calls no page visible to all.
    with psycopg.connect(database_url, options="-c synchronous_commit=on") as conn:
        for size in (*SIZES, *itertools.repeat(20, 25)):
            user_id, pictures = somebody().user_id, space.pictures(dice, size)
            conn.execute(
                "INSERT INTO user_keys (user_id, version, wrapped, master_fingerprint) VALUES (%s, 1, 'x', 'x')",
                [user_id],
            )
            add_library(conn, user_id, pictures, model_id=model_id, archived=[n % 10 == 9 for n in range(size)])
            people[size] = user_id, pictures
        conn.commit()
        conn.autocommit = True
        for table in ("images", "image_embeddings"):
            make_visible(conn, table)
        yield Crowd(model_id, people, space.texts(dice, 16))
        conn.execute("DELETE FROM images WHERE user_id = ANY(%s)", [[user_id for user_id, _ in people.values()]])


def make_visible(conn: psycopg.Connection[Any], table: str) -> None:
    """Vacuum until every page is visible to all.

    Whoever began before the last commit holds some up. Left to itself, VACUUM passes over pages that are just being
    written to the disk, and over a few dead rows of other tests.
    """
    for _ in range(100):
        conn.execute(f"VACUUM (FREEZE, INDEX_CLEANUP ON, ANALYZE) {table}".encode())
        left = conn.execute("SELECT relpages - relallvisible FROM pg_class WHERE relname = %s", [table]).fetchone()
        if left == (0,):
            return
        time.sleep(0.2)
    raise AssertionError(f"pages of {table} do not become visible to all")


def planned(user_id: UUID, wanted: listing.Filter, model_id: int, vector: str, *, floor: float = -1.0) -> list[Node]:
    sql, parameters = picture_search.by_picture_sql(wanted, model_id=model_id, vector=vector, floor=floor, most=100)
    with db.transaction(user_id) as conn, picture_search.index_alone(conn):
        return explained.plan(conn, sql, parameters)


def scanned(nodes: list[Node], index: str, *, rows: int) -> None:
    """All of the person's entries of an index were read, and nothing else: no row of the table, of nobody else."""
    (scan,) = [node for node in nodes if node.get("Index Name") == index]
    assert scan["Node Type"] == "Index Only Scan"
    assert "user_id" in scan["Index Cond"]
    assert scan["Heap Fetches"] == 0
    assert (scan["Actual Rows"], scan.get("Rows Removed by Filter", 0)) == (rows, 0)


def begins_well(nodes: list[Node]) -> None:
    """Nothing was read in a row, and by one process."""
    assert not {"Seq Scan", "Bitmap Heap Scan", "Gather", "Gather Merge"} & {node["Node Type"] for node in nodes}


@pytest.mark.parametrize("size", SIZES)
def test_vectors_are_read_from_the_covering_index_alone(crowd: Crowd, size: int) -> None:
    user_id, _ = crowd.people[size]
    nodes = explained.run(planned(user_id, ANY, crowd.model_id, vectors.to_sql(crowd.texts[0])))

    begins_well(nodes)
    scanned(nodes, "image_embeddings_of_person", rows=size - size // 10)
    assert len(of_table(nodes, "image_embeddings")) == 1
    assert of_table(nodes, "images") == []


def test_while_a_photo_is_not_ready_the_nearest_are_looked_up(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    photo(user_id, status="processing", vector=None)
    nodes = explained.run(planned(user_id, ANY, crowd.model_id, vectors.to_sql(crowd.texts[0])))
    (looked_up,) = of_table(nodes, "images")
    with db.transaction(user_id) as conn:
        conn.execute("DELETE FROM images WHERE status = 'processing'")

    begins_well(nodes)
    scanned(nodes, "image_embeddings_of_person", rows=3600)
    assert looked_up["Actual Loops"] == 100


def test_the_archive_is_read_from_an_index_of_its_own(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    nodes = planned(user_id, replace(ANY, archived=True), crowd.model_id, vectors.to_sql(crowd.texts[0]))

    begins_well(nodes)
    scanned(nodes, "image_embeddings_aside", rows=400)
    assert len(of_table(nodes, "image_embeddings")) == 1


def test_with_and_without_archive_are_two_indexes(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    nodes = planned(user_id, replace(ANY, archived=None), crowd.model_id, vectors.to_sql(crowd.texts[0]))

    begins_well(nodes)
    scanned(nodes, "image_embeddings_of_person", rows=3600)
    scanned(nodes, "image_embeddings_aside", rows=400)


def test_where_a_filter_leaves_few_photos_only_their_vectors_are_fetched(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    wanted = replace(ANY, days=((FIRST_DAY, FIRST_DAY + timedelta(days=60)),))
    nodes = explained.run(planned(user_id, wanted, crowd.model_id, vectors.to_sql(crowd.texts[0])))
    (fetched,) = of_table(nodes, "image_embeddings")

    begins_well(nodes)
    assert fetched["Index Name"] == "image_embeddings_pkey"
    assert fetched["Actual Loops"] < 4000 / 32
    assert [node["Index Name"] for node in of_table(nodes, "images")] == ["images_of_day"]


def test_whether_a_library_is_of_one_model_is_told_by_the_ends_of_its_indexes(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    with db.transaction(user_id) as conn, picture_search.index_alone(conn):
        nodes = explained.run(explained.plan(conn, picture_search._MODELS_IN_USE, {}))
    ends = of_table(nodes, "image_embeddings")

    begins_well(nodes)
    assert sorted(node["Index Name"] for node in ends) == sorted(
        ["image_embeddings_aside", "image_embeddings_of_person"] * 2
    )
    for node in ends:
        assert (node["Node Type"], node["Heap Fetches"]) == ("Index Only Scan", 0)
        assert "user_id" in node["Index Cond"]
        assert (node["Actual Rows"], node["Actual Loops"]) == (1, 1)


def test_whom_a_model_has_not_seen_is_asked_by_its_key(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    with db.transaction(user_id) as conn, picture_search.index_alone(conn):
        some = [row[0] for row in conn.execute("SELECT id FROM images ORDER BY id LIMIT 60").fetchall()]
        parameters = {"ids": some, "model_id": crowd.model_id}
        nodes = explained.run(explained.plan(conn, picture_search._UNSEEN, parameters))
        assert conn.execute(picture_search._UNSEEN.encode(), parameters).fetchall() == []
    (asked,) = of_table(nodes, "image_embeddings")

    begins_well(nodes)
    assert asked["Index Name"] == "image_embeddings_pkey"
    assert (asked["Actual Rows"], asked["Actual Loops"]) == (1, 60)


def test_of_somebodys_few_photos_only_those_that_are_near_are_looked_up(crowd: Crowd) -> None:
    user_id, pictures = crowd.people[4000]
    text = crowd.texts[0]
    person = ids.new()
    with db.transaction(user_id) as conn:
        photos = [row[0] for row in conn.execute("SELECT id FROM images ORDER BY id LIMIT 60").fetchall()]
        conn.execute("INSERT INTO person_clusters (id, name) VALUES (%s, 'Anna')", [person])
        conn.execute(  # twice on each, as in a mirror; every tenth photo is in the archive
            "INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding, person_id) "
            "SELECT gen_random_uuid(), id, %s, 0, 0, 1, 1, 1, 1, true, '[1]', %s "
            "FROM unnest(%s::uuid[]) AS id, generate_series(1, 2)",
            [crowd.model_id, person, photos],
        )
    wanted = replace(ANY, person_ids=(person,))
    sql, parameters = picture_search.by_picture_sql(
        wanted, model_id=crowd.model_id, vector=vectors.to_sql(text), floor=-1.0, most=1000
    )
    with db.transaction(user_id) as conn, picture_search.index_alone(conn):
        found = [row[0] for row in conn.execute(sql.encode(), parameters).fetchall()]
    assert sorted(found) == [photo for n, photo in enumerate(photos) if n % 10 != 9]

    half = float(np.median(pictures[:60] @ text))
    nodes = explained.run(planned(user_id, wanted, crowd.model_id, vectors.to_sql(text), floor=half))
    (fetched,) = of_table(nodes, "image_embeddings")
    assert fetched["Index Name"] == "image_embeddings_pkey"
    assert fetched["Actual Loops"] == 60
    assert [node["Actual Loops"] for node in of_table(nodes, "images")] == [30]


def test_where_a_filter_leaves_many_photos_the_index_is_read_and_the_nearest_are_asked(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    wanted = replace(ANY, days=((FIRST_DAY, FIRST_DAY + timedelta(days=2000)),))
    nodes = explained.run(planned(user_id, wanted, crowd.model_id, vectors.to_sql(crowd.texts[0])))
    counted, asked = sorted(of_table(nodes, "images"), key=lambda node: node["Actual Loops"])

    begins_well(nodes)
    scanned(nodes, "image_embeddings_of_person", rows=3600)
    assert counted["Actual Rows"] == 4000 // 32 + 1
    assert asked["Actual Loops"] < 300


@pytest.mark.parametrize(
    "wanted",
    [
        replace(ANY, person_ids=(UUID(int=1),)),
        replace(ANY, without_person_ids=(UUID(int=1),)),
        replace(ANY, without_labels=("dog",)),
        replace(ANY, without_album_ids=(UUID(int=1),)),
        replace(ANY, places=(PlaceRef("city", "City 1", "PT"),)),
        replace(ANY, hours=((21, 5),)),
        replace(ANY, favourite=False),
    ],
    ids=["a person", "without a person", "without a thing", "without an album", "a city", "an hour", "no favourites"],
)
def test_a_filter_looks_at_the_persons_own_photos_alone(crowd: Crowd, wanted: listing.Filter) -> None:
    user_id, _ = crowd.people[400]  # of whom most photos are not
    nodes = explained.run(planned(user_id, wanted, crowd.model_id, vectors.to_sql(crowd.texts[0])))

    begins_well(nodes)
    for node in nodes:
        if node.get("Relation Name") == "images":
            assert re.search(r"\b(user_id|id) = ", node["Index Cond"])


def test_a_page_of_look_alikes_reads_the_index_once_and_looks_up_what_it_shows(crowd: Crowd) -> None:
    user_id, _ = crowd.people[4000]
    anchor = replace(crowd.anchor(4000), name="phash")  # as far as that, everything is alike
    for after in (None, (0.1, UUID(int=0))):
        sql, parameters = picture_search.similar_sql([anchor], limit=20, after=after, without=None)
        with db.transaction(user_id) as conn, picture_search.index_alone(conn):
            nodes = explained.plan(conn, sql, parameters | {"farthest1": 2.0})
        (looked_up,) = of_table(nodes, "images")

        begins_well(nodes)
        (scan,) = of_table(nodes, "image_embeddings")
        assert (scan["Node Type"], scan["Heap Fetches"]) == ("Index Only Scan", 0)
        assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) == 3600
        assert looked_up["Actual Loops"] == 20


@pytest.mark.parametrize("analysed", [True, False], ids=["analysed", "never analysed"])
def test_nothing_is_read_in_a_row_where_one_person_owns_everything(postgres: Postgres, analysed: bool) -> None:
    """Half-way from one model to another, after an upload or long after it: no statistics lead past the indexes."""
    name = f"one_person_{analysed}".lower()
    url, dice = postgres.create_database(name), np.random.default_rng(4)
    migrate.upgrade(url)
    pictures = Space.of(dice).pictures(dice, 2000)
    with psycopg.connect(url, options="-c synchronous_commit=on") as conn:
        user_id, model_id, before = add_person(conn), vectors.model_id(conn, CLIP), vectors.model_id(conn, PHASH)
        for table in ("images", "image_embeddings"):
            conn.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        add_library(conn, user_id, pictures, model_id=model_id)
        add_library(conn, user_id, pictures[:400, :64], model_id=before, archived=[n % 4 == 0 for n in range(400)])
        conn.commit()
        conn.autocommit = True
        if analysed:
            conn.execute("VACUUM ANALYZE images, image_embeddings")
    vector = vectors.to_sql(pictures[0])
    anchors = [
        picture_search.Anchor(model_id, PHASH.name, PHASH.version, vector),
        picture_search.Anchor(before, PHASH.name, PHASH.version, vectors.to_sql(pictures[0][:64])),
    ]
    week, years = (replace(ANY, days=((FIRST_DAY, FIRST_DAY + timedelta(days=days)),)) for days in (7, 2000))
    asked = [
        picture_search.by_picture_sql(wanted, model_id=model_id, vector=vector, floor=-1.0, most=100)
        for wanted in (ANY, years, week, replace(ANY, archived=True), replace(ANY, archived=None))
    ]
    asked += [
        picture_search.similar_sql(anchors, limit=20, after=after, without=None) for after in (None, (0.1, UUID(int=0)))
    ]
    for number, (sql, parameters) in enumerate(asked):
        with as_person(url, user_id) as conn, picture_search.index_alone(conn):
            nodes = explained.run(explained.plan(conn, sql, parameters))
        assert not {"Seq Scan", "Gather", "Gather Merge"} & {node["Node Type"] for node in nodes}
        for node in nodes:
            if "Index Name" in node:
                assert re.search(r"\b(user_id|id|image_id) = ", node["Index Cond"])
            if node.get("Index Name") in {"image_embeddings_of_person", "image_embeddings_aside"}:
                assert node["Node Type"] == "Index Only Scan"
        if analysed and number < 2:
            begins_well(nodes)
            scanned(nodes, "image_embeddings_of_person", rows=2000)
    postgres.drop_database(name)


def test_other_statements_of_the_transaction_are_planned_as_ever(person: Somebody) -> None:
    def settings(conn: db.Connection) -> list[Any]:
        return [db.value(conn, f"SHOW {name}") for name in picture_search._SETTINGS]

    with db.transaction(person.user_id) as conn:
        before = settings(conn)
        with picture_search.index_alone(conn):
            assert settings(conn) == ["off", "off", "0", "off"]
        assert settings(conn) == before


# ------------------------------------------------------------------------------------------------------- recall


@pytest.mark.parametrize("size", SIZES)
def test_at_least_99_of_100_of_the_ten_nearest_are_found_in_libraries_of_all_sizes(crowd: Crowd, size: int) -> None:
    user_id, pictures = crowd.people[size]
    shown = pictures[[n % 10 != 9 for n in range(size)]]
    hits = wanted = 0
    with db.transaction(user_id) as conn, picture_search.index_alone(conn):
        for text in crowd.texts:
            sql, parameters = picture_search.by_picture_sql(
                ANY, model_id=crowd.model_id, vector=vectors.to_sql(text), floor=-1.0, most=10
            )
            scores = [score for _, score in conn.execute(sql.encode(), parameters).fetchall()]
            truth = np.sort(shown @ text)[::-1][:10]
            # By score, not by id: which of two that are equally near comes first is nobody's loss.
            hits += sum(score >= truth[-1] - 1e-4 for score in scores)
            wanted += len(truth)

    assert hits >= 0.99 * wanted


def test_no_index_spans_people(database_url: str, configured: Path) -> None:
    """An index over everybody's vectors would tell how dense others' are, and find nothing for small libraries."""
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(
            "SELECT c.relname, am.amname, array_agg(a.attname::text ORDER BY k.place) FROM pg_index x "
            "JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am am ON am.oid = c.relam "
            "CROSS JOIN LATERAL unnest(x.indkey::int[]) WITH ORDINALITY AS k (number, place) "
            "JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number "
            "WHERE x.indrelid = 'image_embeddings'::regclass AND NOT x.indisprimary GROUP BY 1, 2"
        ).fetchall()

    assert {name for name, _, _ in rows} == {"image_embeddings_of_person", "image_embeddings_aside"}
    assert all((method, columns[0]) == ("btree", "user_id") for _, method, columns in rows)
    assert all("embedding" not in columns[:2] for _, _, columns in rows)
