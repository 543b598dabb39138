"""The API behind a real server and a real socket: slow, large and odd requests, CORS, and paths that climb."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from fastapi import APIRouter
from infra.local.api import start_api
from infra.local.ports import free_port
from tests.arranging import Sent, add_photo
from tests.shared.api import described
from tests.vaults import Somebody, client, somebody

GALLERY = "https://gallery.example"
SECONDS = 30
SETTINGS = ("APP_ENV", "DATABASE_URL", "JWT_SECRET", "MASTER_KEY", "STORAGE_DRIVER", "STORAGE_ROOT", "STAGING_BUCKET",
            "AWS_ENDPOINT_URL", "ALBUMS_QUEUE_URL", "VISION_QUEUE_URL", "EMBEDDING_QUEUE_URL")  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What came over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Served:
    """uvicorn with the whole API, on the vault's database."""

    port: int
    log: Path

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as made:
            yield made

    def says(self, request: bytes, *, method: str = "GET") -> Answer:
        """The answer to these very bytes."""
        with self.connection() as made:
            made.sendall(request)
            return read(made, method=method)

    def get(self, target: str, *headers: str) -> Answer:
        lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
        return self.says("\r\n".join(lines).encode("latin-1"))

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def read(made: socket.socket, *, method: str = "GET") -> Answer:
    response = HTTPResponse(made, method=method)
    response.begin()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def test_another_program_that_has_taken_the_port_is_not_taken_for_the_api(vault: Path, tmp_path: Path) -> None:
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

    environment = {name: os.environ[name] for name in SETTINGS}
    with ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(RuntimeError, match=f"another program has taken port {other.server_port}"):
            start_api(other.server_port, environment, tmp_path / "api.log")
        other.shutdown()


@pytest.fixture(scope="module")
def served(vault: Path) -> Iterator[Served]:
    port, log = free_port(), vault / "served.log"
    environment = {name: os.environ[name] for name in SETTINGS}
    child = start_api(port, {**environment, "CORS_ORIGINS": GALLERY, "PUBLIC_URL": f"http://127.0.0.1:{port}"}, log)
    yield Served(port, log)
    child.stop(patience=5)
    # Whatever came, the server itself never stumbled.
    assert "Traceback" not in log.read_text()
    assert "request.crashed" not in log.read_text()


@pytest.fixture(scope="module")
def ada(vault: Path) -> Somebody:
    return somebody()


def assert_problem(answer: Answer, status: int) -> None:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(answer.body)["status"] == status


# ---------------------------------------------------------------------------------------------------- bodies


def post(path: str, ada: Somebody, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {ada.access_token}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(served: Served, ada: Somebody) -> None:
    for path, size in (
        ("/images/upload", 26 * 1024 * 1024),
        ("/albums/manual", 1024 * 1024 + 1),
        ("/auth/login", 10**17),
    ):
        answer = served.says(post(path, ada, "Content-Type: application/json", f"Content-Length: {size}"))
        assert_problem(answer, 413)


def test_a_body_that_does_not_say_how_long_it_is_may_not_grow_without_end(served: Served, ada: Somebody) -> None:
    head = post("/albums/manual", ada, "Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert_problem(served.says(head + chunk * 17), 413)


def test_somebody_slow_keeps_nobody_waiting(served: Served, ada: Somebody) -> None:
    """Forty requests whose bodies do not end: others are answered meanwhile, and so are they, when they end."""
    body = b'{"title": "slow"}'
    head = post("/albums/manual", ada, "Content-Type: application/json", f"Content-Length: {len(body)}")
    held = [socket.create_connection(("127.0.0.1", served.port), timeout=SECONDS) for _ in range(40)]
    try:
        for made in held:
            made.sendall(head + body[:5])
        assert served.get("/health").status == 200
        assert httpx.get(served.url("/albums/"), headers=ada.headers, timeout=SECONDS).status_code == 200
        held[0].sendall(body[5:])
        assert read(held[0]).status == 201
    finally:
        for made in held:
            made.close()
    assert served.get("/health").status == 200


def test_a_client_that_asks_before_it_sends_is_told_to_go_on_or_to_stop(served: Served, ada: Somebody) -> None:
    body = b'{"title": "asked first"}'
    expecting = ("Content-Type: application/json", "Expect: 100-continue")
    with served.connection() as made:
        made.sendall(post("/albums/manual", ada, *expecting, f"Content-Length: {len(body)}"))
        assert made.recv(1024).startswith(b"HTTP/1.1 100 ")
        made.sendall(body)
        assert read(made).status == 201
    with served.connection() as made:
        made.sendall(post("/albums/manual", ada, *expecting, "Content-Length: 2000000"))
        assert made.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /health HTTP/1.1\r\n\r\n",  # no Host
        b"POST /albums/manual HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /albums/manual HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /albums/manual HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /albums/manual HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
        b"GET /docs/assets/\xc0\xae\xc0\xae/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_client_error_of_the_server(served: Served, request_line: bytes) -> None:
    with served.connection() as made:
        made.sendall(request_line)
        assert made.recv(10) == b"HTTP/1.1 4"
    assert served.get("/health").status == 200


# ------------------------------------------------------------------------------------------------ methods, CORS


def test_heads_and_methods_that_a_path_does_not_have(served: Served, ada: Somebody) -> None:
    for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"):
        head = f"{method} /images/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        answer = served.says(head.encode(), method=method)
        assert answer.status == 405, method
        assert answer.headers["allow"] == "GET"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert bool(answer.body) == (method != "HEAD")


def test_the_gallery_may_ask_from_its_origin_and_no_other_page(served: Served) -> None:
    asked = ["OPTIONS /images/list HTTP/1.1", "Host: a", "Connection: close", "Access-Control-Request-Method: GET",
             "Access-Control-Request-Headers: authorization,range,idempotency-key"]  # fmt: skip

    def preflight(origin: str) -> Answer:
        return served.says("\r\n".join([*asked, f"Origin: {origin}", "", ""]).encode())

    allowed = preflight(GALLERY)
    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == GALLERY
    assert "origin" in allowed.headers["vary"].lower()
    assert "access-control-allow-credentials" not in allowed.headers
    for other in (
        "https://evil.example",
        GALLERY + ".evil.example",
        "null",
        "http://gallery.example",
        GALLERY + ":8443",
    ):
        refused = preflight(other)
        assert refused.status == 400
        assert "access-control-allow-origin" not in refused.headers


def test_errors_can_be_read_by_the_gallery_too(served: Served, ada: Somebody) -> None:
    """Else a browser tells the page only that something failed: 401, 404, 413 and 422 name the origin."""
    origin = {"Origin": GALLERY}
    answers = [
        httpx.get(served.url("/images/list"), headers=origin),
        httpx.get(served.url("/nowhere"), headers=origin),
        httpx.get(served.url("/images/x"), headers=origin | ada.headers),
        httpx.post(served.url("/auth/login"), headers=origin, content=b"a" * (1024 * 1024 + 1)),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 422, 413]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == GALLERY
    elsewhere = httpx.get(served.url("/images/list"), headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in elsewhere.headers


def test_a_crash_is_a_problem_with_the_headers_of_every_answer(vault: Path) -> None:
    router = APIRouter()

    @router.get("/crash")
    def crash() -> None:
        raise ZeroDivisionError("a secret detail")

    with client([router]) as http:
        answer = http.get("/crash")
    body = described.assert_problem(answer)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert body["request_id"] in body["detail"]
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


# -------------------------------------------------------------------------------------------------------- paths


@pytest.mark.parametrize(
    "target",
    [
        "/docs/assets/../../../../../../etc/passwd", "/docs/assets/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/docs/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/docs/assets//etc/passwd", "/docs/assets/%2fetc%2fpasswd",
        "/docs/assets/..%5c..%5cetc%5cpasswd", "/docs/assets/swagger-ui.css%00.html", "/docs/assets/..;/etc/passwd",
        "/docs/assets/%252e%252e%252fetc%252fpasswd", "/docs/assets/.",
        "/../../etc/passwd", "//etc/passwd", "/blobs/../../etc/passwd",
        "/blobs/..%2f..%2fetc/passwd?expires=1&signature=x",
        "/blobs/..%2f../x?expires=99999999999&signature=x", "/blobs/%2e%2e/%2e%2e?expires=99999999999&signature=x",
        "/blobs/ab/..%2f..%2f..%2fetc%2fpasswd?expires=99999999999&signature=x",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_served(served: Served, target: str) -> None:
    answer = served.get(target)
    assert answer.status in {403, 404, 422}, answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"root:" not in answer.body


def test_the_documents_assets_are_served(served: Served) -> None:
    assert served.get("/docs/assets/swagger-ui.css").status == 200


@pytest.mark.parametrize("host", ["evil.example", "a b", "[", "x@y", 'a"b', "localhost:99999999", ""])
def test_a_host_that_is_none_breaks_nothing(served: Served, host: str) -> None:
    """The name is the client's to choose: it is shown back to nobody but in the document's own address."""
    request = f"GET /images/list HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = served.says(request.encode())
    assert answer.status in {400, 401}
    document = served.says(f"GET /openapi.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert document.status in {200, 400}


# ----------------------------------------------------------------------------------------------- names in headers


@pytest.mark.parametrize(
    "filename",
    [
        "a\r\nSet-Cookie: stolen=1\r\n\r\n<script>.jpg", 'a"; filename="b.html', "a\x00b.jpg", "\u202egpj.exe",
        "ü🧨.jpg",
        "a;b=c.jpg", "a\\\"b.jpg", "%0d%0aX: y.jpg", "\n", "a\u2028b\u0085c.jpg",
    ],
)  # fmt: skip
def test_a_files_name_stays_inside_its_header(served: Served, vault: Path, sent: Sent, filename: str) -> None:
    """Announced as such it is cleaned; and were it in the database in spite of that, it could still add no header."""
    ada = somebody()
    item = {"filename": filename, "content_type": "image/jpeg", "size": 1, "sha256": "0" * 64}
    with httpx.Client(base_url=served.url(""), headers=ada.headers, timeout=SECONDS) as http:
        (announced,) = http.post("/images/uploads", json={"items": [item]}).json()["items"]
        kept = http.get(f"/images/{announced['image_id']}").json()["filename"]
        assert kept == "".join(kept.splitlines()).replace("\x00", "") != ""
        assert "\u202e" not in kept
        photo = add_photo(ada.user_id, filename=filename.replace("\x00", ""))
        described.seal(ada.user_id, photo)
        answer = http.get(f"/images/{photo}/view", params={"rendition": "original"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "x" not in answer.headers
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith('inline; filename="')
        assert disposition.count('"') == 2
        assert disposition.isascii()
        assert disposition.isprintable()
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["content-type"] == "image/jpeg"


def test_html_in_a_name_comes_as_json(served: Served, ada: Somebody) -> None:
    tag = "<script>alert(1)</script>"
    answer = httpx.post(served.url("/albums/manual"), headers=ada.headers, json={"title": tag}, timeout=SECONDS)
    assert answer.json()["title"] == tag
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
