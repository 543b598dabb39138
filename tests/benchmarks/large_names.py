"""The people, albums and things of a large library, for benchmarks of search."""

from __future__ import annotations

import random
from collections.abc import Mapping
from uuid import UUID

import psycopg

from photovault import ids

LETTERS = "abdefghiklmnoprstuvwz"
THINGS = ("dog", "cat", "zebra", "person", "bicycle", *(f"thing {n}" for n in range(75)))

# What photos seem to show, the most frequent first, as YOLOX-nano and MobileNet see the photos of COCO.
SIGHTS = (
    "person", "bowl", "dining table", "food", "bottle", "cup", "chair", "car", "truck", "street", "kitchen", "laptop",
    "shop", "beach", "refrigerator", "oven", "book", "boat", "bird", "sink", "office", "tv", "potted plant",
    "microwave", "dog", "pizza", "bathroom", "bus", "computer", "plate", "kite", "umbrella", "surfboard",
    *(f"sight {n}" for n in range(240)),
)  # fmt: skip


def word(dice: random.Random) -> str:
    return "".join(dice.choice(LETTERS) for _ in range(dice.randint(4, 9))).title()


def add(conn: psycopg.Connection, named: Mapping[str, UUID]) -> None:
    """300 people, 600 albums and 80 things of the person who is set. ``named``: the ids of anna, ben, cara and an album
    of Reykjavik."""
    dice = random.Random(len(named))
    model = conn.execute(
        "INSERT INTO models (kind, name, version, dims) VALUES ('face', 'bench', '1', 3) "
        "ON CONFLICT (kind, name, version) DO UPDATE SET dims = 3 RETURNING id"
    ).fetchone()
    people = [(named.get(name) or ids.new(), name.title()) for name in ("anna", "ben", "cara")]
    people += [(ids.new(), f"{word(dice)} {word(dice)}") for _ in range(297)]
    albums = [(named.get("album") or ids.new(), "Reykjavik")]
    albums += [(ids.new(), f"{word(dice)} & {word(dice)}, May {dice.randint(1990, 2025)}") for _ in range(599)]
    with conn.cursor() as cursor:
        cursor.executemany("INSERT INTO person_clusters (id, name) VALUES (%s, %s)", people)
        cursor.executemany(
            "INSERT INTO albums (id, kind, title, image_count, last_day) VALUES (%s, 'manual', %s, 20, '2025-01-01')",
            albums,
        )
    person_ids = [person_id for person_id, _ in people]
    conn.execute(
        """
        INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding, person_id)
        SELECT gen_random_uuid(), i.id, %(model)s, 0, 0, 1, 1, 1, 1, true, '[1,0,0]',
            (%(people)s::uuid[])[1 + floor(300 * power(random(), 3))::int]
        FROM images i CROSS JOIN generate_series(1, 2) WHERE i.user_id = current_person() AND random() < 0.7
        """,
        {"model": model[0] if model else None, "people": person_ids},
    )
    conn.execute(
        "UPDATE person_clusters p SET image_count = f.images "
        "FROM (SELECT person_id, count(DISTINCT image_id) AS images FROM faces "
        "WHERE user_id = current_person() GROUP BY 1) AS f WHERE p.id = f.person_id"
    )
    conn.execute(
        "INSERT INTO album_images (album_id, image_id) SELECT (%s::uuid[])[1 + floor(600 * random())::int], id "
        "FROM images WHERE user_id = current_person() AND random() < 0.3",
        [[album_id for album_id, _ in albums]],
    )
    conn.execute(
        """
        INSERT INTO image_labels (image_id, label, model_id, score)
        SELECT i.id, (%(things)s::text[])[1 + floor(80 * power(random(), 2))::int], %(model)s, 0.35 + 0.6 * random()
        FROM images i CROSS JOIN generate_series(1, 3) WHERE i.user_id = current_person() ON CONFLICT DO NOTHING
        """,
        {"model": model[0] if model else None, "things": list(THINGS)},
    )


def add_sights(conn: psycopg.Connection) -> None:
    """Five sights a photo of the person who is set, "person" on a third of all and the others ever more seldom."""
    conn.execute(
        "INSERT INTO image_sights (image_id, name, strength, boxes) "
        "SELECT i.id, seen.name, 0.05 + 0.9 * power(random(), 1.4), floor(3 * random()) "
        "FROM images i CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS seen (name, place) "
        "WHERE i.user_id = current_person() AND random() < 0.33 / power(seen.place, 0.68)",
        [list(SIGHTS)],
    )
