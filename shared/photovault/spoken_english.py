"""The English words of search queries. Pure."""

from __future__ import annotations

from photovault import emoji
from photovault.spoken_words import DISTANCES, Speech, called, each, numbered, phrases, words

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ENGLISH = Speech(
    code="en",
    months=numbered(
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
    shy_months=words("may march april june august jan mar jun sep dec apr feb jul aug"),
    weekdays=numbered("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", start=0),
    weekly={
        **{(f"{day}s",): (number,) for number, day in enumerate(_WEEK)},
        ("every", "weekend"): (5, 6),
        ("weekends",): (5, 6),
        ("weekend",): (5, 6),
        ("weekdays",): (0, 1, 2, 3, 4),
        **{("every", day): (number,) for number, day in enumerate(_WEEK)},
    },
    shy_weekly=words("weekend"),
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
    numbers=numbered(
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
    on_this_day=phrases("this day"),
    this=words("this"),
    last=words("last past previous"),
    last_behind=words(""),
    before_last=words(""),
    before_last_behind=phrases("before last"),
    nth=numbered("first", "second", "third", "fourth", "fifth", start=1),
    past=words("past"),
    weekend=words("weekend"),
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
    ago_after=words("ago"),
    ago_before=words(""),
    into=words("in on during at from of over around"),
    between=words("between from"),
    to=words("to until till through"),
    bounds={
        "since": "since",
        "after": "after",
        "newer": "after",
        "before": "before",
        "older": "before",
        "until": "until",
        "till": "until",
    },
    than=words("than"),
    of=words("of"),
    ordinals=("st", "nd", "rd", "th"),
    decades=("s",),
    decades_named={"sixties": 1960, "seventies": 1970, "eighties": 1980, "nineties": 1990, "noughties": 2000},
    unlike=phrases(
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
    birthday=words("birthday bday"),
    genitive="s",
    aged=phrases(
        "at", "aged", "at age", "at the age of", "age", "turning", "turns", "turned", "when she was", "when he was"
    ),
    years_old=phrases("years old", "year old", "yrs old", "y o", "yo"),
    old=words("old"),
    when=words("when"),
    was=words("was turned"),
    ages={
        ("as", "a", "newborn"): (0, 0),
        ("as", "a", "baby"): (0, 1),
        ("as", "a", "toddler"): (1, 3),
        ("as", "a", "child"): (1, 12),
        ("as", "a", "kid"): (1, 12),
        ("as", "a", "teenager"): (13, 19),
        ("as", "a", "teen"): (13, 19),
    },
    and_=words("and"),
    or_=words("or"),
    but=words("but"),
    not_=words("not without except excluding no outside neither"),
    not_phrases=phrases("w o"),
    nor=words("nor"),
    articles=words("the my our a an any than"),
    contracted=words(""),
    near=phrases("near", "close to", "nearby"),
    within=phrases("within", "in a radius of", "less than", "up to"),
    kilometres={**DISTANCES, "miles": 1.609344, "mile": 1.609344, "mi": 1.609344},
    around=words("of from around to near"),
    before_names=words("in at near from around with of by on featuring"),
    before_people=words("with of by featuring"),
    idle=words(
        "in at near from around with of by on featuring the my our a any and or but taken shot for to during s only "
        "just everything all show me find where who is are was were i we us myself both either took can could you "
        "please pls want see search looking when which that latest newest recent recently"
    ),
    travels=words("trip trips vacation vacations holiday holidays journey travel travels visit stay"),
    show=words("show find search me all the my our some for"),
    photos=words("photo photos picture pictures pic pics image images photograph photographs file files"),
    of_photos=words("of taken"),
    latest=words("latest newest recent last new"),
    favourite=words(f"favourite favourites favorite favorites starred {emoji.HEART}"),
    shy_favourite=words("favourite favorite"),
    archived=words("archived archive"),
    filed=phrases("archived", "in the archive", "in my archive", "in archive", "from the archive", "archive"),
    shy_filed=words("archive"),
    faces=words("face faces people person anybody anyone"),
    one_face=words("face person"),
    nobody=words("nobody"),
    located=words("gps location place position"),
    position=words("gps location"),
    captioned=words("caption captions description"),
    moving=words("motion film video live"),
    raw=words("raw"),
    album=words("album"),
    orientations=each(
        portrait="portrait vertical upright",
        landscape="landscape horizontal",
        square="square",
        panorama="panorama panoramic",
    ),
    genres=words("portrait landscape"),
    oriented={
        ("in", "portrait", "format"): "portrait",
        ("portrait", "format"): "portrait",
        ("portrait", "orientation"): "portrait",
        ("in", "landscape", "format"): "landscape",
        ("landscape", "format"): "landscape",
        ("landscape", "orientation"): "landscape",
        ("panoramas",): "panorama",
    },
    operators=each(
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
    common=words(
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
    places=called(
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
