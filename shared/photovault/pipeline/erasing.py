"""What follows the commit that erased an account: the ledger, the sweep's mark, and then the rows and blobs.

``finish`` may die or run out of time anywhere and be called again, by several at once: rows of photos go first, all
that is readable about a person with them, and name their blobs as retired copies in the same transaction; a copy is
forgotten after it was deleted from its storage; the person's row goes last, when the ledger has its entry and nothing
is left that it names. So a storage or a ledger that is away delays the end, and loses and keeps nothing readable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, erasures, failpoints, retired, staging, storage
from photovault.errors import PersonGone, Unavailable
from photovault.observability import count, logger
from photovault.pipeline.deadlines import LEAST_SECONDS, Remaining, no_end
from photovault.retired import Retired

if TYPE_CHECKING:
    from photovault.db import Connection

# Photos or rows in one transaction: with faces and words a few seconds at most.
BATCH = 200
# A deletion is mostly waiting for the storage's answer.
DELETIONS_AT_ONCE = 8


@dataclass(frozen=True)
class Finished:
    """How many erasures came to their end, and how many did not yet."""

    done: int = 0
    left: int = 0


def begin(user_id: UUID, erased_at: datetime) -> None:
    """After the commit: enter the erasure in the ledger and have the next sweep finish it.

    Fails never: the account is erased, whatever is away now, and the daily pass does again what did not work.
    """
    failpoints.reach("erasing.committed")
    logger().info("account.erased", extra={"user_id": str(user_id)})
    count("AccountsErased")
    _try("erasure.not_in_ledger", user_id, lambda: erasures.enter(user_id, erased_at))
    failpoints.reach("erasing.entered")
    _try("erasure.not_marked", user_id, lambda: staging.mark(mark_of(user_id)))


def mark_of(user_id: UUID) -> str:
    """The key of the empty object in staging that has the sweep finish an erasure."""
    return f"{staging.ERASING}{user_id}"


def person_of(key: str) -> UUID | None:
    """Whose erasure a key of staging marks; None for any other key."""
    try:
        user_id = UUID(key.removeprefix(staging.ERASING))
    except ValueError:
        return None
    return user_id if key == mark_of(user_id) else None


def finish(user_id: UUID, *, remaining: Remaining = no_end) -> bool:
    """Remove everything of an erased person; whether all of it is gone, the mark in staging included.

    Nothing is begun with less than ``LEAST_SECONDS`` of ``remaining()``. A person who lives in this database is not
    touched: the database was restored to before the erasure, and what is missing is a replay. Raises ``Unavailable``
    when the database is away; what else is away is logged, and the answer is False.
    """
    try:
        with db.transaction(user_id) as conn:
            at = erasures.erased_at(conn)
    except PersonGone:
        return _try("erasure.staging_left", user_id, lambda: _empty_staging(user_id, mark_too=True))
    if at is None:
        logger().error("erasure.unknown_to_the_database", extra={"user_id": str(user_id)})
        return False
    entered = _try("erasure.not_in_ledger", user_id, lambda: erasures.enter(user_id, at))
    emptied = _try("erasure.staging_left", user_id, lambda: _empty_staging(user_id))
    try:
        if not (_delete_rows(user_id, remaining) and _delete_copies(user_id, remaining) and entered and emptied):
            return False
        with _erased(user_id) as conn:
            removed = erasures.remove(conn)
    except PersonGone:  # another finisher was faster
        removed = True
    failpoints.reach("erasing.removed")
    if not removed:
        return False
    logger().info("account.removed", extra={"user_id": str(user_id)})
    # Once more: what was posted meanwhile lies there until its message is handled.
    return _try("erasure.staging_left", user_id, lambda: _empty_staging(user_id, mark_too=True))


def finish_all(*, remaining: Remaining = no_end) -> Finished:
    """Finish every erasure that the database knows of, one after the other. Raises ``Unavailable`` without a database.

    One that does not come to its end holds up none of the others.
    """
    with db.maintenance() as conn:
        waiting = erasures.waiting(conn)
    done = 0
    for user_id in waiting:
        if remaining() < LEAST_SECONDS:
            break
        try:
            done += finish(user_id, remaining=remaining)
        except Unavailable:
            raise
        except Exception:
            logger().exception("erasure.failed", extra={"user_id": str(user_id)})
    return Finished(done=done, left=len(waiting) - done)


@dataclass(frozen=True)
class Replayed:
    """What became of one entry of the ledger, or of an erasure that only the database knew. ``subject`` says whose."""

    subject: str
    outcome: Literal["gone", "would be erased", "erased", "left"]
    detail: str = ""


def replay(*, dry_run: bool = False) -> Iterator[Replayed]:
    """Apply the ledger to this database, entry by entry: accounts that live again are erased again, and removed.

    Then what the database itself knows to be unfinished is finished. One that fails holds up no other. Raises
    ``Unavailable`` without a database, and ``Misconfigured`` or ``StorageUnavailable`` when the ledger cannot be read.
    """
    seen: set[UUID] = set()
    for entry in erasures.entries():
        if entry.user_id is None or entry.erased_at is None:
            yield Replayed(entry.key, "left", f"the entry cannot be read: {entry.trouble}")
            continue
        seen.add(entry.user_id)
        try:
            with db.transaction(entry.user_id) as conn:
                erasures.erased_at(conn)
        except PersonGone:
            yield Replayed(str(entry.user_id), "gone")
            continue
        if dry_run:
            yield Replayed(str(entry.user_id), "would be erased")
            continue
        with db.transaction(entry.user_id) as conn:
            erasures.erase(conn, at=entry.erased_at)
        yield _finished(entry.user_id)
    with db.maintenance() as conn:
        waiting = erasures.waiting(conn)
    for user_id in waiting:
        if user_id not in seen:
            yield Replayed(str(user_id), "would be erased") if dry_run else _finished(user_id)


def _finished(user_id: UUID) -> Replayed:
    try:
        done = finish(user_id)
    except Unavailable:
        raise
    except Exception as error:
        logger().exception("erasure.failed", extra={"user_id": str(user_id)})
        return Replayed(str(user_id), "left", type(error).__name__)
    if done:
        return Replayed(str(user_id), "erased")
    return Replayed(str(user_id), "left", "nothing of it can be opened; run this again for what the log names")


def _try(event: str, user_id: UUID, action: Callable[[], None]) -> bool:
    """Whether it worked; that it did not is logged as an error under the event's name."""
    try:
        action()
    except Exception as error:
        why = getattr(error, "detail", type(error).__name__)
        logger().error(event, extra={"user_id": str(user_id), "why": why})
        return False
    return True


@contextmanager
def _erased(user_id: UUID) -> Iterator[Connection]:
    """A transaction of an erased person, alone. Raises ``PersonGone``."""
    with db.transaction(user_id) as conn:
        erasures.lock(conn)
        yield conn


def _empty_staging(user_id: UUID, *, mark_too: bool = False) -> None:
    for staged in staging.objects(f"{staging.INCOMING}{user_id}/"):
        staging.delete(staged.key)
    if mark_too:
        staging.delete(mark_of(user_id))


def _delete_rows(user_id: UUID, remaining: Remaining) -> bool:
    """Whether none is left."""
    while remaining() >= LEAST_SECONDS:
        with _erased(user_id) as conn:
            deleted = erasures.retire_photos(conn, limit=BATCH) or erasures.forget(conn, limit=10 * BATCH)
        failpoints.reach("erasing.rows-deleted")
        if not deleted:
            return True
    return False


def _delete_copies(user_id: UUID, remaining: Remaining) -> bool:
    """Whether none is left. A driver that fails once is left alone until the next time."""
    failing: set[str] = set()
    while remaining() >= LEAST_SECONDS:
        with _erased(user_id) as conn:
            page = erasures.copies(conn, limit=BATCH, but=sorted(failing))
        if not page:
            return not failing
        gone = _delete(page, user_id, failing)
        failpoints.reach("erasing.blobs-deleted")
        if gone:
            with _erased(user_id) as conn:
                retired.forget(conn, gone)
        failpoints.reach("erasing.copies-dropped")
    return False


def _delete(page: Sequence[Retired], user_id: UUID, failing: set[str]) -> list[Retired]:
    """Those that their storages hold no more; the drivers of the others are added to ``failing``."""

    def delete(copy: Retired) -> bool:
        if copy.driver in failing:
            return False
        if _try("erasure.blob_left", user_id, lambda: storage.driver(copy.driver).delete(copy.key)):
            return True
        failing.add(copy.driver)
        return False

    with ThreadPoolExecutor(DELETIONS_AT_ONCE) as pool:
        return [copy for copy, gone in zip(page, pool.map(delete, page), strict=True) if gone]
