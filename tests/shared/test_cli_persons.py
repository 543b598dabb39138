"""A person's commands as they meet them: who they are, what they are told, what shells get, and what never shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.pictures import encode, paint
from typer.testing import CliRunner, Result

from photovault import __version__, client, ids
from photovault.cli import OF_OPERATORS, app, entering
from photovault.client import Client
from photovault.credentials import Store

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
KEY = "pv_secretsecretsecret"
USER = {"id": str(ids.new()), "email": "ada@example.com", "name": "Ada"}
PHOTO = encode(paint(1, (32, 24)), format="JPEG")
HOSTILE = "\x1b]0;owned\x07\u202egpj.\nexe"
HERE = "http://127.0.0.1:8999"
Run = Callable[..., Result]


def problem(status: int, kind: str, detail: str = "Said so.") -> httpx.Response:
    return httpx.Response(status, json={"type": f"https://photovault.dev/problems/{kind}", "detail": detail})


class Server:
    """A vault of one person, who has no photos. ``answers`` come first, by path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, Any] = {}
        self.code: str | None = None
        self.sessions = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append((str(request.url.copy_with(path="/", query=None)), path))
        if path in self.answers:
            answer = self.answers[path]
            answer = answer(request) if callable(answer) else answer
            return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)
        if path in {"/auth/login", "/auth/signup"}:
            return self._enter(json.loads(request.content))
        if request.headers.get("authorization") not in {f"Bearer access{self.sessions}", f"Bearer {KEY}"}:
            return problem(401, "unauthenticated", "Log in first.")
        if path == "/auth/logout":
            return httpx.Response(204)
        if path == "/auth/verify":
            return httpx.Response(200, json={"user": USER})
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    def _enter(self, body: dict[str, Any]) -> httpx.Response:
        if body["password"] != PASSWORD:
            return problem(401, "unauthenticated", "The e-mail address or the password is wrong.")
        if self.code and "code" not in body:
            return problem(401, "second-factor-needed")
        if self.code and body["code"] != self.code:
            return problem(401, "second-factor-wrong")
        self.sessions += 1
        tokens = {"access_token": f"access{self.sessions}", "refresh_token": f"refresh{self.sessions}"}
        return httpx.Response(200, json={"user": USER} | tokens)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    made = Server()

    def connected(address: str, **options: Any) -> Client:
        return Client(address, transport=httpx.MockTransport(made), **options | {"sleep": lambda _: None})

    monkeypatch.setattr(client, "Client", connected)
    for name in [name for name in os.environ if name.startswith("PHOTOVAULT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def run(server: Server) -> Run:
    def running(*arguments: str, code: int = 0, typed: str | None = None, **environment: str) -> Result:
        environment = {f"PHOTOVAULT_{name}": text for name, text in environment.items()}
        done = CliRunner().invoke(app, list(map(str, arguments)), env=environment, input=typed)
        assert done.exit_code == code, (done.output, done.exception)
        assert "Traceback" not in done.output
        return done

    return running


@pytest.fixture
def logged_in(run: Run) -> Run:
    run("login", "--email", "ada@example.com", "--password-stdin", typed=f"{PASSWORD}\n")
    return run


@pytest.fixture
def store(server: Server) -> Store:
    return entering.store()


# ----------------------------------------------------------------------------------------------------- who it is


def test_who_logs_in_stays_logged_in_until_they_log_out(run: Run, server: Server, store: Store) -> None:
    assert "as ada@example.com" in run("login", "--email", "ada@example.com", PASSWORD=PASSWORD).stdout
    assert run("whoami").stdout == f"Ada <ada@example.com> at {HERE}\n"
    run("logout")
    assert ("http://127.0.0.1:8999/", "/auth/logout") in server.asked
    assert store.read().sessions == {}
    assert "not logged in" in run("whoami", "--server", HERE, code=1).stderr
    assert "not logged in anywhere" in run("logout").stdout


def test_who_signs_up_is_logged_in(run: Run, store: Store) -> None:
    told = run("signup", "--email", "ada@example.com", "--name", "Ada", "--password-stdin", typed=f"{PASSWORD}\r\n")
    assert "Welcome, Ada." in told.stdout
    assert store.read().current == HERE


def test_a_session_goes_to_the_server_that_it_is_of_and_to_no_other(logged_in: Run, server: Server) -> None:
    server.asked.clear()
    told = logged_in("whoami", "--server", "https://other.example", code=1)
    assert "not logged in at https://other.example" in told.stderr
    assert server.asked == []


def test_the_server_that_was_logged_in_at_last_is_meant(logged_in: Run, server: Server) -> None:
    logged_in("login", "--server", "https://b.example", "--email", "ada@example.com", PASSWORD=PASSWORD)
    assert "https://b.example" in logged_in("whoami").stdout
    logged_in("logout")
    server.sessions = 1  # the first session is as good as it was
    assert HERE in logged_in("whoami").stdout


def test_logging_in_again_ends_the_session_before(logged_in: Run, server: Server) -> None:
    ended: list[str] = []
    server.answers["/auth/logout"] = lambda r: ended.append(r.headers["authorization"]) or httpx.Response(204)
    logged_in("login", "--email", "ada@example.com", PASSWORD=PASSWORD)
    assert ended == ["Bearer access1"]
    logged_in("whoami")


def test_an_api_key_is_kept_like_a_session_and_not_ended(run: Run, server: Server, store: Store) -> None:
    run("login", "--api-key", "--password-stdin", typed=f"{KEY}\n")
    (kept,) = store.read().sessions.values()
    assert (kept.email, kept.is_key) == ("ada@example.com", True)
    run("whoami")
    run("logout")
    assert "/auth/logout" not in [path for _, path in server.asked]


def test_a_key_of_the_environment_needs_no_login(run: Run, store: Store) -> None:
    assert "Ada" in run("whoami", API_KEY=KEY).stdout
    assert not store.path.exists()


def test_a_key_that_may_only_upload_uploads(run: Run, server: Server, tmp_path: Path) -> None:
    lacks = problem(403, "scope-missing", "This API key lacks the scope account:read.")
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    server.answers |= {"/auth/verify": lacks, "/images/uploads/check": check, "/images/list": lacks}
    assert "1 there already" in run("upload", str(tmp_path / "a.jpg"), API_KEY=KEY).stderr
    assert "account:read" in run("login", "--api-key", API_KEY=KEY, code=1).stderr
    assert "account:read" in run("whoami", API_KEY=KEY, code=1).stderr


@pytest.mark.parametrize("code", ["123456", " 123456 "])
def test_a_code_is_asked_for_where_there_is_a_second_factor(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    server.code = "123456"
    monkeypatch.setattr(entering, "somebody_is_there", lambda: True)
    told = run("login", "--email", "ada@example.com", typed=f"{PASSWORD}\n000000\n{code}\n")
    assert "logged in" in told.stdout
    assert "code is wrong" in told.stderr


def test_without_anybody_to_ask_a_code_comes_from_the_environment(run: Run, server: Server) -> None:
    server.code = "123456"
    told = run("login", "--email", "a@b.c", "--password-stdin", typed=PASSWORD, code=1)
    assert "PHOTOVAULT_CODE" in told.stderr
    run("login", "--email", "a@b.c", "--password-stdin", typed=PASSWORD, CODE="123456")
    assert "code is wrong" in run("login", "--email", "a@b.c", PASSWORD=PASSWORD, CODE="1", code=1).stderr


def test_two_passwords_are_no_new_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entering, "somebody_is_there", lambda: True)
    typed = f"ada@example.com\nAda\none\ntwo\n{PASSWORD}\n{PASSWORD}\n"
    told = run("signup", typed=typed)
    assert "two passwords" in told.stderr
    assert PASSWORD not in told.output


@pytest.mark.parametrize("command", ["whoami", "albums", "labels", "people", "search x", "upload ."])
def test_without_a_session_it_says_how_to_get_one(run: Run, server: Server, command: str) -> None:
    assert "photovault login" in run(*command.split(), code=1).output
    assert server.asked == []


def test_no_server_named_is_told(run: Run) -> None:
    assert f"this is about {HERE}" in run("whoami", API_KEY=KEY).stderr
    assert "this is about" not in run("whoami", API_KEY=KEY, SERVER=HERE).stderr


@pytest.mark.parametrize("command", ["signup", "login", "whoami", "upload", "search", "doctor"])
def test_no_option_takes_a_secret(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    assert not re.search(r"--(password|token|api-key|code) +<(?!bool)", shown), shown


def test_a_file_in_the_folder_decides_nothing(run: Run, server: Server, tmp_path: Path) -> None:
    trap = {"PHOTOVAULT_SERVER": "https://evil.example", "DATABASE_URL": "postgresql://evil"}
    (tmp_path / ".photovault").mkdir()
    (tmp_path / ".photovault" / "environment.json").write_text(json.dumps(trap))
    (tmp_path / ".env").write_text("PHOTOVAULT_SERVER=https://evil.example\n")
    run("login", "--email", "ada@example.com", "--password-stdin", typed=PASSWORD)
    assert {where for where, _ in server.asked} == {f"{HERE}/"}
    assert os.environ.get("DATABASE_URL") != trap["DATABASE_URL"]


# ------------------------------------------------------------------------------------------------- what they see


def photo(**more: Any) -> dict[str, Any]:
    return {
        "id": str(ids.new()), "filename": HOSTILE, "taken": {"local_day": "2025-05-09"}, "because": HOSTILE,
        "location": {"place": {"city": HOSTILE, "country": "Portugal"}}, "tickets": {"thumbnail": {"key": "SECRET"}},
    } | more  # fmt: skip


def span(**more: Any) -> dict[str, Any]:
    return {"kind": "date", "value": "2025-06-01..2025-08-31", "text": "last summer", "negated": False,
            "guessed": False, "known": True, "strict": True} | more  # fmt: skip


def test_a_search_tells_how_it_was_understood(logged_in: Run, server: Server) -> None:
    place = span(kind="place", value="Lisbon", text="lisbonn", guessed=True, negated=True)
    hit = {"image": photo(), "score": 0.5, "matched": [{"kind": "picture", "text": None, "score": 0.31}]}
    filter_ = {"spans": [span(), place], "text": "dog"}
    server.answers["/search"] = {"items": [hit], "next_cursor": None, "filter": filter_}
    told = logged_in("search", "dog", "last", "summer")
    assert (
        "Understood: date 2025-06-01..2025-08-31 (for “last summer”); not place Lisbon (for “lisbonn”) by a guess."
        in told.stderr
    )
    assert "Ranked by: dog" in told.stderr
    assert "picture 0.31" in told.stdout
    as_json = logged_in("search", "dog", "--json")
    assert "SECRET" not in as_json.output
    assert [json.loads(line)["event"] for line in as_json.stdout.splitlines()] == ["query", "hit"]


def test_what_is_not_found_tells_the_shell(logged_in: Run, server: Server) -> None:
    server.answers["/search"] = {"items": [], "next_cursor": None, "filter": {"spans": [], "text": "x"}}
    assert "Nothing is found. Try a place" in logged_in("search", "x", code=1).stderr


def test_where_nothing_is_found_it_tells_which_conditions_to_leave_out(logged_in: Run, server: Server) -> None:
    q = "anna person:zoe 2024"
    spans = [
        span(kind="person", value="Anna", text="anna", start=0, end=4),
        span(kind="person", value="zoe", text="person:zoe", start=5, end=15, known=False),
        span(value="2024-01-01..2024-12-31", text="2024", start=16, end=20),
    ]
    found: dict[str, Any] = {"next_cursor": None, "filter": {"spans": spans, "text": ""}}
    hit = {"image": photo(), "score": 1.0, "matched": []}
    nonempty = {"anna   2024", "anna person:zoe  "}
    server.answers["/search"] = lambda asked: found | {"items": [hit] if asked.url.params["q"] in nonempty else []}
    told = logged_in("search", q, code=1).stderr
    assert "person zoe (for “person:zoe”), which names nothing here" in told
    assert "There is something without “person:zoe” or without “2024”." in told
    nonempty.clear()
    assert "Take several words away." in logged_in("search", q, code=1).stderr


@pytest.mark.parametrize("command", ["search x", "albums show Trip", "albums", "labels", "people", "whoami"])
def test_a_terminal_shows_names_of_others_and_obeys_none(logged_in: Run, server: Server, command: str) -> None:
    hit = {"image": photo(), "score": 1.0, "matched": [{"kind": "word", "text": HOSTILE, "score": None}]}
    filter_ = {"spans": [span(text=HOSTILE, value=HOSTILE)], "text": HOSTILE}
    album = {"id": str(ids.new()), "title": "Trip", "kind": "manual", "image_count": 1, "first_day": None,
             "last_day": None, "cover": None}  # fmt: skip
    person = {"id": str(ids.new()), "name": f"[red]{HOSTILE}", "image_count": 1, "face_count": 1, "hidden": False}
    server.answers |= {
        "/search": {"items": [hit], "next_cursor": None, "filter": filter_},
        "/albums/": {"items": [album, album | {"title": f"[bold]{HOSTILE}"}], "next_cursor": None},
        f"/albums/{album['id']}/images": {"items": [photo()], "next_cursor": None},
        "/albums/persons": {"items": [person], "next_cursor": None},
        "/labels": {"items": [{"name": HOSTILE, "image_count": 1}], "next_cursor": None},
        "/auth/verify": {"user": USER | {"name": HOSTILE}},
    }
    told = logged_in(*command.split()).output
    assert "owned" in told
    assert not set(told) & {"\x1b", "\x07", "\u202e"}


def test_a_label_is_added_to_what_a_search_finds_and_taken_from_photos_by_their_ids(
    logged_in: Run, server: Server
) -> None:
    told: list[dict[str, Any]] = []

    def edit(request: httpx.Request) -> dict[str, Any]:
        told.append(json.loads(request.content))
        return {"changed": 1, "unchanged": len(told[-1]["image_ids"]) - 1, "labels": []}

    found, likely = photo(), photo()
    hits = [
        {"image": image, "score": 1.0, "matched": [{"kind": kind, "text": "sea", "score": None}]}
        for image, kind in ((found, "label"), (likely, "look"))
    ]
    sea = span(kind="label", value="sea", text="sea", strict=False)
    server.answers |= {
        "/images/edit": edit,
        "/search": {"items": hits, "next_cursor": None, "filter": {"spans": [sea], "text": ""}},
    }
    # What only may show the sea gets no label that many photos get at once.
    assert "Beach: added to 1 photo." in logged_in("labels", "add", "Beach", "--search", "sea", found["id"]).stdout
    other = str(ids.new())
    removed = logged_in("labels", "remove", "dog", found["id"], other, "--json").stdout
    assert json.loads(removed) == {"label": "dog", "changed": 1, "unchanged": 1}
    assert told == [
        {"image_ids": [found["id"]], "add_labels": ["Beach"]},
        {"image_ids": [found["id"], other], "remove_labels": ["dog"]},
    ]
    assert "Name photos by their ids" in logged_in("labels", "add", "dog", code=1).stderr


def test_albums_and_people_of_one_name_are_told_apart_by_id(logged_in: Run, server: Server) -> None:
    albums = [{"id": str(ids.new()), "title": title, "kind": "trip"} for title in ("Lisbon", "Lisbon", "lisbon")]
    people = [{"id": str(ids.new()), "name": "Ada", "image_count": n} for n in range(2)]
    server.answers["/albums/"] = {"items": albums, "next_cursor": None}
    server.answers["/albums/persons"] = {"items": people, "next_cursor": None}
    told = logged_in("albums", "show", "Lisbon", code=1).stderr
    assert albums[1]["id"] in told
    assert albums[2]["id"] not in told
    assert people[0]["id"] in logged_in("people", "hide", "ada", code=1).stderr
    assert "Nobody is called" in logged_in("people", "hide", "Grace", code=1).stderr


def test_an_album_is_found_by_how_its_title_begins(logged_in: Run, server: Server) -> None:
    titles = ["Weekend in Porto, May 2025", "Lisbon", "Lisbon, June 2024"]
    albums = [{"id": str(ids.new()), "title": title, "kind": "trip"} for title in titles]
    server.answers["/albums/"] = {"items": albums, "next_cursor": None}
    for wanted, album in (("weekend in porto", albums[0]), ("lisbon", albums[1]), ("Lisbon,", albums[2])):
        server.answers[f"/albums/{album['id']}/explanation"] = {"sentences": [f"Why {album['title']}."], "reasons": []}
        assert album["title"] in logged_in("albums", "why", wanted).stdout
    several = logged_in("albums", "why", "lis", code=1).stderr
    assert albums[1]["id"] in several
    assert albums[0]["id"] not in several
    assert "There is no album" in logged_in("albums", "why", "Porto", code=1).stderr


def test_people_are_named_merged_hidden_and_parted_again(logged_in: Run, server: Server) -> None:
    ada, other = ({"id": str(ids.new()), "name": name, "image_count": 2, "face_count": 2, "hidden": False,
                   "cover_face": {"id": "x", "ticket": {"key": "SECRET"}}} for name in ("Ada", None))  # fmt: skip
    correction = str(ids.new())
    bodies: list[Any] = []

    def named(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=other)
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"person": other | bodies[-1], "correction_id": correction})

    server.answers |= {
        "/albums/persons": {"items": [ada], "next_cursor": None},
        f"/people/{other['id']}": named,
        "/people/merge": {"person": ada, "correction_ids": [correction]},
        f"/people/corrections/{correction}/undo": {"people": [ada, other]},
    }
    assert "Grace: 2 photos" in logged_in("people", "name", other["id"], "Grace").stdout
    assert "hidden" in logged_in("people", "hide", other["id"]).stdout
    logged_in("people", "unhide", other["id"])
    assert bodies == [{"name": "Grace"}, {"hidden": True}, {"hidden": False}]
    assert f"photovault people undo {correction}" in logged_in("people", "merge", "Ada", other["id"]).stderr
    assert "Somebody without a name" in logged_in("people", "undo", correction).stdout
    assert "SECRET" not in logged_in("people", "list", "--json").stdout


# ------------------------------------------------------------------------------------------------------- upload


def check(request: httpx.Request) -> httpx.Response:
    """All photos are there already."""
    items = [
        {"sha256": sha256, "image_id": str(ids.new()), "state": "present"}
        for sha256 in json.loads(request.content)["sha256"]
    ]
    return httpx.Response(200, json={"items": items})


def test_what_is_no_photo_is_named_with_its_reason(logged_in: Run, server: Server, tmp_path: Path) -> None:
    server.answers["/images/uploads/check"] = check
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(PHOTO)
    for number in range(7):
        (folder / f"{number} [bold]\x1b[31m\u202e.txt").write_text("words")
    told = logged_in("upload", str(folder))
    assert "Left out: This is a text" in told.stderr
    assert "[bold]\ufffd[31m\ufffd.txt" in told.stderr
    assert "and 2 more" in told.stderr
    assert "0 files uploaded (0 bytes), 1 there already." in told.stderr
    assert told.stdout == "", "results of programs are --json's"
    assert not set(told.output) & {"\x1b", "\u202e"}
    lines = [json.loads(line) for line in logged_in("upload", str(folder), "--json").stdout.splitlines()]
    assert {line["event"] for line in lines[:-1]} == {"item"}
    assert {key: lines[-1][key] for key in ("event", "duplicate", "skipped")} == {
        "event": "summary", "duplicate": 1, "skipped": 7,
    }  # fmt: skip


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told_and_fails(logged_in: Run, server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    (tmp_path / "a.jpg").chmod(0)
    assert "Permission denied" in logged_in("upload", str(tmp_path / "a.jpg"), code=1).stderr


def test_a_link_to_nothing_fails(logged_in: Run, server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere")
    assert "link to nothing" in logged_in("upload", str(folder), code=1).stderr


def test_an_import_says_what_it_could_not_take_over(logged_in: Run, server: Server, tmp_path: Path) -> None:
    def known(request: httpx.Request) -> Any:
        hashes = json.loads(request.content)["sha256"]
        return {"items": [{"sha256": each, "state": "present", "image_id": str(ids.new())} for each in hashes]}

    server.answers["/images/uploads/check"] = known
    people = [{"name": name} for name in ("Ada", "\x1b[31mBob", "", 7)]
    export = tmp_path / "export"
    export.mkdir()
    (export / "a.jpg").write_bytes(PHOTO)
    (export / "a.jpg.json").write_text(
        json.dumps({"title": "a.jpg", "photoTakenTime": {"timestamp": "1556712000"}, "people": people})
    )
    told = logged_in("import", "takeout", str(export)).stderr
    assert "2 names of people were not taken over:" in told
    assert "does not say whose face is whose" in told
    (export / "a.jpg.json").write_text(
        json.dumps(
            {"software": "immich-go", "fileName": "a.jpg", "rating": 4, "tags": [{"value": f"t{n}"} for n in range(9)]}
        )
    )
    told = logged_in("import", "immich", str(export)).stderr
    assert "The stars of 1 photo were not taken over" in told
    last = json.loads(logged_in("import", "immich", str(export), "--json").stdout.splitlines()[-1])
    assert last["not_taken_over"] == {"people": [], "photos_of_fewer_stars": 1}


@pytest.mark.parametrize(
    "arguments",
    [["nowhere"], [".", "--watch", "--dry-run"], [".", "--album", "  "], [".", "--jobs", "0"], []],
    ids=["nowhere", "watch dry", "no title", "no jobs", "no path"],
)
def test_wrong_usage_is_2(logged_in: Run, arguments: list[str]) -> None:
    logged_in("upload", *arguments, code=2)


def test_photos_that_were_rejected_before_say_why(logged_in: Run, server: Server, tmp_path: Path) -> None:
    image_id = str(ids.new())
    (tmp_path / "a.jpg").write_bytes(PHOTO)

    def rejected(request: httpx.Request) -> httpx.Response:
        answer = json.loads(check(request).content)
        answer["items"][0] |= {"state": "rejected", "image_id": image_id}
        return httpx.Response(200, json=answer)

    server.answers["/images/uploads/check"] = rejected
    server.answers["/images/list"] = {"items": [{"id": image_id, "reason": "It is broken."}], "next_cursor": None}
    assert "The vault rejected: It is broken." in logged_in("upload", str(tmp_path / "a.jpg"), code=1).stderr


def test_a_watched_folder_is_uploaded_as_it_fills(
    logged_in: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photovault import uploading
    from photovault.cli import upload

    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "first.jpg").write_bytes(PHOTO)
    (folder / "writing.jpg").write_bytes(PHOTO)
    monkeypatch.setattr(upload, "_is_old", lambda stamp: stamp.inode != (folder / "writing.jpg").stat().st_ino)
    looks = 0

    def look(self: Any, settled: Any, passed_over: Any, *, wait: bool) -> list[Any]:
        seen.append([item.filename for item in settled])
        return [uploading.Result(item, "uploaded") for item in settled]

    class Stop:
        def is_set(self) -> bool:
            return False

        def set(self) -> None: ...

        def wait(self, seconds: float) -> bool:
            nonlocal looks
            looks += 1
            if looks <= 2:  # they grow between two looks, and are not to be taken yet
                (folder / "writing.jpg").write_bytes(PHOTO * (1 + looks))
                (folder / "second.jpg").write_bytes(PHOTO * looks)
            if looks == 5:
                folder.rename(tmp_path / "away")
            if looks == 8:
                (tmp_path / "away").rename(folder)
                (folder / "second.jpg").rename(folder / "third.jpg")
            return looks == 12

    seen: list[list[str]] = []
    monkeypatch.setattr(upload.Run, "_upload", look)
    monkeypatch.setattr(upload.threading, "Event", Stop)
    told = logged_in("upload", str(folder), "--watch", code=130).stderr
    assert seen == [["first.jpg"], ["second.jpg", "writing.jpg"], ["first.jpg", "third.jpg", "writing.jpg"]]
    assert told.count("No such file or directory. Watching for it to come back.") == 1


@pytest.mark.parametrize(("age", "old"), [(0, False), (4, False), (6, True), (-60, False)])
def test_a_file_that_has_just_changed_may_still_be_written(age: float, old: bool) -> None:
    from photovault.cli import upload
    from photovault.photo_files import Stamp

    now = time.time_ns()
    assert upload._is_old(Stamp(1, 1, 1, now - 10**12, now - int(age * 1e9))) is old


# ------------------------------------------------------------------------------------------------------- doctor


def test_the_doctor_says_what_to_do(run: Run, server: Server) -> None:
    hour_ago = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    health = {"version": __version__, "providers": {"storage": "local"}}
    server.answers["/health"] = httpx.Response(200, json=health, headers={"date": hour_ago})
    server.answers["/ready"] = problem(503, "unavailable", "The database is away.")
    lines = [json.loads(line) for line in run("doctor", "--json", code=1).stdout.splitlines()]
    found = {line["check"]: line for line in lines}
    assert {check: line["state"] for check, line in found.items()} == {
        "files": "ok", "cache": "ok", "server": "ok", "clock": "fail", "runs": "ok", "ready": "fail", "session": "warn",
    }  # fmt: skip
    assert re.search(r"3,6\d\d s ahead", found["clock"]["detail"])
    assert "photovault login" in found["session"]["remedy"]
    told = run("doctor", code=1).stdout
    assert "fail ready     The database is away." in told


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_doctor_sees_what_is_wrong_on_this_computer(logged_in: Run, server: Server, store: Store) -> None:
    store.path.chmod(0o644)
    server.answers["/health"] = httpx.Response(502, text="<html>")
    lines = [json.loads(line) for line in logged_in("doctor", "--json", code=1).stdout.splitlines()]
    assert {line["check"]: line["state"] for line in lines} == {"files": "fail", "cache": "ok", "server": "fail"}
    store.path.write_text("nonsense")
    lines = [json.loads(line) for line in logged_in("doctor", "--json", code=1).stdout.splitlines()]
    assert "log in again" in lines[0]["detail"]


# ------------------------------------------------------------------------------------------------------ the rest


def test_a_vault_that_is_away_is_a_sentence(logged_in: Run, server: Server) -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused") from ConnectionRefusedError(111, "Connection refused")

    server.answers["/auth/verify"] = away
    told = logged_in("whoami", code=1)
    assert told.stderr == "Nothing answers at 127.0.0.1:8999. Is the vault running, and the address right?\n"


def test_nothing_of_a_secret_shows_when_everything_goes_wrong(logged_in: Run, server: Server, store: Store) -> None:
    server.answers |= {
        path: problem(500, "internal", "This is our fault.") for path in ("/auth/verify", "/auth/logout")
    }
    for command in (["whoami"], ["logout"], ["doctor"]):
        done = CliRunner().invoke(app, command)
        for secret in (PASSWORD, "access1", "refresh1"):
            assert secret not in done.output
            assert secret not in repr(done.exception)
    assert store.read().sessions == {}, "it is forgotten here even when the vault cannot be told"


def test_persons_and_operators_commands_are_told_apart() -> None:
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"}).output
    yours, _, operators = told.partition("Running a vault")
    assert "Your vault" in yours
    for command in OF_OPERATORS:
        assert re.search(rf"\b{command}\b +[A-Z]", operators), command
    for command in ("signup", "login", "logout", "whoami", "upload", "search", "albums", "people", "export", "doctor"):
        assert re.search(rf"\b{command}\b +[A-Z]", yours), command


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"photovault {__version__}\n"


def test_help_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys; from photovault.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sys.modules, file=sys.stderr)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "shared")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.partition("LOADED")[2].split())
    assert not loaded & {"httpx", "boto3", "psycopg", "numpy", "PIL", "fastapi", "photovault.uploading", "sqlite3",
                         "photovault.exporting", "photovault.client"}  # fmt: skip


def test_a_pipe_that_closes_is_no_crash(tmp_path: Path) -> None:
    code = (
        "import httpx\n"
        "from photovault import client\n"
        "real = client.Client\n"
        "def answer(r):\n"
        "    user = {'id': '01890a5d-ac96-774b-bcce-b302099a8057'}\n"
        "    if r.url.path == '/auth/verify': return httpx.Response(200, json={'user': user})\n"
        "    item = {'id': 'x' * 36, 'title': 'T' * 60, 'kind': 'trip', 'image_count': 1, 'cover': None,"
        " 'first_day': None, 'last_day': None}\n"
        "    return httpx.Response(200, json={'items': [item] * 3000, 'next_cursor': None})\n"
        "client.Client = lambda a, **o: real(a, transport=httpx.MockTransport(answer), **o)\n"
        "from photovault.cli import main\n"
        "main()\n"
    )
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("PHOTOVAULT_")}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "albums", "list", "--json"],
        env=inherited | {"PYTHONPATH": str(ROOT / "shared"), "PHOTOVAULT_API_KEY": "k", "HOME": str(tmp_path)},
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert "Traceback" not in err, err
    assert "BrokenPipe" not in err, err


# ---------------------------------------------------------------------------------------------------- the password


def test_another_password_is_asked_for_and_says_what_ended_and_what_goes_on(
    logged_in: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def change(request: httpx.Request) -> Any:
        asked.append(json.loads(request.content))
        if asked[-1]["current"] != PASSWORD:
            return problem(401, "password-wrong", "The password is wrong.")
        going = {"api_keys": 1, "webhooks": 0, "shares": 0}
        return {"sessions_ended": 2, "api_keys_revoked": 0, "webhooks_removed": 0, "shares_revoked": 3} | going

    server.answers["/auth/password"] = change
    typed = ["three words and more", "mistyped", "three words and more", "three words and more", "wrong", PASSWORD]
    monkeypatch.setattr(entering, "somebody_is_there", lambda: True)
    monkeypatch.setattr(entering, "asked", lambda *_, **__: typed.pop(0))
    done = logged_in("password", "--revoke-shares")
    assert typed == []
    assert done.stdout.splitlines() == [
        "Your password is changed; 2 other sessions ended.",
        "1 API key goes on.",
        "3 share links ended with it.",
    ]
    ending = {"revoke_api_keys": False, "remove_webhooks": False, "revoke_shares": True}
    assert asked[-1] == {"current": PASSWORD, "new": "three words and more", "code": None} | ending


def test_another_password_is_never_an_option(logged_in: Run) -> None:
    assert "PHOTOVAULT_NEW_PASSWORD" in logged_in("password", code=1).stderr
