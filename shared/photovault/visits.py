"""Visiting a share, without an account: whether a link works, who may come in, and what counts as having come in.

A link that is unknown, revoked, past, used up or of a deleted account is told from another by nobody: one error, with
the same words. Each request looks at the share's row, so that what its owner ends is ended at once. Passwords are
verified outside transactions, and attempts are counted in one of their own, as those of log-in are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import activity, db, keyring, shares, sharing, throttles
from photovault.errors import NotFound, Unauthenticated
from photovault.shares import Share

if TYPE_CHECKING:
    from photovault.db import Connection

DEAD_LINK = "This link does not work. It may have run out, or whoever made it has ended it."
OPEN_FIRST = "Open the share first: `POST /s/{token}/unlock`."

# A household behind one address opens what it likes; who tries passwords waits seconds from the eleventh on.
OPENING_ADDRESS = throttles.Bucket("share-opening", capacity=120, seconds=1)
PASSWORD_PAIR = throttles.Bucket("share-password-pair", capacity=10, seconds=15)
PASSWORD_SHARE = throttles.Bucket("share-password", capacity=100, seconds=6)
# Links that do not work. A page whose share has just ended asks for dozens of pictures.
DEAD_ADDRESS = throttles.Bucket("share-dead", capacity=300, seconds=1)
# Originals are read, opened and written anew for each download.
DOWNLOADS = throttles.Bucket("share-download", capacity=600, seconds=1)


@dataclass(frozen=True)
class Visitor:
    """Somebody with a link that works. ``until`` is when the visit ends; None for who has not opened the share."""

    user_id: UUID
    share: Share
    until: datetime | None


@dataclass(frozen=True)
class Opened:
    """``proof`` is what later requests of this visit bring."""

    visitor: Visitor
    proof: str = field(repr=False)


@contextmanager
def looking(token: str, proof: str | None, *, address: str) -> Iterator[tuple[Connection, Visitor]]:
    """The owner's transaction for somebody with a link that works, whether or not they have opened the share.

    Raises ``NotFound`` (always with the same words), ``TooManyRequests``.
    """
    with db.before_login() as conn:
        found = shares.find(conn, token)
    if found is not None:
        keyring.warm(found.user_id)
        with db.transaction(found.user_id) as conn:
            visitor = _visitor(conn, found, proof, now=datetime.now(UTC))
            if visitor is not None:
                yield conn, visitor
                return
    with db.before_login() as conn:
        throttles.pour(conn, DEAD_ADDRESS, address)
    raise NotFound(DEAD_LINK)


@contextmanager
def visiting(token: str, proof: str | None, *, address: str) -> Iterator[tuple[Connection, Visitor]]:
    """The same for somebody who has opened it. Raises ``Unauthenticated`` for who has not."""
    with looking(token, proof, address=address) as (conn, visitor):
        if visitor.until is None:
            raise Unauthenticated(OPEN_FIRST)
        yield conn, visitor


def unlock(token: str, *, password: str | None, proof: str | None, address: str) -> Opened:
    """Open a share, which counts, unless the visit that ``proof`` tells of goes on.

    Raises ``NotFound``, ``Unauthenticated`` (a password is wrong or missing), ``TooManyRequests``.
    """
    with db.before_login() as conn:
        throttles.pour(conn, OPENING_ADDRESS, address)
    with looking(token, proof, address=address) as (_, visitor):
        pass
    if visitor.until is not None and proof is not None:
        return Opened(visitor, proof)
    share = visitor.share
    pair = f"{share.id}|{address}"
    if share.password_hash is not None:
        from photovault import passwords  # what pictures do without

        if password is None:
            raise Unauthenticated("This share has a password.")
        with db.before_login() as conn:
            throttles.pour(conn, PASSWORD_PAIR, pair)
            throttles.pour(conn, PASSWORD_SHARE, str(share.id))
        if not passwords.verify(share.password_hash, password):
            raise Unauthenticated("The password is wrong.")
    now = datetime.now(UTC)
    with db.transaction(visitor.user_id) as conn:
        opening = shares.count_opening(conn, share, now=now)
        if opening is None:  # the last one went to somebody else, or the owner was quicker
            raise NotFound(DEAD_LINK)
        if opening.first_today:
            activity.record(conn, "share-opened", share_id=str(share.id), title=share.title)
        if share.password_hash is not None:
            throttles.empty(conn, PASSWORD_PAIR, pair)
    made, until = sharing.grant(share.secret, now=now, until=share.expires_at)
    return Opened(Visitor(visitor.user_id, share, until), made)


def count_download(visitor: Visitor, *, address: str) -> None:
    """Raises ``TooManyRequests``."""
    with db.before_login() as conn:
        throttles.pour(conn, DOWNLOADS, f"{visitor.share.id}|{address}")


def _visitor(conn: Connection, found: shares.Found, proof: str | None, *, now: datetime) -> Visitor | None:
    share = shares.of_living(conn, found.share_id)
    if share is None:
        return None
    until = sharing.granted(share.secret, proof, now=now)
    state = share.state(now)
    if state == "active" or (state == "exhausted" and until is not None):
        return Visitor(found.user_id, share, until)
    return None
