"""The gallery's dashboard in a real browser: charts that are words, too, with much, little and nothing in the vault."""

from __future__ import annotations

from datetime import datetime

from tests.arranging import LISBON, Where, add_photo, build, face_of, table
from tests.web.accounts import HOSTILE, IN_A_BROWSER, MAY, SCREENS, Account, check, log_in, offline, strangers
from tests.web.browser import Browser
from tests.web.conftest import Served

pytestmark = IN_A_BROWSER

READY = "document.querySelectorAll('main section').length === 6 && !document.querySelector('main [aria-busy=true]')"
WHERE: Where = ("PT", "Portugal", HOSTILE, HOSTILE, 38.7139, -9.1394)


def panel(page: Browser, title: str) -> str:
    found: str = page.says(
        "[...document.querySelectorAll('main section')]"
        f".find((each) => each.querySelector('h2').textContent === '{title}').innerText"
    )
    return found


def test_an_empty_vault_breaks_nothing(served: Served, page: Browser, ada: Account) -> None:
    log_in(page, ada, "#/dashboard")
    page.until(READY)
    assert "No photos yet." in panel(page, "Photos over time")
    assert "Who is on several of your photos appears here." in panel(page, "Who appears with whom")
    assert "No photo says where it was taken yet." in panel(page, "Places")
    assert "You opened this vault." in panel(page, "Lately")
    assert "0 bytes of" in panel(page, "Storage")
    check(page)


def test_one_photo_is_a_chart_with_a_text_and_a_table(served: Served, page: Browser, ada: Account) -> None:
    ada.photo(taken=MAY)
    log_in(page, ada, "#/dashboard")
    page.until(READY)
    chart = page.says("document.querySelector('main svg[role=img]').getAttribute('aria-label')")
    assert chart == "Photos from May 2025 to May 2025, most of them in May 2025: 1."
    page.click("main details summary")
    assert page.says("document.querySelector('main tbody').innerText").split() == ["May", "2025", "1"]
    meter = page.says("document.querySelector('[role=meter]').getAttribute('aria-valuetext')")
    assert meter.endswith(" free")
    assert page.says("document.title") == "Dashboard · PhotoVault"


def test_what_was_not_understood_is_told_and_goes(served: Served, page: Browser, ada: Account) -> None:
    refused = ada.photo(taken=MAY, filename=HOSTILE, status="rejected", reason="The picture is cut off.")
    log_in(page, ada, "#/dashboard")
    page.until(READY)
    page.click("button:has-text('1 not understood')")
    page.until("document.querySelector('dialog[open] li')?.innerText.includes('The picture is cut off.')")
    assert page.says("document.querySelector('dialog[open] li .theirs').textContent") == HOSTILE
    check(page)
    page.click("dialog[open] button:has-text('Move them to the trash')")
    page.until(f"!document.querySelector('dialog[open]') && {READY}")
    assert ada.column(refused, "deleted_at") is not None
    page.until("!document.querySelector('main').innerText.includes('not understood')")


@SCREENS
def test_axe_finds_nothing_serious_and_names_stay_text(
    served: Served, page: Browser, ada: Account, width: int, dark: bool
) -> None:
    ada.photo(taken=datetime(2023, 1, 2, 8), lat=LISBON[4], lon=LISBON[5], location_source="exif")
    for n in range(5):
        add_photo(ada.id, taken=datetime(2025, 5, 9, 10 + n), where=WHERE, faces=[face_of(0, n), face_of(1, n)])
    build(ada.id)
    table(ada.id, "UPDATE person_clusters SET name = %s RETURNING id", [HOSTILE])
    page.screen(width, 800, dark=dark)
    log_in(page, ada, "#/dashboard")
    page.until(READY)
    names = "[...document.querySelectorAll('main tbody th a')].map((each) => each.textContent)"
    assert page.says(names) == [HOSTILE, HOSTILE]
    assert "(5)" in panel(page, "Who appears with whom")
    assert page.says("document.querySelectorAll('main img[src=x]').length") == 0
    page.says("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
    assert "Portugal" in panel(page, "Places")
    check(page)
    assert strangers(page, served) == set()
    page.screen(1280, 800)


def test_who_was_offline_sees_each_part_when_the_network_is_back(served: Served, page: Browser, ada: Account) -> None:
    ada.photo(taken=MAY)
    log_in(page, ada, "#/dashboard")
    page.until(READY)
    page.says("location.hash = '#/photos'")
    page.until("!!document.querySelector('.tile')")
    offline(page, yes=True)
    page.until("/You are offline/.test(document.querySelector('.offline')?.textContent)")
    page.says("location.hash = '#/dashboard'")
    page.until("document.querySelectorAll('main [role=alert]').length === 6")
    assert "offline" in panel(page, "Storage")
    assert "Try again" in panel(page, "Storage")
    check(page)
    offline(page, yes=False)
    page.until(f"{READY} && !document.querySelector('main [role=alert]')")
    page.until("document.querySelector('.offline').textContent.trim() === ''")


def test_who_comes_back_is_where_they_were(served: Served, page: Browser, ada: Account) -> None:
    ada.bare_photos(3_000, start=MAY, days=600)
    log_in(page, ada)
    page.until("document.querySelectorAll('.tile').length > 5")
    page.says("scrollTo({ top: 4000, behavior: 'instant' })")
    page.until("!document.querySelector('.unknown') && scrollY > 3500")
    page.click("nav a[href='#/dashboard']")
    page.until(f"{READY} && scrollY === 0")
    page.says("scrollTo({ top: 600, behavior: 'instant' })")
    page.click("nav a[href='#/albums']")
    page.until("document.title.startsWith('Albums') && scrollY === 0")
    page.says("history.back()")
    # What grows above it on the way, the browser makes up for.
    page.until(f"document.title.startsWith('Dashboard') && {READY} && Math.abs(scrollY - 600) < 300")
    page.says("history.back()")
    page.until("document.title.startsWith('Photos') && scrollY > 3500 && scrollY < 4500")
