"""What a webhook is posted: events without anything private, signed as Standard Webhooks has it. Pure.

A body names ids and revisions and nothing else: no names, captions, places or pictures. Whoever receives it asks the
API, with a key of their own, for what they may know. So a receiver that is compromised, a proxy that logs and a
delivery that waits in the database tell nobody anything about a photo.

The signature is that of https://www.standardwebhooks.com, for which there are libraries: HMAC-SHA-256 of
``id.timestamp.body`` under the secret that stands in base64 behind ``whsec_``. While a secret takes another one's
place both sign, with a space between the signatures; a receiver takes a post that one of them fits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

Event = Literal["image.ready", "image.rejected", "album.changed", "person.changed"]
EVENTS: tuple[Event, ...] = get_args(Event)
TEST = "webhook.test"
# One post tells of up to so many photos, albums or people.
MOST_ITEMS = 100

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
SECRET_BYTES = 32

# After the first attempt: five seconds for a hiccup, an hour for a deployment, most of a day for an outage.
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=12),
)
# A webhook that nothing was delivered to for so long is switched off.
PATIENCE = timedelta(days=5)


@dataclass(frozen=True)
class Item:
    """Something that an event is about, as a revision."""

    kind: Literal["image", "album", "person"]
    id: UUID
    revision: int
    gone: bool = False


def bodies(event: str, items: Sequence[Item], *, at: datetime) -> Iterator[str]:
    """The posts that tell of these, each as the exact text that is signed and sent; one of an event without items."""
    for begin in range(0, max(1, len(items)), MOST_ITEMS):
        some = [
            {"kind": item.kind, "id": str(item.id), "revision": item.revision, "gone": item.gone}
            for item in items[begin : begin + MOST_ITEMS]
        ]
        body = {"type": event, "timestamp": at.isoformat(), "data": {"items": some}}
        yield json.dumps(body, separators=(",", ":"))


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def headers(secrets: Sequence[str], delivery_id: UUID, body: str, *, at: datetime) -> dict[str, str]:
    """What is sent with a body at a moment; the id is the same for every attempt."""
    timestamp = int(at.timestamp())
    return {
        "content-type": "application/json",
        "user-agent": "PhotoVault-Webhooks/1",
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(each, str(delivery_id), timestamp, body) for each in secrets),
    }


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def retry_after(attempts: int) -> timedelta | None:
    """How long to wait after so many attempts that failed; None when that was the last."""
    return RETRIES[attempts - 1] if attempts <= len(RETRIES) else None
