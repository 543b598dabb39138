"""People whose libraries tests fill, and what the browser tests do on the gallery's pages again and again."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from infra.local.pictures import draw
from tests.arranging import Where, value
from tests.web.browser import SECONDS, Browser, installed

from photovault import blobs, db, images, keyring, uploads, users
from photovault import vault as sealed_vault

if TYPE_CHECKING:
    from tests.web.conftest import Served

AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
# What every test of the gallery's pages asks for.
IN_A_BROWSER = [
    pytest.mark.usefixtures("vault", "sent", "quick_hashes"),
    pytest.mark.skipif(installed() is None, reason="there is no Chromium or Chrome here"),
]
PASSWORD = "three words and more"
HOSTILE = '<img src=x onerror="document.title=1">\u202e& "quotes"'
#: A ThumbHash of a plain grey picture.
GREY = base64.b64decode("2fcFDYI3iHd/cHeId4iIh3eAhw==")
_numbers = count(1)

TITLE = "document.querySelector('main h1')?.textContent"
TOAST = "document.querySelector('.toast:last-child')?.textContent"
OPENED = "document.querySelectorAll('.tile img').length"
RESTED = (
    "!document.querySelector('.unknown') && [...document.querySelectorAll('[data-photo]')]"
    ".some((each) => each.getBoundingClientRect().top < innerHeight && each.getBoundingClientRect().bottom > 60)"
)
HERE = "document.activeElement?.dataset.photo"
MAY = datetime(2025, 5, 30, 12)

#: Each width and each colour scheme once: what axe finds on a page lies in one of them. ``width`` is in CSS pixels.
SCREENS = pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)], ids=["dark-phone", "light-desktop"])


class Account:
    """A person who signed up over HTTP, and whose library is filled behind the API's back."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.email = f"web{next(_numbers)}-{served.address.rpartition(':')[2].partition('/')[0]}@example.com"
        body = {"email": self.email, "password": PASSWORD, "name": "Ada <b>Lovelace</b>"}
        made = httpx.post(f"{served.address}/auth/signup", json=body).raise_for_status().json()
        self.id = UUID(made["user"]["id"])
        self.headers = {"Authorization": f"Bearer {made['access_token']}"}

    def photos(self, number: int, *, start: datetime, hours: float = -7, **columns: Any) -> list[UUID]:
        """Sealed photos with renditions that a browser can show, each later in the list than the one before."""
        return [self.photo(taken=start + timedelta(hours=hours * each), **columns) for each in range(number)]

    def photo(self, *, taken: datetime, filename: str = "IMG_1.jpg", **columns: Any) -> UUID:
        seed = next(_numbers)
        wide = seed % 3 != 0
        size = (64, 48) if wide else (48, 64)
        data = draw(seed, size)
        with db.transaction(self.id) as conn:
            announced = uploads.Announcement(filename, "image/jpeg", len(data), hashlib.sha256(data).digest())
            (answer,) = uploads.announce(conn, self.id, [announced], now=datetime.now().astimezone())
            image = images.get(conn, answer.image_id)
            assert image is not None
            key = keyring.content_key_of(conn, image)
            made = [
                sealed_vault.store(
                    data, content_key=key, user_id=self.id, image_id=image.id, name=name, content_type="image/jpeg"
                )
                for name in ("original", "preview", "thumbnail")
            ]
            blobs.add(conn, made)
            assert images.mark_sealed(conn, image.id, revision=users.next_revision(conn))
            row = {
                "status": "ready",
                "vision_done_at": taken,
                "embedding_done_at": taken,
                "local_day": taken.date(),
                "sort_at": taken,
                "taken_source": "exif",
                "width": size[0],
                "height": size[1],
                "thumbhash": GREY,
            } | columns
            changes = ", ".join(f"{name} = %({name})s" for name in row)
            conn.execute(f"UPDATE images SET {changes} WHERE id = %(id)s".encode(), row | {"id": image.id})
        return image.id

    def bare_photos(self, number: int, *, start: datetime, days: float) -> None:
        """Very many photos, without pictures."""
        self.photo(taken=start)  # for the person's key
        with db.transaction(self.id) as conn:
            conn.execute(
                "INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, "
                "sealed_at, sort_at, local_day, taken_source, vision_done_at, embedding_done_at, width, height) "
                "SELECT gen_random_uuid(), sha256(n::text::bytea), 'IMG.jpg', 'image/jpeg', 1, 'ready', 1, "
                "sha256(n::text::bytea), now(), at, at::date, 'exif', now(), now(), 400 + n %% 3 * 200, 500 "
                "FROM (SELECT n, %s::timestamp - n * (%s * interval '1 day' / %s) AS at "
                "FROM generate_series(1, %s) n) p",
                [start, days, number, number],
            )

    def column(self, image_id: UUID | str, name: str) -> Any:
        return value(self.id, f"SELECT {name} FROM images WHERE id = %s", [image_id])


def placed(where: Where) -> dict[str, Any]:
    """The columns of a photo that was taken there."""
    code, country, region, city, lat, lon = where
    names = {"country_code": code, "country": country, "region": region, "city": city}
    return {"lat": lat, "lon": lon, "location_source": "exif", **names}


def strangers(page: Browser, served: Served) -> set[str]:
    """Hosts that the page has loaded anything from, besides the vault's own."""
    hosts = page.says("performance.getEntriesByType('resource').map((each) => new URL(each.name).host)")
    return set(hosts) - {served.address.removeprefix("http://").partition("/")[0], ""}


def log_in(page: Browser, ada: Account, place: str = "") -> None:
    page.open("about:blank")
    page.open(f"{ada.served.address}/{place}")
    page.click("input[name=email]")
    page.type(ada.email)
    page.click("input[name=password]")
    page.type(PASSWORD)
    page.press("Enter")
    page.until("!!document.querySelector('header .brand')")


def offline(page: Browser, *, yes: bool) -> None:
    page("Network.emulateNetworkConditions", offline=yes, latency=0, downloadThroughput=-1, uploadThroughput=-1)


def eventually(page: Browser, is_so: Callable[[], bool]) -> None:
    """Wait for the vault, of which the page says nothing then."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        page.says("new Promise((resolve) => setTimeout(resolve, 50))")


def scroll(page: Browser, by: str) -> None:
    """And let the page draw what it makes of it."""
    page.says(
        f"scrollBy({{ top: {by}, behavior: 'instant' }}); new Promise((resolve) => "
        "requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve))))"
    )


def scroll_to(page: Browser, share: float) -> None:
    """So far down the page; then everything on the screen is listed."""
    scroll(page, f"document.documentElement.scrollHeight * {share} - scrollY")
    page.until(RESTED)


def tile(image_id: UUID | str) -> str:
    return f'[data-photo="{image_id}"]'


def shown(page: Browser) -> list[str]:
    """The photos in the document, from the top."""
    found: list[str] = page.says("[...document.querySelectorAll('[data-photo]')].map((each) => each.dataset.photo)")
    return found


def check(page: Browser) -> None:
    """What axe calls serious or critical, and whether something is wider than the screen."""
    axe = AXE.read_text(encoding="utf-8")
    # Colours glide. What moves for longer, such as a photo's time in a slide show, is not waited for.
    page.says(
        "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() =>"
        " Promise.allSettled(document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < 1000)"
        ".map((each) => each.finished))).then(() => 0)"
    )
    page.says(f"if (!window.axe) {{ {axe} }}; 0")
    found = page.says(
        "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations"
        ".filter(({ impact }) => ['serious', 'critical'].includes(impact))"
        ".map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html.slice(0, 200), failureSummary])]))"
    )
    assert found == []
    assert page.says("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
