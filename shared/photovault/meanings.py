"""What a text or a picture means, as a vector: through the encoder that the library's pictures went through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from photovault import db, vectors
from photovault.errors import Misconfigured, Unavailable
from photovault.observability import logger

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class Meaning:
    """A text in the space of the pictures: the vector as ``::halfvec`` reads it, and the model that made it."""

    model_name: str
    model_version: str
    vector: str


def meaning_of(text: str) -> Meaning | None:
    """A text through the encoder; None where the provider understands no text, or cannot be had right now.

    Takes tens of milliseconds, and some hundreds the first time: never to be called inside a transaction.
    """
    from photovault import embeddings, models  # numpy, and with the first text onnxruntime: only a query in words pays

    try:
        provider = embeddings.provider()
        if not text.strip() or not provider.understands_text:
            return None
        return _meaning_of(models.selection(), text)
    except (Unavailable, Misconfigured) as error:
        # Words still find what they name; that pictures cannot be searched by meaning is for the operator to know.
        logger().error("search.encoder_missing", extra={"why": error.detail})
        return None


@lru_cache(maxsize=128)  # the pages of one query
def _meaning_of(_selection: object, text: str) -> Meaning | None:
    from photovault import embeddings

    provider = embeddings.provider()
    vector = provider.embed_text(text)
    return None if vector is None else Meaning(provider.model.name, provider.model.version, vectors.to_sql(vector))


def meaning_of_picture(data: bytes) -> Meaning:
    """A picture as the embedding function would describe it. Seconds the first time: never inside a transaction.

    Raises ``Rejected`` for a file that is no photo, ``Unavailable`` or ``Misconfigured`` where the model is missing.
    """
    from photovault import embeddings, formats

    picture = formats.decode(data, min_side=embeddings.DECODED_SIDE)
    provider = embeddings.provider()
    vector = provider.embed_image(picture.image.convert("RGB"))
    return Meaning(provider.model.name, provider.model.version, vectors.to_sql(vector))


def model_id(conn: Connection, meaning: Meaning) -> int | None:
    """The model in this database; None when it has embedded nothing yet."""
    found = db.value(
        conn,
        "SELECT id FROM models WHERE kind = 'image' AND name = %s AND version = %s",
        [meaning.model_name, meaning.model_version],
    )
    return None if found is None else int(found)
