"""What a webhook is posted."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from photovault import webhook_events
from photovault.webhook_events import Item, bodies, headers, retry_after, signature

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example that its libraries are tested with."""
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        '{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_headers_sign_what_is_sent_and_when() -> None:
    secret, delivery = webhook_events.new_secret(), UUID(int=7)
    sent = headers([secret], delivery, "{}", at=NOW)
    assert sent["webhook-id"] == str(delivery)
    assert sent["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert sent["webhook-signature"] == signature(secret, str(delivery), int(NOW.timestamp()), "{}")
    later = headers([secret], delivery, "{}", at=NOW + timedelta(seconds=1))
    assert later["webhook-signature"] != sent["webhook-signature"]


def test_while_a_secret_takes_anothers_place_both_sign() -> None:
    """Space-separated, as the specification's list of signatures."""
    new, old = webhook_events.new_secret(), webhook_events.new_secret()
    sent = headers([new, old], UUID(int=7), "{}", at=NOW)
    stamp = int(NOW.timestamp())
    assert sent["webhook-signature"].split(" ") == [
        signature(each, str(UUID(int=7)), stamp, "{}") for each in (new, old)
    ]


def test_secrets_are_new_and_long_enough() -> None:
    made = {webhook_events.new_secret() for _ in range(10)}
    assert len(made) == 10
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 32 for secret in made)


def test_a_thousand_photos_are_ten_posts() -> None:
    items = [Item("image", UUID(int=n), n) for n in range(1000)]
    told = [json.loads(body) for body in bodies("image.ready", items, at=NOW)]
    assert len(told) == 10
    assert [item["revision"] for body in told for item in body["data"]["items"]] == list(range(1000))


def test_a_body_holds_ids_and_revisions_and_nothing_else() -> None:
    (body,) = bodies("album.changed", [Item("album", UUID(int=1), 5, gone=True)], at=NOW)
    assert json.loads(body) == {
        "type": "album.changed",
        "timestamp": "2026-05-01T12:00:00+00:00",
        "data": {"items": [{"kind": "album", "id": str(UUID(int=1)), "revision": 5, "gone": True}]},
    }


def test_a_test_has_a_body_without_items() -> None:
    (body,) = bodies(webhook_events.TEST, [], at=NOW)
    assert json.loads(body)["data"] == {"items": []}


def test_attempts_come_further_and_further_apart_and_end() -> None:
    waits = [retry_after(made) for made in range(1, 8)]
    assert waits[-1] is None
    known = [wait for wait in waits if wait is not None]
    assert known == sorted(known)
    assert sum(known, timedelta()) > timedelta(hours=18), "a day's outage of the receiver is nearly outlasted"
