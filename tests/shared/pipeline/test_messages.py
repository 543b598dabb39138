"""Messages of the queues: what each form means, and what happens to those that fail."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import aws, queues
from photovault.errors import Unavailable
from photovault.pipeline import messages
from photovault.pipeline.messages import Malformed, PhotoMessage
from photovault.settings import get_settings

USER, IMAGE = UUID("01972b6f-3c00-7000-8000-000000000001"), UUID("01972b6f-3c00-7000-8000-000000000002")
KEY = f"incoming/{USER}/{IMAGE}"


def s3_event(*keys: str) -> str:
    return json.dumps({"Records": [{"s3": {"object": {"key": key}}} for key in keys]})


def test_a_notification_of_s3_names_its_photos() -> None:
    assert list(messages.photos(s3_event(KEY))) == [PhotoMessage(USER, IMAGE)]


def test_a_notification_inside_an_sns_envelope_is_read_too() -> None:
    body = json.dumps({"TopicArn": "arn", "Message": s3_event(KEY)})
    assert list(messages.photos(body)) == [PhotoMessage(USER, IMAGE)]


def test_the_test_event_and_foreign_objects_are_nobodys_photo() -> None:
    assert list(messages.photos(json.dumps({"Event": "s3:TestEvent"}))) == []
    assert list(messages.photos(s3_event("outgoing/x", "incoming/not/uuids", KEY + "/more", KEY.upper()))) == []


def test_our_own_messages_say_whether_they_only_check() -> None:
    body = {"user_id": str(USER), "image_id": str(IMAGE)}
    assert list(messages.photos(json.dumps(body))) == [PhotoMessage(USER, IMAGE)]
    assert list(messages.photos(json.dumps(body | {"check": True}))) == [PhotoMessage(USER, IMAGE, check=True)]


@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["Records", "s3", "user_id", "x"]), inner),
        ).map(json.dumps),
    )
)
def test_anything_else_is_malformed_and_never_a_crash(body: str) -> None:
    for read in (lambda: list(messages.photos(body)), lambda: messages.person(body)):
        try:
            read()
        except Malformed:
            continue


class Visibility:
    """Records when failed messages come again, in place of SQS."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    def retry_after(self, setting: str, receipt_handle: str, *, attempt: int) -> None:
        self.asked.append((setting, receipt_handle, attempt))


def records(*bodies: str, attempt: int = 1) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": body,
                "receiptHandle": f"receipt-{body}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(attempt)},
            }
            for body in bodies
        ]
    }


def refuse(body: str) -> None:
    if body == "away":
        raise Unavailable
    if body == "broken":
        raise RuntimeError("a bug")


def test_only_failed_messages_are_delivered_again_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    visibility = Visibility()
    monkeypatch.setattr(queues, "retry_after", visibility.retry_after)
    answer = messages.handle_batch(records("a", "away", "b", "broken", attempt=2), refuse, queue="albums_queue_url")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "away"}, {"itemIdentifier": "broken"}]}
    assert visibility.asked == [("albums_queue_url", "receipt-away", 2), ("albums_queue_url", "receipt-broken", 2)]


def test_what_there_is_no_time_for_is_not_begun_and_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that is stopped by its time-out reports nothing: all of the batch would wait, and count as failed."""
    monkeypatch.setattr(queues, "retry_after", lambda *_, **__: None)
    seconds, handled = iter([100.0, 31.0, 29.0]), []
    answer = messages.handle_batch(
        records("a", "b", "c"),
        handled.append,
        queue="vision_queue_url",
        remaining=lambda: next(seconds),
        least_seconds=30,
    )
    assert handled == ["a", "b"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "c"}]}


def test_a_queue_that_cannot_be_told_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise OSError("no queue")

    monkeypatch.setattr(queues, "retry_after", down)
    answer = messages.handle_batch(records("broken"), refuse, queue="albums_queue_url")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "broken"}]}


class Sqs:
    """Takes down how long failed messages are hidden."""

    def __init__(self) -> None:
        self.hidden: list[int] = []

    def change_message_visibility(self, **asked: Any) -> None:
        self.hidden.append(asked["VisibilityTimeout"])


def test_retries_come_later_and_later_and_the_last_one_is_a_dead_letter_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sqs = Sqs()
    monkeypatch.setattr(aws, "client", lambda _: sqs)
    monkeypatch.setenv("VISION_QUEUE_URL", "http://127.0.0.1:9/vision")
    get_settings.cache_clear()
    for attempt in range(1, queues.MOST_RECEIVES + 1):
        queues.retry_after("vision_queue_url", "receipt", attempt=attempt)
    get_settings.cache_clear()
    assert sqs.hidden == [30, 120, 480, 1920, 0]


def test_the_template_makes_dead_letters_after_as_many_receives() -> None:
    template = (Path(__file__).parents[3] / "template.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"maxReceiveCount: (\d+)", template)) == {str(queues.MOST_RECEIVES)}


# ------------------------------------------------------------------------------------------------------------ webhooks


def test_a_message_to_webhooks_is_about_a_person_or_a_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as it was sent."""
    sent: list[tuple[str, int | None]] = []
    monkeypatch.setattr(queues, "_send", lambda _, body, delay: sent.append((json.dumps(body), delay)))
    person, delivery = UUID(int=1), UUID(int=2)
    at = datetime.now(UTC) + timedelta(hours=6)
    queues.send_webhooks(person)
    queues.send_delivery(person, delivery, attempts=0)
    queues.send_delivery(person, delivery, attempts=4, at=at)
    assert [messages.webhook(body) for body, _ in sent] == [
        person,
        messages.Attempt(person, delivery, 0),
        messages.Attempt(person, delivery, 4, at),
    ]
    assert [delay for _, delay in sent[:2]] == [queues.WEBHOOKS_DELAY_SECONDS, 0]


@pytest.mark.parametrize(
    "body",
    [
        "{}", "[]", "no JSON", '{"user_id": 1}', '{"user_id": "x", "delivery_id": "y", "attempts": 0}',
        f'{{"user_id": "{UUID(int=1)}", "delivery_id": "{UUID(int=2)}"}}',
        f'{{"user_id": "{UUID(int=1)}", "delivery_id": "{UUID(int=2)}", "attempts": 0, "at": "soon"}}',
        f'{{"user_id": "{UUID(int=1)}", "delivery_id": null, "attempts": 0}}',
    ],
)  # fmt: skip
def test_what_is_no_message_to_webhooks_is_said_so(body: str) -> None:
    with pytest.raises(messages.Malformed):
        messages.webhook(body)
