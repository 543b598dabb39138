"""API keys: their form, what is kept of them, and what a database full of them gives away."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vaults import Somebody, somebody

from photovault import api_keys, db, erasures, ids, throttles, users
from photovault.errors import Conflict, TooManyRequests, Unauthenticated

pytestmark = pytest.mark.usefixtures("vault")

# 256 bits of zero, and the CRC-32 of 43 zeros.
KNOWN = "pv_" + "0" * 43 + "2CZclj"


def make(person: Somebody, *scopes: str, expires_at: datetime | None = None) -> api_keys.Made:
    with db.transaction(person.user_id) as conn:
        users.lock(conn)
        return api_keys.add(conn, name="A test", scopes=scopes or ("photos:read",), expires_at=expires_at)


def an_address() -> str:
    return f"somewhere {ids.new().hex}"


def last_use(person: Somebody, key_id: UUID) -> datetime | None:
    with db.transaction(person.user_id) as conn:
        found = api_keys.get(conn, key_id)
    assert found is not None
    return found.last_used_at


# ----------------------------------------------------------------------------------------------------------- the form


def test_a_key_looks_as_scanners_for_leaked_secrets_expect_it() -> None:
    made = {api_keys.generate() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch("pv_[0-9A-Za-z]{49}", key) for key in made)
    assert all(api_keys.is_meant(key) and api_keys.is_well_formed(key) for key in made)


def test_the_form_stays_what_it_is_for_keys_that_are_in_use() -> None:
    assert api_keys.is_well_formed(KNOWN)


@given(st.data())
def test_a_key_with_another_character_or_two_swapped_is_told_to_be_mistyped(data: st.DataObject) -> None:
    key = api_keys.generate()
    where = data.draw(st.integers(3, len(key) - 1))
    other = data.draw(st.sampled_from(sorted(set(api_keys._DIGITS) - {key[where]})))
    assert not api_keys.is_well_formed(key[:where] + other + key[where + 1 :])
    if where + 1 < len(key) and key[where] != key[where + 1]:
        assert not api_keys.is_well_formed(key[:where] + key[where + 1] + key[where] + key[where + 2 :])


@given(st.text(max_size=60))
def test_no_text_is_a_key_or_breaks_the_look_at_it(text: str) -> None:
    assert not api_keys.is_well_formed("pv_" + text)
    assert len(api_keys.hash_key(text)) == 32


@pytest.mark.parametrize(
    "change", [str.upper, str.lower, lambda key: key + " ", lambda key: key[:-1], lambda k: k + "0"]
)
def test_what_is_nearly_a_key_costs_no_look_up(change: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "before_login", None)
    with pytest.raises(Unauthenticated, match="missing or wrong"):
        api_keys.authenticate(change(api_keys.generate()), address="anywhere")  # type: ignore[operator]


# --------------------------------------------------------------------------------------------------------- what is kept


def test_the_database_has_the_hash_of_a_key_and_not_the_key(database_url: str) -> None:
    made = make(somebody())
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT to_jsonb(k)::text, hash FROM api_keys k WHERE id = %s", [made.key.id]).fetchone()
    assert row is not None
    assert bytes(row[1]) == api_keys.hash_key(made.secret)
    assert made.secret[len("pv_") + 4 :] not in row[0]
    assert made.key.hint == made.secret[:7]


def test_a_key_is_found_by_an_index_whoever_asks(database_url: str) -> None:
    """Under row-level security only some operators reach an index; this is what the definer function asks."""
    with psycopg.connect(database_url) as conn:
        conn.execute("SET LOCAL ROLE photovault_lookup")
        conn.execute("SET LOCAL enable_seqscan = off")
        plan = conn.execute("EXPLAIN SELECT id FROM api_keys WHERE hash = 'x'").fetchall()
    assert "Index" in plan[0][0]
    assert any("Index Cond: (hash =" in line for (line,) in plan)


def test_nobody_sees_keys_of_somebody_else(database_url: str) -> None:
    hers, mine = somebody(), somebody()
    made = make(hers)
    with db.transaction(mine.user_id) as conn:
        assert api_keys.all_of_person(conn) == []
        assert api_keys.get(conn, made.key.id) is None
        assert api_keys.rename(conn, made.key.id, "mine") is None
        assert api_keys.revoke(conn, made.key.id) is None
        with pytest.raises(Unauthenticated):
            api_keys.require(conn, made.key.id)
    with db.before_login() as conn:
        assert conn.execute("SELECT count(*) FROM api_keys").fetchone() == (0,)
    assert api_keys.authenticate(made.secret, address=an_address()).user_id == hers.user_id


def test_nobody_has_more_keys_than_fit_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MOST", 2)
    person = somebody()
    make(person)
    make(person)
    with pytest.raises(Conflict, match="revoke one"):
        make(person)


# -------------------------------------------------------------------------------------------------------------- its use


def test_a_key_says_whose_it_is_and_what_it_may_do() -> None:
    person = somebody()
    made = make(person, "photos:write", "albums:read", "photos:write")
    found = api_keys.authenticate(made.secret, address=an_address())
    assert (found.user_id, found.id, found.scopes) == (person.user_id, made.key.id, ["albums:read", "photos:write"])


def test_its_use_is_noted_once_an_hour() -> None:
    person = somebody()
    made = make(person)
    assert last_use(person, made.key.id) is None
    api_keys.authenticate(made.secret, address=an_address())
    first = last_use(person, made.key.id)
    assert first is not None
    api_keys.authenticate(made.secret, address=an_address())
    assert last_use(person, made.key.id) == first, "not a write for each request"
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '61 minutes'")
    api_keys.authenticate(made.secret, address=an_address())
    later = last_use(person, made.key.id)
    assert later is not None
    assert later > first


def test_a_revoked_key_and_one_of_a_deleted_account_open_nothing() -> None:
    person = somebody()
    revoked, kept = make(person), make(person)
    with db.transaction(person.user_id) as conn:
        users.lock(conn)
        assert api_keys.revoke(conn, revoked.key.id) == "A test"
        assert api_keys.revoke(conn, revoked.key.id) is None
    with pytest.raises(Unauthenticated, match="revoked"):
        api_keys.authenticate(revoked.secret, address=an_address())
    assert api_keys.authenticate(kept.secret, address=an_address())
    with db.transaction(person.user_id) as conn:
        assert erasures.erase(conn, at=datetime.now(UTC))
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(kept.secret, address=an_address())


def test_a_key_ends_with_its_time_and_says_so() -> None:
    person = somebody()
    made = make(person, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert api_keys.authenticate(made.secret, address=an_address())
    with db.transaction(person.user_id) as conn:
        assert api_keys.working(conn) == 1
        conn.execute("UPDATE api_keys SET expires_at = now() - interval '1 second'")
    with pytest.raises(Unauthenticated, match="expired"):
        api_keys.authenticate(made.secret, address=an_address())
    with db.transaction(person.user_id) as conn:
        assert api_keys.working(conn) == 0
        with pytest.raises(Unauthenticated):
            api_keys.require(conn, made.key.id)


def test_an_address_that_goes_on_with_wrong_keys_is_held_up_and_right_keys_there_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_keys, "KEY_ADDRESS", throttles.Bucket("api-key-address", capacity=5, seconds=60))
    address, made = an_address(), make(somebody())
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            api_keys.authenticate(api_keys.generate(), address=address)
    with pytest.raises(TooManyRequests) as caught:
        api_keys.authenticate(api_keys.generate(), address=address)
    assert caught.value.retry_after > 0
    assert api_keys.authenticate(made.secret, address=address)
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(api_keys.generate(), address=an_address())
