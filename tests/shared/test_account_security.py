"""Two-step log-in, another password and another address, on a real database and with attackers beside the person."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import argon2
import psycopg
import pytest
from tests.arranging import await_a_waiter
from tests.vaults import SECRET

from photovault import (
    account_security,
    accounts,
    activity,
    api_keys,
    db,
    ids,
    keyring,
    migrate,
    one_time_codes,
    passwords,
    second_factors,
    sessions,
    shares,
    throttles,
    users,
    webhooks,
)
from photovault.accounts import LoggedIn
from photovault.errors import (
    Conflict,
    Invalid,
    PhotoVaultError,
    SecondFactorNeeded,
    SecondFactorWrong,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from photovault.settings import get_settings

PASSWORD = "password123"

pytestmark = pytest.mark.usefixtures("vault", "quick_hashes")


@dataclass
class Member:
    """Somebody who has signed up, with an authenticator in the pocket."""

    email: str = field(default_factory=lambda: f"ada{ids.new().hex}@example.com")
    address: str = field(default_factory=lambda: f"visitor {ids.new().hex}")
    password: str = PASSWORD
    secret: bytes = b""
    recovery_codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account = accounts.sign_up(
            email=self.email, password=self.password, name="Ada", address=self.address, user_agent="ua"
        )

    @property
    def user_id(self) -> UUID:
        return self.account.user.id

    def log_in(self, **changes: Any) -> LoggedIn:
        given = {"email": self.email, "password": self.password, "address": self.address, "user_agent": "ua"}
        return accounts.log_in(**(given | changes))

    def turn_on(self) -> Member:
        session = self.account.session_id
        self.secret = account_security.begin_second_factor(
            self.user_id, session, password=self.password, address=self.address
        )
        self.recovery_codes = account_security.confirm_second_factor(self.user_id, session, code=self.code())
        self.let_time_pass()
        return self

    def code(self, steps: int = 0) -> str:
        return one_time_codes.code_at(self.secret, one_time_codes.step_of(datetime.now(UTC)) + steps)

    def wrong_code(self) -> str:
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in near)

    def let_time_pass(self) -> None:
        """As if the codes that were taken had been of an hour ago."""
        with db.transaction(self.user_id) as conn:
            conn.execute("UPDATE second_factors SET last_step = last_step - 120")

    def state(self) -> second_factors.State:
        with db.transaction(self.user_id) as conn:
            return second_factors.state(conn)

    def proof(self, **changes: Any) -> Any:
        return {"password": self.password, "address": self.address} | changes

    def events(self) -> list[str]:
        with db.transaction(self.user_id) as conn:
            return [event.kind for event in activity.latest(conn, limit=100)]

    def is_active(self, logged_in: LoggedIn) -> bool:
        with db.transaction(self.user_id) as conn:
            return sessions.is_active(conn, logged_in.session_id)


@pytest.fixture
def ada() -> Member:
    return Member()


@pytest.fixture
def guarded() -> Member:
    return Member().turn_on()


@pytest.fixture
def small_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of codes, so that a test fills it."""
    monkeypatch.setattr(accounts, "SECOND_FACTOR", throttles.Bucket("second-factor", capacity=3, seconds=300))


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except PhotoVaultError as error:
        return error.type
    return "done"


# ---------------------------------------------------------------------------------------------------- turning it on


def test_log_in_asks_for_nothing_until_a_first_code_has_come(ada: Member) -> None:
    session = ada.account.session_id
    ada.secret = account_security.begin_second_factor(ada.user_id, session, **ada.proof())
    assert ada.log_in()
    assert ada.state() == second_factors.State(None, 0)
    with pytest.raises(SecondFactorWrong):
        account_security.confirm_second_factor(ada.user_id, session, code=ada.wrong_code())
    assert ada.log_in()
    codes = account_security.confirm_second_factor(ada.user_id, session, code=ada.code())
    assert len(codes) == 10
    assert ada.state().recovery_codes_left == 10
    with pytest.raises(SecondFactorNeeded):
        ada.log_in()
    assert ada.events()[0] == "second-factor-on"


def test_beginning_again_makes_the_secret_before_worthless(ada: Member) -> None:
    session = ada.account.session_id
    ada.secret = account_security.begin_second_factor(ada.user_id, session, **ada.proof())
    before = ada.code()
    ada.secret = account_security.begin_second_factor(ada.user_id, session, **ada.proof())
    if before != ada.code():
        with pytest.raises(SecondFactorWrong):
            account_security.confirm_second_factor(ada.user_id, session, code=before)
    assert account_security.confirm_second_factor(ada.user_id, session, code=ada.code())


def test_it_takes_the_password_to_begin(ada: Member) -> None:
    with pytest.raises(Unauthenticated, match="password is wrong"):
        account_security.begin_second_factor(ada.user_id, ada.account.session_id, **ada.proof(password="wrong"))
    with pytest.raises(Conflict):
        account_security.confirm_second_factor(ada.user_id, ada.account.session_id, code="123456")


def test_an_authenticator_in_use_is_not_replaced_by_whoever_has_the_password(guarded: Member) -> None:
    with pytest.raises(Conflict, match="turn it off first"):
        account_security.begin_second_factor(guarded.user_id, guarded.account.session_id, **guarded.proof())
    with pytest.raises(Conflict):
        account_security.confirm_second_factor(guarded.user_id, guarded.account.session_id, code=guarded.code())
    assert guarded.log_in(code=guarded.code())


# -------------------------------------------------------------------------------------------------------- logging in


def test_a_session_knows_what_it_began_with(guarded: Member) -> None:
    first, second = guarded.log_in(code=guarded.code()), guarded.log_in(code=guarded.recovery_codes[0])
    with db.transaction(guarded.user_id) as conn:
        methods = {each.id: each.method for each in sessions.active(conn)}
    assert methods == {
        guarded.account.session_id: "password",
        first.session_id: "totp",
        second.session_id: "recovery-code",
    }


@pytest.mark.parametrize("code", [None, "", "  "])
def test_without_a_code_the_right_password_is_told_what_is_missing(guarded: Member, code: str | None) -> None:
    with pytest.raises(SecondFactorNeeded):
        guarded.log_in(code=code)
    with pytest.raises(Unauthenticated) as caught:
        guarded.log_in(password="wrong password", code=code)
    assert caught.type is Unauthenticated


def test_nobody_learns_from_a_wrong_password_whether_a_code_would_be_asked_for(
    ada: Member, guarded: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For accounts with and without, and for none: the same words, the same hash, and the same statements."""
    hashed: list[Any] = []
    hasher = passwords._hasher

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            hashed.append(argon2.extract_parameters(stored))
            return hasher.verify(stored, password)

        def __getattr__(self, name: str) -> Any:
            return getattr(hasher, name)

    passwords.dummy_hash()
    monkeypatch.setattr(passwords, "_hasher", Counting())
    asked: list[Any] = []
    transaction = db.transaction
    monkeypatch.setattr(db, "transaction", lambda user_id: asked.append(user_id) or transaction(user_id))
    told = []
    for email in (ada.email, guarded.email, f"nobody{ids.new().hex}@example.com"):
        for code in (None, "123456", guarded.code(), guarded.recovery_codes[0]):
            hashed.clear()
            with pytest.raises(Unauthenticated) as caught:
                ada.log_in(email=email, password="wrong password", code=code, address=f"{email} {code}")
            told.append((caught.type, str(caught.value), list(map(str, hashed))))
    assert all(each == told[0] for each in told)
    assert len(told[0][2]) == 1
    assert asked == []
    assert guarded.state().recovery_codes_left == 10
    assert guarded.log_in(code=guarded.code()), "and the code that was sent in vain is good still"


def test_a_code_is_taken_once(guarded: Member) -> None:
    code = guarded.code()
    assert guarded.log_in(code=code)
    with pytest.raises(SecondFactorWrong, match="used already"):
        guarded.log_in(code=code)
    assert guarded.log_in(code=guarded.code(1)), "the next one is"


def test_the_code_that_turned_it_on_does_not_log_in(ada: Member) -> None:
    session = ada.account.session_id
    ada.secret = account_security.begin_second_factor(ada.user_id, session, **ada.proof())
    code = ada.code()
    account_security.confirm_second_factor(ada.user_id, session, code=code)
    with pytest.raises(SecondFactorWrong):
        ada.log_in(code=code)


def test_of_many_who_send_one_code_at_once_one_is_let_in(guarded: Member) -> None:
    code = guarded.code()
    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(lambda _: outcome(lambda: guarded.log_in(code=code)), range(4)))
    assert outcomes == ["done"] + ["second-factor-wrong"] * 3


def test_of_many_who_send_one_recovery_code_at_once_one_is_let_in(guarded: Member) -> None:
    code = guarded.recovery_codes[3]
    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(lambda _: outcome(lambda: guarded.log_in(code=code)), range(4)))
    assert outcomes == ["done"] + ["second-factor-wrong"] * 3
    assert guarded.state().recovery_codes_left == 9


def test_each_recovery_code_works_once_and_however_it_is_typed(guarded: Member) -> None:
    for left, code in enumerate(reversed(guarded.recovery_codes)):
        assert guarded.log_in(code=code.upper().replace("-", " ") if left % 2 else code)
        with pytest.raises(SecondFactorWrong):
            guarded.log_in(code=code)
    assert guarded.state().recovery_codes_left == 0
    assert guarded.log_in(code=guarded.code())


def test_codes_of_somebody_else_are_wrong(guarded: Member) -> None:
    eve = Member().turn_on()
    codes = [*eve.recovery_codes[:2], *({eve.code()} - {guarded.code(n) for n in (-1, 0, 1)})]
    for code in codes:
        with pytest.raises(SecondFactorWrong):
            guarded.log_in(code=code)
    assert eve.state().recovery_codes_left == 10


def test_a_code_where_none_is_asked_for_does_no_harm(ada: Member) -> None:
    assert ada.log_in(code="123456")


@pytest.mark.usefixtures("small_bucket")
def test_guessing_codes_is_throttled_from_wherever_and_the_person_gets_in_by_a_recovery_code(guarded: Member) -> None:
    for n in range(3):
        with pytest.raises(SecondFactorWrong):
            guarded.log_in(code=guarded.wrong_code(), address=f"{guarded.address} {n}")
    with pytest.raises(TooManyRequests) as caught:
        guarded.log_in(code=guarded.code(), address=f"{guarded.address} elsewhere")
    assert 1 <= caught.value.retry_after <= 600
    assert guarded.log_in(code=guarded.recovery_codes[0])
    assert guarded.events().count("second-factor-refused") == 3, "whose password is known is told so"


@pytest.mark.usefixtures("small_bucket")
def test_a_right_code_forgets_the_wrong_ones_before_it(guarded: Member) -> None:
    for _ in range(3):
        for _ in range(2):
            with pytest.raises(SecondFactorWrong):
                guarded.log_in(code=guarded.wrong_code())
        assert guarded.log_in(code=guarded.code())
        guarded.let_time_pass()


@pytest.mark.usefixtures("small_bucket")
def test_guessing_the_code_that_turns_it_on_is_throttled(ada: Member) -> None:
    session = ada.account.session_id
    ada.secret = account_security.begin_second_factor(ada.user_id, session, **ada.proof())
    outcomes = [
        outcome(lambda: account_security.confirm_second_factor(ada.user_id, session, code=ada.wrong_code()))
        for _ in range(4)
    ]
    assert outcomes == ["second-factor-wrong"] * 3 + ["too-many-requests"]


@pytest.mark.usefixtures("small_bucket")
def test_whoever_finds_an_open_browser_does_not_use_up_the_attempts_of_log_in(guarded: Member) -> None:
    session = guarded.account.session_id
    for _ in range(5):
        with pytest.raises(Conflict):
            account_security.confirm_second_factor(guarded.user_id, session, code="123456")
        with pytest.raises(Unauthenticated, match="password is wrong"):
            account_security.remove_second_factor(
                guarded.user_id, session, **guarded.proof(password="wrong", code="123456")
            )
    assert guarded.log_in(code=guarded.code(), address="elsewhere")


# -------------------------------------------------------------------------------------------- turning it off, renewing


def test_turning_it_off_takes_the_password_and_a_code(guarded: Member) -> None:
    session = guarded.account.session_id

    def remove(**proof: Any) -> bool:
        return account_security.remove_second_factor(guarded.user_id, session, **(guarded.proof(code=None) | proof))

    with pytest.raises(SecondFactorNeeded):
        remove()
    with pytest.raises(SecondFactorWrong):
        remove(code=guarded.wrong_code())
    with pytest.raises(Unauthenticated, match="password is wrong"):
        remove(code=guarded.code(), password="wrong")
    assert guarded.state().since is not None
    assert remove(code=guarded.code())
    assert guarded.state() == second_factors.State(None, 0)
    assert guarded.log_in()
    assert remove() is False
    assert "second-factor-off" in guarded.events()


def test_who_has_lost_the_authenticator_turns_it_off_with_a_recovery_code_and_begins_anew(guarded: Member) -> None:
    session, code = guarded.account.session_id, guarded.recovery_codes[0]
    assert account_security.remove_second_factor(guarded.user_id, session, **guarded.proof(code=code))
    old = guarded.recovery_codes[1:]
    guarded.turn_on()
    with pytest.raises(SecondFactorWrong):
        guarded.log_in(code=old[0])


def test_new_recovery_codes_replace_the_old_ones(guarded: Member) -> None:
    old, session = guarded.recovery_codes, guarded.account.session_id
    renewed = account_security.renew_recovery_codes(guarded.user_id, session, **guarded.proof(code=old[0]))
    assert renewed is not None
    assert not set(renewed) & set(old)
    assert guarded.state().recovery_codes_left == 10
    with pytest.raises(SecondFactorWrong):
        guarded.log_in(code=old[1])
    assert guarded.log_in(code=renewed[0])
    with pytest.raises(SecondFactorNeeded):
        account_security.renew_recovery_codes(guarded.user_id, session, **guarded.proof(code=None))


def test_what_takes_the_password_takes_a_code_too(guarded: Member) -> None:
    session = guarded.account.session_id
    attempts: list[Callable[[], object]] = [
        lambda: account_security.change_password(
            guarded.user_id, session, current=PASSWORD, new="another password", address=guarded.address
        ),
        lambda: account_security.change_email(
            guarded.user_id, session, email=f"new{guarded.email}", password=PASSWORD, address=guarded.address
        ),
        lambda: accounts.delete(guarded.user_id, session, password=PASSWORD, address=guarded.address),
        lambda: account_security.give_proof(guarded.user_id, session, password=PASSWORD, address=guarded.address),
        lambda: account_security.make_api_key(
            guarded.user_id,
            session,
            name="A frame",
            scopes=["photos:read"],
            expires_at=None,
            password=PASSWORD,
            address=guarded.address,
        ),
    ]
    assert [outcome(attempt) for attempt in attempts] == ["second-factor-needed"] * len(attempts)
    assert guarded.log_in(code=guarded.code())


# ----------------------------------------------------------------------------------------------------------- at rest


def test_the_database_has_neither_the_secret_nor_a_recovery_code(guarded: Member, database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        (sealed,) = conn.execute("SELECT sealed FROM second_factors WHERE user_id = %s", [guarded.user_id]).fetchone()  # type: ignore[misc]
        rows = conn.execute("SELECT hash FROM recovery_codes WHERE user_id = %s", [guarded.user_id]).fetchall()
        told = conn.execute("SELECT detail::text FROM activity WHERE user_id = %s", [guarded.user_id]).fetchall()
    kept = [bytes(sealed), *(bytes(row[0]) for row in rows), *(row[0].encode() for row in told)]
    clear = [guarded.secret, base64.b32encode(guarded.secret), *(code.encode() for code in guarded.recovery_codes)]
    assert len(rows) == 10
    assert not any(secret in each for secret in clear for each in kept)


def test_a_row_that_was_swapped_in_the_database_lets_nobody_in(guarded: Member, database_url: str) -> None:
    eve = Member().turn_on()
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "UPDATE second_factors SET sealed = (SELECT sealed FROM second_factors WHERE user_id = %s) "
            "WHERE user_id = %s",
            [eve.user_id, guarded.user_id],
        )
    assert outcome(lambda: guarded.log_in(code=eve.code())) == "tampered"


def test_after_a_rotation_of_the_signing_secret_codes_go_on_without_the_old_one(
    guarded: Member, vault: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = "a newer secret of the tests that is of no use elsewhere"
    use(monkeypatch, f"{newer},{SECRET}")
    assert guarded.log_in(code=guarded.code()), "before it is sealed anew"
    guarded.let_time_pass()
    try:
        migrate.upgrade(database_url, jwt_secrets=[newer, SECRET])
        use(monkeypatch, newer)
        assert guarded.log_in(code=guarded.code())
        use(monkeypatch, SECRET)
        with pytest.raises(Unavailable, match="recovery code"):
            guarded.log_in(code=guarded.code())
        assert guarded.log_in(code=guarded.recovery_codes[0]), "without any key"
    finally:
        migrate.upgrade(database_url, jwt_secrets=[SECRET, newer])
        migrate.upgrade(database_url, jwt_secrets=[SECRET])
        use(monkeypatch, SECRET)
    guarded.let_time_pass()
    assert guarded.log_in(code=guarded.code())


def use(patch: pytest.MonkeyPatch, secrets: str) -> None:
    patch.setenv("JWT_SECRET", secrets)
    get_settings.cache_clear()


def test_an_upgrade_leaves_what_it_cannot_open_and_counts_it(guarded: Member, database_url: str) -> None:
    with db.rotation() as conn:
        left = second_factors.reseal(conn, ["a secret that sealed nothing"])
        conn.rollback()
    assert left >= 1
    assert guarded.log_in(code=guarded.code())


def test_a_deleted_account_leaves_no_second_factor(guarded: Member, database_url: str) -> None:
    guarded_id = guarded.user_id
    from photovault import erasures

    with db.transaction(guarded_id) as conn:
        assert erasures.erase(conn, at=datetime.now(UTC))
    with psycopg.connect(database_url) as conn:
        for table in ("second_factors", "recovery_codes", "api_keys"):
            assert conn.execute(
                f"SELECT count(*) FROM {table} WHERE user_id = %s".encode(), [guarded_id]
            ).fetchone() == (0,)


# ------------------------------------------------------------------------------------------------- another password


def change(member: Member, **changes: Any) -> account_security.PasswordChanged:
    given = {"current": member.password, "new": "another password", "address": member.address}
    return account_security.change_password(member.user_id, member.account.session_id, **(given | changes))


def test_another_password_ends_the_other_sessions_and_keeps_this_one(ada: Member) -> None:
    others = [ada.log_in() for _ in range(2)]
    with db.transaction(ada.user_id) as conn:
        users.lock(conn)
        made = api_keys.add(conn, name="A frame", scopes=["photos:read"], expires_at=None)
    assert change(ada) == account_security.PasswordChanged(sessions_ended=2, api_keys=1, webhooks=0, shares=0)
    assert ada.is_active(ada.account)
    assert not any(map(ada.is_active, others))
    for other in others:
        with pytest.raises(Unauthenticated):
            accounts.refresh(other.refresh_token, address=ada.address)
    assert accounts.refresh(ada.account.refresh_token, address=ada.address)
    assert api_keys.authenticate(made.secret, address=ada.address)
    with pytest.raises(Unauthenticated):
        ada.log_in()
    assert ada.log_in(password="another password")
    assert "password-changed" in ada.events()


def give_away(member: Member) -> api_keys.Made:
    """A key and a webhook, as programs have them, and links: one that works, one that is over by itself."""
    keyring.provide(member.user_id)
    with db.transaction(member.user_id) as conn:
        users.lock(conn)
        webhooks.add(
            conn, member.user_id, url="https://hooks.example/", events=["image.ready"], description="Home", position=0
        )
        for expires_at in (None, datetime.now(UTC) - timedelta(days=1)):
            shares.add(
                conn,
                album_id=None,
                title="The harvest",
                password_hash=None,
                expires_at=expires_at,
                view_limit=None,
                downloads=False,
            )
        return api_keys.add(conn, name="A frame", scopes=["photos:read"], expires_at=None)


def test_another_password_ends_keys_webhooks_and_links_where_that_is_asked_for(ada: Member) -> None:
    made, session = give_away(ada), ada.account.session_id
    outlived = change(ada)
    assert (outlived.api_keys, outlived.webhooks, outlived.shares) == (1, 1, 1)
    assert (outlived.api_keys_revoked, outlived.webhooks_removed, outlived.shares_revoked) == (0, 0, 0)
    assert api_keys.authenticate(made.secret, address=ada.address)

    everything = {"revoke_api_keys": True, "remove_webhooks": True, "revoke_shares": True}
    ended = change(ada, current="another password", new=PASSWORD, **everything)
    assert ended == account_security.PasswordChanged(
        sessions_ended=0,
        api_keys=0,
        webhooks=0,
        shares=0,
        api_keys_revoked=1,
        webhooks_removed=1,
        shares_revoked=1,
    )
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(made.secret, address=ada.address)
    with db.transaction(ada.user_id) as conn:
        assert webhooks.all_of_person(conn) == []
        states = [share.state(datetime.now(UTC)) for share in shares.page(conn, album_id=None, limit=10)]
    assert sorted(states) == ["expired", "revoked"]
    assert sorted(ada.events()[:4]) == ["api-key-revoked", "password-changed", "share-revoked", "webhook-removed"]
    assert ada.is_active(ada.account), session


def test_a_wrong_password_ends_no_key(ada: Member) -> None:
    made = give_away(ada)
    assert outcome(lambda: change(ada, current="wrong", revoke_api_keys=True)) == "password-wrong"
    assert api_keys.authenticate(made.secret, address=ada.address)


def test_a_password_that_changes_meanwhile_gives_no_proof_and_no_key(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knows the old one is out, however far they had come."""
    prove, session = accounts.prove, ada.account.session_id

    def overtaken(*arguments: Any, **more: Any) -> users.Credentials:
        known = prove(*arguments, **more)
        monkeypatch.undo()
        change(ada)
        return known

    attempts: list[Callable[[], object]] = [
        lambda: account_security.give_proof(ada.user_id, session, password=ada.password, address=ada.address),
        lambda: account_security.make_api_key(
            ada.user_id,
            session,
            name="Eve's",
            scopes=["photos:read"],
            expires_at=None,
            password=ada.password,
            address=ada.address,
        ),
    ]
    for attempt in attempts:
        monkeypatch.setattr(accounts, "prove", overtaken)
        assert outcome(attempt) == "unauthenticated"
        change(ada, current="another password", new=PASSWORD)
    with db.transaction(ada.user_id) as conn:
        assert api_keys.all_of_person(conn) == []


def test_a_wrong_password_changes_nothing_and_counts(ada: Member) -> None:
    other = ada.log_in()
    outcomes = [outcome(lambda: change(ada, current="wrong")) for _ in range(accounts.LOGIN_PAIR.capacity + 1)]
    assert outcomes == ["password-wrong"] * accounts.LOGIN_PAIR.capacity + ["too-many-requests"]
    assert ada.is_active(other)
    assert ada.log_in(address="elsewhere")


def test_of_two_changes_at_once_one_is_made(ada: Member) -> None:
    news = [f"another password {n}" for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda new: outcome(lambda: change(ada, new=new)), news))
    assert outcomes.count("done") == 1
    # By when they looked: the password was another one already, or became one meanwhile.
    assert set(outcomes) - {"done"} <= {"password-wrong", "unauthenticated"}
    assert ada.log_in(password=news[outcomes.index("done")])


def test_a_log_in_with_the_old_password_that_is_overtaken_starts_no_session(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a session that outlives the change, nor the old password's hash made anew on top of it."""
    weak = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    with db.transaction(ada.user_id) as conn:
        users.set_password_hash(conn, weak)
    signing_key = accounts.signing_key
    changed: list[bool] = []

    def overtaken() -> Any:
        if not changed:
            changed.append(True)
            change(ada)
        return signing_key()

    monkeypatch.setattr(accounts, "signing_key", overtaken)
    with pytest.raises(Unauthenticated, match="password is wrong"):
        ada.log_in()
    monkeypatch.undo()
    with db.transaction(ada.user_id) as conn:
        assert [each.id for each in sessions.active(conn)] == [ada.account.session_id]
    assert ada.log_in(password="another password")


def test_an_address_that_moves_to_another_account_during_a_log_in_is_no_way_around_its_second_factor(
    ada: Member, guarded: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_key = accounts.signing_key
    address, key = ada.email, accounts.normalise_email(ada.email)[1]
    moved: list[bool] = []

    def moves() -> Any:
        if not moved:
            moved.append(True)
            for member, email in ((ada, f"new{address}"), (guarded, address)):
                with db.transaction(member.user_id) as conn:
                    users.set_email(conn, email=email, email_key=accounts.normalise_email(email)[1])
            with db.transaction(ada.user_id) as conn:
                users.set_password_hash(conn, passwords.hash_password(PASSWORD))
        return signing_key()

    monkeypatch.setattr(accounts, "signing_key", moves)
    with pytest.raises(Unauthenticated, match="is wrong"):
        ada.log_in()
    with db.before_login() as conn:
        found = users.find_account(conn, key)
    assert found is not None
    assert found.user_id == guarded.user_id
    with db.transaction(guarded.user_id) as conn:
        assert [each.id for each in sessions.active(conn)] == [guarded.account.session_id]


def test_of_many_who_log_in_while_the_hash_is_made_anew_all_get_in(ada: Member) -> None:
    weak = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    with db.transaction(ada.user_id) as conn:
        users.set_password_hash(conn, weak)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: outcome(ada.log_in), range(4)))
    assert outcomes == ["done"] * 4


def test_a_session_that_has_ended_changes_no_password(ada: Member) -> None:
    with db.transaction(ada.user_id) as conn:
        sessions.revoke(conn, ada.account.session_id, because="a test")
    with pytest.raises(Unauthenticated, match="ended"):
        change(ada)


# -------------------------------------------------------------------------------------------------- another address


def test_another_address_logs_in_and_the_old_one_is_free(ada: Member) -> None:
    new = f"New.{ada.email}"
    account_security.change_email(ada.user_id, ada.account.session_id, email=f" {new} ", **ada.proof())
    assert ada.log_in(email=new.upper()).user.email == new
    with pytest.raises(Unauthenticated):
        ada.log_in()
    assert Member(email=ada.email).user_id != ada.user_id
    assert "email-changed" in ada.events()


def test_no_key_is_made_by_a_session_that_ended_while_it_waited(ada: Member, database_url: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.transaction(ada.user_id) as conn:
            users.lock(conn)
            asked = pool.submit(
                account_security.make_api_key,
                ada.user_id,
                ada.account.session_id,
                name="Eve's",
                scopes=["photos:read"],
                expires_at=None,
                **ada.proof(),
            )
            await_a_waiter(database_url)
            sessions.revoke(conn, ada.account.session_id, because="a test")
        with pytest.raises(Unauthenticated):
            asked.result()
    with db.transaction(ada.user_id) as conn:
        assert api_keys.working(conn) == 0


def test_an_address_of_somebody_else_stays_theirs(ada: Member) -> None:
    eve = Member()
    with pytest.raises(Conflict):
        account_security.change_email(ada.user_id, ada.account.session_id, email=eve.email.upper(), **ada.proof())
    with pytest.raises(Invalid):
        account_security.change_email(ada.user_id, ada.account.session_id, email="nonsense", **ada.proof())
    with pytest.raises(Unauthenticated):
        account_security.change_email(
            ada.user_id, ada.account.session_id, email=f"x{ada.email}", **ada.proof(password="wrong")
        )
    assert ada.log_in().user.email == ada.email


def test_asking_which_addresses_have_an_account_is_throttled_as_at_sign_up(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "SIGNUP_ADDRESS", throttles.Bucket("signup-address", capacity=3, seconds=60))
    eve = Member(address=f"elsewhere {ids.new().hex}")
    outcomes = [
        outcome(
            lambda: account_security.change_email(
                ada.user_id, ada.account.session_id, email=eve.email, **ada.proof(address="one that asks")
            )
        )
        for _ in range(4)
    ]
    assert outcomes == ["conflict"] * 3 + ["too-many-requests"]
