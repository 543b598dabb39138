"""Birthdays and ages in words: "Anna's 5th birthday", "Anna at 3", "als Anna klein war". Pure, deterministic.

Only of people whose birthday is known: of others, the words stay words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from photovault import calendar_days as calendar
from photovault.calendar_days import Days, When, Yearly
from photovault.readings import Meant, date_meant
from photovault.spoken_dates import Dates, Word, phrase
from photovault.spoken_names import KnownNames
from photovault.spoken_words import Speech, Unit

Found = tuple[Meant, Meant | None, int]
"""What was said, what hangs on it, and the index of the word after both."""

_OLDEST = 120  # years


@dataclass(frozen=True)
class Ages:
    """Reads when people of one library were how old, in one language."""

    speech: Speech
    known: KnownNames
    dates: Dates

    def birthday(self, said: Sequence[Word], at: int) -> Found | None:
        """ "Anna's birthday 2024", "Anna's 5th birthday", "Geburtstag von Anna": that day, whoever is to be seen."""
        speech = self.speech
        if not self.known.vocabulary.birthdays:
            return None
        turned, first = self._turned(said, at)
        if said[first].text in speech.birthday:
            behind = first + 1
            if behind >= len(said) or said[behind].text not in speech.before_people | speech.of:
                return None
            person = self.known.find("person", said, behind + 1)
            end = person.end if person else 0
        else:
            person = self.known.find("person", said, at)
            turned, first = self._turned(said, person.end) if person else (None, at)
            end = first + 1 if person and first < len(said) and said[first].text in speech.birthday else 0
        born = self.known.born(person) if end else None
        if born is None:
            return None
        day = Yearly(calendar.mmdd(born), calendar.mmdd(born))
        year, end = self.dates.year_after(said, end)
        when: When = day.of(year) if year else day
        if turned is not None:
            when = calendar.exactly(_later(born, turned, "year"))
        return date_meant(when, end), None, end

    def _turned(self, said: Sequence[Word], at: int) -> tuple[int | None, int]:
        """Which birthday it is, if that is said before the word, and the index of the word."""
        if at + 1 >= len(said) or said[at + 1].text not in self.speech.birthday:
            return None, at
        age = self.speech.nth.get(said[at].text) or self.dates.ordinal(said[at].text)
        return (age, at + 1) if age else (None, at)

    def aged(self, said: Sequence[Word], at: int) -> Found | None:
        """ "Anna at 3", "Anna, 6 months old", "Anna as a baby", "when Anna was 3": the person, and that time."""
        speech = self.speech
        if not self.known.vocabulary.birthdays:
            return None
        when = said[at].text in speech.when
        person = self.known.find("person", said, at + 1 if when or said[at].text in speech.before_people else at)
        born = self.known.born(person)
        if person is None or born is None:
            return None
        behind = person.end
        if when:
            behind += behind < len(said) and said[behind].text in speech.was
        age = self._age(said, behind) if when else self._age_said(said, behind)
        if age is None:
            return None
        youngest, oldest, unit, end = age
        if old := phrase(dict.fromkeys(speech.years_old, True), said, end):
            end = old[1]
        if end < len(said) and (said[end].text in speech.clock or said[end].before == ":"):
            return None  # "Anna at 7 pm"
        if when:
            end += end < len(said) and said[end].text in speech.was  # "als Anna drei war"
        lived = Days(_later(born, youngest, unit), _later(born, oldest + 1, unit) - timedelta(days=1))
        return person, date_meant(lived, end), end

    def _age_said(self, said: Sequence[Word], at: int) -> tuple[int, int, Unit, int] | None:
        """An age as it stands behind a name: youngest and oldest, in what, and the index behind it."""
        speech = self.speech
        if years := phrase(speech.ages, said, at):
            return (*years[0], "year", years[1])
        if opened := phrase(dict.fromkeys(speech.aged, True), said, at):
            return self._age(said, opened[1])
        plain = self._age(said, at)
        if plain is None:
            return None
        end = plain[3]
        if plain[2] != "year":  # "Anna 6 months", but not "6 months ago"
            return None if end < len(said) and said[end].text in speech.ago_after else plain
        return plain if phrase(dict.fromkeys(speech.years_old, True), said, end) else None

    def _age(self, said: Sequence[Word], at: int) -> tuple[int, int, Unit, int] | None:
        """An age in words or digits."""
        if at >= len(said):
            return None
        text = said[at].text
        age = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else self.speech.numbers.get(text)
        if age is None or age > _OLDEST:
            return None
        unit = self.speech.units.get(said[at + 1].text) if at + 1 < len(said) else None
        if unit and unit != "year":
            behind = at + 2
            behind += behind < len(said) and said[behind].text in self.speech.old
            return age, age, unit, behind
        return age, age, "year", at + 1


def _later(born: date, age: int, unit: Unit) -> date:
    """The day on which somebody becomes so old; the first of March where there is no 29 February."""
    if unit == "month":
        return calendar.minus_months(born, -age)
    if unit != "year":
        return born + timedelta(days=age * (7 if unit == "week" else 1))
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(min(born.year + age, date.max.year), 3, 1)
