"""What vision does with files that cannot be trusted, in a process that may die of them.

    python -m tests.bounds < jobs

Reads one JSON job a line, [path, seed]: the file itself where the seed is null, else a mutant of it that the seed
decides. Each goes through ``vision.look`` as the worker calls it, with detectors that see nothing. Writes one JSON line
for each: how it ended, its seconds, and at last the peak of memory. Seconds are of the processor: a busy machine takes
no more. A file that takes ``SECONDS`` or that kills the process is a finding, and the next process goes on behind it;
one that wants ``MEMORY`` meets a MemoryError.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SECONDS = 10
MEMORY = 2**30

Job = tuple[str, int | None]


@dataclass(frozen=True)
class Ending:
    """How one file ended: ``ready`` with type and size, ``rejected`` with its reason, or else a finding."""

    path: str
    seed: int | None
    outcome: str
    detail: str
    seconds: float

    @property
    def terminal(self) -> bool:
        return self.outcome in {"ready", "rejected"} and self.seconds < SECONDS


def endings(jobs: Iterable[Job], *, timeout: float) -> tuple[list[Ending], int]:
    """How each job ended, and the peak of resident memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bounds"],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    *lines, peak = done.stdout.splitlines()
    return [Ending(*json.loads(line)) for line in lines], int(peak)


def mutant(data: bytes, seed: int) -> bytes:
    """A damaged copy: bytes flipped, zeroed, made huge, cut, doubled or moved; mostly near the beginning."""
    rng = random.Random(seed)
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        reach = len(out) if rng.random() < 0.4 else min(len(out), 2048)
        at = rng.randrange(max(1, reach))
        match rng.choice(["flip", "flip", "huge", "zero", "cut", "drop", "double", "splice"]):
            case "flip":
                for _ in range(rng.randint(1, 8)):
                    out[min(len(out) - 1, at + rng.randrange(16))] ^= 1 << rng.randrange(8)
            case "huge":
                out[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff"])
            case "zero":
                out[at : at + 16] = bytes(16)
            case "cut":
                del out[max(64, rng.randrange(len(out))) :]
            case "drop":
                del out[at : at + rng.randint(1, 64)]
            case "double":
                out[at:at] = out[at : at + rng.randint(1, 4096)]
            case "splice":
                start = rng.randrange(len(out))
                out[at : at + 512] = out[start : start + 512]
        if len(out) < 2:
            break
    return bytes(out)


def _look(data: bytes) -> tuple[str, str]:
    from photovault.errors import Rejected
    from photovault.pipeline import vision

    image: Any = SimpleNamespace(filename="photo", created_at=datetime.now(UTC), file_modified=None)
    try:
        found = vision.look(data, image).understood
    except Rejected as refusal:
        return "rejected", refusal.reason
    except Exception as error:  # what a worker would meet: a finding
        return "raised", repr(error)
    return "ready", f"{found.content_type} {found.width}x{found.height}"


def _see_nothing() -> None:
    """Detectors without models: what they cost does not depend on the file."""
    from photovault import labels
    from photovault.pipeline import vision

    stub: Any = SimpleNamespace(find=lambda pixels: [], look=lambda pixels: labels.Seen(), model=None)
    vision.face_finder.provider = lambda: stub
    vision.labels.provider = lambda: stub


def _work(jobs: list[Job], write: int) -> None:
    base = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + MEMORY, base + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path, seed in jobs:
        data = Path(path).read_bytes()
        data = data if seed is None else mutant(data, seed)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its default action ends the process, wherever it is
        signal.setitimer(signal.ITIMER_REAL, 12 * SECONDS)  # of what waits and does nothing
        start = time.process_time()
        outcome, detail = _look(data)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        line = json.dumps([path, seed, outcome, detail, round(time.process_time() - start, 3)])
        os.write(write, line.encode() + b"\n")


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # log lines are no answers
    jobs: list[Job] = [tuple(json.loads(line)) for line in sys.stdin]
    _see_nothing()
    _look(b"\xff\xd8\xff")
    peak = at = 0
    while at < len(jobs):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _work(jobs[at:], write)
                code = 0
            finally:
                os._exit(code)
        os.close(write)
        with os.fdopen(read) as lines:
            for line in lines:
                out.write(line)
                at += 1
        _, status, usage = os.wait4(child, 0)
        peak = max(peak, usage.ru_maxrss * 1024)
        if status and at < len(jobs):
            path, seed = jobs[at]
            ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
            out.write(json.dumps([path, seed, "died", ended, float(SECONDS)]) + "\n")
            at += 1
    out.write(f"{peak}\n")
    out.close()


if __name__ == "__main__":
    main()
