"""Vectors that lie as CLIP's do, and libraries of them put straight into the tables.

Pictures share a direction, and texts another one (the "modality gap", Liang et al. 2022): two pictures have a cosine
of about 0.5, and 0.8 when they show the same thing; a text and a picture of it about 0.30, and with others 0.14 with a
deviation of 0.02. That is ViT-B/32 as far as a search can tell, but for what no random vectors have: meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import numpy as np
import psycopg

from photovault import ids

DIMS = 512
THINGS = 64
FIRST_DAY, DAYS = date(2015, 1, 1), 3650
CITIES = 200


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@dataclass(frozen=True)
class Space:
    """Directions that pictures have in common, and those of the things that they show, all orthogonal."""

    common: np.ndarray
    things: np.ndarray

    @staticmethod
    def of(dice: np.random.Generator) -> Space:
        basis = np.linalg.qr(dice.normal(size=(DIMS, THINGS + 1)))[0].T.astype(np.float32)
        return Space(basis[0], basis[1:])

    def pictures(self, dice: np.random.Generator, count: int) -> np.ndarray:
        """``count`` x 512 float32 of length 1, as exact as a ``halfvec`` keeps them. Each shows one of the things."""
        shown = self.things[dice.integers(0, THINGS, count)]
        noise = unit(dice.standard_normal((count, DIMS), dtype=np.float32))
        found = unit(self.common + 0.8 * shown + 0.6 * noise)
        return found.astype(np.float16).astype(np.float32)

    def texts(self, dice: np.random.Generator, count: int) -> np.ndarray:
        """The same of texts, each about one of the things."""
        about = 0.198 * self.common + 0.283 * self.things[np.arange(count) % THINGS]
        rest = unit(dice.standard_normal((count, DIMS), dtype=np.float32))
        return unit(about + np.sqrt(1 - np.sum(about**2, axis=1, keepdims=True)) * rest)


def binary(vectors: np.ndarray) -> list[bytes]:
    """As ``COPY ... (FORMAT binary)`` writes a ``halfvec``: dimensions, two bytes of nothing, big-endian halves."""
    header = np.array([vectors.shape[1], 0], dtype=">u2").tobytes()
    return [header + row.tobytes() for row in vectors.astype(">f2")]


def add_library(
    conn: psycopg.Connection, person: UUID, vectors: np.ndarray, *, model_id: int, archived: Sequence[bool] = ()
) -> list[UUID]:
    """A ready photo for each vector, spread over the days of ten years and 200 cities whatever it shows."""
    found = [ids.new() for _ in vectors]
    now = datetime.now(UTC)
    aside = list(archived) or [False] * len(found)
    with conn.cursor() as cursor:
        with cursor.copy(
            "COPY images (id, user_id, sha256, filename, content_type, bytes, status, key_version, content_key, "
            "sealed_at, sort_at, local_day, taken_source, country_code, country, city, archived) FROM STDIN"
        ) as copy:
            for n, image_id in enumerate(found):
                day = FIRST_DAY + timedelta(days=n * DAYS // len(found))
                file = (image_id, person, image_id.bytes * 2, "a.jpg", "image/jpeg", 1, "ready", 1, b"k" * 32, now)
                taken = (datetime.combine(day, time(12)), day, "exif", "PT", "Portugal", f"City {n % CITIES}")
                copy.write_row((*file, *taken, aside[n]))
        with cursor.copy(
            "COPY image_embeddings (image_id, model_id, user_id, embedding, searchable) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.set_types(["uuid", "int2", "uuid", "bytea", "bool"])
            for image_id, vector, hidden in zip(found, binary(vectors), aside, strict=True):
                copy.write_row((image_id, model_id, person, vector, not hidden))
    return found
