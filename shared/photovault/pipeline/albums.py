"""The album builder: one person's people and automatic albums, arranged again from everything that is stored.

Whoever holds the person's lease builds. What was asked for and what was edited is read before the data; the computing
happens outside any transaction; the difference to what is stored is written in short transactions, each of which the
lease's token fences: nobody waits long for the person's lock, and each album is whole in every one of them. What a
builder wrote before its time was over or it was killed, the next one finds done. Only the last transaction says that it
is built. Building from unchanged data writes nothing but that.

As ``bench_rebuild`` measures it, 100,000 photos cost 8 s of CPU here and 15 s in the database when all albums are new,
4 s altogether after one more photo, and 2 KB of memory a photo; all of it grows with the photos. The memory is met
first: a function of 1,769 MB ends at some 800,000 photos of one person. Beyond that it is stopped while it computes,
its message comes five times and then lies with the dead letters, where an alarm calls somebody; the albums stay as they
are.
"""

from __future__ import annotations

import gc
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import (
    activity,
    album_choices,
    automatic_albums,
    choosing,
    db,
    drafting,
    failpoints,
    ids,
    jobs,
    locations,
    moments,
    queues,
    rebuilds,
    reconciling,
    smart_albums,
    users,
)
from photovault.album_choices import Chosen
from photovault.drafts import Draft, Person, Photo, Place
from photovault.errors import Unavailable
from photovault.locations import Located
from photovault.observability import count, logger
from photovault.pipeline import regrouping
from photovault.pipeline.deadlines import LEAST_SECONDS, Remaining
from photovault.pipeline.regrouping import Who
from photovault.rebuilds import Generations
from photovault.reconciling import Album, Change, Members, Packed, Plan

if TYPE_CHECKING:
    from photovault.db import Connection

# A pass that had this long and wrote nothing would not do so the next time either.
ENOUGH_SECONDS = 200.0
# A held lease may have ended by a moment later: by then it has.
AFTER_EXPIRY_SECONDS = 5
# So many photos are put into albums, and taken out, in one transaction: a second or two, for which a request waits.
BATCH = 20_000
# An estimated place is as dear as so many of these: its names are words to search by.
ESTIMATE = 10
JOB = "albums"
# Reading and grouping people, arranging, comparing; every transaction that writes is one more.
STAGES = 4


class _OutOfTime(Exception):
    """The function's time is nearly over; ``progress``: whether anything was written that the next one finds done."""

    def __init__(self, *, progress: bool = False) -> None:
        super().__init__()
        self.progress = progress


class _LeaseLost(Exception):
    """Somebody else is building: this builder slept through its lease."""


class _Fenced(Exception):
    """The write was refused: the lease is lost, or the person edited something since the data was read."""


@dataclass(frozen=True)
class _Stored:
    generations: Generations
    known: regrouping.Known
    photos: list[Located]
    albums: list[Album]
    chosen: Mapping[UUID, Chosen]


@dataclass(frozen=True)
class _Wanted:
    """What one pass came to, to be written. ``moved``: albums whose key changes; ``restored``: trips and events that
    the person took back; ``steps``: about how many transactions it takes; ``new``: albums that were made while
    ``changes`` were asked for."""

    people: regrouping.Difference
    estimates: list[locations.Change]
    plan: Plan
    moved: list[UUID]
    restored: list[UUID]
    changes: Iterator[list[Change]]
    steps: int
    new: list[UUID] = field(default_factory=list)


def handle(user_id: UUID, *, remaining: Remaining) -> None:
    """One message: build until nothing more is wanted. Safe to repeat and to race.

    ``remaining`` gives the seconds that the function may still run; near the end the message is sent again instead.
    Raises ``Unavailable`` when a pass that began early has nothing to show for it.
    """
    with db.transaction(user_id) as conn:
        generations = rebuilds.generations(conn)
        if generations is None or users.get(conn) is None:
            return  # the account was deleted
        if generations.wanted_generation <= generations.built_generation:
            jobs.finish(conn, JOB, generation=generations.built_generation)
            return
        if rebuilds.can_wait(conn) and not jobs.is_watched(conn, JOB):
            return
        lease = rebuilds.take_lease(conn)
    if lease is None:
        return
    if lease.held_by_other:
        queues.send_albums(user_id, delay=round(lease.seconds) + AFTER_EXPIRY_SECONDS)
        return
    time_given, passes = remaining(), 0
    try:
        while not _build(user_id, lease.token, remaining):
            passes += 1
        _come_again(user_id)
    except _LeaseLost:
        logger().warning("albums.lease_lost")
    except _OutOfTime as stopped:
        logger().warning("albums.out_of_time", extra={"progress": stopped.progress})
        if time_given >= ENOUGH_SECONDS and not passes and not stopped.progress:
            _give_up(user_id, lease.token)
            raise Unavailable("The albums take longer than the function may run.") from None
        _release(user_id, lease.token)
        queues.send_albums(user_id)
    except BaseException:
        _give_up(user_id, lease.token)
        raise


def _release(user_id: UUID, token: UUID) -> None:
    with db.transaction(user_id) as conn:
        rebuilds.release(conn, token)


def _come_again(user_id: UUID) -> None:
    """While photos are on their way, whoever asks for a rebuild within the pause is not heard: this is for them."""
    with db.transaction(user_id) as conn:
        coming = rebuilds.photos_are_coming(conn)
    if coming:
        queues.send_albums(user_id, delay=round(rebuilds.PAUSE.total_seconds()) + AFTER_EXPIRY_SECONDS)


def _give_up(user_id: UUID, token: UUID) -> None:
    """After an error: let the next delivery begin at once. Without a database the lease runs out by itself."""
    try:
        with db.transaction(user_id) as conn:
            held = rebuilds.is_held(conn, token)
            rebuilds.release(conn, token)  # before the jobs' rows, as in ``_finish``
            generations = rebuilds.generations(conn)
            if held and generations is not None:
                why = "The last attempt failed; it is tried again."
                jobs.note_failure(conn, JOB, generation=generations.wanted_generation, why=why)
    except Unavailable:
        logger().warning("albums.lease_not_released")


def _build(user_id: UUID, token: UUID, remaining: Remaining) -> bool:
    """One pass. Whether everything wanted is built, and the lease released; False to start again.

    Raises ``_OutOfTime``, ``_LeaseLost``.
    """
    _check_time(remaining)
    with db.transaction(user_id) as conn:
        stored = _read(conn)
    if stored is None:
        return True
    with _uncollected():
        wanted = _arrange(user_id, stored, remaining)
        failpoints.reach("albums.before-write")
        try:
            complete = _write(user_id, token, stored.generations, wanted, remaining)
        except _Fenced:
            with db.transaction(user_id) as conn:
                if not rebuilds.is_held(conn, token):
                    raise _LeaseLost from None
            logger().info("albums.edited_meanwhile")
            return False
    failpoints.reach("albums.committed")
    logger().info(
        "albums.built",
        extra={"photos": len(stored.photos), "albums": len(stored.albums), "estimated": len(wanted.estimates)},
    )
    count("AlbumsBuilt")
    return complete


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic collector, which would look at a million values again and again and find no cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read(conn: Connection) -> _Stored | None:
    """The generations come first: what changes after them asks for another pass."""
    generations = rebuilds.generations(conn)
    if generations is None:
        return None
    return _Stored(
        generations=generations,
        known=regrouping.read(conn),
        photos=locations.read(conn),
        albums=automatic_albums.stored(conn),
        chosen=album_choices.of_all(conn),
    )


def _check_time(remaining: Remaining, *, progress: bool = False) -> None:
    if remaining() < LEAST_SECONDS:
        raise _OutOfTime(progress=progress)


def _progress(user_id: UUID, read: Generations, stage: jobs.Stage, *, done: int, total: int) -> None:
    with db.transaction(user_id) as conn:
        jobs.progress(conn, JOB, generation=read.wanted_generation, stage=stage, done=done, total=total)


# ---- computing ---------------------------------------------------------------------------------------------------


def _arrange(user_id: UUID, stored: _Stored, remaining: Remaining) -> _Wanted:
    """From what is stored to what should be. Raises ``_OutOfTime``."""
    _progress(user_id, stored.generations, "people", done=0, total=STAGES)
    who = regrouping.regroup(stored.known, lambda model: regrouping.Stored(user_id, model))
    people = regrouping.difference(stored.known, who)
    _check_time(remaining)
    _progress(user_id, stored.generations, "arranging", done=1, total=STAGES)
    estimates = locations.changes(stored.photos)
    photos = list(_photos(stored.photos, estimates, stored.known, who))
    kept = {album.key for album in stored.albums if album.kept and not album.deleted}
    drafts = drafting.draft(photos, _people(who), kept=kept)
    _check_time(remaining)
    _progress(user_id, stored.generations, "comparing", done=2, total=STAGES)
    packer = reconciling.Packer()
    packed = [packer.pack(draft) for draft in drafts]
    unchanged = reconciling.settled([album for album in stored.albums if album.id not in stored.chosen], packed)
    reader = _Reader(user_id)
    runs = reader.read_all(reconciling.to_read(stored.albums, unchanged))
    plan = reconciling.recognise(
        stored.albums,
        drafts,
        {album_id: _ruled(its, stored.chosen.get(album_id)) for album_id, its in runs.items()},
        unchanged,
    )
    by_id = {photo.id: photo for photo in photos} if stored.chosen else {}

    def as_wanted(each: Packed) -> Packed:
        """With what the person put in and took out."""
        album = plan.goes_on.get(each.draft.key)
        if album is None or album.id not in stored.chosen:
            return each
        draft = choosing.applied(each.draft, stored.chosen[album.id], by_id)
        return packer.pack(draft or replace(each.draft, members=()))

    changed = [each.draft for each in packed if each.draft.key not in plan.unwanted | unchanged.keys()]
    reader.look_ahead(plan.goes_on[draft.key] for draft in changed if draft.key in plan.goes_on)
    changes = reconciling.changes(map(as_wanted, packed), plan, members=reader.members, new_id=ids.new)
    return _Wanted(
        people=people,
        estimates=estimates,
        plan=plan,
        moved=[plan.goes_on[draft.key].id for draft in changed if _moves(draft, plan.goes_on.get(draft.key))],
        restored=[album.id for album in stored.albums if album.restored and album.kind in reconciling.RUNS],
        changes=reconciling.batches(changes, BATCH),
        steps=ceil((sum(len(draft.members) for draft in changed) + ESTIMATE * len(estimates)) / BATCH),
    )


def _moves(draft: Draft, album: Album | None) -> bool:
    return album is not None and (album.kind, album.key) != (draft.kind, draft.key)


def _ruled(members: Members, chosen: Chosen | None) -> AbstractSet[UUID]:
    """An album is recognised by what its rule made it of."""
    if chosen is None:
        return members.reasons.keys()
    return (members.reasons.keys() - chosen.put_in) | chosen.taken_out


class _Reader:
    """What is in stored albums, read some albums ahead."""

    def __init__(self, user_id: UUID) -> None:
        self._user_id = user_id
        self._ahead: deque[Album] = deque()
        self._read: dict[UUID, Members] = {}

    def read_all(self, albums: Iterable[Album]) -> Mapping[UUID, Members]:
        """Of all these, which are kept for whoever asks again."""
        self._ahead.extend(albums)
        while self._ahead:
            self._read_some()
        return dict(self._read)

    def look_ahead(self, albums: Iterable[Album]) -> None:
        """These will be asked for, in this order."""
        self._ahead.extend(album for album in albums if album.id not in self._read)

    def members(self, album_id: UUID) -> Members:
        while album_id not in self._read and self._ahead:
            self._read_some()
        return self._read.pop(album_id, reconciling.NOTHING)

    def _read_some(self) -> None:
        some, photos = [], 0
        while self._ahead and photos < BATCH:
            album = self._ahead.popleft()
            some.append(album.id)
            photos += album.image_count
        with db.transaction(self._user_id) as conn:
            self._read |= automatic_albums.members(conn, some)


def _photos(
    photos: Sequence[Located], estimates: Sequence[locations.Change], known: regrouping.Known, who: Who
) -> Iterator[Photo]:
    """What albums are made of: neither in the trash nor in the archive; with the estimates that they will have."""
    coming = {change.image_id: change.estimate for change in estimates}
    people_in: dict[UUID, set[UUID]] = defaultdict(set)
    for face in known.faces:
        person = who.person_of.get(face.id)
        if person is not None:
            people_in[face.image_id].add(person)
    nobody: set[UUID] = set()
    places: dict[object, Place] = {}
    for row in photos:
        if row.in_trash or row.archived or row.local_day is None:
            continue
        photo = row.estimated(coming[row.id]) if row.id in coming else row
        names, place = photo.names, None
        if names.country_code:
            place = (names.country_code, names.country or "", names.region or "", names.city or "")
            place = places.setdefault(place, place)
        yield Photo(
            id=photo.id,
            local=photo.sort_at,
            local_day=row.local_day,
            lat=photo.lat,
            lon=photo.lon,
            place=place,
            people=tuple(sorted(people_in.get(photo.id, nobody))),
            place_estimated=photo.location_source == locations.ESTIMATED,
            dated=photo.taken_source is not None and photo.taken_source not in moments.TIMES_OF_FILES,
            camera=photo.camera,
        )


def _people(who: Who) -> list[Person]:
    """Those who are shown; hidden people have no album."""
    return [
        Person(person.id, person.name, person.birthday)
        for person in who.persons
        if not person.hidden and person.image_count
    ]


# ---- writing -----------------------------------------------------------------------------------------------------


def _write(user_id: UUID, token: UUID, read: Generations, wanted: _Wanted, remaining: Remaining) -> bool:
    """Step by step; whether no more is wanted, and the lease released. Raises ``_Fenced``, ``_OutOfTime``."""
    steps = _together(_parts(wanted))
    step, number = next(steps, []), 0
    while True:
        # Before the transaction, because it may have to read.
        following = next(steps, None)
        total = max(STAGES, STAGES - 1 + wanted.steps)
        _progress(user_id, read, "writing", done=min(total - 1, STAGES - 1 + number), total=total)
        with db.transaction(user_id) as conn:
            revision = users.next_revision(conn) if step else None
            if revision is not None:
                for part in step:
                    part.write(conn, revision)
            if following is None:
                # When all others are as they will be, because a filter may name them.
                smart_albums.refresh(conn, revision=revision)
                return _finish(conn, token, read, new=len(wanted.new))
            if not rebuilds.hold(conn, token, read):
                raise _Fenced
        failpoints.reach("albums.step-written")
        step, number = following, number + 1
        _check_time(remaining, progress=True)


@dataclass(frozen=True)
class _Part:
    """Something to write at once, as dear as this many photos that are put into albums."""

    size: int
    write: Callable[[Connection, int], None]


def _parts(wanted: _Wanted) -> Iterator[_Part]:
    """Estimates, people and room for the albums to come, then albums."""

    def estimates(some: Sequence[locations.Change]) -> _Part:
        return _Part(ESTIMATE * len(some), lambda conn, revision: locations.write(conn, some, revision=revision))

    def changes(some: Sequence[Change]) -> _Part:
        size = sum(change.size for change in some)
        return _Part(size, lambda conn, revision: automatic_albums.write(conn, some, revision=revision))

    def first(conn: Connection, revision: int) -> None:
        regrouping.write(conn, wanted.people, revision=revision)
        automatic_albums.remove(conn, wanted.plan.gone, revision=revision)
        automatic_albums.retire(conn, wanted.plan.retired, revision=revision)
        automatic_albums.settle_restored(conn, wanted.restored, wanted.plan.by_hand, revision=revision)
        automatic_albums.free_keys(conn, wanted.moved)

    many = BATCH // ESTIMATE or 1
    for start in range(0, len(wanted.estimates), many):
        yield estimates(wanted.estimates[start : start + many])
    if wanted.people or wanted.plan.gone or wanted.plan.retired or wanted.moved or wanted.restored:
        yield _Part(0, first)
    for batch in wanted.changes:
        wanted.new.extend(change.album_id for change in batch if change.new)
        yield changes(batch)


def _together(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    """What one transaction writes: usually everything."""
    step: list[_Part] = []
    for part in parts:
        if step and sum(each.size for each in step) + part.size > BATCH:
            yield step
            step = []
        step.append(part)
    if step:
        yield step


def _finish(conn: Connection, token: UUID, read: Generations, *, new: int) -> bool:
    """Say that it is built; whether no more is wanted, and the lease released. Raises ``_Fenced``."""
    if new:
        activity.record(conn, "albums-built", albums=new)
    if not rebuilds.mark_built(conn, token, read):
        raise _Fenced
    jobs.finish(conn, JOB, generation=read.wanted_generation)
    complete = not rebuilds.is_due(conn)
    if complete:
        rebuilds.release(conn, token)
    return complete
