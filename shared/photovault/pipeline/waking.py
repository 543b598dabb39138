"""Seeing to it that webhooks are told of changes: apart from telling them, which brings TLS along."""

from __future__ import annotations

from uuid import UUID

from photovault import db, queues, webhooks


def wake(user_id: UUID) -> None:
    """Look whether the person's webhooks wait to be told of something, and see to it. Raises ``Unavailable``."""
    with db.transaction(user_id) as conn:
        waiting = webhooks.wake(conn)
    if waiting:
        queues.send_webhooks(user_id)


def wake_all() -> None:
    """Everybody's, as the daily pass and the start of a local cloud do: what was lost is found."""
    with db.maintenance() as conn:
        found = webhooks.whose_are_active(conn)
    for user_id in found:
        queues.send_webhooks(user_id, delay=0)
