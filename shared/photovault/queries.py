"""What a person typed, as a filter and a rest. Pure, deterministic, linear, no model.

``parse`` recognises dates, times of day, places and people of the person's own library, ages and birthdays where they
are known, labels, negation, camera, albums, favourites, orientation and file types; everything it does not understand
stays in ``text``, in its order, for ranking. It takes any text and never raises. Understood are:

* words: ``anna and ben in lisbon last summer``, ``not anna``, ``without anna``, ``-anna``, ``anna or ben``, ``dogs``,
  ``anna's birthday``, ``anna at 3``, ``at night``, ``on sundays``, ``within 50 km of lisbon``, ``favourites``,
  ``heic``; a name's first word where it is nobody else's; the longest reading wins;
* hours: ``at 7 pm``, ``nach 22 Uhr``, ``18:00``;
* operators: ``person: place: city: region: country: near: label: camera: album: type: orientation: is: has: before:
  after: since: until: date: month: year: time:``, with quotes for several words, negated by a minus sign or "not", and
  joined by "or"; a part of a name is enough (``album:lisbon``); a value that is not here is a condition that nothing
  fulfils;
* quotes, of any form: a quoted phrase is text as it stands, but ``-"new york"`` is negated like the words in it;
* the name of a file (``IMG_2019.jpg``) is text as it stands;
* flags for their countries, and a red heart for favourites;
* names with one wrong letter or no space, where no everyday word is meant, and long months and holidays with one.

What "or" joins to something that is not understood stays text, too: neither may narrow to the half that is.

A query is read in each language of ``speech``; the one that understands most of it is right. A label among other free
words stays text (``dog on the beach`` is ranked, not filtered). Alone or beside what filters, what surely shows it
comes first, and behind it what it ranks (``Parsed.looser``); ``label:`` and "without" are strict.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import cast
from uuid import UUID

from photovault import emoji, raw, spoken_hours
from photovault.calendar_days import Days, Yearly
from photovault.filters import Kind, Looser, Parsed, Span
from photovault.readings import (
    Meant,
    Taken,
    alternatives,
    date_meant,
    filter_of,
    is_possible,
    time_meant,
    weekdays_meant,
)
from photovault.speech import EVERYDAY, SPEECHES, own_words
from photovault.spoken_ages import Ages
from photovault.spoken_dates import Dates, Word, fold, phrase, words
from photovault.spoken_names import KnownNames
from photovault.spoken_words import Speech
from photovault.vocabularies import Spelling, Vocabulary, vocabulary

# Telephones write these by themselves.
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
# A whole number, with or without its unit at once: 50, 50km.
_DISTANCE = re.compile(r"([0-9]{1,4})([a-z]+)?")
_PIECE = re.compile(r'[^\s"]+')
MAX_LENGTH = 1000
"""Characters that are read; the rest is cut off."""
_LONG = 7
"""Letters of a month or holiday that is known when one of them is wrong."""

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

_NAMED = frozenset({"person", "place", "label", "album"})


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
    typed = q[:MAX_LENGTH]
    q = typed if '"' in typed else typed.translate(_QUOTES)
    said = _said(q)
    readers = [_Reader(q, said, names, speech=speech, today=today, typed=typed) for speech in _spoken(said, names)]
    readings = [(reader.read(), reader) for reader in readers]
    best, reader = max(
        readings, key=lambda reading: (_understood(q, reading[0]), reading[1].familiar())
    )  # first of equals
    return reader.loosened(reader.without_half_alternatives() or best)


def _said(q: str) -> Sequence[Word]:
    """The words of a query, and the emoji that may be conditions, flags and hearts, where they stand by themselves:
    neither in a name ("Mama❤️") nor in quotes."""
    said, signs, end = words(q), [], -1
    for sign in emoji.signs(q):
        start, before = sign[1], q[sign[1] - 1 : sign[1]]
        if (start == end or before in {"", "(", *_MINUS} or before.isspace()) and q.count('"', 0, start) % 2 == 0:
            signs.append(sign)
            end = sign[2]
    if not signs:
        return said
    every = sorted([*((word.text, word.start, word.end) for word in said), *signs], key=itemgetter(1))
    ends = [0, *(end for _, _, end in every)]
    return [Word(text, start, end, q[before:start]) for (text, start, end), before in zip(every, ends, strict=False)]


def _understood(q: str, parsed: Parsed) -> tuple[int, int, int]:
    """How many characters of a query became conditions, how many of those by no guess, and how many were meant to;
    spaces say nothing, however many."""
    lengths = [(span, sum(map(len, q[span.start : span.end].split()))) for span in parsed.spans]
    known = sum(length for span, length in lengths if span.known)
    firm = sum(length for span, length in lengths if span.known and not span.guessed)
    return known, firm, sum(length for _, length in lengths)


def _spoken(said: Sequence[Word], names: Vocabulary) -> list[Speech]:
    """The languages to read a query in: those that have a word in it which another does not have in the same sense."""
    first, *others = SPEECHES
    texts = {word.text for word in said}
    if any(text[:1].isdigit() and not text.isdigit() for text in texts):  # 90er, 3rd
        return list(SPEECHES)

    def speaks(speech: Speech, other: Speech) -> bool:
        labels = names.labels[speech.code].longest
        own = own_words(speech, other)
        return any(
            text in own or text in labels or (len(text) >= _LONG and bool(_long_dates(speech).near(text)))
            for text in texts
        )

    further = [speech for speech in others if speaks(speech, first)]
    return [first, *further] if not further or any(speaks(first, speech) for speech in further) else further


@lru_cache(maxsize=16)
def _long_dates(speech: Speech) -> Spelling:
    """Months and holidays that are long enough to be known when a letter is wrong."""
    holidays = [name[0] for names in (speech.holidays, speech.easter, speech.nth_weekdays) for name in names]
    return Spelling({(word,): word for word in [*speech.months, *holidays] if len(word) >= _LONG})


@dataclass
class _Reader:
    """Reads one query in one language."""

    q: str
    said: Sequence[Word]
    names: Vocabulary
    speech: Speech
    today: date
    typed: str  # the query with the quotes as they were
    taken: list[Taken] = field(default_factory=list)
    used: list[tuple[int, int]] = field(default_factory=list)  # characters that are not text

    def __post_init__(self) -> None:
        self.dates = Dates(self.speech, self.today, self.names.southern, self.names.beginnings)
        self.known = KnownNames(self.names, self.speech)
        self.ages = Ages(self.speech, self.known, self.dates)
        self.dated = self._spelt()

    def _spelt(self) -> Sequence[Word]:
        """The words, long months and holidays spelt as they should be."""
        dates = _long_dates(self.speech)
        right = {
            n: near[0]
            for n, word in enumerate(self.said)
            if len(word.text) >= _LONG and len(near := dates.near(word.text)) == 1 and not self._means(word.text)
        }
        return [replace(word, text=right.get(n, word.text)) for n, word in enumerate(self.said)] if right else self.said

    def _means(self, text: str) -> bool:
        """Whether a word is something else already."""
        return text in self.names.beginnings or text in EVERYDAY or (text,) in self.names.labels[self.speech.code]

    def read(self) -> Parsed:
        quoted = sorted([*_quotes(self.q), *_file_names(self.q)])
        at = self._opening()
        while at < len(self.said):
            at = (
                self._negated_quote(at, quoted)
                or self._quoted(at, quoted)
                or self._unlike(at)
                or self._operator(at)
                or self._nobody(at)
                or self._negated(at)
                or self._joined(at)
                or self._plain(at)
                or at + 1
            )
        text = self._rest()
        if any(taken.soft for taken in self.taken) and (text or self._is_about_something()):
            text = self._without_soft()
        return self._parsed(text)

    def _is_about_something(self) -> bool:
        """Whether an everyday word that is also a town is said with another thing or place: "Essen in Italien" is about
        food, but "Bergen, Norway" is a town."""
        for n, one in enumerate(self.taken):
            if one.meant.kind != "place" or not one.soft:
                continue
            others = [other for other in self.taken if other is not one and not other.span.negated]
            if any(other.soft for other in others):
                return True
            around = [other for other in others if other.meant.kind == "place"]
            if around and not (n + 1 < len(self.taken) and self._contains(self.taken[n + 1], one)):
                return True
        return False

    def _contains(self, outer: Taken, inner: Taken) -> bool:
        """Whether a place right behind another is the country or region that it is in."""
        if outer.meant.kind != "place" or self.q[inner.span.end : outer.span.start].strip() not in {"", ","}:
            return False
        word = next(word.text for word in self.said if word.start >= outer.span.start)
        inside = {place.country_code for place in inner.meant.values} & {
            place.country_code for place in outer.meant.values
        }
        return bool(inside) and word not in self.speech.before_names

    def _parsed(self, text: str) -> Parsed:
        spans = tuple(taken.span for taken in self.taken)
        if not spans:
            text = "" if self._is_about_all() else text or _plainly(self.typed)
        possible = is_possible(self.taken) and (not text or _says_something(text))
        return Parsed(filter_of(self.taken), text, spans, self.speech.code, possible)

    def _is_about_all(self) -> bool:
        """ "photos", "all my pictures", "latest photos", which come first anyway: no more than that."""
        speech, said = self.speech, {word.text for word in self.said}
        between = [*(word.before for word in self.said), self.typed[self.said[-1].end :] if self.said else ""]
        only = said <= speech.show | speech.photos | speech.latest and not any(part.strip(" ,.?") for part in between)
        return only and bool(said & speech.photos)

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

    def loosened(self, parsed: Parsed) -> Parsed:
        """With what comes behind the photos that surely show the things of the query: those that their words rank. A
        thing behind an operator, or one to leave out, stays as it is said."""
        things: set[Span] = set()
        for group in alternatives(self.taken):
            if all(one.soft and one.meant.kind == "label" for one in group):  # not of "label:dog or cat"
                things.update(one.span for one in group)
        if parsed.text or not parsed.possible or not things:
            return parsed
        self._release(list(things))
        text = self._rest(trimmed=True)
        if not text:
            return parsed
        spans = tuple(replace(span, strict=span not in things) for span in parsed.spans)
        strict = filter_of([one for one in self.taken if one.span not in things])
        rest = replace(parsed.filter, labels_all=strict.labels_all, labels_any=strict.labels_any)
        return replace(parsed, spans=spans, looser=Looser(rest, text))

    def _is_used(self, word: Word) -> bool:
        return any(start <= word.start < end for start, end in self.used)

    def familiar(self) -> int:
        """How many words of the query are of this language, whether or not they say anything."""
        labels = self.names.labels[self.speech.code]
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

    def _negated_quote(self, at: int, quoted: list[tuple[int, int]]) -> int | None:
        """-"new york": a whole name in quotes can be left out."""
        q, said = self.q, self.said
        start = said[at].start
        begin, end = next((part for part in quoted if part[0] <= start < part[1]), (0, 0))
        minus = q[begin - 1 : begin] in _MINUS and begin > 0 and not q[: begin - 1][-1:].strip()
        if q[begin : begin + 1] != '"' or begin + 1 > start or not minus:
            return None
        found = self._entity(at)
        behind = said[found.end] if found and found.end < len(said) else None
        if found is None or (behind and behind.start < end) or said[found.end - 1].end > end:
            return None
        self._take(found, start=begin - 1, end=end, negated=True)
        return found.end

    def _unlike(self, at: int) -> int | None:
        """ "Chinese New Year" is not the new year."""
        found = phrase(dict.fromkeys(self.speech.unlike, True), self.said, at) if self.speech.unlike else None
        return found[1] if found else None

    def _operator(self, at: int, *, alternative: bool = False, before: Word | None = None) -> int | None:
        """``key:value`` and ``-key:"several words"``. A value that is not here is a condition that nothing fulfils.

        ``before``: a "not" in front of it.
        """
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
        if found is None and not quoted:
            found = self._listed(key, first, last)
        if found is None:
            found = Meant(_KINDS[key], (), q[begin:stop].strip('"'), first if apart else last)
        minus = _minus(word, at)
        start = before.start if before else word.start - minus
        negated = bool(before) != minus
        end = max(stop if quoted or not found.values else 0, said[found.end - 1].end)
        self._take(found, start=start, end=end, negated=negated, alternative=alternative, firm=True)
        return found.end

    def _listed(self, key: str, first: int, last: int) -> Meant | None:
        """``person:anna,ben``: any of them."""
        said = self.said
        starts = [first, *(n for n in range(first + 1, last) if said[n].before == ",")]
        ends = [*starts[1:], last]
        if len(starts) < 2:
            return None
        found = [self._operand(key, start, end, said[:end]) for start, end in zip(starts, ends, strict=True)]
        here = [one for one, end in zip(found, ends, strict=True) if one is not None and one.end == end]
        if len({one.kind for one in here}) != 1 or here[0].values == (True,):
            return None
        values = tuple(value for one in here for value in one.values)
        shown, guessed = ", ".join(one.shown for one in here), any(one.guessed for one in here)
        return Meant(here[0].kind, values, shown, last, guessed)

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
                if hours := self.speech.parts_of_day.get(text):
                    return time_meant(hours, end)
                clock = spoken_hours.find(within, first, self.speech)
                return time_meant(*clock) if clock else None
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
        if at + 1 < len(said) and self.q[said[at + 1].end : said[at + 1].end + 1] == ":":
            return None  # "not person:anna"
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
        """ "not anna", "without anna or ben", "-anna", "!anna", "-(anna or ben)", "not person:anna"."""
        said, speech = self.said, self.speech
        minus = _minus(said[at], at)
        first = at if minus else self._behind_not(at)
        if first is None:
            return None
        opened = first < len(said) and said[first].before.rstrip().endswith("(")
        if not minus and first < len(said) and (end := self._operator(first, before=said[at])):
            return end
        while not minus and first < len(said) and said[first].text in speech.articles:
            first += 1
        found = self._entity(first)
        if found is None:
            return None
        # The negation goes on over a list of the same kind, "without anna or ben": one condition, for without the first
        # of them the second would be wanted. With brackets it ends where they do.
        joints = speech.and_ | speech.or_ | speech.nor
        while (not minus or opened) and found.end + 1 < len(said) and said[found.end].text in joints:
            if opened and ")" in said[found.end].before:
                break
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
        start = said[at].start - (len(said[at].before) - _sign(said[at])) if minus else said[at].start
        end = said[found.end - 1].end
        if opened:
            end += self.q[end : end + 1] == ")"
        self._take(found, start=start, end=end, negated=True)
        return found.end

    def _behind_not(self, at: int) -> int | None:
        """The index behind a word, or several, that say not."""
        if self.said[at].text in self.speech.not_:
            return at + 1
        found = phrase(dict.fromkeys(self.speech.not_phrases, True), self.said, at) if self.speech.not_phrases else None
        return found[1] if found else None

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
        if (person := self.ages.birthday(self.said, at)) or (person := self.ages.aged(self.said, at)):
            meant, also, end = person
            self._take(meant, start=self.said[at].start, end=self.said[end - 1].end, also=also)
            return end
        if later := self._part_of_day(at) or self._files(at):
            return later
        found = self._entity(at)
        if found is None:
            return None
        either = self.said[at].before.strip() in _EITHER and bool(self.taken)
        either = either and self.taken[-1].span.end == self.said[at - 1].end
        self._take(found, start=self.said[at].start, end=self.said[found.end - 1].end, alternative=either)
        return found.end

    def _part_of_day(self, at: int) -> int | None:
        """ "yesterday evening", "this morning", "last night", "Sonntagabend"."""
        word = self.said[at]
        first = at + (word.text in self.speech.into or word.text in self.speech.last)
        if first < len(self.said) and (one := self.speech.compounds.get(self.said[first].text)):
            day = self.dates.weekday(one[0])
            time = time_meant(self.speech.parts_of_day[one[1]], first + 1)
            self._take(date_meant(day, first + 1), start=word.start, end=self.said[first].end, also=time)
            return first + 1
        if (word.text in self.speech.this | self.speech.last) and at + 1 < len(self.said):
            hours = self.speech.parts_of_day.get(self.said[at + 1].text)
            if hours is None:
                return None
            evening = self.today - timedelta(days=word.text in self.speech.last and self.today > date.min)
            meant = date_meant(Days(evening, evening), at + 2)
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
        """ "live photos", "raw files", "archived pictures", "square photos"."""
        said, speech = self.said, self.speech
        if at + 1 >= len(said) or said[at + 1].text not in speech.photos:
            return None
        text = said[at].text
        found = None if text in speech.favourite else self._state(text, at + 2)
        if found is None:
            return None
        self._take(found, start=said[at].start, end=said[at + 1].end, shy=text in speech.genres)
        return at + 2

    # ---- things

    def _entity(self, at: int) -> Meant | None:
        """The longest reading of the words from ``at``; of equals, people after "with", else dates, people, places."""
        said, speech = self.said, self.speech
        if at >= len(said):
            return None
        if around := self._around(at):
            return around
        word = said[at].text
        if word in speech.favourite and not (word in speech.shy_favourite and self._says_what(at + 1)):
            return Meant("favourite", (True,), "favourite", at + 1)
        if filed := phrase(dict.fromkeys(speech.filed, True), said, at):
            return Meant("archived", (True,), "archived", filed[1])
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
        when = self.dates.find(self.dated, at)
        readings = [replace(date_meant(*when), guessed=self._is_respelt(at, when[1]))] if when else []
        if time := phrase(speech.times, said, at) or spoken_hours.find(said, at, speech):
            readings.append(time_meant(*time))
        announced = first > at
        people_first = not announced or word in speech.before_people
        order = ("person", "place", "camera", "label") if people_first else ("place", "person", "camera")
        readings += [found for name in order if (found := self.known.find(name, said, first, announced=announced))]
        before = said[first - 1].text if first else ""
        if before in speech.articles or before in speech.contracted:  # "in the bath", "beim Essen"
            readings = [one for one in readings if one.kind != "place" or not self._is_everyday(first, one.end)]
        weekly = phrase(speech.weekly, said, first)
        shy = weekly is not None and not announced and said[weekly[1] - 1].text in speech.shy_weekly
        if weekly:
            behind = weekly[1] + (weekly[1] < len(said) and said[weekly[1]].text in speech.travels)
            if not shy or behind > weekly[1] or self.dates.is_alone(said, behind):
                readings.append(weekdays_meant(weekly[0], behind))
        titled = first < len(said) and said[first].text in speech.album
        if titled and (found := self.known.find("album", said, first + 1)):
            readings.append(found)
        if word in speech.before_people or (readings and first == at and self._is_shy(readings[0], at)):
            readings.sort(key=lambda reading: reading.kind == "date")
        readings.sort(key=lambda reading: reading.guessed)
        return max(readings, key=lambda reading: reading.end, default=None)

    def _is_shy(self, reading: Meant, at: int) -> bool:
        """A month, season or day alone loses against a person of that name."""
        if reading.kind != "date" or reading.end != at + 1 or not self.said[at].text.isalpha():
            return False
        return isinstance(reading.values[0], Yearly) or self.said[at].text in self.speech.weekdays

    def _says_what(self, at: int) -> bool:
        """Whether the word at ``at`` is what is liked best: "my favourite restaurant"."""
        return not self.dates.is_alone(self.said, at) and not self.said[at].text[:1].isdigit()

    def _is_everyday(self, first: int, end: int) -> bool:
        return end == first + 1 and self.said[first].text in EVERYDAY

    def _is_respelt(self, at: int, end: int) -> bool:
        return self.dated is not self.said and any(self.dated[n].text != self.said[n].text for n in range(at, end))

    def _take(
        self,
        meant: Meant,
        *,
        start: int,
        end: int,
        negated: bool = False,
        alternative: bool = False,
        firm: bool = False,
        shy: bool = False,
        also: Meant | None = None,
    ) -> None:
        """Note what was understood. ``firm``: said with an operator; ``shy``: may mean something else."""
        shown = f"{meant.shown}, {also.shown}" if also else meant.shown
        names = meant.values if meant.kind in _NAMED else ()
        span = Span(start, end, meant.kind, shown, negated, meant.guessed, bool(meant.values), names)
        # What an everyday word may mean: "nice weather" is not about the city.
        said = fold(self.q[start:end])
        bare = meant.kind == "label" or (meant.kind in {"place", "person"} and said in EVERYDAY)
        soft = (bare or shy or said in self.speech.shy_filed) and not negated and not firm
        self.taken.append(Taken(meant, span, also, alternative, soft))
        self.used.append((start, end))

    # ---- the rest

    def _rest(self, *, trimmed: bool = False) -> str:
        """What is left, without joints at its ends once something was understood, or in any case."""
        if not self.used and not trimmed:
            return _plainly(self.typed)
        kept: list[str] = []
        at = 0
        for start, end in sorted(self.used):
            kept.append(self.typed[at:start])
            at = max(at, end)
        kept.append(self.typed[at:])
        pieces = [piece for part in kept for piece in part.split() if _says_something(piece)]
        idle = self.speech.idle | self.speech.photos
        if any(taken.meant.kind in {"place", "near"} and not taken.span.negated for taken in self.taken):
            idle |= self.speech.travels
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
        # "dog and cat": the joint between two of them is text again, too; but not Anna in "food anna dog on a beach".
        conditions = {(one.span.start, one.span.end) for one in self.taken}
        back |= {
            (start, end)
            for start, end in set(self.used) - conditions
            if len(self.q[:start].rstrip()) in ends and len(self.q) - len(self.q[end:].lstrip()) in starts
        }
        self.used = [part for part in self.used if part not in back]


def _plainly(q: str) -> str:
    return " ".join(q.split())


def _file_names(q: str) -> Iterator[tuple[int, int]]:
    """Names of files, ``IMG_2019.jpg``: no year is meant, and no kind of file."""
    if "." not in q and "_" not in q:
        return
    for found in _PIECE.finditer(q):
        name, _, ending = found[0].rpartition(".")
        numbered = "_" in found[0] and found[0][0].isalpha() and any(letter.isdigit() for letter in found[0])
        if ":" not in found[0] and (numbered or (ending.lower() in _TYPES and name[-1:].isalnum())):
            yield found.span()


def _quotes(q: str) -> Iterator[tuple[int, int]]:
    start = q.find('"')
    while start >= 0:
        end = q.find('"', start + 1)
        if end < 0:
            return
        yield (start, end + 1)
        start = q.find('"', end + 1)


_MINUS = ("-", "!")
_EITHER = {"|", "||"}


def _minus(word: Word, at: int) -> bool:
    """ "-anna", "!anna" and "-(anna or ben)", but neither "well-known" nor "2023 - 2025"."""
    sign = _sign(word)
    return sign >= 0 and (word.before[sign - 1].isspace() if sign else at == 0)


def _sign(word: Word) -> int:
    """Where the minus sign in front of a word, or of its bracket, stands in ``word.before``; -1 for nowhere."""
    mark = word.before.rstrip("(")
    return len(mark) - 1 if mark.endswith(_MINUS) else -1


def _says_something(piece: str) -> bool:
    """Letters, digits or a sign such as an emoji; not only punctuation and what cannot be seen."""
    return any(
        letter.isalnum() or (not letter.isascii() and unicodedata.category(letter).startswith("S")) for letter in piece
    )
