"""Search in one library: its names, what a parsed query narrows, rankings by words and by meaning, and look-alikes.

Everything runs on the person's own rows. Words are looked up in ``image_terms`` by equality and text range, vectors are
compared exactly in one index-only scan; what each costs is in tests/benchmarks/bench_search.py.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import db, filters, listing, names, ranking, spoken_dates, vectors
from photovault.errors import Misconfigured, Unavailable
from photovault.names import Camera, Name, Names
from photovault.observability import logger
from photovault.ranking import Fused
from photovault.speech import ENGLISH

if TYPE_CHECKING:
    from photovault.db import Connection

MOST_RESULTS = 1000
"""Ranked results end here: nobody pages further, and a rank can be a cursor."""

# The cosine between a text and a picture in CLIP ViT-B/32: pairs that belong together lie around 0.25 to 0.35, others
# mostly below 0.2. LAION-400M (Schuhmann et al. 2021) keeps captions from 0.3 on; a few words say less than a caption.
MIN_TEXT_COSINE = 0.20
# Where something matches well, what matches so much worse is noise.
TEXT_COSINE_MARGIN = 0.08
# Two pictures, by model. Of a hash's 64 bits 10 may differ, the usual bound: 1 - 2 * 10 / 64.
MIN_LOOK_ALIKE_COSINE = {"phash": 0.6875}
MIN_LOOK_ALIKE_COSINE_OF_OTHERS = 0.70

# How much a word counts that is not in ``image_terms``, against the weights in ``terms``.
PERSON_WEIGHT = 0.8
LABEL_WEIGHT = 0.6
ALBUM_WEIGHT = 0.5
UNFINISHED_WORD = 0.5
SHORTEST_PREFIX = 3
MOST_WORDS = 32
MOST_PEOPLE, MOST_ALBUMS, MOST_PLACES = 2000, 5000, 20_000

# Left out of look-ups where the query has other words: they stand in every caption.
# fmt: off
_STOP_WORDS = frozenset((
    "a", "an", "and", "are", "at", "be", "by", "for", "from", "has", "have", "i", "in", "is", "it", "its", "me", "my",
    "not", "of", "on", "or", "our", "the", "their", "there", "they", "this", "to", "was", "we", "were", "who", "with",
    "without",
))
# fmt: on


# -------------------------------------------------------------------------------------------------------- names

_CACHED_LIBRARIES = 32
_lock = threading.Lock()
_cache: OrderedDict[UUID, tuple[int, Names]] = OrderedDict()


@dataclass(frozen=True)
class _Kept:
    """What a photo's row names, and how many photos share it."""

    country_code: str | None
    country: str | None
    region: str | None
    city: str | None
    camera_make: str | None
    camera_model: str | None
    image_count: int
    lat: float | None
    lon: float | None


def names_of(conn: Connection, user_id: UUID) -> Names:
    """The names of this transaction's person, ``user_id``; kept in the process as long as the library is unchanged."""
    # Read before the names: what changes in between is read again next time, under the revision that it brings.
    revision = int(db.value(conn, "SELECT revision FROM users") or 0)
    with _lock:
        known = _cache.get(user_id)
        if known and known[0] == revision:
            _cache.move_to_end(user_id)
            return known[1]
    read = read_names(conn)
    with _lock:
        _cache[user_id] = (revision, read)
        _cache.move_to_end(user_id)
        while len(_cache) > _CACHED_LIBRARIES:
            _cache.popitem(last=False)
    return read


def read_names(conn: Connection) -> Names:
    """The names of the library as it is now."""
    known = db.rows(
        conn,
        Name,
        "SELECT 'person' AS kind, name AS value, image_count, id, hidden, birthday FROM person_clusters "
        "WHERE name IS NOT NULL "
        "ORDER BY image_count DESC, id LIMIT %s",
        [MOST_PEOPLE],
    )
    known += db.rows(
        conn,
        Name,
        # Albums named after a place, a day or a person are understood, but neither ranked by nor completed to.
        "SELECT 'album' AS kind, title AS value, image_count, id, kind = ANY(%s) AS hidden FROM albums "
        # One that makes itself and has no photos is not there.
        "WHERE deleted_at IS NULL AND (key IS NULL OR image_count > 0) "
        "ORDER BY last_day DESC NULLS LAST, id DESC LIMIT %s",
        [list(names.NAMED_AFTER_SOMETHING), MOST_ALBUMS],
    )
    known += db.rows(
        conn, Name, "SELECT 'label' AS kind, label AS value, count(*) AS image_count FROM image_labels GROUP BY label"
    )
    kept = db.rows(
        conn,
        _Kept,
        "SELECT country_code, country, region, city, camera_make, camera_model, count(*) AS image_count, "
        # On both sides of the antimeridian degrees are counted on from 180.
        "avg(lat) AS lat, CASE WHEN max(lon) - min(lon) > 180 THEN avg(CASE WHEN lon < 0 THEN lon + 360 ELSE lon END) "
        "ELSE avg(lon) END AS lon FROM images "
        "WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY image_count DESC LIMIT %s",
        [MOST_PLACES],
    )
    return names.collect([*known, *_places(kept)], {Camera(row.camera_make, row.camera_model) for row in kept})


def _places(kept: Sequence[_Kept]) -> list[Name]:
    """``kept``: most photos first. The middle of a city is that of most of its photos."""
    counts: dict[tuple[str, str, str], int] = {}
    middles: dict[tuple[str, str, str], tuple[float, float]] = {}
    for row in kept:
        for level, value in (("country", row.country), ("region", row.region), ("city", row.city)):
            if value and row.country_code:
                key = (level, value, row.country_code)
                counts[key] = counts.get(key, 0) + row.image_count
                if level == "city" and row.lat is not None and row.lon is not None:
                    middles.setdefault(key, (row.lat, row.lon))
    return [
        Name("place", key[1], count, level=key[0], country_code=key[2], centre=middles.get(key))
        for key, count in counts.items()
    ]


# ------------------------------------------------------------------------------------------------------- filter


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
        near=said.near,
        without_near=said.near_none,
        orientations=said.orientations,
        content_types=said.content_types,
        without_content_types=said.content_types_none,
    )


# ------------------------------------------------------------------------------------------------------ meaning


@dataclass(frozen=True)
class Meaning:
    """A text in the space of the pictures: the vector as ``::halfvec`` reads it, and the model that made it."""

    model_name: str
    model_version: str
    vector: str


def meaning_of(text: str) -> Meaning | None:
    """A text through the encoder; None where the provider understands no text, or cannot be had right now.

    Takes tens of milliseconds, and some hundreds the first time: never to be called inside a transaction.
    """
    from photovault import embeddings, models  # numpy, and with the first text onnxruntime: only a query in words pays

    try:
        provider = embeddings.provider()
        if not text.strip() or not provider.understands_text:
            return None
        return _meaning_of(models.selection(), text)
    except (Unavailable, Misconfigured) as error:
        # Words still find what they name; that pictures cannot be searched by meaning is for the operator to know.
        logger().error("search.encoder_missing", extra={"why": error.detail})
        return None


@lru_cache(maxsize=128)  # the pages of one query
def _meaning_of(_selection: object, text: str) -> Meaning | None:
    from photovault import embeddings

    provider = embeddings.provider()
    vector = provider.embed_text(text)
    return None if vector is None else Meaning(provider.model.name, provider.model.version, vectors.to_sql(vector))


def meaning_of_picture(data: bytes) -> Meaning:
    """A picture as the embedding function would describe it. Seconds the first time: never inside a transaction.

    Raises ``Rejected`` for a file that is no photo, ``Unavailable`` or ``Misconfigured`` where the model is missing.
    """
    from photovault import embeddings, formats

    picture = formats.decode(data, min_side=embeddings.DECODED_SIDE)
    provider = embeddings.provider()
    vector = provider.embed_image(picture.image.convert("RGB"))
    return Meaning(provider.model.name, provider.model.version, vectors.to_sql(vector))


def _model_id(conn: Connection, meaning: Meaning) -> int | None:
    """The model in this database; None when it has embedded nothing yet."""
    found = db.value(
        conn,
        "SELECT id FROM models WHERE kind = 'image' AND name = %s AND version = %s",
        [meaning.model_name, meaning.model_version],
    )
    return None if found is None else int(found)


# ------------------------------------------------------------------------------------------------------ ranking


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


def ranked(conn: Connection, wanted: listing.Filter, words: Words | None, meaning: Meaning | None) -> list[Fused[UUID]]:
    """The photos of a filter that fit the words or the meaning of a text, best first, at most ``MOST_RESULTS``.

    The names of the rankings are ``words`` and ``picture``. What fits neither is not there: nonsense finds nothing.
    """
    by_words = _by_words(conn, wanted, words) if words else []
    by_picture = _by_picture(conn, wanted, meaning) if meaning else []
    return ranking.fuse({"words": by_words, "picture": by_picture}, limit=MOST_RESULTS)


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


def by_words_sql(wanted: listing.Filter, words: Words) -> tuple[str, dict[str, Any]]:
    """A word counts by its heaviest place, a photo by the sum of its words times the share of the query that it has."""
    where, parameters = listing.conditions(wanted)
    return (
        f"WITH hits (image_id, word, kind, shown, weight) AS ({' UNION ALL '.join(words.sql)}), "
        "best AS (SELECT image_id, max(weight)::float8 AS weight FROM hits GROUP BY image_id, word) "
        # Rounded, so that equal sums tie whatever the order they were added in.
        "SELECT i.id, round(1e4 * sum(b.weight) * least(1, count(*) / %(count)s::float8)) / 1e4 AS score "
        f"FROM best b JOIN images i ON i.id = b.image_id WHERE {where} GROUP BY i.id "
        "ORDER BY score DESC, i.sort_at DESC, i.id DESC LIMIT %(most)s",
        parameters | words.parameters | {"count": words.count, "most": MOST_RESULTS},
    )


def _by_words(conn: Connection, wanted: listing.Filter, words: Words) -> list[tuple[UUID, float]]:
    sql, parameters = by_words_sql(wanted, words)
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


_COSINE = "(1 - (e.embedding <=> %(vector)s::halfvec))"


def by_picture_sql(wanted: listing.Filter, *, model_id: int, vector: str) -> tuple[str, dict[str, Any]]:
    """Exact: every vector of the person is compared. The archive is not in the covering index and joins by photo."""
    where, parameters = listing.conditions(wanted)
    near = f"e.model_id = %(model_id)s AND {_COSINE} >= %(floor)s"
    parts = []
    if wanted.archived is not True:
        parts.append(
            f"SELECT i.id, {_COSINE} AS score FROM image_embeddings e JOIN images i ON i.id = e.image_id "
            f"WHERE e.searchable AND {near} AND {where}"
        )
    if wanted.archived is not False:
        parts.append(
            f"SELECT i.id, {_COSINE} AS score FROM images i JOIN image_embeddings e ON e.image_id = i.id "
            f"WHERE i.archived AND NOT e.searchable AND {near} AND {where}"
        )
    return (
        f"{' UNION ALL '.join(parts)} ORDER BY score DESC, id DESC LIMIT %(most)s",
        parameters | {"model_id": model_id, "vector": vector, "floor": MIN_TEXT_COSINE, "most": MOST_RESULTS},
    )


def _by_picture(conn: Connection, wanted: listing.Filter, meaning: Meaning) -> list[tuple[UUID, float]]:
    model_id = _model_id(conn, meaning)
    if model_id is None:
        return []
    sql, parameters = by_picture_sql(wanted, model_id=model_id, vector=meaning.vector)
    found = [(row.id, row.score) for row in db.rows(conn, _Scored, sql, parameters)]
    return ranking.near_the_best(found, margin=TEXT_COSINE_MARGIN)


# -------------------------------------------------------------------------------------------------- look-alikes


@dataclass(frozen=True)
class LookAlike:
    """Another photo and its cosine distance, 0 for the same picture."""

    id: UUID
    distance: float


@dataclass(frozen=True)
class Anchor:
    """What pictures are compared with: a vector as ``::halfvec`` reads it, and the model that made it."""

    model_id: int
    name: str
    vector: str


def anchor_of(conn: Connection, image_id: UUID) -> Anchor | None:
    """The stored vector of a photo, of the newest model that has seen it; None before any has."""
    return db.row(
        conn,
        Anchor,
        "SELECT e.model_id, m.name, e.embedding::text AS vector FROM image_embeddings e "
        "JOIN models m ON m.id = e.model_id WHERE e.image_id = %s ORDER BY e.model_id DESC LIMIT 1",
        [image_id],
    )


def anchor(conn: Connection, meaning: Meaning) -> Anchor | None:
    """A picture from elsewhere; None where its model has seen no photo yet."""
    model_id = _model_id(conn, meaning)
    return None if model_id is None else Anchor(model_id, meaning.model_name, meaning.vector)


def similar(
    conn: Connection,
    anchor: Anchor,
    *,
    limit: int,
    after: tuple[float, UUID] | None = None,
    without: UUID | None = None,
) -> list[LookAlike]:
    """Photos that look like a picture, nearest first, after a (distance, id); archive and trash left out.

    Compared are stored vectors of the same model, so that no encoder is needed for a photo of the library.
    """
    floor = MIN_LOOK_ALIKE_COSINE.get(anchor.name, MIN_LOOK_ALIKE_COSINE_OF_OTHERS)
    distance = "(e.embedding <=> %(vector)s::halfvec)"
    beyond = f"AND ({distance}, e.image_id) > (%(after_distance)s, %(after_id)s) " if after else ""
    return db.rows(
        conn,
        LookAlike,
        f"SELECT i.id, {distance} AS distance FROM image_embeddings e JOIN images i ON i.id = e.image_id "
        f"WHERE e.searchable AND e.model_id = %(model_id)s AND {distance} <= %(farthest)s {beyond}"
        "AND e.image_id IS DISTINCT FROM %(without)s AND i.deleted_at IS NULL AND i.status <> 'pending' "
        "ORDER BY distance, i.id LIMIT %(limit)s",
        {
            "without": without,
            "model_id": anchor.model_id,
            "vector": anchor.vector,
            "farthest": 1 - floor,
            "limit": limit,
            "after_distance": after[0] if after else None,
            "after_id": after[1] if after else None,
        },
    )
