"""What the copy that is kept takes over from those that go to the trash.

Everything in the transaction that moves them there. The copies keep what they have, for when they are restored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import album_choices, albums, corrections, images, labelling, people, terms

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.images import Image
    from photovault.people import FaceInPhoto

LEAST_OVERLAP = 0.4
"""Of two boxes, intersection over union: a crop of a few per cent moves the box of the same face by less."""


@dataclass(frozen=True)
class Inherited:
    """``captions_left`` are those of copies that differ from the caption of the photo that is kept."""

    albums: tuple[UUID, ...]
    names: int
    caption_taken: bool
    captions_left: tuple[str, ...]


def inherit(conn: Connection, kept: Image, leaving: Sequence[Image], *, revision: int) -> Inherited:
    """Give a photo the albums, names, labels, favourite, caption and visibility of its copies.

    It is a favourite if any of them was, and stays in the archive only if all of them were there: what could be seen
    can be seen afterwards. Of several captions the first counts, and its own before all.
    """
    leaving_ids = [image.id for image in leaving]
    captions = list(dict.fromkeys(image.caption for image in leaving if image.caption))
    taken = captions[0] if captions and not kept.caption else None
    images.edit(
        conn,
        kept.id,
        revision=revision,
        caption=taken,
        favourite=kept.favourite or any(image.favourite for image in leaving),
        archived=kept.archived and all(image.archived for image in leaving),
    )
    if not labelling.inherit(conn, kept.id, leaving_ids, revision=revision) and taken is not None:
        terms.refresh(conn, kept.id)
    return Inherited(
        albums=tuple(_albums(conn, kept.id, leaving_ids, revision=revision)),
        names=_names(conn, kept.id, leaving_ids, revision=revision),
        caption_taken=taken is not None,
        captions_left=tuple(caption for caption in captions if caption not in {taken, kept.caption}),
    )


def _albums(conn: Connection, kept: UUID, leaving: list[UUID], *, revision: int) -> list[UUID]:
    """Those that a copy was put into by hand; the others follow by themselves. Where a copy was chosen as the cover,
    its heir is. An album that was deleted inherits as well, because it may be restored, and is not told of."""
    found = conn.execute(
        "SELECT DISTINCT a.id, a.deleted_at IS NOT NULL OR bool_or(m.image_id = %(kept)s) "
        "FROM album_images m JOIN albums a ON a.id = m.album_id "
        "WHERE a.kind = 'manual' AND (m.image_id = ANY(%(leaving)s) OR m.image_id = %(kept)s) "
        "GROUP BY a.id HAVING bool_or(m.image_id <> %(kept)s) ORDER BY a.id",
        {"kept": kept, "leaving": leaving},
    ).fetchall()
    for album_id, _ in found:
        albums.append(conn, album_id, [kept], revision=revision)
    for album_id in album_choices.holding(conn, leaving):
        album_choices.put_in(conn, album_id, [kept], revision=revision)
    conn.execute(
        "UPDATE albums a SET cover_image_id = %(kept)s, revision = %(revision)s "
        "WHERE a.cover_image_id = ANY(%(leaving)s) AND a.cover_edited "
        "AND EXISTS (SELECT FROM album_images m WHERE m.album_id = a.id AND m.image_id = %(kept)s)",
        {"kept": kept, "leaving": leaving, "revision": revision},
    )
    return [album_id for album_id, untold in found if not untold]


def _names(conn: Connection, kept: UUID, leaving: list[UUID], *, revision: int) -> int:
    """How many faces are called as the same face of a copy was."""
    heirs = people.faces_of_image(conn, kept)
    inherited = 0
    for face in people.faces_of_images(conn, leaving):
        heir = max(heirs, key=lambda one: (overlap(one, face), one.id), default=None)
        if heir is not None and overlap(heir, face) >= LEAST_OVERLAP:
            inherited += corrections.inherit(conn, face.id, heir.id, revision=revision)
    return inherited


def overlap(one: FaceInPhoto, other: FaceInPhoto) -> float:
    """Of their boxes: intersection over union, from 0 to 1."""
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    down = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0.0, across) * max(0.0, down)
    return shared / (one.w * one.h + other.w * other.h - shared) if shared else 0.0
