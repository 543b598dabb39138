"""What it costs to group the people of a large library, and to add one face to it.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/bench_grouping.py [FACES]     (50,000 by default)

Synthetic faces as difficult as real ones are for face-reidentification-retail-0095: cosines of one person 0.70 on
average, of strangers 0.00 with a spread of 0.11 (identities in 83 dimensions of 256); people by Zipf's law, the largest
with an eighth of all faces; one face in ten a stranger's, one in five weak. Numbers are CPU seconds; read the ratios.

Aims: one new face costs less than 1 % of a full regroup at the median; a full regroup stays under 1 GiB. Three parts:

* the algorithm alone, embeddings in memory: a full regroup, and new faces of random people and of the largest one;
* the whole path on Postgres, as the album builder goes it: read, regroup, difference, what is remembered;
* the most memory that a process takes that does the whole path in full.
"""

from __future__ import annotations

import hashlib
import random
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "shared"))
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import psycopg  # noqa: E402
from tests.benchmarks import scratch  # noqa: E402

from photovault import db, vectors  # noqa: E402
from photovault.grouping import Face, Grouping, Matrix, component_sizes, group  # noqa: E402
from photovault.model_manifest import ModelInfo  # noqa: E402
from photovault.pipeline import regrouping  # noqa: E402

PEOPLE = 500
DIMENSIONS, IDENTITY_DIMENSIONS = 256, 83
NEW_FACES = 50
NEW_PHOTOS = 10
MODEL = ModelInfo(name="face-reidentification-retail-0095", version="eb7a6132.2", kind="face", dims=DIMENSIONS)

T = TypeVar("T")


def synthetic(count: int, *, seed: int = 5) -> tuple[list[Face], np.ndarray, np.ndarray]:
    """Faces, their embeddings, and who they are."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, PEOPLE + 1)
    who = rng.choice(PEOPLE, size=count, p=share / share.sum())
    strangers = rng.random(count) < 0.1
    who[strangers] = PEOPLE + np.arange(strangers.sum())
    identities = rng.normal(size=(who.max() + 1, IDENTITY_DIMENSIONS)).astype(np.float32)
    noise = (0.6 * np.exp(rng.normal(scale=0.45, size=count))).astype(np.float32)
    found = identities[who] + rng.normal(size=(count, IDENTITY_DIMENSIONS)).astype(np.float32) * noise[:, None]
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    basis = np.linalg.qr(rng.normal(size=(DIMENSIONS, IDENTITY_DIMENSIONS)))[0].astype(np.float32)
    weak = noise > np.quantile(noise, 0.8)
    faces = [
        Face(
            id=UUID(int=n + 1),
            photo_sha256=hashlib.sha256(b"%d" % n).digest(),
            box=(0.0,),
            quality=float(1 / (1 + noise[n])),
            founder=not weak[n],
            row=n,
        )
        for n in range(count)
    ]
    return faces, found @ basis.T, who


def pairs(sizes: Sequence[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def scores(grouped: Grouping, faces: Sequence[Face], who: np.ndarray) -> tuple[float, float]:
    """Pairwise precision and recall."""
    row_of = {face.id: face.row for face in faces}
    counts = [Counter(int(who[row_of[face]]) for face in cluster) for cluster in grouped.clusters]
    both = sum(pairs(list(count.values())) for count in counts)
    return both / pairs([count.total() for count in counts]), both / pairs(list(Counter(who.tolist()).values()))


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def algorithm(faces: list[Face], found: np.ndarray, who: np.ndarray) -> None:
    stored = Matrix(found, faces)
    whole, full = timed(lambda: group(faces, stored))
    precision, recall = scores(full, faces, who)
    print(f"{len(full.clusters)} people, {len(full.unknown)} nobody's: precision {precision:.5f}, recall {recall:.4f}")
    print(
        f"largest components {list(component_sizes(full.memory))[:6]}, remembered {len(full.memory.to_bytes()):,} bytes"
    )
    print(f"full regroup {whole:.2f} s")

    def new(late: Face) -> tuple[float, int]:
        before = group([face for face in faces if face is not late], stored, previous=full.memory).memory
        cost, after = timed(lambda: group(faces, stored, previous=before))
        if after.clusters != full.clusters:
            raise SystemExit("a new face gave other people than a full regroup")
        return cost, after.recomputed

    measured = [new(late) for late in random.Random(3).sample(faces, NEW_FACES)]
    costs = sorted(cost for cost, _ in measured)
    touched = sorted(size for _, size in measured)
    worst, size = new(next(face for face in faces if face.founder and who[face.row] == 0))
    for name, cost, those in (
        ("median", statistics.median(costs), statistics.median(touched)),
        ("nine in ten", costs[len(costs) * 9 // 10], touched[len(touched) * 9 // 10]),
        ("largest component", worst, size),
    ):
        print(f"one new face, {name:<18} {cost:.3f} s  {100 * cost / whole:5.2f} % of full  ({those:.0f} founders)")


# ---- the whole path --------------------------------------------------------------------------------------------------


def add(conn: psycopg.Connection, faces: Sequence[Face], found: np.ndarray) -> None:
    """A photo for each face."""
    with conn.cursor() as cursor:
        with cursor.copy(
            "COPY images (id, sha256, filename, content_type, bytes, status, key_version, content_key, sealed_at, "
            "sort_at, local_day, vision_done_at, embedding_done_at) FROM STDIN"
        ) as copy:
            for face in faces:
                image = (face.id, face.photo_sha256, "a.jpg", "image/jpeg", 1, "ready", 1, b"k" * 32)
                copy.write_row((*image, *["2024-05-01"] * 5))
        with cursor.copy(
            "COPY faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding) FROM STDIN"
        ) as copy:
            for face in faces:
                row = (face.id, face.id, 1, 0.1, 0.1, 0.2, 0.2, 0.9, face.quality, face.founder)
                copy.write_row((*row, vectors.to_sql(found[face.row])))


def fill(url: str, faces: Sequence[Face], found: np.ndarray) -> UUID:
    with psycopg.connect(url) as conn:
        person = scratch.add_person(conn)
        conn.execute(
            "INSERT INTO models (kind, name, version, dims) VALUES ('face', %s, %s, %s)",
            [MODEL.name, MODEL.version, MODEL.dims],
        )
        add(conn, faces, found)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE faces, images")
    return person


def rebuild(person: UUID) -> dict[str, float]:
    """One pass over the people as the album builder makes it: wall seconds of each part, and CPU in all."""
    began, spent = time.perf_counter(), time.process_time()
    with db.transaction(person) as conn:
        known = regrouping.read(conn)
    read = time.perf_counter()
    who = regrouping.regroup(known, lambda model: regrouping.Stored(person, model))
    grouped = time.perf_counter()
    change = regrouping.difference(known, who)
    with db.transaction(person) as conn:
        regrouping.write(conn, change, revision=1)
    done = time.perf_counter()
    return {
        "read": read - began,
        "regroup": grouped - read,
        "write": done - grouped,
        "all": done - began,
        "cpu": time.process_time() - spent,
    }


def whole_path(faces: list[Face], found: np.ndarray) -> None:
    late = random.Random(4).sample(faces, NEW_PHOTOS)
    with scratch.database() as database:
        url = database.url
        person = fill(url, [face for face in faces if face not in late], found)
        full = rebuild(person)
        print("through Postgres, full:     " + "  ".join(f"{name} {value:.2f} s" for name, value in full.items()))
        print(f"most memory of this process so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        rounds = []
        for face in late:
            with psycopg.connect(url) as conn:
                conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
                add(conn, [face], found)
            rounds.append(rebuild(person))
        for name in full:
            middle = statistics.median(one[name] for one in rounds)
            print(f"one new photo, median {name:<8} {middle:.3f} s  {100 * middle / full[name]:5.2f} % of full")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    faces, found, who = synthetic(count)
    print(f"{count:,} faces, {PEOPLE} people and {int((who >= PEOPLE).sum()):,} strangers")
    whole_path(faces, found)
    algorithm(faces, found, who)


if __name__ == "__main__":
    main()
