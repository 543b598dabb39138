"""Exports in a real browser: stopped in the middle, gone on with after a reload, and read again by the command line.

Chromium asks for a folder in a window of its own, which no test can press; a folder of the browser takes its place.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.web.accounts import IN_A_BROWSER, MAY, Account, check, log_in
from tests.web.browser import Browser

from photovault import importing

pytestmark = IN_A_BROWSER

CHOSEN = (
    "window.showDirectoryPicker = async () =>"
    " (await navigator.storage.getDirectory()).getDirectoryHandle('Backups', { create: true });"
)
# As in a browser that lets no page write into a folder; and with little room, so that parts are small.
UNCHOSEN = (
    "delete window.showDirectoryPicker; navigator.storage.estimate = async () => ({ quota: 9000, usage: 0 });"
    "window.saved = []; HTMLAnchorElement.prototype.click = function () { saved.push(this.download); };"
)
# From the fourth photo on, the storage says nothing while this stands.
SILENT = (
    "if (!sessionStorage.silenced) { sessionStorage.silenced = 'once'; let asked = 0; const real = fetch;"
    " window.fetch = (to, ...more) => String(to?.url ?? to).includes('/blobs/') && ++asked > 3"
    "  ? new Promise((_, stop) => more[0]?.signal?.addEventListener('abort', () => stop(more[0].signal.reason)))"
    "  : real(to, ...more); }"
)
# The line breaks after the third photo, and nobody waits long for it.
CUT = (
    "window.cut = true; { let asked = 0; const real = fetch, patient = setTimeout;"
    " window.setTimeout = (work, ms) => patient(work, ms === 30000 ? ms : Math.min(ms, 20));"
    " const late = (answer) => new Promise((resolve) => patient(() => resolve(answer), 1000));"
    # What was asked for before the line broke arrives after it did.
    " window.fetch = (to, ...more) => !String(to?.url ?? to).includes('/blobs/') ? real(to, ...more)"
    "  : ++asked > 3 && cut ? Promise.reject(new TypeError('Failed to fetch'))"
    "  : asked === 3 ? real(to, ...more).then(late) : real(to, ...more); }"
)
SAID = "document.querySelector('#export-said').textContent"
PHOTOS = 6


@contextmanager
def before_every_page(page: Browser, *scripts: str) -> Iterator[None]:
    page("Page.enable")
    # Frames without an address have nothing that could be replaced.
    guarded = [f"if (isSecureContext) {{ {script} }}" for script in scripts]
    added = [page("Page.addScriptToEvaluateOnNewDocument", source=each)["identifier"] for each in guarded]
    try:
        yield
    finally:
        for identifier in added:
            page("Page.removeScriptToEvaluateOnNewDocument", identifier=identifier)


def press(page: Browser, words: str) -> None:
    page.click(f".export-buttons >> text='{words}'")


def begin(page: Browser, *, size: int) -> None:
    """Export everything, in parts that no person would choose so small."""
    page.until("!!document.querySelector('select option')")
    page.says(
        f"{{ const select = document.querySelector('select'); select.options[0].value = '{size}';"
        f" select.value = '{size}'; select.dispatchEvent(new Event('change', {{ bubbles: true }})); }} 0"
    )
    press(page, "Export everything")


def files_in(page: Browser, folder: str) -> dict[str, bytes]:
    """What lies in a folder of the browser."""
    found: dict[str, str] = page.says(
        f"(async () => {{ const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('{folder}');"
        " const found = {}; for await (const [name, handle] of folder.entries())"
        "  found[name] = btoa(String.fromCharCode(...new Uint8Array(await (await handle.getFile()).arrayBuffer())));"
        " return found; })()"
    )
    return {name: base64.b64decode(content) for name, content in found.items()}


def test_after_a_reload_an_export_goes_on_and_its_parts_are_read_again(
    page: Browser, ada: Account, tmp_path: Path
) -> None:
    ada.photos(PHOTOS, start=MAY, filename="IMG.jpg")
    with before_every_page(page, CHOSEN, SILENT):
        log_in(page, ada, "#/settings/export")
        begin(page, size=4000)
        page.until(f"/Part [2-4] is being written/.test({SAID})")
        check(page)
        page.reload()
        page.until(f"/This export is unfinished: part.* whole, in the folder Backups/.test({SAID})")
        check(page)
        # The part that was being written is an empty file by now.
        before = {name: data for name, data in files_in(page, "Backups").items() if data}
        assert all(zipfile.is_zipfile(_written(tmp_path / "before", name, data)) for name, data in before.items())
        press(page, "Go on")
        page.until(f"{SAID}.includes('{PHOTOS} photos are in your export')")
    parts = files_in(page, "Backups")
    assert before.items() <= parts.items(), "what was whole was not written anew"
    assert 1 <= len(before) < len(parts)

    zips = [_written(tmp_path / "parts", name, data) for name, data in parts.items()]
    held = [name for each in zips for name in zipfile.ZipFile(each).namelist()]
    assert len(held) == len(set(held))
    for each in zips:
        zipfile.ZipFile(each).extractall(tmp_path / "unpacked")
    sums = (tmp_path / "unpacked" / "SHA256SUMS.txt").read_text().splitlines()
    assert len(sums) == PHOTOS
    for line in sums:
        digest, path = line.split("  ", 1)
        assert hashlib.sha256((tmp_path / "unpacked" / path).read_bytes()).hexdigest() == digest
    with importing.photovault(zips) as collected:
        assert [collected.known[item.path].filename for item in collected.items] == ["IMG.jpg"] * PHOTOS
        assert not collected.passed_over


def test_where_no_folder_can_be_chosen_each_part_is_saved_and_nothing_readable_is_left(
    page: Browser, ada: Account
) -> None:
    ada.photos(3, start=MAY)
    with before_every_page(page, UNCHOSEN):
        log_in(page, ada, "#/settings/export")
        begin(page, size=20_000)
        page.until(f"{SAID}.includes('Part 1 is ready')")
        page.reload()
        page.until(f"{SAID}.includes('part 1 is whole')")
        press(page, "Go on")
        press(page, "Save part 1")
        page.until(f"{SAID}.includes('Part 2 is ready')")
        press(page, "Stop")
        page.until(f"{SAID}.includes('parts 1 and 2 are whole')")
        assert page.says("saved.length") == 1
        page.click("header [aria-label^='Account of']")
        page.click("[role=menuitem]:last-child")
        page.until("!!document.querySelector('input[name=password]')")
        page.until(
            "(async () => { const names = []; for await (const name of (await navigator.storage.getDirectory()).keys())"
            " names.push(name); return names.length === 0 && (await indexedDB.databases()).length === 0; })()"
        )


def test_a_lost_line_pauses_an_export_and_its_return_ends_the_pause(page: Browser, ada: Account) -> None:
    ada.photos(PHOTOS, start=MAY)
    with before_every_page(page, CHOSEN, CUT):
        log_in(page, ada, "#/settings/export")
        begin(page, size=2_000_000_000)
        page.until("document.querySelector('main').innerText.includes('3 of 6 photos')")
        page.until(f"/cannot be reached.*goes on by itself/.test({SAID})", seconds=20)  # before it is tried again
        assert page.says("document.querySelector('progress').value < document.querySelector('progress').max")
        check(page)
        page.says("cut = false; dispatchEvent(new Event('online')); 0")
        page.until(f"{SAID}.includes('{PHOTOS} photos are in your export')")
    assert len(files_in(page, "Backups")) == 1


def _written(folder: Path, name: str, data: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return folder / name
