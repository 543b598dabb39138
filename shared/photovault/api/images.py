"""Uploads, the list of photos, and the life of one photo."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field, StringConstraints, field_validator, model_validator
from starlette.formparsers import MultiPartParser

from photovault import (
    albums,
    cursors,
    films,
    formats,
    images,
    keyring,
    label_names,
    labelling,
    listing,
    locations,
    motion,
    people,
    queues,
    reasons,
    rebuilds,
    sealing,
    smart_albums,
    staging,
    terms,
    things,
    tickets,
    uploads,
)
from photovault.api import (
    boxes,
    edge,
    labelled,
    labels,
    posted,
    presenting,
    relocated,
    retimed,
    schemas,
    trash,
)
from photovault.api.changing import IdempotencyKey, changing
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.api.schemas import NOT_FOUND
from photovault.errors import Invalid, NotFound, TooLarge, UnsupportedType
from photovault.settings import get_settings

router = APIRouter(prefix="/images", tags=["images"])

# Uploaded files stay in memory: the parser's default writes plaintext over 1 MiB to the disk.
MultiPartParser.spool_max_size = 200 * 1024 * 1024

UNKNOWN_TYPE = "application/octet-stream"
FILM_TYPE = "video/quicktime"

ImageId = Annotated[UUID, Path(description="A photo's id.")]
Filename = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class UploadItem(schemas.Schema):
    filename: Annotated[Filename, Field(examples=["IMG_2025.jpg"])]
    content_type: Annotated[str, Field(max_length=100, examples=["image/jpeg"])]
    size: Annotated[int, Field(gt=0, description="Bytes.", examples=[2_345_678])]
    sha256: Annotated[
        str,
        StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$"),
        Field(
            description="Of the file, in hex.",
            examples=["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
        ),
    ]

    modified_at: Annotated[
        datetime | None,
        Field(
            description="When the file was last changed, as the clock of its device showed; an offset is not looked "
            "at. It dates a photo that does not say itself when it was taken.",
            examples=["2014-07-19T16:28:05"],
        ),
    ] = None

    @field_validator("filename")
    @classmethod
    def _clean(cls, value: str) -> str:
        return clean_filename(value)


class UploadRequest(schemas.Schema):
    items: Annotated[list[UploadItem], Field(min_length=1, max_length=100)]
    sealed: Annotated[
        bool,
        Field(
            description="Whether the files will be sealed before they are posted, each with the key of its `seal`, so "
            "that no plaintext ever rests in the storage. A vault may require it: `GET /health` says so.",
            examples=[False],
        ),
    ] = False


class UploadPost(schemas.Schema):
    url: str
    fields: dict[str, str] = Field(description="Send these fields, in this order, and the file last as `file`.")


class UploadSeal(schemas.Schema):
    """What a file is sealed with before it is posted: the envelope is that of a blob of this name, person and photo."""

    name: Annotated[Literal["upload"], Field(description="The blob's name, which is bound into its key.")]
    key: str = Field(
        description="The blob's key, 32 bytes in base64url. It opens this upload and nothing else of the photo.",
        examples=["bm90LWEta2V5LWJ1dC0zMi1ieXRlcy1sb25nLXRydWU="],
    )
    user_id: UUID
    image_id: UUID
    sealed_bytes: int = Field(description="Of the envelope, which the form takes exactly.", examples=[2_345_818])


class UploadAnswer(schemas.Schema):
    image_id: UUID
    state: Literal["upload", "duplicate", "in_trash"]
    post: UploadPost | None
    seal: UploadSeal | None = Field(None, description="With `post`, when the upload is to be sealed.")
    expires_at: datetime | None
    status: str | None = Field(None, description="Of the photo that is there already.")
    reason: str | None = Field(None, description="Why that photo was rejected, or what that film waits for.")


class UploadAnswers(schemas.Schema):
    items: list[UploadAnswer]


class CheckRequest(schemas.Schema):
    sha256: Annotated[
        list[Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")]],
        Field(min_length=1, max_length=1000),
    ]


class CheckAnswer(schemas.Schema):
    sha256: str
    image_id: UUID | None
    state: Literal["unknown", "pending", "present", "rejected", "in_trash"]
    status: str | None = Field(None, description="Of that photo: pending, processing, ready or rejected.")
    reason: str | None = Field(None, description="Why it was rejected, or what that film waits for.")


class CheckAnswers(schemas.Schema):
    items: list[CheckAnswer]


class Uploaded(schemas.Schema):
    image: schemas.Image
    duplicate: bool


class ImageEdit(schemas.Schema):
    caption: Annotated[str | None, Field(max_length=2000)] = None
    favourite: bool | None = None
    archived: bool | None = None
    taken: Annotated[
        retimed.TimeEdit | None,
        Field(
            description="When the photo was taken, as the person knows it; null gives it back to what the file says."
        ),
    ] = None
    location: relocated.Location = None
    add_labels: labelled.AddedToOne = None
    remove_labels: labelled.RemovedFromOne = None
    restore_labels: labelled.RestoredOfOne = None
    taken_at: Annotated[
        retimed.TakenAt | None,
        Field(description="The same in one text, with or without an offset.", examples=["2025-09-11T08:59:00+09:00"]),
    ] = None

    @model_validator(mode="after")
    def _one_time(self) -> ImageEdit:
        if {"taken", "taken_at"} <= self.model_fields_set:
            raise ValueError("give `taken` or `taken_at`")
        return self


class FaceInPhoto(schemas.Schema):
    id: UUID
    box: list[float] = Field(description="x, y, width, height as fractions of the upright picture.")
    person_id: UUID | None
    person_name: str | None
    score: float
    quality: float
    ticket: schemas.Ticket | None


class AlbumOfPhoto(schemas.Schema):
    id: UUID
    kind: str
    title: str
    why: dict[str, object] | None
    because: str = Field(description="Why the photo is in it, in a sentence.", examples=["You put it in."])


class ImageDetail(schemas.Image):
    taken_by_file: retimed.TimeShown | None = Field(
        description="What the file says about its time, where a person corrected it."
    )
    location_corrected: bool = Field(
        description="Whether a person said where it was taken, or, without a `location`, that nobody knows."
    )
    location_by_file: relocated.FileLocation | None = Field(description="What the file says then.")
    people: list[FaceInPhoto]
    labels: list[labels.LabelInPhoto]
    removed_labels: list[str] = Field(
        description="What you took away, of what a model or the file says.", examples=[["giraffe"]]
    )
    albums: list[AlbumOfPhoto]


def clean_filename(text: str) -> str:
    """The last part of a path, in one line and one direction: what a person would call the file.

    Controls, line ends, marks that turn the writing's direction, and lone surrogates go.
    """
    name = re.split(r"[/\\]", text)[-1]
    name = re.sub(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", "", name).strip()
    return name if name.strip(".") else "photo"


# ----------------------------------------------------------------------------------------------------- uploads


@router.post(
    "/uploads",
    status_code=201,
    operation_id="announceUploads",
    responses={status: {} for status in (409, 413, 415)},
)
def announce_uploads(body: UploadRequest, person: CurrentPerson) -> UploadAnswers:
    """Announce up to 100 files and get for each a form that posts it straight to the storage.

    The film of a Live Photo (`video/quicktime`) goes beside its photo, in any order, and becomes its moving part.

    Files that are in the vault already are named instead; of such a film, its photo. Asking again for one that has not
    arrived gives the same photo and a fresh form. A form takes exactly the announced bytes, for five minutes.

    With `sealed`, each comes with a key: post not the file but its sealed envelope, whose contents are then verified
    against the announced size and SHA-256, which stay those of the file itself.
    """
    if get_settings().require_sealed_uploads and not body.sealed:
        raise Invalid(
            "This vault takes sealed uploads only: announce with `sealed: true`, and seal each file with its key "
            "before you post it.",
            [("sealed", "must be true")],
        )
    most = get_settings().max_upload_bytes
    too_large = [
        (f"items.{n}.size", f"{item.filename} is larger than {most} bytes")
        for n, item in enumerate(body.items)
        if item.size > most
    ]
    if too_large:
        raise TooLarge(f"A photo may have at most {most} bytes.", too_large)
    announcements = [
        uploads.Announcement(
            item.filename,
            _media_type(item.content_type, f"items.{n}"),
            item.size,
            bytes.fromhex(item.sha256),
            item.modified_at and item.modified_at.replace(tzinfo=None),
        )
        for n, item in enumerate(body.items)
    ]
    answers = _announce(person, announcements, sealed=body.sealed)
    return UploadAnswers(items=[_shown_answer(person.user_id, answer) for answer in answers])


def _announce(person: edge.Person, announcements: list[uploads.Announcement], *, sealed: bool) -> list[uploads.Answer]:
    """Announce in one transaction; where a pending photo was announced with another size, look whether it has arrived.

    If not, the newer announcement counts: else one wrong size would keep the right file out for as long as the photo
    stays pending. Raises ``OtherSize``, ``QuotaExceeded``, ``StorageUnavailable``.
    """
    keyring.provide(person.user_id)
    not_arrived: frozenset[UUID] = frozenset()
    while True:
        try:
            with person.transaction() as conn:
                return uploads.announce(
                    conn,
                    person.user_id,
                    announcements,
                    now=datetime.now(UTC),
                    sealed=sealed,
                    not_arrived=not_arrived,
                )
        except uploads.OtherSize as error:
            if not error.unseen or any(staging.holds(person.user_id, image_id) for image_id in error.unseen):
                raise
            not_arrived |= error.unseen


def _shown_answer(user_id: UUID, answer: uploads.Answer) -> UploadAnswer:
    post, seal = uploads.post(user_id, answer), answer.seal
    existing = answer.existing if post is None else None
    return UploadAnswer(
        image_id=answer.image_id,
        state=answer.state,
        post=UploadPost(url=post.url, fields=post.fields) if post else None,
        seal=UploadSeal(
            name="upload",
            key=urlsafe_b64encode(seal.key).decode(),
            user_id=seal.address.user_id,
            image_id=seal.address.image_id,
            sealed_bytes=seal.sealed_bytes,
        )
        if seal
        else None,
        expires_at=answer.expires_at,
        status=existing.status if existing else None,
        reason=existing.told if existing else None,
    )


@router.post("/uploads/check", operation_id="checkUploads")
def check_uploads(body: CheckRequest, person: CurrentPerson) -> CheckAnswers:
    """Which of up to 1,000 files are in the vault already, by their SHA-256."""
    with person.transaction() as conn:
        known = images.known_sha256(conn, [bytes.fromhex(h) for h in body.sha256])
    answers = []
    for wanted in body.sha256:
        image = known.get(bytes.fromhex(wanted))
        answers.append(
            CheckAnswer(
                sha256=wanted,
                image_id=image.id if image else None,
                state=_known_state(image),
                status=image.status if image else None,
                reason=image.told if image else None,
            )
        )
    return CheckAnswers(items=answers)


def _known_state(image: images.Image | None) -> Literal["unknown", "pending", "present", "rejected", "in_trash"]:
    if image is None:
        return "unknown"
    if image.deleted_at is not None:
        return "in_trash"
    if image.status == "rejected":
        return "rejected"
    return "present" if image.sealed_at else "pending"


@router.post(
    "/upload",
    status_code=202,
    operation_id="uploadImage",
    responses={status: {} for status in (404, 409, 413, 415, 422)},
    openapi_extra=posted.FORM,
)
async def upload_image(request: Request, person: CurrentPerson) -> Uploaded:
    """Upload one photo through the API: simple, for files that fit the gateway. `POST /images/uploads` takes all."""
    way = "Larger ones go straight to the storage: ask `POST /images/uploads` for a form."
    data, filename = await posted.photo(request, otherwise=way)
    return await run_in_threadpool(_take, person, data, filename)


def _take(person: edge.Person, data: bytes, filename: str) -> Uploaded:
    content_type = formats.sniff(data)
    if content_type is None and motion.is_film(data) and motion.content_identifier(data):
        content_type = motion.film_type(data)
    if content_type is None:
        raise UnsupportedType("This is not a photo of a kind that the vault knows: " + _TAKEN)
    digest = hashlib.sha256(data).digest()
    name = clean_filename(filename)[:255]
    announced = uploads.Announcement(name, content_type, len(data), digest)
    (answer,) = _announce(person, [announced], sealed=True)
    if answer.seal is not None:  # sealed here, so that this way leaves no plaintext in staging either
        envelope = sealing.seal(data, key=answer.seal.key, address=answer.seal.address)
        staging.put(
            person.user_id,
            answer.image_id,
            envelope,
            content_type=uploads.SEALED_TYPE,
            sha256_base64=b64encode(hashlib.sha256(envelope).digest()).decode(),
        )
    with person.transaction() as conn:
        image = images.get(conn, answer.image_id)
        if image is None:
            raise NotFound("The photo was deleted meanwhile.")
        shown = presenting.image_list(conn, [image])[0]
    return Uploaded(image=shown, duplicate=answer.state != "upload")


_KNOWN_NAMES = ("JPEG", "PNG", "WebP", "GIF", "TIFF", "HEIC/HEIF", "AVIF", "the RAW files of cameras")
_TAKEN = ", ".join(_KNOWN_NAMES) + ", and of films those of Live Photos."


def _media_type(text: str, where: str) -> str:
    """A media type that may be announced; what the bytes really are is looked at when they are here."""
    wanted = text.partition(";")[0].strip().lower()
    if wanted in formats.ACCEPTED or wanted in {FILM_TYPE, UNKNOWN_TYPE}:
        return wanted
    if wanted in {"image/jpg", "image/pjpeg"}:
        return "image/jpeg"
    raise UnsupportedType(
        f"{text!r} is not accepted. The vault takes " + _TAKEN,
        [(f"{where}.content_type", "is of a kind that the vault cannot take; it takes " + _TAKEN.rstrip("."))],
    )


# ------------------------------------------------------------------------------------------------------- lists


def list_filter(  # each parameter is one that a client may give
    *,
    album_id: Annotated[UUID | None, Query()] = None,
    person_id: Annotated[
        list[UUID] | None, Query(description="Photos with all of these people.", max_length=20)
    ] = None,
    from_: Annotated[date | None, Query(alias="from", description="First local day.")] = None,
    to: Annotated[date | None, Query(description="Last local day.")] = None,
    status: Annotated[schemas.Status | None, Query()] = None,
    favourite: Annotated[bool | None, Query()] = None,
    archived: Annotated[
        Literal["true", "false", "any"], Query(description="The archive is left out unless asked for.")
    ] = "false",
    bbox: boxes.BoxText = None,
    label: Annotated[list[str] | None, Query(description="Photos showing all of these things.", max_length=20)] = None,
    min_score: Annotated[
        float | None, Query(ge=0, le=1, description="For `label`: how sure the detector must be; all are from 0.35.")
    ] = None,
    country: Annotated[str | None, Query(max_length=2, description="ISO 3166-1 code.")] = None,
    city: Annotated[str | None, Query(max_length=200)] = None,
) -> listing.Filter:
    if from_ and to and from_ > to:
        raise Invalid("`from` is later than `to`.", [("from", "is later than `to`")])
    if min_score is not None and not label:
        raise Invalid("`min_score` goes with `label`.", [("min_score", "goes with `label`")])
    for value in (*(label or ()), city or "", country or ""):
        if "\x00" in value:
            raise Invalid("A filter may not hold NUL characters.")
    return listing.Filter(
        album_id=album_id,
        person_ids=tuple(person_id or ()),
        from_day=from_,
        to_day=to,
        status=status,
        favourite=favourite,
        archived=None if archived == "any" else archived == "true",
        bbox=boxes.parse(bbox),
        labels=tuple(label_names.key_of(name) for name in label or ()),
        min_label_score=min_score or 0.0,
        countries=(country.upper(),) if country else (),
        cities=(city,) if city else (),
    )


ListFilter = Annotated[listing.Filter, Depends(list_filter)]


@router.get("/list", operation_id="listImages")
def list_images(
    person: CurrentPerson,
    wanted: ListFilter,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
    order: Annotated[Literal["newest", "oldest"], Query()] = "newest",
) -> schemas.Page[schemas.Image]:
    """Photos by the time they were taken, with a ticket for each thumbnail. Trash and archive are left out."""
    return page_of_images(person, wanted, cursor=cursor, limit=limit, order=order)


def page_of_images(
    person: edge.Person, wanted: listing.Filter, *, cursor: str | None, limit: int, order: str = "newest"
) -> schemas.Page[schemas.Image]:
    kind = "images-" + order
    after = cursors.decode(kind, cursor, "tu")
    with person.transaction() as conn:
        rows = images.page(conn, wanted, limit=limit + 1, after=after, oldest_first=order == "oldest")
        shown = presenting.image_list(conn, rows[:limit])
    following = next_cursor(kind, rows, limit=limit, key=lambda row: (row.sort_at, row.id))
    return schemas.Page(items=shown, next_cursor=following)


@router.get("/{image_id}/similar", operation_id="similarImages", responses=NOT_FOUND)
def similar_images(
    person: CurrentPerson, image_id: ImageId, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[schemas.LookAlike]:
    """Photos that look like this one, the nearest first. Trash and archive are left out."""
    kind = f"similar-{image_id}"
    after = cursors.decode(kind, cursor, presenting.LOOK_ALIKE_KEY)
    from photovault import picture_search  # which no other route here needs

    with person.transaction() as conn:
        presenting.existing(conn, image_id)
        anchors = picture_search.anchors_of(conn, image_id)
        return presenting.look_alikes(conn, anchors, kind=kind, after=after, limit=limit, without=image_id)


# ---------------------------------------------------------------------------------------------- one photo's life


@router.get("/{image_id}", operation_id="getImage", responses=NOT_FOUND)
def get_image(person: CurrentPerson, image_id: ImageId) -> ImageDetail:
    """A photo with its people, labels, albums, and tickets for all its renditions.

    The id of a Live Photo's film gives the photo that the film has become part of; until then, the film as it waits.
    """
    now = datetime.now(UTC)
    with person.transaction() as conn:
        image_id = films.picture_of(conn, image_id) or image_id
        row = presenting.existing(conn, image_id)
        taken_by_file = retimed.by_file(conn, row)
        location_by_file = relocated.by_file(conn, row)
        made = tickets.of_images(conn, [row], names=None, now=now).get(row.id, {})
        faces = people.faces_of_image(conn, image_id)
        seen = things.of_image(conn, image_id)
        removed = labelling.removed_from(conn, [image_id]).get(image_id, [])
        memberships = albums.of_image(conn, image_id)
    shown = presenting.image(row, {name: made[name] for name in presenting.DETAIL_TICKETS if name in made})
    return ImageDetail(
        **shown.model_dump(),
        taken_by_file=taken_by_file,
        location_corrected=row.location_source == locations.PERSON,
        location_by_file=location_by_file,
        people=[
            FaceInPhoto(
                id=face.id,
                box=[face.x, face.y, face.w, face.h],
                person_id=face.person_id,
                person_name=face.person_name,
                score=face.score,
                quality=face.quality,
                ticket=presenting.ticket(made[f"face:{face.id}"]) if f"face:{face.id}" in made else None,
            )
            for face in faces
        ],
        labels=labels.shown(seen),
        removed_labels=removed,
        albums=[
            AlbumOfPhoto(id=a.id, kind=a.kind, title=a.title, why=a.why, because=reasons.because(a.kind, a.why))
            for a in memberships
        ],
    )


@router.patch("/{image_id}", operation_id="editImage", responses=NOT_FOUND)
def edit_image(person: CurrentPerson, image_id: ImageId, body: ImageEdit) -> schemas.Image:
    """Change caption, favourite, archived, labels, or when and where it was taken; what is not given stays."""
    if body.caption is not None and "\x00" in body.caption:
        raise Invalid("A caption may not hold NUL characters.", [("caption", "holds a NUL character")])
    retimes, relocates = bool(body.model_fields_set & {"taken", "taken_at"}), "location" in body.model_fields_set
    rebuild = body.archived is not None or retimes or relocates
    if rebuild:
        queues.send_rebuild_check(person.user_id)
    with changing(person) as change:
        conn = change.conn
        before = presenting.existing(conn, image_id)
        images.edit(
            conn,
            image_id,
            revision=change.revision,
            caption=body.caption,
            favourite=body.favourite,
            archived=body.archived,
        )
        if body.caption is not None:
            terms.refresh(conn, image_id)
        # The place first: its time zone tells the offset of a time that is given without one.
        moved = relocates and bool(relocated.correct(change, [image_id], body.location))
        moved |= retimes and retimed.correct(change, image_id, body.taken or retimed.of_text(body.taken_at))
        if moved or body.archived not in {None, before.archived}:
            rebuilds.want(conn)
        said = labelled.say(change, [image_id], body)
        if moved or said or body.favourite is not None or body.archived is not None or body.caption is not None:
            smart_albums.follow(conn, [image_id], revision=change.revision)
        shown = presenting.image_list(conn, [presenting.existing(conn, image_id)])[0]
    if rebuild:
        queues.send_albums(person.user_id)
    return shown


@router.post("/shift-time", operation_id="shiftTime", responses=NOT_FOUND)
def shift_time(
    body: retimed.ShiftRequest, person: CurrentPerson, idempotency_key: IdempotencyKey = None
) -> retimed.Shifted:
    """Correct the clock of a camera: shift photos by so many seconds, say how far their clock was from UTC, or both.

    With `dry_run` the answer shows what would change, and nothing does. A shift is undone by the opposite one, or with
    `restore`. Photos whose file has no time are left alone. Nothing is changed when any time would be impossible.
    """
    return retimed.shift(person, body, key=idempotency_key)


@router.delete("/{image_id}", status_code=204, operation_id="deleteImage", responses=NOT_FOUND)
def delete_image(person: CurrentPerson, image_id: ImageId) -> Response:
    """Move a photo to the trash, from where it can be restored for 30 days."""
    trash.move(person, [image_id], into=True)
    return Response(status_code=204)


@router.post("/{image_id}/restore", operation_id="restoreImage", responses=NOT_FOUND)
def restore_image(person: CurrentPerson, image_id: ImageId) -> schemas.Image:
    """Take a photo out of the trash, back into its albums."""
    trash.move(person, [image_id], into=False)
    with person.transaction() as conn:
        return presenting.image_list(conn, [presenting.existing(conn, image_id)])[0]


@router.post("/{image_id}/redrive", status_code=202, operation_id="redriveImage", responses=NOT_FOUND)
def redrive_image(person: CurrentPerson, image_id: ImageId) -> schemas.Image:
    """Start the steps that failed for this photo over."""
    with changing(person) as change:
        image = presenting.existing(change.conn, image_id)
        started = images.redrive(change.conn, image_id, revision=change.revision)
        shown = presenting.image_list(change.conn, [presenting.existing(change.conn, image_id)])[0]
    if started:
        if not image.vision_done_at:
            queues.send_vision(person.user_id, image_id)
        if not image.embedding_done_at:
            queues.send_embedding(person.user_id, image_id)
    return shown
