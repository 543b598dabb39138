"""A real browser, told what to do over a pipe (Chrome DevTools Protocol), without a driver to install."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 30
KEYS = {
    "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39, "ArrowUp": 38, "Delete": 46, "Enter": 13, "Escape": 27,
    "End": 35, "Home": 36, "Space": 32, "Tab": 9,
}  # fmt: skip
SHIFT = 8

# What to tell of a page that did not become what it should.
SEEN = "location.href + document.body?.innerText.slice(0, 1000)"

# Where an element can be pressed: its middle, once it stands still and nothing lies above it; else why not.
SPOT = """(async () => {
  const found = document.querySelector(%s);
  if (!found) return 'there is none';
  found.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  const before = found.getBoundingClientRect();
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const box = found.getBoundingClientRect();
  if (!box.width || !box.height) return 'it cannot be seen';
  if (before.x !== box.x || before.y !== box.y) return 'it moves';
  if (found.disabled) return 'it is disabled';
  const spot = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const above = document.elementFromPoint(spot.x, spot.y);
  return found.contains(above) || above?.contains(found) ? spot : `it lies under ${above?.outerHTML.slice(0, 200)}`;
})()"""


def installed() -> str | None:
    """The path of Chromium or Chrome, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One tab. ``complaints`` are errors of its console: scripts that failed, and what a policy forbade."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out = into, out
        self._buffer, self._number = b"", 0
        self._session: dict[str, str] = {}
        self.complaints: list[str] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters} | self._session
        os.write(self._into, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._out], [], [], 2 * SECONDS)[0], "the browser does not answer"
            piece = os.read(self._out, 1 << 20)
            assert piece, "the browser has ended"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def _note(self, told: dict[str, Any]) -> None:
        if told["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(told["params"]["exceptionDetails"]))
        # A status that a test wants, such as 404, is on the console, too.
        elif told["method"] == "Log.entryAdded" and told["params"]["entry"]["source"] != "network":
            self.complaints.append(told["params"]["entry"]["text"])

    def open(self, address: str) -> None:
        self("Page.navigate", url=address)

    def reload(self) -> None:
        self.says("window.before = true")
        self("Page.reload")
        self.until("!window.before && document.readyState === 'complete'")

    def says(self, script: str) -> Any:
        """What an expression of JavaScript comes to, on the page."""
        answer = self._evaluated(script)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until the expression is true. What it throws on a page that is on its way is no."""
        end = time.monotonic() + SECONDS
        while "exceptionDetails" in (answer := self._evaluated(script)) or not answer["result"].get("value"):
            assert time.monotonic() < end, f"not within {SECONDS} s: {script}; {self.complaints}\n{self.says(SEEN)}"
            time.sleep(0.05)

    def _evaluated(self, script: str) -> dict[str, Any]:
        return self("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)

    def press(self, key: str, *, shift: bool = False) -> None:
        """A key by its name, or a character."""
        code = KEYS.get(key) or ord(key.upper())
        text = {"Enter": "\r", "Space": " "}.get(key) or (key if len(key) == 1 else "")
        named = " " if key == "Space" else key
        for kind in ("keyDown", "keyUp"):
            self(
                "Input.dispatchKeyEvent",
                type=kind,
                key=named,
                code=key,
                windowsVirtualKeyCode=code,
                modifiers=SHIFT if shift else 0,
                **({"text": text} if text else {}),
            )

    def click(self, selector: str, *, shift: bool = False, times: int = 1) -> None:
        """Press the mouse on an element, as soon as somebody could."""
        end = time.monotonic() + SECONDS
        while not isinstance(spot := self.says(SPOT % json.dumps(selector)), dict):
            assert time.monotonic() < end, f"{selector} cannot be clicked: {spot}"
            time.sleep(0.05)
        for count in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                modifiers = SHIFT if shift else 0
                self(
                    "Input.dispatchMouseEvent",
                    type=kind,
                    **spot,
                    button="left",
                    clickCount=count,
                    modifiers=modifiers,
                )

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
        scheme = "dark" if dark else "light"
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot", format="png")["data"]))

    def type(self, text: str) -> None:
        self("Input.insertText", text=text)


@contextmanager
def browser(path: str, folder: Path) -> Iterator[Browser]:
    """A new browser with a profile of its own in ``folder``."""
    (theirs_in, into), (out, theirs_out) = os.pipe(), os.pipe()
    # It reads from descriptor 3 and writes to 4.
    become = "import os, sys; i, o, *run = sys.argv[1:]; os.dup2(int(i), 3); os.dup2(int(o), 4); os.execv(run[0], run)"
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            become,
            str(theirs_in),
            str(theirs_out),
            path,
            *flags,
            "--remote-debugging-pipe",
            f"--user-data-dir={folder}",
        ],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(into, out)
    finally:
        child.kill()
        child.wait()
        os.close(into)
        os.close(out)
