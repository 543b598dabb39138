"""What changed since a moment, for copies of a vault that keep up with it: other devices, mirrors, integrations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from photovault import albums, changes, images, people, tombstones
from photovault.api import album_shapes, presenting, schemas
from photovault.api import people as shown_people
from photovault.api.edge import CurrentPerson

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(tags=["sync"])

# Of one album, and of one page: 20,000 ids are 800 KB, and an answer may have 6 MB.
MOST_OF_AN_ALBUM = 5_000
MOST_OF_A_PAGE = 20_000

_ALBUM_ID = album_shapes.ID
_PHOTO_ID = album_shapes.OTHER_ID


class SyncedAlbum(album_shapes.Album):
    image_ids: list[UUID] | None = Field(
        description="Its photos outside the trash, in the order in which it lists them. null for an album of more than "
        "5,000 photos: read `GET /albums/{id}/images`."
    )


class Change(schemas.Schema):
    """Something that changed, as it is now. Of its kind's field, and no other, there may be something to show."""

    kind: tombstones.Kind
    id: UUID
    revision: int = Field(description="Larger for what changed later.")
    gone: bool = Field(
        description="Whether it left the lists: an album or a person that is not shown any more, a photo that was "
        "removed, or that is in the trash, which `image.deleted_at` tells. What is gone may come back under its id."
    )
    image: schemas.Image | None = Field(None, description="Of a photo that is there, be it in the trash.")
    album: SyncedAlbum | None = None
    person: shown_people.Person | None = Field(None, description="Hidden or not.")


class Changes(schemas.Schema):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"kind": "image", "id": _PHOTO_ID, "revision": 41, "gone": True, "image": None},
                        {"kind": "album", "id": _ALBUM_ID, "revision": 42, "gone": True, "album": None},
                    ],
                    "next_since": "WyJjaGFuZ2VzIiw0Ml0",
                    "more": False,
                }
            ]
        },
    )

    items: list[Change]
    next_since: str = Field(description="Give it as `since` the next time, at once if there is `more`.")
    more: bool = Field(description="Whether there is more right now.")


Since = Annotated[
    str | None,
    Query(max_length=1000, description="`next_since` of the answer before; without it, everything there is."),
]


@router.get("/changes", operation_id="listChanges", summary="What changed since the last time", responses={410: {}})
def list_changes(person: CurrentPerson, since: Since = None, limit: schemas.Limit = 50) -> Changes:
    """Photos, albums with their photos, and people that changed or went away, the earliest change first.

    Begin without `since` and an empty copy. Take in each item, putting it in the place of what you have under its id,
    and drop what is `gone`; go on with `next_since` while there is `more`. Your copy is then what the lists show.
    Come back with the last `next_since` whenever you like: after a restart, every minute, or when a webhook calls. It
    does not matter whether things change meanwhile; what changes again comes again.

    Photos that are still being uploaded are among them, with the status `pending`, and archived ones, with `archived`.
    What was removed is remembered for 90 days: a copy that was last complete longer ago is answered with 410 and the
    problem `start-again`, and is to be thrown away. So is one that is ahead of a vault restored from a backup.
    """
    now = datetime.now(UTC)
    with person.transaction() as conn:
        position = changes.resume(conn, since, now=now)
        found = changes.page(conn, position, limit=limit + 1)
        items = _show(conn, found[:limit])
        read = found[: len(items)]
        more = len(found) > len(items)
        following = changes.after(position, read, complete=not more, now=now)
    return Changes(items=items, next_since=changes.cursor(following), more=more)


def _show(conn: Connection, found: Sequence[changes.Entry]) -> list[Change]:
    """These as they are now, fewer where their albums hold too many photos for one page, but at least one."""
    listed = {row.id: row for row in albums.listed(conn, _ids(found, "album"))}
    found = _that_fit(found, listed)
    of_album = [listed[one] for one in _ids(found, "album") if one in listed]
    members = albums.members(conn, [row.id for row in of_album if row.image_count <= MOST_OF_AN_ALBUM])
    shown_albums = {
        album.id: SyncedAlbum(
            **dict(album), image_ids=members.get(album.id, []) if album.image_count <= MOST_OF_AN_ALBUM else None
        )
        for album in album_shapes.show(conn, of_album)
    }
    photos = {row.id: row for row in presenting.image_list(conn, images.with_trash(conn, _ids(found, "image")))}
    persons = {row.id: row for row in shown_people.show(conn, people.listed(conn, _ids(found, "person")))}

    def told(entry: changes.Entry) -> Change:
        image, album, person = photos.get(entry.id), shown_albums.get(entry.id), persons.get(entry.id)
        there = (image is not None and image.deleted_at is None) or album is not None or person is not None
        return Change(
            kind=entry.kind,
            id=entry.id,
            revision=entry.revision,
            gone=not there,
            image=image,
            album=album,
            person=person,
        )

    return [told(entry) for entry in found]


def _that_fit(found: Sequence[changes.Entry], listed: dict[UUID, albums.Album]) -> Sequence[changes.Entry]:
    room = MOST_OF_A_PAGE
    for number, entry in enumerate(found):
        row = listed.get(entry.id)
        if row is not None and row.image_count <= MOST_OF_AN_ALBUM:
            room -= row.image_count
        if room < 0:
            return found[: max(1, number)]
    return found


def _ids(found: Iterable[changes.Entry], kind: tombstones.Kind) -> list[UUID]:
    return list(dict.fromkeys(entry.id for entry in found if entry.kind == kind))
