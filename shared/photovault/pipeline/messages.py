"""Messages of the queues, and a batch of them handled one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

from photovault import queues, staging
from photovault.errors import PersonGone, Unavailable
from photovault.observability import logger
from photovault.pipeline.deadlines import Remaining, no_end
from photovault.recipes import STEPS, Step


@dataclass(frozen=True)
class PhotoMessage:
    """One photo to work on. ``check`` asks only whether its steps have finished."""

    user_id: UUID
    image_id: UUID
    check: bool = False


@dataclass(frozen=True)
class Renewal:
    """Outdated photos to look at anew: begin with it (no ``turn``), or go on, with the person after another."""

    step: Step
    slot: int = 0
    turn: datetime | None = None
    after: UUID | None = None


@dataclass(frozen=True)
class Attempt:
    """A delivery to a webhook: make the attempt that follows ``attempts`` others, not before ``at``."""

    user_id: UUID
    delivery_id: UUID
    attempts: int
    at: datetime | None = None


class Malformed(ValueError):
    """A message that no retry will make readable; it belongs in the dead-letter queue."""


def photos(body: str) -> Iterator[PhotoMessage]:
    """The photos that a message of the vision or embedding queue is about.

    Reads S3's notifications (delivered raw through SNS, or inside an SNS envelope) and our own messages. S3's test
    event and objects that are not uploads give nothing. Raises ``Malformed``.
    """
    content = _object(body)
    if isinstance(content.get("Message"), str) and "TopicArn" in content:
        content = _object(content["Message"])
    if content.get("Event") == "s3:TestEvent":
        return
    try:
        if "Records" in content:
            for record in content["Records"]:
                found = staging.ids_of(unquote_plus(record["s3"]["object"]["key"]))
                if found is None:
                    logger().warning("message.foreign_object")
                else:
                    yield PhotoMessage(*found)
        else:
            yield PhotoMessage(
                UUID(content["user_id"]), UUID(content["image_id"]), check=bool(content.get("check", False))
            )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("neither an S3 notification nor a photo message") from error


def renewal(body: str) -> Renewal | None:
    """What a message of the vision or embedding queue says about outdated photos; None for one about photos that were
    uploaded. Raises ``Malformed``."""
    content = _object(body)
    if "renew" not in content:
        return None
    try:
        step = next(step for step in STEPS if step == content["renew"])
        turn, after = content.get("turn"), content.get("after")
        return Renewal(
            step,
            slot=int(content.get("slot", 0)),
            turn=datetime.fromisoformat(turn) if turn else None,
            after=UUID(after) if after else None,
        )
    except (StopIteration, TypeError, ValueError, AttributeError) as error:
        raise Malformed("no message about a renewal") from error


def person(body: str) -> UUID:
    """The person that a message of the album queue is about. Raises ``Malformed``."""
    try:
        return UUID(_object(body)["user_id"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("no message about a person") from error


def webhook(body: str) -> Attempt | UUID:
    """The delivery that a message of the webhook queue is about, or the person. Raises ``Malformed``."""
    content = _object(body)
    if "delivery_id" not in content:
        return person(body)
    try:
        at = datetime.fromisoformat(content["at"]).astimezone(UTC) if content.get("at") else None
        return Attempt(UUID(content["user_id"]), UUID(content["delivery_id"]), int(content["attempts"]), at)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("no message about a delivery") from error


def handle_batch(
    event: dict[str, Any],
    handle: Callable[[str], None],
    *,
    queue: str,
    remaining: Remaining = no_end,
    least_seconds: float = 0.0,
) -> dict[str, list[dict[str, str]]]:
    """Hand every message's body to ``handle`` and report the failed ones, and only those, back to SQS.

    ``queue`` names the setting with the queue's URL: a failed message comes again after seconds at first, and later
    and later, instead of after the queue's visibility time-out, which has to outlast the slowest run. With less than
    ``least_seconds`` of ``remaining`` nothing more is begun: a function that is stopped by its time-out reports
    nothing, and the whole batch would wait for that long.
    """
    failed = []
    for record in event.get("Records", []):
        if remaining() < least_seconds:
            logger().warning("message.not_begun", extra={"message_id": record["messageId"]})
        elif _is_handled(record, handle):
            continue
        failed.append({"itemIdentifier": record["messageId"]})
        _hasten(record, queue)
    return {"batchItemFailures": failed}


def _is_handled(record: dict[str, Any], handle: Callable[[str], None]) -> bool:
    try:
        handle(record["body"])
    except (Unavailable, PersonGone) as error:
        # Expected while a database restarts or storage is away, or when an account is deleted while its photo is
        # worked on: the queue tries again, and then the database is there or the person is not.
        logger().warning("message.retried", extra={"message_id": record["messageId"], "why": error.detail})
    except Exception:
        logger().exception("message.failed", extra={"message_id": record["messageId"]})
    else:
        return True
    return False


def _hasten(record: dict[str, Any], queue: str) -> None:
    """Set when a failed message comes again. Without it the time-out does, so trouble here is none."""
    try:
        queues.retry_after(queue, record["receiptHandle"], attempt=int(record["attributes"]["ApproximateReceiveCount"]))
    except Exception as error:
        logger().warning("message.not_hastened", extra={"message_id": record["messageId"], "why": str(error)})


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise Malformed("not JSON") from error
    if not isinstance(content, dict):
        raise Malformed("not a JSON object")
    return content
