"""Automatic albums: how well trips and events are found, and what they cost.

Run: python tests/benchmarks/bench_albums.py [--cost]. Lives with known truth (tests/lives.py) are drawn from seeds on
which nothing was tuned; each is parted by the rules and by the usual baseline. For trips that is a fixed gap of 36
hours, with as many photos and days as the rules ask for; for events the fixed gap that is best on these very libraries,
of half an hour to eight, with as many photos. Boundary F1 (within 3 hours for trips, half an hour for events) and
pairwise F1, each over all seeds together. Then the CPU seconds and the memory of 10,000 and 100,000 photos.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "shared"))
sys.path.insert(0, str(ROOT))

from tests.lives import LIVES, Life  # noqa: E402
from tests.scores import Score, boundaries, pairs  # noqa: E402

from photovault.drafting import draft  # noqa: E402
from photovault.drafts import Draft, Parameters, Photo  # noqa: E402

HELD_OUT = range(1001, 1009)
RULES = Parameters()
Labels = Mapping[UUID, str]
TOLERANCE = {"trip": 3.0, "event": 0.5}  # hours
EVENT_GAPS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)


def labels(drafts: Sequence[Draft], kind: str) -> Labels:
    return {member.image_id: made.key for made in drafts if made.kind == kind for member in made.members}


def fixed_gap(photos: Sequence[Photo], hours: float, *, photos_least: int, days_least: int) -> Labels:
    """The baseline: a gap of so many hours begins another segment."""
    ordered = sorted(photos, key=lambda photo: (photo.local, photo.id))
    cuts = [n for n, (a, b) in enumerate(pairwise(ordered), start=1) if b.local - a.local > timedelta(hours=hours)]
    found = {}
    for first, stop in pairwise([0, *cuts, len(ordered)]):
        inside = ordered[first:stop]
        if len(inside) >= photos_least and len({photo.local_day for photo in inside}) >= days_least:
            found |= {photo.id: str(first) for photo in inside}
    return found


def measure(life: Life, kind: str, found: Labels) -> tuple[Score, Score]:
    true = life.trips if kind == "trip" else life.events
    return boundaries(life.photos, found, true, hours=TOLERANCE[kind]), pairs(found, true)


def quality(seeds: Sequence[int]) -> None:
    totals: dict[str, list[Score]] = {}
    print(f"{'':<16}{'photos':>8}  trips: rules b/p    36 h gap b/p    events: rules b/p    best fixed gap b/p")
    for name, live in LIVES.items():
        lives = [live(seed) for seed in seeds]
        drafted = [draft(life.photos, life.people) for life in lives]
        gap = max(EVENT_GAPS, key=lambda hours: events_by_gap(lives, hours)[0].f1)
        parts = {
            "trips": sums(
                measure(life, "trip", labels(made, "trip")) for life, made in zip(lives, drafted, strict=True)
            ),
            "36 h": sums(
                measure(life, "trip", fixed_gap(life.photos, 36, photos_least=RULES.trip_photos, days_least=2))
                for life in lives
            ),
            "events": sums(
                measure(life, "event", labels(made, "event")) for life, made in zip(lives, drafted, strict=True)
            ),
            "fixed": events_by_gap(lives, gap),
        }
        for part, scores in parts.items():
            totals[part] = [a + b for a, b in zip(totals.get(part, [Score(), Score()]), scores, strict=True)]
        count = sum(len(life.photos) for life in lives) // len(lives)
        print(f"{name:<16}{count:>8,}  " + "".join(f"{told(scores):<20}" for scores in parts.values()) + f"{gap:g} h")
    print(f"{'all':<26}" + "".join(f"{told(scores):<20}" for scores in totals.values()))


def events_by_gap(lives: Sequence[Life], hours: float) -> list[Score]:
    return sums(
        measure(life, "event", fixed_gap(life.photos, hours, photos_least=RULES.event_photos, days_least=1))
        for life in lives
    )


def sums(scores: Iterable[tuple[Score, Score]]) -> list[Score]:
    total = [Score(), Score()]
    for each in scores:
        total = [a + b for a, b in zip(total, each, strict=True)]
    return total


def told(scores: Sequence[Score]) -> str:
    return f"{scores[0].f1:.3f} / {scores[1].f1:.3f}"


# ---- cost ------------------------------------------------------------------------------------------------------------


def library(count: int) -> list[Photo]:
    """A life, again and again two years later, until there are so many photos."""
    lives = [live(seed) for seed in range(3) for name, live in LIVES.items() if name not in {"nomad", "no positions"}]
    photos: list[Photo] = []
    for n, life in enumerate(lives * 20):
        shift = timedelta(days=731 * n)
        photos += [
            replace(photo, id=UUID(int=n << 112 | photo.id.int >> 16), local=photo.local + shift,
                    local_day=photo.local_day + shift)
            for photo in life.photos
        ]  # fmt: skip
        if len(photos) >= count:
            break
    return photos[:count]


def cost() -> None:
    spent: dict[str, float] = {}
    builders: dict[str, Callable[[], list[Photo]]] = {
        "10,000 photos": lambda: library(10_000),
        "100,000 photos": lambda: library(100_000),
        "100,000 in a second": lambda: [replace(p, local=START, local_day=START.date()) for p in library(100_000)],
    }
    for name, build in builders.items():
        photos = build()
        rounds = []
        for _ in range(15 if len(photos) < 50_000 else 4):
            began = time.process_time()
            made = draft(photos)
            rounds.append(time.process_time() - began)
        spent[name] = min(rounds)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:<22} {spent[name]:6.2f} CPU s  {len(made):>6,} albums, this process so far {most:.0f} MiB")
    print(f"100,000 cost {spent['100,000 photos'] / spent['10,000 photos']:.1f} times what 10,000 do")


START = library(1)[0].local


def main() -> None:
    if "--cost" not in sys.argv:
        quality([int(seed) for seed in sys.argv[1:]] or HELD_OUT)
    if len(sys.argv) == 1 or "--cost" in sys.argv:
        cost()


if __name__ == "__main__":
    main()
