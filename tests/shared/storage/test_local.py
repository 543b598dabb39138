"""Sealed blobs as files: whole or not at all, inside their folder, behind signed links."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.shared.storage.contract import MIB, NOW, DriverContract

from photovault.errors import Forbidden, Invalid, Misconfigured, StorageUnavailable
from photovault.storage import local
from photovault.storage.local import LocalDriver

SIGNING_KEYS = (bytes([1]) * 32, bytes([2]) * 32)


def driver_at(root: Path) -> LocalDriver:
    return LocalDriver(str(root), public_url="http://127.0.0.1:8999/", signing_keys=lambda: SIGNING_KEYS)


@pytest.fixture
def driver(tmp_path: Path) -> LocalDriver:
    return driver_at(tmp_path / "blobs")


def files_under(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


class TestContract(DriverContract):
    pass


@contextmanager
def disk_that_takes(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes: the write fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_nothing_behind(driver: LocalDriver, tmp_path: Path) -> None:
    with disk_that_takes(2 * MIB), pytest.raises(StorageUnavailable):
        driver.put("ab/cd", (bytes(MIB) for _ in range(4)), size=4 * MIB)
    assert files_under(tmp_path) == []
    driver.put("ab/cd", bytes(4 * MIB), size=4 * MIB)
    assert driver.size("ab/cd") == 4 * MIB


def test_a_process_killed_while_writing_leaves_no_blob(driver: LocalDriver, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from photovault.storage.local import LocalDriver\n"
        "def chunks():\n"
        "    yield bytes(1 << 20)\n"
        "    os.kill(os.getpid(), 9)\n"
        "    yield bytes(1 << 20)\n"
        "LocalDriver(sys.argv[1], public_url='', signing_keys=list).put('ab/cd', chunks(), size=2 << 20)\n"
    )
    root = tmp_path / "blobs"
    shared = Path(local.__file__).parents[2]
    died = subprocess.run([sys.executable, "-c", code, str(root)], check=False, env={"PYTHONPATH": str(shared)})
    assert died.returncode == -signal.SIGKILL
    assert driver.size("ab/cd") is None
    assert list(driver.list()) == []
    (leftover,) = files_under(root)

    driver_at(root)
    assert leftover.exists(), "another process may still be writing it"
    os.utime(leftover, (time.time() - 90_000,) * 2)
    driver_at(root)
    assert files_under(root) == []


def test_files_are_for_their_owner_alone(driver: LocalDriver, tmp_path: Path) -> None:
    driver.put("ab/cd", b"x", size=1)
    blob = tmp_path / "blobs" / "ab" / "cd"
    assert blob.stat().st_mode & 0o777 == 0o600
    assert blob.parent.stat().st_mode & 0o077 == 0


def test_a_link_out_of_the_folder_is_not_followed(driver: LocalDriver, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"not a blob")
    (tmp_path / "blobs" / "ab").symlink_to(tmp_path)
    (tmp_path / "blobs" / "cd").symlink_to(tmp_path / "secret")
    for key in ("ab/secret", "cd"):
        with pytest.raises(Invalid):
            driver.get(key)
        with pytest.raises(Invalid):
            driver.delete(key)
    with pytest.raises(Invalid):
        driver.put("ab/new", b"x", size=1)
    assert list(driver.list()) == []
    assert (tmp_path / "secret").read_bytes() == b"not a blob"
    assert not (tmp_path / "new").exists()


def test_a_folder_is_not_a_blob(driver: LocalDriver) -> None:
    driver.put("ab/cd", b"x", size=1)
    assert driver.size("ab") is None
    assert driver.size("ab/cd/ef") is None
    driver.delete("ab")
    assert driver.size("ab/cd") == 1


def test_blobs_outlive_the_process_that_wrote_them(driver: LocalDriver, tmp_path: Path) -> None:
    driver.put("ab/cd", b"kept", size=4)
    assert driver_at(tmp_path / "blobs").get("ab/cd") == b"kept"


def test_a_disk_that_is_gone_is_an_outage_and_no_missing_blob(driver: LocalDriver, tmp_path: Path) -> None:
    """What it was mounted at is an empty folder then."""
    driver.put("ab/cd", b"x", size=1)
    root = tmp_path / "blobs"
    root.rename(tmp_path / "unplugged")
    root.mkdir()
    for call in (
        lambda: driver.get("ab/cd"),
        lambda: driver.size("ab/cd"),
        lambda: driver.delete("ab/cd"),
        lambda: list(driver.list()),
        lambda: driver.put("ab/ef", b"y", size=1),
    ):
        with pytest.raises(StorageUnavailable):
            call()
    root.rmdir()
    (tmp_path / "unplugged").rename(root)
    assert driver.get("ab/cd") == b"x"


def test_a_disk_that_cannot_be_written_is_read_all_the_same(
    driver: LocalDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It turns read-only when it fails; what lies on it must still come down."""
    driver.put("ab/cd", b"x", size=1)
    leftover = tmp_path / "blobs" / local._UNFINISHED / "leftover"
    leftover.touch()
    os.utime(leftover, (time.time() - 90_000,) * 2)

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    monkeypatch.setattr(os, "open", read_only)
    again = driver_at(tmp_path / "blobs")
    assert again.get("ab/cd") == b"x"
    with pytest.raises(StorageUnavailable):
        again.put("ab/ef", b"y", size=1)


def test_a_root_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="STORAGE_ROOT"):
        driver_at(tmp_path / "file")


# Signed links


def verify(url: str, *, now: datetime, **changes: str) -> None:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    local.verify_url(
        query.pop("key", parts.path.removeprefix("/blobs/")),
        expires=int(query["expires"]),
        signature=query["signature"],
        now=now,
        signing_keys=SIGNING_KEYS,
    )


def test_a_link_names_its_blob_and_is_good_until_it_expires(driver: LocalDriver) -> None:
    url = driver.links("ab/cd", size=1, now=NOW, ttl=300)[0].url
    assert url.startswith("http://127.0.0.1:8999/blobs/ab/cd?expires=")
    verify(url, now=NOW)
    verify(url, now=NOW + timedelta(seconds=299))
    with pytest.raises(Forbidden, match="expired"):
        verify(url, now=NOW + timedelta(seconds=300))


def test_a_link_for_another_blob_or_a_longer_life_is_forged(driver: LocalDriver) -> None:
    url = driver.links("ab/cd", size=1, now=NOW, ttl=300)[0].url
    expires = str(int(parse_qs(urlsplit(url).query)["expires"][0]) + 3600)
    for changes in ({"key": "ab/ef"}, {"expires": expires}, {"signature": ""}, {"signature": "ü"}):
        with pytest.raises(Forbidden, match="not one that the vault gave out"):
            verify(url, now=NOW, **changes)


def test_links_signed_before_a_rotation_stay_good(tmp_path: Path) -> None:
    old = LocalDriver(str(tmp_path), public_url="http://host", signing_keys=lambda: SIGNING_KEYS[1:])
    verify(old.links("ab/cd", size=1, now=NOW, ttl=300)[0].url, now=NOW)
    foreign = LocalDriver(str(tmp_path), public_url="http://host", signing_keys=lambda: [bytes(32)])
    with pytest.raises(Forbidden):
        verify(foreign.links("ab/cd", size=1, now=NOW, ttl=300)[0].url, now=NOW)


def test_listings_tell_time_in_utc(driver: LocalDriver) -> None:
    driver.put("ab/cd", b"x", size=1)
    assert next(driver.list()).modified.tzinfo is UTC
