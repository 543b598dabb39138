"""SQS <- SNS <- S3: embed an uploaded photo for similarity and search."""

from typing import Any

from photovault.pipeline import deadlines, embedding, messages, renewing

# What a photo may take; what is begun later than this before the end is left to the next run.
LEAST_SECONDS = 20.0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of S3 notifications, photo messages or renewals; answers with those that SQS should deliver again."""
    return messages.handle_batch(
        event, _handle, queue="embedding_queue_url", remaining=deadlines.time_left(context), least_seconds=LEAST_SECONDS
    )


def _handle(body: str) -> None:
    if (order := messages.renewal(body)) is not None:
        renewing.handle(order, embedding.WORK)
        return
    for photo in messages.photos(body):
        embedding.handle(photo)
