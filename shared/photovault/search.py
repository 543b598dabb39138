"""Search in one library: what a parsed query narrows, and the rankings by words and by meaning put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import filters, listing, names, picture_search, ranking, word_search
from photovault.meanings import Meaning
from photovault.names import Names
from photovault.ranking import Fused
from photovault.word_search import Words

if TYPE_CHECKING:
    from photovault.db import Connection

MOST_RESULTS = 1000
"""Ranked results end here: nobody pages further, and a rank can be a cursor."""


def narrowed(
    wanted: listing.Filter, said: filters.Filter, known: Names, *, archived_given: bool = True
) -> listing.Filter | None:
    """What both a list's filter and a query ask for; None where they contradict each other.

    ``archived_given`` is False where the list's filter leaves the archive out only because nobody asked for it: then
    the query decides.
    """
    archived = wanted.archived
    if said.archived is not None:
        if archived_given and archived is not None and archived != said.archived:
            return None
        archived = said.archived
    favourite = wanted.favourite if said.favourite is None else said.favourite
    if wanted.favourite is not None and wanted.favourite != favourite:
        return None

    def cameras(spoken: Sequence[str]) -> tuple[str, ...]:
        return tuple(full for name in spoken for full in names.full_cameras(known, name))

    return replace(
        wanted,
        status=wanted.status or "ready",  # what was rejected or is still on its way is listed, not found
        archived=archived,
        favourite=favourite,
        has_faces=said.has_faces,
        has_gps=said.has_gps,
        has_caption=said.has_caption,
        has_motion=said.has_motion,
        days=said.days,
        without_days=said.days_none,
        yearly=said.yearly,
        without_yearly=said.yearly_none,
        places=said.places,
        without_places=said.places_none,
        person_ids=(*wanted.person_ids, *said.people_all),
        any_person_ids=said.people_any,
        without_person_ids=(*wanted.without_person_ids, *said.people_none),
        labels=(*wanted.labels, *said.labels_all),
        any_labels=said.labels_any,
        without_labels=(*wanted.without_labels, *said.labels_none),
        album_ids=said.albums,
        without_album_ids=said.albums_none,
        cameras=cameras(said.cameras),
        without_cameras=cameras(said.cameras_none),
        hours=said.hours,
        weekdays=said.weekdays,
        near=said.near,
        without_near=said.near_none,
        orientations=said.orientations,
        content_types=said.content_types,
        without_content_types=said.content_types_none,
    )


def behind(
    wanted: listing.Filter, parsed: filters.Parsed, known: Names, *, archived_given: bool = True
) -> listing.Filter:
    """What a query with things in plain words goes on to rank: the photos that do not surely show all of them.

    For a query whose strict filter contradicts nothing.
    """
    assert parsed.looser is not None  # noqa: S101 - asked for only then
    looser = narrowed(wanted, parsed.looser.filter, known, archived_given=archived_given)
    assert looser is not None  # noqa: S101 - it asks for less
    each = ((label,) for label in parsed.filter.labels_all)
    return replace(looser, unless_labels=(*each, *parsed.filter.labels_any))


def ranked(
    conn: Connection, wanted: listing.Filter, words: Words | None, meaning: Meaning | None, *, all_first: bool = False
) -> list[Fused[UUID]]:
    """The photos of a filter that fit the words or the meaning of a text, best first, at most ``MOST_RESULTS``.

    The names of the rankings are ``words`` and ``picture``. What fits neither is not there: nonsense finds nothing.
    ``all_first`` as in ``word_search.by_words_sql``.
    """
    by_words = word_search.by_words(conn, wanted, words, most=MOST_RESULTS, all_first=all_first) if words else []
    by_picture = picture_search.by_picture(conn, wanted, meaning, most=MOST_RESULTS) if meaning else []
    unseen: set[UUID] = set()
    if meaning and by_words and by_picture:
        unseen = picture_search.unseen(conn, meaning, [image_id for image_id, _ in by_words])
    return ranking.fuse({"words": by_words, "picture": by_picture}, limit=MOST_RESULTS, unseen={"picture": unseen})
