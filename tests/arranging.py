"""Photos with faces as rows, without pixels or blobs, and the album builder run on them."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest

from photovault import db, ids, keyring, people, queues, rebuilds, users, vectors
from photovault.face_measures import Face
from photovault.model_manifest import ModelInfo
from photovault.pipeline import albums as builder

MODEL = ModelInfo(name="tests-face", version="1", kind="face", dims=32)
LISBON = ("PT", "Portugal", "Lisbon", "Lisbon", 38.7139, -9.1394)
PORTO = ("PT", "Portugal", "Porto", "Porto", 41.1496, -8.6109)
BERLIN = ("DE", "Germany", "Berlin", "Berlin", 52.52, 13.405)
START = datetime(2025, 5, 9, 10)

Where = tuple[str, str, str | None, str | None, float, float]


@dataclass
class Sent:
    """What went to the queues, instead of being sent."""

    messages: list[tuple[str, dict[str, Any], int | None]] = field(default_factory=list)

    def albums(self) -> list[int | None]:
        """The delays of the messages to the album builder."""
        return [delay for setting, _, delay in self.messages if setting == "albums_queue_url"]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """Queues that only remember."""
    recorded = Sent()
    monkeypatch.setattr(queues, "_send", lambda setting, body, delay: recorded.messages.append((setting, body, delay)))
    return recorded


def face_of(who: int, look: int = 0, *, quality: float = 0.8, founder: bool = True) -> Face:
    """A face of somebody (0 to 31): the same ``who`` lie close together, others far apart; ``look`` varies it a bit."""
    embedding = np.random.default_rng([who, look]).normal(0, 0.04, MODEL.dims).astype(np.float32)
    embedding[who] += 1
    return Face(
        box=(0.1, 0.1, 0.2, 0.3),
        landmarks=None,
        score=0.9,
        sharpness=0.9,
        quality=quality,
        founder=founder,
        embedding=embedding / np.linalg.norm(embedding),
        crop=np.zeros((8, 8, 3), dtype=np.uint8),
    )


def add_photo(
    user_id: UUID,
    *,
    taken: datetime = START,
    where: Where | None = None,
    faces: Sequence[Face] = (),
    status: str = "ready",
    model: ModelInfo = MODEL,
    **columns: Any,
) -> UUID:
    """A photo as vision and embedding leave it, and a wish for a rebuild."""
    image_id = ids.new()
    country_code, country, region, city, lat, lon = where or (None,) * 6
    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        version, content_key = keyring.new_content_key(conn, user_id, image_id)
        row = {
            "id": image_id,
            "sha256": secrets.token_bytes(32),
            "filename": f"{image_id}.jpg",
            "content_type": "image/jpeg",
            "bytes": 1000,
            "status": status,
            "key_version": version,
            "content_key": content_key,
            "sealed_at": taken,
            "vision_done_at": taken,
            "embedding_done_at": taken,
            "taken_source": "exif",
            "local_day": taken.date(),
            "sort_at": taken,
            "lat": lat,
            "lon": lon,
            "location_source": "exif" if where else None,
            "country_code": country_code,
            "country": country,
            "region": region,
            "city": city,
            "face_count": len(faces),
            "revision": revision,
        } | columns
        names = ", ".join(row)
        places = ", ".join(f"%({name})s" for name in row)
        conn.execute(f"INSERT INTO images ({names}) VALUES ({places})".encode(), row)
        if faces:
            people.add_faces(conn, image_id, vectors.model_id(conn, model), people.new_face_ids(faces), faces)
        rebuilds.want(conn)
    return image_id


def add_photos(user_id: UUID, count: int, *, start: datetime = START, hours: float = 1, **options: Any) -> list[UUID]:
    """Photos ``hours`` apart."""
    return [add_photo(user_id, taken=start + timedelta(hours=hours * n), **options) for n in range(count)]


def build(user_id: UUID) -> None:
    """Let the album builder run as its function would."""
    builder.handle(user_id, remaining=lambda: math.inf)


def want(user_id: UUID) -> int:
    with db.transaction(user_id) as conn:
        return rebuilds.want(conn)


def value(user_id: UUID, sql: str, parameters: Sequence[Any] = ()) -> Any:
    with db.transaction(user_id) as conn:
        return db.value(conn, sql, list(parameters) or None)


def table(user_id: UUID, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with db.transaction(user_id) as conn:
        return conn.execute(sql.encode(), list(parameters) or None).fetchall()


def faces_in(user_id: UUID, image_id: UUID) -> list[people.FaceInPhoto]:
    with db.transaction(user_id) as conn:
        return people.faces_of_image(conn, image_id)


def who_is_in(user_id: UUID, image_ids: Sequence[UUID]) -> list[UUID | None]:
    """The person of the first face of each photo."""
    return [faces_in(user_id, image_id)[0].person_id for image_id in image_ids]


def await_a_waiter(database_url: str) -> None:
    """Return when somebody in the database waits for a row that another transaction holds."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        for _ in range(1000):
            row = conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            if row and row[0]:
                return
            conn.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits")
