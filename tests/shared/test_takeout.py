"""Google's exports: whichever way the JSON file of a photo is named, it is found; whatever it holds, it is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import takeout
from photovault.beside import Known

LONG = "Screenshot_20200920-131207_Some_App_With_A_Very_Long_Name.png"


@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        ("IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1(2).jpg", "IMG_1.jpg(2).json"),
        ("IMG_1(2).jpg", "IMG_1.jpg.supplemental-metadata(2).json"),
        ("IMG_1(2).jpg", "IMG_1(2).jpg.supplemental-metadata.json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
        ("IMG_1-edited(1).jpg", "IMG_1.jpg.supplemental-metadata(1).json"),
        ("IMG_1-bearbeitet.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("PXL_20240817_202602411.mp4", "PXL_20240817_202602411.mp4.supplemental-metada.json"),
        ("PXL_20240817_202602411.PORTRAIT.jpg", "PXL_20240817_202602411.PORTRAIT.jpg.supplement.json"),
        ("original_5d1f0a2b-9c33-4d6c-8e8b-0123456789ab_.jpg", "original_5d1f0a2b-9c33-4d6c-8e8b-0123456789ab_.json"),
        (LONG, f"{LONG[:46]}.json"),
        (LONG.replace(".png", "(1).png"), f"{LONG[:46]}(1).json"),
        ("123456789123456789123456789123456789_DSCN0091.JPG",
         "123456789123456789123456789123456789_DSCN0091.JP.json"),
        ("123456789123456789123456789123456789_DSCN0098.JPG",
         "123456789123456789123456789123456789_DSCN0098.JPG.su.json"),
        ("03.03.13 - 1", "03.03.13 - 1.json"),
        ("IMG_1.HEIC", "IMG_1.json"),
        ("été (3).jpg", "été (3).jpg.supplemental-metadata.json"),
    ],
)  # fmt: skip
def test_the_file_of_a_photo_is_found_however_it_is_named(photo: str, sidecar: str) -> None:
    others = {"metadata.json", "IMG_2.jpg.json", "IMG_22.jpg.supplemental-metadata.json", "IMG_2(2).jpg", photo}
    assert takeout.sidecar_of(photo, {sidecar, *others}) == sidecar


def test_photos_of_one_name_keep_their_own_files() -> None:
    there = {"a.jpg.supplemental-metadata.json", "a.jpg.supplemental-metadata(1).json"}
    assert takeout.sidecar_of("a.jpg", there) == "a.jpg.supplemental-metadata.json"
    assert takeout.sidecar_of("a(1).jpg", there) == "a.jpg.supplemental-metadata(1).json"
    assert takeout.sidecar_of("a(2).jpg", there) is None
    assert takeout.sidecar_of("b.jpg", there) is None


def test_of_two_that_may_be_meant_none_is_taken() -> None:
    name = f"{'x' * 60}.jpg"
    assert takeout.sidecar_of(name, {f"{'x' * 40}.json", f"{'x' * 41}.json"}) is None


@given(st.text(min_size=1, max_size=80), st.sets(st.text(max_size=60), max_size=8))
def test_what_is_found_is_there(photo: str, there: set[str]) -> None:
    found = takeout.sidecar_of(photo, there)
    assert found is None or found in there


def document(**more: object) -> bytes:
    return json.dumps({"title": "IMG_1.jpg", "photoTakenTime": {"timestamp": "1600596727"}} | more).encode()


def test_what_it_says_is_read() -> None:
    known = takeout.read(
        document(description="At the sea\x00", favorited=True, archived=True,
                 geoData={"latitude": 0.0, "longitude": 0.0}, geoDataExif={"latitude": 38.7, "longitude": -9.1})
    )  # fmt: skip
    assert known == Known(
        filename="IMG_1.jpg",
        taken=datetime(2020, 9, 20, 10, 12, 7, tzinfo=UTC),
        caption="At the sea",
        favourite=True,
        archived=True,
        location=(38.7, -9.1),
    )


@pytest.mark.parametrize(
    "time", [None, {}, {"timestamp": "x"}, {"timestamp": "9" * 30}, {"timestamp": True}, {"timestamp": "0"}, "now", []]
)
def test_a_time_that_is_none_is_none(time: object) -> None:
    known = takeout.read(document(photoTakenTime=time))
    assert known is not None
    assert known.taken is None


def test_photos_of_before_1970_have_a_time() -> None:
    known = takeout.read(document(photoTakenTime={"timestamp": "-86400"}))
    assert known is not None
    assert known.taken == datetime(1969, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"nonsense", b"[" * 100_000, b'{"title": "x"}', b"\xff\xfe"])
def test_what_is_no_photos_file_is_none(data: bytes) -> None:
    assert takeout.read(data) is None
    assert takeout.album_title(data) is None


def _inside(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    names = st.sampled_from(["timestamp", "latitude", "longitude", "title"])
    return st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), _inside))
def test_nothing_that_it_holds_is_too_much(value: object) -> None:
    names = ("title", "photoTakenTime", "description", "geoData", "geoDataExif", "favorited", "albumData", "date")
    for name in names:
        data = json.dumps({"photoTakenTime": value} | {name: value}).encode()
        takeout.read(data)
        takeout.album_title(json.dumps({"title": "x", name: value}).encode())


@pytest.mark.parametrize(
    ("found", "title"),
    [
        ({"title": "Chair  yoga", "description": "", "access": "protected", "date": {}}, "Chair yoga"),
        ({"albumData": {"title": "Trip", "access": "", "date": {}}}, "Trip"),
        ({"title": "Photos from 2020", "description": "", "access": "", "date": {}}, None),
        ({"title": "Fotos von 2020", "description": "", "date": {}}, None),
        ({"title": "", "description": "", "date": {}}, None),
        ({"title": "IMG_1.jpg", "description": "", "photoTakenTime": {}}, None),
        ({"title": "A print order"}, None),
    ],
)
def test_an_albums_own_file_is_told_by_what_it_holds(found: object, title: str | None) -> None:
    assert takeout.album_title(json.dumps(found).encode()) == title


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x/takeout-20250601T120000Z-001.zip/Takeout/Google Photos/Trip",
         "x/takeout-20250601T120000Z-002 (1).zip/Takeout/Google Photos/Trip", True),
        ("x/Takeout/Google Photos/Trip", "x/Takeout 2/Google Photos/Trip", True),
        ("takeout/takeout-1/Takeout/Google Photos/Takeout", "takeout/takeout-2/Takeout/Google Photos/Takeout", True),
        ("x/Takeout/Google Photos/Trip", "x/Takeout/Google Photos/Trip(1)", False),
        ("x/takeout-20250601T120000Z-001.zip/Takeout/Google Photos/Trip",
         "x/takeout-20250701T120000Z-001.zip/Takeout/Google Photos/Trip", False),
        ("ada/Takeout/Google Photos/Trip", "ben/Takeout/Google Photos/Trip", False),
        ("Photos/Trip", "Photos 2/Trip", False),
        ("Takeout", "Takeout 2", False),
    ],
)  # fmt: skip
def test_folders_of_parts_are_one_folder(one: str, other: str, *, same: bool) -> None:
    paths = [takeout.folder_of(path.split("/")) for path in (one, other)]
    assert (paths[0] == paths[1]) is same
