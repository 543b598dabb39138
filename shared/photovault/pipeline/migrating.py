"""Moving a whole vault, or a kind of its blobs, to another driver while it is in use.

Nothing is kept about a migration but the rows themselves: what names another driver is still to be moved. So it can be
killed anywhere and begun again, and uploads may go on: the table is walked until a walk finds nothing new to move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from photovault import blobs, db, storage
from photovault.blobs import Record
from photovault.errors import StorageUnavailable
from photovault.pipeline import moving, walking
from photovault.pipeline.moving import Outcome
from photovault.pipeline.walking import Place
from photovault.storage import placing

# One that could not be moved for a storage that was away is tried in each walk again, so often and no more.
MOST_WALKS = 5
# So many of them in a row, and the storage is away for longer: the rest is for another run.
AWAY_AFTER = 20
_WHY = {
    Outcome.TAMPERED: "Its bytes are not those that were sealed; see `photovault storage check --repair`.",
    Outcome.LOST: "Its file is missing; see `photovault storage check --repair`.",
}


@dataclass(frozen=True)
class Chosen:
    """Which blobs to move: to a driver, from one or from all others, of one kind ("original", "face", ...) or all."""

    to: str
    source: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Step:
    """A blob that was moved, or one that could not be: then ``why`` is a sentence. Neither, when it has gone."""

    record: Record
    moved: bool = False
    why: str = ""


def count(chosen: Chosen) -> tuple[int, int]:
    """How many blobs are still to be moved, and their bytes."""
    with db.maintenance() as conn:
        return blobs.count(conn, after=walking.FIRST, driver=chosen.source, elsewhere_than=chosen.to, kind=chosen.kind)


def check_drivers(chosen: Chosen) -> None:
    """Raises ``Misconfigured`` when a driver that blobs would be moved from or to lacks its settings."""
    with db.maintenance() as conn:
        named = {total.driver for total in blobs.totals(conn) if total.blobs}
    for driver in {chosen.to} | (named if chosen.source is None else {chosen.source}):
        storage.driver(driver)


def placed_elsewhere(chosen: Chosen, kinds: tuple[str, ...]) -> dict[str, str]:
    """The kinds among those moved whose new blobs the settings place on another driver, and which."""
    homes = {kind: placing.home(kind) for kind in kinds if chosen.kind in {None, kind}}
    return {kind: driver for kind, driver in homes.items() if driver != chosen.to}


def migrate(chosen: Chosen, *, jobs: int = 4) -> Generator[Step, None, None]:
    """Move one blob after the other, ``jobs`` at a time, until a walk over the rows finds nothing more to move.

    Safe to break off anywhere. Raises ``StorageUnavailable`` when a storage stays away, and ``Unavailable`` when the
    database is.
    """
    given_up: set[Place] = set()  # reported once, and not tried again
    waiting: dict[Place, Step] = {}
    for _ in range(MOST_WALKS):
        before, waiting, moved = waiting, {}, 0
        in_a_row = 0
        for step, again in _walk(chosen, jobs, given_up):
            place = walking.place_of(step.record)
            if not step.why:
                moved, in_a_row = moved + step.moved, 0
                yield step
            elif again:
                waiting[place] = step
                in_a_row += 1
                if in_a_row == AWAY_AFTER:
                    raise StorageUnavailable(f"{step.why} Nothing is lost by that: run the same again when it is back.")
            else:
                given_up.add(place)
                yield step
        if not moved and not (waiting and waiting.keys() != before.keys()):
            break
    yield from waiting.values()


def _walk(chosen: Chosen, jobs: int, skipped: set[Place]) -> Iterator[tuple[Step, bool]]:
    """Steps in the order of the rows, and for what could not be moved whether trying again may help."""
    rows = partial(blobs.walk, driver=chosen.source, elsewhere_than=chosen.to, kind=chosen.kind)
    running: deque[Future[tuple[Step, bool]]] = deque()
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="migrate")
    try:
        for record in walking.records(rows):
            if walking.place_of(record) in skipped:
                continue
            running.append(pool.submit(_move, record, chosen.to))
            if len(running) >= 2 * jobs:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # a move that was begun is ended


def _move(record: Record, to: str) -> tuple[Step, bool]:
    try:
        outcome = moving.move(record.user_id, record.image_id, record.name, to=to)
    except StorageUnavailable as error:
        return Step(record, why=error.detail), True
    return Step(record, outcome is Outcome.MOVED, _WHY.get(outcome, "")), False
