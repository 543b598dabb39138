"""Reading staging, where an upload may be the only copy: half of one is an outage, and never what the client sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from photovault import aws, staging
from photovault.errors import StorageUnavailable
from photovault.settings import get_settings


@pytest.fixture
def breaking_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A storage that announces 1,000 bytes and hangs up after 400, each time."""
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
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n" + bytes(400)
                    )

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


@pytest.mark.usefixtures("breaking_storage")
def test_a_connection_that_breaks_in_the_middle_is_an_outage() -> None:
    with pytest.raises(StorageUnavailable):
        staging.get(uuid4(), uuid4(), at_most=1000)


@pytest.mark.usefixtures("breaking_storage")
def test_of_an_object_that_is_too_large_no_more_is_read_than_shows_it() -> None:
    data = staging.get(uuid4(), uuid4(), at_most=399)
    assert data is not None
    assert len(data) == 400
