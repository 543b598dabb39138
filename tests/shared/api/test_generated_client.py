"""Others write programs against the API by generating a client from ``/openapi.json``: one is made here, and used."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.arranging import add_photo
from tests.receivers import Receiver, listening
from tests.shared.api.described import seal
from tests.shared.api.test_served import Served, served
from tests.vaults import PASSWORD, somebody

from photovault import webhook_events

__all__ = ["served"]

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".photovault" / "envs" / "clients" / "bin"
# Answers that are pictures have no model, and the generator says so.
BYTES_ALONE = {"GET /images/{image_id}/view", "GET /s/{token}/photos/{photo_id}/{rendition}"}


@pytest.fixture(scope="module")
def staging(vault: Path) -> Iterator[Receiver]:
    """Takes what is posted to the staging bucket; asked for before ``served``, which reads where that is."""
    with listening() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{receiver.port}")
        yield receiver


@pytest.mark.skipif(not (TOOLS / "openapi-python-client").exists(), reason="`make clients` installs the generator")
def test_a_generated_client_gets_through_a_day(staging: Receiver, served: Served, tmp_path: Path) -> None:
    ada = somebody()
    photo, *_ = (add_photo(ada.user_id) for _ in range(3))
    seal(ada.user_id, photo)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(httpx.get(served.url("/openapi.json"), timeout=60).json()))

    made = run(TOOLS / "openapi-python-client", "generate", "--path", document, "--output-path", tmp_path / "client")
    complaints = {
        line.split("parsing ")[1].split(" within")[0] for line in made.splitlines() if "WARNING parsing" in line
    }
    assert complaints == BYTES_ALONE, made

    smoke = Path(__file__).with_name("smoke_client.py")
    told = run(
        TOOLS / "python", smoke, served.url(""), photo, at=tmp_path / "client", said=f"{ada.access_token}\n{PASSWORD}"
    )
    whole, secret, signed_at, said, signature = told.rsplit(maxsplit=4)
    assert whole == "all of it"
    # A receiver's look at a signature, as the client wrote it from the documents, is what is sent.
    assert signature == webhook_events.signature(secret, "msg_1", int(signed_at), said)
    (posted,) = [each for each in staging.posts if each.path.startswith("/photovault-staging")]
    assert b"not a picture, but ten times as good" in posted.body
    assert b'name="policy"' in posted.body


def run(*command: object, at: Path | None = None, said: str = "") -> str:
    """What a command of the generator's environment prints; it sees nothing of this process's Python."""
    done = subprocess.run(
        [str(part) for part in command],
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", **({"PYTHONPATH": str(at)} if at else {})},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
