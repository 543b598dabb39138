"""The table ``image_labels``: the things that a photo shows."""

from __future__ import annotations

from collections.abc import Mapping
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


def add(conn: Connection, image_id: UUID, model_id: int, scores: Mapping[str, float]) -> None:
    """Store what a model saw in a photo: by label, the score of its clearest sighting."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO image_labels (image_id, label, model_id, score) VALUES (%s, %s, %s, %s)",
            [(image_id, label, model_id, score) for label, score in scores.items()],
        )


def of_image(conn: Connection, image_id: UUID) -> list[Thing]:
    """Clearest first."""
    return db.rows(
        conn,
        Thing,
        "SELECT label, score FROM image_labels WHERE image_id = %s ORDER BY score DESC, label",
        [image_id],
    )
