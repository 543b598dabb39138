"""The people of a library in a real browser: named, merged, split, hidden, and every word about them taken back."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.arranging import MODEL, build, face_of, table
from tests.web.accounts import (
    HERE,
    HOSTILE,
    IN_A_BROWSER,
    MAY,
    OPENED,
    SCREENS,
    TITLE,
    TOAST,
    Account,
    check,
    log_in,
    offline,
    tile,
)
from tests.web.browser import Browser
from tests.web.conftest import Served

from photovault import db, people, rebuilds, vectors

pytestmark = IN_A_BROWSER

CARDS = "[...document.querySelectorAll('.grid a strong')].map((each) => each.textContent)"
NAME = "dialog[open] input:not([type=date])"


def seen(ada: Account, who: int, photos: int) -> list[str]:
    """Photos of somebody, in the order of a list."""
    found = []
    for look in range(photos):
        image_id = ada.photo(taken=MAY - timedelta(hours=who * 50 + look), face_count=1)
        with db.transaction(ada.id) as conn:
            faces = [face_of(who, look)]
            people.add_faces(conn, image_id, vectors.model_id(conn, MODEL), people.new_face_ids(faces), faces)
            rebuilds.want(conn)
        found.append(str(image_id))
    return found


def named(ada: Account) -> set[str | None]:
    return {name for (name,) in table(ada.id, "SELECT name FROM person_clusters WHERE image_count > 0 AND NOT hidden")}


def person_of(ada: Account, photo: str) -> str:
    ((person,),) = table(ada.id, "SELECT person_id FROM faces WHERE image_id = %s", [photo])
    return str(person)


def type_name(page: Browser, text: str) -> None:
    page.click("main header .button:has-text('name'), main header .button:has-text('Rename')")
    page.until("!!document.querySelector('dialog[open] form')")
    page.click(NAME, times=3)
    page.type(text)


def test_somebody_is_named_by_keys_alone_and_the_name_is_taken_back(
    served: Served, page: Browser, ada: Account
) -> None:
    seen(ada, 1, 3)
    build(ada.id)
    log_in(page, ada, "#/people")
    page.until(f"{CARDS}.length === 1")
    page.says("document.querySelector('.grid a').focus()")
    page.press("Enter")
    page.until(f"{TITLE} === 'Who is this?' && {OPENED} === 3")
    for _ in range(40):
        if page.says("document.activeElement.textContent.trim()") == "Give a name":
            break
        page.press("Tab")
    page.press("Enter")
    page.until("document.activeElement === document.querySelector('dialog[open] input')")
    page.type(HOSTILE)
    page.press("Enter")
    page.until(f"{TITLE} === {json.dumps(HOSTILE)} && !document.querySelector('dialog[open]')")
    assert named(ada) == {HOSTILE}
    assert page.says("document.title") == "People · PhotoVault", "a name is no script"
    assert page.says("document.querySelectorAll('main h1 *').length") == 0
    page.click(".toast .action")
    page.until(f"{TITLE} === 'Who is this?'")
    assert named(ada) == {None}


def test_a_name_that_is_known_is_offered_and_makes_one_person_of_two(
    served: Served, page: Browser, ada: Account
) -> None:
    first, second = seen(ada, 1, 4), seen(ada, 2, 3)
    build(ada.id)
    log_in(page, ada, f"#/people/{person_of(ada, first[0])}")
    page.until(f"{OPENED} === 4")
    type_name(page, "Zoë")
    page.press("Enter")
    page.until(f"{TITLE} === 'Zoë'")
    page.open(f"{served.address}/#/people/{person_of(ada, second[0])}")
    page.until(f"{TITLE} === 'Who is this?' && {OPENED} === 3")
    type_name(page, "zo")
    page.until("document.querySelector('dialog[open] .meant button')?.textContent.includes('Zoë')")
    check(page)
    offline(page, yes=True)
    page.click("dialog[open] .meant button")
    page.until("/offline|connection/.test(document.querySelector('dialog[open] [role=alert]')?.textContent)")
    assert page.says(f"document.querySelector('{NAME}').value") == "zo"
    offline(page, yes=False)
    page.click("dialog[open] .meant button")
    page.until(f"{TITLE} === 'Zoë' && {OPENED} === 7")
    page.click(".toast:last-child .action")
    page.until(f"{TITLE} === 'Who is this?' && {OPENED} === 3")


def test_what_was_typed_stays_when_the_request_fails_or_is_refused(served: Served, page: Browser, ada: Account) -> None:
    photos = seen(ada, 1, 3)
    build(ada.id)
    log_in(page, ada, f"#/people/{person_of(ada, photos[0])}")
    page.until(f"{OPENED} === 3")
    type_name(page, "Grace")
    page.says(
        "(() => { const field = document.querySelector('dialog[open] input[type=date]'); field.value = '1500-01-01';"
        " field.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    offline(page, yes=True)
    page.press("Enter")
    page.until("/offline|connection/.test(document.querySelector('dialog[open] [role=alert]')?.textContent)")
    assert page.says(f"document.querySelector('{NAME}').value") == "Grace"
    offline(page, yes=False)
    page.press("Enter")
    page.until("document.querySelector('dialog[open] input[type=date]').ariaInvalid === 'true'")
    assert page.says(f"document.querySelector('{NAME}').value") == "Grace"
    assert named(ada) == {None}


def test_people_are_merged_where_they_are_listed_and_parted_again(served: Served, page: Browser, ada: Account) -> None:
    seen(ada, 1, 4)
    seen(ada, 2, 3)
    seen(ada, 3, 2)
    build(ada.id)
    log_in(page, ada, "#/people")
    page.until(f"{CARDS}.length >= 2")
    before = page.says(f"{CARDS}.length")
    page.click("main header .button:has-text('Merge')")
    page.click(".grid a")
    page.click(".grid a:nth-child(2)")
    page.until("document.querySelectorAll('.grid [aria-checked=true]').length === 2")
    check(page)
    offline(page, yes=True)
    page.click("main header .button.primary")
    page.until("!!document.querySelector('.toast.failed')")
    assert page.says("document.querySelectorAll('.grid [aria-checked=true]').length") == 2
    offline(page, yes=False)
    page.click("main header .button.primary")
    page.until(f"{CARDS}.length === {before - 1} && !document.querySelector('.grid [aria-checked]')")
    page.until("document.querySelector('.grid a').textContent.includes('7 photos')")
    page.click(".toast:last-child .action")
    page.until(f"{CARDS}.length === {before}")


def test_who_is_hidden_is_in_no_list_and_can_be_shown_again(served: Served, page: Browser, ada: Account) -> None:
    photos = seen(ada, 1, 3)
    build(ada.id)
    log_in(page, ada, f"#/people/{person_of(ada, photos[0])}")
    page.until(f"{OPENED} === 3")
    page.click("main header .button:has-text('Hide')")
    page.until(f"/is hidden/.test({TOAST})")
    page.click("main header [aria-label='All people']")
    page.until("document.querySelector('main h2')?.textContent === 'Nobody yet'")
    page.click(".hidden-too input")
    page.until(f"{CARDS}.length === 1")
    assert "hidden" in page.says("document.querySelector('.grid a').textContent")
    page.click(".grid a")
    page.click("main header .button:has-text('Show')")
    page.until("/Hide/.test(document.querySelector('main header').textContent)")
    assert named(ada) == {None}


def test_a_way_back_is_that_of_the_person_whom_it_was_about(served: Served, page: Browser, ada: Account) -> None:
    one, other = seen(ada, 1, 3), seen(ada, 2, 3)
    build(ada.id)
    hidden, shown = person_of(ada, one[0]), person_of(ada, other[0])
    log_in(page, ada, f"#/people/{hidden}")
    page.click("main header .button:has-text('Hide')")
    page.until(f"/is hidden/.test({TOAST})")
    page.says(f"location.hash = '#/people/{shown}'")
    page.until("/Hide/.test(document.querySelector('main header').textContent)")
    page.click(".toast:last-child .action")
    page.until(f"/Shown again/.test({TOAST})")
    assert table(ada.id, "SELECT 1 FROM person_clusters WHERE hidden") == []


def test_faces_are_taken_from_a_person_and_given_to_a_new_one_and_both_are_undone(
    served: Served, page: Browser, ada: Account
) -> None:
    photos = seen(ada, 1, 6)
    build(ada.id)
    person = person_of(ada, photos[0])
    log_in(page, ada, f"#/people/{person}")
    page.until(f"{OPENED} === 6")
    page.says(f"document.querySelector('{tile(photos[1])}').focus()")
    page.press("x")
    offline(page, yes=True)
    page.click("[role=toolbar] .button:has-text('Not this person')")
    page.until("!!document.querySelector('.toast.failed')")
    assert page.says("document.querySelectorAll('.pick[aria-checked=true]').length") == 1
    offline(page, yes=False)
    page.click(".toast.failed .action")
    page.until(f"{OPENED} === 5 && /1 face: not/.test({TOAST})")
    page.click(".toast:last-child .action")
    page.until(f"{OPENED} === 6")
    page.click(tile(photos[0]), shift=True)
    page.click(tile(photos[1]), shift=True)
    page.until("document.querySelector('[role=toolbar] [role=status]')?.textContent === '2 photos'")
    page.click("[role=toolbar] .button:has-text('Somebody else')")
    page.until(f"{OPENED} === 2 && location.hash.startsWith('#/people/') && !location.hash.endsWith('{person}')")
    assert {person_of(ada, each) == person for each in photos[2:]} == {True}
    page.click(".toast:last-child .action")
    page.until(f"{OPENED} === 6 && location.hash.endsWith('{person}')")
    page.click(tile(photos[2]))
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    page.press("Escape")
    page.until(f"!document.querySelector('dialog[open]') && {HERE} === '{photos[2]}'")


@SCREENS
def test_axe_finds_nothing_serious_on_peoples_pages(
    served: Served, page: Browser, ada: Account, width: int, dark: bool
) -> None:
    photos = seen(ada, 1, 3)
    seen(ada, 2, 3)
    build(ada.id)
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/people")
    page.until(f"{CARDS}.length === 2")
    check(page)
    page.open(f"{served.address}/#/people/{person_of(ada, photos[0])}")
    page.until(f"{OPENED} === 3")
    check(page)
    page.says("document.querySelector('.pick').click()")
    page.until("!!document.querySelector('[role=toolbar]')")
    check(page)
    assert page.says(
        "[...document.querySelectorAll('[role=toolbar] *')].every((each) => {"
        " const { left, right } = each.getBoundingClientRect(); return left >= 0 && right <= innerWidth; })"
    ), "every button is on the screen"
    page.says("document.querySelector('[role=toolbar] button').click()")
    type_name(page, HOSTILE)
    check(page)
    page.screen(1280, 800)
