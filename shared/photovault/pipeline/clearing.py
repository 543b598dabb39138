"""Deleting what no row names any more: copies that blobs were moved from, and files that nobody ever named."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain, islice, takewhile

from photovault import blobs, db, retired, storage
from photovault.errors import PhotoVaultError
from photovault.pipeline import checking, mending, moving
from photovault.pipeline.deadlines import LEAST_SECONDS, Remaining, no_end
from photovault.pipeline.reports import Report, noting_failure
from photovault.retired import Retired

# Tickets to a copy that a blob was moved from may be out for so long.
RETIRED_AGE = timedelta(hours=24)
PAGE = 500
# Orphans are hashed before they go: so many between two looks at the clock.
ORPHANS_AT_ONCE = 50


def remove_retired(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Delete the copies that blobs were moved from a day ago, each after a look at the copy that took its place.

    Where that is not there, the old one is what the blob is healed from; one that does not verify stays, too, as long
    as the blob is lost. While the storage of either is away, the copy stays, and holds up no other.
    """
    away: set[str] = set()
    last: Retired | None = None
    while remaining() >= LEAST_SECONDS:
        with db.maintenance() as conn:
            page = retired.due(conn, now - RETIRED_AGE, after=last, limit=PAGE)
        for copy in page:
            if remaining() < LEAST_SECONDS:
                return
            with db.maintenance() as conn:
                record = blobs.record(conn, copy.image_id, copy.name)
            if copy.driver in away or (record and record.driver in away):
                continue
            asked = record.driver if record else copy.driver
            try:
                in_place = record is None or storage.driver(record.driver).size(record.key) == record.size
                asked = copy.driver
                if in_place:
                    report.retired += _delete_retired(copy)
                elif not moving.heal(copy.user_id, copy.image_id, copy.name):
                    report.failures.append(f"remove_retired: the {copy.name} of photo {copy.image_id} is lost")
                # else healed from a copy, maybe from this one: the next run sees which may go
            except PhotoVaultError as error:
                away.add(asked)
                report.failures.append(f"remove_retired: {error.detail}")
        if len(page) < PAGE:
            return
        last = page[-1]


def _delete_retired(copy: Retired) -> bool:
    """Strike a copy off, then delete it, so that nobody heals a blob from it in between; whether it was still one."""
    from psycopg.errors import ForeignKeyViolation

    with db.maintenance() as conn:
        if not retired.strike(conn, copy):
            return False
    try:
        storage.driver(copy.driver).delete(copy.key)
    except PhotoVaultError:
        with suppress(ForeignKeyViolation), db.transaction(copy.user_id) as conn:  # the account is erased altogether
            retired.put_back(conn, copy)
        raise
    return True


def remove_orphans(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Delete blobs that no row and no retired copy names, as ``storage check --repair`` does, and by its rules: never
    one younger than a day, nor anybody's other files, nor what a row is looking for in vain.

    Of every driver that a setting, a row or a retired copy names, parts of blobs that were never finished included.
    """
    for name in checking.drivers():
        with noting_failure(report, f"remove_orphans of {name}"):
            _remove_orphans_of(name, report, now=now, remaining=remaining)


def _remove_orphans_of(name: str, report: Report, *, now: datetime, remaining: Remaining) -> None:
    """It begins anywhere, so that in a vault too large for one run every part gets its turn."""
    driver, start = storage.driver(name), storage.new_key()
    until_start = takewhile(lambda stored: stored.key <= start, driver.list())
    listing = chain(driver.list(after=start), until_start)
    while remaining() >= LEAST_SECONDS and (page := list(islice(listing, PAGE))):
        unnamed = checking.nobodys(name, page, now=now)
        if unnamed.refusal:
            report.failures.append(f"remove_orphans of {name}: {unnamed.refusal.detail}")
            return
        found = unnamed.orphans
        for begin in range(0, len(found), ORPHANS_AT_ONCE):
            if remaining() < LEAST_SECONDS:
                return
            for finding in mending.clear(found[begin : begin + ORPHANS_AT_ONCE]):
                if not finding.outcome:
                    report.failures.append(f"remove_orphans of {name}: {finding.detail}")
                report.orphans += finding.outcome == "removed"
                report.mended += finding.outcome == "mended"
