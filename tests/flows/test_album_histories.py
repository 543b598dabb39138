"""Laws of automatic albums over random histories: uploads, corrections, trash and archive, and a person's decisions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.arranging import BERLIN, LISBON, PORTO, START, Where, add_photo, table, value
from tests.vaults import somebody

from photovault import albums, db, drafting, drafts, images, locations, rebuilds, users
from photovault.pipeline import albums as builder
from photovault.pipeline import regrouping

pytestmark = pytest.mark.usefixtures("vault", "sent")

PLACES: dict[str, Where | None] = {"home": BERLIN, "Lisbon": LISBON, "Porto": PORTO, "nowhere": None}
RUNS = {"trip", "event"}
HOURS = 24 * 30


@dataclass(frozen=True)
class Row:
    """An automatic album that is there, and its photos outside the trash."""

    id: UUID
    kind: str
    key: str
    title: str
    description: str | None
    cover: UUID | None
    cover_edited: bool
    image_count: int
    first_day: Any
    last_day: Any
    why: Mapping[str, Any]
    photos: frozenset[UUID]


class Histories(RuleBasedStateMachine):
    """What a person does, in any order; after every rebuild the laws hold."""

    @initialize(pause=st.integers(1, 3))
    def begin(self, pause: int) -> None:
        """A home, a trip, and a rebuild after every so many steps."""
        self.pause, self.steps = pause, 0
        self.ada = somebody().user_id
        self.titles: dict[UUID, str] = {}
        self.words: dict[UUID, str] = {}
        self.covers: dict[UUID, UUID] = {}
        self.deleted: dict[tuple[str, str], frozenset[UUID]] = {}
        self.gone: set[UUID] = set()
        for week in range(12):
            add_photo(self.ada, taken=START - timedelta(days=7 * week + 10), where=BERLIN)
        for n in range(10):
            add_photo(self.ada, taken=START + timedelta(hours=5 * n), where=LISBON)
        self.rebuild()

    # ---- what changes the photos

    @rule(
        hour=st.integers(0, HOURS),
        place=st.sampled_from(sorted(PLACES)),
        count=st.integers(1, 9),
        minutes=st.sampled_from([4, 90, 400]),
    )
    def upload(self, hour: int, place: str, count: int, minutes: int) -> None:
        for n in range(count):
            add_photo(self.ada, taken=START + timedelta(hours=hour, minutes=n * minutes), where=PLACES[place])

    @rule(data=st.data(), many=st.booleans())
    def trash(self, data: st.DataObject, many: bool) -> None:
        for photo in self.some(data, "deleted_at IS NULL", many=many):
            self.change(lambda conn, revision, photo=photo: images.move_to_trash(conn, photo, revision=revision))

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        for photo in self.some(data, "deleted_at IS NOT NULL", many=True):
            self.change(lambda conn, revision, photo=photo: images.restore(conn, photo, revision=revision))

    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        for photo in self.some(data, "deleted_at IS NOT NULL", many=False):
            self.change(lambda conn, _, photo=photo: images.delete_row(conn, photo))
            # Gone for good, and with it the decision that it is the cover.
            self.covers = {album: cover for album, cover in self.covers.items() if cover != photo}

    @rule(data=st.data(), archived=st.booleans())
    def archive(self, data: st.DataObject, archived: bool) -> None:
        for photo in self.some(data, "true", many=False):
            self.change(
                lambda conn, revision, photo=photo: images.edit(conn, photo, revision=revision, archived=archived)
            )

    @rule(data=st.data(), hours=st.sampled_from([-900, -30, 3, 50, 2000]))
    def retime(self, data: st.DataObject, hours: int) -> None:
        """Also of a photo in the trash, as the clock of a camera is corrected."""
        sql = "UPDATE images SET sort_at = sort_at + %s, local_day = (sort_at + %s)::date WHERE id = %s"
        for photo in self.some(data, "true", many=True):
            by = timedelta(hours=hours)
            self.change(lambda conn, _, photo=photo, by=by: conn.execute(sql, [by, by, photo]))

    @rule(data=st.data(), place=st.sampled_from(sorted(PLACES)))
    def relocate(self, data: st.DataObject, place: str) -> None:
        code, country, region, city, lat, lon = PLACES[place] or (None,) * 6
        names = "lat = %s, lon = %s, country_code = %s, country = %s, region = %s, city = %s"
        sql = f"UPDATE images SET {names} WHERE id = %s"
        for photo in self.some(data, "true", many=True):
            values = [lat, lon, code, country, region, city, photo]
            self.change(lambda conn, _, values=values: conn.execute(sql, values))

    # ---- what a person decides

    @precondition(lambda self: self.shown())
    @rule(data=st.data(), title=st.sampled_from(["Our town", "Honeymoon"]))
    def rename(self, data: st.DataObject, title: str) -> None:
        album = self.one(data)
        self.edit(lambda conn, revision: albums.set_title(conn, album.id, title, revision=revision))
        self.titles[album.id] = title

    @precondition(lambda self: self.shown())
    @rule(data=st.data())
    def describe(self, data: st.DataObject) -> None:
        album = self.one(data)
        self.edit(lambda conn, revision: albums.set_description(conn, album.id, "Sunny", revision=revision))
        self.words[album.id] = "Sunny"

    @precondition(lambda self: self.shown())
    @rule(data=st.data())
    def cover(self, data: st.DataObject) -> None:
        album = self.one(data)
        photo = data.draw(st.sampled_from(sorted(album.photos)), label="cover")
        self.edit(lambda conn, revision: albums.set_cover(conn, album.id, photo, revision=revision))
        self.covers[album.id] = photo

    @precondition(lambda self: self.titles)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        album_id = data.draw(st.sampled_from(sorted(self.titles)), label="album")
        del self.titles[album_id]
        self.edit(lambda conn, revision: albums.set_title(conn, album_id, None, revision=revision))

    @precondition(lambda self: self.shown())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        wanted = self.one(data)
        with db.transaction(self.ada) as conn:
            album = albums.get(conn, wanted.id)
        assert album is not None
        self.edit(lambda conn, revision: albums.delete(conn, album, revision=revision))
        self.deleted[wanted.kind, wanted.key] = self.members(wanted.id)
        self.gone.add(wanted.id)
        for said in (self.titles, self.words, self.covers):
            said.pop(wanted.id, None)

    # ---- the laws

    @invariant()
    def now_and_then(self) -> None:
        self.steps += 1
        if self.steps % self.pause == 0:
            self.rebuild()

    def rebuild(self) -> None:
        before = {album.id: album for album in self.shown()} if self.ran() else {}
        self.build()
        written = self.everything()
        with db.transaction(self.ada) as conn:
            rebuilds.want(conn)
        self.build()
        assert self.everything() == written, "nothing is written twice"

        fresh, photos = self.drafted()
        after = {album.key: album for album in self.shown()}
        assert not {album.id for album in after.values()} & self.gone
        assert after.keys() <= fresh.keys()
        for key, draft in fresh.items():
            if key in after:
                self.is_as_drafted(after[key], draft, photos)
            else:
                self.is_not_wanted(draft)
        self.has_kept_what_was_said({album.id: album for album in after.values()})
        self.has_kept_ids(before.values(), after.values())

    def is_as_drafted(self, album: Row, draft: drafts.Draft, photos: list[drafts.Photo]) -> None:
        its = frozenset(member.image_id for member in draft.members)
        assert album.photos == its == drafting.replay(album.why, photos)
        assert album.image_count == len(its)
        assert (album.kind, album.first_day, album.last_day) == (draft.kind, draft.first_day, draft.last_day)
        assert album.title == self.titles.get(album.id, draft.title)
        assert album.cover == self.covers.get(album.id, draft.cover)
        assert album.description == self.words.get(album.id)

    def is_not_wanted(self, draft: drafts.Draft) -> None:
        """Only what was deleted is missing."""
        if draft.kind not in RUNS:
            assert (draft.kind, draft.key) in self.deleted
            return
        deleted = frozenset[UUID]().union(*(its for (kind, _), its in self.deleted.items() if kind in RUNS))
        assert 2 * sum(member.image_id in deleted for member in draft.members) >= len(draft.members)

    def has_kept_what_was_said(self, after: Mapping[UUID, Row]) -> None:
        """On rows that are there, and on those that are not there now."""
        rows = table(self.ada, "SELECT id, title_edited, title, description, cover_image_id FROM albums")
        stored = {row[0]: row for row in rows}
        for album_id, title in self.titles.items():
            assert stored[album_id][1:3] == (True, title)
        for album_id, words in self.words.items():
            assert stored[album_id][3] == words
        for album_id, photo in self.covers.items():
            assert stored[album_id][4] == photo
        counts = table(self.ada, "SELECT id FROM albums WHERE image_count > 0 AND deleted_at IS NULL")
        assert {row[0] for row in counts} == after.keys(), "what is away is empty"

    def has_kept_ids(self, before: Iterable[Row], after: Iterable[Row]) -> None:
        """More than half of all photos of both is the same album, unless one that a person edited came back for it."""
        said = self.titles.keys() | self.words.keys() | self.covers.keys()
        after = list(after)
        for old in before:
            for new in after:
                same = len(old.photos & new.photos) / len(old.photos | new.photos) > 0.5
                if same and old.kind in RUNS and new.kind in RUNS and old.id not in self.gone:
                    assert new.id == old.id or new.id in said
                if old.key == new.key and old.kind not in RUNS:
                    assert new.id == old.id

    # ---- how

    def ran(self) -> bool:
        return bool(value(self.ada, "SELECT built_generation > 0 FROM rebuilds"))

    def build(self) -> None:
        builder.handle(self.ada, remaining=lambda: math.inf)

    def change(self, act: Any) -> None:
        with db.transaction(self.ada) as conn:
            act(conn, users.next_revision(conn))
            rebuilds.want(conn)

    def edit(self, act: Any) -> None:
        with db.transaction(self.ada) as conn:
            act(conn, users.next_revision(conn))
            rebuilds.edited(conn)
            rebuilds.want(conn)

    def some(self, data: st.DataObject, which: str, *, many: bool) -> list[UUID]:
        """Photos, next to each other in time."""
        found = [row[0] for row in table(self.ada, f"SELECT id FROM images WHERE {which} ORDER BY sort_at, id")]
        if not found:
            return []
        first = data.draw(st.integers(0, len(found) - 1), label="first")
        return found[first : first + (data.draw(st.integers(1, 6), label="count") if many else 1)]

    def one(self, data: st.DataObject) -> Row:
        order = sorted(self.shown(), key=lambda album: (album.kind not in RUNS, album.key))
        return order[data.draw(st.integers(0, len(order) - 1), label="album")]

    def members(self, album_id: UUID) -> frozenset[UUID]:
        """Those in the trash too."""
        return frozenset(
            row[0] for row in table(self.ada, "SELECT image_id FROM album_images WHERE album_id = %s", [album_id])
        )

    def shown(self) -> list[Row]:
        """What a person sees, asked for in another way than the list does."""
        rows = table(
            self.ada,
            "SELECT a.id, a.kind, a.key, a.title, a.description, a.cover_image_id, a.cover_edited, a.image_count, "
            "a.first_day, a.last_day, a.why, array_agg(m.image_id) FROM albums a "
            "JOIN album_images m ON m.album_id = a.id JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL "
            "WHERE a.deleted_at IS NULL AND a.key IS NOT NULL GROUP BY a.id ORDER BY a.kind, a.key",
        )
        return [Row(*row[:-1], photos=frozenset(row[-1])) for row in rows]

    def drafted(self) -> tuple[dict[str, drafts.Draft], list[drafts.Photo]]:
        """A fresh draft of everything that is stored."""
        with db.transaction(self.ada) as conn:
            known, photos = regrouping.read(conn), locations.read(conn)
        who = regrouping.regroup(known, lambda model: regrouping.Stored(self.ada, model))
        asked = list(builder._photos(photos, [], known, who))
        return {draft.key: draft for draft in drafting.draft(asked, builder._people(who))}, asked

    def everything(self) -> list[tuple[Any, ...]]:
        """All rows that a rebuild may write, with the transaction that wrote each."""
        names = ("users", "images", "albums", "album_images", "tombstones", "activity")
        return [
            row for name in names for row in table(self.ada, f"SELECT xmin::text, t::text FROM {name} t ORDER BY 2")
        ]


def test_over_any_history(vault: Path) -> None:
    """No upload, correction or decision in any order breaks a law; each example is a person of its own."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
