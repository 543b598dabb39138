"""The processes of one execution environment, replaced when they die or their code changes."""

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from . import batches
from .worker import Answer, Call, Lost, Program, Worker

_SCAN_SECONDS = 0.5  # how old a look at the sources may be
_scans: dict[tuple[Path, ...], tuple[float, tuple[int, int]]] = {}


def newest_change(folders: tuple[Path, ...]) -> tuple[int, int]:
    """The latest change among the Python files of `folders` (nanoseconds) and how many there are; 0, 0 without any."""
    now = time.monotonic()
    scanned = _scans.get(folders)
    if scanned and now - scanned[0] < _SCAN_SECONDS:
        return scanned[1]
    latest = count = 0
    for folder in folders:
        for root, below, names in os.walk(folder):
            below[:] = [name for name in below if name != "__pycache__"]
            for name in names:
                if name.endswith((".py", ".sql")):
                    count += 1
                    latest = max(latest, _changed(Path(root, name)))
    _scans[folders] = now, (latest, count)
    return latest, count


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # an editor's file that was there a moment ago
        return 0


class Pool:
    """Runs one function's calls, one after another; only a queue's batch uses more than the first process."""

    def __init__(self, program: Program, *, processes: int, watched: tuple[Path, ...] = ()) -> None:
        self._program = program
        self._watched = watched
        self._workers: list[Worker | None] = [None] * max(1, processes)
        self._stamp = newest_change(watched)
        self._stopped = False

    def start(self) -> None:
        """Starts the first process. Raises Lost when the function cannot be loaded."""
        self._worker(0)

    def invoke(self, call: Call) -> Answer:
        """The function's answer. Raises Lost when its process, or every process of a divided batch, was lost."""
        self._reload()
        events = batches.split(call.payload.decode(), len(self._workers))
        if not events:
            return self._worker(0).invoke(call)
        with ThreadPoolExecutor(len(events)) as threads:
            parts = list(threads.map(lambda item: self._part(item[0], item[1], call), enumerate(events)))
        answer, failed = batches.merge(parts)
        return Answer(answer, is_error=failed)

    def _part(self, slot: int, event: batches.Event, whole: Call) -> batches.Part:
        part = replace(
            whole,
            request_id=whole.request_id if slot == 0 else str(uuid.uuid4()),
            payload=batches.dump(event),
        )
        try:
            answer = self._worker(slot).invoke(part)
        except Lost as lost:
            answer = Answer(lost.document, is_error=True)
        return batches.Part(batches.message_ids(event), answer.body, failed=answer.is_error)

    def _worker(self, slot: int) -> Worker:
        worker = self._workers[slot]
        if worker is None or not worker.alive():
            if worker is not None:
                worker.stop()
                self._workers[slot] = None
            worker = self._workers[slot] = Worker(self._program)
            if self._stopped:  # stopped from another thread while this one started
                worker.stop()
        return worker

    def _reload(self) -> None:
        stamp = newest_change(self._watched) if self._watched else self._stamp
        if stamp != self._stamp:
            self._stamp = stamp
            self._stop_all()

    def stop(self) -> None:
        self._stopped = True
        self._stop_all()

    def _stop_all(self) -> None:
        for slot, worker in enumerate(self._workers):
            if worker is not None:
                worker.stop()
            self._workers[slot] = None
