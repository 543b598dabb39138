"""Vision: seal an uploaded photo, then understand it: time, place, renditions, faces, labels."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import numpy as np
import PIL.Image

from photovault import (
    blobs,
    db,
    failpoints,
    file_captions,
    films,
    formats,
    geocoder,
    heap,
    images,
    label_names,
    labels,
    lookalikes,
    metadata,
    motion,
    originals,
    people,
    perceptual,
    queues,
    rebuilds,
    renditions,
    renewals,
    terms,
    things,
    thumbhash,
    timezones,
    users,
    vault,
    vision_cv,
    webhooks,
)
from photovault import faces as face_finder
from photovault.blobs import Blob
from photovault.errors import NotFound, PersonGone, Rejected, Unavailable
from photovault.face_measures import Face
from photovault.images import Image, Place, Understood
from photovault.metadata import Metadata
from photovault.model_manifest import ModelInfo
from photovault.observability import count, logger
from photovault.originals import Opened
from photovault.pipeline import comparing, joining, resending, sealer
from photovault.pipeline.messages import PhotoMessage
from photovault.renewals import Ingredients
from photovault.settings import get_settings
from photovault.vision_cv import Picture

# Faces are found at reduced scale and described from these pixels, as many as the preview has.
DETECTOR_SIDE = 2048


@dataclass(frozen=True)
class Findings:
    """What the pixels and metadata gave, before anything is stored."""

    understood: Understood
    appearance: perceptual.Look
    pictures: list[renditions.Rendition]
    faces: list[Face]
    face_model: ModelInfo
    seen: labels.Seen
    label_model: ModelInfo | None
    motion: motion.Clip | None = None
    """Where in the original's bytes the clip of a Motion Photo lies."""


def handle(message: PhotoMessage) -> None:
    """One delivery: from whatever state the photo is in to understood. Safe to repeat and to race.

    Raises what the queue should try again for; a photo that cannot be read is recorded as rejected and acknowledged.
    """
    if message.check:
        resending.check(message.user_id, message.image_id)
        return
    image = sealer.load(message.user_id, message.image_id)
    if image is None or (image.status == "rejected" and not image.sealed_at):
        # Gone, or never announced: whatever was posted has no owner's wish behind it.
        sealer.remove_upload(message.user_id, message.image_id, size=image.size if image else None)
        return
    opened: Opened | None = None
    if not image.sealed_at:
        sealed = sealer.take(image)
        if sealed is None:
            return
        image, opened = sealed.image, sealed.opened
    else:
        sealer.clean_staging(image)
    if image.vision_done_at or image.film or image.status == "rejected":
        # Whoever understood it may have died before.
        if image.live_identifier is not None:
            joining.join(image.user_id, image.id)
        if not image.film:
            comparing.compare(image.user_id, image.id)
        return
    # Also a step that was given up: the message may have waited behind many, or as a dead letter.
    understand(image, opened)


def understand(image: Image, opened: Opened | None = None) -> None:
    """Commit what the original shows, which is read from the vault where it is not at hand."""
    if opened is None:
        try:
            opened = originals.open(image.user_id, image.id)
        except NotFound:  # purged meanwhile
            return
    image = opened.image
    if motion.is_film(opened.data) and (identifier := motion.content_identifier(opened.data)):
        _take_film(image, identifier, content_type=motion.film_type(opened.data))
        return
    try:
        findings = look(opened.data, image)
    except Rejected as rejection:
        with db.transaction(image.user_id) as conn:
            revision = users.next_revision(conn)
            if images.is_ready(conn, image.id):  # the step had been given up, and albums show the photo
                rebuilds.want(conn)
            images.reject(conn, image.id, rejection.reason, revision=revision)
            due = rebuilds.is_due(conn) or webhooks.are_behind(conn)
        if due:  # as the last photo of a bulk upload it ends the builder's waiting
            queues.send_albums(image.user_id)
        logger().info("image.rejected", extra={"image_id": str(image.id), "reason": rejection.reason})
        count("PhotosRejected")
        return
    failpoints.reach("vision.before-store")
    content_key = opened.content_key
    store = partial(vault.store, content_key=content_key, user_id=image.user_id, image_id=image.id)
    stored = [
        store(
            picture.data,
            name=picture.name,
            content_type=picture.content_type,
            dimensions=(picture.width, picture.height),
        )
        for picture in findings.pictures
    ]
    stored.append(
        store(
            json.dumps(findings.understood.metadata.extra, ensure_ascii=False).encode(),
            name="metadata",
            content_type="application/json",
        )
    )
    if clip := findings.motion:
        stored.append(store(opened.data[clip.start : clip.end], name="motion", content_type=clip.content_type))
    face_ids = people.new_face_ids(findings.faces)
    stored += [
        store_face(face_id, face, image=image, content_key=content_key)
        for face_id, face in zip(face_ids, findings.faces, strict=True)
    ]
    sketch = comparing.seal(
        findings.appearance.sketch, content_key=content_key, user_id=image.user_id, image_id=image.id
    )
    failpoints.reach("vision.stored")
    try:
        to_compare = _commit(image, findings, stored, face_ids, sketch)
    except PersonGone:  # the account was deleted meanwhile, before anything was written: no row names these
        vault.discard(stored)
        return
    if findings.understood.metadata.extra.get("content_identifier"):
        joining.join(image.user_id, image.id)
    if to_compare:
        comparing.compare(image.user_id, image.id)


def _take_film(image: Image, identifier: str, *, content_type: str) -> None:
    """Note a Live Photo's film, and join it to its picture if that is there."""
    with db.transaction(image.user_id) as conn:
        revision = users.next_revision(conn)
        if images.is_ready(conn, image.id):  # the step had been given up, and lists show it as a photo
            rebuilds.want(conn)
        films.wait(conn, image.id, identifier=identifier, content_type=content_type, revision=revision)
        due = rebuilds.is_due(conn)
    failpoints.reach("vision.film-noted")
    if due:  # as the last of a bulk upload it ends the builder's waiting
        queues.send_albums(image.user_id)
    joining.join(image.user_id, image.id)


def look(data: bytes, image: Image) -> Findings:
    """Everything that one decode of the original gives. Raises ``Rejected``."""
    heap.hold()
    picture = formats.decode(data)
    found = metadata.read(
        data,
        filename=image.filename,
        uploaded_at=image.created_at,
        zone_at=timezones.zone_at,
        file_modified=image.file_modified,
    )
    preview = renditions.preview(picture)
    # One ladder for all that look at the picture: its pixels, half of them a side, and the thumbnail from these.
    pixels = np.asarray(renditions.working_image(picture, DETECTOR_SIDE))
    half = vision_cv.halved(pixels, formats.fitted(picture.image.size, long_side=labels.SIDE), most=1)
    picture = _with_reduced(picture, half)
    thumbnail, appearance = renditions.thumbnail(picture), perceptual.look(picture.small)
    provider = face_finder.provider()
    faces = provider.find(pixels)
    things_finder = labels.provider()
    return Findings(
        understood=Understood(
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
            thumbhash=thumbhash.encode(picture.small),
            phash=perceptual.phash_of(appearance),
            metadata=found,
            place=place_of(found),
            face_count=len(faces),
            caption=file_captions.caption_of(found, filename=image.filename),
        ),
        appearance=appearance,
        pictures=[preview, thumbnail],
        faces=faces,
        face_model=provider.model,
        seen=things_finder.look(half),
        label_model=things_finder.model,
        motion=motion.find(data, content_type=picture.content_type),
    )


def _with_reduced(picture: formats.Picture, pixels: Picture) -> formats.Picture:
    """``picture`` with a start for its thumbnail from ``pixels``, where these show the same and are enough of them."""
    width, height = picture.small_size
    if picture.image.mode != "RGB" or pixels.shape[1] < width or pixels.shape[0] < height:
        return picture  # grey or translucent, as the thumbnail is to be too; or a panorama
    return replace(picture, reduced=PIL.Image.fromarray(vision_cv.halved(pixels, (width, height))))


def ingredients(face_model: ModelInfo, label_model: ModelInfo | None) -> Ingredients:
    """What a photo is looked at with."""
    return Ingredients("vision", face_model, label_model, perceptual.LOOK_VERSION, yields=yields(face_model))


def yields(face_model: ModelInfo) -> bool:
    """Whether faces that a better model found stay: the cascades may only stand in for files that are missing."""
    return face_model.weak and get_settings().face_provider == "auto"


def name_of_face(face_id: UUID) -> str:
    """What the blob with a face's picture is called."""
    return f"face:{face_id}"


def store_face(face_id: UUID, face: Face, *, image: Image, content_key: bytes) -> Blob:
    """Seal and store the picture of a face. Raises ``StorageUnavailable``."""
    crop = face_crop(face)
    return vault.store(
        crop.data,
        content_key=content_key,
        user_id=image.user_id,
        image_id=image.id,
        name=name_of_face(face_id),
        content_type=crop.content_type,
        dimensions=(crop.width, crop.height),
    )


def face_crop(face: Face) -> renditions.Rendition:
    """The picture of a face, which its person is shown by."""
    return picture_of_face(face.crop)


def picture_of_face(crop: Picture) -> renditions.Rendition:
    """A face's crop (RGB) as a JPEG."""
    height, width = crop.shape[:2]
    out = io.BytesIO()
    PIL.Image.fromarray(crop).save(out, "JPEG", quality=85)
    return renditions.Rendition("face", "image/jpeg", out.getvalue(), width, height)


def place_of(found: Metadata) -> Place:
    """The names of a photo's position, as far as there are any."""
    if found.location is None:
        return Place()
    place = geocoder.reverse(found.location.latitude, found.location.longitude)
    return Place(place.id, place.city, place.region, place.country, place.country_code) if place else Place()


def _commit(image: Image, findings: Findings, stored: list[Blob], face_ids: list[UUID], sketch: bytes) -> bool:
    """Write what was found. Whether photos are to be compared now. Raises ``PersonGone``, ``Unavailable``."""
    status: str | None
    ready = late = moves = False
    made_of = ingredients(findings.face_model, findings.label_model)
    marks = findings.appearance.marks
    with db.transaction(image.user_id) as conn:
        revision = users.next_revision(conn)
        recipe = renewals.recipe_of(conn, made_of)
        status = images.mark_understood(conn, image.id, findings.understood, revision=revision, recipe_id=recipe.id)
        if status is not None:
            blobs.add(conn, stored)
            compared = not lookalikes.candidates(conn, image.id, marks)
            lookalikes.add(conn, image.id, sketch, marks, compared=compared)
            if findings.faces:
                people.add_faces(conn, image.id, recipe.model_id, face_ids, findings.faces)
            if findings.seen.labels and recipe.label_model_id is not None:
                things.add(conn, image.id, recipe.label_model_id, best_scores(findings.seen.labels))
            if findings.seen.sights:
                things.add_sights(conn, image.id, findings.seen.sights)
            if words := keywords(findings):
                things.take_keywords(conn, image.id, words)
            terms.refresh(conn, image.id)
            moves = renewals.move_people(conn, recipe, yields=made_of.yields)
            late = status == "ready"  # the step had been given up
            ready = not late and images.finish(conn, image.id)
            if ready or late:
                rebuilds.want(conn)
        to_compare = bool(comparing.waiting(conn, image.id))
    failpoints.reach("vision.committed")
    if status is not None:
        logger().info(
            "image.understood",
            extra={
                "image_id": str(image.id),
                "faces": len(findings.faces),
                "labels": len(findings.seen.labels),
                "taken_source": findings.understood.metadata.taken.source
                if findings.understood.metadata.taken
                else None,
            },
        )
    else:
        _discard_or_wait(image, stored)
    if ready:
        count("PhotosReady")
    if ready or late:
        queues.send_albums(image.user_id)
    if moves:  # the older photos follow, so that the people in the new ones are known
        queues.send_renewal("vision")
    return to_compare


def keywords(findings: Findings) -> list[label_names.LabelName]:
    """What the file says that it shows."""
    return label_names.of_keywords(findings.understood.metadata.extra.get("keywords"))


def best_scores(found: list[labels.Label]) -> dict[str, float]:
    """One score a label: that of its clearest sighting."""
    scores: dict[str, float] = {}
    for label in found:
        scores[label.name] = max(scores.get(label.name, 0.0), label.score)
    return scores


def _discard_or_wait(image: Image, stored: list[Blob]) -> None:
    """Another delivery was first: delete ours, after reading again which blobs count.

    Raises ``Unavailable``, deleting nothing, while the photo still waits for its findings.
    """
    with db.transaction(image.user_id) as conn:
        current = images.get(conn, image.id)
        named = {blob.key for blob in blobs.of_images(conn, [image.id])}
    if current is not None and not current.vision_done_at and current.status == "processing":
        raise Unavailable("Another delivery is at work on this photo.")
    vault.discard([blob for blob in stored if blob.key not in named])
