"""Copies of one picture, and bursts: offered in groups, resolved or dismissed by the person, never by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field

from photovault import activity, cursors, duplicates, images, inheriting, lookalikes
from photovault.api import presenting, schemas
from photovault.api.changing import IdempotencyKey, Once, changing, rebuilding
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.errors import Invalid, NotFound

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.images import Image
    from photovault.lookalikes import Found

router = APIRouter(prefix="/images/duplicates", tags=["images"])

GroupId = Annotated[UUID, Path(description="A group's id, as `GET /images/duplicates` gives it.")]
NO_SUCH_GROUP = "There is no such group; perhaps its photos have changed."
NO_SUCH_MEMBER = "There is no such photo in this group."

_KEPT_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
_COPY_ID = "01890a5d-ac96-7ab2-80e2-4536629c90de"
# What is only a time to sort by is not known about a photo.
_GUESSED = {None, "upload", "file_modified", "filename"}


class Why(schemas.Schema):
    """How a photo of a group relates to the one to keep."""

    image_id: UUID
    text: str = Field(description="In words.", examples=["same picture, half the size"])
    likeness: float | None = Field(
        description="How well the details of the two pictures correlate, 1 being the same; null where only others of "
        "the group were compared with both."
    )
    share: float | None = Field(
        description="How much of the kept picture this one shows, by area; under 1 when it is cropped, over 1 when the "
        "kept one is."
    )


class LookAlikes(schemas.Schema):
    id: UUID = Field(description="Of these photos as a group: another as soon as one joins or leaves.")
    kind: Literal["duplicate", "burst"] = Field(
        description="`duplicate`: copies of one picture. `burst`: different pictures that one camera took within "
        "seconds; a stack, in which nothing is superfluous."
    )
    images: list[schemas.Image] = Field(description="The one to keep first, then those most like it.")
    keeper_id: UUID = Field(
        description="Proposed to be kept: most pixels, then most bytes, then most that is known, then the first."
    )
    why: list[Why] = Field(description="For each of the others.")


class Resolution(schemas.Schema):
    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"keeper_id": _KEPT_ID, "remove": [_COPY_ID]}]}
    )

    keeper_id: UUID = Field(description="The photo of the group that takes over from the others.")
    remove: Annotated[
        list[UUID],
        Field(min_length=1, max_length=500, description="Photos of the group that go to the trash."),
    ]


class Resolved(schemas.Schema):
    """What became of a group. The removed photos can be restored for 30 days."""

    keeper: schemas.Image
    removed: list[UUID]
    album_ids: list[UUID] = Field(description="Albums made by hand that the kept photo has joined.")
    names: int = Field(description="How many of its faces were called as those of the removed photos.")
    caption: Literal["kept", "taken"] = Field(description="Whether it kept its caption, or took that of a copy.")
    captions_left: list[str] = Field(description="Other captions, which stay with the removed photos.")


@router.get("", operation_id="listDuplicates", summary="List duplicates and bursts")
def list_duplicates(
    person: CurrentPerson,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
    kind: Annotated[
        Literal["duplicate", "burst"] | None, Query(description="Copies alone, or bursts alone; else both.")
    ] = None,
) -> schemas.Page[LookAlikes]:
    """Photos that are copies of one picture, and bursts, in groups; the newest first.

    Copies may be recompressed, resized, slightly cropped, or of another format. The archive takes part, the trash does
    not. A photo is compared soon after it was understood. Nothing is removed unless you say so.
    """
    name = f"duplicates-{kind or 'all'}"
    after = cursors.decode(name, cursor, "tu")
    with person.transaction() as conn:
        found = [one for one in lookalikes.offered(conn) if kind is None or one.group.kind == kind]
        rows = [one for one in found if after is None or (one.latest, one.group.id) < after][: limit + 1]
        shown = _shown(conn, rows[:limit])
    following = next_cursor(name, rows, limit=limit, key=lambda one: (one.latest, one.group.id))
    return schemas.Page(items=shown, next_cursor=following)


def _shown(conn: Connection, found: list[Found]) -> list[LookAlikes]:
    photos = {image.id: image for image in images.by_ids(conn, [m for one in found for m in one.group.members])}
    shown = {image.id: image for image in presenting.image_list(conn, list(photos.values()))}
    groups = []
    for one in found:
        members = [_member(photos[member]) for member in one.group.members]
        kept = duplicates.keeper(members)
        why = [_why(one, kept, member) for member in members if member.id != kept.id]
        why.sort(key=lambda each: (-(each.likeness or 0), each.image_id))
        groups.append(
            LookAlikes(
                id=one.group.id,
                kind=one.group.kind,
                images=[shown[image_id] for image_id in (kept.id, *(each.image_id for each in why))],
                keeper_id=kept.id,
                why=why,
            )
        )
    return groups


def _member(image: Image) -> duplicates.Member:
    known = (image.taken_source not in _GUESSED, image.lat is not None, image.camera_model is not None, image.caption)
    return duplicates.Member(
        id=image.id,
        width=image.width or 0,
        height=image.height or 0,
        size=image.size,
        content_type=image.content_type,
        known=sum(map(bool, known)),
        taken=image.sort_at,
        created_at=image.created_at,
    )


def _why(one: Found, kept: duplicates.Member, member: duplicates.Member) -> Why:
    pair = next((pair for pair in one.pairs if {pair.a, pair.b} == {kept.id, member.id}), None)
    share = None if pair is None else pair.share if pair.a == kept.id else 1 / pair.share
    return Why(
        image_id=member.id,
        text=duplicates.reason(kept, member, kind=one.group.kind, share=share),
        likeness=round(pair.score, 4) if pair else None,
        share=round(share, 4) if share is not None else None,
    )


@router.post(
    "/{group_id}/resolve",
    operation_id="resolveDuplicates",
    summary="Keep one of a group",
    responses=NOT_FOUND | CONFLICT,
)
def resolve_duplicates(
    group_id: GroupId, body: Resolution, person: CurrentPerson, idempotency_key: IdempotencyKey = None
) -> Resolved:
    """Keep one photo of a group, and move others of it to the trash.

    The kept one joins their albums made by hand, takes the names of the people that they show, is a favourite if any
    of them was, and takes their caption if it has none. It is in the archive only if all of them were.
    """
    leaving_ids = list(dict.fromkeys(body.remove))
    if body.keeper_id in leaving_ids:
        raise Invalid("The photo to keep cannot be removed.", [("remove", "holds the photo to keep")])
    once = Once.of(idempotency_key, f"resolveDuplicates:{group_id}", body)
    with rebuilding(person) as change:
        conn, revision = change.conn, change.revision
        if once.before(conn) is not None:
            return _resolved(conn, body.keeper_id, leaving_ids, None)
        found = lookalikes.get(conn, group_id)
        if found is None:
            raise NotFound(NO_SUCH_GROUP)
        if not {body.keeper_id, *leaving_ids} <= {*found.group.members}:
            raise NotFound(NO_SUCH_MEMBER)
        kept, *leaving = images.by_ids(conn, [body.keeper_id, *leaving_ids])
        inherited = inheriting.inherit(conn, kept, leaving, revision=revision)
        for image in leaving:
            images.move_to_trash(conn, image.id, revision=revision)
        once.made(conn, kept.id)
        activity.record(
            conn, "duplicates-resolved", image_id=str(kept.id), removed=[str(image.id) for image in leaving]
        )
        return _resolved(conn, kept.id, leaving_ids, inherited)


def _resolved(
    conn: Connection, keeper_id: UUID, removed: list[UUID], inherited: inheriting.Inherited | None
) -> Resolved:
    kept = images.by_ids(conn, [keeper_id])
    if not kept:
        raise NotFound(NO_SUCH_MEMBER)
    return Resolved(
        keeper=presenting.image_list(conn, kept)[0],
        removed=removed,
        album_ids=list(inherited.albums) if inherited else [],
        names=inherited.names if inherited else 0,
        caption="taken" if inherited and inherited.caption_taken else "kept",
        captions_left=list(inherited.captions_left) if inherited else [],
    )


@router.post(
    "/{group_id}/dismiss",
    status_code=204,
    operation_id="dismissDuplicates",
    summary="Say that a group is none",
    responses=NOT_FOUND,
)
def dismiss_duplicates(group_id: GroupId, person: CurrentPerson) -> None:
    """Do not offer these photos as a group again, nor some of them; when another photo joins them, they are offered."""
    with changing(person) as change:
        found = lookalikes.get(change.conn, group_id)
        if found is None:
            raise NotFound(NO_SUCH_GROUP)
        if found.dismissed:
            return
        lookalikes.dismiss(change.conn, found.group)
        activity.record(change.conn, "duplicates-dismissed", images=[str(member) for member in found.group.members])
