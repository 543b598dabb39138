"""The gallery's memories in a real browser: days, the slide show, and what is not remembered."""

from __future__ import annotations

import json
from datetime import datetime

from tests.arranging import table
from tests.web.accounts import HOSTILE, IN_A_BROWSER, OPENED, SCREENS, Account, check, log_in, offline, strangers
from tests.web.browser import Browser
from tests.web.conftest import Served

pytestmark = IN_A_BROWSER

CARDS = "[...document.querySelectorAll('a.card')].map((each) => each.querySelector('strong').textContent)"
SHOWN = "document.querySelector('dialog[open] img')?.alt"
STEP = "document.querySelector('dialog[open] .words .unseen')?.textContent"


def remembered(ada: Account, *, caption: str | None = None) -> None:
    """Three photos of 14 May 2024 that look unlike one another, and one of the week of 2022."""
    for n in range(3):
        ada.photo(taken=datetime(2024, 5, 14, 9 + 3 * n), caption=caption if n == 0 else f"Number {n + 1}")
    ada.photo(taken=datetime(2022, 5, 16, 12))


def test_a_slide_show_pauses_turns_over_and_ends_by_keys(served: Served, page: Browser, ada: Account) -> None:
    remembered(ada, caption="Number 1")
    log_in(page, ada, "#/memories?date=2026-05-14")
    page.until(f"{CARDS}.join() === '2 years ago,This week, 4 years ago'")
    assert "May 14 in earlier years" in page.says("document.querySelector('main').innerText")
    page.click("a.card")
    page.until(f"/^Number 1/.test({SHOWN})")
    page.press(" ")
    page.until("!document.querySelector('dialog[open] .running')")
    page.press("Home")  # it may have gone on meanwhile
    for key, step, alt in (
        ("ArrowRight", 2, "Number 2"),
        ("End", 3, "Number 3"),
        ("ArrowRight", 3, "Number 3"),
        ("Home", 1, "Number 1"),
    ):
        page.press(key)
        page.until(f"{STEP} === 'Photo {step} of 3:' && {SHOWN}?.startsWith('{alt}')")
    page.press(" ")
    page.until("!!document.querySelector('dialog[open] .running')")
    page.press("Escape")
    page.until("!document.querySelector('dialog[open]')")
    assert page.says("location.hash") == "#/memories?date=2026-05-14"
    page.says("location.hash = '#/memories/2/photos?date=2026-05-14'")
    page.until(f"{OPENED} === 3 && document.querySelector('main h1').textContent === '2 years ago'")
    page.says("history.back()")
    page.until(f"{CARDS}.length === 2")


def test_fingers_turn_over_and_put_away(served: Served, page: Browser, ada: Account) -> None:
    remembered(ada)
    page.screen(390, 844, touch=True)
    log_in(page, ada, "#/memories/2?date=2026-05-14")
    page.until(f"!!{SHOWN}")
    page.press(" ")
    page.press("Home")  # it may have gone on meanwhile
    page.until(f"{STEP} === 'Photo 1 of 3:' && !!{SHOWN}")
    page.drag((300, 400), (80, 410))
    page.until(f"{STEP} === 'Photo 2 of 3:'")
    page.drag((80, 400), (300, 410))
    page.until(f"{STEP} === 'Photo 1 of 3:'")
    page.drag((200, 300), (205, 560))
    page.until(f"!document.querySelector('dialog[open]') && {CARDS}.length === 2")
    page.screen(1280, 800)


def test_a_day_without_memories_leads_to_one_that_has_some(served: Served, page: Browser, ada: Account) -> None:
    remembered(ada)
    log_in(page, ada, "#/memories?date=2026-11-20")
    page.until("document.querySelector('main .empty h2')?.textContent === 'No memories of November 20'")
    page.click("main .empty a.button")
    page.until(f"{CARDS}.length === 2 && document.querySelector('input[type=date]').value === '2026-05-14'")
    page.click("[aria-label='The day after']")
    page.until(f"document.querySelector('input[type=date]').value === '2026-05-15' && {CARDS}.length === 2")
    page.says("location.hash = '#/memories/7?date=2026-05-14'")
    page.until("/That memory is not here any more/.test(document.querySelector('main').innerText)")
    page.says("location.hash = '#/memories?date=2026-02-31'")
    page.until("[...document.querySelectorAll('main button')].every((each) => each.textContent !== 'Today')")


def test_an_empty_library_has_no_memories_yet(served: Served, page: Browser, ada: Account) -> None:
    log_in(page, ada, "#/memories")
    page.until("document.querySelector('main .empty h2')?.textContent === 'No memories of today yet'")
    page.until("!document.querySelector('main .empty a.button')")
    check(page)


def test_what_is_hidden_or_thrown_away_is_not_remembered(served: Served, page: Browser, ada: Account) -> None:
    remembered(ada)
    table(ada.id, "UPDATE images SET archived = true WHERE local_day = '2022-05-16' RETURNING id")
    log_in(page, ada, "#/memories?date=2026-05-14")
    page.until(f"{CARDS}.join() === '2 years ago'")


def test_a_failing_network_is_a_sentence_and_the_day_stays(served: Served, page: Browser, ada: Account) -> None:
    remembered(ada)
    log_in(page, ada, "#/memories?date=2026-05-13")
    page.until(f"{CARDS}.length === 2")
    offline(page, yes=True)
    page.click("[aria-label='The day after']")
    page.until("/offline/.test(document.querySelector('main [role=alert]')?.textContent)")
    assert page.says("document.querySelector('input[type=date]').value") == "2026-05-14"
    check(page)
    offline(page, yes=False)
    page.says("document.querySelector('main [role=alert] button')?.click()")
    page.until(f"{CARDS}.length === 2")


@SCREENS
def test_axe_finds_nothing_serious_and_captions_stay_text(
    served: Served, page: Browser, ada: Account, width: int, dark: bool
) -> None:
    remembered(ada, caption=HOSTILE)
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/memories?date=2026-05-14")
    page.until(f"{CARDS}.length === 2 && document.querySelectorAll('a.card img').length === 2")
    check(page)
    page.click("a.card")
    page.until(f"!!{SHOWN}")
    page.press(" ")
    page.press("Home")  # it may have gone on meanwhile
    page.until(f"document.querySelector('dialog[open] .words strong').textContent === {json.dumps(HOSTILE)}")
    assert page.says("document.title") == "Memories · PhotoVault"
    check(page)
    assert strangers(page, served) == set()
    page.press("Escape")
    page.screen(1280, 800)
