"""Importing each function's handler, and a first request too, against a bare FastAPI + Mangum application.

CPU time of fresh processes. The requests are refused without a token, so no database takes part.

    python -m tests.benchmarks.bench_imports

Aim: auth and library within 1.5 times the bare application. Modules are compiled before, as layers ship them.
"""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 7
BARE = "import fastapi, mangum; app = fastapi.FastAPI(); mangum.Mangum(app, lifespan='off')"
# FastAPI loads pydantic's older half at the first route with a model, which every application has.
WITH_A_ROUTE = (
    BARE
    + """
import pydantic
class Body(pydantic.BaseModel):
    text: str
@app.post('/')
def post(body: Body) -> Body:
    return body
"""
)
FIRST = """
event = {
    "resource": "/{proxy+}", "path": "PATH", "httpMethod": "GET", "headers": {"host": "x"}, "multiValueHeaders": {},
    "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": None,
    "stageVariables": None, "body": None, "isBase64Encoded": False,
    "requestContext": {"requestId": "r", "stage": "v1", "identity": {"sourceIp": "127.0.0.1"}},
}
assert handler(event, None)["statusCode"] < 500
"""
BARE_REQUEST = """
import fastapi, mangum
app = fastapi.FastAPI()
@app.get("/")
def get() -> dict[str, str]:
    return {}
handler = mangum.Mangum(app, lifespan='off')
""" + FIRST.replace("PATH", "/")
CASES = {
    "bare FastAPI + Mangum": BARE,
    "the same with one route": WITH_A_ROUTE,
    **{name: f"import functions.{name}.handler" for name in ("auth", "library", "search")},
    "bare, first request": BARE_REQUEST,
    **{
        f"{name}, first {path}": f"from functions.{name}.handler import handler" + FIRST.replace("PATH", path)
        for name, path in (
            ("auth", "/auth/verify"),
            ("library", "/health"),
            ("library", "/images/list"),
            ("library", "/albums/"),
            ("search", "/search"),
        )
    },
    **{name: f"import functions.{name}.handler" for name in ("vision", "embedding", "albums", "maintenance")},
}


def cpu_ms(statement: str) -> float:
    """CPU milliseconds of one import in a new process, interpreter start-up taken off."""
    code = f"import time; t = time.process_time()\n{statement}\nprint((time.process_time() - t) * 1000)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT / "tests", capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    for folder in ("shared", "functions"):
        compileall.compile_dir(ROOT / folder, quiet=2)
    for statement in CASES.values():
        cpu_ms(statement)  # writes what bytecode is missing
    # In turns, so that a busy machine slows all of them alike.
    samples: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(RUNS):
        for name, statement in CASES.items():
            samples[name].append(cpu_ms(statement))
    bare = statistics.median(samples["bare FastAPI + Mangum"])
    print(f"{'import':<30}{'CPU ms':>8}{'ratio':>8}")
    for name, values in samples.items():
        middle = statistics.median(values)
        print(f"{name:<30}{middle:>8.0f}{middle / bare:>8.2f}")


if __name__ == "__main__":
    main()
