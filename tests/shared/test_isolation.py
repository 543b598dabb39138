"""What the database itself promises: a person sees their own rows, nobody sees any, maintenance sees life cycles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from photovault import ids, migrate
from photovault.errors import Misconfigured

# Everything else holds a person's data and must be behind row-level security.
SHARED_TABLES = {
    "schema_migrations", "models", "recipes", "renewal_walks", "throttles", "signing_keys", "geocoder_cache",
    "geocoder_state",
}  # fmt: skip


@contextmanager
def as_role(database_url: str, role: str, person: UUID | None = None) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as conn:
        conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(person) if person else ""])
        yield conn


def tables(database_url: str) -> list[tuple[str, bool, bool]]:
    with psycopg.connect(database_url) as conn:
        return conn.execute(
            "SELECT relname, relrowsecurity, relforcerowsecurity "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind IN ('r', 'p') AND nspname = 'public' ORDER BY relname"
        ).fetchall()


def make_person(database_url: str) -> tuple[UUID, UUID]:
    """A person with a photo, a face, an album and a session. Returns the ids of person and photo."""
    person, image, face, album, session = (ids.new() for _ in range(5))
    with as_role(database_url, "photovault_app", person) as conn:
        email = f"{person}@example.com"
        conn.execute(
            "INSERT INTO users (email, email_key, name, password_hash, quota_bytes) VALUES (%s, %s, 'P', 'hash', 1)",
            [email, email],
        )
        conn.execute("INSERT INTO rebuilds DEFAULT VALUES")
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, key_version, content_key, sort_at) "
            "VALUES (%s, %s, 'a.jpg', 'image/jpeg', 1, 1, 'k', now())",
            [image, person.bytes * 2],
        )
        conn.execute(
            "INSERT INTO models (kind, name, version, dims) VALUES ('face', 'test', '1', 2) ON CONFLICT DO NOTHING"
        )
        model = conn.execute("SELECT id FROM models WHERE name = 'test'").fetchone()
        assert model
        conn.execute(
            "INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding) "
            "VALUES (%s, %s, %s, 0, 0, 1, 1, 1, 1, true, '[1,0]')",
            [face, image, model[0]],
        )
        conn.execute("INSERT INTO albums (id, kind, title) VALUES (%s, 'manual', 'A')", [album])
        conn.execute("INSERT INTO album_images (album_id, image_id) VALUES (%s, %s)", [album, image])
        conn.execute("INSERT INTO image_terms (term, image_id, weight) VALUES ('a', %s, 1)", [image])
        conn.execute("INSERT INTO sessions (id, expires_at) VALUES (%s, now() + interval '1 day')", [session])
        conn.execute(
            "INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES (%s, %s, now())", [session.bytes, session]
        )
    return person, image


def test_every_table_is_personal_and_guarded_or_known_to_be_shared(database_url: str) -> None:
    found = tables(database_url)
    assert {name for name, _, _ in found} >= SHARED_TABLES | {"users", "images", "faces", "albums"}
    for name, enabled, forced in found:
        assert (enabled and forced) == (name not in SHARED_TABLES), name


def test_without_a_person_there_are_no_rows(database_url: str) -> None:
    make_person(database_url)
    with as_role(database_url, "photovault_app") as conn:
        for name, _, _ in tables(database_url):
            if name not in SHARED_TABLES:
                rows = conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
                assert rows == [], name


def test_a_person_sees_and_changes_their_own_rows_only(database_url: str) -> None:
    (mine, my_image), (_, other_image) = make_person(database_url), make_person(database_url)
    with as_role(database_url, "photovault_app", mine) as conn:
        assert conn.execute("SELECT id FROM users").fetchall() == [(mine,)]
        assert conn.execute("SELECT id FROM images").fetchall() == [(my_image,)]
        assert conn.execute("UPDATE images SET caption = 'mine' WHERE id = %s", [other_image]).rowcount == 0
        assert conn.execute("DELETE FROM images WHERE id = %s", [other_image]).rowcount == 0


def test_a_person_cannot_write_rows_of_another(database_url: str) -> None:
    (mine, my_image), (other, _) = make_person(database_url), make_person(database_url)
    with as_role(database_url, "photovault_app", mine) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(
            "INSERT INTO image_terms (user_id, term, image_id, weight) VALUES (%s, 'x', %s, 1)", [other, my_image]
        )
    with as_role(database_url, "photovault_app", mine) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute("UPDATE images SET user_id = %s", [other])


def test_a_person_cannot_attach_rows_to_the_photos_of_another_unseen(database_url: str) -> None:
    """A foreign key could tell that a row exists; it is satisfied by it, but the row stays invisible to both."""
    (mine, _), (other, other_image) = make_person(database_url), make_person(database_url)
    with as_role(database_url, "photovault_app", mine) as conn:
        conn.execute("INSERT INTO image_terms (term, image_id, weight) VALUES ('probe', %s, 1)", [other_image])
        assert conn.execute("SELECT count(*) FROM images").fetchone() == (1,)
    with as_role(database_url, "photovault_app", other) as conn:
        assert conn.execute("SELECT count(*) FROM image_terms WHERE term = 'probe'").fetchone() == (0,)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT password_hash FROM users",
        "SELECT content_key FROM images",
        "SELECT filename FROM images",
        "SELECT caption, lat FROM images",
        "SELECT embedding FROM faces",
        "SELECT wrapped FROM user_keys",
        "SELECT title FROM albums",
        "UPDATE images SET deleted_at = NULL",
        "SELECT email_key FROM users",
        "UPDATE users SET erased_at = now()",
        "DELETE FROM users",
        "SELECT photos FROM exports",
        "INSERT INTO retired_blobs (driver, key, image_id, name) VALUES ('s3', 'ab/cd', gen_random_uuid(), 'motion')",
        "UPDATE retired_blobs SET key = 'ab/cd'",
    ],
)
def test_maintenance_sees_life_cycles_and_no_contents(database_url: str, query: str) -> None:
    make_person(database_url)
    with as_role(database_url, "photovault_maintenance") as conn:
        assert conn.execute("SELECT count(id) FROM images").fetchone() != (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute(query.encode())


def test_rotation_sees_what_keys_wrap_and_nothing_else(database_url: str) -> None:
    make_person(database_url)
    with as_role(database_url, "photovault_rotation") as conn:
        assert conn.execute("SELECT count(user_id) FROM user_keys").fetchone() != (0,)
        readable = conn.execute(
            "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public' "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE c.relkind IN ('r', 'p', 'v', 'm') AND has_column_privilege(c.oid, a.attnum, 'SELECT') GROUP BY 1"
        ).fetchall()
        assert dict(readable) == {
            "user_keys": ["user_id", "version", "wrapped", "master_fingerprint"],
            "second_factors": ["user_id", "sealed", "sealed_by"],
        }
    for change in (
        "UPDATE user_keys SET user_id = gen_random_uuid()",
        "UPDATE user_keys SET version = 2",
        "DELETE FROM user_keys",
        "DELETE FROM second_factors",
        "UPDATE second_factors SET user_id = gen_random_uuid()",
        "UPDATE second_factors SET confirmed_at = NULL",
        "INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (9, 'w', 'f')",
        "SELECT * FROM find_account('')",
    ):
        with as_role(database_url, "photovault_rotation") as conn, pytest.raises(errors.InsufficientPrivilege):
            conn.execute(change.encode())


def test_erased_accounts_alone_are_known_to_maintenance(database_url: str) -> None:
    (lives, _), (erased, _) = make_person(database_url), make_person(database_url)
    with as_role(database_url, "photovault_app", erased) as conn:
        conn.execute("UPDATE users SET erased_at = now()")
    with as_role(database_url, "photovault_maintenance") as conn:
        found = {row[0] for row in conn.execute("SELECT id FROM users").fetchall()}
    assert (erased in found, lives in found) == (True, False)


def test_log_in_finds_an_account_by_its_exact_address_and_nothing_else(database_url: str) -> None:
    person, _ = make_person(database_url)
    with as_role(database_url, "photovault_app") as conn:
        found = conn.execute("SELECT * FROM find_account(%s)", [f"{person}@example.com"]).fetchall()
        assert found == [(person, "hash")]
        assert conn.execute("SELECT * FROM find_account('%')").fetchall() == []


def test_the_look_up_role_cannot_be_used_by_requests(database_url: str) -> None:
    make_person(database_url)
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT pg_has_role('photovault_app', 'photovault_lookup', 'MEMBER')").fetchone()
        assert row == (False,)
        row = conn.execute(
            "SELECT bool_or(rolsuper OR rolbypassrls OR rolcanlogin) FROM pg_roles WHERE rolname LIKE 'photovault_%'"
        ).fetchone()
        assert row == (False,)


def test_upgrading_again_changes_nothing(database_url: str) -> None:
    assert migrate.upgrade(database_url) == []


def test_a_changed_migration_is_refused_by_name(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE schema_migrations SET sha256 = 'x' WHERE number = 1")
        with pytest.raises(Misconfigured, match=r"0001_house\.sql was changed"):
            migrate.pending(conn)
        conn.rollback()


def test_retired_signing_keys_are_not_published(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        migrate.publish_signing_keys(conn, ["first secret", "second secret"])
        migrate.publish_signing_keys(conn, ["second secret"])
        row = conn.execute("SELECT count(*) FROM signing_keys WHERE retired_at IS NULL").fetchone()
        conn.rollback()
    assert row == (1,)
