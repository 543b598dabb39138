"""Signing up, logging in, staying logged in and being thrown out, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import argon2
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vaults import SECRET

from photovault import accounts, activity, db, ids, passwords, sessions, users
from photovault.accounts import LoggedIn
from photovault.errors import Conflict, Invalid, TooManyRequests, Unauthenticated

PASSWORD = "password123"
REAL_HASHER = passwords._hasher

pytestmark = pytest.mark.usefixtures("vault", "quick_hashes")


@dataclass(frozen=True)
class Visitor:
    """Somebody at an address of their own."""

    email: str = field(default_factory=lambda: f"ada{ids.new().hex}@example.com")
    address: str = field(default_factory=lambda: f"visitor {ids.new().hex}")

    def sign_up(self, **changes: Any) -> LoggedIn:
        given = {"email": self.email, "password": PASSWORD, "name": "Ada", "address": self.address, "user_agent": "ua"}
        return accounts.sign_up(**(given | changes))

    def log_in(self, **changes: Any) -> LoggedIn:
        given = {"email": self.email, "password": PASSWORD, "address": self.address, "user_agent": "ua"}
        return accounts.log_in(**(given | changes))


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    visitor.sign_up()
    return visitor


def events(user_id: UUID) -> list[str]:
    with db.transaction(user_id) as conn:
        return [event.kind for event in activity.latest(conn, limit=100)]


def is_active(logged_in: LoggedIn) -> bool:
    with db.transaction(logged_in.user.id) as conn:
        return sessions.is_active(conn, logged_in.session_id)


def taken_until_throttled(attempt: Callable[[int], object]) -> int:
    """How many attempts are taken, successful or not, before one is too many. Buckets drain meanwhile."""
    for n in range(1000):
        try:
            attempt(n)
        except TooManyRequests:
            return n
        except (Conflict, Unauthenticated):
            pass
    raise AssertionError("nothing holds a thousand attempts up")


# ---------------------------------------------------------------------------------------------------- signing up


def test_signing_up_makes_a_person_a_session_and_an_event(visitor: Visitor) -> None:
    made = visitor.sign_up(name="Ada Lovelace")
    assert (made.user.email, made.user.name) == (visitor.email, "Ada Lovelace")
    assert made.user.used_bytes == made.user.reserved_bytes == 0
    assert made.user.quota_bytes > 0
    assert made.expires_in == 600
    assert is_active(made)
    assert events(made.user.id) == ["sign-up"]


def test_a_password_is_stored_as_argon2id_and_nowhere_in_clear(visitor: Visitor, database_url: str) -> None:
    made = visitor.sign_up(password="correct horse battery staple")
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT * FROM users WHERE id = %s", [made.user.id]).fetchone()
    assert row is not None
    assert any(str(value).startswith("$argon2id$") for value in row)
    assert not any("battery" in str(value) for value in row)


def test_hashes_are_argon2id_with_19_mib_two_passes_and_one_lane() -> None:
    assert REAL_HASHER.hash(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    "change",
    [str.upper, str.title, str.swapcase, lambda email: f"  {email}\n", lambda email: email.replace("@e", "@E")],
)
def test_an_address_is_one_account_in_whatever_case_and_with_spaces_around(
    member: Visitor, change: Callable[[str], str]
) -> None:
    with pytest.raises(Conflict):
        member.sign_up(email=change(member.email))
    assert member.log_in(email=change(member.email)).user.email == member.email


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@example", "ada@@example.com", "ada@exa mple.com",
     "ada@example.com, eve@example.com", "Ada <ada@example.com>", "ada\x00@example.com", "ada@example.com\x00",
     "ada@[127.0.0.1]", "ada@" + "e" * 260 + ".com", "ada@-example.com", "ada\n@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_says_so(visitor: Visitor, email: str) -> None:
    with pytest.raises(Invalid) as caught:
        visitor.sign_up(email=email)
    ((where, why),) = caught.value.fields
    assert where == "email"
    assert why


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_an_address_with_a_stable_key_or_invalid(text: str) -> None:
    try:
        display, key = accounts.normalise_email(text)
    except Invalid:
        return
    assert accounts.normalise_email(display) == (display, key)
    assert accounts.normalise_email(display.upper())[1] == accounts.normalise_email(display.lower())[1]


def test_of_two_who_sign_up_at_once_with_one_address_one_gets_it(visitor: Visitor) -> None:
    def attempt(_: int) -> str:
        try:
            visitor.sign_up()
        except Conflict:
            return "conflict"
        return "made"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, range(4)))
    assert sorted(outcomes) == ["conflict"] * 3 + ["made"]


def test_signing_up_is_throttled_by_address_and_a_known_email_counts(member: Visitor) -> None:
    taken = 1 + taken_until_throttled(lambda _: member.sign_up())
    assert taken >= accounts.SIGNUP_ADDRESS.capacity
    assert Visitor().sign_up(), "another address is not held up"


# ---------------------------------------------------------------------------------------------------- logging in


def test_logging_in_starts_a_session_beside_the_others(member: Visitor) -> None:
    first, second = member.log_in(), member.log_in()
    assert first.session_id != second.session_id
    assert is_active(first)
    assert is_active(second)
    assert events(first.user.id) == ["log-in", "log-in", "sign-up"]


@pytest.mark.parametrize(
    "password", ["Password123", "password1234", "password12", "", " password123", "password123\x00"]
)
def test_a_wrong_password_is_refused(member: Visitor, password: str) -> None:
    with pytest.raises(Unauthenticated):
        member.log_in(password=password)


@pytest.mark.parametrize(
    "password", ["pässwörter", "🔑🔑🔑🔑🔑🔑🔑🔑", "x" * 1024, "with \x00 in the middle", "        "]
)
def test_any_password_that_one_can_type_works(visitor: Visitor, password: str) -> None:
    visitor.sign_up(password=password)
    assert visitor.log_in(password=password)
    with pytest.raises(Unauthenticated):
        visitor.log_in(password=password + "x")


def test_an_unknown_account_and_a_wrong_password_are_told_apart_by_nothing(member: Visitor) -> None:
    said = set()
    for who in (member, Visitor()):
        with pytest.raises(Unauthenticated) as caught:
            who.log_in(password="wrong password")
        said.add((caught.value.status, caught.value.type, caught.value.title, caught.value.detail))
    assert len(said) == 1


@pytest.mark.parametrize("email", ["nobody@example.com", "nonsense", "", "nul\x00@example.com", "nul\x00"])
def test_an_unknown_account_costs_one_hash_like_a_known_one(
    member: Visitor, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    verified: list[str] = []

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored)
            return hasher.verify(stored, password)

        def __getattr__(self, name: str) -> Any:
            return getattr(hasher, name)

    hasher = passwords._hasher
    passwords.dummy_hash()  # made once for the life of a process
    monkeypatch.setattr(passwords, "_hasher", Counting())
    costs = []
    for address in (member.email, email):
        verified.clear()
        with pytest.raises(Unauthenticated):
            member.log_in(email=address, password="wrong password")
        costs.append([argon2.extract_parameters(stored) for stored in verified])
    assert costs[0] == costs[1]
    assert len(costs[0]) == 1


def test_no_password_fits_the_hash_of_unknown_accounts() -> None:
    assert not passwords.verify(None, "no account has this password")
    assert passwords.verify(passwords.hash_password("x"), "x")
    assert not passwords.verify("not a hash", "x")
    assert not passwords.verify("", "no account has this password")


def test_an_older_hash_is_renewed_when_its_password_is_at_hand(member: Visitor) -> None:
    logged_in = member.log_in()
    weak = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    with db.transaction(logged_in.user.id) as conn:
        users.set_password_hash(conn, weak)
    assert passwords.needs_rehash(weak)
    member.log_in()
    with db.before_login() as conn:
        account = users.find_account(conn, accounts.normalise_email(member.email)[1])
    assert account is not None
    assert not passwords.needs_rehash(account.password_hash)
    assert member.log_in()


def test_guessing_one_account_from_one_address_is_throttled_and_others_are_not(member: Visitor) -> None:
    taken = taken_until_throttled(lambda _: member.log_in(password="wrong password"))
    assert taken >= accounts.LOGIN_PAIR.capacity
    with pytest.raises(TooManyRequests) as caught:
        member.log_in()
    assert 1 <= caught.value.retry_after <= 2 * accounts.LOGIN_PAIR.seconds
    assert member.log_in(address="somewhere else")
    assert Visitor(address=member.address).sign_up()


def test_spelling_the_address_differently_is_no_way_around_the_throttle(member: Visitor) -> None:
    spellings = [member.email, member.email.upper(), f" {member.email}"]
    taken = taken_until_throttled(lambda n: member.log_in(password="wrong password", email=spellings[n % 3]))
    assert accounts.LOGIN_PAIR.capacity <= taken < 2 * accounts.LOGIN_PAIR.capacity


def test_guessing_one_account_from_many_addresses_is_throttled_too(member: Visitor) -> None:
    taken = taken_until_throttled(lambda n: member.log_in(password="wrong", address=f"{member.address}, bot {n}"))
    assert taken >= accounts.LOGIN_ACCOUNT.capacity


def test_trying_many_accounts_from_one_address_is_throttled(visitor: Visitor) -> None:
    taken = taken_until_throttled(lambda n: visitor.log_in(email=f"nobody{n}{visitor.email}"))
    assert taken >= accounts.LOGIN_ADDRESS.capacity


def test_a_success_forgets_the_failures_before_it(member: Visitor) -> None:
    for _ in range(3):
        for _ in range(accounts.LOGIN_PAIR.capacity - 1):
            with pytest.raises(Unauthenticated):
                member.log_in(password="wrong password")
        assert member.log_in()


def test_nobody_is_locked_out_for_good(member: Visitor, database_url: str) -> None:
    """However many attempts were refused, the wait is the one told, and then there is room again."""
    for _ in range(accounts.LOGIN_PAIR.capacity):
        with pytest.raises(Unauthenticated):
            member.log_in(password="wrong password")
    for _ in range(20):
        with pytest.raises(TooManyRequests) as caught:
            member.log_in()
        assert caught.value.retry_after <= 2 * accounts.LOGIN_PAIR.seconds
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "UPDATE throttles SET updated_at = updated_at - %s::interval WHERE scope = 'login-pair' AND level > 9",
            [f"{caught.value.retry_after} s"],
        )
    assert member.log_in()


def test_throttles_keep_no_address_in_clear(member: Visitor, database_url: str) -> None:
    with pytest.raises(Unauthenticated):
        member.log_in(password="wrong password")
    with psycopg.connect(database_url) as conn:
        keys = [bytes(row[0]) for row in conn.execute("SELECT key FROM throttles").fetchall()]
    assert keys
    assert all(len(key) == 16 for key in keys)
    assert not any(member.email.encode() in key for key in keys)


# ------------------------------------------------------------------------------------------------- staying logged in


def test_a_refresh_token_gives_new_tokens_of_the_same_session(member: Visitor) -> None:
    before = member.log_in()
    after = accounts.refresh(before.refresh_token, address=member.address)
    assert after.session_id == before.session_id
    assert after.refresh_token != before.refresh_token
    assert after.user == before.user
    assert accounts.refresh(after.refresh_token, address=member.address)


def test_a_refresh_token_used_twice_ends_the_session_with_everything_in_it(member: Visitor) -> None:
    other = member.log_in()
    stolen = member.log_in()
    renewed = accounts.refresh(stolen.refresh_token, address=member.address)
    with pytest.raises(Unauthenticated, match="already used"):
        accounts.refresh(stolen.refresh_token, address="the thief's")
    assert not is_active(stolen)
    with pytest.raises(Unauthenticated):
        accounts.refresh(renewed.refresh_token, address=member.address)
    assert events(stolen.user.id)[0] == "session-revoked"
    assert is_active(other), "the person's other sessions go on"


def test_of_many_who_use_a_refresh_token_at_once_at_most_one_gets_tokens(member: Visitor) -> None:
    logged_in = member.log_in()

    def attempt(_: int) -> bool:
        try:
            accounts.refresh(logged_in.refresh_token, address=member.address)
        except Unauthenticated:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1
    assert not is_active(logged_in), "a token that was used twice has ended its session"


@pytest.mark.parametrize("token", ["", "pvr_nonsense", "x" * 200, "pvr_é", "nul\x00"])
def test_an_unknown_refresh_token_is_refused(member: Visitor, token: str) -> None:
    with pytest.raises(Unauthenticated, match="not known"):
        accounts.refresh(token, address=member.address)


def test_an_access_token_is_no_refresh_token(member: Visitor) -> None:
    with pytest.raises(Unauthenticated):
        accounts.refresh(member.log_in().access_token, address=member.address)


def test_a_refresh_token_lives_thirty_days_from_its_last_use(member: Visitor) -> None:
    logged_in = member.log_in()
    now = datetime.now(UTC)
    with db.transaction(logged_in.user.id) as conn:
        assert not sessions.use_refresh(conn, logged_in.refresh_token, now=now + timedelta(days=31))
    with db.transaction(logged_in.user.id) as conn:
        assert sessions.use_refresh(conn, logged_in.refresh_token, now=now + timedelta(days=29))
        renewed = sessions.add_refresh(conn, logged_in.session_id, now=now + timedelta(days=29))
    with db.transaction(logged_in.user.id) as conn:
        assert sessions.use_refresh(conn, renewed, now=now + timedelta(days=58))


def test_a_session_that_was_ended_gives_no_more_tokens(member: Visitor) -> None:
    logged_in = member.log_in()
    with db.transaction(logged_in.user.id) as conn:
        assert sessions.revoke(conn, logged_in.session_id, because="test")
        assert not sessions.revoke(conn, logged_in.session_id, because="test")
    with pytest.raises(Unauthenticated, match="has ended"):
        accounts.refresh(logged_in.refresh_token, address=member.address)


def test_refresh_tokens_are_stored_as_hashes(member: Visitor, database_url: str) -> None:
    logged_in = member.log_in()
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT * FROM refresh_tokens WHERE user_id = %s", [logged_in.user.id]).fetchall()
    assert rows
    assert not any(logged_in.refresh_token.encode() in bytes(v) for row in rows for v in row if isinstance(v, bytes))


def test_refreshing_is_throttled_by_address(visitor: Visitor) -> None:
    taken = taken_until_throttled(lambda _: accounts.refresh("pvr_guess", address=visitor.address))
    assert taken >= accounts.REFRESH_ADDRESS.capacity


def test_the_secret_that_signs_is_asked_for_by_name_when_it_is_missing(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photovault.errors import Misconfigured
    from photovault.settings import get_settings

    monkeypatch.delenv("JWT_SECRET")
    get_settings.cache_clear()
    try:
        with pytest.raises(Misconfigured, match="JWT_SECRET"):
            visitor.sign_up()
    finally:
        monkeypatch.setenv("JWT_SECRET", SECRET)
        get_settings.cache_clear()
    assert visitor.sign_up(), "nothing of the failed attempt is left"
