"""Tables ``image_looks``, ``image_marks``, ``look_alikes`` and ``dismissed_look_alikes``: copies and bursts as rows.

Vision writes a photo's look with its other findings. In the same transaction, under the person's lock, it looks whether
any photo shares a mark: mostly none does, and then there is nothing to compare. Otherwise it compares the photo with
those that do afterwards (``pipeline.comparing``). Of two photos that come at once, whichever takes the lock later sees
the marks of the other: no order of events loses a pair, and none makes it twice. A photo counts as compared in the
transaction that writes its pairs, so a worker may die anywhere.

Groups are not stored. They are derived from the pairs when they are asked for (``duplicates.group``), so that trash,
restore and purge need nobody to bring them up to date: photos in the trash take no part while they are there, those in
the archive do, because a copy costs its bytes there as well.

A sketch is a picture, if a small one: it is sealed with a key of its photo, as everything that shows it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, ids
from photovault.duplicates import BURST, NEAR, Group, Kind, Pair, group
from photovault.perceptual import LOOK_VERSION

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.perceptual import Mark

MOST_CANDIDATES = 200
"""A photo is compared with so many at most, those with most marks in common first. Different pictures have hardly ever
one, so this bounds what thousands of copies of one picture cost."""

# The exposure as the camera wrote it: other sources are the same for a copy by chance, or guesses.
_TAKEN = "CASE WHEN i.taken_source = 'exif' THEN i.sort_at END"
_CAMERA = "nullif(concat_ws(' ', i.camera_make, i.camera_model), '')"


def add(
    conn: Connection, image_id: UUID, sealed_sketch: bytes, marks: Sequence[Mark], *, compared: bool = False
) -> None:
    """Keep how a photo looks; to be compared, unless it is known that there is nothing to compare it with."""
    fresh = db.value(
        conn,
        "INSERT INTO image_looks (image_id, version, sketch, compared) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (image_id) DO UPDATE SET version = excluded.version, sketch = excluded.sketch, "
        "compared = excluded.compared RETURNING xmax = 0",  # of a row that was there, xmax is this transaction
        [image_id, LOOK_VERSION, sealed_sketch, compared],
    )
    if not fresh:
        conn.execute("DELETE FROM image_marks WHERE image_id = %s", [image_id])
    conn.execute(
        "INSERT INTO image_marks (image_id, mark, x, y) "
        "SELECT %s, m.* FROM unnest(%s::int[], %s::smallint[], %s::smallint[]) AS m ON CONFLICT DO NOTHING",
        [image_id, [mark.value for mark in marks], [mark.x for mark in marks], [mark.y for mark in marks]],
    )


# ------------------------------------------------------------------------------------------- what comparing reads


@dataclass(frozen=True)
class Seen:
    """A photo to be compared, its sketch still sealed. ``taken`` and ``camera`` are those of ``duplicates.Photo``."""

    id: UUID
    order: bytes
    width: int
    height: int
    taken: datetime | None
    camera: str | None
    key_version: int
    content_key: bytes
    sketch: bytes


def waiting(conn: Connection, image_id: UUID, *, before: UUID, limit: int) -> list[UUID]:
    """This photo if it has a look and was not compared yet, and at most ``limit`` others older than the id ``before``
    that still wait: whoever was to compare them died."""
    found = conn.execute(
        "(SELECT image_id FROM image_looks WHERE NOT compared AND image_id = %(id)s) UNION ALL "
        "(SELECT image_id FROM image_looks WHERE NOT compared AND image_id < %(before)s AND image_id <> %(id)s "
        "ORDER BY image_id LIMIT %(limit)s)",
        {"id": image_id, "before": before, "limit": limit},
    ).fetchall()
    return [row[0] for row in found]


def candidates(conn: Connection, image_id: UUID, marks: Sequence[Mark] | None = None) -> list[UUID]:
    """Photos with a mark in common at about the same place, those with most foremost, and those of the same moment.

    ``marks`` are the photo's own, where they are at hand. What is looked for is read first: by values instead of a
    join, no statistics, however old, lead past the indexes.
    """
    own: Sequence[tuple[int, int, int]]
    if marks is None:
        own = conn.execute("SELECT mark, x, y FROM image_marks WHERE image_id = %s", [image_id]).fetchall()
    else:
        own = [(mark.value, mark.x, mark.y) for mark in marks]
    marked = conn.execute(
        "SELECT o.image_id FROM unnest(%(marks)s::int[], %(across)s::int[], %(down)s::int[]) AS m(mark, x, y) "
        "JOIN image_marks o ON o.mark = m.mark AND abs(o.x - m.x) <= %(near)s AND abs(o.y - m.y) <= %(near)s "
        "WHERE o.mark = ANY(%(marks)s) AND o.image_id <> %(id)s "
        "GROUP BY o.image_id ORDER BY count(*) DESC, o.image_id LIMIT %(most)s",
        {
            "id": image_id,
            "marks": [mark for mark, _, _ in own],
            "across": [x for _, x, _ in own],
            "down": [y for _, _, y in own],
            "near": NEAR,
            "most": MOST_CANDIDATES,
        },
    ).fetchall()
    return list(dict.fromkeys(row[0] for row in [*marked, *_of_the_same_moment(conn, image_id)]))


def _of_the_same_moment(conn: Connection, image_id: UUID) -> list[tuple[UUID]]:
    """Photos of the same camera, the nearest in time foremost."""
    shot = conn.execute(
        "SELECT sort_at, camera_make, camera_model FROM images WHERE id = %s AND taken_source = 'exif' "
        "AND coalesce(camera_make, camera_model) IS NOT NULL",
        [image_id],
    ).fetchone()
    if shot is None:
        return []
    at, make, model = shot
    return conn.execute(
        "SELECT id FROM images WHERE sort_at BETWEEN %(first)s AND %(last)s AND deleted_at IS NULL AND id <> %(id)s "
        "AND taken_source = 'exif' AND camera_make IS NOT DISTINCT FROM %(make)s "
        "AND camera_model IS NOT DISTINCT FROM %(model)s "
        "ORDER BY abs(extract(epoch FROM sort_at - %(at)s::timestamp)), id LIMIT %(most)s",
        {
            "id": image_id,
            "at": at,
            "first": at - BURST,
            "last": at + BURST,
            "make": make,
            "model": model,
            "most": MOST_CANDIDATES,
        },
    ).fetchall()


def seen(conn: Connection, image_ids: Collection[UUID]) -> list[Seen]:
    """Those of the photos that have a look of the current version."""
    return db.rows(
        conn,
        Seen,
        f"SELECT i.id, i.sha256 AS order, i.width, i.height, {_TAKEN} AS taken, {_CAMERA} AS camera, i.key_version, "
        "i.content_key, l.sketch FROM image_looks l JOIN images i ON i.id = l.image_id "
        "WHERE l.image_id = ANY(%s) AND l.version = %s AND i.width > 0 AND i.height > 0",
        [list(image_ids), LOOK_VERSION],
    )


def write(conn: Connection, image_id: UUID, found: Iterable[Pair]) -> None:
    """The pairs of a photo, which then counts as compared. Photos that were purged meanwhile are left out: the person's
    lock is held, so none goes now."""
    pairs = list(found)
    conn.execute(
        "INSERT INTO look_alikes (image_a, image_b, kind, score, share) "
        "SELECT p.a, p.b, p.kind, p.score, p.share "
        "FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::real[], %s::real[]) AS p(a, b, kind, score, share) "
        "JOIN images a ON a.id = p.a JOIN images b ON b.id = p.b ON CONFLICT (image_a, image_b) DO NOTHING",
        [
            [pair.a for pair in pairs],
            [pair.b for pair in pairs],
            [pair.kind for pair in pairs],
            [pair.score for pair in pairs],
            [pair.share for pair in pairs],
        ],
    )
    conn.execute("UPDATE image_looks SET compared = true WHERE image_id = %s", [image_id])


# ---------------------------------------------------------------------------------------------------------- groups


@dataclass(frozen=True)
class Found:
    """A group with the pairs among its members. ``latest`` is the local time of its newest photo."""

    group: Group
    pairs: tuple[Pair, ...]
    latest: datetime
    dismissed: bool


def offered(conn: Connection) -> list[Found]:
    """All groups that were not dismissed, the newest first."""
    return [one for one in all_groups(conn) if not one.dismissed]


def get(conn: Connection, group_id: UUID) -> Found | None:
    """A group, dismissed or not."""
    return next((one for one in all_groups(conn) if one.group.id == group_id), None)


def all_groups(conn: Connection) -> list[Found]:
    """All groups of photos outside the trash, the newest first."""
    pairs = db.rows(conn, Pair, "SELECT image_a AS a, image_b AS b, kind, score, share FROM look_alikes")
    # One after the other: a join of both would be left to statistics, which lag behind a bulk upload.
    shown = conn.execute(
        "SELECT id, sha256, sort_at FROM images WHERE id = ANY(%s) AND deleted_at IS NULL AND status <> 'rejected'",
        [list({photo for pair in pairs for photo in (pair.a, pair.b)})],
    ).fetchall()
    order: dict[UUID, bytes] = {photo: bytes(sha256) for photo, sha256, _ in shown}
    taken: dict[UUID, datetime] = {photo: at for photo, _, at in shown}
    pairs = [pair for pair in pairs if pair.a in order and pair.b in order]
    dismissals = _dismissals(conn)
    groups = group(pairs, order)
    of_member = {(one.kind, member): one.id for one in groups for member in one.members}
    within: dict[UUID, list[Pair]] = {one.id: [] for one in groups}
    for pair in pairs:
        home = of_member.get((pair.kind, pair.a))
        if home is not None and home == of_member.get((pair.kind, pair.b)):
            within[home].append(pair)
    found = [
        Found(
            group=one,
            pairs=tuple(within[one.id]),
            latest=max(taken[member] for member in one.members),
            dismissed=any(gone.issuperset(one.members) for gone in dismissals.get(one.kind, ())),
        )
        for one in groups
    ]
    return sorted(found, key=lambda one: (one.latest, one.group.id), reverse=True)


def _dismissals(conn: Connection) -> dict[Kind, list[set[UUID]]]:
    found: dict[Kind, dict[UUID, set[UUID]]] = {}
    for dismissal, kind, image_id in conn.execute("SELECT dismissal_id, kind, image_id FROM dismissed_look_alikes"):
        found.setdefault(kind, {}).setdefault(dismissal, set()).add(image_id)
    return {kind: list(sets.values()) for kind, sets in found.items()}


def dismiss(conn: Connection, group: Group) -> None:
    """Do not offer these photos, or some of them, as such a group again. When another joins them, they are."""
    conn.execute(
        "INSERT INTO dismissed_look_alikes (dismissal_id, image_id, kind) SELECT %s, unnest(%s::uuid[]), %s",
        [ids.new(), list(group.members), group.kind],
    )
