"""Tables ``shares`` and ``share_images``: links to an album, or to some photos, for whoever has them.

A share shows the photos that are in its album now, or that it was made of, as far as they are understood and neither in
the trash nor in the archive. Openings are counted without the person's lock: visitors must not keep an owner waiting.
They lock the person's row as a foreign key does, which excludes the end of the account alone, and then the share's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, ids, images, sharing
from photovault.errors import NotFound
from photovault.images import Image

if TYPE_CHECKING:
    from photovault.db import Connection

NO_SUCH_SHARE = "There is no such share."
NO_SUCH_PHOTO = "There is no such photo."

# Also in the policy that lets maintenance delete them.
KEPT_AFTER_END = "90 days"

State = Literal["active", "expired", "exhausted", "revoked"]

# Over ``images i``: what may be shown to somebody without an account, and can be.
_SHOWABLE = "i.status = 'ready' AND NOT i.vision_failed AND i.deleted_at IS NULL AND NOT i.archived"
# What was shared, and its place in an order by hand: all of it, or one photo (``AND m.image_id = ...``).
_MEMBERS = """
    SELECT m.image_id, m.position FROM shares s JOIN albums a ON a.id = s.album_id AND a.deleted_at IS NULL
    JOIN album_images m ON m.album_id = a.id WHERE s.id = {share} {only}
    UNION ALL SELECT m.image_id, NULL FROM share_images m WHERE m.share_id = {share} {only}
"""
_ALL_MEMBERS = _MEMBERS.format(share="%(share)s", only="")
_ONE_MEMBER = _MEMBERS.format(share="%(share)s", only="AND m.image_id = i.id")
# As the owner sees the album: what comes next (of a photo with ``at`` and ``id``), and the order.
_ORDERS = {
    "newest": ("i.sort_at", "<", "i.sort_at DESC, i.id DESC"),
    "oldest": ("i.sort_at", ">", "i.sort_at, i.id"),
    "manual": ("m.position", ">", "m.position, i.id"),
}


@dataclass(frozen=True)
class Share:
    """``title`` is the owner's word for it, ``public_title`` what visitors read: names of people are not for them.

    ``is_over`` is set once it was revoked, or its album is gone.
    """

    id: UUID
    of_album: bool
    album_id: UUID | None
    own_title: str | None
    title: str | None
    public_title: str | None
    sort: Literal["manual", "newest", "oldest"]
    token_hint: str
    secret: bytes = field(repr=False)
    password_hash: str | None = field(repr=False)
    expires_at: datetime | None
    view_limit: int | None
    openings: int
    downloads: bool
    last_opened_at: datetime | None
    is_over: bool
    created_at: datetime

    def state(self, now: datetime) -> State:
        if self.is_over:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if self.view_limit is not None and self.openings >= self.view_limit:
            return "exhausted"
        return "active"


@dataclass(frozen=True)
class Found:
    """Whose link a token is; found before anybody is known."""

    user_id: UUID
    share_id: UUID


# What the vault calls an album of a person or an event may name somebody; what its owner calls it was meant to be read.
_SELECT = """
    SELECT s.id, s.of_album, s.album_id, s.title AS own_title, coalesce(s.title, a.title) AS title,
        coalesce(
            s.title,
            CASE WHEN a.kind IN ('place', 'date', 'trip', 'manual', 'smart') OR (a.kind = 'event' AND a.title_edited)
            THEN a.title END
        ) AS public_title,
        coalesce(a.sort, 'newest') AS sort,
        s.token_hint, s.secret, s.password_hash, s.expires_at, s.view_limit, s.openings, s.downloads, s.last_opened_at,
        s.revoked_at IS NOT NULL OR (s.of_album AND (a.id IS NULL OR a.deleted_at IS NOT NULL)) AS is_over, s.created_at
    FROM shares s LEFT JOIN albums a ON a.id = s.album_id
"""
# Those that somebody can look at: also one that was opened as often as it may be, for who is visiting it.
_WORKING = (
    "s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now()) "
    "AND (NOT s.of_album OR (a.id IS NOT NULL AND a.deleted_at IS NULL))"
)


# ---------------------------------------------------------------------------------------------------- the owner's


def add(
    conn: Connection,
    *,
    album_id: UUID | None,
    image_ids: Collection[UUID] = (),
    title: str | None,
    password_hash: str | None,
    expires_at: datetime | None,
    view_limit: int | None,
    downloads: bool,
) -> tuple[UUID, str]:
    """A share of an album, or of these photos: its id and the token of its link, which is not kept.

    Raises ``NotFound`` for an album or a photo that is not there, or in the trash.
    """
    share_id, token = ids.new(), sharing.new_token()
    if album_id is not None and not db.value(
        conn, "SELECT true FROM albums WHERE id = %s AND deleted_at IS NULL", [album_id]
    ):
        raise NotFound("There is no such album.")
    conn.execute(
        "INSERT INTO shares (id, of_album, album_id, title, token_hash, token_hint, secret, password_hash, expires_at, "
        "view_limit, downloads) VALUES (%(id)s, %(album)s::uuid IS NOT NULL, %(album)s, %(title)s, %(hash)s, %(hint)s, "
        "%(secret)s, %(password_hash)s, %(expires_at)s, %(view_limit)s, %(downloads)s)",
        {
            "id": share_id,
            "album": album_id,
            "title": title,
            "hash": sharing.hash_token(token),
            "hint": sharing.hint(token),
            "secret": sharing.new_secret(),
            "password_hash": password_hash,
            "expires_at": expires_at,
            "view_limit": view_limit,
            "downloads": downloads,
        },
    )
    wanted = list(dict.fromkeys(image_ids))
    added = conn.execute(
        "INSERT INTO share_images (share_id, image_id) "
        "SELECT %s, id FROM images WHERE id = ANY(%s) AND deleted_at IS NULL",
        [share_id, wanted],
    ).rowcount
    if added != len(wanted):
        raise NotFound(NO_SUCH_PHOTO)
    return share_id, token


def get(conn: Connection, share_id: UUID) -> Share | None:
    return db.row(conn, Share, f"{_SELECT} WHERE s.id = %s", [share_id])


def page(conn: Connection, *, album_id: UUID | None, limit: int, after: UUID | None = None) -> list[Share]:
    """All shares, whatever became of them, or those of one album; latest made first, after an id."""
    return db.rows(
        conn,
        Share,
        f"{_SELECT} WHERE (%(album)s::uuid IS NULL OR s.album_id = %(album)s) "
        "AND (%(after)s::uuid IS NULL OR s.id < %(after)s) ORDER BY s.id DESC LIMIT %(limit)s",
        {"album": album_id, "after": after, "limit": limit},
    )


def counts(conn: Connection, share_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many photos each of these shows now."""
    found = conn.execute(
        f"""
        SELECT w.id, (
            SELECT count(*) FROM images i JOIN ({_MEMBERS.format(share="w.id", only="")}) AS m ON m.image_id = i.id
            WHERE {_SHOWABLE}
        ) FROM unnest(%s::uuid[]) AS w(id)
        """.encode(),
        [list(share_ids)],
    )
    return dict(found.fetchall())


def edit(
    conn: Connection,
    share: Share,
    *,
    title: str | None,
    expires_at: datetime | None,
    view_limit: int | None,
    downloads: bool,
) -> None:
    """Write what may change about a share without ending its visits."""
    conn.execute(
        "UPDATE shares SET title = %s, expires_at = %s, view_limit = %s, downloads = %s WHERE id = %s",
        [title, expires_at, view_limit, downloads, share.id],
    )


def set_password(conn: Connection, share_id: UUID, password_hash: str | None) -> None:
    """Another password, or none. Whoever is visiting has to open the share again."""
    conn.execute(
        "UPDATE shares SET password_hash = %s, secret = %s WHERE id = %s",
        [password_hash, sharing.new_secret(), share_id],
    )


def renew_link(conn: Connection, share_id: UUID) -> str:
    """A new link in place of the old one, which ends at once, as do the visits that it began. Its token."""
    token = sharing.new_token()
    conn.execute(
        "UPDATE shares SET token_hash = %s, token_hint = %s, secret = %s WHERE id = %s",
        [sharing.hash_token(token), sharing.hint(token), sharing.new_secret(), share_id],
    )
    return token


def revoke(conn: Connection, share_id: UUID) -> bool:
    """End a share at once. False when it had been revoked before."""
    return bool(
        db.value(
            conn,
            "UPDATE shares SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL RETURNING true",
            [share_id],
        )
    )


def end_of_album(conn: Connection, album_id: UUID) -> None:
    """The album is being deleted: its links end for good, also if it is restored. They keep what it was called."""
    conn.execute(
        "UPDATE shares s SET revoked_at = coalesce(s.revoked_at, now()), title = coalesce(s.title, a.title), "
        "album_id = NULL FROM albums a WHERE a.id = %(id)s AND s.album_id = a.id",
        {"id": album_id},
    )


def working(conn: Connection) -> int:
    """How many shares somebody can look at now."""
    return int(
        db.value(conn, f"SELECT count(*) FROM shares s LEFT JOIN albums a ON a.id = s.album_id WHERE {_WORKING}")
    )


def revoke_all(conn: Connection) -> list[tuple[UUID, str | None]]:
    """End all shares at once. Ids and titles of those that worked. The person's row is locked."""
    ended = conn.execute(
        "SELECT s.id, coalesce(s.title, a.title) FROM shares s LEFT JOIN albums a ON a.id = s.album_id "
        f"WHERE {_WORKING}".encode()
    ).fetchall()
    conn.execute("UPDATE shares SET revoked_at = now() WHERE id = ANY(%s)", [[share_id for share_id, _ in ended]])
    return ended


def forget_expired(conn: Connection) -> None:
    """Delete everybody's shares long after they ended; the policy of ``photovault_maintenance`` allows no earlier."""
    conn.execute(
        f"DELETE FROM shares WHERE least(revoked_at, expires_at) < now() - interval '{KEPT_AFTER_END}'".encode()
    )


# ---------------------------------------------------------------------------------------------------- visitors'


def find(conn: Connection, token: str) -> Found | None:
    """Whose link this is, before anybody is known."""
    return db.row(conn, Found, "SELECT user_id, share_id FROM find_share(%s)", [sharing.hash_token(token)])


def of_living(conn: Connection, share_id: UUID) -> Share | None:
    """The share; None once its owner's account was deleted."""
    return db.row(
        conn, Share, f"{_SELECT} JOIN users u ON u.id = s.user_id AND u.erased_at IS NULL WHERE s.id = %s", [share_id]
    )


@dataclass(frozen=True)
class Opening:
    """The first of a (UTC) day is told to the owner."""

    first_today: bool


def count_opening(conn: Connection, share: Share, *, now: datetime) -> Opening | None:
    """Count one opening; None when there is none left, or the share ended or changed its secret meanwhile.

    Of many at once, exactly as many succeed as the limit allows: each waits for the row and looks at it again.
    """
    conn.execute("SELECT FROM users FOR KEY SHARE")
    return db.row(
        conn,
        Opening,
        "WITH before AS (SELECT id, last_opened_at AS at FROM shares WHERE id = %(id)s FOR UPDATE) "
        "UPDATE shares s SET openings = openings + 1, last_opened_at = %(now)s FROM before "
        "WHERE s.id = before.id AND s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > %(now)s) "
        "AND (s.view_limit IS NULL OR s.openings < s.view_limit) AND s.secret = %(secret)s "
        "RETURNING before.at IS NULL OR before.at::date < %(now)s::timestamptz::date AS first_today",
        {"id": share.id, "now": now, "secret": share.secret},
    )


def photos(conn: Connection, share: Share, *, limit: int, after: UUID | None = None) -> list[Image]:
    """The photos that the share shows, in the album's order, or else latest first; after one of them.

    Raises ``NotFound`` where that one has no place in the order any more.
    """
    key, beyond, order = _ORDERS[share.sort]
    at = following = None
    if after is not None:
        at = db.value(
            conn,
            f"SELECT {key} FROM images i LEFT JOIN ({_ALL_MEMBERS}) AS m ON m.image_id = i.id WHERE i.id = %(id)s",
            {"share": share.id, "id": after},
        )
        if at is None:
            raise NotFound(NO_SUCH_PHOTO)
        following = f"AND ({key}, i.id) {beyond} (%(at)s, %(id)s)"
    return db.rows(
        conn,
        Image,
        f"SELECT {images.QUALIFIED_COLUMNS} FROM images i JOIN ({_ALL_MEMBERS}) AS m ON m.image_id = i.id "
        f"WHERE {_SHOWABLE} {following or ''} ORDER BY {order} LIMIT %(limit)s",
        {"share": share.id, "id": after, "at": at, "limit": limit},
    )


def photo(conn: Connection, share: Share, image_id: UUID) -> Image | None:
    """A photo, when the share shows it."""
    return db.row(
        conn,
        Image,
        f"SELECT {images.QUALIFIED_COLUMNS} FROM images i "
        f"WHERE i.id = %(id)s AND {_SHOWABLE} AND EXISTS ({_ONE_MEMBER})",
        {"share": share.id, "id": image_id},
    )
