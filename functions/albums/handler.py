"""SQS: rebuild people's automatic albums."""

from typing import Any

from photovault.pipeline import albums, messages


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of messages, each about one person; answers with those that SQS should deliver again."""

    def remaining() -> float:
        return context.get_remaining_time_in_millis() / 1000 if context else float("inf")

    def handle(body: str) -> None:
        albums.handle(messages.person(body), remaining=remaining)

    return messages.handle_batch(event, handle, queue="albums_queue_url")
