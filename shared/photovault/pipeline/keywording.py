"""Keywords of photos that were here before keywords became labels, from what vision sealed of their metadata."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from photovault import blobs, db, images, keyring, label_names, smart_albums, terms, things, users, vault
from photovault.blobs import Blob
from photovault.errors import BlobMissing, NotFound, PersonGone, Tampered
from photovault.label_names import LabelName
from photovault.pipeline.deadlines import Remaining, no_end
from photovault.pipeline.reports import Report

BATCH = 200
_LEAST_SECONDS = 60.0


def read_keywords(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Go on with everybody's photos until all are read or the time is over; the next pass goes on. What cannot be
    opened counts as read: it is reported as what it is, and looked at by others. Raises ``Unavailable``."""
    del now
    after = UUID(int=0)
    while remaining() >= _LEAST_SECONDS:
        with db.maintenance() as conn:
            found = images.with_keywords_due(conn, after=after, limit=BATCH)
        if not found:
            return
        after = found[-1][1]
        of_person: dict[UUID, list[UUID]] = defaultdict(list)
        for user_id, image_id in found:
            of_person[user_id].append(image_id)
        for user_id, image_ids in of_person.items():
            if remaining() < _LEAST_SECONDS:
                return
            with suppress(PersonGone):
                report.keyworded += _read_some(user_id, image_ids)


def _read_some(user_id: UUID, image_ids: list[UUID]) -> int:
    """How many of these photos have keywords."""
    keyring.warm(user_id)
    with db.transaction(user_id) as conn:
        keys = {image.id: keyring.content_key_of(conn, image) for image in images.with_trash(conn, image_ids)}
        found = blobs.of_images(conn, list(keys), ["metadata"])
    words = {blob.image_id: _keywords(blob, content_key=keys[blob.image_id], user_id=user_id) for blob in found}
    told = [image_id for image_id, keywords in words.items() if keywords]
    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        for image_id in image_ids:
            things.take_keywords(conn, image_id, words.get(image_id, ()))
        images.touch(conn, told, revision=revision)
        terms.refresh_all(conn, told)
        smart_albums.follow(conn, told, revision=revision)
    return len(told)


def _keywords(blob: Blob, *, content_key: bytes, user_id: UUID) -> list[LabelName]:
    try:
        said = json.loads(vault.fetch(blob, content_key=content_key, user_id=user_id))
    except (BlobMissing, NotFound, Tampered):
        return []
    return label_names.of_keywords(said.get("keywords") if isinstance(said, dict) else None)
