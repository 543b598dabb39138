"""The words of search queries, one language at a time: data, no rules. Pure.

To add a language, write another ``Speech`` here, put it into ``SPEECHES``, and give ``tests/shared/test_queries.py`` a
table of queries in it, as German has one; ``spoken_dates``, ``spoken_names`` and ``queries`` know no words. Fill its
fields from those of a language that is near to it. What it does not have stays empty (``ago_before`` in English). All
words are folded as ``spoken_dates.fold`` does it: no case, no accents (``marz``, ``grosse``); a test says so. A query
is read in every language, and the one that understands most of it is right, so that operators of all languages work
for everybody and a language cannot break another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Literal

from photovault import emoji

Words = frozenset[str]
Phrases = frozenset[tuple[str, ...]]
Unit = Literal["day", "week", "month", "year"]
Days = tuple[int, int]
"""First and last day of something that comes every year, as month * 100 + day; the first may be the later one."""
Hours = tuple[int, int]
"""The first hour and the one after the last; the first may be the later one."""


def _words(text: str) -> Words:
    return frozenset(text.split())


def _phrases(*texts: str) -> Phrases:
    return frozenset(tuple(text.split()) for text in texts)


def _numbered(*texts: str, start: int) -> dict[str, int]:
    return {word: number for number, text in enumerate(texts, start) for word in text.split()}


def _each(**texts: str) -> dict[str, str]:
    """The words of each value, with the name that they stand for."""
    return {word: name for name, text in texts.items() for word in text.split()}


def _called(*lines: str) -> dict[str, str]:
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


_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DISTANCES: Mapping[str, float] = dict.fromkeys(
    ("km", "kms", "kilometer", "kilometers", "kilometre", "kilometres", "kilometern"), 1.0
)

ENGLISH = Speech(
    code="en",
    months=_numbered(
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
        start=1,
    ),
    shy_months=_words("may march april june august jan mar jun sep dec apr feb jul aug"),
    weekdays=_numbered("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", start=0),
    weekly={
        **{(f"{day}s",): (number,) for number, day in enumerate(_WEEK)},
        ("every", "weekend"): (5, 6),
        ("weekends",): (5, 6),
        ("weekend",): (5, 6),
        ("weekdays",): (0, 1, 2, 3, 4),
        **{("every", day): (number,) for number, day in enumerate(_WEEK)},
    },
    shy_weekly=_words("weekend"),
    seasons={
        "spring": (301, 531),
        "summer": (601, 831),
        "autumn": (901, 1130),
        "fall": (901, 1130),
        "winter": (1201, 229),
    },
    holidays={
        ("christmas",): (1224, 1226),
        ("xmas",): (1224, 1226),
        ("christmas", "eve"): (1224, 1224),
        ("christmas", "day"): (1225, 1225),
        ("boxing", "day"): (1226, 1226),
        ("new", "year"): (1231, 101),
        ("new", "years"): (1231, 101),
        ("new", "year", "s"): (1231, 101),
        ("new", "years", "eve"): (1231, 1231),
        ("new", "year", "s", "eve"): (1231, 1231),
        ("new", "years", "day"): (101, 101),
        ("new", "year", "s", "day"): (101, 101),
        ("nye",): (1231, 1231),
        ("halloween",): (1031, 1031),
        ("valentines",): (214, 214),
        ("valentines", "day"): (214, 214),
        ("valentine", "s"): (214, 214),
        ("valentine", "s", "day"): (214, 214),
        ("st", "patricks", "day"): (317, 317),
        ("st", "patrick", "s", "day"): (317, 317),
        ("fourth", "of", "july"): (704, 704),
        ("independence", "day"): (704, 704),
        ("bonfire", "night"): (1105, 1105),
    },
    easter={
        ("mardi", "gras"): (-47, -47),
        ("palm", "sunday"): (-7, -7),
        ("easter",): (-2, 1),
        ("good", "friday"): (-2, -2),
        ("easter", "sunday"): (0, 0),
        ("easter", "monday"): (1, 1),
        ("pentecost",): (49, 50),
        ("whitsun",): (49, 50),
    },
    nth_weekdays={
        ("mother", "s", "day"): (5, 6, 2),
        ("mothers", "day"): (5, 6, 2),
        ("father", "s", "day"): (6, 6, 3),
        ("fathers", "day"): (6, 6, 3),
        ("thanksgiving",): (11, 3, 4),
        ("thanksgiving", "day"): (11, 3, 4),
        ("memorial", "day"): (5, 0, -1),
        ("labor", "day"): (9, 0, 1),
    },
    numbers=_numbered(
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", start=1
    )
    | {"a": 1, "an": 1},
    few={
        ("a", "few"): 3,
        ("few",): 3,
        ("a", "couple"): 2,
        ("a", "couple", "of"): 2,
        ("couple",): 2,
        ("couple", "of"): 2,
    },
    units={
        "day": "day",
        "days": "day",
        "week": "week",
        "weeks": "week",
        "month": "month",
        "months": "month",
        "year": "year",
        "years": "year",
    },
    days_ago={
        ("today",): 0,
        ("todays",): 0,
        ("tonight",): 0,
        ("yesterday",): 1,
        ("yesterdays",): 1,
        ("day", "before", "yesterday"): 2,
    },
    on_this_day=_phrases("this day"),
    this=_words("this"),
    last=_words("last past previous"),
    last_behind=_words(""),
    before_last=_words(""),
    before_last_behind=_phrases("before last"),
    nth=_numbered("first", "second", "third", "fourth", "fifth", start=1),
    past=_words("past"),
    weekend=_words("weekend"),
    portions={
        ("early",): (1, 4),
        ("beginning", "of"): (1, 3),
        ("start", "of"): (1, 3),
        ("mid",): (5, 8),
        ("middle", "of"): (5, 8),
        ("late",): (9, 12),
        ("end", "of"): (10, 12),
        ("q1",): (1, 3),
        ("q2",): (4, 6),
        ("q3",): (7, 9),
        ("q4",): (10, 12),
        ("first", "half", "of"): (1, 6),
        ("second", "half", "of"): (7, 12),
    },
    ago_after=_words("ago"),
    ago_before=_words(""),
    into=_words("in on during at from of over around"),
    between=_words("between from"),
    to=_words("to until till through"),
    bounds={
        "since": "since",
        "after": "after",
        "newer": "after",
        "before": "before",
        "older": "before",
        "until": "until",
        "till": "until",
    },
    than=_words("than"),
    of=_words("of"),
    ordinals=("st", "nd", "rd", "th"),
    decades=("s",),
    decades_named={"sixties": 1960, "seventies": 1970, "eighties": 1980, "nineties": 1990, "noughties": 2000},
    unlike=_phrases(
        "chinese new year",
        "lunar new year",
        "orthodox christmas",
        "orthodox easter",
        "black friday",
        "super sunday",
        "march madness",
    ),
    times={
        ("in", "the", "morning"): (5, 12),
        ("at", "dawn"): (4, 8),
        ("at", "noon"): (11, 14),
        ("in", "the", "afternoon"): (12, 18),
        ("in", "the", "evening"): (17, 22),
        ("at", "dusk"): (17, 22),
        ("at", "night"): (21, 5),
        ("in", "the", "night"): (21, 5),
        ("during", "the", "night"): (21, 5),
        ("by", "night"): (21, 5),
        ("during", "the", "day"): (7, 19),
        ("at", "midnight"): (23, 1),
        ("after", "midnight"): (0, 5),
    },
    parts_of_day={
        "morning": (5, 12),
        "noon": (11, 14),
        "afternoon": (12, 18),
        "evening": (17, 22),
        "night": (21, 5),
    },
    compounds={},
    clock={"am": 0, "pm": 12},
    birthday=_words("birthday bday"),
    genitive="s",
    aged=_phrases(
        "at", "aged", "at age", "at the age of", "age", "turning", "turns", "turned", "when she was", "when he was"
    ),
    years_old=_phrases("years old", "year old", "yrs old", "y o", "yo"),
    old=_words("old"),
    when=_words("when"),
    was=_words("was turned"),
    ages={
        ("as", "a", "newborn"): (0, 0),
        ("as", "a", "baby"): (0, 1),
        ("as", "a", "toddler"): (1, 3),
        ("as", "a", "child"): (1, 12),
        ("as", "a", "kid"): (1, 12),
        ("as", "a", "teenager"): (13, 19),
        ("as", "a", "teen"): (13, 19),
    },
    and_=_words("and"),
    or_=_words("or"),
    but=_words("but"),
    not_=_words("not without except excluding no outside neither"),
    not_phrases=_phrases("w o"),
    nor=_words("nor"),
    articles=_words("the my our a an any than"),
    contracted=_words(""),
    near=_phrases("near", "close to", "nearby"),
    within=_phrases("within", "in a radius of", "less than", "up to"),
    kilometres={**_DISTANCES, "miles": 1.609344, "mile": 1.609344, "mi": 1.609344},
    around=_words("of from around to near"),
    before_names=_words("in at near from around with of by on featuring"),
    before_people=_words("with of by featuring"),
    idle=_words(
        "in at near from around with of by on featuring the my our a any and or but taken shot for to during s only "
        "just everything all show me find where who is are was were i we us myself both either took can could you "
        "please pls want see search looking when which that latest newest recent recently"
    ),
    travels=_words("trip trips vacation vacations holiday holidays journey travel travels visit stay"),
    show=_words("show find search me all the my our some for"),
    photos=_words("photo photos picture pictures pic pics image images photograph photographs file files"),
    of_photos=_words("of taken"),
    latest=_words("latest newest recent last"),
    favourite=_words(f"favourite favourites favorite favorites starred {emoji.HEART}"),
    shy_favourite=_words("favourite favorite"),
    archived=_words("archived archive"),
    filed=_phrases("archived", "in the archive", "in my archive", "in archive", "from the archive", "archive"),
    shy_filed=_words("archive"),
    faces=_words("face faces people person anybody anyone"),
    one_face=_words("face person"),
    nobody=_words("nobody"),
    located=_words("gps location place position"),
    position=_words("gps location"),
    captioned=_words("caption captions description"),
    moving=_words("motion film video live"),
    raw=_words("raw"),
    album=_words("album"),
    orientations=_each(
        portrait="portrait vertical upright",
        landscape="landscape horizontal",
        square="square",
        panorama="panorama panoramic",
    ),
    genres=_words("portrait landscape"),
    oriented={
        ("in", "portrait", "format"): "portrait",
        ("portrait", "format"): "portrait",
        ("portrait", "orientation"): "portrait",
        ("in", "landscape", "format"): "landscape",
        ("landscape", "format"): "landscape",
        ("landscape", "orientation"): "landscape",
        ("panoramas",): "panorama",
    },
    operators=_each(
        person="person people with",
        place="place in",
        country="country",
        region="region state",
        city="city",
        near="near",
        label="label tag thing",
        camera="camera",
        album="album",
        type="type format ext",
        orientation="orientation",
        **{"is": "is"},
        has="has",
        before="before",
        after="after",
        since="since from",
        until="until to till",
        date="date on year",
        month="month",
        time="time",
    ),
    plurals={"person": "people", "knife": "knives", "mouse": "mice", "sheep": "sheep", "man": "men", "woman": "women"},
    plural_endings=("s", "es"),
    common=_words(
        "about above after again animal animals apple apron aspen autumn babies baby badge baked balloon banana bar "
        "barbecue barn basket bath beach beard bench berry bike birds birthday black blond blonde blue boards boat "
        "books bottle bread breakfast bride bridge bright brown brush buffalo building bunch burger butter cabin "
        "cable cactus candle candles candy canoe canyon cards carpet carrot castle caves chain chair chalk cheese "
        "cherry chess chest chicken child children china chips church cigar circle circus cliff clock close cloth "
        "cloud clouds clown coast coffee color colour concert cookie coral cork corner couch country couple course "
        "court cover crane cream creek cross crowd crown curly dance dancing dark desert desk dinner dirty diving "
        "doctor donkey door dress drink drinks driver drums early earth empty engine evening face faces family farmer "
        "fence ferry field fields fight finger fire fireworks fish flag flame floor flower flowers flying foggy food "
        "forest fork fountain frame friend friends frozen fruit funny garage garden gate ghost giant gift girl glass "
        "glasses gloves goal golden goose grand grape grass green grill ground group guitar hands happy harbor "
        "harbour heart heavy hiking hills hockey holiday honey horse horses hotel house houses hungry ice island "
        "jacket jeans jelly juice jumping jungle kissing kitchen kitten knight ladder lake lamp large laughing leaf "
        "leather leaves lemon light lights lion little lobster long lunch male maple marble march marina marker "
        "market mask meadow melon metal mirror mobile model money monkey moon moose morning mother motor mount "
        "mountain mountains mouth movie museum music naked naples nice night noodles north ocean office olive onion "
        "orange outdoor outside paint painting palace palm panda pants paper parade park party pasta path peace peach "
        "pearl people piano pillow pink pirate pizza plane plant plants plate playing pond pool porch prince puppy "
        "purple quiet rabbit rainbow rainy reading receipt river robot rocket rocks roses rough round running sailing "
        "salad salmon sand sandy scarf school screen shadow sharp sheep shell ship shirt shoes shore short shower "
        "silver singing skating skiing skirt sleep sleeping small smile smiling smoke snake snow snowman snowy soccer "
        "sofa south space speech spider split spoon sport spring square stadium stage stairs star stars statue steak "
        "steam stone store storm street stripes sugar summer sunny sunrise sunset surfing sweet swim swimming swing "
        "table tall teacher tennis tent theatre tiger toast tours tower town track traffic train tree trees trip "
        "truck tulip tunnel turkey turtle uncle under vase village violin vulture wagon walking wall water waves "
        "wedding whale wheel white wild window wine winter woman women wood wooden woods working world yacht yellow "
        "young zebra"
    ),
    places=_called(
        "united states | usa | america | united states of america",
        "united kingdom | uk | britain | great britain",
        "netherlands | the netherlands | holland",
        "czechia | czech republic",
        "turkey | turkiye",
        "united arab emirates | uae | emirates",
        "new york city | nyc | new york",
        "mexico city | cdmx",
        "washington d c | washington dc | washington",
    ),
)


GERMAN = Speech(
    code="de",
    months=_numbered(
        "januar janner jan",
        "februar feber feb",
        "marz maerz",
        "april apr",
        "mai",
        "juni jun",
        "juli jul",
        "august aug",
        "september sep sept",
        "oktober okt",
        "november nov",
        "dezember dez",
        start=1,
    ),
    shy_months=_words("april august mai juni jan jun jul aug sep apr feb"),
    weekdays=_numbered(
        "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag sonnabend", "sonntag", start=0
    ),
    weekly={
        **{
            phrase: (number,)
            for number, days in enumerate(
                ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag sonnabend", "sonntag")
            )
            for day in days.split()
            for phrase in ((f"{day}s",), (f"{day}en",), ("jeden", day))
        },
        ("wochenende",): (5, 6),
        ("wochenenden",): (5, 6),
        ("jedes", "wochenende"): (5, 6),
        ("werktags",): (0, 1, 2, 3, 4),
    },
    shy_weekly=_words("wochenende"),
    seasons={
        "fruhling": (301, 531),
        "fruhjahr": (301, 531),
        "sommer": (601, 831),
        "herbst": (901, 1130),
        "winter": (1201, 229),
    },
    holidays={
        ("weihnachten",): (1224, 1226),
        ("heiligabend",): (1224, 1224),
        ("heilig", "abend"): (1224, 1224),
        ("silvester",): (1231, 1231),
        ("neujahr",): (101, 101),
        ("halloween",): (1031, 1031),
        ("valentinstag",): (214, 214),
        ("nikolaus",): (1206, 1206),
        ("nikolaustag",): (1206, 1206),
        ("sylvester",): (1231, 1231),
        ("tag", "der", "arbeit"): (501, 501),
        ("allerheiligen",): (1101, 1101),
        ("tag", "der", "deutschen", "einheit"): (1003, 1003),
    },
    easter={
        ("ostern",): (-2, 1),
        ("palmsonntag",): (-7, -7),
        ("grundonnerstag",): (-3, -3),
        ("karfreitag",): (-2, -2),
        ("ostersonntag",): (0, 0),
        ("ostermontag",): (1, 1),
        ("pfingsten",): (49, 50),
        ("pfingstsonntag",): (49, 49),
        ("pfingstmontag",): (50, 50),
        ("himmelfahrt",): (39, 39),
        ("christi", "himmelfahrt"): (39, 39),
        ("fronleichnam",): (60, 60),
        ("aschermittwoch",): (-46, -46),
        ("vatertag",): (39, 39),
        ("rosenmontag",): (-48, -48),
        ("karneval",): (-52, -47),
        ("fasching",): (-52, -47),
    },
    nth_weekdays={("muttertag",): (5, 6, 2), ("erntedank",): (10, 6, 1)},
    numbers=_numbered(
        "ein eine einem einer einen eines",
        "zwei",
        "drei",
        "vier",
        "funf",
        "sechs",
        "sieben",
        "acht",
        "neun",
        "zehn",
        "elf",
        "zwolf",
        start=1,
    ),
    few={("ein", "paar"): 3, ("paar",): 3, ("einigen",): 3, ("wenigen",): 3},
    units={
        "tag": "day",
        "tage": "day",
        "tagen": "day",
        "woche": "week",
        "wochen": "week",
        "monat": "month",
        "monate": "month",
        "monaten": "month",
        "jahr": "year",
        "jahres": "year",
        "jahre": "year",
        "jahren": "year",
    },
    days_ago={("heute",): 0, ("gestern",): 1, ("vorgestern",): 2},
    on_this_day=_phrases("diesem tag"),
    this=_words("dieser diese dieses diesen diesem"),
    last=_words(
        "letzter letzte letztes letzten letztem vergangener vergangene vergangenes vergangenen voriger vorige voriges "
        "vorigen"
    ),
    last_behind=_words(""),
    before_last=_words("vorletzter vorletzte vorletztes vorletzten vorletztem"),
    before_last_behind=_phrases(),
    nth=_numbered("erste erster erstes ersten", "zweite zweiter zweites zweiten", "dritte drittes dritten", start=1),
    past=_words(""),
    weekend=_words("wochenende"),
    portions={
        ("anfang",): (1, 4),
        ("mitte",): (5, 8),
        ("ende",): (9, 12),
        ("q1",): (1, 3),
        ("q2",): (4, 6),
        ("q3",): (7, 9),
        ("q4",): (10, 12),
    },
    ago_after=_words(""),
    ago_before=_words("vor"),
    into=_words("in im an am zu zum vom von wahrend uber um"),
    between=_words("zwischen von vom"),
    to=_words("bis"),
    bounds={
        "seit": "since",
        "ab": "since",
        "nach": "after",
        "neuer": "after",
        "vor": "before",
        "alter": "before",
        "bis": "until",
    },
    than=_words("als"),
    of=_words("des"),
    ordinals=("ter", "te", "ten"),
    decades=("er", "ern"),
    decades_named={"sechziger": 1960, "siebziger": 1970, "achtziger": 1980, "neunziger": 1990},
    unlike=_phrases("chinesisches neujahr", "orthodoxe weihnachten", "orthodoxe ostern"),
    times={
        ("am", "morgen"): (5, 11),
        ("morgens",): (5, 11),
        ("am", "vormittag"): (8, 12),
        ("vormittags",): (8, 12),
        ("am", "mittag"): (11, 14),
        ("mittags",): (11, 14),
        ("am", "nachmittag"): (12, 18),
        ("nachmittags",): (12, 18),
        ("am", "abend"): (17, 22),
        ("abends",): (17, 22),
        ("in", "der", "nacht"): (21, 5),
        ("bei", "nacht"): (21, 5),
        ("nachts",): (21, 5),
        ("um", "mitternacht"): (23, 1),
        ("nach", "mitternacht"): (0, 5),
    },
    parts_of_day={
        "fruh": (5, 11),
        "morgen": (5, 11),
        "vormittag": (8, 12),
        "mittag": (11, 14),
        "nachmittag": (12, 18),
        "abend": (17, 22),
        "nacht": (21, 5),
    },
    compounds={
        f"{day}{part}": (day, part)
        for day in ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")
        for part in ("morgen", "vormittag", "mittag", "nachmittag", "abend", "nacht")
    },
    clock={"uhr": None, "h": None},
    birthday=_words("geburtstag"),
    genitive="s",
    aged=_phrases("mit", "im alter von"),
    years_old=_phrases("jahre alt", "jahren", "jahre"),
    old=_words("alt"),
    when=_words("als"),
    was=_words("war wurde"),
    ages={
        ("als", "neugeborenes"): (0, 0),
        ("als", "baby"): (0, 1),
        ("als", "kleinkind"): (1, 3),
        ("als", "kind"): (1, 12),
        ("als", "teenager"): (13, 19),
    },
    and_=_words("und"),
    or_=_words("oder"),
    but=_words("aber"),
    not_=_words("nicht ohne kein keine keinen ausser ausserhalb weder"),
    not_phrases=_phrases(),
    nor=_words("noch"),
    articles=_words("der die das den dem des mein meine meinen meiner unser unsere ein eine einen einem einer als"),
    contracted=_words("im am vom zum zur beim ins"),
    near=_phrases("nahe", "in der nahe von", "in der nahe", "rund um"),
    within=_phrases("im umkreis von", "umkreis von", "innerhalb von", "bis zu", "weniger als"),
    kilometres={**_DISTANCES, "meilen": 1.609344, "meile": 1.609344},
    around=_words("um von bei gegen"),
    before_names=_words("in im bei nahe nach aus um mit von vom zu auf an am beim"),
    before_people=_words("mit von vom"),
    idle=_words(
        "in im bei nahe nach aus um mit von vom zu auf an am der die das den dem des mein meine meinen meiner unser "
        "unsere ein eine einen einem einer und oder aber aufgenommen fur wahrend nur alles alle zeig zeige mir wo wer "
        "ist sind ich mich wir uns war waren wann als bitte beim entweder neueste neuesten neue aktuelle aktuellen"
    ),
    travels=_words("reise reisen urlaub ferien ausflug besuch"),
    show=_words("zeig zeige such suche finde mir alle die meine unsere"),
    photos=_words("foto fotos photo photos bild bilder bildern aufnahme aufnahmen datei dateien"),
    of_photos=_words("von vom aufgenommen"),
    latest=_words("neueste neuesten neue neuen letzte letzten aktuelle aktuellen"),
    shy_favourite=ENGLISH.shy_favourite,
    favourite=ENGLISH.favourite | _words("favorit favoriten lieblingsfoto lieblingsfotos lieblingsbilder"),
    archived=ENGLISH.archived | _words("archiviert archivierte archivierten archiv"),
    filed=_phrases("archiviert", "archivierte", "archivierten", "im archiv", "aus dem archiv", "archiv"),
    shy_filed=_words("archiv"),
    faces=ENGLISH.faces | _words("gesicht gesichter gesichtern person personen menschen leute leuten jemand jemandem"),
    one_face=ENGLISH.one_face | _words("gesicht person"),
    nobody=_words("niemand niemanden niemandem"),
    located=ENGLISH.located | _words("ort position standort"),
    position=_words("gps ort standort"),
    captioned=ENGLISH.captioned | _words("beschreibung bildunterschrift"),
    moving=ENGLISH.moving | _words("bewegung"),
    raw=ENGLISH.raw | _words("rohdaten"),
    album=_words("album"),
    orientations={**ENGLISH.orientations}
    | _each(
        portrait="hochformat hochformatige hochkant portrait",
        landscape="querformat querformatige quer",
        square="quadrat quadratisch quadratische",
        panorama="panorama",
    ),
    genres=_words("portrait landscape"),
    oriented={
        ("hochformat",): "portrait",
        ("im", "hochformat"): "portrait",
        ("hochkant",): "portrait",
        ("querformat",): "landscape",
        ("im", "querformat"): "landscape",
        ("panoramen",): "panorama",
        ("panoramafotos",): "panorama",
        ("panoramabilder",): "panorama",
    },
    operators={**ENGLISH.operators}
    | _each(
        person="person mit",
        place="ort",
        country="land",
        region="bundesland",
        city="stadt",
        near="nahe",
        label="ding etikett",
        camera="kamera",
        album="album",
        type="typ format",
        orientation="ausrichtung",
        **{"is": "ist"},
        has="hat",
        before="vor",
        after="nach",
        since="seit ab von",
        until="bis",
        date="datum am jahr",
        month="monat",
        time="zeit",
    ),
    plurals={},
    plural_endings=(),
    common=_words(
        "abend alte altes auto bad bahn balkon ballon bar baum baume berg berge bergen blau blaue blick blume blumen "
        "boot braut brot brucke brucken bunt burg decke dorf dunkel eis eltern essen fahrrad familie farbe feier feld "
        "fenster feuer feuerwerk fisch fluss freunde fruh garten gelb gipfel gitarre glas gras gross grosse grun "
        "grune hafen halle hand haus hauser heft herbst himmel hochzeit hof holz hotel hund hunde hutte insel jacke "
        "junge kaffee kamin karte katze kerze kerzen kind kinder kino kirche kleid klein kleine konzert kuche kuchen "
        "kuste lachen lage lampe leer leute licht lichter madchen markt mauer meer menschen mond morgen mutter nacht "
        "nebel palme park pferd pflanze regen regenbogen reise rot rote rutsche salat sand schaf schatten schiff "
        "schild schloss schnee schneemann schule schwarz schwimmen segeln singen sonne sonnenuntergang spiegel spiel "
        "spielen spielplatz sport stadt stein steine stern sterne strand strasse sturm tanz tanzen teller theater "
        "tier tiere tisch torte turm urlaub vater vogel wald wandern wasser wasserfall weg weihnachtsbaum wein weiss "
        "welle wellen wetter wiese wolke wolken wuste zelt zimmer zoo"
    ),
    places=_each(
        austria="osterreich",
        australia="australien",
        belgium="belgien",
        brazil="brasilien",
        bulgaria="bulgarien",
        canada="kanada",
        croatia="kroatien",
        cyprus="zypern",
        czechia="tschechien",
        denmark="danemark",
        egypt="agypten",
        finland="finnland",
        france="frankreich",
        germany="deutschland",
        greece="griechenland",
        hungary="ungarn",
        iceland="island",
        india="indien",
        ireland="irland",
        italy="italien",
        jordan="jordanien",
        kenya="kenia",
        latvia="lettland",
        lithuania="litauen",
        mexico="mexiko",
        morocco="marokko",
        netherlands="niederlande",
        norway="norwegen",
        poland="polen",
        romania="rumanien",
        scotland="schottland",
        serbia="serbien",
        slovakia="slowakei",
        slovenia="slowenien",
        spain="spanien",
        sweden="schweden",
        switzerland="schweiz",
        turkey="turkei",
        ukraine="ukraine",
        bavaria="bayern",
        saxony="sachsen",
        tuscany="toskana",
        sicily="sizilien",
        sardinia="sardinien",
        andalusia="andalusien",
        crete="kreta",
        brittany="bretagne",
        california="kalifornien",
        tyrol="tirol",
        athens="athen",
        brussels="brussel",
        bucharest="bukarest",
        cologne="koln",
        copenhagen="kopenhagen",
        florence="florenz",
        geneva="genf",
        hanover="hannover",
        lisbon="lissabon",
        lucerne="luzern",
        milan="mailand",
        moscow="moskau",
        munich="munchen muenchen",
        naples="neapel",
        nice="nizza",
        nuremberg="nurnberg",
        prague="prag",
        rome="rom",
        venice="venedig",
        vienna="wien",
        warsaw="warschau",
        bruges="brugge",
        seville="sevilla",
        strasbourg="strassburg",
        tokyo="tokio",
        cairo="kairo",
    )
    | _called(
        "united states | vereinigte staaten | vereinigten staaten | amerika",
        "united kingdom | grossbritannien | vereinigtes konigreich",
        "netherlands | niederlanden",
        "new zealand | neuseeland",
        "south africa | sudafrika",
        "south korea | sudkorea",
        "sri lanka | ceylon",
        "united arab emirates | vereinigte arabische emirate",
        "lower saxony | niedersachsen",
        "north rhine westphalia | nordrhein westfalen | nrw",
        "rhineland palatinate | rheinland pfalz",
        "thuringia | thuringen",
        "south tyrol | sudtirol",
        "catalonia | katalonien",
        "corsica | korsika",
        "majorca | mallorca",
    ),
    labels={
        "person": "person menschen",
        "bicycle": "fahrrad fahrrader rad",
        "car": "auto autos",
        "motorcycle": "motorrad motorrader",
        "airplane": "flugzeug flugzeuge",
        "bus": "bus busse",
        "train": "zug zuge",
        "truck": "lastwagen lkw",
        "boat": "boot boote",
        "traffic light": "ampel ampeln",
        "bench": "bank parkbank",
        "bird": "vogel vogeln",
        "cat": "katze katzen",
        "dog": "hund hunde hunden",
        "horse": "pferd pferde pferden",
        "sheep": "schaf schafe",
        "cow": "kuh kuhe",
        "elephant": "elefant elefanten",
        "bear": "bar baren",
        "zebra": "zebra zebras",
        "giraffe": "giraffe giraffen",
        "backpack": "rucksack rucksacke",
        "umbrella": "schirm schirme regenschirm",
        "handbag": "handtasche handtaschen",
        "tie": "krawatte krawatten",
        "suitcase": "koffer",
        "skis": "ski skier",
        "snowboard": "snowboard",
        "sports ball": "ball balle",
        "kite": "drachen",
        "surfboard": "surfbrett",
        "bottle": "flasche flaschen",
        "wine glass": "weinglas weinglaser",
        "cup": "tasse tassen",
        "fork": "gabel gabeln",
        "knife": "messer",
        "spoon": "loffel",
        "bowl": "schussel schusseln",
        "banana": "banane bananen",
        "apple": "apfel",
        "orange": "orange orangen",
        "carrot": "karotte karotten mohre mohren",
        "pizza": "pizza pizzen",
        "cake": "kuchen torte torten",
        "chair": "stuhl stuhle",
        "couch": "sofa sofas",
        "potted plant": "topfpflanze topfpflanzen",
        "bed": "bett betten",
        "dining table": "esstisch tisch",
        "toilet": "toilette",
        "tv": "fernseher",
        "laptop": "laptop laptops",
        "keyboard": "tastatur",
        "cell phone": "handy handys telefon",
        "oven": "ofen backofen",
        "sink": "waschbecken spule",
        "refrigerator": "kuhlschrank",
        "book": "buch bucher",
        "clock": "uhr uhren",
        "vase": "vase vasen",
        "scissors": "schere",
        "teddy bear": "teddy teddybar",
        "toothbrush": "zahnburste",
    },
)

SPEECHES = (ENGLISH, GERMAN)
"""In order of preference where two understand a query equally well."""

EVERYDAY = frozenset().union(*(speech.common for speech in SPEECHES))
"""The common words of all languages: none of them is a misspelt name in another."""


_NO_WORDS = {"code", "places", "labels", "plurals", "plural_endings", "ordinals", "decades", "genitive"}


def _facts(speech: Speech) -> dict[str, set[tuple[object, ...]]]:
    """What a language says of each word of its own: in which fields it stands, in which phrase, and for what."""
    found: dict[str, set[tuple[object, ...]]] = {}
    for entry in fields(speech):
        # Names of places are those of all languages, labels are looked up by themselves, and endings are no words.
        if entry.name in _NO_WORDS:
            continue
        value = getattr(speech, entry.name)
        for key in value:
            meaning = value[key] if isinstance(value, Mapping) else None
            for word in (key,) if isinstance(key, str) else key:
                found.setdefault(word, set()).add((entry.name, key, meaning))
    return found


@lru_cache(maxsize=16)
def own_words(speech: Speech, other: Speech) -> frozenset[str]:
    """The words of a language that mean something else, or nothing, in another one."""
    theirs = _facts(other)
    return frozenset(word for word, facts in _facts(speech).items() if not facts <= theirs.get(word, set()))
