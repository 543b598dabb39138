"""The album function under load and in trouble: bulk uploads, batches, a killed worker, everything at once."""

from __future__ import annotations

import heapq
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.arranging import (
    BERLIN,
    LISBON,
    PORTO,
    START,
    Sent,
    add_photo,
    add_photos,
    build,
    face_of,
    table,
    value,
    want,
)
from tests.vaults import somebody

from photovault import albums, automatic_albums, db, images, jobs, rebuilds, users
from photovault.errors import PersonGone
from photovault.pipeline import albums as builder

pytestmark = pytest.mark.usefixtures("vault", "sent")

# As the template's AlbumsDelaySeconds says by default.
QUEUE_DELAY = 20


@pytest.fixture
def ada(vault: Path) -> UUID:
    return somebody().user_id


def library(user_id: UUID) -> list[UUID]:
    """A home, a trip, a town and a face."""
    made = [add_photo(user_id, taken=START - timedelta(days=7 * week + 10), where=BERLIN) for week in range(12)]
    made += add_photos(user_id, 10, hours=5, where=LISBON)
    made += [add_photo(user_id, taken=START + timedelta(days=90, hours=n), faces=[face_of(1, n)]) for n in range(3)]
    return made


def shown(user_id: UUID) -> list[tuple[Any, ...]]:
    """All albums with their photos, without ids and times that no two runs share."""
    return table(
        user_id,
        "SELECT a.kind, a.title, a.image_count, a.first_day, a.last_day, "
        "array_agg(i.sort_at ORDER BY i.sort_at) FROM albums a JOIN album_images m ON m.album_id = a.id "
        "JOIN images i ON i.id = m.image_id GROUP BY a.id ORDER BY 1, 2, 4",
    )


def many_photos(user_id: UUID, count: int, *, status: str) -> list[UUID]:
    """Photos like one, by one statement."""
    one = add_photo(user_id, where=LISBON, status=status)
    columns = table(
        user_id,
        "SELECT attname FROM pg_attribute WHERE attrelid = 'images'::regclass AND attnum > 0 AND NOT attisdropped "
        "AND attgenerated = ''",
    )
    names = ", ".join(name for (name,) in columns)
    others = table(
        user_id,
        f"INSERT INTO images ({names}) SELECT {', '.join(f'r.{name}' for (name,) in columns)} "
        "FROM images i, generate_series(2, %s) n, LATERAL jsonb_populate_record(i, jsonb_build_object("
        "'id', gen_random_uuid(), 'sha256', sha256(n::text::bytea))) r WHERE i.id = %s RETURNING id",
        [count, one],
    )
    return [one, *(row[0] for row in others)]


# ---- many at once -------------------------------------------------------------------------------------------------


def test_an_upload_of_a_thousand_photos_causes_a_handful_of_rebuilds(
    ada: UUID, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two photos a second are finished, each with its message; in between the queue delivers what is due."""
    photos = many_photos(ada, 1000, status="processing")
    built: list[float] = []
    original = builder._build
    clock = 0.0

    def watched(*arguments: Any) -> bool:
        built.append(clock)
        return original(*arguments)

    monkeypatch.setattr(builder, "_build", watched)
    events = [(n / 2, 0) for n in range(len(photos))]
    while events:
        clock, is_message = heapq.heappop(events)
        if is_message:
            if built:  # the database's clock stands still while this one goes
                with db.transaction(ada) as conn:
                    conn.execute("UPDATE rebuilds SET built_at = now() - %s", [timedelta(seconds=clock - built[-1])])
            builder.handle(ada, remaining=lambda: 300)
            for delay in sent.albums():
                heapq.heappush(events, (clock + (QUEUE_DELAY if delay is None else delay), 1))
            sent.messages.clear()
        else:
            with db.transaction(ada) as conn:
                conn.execute("UPDATE images SET status = 'ready' WHERE id = %s", [photos[int(clock * 2)]])
                rebuilds.want(conn)
            heapq.heappush(events, (clock + QUEUE_DELAY, 1))
    assert value(ada, "SELECT built_generation = wanted_generation FROM rebuilds")
    assert value(ada, "SELECT image_count FROM albums WHERE kind = 'place'") == 1000
    assert len(built) <= len(photos) / 2 / rebuilds.PAUSE.total_seconds() + 3
    assert max(built) < clock + 1
    assert len({*built}) == len(built), "none follows upon another at once"


def test_a_thousand_photos_of_one_second_are_one_day_and_no_trouble(ada: UUID) -> None:
    many_photos(ada, 1000, status="ready")
    build(ada)
    counts = dict(table(ada, "SELECT kind, max(image_count) FROM albums GROUP BY kind"))
    assert counts["place"] == counts["date"] == 1000
    revision = value(ada, "SELECT revision FROM users")
    want(ada)
    build(ada)
    assert value(ada, "SELECT revision FROM users") == revision


def test_several_jobs_are_done_by_one_rebuild(ada: UUID) -> None:
    add_photo(ada, where=LISBON)
    with db.transaction(ada) as conn:
        made = [jobs.add(conn, "albums", generation=rebuilds.want(conn)) for _ in range(3)]
    build(ada)
    with db.transaction(ada) as conn:
        assert {job.state for job_id in made if (job := jobs.get(conn, job_id))} == {"done"}


# ---- batch by batch -----------------------------------------------------------------------------------------------


def test_albums_written_in_batches_are_the_same(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    grace = somebody().user_id
    library(ada)
    library(grace)
    build(ada)
    monkeypatch.setattr(builder, "BATCH", 4)
    build(grace)
    assert shown(grace) == shown(ada)


def test_a_job_counts_the_batches(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    library(ada)
    with db.transaction(ada) as conn:
        job_id = jobs.add(conn, "albums", generation=rebuilds.want(conn))
    seen: list[tuple[int, int | None]] = []

    def look(name: str) -> None:
        if name == "albums.step-written":
            with db.transaction(ada) as conn:
                job = jobs.get(conn, job_id)
            assert job is not None
            assert job.stage == "writing"
            seen.append((job.done, job.total))

    monkeypatch.setattr(builder, "BATCH", 30)
    monkeypatch.setattr(builder.failpoints, "reach", look)
    build(ada)
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert all(total is not None and done < total for done, total in seen)


def test_whoever_runs_out_of_time_while_writing_goes_on_where_it_stopped(
    ada: UUID, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run writes some albums, however little time it has; none begins from nothing again."""
    library(ada)
    monkeypatch.setattr(builder, "BATCH", 10)
    written: list[int] = []
    original = automatic_albums.write

    def write(conn: db.Connection, changes: Any, *, revision: int) -> None:
        written.append(len(changes))
        original(conn, changes, revision=revision)

    monkeypatch.setattr(automatic_albums, "write", write)
    runs = 0
    while value(ada, "SELECT wanted_generation > built_generation FROM rebuilds"):
        runs += 1
        at_start = len(written)
        # The first batch of each run is written, and then its time is over.
        builder.handle(ada, remaining=lambda start=at_start: 300.0 if len(written) == start else 29.0)
        assert runs < 100
    assert runs > 3
    assert len(sent.albums()) == runs - 1
    assert sum(written) == value(ada, "SELECT count(*) FROM albums"), "no album was written twice"
    want(ada)
    build(ada)
    assert sum(written) == value(ada, "SELECT count(*) FROM albums")


def test_an_edit_between_two_batches_is_kept(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    library(ada)
    monkeypatch.setattr(builder, "BATCH", 4)
    edited: list[UUID] = []

    def rename(name: str) -> None:
        if name == "albums.step-written" and not edited:
            with db.transaction(ada) as conn:
                revision = users.next_revision(conn)
                edited.append(albums.page(conn, kind=None, limit=1)[0].id)
                albums.set_title(conn, edited[0], "Mine", revision=revision)
                rebuilds.edited(conn)

    monkeypatch.setattr(builder.failpoints, "reach", rename)
    build(ada)
    assert value(ada, "SELECT title FROM albums WHERE id = %s", edited) == "Mine"
    assert value(ada, "SELECT built_generation = wanted_generation AND lease_token IS NULL FROM rebuilds")


def test_who_loses_the_lease_between_two_batches_writes_no_more(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    library(ada)
    monkeypatch.setattr(builder, "BATCH", 4)
    after: list[int] = []

    def lose(name: str) -> None:
        if name == "albums.step-written" and not after:
            with db.transaction(ada) as conn:
                conn.execute("UPDATE rebuilds SET lease_expires_at = now() - interval '1 second'")
                rebuilds.take_lease(conn)
            after.append(value(ada, "SELECT count(*) FROM albums"))

    monkeypatch.setattr(builder.failpoints, "reach", lose)
    build(ada)
    assert value(ada, "SELECT count(*) FROM albums") == after[0]
    assert value(ada, "SELECT lease_token IS NOT NULL FROM rebuilds")


def test_somebody_who_is_erased_between_two_batches_is_left_alone(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    library(ada)
    monkeypatch.setattr(builder, "BATCH", 4)

    def erase(name: str) -> None:
        if name == "albums.step-written":
            with db.transaction(ada) as conn:
                conn.execute("UPDATE users SET erased_at = now() WHERE erased_at IS NULL")

    monkeypatch.setattr(builder.failpoints, "reach", erase)
    with pytest.raises(PersonGone):
        build(ada)
    build(ada)  # the next delivery


# ---- trouble ------------------------------------------------------------------------------------------------------

KILLED = """
import sys, uuid
from photovault import queues
from photovault.pipeline import albums
queues._send = lambda *_: None
albums.BATCH = 8
albums.handle(uuid.UUID(sys.argv[1]), remaining=lambda: 300.0)
"""


@pytest.mark.parametrize("point", ["albums.before-write", "albums.step-written", "albums.committed"])
def test_a_builder_may_be_killed_anywhere(ada: UUID, point: str) -> None:
    """Whoever takes over when the lease has ended gives what an undisturbed one gives."""
    grace = somebody().user_id
    library(grace)
    build(grace)
    library(ada)
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(ada)],
        env=os.environ | {"PHOTOVAULT_FAILPOINT": point, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    with db.transaction(ada) as conn:
        conn.execute("UPDATE rebuilds SET lease_expires_at = now() - interval '1 second'")
    build(ada)
    assert value(ada, "SELECT built_generation = wanted_generation FROM rebuilds")
    assert shown(ada) == shown(grace)
    counted = (
        "SELECT count(*) FROM albums a WHERE image_count <> (SELECT count(*) FROM album_images WHERE album_id = a.id)"
    )
    assert value(ada, counted) == 0


def test_a_photo_restored_during_a_build_is_where_it_belongs_now(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """It left for the trash in Lisbon and is said to be of Porto there; the albums of Lisbon must not keep it."""
    library(ada)
    moved = add_photo(ada, where=LISBON)
    build(ada)
    with db.transaction(ada) as conn:
        images.move_to_trash(conn, moved, revision=users.next_revision(conn))
        conn.execute("UPDATE images SET city = 'Porto', lat = %s, lon = %s WHERE id = %s", [*PORTO[4:], moved])
        rebuilds.want(conn)
    build(ada)
    want(ada)
    passes: list[int] = []

    def restore(name: str) -> None:
        passes.append(1)
        if len(passes) == 1:
            with db.transaction(ada) as conn:
                images.restore(conn, moved, revision=users.next_revision(conn))
                rebuilds.want(conn)

    monkeypatch.setattr(builder.failpoints, "reach", restore)
    build(ada)
    titles = "SELECT a.title FROM albums a JOIN album_images m ON m.album_id = a.id WHERE m.image_id = %s AND kind = %s"
    assert {row[0] for row in table(ada, titles, [moved, "place"])} >= {"Porto"}
    assert "Lisbon" not in {row[0] for row in table(ada, titles, [moved, "place"])}


def test_whatever_changes_an_album_behind_the_builders_back_is_set_right(ada: UUID) -> None:
    photos = library(ada)
    build(ada)
    before = shown(ada)
    with db.transaction(ada) as conn:
        conn.execute("DELETE FROM album_images WHERE image_id = %s", [photos[0]])
        conn.execute(
            "INSERT INTO album_images (album_id, image_id) SELECT id, %s FROM albums ON CONFLICT DO NOTHING",
            [photos[1]],
        )
        conn.execute("UPDATE album_images SET why = '{}' WHERE image_id = %s", [photos[2]])
    want(ada)
    build(ada)
    assert shown(ada) == before
    assert value(ada, "SELECT count(*) FROM album_images WHERE why = '{}' OR why IS NULL") == 0
