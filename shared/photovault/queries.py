"""What a person typed, as a filter and a rest. Pure, deterministic, linear, no model.

``parse`` recognises dates, places and people of the person's own library, labels, negation, camera, albums,
favourites and file types; everything it does not understand stays in ``text``, in its order, for ranking. It takes any
text and never raises. Understood are:

* words: ``anna and ben in lisbon last summer``, ``not anna``, ``without anna``, ``-anna``, ``anna or ben``, ``dogs``,
  ``favourites``, ``heic``; a name's first word where it is nobody else's; the longest reading wins;
* operators: ``person: place: label: camera: album: type: is: has: before: after: since: until: date:``, with quotes for
  several words, negated by a minus sign;
* quotes: a quoted phrase is text as it stands.

A label among other free words stays text (``dog on the beach`` is ranked, not filtered); alone or beside what filters,
it filters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Literal, TypeVar
from uuid import UUID

from photovault import raw, spoken_dates
from photovault.spoken_dates import Days, When, Word, Yearly, fold

MAX_LENGTH = 1000
"""Characters that are read; the rest is cut off."""
_MAX_NAME = 12  # words of a name

T = TypeVar("T")

Kind = Literal["date", "person", "place", "label", "camera", "album", "favourite", "archived", "faces", "gps", "type"]


@dataclass(frozen=True, order=True)
class PlaceRef:
    """A place of the library: ``level`` is country, region or city."""

    level: str
    value: str
    country_code: str


@dataclass(frozen=True)
class Filter:
    """Conditions that a photo must all fulfil. Days are local days, ends included.

    ``date_from`` and ``date_to`` bound ``days``, of which any may hold; ``yearly`` are (first, last) as month * 100 +
    day, any of them; ``days_none`` none. ``people_all`` all; of each group in ``people_any`` at least one. Of
    ``places``, ``albums``, ``cameras`` and ``content_types`` any. None and empty mean: no condition.
    """

    date_from: date | None = None
    date_to: date | None = None
    days: tuple[tuple[date | None, date | None], ...] = ()
    days_none: tuple[tuple[date | None, date | None], ...] = ()
    yearly: tuple[tuple[int, int], ...] = ()
    yearly_none: tuple[tuple[int, int], ...] = ()
    places: tuple[PlaceRef, ...] = ()
    places_none: tuple[PlaceRef, ...] = ()
    people_all: tuple[UUID, ...] = ()
    people_any: tuple[tuple[UUID, ...], ...] = ()
    people_none: tuple[UUID, ...] = ()
    labels_all: tuple[str, ...] = ()
    labels_any: tuple[tuple[str, ...], ...] = ()
    labels_none: tuple[str, ...] = ()
    albums: tuple[UUID, ...] = ()
    albums_none: tuple[UUID, ...] = ()
    cameras: tuple[str, ...] = ()
    cameras_none: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    content_types_none: tuple[str, ...] = ()
    favourite: bool | None = None
    archived: bool | None = None
    has_faces: bool | None = None
    has_gps: bool | None = None

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return self != Filter()

    def as_json(self) -> dict[str, Any]:
        """The conditions that there are, for the answer's echo."""
        return {
            entry.name: _jsonable(value)
            for entry in fields(self)
            if (value := getattr(self, entry.name)) is not None and value != ()
        }


@dataclass(frozen=True)
class Span:
    """The part ``q[start:end]`` of the query that became a condition: what a client shows as a chip to remove."""

    start: int
    end: int
    kind: Kind
    value: str
    negated: bool = False


@dataclass(frozen=True)
class Parsed:
    """A query: the filter, the rest in its order, and where the filter came from."""

    filter: Filter
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Vocabulary:
    """The names of one library by their folded words; build it once per state of the library with ``vocabulary``."""

    people: Mapping[tuple[str, ...], tuple[UUID, ...]]
    places: Mapping[tuple[str, ...], tuple[PlaceRef, ...]]
    labels: Mapping[tuple[str, ...], tuple[str, ...]]
    cameras: Mapping[tuple[str, ...], tuple[str, ...]]
    albums: Mapping[tuple[str, ...], tuple[UUID, ...]]


@dataclass(frozen=True)
class _Meant:
    """One reading of some words: ``values`` are alternatives (two people of one name)."""

    kind: Kind
    values: tuple[Any, ...]
    shown: str
    end: int  # index of the word after it


@dataclass
class _Reading:
    """What was understood so far."""

    said: list[Word]
    length: int
    spans: list[Span] = field(default_factory=list)
    meant: list[tuple[_Meant, bool, bool]] = field(default_factory=list)  # negated, "or" with the one before
    used: list[tuple[int, int]] = field(default_factory=list)  # characters that are not text
    soft: list[int] = field(default_factory=list)  # indices in ``meant`` and ``spans`` of bare labels


# English. Another language brings its own words of these, and its own spoken dates.
_NOT = {"not", "without", "except", "excluding", "no"}
_AND, _OR = {"and"}, {"or"}
_BEFORE_NAMES = {"in", "at", "near", "from", "around", "with", "of", "by", "on", "featuring"}
_PERSON_FIRST = {"with", "of", "by", "featuring"}
_THE = {"the", "my", "our", "a", "any"}
_STOP = _BEFORE_NAMES | _THE | _AND | _OR | {"taken", "for", "to", "during", "s"}
_SHOW = {"show", "find", "search", "me", "all", "the", "my", "our", "some", "for"}
_PHOTOS = {"photo", "photos", "picture", "pictures", "pic", "pics", "image", "images", "photograph", "photographs"}
_FAVOURITE = {"favourite", "favourites", "favorite", "favorites", "starred"}
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
_OPERATORS: Mapping[str, str] = {
    "person": "person",
    "people": "person",
    "with": "person",
    "place": "place",
    "in": "place",
    "city": "place",
    "country": "place",
    "label": "label",
    "tag": "label",
    "thing": "label",
    "camera": "camera",
    "album": "album",
    "type": "type",
    "format": "type",
    "ext": "type",
    "is": "is",
    "has": "has",
    "before": "before",
    "after": "after",
    "since": "since",
    "until": "until",
    "date": "date",
    "on": "date",
    "year": "date",
}
_PLURALS = {"person": "people", "knife": "knives", "mouse": "mice", "sheep": "sheep", "man": "men", "woman": "women"}


def vocabulary(
    people: Sequence[tuple[UUID, str]] = (),
    places: Sequence[tuple[str, str, str]] = (),
    labels: Sequence[str] = (),
    *,
    cameras: Sequence[str] = (),
    albums: Sequence[tuple[UUID, str]] = (),
) -> Vocabulary:
    """``people``: (id, name); ``places``: (level, value, country code); ``albums``: (id, title)."""
    things: dict[tuple[str, ...], list[str]] = {}
    for label in labels:
        key = _key(label)
        for form in {key, *_plurals(key)} - {()}:
            things.setdefault(form, []).append(label)
    named = _index(people)
    firsts: dict[tuple[str, ...], set[UUID]] = {}
    for name, ids in named.items():
        if len(name) > 1 and len(name[0]) > 2:
            firsts.setdefault(name[:1], set()).update(ids)
    alone = {first: tuple(bearers) for first, bearers in firsts.items() if len(bearers) == 1}
    return Vocabulary(
        people={**alone, **named},
        places=_index([(PlaceRef(level, value, code), value) for level, value, code in places]),
        labels={key: tuple(dict.fromkeys(values)) for key, values in things.items()},
        cameras=_index([(camera, camera) for camera in cameras]),
        albums=_index(albums),
    )


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
    reading = _Reading(spoken_dates.words(q), len(q))
    quoted = list(_quotes(q))
    at = _skip_opening(reading)
    while at < len(reading.said):
        at = (
            _past_quote(reading, at, quoted)
            or _operator(q, reading, at, names, today=today)
            or _nobody(reading, at)
            or _negated(reading, at, names, today=today)
            or _joined(reading, at, names, today=today)
            or _plain(reading, at, names, today=today)
            or at + 1
        )
    text = _rest(q, reading)
    if reading.soft and text:
        text = _soften(q, reading)
    result = _filter(reading)
    if not result and not text:
        text = " ".join(q.split())
    return Parsed(result, text, tuple(reading.spans))


# ---- readings ------------------------------------------------------------------------------------------------------


def _skip_opening(reading: _Reading) -> int:
    """ "show me all photos of" says nothing."""
    said = reading.said
    at = 0
    while at < len(said) and said[at].text in _SHOW:
        at += 1
    if at >= len(said) or said[at].text not in _PHOTOS:
        return 0
    at += 1
    while at < len(said) and said[at].text in {"of", "taken"}:
        at += 1
    reading.used.append((said[0].start, said[at - 1].end))
    return at


def _quotes(q: str) -> Iterator[tuple[int, int]]:
    start = q.find('"')
    while start >= 0:
        end = q.find('"', start + 1)
        if end < 0:
            return
        yield (start, end + 1)
        start = q.find('"', end + 1)


def _past_quote(reading: _Reading, at: int, quoted: list[tuple[int, int]]) -> int | None:
    """A phrase in quotes is text; the words in it are not read."""
    start = reading.said[at].start
    while quoted and quoted[0][1] <= start:
        quoted.pop(0)
    if not quoted or start < quoted[0][0]:
        return None
    while at < len(reading.said) and reading.said[at].start < quoted[0][1]:
        at += 1
    return at


def _operator(q: str, reading: _Reading, at: int, names: Vocabulary, *, today: date) -> int | None:
    """``key:value`` and ``-key:"several words"``."""
    said = reading.said
    word = said[at]
    key = _OPERATORS.get(word.text)
    if key is None or q[word.end : word.end + 1] != ":":
        return None
    begin = word.end + 1
    if q[begin : begin + 1] == '"':
        close = q.find('"', begin + 1)
        stop = close + 1 if close >= 0 else len(q)
    else:
        stop = begin
        while stop < len(q) and not q[stop].isspace():
            stop += 1
    first = last = at + 1
    while last < len(said) and said[last].start < stop:
        last += 1
    if first == last:
        return None
    quoted = q[begin : begin + 1] == '"'
    found = _operand(key, said, first, last if quoted else None, names, today=today)
    if found is None and key == "camera":
        found = _camera(q[begin:stop].strip('"'), last, names)
    if found is None or found.end < last:
        return None
    negated = _minus(word, at)
    start = word.start - 1 if negated else word.start
    end = max(stop if quoted else 0, said[found.end - 1].end)
    _take(reading, found, start=start, end=end, negated=negated, firm=True)
    return found.end


def _operand(
    key: str, said: Sequence[Word], first: int, last: int | None, names: Vocabulary, *, today: date
) -> _Meant | None:
    """The value of an operator; with ``last``, of exactly those words."""
    within = said if last is None else said[:last]
    text = within[first].text
    if key in {"before", "after", "since", "until", "date"}:
        one = spoken_dates.find(within, first, today) if key == "date" else None
        one = one or spoken_dates.single(within, first, today)
        if one is None:
            return None
        when = one[0] if key == "date" else spoken_dates.open_ended(key, one[0], today)
        return _date_meant(when, one[1])
    if key == "type":
        return _Meant("type", (_TYPES[text],), _TYPES[text], first + 1) if text in _TYPES else None
    if key == "is":
        if text in _FAVOURITE:
            return _Meant("favourite", (True,), "favourite", first + 1)
        return _Meant("archived", (True,), "archived", first + 1) if text == "archived" else None
    if key == "has":
        if text in {"face", "faces", "people", "person"}:
            return _Meant("faces", (True,), "faces", first + 1)
        return _Meant("gps", (True,), "gps", first + 1) if text in {"gps", "location", "place"} else None
    if key in {"person", "place", "label", "camera", "album"}:
        return _named(key, within, first, names)
    return None


def _nobody(reading: _Reading, at: int) -> int | None:
    """ "no people", "without faces", "nobody", and "with people"."""
    said = reading.said
    text = said[at].text
    if text == "nobody":
        _take(reading, _Meant("faces", (True,), "faces", at + 1), start=said[at].start, end=said[at].end, negated=True)
        return at + 1
    if text in _NOT | {"with"} and at + 1 < len(said) and said[at + 1].text in {"people", "faces", "anybody", "anyone"}:
        meant = _Meant("faces", (True,), "faces", at + 2)
        _take(reading, meant, start=said[at].start, end=said[at + 1].end, negated=text != "with")
        return at + 2
    return None


def _negated(reading: _Reading, at: int, names: Vocabulary, *, today: date) -> int | None:
    """ "not anna", "without anna or ben", "-anna"."""
    said = reading.said
    minus = _minus(said[at], at)
    if not minus and said[at].text not in _NOT:
        return None
    first = at if minus else at + 1
    while not minus and first < len(said) and said[first].text in _THE:
        first += 1
    found = _entity(said, first, names, today=today)
    if found is None:
        return None
    _take(reading, found, start=said[at].start - minus, end=said[found.end - 1].end, negated=True)
    # The negation goes on over a list of the same kind: "without anna or ben".
    while not minus and found.end + 1 < len(said) and said[found.end].text in _AND | _OR:
        more = _entity(said, found.end + 1, names, today=today)
        if more is None or more.kind != found.kind:
            break
        reading.used.append((said[found.end].start, said[found.end].end))
        _take(reading, more, start=said[found.end + 1].start, end=said[more.end - 1].end, negated=True)
        found = more
    return found.end


def _joined(reading: _Reading, at: int, names: Vocabulary, *, today: date) -> int | None:
    """ "and" and "or" between two things that were understood."""
    said = reading.said
    if said[at].text not in _AND | _OR or not reading.spans or at == 0 or reading.spans[-1].end != said[at - 1].end:
        return None
    found = _entity(said, at + 1, names, today=today)
    if found is None:
        return None
    reading.used.append((said[at].start, said[at].end))
    alternative = said[at].text in _OR
    _take(reading, found, start=said[at + 1].start, end=said[found.end - 1].end, alternative=alternative)
    return found.end


def _plain(reading: _Reading, at: int, names: Vocabulary, *, today: date) -> int | None:
    found = _entity(reading.said, at, names, today=today)
    if found is None:
        return None
    _take(reading, found, start=reading.said[at].start, end=reading.said[found.end - 1].end)
    return found.end


def _entity(said: Sequence[Word], at: int, names: Vocabulary, *, today: date) -> _Meant | None:
    """The longest reading of the words from ``at``; of equals, people after "with", else dates, people, places."""
    if at >= len(said):
        return None
    word = said[at].text
    if word in _FAVOURITE:
        return _Meant("favourite", (True,), "favourite", at + 1)
    kind = word[:-1] if word.endswith("s") else word
    if kind in _TYPES:
        return _Meant("type", (_TYPES[kind],), _TYPES[kind], at + 1)
    first = at
    if word in _BEFORE_NAMES:
        first += 1
        while first < len(said) and said[first].text in _THE:
            first += 1
    when = spoken_dates.find(said, at, today)
    readings = [_date_meant(*when)] if when else []
    order = ("person", "place", "camera", "label") if first == at or word in _PERSON_FIRST else ("place", "person")
    readings += [found for name in order if (found := _named(name, said, first, names))]
    if first < len(said) and said[first].text == "album" and (found := _named("album", said, first + 1, names)):
        readings.append(found)
    if word in _PERSON_FIRST or (readings and first == at and _is_shy_date(readings[0], said[at:])):
        readings.sort(key=lambda reading: reading.kind == "date")
    return max(readings, key=lambda reading: reading.end, default=None)


def _is_shy_date(reading: _Meant, said: Sequence[Word]) -> bool:
    """A month alone loses against a person of that name."""
    return reading.kind == "date" and said[0].text in spoken_dates.MONTHS


def _named(kind: str, said: Sequence[Word], at: int, names: Vocabulary) -> _Meant | None:
    """The longest name of that kind that begins at ``at``."""
    table: Mapping[tuple[str, ...], tuple[Any, ...]]
    match kind:
        case "person":
            table, meant = names.people, "person"
        case "place":
            table, meant = names.places, "place"
        case "label":
            table, meant = names.labels, "label"
        case "camera":
            table, meant = names.cameras, "camera"
        case _:
            table, meant = names.albums, "album"
    key = tuple(word.text for word in said[at : at + _MAX_NAME])
    for length in range(len(key), 0, -1):
        values = table.get(key[:length])
        if values is not None:
            end = at + length
            if kind == "person" and end < len(said) and said[end].text == "s" and said[end].before in {"'", "’"}:
                end += 1
            shown = values[0].value if isinstance(values[0], PlaceRef) else " ".join(key[:length])
            return _Meant(meant, values, shown, end)  # type: ignore[arg-type]
    return None


def _camera(value: str, end: int, names: Vocabulary) -> _Meant:
    """Cameras whose name contains the words, or else the words as they are."""
    key = _key(value)
    known = tuple(camera for name, values in names.cameras.items() if _contains(name, key) for camera in values)
    return _Meant("camera", known or (value,), value, end)


def _contains(name: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(name[k : k + len(part)] == part for k in range(len(name) - len(part) + 1))


def _date_meant(when: When, end: int) -> _Meant:
    if isinstance(when, Yearly):
        return _Meant("date", (when,), f"{when.first:04}..{when.last:04}", end)
    ends = [day.isoformat() if day else "" for day in (when.first, when.last)]
    return _Meant("date", (when,), ends[0] if ends[0] == ends[1] else "..".join(ends), end)


def _minus(word: Word, at: int) -> bool:
    """ "-anna", but neither "well-known" nor "2023 - 2025"."""
    return word.before.endswith("-") and (word.before[:-1][-1:].isspace() or (at == 0 and len(word.before) == 1))


def _take(
    reading: _Reading,
    meant: _Meant,
    *,
    start: int,
    end: int,
    negated: bool = False,
    alternative: bool = False,
    firm: bool = False,
) -> None:
    """Note what was understood. ``alternative``: "or" stood before it; ``firm``: said with an operator."""
    if meant.kind == "label" and not negated and not firm:
        reading.soft.append(len(reading.spans))
    reading.spans.append(Span(start, end, meant.kind, meant.shown, negated))
    reading.meant.append((meant, negated, alternative))
    reading.used.append((start, end))


# ---- results -------------------------------------------------------------------------------------------------------


def _rest(q: str, reading: _Reading) -> str:
    """What is left, without joints at its ends once something was understood."""
    if not reading.used:
        return " ".join(q.split())
    kept: list[str] = []
    at = 0
    for start, end in sorted(reading.used):
        kept.append(q[at:start])
        at = max(at, end)
    kept.append(q[at:])
    pieces = [piece for part in kept for piece in part.split() if _says_something(piece)]
    while pieces and fold(pieces[0].strip(",.;:")) in _STOP:
        pieces.pop(0)
    while pieces and fold(pieces[-1].strip(",.;:")) in _STOP:
        pieces.pop()
    return " ".join(pieces).strip(" ,;")


def _says_something(piece: str) -> bool:
    """Letters, digits or a sign such as an emoji; not only punctuation of ASCII."""
    return any(letter.isalnum() or not letter.isascii() for letter in piece)


def _soften(q: str, reading: _Reading) -> str:
    """Bare labels become text again."""
    soft = set(reading.soft)
    ends = {reading.spans[k].end for k in soft}
    starts = {reading.spans[k].start for k in soft}
    back = {(reading.spans[k].start, reading.spans[k].end) for k in soft}
    # "dog and cat": the joint between two of them is text again, too.
    back |= {(start, end) for start, end in reading.used if start - 1 in ends and end + 1 in starts}
    reading.used = [part for part in reading.used if part not in back]
    reading.spans = [span for k, span in enumerate(reading.spans) if k not in soft]
    reading.meant = [meant for k, meant in enumerate(reading.meant) if k not in soft]
    return _rest(q, reading)


def _filter(reading: _Reading) -> Filter:
    some: dict[str, list[Any]] = {}
    flags: dict[str, Any] = {}
    days: list[Days] = []
    for k, (meant, negated, alternative) in enumerate(reading.meant):
        before = reading.meant[k - 1][0] if k else None
        either = alternative and before is not None and before.kind == meant.kind
        match meant.kind:
            case "date":
                _add_date(meant.values[0], days, some, negated=negated, either=either)
            case "person" | "label":
                name = "people" if meant.kind == "person" else "labels"
                if negated:
                    some.setdefault(f"{name}_none", []).extend(meant.values)
                elif either and some.get(f"{name}_any_or_all"):
                    some[f"{name}_any_or_all"][-1].extend(meant.values)
                else:
                    some.setdefault(f"{name}_any_or_all", []).append(list(meant.values))
            case "place" | "album" | "camera" | "type":
                name = {"place": "places", "album": "albums", "camera": "cameras", "type": "content_types"}[meant.kind]
                some.setdefault(f"{name}_none" if negated else name, []).extend(meant.values)
            case _:
                name = {"faces": "has_faces", "gps": "has_gps"}.get(meant.kind, meant.kind)
                flags[name] = not negated
    for name in ("people", "labels"):
        groups = some.pop(f"{name}_any_or_all", [])
        some[f"{name}_all"] = [group[0] for group in groups if len(group) == 1]
        some[f"{name}_any"] = [tuple(dict.fromkeys(group)) for group in groups if len(group) > 1]
    some["places"] = _narrowest(some.get("places", []))
    conditions: dict[str, Any] = {name: tuple(dict.fromkeys(values)) for name, values in some.items()}
    result = Filter(**conditions, **flags)
    if days:
        firsts, lasts = [one.first for one in days], [one.last for one in days]
        result = replace(
            result,
            days=tuple((one.first, one.last) for one in days),
            date_from=min(first for first in firsts if first) if all(firsts) else None,
            date_to=max(last for last in lasts if last) if all(lasts) else None,
        )
    return result


def _add_date(when: When, days: list[Days], some: dict[str, list[Any]], *, negated: bool, either: bool) -> None:
    """Ranges that overlap narrow each other ("2025, since may"); others, and those after "or", stand side by side."""
    if isinstance(when, Yearly):
        some.setdefault("yearly_none" if negated else "yearly", []).append((when.first, when.last))
    elif negated:
        some.setdefault("days_none", []).append((when.first, when.last))
    elif days and not either and (both := _overlap(days[-1], when)):
        days[-1] = both
    else:
        days.append(when)


def _overlap(a: Days, b: Days) -> Days | None:
    first = max((day for day in (a.first, b.first) if day), default=None)
    last = min((day for day in (a.last, b.last) if day), default=None)
    return None if first and last and first > last else Days(first, last)


def _narrowest(places: Sequence[PlaceRef]) -> list[PlaceRef]:
    """ "Lisbon, Portugal" is the city; a city's namesake in a country that was not named falls away."""
    countries = {place.country_code for place in places if place.level == "country"}
    inside = [place for place in places if place.level != "country" and place.country_code in countries]
    narrowed = {place.country_code for place in inside}
    named = {fold(place.value) for place in inside}
    return [
        place
        for place in places
        if (place.level == "country" and place.country_code not in narrowed)
        or (place.level != "country" and (place in inside or fold(place.value) not in named))
    ]


# ---- names ---------------------------------------------------------------------------------------------------------


def _key(name: str) -> tuple[str, ...]:
    return tuple(word.text for word in spoken_dates.words(name[:MAX_LENGTH]))


def _index(named: Sequence[tuple[T, str]]) -> dict[tuple[str, ...], tuple[T, ...]]:
    found: dict[tuple[str, ...], list[T]] = {}
    for value, name in named:
        key = _key(name)
        if key:
            found.setdefault(key, []).append(value)
    return {key: tuple(dict.fromkeys(values)) for key, values in found.items()}


def _plurals(key: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not key:
        return []
    *front, last = key
    if last in _PLURALS:
        return [(*front, _PLURALS[last])]
    forms = [f"{last}s", f"{last}es"]
    if last.endswith("y"):
        forms.append(f"{last[:-1]}ies")
    return [(*front, form) for form in forms]


def _jsonable(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case PlaceRef():
            return {"level": value.level, "value": value.value, "country_code": value.country_code}
        case tuple():
            return [_jsonable(part) for part in value]
        case _:
            return value
