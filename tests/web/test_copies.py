"""The gallery's page of copies and bursts."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from uuid import UUID

from tests.arranging import table
from tests.web.accounts import HOSTILE, IN_A_BROWSER, MAY, SCREENS, Account, check, log_in, offline
from tests.web.browser import Browser
from tests.web.conftest import Served

from photovault import db

pytestmark = IN_A_BROWSER

GROUPS = "document.querySelectorAll('main section').length"
MOVE = "main section .button.primary"


def alike(ada: Account, number: int, *, days: float, kind: str = "duplicate") -> list[UUID]:
    """Photos that vision found to look alike, the first of them the largest."""
    taken = MAY - timedelta(days=days)
    found = [
        ada.photo(taken=taken, filename=f"{n} {HOSTILE}.jpg", width=1600 >> n, height=1200 >> n) for n in range(number)
    ]
    with db.transaction(ada.id) as conn:
        for one, other in combinations(found, 2):
            conn.execute(
                "INSERT INTO look_alikes (image_a, image_b, kind, score, share) VALUES (%s, %s, %s, 0.99, 1)",
                [one, other, kind],
            )
    return found


def trashed(ada: Account) -> set[UUID]:
    return {row[0] for row in table(ada.id, "SELECT id FROM images WHERE deleted_at IS NOT NULL")}


def test_of_copies_the_best_stays_or_another_that_is_chosen(served: Served, page: Browser, ada: Account) -> None:
    first, second = alike(ada, 3, days=1), alike(ada, 2, days=2)
    log_in(page, ada, "#/copies")
    page.until(f"{GROUPS} === 2")
    assert "half the size" in page.says("document.querySelector('main section').innerText")

    page.click(MOVE)
    page.until(f"{GROUPS} === 1")
    assert trashed(ada) == {*first[1:]}
    page.click("button:has-text('Undo')")
    page.until(f"{GROUPS} === 2")
    assert trashed(ada) == set()

    page.click("main section:nth-of-type(2) li:nth-child(2) input[type=radio]")
    page.click("main section:nth-of-type(2) .button.primary")
    page.until(f"{GROUPS} === 1")
    assert trashed(ada) == {second[0]}


def test_what_is_no_copy_is_not_offered_again(served: Served, page: Browser, ada: Account) -> None:
    alike(ada, 2, days=1)
    log_in(page, ada, "#/copies")
    page.click("button:has-text('These are no copies')")
    page.until("document.querySelector('main h2')?.textContent === 'No copies'")
    page.reload()
    page.until("document.querySelector('main h2')?.textContent === 'No copies'")
    assert trashed(ada) == set()


def test_all_copies_are_tidied_up_at_once_and_bursts_are_left_alone(
    served: Served, page: Browser, ada: Account
) -> None:
    groups = [alike(ada, 2, days=n) for n in range(3)]
    alike(ada, 3, days=9, kind="burst")
    log_in(page, ada, "#/copies")
    page.click("button:has-text('Tidy up all')")
    page.click("dialog[open] .button.primary")
    page.until("document.querySelector('main h2')?.textContent === 'No copies'")
    assert trashed(ada) == {copy for _, copy in groups}

    page.click("main nav a:has-text('Bursts')")
    page.until(f"{GROUPS} === 1")
    assert page.says(f"document.querySelector('{MOVE}').disabled"), "nothing of a burst is superfluous by itself"
    page.click("main section li:nth-child(3) input[type=checkbox]")
    page.click("main section li:nth-child(3) a")
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    page.press("Escape")
    page.until("!document.querySelector('dialog[open]')")
    assert page.says("document.querySelector('li:nth-child(3) input[type=checkbox]').checked"), "what was chosen stays"


def test_the_tidying_up_ends_with_its_page(served: Served, page: Browser, ada: Account) -> None:
    for n in range(3):
        alike(ada, 2, days=n)
    log_in(page, ada, "#/copies")
    page.until(f"{GROUPS} === 3")
    page.says(
        "{ const real = fetch; window.fetch = async (asked, init) => {"
        " if (String(asked).endsWith('/resolve')) await new Promise((resolve) => (window.goOn = resolve));"
        " return real(asked, init); }; }"
    )
    page.click("button:has-text('Tidy up all')")
    page.click("dialog[open] .button.primary")
    page.until("!!window.goOn")
    page.says("location.hash = '#/albums'")
    page.until("document.querySelector('main h1')?.textContent === 'Albums'")
    page.says("goOn()")
    page.until("/1 photo moved/.test(document.querySelector('.toast')?.textContent)")
    assert len(trashed(ada)) == 1


def test_a_failed_request_changes_nothing_and_says_so(served: Served, page: Browser, ada: Account) -> None:
    _, copy = alike(ada, 2, days=1)
    log_in(page, ada, "#/copies")
    page.until(f"{GROUPS} === 1")
    page.click("main section li:nth-child(2) input[type=radio]")
    offline(page, yes=True)
    page.click(MOVE)
    page.until("!!document.querySelector('.toasts')?.innerText.match(/offline|connection/)")
    assert page.says(f"{GROUPS} === 1 && document.querySelector('li:nth-child(2) input[type=radio]').checked")
    offline(page, yes=False)
    page.click(MOVE)
    page.until(f"{GROUPS} === 0")
    assert copy not in trashed(ada)


@SCREENS
def test_axe_finds_nothing_serious(served: Served, page: Browser, ada: Account, width: int, dark: bool) -> None:
    alike(ada, 3, days=1)
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/copies")
    page.until(f"{GROUPS} === 1 && document.querySelectorAll('main section img').length === 3")
    check(page)
    page.screen(1280, 800)
