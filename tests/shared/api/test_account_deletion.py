"""Deleting an account over HTTP: only with the password, at once, whatever else is away, and to nobody else's harm."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from tests.shared.api.described import assert_problem, fill, routers, session_of
from tests.staged import Bucket
from tests.vaults import client

from photovault import accounts, db, erasures, ids, images, keyring, passwords, users
from photovault.errors import NotFound
from photovault.pipeline import erasing
from photovault.settings import get_settings

PASSWORD = "password123"

pytestmark = pytest.mark.usefixtures("vault", "quick_hashes", "sent", "bucket")


@pytest.fixture
def ledger(vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEDGER_ROOT", str(tmp_path / "ledger"))
    get_settings.cache_clear()
    return tmp_path / "ledger" / "erasures"


@pytest.fixture
def api(vault: Path, ledger: Path) -> TestClient:
    """A client from an address of its own."""
    return client(routers())


class Member:
    """Somebody who signed up over HTTP."""

    def __init__(self, api: TestClient) -> None:
        self.api = api
        self.email = f"ada.{ids.new().hex}@example.com"
        self.token = self.sign_up().json()["access_token"]
        self.user_id = UUID(self.get("/auth/verify").json()["user"]["id"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def sign_up(self) -> Any:
        return self.api.post("/auth/signup", json={"email": self.email, "password": PASSWORD, "name": "Ada"})

    def log_in(self) -> Any:
        return self.api.post("/auth/login", json={"email": self.email, "password": PASSWORD})

    def get(self, path: str) -> Any:
        return self.api.get(path, headers=self.headers)

    def delete(self, password: Any = PASSWORD) -> Any:
        return self.api.request("DELETE", "/auth/account", json={"password": password}, headers=self.headers)


@pytest.fixture
def ada(api: TestClient) -> Member:
    return Member(api)


def test_it_answers_when_it_was_and_what_it_means(ada: Member) -> None:
    before = datetime.now(UTC)
    answer = ada.delete()
    assert answer.status_code == 202
    assert set(answer.json()) == {"erased_at", "detail"}
    assert before <= datetime.fromisoformat(answer.json()["erased_at"]) <= datetime.now(UTC)
    for word in ("deleted", "keys", "Backups"):
        assert word in answer.json()["detail"]


def test_every_session_ends_at_once_and_no_token_is_good_for_anything(ada: Member) -> None:
    others = [ada.log_in().json() for _ in range(2)]
    assert ada.delete().status_code == 202
    for token in (ada.token, *(other["access_token"] for other in others)):
        for path in ("/auth/verify", "/images/list", "/albums/", "/dashboard/stats", "/auth/sessions"):
            answer = ada.api.get(path, headers={"Authorization": f"Bearer {token}"})
            assert_problem(answer)
            assert answer.status_code == 401, path
    for other in others:
        assert ada.api.post("/auth/refresh", json={"refresh_token": other["refresh_token"]}).status_code == 401
    assert ada.delete().status_code == 401


def test_logging_in_afterwards_is_as_if_the_account_had_never_been(ada: Member) -> None:
    ada.delete()
    gone = ada.log_in()
    never = ada.api.post("/auth/login", json={"email": f"nobody.{ids.new().hex}@example.com", "password": PASSWORD})
    assert gone.status_code == never.status_code == 401
    assert gone.json() | {"request_id": ""} == never.json() | {"request_id": ""}


@pytest.mark.parametrize("email", ["", "erased:{}", "ERASED:{}"])
def test_nobody_logs_in_to_what_is_left_of_it(ada: Member, email: str) -> None:
    ada.delete()
    for password in ("", PASSWORD, "erased", "no account has this password"):
        answer = ada.api.post("/auth/login", json={"email": email.format(ada.user_id), "password": password})
        assert answer.status_code == 401


def test_the_address_can_sign_up_again_at_once_and_finds_nothing_of_before(ada: Member) -> None:
    ada.delete()
    again = ada.sign_up()
    assert again.status_code == 201
    assert UUID(again.json()["user"]["id"]) != ada.user_id
    token = {"Authorization": f"Bearer {again.json()['access_token']}"}
    assert ada.api.get("/images/list", headers=token).json()["items"] == []
    kinds = [event["kind"] for event in ada.api.get("/dashboard/recent-activity", headers=token).json()["items"]]
    assert kinds == ["sign-up"]


@pytest.mark.parametrize("password", ["", "password1234", "Password123", "x" * 1024, "password123\x00"])
def test_a_wrong_password_deletes_nothing_and_gives_no_hint(ada: Member, password: str) -> None:
    answer = ada.delete(password)
    assert answer.status_code == 401
    assert assert_problem(answer)["detail"] == "The password is wrong."
    assert ada.get("/auth/verify").status_code == 200


@pytest.mark.parametrize(
    "body", [None, {}, {"password": None}, {"password": 5}, {"password": "x" * 1025}, {"password": PASSWORD, "sure": 1}]
)
def test_a_body_that_cannot_be_read_deletes_nothing(ada: Member, body: Any) -> None:
    answer = ada.api.request("DELETE", "/auth/account", json=body, headers=ada.headers)
    assert answer.status_code == 422
    assert ada.get("/auth/verify").status_code == 200


def test_without_a_token_nothing_is_deleted(ada: Member) -> None:
    answer = ada.api.request("DELETE", "/auth/account", json={"password": PASSWORD})
    assert answer.status_code == 401
    assert ada.get("/auth/verify").status_code == 200


def test_guessing_the_password_is_throttled_with_the_guesses_at_log_in(ada: Member) -> None:
    assert [ada.delete("wrong").status_code for _ in range(5)] == [401] * 5
    wrong = {"email": ada.email, "password": "wrong"}
    assert [ada.api.post("/auth/login", json=wrong).status_code for _ in range(5)] == [401] * 5
    answer = ada.delete()
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert ada.get("/auth/verify").status_code == 200


def test_no_transaction_is_open_while_the_password_is_verified(
    ada: Member, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash takes tens of milliseconds, and the person's row must not be locked for as long."""
    verify, locked = passwords.verify, []

    def watched(stored: str | None, password: str) -> bool:
        with psycopg.connect(database_url) as conn:
            found = conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
            ).fetchone()
            locked.append(found)
        return verify(stored, password)

    monkeypatch.setattr(passwords, "verify", watched)
    assert ada.delete().status_code == 202
    assert locked == [(0,)]


def test_an_account_that_another_request_deleted_meanwhile_is_gone(
    ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = passwords.verify

    def slow(stored: str | None, password: str) -> bool:
        with db.transaction(ada.user_id) as conn:
            erasures.erase(conn, at=datetime.now(UTC))
        return verify(stored, password)

    monkeypatch.setattr(passwords, "verify", slow)
    answer = ada.delete()
    assert answer.status_code == 401
    assert_problem(answer)


def test_the_ledger_and_the_sweep_are_told(ada: Member, ledger: Path, bucket: Bucket) -> None:
    ada.delete()
    assert (ledger / str(ada.user_id)).is_file()
    assert bucket.contents == {f"erasing/{ada.user_id}": b""}


def test_a_ledger_and_a_staging_that_are_away_fail_nobody(
    ada: Member, ledger: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEDGER_ROOT")
    get_settings.cache_clear()
    bucket.away = True
    assert ada.delete().status_code == 202
    assert ada.get("/auth/verify").status_code == 401
    with db.maintenance() as conn:
        assert ada.user_id in erasures.waiting(conn), "which is where the daily pass finds it"


def test_a_commit_that_fails_leaves_an_account_that_lives_and_no_entry(
    ada: Member, ledger: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(conn: db.Connection, *, at: datetime) -> bool:
        erase(conn, at=at)
        raise RuntimeError("the database died")

    erase = erasures.erase
    monkeypatch.setattr(erasures, "erase", broken)
    assert ada.delete().status_code == 500
    assert not ledger.exists()
    assert bucket.contents == {}
    assert ada.get("/auth/verify").status_code == 200
    assert ada.log_in().status_code == 200


def test_the_throttles_forget_the_address(ada: Member, database_url: str) -> None:
    ada.delete("wrong")
    ada.delete()
    key = accounts.normalise_email(ada.email)[1]
    with psycopg.connect(database_url) as conn:
        left = conn.execute(
            "SELECT scope FROM throttles WHERE key = %s AND scope = 'login-account'",
            [hashlib.sha256(key.encode()).digest()[:16]],
        ).fetchall()
    assert left == []


def test_photos_that_could_be_opened_can_not_any_more_and_nobody_elses_are_touched(api: TestClient) -> None:
    hers, mine = fill(api), fill(api)
    headers = session_of(hers.owner).headers
    path = f"/images/{hers.ids['image_id']}/view?rendition=thumbnail"
    assert api.get(path, headers=headers).status_code == 200
    with db.transaction(hers.owner.user_id) as conn:
        image = images.get(conn, hers.ids["image_id"])
        users.set_password_hash(conn, passwords.hash_password(PASSWORD))
    assert image is not None
    answer = api.request("DELETE", "/auth/account", json={"password": PASSWORD}, headers=headers)
    assert answer.status_code == 202
    assert api.get(path, headers=headers).status_code == 401
    with pytest.raises(NotFound), db.transaction(hers.owner.user_id) as conn:
        keyring.content_key_of(conn, image)
    assert erasing.finish(hers.owner.user_id)
    theirs = api.get(f"/images/{mine.ids['image_id']}/view?rendition=thumbnail", headers=mine.owner.headers)
    assert theirs.status_code == 200


@pytest.mark.parametrize("moment", [users.next_revision, users.get], ids=["a writer", "a reader"])
def test_a_request_that_the_deletion_overtakes_is_401(
    ada: Member, monkeypatch: pytest.MonkeyPatch, moment: Callable[..., Any]
) -> None:
    """It looked at the session before, and at the person after the commit."""

    def overtaken(conn: db.Connection) -> Any:
        with psycopg.connect(get_settings().require("database_url")) as other:
            other.execute("SELECT set_config('photovault.person', %s, true)", [str(ada.user_id)])
            other.execute("SET LOCAL ROLE photovault_app")
            erasures.erase(other, at=datetime.now(UTC))
        return moment(conn)

    monkeypatch.setattr(users, moment.__name__, overtaken)
    if moment.__name__ == "get":
        answer = ada.get("/auth/verify")
    else:
        answer = ada.api.post("/albums/manual", json={"title": "Late"}, headers=ada.headers)
    assert answer.status_code == 401
    assert_problem(answer)
