"""Uploads in a real browser, with a storage on a socket that stumbles where a test wants it to."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from infra.local.pictures import draw
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.vaults import forget
from tests.web.accounts import HOSTILE, Account, check, log_in, offline
from tests.web.browser import SECONDS, Browser, installed
from tests.web.conftest import Served, serving

from photovault import db

pytestmark = [
    pytest.mark.usefixtures("vault", "sent", "quick_hashes", "storage"),
    pytest.mark.skipif(installed() is None, reason="there is no Chromium or Chrome here"),
]

_seeds = count(50_000)
TRAY = "document.querySelector('.tray')?.innerText ?? ''"
HEAD = "document.querySelector('.tray .head')?.innerText ?? ''"


@dataclass
class Storage:
    """Takes posted forms. The next ``failing`` of them get a 503; none is answered while the ``gate`` is closed."""

    posted: list[bytes] = field(default_factory=list)
    failing: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    async def post(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            data = await file.read()
        self.waiting += 1
        try:
            while not self.gate.is_set():
                if await request.is_disconnected():
                    return Response(status_code=400)
                await asyncio.sleep(0.01)
        finally:
            self.waiting -= 1
        if self.failing > 0:
            self.failing -= 1
            return Response(status_code=503)
        self.posted.append(data)
        return Response(status_code=204)


@pytest.fixture(scope="module")
def storage(vault: Path) -> Iterator[Storage]:
    """Where the forms go that the API gives out; photos of more than 200 KB are too large."""
    told = Storage()
    letting = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST"])
    app = Starlette(routes=[Route("/{bucket}/", told.post, methods=["POST"])], middleware=[letting])
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(app, listener),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        patch.setenv("MAX_UPLOAD_BYTES", "200000")
        forget()
        yield told
    forget()


@pytest.fixture(autouse=True)
def open_storage(storage: Storage) -> Iterator[None]:
    """Each test begins with one that is empty and takes everything."""
    storage.posted.clear()
    storage.failing = 0
    storage.gate.set()
    yield
    storage.gate.set()


def files(folder: Path, number: int) -> list[Path]:
    """So many photos, which no other test has."""
    folder.mkdir(exist_ok=True)
    made = [folder / f"IMG_{n}.jpg" for n in range(number)]
    for path in made:
        path.write_bytes(draw(next(_seeds), (120, 90)))
    return made


def quota(ada: Account, most: int) -> None:
    with db.transaction(ada.id) as conn:
        conn.execute("UPDATE users SET quota_bytes = %s WHERE id = %s", [most, ada.id])


def head(page: Browser, text: str) -> None:
    page.until(f"({HEAD}).includes({json.dumps(text)})")


def remembered(page: Browser, ada: Account, number: int) -> None:
    """Until the browser would know so many unfinished files after a reload."""
    page.until(
        "(async (name) => {"
        "  if (!(await indexedDB.databases()).some((each) => each.name === name)) return false;"
        "  const said = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });"
        "  const database = await said(indexedDB.open(name));"
        "  const found = await said(database.transaction('files').objectStore('files').count());"
        "  database.close();"
        f"  return found === {number};"
        f"}})('photovault-uploads-{ada.id}')"
    )


def unfold(page: Browser) -> None:
    page.click(".tray .headline[aria-expanded=false]")
    page.until("!!document.querySelector('.tray li')")


def test_a_folder_is_dropped_and_leaves_sealed(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    folder = tmp_path / HOSTILE.replace("/", "")
    made = files(folder, 2)
    (folder / "deep").mkdir()
    made.append(made[0].rename(folder / "deep" / "<b>one.jpg"))
    (folder / "notes.txt").write_text("no photo")
    (folder / ".DS_Store").write_text("hidden")
    log_in(page, ada)
    page.drop([folder])
    head(page, "Arranging 2 photos")
    assert len(storage.posted) == 2
    assert all(b"JFIF" not in data and b"Exif" not in data for data in storage.posted)
    unfold(page)
    names = page.says("[...document.querySelectorAll('.tray .name')].map((each) => each.textContent)")
    assert sorted(names) == sorted(["IMG_1.jpg", "<b>one.jpg", f"{folder.name}/notes.txt"])
    assert "Not a photo: left out" in page.says(TRAY)
    page.choose("[data-upload=folder]", [folder])
    head(page, "Arranging 2 photos")
    page.until(f"({TRAY}).split('notes.txt').length === 3")
    assert len(storage.posted) == 2, "what has arrived is not sent again"


def test_who_goes_offline_in_the_middle_goes_on_when_back(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    log_in(page, ada)
    storage.gate.clear()
    page.choose("[data-upload=files]", files(tmp_path, 6))
    _wait(lambda: storage.waiting == 4)
    offline(page, yes=True)
    storage.failing = 4  # being offline here does not break off what is under way
    storage.gate.set()
    head(page, "Waiting for the connection")
    offline(page, yes=False)
    head(page, "Arranging 6 photos")
    assert len(set(storage.posted)) == len(storage.posted) == 6


def test_a_post_that_fails_twice_is_sent_a_third_time(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    log_in(page, ada)
    storage.failing = 2
    page.choose("[data-upload=files]", files(tmp_path, 1))
    head(page, "Arranging 1 photo")
    assert (len(storage.posted), storage.failing) == (1, 0)


def test_what_cannot_be_taken_says_why_and_the_others_go(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    made = files(tmp_path, 1)
    for name, data in {"large.jpg": b"x" * 300_000, "empty.jpg": b"", "letter.pdf": b"%PDF"}.items():
        made.append(tmp_path / name)
        made[-1].write_bytes(data)
    log_in(page, ada)
    page.choose("[data-upload=files]", made)
    head(page, "Arranging 1 photo")
    unfold(page)
    text = page.says(TRAY)
    for told in (
        "It has 300 KB, which is more than this vault takes.",
        "The file is empty.",
        "Not a photo: left out",
    ):
        assert told in text
    assert len(storage.posted) == 1


def test_what_is_cancelled_is_not_sent_and_can_be_tried_again(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    log_in(page, ada)
    storage.gate.clear()
    page.choose("[data-upload=files]", files(tmp_path, 5))
    _wait(lambda: storage.waiting == 4)
    unfold(page)
    page.click(".tray [aria-label='Cancel IMG_1.jpg']")
    page.until(f"({TRAY}).split('Cancelled').length === 2")
    page.click(".tray [aria-label='Cancel all uploads']")
    head(page, "Cancelled")
    _wait(lambda: storage.waiting == 0)
    storage.gate.set()
    page.click(".toast:has-text('4 photos cancelled') .action")
    head(page, "Arranging 4 photos")
    page.click(".tray li:has-text('IMG_1.jpg') button:has-text('Try again')")
    head(page, "Arranging 5 photos")
    assert len(set(storage.posted)) == len(storage.posted) == 5


def test_a_full_vault_says_so_and_takes_the_rest_when_there_is_room(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    log_in(page, ada)
    quota(ada, 10)
    page.choose("[data-upload=files]", files(tmp_path, 12))
    head(page, "12 photos not taken")
    unfold(page)
    assert "There is no room for its " in page.says(TRAY)
    quota(ada, 10_000_000)
    page.click(".tray button:has-text('Try all again')")
    head(page, "Arranging 12 photos")


def test_a_reload_in_the_middle_goes_on_with_what_was_not_finished(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    log_in(page, ada)
    storage.gate.clear()
    made = files(tmp_path, 3)
    page.choose("[data-upload=files]", made)
    _wait(lambda: storage.waiting == 3)
    remembered(page, ada, 3)
    page.reload()
    head(page, "3 photos not finished")
    storage.gate.set()
    page.choose("[data-upload=files]", made)
    head(page, "Arranging 3 photos")
    assert len(set(storage.posted)) == 3
    remembered(page, ada, 0)
    page.reload()
    page.until("!!document.querySelector('main h2')")
    assert page.says("document.querySelector('.tray')") is None, "nothing is left over"


def test_tabs_leave_each_other_their_uploads_until_one_is_closed(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    log_in(page, ada)
    storage.gate.clear()
    with page.second_tab() as other:
        other.open(f"{served.address}/")
        other.choose("[data-upload=files]", files(tmp_path / "theirs", 2))
        _wait(lambda: storage.waiting == 2)
        page.reload()
        page.choose("[data-upload=files]", files(tmp_path / "ours", 1))
        _wait(lambda: storage.waiting == 3)
        remembered(page, ada, 3)
        assert "not finished" not in page.says(TRAY)
    page.until(f"({TRAY}).includes('2 photos from before were not finished')")
    page.click(".tray button:has-text('Forget them')")
    remembered(page, ada, 1)
    page.reload()
    head(page, "1 photo not finished")


def test_the_tray_fits_a_phone_and_axe_finds_nothing_serious(
    served: Served, page: Browser, ada: Account, storage: Storage, tmp_path: Path
) -> None:
    made = [*files(tmp_path, 6), tmp_path / f"{'long' * 40}.jpg"]
    made[-1].write_bytes(b"")
    page.screen(360, 740, touch=True)
    log_in(page, ada)
    storage.gate.clear()
    page.choose("[data-upload=files]", made)
    _wait(lambda: storage.waiting == 4)
    unfold(page)
    page.click(".tray [aria-label='Cancel IMG_2.jpg']")
    page.until(f"({TRAY}).includes('Cancelled') && ({TRAY}).includes('The file is empty.')")
    check(page)
    page.screen(360, 740, dark=True, touch=True)
    check(page)
    box = page.says(
        "(({ left, right, top }) => [left, right, top])(document.querySelector('.tray').getBoundingClientRect())"
    )
    assert box[0] >= 0
    assert box[1] <= 360
    assert box[2] >= 0
    page.screen(1280, 800)


def _wait(settled: Callable[[], bool]) -> None:
    """For what happens at the storage, which the page cannot tell."""
    end = time.monotonic() + SECONDS
    while not settled():
        assert time.monotonic() < end
        time.sleep(0.02)
