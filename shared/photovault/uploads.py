"""Announcing uploads: duplicates are recognised, quota is set aside, and a post is signed for exactly those bytes.

A client may seal its file before it posts it, with the key of a blob named ``upload`` that it gets for this alone; the
announced size and SHA-256 are those of the plaintext all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import activity, aws, ids, images, keyring, presigning, sealing, staging, users
from photovault.errors import Conflict
from photovault.images import Image
from photovault.presigning import Post
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection

POST_LIFETIME = timedelta(minutes=5)
# A pending photo is forgotten at the earliest this long after its latest post has expired.
PENDING_GRACE = timedelta(hours=1)
# Ciphertext has no other; what is inside was announced.
SEALED_TYPE = "application/octet-stream"

State = Literal["upload", "duplicate", "in_trash"]


@dataclass(frozen=True)
class Announcement:
    """A file that a client wants to upload: its size in bytes and the SHA-256 (32 bytes) of its contents.

    ``modified`` is when it was last changed, as the clock of its device showed.
    """

    filename: str
    content_type: str
    size: int
    sha256: bytes
    modified: datetime | None = None


@dataclass(frozen=True)
class Seal:
    """What a client seals its file with. ``key`` (32 bytes) opens the blob at ``address`` and no other."""

    address: sealing.Address
    sealed_bytes: int
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """``upload`` expects the announced file, of the type that it was first announced with, until ``expires_at``;
    ``seal`` comes with it when it is to be sealed. The other states name the photo that is there already."""

    image_id: UUID
    state: State
    announced: Announcement
    seal: Seal | None
    expires_at: datetime | None
    existing: Image | None


class OtherSize(Conflict):
    """Files of one SHA-256 have one size, so one of two announcements is wrong.

    ``unseen`` are pending photos whose earlier post has expired. If staging holds nothing for them either, nobody has
    seen their bytes, and the newer announcement may count.
    """

    def __init__(self, why: str, unseen: frozenset[UUID] = frozenset()) -> None:
        super().__init__(why)
        self.unseen = unseen


def announce(
    conn: Connection,
    user_id: UUID,
    announcements: Sequence[Announcement],
    *,
    now: datetime,
    sealed: bool = False,
    not_arrived: Collection[UUID] = (),
) -> list[Answer]:
    """Take note of some uploads, all or none. Raises ``QuotaExceeded``, ``OtherSize``.

    The same bytes give the same photo, however often and under whatever name they are announced, and a pending photo
    the same key to seal it with. ``not_arrived`` are photos for which staging holds nothing: another size may replace
    theirs.
    """
    revision = users.next_revision(conn)  # locks the person's row: two requests cannot reserve the same bytes
    known = images.known_sha256(conn, [a.sha256 for a in announcements])
    _check_sizes(announcements, known, not_arrived, now=now)
    expires_at = now + POST_LIFETIME
    expected: dict[bytes, tuple[UUID, Announcement, Seal | None]] = {}
    fresh: list[int] = []
    answers = []
    for announced in announcements:
        existing = known.get(announced.sha256)
        if existing is not None and existing.deleted_at is not None:
            answers.append(Answer(existing.id, "in_trash", announced, None, None, existing))
            continue
        if existing is not None and existing.sealed_at is not None:
            answers.append(Answer(existing.id, "duplicate", announced, None, None, existing))
            continue
        if announced.sha256 not in expected:
            if existing is not None:
                image_id = existing.id
                _resize(conn, existing.size, announced.size)
                images.expect_upload(conn, image_id, size=announced.size, post_expires_at=expires_at, revision=revision)
                key_version, content_key = existing.key_version, bytes(existing.content_key)
                first = replace(announced, content_type=existing.content_type)
            else:
                image_id, first = ids.new(), announced
                users.reserve(conn, announced.size)
                key_version, content_key = keyring.new_content_key(conn, user_id, image_id)
                images.add_pending(
                    conn,
                    image_id=image_id,
                    sha256=announced.sha256,
                    filename=announced.filename,
                    content_type=announced.content_type,
                    size=announced.size,
                    key_version=key_version,
                    content_key=content_key,
                    file_modified=announced.modified,
                    now=now,
                    post_expires_at=expires_at,
                    revision=revision,
                )
                fresh.append(announced.size)
            seal = None
            if sealed:
                opened = keyring.content_key(conn, user_id, image_id, version=key_version, wrapped=content_key)
                seal = _seal(opened, user_id, image_id, announced.size)
            expected[announced.sha256] = image_id, first, seal
        image_id, first, seal = expected[announced.sha256]
        answers.append(Answer(image_id, "upload", first, seal, expires_at, existing))
    if fresh:
        activity.record(conn, "upload", photos=len(fresh), bytes=sum(fresh))
    return answers


def post(user_id: UUID, answer: Answer) -> Post | None:
    """The form that uploads what an answer expects; None where nothing is. To be signed after the commit.

    Raises ``Misconfigured``.
    """
    if answer.expires_at is None:
        return None
    settings = get_settings()
    announced, seal = answer.announced, answer.seal
    return presigning.presign_post(
        endpoint=settings.aws_endpoint_url,
        bucket=settings.require("staging_bucket"),
        key=staging.key_of(user_id, answer.image_id),
        region=settings.aws_region,
        credentials=aws.credentials(),
        now=answer.expires_at - POST_LIFETIME,
        expires_in=int(POST_LIFETIME.total_seconds()),
        size=seal.sealed_bytes if seal else announced.size,
        content_type=SEALED_TYPE if seal else announced.content_type,
        # The hash of an envelope cannot be known before its salt is: who opens it verifies the plaintext's.
        sha256=None if seal else announced.sha256,
    )


def _check_sizes(
    announcements: Sequence[Announcement], known: Mapping[bytes, Image], not_arrived: Collection[UUID], *, now: datetime
) -> None:
    """Raises ``OtherSize`` for files of one SHA-256 and two sizes."""
    first: dict[bytes, int] = {}
    unseen: set[UUID] = set()
    why = ""
    for announced in announcements:
        existing = known.get(announced.sha256)
        before = first.setdefault(announced.sha256, announced.size)
        if before != announced.size:
            raise OtherSize(f"The same bytes are announced with {before} bytes and with {announced.size}.")
        if existing is None or existing.deleted_at is not None or existing.sealed_at is not None:
            continue
        if existing.size == announced.size or existing.id in not_arrived:
            continue
        why = f"These bytes were announced with {existing.size} bytes before, not {announced.size}."
        if existing.post_expires_at is not None and existing.post_expires_at > now:
            raise OtherSize(f"{why} They may still arrive until {existing.post_expires_at:%H:%M:%S} UTC.")
        unseen.add(existing.id)
    if unseen:
        raise OtherSize(why, frozenset(unseen))


def _resize(conn: Connection, before: int, now: int) -> None:
    """Set aside what another announcement of a pending photo needs. Raises ``QuotaExceeded``."""
    if now > before:
        users.reserve(conn, now - before)
    elif now < before:
        users.move_quota(conn, reserved=now - before)


def _seal(content_key: bytes, user_id: UUID, image_id: UUID, size: int) -> Seal:
    address = sealing.Address(user_id, image_id, staging.UPLOAD)
    return Seal(address, sealing.sealed_size(size, staging.UPLOAD), sealing.blob_key(content_key, address))
