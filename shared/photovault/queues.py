"""Sending to the pipeline's queues."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from photovault import aws
from photovault.errors import Unavailable
from photovault.recipes import Step
from photovault.settings import get_settings

# SQS delays a message by at most this long.
LONGEST_DELAY_SECONDS = 900
# Longer than any function or request that asks for a rebuild may take to commit.
REBUILD_CHECK_SECONDS = 300
# What changes within it is told of in one post.
WEBHOOKS_DELAY_SECONDS = 10


# The first retry of a failed message, and by how much each further one comes later: five receives spread over 40
# minutes, which a restart or a short outage does not outlast.
FIRST_RETRY_SECONDS = 30
RETRY_FACTOR = 4
# As the template's maxReceiveCount says: what has failed so often becomes a dead letter when it is due again.
MOST_RECEIVES = 5


def retry_after(setting: str, receipt_handle: str, *, attempt: int) -> None:
    """Let a message that failed for the ``attempt``-th time (from 1) come again after its turn.

    After the last attempt it is due at once, so that it lies with the dead letters when somebody is called.
    """
    aws.client("sqs").change_message_visibility(
        QueueUrl=get_settings().require(setting),
        ReceiptHandle=receipt_handle,
        VisibilityTimeout=0 if attempt >= MOST_RECEIVES else FIRST_RETRY_SECONDS * RETRY_FACTOR ** (attempt - 1),
    )


def _send(setting: str, body: dict[str, Any], delay: int | None) -> None:
    message: dict[str, Any] = {"QueueUrl": get_settings().require(setting), "MessageBody": json.dumps(body)}
    if delay is not None:
        message["DelaySeconds"] = min(max(0, delay), LONGEST_DELAY_SECONDS)
    sqs = aws.client("sqs")
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        sqs.send_message(**message)
    except (ClientError, BotoCoreError) as error:
        raise Unavailable("The queues cannot be reached right now; try again.") from error


def send_vision(user_id: UUID, image_id: UUID, *, check: bool = False, delay: int | None = None) -> None:
    """Ask for a photo's vision step, or with ``check`` for a look at whether all its steps have finished."""
    _send("vision_queue_url", {"user_id": str(user_id), "image_id": str(image_id), "check": check}, delay)


def send_embedding(user_id: UUID, image_id: UUID) -> None:
    _send("embedding_queue_url", {"user_id": str(user_id), "image_id": str(image_id)}, None)


def send_renewal(
    step: Step,
    *,
    slot: int = 0,
    turn: datetime | None = None,
    after: UUID | None = None,
    delay: int | None = None,
) -> None:
    """Ask a step to look anew at photos that its models would find more in: to begin, or to go on after a ``turn``."""
    body = {
        "renew": step,
        "slot": slot,
        "turn": turn.isoformat() if turn else None,
        "after": str(after) if after else None,
    }
    _send("vision_queue_url" if step == "vision" else "embedding_queue_url", body, delay)


def send_albums(user_id: UUID, *, delay: int | None = None) -> None:
    """Wake the album builder for a person; without a delay of its own the queue's delay collects a bulk upload."""
    _send("albums_queue_url", {"user_id": str(user_id)}, delay)


def send_webhooks(user_id: UUID, *, delay: int = WEBHOOKS_DELAY_SECONDS) -> None:
    """Have the webhooks of a person told of what changed. The delay collects what changes right after it."""
    _send("webhooks_queue_url", {"user_id": str(user_id)}, delay)


def send_delivery(user_id: UUID, delivery_id: UUID, *, attempts: int, at: datetime | None = None) -> None:
    """Ask for the attempt that follows ``attempts`` others, at a time that may be hours away."""
    body = {
        "user_id": str(user_id),
        "delivery_id": str(delivery_id),
        "attempts": attempts,
        "at": at.isoformat() if at else None,
    }
    seconds = math.ceil((at - datetime.now(UTC)).total_seconds()) if at else 0
    _send("webhooks_queue_url", body, max(0, seconds))


def send_rebuild_check(user_id: UUID) -> None:
    """To be sent *before* a transaction that asks for a rebuild: if the sender dies after its commit, this finds it."""
    send_albums(user_id, delay=REBUILD_CHECK_SECONDS)
