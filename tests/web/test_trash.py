"""The trash and the archive in a real browser: out of it, gone for good, and looked through."""

from __future__ import annotations

from uuid import UUID

import httpx
from tests.arranging import value
from tests.web.accounts import (
    HERE,
    HOSTILE,
    IN_A_BROWSER,
    MAY,
    OPENED,
    SCREENS,
    Account,
    check,
    log_in,
    offline,
    shown,
    tile,
)
from tests.web.browser import Browser
from tests.web.conftest import Served

pytestmark = IN_A_BROWSER

SEEN = "document.querySelector('dialog[open] img')?.dataset.quality === '2'"
LABELS = (
    "[...document.querySelectorAll('dialog[open] .top button')].map((each) => each.ariaLabel.replace(/ \\(.*/, ''))"
)


def thrown_away(ada: Account, number: int) -> list[str]:
    """Photos in the trash, in the order of its list."""
    ids = ada.photos(number, start=MAY, filename=HOSTILE)
    for each in reversed(ids):
        body = {"image_ids": [str(each)]}
        httpx.post(f"{ada.served.address}/images/trash", json=body, headers=ada.headers).raise_for_status()
    return [str(each) for each in ids]


def is_there(ada: Account, image_id: UUID | str) -> bool:
    found: int = value(ada.id, "SELECT count(*) FROM images WHERE id = %s", [image_id])
    return found == 1


def test_a_photo_of_the_trash_is_restored_or_destroyed_where_it_is_looked_at(
    served: Served, page: Browser, ada: Account
) -> None:
    ids = thrown_away(ada, 3)
    log_in(page, ada, f"#/trash/{ids[0]}")
    page.until(f"{SEEN} && !!document.querySelector('.turn.right')")
    assert page.says(LABELS) == [
        "Back",
        "Restore",
        "Download the original",
        "Delete for good",
        "Details",
    ]
    page.press("r")
    page.until(f"location.hash === '#/trash/{ids[1]}' && {SEEN}")
    assert ada.column(ids[0], "deleted_at") is None
    page.press("Delete")
    page.until("document.querySelectorAll('dialog[open]').length === 2")
    check(page)
    page.press("Escape")
    page.until("document.querySelectorAll('dialog[open]').length === 1")
    assert is_there(ada, ids[1])
    page.press("Delete")
    page.click("dialog[open] .button.danger")
    page.until(f"location.hash === '#/trash/{ids[2]}' && {SEEN}")
    assert not is_there(ada, ids[1])
    page.click("dialog[open] [aria-label^='Restore']")
    page.until("!document.querySelector('dialog[open]') && location.hash === '#/trash'")
    page.until("document.querySelector('main h2').textContent === 'The trash is empty'")


def test_photos_are_picked_restored_and_destroyed_by_keys_alone(served: Served, page: Browser, ada: Account) -> None:
    ids = thrown_away(ada, 4)
    log_in(page, ada, "#/trash")
    page.until(f"{OPENED} === 4")
    page.says(f"document.querySelector('{tile(ids[0])}').focus()")
    page.press("x")
    page.press("ArrowRight", shift=True)
    page.until("document.querySelector('[role=toolbar] [role=status]')?.textContent === '2 photos'")
    for _ in range(40):  # backwards into the bar above the grid
        if page.says("document.activeElement.textContent.trim()") == "Restore":
            break
        page.press("Tab", shift=True)
    page.press("Enter")
    page.until(f"{OPENED} === 2")
    assert [ada.column(each, "deleted_at") is None for each in ids] == [True, True, False, False]
    page.says(f"document.querySelector('{tile(ids[2])}').focus()")
    page.press("x")
    page.until("!!document.querySelector('[role=toolbar]')")
    page.press("Delete")
    page.until("document.querySelector('dialog[open] h2')?.textContent === 'Delete this photo for good?'")
    assert page.says("document.activeElement.textContent.trim()") == "Cancel", (
        "what cannot be undone is not one key away"
    )
    page.press("Tab")
    page.press("Enter")
    page.until(f"{OPENED} === 1")
    assert [is_there(ada, each) for each in ids] == [True, True, False, True]


def test_what_could_not_be_destroyed_stays_picked_and_asked_for(served: Served, page: Browser, ada: Account) -> None:
    ids = thrown_away(ada, 2)
    log_in(page, ada, "#/trash")
    page.until(f"{OPENED} === 2")
    for each in ids:
        page.click(tile(each), shift=True)
    page.until("document.querySelector('[role=toolbar] [role=status]')?.textContent === '2 photos'")
    offline(page, yes=True)
    page.click("[role=toolbar] .button.primary")
    page.until("/offline|connection/.test(document.querySelector('.toast.failed')?.textContent)")
    page.click("[role=toolbar] [aria-label='Delete for good']")
    page.click("dialog[open] .button.danger")
    page.until("/offline|connection/.test(document.querySelector('dialog[open] [role=alert]')?.textContent)")
    assert page.says("document.querySelectorAll('.pick[aria-checked=true]').length") == 2
    offline(page, yes=False)
    page.click("dialog[open] .button.danger")
    page.until("document.querySelector('main h2')?.textContent === 'The trash is empty'")
    assert not any(is_there(ada, each) for each in ids)


def test_the_trash_is_emptied_after_a_question(served: Served, page: Browser, ada: Account) -> None:
    ids = thrown_away(ada, 3)
    log_in(page, ada, "#/trash")
    page.until(f"{OPENED} === 3")
    page.click(tile(ids[0]), shift=True)
    page.until("!!document.querySelector('[role=toolbar]')")
    page.click("main header .button.danger")
    page.until("!!document.querySelector('dialog[open]')")
    check(page)
    page.click("dialog[open] .button:not(.danger)")
    page.until("!document.querySelector('dialog[open]')")
    page.click("main header .button.danger")
    page.click("dialog[open] .button.danger")
    page.until("document.querySelector('main h2')?.textContent === 'The trash is empty'")
    assert not page.says("document.querySelector('[role=toolbar]')"), "what is gone is not picked"
    assert not any(is_there(ada, each) for each in ids)


@SCREENS
def test_axe_finds_nothing_serious_in_the_trash(
    served: Served, page: Browser, ada: Account, width: int, dark: bool
) -> None:
    ids = thrown_away(ada, 5)
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/trash")
    page.until(f"{OPENED} > 2")
    check(page)
    page.says("document.querySelector('.pick').click()")
    page.until("!!document.querySelector('[role=toolbar]')")
    check(page)
    page.open(f"{served.address}/#/trash/{ids[0]}")
    page.until(SEEN)
    page.press("i")
    page.until("/In the trash since/.test(document.querySelector('aside')?.textContent)")
    check(page)
    page.press("i")
    page.screen(1280, 800)


# ---------------------------------------------------------------------------------------------------- the archive


def test_what_is_archived_is_in_the_archive_and_comes_back(served: Served, page: Browser, ada: Account) -> None:
    ids = [str(each) for each in ada.photos(4, start=MAY)]
    log_in(page, ada, f"#/photos/{ids[0]}")
    page.until(f"{SEEN} && !!document.querySelector('.turn.right')")
    page.click("dialog[open] [aria-label^='Archive']")
    page.until(f"location.hash === '#/photos/{ids[1]}' && {SEEN}")
    page.press("Escape")
    page.until(f"{HERE} === '{ids[1]}'")
    page.press("x")
    page.click("[role=toolbar] [aria-label^='Archive']")
    page.until(f"{OPENED} === 2 && !document.querySelector('[role=toolbar]')")
    page.click("nav a[href='#/archive']")
    page.until(f"{OPENED} === 2 && document.querySelector('main h1').textContent === 'Archive'")
    assert shown(page) == ids[:2]
    check(page)
    page.click(tile(ids[0]))
    page.until(f"{SEEN} && !!document.querySelector('.turn.right')")
    page.click("dialog[open] [aria-label^='Out of the archive']")
    page.until(f"location.hash === '#/archive/{ids[1]}' && {SEEN}")
    page.press("Escape")
    page.until("!document.querySelector('dialog[open]')")
    page.says(f"document.querySelector('{tile(ids[1])}').focus()")
    page.press("x")
    page.click("[role=toolbar] [aria-label^='Out of the archive']")
    page.until("document.querySelector('main h2')?.textContent === 'Nothing is in the archive'")
    assert not any(ada.column(each, "archived") for each in ids)
    page.click(".toast:last-child .action")
    page.until(f"{OPENED} === 1")
    assert [ada.column(each, "archived") for each in ids] == [False, True, False, False]
    check(page)
