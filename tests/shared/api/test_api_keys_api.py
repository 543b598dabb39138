"""API keys over HTTP: made once, good for their scopes on every route, and for nothing else."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from tests.arranging import add_photo
from tests.shared.api.described import code_now, document, give_second_factor, operations, routers
from tests.vaults import PASSWORD, Somebody, client, somebody

from photovault import activity, api_keys, db, ids, scopes, throttles, users
from photovault.api import library_app
from photovault.observability import logger

pytestmark = pytest.mark.usefixtures("vault")

# What only somebody who has logged in may do. A new operation belongs here or into ``scopes.NEEDED``.
SESSION_ONLY = {
    "logOut", "listSessions", "endSession", "endOtherSessions", "deleteAccount",
    "editAccount", "changePassword", "giveProof", "createApiKey", "listApiKeys", "renameApiKey", "revokeApiKey",
    "getSecondFactor", "beginSecondFactor", "confirmSecondFactor", "removeSecondFactor", "renewRecoveryCodes",
    "createWebhook", "listWebhooks", "getWebhook", "editWebhook", "rotateWebhookSecret", "deleteWebhook", "testWebhook",
    "listDeliveries", "redeliver",
}  # fmt: skip


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture
def ada() -> Somebody:
    return somebody()


def make(http: TestClient, person: Somebody, *wanted: str, **more: Any) -> Any:
    body = {"name": "A test", "scopes": wanted, "password": PASSWORD, **more}
    answer = http.post("/auth/keys", json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def given(person: Somebody, *wanted: str) -> str:
    """A key, without proving anything for each of many."""
    with db.transaction(person.user_id) as conn:
        users.lock(conn)
        return api_keys.add(conn, name="A test", scopes=wanted, expires_at=None).secret


def by(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def problem_of(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rpartition("/")[2]


def kinds(person: Somebody) -> list[tuple[str, dict[str, Any]]]:
    with db.transaction(person.user_id) as conn:
        return [(event.kind, event.detail) for event in activity.latest(conn, limit=10)]


# ---------------------------------------------------------------------------------------------- making, seeing, ending


def test_a_key_is_told_once_and_listed_without_itself(http: TestClient, ada: Somebody) -> None:
    ends = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    made = make(http, ada, "photos:upload", "photos:read", expires_at=ends.isoformat())
    secret, key = made["secret"], made["key"]
    assert api_keys.is_well_formed(secret)
    assert key.keys() == {"id", "name", "hint", "scopes", "created_at", "expires_at", "last_used_at"}
    assert (key["name"], key["scopes"]) == ("A test", ["photos:read", "photos:upload"])
    assert (key["hint"], key["last_used_at"]) == (secret[:7], None)
    assert datetime.fromisoformat(key["expires_at"]) == ends
    listed = http.get("/auth/keys", headers=ada.headers)
    assert listed.json() == {"items": [key], "next_cursor": None}
    assert secret not in listed.text


def test_a_key_reads_what_its_owner_has(http: TestClient, ada: Somebody) -> None:
    photo = add_photo(ada.user_id)
    secret = make(http, ada, "photos:read")["secret"]
    found = http.get("/images/list", headers=by(secret)).json()["items"]
    assert [each["id"] for each in found] == [str(photo)]
    assert http.get("/auth/keys", headers=ada.headers).json()["items"][0]["last_used_at"] is not None


def test_a_key_works_with_each_function(http: TestClient, ada: Somebody) -> None:
    secret = make(http, ada, "photos:read", "account:read")["secret"]
    with TestClient(library_app(), base_url="https://photos.example") as library:
        assert library.get("/images/list", headers=by(secret)).status_code == 200
    assert http.get("/search", params={"q": "cat"}, headers=by(secret)).status_code == 200
    assert http.get("/auth/verify", headers=by(secret)).json()["user"]["email"] == ada.email


def test_a_revoked_key_is_401_at_once_and_the_history_tells(http: TestClient, ada: Somebody) -> None:
    made, other = make(http, ada, "photos:read"), make(http, ada, "photos:read")
    path = f"/auth/keys/{made['key']['id']}"
    assert http.get("/images/list", headers=by(made["secret"])).status_code == 200
    assert http.delete(path, headers=ada.headers).status_code == 204
    assert problem_of(http.get("/images/list", headers=by(made["secret"])), 401) == "unauthenticated"
    assert problem_of(http.delete(path, headers=ada.headers), 404) == "not-found"
    assert http.get("/images/list", headers=by(other["secret"])).status_code == 200
    assert [kind for kind, _ in kinds(ada)] == ["api-key-revoked", "api-key-created", "api-key-created"]
    assert made["secret"][7:] not in str(kinds(ada))


def test_a_key_that_ends_while_a_request_runs_reads_nothing_more(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(http, ada, "photos:read")
    authenticate = api_keys.authenticate

    def revoked_in_between(token: str, *, address: str) -> api_keys.Found:
        found = authenticate(token, address=address)
        http.delete(f"/auth/keys/{made['key']['id']}", headers=ada.headers)
        return found

    monkeypatch.setattr(api_keys, "authenticate", revoked_in_between)
    assert problem_of(http.get("/images/list", headers=by(made["secret"])), 401) == "unauthenticated"


def test_a_key_gets_another_name_and_no_other_rights(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada, "photos:read")
    path = f"/auth/keys/{made['key']['id']}"
    renamed = http.patch(path, json={"name": " The frame "}, headers=ada.headers)
    assert renamed.json() == made["key"] | {"name": "The frame"}
    assert problem_of(http.patch(path, json={"name": "x", "scopes": ["photos:write"]}, headers=ada.headers), 422)
    assert http.get("/auth/keys", headers=ada.headers).json()["items"] == [renamed.json()]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []}, {"scopes": ["photos:everything"]}, {"scopes": "photos:read"}, {"scopes": None}, {"name": ""},
        {"name": "  "}, {"name": "n" * 101}, {"name": "nul\x00"}, {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2101-01-01T00:00:00"}, {"expires_at": "soon"}, {"admin": True},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_a_key_is_refused_by_name(http: TestClient, ada: Somebody, wrong: dict[str, Any]) -> None:
    body = {"name": "A test", "scopes": ["photos:read"], "password": PASSWORD} | wrong
    answer = http.post("/auth/keys", json=body, headers=ada.headers)
    assert problem_of(answer, 422) == "invalid"
    assert answer.json()["errors"][0]["field"].startswith(next(iter(wrong)))
    assert http.get("/auth/keys", headers=ada.headers).json()["items"] == []


@pytest.mark.parametrize("password", [None, "", "wrong", PASSWORD.upper()], ids=str)
def test_whoever_finds_an_open_browser_makes_no_key(http: TestClient, ada: Somebody, password: str | None) -> None:
    body = {"name": "Mine now", "scopes": ["photos:read"]} | ({} if password is None else {"password": password})
    refused = http.post("/auth/keys", json=body, headers=ada.headers)
    if password is None:
        assert problem_of(refused, 422) == "invalid"
    else:
        assert problem_of(refused, 401) == "password-wrong"
    assert http.get("/auth/keys", headers=ada.headers).json()["items"] == []


def test_two_step_log_in_asks_for_a_code_of_whoever_makes_a_key(http: TestClient, ada: Somebody) -> None:
    give_second_factor(ada)
    body = {"name": "A frame", "scopes": ["photos:read"], "password": PASSWORD}
    assert problem_of(http.post("/auth/keys", json=body, headers=ada.headers), 401) == "second-factor-needed"
    wrong = http.post("/auth/keys", json=body | {"code": "000000x"}, headers=ada.headers)
    assert problem_of(wrong, 401) == "second-factor-wrong"
    assert http.post("/auth/keys", json=body | {"code": code_now()}, headers=ada.headers).status_code == 201


def test_what_cannot_be_made_uses_up_no_code(http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    give_second_factor(ada)
    body = {"name": "A frame", "scopes": ["photos:read"], "password": PASSWORD, "code": code_now()}
    past = http.post("/auth/keys", json=body | {"expires_at": "2001-01-01T00:00:00Z"}, headers=ada.headers)
    assert problem_of(past, 422) == "invalid"
    monkeypatch.setattr(api_keys, "MOST", 0)
    assert problem_of(http.post("/auth/keys", json=body, headers=ada.headers), 409) == "conflict"
    monkeypatch.undo()
    assert http.post("/auth/keys", json=body, headers=ada.headers).status_code == 201


# ------------------------------------------------------------------------------------------------------------- scopes


def secured() -> dict[str, list[dict[str, list[str]]]]:
    return {o.id: o.details["security"] for o in operations() if o.details.get("security")}


def test_every_operation_says_which_scope_it_needs_or_that_none_will_do() -> None:
    found = secured()
    assert found.keys() == scopes.NEEDED.keys() | SESSION_ONLY
    assert not scopes.NEEDED.keys() & SESSION_ONLY
    for operation_id, ways in found.items():
        by_key = [{"apiKey": [scopes.NEEDED[operation_id]]}] if operation_id in scopes.NEEDED else []
        assert ways == [{"session": []}, *by_key], operation_id


def test_every_scope_means_something_and_is_needed_somewhere() -> None:
    assert scopes.MEANINGS.keys() == set(scopes.SCOPES) == set(scopes.NEEDED.values())
    told = document()["components"]["securitySchemes"]["apiKey"]["description"]
    assert all(f"`{scope}`" in told for scope in scopes.SCOPES)


def test_nothing_that_only_reads_changes_anything() -> None:
    """Scopes to read are of methods that read, but for what is asked in a body, and exports, which are lists."""
    asked_in_a_body = {"searchByImage", "previewSmartAlbum", "createExport", "deleteExport"}
    for operation in operations():
        scope = scopes.NEEDED.get(operation.id, "")
        if scope.endswith(":read") and operation.id not in asked_in_a_body:
            assert operation.method == "GET", operation.id
        if operation.method == "GET" and scope:
            assert scope.endswith(":read"), operation.id


def test_without_its_scope_a_key_is_403_on_every_route_and_with_it_is_let_in(http: TestClient, ada: Somebody) -> None:
    """Nothing is behind the ids, so that whoever is let in gets anything but 401 and 403."""
    only = {scope: given(ada, scope) for scope in scopes.SCOPES}
    lacking = {scope: given(ada, *(each for each in scopes.SCOPES if each != scope)) for scope in scopes.SCOPES}
    for operation in operations():
        path = operation.path
        for name in operation.path_names:
            path = path.replace(f"{{{name}}}", str(ids.new()))
        if operation.id not in scopes.NEEDED:
            continue
        scope = scopes.NEEDED[operation.id]
        refused = http.request(operation.method, path, headers=by(lacking[scope]))
        assert problem_of(refused, 403) == "scope-missing", operation.id
        assert scope in refused.json()["detail"]
        assert refused.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'
        taken = http.request(operation.method, path, headers=by(only[scope]))
        assert taken.status_code not in {401, 403, 500}, (operation.id, taken.text)


def test_no_key_may_do_what_is_for_sessions_alone(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada, *scopes.SCOPES)
    for operation in operations():
        if operation.id in SESSION_ONLY:
            path = operation.path.replace("{session_id}", str(ada.session_id)).replace("{key_id}", made["key"]["id"])
            path = re.sub(r"{\w+}", str(ids.new()), path)
            refused = http.request(operation.method, path, headers=by(made["secret"]))
            assert problem_of(refused, 403) == "session-needed", operation.id
    assert http.get("/auth/keys", headers=ada.headers).json()["items"][0]["scopes"] == sorted(scopes.SCOPES)


def test_a_key_for_albums_cannot_try_filters_on_photos_that_are_in_none(http: TestClient, ada: Somebody) -> None:
    secret = make(http, ada, "albums:read")["secret"]
    tried = http.post("/albums/smart/preview", json={"query": "Berlin"}, headers=by(secret))
    assert problem_of(tried, 403) == "scope-missing"


def test_an_operation_that_nobody_declared_is_closed_to_keys(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = make(http, ada, *scopes.SCOPES)["secret"]
    monkeypatch.delitem(scopes.NEEDED, "listImages")
    assert problem_of(http.get("/images/list", headers=by(secret)), 403) == "session-needed"


# -------------------------------------------------------------------------------------------------------------- attacks


def test_wrong_keys_are_401_and_those_of_a_kind_429_after_a_while(
    vault: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "KEY_ADDRESS", throttles.Bucket("api-key-address", capacity=3, seconds=60))
    with client(routers()) as http:
        good = make(http, ada, "photos:read")["secret"]
        mistyped = good[:20] + ("a" if good[20] != "a" else "b") + good[21:]
        for wrong in (mistyped, good[:-1], good + "0", good.upper(), "pv_", "pv_é", "PV_" + good[3:], good[3:]):
            answer = http.get("/images/list", headers={"Authorization": f"Bearer {wrong}".encode("latin-1")})  # type: ignore[dict-item]
            assert problem_of(answer, 401) == "unauthenticated", wrong
            assert answer.headers["www-authenticate"] == "Bearer"
        unknown = [http.get("/images/list", headers=by(api_keys.generate())) for _ in range(4)]
        assert [answer.status_code for answer in unknown] == [401, 401, 401, 429]
        assert int(unknown[-1].headers["retry-after"]) > 0
        assert http.get("/images/list", headers=by(good)).status_code == 200


def test_a_key_is_no_access_token_and_no_refresh_token(http: TestClient, ada: Somebody) -> None:
    secret = make(http, ada, *scopes.SCOPES)["secret"]
    assert http.post("/auth/refresh", json={"refresh_token": secret}).status_code == 401
    answer = http.get("/images/list", params={"access_token": secret, "key": secret}, headers={"X-Api-Key": secret})
    assert answer.status_code == 401


def test_a_key_of_one_person_is_nothing_to_another(http: TestClient, ada: Somebody) -> None:
    eve = somebody()
    photo, secret = add_photo(ada.user_id), make(http, eve, *scopes.SCOPES)["secret"]
    assert http.get(f"/images/{photo}", headers=by(secret)).status_code == 404
    key_id = make(http, ada, "photos:read")["key"]["id"]
    for method, body in (("DELETE", None), ("PATCH", {"name": "mine"})):
        assert problem_of(http.request(method, f"/auth/keys/{key_id}", json=body, headers=eve.headers), 404)


def test_no_log_and_no_error_holds_a_key(
    http: TestClient, ada: Somebody, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = io.StringIO()
    handler = logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(told)
    answers = []
    try:
        with caplog.at_level(logging.DEBUG):
            secret = make(http, ada, "photos:read", "account:read")["secret"]
            unknown, mistyped = api_keys.generate(), secret[:-1] + "-"
            answers += [http.get("/images/list", headers=by(each)) for each in (secret, unknown, mistyped)]
            answers += [http.delete("/images/trash", headers=by(secret)), http.get("/nowhere", headers=by(secret))]

            def crash(*_: Any, **__: Any) -> None:
                raise RuntimeError("broken")

            monkeypatch.setattr(api_keys, "require", crash)
            answers.append(http.get("/auth/verify", headers=by(secret)))
    finally:
        if before is not None:
            handler.setStream(before)
    assert answers[-1].status_code == 500
    written = told.getvalue() + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "request.crashed" in written
    for each in (secret, unknown, mistyped):
        assert each[7:] not in written + "".join(answer.text for answer in answers)


def test_the_names_of_scopes_are_the_ones_that_bodies_take() -> None:
    schema = document()["components"]["schemas"]["NewKey"]["properties"]["scopes"]
    assert tuple(schema["items"]["enum"]) == get_args(scopes.Scope)
