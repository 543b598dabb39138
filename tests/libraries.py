"""Small libraries for tests of search: photos, people and albums put straight into the tables."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from photovault import db, ids, terms, users, vectors
from photovault.model_manifest import ModelInfo

TINY = ModelInfo(name="tiny", version="1", kind="image", dims=3)
"""A model of three dimensions, in which tests can think."""

LISBON = {"country_code": "PT", "country": "Portugal", "region": "Lisbon District", "city": "Lisbon"}
PARIS = {"country_code": "FR", "country": "France", "region": "Île-de-France", "city": "Paris"}
PARIS_TEXAS = {"country_code": "US", "country": "United States", "region": "Texas", "city": "Paris"}


def towards(cosine: float) -> list[float]:
    """A vector of length 1 that has this cosine with the first axis."""
    return [cosine, math.sqrt(1 - cosine * cosine), 0.0]


@dataclass
class TinyEncoder:
    """A provider whose every text lies on the first axis; remembers what it was asked."""

    model: ModelInfo = TINY
    understands_text: bool = True
    asked: list[str] = field(default_factory=list)

    def embed_text(self, text: str) -> Sequence[float]:
        self.asked.append(text)
        return [1.0, 0.0, 0.0]

    def embed_image(self, image: object) -> Sequence[float]:
        return [1.0, 0.0, 0.0]


def insert(conn: db.Connection, table: str, **values: Any) -> None:
    columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
    conn.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})".encode(), list(values.values()))


def photo(
    user_id: UUID,
    *,
    day: date | None = date(2025, 5, 1),
    labels: Iterable[str] = (),
    people: Iterable[UUID] = (),
    albums: Iterable[UUID] = (),
    vector: Sequence[float] | None = None,
    model: ModelInfo = TINY,
    **values: Any,
) -> UUID:
    """A photo that is ready, of that day; ``values`` are columns of its row."""
    image_id = ids.new()
    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        conn.execute(
            "INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'x', 'x') ON CONFLICT DO NOTHING"
        )
        row: dict[str, Any] = {
            "filename": "IMG_1.jpg",
            "content_type": "image/jpeg",
            "status": "ready",
            "local_day": day,
            "sort_at": datetime.combine(day or date(2025, 1, 1), time(12)),
            "taken_source": "exif",
        }
        fixed = {"id": image_id, "sha256": random.randbytes(32), "bytes": 1, "key_version": 1, "content_key": b"x"}
        insert(conn, "images", **row | fixed | {"sealed_at": datetime.now(UTC), "revision": revision} | values)
        for label in labels:
            label_model = vectors.model_id(conn, ModelInfo(name="labels", version="1", kind="label", dims=0))
            insert(conn, "image_labels", image_id=image_id, label=label, model_id=label_model, score=0.9)
        for person_id in people:
            face_model = vectors.model_id(conn, ModelInfo(name="faces", version="1", kind="face", dims=3))
            box = dict.fromkeys(("x", "y", "w", "h", "score", "quality"), 0.5)
            face = {"id": ids.new(), "image_id": image_id, "model_id": face_model, "founder": True}
            insert(conn, "faces", **face, **box, embedding="[1,0,0]", person_id=person_id)
        if people:
            conn.execute("UPDATE images SET face_count = 1 WHERE id = %s", [image_id])
        for album_id in albums:
            insert(conn, "album_images", album_id=album_id, image_id=image_id)
        if vector is not None:
            vectors.add_embedding(conn, image_id, vectors.model_id(conn, model), vector)
        terms.refresh(conn, image_id)
    return image_id


def named_person(user_id: UUID, name: str | None, *, hidden: bool = False, image_count: int = 1) -> UUID:
    person_id = ids.new()
    with db.transaction(user_id) as conn:
        users.next_revision(conn)
        insert(conn, "person_clusters", id=person_id, name=name, hidden=hidden, image_count=image_count)
    return person_id


def album(user_id: UUID, title: str, *, kind: str = "manual", image_count: int = 1, deleted: bool = False) -> UUID:
    album_id = ids.new()
    with db.transaction(user_id) as conn:
        users.next_revision(conn)
        key = None if kind in {"manual", "smart"} else f"{kind}:{title}"
        gone = datetime.now(UTC) if deleted else None
        insert(conn, "albums", id=album_id, kind=kind, key=key, title=title, image_count=image_count, deleted_at=gone)
    return album_id
