"""Full text as rows of (term, photo, weight): what ``to_tsvector`` gives, kept where a btree can find it.

A GIN index is not used under row-level security, because its operators are not leakproof; an equality on text is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from photovault.db import Connection

# How much a word counts, by where it stands.
_SOURCES = """
    SELECT coalesce(i.caption, '') AS text, 1.0 AS weight FROM images i WHERE i.id = %(image_id)s
    UNION ALL SELECT l.label, 0.6 FROM image_labels l WHERE l.image_id = %(image_id)s
    UNION ALL SELECT concat_ws(' ', i.city, i.region, i.country), 0.8 FROM images i WHERE i.id = %(image_id)s
    UNION ALL SELECT regexp_replace(i.filename, '[^[:alnum:]]+', ' ', 'g'), 0.4 FROM images i WHERE i.id = %(image_id)s
    UNION ALL SELECT concat_ws(' ', i.camera_make, i.camera_model), 0.3 FROM images i WHERE i.id = %(image_id)s
"""


def refresh(conn: Connection, image_id: UUID) -> None:
    """Index a photo's words again, from its row and its labels."""
    conn.execute("DELETE FROM image_terms WHERE image_id = %s", [image_id])
    conn.execute(
        f"""
        INSERT INTO image_terms (term, image_id, weight)
        SELECT word.lexeme, %(image_id)s, max(source.weight)
        FROM ({_SOURCES}) AS source, unnest(to_tsvector('simple', source.text)) AS word
        GROUP BY word.lexeme
        """.encode(),
        {"image_id": image_id},
    )
