"""What a language says for what, as a form that ``spoken_english`` and ``spoken_german`` fill in. Pure.

Its fields are data without rules; ``spoken_dates``, ``spoken_names`` and ``queries`` read queries by it and know no
words. All words are folded as ``spoken_dates.fold`` does it: no case, no accents (``marz``, ``grosse``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Words = frozenset[str]
Phrases = frozenset[tuple[str, ...]]
Unit = Literal["day", "week", "month", "year"]
Days = tuple[int, int]
"""First and last day of something that comes every year, as month * 100 + day; the first may be the later one."""
Hours = tuple[int, int]
"""The first hour and the one after the last; the first may be the later one."""


def words(text: str) -> Words:
    return frozenset(text.split())


def phrases(*texts: str) -> Phrases:
    return frozenset(tuple(text.split()) for text in texts)


def numbered(*texts: str, start: int) -> dict[str, int]:
    return {word: number for number, text in enumerate(texts, start) for word in text.split()}


def each(**texts: str) -> dict[str, str]:
    """The words of each value, with the name that they stand for."""
    return {word: name for name, text in texts.items() for word in text.split()}


def called(*lines: str) -> dict[str, str]:
    """Other names, with the name that each line begins with."""
    named = [[name.strip() for name in line.split("|")] for line in lines]
    return {other: names[0] for names in named for other in names[1:]}


@dataclass(frozen=True, eq=False)
class Speech:
    """What is said for what. Fields of one word each are sets; phrases are tuples of words."""

    code: str

    # ---- dates
    months: Mapping[str, int]
    shy_months: Words
    """Months that are also words or names: alone they need a preposition."""
    weekdays: Mapping[str, int]
    """0 is Monday."""
    weekly: Mapping[tuple[str, ...], tuple[int, ...]]
    """Days of every week: "on sundays", "at the weekend"."""
    shy_weekly: Words
    """Of their words, those that are also part of other things: "weekend bag"."""
    seasons: Mapping[str, Days]
    holidays: Mapping[tuple[str, ...], Days]
    """The longest is tried first."""
    easter: Mapping[tuple[str, ...], tuple[int, int]]
    """Days that move with Easter: first and last, counted from Easter Sunday."""
    nth_weekdays: Mapping[tuple[str, ...], tuple[int, int, int]]
    """Month, day of the week and its number in the month. Where countries differ, as most have it; the chip shows the
    days."""
    numbers: Mapping[str, int]
    few: Mapping[tuple[str, ...], int]
    """Numbers of several words ("a couple of")."""
    units: Mapping[str, Unit]
    days_ago: Mapping[tuple[str, ...], int]
    """``yesterday`` and its like."""
    on_this_day: Phrases
    this: Words
    last: Words
    """The one before this: of several forms, "last summer" and "the last three weeks" take the same words."""
    last_behind: Words
    """Those of them that are said behind: "l'été dernier"."""
    before_last: Words
    """The one before that, in one word."""
    before_last_behind: Phrases
    """The same, said behind: "the summer before last"."""
    nth: Mapping[str, int]
    """Which week or day of a month: "first week of May". The last one is ``last``."""
    past: Words
    """Counted back from today rather than by the calendar: "past month"."""
    weekend: Words
    portions: Mapping[tuple[str, ...], tuple[int, int]]
    """Parts of a year, first and last month: "early 2024"."""
    ago_after: Words
    """Behind the number and unit: "two years ago"."""
    ago_before: Words
    """In front of them: "vor zwei Jahren"."""
    into: Words
    """Before a date that they only introduce."""
    between: Words
    """Opens a range that ``to`` or ``and_`` goes on with."""
    to: Words
    bounds: Mapping[str, Literal["since", "after", "before", "until"]]
    than: Words
    """Behind a bound, before how long ago it is: "older than two years"."""
    of: Words
    """Between the parts of a date: "3rd of May"."""
    ordinals: tuple[str, ...]
    """What is written behind the number of a day."""
    decades: tuple[str, ...]
    """What is written behind a year that stands for ten: "1990s"."""
    decades_named: Mapping[str, int]
    """Decades in words, by their first year; not those that are also people's ages."""
    unlike: Phrases
    """What is none of all this, though a part of it is."""

    # ---- times of day, ages
    times: Mapping[tuple[str, ...], Hours]
    parts_of_day: Mapping[str, Hours]
    """What is a time only behind a date: "yesterday evening"."""
    compounds: Mapping[str, tuple[str, str]]
    """A day of the week and a part of it in one word."""
    clock: Mapping[str, int | None]
    """What is said behind an hour: how many hours are added, up to 12 of them, or None for the hours of a whole day."""
    birthday: Words
    genitive: str
    """Written behind a name without an apostrophe."""
    aged: Phrases
    """Between a name and an age: "Anna at 3"."""
    years_old: Phrases
    """Behind an age that follows a name: "Anna, 3 years old"."""
    when: Words
    """Before a name and an age: "when Anna was three"."""
    was: Words
    old: Words
    """Behind an age in months or weeks."""
    ages: Mapping[tuple[str, ...], tuple[int, int]]
    """Ages by name, first and last year: "as a baby"."""

    # ---- joints
    and_: Words
    or_: Words
    but: Words
    not_: Words
    not_phrases: Phrases
    nor: Words
    """Goes on with a negation: "neither Anna nor Ben"."""
    articles: Words
    contracted: Words
    """Prepositions that have an article in them."""
    near: Phrases
    within: Phrases
    """Opens a distance: "within 50 km of Lisbon"."""
    kilometres: Mapping[str, float]
    """How many kilometres a unit of distance has."""
    around: Words
    """Between a distance and a place."""
    before_names: Words
    """Before a place or a person, saying nothing more."""
    before_people: Words
    """Of these, the ones that announce a person."""
    idle: Words
    """Said at the ends of a rest without meaning anything."""
    travels: Words
    """Of a place they say nothing: what was taken there is what the trip was."""

    # ---- things
    show: Words
    photos: Words
    of_photos: Words
    latest: Words
    """Said of the photos that come first anyway: "recent photos"."""
    favourite: Words
    shy_favourite: Words
    """Of these, the ones that also say what somebody likes best: "my favourite restaurant"."""
    archived: Words
    filed: Phrases
    """What says without an operator that photos are in the archive."""
    shy_filed: Words
    """Of these, what may be another archive where more is said."""
    faces: Words
    one_face: Words
    """Of these, the ones that ask for no more than a picture of somebody: "portrait of a person"."""
    nobody: Words
    located: Words
    position: Words
    """Of these, the ones that no place is called by: "without location"."""
    captioned: Words
    moving: Words
    """What a Live Photo has and is."""
    raw: Words
    album: Words
    orientations: Mapping[str, str]
    """What an operator takes, and what is said before "photos"; ``oriented`` are said alone."""
    genres: Words
    """Of these, what a picture may also be about: "landscape photos of mountains"."""
    oriented: Mapping[tuple[str, ...], str]
    operators: Mapping[str, str]
    plurals: Mapping[str, str]
    """Irregular ones."""
    plural_endings: tuple[str, ...]
    common: Words
    """Words that are more likely to be meant as they stand than as a misspelt name."""
    places: Mapping[str, str] = field(default_factory=dict)
    """What places are called here beside their names, which are English."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the detector's labels, which are English, are called here."""


DISTANCES: Mapping[str, float] = dict.fromkeys(
    ("km", "kms", "kilometer", "kilometers", "kilometre", "kilometres", "kilometern"), 1.0
)
