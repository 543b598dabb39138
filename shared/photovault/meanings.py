"""What a text or a picture means, as a vector: through the encoder that the library's pictures went through."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, vectors
from photovault.errors import Misconfigured, Unavailable
from photovault.observability import logger

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.model_manifest import ModelInfo


# The bucket of the models is asked again so long after it did not answer: it may take a query fifteen seconds to find
# that out, and words find the same without it.
AWAY_SECONDS = 30.0
_away_until = 0.0


@dataclass(frozen=True)
class Meaning:
    """A text in the space of the pictures: the vector as ``::halfvec`` reads it, and the model that made it."""

    model_name: str
    model_version: str
    vector: str


def meaning_of(text: str, *, asked_by: UUID | None = None) -> Meaning | None:
    """A text through the encoder; None where the provider understands no text, fails at it, or cannot be had.

    It is kept for who asks alone: how soon an answer comes is not to tell what others searched for. Takes tens of
    milliseconds, and some hundreds the first time: never to be called inside a transaction.
    """
    global _away_until  # noqa: PLW0603 - of the process, as is what embeddings has loaded
    from photovault import clip_tokens, embeddings  # only a query in words pays, and for NumPy only with CLIP

    if time.monotonic() < _away_until:
        return None
    try:
        provider = embeddings.provider()
        clean = clip_tokens.clean(text)
        return _meaning_of(asked_by, provider.model, clean) if clean and provider.understands_text else None
    except (Unavailable, Misconfigured) as error:
        if isinstance(error, Unavailable):
            _away_until = time.monotonic() + AWAY_SECONDS
        # Words still find what they name; that pictures cannot be searched by meaning is for the operator to know.
        logger().error("search.encoder_missing", extra={"why": error.detail})
        return None
    except Exception:
        logger().exception("search.encoder_failed")
        return None


# The pages of one query, and what is asked again. Not kept beyond the process: a table would remember what people
# search for (infra/decisions/0020-meaning.md).
@lru_cache(maxsize=128)
def _meaning_of(_asked_by: UUID | None, model: ModelInfo, clean: str) -> Meaning | None:
    """``clean`` is what the encoder makes of a text before it reads it: how it was typed makes no other query."""
    from photovault import embeddings

    provider = embeddings.provider()
    if provider.model != model:
        raise RuntimeError("the models at hand have just changed")
    vector = provider.embed_text(clean)
    return None if vector is None else Meaning(provider.model.name, provider.model.version, vectors.to_sql(vector))


def meanings_of_picture(data: bytes) -> list[Meaning]:
    """A picture as the embedding function would describe it, and then as it did while CLIP was absent: a library that
    is being embedded anew has photos of both. Seconds the first time: never inside a transaction.

    Raises ``Rejected`` for a file that is no photo, ``Unavailable`` or ``Misconfigured`` where the model is missing.
    """
    from photovault import embeddings

    picture = embeddings.decode(data)
    fallback = embeddings.PerceptualHash()
    provider = embeddings.provider()
    providers = [provider] if provider.model == fallback.model else [provider, fallback]
    return [Meaning(one.model.name, one.model.version, vectors.to_sql(one.embed_image(picture))) for one in providers]


def model_id(conn: Connection, meaning: Meaning) -> int | None:
    """The model in this database; None when it has embedded nothing yet."""
    found = db.value(
        conn,
        "SELECT id FROM models WHERE kind = 'image' AND name = %s AND version = %s",
        [meaning.model_name, meaning.model_version],
    )
    return None if found is None else int(found)
