"""What vision keeps of a photo besides its pictures."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from infra.local.pictures import draw
from tests.shared.test_motion import film
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, keyring, originals, staging, uploads, vault
from photovault.pipeline import vision
from photovault.pipeline.messages import PhotoMessage

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "bucket")


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def understood(who: Somebody, bucket: Bucket, data: bytes) -> UUID:
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    bucket.contents[staging.key_of(who.user_id, answer.image_id)] = data
    vision.handle(PhotoMessage(who.user_id, answer.image_id))
    return answer.image_id


def content(who: Somebody, image_id: UUID, name: str) -> tuple[bytes, str] | None:
    with db.transaction(who.user_id) as conn:
        image = images.get(conn, image_id)
        blob = blobs.get(conn, image_id, name)
        assert image is not None
        key = keyring.content_key_of(conn, image)
    return (vault.fetch(blob, content_key=key, user_id=who.user_id), blob.content_type) if blob else None


def test_the_film_of_a_motion_photo_is_sealed_beside_the_untouched_original(ada: Somebody, bucket: Bucket) -> None:
    data = draw(31, (64, 48)) + film()
    image_id = understood(ada, bucket, data)
    assert content(ada, image_id, "motion") == (film(), "video/mp4")
    assert originals.open(ada.user_id, image_id).data == data


def test_a_photo_without_a_film_has_no_motion(ada: Somebody, bucket: Bucket) -> None:
    image_id = understood(ada, bucket, draw(32, (64, 48)))
    assert content(ada, image_id, "motion") is None
    assert content(ada, image_id, "preview") is not None
