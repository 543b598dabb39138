"""A real browser, told what to do over a pipe (Chrome DevTools Protocol), without a driver to install."""

from __future__ import annotations

import json
import os
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
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Escape": 27}


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

    def says(self, script: str) -> Any:
        """What an expression of JavaScript comes to, on the page."""
        answer = self("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until the expression is true."""
        end = time.monotonic() + SECONDS
        while not self.says(script):
            assert time.monotonic() < end, f"not within {SECONDS} s: {script}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key], **text)

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
