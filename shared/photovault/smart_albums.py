"""Smart albums: saved filters whose photos are kept as memberships, so that counts, covers, shares and lists of any
kind find them like those of every other album.

The album builder brings all of them up to date in the transaction that writes people and automatic albums
(``refresh``). Photos that are edited are looked at again with the edit itself (``follow``): one photo costs an index
look-up for each smart album, whatever the library's size. A correction of people brings all up to date that name people
(``follow_people``). A filter that follows the calendar is refreshed by maintenance, too, once a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from photovault import albums, db, ids, listing, people, saved_filters, users
from photovault.errors import Conflict, Invalid, NotFound
from photovault.saved_filters import Known, Saved

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.names import Camera

MOST = 100
"""Smart albums of a person: each costs a look at the library with every rebuild."""
FACES = 7
"""By so many of their best faces somebody is recognised who became part of somebody else."""


@dataclass(frozen=True)
class _Smart:
    id: UUID
    filter: dict[str, Any]
    why: dict[str, Any] | None
    image_count: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class _Around:
    """What the filters of a library are read with. ``called``: the people and albums that they name and that are
    there, by what they are called now; ``became``: who those are now that turned out to be somebody else;
    ``cameras``: those of all photos, where a filter names any."""

    today: date
    called: Mapping[UUID, str]
    became: Mapping[UUID, UUID]
    cameras: frozenset[Camera]

    def gone(self, saved: Saved) -> set[UUID]:
        return {one for one in (*saved.people, *saved.albums) if one not in self.called}


@dataclass(frozen=True)
class Found:
    """What a filter finds."""

    image_count: int
    first_day: date | None
    last_day: date | None


# ------------------------------------------------------------------------------------------------------- filters


def checked(conn: Connection, saved: Saved) -> Saved:
    """A filter that may be saved, with what its people and albums are called.

    Raises ``NotFound`` for a person or album that is not there, ``Invalid`` for a smart album in it (an album cannot
    follow one that may follow it) and for a filter without a condition.
    """
    if not saved:
        raise Invalid("A smart album needs at least one condition.", [("filter", "has no condition")])
    called = {person.id: person.name for person in people.by_ids(conn, saved.people)}
    if called.keys() != saved.people:
        raise NotFound("There is no such person.")
    found = conn.execute(
        "SELECT id, title, kind FROM albums WHERE id = ANY(%s) AND deleted_at IS NULL", [list(saved.albums)]
    ).fetchall()
    if len(found) != len(saved.albums):
        raise NotFound(albums.NO_SUCH_ALBUM)
    smart = [title for _, title, kind in found if kind == "smart"]
    if smart:
        raise Invalid(
            f"{smart[0]} is a smart album itself. A filter may name only albums that do not follow a filter, so that "
            "none can follow itself.",
            [("filter.albums", "holds a smart album")],
        )
    known = {album_id: Known(title) for album_id, title, _ in found}
    known |= {one: Known(name, tuple(people.face_ids_of(conn, one)[:FACES])) for one, name in called.items()}
    return replace(saved, known=known)


def narrowing(saved: Saved, around: _Around) -> listing.Filter | None:
    """The filter as lists of photos take it; None when nothing can fulfil it any more."""
    gone = around.gone(saved)
    if not saved_filters.is_possible(saved, gone=gone):
        return None
    from photovault import names, search  # with their parser, which a request that follows no filter does not need

    said = saved.conditions
    since = around.today - timedelta(days=saved.last_days) if saved.last_days is not None else None
    wanted = listing.Filter(
        from_day=max((day for day in (said.date_from, since) if day), default=None),
        to_day=said.date_to,
        bbox=saved.bbox,
    )
    there = replace(said, albums=tuple(one for one in said.albums if one not in gone))
    return search.narrowed(wanted, there, names.collect((), around.cameras), archived_given=False)


def find(conn: Connection, saved: Saved) -> Found:
    """What a filter would find now."""
    wanted = narrowing(saved, _around(conn, [saved]))
    where, parameters = listing.conditions(wanted) if wanted else ("false", {})
    found = db.row(
        conn,
        Found,
        "SELECT count(*)::int AS image_count, min(i.local_day) AS first_day, max(i.local_day) AS last_day "
        f"FROM images i WHERE {where}",
        parameters,
    )
    assert found is not None  # noqa: S101 - an aggregate has a row
    return found


def tell(conn: Connection, saved: Saved) -> list[str]:
    """The filter in sentences, with the names of today, and what of it is gone."""
    around = _around(conn, [saved])
    now = saved_filters.following(saved, around.became)
    return saved_filters.tell(now, around.called, gone=around.gone(now))


# -------------------------------------------------------------------------------------------------------- albums


def add(conn: Connection, *, title: str, description: str | None, saved: Saved, revision: int) -> UUID:
    """A new smart album with the photos that its filter finds. Raises as ``checked``, and ``Conflict`` at ``MOST``."""
    saved = checked(conn, saved)
    album_id = ids.new()
    conn.execute(
        "INSERT INTO albums (id, kind, title, description, filter, rolls, revision) "
        "VALUES (%s, 'smart', %s, %s, %s, %s, %s)",
        [album_id, title, description or None, _jsonb(saved.as_json()), saved.last_days is not None, revision],
    )
    _must_be_few(conn)
    refresh(conn, [album_id], revision=revision)
    return album_id


def restored(conn: Connection, album_id: UUID, *, revision: int) -> None:
    """An album has been restored: bring it up to date, where it is a smart one, and those whose filter names it.

    Raises ``Conflict`` where it is one too many.
    """
    _must_be_few(conn)
    refresh(conn, [album_id, *naming(conn, album_id)], revision=revision)


def _must_be_few(conn: Connection) -> None:
    if int(db.value(conn, "SELECT count(*) FROM albums WHERE kind = 'smart' AND deleted_at IS NULL")) > MOST:
        raise Conflict(f"There are {MOST} smart albums already; remove one first.")


def set_filter(conn: Connection, album: albums.Album, saved: Saved, *, revision: int) -> None:
    """Follow another filter from now on. What was taken out stays out. Raises as ``checked``, and ``Conflict``."""
    saved = checked(conn, saved)
    if album.kind != "smart":
        raise Conflict("Only a smart album follows a filter.")
    conn.execute(
        "UPDATE albums SET filter = %s, rolls = %s, revision = %s WHERE id = %s",
        [_jsonb(saved.as_json()), saved.last_days is not None, revision, album.id],
    )
    refresh(conn, [album.id], revision=revision)


# ---------------------------------------------------------------------------------------------------- memberships


def refresh(conn: Connection, album_ids: Collection[UUID] | None = None, *, revision: int | None = None) -> int | None:
    """Bring smart albums, all or some, up to date with everything else. Returns the revision of what changed.

    Without a ``revision`` the person's lock is taken only if there is anything to write.
    """
    smart, around = _read(conn, album_ids)
    if not smart:
        return revision
    if revision is None:
        if all(_is_fresh(conn, album, around) for album in smart):
            return None
        revision = users.next_revision(conn)
        smart, around = _read(conn, album_ids)  # as they are now that nobody else writes
    for album in smart:
        _bring_up_to_date(conn, album, around, revision=revision)
    return revision


def follow(conn: Connection, image_ids: Collection[UUID], *, revision: int) -> None:
    """Look at these photos again, in every smart album; for changes that ask for no rebuild."""
    smart, around = _read(conn, None)
    for album in smart if image_ids else ():
        changes = _compared(conn, album, around, only=image_ids).changes
        if changes:
            _move(conn, album, changes)
            albums.settle(conn, album.id, revision=revision)


def follow_people(conn: Connection, *, revision: int) -> None:
    """Some faces are somebody else's now: bring what is chosen by people up to date, before anybody looks at it who was
    sent its link. What else a correction leads to comes with the rebuild."""
    ids = [album.id for album in _read(conn, None)[0] if saved_filters.of_json(album.filter).people]
    if ids:
        refresh(conn, ids, revision=revision)


def naming(conn: Connection, album_id: UUID) -> list[UUID]:
    """The smart albums whose filter names an album."""
    return [album.id for album in _read(conn, None)[0] if album_id in saved_filters.of_json(album.filter).albums]


def rolling(conn: Connection) -> list[UUID]:
    """Everybody who has a filter that follows the calendar, as maintenance sees them."""
    found = conn.execute("SELECT DISTINCT user_id FROM albums WHERE rolls").fetchall()
    return [row[0] for row in found]


def _read(conn: Connection, album_ids: Collection[UUID] | None) -> tuple[list[_Smart], _Around]:
    """Smart albums, all or some, and what their filters are read with."""
    smart = db.rows(
        conn,
        _Smart,
        "SELECT id, filter, why, image_count, first_day, last_day FROM albums "
        "WHERE kind = 'smart' AND deleted_at IS NULL "
        "AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s)) ORDER BY id",
        {"ids": list(album_ids) if album_ids is not None else None},
    )
    if not smart:  # as with most people: nothing more is asked
        return [], _Around(today=date.min, called={}, became={}, cameras=frozenset())
    return smart, _around(conn, [saved_filters.asked_for(album.filter) for album in smart])


def _around(conn: Connection, filters: Sequence[Saved]) -> _Around:
    wanted = {one for saved in filters for one in saved.people}
    known = {person.id: person.name or "somebody without a name" for person in people.by_ids(conn, wanted)}
    became = {one: heir for one in wanted - known.keys() if (heir := _heir(conn, one, filters))}
    known |= {person.id: person.name or "" for person in people.by_ids(conn, set(became.values()))}
    titles = conn.execute(
        "SELECT id, title FROM albums WHERE id = ANY(%s) AND deleted_at IS NULL",
        [list({one for saved in filters for one in saved.albums})],
    ).fetchall()
    return _Around(
        today=db.value(conn, "SELECT current_date"),
        called=known | dict(titles),
        became=became,
        cameras=_cameras(conn, filters),
    )


def _heir(conn: Connection, person_id: UUID, filters: Sequence[Saved]) -> UUID | None:
    """Who has most of the faces by which somebody was known who is gone."""
    faces = {face for saved in filters if person_id in saved.known for face in saved.known[person_id].faces}
    owners = Counter(face.person_id for face in people.faces_by_ids(conn, faces).values() if face.person_id)
    return max(sorted(owners), key=lambda owner: owners[owner], default=None)


def _cameras(conn: Connection, filters: Sequence[Saved]) -> frozenset[Camera]:
    if not any(saved.conditions.cameras or saved.conditions.cameras_none for saved in filters):
        return frozenset()
    from photovault.names import Camera

    return frozenset(db.rows(conn, Camera, "SELECT DISTINCT camera_make AS make, camera_model AS model FROM images"))


def _now(album: _Smart, around: _Around) -> tuple[Saved, Saved]:
    """The filter as it was asked for, and with whoever its people are now."""
    asked = saved_filters.asked_for(album.filter)
    return asked, saved_filters.following(asked, around.became)


def _why(saved: Saved, around: _Around) -> dict[str, Any]:
    return {"rule": "filter", "missing": sorted(str(one) for one in around.gone(saved))}


def _is_fresh(conn: Connection, album: _Smart, around: _Around) -> bool:
    asked, now = _now(album, around)
    if album.filter != saved_filters.as_json_of(asked, now) or album.why != _why(now, around):
        return False
    found = _compared(conn, album, around)
    return not found.changes and found.as_it_should_be == _as_it_is(album)


def _bring_up_to_date(conn: Connection, album: _Smart, around: _Around, *, revision: int) -> None:
    asked, now = _now(album, around)
    stored, why = saved_filters.as_json_of(asked, now), _why(now, around)
    found = _compared(conn, album, around)
    _move(conn, album, found.changes)
    if found.changes or (album.filter, album.why, _as_it_is(album)) != (stored, why, found.as_it_should_be):
        conn.execute(
            "UPDATE albums SET filter = %s, why = %s, image_count = %s, first_day = %s, last_day = %s, revision = %s "
            "WHERE id = %s",
            [_jsonb(stored), _jsonb(why), *found.as_it_should_be, revision, album.id],
        )


def _as_it_is(album: _Smart) -> tuple[int, date | None, date | None]:
    return album.image_count, album.first_day, album.last_day


@dataclass(frozen=True)
class _Compared:
    """What an album holds against what it should: photos to come in (True) or to go (False), and its count and days."""

    changes: Mapping[UUID, bool]
    as_it_should_be: tuple[int, date | None, date | None]


def _compared(conn: Connection, album: _Smart, around: _Around, *, only: Collection[UUID] | None = None) -> _Compared:
    """With ``only``, of these photos alone. Those in the trash stay what they are."""
    wanted = narrowing(_now(album, around)[1], around)
    where, parameters = listing.conditions(wanted) if wanted else ("false", {})
    # Photos are joined to the few that differ, not to all members: that costs half, whatever the planner knows.
    found = conn.execute(
        f"""
        WITH wanted AS MATERIALIZED (
            SELECT i.id, i.local_day FROM images i WHERE {where} {"AND i.id = ANY(%(only_these)s)" if only else ""}
            AND NOT EXISTS (
                SELECT FROM album_choices c WHERE c.album_id = %(smart)s AND c.image_id = i.id AND NOT c.included
            )
            UNION SELECT i.id, i.local_day FROM album_choices c JOIN images i ON i.id = c.image_id
            WHERE c.album_id = %(smart)s AND c.included AND i.deleted_at IS NULL
            {"AND c.image_id = ANY(%(only_these)s)" if only else ""}
        ), present AS MATERIALIZED (
            SELECT m.image_id AS id FROM album_images m WHERE m.album_id = %(smart)s
            {"AND m.image_id = ANY(%(only_these)s)" if only else ""}
        )
        SELECT NULL::uuid, NULL::boolean, count(*)::int, min(local_day), max(local_day) FROM wanted
        UNION ALL SELECT coalesce(w.id, p.id), w.id IS NOT NULL, NULL, NULL, NULL
        FROM wanted w FULL JOIN present p ON p.id = w.id
        WHERE p.id IS NULL OR (
            w.id IS NULL AND EXISTS (SELECT FROM images i WHERE i.id = p.id AND i.deleted_at IS NULL)
        )
        """.encode(),
        parameters | {"smart": album.id, "only_these": list(only or ())},
    ).fetchall()
    _, _, *should_be = next(row for row in found if row[0] is None)
    changes = {image_id: comes for image_id, comes, *_ in found if image_id is not None}
    return _Compared(changes, (should_be[0], should_be[1], should_be[2]))


def _move(conn: Connection, album: _Smart, changes: Mapping[UUID, bool]) -> None:
    if not changes:
        return
    albums.let_go(conn, album.id, [image_id for image_id, comes in changes.items() if not comes])
    conn.execute(
        "INSERT INTO album_images (album_id, image_id, why) "
        'SELECT %s, i.id, \'{"rule": "filter"}\' FROM images i WHERE i.id = ANY(%s) ON CONFLICT DO NOTHING',
        [album.id, [image_id for image_id, comes in changes.items() if comes]],
    )


def _jsonb(value: object) -> object:
    from psycopg.types.json import Jsonb

    return Jsonb(value)
