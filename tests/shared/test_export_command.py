"""``photovault export`` as a person meets it: who they are, what they are told, and what the shell gets."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from photovault import archive, client, exporting, ids
from photovault.cli import app, entering
from photovault.cli import export as command
from photovault.client import Client
from photovault.errors import Conflict, PhotoVaultError, Unavailable

PASSWORD = "correct horse battery"
Run = Callable[..., Result]


class Server:
    """Logs in whoever has the password."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        user = {"id": str(ids.new())}
        if request.url.path == "/auth/login":
            if json.loads(request.content) == {"email": "ada@example.com", "password": PASSWORD}:
                return httpx.Response(200, json={"user": user, "access_token": "a", "refresh_token": "r"})
        elif request.url.path == "/auth/logout":
            return httpx.Response(204)
        elif request.headers.get("authorization") == "Bearer given":
            return httpx.Response(200, json={"user": user})
        kind = "https://photovault.dev/problems/unauthenticated"
        return httpx.Response(401, json={"type": kind, "detail": "Wrong e-mail address or password."})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    made = Server()

    def connected(address: str, **_: Any) -> Client:
        return Client(address, transport=httpx.MockTransport(made))

    monkeypatch.setattr(client, "Client", connected)
    for name in ("SERVER", "EMAIL", "PASSWORD", "TOKEN", "API_KEY"):
        monkeypatch.delenv(f"PHOTOVAULT_{name}", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return made


@pytest.fixture
def run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command, with what its work is instead."""

    def running(
        *arguments: str, work: Any = None, environment: dict[str, str] | None = None, typed: str | None = None
    ) -> Result:
        def instead(_: Client, target: Path, *, fresh: bool, tell: Callable[[exporting.Event], None]) -> Any:
            if isinstance(work, BaseException):
                raise work
            tell(exporting.Begun(photos=3, bytes=30, done_photos=1, done_bytes=10, waiting=2, in_trash=1))
            tell(exporting.Advanced(10))
            tell(exporting.Advanced(-10))
            tell(exporting.Added("photos/a.jpg", 10))
            left_out = exporting.LeftOut("1", "[bold]b.jpg", "It is lost.")
            if work == "left out":
                tell(left_out)
            return exporting.Outcome(2, 20, [left_out] if work == "left out" else [])

        monkeypatch.setattr(exporting, "run", instead)
        environment = {"PHOTOVAULT_EMAIL": "ada@example.com", "PHOTOVAULT_PASSWORD": PASSWORD} | (environment or {})
        return CliRunner().invoke(app, ["export", str(tmp_path / "out.zip"), *arguments], env=environment, input=typed)

    return running


def test_it_logs_in_exports_and_logs_out(run: Run, server: Server) -> None:
    done = run()
    assert done.exit_code == 0
    assert server.paths == ["/auth/login", "/auth/logout"]
    for told in (
        "Going on: 1 photo is there",
        "2 photos are still on the way",
        "1 photo is in the trash",
        "2 photos are in",
    ):
        assert told in done.stderr, done.stderr
    assert done.stdout == ""


def test_photos_that_are_left_out_are_named_and_tell_the_shell(run: Run) -> None:
    done = run(work="left out")
    assert done.exit_code == 1
    assert "[bold]b.jpg: It is lost." in done.stderr
    assert "errors.txt" in done.stderr


def test_a_terminal_shows_names_and_sentences_of_others_and_obeys_none(run: Run, server: Server) -> None:
    told = run(work=PhotoVaultError("\x1b]0;title\x07\x1bc[red]gone")).stderr
    assert told.splitlines()[-1].strip() == "\ufffd]0;title\ufffd\ufffdc[red]gone"


def test_a_file_in_the_folder_names_no_server_to_send_the_password_to(
    run: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def connected(address: str, **_: Any) -> Client:
        asked.append(address)
        return Client(address, transport=httpx.MockTransport(server))

    monkeypatch.setattr(client, "Client", connected)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / ".photovault").mkdir()
    trap = {"PHOTOVAULT_SERVER": "https://evil.example", "HTTPS_PROXY": "http://evil.example"}
    (tmp_path / ".photovault" / "environment.json").write_text(json.dumps(trap))
    assert run().exit_code == 0
    assert asked == ["http://127.0.0.1:8999"]
    assert "HTTPS_PROXY" not in os.environ


def test_steps_are_lines_of_json_for_programs(run: Run) -> None:
    done = run("--json", work="left out")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["begun", "added", "left_out", "finished"]
    assert lines[1] == {"event": "added", "path": "photos/a.jpg", "bytes": 10}
    assert (lines[-1]["photos"], lines[-1]["left_out"]) == (2, 1)
    failed = run("--json", work=Conflict("There is one."))
    assert json.loads(failed.stdout) == {"event": "failed", "type": "conflict", "detail": "There is one."}


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "Stopped."),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "The disk is full."),
        (OSError(errno.EDQUOT, "Quota exceeded"), 1, "The disk is full."),
        (OSError(errno.EFBIG, "File too large"), 1, "another disk"),
        (PermissionError(errno.EACCES, "Permission denied", "out.zip"), 1, "out.zip: Permission denied."),
        (Unavailable("vault cannot be reached."), 1, "vault cannot be reached."),
        (PhotoVaultError("A sentence."), 1, "A sentence."),
    ],
    ids=["ctrl-c", "full", "quota", "fat32", "permission", "away", "other"],
)
def test_what_stops_it_is_a_sentence(run: Run, server: Server, error: BaseException, code: int, told: str) -> None:
    done = run(work=error)
    assert done.exit_code == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert server.paths[-1] == "/auth/logout"


def test_what_passes_says_that_it_can_be_gone_on_with(run: Run, tmp_path: Path) -> None:
    assert "same command" not in run(work=Unavailable("It is away.")).stderr
    archive.Archive(tmp_path / "out.zip", head={}).close()
    again = " ".join(run(work=Unavailable("It is away.")).stderr.split())
    assert again.endswith(f"It is away. {command.AGAIN}")


def test_a_wrong_password_is_told(run: Run) -> None:
    done = run(environment={"PHOTOVAULT_PASSWORD": "wrong"})
    assert done.exit_code == 1
    assert "Wrong e-mail address or password." in done.stderr


def test_a_token_is_used_and_its_session_left_alone(run: Run, server: Server) -> None:
    assert run(environment={"PHOTOVAULT_TOKEN": "given", "PHOTOVAULT_PASSWORD": ""}).exit_code == 0
    assert server.paths == ["/auth/verify"]


def test_without_anybody_to_ask_it_says_what_to_set(run: Run, server: Server) -> None:
    done = run(environment={"PHOTOVAULT_PASSWORD": ""})
    assert done.exit_code == 1
    assert "PHOTOVAULT_PASSWORD" in done.stderr
    assert server.paths == []


def test_a_person_is_asked_and_the_password_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entering, "somebody_is_there", lambda: True)
    done = run(environment={"PHOTOVAULT_EMAIL": "", "PHOTOVAULT_PASSWORD": ""}, typed=f"ada@example.com\n{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert "E-mail" in done.stderr
    assert PASSWORD not in done.output


def test_an_address_that_others_can_read_along_is_warned_of(run: Run) -> None:
    assert "not encrypted" in run("--server", "http://photos.example").stderr
    assert "not encrypted" not in run("--server", "https://photos.example").stderr
    assert "not encrypted" not in run("--server", "http://127.0.0.1:8999").stderr
    assert run("--server", "photos").exit_code == 1


def test_no_option_takes_a_secret() -> None:
    shown = CliRunner().invoke(app, ["export", "--help"]).output
    assert "--password" not in shown
    assert "--token" not in shown
