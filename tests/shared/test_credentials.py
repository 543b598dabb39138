"""The file of sessions: for its owner alone, whole at every moment, and one renewal at a time among processes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from photovault import credentials, ids
from photovault.client import Client
from photovault.credentials import Kept, Session, Store
from photovault.errors import Misconfigured, Unauthenticated, Unavailable

USER = ids.new()
SERVER = "https://vault.example"


def session(number: int = 1, server: str = SERVER) -> Session:
    return Session(server, "ada@example.com", USER, f"access{number}", f"refresh{number}")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "state" / "photovault")
    with made.changing() as kept:
        kept.put(session())
        kept.current = SERVER
    return made


def test_what_is_kept_comes_back(store: Store) -> None:
    assert store.read() == Kept(SERVER, {SERVER: session()})


def test_nothing_is_kept_before_anything_is(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").read() == Kept()
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_its_owners_alone(store: Store) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    store.path.chmod(0o644)
    with store.changing() as kept:
        kept.current = None
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert sorted(path.name for path in store.path.parent.iterdir()) == ["session.json", "session.lock"]


def test_what_fails_changes_nothing(store: Store) -> None:
    before = store.path.read_bytes()

    def fail() -> None:
        with store.changing() as kept:
            kept.drop(SERVER)
            raise Unavailable

    with pytest.raises(Unavailable):
        fail()
    assert store.path.read_bytes() == before


def test_who_leaves_one_server_is_at_another(store: Store) -> None:
    with store.changing() as kept:
        kept.put(session(2, "https://other.example"))
        kept.drop(SERVER)
    assert store.read().current == "https://other.example"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "current": null, "sessions": [{}]}', "\x00", "null",
     '{"format": 1, "current": null, "sessions": [{"server": 1, "email": "", "user_id": "x", "access_token": ""}]}'],
)  # fmt: skip
def test_what_nobody_here_wrote_is_told(store: Store, text: str) -> None:
    store.path.write_text(text)
    with pytest.raises(Misconfigured, match="log in again"):
        store.read()


def test_secrets_are_not_shown() -> None:
    assert "access1" not in repr(session())
    assert "refresh1" not in repr(session())


def test_another_process_is_waited_for_and_not_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "LOCK_SECONDS", 0)
    with store.changing(), pytest.raises(Unavailable, match="Another"), Store(store.path.parent).changing():
        pytest.fail("two have the file")


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [("XDG_STATE_HOME", "{}/state", "state/photovault"), ("XDG_STATE_HOME", "relative", ".local/state/photovault")],
    ids=["chosen", "relative"],
)
def test_sessions_are_where_the_system_keeps_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, found: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, value.format(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert credentials.state_folder() == tmp_path / found
    monkeypatch.delenv(variable)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert credentials.state_folder() == tmp_path / "Library/Application Support/photovault"


class Server:
    """Takes each refresh token once; one that comes again ends everything, as the vault does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.number, self.trades, self.over = 1, 0, False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            if request.url.path == "/auth/refresh":
                given = json.loads(request.content)["refresh_token"]
                if self.over or given != f"refresh{self.number}":
                    self.over = True
                    return self._refused()
                self.number += 1
                self.trades += 1
                tokens = {"access_token": f"access{self.number}", "refresh_token": f"refresh{self.number}"}
                return httpx.Response(200, json={"user": {"id": str(USER)}} | tokens)
            if request.headers["authorization"] != f"Bearer access{self.number}" or self.over:
                return self._refused()
            return httpx.Response(200, json={"fine": True})

    def _refused(self) -> httpx.Response:
        kind = "https://photovault.dev/problems/unauthenticated"
        return httpx.Response(401, json={"type": kind, "detail": "The session has ended."})


def client(server: Server, store: Store) -> Client:
    made = Client(SERVER, transport=httpx.MockTransport(server), sleep=lambda _: None)
    made.resume(store.read().sessions[SERVER], store)
    return made


def test_many_clients_renew_one_session_once_each_time(store: Store) -> None:
    server = Server()
    clients = [client(server, store) for _ in range(6)]
    for round_ in range(1, 6):
        with store.changing() as kept:  # all of them, and the file, have a token that has run out
            kept.put(replace(kept.sessions[SERVER], access_token="expired"))
        for one in clients:
            one._access_token = "expired"
        threads = [threading.Thread(target=one.json, args=("GET", "/x")) for one in clients for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (server.trades, server.over) == (round_, False)


def test_processes_share_one_session(store: Store, tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from photovault.credentials import Store
store = Store(Path(sys.argv[1]))
for _ in range(20):
    with store.changing() as kept:
        number = int(kept.sessions["https://vault.example"].refresh_token.removeprefix("refresh"))
        from photovault.credentials import Session
        old = kept.sessions["https://vault.example"]
        kept.put(Session(old.server, old.email, old.user_id, "a", f"refresh{number + 1}"))
"""
    paths = os.pathsep.join(sys.path)
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(store.path.parent)], env=os.environ | {"PYTHONPATH": paths})
        for _ in range(3)
    ]
    assert [each.wait() for each in running] == [0, 0, 0]
    assert store.read().sessions[SERVER].refresh_token == "refresh61"


def test_who_logged_out_elsewhere_is_told(store: Store) -> None:
    server = Server()
    made = client(server, store)
    with store.changing() as kept:
        kept.drop(SERVER)
    made._access_token = "expired"
    with pytest.raises(Unauthenticated, match="logged out"):
        made.json("GET", "/x")
