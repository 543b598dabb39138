"""SQS: rebuild people's automatic albums."""

from typing import Any

from photovault.pipeline import albums, deadlines, messages


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of messages, each about one person; answers with those that SQS should deliver again."""

    def handle(body: str) -> None:
        albums.handle(messages.person(body), remaining=deadlines.time_left(context))

    return messages.handle_batch(event, handle, queue="albums_queue_url")
