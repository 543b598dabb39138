"""Labels that people give and take away, against models and files that say something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.arranging import add_photo, table
from tests.vaults import somebody

from photovault import db, images, inheriting, label_names, labelling, rollups, terms, things, users, vectors
from photovault.errors import Invalid
from photovault.label_names import LabelName
from photovault.model_manifest import ModelInfo
from photovault.sights import Sight

pytestmark = pytest.mark.usefixtures("vault")

MODEL = ModelInfo(name="tests-labelling", version="1", kind="label", dims=0)


@pytest.fixture
def ada() -> UUID:
    return somebody().user_id


def indexed(user_id: UUID, **columns: Any) -> UUID:
    photo = add_photo(user_id, **columns)
    with db.transaction(user_id) as conn:
        users.next_revision(conn)
        terms.refresh(conn, photo)
    return photo


def named(*texts: str) -> list[LabelName]:
    return [name for text in texts if (name := label_names.read(text))]


def looked(
    user_id: UUID, image_id: UUID, scores: Mapping[str, float], sights: Mapping[str, float] | None = None
) -> None:
    """A model looks at a photo, again or for the first time."""
    with db.transaction(user_id) as conn:
        users.next_revision(conn)
        things.replace(conn, image_id, vectors.model_id(conn, MODEL), scores)
        things.replace_sights(conn, image_id, {name: Sight(strength, 1) for name, strength in (sights or {}).items()})
        terms.refresh(conn, image_id)


def say(user_id: UUID, verb: str, image_ids: Sequence[UUID], *texts: str) -> list[labelling.Said]:
    act = {"add": labelling.add, "remove": labelling.remove, "take back": labelling.take_back}[verb]
    with db.transaction(user_id) as conn:
        return act(conn, image_ids, named(*texts), revision=users.next_revision(conn))


def undo(user_id: UUID, said: Sequence[labelling.Said]) -> None:
    verbs = {"added": "add", "removed": "remove", "unsaid": "take back"}
    for one in said:
        say(user_id, verbs[one.before], [one.image_id], one.name)


def shown(user_id: UUID, image_id: UUID) -> dict[str, tuple[str, float]]:
    with db.transaction(user_id) as conn:
        return {thing.label: (thing.source, round(thing.score, 2)) for thing in things.of_image(conn, image_id)}


def sights_of(user_id: UUID, image_id: UUID) -> dict[str, float]:
    rows = table(user_id, "SELECT name, strength FROM image_sights WHERE image_id = %s", [image_id])
    return {name: round(strength, 2) for name, strength in rows}


def everything(user_id: UUID) -> list[Any]:
    return [
        sorted(map(str, table(user_id, f"SELECT to_jsonb(its) FROM {name} its")))
        for name in ("image_labels", "image_sights", "said_labels", "image_terms", "image_things")
    ]


def test_a_label_that_was_taken_away_is_not_brought_back_by_models_that_look_again(ada: UUID) -> None:
    tree = indexed(ada)
    looked(ada, tree, {"giraffe": 0.6, "tree": 0.9}, {"giraffe": 0.3})

    say(ada, "remove", [tree], "Giraffe")
    assert shown(ada, tree) == {"tree": ("vision", 0.9)}
    assert sights_of(ada, tree) == {}, "neither is it found by what the photo seems to show"
    assert not table(ada, "SELECT FROM image_terms WHERE term = 'giraffe'")

    looked(ada, tree, {"giraffe": 0.95}, {"giraffe": 0.8, "zebra": 0.2})
    assert shown(ada, tree) == {}
    assert sights_of(ada, tree) == {"zebra": 0.2}

    say(ada, "take back", [tree], "giraffe")
    assert shown(ada, tree) == {"giraffe": ("vision", 0.95)}
    assert sights_of(ada, tree) == {"giraffe": 0.8, "zebra": 0.2}


def test_what_is_said_before_anybody_has_looked_stands_when_somebody_does(ada: UUID) -> None:
    photo = indexed(ada, status="processing", vision_done_at=None)
    before = everything(ada)
    said = say(ada, "remove", [photo], "giraffe")
    undo(ada, said)
    assert everything(ada) == before
    say(ada, "remove", [photo], "giraffe")
    looked(ada, photo, {"giraffe": 0.9, "tree": 0.5}, {"giraffe": 0.4})
    assert shown(ada, photo) == {"tree": ("vision", 0.5)}
    assert sights_of(ada, photo) == {}
    say(ada, "take back", [photo], "giraffe")
    assert shown(ada, photo) == {"giraffe": ("vision", 0.9), "tree": ("vision", 0.5)}


def test_a_label_that_was_added_is_not_taken_away_by_models_that_do_not_see_it(ada: UUID) -> None:
    photo = indexed(ada, status="processing")
    say(ada, "add", [photo], "  Baker\tStreet ", "dog")
    looked(ada, photo, {"dog": 0.5})
    looked(ada, photo, {"cat": 0.5})
    assert shown(ada, photo) == {"Baker Street": ("person", 1), "dog": ("person", 1), "cat": ("vision", 0.5)}


def test_what_nobody_else_says_is_forgotten_when_it_is_taken_away(ada: UUID) -> None:
    photo = indexed(ada)
    say(ada, "add", [photo], "beach")
    assert say(ada, "remove", [photo], "beach") == [labelling.Said(photo, "beach", "added")]
    assert table(ada, "SELECT FROM said_labels") == []
    assert say(ada, "remove", [photo], "beach") == [], "it is not there"


def test_keywords_of_a_file_are_labels_and_can_be_taken_away(ada: UUID) -> None:
    photo = indexed(ada)
    for again in (False, True):
        with db.transaction(ada) as conn:
            users.next_revision(conn)
            things.take_keywords(conn, photo, label_names.of_keywords(["Köln", "Holiday", "köln", "dog"]))
        looked(ada, photo, {"dog": 0.4, "boat": 0.5})
        assert shown(ada, photo) == {
            "Köln": ("file", 1),
            "dog": ("file", 1),
            "boat": ("vision", 0.5),
        } | ({} if again else {"Holiday": ("file", 1)})
        assert table(ada, "SELECT FROM image_terms WHERE term = 'koln'")
        say(ada, "remove", [photo], "holiday")
    with db.transaction(ada) as conn:
        assert labelling.removed_from(conn, [photo]) == {photo: ["Holiday"]}


def test_an_undo_touches_only_what_was_changed(ada: UUID) -> None:
    seen, said, bare = (indexed(ada) for _ in range(3))
    looked(ada, seen, {"dog": 0.7}, {"dog": 0.6})
    say(ada, "add", [said], "Dog")
    before = everything(ada)
    for verb in ("add", "remove"):
        changed = say(ada, verb, [seen, said, bare], "dog")
        assert {one.image_id for one in changed} == ({seen, bare} if verb == "add" else {seen, said})
        undo(ada, changed)
        assert everything(ada) == before


def test_labels_of_the_trash_and_the_archive_are_not_browsed_until_the_photo_is_back(ada: UUID) -> None:
    photo = indexed(ada)
    looked(ada, photo, {"dog": 0.7})
    with db.transaction(ada) as conn:
        images.move_to_trash(conn, photo, revision=users.next_revision(conn))
    say(ada, "add", [photo], "beach", "dog")
    with db.transaction(ada) as conn:
        assert things.page(conn, limit=9, after=None) == []
        images.restore(conn, photo, revision=users.next_revision(conn))
        assert [label.name for label in things.page(conn, limit=9, after=None)] == ["beach", "dog"]


def test_the_copy_that_is_kept_is_said_to_show_what_its_copies_were(ada: UUID) -> None:
    kept, copy, another = (indexed(ada) for _ in range(3))
    for photo in (kept, copy):
        looked(ada, photo, {"giraffe": 0.5, "tree": 0.5})
    with db.transaction(ada) as conn:
        users.next_revision(conn)
        things.take_keywords(conn, another, label_names.of_keywords(["Holiday"]))
    say(ada, "remove", [copy], "giraffe", "tree")
    say(ada, "add", [another], "Beach", "tree")
    with db.transaction(ada) as conn:
        found = images.with_trash(conn, [kept, copy, another])
        by_id = {image.id: image for image in found}
        inheriting.inherit(conn, by_id[kept], [by_id[copy], by_id[another]], revision=users.next_revision(conn))
    assert shown(ada, kept) == {"Beach": ("person", 1), "Holiday": ("person", 1), "tree": ("person", 1)}
    assert table(ada, "SELECT FROM image_terms WHERE term = 'beach' AND image_id = %s", [kept])


def test_a_photo_has_room_for_a_hundred_labels(ada: UUID) -> None:
    photo = indexed(ada)
    say(ada, "add", [photo], *(f"label {n}" for n in range(labelling.MOST_OF_ONE)))
    with pytest.raises(Invalid):
        say(ada, "add", [photo], "one more")
    assert len(shown(ada, photo)) == labelling.MOST_OF_ONE
    say(ada, "add", [photo], "label 1")


def test_a_label_changes_the_revision_of_the_photos_that_have_it_alone(ada: UUID) -> None:
    one, other = indexed(ada), indexed(ada)
    before = dict(table(ada, "SELECT id, revision FROM images"))
    say(ada, "add", [one], "beach")
    after = dict(table(ada, "SELECT id, revision FROM images"))
    assert after[other] == before[other]
    assert after[one] > before[one]


# ------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("beach", LabelName("beach")),
        ("  New   York\n", LabelName("new york", "New York")),
        ("KO\u0308LN", LabelName("köln", "KÖLN")),
        ("24/7", LabelName("24/7")),
        ("日本", LabelName("日本")),
        ("x" * 100, LabelName("x" * 100)),
        ("x" * 101, None),
        (" \t\x00", None),
        ("\u200b", None),
        ("\ufe0f", None),
        ("be\u200bach\ufeff", LabelName("beach")),
        ("\u202eBeach\u202c", LabelName("beach", "Beach")),
        ("\u200dsea \u200c", LabelName("sea")),
        ("👩\u200d🌾", LabelName("👩\u200d🌾")),
        ("می\u200cخواهم", LabelName("می\u200cخواهم")),
        ("İ" * 51, None),  # in small letters each is two
        ("", None),
    ],
)
def test_a_label_is_in_one_line_and_the_same_in_small_letters(text: str, name: LabelName | None) -> None:
    assert label_names.read(text) == name


@given(st.text(max_size=150))
def test_a_label_read_again_is_the_same(text: str) -> None:
    name = label_names.read(text)
    if name is not None:
        assert label_names.read(name.name or name.key) == name
        assert label_names.key_of(name.key) == name.key


def test_of_a_files_keywords_fifty_are_taken_each_once() -> None:
    words: list[Any] = ["Sea", "sea", 3, "", None, *(f"word {n}" for n in range(80))]
    found = label_names.of_keywords(words)
    assert found[:2] == [LabelName("sea", "Sea"), LabelName("word 0")]
    assert len(found) == label_names.MOST_OF_A_FILE
    assert label_names.of_keywords("Sea") == label_names.of_keywords(None) == []


# --------------------------------------------------------------------------------------------------------- histories

LABELS = ("dog", "cat", "tree")
some = st.sets(st.sampled_from(LABELS))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("look"), some, some),
        st.tuples(st.sampled_from(["add", "remove", "take back"]), some, st.just(frozenset[str]())),
    ),
    max_size=8,
)


@dataclass
class Photo:
    """What should be known of a photo."""

    file: frozenset[str]
    seen: set[str] = field(default_factory=set)
    sights: set[str] = field(default_factory=set)
    words: dict[str, bool] = field(default_factory=dict)

    def take(self, kind: str, labels: set[str], sights: set[str]) -> None:
        supposed = self.file | self.seen | self.sights
        if kind == "look":
            self.seen, self.sights = labels, sights
        for label in labels if kind != "look" else ():
            if kind == "add" or (kind == "remove" and label in supposed):
                self.words[label] = kind == "add"
            elif kind == "take back" or self.words.get(label):
                self.words.pop(label, None)

    def shown(self) -> dict[str, str]:
        sources = dict.fromkeys(self.seen, "vision") | dict.fromkeys(self.file, "file")
        sources |= {label: "person" for label, is_shown in self.words.items() if is_shown}
        return {label: source for label, source in sources.items() if self.words.get(label, True)}


@settings(max_examples=18, deadline=None, suppress_health_check=list(HealthCheck))
@given(file=some, history=steps)
def test_after_any_history_a_photo_shows_what_the_last_word_was(
    file: set[str], history: list[tuple[str, set[str], set[str]]]
) -> None:
    ada, photo = somebody().user_id, Photo(frozenset(file))
    image_id = indexed(ada)
    with db.transaction(ada) as conn:
        users.next_revision(conn)
        things.take_keywords(conn, image_id, named(*sorted(file)))
        terms.refresh(conn, image_id)
    for kind, labels, sights in history:
        photo.take(kind, labels, sights)
        if kind == "look":
            looked(ada, image_id, dict.fromkeys(labels, 0.5), dict.fromkeys(sights, 0.25))
        else:
            before = everything(ada)
            undo(ada, say(ada, kind, [image_id], *sorted(labels)))
            assert everything(ada) == before
            say(ada, kind, [image_id], *sorted(labels))
        assert {label: source for label, (source, _) in shown(ada, image_id).items()} == photo.shown()
        assert set(sights_of(ada, image_id)) == {name for name in photo.sights if photo.words.get(name, True)}
    with db.transaction(ada) as conn:
        assert rollups.differences(conn) == {}
        found = {term for (term,) in conn.execute("SELECT term FROM image_terms WHERE weight > 0.5").fetchall()}
    assert found == photo.shown().keys()
