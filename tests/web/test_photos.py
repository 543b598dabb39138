"""Photos in a real browser, as their page and their view have them: what moves, where it was, and short months."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.web.accounts import HERE, IN_A_BROWSER, MAY, OPENED, RESTED, Account, check, log_in, scroll_to, shown, tile
from tests.web.browser import Browser
from tests.web.conftest import Served

from photovault import blobs, db, images, keyring
from photovault import vault as sealed_vault

pytestmark = IN_A_BROWSER

SEEN = "document.querySelector('dialog[open] img')?.dataset.quality === '2'"
RUNS = "document.querySelector('dialog[open] video.runs')?.currentTime > 0"
STILL = "!document.querySelector('dialog[open] video')"


# ------------------------------------------------------------------------------------------- films of Live Photos


def film_of(path: Path, codec: str, *, seconds: int = 20) -> bytes:
    """A film in an MP4 file: grey that gets lighter."""
    import cv2
    import numpy as np

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 5, (64, 48))
    assert writer.isOpened()
    for frame in range(5 * seconds):
        writer.write(np.full((48, 64, 3), frame % 250, np.uint8))
    writer.release()
    return path.read_bytes()


def give(ada: Account, image_id: UUID, film: bytes, *, content_type: str = "video/quicktime") -> None:
    """Let a photo have a film, as the pipeline does."""
    with db.transaction(ada.id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        key = keyring.content_key_of(conn, image)
        made = sealed_vault.store(
            film, content_key=key, user_id=ada.id, image_id=image_id, name="motion", content_type=content_type
        )
        blobs.add(conn, [made])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One that every browser plays, though a QuickTime film by its name."""
    return film_of(tmp_path_factory.mktemp("film") / "film.mp4", "vp09")


def mouse(page: Browser, kind: str, x: float, y: float, **more: Any) -> None:
    page("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)


def middle(page: Browser, selector: str) -> tuple[float, float]:
    found = page.says(
        f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])"
        f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
    )
    return (found[0], found[1])


def test_what_moves_moves_by_key_button_pointer_and_held_finger(
    served: Served, page: Browser, ada: Account, film: bytes
) -> None:
    first, second = ada.photos(2, start=MAY)
    give(ada, first, film)
    log_in(page, ada, f"#/photos/{first}")
    button = "dialog[open] [aria-label='Play the film of this photo (M)']"
    page.until(f'{SEEN} && !!document.querySelector("{button}")')
    assert page.says(STILL), "nothing moves unasked"
    page.press("m")
    page.until(RUNS)
    assert page.says("document.querySelector('video').muted")
    assert page.says("document.querySelector('video').src").startswith("blob:")
    check(page)
    page.press("m")
    page.until(STILL)
    x, y = middle(page, button)
    mouse(page, "mouseMoved", x, y)
    page.until(RUNS)
    mouse(page, "mouseMoved", 640, 500)
    page.until(STILL)
    mouse(page, "mousePressed", 640, 400, button="left", clickCount=1)
    page.until(RUNS)
    mouse(page, "mouseReleased", 640, 400, button="left", clickCount=1)
    page.until(STILL)
    page.click(button)
    mouse(page, "mouseMoved", 640, 500)
    page.until(RUNS)
    page.press("ArrowRight")
    page.until(f"location.hash === '#/photos/{second}' && {SEEN} && {STILL}")
    assert not page.says(f'!!document.querySelector("{button}")'), "the other photo has none"


def test_a_film_ends_with_the_picture(served: Served, page: Browser, ada: Account, tmp_path: Path) -> None:
    (photo,) = ada.photos(1, start=MAY)
    give(ada, photo, film_of(tmp_path / "film.mp4", "vp09", seconds=1), content_type="video/mp4")
    log_in(page, ada, f"#/photos/{photo}")
    page.until(f"{SEEN} && !!document.querySelector('dialog[open] [aria-label^=\"Play the film\"]')")
    page.says("document.addEventListener('playing', () => (window.ran = true), { capture: true })")
    page.press("m")
    page.until(f"window.ran && {STILL}")


def test_who_wants_less_motion_gets_it_when_asked_for_alone(
    served: Served, page: Browser, ada: Account, film: bytes
) -> None:
    (photo,) = ada.photos(1, start=MAY)
    give(ada, photo, film)
    page("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    log_in(page, ada, f"#/photos/{photo}")
    button = "dialog[open] [aria-label='Play the film of this photo (M)']"
    page.until(f'{SEEN} && !!document.querySelector("{button}")')
    mouse(page, "mouseMoved", *middle(page, button))
    page.says("new Promise((resolve) => setTimeout(resolve, 200))")
    assert page.says(STILL)
    page.press("m")
    page.until(RUNS)
    page("Emulation.setEmulatedMedia", features=[])


def test_a_film_that_the_browser_cannot_play_can_be_saved(
    served: Served, page: Browser, ada: Account, tmp_path: Path
) -> None:
    (photo,) = ada.photos(1, start=MAY, filename="IMG_7.HEIC")
    film = film_of(tmp_path / "film.mp4", "mp4v")  # MPEG-4 Visual, which Chromium does not know
    give(ada, photo, film)
    log_in(page, ada, f"#/photos/{photo}")
    page.until(f"{SEEN} && !!document.querySelector('dialog[open] [aria-label^=\"Play the film\"]')")
    page.press("m")
    page.until("/cannot play/.test(document.querySelector('dialog[open] .toast.failed')?.textContent)")
    assert page.says(STILL)
    assert page.saved(lambda: page.click("dialog[open] .toast .action")) == ("IMG_7.mov", film)
    page.press("i")
    page.until("/A film of .* belongs to it/.test(document.querySelector('aside')?.textContent)")
    check(page)
    page.press("i")


# ------------------------------------------------------------------------------------------------------ its place


def test_the_place_of_a_photo_is_a_way_to_the_map_there(served: Served, page: Browser, ada: Account) -> None:
    names = {"city": "Lisbon", "country": "Portugal", "country_code": "PT"}
    photo = ada.photo(taken=MAY, lat=38.7139, lon=-9.1394, location_source="exif", **names)
    log_in(page, ada, f"#/photos/{photo}")
    page.until(SEEN)
    page.press("i")
    page.until("document.querySelector('aside dd a')?.textContent.trim() === 'Lisbon, Portugal'")
    assert page.says("document.querySelector('aside dd a').hash") == "#/map?at=38.71390%2C-9.13940%2C14.00"
    page.click("aside dd a")
    page.until("!document.querySelector('dialog[open]') && document.querySelector('main h1')?.textContent === 'Map'")
    page.until("/^#\\/map\\?at=38\\.71\\d+%2C-9\\.1\\d+/.test(location.hash)")
    page.says("localStorage.removeItem('photovault.details')")


# --------------------------------------------------------------------------------------------------- short months


def months(ada: Account, number: int) -> list[str]:
    """Of each month up to May 2025 one photo, in the order of the timeline."""
    days = (divmod(2025 * 12 + 4 - back, 12) for back in range(number))
    return [str(ada.photo(taken=datetime(year, month + 1, 20, 12))) for year, month in days]


def test_short_months_share_a_line_and_are_walked_through_by_keys(served: Served, page: Browser, ada: Account) -> None:
    ids = months(ada, 8)
    log_in(page, ada)
    page.until(f"{OPENED} === 8 && {RESTED}")
    tops = page.says("[...document.querySelectorAll('section header')].map((each) => each.getBoundingClientRect().top)")
    assert len(tops) == 8
    assert len(set(tops)) == 2, "not a line for each"
    beside = page.says(
        "[...document.querySelectorAll('section header')].map((each) => each.getBoundingClientRect())"
        ".every(({ top, right }, n, all) => !all[n + 1] || all[n + 1].top > top || all[n + 1].left >= right)"
    )
    assert beside, "headings do not touch"
    check(page)
    in_line = tops.count(tops[0])
    page.says(f"document.querySelector('{tile(ids[1])}').focus()")
    page.press("ArrowRight")
    page.until(f"{HERE} === '{ids[2]}'")
    page.press("ArrowDown")
    page.until(f"{json.dumps(ids[in_line:])}.includes({HERE})")
    page.press("ArrowUp")
    page.until(f"{json.dumps(ids[:in_line])}.includes({HERE})")
    page.screen(360, 800)
    page.until("document.querySelectorAll('section header').length === 8")
    check(page)
    page.screen(1280, 800)


def test_lines_of_short_months_are_scrubbed_through(served: Served, page: Browser, ada: Account) -> None:
    ada.bare_photos(120, start=MAY, days=1800)
    page.screen(1280, 500)
    log_in(page, ada)
    page.until("document.querySelectorAll('.tile').length > 5")
    slider = "document.querySelector('[role=slider]')"
    first = page.says(f"{slider}.ariaValueText")
    assert first.startswith("May 2025 to ")
    page.says(f"{slider}.focus()")
    page.press("ArrowDown")
    page.until(f"{slider}.ariaValueText !== {json.dumps(first)}")
    page.press("ArrowUp")
    page.until(f"{slider}.ariaValueText === {json.dumps(first)}")
    page.press("End")
    page.until(f"{RESTED} && /June 2020$/.test({slider}.ariaValueText)")
    seen = set(shown(page))
    for tenth in range(10, -1, -1):
        scroll_to(page, tenth / 10)
        seen |= set(shown(page))
    assert len(seen) == 121
    page.screen(1280, 800)
