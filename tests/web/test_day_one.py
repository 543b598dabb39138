"""The first day of somebody new, in a real browser on the deployed template: nothing of it is made up."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from infra.local.pictures import draw
from tests.pictures import SHARED, shared_photos
from tests.web.accounts import PASSWORD
from tests.web.browser import Browser, installed

pytestmark = pytest.mark.skipif(installed() is None, reason="there is no Chromium or Chrome here")

LISBON = (38.7139, -9.1394)
FIRST = datetime(2025, 5, 9, 10, 30)
HOSTILE = "<img src=x onerror='document.title=1'>.jpg"
PHOTOS = 6
# Uploads, events, two functions and the album builder, on a machine that does other things, too.
PATIENCE = 180

OPENED = "[...document.querySelectorAll('.tile img')].filter((each) => each.naturalWidth > 0).length"
TRAY = "document.querySelector('.tray')?.innerText ?? ''"


def journey(folder: Path) -> list[Path]:
    """An hour in Lisbon, and a text file among it."""
    files = []
    for number in range(PHOTOS):
        files.append(folder / (HOSTILE if number == 0 else f"IMG_{number}.jpg"))
        taken = FIRST + timedelta(minutes=7 * number)
        files[-1].write_bytes(draw(number, (640, 480), gps=LISBON, taken=taken, offset="+01:00"))
    files.append(folder / "notes.txt")
    files[-1].write_text("no photo")
    return files


def sign_up(page: Browser, address: str, email: str) -> None:
    page.screen(1280, 800)
    page.open("about:blank")
    page("Network.enable")
    page("Network.clearBrowserCookies")
    page("Storage.clearDataForOrigin", origin=address, storageTypes="all")
    page.open(f"{address}/#/signup")
    for name, text in {"name": "Ada <b>Lovelace</b>", "email": email, "password": PASSWORD}.items():
        page.click(f"input[name={name}]")
        page.type(text)
    page.press("Enter")
    page.until("document.querySelector('main h2')?.textContent === 'No photos yet'")


def visit(page: Browser, address: str) -> None:
    """Come from elsewhere, so that nothing on the page is that of the page before."""
    page.open("about:blank")
    page.open(address)


def arranged(page: Browser, address: str, script: str) -> None:
    """Look at a page until the album builder has been there."""
    end = time.monotonic() + PATIENCE
    visit(page, address)
    while True:
        page.until("!!document.querySelector('main .shelf a, main .grid a, main h2')", seconds=PATIENCE)
        if page.says(script):
            return
        assert time.monotonic() < end, page.says("document.body.innerText")
        page.says("new Promise((resolve) => setTimeout(resolve, 500))")
        page.reload()


def test_photos_are_dropped_found_explained_shared_and_thrown_away(
    built_gallery: None, api_url: str, page: Browser, tmp_path: Path
) -> None:
    email = f"day-one-{time.time_ns()}@example.com"
    sign_up(page, api_url, email)
    files = journey(tmp_path)

    # They are dropped, go their way, and come.
    page.drop(files)
    page.click(".tray .headline")
    page.until(f"({TRAY}).includes('Arrived, being arranged')", seconds=PATIENCE)
    page.until(f"({TRAY}).includes('{PHOTOS} photos added')", seconds=PATIENCE)
    assert "Not a photo: left out" in page.says(TRAY)
    page.until(f"{OPENED} === {PHOTOS}", seconds=PATIENCE)
    assert page.says("[...document.querySelectorAll('section h2')].map((each) => each.textContent)") == ["May 2025"]

    # Chosen again, under another name too, they are known.
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(files[1].read_bytes())
    page.choose("[data-upload=files]", [files[0], copy])
    page.until(f"({TRAY}).split('Already in your vault').length === 3")
    assert (
        page.says("[...document.querySelectorAll('.tray .name')].map((each) => each.textContent)").count(HOSTILE) == 2
    )
    page.click(".tray [aria-label=Dismiss]")

    # They are found in words, which chips repeat.
    page.click("[role=combobox]")
    page.type("lisbon may 2025")
    page.press("Enter")
    page.until(f"document.querySelectorAll('.chip').length === 2 && {OPENED} === {PHOTOS}")
    page.click(".chip button")
    page.until(f"document.querySelectorAll('.chip').length === 1 && {OPENED} === {PHOTOS}")

    # They made an album, which says why, and is shared with somebody who has no account.
    lisbon = "[...document.querySelectorAll('.shelf a')].some((each) => each.textContent.includes('Lisbon'))"
    arranged(page, f"{api_url}/#/albums", lisbon)
    page.click(".shelf a:has-text('Lisbon')")
    page.click("button:has-text('Why?')")
    page.until("document.querySelector('.why')?.textContent.includes('Lisbon')")
    page.click("main button:has-text('Share')")
    page.click("dialog[open] button:has-text('Make a link')")
    page.until("document.querySelector('dialog[open] input[readonly]')?.value.includes('/s/')")
    link = page.says("document.querySelector('dialog[open] input[readonly]').value")
    with page.of_somebody_else() as guest:
        guest.open(link)
        guest.until(f"[...document.querySelectorAll('#grid img')].filter((e) => e.naturalWidth).length === {PHOTOS}")
        assert guest.complaints == []
    page.press("Escape")

    # One is thrown away and brought back.
    visit(page, f"{api_url}/#/photos")
    page.until(f"{OPENED} === {PHOTOS}")
    gone = page.says("document.querySelector('[data-photo]').dataset.photo")
    page.says("document.querySelector('[data-photo]').focus()")
    page.press("x")
    page.click("[role=toolbar] [aria-label^='Move to the trash']")
    page.until(f"{OPENED} === {PHOTOS - 1}")
    visit(page, f"{api_url}/#/trash")
    page.until(f"{OPENED} === 1 && document.querySelector('[data-photo]').dataset.photo === {json.dumps(gone)}")
    page.says("document.querySelector('[data-photo]').focus()")
    page.press("x")
    page.click("[role=toolbar] button:has-text('Restore')")
    page.until("document.querySelector('main h2')?.textContent === 'The trash is empty'")

    # Nothing is left in this browser after logging out, and all of it is there after logging in.
    page.click("header [aria-label^='Account of']")
    page.click("[role=menuitem]:last-child")
    page.until("!!document.querySelector('input[name=password]')")
    page.until("caches.keys().then((names) => names.length === 0)")
    page.click("input[name=email]")
    page.type(email)
    page.click("input[name=password]")
    page.type(PASSWORD)
    page.press("Enter")
    page.until("!!document.querySelector('header .brand')")
    visit(page, f"{api_url}/#/photos")
    page.until(f"{OPENED} === {PHOTOS}")
    assert page.says("document.title") == "Photos · PhotoVault", "a file's name stayed a name"


def test_who_is_on_several_photos_gets_a_name_and_is_found_by_it(
    built_gallery: None, api_url: str, page: Browser
) -> None:
    portraits = shared_photos("faces", "lfw5x10", "Jacques_Chirac")
    if portraits is None or not (SHARED / "models").is_dir():
        pytest.skip("needs ../shared with portraits and models")
    sign_up(page, api_url, f"named-{time.time_ns()}@example.com")
    files = sorted(portraits.glob("*.jpg"))[:6]
    page.choose("[data-upload=files]", files)
    page.until(f"({TRAY}).includes('{len(files)} photos added')", seconds=PATIENCE)
    arranged(page, f"{api_url}/#/people", "!!document.querySelector('main .grid a')")
    page.click("main .grid a")
    page.click("main button:has-text('Give a name')")
    page.click("dialog[open] input")
    page.type("Jacques")
    page.press("Enter")
    page.until("document.querySelector('main h1')?.textContent === 'Jacques'")
    page.click("[role=combobox]")
    page.type("jacques")
    page.press("Enter")
    page.until(f"/jacques/i.test(document.querySelector('.chip:not(.unknown)')?.textContent) && {OPENED} > 1")
