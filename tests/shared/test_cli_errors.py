"""What can go wrong on a command line: each is a sentence that says what to do next, and no traceback."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from tests.pictures import encode, paint
from tests.shared.test_cli_persons import KEY, PASSWORD, Run, Server, logged_in, problem, run, server

from photovault import errors, remedies
from photovault.cli import entering, telling
from photovault.errors import PhotoVaultError

__all__ = ["logged_in", "run", "server"]

PHOTO = encode(paint(1, (32, 24)), format="JPEG")


def kinds(base: type[PhotoVaultError] = PhotoVaultError) -> Iterator[type[PhotoVaultError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


TYPES = sorted({(kind.type, kind.status, kind.title) for kind in kinds() if kind.__module__ == errors.__name__})
# What the edge answers without an error of ours: its types are the statuses' own phrases.
OF_THE_EDGE = [
    (status.phrase.lower().replace(" ", "-"), status.value, status.phrase)
    for status in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.PRECONDITION_FAILED,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    )
]
# What a person can do: a command to run, or where to look or whom to ask.
NEXT = re.compile(
    r"`photovault |PHOTOVAULT_|\b(again|Wait|Correct|Make|Save|Empty|Tell|Look for|Is the address|Set|Run|Try)\b"
)
COMMANDS = {
    "whoami": ["whoami"],
    "search": ["search", "dogs"],
    "upload": ["upload", "{photo}"],
    "import": ["import", "takeout", "{photo}"],
    "export": ["export", "{photo}.zip"],
}


def answered(server: Server, answer: Callable[[], Any]) -> None:
    """From now on everything is answered like this."""

    class Everything(dict[str, Any]):
        def __contains__(self, path: object) -> bool:
            return True

        def __getitem__(self, path: str) -> Any:
            return answer()

    server.answers = Everything()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Takeout"
    made.mkdir()
    (made / "a.jpg").write_bytes(PHOTO)
    return made


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (command, each)
        for command in COMMANDS
        for each in [*TYPES, *OF_THE_EDGE]
        if command == "whoami" or each[0] in {"unauthenticated", "quota-exceeded", "storage-unavailable"}
    ],
    ids=lambda value: str(value) if isinstance(value, str) else value[0],
)
def test_every_problem_of_the_api_says_what_to_do_next(
    run: Run, server: Server, folder: Path, command: str, answer: tuple[str, int, str]
) -> None:
    kind, status, title = answer
    answered(server, lambda: problem(status, kind, title))
    words = [word.format(photo=folder) for word in COMMANDS[command]]
    line = json.loads(run(*words, "--json", code=1, API_KEY=KEY).stdout.splitlines()[-1])
    assert (line["event"], line["type"]) == ("failed", kind)
    assert line["detail"].endswith((".", "?"))
    assert NEXT.search(line["detail"].removeprefix(title)), line["detail"]


def test_what_programs_get_as_a_line_people_get_on_stderr(logged_in: Run, server: Server) -> None:
    answered(server, lambda: problem(413, "quota-exceeded", "The vault is full."))
    told = logged_in("whoami", code=1)
    assert told.stdout == ""
    assert told.stderr.startswith("The vault is full. Empty the trash")


def test_every_status_that_the_api_names_has_its_next_step() -> None:
    from photovault import api
    from photovault.api import describing

    named = {
        int(status)
        for methods in api.describe()["paths"].values()
        for method, operation in methods.items()
        if method in describing.METHODS
        for status in operation["responses"]
        if status >= "4"
    }
    assert named
    for status in named:
        assert NEXT.search(remedies.remedy("of-tomorrow", status, "Said so.")), status


# -------------------------------------------------------------------------------------------- no network, no server

GONE = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
UNPROVEN = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNPROVEN.verify_message = "self-signed certificate"
PLAIN = ssl.SSLError(1, "wrong version number")
PLAIN.reason = "WRONG_VERSION_NUMBER"


@pytest.mark.parametrize(
    ("error", "cause", "told"),
    [
        (httpx.ConnectError("x"), ConnectionRefusedError(111, "Connection refused"), "Is the vault running"),
        (httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known"), "this computer is off line"),
        (httpx.ConnectError("x"), OSError(errno.ENETUNREACH, "Network is unreachable"), "Is this computer on line?"),
        (httpx.ConnectError("x"), UNPROVEN, "does not prove who it is (self-signed certificate)"),
        (httpx.ConnectError("x"), PLAIN, "http:// instead of https://"),
        (httpx.ConnectTimeout("x"), None, "does not answer in time"),
        (httpx.ReadError("x"), GONE, "broke the connection off"),
        (httpx.RemoteProtocolError("Server disconnected"), None, "broke the connection off"),
        (httpx.DecodingError("x"), None, "as a server should"),
    ],
    ids=["nobody", "no name", "no network", "certificate", "no tls", "slow", "reset", "half an answer", "garbage"],
)
def test_a_server_that_is_not_reached_is_told_with_what_to_look_at(
    logged_in: Run, server: Server, error: httpx.HTTPError, cause: Exception | None, told: str
) -> None:
    def away() -> Any:
        raise error from cause

    answered(server, away)
    server.asked.clear()
    assert told in logged_in("whoami", code=1).stderr
    hopeless = cause in {UNPROVEN, PLAIN} or isinstance(error, httpx.DecodingError)
    assert len(server.asked) == (1 if hopeless else 3), "what will not pass is not tried again"


def test_a_server_that_goes_away_between_two_pages_says_so(logged_in: Run, server: Server) -> None:
    pages = iter([{"items": [], "next_cursor": "more"}])
    server.answers["/albums/"] = lambda _: next(pages, problem(503, "unavailable", "The database is away."))
    assert "The database is away. Try again" in logged_in("albums", "list", code=1).stderr


@pytest.mark.parametrize("body", [{"hello": "world"}, [], "text", None], ids=["object", "list", "text", "nothing"])
@pytest.mark.parametrize("command", [["login", "--email", "a@b.example"], ["albums", "list"]], ids=lambda each: each[0])
def test_another_service_at_the_address_is_told(logged_in: Run, server: Server, command: list[str], body: Any) -> None:
    environment = {"PASSWORD": PASSWORD} if command[0] == "login" else {}
    answered(server, lambda: httpx.Response(200, json=body))
    assert "Is the address right?" in logged_in(*command, code=1, **environment).stderr


@pytest.mark.parametrize(
    "address", ["photos.example.com", "ftp://x", "http://", "http://a b", "http://ä..ö", "http://x:99999"]
)
def test_an_address_that_is_none_is_told(run: Run, address: str) -> None:
    assert "is not the address of a server" in run("whoami", "--server", address, code=1).stderr


def test_a_session_that_was_ended_elsewhere_says_how_to_begin_another(logged_in: Run, server: Server) -> None:
    server.answers |= {
        path: problem(401, "unauthenticated", "There is no session here; log in.")
        for path in ("/auth/verify", "/auth/refresh")
    }
    assert logged_in("whoami", code=1).stderr == "There is no session here; log in. Run `photovault login`.\n"


def test_a_key_that_was_revoked_says_where_keys_are(run: Run, server: Server) -> None:
    answered(server, lambda: problem(401, "unauthenticated", "This API key does not exist, or was revoked."))
    assert "PHOTOVAULT_API_KEY" in run("albums", "list", code=1, API_KEY="pv_gone").stderr


def test_a_wrong_password_is_not_sent_back_to_where_it_came_from(run: Run) -> None:
    told = run("login", "--email", "ada@example.com", code=1, PASSWORD="wrong").stderr
    assert told.endswith("password is wrong. Try again.\n")


# ----------------------------------------------------------------------------------------------- Ctrl-C, the disk


@pytest.mark.parametrize("command", [*COMMANDS, "login"])
def test_ctrl_c_ends_a_command_in_a_sentence(logged_in: Run, server: Server, folder: Path, command: str) -> None:
    def interrupted() -> Any:
        raise KeyboardInterrupt

    answered(server, interrupted)
    words = [word.format(photo=folder) for word in COMMANDS.get(command, ["login", "--email", "ada@example.com"])]
    assert "Stopped." in logged_in(*words, code=130, PASSWORD="" if command != "login" else PASSWORD).stderr


def test_a_question_that_is_not_answered_ends_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def left(*_: object, **__: object) -> str:
        raise typer.Abort

    monkeypatch.setattr(entering, "somebody_is_there", lambda: True)
    monkeypatch.setattr(typer, "prompt", left)
    assert run("login", code=130).stderr.endswith("Stopped.\n")


def test_a_full_disk_keeps_nobody_logged_in_and_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    told = run("login", "--email", "ada@example.com", code=1, PASSWORD=PASSWORD).stderr
    assert "session.json cannot be written (No space left on device)." in told


def test_a_full_disk_loses_no_session(logged_in: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = entering.store().read()
    server.answers["/auth/verify"] = lambda _: problem(401, "unauthenticated", "The access token has expired.")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert "session.json cannot be written (No space left" in logged_in("whoami", code=1).stderr
    assert "/auth/refresh" not in [path for _, path in server.asked], "it would have been used up"
    assert entering.store().read() == before
    assert [each.name for each in entering.store().path.parent.glob(".*")] == []


def test_a_folder_that_nobody_may_enter_is_told(logged_in: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def refused(path: Path, **_: object) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", refused)
        told = logged_in("upload", str(folder), code=1).stderr
    assert told == f"{folder}: Permission denied.\n"


# ------------------------------------------------------------------------------------------------------ terminals

ID = "01a20721-b5ea-7eb1-af8d-340a8e49e7b4"
ODD = ["line\nbreak.jpg", "\u202egpj.exe", os.fsdecode(b"caf\xe9.jpg"), "\x1b[31mred.jpg", "ünïcödé….jpg"]


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
        {"COLUMNS": "40"},
        {"NO_COLOR": "1"},
    ],
    ids=["C", "ascii", "40 columns", "no colour"],
)
def test_names_of_any_kind_are_told_whatever_the_terminal_shows(tmp_path: Path, environment: dict[str, str]) -> None:
    done = photovault(tmp_path, "upload", *(str(tmp_path / name) for name in ODD), **environment)
    assert (done.returncode, b"is not there" in done.stderr.replace(b"\n", b" ")) == (2, True)
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stderr


@pytest.mark.parametrize("columns", [40, 200])
def test_an_id_is_never_folded(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    made = telling.table("album", "photos", "days", "id")
    made.add_row("Lisbon & Porto", "1,200", "", ID)
    telling.show(made)
    told = capsys.readouterr().out
    assert ID in told
    assert ("Lisbon & Porto  1,200 photos\n" in told) is (columns == 40)


@pytest.mark.parametrize("typed", ["Überlauf".encode(), b"caf\xe9"], ids=["utf-8", "latin-1"])
def test_what_a_locale_cannot_read_is_sent_as_it_was_typed(run: Run, server: Server, typed: bytes) -> None:
    sent: list[Any] = []

    def create(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["title"])
        return problem(409, "conflict")

    server.answers["/albums/manual"] = create
    run("albums", "create", typed.decode("ascii", "surrogateescape"), code=1, API_KEY=KEY)
    assert sent == [typed.decode("utf-8", "replace")]


def test_the_field_that_is_wrong_is_told_and_not_where_it_travels() -> None:
    assert remedies.sentence("query.kind: Input should be 'a'; body.items.0: too long") == (
        "Kind: Input should be 'a'; items.0: too long."
    )


def test_output_that_nobody_can_keep_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = photovault(tmp_path, "keys", "generate", stdout=full)
    assert (done.returncode, done.stderr) == (1, b"The output cannot be written: No space left on device.\n")


def photovault(tmp_path: Path, *words: str, stdout: Any = subprocess.PIPE, **environment: str) -> Any:
    known = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", "from photovault.cli import main; main()", *words]
    return subprocess.run(
        command, env=known | environment, stdout=stdout, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False
    )
