"""Bringing home the blobs that a fallback took, and the notes in staging that say that there are some.

A note is renewed while its work is not done, for staging forgets after a day; and the daily pass finds the work
without it.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from photovault import blobs, db, staging, storage
from photovault.errors import PhotoVaultError
from photovault.observability import count, logger
from photovault.pipeline import moving, walking
from photovault.pipeline.deadlines import LEAST_SECONDS, Remaining, no_end
from photovault.pipeline.reports import Report
from photovault.settings import TIERED_BLOBS
from photovault.storage import placing

# A worker notes that a blob is away before it commits the row: a note is believed for longer than any worker runs.
NOTE_GRACE = timedelta(minutes=20)
NOTE_RENEWAL = timedelta(hours=6)
# After so many moves in a row that failed from one driver to another, the rest is left to the next run.
FAILURES_IN_A_ROW = 3


def rehome(
    report: Report,
    *,
    now: datetime,
    remaining: Remaining = no_end,
    notes: Mapping[str, datetime] | None = None,
) -> None:
    """Bring home the blobs that the fallback took, as far as their homes take blobs again.

    A blob that cannot be moved because it is lost or altered was reported; it is nothing to wait for, and the daily
    pass looks at it again. ``notes`` says since when staging notes that blobs are away from a driver.
    """
    homes: dict[str, bool] = {}  # by driver: whether it takes blobs
    in_a_row: Counter[tuple[str, str]] = Counter()  # failures by where blobs lie and where they belong
    left: set[str] = set()
    for record in walking.records(blobs.away):
        home = placing.home(record.name)
        if remaining() < LEAST_SECONDS:
            left |= {home, *(notes or ())}
            break
        if home not in homes:
            homes[home] = takes_blobs(home)
        if not homes[home]:
            left.add(home)
            if not any(homes.get(placing.home(kind), True) for kind in TIERED_BLOBS):
                break
            continue
        way = record.driver, home
        if in_a_row[way] >= FAILURES_IN_A_ROW:
            left.add(home)
            continue
        try:
            outcome = moving.move(record.user_id, record.image_id, record.name, to=home)
        except PhotoVaultError as error:
            left.add(home)
            in_a_row[way] += 1
            logger().warning("rehome.failed", extra={"home": home, "from_driver": record.driver, "why": error.detail})
            continue
        in_a_row[way] = 0
        report.rehomed += outcome == moving.Outcome.MOVED
    with db.maintenance() as conn:
        report.away = blobs.count_away(conn)
    count("BlobsAway", report.away)
    renew_notes(notes or {}, left=left, now=now)


def takes_blobs(driver: str) -> bool:
    """Whether a storage takes a blob and gives it back; of one that answers but is full, asking for less would lie."""
    probe = secrets.token_bytes(32)
    try:
        key = placing.put(driver, probe)
        answered = storage.driver(driver).get(key) == probe
        storage.driver(driver).delete(key)
    except PhotoVaultError as error:
        logger().info("storage.still_away", extra={"driver": driver, "why": error.detail})
        return False
    return answered


def renew_notes(notes: Mapping[str, datetime], *, left: Collection[str], now: datetime) -> None:
    """Keep the notes of homes that blobs are ``left`` to be brought to, and remove the others."""
    for home in left:
        if home not in notes or now - notes[home] >= NOTE_RENEWAL:
            staging.mark_away(home)
    for home, modified in notes.items():
        if home in left or now - modified < NOTE_GRACE:
            continue
        key = staging.AWAY + home
        # Looked at again: a worker may just have renewed it, whose row is not committed yet.
        if any(staged.key == key and staged.modified == modified for staged in staging.objects(key)):
            staging.delete(key)
