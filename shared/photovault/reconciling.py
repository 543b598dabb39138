"""From the automatic albums that are stored to those drafted now: which go on, which are new, which go. Pure.

The rules, in this order:

1. Albums of places, dates and people go on by their key, for good. One that was deleted is not made again.
2. Trips and events are one family: with another place or another photo one may become the other. An album goes on in
   the draft it shares at least half of all photos of both with (Jaccard), the greatest share first.
3. Of what is left, an album goes on in the draft it shares most photos with, if these are at least half of the album
   or half of the draft: a trip that grew by many photos at once, or the largest part of one that fell apart.
4. Ties go to an album that the person edited, then to one that is there now, then to one of the same kind.
5. A draft that is left is not made when at least half of its photos were in deleted trips and events. So a deleted trip
   stays away with a few more photos or in parts, but one that ten photos of two hundred were deleted with is another.
6. An album that no draft goes on from disappears; its row goes too, unless it keeps something that the person said
   (a title, a description, a cover, single photos, a link) or photos in the trash. Such a row, and that of a deleted
   album, remembers its photos (``past``) and is recognised by them when they are together again.
7. A trip or an event that was restored and that no draft goes on from, because a longer trip has its photos now, is
   kept with them as an album made by hand: whoever takes an album back wants to have it.

A deleted album is what the person saw when deleting it: later photos do not make it grow. So nothing depends on how
uploads fell into batches, but the ids, which follow rules 2 and 3 step by step.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

from photovault.drafts import Draft, Kind, Member

RUNS = frozenset({"trip", "event"})
SHARE = 0.5


@dataclass(frozen=True)
class Album:
    """An automatic album as it is stored.

    ``deleted``: the person does not want it. ``kept``: something that the person said is bound to it. ``occupied``:
    there are photos in it that are not in the trash; ``trashed``: there are some that are. ``restored``: the person
    has taken it back, a trip or an event since the last rebuild. ``past``: of a trip or an
    event that is not there now, its photos. ``fingerprint``: of what the last rebuild wrote, None when in doubt.
    """

    id: UUID
    kind: Kind
    key: str
    title: str
    title_edited: bool
    cover_image_id: UUID | None
    cover_edited: bool
    first_day: date | None
    last_day: date | None
    image_count: int
    deleted: bool
    kept: bool
    occupied: bool
    trashed: bool
    past: Sequence[UUID] | None
    fingerprint: bytes | None
    restored: bool = False

    @property
    def there(self) -> bool:
        return not self.deleted and self.past is None


@dataclass(frozen=True)
class Members:
    """The photos of a stored album: each with why it is in (JSON), and those of them in the trash; the album's why."""

    why: str | None
    reasons: Mapping[UUID, str | None]
    trashed: AbstractSet[UUID]


NOTHING = Members(None, {}, frozenset())


@dataclass(frozen=True)
class Packed:
    """A draft as it is stored: ``why`` and the distinct ``reasons`` are JSON, ``which`` says of each photo its reason.

    ``fingerprint``: equal for equal photos with equal reasons in equal order, and an equal reason for the whole.
    """

    draft: Draft
    why: str
    reasons: tuple[str, ...]
    which: Sequence[int]
    fingerprint: bytes

    def told(self) -> Iterator[tuple[UUID, str]]:
        """The photos, each with its reason."""
        for member, number in zip(self.draft.members, self.which, strict=True):
            yield member.image_id, self.reasons[number]


@dataclass(frozen=True)
class Change:
    """An album to write: whether its row is new or another, photos to put in, with their reasons, and to take out."""

    album_id: UUID
    packed: Packed
    new: bool = False
    row: bool = False
    added: tuple[tuple[UUID, str], ...] = ()
    removed: tuple[UUID, ...] = ()

    @property
    def told(self) -> bool:
        """Whether there is anything that somebody could see."""
        return bool(self.new or self.row or self.added or self.removed)

    @property
    def size(self) -> int:
        return len(self.added) + len(self.removed)


@dataclass(frozen=True)
class Retired:
    """A row that stays without its album; ``seen``: whether it was there until now."""

    album_id: UUID
    key: str
    past: tuple[UUID, ...] | None
    deleted: bool
    seen: bool


@dataclass(frozen=True)
class Plan:
    """``goes_on``: by a draft's key, the album that goes on in it; ``unwanted``: keys of drafts that are not to be;
    ``by_hand``: albums that are to be kept as they are."""

    gone: tuple[Album, ...]
    retired: tuple[Retired, ...]
    goes_on: Mapping[str, Album]
    unwanted: AbstractSet[str]
    by_hand: tuple[Album, ...] = ()


class Packer:
    """Packs drafts; one for all of a library, because many reasons are alike."""

    def __init__(self) -> None:
        self._texts: dict[Any, str] = {}

    def pack(self, draft: Draft) -> Packed:
        numbers: dict[str, int] = {}
        of_object: dict[int, int] = {}
        which = []
        for member in draft.members:
            number = of_object.get(id(member.why))
            if number is None:
                number = of_object[id(member.why)] = numbers.setdefault(self._text(member), len(numbers))
            which.append(number)
        why, reasons = _text(draft.why), tuple(numbers)
        digest = blake2b(json.dumps([why, reasons, which if len(reasons) > 1 else None]).encode(), digest_size=16)
        digest.update(b"".join([member.image_id.bytes for member in draft.members]))
        return Packed(draft, why, reasons, which, digest.digest())

    def _text(self, member: Member) -> str:
        items = tuple(member.why.items())
        try:
            known = self._texts.get(items)
        except TypeError:  # there is a list in it
            return _text(member.why)
        if known is None:
            known = self._texts[items] = _text(member.why)
        return known


def _text(why: Mapping[str, Any]) -> str:
    return json.dumps(why, sort_keys=True)


def settled(albums: Iterable[Album], drafts: Iterable[Packed]) -> dict[str, Album]:
    """The drafts whose album is as it was, by their key: of these no photos have to be read."""
    by_key = {(album.kind, album.key): album for album in albums if album.there and album.fingerprint is not None}
    found = {}
    for packed in drafts:
        album = by_key.get((packed.draft.kind, packed.draft.key))
        if album is not None and album.fingerprint == packed.fingerprint:
            found[packed.draft.key] = album
    return found


def to_read(albums: Iterable[Album], unchanged: Mapping[str, Album]) -> list[Album]:
    """The trips and events whose photos have to be known to ``recognise`` albums."""
    same = {album.id for album in unchanged.values()}
    return [album for album in albums if album.kind in RUNS and album.past is None and album.id not in same]


def recognise(
    albums: Sequence[Album],
    drafts: Sequence[Draft],
    photos_of: Mapping[UUID, AbstractSet[UUID]],
    unchanged: Mapping[str, Album],
) -> Plan:
    """What becomes of the stored albums. ``photos_of``: of those ``to_read``, trash included; ``unchanged`` as from
    ``settled``."""
    goes_on = dict(unchanged)
    unwanted: set[str] = set()
    by_key = {(album.kind, album.key): album for album in albums if album.kind not in RUNS}
    for draft in drafts:
        album = by_key.get((draft.kind, draft.key))
        if album is not None and album.deleted:
            unwanted.add(draft.key)
        elif album is not None:
            goes_on[draft.key] = album

    same = {album.id for album in unchanged.values()}
    runs = [album for album in albums if album.kind in RUNS and album.id not in same]
    had = {
        album.id: frozenset(album.past) if album.past is not None else photos_of.get(album.id, frozenset())
        for album in runs
    }
    loose = [draft for draft in drafts if draft.kind in RUNS and draft.key not in unchanged]
    goes_on |= _match([album for album in runs if not album.deleted], had, loose)
    deleted = frozenset[UUID]().union(*(had[album.id] for album in runs if album.deleted))
    for draft in loose:
        shared = sum(member.image_id in deleted for member in draft.members) if deleted else 0
        if draft.key not in goes_on and deleted and shared >= SHARE * len(draft.members):
            unwanted.add(draft.key)

    claimed = {album.id for album in goes_on.values()}
    by_hand = [one for one in runs if one.restored and one.occupied and not one.deleted and one.id not in claimed]
    claimed.update(album.id for album in by_hand)
    left = [album for album in albums if album.id not in claimed]
    stays = [album for album in left if album.deleted or album.kept or album.trashed]
    return Plan(
        gone=tuple(album for album in left if not (album.deleted or album.kept or album.trashed)),
        retired=tuple(_retired(album, had.get(album.id, frozenset())) for album in stays if not _is_retired(album)),
        goes_on=goes_on,
        unwanted=unwanted,
        by_hand=tuple(by_hand),
    )


def _is_retired(album: Album) -> bool:
    return not (album.occupied or album.image_count or (album.kind in RUNS and album.past is None))


def _retired(album: Album, had: AbstractSet[UUID]) -> Retired:
    """Keys of trips and events are free for others; a photo that came back from the trash is remembered too."""
    run = album.kind in RUNS
    return Retired(
        album_id=album.id,
        key=f"past:{album.id}" if run else album.key,
        past=tuple(sorted(had)) if run else None,
        deleted=album.deleted,
        seen=not album.deleted and album.image_count > 0,
    )


def _match(albums: Iterable[Album], had: Mapping[UUID, AbstractSet[UUID]], drafts: Iterable[Draft]) -> dict[str, Album]:
    """Rules 2 to 4."""
    by_id = {album.id: album for album in albums}
    owners: dict[UUID, list[UUID]] = defaultdict(list)
    for album_id in by_id:
        for image_id in had[album_id]:
            owners[image_id].append(album_id)
    close: list[tuple[float, tuple[bool, bool, bool, UUID, str]]] = []
    parts: list[tuple[float, tuple[bool, bool, bool, UUID, str]]] = []
    for draft in drafts:
        shared = Counter(album_id for member in draft.members for album_id in owners.get(member.image_id, ()))
        for album_id, count in shared.items():
            album, a, b = by_id[album_id], len(had[album_id]), len(draft.members)
            preference = (not album.kept, not album.there, album.kind != draft.kind, album_id, draft.key)
            if count / (a + b - count) >= SHARE:
                close.append((-count / (a + b - count), preference))
            elif count >= SHARE * min(a, b):
                parts.append((-count, preference))
    found: dict[str, Album] = {}
    taken: set[UUID] = set()
    for pairs in (close, parts):
        for _, (*_, album_id, key) in sorted(pairs):
            if key not in found and album_id not in taken:
                found[key] = by_id[album_id]
                taken.add(album_id)
    return found


def changes(
    drafts: Iterable[Packed],
    plan: Plan,
    *,
    members: Callable[[UUID], Members],
    new_id: Callable[[], UUID],
) -> Iterator[Change]:
    """What has to be written, album by album. ``members`` is asked for those that go on and are not as they were."""
    for packed in drafts:
        draft = packed.draft
        if draft.key in plan.unwanted:
            continue
        album = plan.goes_on.get(draft.key)
        if album is None:
            yield Change(new_id(), packed, new=True, row=True, added=tuple(packed.told()))
            continue
        if album.fingerprint == packed.fingerprint:
            if not _is_row_stored(draft, album):
                yield Change(album.id, packed, row=True)
            continue
        yield _compared(album, packed, members(album.id))


def _compared(album: Album, packed: Packed, stored: Members) -> Change:
    have = {image: _canonical(why) for image, why in stored.reasons.items() if image not in stored.trashed}
    wanted = dict(packed.told())
    return Change(
        album.id,
        packed,
        row=not _is_row_stored(packed.draft, album) or _canonical(stored.why) != packed.why,
        added=tuple((image, why) for image, why in wanted.items() if have.get(image) != why),
        removed=tuple(image for image in have if image not in wanted),
    )


@lru_cache(maxsize=65_536)
def _canonical(text: str | None) -> str | None:
    """JSON as ``Packer`` writes it."""
    return None if text is None else json.dumps(json.loads(text), sort_keys=True)


def _is_row_stored(draft: Draft, album: Album) -> bool:
    return (
        (album.kind, album.key) == (draft.kind, draft.key)
        and (album.title_edited or album.title == draft.title)
        and (album.cover_edited or album.cover_image_id == draft.cover)
        and album.past is None
        and (album.first_day, album.last_day, album.image_count)
        == (draft.first_day, draft.last_day, len(draft.members))
    )


def batches(planned: Iterable[Change], most: int) -> Iterator[list[Change]]:
    """Changes of at most so many photos together; an album is never divided."""
    batch: list[Change] = []
    size = 0
    for change in planned:
        if batch and size + change.size > most:
            yield batch
            batch, size = [], 0
        batch.append(change)
        size += change.size
    if batch:
        yield batch
