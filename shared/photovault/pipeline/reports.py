"""What a run of maintenance did, and what it could not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from photovault.errors import Unavailable
from photovault.observability import logger


@dataclass
class Report:
    """What a run did, for its log line: numbers of things, but for the age of the oldest upload.

    Of uploads there are ``staged`` ones, ``sealed`` or ``removed`` by the sweep, and ``expired`` that never arrived; of
    photos, ``resent``, ``purged`` and ``refined`` ones, and those ``keyworded`` by what their files say; of files,
    ``orphans`` deleted, and those ``mended`` that a row had looked for; ``retired`` copies deleted; blobs that were
    ``rehomed`` and that are still ``away``; accounts that were ``erased``. ``failures`` are sentences.
    """

    staged: int = 0
    oldest_seconds: float = 0.0
    sealed: int = 0
    removed: int = 0
    resent: int = 0
    expired: int = 0
    purged: int = 0
    orphans: int = 0
    mended: int = 0
    retired: int = 0
    rehomed: int = 0
    away: int = 0
    erased: int = 0
    refined: int = 0
    keyworded: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def noting_failure(report: Report, what: str) -> Iterator[None]:
    """One thing that is broken must not keep the rest from being done."""
    try:
        yield
    except Unavailable as error:  # an outage: what was staged waits, and the metric says so
        report.failures.append(f"{what}: {error.detail}")
    except Exception as error:
        logger().exception("maintenance.failed", extra={"what": what})
        report.failures.append(f"{what}: {type(error).__name__}")
