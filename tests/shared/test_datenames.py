"""Names of files; what they mean for a photo is tested in test_metadata.py."""

from __future__ import annotations

from datetime import datetime

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
