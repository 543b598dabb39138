"""Photos of painted people, and models that recognise them, each in a space of its own."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import PIL.Image
import pytest
from tests.arranging import face_of
from tests.staged import Bucket

from photovault import db, labels, models, staging, uploads
from photovault import faces as face_finder
from photovault.face_measures import Face
from photovault.model_manifest import ModelInfo
from photovault.pipeline import embedding, vision
from photovault.pipeline.messages import PhotoMessage
from photovault.vision_cv import Picture

SIDE, PATCH = 400, 120
PLACES = ((30, 30), (250, 30), (30, 250), (250, 250))

OLD = ModelInfo(name="tests-old", version="1", kind="face", dims=32, same_person_threshold=0.4)
NEW = ModelInfo(name="tests-new", version="1", kind="face", dims=32, same_person_threshold=0.4)
THINGS = ModelInfo(name="tests-things", version="1", kind="label", dims=0)


def painted(*who: int, look: int = 0) -> bytes:
    """A photo of up to four people (1 to 15), one in each quarter; ``look`` makes it another photo of them."""
    picture = np.full((SIDE, SIDE, 3), 255, dtype=np.uint8)
    picture[:10, :, 2] = look
    for (x, y), one in zip(PLACES, who, strict=False):
        if one:
            picture[y : y + PATCH, x : x + PATCH] = (16 * one, look, 0)
    out = io.BytesIO()
    PIL.Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True)
class Painter:
    """Recognises painted people but those it is ``blind`` for, and cuts their boxes ``margin`` pixels wider."""

    model: ModelInfo
    blind: frozenset[int] = frozenset()
    margin: int = 0

    def find(self, image: Picture) -> list[Face]:
        found = []
        for x, y in PLACES:
            red, look, blue = (int(value) for value in image[y + PATCH // 2, x + PATCH // 2])
            who = round(red / 16)
            if blue > 100 or not who or who in self.blind:
                continue
            face = face_of(who, look, quality=0.9 - look / 1000)
            # Another space: the same people, each in a direction that says nothing to the other model.
            turned = face.embedding if self.model.name == OLD.name else np.roll(face.embedding[::-1], 5)
            box = tuple(value / SIDE for value in (x - self.margin, y - self.margin, *(PATCH + 2 * self.margin,) * 2))
            found.append(replace(face, box=box, embedding=turned))
        return found


def use(patch: pytest.MonkeyPatch, painter: Painter) -> None:
    """Let vision find faces by it."""
    patch.setattr(face_finder, "provider", lambda: painter)
    patch.setattr(models, "face_model", lambda: painter.model)


def see(patch: pytest.MonkeyPatch, scores: Mapping[str, float] | None) -> None:
    """Let vision see these things in every photo, or be without a model for things."""
    box = (0.0, 0.0, 1.0, 1.0)
    found = [labels.Label(name, score, box) for name, score in (scores or {}).items()]
    model = THINGS if scores is not None else None
    provider = SimpleNamespace(model=model, look=lambda _: labels.Seen(labels=found))
    patch.setattr(labels, "provider", lambda: provider, raising=False)
    for module, name in ((labels, "model"), (models, "label_model")):
        patch.setattr(module, name, lambda: model, raising=False)


def upload(user_id: UUID, bucket: Bucket, data: bytes) -> UUID:
    """A photo, understood and embedded by what runs now."""
    announced = uploads.Announcement("photo.png", "image/png", len(data), hashlib.sha256(data).digest())
    with db.transaction(user_id) as conn:
        (answer,) = uploads.announce(conn, user_id, [announced], now=datetime.now(UTC))
    bucket.contents[staging.key_of(user_id, answer.image_id)] = data
    message = PhotoMessage(user_id, answer.image_id)
    vision.handle(message)
    embedding.handle(message)
    return answer.image_id
