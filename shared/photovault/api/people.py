"""People: who is in the photos, and everything that corrects it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from photovault import activity, corrections, cursors, images, people, smart_albums, tickets
from photovault.api import edge, presenting, schemas
from photovault.api.changing import Change, IdempotencyKey, Once, rebuilding
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.errors import Invalid, NotFound

if TYPE_CHECKING:
    from photovault.db import Connection

router = APIRouter(tags=["people"])

PersonId = Annotated[UUID, Path(description="A person's id.")]
FaceId = Annotated[UUID, Path(description="A face's id, as `GET /images/{id}` gives it.")]
PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")
]

# A hundred years before the first photo of a person.
EARLIEST_BIRTHDAY = date(1738, 1, 1)

_PERSON_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
_OTHER_ID = "01890a5d-ac96-7ab2-80e2-4536629c90de"
_FACE_ID = "01890a5d-ac97-7c2e-9a53-1d2c3b4a5f60"


class CoverFace(schemas.Schema):
    """The face that a person is shown by."""

    id: UUID
    image_id: UUID
    box: list[float] = Field(description="x, y, width, height as fractions of the upright picture.")
    ticket: schemas.Ticket | None = Field(description="Of the face's own small picture.")


class Person(schemas.Schema):
    id: UUID
    name: str | None
    birthday: date | None
    face_count: int
    image_count: int
    cover_face: CoverFace | None
    hidden: bool


class PersonEdit(schemas.Schema):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Grace", "birthday": "1906-12-09"}, {"hidden": True}]},
    )

    name: PersonName | None = Field(None, description="null takes the name away; what is not given stays.")
    birthday: date | None = Field(
        None, description="Goes with a name; null takes it away. Albums of that day are called after it."
    )
    hidden: bool | None = Field(None, description="Hidden people are left out of lists and have no album.")


class Merge(schemas.Schema):
    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"into": _PERSON_ID, "people": [_OTHER_ID]}]}
    )

    into: UUID = Field(description="The person who stays, with their id and name.")
    people: Annotated[list[UUID], Field(min_length=1, max_length=20, description="Those who are the same person.")]


class Merged(schemas.Schema):
    person: Person | None = Field(description="null when all photos of the person are in the trash.")
    correction_ids: list[UUID] = Field(
        description="One for each merged person, for `POST /people/corrections/{id}/undo`; empty when repeated."
    )


class Split(schemas.Schema):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"face_ids": [_FACE_ID]}]})

    face_ids: Annotated[
        list[UUID], Field(min_length=1, max_length=1000, description="The faces of somebody else, one and the same.")
    ]


class Corrected(schemas.Schema):
    """What a correction left behind; everything follows from the rebuild that it asked for, and agrees with this."""

    person: Person | None = Field(description="Whom the correction was about; null when nobody is left to show.")
    correction_id: UUID | None = Field(
        description="For `POST /people/corrections/{id}/undo`; null when the request was repeated."
    )


class FaceOwner(schemas.Schema):
    """Either an existing person, or the name of a new one."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"person_id": _PERSON_ID}, {"name": "Grace"}]}
    )

    person_id: UUID | None = None
    name: PersonName | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> FaceOwner:
        if (self.person_id is None) == (self.name is None):
            raise ValueError("Give either person_id or name.")
        return self


class Undone(schemas.Schema):
    people: list[Person] = Field(description="The people that the correction had touched, as they are now.")


# ------------------------------------------------------------------------------------------------------ showing


def page_of_people(person: edge.Person, *, cursor: str | None, limit: int, with_hidden: bool) -> schemas.Page[Person]:
    """Those with most photos first."""
    after = cursors.decode("people", cursor, "iu")
    with person.transaction() as conn:
        rows = people.page(conn, limit=limit + 1, with_hidden=with_hidden, after=after)
        shown = show(conn, rows[:limit])
    following = next_cursor("people", rows, limit=limit, key=lambda row: (row.image_count, row.id))
    return schemas.Page(items=shown, next_cursor=following)


def show(conn: Connection, rows: Sequence[people.Person]) -> list[Person]:
    """People with a ticket for each cover."""
    faces = people.faces_by_ids(conn, [row.cover_face_id for row in rows if row.cover_face_id])
    photos = images.by_ids(conn, list({face.image_id for face in faces.values()}))
    made = tickets.of_images(conn, photos, names=[f"face:{face}" for face in faces], now=datetime.now(UTC))
    return [_person(row, faces.get(row.cover_face_id) if row.cover_face_id else None, made) for row in rows]


def _person(row: people.Person, face: people.FaceInPhoto | None, made: dict[UUID, dict[str, tickets.Ticket]]) -> Person:
    cover = None
    if face is not None:
        ticket = made.get(face.image_id, {}).get(f"face:{face.id}")
        cover = CoverFace(
            id=face.id,
            image_id=face.image_id,
            box=[face.x, face.y, face.w, face.h],
            ticket=presenting.ticket(ticket) if ticket else None,
        )
    return Person(
        id=row.id,
        name=row.name,
        birthday=row.birthday,
        face_count=row.face_count,
        image_count=row.image_count,
        cover_face=cover,
        hidden=row.hidden,
    )


def _show_one(conn: Connection, person_id: UUID) -> Person | None:
    row = people.shown(conn, person_id)
    return show(conn, [row])[0] if row else None


def _existing(conn: Connection, person_id: UUID) -> Person:
    found = _show_one(conn, person_id)
    if found is None:
        raise NotFound(corrections.NO_SUCH_PERSON)
    return found


@contextmanager
def _correcting(person: edge.Person) -> Iterator[Change]:
    """``rebuilding``, with all that is chosen by people up to date before the rebuild comes."""
    with rebuilding(person) as change:
        yield change
        smart_albums.follow_people(change.conn, revision=change.revision)


# ------------------------------------------------------------------------------------------------------- people


@router.post("/people/merge", operation_id="mergePeople", summary="Merge people", responses=NOT_FOUND | CONFLICT)
def merge_people(body: Merge, person: CurrentPerson, idempotency_key: IdempotencyKey = None) -> Merged:
    """Say that several people are one. Every later rebuild keeps to it; each of the corrections can be undone."""
    once = Once.of(idempotency_key, "mergePeople", body)
    with _correcting(person) as change:
        conn = change.conn
        if once.before(conn) is not None:
            return Merged(person=_existing(conn, body.into), correction_ids=[])
        said = [
            corrections.merge(conn, body.into, other, revision=change.revision) for other in dict.fromkeys(body.people)
        ]
        once.made(conn, body.into)
        activity.record(conn, "people-merged", person_id=str(body.into), corrections=[str(one) for one in said])
        return Merged(person=_show_one(conn, body.into), correction_ids=said)


@router.post(
    "/people/corrections/{correction_id}/undo",
    operation_id="undoCorrection",
    summary="Undo a correction",
    responses=NOT_FOUND,
)
def undo_correction(
    correction_id: Annotated[UUID, Path(description="As the correction's answer gave it.")], person: CurrentPerson
) -> Undone:
    """Take a merge, split, name or move of a face back, exactly: as if it had never been said."""
    with _correcting(person) as change:
        touched = corrections.undo(change.conn, correction_id, revision=change.revision)
        shown = [found for person_id in touched if (found := _show_one(change.conn, person_id))]
        activity.record(change.conn, "correction-undone", correction=str(correction_id))
    return Undone(people=shown)


@router.get("/people/{person_id}", operation_id="getPerson", summary="Get a person", responses=NOT_FOUND)
def get_person(person_id: PersonId, person: CurrentPerson) -> Person:
    """A person, hidden or not. Their photos: `GET /images/list?person_id=`."""
    with person.transaction() as conn:
        return _existing(conn, person_id)


@router.patch("/people/{person_id}", operation_id="editPerson", summary="Name or hide a person", responses=NOT_FOUND)
def edit_person(person_id: PersonId, body: PersonEdit, person: CurrentPerson) -> Corrected:
    """Give a person a name and a birthday, take them away, hide or show them. All that survives every rebuild."""
    given = body.model_fields_set
    if not given:
        with person.transaction() as conn:
            return Corrected(person=_existing(conn, person_id), correction_id=None)
    said = None
    with _correcting(person) as change:
        conn = change.conn
        before = _existing(conn, person_id)
        if given & {"name", "birthday"}:
            name = body.name if "name" in given else before.name
            birthday = body.birthday if "birthday" in given else before.birthday
            _check_birthday(body.birthday, name)
            said = corrections.describe(conn, person_id, name=name, birthday=birthday, revision=change.revision)
        if "name" in given:
            activity.record(conn, "person-named", person_id=str(person_id), name=body.name)
        if body.hidden is not None:
            people.set_hidden(conn, person_id, body.hidden, revision=change.revision)
        return Corrected(person=_show_one(conn, person_id), correction_id=said)


def _check_birthday(birthday: date | None, name: str | None) -> None:
    if birthday is None:
        return
    if name is None:
        raise Invalid("A birthday goes with a name: give the person one, too.", [("birthday", "needs a name")])
    # Tomorrow is today somewhere.
    if not EARLIEST_BIRTHDAY <= birthday <= datetime.now(UTC).date() + timedelta(days=1):
        raise Invalid(
            "Nobody in a photo was born on that day.", [("birthday", "is in the future or long before photos")]
        )


@router.post(
    "/people/{person_id}/split",
    operation_id="splitPerson",
    summary="Split a person",
    responses=NOT_FOUND | CONFLICT,
)
def split_person(
    person_id: PersonId, body: Split, person: CurrentPerson, idempotency_key: IdempotencyKey = None
) -> Corrected:
    """Say that some of a person's faces are somebody else, who is the answer."""
    once = Once.of(idempotency_key, f"splitPerson:{person_id}", body)
    with _correcting(person) as change:
        conn = change.conn
        before = once.before(conn)
        if before is not None:
            return Corrected(person=_existing(conn, before), correction_id=None)
        said, new = corrections.split(conn, person_id, body.face_ids, revision=change.revision)
        once.made(conn, new)
        activity.record(conn, "person-split", person_id=str(person_id), correction=str(said))
        return Corrected(person=_show_one(conn, new), correction_id=said)


# -------------------------------------------------------------------------------------------------------- faces


@router.put(
    "/faces/{face_id}/person",
    operation_id="assignFace",
    summary="Say whose face it is",
    responses=NOT_FOUND | CONFLICT,
)
def assign_face(face_id: FaceId, body: FaceOwner, person: CurrentPerson) -> Corrected:
    """Give a face to a person, or to somebody new whom you name."""
    with _correcting(person) as change:
        conn, revision = change.conn, change.revision
        if body.person_id is not None:
            owner = body.person_id
            said = corrections.give(conn, face_id, owner, revision=revision)
        else:
            said, owner = corrections.introduce(conn, face_id, body.name or "", revision=revision)
            activity.record(conn, "person-named", person_id=str(owner), name=body.name)
        return Corrected(person=_show_one(conn, owner), correction_id=said)


@router.delete(
    "/faces/{face_id}/person",
    operation_id="unassignFace",
    summary="Say whose face it is not",
    responses=NOT_FOUND,
)
def unassign_face(face_id: FaceId, person: CurrentPerson) -> Corrected:
    """Say that a face is not the person it is said to be. The answer is that person, without it."""
    with _correcting(person) as change:
        face = people.get_face(change.conn, face_id)
        said = corrections.take_away(change.conn, face_id, revision=change.revision)
        left = face.person_id if face else None
        return Corrected(person=_show_one(change.conn, left) if left else None, correction_id=said)
