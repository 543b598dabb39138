"""Dates in digits: 2025-05-03, 3.5.2025, 05/2025, 24.12. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from photovault import calendar_days as calendar
from photovault.calendar_days import Days, When, Yearly

if TYPE_CHECKING:
    from photovault.spoken_dates import Word


def find(said: Sequence[Word], at: int, *, this_year: int, introduced: bool) -> tuple[When, int] | None:
    """2025-05-03, 2025-05, 05/2025, 3.5.2025, 3. 5. 2025, 3/5/2025, 3.5.25, 24.12."""
    first = said[at].text
    second = said[at + 1] if at + 1 < len(said) else None
    mark = second.before.rstrip() if second and second.before == ". " else second.before if second else ""
    if second is None or mark not in {"-", ".", "/"} or not is_number(first) or not is_number(second.text):
        return None
    third = said[at + 2] if at + 2 < len(said) and said[at + 2].before in {mark, second.before} else None
    if third is not None and not is_number(third.text):
        third = None
    if len(first) == 4 and len(second.text) <= 2:
        if third is not None and len(third.text) <= 2:
            day = calendar.valid(int(first), int(second.text), int(third.text))
            return (Days(day, day), at + 3) if day else None
        month = calendar.is_month(first, second.text)
        return (calendar.month_of(int(first), int(second.text)), at + 2) if month else None
    if len(first) > 2:
        return None
    if third is not None:
        return _full(int(first), int(second.text), third.text, at, this_year=this_year) if mark != "-" else None
    if len(second.text) == 4:
        month = calendar.is_month(second.text, first)
        return (calendar.month_of(int(second.text), int(first)), at + 2) if month else None
    # A day of any year: of three and a half nobody says "in" or writes two digits behind the point.
    if mark != "-" and len(second.text) <= 2 and (introduced or (mark == "." and len(first + second.text) == 4)):
        day = calendar.valid(2000, int(second.text), int(first)) or calendar.valid(2000, int(first), int(second.text))
        return (Yearly(calendar.mmdd(day), calendar.mmdd(day)), at + 2) if day else None
    return None


def _full(a: int, b: int, year: str, at: int, *, this_year: int) -> tuple[When, int] | None:
    if len(year) not in {2, 4}:
        return None
    in_full = int(year)
    if len(year) == 2:
        in_full += 2000 if in_full <= this_year % 100 + 1 else 1900
    day = calendar.valid(in_full, b, a) or calendar.valid(in_full, a, b)
    return (Days(day, day), at + 3) if day else None


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
