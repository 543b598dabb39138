"""The words of titles and explanations, one language at a time: data, no rules. Pure.

Another language is another ``Language`` here and an entry in ``LANGUAGES``; ``titles`` and ``explaining`` know none of
its words. Templates are ``str.format`` with names; English has every template, and the tests want the same names of
fields in every other language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Holiday:
    """A day of every year that people name albums after; ``from_hour``: earlier that day is not meant yet."""

    month: int
    day: int
    name: str
    from_hour: int = 0


@dataclass(frozen=True)
class Language:
    """``sibilants``: endings of names that take the other form of a birthday. ``thousands`` and ``decimal``: how
    numbers are written."""

    code: str
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    thousands: str
    decimal: str
    also: str
    """Between the last two names of a list."""
    sibilants: tuple[str, ...]
    holidays: tuple[Holiday, ...]
    titles: Mapping[str, str]
    sentences: Mapping[str, str]
    units: Mapping[str, tuple[str, str]]
    """One and many."""


ENGLISH = Language(
    code="en",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    thousands=",",
    decimal=".",
    also=" & ",
    sibilants=(),
    holidays=(
        Holiday(12, 24, "Christmas Eve", 14),
        Holiday(12, 25, "Christmas"),
        Holiday(12, 31, "New Year's Eve", 17),
        Holiday(1, 1, "New Year's Day"),
    ),
    titles={
        "day": "{day} {month} {year}",
        "month": "{month} {year}",
        "days-of-a-month": "{first}–{last} {month} {year}",
        "days-of-a-year": "{first} {first_month} – {last} {month} {year}",
        "months-of-a-year": "{first_month}–{month} {year}",
        "from-to": "{first} – {last}",
        "more": "{names} & more",
        "nobody": "Unnamed person",
        "trip": "{where}, {when}",
        "trip-nowhere": "Trip, {when}",
        "weekend": "Weekend in {where}, {when}",
        "weekend-nowhere": "Weekend away, {when}",
        "road-trip": "Road trip through {where}, {when}",
        "cruise": "Cruise to {where}, {when}",
        "cruise-nowhere": "Cruise, {when}",
        "holiday": "{holiday} {year}",
        "holiday-place": "{holiday} in {where}, {year}",
        "birthday": "{name}'s birthday, {when}",
        "birthday-sibilant": "{name}'s birthday, {when}",
        "day-trip": "Day trip to {where}, {when}",
        "day-out": "Day out, {when}",
        "part-people": "{part} with {people}, {when}",
        "part-place": "{part} in {where}, {when}",
        "part-alone": "{weekday} {part_within}, {when}",
        "day-alone": "{weekday}, {when}",
        "people-place": "{people} in {where}, {when}",
        "days-people": "With {people}, {when}",
        "days-place": "{where}, {when}",
        "days-alone": "{when}",
        "weekend-people": "Weekend with {people}, {when}",
        "weekend-alone": "Weekend, {when}",
        "morning": "Morning",
        "afternoon": "Afternoon",
        "evening": "Evening",
        "whole-day": "Day",
        "morning-within": "morning",
        "afternoon-within": "afternoon",
        "evening-within": "evening",
    },
    sentences={
        "manual": "You made this album.",
        "smart": "This album is a saved search and keeps itself up to date.",
        "automatic": "This album makes itself.",
        "place-city": "Photos taken in {place}.",
        "place-country": "Photos taken in {place}; there are several places of this country.",
        "place-estimated": "{count} of its {photos} photos have no position of their own: they are close in time to "
        "photos that were taken there.",
        "date": "Photos taken in {when}, by the day where they were taken.",
        "date-day": "Photos taken on {when}, by the day where they were taken; {least} make a day's album.",
        "person": "Photos that show {name}.",
        "person-unnamed": "Photos that show this person.",
        "trip": "Photos taken away from home, one after the other{span}.",
        "trip-homeless": "Photos of one journey{span}.",
        "trip-places": "They show {places}.",
        "trip-farthest": "The farthest one is {km} from home.",
        "trip-road": "It is a road trip: {stops} places, one after the other, over {km}.",
        "trip-cruise": "It is a cruise: {days} days with photos at sea.",
        "trip-clock": "A clock was off or a time zone was crossed: photos at home between its first and its last one "
        "are left out.",
        "trip-unlocated": "{count} photos without a position are in it by their time.",
        "event": "Photos close together in time{span}, apart from what you took before and after.",
        "event-birthday": "It is {name}'s birthday.",
        "began-home": "It begins after a photo at home{place}{period}, {duration} before its first one.",
        "ended-home": "It ends with a photo at home{place}{period}, {duration} after its last one.",
        "began-gap": "It begins after {duration} without a photo{limit}.",
        "ended-gap": "It ends with {duration} without a photo{limit}.",
        "began-hop": "It begins after a jump of {km} within {duration}.",
        "ended-hop": "It ends with a jump of {km} within {duration}.",
        "began-move": "It begins after a move of {km}: you stayed long in both places.",
        "ended-move": "It ends with a move of {km}: you stayed long in both places.",
        "began-trip": "It begins after a trip.",
        "ended-trip": "It ends with the beginning of a trip.",
        "began-first": "It begins with the first of your photos.",
        "ended-last": "It ends with the last of your photos.",
        "began-other": "Before it: {text}.",
        "ended-other": "After it: {text}.",
        "home-place": " in {place}",
        "home-since": " (since {first})",
        "home-period": " ({first} to {last})",
        "home-provisional": " (where you took most of your photos so far)",
        "gap-limit": "; more than {duration} is a break here",
        "gap-usual": "; photos around it are {duration} apart",
        "span": ", from {first} to {last}",
        "span-within": " within {duration}",
        "moment": "{day}, {clock}",
        "member-place": "Taken in {place}.",
        "member-place-estimated": "No position of its own; close in time to photos taken in {place}.",
        "member-day": "Taken on {when}.",
        "member-person": "Shows {name}.",
        "member-person-unnamed": "Shows this person.",
        "member-away": "Taken in {place}, {km} from home.",
        "member-away-nowhere": "Taken {km} from home.",
        "member-measured": "Its position lies on the way.",
        "member-sea": "Taken at sea, {km} from home.",
        "member-after": "No position; taken {duration} after one in {place}.",
        "member-before": "No position; taken {duration} before one in {place}.",
        "member-after-nowhere": "No position; taken {duration} after one of this trip.",
        "member-before-nowhere": "No position; taken {duration} before one of this trip.",
        "member-time": "Taken within its time.",
        "member-manual": "You put it here.",
    },
    units={
        "minute": ("{n} minute", "{n} minutes"),
        "hour": ("{n} hour", "{n} hours"),
        "day": ("{n} day", "{n} days"),
        "km": ("{n} km", "{n} km"),
        "second": ("less than a minute", "less than a minute"),
    },
)

GERMAN = Language(
    code="de",
    months=(
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    thousands=".",
    decimal=",",
    also=" & ",
    sibilants=("s", "ß", "x", "z", "ce"),
    holidays=(
        Holiday(12, 24, "Heiligabend", 14),
        Holiday(12, 25, "Weihnachten"),
        Holiday(12, 31, "Silvester", 17),
        Holiday(1, 1, "Neujahr"),
    ),
    titles={
        "day": "{day}. {month} {year}",
        "month": "{month} {year}",
        "days-of-a-month": "{first}.–{last}. {month} {year}",
        "days-of-a-year": "{first}. {first_month} – {last}. {month} {year}",
        "months-of-a-year": "{first_month}–{month} {year}",
        "from-to": "{first} – {last}",
        "more": "{names} & mehr",
        "nobody": "Person ohne Namen",
        "trip": "{where}, {when}",
        "trip-nowhere": "Reise, {when}",
        "weekend": "Wochenende in {where}, {when}",
        "weekend-nowhere": "Wochenendausflug, {when}",
        "road-trip": "Rundreise durch {where}, {when}",
        "cruise": "Kreuzfahrt nach {where}, {when}",
        "cruise-nowhere": "Kreuzfahrt, {when}",
        "holiday": "{holiday} {year}",
        "holiday-place": "{holiday} in {where}, {year}",
        "birthday": "{name}s Geburtstag, {when}",
        "birthday-sibilant": "Geburtstag von {name}, {when}",
        "day-trip": "Tagesausflug nach {where}, {when}",
        "day-out": "Tagesausflug, {when}",
        "part-people": "{part} mit {people}, {when}",
        "part-place": "{part} in {where}, {when}",
        "part-alone": "{weekday}{part_within}, {when}",
        "day-alone": "{weekday}, {when}",
        "people-place": "{people} in {where}, {when}",
        "days-people": "Mit {people}, {when}",
        "days-place": "{where}, {when}",
        "days-alone": "{when}",
        "weekend-people": "Wochenende mit {people}, {when}",
        "weekend-alone": "Wochenende, {when}",
        "morning": "Vormittag",
        "afternoon": "Nachmittag",
        "evening": "Abend",
        "whole-day": "Tag",
        "morning-within": "vormittag",
        "afternoon-within": "nachmittag",
        "evening-within": "abend",
    },
    sentences={
        "manual": "Dieses Album hast du angelegt.",
        "smart": "Dieses Album ist eine gespeicherte Suche und hält sich selbst aktuell.",
        "automatic": "Dieses Album entsteht von selbst.",
        "place-city": "Fotos aus {place}.",
        "place-country": "Fotos aus {place}; es gibt mehrere Orte in diesem Land.",
        "place-estimated": "{count} der {photos} Fotos haben keine eigene Position: Sie entstanden kurz vor oder nach "
        "Fotos von dort.",
        "date": "Fotos aus dem Zeitraum {when}, nach dem Kalendertag am Ort der Aufnahme.",
        "date-day": "Fotos vom {when}, nach dem Kalendertag am Ort der Aufnahme; ab {least} Fotos hat ein Tag ein "
        "Album.",
        "person": "Fotos, auf denen {name} zu sehen ist.",
        "person-unnamed": "Fotos, auf denen diese Person zu sehen ist.",
        "trip": "Fotos fern von zu Hause, eines nach dem anderen{span}.",
        "trip-homeless": "Fotos einer Reise{span}.",
        "trip-places": "Sie zeigen {places}.",
        "trip-farthest": "Das fernste liegt {km} von zu Hause.",
        "trip-road": "Es ist eine Rundreise: {stops} Orte nacheinander, {km} weit.",
        "trip-cruise": "Es ist eine Kreuzfahrt: {days} Tage mit Fotos auf See.",
        "trip-clock": "Eine Uhr ging falsch oder eine Zeitzone wurde gewechselt: Fotos von zu Hause zwischen dem "
        "ersten und dem letzten gehören nicht dazu.",
        "trip-unlocated": "{count} Fotos ohne Position gehören durch ihre Zeit dazu.",
        "event": "Fotos in dichter Folge{span}, abgesetzt von dem davor und danach.",
        "event-birthday": "Es ist der Geburtstag von {name}.",
        "began-home": "Es beginnt nach einem Foto zu Hause{place}{period}, im Abstand von {duration} vor dem ersten.",
        "ended-home": "Es endet mit einem Foto zu Hause{place}{period}, im Abstand von {duration} nach dem letzten.",
        "began-gap": "Es beginnt nach {duration} ohne Foto{limit}.",
        "ended-gap": "Es endet mit {duration} ohne Foto{limit}.",
        "began-hop": "Es beginnt nach einem Sprung von {km} innerhalb von {duration}.",
        "ended-hop": "Es endet mit einem Sprung von {km} innerhalb von {duration}.",
        "began-move": "Es beginnt nach einem Ortswechsel von {km}: An beiden Orten warst du lange.",
        "ended-move": "Es endet mit einem Ortswechsel von {km}: An beiden Orten warst du lange.",
        "began-trip": "Es beginnt nach einer Reise.",
        "ended-trip": "Es endet mit dem Beginn einer Reise.",
        "began-first": "Es beginnt mit deinem ersten Foto.",
        "ended-last": "Es endet mit deinem letzten Foto.",
        "began-other": "Davor: {text}.",
        "ended-other": "Danach: {text}.",
        "home-place": " in {place}",
        "home-since": " (seit {first})",
        "home-period": " ({first} bis {last})",
        "home-provisional": " (wo bisher die meisten deiner Fotos entstanden)",
        "gap-limit": "; eine Pause beginnt hier ab {duration}",
        "gap-usual": "; ringsum folgen die Fotos im Abstand von {duration}",
        "span": ", von {first} bis {last}",
        "span-within": " innerhalb von {duration}",
        "moment": "{day}, {clock}",
        "member-place": "Aufgenommen in {place}.",
        "member-place-estimated": "Ohne eigene Position; entstand kurz vor oder nach Fotos aus {place}.",
        "member-day": "Aufgenommen am {when}.",
        "member-person": "Zeigt {name}.",
        "member-person-unnamed": "Zeigt diese Person.",
        "member-away": "Aufgenommen in {place}, {km} von zu Hause.",
        "member-away-nowhere": "Aufgenommen {km} von zu Hause.",
        "member-measured": "Die Position liegt auf dem Weg.",
        "member-sea": "Aufgenommen auf See, {km} von zu Hause.",
        "member-after": "Ohne Position; {duration} nach einem Foto aus {place}.",
        "member-before": "Ohne Position; {duration} vor einem Foto aus {place}.",
        "member-after-nowhere": "Ohne Position; {duration} nach einem Foto dieser Reise.",
        "member-before-nowhere": "Ohne Position; {duration} vor einem Foto dieser Reise.",
        "member-time": "Aufgenommen in dieser Zeit.",
        "member-manual": "Du hast es hierher gelegt.",
    },
    units={
        "minute": ("{n} Minute", "{n} Minuten"),
        "hour": ("{n} Stunde", "{n} Stunden"),
        "day": ("{n} Tag", "{n} Tagen"),
        "km": ("{n} km", "{n} km"),
        "second": ("unter einer Minute", "unter einer Minute"),
    },
)

LANGUAGES: Mapping[str, Language] = {language.code: language for language in (ENGLISH, GERMAN)}


def find(tag: str | None) -> Language:
    """The language of a tag such as ``de-AT`` or ``en_GB`` (BCP 47, POSIX); English when it is unknown."""
    return LANGUAGES.get((tag or "").replace("_", "-").split("-")[0].lower(), ENGLISH)
