"""The API without the rest of the cloud: under uvicorn, under gunicorn, and one event through one function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from infra.local.ports import free_port
from tests.vaults import SECRET

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "uvicorn": ["uvicorn", "infra.local.app:app", "--host", "127.0.0.1", "--port", "{port}"],
    "gunicorn": ["gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:{port}", "infra.local.app:app"],
}


def environment(**settings: str) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return keep | {"APP_ENV": "test", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")])} | settings


def answer_of(url: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(url, timeout=5)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)


@pytest.mark.parametrize("server", COMMANDS)
def test_a_server_of_ones_own_serves_the_api(server: str, database_url: str, tmp_path: Path) -> None:
    port = free_port()
    command = [part.format(port=port) for part in COMMANDS[server]]
    log = tmp_path / "server.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment(DATABASE_URL=database_url, JWT_SECRET=SECRET),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        try:
            assert answer_of(f"http://127.0.0.1:{port}/ready").json()["status"] == "ready"
            assert "/auth/signup" in httpx.get(f"http://127.0.0.1:{port}/openapi.json").json()["paths"]
            assert httpx.get(f"http://127.0.0.1:{port}/s/a-secret-token/photos?q=a-secret-word").status_code == 404
        finally:
            child.terminate()
            child.wait(20)
    told = log.read_text()
    assert "a-secret" not in told
    if server == "uvicorn":  # gunicorn keeps no access log unless it is asked to
        assert '"GET /s/.../photos HTTP/1.1" 404' in told


def invoke(function: str, event: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local.invoke", function, event],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def body_of(done: subprocess.CompletedProcess[str]) -> Mapping[str, object]:
    answer: dict[str, object] = json.loads(json.loads(done.stdout)["body"])
    return answer


def test_an_event_goes_through_a_function_under_the_runtime_client(database_url: str) -> None:
    done = invoke("library", "events/library-health.json")
    assert done.returncode == 0, done.stderr
    assert body_of(done)["status"] == "ok"
    done = invoke("auth", "events/auth-login.json", DATABASE_URL=database_url, JWT_SECRET=SECRET)
    assert done.returncode == 0, done.stderr
    assert body_of(done)["status"] == 401


def test_an_event_that_is_no_json_is_refused_with_its_name(tmp_path: Path) -> None:
    event = tmp_path / "broken.json"
    event.write_text("{")
    done = invoke("library", str(event))
    assert done.returncode == 2
    assert "broken.json is not JSON" in done.stderr
