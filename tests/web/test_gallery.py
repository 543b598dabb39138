"""The gallery in a real browser, on the whole API with a database and a storage; skipped where there is none."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

import httpx
import pytest
from tests.web.accounts import (
    HERE,
    HOSTILE,
    IN_A_BROWSER,
    MAY,
    OPENED,
    PASSWORD,
    RESTED,
    Account,
    check,
    log_in,
    offline,
    scroll,
    scroll_to,
    shown,
    tile,
)
from tests.web.browser import Browser
from tests.web.conftest import Served

pytestmark = IN_A_BROWSER


# ------------------------------------------------------------------------------------------------------- the door


def test_who_signs_up_is_in_and_stays_in_after_a_reload(served: Served, page: Browser, ada: Account) -> None:
    page.open(served.address + "/")
    page.click('a[href="#/signup"]')
    page.click("input[name=name]")
    page.type(HOSTILE)
    page.click("input[name=email]")
    page.type(f"new-{ada.email}")
    page.click("input[name=password]")
    page.type("short")
    page.press("Enter")
    page.until(
        "document.activeElement.name === 'password'"
        " && document.querySelector('form').textContent.includes('at least 8 characters')"
    )
    assert served.functions() == []
    page.type(" no longer")
    page.press("Enter")
    page.until("document.querySelector('main h2')?.textContent === 'No photos yet'")
    page.reload()
    page.until("document.querySelector('main h2')?.textContent === 'No photos yet'")
    assert "POST /auth/refresh" in served.functions()
    assert "pvr_" not in page.says("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert page.says("document.title") == "Photos · PhotoVault"


def test_two_tabs_of_one_browser_renew_one_after_the_other(served: Served, page: Browser, ada: Account) -> None:
    log_in(page, ada)
    # Both ask at once, as tabs that a browser restores do; the second must not send a cookie that was spent.
    answered = page.says(
        "Promise.all([0, 1].map(() => new Promise((resolve) => {"
        "  const frame = document.createElement('iframe'); frame.src = 'about:blank'; document.body.append(frame);"
        "  frame.contentWindow.navigator.locks.request('photovault.refresh', () =>"
        "    fetch('auth/refresh', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{}'})"
        "  ).then((answer) => resolve(answer.status)); })))"
    )
    assert answered == [200, 200]
    page.reload()
    page.until("!!document.querySelector('header .brand')")


def test_a_wrong_password_is_a_sentence_and_what_was_typed_stays(served: Served, page: Browser, ada: Account) -> None:
    page.open(served.address + "/")
    page.click("input[name=email]")
    page.type(ada.email)
    page.click("input[name=password]")
    page.type("not the password")
    page.press("Enter")
    page.until("!!document.querySelector('form [role=alert]')")
    assert page.says("document.querySelector('form [role=alert]').textContent").strip().endswith(".")
    assert page.says("document.querySelector('input[name=email]').value") == ada.email
    offline(page, yes=True)
    page.press("Enter")
    page.until("/offline|connection/.test(document.querySelector('form [role=alert]')?.textContent)")
    offline(page, yes=False)


def test_logging_out_forgets_what_was_seen(served: Served, page: Browser, ada: Account) -> None:
    ada.photos(3, start=MAY)
    log_in(page, ada)
    page.until(f"{OPENED} === 3")
    page.until("caches.open('photovault-sealed-1').then((cache) => cache.keys()).then((keys) => keys.length === 3)")
    # What the page has in memory, and is doing, ends with it.
    page.says("window.before = true; caches.open('photovault-late').then(() => 0)")
    page.click("header [aria-label^='Account of']")
    page.click("[role=menuitem]:last-child")
    page.until("!window.before && !!document.querySelector('input[name=password]')")
    page.until("document.querySelector('.note')?.textContent === 'You are logged out.'")
    page.until("caches.keys().then((names) => names.length === 0)")
    assert page.says("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])") == "[{},{}]"
    page.reload()
    page.until("!!document.querySelector('input[name=password]')")
    assert "POST /auth/refresh" not in served.functions()[-3:]


def test_a_session_that_was_ended_elsewhere_leaves_nothing_behind(served: Served, page: Browser, ada: Account) -> None:
    ada.photos(2, start=MAY)
    log_in(page, ada)
    page.until("caches.open('photovault-sealed-1').then((cache) => cache.keys()).then((keys) => keys.length === 2)")
    httpx.delete(f"{served.address}/auth/sessions", headers=ada.headers).raise_for_status()
    page.reload()
    page.until("!!document.querySelector('input[name=password]')")
    page.until("caches.keys().then((names) => names.length === 0)")
    page.until("indexedDB.databases().then((found) => found.length === 0)")
    page.until("JSON.stringify(localStorage) === '{}'")


def test_logging_out_in_one_tab_empties_the_others(served: Served, page: Browser, ada: Account) -> None:
    ada.photos(2, start=MAY)
    log_in(page, ada)
    page.until(f"{OPENED} === 2")
    # Another tab, as far as this one can tell: a document of its own at the same address.
    page.says(
        "window.before = true;"
        "document.body.append(Object.assign(document.createElement('iframe'), {src: 'about:blank'}));"
        "frames[0].localStorage.removeItem('photovault.logged-in')"
    )
    page.until("!window.before && !!document.querySelector('input[name=password]')")
    assert page.says(OPENED) == 0


def test_a_tab_of_one_person_becomes_that_of_another_who_logs_in(served: Served, page: Browser, ada: Account) -> None:
    """The cookie is that of all tabs: what this one shows and sends must not be Ada's half and Eve's half."""
    ada.photos(2, start=MAY)
    log_in(page, ada)
    page.until(f"{OPENED} === 2")
    eve = Account(served)
    httpx.delete(f"{served.address}/auth/sessions", headers=ada.headers).raise_for_status()
    body = json.dumps(json.dumps({"email": eve.email, "password": PASSWORD, "cookie": True}))
    page.says("window.before = true")
    entered = page.says(
        "fetch('auth/login', {method: 'POST', headers: {'content-type': 'application/json'}, "
        f"body: {body}}}).then((answer) => answer.status)"
    )
    assert entered == 200
    page.says("location.hash = '#/albums'")
    page.until("!window.before && !!document.querySelector('header .brand')")
    page.says("location.hash = '#/photos'")
    page.until("document.querySelector('main h2')?.textContent === 'No photos yet'")
    page.until("caches.keys().then((names) => names.length === 0)")


def test_a_session_that_was_ended_elsewhere_asks_to_log_in_again(served: Served, page: Browser, ada: Account) -> None:
    log_in(page, ada)
    httpx.delete(f"{served.address}/auth/sessions", headers=ada.headers).raise_for_status()
    page.reload()
    page.until("!!document.querySelector('input[name=password]')")


SEARCHED = "location.hash.startsWith('#/search?q=')"


def search(page: Browser) -> None:
    page.click("header input")
    page.type("a secret wish")
    page.press("Enter")
    page.until(f"{SEARCHED} && !!document.querySelector('main .understood')")


def test_after_a_log_out_the_address_says_nothing_of_what_was_looked_at(
    served: Served, page: Browser, ada: Account
) -> None:
    log_in(page, ada)
    page.click("nav a[href='#/albums']")
    search(page)
    page.click("header [aria-label^='Account of']")
    page.click("[role=menuitem]:last-child")
    page.until("!!document.querySelector('input[name=password]') && location.hash === '#/'")
    for way in ("back", "forward"):
        page.says(f"history.{way}(); new Promise((resolve) => setTimeout(resolve, 150))")
        assert page.says("location.hash") == "#/"
    log_in(page, Account(served))
    page.until("document.querySelector('main h2')?.textContent === 'No photos yet'")


@pytest.mark.parametrize("same", [True, False], ids=["the-same-person", "somebody-else"])
def test_whose_session_ran_out_goes_on_where_they_were_and_nobody_else(
    served: Served, page: Browser, ada: Account, same: bool
) -> None:
    log_in(page, ada)
    search(page)
    page.says(
        "localStorage.removeItem('photovault.logged-in'); dispatchEvent(new StorageEvent('storage', "
        "{ key: 'photovault.logged-in' }))"
    )
    page.until("!!document.querySelector('input[name=password]') && location.hash === '#/'")
    kept = "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state])"
    assert "secret" not in page.says(f"location.href + document.body.textContent + {kept}")
    page.click("input[name=email]")
    page.type(ada.email if same else Account(served).email)
    page.click("input[name=password]")
    page.type(PASSWORD)
    page.press("Enter")
    page.until("!!document.querySelector('header .brand')")
    page.until(SEARCHED if same else "document.querySelector('main h2')?.textContent === 'No photos yet'")


def test_who_opens_a_page_with_a_session_that_is_over_comes_to_it_without_the_words(
    served: Served, page: Browser, ada: Account
) -> None:
    log_in(page, ada)
    search(page)
    httpx.delete(f"{served.address}/auth/sessions", headers=ada.headers).raise_for_status()
    page.reload()
    page.until("!!document.querySelector('input[name=password]') && location.hash === '#/search'")


# --------------------------------------------------------------------------------------------------- the timeline


def test_after_the_first_list_scrolling_calls_no_function(served: Served, page: Browser, ada: Account) -> None:
    ids = ada.photos(150, start=MAY)
    log_in(page, ada)
    page.until(f"{OPENED} > 5")
    page.until(f"{OPENED} === document.querySelectorAll('.tile').length")
    assert sorted(served.functions()) == ["GET /images/list", "GET /images/timeline", "POST /auth/login"]
    seen = set(shown(page))
    bottom = "scrollY + innerHeight >= document.documentElement.scrollHeight - 1"
    while not page.says(bottom):
        scroll(page, "innerHeight * 0.7")
        page.until(f"{OPENED} === document.querySelectorAll('.tile').length && {OPENED} > 5")
        seen |= set(shown(page))
    assert seen == {str(each) for each in ids}
    assert served.functions() == []


def test_any_number_of_photos_is_a_screenful_of_document(served: Served, page: Browser, ada: Account) -> None:
    ada.bare_photos(20_000, start=MAY, days=3000)
    log_in(page, ada)
    page.until("document.querySelectorAll('.tile').length > 5")
    most = 0
    height = page.says("document.documentElement.scrollHeight")
    for share in (0.2, 0.9, 0.5, 1, 0):
        scroll_to(page, share)
        most = max(most, page.says("document.querySelectorAll('*').length"))
    assert height > 100 * 800
    assert most < 2500
    asked = served.functions()
    assert len(asked) < 25, "what lies between is not listed"


def test_a_month_is_a_jump_away(served: Served, page: Browser, ada: Account) -> None:
    ada.bare_photos(5_000, start=MAY, days=2500)
    log_in(page, ada)
    page.until("document.querySelectorAll('.tile').length > 5")
    served.functions()
    page.says("document.querySelector('[role=slider]').focus()")
    page.press("End")
    page.until(f"scrollY > 10000 && {RESTED}")
    assert page.says("document.querySelector('[role=slider]').ariaValueText") == "July 2018"
    assert page.says("[...document.querySelectorAll('section h2')].at(-1).textContent") == "July 2018"
    assert 1 <= len(served.functions()) <= 3
    page.press("ArrowUp")
    page.until("document.querySelector('[role=slider]').ariaValueText === 'August 2018'")


def test_what_is_looked_at_stays_while_months_above_it_are_listed(served: Served, page: Browser, ada: Account) -> None:
    ada.bare_photos(3_000, start=MAY, days=800)
    log_in(page, ada)
    page.until("document.querySelectorAll('.tile').length > 5")
    scroll_to(page, 0.6)
    spot = (
        "(() => { const found = [...document.querySelectorAll('[data-photo]')].map((each) => [each.dataset.photo, "
        "each.getBoundingClientRect().top]).filter(([, top]) => top >= 60).sort((a, b) => a[1] - b[1])[0]; "
        "return found; })()"
    )
    photo, top = page.says(spot)
    for _ in range(4):
        scroll(page, "-900")
        page.until(RESTED)
    for _ in range(4):
        scroll(page, "900")
        page.until(RESTED)
    again = page.says(f"document.querySelector('{tile(photo)}').getBoundingClientRect().top")
    assert abs(again - top) < 260, "a row's height at most, where rows were broken anew"


# ------------------------------------------------------------------------------------------------------ selecting


def test_photos_are_picked_by_click_range_and_key_and_moved_to_the_trash_and_back(
    served: Served, page: Browser, ada: Account
) -> None:
    ids = [str(each) for each in ada.photos(12, start=MAY)]
    log_in(page, ada)
    page.until(f"{OPENED} === 12")
    picked = "document.querySelectorAll('.pick[aria-checked=true]').length"
    page.says(f"document.querySelector('{tile(ids[1])}').focus()")
    page.press("x")
    page.until(f"{picked} === 1")
    page.click(tile(ids[4]), shift=True)
    page.until(f"{picked} === 4")
    page.click(tile(ids[2]))
    page.until(f"{picked} === 3")
    assert page.says("document.querySelector('[role=toolbar] [role=status]').textContent") == "3 photos"
    page.click("[role=toolbar] [aria-label^='Move to the trash']")
    page.until("document.querySelectorAll('.tile').length === 9")
    assert {each for each in ids if ada.column(each, "deleted_at") is not None} == {ids[1], ids[3], ids[4]}
    page.click(".toast .action")
    page.until(f"{OPENED} === 12")
    assert all(ada.column(each, "deleted_at") is None for each in ids)


def test_what_was_picked_stays_picked_when_the_request_fails(served: Served, page: Browser, ada: Account) -> None:
    ids = ada.photos(3, start=MAY)
    log_in(page, ada)
    page.until(f"{OPENED} === 3")
    page.click(tile(ids[0]), shift=True)
    page.click(tile(ids[1]))
    offline(page, yes=True)
    page.click("[role=toolbar] [aria-label='Add to favourites']")
    page.until("!!document.querySelector('.toast.failed')")
    assert page.says("document.querySelectorAll('.pick[aria-checked=true]').length") == 2
    offline(page, yes=False)
    page.click(".toast.failed .action")
    page.until("document.querySelectorAll('.tile .heart').length === 2")
    assert [ada.column(each, "favourite") for each in ids] == [True, True, False]


# ------------------------------------------------------------------------------------------------------ one photo


def test_photos_are_leafed_through_by_keys_and_the_focus_comes_back(
    served: Served, page: Browser, ada: Account
) -> None:
    ids = [str(each) for each in ada.photos(5, start=MAY)]
    log_in(page, ada)
    page.until(f"{OPENED} === 5")
    page.says(f"document.querySelector('{tile(ids[1])}').focus()")
    page.press("Enter")
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    for key, wanted in (("ArrowRight", ids[2]), ("ArrowRight", ids[3]), ("ArrowLeft", ids[2])):
        page.until("!!document.querySelector('.turn.right') && !!document.querySelector('.turn.left')")
        page.press(key)
        page.until(f"location.hash === '#/photos/{wanted}' && !!document.querySelector('dialog[open] img')")
    page.press("f")
    page.until("document.querySelector('dialog[open] [aria-pressed=true]')?.ariaLabel.startsWith('Remove from fav')")
    assert ada.column(ids[2], "favourite") is True
    page.press("Escape")
    page.until(f"!document.querySelector('dialog[open]') && {HERE} === '{ids[2]}'")


def test_a_photo_that_is_opened_by_its_address_has_its_neighbours(served: Served, page: Browser, ada: Account) -> None:
    ids = [str(each) for each in ada.photos(4, start=MAY)]
    ada.bare_photos(900, start=datetime(2026, 5, 1), days=300)
    log_in(page, ada, f"#/photos/{ids[2]}")
    page.until(
        "document.querySelector('dialog[open] img')?.dataset.quality === '2' && !!document.querySelector('.turn.right')"
    )
    page.press("ArrowLeft")
    page.until(f"location.hash === '#/photos/{ids[1]}'")
    page.press("Escape")
    page.until("!document.querySelector('dialog[open]') && document.querySelectorAll('.tile').length > 3")


def test_zooming_keeps_what_is_under_the_pointer_and_a_double_click_ends_it(
    served: Served, page: Browser, ada: Account
) -> None:
    (photo,) = ada.photos(1, start=MAY)
    log_in(page, ada, f"#/photos/{photo}")
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    scale = "new DOMMatrix(getComputedStyle(document.querySelector('.picture')).transform).a"
    page("Input.dispatchMouseEvent", type="mouseWheel", x=640, y=400, deltaX=0, deltaY=-400)
    page.until(f"{scale} > 1.5")
    page.click(".stage", times=2)
    page.until(f"{scale} === 1")


def test_fingers_leaf_and_put_away(served: Served, page: Browser, ada: Account) -> None:
    ids = [str(each) for each in ada.photos(3, start=MAY)]
    page.screen(390, 844, touch=True)
    log_in(page, ada, f"#/photos/{ids[0]}")
    page.until(
        "document.querySelector('dialog[open] img')?.dataset.quality === '2' && !!document.querySelector('.turn.right')"
    )
    page.drag((300, 400), (80, 410))
    page.until(f"location.hash === '#/photos/{ids[1]}'")
    page.drag((200, 300), (205, 560))
    page.until("!document.querySelector('dialog[open]')")
    page.screen(1280, 800)


def test_a_caption_survives_a_failed_request_and_leafing(served: Served, page: Browser, ada: Account) -> None:
    ids = [str(each) for each in ada.photos(2, start=MAY, filename=HOSTILE)]
    log_in(page, ada, f"#/photos/{ids[0]}")
    page.until(
        "document.querySelector('dialog[open] img')?.dataset.quality === '2' && !!document.querySelector('.turn.right')"
    )
    page.press("i")
    page.click("#caption")
    page.type(HOSTILE)
    offline(page, yes=True)
    page.click("aside .button.primary")
    page.until("!!document.querySelector('#caption-wrong')")
    assert page.says("document.querySelector('#caption').value") == HOSTILE
    offline(page, yes=False)
    page.press("ArrowRight")
    page.until(f"location.hash === '#/photos/{ids[1]}' && document.querySelector('#caption').value === ''")
    page.until("!!document.querySelector('.turn.left')")
    page.press("ArrowLeft")
    page.until(f"document.querySelector('#caption').value === {json.dumps(HOSTILE)}")
    page.click("aside .button.primary")
    page.until("!document.querySelector('aside .button.primary')")
    assert ada.column(ids[0], "caption") == HOSTILE
    page.press("i")
    page.until(f"document.querySelector('dialog[open] .caption').textContent === {json.dumps(HOSTILE)}")
    assert page.says("document.querySelectorAll('dialog[open] .caption *').length") == 0


def test_the_original_is_saved_as_it_was_uploaded(served: Served, page: Browser, ada: Account) -> None:
    (photo,) = ada.photos(1, start=MAY, filename="../IMG <1>.jpg")
    log_in(page, ada, f"#/photos/{photo}")
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    name, data = page.saved(lambda: page.press("d"))
    assert name == "_IMG _1_.jpg"
    assert hashlib.sha256(data).digest() == bytes(ada.column(photo, "sha256"))


# ------------------------------------------------------------------------------------------------------- for all


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_serious(served: Served, page: Browser, ada: Account, width: int, dark: bool) -> None:
    ids = ada.photos(12, start=MAY, hours=-300, caption=HOSTILE)
    page.screen(width, 800, dark=dark)
    page.open("about:blank")
    page.open(served.address + "/#/signup")
    page.until("!!document.querySelector('input[name=name]')")
    check(page)
    log_in(page, ada)
    page.until(f"{OPENED} > 2")
    check(page)
    page.says("document.querySelectorAll('.pick')[0].click()")
    page.until("!!document.querySelector('[role=toolbar]')")
    check(page)
    page.open(f"{served.address}/#/photos/{ids[0]}")
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    page.press("i")
    page.until("!!document.querySelector('aside')")
    check(page)
    page.press("i")
    page.screen(1280, 800)


def test_everything_comes_from_here(served: Served, page: Browser, ada: Account) -> None:
    ada.photos(3, start=MAY)
    log_in(page, ada)
    page.until(f"{OPENED} === 3")
    hosts = page.says("[...new Set(performance.getEntriesByType('resource').map((each) => new URL(each.name).host))]")
    assert set(hosts) <= {served.address.removeprefix("http://").partition("/")[0], ""}


class TestBelowAStage:
    """The same, where the gateway puts its stage before every path."""

    pytestmark = pytest.mark.parametrize("served", ["/v1"], indirect=True, ids=["below-a-stage"])

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_the_gallery_works_below_it(self, served: Served, page: Browser, ada: Account, slash: str) -> None:
        ids = ada.photos(2, start=MAY)
        page.open("about:blank")
        page.open(served.address + slash)
        page.click("input[name=email]")
        page.type(ada.email)
        page.click("input[name=password]")
        page.type(PASSWORD)
        page.press("Enter")
        page.until(f"{OPENED} === 2")
        page.click(tile(ids[0]))
        page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
        page.reload()
        page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
        assert page.says("location.pathname").startswith("/v1")
