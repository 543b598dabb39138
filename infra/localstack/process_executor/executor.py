"""LocalStack's view: one execution environment of one function version, run by a pool of processes."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from .pool import Pool
from .worker import Call, Lost, Program

# What a function sees of the host, beside its own variables. Nothing of LocalStack's or the developer's environment.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "LD_LIBRARY_PATH")
_LOG_TAIL = 64 * 1024  # bytes of one call's log that are handed to LocalStack's CloudWatch


class ProcessExecutor(RuntimeExecutor):
    """Started, invoked and stopped by LocalStack; never invoked concurrently."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002  (LocalStack passes it by name)
        super().__init__(id, function_version)
        self._pool: Pool | None = None
        folder = Path(os.environ.get("LAMBDA_LOG_DIR") or tempfile.gettempdir())
        self._log = folder / f"{function_version.id.function_name}.log"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        for code in _archives(function_version):
            code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Nothing: LocalStack itself removes what it unpacked."""

    def start(self, env_vars: dict[str, str]) -> None:
        config = self.function_version.config
        code = Path(config.code.get_unzipped_code_location())
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment |= {name: str(value) for name, value in env_vars.items()}
        program = Program(
            handler=config.handler,
            python=os.environ.get("LAMBDA_PYTHON", sys.executable),
            code=code,
            python_path=(code, *_layer_paths(self.function_version)),
            environment=environment,
            timeout=int(config.timeout),
            log=self._log,
        )
        processes = int(os.environ.get("LAMBDA_PROCESSES") or os.cpu_count() or 1)
        self._pool = Pool(program, processes=processes, watched=_watched(self.function_version))
        try:
            self._pool.start()
        except Lost as lost:
            raise StatusErrorException(str(lost), payload=lost.document) from lost

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        if self._pool is None:
            raise StatusErrorException("not started", payload=b"{}")
        call = Call(
            request_id=payload["invoke-id"],
            payload=payload["payload"].encode(),
            arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
        )
        start = self._log_size()
        try:
            answer = self._pool.invoke(call)
        except Lost as lost:
            # LocalStack takes this as a function error and drops the environment: the next call gets a new one.
            raise StatusErrorException(str(lost), payload=lost.document) from lost
        logs = f"{self._log_since(start)}END RequestId: {call.request_id}\n"  # as on AWS; never empty
        return InvocationResult(call.request_id, answer.body, is_error=answer.is_error, logs=logs)

    def stop(self) -> None:
        if self._pool is not None:
            self._pool.stop()

    def get_logs(self) -> str:
        return self._log_since(0)

    def _log_size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _log_since(self, start: int) -> str:
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(max(start, self._log_size() - _LOG_TAIL))
            return log.read().decode(errors="replace")

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return "http://127.0.0.1"


def _archives(version: FunctionVersion) -> list[Any]:
    return [code for code in (version.config.code, *(layer.code for layer in version.config.layers or [])) if code]


def _layer_paths(version: FunctionVersion) -> list[Path]:
    """Where the runtime looks in /opt. The last layer comes first, as when AWS unpacks one over another."""
    paths = []
    for layer in reversed(version.config.layers or []):
        root = Path(layer.code.get_unzipped_code_location())
        paths += [root / "python" / "lib" / version.config.runtime / "site-packages", root / "python"]
    return [path for path in paths if path.is_dir()]


def _watched(version: FunctionVersion) -> tuple[Path, ...]:
    """The folders of code in place whose change restarts the function; installed packages are not among them."""
    roots = [Path(code.get_unzipped_code_location()) for code in _archives(version) if code.is_hot_reloading()]
    folders = [(root / "python" if (root / "python").is_dir() else root).resolve() for root in roots]
    return tuple(folder for folder in folders if "site-packages" not in folder.parts)
