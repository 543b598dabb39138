"""SQS <- SNS <- S3: embed an uploaded photo for similarity and search."""

from typing import Any

from photovault.pipeline import embedding, messages


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of S3 notifications or photo messages; answers with those that SQS should deliver again."""
    del context
    return messages.handle_batch(event, _handle, queue="embedding_queue_url")


def _handle(body: str) -> None:
    for photo in messages.photos(body):
        embedding.handle(photo)
