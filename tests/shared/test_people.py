"""People and corrections as a model: whatever is said in whatever order, the tables of now are what a rebuild makes."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.arranging import add_photo, build, face_of, faces_in, table, value, who_is_in
from tests.vaults import somebody

from photovault import corrections, db, images, people, rebuilds, users
from photovault.corrections import Fact
from photovault.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture
def ada(vault: Path) -> UUID:
    return somebody().user_id


def photos_of(user_id: UUID, who: int, count: int) -> list[UUID]:
    return [add_photo(user_id, faces=[face_of(who, look)]) for look in range(count)]


def face(user_id: UUID, photo: UUID) -> UUID:
    return faces_in(user_id, photo)[0].id


def person(user_id: UUID, photo: UUID) -> UUID:
    found = who_is_in(user_id, [photo])[0]
    assert found is not None
    return found


class Act:
    """A transaction as a correcting request has it."""

    def __init__(self, user_id: UUID) -> None:
        self._transaction = db.transaction(user_id)

    def __enter__(self) -> tuple[db.Connection, int]:
        self.conn = self._transaction.__enter__()
        return self.conn, users.next_revision(self.conn)

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            rebuilds.edited(self.conn)
            rebuilds.want(self.conn)
        self._transaction.__exit__(*error)  # type: ignore[arg-type]


def state(user_id: UUID) -> list[tuple[object, ...]]:
    """Every person with name, counts, cover and faces; and the faces of nobody."""
    return sorted(
        table(
            user_id,
            "SELECT p.name, p.face_count, p.image_count, p.cover_face_id, array_agg(f.id ORDER BY f.id) "
            "FROM faces f LEFT JOIN person_clusters p ON p.id = f.person_id GROUP BY f.person_id, 1, 2, 3, 4",
        ),
        key=lambda group: group[4],
    )


def purge(user_id: UUID, photo: UUID) -> None:
    with Act(user_id) as (conn, _):
        images.delete_row(conn, photo)


def trash(user_id: UUID, photo: UUID) -> None:
    with Act(user_id) as (conn, revision):
        images.move_to_trash(conn, photo, revision=revision)


# ---- laws -----------------------------------------------------------------------------------------------------------

ACTS = ("merge", "split", "give", "introduce", "take away", "name", "undo", "undo")


def act_at_random(user_id: UUID, choice: random.Random, photos: list[UUID], said: list[UUID]) -> None:
    kind = choice.choice(ACTS)
    persons = [row[0] for row in table(user_id, "SELECT id FROM person_clusters ORDER BY id")]
    faces = [face(user_id, photo) for photo in photos]
    with Act(user_id) as (conn, revision):
        try:
            if kind == "merge":
                done = corrections.merge(conn, choice.choice(persons), choice.choice(persons), revision=revision)
            elif kind == "split":
                whole = people.face_ids_of(conn, somebody_there := choice.choice(persons))
                leaving = choice.sample(whole, choice.randint(1, len(whole)))
                done, _ = corrections.split(conn, somebody_there, leaving, revision=revision)
            elif kind == "give":
                done = corrections.give(conn, choice.choice(faces), choice.choice(persons), revision=revision)
            elif kind == "introduce":
                done, _ = corrections.introduce(conn, choice.choice(faces), f"N{len(said)}", revision=revision)
            elif kind == "take away":
                done = corrections.take_away(conn, choice.choice(faces), revision=revision)
            elif kind == "name":
                name = choice.choice([None, f"N{len(said)}"])
                done = corrections.name(conn, choice.choice(persons), name, revision=revision)
            else:
                corrections.undo(conn, said.pop(), revision=revision)
                return
        except (NotFound, Conflict, Invalid, IndexError):
            return
        said.append(done)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_whatever_is_said_the_rebuild_agrees(vault: Path, seed: int) -> None:
    """Acts, the latest of which may be undone, leave exactly what the rebuild derives from all that was said."""
    choice = random.Random(seed)
    user_id = somebody().user_id
    photos = [photo for who in range(3) for photo in photos_of(user_id, who, 3)]
    build(user_id)
    said: list[UUID] = []
    for _ in range(8):
        act_at_random(user_id, choice, photos, said)
        before = state(user_id)
        build(user_id)
        assert state(user_id) == before


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_undoing_everything_leaves_what_was_there(vault: Path, seed: int) -> None:
    choice = random.Random(seed)
    user_id = somebody().user_id
    photos = [photo for who in range(3) for photo in photos_of(user_id, who, 3)]
    build(user_id)
    before = state(user_id)
    said: list[UUID] = []
    for _ in range(6):
        act_at_random(user_id, choice, photos, said)
    while said:
        with Act(user_id) as (conn, revision):
            corrections.undo(conn, said.pop(), revision=revision)
    build(user_id)
    assert state(user_id) == before


# ---- particular cases -----------------------------------------------------------------------------------------------


def test_a_merge_outlives_every_photo_that_it_was_said_of(ada: UUID) -> None:
    first, second = photos_of(ada, 1, 4), photos_of(ada, 2, 4)
    build(ada)
    kept, gone = person(ada, first[0]), person(ada, second[0])
    with Act(ada) as (conn, revision):
        corrections.merge(conn, kept, gone, revision=revision)
    build(ada)
    for photo in (first[0], second[0], first[2], second[1]):
        trash(ada, photo)
        build(ada)
        purge(ada, photo)
        build(ada)
    assert set(who_is_in(ada, [first[1], first[3], second[2], second[3]])) == {kept}


def test_a_split_outlives_every_photo_that_it_was_said_of(ada: UUID) -> None:
    photos = photos_of(ada, 1, 6)
    build(ada)
    whole = person(ada, photos[0])
    with Act(ada) as (conn, revision):
        _, new = corrections.split(conn, whole, [face(ada, photo) for photo in photos[:3]], revision=revision)
    build(ada)
    for photo in (photos[0], photos[3]):
        trash(ada, photo)
        build(ada)
        purge(ada, photo)
        build(ada)
    assert set(who_is_in(ada, photos[1:3])) == {new}
    assert set(who_is_in(ada, photos[4:])) == {whole}


def test_what_was_restated_is_not_restated_again(ada: UUID) -> None:
    first, second = photos_of(ada, 1, 3), photos_of(ada, 2, 3)
    build(ada)
    with Act(ada) as (conn, revision):
        corrections.merge(conn, person(ada, first[0]), person(ada, second[0]), revision=revision)
    trash(ada, first[0])
    build(ada)
    before = value(ada, "SELECT count(*) FROM face_corrections")
    with db.transaction(ada) as conn:
        rebuilds.want(conn)
    build(ada)
    assert value(ada, "SELECT count(*) FROM face_corrections") == before


def test_a_lone_face_without_a_name_is_nobody(ada: UUID) -> None:
    photos = photos_of(ada, 1, 2)
    others = photos_of(ada, 2, 2)
    build(ada)
    with Act(ada) as (conn, revision):
        corrections.give(conn, face(ada, photos[0]), person(ada, others[0]), revision=revision)
    assert who_is_in(ada, photos) == [person(ada, others[0]), None]


def test_a_face_has_one_name_at_a_time_and_faces_come_from_left_to_right(ada: UUID) -> None:
    left, right = face_of(1), face_of(2)
    photo = add_photo(ada, faces=[right, left])
    with db.transaction(ada) as conn:
        conn.execute(
            "UPDATE faces SET x = CASE WHEN id = (SELECT min(id::text)::uuid FROM faces) THEN 0.7 ELSE 0.2 END"
        )
    found = faces_in(ada, photo)
    assert [round(one.x, 1) for one in found] == [0.2, 0.7]
    assert [one.person_name for one in found] == [None, None]


def test_people_who_go_leave_a_tombstone(ada: UUID) -> None:
    first, second = photos_of(ada, 1, 2), photos_of(ada, 2, 2)
    build(ada)
    kept, gone = person(ada, first[0]), person(ada, second[0])
    with Act(ada) as (conn, revision):
        corrections.merge(conn, kept, gone, revision=revision)
    assert table(ada, "SELECT kind, subject_id FROM tombstones") == [("person", gone)]


def test_sides_are_what_facts_connect(vault: Path) -> None:
    ids = [UUID(int=n) for n in range(6)]
    at = value(somebody().user_id, "SELECT now()")

    def same(a: int, b: int) -> Fact:
        return Fact(ids[0], "same", ids[a], ids[b], None, at)

    found = corrections.sides([same(0, 1), same(2, 3), same(1, 2), same(4, 5)])
    assert sorted(map(sorted, found)) == [ids[:4], ids[4:]]
