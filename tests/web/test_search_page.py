"""The gallery's search in a real browser: completions, chips, what is said where nothing is found, and the history."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image
from tests.arranging import LISBON, PORTO
from tests.web.accounts import (
    HOSTILE,
    IN_A_BROWSER,
    MAY,
    OPENED,
    SCREENS,
    TOAST,
    Account,
    check,
    log_in,
    offline,
    placed,
    strangers,
)
from tests.web.browser import Browser
from tests.web.conftest import Served

pytestmark = IN_A_BROWSER

OPTIONS = (
    "[...document.querySelectorAll('[role=option]:not([hidden] *)')].map((each) => each.innerText.split('\\n')[0])"
)
CHIPS = "[...document.querySelectorAll('.chip')].map((each) => each.innerText.trim())"
WAYS = "[...document.querySelectorAll('.ways a')].map((each) => each.innerText.trim())"
SAID = "document.querySelector('main .empty').innerText"
Q = "new URLSearchParams(location.hash.split('?')[1]).get('q')"
PASTE = """(() => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(["x"], "pasted.png", { type: "image/png" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
})()"""
RIGHT_TO_LEFT = "ירושלים \u202e שלום"


def search(page: Browser, words: str) -> None:
    page.click("input[type=search]", times=3)
    page.type(words)
    page.press("Enter")
    page.until(f"{Q} === {json.dumps(words.strip())}")


def test_completions_are_chosen_by_keys_and_by_pointer(served: Served, page: Browser, ada: Account) -> None:
    ada.photo(taken=MAY, **placed(LISBON))
    ada.photo(taken=MAY, **placed(PORTO))
    log_in(page, ada)
    page.until(f"{OPENED} === 2")
    page.press("/")
    page.type("por")
    page.until(f"{OPTIONS}.length === 2")
    assert sorted(page.says(OPTIONS)) == ["Porto", "Portugal"]
    page.press("ArrowDown")
    first = page.says("document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).innerText")
    page.press("ArrowUp")
    page.press("ArrowUp")
    page.until("document.activeElement.getAttribute('aria-activedescendant')?.endsWith('-1')")
    page.press("ArrowUp")
    page.press("Enter")
    chosen = first.split("\n")[0]
    page.until(f"{CHIPS}.length === 1 && {OPENED} === {2 if chosen == 'Portugal' else 1}")
    assert page.says(CHIPS) == ["Portugal" if chosen == "Portugal" else "Porto, Portugal"]
    page.click("[aria-label='Clear the search']")
    page.until(f"{OPTIONS}.length === 1")  # what was searched for before
    page.type("lis")
    page.until(f"{OPTIONS}.join() === 'Lisbon'")
    page.press("Escape")
    page.until("!document.querySelector('[role=option]:not([hidden] *)')")
    page.type("b")
    page.click("[role=option]")
    page.until(f"{CHIPS}.join() === 'Lisbon, Portugal' && {OPENED} === 1")
    assert page.says("document.title") == "Lisbon · Search · PhotoVault"


def test_chips_are_taken_out_one_by_one_and_the_history_brings_them_back(
    served: Served, page: Browser, ada: Account
) -> None:
    ada.photo(taken=MAY, **placed(LISBON))
    ada.photo(taken=datetime(2024, 3, 1, 9), **placed(LISBON))
    ada.photo(taken=datetime(2024, 3, 1, 9), **placed(PORTO))
    log_in(page, ada, "#/search?q=lisbon+may+2025+not+porto")
    page.until(f"{CHIPS}.length === 3 && {OPENED} === 1")
    assert page.says(CHIPS) == ["Lisbon, Portugal", "May 2025", "not Porto, Portugal"]
    assert page.says("document.querySelector('main [role=status]').textContent") == "1 photo found."
    page.click("[aria-label='Without May 2025']")
    page.until(f"{CHIPS}.length === 2 && {OPENED} === 2")
    page.click("[aria-label='Without not Porto, Portugal']")
    page.until(f"{CHIPS}.join() === 'Lisbon, Portugal' && {OPENED} === 2")
    assert page.says("document.querySelector('input[type=search]').value") == "lisbon"
    page.says("history.back()")
    page.until(f"{CHIPS}.length === 2")
    page.says("history.back()")
    page.until(f"{CHIPS}.length === 3 && {OPENED} === 1")
    assert page.says("document.querySelector('input[type=search]').value") == "lisbon may 2025 not porto"
    page.click("[aria-label='Keep as an album']")
    page.until("/is an album now/.test(document.querySelector('.toast')?.textContent)")


def test_where_nothing_is_found_each_part_says_how_it_was_understood(
    served: Served, page: Browser, ada: Account
) -> None:
    ada.photo(taken=MAY, **placed(LISBON))
    log_in(page, ada, "#/search?q=lisbon+christmas")
    page.until(f"/No photo is all of this/.test({SAID})")
    assert "Place\nLisbon, Portugal\nTaken\n" in page.says(SAID)
    page.until(f"{WAYS}.length === 1 && /^Without “.*December/.test({WAYS}[0])")
    page.click(".ways a")
    page.until(f"{CHIPS}.join() === 'Lisbon, Portugal' && {OPENED} === 1")
    search(page, "person:zoe")
    page.until(f"/There is nobody and nothing here called “zoe”/.test({SAID})")
    assert page.says("document.querySelector('main [role=status]').textContent") == "Nothing was found."
    search(page, "qwertyuiop")
    page.until(f"/Words\\s+qwertyuiop/.test({SAID})")
    check(page)


@pytest.mark.parametrize("words", [HOSTILE, RIGHT_TO_LEFT, "'; DROP TABLE images; -- %_\\ \u0000?&#=+%00"])
def test_hostile_words_are_words(served: Served, page: Browser, ada: Account, words: str) -> None:
    ada.photo(taken=MAY)
    log_in(page, ada)
    page.until(f"{OPENED} === 1")
    page.press("/")
    page.type(words)
    page.press("Enter")
    page.until("!!document.querySelector('main .empty')")
    assert page.says("document.querySelector('input[type=search]').value") == words
    assert page.says("document.title").endswith("Search · PhotoVault")
    page.reload()
    page.until("!!document.querySelector('main .empty')")
    assert page.says("document.querySelectorAll('main img[src=x], main script').length") == 0
    check(page)


def test_a_picture_finds_what_looks_like_it(served: Served, page: Browser, ada: Account, tmp_path: Path) -> None:
    ada.photo(taken=MAY)
    blank = io.BytesIO()
    Image.new("RGB", (80, 60), (10, 120, 60)).save(blank, "PNG")
    file = tmp_path / "<b>leaf.png"
    file.write_bytes(blank.getvalue())
    log_in(page, ada, "#/search")
    page.until("/in your own words/.test(document.querySelector('main .empty')?.innerText)")
    page.choose("[data-search=picture]", [file])
    page.until(f"{CHIPS}.join() === 'like <b>leaf.png'")
    page.until("!!document.querySelector('main .empty, main [role=alert]')")
    page.click("[aria-label='Do not search by this picture']")
    page.until(f"{CHIPS}.length === 0 && /in your own words/.test({SAID})")
    page.drop([file])  # here it is searched by, and not uploaded
    page.until(f"{CHIPS}.join() === 'like <b>leaf.png'")
    page.says(PASTE)
    page.until(f"{CHIPS}.join() === 'like pasted.png'")
    words = tmp_path / "notes.txt"
    words.write_text("words")
    page.drop([words])
    page.until(f"{TOAST}.includes('“notes.txt” is no picture') && !document.querySelector('.toast .action')")
    assert page.says(CHIPS) == ["like pasted.png"]
    assert page.says("document.querySelector('.tray') === null")


def test_a_failing_network_is_a_sentence_and_what_was_typed_stays(served: Served, page: Browser, ada: Account) -> None:
    ada.photo(taken=MAY, **placed(LISBON))
    log_in(page, ada, "#/search")
    page.until("!!document.querySelector('main .empty')")
    offline(page, yes=True)
    search(page, "lisbon")
    page.until("/offline/.test(document.querySelector('main [role=alert]')?.textContent)")
    assert page.says("document.querySelector('input[type=search]').value") == "lisbon"
    offline(page, yes=False)
    page.says("document.querySelector('main [role=alert] button')?.click()")
    page.until(f"{OPENED} === 1")
    ada.photo(taken=MAY, **placed(LISBON))
    page.press("Enter")  # the same words again
    page.until(f"{OPENED} === 2")


@SCREENS
def test_axe_finds_nothing_serious(served: Served, page: Browser, ada: Account, width: int, dark: bool) -> None:
    ada.photo(taken=MAY, caption=HOSTILE, **placed(("PT", "Portugal", None, HOSTILE, 38.7, -9.1)))
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/search?q=portugal+person:nobody+before+2026+not+favourite")
    page.until(f"{CHIPS}.length === 4")
    assert page.says(CHIPS)[2].startswith("until ")
    assert page.says(CHIPS)[3] == "no favourites"
    check(page)
    page.says("location.hash = '#/search?q=portugal'")
    page.until(f"{OPENED} === 1")
    page.press("/")
    page.press("End")
    page.type(" im")
    page.until("document.querySelectorAll('[role=option]').length >= 0")
    check(page)
    assert strangers(page, served) == set()
    page.screen(1280, 800)
