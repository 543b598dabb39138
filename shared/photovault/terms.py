"""Full text as rows of (term, photo, weight): what ``to_tsvector`` gives, kept where a btree can find it.

A GIN index is not used under row-level security, because its operators are not leakproof; an equality on text is.
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
    """The same for many photos, in two statements."""
    ids = list(image_ids)
    if not ids:
        return
    conn.execute("DELETE FROM image_terms WHERE image_id = ANY(%s)", [ids])
    conn.execute(
        f"""
        INSERT INTO image_terms (term, image_id, weight)
        SELECT word.lexeme, i.id, max(source.weight)
        FROM images i, LATERAL ({_SOURCES}) AS source, unnest(to_tsvector('simple', source.text)) AS word
        WHERE i.id = ANY(%s)
        GROUP BY i.id, word.lexeme
        """.encode(),
        [ids],
    )
