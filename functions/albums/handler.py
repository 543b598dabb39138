"""SQS: rebuild people's automatic albums."""

from typing import Any

from photovault.pipeline import albums, messages


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of messages, each about one person; answers with those that SQS should deliver again."""

    def remaining() -> float:
        return context.get_remaining_time_in_millis() / 1000 if context else float("inf")

    return messages.handle_batch(event, lambda body: albums.handle(messages.person(body), remaining=remaining))
