"""Keywords of photos that were here before keywords became labels, from what vision sealed of their metadata."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from photovault import blobs, db, images, keyring, label_names, smart_albums, terms, things, users, vault
from photovault.blobs import Blob
from photovault.errors import BlobMissing, NotFound, PersonGone, StorageUnavailable, Tampered, Unavailable
from photovault.images import Image
from photovault.label_names import LabelName
from photovault.pipeline.deadlines import Remaining, no_end
from photovault.pipeline.reports import Report

BATCH = 200
_LEAST_SECONDS = 60.0


def read_keywords(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Go on with everybody's photos until all are read or the time is over; the next pass goes on.

    What cannot be opened counts as read: it is reported as what it is, and looked at by others. What is out of reach
    is left for the next pass, and keeps no other photo waiting. Raises ``Unavailable`` when that was so.
    """
    del now
    after, away = UUID(int=0), _Away()
    while remaining() >= _LEAST_SECONDS:
        with db.maintenance() as conn:
            found = images.with_keywords_due(conn, after=after, limit=BATCH)
        if not found:
            break
        after = found[-1][1]
        of_person: dict[UUID, list[UUID]] = defaultdict(list)
        for user_id, image_id in found:
            of_person[user_id].append(image_id)
        for user_id, image_ids in of_person.items():
            if remaining() < _LEAST_SECONDS:
                break
            with suppress(PersonGone):
                report.keyworded += _read_some(user_id, image_ids, away)
    if away.why is not None:
        raise away.why


@dataclass
class _Away:
    """``drivers`` that did not answer in this pass, and are not asked again in it; ``why`` something was left."""

    drivers: set[str] = field(default_factory=set)
    why: Unavailable | None = None


def _read_some(user_id: UUID, image_ids: list[UUID], away: _Away) -> int:
    """How many of these photos have keywords."""
    keyring.warm(user_id)
    with db.transaction(user_id) as conn:
        rows = {image.id: image for image in images.with_trash(conn, image_ids)}
        found = {blob.image_id: blob for blob in blobs.of_images(conn, list(rows), ["metadata"])}
    words: dict[UUID, list[LabelName]] = {image_id: [] for image_id in rows.keys() - found.keys()}
    for image_id, blob in found.items():
        if blob.driver in away.drivers:
            continue
        try:
            words[image_id] = _keywords(blob, rows[image_id])
        except StorageUnavailable as error:
            away.drivers.add(blob.driver)
            away.why = error
        except Unavailable as error:  # the key
            away.why = error
    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        due = images.keywords_are_due(conn, words)  # others were looked at anew meanwhile
        told = [image_id for image_id in due if words[image_id]]
        for image_id in due:
            things.take_keywords(conn, image_id, words[image_id])
        images.touch(conn, told, revision=revision)
        terms.refresh_all(conn, told)
        smart_albums.follow(conn, told, revision=revision)
    return len(told)


def _keywords(blob: Blob, image: Image) -> list[LabelName]:
    """Raises ``Unavailable``: ``StorageUnavailable``, or what opening its key does."""
    try:
        content_key = keyring.open_content_key(image)
        said = json.loads(vault.fetch(blob, content_key=content_key, user_id=image.user_id))
    except (BlobMissing, NotFound, Tampered):
        return []
    return label_names.of_keywords(said.get("keywords") if isinstance(said, dict) else None)
