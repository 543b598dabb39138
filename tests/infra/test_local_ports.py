"""A port that is taken is not an obstacle."""

import socket

from infra.local.ports import free_port


def test_a_port_where_nobody_listens_is_taken_as_asked() -> None:
    port = free_port()
    assert free_port(port) == port


def test_another_one_is_found_when_somebody_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert free_port(taken) not in {0, taken}
