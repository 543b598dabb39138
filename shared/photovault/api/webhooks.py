"""Webhooks: where a person's other programs want to be told of changes, and what became of telling them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Response
from pydantic import ConfigDict, Field, StringConstraints

from photovault import (
    activity,
    changes,
    cursors,
    deliveries,
    keyring,
    posting,
    public_addresses,
    queues,
    throttles,
    users,
    webhook_events,
    webhooks,
)
from photovault.api import edge, schemas
from photovault.api.changing import IdempotencyKey, Once
from photovault.api.edge import CurrentLoggedIn
from photovault.api.paging import next_cursor
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.errors import Conflict, Invalid, NotFound
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(prefix="/webhooks", tags=["sync"])

NO_SUCH_WEBHOOK = "There is no such webhook."
NO_SUCH_DELIVERY = "There is no such delivery."
# Posts, and look-ups of names, that somebody asks for by hand: enough to find a mistake by, too few to bother a
# stranger's server with.
BY_HAND = throttles.Bucket("webhook-posts", capacity=30, seconds=10)

TOO_MANY: schemas.Responses = {429: {}}

_ID = "01890a5d-ac96-774b-bcce-b302099a8057"

WebhookId = Annotated[UUID, Path(description="A webhook's id.")]
DeliveryId = Annotated[UUID, Path(description="A delivery's id, which its receiver knows as `webhook-id`.")]
Url = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=public_addresses.LONGEST_URL),
    Field(
        description="An https address on port 443 or 8443 whose host has public addresses only. Redirects are not "
        "followed.",
        examples=["https://example.com/hooks/photovault"],
    ),
]
Events = Annotated[
    list[webhook_events.Event],
    Field(min_length=1, max_length=len(webhook_events.EVENTS), examples=[["image.ready", "album.changed"]]),
]
Proof = Annotated[
    str,
    Field(
        max_length=2000,
        description="That it is you, of `POST /auth/proof`: posts go on without this session, and after another "
        "password.",
        examples=["eyJhbGc.eyJpc3M.c2ln"],
    ),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00]*$")]


class NewWebhook(schemas.Schema):
    url: Url
    events: Events
    description: Description | None = Field(None, examples=["Home automation"])
    proof: Proof


class WebhookEdit(schemas.Schema):
    """What is not given stays."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"events": ["album.changed"]}, {"active": True}, {"description": "The barn"}]},
    )

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    active: bool | None = Field(
        None, description="Switched on again, it is told of what changes from then on; `GET /changes` has the rest."
    )
    proof: Proof | None = Field(None, description="Of `POST /auth/proof`; another `url` wants it.")


class Rotation(schemas.Schema):
    proof: Proof


class Webhook(schemas.Schema):
    id: UUID
    url: str
    events: list[webhook_events.Event]
    description: str | None
    active: bool
    stopped_because: str | None = Field(description="Why it is switched off.")
    failing_since: datetime | None = Field(
        description="Since when nothing arrives there. After five days it is switched off."
    )
    both_sign_until: datetime | None = Field(
        description="Until when posts are signed with a secret before this one as well; null when they are not."
    )
    created_at: datetime


class MadeWebhook(schemas.Schema):
    webhook: Webhook
    secret: str | None = Field(
        description="What posts are signed with. It is told this once; null when the request was repeated.",
        examples=["whsec_" + "A" * 43 + "="],
    )


class RotatedWebhook(schemas.Schema):
    webhook: Webhook
    secret: str = Field(
        description="What posts are signed with from now on. It is told this once.",
        examples=["whsec_" + "A" * 43 + "="],
    )


class Webhooks(schemas.Schema):
    items: list[Webhook]
    next_cursor: None = None


class Delivery(schemas.Schema):
    id: UUID = Field(description="The receiver knows it as `webhook-id`, at every attempt.")
    event: str
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None = Field(description="What the receiver answered; any of the 200s is an arrival.")
    last_trouble: str | None = Field(description="Why there was no answer.", examples=["no answer within 10 seconds"])
    created_at: datetime


class PostedItem(schemas.Schema):
    kind: Literal["image", "album", "person"]
    id: UUID
    revision: int = Field(description="As `GET /changes` gives it.")
    gone: bool = Field(description="Whether it left the lists.")


class PostedData(schemas.Schema):
    items: list[PostedItem] = Field(max_length=webhook_events.MOST_ITEMS)


class Posted(schemas.Schema):
    """What a webhook is posted: ids and revisions. Ask the API for the rest, with a key of your own."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "image.ready",
                    "timestamp": "2026-05-01T12:00:00+00:00",
                    "data": {"items": [{"kind": "image", "id": _ID, "revision": 42, "gone": False}]},
                }
            ]
        },
    )

    type: str = Field(examples=[*webhook_events.EVENTS, webhook_events.TEST])
    timestamp: datetime = Field(description="When the changes were found, some seconds after they were made.")
    data: PostedData


class Asked(schemas.Schema):
    delivery_id: UUID = Field(description="Watch it at `GET /webhooks/{id}/deliveries`.")


# ------------------------------------------------------------------------------------------------------------ webhooks


@router.post("", status_code=201, operation_id="createWebhook", summary="Make a webhook", responses=CONFLICT | TOO_MANY)
def create(body: NewWebhook, person: CurrentLoggedIn, idempotency_key: IdempotencyKey = None) -> MadeWebhook:
    """Have an address of yours posted to when something changes: signed, within seconds, and again until it arrives.

    Posts name ids and revisions and nothing else, up to a hundred of a kind at once: ask `GET /changes`, or the photo
    or album, for what became of them. They are signed as https://www.standardwebhooks.com has it, for which there are
    libraries, and may come more than once, with the same `webhook-id`, and in any order. Answer with any of the 200s
    within ten seconds; otherwise the post comes again after 5 seconds, 1 and 10 minutes, 1, 6 and 12 hours. An answer
    of 410 switches the webhook off.

    It wants a `proof`: ask `POST /auth/proof` with your password first.
    """
    target = public_addresses.parse(body.url, loopback=_loopback())
    with person.transaction():
        pass  # a session that has ended proves nothing any more
    person.require_proof(body.proof)
    _count_by_hand(person)
    posting.require_reachable(target, loopback=_loopback())
    # Another proof is still the same request.
    once = Once.of(idempotency_key, "createWebhook", body.model_copy(update={"proof": ""}))
    keyring.provide(person.user_id)
    with person.locked() as conn:
        before = once.before(conn)
        if before is not None:
            return MadeWebhook(webhook=_show(conn, person, _existing(conn, before)), secret=None)
        made, secrets = webhooks.add(
            conn,
            person.user_id,
            url=body.url,
            events=list(dict.fromkeys(body.events)),
            description=body.description,
            position=changes.newest(conn),
        )
        once.made(conn, made)
        activity.record(conn, "webhook-created", webhook_id=str(made), description=body.description)
        return MadeWebhook(webhook=_show(conn, person, _existing(conn, made)), secret=secrets.secret)


@router.get("", operation_id="listWebhooks", summary="List webhooks")
def list_webhooks(person: CurrentLoggedIn) -> Webhooks:
    """All of them, newest first, with what is the matter where nothing arrives."""
    with person.transaction() as conn:
        return Webhooks(items=[_show(conn, person, row) for row in webhooks.all_of_person(conn)])


@router.get("/{webhook_id}", operation_id="getWebhook", summary="Get a webhook", responses=NOT_FOUND)
def get_webhook(webhook_id: WebhookId, person: CurrentLoggedIn) -> Webhook:
    """A webhook, without its secret."""
    with person.transaction() as conn:
        return _show(conn, person, _existing(conn, webhook_id))


@router.patch("/{webhook_id}", operation_id="editWebhook", summary="Edit a webhook", responses=NOT_FOUND | TOO_MANY)
def edit(webhook_id: WebhookId, body: WebhookEdit, person: CurrentLoggedIn) -> Webhook:
    """Another address, other events, another description, or switch it off and on. The secret stays.

    Another address wants a `proof`, as making the webhook did. What waits to be posted is posted there.
    """
    if body.url is not None:
        target = public_addresses.parse(body.url, loopback=_loopback())
        with person.transaction() as conn:
            _existing(conn, webhook_id)
        if body.proof is None:
            raise Invalid("Another address wants a proof.", [("proof", "Ask `POST /auth/proof` for one.")])
        person.require_proof(body.proof)
        _count_by_hand(person)
        posting.require_reachable(target, loopback=_loopback())
    with person.locked() as conn:
        row = _existing(conn, webhook_id)
        if body.url is not None:
            webhooks.set_url(conn, person.user_id, row, body.url)
            activity.record(conn, "webhook-moved", webhook_id=str(webhook_id), description=row.description)
        given = "description" in body.model_fields_set
        webhooks.describe(
            conn,
            webhook_id,
            events=list(dict.fromkeys(body.events or row.events)),
            description=body.description if given else row.description,
        )
        if body.active is True:
            webhooks.start(conn, webhook_id, position=changes.newest(conn))
        elif body.active is False and webhooks.stop(conn, webhook_id, webhooks.BY_THE_PERSON):
            deliveries.give_up(conn, webhook_id)
        return _show(conn, person, _existing(conn, webhook_id))


@router.post(
    "/{webhook_id}/secret",
    operation_id="rotateWebhookSecret",
    summary="Change a webhook's secret",
    responses=NOT_FOUND | CONFLICT,
)
def rotate(webhook_id: WebhookId, body: Rotation, person: CurrentLoggedIn) -> RotatedWebhook:
    """Another secret to sign posts with. It is told this once.

    The one before it signs as well for 24 hours, with a space between the two signatures, as Standard Webhooks has it:
    tell the receiver within that time, and no post is lost. It wants a `proof`, as making the webhook did.
    """
    with person.transaction() as conn:
        _existing(conn, webhook_id)
    person.require_proof(body.proof)
    with person.locked() as conn:
        secrets = webhooks.rotate(conn, person.user_id, _existing(conn, webhook_id), now=datetime.now(UTC))
        row = _existing(conn, webhook_id)
        activity.record(conn, "webhook-secret-changed", webhook_id=str(webhook_id), description=row.description)
        return RotatedWebhook(webhook=_show(conn, person, row), secret=secrets.secret)


@router.delete(
    "/{webhook_id}", status_code=204, operation_id="deleteWebhook", summary="Remove a webhook", responses=NOT_FOUND
)
def delete(webhook_id: WebhookId, person: CurrentLoggedIn) -> Response:
    """Nothing is posted there any more, and what was is forgotten."""
    with person.transaction() as conn:
        users.lock(conn)
        row = _existing(conn, webhook_id)
        webhooks.remove(conn, webhook_id)
        activity.record(conn, "webhook-removed", webhook_id=str(webhook_id), description=row.description)
    return Response(status_code=204)


# ---------------------------------------------------------------------------------------------------------- deliveries


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    operation_id="testWebhook",
    summary="Try a webhook",
    responses=NOT_FOUND | CONFLICT | TOO_MANY,
)
def try_webhook(webhook_id: WebhookId, person: CurrentLoggedIn) -> Asked:
    """Post a `webhook.test` there. What came of it is in its deliveries a moment later."""
    _count_by_hand(person)
    with person.transaction() as conn:
        users.lock(conn)
        _switched_on(conn, webhook_id)
        bodies = list(webhook_events.bodies(webhook_events.TEST, [], at=datetime.now(UTC)))
        (made,) = deliveries.add(conn, webhook_id, webhook_events.TEST, bodies)
    queues.send_delivery(person.user_id, made, attempts=0)
    return Asked(delivery_id=made)


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="listDeliveries",
    summary="What a webhook was posted",
    responses=NOT_FOUND,
)
def list_deliveries(
    webhook_id: WebhookId, person: CurrentLoggedIn, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[Delivery]:
    """Posts of the last 30 days, and what became of each, newest first."""
    after = cursors.decode("deliveries", cursor, "u")
    with person.transaction() as conn:
        _existing(conn, webhook_id)
        rows = deliveries.page(conn, webhook_id, limit=limit + 1, before=after[0] if after else None)
    return schemas.Page(
        items=[_delivery(row) for row in rows[:limit]],
        next_cursor=next_cursor("deliveries", rows, limit=limit, key=lambda row: (row.id,)),
    )


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    operation_id="redeliver",
    summary="Post it again",
    responses=NOT_FOUND | CONFLICT | TOO_MANY,
)
def redeliver(webhook_id: WebhookId, delivery_id: DeliveryId, person: CurrentLoggedIn) -> Asked:
    """Post a delivery once more, with the same `webhook-id`, whether it had arrived or not."""
    _count_by_hand(person)
    with person.transaction() as conn:
        users.lock(conn)
        _switched_on(conn, webhook_id)
        found = deliveries.get(conn, delivery_id)
        if found is None or found.webhook_id != webhook_id:
            raise NotFound(NO_SUCH_DELIVERY)
        deliveries.again(conn, delivery_id)
    queues.send_delivery(person.user_id, delivery_id, attempts=0)
    return Asked(delivery_id=delivery_id)


# ------------------------------------------------------------------------------------------------ what is posted there

# For the description of the API alone: these are requests that the vault makes.
posts = APIRouter(tags=["sync"])

_TOLD = {
    "image.ready": "Photos are understood and can be seen, found and shown.",
    "image.rejected": "Photos cannot be taken; `reason` of `GET /images/{id}` says why.",
    "album.changed": "Albums were made, changed (in their photos, too) or went away, once for each rebuild.",
    "person.changed": "People were found, named, merged, split, hidden or went away.",
    webhook_events.TEST: "Somebody tries the webhook out: `POST /webhooks/{id}/test`.",
}

Signature = Annotated[
    str,
    Header(
        description="`v1,` and base64 of the HMAC-SHA-256 of `webhook-id`, a dot, `webhook-timestamp`, a dot and the "
        "body, under the secret's bytes: what stands behind `whsec_`, from base64. For a day after the secret was "
        "changed two of them, with a space between: take a post that one of them fits.",
    ),
]


def _posted(
    body: Posted,
    webhook_id: Annotated[str, Header(description="Of the delivery; the same whenever it comes again.")],
    webhook_timestamp: Annotated[int, Header(description="Of the attempt, in Unix seconds. Refuse what is old.")],
    webhook_signature: Signature,
) -> Response:
    """Answer with any of the 200s within ten seconds."""
    raise NotImplementedError(body, webhook_id, webhook_timestamp, webhook_signature)


for _event, _told in _TOLD.items():
    posts.add_api_route(
        _event,
        _posted,
        methods=["POST"],
        status_code=204,
        name=_event,
        operation_id="on" + "".join(part.title() for part in _event.split(".")),
        summary=_told,
        response_description="It has arrived.",
    )


# ------------------------------------------------------------------------------------------------------------- showing


def _loopback() -> bool:
    return get_settings().webhooks_to_loopback


def _existing(conn: Connection, webhook_id: UUID) -> webhooks.Webhook:
    found = webhooks.get(conn, webhook_id)
    if found is None:
        raise NotFound(NO_SUCH_WEBHOOK)
    return found


def _count_by_hand(person: edge.Person) -> None:
    with person.transaction() as conn:
        throttles.pour(conn, BY_HAND, str(person.user_id))


def _switched_on(conn: Connection, webhook_id: UUID) -> None:
    if not _existing(conn, webhook_id).active:
        raise Conflict("This webhook is switched off; switch it on first.")


def _show(conn: Connection, person: edge.Person, row: webhooks.Webhook) -> Webhook:
    secrets = webhooks.secrets_of(conn, person.user_id, row)
    return Webhook(
        id=row.id,
        url=secrets.url,
        events=row.events,
        description=row.description,
        active=row.active,
        stopped_because=row.stopped_because,
        failing_since=row.failing_since,
        both_sign_until=secrets.both_until(datetime.now(UTC)),
        created_at=row.created_at,
    )


def _delivery(row: deliveries.Delivery) -> Delivery:
    return Delivery(
        id=row.id,
        event=row.event,
        state=row.state,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_attempt_at=row.last_attempt_at,
        last_status=row.last_status,
        last_trouble=row.last_trouble,
        created_at=row.created_at,
    )
