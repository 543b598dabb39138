"""Removing photos from the trash for good: the rows first, then the blobs, in batches that may end anywhere.

A person who empties the trash gets a job. The request itself removes what fits into its time, and leaves a note in
staging for the next sweep, which goes on and deletes the blobs. Should the note be lost, the daily pass finds the job,
and the retired copies a day later.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

from photovault import db, failpoints, jobs, retired, staging, trash, users, vault
from photovault.errors import PhotoVaultError
from photovault.observability import logger
from photovault.pipeline.deadlines import LEAST_SECONDS, Remaining, no_end
from photovault.retired import Retired

JOB = "empty-trash"
# Photos in one transaction: with faces and words a second or two at most, in which the person's other requests wait.
BATCH = 200
# A deletion is mostly waiting for the storage's answer.
DELETIONS_AT_ONCE = 8


def note_of(user_id: UUID) -> str:
    """The key of the empty object in staging that has the sweep go on with somebody's purge."""
    return f"{staging.PURGING}{user_id}"


def person_of(key: str) -> UUID | None:
    """Whose purge a key of staging notes; None for any other key."""
    try:
        user_id = UUID(key.removeprefix(staging.PURGING))
    except ValueError:
        return None
    return user_id if key == note_of(user_id) else None


def note(user_id: UUID) -> None:
    """Have the next sweep finish what is about to be committed. Where that fails, the daily pass does."""
    try:
        staging.mark(note_of(user_id))
    except PhotoVaultError as error:
        logger().warning("purge.not_noted", extra={"user_id": str(user_id), "why": error.detail})


def purge(user_id: UUID, image_ids: Collection[UUID], *, deleted_before: datetime) -> int:
    """Remove these photos, as far as they have been in the trash since then, and their blobs; how many there were.

    Blobs that cannot be deleted now stay retired, and go with the others. Raises ``PersonGone``.
    """
    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        gone = trash.purge(conn, deleted_before=deleted_before, limit=len(image_ids), revision=revision, only=image_ids)
        copies = retired.of_images(conn, gone)
    _delete(user_id, copies)
    return len(gone)


def empty(user_id: UUID, *, remaining: Remaining = no_end, least: float = LEAST_SECONDS) -> bool:
    """Work on the person's open jobs to empty the trash; whether none is left. Rows alone: their blobs are retired.

    No batch is begun with less than ``least`` seconds ``remaining()``. Raises ``PersonGone``.
    """
    while remaining() >= least:
        with db.transaction(user_id) as conn:
            revision = users.next_revision(conn)
            job = jobs.open_one(conn, JOB)
            if job is None:
                return True
            gone = trash.purge(conn, deleted_before=job.created_at, limit=BATCH, revision=revision)
            jobs.advance(conn, job.id, by=len(gone), finished=len(gone) < BATCH)
        failpoints.reach("purging.rows-deleted")
    return False


def finish(user_id: UUID, *, remaining: Remaining = no_end) -> bool:
    """Empty the trash of somebody who asked for it, delete the blobs of all photos that are gone, strike the note off.

    Whether everything is done. Raises ``PersonGone``.
    """
    if not empty(user_id, remaining=remaining):
        return False
    after: tuple[str, str] | None = None
    left = False
    while remaining() >= LEAST_SECONDS:
        with db.transaction(user_id) as conn:
            copies = retired.of_purged(conn, limit=BATCH, after=after)
        if not copies:
            if not left:
                staging.delete(note_of(user_id))
            return not left
        left |= not _delete(user_id, copies)
        after = copies[-1].driver, copies[-1].key
    return False


def _delete(user_id: UUID, copies: Sequence[Retired]) -> bool:
    """Delete copies from their storages, and strike off those that are gone; whether all are."""

    def delete(copy: Retired) -> bool:
        try:
            vault.discard([copy])
        except PhotoVaultError as error:
            extra = {"image_id": str(copy.image_id), "why": error.detail}
            logger().warning("purge.blobs_left", extra=extra)
            return False
        return True

    if not copies:
        return True
    with ThreadPoolExecutor(DELETIONS_AT_ONCE) as pool:
        gone = [copy for copy, done in zip(copies, pool.map(delete, copies), strict=True) if done]
    with db.transaction(user_id) as conn:
        retired.forget(conn, gone)
    return len(gone) == len(copies)
