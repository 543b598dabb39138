"""Workers that die between any two effects, race, and are delivered the same message again; nothing is lost or twice.

Real S3 and SQS (LocalStack) and Postgres; each delivery is a process that a failpoint may SIGKILL.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from infra.local import stack
from infra.local.localstack import LocalStack
from infra.local.pictures import draw
from tests.vaults import Somebody, forget, somebody

from photovault import blobs, db, images, keyring, staging, storage, uploads, users, vault
from photovault.pipeline import maintenance

ROOT = Path(__file__).resolve().parents[2]

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


@dataclass(frozen=True)
class Workshop:
    """A vault whose bucket and queues exist, but call nobody: the test delivers."""

    environment: dict[str, str]
    blobs: Path
    queue: str
    endpoint: str

    def deliver(self, step: str, who: Somebody, image_id: UUID, *, failpoint: str = "") -> int:
        """The exit status of one delivery, negative for a signal."""
        environment = {**os.environ, **self.environment, "PHOTOVAULT_FAILPOINT": failpoint, "LOG_LEVEL": "CRITICAL"}
        return subprocess.run(
            [sys.executable, "-m", "tests.flows.worker", step, str(who.user_id), str(image_id)],
            cwd=ROOT,
            env=environment,
            check=False,
            stdout=subprocess.DEVNULL,
        ).returncode


@pytest.fixture(scope="module")
def workshop(vault: Path, localstack: LocalStack) -> Iterator[Workshop]:
    endpoint = localstack.endpoint
    s3, sqs = stack.client(endpoint, "s3"), stack.client(endpoint, "sqs")
    name = f"faults-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": stack.REGION})
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": stack.REGION,
        "STAGING_BUCKET": name,
        "VISION_QUEUE_URL": queue,
        "EMBEDDING_QUEUE_URL": queue,
        "ALBUMS_QUEUE_URL": queue,
        "FACE_PROVIDER": "haar",
        "EMBEDDINGS_PROVIDER": "phash",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")]),
    }
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        forget()
        yield Workshop({**environment}, vault / "blobs", queue, endpoint)
    forget()


def upload(who: Somebody, data: bytes) -> UUID:
    digest = hashlib.sha256(data)
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), digest.digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    put(who, answer.image_id, data)
    return answer.image_id


def put(who: Somebody, image_id: UUID, data: bytes) -> None:
    import base64

    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    staging.put(who.user_id, image_id, data, content_type="image/jpeg", sha256_base64=digest)


def assert_finished_once(workshop: Workshop, who: Somebody, image_id: UUID, data: bytes) -> None:
    """Ready, one set of rows, every blob opens, the quota counts it once, and staging is empty."""
    with db.transaction(who.user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        assert (image.status, image.reason) == ("ready", None)
        rows = blobs.of_images(conn, [image_id])
        content_key = keyring.content_key(
            conn, who.user_id, image_id, version=image.key_version, wrapped=bytes(image.content_key)
        )
        assert conn.execute("SELECT count(*) FROM image_embeddings").fetchone() == (1,)
        assert conn.execute("SELECT wanted_generation FROM rebuilds").fetchone() == (1,)
        user = users.get(conn)
    assert user is not None
    assert (user.used_bytes, user.reserved_bytes) == (len(data), 0)
    opened = {blob.name: vault.fetch(blob, content_key=content_key, user_id=who.user_id) for blob in rows}
    assert {"original", "preview", "thumbnail", "metadata"} <= set(opened)
    assert opened["original"] == data
    assert not staging.holds(who.user_id, image_id)


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
    report = maintenance.Report()
    maintenance.remove_orphans(report, now=datetime.now(UTC))
    assert report.orphans == 0, "younger than a day"
    maintenance.remove_orphans(report, now=datetime.now(UTC) + timedelta(hours=25))
    assert report.orphans >= 1
    assert {stored.key for stored in storage.driver("local").list()} < before
    assert_finished_once(workshop, ada, image_id, data)


def test_the_sweeper_seals_what_lost_its_worker(workshop: Workshop, ada: Somebody) -> None:
    data = draw(42, (800, 600))
    image_id = upload(ada, data)
    report = maintenance.Report()
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
    report = maintenance.Report()
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
    report = maintenance.Report()
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
    report = maintenance.Report()
    maintenance.purge_trash(report, now=datetime.now(UTC) + timedelta(days=29))
    assert images_left(ada, image_id)
    maintenance.purge_trash(report, now=datetime.now(UTC) + timedelta(days=31))
    assert not images_left(ada, image_id)
    assert all(storage.driver("local").size(key) is None for key in keys)
    with db.transaction(ada.user_id) as conn:
        user = users.get(conn)
    assert user is not None
    assert user.used_bytes == 0
