"""Days in words: "last summer", "between march and may 2025", "vor zwei Wochen". Pure, deterministic, linear.

The grammar is here, the words are those of ``spoken_words``, one language at a time.

Without a year, a month, a season or a holiday means every year ("in summer"); inside a range, and after "since" or
"before", the latest one. "Last summer" is the latest that is over; "this" and "on Sunday" mean the latest that has
begun, since nobody has photos of days to come. Seasons are meteorological, and half a year later for who is at home in
the south. A season belongs to the year in which it begins: winter 2024 begins in December 2024, there in June; New Year
to the one that it begins. 3/5/2025 is the third of May unless only the other reading is a date.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from operator import itemgetter
from typing import TypeVar

from photovault import calendar_days as calendar
from photovault import written_dates
from photovault.calendar_days import YEARS, Days, When, Yearly
from photovault.spoken_words import Speech, Unit

T = TypeVar("T")

_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 5  # of a phrase
_APOSTROPHES = {"'", "’"}


@dataclass(frozen=True)
class Word:
    """A word of a query: folded, its place in the text, and what stands between it and the word before."""

    text: str
    start: int
    end: int
    before: str


Found = tuple[When, int]
"""What was said, and the index of the word after it."""
_Feast = tuple[Callable[[int], Days], int]
"""The days of something that comes every year, by the year, and the index of the word after it."""

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
    phrases = (*speech.holidays, *speech.easter, *speech.nth_weekdays, *speech.few, *speech.days_ago)
    phrases = (*phrases, *speech.portions, *speech.on_this_day)
    single = (speech.months, speech.weekdays, speech.seasons, speech.numbers, speech.this, speech.last, speech.past)
    more = (frozenset(speech.units), speech.ago_before, speech.into, speech.between, speech.bounds, speech.articles)
    behind = (speech.weekend, speech.before_last, speech.nth, speech.decades_named)
    return frozenset({phrase[0] for phrase in phrases}).union(*single, *more, *behind)


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
    summer is in January. ``named``: words with which names of the library begin."""

    speech: Speech
    today: date
    southern: bool = False
    named: Container[str] = frozenset()

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
        if word in self.speech.bounds and (found := self._bounded(said, at)):
            return found
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
        if written_dates.is_number(text) and 1 <= int(text) <= 12:
            return calendar.whole_month(int(text)), at + 1
        return self.single(said, at)

    def open_ended(self, bound: str, when: When) -> Days:
        """``since``, ``after``, ``until`` or ``before`` something."""
        days = when.latest(self.today) if isinstance(when, Yearly) else when
        if bound == "since":
            return Days(days.first, None)
        if bound == "after":
            return Days(calendar.shift(days.last, 1), None)
        if bound == "before":
            return Days(None, calendar.shift(days.first, -1))
        return Days(None, days.last)

    # ---- grammar

    def _bounded(self, said: Sequence[Word], at: int) -> Found | None:
        """Since May, before 2020; "older than two years", "seit drei Tagen"."""
        speech = self.speech
        bound = speech.bounds[said[at].text]
        if one := self._atom(said, at + 1, introduced=True):
            return self.open_ended(bound, one[0]), one[1]
        compared = at + 1 < len(said) and said[at + 1].text in speech.than
        if not compared and bound != "since":
            return None
        counted = self._counted(said, at + 1 + compared)
        if counted is None:
            return None
        count, unit, after = counted
        return self.open_ended(bound, calendar.exactly(calendar.back(count, unit, self.today))), after

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
            end = stop if isinstance(stop, Days) else stop.of(calendar.clamp((start.first or self.today).year))
            if isinstance(stop, Yearly) and end.last and begin.first and end.last < begin.first:
                end = stop.of(calendar.clamp(begin.first.year + 1))
        if begin.first is None or end.last is None:
            return None
        if end.last < begin.first:
            begin, end = end, begin
        return Days(begin.first, end.last), after

    def _days_of_month(self, said: Sequence[Word], at: int, *, joins: frozenset[str]) -> Found | None:
        """3 to 5 May 2025, 3.-5.5.2025."""
        day = self.ordinal(said[at].text) if at < len(said) else None
        behind = _behind_joint(said, at + 1, joins) if day else None
        if day is None or behind is None or behind >= len(said):
            return None
        two = written_dates.find(said, behind, this_year=self.today.year, introduced=True) or self._month(
            said, behind, introduced=True
        )
        if two is None:
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
        if said[at].text[:1].isdigit():
            return (
                written_dates.find(said, at, this_year=self.today.year, introduced=introduced)
                or self._ago(said, at)
                or self._nth(said, at)
                or self._month(said, at, introduced=introduced)
                or self._year(said, at, introduced=introduced)
            )
        if said[at].text not in _begins(self.speech):
            return None
        return (
            self._ago(said, at)
            or self._nth(said, at)
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
        counted = self._counted(said, at + opened)
        if counted is None:
            return None
        count, unit, after = counted
        if opened:
            return calendar.ago(count, unit, self.today), after
        if not (after < len(said) and said[after].text in self.speech.ago_after):
            return None
        if after + 1 < len(said) and self.speech.days_ago.get((said[after + 1].text,)) == 0:  # "a year ago today"
            return calendar.exactly(calendar.back(count, unit, self.today)), after + 2
        return calendar.ago(count, unit, self.today), after + 1

    def _relative(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """Counted from today."""
        speech, today = self.speech, self.today
        if found := phrase(speech.days_ago, said, at):
            if found[0] == 0 and found[1] < len(said) and said[found[1]].text in speech.ago_before:
                counted = self._counted(said, found[1] + 1)  # "heute vor einem Jahr"
                if counted:
                    return calendar.exactly(calendar.back(counted[0], counted[1], today)), counted[2]
            return calendar.ago(found[0], "day", today), found[1]
        if said_so := phrase(dict.fromkeys(speech.on_this_day, True), said, at):
            day = Yearly(calendar.mmdd(today), calendar.mmdd(today))
            year, after = self.year_after(said, said_so[1])
            return day.of(year) if year else day, after
        word = said[at].text
        if word in speech.weekdays and (introduced or self._weekday_stands(said, at)):
            return self.weekday(word), at + 1
        if at + 1 >= len(said):
            return None
        if word not in speech.last and said[at + 1].text in speech.last_behind:
            one = self._back_by(said, at, 1)
            return (one[0], one[1] + 1) if one else None
        if behind := phrase(dict.fromkeys(speech.before_last_behind, True), said, at + 1):
            one = self._back_by(said, at, 2)
            return (one[0], behind[1]) if one else None
        if word in speech.last:
            counted = self._counted(said, at + 1) if said[at + 1].text not in speech.articles else None
            if counted:
                return Days(calendar.back(counted[0], counted[1], today), today), counted[2]
            unit = speech.units.get(said[at + 1].text)
            if word in speech.past and unit and unit != "day":
                return Days(calendar.back(1, unit, today), today), at + 2
            return self._back_by(said, at + 1, 1)
        if word in speech.before_last:
            return self._back_by(said, at + 1, 2)
        return self._back_by(said, at + 1, 0) if word in speech.this else None

    def _back_by(self, said: Sequence[Word], at: int, count: int) -> Found | None:
        """This (0), the last (1) or the one before (2): week, weekend, Sunday, summer, May, Christmas."""
        speech, today = self.speech, self.today
        text, after = said[at].text, at + 1
        unit = speech.units.get(text)
        if unit and unit != "day":
            days = calendar.ago(count, unit, today)
            if unit == "week" and after < len(said) and said[after].text in speech.weekdays:  # "letzte Woche Montag"
                return calendar.exactly(
                    calendar.shift(days.first, speech.weekdays[said[after].text]) or today
                ), after + 1
            return days, after
        if text in speech.weekend:
            ahead = not count and today.weekday() < 5
            week = calendar.ago(count + ahead, "week", today)
            return (Days(calendar.shift(week.first, 5), week.last), after) if week.first else None
        if text in speech.weekdays:
            if not count and today.weekday() == speech.weekdays[text]:
                return calendar.exactly(today), after
            weeks_more = 7 * max(count - 1, 0)
            return calendar.exactly(calendar.shift(self.weekday(text).first, -weeks_more) or today), after
        of: Callable[[int], Days]
        if text in speech.seasons:
            of = self._season_of(text).of
        elif text in speech.months:
            of = calendar.whole_month(speech.months[text]).of
        elif feast := self._feast(said, at):
            of, after = feast
        else:
            return None
        days = calendar.latest(of, today)
        over = days.last is not None and days.last < today
        more = count - over if count else 0
        return (of(calendar.clamp(days.first.year - more)) if days.first and more else days), after

    def _weekday_stands(self, said: Sequence[Word], at: int) -> bool:
        """ "Sunday" and "Sunday morning", but neither "Sunday roast" nor "Friday night dinner"."""
        after = at + 1
        if after < len(said) and said[after].text in self.speech.parts_of_day:
            return self.is_alone(said, after + 1)
        return at == 0 and self.is_alone(said, after)

    def _nth(self, said: Sequence[Word], at: int) -> Found | None:
        """First week of May 2024, last Sunday in July, letztes Wochenende im Juli."""
        speech = self.speech
        text = said[at].text
        if at + 3 >= len(said) or (text not in speech.nth and text not in speech.last and not text[:1].isdigit()):
            return None
        number = -1 if text in speech.last else speech.nth.get(text) or (text.isalnum() and self.ordinal(text)) or 0
        inside = said[at + 2].text
        if not number or number > 53 or (inside not in speech.of and inside not in speech.into):
            return None
        first = at + 3 + (said[at + 3].text in speech.articles)
        found = (
            self._month(said, first, introduced=True) or self._year(said, first, introduced=True)
            if first < len(said)
            else None
        )
        if found is None:
            return None
        whole = found[0].latest(self.today) if isinstance(found[0], Yearly) else found[0]
        named, unit = said[at + 1].text, speech.units.get(said[at + 1].text)
        if named in speech.weekdays:
            days = calendar.nth_weekdays_of(whole, speech.weekdays[named], number, length=1)
        elif named in speech.weekend:
            days = calendar.nth_weekdays_of(whole, 5, number, length=2)
        else:
            days = calendar.nth_of(whole, unit, number) if unit in {"day", "week"} else None
        return (days, found[1]) if days else None

    def _month(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """May 2025, 3 May 2025, May 3rd 2025, 3rd of May, May."""
        day = self.ordinal(said[at].text)
        after = at + 1 if day else at
        if day and after < len(said) and said[after].text in self.speech.of:
            after += 1
        if after >= len(said) or said[after].text not in self.speech.months:
            return None
        name, month = said[after].text, self.speech.months[said[after].text]
        after += 1
        if not day and after < len(said) and said[after].before.strip() not in _APOSTROPHES:
            day = self.ordinal(said[after].text)
            after += day is not None
        year, after = self.year_after(said, after)
        if day:
            if year is None:
                exists = calendar.valid(2000, month, day)
                return (Yearly(month * 100 + day, month * 100 + day), after) if exists else None
            exact = calendar.valid(year, month, day)
            return (Days(exact, exact), after) if exact else None
        year = year or self._shared_year(said, after)
        if year is None:
            return (calendar.whole_month(month), after) if introduced or name not in self.speech.shy_months else None
        return calendar.month_of(year, month), after

    def _shared_year(self, said: Sequence[Word], at: int) -> int | None:
        """The year that a list of months ends with: "July and August 2023"."""
        speech = self.speech
        while at < len(said):
            at += said[at].text in speech.and_ or said[at].text in speech.or_
            if at >= len(said) or said[at].text not in speech.months:
                return None
            year, at = self.year_after(said, at + 1)
            if year:
                return year
        return None

    def _season(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        if said[at].text not in self.speech.seasons:
            return None
        season = self._season_of(said[at].text)
        year, after = self.year_after(said, self._behind_travels(said, at + 1), short=True)
        if year is None:
            # "Autumn in New York", but neither "summer dress" nor "an Indian summer".
            return (season, after) if introduced or (at == 0 and self.is_alone(said, after)) else None
        return season.of(year), after

    def _portion(self, said: Sequence[Word], at: int) -> Found | None:
        """Early 2024, Ende 2023, end of May, late summer 2022."""
        found = phrase(self.speech.portions, said, at)
        if found is None:
            return None
        (first, last), behind = found
        year, after = self.year_after(said, behind)
        if year is not None:
            return Days(calendar.month_of(year, first).first, calendar.month_of(year, last).last), after
        if behind >= len(said):
            return None
        whole = self._month(said, behind, introduced=True) or self._season(said, behind, introduced=True)
        return (calendar.part_of(whole[0], first, last), whole[1]) if whole else None

    def _season_of(self, name: str) -> Yearly:
        season = Yearly(*self.speech.seasons[name])
        if not self.southern:
            return season
        first, last = ((day // 100 + 5) % 12 + 1 for day in (season.first, season.last))
        return Yearly(calendar.whole_month(first).first, calendar.whole_month(last).last)

    def _feast(self, said: Sequence[Word], at: int) -> _Feast | None:
        """A holiday by its longest name."""
        speech = self.speech
        found: list[_Feast] = []
        if fixed := phrase(speech.holidays, said, at):
            found.append((Yearly(*fixed[0]).of, fixed[1]))
        if moving := phrase(speech.easter, said, at):
            found.append((partial(calendar.around_easter, days=moving[0]), moving[1]))
        if weekly := phrase(speech.nth_weekdays, said, at):
            month, weekday, number = weekly[0]
            found.append((partial(_nth_weekday, month=month, weekday=weekday, number=number), weekly[1]))
        return max(found, key=itemgetter(1), default=None)

    def _holiday(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """With a year, or alone; "christmas tree" is no date. What moves is the latest one without a year."""
        feast = self._feast(said, at)
        if feast is None:
            return None
        of, behind = feast
        fixed = phrase(self.speech.holidays, said, at)
        every_year = Yearly(*fixed[0]) if fixed and fixed[1] == behind else None
        behind = self._behind_travels(said, behind)
        year, after = self.year_after(said, behind, short=True)
        if year is not None:
            over = every_year is not None and every_year.first > every_year.last and after == behind + 1
            return of(calendar.clamp(year - over)), after  # New Year 2022, but also New Year 2021/22
        if not introduced and not self.is_alone(said, after):
            return None
        return every_year or calendar.latest(of, self.today), after

    def _behind_travels(self, said: Sequence[Word], at: int) -> int:
        """ "Summer holidays", "Christmas vacation"."""
        return at + (at < len(said) and said[at].text in self.speech.travels)

    def is_alone(self, said: Sequence[Word], after: int) -> bool:
        """Whether nothing follows that would make one thing of both."""
        if after >= len(said) or said[after].before.strip() in {",", ";"} or said[after].text in self.named:
            return True
        speech = self.speech
        joints = (speech.into, speech.to, speech.and_, speech.or_, speech.but, speech.not_, speech.before_people)
        return said[after].text in speech.photos or any(said[after].text in words for words in joints)

    def _year(self, said: Sequence[Word], at: int, *, introduced: bool) -> Found | None:
        """2025, 1990s."""
        text = said[at].text
        if self.speech.units.get(text) == "year":  # "the year 2020"
            year, after = self.year_after(said, at + 1)
            return (_whole_years(year, 1), after) if year else None
        if text in self.speech.decades_named:
            opened = at == 0 or said[at - 1].text in self.speech.articles
            stands = introduced or (opened and self.is_alone(said, at + 1))
            return (_whole_years(self.speech.decades_named[text], 10), at + 1) if stands else None
        short, ending = text[:2], text[2:]
        if ending in self.speech.decades and written_dates.is_number(short) and short.endswith("0"):
            after = at + 1  # "90er Jahre"
            after += after < len(said) and self.speech.units.get(said[after].text) == "year"
            if not introduced and not self.is_alone(said, after):
                return None  # "80s party"
            return _whole_years(self._in_full(int(short), ahead=0), 10), after
        digits, ending = text[:4], text[4:]
        if (
            ending in self.speech.decades
            and digits.endswith("0")
            and written_dates.is_number(digits)
            and int(digits) in YEARS
        ):
            return _whole_years(int(digits), 10), at + 1
        if len(text) != 4 or not written_dates.is_number(text):
            return None
        year = int(text)
        if year not in YEARS or not (introduced or 1900 <= year <= self.today.year + 1):
            return None
        if at + 1 < len(said) and said[at + 1].text in self.speech.seasons:  # "2024 summer"
            return self._season_of(said[at + 1].text).of(year), at + 2
        if at + 1 < len(said) and said[at + 1].text in self.speech.months and not self._has_day(said, at + 2):
            return calendar.month_of(year, self.speech.months[said[at + 1].text]), at + 2  # "2024 May"
        return _whole_years(year, 1), at + 1

    def _has_day(self, said: Sequence[Word], at: int) -> bool:
        """Whether a month before the word ``at`` has a day or a year of its own there."""
        return at < len(said) and said[at].text[:1].isdigit()

    def year_after(self, said: Sequence[Word], at: int, *, short: bool = False) -> tuple[int | None, int]:
        """A year, after "of" or a comma or nothing: 2023, '23, last year; if ``short``, 23 and 2023/24, too."""
        here = at + 1 if at < len(said) and said[at].text in self.speech.of else at
        if here >= len(said):
            return None, at
        text, mark = said[here].text, said[here].before.strip()
        if not written_dates.is_number(text):
            return self._counted_year(said, here) or (None, at)
        after = here + 1
        if len(text) == 4 and int(text) in YEARS and mark in {"", ","}:
            year = int(text)
        elif len(text) == 2 and (mark in _APOSTROPHES or (short and not mark and not self._goes_on(said, after))):
            year = self._in_full(int(text), ahead=1)
        else:
            return self._counted_year(said, here) or (None, at)
        if short and after < len(said) and said[after].before in {"/", "-"}:
            following = f"{year + 1}"
            after += said[after].text == following[2:] or (said[after].text == following and said[after].before == "/")
        return year, after

    def _goes_on(self, said: Sequence[Word], at: int) -> bool:
        """Whether a number before the word ``at`` counts something, or is the beginning of a date or a time."""
        if at >= len(said):
            return False
        text = said[at].text
        return text in self.speech.months or text in self.speech.units or said[at].before in {":", ".", ". "}

    def _counted_year(self, said: Sequence[Word], at: int) -> tuple[int, int] | None:
        """Last year, two years ago."""
        text, speech = said[at].text, self.speech
        found = None
        if text in speech.last or text in speech.before_last or text in speech.this:
            if at + 1 < len(said) and speech.units.get(said[at + 1].text) == "year" and text not in speech.past:
                found = self._relative(said, at, introduced=False)
        elif counted := self._counted(said, at + (text in speech.ago_before)):
            found = self._ago(said, at) if counted[1] == "year" else None
        days = found[0] if found else None
        if found is None or not isinstance(days, Days) or days.first is None or days.first == days.last:
            return None
        return days.first.year, found[1]

    def _in_full(self, year: int, *, ahead: int) -> int:
        """What two digits of a year stand for: the latest such, at most so many years ahead."""
        return year + (2000 if year <= self.today.year % 100 + ahead else 1900)

    def ordinal(self, text: str) -> int | None:
        """3, 3rd, 3ten; a day of a month."""
        if not text[:1].isdigit():
            return None
        ending = next((end for end in self.speech.ordinals if text.endswith(end)), "")
        digits = text.removesuffix(ending)
        return int(digits) if len(digits) <= 2 and written_dates.is_number(digits) and 1 <= int(digits) <= 31 else None

    def _counted(self, said: Sequence[Word], at: int) -> tuple[int, Unit, int] | None:
        """So many days, weeks, months or years, and the index of the word after them."""
        if at >= len(said):
            return None
        text = said[at].text
        if found := phrase(self.speech.few, said, at):
            count, after = found
        elif text in self.speech.numbers:
            count, after = self.speech.numbers[text], at + 1
        elif written_dates.is_number(text):
            count, after = int(text), at + 1
        else:
            return None
        unit = self.speech.units.get(said[after].text) if after < len(said) else None
        return (count, unit, after + 1) if unit else None

    def weekday(self, name: str) -> Days:
        """The latest before today."""
        return calendar.ago((self.today.weekday() - self.speech.weekdays[name] - 1) % 7 + 1, "day", self.today)


def _whole_years(first: int, count: int) -> Days:
    return Days(calendar.valid(first, 1, 1), calendar.valid(first + count - 1, 12, 31))


def _nth_weekday(year: int, *, month: int, weekday: int, number: int) -> Days:
    return calendar.exactly(calendar.nth_weekday(year, month, weekday, number))


def _behind_joint(said: Sequence[Word], at: int, joins: frozenset[str]) -> int | None:
    """The index behind "to" or a dash that stands at ``at``."""
    if at >= len(said):
        return None
    if said[at].text in joins:
        return at + 1
    mark = said[at].before.strip()
    return at if mark in _DASHES or (mark.startswith(".") and mark[1:].strip() in _DASHES) else None  # "24.-26.12."


def _not_after(start: Yearly, end: Days) -> Days:
    year = (end.last or end.first or date(2000, 1, 1)).year
    begin = start.of(calendar.clamp(year))
    return start.of(calendar.clamp(year - 1)) if begin.first and end.last and begin.first > end.last else begin
