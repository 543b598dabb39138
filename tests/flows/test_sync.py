"""A copy that follows ``GET /changes`` is what the lists show, whatever is done to the vault, whenever it is read."""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.arranging import BERLIN, LISBON, MODEL, START, add_photo, face_of, faces_in, table
from tests.mirrors import Mirror, Rows, lists
from tests.shared.api.described import routers
from tests.vaults import client, somebody

from photovault import db, images, people, rebuilds, trash, users, vectors
from photovault.images import Place, Understood
from photovault.metadata import Metadata, Taken
from photovault.pipeline import albums as builder
from photovault.pipeline import maintenance

pytestmark = pytest.mark.usefixtures("vault", "sent")

PLACES = {"Berlin": BERLIN, "Lisbon": LISBON, "nowhere": None}
NOTHING = "00000000-0000-0000-0000-000000000000"


class Syncing(RuleBasedStateMachine):
    """What a person and the pipeline do, in any order, while two copies follow: one always, one a page at a time."""

    @initialize()
    def begin(self) -> None:
        self.http = client(routers())
        self.ada = somebody()
        self.steady = Mirror(self.http, self.ada.headers)
        self.slow = Mirror(self.http, self.ada.headers)
        for n in range(8):
            where = BERLIN if n < 3 else LISBON
            add_photo(self.ada.user_id, taken=START + timedelta(hours=5 * n), where=where, faces=[face_of(n % 2, n)])
        self.rebuild()

    # ---- the pipeline

    @rule(hour=st.integers(0, 700), place=st.sampled_from(sorted(PLACES)), who=st.integers(-1, 2))
    def upload(self, hour: int, place: str, who: int) -> None:
        faces = [face_of(who, hour)] if who >= 0 else []
        add_photo(self.ada.user_id, taken=START + timedelta(hours=hour), where=PLACES[place], faces=faces)

    @rule()
    def announce(self) -> None:
        item = {"filename": "a.jpg", "content_type": "image/jpeg", "size": 9, "sha256": secrets.token_hex(32)}
        self.ask("POST", "/images/uploads", json={"items": [item]})

    @rule(data=st.data(), hour=st.integers(0, 700))
    def understand(self, data: st.DataObject, hour: int) -> None:
        """From a processing photo, be it in an album already, to a ready one."""
        for image_id in self.some(data, "sealed_at IS NULL AND status = 'pending'"):
            self.change(lambda conn, revision, one=image_id: images.mark_sealed(conn, one, revision=revision))
        taken = START + timedelta(hours=hour)
        found = Understood(
            content_type="image/png",
            width=3,
            height=2,
            thumbhash=b"hash",
            phash=1,
            metadata=Metadata(Taken(taken.replace(tzinfo=UTC), 0, taken, taken.date(), "exif"), None),
            place=Place(),
            face_count=0,
        )

        def finish(conn: db.Connection, revision: int) -> None:
            for image_id in self.some(data, "status = 'processing'"):
                images.mark_understood(conn, image_id, found, revision=revision)
                images.mark_embedded(conn, image_id, revision=revision)
                images.finish(conn, image_id)

        self.change(finish)

    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        for image_id in self.some(data, "status IN ('pending', 'processing')"):
            self.change(lambda conn, revision, one=image_id: images.reject(conn, one, "damaged", revision=revision))

    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """As maintenance does with what never came."""
        for image_id in self.some(data, "sealed_at IS NULL"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(maintenance.staging, "holds", lambda *_: False)
                maintenance._expire(self.ada.user_id, image_id, now=datetime.now(UTC) + timedelta(days=9))

    @rule(data=st.data())
    def look_again(self, data: st.DataObject) -> None:
        """A better model finds no face any more, or the same one elsewhere."""
        for image_id in self.some(data, "face_count > 0"):

            def renew(conn: db.Connection, revision: int, image_id: UUID = image_id) -> None:
                old = people.faces_of_image(conn, image_id)
                conn.execute("UPDATE images SET revision = %s WHERE id = %s", [revision, image_id])
                images.note_people(conn, [image_id], revision=revision)
                if data.draw(st.booleans(), label="gone"):
                    people.remove_faces(conn, [face.id for face in old])
                else:
                    model = vectors.model_id(conn, MODEL)
                    people.renew_faces(
                        conn, model, [face.id for face in old], [face_of(3, 1, quality=0.1) for _ in old]
                    )
                people.count_faces(conn, image_id)

            self.change(renew)

    @rule()
    def rebuild(self) -> None:
        builder.handle(self.ada.user_id, remaining=lambda: math.inf)

    # ---- photos

    @rule(data=st.data(), what=st.sampled_from(["caption", "favourite", "archived", "taken_at", "location"]))
    def edit(self, data: st.DataObject, what: str) -> None:
        body: dict[str, Any] = {
            "caption": {"caption": "By the sea"},
            "favourite": {"favourite": True},
            "archived": {"archived": data.draw(st.booleans(), label="archived")},
            "taken_at": {"taken_at": data.draw(st.sampled_from(["2025-05-10T09:00", "2024-01-01T09:00"]), label="at")},
            "location": {"location": data.draw(st.sampled_from([{"lat": 41.15, "lon": -8.61}, None]), label="where")},
        }[what]
        for image_id in self.some(data, "true"):
            self.ask("PATCH", f"/images/{image_id}", json=body)

    @rule(data=st.data(), verb=st.sampled_from(["add_labels", "remove_labels", "restore_labels"]))
    def label(self, data: st.DataObject, verb: str) -> None:
        ids = [str(image_id) for image_id in self.some(data, "true", most=4)]
        if ids:
            self.ask("POST", "/images/edit", json={"image_ids": ids, verb: ["dog"]})

    @rule(data=st.data(), what=st.sampled_from(["trash", "restore"]))
    def trash(self, data: st.DataObject, what: str) -> None:
        ids = [str(image_id) for image_id in self.some(data, "true", most=4)]
        if ids:
            self.ask("POST", f"/images/{what}", json={"image_ids": ids})

    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        for image_id in self.some(data, "deleted_at IS NOT NULL"):
            self.change(lambda conn, revision, one=image_id: trash.purge_one(conn, one, revision=revision))

    # ---- albums

    @rule(data=st.data(), automatic=st.booleans())
    def put_in(self, data: st.DataObject, automatic: bool) -> None:
        self.with_photos(data, "PUT", automatic=automatic)

    @rule(data=st.data(), automatic=st.booleans())
    def take_out(self, data: st.DataObject, automatic: bool) -> None:
        self.with_photos(data, "DELETE", automatic=automatic)

    def with_photos(self, data: st.DataObject, method: str, *, automatic: bool) -> None:
        ids = [str(image_id) for image_id in self.some(data, "true", most=3)]
        album = self.one(data, "album", lambda row: (row["kind"] not in {"manual", "smart"}) == automatic)
        if ids and album:
            self.ask(method, f"/albums/{album}/images", json={"image_ids": ids})

    @rule(data=st.data(), title=st.sampled_from(["Best", "For grandma"]))
    def make(self, data: st.DataObject, title: str) -> None:
        ids = [str(image_id) for image_id in self.some(data, "deleted_at IS NULL", most=4)]
        self.ask("POST", "/albums/manual", json={"title": title, "image_ids": ids})

    @rule(data=st.data(), what=st.sampled_from(["person", "label", "favourite"]))
    def follow(self, data: st.DataObject, what: str) -> None:
        person = self.one(data, "person") if what == "person" else None
        wanted: dict[str, Any] = {"people_any": [[person]]} if person else {"favourite": True}
        if what == "label":
            wanted = {"labels_all": ["dog"]}
        self.ask("POST", "/albums/smart", json={"title": "Ours", "filter": wanted})

    @rule(data=st.data(), what=st.sampled_from(["title", "no title", "sort", "cover", "no cover", "description"]))
    def edit_album(self, data: st.DataObject, what: str) -> None:
        album = self.one(data, "album")
        if album is None:
            return
        members = self.steady.rows[album]["image_ids"]
        body = {
            "title": {"title": "Our own"},
            "no title": {"title": None},
            "description": {"description": "Sunny"},
            "sort": {"sort": data.draw(st.sampled_from(["oldest", "newest", "manual"]), label="sort")},
            "cover": {"cover_image_id": data.draw(st.sampled_from(members), label="cover") if members else NOTHING},
            "no cover": {"cover_image_id": None},
        }[what]
        self.ask("PATCH", f"/albums/{album}", json=body)

    @rule(data=st.data())
    def put_in_order(self, data: st.DataObject) -> None:
        album = self.one(data, "album", lambda row: row["kind"] == "manual" and bool(row["image_ids"]))
        if album:
            moved = data.draw(st.sampled_from(self.steady.rows[album]["image_ids"]), label="moved")
            self.ask("PUT", f"/albums/{album}/order", json={"image_ids": [moved], "to": "start"})

    @rule(data=st.data())
    def delete_album(self, data: st.DataObject) -> None:
        album = self.one(data, "album")
        if album:
            self.ask("DELETE", f"/albums/{album}")
            self.deleted.append(album)

    @rule(data=st.data())
    def restore_album(self, data: st.DataObject) -> None:
        if self.deleted:
            self.ask("POST", f"/albums/{data.draw(st.sampled_from(self.deleted), label='deleted')}/restore")

    # ---- people

    @rule(data=st.data(), what=st.sampled_from([{"name": "Ann"}, {"name": None}, {"hidden": True}, {"hidden": False}]))
    def edit_person(self, data: st.DataObject, what: dict[str, Any]) -> None:
        person = self.one(data, "person")
        if person:
            self.correct("PATCH", f"/people/{person}", json=what)

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        into, other = self.one(data, "person"), self.one(data, "person")
        if into and other and into != other:
            self.correct("POST", "/people/merge", json={"into": into, "people": [other]})

    @rule(data=st.data(), how=st.sampled_from(["split", "away", "new"]))
    def move_face(self, data: st.DataObject, how: str) -> None:
        for image_id in self.some(data, "face_count > 0"):
            for face in faces_in(self.ada.user_id, image_id):
                if how == "split" and face.person_id:
                    self.correct("POST", f"/people/{face.person_id}/split", json={"face_ids": [str(face.id)]})
                elif how == "away":
                    self.correct("DELETE", f"/faces/{face.id}/person")
                elif how == "new":
                    self.correct("PUT", f"/faces/{face.id}/person", json={"name": "Bea"})

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        if self.said:
            self.ask("POST", f"/people/corrections/{data.draw(st.sampled_from(self.said), label='said')}/undo")

    # ---- the law

    @invariant()
    def the_copy_is_what_the_lists_show(self) -> None:
        assert_same(self.steady.catch_up(limit=40), lists(self.http, self.ada.headers))

    @rule(limit=st.integers(1, 6))
    def read_a_page(self, limit: int) -> None:
        self.slow.turn(limit=limit)

    def teardown(self) -> None:
        """Also for whoever read page by page meanwhile, and for whoever begins now."""
        if hasattr(self, "http"):
            wanted = lists(self.http, self.ada.headers)
            assert_same(self.slow.catch_up(limit=3), wanted)
            assert_same(Mirror(self.http, self.ada.headers).catch_up(), wanted)

    # ---- how

    said: list[str]
    deleted: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.said = []
        self.deleted = []

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """What contradicts what is there is refused, and changes nothing."""
        answer = self.http.request(method, path, headers=self.ada.headers, **body)
        assert answer.is_success or answer.status_code in {404, 409, 422}, answer.text
        return answer.json() if answer.is_success and answer.content else {}

    def correct(self, method: str, path: str, **body: Any) -> None:
        done = self.ask(method, path, **body)
        self.said += [one for one in [done.get("correction_id"), *done.get("correction_ids", [])] if one]

    def change(self, act: Any) -> None:
        with db.transaction(self.ada.user_id) as conn:
            act(conn, users.next_revision(conn))
            rebuilds.want(conn)

    def some(self, data: st.DataObject, which: str, *, most: int = 1) -> list[UUID]:
        found = [row[0] for row in table(self.ada.user_id, f"SELECT id FROM images WHERE {which} ORDER BY id")]
        if not found:
            return []
        first = data.draw(st.integers(0, len(found) - 1), label="first")
        return found[first : first + data.draw(st.integers(1, most), label="count")]

    def one(self, data: st.DataObject, kind: str, which: Any = lambda row: True) -> str | None:
        found = sorted(id_ for id_, row in self.steady.rows.items() if row["is"] == kind and which(row))
        return found[data.draw(st.integers(0, len(found) - 1), label=kind)] if found else None


def assert_same(copy: Rows, wanted: Rows) -> None:
    assert copy == wanted, {
        id_: (copy.get(id_), wanted.get(id_)) for id_ in copy.keys() | wanted.keys() if copy.get(id_) != wanted.get(id_)
    }


def test_over_any_history(vault: Path) -> None:
    run_state_machine_as_test(
        Syncing,
        settings=settings(
            max_examples=6,
            stateful_step_count=20,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
