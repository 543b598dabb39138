"""The client of our own API: patience with what passes, none with what does not, and blobs whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photovault import client as api_client
from photovault import ids, sealing
from photovault.client import Ciphertext, Client
from photovault.errors import (
    BlobMissing,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PhotoVaultError,
    SecondFactorNeeded,
    Tampered,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

USER, IMAGE = ids.new(), ids.new()
Answers = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers in turn, the last one for ever; an exception is a connection that fails."""

    def __init__(self, *answers: httpx.Response | Exception | Answers) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def client(self) -> Client:
        return Client("https://vault.example/", transport=httpx.MockTransport(self), sleep=self.slept.append)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)


def ok(body: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(200, json=body if body is not None else {"fine": True}, headers=headers)


def problem(status: int, kind: str, detail: str = "Said so.", **headers: str) -> httpx.Response:
    body = {"type": f"https://photovault.dev/problems/{kind}", "status": status, "detail": detail}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def session(number: int) -> httpx.Response:
    return ok({"user": {"id": str(USER)}, "access_token": f"access{number}", "refresh_token": f"refresh{number}"})


# ------------------------------------------------------------------------------------------------------ requests


@pytest.mark.parametrize(
    "address", ["", "vault", "ftp://a", "https://", "https://u:p@a", "http://a?b", "http://a:x", "//a"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid):
        Client(address)


def test_the_stage_of_a_gateway_belongs_to_the_address() -> None:
    server = Server(ok())
    made = Client("https://a.example/prod/", transport=httpx.MockTransport(server))
    made.json("GET", "/health")
    assert (made.server, str(server.requests[0].url)) == ("https://a.example/prod", "https://a.example/prod/health")


@pytest.mark.parametrize("trouble", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), problem(503, "unavailable"),
                                     httpx.Response(502, text="<html>"), problem(429, "too-many-requests")],
                         ids=["connect", "timeout", "503", "502", "429"])  # fmt: skip
def test_what_passes_is_waited_for(trouble: Any) -> None:
    server = Server(trouble, trouble, ok({"a": 1}))
    assert server.client().json("GET", "/x") == {"a": 1}
    assert len(server.slept) == 2
    assert 0 < server.slept[0] < server.slept[1] * 2


def test_the_server_says_how_long_to_wait() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    server = Server(
        problem(429, "too-many-requests", Retry_After="7"),
        problem(503, "unavailable", Retry_After=soon),
        problem(503, "unavailable", Retry_After="soon"),
        ok(),
    )
    server.client().json("GET", "/x")
    assert server.slept[0] == 7
    assert 30 < server.slept[1] <= 40
    assert server.slept[2] < 5


@pytest.mark.parametrize("header", ["9" * 5000, "²", "Fri, 31 Dec 999999999 23:59:59 GMT", "-1"])
def test_a_wait_that_is_none_is_not_waited_for(header: str) -> None:
    server = Server(httpx.Response(429, headers=[(b"retry-after", header.encode("latin-1"))]), ok())
    server.client().json("GET", "/x")
    assert 0 < server.slept[0] < 5


def test_a_wait_that_is_too_long_is_the_persons_to_decide() -> None:
    server = Server(problem(429, "too-many-requests", Retry_After="900"))
    with pytest.raises(TooManyRequests) as told:
        server.client().log_in("a@example.com", "password")
    assert told.value.retry_after == 900
    assert server.slept == []


def test_what_does_not_pass_is_told_in_the_end() -> None:
    server = Server(httpx.ConnectError("no"))
    with pytest.raises(Unavailable, match=r"vault\.example cannot be reached"):
        server.client().json("GET", "/x")
    assert len(server.requests) == api_client.ATTEMPTS


def test_only_what_may_be_repeated_is() -> None:
    for trouble in (httpx.ReadTimeout("slow"), problem(503, "unavailable")):
        server = Server(trouble, ok())
        with pytest.raises(Unavailable):
            server.client().json("POST", "/albums/auto-generate", body={})
        assert len(server.requests) == 1
    server = Server(httpx.ReadTimeout("slow"), ok())
    server.client().create("/exports")
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(404, "not-found"), NotFound),
        (problem(409, "conflict"), Conflict),
        (problem(403, "forbidden"), Forbidden),
        (problem(422, "bad-cursor"), Invalid),
        (problem(418, "teapot"), PhotoVaultError),
        (httpx.Response(200, text="<html>Welcome"), Unavailable),
        (httpx.Response(404, text="no such page"), Unavailable),
        (httpx.Response(404, json=["a"]), Unavailable),
        (httpx.Response(301, headers={"location": "https://elsewhere.example/"}), Unavailable),
    ],
    ids=["404", "409", "403", "422", "unknown", "a-page", "another-404", "other-json", "redirect"],
)
def test_refusals_are_the_errors_that_the_server_raised(answer: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error) as told:
        Server(answer).client().json("GET", "/x")
    assert type(told.value) is error or error is Invalid
    assert "Said so." in str(told.value) or error is Unavailable


def test_all_pages_of_a_list() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor")
        assert request.url.params["kind"] == "trip"
        return ok({"items": [{"n": cursor}], "next_cursor": {None: "a", "a": "b", "b": None}[cursor]})

    assert [item["n"] for item in Server(page).client().items("/albums/", kind="trip")] == [None, "a", "b"]


# ------------------------------------------------------------------------------------------------------ sessions


def test_a_session_is_renewed_once_when_its_token_has_expired() -> None:
    server = Server(session(1), problem(401, "unauthenticated"), session(2), ok({"a": 1}))
    made = server.client()
    made.log_in("a@example.com", "password")
    assert made.user_id == USER
    assert made.json("GET", "/x", params={"q": "é"}) == {"a": 1}
    paths = [(request.url.path, request.headers.get("authorization")) for request in server.requests]
    assert paths == [
        ("/auth/login", None),
        ("/x", "Bearer access1"),
        ("/auth/refresh", None),
        ("/x", "Bearer access2"),
    ]
    assert server.requests[3].url.params["q"] == "é"


def test_a_refresh_token_is_never_used_twice() -> None:
    """Whose answer was lost may have been spent: once more would end the session."""
    server = Server(session(1), problem(401, "unauthenticated"), httpx.ReadTimeout("lost"))
    made = server.client()
    made.log_in("a@example.com", "password")
    with pytest.raises(Unavailable):
        made.json("GET", "/x")
    server.answers = [problem(401, "unauthenticated")]
    with pytest.raises(Unauthenticated):
        made.json("GET", "/x")
    assert [request.url.path for request in server.requests].count("/auth/refresh") == 1


def test_a_token_of_somebody_elses_making_is_used_as_it_is() -> None:
    server = Server(ok({"user": {"id": str(USER)}}), problem(401, "unauthenticated"))
    made = server.client()
    made.use_token("abc")
    assert made.user_id == USER
    with pytest.raises(Unauthenticated):
        made.json("GET", "/x")
    with pytest.raises(Unauthenticated):
        made.use_token("a\r\nX-Header: b")


def test_logging_out_ends_the_session() -> None:
    server = Server(session(1), httpx.Response(204))
    made = server.client()
    made.log_out()
    assert server.requests == []
    made.log_in("a@example.com", "password")
    made.log_out()
    made.log_out()
    assert [request.url.path for request in server.requests] == ["/auth/login", "/auth/logout"]


# ------------------------------------------------------------------------------------------------------- tickets

KEY = bytes(range(32))
PLAIN = bytes(n * 7 % 251 for n in range(300_000)) * 8  # three chunks
SEALED = sealing.seal(PLAIN, key=KEY, address=sealing.Address(USER, IMAGE, "original"))


def ticket(*parts: tuple[str, int], **changes: Any) -> dict[str, Any]:
    return {
        "url": "https://storage.example/blob",
        "parts": [{"url": url, "bytes": size} for url, size in parts] or None,
        "name": "original",
        "key": base64.urlsafe_b64encode(KEY).decode(),
        "header_sha256": hashlib.sha256(SEALED[: sealing.header_size("original")]).hexdigest(),
        "sealed_bytes": len(SEALED),
    } | changes


class Storage:
    """Files that may break off: ``lasts`` says after how many bytes each answer does."""

    def __init__(self, files: dict[str, bytes], *, lasts: list[int] | None = None, ranges: bool = True) -> None:
        self.files = files
        self.lasts = lasts or []
        self.ranges = ranges
        self.asked: list[tuple[str, str | None]] = []
        self.headers: list[httpx.Headers] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        url, wanted = str(request.url), request.headers.get("range")
        self.asked.append((url, wanted))
        self.headers.append(request.headers)
        data = self.files[url]
        start = int(match[1]) if self.ranges and (match := re.match(r"bytes=(\d+)-", wanted or "")) else 0
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        body = data[start:]
        if self.lasts:
            body = body[: self.lasts.pop(0)]
        return httpx.Response(206 if start else 200, headers=headers, stream=Body(body, whole=len(data) - start))


class Body(httpx.SyncByteStream):
    """Pieces of odd sizes, and an error where it is not whole."""

    def __init__(self, data: bytes, *, whole: int) -> None:
        self.data, self.whole = data, whole

    def __iter__(self) -> Any:
        yield from (self.data[at : at + 100_003] for at in range(0, len(self.data), 100_003))
        if len(self.data) < self.whole:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def opened(storage: Storage, given_ticket: dict[str, Any], *, image_id: UUID = IMAGE) -> bytes:
    slept: list[float] = []
    made = Client("https://vault.example", transport=httpx.MockTransport(storage), sleep=slept.append)
    made.user_id = USER
    with made.opened(given_ticket, image_id=image_id) as opener:
        return b"".join(opener.chunks(0, opener.size))


WHOLE = {"https://storage.example/blob": SEALED}


def test_a_blob_is_streamed_in_one_request_without_the_sessions_token() -> None:
    storage = Storage(WHOLE)
    assert opened(storage, ticket()) == PLAIN
    assert storage.asked == [("https://storage.example/blob", None)]
    assert "authorization" not in storage.headers[0]
    assert storage.headers[0]["accept-encoding"] == "identity"


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(1, len(SEALED) - 1), max_size=4, unique=True),
    lasts=st.lists(st.integers(1, len(SEALED)), max_size=api_client.ATTEMPTS - 1),
    ranges=st.booleans(),
)
def test_parts_and_connections_that_break_off_make_the_same_bytes(
    cuts: list[int], lasts: list[int], ranges: bool
) -> None:
    edges = [0, *sorted(cuts), len(SEALED)]
    pieces = {
        f"https://storage.example/{n}": SEALED[first:last] for n, (first, last) in enumerate(itertools.pairwise(edges))
    }
    storage = Storage(pieces, lasts=lasts, ranges=ranges)
    assert opened(storage, ticket(*((url, len(data)) for url, data in pieces.items()))) == PLAIN


def test_a_connection_that_never_holds_is_told() -> None:
    with pytest.raises(Unavailable):
        opened(Storage(WHOLE, lasts=[0] * 50), ticket())


def test_an_answer_that_ends_early_without_an_error_is_gone_on_with() -> None:
    """A gateway may answer with the beginning of a range only."""

    def storage(request: httpx.Request) -> httpx.Response:
        start = int(re.sub(r"\D", "", request.headers.get("range", "0")))
        stop = min(start + 1_000_000, len(SEALED))
        headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(SEALED)}"}
        return httpx.Response(206, headers=headers, stream=Body(SEALED[start:stop], whole=0))

    assert opened(storage, ticket()) == PLAIN  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sealed", "changes"),
    [
        (SEALED[:-1] + bytes([SEALED[-1] ^ 1]), {}),
        (SEALED[:500] + bytes([SEALED[500] ^ 1]) + SEALED[501:], {}),
        (SEALED, {"header_sha256": "00" * 32}),
        (SEALED, {"key": base64.urlsafe_b64encode(bytes(32)).decode()}),
        (SEALED, {"key": "short"}),
        (SEALED, {"name": "preview"}),
        (SEALED, {"name": "../original"}),
        (SEALED, {"sealed_bytes": len(SEALED) - 1}),
    ],
    ids=["last-byte", "first-chunk", "header", "another-key", "no-key", "another-name", "no-name", "length"],
)
def test_a_blob_that_was_tampered_with_is_refused(sealed: bytes, changes: dict[str, Any]) -> None:
    with pytest.raises(Tampered):
        opened(Storage({"https://storage.example/blob": sealed}), ticket(**changes))


def test_another_photos_blob_is_refused() -> None:
    with pytest.raises(Tampered):
        opened(Storage(WHOLE), ticket(), image_id=ids.new())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, Forbidden),
        (400, Forbidden),
        (404, BlobMissing),
        (410, BlobMissing),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_what_the_storage_refuses_is_told_apart(status: int, error: type[Exception]) -> None:
    server = Server(httpx.Response(status))
    made = server.client()
    made.user_id = USER
    with pytest.raises(error), made.opened(ticket(), image_id=IMAGE):
        pass


def test_a_ticket_that_sends_elsewhere_is_followed_and_one_that_leads_nowhere_is_not() -> None:
    storage = Storage(WHOLE)

    def sends(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/first":
            return httpx.Response(303, headers={"location": "https://storage.example/blob"})
        return storage(request)

    assert opened(sends, ticket(url="https://storage.example/first")) == PLAIN  # type: ignore[arg-type]
    for nowhere in ("file:///etc/passwd", "https://a:b", "nothing"):
        with pytest.raises(Unavailable):
            opened(storage, ticket(url=nowhere))


@pytest.mark.parametrize(
    "onward", ["http://192.168.1.1/reboot", "http://storage.example/blob", "ftp://storage.example/blob"]
)
def test_no_storage_sends_anybody_to_what_listens_at_home(onward: str) -> None:
    asked: list[str] = []

    def sends(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"location": onward})

    with pytest.raises(Unavailable):
        opened(sends, ticket())  # type: ignore[arg-type]
    assert asked == [ticket()["url"]]


def test_a_storage_that_sends_in_circles_is_left() -> None:
    def sends(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "https://storage.example/blob"})

    with pytest.raises(Unavailable, match="from address to address"):
        opened(sends, ticket())  # type: ignore[arg-type]


def test_reads_may_go_anywhere() -> None:
    made = Client("https://vault.example", transport=httpx.MockTransport(Storage(WHOLE)))
    source = Ciphertext(made, ticket())
    for offset, length in ((5, 10), (15, 10), (0, 3), (len(SEALED) - 4, 100), (1_000_000, 1_000_000)):
        assert source.read(offset, length) == SEALED[offset : offset + length]
    assert source.read(len(SEALED), 10) == b""
    source.close()


# ------------------------------------------------------------------------------------------------------- uploads


def post(server: Server, url: str = "https://s3.example/bucket", size: int = 6) -> list[bytes]:
    """What came to the storage, try by try."""
    came: list[bytes] = []

    def receive(request: httpx.Request) -> httpx.Response:
        came.append(request.read())
        return server(request)

    client = Client("https://vault.example", transport=httpx.MockTransport(receive), sleep=server.slept.append)
    client.post_form(url, {"key": "a", 'x"\r\n': "b"}, size=size, chunks=lambda: iter([b"abc", b"def"]))
    return came


def test_a_form_carries_its_fields_and_then_the_file() -> None:
    server = Server(httpx.Response(204))
    (body,) = post(server)
    request = server.requests[0]
    assert int(request.headers["content-length"]) == len(body)
    assert "authorization" not in request.headers
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)
    assert [part.partition(b"\r\n\r\n")[2] for part in parts[1:4]] == [b"a\r\n", b"b\r\n", b"abcdef\r\n"]
    assert parts[4] == b"--\r\n"
    assert b'name="x%22%0D%0A"' in parts[2], "a name cannot end its header"


def test_a_file_is_begun_anew_each_time() -> None:
    first, second = post(Server(httpx.Response(503), httpx.Response(204)))
    assert first == second


def test_a_storage_says_how_long_to_wait() -> None:
    server = Server(httpx.Response(503, headers={"retry-after": "7"}), httpx.Response(204))
    post(server)
    assert server.slept == [7.0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(httpx.Response(403), Forbidden), (httpx.Response(400, text="<Code>ExpiredToken</Code>"), Forbidden),
     (httpx.Response(400, text="<Code>BadDigest</Code>"), api_client.OtherBytes),
     (httpx.Response(404, text="<Code>NoSuchBucket</Code>"), Unavailable), (httpx.Response(307), Unavailable),
     (httpx.Response(418, text="<html>"), Unavailable)],
    ids=["403", "expired", "digest", "no bucket", "redirect", "odd"],
)  # fmt: skip
def test_what_will_not_pass_is_not_tried_again(answer: httpx.Response, error: type[Exception]) -> None:
    server = Server(answer)
    with pytest.raises(error):
        post(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["http://s3.example/bucket", "file:///etc/passwd", "s3.example", "https://"])
def test_photos_go_to_no_address_that_is_not_safe(url: str) -> None:
    server = Server(httpx.Response(204))
    with pytest.raises(Unavailable):
        post(server, url)
    assert server.requests == []


# ---------------------------------------------------------------------------------------------------- the rest


def test_a_post_that_found_no_connection_is_tried_again_and_one_that_broke_off_is_not() -> None:
    server = Server(httpx.ConnectError("no route"), ok())
    server.client().json("POST", "/x")
    assert len(server.requests) == 2
    broken = Server(httpx.ReadError("broke off"), ok())
    with pytest.raises(Unavailable):
        broken.client().json("POST", "/x")
    assert len(broken.requests) == 1
    again = Server(httpx.ReadError("broke off"), ok())
    again.client().json("POST", "/x", repeatable=True)
    assert len(again.requests) == 2


def test_a_second_factor_is_an_error_of_its_own() -> None:
    server = Server(problem(401, "second-factor-needed"))
    with pytest.raises(SecondFactorNeeded):
        server.client().log_in("ada@example.com", "x")
    with pytest.raises(Unauthenticated):
        Server(problem(401, "something-new")).client().log_in("ada@example.com", "x")


def test_a_look_tells_the_servers_clock_and_never_waits() -> None:
    seen = Server(ok({"version": "1"}, date="Sun, 06 Nov 1994 08:49:37 GMT")).client().sight("/health")
    assert (seen.status, seen.body) == (200, {"version": "1"})
    assert seen.server_time == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    odd = Server(httpx.Response(502, text="<html>")).client().sight("/health")
    assert (odd.status, odd.body, odd.server_time) == (502, {}, None)
    away = Server(httpx.ConnectError("no"))
    with pytest.raises(Unavailable):
        away.client().sight("/health")
    assert away.slept == []
