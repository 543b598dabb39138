"""Exports as rows: what they cover, what they do not, and how many statements a page costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.arranging import LISBON, add_photo, add_photos, build, face_of, table, value
from tests.vaults import Somebody, somebody

from photovault import album_order, albums, db, exports, ids, images, users

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture
def ada(vault: object) -> Somebody:
    return somebody()


def make(who: Somebody) -> exports.Export:
    with db.transaction(who.user_id) as conn:
        made = exports.get(conn, exports.add(conn))
    assert made is not None
    return made


def covered(who: Somebody, export: exports.Export, *, limit: int = 1000) -> list[UUID]:
    """All pages."""
    found: list[UUID] = []
    while True:
        with db.transaction(who.user_id) as conn:
            page = exports.images_page(conn, export, limit=limit, after=found[-1] if found else None)
        found += [image.id for image in page]
        if len(page) < limit:
            return found


def trash(who: Somebody, image_id: UUID) -> None:
    with db.transaction(who.user_id) as conn:
        images.move_to_trash(conn, image_id, revision=users.next_revision(conn))


def test_an_export_covers_what_is_sealed_and_not_in_the_trash(ada: Somebody) -> None:
    ready, rejected, archived = (
        add_photo(ada.user_id),
        add_photo(ada.user_id, status="rejected", reason="It is damaged."),
        add_photo(ada.user_id, archived=True),
    )
    add_photo(ada.user_id, status="pending", sealed_at=None)
    trash(ada, add_photo(ada.user_id))
    made = make(ada)
    assert (made.photos, made.bytes) == (3, 3000)
    assert covered(ada, made) == [ready, rejected, archived]
    with db.transaction(ada.user_id) as conn:
        assert exports.counts(conn) == exports.Counts(albums=0, people=0, waiting=1, in_trash=1)


def test_an_empty_vault_makes_an_empty_export(ada: Somebody) -> None:
    made = make(ada)
    assert (made.photos, made.bytes, made.up_to) == (0, 0, None)
    add_photo(ada.user_id)
    assert covered(ada, made) == []


def test_what_comes_later_is_not_in_it_and_what_goes_leaves_it(ada: Somebody) -> None:
    first = add_photos(ada.user_id, 5)
    announced = add_photo(ada.user_id, status="pending", sealed_at=None)
    made = make(ada)
    add_photos(ada.user_id, 3)
    with db.transaction(ada.user_id) as conn:
        assert images.mark_sealed(conn, announced, revision=users.next_revision(conn))
    assert covered(ada, made) == first
    trash(ada, first[0])
    with db.transaction(ada.user_id) as conn:
        images.delete_row(conn, first[2])
    assert covered(ada, made) == [first[1], first[3], first[4]]


def test_pages_of_any_size_hold_the_same_photos(ada: Somebody) -> None:
    photos = add_photos(ada.user_id, 7)
    made = make(ada)
    for limit in (1, 2, 3, 7, 8):
        assert covered(ada, made, limit=limit) == photos


def test_an_export_expires_and_maintenance_forgets_it(ada: Somebody) -> None:
    old, new = make(ada), make(ada)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE exports SET created_at = created_at - interval '31 days' WHERE id = %s", [old.id])
        assert exports.get(conn, old.id) is None
        assert exports.get(conn, new.id) == new
    with db.maintenance() as conn:
        exports.forget_expired(conn)
    assert table(ada.user_id, "SELECT id FROM exports") == [(new.id,)]
    with db.transaction(ada.user_id) as conn:
        assert exports.delete(conn, new.id)
        assert not exports.delete(conn, new.id)


def test_nobody_sees_somebody_elses(ada: Somebody) -> None:
    grace = somebody()
    add_photo(ada.user_id)
    made = make(ada)
    with db.transaction(grace.user_id) as conn:
        assert exports.get(conn, made.id) is None
        assert not exports.delete(conn, made.id)
        assert exports.images_page(conn, made, limit=10, after=None) == []
    assert make(grace).photos == 0


def test_what_hangs_on_photos_is_told_of_each(ada: Somebody) -> None:
    together = add_photo(ada.user_id, faces=[face_of(1), face_of(2)], where=LISBON)
    alone = add_photo(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        model = conn.execute("SELECT id FROM models LIMIT 1").fetchone()
        assert model
        for label, score in (("cat", 0.5), ("dog", 0.9)):
            conn.execute(
                "INSERT INTO image_labels (image_id, label, model_id, score) VALUES (%s, %s, %s, %s)",
                [together, label, model[0], score],
            )
        revision = users.next_revision(conn)
        kept = albums.add(conn, title="Kept", description=None, image_ids=[together, alone], revision=revision)
        gone = albums.add(conn, title="Gone", description=None, image_ids=[together], revision=revision)
        album = albums.get(conn, gone)
        assert album
        albums.delete(conn, album, revision=revision)
        found = exports.belongings(conn, [alone, together])
    assert len(found[together].faces) == 2
    assert [label.label for label in found[together].labels] == ["dog", "cat"]
    assert list(found[together].album_ids) == [kept]
    assert found[alone] == exports.Belongings([], [], (), [kept], {})
    with db.transaction(ada.user_id) as conn:
        album = albums.get(conn, kept)
        assert album
        album_order.move(conn, album, [alone, together], "start", revision=users.next_revision(conn))
        found = exports.belongings(conn, [alone, together])
    assert found[alone].positions[kept] < found[together].positions[kept]


def test_albums_and_people_come_in_pages(ada: Somebody) -> None:
    for who in (1, 2):
        for look in range(3):
            add_photo(ada.user_id, faces=[face_of(who, look)], where=LISBON)
    build(ada.user_id)
    for reader, sql in (
        (exports.albums_page, "SELECT id FROM albums ORDER BY id"),
        (exports.people_page, "SELECT id FROM person_clusters ORDER BY id"),
    ):
        every = [row[0] for row in table(ada.user_id, sql)]
        assert len(every) > 1
        with db.transaction(ada.user_id) as conn:
            first = reader(conn, limit=1, after=None)
            rest = reader(conn, limit=100, after=first[0].id)
        assert [row.id for row in (*first, *rest)] == every


def test_three_thousand_photos_are_paged_by_their_ids(ada: Somebody) -> None:
    """A page costs the same wherever in the vault it lies."""
    template = add_photo(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        columns = "filename, content_type, bytes, status, key_version, content_key, sealed_at, sort_at"
        conn.execute(
            f"INSERT INTO images (id, sha256, {columns}) SELECT u.id, sha256(u.id::text::bytea), {columns} "
            "FROM images i, unnest(%s::uuid[]) AS u(id) WHERE i.id = %s".encode(),
            [[ids.new() for _ in range(2999)], template],
        )
    made = make(ada)
    assert (made.photos, made.bytes) == (3000, 3_000_000)
    found = covered(ada, made, limit=200)
    assert len(set(found)) == 3000
    assert found == sorted(found)
    assert made.created_at - datetime.now(made.created_at.tzinfo) < timedelta(seconds=1)
    assert value(ada.user_id, "SELECT count(*) FROM exports") == 1
