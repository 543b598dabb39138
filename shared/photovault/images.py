"""The table ``images``: one row a photo, from the upload's ticket to the trash."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, listing, recipes
from photovault.errors import NotFound

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.metadata import Metadata


COLUMNS = (
    "id, user_id, sha256, filename, content_type, bytes AS size, status, reason, post_expires_at, key_version, "
    "content_key, sealed_at, vision_done_at, vision_failed, embedding_done_at, embedding_failed, resends, "
    "width, height, thumbhash, taken_instant, taken_offset_minutes, local_day, taken_source, sort_at, "
    "lat, lon, location_source, location_accuracy_km, city, region, country, country_code, camera_make, camera_model, "
    "face_count, caption, caption_source, favourite, archived, deleted_at, created_at, file_modified, film, "
    "live_identifier"
)
QUALIFIED_COLUMNS = ", ".join(f"i.{column.strip()}" for column in COLUMNS.split(","))
# What albums and overviews are made of, over ``images i``: understood photos outside trash and archive.
ARRANGED = "i.deleted_at IS NULL AND NOT i.archived AND i.status IN ('processing', 'ready')"

NO_SUCH_PHOTO = "There is no such photo."
WAITING_FILM = "This is the film of a Live Photo. It waits for its photo, and becomes part of it when that is here."

_CORRECTED = "taken_source IS NOT DISTINCT FROM 'person'"
_PLACED = "location_source IS NOT DISTINCT FROM 'person'"
_UNSAID = "(caption IS NULL AND caption_source IS NULL)"
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
    caption_source: Literal["file", "person"] | None
    favourite: bool
    archived: bool
    deleted_at: datetime | None
    created_at: datetime
    file_modified: datetime | None
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
    caption: str | None = None
    """The file's."""


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
    file_modified: datetime | None,
    now: datetime,
    post_expires_at: datetime,
    revision: int,
) -> None:
    conn.execute(
        "INSERT INTO images (id, sha256, filename, content_type, bytes, key_version, content_key, file_modified, "
        "sort_at, post_expires_at, revision, created_at) VALUES (%(id)s, %(sha256)s, %(filename)s, %(content_type)s, "
        "%(size)s, %(key_version)s, %(content_key)s, %(file_modified)s, %(now)s AT TIME ZONE 'UTC', "
        "%(post_expires_at)s, %(revision)s, %(now)s)",
        {
            "id": image_id,
            "sha256": sha256,
            "filename": filename,
            "content_type": content_type,
            "size": size,
            "key_version": key_version,
            "content_key": content_key,
            "file_modified": file_modified,
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
    says is noted beside it. Its caption counts where the person has said nothing.
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
                caption = CASE WHEN {_UNSAID} THEN %(caption)s::text ELSE caption END,
                caption_source = CASE WHEN {_UNSAID} AND %(caption)s::text IS NOT NULL
                    THEN 'file' ELSE caption_source END,
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
            "caption": understood.caption,
            "live_identifier": metadata.extra.get("content_identifier"),
            "recipe": recipe_id,
            "revision": revision,
        },
    )
    if status is not None:  # somebody may have put it into an album while it was on its way: now it has a place there
        note_albums(conn, [image_id], revision=revision)
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
            "UPDATE images SET status = 'ready', finished_revision = revision WHERE id = %s AND status = 'processing' "
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
            "UPDATE images SET status = 'rejected', reason = %(reason)s, vision_failed = false, "
            "embedding_failed = false, revision = %(revision)s, finished_revision = %(revision)s "
            "WHERE id = %(id)s AND (status IN ('pending', 'processing') OR vision_failed) RETURNING true",
            {"reason": reason, "revision": revision, "id": image_id},
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


def never_posted(conn: Connection, *, before: datetime, after: UUID, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of uploads whose post expired before then, in the order of photos ``after`` one."""
    return conn.execute(
        "SELECT user_id, id FROM images WHERE status = 'pending' AND post_expires_at < %s AND id > %s "
        "ORDER BY id LIMIT %s",
        [before, after, limit],
    ).fetchall()


def deleted_before(conn: Connection, before: datetime, *, after: UUID, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of what has been in the trash since before then, in the order of photos ``after`` one."""
    return conn.execute(
        "SELECT user_id, id FROM images WHERE deleted_at < %s AND id > %s ORDER BY id LIMIT %s", [before, after, limit]
    ).fetchall()


def unrefined(conn: Connection, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of photos with a position, no estimate, for which no finer name was asked yet, newest first."""
    return conn.execute(
        "SELECT user_id, id FROM images WHERE place_refined_at IS NULL AND location_source <> 'estimated' "
        "AND status = 'ready' ORDER BY created_at DESC LIMIT %s",
        [limit],
    ).fetchall()


def with_keywords_due(conn: Connection, *, after: UUID, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, photo) of understood photos whose keywords nobody has read yet, in the order of photos ``after`` one."""
    return conn.execute(
        "SELECT user_id, id FROM images WHERE keywords_due AND vision_done_at IS NOT NULL AND id > %s "
        "ORDER BY id LIMIT %s",
        [after, limit],
    ).fetchall()


def keywords_are_due(conn: Connection, image_ids: Collection[UUID]) -> list[UUID]:
    """Those of these photos that nobody has read the keywords of yet."""
    found = conn.execute("SELECT id FROM images WHERE id = ANY(%s) AND keywords_due ORDER BY id", [list(image_ids)])
    return [row[0] for row in found.fetchall()]


# ------------------------------------------------------------------------------------------------------- lists


def page(
    conn: Connection,
    wanted: listing.Filter,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    oldest_first: bool = False,
) -> list[Image]:
    """Photos by the time they were taken, newest first unless said otherwise, after a (sort_at, id)."""
    where, parameters = listing.conditions(wanted)
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


def with_trash(conn: Connection, image_ids: Collection[UUID]) -> list[Image]:
    """In the trash or not, in no order; those that are gone are left out."""
    return db.rows(conn, Image, f"SELECT {COLUMNS} FROM images WHERE id = ANY(%s)", [list(image_ids)])


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
    note_around(conn, moved, revision=revision)
    settle_albums(conn, moved)
    return moved


def touch(conn: Connection, image_ids: Collection[UUID], *, revision: int) -> None:
    """Something that hangs on these photos is other than it was."""
    conn.execute("UPDATE images SET revision = %s WHERE id = ANY(%s)", [revision, list(image_ids)])


def note_around(conn: Connection, image_ids: Collection[UUID], *, revision: int) -> None:
    """What holds these photos shows another number now, or another cover: their albums, and the people in them."""
    note_albums(conn, image_ids, revision=revision)
    note_people(conn, image_ids, revision=revision)


def note_albums(conn: Connection, image_ids: Collection[UUID], *, revision: int) -> None:
    conn.execute(
        "UPDATE albums SET revision = %s WHERE id IN (SELECT album_id FROM album_images WHERE image_id = ANY(%s))",
        [revision, list(image_ids)],
    )


def settle_albums(conn: Connection, image_ids: Collection[UUID]) -> None:
    """Bring counts and days of what holds these photos up to date: the albums made by hand and the smart ones. Those
    that make themselves are counted by their rebuild."""
    conn.execute(
        """
        UPDATE albums a SET image_count = now.images, first_day = now.first, last_day = now.last
        FROM (
            SELECT m.album_id, count(i.id) AS images, min(i.local_day) AS first, max(i.local_day) AS last
            FROM album_images m LEFT JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL
            WHERE m.album_id IN (
                SELECT b.id FROM album_images n JOIN albums b ON b.id = n.album_id AND b.key IS NULL
                WHERE n.image_id = ANY(%s)
            ) GROUP BY m.album_id
        ) AS now WHERE a.id = now.album_id
        """,
        [list(image_ids)],
    )


def take_caption(conn: Connection, image_id: UUID, caption: str | None) -> None:
    """A file's, of a photo that was looked at before captions of files were; the photo has its revision already."""
    conn.execute(
        f"UPDATE images SET caption = %(caption)s, caption_source = 'file' WHERE id = %(id)s AND {_UNSAID} "
        "AND %(caption)s::text IS NOT NULL".encode(),
        {"id": image_id, "caption": caption},
    )


def note_people(conn: Connection, image_ids: Collection[UUID], *, revision: int) -> None:
    conn.execute(
        "UPDATE person_clusters SET revision = %s WHERE id IN (SELECT person_id FROM faces WHERE image_id = ANY(%s))",
        [revision, list(image_ids)],
    )


def edit(
    conn: Connection,
    image_id: UUID,
    *,
    revision: int,
    caption: str | None = None,
    favourite: bool | None = None,
    archived: bool | None = None,
) -> None:
    """Change what a person may change; None leaves as it is, an empty caption removes it, and the file's for good."""
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
        UPDATE images SET caption = n.caption, favourite = n.favourite, archived = n.archived, revision = %(revision)s,
            caption_source = CASE WHEN images.caption IS DISTINCT FROM n.caption THEN 'person' ELSE caption_source END
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
