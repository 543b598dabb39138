"""Right times and places in a real browser: of one photo in its details, of many that are picked."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.arranging import table
from tests.web.accounts import MAY, OPENED, SCREENS, Account, check, eventually, log_in, offline
from tests.web.browser import Browser, installed

from photovault import geocoder
from photovault.places import Settlement, Table

pytestmark = [
    pytest.mark.usefixtures("vault", "sent", "quick_hashes", "_earth"),
    pytest.mark.skipif(installed() is None, reason="there is no Chromium or Chrome here"),
]

LISBON = {"lat": 38.7139, "lon": -9.1394, "location_source": "exif", "city": "Lisbon", "country": "Portugal"}
EARTH = Table.build(
    [
        Settlement(2267057, "Lisbon", 38.72509, -9.1498, 517_802, "PT", "Lisbon"),
        Settlement(2735943, "Porto", 41.14961, -8.61099, 249_633, "PT", "Porto"),
        Settlement(2736041, "Portimão", 37.13856, -8.53775, 55_614, "PT", "Faro"),
    ],
    countries={"PT": "Portugal"},
    zones={"Europe/Lisbon": ["PT"]},
    source="made up",
)

TEXT = "[...document.querySelectorAll('dialog[open]')].at(-1).textContent.replace(/\\s+/g, ' ')"
TOAST = "[...document.querySelectorAll('.toast')].map((each) => each.textContent).join()"
ALONE = "document.querySelectorAll('dialog[open]').length === 1"


@pytest.fixture(scope="module")
def _earth(vault: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("places") / "places.bin"
    path.write_bytes(EARTH.to_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geocoder, "table_path", lambda: path)
        geocoder.forget()
        yield
    geocoder.forget()


def details(page: Browser, ada: Account, image_id: object) -> None:
    """A photo opened, with its details."""
    log_in(page, ada, f"#/photos/{image_id}")
    page.says("localStorage.setItem('photovault.details', 'yes')")
    page.reload()
    page.until("!!document.querySelector('dialog[open] aside .change button')")


def press_in_dialog(page: Browser, words: str) -> None:
    """A button of the dialog on top, by how its words begin."""
    page.says(
        "[...[...document.querySelectorAll('dialog[open]')].at(-1).querySelectorAll('.buttons button')]"
        f".find((each) => each.textContent.trim().startsWith({json.dumps(words)})).click()"
    )


def change(page: Browser, what: str) -> None:
    page.says(
        f"[...document.querySelectorAll('aside .change button')].find((each) => each.textContent.endsWith('{what}'))"
        ".click()"
    )
    page.until(f"!!document.querySelector('#change-{what.removeprefix('the ')}')")


def fill(page: Browser, selector: str, value: str) -> None:
    """What a picker of days or times gives to its field."""
    page.says(
        f"(() => {{ const field = document.querySelector({json.dumps(selector)}); field.value = {json.dumps(value)};"
        " field.dispatchEvent(new Event('input', { bubbles: true })) })()"
    )


def undo(page: Browser) -> None:
    """What was done last."""
    page.until("!!document.querySelector('.toast .action')")
    page.says("[...document.querySelectorAll('.toast .action')].at(-1).click()")


def times(ada: Account) -> list[datetime]:
    return [row[0] for row in table(ada.id, "SELECT sort_at FROM images ORDER BY sort_at")]


# -------------------------------------------------------------------------------------------- one photo's time


def test_a_wrong_time_is_corrected_and_undone(page: Browser, ada: Account) -> None:
    first = ada.photos(2, start=MAY)[0]
    details(page, ada, first)
    change(page, "the time")
    assert "from the camera" in page.says(TEXT)
    fill(page, "#change-time input[type=date]", "2024-02-29")
    fill(page, "#change-time input[type=time]", "09:30")
    page.until(f"{TEXT}.includes('earlier than now')")
    page.says("document.querySelector('#change-time select').value = '+02:00'")
    page.says("document.querySelector('#change-time select').dispatchEvent(new Event('change', { bubbles: true }))")
    page.until(f"{TEXT}.includes(', UTC+02:00.')")
    press_in_dialog(page, "Save")
    page.until("document.querySelector('aside dl').textContent.includes('corrected by you')")
    assert "February 29, 2024" in page.says("document.querySelector('aside dl').textContent")
    assert ada.column(first, "sort_at") == datetime(2024, 2, 29, 9, 30)
    assert ada.column(first, "taken_offset_minutes") == 120
    # It stands where it belongs now: behind the other.
    page.until("!!document.querySelector('[aria-label^=\"Previous photo\"]')")
    undo(page)
    page.until("document.querySelector('aside dl').textContent.includes('from the camera')")
    assert ada.column(first, "sort_at") == MAY
    page.until("!!document.querySelector('[aria-label^=\"Next photo\"]')")


def test_a_corrected_time_goes_back_to_the_file(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY, taken_source="person", file_local=MAY - timedelta(days=1), file_source="exif")
    details(page, ada, image_id)
    change(page, "the time")
    page.until(f"{TEXT}.includes('Back to what the file says: Thu')")
    press_in_dialog(page, "Back to what")
    page.until("document.querySelector('aside dl').textContent.includes('from the camera')")
    assert ada.column(image_id, "sort_at") == MAY - timedelta(days=1)
    undo(page)
    page.until("document.querySelector('aside dl').textContent.includes('corrected by you')")
    assert ada.column(image_id, "sort_at") == MAY


def test_a_time_that_cannot_be_or_is_not_saved_stays_in_its_fields(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY)
    details(page, ada, image_id)
    change(page, "the time")
    fill(page, "#change-time input[type=date]", "2199-01-01")
    page.until(f"{TEXT}.includes('This has not come yet.')")
    press_in_dialog(page, "Save")
    page.until("document.activeElement.type === 'date' && document.activeElement.ariaInvalid === 'true'")
    fill(page, "#change-time input[type=date]", "2020-01-02")
    offline(page, yes=True)
    press_in_dialog(page, "Save")
    page.until("!!document.querySelector('#change-time [role=alert]')")
    page.press("Escape")
    page.until(ALONE)
    change(page, "the time")
    page.until("document.querySelector('#change-time input[type=date]').value === '2020-01-02'")
    offline(page, yes=False)
    press_in_dialog(page, "Try again")
    page.until("document.querySelector('aside dl').textContent.includes('corrected by you')")
    assert ada.column(image_id, "sort_at") == MAY.replace(year=2020, month=1, day=2)


def test_a_dialog_that_is_opened_as_soon_as_it_was_closed_stays_open(page: Browser, ada: Account) -> None:
    details(page, ada, ada.photo(taken=MAY))
    change(page, "the time")
    closed = page.says(
        "new Promise((resolve) => {"
        " const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);"
        " dialog.addEventListener('close', () => requestAnimationFrame(() => resolve(!dialog.open)), { once: true });"
        " [...dialog.querySelectorAll('.buttons button')].find((each) => each.textContent.trim() === 'Cancel').click();"
        " queueMicrotask(() => queueMicrotask(() => document.querySelector('aside .change button').click()));"
        "})"
    )
    assert not closed
    assert page.says("!!document.querySelector('dialog[open] #change-time')")


# ------------------------------------------------------------------------------------------- one photo's place


def test_a_place_is_said_by_its_name_with_the_keyboard_alone(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY)
    details(page, ada, image_id)
    assert "No place" in page.says("document.querySelector('aside dl').textContent")
    page.says("[...document.querySelectorAll('aside .change button')].at(-1).focus()")
    page.press("Enter")
    page.until("document.activeElement.getAttribute('role') === 'combobox'")
    page.type("por")
    page.until("document.querySelectorAll('dialog[open] [role=option]').length === 2")
    page.press("ArrowDown")
    page.press("ArrowDown")
    page.press("ArrowUp")
    page.press("Enter")
    page.until("document.activeElement.value === 'Porto, Portugal'")
    page.until("!!document.querySelector('dialog[open] .pin')")
    page.press("Enter")
    page.until("document.querySelector('aside dl').textContent.includes('Porto, Portugal')")
    assert ada.column(image_id, "location_source") == "person"
    page.until("document.activeElement.textContent.includes('the place')")
    undo(page)
    page.until("document.querySelector('aside dl').textContent.includes('No place')")
    assert ada.column(image_id, "lat") is None


def test_a_position_is_pasted_or_taken_from_the_map(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY, **LISBON)
    details(page, ada, image_id)
    change(page, "the place")
    page.type("95, 3")
    page.until(f"{TEXT}.includes('This is not on earth')")
    press_in_dialog(page, "Save")
    page.until("document.activeElement.getAttribute('aria-invalid') === 'true'")
    fill(page, "#change-place input", "41.15, -8.61")
    page.until(f"{TEXT}.includes('41.1500, -8.6100')")
    press_in_dialog(page, "Save")
    page.until("document.querySelector('aside dl').textContent.includes('Porto, Portugal')")
    change(page, "the place")
    page.until("!!document.querySelector('#change-place .surface')")
    page.says("document.querySelector('#change-place .surface').focus()")
    page.press("Enter")
    page.until("/^41\\.\\d+, -8\\.\\d+$/.test(document.querySelector('#change-place input').value)")
    page.click("#change-place .surface")
    press_in_dialog(page, "Back to what")
    page.until("document.querySelector('aside dl').textContent.includes('Lisbon, Portugal')")
    undo(page)
    page.until("document.querySelector('aside dl').textContent.includes('Porto, Portugal')")
    assert (ada.column(image_id, "lat"), ada.column(image_id, "lon")) == (41.15, -8.61)


def test_a_photo_may_have_no_place(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY, **LISBON)
    details(page, ada, image_id)
    change(page, "the place")
    press_in_dialog(page, "No place")
    page.until("document.querySelector('aside dl').textContent.includes('No place corrected by you')")
    assert ada.column(image_id, "location_source") == "person"
    change(page, "the place")
    press_in_dialog(page, "Back to what")
    page.until("document.querySelector('aside dl').textContent.includes('Lisbon, Portugal')")
    assert ada.column(image_id, "location_source") == "exif"


def test_a_place_that_is_not_saved_stays_chosen(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY)
    details(page, ada, image_id)
    change(page, "the place")
    page.type("lis")
    page.until("!!document.querySelector('dialog[open] [role=option]')")
    page.click("dialog[open] [role=option]")
    offline(page, yes=True)
    press_in_dialog(page, "Save")
    page.until("!!document.querySelector('#change-place .alarm')")
    assert page.says("document.querySelector('#change-place input').value") == "Lisbon, Portugal"
    offline(page, yes=False)
    press_in_dialog(page, "Try again")
    page.until("document.querySelector('aside dl').textContent.includes('Lisbon, Portugal')")
    assert ada.column(image_id, "city") == "Lisbon"


# ------------------------------------------------------------------------------------------------ many at once


def pick_all(page: Browser, ada: Account, number: int) -> None:
    log_in(page, ada)
    pick(page, number)


def pick(page: Browser, number: int) -> None:
    page.until(f"{OPENED} === {number}")
    page.says("document.querySelectorAll('.pick').forEach((each) => each.click())")
    page.until("!!document.querySelector('[role=toolbar] [aria-label=More]')")


def correct(page: Browser, words: str) -> None:
    page.click("[role=toolbar] [aria-label=More]")
    page.until("!!document.querySelector('[role=menuitem]')")
    page.says(
        "[...document.querySelectorAll('[role=menuitem]')]"
        f".find((each) => each.textContent.includes({json.dumps(words)})).click()"
    )
    page.until("!!document.querySelector('dialog[open] form')")


def test_the_clock_of_a_camera_is_set_right_by_one_photo(page: Browser, ada: Account) -> None:
    ada.photos(3, start=MAY)
    before = times(ada)
    pick_all(page, ada, 3)
    correct(page, "Shift the time")
    assert "Shift the time of 3 photos" in page.says(TEXT)
    right = before[0] + timedelta(days=365, hours=1)
    fill(page, "#shift-times input[type=date]", right.date().isoformat())
    fill(page, "#shift-times input[type=time]", right.time().isoformat())
    page.until(f"{TEXT}.includes('365 days and 1 hour later')")
    offline(page, yes=True)
    press_in_dialog(page, "Shift")
    page.until("!!document.querySelector('#shift-times [role=alert]')")
    assert page.says("document.querySelector('#shift-times input[type=date]').value") == right.date().isoformat()
    offline(page, yes=False)
    press_in_dialog(page, "Try again")
    page.until(f"{TOAST}.includes('3 photos: 365 days and 1 hour later.')")
    assert times(ada) == [each + timedelta(days=365, hours=1) for each in before]
    undo(page)
    eventually(page, lambda: times(ada) == before)


def test_a_shift_by_hand_says_what_it_cannot_do(page: Browser, ada: Account) -> None:
    ada.photos(2, start=MAY)
    before = times(ada)
    ada.photo(taken=MAY - timedelta(days=3), taken_source="upload")
    pick_all(page, ada, 3)
    correct(page, "Shift the time")
    assert "1 photo without a time of its own stays as it is." in page.says(TEXT)
    page.says("[...document.querySelectorAll('#shift-times input[type=radio]')][1].click()")
    page.until("document.querySelectorAll('#shift-times .row input').length === 3")
    fill(page, "#shift-times .row input", "99999")
    page.until(f"{TEXT}.includes('This has not come yet.')")
    fill(page, "#shift-times .row input", "x")
    press_in_dialog(page, "Shift")
    page.until(f"{TEXT}.includes('Write whole numbers.')")
    fill(page, "#shift-times .row input", "2")
    page.says("document.querySelector('#shift-times select').value = 'earlier'")
    page.says("document.querySelector('#shift-times select').dispatchEvent(new Event('change', { bubbles: true }))")
    page.until(f"{TEXT}.includes('2 photos: 2 days earlier.')")
    press_in_dialog(page, "Shift")
    page.until(f"{TOAST}.includes('2 photos: 2 days earlier.')")
    moved = [each - timedelta(days=2) for each in before]
    assert [each for each in times(ada) if each != MAY - timedelta(days=3)] == moved


def test_many_photos_get_a_place_and_each_its_own_back(page: Browser, ada: Account) -> None:
    there = ada.photo(taken=MAY, **LISBON)
    nowhere = ada.photo(taken=MAY - timedelta(days=1))
    said = ada.photo(taken=MAY - timedelta(days=2), lat=37.1, lon=-8.5, location_source="person")
    pick_all(page, ada, 3)
    correct(page, "Set the place")
    page.type("porto")
    page.until("!!document.querySelector('dialog[open] [role=option]')")
    page.press("Enter")
    page.until(f"{TEXT}.includes('All 3 photos were taken in Porto, Portugal')")
    press_in_dialog(page, "Save")
    page.until(f"{TOAST}.includes('3 photos put there.')")
    assert [ada.column(each, "city") for each in (there, nowhere, said)] == ["Porto"] * 3
    undo(page)
    eventually(page, lambda: bool(ada.column(said, "lat") == 37.1))
    eventually(page, lambda: ada.column(nowhere, "lat") is None)
    assert ada.column(there, "location_source") == "exif"
    assert ada.column(said, "location_source") == "person"


# -------------------------------------------------------------------------------------- share, albums, and words


def test_an_opened_photo_is_shared_and_put_into_an_album(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY)
    details(page, ada, image_id)
    page.click('dialog[open] [aria-label="Share"]')
    page.until(f"{TEXT}.includes('Make a link')")
    press_in_dialog(page, "Make a link")
    page.until("document.querySelector('dialog[open] .link input')?.value.includes('/s/')")
    press_in_dialog(page, "Done")
    page.until(ALONE)
    page.click('dialog[open] [aria-label="Add to an album"]')
    page.until(f"{TEXT}.includes('Add 1 photo to an album')")
    page.click("dialog[open] .new input")
    page.type("Of one")
    page.press("Enter")
    page.until(f"document.querySelector('aside .albums').textContent.includes('Of one') && {ALONE}")


def test_on_a_telephone_they_are_in_a_menu(page: Browser, ada: Account) -> None:
    image_id = ada.photo(taken=MAY)
    page.screen(360, 720, touch=True)
    log_in(page, ada, f"#/photos/{image_id}")
    page.until("!!document.querySelector('dialog[open] .top [aria-label=More]')")
    page.click("dialog[open] .top [aria-label=More]")
    page.until("document.querySelectorAll('[role=menuitem]').length === 4")
    check(page)
    page.click("[role=menuitem]")
    page.until(f"{TEXT}.includes('Make a link')")


@SCREENS
def test_everybody_can_use_the_dialogs(page: Browser, ada: Account, width: int, dark: bool) -> None:
    image_id = ada.photo(taken=MAY, **LISBON)
    ada.photos(2, start=MAY - timedelta(days=1))
    page.screen(width, 740, dark=dark)
    details(page, ada, image_id)
    check(page)
    change(page, "the time")
    fill(page, "#change-time input[type=date]", "2199-01-01")
    page.until(f"{TEXT}.includes('This has not come yet.')")
    check(page)
    press_in_dialog(page, "Cancel")
    change(page, "the place")
    page.until("!!document.querySelector('#change-place .surface')")
    page.type("po")
    page.until("document.querySelectorAll('dialog[open] [role=option]').length === 2")
    page.press("ArrowDown")
    check(page)
    page.press("Escape")
    press_in_dialog(page, "Cancel")
    page.until(ALONE)
    page.press("Escape")
    pick(page, 3)
    correct(page, "Shift the time")
    check(page)
    press_in_dialog(page, "Cancel")
