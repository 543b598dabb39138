"""Announcing uploads: duplicates are recognised, quota is set aside, and a post is signed for exactly those bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import activity, aws, ids, images, keyring, presigning, staging, users
from photovault.errors import Conflict
from photovault.images import Image
from photovault.presigning import Post
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

POST_LIFETIME = timedelta(minutes=5)
# A pending photo is forgotten at the earliest this long after its latest post has expired.
PENDING_GRACE = timedelta(hours=1)

State = Literal["upload", "duplicate", "in_trash"]


@dataclass(frozen=True)
class Announcement:
    """A file that a client wants to upload: its size in bytes and the SHA-256 (32 bytes) of its contents."""

    filename: str
    content_type: str
    size: int
    sha256: bytes


@dataclass(frozen=True)
class Answer:
    """``upload`` comes with a post; the other states name the photo that is there already."""

    image_id: UUID
    state: State
    post: Post | None
    expires_at: datetime | None
    existing: Image | None


def announce(conn: Connection, user_id: UUID, announcements: Sequence[Announcement], *, now: datetime) -> list[Answer]:
    """Take note of some uploads, all or none. Raises ``QuotaExceeded``, ``Conflict``.

    The same bytes give the same photo, however often and under whatever name they are announced.
    """
    revision = users.next_revision(conn)  # locks the person's row: two requests cannot reserve the same bytes
    known = {bytes(i.sha256): i for i in images.known_sha256(conn, [a.sha256 for a in announcements])}
    fresh: dict[bytes, tuple[UUID, Announcement]] = {}
    answers = []
    for announced in announcements:
        existing = known.get(announced.sha256)
        if existing is not None and existing.deleted_at is not None:
            answers.append(Answer(existing.id, "in_trash", None, None, existing))
            continue
        if existing is not None and existing.sealed_at is not None:
            answers.append(Answer(existing.id, "duplicate", None, None, existing))
            continue
        expires_at = now + POST_LIFETIME
        if existing is not None:
            _same_size(announced, existing.size)
            image_id = existing.id
            images.expect_upload(conn, image_id, post_expires_at=expires_at, revision=revision)
            content_type = existing.content_type
        elif announced.sha256 in fresh:
            image_id, first = fresh[announced.sha256]
            _same_size(announced, first.size)
            content_type = first.content_type
        else:
            image_id, content_type = ids.new(), announced.content_type
            users.reserve(conn, announced.size)
            key_version, content_key = keyring.new_content_key(conn, user_id, image_id)
            images.add_pending(
                conn,
                image_id=image_id,
                sha256=announced.sha256,
                filename=announced.filename,
                content_type=content_type,
                size=announced.size,
                key_version=key_version,
                content_key=content_key,
                now=now,
                post_expires_at=expires_at,
                revision=revision,
            )
            fresh[announced.sha256] = (image_id, announced)
        answers.append(
            Answer(image_id, "upload", _post(user_id, image_id, announced, content_type, now), expires_at, existing)
        )
    if fresh:
        activity.record(conn, "upload", photos=len(fresh), bytes=sum(first.size for _, first in fresh.values()))
    return answers


def _same_size(announced: Announcement, before: int) -> None:
    """Files of one SHA-256 have one size. Raises ``Conflict``."""
    if announced.size != before:
        raise Conflict(f"These bytes were announced with {before} bytes before, not {announced.size}.")


def _post(user_id: UUID, image_id: UUID, announced: Announcement, content_type: str, now: datetime) -> Post:
    settings = get_settings()
    return presigning.presign_post(
        endpoint=settings.aws_endpoint_url,
        bucket=settings.require("staging_bucket"),
        key=staging.key_of(user_id, image_id),
        region=settings.aws_region,
        credentials=aws.credentials(),
        now=now,
        expires_in=int(POST_LIFETIME.total_seconds()),
        size=announced.size,
        content_type=content_type,
        sha256=announced.sha256,
    )
