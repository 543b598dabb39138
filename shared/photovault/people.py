"""Tables ``faces``, ``person_clusters`` and ``groupings``: who is in the photos.

What people said about it is in ``corrections``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from photovault import db, ids, tombstones, vectors

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.face_measures import Face

# A face counts while its photo is neither in the trash nor refused. Photos in the archive keep their people.
LIVE = "i.deleted_at IS NULL AND i.status <> 'rejected'"


# ------------------------------------------------------------------------------------------------------- faces


def new_face_ids(faces: Sequence[Face]) -> list[UUID]:
    """An id for each face, before its crop is sealed under it."""
    return [ids.new() for _ in faces]


def add_faces(conn: Connection, image_id: UUID, model_id: int, face_ids: Sequence[UUID], faces: Sequence[Face]) -> None:
    """Store the faces found in a photo, without a person yet."""
    if len(face_ids) != len(faces):
        raise ValueError(f"{len(face_ids)} ids for {len(faces)} faces")
    conn.execute(
        "INSERT INTO faces (id, image_id, model_id, x, y, w, h, score, quality, founder, embedding) "
        "SELECT f.id, %s, %s, f.x, f.y, f.w, f.h, f.score, f.quality, f.founder, f.embedding::halfvec "
        "FROM unnest(%s::uuid[], %s::real[], %s::real[], %s::real[], %s::real[], %s::real[], %s::real[], "
        "%s::boolean[], %s::text[]) AS f(id, x, y, w, h, score, quality, founder, embedding)",
        [
            image_id,
            model_id,
            list(face_ids),
            *([float(face.box[side]) for face in faces] for side in range(4)),
            [float(face.score) for face in faces],
            [float(face.quality) for face in faces],
            [bool(face.founder) for face in faces],
            [vectors.to_sql(face.embedding) for face in faces],
        ],
    )


def renew_faces(conn: Connection, model_id: int, face_ids: Sequence[UUID], faces: Sequence[Face]) -> None:
    """The same faces as another model sees them: they keep their ids, and with them whose they are."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "UPDATE faces SET model_id = %s, x = %s, y = %s, w = %s, h = %s, score = %s, quality = %s, founder = %s, "
            "embedding = %s::halfvec WHERE id = %s",
            [
                (
                    model_id,
                    *map(float, face.box),
                    float(face.score),
                    float(face.quality),
                    bool(face.founder),
                    vectors.to_sql(face.embedding),
                    face_id,
                )
                for face_id, face in zip(face_ids, faces, strict=True)
            ],
        )


def remove_faces(conn: Connection, face_ids: Collection[UUID]) -> None:
    """For good, with what was said of them. The persons follow with the next rebuild."""
    conn.execute("DELETE FROM faces WHERE id = ANY(%s)", [list(face_ids)])


def count_faces(conn: Connection, image_id: UUID) -> None:
    """Bring the photo's number of faces up to date."""
    conn.execute(
        "UPDATE images SET face_count = (SELECT count(*) FROM faces WHERE image_id = %(id)s) WHERE id = %(id)s",
        {"id": image_id},
    )


def face_models_of(conn: Connection, image_id: UUID) -> list[FaceModel]:
    """The models of the faces of a photo."""
    return db.rows(
        conn,
        FaceModel,
        "SELECT id, name, version, dims FROM models WHERE id IN (SELECT model_id FROM faces WHERE image_id = %s) "
        "ORDER BY id",
        [image_id],
    )


@dataclass(frozen=True)
class FaceInPhoto:
    """A face where it is: x, y, width and height are fractions of the upright picture."""

    id: UUID
    image_id: UUID
    x: float
    y: float
    w: float
    h: float
    person_id: UUID | None
    person_name: str | None
    person_birthday: date | None
    score: float
    quality: float


_FACE = (
    "f.id, f.image_id, f.x, f.y, f.w, f.h, f.person_id, p.name AS person_name, p.birthday AS person_birthday, "
    "f.score, f.quality "
    "FROM faces f LEFT JOIN person_clusters p ON p.id = f.person_id"
)


def faces_of_image(conn: Connection, image_id: UUID) -> list[FaceInPhoto]:
    """From left to right."""
    return db.rows(conn, FaceInPhoto, f"SELECT {_FACE} WHERE f.image_id = %s ORDER BY f.x, f.id", [image_id])


def faces_of_images(conn: Connection, image_ids: Sequence[UUID]) -> list[FaceInPhoto]:
    """By photo, in each from left to right."""
    return db.rows(
        conn,
        FaceInPhoto,
        f"SELECT {_FACE} WHERE f.image_id = ANY(%s) ORDER BY f.image_id, f.x, f.id",
        [list(image_ids)],
    )


def get_face(conn: Connection, face_id: UUID) -> FaceInPhoto | None:
    return db.row(conn, FaceInPhoto, f"SELECT {_FACE} WHERE f.id = %s", [face_id])


def faces_by_ids(conn: Connection, face_ids: Collection[UUID]) -> dict[UUID, FaceInPhoto]:
    found = db.rows(conn, FaceInPhoto, f"SELECT {_FACE} WHERE f.id = ANY(%s)", [list(face_ids)])
    return {face.id: face for face in found}


def face_ids_of(conn: Connection, person_id: UUID) -> list[UUID]:
    """All faces of a person: those that count first, of them founders, the best foremost."""
    found = conn.execute(
        f"SELECT f.id FROM faces f JOIN images i ON i.id = f.image_id WHERE f.person_id = %s "
        f"ORDER BY ({LIVE}) DESC, f.founder DESC, f.quality DESC, f.id".encode(),
        [person_id],
    ).fetchall()
    return [row[0] for row in found]


def assign(conn: Connection, face_ids: Collection[UUID], person_id: UUID | None) -> None:
    """Say whose faces these are. The persons' counts follow with ``settle``."""
    conn.execute(
        "UPDATE faces SET person_id = %(person)s "
        "WHERE id = ANY(%(faces)s) AND person_id IS DISTINCT FROM %(person)s::uuid",
        {"person": person_id, "faces": list(face_ids)},
    )


# ----------------------------------------------------------------------------------------------------- persons


@dataclass(frozen=True)
class Person:
    """``face_count`` and ``image_count`` leave out photos in the trash, as of the last rebuild or correction."""

    id: UUID
    name: str | None
    birthday: date | None
    hidden: bool
    cover_face_id: UUID | None
    face_count: int
    image_count: int
    created_at: datetime


_PERSON = "p.id, p.name, p.birthday, p.hidden, p.cover_face_id, p.face_count, p.image_count, p.created_at"
# The cover as it can be shown now: the best of the faces whose photo is not in the trash, if need be.
_WITH_COVER = f"""
    SELECT p.id, p.name, p.birthday, p.hidden, cover.id AS cover_face_id, p.face_count, p.image_count, p.created_at
    FROM person_clusters p CROSS JOIN LATERAL (
        SELECT f.id FROM faces f JOIN images i ON i.id = f.image_id
        WHERE f.person_id = p.id AND {LIVE}
        ORDER BY (f.id = p.cover_face_id) DESC NULLS LAST, f.quality DESC, f.id LIMIT 1
    ) AS cover
"""


def get(conn: Connection, person_id: UUID) -> Person | None:
    """A person with at least one face, be its photo in the trash."""
    return db.row(conn, Person, f"SELECT {_PERSON} FROM person_clusters p WHERE p.id = %s", [person_id])


def by_ids(conn: Connection, person_ids: Collection[UUID]) -> list[Person]:
    """In no order; those that are gone are left out."""
    return db.rows(conn, Person, f"SELECT {_PERSON} FROM person_clusters p WHERE p.id = ANY(%s)", [list(person_ids)])


def shown(conn: Connection, person_id: UUID) -> Person | None:
    """A person as lists show them: with a cover that can be seen. None while all their photos are in the trash."""
    return db.row(conn, Person, f"{_WITH_COVER} WHERE p.id = %s", [person_id])


def listed(conn: Connection, person_ids: Collection[UUID]) -> list[Person]:
    """Those of these people who are ``shown``, in no order."""
    return db.rows(conn, Person, f"{_WITH_COVER} WHERE p.id = ANY(%s)", [list(person_ids)])


def page(conn: Connection, *, limit: int, with_hidden: bool, after: tuple[int, UUID] | None = None) -> list[Person]:
    """Those with most photos first, after an (image_count, id)."""
    return db.rows(
        conn,
        Person,
        f"{_WITH_COVER} WHERE (%(hidden)s OR NOT p.hidden) AND (%(count)s::int IS NULL "
        "OR (p.image_count <= %(count)s AND (p.image_count < %(count)s OR p.id > %(id)s))) "
        "ORDER BY p.image_count DESC, p.id LIMIT %(limit)s",
        {
            "hidden": with_hidden,
            "count": after[0] if after else None,
            "id": after[1] if after else None,
            "limit": limit,
        },
    )


def all_persons(conn: Connection) -> list[Person]:
    """Every row, in the order of their ids."""
    return db.rows(conn, Person, f"SELECT {_PERSON} FROM person_clusters p ORDER BY p.id")


def found(conn: Connection, *, revision: int, name: str | None = None) -> UUID:
    """A new person, without a face yet."""
    person_id = ids.new()
    conn.execute("INSERT INTO person_clusters (id, name, revision) VALUES (%s, %s, %s)", [person_id, name, revision])
    return person_id


def set_name(conn: Connection, person_id: UUID, name: str | None, *, birthday: date | None, revision: int) -> None:
    conn.execute(
        "UPDATE person_clusters SET name = %(name)s, birthday = %(birthday)s, revision = %(revision)s "
        "WHERE id = %(id)s AND (name, birthday) IS DISTINCT FROM (%(name)s::text, %(birthday)s::date)",
        {"id": person_id, "name": name, "birthday": birthday, "revision": revision},
    )


def set_hidden(conn: Connection, person_id: UUID, hidden: bool, *, revision: int) -> None:
    conn.execute(
        "UPDATE person_clusters SET hidden = %(hidden)s, revision = %(revision)s "
        "WHERE id = %(id)s AND hidden <> %(hidden)s",
        {"id": person_id, "hidden": hidden, "revision": revision},
    )


def remove_faceless(conn: Connection, *, revision: int) -> bool:
    """Remove whoever has no face any more, because their last photo is gone for good; whether there was anybody."""
    gone = conn.execute(
        "DELETE FROM person_clusters p WHERE NOT EXISTS (SELECT FROM faces f WHERE f.person_id = p.id) RETURNING p.id"
    ).fetchall()
    tombstones.add(conn, "person", [row[0] for row in gone], revision=revision)
    return bool(gone)


def settle(conn: Connection, person_ids: Collection[UUID], *, revision: int) -> None:
    """Bring counts and cover of these persons up to date with their faces; whoever has none left is gone."""
    gone = conn.execute(
        "DELETE FROM person_clusters p WHERE p.id = ANY(%s) "
        "AND NOT EXISTS (SELECT FROM faces f WHERE f.person_id = p.id) RETURNING p.id",
        [list(person_ids)],
    ).fetchall()
    tombstones.add(conn, "person", [row[0] for row in gone], revision=revision)
    conn.execute(
        f"""
        UPDATE person_clusters p SET face_count = now.faces, image_count = now.images, cover_face_id = now.cover,
            revision = %(revision)s
        FROM (
            SELECT q.id, count(i.id) AS faces, count(DISTINCT i.id) AS images,
                (array_agg(f.id ORDER BY f.quality DESC, f.id) FILTER (WHERE i.id IS NOT NULL))[1] AS cover
            FROM person_clusters q JOIN faces f ON f.person_id = q.id
            LEFT JOIN images i ON i.id = f.image_id AND {LIVE}
            WHERE q.id = ANY(%(ids)s) GROUP BY q.id
        ) AS now
        WHERE p.id = now.id AND (p.face_count, p.image_count, p.cover_face_id)
            IS DISTINCT FROM (now.faces, now.images, now.cover)
        """.encode(),
        {"ids": list(person_ids), "revision": revision},
    )


# --------------------------------------------------------------------------------- what rebuilds read and write


@dataclass(frozen=True)
class FaceModel:
    """A model that faces were embedded with; ``dims`` values each."""

    id: int
    name: str
    version: str
    dims: int


class KnownFace(NamedTuple):
    """A face without its embedding; ``live`` when its photo is neither in the trash nor refused.

    A rebuild makes one of each face of a library: a tuple costs a sixth of a frozen dataclass.
    """

    id: UUID
    image_id: UUID
    model_id: int
    photo_sha256: bytes
    x: float
    y: float
    w: float
    h: float
    quality: float
    founder: bool
    person_id: UUID | None
    live: bool

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.w, self.h


def face_models(conn: Connection) -> list[FaceModel]:
    """The models of this person's faces."""
    return db.rows(
        conn,
        FaceModel,
        "SELECT id, name, version, dims FROM models WHERE id IN (SELECT DISTINCT model_id FROM faces) ORDER BY id",
    )


def known_faces(conn: Connection) -> list[KnownFace]:
    with conn.cursor(binary=True) as cursor:
        cursor.execute(
            f"SELECT f.id, f.image_id, f.model_id, i.sha256, f.x, f.y, f.w, f.h, f.quality, f.founder, f.person_id, "
            f"{LIVE} FROM faces f JOIN images i ON i.id = f.image_id ORDER BY f.id".encode()
        )
        return [KnownFace._make(row) for row in cursor.fetchall()]


def embeddings(conn: Connection, model_id: int, face_ids: Collection[UUID] | None = None) -> dict[UUID, bytes]:
    """By face, as ``vectors.from_sql`` reads them: of all faces of a model, or of some."""
    with conn.cursor(binary=True) as cursor:
        if face_ids is None:
            cursor.execute("SELECT id, halfvec_send(embedding) FROM faces WHERE model_id = %s", [model_id])
        else:
            cursor.execute(
                "SELECT id, halfvec_send(embedding) FROM faces WHERE id = ANY(%s) AND model_id = %s",
                [list(face_ids), model_id],
            )
        return dict(cursor.fetchall())


def faces_near(conn: Connection, model_id: int, probes: Sequence[str], *, least: float) -> list[list[UUID]]:
    """For each probe (``vectors.to_sql``) the faces of the model with a cosine of ``least`` or more, by one pass over
    them all: no index, which would miss some."""
    found: list[list[UUID]] = [[] for _ in probes]
    rows = conn.execute(
        # The model is asked first, because vectors of two lengths cannot be compared.
        "WITH probes AS MATERIALIZED (SELECT n, p::halfvec AS probe FROM unnest(%(probes)s::text[]) WITH ORDINALITY "
        "AS u(p, n)) SELECT n, f.id FROM faces f, probes WHERE f.model_id = %(model)s AND "
        "CASE WHEN f.model_id = %(model)s THEN f.embedding <=> probe <= %(most)s ELSE false END",
        {"probes": list(probes), "model": model_id, "most": 1 - least},
    ).fetchall()
    for n, face_id in rows:
        found[n - 1].append(face_id)
    return found


def memories(conn: Connection) -> dict[int, bytes]:
    """By model, what the last grouping of its faces remembers."""
    with conn.cursor(binary=True) as cursor:
        return dict(cursor.execute("SELECT model_id, memory FROM groupings").fetchall())


def remember(conn: Connection, model_id: int, memory: bytes) -> None:
    conn.execute(
        "INSERT INTO groupings (model_id, memory) VALUES (%s, %s) "
        "ON CONFLICT (user_id, model_id) DO UPDATE SET memory = excluded.memory",
        [model_id, memory],
    )


def forget(conn: Connection, model_ids: Collection[int]) -> None:
    """What is remembered of models that have no faces left."""
    conn.execute("DELETE FROM groupings WHERE model_id = ANY(%s)", [list(model_ids)])


@dataclass(frozen=True)
class Somebody:
    """A person as they should be stored."""

    id: UUID
    name: str | None
    hidden: bool
    cover_face_id: UUID | None
    face_count: int
    image_count: int
    birthday: date | None = None


def add_all(conn: Connection, persons: Iterable[Somebody], *, revision: int) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO person_clusters "
            "(id, name, birthday, hidden, cover_face_id, face_count, image_count, revision) VALUES (%(id)s, %(name)s, "
            "%(birthday)s, %(hidden)s, %(cover_face_id)s, %(face_count)s, %(image_count)s, %(revision)s)",
            [vars(person) | {"revision": revision} for person in persons],
        )


def change_all(conn: Connection, persons: Iterable[Somebody], *, revision: int) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "UPDATE person_clusters SET name = %(name)s, birthday = %(birthday)s, hidden = %(hidden)s, "
            "cover_face_id = %(cover_face_id)s, "
            "face_count = %(face_count)s, image_count = %(image_count)s, revision = %(revision)s WHERE id = %(id)s",
            [vars(person) | {"revision": revision} for person in persons],
        )


def remove_all(conn: Connection, person_ids: Collection[UUID], *, revision: int) -> None:
    """Their faces are to be somebody else's, or nobody's, by now."""
    conn.execute("DELETE FROM person_clusters WHERE id = ANY(%s)", [list(person_ids)])
    tombstones.add(conn, "person", person_ids, revision=revision)
