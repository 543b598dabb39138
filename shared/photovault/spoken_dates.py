"""Days in words: "last summer", "between march and may 2025", "two weeks ago". Pure, deterministic, linear.

Without a year, a month, a season or a holiday means every year ("in summer"); inside a range, and after "since" or
"before", the latest one. "Last summer" is the latest that is over. Seasons are meteorological and of the northern
hemisphere; winter 2024 begins in December 2024. 3/5/2025 is the third of May unless only the other reading is a date.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_YEARS = range(1800, 2201)


@dataclass(frozen=True)
class Word:
    """A word of a query: folded, its place in the text, and what stands between it and the word before."""

    text: str
    start: int
    end: int
    before: str


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
        return Days(_day(year, self.first), _day(year + (self.first > self.last), self.last))

    def latest(self, today: date) -> Days:
        """The latest that has begun."""
        days = self.of(_clamp(today.year))
        return self.of(_clamp(today.year - 1)) if days.first and days.first > today else days


When = Days | Yearly
Found = tuple[When, int]
"""What was said, and the index of the word after it."""

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_SHY = {"may", "march", "april", "june", "august", "jan", "mar", "jun", "sep", "dec", "apr", "feb", "jul", "aug"}
"""Months that are also words or names: alone they need a preposition."""
_WEEKDAYS = {
    name: number
    for number, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
}
_SEASONS = {
    "spring": Yearly(301, 531),
    "summer": Yearly(601, 831),
    "autumn": Yearly(901, 1130),
    "fall": Yearly(901, 1130),
    "winter": Yearly(1201, 229),
}
_HOLIDAYS = {
    ("christmas",): Yearly(1224, 1226),
    ("xmas",): Yearly(1224, 1226),
    ("christmas", "eve"): Yearly(1224, 1224),
    ("christmas", "day"): Yearly(1225, 1225),
    ("boxing", "day"): Yearly(1226, 1226),
    ("new", "year"): Yearly(1231, 101),
    ("new", "years"): Yearly(1231, 101),
    ("new", "year", "s"): Yearly(1231, 101),
    ("new", "years", "eve"): Yearly(1231, 1231),
    ("new", "year", "s", "eve"): Yearly(1231, 1231),
    ("new", "years", "day"): Yearly(101, 101),
    ("new", "year", "s", "day"): Yearly(101, 101),
    ("halloween",): Yearly(1031, 1031),
    ("valentines", "day"): Yearly(214, 214),
    ("valentine", "s", "day"): Yearly(214, 214),
}
_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=1
    )
} | {"a": 1, "an": 1, "few": 3, "couple": 2}
_UNITS = {name: unit for unit in ("day", "week", "month", "year") for name in (unit, f"{unit}s")}
_RELATIVE = {"today", "tonight", "yesterday", "day", "this", "last", "past", "previous", "a", "an"}
_IN = {"in", "on", "during", "at", "from", "of", "over", "around"}
_TO = {"to", "until", "till", "through"}
_OPENS = {"between", "since", "after", "until", "till", "before"}
_BEGINS = {*MONTHS, *_WEEKDAYS, *_SEASONS, *_NUMBERS, *_RELATIVE, *_IN, *_OPENS, "the", "easter"} | {
    name[0] for name in _HOLIDAYS
}
"""Words with which a date can begin, beside digits: for most words the answer is quick."""
_DASHES = {"-", "–", "—", "..", "...", "…"}


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Without case, accents and compatibility forms."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def words(text: str) -> list[Word]:
    """The words of a text, folded."""
    found: list[Word] = []
    end = 0
    for hit in _WORD.finditer(text):
        found.append(Word(fold(hit.group()), hit.start(), hit.end(), text[end : hit.start()]))
        end = hit.end()
    return found


def find(said: Sequence[Word], at: int, today: date) -> Found | None:
    """The longest date or range that begins with the word ``at``. ``today`` is taken from 1850 to 2150."""
    if at >= len(said) or (said[at].text not in _BEGINS and not said[at].text[:1].isdigit()):
        return None
    today = _sane(today)
    word = said[at].text
    if word in {"between", "from"} and (found := _range(said, at + 1, today, joins=_TO | {"and"})):
        return found
    if word in {"since", "after", "until", "till", "before"} and (one := _atom(said, at + 1, today, introduced=True)):
        return open_ended(word, one[0], today), one[1]
    if found := _range(said, at, today, joins=_TO):
        return found
    if word in _IN and (one := _atom(said, at + 1, today, introduced=True)):
        return one
    return _atom(said, at, today, introduced=False)


def single(said: Sequence[Word], at: int, today: date) -> Found | None:
    """One date without a preposition, as after ``before:``."""
    return _atom(said, at, _sane(today), introduced=True)


def open_ended(word: str, when: When, today: date) -> Days:
    """``since``, ``after``, ``until`` or ``before`` something."""
    days = when.latest(_sane(today)) if isinstance(when, Yearly) else when
    if word == "since":
        return Days(days.first, None)
    if word == "after":
        return Days(_shift(days.last, 1), None)
    if word == "before":
        return Days(None, _shift(days.first, -1))
    return Days(None, days.last)


# ---- grammar -------------------------------------------------------------------------------------------------------


def _range(said: Sequence[Word], at: int, today: date, *, joins: set[str]) -> Found | None:
    """A to B. A year that one end lacks comes from the other."""
    one = _atom(said, at, today, introduced=True)
    if one is None or one[1] >= len(said):
        return None
    start, after = one
    if said[after].text in joins:
        after += 1
    elif said[after].before.strip() not in _DASHES:
        return None
    two = _atom(said, after, today, introduced=True)
    if two is None:
        return None
    stop, after = two
    if isinstance(start, Yearly) and isinstance(stop, Yearly):
        end = stop.latest(today)
        begin = _not_after(start, end)
    elif isinstance(start, Yearly):
        end = stop if isinstance(stop, Days) else stop.latest(today)
        begin = _not_after(start, end)
    else:
        begin = start
        end = stop if isinstance(stop, Days) else stop.of(_clamp((start.first or today).year))
        if isinstance(stop, Yearly) and end.last and begin.first and end.last < begin.first:
            end = stop.of(_clamp(begin.first.year + 1))
    if begin.first is None or end.last is None:
        return None
    if end.last < begin.first:
        begin, end = end, begin
    return Days(begin.first, end.last), after


def _not_after(start: Yearly, end: Days) -> Days:
    year = (end.last or end.first or date(2000, 1, 1)).year
    begin = start.of(_clamp(year))
    return start.of(_clamp(year - 1)) if begin.first and end.last and begin.first > end.last else begin


def _atom(said: Sequence[Word], at: int, today: date, *, introduced: bool) -> Found | None:
    """One date. ``introduced``: a preposition or an operator announced it, so that shy words count."""
    if introduced and at < len(said) and said[at].text == "the":
        at += 1
    if at >= len(said):
        return None
    return (
        _numeric(said, at)
        or _relative(said, at, today, introduced=introduced)
        or _month(said, at, introduced=introduced)
        or _season(said, at, introduced=introduced)
        or _holiday(said, at, today, introduced=introduced)
        or _year(said, at, today, introduced=introduced)
    )


def _numeric(said: Sequence[Word], at: int) -> Found | None:
    """2025-05-03, 2025-05, 3.5.2025, 3/5/2025."""
    first = said[at].text
    second = said[at + 1] if at + 1 < len(said) else None
    if second is None or second.before not in {"-", ".", "/"} or not _is_number(first) or not _is_number(second.text):
        return None
    third = said[at + 2] if at + 2 < len(said) and said[at + 2].before == second.before else None
    full = third is not None and _is_number(third.text)
    if len(first) == 4 and len(second.text) <= 2:
        if full and third is not None and len(third.text) <= 2:
            day = _date(int(first), int(second.text), int(third.text))
            return (Days(day, day), at + 3) if day else None
        return (_month_of(int(first), int(second.text)), at + 2) if _is_month(first, second.text) else None
    if full and third is not None and len(third.text) == 4 and second.before != "-":
        a, b, year = int(first), int(second.text), int(third.text)
        day = _date(year, b, a) or _date(year, a, b)
        return (Days(day, day), at + 3) if day else None
    return None


def _relative(said: Sequence[Word], at: int, today: date, *, introduced: bool) -> Found | None:
    """Counted from today."""
    text = [word.text for word in said[at : at + 6]] + [""] * 4
    if text[0] in {"today", "tonight"}:
        return Days(today, today), at + 1
    if text[0] == "yesterday":
        return _ago(1, "day", today), at + 1
    if text[:3] == ["day", "before", "yesterday"]:
        return _ago(2, "day", today), at + 3
    if text[:2] == ["this", "day"]:
        return Yearly(_mmdd(today), _mmdd(today)), at + 2
    if text[0] in _WEEKDAYS and introduced:
        return _weekday(text[0], today), at + 1
    count, used = _count(text)
    if count is not None and text[used] in _UNITS and text[used + 1] == "ago":
        return _ago(count, _UNITS[text[used]], today), at + used + 2
    if text[0] not in {"last", "this", "past", "previous"}:
        return None
    back = 0 if text[0] == "this" else 1
    count, used = _count(text[1:])
    if count is not None and back and text[1] not in {"a", "an"} and text[1 + used] in _UNITS:
        return Days(_back(count, _UNITS[text[1 + used]], today), today), at + used + 2
    if text[1] in _UNITS and text[1] != "day":
        unit = _UNITS[text[1]]
        if text[0] == "past":
            return Days(_back(1, unit, today), today), at + 2
        return _ago(back, unit, today), at + 2
    if text[1] == "weekend":
        week = _ago(back if today.weekday() < 5 or not back else 1, "week", today)
        return (Days(_shift(week.first, 5), week.last), at + 2) if week.first else None
    if text[1] in _WEEKDAYS and back:
        return _weekday(text[1], today), at + 2
    named = _SEASONS.get(text[1])
    after = at + 2
    if named is None and text[1] in MONTHS:
        named = _whole_month(MONTHS[text[1]])
    if named is None and (holiday := _holiday_words(said, at + 1)):
        named, after = holiday
    if named is None:
        return None
    if not back:
        return named.of(_clamp(today.year)), after
    days = named.latest(today)
    if days.last and days.last >= today and days.first:
        days = named.of(_clamp(days.first.year - 1))
    return days, after


def _month(said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
    """May 2025, 3 May 2025, May 3rd 2025, 3rd of May, May."""
    day = _ordinal(said[at].text)
    after = at + 1 if day else at
    if day and after < len(said) and said[after].text == "of":
        after += 1
    if after >= len(said) or said[after].text not in MONTHS:
        return None
    name, month = said[after].text, MONTHS[said[after].text]
    after += 1
    if not day and after < len(said) and (day := _ordinal(said[after].text)):
        after += 1
    year, after = _year_after(said, after)
    if day:
        if year is None:
            return (Yearly(month * 100 + day, month * 100 + day), after) if _date(2000, month, day) else None
        exact = _date(year, month, day)
        return (Days(exact, exact), after) if exact else None
    if year is None:
        return (_whole_month(month), after) if introduced or name not in _SHY else None
    return _month_of(year, month), after


def _season(said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
    season = _SEASONS.get(said[at].text)
    if season is None:
        return None
    year, after = _year_after(said, at + 1)
    if year is None:
        return (season, after) if introduced else None
    return season.of(year), after


def _holiday_words(said: Sequence[Word], at: int) -> tuple[Yearly, int] | None:
    for length in (4, 3, 2, 1):
        holiday = _HOLIDAYS.get(tuple(word.text for word in said[at : at + length]))
        if holiday is not None and at + length <= len(said):
            return holiday, at + length
    return None


def _holiday(said: Sequence[Word], at: int, today: date, *, introduced: bool) -> Found | None:
    """With a year, or alone; "christmas tree" is no date."""
    if said[at].text == "easter":
        year, after = _year_after(said, at + 1)
        if year is None and not introduced and after < len(said):
            return None
        if year is None:
            year = _clamp(today.year)
            if (first := _easter(year).first) and first > today:
                year = _clamp(year - 1)
        return _easter(year), after
    found = _holiday_words(said, at)
    if found is None:
        return None
    holiday, after = found
    year, after = _year_after(said, after)
    if year is not None:
        return holiday.of(year), after
    alone = after >= len(said) or said[after].text in _IN | _TO | {"with", "and", "or", "not", "without"}
    return (holiday, after) if introduced or alone else None


def _year(said: Sequence[Word], at: int, today: date, *, introduced: bool) -> Found | None:
    """2025, 1990s."""
    text = said[at].text
    if len(text) == 5 and text.endswith("0s") and _is_number(text[:4]) and int(text[:4]) in _YEARS:
        first = _date(int(text[:4]), 1, 1)
        return Days(first, _date(int(text[:4]) + 9, 12, 31)), at + 1
    if len(text) != 4 or not _is_number(text):
        return None
    year = int(text)
    if year not in _YEARS or not (introduced or 1900 <= year <= today.year + 1):
        return None
    return Days(_date(year, 1, 1), _date(year, 12, 31)), at + 1


def _year_after(said: Sequence[Word], at: int) -> tuple[int | None, int]:
    """A year, after "of" or a comma or nothing; what follows must not make it 2025-05."""
    here = at + 1 if at < len(said) and said[at].text == "of" else at
    if here < len(said) and len(said[here].text) == 4 and _is_number(said[here].text):
        year = int(said[here].text)
        if year in _YEARS and said[here].before.strip() in {"", ","}:
            return year, here + 1
    return None, at


# ---- calendar ------------------------------------------------------------------------------------------------------


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _is_month(year: str, month: str) -> bool:
    return int(year) in _YEARS and 1 <= int(month) <= 12


def _ordinal(text: str) -> int | None:
    digits = text[:-2] if text[-2:] in {"st", "nd", "rd", "th"} else text
    return int(digits) if len(digits) <= 2 and _is_number(digits) and 1 <= int(digits) <= 31 else None


def _count(text: Sequence[str]) -> tuple[int | None, int]:
    """A number at the beginning, and how many words it took."""
    if text[0] == "a" and text[1] in {"few", "couple"}:
        return _NUMBERS[text[1]], 3 if text[2] == "of" else 2
    if text[0] in _NUMBERS:
        return _NUMBERS[text[0]], 2 if text[1] == "of" else 1
    return (int(text[0]), 1) if text[0] and _is_number(text[0]) else (None, 0)


def _sane(today: date) -> date:
    return min(max(today, date(1850, 1, 1)), date(2150, 12, 31))


def _clamp(year: int) -> int:
    return min(max(year, _YEARS.start), _YEARS.stop - 1)


def _date(year: int, month: int, day: int) -> date | None:
    """None unless the calendar has it."""
    if year not in range(_YEARS.start, _YEARS.stop + 1):
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _day(year: int, mmdd: int) -> date:
    """29 February is the 28th where there is none."""
    return _date(year, mmdd // 100, mmdd % 100) or date(year, mmdd // 100, 28)


def _mmdd(day: date) -> int:
    return day.month * 100 + day.day


def _whole_month(month: int) -> Yearly:
    return Yearly(month * 100 + 1, month * 100 + (29 if month == 2 else 30 if month in {4, 6, 9, 11} else 31))


def _month_of(year: int, month: int) -> Days:
    return _whole_month(month).of(_clamp(year))


def _shift(day: date | None, days: int) -> date | None:
    if day is None:
        return None
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return day


def _minus_months(day: date, months: int) -> date:
    """The same day of an earlier month, or its last."""
    count = max(day.year * 12 + day.month - 1 - months, 12)
    year, month = divmod(count, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def _back(count: int, unit: str, today: date) -> date:
    """The first of the last ``count`` days, weeks, months or years that end today."""
    if unit in {"month", "year"}:
        return _minus_months(today, count * (12 if unit == "year" else 1))
    return _shift(today, -count * (7 if unit == "week" else 1)) or today


def _ago(count: int, unit: str, today: date) -> Days:
    """The calendar day, week (from Monday), month or year that is so many before today's."""
    if unit == "year":
        year = max(today.year - count, 1)
        return Days(date(year, 1, 1), date(year, 12, 31))
    if unit == "month":
        first = _minus_months(today.replace(day=1), count)
        return Days(first, _shift(_minus_months(first.replace(day=1), -1), -1))
    if unit == "week":
        monday = _shift(today, -today.weekday() - 7 * count) or today
        return Days(monday, _shift(monday, 6))
    day = _shift(today, -count) or today
    return Days(day, day)


def _weekday(name: str, today: date) -> Days:
    """The latest before today."""
    return _ago((today.weekday() - _WEEKDAYS[name] - 1) % 7 + 1, "day", today)


def _easter(year: int) -> Days:
    """Good Friday to Easter Monday (Gregorian computus, Meeus/Jones/Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    sunday = date(year, month, day + 1)
    return Days(sunday - timedelta(days=2), sunday + timedelta(days=1))
