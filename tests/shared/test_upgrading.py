"""What was stored with the first six migrations is all there after the others, and what is derived from it is right."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from infra.local.postgres import Postgres

from photovault import ids, migrate, rollups
from photovault.spoken_dates import fold

TABLES = (
    "users", "images", "image_labels", "image_embeddings", "faces", "person_clusters", "face_corrections", "albums",
    "album_images", "blobs", "rebuilds",
)  # fmt: skip
ARCHIVED, TRASHED, REJECTED = 4, 5, 6


def store(conn: psycopg.Connection, person: UUID) -> list[UUID]:
    """Seven photos, a named person in one, and an album made by hand, in its order, and one that made itself."""
    _as(conn, person)
    conn.execute(
        "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) VALUES ('a', %s, 'a', 'p', 9)",
        [str(person)],
    )
    conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
    conn.execute("INSERT INTO rebuilds DEFAULT VALUES")
    photos = [ids.new() for _ in range(7)]
    for n, photo in enumerate(photos):
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, status, reason, key_version, content_key, "
            "sealed_at, sort_at, local_day, lat, lon, country_code, archived, deleted_at) VALUES "
            "(%(id)s, sha256(%(id)s::text::bytea), 'a', 'b', 1, %(status)s, %(reason)s, 1, 'k', now(), "
            "'2025-05-01 10:00', '2025-05-01', 38.7, -9.1, 'PT', %(archived)s, %(deleted)s)",
            {
                "id": photo,
                "status": "rejected" if n == REJECTED else "ready",
                "reason": "damaged" if n == REJECTED else None,
                "archived": n == ARCHIVED,
                "deleted": "2026-01-01" if n == TRASHED else None,
            },
        )
        conn.execute("INSERT INTO image_labels (image_id, label, model_id, score) VALUES (%s, 'cat', 1, 0.5)", [photo])
        conn.execute("INSERT INTO image_embeddings (image_id, model_id, embedding) VALUES (%s, 1, '[1,2]')", [photo])
        conn.execute(
            "INSERT INTO blobs (image_id, name, driver, key, bytes, sha256, header_sha256, plain_bytes, content_type) "
            "VALUES (%s, 'original', 'local', %s, 1, sha256('a'), sha256('a'), 1, 'x')",
            [photo, str(photo)],
        )
    ann, face, by_hand, trip = (ids.new() for _ in range(4))
    conn.execute("INSERT INTO person_clusters (id, name) VALUES (%s, 'Ann')", [ann])
    conn.execute(
        "INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding, person_id) "
        "VALUES (%s, %s, 1, 0, 0, 1, 1, 1, 1, true, '[1,2]', %s)",
        [face, photos[0], ann],
    )
    conn.execute("INSERT INTO face_corrections (id, kind, face_a, name) VALUES (%s, 'named', %s, 'Ann')", [ann, face])
    conn.execute("INSERT INTO albums (id, kind, key, title) VALUES (%s, 'manual', NULL, 'A')", [by_hand])
    conn.execute("INSERT INTO albums (id, kind, key, title) VALUES (%s, 'trip', 'trip:1', 'B')", [trip])
    for n, photo in enumerate((photos[2], photos[0], photos[1]), start=1):
        conn.execute(
            "INSERT INTO album_images (album_id, image_id, position) VALUES (%s, %s, %s), (%s, %s, 0)",
            [by_hand, photo, n, trip, photo],
        )
    return photos


def _as(conn: psycopg.Connection, person: UUID) -> None:
    conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])


def stored(url: str, person: UUID) -> dict[str, list[dict[str, Any]]]:
    """Every row of a person, as the application sees them."""
    with psycopg.connect(url) as conn:
        conn.execute("SET LOCAL ROLE photovault_app")
        _as(conn, person)
        return {
            table: [row for (row,) in conn.execute(f"SELECT to_jsonb(its) FROM {table} its".encode())]
            for table in TABLES
        }


def test_an_upgrade_loses_nothing(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    url, every = postgres.create_database("upgraded"), migrate.available()
    monkeypatch.setattr(migrate, "available", lambda: [each for each in every if each.number <= 6])
    migrate.upgrade(url)
    people = [ids.new(), ids.new()]
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO models (kind, name, version, dims) VALUES ('face', 'one', '1', 2)")
        photos_of = {person: store(conn, person) for person in people}
    before = {person: stored(url, person) for person in people}
    monkeypatch.setattr(migrate, "available", lambda: every)
    migrate.upgrade(url)
    for person, photos in photos_of.items():
        after = stored(url, person)
        for table, rows in before[person].items():
            kept = [{column: row[column] for column in rows[0]} for row in after[table]]
            if table == "album_images":  # 0 said that nobody had put the album in order
                kept = [row | {"position": row["position"] or 0} for row in kept]
            assert sorted(map(str, kept)) == sorted(map(str, rows)), table
        hidden = {row["image_id"] for row in after["image_labels"] if not row["searchable"]}
        assert hidden == {str(photos[ARCHIVED]), str(photos[TRASHED])}
        with psycopg.connect(url) as conn:
            conn.execute("SET LOCAL ROLE photovault_app")
            _as(conn, person)
            assert rollups.differences(conn) == {}
            assert conn.execute("SELECT ready, rejected, archived, trash FROM image_totals").fetchall() == [
                (5, 1, 1, 1)
            ]


def test_photos_with_vectors_in_another_models_name_are_looked_at_anew(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, every = postgres.create_database("upgraded_vectors"), migrate.available()
    monkeypatch.setattr(migrate, "available", lambda: [each for each in every if each.number <= 25])
    migrate.upgrade(url)
    person = ids.new()
    with psycopg.connect(url) as conn:
        conn.execute(
            "INSERT INTO models (kind, name, version, dims) VALUES ('face', 'one', '1', 2), ('image', 'a', '1', 2)"
        )
        wrong_picture, wrong_face, *right = store(conn, person)
        conn.execute("UPDATE images SET embedding_recipe = 1, vision_recipe = 2")
        conn.execute("UPDATE image_embeddings SET model_id = 2")
        conn.execute("UPDATE image_embeddings SET embedding = '[1,2,3]' WHERE image_id = %s", [wrong_picture])
        conn.execute("UPDATE faces SET image_id = %s, embedding = '[1,2,3]'", [wrong_face])
    monkeypatch.setattr(migrate, "available", lambda: every)
    migrate.upgrade(url)
    with psycopg.connect(url) as conn:
        _as(conn, person)
        recipes = {
            one: made_of for one, *made_of in conn.execute("SELECT id, embedding_recipe, vision_recipe FROM images")
        }
        left = {row[0] for row in conn.execute("SELECT image_id FROM image_embeddings")}
    assert recipes == {wrong_picture: [0, 2], wrong_face: [1, 0]} | {photo: [1, 2] for photo in right}
    assert left == {wrong_face, *right}


def test_words_of_photos_from_before_are_found_without_their_accents(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, every = postgres.create_database("upgraded_words"), migrate.available()
    monkeypatch.setattr(migrate, "available", lambda: [each for each in every if each.number <= 18])
    migrate.upgrade(url)
    person = ids.new()
    words = {
        "école": 0.4,
        "ecole": 0.1,
        "straße": 0.2,
        "ÅNGSTRÖM": 0.3,
        "日本": 0.5,
        "plain": 0.6,
        "tromsø": 0.7,
        "Ærø": 0.8,
    }
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO models (kind, name, version, dims) VALUES ('face', 'one', '1', 2)")
        photo = store(conn, person)[0]
        for word, weight in words.items():
            conn.execute("INSERT INTO image_terms (term, image_id, weight) VALUES (%s, %s, %s)", [word, photo, weight])
    monkeypatch.setattr(migrate, "available", lambda: every)
    migrate.upgrade(url)
    with psycopg.connect(url) as conn:
        _as(conn, person)
        found = dict(conn.execute("SELECT term, weight FROM image_terms WHERE image_id = %s", [photo]).fetchall())
    best: dict[str, float] = {}
    for word, weight in words.items():
        best[fold(word)] = max(best.get(fold(word), 0.0), weight)
    assert found == pytest.approx(best)
