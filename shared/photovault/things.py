"""The table ``image_labels``: the things that a photo shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class Thing:
    """``score`` is the detector's, 0 to 1, of the clearest sighting."""

    label: str
    score: float


def of_image(conn: Connection, image_id: UUID) -> list[Thing]:
    """Clearest first."""
    return db.rows(
        conn,
        Thing,
        "SELECT label, score FROM image_labels WHERE image_id = %s ORDER BY score DESC, label",
        [image_id],
    )
