"""Posting to an address that somebody else chose, without being led anywhere else.

The host's name is resolved once, all its addresses are checked, and the connection goes to the address that was
checked: a name server that answers otherwise the second time (DNS rebinding) is not asked a second time. TLS is for the
host's name. Redirects are not followed, proxies of the environment not asked, and the answer's body is not read.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from photovault import public_addresses
from photovault.public_addresses import Target

# For everything together: the name, the connection, the post and the answer.
SECONDS = 10.0
# For the name alone, while a person waits.
LOOK_UP_SECONDS = 3.0
# What a name server says that is there, of a name that is not.
_UNKNOWN = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Outcome:
    """The answer's status, or in a few words why there was none. Nothing of what the receiver said is kept."""

    status: int | None = None
    trouble: str | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _Late(Exception):
    pass


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host. Raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def post(
    target: Target,
    body: str,
    headers: Mapping[str, str],
    *,
    loopback: bool = False,
    resolver: Resolve = resolve,
    seconds: float = SECONDS,
) -> Outcome:
    """Post and say what came of it; never raises for what the other side does."""
    end = time.monotonic() + seconds
    try:
        addresses = _in_time(lambda: resolver(target.host, target.port), end)
        address = public_addresses.chosen(addresses, secure=target.secure, loopback=loopback)
        if address is None:
            return Outcome(trouble="the host's address is not one of the public internet")
        return Outcome(status=_posted(target, address, body.encode(), dict(headers), end))
    except (_Late, TimeoutError):
        return Outcome(trouble=f"no answer within {seconds:g} seconds")
    except socket.gaierror:
        return Outcome(trouble="the host's name is not known")
    except ssl.SSLCertVerificationError:
        return Outcome(trouble="the certificate does not fit the host")
    except ssl.SSLError:
        return Outcome(trouble="no TLS connection")
    except ConnectionRefusedError:
        return Outcome(trouble="the connection was refused")
    except (OSError, HTTPException, ValueError):
        return Outcome(trouble="the connection broke off")


def require_reachable(target: Target, *, loopback: bool = False, resolver: Resolve | None = None) -> None:
    """Look a host up for whoever has just typed it. Raises ``Invalid`` when nobody knows it, or it leads inside.

    A name server that is away, or slow, is no reason: addresses are looked up and checked anew for each post.
    """
    ask = resolver or resolve
    try:
        addresses = _in_time(lambda: ask(target.host, target.port), time.monotonic() + LOOK_UP_SECONDS)
    except _Late:
        return
    except socket.gaierror as error:
        if isinstance(error.__cause__, UnicodeError) or getattr(error.__cause__, "errno", None) in _UNKNOWN:
            raise public_addresses.refused("names a host that nobody knows") from None
        return
    if public_addresses.chosen(addresses, secure=target.secure, loopback=loopback) is None:
        raise public_addresses.refused("leads to an address that is not of the public internet")


def _in_time(ask: Callable[[], list[str]], end: float) -> list[str]:
    """The answer of something that has no time-out of its own. Raises ``_Late``, and what it raised."""
    answers: list[list[str]] = []
    errors: list[OSError | UnicodeError] = []

    def run() -> None:
        try:
            answers.append(ask())
        except (OSError, UnicodeError) as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.0, end - time.monotonic()))
    if errors:
        raise socket.gaierror from errors[0]
    if not answers:
        raise _Late
    return answers[0]


def _posted(target: Target, address: str, body: bytes, headers: dict[str, str], end: float) -> int:
    connection = _connection(target, address, timeout=max(0.1, end - time.monotonic()))
    # A time-out of the socket begins anew with each byte: who sends one every nine seconds would never be late.
    watch = threading.Timer(max(0.1, end - time.monotonic()), _cut, [connection])
    watch.daemon = True
    watch.start()
    try:
        connection.connect()
        if time.monotonic() >= end:  # there may have been nothing yet to cut off
            raise _Late
        connection.request("POST", target.path, body, headers | {"Host": target.authority, "Connection": "close"})
        status = connection.getresponse().status
    except (OSError, HTTPException):
        if time.monotonic() >= end:
            raise _Late from None
        raise
    else:
        if time.monotonic() >= end:  # what was cut off may look like the end of an answer
            raise _Late
        return status
    finally:
        watch.cancel()
        connection.close()


def _connection(target: Target, address: str, *, timeout: float) -> HTTPConnection:
    if not target.secure:
        return HTTPConnection(address, target.port, timeout=timeout)
    return _Pinned(target.host, address, target.port, timeout=timeout)


class _Pinned(HTTPSConnection):
    """TLS with a host at an address that was looked up, and checked, before."""

    def __init__(self, host: str, address: str, port: int, *, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout, context=_tls())
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        secured = _tls().wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = secured  # before TLS is agreed on, so that it can be cut off meanwhile
        secured.do_handshake()


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _cut(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS would take itself apart under who is using it
