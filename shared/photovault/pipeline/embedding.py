"""Embedding: one vector a photo, by CLIP or from its perceptual hash, for similarity and search in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from photovault import (
    db,
    embeddings,
    failpoints,
    images,
    model_manifest,
    models,
    originals,
    queues,
    rebuilds,
    renewals,
    users,
    vectors,
)
from photovault.errors import NotFound, Rejected, Unavailable
from photovault.model_manifest import ModelInfo
from photovault.observability import count, logger
from photovault.pipeline import sealer
from photovault.pipeline.messages import PhotoMessage
from photovault.pipeline.renewing import Task, Work
from photovault.renewals import Ingredients
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.embeddings import Vector
    from photovault.recipes import Recipe


def handle(message: PhotoMessage) -> None:
    """One delivery: embed a photo that is not embedded yet. Safe to repeat and to race with vision's sealing.

    A step that was given up is done all the same: the message may have waited behind many, or as a dead letter.
    """
    image = sealer.load(message.user_id, message.image_id)
    if image is None or image.embedding_done_at or image.status == "rejected":
        return
    try:
        vector, model = _embed(message.user_id, message.image_id)
    except NotFound:  # the photo is gone, or its upload was thrown away; another upload brings another message
        return
    except Rejected:
        return  # vision comes to the same end, records the reason, and keeps the sealed original
    failpoints.reach("embedding.computed")
    ready = False
    with db.transaction(message.user_id) as conn:
        revision = users.next_revision(conn)
        recipe = renewals.recipe_of(conn, _made_of(model))
        if images.mark_embedded(conn, message.image_id, revision=revision, recipe_id=recipe.id):
            vectors.add_embedding(conn, message.image_id, recipe.model_id, vector)
            if images.finish(conn, message.image_id):
                ready = True
                rebuilds.want(conn)
    failpoints.reach("embedding.committed")
    logger().info("image.embedded", extra={"image_id": str(message.image_id), "model": model.name})
    if ready:
        count("PhotosReady")
        queues.send_albums(message.user_id)


def ingredients() -> Ingredients:
    """What this process embeds photos with from now on. Loads no model, but says which would be loaded.

    Other files may have come or gone since the process chose its model, as while ``photovault models pull`` runs.
    """
    model = models.image_model()
    embeddings.forget_all_but(model)
    return _made_of(model)


def renew(task: Task) -> bool:
    """Embed a photo by another model than before. Its old vector stays until all photos of the person have a new one:
    those that have and those that have not are found by each other all the while.

    False when somebody else did. Raises ``NotFound``, ``PersonGone``, ``Rejected``, ``Unavailable``, ``Tampered``,
    ``BlobMissing``.
    """
    with db.transaction(task.user_id) as conn:
        known = vectors.models_of(conn, task.image_id)
    # Nobody noted what embedded the photos from before: their vectors say it.
    there = any(model_id == task.now.model_id for model_id, _ in known)
    better = [model_id for model_id, name in known if name != model_manifest.PHASH.name]
    stays = there or (task.yields and bool(better))
    vector, model = (None, None) if stays else _embed(task.user_id, task.image_id)
    failpoints.reach("renewing.embedded")
    with db.transaction(task.user_id) as conn:
        revision = users.next_revision(conn)
        result = task.now
        if model is not None and vectors.model_id(conn, model) != task.now.model_id:
            # A vector in another model's name would be compared with vectors of another length for ever.
            raise Unavailable("The models at hand have changed since this began; it is tried again.")
        if task.yields and better:
            result = renewals.combined(
                conn, step="embedding", model_id=better[0], weak=False, label_model_id=None, look_version=0
            )
        if not renewals.mark(conn, "embedding", task.image_id, seen=task.seen, now=result.id, revision=revision):
            return False
        renewals.forget_tries(conn, "embedding", task.image_id)
        if vector is not None:
            vectors.add_embedding(conn, task.image_id, task.now.model_id, vector)
        settle(conn, task.now, yields=task.yields)
    failpoints.reach("renewing.committed")
    return True


def settle(conn: Connection, now: Recipe, *, yields: bool) -> None:
    """After a photo was embedded anew, or given up: if it was the last, let go of what the models of before made."""
    if renewals.is_over(conn, now, renewals.outdated_ids(conn, now, yields=yields)):
        vectors.forget_superseded(conn)


WORK = Work(ingredients, renew, settle)


def _made_of(model: ModelInfo) -> Ingredients:
    return Ingredients("embedding", model, yields=model.weak and get_settings().embeddings_provider == "auto")


def _embed(user_id: UUID, image_id: UUID) -> tuple[Vector, ModelInfo]:
    """A photo's vector, and what made it. Raises what ``originals.open`` does, and ``Rejected``."""
    picture = embeddings.decode(originals.open(user_id, image_id).data)
    provider = embeddings.provider()
    return provider.embed_image(picture), provider.model
