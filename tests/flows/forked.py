"""Processes that a test may have killed, each begun in a moment: forked from one that has imported everything and has
nothing open, instead of importing it all again."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# What the steps import when they are first run, which would take each of them seconds.
IMPORTED = ["tests.flows.worker", "tests.flows.eraser", "boto3", "cv2", "psycopg_pool", "photovault.vision_cv"]


def exit_status(action: Callable[..., None], *arguments: str, environment: Mapping[str, str], log: Path) -> int:
    """Of a process that runs ``action`` with this environment alone; negative for a signal. What it says goes to
    ``log``."""
    log.touch()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    process = context.Process(target=_run, args=(action, arguments, dict(environment), log), daemon=True)
    process.start()
    process.join()
    status = process.exitcode
    process.close()
    assert status is not None
    return status


def _run(action: Callable[..., None], arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    try:
        action(*arguments)
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
