"""What the commit of an erasure leaves, who can still do what after it, and the ledger that outlives the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors
from tests.arranging import Sent, add_photo, await_a_waiter, build, table, want
from tests.vaults import Somebody, somebody

from photovault import db, erasures, ids, keyring, rebuilds, sessions, uploads, users
from photovault.erasures import Entry
from photovault.errors import Misconfigured, NotFound, PersonGone
from photovault.settings import get_settings

pytestmark = pytest.mark.usefixtures("vault", "sent")

THEN = datetime(2026, 4, 1, 12, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def erase(who: Somebody, *, at: datetime = THEN) -> bool:
    with db.transaction(who.user_id) as conn:
        return erasures.erase(conn, at=at)


def row_of(database_url: str, who: Somebody) -> dict[str, Any]:
    """As the owner of the database sees it, whom no policy holds back."""
    with psycopg.connect(database_url, row_factory=psycopg.rows.dict_row) as conn:
        found = conn.execute("SELECT * FROM users WHERE id = %s", [who.user_id]).fetchone()
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------------- the commit


def test_nothing_in_the_persons_row_says_who_it_was(ada: Somebody, database_url: str) -> None:
    before = row_of(database_url, ada)
    assert erase(ada)
    after = row_of(database_url, ada)
    assert after["erased_at"] == THEN
    assert (after["email"], after["name"], after["password_hash"]) == ("", "", "")
    assert after["email_key"] == f"erased:{ada.user_id}"
    assert ada.email not in str(after)
    assert after["revision"] > before["revision"]


def test_every_version_of_the_persons_key_is_nothing(ada: Somebody) -> None:
    add_photo(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (2, 'w', 'f')")
    erase(ada)
    assert table(ada.user_id, "SELECT wrapped, master_fingerprint FROM user_keys") == [(b"", "erased")] * 2


def test_a_photos_key_is_found_no_more(ada: Somebody) -> None:
    image_id = add_photo(ada.user_id)
    ((version, wrapped),) = table(ada.user_id, "SELECT key_version, content_key FROM images")

    def opens() -> bytes:
        with db.transaction(ada.user_id) as conn:
            return keyring.content_key(conn, ada.user_id, image_id, version=version, wrapped=bytes(wrapped))

    assert len(opens()) == 32
    erase(ada)
    keyring.forget()
    with pytest.raises(NotFound):
        opens()


def test_sessions_end_and_history_goes(ada: Somebody) -> None:
    with db.transaction(ada.user_id) as conn:
        sessions.start(conn, user_agent="another", now=datetime.now(UTC))
        conn.execute("INSERT INTO activity (id, kind) VALUES (%s, 'log-in')", [ids.new()])
    erase(ada)
    with db.transaction(ada.user_id) as conn:
        assert sessions.active(conn) == []
        assert not sessions.is_active(conn, ada.session_id)
    assert table(ada.user_id, "SELECT kind FROM activity") == []


def test_a_session_that_a_log_in_began_meanwhile_is_none(ada: Somebody) -> None:
    erase(ada)
    with db.transaction(ada.user_id) as conn:
        session_id, _ = sessions.start(conn, user_agent="a moment late", now=datetime.now(UTC))
    with db.transaction(ada.user_id) as conn:
        assert not sessions.is_active(conn, session_id)


def test_an_erased_person_is_nobody_to_readers_and_writers(ada: Somebody) -> None:
    erase(ada)
    announced = uploads.Announcement("a.jpg", "image/jpeg", 1, bytes(32))
    attempts: list[Callable[[db.Connection], object]] = [
        users.next_revision,
        users.credentials,
        lambda conn: uploads.announce(conn, ada.user_id, [announced], now=datetime.now(UTC)),
    ]
    for attempt in attempts:
        with pytest.raises(PersonGone), db.transaction(ada.user_id) as conn:
            attempt(conn)
    with db.transaction(ada.user_id) as conn:
        assert users.get(conn) is None
    assert table(ada.user_id, "SELECT id FROM images") == []


def test_the_address_can_sign_up_again_at_once_and_is_somebody_else(ada: Somebody) -> None:
    erase(ada)
    with db.transaction(ids.new()) as conn:
        newcomer = users.create(
            conn, email=ada.email, email_key=ada.email, name="Ada", password_hash="another", quota_bytes=1
        )
    with db.before_login() as conn:
        found = users.find_account(conn, ada.email)
    assert found is not None
    assert found.user_id == newcomer.id != ada.user_id


def test_erasing_twice_changes_nothing_the_second_time(ada: Somebody, database_url: str) -> None:
    add_photo(ada.user_id)
    assert erase(ada)
    before = row_of(database_url, ada)
    assert not erase(ada, at=THEN + timedelta(days=1))
    assert row_of(database_url, ada) == before


def test_nobody_is_not_erased(ada: Somebody) -> None:
    with db.transaction(ids.new()) as conn:
        assert not erasures.erase(conn, at=THEN)


def test_an_account_without_anything_is_erased_too(ada: Somebody) -> None:
    assert table(ada.user_id, "SELECT * FROM user_keys") == []
    assert erase(ada)


def test_nobody_elses_rows_are_touched(ada: Somebody, database_url: str) -> None:
    other = somebody()
    add_photo(other.user_id)
    keys = table(other.user_id, "SELECT wrapped FROM user_keys")
    before = row_of(database_url, other)
    erase(ada)
    assert row_of(database_url, other) == before
    assert table(other.user_id, "SELECT wrapped FROM user_keys") == keys
    with db.transaction(other.user_id) as conn:
        assert sessions.is_active(conn, other.session_id)


def test_albums_that_were_asked_for_are_built_no_more(ada: Somebody, sent: Sent) -> None:
    add_photo(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        lease = rebuilds.take_lease(conn)
        read = rebuilds.generations(conn)
    assert lease is not None
    assert read is not None
    erase(ada)
    with db.transaction(ada.user_id) as conn:
        assert not rebuilds.mark_built(conn, lease.token, read), "a builder in the middle writes nothing"
    with db.maintenance() as conn:
        assert ada.user_id not in rebuilds.due(conn)
    sent.messages.clear()
    build(ada.user_id)
    assert sent.messages == []
    assert table(ada.user_id, "SELECT id FROM albums") == []


def test_an_album_asked_for_after_the_erasure_is_not_built_either(ada: Somebody) -> None:
    add_photo(ada.user_id)
    erase(ada)
    want(ada.user_id)
    build(ada.user_id)
    assert table(ada.user_id, "SELECT id FROM albums") == []


@pytest.mark.parametrize("other", ["renewing a session", "uploading"])
def test_an_erasure_waits_for_a_request_under_way_instead_of_deadlocking(
    ada: Somebody, database_url: str, other: str
) -> None:
    now = datetime.now(UTC)
    with db.transaction(ada.user_id) as conn:
        token = sessions.add_refresh(conn, ada.session_id, now=now)
    with ThreadPoolExecutor(1) as pool:
        with db.transaction(ada.user_id) as conn:
            if other == "uploading":
                users.next_revision(conn)
            else:
                assert sessions.use_refresh(conn, token, now=now)
            erased = pool.submit(erase, ada)
            await_a_waiter(database_url)
            if other == "uploading":
                keyring.new_content_key(conn, ada.user_id, ids.new())
            else:
                sessions.add_refresh(conn, ada.session_id, now=now)
        assert erased.result()
    assert {bytes(row[0]) for row in table(ada.user_id, "SELECT wrapped FROM user_keys")} <= {b""}
    with db.transaction(ada.user_id) as conn:
        assert not sessions.is_active(conn, ada.session_id)


# ---------------------------------------------------------------------------------------------------- who sees whom


def test_maintenance_sees_the_ids_of_the_erased_and_of_nobody_else(ada: Somebody) -> None:
    other = somebody()
    erase(ada)
    with db.maintenance() as conn:
        waiting = erasures.waiting(conn)
        seen = {row[0] for row in conn.execute("SELECT id FROM users")}
    assert ada.user_id in waiting
    assert set(waiting) == seen
    assert other.user_id not in seen


@pytest.mark.parametrize("column", ["email", "email_key", "name", "password_hash", "revision", "used_bytes", "*"])
def test_maintenance_sees_nothing_more_of_them(ada: Somebody, column: str) -> None:
    erase(ada)
    with pytest.raises(errors.InsufficientPrivilege), db.maintenance() as conn:
        conn.execute(f"SELECT {column} FROM users".encode())


def test_maintenance_erases_nobody(ada: Somebody) -> None:
    for statement in (b"UPDATE users SET erased_at = now()", b"DELETE FROM users"):
        with pytest.raises(errors.InsufficientPrivilege), db.maintenance() as conn:
            conn.execute(statement)


@pytest.mark.parametrize("who", ["a living person", "nobody"])
def test_what_deletes_rows_refuses_whoever_is_not_erased(ada: Somebody, who: str) -> None:
    with pytest.raises(PersonGone), db.transaction(ada.user_id if who == "a living person" else ids.new()) as conn:
        erasures.lock(conn)


def test_the_row_of_a_living_person_is_never_removed(ada: Somebody) -> None:
    with db.transaction(ada.user_id) as conn:
        assert not erasures.remove(conn)
        assert users.get(conn) is not None


# ------------------------------------------------------------------------------------------------------- the ledger


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger's folder."""
    set_ledger(monkeypatch, LEDGER_ROOT=str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def set_ledger(patch: pytest.MonkeyPatch, **settings: str) -> None:
    for name in ("LEDGER_ROOT", "LEDGER_BUCKET"):
        patch.delenv(name, raising=False)
    for name, value in settings.items():
        patch.setenv(name, value)
    get_settings.cache_clear()


def test_an_entry_is_a_small_json_document_under_the_persons_id(ledger: Path) -> None:
    user_id = ids.new()
    erasures.enter(user_id, THEN)
    content = json.loads((ledger / "erasures" / str(user_id)).read_text())
    assert content == {"user_id": str(user_id), "erased_at": "2026-04-01T12:30:00.123456+00:00", "version": 1}
    assert list(erasures.entries()) == [Entry(f"erasures/{user_id}", user_id, THEN)]


def test_an_entry_is_written_once_and_stays_as_it_is(ledger: Path) -> None:
    user_id = ids.new()
    erasures.enter(user_id, THEN)
    erasures.enter(user_id, THEN + timedelta(days=1))
    assert [entry.erased_at for entry in erasures.entries()] == [THEN]


def test_the_ledger_is_listed_in_the_order_of_the_ids(ledger: Path) -> None:
    erased = [ids.new() for _ in range(20)]
    for user_id in reversed(erased):
        erasures.enter(user_id, THEN)
    assert [entry.user_id for entry in erasures.entries()] == sorted(erased, key=str)


def test_an_empty_ledger_has_no_entries(ledger: Path) -> None:
    assert list(erasures.entries()) == []


SOMEBODY = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
GOOD = {"user_id": str(SOMEBODY), "erased_at": THEN.isoformat(), "version": 1}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not JSON"),
        ("null", "not JSON"),
        (json.dumps({}), "not JSON"),
        (json.dumps(GOOD | {"user_id": 5}), "not JSON"),
        (json.dumps(GOOD | {"user_id": "somebody"}), "not JSON"),
        (json.dumps(GOOD | {"erased_at": "yesterday"}), "not JSON"),
        (json.dumps(GOOD | {"erased_at": "2026-04-01T12:30:00"}), "no offset"),
        (json.dumps(GOOD | {"version": 2}), "newer PhotoVault"),
        (json.dumps(GOOD | {"user_id": "01890a5d-ac96-774b-bcce-b302099a8058"}), "it names 01890a5d"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_read_says_why_and_names_nobody(ledger: Path, content: str, why: str) -> None:
    erasures.enter(SOMEBODY, THEN)
    (ledger / "erasures" / str(SOMEBODY)).write_text(content)
    (entry,) = erasures.entries()
    assert (entry.user_id, entry.erased_at, entry.key) == (None, None, f"erasures/{SOMEBODY}")
    assert why in entry.trouble


@pytest.mark.parametrize("name", [" ", "a b", "$x", "x\x1b[2J"])
def test_what_else_lies_in_the_ledger_keeps_no_erasure_from_being_done_again(ledger: Path, name: str) -> None:
    erasures.enter(SOMEBODY, THEN)
    (ledger / "erasures" / name).write_text(json.dumps(GOOD))
    found = {entry.key: entry for entry in erasures.entries()}
    assert found[f"erasures/{SOMEBODY}"].user_id == SOMEBODY
    assert (found[f"erasures/{name}"].user_id, bool(found[f"erasures/{name}"].trouble)) == (None, True)


@pytest.mark.parametrize("content", ["[" * 3000, json.dumps(GOOD | {"padding": "x" * 10**6})], ids=["deep", "long"])
def test_an_entry_that_nobody_of_ours_wrote_costs_nothing(ledger: Path, content: str) -> None:
    erasures.enter(SOMEBODY, THEN)
    (ledger / "erasures" / str(SOMEBODY)).write_text(content)
    assert [entry.user_id for entry in erasures.entries()] == [None]


def test_without_a_ledger_the_way_to_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ledger(monkeypatch)
    for attempt in (lambda: erasures.enter(ids.new(), THEN), lambda: list(erasures.entries())):
        with pytest.raises(Misconfigured, match=r"LEDGER_BUCKET.*LEDGER_ROOT"):
            attempt()


def test_the_folder_wins_over_the_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_ledger(monkeypatch, LEDGER_ROOT=str(tmp_path / "both"), LEDGER_BUCKET="nobody-s-bucket")
    erasures.enter(SOMEBODY, THEN)
    assert (tmp_path / "both" / "erasures" / str(SOMEBODY)).is_file()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    set_ledger(monkeypatch, LEDGER_ROOT=str(tmp_path / "file" / "ledger"))
    with pytest.raises(Misconfigured, match=r"LEDGER_ROOT=.*backed up apart"):
        erasures.enter(SOMEBODY, THEN)


def test_a_functions_own_disk_is_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_ledger(monkeypatch, LEDGER_ROOT=str(tmp_path / "perishable"))
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "auth")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(Misconfigured, match="LEDGER_BUCKET"):
        erasures.enter(SOMEBODY, THEN)
    assert not (tmp_path / "perishable").exists()
