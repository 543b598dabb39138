"""Telling webhooks of changes: what changed becomes deliveries, and deliveries are posted until they arrive.

Two kinds of messages. One about a person: make deliveries of everything that changed since the last time, in one
transaction with the note of how far that went, and ask for a first attempt at each. It comes some seconds after the
change, so that an upload of a thousand photos is a few posts. One about a delivery: attempt it, once. The message for
the next attempt is sent before the outcome of this one is written, so a death in between costs a post that comes twice,
with the same id, and never one that does not come. A message whose time has not come goes back to the queue, fifteen
minutes at a time, without a look at the database.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import (
    activity,
    albums,
    changes,
    db,
    deliveries,
    failpoints,
    keyring,
    people,
    posting,
    public_addresses,
    queues,
    users,
    webhook_events,
    webhooks,
)
from photovault.errors import Invalid, PersonGone
from photovault.observability import count, logger
from photovault.pipeline import waking
from photovault.pipeline.messages import Attempt
from photovault.posting import Outcome
from photovault.settings import get_settings
from photovault.webhook_events import Item

if TYPE_CHECKING:
    from photovault.db import Connection

# First attempts that one message asks for; another one asks for the rest.
MOST_AT_ONCE = 500
# A webhook for which so many posts are to be made right now is told of no more until they are: else one receiver that
# takes its ten seconds each time, of somebody whose photos change all day, would keep everybody else's posts waiting.
MOST_DUE = 10
# So much earlier than its time a message may come.
SLACK_SECONDS = 1

Post = Callable[..., Outcome]


# ---------------------------------------------------------------------------------------- from changes to deliveries


def tell(user_id: UUID) -> int:
    """Make deliveries of what changed since the last time, and ask for each. Returns how many were made."""
    try:
        with db.transaction(user_id) as conn:
            users.lock(conn)
            made = _draft(conn, now=datetime.now(UTC))
            unsent = deliveries.unsent(conn, limit=MOST_AT_ONCE + 1)
    except PersonGone:
        return 0
    failpoints.reach("webhooks.drafted")
    for delivery_id, attempts in unsent[:MOST_AT_ONCE]:
        queues.send_delivery(user_id, delivery_id, attempts=attempts)
    if unsent:
        with db.transaction(user_id) as conn:
            deliveries.asked_for(conn, [delivery_id for delivery_id, _ in unsent[:MOST_AT_ONCE]])
    if len(unsent) > MOST_AT_ONCE:
        queues.send_webhooks(user_id, delay=5)
    if made:
        logger().info("webhooks.told", extra={"deliveries": made})
    return made


def _draft(conn: Connection, *, now: datetime) -> int:
    """The person's row is locked, so nothing changes meanwhile and no revision is to come that is not seen."""
    newest = changes.newest(conn)
    due = deliveries.due(conn)
    active = [
        webhook
        for webhook in webhooks.all_of_person(conn, lock=True)
        if webhook.active and due.get(webhook.id, 0) < MOST_DUE
    ]
    made = 0
    found: dict[tuple[str, int], list[Item]] = {}
    for webhook in active:
        for event in webhook.events:
            key = event, webhook.position
            if key not in found:
                found[key] = _READERS[event](conn, webhook.position)
            if found[key]:
                bodies = list(webhook_events.bodies(event, found[key], at=now))
                made += len(deliveries.add(conn, webhook.id, event, bodies))
    webhooks.told(conn, [webhook.id for webhook in active], position=newest)
    webhooks.heard(conn)
    return made


def _ready(conn: Connection, since: int) -> list[Item]:
    return _finished(conn, since, "ready")


def _rejected(conn: Connection, since: int) -> list[Item]:
    return _finished(conn, since, "rejected")


def _finished(conn: Connection, since: int, status: str) -> list[Item]:
    found = conn.execute(
        "SELECT id, finished_revision FROM images WHERE revision > %(since)s AND finished_revision > %(since)s "
        "AND status = %(status)s AND deleted_at IS NULL ORDER BY finished_revision, id",
        {"since": since, "status": status},
    )
    return [Item("image", image_id, revision) for image_id, revision in found.fetchall()]


def _albums(conn: Connection, since: int) -> list[Item]:
    entries = changes.of_kind(conn, "album", since=since)
    listed = {row.id for row in albums.listed(conn, list(entries))}
    return [Item("album", id_, revision, gone=id_ not in listed) for id_, revision in entries.items()]


def _people(conn: Connection, since: int) -> list[Item]:
    entries = changes.of_kind(conn, "person", since=since)
    listed = {row.id for row in people.listed(conn, list(entries))}
    return [Item("person", id_, revision, gone=id_ not in listed) for id_, revision in entries.items()]


_READERS: dict[str, Callable[[Connection, int], list[Item]]] = {
    "image.ready": _ready,
    "image.rejected": _rejected,
    "album.changed": _albums,
    "person.changed": _people,
}


# ------------------------------------------------------------------------------------------------------- one delivery


def attempt(message: Attempt, *, post: Post = posting.post) -> None:
    """Post a delivery once, and see to what follows. Raises ``Unavailable``."""
    if message.at is not None:
        seconds = (message.at - datetime.now(UTC)).total_seconds()
        if seconds > SLACK_SECONDS:
            queues.send_delivery(message.user_id, message.delivery_id, attempts=message.attempts, at=message.at)
            return
    _attempt(message, post)
    waking.wake(message.user_id)  # what waited for this one to be out of the way


def _attempt(message: Attempt, post: Post) -> None:
    keyring.warm(message.user_id)
    with db.transaction(message.user_id) as conn:
        if users.get(conn) is None:
            return  # the account was deleted
        delivery = deliveries.claim(conn, message.delivery_id, attempts=message.attempts)
        webhook = webhooks.get(conn, delivery.webhook_id) if delivery else None
        if delivery is None or webhook is None:
            return
        secrets = webhooks.secrets_of(conn, message.user_id, webhook)
    failpoints.reach("webhooks.claimed")
    now = datetime.now(UTC)
    loopback = get_settings().webhooks_to_loopback
    try:
        target = public_addresses.parse(secrets.url, loopback=loopback)
    except Invalid:  # what may be posted to is decided anew each time
        outcome = Outcome(trouble="the address may not be posted to")
    else:
        headers = webhook_events.headers(secrets.signing(now), delivery.id, delivery.body, at=now)
        outcome = post(target, delivery.body, headers, loopback=loopback)
    failpoints.reach("webhooks.posted")
    _conclude(message, delivery, outcome, now=now)


def _conclude(message: Attempt, delivery: deliveries.Delivery, outcome: Outcome, *, now: datetime) -> None:
    made = delivery.attempts + 1
    wait = None if outcome.delivered or outcome.status == 410 else webhook_events.retry_after(made)
    at = now + wait if wait is not None else None
    if at is not None:
        queues.send_delivery(message.user_id, delivery.id, attempts=made, at=at)
        failpoints.reach("webhooks.asked-again")
    state: deliveries.State = "delivered" if outcome.delivered else "failed" if at is None else "waiting"
    with db.transaction(message.user_id) as conn:
        if webhooks.get(conn, delivery.webhook_id, lock=True) is None:
            return  # removed meanwhile, and its deliveries with it
        deliveries.record(
            conn,
            delivery.id,
            attempts=made,
            state=state,
            status=outcome.status,
            trouble=outcome.trouble,
            next_attempt_at=at,
        )
        since = webhooks.note_outcome(conn, delivery.webhook_id, delivered=outcome.delivered)
        if outcome.status == 410:
            _stop(conn, delivery.webhook_id, webhooks.GONE)
        elif since is not None and now - since > webhook_events.PATIENCE:
            _stop(conn, delivery.webhook_id, webhooks.UNREACHABLE)
    count("WebhooksDelivered" if outcome.delivered else "WebhooksFailed")
    logger().info(
        "webhook.posted",
        extra={
            "delivery_id": str(delivery.id),
            "attempt": made,
            "status": outcome.status,
            "trouble": outcome.trouble,
            "state": state,
        },
    )


def _stop(conn: Connection, webhook_id: UUID, because: str) -> None:
    if webhooks.stop(conn, webhook_id, because):
        activity.record(conn, "webhook-stopped", webhook_id=str(webhook_id), because=because)
    deliveries.give_up(conn, webhook_id)
