"""People's and photos' keys: what is kept in memory, and what is refused of the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.arranging import Sent, add_photo
from tests.vaults import Somebody, somebody

from photovault import db, keyring, keys, observability
from photovault.errors import MasterKeyMissing, NotFound, Tampered, Unavailable


@pytest.fixture
def ada(vault: Path, sent: Sent) -> Iterator[Somebody]:
    keyring.forget()
    yield somebody()
    keyring.forget()


def new_content_key(who: Somebody) -> bytes:
    """What another process makes of the content key that this one committed."""
    image_id = uuid4()
    with db.transaction(who.user_id) as conn:
        version, wrapped = keyring.new_content_key(conn, who.user_id, image_id)
    keyring.forget()
    with db.transaction(who.user_id) as conn:
        return keyring.content_key(conn, who.user_id, image_id, version=version, wrapped=wrapped)


def test_the_key_of_a_transaction_that_failed_wraps_nothing_afterwards(ada: Somebody) -> None:
    """Else photos would be sealed under a key that no row holds: lost."""
    with db.transaction(ada.user_id) as conn:
        keyring.new_content_key(conn, ada.user_id, uuid4())
        conn.rollback()
    assert len(new_content_key(ada)) == 32


def test_a_committed_key_is_read_from_the_database_once(ada: Somebody) -> None:
    new_content_key(ada)
    with db.transaction(ada.user_id) as conn:
        first = keyring.dek(conn, ada.user_id, 1)
        conn.execute("DELETE FROM user_keys")
        assert keyring.dek(conn, ada.user_id, 1) == first
        conn.rollback()


# ---------------------------------------------------------------------------------- rows altered in the database


def row_of(who: Somebody, image_id: UUID) -> tuple[int, bytes]:
    with db.transaction(who.user_id) as conn:
        found = conn.execute("SELECT key_version, content_key FROM images WHERE id = %s", [image_id]).fetchone()
    assert found is not None
    return found[0], bytes(found[1])


def open_photo(who: Somebody, image_id: UUID) -> bytes:
    version, wrapped = row_of(who, image_id)
    with db.transaction(who.user_id) as conn:
        return keyring.content_key(conn, who.user_id, image_id, version=version, wrapped=wrapped)


def alter(database_url: str, sql: str, parameters: dict[str, object]) -> None:
    """As the owner of the database, or whoever got hold of it, can."""
    with psycopg.connect(database_url) as conn:
        assert conn.execute(sql.encode(), parameters).rowcount == 1


def test_a_key_of_another_person_or_version_put_into_a_row_opens_nothing(ada: Somebody, database_url: str) -> None:
    bob = somebody()
    photo, _ = add_photo(ada.user_id), add_photo(bob.user_id)
    alter(
        database_url,
        "UPDATE user_keys SET wrapped = (SELECT wrapped FROM user_keys WHERE user_id = %(bob)s) "
        "WHERE user_id = %(ada)s",
        {"ada": ada.user_id, "bob": bob.user_id},
    )
    keyring.forget()
    with pytest.raises(Tampered, match=f"another person or version.*{photo}"):
        open_photo(ada, photo)


def test_a_key_moved_to_another_version_opens_nothing(ada: Somebody, database_url: str) -> None:
    photo = add_photo(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        conn.execute(
            "INSERT INTO user_keys (version, wrapped, master_fingerprint) "
            "SELECT 2, wrapped, master_fingerprint FROM user_keys"
        )
    alter(database_url, "UPDATE images SET key_version = 2 WHERE id = %(photo)s", {"photo": photo})
    keyring.forget()
    with pytest.raises(Tampered, match=f"another person or version.*{photo}"):
        open_photo(ada, photo)


def test_a_photos_key_put_into_another_photos_row_opens_nothing_and_is_a_security_event(
    ada: Somebody, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(observability, "count", lambda name, *_, **__: counted.append(name))
    photo, other = add_photo(ada.user_id), add_photo(ada.user_id)
    alter(
        database_url,
        "UPDATE images SET content_key = (SELECT content_key FROM images WHERE id = %(other)s) WHERE id = %(photo)s",
        {"photo": photo, "other": other},
    )
    with pytest.raises(Tampered, match=f"another photo.*{photo}"):
        open_photo(ada, photo)
    assert counted == ["BlobsTampered"]
    assert len(open_photo(ada, other)) == 32


def test_an_altered_row_opens_nothing(ada: Somebody, database_url: str) -> None:
    photo = add_photo(ada.user_id)
    alter(
        database_url,
        "UPDATE user_keys SET wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1) WHERE user_id = %(ada)s",
        {"ada": ada.user_id},
    )
    keyring.forget()
    with pytest.raises(Tampered, match=str(photo)):
        open_photo(ada, photo)


# ---------------------------------------------------------------------------------------- keys that are not here


def test_the_key_of_a_deleted_account_is_gone_and_not_tampered_with(ada: Somebody) -> None:
    photo = add_photo(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE user_keys SET wrapped = '', master_fingerprint = %s", [keys.ERASED])
    keyring.forget()
    with pytest.raises(NotFound, match="deleted"):
        open_photo(ada, photo)


def test_a_master_key_that_is_not_here_is_named_and_tried_again(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = add_photo(ada.user_id)
    fingerprint = keyring.master_keys().fingerprint
    before = open_photo(ada, photo)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(keyring, "master_keys", lambda: keys.MasterKeys([keys.generate_master_key()]))
        keyring.forget()
        with pytest.raises(MasterKeyMissing, match=fingerprint) as missing:
            open_photo(ada, photo)
    assert isinstance(missing.value, Unavailable)
    assert open_photo(ada, photo) == before


def test_a_key_is_kept_for_five_minutes_and_no_longer(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    photo = add_photo(ada.user_id)
    open_photo(ada, photo)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE user_keys SET wrapped = '', master_fingerprint = %s", [keys.ERASED])
    now += keyring.DEK_TTL_SECONDS - 1
    assert open_photo(ada, photo)
    now += 2
    with pytest.raises(NotFound):
        open_photo(ada, photo)
