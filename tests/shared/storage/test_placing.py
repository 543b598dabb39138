"""Homes, fallbacks and breakers: where a new blob goes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from tests.storages import Told

from photovault import storage
from photovault.errors import Misconfigured, StorageUnavailable
from photovault.settings import get_settings
from photovault.storage import placing

SEALED = b"sealed"


@dataclass
class Flaky:
    """A driver that takes blobs while it is ``up``."""

    name: str
    up: bool = True
    tried: int = 0
    held: dict[str, bytes] = field(default_factory=dict)

    def new_key(self, size: int) -> str:
        return f"{storage.new_key()}.{size}"

    def put(self, key: str, chunks: Iterable[bytes] | bytes, *, size: int) -> None:
        self.tried += 1
        if not self.up:
            raise StorageUnavailable("It is down.")
        assert isinstance(chunks, bytes)
        self.held[key] = chunks


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def drivers(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[dict[str, Flaky]]:
    """A hybrid of cloudinary and local, s3 beside them; breakers with the test's clock."""
    made = {name: Flaky(name) for name in ("cloudinary", "local", "s3")}
    breakers = {name: placing.Breaker(clock) for name in made}
    monkeypatch.setattr(storage, "driver", made.__getitem__)
    monkeypatch.setattr(placing, "breaker", breakers.__getitem__)
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    configure(monkeypatch, STORAGE_DRIVER="hybrid")
    yield made
    get_settings.cache_clear()


def configure(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name in ("STORAGE_DRIVER", "STORAGE_PRIMARY", "STORAGE_FALLBACK", "STORAGE_TIERS", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()


# ---- homes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blob", "expected"),
    [("original", "s3"), ("thumbnail", "local"), ("face:1b4e", "local"), ("preview", "cloudinary")],
)
@pytest.mark.usefixtures("drivers")
def test_each_kind_of_blob_has_its_tier_and_the_rest_goes_to_the_primary(
    monkeypatch: pytest.MonkeyPatch, blob: str, expected: str
) -> None:
    configure(monkeypatch, STORAGE_DRIVER="hybrid", STORAGE_TIERS="original=s3, thumbnail=local, face=local")
    assert placing.home(blob) == expected
    assert placing.place(blob, SEALED).driver == expected


@pytest.mark.parametrize("driver", ["local", "s3", "cloudinary"])
def test_without_hybrid_everything_goes_to_the_one_driver(monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    configure(monkeypatch, STORAGE_DRIVER=driver)
    assert placing.home("original") == driver
    assert placing.fallback() is None
    assert placing.in_use() == [driver]


@pytest.mark.usefixtures("drivers")
def test_the_fallback_is_s3_where_a_disk_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert placing.fallback() == "local"
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "vision")
    assert placing.fallback() == "s3"
    configure(monkeypatch, STORAGE_DRIVER="hybrid", STORAGE_FALLBACK="local")
    assert placing.fallback() == "local"
    configure(monkeypatch, STORAGE_DRIVER="hybrid", AWS_ENDPOINT_URL="http://localhost:4566")
    assert placing.fallback() == "local", "a local cloud runs on a laptop's disk"


@pytest.mark.usefixtures("drivers")
def test_every_driver_that_the_settings_name_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, STORAGE_DRIVER="hybrid", STORAGE_FALLBACK="local", STORAGE_TIERS="original=s3")
    assert placing.in_use() == ["cloudinary", "local", "s3"]


# ---- falling back ---------------------------------------------------------------------------------------------------


def test_a_blob_goes_home_under_a_key_that_the_driver_made(drivers: dict[str, Flaky]) -> None:
    placed = placing.place("preview", SEALED)
    assert (placed.driver, placed.away) == ("cloudinary", False)
    assert drivers["cloudinary"].held == {placed.key: SEALED}
    assert placed.key.endswith(".6")


def test_a_blob_whose_home_is_down_goes_to_the_fallback_and_is_away(
    drivers: dict[str, Flaky], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    monkeypatch.setattr(placing, "logger", lambda: told)
    monkeypatch.setattr(placing, "count", told.counted.append)
    drivers["cloudinary"].up = False
    placed = placing.place("preview", SEALED)
    assert (placed.driver, placed.away) == ("local", True)
    assert drivers["local"].held == {placed.key: SEALED}
    about = {"blob": "preview", "home": "cloudinary", "taken_by": "local", "why": "It is down."}
    assert told.events == [("storage.fell_back", about)]
    assert told.counted == ["BlobsFellBack"]


def test_a_home_that_lacks_its_settings_is_one_that_is_down(
    drivers: dict[str, Flaky], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every upload would wait in staging, in plain, and be forgotten there after a day."""

    def driver(name: str) -> Flaky:
        if name == "cloudinary":
            raise Misconfigured("CLOUDINARY_API_SECRET is not set.")
        return drivers[name]

    monkeypatch.setattr(storage, "driver", driver)
    placed = placing.place("original", SEALED)
    assert (placed.driver, placed.away) == ("local", True)
    configure(monkeypatch, STORAGE_DRIVER="cloudinary")
    with pytest.raises(Misconfigured):
        placing.place("original", SEALED)


def test_without_hybrid_the_error_passes(drivers: dict[str, Flaky], monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, STORAGE_DRIVER="s3")
    drivers["s3"].up = False
    for attempt in range(5):
        with pytest.raises(StorageUnavailable):
            placing.place("preview", SEALED)
        assert drivers["s3"].tried == attempt + 1, "there is nothing better to do than to try"
    assert not drivers["local"].held


def test_a_home_that_is_the_fallback_has_none(drivers: dict[str, Flaky], monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, STORAGE_DRIVER="hybrid", STORAGE_TIERS="original=local")
    drivers["local"].up = False
    with pytest.raises(StorageUnavailable):
        placing.place("original", SEALED)


def test_when_nobody_takes_a_blob_it_is_an_outage(drivers: dict[str, Flaky]) -> None:
    drivers["cloudinary"].up = drivers["local"].up = False
    with pytest.raises(StorageUnavailable):
        placing.place("preview", SEALED)


# ---- the breaker ----------------------------------------------------------------------------------------------------


def test_after_three_failures_in_a_row_the_home_is_left_alone_for_half_a_minute(
    drivers: dict[str, Flaky], clock: Clock
) -> None:
    home = drivers["cloudinary"]
    home.up = False
    for _ in range(10):
        assert placing.place("preview", SEALED).away
    assert home.tried == 3
    clock.now += 29.9
    placing.place("preview", SEALED)
    assert home.tried == 3
    clock.now += 0.2
    placing.place("preview", SEALED)
    placing.place("preview", SEALED)
    assert home.tried == 4, "one trial, which failed"
    home.up = True
    clock.now += 30
    assert not placing.place("preview", SEALED).away
    assert not placing.place("preview", SEALED).away


def test_failures_with_successes_between_them_open_nothing(drivers: dict[str, Flaky]) -> None:
    home = drivers["cloudinary"]
    for _ in range(4):
        for up in (False, False, True):
            home.up = up
            placing.place("preview", SEALED)
    assert home.tried == 12


def test_a_trial_that_never_reports_back_does_not_keep_the_breaker_open(clock: Clock) -> None:
    breaker = placing.Breaker(clock)
    for _ in range(3):
        breaker.failed()
    clock.now += 30
    assert breaker.allows()
    assert not breaker.allows()
    clock.now += 30
    assert breaker.allows()


def test_of_many_threads_one_makes_the_trial(clock: Clock) -> None:
    breaker = placing.Breaker(clock)
    for _ in range(3):
        breaker.failed()
    clock.now += 30
    together = threading.Barrier(8)
    allowed: list[bool] = []

    def ask() -> None:
        together.wait()
        allowed.append(breaker.allows())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * 7 + [True]


def test_each_driver_has_a_breaker_of_its_own() -> None:
    placing.forget()
    try:
        for _ in range(3):
            placing.breaker("cloudinary").failed()
        assert not placing.breaker("cloudinary").allows()
        assert placing.breaker("s3").allows()
    finally:
        placing.forget()
