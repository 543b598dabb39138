"""The table ``images``: one row a photo, from the upload's ticket to the trash."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from photovault import db, recipes
from photovault.errors import NotFound

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.filters import Near, PlaceRef
    from photovault.metadata import Metadata

    Days = tuple[date | None, date | None]

COLUMNS = (
    "id, user_id, sha256, filename, content_type, bytes AS size, status, reason, post_expires_at, key_version, "
    "content_key, sealed_at, vision_done_at, vision_failed, embedding_done_at, embedding_failed, resends, "
    "width, height, thumbhash, taken_instant, taken_offset_minutes, local_day, taken_source, sort_at, "
    "lat, lon, location_source, location_accuracy_km, city, region, country, country_code, camera_make, camera_model, "
    "face_count, caption, favourite, archived, deleted_at, created_at, film, live_identifier"
)
QUALIFIED_COLUMNS = ", ".join(f"i.{column.strip()}" for column in COLUMNS.split(","))
# What albums and overviews are made of, over ``images i``: understood photos outside trash and archive.
ARRANGED = "i.deleted_at IS NULL AND NOT i.archived AND i.status IN ('processing', 'ready')"

NO_SUCH_PHOTO = "There is no such photo."
WAITING_FILM = "This is the film of a Live Photo. It waits for its photo, and becomes part of it when that is here."

_CORRECTED = "taken_source IS NOT DISTINCT FROM 'person'"
_PLACED = "location_source IS NOT DISTINCT FROM 'person'"
# What is noted of a position: kept where the person said it.
_KEPT = ", ".join(
    f"{column} = CASE WHEN {_PLACED} THEN {column} ELSE %({column})s::{kind} END"
    for column, kind in (
        ("zone", "text"),
        ("lat", "float8"),
        ("lon", "float8"),
        ("location_source", "text"),
        ("place_id", "int"),
        ("city", "text"),
        ("region", "text"),
        ("country", "text"),
        ("country_code", "text"),
    )
)


@dataclass(frozen=True)
class Image:
    """A photo's row. ``size`` (bytes) and ``content_type`` are the original's; ``sort_at`` is local, the rest UTC."""

    id: UUID
    user_id: UUID
    sha256: bytes
    filename: str
    content_type: str
    size: int
    status: Literal["pending", "processing", "ready", "rejected"]
    reason: str | None
    post_expires_at: datetime | None
    key_version: int
    content_key: bytes
    sealed_at: datetime | None
    vision_done_at: datetime | None
    vision_failed: bool
    embedding_done_at: datetime | None
    embedding_failed: bool
    resends: int
    width: int | None
    height: int | None
    thumbhash: bytes | None
    taken_instant: datetime | None
    taken_offset_minutes: int | None
    local_day: date | None
    taken_source: str | None
    sort_at: datetime
    lat: float | None
    lon: float | None
    location_source: str | None
    location_accuracy_km: float | None
    city: str | None
    region: str | None
    country: str | None
    country_code: str | None
    camera_make: str | None
    camera_model: str | None
    face_count: int
    caption: str | None
    favourite: bool
    archived: bool
    deleted_at: datetime | None
    created_at: datetime
    film: bool
    live_identifier: str | None

    @property
    def told(self) -> str | None:
        """Why it is no photo that can be seen: it was rejected, or is a film that waits for its photo."""
        return WAITING_FILM if self.film and self.status == "pending" else self.reason

    @property
    def unfinished(self) -> bool:
        return self.status == "processing"


@dataclass(frozen=True)
class Place:
    """What the geocoder made of a position; all None at sea or without a table."""

    place_id: int | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None


@dataclass(frozen=True)
class Understood:
    """What vision found out about a photo."""

    content_type: str
    width: int
    height: int
    thumbhash: bytes
    phash: int
    metadata: Metadata
    place: Place
    face_count: int


def get(conn: Connection, image_id: UUID) -> Image | None:
    """In the trash or not."""
    return db.row(conn, Image, f"SELECT {COLUMNS} FROM images WHERE id = %s", [image_id])


def get_owned(conn: Connection, image_id: UUID) -> Image | None:
    """The same, and None also when the person has deleted the account."""
    return db.row(
        conn,
        Image,
        f"SELECT {COLUMNS} FROM images WHERE id = %s AND EXISTS (SELECT FROM users WHERE erased_at IS NULL)",
        [image_id],
    )


def known_sha256(conn: Connection, hashes: list[bytes]) -> dict[bytes, Image]:
    """The photos that have these bytes, by their SHA-256; of a film that has joined its picture, the picture."""
    found = db.rows(conn, Image, f"SELECT {COLUMNS} FROM images WHERE sha256 = ANY(%s)", [hashes])
    known = {bytes(image.sha256): image for image in found}
    joined: dict[UUID, bytes] = dict(
        conn.execute("SELECT picture_id, sha256 FROM films WHERE sha256 = ANY(%s)", [hashes]).fetchall()
    )
    if joined:
        pictures = db.rows(conn, Image, f"SELECT {COLUMNS} FROM images WHERE id = ANY(%s)", [list(joined)])
        known |= {bytes(joined[picture.id]): picture for picture in pictures}
    return known


def add_pending(
    conn: Connection,
    *,
    image_id: UUID,
    sha256: bytes,
    filename: str,
    content_type: str,
    size: int,
    key_version: int,
    content_key: bytes,
    now: datetime,
    post_expires_at: datetime,
    revision: int,
) -> None:
    conn.execute(
        "INSERT INTO images (id, sha256, filename, content_type, bytes, key_version, content_key, sort_at, "
        "post_expires_at, revision, created_at) VALUES (%(id)s, %(sha256)s, %(filename)s, %(content_type)s, %(size)s, "
        "%(key_version)s, %(content_key)s, %(now)s AT TIME ZONE 'UTC', %(post_expires_at)s, %(revision)s, %(now)s)",
        {
            "id": image_id,
            "sha256": sha256,
            "filename": filename,
            "content_type": content_type,
            "size": size,
            "key_version": key_version,
            "content_key": content_key,
            "now": now,
            "post_expires_at": post_expires_at,
            "revision": revision,
        },
    )


def expect_upload(conn: Connection, image_id: UUID, *, size: int, post_expires_at: datetime, revision: int) -> None:
    """A fresh post for a photo whose bytes have not been sealed; one that was refused before sealing may try again."""
    conn.execute(
        "UPDATE images SET post_expires_at = %s, bytes = %s, status = 'pending', reason = NULL, revision = %s "
        "WHERE id = %s AND sealed_at IS NULL",
        [post_expires_at, size, revision, image_id],
    )


def mark_sealed(conn: Connection, image_id: UUID, *, revision: int, size: int | None = None) -> Image | None:
    """The row as it is now, if this delivery is the one that sealed the photo; of two that race, one is.

    With ``size`` (bytes) only while the photo is not announced anew with another one.
    """
    return db.row(
        conn,
        Image,
        "UPDATE images SET sealed_at = now(), status = 'processing', reason = NULL, post_expires_at = NULL, "
        "revision = %(revision)s WHERE id = %(id)s AND sealed_at IS NULL "
        f"AND (%(size)s::bigint IS NULL OR bytes = %(size)s) RETURNING {COLUMNS}",
        {"id": image_id, "revision": revision, "size": size},
    )


def mark_understood(
    conn: Connection, image_id: UUID, understood: Understood, *, revision: int, recipe_id: int = recipes.UNKNOWN
) -> Literal["processing", "ready"] | None:
    """The photo's status, if this delivery is the one whose findings count; "ready" after the step had been given up.

    ``recipe_id`` says what it was looked at with. A time or a position that the person corrected stays; what the file
    says is noted beside it.
    """
    metadata, place = understood.metadata, understood.place
    taken, location = metadata.taken, metadata.location
    status: Literal["processing", "ready"] | None = db.value(
        conn,
        f"""
            UPDATE images SET
                vision_done_at = now(), vision_failed = false, vision_recipe = %(recipe)s,
                content_type = %(content_type)s,
                width = %(width)s, height = %(height)s,
                thumbhash = %(thumbhash)s, phash = %(phash)s, face_count = %(face_count)s,
                taken_instant = CASE WHEN {_CORRECTED} THEN taken_instant ELSE %(instant)s::timestamptz END,
                taken_offset_minutes = CASE WHEN {_CORRECTED} THEN taken_offset_minutes ELSE %(offset)s::int END,
                taken_source = CASE WHEN {_CORRECTED} THEN taken_source ELSE %(taken_source)s END,
                local_day = CASE WHEN {_CORRECTED} THEN local_day
                    ELSE coalesce(%(local_day)s::date, (created_at AT TIME ZONE 'UTC')::date) END,
                sort_at = CASE WHEN {_CORRECTED} THEN sort_at
                    ELSE coalesce(%(local)s::timestamp, created_at AT TIME ZONE 'UTC') END,
                file_instant = CASE WHEN {_CORRECTED} THEN %(instant)s::timestamptz END,
                file_offset_minutes = CASE WHEN {_CORRECTED} THEN %(offset)s::int END,
                file_source = CASE WHEN {_CORRECTED} THEN %(taken_source)s END,
                file_local = CASE WHEN {_CORRECTED}
                    THEN coalesce(%(local)s::timestamp, created_at AT TIME ZONE 'UTC') END,
                {_KEPT}, location_accuracy_km = NULL,
                file_lat = CASE WHEN {_PLACED} THEN %(lat)s::float8 END,
                file_lon = CASE WHEN {_PLACED} THEN %(lon)s::float8 END,
                file_location_source = CASE WHEN {_PLACED} THEN %(location_source)s::text END,
                camera_make = %(camera_make)s, camera_model = %(camera_model)s,
                live_identifier = %(live_identifier)s, revision = %(revision)s
            WHERE id = %(id)s AND vision_done_at IS NULL AND status IN ('processing', 'ready')
            RETURNING status
            """,
        {
            "id": image_id,
            "content_type": understood.content_type,
            "width": understood.width,
            "height": understood.height,
            "thumbhash": understood.thumbhash,
            "phash": understood.phash - (1 << 64) if understood.phash >= 1 << 63 else understood.phash,
            "face_count": understood.face_count,
            "instant": taken.instant if taken else None,
            "offset": taken.offset_minutes if taken else None,
            "local": taken.local if taken else None,
            "local_day": taken.local_day if taken else None,
            "taken_source": taken.source if taken else "upload",
            "zone": metadata.zone,
            "lat": location.latitude if location else None,
            "lon": location.longitude if location else None,
            "location_source": location.source if location else None,
            "place_id": place.place_id,
            "city": place.city,
            "region": place.region,
            "country": place.country,
            "country_code": place.country_code,
            "camera_make": metadata.camera_make,
            "camera_model": metadata.camera_model,
            "live_identifier": metadata.extra.get("content_identifier"),
            "recipe": recipe_id,
            "revision": revision,
        },
    )
    return status


def mark_embedded(conn: Connection, image_id: UUID, *, revision: int, recipe_id: int = recipes.UNKNOWN) -> bool:
    """Whether this delivery is the one whose embedding counts, be it after the step had been given up."""
    return bool(
        db.value(
            conn,
            "UPDATE images SET embedding_done_at = now(), embedding_failed = false, embedding_recipe = %s, "
            "revision = %s WHERE id = %s AND embedding_done_at IS NULL AND status <> 'rejected' RETURNING true",
            [recipe_id, revision, image_id],
        )
    )


def finish(conn: Connection, image_id: UUID) -> bool:
    """The fan-in: make the photo ready when both steps are through. Exactly one caller gets True.

    To be a statement of its own after the step's update: under READ COMMITTED it waits for and then sees the other
    step's commit, so that two steps ending together cannot both miss each other.
    """
    return bool(
        db.value(
            conn,
            "UPDATE images SET status = 'ready' WHERE id = %s AND status = 'processing' "
            "AND (vision_done_at IS NOT NULL OR vision_failed) "
            "AND (embedding_done_at IS NOT NULL OR embedding_failed) RETURNING true",
            [image_id],
        )
    )


def is_ready(conn: Connection, image_id: UUID) -> bool:
    return bool(db.value(conn, "SELECT status = 'ready' FROM images WHERE id = %s", [image_id]))


def refine_place(
    conn: Connection, image_id: UUID, place: Place | None, *, at: tuple[float, float], revision: int
) -> bool:
    """Note that a finer name was asked for, and take it where there is one; whether anything changed for the person.

    Of a photo that is no longer ``at`` the position that was asked about, nothing is noted.
    """
    noted = db.value(
        conn,
        "UPDATE images SET place_refined_at = now() WHERE id = %s AND (lat, lon) = (%s, %s) RETURNING true",
        [image_id, *at],
    )
    if place is None or not noted:
        return False
    return bool(
        db.value(
            conn,
            "UPDATE images SET city = %(city)s, region = %(region)s, country = %(country)s, "
            "country_code = %(country_code)s, revision = %(revision)s WHERE id = %(id)s "
            "AND (city, region, country, country_code) IS DISTINCT FROM "
            "(%(city)s::text, %(region)s::text, %(country)s::text, %(country_code)s::text) RETURNING true",
            {
                "id": image_id,
                "city": place.city,
                "region": place.region,
                "country": place.country,
                "country_code": place.country_code,
                "revision": revision,
            },
        )
    )


def reject(conn: Connection, image_id: UUID, reason: str, *, revision: int) -> bool:
    """Record why a photo cannot be taken; whether it was not understood before. Then no step is to be done again."""
    return bool(
        db.value(
            conn,
            "UPDATE images SET status = 'rejected', reason = %s, vision_failed = false, embedding_failed = false, "
            "revision = %s WHERE id = %s AND (status IN ('pending', 'processing') OR vision_failed) RETURNING true",
            [reason, revision, image_id],
        )
    )


def count_resend(conn: Connection, image_id: UUID, *, counted: bool = True) -> int:
    """How often this photo's steps were asked for again, this time included where it is ``counted``."""
    return int(
        db.value(
            conn,
            "UPDATE images SET resends = resends + %s, resent_at = now() WHERE id = %s RETURNING resends",
            [int(counted), image_id],
        )
        or 0
    )


def fail_unfinished_steps(conn: Connection, image_id: UUID, *, revision: int) -> None:
    """Give up on the steps that did not finish: they count as finished for the fan-in and show as failed."""
    conn.execute(
        "UPDATE images SET vision_failed = vision_done_at IS NULL, embedding_failed = embedding_done_at IS NULL, "
        "local_day = coalesce(local_day, (created_at AT TIME ZONE 'UTC')::date), "
        "taken_source = coalesce(taken_source, 'upload'), revision = %s "
        "WHERE id = %s AND status = 'processing'",
        [revision, image_id],
    )


def redrive(conn: Connection, image_id: UUID, *, revision: int) -> bool:
    """Start the failed steps over; whether there were any."""
    return bool(
        db.value(
            conn,
            "UPDATE images SET vision_failed = false, embedding_failed = false, resends = 0, status = 'processing', "
            "revision = %s WHERE id = %s AND (vision_failed OR embedding_failed) AND sealed_at IS NOT NULL "
            "RETURNING true",
            [revision, image_id],
        )
    )


def delete_row(conn: Connection, image_id: UUID) -> None:
    """For good: everything that hangs on the photo goes with it."""
    conn.execute("DELETE FROM images WHERE id = %s", [image_id])


# ---------------------------------------------------------------------------- everybody's, as maintenance sees them


def unfinished(
    conn: Connection, *, before: datetime | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[UUID, UUID, datetime]]:
    """(person, photo, its ``created_at``) of photos with steps to do, in that order, after a (created_at, id).

    With ``before`` only those that were sealed, or last asked for again, before then.
    """
    return conn.execute(
        "SELECT user_id, id, created_at FROM images WHERE status = 'processing' "
        "AND (%(before)s::timestamptz IS NULL OR greatest(sealed_at, resent_at) < %(before)s) "
        "AND (%(at)s::timestamptz IS NULL OR (created_at, id) > (%(at)s, %(id)s)) "
        "ORDER BY created_at, id LIMIT %(limit)s",
        {"before": before, "at": after[0] if after else None, "id": after[1] if after else None, "limit": limit},
    ).fetchall()


def never_posted(conn: Connection, *, before: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of uploads whose post expired before then."""
    return conn.execute(
        "SELECT user_id, id FROM images WHERE status = 'pending' AND post_expires_at < %s LIMIT %s", [before, limit]
    ).fetchall()


def deleted_before(conn: Connection, before: datetime, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of what has been in the trash since before then."""
    return conn.execute("SELECT user_id, id FROM images WHERE deleted_at < %s LIMIT %s", [before, limit]).fetchall()


def unrefined(conn: Connection, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of photos with a position, no estimate, for which no finer name was asked yet, newest first."""
    return conn.execute(
        "SELECT user_id, id FROM images WHERE place_refined_at IS NULL AND location_source <> 'estimated' "
        "AND status = 'ready' ORDER BY created_at DESC LIMIT %s",
        [limit],
    ).fetchall()


# ------------------------------------------------------------------------------------------------------- lists


@dataclass(frozen=True)
class Filter:
    """What a list of photos may be narrowed by; search uses the same. None means any; trash is never listed here.

    ``days`` are local days with their ends, None being open; ``yearly`` are month * 100 + day, the last day included,
    and run over New Year where the first is later. Of a field in the plural any may hold, but of ``person_ids`` and
    ``labels`` all (these from ``min_label_score`` upwards); of each group in ``any_person_ids`` and ``any_labels`` at
    least one. ``cameras`` are whole names, make and model in lower case. A photo without a place or a day is in none,
    so that every ``without`` keeps it.
    """

    album_id: UUID | None = None
    person_ids: tuple[UUID, ...] = ()
    without_person_ids: tuple[UUID, ...] = ()
    from_day: date | None = None
    to_day: date | None = None
    status: str | None = None
    favourite: bool | None = None
    archived: bool | None = False
    bbox: tuple[float, float, float, float] | None = None
    labels: tuple[str, ...] = ()
    min_label_score: float = 0.0
    without_labels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    has_faces: bool | None = None
    has_gps: bool | None = None
    days: tuple[Days, ...] = ()
    without_days: tuple[Days, ...] = ()
    yearly: tuple[tuple[int, int], ...] = ()
    without_yearly: tuple[tuple[int, int], ...] = ()
    places: tuple[PlaceRef, ...] = ()
    without_places: tuple[PlaceRef, ...] = ()
    any_person_ids: tuple[tuple[UUID, ...], ...] = ()
    any_labels: tuple[tuple[str, ...], ...] = ()
    album_ids: tuple[UUID, ...] = ()
    without_album_ids: tuple[UUID, ...] = ()
    cameras: tuple[str, ...] = ()
    without_cameras: tuple[str, ...] = ()
    without_content_types: tuple[str, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    near: tuple[Near, ...] = ()
    without_near: tuple[Near, ...] = ()
    orientations: tuple[str, ...] = ()


_CAMERA = "lower(concat_ws(' ', i.camera_make, i.camera_model))"
_MONTH_AND_DAY = "(extract(month FROM i.local_day) * 100 + extract(day FROM i.local_day))"


def conditions(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """The filter as SQL over ``images i`` and its parameters. Only constants of this module become SQL.

    ``bbox`` is west, south, east, north in degrees; west greater than east spans the antimeridian.
    """
    parts = ["i.deleted_at IS NULL"]
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
            "WHERE m.album_id = %(album_id)s AND m.image_id = i.id)",
            album_id=wanted.album_id,
        )
    for number, person_id in enumerate(wanted.person_ids):
        name = f"person_{number}"
        add(f"EXISTS (SELECT FROM faces f WHERE f.person_id = %({name})s AND f.image_id = i.id)", **{name: person_id})
    if wanted.without_person_ids:
        add(
            "NOT EXISTS (SELECT FROM faces f WHERE f.person_id = ANY(%(without_people)s) AND f.image_id = i.id)",
            without_people=list(wanted.without_person_ids),
        )
    for number, label in enumerate(wanted.labels):
        name = f"label_{number}"
        add(
            f"EXISTS (SELECT FROM image_labels l WHERE l.label = %({name})s AND l.image_id = i.id "
            "AND l.score >= %(min_label_score)s::real)",
            **{name: label, "min_label_score": wanted.min_label_score},
        )
    if wanted.without_labels:
        add(
            "NOT EXISTS (SELECT FROM image_labels l WHERE l.label = ANY(%(without_labels)s) AND l.image_id = i.id)",
            without_labels=list(wanted.without_labels),
        )
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
    for number, group in enumerate(wanted.any_person_ids):
        name = f"people_{number}"
        add(
            f"EXISTS (SELECT FROM faces f WHERE f.person_id = ANY(%({name})s) AND f.image_id = i.id)",
            **{name: list(group)},
        )
    for number, names in enumerate(wanted.any_labels):
        name = f"labels_{number}"
        add(
            f"EXISTS (SELECT FROM image_labels l WHERE l.label = ANY(%({name})s) AND l.image_id = i.id)",
            **{name: list(names)},
        )
    in_albums = "EXISTS (SELECT FROM album_images m WHERE m.album_id = ANY(%({})s) AND m.image_id = i.id)"
    if wanted.album_ids:
        add(in_albums.format("albums"), albums=list(wanted.album_ids))
    if wanted.without_album_ids:
        add("NOT " + in_albums.format("no_albums"), no_albums=list(wanted.without_album_ids))
    # What is unknown about a photo is in no set: IS NOT TRUE keeps it where the set is excluded.
    for test, (sql, named) in (
        ("", _days(wanted.days, "days")),
        (" IS NOT TRUE", _days(wanted.without_days, "no_days")),
        ("", _yearly(wanted.yearly, "yearly")),
        (" IS NOT TRUE", _yearly(wanted.without_yearly, "no_yearly")),
        ("", _places(wanted.places, "places")),
        (" IS NOT TRUE", _places(wanted.without_places, "no_places")),
        ("", _hours(wanted.hours)),
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


Alternatives = tuple[str, dict[str, Any]]
"""Conditions of which any may hold, as SQL over ``images i`` (empty for no condition), and their parameters."""


# Of the upright picture; a few pixels more on one side are still a square.
_ORIENTATIONS = {
    "portrait": "i.height > i.width * 1.02",
    "landscape": "i.width > i.height * 1.02",
    "square": "i.width BETWEEN i.height / 1.02 AND i.height * 1.02",
    "panorama": "greatest(i.width, i.height) >= 2 * least(i.width, i.height)",
}


def _hours(ranges: tuple[tuple[int, int], ...]) -> Alternatives:
    """Local hours. When a photo came says nothing of when it was taken."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, (first, last) in enumerate(ranges):
        joint = "OR" if first > last else "AND"
        hour = "extract(hour FROM i.sort_at)"
        parts.append(f"({hour} >= %(hour_{number})s {joint} {hour} < %(hour_end_{number})s)")
        parameters |= {f"hour_{number}": first, f"hour_end_{number}": last}
    return (f"i.taken_source <> 'upload' AND ({' OR '.join(parts)})" if parts else "", parameters)


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


def page(
    conn: Connection,
    wanted: Filter,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    oldest_first: bool = False,
) -> list[Image]:
    """Photos by the time they were taken, newest first unless said otherwise, after a (sort_at, id)."""
    where, parameters = conditions(wanted)
    direction, comparison = ("ASC", ">") if oldest_first else ("DESC", "<")
    if after is not None:
        where += f" AND (i.sort_at, i.id) {comparison} (%(after_at)s, %(after_id)s)"
        parameters |= {"after_at": after[0], "after_id": after[1]}
    return db.rows(
        conn,
        Image,
        f"SELECT {QUALIFIED_COLUMNS} FROM images i WHERE {where} "
        f"ORDER BY i.sort_at {direction}, i.id {direction} LIMIT %(limit)s",
        parameters | {"limit": limit},
    )


def by_ids(conn: Connection, image_ids: list[UUID]) -> list[Image]:
    """In the order of the ids; those that are gone or in the trash are left out."""
    found = {
        image.id: image
        for image in db.rows(
            conn, Image, f"SELECT {COLUMNS} FROM images WHERE id = ANY(%s) AND deleted_at IS NULL", [image_ids]
        )
    }
    return [found[image_id] for image_id in image_ids if image_id in found]


def trash(conn: Connection, *, limit: int, after: tuple[datetime, UUID] | None = None) -> list[Image]:
    """Photos in the trash, latest deleted first."""
    return db.rows(
        conn,
        Image,
        f"SELECT {COLUMNS} FROM images WHERE deleted_at IS NOT NULL "
        "AND (%(at)s::timestamptz IS NULL OR (deleted_at, id) < (%(at)s, %(id)s)) "
        "ORDER BY deleted_at DESC, id DESC LIMIT %(limit)s",
        {"at": after[0] if after else None, "id": after[1] if after else None, "limit": limit},
    )


# ----------------------------------------------------------------------------------------------- what a person does


def require(conn: Connection, image_ids: Collection[UUID]) -> None:
    """Raises ``NotFound`` unless all of these are there, in the trash or not."""
    wanted = list(set(image_ids))
    if db.value(conn, "SELECT count(*) FROM images WHERE id = ANY(%s)", [wanted]) < len(wanted):
        raise NotFound(NO_SUCH_PHOTO)


def move_to_trash(conn: Connection, image_id: UUID, *, revision: int) -> bool:
    """Take a photo out of lists, albums, people and search at once; whether it was not there already."""
    return bool(move_all_to_trash(conn, [image_id], revision=revision))


def move_all_to_trash(conn: Connection, image_ids: Collection[UUID], *, revision: int) -> list[UUID]:
    """The same for many; those that were not there already."""
    return _moved(
        conn,
        "UPDATE images SET deleted_at = now(), revision = %s WHERE id = ANY(%s) AND deleted_at IS NULL RETURNING id",
        image_ids,
        revision=revision,
    )


def restore(conn: Connection, image_id: UUID, *, revision: int) -> bool:
    """Take a photo out of the trash; whether it was there."""
    return bool(restore_all(conn, [image_id], revision=revision))


def restore_all(conn: Connection, image_ids: Collection[UUID], *, revision: int) -> list[UUID]:
    """The same for many; those that were there."""
    return _moved(
        conn,
        "UPDATE images SET deleted_at = NULL, revision = %s WHERE id = ANY(%s) AND deleted_at IS NOT NULL RETURNING id",
        image_ids,
        revision=revision,
    )


def _moved(conn: Connection, sql: str, image_ids: Collection[UUID], *, revision: int) -> list[UUID]:
    moved = [image_id for (image_id,) in conn.execute(sql.encode(), [revision, list(image_ids)]).fetchall()]
    _update_searchable(conn, moved)
    # What counts photos shows another number now, or another cover.
    for table, holding in (("albums", "album_id FROM album_images"), ("person_clusters", "person_id FROM faces")):
        conn.execute(
            f"UPDATE {table} SET revision = %s WHERE id IN (SELECT {holding} WHERE image_id = ANY(%s))".encode(),
            [revision, moved],
        )
    return moved


def edit(
    conn: Connection,
    image_id: UUID,
    *,
    revision: int,
    caption: str | None = None,
    favourite: bool | None = None,
    archived: bool | None = None,
) -> None:
    """Change what a person may change; None leaves as it is, an empty caption removes it."""
    edit_all(conn, [image_id], revision=revision, caption=caption, favourite=favourite, archived=archived)


def edit_all(
    conn: Connection,
    image_ids: Collection[UUID],
    *,
    revision: int,
    caption: str | None = None,
    favourite: bool | None = None,
    archived: bool | None = None,
) -> list[UUID]:
    """The same for many; those that were not like that already, which alone get the revision."""
    changed = conn.execute(
        """
        UPDATE images SET caption = n.caption, favourite = n.favourite, archived = n.archived, revision = %(revision)s
        FROM (
            SELECT id, CASE WHEN %(caption)s::text IS NULL THEN caption ELSE nullif(%(caption)s, '') END AS caption,
                   coalesce(%(favourite)s, favourite) AS favourite, coalesce(%(archived)s, archived) AS archived
            FROM images WHERE id = ANY(%(ids)s)
        ) AS n
        WHERE images.id = n.id AND (images.caption, images.favourite, images.archived)
            IS DISTINCT FROM (n.caption, n.favourite, n.archived)
        RETURNING images.id
        """,
        {
            "ids": list(image_ids),
            "caption": caption,
            "favourite": favourite,
            "archived": archived,
            "revision": revision,
        },
    ).fetchall()
    found = [image_id for (image_id,) in changed]
    _update_searchable(conn, found)
    return found


def _update_searchable(conn: Connection, image_ids: Collection[UUID]) -> None:
    for table in ("image_embeddings", "image_labels"):
        conn.execute(
            f"UPDATE {table} e SET searchable = i.deleted_at IS NULL AND NOT i.archived FROM images i "
            "WHERE e.image_id = ANY(%s) AND i.id = e.image_id "
            "AND e.searchable IS DISTINCT FROM (i.deleted_at IS NULL AND NOT i.archived)",
            [list(image_ids)],
        )
