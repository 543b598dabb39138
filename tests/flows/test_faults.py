"""Workers that die between any two effects, race, and are delivered the same message again; nothing is lost or twice.

Real S3 and SQS (LocalStack) and Postgres; each delivery is a process that a failpoint may SIGKILL.
"""

from __future__ import annotations

import hashlib
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from infra.local.pictures import draw
from tests.flows.workshop import Workshop, assert_finished_once, put, upload
from tests.shared.test_motion import live_film, live_picture, maker_note
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, staging, storage, uploads, users
from photovault.pipeline import clearing, maintenance
from photovault.pipeline.reports import Report

VISION_FAILPOINTS = [
    "sealer.before-store",
    "sealer.stored",
    "sealer.committed",
    "sealer.cleaned",
    "vision.before-store",
    "vision.stored",
    "vision.committed",
]
EMBEDDING_FAILPOINTS = ["embedding.computed", "embedding.committed"]


@pytest.fixture
def ada(workshop: Workshop) -> Somebody:
    return somebody()


@pytest.mark.parametrize("failpoint", VISION_FAILPOINTS)
def test_vision_killed_anywhere_is_finished_by_the_next_delivery(
    workshop: Workshop, ada: Somebody, failpoint: str
) -> None:
    data = draw(VISION_FAILPOINTS.index(failpoint), (800, 600))
    image_id = upload(ada, data)
    assert workshop.deliver("vision", ada, image_id, failpoint=failpoint) == -signal.SIGKILL
    assert workshop.deliver("embedding", ada, image_id) == 0
    assert workshop.deliver("vision", ada, image_id) == 0
    assert_finished_once(workshop, ada, image_id, data)


@pytest.mark.parametrize("failpoint", EMBEDDING_FAILPOINTS)
def test_embedding_killed_anywhere_is_finished_by_the_next_delivery(
    workshop: Workshop, ada: Somebody, failpoint: str
) -> None:
    data = draw(20 + EMBEDDING_FAILPOINTS.index(failpoint), (800, 600))
    image_id = upload(ada, data)
    assert workshop.deliver("embedding", ada, image_id, failpoint=failpoint) == -signal.SIGKILL
    assert workshop.deliver("vision", ada, image_id) == 0
    assert workshop.deliver("embedding", ada, image_id) == 0
    assert_finished_once(workshop, ada, image_id, data)


@pytest.mark.parametrize("film_first", [False, True], ids=["photo first", "film first"])
@pytest.mark.parametrize("failpoint", ["vision.film-noted", "joining.stored", "joining.committed"])
def test_a_live_photo_is_one_wherever_the_worker_dies(
    workshop: Workshop, ada: Somebody, failpoint: str, film_first: bool
) -> None:
    name = str(uuid4()).upper()
    still, clip = live_picture(maker_note(name)), live_film(name)
    picture_id, film_id = upload(ada, still), upload(ada, clip)
    order = [film_id, picture_id] if film_first else [picture_id, film_id]
    ends = [workshop.deliver("vision", ada, image_id, failpoint=failpoint) for image_id in order]
    assert -signal.SIGKILL in ends
    for image_id in order:
        assert workshop.deliver("vision", ada, image_id) == 0
    with db.transaction(ada.user_id) as conn:
        assert images.get(conn, film_id) is None
        named = {blob.name: blob for blob in blobs.of_images(conn, [picture_id])}
        user = users.get(conn)
    assert named["motion"].plain_size == len(clip)
    assert user is not None
    assert (user.used_bytes, user.reserved_bytes) == (len(still) + len(clip), 0)


def test_the_same_message_many_times_at_once_has_one_effect(workshop: Workshop, ada: Somebody) -> None:
    data = draw(40, (800, 600))
    image_id = upload(ada, data)
    deliveries = ["vision", "embedding", "vision", "vision", "embedding"]
    with ThreadPoolExecutor(len(deliveries)) as pool:
        list(pool.map(lambda step: workshop.deliver(step, ada, image_id), deliveries))
    workshop.deliver("vision", ada, image_id)  # a loser of the race may have gone back to its queue
    workshop.deliver("embedding", ada, image_id)
    assert_finished_once(workshop, ada, image_id, data)
    with db.transaction(ada.user_id) as conn:
        named = {blob.key for blob in blobs.of_images(conn, [image_id])}
    mine = {s.key for s in storage.driver("local").list()}
    assert named <= mine


def test_what_races_left_behind_is_removed_after_a_day_and_nothing_else_is(workshop: Workshop, ada: Somebody) -> None:
    data = draw(41, (800, 600))
    image_id = upload(ada, data)
    workshop.deliver("vision", ada, image_id, failpoint="sealer.stored")  # a blob that no row will name
    workshop.deliver("vision", ada, image_id)
    workshop.deliver("embedding", ada, image_id)
    before = {stored.key for stored in storage.driver("local").list()}
    report = Report()
    clearing.remove_orphans(report, now=datetime.now(UTC))
    assert report.orphans == 0, "younger than a day"
    clearing.remove_orphans(report, now=datetime.now(UTC) + timedelta(hours=25))
    assert report.orphans >= 1
    assert {stored.key for stored in storage.driver("local").list()} < before
    assert_finished_once(workshop, ada, image_id, data)


def test_the_sweeper_seals_what_lost_its_worker(workshop: Workshop, ada: Somebody) -> None:
    data = draw(42, (800, 600))
    image_id = upload(ada, data)
    report = Report()
    maintenance.sweep_staging(report, now=datetime.now(UTC))
    assert (report.sealed, report.staged) == (0, 1), "ten minutes have not passed"
    maintenance.sweep_staging(report, now=datetime.now(UTC) + timedelta(minutes=11))
    assert report.sealed == 1
    assert not staging.holds(ada.user_id, image_id)
    workshop.deliver("vision", ada, image_id)
    workshop.deliver("embedding", ada, image_id)
    assert_finished_once(workshop, ada, image_id, data)


def test_objects_that_nobody_announced_do_not_stay(workshop: Workshop, ada: Somebody) -> None:
    put(ada, uuid4(), b"nobody asked for this")
    report = Report()
    maintenance.sweep_staging(report, now=datetime.now(UTC) + timedelta(minutes=11))
    assert report.removed == 1
    assert list(staging.objects()) == []


def test_bytes_that_are_not_those_announced_are_thrown_away_and_can_be_sent_again(
    workshop: Workshop, ada: Somebody
) -> None:
    data = draw(43, (800, 600))
    image_id = upload(ada, data)
    put(ada, image_id, bytes(len(data)))  # as if somebody had gone around the signed form
    assert workshop.deliver("vision", ada, image_id) == 0
    assert not staging.holds(ada.user_id, image_id)
    assert upload(ada, data) == image_id
    workshop.deliver("vision", ada, image_id)
    workshop.deliver("embedding", ada, image_id)
    assert_finished_once(workshop, ada, image_id, data)


def test_a_step_that_never_finishes_fails_after_three_resends_and_lets_the_photo_through(
    workshop: Workshop, ada: Somebody
) -> None:
    data = draw(44, (800, 600))
    image_id = upload(ada, data)
    workshop.deliver("vision", ada, image_id)  # the embedding's messages are lost
    for _ in range(4):
        workshop.deliver("check", ada, image_id)
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        assert (image.status, image.embedding_failed, image.vision_failed) == ("ready", True, False)
        assert images.redrive(conn, image_id, revision=users.next_revision(conn))
    workshop.deliver("embedding", ada, image_id)
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, image_id)
    assert image is not None
    assert (image.status, image.embedding_failed) == ("ready", False)


def test_uploads_that_never_arrive_are_forgotten_and_their_quota_comes_back(workshop: Workshop, ada: Somebody) -> None:
    announced = uploads.Announcement("never.jpg", "image/jpeg", 1000, hashlib.sha256(b"never").digest())
    with db.transaction(ada.user_id) as conn:
        uploads.announce(conn, ada.user_id, [announced], now=datetime.now(UTC))
    report = Report()
    maintenance.expire_pending(report, now=datetime.now(UTC) + timedelta(minutes=64))
    assert reserved(ada) == 1000
    maintenance.expire_pending(report, now=datetime.now(UTC) + timedelta(minutes=66))
    assert reserved(ada) == 0


def reserved(who: Somebody) -> int:
    with db.transaction(who.user_id) as conn:
        user = users.get(conn)
    assert user is not None
    return user.reserved_bytes


def images_left(who: Somebody, image_id: UUID) -> bool:
    with db.transaction(who.user_id) as conn:
        return images.get(conn, image_id) is not None


def test_the_trash_is_emptied_after_thirty_days(workshop: Workshop, ada: Somebody) -> None:
    data = draw(45, (800, 600))
    image_id = upload(ada, data)
    workshop.deliver("vision", ada, image_id)
    workshop.deliver("embedding", ada, image_id)
    with db.transaction(ada.user_id) as conn:
        keys = [blob.key for blob in blobs.of_images(conn, [image_id])]
        images.move_to_trash(conn, image_id, revision=users.next_revision(conn))
    report = Report()
    maintenance.purge_trash(report, now=datetime.now(UTC) + timedelta(days=29))
    assert images_left(ada, image_id)
    maintenance.purge_trash(report, now=datetime.now(UTC) + timedelta(days=31))
    assert not images_left(ada, image_id)
    assert all(storage.driver("local").size(key) is None for key in keys)
    with db.transaction(ada.user_id) as conn:
        user = users.get(conn)
    assert user is not None
    assert user.used_bytes == 0
