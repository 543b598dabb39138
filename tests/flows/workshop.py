"""A vault whose bucket and queues exist, but call nobody: a test delivers, each time in a process that may be killed.

Real S3 and SQS (LocalStack) and Postgres.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from infra.local import stack
from infra.local.localstack import REGION, LocalStack
from tests.flows.forked import exit_status
from tests.vaults import Somebody, forget

from photovault import blobs, db, images, keyring, sealing, staging, uploads, users, vault

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Workshop:
    """A vault whose bucket and queues exist, but call nobody: the test delivers."""

    environment: dict[str, str]
    blobs: Path
    queue: str
    endpoint: str

    def deliver(self, step: str, who: Somebody, image_id: UUID, *, failpoint: str = "") -> int:
        """The exit status of one delivery, negative for a signal."""
        from tests.flows.worker import deliver  # with all that the pipeline imports

        environment = {**os.environ, **self.environment, "PHOTOVAULT_FAILPOINT": failpoint, "LOG_LEVEL": "CRITICAL"}
        log = self.blobs.with_name(f"{step}-{uuid4().hex[:8]}.log")
        status = exit_status(deliver, step, str(who.user_id), str(image_id), environment=environment, log=log)
        print(log.read_text())  # shown where the test fails
        return status


@pytest.fixture(scope="module")
def workshop(vault: Path, localstack: LocalStack) -> Iterator[Workshop]:
    endpoint = localstack.endpoint
    s3, sqs = stack.client(endpoint, "s3"), stack.client(endpoint, "sqs")
    name = f"faults-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "STAGING_BUCKET": name,
        "VISION_QUEUE_URL": queue,
        "EMBEDDING_QUEUE_URL": queue,
        "ALBUMS_QUEUE_URL": queue,
        "WEBHOOKS_QUEUE_URL": queue,
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


def announce(who: Somebody, data: bytes, *, sealed: bool) -> uploads.Answer:
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC), sealed=sealed)
    return answer


def upload(who: Somebody, data: bytes, *, sealed: bool = False) -> UUID:
    """Announce, seal where that is wanted, and put into staging; the photo's id."""
    answer = announce(who, data, sealed=sealed)
    if answer.seal is not None:
        data = sealing.seal(data, key=answer.seal.key, address=answer.seal.address)
    put(who, answer.image_id, data)
    return answer.image_id


def put(who: Somebody, image_id: UUID, data: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    staging.put(who.user_id, image_id, data, content_type="image/jpeg", sha256_base64=digest)


def assert_finished_once(workshop: Workshop, who: Somebody, image_id: UUID, data: bytes) -> None:
    """Ready, one set of rows, every blob opens, the quota counts it once, and staging is empty."""
    with db.transaction(who.user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        assert (image.status, image.reason) == ("ready", None)
        rows = blobs.of_images(conn, [image_id])
        content_key = keyring.content_key_of(conn, image)
        assert conn.execute("SELECT count(*) FROM image_embeddings").fetchone() == (1,)
        assert conn.execute("SELECT wanted_generation FROM rebuilds").fetchone() == (1,)
        user = users.get(conn)
    assert user is not None
    assert (user.used_bytes, user.reserved_bytes) == (len(data), 0)
    opened = {blob.name: vault.fetch(blob, content_key=content_key, user_id=who.user_id) for blob in rows}
    assert {"original", "preview", "thumbnail", "metadata"} <= set(opened)
    assert opened["original"] == data
    assert not staging.holds(who.user_id, image_id)
