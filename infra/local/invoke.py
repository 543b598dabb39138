"""``photovault invoke``: one event through one function's handler, under AWS's own runtime client, on this machine.

For those without containers; with them, ``sam local invoke`` reads the same events and env.json.
"""

import json
import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from infra.localstack.process_executor.worker import Call, Lost, Program, Worker

ROOT = Path(__file__).resolve().parents[2]
# Written by a running `make run`: what its functions get.
RUNNING_ENVIRONMENT = ROOT / ".photovault" / "environment.json"
TIMEOUT_SECONDS = 300


def main(function: str, event: Path, env_vars: Path | None) -> int:
    """Run it; prints the function's log to stderr and its answer to stdout. Returns the exit status."""
    try:
        payload = json.dumps(_read(event)).encode()
        by_function = _read(env_vars) if env_vars else {}
    except ValueError as error:
        print(f"photovault: {error}", file=sys.stderr)
        return 2
    name = f"{function.capitalize()}Function"
    environment = {
        **(json.loads(RUNNING_ENVIRONMENT.read_text()) if RUNNING_ENVIRONMENT.exists() else {}),
        **os.environ,
        **{key: str(value) for part in ("Parameters", name) for key, value in by_function.get(part, {}).items()},
        "AWS_LAMBDA_FUNCTION_NAME": f"photovault-{function}",
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "function.log"
        program = Program(
            handler="handler.handler",
            python=sys.executable,
            code=ROOT / "functions" / function,
            python_path=(ROOT / "functions" / function, ROOT / "shared"),
            environment=environment,
            timeout=TIMEOUT_SECONDS,
            log=log,
        )
        try:
            worker = Worker(program)
            try:
                arn = f"arn:aws:lambda:local:000000000000:function:photovault-{function}"
                answer = worker.invoke(Call(str(uuid.uuid4()), payload, arn, "Root=local"))
                body, failed = answer.body, answer.is_error
            finally:
                worker.stop()
        except Lost as error:
            body, failed = error.document, True
        print(log.read_text(encoding="utf-8", errors="replace"), file=sys.stderr, end="")
    print(body.decode("utf-8", errors="replace"))
    return 1 if failed else 0


def _read(path: Path) -> Any:
    """Raises ValueError with the name of a file that is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
