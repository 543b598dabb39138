"""Libraries that move to other models in the background: people, labels, looks and vectors, and what goes wrong."""

from __future__ import annotations

import io
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import PIL.Image
import pytest
from PIL import PngImagePlugin
from tests.arranging import Sent, build, faces_in, table, value
from tests.renewed import NEW, OLD, THINGS, Painter, painted, see, upload, use
from tests.staged import Bucket
from tests.vaults import somebody

from photovault import (
    blobs,
    corrections,
    db,
    embeddings,
    images,
    keyring,
    labelling,
    labels,
    model_manifest,
    models,
    people,
    picture_search,
    renewals,
    things,
    users,
    vault,
)
from photovault import faces as face_finder
from photovault.errors import StorageUnavailable, Unavailable
from photovault.label_names import LabelName
from photovault.pipeline import embedding, keywording, purging, renewing, reunderstanding, vision
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "old")


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs at first: a model of faces, and none of things."""
    use(monkeypatch, Painter(OLD))
    see(monkeypatch, None)


@pytest.fixture
def ada(vault: Path) -> UUID:
    return somebody().user_id


def renew(user_id: UUID) -> None:
    renewing.renew_some(user_id, reunderstanding.WORK)


def alike(user_id: UUID, photo: UUID) -> list[picture_search.LookAlike]:
    with db.transaction(user_id) as conn:
        return picture_search.similar(conn, picture_search.anchors_of(conn, photo), without=photo, limit=9)


def renew_photos(
    user_id: UUID, count: int, monkeypatch: pytest.MonkeyPatch, *, work: renewing.Work = reunderstanding.WORK
) -> None:
    """So many photos, and then the worker is stopped."""
    waiting, left = renewals.waiting, [count]

    def some(*given: Any, limit: int) -> list[UUID]:
        page = waiting(*given, limit=min(limit, left[0])) if left[0] else []
        left[0] -= len(page)
        return page

    with monkeypatch.context() as patch:
        patch.setattr(renewals, "waiting", some)
        renewing.renew_some(user_id, work)


def person_of(user_id: UUID, image_id: UUID, place: int = 0) -> UUID | None:
    return faces_in(user_id, image_id)[place].person_id


def persons(user_id: UUID) -> dict[UUID, tuple[str | None, bool, int]]:
    return {
        person_id: (name, hidden, photos)
        for person_id, name, hidden, photos in table(
            user_id, "SELECT id, name, hidden, image_count FROM person_clusters"
        )
    }


def owners(user_id: UUID) -> dict[UUID, set[UUID]]:
    """By person, their faces."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for face_id, person_id in table(user_id, "SELECT id, person_id FROM faces WHERE person_id IS NOT NULL"):
        found[person_id].add(face_id)
    return dict(found)


def models_of_faces(user_id: UUID) -> set[str]:
    return {row[0] for row in table(user_id, "SELECT DISTINCT m.name FROM faces f JOIN models m ON m.id = f.model_id")}


def say(user_id: UUID, act: Callable[..., object], *given: object, **options: object) -> None:
    from photovault import rebuilds

    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        act(conn, *given, revision=revision, **options)
        rebuilds.edited(conn)
        rebuilds.want(conn)


def library(user_id: UUID, bucket: Bucket) -> list[UUID]:
    """Two people, Ann (1) and Bob (2), together in three photos, and Ann alone in another; Ann has a name."""
    photos = [upload(user_id, bucket, painted(1, 2, look=n)) for n in range(3)]
    photos.append(upload(user_id, bucket, painted(1, look=9)))
    build(user_id)
    ann, bob = person_of(user_id, photos[0]), person_of(user_id, photos[0], 1)
    assert ann
    assert bob
    say(user_id, corrections.name, ann, "Ann")
    say(user_id, people.set_hidden, bob, True)
    build(user_id)
    return photos


# ------------------------------------------------------------------------------------------------------- people


def test_people_keep_ids_names_and_faces_when_the_model_changes(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(ada, bucket)
    before, whose = persons(ada), owners(ada)
    use(monkeypatch, Painter(NEW, margin=20))
    renew(ada)
    build(ada)
    assert models_of_faces(ada) == {NEW.name}
    assert persons(ada) == before
    assert owners(ada) == whose


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_library_in_the_middle_of_its_move_has_the_people_that_it_had(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    photos = library(ada, bucket)
    before, whose = persons(ada), owners(ada)
    use(monkeypatch, Painter(NEW))
    renew_photos(ada, done, monkeypatch)
    assert models_of_faces(ada) == {OLD.name, NEW.name}
    build(ada)
    assert (persons(ada), owners(ada)) == (before, whose)
    arrived = upload(ada, bucket, painted(1, 7, look=20))
    strange = upload(ada, bucket, painted(7, look=21))
    build(ada)
    assert persons(ada).keys() == before.keys()  # nobody new is founded meanwhile
    assert person_of(ada, arrived) == person_of(ada, photos[0])
    renew(ada)
    build(ada)
    assert models_of_faces(ada) == {NEW.name}
    assert persons(ada).keys() >= before.keys()
    assert person_of(ada, arrived) == person_of(ada, photos[0])
    assert person_of(ada, strange) == person_of(ada, arrived, 1) not in {None, *before}


def test_the_first_photo_of_another_model_starts_the_move(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    library(ada, bucket)
    before = persons(ada)
    asked = [body for _, body, _ in sent.messages if "renew" in body]
    assert not asked
    use(monkeypatch, Painter(NEW))
    photos = [upload(ada, bucket, painted(1, look=30 + n)) for n in range(2)]
    assert [body["renew"] for _, body, _ in sent.messages if "renew" in body] == ["vision"]
    build(ada)
    assert persons(ada).keys() == before.keys()
    assert [person_of(ada, photo) for photo in photos] == [None, None]
    renew(ada)
    build(ada)
    assert persons(ada).keys() == before.keys()
    assert {person_of(ada, photo) for photo in photos} == {person for person, row in before.items() if row[0] == "Ann"}


def test_what_was_said_before_and_meanwhile_holds_afterwards(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = library(ada, bucket)
    ann, bob = person_of(ada, photos[0]), person_of(ada, photos[0], 1)
    apart = faces_in(ada, photos[3])[0].id
    say(ada, corrections.take_away, apart)  # it looks like Ann and is not
    build(ada)
    use(monkeypatch, Painter(NEW))
    renew_photos(ada, 2, monkeypatch)
    not_bob = faces_in(ada, photos[1])[1].id
    say(ada, corrections.introduce, not_bob, "Cleo")  # said half-way
    build(ada)
    middle = persons(ada)
    assert person_of(ada, photos[3]) is None
    cleo = person_of(ada, photos[1], 1)
    assert middle[cleo][0] == "Cleo"
    renew(ada)
    build(ada)
    assert person_of(ada, photos[3]) is None
    assert [person_of(ada, photo) for photo in photos[:3]] == [ann] * 3
    assert person_of(ada, photos[1], 1) == cleo
    assert [person_of(ada, photos[n], 1) for n in (0, 2)] == [bob] * 2
    assert {row[0] for row in persons(ada).values()} == {"Ann", "Cleo", None}


def test_a_merge_holds_and_can_be_undone_after_the_move(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    singles = {who: [upload(ada, bucket, painted(who, look=n)) for n in range(3)] for who in (3, 4)}
    build(ada)
    one, other = person_of(ada, singles[3][0]), person_of(ada, singles[4][0])
    say(ada, corrections.merge, one, other)
    build(ada)
    use(monkeypatch, Painter(NEW))
    renew(ada)
    build(ada)
    everybody = {person_of(ada, photo) for photos in singles.values() for photo in photos}
    assert everybody == {one}
    statement = value(ada, "SELECT id FROM face_corrections ORDER BY at, id LIMIT 1")
    say(ada, corrections.undo, statement)
    build(ada)
    assert {person_of(ada, photo) for photo in singles[3]} != {person_of(ada, photo) for photo in singles[4]}


def test_going_back_gives_the_people_of_before(ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    library(ada, bucket)
    before, whose = persons(ada), owners(ada)
    for painter in (Painter(NEW), Painter(OLD), Painter(NEW)):
        use(monkeypatch, painter)
        renew(ada)
        build(ada)
        assert models_of_faces(ada) == {painter.model.name}
        assert (persons(ada), owners(ada)) == (before, whose)


def test_a_face_that_nobody_finds_any_more_stays_if_somebody_vouched_for_it(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = library(ada, bucket)
    stranger = upload(ada, bucket, painted(6, look=40))
    lost = faces_in(ada, stranger)[0].id
    before = persons(ada)
    use(monkeypatch, Painter(NEW, blind=frozenset({6})))
    renew(ada)
    build(ada)
    assert not faces_in(ada, stranger)
    assert value(ada, "SELECT face_count FROM images WHERE id = %s", [stranger]) == 0
    assert value(ada, "SELECT count(*) FROM retired_blobs WHERE name = %s", [f"face:{lost}"]) == 1
    assert value(ada, "SELECT count(*) FROM blobs WHERE name = %s", [f"face:{lost}"]) == 0
    use(monkeypatch, Painter(OLD, blind=frozenset({1})))
    renew(ada)
    build(ada)
    assert persons(ada) == before
    assert models_of_faces(ada) == {OLD.name, NEW.name}
    assert person_of(ada, photos[3]) == person_of(ada, photos[0])
    newcomer = [upload(ada, bucket, painted(8, look=50 + n)) for n in range(2)]
    build(ada)  # what is left of the other model holds nothing up
    assert person_of(ada, newcomer[0]) == person_of(ada, newcomer[1]) is not None
    assert persons(ada).keys() > before.keys()


def test_faces_that_only_the_new_model_finds_join_who_they_are(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Painter(OLD, blind=frozenset({5})))
    photos = [upload(ada, bucket, painted(1, 5, look=n)) for n in range(3)]
    build(ada)
    ann = person_of(ada, photos[0])
    use(monkeypatch, Painter(NEW))
    renew(ada)
    build(ada)
    assert {person_of(ada, photo) for photo in photos} == {ann}
    assert len({person_of(ada, photo, 1) for photo in photos} - {None, ann}) == 1


def test_the_picture_of_a_face_is_the_new_one_under_the_same_name(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = upload(ada, bucket, painted(1))
    face = faces_in(ada, photo)[0].id
    key = value(ada, "SELECT key FROM blobs WHERE name = %s", [f"face:{face}"])
    use(monkeypatch, Painter(NEW))
    renew(ada)
    with db.transaction(ada) as conn:
        blob, image = blobs.get(conn, photo, f"face:{face}"), images.get(conn, photo)
        assert blob
        assert image
        content_key = keyring.content_key_of(conn, image)
    assert blob.key != key
    assert vault.fetch(blob, content_key=content_key, user_id=ada).startswith(b"\xff\xd8")
    assert value(ada, "SELECT count(*) FROM retired_blobs WHERE key = %s", [key]) == 1


def test_a_stopgap_does_not_take_over_from_what_a_better_model_found(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    photos = library(ada, bucket)
    before = persons(ada)
    weak = replace(NEW, name="tests-weak", weak=True)
    use(monkeypatch, Painter(weak))
    monkeypatch.setattr(vision, "yields", lambda _: True)
    see(monkeypatch, {"dog": 0.9})
    renew(ada)
    build(ada)
    assert models_of_faces(ada) == {OLD.name}
    assert persons(ada) == before
    assert value(ada, "SELECT count(*) FROM image_labels WHERE image_id = %s", [photos[0]]) == 1
    monkeypatch.setattr(vision, "yields", lambda _: False)  # the operator asked for it by name
    renew(ada)
    assert models_of_faces(ada) == {"tests-weak"}


# ---------------------------------------------------------------------------------------------- labels and looks


def test_a_model_for_things_that_comes_later_labels_what_was_there(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = upload(ada, bucket, painted(1))
    faces = faces_in(ada, photo)
    see(monkeypatch, {"zebra": 0.8})
    renew(ada)
    assert table(ada, "SELECT label FROM image_labels WHERE image_id = %s", [photo]) == [("zebra",)]
    assert value(ada, "SELECT count(*) FROM image_terms WHERE term = 'zebra'") == 1
    assert faces_in(ada, photo) == faces
    see(monkeypatch, None)  # its file is missing: what it saw stays
    renew(ada)
    assert value(ada, "SELECT count(*) FROM image_labels") == 1


def test_what_a_person_says_of_labels_outlives_a_new_look_and_so_do_keywords_of_the_file(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(monkeypatch, {"giraffe": 0.6, "tree": 0.7})
    photo = upload(ada, bucket, keyworded(painted(1), "Köln", "Holiday"))
    assert shown(ada, photo) == {"giraffe": "vision", "tree": "vision", "Köln": "file", "Holiday": "file"}
    with db.transaction(ada) as conn:
        revision = users.next_revision(conn)
        labelling.remove(conn, [photo], [LabelName("giraffe"), LabelName("holiday")], revision=revision)
        labelling.add(conn, [photo], [LabelName("dog")], revision=revision)
    see(monkeypatch, {"giraffe": 0.9, "dog": 0.4, "boat": 0.5})
    use(monkeypatch, Painter(NEW))
    monkeypatch.setattr(models, "label_model", lambda: replace(THINGS, version="2"))
    labels.provider().model = replace(THINGS, version="2")
    renew(ada)
    assert shown(ada, photo) == {"dog": "person", "boat": "vision", "Köln": "file"}
    terms = {term for (term,) in table(ada, "SELECT term FROM image_terms WHERE weight > 0.5")}
    assert terms == {"dog", "boat", "koln"}


def test_a_new_look_brings_the_caption_of_the_file_to_photos_from_before_and_none_that_was_taken_away(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, bare, mine = photos = tuple(
        upload(ada, bucket, keyworded(painted(n), caption="At the sea")) for n in (1, 2, 3)
    )
    with db.transaction(ada) as conn:
        revision = users.next_revision(conn)
        conn.execute("UPDATE images SET caption = NULL, caption_source = NULL WHERE id = %s", [before])
        images.edit(conn, bare, revision=revision, caption="")
        images.edit(conn, mine, revision=revision, caption="My words")
    use(monkeypatch, Painter(NEW))
    renew(ada)
    told = {row[0]: row[1:] for row in table(ada, "SELECT id, caption, caption_source, vision_recipe FROM images")}
    assert [told[photo][:2] for photo in photos] == [("At the sea", "file"), (None, "person"), ("My words", "person")]
    assert len({recipe for *_, recipe in told.values()}) == 1, "all were looked at anew"
    assert value(ada, "SELECT count(*) FROM image_terms WHERE term = 'sea'") == 1


def test_keywords_of_photos_from_before_are_read_by_maintenance(ada: UUID, bucket: Bucket) -> None:
    photo, plain = (upload(ada, bucket, data) for data in (keyworded(painted(1), "Holiday"), painted(2)))
    with db.transaction(ada) as conn:
        users.next_revision(conn)
        conn.execute("DELETE FROM image_labels")
        conn.execute("UPDATE images SET keywords_due = true")
    for found in (1, 0):
        report = Report()
        keywording.read_keywords(report, now=datetime.now(UTC))
        assert report.keyworded == found
        assert shown(ada, photo) == {"Holiday": "file"}
    assert shown(ada, plain) == {}
    assert value(ada, "SELECT count(*) FROM images WHERE keywords_due") == 0


def test_photos_out_of_reach_keep_no_others_from_their_keywords(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    eve = somebody().user_id
    damaged, away, read = (upload(ada, bucket, keyworded(painted(n), "Holiday")) for n in (1, 2, 3))
    hers = upload(eve, bucket, keyworded(painted(1), "Sea"))
    for person in (ada, eve):
        with db.transaction(person) as conn:
            users.next_revision(conn)
            conn.execute("DELETE FROM image_labels")
            conn.execute("UPDATE images SET keywords_due = true")
    with db.transaction(ada) as conn:
        conn.execute("UPDATE images SET content_key = sha256(content_key) WHERE id = %s", [damaged])
        conn.execute("UPDATE blobs SET driver = 'elsewhere' WHERE image_id = %s AND name = 'metadata'", [away])
        (driver,) = {blob.driver for blob in blobs.of_images(conn, [read], ["metadata"])}
    fetch = vault.fetch

    def fetched(blob: blobs.Blob, **how: Any) -> bytes:
        if blob.driver == "elsewhere":
            raise StorageUnavailable("It does not answer.")
        return fetch(blob, **how)

    monkeypatch.setattr(vault, "fetch", fetched)
    with pytest.raises(StorageUnavailable):
        keywording.read_keywords(Report(), now=datetime.now(UTC))
    assert [shown(ada, photo) for photo in (damaged, away, read)] == [{}, {}, {"Holiday": "file"}]
    assert shown(eve, hers) == {"Sea": "file"}
    assert table(ada, "SELECT id FROM images WHERE keywords_due") == [(away,)]
    with db.transaction(ada) as conn:
        conn.execute("UPDATE blobs SET driver = %s WHERE image_id = %s", [driver, away])
    keywording.read_keywords(Report(), now=datetime.now(UTC))
    assert shown(ada, away) == {"Holiday": "file"}


def test_keywords_that_a_new_look_has_read_meanwhile_count(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = upload(ada, bucket, keyworded(painted(1), "Holiday"))
    with db.transaction(ada) as conn:
        conn.execute("UPDATE images SET keywords_due = true")
    fetch = vault.fetch

    def fetched(blob: blobs.Blob, **how: Any) -> bytes:
        with db.transaction(ada) as conn:
            users.next_revision(conn)
            things.take_keywords(conn, photo, [LabelName("holiday", "Holiday"), LabelName("sea", "Sea")])
        return fetch(blob, **how)

    monkeypatch.setattr(vault, "fetch", fetched)
    keywording.read_keywords(Report(), now=datetime.now(UTC))
    assert shown(ada, photo) == {"Holiday": "file", "Sea": "file"}


def test_what_other_models_made_than_those_that_were_asked_for_is_not_kept(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of models came while a photo was looked at: whatever was loaded first made the faces."""
    photo = upload(ada, bucket, painted(1))
    before = table(ada, "SELECT id, model_id, embedding::text FROM faces")
    use(monkeypatch, Painter(NEW))
    with monkeypatch.context() as patch:
        patch.setattr(face_finder, "provider", lambda: Painter(OLD))
        with pytest.raises(Unavailable):
            renew(ada)
    assert table(ada, "SELECT id, model_id, embedding::text FROM faces") == before
    renew(ada)
    assert models_of_faces(ada) == {NEW.name}
    see(monkeypatch, {"tree": 0.7})
    with monkeypatch.context() as patch:
        patch.setattr(labels.provider(), "model", None)
        with pytest.raises(Unavailable):
            renew(ada)
    renew(ada)
    assert shown(ada, photo) == {"tree": "vision"}


def keyworded(png: bytes, *words: str, caption: str = "") -> bytes:
    """The picture with XMP that has these words."""
    info, out = PngImagePlugin.PngInfo(), io.BytesIO()
    listed = "".join(f"<rdf:li>{word}</rdf:li>" for word in words)
    said = f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{caption}</rdf:li></rdf:Alt></dc:description>'
    info.add_itxt(
        "XML:com.adobe.xmp",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:RDF><rdf:Description><dc:subject><rdf:Bag>'
        f"{listed}</rdf:Bag></dc:subject>{said if caption else ''}</rdf:Description></rdf:RDF></x:xmpmeta>",
    )
    PIL.Image.open(io.BytesIO(png)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def shown(user_id: UUID, image_id: UUID) -> dict[str, str]:
    with db.transaction(user_id) as conn:
        return {thing.label: thing.source for thing in things.of_image(conn, image_id)}


def test_photos_from_before_looks_get_theirs_and_are_compared(ada: UUID, bucket: Bucket) -> None:
    photos = [upload(ada, bucket, painted(1, 2, 3, 4, look=n)) for n in range(2)]
    with db.transaction(ada) as conn:
        conn.execute("DELETE FROM image_looks")
        conn.execute("DELETE FROM image_marks")
        conn.execute("DELETE FROM look_alikes")
        conn.execute("UPDATE images SET vision_recipe = 0")
    renew(ada)
    assert table(ada, "SELECT image_id, compared FROM image_looks ORDER BY image_id") == [
        (photo, True) for photo in sorted(photos)
    ]
    assert value(ada, "SELECT count(*) FROM look_alikes") == 1


# ----------------------------------------------------------------------------------------------------- embeddings

UNRENEWED = (
    "SELECT i.id FROM images i WHERE NOT EXISTS (SELECT FROM image_embeddings e JOIN models m ON m.id = e.model_id "
    "WHERE e.image_id = i.id AND m.name = %s) ORDER BY i.id"
)


def embedded_by(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """From now on photos are embedded by another model, of that name."""
    other = replace(model_manifest.PHASH, name=name, weak=False)

    class Other(embeddings.PerceptualHash):
        model = other

    monkeypatch.setattr(embeddings, "provider", Other)
    monkeypatch.setattr(models, "image_model", lambda: other)


def models_of_vectors(user_id: UUID) -> list[str]:
    sql = "SELECT DISTINCT m.name FROM image_embeddings e JOIN models m ON m.id = e.model_id ORDER BY 1"
    return [row[0] for row in table(user_id, sql)]


def test_a_photo_has_the_new_vector_instead_of_the_old_one(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [upload(ada, bucket, painted(1, look=n)) for n in range(4)]
    embedded_by(monkeypatch, "tests-phash")
    renew_photos(ada, 2, monkeypatch, work=embedding.WORK)
    assert [len(alike(ada, photo)) for photo in photos] == [3] * 4  # half-way both halves find each other
    renewing.renew_some(ada, embedding.WORK)
    assert [len(alike(ada, photo)) for photo in photos] == [3] * 4
    found = table(
        ada, "SELECT e.image_id, m.name FROM image_embeddings e JOIN models m ON m.id = e.model_id ORDER BY e.image_id"
    )
    assert found == [(photo, "tests-phash") for photo in sorted(photos)]


@pytest.mark.parametrize("archived", [False, True])
def test_the_old_vectors_go_with_the_last_photo_that_waited_when_it_is_purged(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, archived: bool
) -> None:
    photos = [upload(ada, bucket, painted(1, look=n)) for n in range(3)]
    if archived:
        with db.transaction(ada) as conn:
            conn.execute("UPDATE images SET archived = true")
            conn.execute("UPDATE image_embeddings SET searchable = false")
    embedded_by(monkeypatch, "tests-phash")
    renew_photos(ada, 1, monkeypatch, work=embedding.WORK)
    waiting = [row[0] for row in table(ada, UNRENEWED, ["tests-phash"])]
    assert len(waiting) == 2
    for left, photo in enumerate(waiting):
        assert len(models_of_vectors(ada)) == 2, f"{left} purged, and one still waits"
        say(ada, images.move_to_trash, photo)
        purging.purge(ada, [photo], deleted_before=datetime.now(UTC) + timedelta(days=1))
    assert models_of_vectors(ada) == ["tests-phash"]
    assert len(photos) - len(waiting) == value(ada, "SELECT count(*) FROM image_embeddings")


def test_a_vector_that_no_other_model_made_anew_stays_whatever_is_purged(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [upload(ada, bucket, painted(1, look=n)) for n in range(3)]
    embedded_by(monkeypatch, "tests-phash")
    renew_photos(ada, 1, monkeypatch, work=embedding.WORK)
    done, given_up = table(ada, "SELECT id FROM images ORDER BY id DESC")[:2]
    assert done[0] not in (row[0] for row in table(ada, UNRENEWED, ["tests-phash"]))
    with db.transaction(ada) as conn:  # as where a photo cannot be looked at any more
        conn.execute(
            "UPDATE images SET embedding_recipe = (SELECT embedding_recipe FROM images WHERE id = %s) WHERE id = %s",
            [done[0], given_up[0]],
        )
    say(ada, images.move_to_trash, min(photos))
    purging.purge(ada, photos, deleted_before=datetime.now(UTC) + timedelta(days=1))
    found = table(
        ada, "SELECT e.image_id, m.name FROM image_embeddings e JOIN models m ON m.id = e.model_id ORDER BY e.image_id"
    )
    assert found == sorted([(done[0], "tests-phash"), (given_up[0], "phash")])


def test_of_photos_from_before_recipes_only_what_they_were_embedded_with_is_noted(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(ada, bucket, painted(1))
    with db.transaction(ada) as conn:
        conn.execute("UPDATE images SET embedding_recipe = 0")
    monkeypatch.setattr(embedding, "_embed", lambda *_: pytest.fail("there is a vector by this model"))
    renewing.renew_some(ada, embedding.WORK)
    assert value(ada, "SELECT embedding_recipe > 0 FROM images")


# ---------------------------------------------------------------------------------------------- what goes wrong


def breaking(monkeypatch: pytest.MonkeyPatch, photo: UUID, error: BaseException) -> None:
    look = vision.look

    def broken(data: bytes, image: images.Image) -> vision.Findings:
        if image.id == photo:
            raise error
        return look(data, image)

    monkeypatch.setattr(vision, "look", broken)


def later(user_id: UUID) -> None:
    """The time for another try has come."""
    with db.transaction(user_id) as conn:
        conn.execute("UPDATE renewal_tries SET tried_at = tried_at - interval '1 day'")


def test_a_photo_that_cannot_be_renewed_holds_up_nobody_and_is_not_tried_for_ever(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = library(ada, bucket)
    before = persons(ada)
    use(monkeypatch, Painter(NEW))
    breaking(monkeypatch, photos[1], ValueError("no such picture"))
    renew(ada)
    newcomer = [upload(ada, bucket, painted(8, look=50 + n)) for n in range(2)]
    build(ada)
    assert person_of(ada, newcomer[0]) == person_of(ada, newcomer[1]) is not None
    assert {person: persons(ada)[person] for person in before} == before
    for _ in range(renewals.MOST_TRIES):
        later(ada)
        renew(ada)
    assert table(ada, "SELECT image_id, given_up FROM renewal_tries") == [(photos[1], True)]
    assert value(ada, "SELECT count(DISTINCT vision_recipe) FROM images") == 1
    build(ada)
    assert {person: persons(ada)[person] for person in before} == before


def test_a_photo_that_kills_its_worker_is_left_alone_and_then_given_up(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, other = upload(ada, bucket, painted(1)), upload(ada, bucket, painted(2))
    use(monkeypatch, Painter(NEW))
    breaking(monkeypatch, photo, KeyboardInterrupt())
    for _ in range(renewals.MOST_TRIES):
        try:
            renew(ada)
        except KeyboardInterrupt:
            renew(ada)  # comes again, and finds that one claimed
        later(ada)
    renew(ada)
    assert table(ada, "SELECT image_id, given_up FROM renewal_tries") == [(photo, True)]
    assert [face.id for face in faces_in(ada, other)]
    assert models_of_faces(ada) == {OLD.name, NEW.name}


def test_storage_that_is_away_is_no_fault_of_the_photo(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = upload(ada, bucket, painted(1))
    use(monkeypatch, Painter(NEW))
    with monkeypatch.context() as patch:
        breaking(patch, photo, StorageUnavailable())
        with pytest.raises(StorageUnavailable):
            renew(ada)
    assert value(ada, "SELECT count(*) FROM renewal_tries") == 0
    renew(ada)
    assert models_of_faces(ada) == {NEW.name}


def during(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Let something happen once, while a photo is looked at."""
    look, pending = vision.look, [act]

    def wrapped(data: bytes, image: images.Image) -> vision.Findings:
        if pending:
            pending.pop()()
        return look(data, image)

    monkeypatch.setattr(vision, "look", wrapped)


def test_a_photo_purged_meanwhile_is_gone_and_leaves_no_blob(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photovault import storage

    photo = upload(ada, bucket, painted(1))
    there = {stored.key for stored in storage.driver("local").list()}

    def purge() -> None:
        say(ada, images.move_to_trash, photo)
        purging.purge(ada, [photo], deleted_before=datetime.now(UTC) + timedelta(days=1))

    use(monkeypatch, Painter(NEW))
    during(monkeypatch, purge)
    renew(ada)
    assert value(ada, "SELECT count(*) FROM images") == 0
    assert {stored.key for stored in storage.driver("local").list()} < there


def test_a_photo_that_is_being_purged_is_gone_for_whoever_claims_it(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = upload(ada, bucket, painted(1))
    use(monkeypatch, Painter(NEW))

    def claim() -> int | None:
        with db.transaction(ada) as conn:
            now = renewals.recipe_of(conn, reunderstanding.ingredients())
            return renewals.claim(conn, now, photo)

    with ThreadPoolExecutor(1) as pool:
        with db.transaction(ada) as conn:
            conn.execute("DELETE FROM images WHERE id = %s", [photo])
            claimed = pool.submit(claim)
            waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
            while not claimed.done() and not db.value(conn, waiting):
                time.sleep(0.01)
        assert claimed.result() is None


def test_of_two_that_look_at_a_photo_one_counts(ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from photovault import storage

    photo = upload(ada, bucket, painted(1))
    face = faces_in(ada, photo)[0].id
    use(monkeypatch, Painter(NEW))

    def other() -> None:
        later(ada)  # its claim ran out
        renew(ada)

    during(monkeypatch, other)
    renew(ada)
    assert [found.id for found in faces_in(ada, photo)] == [face]
    named = {key for (key,) in table(ada, "SELECT key FROM blobs UNION ALL SELECT key FROM retired_blobs")}
    mine = {stored.key for stored in storage.driver("local").list() if str(photo) in stored.key or stored.key in named}
    assert mine == named


def test_what_another_did_since_the_page_was_read_is_not_done_again(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [upload(ada, bucket, painted(1, look=n)) for n in range(3)]
    use(monkeypatch, Painter(NEW))
    looked_at: list[UUID] = []
    look = vision.look

    def counted(data: bytes, image: images.Image) -> vision.Findings:
        looked_at.append(image.id)
        return look(data, image)

    monkeypatch.setattr(vision, "look", counted)
    during(monkeypatch, lambda: renew(ada))
    renew(ada)
    assert sorted(looked_at) == sorted(photos)
    assert table(ada, "SELECT image_id FROM renewal_tries") == []


def test_a_correction_said_while_its_photo_is_looked_at_counts(
    ada: UUID, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = upload(ada, bucket, painted(6))
    face = faces_in(ada, photo)[0].id
    use(monkeypatch, Painter(NEW, blind=frozenset({6})))
    during(monkeypatch, lambda: say(ada, corrections.introduce, face, "Zoe"))
    renew(ada)
    build(ada)
    assert [found.id for found in faces_in(ada, photo)] == [face]
    assert {row[0] for row in persons(ada).values()} == {"Zoe"}
