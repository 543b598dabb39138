"""Days of the calendar and how far they lie from today, as queries name them. Pure.

A week begins on Monday. Years are 1800 to 2200; what would lie outside of them is moved to their edge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from photovault.spoken_words import Unit

YEARS = range(1800, 2201)


@dataclass(frozen=True)
class Days:
    """Calendar days, ends included; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True)
class Yearly:
    """The same days every year, as month * 100 + day, ends included; ``first`` > ``last`` runs over New Year."""

    first: int
    last: int

    def of(self, year: int) -> Days:
        """Those days in (or beginning in) one year."""
        return Days(day_of(year, self.first), day_of(year + (self.first > self.last), self.last))

    def latest(self, today: date) -> Days:
        """The latest that has begun."""
        return latest(self.of, today)


When = Days | Yearly


def is_month(year: str, month: str) -> bool:
    return int(year) in YEARS and 1 <= int(month) <= 12


def clamp(year: int) -> int:
    return min(max(year, YEARS.start), YEARS.stop - 1)


def valid(year: int, month: int, day: int) -> date | None:
    """None unless the calendar has it."""
    if year not in range(YEARS.start, YEARS.stop + 1):
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def day_of(year: int, mmdd: int) -> date:
    """29 February is the 28th where there is none."""
    return valid(year, mmdd // 100, mmdd % 100) or date(year, mmdd // 100, 28)


def mmdd(day: date) -> int:
    return day.month * 100 + day.day


def whole_month(month: int) -> Yearly:
    return Yearly(month * 100 + 1, month * 100 + (29 if month == 2 else 30 if month in {4, 6, 9, 11} else 31))


def month_of(year: int, month: int) -> Days:
    return whole_month(month).of(clamp(year))


def exactly(day: date) -> Days:
    return Days(day, day)


def shift(day: date | None, days: int) -> date | None:
    if day is None:
        return None
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return day


def minus_months(day: date, months: int) -> date:
    """The same day of an earlier month, or its last."""
    count = max(day.year * 12 + day.month - 1 - months, 12)
    year, month = divmod(count, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def back(count: int, unit: Unit, today: date) -> date:
    """The first of the last ``count`` days, weeks, months or years that end today."""
    if unit in {"month", "year"}:
        return minus_months(today, count * (12 if unit == "year" else 1))
    return shift(today, -count * (7 if unit == "week" else 1)) or today


def ago(count: int, unit: Unit, today: date) -> Days:
    """The calendar day, week (from Monday), month or year that is so many before today's."""
    if unit == "year":
        year = max(today.year - count, 1)
        return Days(date(year, 1, 1), date(year, 12, 31))
    if unit == "month":
        first = minus_months(today.replace(day=1), count)
        return Days(first, shift(minus_months(first.replace(day=1), -1), -1))
    if unit == "week":
        monday = shift(today, -today.weekday() - 7 * count) or today
        return Days(monday, shift(monday, 6))
    day = shift(today, -count) or today
    return Days(day, day)


def nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    """Such as the second Sunday (6) of a month; -1 is the last."""
    if number < 0:
        last = month_of(year, month).last or date(year, month, 28)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def around_easter(year: int, days: tuple[int, int]) -> Days:
    """Days that are counted from Easter Sunday (Gregorian computus, Meeus/Jones/Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    sunday = date(year, month, day + 1)
    return Days(sunday + timedelta(days=days[0]), sunday + timedelta(days=days[1]))


def latest(of: Callable[[int], Days], today: date) -> Days:
    """Of what comes every year, the latest that has begun."""
    days = of(clamp(today.year))
    return of(clamp(today.year - 1)) if days.first and days.first > today else days


def part_of(when: When, first: int, last: int) -> When:
    """From the ``first`` to the ``last`` twelfth of some days, ends included."""
    if isinstance(when, Yearly):
        days = part_of(when.of(2000), first, last)
        return Yearly(*(mmdd(day) for day in (days.first, days.last) if isinstance(day, date)))
    if when.first is None or when.last is None:
        return when
    length = (when.last - when.first).days + 1
    begin, end = length * (first - 1) // 12, length * last // 12 - 1
    return Days(when.first + timedelta(days=begin), when.first + timedelta(days=max(begin, end)))


def nth_of(whole: Days, unit: Unit, number: int) -> Days | None:
    """The first (1) or last (-1) day or week of some days; None where there are not so many."""
    if whole.first is None or whole.last is None:
        return None
    length = 7 if unit == "week" else 1
    if number < 0:
        return Days(max(whole.first, whole.last - timedelta(days=length - 1)), whole.last)
    first = whole.first + timedelta(days=length * (number - 1))
    return Days(first, min(whole.last, first + timedelta(days=length - 1))) if first <= whole.last else None


def nth_weekdays_of(whole: Days, weekday: int, number: int, *, length: int) -> Days | None:
    """From the first (1) or last (-1) such day of the week in some days on, so many days."""
    if whole.first is None or whole.last is None:
        return None
    if number < 0:
        end = whole.last - timedelta(days=length - 1)
        first = end - timedelta(days=(end.weekday() - weekday) % 7)
    else:
        first = whole.first + timedelta(days=(weekday - whole.first.weekday()) % 7 + 7 * (number - 1))
    return Days(first, first + timedelta(days=length - 1)) if whole.first <= first <= whole.last else None
