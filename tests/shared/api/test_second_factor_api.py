"""Two-step log-in, another password and another name over HTTP, as somebody at a screen meets them."""

from __future__ import annotations

import base64
import io
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from tests.shared.api.described import operations, routers
from tests.vaults import client

from photovault import db, ids, one_time_codes
from photovault.api import auth_app, library_app
from photovault.observability import logger

pytestmark = pytest.mark.usefixtures("vault", "quick_hashes")

PASSWORD = "password123"


@pytest.fixture
def api(vault: Path) -> TestClient:
    """A client from an address of its own."""
    return client(routers())


class Ada:
    """Somebody who has signed up, and her telephone."""

    def __init__(self, api: TestClient) -> None:
        self.api = api
        self.email = f"ada+tag{ids.new().hex}@example.com"
        answer = api.post("/auth/signup", json={"email": self.email, "password": PASSWORD, "name": "Ada"})
        assert answer.status_code == 201, answer.text
        self.account = answer.json()
        self.secret = b""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.account['access_token']}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.api.request(method, path, json=body, headers=self.headers)

    def log_in(self, **changes: Any) -> Any:
        return self.api.post("/auth/login", json={"email": self.email, "password": PASSWORD} | changes)

    def code(self) -> str:
        """Each is good: time passes between them."""
        with db.transaction(self.account["user"]["id"]) as conn:
            conn.execute("UPDATE second_factors SET last_step = 0")
        return one_time_codes.code_at(self.secret, one_time_codes.step_of(datetime.now(UTC)))

    def turn_on(self) -> list[str]:
        begun = self.ask("POST", "/auth/totp", {"password": PASSWORD})
        assert begun.status_code == 200, begun.text
        self.secret = base64.b32decode(begun.json()["secret"])
        confirmed = self.ask("POST", "/auth/totp/confirm", {"code": self.code()})
        assert confirmed.status_code == 200, confirmed.text
        codes: list[str] = confirmed.json()["recovery_codes"]
        return codes


@pytest.fixture
def ada(api: TestClient) -> Ada:
    return Ada(api)


def kind(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rpartition("/")[2]


# -------------------------------------------------------------------------------------------------- two-step log-in


def test_it_is_off_then_begun_then_on_then_off_again(ada: Ada) -> None:
    assert ada.ask("GET", "/auth/totp").json() == {"on": False, "since": None, "recovery_codes_left": 0}
    begun = ada.ask("POST", "/auth/totp", {"password": PASSWORD}).json()
    told = urlsplit(begun["uri"])
    assert begun["uri"].startswith(f"otpauth://totp/PhotoVault:{ada.email.replace('+', '%2B')}?")
    assert parse_qs(told.query)["secret"] == [begun["secret"]]
    assert ada.ask("GET", "/auth/totp").json()["on"] is False
    ada.secret = base64.b32decode(begun["secret"])
    assert len(ada.ask("POST", "/auth/totp/confirm", {"code": ada.code()}).json()["recovery_codes"]) == 10
    on = ada.ask("GET", "/auth/totp").json()
    assert (on["on"], on["recovery_codes_left"]) == (True, 10)
    assert datetime.fromisoformat(on["since"]).tzinfo is not None
    assert ada.ask("DELETE", "/auth/totp", {"password": PASSWORD, "code": ada.code()}).status_code == 204
    assert ada.ask("GET", "/auth/totp").json() == {"on": False, "since": None, "recovery_codes_left": 0}
    assert kind(ada.ask("DELETE", "/auth/totp", {"password": PASSWORD}), 404) == "not-found"


def test_log_in_keeps_its_contract_and_asks_for_a_code_by_a_type_of_its_own(ada: Ada) -> None:
    plain = ada.log_in().json()
    codes = ada.turn_on()
    needed = ada.log_in()
    assert kind(needed, 401) == "second-factor-needed"
    assert "access_token" not in needed.text
    assert kind(ada.log_in(code="000000" if ada.code() != "000000" else "111111"), 401) == "second-factor-wrong"
    assert kind(ada.log_in(password="wrong", code=ada.code()), 401) == "unauthenticated"
    for code in (ada.code(), codes[0]):
        answer = ada.log_in(code=code)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == plain.keys()
        assert answer.json()["user"] == plain["user"]
    methods = [each["method"] for each in ada.ask("GET", "/auth/sessions").json()["items"]]
    assert methods == ["recovery-code", "totp", "password", "password"]


def test_a_code_that_was_used_is_refused_in_words(ada: Ada) -> None:
    ada.turn_on()
    code = ada.code()
    assert ada.log_in(code=code).status_code == 200
    again = ada.log_in(code=code)
    assert kind(again, 401) == "second-factor-wrong"
    assert "wait for the next one" in again.json()["detail"]


def test_new_recovery_codes_and_deletion_ask_for_a_code(ada: Ada) -> None:
    codes = ada.turn_on()
    for method, path in (("POST", "/auth/totp/recovery-codes"), ("DELETE", "/auth/account")):
        assert kind(ada.ask(method, path, {"password": PASSWORD}), 401) == "second-factor-needed"
    renewed = ada.ask("POST", "/auth/totp/recovery-codes", {"password": PASSWORD, "code": codes[0]}).json()
    assert not set(renewed["recovery_codes"]) & set(codes)
    assert kind(ada.ask("POST", "/auth/totp", {"password": PASSWORD}), 409) == "conflict"


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 123456}, {"code": "1" * 65}, {"code": "1", "more": 1}])
def test_a_code_that_cannot_be_one_is_422(ada: Ada, body: Any) -> None:
    assert kind(ada.ask("POST", "/auth/totp/confirm", body), 422) == "invalid"


@pytest.mark.parametrize("code", ["\x00", "é", "𝟙𝟚𝟛𝟜𝟝𝟞", "' OR 1=1", "-1", "       "])
def test_whatever_is_typed_as_a_code_is_wrong_or_missing_and_breaks_nothing(ada: Ada, code: str) -> None:
    ada.turn_on()
    assert kind(ada.log_in(code=code), 401) in {"second-factor-wrong", "second-factor-needed"}


def test_no_log_holds_a_secret_a_code_or_a_password(ada: Ada, caplog: pytest.LogCaptureFixture) -> None:
    told = io.StringIO()
    handler = logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(told)
    try:
        with caplog.at_level(logging.DEBUG):
            codes = ada.turn_on()
            code = ada.code()
            ada.log_in(code=code)
            ada.log_in(code=codes[0])
            ada.log_in(password="a wrong password of mine", code="abcdef")
            ada.ask("POST", "/auth/password", {"current": PASSWORD, "new": "my new password", "code": ada.code()})
    finally:
        if before is not None:
            handler.setStream(before)
    written = told.getvalue() + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    secrets = [one_time_codes.as_text(ada.secret), *codes, PASSWORD, "a wrong password of mine", "my new password"]
    assert not any(secret in written for secret in secrets)
    assert ada.email not in written


# -------------------------------------------------------------------------------------------- password, name, address


def test_another_password_ends_other_sessions_and_says_what_goes_on(ada: Ada) -> None:
    other = ada.log_in().json()
    key = ada.ask("POST", "/auth/keys", {"name": "A frame", "scopes": ["account:read"], "password": PASSWORD}).json()[
        "secret"
    ]
    changed = ada.ask("POST", "/auth/password", {"current": PASSWORD, "new": "another password"})
    assert (changed.status_code, changed.json()) == (
        200,
        {"sessions_ended": 1, "api_keys": 1, "webhooks": 0, "shares": 0}
        | {"api_keys_revoked": 0, "webhooks_removed": 0, "shares_revoked": 0},
    )
    for token, status in ((ada.account["access_token"], 200), (key, 200), (other["access_token"], 401)):
        answer = ada.api.get("/auth/verify", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
    assert ada.log_in().status_code == 401
    assert ada.log_in(password="another password").status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"current": "wrong", "new": "another password"}, 401), ({"current": PASSWORD, "new": "short"}, 422),
        ({"current": PASSWORD, "new": "x" * 1025}, 422), ({"current": PASSWORD}, 422),
        ({"new": "another password"}, 422),
    ],
    ids=range(5),
)  # fmt: skip
def test_a_password_that_cannot_be_changed_stays(ada: Ada, body: Any, status: int) -> None:
    kind(ada.ask("POST", "/auth/password", body), status)
    assert ada.log_in().status_code == 200


def test_a_name_is_changed_by_itself_and_an_address_with_the_password(ada: Ada) -> None:
    new = f"grace{ids.new().hex}@example.com"
    edited = ada.ask("PATCH", "/auth/account", {"name": " Grace "})
    assert edited.json() == {"user": ada.account["user"] | {"name": "Grace"}}
    refused = ada.ask("PATCH", "/auth/account", {"email": new})
    assert kind(refused, 422) == "invalid"
    assert refused.json()["errors"][0]["field"] == "password"
    assert kind(ada.ask("PATCH", "/auth/account", {"email": new, "password": "wrong", "name": "Eve"}), 401)
    assert ada.ask("GET", "/auth/verify").json() == edited.json()
    moved = ada.ask("PATCH", "/auth/account", {"email": new, "password": PASSWORD, "name": "G"})
    assert (moved.json()["user"]["email"], moved.json()["user"]["name"]) == (new, "G")
    assert ada.log_in(email=new).status_code == 200
    assert ada.log_in().status_code == 401
    taken = Ada(ada.api)
    assert kind(taken.ask("PATCH", "/auth/account", {"email": new, "password": PASSWORD}), 409) == "conflict"
    assert ada.ask("PATCH", "/auth/account", {}).status_code == 200


def test_the_auth_function_answers_all_that_belongs_to_an_account_and_the_library_none_of_it(vault: Path) -> None:
    """Its parts are built by the first segments of a path: none is forgotten there."""
    asked = [operation for operation in operations() if operation.path.startswith("/auth/")]
    assert len(asked) > 10
    with TestClient(auth_app()) as auth, TestClient(library_app()) as library:
        for operation in asked:
            path = re.sub(r"{\w+}", str(ids.new()), operation.path)
            for form in (path, f"{path}/"):
                assert auth.request(operation.method, form).status_code in {401, 422}, operation.id
            assert library.request(operation.method, path).status_code == 404, operation.id
