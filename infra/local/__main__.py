"""`python -m infra.local` (`make run`): starts everything, serves until told to stop, drains, leaves nothing."""

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from infra.local import configuration, queues, stack
from infra.local.api import start_api
from infra.local.localstack import LocalStack
from infra.local.ports import free_port
from infra.local.postgres import Postgres

from photovault.errors import PhotoVaultError

ROOT = Path(__file__).resolve().parents[2]
DRAIN_SECONDS = 20  # without any progress

WELCOME = """
PhotoVault is ready ({seconds:.0f} s).

  Gallery      {base}
  API          {base}/docs          (all endpoints)
  Gateway      {gateway}
  LocalStack   {endpoint}
  Logs         {logs}

A first photo:

  TOKEN=$(curl -s {base}/auth/signup -H 'content-type: application/json' \\
    -d '{{"email": "me@example.com", "password": "password123", "name": "Me"}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl -s {base}/images/upload -H "authorization: Bearer $TOKEN" -F file=@photo.jpg
  curl -s {base}/images/list -H "authorization: Bearer $TOKEN"

`make demo` fills an account with pictures. Ctrl-C stops everything.
"""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, SIGTERM or SIGHUP before everything was up."""


class Signals:
    """Before `serving` a signal interrupts the start; from then on it is counted, and the main thread decides."""

    def __init__(self) -> None:
        self.serving = False
        self.count = 0
        self.received = threading.Event()
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.received.set()
        if not self.serving and self.count == 1:
            raise Interrupted

    def again(self) -> bool:
        return self.count > 1


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds the folder's lock, which the system drops with the process. Exits when another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            sys.exit(f"PhotoVault already runs from this folder (process {file.read().strip() or 'unknown'}).")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def turn_logs(folder: Path) -> None:
    """Keeps the last run's logs as `*.log.1` and starts new ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def look_after(environment: dict[str, str]) -> None:
    """Tells of photos whose master key is missing, and asks again for what the last run left unfinished: staging and
    queues do not survive LocalStack."""
    os.environ.update(environment)
    from photovault import db, rotation
    from photovault.pipeline import maintenance, waking

    with db.rotation() as conn:
        lacking = rotation.missing(conn)
    if lacking:
        say(f"Some photos cannot be opened. {rotation.how_to_restore(lacking)}")
    maintenance.resend_unfinished()
    waking.wake_all()


def publish(path: Path, environment: dict[str, str]) -> Callable[[], None]:
    """Lets `photovault invoke` join the running cloud: its secrets too, so only the owner may read it."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(environment, out)
    return lambda: path.unlink(missing_ok=True)


def show_progress() -> Callable[[dict[str, int]], None]:
    """A printer of what the queues still hold, which says each thing once."""
    last = ""

    def show(left: dict[str, int]) -> None:
        nonlocal last
        text = ", ".join(f"{name}: {count}" for name, count in left.items())
        if text and text != last:
            say(f"  waiting for {text}   (Ctrl-C again to skip)")
        last = text

    return show


def watch(signals: Signals, parts: dict[str, Callable[[], bool]]) -> str | None:
    """Blocks until a signal, or until a part is gone, whose name it returns."""
    parent = os.getppid()
    while not signals.received.wait(0.5):
        for name, running in parts.items():
            if not running():
                return name
        if "MAKELEVEL" in os.environ and os.getppid() != parent:
            return None  # make was killed, and it cannot pass that on
    return None


def run(folder: Path, *, port: int, cloud_port: int, signals: Signals) -> int:
    """Everything from start to end; returns the exit status."""
    began = time.monotonic()
    logs = folder / "logs"
    turn_logs(logs)
    settings = configuration.load(ROOT, folder)
    port = free_port(port)
    base = f"http://127.0.0.1:{port}"
    settings.setdefault("PUBLIC_URL", base)
    settings.setdefault("CORS_ORIGINS", f"{base},http://localhost:{port}")  # the gallery posts to the bucket by itself

    with ExitStack() as closing:
        cloud = LocalStack(folder / "localstack", logs, port=cloud_port)
        closing.callback(cloud.stop)
        say("Starting LocalStack and Postgres")
        cloud.start()
        if "DATABASE_URL" not in settings:
            database = Postgres(folder / "postgres", logs / "postgres.log")
            closing.callback(database.stop)
            database.start()
            settings["DATABASE_URL"] = database.create_database("photovault")
        configuration.migrate(settings)
        cloud.ready()
        say("Deploying template.yaml")
        deployed = stack.deploy(cloud.endpoint, settings=settings, folder=folder)
        closing.callback(publish(folder / "environment.json", deployed.environment))
        say("Starting the API")
        api = start_api(port, deployed.environment, logs / "api.log")
        closing.callback(api.stop, patience=10)
        look_after(deployed.environment)
        signals.serving = True
        gateway = deployed.gateway or "none"
        seconds = time.monotonic() - began
        say(WELCOME.format(seconds=seconds, base=base, gateway=gateway, endpoint=cloud.endpoint, logs=logs))

        gone = watch(signals, {"LocalStack": cloud.running, "the API": api.running})
        if gone:
            say(f"{gone} has stopped by itself; its log is in {logs}.")
        say("Stopping: no new requests")
        api.stop(patience=10)
        if gone != "LocalStack":
            with suppress(Exception):  # a cloud that does not answer any more has nothing to drain
                done = queues.drain(
                    stack.client(cloud.endpoint, "sqs"),
                    stack=stack.STACK,
                    seconds=DRAIN_SECONDS,
                    skip=signals.again,
                    show=show_progress(),
                )
                say("The queues are empty." if done else "Stopped with work in the queues; the next start resumes it.")
    say("Stopped.")
    return 1 if gone else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".photovault", help="what it keeps (default: .photovault)"
    )
    parser.add_argument("--port", type=int, default=8999, help="of the API; a free one when it is taken")
    parser.add_argument("--localstack-port", type=int, default=4566, help="of LocalStack; a free one when it is taken")
    arguments = parser.parse_args()
    signals = Signals()
    folder = arguments.folder.resolve()
    try:
        with only_one(folder):
            return run(folder, port=arguments.port, cloud_port=arguments.localstack_port, signals=signals)
    except Interrupted:
        say("Stopped.")
        return 130
    except (RuntimeError, PhotoVaultError) as error:
        say(f"PhotoVault did not start: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
