"""The tables ``image_labels`` and ``image_sights``: what a photo shows, and what else it may show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.sights import Sight


@dataclass(frozen=True)
class Thing:
    """``score`` is the detector's, 0 to 1, of the clearest sighting."""

    label: str
    score: float


@dataclass(frozen=True)
class Shown:
    """What photos show: how many that are neither archived nor in the trash, and the clearest of them."""

    label: str
    image_count: int
    best_score: float
    cover_image_id: UUID


def add(conn: Connection, image_id: UUID, model_id: int, scores: Mapping[str, float]) -> None:
    """Store what a model saw in a photo: by label, the score of its clearest sighting.

    It is browsed by as long as the photo is neither archived nor in the trash.
    """
    conn.execute(
        "INSERT INTO image_labels (image_id, label, model_id, score, searchable) "
        "SELECT i.id, seen.label, %s, seen.score, i.deleted_at IS NULL AND NOT i.archived "
        "FROM images i, unnest(%s::text[], %s::real[]) AS seen(label, score) WHERE i.id = %s",
        [model_id, list(scores), list(scores.values()), image_id],
    )


def replace(conn: Connection, image_id: UUID, model_id: int, scores: Mapping[str, float]) -> None:
    """What this model saw instead of what another did."""
    conn.execute("DELETE FROM image_labels WHERE image_id = %s", [image_id])
    add(conn, image_id, model_id, scores)


def add_sights(conn: Connection, image_id: UUID, found: Mapping[str, Sight]) -> None:
    """Store what else a photo may show."""
    conn.execute(
        "INSERT INTO image_sights (image_id, name, strength, boxes) "
        "SELECT i.id, seen.name, seen.strength, seen.boxes FROM images i, "
        "unnest(%s::text[], %s::real[], %s::smallint[]) AS seen(name, strength, boxes) WHERE i.id = %s",
        [list(found), [one.strength for one in found.values()], [one.boxes for one in found.values()], image_id],
    )


def replace_sights(conn: Connection, image_id: UUID, found: Mapping[str, Sight]) -> None:
    """What another model sees instead."""
    conn.execute("DELETE FROM image_sights WHERE image_id = %s", [image_id])
    add_sights(conn, image_id, found)


def of_image(conn: Connection, image_id: UUID) -> list[Thing]:
    """Clearest first."""
    return db.rows(
        conn,
        Thing,
        "SELECT label, score FROM image_labels WHERE image_id = %s ORDER BY score DESC, label",
        [image_id],
    )


def page(conn: Connection, *, limit: int, after: tuple[int, str] | None) -> list[Shown]:
    """Labels by how many photos show them, most first, then by name; ``after`` a count and a label.

    Counts that are kept (``rollups``) and one look-up a label (tests/benchmarks/bench_labels.py).
    """
    return db.rows(
        conn,
        Shown,
        "SELECT s.label, s.image_count, c.score AS best_score, c.image_id AS cover_image_id FROM ("
        "SELECT label, images AS image_count FROM image_things WHERE images > 0 "
        "AND (%(count)s::int IS NULL OR images < %(count)s OR (images = %(count)s AND label > %(label)s)) "
        "ORDER BY image_count DESC, label LIMIT %(limit)s) AS s "
        "CROSS JOIN LATERAL (SELECT l.score, l.image_id FROM image_labels l WHERE l.searchable AND l.label = s.label "
        "ORDER BY l.score DESC, l.image_id LIMIT 1) AS c ORDER BY s.image_count DESC, s.label",
        {"count": after[0] if after else None, "label": after[1] if after else None, "limit": limit},
    )
