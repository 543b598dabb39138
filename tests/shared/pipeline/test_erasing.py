"""Removing an erased account: nothing of it stays, nothing of anybody else goes, whatever is away or dies meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql
from tests.arranging import Sent, add_photo, table
from tests.shared.api import described
from tests.shared.api.described import Library
from tests.staged import Bucket
from tests.vaults import Somebody, client, somebody

from photovault import db, erasures, failpoints, ids, staging, storage, uploads
from photovault.errors import Misconfigured, StorageUnavailable
from photovault.pipeline import embedding, erasing, maintenance, messages, resending, sealer, vision
from photovault.pipeline.erasing import Finished
from photovault.pipeline.messages import PhotoMessage
from photovault.pipeline.reports import Report
from photovault.settings import get_settings

THEN = datetime(2026, 4, 1, 12, 30, tzinfo=UTC)
# What stays until an erasure is finished: nothing in it says anything about a person.
LAST_TABLES = {"users", "user_keys", "rebuilds", "retired_blobs"}

pytestmark = pytest.mark.usefixtures("vault", "sent", "bucket", "ledger")


@pytest.fixture
def ledger(vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LEDGER_ROOT", str(tmp_path / "ledger"))
    get_settings.cache_clear()
    yield tmp_path / "ledger" / "erasures"
    get_settings.cache_clear()


@pytest.fixture
def no_ledger(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """There is none, until this is called."""
    root = get_settings().ledger_root
    monkeypatch.delenv("LEDGER_ROOT")
    get_settings.cache_clear()

    def make() -> None:
        monkeypatch.setenv("LEDGER_ROOT", str(root))
        get_settings.cache_clear()

    return make


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom other tests erased in the same database, and left, is none of ours."""
    waiting = erasures.waiting
    with db.maintenance() as conn:
        others = set(waiting(conn))
    monkeypatch.setattr(erasures, "waiting", lambda conn: [each for each in waiting(conn) if each not in others])


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(described.routers()) as made:
        yield made


@pytest.fixture
def ada(http: TestClient, sent: Sent) -> Library:
    """Somebody with one of everything: photos with faces and blobs, people, albums, history, sessions."""
    return described.fill(http)


@pytest.fixture
def grace(http: TestClient, sent: Sent) -> Library:
    """Somebody who stays."""
    return described.fill(http)


def erase(who: Somebody) -> None:
    with db.transaction(who.user_id) as conn:
        assert erasures.erase(conn, at=THEN)


def rows_of(database_url: str, user_id: UUID) -> dict[str, int]:
    """How many rows each table has of a person, as the owner of the database sees them."""
    found = {}
    with psycopg.connect(database_url) as conn:
        columns = conn.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND (column_name = 'user_id' OR (table_name, column_name) = ('users', 'id')) ORDER BY table_name"
        ).fetchall()
        assert len(columns) > 15
        for name, column in columns:
            query = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s")
            (count,) = conn.execute(
                query.format(sql.Identifier(name), sql.Identifier(column)), [user_id]
            ).fetchone() or (0,)
            if count:
                found[name] = count
    return found


def files_of(user_id: UUID) -> list[Path]:
    """The files of a person's blobs, of retired copies too."""
    root = Path(get_settings().require("storage_root"))
    return [root / key for (key,) in table(user_id, "SELECT key FROM blobs UNION ALL SELECT key FROM retired_blobs")]


def retire_one(who: Library) -> Path:
    """A copy that a moved blob left behind."""
    key = storage.new_key()
    storage.driver("local").put(key, b"an older copy", size=13)
    with db.transaction(who.owner.user_id) as conn:
        conn.execute(
            "INSERT INTO retired_blobs (driver, key, image_id, name) VALUES ('local', %s, %s, 'original')",
            [key, who.photos[0]],
        )
    return Path(get_settings().require("storage_root")) / key


# ------------------------------------------------------------------------------------------------------ all of it goes


def test_nothing_of_the_person_stays_and_nothing_of_anybody_else_goes(
    ada: Library, grace: Library, bucket: Bucket, ledger: Path, database_url: str
) -> None:
    user_id = ada.owner.user_id
    retired = retire_one(ada)
    files = files_of(user_id)
    bucket.post(user_id, ada.photos[0])
    kept = bucket.post(grace.owner.user_id, grace.photos[0])
    before, others_files = described.everything_of(grace.owner.user_id), files_of(grace.owner.user_id)
    assert len(rows_of(database_url, user_id)) > 12
    assert len(files) >= 4
    assert all(file.is_file() for file in [*files, *others_files, retired])

    erase(ada.owner)
    erasing.begin(user_id, THEN)
    assert bucket.of(user_id) == [staging.key_of(user_id, ada.photos[0]), f"erasing/{user_id}"]
    assert erasing.finish(user_id)

    assert rows_of(database_url, user_id) == {}
    assert not any(file.exists() for file in [*files, retired])
    assert list(bucket.contents) == [kept]
    assert json.loads((ledger / str(user_id)).read_text())["erased_at"] == THEN.isoformat()
    assert described.everything_of(grace.owner.user_id) == before
    assert all(file.is_file() for file in others_files)


def test_finishing_again_is_fine(ada: Library) -> None:
    erase(ada.owner)
    assert erasing.finish(ada.owner.user_id)
    assert erasing.finish(ada.owner.user_id)


def test_an_account_without_anything_is_removed(vault: Path, database_url: str) -> None:
    newcomer = somebody()
    erase(newcomer)
    assert erasing.finish(newcomer.user_id)
    assert rows_of(database_url, newcomer.user_id) == {}


def test_whoever_lives_is_not_touched(ada: Library, bucket: Bucket, ledger: Path) -> None:
    """As when the database was restored to before the erasure, and its mark is still there."""
    before, files = described.everything_of(ada.owner.user_id), files_of(ada.owner.user_id)
    posted = bucket.post(ada.owner.user_id, ada.photos[0])
    bucket.mark(erasing.mark_of(ada.owner.user_id))
    assert not erasing.finish(ada.owner.user_id)
    assert described.everything_of(ada.owner.user_id) == before
    assert all(file.is_file() for file in files)
    assert posted in bucket.contents
    assert not ledger.exists()


def test_what_arrives_after_the_end_is_removed_with_the_mark(bucket: Bucket) -> None:
    nobody = ids.new()
    bucket.post(nobody, ids.new())
    bucket.mark(erasing.mark_of(nobody))
    assert erasing.finish(nobody)
    assert bucket.contents == {}


@pytest.mark.parametrize(
    "key",
    ["erasing/", "erasing/nobody", "erasing/01890a5dac96774bbcceb302099a8057", "erasing/{}/x", "incoming/{}", "{}",
     "erasing//{}", "outgoing/{}"],
)  # fmt: skip
def test_a_mark_is_nothing_but_a_persons_id(key: str) -> None:
    user_id = ids.new()
    assert erasing.person_of(erasing.mark_of(user_id)) == user_id
    assert erasing.person_of(key.format(user_id)) is None


# -------------------------------------------------------------------------------------------------- something is away


def test_while_the_storage_is_away_all_that_is_readable_goes_and_later_the_rest(
    ada: Library, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = ada.owner.user_id
    files = files_of(user_id)
    erase(ada.owner)

    def away(*_: object) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(storage.driver("local"), "delete", away)
        assert not erasing.finish(user_id)
        assert not erasing.finish(user_id)
    assert rows_of(database_url, user_id).keys() <= LAST_TABLES
    assert sorted(files_of(user_id)) == sorted(files)
    assert all(file.is_file() for file in files)
    assert erasing.finish(user_id)
    assert rows_of(database_url, user_id) == {}
    assert not any(file.exists() for file in files)


def test_a_driver_that_is_gone_keeps_no_other_from_being_emptied(ada: Library, database_url: str) -> None:
    """The operator took its settings away: the erasure waits, everything else is deleted."""
    user_id = ada.owner.user_id
    files = files_of(user_id)
    with db.transaction(user_id) as conn:
        conn.execute(
            "UPDATE blobs SET driver = 'unheard-of', key = 'elsewhere/' || name WHERE name = 'preview'",
        )
    erase(ada.owner)
    assert not erasing.finish(user_id)
    assert table(user_id, "SELECT driver, name FROM retired_blobs") == [("unheard-of", "preview")]
    assert len([file for file in files if file.exists()]) == 1, "the one that no row names any more"
    assert rows_of(database_url, user_id).keys() <= LAST_TABLES


def test_without_a_ledger_everything_goes_but_the_row_that_remembers(
    ada: Library, database_url: str, no_ledger: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    user_id = ada.owner.user_id
    files = files_of(user_id)
    erase(ada.owner)
    erasing.begin(user_id, THEN)
    assert not erasing.finish(user_id)
    assert rows_of(database_url, user_id).keys() <= LAST_TABLES - {"retired_blobs"}
    assert not any(file.exists() for file in files)
    told = [record for record in caplog.records if record.message == "erasure.not_in_ledger"]
    assert {record.levelname for record in told} == {"ERROR"}
    no_ledger()
    assert erasing.finish(user_id)
    assert [entry.user_id for entry in erasures.entries()] == [user_id]
    assert rows_of(database_url, user_id) == {}


def test_while_staging_is_away_everything_else_goes_and_later_the_rest(
    ada: Library, bucket: Bucket, database_url: str
) -> None:
    user_id = ada.owner.user_id
    bucket.post(user_id, ada.photos[0])
    erase(ada.owner)
    bucket.away = True
    erasing.begin(user_id, THEN)
    assert not erasing.finish(user_id)
    assert rows_of(database_url, user_id).keys() <= LAST_TABLES - {"retired_blobs"}
    bucket.away = False
    assert erasing.finish(user_id)
    assert bucket.contents == {}


def test_the_log_names_nobody_but_by_id(ada: Library, caplog: pytest.LogCaptureFixture) -> None:
    erase(ada.owner)
    erasing.begin(ada.owner.user_id, THEN)
    erasing.finish(ada.owner.user_id)
    assert {"account.erased", "account.removed"} <= {record.message for record in caplog.records}
    assert ada.owner.email not in caplog.text


# ------------------------------------------------------------------------------------------------ time, and a death


def test_a_thousand_photos_are_removed_bit_by_bit_when_time_runs_out(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = somebody()
    first = add_photo(who.user_id)
    root = Path(get_settings().require("storage_root"))
    with db.transaction(who.user_id) as conn:
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, key_version, content_key, sort_at) "
            "SELECT gen_random_uuid(), sha256(n::text::bytea), n || '.jpg', 'image/jpeg', 1, key_version, content_key, "
            "sort_at FROM images, generate_series(1, 999) AS n WHERE images.id = %s",
            [first],
        )
        conn.execute(
            "INSERT INTO blobs (image_id, name, driver, key, bytes, sha256, header_sha256, plain_bytes, content_type) "
            "SELECT id, 'original', 'local', left(md5(id::text), 2) || '/' || md5(id::text) || '000000', 1, sha256, "
            "sha256, 1, 'image/jpeg' FROM images"
        )
    files = files_of(who.user_id)
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    monkeypatch.setattr(erasing, "BATCH", 60)
    erase(who)

    def left() -> tuple[int, int]:
        return sum(rows_of(database_url, who.user_id).values()), sum(file.exists() for file in files)

    assert left() == (2009, 1000)
    seen, done = [left()], False
    while not done:
        done = erasing.finish(who.user_id, remaining=enough_for(6))
        assert left() < seen[-1], "every run gets further"
        seen.append(left())
    assert len(seen) > 4
    assert seen[-1] == (0, 0)
    assert root.is_dir()


def enough_for(looks: int) -> Callable[[], float]:
    """A clock by which time has run out after it was looked at so often."""
    times = iter([100.0] * looks)
    return lambda: next(times, erasing.LEAST_SECONDS - 1)


def test_with_no_time_left_nothing_is_begun(ada: Library, database_url: str) -> None:
    erase(ada.owner)
    before = rows_of(database_url, ada.owner.user_id)
    assert not erasing.finish(ada.owner.user_id, remaining=lambda: 5.0)
    assert rows_of(database_url, ada.owner.user_id) == before
    assert erasing.finish_all(remaining=lambda: 5.0).done == 0


class _Died(BaseException):
    """What no handler of ours catches."""


@pytest.mark.parametrize(
    "place",
    ["erasing.committed", "erasing.entered", "erasing.rows-deleted", "erasing.blobs-deleted",
     "erasing.copies-dropped", "erasing.removed"],
)  # fmt: skip
def test_a_death_anywhere_is_made_good_by_the_next_run(
    ada: Library, bucket: Bucket, database_url: str, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    user_id = ada.owner.user_id
    bucket.post(user_id, ada.photos[0])
    files = files_of(user_id)

    def die(name: str) -> None:
        if name == place:
            raise _Died

    def begin_and_finish() -> None:
        erasing.begin(user_id, THEN)
        erasing.finish(user_id)

    erase(ada.owner)
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reach", die)
        with pytest.raises(_Died):
            begin_and_finish()
    marked = erasing.mark_of(user_id) in bucket.contents
    known = "users" in rows_of(database_url, user_id)
    assert marked or known, "somebody comes back to it"
    if known:
        erasing.finish_all()
    if marked:
        assert erasing.finish(user_id)
    assert rows_of(database_url, user_id) == {}
    assert not any(file.exists() for file in files)
    assert bucket.contents == {}
    assert user_id in {entry.user_id for entry in erasures.entries()}


def test_all_erasures_are_finished_and_one_that_fails_holds_up_none(
    ada: Library, grace: Library, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(ada.owner)
    erase(grace.owner)
    retire, tried = erasures.retire_photos, []

    def broken(conn: db.Connection, *, limit: int) -> int:
        tried.append(limit)
        if len(tried) == 1:
            raise RuntimeError("a bug")
        return retire(conn, limit=limit)

    monkeypatch.setattr(erasures, "retire_photos", broken)
    assert erasing.finish_all() == Finished(done=1, left=1)
    assert erasing.finish_all() == Finished(done=1, left=0)
    for library in (ada, grace):
        assert rows_of(database_url, library.owner.user_id) == {}


# ------------------------------------------------------------------------------------------------ uploads under way


def announce(who: Somebody, data: bytes) -> UUID:
    import hashlib

    announced = uploads.Announcement("a.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    return answer.image_id


def all_files() -> set[Path]:
    root = Path(get_settings().require("storage_root"))
    return {file for file in root.rglob("*") if file.is_file()}


def test_a_post_that_arrives_after_the_erasure_leaves_nothing(bucket: Bucket, sent: Sent) -> None:
    who = somebody()
    image_id = announce(who, b"a photo")
    erase(who)
    bucket.post(who.user_id, image_id, b"a photo")
    before = all_files()
    vision.handle(PhotoMessage(who.user_id, image_id))
    assert bucket.contents == {}
    assert all_files() == before
    assert sent.messages == []


@pytest.mark.parametrize("step", ["vision", "embedding", "check"])
@pytest.mark.parametrize("removed", [False, True], ids=["erased", "removed"])
def test_messages_about_an_erased_persons_photo_are_acknowledged(
    ada: Library, sent: Sent, bucket: Bucket, step: str, removed: bool
) -> None:
    user_id, image_id = ada.owner.user_id, ada.photos[0]
    with db.transaction(user_id) as conn:
        conn.execute(
            "UPDATE images SET status = 'processing', vision_done_at = NULL, embedding_done_at = NULL WHERE id = %s",
            [image_id],
        )
    erase(ada.owner)
    if removed:
        assert erasing.finish(user_id)
    sent.messages.clear()
    handle: Callable[[PhotoMessage], None] = {"embedding": embedding.handle}.get(step, vision.handle)
    body = json.dumps({"user_id": str(user_id), "image_id": str(image_id), "check": step == "check"})
    event = {"Records": [{"messageId": "1", "receiptHandle": "r", "body": body, "attributes": {}}]}

    def each(content: str) -> None:
        for message in messages.photos(content):
            handle(message)

    assert messages.handle_batch(event, each, queue="vision_queue_url") == {"batchItemFailures": []}
    assert sent.messages == []
    assert table(
        user_id, "SELECT vision_done_at, embedding_done_at, resends FROM images WHERE id = %s", [image_id]
    ) == ([] if removed else [(None, None, 0)])


def erase_at(monkeypatch: pytest.MonkeyPatch, place: str, who: Somebody) -> list[str]:
    """Let the person delete the account at a place in a worker's run; in a process whose keys are in memory."""
    reached: list[str] = []

    def reach(name: str) -> None:
        if name == place and not reached:
            reached.append(name)
            erase(who)

    monkeypatch.setattr(failpoints, "reach", reach)
    return reached


@pytest.mark.parametrize("place", ["sealer.before-store", "sealer.stored"])
def test_a_photo_that_is_being_sealed_leaves_neither_plaintext_nor_blob(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    who = somebody()
    image_id = announce(who, b"a photo")
    bucket.post(who.user_id, image_id, b"a photo")
    before = all_files()
    reached = erase_at(monkeypatch, place, who)
    vision.handle(PhotoMessage(who.user_id, image_id))
    assert reached
    assert bucket.contents == {}
    assert all_files() == before
    assert erasing.finish(who.user_id)


@pytest.mark.parametrize("place", ["vision.before-store", "vision.stored"])
def test_a_photo_that_is_being_understood_leaves_no_blobs(
    sent: Sent, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    from tests.pictures import draw

    who, data = somebody(), draw(3, (64, 48))
    image_id = announce(who, data)
    bucket.post(who.user_id, image_id, data)
    image = sealer.load(who.user_id, image_id)
    assert image is not None
    assert sealer.seal(image) is not None
    before = all_files()
    reached = erase_at(monkeypatch, place, who)
    sent.messages.clear()
    vision.handle(PhotoMessage(who.user_id, image_id))
    assert reached
    assert all_files() == before, "the sealed original alone, which is removed with its row"
    assert sent.messages == []
    assert erasing.finish(who.user_id)
    assert len(all_files()) == len(before) - 1


def test_a_photo_that_is_being_embedded_is_acknowledged_at_its_next_delivery(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.pictures import draw

    who, data = somebody(), draw(3, (64, 48))
    image_id = announce(who, data)
    bucket.post(who.user_id, image_id, data)
    monkeypatch.setenv("EMBEDDINGS_PROVIDER", "phash")
    get_settings.cache_clear()
    reached = erase_at(monkeypatch, "embedding.computed", who)
    body = json.dumps({"user_id": str(who.user_id), "image_id": str(image_id)})
    record = {"messageId": "1", "receiptHandle": "r", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}

    def each(content: str) -> None:
        for message in messages.photos(content):
            embedding.handle(message)

    def deliver() -> int:
        answer = messages.handle_batch({"Records": [record]}, each, queue="embedding_queue_url")
        return len(answer["batchItemFailures"])

    assert deliver() == 1
    assert reached
    assert deliver() == 0
    assert table(who.user_id, "SELECT image_id FROM image_embeddings") == []


def test_a_resend_of_an_erased_persons_photo_writes_nothing(ada: Library, sent: Sent) -> None:
    erase(ada.owner)
    sent.messages.clear()
    resending.check(ada.owner.user_id, ada.photos[0])
    assert sent.messages == []


# ----------------------------------------------------------------------------------------------------------- replay


def outcomes(*, dry_run: bool = False) -> dict[str, str]:
    return {replayed.subject: replayed.outcome for replayed in erasing.replay(dry_run=dry_run)}


def test_a_replay_erases_again_who_is_in_the_ledger_and_lives(ada: Library, grace: Library, database_url: str) -> None:
    gone = ids.new()
    erasures.enter(gone, THEN)
    erasures.enter(ada.owner.user_id, THEN)
    before = described.everything_of(grace.owner.user_id)
    alive = described.everything_of(ada.owner.user_id)
    assert outcomes(dry_run=True) == {str(gone): "gone", str(ada.owner.user_id): "would be erased"}
    assert described.everything_of(ada.owner.user_id) == alive
    assert outcomes() == {str(gone): "gone", str(ada.owner.user_id): "erased"}
    assert rows_of(database_url, ada.owner.user_id) == {}
    assert outcomes() == {str(gone): "gone", str(ada.owner.user_id): "gone"}
    assert described.everything_of(grace.owner.user_id) == before


def test_a_replay_keeps_the_instant_of_the_erasure(ada: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    erasures.enter(ada.owner.user_id, THEN)
    monkeypatch.setattr(erasing, "finish", lambda _: False)
    assert outcomes()[str(ada.owner.user_id)] == "left"
    assert table(ada.owner.user_id, "SELECT erased_at FROM users") == [(THEN,)]


def test_a_replay_finishes_what_only_the_database_knows(ada: Library, database_url: str) -> None:
    erase(ada.owner)
    assert outcomes(dry_run=True) == {str(ada.owner.user_id): "would be erased"}
    assert outcomes() == {str(ada.owner.user_id): "erased"}
    assert rows_of(database_url, ada.owner.user_id) == {}
    assert [entry.user_id for entry in erasures.entries()] == [ada.owner.user_id]


def test_an_entry_that_cannot_be_read_is_left_and_holds_up_none(ada: Library, ledger: Path) -> None:
    broken = UUID(int=1)
    erasures.enter(broken, THEN)
    (ledger / str(broken)).write_text("{")
    erasures.enter(ada.owner.user_id, THEN)
    assert outcomes() == {f"erasures/{broken}": "left", str(ada.owner.user_id): "erased"}


def test_an_account_that_cannot_be_removed_is_erased_all_the_same_and_left(ada: Library, bucket: Bucket) -> None:
    erasures.enter(ada.owner.user_id, THEN)
    bucket.away = True
    assert outcomes() == {str(ada.owner.user_id): "left"}
    assert table(ada.owner.user_id, "SELECT DISTINCT wrapped FROM user_keys") == [(b"",)]
    bucket.away = False
    assert outcomes() == {str(ada.owner.user_id): "erased"}


def test_without_a_ledger_there_is_nothing_to_replay_from(no_ledger: Callable[[], None]) -> None:
    with pytest.raises(Misconfigured, match="LEDGER_ROOT"):
        outcomes()


# ------------------------------------------------------------------------------------------------------ maintenance


def test_photos_of_an_erased_person_hold_up_none_of_maintenances_tasks(
    ada: Library, grace: Library, database_url: str
) -> None:
    """Between the commit and the removal of the rows, whatever the tasks come by first."""
    pending = announce(grace.owner, b"never posted")
    for library in (ada, grace):
        with db.transaction(library.owner.user_id) as conn:
            conn.execute("UPDATE images SET deleted_at = %s WHERE id = %s", [THEN, library.photos[0]])
            conn.execute("UPDATE images SET status = 'processing' WHERE id = %s", [library.photos[1]])
            conn.execute("UPDATE images SET place_refined_at = NULL")
    announce(ada.owner, b"never posted")
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE images SET post_expires_at = %s WHERE status = 'pending'", [THEN])
    erase(ada.owner)
    before = rows_of(database_url, ada.owner.user_id)
    now, report = datetime.now(UTC), Report()
    maintenance.expire_pending(report, now=now)
    maintenance.purge_trash(report, now=now)
    maintenance.resend_unfinished(report, now=now)
    assert report.failures == []
    assert table(grace.owner.user_id, "SELECT id FROM images WHERE id = ANY(%s)", [[pending, grace.photos[0]]]) == []
    assert rows_of(database_url, ada.owner.user_id) == before


def test_the_sweep_finishes_what_is_marked_and_measures_no_mark(
    ada: Library, bucket: Bucket, database_url: str
) -> None:
    erase(ada.owner)
    erasing.begin(ada.owner.user_id, THEN)
    report = maintenance.run(daily=False, now=datetime.now(UTC))
    assert (report.erased, report.oldest_seconds, report.failures) == (1, 0.0, [])
    assert rows_of(database_url, ada.owner.user_id) == {}
    assert bucket.contents == {}


def test_the_daily_pass_finishes_what_is_not_marked(ada: Library, database_url: str) -> None:
    erase(ada.owner)
    report = Report()
    maintenance.finish_erasures(report, [], daily=False)
    assert report.erased == 0
    maintenance.finish_erasures(report, [], daily=True)
    assert report.erased == 1
    assert rows_of(database_url, ada.owner.user_id) == {}
