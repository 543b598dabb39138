"""What search adds to the bare SQL under it: ``python -m tests.benchmarks.bench_search [photos] [--vectors]``.

Ten people with photos, one of them with 100,000 (or as many as said) and with the names of a large library: 300 people,
600 albums, 600 cities, 80 things, 20 cameras. Compared are the whole of a search (names, parsing, SQL under row-level
security), of a completion and of a process's first reading of names, and the shortest statements that look up the same,
as the owner of the tables without any policy. ``--vectors`` adds a vector of 512 dimensions to each photo, and the
rankings. Starts a Postgres of its own. Prints numbers of this machine; asserts nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from tests.benchmarks import large_names, scratch

from photovault import (
    db,
    ids,
    images,
    library_names,
    listing,
    meanings,
    names,
    queries,
    rollups,
    search,
    vectors,
    word_search,
)
from photovault.model_manifest import CLIP

TODAY = date(2025, 6, 1)
ROUNDS = 20
# A text lies near a twentieth of the library, as "beach" would: 0.28 from those, noise from the rest.
SHARE_NEAR = 0.05
ROW = ", ".join(f"i.{column.strip()}" for column in images.COLUMNS.split(","))
MINE = "i.user_id = %(me)s AND i.deleted_at IS NULL AND NOT i.archived AND i.status = 'ready'"
WITH = "EXISTS (SELECT FROM faces f WHERE f.user_id = %(me)s AND f.person_id = {} AND f.image_id = i.id)"
SHOWS = "EXISTS (SELECT FROM image_labels l WHERE l.user_id = %(me)s AND l.label = '{}' AND l.image_id = i.id)"
LISBON = "i.country_code = 'PT' AND i.city = 'Lisbon'"
CONDITIONS: Mapping[str, str] = {
    "lisbon": LISBON,
    "in lisbon last summer": f"{LISBON} AND i.local_day BETWEEN '2024-06-01' AND '2024-08-31'",
    "anna": WITH.format("%(anna)s"),
    "anna in lisbon 2024": f"{WITH.format('%(anna)s')} AND {LISBON} "
    "AND i.local_day BETWEEN '2024-01-01' AND '2024-12-31'",
    "anna and ben not cara since 2022": f"{WITH.format('%(anna)s')} AND {WITH.format('%(ben)s')} "
    f"AND NOT {WITH.format('%(cara)s')} AND i.local_day >= '2022-01-01'",
    "dogs and cats": f"{SHOWS.format('dog')} AND {SHOWS.format('cat')}",
    "zebras": SHOWS.format("zebra"),
    "camera:leica": "lower(concat_ws(' ', i.camera_make, i.camera_model)) = 'leica m11'",
    "album:reykjavik": "EXISTS (SELECT FROM album_images m WHERE m.album_id = %(album)s AND m.image_id = i.id)",
    "favourites": "i.favourite",
    "favourites in winter": "i.favourite AND extract(month FROM i.local_day) IN (12, 1, 2)",
    "near:lisbon": "i.lat BETWEEN 38.5 AND 39.0 AND i.lon BETWEEN -9.4 AND -8.8",
    "at night in lisbon": f"{LISBON} "
    "AND i.taken_source <> ALL(ARRAY['exif_modified', 'file_modified', 'png_modified', 'upload']) "
    "AND NOT (i.taken_source = 'filename' AND i.sort_at::time = time '12:00') "
    "AND (extract(hour FROM i.sort_at) >= 21 OR extract(hour FROM i.sort_at) < 5)",
    "person:adda": "false",
}
BARE_SUGGESTIONS = """
    (SELECT name, image_count FROM person_clusters WHERE user_id = %(me)s AND lower(name) LIKE 'lis%%' LIMIT 10)
    UNION ALL (SELECT title, image_count FROM albums
               WHERE user_id = %(me)s AND deleted_at IS NULL AND lower(title) LIKE 'lis%%' LIMIT 10)
    UNION ALL (SELECT city, images FROM image_places WHERE user_id = %(me)s AND lower(city) LIKE 'lis%%' LIMIT 10)
    UNION ALL (SELECT label, images FROM image_things WHERE user_id = %(me)s AND lower(label) LIKE 'lis%%' LIMIT 10)
"""
BARE_NAMES = """
    SELECT 'person', id, name, image_count, hidden, birthday, '' FROM person_clusters
    WHERE user_id = %(me)s AND name IS NOT NULL
    UNION ALL SELECT 'album', id, title, image_count, false, NULL, '' FROM albums
    WHERE user_id = %(me)s AND deleted_at IS NULL
    UNION ALL SELECT 'city', NULL, city, images, false, NULL, country_code FROM image_places WHERE user_id = %(me)s
    UNION ALL SELECT 'region', NULL, region, images, false, NULL, country_code FROM image_places WHERE user_id = %(me)s
    UNION ALL SELECT kind, NULL, name, images, false, NULL, detail FROM image_names WHERE user_id = %(me)s
    UNION ALL SELECT 'label', NULL, label, images, false, NULL, '' FROM image_things WHERE user_id = %(me)s
"""
RANKED = {
    "one word: beach": "beach",
    "one common word: man": "man",
    "three words: dog on the beach": "dog on the beach",
    "unfinished word: bea": "bea",
    "filter and word: lisbon 2024 beach": "in lisbon 2024 beach",
}


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--vectors"]
    photos = int(arguments[0]) if arguments else 100_000
    with scratch.database() as database:
        url = database.url
        people = [(ids.new(), photos if n == 0 else photos // 10) for n in range(10)]
        named = {name: ids.new() for name in ("anna", "ben", "cara", "album")}
        fill(url, people, named)
        query = embed(url, people) if "--vectors" in sys.argv else None
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
        me = people[0][0]
        with psycopg.connect(url, prepare_threshold=None) as bare:  # as photovault.db connects
            compare_names(bare, me)
            compare_filters(bare, {"me": me, **named})
            if query is not None:
                compare_rankings(bare, me, query)


# ------------------------------------------------------------------------------------------------------- a library


def fill(url: str, people: Sequence[tuple[UUID, int]], named: Mapping[str, UUID]) -> None:
    """Everybody's rows, and the names of the first."""
    with psycopg.connect(url) as conn:
        # Counted at the end, at once.
        conn.execute("ALTER TABLE images DISABLE TRIGGER USER")
        for person, count in people:
            conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
            conn.execute(
                "INSERT INTO users (id, email, email_key, name, password_hash, quota_bytes) "
                "VALUES (%(me)s, %(me)s, %(me)s, 'P', 'x', 1)",
                {"me": person},
            )
            conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'x', 'x')")
            conn.execute(
                """
                INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key,
                    sealed_at, taken_source, local_day, sort_at, lat, lon, country_code, country, region, city,
                    camera_make, camera_model, favourite)
                SELECT gen_random_uuid(), sha256((n || %(me)s::text)::bytea), 'IMG_' || n || '.jpg', 'image/jpeg', 1,
                    'ready', 1, 'x', now(), 'exif', date '2025-05-31' - n %% 3000,
                    timestamp '2025-05-31' - n %% 3000 * interval '1 day' + n * interval '7 second',
                    38.72 + town * 0.05, -9.14 + town * 0.1, code, 'Country ' || code, 'Region ' || town %% 100,
                    CASE town WHEN 0 THEN 'Lisbon' ELSE 'Town ' || town END,
                    CASE WHEN n %% 997 = 0 THEN 'Leica' ELSE 'Canon' END,
                    CASE WHEN n %% 997 = 0 THEN 'M11' ELSE 'EOS ' || n %% 19 END, n %% 50 = 0
                FROM (SELECT n, floor(600 * power(random(), 3))::int AS town FROM generate_series(1, %(count)s) n) AS a,
                LATERAL (SELECT CASE WHEN town = 0 THEN 'PT' ELSE 'C' || chr(65 + town %% 26) END AS code) AS b
                """,
                {"me": person, "count": count},
            )
            large_names.add(conn, named if person == people[0][0] else {})
            large_names.add_sights(conn)
            conn.execute(
                "INSERT INTO image_terms (term, image_id, weight) "
                "SELECT term, id, 0.5 FROM images, LATERAL (SELECT DISTINCT unnest(ARRAY['img', 'jpg', "
                "right(filename, 8), lower(camera_make), lower(city), CASE WHEN random() < 0.05 THEN 'beach' "
                "WHEN random() < 0.1 THEN 'dog' ELSE 'word' || (random() * 3000)::int END]) AS term) t "
                "WHERE user_id = %s",
                [person],
            )
        conn.execute("ALTER TABLE images ENABLE TRIGGER USER")
        for person, _ in people:
            conn.execute("SET LOCAL ROLE photovault_app")
            conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
            rollups.recount(conn)
            conn.execute("RESET ROLE")


def embed(url: str, people: Sequence[tuple[UUID, int]]) -> np.ndarray:
    """A vector for every photo; the one of the text."""
    dice = np.random.default_rng(7)
    query = dice.normal(size=CLIP.dims)
    query /= np.linalg.norm(query)
    with psycopg.connect(url) as conn:
        model = vectors.model_id(conn, CLIP)
        for person, _ in people:
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
    return query


# ----------------------------------------------------------------------------------------------------- comparisons


def best(*works: Callable[[], object]) -> list[float]:
    """Milliseconds of the fastest round of each, taken in turns: what else the machine does slows all alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for mine, work in zip(times, works, strict=True):
            start = time.perf_counter()
            work()
            mine.append((time.perf_counter() - start) * 1000)
    return [min(mine) for mine in times]


def line(what: str, whole: float, least: float, more: str = "") -> None:
    print(f"{what:52} {whole:8.2f} {least:9.2f}   {whole / least:5.2f}   {more}")


def fetch(conn: psycopg.Connection, sql: str, parameters: Mapping[str, Any]) -> int:
    """A transaction of its own, as search has."""
    found = conn.execute(sql.encode(), parameters).fetchall()
    conn.rollback()
    return len(found)


def cold(person: UUID) -> names.Names:
    """The names as a process reads them first."""
    library_names.forget(person)
    with db.transaction(person) as conn:
        return library_names.names_of(conn, person)


def compare_names(bare: psycopg.Connection, me: UUID) -> None:
    known = cold(me)
    print(f"{len(known.known)} names, {len(known.cameras)} cameras\n")
    print(f"{'milliseconds':52} {'here':>8} {'bare SQL':>9}   ratio")
    first, parsed, completed, least = best(
        lambda: cold(me),
        lambda: queries.parse_with(RANKED_QUERY, cold(me).vocabulary, today=TODAY),
        lambda: names.complete(cold(me), "anna in lis", limit=10),
        lambda: fetch(bare, BARE_NAMES, {"me": me}),
    )
    line("a process's first reading of all names", first, least)
    line("and its first query", parsed, least)
    line("and its first suggestions", completed, least)
    line(
        "suggestions, names kept",
        *best(lambda: suggest(me, "anna in lis"), lambda: fetch(bare, BARE_SUGGESTIONS, {"me": me})),
    )
    print()
    for q in ("anna in lisbno", RANKED_QUERY, *CONDITIONS):
        (spent,) = best(lambda q=q: queries.parse_with(q, known.vocabulary, today=TODAY))
        print(f"parsing {q[:40]:44} {spent:8.2f}")


RANKED_QUERY = "the red bicycle of grandmother in front of the old hous in lisbon, not anna"


def suggest(me: UUID, q: str) -> int:
    with db.transaction(me) as conn:
        known = library_names.names_of(conn, me)
    return len(names.complete(known, q, limit=10))


def compare_filters(bare: psycopg.Connection, parameters: Mapping[str, Any]) -> None:
    me = parameters["me"]
    print(f"\n{'search by conditions alone, milliseconds':52} {'here':>8} {'bare SQL':>9}   ratio   of how many")
    for q, condition in CONDITIONS.items():
        sql = f"SELECT {ROW} FROM images i WHERE {MINE} AND {condition} ORDER BY i.sort_at DESC, i.id DESC LIMIT 51"
        found, expected = run(me, q, None), fetch(bare, sql, parameters)
        assert found == expected, (q, found, expected)
        every = fetch(bare, f"SELECT FROM images i WHERE {MINE} AND {condition}", parameters)
        line(q, *best(lambda q=q: run(me, q, None), lambda sql=sql: fetch(bare, sql, parameters)), f"{every:6}")


def compare_rankings(bare: psycopg.Connection, me: UUID, query: np.ndarray) -> None:
    meaning = meanings.Meaning(CLIP.name, CLIP.version, vectors.to_sql(query))
    print(f"\n{'search by a rest, milliseconds':52} {'here':>8} {'bare SQL':>9}   ratio")
    for what, q in RANKED.items():
        for told in (None, meaning):
            times = best(lambda q=q, told=told: run(me, q, told), lambda q=q, told=told: shortest(bare, me, q, told))
            line(what + (", meaning" if told else ""), *times)


def run(person: UUID, q: str, meaning: meanings.Meaning | None) -> int:
    """A search as the API does it, without the presentation of its photos; the number of results."""
    with db.transaction(person) as conn:
        known = library_names.names_of(conn, person)
        parsed = queries.parse_with(q, known.vocabulary, today=TODAY)
        wanted = search.narrowed(listing.Filter(), parsed.filter, known)
        if wanted is None or not parsed.possible:
            return 0
        first = [] if parsed.text else images.page(conn, wanted, limit=51)
        text, ranked = parsed.text, wanted
        if parsed.looser is not None and len(first) <= 50:
            text, ranked = parsed.looser.text, search.behind(listing.Filter(), parsed, known)
        if not text:
            return len(first)
        words = word_search.words_of(conn, text, known)
        found = search.ranked(conn, ranked, words, meaning, all_first=parsed.looser is not None)
        return len(first) + len(found)


def shortest(conn: psycopg.Connection, person: UUID, q: str, meaning: meanings.Meaning | None) -> int:
    """The least SQL that ranks the same photos."""
    where = MINE
    if "lisbon" in q:
        where += f" AND {LISBON}"
    if "2024" in q:
        where += " AND i.local_day BETWEEN '2024-01-01' AND '2024-12-31'"
    terms = [word for word in ("dog", "beach") if word in q] or ["beach"]
    parameters = {"me": person, "terms": terms, "vector": meaning.vector if meaning else None}
    found = fetch(
        conn,
        "SELECT t.image_id, sum(t.weight) AS score FROM image_terms t WHERE t.user_id = %(me)s "
        f"AND t.term = ANY(%(terms)s) AND t.image_id IN (SELECT i.id FROM images i WHERE {where}) "
        "GROUP BY 1 ORDER BY 2 DESC LIMIT 1000",
        parameters,
    )
    if meaning:
        found += fetch(
            conn,
            "SELECT image_id, embedding <=> %(vector)s::halfvec AS d FROM image_embeddings "
            "WHERE user_id = %(me)s AND model_id = 1 AND searchable AND embedding <=> %(vector)s::halfvec <= 0.8 "
            f"AND image_id IN (SELECT i.id FROM images i WHERE {where}) ORDER BY d LIMIT 1000",
            parameters,
        )
    return found


if __name__ == "__main__":
    main()
