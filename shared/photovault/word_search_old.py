"""Photos by the words that they carry: captions, file names, places, labels, people and albums, with their reasons.

Words are looked up in ``image_terms`` by equality and text range: a full-text index does not work under row-level
security.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import db, listing, names, spoken_dates
from photovault.names import Names
from photovault.speech import ENGLISH

if TYPE_CHECKING:
    from photovault.db import Connection

# How much a word counts that is not in ``image_terms``, against the weights in ``terms``.
PERSON_WEIGHT = 0.8
LABEL_WEIGHT = 0.6
ALBUM_WEIGHT = 0.5
UNFINISHED_WORD = 0.5
SHORTEST_PREFIX = 3
MOST_WORDS = 32

# Left out of look-ups where the query has other words: they stand in every caption.
# fmt: off
_STOP_WORDS = frozenset((
    "a", "an", "and", "are", "at", "be", "by", "for", "from", "has", "have", "i", "in", "is", "it", "its", "me", "my",
    "not", "of", "on", "or", "our", "the", "their", "there", "they", "this", "to", "was", "we", "were", "who", "with",
    "without",
))
# fmt: on


@dataclass(frozen=True)
class Words:
    """What to look up for a text: a list of statements with their parameters, and of how many words the text is."""

    sql: tuple[str, ...]
    parameters: dict[str, Any]
    count: int


@dataclass(frozen=True)
class Reason:
    """Why a photo was found: ``kind`` is word, label, person or album, ``text`` what it is called."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Scored:
    id: UUID
    score: float


@dataclass(frozen=True)
class _Found:
    image_id: UUID
    kind: str
    shown: str


def words_of(conn: Connection, text: str, known: Names, *, language: str = ENGLISH.code) -> Words | None:
    """The look-ups for a text; None when it has no words."""
    # A file name in a query is one lexeme; in the index it is its parts.
    found = conn.execute(
        "SELECT lexeme, max(spoken.position) FROM ("
        "SELECT lexeme, positions[cardinality(positions)] AS position FROM unnest(to_tsvector('simple', %(text)s)) "
        "UNION ALL SELECT lexeme, positions[cardinality(positions)] "
        "FROM unnest(to_tsvector('simple', regexp_replace(%(text)s, '[^[:alnum:]]+', ' ', 'g')))"
        ") AS spoken GROUP BY lexeme ORDER BY 2, 1",
        {"text": text},
    ).fetchall()
    lexemes = [str(row[0]) for row in found]
    terms = [lexeme for lexeme in lexemes if lexeme not in _STOP_WORDS][:MOST_WORDS] or lexemes[:MOST_WORDS]
    if not terms:
        return None
    folded = list(dict.fromkeys(word.text for word in spoken_dates.words(text)))
    sql = [
        "SELECT t.image_id, t.term AS word, 'word' AS kind, t.term AS shown, t.weight "
        "FROM image_terms t WHERE t.term = ANY(%(terms)s)"
    ]
    parameters: dict[str, Any] = {"terms": terms}
    if len(terms[-1]) >= SHORTEST_PREFIX:
        # A range of text is a prefix only in the order of code points, whatever order the database sorts in.
        sql.append(
            f"SELECT t.image_id, %(last)s, 'word', t.term, t.weight * {UNFINISHED_WORD} FROM image_terms t "
            'WHERE t.term COLLATE "C" > %(last)s AND t.term COLLATE "C" < %(past_last)s'
        )
        parameters |= {"last": terms[-1], "past_last": past_prefix(terms[-1])}
    if labels := names.labels_in(known, folded, language=language):
        sql.append(
            f"SELECT l.image_id, w.word, 'label', l.label, {LABEL_WEIGHT} FROM image_labels l "
            "JOIN unnest(%(labels)s::text[], %(label_words)s::text[]) AS w(label, word) ON w.label = l.label "
            "WHERE l.label = ANY(%(labels)s)"
        )
        parameters |= {"labels": [label for label, _ in labels], "label_words": [word for _, word in labels]}
    for kind, table, column, weight in (
        ("person", "faces", "person_id", PERSON_WEIGHT),
        ("album", "album_images", "album_id", ALBUM_WEIGHT),
    ):
        meant = [
            (name.id, word, name.value)
            for word in folded
            if word not in _STOP_WORDS
            for name in known.by_word.get(word, ())
            if name.kind == kind
        ]
        if meant:
            sql.append(
                f"SELECT m.image_id, w.word, '{kind}', w.shown, {weight} FROM {table} m "
                f"JOIN unnest(%({kind}_ids)s::uuid[], %({kind}_words)s::text[], %({kind}_names)s::text[]) "
                f"AS w(id, word, shown) ON w.id = m.{column} WHERE m.{column} = ANY(%({kind}_ids)s)"
            )
            for name, values in zip(("ids", "words", "names"), zip(*meant, strict=True), strict=True):
                parameters[f"{kind}_{name}"] = list(values)
    return Words(tuple(sql), parameters, sum(1 for word in folded if word not in _STOP_WORDS) or 1)


def past_prefix(prefix: str) -> str:
    """The first text, in the order of code points, after all that begin with ``prefix``."""
    for end in range(len(prefix) - 1, -1, -1):
        point = ord(prefix[end]) + 1
        if point <= 0x10FFFF:
            return prefix[:end] + chr(0xE000 if 0xD800 <= point < 0xE000 else point)
    return chr(0x10FFFF) * (len(prefix) + 1)


def by_words_sql(wanted: listing.Filter, words: Words, *, most: int) -> tuple[str, dict[str, Any]]:
    """A word counts by its heaviest place, a photo by the sum of its words times the share of the query that it has."""
    where, parameters = listing.conditions(wanted)
    return (
        f"WITH hits (image_id, word, kind, shown, weight) AS ({' UNION ALL '.join(words.sql)}), "
        "best AS (SELECT image_id, max(weight)::float8 AS weight FROM hits GROUP BY image_id, word) "
        # Rounded, so that equal sums tie whatever the order they were added in.
        "SELECT i.id, round(1e4 * sum(b.weight) * least(1, count(*) / %(count)s::float8)) / 1e4 AS score "
        f"FROM best b JOIN images i ON i.id = b.image_id WHERE {where} GROUP BY i.id "
        "ORDER BY score DESC, i.sort_at DESC, i.id DESC LIMIT %(most)s",
        parameters | words.parameters | {"count": words.count, "most": most},
    )


def by_words(conn: Connection, wanted: listing.Filter, words: Words, *, most: int) -> list[tuple[UUID, float]]:
    sql, parameters = by_words_sql(wanted, words, most=most)
    return [(row.id, row.score) for row in db.rows(conn, _Scored, sql, parameters)]


def reasons(conn: Connection, image_ids: Sequence[UUID], words: Words) -> dict[UUID, list[Reason]]:
    """Which words of a text each of some photos has, by what they stand for."""
    found = db.rows(
        conn,
        _Found,
        f"WITH hits (image_id, word, kind, shown, weight) AS ({' UNION ALL '.join(words.sql)}) "
        "SELECT image_id, kind, shown FROM hits WHERE image_id = ANY(%(image_ids)s) "
        "GROUP BY image_id, kind, shown ORDER BY max(weight) DESC, kind, shown",
        words.parameters | {"image_ids": list(image_ids)},
    )
    told: dict[UUID, list[Reason]] = {image_id: [] for image_id in image_ids}
    for row in found:
        told[row.image_id].append(Reason(row.kind, row.shown))
    return told
