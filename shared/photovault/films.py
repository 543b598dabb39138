"""Films of Live Photos: rows of ``images`` while they wait for their picture, of ``films`` when they are part of it.

A waiting film is sealed like a photo and ``pending``: no list, album or count of photos shows it. After ``PATIENCE`` it
is rejected, with a reason, and joins all the same when its picture comes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import blobs, db, images, retired, smart_albums, tombstones

if TYPE_CHECKING:
    from photovault.blobs import Blob
    from photovault.db import Connection

PATIENCE = timedelta(days=7)
NAME = "motion"
"""Of the blob that a film becomes; the clip inside a Motion Photo has the same."""

ALONE = (
    "This is the film of a Live Photo whose photo has not come within a week. It is kept, and becomes part of the "
    "photo when that is uploaded."
)
SECOND = "This is the film of a Live Photo, and the photo that it names has a film already."

_WAITING = "f.film AND f.deleted_at IS NULL"
_PICTURE = "NOT p.film AND p.vision_done_at IS NOT NULL AND p.status IN ('processing', 'ready')"
_MOVES = "EXISTS (SELECT FROM blobs b WHERE b.image_id = p.id AND b.name = 'motion')"
_IDENTIFIER = "(SELECT live_identifier FROM images WHERE id = %(id)s)"


def _stem(row: str) -> str:
    return rf"lower(regexp_replace({row}.filename, '\.[^.]*$', ''))"


@dataclass(frozen=True)
class Pair:
    """A film and the picture that it belongs to."""

    film_id: UUID
    picture_id: UUID


def wait(conn: Connection, image_id: UUID, *, identifier: str, content_type: str, revision: int) -> bool:
    """Note that a sealed upload is a film and no photo; whether this delivery did."""
    return bool(
        db.value(
            conn,
            "UPDATE images SET film = true, live_identifier = %s, content_type = %s, status = 'pending', "
            "reason = NULL, vision_failed = false, embedding_failed = false, revision = %s "
            "WHERE id = %s AND NOT film AND (status = 'processing' OR vision_failed) RETURNING true",
            [identifier, content_type, revision, image_id],
        )
    )


def pair(conn: Connection, image_id: UUID) -> Pair | None:
    """A film and a picture that are to be joined, among those that share the identifier of a film or picture.

    Of several pictures (an edited copy has the identifier too) the one of the film's name comes first, then the oldest;
    one in the trash last.
    """
    return db.row(
        conn,
        Pair,
        f"""
        SELECT f.id AS film_id, p.id AS picture_id
        FROM images f JOIN images p ON p.user_id = f.user_id AND p.live_identifier = f.live_identifier
        WHERE f.live_identifier = {_IDENTIFIER} AND {_WAITING} AND {_PICTURE} AND NOT {_MOVES}
        ORDER BY p.deleted_at IS NOT NULL, {_stem("p")} <> {_stem("f")}, p.id, f.id LIMIT 1
        """,
        {"id": image_id},
    )


def left_over(conn: Connection, image_id: UUID) -> list[UUID]:
    """The waiting films that share an identifier with this one, or with this picture, while each picture has a film."""
    found = conn.execute(
        f"""
        SELECT f.id FROM images f WHERE f.live_identifier = {_IDENTIFIER} AND {_WAITING} AND f.status = 'pending'
        AND (
            SELECT bool_and({_MOVES}) FROM images p
            WHERE p.user_id = f.user_id AND p.live_identifier = f.live_identifier AND {_PICTURE}
        )
        """.encode(),
        {"id": image_id},
    )
    return [film_id for (film_id,) in found.fetchall()]


def join(conn: Connection, found: Pair, motion: Blob, *, revision: int) -> bool:
    """Let the picture have the film, sealed as ``motion``; False when that is no longer to be. Under the person's lock.

    The film's own row goes, and its bytes go on counting until the picture is purged.
    """
    film, picture = images.get(conn, found.film_id), images.get(conn, found.picture_id)
    if film is None or picture is None or not film.film or film.deleted_at is not None:
        return False
    if film.live_identifier != picture.live_identifier or blobs.get(conn, picture.id, NAME) is not None:
        return False
    blobs.add(conn, [motion])
    retired.add(conn, blobs.of_images(conn, [film.id]))
    conn.execute(
        "INSERT INTO films (id, picture_id, sha256, bytes) VALUES (%s, %s, %s, %s)",
        [film.id, picture.id, film.sha256, film.size],
    )
    images.note_around(conn, [film.id, picture.id], revision=revision)
    images.delete_row(conn, film.id)
    tombstones.add(conn, "image", [film.id], revision=revision)
    conn.execute("UPDATE images SET revision = %s WHERE id = %s", [revision, picture.id])
    smart_albums.follow(conn, [picture.id], revision=revision)
    return True


def give_up(conn: Connection, film_ids: Collection[UUID], reason: str, *, revision: int) -> list[UUID]:
    """Reject films that wait; those that did."""
    found = conn.execute(
        "UPDATE images SET status = 'rejected', reason = %(reason)s, revision = %(revision)s, "
        "finished_revision = %(revision)s WHERE id = ANY(%(ids)s) AND film AND status = 'pending' RETURNING id",
        {"reason": reason, "revision": revision, "ids": list(film_ids)},
    )
    return [film_id for (film_id,) in found.fetchall()]


def picture_of(conn: Connection, film_id: UUID) -> UUID | None:
    """The picture that a film has joined."""
    picture_id: UUID | None = db.value(conn, "SELECT picture_id FROM films WHERE id = %s", [film_id])
    return picture_id


def among(conn: Connection, image_ids: Collection[UUID]) -> list[UUID]:
    """Those that are films without a picture."""
    found = conn.execute("SELECT id FROM images WHERE id = ANY(%s) AND film", [list(image_ids)])
    return [film_id for (film_id,) in found.fetchall()]


def waiting_since(conn: Connection, before: datetime, *, after: UUID, limit: int) -> list[tuple[UUID, UUID]]:
    """(person, film) of everybody's films that were sealed before then and wait, after an id; asked as maintenance."""
    return conn.execute(
        "SELECT user_id, id FROM images WHERE film AND status = 'pending' AND sealed_at < %s AND id > %s "
        "ORDER BY id LIMIT %s",
        [before, after, limit],
    ).fetchall()
