"""Master keys to rotate between, and a vault without people that starts anew with some of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.arranging import Sent
from tests.vaults import use_master_keys

from photovault import keys

OLD, NEW, LOST = (keys.generate_master_key() for _ in range(3))
OLD_PRINT, NEW_PRINT, LOST_PRINT = (keys.MasterKeys([key]).fingerprint for key in (OLD, NEW, LOST))

Use = Callable[..., None]


@pytest.fixture
def use(vault: Path, database_url: str, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Starts anew with these master keys, as a deployment does. For modules with a database of their own, which it
    empties."""
    with psycopg.connect(database_url) as conn:
        conn.execute("TRUNCATE users CASCADE")

    def start(*master_keys: str) -> None:
        use_master_keys(monkeypatch, master_keys)

    start(OLD)
    return start
