"""``photovault api-keys``: made after the password, listed, revoked, and nothing lost by a mistyped password."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.shared.test_cli_persons import HOSTILE, KEY, PASSWORD, Run, Server, logged_in, problem, run, server

from photovault import ids
from photovault.cli import entering

__all__ = ["logged_in", "run", "server"]

CREATE = ("api-keys", "create", "The NAS", "--scope", "photos:upload", "--scope", "account:read")


def key(name: str, hint: str = "pv_3fGh") -> dict[str, Any]:
    return {
        "id": str(ids.new()),
        "name": name,
        "hint": hint,
        "scopes": ["photos:upload"],
        "created_at": "2026-05-01T12:00:00Z",
        "expires_at": None,
        "last_used_at": None,
    }


class Keys:
    """What the vault answers at /auth/keys; ``asked`` are the bodies of requests to make one."""

    def __init__(self, server: Server, *, code: str | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.code = code
        server.answers["/auth/keys"] = self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"items": [key("The NAS"), key(HOSTILE, "pv_9xYz")], "next_cursor": None})
        body = json.loads(request.content)
        self.asked.append(body)
        if body["password"] != PASSWORD:
            return problem(401, "password-wrong", "The password is wrong.")
        if self.code and "code" not in body:
            return problem(401, "second-factor-needed")
        if self.code and body["code"] != self.code:
            return problem(401, "second-factor-wrong")
        return httpx.Response(201, json={"key": key(body["name"]), "secret": KEY})


@pytest.fixture
def keys(server: Server) -> Keys:
    return Keys(server)


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What somebody at a terminal types, in its order."""
    lines: list[str] = []
    monkeypatch.setattr(entering, "somebody_is_there", lambda: True)
    monkeypatch.setattr(entering, "asked", lambda *_, **__: lines.pop(0))
    return lines


def test_a_key_is_made_after_the_password_and_printed_alone(logged_in: Run, keys: Keys, typing: list[str]) -> None:
    typing += ["mistyped", "and again", PASSWORD]
    done = logged_in(*CREATE, "--days", "30")
    assert done.stdout == f"{KEY}\n"
    assert done.stderr.count("The password is wrong.") == 2
    assert typing == []
    (last,) = {json.dumps({name: body[name] for name in ("name", "scopes", "expires_at")}) for body in keys.asked}
    assert json.loads(last)["scopes"] == ["photos:upload", "account:read"], "what was given stays as it was"
    assert json.loads(last)["expires_at"] is not None


def test_a_code_is_asked_for_where_log_in_asks_for_one(
    logged_in: Run, server: Server, keys: Keys, typing: list[str]
) -> None:
    keys.code = "123456"
    typing += [PASSWORD, "000000", " 123456 "]
    sessions = server.sessions
    assert logged_in(*CREATE).stdout == f"{KEY}\n"
    assert [body.get("code") for body in keys.asked] == [None, "000000", "123456"]
    assert server.sessions == sessions, "a wrong code says nothing about the session"


def test_who_goes_on_mistyping_is_not_asked_for_ever(logged_in: Run, keys: Keys, typing: list[str]) -> None:
    typing += ["wrong"] * 20
    assert "The password is wrong." in logged_in(*CREATE, code=1).stderr
    assert len(keys.asked) == 6


def test_a_script_gives_the_password_in_its_environment(run: Run, keys: Keys) -> None:
    done = run(*CREATE, "--json", EMAIL="ada@example.com", PASSWORD=PASSWORD)
    assert json.loads(done.stdout)["secret"] == KEY


def test_without_anybody_to_ask_it_says_what_to_set(logged_in: Run, keys: Keys) -> None:
    done = logged_in(*CREATE, code=1)
    assert "PHOTOVAULT_PASSWORD" in done.stderr
    assert keys.asked == []


def test_a_scope_that_there_is_not_is_named_before_anything_is_asked(logged_in: Run, keys: Keys) -> None:
    done = logged_in("api-keys", "create", "The NAS", "--scope", "photos:everything", code=1)
    assert "photos:everything" in done.stderr
    assert "photos:upload" in done.stderr
    assert keys.asked == []


def test_keys_are_listed_without_what_others_wrote_doing_anything(logged_in: Run, keys: Keys) -> None:
    done = logged_in("api-keys")
    assert "The NAS" in done.stdout
    assert "pv_9xYz" in done.stdout
    assert "\x1b]0" not in done.stdout
    lines = logged_in("api-keys", "list", "--json").stdout.splitlines()
    assert [json.loads(line)["hint"] for line in lines] == ["pv_3fGh", "pv_9xYz"]


@pytest.mark.parametrize("wanted", ["The NAS", "pv_3fGh"])
def test_a_key_is_revoked_by_its_name_or_how_it_begins(logged_in: Run, server: Server, keys: Keys, wanted: str) -> None:
    known = key("The NAS")
    server.answers["/auth/keys"] = {"items": [known], "next_cursor": None}
    server.answers[f"/auth/keys/{known['id']}"] = httpx.Response(204)
    assert "The NAS opens nothing any more." in logged_in("api-keys", "revoke", wanted).stdout
    assert server.asked[-1][1] == f"/auth/keys/{known['id']}"


def test_a_name_that_several_or_none_have_revokes_nothing(logged_in: Run, server: Server, keys: Keys) -> None:
    server.answers["/auth/keys"] = {"items": [key("Same", "pv_a"), key("Same", "pv_b")], "next_cursor": None}
    for wanted, told in (("Same", "Several keys"), ("Other", "There is no API key")):
        assert told in logged_in("api-keys", "revoke", wanted, code=1).stderr
    assert server.asked[-1][1] == "/auth/keys"
