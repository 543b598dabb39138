"""`make run` as a person meets it: ready, refused twice, drained, kept, and never left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
CREDENTIALS = {"email": "me@example.com", "password": "password123"}
ACCOUNT = {**CREDENTIALS, "name": "Me"}

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("run")]


@dataclass
class Run:
    """A started `python -m infra.local` and what it has printed."""

    process: subprocess.Popen[bytes]
    output: Path

    def printed(self) -> str:
        return self.output.read_text()

    def until(self, pattern: str) -> str:
        """The first group of what it prints, once it prints it."""
        deadline = time.monotonic() + 300
        while not (found := re.search(pattern, self.printed())):
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.1)
        return found[1]

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def start(server_folder: Path) -> Iterator[Callable[[], Run]]:
    """Starts it in a folder of this test's own."""
    runs: list[Run] = []

    def build() -> Run:
        output = server_folder / f"output-{len(runs)}"
        command = [sys.executable, "-m", "infra.local", "--folder", str(server_folder / "kept")]
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*command, "--port", "0", "--localstack-port", "0"],
                cwd=ROOT,
                env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        runs.append(Run(process, output))
        return runs[-1]

    yield build
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()


def ended(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those of a family that still run after a while; an orphan that nobody collects has ended."""
    deadline = time.monotonic() + 30
    while left := [each for each in family if each.is_running() and _status(each) != psutil.STATUS_ZOMBIE]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return left


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return str(psutil.STATUS_ZOMBIE)


def test_it_serves_stops_in_order_and_keeps_what_it_was_given(start: Callable[[], Run]) -> None:
    first = start()
    base = first.until(r"Gallery +(http://\S+)")
    gateway = first.until(r"Gateway +(http://\S+)")
    assert httpx.get(f"{base}/health").status_code == 200
    token = httpx.post(f"{base}/auth/signup", json=ACCOUNT).json()["access_token"]
    through_the_gateway = httpx.get(f"{gateway}/auth/verify", headers={"authorization": f"Bearer {token}"}, timeout=30)
    assert through_the_gateway.status_code == 200, through_the_gateway.text
    assert through_the_gateway.json()["user"]["email"] == ACCOUNT["email"]

    second = start()
    assert second.process.wait(120) == 1
    assert f"already runs from this folder (process {first.process.pid})" in second.printed()

    family = first.family()
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(180) == 0, first.printed()
    assert first.printed().endswith("The queues are empty.\nStopped.\n")
    assert ended(family) == []

    third = start()
    base = third.until(r"Gallery +(http://\S+)")
    assert httpx.post(f"{base}/auth/login", json=CREDENTIALS).status_code == 200
    family = third.family()
    third.process.kill()
    assert ended(family) == []


def test_it_can_be_interrupted_while_it_starts(start: Callable[[], Run]) -> None:
    run = start()
    run.until(r"(Deploying)")
    family = run.family()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(180) == 130
    assert run.printed().endswith("Stopped.\n")
    assert ended(family) == []
