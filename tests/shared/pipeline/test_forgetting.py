"""What has expired is forgotten once a day, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from tests.vaults import somebody

from photovault import ids, sessions
from photovault.pipeline import maintenance
from photovault.pipeline.reports import Report

OLD, NEW = b"o" * 16, b"n" * 16  # keys of throttles are 16 bytes of a hash

pytestmark = pytest.mark.usefixtures("vault")


def test_expired_keys_sessions_and_throttles_go_and_live_ones_stay(database_url: str) -> None:
    ada = somebody()
    old, spent = ids.new(), sessions.hash_refresh("pvr_spent")
    with psycopg.connect(database_url) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(ada.user_id)])
        conn.execute("INSERT INTO sessions (id, expires_at) VALUES (%s, now() - interval '31 days')", [old])
        conn.execute(
            "INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES (%s, %s, now() - interval '8 days')",
            [spent, ada.session_id],
        )
        conn.execute(
            "INSERT INTO idempotency_keys (key, route, request_sha256, resource_id, created_at) "
            "VALUES ('old', 'r', 'x', %(id)s, now() - interval '25 hours'), ('new', 'r', 'x', %(id)s, now())",
            {"id": old},
        )
        conn.execute(
            "INSERT INTO throttles (scope, key, level, updated_at) "
            "VALUES ('forgetting', %s, 1, now() - interval '2 days'), ('forgetting', %s, 1, now())",
            [OLD, NEW],
        )
    maintenance.forget_expired(Report(), now=datetime.now(UTC))
    with psycopg.connect(database_url) as conn:
        left = {
            "sessions": conn.execute("SELECT id FROM sessions WHERE user_id = %s", [ada.user_id]).fetchall(),
            "tokens": conn.execute("SELECT true FROM refresh_tokens WHERE hash = %s", [spent]).fetchall(),
            "keys": conn.execute("SELECT key FROM idempotency_keys WHERE user_id = %s", [ada.user_id]).fetchall(),
            "throttles": conn.execute("SELECT key FROM throttles WHERE scope = 'forgetting'").fetchall(),
        }
    assert left == {"sessions": [(ada.session_id,)], "tokens": [], "keys": [("new",)], "throttles": [(NEW,)]}
