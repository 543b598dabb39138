"""Search in words, and completion of what is being typed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from photovault import (
    cursors,
    db,
    images,
    library_names,
    listing,
    meanings,
    names,
    picture_search,
    queries,
    search,
    word_search,
)
from photovault.api import posted, presenting, schemas
from photovault.api.edge import CurrentPerson, Person
from photovault.api.images import ListFilter
from photovault.api.paging import next_cursor
from photovault.errors import BadCursor
from photovault.filters import Parsed

if TYPE_CHECKING:
    from photovault.ranking import Fused

router = APIRouter(prefix="/search", tags=["search"])

_NO_PHOTO = UUID(int=0)

Today = Annotated[
    date | None, Query(description="The calendar day where the person is, for `yesterday` and the like; else UTC's.")
]

_MOST_NAMES = 10


class Span(schemas.Schema):
    """A part of the query that became a condition; take `q[start:end]` out, and the condition is gone."""

    kind: str = Field(description="As of `matched`, or `is` or `has` where these were asked for something unknown.")
    value: str = Field(description="What was understood, such as 2024-06-01..2024-08-31 for `last summer`.")
    names: list[str] = Field(
        description="Who or what the library has of that name, any of them: people and albums by their whole names, "
        f"places with their country; at most {_MOST_NAMES}. Empty for what has no name.",
        examples=[["Anna Schmidt"]],
    )
    text: str = Field(description="As it was typed.")
    start: int = Field(description="In characters (Unicode code points) of `q`.")
    end: int
    negated: bool
    guessed: bool = Field(description="Whether it was misspelt, and read as the name that is nearest.")
    known: bool = Field(
        description="false where an operator names nothing that is here, such as `person:` and nobody. Nothing fulfils "
        "such a condition, and everything its negation."
    )
    strict: bool = Field(
        description="Whether every photo of the answer fulfils it. Not so a thing in plain words, such as `dog`: what "
        "surely shows it comes first, behind it what may show it or says so. `label:dog` is strict."
    )


class ParsedQuery(schemas.Schema):
    conditions: dict[str, Any] = Field(
        description="What every photo of the answer fulfils; empty without conditions. Things in plain words are among "
        "them, though only the first photos surely show them: see `strict` of the spans."
    )
    text: str = Field(description="The rest, by which the photos are ranked.")
    language: str = Field(description="The language in which most of it was understood: en or de.")
    spans: list[Span]


class Matched(schemas.Schema):
    """One reason why a photo is in the answer."""

    kind: str = Field(
        description="date, time, person, place, near, label, camera, album, favourite, archived, faces, gps, caption, "
        "motion, type or orientation for a condition; word, label, look (what it seems to show), person or album for "
        "a word of the rest; picture for what it shows as a whole."
    )
    text: str | None
    score: float | None = Field(None, description="Of `picture`: the cosine similarity of text and picture.")


class Hit(schemas.Schema):
    image: schemas.Image
    score: float = Field(description="0..1; 1 for everything in a list that is ordered by time.")
    matched: list[Matched]


class SearchPage(schemas.Page[Hit]):
    filter: ParsedQuery


class Suggestion(schemas.Schema):
    kind: str = Field(description="person, place, label or album")
    value: str
    text: str = Field(description="The query with its end completed.")
    id: UUID | None = Field(description="Of the person or album.")
    image_count: int


class Suggestions(schemas.Schema):
    items: list[Suggestion]


@router.get("", operation_id="search")
def search_images(
    *,
    request: Request,
    person: CurrentPerson,
    wanted: ListFilter,
    q: Annotated[
        str,
        Query(
            max_length=queries.MAX_LENGTH,
            description="Dates, places, people, albums, cameras and file types narrow; the rest ranks. What surely "
            "shows the things that are said comes before what may show them. "
            "Operators say for sure what is meant: `person: place: city: region: country: near: label: camera: album: "
            "type: orientation: is: has: before: after: since: until: date: month: year: time:`, negated by a minus "
            "sign, joined by `or`. In English and German.",
            examples=[
                "anna in lisbon last summer",
                "dog on the beach -is:favourite",
                'person:anna or person:"Ben Müller" near:lisbon is:live',
            ],
        ),
    ] = "",
    today: Today = None,
    cursor: schemas.Cursor = None,
    limit: schemas.Limit = 50,
) -> SearchPage:
    """Photos that fulfil the query and the filter of the list. Without a rest to rank by, the newest come first.

    Things in plain words ("dog", "cats in lisbon") are what a model saw. What surely shows them comes first, the newest
    before; behind it, ranked, what may show them or says so. `label:dog` is what surely shows one, and nothing else.

    A condition that names nothing in this library finds nothing, and its span says so; so do signs that say nothing. An
    empty query lists what the filter leaves.

    Every edit counts at once. Titles and photos of albums that make themselves, and what is concluded about other
    photos than the edited ones, follow with the rebuild that it asked for.

    A ranked answer ends after 1,000 photos. A page begins behind the last photo of the one before, so that photos which
    come or go meanwhile move nothing over the edge.
    """
    q = q.replace("\x00", " ")
    key = _key(q, wanted, today)
    items: list[Hit] = []
    following = None
    with person.transaction() as conn:
        known = library_names.names_of(conn, person.user_id)
        parsed = queries.parse_with(q, known.vocabulary, today=today or datetime.now(UTC).date())
        given = "archived" in request.query_params
        both = search.narrowed(wanted, parsed.filter, known, archived_given=given) if parsed.possible else None
        text, ranked = parsed.text, both
        if both is not None and parsed.looser is not None:
            text, ranked = parsed.looser.text, search.behind(wanted, parsed, known, archived_given=given)
        is_behind = parsed.looser is not None and cursors.is_of(_by_rank_kind(key), cursor)
        if both is not None and not parsed.text and not is_behind:
            items, following = _by_time(conn, both, parsed, key=key, cursor=cursor, limit=limit)
            cursor, text = None, "" if following else text
    if ranked is not None and text:
        meaning = meanings.meaning_of(text, asked_by=person.user_id)  # may load a model: in no transaction
        said = replace(parsed, text=text)
        with person.transaction() as conn:
            more, following = _by_rank(
                conn, ranked, said, known, meaning, key=key, cursor=cursor, limit=limit - len(items)
            )
        items += more
    return SearchPage(items=items, next_cursor=following, filter=_parsed(q, parsed, known))


@router.get("/suggest", operation_id="suggest")
def suggest(
    person: CurrentPerson,
    q: Annotated[str, Query(max_length=queries.MAX_LENGTH, examples=["anna in lis"])] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> Suggestions:
    """People, places, labels and albums of the library that the end of the query begins, behind an operator those of
    its kind. Counts are of photos that search shows; hidden people, and what only the archive has, are not told."""
    with person.transaction() as conn:
        known = library_names.names_of(conn, person.user_id)
    return Suggestions(
        items=[
            Suggestion(
                kind=found.name.kind,
                value=found.name.value,
                text=found.text,
                id=found.name.id,
                image_count=found.name.image_count,
            )
            for found in names.complete(known, q.replace("\x00", " "), limit=limit)
        ]
    )


@router.post(
    "/by-image",
    operation_id="searchByImage",
    responses={status: {} for status in (413, 415, 422)},
    openapi_extra=posted.FORM,
)
async def search_by_image(
    request: Request, person: CurrentPerson, cursor: schemas.Cursor = None, limit: schemas.Limit = 50
) -> schemas.Page[schemas.LookAlike]:
    """Photos that look like the one that is sent, the nearest first. It is looked at in memory and kept nowhere.

    For the next page send it again. Trash and archive are left out.
    """
    data, _ = await posted.photo(request, otherwise="A smaller copy finds the same.")
    return await run_in_threadpool(_like, person, data, cursor, limit)


def _like(person: Person, data: bytes, cursor: str | None, limit: int) -> schemas.Page[schemas.LookAlike]:
    kind = f"like-{hashlib.sha256(data).hexdigest()[:16]}"
    after = cursors.decode(kind, cursor, presenting.LOOK_ALIKE_KEY)
    described = meanings.meanings_of_picture(data)
    with person.transaction() as conn:
        anchors = picture_search.anchors(conn, described)
        return presenting.look_alikes(conn, anchors, kind=kind, after=after, limit=limit)


def _by_time(
    conn: db.Connection,
    wanted: listing.Filter,
    parsed: Parsed,
    *,
    key: str,
    cursor: str | None,
    limit: int,
) -> tuple[list[Hit], str | None]:
    kind = f"search-time-{key}"
    after = cursors.decode(kind, cursor, "tu")
    rows = images.page(conn, wanted, limit=limit + 1, after=after)
    matched = _conditions(parsed)
    items = [Hit(image=image, score=1.0, matched=matched) for image in presenting.image_list(conn, rows[:limit])]
    return items, next_cursor(kind, rows, limit=limit, key=lambda row: (row.sort_at, row.id))


def _by_rank(
    conn: db.Connection,
    wanted: listing.Filter,
    parsed: Parsed,
    known: names.Names,
    meaning: meanings.Meaning | None,
    *,
    key: str,
    cursor: str | None,
    limit: int,
) -> tuple[list[Hit], str | None]:
    kind = _by_rank_kind(key)
    rank, last = cursors.decode(kind, cursor, "iu") or (0, None)
    if not 0 <= rank <= search.MOST_RESULTS:
        raise BadCursor
    words = word_search.words_of(conn, parsed.text, known, language=parsed.language)
    ranked = search.ranked(conn, wanted, words, meaning, all_first=parsed.looser is not None)
    # Where the last photo that was shown stands now; where it stood, if it is there no more.
    start = next((place for place, found in enumerate(ranked, start=1) if found.id == last), rank)
    shown = {found.id: found for found in ranked[start : start + limit]}
    why = word_search.reasons(conn, list(shown), words) if words and shown else {}
    items = [
        Hit(
            image=image,
            score=round(shown[image.id].score, 4),
            matched=[*_conditions(parsed, ranked=True), *_reasons(shown[image.id], why.get(image.id, []))],
        )
        for image in presenting.image_list(conn, images.by_ids(conn, list(shown)))
    ]
    following = start + limit
    if following >= len(ranked):
        return items, None
    # A page may be full with what comes before all of these.
    return items, cursors.encode(kind, following, ranked[following - 1].id if following else _NO_PHOTO)


def _by_rank_kind(key: str) -> str:
    return f"search-rank-{key}"


def _conditions(parsed: Parsed, *, ranked: bool = False) -> list[Matched]:
    """What a photo fulfils; of a thing in plain words those of a ranking say by their reasons how they have it."""
    return [
        Matched(kind=span.kind, text=span.value)
        for span in parsed.spans
        if span.known and not span.negated and (span.strict or not ranked)
    ]


def _reasons(found: Fused[UUID], why: Sequence[word_search.Reason]) -> list[Matched]:
    told = [Matched(kind=reason.kind, text=reason.text) for reason in why]
    if "picture" in found.scores:
        told.append(Matched(kind="picture", text=None, score=round(found.scores["picture"], 4)))
    return told


def _parsed(q: str, parsed: Parsed, known: names.Names) -> ParsedQuery:
    return ParsedQuery(
        conditions=parsed.filter.as_json(),
        text=parsed.text,
        language=parsed.language,
        spans=[
            Span(
                kind=span.kind,
                value=span.value,
                names=names.written(known, span.meant, most=_MOST_NAMES),
                text=q[span.start : span.end],
                start=span.start,
                end=span.end,
                negated=span.negated,
                guessed=span.guessed,
                known=span.known,
                strict=span.strict,
            )
            for span in parsed.spans
        ],
    )


def _key(q: str, wanted: listing.Filter, today: date | None) -> str:
    """What a cursor belongs to: the question as it was asked, not as it was understood, which a new name may change."""
    return hashlib.sha256(repr((q, wanted, today)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
