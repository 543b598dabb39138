"""What a trip's album is called and why it is there. Pure.

A road trip sleeps in one place after another, a cruise spends its days at sea; anything else is named after its cities
or countries, without those of home.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from itertools import pairwise
from typing import Any

from photovault import titles
from photovault.drafts import Draft, Parameters, Photo, Place, Position, make, position
from photovault.globe import distance_km
from photovault.homes import Home
from photovault.languages import Language
from photovault.trips import Trip

# Regions that hold so much of a trip stand for all of it.
_MOST = 0.8


def draft_trip(trip: Trip, photos: Sequence[Photo], homes: Sequence[Home], rules: Parameters, words: Language) -> Draft:
    """The album of a trip. ``photos`` are all that the trip's indices mean, ``homes`` all that there are."""
    taken = [photos[n] for n in trip.photos]
    placed = [photo.place for photo in taken if photo.place is not None and not photo.place_estimated]
    at_home = {home.country_code for home in homes if not home.provisional}
    far = [km for km in trip.km if km is not None and math.isfinite(km)]
    why: dict[str, Any] = {
        "rule": "trip",
        "first": [taken[0].local.isoformat(), str(taken[0].id)],
        "last": [taken[-1].local.isoformat(), str(taken[-1].id)],
        "begun_by": trip.begun_by,
        "ended_by": trip.ended_by,
        "farthest_km": round(max(far)) if far else None,
        "cities": dict(Counter(place[3] for place in placed if place[3])),
        "unlocated": trip.km.count(None),
        "parameters": {
            key: value
            for key, value in asdict(rules).items()
            if key.startswith(("trip_", "roam_", "join_", "home_radius"))
        },
        **_manner(taken, rules),
    }
    if trip.left_out:
        why["except"] = [list(at) for at in trip.left_out]
    first_day, last_day = min(p.local_day for p in taken), max(p.local_day for p in taken)
    title = titles.trip(_journey(placed, at_home, first_day, last_day, manner=why.get("manner"), rules=rules), words)
    key = f"trip:{taken[0].local.isoformat()}:{taken[0].id}"
    return make("trip", key, title, photos=taken, why=why, reasons=_reasons(taken, trip.km))


def _journey(
    placed: Sequence[Place],
    at_home: set[str | None],
    first: date,
    last: date,
    *,
    manner: str | None,
    rules: Parameters,
) -> titles.Journey:
    """Abroad, nothing at home is named; at home, regions are and the country is not."""
    abroad = [place for place in placed if place[0] and place[0] not in at_home]
    named = abroad or placed
    visited = Counter(place[3] for place in named if place[3])
    enough = rules.trip_city_share * sum(visited.values())
    in_order = dict.fromkeys(place[:3] for place in named if place[0])
    countries = list(dict.fromkeys(country or code for code, country, _ in in_order))
    if not abroad and manner != "road-trip":
        countries = []
    often = Counter(place[2] for place in named if place[2])
    regions = [region for region in often if often[region] >= enough]
    if sum(often[region] for region in regions) < _MOST * often.total():
        regions = []
    return titles.Journey(
        first,
        last,
        cities=[city for city, count in visited.items() if count >= enough],
        regions=regions,
        countries=countries,
        manner=manner,
    )


def _reasons(photos: Sequence[Photo], away: Sequence[float | None]) -> list[dict[str, Any]]:
    """Why each photo is on the trip: its position, or the nearest photo of the trip that has one."""
    known: dict[tuple[Place | None, int | None], dict[str, Any]] = {}
    located = [n for n, km in enumerate(away) if km is not None]
    reasons: list[dict[str, Any]] = []
    at = 0  # the first located photo that is not before this one
    for n, (photo, km) in enumerate(zip(photos, away, strict=True)):
        while at < len(located) and located[at] < n:
            at += 1
        if km is not None:
            whole = round(km) if math.isfinite(km) else None
            key = (photo.place, whole)
            if key not in known:
                known[key] = _by_place(photo, whole)
            reasons.append(known[key])
        else:
            around = [located[side] for side in (at - 1, at) if 0 <= side < len(located)]
            reasons.append(_by_time(photo, [photos[near] for near in around]))
    return reasons


def _by_place(photo: Photo, km: int | None) -> dict[str, Any]:
    told: dict[str, Any] = {"by": "place", "km_from_home": km}
    if photo.place is not None and photo.place[3]:
        told["place"] = photo.place[3]
    elif _is_at_sea(photo):
        told["sea"] = True
    return told


def _by_time(photo: Photo, around: Sequence[Photo]) -> dict[str, Any]:
    """The photo nearest in time; of two the earlier one."""
    if not around:
        return {"by": "time"}
    near = min(around, key=lambda other: abs(other.local - photo.local))
    seconds = (photo.local - near.local).total_seconds()
    told: dict[str, Any] = {"by": "time", "minutes": round(abs(seconds) / 60), "after": near is around[0]}
    if seconds:
        told["after"] = seconds > 0
    if near.place is not None and near.place[3]:
        told["place"] = near.place[3]
    return told


# ---- road trips and cruises ------------------------------------------------------------------------------------------


def _is_at_sea(photo: Photo) -> bool:
    return position(photo) is not None and photo.place is None


def _manner(photos: Sequence[Photo], rules: Parameters) -> Mapping[str, Any]:
    """``manner`` with the numbers that tell it, or nothing."""
    nights: dict[date, Position] = {}
    sea: set[date] = set()
    land = False
    for photo in photos:
        at = position(photo)
        if at is not None:
            nights[photo.local_day] = at
            land = land or photo.place is not None
            if photo.place is None:
                sea.add(photo.local_day)
    # Where no place is known at all, nothing tells the sea from the land.
    if land and len(sea) >= max(2, rules.cruise_share * len(nights)) and len(nights) >= 3:
        return {"manner": "cruise", "days_at_sea": len(sea)}
    hops = [distance_km(one, other) for one, other in pairwise(nights.values())]
    stops = 1 + sum(km > rules.road_stop_km for km in hops)
    driven = [km for km in hops if km <= rules.road_hop_km]
    moving = stops >= rules.road_stops and rules.road_nights * (stops - 1) >= len(hops)
    if moving and len(driven) >= len(hops) - 2:  # there and back again may be by air
        return {"manner": "road-trip", "stops": stops, "way_km": round(sum(driven))}
    return {}
