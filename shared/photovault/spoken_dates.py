"""Days in words: "last summer", "between march and may 2025", "vor zwei Wochen". Pure, deterministic, linear.

The grammar is here, the words are those of ``speech``, one language at a time.

Without a year, a month, a season or a holiday means every year ("in summer"); inside a range, and after "since" or
"before", the latest one. "Last summer" is the latest that is over. Seasons are meteorological, and half a year later
for who is at home in the south. A season belongs to the year in which it begins: winter 2024 begins in December 2024,
there in June. 3/5/2025 is the third of May unless only the other reading is a date.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TypeVar

from photovault.speech import Speech, Unit

T = TypeVar("T")

_WORD = re.compile(r"[^\W_]+")
_YEARS = range(1800, 2201)
_MOST_WORDS = 5  # of a phrase


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

_DASHES = {"-", "–", "—", "..", "...", "…"}


# Letters that are no letter with an accent to Unicode, but are typed as one on other keyboards.
_TYPED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Without case, accents and compatibility forms: ``ZÜRICH`` and ``Tromsø`` are ``zurich`` and ``tromso``."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).translate(_TYPED)


def words(text: str) -> list[Word]:
    """The words of a text, folded."""
    if text.isascii():
        return _words(text, text)
    # Accents and vowel signs that follow a letter (of a decomposed ü, in Devanagari) are parts of its word. With a
    # letter in their place, everything stays where it is.
    letters: list[str] = []
    inside = False
    for letter in text:
        letters.append("x" if inside and unicodedata.category(letter)[0] == "M" else letter)
        inside = letters[-1].isalnum()
    return _words(text, "".join(letters))


def _words(text: str, letters: str) -> list[Word]:
    found: list[Word] = []
    end = 0
    for hit in _WORD.finditer(letters):
        start = hit.start()
        found.append(Word(fold(text[start : hit.end()]), start, hit.end(), text[end:start]))
        end = hit.end()
    return found


def folded(text: str) -> tuple[str, ...]:
    """The words of a text alone."""
    if text.isascii():
        return tuple(_WORD.findall(text.lower()))
    return tuple(word.text for word in words(text))


@lru_cache(maxsize=16)
def _begins(speech: Speech) -> frozenset[str]:
    """Words with which a date can begin, beside digits: for most words the answer is quick."""
    phrases = (*speech.holidays, *speech.easter, *speech.sundays, *speech.few, *speech.days_ago, *speech.on_this_day)
    single = (speech.months, speech.weekdays, speech.seasons, speech.numbers, speech.this, speech.last, speech.past)
    phrases = (*phrases, *speech.portions)
    more = (frozenset(speech.units), speech.ago_before, speech.into, speech.between, speech.bounds, speech.articles)
    return frozenset({phrase[0] for phrase in phrases}).union(*single, *more)


def phrase(table: Mapping[tuple[str, ...], T], said: Sequence[Word], at: int) -> tuple[T, int] | None:
    """What the longest phrase of a table that begins with the word ``at`` stands for, and the index after it."""
    key = tuple(word.text for word in said[at : at + _MOST_WORDS])
    for length in range(len(key), 0, -1):
        if key[:length] in table:
            return table[key[:length]], at + length
    return None


@dataclass(frozen=True)
class Dates:
    """Reads dates in one language as they are meant ``today``, which is taken from 1850 to 2150, and in the south where
    summer is in January."""

    speech: Speech
    today: date
    southern: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "today", min(max(self.today, date(1850, 1, 1)), date(2150, 12, 31)))

    def find(self, said: Sequence[Word], at: int) -> Found | None:
        """The longest date or range that begins with the word ``at``."""
        if at >= len(said) or (said[at].text not in _begins(self.speech) and not said[at].text[:1].isdigit()):
            return None
        word = said[at].text
        if word in self.speech.between and (
            found := self._range(said, at + 1, joins=self.speech.to | self.speech.and_)
        ):
            return found
        if found := self._ago(said, at):
            return found
        if word in self.speech.bounds and (one := self._atom(said, at + 1, introduced=True)):
            return self.open_ended(self.speech.bounds[word], one[0]), one[1]
        if found := self._range(said, at, joins=self.speech.to):
            return found
        if word in self.speech.into and (one := self._atom(said, at + 1, introduced=True)):
            return one
        return self._atom(said, at, introduced=False)

    def single(self, said: Sequence[Word], at: int) -> Found | None:
        """One date without a preposition, as after ``before:``."""
        return self._atom(said, at, introduced=True)

    def month(self, said: Sequence[Word], at: int) -> Found | None:
        """A month by its name or number, as after ``month:``."""
        text = said[at].text
        if _is_number(text) and 1 <= int(text) <= 12:
            return _whole_month(int(text)), at + 1
        return self.single(said, at)

    def open_ended(self, bound: str, when: When) -> Days:
        """``since``, ``after``, ``until`` or ``before`` something."""
        days = when.latest(self.today) if isinstance(when, Yearly) else when
        if bound == "since":
            return Days(days.first, None)
        if bound == "after":
            return Days(_shift(days.last, 1), None)
        if bound == "before":
            return Days(None, _shift(days.first, -1))
        return Days(None, days.last)

    # ---- grammar

    def _range(self, said: Sequence[Word], at: int, *, joins: frozenset[str]) -> Found | None:
        """A to B. A year that one end lacks comes from the other."""
        one = self._atom(said, at, introduced=True)
        if one is None:
            return self._days_of_month(said, at, joins=joins)
        start, after = one
        behind = _behind_joint(said, after, joins)
        two = self._atom(said, behind, introduced=True) if behind else None
        if two is None:
            return None
        stop, after = two
        if isinstance(start, Yearly) and isinstance(stop, Yearly):
            end = stop.latest(self.today)
            begin = _not_after(start, end)
        elif isinstance(start, Yearly):
            end = stop if isinstance(stop, Days) else stop.latest(self.today)
            begin = _not_after(start, end)
        else:
            begin = start
            end = stop if isinstance(stop, Days) else stop.of(_clamp((start.first or self.today).year))
            if isinstance(stop, Yearly) and end.last and begin.first and end.last < begin.first:
                end = stop.of(_clamp(begin.first.year + 1))
        if begin.first is None or end.last is None:
            return None
        if end.last < begin.first:
            begin, end = end, begin
        return Days(begin.first, end.last), after

    def _days_of_month(self, said: Sequence[Word], at: int, *, joins: frozenset[str]) -> Found | None:
        """3 to 5 May 2025."""
        day = self._ordinal(said[at].text) if at < len(said) else None
        behind = _behind_joint(said, at + 1, joins) if day else None
        two = self._month(said, behind, introduced=True) if behind and behind < len(said) else None
        if day is None or two is None:
            return None
        stop, after = two
        if isinstance(stop, Yearly):
            whole = stop.first == stop.last and stop.first % 100 > day
            return (Yearly(stop.first // 100 * 100 + day, stop.last), after) if whole else None
        if stop.first is None or stop.first != stop.last or stop.first.day <= day:
            return None
        return Days(stop.first.replace(day=day), stop.last), after

    def _atom(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """One date. ``introduced``: a preposition or an operator announced it, so that shy words count."""
        if introduced and at < len(said) and said[at].text in self.speech.articles and not self._ago(said, at):
            at += 1
        if at >= len(said):
            return None
        return (
            _numeric(said, at, this_year=self.today.year)
            or self._ago(said, at)
            or self._relative(said, at, introduced=introduced)
            or self._month(said, at, introduced=introduced)
            or self._season(said, at, introduced=introduced)
            or self._holiday(said, at, introduced=introduced)
            or self._portion(said, at)
            or self._year(said, at, introduced=introduced)
        )

    def _ago(self, said: Sequence[Word], at: int) -> Found | None:
        """Two years ago, or in other languages: before two years."""
        opened = said[at].text in self.speech.ago_before
        counted = self._count(said, at + opened)
        if counted is None:
            return None
        count, after = counted
        if after >= len(said) or said[after].text not in self.speech.units:
            return None
        unit = self.speech.units[said[after].text]
        if opened:
            return _ago(count, unit, self.today), after + 1
        if not (after + 1 < len(said) and said[after + 1].text in self.speech.ago_after):
            return None
        if after + 2 < len(said) and self.speech.days_ago.get((said[after + 2].text,)) == 0:  # "a year ago today"
            return _exactly(_back(count, unit, self.today)), after + 3
        return _ago(count, unit, self.today), after + 2

    def _relative(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """Counted from today."""
        speech, today = self.speech, self.today
        if found := phrase(speech.days_ago, said, at):
            if found[0] == 0 and found[1] < len(said) and said[found[1]].text in speech.ago_before:
                counted = self._count(said, found[1] + 1)  # "heute vor einem Jahr"
                if counted and counted[1] < len(said) and (unit := speech.units.get(said[counted[1]].text)):
                    return _exactly(_back(counted[0], unit, today)), counted[1] + 1
            return _ago(found[0], "day", today), found[1]
        if said_so := phrase(dict.fromkeys(speech.on_this_day, True), said, at):
            return Yearly(_mmdd(today), _mmdd(today)), said_so[1]
        word = said[at].text
        if word in speech.weekdays and introduced:
            return self._weekday(word), at + 1
        if at + 1 < len(said) and said[at + 1].text in speech.last_behind and word not in speech.last:
            return self._relative([*said[:at], said[at + 1], said[at], *said[at + 2 :]], at, introduced=introduced)
        if (word not in speech.last and word not in speech.this) or at + 1 >= len(said):
            return None
        back = word in speech.last
        following = said[at + 1].text
        counted = self._count(said, at + 1) if back and following not in speech.articles else None
        if counted and counted[1] < len(said) and said[counted[1]].text in speech.units:
            return Days(_back(counted[0], speech.units[said[counted[1]].text], today), today), counted[1] + 1
        unit = speech.units.get(following)
        if unit and unit != "day":
            span = Days(_back(1, unit, today), today) if word in speech.past else _ago(int(back), unit, today)
            return span, at + 2
        if following in speech.weekend:
            week = _ago(int(back) if today.weekday() < 5 or not back else 1, "week", today)
            return (Days(_shift(week.first, 5), week.last), at + 2) if week.first else None
        if following in speech.weekdays and back:
            return self._weekday(following), at + 2
        after = at + 2
        if following in speech.seasons:
            named = self._season_of(following)
        elif following in speech.months:
            named = _whole_month(speech.months[following])
        elif holiday := phrase(speech.holidays, said, at + 1):
            named, after = Yearly(*holiday[0]), holiday[1]
        else:
            return None
        if not back:
            return named.of(_clamp(today.year)), after
        days = named.latest(today)
        if days.last and days.last >= today and days.first:
            days = named.of(_clamp(days.first.year - 1))
        return days, after

    def _month(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """May 2025, 3 May 2025, May 3rd 2025, 3rd of May, May."""
        day = self._ordinal(said[at].text)
        after = at + 1 if day else at
        if day and after < len(said) and said[after].text in self.speech.of:
            after += 1
        if after >= len(said) or said[after].text not in self.speech.months:
            return None
        name, month = said[after].text, self.speech.months[said[after].text]
        after += 1
        if not day and after < len(said) and (day := self._ordinal(said[after].text)):
            after += 1
        year, after = self.year_after(said, after)
        if day:
            if year is None:
                return (Yearly(month * 100 + day, month * 100 + day), after) if _date(2000, month, day) else None
            exact = _date(year, month, day)
            return (Days(exact, exact), after) if exact else None
        if year is None:
            return (_whole_month(month), after) if introduced or name not in self.speech.shy_months else None
        return _month_of(year, month), after

    def _season(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        if said[at].text not in self.speech.seasons:
            return None
        season = self._season_of(said[at].text)
        year, after = self.year_after(said, at + 1)
        if year is None:
            # "Autumn in New York", but neither "summer dress" nor "an Indian summer".
            return (season, after) if introduced or (at == 0 and self.is_alone(said, after)) else None
        return season.of(year), after

    def _portion(self, said: Sequence[Word], at: int) -> Found | None:
        """Early 2024, Ende 2023."""
        found = phrase(self.speech.portions, said, at)
        year, after = self.year_after(said, found[1]) if found else (None, at)
        if found is None or year is None:
            return None
        (first, last), _ = found
        return Days(_month_of(year, first).first, _month_of(year, last).last), after

    def _season_of(self, name: str) -> Yearly:
        season = Yearly(*self.speech.seasons[name])
        if not self.southern:
            return season
        first, last = ((day // 100 + 5) % 12 + 1 for day in (season.first, season.last))
        return Yearly(_whole_month(first).first, _whole_month(last).last)

    def _holiday(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """With a year, or alone; "christmas tree" is no date."""
        fixed, moving = phrase(self.speech.holidays, said, at), phrase(self.speech.easter, said, at)
        if sunday := phrase(self.speech.sundays, said, at):
            return self._sunday(said, *sunday, introduced=introduced)
        if fixed is None and moving is None:
            return None
        year, after = self.year_after(said, max(found[1] for found in (fixed, moving) if found))
        if year is None and not introduced and not self.is_alone(said, after):
            return None
        if moving is None:
            holiday = Yearly(*fixed[0]) if fixed else None
            return (holiday.of(year) if year else holiday, after) if holiday else None
        if year is None:
            year = _clamp(self.today.year)
            if (first := _around_easter(year, moving[0]).first) and first > self.today:
                year = _clamp(year - 1)
        return _around_easter(year, moving[0]), after

    def _sunday(self, said: Sequence[Word], which: tuple[int, int], at: int, *, introduced: bool) -> Found | None:
        """Mother's day: without a year the latest."""
        year, after = self.year_after(said, at)
        if year is None and not introduced and not self.is_alone(said, after):
            return None
        if year is None:
            year = _clamp(self.today.year)
            year -= _sunday_of(year, *which) > self.today
        return _exactly(_sunday_of(_clamp(year), *which)), after

    def is_alone(self, said: Sequence[Word], after: int) -> bool:
        """Whether nothing follows that would make one thing of both."""
        speech = self.speech
        joints = (speech.into, speech.to, speech.and_, speech.or_, speech.but, speech.not_, speech.before_people)
        return after >= len(said) or any(said[after].text in words for words in joints)

    def _year(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """2025, 1990s."""
        text = said[at].text
        if self.speech.units.get(text) == "year":  # "the year 2020"
            year, after = self.year_after(said, at + 1)
            return (Days(_date(year, 1, 1), _date(year, 12, 31)), after) if year else None
        short, ending = text[:2], text[2:]
        if ending in self.speech.decades and _is_number(short) and short.endswith("0"):
            first = int(short) + (2000 if int(short) <= self.today.year % 100 else 1900)
            after = at + 1  # "90er Jahre"
            after += after < len(said) and self.speech.units.get(said[after].text) == "year"
            return Days(_date(first, 1, 1), _date(first + 9, 12, 31)), after
        digits, ending = text[:4], text[4:]
        if ending in self.speech.decades and digits.endswith("0") and _is_number(digits) and int(digits) in _YEARS:
            return Days(_date(int(digits), 1, 1), _date(int(digits) + 9, 12, 31)), at + 1
        if len(text) != 4 or not _is_number(text):
            return None
        year = int(text)
        if year not in _YEARS or not (introduced or 1900 <= year <= self.today.year + 1):
            return None
        if at + 1 < len(said) and said[at + 1].text in self.speech.seasons:  # "2024 summer"
            return self._season_of(said[at + 1].text).of(year), at + 2
        return Days(_date(year, 1, 1), _date(year, 12, 31)), at + 1

    def year_after(self, said: Sequence[Word], at: int) -> tuple[int | None, int]:
        """A year, after "of" or a comma or nothing; what follows must not make it 2025-05."""
        here = at + 1 if at < len(said) and said[at].text in self.speech.of else at
        if here < len(said) and len(said[here].text) == 4 and _is_number(said[here].text):
            year = int(said[here].text)
            if year in _YEARS and said[here].before.strip() in {"", ","}:
                return year, here + 1
        return None, at

    def _ordinal(self, text: str) -> int | None:
        ending = next((end for end in self.speech.ordinals if text.endswith(end)), "")
        digits = text.removesuffix(ending)
        return int(digits) if len(digits) <= 2 and _is_number(digits) and 1 <= int(digits) <= 31 else None

    def _count(self, said: Sequence[Word], at: int) -> tuple[int, int] | None:
        """A number, and the index of the word after it."""
        if at >= len(said):
            return None
        if found := phrase(self.speech.few, said, at):
            return found
        text = said[at].text
        if text in self.speech.numbers:
            return self.speech.numbers[text], at + 1
        return (int(text), at + 1) if _is_number(text) else None

    def _weekday(self, name: str) -> Days:
        """The latest before today."""
        return _ago((self.today.weekday() - self.speech.weekdays[name] - 1) % 7 + 1, "day", self.today)


def _behind_joint(said: Sequence[Word], at: int, joins: frozenset[str]) -> int | None:
    """The index behind "to" or a dash that stands at ``at``."""
    if at >= len(said):
        return None
    if said[at].text in joins:
        return at + 1
    return at if said[at].before.strip() in _DASHES else None


def _not_after(start: Yearly, end: Days) -> Days:
    year = (end.last or end.first or date(2000, 1, 1)).year
    begin = start.of(_clamp(year))
    return start.of(_clamp(year - 1)) if begin.first and end.last and begin.first > end.last else begin


def _numeric(said: Sequence[Word], at: int, *, this_year: int) -> Found | None:
    """2025-05-03, 2025-05, 3.5.2025, 3/5/2025, 3.5.25."""
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
    if full and third is not None and len(third.text) in {2, 4} and second.before != "-":
        a, b, year = int(first), int(second.text), int(third.text)
        if len(third.text) == 2:
            year += 2000 if year <= this_year % 100 + 1 else 1900
        day = _date(year, b, a) or _date(year, a, b)
        return (Days(day, day), at + 3) if day else None
    return None


# ---- calendar ------------------------------------------------------------------------------------------------------


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _is_month(year: str, month: str) -> bool:
    return int(year) in _YEARS and 1 <= int(month) <= 12


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


def _exactly(day: date) -> Days:
    return Days(day, day)


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


def _back(count: int, unit: Unit, today: date) -> date:
    """The first of the last ``count`` days, weeks, months or years that end today."""
    if unit in {"month", "year"}:
        return _minus_months(today, count * (12 if unit == "year" else 1))
    return _shift(today, -count * (7 if unit == "week" else 1)) or today


def _ago(count: int, unit: Unit, today: date) -> Days:
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


def _sunday_of(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=6 - first.weekday() + 7 * (number - 1))


def _around_easter(year: int, days: tuple[int, int]) -> Days:
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
