"""Maintenance: finish what died, sweep staging, bring blobs home, empty the trash, forget what expired.

Each run first looks at staging, which costs nothing while nobody uploads. Postgres is opened only when something old
lies there, and once a day, so that a sleeping database stays asleep. Work that is not a photo's upload is noted there
too, as empty objects: that blobs are away from a home, that an account is being erased, and a trash emptied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from photovault import (
    albums,
    db,
    deliveries,
    exports,
    films,
    geocoder,
    idempotency,
    images,
    jobs,
    queues,
    rebuilds,
    sessions,
    shares,
    staging,
    terms,
    throttles,
    tombstones,
    trash,
    users,
)
from photovault.errors import PersonGone
from photovault.observability import count, logger
from photovault.pipeline import (
    clearing,
    erasing,
    joining,
    keywording,
    purging,
    rehoming,
    renewing,
    resending,
    rolling,
    sealer,
    waking,
)
from photovault.pipeline.deadlines import LEAST_SECONDS, Remaining, no_end
from photovault.pipeline.reports import Report, noting_failure
from photovault.settings import get_settings
from photovault.staging import Staged
from photovault.storage import placing
from photovault.uploads import PENDING_GRACE

# Vision seals within seconds; what is left after this long has lost its worker.
SEAL_AFTER = timedelta(minutes=10)
OUTGOING_LIFETIME = timedelta(minutes=6)
# A step that has not finished this long after sealing is asked for again by the daily pass.
STALE_STEP = timedelta(minutes=20)
BATCH = 500


@dataclass
class Notes:
    """What the sweep found noted in staging: drivers that blobs wait to go home to, erasures and purges to finish."""

    away: dict[str, datetime] = field(default_factory=dict)
    erasing: list[UUID] = field(default_factory=list)
    purging: list[UUID] = field(default_factory=list)


def run(*, daily: bool, now: datetime, remaining: Remaining = no_end) -> Report:
    """One pass. ``daily`` adds what needs the database with nothing staged; ``remaining`` gives the seconds left."""
    report = Report()
    notes = sweep_staging(report, now=now, remaining=remaining)
    finish_erasures(report, notes.erasing, daily=daily, remaining=remaining)
    finish_purges(report, notes.purging, daily=daily, remaining=remaining)
    opened = daily or report.sealed or report.failures
    tasks: list[tuple[str, Callable[..., object]]] = []
    if opened:
        tasks += [
            ("resend_unfinished", resend_unfinished),
            ("expire_pending", expire_pending),
        ]
    # With nothing else to do, a home is asked before the database is: an outage must not keep it awake.
    if opened or notes.erasing or notes.purging or any(rehoming.takes_blobs(driver) for driver in notes.away):
        tasks.append(("rehome", partial(rehoming.rehome, notes=notes.away)))
    else:
        rehoming.renew_notes(notes.away, left=notes.away, now=now)
    if daily:  # listing a whole vault every five minutes of an outage would cost more than the outage
        tasks += [
            # First what is short: the others may take all the time there is, and go on another day.
            ("forget_expired", forget_expired),
            ("ask_for_renewals", ask_for_renewals),
            ("roll_smart_albums", rolling.roll_smart_albums),
            ("give_films_up", give_films_up),
            ("purge_trash", purge_trash),
            ("remove_retired", clearing.remove_retired),
            ("remove_orphans", clearing.remove_orphans),
            ("refine_places", refine_places),
            ("wake_webhooks", wake_webhooks),
            ("read_keywords", keywording.read_keywords),
        ]
    for name, task in tasks:
        if remaining() < LEAST_SECONDS:
            logger().warning("maintenance.out_of_time", extra={"before": name})
            break
        with noting_failure(report, name):
            task(report, now=now, remaining=remaining)
    count("StagingOldestSeconds", report.oldest_seconds, unit="Seconds")
    logger().info("maintenance.done", extra={key: value for key, value in vars(report).items() if value})
    return report


def sweep_staging(report: Report, *, now: datetime, remaining: Remaining = no_end) -> Notes:
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
        with noting_failure(report, "sweep_staging"):
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
        person = erasing.person_of(staged.key)
        if person is not None:
            notes.erasing.append(person)
            return True
    if staged.key.startswith(staging.PURGING):
        person = purging.person_of(staged.key)
        if person is not None:
            notes.purging.append(person)
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


def finish_erasures(report: Report, noted: Sequence[UUID], *, daily: bool, remaining: Remaining = no_end) -> None:
    """Go on with the erasures that staging notes, and once a day with all that the database knows of."""
    for user_id in noted:
        if remaining() < LEAST_SECONDS:
            return
        with noting_failure(report, "finish_erasures"):
            report.erased += erasing.finish(user_id, remaining=remaining)
    if daily:
        with noting_failure(report, "finish_erasures"):
            report.erased += erasing.finish_all(remaining=remaining).done


def resend_unfinished(
    report: Report | None = None,
    *,
    now: datetime | None = None,
    remaining: Remaining = no_end,
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


def expire_pending(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Forget uploads that never arrived, and give their quota back."""
    after = UUID(int=0)
    while remaining() >= LEAST_SECONDS:
        with db.maintenance() as conn:
            found = images.never_posted(conn, before=now - PENDING_GRACE, after=after, limit=BATCH)
        for user_id, image_id in found:
            if remaining() < LEAST_SECONDS:
                return
            report.expired += _expire(user_id, image_id, now=now)
        if len(found) < BATCH:
            return
        _, after = found[-1]


def _expire(user_id: UUID, image_id: UUID, *, now: datetime) -> bool:
    """Whether an announced photo is forgotten."""
    if staging.holds(user_id, image_id):
        return False  # arrived after all: the sweep seals it
    with suppress(PersonGone), db.transaction(user_id) as conn:  # an erasure removes it
        revision = users.next_revision(conn)
        image = images.get(conn, image_id)
        # Looked at again under the lock: a fresh post may have been given out meanwhile.
        if image is None or image.sealed_at or (image.post_expires_at or now) >= now - PENDING_GRACE:
            return False
        users.move_quota(conn, reserved=-image.size)
        images.note_around(conn, [image_id], revision=revision)
        images.delete_row(conn, image_id)
        tombstones.add(conn, "image", [image_id], revision=revision)
        return True
    return False


def give_films_up(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Reject the films of Live Photos whose picture has not come; they are kept, and join it when it comes."""
    after = UUID(int=0)
    while remaining() >= LEAST_SECONDS:
        with db.maintenance() as conn:
            found = films.waiting_since(conn, now - films.PATIENCE, after=after, limit=BATCH)
        for user_id, film_id in found:
            if remaining() < LEAST_SECONDS:
                return
            with noting_failure(report, "give_films_up"), suppress(PersonGone):  # an erasure removes it
                joining.join(user_id, film_id)
                with db.transaction(user_id) as conn:
                    films.give_up(conn, [film_id], films.ALONE, revision=users.next_revision(conn))
        if len(found) < BATCH:
            return
        _, after = found[-1]


def purge_trash(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Delete for good what has been in the trash for 30 days: the rows first, then the blobs."""
    before, after = now - trash.RETENTION, UUID(int=0)
    while remaining() >= LEAST_SECONDS:
        with db.maintenance() as conn:
            found = images.deleted_before(conn, before, after=after, limit=BATCH)
        by_person: dict[UUID, list[UUID]] = defaultdict(list)
        for user_id, image_id in found:
            by_person[user_id].append(image_id)
        for user_id, image_ids in by_person.items():
            for begin in range(0, len(image_ids), purging.BATCH):
                if remaining() < LEAST_SECONDS:
                    return
                with suppress(PersonGone):  # an erasure removes it
                    some = image_ids[begin : begin + purging.BATCH]
                    report.purged += purging.purge(user_id, some, deleted_before=before)
        if len(found) < BATCH:
            return
        _, after = found[-1]


def finish_purges(report: Report, noted: Sequence[UUID], *, daily: bool, remaining: Remaining = no_end) -> None:
    """Go on for people who emptied their trash: those that staging notes, and once a day all that have such a job."""
    waiting = list(noted)
    if daily:
        with noting_failure(report, "finish_purges"), db.maintenance() as conn:
            waiting += [user_id for user_id in jobs.whose_are_open(conn, purging.JOB) if user_id not in noted]
    for user_id in waiting:
        if remaining() < LEAST_SECONDS:
            return
        with noting_failure(report, "finish_purges"):
            try:
                purging.finish(user_id, remaining=remaining)
            except PersonGone:  # an erasure removes everything
                staging.delete(purging.note_of(user_id))


def refine_places(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
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


def ask_for_renewals(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Let vision and embedding look for photos that the models they run now would find more in: only they know these.

    What they find they work off by themselves, in pieces, behind what is uploaded.
    """
    del report, now, remaining
    renewing.begin()


def forget_expired(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """What has an end that has passed: keys, exports, sessions, tokens, shares, deleted albums and more."""
    del report, now, remaining
    with db.maintenance() as conn:
        idempotency.forget_expired(conn)
        exports.forget_expired(conn)
        sessions.forget_expired(conn)
        shares.forget_expired(conn)
        albums.forget_expired(conn)
        tombstones.forget_expired(conn)
        deliveries.forget_expired(conn)
        throttles.forget_idle(conn)


def wake_webhooks(report: Report, *, now: datetime, remaining: Remaining = no_end) -> None:
    """Find what webhooks were not told of because a worker died, and deliveries whose message was lost."""
    del report, now, remaining
    waking.wake_all()


def is_daily(now: datetime, every: timedelta) -> bool:
    """Whether this run of a schedule is the first one of the (UTC) day, or the second: schedules are not punctual, and
    one that came a moment before midnight and then a moment late must not miss the day."""
    return now - now.replace(hour=0, minute=0, second=0, microsecond=0) < every * 1.5
