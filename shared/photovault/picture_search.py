"""Photos by what they show as a whole: near the meaning of a text, or like another picture.

Vectors are compared exactly, over the person's own rows, in one index-only scan; tests/benchmarks says what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import db, listing, meanings, model_manifest, ranking
from photovault.meanings import Meaning

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class _Scored:
    id: UUID
    score: float


_COSINE = "(1 - (e.embedding <=> %(vector)s::halfvec))"


def by_picture_sql(
    wanted: listing.Filter, *, model_id: int, vector: str, floor: float, most: int
) -> tuple[str, dict[str, Any]]:
    """Photos whose cosine with a text is ``floor`` or more. Exact: every vector of the person is compared.

    The archive is not in the covering index and joins by photo.
    """
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
        parameters | {"model_id": model_id, "vector": vector, "floor": floor, "most": most},
    )


def by_picture(conn: Connection, wanted: listing.Filter, meaning: Meaning, *, most: int) -> list[tuple[UUID, float]]:
    model_id = meanings.model_id(conn, meaning)
    if model_id is None:
        return []
    cut_offs = model_manifest.cut_offs(meaning.model_name, meaning.model_version)
    sql, parameters = by_picture_sql(
        wanted, model_id=model_id, vector=meaning.vector, floor=cut_offs.text_floor, most=most
    )
    found = [(row.id, row.score) for row in db.rows(conn, _Scored, sql, parameters)]
    return ranking.near_the_best(found, margin=cut_offs.text_margin)


def unseen(conn: Connection, meaning: Meaning, image_ids: Sequence[UUID]) -> set[UUID]:
    """Which of some photos the model of a text has not embedded, while a library is being embedded anew.

    Empty for a library that one model has embedded, without looking at the photos.
    """
    model_id = meanings.model_id(conn, meaning)
    rows = conn.execute(
        "SELECT id FROM unnest(%(ids)s::uuid[]) AS id WHERE ("
        "EXISTS (SELECT FROM image_embeddings e WHERE e.searchable AND e.model_id < %(model_id)s) "
        "OR EXISTS (SELECT FROM image_embeddings e WHERE e.searchable AND e.model_id > %(model_id)s)) "
        "AND NOT EXISTS (SELECT FROM image_embeddings e WHERE e.image_id = id AND e.model_id = %(model_id)s)",
        {"ids": list(image_ids), "model_id": model_id},
    )
    return {row[0] for row in rows}


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
    version: str
    vector: str

    @property
    def farthest(self) -> float:
        """The greatest cosine distance from which a picture still counts as alike."""
        return 1 - model_manifest.cut_offs(self.name, self.version).look_alike_floor


def anchors_of(conn: Connection, image_id: UUID) -> list[Anchor]:
    """The stored vectors of a photo, that of its last look first: one, and more while a library is embedded anew."""
    return db.rows(
        conn,
        Anchor,
        "SELECT e.model_id, m.name, m.version, e.embedding::text AS vector FROM image_embeddings e "
        "JOIN models m ON m.id = e.model_id JOIN images i ON i.id = e.image_id "
        "LEFT JOIN recipes r ON r.id = i.embedding_recipe WHERE e.image_id = %s "
        "ORDER BY e.model_id IS NOT DISTINCT FROM r.model_id DESC, e.model_id DESC",
        [image_id],
    )


def anchors(conn: Connection, found: Sequence[Meaning]) -> list[Anchor]:
    """A picture from elsewhere; without the models that have seen no photo yet."""
    by_model = [(meanings.model_id(conn, meaning), meaning) for meaning in found]
    return [
        Anchor(model_id, meaning.model_name, meaning.model_version, meaning.vector)
        for model_id, meaning in by_model
        if model_id is not None
    ]


def similar(
    conn: Connection,
    anchors: Sequence[Anchor],
    *,
    limit: int,
    after: tuple[float, UUID] | None = None,
    without: UUID | None = None,
) -> list[LookAlike]:
    """Photos that look like a picture, nearest first, after a (distance, id); archive and trash left out.

    Compared are stored vectors, so that no encoder is needed for a photo of the library. Each photo is compared by the
    first of the ``anchors``' models that has seen it. Distances are those of the first model; another's are stretched
    so that where photos cease to be alike is the same distance in both.
    """
    if not anchors:
        return []
    parts: list[str] = []
    parameters: dict[str, Any] = {"without": without, "limit": limit}
    for n, anchor in enumerate(anchors):
        near = f"(e.embedding <=> %(vector{n})s::halfvec)"
        earlier = (
            "AND NOT EXISTS (SELECT FROM image_embeddings b WHERE b.image_id = e.image_id "
            f"AND b.model_id = ANY(%(earlier{n})s)) "
            if n
            else ""
        )
        parts.append(
            f"SELECT i.id, {near}{f' * %(stretch{n})s::float8' if n else ''} AS distance "
            "FROM image_embeddings e JOIN images i ON i.id = e.image_id "
            f"WHERE e.searchable AND e.model_id = %(model_id{n})s AND {near} <= %(farthest{n})s {earlier}"
            "AND e.image_id IS DISTINCT FROM %(without)s AND i.deleted_at IS NULL AND i.status <> 'pending'"
        )
        parameters |= {
            f"vector{n}": anchor.vector,
            f"model_id{n}": anchor.model_id,
            f"farthest{n}": anchor.farthest,
            f"stretch{n}": anchors[0].farthest / anchor.farthest,
            f"earlier{n}": [one.model_id for one in anchors[:n]],
        }
    beyond = ""
    if after:
        beyond = "WHERE (distance, id) > (%(after_distance)s, %(after_id)s) "
        parameters |= {"after_distance": after[0], "after_id": after[1]}
    return db.rows(
        conn,
        LookAlike,
        f"SELECT id, distance FROM ({' UNION ALL '.join(parts)}) AS alike {beyond}"
        "ORDER BY distance, id LIMIT %(limit)s",
        parameters,
    )
