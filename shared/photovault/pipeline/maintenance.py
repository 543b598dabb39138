"""Maintenance: finish what died, sweep staging, bring blobs home, empty the trash, forget what expired.

Each run first looks at staging, which costs nothing while nobody uploads. Postgres is opened only when something old
lies there, and once a day, so that a sleeping database stays asleep. Work that is not a photo's upload is noted there
too, as empty objects: that blobs are away from a home, and that an account is being erased. Such a note is renewed
while its work is not done, for staging forgets after a day; and the daily pass finds the work without it.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice, takewhile
from uuid import UUID

from photovault import (
    activity,
    blobs,
    db,
    exports,
    geocoder,
    idempotency,
    images,
    queues,
    rebuilds,
    retired,
    sessions,
    staging,
    storage,
    terms,
    throttles,
    tombstones,
    users,
    vault,
)
from photovault.errors import Misconfigured, PersonGone, PhotoVaultError, Unavailable
from photovault.observability import count, logger
from photovault.pipeline import moving, resending, sealer
from photovault.retired import Retired
from photovault.settings import TIERED_BLOBS, get_settings
from photovault.staging import Staged
from photovault.storage import placing
from photovault.uploads import PENDING_GRACE

# Vision seals within seconds; what is left after this long has lost its worker.
SEAL_AFTER = timedelta(minutes=10)
OUTGOING_LIFETIME = timedelta(minutes=6)
TRASH_RETENTION = timedelta(days=30)
# Tickets to a copy that a blob was moved from may be out for so long.
RETIRED_AGE = timedelta(hours=24)
# A worker notes that a blob is away before it commits the row: a note is believed for longer than any worker runs.
NOTE_GRACE = timedelta(minutes=20)
NOTE_RENEWAL = timedelta(hours=6)
# After so many moves in a row that failed from one driver to another, the rest is left to the next run.
FAILURES_IN_A_ROW = 3
# A step that has not finished this long after sealing is asked for again by the daily pass.
STALE_STEP = timedelta(minutes=20)
BATCH = 500
# Nothing new is begun with less than this left of the function's time.
LEAST_SECONDS = 30.0
# Orphans are hashed before they go: so many between two looks at the clock.
ORPHANS_AT_ONCE = 50


def _never_out_of_time() -> float:
    return float("inf")


@dataclass
class Report:
    """What a run did, for its log line."""

    staged: int = 0
    oldest_seconds: float = 0.0
    sealed: int = 0
    removed: int = 0
    resent: int = 0
    expired: int = 0
    purged: int = 0
    orphans: int = 0
    mended: int = 0
    retired: int = 0
    rehomed: int = 0
    away: int = 0
    erased: int = 0
    refined: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass
class Notes:
    """What the sweep found noted in staging: drivers that blobs wait to go home to, and erasures to be finished."""

    away: dict[str, datetime] = field(default_factory=dict)
    erasing: list[UUID] = field(default_factory=list)


def run(*, daily: bool, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> Report:
    """One pass. ``daily`` adds what needs the database with nothing staged; ``remaining`` gives the seconds left."""
    report = Report()
    notes = sweep_staging(report, now=now, remaining=remaining)
    finish_erasures(report, notes.erasing, daily=daily, remaining=remaining)
    opened = daily or report.sealed or report.failures
    tasks: list[tuple[str, Callable[..., object]]] = []
    if opened:
        tasks += [
            ("resend_unfinished", resend_unfinished),
            ("expire_pending", expire_pending),
        ]
    # With nothing else to do, a home is asked before the database is: an outage must not keep it awake.
    if opened or notes.erasing or any(takes_blobs(driver) for driver in notes.away):
        tasks.append(("rehome", partial(rehome, notes=notes.away)))
    else:
        renew_notes(notes.away, left=notes.away, now=now)
    if daily:  # listing a whole vault every five minutes of an outage would cost more than the outage
        tasks += [
            ("purge_trash", purge_trash),
            ("forget_expired", forget_expired),
            ("remove_retired", remove_retired),
            ("remove_orphans", remove_orphans),
            ("refine_places", refine_places),
        ]
    for name, task in tasks:
        if remaining() < LEAST_SECONDS:
            logger().warning("maintenance.out_of_time", extra={"before": name})
            break
        with _noting_failure(report, name):
            task(report, now=now, remaining=remaining)
    count("StagingOldestSeconds", report.oldest_seconds, unit="Seconds")
    logger().info("maintenance.done", extra={key: value for key, value in vars(report).items() if value})
    return report


@contextmanager
def _noting_failure(report: Report, what: str) -> Iterator[None]:
    """One thing that is broken must not keep the rest from being done."""
    try:
        yield
    except Unavailable as error:  # an outage: what was staged waits, and the metric says so
        report.failures.append(f"{what}: {error.detail}")
    except Exception as error:
        logger().exception("maintenance.failed", extra={"what": what})
        report.failures.append(f"{what}: {type(error).__name__}")


def sweep_staging(report: Report, *, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> Notes:
    """Seal or remove every object that is older than it should be, and measure the oldest one.

    Notes, which are empty and nobody's plaintext, are returned and neither measured nor removed.
    """
    notes = Notes()
    for staged in staging.objects():
        age = now - staged.modified
        if _noted(staged, notes):
            continue
        report.staged += 1
        report.oldest_seconds = max(report.oldest_seconds, age.total_seconds())
        if remaining() < LEAST_SECONDS:
            continue
        with _noting_failure(report, "sweep_staging"):
            if staged.key.startswith(staging.OUTGOING):
                if age >= OUTGOING_LIFETIME:
                    staging.delete(staged.key)
                    report.removed += 1
            elif age >= SEAL_AFTER:
                if staged.user_id is None or staged.image_id is None:  # not ours: nothing in staging may stay
                    staging.delete(staged.key)
                    report.removed += 1
                else:
                    _finish_staged(report, staged.user_id, staged.image_id)
    return notes


def _noted(staged: Staged, notes: Notes) -> bool:
    """Whether it is a note, which is then among ``notes``. What only looks like one is swept like all else."""
    if staged.bytes:
        return False
    if staged.key.startswith(staging.AWAY):
        driver = staged.key.removeprefix(staging.AWAY)
        if driver in placing.in_use():
            notes.away[driver] = staged.modified
            return True
    if staged.key.startswith(staging.ERASING):
        from photovault.pipeline import erasing

        person = erasing.person_of(staged.key)
        if person is not None:
            notes.erasing.append(person)
            return True
    return False


def _finish_staged(report: Report, user_id: UUID, image_id: UUID) -> None:
    image = sealer.load(user_id, image_id)
    if image is None or (image.status == "rejected" and not image.sealed_at):
        sealer.remove_upload(user_id, image_id, size=image.size if image else None)
        report.removed += 1
        return
    if image.sealed_at:
        sealer.clean_staging(image)
        report.removed += 1
        return
    sealed = sealer.seal(image)
    if sealed is not None:
        report.sealed += 1
        resending.resend(sealed)
        report.resent += 1


def finish_erasures(
    report: Report, noted: Sequence[UUID], *, daily: bool, remaining: Callable[[], float] = _never_out_of_time
) -> None:
    """Go on with the erasures that staging notes, and once a day with all that the database knows of."""
    from photovault.pipeline import erasing

    for user_id in noted:
        if remaining() < LEAST_SECONDS:
            return
        with _noting_failure(report, "finish_erasures"):
            report.erased += erasing.finish(user_id, remaining=remaining)
    if daily:
        with _noting_failure(report, "finish_erasures"):
            report.erased += erasing.finish_all(remaining=remaining).done


def resend_unfinished(
    report: Report | None = None,
    *,
    now: datetime | None = None,
    remaining: Callable[[], float] = _never_out_of_time,
) -> int:
    """Ask again for every step that should have finished long ago; without ``now``, for every unfinished one.

    Used by the daily pass and at the start of a local cloud, whose queues forget, which is no failure of a step.
    Returns how many photos.
    """
    asked = 0
    after: tuple[datetime, UUID] | None = None
    while remaining() >= LEAST_SECONDS:
        with db.maintenance() as conn:
            found = images.unfinished(conn, before=now - STALE_STEP if now else None, after=after, limit=BATCH)
        for user_id, image_id, created_at in found:
            image = sealer.load(user_id, image_id)
            if image is not None and image.unfinished:
                resending.resend(image, counted=now is not None)
            after = created_at, image_id
        asked += len(found)
        if len(found) < BATCH:
            break
    with db.maintenance() as conn:
        due = rebuilds.due(conn)
    for user_id in due:
        if remaining() < LEAST_SECONDS:
            break
        queues.send_albums(user_id)
    if report is not None:
        report.resent += asked
    return asked


def expire_pending(report: Report, *, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> None:
    """Forget uploads that never arrived, and give their quota back."""
    with db.maintenance() as conn:
        found = images.never_posted(conn, before=now - PENDING_GRACE, limit=BATCH)
    for user_id, image_id in found:
        if remaining() < LEAST_SECONDS:
            break
        if staging.holds(user_id, image_id):
            continue  # arrived after all: the sweep seals it
        with suppress(PersonGone), db.transaction(user_id) as conn:  # an erasure removes it
            revision = users.next_revision(conn)
            image = images.get(conn, image_id)
            # Looked at again under the lock: a fresh post may have been given out meanwhile.
            if image is None or image.sealed_at or (image.post_expires_at or now) >= now - PENDING_GRACE:
                continue
            users.move_quota(conn, reserved=-image.size)
            images.delete_row(conn, image_id)
            tombstones.add(conn, "image", [image_id], revision=revision)
            report.expired += 1


def purge_trash(report: Report, *, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> None:
    """Delete for good what has been in the trash for 30 days: the rows first, then the blobs."""
    with db.maintenance() as conn:
        found = images.deleted_before(conn, now - TRASH_RETENTION, limit=BATCH)
    for user_id, image_id in found:
        if remaining() < LEAST_SECONDS:
            break
        with suppress(PersonGone):  # an erasure removes it
            purge(user_id, image_id, deleted_before=now - TRASH_RETENTION)
            report.purged += 1


def purge(user_id: UUID, image_id: UUID, *, deleted_before: datetime) -> None:
    """Remove a photo from the trash for good. Blobs that cannot be deleted now are retired, and go with the others.

    Raises ``PersonGone``.
    """
    with db.transaction(user_id) as conn:
        revision = users.next_revision(conn)
        image = images.get(conn, image_id)
        if image is None or image.deleted_at is None or image.deleted_at > deleted_before:
            return
        retired.add(conn, blobs.of_images(conn, [image_id]))
        copies = retired.of_image(conn, image_id)
        users.move_quota(
            conn, reserved=0 if image.sealed_at else -image.size, used=-image.size if image.sealed_at else 0
        )
        images.delete_row(conn, image_id)
        tombstones.add(conn, "image", [image_id], revision=revision)
        activity.record(conn, "photo-purged", image_id=str(image_id))
    try:
        vault.discard(copies)
    except (Unavailable, Misconfigured) as error:
        logger().warning("purge.blobs_left", extra={"image_id": str(image_id), "why": error.detail})
        return
    with db.transaction(user_id) as conn:
        retired.forget(conn, copies)


def rehome(
    report: Report,
    *,
    now: datetime,
    remaining: Callable[[], float] = _never_out_of_time,
    notes: Mapping[str, datetime] | None = None,
) -> None:
    """Bring home the blobs that the fallback took, as far as their homes take blobs again.

    A blob that cannot be moved because it is lost or altered was reported; it is nothing to wait for, and the daily
    pass looks at it again. ``notes`` says since when staging notes that blobs are away from a driver.
    """
    homes: dict[str, bool] = {}  # by driver: whether it takes blobs
    in_a_row: Counter[tuple[str, str]] = Counter()  # failures by where blobs lie and where they belong
    left: set[str] = set()
    for record in _away():
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


def _away() -> Iterator[blobs.Record]:
    """All blobs that are away, page by page; no transaction is open while one is looked at."""
    after = (UUID(int=0), "")
    while True:
        with db.maintenance() as conn:
            page = blobs.away(conn, after=after, limit=BATCH)
        yield from page
        if len(page) < BATCH:
            return
        after = page[-1].image_id, page[-1].name


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


def remove_retired(report: Report, *, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> None:
    """Delete the copies that blobs were moved from a day ago, each after a look at the copy that took its place.

    Where that is not there, the old one is what the blob is healed from; one that does not verify stays, too, as long
    as the blob is lost. While the storage of either is away, the copy stays, and holds up no other.
    """
    away: set[str] = set()
    last: Retired | None = None
    while remaining() >= LEAST_SECONDS:
        with db.maintenance() as conn:
            page = retired.due(conn, now - RETIRED_AGE, after=last, limit=BATCH)
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
        if len(page) < BATCH:
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


def refine_places(report: Report, *, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> None:
    """Ask Nominatim for finer names of photos' positions, where that is switched on: a second and a request each.

    A photo waits for none of this; what does not fit into this run waits for the next.
    """
    del now
    if not get_settings().enable_geocoder:
        return
    with db.maintenance() as conn:
        found = images.unrefined(conn, limit=BATCH)
    changed: set[UUID] = set()
    for user_id, image_id in found:
        if remaining() < 60:
            break
        image = sealer.load(user_id, image_id)
        if image is None or image.lat is None or image.lon is None:
            continue
        finer = geocoder.refine(db.maintenance, image.lat, image.lon)
        if finer is None:
            with db.maintenance() as conn:
                if geocoder.cached(conn, geocoder.Cell.of(image.lat, image.lon)) is None:
                    continue  # no answer but an outage: another day
        place = None
        if finer is not None:
            # A village's name is finer than none, but no answer at all must not take the offline one away.
            place = images.Place(None, finer.city or image.city, finer.region, finer.country, finer.country_code)
        with suppress(PersonGone), db.transaction(user_id) as conn:
            at, revision = (image.lat, image.lon), users.next_revision(conn)
            if images.refine_place(conn, image_id, place, at=at, revision=revision):
                terms.refresh(conn, image_id)
                rebuilds.want(conn)
                changed.add(user_id)
                report.refined += 1
    for user_id in changed:
        queues.send_albums(user_id)


def forget_expired(report: Report, *, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> None:
    """Idempotency keys, exports, sessions, tokens and throttles whose time has passed."""
    del report, now, remaining
    with db.maintenance() as conn:
        idempotency.forget_expired(conn)
        exports.forget_expired(conn)
        sessions.forget_expired(conn)
        throttles.forget_idle(conn)


def remove_orphans(report: Report, *, now: datetime, remaining: Callable[[], float] = _never_out_of_time) -> None:
    """Delete blobs that no row and no retired copy names, as ``storage check --repair`` does, and by its rules: never
    one younger than a day, nor anybody's other files, nor what a row is looking for in vain.

    Of every driver that a setting, a row or a retired copy names, parts of blobs that were never finished included.
    """
    from photovault.pipeline import checking

    for name in checking.drivers():
        with _noting_failure(report, f"remove_orphans of {name}"):
            _remove_orphans_of(name, report, now=now, remaining=remaining)


def _remove_orphans_of(name: str, report: Report, *, now: datetime, remaining: Callable[[], float]) -> None:
    """It begins anywhere, so that in a vault too large for one run every part gets its turn."""
    from photovault.pipeline import checking, mending

    driver, start = storage.driver(name), storage.new_key()
    until_start = takewhile(lambda stored: stored.key <= start, driver.list())
    listing = chain(driver.list(after=start), until_start)
    while remaining() >= LEAST_SECONDS and (page := list(islice(listing, BATCH))):
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


def is_daily(now: datetime, every: timedelta) -> bool:
    """Whether this run of a schedule is the first one of the (UTC) day, or the second: schedules are not punctual, and
    one that came a moment before midnight and then a moment late must not miss the day."""
    return now - now.replace(hour=0, minute=0, second=0, microsecond=0) < every * 1.5
