"""Smart albums: saved filters that keep themselves up to date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from photovault import activity, queries, saved_filters, smart_albums
from photovault.api import schemas
from photovault.api.album_shapes import ID, Album, Description, Title, show_one
from photovault.api.changing import IdempotencyKey, Once, changing
from photovault.api.edge import CurrentPerson, Person
from photovault.api.saved_filters import SavedFilter
from photovault.api.schemas import CONFLICT, NOT_FOUND
from photovault.errors import Invalid

router = APIRouter(prefix="/albums", tags=["albums"])

Spoken = Annotated[str, StringConstraints(strip_whitespace=True, max_length=queries.MAX_LENGTH, pattern=r"^[^\x00]*$")]


class FilterOrQuery(schemas.Schema):
    """Either a filter, or a query in words as `GET /search` takes it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"q": "anna in lisbon last 30 days"}, {"filter": {"favourite": True}}]},
    )

    filter: SavedFilter | None = Field(None, description="Conditions, such as `filter.conditions` of a search.")
    q: Spoken | None = Field(
        None,
        description="Conditions in words. What is no condition is refused: a ranking has no end. Days that end today, "
        "such as `last 30 days`, move along; all other dates stand still.",
    )
    today: date | None = Field(None, description="The calendar day where the person is; else UTC's.")

    @model_validator(mode="after")
    def _one_of_them(self) -> FilterOrQuery:
        if (self.filter is None) == (self.q is None):
            raise ValueError("give `filter` or `q`")
        return self


class SmartAlbum(FilterOrQuery):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"title": "Anna in Lisbon", "q": "anna in lisbon"},
                {"title": "Lately", "filter": {"last_days": 30}},
                {"title": "Grandchildren", "filter": {"people_any": [[ID]]}},
            ]
        },
    )

    title: Title
    description: Description | None = None


class Preview(schemas.Schema):
    image_count: int
    first_day: date | None
    last_day: date | None
    filter: SavedFilter = Field(description="As it would be saved.")
    sentences: list[str] = Field(
        description="The filter in words.", examples=[["Photos with Anna.", "Taken in Lisbon."]]
    )


def understood(person: Person, body: FilterOrQuery) -> saved_filters.Saved:
    """The filter that is meant. Raises ``Invalid`` for words that are no condition."""
    if body.filter is not None:
        return body.filter.read()
    from photovault import library_names  # which only a query needs

    q, today = body.q or "", body.today or datetime.now(UTC).date()
    with person.transaction() as conn:
        known = library_names.names_of(conn, person.user_id).vocabulary
    said = queries.parse_with(q, known, today=today)
    strange = [q[span.start : span.end] for span in said.spans if not span.known]
    if strange:
        raise Invalid(
            f"These conditions name nothing that is here: {', '.join(strange)}",
            [("q", "holds a condition that names nothing that is here")],
        )
    if said.text:
        raise Invalid(
            f"A smart album takes conditions: people, places, dates, things, cameras, albums. These words are none of "
            f"them here: {said.text}",
            [("q", "holds words that are no condition")],
        )
    tomorrow = queries.parse_with(q, known, today=min(today, date.max - timedelta(days=1)) + timedelta(days=1))
    return saved_filters.of_query(said.filter, tomorrow.filter, today=today)


@router.post(
    "/smart",
    status_code=201,
    operation_id="createSmartAlbum",
    summary="Make a smart album",
    responses=NOT_FOUND | CONFLICT,
)
def create_smart_album(body: SmartAlbum, person: CurrentPerson, idempotency_key: IdempotencyKey = None) -> Album:
    """Save a filter as an album. Photos come and go with every upload, edit and correction; what you take out stays
    out, what you put in stays in. A filter that names another smart album is refused."""
    once = Once.of(idempotency_key, "createSmartAlbum", body)
    saved = understood(person, body)
    with changing(person) as change:
        conn = change.conn
        album_id = once.before(conn)
        if album_id is None:
            album_id = smart_albums.add(
                conn, title=body.title, description=body.description, saved=saved, revision=change.revision
            )
            once.made(conn, album_id)
            activity.record(conn, "album-created", album_id=str(album_id), title=body.title)
        return show_one(conn, album_id)


@router.post("/smart/preview", operation_id="previewSmartAlbum", summary="Try a filter", responses=NOT_FOUND)
def preview_smart_album(body: FilterOrQuery, person: CurrentPerson) -> Preview:
    """What a smart album with this filter would hold now. Nothing is saved."""
    saved = understood(person, body)
    with person.transaction() as conn:
        saved = smart_albums.checked(conn, saved)
        found = smart_albums.find(conn, saved)
        sentences = smart_albums.tell(conn, saved)
    return Preview(
        image_count=found.image_count,
        first_day=found.first_day,
        last_day=found.last_day,
        filter=SavedFilter.of(saved.as_json()),
        sentences=sentences,
    )
