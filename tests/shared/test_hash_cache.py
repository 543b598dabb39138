"""Unchanged files are recalled, changed ones are not, and a cache that is of no use is in nobody's way."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault.hash_cache import SETTLED_NS, HashCache
from photovault.photo_files import Contents, Stamp

NOW = 1_700_000_000_000_000_000
STAMP = Stamp(1, 2, 3, NOW - SETTLED_NS, NOW - SETTLED_NS)
PHOTO = Contents("image/jpeg", b"x" * 32)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    with HashCache(tmp_path / "cache" / "hashes.sqlite", clock=lambda: NOW) as made:
        yield made


def test_what_was_read_is_recalled_by_the_next_command(cache: HashCache) -> None:
    cache.put(STAMP, PHOTO)
    cache.flush()
    with HashCache(cache.path) as other:
        assert other.get(STAMP) == PHOTO
        assert (other.count(), other.check(), other.trouble) == (1, "", "")


def test_what_is_no_photo_is_recalled_with_its_reason(cache: HashCache) -> None:
    text = Contents(None, b"", "This is a text.")
    cache.put(STAMP, text)
    assert cache.get(STAMP) == text


@given(field=st.sampled_from(["device", "inode", "size", "modified", "changed"]), by=st.integers(-5, 5))
def test_a_file_that_differs_in_anything_is_another(field: str, by: int) -> None:
    other = Stamp(**{**vars(STAMP), field: getattr(STAMP, field) + by})
    with HashCache(Path(":memory:"), clock=lambda: NOW) as cache:
        cache.put(STAMP, PHOTO)
        assert (cache.get(other) == PHOTO) == (by == 0)


@pytest.mark.parametrize("ago", [0, SETTLED_NS - 1, -(10**9)], ids=["now", "just now", "in the future"])
def test_a_file_that_only_just_changed_is_not_noted(cache: HashCache, ago: int) -> None:
    fresh = Stamp(1, 2, 3, NOW - 10**12, NOW - ago)
    cache.put(fresh, PHOTO)
    assert cache.get(fresh) is None


def test_numbers_of_network_disks_are_large(cache: HashCache) -> None:
    large = Stamp(2**64 - 1, 2**64 - 1, 2**40, NOW - SETTLED_NS, NOW - SETTLED_NS)
    cache.put(large, PHOTO)
    assert cache.get(large) == PHOTO


def test_a_file_that_is_no_database_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "hashes.sqlite"
    path.write_bytes(b"something else entirely " * 100)
    with HashCache(path, clock=lambda: NOW) as cache:
        cache.put(STAMP, PHOTO)
        assert cache.get(STAMP) == PHOTO
        assert cache.trouble == ""


def test_a_cache_of_another_version_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "hashes.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE files (something TEXT)")
        database.execute("PRAGMA user_version = 99")
    database.close()
    with HashCache(path, clock=lambda: NOW) as cache:
        cache.put(STAMP, PHOTO)
        assert cache.get(STAMP) == PHOTO


def test_what_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with HashCache(tmp_path / "file" / "hashes.sqlite") as cache:
        cache.put(STAMP, PHOTO)
        assert cache.get(STAMP) is None
        assert cache.trouble


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_its_folder_is_its_owners_alone(cache: HashCache) -> None:
    assert cache.path.parent.stat().st_mode & 0o077 == 0
