"""The envelope in JavaScript: its own tests, the same bytes as Python's, and a client that has the API's answers alone.

They need Node 20 or later, and are skipped where there is none.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from infra.local.api import start_api
from infra.local.ports import free_port
from tests.cloudinary_stand_in import API_KEY, API_SECRET, CLOUD, StandIn
from tests.shared.api.photos import JPEG, sealed_photo
from tests.shared.api.test_served import SETTINGS
from tests.vaults import client, forget, somebody

from photovault import sealing
from photovault.api import images
from photovault.sealing import CHUNK_SIZE, Address

ROOT = Path(__file__).resolve().parents[2]
OLDEST = 20
SECONDS = 120


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node."""
    found = shutil.which("node")
    if found is None:
        pytest.skip(f"JavaScript is tested with Node {OLDEST} or later, and there is no `node` here")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"JavaScript is tested with Node {OLDEST} or later, and this is {version}")
    return found


def peer(node: str, **jobs: Any) -> dict[str, Any]:
    """What the JavaScript implementation makes of some jobs."""
    done = subprocess.run(
        [node, str(ROOT / "tests/web/peer.mjs")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def described(address: Address, key: bytes) -> dict[str, Any]:
    return {
        "user_id": str(address.user_id),
        "image_id": str(address.image_id),
        "name": address.name,
        "key": base64.urlsafe_b64encode(key).decode(),
    }


def test_the_modules_own_tests_pass(node: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap"],
        cwd=ROOT / "web",
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 0, "none were found"


def test_either_opens_what_the_other_has_sealed(node: str, tmp_path: Path) -> None:
    """Random sizes, and those around chunks; all blobs' names; one process for all of them."""
    chosen = random.Random(20250509)
    sizes = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 5 * CHUNK_SIZE + 9]
    sizes += [chosen.randrange(3 * CHUNK_SIZE) for _ in range(8)] + [chosen.randrange(300) for _ in range(8)]
    names = ["original", "preview", "thumbnail", "metadata", "upload", "motion", f"face:{uuid.uuid4()}"]
    to_open, to_seal, wanted, addresses = [], [], [], []
    for number, size in enumerate(sizes):
        address = Address(uuid.uuid4(), uuid.uuid4(), names[number % len(names)])
        key, plaintext = chosen.randbytes(32), chosen.randbytes(size)
        sealed = sealing.seal(plaintext, key=key, address=address)
        plain_path, sealed_path, target = (tmp_path / f"{number}.{kind}" for kind in ("plain", "sealed", "javascript"))
        plain_path.write_bytes(plaintext)
        sealed_path.write_bytes(sealed)
        start, stop = sorted(chosen.choices(range(size + 1), k=2))
        header = sealed[: sealing.header_size(address.name)]
        ticket = described(address, key) | {
            "sealed_bytes": len(sealed), "bytes": size, "header_sha256": sha256(header)
        }  # fmt: skip
        to_open.append({"ticket": ticket, "path": str(sealed_path), "range": [start, stop]})
        to_seal.append({"address": described(address, key), "path": str(plain_path), "target": str(target)})
        wanted.append({"sha256": sha256(plaintext), "range_sha256": sha256(plaintext[start:stop])})
        addresses.append((address, key, plaintext, target))
    assert peer(node, open=to_open, seal=to_seal)["opened"] == wanted
    for address, key, plaintext, target in addresses:
        assert sealing.unseal(target.read_bytes(), key=key, address=address) == plaintext


@pytest.fixture(scope="module")
def base(vault: Path) -> Iterator[str]:
    """The address of the API under uvicorn, where its tickets point to."""
    port = free_port()
    found = f"http://127.0.0.1:{port}"
    environment = {name: os.environ[name] for name in SETTINGS}
    child = start_api(port, environment | {"PUBLIC_URL": found}, vault / "tickets.log")
    yield found
    child.stop(patience=5)


def test_a_client_opens_a_photo_with_what_the_api_tells_it(node: str, base: str) -> None:
    """From the answer of ``GET /images/{id}`` and nothing else: whole, as a stream, and in part."""
    person = somebody()
    data = JPEG + random.Random(1).randbytes(2 * CHUNK_SIZE + 77)
    photo = sealed_photo(person, data)
    given = httpx.get(f"{base}/images/{photo}", headers=person.headers).json()["tickets"]
    assert_opened(node, given, {"original": data, "preview": b"preview of " + data, "thumbnail": b"small"})


def test_a_client_opens_what_the_storage_has_cut_into_files(
    node: str, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = somebody()
    data = JPEG + random.Random(2).randbytes(2 * CHUNK_SIZE + 77)
    with StandIn() as cloud:
        for name, value in {
            "STORAGE_DRIVER": "cloudinary",
            "CLOUDINARY_CLOUD_NAME": CLOUD,
            "CLOUDINARY_API_KEY": API_KEY,
            "CLOUDINARY_API_SECRET": API_SECRET,
            "CLOUDINARY_UPLOAD_PREFIX": cloud.url,
            "CLOUDINARY_MAX_FILE_BYTES": "600000",
        }.items():
            monkeypatch.setenv(name, value)
        forget()
        try:
            photo = sealed_photo(person, data)
            given = client([images.router]).get(f"/images/{photo}", headers=person.headers).json()["tickets"]
            assert len(given["original"]["parts"]) == 4
            assert given["thumbnail"]["parts"] is None
            assert_opened(node, given, {"original": data, "preview": b"preview of " + data, "thumbnail": b"small"})
        finally:
            monkeypatch.undo()
            forget()


def assert_opened(node: str, given: dict[str, Any], plain: dict[str, bytes]) -> None:
    """Each ticket opens to its plaintext."""
    assert set(plain) == set(given)
    jobs = [{"ticket": ticket, "range": [1, ticket["bytes"] - 1]} for ticket in given.values()]
    wanted = [{"sha256": sha256(plain[name]), "range_sha256": sha256(plain[name][1:-1])} for name in given]
    assert peer(node, fetch=jobs)["fetched"] == wanted
