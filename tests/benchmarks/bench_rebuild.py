"""What a rebuild of people and albums costs: a whole one of small and large libraries, one after one new photo, and one
that has nothing to do.

    python -m tests.benchmarks.bench_rebuild [SMALL LARGE]     (10,000 and 100,000 photos by default)

Made libraries: at home in Berlin, a weekend or a journey every few weeks, most photos with a position, every fifth with
a face (of forty people). Each library is measured in a process of its own, on its own database server; the numbers are
seconds of the clock, the CPU seconds of the function (the rest is the database's), and the most memory it took.

Aims: ten times the photos cost at most twelve times as much, within 700 MB and far inside the function's 300 s; a new
photo costs a small part of the whole.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from tests.benchmarks import scratch

from photovault import db, ids, rebuilds, users, vectors
from photovault.model_manifest import ModelInfo
from photovault.pipeline import albums as builder
from photovault.settings import get_settings

SIZES = (10_000, 100_000)
START = datetime(2015, 1, 5, 9)
# The photos of a year and a day.
A_YEAR = 10_000
MODEL = ModelInfo(name="bench-face", version="1", kind="face", dims=64)
PEOPLE = 40
KINDS = ("whole", "nothing", "one photo")
HOME = ("DE", "Germany", "Berlin", "Berlin", 52.52, 13.405)
PLACES = [
    ("PT", "Portugal", "Lisbon", "Lisbon", 38.7139, -9.1394),
    ("PT", "Portugal", "Porto", "Porto", 41.1496, -8.6109),
    ("FR", "France", "Île-de-France", "Paris", 48.8566, 2.3522),
    ("IT", "Italy", "Lazio", "Rome", 41.9028, 12.4964),
    ("ES", "Spain", "Andalusia", "Seville", 37.3891, -5.9845),
    ("AT", "Austria", "Vienna", "Vienna", 48.2082, 16.3738),
    ("DE", "Germany", "Hamburg", "Hamburg", 53.5511, 9.9937),
    ("PL", "Poland", "Pomerania", "Gdansk", 54.352, 18.6466),
]


def moments(photos: int) -> Iterator[tuple[datetime, tuple[str, str, str, str, float, float]]]:
    """When and where, in order: days at home with a handful, now and then days away with many."""
    chance = random.Random(7)
    left, day, away, where = photos, START, 0, HOME
    while left:
        if not away and chance.random() < 0.04:
            away, where = chance.choice([2, 3, 3, 7, 12]), chance.choice(PLACES)
        here = where if away else HOME
        many = chance.randint(20, 90) if away else chance.choice([0, 3, 8, 20, 45])
        at = day.replace(hour=9) + timedelta(minutes=chance.randint(0, 120))
        for _ in range(min(many, left)):
            at += timedelta(seconds=chance.choice([5, 20, 60, 600, 1500]))
            if at.date() != day.date():
                break
            yield at, here
            left -= 1
        away, day = max(0, away - 1), day + timedelta(days=1)


def fill(url: str, photos: int) -> UUID:
    """A person with a library."""
    rng, chance = np.random.default_rng(5), random.Random(5)
    with psycopg.connect(url) as conn:
        person = scratch.add_person(conn)
        conn.execute("INSERT INTO rebuilds (wanted_generation) VALUES (1)")
        model = vectors.model_id(conn, MODEL)
        those = [photo(at, where, chance) for at, where in moments(photos)]
        columns = ", ".join(those[0])
        with conn.cursor().copy(f"COPY images ({columns}) FROM STDIN".encode()) as copy:
            for row in those:
                copy.write_row(tuple(row.values()))
        faces = "id, image_id, model_id, x, y, w, h, score, quality, founder, embedding"
        looks = np.eye(MODEL.dims, dtype=np.float32)
        with conn.cursor().copy(f"COPY faces ({faces}) FROM STDIN".encode()) as copy:
            for row in those:
                if chance.random() < 0.2:
                    look = looks[chance.randrange(PEOPLE)] + rng.normal(0, 0.07, MODEL.dims).astype(np.float32)
                    embedding = vectors.to_sql(look / np.linalg.norm(look))
                    copy.write_row((ids.new(), row["id"], model, 0.1, 0.1, 0.2, 0.2, 0.9, 0.8, True, embedding))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    return person


def photo(at: datetime, where: tuple[str, str, str, str, float, float], chance: random.Random) -> dict[str, Any]:
    """A row of ``images``; most have a position, some a camera that has none."""
    image_id = ids.new()
    code, country, region, city, lat, lon = where if chance.random() < 0.85 else (None,) * 6
    return {
        "id": image_id,
        "sha256": hashlib.sha256(image_id.bytes).digest(),
        "filename": f"{image_id}.jpg",
        "content_type": "image/jpeg",
        "bytes": 3_000_000,
        "status": "ready",
        "key_version": 1,
        "content_key": b"k",
        "sealed_at": at,
        "vision_done_at": at,
        "embedding_done_at": at,
        "taken_source": "exif",
        "camera_make": "Bench",
        "sort_at": at,
        "local_day": at.date(),
        "lat": None if lat is None else lat + chance.gauss(0, 0.01),
        "lon": None if lon is None else lon + chance.gauss(0, 0.01),
        "location_source": None if lat is None else "exif",
        "country_code": code,
        "country": country,
        "region": region,
        "city": city,
    }


def backend_cpu(user_id: UUID) -> float:
    """CPU seconds of the one connection to the database so far."""
    with db.transaction(user_id) as conn:
        stat = Path(f"/proc/{conn.info.backend_pid}/stat").read_text()
    return sum(map(int, stat.rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def most_memory() -> float:
    """MB that this process took at most, by now."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def rebuild(user_id: UUID) -> dict[str, float]:
    """Ask for a rebuild and do it."""
    with db.transaction(user_id) as conn:
        rebuilds.want(conn)
    clock, cpu, backend = time.perf_counter(), time.process_time(), backend_cpu(user_id)
    builder.handle(user_id, remaining=lambda: math.inf)
    taken = {"clock": time.perf_counter() - clock, "function": time.process_time() - cpu}
    return taken | {"database": backend_cpu(user_id) - backend}


def add_one(user_id: UUID, number: int) -> None:
    """One more photo with a known face, somewhere in the middle."""
    row = photo(START + timedelta(days=17 * number + 40, hours=3), HOME, random.Random(number))
    with db.transaction(user_id) as conn:
        users.next_revision(conn)
        columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
        conn.execute(f"INSERT INTO images ({columns}) VALUES ({places})".encode(), list(row.values()))
        look = np.eye(MODEL.dims, dtype=np.float32)[number % PEOPLE] + 0.01
        conn.execute(
            "INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding) "
            "VALUES (%s, %s, %s, 0.1, 0.1, 0.2, 0.2, 0.9, 0.8, true, %s)",
            [ids.new(), row["id"], vectors.model_id(conn, MODEL), vectors.to_sql(look / np.linalg.norm(look))],
        )


def cpu(cost: dict[str, float]) -> float:
    return cost["function"] + cost["database"]


def measure(user_id: UUID) -> dict[str, Any]:
    """Everything about one library, in this process."""
    idle = most_memory()
    found: dict[str, Any] = {"whole": rebuild(user_id), "memory": most_memory(), "idle": idle}
    found["nothing"] = rebuild(user_id)
    ones = []
    for number in range(3):
        add_one(user_id, number)
        ones.append(rebuild(user_id))
    found["one photo"] = min(ones, key=cpu)
    with db.transaction(user_id) as conn:
        found["albums"] = db.value(conn, "SELECT count(*) FROM albums")
        found["memberships"] = db.value(conn, "SELECT count(*) FROM album_images")
    return found


def library(photos: int) -> dict[str, Any]:
    """One library, measured in a process of its own."""
    with scratch.database() as database:
        url = database.url
        person = fill(url, photos)
        ran = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.bench_rebuild", "--measure", str(person)],
            env=os.environ
            | {"DATABASE_URL": url, "APP_ENV": "test", "LOG_LEVEL": "WARNING", "AWS_LAMBDA_FUNCTION_NAME": "bench"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
        return found


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        get_settings.cache_clear()
        print(json.dumps(measure(UUID(sys.argv[2]))))
        return
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    measured = {size: library(size) for size in sizes}
    for size, found in measured.items():
        print(f"{size:,} photos: {found['albums']:,} albums, {found['memberships']:,} memberships")
        for what in KINDS:
            cost, part = found[what], cpu(found[what]) / cpu(found["whole"])
            print(
                f"  {what:<10} {cost['clock']:7.2f} s; CPU: function {cost['function']:6.2f} s, database "
                f"{cost['database']:6.2f} s; {part:7.2%} of the whole"
            )
        print(f"  most memory {found['memory']:.0f} MB, {found['idle']:.0f} MB of it before it began")
    small, large = (measured[size] for size in (sizes[0], sizes[-1]))
    for what in KINDS:
        ratios = [large[what]["clock"] / small[what]["clock"], cpu(large[what]) / cpu(small[what])]
        print(
            f"{what}: {sizes[-1] / sizes[0]:.0f} times the photos: {ratios[0]:.1f} times the time, {ratios[1]:.1f} CPU"
        )


if __name__ == "__main__":
    main()
