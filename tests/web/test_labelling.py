"""Labels that somebody gives to photos and takes away, in a real browser: of one in its details, of many picked."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tests.arranging import table
from tests.web.accounts import IN_A_BROWSER, MAY, OPENED, SCREENS, TOAST, Account, check, eventually, log_in, offline
from tests.web.browser import Browser

from photovault import db, terms, things, users, vectors
from photovault.model_manifest import ModelInfo

pytestmark = IN_A_BROWSER

MODEL = ModelInfo(name="tests-labelling", version="1", kind="label", dims=0)
CHIPS = "[...document.querySelectorAll('[aria-label=Labels] li')].map((each) => each.innerText.trim()).join()"
FIELD = "document.querySelector('[aria-label=Labels] input')"
HELD = "[...document.querySelectorAll('#change-labels li')].map((each) => each.innerText.replace(/\\s+/g, ' ')).join()"
UNDO = "[...document.querySelectorAll('.toast .action')].at(-1)"


def showing(ada: Account, image_id: UUID, scores: Mapping[str, float]) -> None:
    with db.transaction(ada.id) as conn:
        users.next_revision(conn)
        things.add(conn, image_id, vectors.model_id(conn, MODEL), scores)
        terms.refresh(conn, image_id)


def labels(ada: Account, image_id: UUID) -> set[tuple[str, str]]:
    rows = table(ada.id, "SELECT coalesce(name, label), source FROM image_labels WHERE image_id = %s", [image_id])
    return {(name, source) for name, source in rows}


def details(page: Browser, ada: Account, image_id: UUID) -> None:
    log_in(page, ada, f"#/photos/{image_id}")
    page.says("localStorage.setItem('photovault.details', 'yes')")
    page.reload()
    page.until(f"!!{FIELD}")


def test_a_wrong_label_goes_and_a_right_one_comes_by_the_keyboard_alone(page: Browser, ada: Account) -> None:
    photo, other = ada.photos(2, start=MAY)
    showing(ada, photo, {"giraffe": 0.6, "tree": 0.9})
    showing(ada, other, {"traffic light": 0.9})
    details(page, ada, photo)
    page.until(f"{CHIPS} === 'tree,giraffe'")
    page.says("document.querySelector('[aria-label=\"Remove the label giraffe\"]').focus()")
    page.press("Enter")
    page.until(f"{CHIPS} === 'tree' && {TOAST}.includes('“giraffe” removed.')")
    page.until(f"document.activeElement === {FIELD}")
    page.type("li")
    page.until("!!document.querySelector('[aria-label=Labels] [role=option]')")
    page.press("ArrowDown")
    page.press("Enter")
    page.until(f"{CHIPS} === 'traffic light,tree' && {FIELD}.value === ''")
    page.type("Baker Street, Home")
    page.press("Enter")
    page.until(f"{CHIPS} === 'Baker Street,Home,traffic light,tree'")
    page.says(f"{UNDO}.click()")
    page.until(f"{CHIPS} === 'traffic light,tree'")
    assert labels(ada, photo) == {("traffic light", "person"), ("tree", "vision")}
    assert table(ada.id, "SELECT label FROM said_labels WHERE NOT shown") == [("giraffe",)]
    page.click("[aria-label=Labels] li:first-child a")
    page.until(f"location.hash.startsWith('#/search') && {OPENED} === 2")


def test_a_label_that_is_not_saved_stays_in_its_field(page: Browser, ada: Account) -> None:
    photo = ada.photo(taken=MAY)
    page.screen(360, 740, dark=True)
    details(page, ada, photo)
    page.click("[aria-label=Labels] input")
    offline(page, yes=True)
    page.type("Beach")
    page.press("Enter")
    page.until("document.querySelector('[aria-label=Labels] [role=alert]')?.textContent.includes('still here')")
    check(page)
    offline(page, yes=False)
    page.press("Enter")
    page.until(f"{CHIPS} === 'Beach' && {FIELD}.value === ''")
    page.press("Escape")
    assert page.says("document.querySelectorAll('dialog[open]').length === 1"), "Escape leaves the field, not the photo"
    assert labels(ada, photo) == {("Beach", "person")}


@SCREENS
def test_photos_that_are_picked_get_a_label_and_lose_it(page: Browser, ada: Account, width: int, dark: bool) -> None:
    photos = ada.photos(3, start=MAY)
    showing(ada, photos[0], {"beach": 0.7})
    page.screen(width, 740, dark=dark)
    log_in(page, ada)

    label_all(page)
    check(page)
    page.click("#change-labels input")
    page.press("Enter")
    page.until("document.querySelector('#change-labels [role=alert]')?.textContent.includes('Type a word')")
    page.type("bea")
    page.until("!!document.querySelector('dialog[open] [role=option]')")
    page.press("ArrowDown")
    page.press("Enter")  # chooses, and says nothing yet
    page.until("document.querySelector('#change-labels input').value === 'beach'")
    page.press("Enter")
    page.until(f"{TOAST}.includes('“beach” added to 3 photos.')")
    assert [labels(ada, photo) for photo in photos] == [{("beach", "person")}] * 3
    page.says(f"{UNDO}.click()")
    eventually(page, lambda: labels(ada, photos[0]) == {("beach", "vision")})

    label_all(page)
    page.until(f"{HELD} === 'beach 1 of 3'")
    page.click("[aria-label='Remove the label beach']")
    page.until("!!document.querySelector('dialog[open] [aria-label=\"Keep the label beach\"]')")
    check(page)
    page.click("dialog[open] [type=submit]")
    page.until(f"{TOAST}.includes('“beach” removed from 1 photo.')")
    assert [labels(ada, photo) for photo in photos] == [set()] * 3


def label_all(page: Browser) -> None:
    page.until(f"{OPENED} === 3 && !document.querySelector('dialog[open], [role=toolbar]')")
    page.says("document.querySelectorAll('.pick').forEach((each) => each.click())")
    page.until("!!document.querySelector('[role=toolbar] [aria-label=More]')")
    page.click("[role=toolbar] [aria-label=More]")
    page.until("!!document.querySelector('[role=menuitem]')")
    page.says(
        "[...document.querySelectorAll('[role=menuitem]')].find((each) => each.textContent.trim() === 'Label').click()"
    )
    page.until("!!document.querySelector('dialog[open] #change-labels')")
