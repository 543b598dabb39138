"""The table ``said_labels``: labels that people give to photos and take away.

What a person says stands until they say otherwise or take it back, whatever models see later (``things``). Taken back,
the photo shows again what models and its file say. Each act answers with what was said before, which undoes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from photovault import db, images, label_names, terms
from photovault.errors import Invalid

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.label_names import LabelName

MOST_OF_ONE = label_names.MOST_OF_A_PHOTO

Word = Literal["added", "removed", "unsaid"]


@dataclass(frozen=True)
class Said:
    """``before`` is what was said of this photo and label until now, and ``name`` how that was written."""

    image_id: UUID
    name: str
    before: Word


@dataclass(frozen=True)
class _State:
    """A photo and a label: what the person says of them, and what else says so. ``source``, ``model_id`` and ``score``
    are of a model or the file, ``strength`` and ``boxes`` of a sight; None where there is none."""

    image_id: UUID
    is_seen: bool
    label: str
    shown: bool | None
    name: str | None
    source: str | None
    model_id: int | None
    score: float | None
    strength: float | None
    boxes: int | None

    @property
    def word(self) -> Word:
        return "unsaid" if self.shown is None else "added" if self.shown else "removed"

    @property
    def is_supposed(self) -> bool:
        """Whether a model or the file says so, or may do so as soon as somebody looks."""
        return self.source is not None or self.strength is not None or not self.is_seen


_STATES = """
    SELECT i.id AS image_id, i.vision_done_at IS NOT NULL OR i.status = 'rejected' AS is_seen,
           told.label, w.shown, coalesce(l.name, w.name) AS name,
           CASE WHEN w.shown IS NULL THEN l.source ELSE w.source END AS source,
           CASE WHEN w.shown IS NULL THEN l.model_id ELSE w.model_id END AS model_id,
           CASE WHEN w.shown IS NULL THEN l.score ELSE w.score END AS score,
           coalesce(s.strength, w.strength) AS strength, coalesce(s.boxes, w.boxes) AS boxes
    FROM images i CROSS JOIN unnest(%(labels)s::text[]) AS told(label)
    LEFT JOIN said_labels w ON w.image_id = i.id AND w.label = told.label
    LEFT JOIN image_labels l ON l.image_id = i.id AND l.label = told.label
    LEFT JOIN image_sights s ON s.user_id = current_person() AND s.name = told.label AND s.image_id = i.id
    WHERE i.id = ANY(%(ids)s)
"""


def add(conn: Connection, image_ids: Collection[UUID], labels: Sequence[LabelName], *, revision: int) -> list[Said]:
    """Say that photos show something. Returns what this changes. Raises ``Invalid`` for more than a photo can show."""
    names = {label.key: label.name for label in labels}
    found = _states(conn, image_ids, names)
    changed = [
        replace(state, shown=True, name=state.name if state.source == "file" else names[state.label])
        for state in found
        if state.shown is not True
    ]
    _put(conn, changed, revision=revision)
    full = db.value(
        conn,
        "SELECT max(shown) FROM (SELECT count(*) AS shown FROM image_labels WHERE image_id = ANY(%s) "
        "GROUP BY image_id) AS photos",
        [list({state.image_id for state in changed})],
    )
    if full is not None and full > MOST_OF_ONE:
        raise Invalid(
            f"A photo can have at most {MOST_OF_ONE} labels; take some away first.",
            [("add_labels", f"would be more than {MOST_OF_ONE} labels of a photo")],
        )
    return _said(found, changed)


def remove(conn: Connection, image_ids: Collection[UUID], labels: Sequence[LabelName], *, revision: int) -> list[Said]:
    """Say that photos do not show something. Where nobody else says that they do, nothing has to be remembered, but of
    photos that are still to be looked at."""
    found = _states(conn, image_ids, [label.key for label in labels])
    changed = [
        replace(state, shown=False if state.is_supposed else None)
        for state in found
        if state.shown or (state.shown is None and state.is_supposed)
    ]
    _put(conn, changed, revision=revision)
    return _said(found, changed)


def take_back(
    conn: Connection, image_ids: Collection[UUID], labels: Sequence[LabelName], *, revision: int
) -> list[Said]:
    """Say nothing of it any more: photos show what models and their files say."""
    found = _states(conn, image_ids, [label.key for label in labels])
    changed = [
        replace(state, shown=None, name=state.name if state.source == "file" else None)
        for state in found
        if state.shown is not None
    ]
    _put(conn, changed, revision=revision)
    return _said(found, changed)


def removed_from(conn: Connection, image_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """What the person says that photos do not show; only of those of which there is something."""
    found: dict[UUID, list[str]] = {}
    for image_id, name in conn.execute(
        "SELECT image_id, coalesce(name, label) FROM said_labels WHERE image_id = ANY(%s) AND NOT shown "
        "ORDER BY image_id, label",
        [list(image_ids)],
    ):
        found.setdefault(image_id, []).append(name)
    return found


def inherit(conn: Connection, kept: UUID, leaving: Collection[UUID], *, revision: int) -> list[Said]:
    """Say of a photo what was said of its copies, unless something was said of itself. What is in a copy's file and not
    in its own it shows, too; of two that contradict each other, who shows more is right."""
    from photovault.label_names import LabelName

    rows = conn.execute(
        "SELECT label, max(name), bool_or(shown) FROM ("
        "SELECT label, name, shown FROM said_labels WHERE image_id = ANY(%(leaving)s) "
        "UNION ALL SELECT label, name, true FROM image_labels WHERE image_id = ANY(%(leaving)s) AND source = 'file'"
        ") AS said WHERE NOT EXISTS (SELECT FROM said_labels w WHERE w.image_id = %(kept)s AND w.label = said.label) "
        "AND NOT EXISTS (SELECT FROM image_labels l WHERE l.image_id = %(kept)s AND l.label = said.label "
        "AND l.source = 'file' AND said.shown) GROUP BY label ORDER BY label",
        {"kept": kept, "leaving": list(leaving)},
    ).fetchall()
    room = MOST_OF_ONE - int(db.value(conn, "SELECT count(*) FROM image_labels WHERE image_id = %s", [kept]))
    shown = [LabelName(label, name) for label, name, is_shown in rows if is_shown][: max(room, 0)]
    gone = [LabelName(label, name) for label, name, is_shown in rows if not is_shown]
    return [
        *add(conn, [kept], shown, revision=revision),
        *remove(conn, [kept], gone, revision=revision),
    ]


def _states(conn: Connection, image_ids: Collection[UUID], labels: Iterable[str]) -> list[_State]:
    return db.rows(conn, _State, _STATES, {"ids": list(image_ids), "labels": list(labels)})


def _said(found: Sequence[_State], changed: Sequence[_State]) -> list[Said]:
    before = {(state.image_id, state.label): state for state in found}
    were = (before[state.image_id, state.label] for state in changed)
    return [Said(state.image_id, state.name or state.label, state.word) for state in were]


def _put(conn: Connection, states: Sequence[_State], *, revision: int) -> None:
    """Make all rows of these photos and labels anew, with their words and revisions."""
    if not states:
        return
    photos = list({state.image_id for state in states})
    values = {
        "ids": [state.image_id for state in states],
        "labels": [state.label for state in states],
        "shown": [state.shown for state in states],
        "names": [state.name for state in states],
        "sources": [state.source for state in states],
        "models": [state.model_id for state in states],
        "scores": [state.score for state in states],
        "strengths": [state.strength for state in states],
        "boxes": [state.boxes for state in states],
    }
    pairs = "unnest(%(ids)s::uuid[], %(labels)s::text[]) AS p(image_id, label)"
    for table, column in (("said_labels", "label"), ("image_labels", "label"), ("image_sights", "name")):
        conn.execute(
            f"DELETE FROM {table} t USING {pairs} WHERE t.image_id = p.image_id AND t.{column} = p.label".encode(),
            values,
        )
    rows = (
        "unnest(%(ids)s::uuid[], %(labels)s::text[], %(shown)s::boolean[], %(names)s::text[], %(sources)s::text[], "
        "%(models)s::smallint[], %(scores)s::real[], %(strengths)s::real[], %(boxes)s::smallint[]) "
        "AS p(image_id, label, shown, name, source, model_id, score, strength, boxes)"
    )
    conn.execute(
        "INSERT INTO said_labels (image_id, label, shown, name, source, model_id, score, strength, boxes) "
        "SELECT image_id, label, shown, name, source, model_id, score, CASE WHEN NOT shown THEN strength END, "
        f"CASE WHEN NOT shown THEN boxes END FROM {rows} WHERE shown IS NOT NULL".encode(),
        values,
    )
    conn.execute(
        "INSERT INTO image_labels (image_id, label, name, source, model_id, score, searchable) "
        "SELECT i.id, p.label, p.name, CASE WHEN p.shown THEN 'person' ELSE p.source END, "
        "CASE WHEN p.shown THEN NULL ELSE p.model_id END, CASE WHEN p.shown THEN 1 ELSE p.score END, "
        f"i.deleted_at IS NULL AND NOT i.archived FROM {rows} JOIN images i ON i.id = p.image_id "
        "WHERE p.shown OR (p.shown IS NULL AND p.source IS NOT NULL)".encode(),
        values,
    )
    conn.execute(
        "INSERT INTO image_sights (image_id, name, strength, boxes) "
        f"SELECT image_id, label, strength, boxes FROM {rows} "
        "WHERE strength IS NOT NULL AND shown IS DISTINCT FROM false".encode(),
        values,
    )
    images.touch(conn, photos, revision=revision)
    terms.refresh_all(conn, photos)
