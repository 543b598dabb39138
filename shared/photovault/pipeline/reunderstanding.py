"""What vision finds when it looks anew at a photo: its faces, its labels, and what copies are found by.

Faces keep their ids where the boxes say that they are the same, and with the ids their person, what was said of them
and the covers that show them. Everything that is replaced is replaced in one transaction; a photo is there all the
while. Whose the faces are is not decided here but by the next rebuild (``regrouping``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import (
    blobs,
    corrections,
    db,
    face_matching,
    failpoints,
    images,
    keyring,
    labels,
    lookalikes,
    model_manifest,
    models,
    originals,
    people,
    queues,
    rebuilds,
    renewals,
    retired,
    terms,
    things,
    users,
    vault,
    vectors,
)
from photovault import faces as face_finder
from photovault.blobs import Blob
from photovault.errors import PersonGone, Unavailable
from photovault.images import Image
from photovault.people import FaceInPhoto
from photovault.pipeline import comparing, vision
from photovault.pipeline.renewing import Task, Work
from photovault.pipeline.vision import Findings
from photovault.recipes import Recipe
from photovault.renewals import Ingredients

if TYPE_CHECKING:
    from photovault.db import Connection


@dataclass(frozen=True)
class _Faces:
    """``old``: those of before; ``ids``: of the faces of now, in their order; ``matched``: of these, the ones that were
    known; ``left``: of the old ones, those that nobody found again."""

    image_id: UUID
    old: list[FaceInPhoto]
    ids: list[UUID]
    matched: frozenset[UUID]
    left: frozenset[UUID]


def ingredients() -> Ingredients:
    """What this process looks at photos with from now on. Loads no model, but says what would be loaded.

    Other files may have come or gone since the process loaded its models, as while ``photovault models pull`` runs.
    """
    face_model, label_model = models.face_model(), models.label_model()
    face_finder.forget_all_but(face_model)
    labels.forget_all_but(label_model)
    return vision.ingredients(face_model, label_model)


def renew(task: Task) -> bool:
    """Look at a photo anew; False when somebody else did.

    Raises ``NotFound``, ``PersonGone``, ``Rejected``, ``Unavailable``, ``Tampered``, ``BlobMissing``.
    """
    user_id, image_id = task.user_id, task.image_id
    opened = originals.open(user_id, image_id)
    image = opened.image
    with db.transaction(user_id) as conn:
        content_key = keyring.content_key_of(conn, image)
        old = people.faces_of_image(conn, image_id)
        replaces = "model" in task.parts and not (task.before is None and task.yields and _are_better(conn, old, task))
    findings = vision.look(opened.data, image)
    with db.transaction(user_id) as conn:
        if renewals.recipe_of(conn, vision.ingredients(findings.face_model, findings.label_model)).id != task.now.id:
            # Faces in another model's name would be compared with those of another length for ever, and labels that
            # nobody looked for would count as looked for.
            raise Unavailable("The models at hand have changed since this began; it is tried again.")
    faces = _matched(image_id, old, findings) if replaces else None
    failpoints.reach("renewing.looked")
    stored = [] if faces is None else _stored(image, findings, faces, content_key=content_key)
    sketch = comparing.seal(findings.appearance.sketch, content_key=content_key, user_id=user_id, image_id=image_id)
    failpoints.reach("renewing.stored")
    if task.last:
        queues.send_rebuild_check(user_id)
    try:
        won, wanted = _commit(task, findings, faces, stored, sketch)
    except PersonGone:  # the account was deleted meanwhile, before anything was written: no row names these
        vault.discard(stored)
        raise
    failpoints.reach("renewing.committed")
    if not won:
        _discard(image, stored)
        return False
    if wanted:
        queues.send_albums(user_id)
    comparing.compare(user_id, image_id)
    return True


WORK = Work(ingredients, renew)


def _are_better(conn: Connection, old: list[FaceInPhoto], task: Task) -> bool:
    """Whether a photo of which nobody noted the model has faces of one that a stopgap does not take over from."""
    if not old:
        return False
    return any(model.name != model_manifest.HAAR.name for model in people.face_models_of(conn, task.image_id))


def _matched(image_id: UUID, old: list[FaceInPhoto], findings: Findings) -> _Faces:
    same = face_matching.match([(f.x, f.y, f.w, f.h) for f in old], [face.box for face in findings.faces])
    fresh = people.new_face_ids(findings.faces)
    found = [old[same[n]].id if n in same else fresh[n] for n in range(len(fresh))]
    matched = frozenset(old[n].id for n in same.values())
    return _Faces(image_id, old, found, matched, frozenset(face.id for face in old) - matched)


def _stored(image: Image, findings: Findings, faces: _Faces, *, content_key: bytes) -> list[Blob]:
    """The faces' pictures, sealed, no row naming them yet."""
    return [
        vision.store_face(face_id, face, image=image, content_key=content_key)
        for face_id, face in zip(faces.ids, findings.faces, strict=True)
    ]


def _commit(
    task: Task, findings: Findings, faces: _Faces | None, stored: list[Blob], sketch: bytes
) -> tuple[bool, bool]:
    """Whether ours is the one that counts, and whether a rebuild is due by it. Raises ``PersonGone``."""
    image_id = task.image_id
    with db.transaction(task.user_id) as conn:
        revision = users.next_revision(conn)
        result = _result(conn, task, faces)
        if not renewals.mark(conn, "vision", image_id, seen=task.seen, now=result.id, revision=revision):
            return False, False
        renewals.forget_tries(conn, "vision", image_id)
        were_moving = moves = False
        if faces is not None:
            own = rebuilds.face_model(conn)
            moves = renewals.move_people(conn, result, yields=task.yields) or own == result.model_id
            were_moving = bool(faces.old)
            images.note_people(conn, [image_id], revision=revision)  # before their faces go
            _replace_faces(conn, result.model_id, findings, faces, stored)
        if "labels" in task.parts and findings.label_model is not None:
            model_id = vectors.model_id(conn, findings.label_model)
            things.replace(conn, image_id, model_id, vision.best_scores(findings.seen.labels))
            things.replace_sights(conn, image_id, findings.seen.sights)
        things.take_keywords(conn, image_id, vision.keywords(findings))
        images.take_caption(conn, image_id, findings.understood.caption)
        terms.refresh(conn, image_id)
        if "look" in task.parts:
            lookalikes.add(conn, image_id, sketch, findings.appearance.marks)
        outdated = renewals.outdated_ids(conn, task.now, yields=task.yields)
        wanted = not renewals.is_waiting(conn, task.now, outdated) or (
            moves and were_moving and not renewals.are_moving(conn, result.model_id)
        )
        if wanted:
            rebuilds.want(conn)
    return True, wanted


def _result(conn: Connection, task: Task, faces: _Faces | None) -> Recipe:
    """What the photo was looked at with, as it is now: by parts of two recipes, where something better stays."""
    if faces is not None and (task.now.label_model_id is not None or task.before is None):
        return task.now
    before = task.before
    model_id, weak = task.now.model_id, task.now.weak
    if faces is None and before is not None:
        model_id, weak = before.model_id, before.weak
    elif faces is None:
        known = people.face_models_of(conn, task.image_id)
        model_id, weak = (known[-1].id, False) if known else (model_id, weak)
    label_model_id = task.now.label_model_id or (before.label_model_id if before else None)
    return renewals.combined(
        conn,
        step="vision",
        model_id=model_id,
        weak=weak,
        label_model_id=label_model_id,
        look_version=task.now.look_version,
    )


def _replace_faces(conn: Connection, model_id: int, findings: Findings, faces: _Faces, stored: list[Blob]) -> None:
    """A face that nobody finds any more stays if somebody vouches for it, as the older model saw it."""
    image_id, by_id = faces.image_id, dict(zip(faces.ids, findings.faces, strict=True))
    again = [face_id for face_id in faces.ids if face_id in faces.matched]
    fresh = [face_id for face_id in faces.ids if face_id not in faces.matched]
    gone = faces.left - corrections.vouched_for(conn, faces.left)
    people.renew_faces(conn, model_id, again, [by_id[face_id] for face_id in again])
    people.add_faces(conn, image_id, model_id, fresh, [by_id[face_id] for face_id in fresh])
    people.remove_faces(conn, gone)
    people.count_faces(conn, image_id)
    replaced = [vision.name_of_face(face_id) for face_id in (*again, *gone)]
    retired.add(conn, blobs.of_images(conn, [image_id], replaced))
    blobs.remove(conn, image_id, replaced)
    blobs.add(conn, stored)


def _discard(image: Image, stored: list[Blob]) -> None:
    """Somebody else was first: delete ours, after reading again which blobs count."""
    with db.transaction(image.user_id) as conn:
        named = {blob.key for blob in blobs.of_images(conn, [image.id])}
    vault.discard([blob for blob in stored if blob.key not in named])
