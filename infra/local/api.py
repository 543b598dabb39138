"""The API under uvicorn, as a process of its own."""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from infra.local.configuration import NAMES
from infra.localstack.process_executor import tether

ROOT = Path(__file__).resolve().parents[2]
API_SECONDS = 30


def start_api(port: int, environment: Mapping[str, str], log: Path) -> tether.Child:
    """uvicorn with the app of infra.local.app, answering. Raises RuntimeError when it does not."""
    inherited = {name: value for name, value in os.environ.items() if name not in NAMES}
    with log.open("ab") as output:
        child = tether.start(
            "uvicorn",
            *("infra.local.app:app", "--host", "127.0.0.1", "--port", str(port), "--no-server-header"),
            python=sys.executable,
            cwd=ROOT,
            env={**inherited, **environment, "PYTHONUNBUFFERED": "1"},
            output=output,
        )
    deadline = time.monotonic() + API_SECONDS
    while child.running() and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return child
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    child.stop(patience=2)
    raise RuntimeError(f"the API does not answer; its log is {log}")
