"""Functions and the database are killed in the middle of a bulk upload to the deployed template: all of it arrives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
from infra.local.pictures import draw
from tests.flows.uploader import Client
from tests.local_cloud import Cloud

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = 12


def function_processes(cloud: Cloud) -> list[psutil.Process]:
    """The running function processes of this cloud, by what they were started with."""
    wanted = cloud.database_url  # which no other cloud has, unlike the names of buckets
    found = []
    for process in psutil.process_iter():
        try:
            if "awslambdaric" in " ".join(process.cmdline()) and wanted in process.environ().values():
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_functions(cloud: Cloud) -> int:
    killed = 0
    for process in function_processes(cloud):
        try:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        except ProcessLookupError:
            continue
    return killed


def crash_the_database(cloud: Cloud) -> None:
    """SIGKILL to one of its processes makes Postgres drop every connection and recover from its log.

    Returns once this process's own connection is dropped, for until then the database answers as if nothing had been.
    """
    with psycopg.connect(cloud.database_url, autocommit=True) as conn:
        rows = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
        assert rows, "nobody is connected"
        os.kill(rows[0][0], signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT pg_sleep(60)")


def recover(cloud: Cloud) -> None:
    """What the schedule does eleven minutes later: seal what lost its worker, and ask again for unfinished steps."""
    subprocess.run(
        [sys.executable, "-m", "tests.flows.worker", "recover", str(uuid4()), str(uuid4())],
        cwd=ROOT,
        env={**os.environ, **cloud.environment, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")])},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def finished(client: Client) -> int:
    return sum(photo["status"] == "ready" for photo in client.items("/images/list"))


def test_photos_survive_killed_functions_and_a_crashed_database(api_url: str, cloud: Cloud) -> None:
    client = Client.sign_up(api_url)
    photos = {f"{n}.jpg": draw(500 + n, (1600, 1200)) for n in range(PHOTOS)}
    client.upload(photos)
    deadline = time.monotonic() + 30
    while not kill_functions(cloud):
        assert time.monotonic() < deadline, "no function ran"
        time.sleep(0.05)
    crash_the_database(cloud)
    wait_until_ready(api_url)
    for _ in range(3):  # a step is asked for again at most three times
        if finished(client) == PHOTOS:
            break
        recover(cloud)
        deadline = time.monotonic() + 45
        while finished(client) < PHOTOS and time.monotonic() < deadline:
            time.sleep(0.2)
    for photo in client.items("/images/list"):
        view = client.get(f"/images/{photo['id']}/view", params={"rendition": "original"})
        assert view.content == photos[photo["filename"]]
        assert photo["steps"] == {"vision": "done", "embedding": "done"}
    left = {p["filename"]: (p["status"], p["reason"]) for p in client.items("/images/list") if p["status"] != "ready"}
    assert left == {}
    assert finished(client) == PHOTOS


def wait_until_ready(base: str) -> None:
    deadline = time.monotonic() + 30
    while httpx.get(f"{base}/ready", timeout=15).status_code != 200:
        assert time.monotonic() < deadline, "the API does not come back"
        time.sleep(0.2)
