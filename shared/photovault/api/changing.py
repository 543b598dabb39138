"""What requests that change a vault have in common: the person's lock, repetition, and asking for a rebuild."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Header

from photovault import idempotency, queues, rebuilds, users, webhooks
from photovault.api.edge import Person
from photovault.api.schemas import Schema
from photovault.errors import Unavailable
from photovault.observability import logger

if TYPE_CHECKING:
    from photovault.db import Connection

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00]*$",
        description="Any text that this request alone has. Sent again within 24 hours with the same request, it makes "
        "nothing twice; with another request it is a conflict.",
        examples=["0b5f2f3e-6c2a-4b53-9b0e-2f1d3c4b5a69"],
    ),
]


@dataclass(frozen=True)
class Change:
    """A transaction that holds the person's lock, and the revision of everything that it changes."""

    conn: Connection
    revision: int


@contextmanager
def changing(person: Person) -> Iterator[Change]:
    """A transaction that may write."""
    with person.transaction() as conn:
        yield Change(conn, users.next_revision(conn))
        waiting = webhooks.wake(conn)
    if waiting:
        # Trouble with the queue is none of the request's, which has done what it was to do. What is not told of now is
        # told of with the next change, and once a day.
        try:
            queues.send_webhooks(person.user_id)
        except Unavailable as error:
            logger().warning("webhooks.not_woken", extra={"why": error.detail})


@contextmanager
def rebuilding(person: Person) -> Iterator[Change]:
    """A transaction after which people and albums are derived again; a builder at work starts over."""
    queues.send_rebuild_check(person.user_id)
    with changing(person) as change:
        yield change
        rebuilds.edited(change.conn)
        rebuilds.want(change.conn)
    queues.send_albums(person.user_id)


@dataclass(frozen=True)
class Once:
    """A POST that may be repeated: what it made before, and where to note what it makes now."""

    key: str | None
    route: str
    request_sha256: bytes

    @classmethod
    def of(cls, key: str | None, route: str, body: Schema | None) -> Once:
        sent = body.model_dump_json() if body is not None else ""
        return cls(key, route, hashlib.sha256(sent.encode()).digest())

    def before(self, conn: Connection) -> UUID | None:
        """What this request made when it was sent before. Raises ``Conflict``."""
        return idempotency.recall(conn, self.key, route=self.route, request_sha256=self.request_sha256)

    def made(self, conn: Connection, resource_id: UUID) -> None:
        idempotency.remember(
            conn, self.key, route=self.route, request_sha256=self.request_sha256, resource_id=resource_id
        )
