"""How long plaintext rests in staging: uploads through the deployed template on a laptop, each watched until gone.

    python -m tests.benchmarks.bench_staging [PHOTOS] [--sealed]      (200 by default; starts a cloud of its own)

The time of a photo runs from when S3 has answered its post until a list of the bucket shows it no more; the bucket is
listed ten times a second. One client posts as fast as it can, so most of the time is the queue in front of as many
workers as the machine has cores; in AWS there are more. Aim: p99 under 60 seconds. With ``--sealed`` it is ciphertext
that rests there, and the same is measured of it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from infra.local import configuration, stack
from infra.local.api import start_api
from infra.local.localstack import LocalStack
from infra.local.pictures import draw
from infra.local.ports import free_port
from infra.local.postgres import Postgres
from tests.flows.uploader import Client

BATCH = 50  # announced at a time: their posts live five minutes
SIZE = (1600, 1200)
PATIENCE_SECONDS = 900


@contextmanager
def local_cloud(folder: Path) -> Iterator[tuple[str, str, str]]:
    """The deployed template with a database and the API: the API's address, the cloud's, and the staging bucket."""
    logs = folder / "logs"
    logs.mkdir()
    with ExitStack() as closing:
        database = Postgres(folder / "postgres", logs / "postgres.log", scratch=True)
        closing.callback(database.stop)
        database.start()
        cloud = LocalStack(folder / "localstack", logs, port=0)
        closing.callback(cloud.stop)
        cloud.start()
        settings = configuration.load(folder, folder, environ={"APP_ENV": "test"})
        settings["DATABASE_URL"] = database.create_database("bench")
        port = free_port()
        settings["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        configuration.migrate(settings)
        cloud.ready()
        deployed = stack.deploy(cloud.endpoint, settings=settings, folder=folder)
        api = start_api(port, deployed.environment, logs / "api.log")
        closing.callback(api.stop, patience=5)
        yield settings["PUBLIC_URL"], cloud.endpoint, deployed.environment["STAGING_BUCKET"]


class Watch:
    """When each object of the bucket was seen last, by the last part of its key."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        self.gone: dict[str, float] = {}
        self._pages = stack.client(endpoint, "s3").get_paginator("list_objects_v2")
        self._bucket = bucket
        self._waited_for: set[str] = set()
        self._lock = threading.Lock()

    def expect(self, image_id: str) -> None:
        with self._lock:
            self._waited_for.add(image_id)

    @property
    def left(self) -> int:
        return len(self._waited_for)

    def look(self) -> None:
        with self._lock:
            expected = set(self._waited_for)
        there = {
            entry["Key"].rpartition("/")[2]
            for page in self._pages.paginate(Bucket=self._bucket)
            for entry in page.get("Contents", [])
        }
        now = time.monotonic()
        with self._lock:
            for image_id in expected - there:
                self.gone[image_id] = now
                self._waited_for.discard(image_id)


def upload(client: Client, photos: int, *, sealed: bool, watch: Watch) -> dict[str, float]:
    """Draws, announces and posts; when each photo's post was answered, by its id."""
    posted: dict[str, float] = {}
    for start in range(0, photos, BATCH):
        files = {f"{n}.jpg": draw(n, SIZE) for n in range(start, min(start + BATCH, photos))}
        for data, item in zip(files.values(), client.announce(files, sealed=sealed), strict=True):
            client.post_form(item["post"], client.seal(item["seal"], data) if sealed else data)
            posted[item["image_id"]] = time.monotonic()
            watch.expect(item["image_id"])
    return posted


def report(rested: list[float], what: str) -> None:
    cuts = statistics.quantiles(rested, n=100, method="inclusive")
    print(f"seconds that {what} rests in staging, of {len(rested)} uploads of {SIZE[0]} x {SIZE[1]} pixels")
    for label, seconds in (("p50", cuts[49]), ("p99", cuts[98]), ("max", max(rested))):
        print(f"  {label}  {seconds:7.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_staging", description=__doc__)
    parser.add_argument("photos", type=int, nargs="?", default=200)
    parser.add_argument("--sealed", action="store_true", help="let the client seal what it uploads")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, local_cloud(Path(folder)) as (base, endpoint, bucket):
        watch = Watch(endpoint, bucket)
        with ThreadPoolExecutor(1) as pool:
            uploads: Any = pool.submit(
                upload, Client.sign_up(base), arguments.photos, sealed=arguments.sealed, watch=watch
            )
            began = time.monotonic()
            while not uploads.done() or watch.left:
                watch.look()
                if time.monotonic() - began > PATIENCE_SECONDS:
                    print(f"{watch.left} uploads have not left staging after {PATIENCE_SECONDS} s")
                    return 1
                time.sleep(0.1)
            posted = uploads.result()
    report(
        [watch.gone[image_id] - at for image_id, at in posted.items()],
        "ciphertext" if arguments.sealed else "plaintext",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
