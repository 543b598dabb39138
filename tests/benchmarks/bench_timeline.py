"""The photo list at any depth, and what is counted in advance beside it: months, map, days, totals, memories.

    python -m tests.benchmarks.bench_timeline [ROWS] [SMALL] [LARGE]

ROWS (1,000,000 by default; needs about 2 GB of disk) are of the person whose list is read at every depth; SMALL and
LARGE (1,000 and 100,000) of two whose months, spots on the map and days are the same, so that their answers have one
size. Through the real queries and row-level security.

Aims: the deepest page within 1.2 times the first one; everything counted in advance within twice, LARGE against SMALL.
The last lines tell what a change of one photo costs with and without the counting.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from uuid import UUID

import psycopg
from tests.benchmarks import scratch

from photovault import albums, clusters, dashboards, images, listing, remembering, timeline

PAGE = 100
RUNS = 30
MONTHS = 120
SPOTS = 200


def fill(url: str, rows: int) -> UUID:
    """A person whose photos are spread evenly over ten years and over 200 spots all over the world."""
    with psycopg.connect(url) as conn:
        person = scratch.add_person(conn)
        conn.execute(
            """
            INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, sealed_at,
                                sort_at, local_day, taken_source, vision_done_at, embedding_done_at, lat, lon,
                                location_source, country_code, city)
            SELECT gen_random_uuid(), sha256((%(person)s || n)::bytea), 'IMG_' || n || '.jpg', 'image/jpeg', 3000000,
                   'ready', 1, sha256(n::text::bytea), now(), at, at::date, 'exif', now(), now(),
                   -60 + spot %% 14 * 9.7, -170 + spot / 14 * 23.5, 'exif', 'PT', 'City ' || spot
            FROM (SELECT n, n %% %(spots)s AS spot,
                         timestamp '2010-01-01' + n * (interval '3652 days' / %(rows)s) AS at
                  FROM generate_series(0, %(rows)s - 1) n) AS photos
            """,
            {"rows": rows, "person": str(person), "spots": SPOTS},
        )
    return person


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def depths(url: str, person: UUID) -> None:
    first_day, span = datetime(2010, 1, 1), timedelta(days=3652)
    places = {"first": None, **{f"{d:.0%} deep": first_day + span * (1 - d) for d in (0.1, 0.5, 0.9, 0.99)}}
    samples: dict[str, list[float]] = {name: [] for name in places}

    def page(conn: psycopg.Connection, after: datetime | None) -> None:
        found = images.page(conn, listing.Filter(), limit=PAGE, after=(after, UUID(int=0)) if after else None)
        if len(found) != PAGE:
            raise SystemExit("the page is not full")

    with scratch.as_person(url, person) as conn:
        for run in range(RUNS + 1):  # in turns, so that a busy machine slows all of them alike
            for name, after in places.items():
                took = timed(lambda after=after: page(conn, after))  # type: ignore[misc]
                if run:  # the first one warms the cache
                    samples[name].append(took)
    base = statistics.median(samples["first"])
    for name, values in samples.items():
        middle = statistics.median(values)
        print(f"{name:<22}{middle:>8.2f} ms{middle / base:>8.2f} x")


Reading = Callable[[psycopg.Connection], int]
READINGS: dict[str, Reading] = {
    "months": lambda conn: len(timeline.months(conn)),
    "map of the world": lambda conn: len(clusters.within(conn, (-180, -90, 180, 90), zoom=3).clusters),
    "map of a continent": lambda conn: len(clusters.within(conn, (0, 0, 90, 60), zoom=4).clusters),
    "map of a street": lambda conn: len(clusters.within(conn, (-170.01, -60.01, -169.99, -59.99), zoom=17).clusters),
    "by year": lambda conn: len(albums.by_date(conn, "year", limit=51)),
    "by month": lambda conn: len(albums.by_date(conn, "month", limit=51)),
    "photos by state": lambda conn: dashboards.images(conn).countries,
}
# What grows with a day's photos up to a bound, and what is still counted from the rows.
OTHERS: dict[str, Reading] = {
    "memories": lambda conn: len(remembering.on(conn, date(2021, 6, 15))),
    "months by GROUP BY": lambda conn: len(
        conn.execute(
            "SELECT date_trunc('month', sort_at), count(*) FROM images WHERE deleted_at IS NULL AND NOT archived "
            "AND status <> 'pending' GROUP BY 1"
        ).fetchall()
    ),
}


def counted(url: str, people: dict[int, UUID]) -> None:
    with ExitStack() as stack:
        conns = {rows: stack.enter_context(scratch.as_person(url, person)) for rows, person in people.items()}
        for name, reading in (READINGS | OTHERS).items():
            samples: dict[int, list[float]] = {rows: [] for rows in people}
            sizes: list[int] = []
            for run in range(RUNS + 1):
                for rows, conn in conns.items():
                    took = timed(lambda conn=conn: sizes.append(reading(conn)))  # type: ignore[misc] # noqa: B023
                    if run:
                        samples[rows].append(took)
            small, large = (statistics.median(values) for values in samples.values())
            print(f"{name:<22}{small:>8.2f} ms{large:>8.2f} ms{large / small:>8.2f} x   {sizes[-1]} in an answer")


def changes(url: str, person: UUID) -> None:
    """One photo made a favourite, moved to the trash and back, and put elsewhere; then without the triggers."""
    statements = {
        "favourite": "UPDATE images SET favourite = NOT favourite WHERE id = %s",
        "trash or restore": "UPDATE images SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE id = %s",
        "another place": "UPDATE images SET lat = 40 + random(), lon = 10 + random() WHERE id = %s",
        "nothing counted": "UPDATE images SET resends = 1 - resends WHERE id = %s",
    }
    with psycopg.connect(url) as conn:
        found = conn.execute("SELECT id FROM images WHERE user_id = %s ORDER BY sort_at LIMIT 1", [person]).fetchone()
    assert found
    middles: dict[str, list[float]] = {name: [] for name in statements}
    for triggers in ("ENABLE", "DISABLE"):
        with psycopg.connect(url) as conn:
            for trigger in ("roll_up_inserted", "roll_up_updated", "roll_up_deleted"):
                conn.execute(f"ALTER TABLE images {triggers} TRIGGER {trigger}".encode())
        with scratch.as_person(url, person) as conn:
            for name, sql in statements.items():
                values = [timed(lambda sql=sql: conn.execute(sql.encode(), [found[0]])) for _ in range(RUNS)]  # type: ignore[misc]
                middles[name].append(statistics.median(values))
    for name, (counting, without) in middles.items():
        print(f"{name:<22}{counting:>8.2f} ms, without counting{without:>8.2f} ms")


def main() -> None:
    rows, small, large = [int(given) for given in sys.argv[1:]] + [1_000_000, 1_000, 100_000][len(sys.argv) - 1 :]
    with scratch.database() as database:
        url = database.url
        start = time.perf_counter()
        people = {count: fill(url, count) for count in (small, large)}
        deep = fill(url, rows)
        took = time.perf_counter() - start
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
            sized = conn.execute("SELECT pg_total_relation_size('image_cells') / 1e6").fetchone()
        print(f"{small + large + rows:,} rows inserted and counted in {took:.0f} s; map cells {sized[0]:.1f} MB")
        print(f"\npages of {PAGE} of {rows:,} photos")
        depths(url, deep)
        print(f"\n{small:,} and {large:,} photos, answers of one size")
        counted(url, people)
        print(f"\na change of one of {large:,} photos")
        changes(url, people[large])


if __name__ == "__main__":
    main()
