"""The tables ``image_labels`` and ``image_sights``: what a photo shows, and what else it may show.

A label comes from a model, from the file's keywords or from a person (``labelling``), who has the last word: what they
said of a photo is neither taken away nor brought back by what is found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.label_names import LabelName
    from photovault.sights import Sight

Source = Literal["vision", "file", "person"]

_SAID = "SELECT FROM said_labels w WHERE w.image_id = i.id AND w.label = "


@dataclass(frozen=True)
class Thing:
    """``label`` is as it is written; ``score`` is the detector's, 0 to 1, of the clearest sighting, else 1."""

    label: str
    score: float
    source: Source


@dataclass(frozen=True)
class Shown:
    """What photos show: how many that are neither archived nor in the trash, and the clearest of them. ``name`` is how
    the ``label`` is written there."""

    label: str
    name: str
    image_count: int
    best_score: float
    cover_image_id: UUID


def add(conn: Connection, image_id: UUID, model_id: int, scores: Mapping[str, float]) -> None:
    """Store what a model saw in a photo: by label, the score of its clearest sighting.

    It is browsed by as long as the photo is neither archived nor in the trash.
    """
    seen = {"image": image_id, "model": model_id, "labels": list(scores), "scores": list(scores.values())}
    found = "unnest(%(labels)s::text[], %(scores)s::real[]) AS seen(label, score)"
    conn.execute(
        "WITH said AS (UPDATE said_labels w SET source = 'vision', model_id = %(model)s, score = seen.score "
        f"FROM {found} WHERE w.image_id = %(image)s AND w.label = seen.label AND w.source IS DISTINCT FROM 'file') "
        "INSERT INTO image_labels (image_id, label, model_id, score, searchable) "
        "SELECT i.id, seen.label, %(model)s, seen.score, i.deleted_at IS NULL AND NOT i.archived "
        f"FROM images i, {found} WHERE i.id = %(image)s AND NOT EXISTS ({_SAID} seen.label) "
        "ON CONFLICT DO NOTHING".encode(),
        seen,
    )


def replace(conn: Connection, image_id: UUID, model_id: int, scores: Mapping[str, float]) -> None:
    """What this model saw instead of what another did."""
    conn.execute("DELETE FROM image_labels WHERE image_id = %s AND source = 'vision'", [image_id])
    conn.execute(
        "UPDATE said_labels SET source = NULL, model_id = NULL, score = NULL WHERE image_id = %s AND source = 'vision'",
        [image_id],
    )
    add(conn, image_id, model_id, scores)


def take_keywords(conn: Connection, image_id: UUID, keywords: Sequence[LabelName]) -> None:
    """What the file says, instead of what it said before."""
    told = {
        "image": image_id,
        "labels": [word.key for word in keywords],
        "names": [word.name for word in keywords],
    }
    found = "unnest(%(labels)s::text[], %(names)s::text[]) AS told(label, name)"
    conn.execute(
        f"""
        WITH gone AS (
            DELETE FROM image_labels WHERE image_id = %(image)s AND source = 'file' AND label <> ALL(%(labels)s)
        ), said_no_more AS (
            UPDATE said_labels SET source = NULL, score = NULL
            WHERE image_id = %(image)s AND source = 'file' AND label <> ALL(%(labels)s)
        ), said AS (
            UPDATE said_labels w SET source = 'file', model_id = NULL, score = 1, name = told.name
            FROM {found} WHERE w.image_id = %(image)s AND w.label = told.label
        ), read AS (
            UPDATE images SET keywords_due = false WHERE id = %(image)s AND keywords_due
        )
        INSERT INTO image_labels AS l (image_id, label, name, source, score, searchable)
        SELECT i.id, told.label, told.name, 'file', 1, i.deleted_at IS NULL AND NOT i.archived
        FROM images i, {found} WHERE i.id = %(image)s AND NOT EXISTS ({_SAID} told.label)
        ON CONFLICT (image_id, label) DO UPDATE
            SET source = 'file', model_id = NULL, score = 1, name = excluded.name WHERE l.source = 'vision'
        """.encode(),
        told,
    )


def add_sights(conn: Connection, image_id: UUID, found: Mapping[str, Sight]) -> None:
    """Store what else a photo may show; of what a person says that it does not, only for when they take that back."""
    seen = {
        "image": image_id,
        "names": list(found),
        "strengths": [one.strength for one in found.values()],
        "boxes": [one.boxes for one in found.values()],
    }
    rows = "unnest(%(names)s::text[], %(strengths)s::real[], %(boxes)s::smallint[]) AS seen(name, strength, boxes)"
    conn.execute(
        f"WITH said AS (UPDATE said_labels w SET strength = seen.strength, boxes = seen.boxes FROM {rows} "
        "WHERE w.image_id = %(image)s AND w.label = seen.name AND NOT w.shown) "
        "INSERT INTO image_sights (image_id, name, strength, boxes) "
        f"SELECT i.id, seen.name, seen.strength, seen.boxes FROM images i, {rows} "
        f"WHERE i.id = %(image)s AND NOT EXISTS ({_SAID} seen.name AND NOT w.shown)".encode(),
        seen,
    )


def replace_sights(conn: Connection, image_id: UUID, found: Mapping[str, Sight]) -> None:
    """What another model sees instead."""
    conn.execute("DELETE FROM image_sights WHERE image_id = %s", [image_id])
    conn.execute("UPDATE said_labels SET strength = NULL, boxes = NULL WHERE image_id = %s", [image_id])
    add_sights(conn, image_id, found)


def of_image(conn: Connection, image_id: UUID) -> list[Thing]:
    """Clearest first."""
    return db.rows(
        conn,
        Thing,
        "SELECT coalesce(name, label) AS label, score, source FROM image_labels WHERE image_id = %s "
        "ORDER BY score DESC, label",
        [image_id],
    )


def page(conn: Connection, *, limit: int, after: tuple[int, str] | None, beginning: str = "") -> list[Shown]:
    """Labels by how many photos show them, most first, then by name; ``after`` a count and a label.

    With ``beginning``, those of which a word begins so, whatever its case and accents. Counts that are kept
    (``rollups``) and one look-up a label (tests/benchmarks/bench_labels.py).
    """
    return db.rows(
        conn,
        Shown,
        "SELECT s.label, coalesce(c.name, s.label) AS name, s.image_count, c.score AS best_score, "
        "c.image_id AS cover_image_id FROM ("
        "SELECT label, images AS image_count FROM image_things WHERE images > 0 "
        "AND (%(count)s::int IS NULL OR images < %(count)s OR (images = %(count)s AND label > %(label)s)) "
        "AND (%(begun)s = '' OR position(' ' || folded(%(begun)s) IN ' ' || folded(label)) > 0) "
        "ORDER BY image_count DESC, label LIMIT %(limit)s) AS s "
        "CROSS JOIN LATERAL (SELECT l.score, l.image_id, l.name FROM image_labels l "
        "WHERE l.searchable AND l.label = s.label "
        "ORDER BY l.score DESC, l.image_id LIMIT 1) AS c ORDER BY s.image_count DESC, s.label",
        {
            "count": after[0] if after else None,
            "label": after[1] if after else None,
            "limit": limit,
            "begun": beginning,
        },
    )


def of_images(
    conn: Connection, image_ids: Sequence[UUID], *, limit: int, after: tuple[int, str] | None, beginning: str = ""
) -> list[Shown]:
    """What these photos show, the archived ones too, as ``page`` has it: counts and the clearest are of them alone."""
    return db.rows(
        conn,
        Shown,
        "SELECT * FROM (SELECT l.label, coalesce(min(l.name), l.label) AS name, count(*)::int AS image_count, "
        "max(l.score) AS best_score, (array_agg(l.image_id ORDER BY l.score DESC, l.image_id))[1] AS cover_image_id "
        "FROM image_labels l JOIN images i ON i.id = l.image_id AND i.deleted_at IS NULL "
        "WHERE l.image_id = ANY(%(ids)s) AND (%(begun)s = '' "
        "OR position(' ' || folded(%(begun)s) IN ' ' || folded(l.label)) > 0) GROUP BY l.label) AS s "
        "WHERE %(count)s::int IS NULL OR image_count < %(count)s OR (image_count = %(count)s AND label > %(label)s) "
        "ORDER BY image_count DESC, label LIMIT %(limit)s",
        {
            "ids": list(image_ids),
            "count": after[0] if after else None,
            "label": after[1] if after else None,
            "limit": limit,
            "begun": beginning,
        },
    )
