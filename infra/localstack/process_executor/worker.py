"""One function process under AWS's own runtime client, and the Lambda Runtime API that hands it its events.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from . import tether

INIT_SECONDS = 60  # AWS allows ten; a laptop that starts everything at once is slower
MAX_ANSWER = 6 * 1024 * 1024 + 100  # bytes; AWS's limit for a synchronous answer, which LocalStack does not enforce


@dataclass(frozen=True)
class Program:
    """What a process of one function runs. `timeout` is in seconds; `python_path` is searched in its order."""

    handler: str
    python: str
    code: Path
    python_path: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout: int
    log: Path


@dataclass(frozen=True)
class Call:
    """One invocation as the runtime client receives it."""

    request_id: str
    payload: bytes
    arn: str
    trace_id: str


@dataclass(frozen=True)
class Answer:
    body: bytes
    is_error: bool


class Lost(Exception):
    """The process died, timed out or could not start; `document` is the error that Lambda reports for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.document = json.dumps({"errorType": kind, "errorMessage": message}).encode()


class Worker:
    """One process. Calls come one at a time; after `Lost` the worker is dead and is replaced, never restarted."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[str | None, Answer]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._init_error: bytes | None = None
        self._stopping = threading.Lock()
        self._stopped = False
        self._api = RuntimeApi(self)
        try:
            self._child = self._start()
        except BaseException:
            self._api.close()
            raise
        threading.Thread(target=self._watch, daemon=True).start()
        started = self._ready.wait(INIT_SECONDS)
        if self._init_error is not None or not started or not self.alive():
            self.stop()
            raise self._not_started(started=started)

    def _start(self) -> tether.Child:
        program = self.program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:  # appending: the processes of one function share the file
            return tether.start(
                "awslambdaric",
                program.handler,
                python=program.python,
                flags=["-s"],  # not -I or -E: they ignore PYTHONPATH, which is where the layers are
                cwd=program.code,
                env={
                    **program.environment,
                    "AWS_LAMBDA_RUNTIME_API": self._api.address,
                    "LAMBDA_TASK_ROOT": str(program.code),
                    "PYTHONPATH": ":".join(map(str, program.python_path)),
                    "PYTHONUNBUFFERED": "1",
                },
                output=log,
            )

    def _not_started(self, *, started: bool) -> Lost:
        if self._init_error is not None:
            lost = Lost("Runtime.InitError", "the function could not be loaded")
            lost.document = self._init_error
            return lost
        if not started:
            return Lost("Sandbox.Timedout", f"Error: Task timed out in its start after {INIT_SECONDS} seconds")
        return self._exited("start")

    def alive(self) -> bool:
        return self._child.running()

    def invoke(self, call: Call) -> Answer:
        """The handler's answer. Raises Lost when the process dies or the time is over, and leaves nothing running."""
        self._calls.put(call)
        deadline = time.monotonic() + self.program.timeout
        while True:
            try:
                request_id, answer = self._results.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                self.stop()
                seconds = f"{self.program.timeout}.00 seconds"
                raise Lost(
                    "Sandbox.Timedout", f"RequestId: {call.request_id} Error: Task timed out after {seconds}"
                ) from None
            if request_id is None:
                self.stop()
                raise self._exited(call.request_id)
            if request_id == call.request_id:
                return _within_limit(answer)

    def stop(self) -> None:
        """Kills the process with its group and lets its waiting request go."""
        with self._stopping:
            if not self._stopped:
                self._stopped = True
                self._child.kill()
                self._calls.put(None)
                self._api.close()

    def _watch(self) -> None:
        self._child.wait()
        self._ready.set()
        self._results.put((None, Answer(b"", is_error=True)))

    def _exited(self, request_id: str) -> Lost:
        code = self._child.process.returncode
        how = f"signal: {signal.Signals(-code).name.lower()}" if code and code < 0 else f"exit status {code}"
        return Lost("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}")

    # Called by the Runtime API, from its threads.

    def next_call(self) -> Call | None:
        self._ready.set()
        return self._calls.get()

    def completed(self, request_id: str, answer: Answer) -> None:
        self._results.put((request_id, answer))

    def init_failed(self, document: bytes) -> None:
        self._init_error = document
        self._ready.set()


def _within_limit(answer: Answer) -> Answer:
    if len(answer.body) <= MAX_ANSWER:
        return answer
    message = (
        f"Response payload size ({len(answer.body)} bytes) exceeded maximum allowed payload size ({MAX_ANSWER} bytes)."
    )
    return Answer(
        json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}).encode(), is_error=True
    )


class RuntimeApi:
    """The HTTP server of one worker, on a loopback port of its own.

    A server for each, and not one for all with a path for each: the runtime client reports a failed start to the host
    and port of AWS_LAMBDA_RUNTIME_API only.
    """

    def __init__(self, worker: Worker) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a warm call takes 6-9 ms instead of 50

            def log_message(self, *_: object) -> None:
                """Every event would be a line."""

            def do_GET(self) -> None:
                call = worker.next_call()
                if call is None:  # stopped while it waited
                    self.close_connection = True
                    return
                deadline = int((time.time() + worker.program.timeout) * 1000)
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", call.request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", call.arn)
                self.send_header("Lambda-Runtime-Trace-Id", call.trace_id)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(call.payload)))
                self.end_headers()
                self.wfile.write(call.payload)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                _, request_id, outcome = self.path.rsplit("/", 2)
                if request_id == "init":
                    worker.init_failed(body)
                else:
                    worker.completed(request_id, Answer(body, is_error=outcome == "error"))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, name="runtime-api", daemon=True).start()

    def close(self) -> None:
        """Stops listening, a moment later. Requests that still wait are ended by their worker."""
        threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a killed process hangs up without a word
            super().handle_error(request, client_address)  # type: ignore[arg-type]
