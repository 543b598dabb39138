"""Browsing things in a large library: the list of labels and the photos of one, through the real queries.

    python -m tests.benchmarks.bench_labels [PHOTOS]     (100,000 by default, with up to three labels each)

Aim: a page of labels from an index, at a fraction of what joining labels and photos costs.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import psycopg
from tests.benchmarks import scratch
from tests.benchmarks.bench_timeline import fill

from photovault import images, listing, things

RUNS = 9
JOINED = """
    SELECT l.label, count(*), max(l.score), (array_agg(l.image_id ORDER BY l.score DESC, l.image_id))[1]
    FROM image_labels l JOIN images i ON i.id = l.image_id
    WHERE i.deleted_at IS NULL AND NOT i.archived GROUP BY l.label ORDER BY count(*) DESC, l.label
"""


def label(url: str, person: UUID) -> int:
    """Eighty things, some of them everywhere and some rare; how many labels."""
    with psycopg.connect(url) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
        conn.execute("INSERT INTO models (kind, name, version, dims) VALUES ('label', 'bench', '1', 0)")
        added = conn.execute(
            """
            INSERT INTO image_labels (image_id, label, model_id, score)
            SELECT i.id, 'thing ' || floor(80 * power(random(), 2))::int, m.id, 0.35 + 0.6 * random()
            FROM images i CROSS JOIN generate_series(1, 3) CROSS JOIN models m WHERE m.name = 'bench'
            ON CONFLICT DO NOTHING
            """
        ).rowcount
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    return added


def main() -> None:
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with scratch.database() as database:
        url = database.url
        person = fill(url, photos)
        added = label(url, person)
        with scratch.as_person(url, person) as conn:

            def of(name: str, least: float = 0.0) -> Callable[[], Sequence[object]]:
                wanted = listing.Filter(labels=(name,), min_label_score=least)
                return lambda: images.page(conn, wanted, limit=51, after=None)

            ways: dict[str, Callable[[], Sequence[object]]] = {
                "labels, joined with photos": lambda: conn.execute(JOINED).fetchall(),
                "labels, first page": lambda: things.page(conn, limit=51, after=None),
                "photos of a common thing": of("thing 0"),
                "photos of a rare thing": of("thing 79"),
                "of a rare thing, surely": of("thing 79", 0.9),
                "of nothing": of("nothing"),
            }
            samples: dict[str, list[float]] = {name: [] for name in ways}
            for run in range(RUNS + 1):  # in turns, so that a busy machine slows all of them alike
                for name, way in ways.items():
                    start = time.perf_counter()
                    way()
                    if run:  # the first one warms the cache
                        samples[name].append((time.perf_counter() - start) * 1000)
        base = statistics.median(samples["labels, joined with photos"])
        print(f"{photos:,} photos of one person with {added:,} labels")
        for name, values in samples.items():
            middle = statistics.median(values)
            print(f"{name:<28}{middle:>8.1f} ms{middle / base:>8.3f} x")


if __name__ == "__main__":
    main()
