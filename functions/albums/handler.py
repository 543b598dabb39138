"""SQS: rebuild people's automatic albums."""

from typing import Any

from photovault.pipeline import albums, deadlines, messages, waking


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of messages, each about one person; answers with those that SQS should deliver again."""

    def handle(body: str) -> None:
        user_id = messages.person(body)
        albums.handle(user_id, remaining=deadlines.time_left(context))
        waking.wake(user_id)

    return messages.handle_batch(event, handle, queue="albums_queue_url")
