"""Accounts, tokens and sessions over HTTP, and problem+json for everything that is wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vaults import SECRET, Somebody, client, somebody

from photovault import db, ids, sessions, tokens
from photovault.api import account, auth, dashboard, edge
from photovault.errors import Unauthenticated
from photovault.tokens import SigningKey

KEY = SigningKey.from_secret(SECRET)

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def api(vault: Path) -> TestClient:
    """A client from an address of its own."""
    return client([auth.router, account.router, dashboard.router])


def new_email() -> str:
    return f"Ada.{ids.new().hex}@example.com"


def sign_up(api: TestClient, **changes: Any) -> Any:
    answer = api.post("/auth/signup", json={"email": new_email(), "password": "password123", "name": "Ada"} | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def assert_problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    """An RFC 9457 answer of that status and type."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"https://photovault.dev/problems/{kind}"
    assert body["status"] == status
    assert {"title", "detail", "instance", "request_id"} <= set(body)
    assert all(isinstance(value, str) and value for key, value in body.items() if key not in {"status", "errors"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    return body


# -------------------------------------------------------------------------------------------------------- the way in


def test_signing_up_answers_as_the_contract_says(api: TestClient) -> None:
    email = new_email()
    found = sign_up(api, email=email, name="  Ada Lovelace ")
    assert set(found) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert set(found["user"]) == {"id", "email", "name", "created_at"}
    assert (found["user"]["email"], found["user"]["name"]) == (email, "Ada Lovelace")
    assert (found["token_type"], found["expires_in"]) == ("bearer", 600)
    assert UUID(found["user"]["id"]).version == 7
    assert datetime.fromisoformat(found["user"]["created_at"]).tzinfo is not None


def test_logging_in_and_verifying_name_the_same_person(api: TestClient) -> None:
    made = sign_up(api, email=(email := new_email()))
    answer = api.post("/auth/login", json={"email": email.upper(), "password": "password123"})
    assert answer.status_code == 200
    assert answer.json()["user"] == made["user"]
    verified = api.get("/auth/verify", headers=bearer(answer.json()["access_token"]))
    assert verified.json() == {"user": made["user"]}


def test_a_known_email_is_a_conflict_and_a_wrong_password_unauthenticated(api: TestClient) -> None:
    email = new_email()
    sign_up(api, email=email)
    again = api.post("/auth/signup", json={"email": email.lower(), "password": "password456", "name": "Eve"})
    assert_problem(again, 409, "conflict")
    wrong = api.post("/auth/login", json={"email": email, "password": "password456"})
    unknown = api.post("/auth/login", json={"email": new_email(), "password": "password456"})
    first, second = assert_problem(wrong, 401, "unauthenticated"), assert_problem(unknown, 401, "unauthenticated")
    assert first | {"request_id": ""} == second | {"request_id": ""}
    assert wrong.headers["www-authenticate"] == "Bearer"


def test_too_many_attempts_are_429_with_the_seconds_to_wait(api: TestClient) -> None:
    email = new_email()
    sign_up(api, email=email)
    answers = [api.post("/auth/login", json={"email": email, "password": "wrong"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert_problem(answers[-1], 429, "too-many-requests")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 30


def test_a_forwarded_header_is_no_other_address(api: TestClient) -> None:
    email = new_email()
    sign_up(api, email=email)
    answers = [
        api.post(
            "/auth/login",
            json={"email": email, "password": "wrong"},
            headers={"X-Forwarded-For": f"10.1.1.{n}", "Forwarded": f"for=10.1.1.{n}"},
        )
        for n in range(11)
    ]
    assert answers[-1].status_code == 429


# ---------------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": None}, "email"),
        ({"email": 5}, "email"),
        ({"email": "a" * 400 + "@example.com"}, "email"),
        ({"email": "\x00@example.com"}, "email"),
        ({"password": "short12"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"password": ["password123"]}, "password"),
        ({"password": "surrogate \ud800 alone"}, "password"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"admin": True}, "admin"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_accepted_is_named(api: TestClient, change: dict[str, Any], where: str) -> None:
    body = {"email": new_email(), "password": "password123", "name": "Ada"} | change
    answer = api.post("/auth/signup", content=json.dumps(body), headers={"Content-Type": "application/json"})
    found = assert_problem(answer, 422, "invalid")
    assert [each["field"] for each in found["errors"]] == [where]
    assert "password123" not in answer.text, "what was sent is not sent back"


@pytest.mark.parametrize("missing", ["email", "password", "name"])
def test_a_missing_field_is_named(api: TestClient, missing: str) -> None:
    body = {"email": new_email(), "password": "password123", "name": "Ada"}
    del body[missing]
    found = assert_problem(api.post("/auth/signup", json=body), 422, "invalid")
    assert [each["field"] for each in found["errors"]] == [missing]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"nonsense", b'{"email": }', b"\xff\xfe", b'"text"', b"[" * 100_000, b"1" * 9999],
    ids=range(10),
)
def test_a_body_that_is_not_the_json_wanted_is_a_problem(api: TestClient, content: bytes) -> None:
    answer = api.post("/auth/login", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code, "invalid" if answer.status_code == 422 else "bad-request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_of_another_type_is_a_problem(api: TestClient, content_type: str) -> None:
    answer = api.post("/auth/login", content=b'{"email": "a@example.com"}', headers={"Content-Type": content_type})
    assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_413(api: TestClient, chunked: bool) -> None:
    body = b'{"email": "' + b"x" * (edge.LARGEST_JSON_BYTES + 1) + b'"}'
    content: Any = iter([body[:1000], body[1000:]]) if chunked else body
    answer = api.post("/auth/login", content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, 413, "too-large")


@pytest.mark.parametrize("length", ["-1", "many", "1" * 30, "9" * 5000, "1048577"])
def test_a_declared_length_that_is_none_or_too_large_is_413(api: TestClient, length: str) -> None:
    answer = api.post("/auth/login", content=b"{}", headers={"Content-Length": length})
    assert_problem(answer, 413, "too-large")


@pytest.mark.parametrize(
    "path", ["/", "/nonsense", "/auth", "/auth/nonsense", "/auth/login/x", "/%00", "/%ff", "//", "/.."]
)
def test_a_route_that_is_not_there_is_404(api: TestClient, path: str) -> None:
    assert_problem(api.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/auth/login", {"POST"}),
        ("DELETE", "/auth/verify", {"GET"}),
        ("PUT", "/auth/sessions", {"GET", "DELETE"}),
    ],
)
def test_a_method_that_a_route_does_not_have_is_405(api: TestClient, method: str, path: str, allowed: set[str]) -> None:
    answer = api.request(method, path)
    assert_problem(answer, 405, "method-not-allowed")
    assert {each.strip() for each in answer.headers["allow"].split(",")} <= allowed
    assert answer.headers["allow"]


@pytest.mark.parametrize("session_id", ["1", "nonsense", "%00", "0" * 33, "zzzzzzzz-0000-0000-0000-000000000000"])
def test_an_id_that_is_no_uuid_is_422(api: TestClient, session_id: str) -> None:
    person = somebody()
    answer = api.delete(f"/auth/sessions/{session_id}", headers=person.headers)
    found = assert_problem(answer, 422, "invalid")
    assert found["errors"][0]["field"] == "path.session_id"


def test_a_crash_is_told_without_its_reasons(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(auth.accounts, "log_in", crash)
    answer = api.post("/auth/login", json={"email": "a@example.com", "password": "password123"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/internal")
    assert "secret" not in answer.text


def test_a_database_that_is_away_is_503_with_retry_after(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    class Away:
        def connection(self) -> None:
            raise psycopg.OperationalError("connection to 10.0.0.7 as postgres failed")

    monkeypatch.setattr(db, "pool", Away)
    answer = api.post("/auth/login", json={"email": "a@example.com", "password": "password123"})
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "10.0.0.7" not in answer.text


def test_every_answer_carries_the_headers_that_keep_browsers_careful(api: TestClient) -> None:
    answer = api.get("/auth/verify", headers=somebody().headers)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"]


# ----------------------------------------------------------------------------------------------------------- tokens


def claims(person: Somebody, **changes: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    whole = {
        "iss": "photovault",
        "aud": "photovault-api",
        "sub": str(person.user_id),
        "sid": str(person.session_id),
        "iat": now,
        "exp": now + 600,
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def signed(person: Somebody, *, key: SigningKey = KEY, header: dict[str, Any] | None = None, **changes: Any) -> str:
    headers = {"kid": key.kid, "typ": "at+jwt"} | (header or {})
    return jwt.encode(claims(person, **changes), key.private, algorithm="EdDSA", headers=headers)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(person: Somebody, alg: str = "none", signature: str = "") -> str:
    return f"{part({'alg': alg, 'typ': 'at+jwt', 'kid': KEY.kid})}.{part(claims(person))}.{signature}"


def with_public_key_as_secret(person: Somebody, algorithm: str = "HS256") -> str:
    head = f"{part({'alg': algorithm, 'typ': 'at+jwt', 'kid': KEY.kid})}.{part(claims(person))}"
    mac = hmac.digest(KEY.public_bytes, head.encode(), hashlib.sha256)
    return f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def with_embedded_key(person: Somebody) -> str:
    """Signed with a key that the token itself brings along."""
    mine = SigningKey.from_secret("mine")
    x = base64.urlsafe_b64encode(mine.public_bytes).decode().rstrip("=")
    return signed(person, key=mine, header={"kid": KEY.kid, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}})


def swapped_payload(person: Somebody) -> str:
    head, _, signature = signed(person).split(".")
    return f"{head}.{part(claims(person, sub=str(ids.new())))}.{signature}"


FORGERIES: dict[str, Callable[[Somebody], str]] = {
    "no signature": unsigned,
    "none in capitals": lambda p: unsigned(p, "NONE"),
    "none with a signature": lambda p: unsigned(p, "none", "AAAA"),
    "EdDSA without a signature": lambda p: unsigned(p, "EdDSA"),
    "HS256 with the public key": with_public_key_as_secret,
    "EdDSA said, HMAC made": lambda p: with_public_key_as_secret(p, "EdDSA"),
    "a key in the token": with_embedded_key,
    "another payload": swapped_payload,
    "another key under our kid": lambda p: signed(p, key=SigningKey.from_secret("mine"), header={"kid": KEY.kid}),
    "another key": lambda p: signed(p, key=SigningKey.from_secret("mine")),
    "no kid": lambda p: signed(p, header={"kid": ""}),
    "another typ": lambda p: signed(p, header={"typ": "JWT"}),
    "another issuer": lambda p: signed(p, iss="evil"),
    "no issuer": lambda p: signed(p, iss=None),
    "another audience": lambda p: signed(p, aud="photovault-admin"),
    "no audience": lambda p: signed(p, aud=None),
    "several audiences": lambda p: signed(p, aud=["evil", "worse"]),
    "no person": lambda p: signed(p, sub=None),
    "a person who is no id": lambda p: signed(p, sub="admin"),
    "no session": lambda p: signed(p, sid=None),
    "a session that is a number": lambda p: signed(p, sid=7),
    "a session that is a list": lambda p: signed(p, sid=[]),
    "no end": lambda p: signed(p, exp=None),
    "an end that is a word": lambda p: signed(p, exp="tomorrow"),
    "an end beyond time": lambda p: signed(p, exp=10**30),
    "an end that is infinite": lambda p: signed(p, exp=float("inf")),
    "expired": lambda p: signed(p, exp=int(datetime.now(UTC).timestamp()) - 1),
    "another person's session": lambda p: signed(p, sub=str(somebody().user_id)),
    "a session of nobody": lambda p: signed(p, sid=str(ids.new())),
    "a person of nobody": lambda p: signed(p, sub=str(ids.new())),
    "an SQL name": lambda p: signed(p, sub="'; DROP TABLE users; --"),
    "cut short": lambda p: signed(p)[:-4],
    "with a tail": lambda p: signed(p) + "AAAA",
    "two parts": lambda p: signed(p).rsplit(".", 1)[0],
    "no token": lambda p: "x",
    "dots": lambda p: "..",
    "a refresh token": lambda p: "pvr_" + "x" * 43,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_that_is_not_a_valid_one_is_401(api: TestClient, forgery: str) -> None:
    person = somebody()
    assert api.get("/auth/verify", headers=bearer(signed(person))).status_code == 200
    token = FORGERIES[forgery](person)
    assert_problem(api.get("/auth/verify", headers=bearer(token)), 401, "unauthenticated")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Token x", "bearer", "é", "Bearer é"])
def test_an_authorization_header_of_another_kind_is_401(api: TestClient, header: str) -> None:
    answer = api.get("/auth/verify", headers={"Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_refresh_token_is_no_access_token_and_the_other_way_round(api: TestClient) -> None:
    made = sign_up(api)
    assert_problem(api.get("/auth/verify", headers=bearer(made["refresh_token"])), 401, "unauthenticated")
    answer = api.post("/auth/refresh", json={"refresh_token": made["access_token"]})
    assert answer.status_code in {401, 422}


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n\0"), max_size=120))
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(text, {KEY.kid: KEY.public_bytes}, now=datetime.now(UTC))


@settings(deadline=None)
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_token_with_one_changed_bit_is_no_token(position: int, bit: int) -> None:
    now = datetime.now(UTC)
    head, body, signature = tokens.sign(KEY, user_id=ids.new(), session_id=ids.new(), now=now).split(".")
    raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raw[position % len(raw)] ^= 1 << bit
    changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        tokens.verify(f"{head}.{changed}.{signature}", {KEY.kid: KEY.public_bytes}, now=now)


def test_a_token_is_valid_for_ten_minutes_to_the_second() -> None:
    now = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
    user_id, session_id = ids.new(), ids.new()
    token = tokens.sign(KEY, user_id=user_id, session_id=session_id, now=now)
    keys = {KEY.kid: KEY.public_bytes}
    found = tokens.verify(token, keys, now=now + timedelta(seconds=599))
    assert found == tokens.Claims(user_id, session_id, now + timedelta(minutes=10))
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(token, keys, now=now + timedelta(seconds=600))


def test_a_key_that_is_retired_signs_no_more(api: TestClient) -> None:
    token = tokens.sign(KEY, user_id=ids.new(), session_id=ids.new(), now=datetime.now(UTC))
    other = SigningKey.from_secret("the next one")
    with pytest.raises(Unauthenticated, match="no longer used"):
        tokens.verify(token, {other.kid: other.public_bytes}, now=datetime.now(UTC))


# --------------------------------------------------------------------------------------------------------- sessions


def test_refreshing_renews_both_tokens_and_reuse_ends_the_session(api: TestClient) -> None:
    made = sign_up(api)
    renewed = api.post("/auth/refresh", json={"refresh_token": made["refresh_token"]}).json()
    assert renewed["user"] == made["user"]
    assert renewed["refresh_token"] != made["refresh_token"]
    assert api.get("/auth/verify", headers=bearer(renewed["access_token"])).status_code == 200
    assert_problem(api.post("/auth/refresh", json={"refresh_token": made["refresh_token"]}), 401, "unauthenticated")
    for token in (made["access_token"], renewed["access_token"]):
        assert_problem(api.get("/auth/verify", headers=bearer(token)), 401, "unauthenticated")
    assert_problem(api.post("/auth/refresh", json={"refresh_token": renewed["refresh_token"]}), 401, "unauthenticated")


def test_a_page_keeps_its_refresh_token_where_no_script_reads_it(api: TestClient) -> None:
    email = new_email()
    body = {"email": email, "password": "password123", "name": "Ada", "cookie": True}
    assert api.post("/auth/signup", json=body).status_code == 201
    made = api.post("/auth/login", json={name: value for name, value in body.items() if name != "name"})
    try:
        assert made.json()["refresh_token"] is None
        said = made.headers["set-cookie"].lower()
        assert said.startswith("photovault-session=pvr_")
        assert {"httponly", "samesite=strict"} < set(said.split("; "))
        assert "path" not in said
        renewed = api.post("/auth/refresh", json={})
        assert (renewed.status_code, renewed.json()["refresh_token"]) == (200, None)
        assert renewed.headers["set-cookie"] != made.headers["set-cookie"]
        assert api.post("/auth/logout", headers=bearer(renewed.json()["access_token"])).status_code == 204
        assert "photovault-session" not in api.cookies
        assert_problem(api.post("/auth/refresh", json={}), 401, "unauthenticated")
    finally:
        api.cookies.clear()


def test_logging_out_ends_the_session_at_once_for_every_function(api: TestClient) -> None:
    made = sign_up(api)
    headers = bearer(made["access_token"])
    assert api.get("/dashboard/stats", headers=headers).status_code == 200
    assert api.post("/auth/logout", headers=headers).status_code == 204
    for method, path in (("GET", "/auth/verify"), ("GET", "/dashboard/stats"), ("POST", "/auth/logout")):
        assert_problem(api.request(method, path, headers=headers), 401, "unauthenticated")
    assert_problem(api.post("/auth/refresh", json={"refresh_token": made["refresh_token"]}), 401, "unauthenticated")


def test_sessions_are_listed_latest_used_first_and_say_which_is_this_one(api: TestClient) -> None:
    email = new_email()
    sign_up(api, email=email)
    logged_in = api.post(
        "/auth/login", json={"email": email, "password": "password123"}, headers={"User-Agent": "A phone"}
    ).json()
    found = api.get("/auth/sessions", headers=bearer(logged_in["access_token"])).json()["items"]
    assert [(each["current"], each["user_agent"]) for each in found] == [(True, "A phone"), (False, "testclient")]
    assert found[0]["last_used_at"] >= found[1]["last_used_at"]
    assert {each["method"] for each in found} == {"password"}
    assert set(found[0]) == {
        "id",
        "device",
        "user_agent",
        "method",
        "created_at",
        "last_used_at",
        "expires_at",
        "current",
    }


def test_ending_one_session_ends_it_and_no_other(api: TestClient) -> None:
    email = new_email()
    made = sign_up(api, email=email)
    other = api.post("/auth/login", json={"email": email, "password": "password123"}).json()
    headers = bearer(made["access_token"])
    found = api.get("/auth/sessions", headers=headers).json()["items"]
    (ended,) = [each["id"] for each in found if not each["current"]]
    assert api.delete(f"/auth/sessions/{ended}", headers=headers).status_code == 204
    assert_problem(api.delete(f"/auth/sessions/{ended}", headers=headers), 404, "not-found")
    assert api.get("/auth/verify", headers=bearer(other["access_token"])).status_code == 401
    assert [each["current"] for each in api.get("/auth/sessions", headers=headers).json()["items"]] == [True]


def test_ending_the_others_leaves_this_one(api: TestClient) -> None:
    email = new_email()
    made = sign_up(api, email=email)
    others = [api.post("/auth/login", json={"email": email, "password": "password123"}).json() for _ in range(3)]
    assert api.delete("/auth/sessions", headers=bearer(made["access_token"])).status_code == 204
    assert api.get("/auth/verify", headers=bearer(made["access_token"])).status_code == 200
    for other in others:
        assert api.get("/auth/verify", headers=bearer(other["access_token"])).status_code == 401


def test_somebody_elses_session_is_missing_and_goes_on(api: TestClient) -> None:
    me, other = somebody(), somebody()
    theirs = api.delete(f"/auth/sessions/{other.session_id}", headers=me.headers)
    nobodys = api.delete(f"/auth/sessions/{ids.new()}", headers=me.headers)
    without = {"request_id": "", "instance": ""}
    assert assert_problem(theirs, 404, "not-found") | without == assert_problem(nobodys, 404, "not-found") | without
    assert api.get("/auth/verify", headers=other.headers).status_code == 200


def test_a_session_ends_when_its_thirty_days_are_over(api: TestClient) -> None:
    person = somebody()
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE sessions SET expires_at = now() - interval '1 second'")
    assert_problem(api.get("/auth/verify", headers=person.headers), 401, "unauthenticated")


def test_a_deleted_account_is_logged_out(api: TestClient) -> None:
    person = somebody()
    with db.transaction(person.user_id) as conn:
        conn.execute("DELETE FROM users")
    assert_problem(api.get("/auth/verify", headers=person.headers), 401, "unauthenticated")


def test_public_keys_are_read_again_when_a_new_one_shows_up(vault: Path, database_url: str) -> None:
    from photovault import migrate

    sessions.cached_public_keys(KEY.kid)
    newer = SigningKey.from_secret("a newer secret of the tests")
    migrate.upgrade(database_url, jwt_secrets=["a newer secret of the tests", SECRET])
    try:
        sessions._read_at -= 2  # a new kid is looked up at most once a second
        assert newer.kid in sessions.cached_public_keys(newer.kid)
        assert KEY.kid in sessions.cached_public_keys(KEY.kid)
    finally:
        migrate.upgrade(database_url, jwt_secrets=[SECRET])
