"""SQS: tell webhooks of changes, and post what is to be delivered to them."""

from typing import Any

from photovault.pipeline import messages, webhooks


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of messages, each about a person or a delivery; answers with those that SQS should deliver again."""
    del context

    def handle(body: str) -> None:
        asked = messages.webhook(body)
        if isinstance(asked, webhooks.Attempt):
            webhooks.attempt(asked)
        else:
            webhooks.tell(asked)

    return messages.handle_batch(event, handle, queue="webhooks_queue_url")
