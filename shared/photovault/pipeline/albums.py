"""The album builder: one person's people and automatic albums, arranged again from everything that is stored.

Whoever holds the person's lease builds. What was asked for and what was edited is read before the data; the computing
happens outside any transaction; the difference to what is stored is written in one transaction that the lease's token
fences. Building from unchanged data writes nothing but that it was built.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
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
    queues,
    rebuilds,
    smart_albums,
    tombstones,
    users,
)
from photovault.album_choices import Chosen
from photovault.automatic_albums import Arranged, Automatic, Drafted
from photovault.drafting import Draft
from photovault.errors import Unavailable
from photovault.estimating import Estimate, Names
from photovault.locations import Located
from photovault.observability import count, logger
from photovault.pipeline import regrouping
from photovault.pipeline.regrouping import Who
from photovault.rebuilds import Generations

if TYPE_CHECKING:
    from photovault.db import Connection

# Nothing new is begun with less than this left of the function's time.
LEAST_SECONDS = 30.0
# A pass that had this long and did not end would not end the next time either.
ENOUGH_SECONDS = 200.0
# A held lease may have ended by a moment later: by then it has.
AFTER_EXPIRY_SECONDS = 5
STAGES = 4
JOB = "albums"


class _OutOfTime(Exception):
    """The function's time is nearly over."""


class _LeaseLost(Exception):
    """Somebody else is building: this builder slept through its lease."""


@dataclass(frozen=True)
class Difference:
    """What has to be written so that the automatic albums are the drafts. ``members`` holds (album, photo, why)."""

    new: tuple[tuple[UUID, Draft], ...]
    changed: tuple[tuple[Automatic, Draft], ...]
    emptied: tuple[UUID, ...]
    gone: tuple[Automatic, ...]
    added: tuple[tuple[UUID, UUID, str], ...]
    removed: tuple[tuple[UUID, UUID], ...]

    def __bool__(self) -> bool:
        return any((self.new, self.changed, self.emptied, self.gone, self.added, self.removed))


@dataclass(frozen=True)
class _Stored:
    generations: Generations
    known: regrouping.Known
    photos: list[Arranged]
    located: list[Located]
    albums: list[Automatic]
    members: list[tuple[UUID, UUID, str, bool]]
    chosen: Mapping[UUID, Chosen]


def handle(user_id: UUID, *, remaining: Callable[[], float]) -> None:
    """One message: build until nothing more is wanted. Safe to repeat and to race.

    ``remaining`` gives the seconds that the function may still run; near the end the message is sent again instead.
    Raises ``Unavailable`` when a pass that began early does not end in time.
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
        wait = (lease.expires_at - datetime.now(UTC)).total_seconds() + AFTER_EXPIRY_SECONDS
        queues.send_albums(user_id, delay=max(AFTER_EXPIRY_SECONDS, round(wait)))
        return
    time_given, passes = remaining(), 0
    try:
        while not _build(user_id, lease.token, remaining):
            passes += 1
        _come_again(user_id)
    except _LeaseLost:
        logger().warning("albums.lease_lost")
    except _OutOfTime:
        logger().warning("albums.out_of_time")
        if time_given >= ENOUGH_SECONDS and not passes:
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
            rebuilds.release(conn, token)  # before the jobs' rows, as in ``_commit``
            generations = rebuilds.generations(conn)
            if held and generations is not None:
                why = "The last attempt failed; it is tried again."
                jobs.note_failure(conn, JOB, generation=generations.wanted_generation, why=why)
    except Unavailable:
        logger().warning("albums.lease_not_released")


def _build(user_id: UUID, token: UUID, remaining: Callable[[], float]) -> bool:
    """One pass. Whether everything wanted is built, and the lease released; False to start again.

    Raises ``_OutOfTime``, ``_LeaseLost``.
    """
    _check_time(remaining)
    with db.transaction(user_id) as conn:
        stored = _read(conn)
    if stored is None:
        return True
    generation = stored.generations.wanted_generation
    _progress(user_id, generation, 1)
    who = regrouping.regroup(stored.known, lambda model: regrouping.Stored(user_id, model))
    people_change = regrouping.difference(stored.known, who)
    _check_time(remaining)
    _progress(user_id, generation, 2)
    estimates = locations.changes(stored.located)
    photos = _estimated(stored.photos, estimates)
    arranged = _photos(photos, stored.known, who)
    drafts = drafting.draft(arranged, _people(who))
    change = difference(
        stored.albums,
        stored.members,
        drafts,
        chosen=stored.chosen,
        photos={photo.id: photo for photo in arranged} if stored.chosen else {},
    )
    _check_time(remaining)
    _progress(user_id, generation, 3)
    failpoints.reach("albums.before-write")
    try:
        complete = _commit(
            user_id, token, stored.generations, people_change=people_change, estimates=estimates, change=change
        )
    except _Fenced:
        with db.transaction(user_id) as conn:
            if not rebuilds.is_held(conn, token):
                raise _LeaseLost from None
        logger().info("albums.edited_meanwhile")
        return False
    failpoints.reach("albums.committed")
    logger().info(
        "albums.built",
        extra={
            "photos": len(stored.photos),
            "persons": len(who.persons),
            "albums": len(drafts),
            "estimated": len(estimates),
            "new": len(change.new),
            "changed": len(change.changed),
            "gone": len(change.gone),
        },
    )
    count("AlbumsBuilt")
    return complete


def _commit(
    user_id: UUID,
    token: UUID,
    read: Generations,
    *,
    people_change: regrouping.Difference,
    estimates: list[locations.Change],
    change: Difference,
) -> bool:
    """Write everything or nothing. Whether no more is wanted, and the lease released. Raises ``_Fenced``."""
    with db.transaction(user_id) as conn:
        revision = None
        if people_change or estimates or change:
            revision = users.next_revision(conn)
            regrouping.write(conn, people_change, revision=revision)
            locations.write(conn, estimates, revision=revision)
            _write(conn, change, revision=revision)
        smart_albums.refresh(conn, revision=revision)
        _fence(conn, token, read)
        jobs.finish(conn, JOB, generation=read.wanted_generation)
        complete = not rebuilds.is_due(conn)
        if complete:
            rebuilds.release(conn, token)
    return complete


def _fence(conn: Connection, token: UUID, read: Generations) -> None:
    if not rebuilds.mark_built(conn, token, read):
        raise _Fenced


class _Fenced(Exception):
    """The write was refused: the lease is lost, or the person edited something since the data was read."""


def _check_time(remaining: Callable[[], float]) -> None:
    if remaining() < LEAST_SECONDS:
        raise _OutOfTime


def _progress(user_id: UUID, generation: int, done: int) -> None:
    with db.transaction(user_id) as conn:
        jobs.progress(conn, JOB, generation=generation, done=done, total=STAGES)


def _read(conn: Connection) -> _Stored | None:
    """The generations come first: what changes after them asks for another pass."""
    generations = rebuilds.generations(conn)
    if generations is None:
        return None
    return _Stored(
        generations=generations,
        known=regrouping.read(conn),
        photos=automatic_albums.photos(conn),
        located=locations.read(conn),
        albums=automatic_albums.stored(conn),
        members=automatic_albums.members(conn),
        chosen=album_choices.of_all(conn),
    )


# ---- what drafting is given --------------------------------------------------------------------------------------


def _estimated(photos: list[Arranged], estimates: list[locations.Change]) -> list[Arranged]:
    """The photos as they will be with these changes of estimated places."""
    wanted = {change.image_id: change.estimate for change in estimates}
    return [_placed(photo, wanted[photo.id]) if photo.id in wanted else photo for photo in photos]


def _placed(photo: Arranged, estimate: Estimate | None) -> Arranged:
    names = estimate.names if estimate else Names()
    return replace(
        photo,
        lat=estimate.lat if estimate else None,
        lon=estimate.lon if estimate else None,
        location_source=locations.ESTIMATED if estimate else None,
        country_code=names.country_code,
        country=names.country,
        region=names.region,
        city=names.city,
    )


def _photos(photos: list[Arranged], known: regrouping.Known, who: Who) -> list[drafting.Photo]:
    people_in: dict[UUID, set[UUID]] = defaultdict(set)
    for face in known.faces:
        person = who.person_of.get(face.id)
        if person is not None:
            people_in[face.image_id].add(person)
    return [
        drafting.Photo(
            id=photo.id,
            local=photo.sort_at,
            local_day=photo.local_day,
            lat=photo.lat,
            lon=photo.lon,
            place=(photo.country_code, photo.country or "", photo.region or "", photo.city or "")
            if photo.country_code
            else None,
            people=tuple(sorted(people_in.get(photo.id, ()))),
            place_estimated=photo.location_source == "estimated",
        )
        for photo in photos
    ]


def _people(who: Who) -> list[drafting.Person]:
    """Those who are shown; hidden people have no album."""
    return [
        drafting.Person(person.id, person.name) for person in who.persons if not person.hidden and person.image_count
    ]


# ---- the difference ----------------------------------------------------------------------------------------------


def difference(
    stored: list[Automatic],
    members: list[tuple[UUID, UUID, str, bool]],
    drafts: list[Draft],
    *,
    chosen: Mapping[UUID, Chosen] = MappingProxyType({}),
    photos: Mapping[UUID, drafting.Photo] = MappingProxyType({}),
) -> Difference:
    """From the stored automatic albums to the drafts. Pure but for the ids of new albums.

    Photos in the trash stay members. An album that a person edited or deleted stays as an empty row while any of its
    photos is in the trash; a deleted one stays for good, so that it does not come back, and so does one that all photos
    were taken out of. ``chosen``: by album, what the person put in and took out; ``photos``: those of the drafts.
    """
    live: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    trashed: dict[UUID, set[UUID]] = defaultdict(set)
    for album_id, image_id, why, in_trash in members:
        if in_trash:
            trashed[album_id].add(image_id)
        else:
            live[album_id][image_id] = why
    by_id = {album.id: album for album in stored}
    # An album is recognised by what its rule made it of.
    ruled = {album: (live[album].keys() - said.put_in) | said.taken_out for album, said in chosen.items()}
    existing = [drafting.Existing(a.id, a.kind, a.key, frozenset(ruled.get(a.id, live[a.id]))) for a in stored]
    matched = drafting.match(existing, drafts)

    new: list[tuple[UUID, Draft]] = []
    changed: list[tuple[Automatic, Draft]] = []
    added: list[tuple[UUID, UUID, str]] = []
    removed: list[tuple[UUID, UUID]] = []
    emptied: list[UUID] = []
    for ruling in drafts:
        album_id = matched.get(ruling.key) or ids.new()
        draft = choosing.applied(ruling, chosen[album_id], photos) if album_id in chosen else ruling
        if draft is None:
            removed += [(album_id, image) for image in live[album_id]]
            emptied += [album_id] if by_id[album_id].image_count else []
            continue
        if album_id not in by_id:
            new.append((album_id, draft))
        elif not _is_stored(draft, by_id[album_id]):
            changed.append((by_id[album_id], draft))
        wanted = {member.image_id: member.why for member in draft.members}
        have = live.get(album_id, {})
        added += [
            (album_id, image, json.dumps(why))
            for image, why in wanted.items()
            if image not in have or _parsed(have[image]) != why
        ]
        removed += [(album_id, image) for image in have if image not in wanted]

    continued, keys = set(matched.values()), {(draft.kind, draft.key) for draft in drafts}
    gone = []
    for album in stored:
        if album.id in continued:
            continue
        edited = album.title_edited or album.cover_edited or album.id in chosen
        stays = album.deleted or (edited and album.id in trashed)
        if stays and (album.kind, album.key) not in keys:
            removed += [(album.id, image) for image in live[album.id]]
            if album.image_count:
                emptied.append(album.id)
        else:
            gone.append(album)
    return Difference(tuple(new), tuple(changed), tuple(emptied), tuple(gone), tuple(added), tuple(removed))


@lru_cache(maxsize=65536)
def _parsed(why: str | None) -> Any:
    return json.loads(why) if why is not None else None


def _plain(value: Mapping[str, Any]) -> Any:
    """As it comes back from the database: tuples are lists there."""
    return json.loads(json.dumps(value))


def _is_stored(draft: Draft, album: Automatic) -> bool:
    return (
        album.key == draft.key
        and (album.title_edited or album.title == draft.title)
        and (album.cover_edited or album.cover_image_id == draft.cover)
        and (album.first_day, album.last_day, album.image_count)
        == (draft.first_day, draft.last_day, len(draft.members))
        and album.why == _plain(draft.why)
    )


# ---- writing -----------------------------------------------------------------------------------------------------


def _write(conn: Connection, change: Difference, *, revision: int) -> None:
    """Photos may have gone for good since the data was read: what names them is left out. The person's lock is held, so
    none goes meanwhile."""
    automatic_albums.remove(conn, [album.id for album in change.gone])
    tombstones.add(conn, "album", [album.id for album in change.gone if not album.deleted], revision=revision)
    automatic_albums.empty(conn, change.emptied, revision=revision)
    automatic_albums.write(
        conn,
        new=[(album_id, _row(draft)) for album_id, draft in change.new],
        changed=[(album.id, _row(draft)) for album, draft in change.changed],
        revision=revision,
    )
    automatic_albums.write_members(conn, added=change.added, removed=change.removed)
    if change.new:
        activity.record(conn, "albums-built", albums=len(change.new))


def _row(draft: Draft) -> Drafted:
    return Drafted(
        kind=draft.kind,
        key=draft.key,
        title=draft.title,
        cover_image_id=draft.cover,
        why=json.dumps(draft.why),
        first_day=draft.first_day,
        last_day=draft.last_day,
        image_count=len(draft.members),
    )
