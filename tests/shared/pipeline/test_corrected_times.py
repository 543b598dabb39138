"""A time that a person corrected outlives whatever the pipeline finds out later, and the file's is kept beside it."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from infra.local.pictures import draw
from tests.arranging import table
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import db, images, retiming, staging, uploads, users
from photovault.pipeline import embedding, resending, sealer, vision
from photovault.pipeline.messages import PhotoMessage

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "bucket")

EXIF = datetime(2025, 9, 11, 8, 59)
RIGHT = datetime(2024, 2, 29, 23, 30)
AS_THE_FILE_SAYS = (EXIF, date(2025, 9, 11), datetime(2025, 9, 10, 23, 59, tzinfo=UTC), 540, "exif", None)
AS_THE_PERSON_SAYS = (RIGHT, date(2024, 2, 29), datetime(2024, 2, 29, 22, 30, tzinfo=UTC), 60, "person", "exif")


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def upload(who: Somebody, bucket: Bucket) -> PhotoMessage:
    data = draw(7, (400, 300), taken=EXIF, offset="+09:00")
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    bucket.contents[staging.key_of(who.user_id, answer.image_id)] = data
    return PhotoMessage(who.user_id, answer.image_id)


def correct(who: Somebody, image_id: UUID, *, back: bool = False) -> None:
    with db.transaction(who.user_id) as conn:
        revision = users.next_revision(conn)
        (photo,) = retiming.by_ids(conn, [image_id])
        change = retiming.given_back(photo) if back else retiming.corrected(photo, RIGHT, 60)
        assert change is not None
        retiming.apply(conn, [change], revision=revision)


def time_of(who: Somebody) -> tuple[Any, ...]:
    (row,) = table(
        who.user_id,
        "SELECT sort_at, local_day, taken_instant, taken_offset_minutes, taken_source, file_source FROM images",
    )
    return tuple(row)


def test_a_correction_before_the_photo_was_looked_at(ada: Somebody, bucket: Bucket) -> None:
    message = upload(ada, bucket)
    correct(ada, message.image_id)
    vision.handle(message)
    assert time_of(ada) == AS_THE_PERSON_SAYS
    correct(ada, message.image_id, back=True)
    assert time_of(ada) == AS_THE_FILE_SAYS


def test_a_correction_that_is_taken_back_before_the_photo_was_looked_at(ada: Somebody, bucket: Bucket) -> None:
    message = upload(ada, bucket)
    before = time_of(ada)
    correct(ada, message.image_id)
    correct(ada, message.image_id, back=True)
    assert time_of(ada) == before
    vision.handle(message)
    assert time_of(ada) == AS_THE_FILE_SAYS


def test_a_correction_while_vision_had_been_given_up_and_is_started_over(ada: Somebody, bucket: Bucket) -> None:
    message = upload(ada, bucket)
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, message.image_id)
    assert image is not None
    sealer.seal(image)
    embedding.handle(message)
    for _ in range(resending.MOST_RESENDS + 1):
        resending.check(ada.user_id, message.image_id)
    assert time_of(ada)[4] == "upload"
    given_up = time_of(ada)
    correct(ada, message.image_id)
    assert time_of(ada)[4:] == ("person", "upload")
    correct(ada, message.image_id, back=True)
    assert time_of(ada) == given_up

    correct(ada, message.image_id)
    with db.transaction(ada.user_id) as conn:
        assert images.redrive(conn, message.image_id, revision=users.next_revision(conn))
    vision.handle(message)
    assert time_of(ada) == AS_THE_PERSON_SAYS
    correct(ada, message.image_id, back=True)
    assert time_of(ada) == AS_THE_FILE_SAYS


def test_a_correction_and_a_repeated_delivery(ada: Somebody, bucket: Bucket) -> None:
    message = upload(ada, bucket)
    vision.handle(message)
    assert time_of(ada) == AS_THE_FILE_SAYS
    correct(ada, message.image_id)
    vision.handle(message)
    embedding.handle(message)
    assert time_of(ada) == AS_THE_PERSON_SAYS
