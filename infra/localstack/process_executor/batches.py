"""An SQS event cut into parts for several processes, and their answers merged into the one that the poller expects.

LocalStack runs one invocation at a time for each queue, where AWS runs many. So that a laptop's other cores do not
idle, one batch is handled by several processes of the function, each of which sees a smaller batch: the same thing that
AWS would have given to as many concurrent environments.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """What became of one part: the handler's answer, or the error document that ended it."""

    message_ids: tuple[str, ...]
    answer: bytes
    failed: bool


def split(payload: str, parts: int) -> list[Event]:
    """The event in at most `parts` events of consecutive records, as equal as can be; empty when it is not divisible.

    Only events whose records all come from SQS standard queues are divisible: a FIFO queue's order must be kept.
    """
    if parts < 2 or '"aws:sqs"' not in payload:  # most events are HTTP requests with large bodies: not parsed twice
        return []
    event = json.loads(payload)
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or len(records) < 2:
        return []
    if any(record.get("eventSource") != "aws:sqs" or _ordered(record) for record in records):
        return []
    count = min(parts, len(records))
    cuts = [len(records) * n // count for n in range(count + 1)]
    return [{**event, "Records": records[low:high]} for low, high in itertools.pairwise(cuts)]


def _ordered(record: Event) -> bool:
    return str(record.get("eventSourceARN", "")).endswith(".fifo")


def message_ids(event: Event) -> tuple[str, ...]:
    return tuple(record["messageId"] for record in event["Records"])


def dump(event: Event) -> bytes:
    return json.dumps(event).encode()


def merge(parts: Sequence[Part]) -> tuple[bytes, bool]:
    """One answer for the whole batch, and whether it is a function error.

    A part that ended in an error counts as all of its messages failed, which is only sound where the function reports
    failures message by message: when every part failed, or when the others do not speak of `batchItemFailures`, the
    batch fails as a whole and is delivered again. The first error stands for the batch.
    """
    answers = [_answer(part) for part in parts]
    failed = [part for part in parts if part.failed]
    if failed and not any(isinstance(answer, dict) and "batchItemFailures" in answer for answer in answers):
        return failed[0].answer, True
    identifiers: list[str] = []
    for part, answer in zip(parts, answers, strict=True):
        if part.failed:
            identifiers += part.message_ids
        elif isinstance(answer, dict):
            identifiers += [item["itemIdentifier"] for item in answer.get("batchItemFailures") or []]
    return json.dumps({"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}).encode(), False


def _answer(part: Part) -> Any:
    if part.failed:
        return None
    try:
        return json.loads(part.answer or b"null")
    except ValueError:
        return None
