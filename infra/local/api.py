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
_LISTENS = b"Uvicorn running on"


def start_api(port: int, environment: Mapping[str, str], log: Path) -> tether.Child:
    """uvicorn with the app of infra.local.app, answering. Raises RuntimeError when it does not."""
    inherited = {name: value for name, value in os.environ.items() if name not in NAMES}
    written = log.stat().st_size if log.exists() else 0
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
        # Somebody else may have taken the port meanwhile, and would answer, too.
        if _LISTENS in log.read_bytes()[written:] and _answers(port):
            return child
        time.sleep(0.1)
    child.stop(patience=2)
    if b"address already in use" in log.read_bytes()[written:]:
        raise RuntimeError(f"another program has taken port {port} meanwhile; start again, and a free one is found")
    raise RuntimeError(f"the API does not answer; its log is {log}")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
