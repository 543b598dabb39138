"""LocalStack on the host, without containers: its own environment, the process executor, nothing fetched or kept."""

import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from infra.local.ports import free_port
from infra.localstack.process_executor import tether

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".photovault" / "envs" / "localstack"
START_SECONDS = 90
REGION = "eu-central-1"
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}


class NotReady(RuntimeError):
    """LocalStack is not installed or did not come up."""


class LocalStack:
    """One LocalStack. `folder` is its scratch space, which no other one may use at the same time."""

    def __init__(self, folder: Path, logs: Path, *, port: int = 4566, python: str = sys.executable) -> None:
        self.folder = folder
        self.logs = logs
        self.port = port
        self.python = python
        self._child: tether.Child | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.logs / "localstack.log"

    def start(self) -> None:
        """Starts it on `port`, or on a free one when that is taken; `ready` waits for it."""
        python = ENVIRONMENT / "bin" / "python"
        if not python.exists():
            raise NotReady("LocalStack is not installed; run `make install`")
        self.port = free_port(self.port)
        for left in ("tmp", "var"):  # of a run that was killed; the plug-in index beside them saves seconds
            shutil.rmtree(self.folder / left, ignore_errors=True)
        for folder in (self.folder / "tmp", self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = tether.start(
                "localstack.runtime.main", python=python, cwd=self.folder, env=self._environment(), output=log
            )

    def _environment(self) -> dict[str, str]:
        inherited = (
            "PATH",
            "HOME",
            "LANG",
            "LC_ALL",
            "SSL_CERT_FILE",
            "LD_LIBRARY_PATH",
            "DEBUG",
            "LS_LOG",
            "LAMBDA_PROCESSES",
        )
        folder = str(self.folder)
        return {
            **{name: os.environ[name] for name in inherited if name in os.environ},
            **ACCOUNT,
            "GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            # What answers name instead of localhost.localstack.cloud, which only a resolver on the network knows.
            "LOCALSTACK_HOST": f"127.0.0.1:{self.port}",
            "SQS_ENDPOINT_STRATEGY": "path",
            # Everything it writes stays in one folder: volume, unpacked functions, the plug-in index.
            "LOCALSTACK_VOLUME_DIR": folder,
            "FILESYSTEM_ROOT": folder,
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            # Offline, without a name server of its own, and silent to its makers.
            "DNS_ADDRESS": "0",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DISABLE_EVENTS": "1",
            # Presigned links expire and refuse tampering, as on AWS.
            "S3_SKIP_SIGNATURE_VALIDATION": "0",
            # An idle queue is otherwise asked only every ten seconds.
            "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.1",
            "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.5",
            "LAMBDA_RUNTIME_EXECUTOR": "process",
            "LAMBDA_PYTHON": self.python,
            "LAMBDA_LOG_DIR": str(self.logs),
            "PYTHONUNBUFFERED": "1",
        }

    def ready(self) -> None:
        """Returns when it answers. Raises NotReady when it dies or takes longer than START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.running():
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_localstack/health", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.stop()
        raise NotReady(f"LocalStack does not answer; its log is {self.log}")

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    def stop(self) -> None:
        """Ends it with its functions, at once: it keeps nothing, and its own way down takes seconds."""
        if self._child is not None:
            self._child.kill()
            self._child = None
