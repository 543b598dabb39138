"""Positions between positions."""

from __future__ import annotations

from itertools import pairwise

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from infra.local.postgres import Postgres

from photovault import album_order, ids, migrate

numbers = st.none() | st.floats(-1e9, 1e9)


@given(numbers, numbers, st.integers(1, 1000))
def test_positions_ascend_strictly_between_their_neighbours_or_there_are_none(
    low: float | None, high: float | None, count: int
) -> None:
    if low is not None and high is not None and low > high:
        low, high = high, low
    found = album_order.between(low, high, count)
    if found is None:
        assert low is not None
        assert high is not None
        assert high - low < 1e-3
        return
    assert len(found) == count
    everything = [*([] if low is None else [low]), *found, *([] if high is None else [high])]
    assert all(a < b for a, b in pairwise(everything))


def test_neighbours_have_room_for_fifty_moves_to_one_spot() -> None:
    low, high, moves = 1.0, 2.0, 0
    while (found := album_order.between(low, high, 1)) is not None:
        low, moves = found[0], moves + 1
    assert moves >= 50


def test_an_upgrade_keeps_orders_and_gives_none_to_albums_that_make_themselves(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they had whole numbers, and 0 for no order, as the database of a vault in use has."""
    url, everything = postgres.create_database("ordered"), migrate.available()
    (at,) = [n for n, migration in enumerate(everything) if migration.name == "0011_albums.sql"]
    person, image, by_hand, automatic = (ids.new() for _ in range(4))
    monkeypatch.setattr(migrate, "available", lambda: everything[:at])
    migrate.upgrade(url)
    with psycopg.connect(url) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
        conn.execute(
            "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) VALUES ('a', 'a', 'A', 'a', 0)"
        )
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, key_version, content_key, sort_at) "
            "VALUES (%s, %s, 'a.jpg', 'image/jpeg', 1, 1, 'k', now())",
            [image, person.bytes * 2],
        )
        conn.execute("INSERT INTO albums (id, kind, title) VALUES (%s, 'manual', 'A')", [by_hand])
        conn.execute("INSERT INTO albums (id, kind, key, title) VALUES (%s, 'place', 'p', 'B')", [automatic])
        conn.execute("INSERT INTO album_images (album_id, image_id, position) VALUES (%s, %s, 3)", [by_hand, image])
        conn.execute("INSERT INTO album_images (album_id, image_id) VALUES (%s, %s)", [automatic, image])
    monkeypatch.setattr(migrate, "available", lambda: everything)
    migrate.upgrade(url)
    with psycopg.connect(url) as conn:
        kept = dict(conn.execute("SELECT album_id, position FROM album_images").fetchall())
    assert kept == {by_hand: 3.0, automatic: None}
