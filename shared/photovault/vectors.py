"""Vectors between numpy and pgvector's ``halfvec``, and the table of the models that made them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from photovault.db import Connection
    from photovault.model_manifest import ModelInfo


def to_sql(values: Iterable[float]) -> str:
    """The text form that ``::halfvec`` reads. Six digits are more than half precision keeps."""
    return "[" + ",".join(f"{float(value):.6g}" for value in values) + "]"


def from_sql(sent: Iterable[bytes], dims: int) -> npt.NDArray[np.float32]:
    """An N x ``dims`` float32 array of what ``halfvec_send`` gave: four bytes of header, then big-endian halves."""
    import numpy as np

    joined = b"".join(bytes(one)[4:] for one in sent)
    return np.frombuffer(joined, dtype=">f2").reshape(-1, dims).astype(np.float32)


def model_id(conn: Connection, model: ModelInfo) -> int:
    """The row of a model, made when it is new."""
    found = db.value(
        conn,
        "SELECT id FROM models WHERE kind = %s AND name = %s AND version = %s",
        [model.kind, model.name, model.version],
    )
    if found is None:
        conn.execute(
            "INSERT INTO models (kind, name, version, dims) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [model.kind, model.name, model.version, model.dims],
        )
        return model_id(conn, model)
    return int(found)


def forget_superseded(conn: Connection) -> None:
    """Of a person's photos that were embedded anew, the embeddings by the models of before."""
    conn.execute(
        "DELETE FROM image_embeddings e USING images i, recipes r "
        "WHERE i.id = e.image_id AND r.id = i.embedding_recipe AND e.model_id <> r.model_id "
        "AND EXISTS (SELECT FROM image_embeddings k WHERE k.image_id = e.image_id AND k.model_id = r.model_id)"
    )


def any_but(conn: Connection, model: int) -> bool:
    """Whether a person has embeddings by other models than this one. A look at the index for each model there is."""
    return bool(
        db.value(
            conn,
            "SELECT EXISTS (SELECT FROM models m WHERE m.id <> %s AND ("
            "EXISTS (SELECT FROM image_embeddings e WHERE e.model_id = m.id AND e.searchable) "
            "OR EXISTS (SELECT FROM image_embeddings e WHERE e.model_id = m.id AND NOT e.searchable)))",
            [model],
        )
    )


def models_of(conn: Connection, image_id: UUID) -> list[tuple[int, str]]:
    """Ids and names of the models that a photo has embeddings by, the newest model first."""
    return conn.execute(
        "SELECT m.id, m.name FROM models m WHERE m.id IN (SELECT model_id FROM image_embeddings WHERE image_id = %s) "
        "ORDER BY m.id DESC",
        [image_id],
    ).fetchall()


def add_embedding(conn: Connection, image_id: UUID, model: int, values: Iterable[float]) -> None:
    """Keep a photo's embedding; it is searched as long as the photo is neither archived nor in the trash."""
    conn.execute(
        "INSERT INTO image_embeddings (image_id, model_id, embedding, searchable) "
        "SELECT id, %(model)s, %(values)s::halfvec, deleted_at IS NULL AND NOT archived FROM images WHERE id = %(id)s "
        "ON CONFLICT (image_id, model_id) DO UPDATE SET embedding = excluded.embedding",
        {"id": image_id, "model": model, "values": to_sql(values)},
    )
