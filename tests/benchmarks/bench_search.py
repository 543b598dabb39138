"""What search adds to the bare SQL under it: ``python -m tests.benchmarks.bench_search [photos]``.

Ten people with photos, one of them with 10,000 (or as many as said), of 512 dimensions and eight words each. Compared
are the whole of a search (names, parsing, ranking, fusion, under row-level security) and the shortest statements that
answer the same, as the owner of the tables without any policy. Starts a Postgres of its own. Prints numbers of this
machine; asserts nothing.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import numpy as np
import psycopg
from infra.local.postgres import Postgres

from photovault import db, ids, images, library_names, listing, meanings, migrate, queries, search, vectors, word_search
from photovault.model_manifest import CLIP
from photovault.settings import get_settings

TODAY = date(2025, 6, 1)
ROUNDS = 15
# A text lies near a twentieth of the library, as "beach" would: 0.28 from those, noise from the rest.
SHARE_NEAR = 0.05
QUERIES = {
    "filter only: lisbon last summer": "in lisbon last summer",
    "one word: beach": "beach",
    "three words: dog on the beach": "dog on the beach",
    "unfinished word: bea": "bea",
    "filter and word: lisbon 2024 beach": "in lisbon 2024 beach",
}


def main() -> None:
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "data", Path(folder) / "log", scratch=True)
        server.start()
        try:
            url = server.create_database("bench")
            migrate.upgrade(url)
            os.environ["DATABASE_URL"] = url
            get_settings.cache_clear()
            people = [(ids.new(), photos if n == 0 else photos // 5) for n in range(10)]
            query = fill(url, people)
            compare(url, people[0][0], query)
            db.close()
        finally:
            server.stop()


def fill(url: str, people: list[tuple[UUID, int]]) -> np.ndarray:
    """Everybody's rows; the vector of the text."""
    dice = np.random.default_rng(7)
    query = dice.normal(size=CLIP.dims)
    query /= np.linalg.norm(query)
    with psycopg.connect(url) as conn:
        model = vectors.model_id(conn, CLIP)
        for person, count in people:
            conn.execute(
                "INSERT INTO users (id, email, email_key, name, password_hash, quota_bytes) "
                "VALUES (%s, %s, %s, 'P', 'x', 1)",
                [person, str(person), str(person)],
            )
            conn.execute(
                "INSERT INTO user_keys (user_id, version, wrapped, master_fingerprint) VALUES (%s, 1, 'x', 'x')",
                [person],
            )
            conn.execute(
                "INSERT INTO images (id, user_id, sha256, filename, content_type, bytes, status, key_version, "
                "content_key, sealed_at, local_day, sort_at, country_code, country, region, city, camera_make, "
                "camera_model) "
                "SELECT gen_random_uuid(), %(person)s, sha256((n || %(person)s::text)::bytea), 'IMG_' || n || '.jpg', "
                "'image/jpeg', 1, 'ready', 1, 'x', now(), date '2025-05-31' - n %% 2000, "
                "timestamp '2025-05-31' - n %% 2000 * interval '1 day' + n * interval '1 second', 'PT', 'Portugal', "
                "'Region ' || n %% 7, CASE n %% 10 WHEN 0 THEN 'Lisbon' ELSE 'Town ' || n %% 90 END, 'Canon', "
                "'EOS ' || n %% 5 FROM generate_series(1, %(count)s) n",
                {"person": person, "count": count},
            )
            conn.execute(
                "INSERT INTO image_terms (user_id, term, image_id, weight) "
                "SELECT user_id, term, id, 0.5 FROM images, LATERAL (SELECT DISTINCT unnest(ARRAY['img', 'jpg', "
                "right(filename, 8), 'canon', 'eos', lower(city), 'portugal', CASE WHEN random() < 0.05 THEN 'beach' "
                "WHEN random() < 0.1 THEN 'dog' ELSE 'word' || (random() * 3000)::int END]) AS term) t "
                "WHERE user_id = %s",
                [person],
            )
            rows = conn.execute("SELECT id FROM images WHERE user_id = %s", [person]).fetchall()
            noise = dice.normal(size=(len(rows), CLIP.dims))
            noise -= np.outer(noise @ query, query)
            noise /= np.linalg.norm(noise, axis=1, keepdims=True)
            cosine = np.where(dice.random(len(rows)) < SHARE_NEAR, 0.28, 0.12) + dice.normal(0, 0.02, len(rows))
            near = cosine[:, None] * query + np.sqrt(1 - cosine[:, None] ** 2) * noise
            with conn.cursor().copy(
                "COPY image_embeddings (image_id, model_id, user_id, embedding) FROM STDIN"
            ) as copy:
                for (image_id,), vector in zip(rows, near, strict=True):
                    copy.write_row((image_id, model, person, vectors.to_sql(vector)))
        conn.commit()
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE")
    return query


def median(work: Callable[[], object]) -> float:
    """Milliseconds, the first round left out."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[1:])


def compare(url: str, person: UUID, query: np.ndarray) -> None:
    meaning = meanings.Meaning(CLIP.name, CLIP.version, vectors.to_sql(query))
    with db.transaction(person) as conn:
        print(f"names, read afresh                   {median(lambda: library_names.read_names(conn)):8.2f} ms")
        known = library_names.names_of(conn, person)
        print(f"names, kept                          {median(lambda: library_names.names_of(conn, person)):8.2f} ms")
    print(f"a transaction that does nothing      {median(lambda: nothing(person)):8.2f} ms")
    for what, q in QUERIES.items():
        print(f"parse {what:34} {median(lambda q=q: queries.parse_with(q, known.vocabulary, today=TODAY)):5.2f} ms")
    print(f"\n{'':36} {'search':>8} {'bare SQL':>9}   ratio")
    with psycopg.connect(url) as bare:
        for what, q in QUERIES.items():
            for with_meaning in (False, True):
                told = meaning if with_meaning else None
                whole = median(lambda q=q, told=told: run(person, q, told))
                least = median(lambda q=q, told=told: shortest(bare, person, q, told))
                name = what + (", meaning" if with_meaning else "")
                print(f"{name:46} {whole:8.2f} {least:9.2f}   {whole / least:5.2f}")
                if q == "in lisbon last summer":
                    break


def nothing(person: UUID) -> None:
    """The floor under every search: a connection of the pool, checked, with the role and the person set."""
    with db.transaction(person) as conn:
        conn.execute("SELECT 1")


def run(person: UUID, q: str, meaning: meanings.Meaning | None) -> int:
    """A search as the API does it, without the presentation of its photos; the number of results."""
    with db.transaction(person) as conn:
        known = library_names.names_of(conn, person)
        parsed = queries.parse_with(q, known.vocabulary, today=TODAY)
        wanted = search.narrowed(listing.Filter(), parsed.filter, known)
        assert wanted
        if not parsed.text:
            return len(images.page(conn, wanted, limit=51))
        words = word_search.words_of(conn, parsed.text, known)
        return len(search.ranked(conn, wanted, words, meaning))


def shortest(conn: psycopg.Connection, person: UUID, q: str, meaning: meanings.Meaning | None) -> int:
    """The least SQL that finds the same photos."""
    where = "user_id = %(person)s AND deleted_at IS NULL AND NOT archived"
    if "lisbon" in q:
        where += " AND country_code = 'PT' AND city = 'Lisbon'"
    if "summer" in q:
        where += " AND local_day BETWEEN '2024-06-01' AND '2024-08-31'"
    if "2024" in q:
        where += " AND local_day BETWEEN '2024-01-01' AND '2024-12-31'"
    terms = [word for word in ("dog", "beach") if word in q] or (["beach"] if q == "bea" else [])
    parameters = {"person": person, "terms": terms, "vector": meaning.vector if meaning else None}
    if not terms:
        columns = f"SELECT {images.COLUMNS} FROM images"
        return len(
            conn.execute(f"{columns} WHERE {where} ORDER BY sort_at DESC, id DESC LIMIT 51", parameters).fetchall()
        )
    found = len(
        conn.execute(
            "SELECT t.image_id, sum(t.weight) AS score FROM image_terms t WHERE t.user_id = %(person)s "
            f"AND t.term = ANY(%(terms)s) AND t.image_id IN (SELECT id FROM images WHERE {where}) "
            "GROUP BY 1 ORDER BY 2 DESC LIMIT 1000",
            parameters,
        ).fetchall()
    )
    if meaning:
        found += len(
            conn.execute(
                "SELECT image_id, embedding <=> %(vector)s::halfvec AS d FROM image_embeddings "
                "WHERE user_id = %(person)s AND model_id = 1 AND searchable "
                f"AND embedding <=> %(vector)s::halfvec <= 0.8 AND image_id IN (SELECT id FROM images WHERE {where}) "
                "ORDER BY d LIMIT 1000",
                parameters,
            ).fetchall()
        )
    return found


if __name__ == "__main__":
    main()
