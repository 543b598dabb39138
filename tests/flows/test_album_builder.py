"""The album builder on a real database: what it makes, what it leaves alone, and what it does when disturbed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.arranging import (
    BERLIN,
    LISBON,
    PORTO,
    START,
    Sent,
    add_photo,
    add_photos,
    build,
    face_of,
    table,
    value,
    want,
    who_is_in,
)
from tests.vaults import somebody

from photovault import albums, automatic_albums, corrections, db, drafts, images, jobs, rebuilds, reconciling, users
from photovault.errors import Unavailable
from photovault.grouping import Parameters
from photovault.model_manifest import ModelInfo
from photovault.people import FaceModel
from photovault.pipeline import albums as builder
from photovault.pipeline import regrouping

pytestmark = pytest.mark.usefixtures("vault", "sent")

# Everything that a rebuild could touch but ``rebuilds`` and ``jobs``.
TABLES = ("users", "images", "faces", "person_clusters", "albums", "album_images", "activity", "tombstones")


@pytest.fixture
def ada(vault: Path) -> UUID:
    return somebody().user_id


def everything(user_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, with the transaction that wrote each."""
    return {name: table(user_id, f"SELECT xmin::text, ctid::text, t::text FROM {name} t ORDER BY 3") for name in TABLES}


def of_kind(user_id: UUID, kind: str) -> list[albums.Album]:
    with db.transaction(user_id) as conn:
        return albums.page(conn, kind=kind, limit=100)


def members(user_id: UUID, album_id: UUID) -> set[UUID]:
    with db.transaction(user_id) as conn:
        return {member.id for member in albums.images_page(conn, album_id, limit=1000)}


def trash(user_id: UUID, image_id: UUID) -> None:
    with db.transaction(user_id) as conn:
        images.move_to_trash(conn, image_id, revision=users.next_revision(conn))
        rebuilds.want(conn)


def restore(user_id: UUID, image_id: UUID) -> None:
    with db.transaction(user_id) as conn:
        images.restore(conn, image_id, revision=users.next_revision(conn))
        rebuilds.want(conn)


def purge(user_id: UUID, image_id: UUID) -> None:
    with db.transaction(user_id) as conn:
        users.next_revision(conn)
        images.delete_row(conn, image_id)
        rebuilds.want(conn)


def edit(user_id: UUID, change: Callable[[db.Connection, int], object]) -> None:
    """What a person does by hand, as a request would do it."""
    with db.transaction(user_id) as conn:
        change(conn, users.next_revision(conn))
        rebuilds.edited(conn)
        rebuilds.want(conn)


def a_trip(user_id: UUID) -> list[UUID]:
    return add_photos(user_id, 10, hours=5, where=LISBON)


# ---- what it makes ------------------------------------------------------------------------------------------------


def test_a_library_gets_albums_of_its_place_its_month_and_its_people(ada: UUID) -> None:
    photos = [add_photo(ada, taken=START + timedelta(hours=n), where=LISBON, faces=[face_of(1, n)]) for n in range(3)]
    build(ada)
    assert [album.title for album in of_kind(ada, "place")] == ["Lisbon"]
    assert [album.title for album in of_kind(ada, "date")] == ["May 2025"]
    (person,) = of_kind(ada, "person")
    assert members(ada, person.id) == set(photos)
    assert len(set(who_is_in(ada, photos))) == 1
    assert None not in who_is_in(ada, photos)


def test_every_membership_of_an_automatic_album_says_why(ada: UUID) -> None:
    add_photos(ada, 3, where=PORTO)
    build(ada)
    assert value(ada, "SELECT count(*) FROM album_images") > 0
    assert value(ada, "SELECT count(*) FROM album_images WHERE why IS NULL") == 0
    assert value(ada, "SELECT count(*) FROM albums WHERE why IS NULL") == 0


def test_a_trip_away_from_home_becomes_an_album(ada: UUID) -> None:
    for week in range(12):
        add_photo(ada, taken=START - timedelta(days=7 * week + 10), where=BERLIN)
    a_trip(ada)
    build(ada)
    (trip,) = of_kind(ada, "trip")
    assert "Lisbon" in trip.title
    assert trip.image_count == 10


def test_photos_in_the_archive_keep_their_people_and_leave_the_albums(ada: UUID) -> None:
    kept = add_photo(ada, where=LISBON, faces=[face_of(1, 1)])
    archived = add_photo(ada, where=LISBON, faces=[face_of(1, 2)], archived=True)
    build(ada)
    first, second = who_is_in(ada, [kept, archived])
    assert first == second
    assert first is not None
    (place,) = of_kind(ada, "place")
    assert members(ada, place.id) == {kept}


def test_refused_and_pending_photos_are_in_no_album(ada: UUID) -> None:
    add_photo(ada, status="rejected", reason="Not a photo.")
    add_photo(ada, status="pending", local_day=None)
    build(ada)
    assert value(ada, "SELECT count(*) FROM albums") == 0


def test_when_a_file_was_uploaded_makes_no_album(ada: UUID) -> None:
    """A thousand pictures out of a messenger are no event of the day on which they were sent here."""
    add_photos(ada, 20, hours=0.1, where=LISBON, taken_source="upload")
    build(ada)
    assert {album.kind for album in of_kind(ada, "place") + of_kind(ada, "date") + of_kind(ada, "event")} == {"place"}


def test_nobody_else_is_touched(ada: UUID) -> None:
    grace = somebody().user_id
    add_photo(grace, where=LISBON)
    add_photo(ada, where=PORTO)
    build(ada)
    assert value(grace, "SELECT count(*) FROM albums") == 0
    assert [album.title for album in of_kind(ada, "place")] == ["Porto"]


def test_new_albums_are_news(ada: UUID) -> None:
    add_photo(ada, where=LISBON)
    build(ada)
    assert value(ada, "SELECT detail->>'albums' FROM activity WHERE kind = 'albums-built'") == "2"


# ---- what it leaves alone -------------------------------------------------------------------------------------------


def test_building_from_unchanged_data_writes_nothing(ada: UUID) -> None:
    for n in range(6):
        add_photo(ada, taken=START + timedelta(hours=7 * n), where=LISBON, faces=[face_of(1, n), face_of(2, n)])
    a_trip(ada)
    build(ada)
    before = everything(ada)
    want(ada)
    build(ada)
    assert everything(ada) == before
    assert value(ada, "SELECT built_generation = wanted_generation FROM rebuilds")


def test_a_late_photo_changes_only_what_it_belongs_to(ada: UUID) -> None:
    add_photos(ada, 2, where=LISBON)
    add_photos(ada, 2, where=PORTO, start=START + timedelta(days=300))
    build(ada)
    before = {album.id: album for album in of_kind(ada, "place") + of_kind(ada, "date")}
    revisions = dict(table(ada, "SELECT id, revision FROM albums"))
    add_photo(ada, where=LISBON, taken=START + timedelta(minutes=10))
    build(ada)
    after = {album.id: album for album in of_kind(ada, "place") + of_kind(ada, "date")}
    assert after.keys() == before.keys()
    changed = {i for i, revision in table(ada, "SELECT id, revision FROM albums") if revision != revisions[i]}
    assert {after[i].title for i in changed} == {"Lisbon", "Portugal", "May 2025"}


def test_what_a_person_edited_stays(ada: UUID) -> None:
    photos = add_photos(ada, 2, where=LISBON)
    build(ada)
    (album,) = of_kind(ada, "place")
    edit(ada, lambda conn, revision: albums.set_title(conn, album.id, "Our town", revision=revision))
    edit(ada, lambda conn, revision: albums.set_cover(conn, album.id, photos[1], revision=revision))
    edit(ada, lambda conn, revision: albums.set_description(conn, album.id, "Sunny", revision=revision))
    add_photos(ada, 3, where=LISBON, start=START + timedelta(days=1))
    build(ada)
    (after,) = of_kind(ada, "place")
    assert (after.id, after.title, after.description) == (album.id, "Our town", "Sunny")
    assert after.cover_image_id == photos[1]
    assert after.image_count == 5


def test_a_cover_that_is_gone_for_good_is_the_rules_again(ada: UUID) -> None:
    photos = add_photos(ada, 3, where=LISBON)
    build(ada)
    (album,) = of_kind(ada, "place")
    edit(ada, lambda conn, revision: albums.set_cover(conn, album.id, photos[2], revision=revision))
    purge(ada, photos[2])
    build(ada)
    (after,) = of_kind(ada, "place")
    assert after.cover_image_id in photos[:2]
    add_photos(ada, 4, where=LISBON, start=START + timedelta(days=1))
    build(ada)
    (later,) = of_kind(ada, "place")
    assert later.cover_image_id not in photos, "the middle has moved"


def test_a_title_given_back_is_the_rules_again(ada: UUID) -> None:
    add_photo(ada, where=LISBON)
    build(ada)
    (album,) = of_kind(ada, "place")
    edit(ada, lambda conn, revision: albums.set_title(conn, album.id, "Our town", revision=revision))
    edit(ada, lambda conn, revision: albums.set_title(conn, album.id, None, revision=revision))
    build(ada)
    assert [after.title for after in of_kind(ada, "place")] == ["Lisbon"]


def test_a_deleted_album_does_not_come_back(ada: UUID) -> None:
    add_photo(ada, where=LISBON)
    build(ada)
    (album,) = of_kind(ada, "place")
    edit(ada, lambda conn, revision: albums.delete(conn, album, revision=revision))
    add_photos(ada, 3, where=LISBON)
    build(ada)
    assert of_kind(ada, "place") == []


def test_a_deleted_trip_does_not_come_back_when_photos_join_it(ada: UUID) -> None:
    for week in range(12):
        add_photo(ada, taken=START - timedelta(days=7 * week + 10), where=BERLIN)
    a_trip(ada)
    build(ada)
    (trip,) = of_kind(ada, "trip")
    edit(ada, lambda conn, revision: albums.delete(conn, trip, revision=revision))
    for extra in range(3):
        add_photo(ada, taken=START - timedelta(hours=1 + extra), where=LISBON)
        build(ada)
    assert of_kind(ada, "trip") == []


def test_an_album_without_photos_goes_and_leaves_a_tombstone(ada: UUID) -> None:
    photo = add_photo(ada, where=LISBON)
    build(ada)
    ids = {album.id for album in of_kind(ada, "place") + of_kind(ada, "date")}
    trash(ada, photo)
    build(ada)
    assert of_kind(ada, "place") + of_kind(ada, "date") == []
    assert {row[0] for row in table(ada, "SELECT subject_id FROM tombstones WHERE kind = 'album'")} == ids
    purge(ada, photo)
    build(ada)
    assert value(ada, "SELECT count(*) FROM albums") == 0
    assert value(ada, "SELECT count(*) FROM tombstones WHERE kind = 'album'") == len(ids), "they were gone before"


def test_a_photo_from_the_trash_is_back_in_the_same_albums(ada: UUID) -> None:
    photo = add_photo(ada, where=LISBON)
    build(ada)
    before = {album.id: album.title for album in of_kind(ada, "place") + of_kind(ada, "date")}
    trash(ada, photo)
    build(ada)
    restore(ada, photo)
    build(ada)
    assert {album.id: album.title for album in of_kind(ada, "place") + of_kind(ada, "date")} == before


def test_a_renamed_album_survives_the_trash(ada: UUID) -> None:
    photo = add_photo(ada, where=LISBON)
    build(ada)
    (album,) = of_kind(ada, "place")
    edit(ada, lambda conn, revision: albums.set_title(conn, album.id, "Our town", revision=revision))
    trash(ada, photo)
    build(ada)
    assert of_kind(ada, "place") == []
    restore(ada, photo)
    build(ada)
    assert [(after.id, after.title) for after in of_kind(ada, "place")] == [(album.id, "Our town")]


def test_albums_by_hand_are_left_alone(ada: UUID) -> None:
    photo = add_photo(ada, where=LISBON)
    with db.transaction(ada) as conn:
        revision = users.next_revision(conn)
        made = albums.add(conn, title="Mine", description=None, image_ids=[photo], revision=revision)
    build(ada)
    assert [album.id for album in of_kind(ada, "manual")] == [made]
    assert members(ada, made) == {photo}


# ---- people ---------------------------------------------------------------------------------------------------------


def test_people_do_not_depend_on_batches(ada: UUID) -> None:
    grace = somebody().user_id
    looks = [(who, look) for look in range(4) for who in (1, 2, 3)]
    for user_id, batch in ((ada, 1), (grace, len(looks))):
        for n, (who, look) in enumerate(looks):
            add_photo(user_id, sha256=bytes([who, look] * 16), faces=[face_of(who, look)])
            if (n + 1) % batch == 0:
                build(user_id)
    shapes = []
    for user_id in (ada, grace):
        groups = table(
            user_id,
            "SELECT array_agg(encode(i.sha256, 'hex') ORDER BY i.sha256) FROM faces f "
            "JOIN images i ON i.id = f.image_id WHERE f.person_id IS NOT NULL GROUP BY f.person_id ORDER BY 1",
        )
        shapes.append(groups)
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) == 3


def test_a_person_keeps_id_and_name_when_photos_come(ada: UUID) -> None:
    photos = [add_photo(ada, faces=[face_of(1, n)]) for n in range(2)]
    build(ada)
    person = who_is_in(ada, photos)[0]
    assert person is not None
    edit(ada, lambda conn, revision: corrections.name(conn, person, "Grace", revision=revision))
    late = add_photo(ada, faces=[face_of(1, 9)])
    build(ada)
    assert who_is_in(ada, [late]) == [person]
    assert value(ada, "SELECT name FROM person_clusters WHERE id = %s", [person]) == "Grace"
    assert [album.title for album in of_kind(ada, "person")] == ["Grace"]
    counts = table(ada, "SELECT face_count, image_count FROM person_clusters")
    assert counts == [(3, 3)]


def test_hidden_people_have_no_album(ada: UUID) -> None:
    photos = [add_photo(ada, faces=[face_of(1, n)]) for n in range(2)]
    build(ada)
    assert len(of_kind(ada, "person")) == 1
    person = who_is_in(ada, photos)[0]
    edit(ada, lambda conn, _: conn.execute("UPDATE person_clusters SET hidden = true WHERE id = %s", [person]))
    build(ada)
    assert of_kind(ada, "person") == []
    assert who_is_in(ada, photos) == [person, person]


def test_somebody_whose_photos_are_all_in_the_trash_comes_back_with_them(ada: UUID) -> None:
    photos = [add_photo(ada, faces=[face_of(1, n)]) for n in range(2)]
    build(ada)
    person = who_is_in(ada, photos)[0]
    assert person is not None
    edit(ada, lambda conn, revision: corrections.name(conn, person, "Grace", revision=revision))
    build(ada)
    for photo in photos:
        trash(ada, photo)
    build(ada)
    assert table(ada, "SELECT face_count, image_count FROM person_clusters") == [(0, 0)]
    restore(ada, photos[0])
    build(ada)
    assert table(ada, "SELECT id, name, image_count FROM person_clusters") == [(person, "Grace", 1)]


def test_a_name_survives_the_photo_that_it_was_given_by(ada: UUID) -> None:
    best = add_photo(ada, faces=[face_of(1, 0, quality=0.99)])
    others = [add_photo(ada, faces=[face_of(1, n)]) for n in (1, 2)]
    build(ada)
    person = who_is_in(ada, [best])[0]
    assert person is not None
    edit(ada, lambda conn, revision: corrections.name(conn, person, "Grace", revision=revision))
    purge(ada, best)
    build(ada)
    assert who_is_in(ada, others) == [person, person]
    assert value(ada, "SELECT name FROM person_clusters WHERE id = %s", [person]) == "Grace"


def test_faces_of_two_models_are_grouped_apart_and_joined_by_a_word(ada: UUID) -> None:
    other = ModelInfo(name="tests-other", version="1", kind="face", dims=32)
    old = [add_photo(ada, faces=[face_of(1, n)]) for n in range(2)]
    new = [add_photo(ada, faces=[face_of(1, n)], model=other) for n in range(2)]
    build(ada)
    a, b = who_is_in(ada, old), who_is_in(ada, new)
    assert a[0] == a[1] != b[0] == b[1]
    kept, gone = a[0], b[0]
    assert kept is not None
    assert gone is not None
    edit(ada, lambda conn, revision: corrections.merge(conn, kept, gone, revision=revision))
    build(ada)
    assert who_is_in(ada, [*old, *new]) == [kept] * 4


def test_the_threshold_is_the_models() -> None:
    assert regrouping.parameters_of(FaceModel(1, "haar-lbp", "2", 1180)) == Parameters.of_model(0.75)
    assert regrouping.parameters_of(FaceModel(1, "sface", "0ba9fbfa.2", 128)) == Parameters.of_model(0.363)
    assert regrouping.parameters_of(FaceModel(1, "unheard-of", "1", 128)) == Parameters()


# ---- leases, edits and deadlines ------------------------------------------------------------------------------------


def test_a_held_lease_is_waited_for(ada: UUID, sent: Sent) -> None:
    add_photo(ada, where=LISBON)
    with db.transaction(ada) as conn:
        rebuilds.take_lease(conn)
    build(ada)
    assert value(ada, "SELECT count(*) FROM albums") == 0
    (delay,) = sent.albums()
    assert delay is not None
    assert delay > 300


def test_an_expired_lease_is_taken_over(ada: UUID) -> None:
    add_photo(ada, where=LISBON)
    with db.transaction(ada) as conn:
        rebuilds.take_lease(conn)
        conn.execute("UPDATE rebuilds SET lease_expires_at = now() - interval '1 second'")
    build(ada)
    assert value(ada, "SELECT count(*) FROM albums") == 2


def test_nothing_is_done_when_nothing_is_wanted(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)
    build(ada)
    monkeypatch.setattr(builder, "_build", lambda *_: pytest.fail("built again"))
    build(ada)


def test_somebody_who_is_gone_is_nobodys_albums(vault: Path) -> None:
    user_id = somebody().user_id
    with db.transaction(user_id) as conn:
        conn.execute("DELETE FROM users")
    build(user_id)
    assert value(user_id, "SELECT count(*) FROM albums") == 0


def disturb(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[int]:
    """Run ``act`` once, between the first computing and its write; counts the passes."""
    passes: list[int] = []

    def reach(name: str) -> None:
        if name == "albums.before-write":
            passes.append(1)
            if len(passes) == 1:
                act()

    monkeypatch.setattr(builder.failpoints, "reach", reach)
    return passes


def test_an_edit_during_a_build_makes_it_start_again(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)
    build(ada)
    (album,) = of_kind(ada, "place")
    add_photo(ada, where=LISBON)
    passes = disturb(
        monkeypatch,
        lambda: edit(ada, lambda conn, revision: albums.delete(conn, album, revision=revision)),
    )
    build(ada)
    assert len(passes) == 2
    assert of_kind(ada, "place") == []
    assert value(ada, "SELECT built_generation = wanted_generation AND lease_token IS NULL FROM rebuilds")


def test_a_photo_that_arrives_during_a_build_is_built_too(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)
    passes = disturb(monkeypatch, lambda: add_photo(ada, where=PORTO))
    build(ada)
    assert len(passes) == 2
    assert {album.title for album in of_kind(ada, "place")} == {"Lisbon", "Porto", "Portugal"}
    assert value(ada, "SELECT built_generation = wanted_generation AND lease_token IS NULL FROM rebuilds")


def test_a_photo_that_goes_for_good_during_a_build_does_no_harm(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)
    doomed = add_photo(ada, where=PORTO, faces=[face_of(1)])

    disturb(monkeypatch, lambda: purge(ada, doomed))
    build(ada)
    assert [album.title for album in of_kind(ada, "place")] == ["Lisbon"]


def test_a_builder_that_slept_through_its_lease_writes_nothing(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)

    def lose() -> None:
        with db.transaction(ada) as conn:
            conn.execute("UPDATE rebuilds SET lease_expires_at = now() - interval '1 second'")
            rebuilds.take_lease(conn)

    passes = disturb(monkeypatch, lose)
    build(ada)
    assert len(passes) == 1
    assert value(ada, "SELECT count(*) FROM albums") == 0
    assert value(ada, "SELECT lease_token IS NOT NULL FROM rebuilds")


def test_a_library_that_takes_longer_than_the_function_may_run_is_not_tried_for_ever(ada: UUID, sent: Sent) -> None:
    """Sending itself again each time, it would run day and night; the queue counts failures, and calls somebody."""
    add_photo(ada, where=LISBON)
    left = iter([299.0, 299.0])
    with pytest.raises(Unavailable):
        builder.handle(ada, remaining=lambda: next(left, 29.0))
    assert sent.albums() == []
    assert value(ada, "SELECT lease_token IS NULL FROM rebuilds")


def test_near_the_end_of_its_time_a_builder_hands_over(ada: UUID, sent: Sent) -> None:
    add_photo(ada, where=LISBON)
    builder.handle(ada, remaining=lambda: 29.0)
    assert sent.albums() == [None]
    assert value(ada, "SELECT lease_token IS NULL FROM rebuilds")
    build(ada)
    assert value(ada, "SELECT count(*) FROM albums") == 2


def test_after_an_error_the_next_delivery_begins_at_once(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)
    with db.transaction(ada) as conn:
        job = jobs.add(conn, "albums", generation=rebuilds.want(conn))
    with monkeypatch.context() as patch:
        patch.setattr(builder.drafting, "draft", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build(ada)
    with db.transaction(ada) as conn:
        shown = jobs.get(conn, job)
    assert shown is not None
    assert (shown.state, shown.error) == ("running", "The last attempt failed; it is tried again.")
    build(ada)
    with db.transaction(ada) as conn:
        shown = jobs.get(conn, job)
    assert shown is not None
    assert (shown.state, shown.error, shown.done) == ("done", None, shown.total)


# ---- jobs -----------------------------------------------------------------------------------------------------------


def test_a_job_rises_step_by_step_to_its_total(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)
    with db.transaction(ada) as conn:
        job = jobs.add(conn, "albums", generation=rebuilds.want(conn))
    seen: list[tuple[Any, ...]] = []

    def progress(*arguments: Any, **named: Any) -> None:
        original(*arguments, **named)
        with db.transaction(ada) as conn:
            now = jobs.get(conn, job)
        assert now is not None
        seen.append((now.state, now.stage, now.done, now.total))

    original = builder._progress
    monkeypatch.setattr(builder, "_progress", progress)
    build(ada)
    stages = ("people", "arranging", "comparing", "writing")
    assert seen == [("running", stage, done, 4) for done, stage in enumerate(stages)]
    with db.transaction(ada) as conn:
        done = jobs.get(conn, job)
    assert done is not None
    assert (done.state, done.stage, done.done, done.total) == ("done", None, 4, 4)
    assert done.finished_at is not None


def test_a_cancelled_job_ends_and_the_albums_are_built(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(ada, where=LISBON)
    with db.transaction(ada) as conn:
        job = jobs.add(conn, "albums", generation=rebuilds.want(conn))
        jobs.progress(conn, "albums", generation=100, stage="people", done=1, total=4)
        jobs.cancel(conn, job)
    build(ada)
    with db.transaction(ada) as conn:
        shown = jobs.get(conn, job)
    assert shown is not None
    assert (shown.state, shown.error) == ("failed", jobs.CANCELLED)
    assert value(ada, "SELECT count(*) FROM albums") == 2


# ---- the difference -------------------------------------------------------------------------------------------------


def test_keys_may_change_places(ada: UUID) -> None:
    """Two albums swap keys in one write, each of which is unique all the time."""
    photos = [add_photo(ada, where=LISBON), add_photo(ada, where=PORTO)]
    build(ada)
    lisbon, porto = (a for a in sorted(of_kind(ada, "place"), key=lambda a: a.title) if a.key and "city" in a.key)

    def change(album: albums.Album, key: str | None) -> reconciling.Change:
        day = START.date()
        draft = drafts.Draft("place", key or "", album.title, day, day, photos[0], {"rule": "place"}, ())
        return reconciling.Change(album.id, reconciling.Packer().pack(draft), row=True)

    with db.transaction(ada) as conn:
        revision = users.next_revision(conn)
        automatic_albums.free_keys(conn, [lisbon.id, porto.id])
        swapped = [change(lisbon, porto.key), change(porto, lisbon.key)]
        automatic_albums.write(conn, swapped, revision=revision)
    keys = dict(table(ada, "SELECT id, key FROM albums"))
    assert (keys[lisbon.id], keys[porto.id]) == (porto.key, lisbon.key)


def test_while_photos_are_on_their_way_albums_are_built_once_a_minute(ada: UUID, sent: Sent) -> None:
    add_photos(ada, 2)
    build(ada)
    late = add_photo(ada)
    with db.transaction(ada) as conn:
        conn.execute("UPDATE images SET status = 'processing' WHERE id = %s", [late])
    want(ada)
    builder.handle(ada, remaining=lambda: 300)
    assert is_due(ada), "another photo is still on its way"
    assert sent.albums() == []
    with db.transaction(ada) as conn:
        conn.execute("UPDATE rebuilds SET built_at = built_at - interval '2 minutes'")
    builder.handle(ada, remaining=lambda: 300)
    assert not is_due(ada), "a minute is long enough to wait"
    (delay,) = sent.albums()  # whatever becomes of the photo that is on its way, nobody waits for it any longer
    assert delay is not None
    assert delay > rebuilds.PAUSE.total_seconds()
    want(ada)
    with db.transaction(ada) as conn:
        conn.execute("UPDATE images SET status = 'ready' WHERE id = %s", [late])
    builder.handle(ada, remaining=lambda: 300)
    assert not is_due(ada), "the last photo ends the waiting"


def is_due(user_id: UUID) -> bool:
    with db.transaction(user_id) as conn:
        return rebuilds.is_due(conn)
