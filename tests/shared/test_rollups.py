"""Roll-ups are what a recount gives, whatever happened to the photos."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from infra.local.postgres import Postgres
from tests.arranging import LISBON, PORTO, add_photo, table
from tests.vaults import somebody
from typer.testing import CliRunner

from photovault import cells, cli, db, ids, images, locations, migrate, retiming, rollups, users, vectors
from photovault.estimating import Names
from photovault.migrate import Migration
from photovault.model_manifest import ModelInfo

pytestmark = pytest.mark.usefixtures("vault")

LABELS = ModelInfo(name="labels", version="1", kind="label", dims=0)
ROLL_UPS = ("image_days", "image_cells", "image_places", "image_names", "image_totals", "image_things")

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
# A centimetre, which is finer than any file says it.
written_latitudes = latitudes.map(lambda degrees: round(degrees, 7))
written_longitudes = longitudes.map(lambda degrees: round(degrees, 7))


def differing(user_id: UUID) -> dict[str, int]:
    with db.transaction(user_id) as conn:
        return rollups.differences(conn)


# -------------------------------------------------------------------------------------------------------- histories

DAYS = [datetime(2024, 2, 29, 23, 59, 59), datetime(2024, 3, 1), datetime(2025, 12, 31, 12), datetime(2026, 1, 1)]
PLACES: Sequence[tuple[float, float] | None] = [(38.7, -9.1), (38.7001, -9.1), (90.0, 180.0), (-90.0, -180.0), (0, 0)]
NAMES = [("PT", "Portugal", None, None), ("PT", "Portugal", "Lisbon", "Lisbon"), (None, None, None, None)]
STATUSES = ["pending", "processing", "ready", "rejected"]

some = st.sets(st.integers(0, 5), min_size=1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(0, 3)),
        st.tuples(st.just("status"), some, st.sampled_from(STATUSES)),
        st.tuples(st.just("day"), some, st.sampled_from([*DAYS, None])),
        st.tuples(st.just("place"), some, st.sampled_from([*PLACES, None]), st.sampled_from(["exif", "estimated"])),
        st.tuples(st.just("name"), some, st.sampled_from(NAMES)),
        st.tuples(st.just("camera"), some, st.sampled_from([("Canon", "EOS R5"), (None, "Pixel 7"), (None, None)])),
        st.tuples(st.just("label"), some, st.sampled_from(["dog", "cat"])),
        st.tuples(st.just("unlabel"), some),
        st.tuples(st.just("search"), some, st.booleans()),
        st.tuples(st.just("flag"), some, st.sampled_from(["archived", "favourite"]), st.booleans()),
        st.tuples(st.just("trash"), some, st.booleans()),
        st.tuples(st.just("purge"), some),
        st.tuples(st.just("nothing"), some),
    ),
    min_size=1,
    max_size=12,
)


def take(conn: db.Connection, known: list[UUID], step: tuple[Any, ...]) -> None:
    """One statement, as any function may write it."""
    kind, which, *rest = step
    if kind == "insert":
        for _ in range(which):
            known.append(ids.new())
            conn.execute(
                "INSERT INTO images (id, sha256, filename, content_type, bytes, key_version, content_key, sort_at, "
                "sealed_at) VALUES (%s, %s, 'a.jpg', 'image/jpeg', 1, 1, 'k', %s, now())",
                [known[-1], secrets.token_bytes(32), DAYS[0]],
            )
        return
    chosen = [known[n] for n in which if n < len(known)]
    if kind == "label":
        conn.execute(
            "INSERT INTO image_labels (image_id, label, model_id, score) SELECT id, %s, %s, 0.5 FROM images "
            "WHERE id = ANY(%s) ON CONFLICT DO NOTHING",
            [rest[0], vectors.model_id(conn, LABELS), chosen],
        )
        return
    if kind in {"unlabel", "search"}:
        what = "DELETE FROM image_labels" if kind == "unlabel" else "UPDATE image_labels SET searchable = %s"
        conn.execute(f"{what} WHERE image_id = ANY(%s)".encode(), [*rest, chosen])
        return
    sql, *values = {
        "status": lambda: (
            "UPDATE images SET status = %s, reason = CASE WHEN %s = 'rejected' THEN 'x' END",
            rest[0],
            rest[0],
        ),
        "day": lambda: (
            "UPDATE images SET local_day = %s::timestamp::date, sort_at = coalesce(%s, sort_at)",
            rest[0],
            rest[0],
        ),
        "place": lambda: (
            "UPDATE images SET lat = %s, lon = %s, location_source = %s",
            *(rest[0] or (None, None)),
            rest[1] if rest[0] else None,
        ),
        "name": lambda: ("UPDATE images SET country_code = %s, country = %s, region = %s, city = %s", *rest[0]),
        "camera": lambda: ("UPDATE images SET camera_make = %s, camera_model = %s", *rest[0]),
        "flag": lambda: (f"UPDATE images SET {rest[0]} = %s", rest[1]),
        "trash": lambda: ("UPDATE images SET deleted_at = CASE WHEN %s THEN now() END", rest[0]),
        "purge": lambda: ("DELETE FROM images",),
        "nothing": lambda: ("UPDATE images SET resends = resends + 1",),
    }[kind]()
    conn.execute(f"{sql} WHERE id = ANY(%s)".encode(), [*values, chosen])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_after_any_history_every_roll_up_is_what_a_recount_gives(steps: list[tuple[Any, ...]]) -> None:
    who = somebody()
    known: list[UUID] = []
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
        take(conn, known, ("insert", 3))
        for step in steps:
            take(conn, known, step)
            assert rollups.differences(conn) == {}, step


def test_the_functions_that_change_photos_keep_the_roll_ups() -> None:
    who = somebody()
    first, second = (add_photo(who.user_id, where=place) for place in (LISBON, PORTO))
    with db.transaction(who.user_id) as conn:
        revision = users.next_revision(conn)
        images.edit(conn, first, revision=revision, archived=True, favourite=True)
        assert rollups.differences(conn) == {}
        images.move_to_trash(conn, second, revision=revision)
        assert rollups.differences(conn) == {}
        images.restore(conn, second, revision=revision)
        (photo,) = retiming.by_ids(conn, [second])
        change = retiming.corrected(photo, datetime(2020, 2, 29, 12), None)
        assert change
        retiming.apply(conn, [change], revision=revision)
        locations.correct(conn, [second], (64.1, -21.9), name_at=lambda *_: Names(country_code="IS"), revision=revision)
        assert rollups.differences(conn) == {}
        images.delete_row(conn, first)
        images.delete_row(conn, second)
        assert rollups.differences(conn) == {}
    for name in ROLL_UPS:
        assert table(who.user_id, f"SELECT * FROM {name}") == [], name


def test_what_two_write_at_once_is_counted_twice(database_url: str) -> None:
    """Also where somebody forgot the person's lock."""
    who = somebody()
    chosen = [add_photo(who.user_id, where=LISBON) for _ in range(2)]
    held = [psycopg.connect(database_url) for _ in range(2)]
    try:
        for conn in held:
            conn.execute("SELECT set_config('photovault.person', %s, true)", [str(who.user_id)])
        held[0].execute("UPDATE images SET favourite = true WHERE id = %s", [chosen[0]])
        with psycopg.connect(database_url, autocommit=True) as watching:
            pid = held[1].info.backend_pid
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(held[1].execute, "UPDATE images SET favourite = true WHERE id = %s", [chosen[1]])
                blocked = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
                while watching.execute(blocked, [pid]).fetchone() != (True,):
                    pass
                held[0].commit()
                waiting.result()
        held[1].commit()
    finally:
        for conn in held:
            conn.close()
    assert table(who.user_id, "SELECT favourite FROM image_totals") == [(2,)]
    assert differing(who.user_id) == {}


def test_a_recount_repairs_what_somebody_broke() -> None:
    who = somebody()
    add_photo(who.user_id, where=LISBON)
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        conn.execute("UPDATE image_days SET listed = listed + 1 WHERE level = 'month'")
        conn.execute("DELETE FROM image_cells WHERE cell > 1000")
        conn.execute("DELETE FROM image_totals")
        assert rollups.differences(conn).keys() == {"image_days", "image_cells", "image_totals"}
        rollups.recount(conn)
        assert rollups.differences(conn) == {}


def test_people_are_counted_apart() -> None:
    mine, hers = somebody(), somebody()
    add_photo(mine.user_id, where=LISBON)
    add_photo(hers.user_id, where=LISBON)
    assert table(mine.user_id, "SELECT ready FROM image_totals") == [(1,)]


def test_photos_from_before_the_roll_ups_are_counted_when_they_come(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.create_database("counted")
    every = migrate.available()

    def older() -> list[Migration]:
        return [each for each in every if each.number < 10]

    monkeypatch.setattr(migrate, "available", older)
    migrate.upgrade(url)
    person = ids.new()
    with psycopg.connect(url) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
        conn.execute(
            "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) VALUES ('b', 'b', 'b', 'b', 0)"
        )
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, "
            "sealed_at, sort_at, local_day, lat, lon, country_code) "
            "SELECT gen_random_uuid(), sha256(n::text::bytea), 'a', 'b', 1, 'ready', 1, 'k', now(), "
            "'2025-05-01 10:00', '2025-05-01', 38.7, -9.1, 'PT' FROM generate_series(1, 5) n"
        )
    monkeypatch.setattr(migrate, "available", lambda: every)
    migrate.upgrade(url)
    with psycopg.connect(url) as conn:
        conn.execute("SET LOCAL ROLE photovault_app")
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person)])
        assert conn.execute("SELECT level, day, listed, arranged FROM image_days ORDER BY level").fetchall() == [
            ("day", date(2025, 5, 1), 5, 5),
            ("month", date(2025, 5, 1), 5, 5),
            ("year", date(2025, 1, 1), 5, 5),
        ]
        assert rollups.differences(conn) == {}


# ------------------------------------------------------------------------------------------------------------ cells


@settings(max_examples=300, deadline=None)
@given(points=st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=50))
def test_the_database_and_python_agree_on_cells(points: list[tuple[float, float]]) -> None:
    with db.before_login() as conn:
        found = conn.execute(
            "SELECT map_cell(lat, lon) FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS p(lat, lon, n) "
            "ORDER BY n",
            [[lat for lat, _ in points], [lon for _, lon in points]],
        ).fetchall()
    assert [code for (code,) in found] == [cells.at(lat, lon).code for lat, lon in points]


@given(lat=latitudes, lon=longitudes, level=st.integers(0, cells.DEEPEST))
def test_a_cell_has_one_code_and_holds_its_finer_cells(lat: float, lon: float, level: int) -> None:
    cell = cells.at(lat, lon, level)
    assert cells.of_code(cell.code) == cell
    assert cells.at(lat, lon).code >> 2 * (cells.DEEPEST - level) == cell.code


@given(lat=written_latitudes, lon=written_longitudes, level=st.integers(0, cells.DEEPEST))
def test_a_position_lies_in_the_box_of_its_cell_and_in_no_other(lat: float, lon: float, level: int) -> None:
    west, south, east, north = cells.at(lat, lon, level).box
    assert west <= lon <= east
    assert south <= lat <= north
    cell = cells.at(lat, lon, level)
    for other in (cells.Cell(level, cell.x + dx, cell.y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy):
        if 0 <= other.x < 1 << level and 0 <= other.y < 1 << level:
            west, south, east, north = other.box
            assert not (west <= lon <= east and south <= lat <= north)


@given(
    corners=st.tuples(longitudes, latitudes, longitudes, latitudes),
    finest=st.integers(0, 21),
    most=st.integers(1, 600),
    point=st.tuples(latitudes, longitudes),
)
def test_the_cells_of_a_box_are_few_and_hold_all_of_it(
    corners: tuple[float, float, float, float], finest: int, most: int, point: tuple[float, float]
) -> None:
    west, one, east, other = corners
    south, north = sorted((one, other))
    covering = cells.covering((west, south, east, north), finest=finest, most=most)
    assert 1 <= len(covering) <= most
    assert len(set(covering)) == len(covering)
    lat, lon = point
    within = west <= lon <= east if west <= east else lon >= west or lon <= east
    if within and south <= lat <= north:
        assert cells.at(lat, lon, covering[0].level) in covering
    # Nothing finer would have been few enough.
    level = covering[0].level
    if level < finest:
        deeper = cells.covering((west, south, east, north), finest=level + 1, most=10**15) if level < 5 else None
        assert deeper is None or len(deeper) > most


# ---------------------------------------------------------------------------------------------------------- command


def test_the_command_tells_what_differs_and_repairs_it() -> None:
    who = somebody()
    add_photo(who.user_id, where=LISBON)
    command = CliRunner()
    assert command.invoke(cli.app, ["db", "check"]).exit_code == 0
    with db.transaction(who.user_id) as conn:
        conn.execute("UPDATE image_totals SET ready = 7")
    told = command.invoke(cli.app, ["db", "check"])
    assert told.exit_code == 1
    assert f"{who.user_id}: 2 rows of image_totals differ." in told.output
    assert command.invoke(cli.app, ["db", "check", "--repair"]).exit_code == 0
    assert command.invoke(cli.app, ["db", "check"]).exit_code == 0


def test_a_person_can_be_deleted_with_all_photos_by_hand(database_url: str) -> None:
    """As an operator might, whose statement takes the photos along."""
    gone, other = somebody().user_id, somebody().user_id
    for user_id in (gone, other):
        photo = add_photo(user_id, where=LISBON, camera_model="Pixel 7")
        with db.transaction(user_id) as conn:
            take(conn, [photo], ("label", {0}, "dog"))
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM users WHERE id = %s", [gone])
        for name in ROLL_UPS:
            left = conn.execute(f"SELECT count(*) FROM {name} WHERE user_id = %s".encode(), [gone]).fetchone()
            assert left == (0,), name
    assert not any(differing(other).values())
