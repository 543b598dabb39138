"""The gallery's map in a real browser: drawn from data of our own, moved by mouse, fingers and keys."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from tests.arranging import LISBON, PORTO, Where
from tests.web.accounts import (
    HOSTILE,
    IN_A_BROWSER,
    MAY,
    OPENED,
    SCREENS,
    Account,
    check,
    log_in,
    offline,
    placed,
    strangers,
    tile,
)
from tests.web.browser import Browser
from tests.web.conftest import Served

pytestmark = IN_A_BROWSER

SINTRA: Where = ("PT", "Portugal", "Lisbon", "Sintra", 38.8, -9.38)
NAMELESS: Where = ("FJ", "Fiji", None, None, -17.8, 178.1)
DRAWN = "!!document.querySelector('.map canvas') && document.querySelectorAll('.cluster').length"
ZOOM = "Number(new URLSearchParams(location.hash.split('?')[1]).get('at')?.split(',')[2])"


def travels(ada: Account) -> tuple[list[UUID], list[UUID]]:
    """Three photos of Lisbon and two of Porto, and one of nobody knows where."""
    lisbon = [ada.photo(taken=MAY, **placed(LISBON)) for _ in range(3)]
    porto = [ada.photo(taken=datetime(2025, 4, 2, 9), **placed(PORTO)) for _ in range(2)]
    ada.photo(taken=datetime(2025, 4, 1, 9))
    return lisbon, porto


def clustered(page: Browser, *told: str) -> None:
    """Wait until these are drawn, by what they say to whoever does not see them: a map that moves has others."""
    said = "[...document.querySelectorAll('.cluster')].map((each) => each.textContent.trim().replace(/\\s+/g, ' '))"
    page.until(f"!!document.querySelector('.map canvas') && {said}.sort().join('; ') === {json.dumps('; '.join(told))}")


def middle_of(page: Browser, selector: str) -> tuple[float, float]:
    box = page.says(
        f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
        f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
    )
    return box[0], box[1]


def test_photos_of_a_place_are_listed_beside_the_map_and_come_back_with_the_history(
    served: Served, page: Browser, ada: Account
) -> None:
    _, porto = travels(ada)
    log_in(page, ada, "#/map?at=40,-9,8")
    clustered(page, "2 photos, Porto", "3 photos, Lisbon")
    page.until("document.querySelector('main').innerText.includes('Without a place: 1')")
    page.says("[...document.querySelectorAll('.cluster')].find((each) => /Porto/.test(each.textContent)).focus()")
    page.press("Enter")
    page.until(f"document.activeElement.id === 'here' && {OPENED} === 2")
    assert page.says("document.querySelector('#here').parentElement.innerText").split() == ["Porto", "2", "photos"]
    assert set(page.says("[...document.querySelectorAll('[data-photo]')].map((each) => each.dataset.photo)")) == {
        str(each) for each in porto
    }
    page.click(tile(porto[0]))
    page.until("document.querySelector('dialog[open] img')?.dataset.quality === '2'")
    page.press("Escape")
    page.until(f"!document.querySelector('dialog[open]') && {OPENED} === 2")
    page.click("[aria-label='Close these photos']")
    page.until("!document.querySelector('#here')")
    page.says("history.back()")
    page.until(f"!!document.querySelector('#here') && {OPENED} === 2")
    page.reload()
    page.until(f"!!document.querySelector('#here') && {OPENED} === 2")


def test_the_wheel_keys_and_buttons_zoom_and_arrows_move(served: Served, page: Browser, ada: Account) -> None:
    travels(ada)
    log_in(page, ada, "#/map?at=38.7,-9.1,6")
    page.until(f"{DRAWN} > 0 && {ZOOM} === 6")
    page("Input.dispatchMouseEvent", type="mouseWheel", x=700, y=400, deltaX=0, deltaY=-500)
    page.until(f"{ZOOM} > 7.5")
    assert page.says("scrollY") == 0
    page.says("document.querySelector('[role=application]').focus()")
    page.press("-")
    page.until(f"{ZOOM} < 7.5")
    page.press("0")
    page.until(f"{ZOOM} < 3")
    page.until("document.querySelector('[aria-label^=\"Zoom out\"]').disabled")
    page.click("[aria-label^='Zoom in']")
    page.until(f"{ZOOM} > 3")
    here = page.says("location.hash")
    page.says("document.querySelector('[role=application]').focus()")
    page.press("ArrowLeft")
    page.until(f"location.hash !== {json.dumps(here)}")


def test_who_zooms_from_a_cluster_by_keys_stays_on_the_map(served: Served, page: Browser, ada: Account) -> None:
    travels(ada)
    log_in(page, ada, "#/map?at=39.5,-9,6")
    page.until(f"{DRAWN} === 2")
    page.says("document.querySelector('.cluster').focus()")
    page.press("0")
    page.until(f"{ZOOM} < 3 && document.activeElement.role === 'application'")
    page.press("+")
    page.until(f"{ZOOM} > 3")
    page.says("location.hash = '#/map?at=nonsense,,1e999&box=1,2,3'")
    page.until(f"{DRAWN} > 0 && !document.querySelector('#here')")


def test_two_fingers_zoom_and_one_moves(served: Served, page: Browser, ada: Account) -> None:
    travels(ada)
    page.screen(390, 844, touch=True)
    log_in(page, ada, "#/map?at=40,-8,5")
    page.until(f"{DRAWN} > 0 && {ZOOM} === 5")
    for kind, way in (("touchStart", 0), ("touchMove", 30), ("touchMove", 60), ("touchMove", 90), ("touchEnd", None)):
        points = [] if way is None else [{"x": 150 - way, "y": 400, "id": 1}, {"x": 240 + way, "y": 400, "id": 2}]
        page("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    page.until(f"{ZOOM} > 6")
    here = page.says("location.hash")
    page.drag((200, 300), (120, 360))
    page.until(f"location.hash !== {json.dumps(here)} && {ZOOM} > 6")
    assert not page.says("!!document.querySelector('#here')"), "a finger that moves the map picks nothing"
    page.screen(1280, 800)


def test_a_cluster_opens_into_its_places(served: Served, page: Browser, ada: Account) -> None:
    for where in (LISBON, LISBON, SINTRA):
        ada.photo(taken=MAY, **placed(where))
    log_in(page, ada, "#/map?at=39,-8,4")
    clustered(page, "3 photos, Lisbon, Portugal")
    page.click(".cluster")
    clustered(page, "1 photo, Sintra", "2 photos, Lisbon")
    page.until(f"{OPENED} === 3")


def test_an_empty_map_says_what_to_do(served: Served, page: Browser, ada: Account) -> None:
    ada.photo(taken=MAY)
    log_in(page, ada, "#/map")
    page.until("/No photos with a place yet/.test(document.querySelector('main').innerText)")
    said = page.says("document.querySelector('main .empty').innerText")
    assert "1 photo does not say where." in said
    assert "camera" in said
    check(page)


def test_a_failing_network_is_a_sentence_and_the_map_stays(served: Served, page: Browser, ada: Account) -> None:
    travels(ada)
    log_in(page, ada, "#/map?at=40,-8,6")
    page.until(f"{DRAWN} === 2")
    page.until("document.querySelectorAll('.cluster img').length === 2")
    offline(page, yes=True)
    page.click("[aria-label^='Zoom out']")
    page.until("/offline/.test(document.querySelector('main [role=alert]')?.textContent)")
    assert page.says(f"{DRAWN}") == 2
    check(page)
    # The browser says of itself that it is back; whoever does not want to wait presses the button.
    offline(page, yes=False)
    page.says("[...document.querySelectorAll('main [role=alert] button')].forEach((each) => each.click())")
    page.until("!document.querySelector('main [role=alert]')")


@SCREENS
def test_axe_finds_nothing_serious_and_names_stay_text(
    served: Served, page: Browser, ada: Account, width: int, dark: bool
) -> None:
    hostile: Where = ("PT", HOSTILE, HOSTILE, HOSTILE, 38.7139, -9.1394)
    ada.photo(taken=MAY, **placed(hostile))
    ada.photo(taken=MAY, **placed(hostile))
    ada.photo(taken=MAY, **placed(NAMELESS))
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/map?at=38.7,-9.1,6")
    page.until(f"{DRAWN} === 1 && document.querySelectorAll('.cluster img').length === 1")
    assert page.says("document.querySelector('.cluster .name').textContent") == HOSTILE
    check(page)
    page.click(".cluster")
    page.until(f"{OPENED} === 2")
    assert page.says("document.querySelector('#here').textContent") == HOSTILE
    assert page.says("document.title") == "Map · PhotoVault"
    check(page)
    assert strangers(page, served) == set()
    page.screen(1280, 800)
