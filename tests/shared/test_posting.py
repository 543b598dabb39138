"""Posting to an address that somebody else chose: pinned, verified, in time, and never led anywhere else."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.receivers import Receiver, listening

from photovault import posting, public_addresses
from photovault.posting import Outcome, post
from photovault.public_addresses import Target

HOST = "hooks.example"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as made:
        yield made


def plain(receiver: Receiver, path: str = "/hook") -> Target:
    return Target(secure=False, host=HOST, port=receiver.port, path=path)


def here(host: str, port: int) -> list[str]:
    del host, port
    return ["127.0.0.1"]


def test_what_is_posted_arrives_with_its_headers_under_the_hosts_name(receiver: Receiver) -> None:
    outcome = post(plain(receiver, "/hook?a=b"), '{"x":1}', {"webhook-id": "7"}, loopback=True, resolver=here)
    assert outcome == Outcome(status=204)
    assert outcome.delivered
    (got,) = receiver.posts
    assert (got.path, got.body) == ("/hook?a=b", b'{"x":1}')
    assert got.headers["webhook-id"] == "7"
    assert got.headers["host"] == f"{HOST}:{receiver.port}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer_and_leads_nowhere(status: int) -> None:
    with listening() as elsewhere, listening(headers={"Location": f"http://127.0.0.1:{elsewhere.port}/"}) as receiver:
        receiver.answers = [status]
        outcome = post(plain(receiver), "{}", {}, loopback=True, resolver=here)
    assert outcome == Outcome(status=status)
    assert not outcome.delivered
    assert elsewhere.posts == []


def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(plain(receiver), "{}", {}, loopback=True, resolver=here).delivered
    assert proxy.posts == []


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"], ["::ffff:169.254.169.254"], []]
)
def test_a_name_that_leads_inside_is_not_connected_to(addresses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    target = public_addresses.parse("https://inside.example/hook")
    outcome = post(target, "{}", {}, resolver=lambda *_: addresses)
    assert not outcome.delivered
    assert outcome.trouble == "the host's address is not one of the public internet"


def test_the_machine_itself_is_not_posted_to_unless_that_is_said(receiver: Receiver) -> None:
    assert not post(plain(receiver), "{}", {}, resolver=here).delivered
    assert receiver.posts == []


def test_a_name_that_changes_its_address_is_asked_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is public, and checked; the second, which would be inside, is never asked for."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        del port
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("the name was looked up again"))
    outcome = post(public_addresses.parse("https://rebound.example/hook"), "{}", {}, resolver=rebinding)
    assert outcome.trouble == "the connection was refused"
    assert asked == ["rebound.example"]
    assert connected == [("93.184.216.34", 443)]
    assert receiver.posts == []


def test_the_systems_resolver_gives_all_addresses() -> None:
    assert set(posting.resolve("localhost", 80)) <= {"127.0.0.1", "::1"}
    assert posting.resolve("127.0.0.1", 80) == ["127.0.0.1"]


def test_a_name_that_is_none_is_said_so() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, f"{host}:{port}")

    outcome = post(public_addresses.parse("https://nowhere.example/"), "{}", {}, resolver=unknown)
    assert outcome == Outcome(trouble="the host's name is not known")


# ------------------------------------------------------------------------------------------------------------------ TLS


def certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate for the host, which it signed itself, and that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / f"{host}.pem", folder / f"{host}.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return context, chain


def trusting(chain: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(chain))


def test_tls_is_with_the_host_at_the_address_that_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, chain = certificate(tmp_path, HOST)
    monkeypatch.setattr(posting, "_tls", lambda: trusting(chain))
    with listening(tls=server) as receiver:
        target = Target(secure=True, host=HOST, port=receiver.port, path="/")
        assert post(target, "{}", {}, loopback=True, resolver=here) == Outcome(status=204)


def test_a_certificate_of_another_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, chain = certificate(tmp_path, "other.example")
    monkeypatch.setattr(posting, "_tls", lambda: trusting(chain))
    with listening(tls=server) as receiver:
        target = Target(secure=True, host=HOST, port=receiver.port, path="/")
        outcome = post(target, "{}", {}, loopback=True, resolver=here)
        assert receiver.posts == []
    assert outcome == Outcome(trouble="the certificate does not fit the host")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path, HOST)
    with listening(tls=server) as receiver:
        target = Target(secure=True, host=HOST, port=receiver.port, path="/")
        outcome = post(target, "{}", {}, loopback=True, resolver=here)
        assert receiver.posts == []
    assert outcome == Outcome(trouble="the certificate does not fit the host")


# ----------------------------------------------------------------------------------------------------------------- time


@contextmanager
def dripping(first: bytes) -> Iterator[int]:
    """A server that sends something at once and then a byte now and then, for ever: never silent, never done."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(first)
                while not ended.wait(0.05):
                    connection.sendall(b"x")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.close()
        thread.join()


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nx-slow: "], ids=["in the status", "in a header"])
def test_an_answer_that_never_ends_is_cut_off(first: bytes) -> None:
    with dripping(first) as port:
        target = Target(secure=False, host=HOST, port=port, path="/")
        outcome = post(target, "{}", {}, loopback=True, resolver=here, seconds=0.5)
    assert outcome == Outcome(trouble="no answer within 0.5 seconds")


def test_who_is_slow_to_connect_and_to_agree_on_tls_has_no_more_time_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time runs out while TLS is agreed on, where a socket is in the hands of another, and then bytes drip for ever."""
    server, chain = certificate(tmp_path, HOST)
    monkeypatch.setattr(posting, "_tls", lambda: trusting(chain))
    listener, ended, agreed = socket.create_server(("127.0.0.1", 0)), threading.Event(), threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            ended.wait(1.4)
            with server.wrap_socket(connection, server_side=True) as secured:
                agreed.set()
                while not ended.wait(0.05):
                    secured.sendall(b"x")

    connect = socket.create_connection

    def slowly(*given: Any) -> socket.socket:
        made = connect(*given)
        ended.wait(0.7)
        return made

    monkeypatch.setattr(socket, "create_connection", slowly)
    outcomes: list[Outcome] = []
    target = Target(secure=True, host=HOST, port=listener.getsockname()[1], path="/")

    def ask() -> None:
        outcomes.append(post(target, "{}", {}, loopback=True, resolver=here, seconds=1))

    serving, asking = threading.Thread(target=serve, daemon=True), threading.Thread(target=ask, daemon=True)
    serving.start()
    asking.start()
    asking.join(5)
    came = list(outcomes)
    ended.set()
    listener.close()
    serving.join()
    assert came == [Outcome(trouble="no answer within 1 seconds")]
    assert not agreed.is_set()


def test_a_body_of_any_length_is_not_waited_for() -> None:
    with dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n") as port:
        target = Target(secure=False, host=HOST, port=port, path="/")
        assert post(target, "{}", {}, loopback=True, resolver=here) == Outcome(status=200)


def test_a_name_server_that_says_nothing_is_not_waited_for() -> None:
    silent = threading.Event()

    def resolver(host: str, port: int) -> list[str]:
        del host, port
        silent.wait(30)
        return []

    outcome = post(public_addresses.parse("https://slow.example/"), "{}", {}, resolver=resolver, seconds=0.3)
    silent.set()
    assert outcome == Outcome(trouble="no answer within 0.3 seconds")


def test_a_receiver_that_is_not_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    target = Target(secure=False, host=HOST, port=port, path="/")
    assert post(target, "{}", {}, loopback=True, resolver=here) == Outcome(trouble="the connection was refused")
