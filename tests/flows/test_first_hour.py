"""The first hour of docs/api-guide.md, line by line as it stands there, against the API on the deployed template."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
from infra.local.pictures import draw
from tests.documents import ROOT, blocks


def test_the_first_hour_of_the_guide_is_as_it_is_told(api_url: str, tmp_path: Path) -> None:
    lisbon, taken = (38.7139, -9.1394), datetime(2025, 5, 9, 10, 30)
    (tmp_path / "photo.jpg").write_bytes(draw(7, (640, 480), gps=lisbon, taken=taken, offset="+01:00"))
    told = "\n".join(blocks(ROOT / "docs" / "api-guide.md", "bash"))
    for theirs, ours in {
        "BASE=http://127.0.0.1:8999": f"BASE={api_url}",
        "EMAIL=me@example.com": f"EMAIL=hour-{time.time_ns()}@example.com",
    }.items():
        assert theirs in told
        told = told.replace(theirs, ours)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", told],
        cwd=tmp_path,
        env={"PATH": programs, "PYTHONPATH": str(ROOT / "shared")},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It is ready." in done.stdout
    assert "Not a byte is different." in done.stdout
    image = json.loads((tmp_path / "image.json").read_text())
    assert f'"id":"{image["id"]}"' in done.stdout, "the search found it"
    assert (tmp_path / "preview.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert image["tickets"]["preview"]["content_type"] == "image/jpeg"


def test_the_programs_of_the_readme_upload_photos(api_url: str, tmp_path: Path) -> None:
    body = {"email": f"readme-{time.time_ns()}@example.com", "password": "three words and more", "name": "Me"}
    token = httpx.post(f"{api_url}/auth/signup", json=body).raise_for_status().json()["access_token"]
    head = {"authorization": f"Bearer {token}"}
    programs = blocks(ROOT / "README.md", "python")
    assert len(programs) == 2
    for number, program in enumerate(programs):
        name = f"photo{number}.jpg"
        (tmp_path / name).write_bytes(draw(100 + number, (640, 480)))
        done = subprocess.run(
            [sys.executable, "-c", program, api_url, token, name],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "shared")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
    end = time.monotonic() + 180
    while True:
        listed = httpx.get(f"{api_url}/images/list", headers=head).raise_for_status().json()["items"]
        if len(listed) == 2 and {image["status"] for image in listed} == {"ready"}:
            return
        assert time.monotonic() < end, listed
        time.sleep(0.1)
