"""Photos by what they show as a whole: near the meaning of a text, or like another picture.

Vectors are compared exactly, over the person's own rows, in one index-only scan; tests/benchmarks says what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import db, listing, meanings, ranking
from photovault.meanings import Meaning

if TYPE_CHECKING:
    from photovault.db import Connection

# The cosine between a text and a picture in CLIP ViT-B/32: pairs that belong together lie around 0.25 to 0.35, others
# mostly below 0.2. LAION-400M (Schuhmann et al. 2021) keeps captions from 0.3 on; a few words say less than a caption.
MIN_TEXT_COSINE = 0.20
# Where something matches well, what matches so much worse is noise.
TEXT_COSINE_MARGIN = 0.08
# Two pictures, by model. Of a hash's 64 bits 10 may differ, the usual bound: 1 - 2 * 10 / 64.
MIN_LOOK_ALIKE_COSINE = {"phash": 0.6875}
MIN_LOOK_ALIKE_COSINE_OF_OTHERS = 0.70


@dataclass(frozen=True)
class _Scored:
    id: UUID
    score: float


_COSINE = "(1 - (e.embedding <=> %(vector)s::halfvec))"


def by_picture_sql(wanted: listing.Filter, *, model_id: int, vector: str, most: int) -> tuple[str, dict[str, Any]]:
    """Exact: every vector of the person is compared. The archive is not in the covering index and joins by photo."""
    where, parameters = listing.conditions(wanted)
    near = f"e.model_id = %(model_id)s AND {_COSINE} >= %(floor)s"
    parts = []
    if wanted.archived is not True:
        parts.append(
            f"SELECT i.id, {_COSINE} AS score FROM image_embeddings e JOIN images i ON i.id = e.image_id "
            f"WHERE e.searchable AND {near} AND {where}"
        )
    if wanted.archived is not False:
        parts.append(
            f"SELECT i.id, {_COSINE} AS score FROM images i JOIN image_embeddings e ON e.image_id = i.id "
            f"WHERE i.archived AND NOT e.searchable AND {near} AND {where}"
        )
    return (
        f"{' UNION ALL '.join(parts)} ORDER BY score DESC, id DESC LIMIT %(most)s",
        parameters | {"model_id": model_id, "vector": vector, "floor": MIN_TEXT_COSINE, "most": most},
    )


def by_picture(conn: Connection, wanted: listing.Filter, meaning: Meaning, *, most: int) -> list[tuple[UUID, float]]:
    model_id = meanings.model_id(conn, meaning)
    if model_id is None:
        return []
    sql, parameters = by_picture_sql(wanted, model_id=model_id, vector=meaning.vector, most=most)
    found = [(row.id, row.score) for row in db.rows(conn, _Scored, sql, parameters)]
    return ranking.near_the_best(found, margin=TEXT_COSINE_MARGIN)


@dataclass(frozen=True)
class LookAlike:
    """Another photo and its cosine distance, 0 for the same picture."""

    id: UUID
    distance: float


@dataclass(frozen=True)
class Anchor:
    """What pictures are compared with: a vector as ``::halfvec`` reads it, and the model that made it."""

    model_id: int
    name: str
    vector: str


def anchor_of(conn: Connection, image_id: UUID) -> Anchor | None:
    """The stored vector of a photo, of the newest model that has seen it; None before any has."""
    return db.row(
        conn,
        Anchor,
        "SELECT e.model_id, m.name, e.embedding::text AS vector FROM image_embeddings e "
        "JOIN models m ON m.id = e.model_id WHERE e.image_id = %s ORDER BY e.model_id DESC LIMIT 1",
        [image_id],
    )


def anchor(conn: Connection, meaning: Meaning) -> Anchor | None:
    """A picture from elsewhere; None where its model has seen no photo yet."""
    model_id = meanings.model_id(conn, meaning)
    return None if model_id is None else Anchor(model_id, meaning.model_name, meaning.vector)


def similar(
    conn: Connection,
    anchor: Anchor,
    *,
    limit: int,
    after: tuple[float, UUID] | None = None,
    without: UUID | None = None,
) -> list[LookAlike]:
    """Photos that look like a picture, nearest first, after a (distance, id); archive and trash left out.

    Compared are stored vectors of the same model, so that no encoder is needed for a photo of the library.
    """
    floor = MIN_LOOK_ALIKE_COSINE.get(anchor.name, MIN_LOOK_ALIKE_COSINE_OF_OTHERS)
    distance = "(e.embedding <=> %(vector)s::halfvec)"
    beyond = f"AND ({distance}, e.image_id) > (%(after_distance)s, %(after_id)s) " if after else ""
    return db.rows(
        conn,
        LookAlike,
        f"SELECT i.id, {distance} AS distance FROM image_embeddings e JOIN images i ON i.id = e.image_id "
        f"WHERE e.searchable AND e.model_id = %(model_id)s AND {distance} <= %(farthest)s {beyond}"
        "AND e.image_id IS DISTINCT FROM %(without)s AND i.deleted_at IS NULL AND i.status <> 'pending' "
        "ORDER BY distance, i.id LIMIT %(limit)s",
        {
            "without": without,
            "model_id": anchor.model_id,
            "vector": anchor.vector,
            "farthest": 1 - floor,
            "limit": limit,
            "after_distance": after[0] if after else None,
            "after_id": after[1] if after else None,
        },
    )
