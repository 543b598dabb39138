"""Ways to find the nearest vectors of one person among many, in libraries of very different sizes.

    python -m tests.benchmarks.bench_vectors [SIZE ...] [--tenants N] [--hnsw MOST] [--seconds S]

For each SIZE (1,000, 10,000 and 100,000 vectors by default; a million needs some minutes, and 4 GB of disk and memory)
the vectors are spread over 100 tenants, of whom the first has a tenth and the last 25 times fewer. All ways run as the
role of requests under row-level security, on a Postgres of their own with 1 GB of buffers, and are compared with an
exact scan by NumPy of the same vectors in memory, on one core as a back end of Postgres has one. They take turns, so
that a busy machine slows all of them alike. Every line tells

* recall@10 of texts (which lie far from all pictures) and of pictures as queries, of what is above CLIP's cut-off,
* wall clock, median and 95th percentile, in milliseconds and as a multiple of NumPy's,
* the processor time of this process and the back end as a multiple of NumPy's; workers are in the clock alone.

An index of the tenant's own (HNSW) is built where there are at most MOST vectors. Then come the whole paths of a search
by meaning and of look-alikes for the first tenant, with the filters that people use. With ``--tenants 1`` the first
tenant has all of SIZE: ``100000 --tenants 1`` is a library of a hundred thousand photos.
"""

from __future__ import annotations

import argparse
import math
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy reads it

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import psycopg
from tests.benchmarks import scratch
from tests.clip_space import FIRST_DAY, Space, add_library, binary

from photovault import db, ids, listing, meanings, picture_search, search, vectors
from photovault.filters import PlaceRef
from photovault.model_manifest import CLIP

SKEW = 0.7  # the exponent of Zipf's law
QUERIES = 40
FOUND = 10
RERANKED = 1000
ROWS = 200  # inserted at once

HEADER = "   p50 ms   p95 ms   clock    cpu"

Nearest = Callable[[np.ndarray], Sequence[UUID]]


@dataclass
class Tenant:
    """Somebody with photos, and the vectors of those that are not in the archive."""

    person: UUID
    model_id: int
    vectors: np.ndarray
    photos: list[UUID]


@dataclass
class Measured:
    clock: list[float] = field(default_factory=list)  # milliseconds
    processor: list[float] = field(default_factory=list)
    hits: dict[str, list[float]] = field(default_factory=dict)

    def against(self, base: Measured) -> str:
        clock, processor = statistics.median(self.clock), statistics.median(self.processor)
        return (
            f"{clock:>9.2f}{np.percentile(self.clock, 95):>9.2f}{clock / statistics.median(base.clock):>7.1f}x"
            f"{processor / statistics.median(base.processor):>6.1f}x"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_vectors")
    parser.add_argument("sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--hnsw", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each table of ways")
    given = parser.parse_args()
    for size in given.sizes:
        with scratch.database() as database:
            database.restart(shared_buffers="1GB", max_wal_size="4GB", maintenance_work_mem="1GB")
            dice = np.random.default_rng(11)
            space = Space.of(dice)
            started = time.perf_counter()
            tenants = fill(database.url, space, dice, shares(size, given.tenants))
            took = time.perf_counter() - started
            print(f"\n== {size:,} vectors of {given.tenants} tenants, stored in {took:.0f} s")
            for place in sorted({0, given.tenants // 10, given.tenants - 1}):
                queries = {"text": space.texts(dice, QUERIES), "picture": space.pictures(dice, QUERIES)}
                compare_ways(database.url, tenants[place], queries, seconds=given.seconds, hnsw=given.hnsw)
            print_bytes(database.url)
            the_path(tenants[0], space.texts(dice, QUERIES), given.seconds)


def shares(size: int, tenants: int) -> list[int]:
    """How many of ``size`` vectors each tenant has, the first the most."""
    weights = np.arange(1, tenants + 1) ** -SKEW
    return [max(1, round(size * weight)) for weight in weights / weights.sum()]


def fill(url: str, space: Space, dice: np.random.Generator, sizes: Sequence[int]) -> list[Tenant]:
    tenants = []
    with psycopg.connect(url, options="-c synchronous_commit=on") as conn:  # or VACUUM calls nothing visible to all
        model_id = vectors.model_id(conn, CLIP)
        for size in sizes:
            person, pictures = scratch.add_person(conn), space.pictures(dice, size)
            archived = [n % 20 == 19 for n in range(size)]
            photos = add_library(conn, person, pictures, model_id=model_id, archived=archived)
            shown = [n for n in range(size) if not archived[n]]
            tenants.append(Tenant(person, model_id, pictures[shown], [photos[n] for n in shown]))
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(tenants[0].person)])
        conn.execute("INSERT INTO person_clusters (id, name) VALUES (%s, 'Anna')", [tenants[0].person])
        conn.execute(
            "INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding, person_id) "
            "SELECT gen_random_uuid(), image_id, model_id, 0, 0, 1, 1, 1, 1, true, '[1]', user_id "
            "FROM image_embeddings WHERE user_id = current_person() AND get_byte(uuid_send(image_id), 15) < 4"
        )
        conn.commit()
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE")
    return tenants


# ---- ways --------------------------------------------------------------------------------------------------------


def compare_ways(url: str, tenant: Tenant, queries: dict[str, np.ndarray], *, seconds: float, hnsw: int) -> None:
    print(f"\n{f'a tenant with {len(tenant.vectors):,}':<44}{'recall@10 text picture':>22}{HEADER}")
    with alternatives(url, tenant, hnsw=len(tenant.vectors) <= hnsw) as ways:
        results = in_turns(tenant, queries, ways, seconds=seconds)
    base = results["NumPy"]
    for name, found in results.items():
        texts, pictures = (statistics.mean(found.hits.get(kind, [math.nan])) for kind in ("text", "picture"))
        print(f"{name:<44}{texts:>14.3f}{pictures:>8.3f}{found.against(base)}")


Ways = dict[str, tuple[psycopg.Connection, Nearest]]


def in_turns(tenant: Tenant, queries: dict[str, np.ndarray], ways: Ways, *, seconds: float) -> dict[str, Measured]:
    results = {name: Measured() for name in ("NumPy", *ways)}
    place = {photo: n for n, photo in enumerate(tenant.photos)}
    until = time.perf_counter() + seconds
    for n, kind in itertools.product(range(QUERIES), queries):
        if n > 2 and time.perf_counter() > until:
            break
        query = queries[kind][n]
        scores: np.ndarray
        with watched(results["NumPy"], None):
            scores = tenant.vectors @ query
            few = min(FOUND, len(scores))
            best = np.argpartition(-scores, few - 1)[:few]
            best = best[np.argsort(-scores[best])]
        # Which of two that are equally near is nobody's loss, and below the cut-off there is nothing to be found.
        least = max(scores[best[-1]], CLIP.cut_offs.text_floor) - 1e-4
        few = int(np.sum(scores[best] >= least))
        if not few:
            continue
        results["NumPy"].hits.setdefault(kind, []).append(1.0)
        for name, (conn, nearest) in ways.items():
            with watched(results[name], conn.info.backend_pid):
                found = nearest(query)
            hits = sum(scores[place[photo]] >= least for photo in found)  # a photo that is not there is an error
            results[name].hits.setdefault(kind, []).append(hits / few)
    for found in results.values():  # the first ones warm caches
        found.clock, found.processor = found.clock[2:], found.processor[2:]
    return results


@contextmanager
def watched(result: Measured, backend: int | None) -> Iterator[None]:
    """What the block takes, with the processor time of a back end (its process id)."""

    def processor() -> float:
        own = time.process_time() * 1000
        return own if backend is None else own + scratch.processor_ms(backend)

    spent, clock = processor(), time.perf_counter()
    yield
    result.clock.append((time.perf_counter() - clock) * 1000)
    result.processor.append(processor() - spent)


@contextmanager
def alternatives(url: str, tenant: Tenant, *, hnsw: bool) -> Iterator[Ways]:
    """Ours, and what else could be done, each on a connection with its settings; what they need goes with the block."""
    with psycopg.connect(url, autocommit=True) as owner:
        build(owner, tenant, hnsw=hnsw)
    own = "WHERE e.searchable AND e.model_id = %(model_id)s"
    cosine = "(e.embedding <=> %(vector)s::halfvec)"
    scan = f"SELECT e.image_id FROM image_embeddings e {own} ORDER BY {cosine} LIMIT {FOUND}"
    partition = f"SELECT e.image_id FROM partition_of_one e ORDER BY {cosine} LIMIT {FOUND}"
    sketch = (
        "SELECT e.image_id FROM (SELECT s.image_id FROM sketches s "
        f"ORDER BY s.{{bits}} <~> binary_quantize({{query}}::halfvec(512)) LIMIT {RERANKED}) s "
        "CROSS JOIN LATERAL (SELECT e.image_id, e.embedding FROM image_embeddings e "
        "WHERE e.image_id = s.image_id AND e.model_id = %(model_id)s OFFSET 0) e "
        f"ORDER BY {cosine} LIMIT {FOUND}"
    )
    graph = (
        f"SELECT e.image_id FROM image_embeddings e WHERE e.user_id = '{tenant.person}' AND e.searchable "
        f"AND e.model_id = {tenant.model_id} "
        f"ORDER BY e.embedding::halfvec(512) <=> %(vector)s::halfvec(512) LIMIT {FOUND}"
    )
    alone = "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_seqscan = off"
    workers = (
        "SET LOCAL max_parallel_workers_per_gather = 1; SET LOCAL parallel_setup_cost = 0; "
        "SET LOCAL enable_seqscan = {}; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_index_scan_size = 0; "
        "SET LOCAL min_parallel_table_scan_size = 0"
    )
    wanted = {
        "covering index, in index order (ours)": ("", ""),
        "covering index": (alone, scan),
        "covering index, a worker": (workers.format("off"), scan),
        "index, then heap": (f"{alone}; SET LOCAL enable_indexonlyscan = off", scan),
        "partition": ("SET LOCAL max_parallel_workers_per_gather = 0", partition),
        "partition, a worker": (workers.format("on"), partition),
        f"binary, {RERANKED:,} re-ranked": (alone, sketch.format(bits="plain", query="%(vector)s")),
        f"binary around the mean, {RERANKED:,} re-ranked": (
            alone,
            sketch.format(bits="centred", query="%(centred)s"),
        ),
    }
    if hnsw:
        wanted |= {
            f"HNSW of the tenant, ef {ef}": (f"{alone}; SET LOCAL hnsw.ef_search = {ef}", graph) for ef in (100, 400)
        }
    ways: Ways = {}
    contexts = []
    try:
        for name, (settings, statement) in wanted.items():
            context = scratch.as_person(url, tenant.person)
            conn = context.__enter__()
            contexts.append(context)
            if settings:
                conn.execute(settings.encode())
            ways[name] = (conn, asked(conn, statement, tenant) if statement else ours(conn, tenant))
        yield ways
    finally:
        for context in contexts:
            context.__exit__(None, None, None)
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("DROP TABLE partition_of_one, sketches, means; DROP INDEX IF EXISTS graph_of_one")


def asked(conn: psycopg.Connection, statement: str, tenant: Tenant) -> Nearest:
    mean = tenant.vectors.mean(axis=0)

    def nearest(query: np.ndarray) -> list[UUID]:
        parameters = {"vector": vectors.to_sql(query), "model_id": tenant.model_id}
        if "centred" in statement:
            parameters["centred"] = vectors.to_sql(query - mean)
        return [row[0] for row in conn.execute(statement.encode(), parameters).fetchall()]

    return nearest


def ours(conn: psycopg.Connection, tenant: Tenant) -> Nearest:
    """As ``picture_search`` asks."""
    wanted, floor = listing.Filter(status="ready"), CLIP.cut_offs.text_floor

    def nearest(query: np.ndarray) -> list[UUID]:
        sql, parameters = picture_search.by_picture_sql(
            wanted, model_id=tenant.model_id, vector=vectors.to_sql(query), floor=floor, most=FOUND
        )
        with picture_search.index_alone(conn):
            return [row[0] for row in conn.execute(sql.encode(), parameters).fetchall()]

    return nearest


def build(conn: psycopg.Connection, tenant: Tenant, *, hnsw: bool) -> None:
    """What the other ways need: a table as one partition would be, binary sketches, a graph."""
    conn.execute("CREATE TABLE partition_of_one (image_id uuid, embedding halfvec(512))")
    conn.execute("ALTER TABLE partition_of_one ALTER embedding SET STORAGE PLAIN")
    conn.execute("CREATE TABLE means (mean halfvec(512))")
    conn.execute("CREATE TABLE sketches (user_id uuid, image_id uuid, plain bit(512), centred bit(512))")
    mine = f"FROM image_embeddings WHERE user_id = '{tenant.person}' AND searchable"
    conn.execute(f"INSERT INTO partition_of_one SELECT image_id, embedding {mine}".encode())
    conn.execute("INSERT INTO means SELECT avg(embedding)::halfvec(512) FROM partition_of_one")
    conn.execute(
        "INSERT INTO sketches SELECT user_id, image_id, binary_quantize(embedding)::bit(512), "
        f"binary_quantize(embedding - mean)::bit(512) {mine.replace('WHERE', 'CROSS JOIN means WHERE')}".encode()
    )
    conn.execute("CREATE INDEX ON sketches (user_id) INCLUDE (image_id, plain, centred)")
    conn.execute("ALTER TABLE sketches ENABLE ROW LEVEL SECURITY")
    conn.execute("CREATE POLICY own_rows ON sketches TO photovault_app USING (user_id = (SELECT current_person()))")
    conn.execute("GRANT SELECT ON sketches, partition_of_one TO photovault_app")
    line = f"{'':4}a row more: {inserting(conn, tenant):.2f} ms with the covering index"
    if hnsw:
        started = time.perf_counter()
        conn.execute(
            "CREATE INDEX graph_of_one ON image_embeddings USING hnsw ((embedding::halfvec(512)) halfvec_cosine_ops) "
            f"WHERE user_id = '{tenant.person}' AND searchable AND model_id = {tenant.model_id}".encode()
        )
        took = time.perf_counter() - started
        size = conn.execute("SELECT pg_relation_size('graph_of_one')").fetchone()
        line += (
            f", {inserting(conn, tenant):.2f} ms with HNSW too, which took {took:.1f} s to build and "
            f"{size[0] / len(tenant.vectors):,.0f} bytes a vector"
        )
    print(line)
    conn.execute("VACUUM ANALYZE partition_of_one, sketches, means")


def inserting(conn: psycopg.Connection, tenant: Tenant) -> float:
    """Milliseconds for a row of the table, of a batch that is rolled back."""
    rows = binary(tenant.vectors[:1].repeat(ROWS, axis=0) + np.random.default_rng(1).normal(0, 0.03, (ROWS, 512)))
    with conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL session_replication_role = replica")  # no photos are behind them
        started = time.perf_counter()
        with conn.cursor().copy(
            "COPY image_embeddings (image_id, model_id, user_id, embedding) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.set_types(["uuid", "int2", "uuid", "bytea"])
            for row in rows:
                copy.write_row((ids.new(), tenant.model_id, tenant.person, row))
        return (time.perf_counter() - started) * 1000 / ROWS


def print_bytes(url: str) -> None:
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT name, pg_relation_size(name::regclass) / (SELECT count(*) FROM image_embeddings) FROM unnest("
            "ARRAY['image_embeddings', 'image_embeddings_pkey', 'image_embeddings_of_person', "
            "'image_embeddings_aside']) AS name"
        ).fetchall()
    print("\nbytes on disk for each vector: " + ", ".join(f"{name} {size:,}" for name, size in rows))


# ---- the whole path ----------------------------------------------------------------------------------------------


def the_path(tenant: Tenant, texts: np.ndarray, seconds: float) -> None:
    """A search by meaning and a page of look-alikes, in transactions as requests have them."""
    ready = listing.Filter(status="ready")
    last = FIRST_DAY + timedelta(days=3650)

    def days(count: int) -> listing.Filter:
        return replace(ready, days=((date(2018, 3, 1), min(last, date(2018, 3, 1) + timedelta(days=count))),))

    filters = {
        "no filter": ready,
        "a week": days(6),
        "a year": days(364),
        "five years": days(5 * 365),
        "a person": replace(ready, person_ids=(tenant.person,)),
        "without a person": replace(ready, without_person_ids=(tenant.person,)),
        "a city": replace(ready, places=(PlaceRef("city", "City 7", "PT"),)),
        "a country": replace(ready, places=(PlaceRef("country", "Portugal", "PT"),)),
        "the archive": replace(ready, archived=True),
        "with the archive": replace(ready, archived=None),
    }
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "bench"  # one connection, whose process can be watched
    asked = [meanings.Meaning(CLIP.name, CLIP.version, vectors.to_sql(text)) for text in texts]
    with db.transaction(tenant.person) as conn:
        backend = conn.info.backend_pid
        anchors = [picture_search.anchors_of(conn, photo) for photo in tenant.photos[: len(asked)]]
        deep = {
            n: (page[-1].distance, page[-1].id)
            for n, anchor in enumerate(anchors)
            if (page := picture_search.similar(conn, anchor, limit=500))
        }

    def ranked(wanted: listing.Filter) -> Callable[[db.Connection, int], int]:
        return lambda conn, n: len(search.ranked(conn, wanted, None, asked[n]))

    def alike(after: dict[int, tuple[float, UUID]]) -> Callable[[db.Connection, int], int]:
        return lambda conn, n: len(
            picture_search.similar(conn, anchors[n % len(anchors)], limit=51, after=after.get(n % len(anchors)))
        )

    ways = {f"search, {name}": ranked(wanted) for name, wanted in filters.items()}
    ways |= {"look-alikes, first page": alike({}), "look-alikes, after 500": alike(deep)}
    results = {name: Measured() for name in ("NumPy", *ways)}
    found: dict[str, int] = {}
    until = time.perf_counter() + seconds * 2
    for n in range(len(asked)):
        if n > 3 and time.perf_counter() > until:
            break
        with watched(results["NumPy"], None):
            scores = tenant.vectors @ texts[n]
            best = np.argpartition(-scores, min(search.MOST_RESULTS, len(scores)) - 1)[: search.MOST_RESULTS]
            best = best[np.argsort(-scores[best])]
        for name, way in ways.items():
            with watched(results[name], backend), db.transaction(tenant.person) as conn:
                found[name] = way(conn, n)
    base = results["NumPy"]
    print(f"\n{f'the whole path, {len(tenant.vectors):,} photos':<44}{'found':>22}{HEADER}")
    for name, measured in results.items():
        print(f"{name:<44}{found.get(name, len(best)):>22,}{measured.against(base)}")


if __name__ == "__main__":
    main()
