"""What somebody new looks for first, where they look for it."""

from __future__ import annotations

from datetime import datetime

from tests.arranging import value
from tests.web.accounts import IN_A_BROWSER, Account, check, log_in
from tests.web.browser import Browser

pytestmark = IN_A_BROWSER


def test_an_empty_vault_says_how_photos_come_into_it(page: Browser, ada: Account) -> None:
    log_in(page, ada)
    page.until("document.querySelector('main h2')?.textContent === 'No photos yet'")
    assert "drop photos and whole folders" in page.says("document.querySelector('main').textContent")
    page.says("""
        window.opened = [];
        HTMLInputElement.prototype.click = function () { window.opened.push(this.dataset.upload); };
        0
    """)
    page.click("main .choices button:nth-of-type(1)")
    page.click("main .choices button:nth-of-type(2)")
    assert page.says("window.opened") == ["files", "folder"]
    check(page)


def test_photos_that_are_picked_are_shared_saved_and_moved_in_time(page: Browser, ada: Account) -> None:
    ids = ada.photos(3, start=datetime(2020, 5, 3, 10), hours=-1)
    log_in(page, ada)
    page.until(f"document.querySelectorAll('[data-photo]').length === {len(ids)}")
    page.click("header .all, .all")
    page.screen(360, 740, touch=True)
    check(page)
    page.screen(1280, 800)
    more(page, "Share")
    page.click("dialog[open] input[maxlength='200']")
    page.type("From Ada")
    page.click("dialog[open] [type=submit]")
    page.until("!!document.querySelector('dialog[open] .link input')")
    assert "on this computer alone" in page.says("document.querySelector('dialog[open]').textContent")
    assert value(ada.id, "SELECT title FROM shares") == "From Ada"
    page.press("Escape")
    more(page, "Shift the time")
    page.until("!!document.querySelector('#shift-times input[type=date]')")
    page.says(
        "{ const field = document.querySelector('#shift-times input[type=date]');"
        "field.value = '2021-05-03'; field.dispatchEvent(new Event('input', { bubbles: true })); } 0"
    )
    page.click("dialog[open] [type=submit]")
    page.until("document.querySelector('main h2, .photos header')?.textContent.includes('May 2021')")
    assert [ada.column(each, "sort_at") for each in ids] == [datetime(2021, 5, 3, hour) for hour in (10, 9, 8)]
    page.click(".all")
    page.says("window.saved = []; HTMLAnchorElement.prototype.click = function () { saved.push(this.download); }; 0")
    more(page, "Download")
    page.until("window.saved.length === 1")
    assert page.says("window.saved") == ["photos.zip"]


def more(page: Browser, item: str) -> None:
    page.click("[role=toolbar] [aria-label=More]")
    page.click(f"[role=menuitem]:has-text('{item}')")
