"""Rotating the master key of many people's keys, through the real database, and what opening a key costs.

    python -m tests.benchmarks.bench_keys [PEOPLE]     (10,000 by default)

Aim: 2,000 people a second and core. One process does the work, so a second of its wall clock is at most one core's; the
database's own share is on top and is told from the processor time of both. The parts are measured beside the whole in
the same run, so that a busy machine slows all of them alike; read the shares. A machine that others use as well shows
more wall clock than work: then the line of processor time is the one to read.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable

import psutil
import psycopg
from infra.local.postgres import Postgres
from tests.benchmarks import scratch

from photovault import ids, keyring, keys, rotation
from photovault.settings import get_settings

AIM = 2000
ROUNDS = 5
SAMPLE = 500


def fill(url: str, people: int, master: keys.MasterKeys) -> None:
    """People, each with a key that this master key wraps."""
    with psycopg.connect(url) as conn:
        everybody = [ids.new() for _ in range(people)]
        with conn.cursor().copy(
            "COPY users (id, email, email_key, name, password_hash, quota_bytes) FROM STDIN"
        ) as out:
            for user_id in everybody:
                out.write_row((user_id, "", str(user_id), "", "", 0))
        with conn.cursor().copy("COPY user_keys (user_id, version, wrapped, master_fingerprint) FROM STDIN") as out:
            for user_id in everybody:
                wrapped = master.wrap_dek(keys.new_dek(), user_id=user_id, version=1)
                out.write_row((user_id, 1, wrapped.token, wrapped.fingerprint))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE user_keys")


def use(*master_keys: str) -> keys.MasterKeys:
    os.environ["MASTER_KEY"] = ",".join(master_keys)
    get_settings.cache_clear()
    keyring.master_keys.cache_clear()
    keyring.forget()
    return keyring.master_keys()


def server_seconds(server: Postgres) -> float:
    """Processor time of the database's processes so far, our backend among them: the pool keeps it."""
    pid = server.pid()
    assert pid is not None
    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        spent = process.cpu_times()
        total += spent.user + spent.system
    return total


def microseconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(SAMPLE):
        action()
    return (time.process_time() - start) / SAMPLE * 1e6


def parts(old: str, new: str) -> dict[str, float]:
    """Median microseconds of processor time of the steps, each for one key."""
    before, during, user_id = keys.MasterKeys([old]), keys.MasterKeys([new, old]), ids.new()
    wrapped = before.wrap_dek(keys.new_dek(), user_id=user_id, version=1)
    dek, image_id = keys.new_dek(), ids.new()
    content_key = keys.wrap_content_key(dek, keys.new_content_key(), image_id=image_id)
    steps: dict[str, Callable[[], object]] = {
        "unwrap a person's key, the newest master key": lambda: before.unwrap_dek(wrapped, user_id=user_id, version=1),
        "unwrap a person's key, the second one": lambda: during.unwrap_dek(wrapped, user_id=user_id, version=1),
        "wrap a person's key anew (both)": lambda: during.rewrap(wrapped, user_id=user_id, version=1),
        "unwrap a photo's key": lambda: keys.unwrap_content_key(dek, content_key, image_id=image_id),
    }
    samples: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            samples[name].append(microseconds(step))
    return {name: statistics.median(values) for name, values in samples.items()}


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with scratch.database() as base:
        url = base.url
        chain = [keys.generate_master_key() for _ in range(ROUNDS + 1)]
        fill(url, people, use(chain[0]))
        walls, processors, shares = [], [], []
        for older, newer in itertools.pairwise(chain):
            use(newer, older)
            database, own, wall = server_seconds(base.server), time.process_time(), time.perf_counter()
            report = rotation.rotate_master()
            wall = time.perf_counter() - wall
            own, database = time.process_time() - own, server_seconds(base.server) - database
            if not report.done or report.rewrapped != people:
                raise SystemExit("not everybody's key was wrapped anew")
            walls.append(people / wall)
            processors.append(people / (own + database))
            shares.append(own / (own + database))
        took = parts(chain[0], chain[1])
        whole = 1e6 / statistics.median(processors)
        print(f"{people:,} people, batches of {rotation.BATCH}, medians of {ROUNDS} rotations")
        print(f"rotate-master{statistics.median(walls):>42,.0f} people/s of wall clock")
        print(f"rotate-master{statistics.median(processors):>42,.0f} people/s and core, database included", end="")
        print(f"   ({statistics.median(processors) / AIM:.1f} x the aim)")
        print(f"of that this process{statistics.median(shares):>35.0%}")
        for name, value in took.items():
            print(f"{name:<47}{value:>8.1f} us   {value / whole:>5.0%} of a key's rotation")


if __name__ == "__main__":
    main()
