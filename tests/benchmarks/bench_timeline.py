"""A page of the photo list at any depth of a large library, through the real query and row-level security.

    python -m tests.benchmarks.bench_timeline [ROWS]     (1,000,000 by default; needs about 1 GB of disk)

Aim: the deepest page within 1.2 times the first one.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from infra.local.postgres import Postgres

from photovault import ids, images, migrate

PAGE = 100
RUNS = 30


def fill(url: str, rows: int) -> UUID:
    person = ids.new()
    with psycopg.connect(url) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
        conn.execute(
            "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) VALUES ('b', 'b', 'b', 'b', 0)"
        )
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
        conn.execute(
            """
            INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, sealed_at,
                                sort_at, local_day, vision_done_at, embedding_done_at)
            SELECT gen_random_uuid(), sha256(n::text::bytea), 'IMG_' || n || '.jpg', 'image/jpeg', 3000000, 'ready', 1,
                   sha256(n::text::bytea), now(), timestamp '2000-01-01' + n * interval '13 minutes',
                   (timestamp '2000-01-01' + n * interval '13 minutes')::date, now(), now()
            FROM generate_series(1, %s) n
            """,
            [rows],
        )
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE images")
    return person


def page_ms(conn: psycopg.Connection, after: datetime | None) -> float:
    start = time.perf_counter()
    found = images.page(conn, images.Filter(), limit=PAGE, after=(after, UUID(int=0)) if after else None)
    took = (time.perf_counter() - start) * 1000
    if len(found) != PAGE:
        raise SystemExit("the page is not full")
    return took


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres", Path(folder) / "postgres.log", scratch=True)
        server.start()
        try:
            url = server.create_database("bench")
            migrate.upgrade(url)
            person = fill(url, rows)
            first_day, span = datetime(2000, 1, 1), timedelta(minutes=13 * rows)
            depths = {"first": None, **{f"{d:.0%} deep": first_day + span * (1 - d) for d in (0.1, 0.5, 0.9, 0.99)}}
            samples: dict[str, list[float]] = {name: [] for name in depths}
            with psycopg.connect(url) as conn:
                conn.execute("SET LOCAL ROLE photovault_app")
                conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
                for run in range(RUNS + 1):  # in turns, so that a busy machine slows all of them alike
                    for name, after in depths.items():
                        took = page_ms(conn, after)
                        if run:  # the first one warms the cache
                            samples[name].append(took)
            base = statistics.median(samples["first"])
            print(f"{rows:,} rows of one person, pages of {PAGE}")
            for name, values in samples.items():
                middle = statistics.median(values)
                print(f"{name:<10}{middle:>8.2f} ms{middle / base:>8.2f} x")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
