"""Which photos a list holds: its filter, as conditions of SQL over ``images i``. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from photovault import moments
from photovault.cells import Box
from photovault.filters import Near, PlaceRef

Days = tuple[date | None, date | None]
"""Local days with their ends; None is open."""


@dataclass(frozen=True)
class Filter:
    """What a list of photos may be narrowed by; search uses the same. None means any; trash is never listed here.

    ``days`` are local days with their ends, None being open; ``yearly`` are month * 100 + day, the last day included,
    and run over New Year where the first is later. Of a field in the plural any may hold, but of ``person_ids`` and
    ``labels`` all (these from ``min_label_score`` upwards); of each group in ``any_person_ids`` and ``any_labels`` at
    least one. A photo with one of each group in ``unless_labels`` is left out. ``cameras`` are whole names, make and
    model in lower case. A photo without a place or a day is in none, so that every ``without`` keeps it.
    """

    album_id: UUID | None = None
    person_ids: tuple[UUID, ...] = ()
    without_person_ids: tuple[UUID, ...] = ()
    from_day: date | None = None
    to_day: date | None = None
    status: str | None = None
    favourite: bool | None = None
    archived: bool | None = False
    bbox: Box | None = None
    labels: tuple[str, ...] = ()
    min_label_score: float = 0.0
    without_labels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    has_faces: bool | None = None
    has_gps: bool | None = None
    has_caption: bool | None = None
    has_motion: bool | None = None
    days: tuple[Days, ...] = ()
    without_days: tuple[Days, ...] = ()
    yearly: tuple[tuple[int, int], ...] = ()
    without_yearly: tuple[tuple[int, int], ...] = ()
    places: tuple[PlaceRef, ...] = ()
    without_places: tuple[PlaceRef, ...] = ()
    any_person_ids: tuple[tuple[UUID, ...], ...] = ()
    any_labels: tuple[tuple[str, ...], ...] = ()
    unless_labels: tuple[tuple[str, ...], ...] = ()
    album_ids: tuple[UUID, ...] = ()
    without_album_ids: tuple[UUID, ...] = ()
    cameras: tuple[str, ...] = ()
    without_cameras: tuple[str, ...] = ()
    without_content_types: tuple[str, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    weekdays: tuple[int, ...] = ()
    near: tuple[Near, ...] = ()
    without_near: tuple[Near, ...] = ()
    orientations: tuple[str, ...] = ()


_ALL = Filter(archived=None)

# Whose the rows are is said here beside the policies, into whose sub-select the planner cannot look: it takes everybody
# for the average person, and reads a large library from end to end where a look at its first photos is enough.
_WITH = "EXISTS (SELECT FROM faces f WHERE f.user_id = current_person() AND {} AND f.image_id = i.id)"
_SHOWS = "EXISTS (SELECT FROM image_labels l WHERE l.user_id = current_person() AND {} AND l.image_id = i.id)"
_INSIDE = "EXISTS (SELECT FROM album_images m WHERE m.user_id = current_person() AND {} AND m.image_id = i.id)"
_MOVES = "EXISTS (SELECT FROM blobs b WHERE b.image_id = i.id AND b.name = 'motion')"
_CAMERA = "lower(concat_ws(' ', i.camera_make, i.camera_model))"
_MONTH_AND_DAY = "(extract(month FROM i.local_day) * 100 + extract(day FROM i.local_day))"


def conditions(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """The filter as SQL over ``images i`` and its parameters. Only constants of this module become SQL.

    ``bbox`` is west, south, east, north in degrees; west greater than east spans the antimeridian.
    """
    parts = ["i.user_id = current_person()", "i.deleted_at IS NULL"]
    parameters: dict[str, Any] = {}

    def add(sql: str, **values: Any) -> None:
        parts.append(sql)
        parameters.update(values)

    if wanted.status is None:
        add("i.status <> 'pending'")
    else:
        add("i.status = %(status)s", status=wanted.status)
    if wanted.archived is not None:
        add("i.archived = %(archived)s", archived=wanted.archived)
    if wanted.favourite is not None:
        add("i.favourite = %(favourite)s", favourite=wanted.favourite)
    if wanted.from_day is not None:
        add("i.local_day >= %(from_day)s", from_day=wanted.from_day)
    if wanted.to_day is not None:
        add("i.local_day <= %(to_day)s", to_day=wanted.to_day)
    if wanted.album_id is not None:
        add(
            "EXISTS (SELECT FROM album_images m JOIN albums a ON a.id = m.album_id AND a.deleted_at IS NULL "
            "WHERE m.user_id = current_person() AND m.album_id = %(album_id)s AND m.image_id = i.id)",
            album_id=wanted.album_id,
        )
    for number, person_id in enumerate(wanted.person_ids):
        name = f"person_{number}"
        add(_WITH.format(f"f.person_id = %({name})s"), **{name: person_id})
    if wanted.without_person_ids:
        without_people = _WITH.format("f.person_id = ANY(%(without_people)s)")
        add(f"NOT {without_people}", without_people=list(wanted.without_person_ids))
    sure = ""
    if wanted.min_label_score > 0:
        sure = " AND l.score >= %(min_label_score)s::real"
        parameters["min_label_score"] = wanted.min_label_score
    for number, label in enumerate(wanted.labels):
        name = f"label_{number}"
        add(_SHOWS.format(f"l.label = %({name})s{sure}"), **{name: label})
    if wanted.without_labels:
        without_labels = _SHOWS.format("l.label = ANY(%(without_labels)s)")
        add(f"NOT {without_labels}", without_labels=list(wanted.without_labels))
    # A photo is in one place: several wanted places of one kind are alternatives.
    places = []
    for column, values in (("country_code", wanted.countries), ("city", wanted.cities)):
        if values:
            places.append(f"i.{column} = ANY(%(in_{column})s)")
            parameters[f"in_{column}"] = list(values)
    if places:
        parts.append("(" + " OR ".join(places) + ")")
    if wanted.content_types:
        add("i.content_type = ANY(%(content_types)s)", content_types=list(wanted.content_types))
    if wanted.has_faces is not None:
        add("i.face_count > 0" if wanted.has_faces else "i.face_count = 0")
    if wanted.has_gps is not None:
        measured = "i.lat IS NOT NULL AND i.location_source IS DISTINCT FROM 'estimated'"
        add(measured if wanted.has_gps else f"NOT ({measured})")
    if wanted.has_caption is not None:
        add("i.caption <> ''" if wanted.has_caption else "(i.caption <> '') IS NOT TRUE")
    if wanted.has_motion is not None:
        add(_MOVES if wanted.has_motion else f"NOT {_MOVES}")
    for number, group in enumerate(wanted.any_person_ids):
        name = f"people_{number}"
        add(_WITH.format(f"f.person_id = ANY(%({name})s)"), **{name: list(group)})
    for number, names in enumerate(wanted.any_labels):
        name = f"labels_{number}"
        add(_SHOWS.format(f"l.label = ANY(%({name})s)"), **{name: list(names)})
    if wanted.unless_labels:
        every = []
        for number, names in enumerate(wanted.unless_labels):
            every.append(_SHOWS.format(f"l.label = ANY(%(unless_{number})s){sure if len(names) == 1 else ''}"))
            parameters[f"unless_{number}"] = list(names)
        add(f"NOT ({' AND '.join(every)})")
    if wanted.album_ids:
        add(_INSIDE.format("m.album_id = ANY(%(albums)s)"), albums=list(wanted.album_ids))
    if wanted.without_album_ids:
        outside = _INSIDE.format("m.album_id = ANY(%(no_albums)s)")
        add(f"NOT {outside}", no_albums=list(wanted.without_album_ids))
    # What is unknown about a photo is in no set: IS NOT TRUE keeps it where the set is excluded.
    for test, (sql, named) in (
        ("", _days(wanted.days, "days")),
        (" IS NOT TRUE", _days(wanted.without_days, "no_days")),
        ("", _yearly(wanted.yearly, "yearly")),
        (" IS NOT TRUE", _yearly(wanted.without_yearly, "no_yearly")),
        ("", _places(wanted.places, "places")),
        (" IS NOT TRUE", _places(wanted.without_places, "no_places")),
        ("", _hours(wanted.hours)),
        ("", _weekdays(wanted.weekdays)),
        ("", _near(wanted.near, "near")),
        (" IS NOT TRUE", _near(wanted.without_near, "not_near")),
        ("", (" OR ".join(_ORIENTATIONS[name] for name in wanted.orientations), {})),
    ):
        if sql:
            add(f"({sql}){test}", **named)
    if wanted.cameras:
        add(f"{_CAMERA} = ANY(%(cameras)s)", cameras=list(wanted.cameras))
    if wanted.without_cameras:
        add(f"{_CAMERA} <> ALL(%(no_cameras)s)", no_cameras=list(wanted.without_cameras))
    if wanted.without_content_types:
        add("i.content_type <> ALL(%(no_content_types)s)", no_content_types=list(wanted.without_content_types))
    if wanted.bbox is not None:
        west, south, east, north = wanted.bbox
        across = "OR" if west > east else "AND"
        add(
            f"i.lat BETWEEN %(south)s AND %(north)s AND (i.lon >= %(west)s {across} i.lon <= %(east)s)",
            west=west,
            south=south,
            east=east,
            north=north,
        )
    return " AND ".join(parts), parameters


def by_key(photo: str, where: str) -> str:
    """The photo of an id, which is SQL, if it fulfils conditions, as what follows FROM.

    Its key alone is used: to the planner, who takes everybody for the average person, few photos are of one place, and
    it would read all that are for each photo that is asked for.
    """
    return f"(SELECT * FROM images WHERE id = {photo} OFFSET 0) i WHERE {where}"


def named(wanted: Filter) -> str | None:
    """Photos of a filter that asks for people and labels alone, and some more, as SQL with the parameters above.

    From indexes that hold them, without a look at the photos: some may be archived, or the label too unsure. None for
    any other filter.
    """
    if replace(wanted, person_ids=(), labels=(), min_label_score=0.0, status=None, archived=None) != _ALL:
        return None
    faces = [
        f"faces WHERE user_id = current_person() AND person_id = %(person_{n})s" for n in range(len(wanted.person_ids))
    ]
    labels = [
        f"image_labels WHERE user_id = current_person() AND label = %(label_{n})s" for n in range(len(wanted.labels))
    ]
    return " INTERSECT ".join(f"SELECT DISTINCT image_id AS id FROM {rows}" for rows in (*faces, *labels)) or None


Alternatives = tuple[str, dict[str, Any]]
"""Conditions of which any may hold, as SQL over ``images i`` (empty for no condition), and their parameters."""


# Of the upright picture; a few pixels more on one side are still a square.
_ORIENTATIONS = {
    "portrait": "i.height > i.width * 1.02",
    "landscape": "i.width > i.height * 1.02",
    "square": "i.width BETWEEN i.height / 1.02 AND i.height * 1.02",
    "panorama": "greatest(i.width, i.height) >= 2 * least(i.width, i.height)",
}


_TAKEN = "i.taken_source <> ALL(%(times_of_files)s)"
_FILES = {"times_of_files": sorted(moments.TIMES_OF_FILES)}


def _hours(ranges: tuple[tuple[int, int], ...]) -> Alternatives:
    """Local hours. When a file was written or came says nothing of when the photo was taken, and the noon of a file's
    name stands for a day without a time (``datenames.NOON``)."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, (first, last) in enumerate(ranges):
        joint = "OR" if first > last else "AND"
        hour = "extract(hour FROM i.sort_at)"
        parts.append(f"({hour} >= %(hour_{number})s {joint} {hour} < %(hour_end_{number})s)")
        parameters |= {f"hour_{number}": first, f"hour_end_{number}": last}
    timed = f"{_TAKEN} AND NOT (i.taken_source = 'filename' AND i.sort_at::time = time '12:00')"
    return (f"{timed} AND ({' OR '.join(parts)})", parameters | _FILES) if parts else ("", {})


def _weekdays(days: tuple[int, ...]) -> Alternatives:
    """0 is Monday. As with hours, when a file was written or came says nothing."""
    sql = f"{_TAKEN} AND extract(isodow FROM i.local_day) = ANY(%(weekdays)s)"
    return (sql, {"weekdays": [day + 1 for day in days]} | _FILES) if days else ("", {})


def _near(circles: tuple[Near, ...], name: str) -> Alternatives:
    """Great-circle distance (haversine), behind a band of latitudes that needs no trigonometry."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, circle in enumerate(circles):
        lat, lon, km = (f"{name}_{what}_{number}" for what in ("lat", "lon", "km"))
        parts.append(
            f"(i.lat BETWEEN %({lat})s - %({km})s / 110.0 AND %({lat})s + %({km})s / 110.0 AND "
            f"12742 * asin(sqrt(least(1, sin(radians(i.lat - %({lat})s) / 2) ^ 2 + cos(radians(i.lat)) "
            f"* cos(radians(%({lat})s)) * sin(radians(i.lon - %({lon})s) / 2) ^ 2))) <= %({km})s)"
        )
        parameters |= {lat: circle.lat, lon: circle.lon, km: circle.km}
    return " OR ".join(parts), parameters


def _days(ranges: tuple[Days, ...], name: str) -> Alternatives:
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, (first, last) in enumerate(ranges):
        ends = []
        for end, comparison, day in (("first", ">=", first), ("last", "<=", last)):
            if day is not None:
                ends.append(f"i.local_day {comparison} %({name}_{end}_{number})s")
                parameters[f"{name}_{end}_{number}"] = day
        parts.append("(" + (" AND ".join(ends) or "i.local_day IS NOT NULL") + ")")
    return " OR ".join(parts), parameters


def _yearly(ranges: tuple[tuple[int, int], ...], name: str) -> Alternatives:
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, (first, last) in enumerate(ranges):
        over_new_year = "OR" if first > last else "AND"
        since, until = f"{_MONTH_AND_DAY} >= %({name}_first_{number})s", f"{_MONTH_AND_DAY} <= %({name}_last_{number})s"
        parts.append(f"({since} {over_new_year} {until})")
        parameters |= {f"{name}_first_{number}": first, f"{name}_last_{number}": last}
    return " OR ".join(parts), parameters


def _places(places: tuple[PlaceRef, ...], name: str) -> Alternatives:
    """A region or a city is one of its country: there is a Paris in Texas."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, place in enumerate(places):
        part = f"i.country_code = %({name}_code_{number})s"
        parameters[f"{name}_code_{number}"] = place.country_code
        if place.level in {"region", "city"}:
            part += f" AND i.{place.level} = %({name}_name_{number})s"
            parameters[f"{name}_name_{number}"] = place.value
        parts.append(f"({part})")
    return " OR ".join(parts), parameters
