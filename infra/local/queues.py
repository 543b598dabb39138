"""Waiting until the queues are empty."""

import time
from collections.abc import Callable
from typing import Any

QUIET = 3  # looks in a row that find nothing: a worker may send the next message just as its own is deleted
PAUSE = 0.3  # seconds between looks


def waiting(sqs: Any, *, stack: str) -> dict[str, int]:
    """How many messages each work queue of a stack holds or has in hand, by its name, without those still delayed.

    Delayed ones are checks for later (and an album rebuild that is remembered in the database); nobody waits for them.
    Dead letters wait for a person.
    """
    urls = sqs.list_queues(QueueNamePrefix=f"{stack}-").get("QueueUrls", [])
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "RedrivePolicy"]
    attributes = {url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"] for url in urls}
    counts = {}
    for url, each in attributes.items():
        if "RedrivePolicy" in each:  # a queue without one is itself where the dead letters go
            counts[url.rsplit("/", 1)[1]] = int(each[wanted[0]]) + int(each[wanted[1]])
    return counts


def drain(
    sqs: Any, *, stack: str, seconds: float, skip: Callable[[], bool], show: Callable[[dict[str, int]], None]
) -> bool:
    """Waits for empty queues as long as they change within `seconds`; says whether they are empty.

    Without a change only failed messages are left, which come again after minutes. `skip` ends the wait, `show` sees
    what is left.
    """
    seen: dict[str, int] = {}
    changed = time.monotonic()
    quiet = 0
    while quiet < QUIET and time.monotonic() < changed + seconds and not skip():
        left = {name: count for name, count in waiting(sqs, stack=stack).items() if count}
        show(left)
        quiet = 0 if left else quiet + 1
        if left != seen:
            seen, changed = left, time.monotonic()
        time.sleep(PAUSE)
    return quiet >= QUIET
