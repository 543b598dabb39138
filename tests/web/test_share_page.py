"""The page behind a share link in a real browser; skipped where there is none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from infra.local.pictures import draw
from tests.shared.api.described import routers
from tests.shared.api.photos import sealed_photo
from tests.vaults import Somebody, client, somebody
from tests.web.accounts import IN_A_BROWSER
from tests.web.browser import Browser
from tests.web.conftest import serving

from photovault import blobs, db, images, keyring
from photovault import vault as sealed_vault
from photovault.api import edge

pytestmark = IN_A_BROWSER

# The mark in it turns the writing round until it is taken back, which it is not.
TITLE = 'Summer <img src=x onerror="document.title=1"> \u202e& sea'
STATE = "document.body.dataset.state"


@pytest.fixture(scope="module")
def http(vault: Path) -> TestClient:
    return client(routers())


@pytest.fixture(scope="module")
def served(vault: Path) -> Iterator[str]:
    """The API on a socket; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(edge.create_app(routers()), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def visible_photo(owner: Somebody, number: int) -> UUID:
    """A photo with renditions that a browser can show."""
    picture = draw(number, (90, 60))
    image_id = sealed_photo(owner, picture)
    with db.transaction(owner.user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        for name in ("preview", "thumbnail"):
            old = blobs.get(conn, image_id, name)
            assert old is not None
            new = sealed_vault.store(
                picture,
                content_key=keyring.content_key_of(conn, image),
                user_id=owner.user_id,
                image_id=image_id,
                name=name,
                content_type="image/jpeg",
            )
            assert blobs.replace(conn, old, new)
    return image_id


@dataclass(frozen=True)
class Link:
    owner: Somebody
    share_id: str
    address: str


def linked(http: TestClient, served: str, **terms: Any) -> Link:
    ada = somebody()
    photos = [str(visible_photo(ada, number)) for number in range(3)]
    body = {"title": TITLE, "image_ids": photos}
    album = http.post("/albums/manual", json=body, headers=ada.headers).json()["id"]
    made = http.post(f"/albums/{album}/shares", json=terms, headers=ada.headers).json()
    return Link(ada, made["id"], f"{served}/s/{made['link'].rpartition('/')[2]}")


def test_photos_are_shown_and_leafed_through_by_keys_alone(http: TestClient, served: str, page: Browser) -> None:
    link = linked(http, served, downloads=True)
    page.open(link.address)
    page.until(f"{STATE} === 'open'")
    page.until("[...document.querySelectorAll('#grid img')].filter((each) => each.naturalWidth).length === 3")
    page.says("document.querySelector('#grid button').focus()")
    page.press("Enter")
    page.until("document.getElementById('viewer').open && document.getElementById('picture').naturalWidth")
    page.press("ArrowRight")
    page.until("document.getElementById('where').textContent === '2 of 3'")
    page.press("ArrowRight")
    page.press("ArrowRight")  # there is no fourth
    page.until("document.getElementById('where').textContent === '3 of 3'")
    assert page.says("fetch(document.getElementById('download').href).then((a) => a.headers.get('content-type'))") == (
        "image/jpeg"
    )
    page.press("Escape")
    page.until("!document.getElementById('viewer').open && document.activeElement.firstChild?.alt === 'Photo 3'")


def test_a_title_is_text(http: TestClient, served: str, page: Browser) -> None:
    page.open(linked(http, served).address + "/")
    page.until(f"{STATE} === 'open'")
    assert page.says("document.getElementById('title').textContent") == page.says("document.title") == TITLE
    assert page.says("document.querySelectorAll('#title *').length") == 0
    assert page.says("getComputedStyle(document.getElementById('title')).unicodeBidi") == "isolate"


def test_a_password_is_asked_for_until_it_is_right(http: TestClient, served: str, page: Browser) -> None:
    link = linked(http, served, password="grandma's cat")
    page.open(link.address)
    page.until(f"{STATE} === 'locked' && document.activeElement.id === 'password'")
    for said, wanted in (
        ("wrong", "document.getElementById('wrong').textContent"),
        ("grandma's cat", f"{STATE} === 'open'"),
    ):
        page.type(said)
        page.press("Enter")
        page.until(wanted)
    page.open(link.address)
    page.until(f"{STATE} === 'open'")
    seen = http.get(f"/shares/{link.share_id}", headers=link.owner.headers).json()
    assert seen["openings"] == 1, "a page that is loaded again goes on"


def test_a_share_that_ends_ends_for_those_who_look_at_it(http: TestClient, served: str, page: Browser) -> None:
    link = linked(http, served)
    page.open(link.address)
    page.until(f"{STATE} === 'open'")
    http.delete(f"/shares/{link.share_id}", headers=link.owner.headers)
    page.says("document.querySelector('#grid button').click()")
    page.until(f"{STATE} === 'gone' && !document.getElementById('viewer').open")
    page.open(link.address)
    page.until(f"{STATE} === 'gone'")


def test_a_browser_that_keeps_no_cookies_uses_up_one_opening(http: TestClient, served: str, page: Browser) -> None:
    link = linked(http, served)
    page.open(link.address)
    page.until(f"{STATE} === 'open'")
    page("Network.clearBrowserCookies")
    page.says("load().catch(fail)")
    page.until(f"{STATE} === 'failed'")
    assert "cookie" in page.says("document.getElementById('failed-why').textContent")
    seen = http.get(f"/shares/{link.share_id}", headers=link.owner.headers).json()
    assert seen["openings"] == 1


@pytest.mark.parametrize("width", [320, 390, 768, 1600])
def test_the_page_fits_its_screen(http: TestClient, served: str, page: Browser, width: int) -> None:
    page("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=width < 700)
    page.open(linked(http, served, password="1234").address)
    page.until(f"{STATE} === 'locked' && document.activeElement.id === 'password'")
    assert page.says("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.type("1234")
    page.press("Enter")
    page.until(f"{STATE} === 'open'")
    assert page.says("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
