"""Mending what ``checking`` found: from another copy where there is one, from the original where that is enough.

A row is changed only after the blob that it will name was verified, under its person's lock, and only if it still
names the bad one. What cannot be mended stays as it is: the row of a lost original is never deleted, and the photo is
served again as soon as the file is back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import blobs, db, images, keyring, originals, storage, vault
from photovault.blobs import Blob, Record
from photovault.errors import BlobMissing, Misconfigured, PhotoVaultError, StorageUnavailable, Unavailable
from photovault.images import Image
from photovault.observability import logger
from photovault.pipeline import checking, moving
from photovault.pipeline.findings import Finding
from photovault.settings import get_settings
from photovault.storage import placing

if TYPE_CHECKING:
    from photovault.renditions import Rendition

_HOW_TO_RESTORE = (
    "There is no other copy. Bring the file back under this key from a backup of the storage: the row is left as it "
    "is, and the photo is served again as soon as the file is there."
)


def mend(batch: list[Finding]) -> list[Finding]:
    """What became of the findings of one photo, or of one page of files."""
    done = [finding for finding in batch if finding.outcome]
    files = [finding for finding in batch if finding.image_id is None and not finding.outcome]
    blobs_of_photo = [finding for finding in batch if finding.image_id is not None and not finding.outcome]
    return [*done, *_mend_photo(blobs_of_photo), *clear(files)]


# --------------------------------------------------------------------------------------------------- a photo's blobs


def _mend_photo(batch: list[Finding]) -> Iterator[Finding]:
    """The original first: all else can be made from it."""
    remade: list[Finding] = []
    for finding in sorted(batch, key=lambda finding: finding.name != originals.NAME):
        if not finding.key:  # without a row there is nothing to mend
            yield finding
            continue
        tried = _attempt(finding)
        if tried.outcome:
            yield tried
        elif finding.name == originals.NAME:
            yield replace(tried, detail=f"{tried.detail} {_HOW_TO_RESTORE}")
        else:
            remade.append(tried)
    if remade:
        yield from _make_again(remade)


def _attempt(finding: Finding) -> Finding:
    """From a copy of the very same bytes: a retired one, or for an original the upload that still lies in staging."""
    user_id, image_id = _ids(finding)
    old = _named(finding)
    if old is None:
        return replace(finding, outcome="mended", detail="Its row names another copy by now, or is gone.")
    why = ""
    try:
        if moving.heal(user_id, image_id, finding.name):
            return _mended(finding, "It verifies again: the row names the copy that it was moved from.")
    except (Unavailable, Misconfigured) as error:  # there may be another way
        why = f" A retired copy could not be read now: {error.detail}"
    try:
        if finding.name == originals.NAME and _seal_again(old, user_id):
            return _mended(finding, "Sealed again from the upload, which was still there.")
    except PhotoVaultError as error:
        why += f" It could not be sealed again: {error.detail}"
    return replace(finding, detail=finding.detail + why)


def _seal_again(old: Blob, user_id: UUID) -> bool:
    with db.transaction(user_id) as conn:
        image = images.get(conn, old.image_id)
    if image is None or not get_settings().staging_bucket:
        return False
    content_key = _content_key(image)
    try:
        data = originals.received(image, content_key=content_key)
    except originals.NotAsAnnounced:
        return False
    if data is None:
        return False
    new = vault.store(
        data,
        content_key=content_key,
        user_id=user_id,
        image_id=image.id,
        name=old.name,
        content_type=old.content_type,
    )
    _swap_or_discard(user_id, old, new)
    return True


def _make_again(batch: list[Finding]) -> Iterator[Finding]:
    """Renditions, metadata and the pictures of faces, out of the original, as vision made them."""
    user_id, image_id = _ids(batch[0])
    try:
        opened = originals.open(user_id, image_id)
        content_key = _content_key(opened.image)
        made = _pictures(opened, {finding.name for finding in batch})
        for finding in batch:
            old, picture = _named(finding), made.get(finding.name)
            if old is None or picture is None:
                yield replace(finding, detail=f"{finding.detail} It cannot be made again.")
                continue
            new = vault.store(
                picture.data,
                content_key=content_key,
                user_id=user_id,
                image_id=image_id,
                name=finding.name,
                content_type=picture.content_type,
                dimensions=(picture.width, picture.height) if picture.width else None,
            )
            _swap_or_discard(user_id, old, new)
            yield _mended(finding, "Made again from the original.")
    except PhotoVaultError as error:
        # The original is lost as well, or cannot be read now.
        yield from (
            replace(finding, detail=f"{finding.detail} It cannot be made again from the original: {error.detail}")
            for finding in batch
        )


def _pictures(opened: originals.Opened, names: set[str]) -> dict[str, Rendition]:
    """What vision made of this photo, as far as it is asked for; one decode for all. Raises ``Rejected``."""
    import numpy as np

    from photovault import face_measures, formats, metadata, motion, people, renditions, timezones
    from photovault.pipeline import vision

    image = opened.image
    made: dict[str, Rendition] = {}
    if "metadata" in names:
        found = metadata.read(
            opened.data, filename=image.filename, uploaded_at=image.created_at, zone_at=timezones.zone_at
        )
        extra = json.dumps(found.extra, ensure_ascii=False).encode()
        made["metadata"] = renditions.Rendition("metadata", "application/json", extra, width=0, height=0)
    if "motion" in names and (clip := motion.find(opened.data, content_type=formats.sniff(opened.data) or "")):
        film = opened.data[clip.start : clip.end]
        made["motion"] = renditions.Rendition("motion", clip.content_type, film, width=0, height=0)
    if names <= {"metadata", "motion"}:
        return made
    picture = formats.decode(opened.data)
    if "preview" in names:
        made["preview"] = renditions.preview(picture)
    if "thumbnail" in names:
        made["thumbnail"] = renditions.thumbnail(picture)
    if any(name.startswith("face:") for name in names):
        pixels = np.asarray(renditions.working_image(picture, vision.DETECTOR_SIDE))
        height, width = pixels.shape[:2]
        with db.transaction(image.user_id) as conn:
            faces = people.faces_of_image(conn, image.id)
        for face in faces:
            if f"face:{face.id}" in names:
                box = (face.x * width, face.y * height, face.w * width, face.h * height)
                made[f"face:{face.id}"] = vision.picture_of_face(face_measures.crop(pixels[:, :, ::-1], box=box))
    return made


def _swap_or_discard(user_id: UUID, old: Blob, new: Blob) -> None:
    if not moving.swap(user_id, old, new):  # moved or purged meanwhile
        vault.discard([new])


def _named(finding: Finding) -> Blob | None:
    """The blob's row, as long as it still names the file that was found bad."""
    user_id, image_id = _ids(finding)
    with db.transaction(user_id) as conn:
        blob = blobs.get(conn, image_id, finding.name)
    return blob if blob and (blob.driver, blob.key) == (finding.driver, finding.key) else None


def _content_key(image: Image) -> bytes:
    with db.transaction(image.user_id) as conn:
        return keyring.content_key_of(conn, image)


def _ids(finding: Finding) -> tuple[UUID, UUID]:
    assert finding.user_id is not None  # noqa: S101 - findings about rows name their person and photo
    assert finding.image_id is not None  # noqa: S101
    return finding.user_id, finding.image_id


def _mended(finding: Finding, how: str) -> Finding:
    logger().info(
        "blob.mended",
        extra={"user_id": str(finding.user_id), "image_id": str(finding.image_id), "blob": finding.name, "how": how},
    )
    return replace(finding, outcome="mended", detail=how)


# ------------------------------------------------------------------------------------------------------------- files


def clear(batch: list[Finding]) -> Iterator[Finding]:
    """Delete orphans; but one that is the very blob a row is looking for in vain becomes that row's.

    So it is after a restore of an older database: the rows name the places that blobs were moved away from since. What
    cannot be read may be such a one, so it stays; once a storage fails, it is asked for no more of the batch.
    """
    orphans = [finding for finding in batch if finding.kind == "orphan"]
    yield from (finding for finding in batch if finding.kind != "orphan")
    wanted, why = _wanted(orphans)
    for finding in orphans:
        if finding.key not in wanted:
            yield replace(finding, detail=f"{finding.detail} It was not deleted: {why}")
            continue
        try:
            yield _adopted(finding, wanted[finding.key]) or _deleted(finding)
        except (StorageUnavailable, Misconfigured) as error:
            yield replace(finding, detail=f"{finding.detail} It was not deleted: {error.detail}")


def adopt(files: list[Finding]) -> list[Finding]:
    """Those of some files that rows looked for in vain, and name now. The others are left as they are."""
    wanted, _ = _wanted(files)
    adopted = []
    for finding in files:
        with suppress(StorageUnavailable, Misconfigured):
            if done := _adopted(finding, wanted.get(finding.key)):
                adopted.append(done)
    return adopted


def _wanted(files: list[Finding]) -> tuple[dict[str, Record | None], str]:
    """For each file's key the row whose blob has the very same bytes, if there is one; of those that cannot be read
    there is no saying, they are left out, and why is told."""
    with db.maintenance() as conn:
        sizes = blobs.sizes(conn, [finding.bytes for finding in files])
    contents: dict[str, bytes] = {}
    why = ""
    for finding in files:
        contents[finding.key] = b""
        if finding.bytes not in sizes:  # so it need not be read
            continue
        try:
            contents[finding.key] = checking.hashed(finding.driver, finding.key, at_most=finding.bytes + 1)[1]
        except BlobMissing:  # gone already, or parts of it were never stored
            continue
        except (StorageUnavailable, Misconfigured) as error:
            del contents[finding.key]
            why = error.detail
            break
    hashes = [content for content in contents.values() if content]
    rows: dict[bytes, Record] = {}
    if hashes:
        with db.maintenance() as conn:
            rows = {bytes(record.sha256): record for record in blobs.holding(conn, hashes)}
    return {key: rows.get(content) for key, content in contents.items()}, why


def _adopted(finding: Finding, wanted: Record | None) -> Finding | None:
    """Let the row that looks for a file's bytes in vain name the file; None where none does.

    Raises ``StorageUnavailable``, ``Misconfigured``: whether it is wanted cannot be known then.
    """
    if wanted is None or checking.read(wanted)[0] == "sound":
        return None
    with db.transaction(wanted.user_id) as conn:
        old = blobs.get(conn, wanted.image_id, wanted.name)
    if old is None or (old.driver, old.key) != (wanted.driver, wanted.key):
        return None
    away = finding.driver != placing.home(wanted.name)
    if not moving.swap(wanted.user_id, old, replace(old, driver=finding.driver, key=finding.key, away=away)):
        return None
    ours = replace(finding, user_id=wanted.user_id, image_id=wanted.image_id, name=wanted.name)
    return _mended(ours, f"Its row looked for it on {wanted.driver}, and names this file now.")


def _deleted(finding: Finding) -> Finding:
    """Raises ``StorageUnavailable``."""
    with db.maintenance() as conn:
        named = not blobs.unreferenced(conn, finding.driver, [finding.key])
    if named:
        return replace(finding, outcome="mended", detail="A row names it by now.")
    storage.driver(finding.driver).delete(finding.key)
    return replace(finding, outcome="removed", detail="Deleted: no row named it.")
