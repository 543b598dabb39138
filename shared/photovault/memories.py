"""Memories: the best photos of this day, or of the days around it, in earlier years. Pure and deterministic.

Of each year the photos of the very day are taken ("3 years ago"); where there are none, those of up to three days
before and after ("This week, 3 years ago"). The best are chosen one after the other, each by its own worth less what it
would repeat: no look-alike of one that was chosen, none of the same moment, and rather another hour than more of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

Kind = Literal["on-this-day", "this-week"]

MOST = 10
"""Photos of one memory."""
SAME_MOMENT = timedelta(seconds=10)
"""As of a burst: see ``duplicates.BURST``."""
SAME_HOUR = timedelta(minutes=30)
ALIKE_BITS = 10
"""Perceptual hashes (64 bits) that differ in no more are of pictures that look alike."""
_REACH = timedelta(days=3)
_FLAT = frozenset({0, 1 << 63})  # hashes of pictures of one colour: black; any other
_SMALL = 400_000  # pixels: what messengers and web pages leave of a photo
_NAMED = 3  # people whom a subtitle names


@dataclass(frozen=True)
class Photo:
    """``order`` decides ties and is not the id, which tells the order of upload. ``people`` are those with a name.

    ``best_face`` is the quality of the clearest face, 0 to 1. ``phash`` is unsigned; None without.
    """

    id: UUID
    order: bytes
    local: datetime
    day: date
    filename: str
    content_type: str
    pixels: int
    from_camera: bool
    favourite: bool
    best_face: float
    people: frozenset[UUID]
    phash: int | None
    city: str | None
    country: str | None


@dataclass(frozen=True)
class Memory:
    """``photos`` are in the order in which they were taken; ``cover`` is the best of them.

    ``day`` is the anniversary. ``people`` are those in most of the photos. ``of`` counts what was chosen from.
    """

    kind: Kind
    years: int
    day: date
    photos: tuple[UUID, ...]
    cover: UUID
    people: tuple[UUID, ...]
    place: str | None
    of: int

    @property
    def title(self) -> str:
        ago = "1 year ago" if self.years == 1 else f"{self.years} years ago"
        return ago if self.kind == "on-this-day" else f"This week, {ago}"


def anniversary(today: date, years: int) -> date:
    """That day so many years ago; of 29 February in a common year, the 28th."""
    year = today.year - years
    try:
        return today.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def same_days(today: date, years: int) -> tuple[date, ...]:
    """The days that count as this one: on 28 February of a common year, a leap year's 29th is remembered too."""
    day = anniversary(today, years)
    leap_day_is_lost = (today.month, today.day) == (2, 28) and not _is_leap(today.year)
    return (day, date(day.year, 2, 29)) if leap_day_is_lost and _is_leap(day.year) else (day,)


def days_around(today: date, years: int) -> list[date]:
    """The days of which a memory may have photos, in their order; near New Year they lie in two years."""
    exact = same_days(today, years)
    first, last = exact[0], exact[-1]
    return [
        first + timedelta(days=n)
        for n in range(-_REACH.days, (last - first).days + _REACH.days + 1)
        if first + timedelta(days=n) < today
    ]


def choose(
    photos: Iterable[Photo],
    *,
    today: date,
    alike: Collection[tuple[UUID, UUID]] = (),
    most: int = MOST,
) -> list[Memory]:
    """The memories of a day, the latest year first. ``alike`` are pairs that were found to be copies or bursts.

    Photos of other days, screenshots and the like are left out.
    """
    by_day: dict[date, list[Photo]] = {}
    for photo in photos:
        if photo.day < today and not is_no_memory(photo):
            by_day.setdefault(photo.day, []).append(photo)
    if not by_day:
        return []
    near: dict[UUID, set[UUID]] = {}
    for one, other in alike:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    found = []
    for years in range(1, today.year - min(by_day).year + 2):
        if today.year - years < date.min.year + 1:
            break
        exact = [photo for day in same_days(today, years) for photo in by_day.get(day, ())]
        around = [photo for day in days_around(today, years) for photo in by_day.get(day, ())]
        for kind, candidates in (("on-this-day", exact), ("this-week", around)):
            if candidates:
                found.append(_memory(kind, candidates, years=years, today=today, near=near, most=most))  # type: ignore[arg-type]
                break
    return found


def subtitle(memory: Memory, *, names: Mapping[UUID, str], album: str | None) -> str:
    """What a memory is of, in words: the trip or event, else who and where; empty when nothing is known."""
    if album:
        return album
    people = [names[person] for person in memory.people if person in names][:_NAMED]
    who = " and ".join([", ".join(people[:-1]), people[-1]]) if len(people) > 1 else "".join(people)
    if who and memory.place:
        return f"With {who} in {memory.place}"
    return f"With {who}" if who else memory.place or ""


def is_no_memory(photo: Photo) -> bool:
    """A screenshot, by its name, or as a PNG that no camera made."""
    name = photo.filename.casefold()
    if any(word in name for word in ("screenshot", "screen shot", "bildschirmfoto", "capture d", "captura de")):
        return True
    return photo.content_type == "image/png" and not photo.from_camera


def worth(photo: Photo) -> float:
    """How much a photo is worth being shown again: favourites before people before the rest."""
    return (
        3.0 * photo.favourite
        + photo.best_face
        + 0.5 * min(len(photo.people), 3)
        + 0.5 * photo.from_camera
        - 1.0 * (0 < photo.pixels < _SMALL)
    )


def _memory(
    kind: Kind, candidates: Sequence[Photo], *, years: int, today: date, near: Mapping[UUID, set[UUID]], most: int
) -> Memory:
    chosen = _best(candidates, near=near, most=most)
    people = Counter(person for photo in chosen for person in photo.people)
    return Memory(
        kind=kind,
        years=years,
        day=anniversary(today, years),
        photos=tuple(photo.id for photo in sorted(chosen, key=lambda photo: (photo.local, photo.order))),
        cover=chosen[0].id,
        people=tuple(sorted(people, key=lambda person: (-people[person], person))),
        place=_place(chosen),
        of=len(candidates),
    )


def _best(candidates: Sequence[Photo], *, near: Mapping[UUID, set[UUID]], most: int) -> list[Photo]:
    """Up to so many, the best first; at least one."""
    left = sorted(candidates, key=lambda photo: (-worth(photo), photo.order))
    value = {photo.id: worth(photo) for photo in left}
    chosen: list[Photo] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda photo: value[photo.id])  # of equals the first, which the order decides
        chosen.append(best)
        left = [photo for photo in left if photo is not best and not _repeats(photo, best, near)]
        for photo in left:
            if abs(photo.local - best.local) <= SAME_HOUR:
                value[photo.id] -= 0.3
    return chosen


def _repeats(photo: Photo, other: Photo, near: Mapping[UUID, set[UUID]]) -> bool:
    if abs(photo.local - other.local) <= SAME_MOMENT or other.id in near.get(photo.id, ()):
        return True
    if photo.phash is None or other.phash is None or {photo.phash, other.phash} & _FLAT:
        return False
    return (photo.phash ^ other.phash).bit_count() <= ALIKE_BITS


def _place(chosen: Sequence[Photo]) -> str | None:
    """The city of more than half of the photos, else their country."""
    for places in (Counter(photo.city for photo in chosen), Counter(photo.country for photo in chosen)):
        name, count = max(places.items(), key=lambda entry: (entry[1], entry[0] or ""))
        if name and 2 * count > len(chosen):
            return name
    return None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
