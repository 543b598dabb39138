"""Reading staging, where an upload may be the only copy: half of one is an outage, and never what the client sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from photovault import aws, staging
from photovault.errors import StorageUnavailable
from photovault.settings import get_settings


@contextmanager
def storage_that_answers(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A storage that gives one answer to whatever it is asked, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while b"\r\n\r\n" not in connection.recv(65536):
                        continue
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "STAGING_BUCKET": "photovault-staging",
        }.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        monkeypatch.setattr(aws, "_clients", {})
        yield
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
    get_settings.cache_clear()


@pytest.fixture
def breaking_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It announces 1,000 bytes and sends 400."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"
    with storage_that_answers(head + bytes(400), monkeypatch):
        yield


@pytest.fixture
def empty_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with storage_that_answers(head, monkeypatch):
        yield


@pytest.fixture
def closed_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As for a role that may not."""
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with storage_that_answers(head, monkeypatch):
        yield


@pytest.mark.usefixtures("breaking_storage")
def test_a_connection_that_breaks_in_the_middle_is_an_outage() -> None:
    with pytest.raises(StorageUnavailable):
        staging.get(uuid4(), uuid4(), at_most=1000)


@pytest.mark.usefixtures("breaking_storage")
def test_of_an_object_that_is_too_large_no_more_is_read_than_shows_it() -> None:
    data = staging.get(uuid4(), uuid4(), at_most=399)
    assert data is not None
    assert len(data) == 400


@pytest.mark.usefixtures("empty_storage")
def test_nothing_is_found_where_nothing_lies() -> None:
    assert staging.find(uuid4(), uuid4()) is None


@pytest.mark.usefixtures("empty_storage")
def test_a_404_of_something_in_between_does_not_say_that_nothing_arrived() -> None:
    with pytest.raises(StorageUnavailable):
        staging.get(uuid4(), uuid4(), at_most=1000)


def test_what_lies_there_is_known_without_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nLast-Modified: Fri, 01 May 2026 12:00:00 GMT\r\n"
        b"Connection: close\r\n\r\n"
    )
    user_id, image_id = uuid4(), uuid4()
    with storage_that_answers(head, monkeypatch):
        found = staging.find(user_id, image_id)
    assert found == staging.Staged(
        staging.key_of(user_id, image_id), 1234, datetime(2026, 5, 1, 12, tzinfo=UTC), user_id, image_id
    )


@pytest.mark.usefixtures("closed_storage")
def test_whoever_may_not_look_does_not_take_that_for_nothing() -> None:
    """Else a wrong size could replace that of a photo whose bytes have arrived, or plaintext be left behind."""
    with pytest.raises(StorageUnavailable):
        staging.find(uuid4(), uuid4())
    with pytest.raises(StorageUnavailable):
        staging.holds(uuid4(), uuid4())
