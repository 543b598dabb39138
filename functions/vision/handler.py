"""SQS <- SNS <- S3: seal an uploaded photo, then understand it."""

from typing import Any

from photovault.pipeline import messages, vision


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of S3 notifications or photo messages; answers with those that SQS should deliver again."""
    del context
    return messages.handle_batch(event, _handle, queue="vision_queue_url")


def _handle(body: str) -> None:
    for photo in messages.photos(body):
        vision.handle(photo)
