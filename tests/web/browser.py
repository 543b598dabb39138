"""A real browser: Debian's Chromium, driven by Playwright, in the few words that the tests of pages need."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Error, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 30

# A message with a way back is there for seven seconds, in which a busy machine may not come to press its button.
PATIENT = (
    "{ const real = window.setTimeout; window.setTimeout = (work, milliseconds, ...more) =>"
    " real(work, milliseconds === 7000 ? 70000 : milliseconds, ...more); }"
)

# What to tell of a page that did not become what it should.
SEEN = "location.href + document.body?.innerText.slice(0, 1000)"


def installed() -> str | None:
    """The path of Chromium or Chrome, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One tab. ``complaints`` are errors of its console: scripts that failed, and what a policy forbade."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.set_default_timeout(SECONDS * 1000)
        self._devtools = page.context.new_cdp_session(page)
        self.complaints: list[str] = []
        self._devtools.on("Runtime.exceptionThrown", lambda told: self.complaints.append(str(told["exceptionDetails"])))
        self._devtools.on("Log.entryAdded", lambda told: self._note(told["entry"]))
        for domain in ("Runtime", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What Playwright has no word for, in the DevTools protocol's."""
        answer: dict[str, Any] = self._devtools.send(method, parameters)
        return answer

    def _note(self, entry: dict[str, Any]) -> None:
        # A status that a test wants, such as 404, is on the console, too.
        if entry["source"] != "network":
            self.complaints.append(entry["text"])

    def open(self, address: str) -> None:
        self._page.goto(address, wait_until="commit")

    def reload(self) -> None:
        self._page.reload()

    def says(self, script: str) -> Any:
        """What an expression of JavaScript comes to, on the page."""
        return self._page.evaluate(script)

    def until(self, script: str, *, seconds: float = SECONDS) -> None:
        """Wait until the expression is true. What it throws on a page that is on its way is no."""
        end = time.monotonic() + seconds
        while not self._is(script):
            assert time.monotonic() < end, f"not within {seconds} s: {script}; {self.complaints}\n{self.says(SEEN)}"
            self._page.wait_for_timeout(50)

    def _is(self, script: str) -> bool:
        try:
            return bool(self.says(script))
        except Error:
            return False

    def press(self, key: str, *, shift: bool = False) -> None:
        """A key by its name, or a character."""
        self._page.keyboard.press(f"Shift+{key}" if shift else key)

    def click(self, selector: str, *, shift: bool = False, times: int = 1) -> None:
        """Press the mouse on an element, as soon as somebody could."""
        self._page.locator(selector).first.click(modifiers=["Shift"] if shift else [], click_count=times)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Move a finger over the screen. Needs ``screen(..., touch=True)``."""
        steps = [(start[0] + (end[0] - start[0]) * i / 8, start[1] + (end[1] - start[1]) * i / 8) for i in range(9)]
        for number, (x, y) in enumerate(steps):
            kind = "touchMove" if number else "touchStart"
            self("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def screen(self, width: int, height: int, *, dark: bool = False, touch: bool = False) -> None:
        """The size of the screen in CSS pixels, and what its owner prefers."""
        phone = width < 700
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self("Emulation.setTouchEmulationEnabled", enabled=touch)
        self._page.emulate_media(color_scheme="dark" if dark else "light")

    @contextmanager
    def second_tab(self) -> Iterator[Browser]:
        """Another tab of the same profile."""
        with self._page.context.new_page() as page:
            yield Browser(page)

    @contextmanager
    def of_somebody_else(self) -> Iterator[Browser]:
        """A browser that has nothing of this one: no cookies, no storage."""
        chromium = self._page.context.browser
        assert chromium is not None
        with profile(chromium) as other:
            yield other

    def drop(self, files: list[Path]) -> None:
        """Drag files and folders from the desktop into the middle of the page, and let go."""
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        # As with a hand, the page has said that it takes them before it gets them: else Chromium forgets the drop.
        for kind in ("dragEnter", "dragOver", "dragOver", "drop"):
            self("Input.dispatchDragEvent", type=kind, x=300, y=300, data=data)
            self.says("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    def choose(self, selector: str, files: list[Path]) -> None:
        """Files into an ``<input type="file">``, or a folder into one that takes folders."""
        self._page.locator(selector).set_input_files([str(file) for file in files])

    def saved(self, doing: Callable[[], None]) -> tuple[str, bytes]:
        """The name and content of the file that the browser saves upon it."""
        with self._page.expect_download() as download:
            doing()
        return download.value.suggested_filename, download.value.path().read_bytes()

    def screenshot(self, path: Path) -> None:
        self._page.screenshot(path=path)

    def type(self, text: str) -> None:
        self._page.keyboard.insert_text(text)


@contextmanager
def profile(chromium: Chromium) -> Iterator[Browser]:
    """A tab of a browser that knows nothing yet: no cookies, no storage, nothing that a page before it still does."""
    with chromium.new_context(no_viewport=True, locale="en-US", timezone_id="UTC") as context:
        context.add_init_script(PATIENT)
        yield Browser(context.new_page())


@contextmanager
def started(path: str) -> Iterator[Chromium]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--disable-gpu"], chromium_sandbox=False)
        try:
            yield chromium
        finally:
            chromium.close()
