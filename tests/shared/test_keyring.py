"""Data-encryption keys in memory: none is kept that the database may never hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.vaults import Somebody, somebody

from photovault import db, keyring


@pytest.fixture
def ada(vault: Path) -> Iterator[Somebody]:
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
