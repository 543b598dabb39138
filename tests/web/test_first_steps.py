"""What somebody new looks for first, where they look for it."""

from __future__ import annotations

import pytest
from tests.web.accounts import Account, check, log_in
from tests.web.browser import Browser, installed

pytestmark = [
    pytest.mark.usefixtures("vault", "sent", "quick_hashes"),
    pytest.mark.skipif(installed() is None, reason="there is no Chromium or Chrome here"),
]


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
