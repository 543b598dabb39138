"""Full text as rows of (term, photo, weight): what ``to_tsvector`` gives, kept where a btree can find it.

A GIN index is not used under row-level security, because its operators are not leakproof; an equality on text is.
Words are kept without accents (``folded`` of migration 0019), so that "cafe" and "café" find each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from photovault.db import Connection

# How much a word counts, by where it stands.
_SOURCES = """
    SELECT coalesce(i.caption, '') AS text, 1.0 AS weight
    UNION ALL SELECT l.label, 0.6 FROM image_labels l WHERE l.image_id = i.id
    UNION ALL SELECT concat_ws(' ', i.city, i.region, i.country), 0.8
    UNION ALL SELECT regexp_replace(i.filename, '[^[:alnum:]]+', ' ', 'g'), 0.4
    UNION ALL SELECT concat_ws(' ', i.camera_make, i.camera_model), 0.3
"""


def refresh(conn: Connection, image_id: UUID) -> None:
    """Index a photo's words again, from its row and its labels."""
    refresh_all(conn, [image_id])


def refresh_all(conn: Connection, image_ids: Sequence[UUID]) -> None:
    """The same for many photos, in one statement that writes no more than what differs."""
    ids = list(image_ids)
    if not ids:
        return
    conn.execute(
        f"""
        WITH words AS MATERIALIZED (
            SELECT word.lexeme COLLATE "C" AS term, i.id AS image_id, max(source.weight)::real AS weight
            FROM images i, LATERAL ({_SOURCES}) AS source, unnest(to_tsvector('simple', folded(source.text))) AS word
            WHERE i.id = ANY(%(ids)s)
            GROUP BY i.id, word.lexeme
        ), gone AS (
            DELETE FROM image_terms t WHERE t.image_id = ANY(%(ids)s)
            AND NOT EXISTS (SELECT FROM words w WHERE w.image_id = t.image_id AND w.term = t.term)
        )
        INSERT INTO image_terms AS t (term, image_id, weight) SELECT term, image_id, weight FROM words
        ON CONFLICT (user_id, term, image_id) DO UPDATE SET weight = excluded.weight WHERE t.weight <> excluded.weight
        """.encode(),
        {"ids": ids},
    )
