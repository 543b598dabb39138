"""Checking the vault: is every row's blob where the row says, as it was sealed, and is every stored file a row's?

``rows`` walks the table, ``files`` the storages; both go page by page, in bounded memory, and give what they found in
batches that belong together (a photo's, or a page's). They change nothing: ``mending`` does. A ``Tally`` counts along,
and holds the cursor from which a walk that was interrupted goes on.

Storage that is away is no loss: its blobs are tried again at the end, and are "not checked" if it is still away.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Literal

from photovault import blobs, db, storage
from photovault.blobs import Record
from photovault.errors import BlobMissing, Invalid, Misconfigured, StorageUnavailable
from photovault.observability import logger
from photovault.pipeline import walking
from photovault.pipeline.findings import Finding, Position, Tally, unchecked
from photovault.pipeline.walking import FIRST, Place
from photovault.storage import Stored, placing

# A file younger than this may be about to be named: its worker has stored it and not yet committed.
ORPHAN_AGE = timedelta(hours=24)
PAGE = 500
PIECE = 4 * 1024 * 1024
# Keys are random, so a page of them is a sample of the whole vault. If more than half of so many are named by no row,
# this is the database of another vault, or an old one, and what looks like refuse are photos.
SAMPLE = 20
# A storage that failed so often in a row is away: what lies there is tried once more at the end, not each in turn.
AWAY_AFTER = 20
# So many are remembered for that; of more it is only counted that they were not checked.
MOST_DEFERRED = 1000

Adopt = Callable[[list[Finding]], list[Finding]]
"""What takes files that rows are looking for in vain, and gives them, each with its ``outcome``."""
Told = Callable[[int, int], None]
"""Called with how many blobs, and how many of their bytes, have been looked at since the last call."""


def _untold(blobs: int, read: int) -> None:
    """Nobody wants to know."""


def drivers(only: str | None = None) -> list[str]:
    """Every driver that a setting, a row or a retired copy names, by name; or that one alone."""
    if only is not None:
        return [only]
    with db.maintenance() as conn:
        named = blobs.drivers(conn)
    return sorted({*named, *placing.in_use()})


def walk(
    tally: Tally,
    *,
    now: datetime,
    start: Position,
    quick: bool = False,
    driver: str | None = None,
    jobs: int = 4,
    told: Told = _untold,
    adopt: Adopt | None = None,
) -> Generator[list[Finding], None, None]:
    """All rows, then all files; ``quick`` compares the listings with the rows and reads no blob.

    ``driver`` looks at that one alone, ``jobs`` are the blobs that are read at a time; ``adopt`` as in ``files``.
    Raises ``Unavailable`` when the database is away.
    """
    tally.cursor = start.cursor
    if start.driver is None:
        if not quick:
            yield from rows(tally, start=start, driver=driver, jobs=jobs, told=told)
        if driver is None:
            yield from _unnamed_originals()
    for name in drivers(driver):
        if name >= (start.driver or ""):
            after = start.key if name == start.driver else ""
            yield from files(tally, name, now=now, after=after, compare=quick, told=told, adopt=adopt)


# ------------------------------------------------------------------------------------------------------ row by row


@dataclass(frozen=True)
class _Verdict:
    """What reading a record's blob gave. ``before`` is the row that the walk came from."""

    record: Record
    before: Place
    kind: Literal["sound", "lost", "tampered", "away"]
    detail: str = ""


@dataclass
class _Away:
    """Blobs that could not be read: remembered to be tried again, and counted by driver when that failed too."""

    deferred: list[_Verdict] = field(default_factory=list)
    in_a_row: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    first: Place | None = None

    def given_up(self, driver: str) -> bool:
        return self.in_a_row.get(driver, 0) >= AWAY_AFTER

    def note(self, verdict: _Verdict) -> None:
        driver = verdict.record.driver
        if verdict.kind != "away":
            self.in_a_row[driver] = 0
            return
        self.in_a_row[driver] = self.in_a_row.get(driver, 0) + 1
        self.reasons[driver] = verdict.detail or self.reasons.get(driver, "")
        self.first = self.first or verdict.before  # they come in the order of the rows
        if len(self.deferred) < MOST_DEFERRED:
            self.deferred.append(verdict)
        else:
            self.counts[driver] = self.counts.get(driver, 0) + 1

    def again(self, verify: Callable[[Record, Place], _Verdict]) -> Iterator[_Verdict]:
        """Verdicts on those that can be read by now. Nothing more is asked of a storage that fails again."""
        deferred, self.deferred = self.deferred, []
        failing: set[str] = set()
        still: list[_Verdict] = []
        for late in deferred:
            verdict = late if late.record.driver in failing else verify(late.record, late.before)
            if verdict.kind == "away":
                failing.add(late.record.driver)
                still.append(late)
            else:
                yield verdict
        for late in still:
            self.counts[late.record.driver] = self.counts.get(late.record.driver, 0) + 1
        if still:
            self.first = still[0].before
        elif not self.counts:
            self.first = None

    def findings(self) -> list[Finding]:
        return [unchecked(driver, self.reasons[driver], count=count) for driver, count in sorted(self.counts.items())]


def rows(
    tally: Tally,
    *,
    start: Position,
    driver: str | None = None,
    jobs: int = 4,
    told: Told = _untold,
) -> Iterator[list[Finding]]:
    """Read every blob that a row names, ``jobs`` at a time, and give the findings of one photo after the other.

    The cursor passes a photo when the next batch is asked for, so that a repair may come in between.
    """
    away = _Away()
    batch: list[Finding] = []
    stopped = threading.Event()
    verify = partial(_verified, stopped=stopped)
    tally.cursor = start.cursor
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="check")
    try:
        for verdict in _in_order(pool, verify, _with_before(start.row, driver), away, ahead=4 * jobs):
            record = verdict.record
            if batch and batch[0].image_id != record.image_id:
                yield batch
                batch = []
            if verdict.before[0] != record.image_id:  # it leads to a whole photo, whose findings go together
                tally.cursor = Position(away.first or verdict.before).cursor
            _count(tally, verdict, told)
            away.note(verdict)
            batch += _findings(verdict)
        if batch:
            yield batch
        for verdict in away.again(verify):
            if found := _findings(verdict):
                yield found
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
    if away.counts:
        yield away.findings()
    tally.cursor = Position(away.first).cursor if away.first else None


def _with_before(before: Place, driver: str | None) -> Iterator[tuple[Record, Place]]:
    """Every row, with the one before it."""
    for record in walking.records(partial(blobs.walk, driver=driver), after=before):
        yield record, before
        before = walking.place_of(record)


def _in_order(
    pool: ThreadPoolExecutor,
    verify: Callable[[Record, Place], _Verdict],
    records: Iterator[tuple[Record, Place]],
    away: _Away,
    *,
    ahead: int,
) -> Iterator[_Verdict]:
    """The verdicts in the order of the rows, with so many being worked out ahead."""
    waiting: deque[Future[_Verdict]] = deque()
    for record, before in records:
        if away.given_up(record.driver):
            waiting.append(pool.submit(_Verdict, record, before, "away"))
        else:
            waiting.append(pool.submit(verify, record, before))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _verified(record: Record, before: Place, *, stopped: threading.Event | None = None) -> _Verdict:
    """Read a blob, and again before anything is said against it: its row may have changed, or the reading failed."""
    try:
        kind, detail = read(record, stopped=stopped)
        if kind != "sound":
            with db.maintenance() as conn:
                current = blobs.record(conn, record.image_id, record.name)
            if current is None:  # purged meanwhile
                return _Verdict(record, before, "sound")
            record = current
            kind, detail = read(record, stopped=stopped)
    except (StorageUnavailable, Misconfigured, _Stopped) as error:
        return _Verdict(record, before, "away", str(error))
    return _Verdict(record, before, kind, detail)


def read(record: Record, *, stopped: threading.Event | None = None) -> tuple[Literal["sound", "lost", "tampered"], str]:
    """Hash a blob as it lies there; what is wrong with it, in a sentence.

    Raises ``StorageUnavailable``, ``Misconfigured``.
    """
    try:
        size, sha256 = hashed(record.driver, record.key, at_most=record.size + 1, stopped=stopped)
    except (BlobMissing, Invalid):
        return "lost", "The file is not there."
    if size != record.size:
        return "tampered", _another_size(size, record)
    if sha256 != record.sha256:
        return "tampered", "The file's bytes are not those that were sealed."
    return "sound", ""


def hashed(driver: str, key: str, *, at_most: int, stopped: threading.Event | None = None) -> tuple[int, bytes]:
    """Length in bytes and SHA-256 of a stored file's first ``at_most`` bytes, read in pieces of 4 MiB.

    Raises ``BlobMissing``, ``Invalid``, ``StorageUnavailable``, ``Misconfigured``.
    """
    held = storage.driver(driver)
    digest = hashlib.sha256()
    size = 0
    while size < at_most:
        if stopped is not None and stopped.is_set():
            raise _Stopped
        wanted = min(PIECE, at_most - size)
        piece = held.read(key, size, wanted)
        digest.update(piece)
        size += len(piece)
        if len(piece) < wanted:
            break
    return size, digest.digest()


class _Stopped(Exception):
    """Nobody waits for the rest of the walk any more."""


def _another_size(size: int, record: Record) -> str:
    if size > record.size:
        return f"The file is longer than the {record.size} bytes that were sealed."
    return f"The file has {size} of the {record.size} bytes that were sealed."


def _count(tally: Tally, verdict: _Verdict, told: Told) -> None:
    if verdict.kind == "away":
        return
    read = 0 if verdict.kind == "lost" else verdict.record.size
    tally.blobs += 1
    tally.bytes += read
    told(1, read)


def _findings(verdict: _Verdict) -> list[Finding]:
    """A loss or a change, nothing else. Both are security events, so the log is told as well."""
    record = verdict.record
    if verdict.kind in {"sound", "away"}:
        return []
    finding = Finding(
        kind="lost" if verdict.kind == "lost" else "tampered",
        driver=record.driver,
        detail=verdict.detail,
        key=record.key,
        user_id=record.user_id,
        image_id=record.image_id,
        name=record.name,
        bytes=record.size,
    )
    _log(finding)
    return [finding]


def _log(finding: Finding) -> None:
    logger().error(
        f"blob.{finding.kind}",
        extra={
            "user_id": str(finding.user_id),
            "image_id": str(finding.image_id),
            "blob": finding.name,
            "driver": finding.driver,
            "key": finding.key,
            "why": finding.detail,
        },
    )


def _unnamed_originals() -> Iterator[list[Finding]]:
    """Photos whose original had been sealed, and of which no row says where."""
    with db.maintenance() as conn:
        found = blobs.sealed_without_original(conn, limit=PAGE)
    for user_id, image_id in found:
        finding = Finding(
            "lost",
            driver="",
            detail="No row says where the original lies; restore the database.",
            user_id=user_id,
            image_id=image_id,
            name="original",
        )
        _log(finding)
        yield [finding]


# ----------------------------------------------------------------------------------------------------- file by file


def files(
    tally: Tally,
    name: str,
    *,
    now: datetime,
    after: str = "",
    compare: bool = False,
    told: Told = _untold,
    adopt: Adopt | None = None,
) -> Iterator[list[Finding]]:
    """List a driver's files and give, page by page, those that no row and no retired copy names for a day or more.

    ``compare`` also looks, without reading any, for rows whose file is missing or of another length: a listing of
    1,000 files costs one request. Files that are no blobs of the vault are counted and never touched. A blob that was
    not stored to its end, some of its parts missing, is an orphan like others, or lost if a row names it.

    Where most files are unknown to the database, none is called an orphan. It may be older than a migration, so that
    rows look elsewhere for just these: ``adopt`` is then asked about all of them, and the rest is spared this time.
    """
    rows_cursor = tally.cursor if tally.unchecked else None
    tally.cursor = rows_cursor or Position(driver=name, key=after).cursor
    spared = refused = False
    try:
        driver = storage.driver(name)
        listing = driver.list(after=after)
        while page := list(islice(listing, PAGE)):
            ours = [stored for stored in page if storage.is_new_key(stored.key)]
            tally.files += len(page)
            tally.foreign += len(page) - len(ours)
            last = ours[-1].key if ours else after
            if compare:
                yield from _compared(tally, name, ours, after=after, upto=last, told=told)
            unnamed = nobodys(name, page, now=now)
            spared = spared or unnamed.refusal is not None
            if spared and adopt is not None and (adopted := adopt(unnamed.orphans)):
                yield adopted
                unnamed = nobodys(name, page, now=now)
            tally.young += unnamed.young
            if unnamed.refusal and not refused:
                yield [unnamed.refusal]
                refused = True
            if refused and adopt is None:
                break
            if unnamed.orphans and not spared:
                yield unnamed.orphans
            after = last
            tally.cursor = rows_cursor or Position(driver=name, key=after).cursor
        else:
            if compare:
                yield from _compared(tally, name, [], after=after, upto=None, told=told)
    except (StorageUnavailable, Misconfigured) as error:
        yield [unchecked(name, error.detail)]
        rows_cursor = rows_cursor or Position(driver=name, key=after).cursor
    tally.cursor = rows_cursor


@dataclass(frozen=True)
class Unnamed:
    """Blobs in a page of a listing that no row and no retired copy names: those that are a day old, and how many are
    younger. With a ``refusal``, "unknown-to-the-database", they are too many to be refuse, and none may be deleted."""

    orphans: list[Finding]
    young: int
    refusal: Finding | None = None


def nobodys(driver: str, page: Sequence[Stored], *, now: datetime) -> Unnamed:
    """The one rule of what may be deleted: for ``storage check --repair``, and for maintenance."""
    ours = [stored for stored in page if storage.is_new_key(stored.key)]
    with db.maintenance() as conn:
        unnamed = set(blobs.unreferenced(conn, driver, [stored.key for stored in ours]))
        knows_it = len(unnamed) < len(ours) or driver in blobs.drivers(conn)
    old = [stored for stored in ours if now - stored.modified >= ORPHAN_AGE]
    found = [
        Finding("orphan", driver, "No row names this file.", key=stored.key, bytes=stored.bytes)
        for stored in old
        if stored.key in unnamed
    ]
    young = len(unnamed) - len(found)
    if not found or (knows_it and (len(old) < SAMPLE or 2 * len(found) <= len(old))):
        return Unnamed(found, young)
    logger().error(
        "vault.unknown_to_the_database", extra={"driver": driver, "looked_at": len(old), "unnamed": len(found)}
    )
    refusal = Finding(
        "unknown-to-the-database",
        driver,
        f"Of {len(old)} files in a row the database names {len(old) - len(found)}. This is the database of another "
        "vault, or an old one, or the storage is no longer in use: no file of it is taken for an orphan, and none is "
        "deleted. After a restore of the database `photovault storage check --repair` finds what its rows look for.",
    )
    return Unnamed(found, young, refusal)


def _compared(
    tally: Tally, driver: str, page: Sequence[Stored], *, after: str, upto: str | None, told: Told
) -> Iterator[list[Finding]]:
    """The rows that belong into this stretch of the listing, against it. Where they differ, the blob itself is read."""
    listed = {stored.key: stored.bytes for stored in page}
    with db.maintenance() as conn:
        records = blobs.between(conn, driver, after=after, upto=upto)
    for record in records:
        verdict = _Verdict(record, FIRST, "sound")
        if listed.get(record.key) != record.size:
            verdict = _verified(record, FIRST)
        _count(tally, verdict, told)
        if verdict.kind == "away":
            raise StorageUnavailable(verdict.detail)
        if found := _findings(verdict):
            yield found
