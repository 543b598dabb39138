"""The two files of a Live Photo become one photo: the film is sealed anew as the picture's blob ``motion``.

Whichever of the two is understood last finds the other: both note their identifier under the person's lock, and look
after their commit. Safe to repeat and to race.
"""

from __future__ import annotations

from uuid import UUID

from photovault import db, failpoints, films, images, keyring, originals, queues, users, vault, webhooks
from photovault.errors import BlobMissing, NotFound, PersonGone, Tampered
from photovault.films import Pair
from photovault.observability import logger

# Films that share one identifier; in a library as phones make it there is one.
_MOST = 16


def join(user_id: UUID, image_id: UUID) -> None:
    """Join what belongs together by the identifier of this film or picture. Raises ``Unavailable``, ``PersonGone``."""
    for _ in range(_MOST):
        with db.transaction(user_id) as conn:
            pair = films.pair(conn, image_id)
            left = films.left_over(conn, image_id) if pair is None else []
        if pair is None:
            break
        try:
            _join(user_id, pair)
        except (BlobMissing, Tampered):  # reported where it was found; the picture is none the worse for it
            logger().error("film.unreadable", extra={"image_id": str(pair.film_id)})
            return
    else:
        return
    if left:
        with db.transaction(user_id) as conn:
            films.give_up(conn, left, films.SECOND, revision=users.next_revision(conn))
            behind = webhooks.are_behind(conn)
        if behind:
            queues.send_albums(user_id)


def _join(user_id: UUID, pair: Pair) -> None:
    try:
        film = originals.open(user_id, pair.film_id)
    except NotFound:  # it has joined, or was purged meanwhile
        return
    with db.transaction(user_id) as conn:
        picture = images.get(conn, pair.picture_id)
        content_key = keyring.content_key_of(conn, picture) if picture is not None else None
    if content_key is None:
        return
    motion = vault.store(
        film.data,
        content_key=content_key,
        user_id=user_id,
        image_id=pair.picture_id,
        name=films.NAME,
        content_type=film.image.content_type,
    )
    failpoints.reach("joining.stored")
    try:
        with db.transaction(user_id) as conn:
            joined = films.join(conn, pair, motion, revision=users.next_revision(conn))
    except PersonGone:  # before anything was written: no row names it
        vault.discard([motion])
        raise
    failpoints.reach("joining.committed")
    if not joined:
        vault.discard([motion])
        return
    logger().info("film.joined", extra={"image_id": str(pair.picture_id), "film_id": str(pair.film_id)})
