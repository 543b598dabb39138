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

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import concepts, db, emoji, inflections, listing, spoken_dates
from photovault.concepts import Unit
from photovault.names import Names
from photovault.spoken_english import ENGLISH

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
LEAST_SURE = 0.2
"""Nor is a photo that has nothing of the query as surely as this: hints alone are no answer."""
LEAST_OF_BEST = 0.2
"""Nor is what answers so much less than the best photo does."""
UNANSWERED = 0.5
"""What a word that nothing in the library answers counts against a rare one that something does."""
ABSENT = 1.0
"""The same of a thing that the tables know: what would have been seen is not there."""
_LEAST_HIT = 0.05  # below it a hit is noise

# The collation of each table's words: an index in another one is no use.
_COLLATION = {"image_terms": "C", "image_labels": "default", "image_sights": "default"}

# How a sight counts less where the query says how many of it there are.
_COUNTED = f"CASE WHEN w.count IS NULL OR least(h.boxes, {concepts.MANY}) = w.count THEN 1 ELSE {OTHER_COUNT} END"

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
class LookUp:
    """Rows that say of photos ``h.image_id`` that they have what a text names; all but the kind is SQL."""

    kind: str
    shown: str
    unit: str
    weight: str
    rows: str


@dataclass(frozen=True)
class Words:
    """What to look up for a text, by its parameters. ``units`` says of each thing that the text names, in their order,
    what it counts where nothing answers it, against a rare one that something does."""

    look_ups: tuple[LookUp, ...]
    parameters: dict[str, Any]
    units: tuple[float, ...]


@dataclass(frozen=True)
class Reason:
    """Why a photo was found: ``kind`` is word, label, look (it seems to show that), person or album; ``text`` what it
    is called."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Found:
    image_id: UUID
    kind: str
    shown: str
    weight: float


def words_of(conn: Connection, text: str, known: Names, *, language: str = ENGLISH.code) -> Words | None:
    """The look-ups for a text; None when it has no words, of which emoji are some."""
    text = emoji.in_words(text)
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
    lookup.terms(terms, known.vocabulary.known_labels, language=language)
    lookup.names("label", "image_labels", "label", str(LABEL_WEIGHT))
    counted = any(unit.count for unit in units)
    lookup.names("look", "image_sights", "name", f"h.strength * {_COUNTED}" if counted else "h.strength")
    for kind, table, column, weight in (
        ("person", "faces", "person_id", PERSON_WEIGHT),
        ("album", "album_images", "album_id", ALBUM_WEIGHT),
    ):
        lookup.bearers(kind, table, column, weight, known)
    return lookup.done()


def _counts(unit: Unit) -> float:
    """What a unit counts where nothing answers it."""
    if unit.thing:
        return ABSENT
    return 0.0 if set(unit.words) <= concepts.IDLE else UNANSWERED


class _Lookup:
    """Collects look-ups; a unit is its place in the query."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = [unit for unit in units if set(unit.words) - _STOP_WORDS]
        self.place = {word: at for at, unit in reversed(list(enumerate(self.units))) for word in unit.words}
        self.counts = [_counts(unit) for unit in self.units]
        self.look_ups: list[LookUp] = []
        self.parameters: dict[str, Any] = {}

    def terms(self, terms: Sequence[str], labels: Sequence[str], *, language: str) -> None:
        """Words as they stand, in other forms, and the last of them unfinished.

        A word that stands for something is no unfinished label: "car" finds no carrots.
        """
        said: dict[tuple[str, int], float] = {}
        for term in terms:
            at = self._place_of(term)
            share = 1.0 if at >= len(self.units) or term not in self.units[at].words else 1 / len(self.units[at].words)
            said[term, at] = share
            for form in inflections.variants(term, language=language):
                said.setdefault((form, at), share * OTHER_FORM)
        self._add(
            "word", "image_terms", "term", "h.weight", [(term, at, factor, None) for (term, at), factor in said.items()]
        )
        spoken = [spoken_dates.folded(label) for label in labels]
        self._no_parts(said, [words for words in spoken if len(words) > 1])
        last = terms[-1]
        if len(last) < SHORTEST_PREFIX:
            return
        at = self._place_of(last)
        finished = at < len(self.units) and bool(self.units[at].meant)
        others = {word for words in spoken for word in words if word.startswith(last)}
        # A range of text is a prefix only in the order of code points, whatever order the database sorts in.
        self.look_ups.append(
            LookUp(
                "word",
                "h.term",
                "%(last_unit)s::int",
                f"h.weight * {UNFINISHED_WORD}",
                'image_terms h WHERE h.term COLLATE "C" > %(last)s AND h.term COLLATE "C" < %(past_last)s '
                "AND h.term <> ALL (%(other_labels)s)",
            )
        )
        self.parameters |= {
            "last": last,
            "past_last": past_prefix(last),
            "last_unit": at,
            "other_labels": sorted(others) if finished else [],
        }

    def _no_parts(self, said: Collection[tuple[str, int]], labels: Sequence[Sequence[str]]) -> None:
        """Leave labels out where a word is but a part of what it is about: a photo of a traffic light has the words of
        this label and is not found by "light", nor a car by "car insurance". Both are looked up by their names."""
        by_hand = {word for words in labels if " ".join(words) not in concepts.names() for word in words}
        parts = {word for words in labels for word in words} - by_hand
        phrases = {at for at, unit in enumerate(self.units) if len(unit.words) > 1 and unit.thing}
        parts = {term for term, at in said if term in parts or at in phrases}
        if not parts:
            return
        written = self.look_ups[-1]
        self.look_ups[-1] = replace(
            written, rows=f"{written.rows} AND NOT (h.term = ANY(%(parts)s) AND h.weight = %(part_weight)s::real)"
        )
        self.parameters |= {"parts": sorted(parts), "part_weight": LABEL_WEIGHT}

    def names(self, kind: str, table: str, column: str, weight: str) -> None:
        """What the models name that a unit stands for."""
        meant = [
            (said, at, factor, unit.count) for at, unit in enumerate(self.units) for said, factor in unit.meant.items()
        ]
        self._add(kind, table, column, weight, meant)

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
        wanted = f"unnest(%({kind}_ids)s::uuid[], %({kind}_units)s::int[], %({kind}_names)s::text[])"
        self.look_ups.append(
            LookUp(
                kind,
                "w.shown",
                "w.unit",
                f"{weight}::float8",
                f"{wanted} AS w(id, unit, shown) JOIN {table} h ON h.{column} = w.id "
                f"WHERE h.{column} = ANY(%({kind}_ids)s)",
            )
        )
        self.parameters |= {f"{kind}_ids": ids, f"{kind}_units": places, f"{kind}_names": shown}

    def done(self) -> Words:
        return Words(tuple(self.look_ups), self.parameters, tuple(self.counts))

    def _place_of(self, term: str) -> int:
        """The unit that a lexeme belongs to: by itself, by its first part, or one of its own."""
        parts = [term, *(word.text for word in spoken_dates.words(term)[:1])]
        for part in parts:
            if part in self.place:
                return self.place[part]
        self.place[term] = len(self.counts)
        self.counts.append(0.0 if term in concepts.IDLE else UNANSWERED)
        return self.place[term]

    def _add(
        self, kind: str, table: str, column: str, weight: str, meant: Sequence[tuple[str, int, float, int | None]]
    ) -> None:
        """``meant`` are (what to look up, unit, how surely it is meant, how many of it)."""
        if not meant:
            return
        keys, places, factors, counts = (list(values) for values in zip(*meant, strict=True))
        wanted = (
            f"unnest(%({kind}_keys)s::text[], %({kind}_units)s::int[], %({kind}_factors)s::float8[], "
            f"%({kind}_counts)s::int[])"
        )
        self.look_ups.append(
            LookUp(
                kind,
                f"h.{column}",
                "w.unit",
                f"{weight} * w.factor",
                f"{wanted} AS w(key, unit, factor, count) "
                f'JOIN {table} h ON h.{column} = w.key COLLATE "{_COLLATION[table]}" '
                f'WHERE h.{column} = ANY(%({kind}_keys)s::text[] COLLATE "{_COLLATION[table]}")',
            )
        )
        self.parameters |= {
            f"{kind}_keys": keys,
            f"{kind}_units": places,
            f"{kind}_factors": factors,
            f"{kind}_counts": counts,
        }


def past_prefix(prefix: str) -> str:
    """The first text, in the order of code points, after all that begin with ``prefix``."""
    for end in range(len(prefix) - 1, -1, -1):
        point = ord(prefix[end]) + 1
        if point <= 0x10FFFF:
            return prefix[:end] + chr(0xE000 if 0xD800 <= point < 0xE000 else point)
    return chr(0x10FFFF) * (len(prefix) + 1)


def by_words_sql(
    wanted: listing.Filter, words: Words, *, most: int, all_first: bool = False
) -> tuple[str, dict[str, Any]]:
    """All that a photo has of a unit counts together: of sights as evidence that adds up and never quite reaches 1.

    What a unit is worth, and what is far below the best, comes from the whole library, so that a filter only ever takes
    away. All that is found is read once, from indexes alone, and put together once, a column for each unit; only the
    best photos are held against the filter, until there are enough.

    ``all_first``: what has more of the units comes first, however common they are; the cut-offs are the same.
    """
    where, parameters = listing.conditions(wanted)
    hits = " UNION ALL ".join(
        # As evidence that it is not there, whose logarithms add up.
        f"SELECT h.image_id, {one.unit} AS unit, NULL::float8 AS known, ln(1 - least({one.weight}, 0.99)) AS unlike "
        f"FROM {one.rows} AND {one.weight} >= %(least_hit)s"
        if one.kind == "look"
        else f"SELECT h.image_id, {one.unit} AS unit, {one.weight} AS known, NULL::float8 AS unlike "
        f"FROM {one.rows} AND {one.weight} >= %(least_hit)s"
        for one in words.look_ups
    )
    units = range(len(words.units))
    seen = set(words.parameters.get("look_units", ()))
    weights = ", ".join(
        # Each costs something for every hit: only where there may be evidence is it added up.
        f"greatest(max(known) FILTER (WHERE unit = {n}), 1 - exp(sum(unlike) FILTER (WHERE unit = {n}))) AS weight_{n}"
        if n in seen
        else f"max(known) FILTER (WHERE unit = {n}) AS weight_{n}"
        for n in units
    )
    sums = ", ".join(f"sum(weight_{n}) AS sure_{n}" for n in units)
    worths = ", ".join(f"ln(1 + (greatest(0, photos - sure_{n}) + 0.5) / (sure_{n} + 0.5)) AS worth_{n}" for n in units)
    whole = " + ".join(f"coalesce(worth_{n}, {counts} * ln(2 + 2 * photos))" for n, counts in enumerate(words.units))
    surest = ", ".join(f"weight_{n}" for n in units)
    answered = " + ".join(f"coalesce(weight_{n} * worth_{n}, 0)" for n in units)
    things = [f"weight_{n}" for n, counts in enumerate(words.units) if counts]
    had, order = "1", "score"
    if all_first and len(things) > 1:
        had, order = f"num_nonnulls({', '.join(things)})", f"(greatest(had, 1) - 1 + score) / {len(things)}"
    return (
        # In order: hash tables as wide as these would not fit into a connection's memory.
        f"WITH hits AS (SELECT * FROM ({hits}) AS every ORDER BY image_id), "
        f"best AS MATERIALIZED (SELECT image_id, {weights} FROM hits GROUP BY image_id), "
        "library AS (SELECT coalesce(sum(listed), 0)::float8 AS photos FROM image_days WHERE level = 'year'), "
        f"had AS (SELECT {sums} FROM best), "
        f"worths AS (SELECT photos, {worths} FROM had, library), "
        f"whole AS MATERIALIZED (SELECT *, {whole} AS whole FROM worths), "
        # Rounded, so that equal sums tie whatever the order they were added in.
        f"scored AS MATERIALIZED (SELECT image_id, {had} AS had, round(1e4 * ({answered}) / whole) / 1e4 AS score "
        f"FROM best, whole WHERE greatest({surest}) >= %(least_sure)s) "
        f"SELECT a.image_id, a.score FROM (SELECT image_id, {order} AS score FROM scored "
        "WHERE score >= greatest(%(least_score)s, %(least_of_best)s * (SELECT max(score) FROM scored)) "
        "ORDER BY score DESC) a "
        f"CROSS JOIN LATERAL (SELECT i.sort_at FROM {listing.by_key('a.image_id', where)} OFFSET 0) i "
        "ORDER BY a.score DESC, i.sort_at DESC, a.image_id DESC LIMIT %(most)s",
        parameters
        | words.parameters
        | {
            "least_hit": _LEAST_HIT,
            "least_score": LEAST_SCORE,
            "least_sure": LEAST_SURE,
            "least_of_best": LEAST_OF_BEST,
            "most": most,
        },
    )


def by_words(
    conn: Connection, wanted: listing.Filter, words: Words, *, most: int, all_first: bool = False
) -> list[tuple[UUID, float]]:
    """The photos that answer enough of the words, best first, newest first among equals."""
    sql, parameters = by_words_sql(wanted, words, most=most, all_first=all_first)
    return conn.execute(sql.encode(), parameters).fetchall()


def reasons(conn: Connection, image_ids: Sequence[UUID], words: Words) -> dict[UUID, list[Reason]]:
    """Which words of a text each of some photos has, by what they stand for."""
    hits = " UNION ALL ".join(
        f"SELECT h.image_id, '{one.kind}' AS kind, {one.shown} AS shown, {one.weight} AS weight "
        f"FROM {one.rows} AND h.image_id = ANY(%(image_ids)s)"
        for one in words.look_ups
    )
    found = db.rows(
        conn,
        _Found,
        f"SELECT image_id, kind, shown, max(weight)::float8 AS weight FROM ({hits}) AS hits "
        "WHERE weight >= %(least_hit)s GROUP BY image_id, kind, shown ORDER BY weight DESC, kind, shown",
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
