"""The shapes of requests and answers that more than one router uses."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

# Answers of a route beside its own, as FastAPI takes them; `describing` says that they are problems.
Responses = dict[int | str, dict[str, Any]]
NOT_FOUND: Responses = {404: {}}
CONFLICT: Responses = {409: {}}

Limit = Annotated[int, Query(ge=1, le=200, description="How many items a page holds.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]
Status = Literal["pending", "processing", "ready", "rejected"]
Step = Literal["waiting", "done", "failed"]


class Schema(BaseModel):
    # Errors quote no input: it may be a ticket's key or a password, and tracebacks are logged.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


PROBLEM_TYPE = "application/problem+json"
TYPE_BASE = "https://photovault.dev/problems/"


class FieldError(Schema):
    """What is wrong with one field of a request."""

    field: str = Field(description="Where it stands, such as `items.0.sha256`.")
    message: str


class Problem(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] | None = None


class TicketPart(Schema):
    """One of the consecutive pieces that a sealed blob is stored in."""

    url: str
    bytes: int


class Ticket(Schema):
    """Everything that opens one sealed blob without the API: its address, what it is bound to, and its own key.

    web/vault/envelope.js opens it; the format is specified in shared/photovault/sealing.py.
    """

    url: str = Field(
        description="Where the ciphertext can be fetched until `expires_at`; its first part, when there are `parts`."
    )
    parts: list[TicketPart] | None = Field(
        description="The ciphertext's pieces, in their order, where the storage limits the size of a file. "
        "null when `url` has all of it."
    )
    expires_at: datetime
    user_id: UUID = Field(description="Bound into the blob, as are `image_id` and `name`.")
    image_id: UUID
    name: str = Field(description="The blob's name, such as `thumbnail`.")
    key: str = Field(description="The blob's key, 32 bytes in base64url. It opens this blob and no other.")
    header_sha256: str = Field(
        description="Of the envelope's header, in hex: an older blob does not pass for this one. It names the blob for "
        "ever, wherever it is stored, so caches may go by it."
    )
    sealed_bytes: int = Field(description="Of the ciphertext, all parts together.")
    bytes: int = Field(description="Of the opened blob.")
    content_type: str
    width: int | None
    height: int | None


class Steps(Schema):
    vision: Step
    embedding: Step


class Taken(Schema):
    instant: datetime | None = Field(description="UTC; null when neither file nor position gives an offset.")
    offset: str | None = Field(description="Of the local time from UTC, such as +02:00.")
    local_day: date = Field(description="The calendar day where and when the photo was taken.")
    local_time: datetime = Field(description="The clock on the wall, without an offset.")
    source: str = Field(description="Where the time comes from; `upload` when the file says nothing believable.")


class PlaceNames(Schema):
    city: str | None
    region: str | None
    country: str | None
    country_code: str | None


class Location(Schema):
    lat: float
    lon: float
    place: PlaceNames | None
    source: str = Field(
        description="`exif`, `xmp` or `sidecar`: the file says so; `person`: corrected by hand; `estimated`: taken "
        "over from the same person's photos close in time."
    )
    accuracy_km: float | None = Field(None, description="Of an estimate: how far off it may be.")


class Camera(Schema):
    make: str | None
    model: str | None


class Image(Schema):
    id: UUID
    filename: str
    content_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    status: Status
    reason: str | None = Field(
        description="Why the photo was rejected; of the film of a Live Photo, that it waits for its photo."
    )
    steps: Steps
    taken: Taken | None
    location: Location | None
    camera: Camera | None
    caption: str | None
    caption_source: Literal["file", "person"] | None = Field(
        description="Whose word the caption is, or that there is none: the file's own until the person has changed it."
    )
    favourite: bool
    archived: bool
    thumbhash: str | None = Field(description="A ThumbHash in base64, to show before the thumbnail has come.")
    faces: int
    tickets: dict[str, Ticket]
    created_at: datetime
    deleted_at: datetime | None = None


class LookAlike(Schema):
    image: Image
    score: float = Field(description="Cosine similarity of the two pictures; 1 is the same picture.")
