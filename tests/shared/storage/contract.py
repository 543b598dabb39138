"""What every storage driver keeps to; each driver's tests run this class against a fresh ``driver``."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from photovault import storage
from photovault.errors import BlobMissing, Conflict, Invalid
from photovault.storage import Driver

NOW = datetime(2026, 3, 4, 5, 0, 0, tzinfo=UTC)
MIB = 1024 * 1024


class DriverContract:
    # Whether links lead somewhere in these tests; those of local files lead to the API.
    links_can_be_fetched = False

    def test_what_is_put_is_got(self, driver: Driver) -> None:
        key = driver.new_key(12)
        driver.put(key, b"sealed bytes", size=12)
        assert driver.get(key) == b"sealed bytes"
        assert driver.size(key) == 12

    def test_chunks_are_joined_whatever_their_number(self, driver: Driver) -> None:
        key, chunks = driver.new_key(10 * MIB), [os.urandom(MIB) for _ in range(10)]
        driver.put(key, iter(chunks), size=10 * MIB)
        assert driver.get(key) == b"".join(chunks)

    def test_an_empty_blob_is_a_blob(self, driver: Driver) -> None:
        key = driver.new_key(0)
        driver.put(key, b"", size=0)
        assert driver.get(key) == b""
        assert driver.size(key) == 0

    @pytest.mark.parametrize("size", [9, 10, 11, 12, 3000])
    def test_of_a_blob_that_outgrew_its_row_no_more_is_read_than_shows_it(self, driver: Driver, size: int) -> None:
        key, data = driver.new_key(size), os.urandom(size)
        driver.put(key, data, size=size)
        assert driver.get(key, at_most=10) == data[:11]

    @pytest.mark.parametrize(
        ("offset", "length", "expected"), [(0, 3, b"012"), (4, 2, b"45"), (8, 9, b"89"), (10, 5, b""), (3, 0, b"")]
    )
    def test_a_range_is_read_up_to_the_end(self, driver: Driver, offset: int, length: int, expected: bytes) -> None:
        key = driver.new_key(10)
        driver.put(key, b"0123456789", size=10)
        assert driver.read(key, offset, length) == expected

    def test_a_blob_is_written_once(self, driver: Driver) -> None:
        key = driver.new_key(5)
        driver.put(key, b"first", size=5)
        with pytest.raises(Conflict):
            driver.put(key, b"other", size=5)
        assert driver.get(key) == b"first"

    @pytest.mark.parametrize("announced", [0, 5, 7])
    def test_chunks_of_another_size_than_announced_store_nothing(self, driver: Driver, announced: int) -> None:
        key = driver.new_key(announced)
        with pytest.raises(ValueError, match="announced"):
            driver.put(key, [b"abc", b"def"], size=announced)
        assert driver.size(key) is None

    def test_a_source_that_breaks_stores_nothing(self, driver: Driver) -> None:
        key = driver.new_key(2)
        with pytest.raises(ZeroDivisionError):
            driver.put(key, (bytes([1 // number]) for number in (1, 0)), size=2)
        assert driver.size(key) is None

    def test_an_absent_blob_is_told_as_missing(self, driver: Driver) -> None:
        key = driver.new_key(1)
        assert driver.size(key) is None
        with pytest.raises(BlobMissing):
            driver.get(key)
        with pytest.raises(BlobMissing):
            driver.read(key, 0, 1)

    def test_deleting_is_final_and_may_be_repeated(self, driver: Driver) -> None:
        key = driver.new_key(9)
        driver.put(key, b"gone soon", size=9)
        driver.delete(key)
        driver.delete(key)
        assert driver.size(key) is None

    def test_a_listing_is_in_the_order_of_keys_and_can_be_continued(self, driver: Driver) -> None:
        keys = ["aa/1", "aa/2", "aa-b", "aab/1", "b", "ab/c/d", "ab/c-d"]
        for key in keys:
            driver.put(key, key.encode(), size=len(key))
        expected = sorted(keys)
        assert [blob.key for blob in driver.list()] == expected
        assert [blob.bytes for blob in driver.list()] == [len(key) for key in expected]
        for position, key in enumerate(expected):
            assert [blob.key for blob in driver.list(after=key)] == expected[position + 1 :]
        for prefix in ("aa", "aa/", "ab/c", "ab/c/", "zz"):
            assert [blob.key for blob in driver.list(prefix)] == [key for key in expected if key.startswith(prefix)]
        assert [blob.key for blob in driver.list("aa", after="aa/1")] == ["aa/2", "aab/1"]

    def test_a_listing_says_when_a_blob_was_stored(self, driver: Driver) -> None:
        driver.put("ab/now", b"x", size=1)
        (blob,) = driver.list()
        assert abs(datetime.now(UTC) - blob.modified) < timedelta(minutes=5)

    def test_a_link_is_the_same_for_half_its_life_and_then_another(self, driver: Driver) -> None:
        key = driver.new_key(1)
        first = driver.links(key, size=1, now=NOW, ttl=300)[0].url
        assert driver.links(key, size=1, now=NOW + timedelta(seconds=149), ttl=300)[0].url == first
        assert driver.links(key, size=1, now=NOW + timedelta(seconds=150), ttl=300)[0].url != first
        assert driver.links(driver.new_key(1), size=1, now=NOW, ttl=300)[0].url != first

    @pytest.mark.parametrize("size", [1, MIB, MIB + 1, 25 * MIB])
    def test_new_keys_are_the_vaults_own_random_and_fit_for_all_that_keys_are_for(
        self, driver: Driver, size: int
    ) -> None:
        made = {driver.new_key(size) for _ in range(100)}
        assert len(made) == 100
        assert all(storage.is_new_key(key) and storage.check_key(key) == key for key in made)

    @pytest.mark.parametrize("size", [1, MIB, MIB + 1, 25 * MIB])
    def test_the_lengths_of_links_add_up_to_the_blobs(self, driver: Driver, size: int) -> None:
        links = driver.links(driver.new_key(size), size=size, now=NOW, ttl=300)
        assert sum(link.bytes for link in links) == size
        assert all(link.bytes > 0 for link in links)
        assert len({link.url for link in links}) == len(links)

    @pytest.mark.parametrize("size", [10, 2 * MIB + 1])
    def test_what_links_lead_to_is_the_blob(self, driver: Driver, size: int) -> None:
        if not self.links_can_be_fetched:
            pytest.skip("nobody serves these links here")
        key, data = driver.new_key(size), os.urandom(size)
        driver.put(key, data, size=size)
        links = driver.links(key, size=size, now=datetime.now(UTC), ttl=300)
        fetched = [httpx.get(link.url).raise_for_status().content for link in links]
        assert [len(piece) for piece in fetched] == [link.bytes for link in links]
        assert b"".join(fetched) == data

    @pytest.mark.parametrize(
        "key",
        [
            *("", "/etc/passwd", "../up", "ab/../../up", "ab//c", "ab/", ".hidden", "ab/.hidden"),
            # and what file systems, shells or URLs might read differently
            *("a\\b", "a b", "é", "ab/\x00", "ab/c\n", "a" * 513),
        ],
    )
    def test_what_no_blob_can_be_called_is_refused_everywhere(self, driver: Driver, key: str) -> None:
        with pytest.raises(Invalid):
            driver.put(key, b"x", size=1)
        with pytest.raises(Invalid):
            driver.get(key)
        with pytest.raises(Invalid):
            driver.read(key, 0, 1)
        with pytest.raises(Invalid):
            driver.size(key)
        with pytest.raises(Invalid):
            driver.delete(key)
        with pytest.raises(Invalid):
            driver.links(key, size=1, now=NOW, ttl=300)
