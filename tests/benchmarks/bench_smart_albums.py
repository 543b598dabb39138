"""Smart albums and orders by hand in a large library, through the real statements and row-level security.

    python -m tests.benchmarks.bench_smart_albums [PHOTOS]     (100,000 by default; under a minute)

Aims: a rebuild that changes nothing looks at one smart album within 500 ms; one photo is followed into twenty of them
within 100 ms, whatever the library's size; a move writes what moves: in an album of 10,000 photos as fast as in one of
100, and numbering all of them anew, once in some fifty moves to one spot, within a second.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

import psycopg
from tests.benchmarks import scratch

from photovault import album_order, albums, ids, smart_albums, users
from photovault.filters import Filter, PlaceRef
from photovault.saved_filters import Saved

RUNS = 9
SMART = {
    "a favourite": Saved(Filter(favourite=True)),
    "a country, without a city": Saved(
        Filter(places=(PlaceRef("country", "P", "PT"),), places_none=(PlaceRef("city", "City 3", "PT"),))
    ),
    "a year": Saved(Filter(days=((date(2002, 1, 1), date(2002, 12, 31)),))),
    "every summer": Saved(Filter(yearly=((601, 831),))),
    "the last days": Saved(last_days=30),
    "everything but": Saved(Filter(favourite=False)),
}


@dataclass(frozen=True)
class Library:
    person: UUID
    small: UUID
    large: UUID


def fill(url: str, photos: int) -> Library:
    with psycopg.connect(url) as conn:
        library = Library(scratch.add_person(conn), ids.new(), ids.new())
        conn.execute(
            """
            INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, sealed_at,
                                sort_at, local_day, vision_done_at, embedding_done_at, favourite, country_code,
                                country, city, lat, lon, location_source)
            SELECT gen_random_uuid(), sha256(n::text::bytea), 'IMG_' || n || '.jpg', 'image/jpeg', 3000000, 'ready', 1,
                   sha256(n::text::bytea), now(), timestamp '2000-01-01' + n * interval '47 minutes',
                   (timestamp '2000-01-01' + n * interval '47 minutes')::date, now(), now(), n %% 50 = 0,
                   CASE WHEN n %% 3 = 0 THEN 'PT' ELSE 'DE' END, 'P', 'City ' || n %% 40, 38, -9, 'exif'
            FROM generate_series(1, %s) n
            """,
            [photos],
        )
        for album_id, count in ((library.small, 100), (library.large, 10_000)):
            conn.execute("INSERT INTO albums (id, kind, title, sort) VALUES (%s, 'manual', 'A', 'manual')", [album_id])
            conn.execute(
                "INSERT INTO album_images (album_id, image_id, position) "
                "SELECT %s, id, row_number() OVER () FROM (SELECT id FROM images ORDER BY sort_at LIMIT %s) AS i",
                [album_id, count],
            )
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    return library


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def measure(conn: psycopg.Connection, library: Library, photos: int) -> None:
    revision = users.next_revision(conn)
    made = {}
    print(f"{photos:,} photos; first: making the album, then: a rebuild's look at it when nothing changed")
    for name, saved in SMART.items():
        start = time.perf_counter()
        made[name] = smart_albums.add(conn, title=name, description=None, saved=saved, revision=revision)
        making = (time.perf_counter() - start) * 1000
        looks = [timed(partial(smart_albums.refresh, conn, [made[name]])) for _ in range(RUNS)]
        album = albums.get(conn, made[name])
        count = album.image_count if album else 0
        print(f"  {name:26} {count:7,} photos {making:6.0f} ms {statistics.median(looks):6.0f} ms")
    for _ in range(20 - len(SMART)):
        smart_albums.add(conn, title="more", description=None, saved=SMART["a favourite"], revision=revision)
    (photo,) = conn.execute("SELECT id FROM images ORDER BY sort_at DESC LIMIT 1").fetchall()[0]
    follows = [timed(lambda: smart_albums.follow(conn, [photo], revision=revision)) for _ in range(RUNS)]
    print(f"following one photo into 20 smart albums: {statistics.median(follows):.1f} ms")

    moves: dict[UUID, list[float]] = {library.small: [], library.large: []}
    for run in range(RUNS):
        for album_id, samples in moves.items():  # in turns, so that a busy machine slows both alike
            album = albums.get(conn, album_id)
            shown = albums.images_page(conn, album_id, limit=60, sort="manual")
            assert album
            spot = album_order.Spot("before", shown[5].id)
            moved = shown[20 + run].id
            samples.append(timed(lambda: album_order.move(conn, album, [moved], spot, revision=revision)))  # noqa: B023
    small, large = (statistics.median(samples) for samples in moves.values())
    print(f"a move in 100 photos {small:.1f} ms, in 10,000 photos {large:.1f} ms: {large / small:.1f} times")
    numbering = timed(lambda: album_order._number(conn, library.large, "m.position, m.image_id"))
    print(f"numbering 10,000 photos anew: {numbering:.0f} ms")


def main() -> None:
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with scratch.database() as database:
        url = database.url
        library = fill(url, photos)
        with scratch.as_person(url, library.person) as conn:
            measure(conn, library, photos)


if __name__ == "__main__":
    main()
