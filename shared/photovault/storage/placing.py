"""Where a new blob goes: its home by the settings, or the fallback while the home is out of reach.

Home is what ``STORAGE_TIERS`` says for that kind of blob, else ``STORAGE_DRIVER``; where that is ``hybrid``, the home
is ``STORAGE_PRIMARY`` and there is a fallback. Only writing falls back: a reader goes to the driver that the row names,
because nothing else is known to hold the blob.

A put that timed out may have been stored all the same. The blob then has a second copy under a key that no row names,
which maintenance removes as an orphan.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from photovault import storage
from photovault.errors import Misconfigured, StorageUnavailable
from photovault.observability import count, logger
from photovault.settings import get_settings

# So many failures in a row, and a driver is left alone for a while instead of being waited for with each blob.
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 30.0


@dataclass(frozen=True)
class Placed:
    """Where a blob was put. ``away``: at the fallback, to be brought home."""

    driver: str
    key: str
    away: bool


class Breaker:
    """Opens after three failures in a row; then lets one trial through every 30 s until one succeeds.

    Safe to share between threads. ``clock`` gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_trial = 0.0

    def allows(self) -> bool:
        """Whether to try. While open, True is said to one caller in 30 s, also when that one never reports back."""
        with self._lock:
            if self._failures < FAILURES_TO_OPEN:
                return True
            now = self._clock()
            if now < self._next_trial:
                return False
            self._next_trial = now + OPEN_SECONDS
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._next_trial = self._clock() + OPEN_SECONDS


_breakers: dict[str, Breaker] = {}


def breaker(driver: str) -> Breaker:
    """The process's breaker of a driver."""
    return _breakers.setdefault(driver, Breaker())


def forget() -> None:
    """Close all breakers."""
    _breakers.clear()


def home(blob_name: str) -> str:
    """The driver that a blob of that name belongs to; ``face:<id>`` is of the tier ``face``."""
    settings = get_settings()
    tier = settings.tiers.get(blob_name.partition(":")[0])
    if tier:
        return tier
    return settings.storage_primary if settings.storage_driver == "hybrid" else settings.storage_driver


def fallback() -> str | None:
    """The driver that takes what its home cannot; None without ``STORAGE_DRIVER=hybrid``.

    ``STORAGE_FALLBACK``, else s3 on Lambda, whose own disk keeps nothing, and local elsewhere.
    """
    settings = get_settings()
    if settings.storage_driver != "hybrid":
        return None
    on_lambda = os.environ.get("AWS_LAMBDA_FUNCTION_NAME") and not settings.aws_endpoint_url
    return settings.storage_fallback or ("s3" if on_lambda else "local")


def in_use() -> list[str]:
    """Every driver that the settings name, in alphabetical order."""
    names = {home(""), fallback(), *get_settings().tiers.values()}
    return sorted(name for name in names if name)


def place(blob_name: str, sealed: bytes) -> Placed:
    """Put a sealed blob under a new key: at home, or at the fallback while the home fails or its breaker is open.

    Raises ``StorageUnavailable`` or ``Misconfigured`` when nobody takes it.
    """
    first, second = home(blob_name), fallback()
    if second is None or second == first:
        return Placed(first, put(first, sealed), away=False)
    why = "it failed several times in a row"
    if breaker(first).allows():
        try:
            return Placed(first, put(first, sealed), away=False)
        except (StorageUnavailable, Misconfigured) as error:  # a photo must not wait in staging for a missing setting
            why = error.detail
    key = put(second, sealed)
    logger().warning("storage.fell_back", extra={"blob": blob_name, "home": first, "taken_by": second, "why": why})
    count("BlobsFellBack")
    return Placed(second, key, away=True)


def put(driver: str, sealed: bytes) -> str:
    """Put a blob to that driver under a new key, which is returned, and tell its breaker how it went."""
    target = storage.driver(driver)
    key = target.new_key(len(sealed))
    try:
        target.put(key, sealed, size=len(sealed))
    except StorageUnavailable:
        breaker(driver).failed()
        raise
    breaker(driver).succeeded()
    return key
