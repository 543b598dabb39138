"""What a person typed, as a filter and a rest. Pure, deterministic, linear, no model.

``parse`` recognises dates, times of day, places and people of the person's own library, ages and birthdays where they
are known, labels, negation, camera, albums, favourites, orientation and file types; everything it does not understand
stays in ``text``, in its order, for ranking. It takes any text and never raises. Understood are:

* words: ``anna and ben in lisbon last summer``, ``not anna``, ``without anna``, ``-anna``, ``anna or ben``, ``dogs``,
  ``anna's birthday``, ``anna at 3``, ``at night``, ``on sundays``, ``within 50 km of lisbon``, ``favourites``,
  ``heic``; a name's first word where it is nobody else's; the longest reading wins;
* operators: ``person: place: city: region: country: near: label: camera: album: type: orientation: is: has: before:
  after: since: until: date: month: year: time:``, with quotes for several words, negated by a minus sign, and joined by
  "or"; a part of a name is enough (``album:lisbon``); a value that is not here is a condition that nothing fulfils;
* quotes: a quoted phrase is text as it stands;
* names with one wrong letter, where no everyday word is meant.

What "or" joins to something that is not understood stays text, too: neither may narrow to the half that is.

A query is read in each language of ``speech``; the one that understands most of it is right. A label among other free
words stays text (``dog on the beach`` is ranked, not filtered); alone or beside what filters, it filters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import cast
from uuid import UUID

from photovault import raw
from photovault.filters import Kind, Parsed, Span
from photovault.readings import Meant, Taken, date_meant, filter_of, is_possible, time_meant, weekdays_meant
from photovault.speech import EVERYDAY, SPEECHES, Speech
from photovault.spoken_dates import Dates, Days, Word, Yearly, fold, phrase, words
from photovault.spoken_names import KnownNames
from photovault.vocabularies import Vocabulary, vocabulary

# A whole number, with or without its unit at once: 50, 50km.
_DISTANCE = re.compile(r"([0-9]{1,4})([a-z]+)?")
MAX_LENGTH = 1000
"""Characters that are read; the rest is cut off."""
_OLDEST = 120  # years

_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heif",
    "avif": "image/avif",
    **{ending: content_type for content_type, ending in raw.TYPES.items()},
}

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("date", "month", "before", "after", "since", "until"), "date"),
    **dict.fromkeys(("place", "country", "region", "city"), "place"),
    "person": "person",
    "near": "near",
    "label": "label",
    "camera": "camera",
    "album": "album",
    "type": "type",
    "orientation": "orientation",
    "time": "time",
    "is": "is",
    "has": "has",
}
"""What an operator asks for."""


def parse(
    q: str,
    *,
    today: date,
    people: Sequence[tuple[UUID, str]] = (),
    places: Sequence[tuple[str, str, str]] = (),
    labels: Sequence[str] = (),
    cameras: Sequence[str] = (),
    albums: Sequence[tuple[UUID, str]] = (),
) -> Parsed:
    """Understand a query with the names of one library; see ``vocabulary`` for their form."""
    return parse_with(q, vocabulary(people, places, labels, cameras=cameras, albums=albums), today=today)


def parse_with(q: str, names: Vocabulary, *, today: date) -> Parsed:
    """Understand a query with a vocabulary that is at hand."""
    q = q[:MAX_LENGTH]
    said = words(q)
    readers = [_Reader(q, said, names, speech=speech, today=today) for speech in SPEECHES]
    readings = [(reader.read(), reader) for reader in readers]
    best, reader = max(
        readings, key=lambda reading: (_understood(reading[0]), reading[1].familiar())
    )  # first of equals
    return reader.without_half_alternatives() or best


def _understood(parsed: Parsed) -> tuple[int, int, int]:
    """How many characters of a query became conditions, how many of those by no guess, and how many were meant to."""
    lengths = [(span, span.end - span.start) for span in parsed.spans]
    known = sum(length for span, length in lengths if span.known)
    firm = sum(length for span, length in lengths if span.known and not span.guessed)
    return known, firm, sum(length for _, length in lengths)


@dataclass
class _Reader:
    """Reads one query in one language."""

    q: str
    said: Sequence[Word]
    names: Vocabulary
    speech: Speech
    today: date
    taken: list[Taken] = field(default_factory=list)
    used: list[tuple[int, int]] = field(default_factory=list)  # characters that are not text

    def __post_init__(self) -> None:
        self.dates = Dates(self.speech, self.today, self.names.southern)
        self.known = KnownNames(self.names, self.speech)

    def read(self) -> Parsed:
        quoted = list(_quotes(self.q))
        at = self._opening()
        while at < len(self.said):
            at = (
                self._quoted(at, quoted)
                or self._operator(at)
                or self._nobody(at)
                or self._negated(at)
                or self._joined(at)
                or self._plain(at)
                or at + 1
            )
        text = self._rest()
        places = [taken.soft for taken in self.taken if taken.meant.kind == "place" and not taken.span.negated]
        if (text and any(taken.soft for taken in self.taken)) or len(set(places)) == 2:
            text = self._without_soft()  # "Essen in Italien" is about food
        return self._parsed(text)

    def _parsed(self, text: str) -> Parsed:
        spans = tuple(taken.span for taken in self.taken)
        text = text or ("" if spans else _plainly(self.q))
        possible = is_possible(self.taken) and (not text or _says_something(text))
        return Parsed(filter_of(self.taken), text, spans, self.speech.code, possible)

    def without_half_alternatives(self) -> Parsed | None:
        """What was read, but for what "or" joins to something that was not understood: of "anna or flarbl" neither may
        narrow, so both are looked for as words. None where there is no such thing.
        """
        said, joining = self.said, self.speech.or_ | self.speech.and_ | self.speech.but
        joints = [
            n
            for n in range(1, len(said) - 1)  # at an end it joins nothing
            if said[n].text in self.speech.or_
            and not self._is_used(said[n])
            and not {said[n - 1].text, said[n + 1].text} & joining
        ]
        ends = {said[n - 1].end for n in joints}
        starts = {said[n + 1].start for n in joints}
        taken = self.taken
        back = {n for n, one in enumerate(taken) if one.span.start in starts or one.span.end in ends}
        for n in range(1, len(taken)):  # "flarbl or anna or ben"
            if taken[n].alternative and n - 1 in back:
                back.add(n)
        for n in reversed(range(1, len(taken))):  # "ben or anna or flarbl"
            if taken[n].alternative and n in back:
                back.add(n - 1)
        if not back:
            return None
        self._release([taken[n].span for n in back])
        self.taken = [one for n, one in enumerate(taken) if n not in back]
        return self._parsed(self._rest())

    def _is_used(self, word: Word) -> bool:
        return any(start <= word.start < end for start, end in self.used)

    def familiar(self) -> int:
        """How many words of the query are of this language, whether or not they say anything."""
        labels = self.names.labels.get(self.speech.code, {})
        speech = self.speech
        known = (speech.idle, speech.common, speech.not_, speech.and_, speech.or_, speech.photos, speech.show)
        return sum(any(word.text in words for words in known) or (word.text,) in labels for word in self.said)

    # ---- readings

    def _opening(self) -> int:
        """ "show me all photos of" says nothing."""
        at = 0
        while at < len(self.said) and self.said[at].text in self.speech.show:
            at += 1
        if at >= len(self.said) or self.said[at].text not in self.speech.photos:
            return 0
        at += 1
        while at < len(self.said) and self.said[at].text in self.speech.of_photos:
            at += 1
        self.used.append((self.said[0].start, self.said[at - 1].end))
        return at

    def _quoted(self, at: int, quoted: list[tuple[int, int]]) -> int | None:
        """A phrase in quotes is text; the words in it are not read."""
        start = self.said[at].start
        while quoted and quoted[0][1] <= start:
            quoted.pop(0)
        if not quoted or start < quoted[0][0]:
            return None
        while at < len(self.said) and self.said[at].start < quoted[0][1]:
            at += 1
        return at

    def _operator(self, at: int, *, alternative: bool = False) -> int | None:
        """``key:value`` and ``-key:"several words"``. A value that is not here is a condition that nothing fulfils."""
        q, said, word = self.q, self.said, self.said[at]
        key = self.speech.operators.get(word.text)
        if key is None or q[word.end : word.end + 1] != ":":
            return None
        begin = word.end + 1
        stop = self._value_end(begin)
        quoted = q[begin : begin + 1] == '"'
        first = last = at + 1
        while last < len(said) and said[last].start < stop:
            last += 1
        apart = stop == begin  # "person: anna"
        if apart:
            last = min(first + 1, len(said))
        found = self._operand(key, first, last, said[:last] if quoted else said) if first < last else None
        if found is not None and found.end < last:
            found = None
        if found is None:
            found = Meant(_KINDS[key], (), q[begin:stop].strip('"'), first if apart else last)
        negated = _minus(word, at)
        start = word.start - 1 if negated else word.start
        end = max(stop if quoted or not found.values else 0, said[found.end - 1].end)
        self._take(found, start=start, end=end, negated=negated, alternative=alternative, firm=True)
        return found.end

    def _value_end(self, begin: int) -> int:
        """Where the value of an operator ends: behind its closing quote, or before the next space."""
        q = self.q
        if q[begin : begin + 1] == '"':
            close = q.find('"', begin + 1)
            return close + 1 if close >= 0 else len(q)
        stop = begin
        while stop < len(q) and not q[stop].isspace():
            stop += 1
        return stop

    def _operand(self, key: str, first: int, last: int, within: Sequence[Word]) -> Meant | None:
        """The value of an operator, which is at least the words from ``first`` to ``last``."""
        text, end = within[first].text, first + 1
        match key:
            case "date":
                one = self.dates.find(within, first) or self.dates.single(within, first)
                return date_meant(*one) if one else None
            case "month":
                one = self.dates.month(within, first)
                return date_meant(*one) if one else None
            case "before" | "after" | "since" | "until":
                one = self.dates.single(within, first)
                return date_meant(self.dates.open_ended(key, one[0]), one[1]) if one else None
            case "type":
                if text in self.speech.raw:
                    return Meant("type", tuple(raw.TYPES), "raw", end)
                return Meant("type", (_TYPES[text],), _TYPES[text], end) if text in _TYPES else None
            case "orientation":
                return self._orientation(text, end)
            case "is":
                return self._state(text, end)
            case "has":
                for kind, words_for in (
                    ("faces", self.speech.faces),
                    ("gps", self.speech.located),
                    ("caption", self.speech.captioned),
                    ("motion", self.speech.moving),
                ):
                    if text in words_for:
                        return Meant(cast("Kind", kind), (True,), kind, end)
                return None
            case "time":
                hours = self.speech.parts_of_day.get(text)
                return time_meant(hours, end) if hours else None
            case "near":
                return self.known.near(within, first, last)
            case _:
                return self.known.operand(key, within, first, last)

    def _state(self, text: str, end: int) -> Meant | None:
        """What ``is:`` takes."""
        speech = self.speech
        if text in speech.favourite:
            return Meant("favourite", (True,), "favourite", end)
        if text in speech.archived:
            return Meant("archived", (True,), "archived", end)
        if text in speech.moving:
            return Meant("motion", (True,), "motion", end)
        if text in speech.raw:
            return Meant("type", tuple(raw.TYPES), "raw", end)
        return self._orientation(text, end)

    def _orientation(self, text: str, end: int) -> Meant | None:
        found = self.speech.orientations.get(text)
        return Meant("orientation", (found,), found, end) if found else None

    def _nobody(self, at: int) -> int | None:
        """ "no people", "without faces", "without location", "nobody", and "with people"."""
        speech, said = self.speech, self.said
        word = said[at]
        if word.text in speech.nobody:
            self._take(Meant("faces", (True,), "faces", at + 1), start=word.start, end=word.end, negated=True)
            return at + 1
        negated = word.text in speech.not_
        lacking = at + 1
        while negated and lacking < len(said) and said[lacking].text in speech.articles:
            lacking += 1
        if negated and lacking < len(said):
            for kind, things in (("gps", speech.position), ("caption", speech.captioned)):
                if said[lacking].text in things:
                    meant = Meant(cast("Kind", kind), (True,), kind, lacking + 1)
                    self._take(meant, start=word.start, end=said[lacking].end, negated=True)
                    return lacking + 1
        if (negated or word.text in speech.before_people) and at + 1 < len(said) and said[at + 1].text in speech.faces:
            if not negated and said[at + 1].text in speech.one_face:
                return None
            meant = Meant("faces", (True,), "faces", at + 2)
            self._take(meant, start=word.start, end=said[at + 1].end, negated=negated)
            return at + 2
        return None

    def _negated(self, at: int) -> int | None:
        """ "not anna", "without anna or ben", "-anna"."""
        said, speech = self.said, self.speech
        minus = _minus(said[at], at)
        if not minus and said[at].text not in speech.not_:
            return None
        first = at if minus else at + 1
        while not minus and first < len(said) and said[first].text in speech.articles:
            first += 1
        found = self._entity(first)
        if found is None:
            return None
        # The negation goes on over a list of the same kind, "without anna or ben": one condition, for without the first
        # of them the second would be wanted.
        while not minus and found.end + 1 < len(said) and said[found.end].text in speech.and_ | speech.or_:
            more = self._entity(found.end + 1)
            if more is None or more.kind != found.kind:
                break
            found = replace(
                found,
                values=(*found.values, *more.values),
                shown=f"{found.shown}, {more.shown}",
                end=more.end,
                guessed=found.guessed or more.guessed,
            )
        self._take(found, start=said[at].start - minus, end=said[found.end - 1].end, negated=True)
        return found.end

    def _joined(self, at: int) -> int | None:
        """ "and", "or" and "but" between two things that were understood."""
        said, speech = self.said, self.speech
        word = said[at]
        behind = at > 0 and bool(self.taken) and self.taken[-1].span.end == said[at - 1].end
        if not behind or word.text not in speech.and_ | speech.or_ | speech.but:
            return None
        if end := self._negated(at + 1) if at + 1 < len(said) else None:
            self.used.append((word.start, word.end))
            return end
        either = word.text in speech.or_
        if end := self._operator(at + 1, alternative=either) if at + 1 < len(said) else None:
            self.used.append((word.start, word.end))
            return end
        found = self._entity(at + 1)
        if found is None:
            return None
        self.used.append((word.start, word.end))
        start, end = said[at + 1].start, said[found.end - 1].end
        self._take(found, start=start, end=end, alternative=either)
        return found.end

    def _plain(self, at: int) -> int | None:
        if end := self._birthday(at) or self._aged(at) or self._part_of_day(at) or self._files(at):
            return end
        found = self._entity(at)
        if found is None:
            return None
        self._take(found, start=self.said[at].start, end=self.said[found.end - 1].end)
        return found.end

    def _part_of_day(self, at: int) -> int | None:
        """ "yesterday evening", "this morning", "last night"."""
        word = self.said[at]
        if (word.text in self.speech.this | self.speech.last) and at + 1 < len(self.said):
            hours = self.speech.parts_of_day.get(self.said[at + 1].text)
            if hours is None:
                return None
            day = self.today - timedelta(days=word.text in self.speech.last and self.today > date.min)
            meant = date_meant(Days(day, day), at + 2)
            self._take(meant, start=word.start, end=self.said[at + 1].end, also=time_meant(hours, at + 2))
            return at + 2
        hours = self.speech.parts_of_day.get(word.text)
        before = self.taken[-1] if self.taken else None
        if hours is None or before is None or before.meant.kind != "date" or before.span.end != self.said[at - 1].end:
            return None
        time = time_meant(hours, at + 1)
        shown = f"{before.span.value}, {time.shown}"
        self.taken[-1] = replace(before, also=time, span=replace(before.span, end=word.end, value=shown))
        self.used.append((word.start, word.end))
        return at + 1

    def _around(self, at: int) -> Meant | None:
        """ "close to Lisbon", "within 50 km of Lisbon", "50 km around Lisbon"."""
        if far := self._distance(at):
            km, first = far
            place = self.known.find("place", self.said, first, announced=True)
            return self.known.around(place, km) if place else None
        opened = phrase(dict.fromkeys(self.speech.near, True), self.said, at)
        place = self.known.find("place", self.said, opened[1], announced=True) if opened else None
        return self.known.around(place) if place else None

    def _distance(self, at: int) -> tuple[float, int] | None:
        """Kilometres, and the index of the place that they are counted from."""
        said, speech = self.said, self.speech
        opened = None
        if not said[at].text[:1].isdigit():
            if not any(said[at].text == words[0] for words in speech.within):  # of most words the answer is quick
                return None
            opened = phrase(dict.fromkeys(speech.within, True), said, at)
            at = opened[1] if opened else at
        if at >= len(said) or not (number := _DISTANCE.fullmatch(said[at].text)):
            return None
        unit = number[2]
        at += 1
        if not unit and at < len(said):
            unit = said[at].text
            at += 1
        joined = at < len(said) and said[at].text in speech.around
        if unit not in speech.kilometres or not (opened or joined) or not int(number[1]):
            return None
        at += joined
        while at < len(said) and said[at].text in speech.articles:
            at += 1
        return round(int(number[1]) * speech.kilometres[unit], 1), at

    def _files(self, at: int) -> int | None:
        """ "live photos", "raw files", "archived pictures"."""
        said, speech = self.said, self.speech
        if at + 1 >= len(said) or said[at + 1].text not in speech.photos:
            return None
        text = said[at].text
        found = self._state(text, at + 2) if text in speech.archived | speech.moving | speech.raw else None
        if found is None:
            return None
        self._take(found, start=said[at].start, end=said[at + 1].end)
        return at + 2

    # ---- people and their years

    def _birthday(self, at: int) -> int | None:
        """ "Anna's birthday 2024", "Geburtstag von Anna": that day, whoever is in the picture."""
        said, speech = self.said, self.speech
        if said[at].text in speech.birthday:
            behind = at + 1
            if behind >= len(said) or said[behind].text not in speech.before_people | speech.of:
                return None
            person = self.known.find("person", said, behind + 1)
            end = person.end if person else 0
        else:
            person = self.known.find("person", said, at)
            end = (
                person.end + 1 if person and person.end < len(said) and said[person.end].text in speech.birthday else 0
            )
        born = self.known.born(person) if end else None
        if person is None or born is None:
            return None
        day = Yearly(born.month * 100 + born.day, born.month * 100 + born.day)
        year, end = self.dates.year_after(said, end)
        self._take(
            date_meant(day.of(year) if year else day, end), start=said[at].start, end=said[end - 1].end, negated=False
        )
        return end

    def _aged(self, at: int) -> int | None:
        """ "Anna at 3", "Anna, 3 years old", "Anna as a baby": the person, and those years of theirs."""
        said, speech = self.said, self.speech
        first = at + 1 if said[at].text in speech.before_people else at
        person = self.known.find("person", said, first)
        born = self.known.born(person)
        if person is None or born is None:
            return None
        years = phrase(speech.ages, said, person.end)
        if years is None and (opened := phrase(dict.fromkeys(speech.aged, True), said, person.end)):
            years = self._years(opened[1])
        if years is None and (plain := self._years(person.end)):
            behind = phrase(dict.fromkeys(speech.years_old, True), said, plain[1])
            years = (plain[0], behind[1]) if behind else None
        if years is None:
            return None
        (youngest, oldest), end = years
        if behind := phrase(dict.fromkeys(speech.years_old, True), said, end):
            end = behind[1]
        lived = Days(_birthday_of(born, youngest), _birthday_of(born, oldest + 1) - timedelta(days=1))
        self._take(person, start=said[at].start, end=said[end - 1].end, also=date_meant(lived, end))
        return end

    def _years(self, at: int) -> tuple[tuple[int, int], int] | None:
        """An age in words or digits, and the index behind it."""
        if at >= len(self.said):
            return None
        text = self.said[at].text
        age = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else self.speech.numbers.get(text)
        return ((age, age), at + 1) if age is not None and age <= _OLDEST else None

    # ---- things

    def _entity(self, at: int) -> Meant | None:
        """The longest reading of the words from ``at``; of equals, people after "with", else dates, people, places."""
        said, speech = self.said, self.speech
        if at >= len(said):
            return None
        if around := self._around(at):
            return around
        word = said[at].text
        if word in speech.favourite:
            return Meant("favourite", (True,), "favourite", at + 1)
        kind = word[:-1] if word.endswith("s") else word
        if kind in _TYPES:
            return Meant("type", (_TYPES[kind],), _TYPES[kind], at + 1)
        if oriented := phrase(speech.oriented, said, at):
            return Meant("orientation", (oriented[0],), oriented[0], oriented[1])
        first = at
        if word in speech.before_names:
            first += 1
            while first < len(said) and said[first].text in speech.articles:
                first += 1
        when = self.dates.find(said, at)
        readings = [date_meant(*when)] if when else []
        if time := phrase(speech.times, said, at):
            readings.append(time_meant(*time))
        announced = first > at
        people_first = not announced or word in speech.before_people
        order = ("person", "place", "camera", "label") if people_first else ("place", "person")
        readings += [found for name in order if (found := self.known.find(name, said, first, announced=announced))]
        weekly = phrase(speech.weekly, said, first)
        shy = weekly is not None and not announced and said[weekly[1] - 1].text in speech.shy_weekly
        if weekly and not (shy and not self.dates.is_alone(said, weekly[1])):
            readings.append(weekdays_meant(*weekly))
        titled = first < len(said) and said[first].text in speech.album
        if titled and (found := self.known.find("album", said, first + 1)):
            readings.append(found)
        if word in speech.before_people or (readings and first == at and self._is_shy(readings[0], at)):
            readings.sort(key=lambda reading: reading.kind == "date")
        readings.sort(key=lambda reading: reading.guessed)
        return max(readings, key=lambda reading: reading.end, default=None)

    def _is_shy(self, reading: Meant, at: int) -> bool:
        """A month alone loses against a person of that name."""
        return reading.kind == "date" and self.said[at].text in self.speech.months

    def _take(
        self,
        meant: Meant,
        *,
        start: int,
        end: int,
        negated: bool = False,
        alternative: bool = False,
        firm: bool = False,
        also: Meant | None = None,
    ) -> None:
        """Note what was understood. ``firm``: said with an operator."""
        shown = f"{meant.shown}, {also.shown}" if also else meant.shown
        span = Span(start, end, meant.kind, shown, negated, meant.guessed, bool(meant.values))
        # What an everyday word may mean: "nice weather" is not about the city.
        bare = meant.kind == "label" or (meant.kind in {"place", "person"} and fold(self.q[start:end]) in EVERYDAY)
        soft = bare and not negated and not firm
        self.taken.append(Taken(meant, span, also, alternative, soft))
        self.used.append((start, end))

    # ---- the rest

    def _rest(self) -> str:
        """What is left, without joints at its ends once something was understood."""
        if not self.used:
            return _plainly(self.q)
        kept: list[str] = []
        at = 0
        for start, end in sorted(self.used):
            kept.append(self.q[at:start])
            at = max(at, end)
        kept.append(self.q[at:])
        pieces = [piece for part in kept for piece in part.split() if _says_something(piece)]
        idle = self.speech.idle | self.speech.photos
        while pieces and fold(pieces[0].strip(",.;:'’")) in idle:
            pieces.pop(0)
        while pieces and fold(pieces[-1].strip(",.;:'’")) in idle:
            pieces.pop()
        return " ".join(pieces).strip(" ,;")

    def _without_soft(self) -> str:
        """Bare labels, and names that are everyday words, become text again."""
        self._release([taken.span for taken in self.taken if taken.soft])
        self.taken = [taken for taken in self.taken if not taken.soft]
        return self._rest()

    def _release(self, spans: Sequence[Span]) -> None:
        """Let these parts of the query be text again."""
        back = {(span.start, span.end) for span in spans}
        starts, ends = {span.start for span in spans}, {span.end for span in spans}
        # "dog and cat": the joint between two of them is text again, too.
        back |= {(start, end) for start, end in self.used if start - 1 in ends and end + 1 in starts}
        self.used = [part for part in self.used if part not in back]


def _plainly(q: str) -> str:
    return " ".join(q.split())


def _quotes(q: str) -> Iterator[tuple[int, int]]:
    start = q.find('"')
    while start >= 0:
        end = q.find('"', start + 1)
        if end < 0:
            return
        yield (start, end + 1)
        start = q.find('"', end + 1)


def _minus(word: Word, at: int) -> bool:
    """ "-anna", but neither "well-known" nor "2023 - 2025"."""
    return word.before.endswith("-") and (word.before[:-1][-1:].isspace() or (at == 0 and len(word.before) == 1))


def _says_something(piece: str) -> bool:
    """Letters, digits or a sign such as an emoji; not only punctuation and what cannot be seen."""
    return any(
        letter.isalnum() or (not letter.isascii() and unicodedata.category(letter).startswith("S")) for letter in piece
    )


def _birthday_of(born: date, age: int) -> date:
    """The day on which somebody becomes so old; the first of March where there is no 29 February."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(min(born.year + age, date.max.year), 3, 1)
