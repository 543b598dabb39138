"""Names of files; what they mean for a photo is tested in test_metadata.py."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import datenames


def test_a_day_and_a_moment_are_told_apart() -> None:
    assert datenames.read("IMG-20250911-WA0001.jpg") == datenames.NamedDate(datetime(2025, 9, 11, 12), whole_day=True)
    assert datenames.read("IMG_20250911_085900.jpg") == datenames.NamedDate(datetime(2025, 9, 11, 8, 59))
    assert datenames.read("PXL_20250911_085900123.jpg") == datenames.NamedDate(
        datetime(2025, 9, 11, 8, 59, 0, 123_000), utc=True
    )


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)).map(lambda d: d.replace(microsecond=0)))
def test_any_moment_in_the_usual_form_is_read_back(moment: datetime) -> None:
    for form in ("IMG_%Y%m%d_%H%M%S.jpg", "signal-%Y-%m-%d-%H-%M-%S.jpg", "Screenshot %Y-%m-%d at %H.%M.%S.png"):
        assert datenames.read(moment.strftime(form)) == datenames.NamedDate(moment)


@given(st.text(max_size=400))
def test_no_name_breaks_the_reader(name: str) -> None:
    datenames.read(name)


THEN = datetime(2025, 5, 11, 13, 37)


@pytest.mark.parametrize(
    "name",
    [
        "photo_12@11-05-2025_13-37-00.jpg",
        "25-05-11 13-37-00 0123.jpg",
        "Bildschirmfoto 2025-05-11 um 13.37.00.png",
        "Capture d\u2019écran 2025-05-11 à 13.37.00.png",
        "Capture d\u2019e\u0301cran 2025-05-11 a\u0300 13.37.00.png",
        "Schermata 2025-05-11 alle 13.37.00.png",
        "Captura de pantalla 2025-05-11 a la(s) 13.37.00.png",
        "Skärmavbild 2025-05-11 kl. 13.37.00.png",
        "Screenshot from 2025-05-11 13-37-00.png",
        "Screenshot 2025-05-11 133700.png",
        "WhatsApp Image 2025-05-11 at 1.37.00 PM (1).jpeg",
        "VID_20250511_133700.jpg",
        "Resized_20250511_133700.jpeg",
        "WIN_20250511_13_37_00_Pro.jpg",
        "DJI_20250511133700_0001_D.JPG",
    ],
)
def test_systems_and_messengers_of_many_languages_write_local_times(name: str) -> None:
    assert datenames.read(name) == datenames.NamedDate(THEN)


@pytest.mark.parametrize(
    "name",
    [
        "Copy of PXL_20250511_133700000~2.jpg",
        "2025-05-11T13_37_00.000Z.jpg",
        "2025-05-11T13:37:00Z.jpg",
        "1746970620000.jpg",
        "1746970620000-1.jpg",
        "IMG_1746970620000.JPG",
        "FB_IMG_1746970620000.jpg",
        "wx_camera_1746970620000.jpg",
        "Screenshot_1746970620000.png",
    ],
)
def test_some_names_write_utc(name: str) -> None:
    assert datenames.read(name) == datenames.NamedDate(THEN, utc=True)


@pytest.mark.parametrize(
    "name",
    [
        "1746970620.jpg",  # ten digits: a telephone's number as likely as seconds
        "15551234567.jpg",
        "4915112345678.jpg",
        "9781234567897.jpg",  # a book
        "1234567890128.jpg",  # a package
        "received_1234567890123456.jpeg",
        "Snapchat-1746970620.jpg",
        "20480x1536.jpg",
        "IMG_1920x1080.jpg",
        "1920-1080.jpg",
        "19201080.jpg",
        "2048x1536.png",
        "12345678.jpg",
        "11-05-2025.jpg",  # or November
        "DSC20250.jpg",
        "P1050011.JPG",
        "GOPR2025.JPG",
        "20250230_133700.jpg",
        "PXL_20251311_133700123.jpg",
    ],
)
def test_sizes_numbers_and_impossible_days_are_no_dates(name: str) -> None:
    assert datenames.read(name) is None


def test_a_number_of_other_than_six_digits_is_no_time() -> None:
    for name in ("2025-05-11_00001.jpg", "WP_20250511_001.jpg", "20250511_1337.jpg", "20250511_0001234.jpg"):
        assert datenames.read(name) == datenames.NamedDate(datetime(2025, 5, 11, 12), whole_day=True), name


def test_an_impossible_time_leaves_its_day() -> None:
    assert datenames.read("IMG_20250511_246000.jpg") == datenames.NamedDate(datetime(2025, 5, 11, 12), whole_day=True)
