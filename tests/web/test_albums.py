"""Albums in a real browser: made, named, filled, ordered, explained, shared and deleted."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import httpx
from tests.arranging import LISBON, build, table, value, want
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
    shown,
    tile,
)
from tests.web.browser import Browser
from tests.web.conftest import Served

pytestmark = IN_A_BROWSER

WRONG = "/offline|connection/.test(document.querySelector('dialog[open] :is([role=alert], .wrong)')?.textContent)"


def made(ada: Account, photos: list[UUID], title: str = "Summer") -> str:
    body = {"title": title, "image_ids": [str(each) for each in photos]}
    answer = httpx.post(f"{ada.served.address}/albums/manual", json=body, headers=ada.headers).raise_for_status()
    album_id: str = answer.json()["id"]
    return album_id


def titles(ada: Account) -> list[str]:
    wanted = "SELECT title FROM albums WHERE kind = 'manual' AND deleted_at IS NULL ORDER BY title"
    return [title for (title,) in table(ada.id, wanted)]


def held(ada: Account, album_id: str) -> int:
    found: int = value(ada.id, "SELECT count(*) FROM album_images WHERE album_id = %s", [album_id])
    return found


def in_order(page: Browser, ids: list[str]) -> None:
    page.until(
        "JSON.stringify([...document.querySelectorAll('[data-photo]')].map((each) => each.dataset.photo)) === "
        f"{json.dumps(json.dumps(ids, separators=(',', ':')))}"
    )


def test_an_album_is_made_and_filled_by_keys_alone_also_when_the_network_fails(
    served: Served, page: Browser, ada: Account
) -> None:
    ids = [str(each) for each in ada.photos(5, start=MAY)]
    log_in(page, ada, "#/albums")
    page.until("document.querySelector('main h2')?.textContent === 'No albums yet'")
    page.says("document.querySelector('main header button').focus()")
    page.press("Enter")
    page.until("document.activeElement === document.querySelector('dialog[open] input')")
    page.type(HOSTILE)
    offline(page, yes=True)
    page.press("Enter")
    page.until(WRONG)
    assert page.says("document.querySelector('dialog[open] input').value") == HOSTILE
    offline(page, yes=False)
    page.press("Enter")
    page.until(f"{TITLE} === {json.dumps(HOSTILE)} && !document.querySelector('dialog[open]')")
    assert titles(ada) == [HOSTILE]
    assert page.says("document.querySelectorAll('main h1 *').length") == 0
    page.open(f"{served.address}/#/photos")
    page.until(f"{OPENED} === 5")
    page.says(f"document.querySelector('{tile(ids[0])}').focus()")
    page.press("x")
    page.press("ArrowRight", shift=True)
    page.until("document.querySelector('[role=toolbar] [role=status]')?.textContent === '2 photos'")
    page.says("document.querySelector('[role=toolbar] [aria-label=\"Add to an album\"]').focus()")
    page.press("Enter")
    page.until("!!document.querySelector('dialog[open] li button')")
    check(page)
    page.says("document.querySelector('dialog[open] li button').focus()")
    offline(page, yes=True)
    page.press("Enter")
    page.until(WRONG)
    offline(page, yes=False)
    page.says("document.querySelector('dialog[open] li button').focus()")
    page.press("Enter")
    page.until(f"/^2 photos in “/.test({TOAST}.trim()) && !document.querySelector('[role=toolbar]')")
    page.click(".toast:last-child .action")
    page.until(f"{TITLE} === {json.dumps(HOSTILE)} && {OPENED} === 2")
    assert shown(page) == ids[:2]


def test_an_album_whose_making_was_not_answered_is_made_once(served: Served, page: Browser, ada: Account) -> None:
    ada.photos(2, start=MAY)
    log_in(page, ada, "#/albums")
    page.click("main header .button")
    page.until("!!document.querySelector('dialog[open] input')")
    # The server does it, and the answer is lost on its way.
    page.says(
        "{ const real = window.fetch; window.fetch = async (address, init) => {"
        " if (init?.method !== 'POST') return real(address, init);"
        " await real(address, init); window.fetch = real; throw new TypeError('Failed to fetch'); } }"
    )
    page.type("Summer")
    page.press("Enter")
    page.until("!!document.querySelector('dialog[open] .wrong')")
    page.press("Enter")
    page.until(f"{TITLE} === 'Summer'")
    assert titles(ada) == ["Summer"]


def test_title_description_and_cover_are_changed_and_what_was_typed_stays(
    served: Served, page: Browser, ada: Account
) -> None:
    photos = ada.photos(3, start=MAY)
    album = made(ada, photos)
    log_in(page, ada, f"#/albums/{album}")
    page.until(f"{OPENED} === 3 && {TITLE} === 'Summer'")
    page.click("main header [aria-label='Title and description']")
    page.click("dialog[open] textarea")
    page.type(HOSTILE)
    page.click("dialog[open] input", times=3)
    page.type("Winter")
    offline(page, yes=True)
    page.press("Enter")
    page.until(WRONG)
    assert page.says("document.querySelector('dialog[open] textarea').value") == HOSTILE
    assert page.says("document.querySelector('dialog[open] input').value") == "Winter"
    offline(page, yes=False)
    page.press("Enter")
    page.until(f"{TITLE} === 'Winter' && !document.querySelector('dialog[open]')")
    assert HOSTILE in page.says("document.querySelector('main header').textContent")
    page.click(tile(photos[2]), shift=True)
    page.click("[role=toolbar] [aria-label='Make it the cover']")
    page.until(f"/cover now/.test({TOAST})")
    assert str(value(ada.id, "SELECT cover_image_id FROM albums WHERE id = %s", [album])) == str(photos[2])


def test_the_order_is_by_time_or_by_hand(served: Served, page: Browser, ada: Account) -> None:
    ids = [str(each) for each in ada.photos(4, start=MAY)]
    log_in(page, ada, f"#/albums/{made(ada, [UUID(each) for each in ids])}")
    page.until(f"{OPENED} === 4")
    for label, wanted in (("Oldest first", ids[::-1]), ("Newest first", ids)):
        page.click("main header [aria-label^='Order']")
        page.click(f"[role=menuitem]:has-text('{label}')")
        in_order(page, wanted)
    page.click(tile(ids[2]), shift=True)
    moves = [
        ("To the start", [2, 0, 1, 3]),
        ("One place later", [0, 2, 1, 3]),
        ("To the end", [0, 1, 3, 2]),
        ("One place earlier", [0, 1, 2, 3]),
        ("One place earlier", [0, 2, 1, 3]),
    ]
    for label, order in moves:
        page.click("[role=toolbar] [aria-label='Move within the album']")
        page.click(f"[role=menuitem]:has-text('{label}')")
        in_order(page, [ids[each] for each in order])
    page.reload()
    in_order(page, [ids[each] for each in (0, 2, 1, 3)])
    assert page.says("!!document.querySelector('main header [aria-label=\"Order: in your own order\"]')")


def test_photos_are_taken_out_and_put_back_and_looking_at_one_lists_nothing_again(
    served: Served, page: Browser, ada: Account
) -> None:
    ids = [str(each) for each in ada.photos(4, start=MAY)]
    album = made(ada, [UUID(each) for each in ids])
    log_in(page, ada, f"#/albums/{album}")
    page.until(f"{OPENED} === 4")
    served.functions()
    page.click(tile(ids[1]))
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    page.press("Escape")
    page.until(f"!document.querySelector('dialog[open]') && {HERE} === '{ids[1]}'")
    assert {each for each in served.functions() if "/albums" in each} == set()
    page.press("x")
    offline(page, yes=True)
    page.click("[role=toolbar] [aria-label='Take out of this album']")
    page.until("!!document.querySelector('.toast.failed')")
    assert page.says("document.querySelectorAll('.pick[aria-checked=true]').length") == 1
    offline(page, yes=False)
    page.click(".toast.failed .action")
    page.until(f"{OPENED} === 3 && /taken out/.test({TOAST})")
    assert held(ada, album) == 3
    page.click(".toast:last-child .action")
    page.until(f"{OPENED} === 4")
    assert held(ada, album) == 4
    page.click(tile(ids[0]), shift=True)
    page.click("[role=toolbar] [aria-label^='Archive']")
    page.until(f"/1 photo archived/.test({TOAST})")
    page.until(f"{OPENED} === 4")  # what is archived stays in albums


def test_an_album_that_made_itself_says_why(served: Served, page: Browser, ada: Account) -> None:
    code, country, region, city, lat, lon = LISBON
    place = {"country_code": code, "country": country, "region": region, "city": city, "lat": lat, "lon": lon}
    for day in range(1, 13):
        ada.photo(taken=datetime(2025, 5, day, 12), location_source="exif", **place)
    want(ada.id)
    build(ada.id)
    log_in(page, ada, "#/albums")
    page.click(".shelf a:has-text('Lisbon')")
    page.until(f"{TITLE}.includes('Lisbon') && {OPENED} > 3")
    page.click("main header [aria-expanded]:has-text('Why?')")
    page.until("/Lisbon/.test(document.querySelector('.why')?.textContent)")
    check(page)
    page.click("main header [aria-label='Delete this album']")
    page.until("/will not make itself again/.test(document.querySelector('dialog[open]')?.textContent)")
    page.click("dialog[open] .button:not(.danger)")
    page.until("!document.querySelector('dialog[open]')")


def test_an_album_is_shared_with_a_password_and_an_end_and_the_link_is_revoked(
    served: Served, page: Browser, ada: Account
) -> None:
    album = made(ada, ada.photos(2, start=MAY))
    log_in(page, ada, f"#/albums/{album}")
    page.until(f"{OPENED} === 2")
    page.click("main header .button:has-text('Share')")
    page.until("!!document.querySelector('dialog[open] select')")
    check(page)
    page.says(
        "(() => { const ends = document.querySelector('dialog[open] select'); ends.selectedIndex = 0;"
        " ends.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )
    page.click("dialog[open] input[minlength]")
    page.type("open sesame")
    offline(page, yes=True)
    page.press("Enter")
    page.until(WRONG)
    assert page.says("document.querySelector('dialog[open] input[minlength]').value") == "open sesame"
    offline(page, yes=False)
    page.press("Enter")
    page.until("document.querySelector('dialog[open] input[readonly]')?.value.includes('/s/')")
    link = page.says("document.querySelector('dialog[open] input[readonly]').value")
    check(page)
    ends, sealed = table(ada.id, "SELECT expires_at, password_hash FROM shares WHERE album_id = %s", [album])[0]
    assert 6 <= (ends - datetime.now(ends.tzinfo)).days <= 7
    assert "sesame" not in sealed
    assert httpx.get(link).status_code in {200, 401}
    page.click("dialog[open] .button:has-text('Done')")
    page.click("main header .button:has-text('Share')")
    page.until("/with a password/.test(document.querySelector('dialog[open] li')?.textContent)")
    page.click("dialog[open] li .button.danger")
    page.until("!document.querySelector('dialog[open] li')")
    assert httpx.get(link, headers={"Accept": "application/json"}).status_code in {404, 410}


def test_an_album_is_deleted_after_a_question_and_its_photos_stay(served: Served, page: Browser, ada: Account) -> None:
    photos = ada.photos(2, start=MAY)
    album = made(ada, photos, title=HOSTILE)
    log_in(page, ada, f"#/albums/{album}")
    page.until(f"{OPENED} === 2")
    page.click("main header [aria-label='Delete this album']")
    page.until("!!document.querySelector('dialog[open]')")
    check(page)
    offline(page, yes=True)
    page.click("dialog[open] .button.danger")
    page.until("!!document.querySelector('.toast.failed')")
    assert titles(ada) == [HOSTILE]
    offline(page, yes=False)
    page.click("dialog[open] .button.danger")
    page.until("location.hash === '#/albums' && document.querySelector('main h2')?.textContent === 'No albums yet'")
    assert titles(ada) == []
    assert all(ada.column(each, "deleted_at") is None for each in photos)
    offline(page, yes=True)
    page.click(".toast button:has-text('Undo')")
    page.until("!!document.querySelector('.toast.failed')")
    offline(page, yes=False)
    page.click(".toast.failed button:has-text('Try again')")
    page.until(f"location.hash === '#/albums/{album}' && {OPENED} === 2")
    assert titles(ada) == [HOSTILE]


def test_an_answer_that_comes_late_is_not_taken_for_another_album(served: Served, page: Browser, ada: Account) -> None:
    photos = ada.photos(1, start=MAY)
    slow, quick = made(ada, photos, "Slow"), made(ada, photos, "Quick")
    log_in(page, ada, "#/albums")
    page.until("!!document.querySelector('main .shelf a')")
    page.says(
        "{ const real = fetch; window.fetch = async (asked, init) => { const answer = await real(asked, init);"
        f" if (String(asked).endsWith('/albums/{slow}')) await new Promise((resolve) => (window.late = resolve));"
        " return answer; }; }"
    )
    page.says(f"location.hash = '#/albums/{slow}'")
    page.until("!!window.late")
    page.says(f"location.hash = '#/albums/{quick}'")
    page.until(f"{TITLE} === 'Quick'")
    page.says("late(); new Promise((resolve) => setTimeout(resolve, 100))")
    assert page.says(TITLE) == "Quick"


@SCREENS
def test_axe_finds_nothing_serious_on_the_pages_of_albums(
    served: Served, page: Browser, ada: Account, width: int, dark: bool
) -> None:
    album = made(ada, ada.photos(4, start=MAY), title="A long title that somebody has thought about")
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/albums")
    page.until("!!document.querySelector('.shelf a')")
    check(page)
    page.open(f"{served.address}/#/albums/{album}")
    page.until(f"{OPENED} === 4")
    check(page)
    page.says("document.querySelector('.pick').click()")
    page.until("!!document.querySelector('[role=toolbar]')")
    check(page)
    assert page.says(
        "[...document.querySelectorAll('[role=toolbar] *')].every((each) => {"
        " const { left, right } = each.getBoundingClientRect(); return left >= 0 && right <= innerWidth; })"
    ), "every button is on the screen"
    page.screen(1280, 800)
