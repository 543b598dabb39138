"""``make screenshots``: pictures of the real gallery for the documents, of the demonstration's account.

Needs ``make run`` and ``make demo`` before it, and Chromium. What is on the pictures is drawn by the demonstration, so
they show nobody's photos.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from infra.local import demo
from playwright.sync_api import Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def log_in(page: Page, url: str, account: demo.Account) -> None:
    page.goto(url)
    page.get_by_label("E-mail").first.fill(account.email)
    page.get_by_label("Password").first.fill(account.password)
    page.keyboard.press("Enter")
    page.wait_for_selector(".tile img")


def shot(page: Page, path: Path, address: str, ready: str) -> None:
    """The page at an address of the gallery, once it shows what is waited for and nothing more comes."""
    page.goto(address)
    page.reload()
    page.wait_for_selector(ready)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)
    page.screenshot(path=path, type="jpeg", quality=80)


def take(url: str, folder: Path, account: demo.Account) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, chromium_sandbox=False)
        page = chromium.new_page(viewport=DESKTOP)
        log_in(page, url, account)
        shot(page, folder / "photos.jpg", f"{url}/#/photos", ".tile img")
        shot(page, folder / "search.jpg", f"{url}/#/search?q=portugal%20not%20porto", ".tile img")
        page.goto(f"{url}/#/albums")
        page.locator(".shelf a").first.click()
        page.get_by_role("button", name="Why?").click()
        page.wait_for_selector(".why")
        page.wait_for_timeout(700)
        page.screenshot(path=folder / "why.jpg", type="jpeg", quality=80)
        phone = chromium.new_page(viewport=PHONE, color_scheme="dark")
        log_in(phone, url, account)
        shot(phone, folder / "phone.jpg", f"{url}/#/albums", ".shelf img")
        chromium.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.gallery.screenshots", description=__doc__)
    parser.add_argument("--url", default=demo.address(), help="of the gallery (default: where `make run` serves it)")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--account", type=Path, default=ROOT / ".photovault" / "demo.env", help="kept by `make demo`")
    given = parser.parse_args()
    if not given.account.exists():
        print("There is no demonstration yet: run `make demo` beside `make run` first.", file=sys.stderr)
        return 1
    take(given.url.rstrip("/"), given.folder, demo.keep_account(given.account, demo.EMAIL))
    return 0


if __name__ == "__main__":
    sys.exit(main())
