"""A browser for the tests of a module, and the gallery on a socket."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser as Chromium
from tests.vaults import forget
from tests.web.accounts import Account
from tests.web.browser import Browser, installed, profile, started

from photovault.api import complete_app, gallery

ROOT = Path(__file__).resolve().parents[2]
_visitors = count(1)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    path = installed()
    assert path is not None
    with started(path) as opened:
        yield opened


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Browser]:
    """A browser that knows nobody yet, and must have nothing to complain of in the end."""
    with profile(chromium) as opened:
        yield opened
        assert opened.complaints == []


@dataclass
class Served:
    """The whole API and the gallery at ``address``. ``asked`` are methods and paths of what came, blobs left out:
    ciphertext is the storage's to give, which here happens to be the same server."""

    address: str
    asked: list[str] = field(default_factory=list)
    visitor: str = "127.0.0.1"

    def visited_by_another(self) -> None:
        """Who comes from now on has an address of their own: throttles of a whole run's log-ins are no test's."""
        number = next(_visitors)
        self.visitor = f"10.77.{number >> 8 & 255}.{number & 255}"

    def functions(self) -> list[str]:
        """What was asked of functions since the last time this was called."""
        found = [each for each in self.asked if " /assets/" not in each and not each.endswith(" /")]
        self.asked.clear()
        return found


@pytest.fixture(scope="session")
def built_gallery() -> None:
    """The built gallery; made if it can be, because a test of an older one would say nothing."""
    if shutil.which("npm") is None:
        pytest.skip("the gallery is built with Node, which is not here")
    made = subprocess.run(["make", "--silent", "gallery"], cwd=ROOT, capture_output=True, text=True, check=False)
    if not (gallery.BUILT / "index.html").is_file():
        pytest.skip(f"the gallery could not be built: {made.stdout}{made.stderr}")
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.fixture(scope="module", params=[""], ids=["at-the-root"])
def served(request: pytest.FixtureRequest, vault: Path, built_gallery: None) -> Iterator[Served]:
    """The gallery, below a prefix when the parameter says so: as the gateway does it, which takes its stage away."""
    prefix = str(request.param)
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        told = Served(f"http://127.0.0.1:{listener.getsockname()[1]}{prefix}")
        patch.setenv("PUBLIC_URL", told.address)
        patch.setenv("ROOT_PATH", prefix)
        patch.setenv("LEDGER_ROOT", str(vault / "ledger"))
        forget()
        app = complete_app()

        async def as_a_gateway(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                path = scope["path"].removeprefix(prefix) or "/"
                if not path.startswith("/blobs/"):
                    told.asked.append(f"{scope['method']} {path}")
                scope = {**scope, "path": path, "raw_path": path.encode(), "client": (told.visitor, 50000)}
            await app(scope, receive, send)

        with serving(as_a_gateway, listener):
            yield told
    forget()


@contextmanager
def serving(app: Any, listener: socket.socket) -> Iterator[None]:
    """An application on a socket that listens already: a port that was free a moment ago may be another's."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended at its start"
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def ada(served: Served, page: Browser) -> Account:
    """Somebody new, whom the browser does not know yet."""
    page("Network.enable")
    page.screen(1280, 800)
    served.visited_by_another()
    account = Account(served)
    served.asked.clear()
    return account
