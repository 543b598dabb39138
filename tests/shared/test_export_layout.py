"""Names that every system can hold, none of them twice, and documents that say what is known."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import export_layout
from photovault.export_layout import Names, safe_name, split

ANY_TEXT = st.text(st.characters(), max_size=400)


def photo(**changes: Any) -> dict[str, Any]:
    """As the API's export lists it."""
    return {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "filename": "IMG_1.jpg",
        "content_type": "image/jpeg",
        "bytes": 3,
        "sha256": "ab" * 32,
        "width": 4,
        "height": 3,
        "status": "ready",
        "reason": None,
        "taken": {
            "instant": "2025-05-17T08:00:00Z",
            "offset": "+02:00",
            "local_day": "2025-05-17",
            "local_time": "2025-05-17T10:00:00",
            "source": "exif",
        },
        "location": None,
        "camera": None,
        "caption": None,
        "favourite": False,
        "archived": False,
        "people": [],
        "labels": [],
        "albums": [],
        "created_at": "2025-06-01T00:00:00Z",
    } | changes


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("IMG_1234.jpg", "IMG_1234.jpg"),
        ("Été à Zürich.jpg", "Été à Zürich.jpg"),
        ("E\u0301te\u0301.jpg", "\u00c9t\u00e9.jpg"),
        ("家族\U0001f468\u200d\U0001f469\u200d\U0001f467.heic", "家族\U0001f468\u200d\U0001f469\u200d\U0001f467.heic"),
        ("a/b\\c:d*e?f\"g<h>i|j.jpg", "a_b_c_d_e_f_g_h_i_j.jpg"),
        ("../../etc/passwd", "_.._.._etc_passwd"),
        ("nul\x00and\x1fbell\x07.jpg", "nulandbell.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("CON", "_CON"),
        ("con.jpg", "_con.jpg"),
        ("Lpt1.backup.jpg", "_Lpt1.backup.jpg"),
        ("COM¹.png", "_COM¹.png"),
        ("console.jpg", "console.jpg"),
        ("trailing dots...", "trailing dots"),
        ("  spaces .jpg ", "spaces .jpg"),
        (".hidden.jpg", "_.hidden.jpg"),
        ("\ud800lone.jpg", "lone.jpg"),
        ("a\u2028b.jpg", "ab.jpg"),
    ],
)  # fmt: skip
def test_names_stay_readable_and_become_safe(given_name: str, safe: str) -> None:
    assert safe_name(given_name, otherwise="photo") == safe


@pytest.mark.parametrize("nothing", ["", " ", ".", "..", "...", "\x00", "\u202e", "/", "___", "\ud800", " . "])
def test_a_name_of_nothing_is_the_other_one(nothing: str) -> None:
    assert safe_name(nothing, otherwise="photo.jpg") == "photo.jpg"


@given(ANY_TEXT)
def test_any_text_makes_a_name_that_every_system_holds(text: str) -> None:
    name = safe_name(text, otherwise="photo")
    assert 0 < len(name.encode()) <= export_layout.LONGEST_NAME
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]', name)
    assert name == name.strip()
    assert not name.endswith(".")
    assert not name.startswith(".")
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])", name.split(".")[0].rstrip())
    assert safe_name(name, otherwise="photo") == name
    assert unicodedata.is_normalized("NFC", name)


def test_what_is_too_long_keeps_its_ending_and_whole_letters() -> None:
    name = safe_name("ä" * 300 + ".jpeg", otherwise="photo")
    assert re.fullmatch(r"ä+\.jpeg", name)
    assert len(name.encode()) > export_layout.LONGEST_NAME - 2
    accents = safe_name("a" * 108 + "q\u0323\u0307" * 3, otherwise="photo")
    assert accents == "a" * 108
    assert split("photo. A day with Mr. Smith and his dog") == ("photo. A day with Mr. Smith and his dog", "")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x.jpg", "X.JPG", "x.jpg.json", "x (2).jpg", "é.jpg",
       "E\u0301.jpg", "ß.jpg", "SS.jpg", "x.jpg.motion.mp4"])), max_size=40), st.booleans())  # fmt: skip
def test_no_path_is_given_out_twice_however_it_is_written(wanted: list[tuple[str, str]], motion: bool) -> None:
    names = Names()
    beside = [".json", ".motion.mp4"] if motion else [".json"]
    given_out = [
        path + ending
        for folder, name in wanted
        for path in [names.take(folder, name, beside=beside)]
        for ending in ("", *beside)
    ]
    same = [unicodedata.normalize("NFD", path).casefold() for path in given_out]
    assert len(set(same)) == len(same)


def test_names_are_numbered_in_their_order_and_go_on_after_a_stop() -> None:
    names = Names()
    first = [names.take("p", "a.jpg", beside=[".json"]) for _ in range(3)]
    assert first == ["p/a.jpg", "p/a (2).jpg", "p/a (3).jpg"]
    again = Names()
    again.keep(path + ending for path in first for ending in ("", ".json"))
    assert again.take("p", "A.jpg", beside=[".json"]) == "p/A (4).jpg"
    assert names.take("q", "a.jpg") == "q/a.jpg"


def test_ten_thousand_photos_of_one_name_are_numbered_quickly() -> None:
    names = Names()
    paths = [names.take("p", "photo.jpg", beside=[".json"]) for _ in range(10_000)]
    assert paths[-1] == "p/photo (10000).jpg"


def test_photos_lie_in_the_month_of_their_local_day() -> None:
    assert export_layout.photo_folder(photo()) == "photos/2025/2025-05 (May)"
    guessed = photo()["taken"] | {"source": "upload"}
    assert export_layout.photo_folder(photo(taken=guessed)) == "photos/undated"
    assert export_layout.photo_folder(photo(taken=None)) == "photos/undated"
    assert export_layout.written_at(photo()) == datetime(2025, 5, 17, 10)
    assert export_layout.written_at(photo(taken=None)) == datetime(2025, 6, 1)


def test_a_photo_without_an_ending_gets_that_of_its_type() -> None:
    assert export_layout.photo_name(photo(filename="holiday", content_type="image/heic")) == "holiday.heic"
    assert export_layout.photo_name(photo(filename="..", content_type="image/png")) == "photo.png"
    assert export_layout.photo_name(photo(filename="a.JPG", content_type="image/png")) == "a.JPG"
    assert export_layout.photo_name(photo(filename="a", content_type="application/octet-stream")) == "a"


def test_a_sidecar_says_all_that_is_known() -> None:
    shown = photo(
        caption="On the \u202eroof \ud800",
        people=[{"person_id": "p", "person_name": "Grace", "box": [0.1, 0.2, 0.3, 0.4]}],
        labels=[{"name": "cat", "score": 0.9}],
    )
    album = {"id": "a", "title": "Mine", "file": "albums/Mine.json", "kind": "manual"}
    text = export_layout.sidecar(
        shown, path="photos/undated/IMG_1.jpg", motion="photos/undated/IMG_1.jpg.motion.mp4", albums=[album]
    )
    told = json.loads(text.decode())
    assert (told["schema"], told["file"], told["motion"]) == ("photovault-photo/1", "IMG_1.jpg", "IMG_1.jpg.motion.mp4")
    assert told["people"] == [{"id": "p", "name": "Grace", "box": {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}}]
    assert told["albums"] == [{"id": "a", "title": "Mine", "file": "albums/Mine.json"}]
    assert told["taken"] == shown["taken"]
    assert told["caption"] == "On the \u202eroof ?"
    same = {"id", "content_type", "bytes", "sha256", "width", "height", "location", "camera", "favourite", "archived"}
    assert {name: told[name] for name in same} == {name: shown[name] for name in same}
    assert told["location_corrected"] is False, "as servers that do not tell are read"
    assert not {"tickets", "key"} & told.keys()


@pytest.mark.parametrize("day", ["../../../../tmp/x-01-01", "..-01-01", "/etc-01-01", "2025-13-01", "", "C:\\x-1-1"])
def test_a_day_that_is_none_leads_nowhere(day: str) -> None:
    taken = photo()["taken"] | {"local_day": day}
    assert export_layout.photo_folder(photo(taken=taken)) == "photos/undated"
