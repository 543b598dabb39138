"""Tables ``faces``, ``person_clusters`` and ``face_corrections``: who is in the photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import ids, vectors

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.face_measures import Face


def new_face_ids(faces: Sequence[Face]) -> list[UUID]:
    """An id for each face, before its crop is sealed under it."""
    return [ids.new() for _ in faces]


def add_faces(conn: Connection, image_id: UUID, model_id: int, face_ids: Sequence[UUID], faces: Sequence[Face]) -> None:
    """Store the faces found in a photo, without a person yet."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::halfvec)",
            [
                (
                    face_id,
                    image_id,
                    model_id,
                    *map(float, face.box),
                    float(face.score),
                    float(face.quality),
                    bool(face.founder),
                    vectors.to_sql(face.embedding),
                )
                for face_id, face in zip(face_ids, faces, strict=True)
            ],
        )
