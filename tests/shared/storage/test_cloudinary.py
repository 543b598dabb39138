"""The Cloudinary driver, through the real SDK, against tests/cloudinary_stand_in.py."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal, Self

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cloudinary_stand_in import API_KEY, API_SECRET, CLOUD, Account, StandIn
from tests.shared.storage.contract import MIB, NOW, DriverContract

from photovault import observability, storage
from photovault.errors import BlobMissing, Conflict, StorageUnavailable
from photovault.storage import cloudinary_http
from photovault.storage.cloudinary import CloudinaryDriver


@pytest.fixture
def cloud() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


def driver_of(stand_in: StandIn, **changes: Any) -> CloudinaryDriver:
    settings: dict[str, Any] = {
        "cloud_name": CLOUD,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "upload_prefix": stand_in.url,
        "read_timeout": 5,
    }
    return CloudinaryDriver(**settings | changes)


@pytest.fixture
def driver(cloud: StandIn) -> CloudinaryDriver:
    return driver_of(cloud)


def in_parts_of(cloud: StandIn, limit: int) -> CloudinaryDriver:
    cloud.max_file_bytes = limit
    return driver_of(cloud, max_file_bytes=limit)


class Contract(DriverContract):
    links_can_be_fetched = True

    def test_an_empty_blob_is_a_blob(self, driver: storage.Driver) -> None:
        """Not here: Cloudinary keeps no empty files. It is said before anything is sent."""
        with pytest.raises(ValueError, match="empty"):
            driver.put(driver.new_key(0), b"", size=0)


class TestContract(Contract):
    pass


class TestContractInParts(Contract):
    @pytest.fixture
    def driver(self, cloud: StandIn) -> CloudinaryDriver:
        return in_parts_of(cloud, MIB)


# How blobs are stored


def test_a_blob_is_one_raw_authenticated_file_that_no_backup_keeps(driver: CloudinaryDriver, cloud: StandIn) -> None:
    key = driver.new_key(6)
    driver.put(key, [b"sea", b"led"], size=6)
    (((owner, public_id), file),) = cloud.files.items()
    assert (owner, public_id, file.data, file.type) == (CLOUD, key, b"sealed", "authenticated")
    assert file.options["overwrite"] == "0"
    assert file.options["backup"] == "0"


@pytest.mark.parametrize(("size", "parts"), [(9, 0), (10, 0), (11, 2), (20, 2), (21, 3)])
def test_above_the_limit_a_blob_is_cut_and_its_key_says_how(cloud: StandIn, size: int, parts: int) -> None:
    driver, data = in_parts_of(cloud, 10), os.urandom(size)
    key = driver.new_key(size)
    driver.put(key, data, size=size)
    assert key.endswith(f".{parts}x10") if parts else "." not in key
    assert sorted(cloud.files) == sorted((CLOUD, f"{key}.{index}" if parts else key) for index in range(parts or 1))
    assert all(len(stored) <= 10 for stored in cloud.stored())
    assert (driver.get(key), driver.size(key)) == (data, size)
    assert [(blob.key, blob.bytes) for blob in driver.list()] == [(key, size)]
    driver.delete(key)
    assert cloud.files == {}


def test_a_blob_is_read_as_it_was_cut_whatever_the_limit_is_today(cloud: StandIn) -> None:
    before = in_parts_of(cloud, 10)
    key, data = before.new_key(25), os.urandom(25)
    before.put(key, data, size=25)
    for limit in (7, 1000):
        today = driver_of(cloud, max_file_bytes=limit)
        assert today.get(key) == data
        assert today.read(key, 8, 9) == data[8:17]
        assert [link.bytes for link in today.links(key, size=25, now=NOW, ttl=300)] == [10, 10, 5]


def test_a_key_that_is_cut_for_another_size_is_refused(cloud: StandIn) -> None:
    driver = in_parts_of(cloud, 10)
    for key, size in ((driver.new_key(25), 31), (driver.new_key(25), 10), (driver.new_key(9), 11)):
        with pytest.raises(ValueError, match=f"not for a blob of {size} bytes"):
            driver.put(key, bytes(size), size=size)
    assert cloud.asked("upload") == []


def test_both_of_cloudinarys_signature_algorithms_are_spoken(cloud: StandIn) -> None:
    cloud.signature_algorithm = "sha256"
    driver = driver_of(cloud, signature_algorithm="sha256")
    driver.put("ab/cd", b"sealed", size=6)
    assert driver.get("ab/cd") == b"sealed"
    with pytest.raises(StorageUnavailable):
        driver_of(cloud).get("ab/cd")


def test_the_sdks_own_chunked_upload_is_understood_by_the_stand_in(cloud: StandIn, driver: CloudinaryDriver) -> None:
    """Not used by the driver, since the plan limits the whole file; here to keep the stand-in honest."""
    import io

    uploader, _ = cloudinary_http.sdk()
    data = os.urandom(6 * MIB)
    options = driver._options() | {"public_id": "ab/large", "chunk_size": 5 * MIB}
    answer = uploader.upload_large(io.BytesIO(data), **options)
    assert (answer["bytes"], cloud.files[CLOUD, "ab/large"].data) == (len(data), data)


# Reading ranges


@pytest.fixture(scope="module")
def cut_blob() -> Iterator[tuple[StandIn, CloudinaryDriver, str, bytes]]:
    """A blob of 45 bytes in parts of ten."""
    with StandIn() as stand_in:
        driver, data = in_parts_of(stand_in, 10), os.urandom(45)
        key = driver.new_key(45)
        driver.put(key, data, size=45)
        yield stand_in, driver, key, data


@given(offset=st.integers(0, 60), length=st.integers(0, 60), ignored=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_range_asks_only_the_parts_that_hold_it_and_only_for_that_much(
    cut_blob: tuple[StandIn, CloudinaryDriver, str, bytes], offset: int, length: int, ignored: bool
) -> None:
    cloud, driver, key, data = cut_blob
    cloud.ignore_ranges = ignored
    cloud.forget_requests()
    assert driver.read(key, offset, length) == data[offset : offset + length]
    stop = min(offset + length, 50)
    wanted = [f"{key}.{part}" for part in range(5) if max(offset, part * 10) < min(stop, part * 10 + 10)]
    assert [request.subject for request in cloud.requests] == wanted
    if not ignored:
        assert sum(request.sent for request in cloud.requests) == len(data[offset : offset + length])


def test_a_server_that_knows_no_ranges_is_not_listened_to_longer_than_needed(
    cloud: StandIn, driver: CloudinaryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    import urllib3

    data = os.urandom(9 * MIB)
    driver.put("ab/cd", data, size=len(data))
    cloud.ignore_ranges = True
    listened, read = [], urllib3.HTTPResponse.read

    def counting(response: urllib3.HTTPResponse, amt: int | None = None, **options: Any) -> bytes:
        piece = read(response, amt, **options)
        listened.append(len(piece))
        return piece

    monkeypatch.setattr(urllib3.HTTPResponse, "read", counting)
    assert driver.read("ab/cd", 2 * MIB + 1, 100) == data[2 * MIB + 1 : 2 * MIB + 101]
    assert sum(listened) == 2 * MIB + 101
    assert driver.size("ab/cd") == len(data)
    assert sum(listened) == 2 * MIB + 101


@pytest.mark.parametrize("ignored", [False, True])
def test_the_size_of_a_blob_is_one_small_request_and_none_of_the_admin_api(cloud: StandIn, ignored: bool) -> None:
    driver = in_parts_of(cloud, MIB)
    key = driver.new_key(3 * MIB - 5)
    driver.put(key, bytes(3 * MIB - 5), size=3 * MIB - 5)
    cloud.ignore_ranges = ignored
    cloud.admin_calls_left = 0
    cloud.forget_requests()
    assert driver.size(key) == 3 * MIB - 5
    assert [(request.action, request.subject) for request in cloud.requests] == [("download", f"{key}.2")]


def test_connections_are_kept(cloud: StandIn, driver: CloudinaryDriver) -> None:
    driver.put("ab/cd", b"sealed", size=6)
    for _ in range(5):
        driver.get("ab/cd")
        driver.read("ab/cd", 1, 2)
        driver.size("ab/cd")
        driver.size("ab/none")
        list(driver.list())
    assert {request.connection for request in cloud.requests} == {1}


# Bad days

CALLS: dict[str, Callable[[CloudinaryDriver], object]] = {
    "put": lambda driver: driver.put("ab/new", b"sealed", size=6),
    "get": lambda driver: driver.get("ab/cd"),
    "read": lambda driver: driver.read("ab/cd", 1, 2),
    "size": lambda driver: driver.size("ab/cd"),
    "delete": lambda driver: driver.delete("ab/cd"),
    "list": lambda driver: list(driver.list()),
    "usage": lambda driver: driver.usage(),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@pytest.fixture
def in_use(cloud: StandIn, driver: CloudinaryDriver) -> CloudinaryDriver:
    driver.put("ab/cd", b"sealed", size=6)
    cloud.forget_requests()
    return driver


@every_call
@pytest.mark.parametrize("status", [400, 401, 403, 409, 420, 429, 500, 502, 503])
def test_every_refusal_is_an_outage_and_not_asked_for_again(
    cloud: StandIn, in_use: CloudinaryDriver, call: Callable[[CloudinaryDriver], object], status: int
) -> None:
    cloud.fault("status", status=status)
    with pytest.raises(StorageUnavailable) as outage:
        call(in_use)
    assert len(cloud.requests) == 1
    assert outage.value.retry_after >= (60 if status in {401, 403, 420, 429} else 1)
    cloud.well()
    call(in_use)


@every_call
def test_a_server_that_hangs_is_given_up_on_and_not_asked_again(
    cloud: StandIn, in_use: CloudinaryDriver, call: Callable[[CloudinaryDriver], object]
) -> None:
    cloud.fault("hang", seconds=600)
    with pytest.raises(StorageUnavailable, match="ReadTimeoutError"):
        call(driver_of(cloud, read_timeout=0.2))
    cloud.well()
    call(in_use)
    assert len([request for request in cloud.requests if request.status == 0]) <= 1


def test_a_worker_waits_no_longer_than_three_seconds_for_a_connection_and_twenty_for_an_answer() -> None:
    driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET)
    timeout = driver._options()["timeout"]
    assert (timeout.connect_timeout, timeout._read) == (3, 20)


@every_call
def test_a_server_that_is_down_is_an_outage_until_it_is_up_again(
    cloud: StandIn, in_use: CloudinaryDriver, call: Callable[[CloudinaryDriver], object]
) -> None:
    cloud.stop()
    with pytest.raises(StorageUnavailable, match="NewConnectionError"):
        call(in_use)
    cloud.start()
    call(in_use)


@every_call
def test_a_kept_connection_that_died_is_replaced_unseen(
    cloud: StandIn, in_use: CloudinaryDriver, call: Callable[[CloudinaryDriver], object]
) -> None:
    cloud.fault("lose", times=1)
    call(in_use)
    assert len(cloud.requests) == 2


@every_call
def test_a_connection_that_breaks_again_and_again_is_an_outage_after_two(
    cloud: StandIn, in_use: CloudinaryDriver, call: Callable[[CloudinaryDriver], object]
) -> None:
    cloud.fault("lose")
    with pytest.raises(StorageUnavailable):
        call(in_use)
    assert len(cloud.requests) == 2


@pytest.mark.parametrize("ignored", [False, True])
def test_a_body_cut_on_its_way_is_an_outage_and_never_a_short_blob(
    cloud: StandIn, driver: CloudinaryDriver, ignored: bool
) -> None:
    driver.put("ab/cd", bytes(5 * MIB), size=5 * MIB)
    cloud.ignore_ranges = ignored
    cloud.fault("cut", on="download")
    with pytest.raises(StorageUnavailable):
        driver.get("ab/cd")
    with pytest.raises(StorageUnavailable):
        driver.read("ab/cd", 10, 5 * MIB - 10)
    cloud.well()
    cloud.fault("cut", on="download", times=1)
    assert driver.get("ab/cd") == bytes(5 * MIB)


class Scripted:
    """A server that gives everybody the same bytes, whatever they ask, and ends the connection."""

    def __init__(self, answer: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        import threading

        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)


def scripted(head: str, body: str = "") -> Scripted:
    return Scripted((head.replace("\n", "\r\n") + "\r\n\r\n" + body).encode())


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("HTTP/1.1 200 OK\nConnection: close", "who knows whether this is all"),
        ("HTTP/1.1 206 Partial Content\nContent-Length: 2\nContent-Range: bytes 0-1/6", "se"),
        ("HTTP/1.1 206 Partial Content\nContent-Length: 2\nContent-Range: bytes 2-4/6", "al"),
        ("HTTP/1.1 206 Partial Content\nContent-Length: 2", "al"),
        ("HTTP/1.1 302 Found\nLocation: /elsewhere\nContent-Length: 0", ""),
        ("HTTP/1.1 404 Not Found\nContent-Length: 21", "<h1>Wrong number</h1>"),
        ("no HTTP at all", ""),
    ],
    ids=["no end", "another range", "a length that contradicts", "no range named", "in circles", "a proxy", "noise"],
)
def test_an_answer_that_does_not_fit_is_an_outage_and_nothing_is_said_to_be_lost(head: str, body: str) -> None:
    with scripted(head, body) as server:
        driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=server.url)
        with pytest.raises(StorageUnavailable):
            driver.read("ab/cd", 2, 2)
    with scripted(head, body) as server:
        driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=server.url)
        with pytest.raises(StorageUnavailable):
            driver.put("ab/cd", b"sealed", size=6)


STRANGE = (
    *("[]", "5", "null", '"x"', "[" * 3000, '{"error": 5}', '{"result": []}', '{"resources": 5}'),
    *('{"resources": [{}]}', '{"resources": [{"public_id": "ab/cd", "bytes": "x", "created_at": 5}]}'),
    '{"storage": 5, "resources": "x", "bandwidth": []}',
)


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
def test_an_answer_that_no_cloudinary_gives_is_an_outage_too(body: str) -> None:
    """So that a fallback takes the blob when something in between answers in its place."""
    with scripted(f"HTTP/1.1 200 OK\nContent-Length: {len(body)}", body) as server:
        driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=server.url)
        for act in (
            lambda: driver.put("ab/cd", b"sealed", size=6),
            lambda: driver.delete("ab/cd"),
            lambda: list(driver.list()),
        ):
            with pytest.raises(StorageUnavailable):
                act()
        with contextlib.suppress(StorageUnavailable):  # what it does not say is not known
            driver.usage()


@pytest.mark.parametrize(
    "head",
    [
        f"HTTP/1.1 429 Slow\nRetry-After: {'9' * 5000}",
        f"HTTP/1.1 206 Partial Content\nContent-Range: bytes 2-{'9' * 5000}/6",
    ],
    ids=["patience", "range"],
)
def test_a_number_without_end_is_none(head: str) -> None:
    with scripted(f"{head}\nContent-Length: 2", "al") as server:
        driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=server.url)
        with pytest.raises(StorageUnavailable):
            driver.read("ab/cd", 2, 2)


class Endless(Scripted):
    """A server whose answers never end, by chunks or by a length that nobody has room for."""

    sent = 0

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(self._answer)
            while True:
                connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                self.sent += 0x10000


FRAMINGS = ["Transfer-Encoding: chunked", f"Content-Length: {10**15}"]
ENDLESS = ["200 OK", f"206 Partial Content\r\nContent-Range: bytes 0-{10**15 - 1}/*", "400 No"]


@pytest.mark.parametrize("framing", FRAMINGS, ids=["chunks", "length"])
@pytest.mark.parametrize("status", ENDLESS, ids=["whole", "range", "refusal"])
def test_a_server_that_never_ends_is_left(framing: str, status: str) -> None:
    with Endless(f"HTTP/1.1 {status}\r\n{framing}\r\n\r\n".encode()) as server:
        driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=server.url)
        if status.startswith("400"):
            with pytest.raises(StorageUnavailable):
                driver.get("ab/cd", at_most=1000)
        else:
            assert len(driver.get("ab/cd", at_most=1000)) == 1001
    assert server.sent < 100 * MIB  # what the sockets hold
    with Endless(f"HTTP/1.1 {status}\r\n{framing}\r\n\r\n".encode()) as server:
        driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=server.url)
        with pytest.raises(StorageUnavailable):
            driver.usage()
    assert server.sent < 100 * MIB


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("https://api.cloudinary.com/a", "http://169.254.169.254/latest/meta-data/"),
        ("https://api.cloudinary.com/a", "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next"),
        ("https://api.cloudinary.com/a", "file:///etc/passwd"),
        ("http://127.0.0.1:1/a", "ftp://127.0.0.1/x"),
    ],
)
def test_nobody_is_sent_from_https_to_what_listens_inside(address: str, location: str) -> None:
    with pytest.raises(StorageUnavailable):
        cloudinary_http._onward(address, location)


def test_a_file_that_lies_at_another_address_is_fetched_from_there(cloud: StandIn, driver: CloudinaryDriver) -> None:
    driver.put("ab/cd", b"sealed", size=6)
    there = driver.links("ab/cd", size=6, now=datetime.now(UTC), ttl=300)[0].url
    with scripted(f"HTTP/1.1 302 Found\nLocation: {there}\nContent-Length: 0") as server:
        moved = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=server.url)
        assert moved.get("ab/cd") == b"sealed"
        assert moved.read("ab/cd", 2, 3) == b"ale"


def test_a_large_part_may_take_longer_to_send_than_a_connection_may_take(cloud: StandIn) -> None:
    """urllib3 would bound the sending of a body of bytes, all of it, by the time-out for connecting."""
    driver = driver_of(cloud, connect_timeout=0.5)
    cloud.slow_reading = 0.02  # seconds for each 64 KiB, two and a half in all
    driver.put("ab/cd", bytes(8 * MIB), size=8 * MIB)
    assert driver.size("ab/cd") == 8 * MIB


# Written once, all of it or nothing


def test_a_put_whose_answer_was_lost_succeeds_when_it_is_repeated(cloud: StandIn, driver: CloudinaryDriver) -> None:
    faults: tuple[Literal["lose", "cut"], ...] = ("lose", "cut")
    for fault in faults:
        key = driver.new_key(6)
        cloud.fault(fault, on="upload", times=1)
        driver.put(key, b"sealed", size=6)
        assert driver.get(key) == b"sealed"


def test_a_put_that_failed_after_its_bytes_were_stored_can_be_repeated_by_the_caller(
    cloud: StandIn, driver: CloudinaryDriver
) -> None:
    cloud.fault("lose", on="upload", times=2)
    with pytest.raises(StorageUnavailable):
        driver.put("ab/cd", b"sealed", size=6)
    driver.put("ab/cd", b"sealed", size=6)
    assert driver.get("ab/cd") == b"sealed"


def test_a_put_that_fails_midway_removes_its_parts(cloud: StandIn) -> None:
    driver = in_parts_of(cloud, 10)
    key = driver.new_key(35)
    fail_at(cloud, upload=3)
    with pytest.raises(StorageUnavailable):
        driver.put(key, bytes(35), size=35)
    assert cloud.files == {}


def fail_at(cloud: StandIn, *, upload: int) -> None:
    """The upload of that number, counted from one, is refused, and those after it."""
    cloud.fault("status", status=500, on="upload", after=upload - 1)


def test_a_put_that_fails_midway_while_all_is_down_leaves_what_orphan_removal_finds(cloud: StandIn) -> None:
    driver = in_parts_of(cloud, 10)
    key = driver.new_key(35)
    fail_at(cloud, upload=3)
    cloud.fault("status", on="destroy")
    with pytest.raises(StorageUnavailable):
        driver.put(key, bytes(35), size=35)
    assert [(blob.key, blob.bytes) for blob in driver.list()] == [(key, 20)]
    assert storage.is_new_key(key)
    assert driver.size(key) is None
    with pytest.raises(BlobMissing):
        driver.get(key)
    cloud.well()
    driver.delete(key)
    assert list(driver.list()) == []


def test_a_failing_repetition_leaves_a_whole_blob_alone(cloud: StandIn) -> None:
    driver = in_parts_of(cloud, 10)
    key, data = driver.new_key(35), os.urandom(35)
    driver.put(key, data, size=35)
    fail_at(cloud, upload=3)
    with pytest.raises(StorageUnavailable):
        driver.put(key, data, size=35)
    assert driver.get(key) == data


def test_another_blob_under_a_taken_key_of_parts_is_a_conflict_and_changes_nothing(cloud: StandIn) -> None:
    driver = in_parts_of(cloud, 10)
    key, data = driver.new_key(35), os.urandom(35)
    driver.put(key, data, size=35)
    with pytest.raises(Conflict):
        driver.put(key, data[:30] + b"other", size=35)
    assert driver.get(key) == data


def test_the_last_part_is_deleted_first_so_that_no_half_blob_passes_for_one(cloud: StandIn) -> None:
    driver = in_parts_of(cloud, 10)
    key = driver.new_key(35)
    driver.put(key, bytes(35), size=35)
    cloud.forget_requests()
    cloud.fault("status", on="destroy", times=1)
    with pytest.raises(StorageUnavailable):
        driver.delete(key)
    driver.delete(key)
    assert [request.subject[-1] for request in cloud.asked("destroy")] == ["3", "3", "2", "1", "0"]


def test_bytes_that_changed_on_their_way_are_an_outage(
    cloud: StandIn, driver: CloudinaryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = cloud._upload

    def garbled(name: str, values: Any, headers: Any) -> Any:
        return upload(name, dict(values) | {"file": b"seaLed"}, headers)

    monkeypatch.setattr(cloud, "_upload", garbled)
    with pytest.raises(StorageUnavailable, match="other bytes"):
        driver.put("ab/cd", b"sealed", size=6)


def test_a_limit_set_too_high_is_told_to_the_operator(
    cloud: StandIn, driver: CloudinaryDriver, logged: list[logging.LogRecord]
) -> None:
    cloud.max_file_bytes = 1000
    with pytest.raises(StorageUnavailable):
        driver.put("ab/cd", bytes(1001), size=1001)
    assert "File size too large. Got 1001. Maximum is 1000" in told(logged)


# Listing


def test_a_listing_of_any_size_is_whole_in_order_and_continued(
    cloud: StandIn, driver: CloudinaryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = in_parts_of(cloud, 10)
    keys = sorted([driver.new_key(1) for _ in range(60)] + [cut.new_key(25) for _ in range(10)])
    for key in keys:
        (cut if "." in key else driver).put(key, bytes(25) if "." in key else b"x", size=25 if "." in key else 1)
    cloud.most_results = 3  # so that pages, shards and parts over two pages all occur
    cloud.admin_calls_left = 10_000
    listed = [(blob.key, blob.bytes) for blob in driver.list()]
    assert listed == [(key, 25 if "." in key else 1) for key in keys]
    for position in (0, 17, 68, 69):
        after = [blob.key for blob in driver.list(after=keys[position])]
        assert after == keys[position + 1 :]
    assert [blob.key for blob in driver.list(keys[5][:2])] == [key for key in keys if key[:2] == keys[5][:2]]
    assert [blob.key for blob in driver.list(keys[5][:20])] == [keys[5]]


def test_a_small_account_is_listed_in_one_call(cloud: StandIn, driver: CloudinaryDriver) -> None:
    for _ in range(20):
        driver.put(driver.new_key(1), b"x", size=1)
    cloud.forget_requests()
    assert len(list(driver.list())) == 20
    assert [request.action for request in cloud.requests] == ["resources"]


def test_only_sealed_blobs_are_listed_and_not_the_accounts_other_files(
    cloud: StandIn, driver: CloudinaryDriver
) -> None:
    uploader, _ = cloudinary_http.sdk()
    uploader.upload(("logo", b"x"), public_id="ab/logo", **driver._options() | {"type": "upload"})
    driver.put("ab/cd", b"sealed", size=6)
    assert [blob.key for blob in driver.list()] == ["ab/cd"]
    driver.delete("ab/logo")
    assert (CLOUD, "ab/logo") in cloud.files


def test_the_hourly_limit_of_the_admin_api_is_an_outage_of_listings_alone(
    cloud: StandIn, driver: CloudinaryDriver
) -> None:
    driver.put("ab/cd", b"sealed", size=6)
    cloud.admin_calls_left = 0
    with pytest.raises(StorageUnavailable, match="no more requests"):
        list(driver.list())
    assert driver.get("ab/cd") == b"sealed"
    assert driver.size("ab/cd") == 6
    driver.delete("ab/cd")


def test_usage_is_told_as_the_plan_has_it(cloud: StandIn, driver: CloudinaryDriver) -> None:
    driver.put("ab/cd", bytes(MIB), size=MIB)
    usage = driver.usage()
    assert (usage.plan, usage.stored, usage.files) == ("Free", MIB, 1)
    assert (usage.credits, usage.credits_limit, usage.max_file_bytes) == (0.0, 25.0, 10 * MIB)


# Links


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("key", ["ab/cdef", "a-b_c/d.e"])
def test_links_equal_what_the_sdk_signs_at_the_start_of_their_time(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, key: str
) -> None:
    from cloudinary import utils

    prefix = "https://api-eu.cloudinary.com"
    driver = driver_of(StandIn(), upload_prefix=prefix + "/", signature_algorithm=algorithm)
    (link,) = driver.links(key, size=6, now=NOW.replace(second=59), ttl=300)
    start = int(NOW.timestamp())
    monkeypatch.setattr(utils, "now", lambda: str(start))
    expected = utils.private_download_url(
        key,
        None,
        cloud_name=CLOUD,
        api_key=API_KEY,
        api_secret=API_SECRET,
        upload_prefix=prefix,
        resource_type="raw",
        type="authenticated",
        expires_at=start + 300,
        signature_algorithm=algorithm,
    )
    assert link.url == expected


def test_links_open_without_credentials_as_they_were_signed_and_in_their_time(
    cloud: StandIn, driver: CloudinaryDriver
) -> None:
    driver.put("ab/cd", b"sealed", size=6)
    driver.put("ab/other", b"other", size=5)
    now = datetime.now(UTC)
    (link,) = driver.links("ab/cd", size=6, now=now, ttl=300)
    assert httpx.get(link.url).content == b"sealed"
    assert httpx.get(link.url, headers={"Range": "bytes=2-3"}).content == b"al"
    for forged in (
        link.url.replace("ab%2Fcd", "ab%2Fother"),
        link.url.replace("expires_at=1", "expires_at=2"),
        link.url.replace("type=authenticated", "type=upload"),
    ):
        assert httpx.get(forged).status_code == 401
    cloud.clock = lambda: time.time() + 301
    assert httpx.get(link.url).status_code == 401


def test_a_day_long_link_lives_that_long(cloud: StandIn, driver: CloudinaryDriver) -> None:
    driver.put("ab/cd", b"sealed", size=6)
    (link,) = driver.links("ab/cd", size=6, now=datetime.now(UTC), ttl=48 * 3600)
    cloud.clock = lambda: time.time() + 23 * 3600
    assert httpx.get(link.url).content == b"sealed"


def test_links_ask_nobody_and_need_no_sdk() -> None:
    """In a process of its own: a page of thumbnails must not wait for an import either."""
    script = f"""
import sys
from datetime import UTC, datetime
from photovault import storage
driver = storage.driver("cloudinary")
links = driver.links(driver.new_key(25 * 2**20), size=25 * 2**20, now=datetime.now(UTC), ttl=300)
assert [link.bytes for link in links] == [10485760, 10485760, 5242880]
assert all(link.url.startswith("https://api.cloudinary.com/v1_1/{CLOUD}/raw/download?") for link in links)
assert "cloudinary" not in sys.modules and "urllib3" not in sys.modules
"""
    environment = {
        "PYTHONPATH": "shared",
        "CLOUDINARY_CLOUD_NAME": CLOUD,
        "CLOUDINARY_API_KEY": API_KEY,
        "CLOUDINARY_API_SECRET": API_SECRET,
    }
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


# Two accounts, and nothing of the process's own


def test_two_accounts_in_one_process_are_never_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with what the SDK reads from the environment, or what else configured it."""
    import cloudinary

    monkeypatch.setattr(cloudinary, "_config", cloudinary.Config())
    cloudinary.config(
        cloud_name="elsewhere",
        api_key="another",
        api_secret="another",
        oauth_token="another",
        upload_prefix="http://127.0.0.1:9",
        upload_preset="another",
        signature_algorithm="sha256",
        signature_version=1,
        timeout=0.001,
    )
    accounts = {"one": Account("1", "secret one"), "two": Account("2", "secret two")}
    with StandIn(accounts=accounts) as here, StandIn(accounts=accounts) as there:
        drivers = [
            driver_of(here, cloud_name="one", api_key="1", api_secret="secret one"),
            driver_of(here, cloud_name="two", api_key="2", api_secret="secret two"),
            driver_of(there, cloud_name="one", api_key="1", api_secret="secret one"),
        ]
        for number, driver in enumerate(drivers):
            driver.put("ab/cd", f"blob {number}".encode(), size=6)
        for number, driver in enumerate(drivers):
            assert driver.get("ab/cd") == f"blob {number}".encode()
            assert [blob.key for blob in driver.list()] == ["ab/cd"]
            assert driver.usage().files == 1
        assert not any("upload_preset" in file.options for file in (here.files | there.files).values())
        for driver in drivers:
            assert httpx.get(driver.links("ab/cd", size=6, now=datetime.now(UTC), ttl=300)[0].url).is_success
        drivers[0].delete("ab/cd")
        assert [driver.size("ab/cd") for driver in drivers] == [None, 6, 6]


# What is told, and what is not


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """All that anybody logs, the libraries too."""
    records: list[logging.LogRecord] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler = Handler()
    ours = logging.getLogger(observability.logger().name)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.addHandler(handler)
    yield records
    ours.removeHandler(handler)
    root.removeHandler(handler)
    root.setLevel(level)


def told(records: list[logging.LogRecord]) -> str:
    return "\n".join(f"{record.getMessage()} {vars(record)}" for record in records)


@pytest.mark.parametrize("wrong", [{"api_secret": "wrong"}, {"api_key": "wrong"}, {"cloud_name": "wrong"}])
@every_call
def test_wrong_credentials_are_told_to_the_operator_and_the_photo_waits(
    cloud: StandIn,
    logged: list[logging.LogRecord],
    call: Callable[[CloudinaryDriver], object],
    wrong: dict[str, str],
) -> None:
    with pytest.raises(StorageUnavailable, match="credentials"):
        call(driver_of(cloud, **wrong))
    assert "storage.credentials_refused" in told(logged)
    assert "CLOUDINARY_API_SECRET" in told(logged)


@every_call
@pytest.mark.parametrize("trouble", ["down", "hang", "lose", "cut", "400", "401", "404", "503"])
def test_no_error_and_no_log_holds_a_secret_or_a_signature(
    cloud: StandIn,
    in_use: CloudinaryDriver,
    logged: list[logging.LogRecord],
    call: Callable[[CloudinaryDriver], object],
    trouble: str,
) -> None:
    import traceback

    if trouble == "down":
        cloud.stop()
    elif trouble.isdigit():
        cloud.fault("status", status=int(trouble))
    else:
        cloud.fault(trouble, seconds=600)  # type: ignore[arg-type]
    said = ""
    try:
        call(driver_of(cloud, read_timeout=0.2))
    except (StorageUnavailable, BlobMissing) as error:
        said = "".join(traceback.format_exception(error)) + error.detail
    said += told([record for record in logged if record.levelno > logging.DEBUG])
    for hidden in ("signature=", "api_key", API_KEY, "String to sign"):
        assert hidden not in said
    assert API_SECRET not in said + told(logged)
    assert API_SECRET not in repr(in_use)


def test_a_refused_signature_is_not_quoted(cloud: StandIn, logged: list[logging.LogRecord]) -> None:
    with pytest.raises(StorageUnavailable) as outage:
        driver_of(cloud, api_secret="wrong").put("ab/cd", b"sealed", size=6)
    said = told([record for record in logged if record.levelno > logging.DEBUG]) + str(outage.value)
    assert "String to sign" not in said
    assert API_KEY not in said


# The stand-in is strict


def test_the_stand_in_refuses_stale_timestamps(cloud: StandIn, driver: CloudinaryDriver) -> None:
    cloud.clock = lambda: time.time() + 3700
    with pytest.raises(StorageUnavailable):
        driver.put("ab/cd", b"sealed", size=6)
    assert cloud.asked("upload")[0].status == 400
    assert cloud.files == {}


def test_the_stand_in_refuses_a_body_of_another_signature(cloud: StandIn, driver: CloudinaryDriver) -> None:
    from cloudinary import utils

    params = {"public_id": "ab/cd", "timestamp": utils.now(), "type": "authenticated", "overwrite": "0"}
    signed = utils.sign_request(dict(params), driver._options())
    address = f"{cloud.url}/v1_1/{CLOUD}/raw/upload"
    files = {"file": ("blob", b"sealed")}
    assert httpx.post(address, data=signed | {"public_id": "ab/ce"}, files=files).status_code == 401
    assert httpx.post(address, data=signed | {"signature": ""}, files=files).status_code == 401
    assert httpx.post(address, data=signed | {"overwrite": "1"}, files=files).status_code == 401
    assert httpx.post(address, data=signed, files=files).json()["etag"] == (
        hashlib.md5(b"sealed", usedforsecurity=False).hexdigest()
    )


def test_as_a_program_it_can_be_killed_and_started_again_and_told_to_fail(tmp_path: Any) -> None:
    command = [sys.executable, "-m", "tests.cloudinary_stand_in", "--folder", str(tmp_path)]

    def started(port: int) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def ended(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    process, url = started(0)
    try:
        driver = CloudinaryDriver(CLOUD, api_key=API_KEY, api_secret=API_SECRET, upload_prefix=url)
        driver.put("ab/cd", b"sealed", size=6)
        httpx.post(f"{url}/_faults", json={"kind": "status", "status": 503})
        with pytest.raises(StorageUnavailable):
            driver.get("ab/cd")
        httpx.delete(f"{url}/_faults")
        assert driver.get("ab/cd") == b"sealed"
    finally:
        ended(process)
    with pytest.raises(StorageUnavailable):
        driver.get("ab/cd")
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"sealed"]
    process, _ = started(int(url.rpartition(":")[2]))
    try:
        assert driver.get("ab/cd") == b"sealed"
    finally:
        ended(process)
