"""The search function's first requests in a new process: what they load, and what they take.

``python -m tests.cold_search`` is that process: a job on stdin, what it saw on stdout. It imports nothing beside the
function, so that what is loaded afterwards was loaded by it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "onnxruntime", "tokenizers", "PIL", "cv2", "boto3")


@dataclass(frozen=True)
class Seen:
    """CPU and wall milliseconds of importing the handler and of the first and second request; the second's answer."""

    status: int
    body: Any
    loaded: list[str]
    import_ms: tuple[float, float]
    first_ms: tuple[float, float]
    second_ms: tuple[float, float]


def get(path: str, headers: Mapping[str, str], **query: str) -> dict[str, Any]:
    """The event of API Gateway for a GET."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"host": "x", **headers},
        "multiValueHeaders": {},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "r", "stage": "v1", "identity": {"sourceIp": "127.0.0.1"}},
    }


def post_picture(path: str, headers: Mapping[str, str], data: bytes) -> dict[str, Any]:
    """The event of a form with a file."""
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        + data
        + b"\r\n--edge--\r\n"
    )
    posted = get(path, {**headers, "content-type": "multipart/form-data; boundary=edge"})
    return posted | {"httpMethod": "POST", "body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def ask(event: dict[str, Any], *, models: Path | None = None, environment: Mapping[str, str] | None = None) -> Seen:
    """A new process that answers the event twice, with the files of ``models`` pinned as they are."""
    job = {"event": event, "models": None if models is None else str(models)}
    chosen = {"EMBEDDINGS_PROVIDER": "phash" if models is None else "clip", "MODELS_DIR": str(models or "")}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "shared")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.cold_search"],
        input=json.dumps(job),
        env={**os.environ, **chosen, "PYTHONPATH": paths, **(environment or {})},
        cwd=ROOT / "tests",  # no .env here
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Seen(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    job = json.load(sys.stdin)

    def now() -> tuple[float, float]:
        return time.process_time() * 1000, time.perf_counter() * 1000

    def since(start: tuple[float, float]) -> tuple[float, float]:
        return tuple(round(end - begin, 1) for begin, end in zip(start, now(), strict=True))  # type: ignore[return-value]

    start = now()
    from functions.search.handler import handler

    import_ms = since(start)
    if job["models"]:
        pin(Path(job["models"]))
    start = now()
    handler(job["event"], None)
    first_ms = since(start)
    loaded = [name for name in HEAVY if name in sys.modules]
    start = now()
    answer = handler(job["event"], None)
    second_ms = since(start)
    body = json.loads(answer["body"])
    print(json.dumps(asdict(Seen(answer["statusCode"], body, loaded, import_ms, first_ms, second_ms))))


def pin(folder: Path) -> None:
    """Let the manifest name the files that are there."""
    import hashlib

    from photovault import model_manifest

    for name in model_manifest.CLIP_FILES:
        entry = model_manifest.get(name)
        data = (folder / entry.file).read_bytes()
        model_manifest._BY_NAME[name] = replace(entry, size=len(data), sha256=hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
