"""Nobody waits for ever: ask again for steps that did not finish, and give up on them in the end."""

from __future__ import annotations

from uuid import UUID

from photovault import db, images, queues, rebuilds, users
from photovault.images import Image
from photovault.observability import logger

# After so many re-sends, on top of the queue's own five deliveries each, a step has failed.
MOST_RESENDS = 3


def check(user_id: UUID, image_id: UUID) -> None:
    """The look at a photo fifteen minutes after its sealing began."""
    with db.transaction(user_id) as conn:
        if users.get(conn) is None:
            return  # the account was deleted
        image = images.get(conn, image_id)
        due = rebuilds.is_due(conn)
    if image is not None and image.unfinished:
        resend(image)
    elif due:
        # Finished, but the worker may have died between its commit and its message to the album builder.
        queues.send_albums(user_id)


def resend(image: Image, *, counted: bool = True) -> None:
    """Send an unfinished photo's missing steps again, or mark them failed when that was tried often enough.

    ``counted``: whether this is one of those tries; it is none when a queue is known to have forgotten its messages.
    """
    ready = False
    with db.transaction(image.user_id) as conn:
        revision = users.next_revision(conn)
        resends = images.count_resend(conn, image.id, counted=counted)
        given_up = resends > MOST_RESENDS
        if given_up:
            images.fail_unfinished_steps(conn, image.id, revision=revision)
            ready = images.finish(conn, image.id)
            if ready:
                rebuilds.want(conn)
    if given_up:
        logger().error("image.step_failed", extra={"image_id": str(image.id)})
        if ready:
            queues.send_albums(image.user_id)
        return
    logger().warning("image.resent", extra={"image_id": str(image.id), "resends": resends})
    if not image.vision_done_at:
        queues.send_vision(image.user_id, image.id)
    if not image.embedding_done_at:
        queues.send_embedding(image.user_id, image.id)
    queues.send_vision(image.user_id, image.id, check=True, delay=queues.LONGEST_DELAY_SECONDS)
