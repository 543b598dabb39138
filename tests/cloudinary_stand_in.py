"""A stand-in for Cloudinary's API on a loopback port: what its Python SDK uses for raw files, and its bad days.

    with StandIn() as cloud:                      # in a test; ``cloud.url`` is CLOUDINARY_UPLOAD_PREFIX
        cloud.fault("status", status=503)         # every request from now on
        cloud.fault("hang", seconds=5, on="upload", times=1)
        cloud.well()                              # no faults any more
        cloud.stop(); cloud.start()               # down (connections are refused), and up on the same port
        cloud.files                               # what it stores, by (cloud name, public id)
        cloud.requests                            # what it was asked

    python -m tests.cloudinary_stand_in --port 8765 --folder /somewhere

As a program it keeps its files under the folder (``<folder>/<cloud name>/<public id, slashes as %2F>``), so that it
can be killed and started again and its bytes can be searched. ``POST /_faults`` with ``{"kind": "status", "status":
503, "on": "upload", "times": 3}`` adds a fault, ``DELETE /_faults`` clears them.

Kinds of fault: ``status`` (an error of that status), ``hang`` (nothing for some seconds, then the connection ends),
``cut`` (an answer's body ends half-way), ``lose`` (the request is carried out and the connection ends without an
answer). ``on`` is upload, destroy, download, resources, usage or ping; without it, all of them.

It checks the signature of each upload, deletion and download (SHA-1 or SHA-256), the age of its timestamp (one hour),
the user and password of the Admin API, its hourly limit (500 calls), and the plan's limit on the size of a file.

Written from Cloudinary's documentation ("Upload API reference", "Admin API reference", "Generating authentication
signatures") and the source of its Python SDK 1.46. Assumed of the real service, for it could not be run here:

* ``overwrite=false`` answers for a public id that is taken with the file that is there and ``"existing": true``;
* ``etag`` is the MD5 of a raw file's bytes;
* the download address serves the file itself, knows Range requests (``ignore_ranges`` turns that off), and
  ``expires_at`` replaces the hour that a timestamp is good for;
* the words of errors other than those for size, age, signature and "Resource not found", which are quoted from
  reports of users;
* listings with a prefix come in the order of public ids, others in that of creation. The driver relies on neither.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

MIB = 1024 * 1024
HOUR = 3600

CLOUD, API_KEY, API_SECRET = "photovault-tests", "874837483274837", "a-secret-of-the-stand-in"
# Not part of what is signed ("Generating authentication signatures").
UNSIGNED = {"file", "cloud_name", "resource_type", "api_key", "signature"}


@dataclass(frozen=True)
class Account:
    """A product environment's credentials."""

    api_key: str = API_KEY
    api_secret: str = API_SECRET


@dataclass(frozen=True)
class File:
    """A stored raw file; ``type`` is its delivery type, ``created`` in seconds since 1970."""

    data: bytes
    type: str
    created: float
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Request:
    """One request as it was answered: its action, the public id or prefix, the status (0: no answer), the bytes of
    the body that were sent, the Range header, and the number of the connection it came on."""

    action: str
    subject: str
    status: int
    sent: int
    range: str
    connection: int


@dataclass
class Fault:
    """Something that goes wrong after ``after`` requests, ``times`` times or until all is well again."""

    kind: Literal["status", "hang", "cut", "lose"]
    status: int = 503
    seconds: float = 30
    on: str = ""
    times: int | None = None
    after: int = 0


class Refused(Exception):
    """An error of the API, with Cloudinary's status and words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Answer:
    """An answer that is to be sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class StandIn:
    """The service. ``accounts`` by cloud name; ``clock`` gives seconds since 1970; ``folder`` keeps files on disk."""

    def __init__(
        self,
        *,
        port: int = 0,
        folder: Path | None = None,
        accounts: Mapping[str, Account] | None = None,
        max_file_bytes: int = 10 * MIB,
        signature_algorithm: Literal["sha1", "sha256"] = "sha1",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.accounts = dict(accounts or {CLOUD: Account()})
        self.max_file_bytes = max_file_bytes
        self.signature_algorithm = signature_algorithm
        self.clock = clock
        self.ignore_ranges = False
        self.slow_reading = 0.0  # seconds that it takes for each 64 KiB of a request
        self.admin_calls_left = 500
        self.most_results = 500
        self.files: dict[tuple[str, str], File] = {}
        self.requests: list[Request] = []
        self.connections = 0
        self._folder = folder
        self._faults: list[Fault] = []
        self._chunks: dict[str, dict[int, bytes]] = {}
        self._lock = threading.RLock()
        self._healed = threading.Event()
        self._port = port
        self._server: _Server | None = None
        self._load()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> StandIn:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before a stop."""
        self._healed.clear()
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and end those that are open."""
        if self._server is not None:
            self._healed.set()
            self._server.shutdown()
            self._server.server_close()
            self._server.end_connections()
            self._server = None

    def fault(
        self,
        kind: Literal["status", "hang", "cut", "lose"],
        *,
        status: int = 503,
        seconds: float = 30,
        on: str = "",
        times: int | None = None,
        after: int = 0,
    ) -> None:
        with self._lock:
            self._faults.append(Fault(kind, status, seconds, on, times, after))

    def well(self) -> None:
        """No faults any more; requests that hang end."""
        with self._lock:
            self._faults.clear()
            self._healed.set()
            self._healed = threading.Event()

    def forget_requests(self) -> None:
        with self._lock:
            self.requests.clear()

    def asked(self, action: str) -> list[Request]:
        """The requests of one kind so far."""
        with self._lock:
            return [request for request in self.requests if request.action == action]

    def stored(self) -> Iterator[bytes]:
        """The bytes of all files, to be searched."""
        with self._lock:
            files = list(self.files.values())
        return (file.data for file in files)

    # Below: what the handler of connections calls

    def fault_of(self, action: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.on in {"", action}:
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times == 0:
                            self._faults.remove(fault)
                    return fault
        return None

    def hang(self, seconds: float) -> None:
        self._healed.wait(seconds)

    def log(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def answer(self, cloud: str, action: str, values: Mapping[str, Any], headers: Message) -> Answer:
        """What Cloudinary answers to one request of its API. Raises ``Refused``."""
        with self._lock:
            account = self.accounts.get(cloud)
            if account is None:
                raise Refused(401, f"Invalid cloud_name {cloud}")
            if action in {"resources", "usage", "ping"}:
                self._check_admin(account, headers)
                return getattr(self, f"_{action}")(cloud, values)  # type: ignore[no-any-return]
            self._check_signature(account, values, action)
            if action == "upload":
                return self._upload(cloud, values, headers)
            if action == "destroy":
                return self._destroy(cloud, values)
            return self._download(cloud, values, headers)

    def _check_admin(self, account: Account, headers: Message) -> None:
        wanted = base64.b64encode(f"{account.api_key}:{account.api_secret}".encode()).decode()
        if not hmac.compare_digest(headers.get("Authorization", ""), f"Basic {wanted}"):
            raise Refused(401, "Invalid credentials")
        if self.admin_calls_left <= 0:
            raise Refused(420, "Rate Limit Exceeded. Limit of 500 api operations reached. Try again later.")
        self.admin_calls_left -= 1

    def _check_signature(self, account: Account, values: Mapping[str, Any], action: str) -> None:
        if values.get("api_key") != account.api_key:
            raise Refused(401, f"Unknown API key {values.get('api_key')}")
        to_sign = "&".join(
            f"{name}={value}".replace("&", "%26")
            for name, value in sorted(values.items())
            if name not in UNSIGNED and value != ""
        )
        signature = hashlib.new(self.signature_algorithm, (to_sign + account.api_secret).encode()).hexdigest()
        if not hmac.compare_digest(str(values.get("signature", "")), signature):
            raise Refused(401, f"Invalid Signature {values.get('signature')}. String to sign - '{to_sign}'.")
        if action == "download" and "expires_at" in values:
            if self.clock() >= int(values["expires_at"]):
                raise Refused(401, "The link has expired")
        elif abs(self.clock() - int(values.get("timestamp", 0))) > HOUR:
            reported = time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(int(values.get("timestamp", 0))))
            raise Refused(400, f"Stale request - reported time is {reported} which is more than 1 hour ago")

    def _upload(self, cloud: str, values: Mapping[str, Any], headers: Message) -> Answer:
        data = values.get("file")
        if not isinstance(data, bytes):
            raise Refused(400, "Missing required parameter - file")
        public_id = values["public_id"]
        if "Content-Range" in headers:
            whole = self._collect(headers["X-Unique-Upload-Id"], headers["Content-Range"], data)
            if whole is None:
                return _json({"done": False, "public_id": public_id, "bytes": len(data)})
            data = whole
        if not data:
            raise Refused(400, "Empty file")
        if len(data) > self.max_file_bytes:
            raise Refused(
                400,
                f"File size too large. Got {len(data)}. Maximum is {self.max_file_bytes}. Upgrade your plan to enjoy "
                "higher limits https://www.cloudinary.com/pricing/upgrades/file-limit",
            )
        kept = self.files.get((cloud, public_id))
        if kept is not None and values.get("overwrite") == "0":
            return _json(self._described(public_id, kept) | {"existing": True})
        options = {name: str(value) for name, value in values.items() if name not in UNSIGNED}
        file = File(data, values.get("type", "upload"), self.clock(), options)
        self.files[cloud, public_id] = file
        self._save(cloud, public_id, file)
        return _json(self._described(public_id, file))

    def _collect(self, upload_id: str, content_range: str, data: bytes) -> bytes | None:
        """The SDK's ``upload_large``: chunks of one upload, and the whole file with the last of them."""
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", content_range)
        if match is None or int(match[2]) - int(match[1]) + 1 != len(data):
            raise Refused(400, "Invalid Content-Range")
        chunks = self._chunks.setdefault(upload_id, {})
        chunks[int(match[1])] = data
        if sum(map(len, chunks.values())) < int(match[3]):
            return None
        return b"".join(data for _, data in sorted(self._chunks.pop(upload_id).items()))

    def _destroy(self, cloud: str, values: Mapping[str, Any]) -> Answer:
        public_id = values["public_id"]
        kept = self.files.get((cloud, public_id))
        if kept is None or kept.type != values.get("type", "upload"):
            return _json({"result": "not found"})
        del self.files[cloud, public_id]
        if self._folder is not None:
            self._path(cloud, public_id).unlink(missing_ok=True)
        return _json({"result": "ok"})

    def _download(self, cloud: str, values: Mapping[str, Any], headers: Message) -> Answer:
        public_id = values.get("public_id", "")
        file = self.files.get((cloud, public_id))
        if file is None or file.type != values.get("type", "upload"):
            raise Refused(404, f"Resource not found - {public_id}")
        told = {"Content-Type": "application/octet-stream", "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("Range", ""))
        if match is None or self.ignore_ranges:
            return Answer(200, file.data, told)
        first, total = int(match[1]), len(file.data)
        last = min(int(match[2]), total - 1) if match[2] else total - 1
        if first >= total:
            return Answer(416, b"", {"Content-Range": f"bytes */{total}"})
        return Answer(206, file.data[first : last + 1], told | {"Content-Range": f"bytes {first}-{last}/{total}"})

    def _resources(self, cloud: str, values: Mapping[str, Any]) -> Answer:
        """Files of one delivery type. The cursor is the name of the last one listed: opaque to the caller."""
        prefix = values.get("prefix", "")
        found = [
            (public_id, file)
            for (owner, public_id), file in self.files.items()
            if owner == cloud and file.type == values["type"] and public_id.startswith(prefix)
        ]
        found.sort(key=(lambda pair: pair[0]) if prefix else (lambda pair: pair[1].created))
        begin = 0
        if cursor := values.get("next_cursor"):
            last = base64.urlsafe_b64decode(cursor).decode()
            begin = 1 + [public_id for public_id, _ in found].index(last)
        most = min(int(values.get("max_results", 10)), self.most_results)
        page = found[begin : begin + most]
        answer: dict[str, Any] = {"resources": [self._described(*pair) for pair in page]}
        if begin + most < len(found):
            answer["next_cursor"] = base64.urlsafe_b64encode(page[-1][0].encode()).decode()
        return _json(answer, {"X-FeatureRateLimit-Remaining": str(self.admin_calls_left)})

    def _usage(self, cloud: str, values: Mapping[str, Any]) -> Answer:
        del values
        files = [file for (owner, _), file in self.files.items() if owner == cloud]
        stored = sum(len(file.data) for file in files)
        used = round(stored / 1024**3, 2)
        report = {
            "plan": "Free",
            "last_updated": time.strftime("%Y-%m-%d", time.gmtime(self.clock())),
            "objects": {"usage": len(files)},
            "bandwidth": {"usage": sum(request.sent for request in self.requests), "credits_usage": 0.0},
            "storage": {"usage": stored, "credits_usage": used},
            "credits": {"usage": used, "limit": 25.0, "used_percent": round(used * 4, 2)},
            "requests": len(self.requests),
            "resources": len(files),
            "derived_resources": 0,
            "media_limits": {"image_max_size_bytes": 10 * MIB, "raw_max_size_bytes": self.max_file_bytes},
        }
        return _json(report)

    def _ping(self, cloud: str, values: Mapping[str, Any]) -> Answer:
        del cloud, values
        return _json({"status": "ok"})

    @staticmethod
    def _described(public_id: str, file: File) -> dict[str, Any]:
        return {
            "asset_id": hashlib.sha256(public_id.encode()).hexdigest()[:32],
            "public_id": public_id,
            "version": int(file.created),
            "resource_type": "raw",
            "type": file.type,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(file.created)),
            "bytes": len(file.data),
            "etag": file.etag,
        }

    def _path(self, cloud: str, public_id: str) -> Path:
        assert self._folder is not None
        return self._folder / cloud / quote(public_id, safe="")

    def _save(self, cloud: str, public_id: str, file: File) -> None:
        if self._folder is not None:
            path = self._path(cloud, public_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(".unfinished").write_bytes(file.data)
            path.with_name(".unfinished").rename(path)

    def _load(self) -> None:
        for path in self._folder.glob("*/[!.]*") if self._folder is not None else ():
            # Only the vault writes here, so the delivery type need not be kept.
            file = File(path.read_bytes(), "authenticated", path.stat().st_mtime)
            self.files[path.parent.name, unquote(path.name)] = file


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that it can end them; a thread each."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.stand_in.connections += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to report."""

    def end_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._connection_number = self.server.stand_in.connections

    def log_message(self, *_: Any) -> None:
        """Quiet: what was asked is in ``StandIn.requests``."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        stand_in = self.server.stand_in
        body = self._body(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        if url.path == "/_faults":
            self._send(_changed(stand_in, self.command, body))
            return
        cloud, action, path_values = _routed(self.command, url.path)
        values: dict[str, Any] = dict(parse_qsl(url.query)) | _form(self.headers.get("Content-Type", ""), body)
        values |= path_values
        fault = stand_in.fault_of(action)
        if fault is not None and fault.kind == "hang":
            stand_in.hang(fault.seconds)
            self._log(action, values, 0, 0)
            self.close_connection = True
            return
        try:
            _refuse(fault, action)
            answer = stand_in.answer(cloud, action, values, self.headers)
        except Refused as refused:
            message = {"error": {"message": refused.message}}
            answer = _json(message, {"X-Cld-Error": refused.message}, status=refused.status)
        if fault is not None and fault.kind == "lose":
            self._log(action, values, 0, 0)
            self.close_connection = True
            return
        cut = len(answer.body) // 2 if fault is not None and fault.kind == "cut" else None
        # Logged before it is sent: whoever has the answer finds the request in the log.
        self._log(action, values, answer.status, len(answer.body) if cut is None else cut)
        self._send(answer, cut=cut)

    def _body(self, length: int) -> bytes:
        if not self.server.stand_in.slow_reading:
            return self.rfile.read(length)
        body = bytearray()
        while len(body) < length and (piece := self.rfile.read(min(65536, length - len(body)))):
            body += piece
            time.sleep(self.server.stand_in.slow_reading)
        return bytes(body)

    def _send(self, answer: Answer, *, cut: int | None = None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body if cut is None else answer.body[:cut])
        self.wfile.flush()
        if cut is not None:
            self.close_connection = True

    def _log(self, action: str, values: Mapping[str, Any], status: int, sent: int) -> None:
        subject = str(values.get("public_id") or values.get("prefix") or "")
        self.server.stand_in.log(
            Request(action, subject, status, sent, self.headers.get("Range", ""), self._connection_number)
        )


def _refuse(fault: Fault | None, action: str) -> None:
    if fault is not None and fault.kind == "status":
        raise Refused(fault.status, "The stand-in was told to answer so.")
    if not action:
        raise Refused(404, "Not found")


def _routed(method: str, path: str) -> tuple[str, str, dict[str, str]]:
    """Cloud name, action ("" for one that is not known) and what the path says, of ``/v1_1/<cloud>/...``."""
    parts = unquote(path).strip("/").split("/")
    match method, parts:
        case "POST", ["v1_1", cloud, "raw", "upload" | "destroy" as action]:
            return cloud, action, {}
        case "GET", ["v1_1", cloud, "raw", "download"]:
            return cloud, "download", {}
        case "GET", ["v1_1", cloud, "resources", "raw", kind]:
            return cloud, "resources", {"type": kind}
        case "GET", ["v1_1", cloud, "usage" | "ping" as action]:
            return cloud, action, {}
    return "", "", {}


def _form(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a posted form; a file is bytes, all else is text."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode()))
    match = re.fullmatch(r"multipart/form-data; *boundary=\"?([^\";]+)\"?", content_type)
    if match is None:
        return {}
    fields: dict[str, Any] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + match[1].encode())[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        disposition = re.search(rb'form-data; name="([^"]+)"(; filename=)?', head)
        if disposition is not None:
            fields[disposition[1].decode()] = data if disposition[2] else data.decode()
    return fields


def _changed(stand_in: StandIn, method: str, body: bytes) -> Answer:
    """The stand-in's own address for tests in other processes."""
    if method == "POST":
        stand_in.fault(**json.loads(body))
    else:
        stand_in.well()
    return _json({"result": "ok"})


def _json(value: Mapping[str, Any], headers: Mapping[str, str] | None = None, *, status: int = 200) -> Answer:
    return Answer(
        status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8"} | dict(headers or {})
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Cloudinary, until it is interrupted.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cloud-name", default=CLOUD)
    parser.add_argument("--api-key", default=API_KEY)
    parser.add_argument("--api-secret", default=API_SECRET)
    parser.add_argument("--max-file-bytes", type=int, default=10 * MIB)
    chosen = parser.parse_args()
    accounts = {chosen.cloud_name: Account(chosen.api_key, chosen.api_secret)}
    stand_in = StandIn(port=chosen.port, folder=chosen.folder, accounts=accounts, max_file_bytes=chosen.max_file_bytes)
    with stand_in, contextlib.suppress(KeyboardInterrupt):
        print(stand_in.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
