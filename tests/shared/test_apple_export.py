"""Apple's exports: the tables beside the photos, with and without quotes, and with anything in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import apple_export
from photovault.beside import Known

HEAD = "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\n"


def details(rows: str) -> dict[str, Known]:
    return apple_export.details((HEAD + rows).encode())


@pytest.mark.parametrize("quote", ['"', ""], ids=["quoted", "bare"])
def test_a_row_is_read(quote: str) -> None:
    date = f"{quote}Saturday June 4,2022 12:11 PM GMT{quote}"
    known = details(f"IMG_1.HEIC,AfQ+Paw,yes,no,no,{date},10,{date}\n")
    taken = datetime(2022, 6, 4, 12, 11, tzinfo=UTC)
    assert known == {"IMG_1.HEIC": Known(filename="IMG_1.HEIC", taken=taken, favourite=True)}


@pytest.mark.parametrize(
    ("text", "hour"), [("12:05 AM", 0), ("1:05 AM", 1), ("12:05 PM", 12), ("11:05 PM", 23)], ids=str
)
def test_twelve_is_midnight_and_noon(text: str, hour: int) -> None:
    (known,) = details(f'a,x,no,no,no,"Monday March 11,2024 {text} GMT",0,\n').values()
    assert known.taken == datetime(2024, 3, 11, hour, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "Monday March 32,2024 1:05 PM GMT", "Monday Smarch 1,2024 1:05 PM GMT",
        "Monday January 1,0001 1:05 AM GMT", "Friday December 31,9999 11:05 PM GMT",
    ],
)  # fmt: skip
def test_a_date_that_is_none_is_none(text: str) -> None:
    (known,) = details(f'a,x,no,yes,yes,"{text}",0,\n').values()
    assert (known.taken, known.archived, known.trashed) == (None, True, True)


@pytest.mark.parametrize("heading", ["imgName", "imageName", "Images", "\ufeffImages"])
def test_albums_are_columns_of_names(heading: str) -> None:
    assert apple_export.members(f"{heading}\r\nIMG_1.JPG\r\n\r\nIMG 2.HEIC\r\n".encode()) == ["IMG_1.JPG", "IMG 2.HEIC"]


@given(st.binary(max_size=300))
def test_nothing_that_it_holds_is_too_much(data: bytes) -> None:
    apple_export.details(HEAD.encode() + data)
    apple_export.details(data)
    apple_export.members(b"Images\n" + data)
