"""The table ``exports``, and what an export lists: a person's photos as they were at one moment, page by page.

An export is a bound, not a copy: the photos that were sealed and not in the trash when it was asked for. Later uploads
do not shift its pages, because ids are in order of time. What was thrown away since is left out, what moved or was
edited is shown as it is now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import albums, db, ids, images, labelling, people, things
from photovault.images import Image

if TYPE_CHECKING:
    from photovault.db import Connection

# Also in the policy that lets maintenance delete them.
LIFETIME = timedelta(days=30)
# What of a photo is exported: everything that the person gave, nothing that the vault made of it.
BLOBS = ("original", "motion")

_COVERED = "i.sealed_at IS NOT NULL AND i.deleted_at IS NULL"


@dataclass(frozen=True)
class Export:
    """``photos`` and ``bytes`` (of their originals) are as of ``created_at``; ``up_to`` is None for an empty vault."""

    id: UUID
    up_to: UUID | None
    photos: int
    bytes: int
    created_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.created_at + LIFETIME


@dataclass(frozen=True)
class Counts:
    """What else there is now. ``waiting`` and ``in_trash`` are photos that no export covers."""

    albums: int
    people: int
    waiting: int
    in_trash: int


def add(conn: Connection) -> UUID:
    """A new export of every photo that is sealed and not in the trash, be it rejected; its id."""
    export_id = ids.new()
    # The clock and not the transaction's begin: whatever this statement sees was sealed before.
    conn.execute(
        "INSERT INTO exports (id, up_to, photos, bytes, created_at) "
        "SELECT %s, (array_agg(i.id ORDER BY i.id DESC))[1], count(*), coalesce(sum(i.bytes), 0), clock_timestamp() "
        f"FROM images i WHERE {_COVERED}",
        [export_id],
    )
    return export_id


def get(conn: Connection, export_id: UUID) -> Export | None:
    """None for one that has expired, too."""
    return db.row(
        conn,
        Export,
        "SELECT id, up_to, photos, bytes, created_at FROM exports WHERE id = %s AND created_at > now() - %s",
        [export_id, LIFETIME],
    )


def delete(conn: Connection, export_id: UUID) -> bool:
    """Whether there was such an export."""
    return bool(db.value(conn, "DELETE FROM exports WHERE id = %s RETURNING true", [export_id]))


def forget_expired(conn: Connection) -> None:
    """Delete everybody's exports that have expired; asked as maintenance."""
    conn.execute("DELETE FROM exports WHERE created_at < now() - %s", [LIFETIME])


def counts(conn: Connection) -> Counts:
    found = db.row(
        conn,
        Counts,
        "SELECT (SELECT count(*) FROM albums WHERE deleted_at IS NULL) AS albums, "
        "(SELECT count(*) FROM person_clusters) AS people, "
        "(SELECT count(*) FROM images WHERE sealed_at IS NULL AND status <> 'rejected' AND deleted_at IS NULL) "
        "AS waiting, (SELECT count(*) FROM images WHERE deleted_at IS NOT NULL) AS in_trash",
    )
    assert found is not None  # noqa: S101 - a SELECT without FROM has one row
    return found


# ------------------------------------------------------------------------------------------------- what it lists


def images_page(conn: Connection, export: Export, *, limit: int, after: UUID | None) -> list[Image]:
    """The export's photos in the order of their ids, after one."""
    return db.rows(
        conn,
        Image,
        f"SELECT {images.QUALIFIED_COLUMNS} FROM images i WHERE {_COVERED} AND i.id <= %(up_to)s "
        "AND i.sealed_at <= %(at)s AND (%(after)s::uuid IS NULL OR i.id > %(after)s) ORDER BY i.id LIMIT %(limit)s",
        {"up_to": export.up_to, "at": export.created_at, "after": after, "limit": limit},
    )


# Albums and people are few: a page sorts all of a person's, because in the order of ids alone the planner would walk
# over everybody's.


@dataclass(frozen=True)
class Album:
    """``why`` is the reason that an automatic album gives for itself, ``filter`` what a smart one follows."""

    id: UUID
    kind: albums.Kind
    title: str
    description: str | None
    sort: albums.Sort
    filter: dict[str, Any] | None
    why: dict[str, Any] | None
    first_day: date | None
    last_day: date | None
    cover_image_id: UUID | None
    created_at: datetime


def albums_page(conn: Connection, *, limit: int, after: UUID | None) -> list[Album]:
    """All albums in the order of their ids, after one; those that the person removed are left out."""
    return db.rows(
        conn,
        Album,
        "WITH own AS MATERIALIZED (SELECT id, kind, title, description, sort, filter, why, first_day, last_day, "
        "cover_image_id, created_at FROM albums WHERE deleted_at IS NULL) "
        "SELECT * FROM own WHERE %(after)s::uuid IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s",
        {"after": after, "limit": limit},
    )


@dataclass(frozen=True)
class Person:
    id: UUID
    name: str | None
    birthday: date | None
    hidden: bool
    face_count: int
    image_count: int
    created_at: datetime


def people_page(conn: Connection, *, limit: int, after: UUID | None) -> list[Person]:
    """All persons in the order of their ids, after one, named or not."""
    return db.rows(
        conn,
        Person,
        "WITH own AS MATERIALIZED "
        "(SELECT id, name, birthday, hidden, face_count, image_count, created_at FROM person_clusters) "
        "SELECT * FROM own WHERE %(after)s::uuid IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s",
        {"after": after, "limit": limit},
    )


@dataclass(frozen=True)
class Belongings:
    """What hangs on a photo: its faces from left to right, its labels clearest first, those that the person took away,
    the albums that it is in, and its positions in those that a person put in order."""

    faces: Sequence[people.FaceInPhoto]
    labels: Sequence[things.Thing]
    removed_labels: Sequence[str]
    album_ids: Sequence[UUID]
    positions: Mapping[UUID, float]


@dataclass(frozen=True)
class _Label(things.Thing):
    image_id: UUID


def belongings(conn: Connection, image_ids: Sequence[UUID]) -> dict[UUID, Belongings]:
    """Of each of these photos, in four statements however many they are."""
    wanted = list(image_ids)
    faces: dict[UUID, list[people.FaceInPhoto]] = defaultdict(list)
    for face in people.faces_of_images(conn, wanted):
        faces[face.image_id].append(face)
    labels: dict[UUID, list[things.Thing]] = defaultdict(list)
    for label in db.rows(
        conn,
        _Label,
        "SELECT image_id, coalesce(name, label) AS label, score, source FROM image_labels WHERE image_id = ANY(%s) "
        "ORDER BY image_id, score DESC, image_labels.label",
        [wanted],
    ):
        labels[label.image_id].append(label)
    removed = labelling.removed_from(conn, wanted)
    memberships: dict[UUID, list[UUID]] = defaultdict(list)
    positions: dict[UUID, dict[UUID, float]] = defaultdict(dict)
    for image_id, album_id, position in conn.execute(
        "SELECT m.image_id, m.album_id, CASE WHEN a.sort = 'manual' THEN m.position END "
        "FROM album_images m JOIN albums a ON a.id = m.album_id "
        "WHERE m.image_id = ANY(%s) AND a.deleted_at IS NULL ORDER BY m.image_id, m.album_id",
        [wanted],
    ):
        memberships[image_id].append(album_id)
        if position is not None:
            positions[image_id][album_id] = position
    return {
        id_: Belongings(faces[id_], labels[id_], removed.get(id_, ()), memberships[id_], positions[id_])
        for id_ in wanted
    }
