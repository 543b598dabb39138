"""SQS <- SNS <- S3: seal an uploaded photo, then understand it."""

from typing import Any

from photovault.pipeline import deadlines, messages, renewing, reunderstanding, vision

# What a photo may take; what is begun later than this before the end is left to the next run.
LEAST_SECONDS = 30.0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of S3 notifications, photo messages or renewals; answers with those that SQS should deliver again."""
    return messages.handle_batch(
        event, _handle, queue="vision_queue_url", remaining=deadlines.time_left(context), least_seconds=LEAST_SECONDS
    )


def _handle(body: str) -> None:
    if (order := messages.renewal(body)) is not None:
        renewing.handle(order, reunderstanding.WORK)
        return
    for photo in messages.photos(body):
        vision.handle(photo)
