"""People from what is stored: whatever the order, the batches and the corrections between them, and from memory as in
full."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.arranging import MODEL, add_photo, build, face_of, faces_in, table, value, want
from tests.vaults import somebody

from photovault import corrections, db, images, people, rebuilds, users
from photovault.errors import Conflict, Invalid, NotFound
from photovault.grouping import Face
from photovault.pipeline import regrouping

pytestmark = pytest.mark.usefixtures("vault", "sent")

laws = settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def ada(vault: Path) -> UUID:
    return somebody().user_id


def upload(user_id: UUID, who: int, look: int) -> UUID:
    """A photo of somebody, of the same bytes for everybody who uploads it. Every fourth is a weak face."""
    looks = face_of(who, look, quality=0.9 - look / 100, founder=look % 4 != 3)
    return add_photo(user_id, faces=[looks], sha256=hashlib.sha256(b"%d %d" % (who, look)).digest())


def face(user_id: UUID, photo: UUID) -> UUID:
    return faces_in(user_id, photo)[0].id


def owners(user_id: UUID) -> dict[UUID, UUID | None]:
    """The person of each face."""
    return dict(table(user_id, "SELECT id, person_id FROM faces"))


def partition(user_id: UUID) -> tuple[set[frozenset[bytes]], frozenset[bytes]]:
    """The people as sets of photos' SHA-256, with those of nobody apart: the same in every account."""
    found: dict[UUID | None, set[bytes]] = defaultdict(set)
    for person, sha256 in table(
        user_id, "SELECT f.person_id, i.sha256 FROM faces f JOIN images i ON i.id = f.image_id"
    ):
        found[person].add(bytes(sha256))
    nobody = frozenset(found.pop(None, set()))
    return {frozenset(photos) for photos in found.values()}, nobody


def forget_groupings(user_id: UUID) -> None:
    table(user_id, "DELETE FROM groupings RETURNING model_id")


def say(user_id: UUID, act: object, *arguments: object) -> object:
    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        done = act(conn, *arguments, revision=revision)  # type: ignore[operator]
        rebuilds.edited(conn)
        rebuilds.want(conn)
    return done


PHOTOS = [(who, look) for who in range(4) for look in range(5)] + [(9, 0), (10, 0)]


# ---- laws ------------------------------------------------------------------------------------------------------------


@laws
@given(seed=st.integers(0, 2**32))
def test_any_order_and_batching_gives_the_same_people_and_ids_do_not_jump(vault: Path, seed: int) -> None:
    choice = random.Random(seed)
    parts = []
    for _ in range(2):
        user_id = somebody().user_id
        for who, look in choice.sample(PHOTOS, len(PHOTOS)):
            upload(user_id, who, look)
            if choice.random() < 0.3:
                before = owners(user_id)
                build(user_id)
                after = owners(user_id)
                # Nobody here is ever divided or merged: whoever was somebody stays who they are.
                assert all(after[one] == person for one, person in before.items() if person is not None)
        build(user_id)
        parts.append(partition(user_id))
    assert parts[0] == parts[1]
    assert sorted(len(person) for person in parts[0][0]) == [5, 5, 5, 5]


ACTS = (
    "upload",
    "upload",
    "merge",
    "split",
    "give",
    "introduce",
    "take away",
    "name",
    "undo",
    "trash",
    "restore",
    "purge",
)


def do_at_random(user_id: UUID, choice: random.Random, left: list[tuple[int, int]], said: list[object]) -> None:
    kind = choice.choice(ACTS)
    photos = [row[0] for row in table(user_id, "SELECT id FROM images WHERE deleted_at IS NULL ORDER BY id")]
    trashed = [row[0] for row in table(user_id, "SELECT id FROM images WHERE deleted_at IS NOT NULL ORDER BY id")]
    persons = [row[0] for row in table(user_id, "SELECT id FROM person_clusters ORDER BY id")]
    faces = [row[0] for row in table(user_id, "SELECT id FROM faces ORDER BY id")]
    try:
        if kind == "upload":
            upload(user_id, *left.pop())
        elif kind == "merge":
            said.append(say(user_id, corrections.merge, *choice.sample(persons, 2)))
        elif kind == "split":
            person = choice.choice(persons)
            with db.transaction(user_id) as conn:
                whole = people.face_ids_of(conn, person)
            done = say(user_id, corrections.split, person, choice.sample(whole, choice.randint(1, len(whole))))
            said.append(done[0])  # type: ignore[index]
        elif kind == "give":
            said.append(say(user_id, corrections.give, choice.choice(faces), choice.choice(persons)))
        elif kind == "introduce":
            done = say(user_id, corrections.introduce, choice.choice(faces), f"N{len(said)}")
            said.append(done[0])  # type: ignore[index]
        elif kind == "take away":
            said.append(say(user_id, corrections.take_away, choice.choice(faces)))
        elif kind == "name":
            said.append(say(user_id, corrections.name, choice.choice(persons), f"N{len(said)}"))
        elif kind == "undo":
            say(user_id, corrections.undo, said.pop())
        elif kind == "trash":
            say(user_id, images.move_to_trash, choice.choice(photos))
        elif kind == "restore":
            say(user_id, images.restore, choice.choice(trashed))
        else:
            gone = choice.choice(trashed)
            with db.transaction(user_id) as conn:
                users.next_revision(conn)
                images.delete_row(conn, gone)
                rebuilds.want(conn)
    except (NotFound, Conflict, Invalid, IndexError, ValueError):
        return


@laws
@given(seed=st.integers(0, 2**32))
def test_what_is_remembered_gives_the_same_as_nothing_remembered(vault: Path, seed: int) -> None:
    """After every act, a rebuild from memory leaves what a rebuild in full leaves, to the last id."""
    choice = random.Random(seed)
    user_id = somebody().user_id
    left = choice.sample(PHOTOS, len(PHOTOS))
    for _ in range(6):
        upload(user_id, *left.pop())
    said: list[object] = []
    for _ in range(10):
        do_at_random(user_id, choice, left, said)
        build(user_id)
        from_memory = owners(user_id)
        forget_groupings(user_id)
        want(user_id)
        build(user_id)
        assert owners(user_id) == from_memory


# ---- particular cases -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [1, 100], ids=["all are read", "those are read that are asked for"])
def test_embeddings_come_as_they_are_asked_for(ada: UUID, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(regrouping, "MANY", many)
    photos = [upload(ada, who, look) for who in (1, 2) for look in range(3)]
    with db.transaction(ada) as conn:
        known = regrouping.read(conn)
    stored = regrouping.Stored(ada, known.models[0])
    faces = [Face(face(ada, photo), b"", (), 1.0, founder=True) for photo in photos]
    gone = Face(UUID(int=7), b"", (), 1.0, founder=True)
    rows = stored.rows([*reversed(faces), gone])
    assert rows.shape == (7, MODEL.dims)
    cosines = rows @ rows.T / (np.float32(4000) ** 2)
    assert (cosines[:3, :3] > 0.8).all()
    assert (cosines[:3, 3:] < 0.4).all()
    assert not rows[6].any()


def test_a_look_up_finds_every_face_that_is_near(ada: UUID) -> None:
    photos = {who: [upload(ada, who, look) for look in range(3)] for who in (1, 2, 3)}
    with db.transaction(ada) as conn:
        known = regrouping.read(conn)
    stored = regrouping.Stored(ada, known.models[0])
    probes = np.stack([face_of(1).embedding * 1e6, face_of(3).embedding, np.zeros(MODEL.dims)]).astype(np.float64)
    ones, threes, none = (set(found) for found in stored.near(probes, least=0.6))
    assert ones == {face(ada, photo) for photo in photos[1]}
    assert threes == {face(ada, photo) for photo in photos[3]}
    assert none == set()


def test_a_new_photo_reads_few_embeddings(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in range(6):
        for look in range(5):
            upload(ada, who, look)
    build(ada)
    upload(ada, 2, 5)
    asked: list[int] = []

    class Counting(regrouping.Stored):
        def rows(self, faces: Sequence[Face]) -> np.ndarray:
            asked.append(len(faces))
            return super().rows(faces)

    monkeypatch.setattr(regrouping, "Stored", Counting)
    build(ada)
    # The face twice (as new, as a member), those near it, and its person: not the other 25.
    assert 0 < sum(asked) <= 20


def test_a_rebuild_from_unchanged_faces_remembers_nothing_new(ada: UUID) -> None:
    for look in range(3):
        upload(ada, 1, look)
    build(ada)
    version = "SELECT xmin::text FROM groupings"
    before = value(ada, version)
    want(ada)
    build(ada)
    assert value(ada, version) == before


def test_memory_that_is_not_understood_is_no_memory(ada: UUID) -> None:
    for who in (1, 2):
        for look in range(3):
            upload(ada, who, look)
    build(ada)
    before = owners(ada)
    table(ada, "UPDATE groupings SET memory = '\\x00010203' RETURNING 1")
    want(ada)
    build(ada)
    assert owners(ada) == before
    assert value(ada, "SELECT length(memory) FROM groupings") > 4


def test_nothing_is_remembered_of_faces_that_are_gone_for_good(ada: UUID) -> None:
    photos = [upload(ada, 1, look) for look in range(3)]
    build(ada)
    for photo in photos:
        with db.transaction(ada) as conn:
            users.next_revision(conn)
            images.delete_row(conn, photo)
            rebuilds.want(conn)
    build(ada)
    assert value(ada, "SELECT count(*) FROM groupings") == 0


def test_a_name_stays_where_it_was_said_however_much_comes_after(ada: UUID) -> None:
    photos = [upload(ada, 1, look) for look in range(2)]
    build(ada)
    person = owners(ada)[face(ada, photos[0])]
    say(ada, corrections.name, person, "Grace")
    for look in range(2, 9):
        upload(ada, 1, look)
        upload(ada, 2, look)
        build(ada)
    assert table(ada, "SELECT id, name, image_count FROM person_clusters WHERE name IS NOT NULL") == [
        (person, "Grace", 9)
    ]


def test_somebody_hidden_stays_hidden_and_takes_in_what_comes(ada: UUID) -> None:
    photos = [upload(ada, 1, look) for look in range(3)]
    build(ada)
    person = owners(ada)[face(ada, photos[0])]
    say(ada, people.set_hidden, person, True)
    upload(ada, 1, 4)
    build(ada)
    assert table(ada, "SELECT id, hidden, image_count FROM person_clusters") == [(person, True, 4)]
