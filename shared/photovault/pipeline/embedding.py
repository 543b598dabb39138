"""Embedding: one vector a photo, by CLIP or from its perceptual hash, for similarity and search in words."""

from __future__ import annotations

from photovault import db, embeddings, failpoints, formats, images, originals, queues, rebuilds, users, vectors
from photovault.errors import NotFound, Rejected
from photovault.observability import count, logger
from photovault.pipeline import sealer
from photovault.pipeline.messages import PhotoMessage

# CLIP looks at 224 pixels, the perceptual hash at 32: a decode at reduced scale is plenty.
DECODED_SIDE = 448


def handle(message: PhotoMessage) -> None:
    """One delivery: embed a photo that is not embedded yet. Safe to repeat and to race with vision's sealing.

    A step that was given up is done all the same: the message may have waited behind many, or as a dead letter.
    """
    image = sealer.load(message.user_id, message.image_id)
    if image is None or image.embedding_done_at or image.status == "rejected":
        return
    try:
        data = originals.open(message.user_id, message.image_id).data
        picture = formats.decode(data, min_side=DECODED_SIDE)
    except NotFound:  # the photo is gone, or its upload was thrown away; another upload brings another message
        return
    except Rejected:
        return  # vision comes to the same end, records the reason, and keeps the sealed original
    provider = embeddings.provider()
    vector = provider.embed_image(picture.image.convert("RGB"))
    failpoints.reach("embedding.computed")
    ready = False
    with db.transaction(message.user_id) as conn:
        revision = users.next_revision(conn)
        if images.mark_embedded(conn, message.image_id, revision=revision):
            vectors.add_embedding(conn, message.image_id, vectors.model_id(conn, provider.model), vector)
            if images.finish(conn, message.image_id):
                ready = True
                rebuilds.want(conn)
    failpoints.reach("embedding.committed")
    logger().info("image.embedded", extra={"image_id": str(message.image_id), "model": provider.model.name})
    if ready:
        count("PhotosReady")
        queues.send_albums(message.user_id)
