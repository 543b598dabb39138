"""Photos that went the whole way come back: the command builds a zip, is killed, goes on, and every byte is there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from infra.local.pictures import draw
from tests.flows.uploader import Client

ROOT = Path(__file__).resolve().parents[2]
EMAIL = "exporter@example.com"
COMMAND = [sys.executable, "-c", "from photovault.cli import main; main()", "export"]
LISBON = (38.7139, -9.1394)


@pytest.fixture(scope="module")
def taken() -> dict[str, bytes]:
    start = datetime(2025, 5, 9, 10, 30)
    return {
        f"IMG_{n}.jpg": draw(n, (800, 600), gps=LISBON, taken=start + timedelta(days=20 * n), offset="+01:00")
        for n in range(4)
    }


@pytest.fixture(scope="module")
def ada(api_url: str, taken: dict[str, bytes]) -> Client:
    """A person whose photos have gone all the way."""
    client = Client.sign_up(api_url, EMAIL)
    client.upload(taken)
    client.wait(len(taken))
    client.wait_for_albums()
    return client


def export(ada: Client, target: Path, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    """The command's exit code and what it told."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("PHOTOVAULT_")}
    done = subprocess.run(
        [*COMMAND, str(target), "--server", ada.base, "--email", EMAIL, "--json"],
        env=inherited
        | {"PYTHONPATH": str(ROOT / "shared"), "PHOTOVAULT_PASSWORD": "password123", "HOME": str(target.parent)}
        | environment,
        cwd=target.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("point", ["archive.written", "archive.noted", "archive.closed"])
def test_an_export_that_is_killed_goes_on_and_brings_back_every_byte(
    ada: Client, taken: dict[str, bytes], tmp_path: Path, point: str
) -> None:
    target = tmp_path / "photos.zip"
    code, _ = export(ada, target, PHOTOVAULT_FAILPOINT=point)
    assert code == -9
    assert not target.exists()
    code, told = export(ada, target)
    assert (code, told[-1]["event"], told[-1]["photos"]) == (0, "finished", len(taken))
    with zipfile.ZipFile(target) as read:
        assert read.testzip() is None
        found = {name: read.read(name) for name in read.namelist()}
    photos = {name.rpartition("/")[2]: data for name, data in found.items() if name.endswith(".jpg")}
    assert photos == taken
    assert {name.split("/")[2] for name in found if name.endswith(".jpg")} == {"2025-05 (May)", "2025-06 (June)",
                                                                              "2025-07 (July)"}  # fmt: skip
    for name, data in found.items():
        if name.startswith("photos/") and name.endswith(".json"):
            sidecar = json.loads(data)
            assert sidecar["location"]["place"]["city"] == "Lisbon"
            assert sidecar["taken"]["offset"] == "+01:00"
            assert sidecar["sha256"] == hashlib.sha256(taken[sidecar["file"]]).hexdigest()
            assert all(album["file"] in found for album in sidecar["albums"])
    assert json.loads(found["albums.json"])["albums"]
    if shutil.which("unzip"):
        checked = subprocess.run(["unzip", "-tqq", str(target)], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
    if shutil.which("sha256sum"):
        with zipfile.ZipFile(target) as read:
            read.extractall(tmp_path / "unpacked")
        command = ["sha256sum", "--strict", "-c", "SHA256SUMS.txt"]
        checked = subprocess.run(command, cwd=tmp_path / "unpacked", capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
    code, told = export(ada, target)
    assert (code, told[-1]["event"]) == (1, "failed")
    assert "there already" in told[-1]["detail"]
    sessions = ada.json("/auth/sessions")["items"]
    assert sum("photovault/" in (session["user_agent"] or "") for session in sessions) <= 3, "each logs out that may"
