"""Rotation of keys in a database of its own: whatever happens on the way, every key opens, and no blob is touched."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from tests.arranging import add_photo, add_photos, table
from tests.local_cloud import database_of_its_own
from tests.master_keys import LOST, LOST_PRINT, NEW, NEW_PRINT, OLD, OLD_PRINT, Use
from tests.shared.api.described import routers, seal
from tests.storages import content_keys
from tests.vaults import Somebody, client, somebody

from photovault import (
    blobs,
    db,
    erasures,
    failpoints,
    ids,
    images,
    keyring,
    keys,
    originals,
    rotation,
    staging,
    uploads,
)
from photovault import vault as blob_vault
from photovault.errors import Conflict, MasterKeyMissing, NotFound, Tampered, Unavailable
from photovault.pipeline import sealer
from photovault.settings import get_settings

ROOT = Path(__file__).resolve().parents[2]

database_url = database_of_its_own()


def key_rows(url: str, who: Somebody | None = None) -> list[tuple[UUID, int, bytes, str]]:
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT user_id, version, wrapped, master_fingerprint FROM user_keys "
            "WHERE %(who)s::uuid IS NULL OR user_id = %(who)s ORDER BY user_id, version",
            {"who": who.user_id if who else None},
        ).fetchall()


def change(url: str, sql: str, parameters: dict[str, object]) -> None:
    """As the owner of the database, or whoever got hold of it, can."""
    with psycopg.connect(url) as conn:
        assert conn.execute(sql.encode(), parameters).rowcount == 1


def fingerprints_of(url: str) -> set[str]:
    return {row[3] for row in key_rows(url)}


def people(count: int) -> list[Somebody]:
    made = [somebody() for _ in range(count)]
    for who in made:
        add_photo(who.user_id)
    return made


def killed(code: str, failpoint: str) -> None:
    """Run it in a process of its own that is killed there."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "PHOTOVAULT_FAILPOINT": failpoint,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")]),
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def at(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], object]) -> None:
    """Let something happen when a rotation gets there for the first time."""
    waiting = [happens]

    def reach(reached: str) -> None:
        if reached == name and waiting:
            waiting.pop()()

    monkeypatch.setattr(failpoints, "reach", reach)


def stored_files(vault: Path) -> dict[str, tuple[int, int]]:
    return {
        str(file.relative_to(vault)): (file.stat().st_mtime_ns, file.stat().st_size)
        for file in vault.rglob("*")
        if file.is_file()
    }


# ----------------------------------------------------------------------------------------- everybody's master keys


def test_after_a_rotation_the_new_master_key_opens_everything_alone(use: Use, database_url: str, vault: Path) -> None:
    everybody = people(7)
    for who in everybody:
        for image_id in content_keys(who):
            seal(who.user_id, image_id)
    before, files = [content_keys(who) for who in everybody], stored_files(vault)
    use(NEW, OLD)
    looked_at: list[int] = []
    report = rotation.rotate_master(batch=3, on_batch=looked_at.append)
    assert (report.rewrapped, report.unopened, report.left, report.done) == (7, 0, {}, True)
    assert sum(looked_at) == 7
    assert max(looked_at) == 3
    use(NEW)
    assert [content_keys(who) for who in everybody] == before
    assert fingerprints_of(database_url) == {NEW_PRINT}
    assert stored_files(vault) == files, "no blob is touched"
    for who, opened in zip(everybody, before, strict=True):
        with db.transaction(who.user_id) as conn:
            stored = blobs.of_images(conn, list(opened))
        assert len(stored) == 3
        for blob in stored:
            blob_vault.fetch(blob, content_key=opened[blob.image_id], user_id=who.user_id)


def test_a_second_rotation_finds_nothing_to_do(use: Use, database_url: str) -> None:
    people(2)
    use(NEW, OLD)
    rotation.rotate_master()
    before = key_rows(database_url)
    assert rotation.rotate_master().rewrapped == 0
    assert key_rows(database_url) == before


@pytest.mark.parametrize("failpoint", ["rotation.rewrapped", "rotation.before-commit", "rotation.committed"])
def test_a_rotation_killed_anywhere_leaves_all_keys_open_and_is_gone_on_with(
    use: Use, database_url: str, failpoint: str
) -> None:
    everybody = people(5)
    before = [content_keys(who) for who in everybody]
    use(NEW, OLD)
    killed("from photovault import rotation; rotation.rotate_master(batch=2)", failpoint)
    done = sum(row[3] == NEW_PRINT for row in key_rows(database_url))
    assert done == (2 if failpoint == "rotation.committed" else 0)
    assert [content_keys(who) for who in everybody] == before
    report = rotation.rotate_master(batch=2)
    assert (report.rewrapped, report.done) == (5 - done, True)
    use(NEW)
    assert [content_keys(who) for who in everybody] == before


def test_two_rotations_at_once_do_no_harm(use: Use, database_url: str) -> None:
    everybody = people(12)
    before = [content_keys(who) for who in everybody]
    use(NEW, OLD)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda size: rotation.rotate_master(batch=size), [3, 5]))
    assert sum(report.rewrapped for report in reports) == 12
    assert all(report.done for report in reports)
    use(NEW)
    assert [content_keys(who) for who in everybody] == before


def test_a_key_that_does_not_open_is_reported_and_left_as_it_is(use: Use, database_url: str) -> None:
    altered, well, swapped, donor = people(4)
    change(
        database_url,
        "UPDATE user_keys SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) WHERE user_id = %(who)s",
        {"who": altered.user_id},
    )
    change(
        database_url,
        "UPDATE user_keys SET wrapped = (SELECT wrapped FROM user_keys WHERE user_id = %(donor)s) "
        "WHERE user_id = %(who)s",
        {"who": swapped.user_id, "donor": donor.user_id},
    )
    bad = {row[0]: row for row in key_rows(database_url) if row[0] in {altered.user_id, swapped.user_id}}
    use(NEW, OLD)
    report = rotation.rotate_master(batch=1)
    assert (report.rewrapped, report.unopened, report.left, report.done) == (2, 2, {OLD_PRINT: 2}, False)
    assert {(key.user_id, key.version, key.fingerprint) for key in report.named} == {
        (user_id, 1, OLD_PRINT) for user_id in bad
    }
    assert {row[0]: row for row in key_rows(database_url) if row[0] in bad} == bad
    assert len(content_keys(well)) == 1


def test_keys_of_a_missing_master_key_are_reported_and_wait_for_it(use: Use, database_url: str) -> None:
    use(LOST)
    (orphan,) = people(1)
    before = content_keys(orphan)
    use(OLD)
    people(2)
    use(NEW, OLD)
    report = rotation.rotate_master()
    assert (report.rewrapped, report.unopened, report.left) == (2, 1, {LOST_PRINT: 1})
    assert LOST_PRINT in report.named[0].why
    with pytest.raises(MasterKeyMissing, match=LOST_PRINT):
        content_keys(orphan)
    use(NEW, LOST)
    assert rotation.rotate_master().done
    use(NEW)
    assert content_keys(orphan) == before


def test_what_was_erased_is_neither_wrapped_anew_nor_counted(use: Use, database_url: str) -> None:
    gone, _ = people(2)
    with db.transaction(gone.user_id) as conn:
        erasures.erase(conn, at=datetime.now(UTC))
    use(NEW, OLD)
    report = rotation.rotate_master()
    assert (report.rewrapped, report.unopened, report.done) == (1, 0, True)
    assert [row[2:] for row in key_rows(database_url, gone)] == [(b"", keys.ERASED)]


def test_an_erasure_in_the_middle_of_a_batch_is_not_undone(
    use: Use, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the key that was destroyed would be back."""
    gone, _ = people(2)

    def erase() -> None:
        with db.transaction(gone.user_id) as conn:
            erasures.erase(conn, at=datetime.now(UTC))

    use(NEW, OLD)
    at(monkeypatch, "rotation.rewrapped", erase)
    report = rotation.rotate_master()
    assert (report.rewrapped, report.done) == (1, True)
    assert [row[2:] for row in key_rows(database_url, gone)] == [(b"", keys.ERASED)]


def test_keys_that_an_older_function_makes_during_the_rotation_are_wrapped_anew_too(
    use: Use, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(1)
    use(NEW, OLD)

    def late() -> None:
        who = Somebody(ids.new(), ids.new(), "", "")
        wrapped = keys.MasterKeys([OLD]).wrap_dek(keys.new_dek(), user_id=who.user_id, version=1)
        with psycopg.connect(database_url) as conn:
            conn.execute("SELECT set_config('photovault.person', %s, true)", [str(who.user_id)])
            conn.execute(
                "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) VALUES ('', %s, '', '', 0)",
                [str(who.user_id)],
            )
            conn.execute(
                "INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, %s, %s)",
                [wrapped.token, wrapped.fingerprint],
            )

    at(monkeypatch, "rotation.committed", late)
    report = rotation.rotate_master()
    assert (report.rewrapped, report.done) == (2, True)


# ---------------------------------------------------------------------------------------------- is a master key missing


def test_every_fingerprint_is_found_however_many_keys_name_it(use: Use) -> None:
    with db.rotation() as conn:
        assert rotation.fingerprints(conn) == []
    people(3)
    use(NEW, OLD)
    people(2)
    with db.rotation() as conn:
        assert set(rotation.fingerprints(conn)) == {OLD_PRINT, NEW_PRINT}
        assert rotation.counts(conn) == {OLD_PRINT: 3, NEW_PRINT: 2}
        assert rotation.missing(conn) == []
    use(NEW)
    with db.rotation() as conn:
        assert rotation.missing(conn) == [OLD_PRINT]


def test_fingerprints_are_found_by_jumps_through_the_index(use: Use, database_url: str) -> None:
    """Not by reading every row: /ready may be asked every few seconds."""
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "WITH made AS (INSERT INTO users (id, email, email_key, name, password_hash, quota_bytes) "
            "SELECT gen_random_uuid(), '', 'p' || n, '', '', 0 FROM generate_series(1, 5000) n RETURNING id) "
            "INSERT INTO user_keys (user_id, version, wrapped, master_fingerprint) "
            "SELECT id, 1, 'w', CASE WHEN random() < 0.5 THEN 'a' ELSE 'b' END FROM made"
        )
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE user_keys")
    with db.rotation() as conn:
        assert rotation.fingerprints(conn) == ["a", "b"]
        plan = "\n".join(
            row[0] for row in conn.execute(b"EXPLAIN " + rotation.JUMPS.encode(), [keys.ERASED]).fetchall()
        )
    assert "Index Only Scan using user_keys_by_master" in plan
    assert "Seq Scan" not in plan


def test_ready_names_a_master_key_that_is_needed_and_not_there(use: Use) -> None:
    people(1)
    with client(routers()) as http:
        answer = http.get("/ready")
        assert answer.status_code == 200
        assert answer.json()["checks"]["master_keys"] == "ok"
        use(NEW)
        answer = http.get("/ready")
        assert answer.status_code == 503
        assert OLD_PRINT in answer.json()["detail"]
        assert NEW_PRINT not in answer.json()["detail"]
        use(NEW, OLD)
        assert http.get("/ready").status_code == 200


def test_ready_looks_once_a_minute(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    use(NEW)
    assert rotation.missing_lately() == []
    use(OLD)
    people(1)
    monkeypatch.setenv("MASTER_KEY", NEW)
    get_settings.cache_clear()
    keyring.master_keys.cache_clear()
    rotation.forget()
    assert rotation.missing_lately() == [OLD_PRINT]
    with db.rotation() as conn:
        conn.execute("UPDATE user_keys SET master_fingerprint = %s", [NEW_PRINT])
    now += rotation.READY_SECONDS - 1
    assert rotation.missing_lately() == [OLD_PRINT]
    now += 2
    assert rotation.missing_lately() == []


# -------------------------------------------------------------------------------------------------- one person's key


def versions(who: Somebody) -> tuple[list[int], list[int]]:
    """Of the person's keys, and of those that photos name."""
    return (
        [row[0] for row in table(who.user_id, "SELECT version FROM user_keys ORDER BY version")],
        [row[0] for row in table(who.user_id, "SELECT DISTINCT key_version FROM images ORDER BY key_version")],
    )


def test_a_person_gets_a_new_key_and_their_photos_stay_what_they_were(use: Use, database_url: str, vault: Path) -> None:
    ada, bob = somebody(), somebody()
    add_photos(ada.user_id, 7)
    add_photo(ada.user_id, deleted_at=datetime.now(UTC))
    add_photo(bob.user_id)
    for image_id in content_keys(ada):
        seal(ada.user_id, image_id)
    before, of_bob, files = content_keys(ada), key_rows(database_url, bob), stored_files(vault)
    old_key = key_rows(database_url, ada)
    looked_at: list[int] = []
    report = rotation.rotate_user(ada.user_id, batch=3, on_batch=looked_at.append)
    assert (report.version, report.rewrapped, report.unopened, report.deleted, report.left) == (2, 8, [], [1], [])
    assert sum(looked_at) == 8
    assert versions(ada) == ([2], [2])
    assert content_keys(ada) == before
    assert stored_files(vault) == files, "no blob is touched"
    assert key_rows(database_url, bob) == of_bob
    assert content_keys(bob)
    masters = keyring.master_keys()
    ((_, _, new_wrapped, new_print),) = key_rows(database_url, ada)
    new_dek = masters.unwrap_dek(keys.Wrapped(new_wrapped, new_print), user_id=ada.user_id, version=2)
    old_dek = masters.unwrap_dek(keys.Wrapped(old_key[0][2], OLD_PRINT), user_id=ada.user_id, version=1)
    assert new_dek != old_dek
    for image_id, wrapped in table(ada.user_id, "SELECT id, content_key FROM images"):
        with pytest.raises(Tampered):
            keys.unwrap_content_key(old_dek, bytes(wrapped), image_id=image_id)


@pytest.mark.parametrize(
    "failpoint",
    [
        "rotation.before-version-commit",
        "rotation.version-committed",
        "rotation.before-photos-commit",
        "rotation.photos-committed",
        "rotation.before-deletion-commit",
    ],
)
def test_a_persons_rotation_killed_anywhere_is_gone_on_with_and_makes_no_third_key(use: Use, failpoint: str) -> None:
    ada = somebody()
    add_photos(ada.user_id, 5)
    before = content_keys(ada)
    killed(
        f"from uuid import UUID; from photovault import rotation; rotation.rotate_user(UUID('{ada.user_id}'), batch=2)",
        failpoint,
    )
    assert content_keys(ada) == before
    late = add_photo(ada.user_id)
    report = rotation.rotate_user(ada.user_id, batch=2)
    assert report.version == 2
    assert versions(ada) == ([2], [2])
    after = content_keys(ada)
    assert {image_id: key for image_id, key in after.items() if image_id != late} == before
    assert rotation.rotate_user(ada.user_id).version == 3, "the next one is a new rotation"


@pytest.mark.parametrize("moment", ["rotation.version-committed", "rotation.photos-committed"])
def test_photos_announced_during_a_rotation_take_the_new_key(
    use: Use, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = somebody()
    add_photos(ada.user_id, 3)
    announced: list[UUID] = []

    def announce() -> None:
        one = uploads.Announcement("late.jpg", "image/jpeg", 10, hashlib.sha256(moment.encode()).digest())
        with db.transaction(ada.user_id) as conn:
            (answer,) = uploads.announce(conn, ada.user_id, [one], now=datetime.now(UTC))
        announced.append(answer.image_id)

    at(monkeypatch, moment, announce)
    rotation.rotate_user(ada.user_id, batch=1)
    assert versions(ada) == ([2], [2])
    assert announced[0] in content_keys(ada)


def test_two_rotations_of_one_person_at_once_end_in_keys_that_open(use: Use) -> None:
    ada = somebody()
    add_photos(ada.user_id, 9)
    before = content_keys(ada)

    def rotate(size: int) -> str:
        try:
            return str(rotation.rotate_user(ada.user_id, batch=size).version)
        except Conflict as error:
            return error.type

    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(rotate, [1, 2, 4]))
    assert set(ends) <= {"2", "3", "4", "conflict"}
    assert content_keys(ada) == before
    existing, named = versions(ada)
    assert named == existing == existing[:1]


def photo(who: Somebody, image_id: UUID) -> images.Image:
    with db.transaction(who.user_id) as conn:
        found = images.get(conn, image_id)
    assert found is not None
    return found


def test_a_worker_with_a_row_of_before_the_rotation_opens_the_photo_all_the_same(use: Use) -> None:
    ada = somebody()
    stale = photo(ada, add_photo(ada.user_id))
    before = content_keys(ada)[stale.id]
    rotation.rotate_user(ada.user_id)
    keyring.forget()  # that worker is another process, or has waited for more than five minutes
    with db.transaction(ada.user_id) as conn:
        opened = keyring.content_key_of(conn, stale)
    assert opened == before


def test_a_worker_that_seals_a_row_of_before_the_rotation_loses_nothing(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = somebody()
    data = os.urandom(2000)
    staged: dict[str, bytes] = {}
    monkeypatch.setattr(
        staging, "get", lambda user_id, image_id, *, at_most: staged.get(staging.key_of(user_id, image_id))
    )
    monkeypatch.setattr(staging, "delete", lambda key: staged.pop(key, None))
    monkeypatch.setattr(staging, "find", lambda user_id, image_id: None)
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(ada.user_id) as conn:
        (answer,) = uploads.announce(conn, ada.user_id, [announced], now=datetime.now(UTC))
    staged[staging.key_of(ada.user_id, answer.image_id)] = data
    stale = photo(ada, answer.image_id)
    rotation.rotate_user(ada.user_id)
    keyring.forget()
    sealed = sealer.seal(stale)
    assert sealed is not None
    assert sealed.key_version == 2
    keyring.forget()
    assert originals.open(ada.user_id, answer.image_id).data == data


def test_a_photo_whose_row_went_with_its_key_is_not_there_and_one_that_only_moved_is_tried_again(use: Use) -> None:
    """A worker takes `NotFound` for a deleted account, and throws its upload away."""
    ada = somebody()
    stale = photo(ada, add_photo(ada.user_id))
    rotation.rotate_user(ada.user_id)
    keyring.forget()
    with db.transaction(ada.user_id) as conn:
        with pytest.raises(Unavailable):
            keyring.dek(conn, ada.user_id, stale.key_version)
        conn.execute("DELETE FROM images")
        with pytest.raises(Unavailable):
            keyring.content_key(conn, ada.user_id, stale.id, version=1, wrapped=bytes(stale.content_key))
        conn.execute("DELETE FROM user_keys")
        with pytest.raises(NotFound):
            keyring.dek(conn, ada.user_id, stale.key_version)


def test_a_photo_whose_key_does_not_open_is_reported_and_keeps_the_older_key(use: Use, database_url: str) -> None:
    ada = somebody()
    bad, donor, *_ = add_photos(ada.user_id, 4)
    well = {image_id: key for image_id, key in content_keys(ada).items() if image_id != bad}
    change(
        database_url,
        "UPDATE images SET content_key = (SELECT content_key FROM images WHERE id = %(donor)s) WHERE id = %(bad)s",
        {"bad": bad, "donor": donor},
    )
    for _ in range(2):  # the second time as well
        report = rotation.rotate_user(ada.user_id, batch=2)
        assert (report.version, [one.image_id for one in report.unopened], report.left) == (2, [bad], [1])
    change(database_url, "DELETE FROM images WHERE id = %(bad)s", {"bad": bad})
    assert rotation.rotate_user(ada.user_id).deleted == [1]
    assert content_keys(ada) == well


def test_a_rotation_that_cannot_open_the_persons_key_changes_nothing(use: Use, database_url: str) -> None:
    (ada,) = people(1)
    before = key_rows(database_url)
    use(NEW)
    with pytest.raises(MasterKeyMissing, match=OLD_PRINT):
        rotation.rotate_user(ada.user_id)
    assert key_rows(database_url) == before


def test_who_is_not_there_or_was_erased_has_no_key_to_rotate(use: Use) -> None:
    with pytest.raises(NotFound):
        rotation.rotate_user(ids.new())
    (gone,) = people(1)
    with db.transaction(gone.user_id) as conn:
        erasures.erase(conn, at=datetime.now(UTC))
    with pytest.raises(NotFound):
        rotation.rotate_user(gone.user_id)


def test_who_never_uploaded_needs_no_new_key(use: Use) -> None:
    ada = somebody()
    assert rotation.rotate_user(ada.user_id).version == 0
    assert versions(ada) == ([], [])
