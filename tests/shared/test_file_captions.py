"""Which of what files say of themselves is a caption."""

from __future__ import annotations

import pytest

from photovault.file_captions import caption_of
from photovault.metadata import Metadata


@pytest.mark.parametrize(
    "text",
    [
        "Clara's birthday", "beach", "Oma", "生日", "Lisbon, Portugal", "Anna/Ben", "Day 3: up to the hut", "Cat",
        "1984 in Berlin", "HAPPY BIRTHDAY", "Picture of Anna", "§ 5 closed",
    ],
)  # fmt: skip
def test_what_people_write_is_one(text: str) -> None:
    found = Metadata(None, None, camera_make="SONY", camera_model="ILCE-7M3", extra={"description": f" {text} "})
    assert caption_of(found, filename="DSC01234.JPG") == text


@pytest.mark.parametrize(
    "text",
    [
        "OLYMPUS DIGITAL CAMERA", "SONY DSC", "Minolta DSC", "KODAK Digital Still Camera", "Exif_JPEG_PICTURE", "SONY",
        "oznorCB", "dav", "rhdr", r"DCIM\100MEDIA\DJI_0012.JPG", "DCIM/100GOPRO", "default", "Untitled", "-----", "  ",
        "DSC01234", "dsc01234.jpg", "IMG_2044", "ILCE-7M3", "SONY ILCE-7M3", "20240501_101500", "My beautiful picture",
    ],
)  # fmt: skip
def test_what_cameras_write_is_none(text: str) -> None:
    found = Metadata(
        None, None, camera_make="SONY", camera_model="ILCE-7M3", extra={"description": text, "title": text}
    )
    assert caption_of(found, filename="DSC01234.JPG") is None


def test_the_title_stands_in_for_a_description_that_says_nothing() -> None:
    found = Metadata(None, None, extra={"description": "SONY DSC", "title": "At the sea"})
    assert caption_of(found, filename="a.jpg") == "At the sea"
    assert caption_of(Metadata(None, None), filename="a.jpg") is None
