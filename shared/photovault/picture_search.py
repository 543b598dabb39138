"""Photos by what they show as a whole: near the meaning of a text, or like another picture.

Vectors are compared exactly, over the person's own rows, in one index-only scan (infra/decisions/0019-vectors.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import db, listing, meanings, model_manifest, ranking
from photovault.meanings import Meaning

if TYPE_CHECKING:
    from photovault.db import Connection


_DISTANCE = "(e.embedding <=> %(vector)s::halfvec)"

# One index has the vectors of photos that are shown, the other those of the archive and the trash.
_SHOWN, _ASIDE = "e.searchable", "NOT e.searchable"
_INDEXES = (_SHOWN, _ASIDE)

# The share of a library that a filter may leave for its vectors to be fetched one by one. One of them costs as much as
# 15 to 30 that are read in a row, the more the busier the machine.
_FEW = "(SELECT coalesce((SELECT ready / 32 FROM image_totals), 0))"

# Whether all photos of the person are ready, as they are but for a while after an upload and where one was refused.
_SETTLED = "(SELECT coalesce((SELECT pending + processing + rejected = 0 FROM image_totals), false))"

# Plans that are best for vectors whatever the planner guesses of a person whom it does not know yet: to it, the table
# looks cheaper than an index as large. Workers need longer to begin, and to hand each other rows as wide as these, than
# they save; compiling costs more than it gains (infra/decisions/0019-vectors.md).
_SETTINGS = ("enable_sort", "enable_seqscan", "max_parallel_workers_per_gather", "jit")


@contextmanager
def index_alone(conn: Connection) -> Iterator[None]:
    """Statements within are planned to read vectors from their index, in one process: see ``_vectors``."""
    conn.execute("; ".join(f"SET LOCAL {name} = 0" for name in _SETTINGS).encode())
    yield
    conn.execute("; ".join(f"SET LOCAL {name} TO DEFAULT" for name in _SETTINGS).encode())


def _vectors(columns: str, condition: str, *, index: str = _SHOWN, model: str = "model_id") -> str:
    """The person's vectors of a model from an index that holds them, as SQL.

    They are asked for in the order of the index, which nothing else has without sorting: so no other plan is taken.
    Backwards they are read a tenth faster: entries lie in a page from its end to its beginning, and memory likes to be
    read upwards. To the planner a single model would have no order, so it is told of a range.
    """
    return (
        f"(SELECT e.image_id AS id, {columns} FROM image_embeddings e WHERE {index} "
        f"AND e.model_id BETWEEN %({model})s AND %({model})s AND {condition} ORDER BY e.model_id DESC)"
    )


def by_picture_sql(
    wanted: listing.Filter, *, model_id: int, vector: str, floor: float, most: int
) -> tuple[str, dict[str, Any]]:
    """Photos whose cosine with a text is ``floor`` or more, exactly, in one of two ways.

    All vectors of the person are compared, in an index that holds them, and photos are looked up from the nearest on
    until enough fulfil the filter; none without a filter, where all are ready. But where the filter leaves few photos,
    their vectors are fetched one by one. Which it is the statement finds out when it runs: a planner could only guess.
    """
    where, parameters = listing.conditions(wanted)
    near = f"{_DISTANCE} <= %(farthest)s"
    distance = f"{_DISTANCE} AS distance"
    order = "ORDER BY distance, id DESC LIMIT %(most)s"
    parameters = parameters | {"model_id": model_id, "vector": vector, "farthest": 1 - floor, "most": most}

    def nearest(condition: str) -> str:
        indexes: dict[bool | None, Sequence[str]] = {False: [_SHOWN], True: [_ASIDE], None: _INDEXES}
        those = " UNION ALL ".join(_vectors(distance, condition, index=index) for index in indexes[wanted.archived])
        return (
            f"SELECT c.id, c.distance FROM (SELECT * FROM ({those}) AS near ORDER BY distance, id DESC) c "
            f"CROSS JOIN LATERAL (SELECT FROM {listing.by_key('c.id', where)} OFFSET 0) i {order}"
        )

    if wanted == listing.Filter(status="ready"):
        # Photos that are shown, and all of them ready: the index alone knows.
        found = (
            f"(SELECT id, distance FROM {_vectors(distance, f'{near} AND {_SETTLED}')} AS near {order}) "
            f"UNION ALL ({nearest(f'{near} AND NOT {_SETTLED}')})"
        )
    elif replace(wanted, archived=False, status=None) == listing.Filter():
        found = nearest(near)
    else:
        few = "(SELECT count(*) FROM chosen) <= (SELECT few FROM bound)"
        # Who is on photos is told by an index: of those photos, only what is near enough is looked up.
        named = listing.named(wanted)
        those = named or f"SELECT i.id FROM images i WHERE {where}"
        checked = f"CROSS JOIN LATERAL (SELECT FROM {listing.by_key('c.id', where)} OFFSET 0) i " if named else ""
        found = (
            f"WITH bound AS MATERIALIZED (SELECT {_FEW} AS few), "
            f"chosen AS MATERIALIZED ({those} LIMIT (SELECT few + 1 FROM bound)) "
            f"({nearest(f'{near} AND NOT {few}')}) UNION ALL SELECT c.id, e.distance FROM chosen c "
            f"CROSS JOIN LATERAL (SELECT {distance} FROM image_embeddings e WHERE e.image_id = c.id "
            f"AND e.model_id = %(model_id)s AND {near} OFFSET 0) e {checked}WHERE {few}"
        )
    return f"SELECT id, 1 - distance AS score FROM ({found}) AS found {order}", parameters


def by_picture(conn: Connection, wanted: listing.Filter, meaning: Meaning, *, most: int) -> list[tuple[UUID, float]]:
    """Photos of a filter that show what a text means, with their cosines, the nearest first."""
    model_id = meanings.model_id(conn, meaning)
    if model_id is None:
        return []
    cut_offs = model_manifest.cut_offs(meaning.model_name, meaning.model_version)
    sql, parameters = by_picture_sql(
        wanted, model_id=model_id, vector=meaning.vector, floor=cut_offs.text_floor, most=most
    )
    with index_alone(conn):
        found = conn.execute(sql.encode(), parameters).fetchall()
    return ranking.near_the_best(found, margin=cut_offs.text_margin)


# Both ends of both indexes: the archive may wait while all that is shown was embedded anew, or the reverse.
_MODELS_IN_USE = "SELECT " + ", ".join(
    f"(SELECT model_id FROM image_embeddings e WHERE {index} ORDER BY model_id{order} LIMIT 1)"
    for index in _INDEXES
    for order in ("", " DESC")
)
_UNSEEN = (
    "SELECT c.id FROM unnest(%(ids)s::uuid[]) AS c (id) LEFT JOIN LATERAL (SELECT true AS there "
    "FROM image_embeddings e WHERE e.image_id = c.id AND e.model_id = %(model_id)s OFFSET 0) e ON true "
    "WHERE e.there IS NULL"
)


def unseen(conn: Connection, meaning: Meaning, image_ids: Sequence[UUID]) -> set[UUID]:
    """Which of some photos the model of a text has not embedded, while a library is being embedded anew.

    Empty for a library that one model has embedded, without looking at the photos.
    """
    model_id = meanings.model_id(conn, meaning)
    with index_alone(conn):
        if set(conn.execute(_MODELS_IN_USE.encode()).fetchone() or ()) <= {model_id, None}:
            return set()
        rows = conn.execute(_UNSEEN.encode(), {"ids": list(image_ids), "model_id": model_id}).fetchall()
    return {row[0] for row in rows}


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
    version: str
    vector: str

    @property
    def farthest(self) -> float:
        """The greatest cosine distance from which a picture still counts as alike."""
        return 1 - model_manifest.cut_offs(self.name, self.version).look_alike_floor


def anchors_of(conn: Connection, image_id: UUID) -> list[Anchor]:
    """The stored vectors of a photo, that of its last look first: one, and more while a library is embedded anew."""
    return db.rows(
        conn,
        Anchor,
        "SELECT e.model_id, m.name, m.version, e.embedding::text AS vector FROM image_embeddings e "
        "JOIN models m ON m.id = e.model_id JOIN images i ON i.id = e.image_id "
        "LEFT JOIN recipes r ON r.id = i.embedding_recipe WHERE e.image_id = %s "
        "ORDER BY e.model_id IS NOT DISTINCT FROM r.model_id DESC, e.model_id DESC",
        [image_id],
    )


def anchors(conn: Connection, found: Sequence[Meaning]) -> list[Anchor]:
    """A picture from elsewhere; without the models that have seen no photo yet."""
    by_model = [(meanings.model_id(conn, meaning), meaning) for meaning in found]
    return [
        Anchor(model_id, meaning.model_name, meaning.model_version, meaning.vector)
        for model_id, meaning in by_model
        if model_id is not None
    ]


def similar(
    conn: Connection,
    anchors: Sequence[Anchor],
    *,
    limit: int,
    after: tuple[float, UUID] | None = None,
    without: UUID | None = None,
) -> list[LookAlike]:
    """Photos that look like a picture, nearest first, after a (distance, id); archive and trash left out.

    Compared are stored vectors, so that no encoder is needed for a photo of the library. Each photo is compared by the
    first of the ``anchors``' models that has seen it. Distances are those of the first model; another's are stretched
    so that where photos cease to be alike is the same distance in both.
    """
    if not anchors:
        return []
    sql, parameters = similar_sql(anchors, limit=limit, after=after, without=without)
    with index_alone(conn):
        return db.rows(conn, LookAlike, sql, parameters)


def similar_sql(
    anchors: Sequence[Anchor], *, limit: int, after: tuple[float, UUID] | None, without: UUID | None
) -> tuple[str, dict[str, Any]]:
    """Exact, as ``by_picture_sql``: each page compares all vectors, and looks up about as many photos as it shows."""
    parameters: dict[str, Any] = {"without": without, "limit": limit, "models": [one.model_id for one in anchors]}
    parts: list[str] = []
    for n, anchor in enumerate(anchors, start=1):
        near = f"(e.embedding <=> %(vector{n})s::halfvec)"
        parts.append(
            _vectors(
                f"{near}{f' * %(stretch{n})s::float8' if n > 1 else ''} AS distance, {n} AS n",
                f"{near} <= %(farthest{n})s AND e.image_id IS DISTINCT FROM %(without)s",
                model=f"model_id{n}",
            )
        )
        parameters |= {
            f"vector{n}": anchor.vector,
            f"model_id{n}": anchor.model_id,
            f"farthest{n}": anchor.farthest,
            f"stretch{n}": anchors[0].farthest / anchor.farthest,
        }
    beyond = ""
    if after:
        beyond = "WHERE (distance, id) > (%(after_distance)s, %(after_id)s) "
        parameters |= {"after_distance": after[0], "after_id": after[1]}
    first = (
        "AND NOT EXISTS (SELECT FROM image_embeddings b WHERE b.image_id = c.id "
        "AND array_position(%(models)s::smallint[], b.model_id) < c.n) "
        if len(anchors) > 1
        else ""
    )
    shown = "i.deleted_at IS NULL AND i.status IN ('processing', 'ready')"
    return (
        f"SELECT c.id, c.distance FROM (SELECT * FROM ({' UNION ALL '.join(parts)}) AS near {beyond}"
        f"ORDER BY distance, id) c CROSS JOIN LATERAL (SELECT FROM {listing.by_key('c.id', shown)} {first}OFFSET 0) i "
        "ORDER BY c.distance, c.id LIMIT %(limit)s",
        parameters,
    )
