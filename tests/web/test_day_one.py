"""The first day of somebody new, in a real browser on the deployed template: nothing of it is made up."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from infra.local.pictures import draw
from tests.web.browser import Browser, installed

pytestmark = pytest.mark.skipif(installed() is None, reason="Chromium is not installed")

LISBON = (38.7139, -9.1394)
FIRST = datetime(2025, 5, 9, 10, 30)
HOSTILE = "<img src=x onerror='document.title=1'>.jpg"
# Uploads, events, two functions and the album builder, on a machine that does other things, too.
PATIENCE = 120


def test_photos_are_dropped_found_explained_shared_and_thrown_away(
    built_gallery: None, api_url: str, page: Browser, tmp_path: Path
) -> None:
    files = []
    for number in range(6):
        files.append(tmp_path / (HOSTILE if number == 0 else f"IMG_{number}.jpg"))
        taken = FIRST + timedelta(minutes=7 * number)
        files[-1].write_bytes(draw(number, (640, 480), gps=LISBON, taken=taken, offset="+01:00"))
    files.append(tmp_path / "notes.txt")
    files[-1].write_text("no photo")

    page.screen(1280, 800)
    page.open(f"{api_url}/#/signup")
    page.click("input[name=name]")
    page.type("Ada")
    page.click("input[name=email]")
    page.type(f"{tmp_path.name}@example.com")
    page.click("input[name=password]")
    page.type("a long way to Lisbon")
    page.press("Enter")
    page.until("document.querySelector('main h2')?.textContent === 'No photos yet'")

    page.choose("[data-upload=files]", files)
    page.until("document.querySelector('.tray .head')?.innerText.includes('6 photos added')", seconds=PATIENCE)
    page.until("document.querySelectorAll('.tile img').length === 6", seconds=PATIENCE)
    page.choose("[data-upload=files]", files[:3])
    page.click(".tray .headline")
    page.until("document.querySelector('.tray').innerText.split('Already in your vault').length === 4")
    assert "No photo, so it stays where it is" in page.says("document.querySelector('.tray').innerText")

    page.click("[role=combobox]")
    page.type("lisbon may 2025")
    page.press("Enter")
    page.until("document.querySelectorAll('.chip').length === 2 && document.querySelectorAll('.tile img').length === 6")

    page.open(f"{api_url}/#/albums")
    page.until("!!document.querySelector('.shelf a')", seconds=PATIENCE)
    page.click(".shelf a")
    page.click("button:has-text('Why?')")
    page.until("document.querySelectorAll('.why p').length > 0")
    page.click("main button:has-text('Share')")
    page.click("dialog[open] button:has-text('Make a link')")
    page.until("document.querySelector('dialog[open] input[readonly]')?.value.includes('/s/')")
    link = page.says("document.querySelector('dialog[open] input[readonly]').value")
    page.open(link)
    page.until("document.images.length > 0")
    assert "Lisbon may" not in page.says("document.body.innerText")

    page.open(f"{api_url}/#/photos")
    page.until("document.querySelectorAll('.tile img').length === 6")
    page.click(".tile a")
    page.until("document.querySelector('dialog[open] img') !== null")
    page.press("Escape")
    page.until("document.querySelector('dialog[open]') === null")
    assert page.says("document.title") == "Photos · PhotoVault", "a file's name stayed a name"
