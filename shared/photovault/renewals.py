"""Tables ``recipes``, ``renewal_walks`` and ``renewal_tries``: what photos were looked at with, and who renews them.

A photo is outdated for a step while its row names a recipe that the step's current one would find more than. How that
is worked off is in ``pipeline.renewing``; why people keep their names meanwhile, in ``pipeline.regrouping``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, rebuilds, recipes, vectors
from photovault.recipes import Recipe, Step

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.model_manifest import ModelInfo

# A photo that is being renewed, or whose renewal failed, is left alone for so long, and tried so often.
CLAIM = timedelta(hours=6)
MOST_TRIES = 3
# A walk whose last turn is older has died. Shorter than the time after which a queue brings a dead worker's message
# again, so that the walk goes on with it; a message that waited longer finds that another took its place, or goes on.
ALIVE = timedelta(minutes=5)

_RECIPE = "id, step, model_id, weak, label_model_id, look_version"
# Constants only: by step, the columns with its recipe and with when it was done.
_COLUMNS: dict[Step, tuple[str, str]] = {
    "vision": ("vision_recipe", "vision_done_at"),
    "embedding": ("embedding_recipe", "embedding_done_at"),
}
_UNTRIED = """
    NOT EXISTS (
        SELECT FROM renewal_tries t WHERE t.image_id = i.id AND t.step = %(step)s AND t.recipe_id = %(recipe)s
        AND t.tried_at > now() - %(claim)s::interval
    )
"""


# ---------------------------------------------------------------------------------------------------- recipes


@dataclass(frozen=True)
class Ingredients:
    """What a step of this process works with. A model that ``yields`` stands in for one whose files are missing."""

    step: Step
    model: ModelInfo
    labels: ModelInfo | None = None
    look_version: int = 0
    yields: bool = False


def recipe_of(conn: Connection, made_of: Ingredients) -> Recipe:
    """The row of these ingredients, made when it is new."""
    models = (made_of.model, made_of.labels)
    found = db.row(
        conn,
        Recipe,
        "SELECT r.id, r.step, r.model_id, r.weak, r.label_model_id, r.look_version FROM recipes r "
        "JOIN models m ON m.id = r.model_id LEFT JOIN models l ON l.id = r.label_model_id "
        "WHERE r.step = %s AND r.look_version = %s AND (m.kind, m.name, m.version) = (%s, %s, %s) "
        "AND (l.kind, l.name, l.version) IS NOT DISTINCT FROM (%s::text, %s::text, %s::text)",
        [
            made_of.step,
            made_of.look_version,
            *(part for one in models for part in ((one.kind, one.name, one.version) if one else (None, None, None))),
        ],
    )
    return found or combined(
        conn,
        step=made_of.step,
        model_id=vectors.model_id(conn, made_of.model),
        weak=made_of.model.weak,
        label_model_id=vectors.model_id(conn, made_of.labels) if made_of.labels else None,
        look_version=made_of.look_version,
    )


def combined(
    conn: Connection, *, step: Step, model_id: int, weak: bool, label_model_id: int | None, look_version: int
) -> Recipe:
    """The row of such a recipe, made when it is new."""
    values = {"step": step, "model": model_id, "weak": weak, "labels": label_model_id, "look": look_version}
    find = (
        f"SELECT {_RECIPE} FROM recipes WHERE step = %(step)s AND model_id = %(model)s "
        "AND label_model_id IS NOT DISTINCT FROM %(labels)s::smallint AND look_version = %(look)s"
    )
    found = db.row(conn, Recipe, find, values)
    if found is None:
        conn.execute(
            "INSERT INTO recipes (step, model_id, weak, label_model_id, look_version) "
            "VALUES (%(step)s, %(model)s, %(weak)s, %(labels)s, %(look)s) ON CONFLICT DO NOTHING",
            values,
        )
        found = db.row(conn, Recipe, find, values)
    assert found is not None  # noqa: S101 - recipes are never deleted
    return found


def all_recipes(conn: Connection, step: Step) -> dict[int, Recipe]:
    """By id."""
    found = db.rows(conn, Recipe, f"SELECT {_RECIPE} FROM recipes WHERE step = %s ORDER BY id", [step])
    return {recipe.id: recipe for recipe in found}


def outdated_ids(conn: Connection, now: Recipe, *, yields: bool) -> list[int]:
    """The recipes of photos that ``now`` would find more in, the unknown one among them."""
    known = all_recipes(conn, now.step).values()
    return [recipes.UNKNOWN, *(seen.id for seen in known if recipes.outdated(seen, now, yields=yields))]


def seen_with(conn: Connection, step: Step, image_id: UUID) -> int | None:
    """The recipe that a photo was last looked at with; None for a photo that is gone, or was never looked at."""
    recipe, done = _COLUMNS[step]
    found = db.value(conn, f"SELECT {recipe} FROM images WHERE id = %s AND {done} IS NOT NULL", [image_id])
    return None if found is None else int(found)


def mark(conn: Connection, step: Step, image_id: UUID, *, seen: int, now: int, revision: int) -> bool:
    """Note that a photo was looked at anew; False when somebody else did that before, or the photo is gone."""
    column, _ = _COLUMNS[step]
    return bool(
        db.value(
            conn,
            f"UPDATE images SET {column} = %s, revision = %s WHERE id = %s AND {column} = %s "
            "AND status IN ('processing', 'ready') RETURNING true",
            [now, revision, image_id, seen],
        )
    )


# ----------------------------------------------------------------------------------------------- people's model


def move_people(conn: Connection, to: Recipe, *, yields: bool) -> bool:
    """Let a person's people be made of the faces of this model from now on; whether it was another before.

    A builder that has read the people's faces before starts again: it would miss those that get another model now.
    """
    before = rebuilds.face_model(conn)
    if before == to.model_id or (yields and before is not None and not _is_weak(conn, before)):
        return False
    rebuilds.set_face_model(conn, to.model_id)
    others = db.value(conn, "SELECT EXISTS (SELECT FROM faces WHERE model_id <> %s)", [to.model_id])
    if others:
        rebuilds.edited(conn)
    return before is not None or bool(others)


def _is_weak(conn: Connection, model_id: int) -> bool:
    return bool(db.value(conn, "SELECT bool_or(weak) FROM recipes WHERE model_id = %s", [model_id]))


def are_moving(conn: Connection, model_id: int) -> bool:
    """Whether faces of other models than the people's own are still to be found anew.

    Not those that nobody finds any more, and not those of photos that somebody is at or whose renewal failed.
    """
    return bool(
        db.value(
            conn,
            """
            SELECT EXISTS (
                SELECT FROM faces f JOIN images i ON i.id = f.image_id
                WHERE f.model_id <> %(model)s AND i.status IN ('processing', 'ready')
                AND NOT EXISTS (
                    SELECT FROM recipes r WHERE r.id = i.vision_recipe AND r.model_id = %(model)s
                )
                AND NOT EXISTS (
                    SELECT FROM renewal_tries t JOIN recipes r ON r.id = t.recipe_id
                    WHERE t.image_id = i.id AND t.step = 'vision' AND r.model_id = %(model)s
                )
            )
            """,
            {"model": model_id},
        )
    )


# ---------------------------------------------------------------------------------------------- outdated photos


def next_person(conn: Connection, now: Recipe, outdated: Collection[int], *, after: UUID) -> UUID | None:
    """Somebody with outdated photos, in the order of ids after one and then from the start; asked as maintenance."""
    column, done = _COLUMNS[now.step]
    for beyond in (after, UUID(int=0)):
        found = [
            db.value(
                conn,
                f"SELECT i.user_id FROM images i WHERE i.{column} = %(seen)s AND i.user_id > %(after)s "
                f"AND i.{done} IS NOT NULL AND i.status IN ('processing', 'ready') AND {_UNTRIED} "
                "AND NOT EXISTS (SELECT FROM users u WHERE u.id = i.user_id AND u.erased_at IS NOT NULL) "
                "ORDER BY i.user_id LIMIT 1",
                {"seen": seen, "after": beyond, "step": now.step, "recipe": now.id, "claim": CLAIM},
            )
            for seen in outdated
        ]
        if people := [UUID(str(person)) for person in found if person is not None]:
            return min(people)
    return None


def waiting(conn: Connection, now: Recipe, outdated: Collection[int], *, limit: int) -> list[UUID]:
    """Outdated photos of a person: those with faces of other models first, so that people are soon those of one model,
    then the newest."""
    column, done = _COLUMNS[now.step]
    values = {
        "outdated": list(outdated),
        "step": now.step,
        "recipe": now.id,
        "model": now.model_id,
        "claim": CLAIM,
        "limit": limit,
    }
    where = (
        f"i.{column} = ANY(%(outdated)s::smallint[]) AND i.{done} IS NOT NULL "
        f"AND i.status IN ('processing', 'ready') AND {_UNTRIED}"
    )
    found = []
    if now.step == "vision":
        found = conn.execute(
            f"SELECT DISTINCT i.id FROM faces f JOIN images i ON i.id = f.image_id "
            f"WHERE f.model_id <> %(model)s AND {where} LIMIT %(limit)s".encode(),
            values,
        ).fetchall()
    if not found:
        found = conn.execute(
            f"SELECT i.id FROM images i WHERE {where} ORDER BY i.id DESC LIMIT %(limit)s".encode(), values
        ).fetchall()
    return [row[0] for row in found]


def is_waiting(conn: Connection, now: Recipe, outdated: Collection[int]) -> bool:
    """Whether any photo of a person is outdated, but for those that somebody is at or whose renewal failed."""
    column, done = _COLUMNS[now.step]
    return bool(
        db.value(
            conn,
            f"SELECT EXISTS (SELECT FROM images i WHERE i.{column} = ANY(%(outdated)s::smallint[]) "
            f"AND i.{done} IS NOT NULL AND i.status IN ('processing', 'ready') AND {_UNTRIED})",
            {"outdated": list(outdated), "step": now.step, "recipe": now.id, "claim": CLAIM},
        )
    )


def is_over(conn: Connection, now: Recipe, outdated: Collection[int]) -> bool:
    """Whether no photo of a person is outdated, nor one that somebody is at."""
    column, done = _COLUMNS[now.step]
    return not db.value(
        conn,
        f"SELECT EXISTS (SELECT FROM images i WHERE i.{column} = ANY(%s::smallint[]) "
        f"AND i.{done} IS NOT NULL AND i.status IN ('processing', 'ready'))",
        [list(outdated)],
    )


def settle_after_removal(conn: Connection) -> None:
    """Photos of a person were removed: if they were the last that waited for another model, let go of the vectors that
    were kept for their sake. Whoever renews photos does so after the last one, but never comes by where none is left.
    """
    models = conn.execute(
        "SELECT DISTINCT r.model_id FROM (SELECT id, model_id FROM recipes WHERE step = 'embedding' "
        "UNION ALL SELECT %s, NULL) AS r WHERE EXISTS (SELECT FROM images i WHERE i.embedding_recipe = r.id "
        "AND i.embedding_done_at IS NOT NULL AND i.status IN ('processing', 'ready')) LIMIT 2",
        [recipes.UNKNOWN],
    ).fetchall()
    if len(models) == 1 and models[0][0] is not None and vectors.any_but(conn, models[0][0]):
        vectors.forget_superseded(conn)


def claim(conn: Connection, now: Recipe, image_id: UUID) -> int | None:
    """Begin with a photo, before anything that might kill whoever does it. The number of this try, from 1.

    None while somebody else is at it, and when it is gone.
    """
    tries = db.value(
        conn,
        # The photo is locked first: one that is being purged is then gone, and not missed by the reference to it.
        "INSERT INTO renewal_tries AS t (image_id, step, recipe_id) SELECT id, %(step)s, %(recipe)s FROM images "
        "WHERE id = %(id)s FOR KEY SHARE "
        "ON CONFLICT (image_id, step) DO UPDATE SET tried_at = now(), given_up = false, "
        "recipe_id = excluded.recipe_id, "
        "tries = CASE WHEN t.recipe_id = excluded.recipe_id THEN t.tries + 1 ELSE 1 END "
        "WHERE t.recipe_id <> excluded.recipe_id OR t.tried_at <= now() - %(claim)s::interval RETURNING tries",
        {"id": image_id, "step": now.step, "recipe": now.id, "claim": CLAIM},
    )
    return None if tries is None else int(tries)


def put_back(conn: Connection, step: Step, image_id: UUID) -> None:
    """It was no fault of the photo's: it is tried again as soon as somebody comes by."""
    conn.execute("DELETE FROM renewal_tries WHERE image_id = %s AND step = %s AND tries <= 1", [image_id, step])
    conn.execute(
        "UPDATE renewal_tries SET tries = tries - 1, tried_at = '-infinity' WHERE image_id = %s AND step = %s",
        [image_id, step],
    )


def give_up(conn: Connection, step: Step, image_id: UUID) -> None:
    """Keep in mind that this photo cannot be looked at any more."""
    conn.execute("UPDATE renewal_tries SET given_up = true WHERE image_id = %s AND step = %s", [image_id, step])


def forget_tries(conn: Connection, step: Step, image_id: UUID) -> None:
    """It worked out."""
    conn.execute("DELETE FROM renewal_tries WHERE image_id = %s AND step = %s", [image_id, step])


# ------------------------------------------------------------------------------------------- walks, as maintenance


def take_turn(conn: Connection, step: Step, slot: int, *, last: datetime | None) -> datetime | None:
    """Go on with a walk after its ``last`` turn, or begin one (None) where none is under way. The time of this turn.

    None when it is somebody else's: of two messages about one walk, one goes on.
    """
    found: datetime | None = db.value(
        conn,
        "INSERT INTO renewal_walks AS w (step, slot, turn) VALUES (%(step)s, %(slot)s, clock_timestamp()) "
        "ON CONFLICT (step, slot) DO UPDATE SET turn = greatest(excluded.turn, w.turn + interval '1 microsecond') "
        "WHERE w.turn = %(last)s::timestamptz OR w.turn < now() - %(alive)s::interval RETURNING turn",
        {"step": step, "slot": slot, "last": last, "alive": ALIVE},
    )
    return found


def give_turn_back(conn: Connection, step: Step, slot: int, *, turn: datetime, last: datetime | None) -> None:
    """The message of this turn comes again, because its turn could not be ended: it is then to go on."""
    conn.execute(
        "UPDATE renewal_walks SET turn = coalesce(%s::timestamptz, '-infinity') "
        "WHERE step = %s AND slot = %s AND turn = %s",
        [last, step, slot, turn],
    )


def end_walk(conn: Connection, step: Step, slot: int, *, turn: datetime) -> None:
    """Let the next walk begin at once."""
    conn.execute(
        "UPDATE renewal_walks SET turn = '-infinity' WHERE step = %s AND slot = %s AND turn = %s", [step, slot, turn]
    )


# ---------------------------------------------------------------------------------------- for the operator's eye


@dataclass(frozen=True)
class Tally:
    """How many photos of all people were last looked at with a recipe."""

    recipe_id: int
    photos: int


def tallies(conn: Connection, step: Step) -> list[Tally]:
    """Asked as maintenance; reads the whole index of the step once."""
    column, done = _COLUMNS[step]
    return db.rows(
        conn,
        Tally,
        f"SELECT i.{column} AS recipe_id, count(*) AS photos FROM images i WHERE i.{done} IS NOT NULL "
        "AND i.status IN ('processing', 'ready') "
        "AND NOT EXISTS (SELECT FROM users u WHERE u.id = i.user_id AND u.erased_at IS NOT NULL) "
        f"GROUP BY i.{column} ORDER BY i.{column}",
    )


def is_under_way(conn: Connection, step: Step) -> bool:
    """Whether somebody walks through the outdated photos of a step; asked as maintenance."""
    return bool(
        db.value(
            conn,
            "SELECT EXISTS (SELECT FROM renewal_walks WHERE step = %s AND turn > now() - %s::interval)",
            [step, ALIVE],
        )
    )


def given_up(conn: Connection, step: Step) -> int:
    """How many photos could not be looked at anew, however often it was tried; asked as maintenance."""
    return int(db.value(conn, "SELECT count(*) FROM renewal_tries WHERE step = %s AND given_up", [step]))


def in_words(conn: Connection, step: Step) -> dict[int, str]:
    """By recipe, what it is made of."""
    rows = conn.execute(
        "SELECT r.id, m.name, m.version, l.name, l.version FROM recipes r JOIN models m ON m.id = r.model_id "
        "LEFT JOIN models l ON l.id = r.label_model_id WHERE r.step = %s ORDER BY r.id",
        [step],
    ).fetchall()
    words = {recipes.UNKNOWN: "not recorded"}
    for recipe_id, name, version, label, label_version in rows:
        labels = f", {label} {label_version}" if label else ", no labels" if step == "vision" else ""
        words[recipe_id] = f"{name} {version}{labels}"
    return words
