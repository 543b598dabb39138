"""Photos by the words that they carry and by what they seem to show, with their reasons.

Words of captions, file names, places, labels, people and albums are looked up by equality and text range: a full-text
index does not work under row-level security. What a photo seems to show is in ``image_labels`` and ``image_sights``,
under the names that ``concepts`` finds for a query's words.

A photo's score is the share of the query that it answers, 0..1: each thing that the query names counts by how rare it
is in this library (the inverse document frequency of BM25: Robertson, Zaragoza 2009) and by how surely the photo has
it. What nothing in the library answers counts as rare, too, so that one common word of a query about something else
finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import concepts, db, inflections, listing, spoken_dates
from photovault.concepts import Unit
from photovault.names import Names
from photovault.speech import ENGLISH

if TYPE_CHECKING:
    from photovault.db import Connection

# How surely a photo has what it is found by, against the weights in ``terms``.
PERSON_WEIGHT = 0.8
LABEL_WEIGHT = 0.6
ALBUM_WEIGHT = 0.5
UNFINISHED_WORD = 0.5
OTHER_FORM = 0.9
OTHER_COUNT = 0.77  # "two dogs", of a photo of another number of them
SHORTEST_PREFIX = 3
MOST_WORDS = 32

# Chosen on the captions and the words without meaning of tests/benchmarks/bench_captions.py.
LEAST_SCORE = 0.10
"""What answers a smaller share of a query is not an answer."""
LEAST_OF_BEST = 0.2
"""Nor is what answers so much less than the best photo does."""
UNANSWERED = 0.5
"""What a thing that nothing in the library answers counts against a rare one that something does."""
_LEAST_HIT = 0.05  # below it a hit is noise

# What a search asks for that names no condition.
_ANY = listing.Filter(status="ready")
# So many times the photos that are wanted are held against it first: some are in the archive or in the trash.
_ENOUGH = 4

# Left out of look-ups where the query has other words: they stand in every caption.
# fmt: off
_STOP_WORDS = frozenset((
    "a", "an", "and", "are", "at", "be", "by", "for", "from", "has", "have", "i", "in", "is", "it", "its", "me", "my",
    "not", "of", "on", "or", "our", "the", "their", "there", "they", "this", "to", "was", "we", "were", "who", "with",
    "without",
    "am", "das", "dem", "den", "der", "des", "die", "ein", "eine", "einem", "einen", "einer", "im", "mit", "und", "von",
))
# fmt: on


@dataclass(frozen=True)
class Words:
    """What to look up for a text: a list of statements with their parameters, and the things that the text names."""

    sql: tuple[str, ...]
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Reason:
    """Why a photo was found: ``kind`` is word, label, look (it seems to show that), person or album; ``text`` what it
    is called."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Scored:
    """``of`` is the number of photos that were held against the filter."""

    id: UUID
    score: float
    of: int


@dataclass(frozen=True)
class _Found:
    image_id: UUID
    kind: str
    shown: str
    weight: float


def words_of(conn: Connection, text: str, known: Names, *, language: str = ENGLISH.code) -> Words | None:
    """The look-ups for a text; None when it has no words."""
    # A file name in a query is one lexeme; in the index it is its parts.
    found = conn.execute(
        "SELECT lexeme, max(spoken.position) FROM ("
        "SELECT lexeme, positions[cardinality(positions)] AS position "
        "FROM unnest(to_tsvector('simple', folded(%(text)s))) "
        "UNION ALL SELECT lexeme, positions[cardinality(positions)] "
        "FROM unnest(to_tsvector('simple', regexp_replace(folded(%(text)s), '[^[:alnum:]]+', ' ', 'g')))"
        ") AS spoken GROUP BY lexeme ORDER BY 2, 1",
        {"text": text},
    ).fetchall()
    lexemes = [str(row[0]) for row in found]
    terms = [lexeme for lexeme in lexemes if lexeme not in _STOP_WORDS][:MOST_WORDS] or lexemes[:MOST_WORDS]
    if not terms:
        return None
    folded = [word.text for word in spoken_dates.words(text)][: 4 * MOST_WORDS]
    units = concepts.units(folded, known.vocabulary.labels[language], language=language)
    lookup = _Lookup(units)
    lookup.terms(terms, language=language)
    lookup.names("labels", "image_labels", f"'label', h.label, {LABEL_WEIGHT}", column="label")
    lookup.names("sights", "image_sights", f"'look', h.name, h.strength * {_counted(folded)}", column="name")
    for kind, table, column, weight in (
        ("person", "faces", "person_id", PERSON_WEIGHT),
        ("album", "album_images", "album_id", ALBUM_WEIGHT),
    ):
        lookup.bearers(kind, table, column, weight, known)
    return lookup.done()


def _counted(words: Sequence[str]) -> str:
    """How a sight counts less where the query says how many there are."""
    count = concepts.count_said(words)
    if count is None:
        return "1"
    return f"CASE WHEN least(h.boxes, {concepts.MANY}) = {count:d} THEN 1 ELSE {OTHER_COUNT} END"


class _Lookup:
    """Collects statements; each gives (image_id, unit, kind, shown, weight), a unit by its place in the query."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = [unit for unit in units if set(unit.words) - _STOP_WORDS]
        self.place = {word: at for at, unit in reversed(list(enumerate(self.units))) for word in unit.words}
        self.counts = [not set(unit.words) <= concepts.IDLE for unit in self.units]
        self.sql: list[str] = []
        self.parameters: dict[str, Any] = {}

    def terms(self, terms: Sequence[str], *, language: str) -> None:
        """Words as they stand, in other forms, and the last of them unfinished."""
        said: dict[tuple[str, int], float] = {}
        for term in terms:
            at = self._place_of(term)
            share = 1.0 if at >= len(self.units) or term not in self.units[at].words else 1 / len(self.units[at].words)
            said[term, at] = share
            for form in inflections.variants(term, language=language):
                said.setdefault((form, at), share * OTHER_FORM)
        self._add(
            "terms",
            "SELECT h.image_id, w.unit, 'word' AS kind, h.term AS shown, h.weight * w.factor AS weight "
            'FROM {wanted} AS w(term, unit, factor) JOIN image_terms h ON h.term = w.term COLLATE "C" '
            'WHERE h.term = ANY(%(terms_keys)s::text[] COLLATE "C")',
            [(term, at, factor) for (term, at), factor in said.items()],
        )
        if len(terms[-1]) >= SHORTEST_PREFIX:
            # A range of text is a prefix only in the order of code points, whatever order the database sorts in.
            self.sql.append(
                f"SELECT h.image_id, %(last_unit)s::int, 'word', h.term, h.weight * {UNFINISHED_WORD} "
                'FROM image_terms h WHERE h.term COLLATE "C" > %(last)s AND h.term COLLATE "C" < %(past_last)s'
            )
            self.parameters |= {
                "last": terms[-1],
                "past_last": past_prefix(terms[-1]),
                "last_unit": self._place_of(terms[-1]),
            }

    def names(self, name: str, table: str, columns: str, *, column: str) -> None:
        """What the models name that a unit stands for."""
        meant = [(said, at, factor) for at, unit in enumerate(self.units) for said, factor in unit.meant.items()]
        self._add(
            name,
            f"SELECT h.image_id, w.unit, {columns} * w.factor FROM {{wanted}} AS w(name, unit, factor) "
            f"JOIN {table} h ON h.{column} = w.name WHERE h.{column} = ANY(%({name}_keys)s::text[])",
            meant,
        )

    def bearers(self, kind: str, table: str, column: str, weight: float, known: Names) -> None:
        """Those who have a word of the text in their name."""
        meant = [
            (name.id, at, name.value)
            for at, unit in enumerate(self.units)
            for word in unit.words
            if word not in _STOP_WORDS
            for name in known.by_word.get(word, ())
            if name.kind == kind
        ]
        if not meant:
            return
        ids, places, shown = (list(values) for values in zip(*meant, strict=True))
        self.sql.append(
            f"SELECT h.image_id, w.unit, '{kind}', w.shown, {weight} FROM unnest(%({kind}_ids)s::uuid[], "
            f"%({kind}_units)s::int[], %({kind}_names)s::text[]) AS w(id, unit, shown) "
            f"JOIN {table} h ON h.{column} = w.id WHERE h.{column} = ANY(%({kind}_ids)s)"
        )
        self.parameters |= {f"{kind}_ids": ids, f"{kind}_units": places, f"{kind}_names": shown}

    def done(self) -> Words:
        """``units`` are the places of all that is to be answered."""
        content = [at for at, counts in enumerate(self.counts) if counts]
        return Words(tuple(self.sql), self.parameters | {"units": content})

    def _place_of(self, term: str) -> int:
        """The unit that a lexeme belongs to: by itself, by its first part, or one of its own."""
        parts = [term, *(word.text for word in spoken_dates.words(term)[:1])]
        for part in parts:
            if part in self.place:
                return self.place[part]
        self.place[term] = len(self.counts)
        self.counts.append(term not in concepts.IDLE)
        return self.place[term]

    def _add(self, name: str, sql: str, meant: Sequence[tuple[str, int, float]]) -> None:
        if not meant:
            return
        keys, places, factors = (list(values) for values in zip(*meant, strict=True))
        wanted = f"unnest(%({name}_keys)s::text[], %({name}_units)s::int[], %({name}_factors)s::float8[])"
        self.sql.append(sql.replace("{wanted}", wanted))
        self.parameters |= {f"{name}_keys": keys, f"{name}_units": places, f"{name}_factors": factors}


def past_prefix(prefix: str) -> str:
    """The first text, in the order of code points, after all that begin with ``prefix``."""
    for end in range(len(prefix) - 1, -1, -1):
        point = ord(prefix[end]) + 1
        if point <= 0x10FFFF:
            return prefix[:end] + chr(0xE000 if 0xD800 <= point < 0xE000 else point)
    return chr(0x10FFFF) * (len(prefix) + 1)


def by_words_sql(
    wanted: listing.Filter, words: Words, *, most: int, enough: int | None = None
) -> tuple[str, dict[str, Any]]:
    """All that a photo has of a unit counts together: of sights as evidence that adds up and never quite reaches 1.

    What a unit is worth, and what is far below the best, comes from the whole library, so that a filter only ever takes
    away. With ``enough`` only so many photos, those of the best scores, are held against the filter.
    """
    where, parameters = listing.conditions(wanted)
    best = "" if enough is None else "ORDER BY score DESC FETCH FIRST %(enough)s ROWS WITH TIES"
    return (
        f"WITH hits (image_id, unit, kind, shown, weight) AS ({' UNION ALL '.join(words.sql)}), "
        "best AS MATERIALIZED (SELECT image_id, unit, "
        "greatest(max(weight) FILTER (WHERE kind <> 'look'), "
        "1 - exp(sum(ln(1 - least(weight, 0.99))) FILTER (WHERE kind = 'look'))) AS weight "
        "FROM hits WHERE weight >= %(least_hit)s GROUP BY image_id, unit), "
        "library AS (SELECT coalesce(sum(listed), 0)::float8 AS photos FROM image_days WHERE level = 'year'), "
        "had AS (SELECT unit, sum(weight) AS sure FROM best GROUP BY unit), "
        "worths AS (SELECT unit, ln(1 + (greatest(0, photos - sure) + 0.5) / (sure + 0.5)) AS worth "
        "FROM had, library), "
        "whole AS (SELECT sum(coalesce(worth, %(unanswered)s * ln(2 + 2 * photos))) AS worth FROM library, "
        "(SELECT unnest(%(units)s::int[]) AS unit UNION SELECT unit FROM worths) AS said "
        "LEFT JOIN worths USING (unit)), "
        # Rounded, so that equal sums tie whatever the order they were added in.
        "scored AS MATERIALIZED (SELECT image_id, "
        "round(1e4 * sum(weight * worth) / (SELECT worth FROM whole)) / 1e4 AS score "
        "FROM best JOIN worths USING (unit) GROUP BY image_id), "
        "answers AS MATERIALIZED (SELECT image_id, score FROM scored "
        "WHERE score >= greatest(%(least_score)s, %(least_of_best)s * (SELECT max(score) FROM scored)) "
        f"{best}) "
        "SELECT i.id, a.score, (SELECT count(*) FROM answers) AS of "
        f"FROM answers a JOIN images i ON i.id = a.image_id WHERE {where} "
        "ORDER BY a.score DESC, i.sort_at DESC, i.id DESC LIMIT %(most)s",
        parameters
        | words.parameters
        | {
            "least_hit": _LEAST_HIT,
            "unanswered": UNANSWERED,
            "least_score": LEAST_SCORE,
            "least_of_best": LEAST_OF_BEST,
            "enough": enough,
            "most": most,
        },
    )


def by_words(conn: Connection, wanted: listing.Filter, words: Words, *, most: int) -> list[tuple[UUID, float]]:
    """The photos that answer enough of the words, best first, newest first among equals."""
    enough = _ENOUGH * most if wanted == _ANY else None
    found = db.rows(conn, _Scored, *by_words_sql(wanted, words, most=most, enough=enough))
    if enough is not None and len(found) < most and (not found or found[0].of >= enough):
        found = db.rows(conn, _Scored, *by_words_sql(wanted, words, most=most))
    return [(row.id, row.score) for row in found]


def reasons(conn: Connection, image_ids: Sequence[UUID], words: Words) -> dict[UUID, list[Reason]]:
    """Which words of a text each of some photos has, by what they stand for."""
    found = db.rows(
        conn,
        _Found,
        f"WITH hits (image_id, unit, kind, shown, weight) AS ({' UNION ALL '.join(words.sql)}) "
        "SELECT image_id, kind, shown, max(weight)::float8 AS weight FROM hits "
        "WHERE image_id = ANY(%(image_ids)s) AND weight >= %(least_hit)s "
        "GROUP BY image_id, kind, shown ORDER BY weight DESC, kind, shown",
        words.parameters | {"image_ids": list(image_ids), "least_hit": _LEAST_HIT},
    )
    told: dict[UUID, list[_Found]] = {image_id: [] for image_id in image_ids}
    for row in found:
        told[row.image_id].append(row)
    return {image_id: _once(rows) for image_id, rows in told.items()}


def _once(found: Sequence[_Found]) -> list[Reason]:
    """A label is no guess besides, and its name no word of the photo where nothing else says it."""
    labels = {one.shown for one in found if one.kind == "label"}
    return [
        Reason(one.kind, one.shown)
        for one in found
        if one.shown not in labels
        or one.kind not in {"look", "word"}
        or (one.kind == "word" and one.weight > LABEL_WEIGHT + 1e-6)
    ]
