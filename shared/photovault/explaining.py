"""Explanations of automatic albums in sentences that a person understands. Pure.

Reads the ``why`` of albums and memberships as ``drafting`` makes it, and as it was made before: what an explanation
does not hold is not told, and nothing in it raises. The words are those of ``languages``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from photovault import languages, titles
from photovault.languages import Language

_RULES = frozenset({"place", "date", "person", "trip", "event"})


def explain(kind: str, why: Mapping[str, Any], *, language: str = "en") -> list[str]:
    """Why an album is there, in sentences: what it holds, and what began and ended it.

    ``kind`` is the album's, ``why`` its explanation (empty for one made by hand), ``language`` a tag such as ``de-AT``.
    """
    words = languages.find(language)
    rule = why.get("rule")
    if rule == "place":
        return _place(why, words)
    if rule == "date":
        return [_date(why, words)]
    if rule == "person":
        return [_named("person", why, words)]
    if rule == "trip":
        return [*_trip(why, words), *_boundaries(why, words)]
    if rule == "event":
        return [*_event(why, words), *_boundaries(why, words)]
    return [words.sentences[kind if kind in {"manual", "smart"} else "automatic"]]


def explain_member(kind: str, why: Mapping[str, Any], *, language: str = "en") -> str:
    """Why one photo is in an album of this kind, in a sentence; ``why`` is the membership's."""
    words = languages.find(language)
    say = words.sentences
    place = why.get("place") or why.get("city")
    if kind == "place" and place:
        return say["member-place-estimated" if why.get("source") == "estimated" else "member-place"].format(place=place)
    if kind == "date" and (day := _day(why.get("local_day"))):
        return say["member-day"].format(when=titles.day(day, words))
    if kind == "person":
        return _named("member-person", why, words)
    if why.get("by") == "place":
        return _measured(why, words)
    if why.get("by") == "time" and (minutes := _number(why.get("minutes"))) is not None:
        side = "after" if why.get("after", True) else "before"
        name = f"member-{side}" if place else f"member-{side}-nowhere"
        return say[name].format(duration=duration(minutes / 60, words), place=place)
    return say["member-time" if kind in _RULES else "member-manual"]


# ---- one rule each ---------------------------------------------------------------------------------------------------


def _place(why: Mapping[str, Any], words: Language) -> list[str]:
    city = why.get("level") == "city"
    names = [why.get("city"), why.get("country")] if city else [why.get("country")]
    place = ", ".join(dict.fromkeys(name for name in names if name)) or str(why.get("country_code") or "")
    said = [words.sentences["place-city" if city else "place-country"].format(place=place)]
    if why.get("estimated") and why.get("photos"):
        said.append(words.sentences["place-estimated"].format(count=why["estimated"], photos=why["photos"]))
    return said


def _date(why: Mapping[str, Any], words: Language) -> str:
    value = str(why.get("value", ""))
    day = _day(value[:10] if len(value) >= 10 else f"{value}-01" if len(value) == 7 else f"{value}-01-01")
    if day is None:
        return words.sentences["date"].format(when=value)
    if why.get("level") == "day" and (least := _parameters(why).get("day_photos")):
        return words.sentences["date-day"].format(when=titles.day(day, words), least=least)
    when = {"year": str(day.year), "month": titles.month(day, words)}.get(str(why.get("level")), titles.day(day, words))
    return words.sentences["date"].format(when=when)


def _named(sentence: str, why: Mapping[str, Any], words: Language) -> str:
    if why.get("name"):
        return words.sentences[sentence].format(name=why["name"])
    return words.sentences[f"{sentence}-unnamed"]


def _trip(why: Mapping[str, Any], words: Language) -> list[str]:
    say = words.sentences
    farthest = _number(why.get("farthest_km"))
    said = [say["trip-homeless" if farthest is None else "trip"].format(span=_span(why, words))]
    cities = why.get("cities")
    if isinstance(cities, Mapping) and cities:
        often = sorted(cities, key=lambda city: (-(_number(cities[city]) or 0), city))
        listed = titles.listing(often, words) if len(often) <= 5 else _more(often[:5], words)
        said.append(say["trip-places"].format(places=listed))
    if farthest:
        said.append(say["trip-farthest"].format(km=kilometres(farthest, words)))
    if why.get("manner") == "road-trip":
        said.append(
            say["trip-road"].format(stops=why.get("stops"), km=kilometres(_number(why.get("way_km")) or 0, words))
        )
    if why.get("manner") == "cruise":
        said.append(say["trip-cruise"].format(days=why.get("days_at_sea")))
    if why.get("unlocated"):
        said.append(say["trip-unlocated"].format(count=why["unlocated"]))
    if why.get("except"):
        said.append(say["trip-clock"])
    return said


def _event(why: Mapping[str, Any], words: Language) -> list[str]:
    say, within = words.sentences, ""
    if (minutes := _number(why.get("minutes"))) is not None:
        within = say["span-within"].format(duration=duration(minutes / 60, words))
    said = [say["event"].format(span=within + _span(why, words))]
    if why.get("birthday_of"):
        said.append(say["event-birthday"].format(name=why["birthday_of"]))
    return said


# ---- boundaries ------------------------------------------------------------------------------------------------------


def _boundaries(why: Mapping[str, Any], words: Language) -> list[str]:
    return [
        _boundary(side, why[key], words) for side, key in (("began", "begun_by"), ("ended", "ended_by")) if why.get(key)
    ]


def _boundary(side: str, boundary: object, words: Language) -> str:
    """A gap, a hop, a home; what was explained before in a few words of English is told as it is."""
    say = words.sentences
    if not isinstance(boundary, Mapping) or f"{side}-{boundary.get('by')}" not in say:
        return say[f"{side}-other"].format(text=boundary.get("by") if isinstance(boundary, Mapping) else boundary)
    name = say["home-place"].format(place=boundary["place"]) if boundary.get("place") else ""
    return say[f"{side}-{boundary['by']}"].format(
        place=name,
        period=_period(boundary, words),
        duration=duration(_number(boundary.get("hours")) or 0, words),
        km=kilometres(_number(boundary.get("km")) or 0, words),
        limit=_limit(boundary, words),
    )


def _period(boundary: Mapping[str, Any], words: Language) -> str:
    first, last = _day(boundary.get("from")), _day(boundary.get("to"))
    if boundary.get("provisional"):
        return words.sentences["home-provisional"]
    if first and last:
        return words.sentences["home-period"].format(first=titles.month(first, words), last=titles.month(last, words))
    return words.sentences["home-since"].format(first=titles.month(first, words)) if first else ""


def _limit(boundary: Mapping[str, Any], words: Language) -> str:
    if (hours := _number(boundary.get("limit_hours"))) is not None:
        return words.sentences["gap-limit"].format(duration=duration(hours, words))
    if (minutes := _number(boundary.get("usual_minutes"))) is not None:
        return words.sentences["gap-usual"].format(duration=duration(minutes / 60, words))
    return ""


def _measured(why: Mapping[str, Any], words: Language) -> str:
    place, km = why.get("place") or why.get("city"), _number(why.get("km_from_home"))
    if km is None:
        return words.sentences["member-place"].format(place=place) if place else words.sentences["member-measured"]
    name = "member-away" if place else "member-sea" if why.get("sea") else "member-away-nowhere"
    return words.sentences[name].format(place=place, km=kilometres(km, words))


# ---- numbers and days ------------------------------------------------------------------------------------------------


def duration(hours: float, words: Language) -> str:
    """``40 minutes``, ``1.5 hours``, ``14 hours``, ``3 days``."""
    for unit, length, from_hours in (("day", 24.0, 47.5), ("hour", 1.0, 59.5 / 60), ("minute", 1 / 60, 0.5 / 60)):
        if hours >= from_hours:
            value = hours / length
            rounded = round(value, 0 if unit == "minute" or value >= 9.95 else 1)
            return _counted(unit, rounded, words)
    return words.units["second"][0]


def kilometres(km: float, words: Language) -> str:
    """``2,300 km``."""
    return _counted("km", round(float(km)), words)


def _counted(unit: str, value: float, words: Language) -> str:
    text = f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
    text = text.translate({ord(","): words.thousands, ord("."): words.decimal})
    return words.units[unit][value != 1].format(n=text)


def _more(names: list[str], words: Language) -> str:
    return words.titles["more"].format(names=", ".join(names))


def _span(why: Mapping[str, Any], words: Language) -> str:
    """From the time of the first photo to that of the last one."""
    first, last = (_moment(why.get(end), words) for end in ("first", "last"))
    return words.sentences["span"].format(first=first, last=last) if first and last else ""


def _moment(end: object, words: Language) -> str | None:
    try:
        at = datetime.fromisoformat(str(end[0])) if isinstance(end, list | tuple) and end else None
    except ValueError:
        return None
    return words.sentences["moment"].format(day=titles.day(at, words), clock=f"{at:%H:%M}") if at else None


def _number(value: object) -> float | None:
    """A number that can be counted with, in explanations that anybody may have written."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _parameters(why: Mapping[str, Any]) -> Mapping[str, Any]:
    found = why.get("parameters")
    return found if isinstance(found, Mapping) else {}
