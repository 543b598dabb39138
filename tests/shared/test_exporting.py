"""An export from beginning to end against the API: what is in the zip is what is in the vault."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, add_photo, build, face_of, value, who_is_in
from tests.vaults import Somebody, client, somebody

from photovault import (
    album_order,
    archive,
    blobs,
    db,
    exporting,
    exports,
    failpoints,
    images,
    keyring,
    sealing,
    storage,
    users,
)
from photovault import albums as albums_table
from photovault import vault as sealed_vault
from photovault.api import albums, auth, delivery, people
from photovault.api import exports as exports_api
from photovault.client import Client
from photovault.errors import Conflict, TooLarge, Unauthenticated, Unavailable
from photovault.settings import get_settings

pytestmark = pytest.mark.usefixtures("vault", "sent")

JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    routers = [module.router for module in (albums, auth, delivery, exports_api, people)]
    with client(routers) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "photos.zip"


def keep(who: Somebody, data: bytes, *, motion: bytes | None = None, **columns: Any) -> UUID:
    """A photo of these bytes, sealed."""
    columns = {"sha256": hashlib.sha256(data).digest(), "bytes": len(data)} | columns
    image_id = add_photo(who.user_id, **columns)
    with db.transaction(who.user_id) as conn:
        image = images.get(conn, image_id)
        assert image
        key = keyring.content_key_of(conn, image)
        contents = {"original": (data, "image/jpeg")} | ({"motion": (motion, "video/mp4")} if motion else {})
        blobs.add(
            conn,
            [
                sealed_vault.store(
                    content, content_key=key, user_id=who.user_id, image_id=image_id, name=name, content_type=kind
                )
                for name, (content, kind) in contents.items()
            ],
        )
    return image_id


@dataclass
class Asking:
    """Somebody's client, which counts what it asks and may be told to do something before a request."""

    who: Somebody
    made: Client
    asked: list[str]
    before: Any = None


@pytest.fixture
def ask(http: TestClient, ada: Somebody) -> Asking:
    return asking(http, ada)


def asking(http: TestClient, who: Somebody) -> Asking:
    import httpx

    class Counting(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            found.asked.append(f"{request.method} {request.url.path}")
            if found.before:
                found.before(request)
            return http._transport.handle_request(request)

    made = Client("http://testserver", transport=Counting(), sleep=lambda _: None)
    found = Asking(who, made, [])
    made.use_token(who.access_token)
    return found


def export(
    ask: Asking, target: Path, *, motion_bytes: int = 0, fresh: bool = False
) -> tuple[exporting.Outcome, list[exporting.Event]]:
    """Run it; what it tells of its bytes adds up."""
    told: list[exporting.Event] = []
    outcome = exporting.run(ask.made, target, fresh=fresh, tell=told.append)
    (begun,) = [event for event in told if isinstance(event, exporting.Begun)]
    came = sum(event.bytes for event in told if isinstance(event, exporting.Advanced))
    assert came == outcome.bytes - begun.done_bytes + motion_bytes
    return outcome, told


def contents(target: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(target) as read:
        assert read.testzip() is None
        return {name: read.read(name) for name in read.namelist()}


def photos(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if name.startswith("photos/") and not name.endswith(".json")}


def sums(found: dict[str, bytes]) -> dict[str, str]:
    """SHA-256 by name, as SHA256SUMS.txt has them."""
    lines = found["SHA256SUMS.txt"].decode().splitlines()
    return {line[66:]: line[:64] for line in lines}


def described(found: dict[str, bytes], name: str) -> Any:
    return json.loads(found[name])


def test_an_album_that_was_put_in_order_keeps_it(ask: Asking, target: Path, http: TestClient, ada: Somebody) -> None:
    kept = [keep(ada, JPEG + str(n).encode(), filename=f"IMG_{n}.jpg") for n in range(3)]
    body = {"title": "Mine", "image_ids": [str(photo) for photo in kept]}
    made = http.post("/albums/manual", json=body, headers=ada.headers).json()
    by_hand = [kept[n] for n in (1, 2, 0)]
    with db.transaction(ada.user_id) as conn:
        album = albums_table.get(conn, UUID(made["id"]))
        assert album
        album_order.move(conn, album, by_hand, "start", revision=users.next_revision(conn))
    export(ask, target)
    document = described(contents(target), "albums/Mine.json")
    assert [path.rpartition("/")[2] for path in document["photos"]] == ["IMG_1.jpg", "IMG_2.jpg", "IMG_0.jpg"]
    assert document["sort"] == "manual"


def test_everything_is_in_the_zip(ask: Asking, target: Path, http: TestClient, ada: Somebody) -> None:
    first = keep(ada, JPEG + b"1", filename="IMG_1.jpg", caption="On the roof", faces=[face_of(1)], where=LISBON)
    second = keep(ada, JPEG + b"2", filename="IMG_1.JPG", faces=[face_of(1, 1)], motion=b"moving")
    keep(ada, JPEG + b"3", filename="scan", taken_source="upload", faces=[face_of(1, 2)], archived=False)
    keep(ada, b"no photo", filename="broken.jpg", status="rejected", reason="It is damaged.")
    build(ada.user_id)
    (person,) = who_is_in(ada.user_id, [first])
    http.patch(f"/people/{person}", json={"name": "Grace"}, headers=ada.headers)
    for title in ("Best of / 2025", "best of ? 2025"):
        body = {"title": title, "description": "Mine", "image_ids": [str(second), str(first)]}
        http.post("/albums/manual", json=body, headers=ada.headers)
    outcome, told = export(ask, target, motion_bytes=len(b"moving"))
    assert (outcome.photos, outcome.left_out) == (4, ())
    found = contents(target)
    may = "photos/2025/2025-05 (May)"
    assert photos(found) == {
        f"{may}/IMG_1.jpg": JPEG + b"1",
        f"{may}/IMG_1 (2).JPG": JPEG + b"2",
        f"{may}/IMG_1 (2).JPG.motion.mp4": b"moving",
        "photos/undated/scan.jpg": JPEG + b"3",
        f"{may}/broken.jpg": b"no photo",
    }
    sidecar = described(found, f"{may}/IMG_1.jpg.json")
    assert (sidecar["file"], sidecar["caption"], sidecar["sha256"]) == (
        "IMG_1.jpg",
        "On the roof",
        hashlib.sha256(JPEG + b"1").hexdigest(),
    )
    assert sidecar["location"]["place"]["city"] == "Lisbon"
    assert sidecar["people"][0]["name"] == "Grace"
    assert {"Best of / 2025", "best of ? 2025"} <= {album["title"] for album in sidecar["albums"]}
    assert all(album["file"] in found for album in sidecar["albums"])
    assert described(found, f"{may}/IMG_1 (2).JPG.json")["motion"] == "IMG_1 (2).JPG.motion.mp4"
    assert described(found, f"{may}/broken.jpg.json")["rejected_because"] == "It is damaged."
    album = described(found, "albums/Best of _ 2025.json")
    assert (album["title"], album["description"], album["photo_count"]) == ("Best of / 2025", "Mine", 2)
    assert album["photos"] == [f"{may}/IMG_1 (2).JPG", f"{may}/IMG_1.jpg"]
    assert album["cover"] is None or album["cover"] in found
    assert described(found, "albums/best of _ 2025 (2).json")["title"] == "best of ? 2025"
    assert {a["file"] for a in described(found, "albums.json")["albums"]} == {
        name for name in found if name.startswith("albums/")
    }
    (grace,) = described(found, "people.json")["people"]
    assert grace["name"] == "Grace"
    manifest = described(found, "manifest.json")
    assert (manifest["photos"], manifest["bytes"], manifest["left_out"]) == (4, 23, [])
    assert manifest["server"] == "http://testserver"
    assert {name: hashlib.sha256(found[name]).hexdigest() for name in sums(found)} == sums(found)
    assert len(sums(found)) == 4
    assert "errors.txt" not in found
    assert b"photos/undated" in found["README.txt"]
    assert next(event.path for event in told if isinstance(event, exporting.Added)) == f"{may}/IMG_1.jpg"
    assert value(ada.user_id, "SELECT count(*) FROM exports") == 0, "the export is not needed any more"
    assert [path.name for path in target.parent.iterdir()] == ["photos.zip"]


def test_an_empty_vault_is_an_export_too(ask: Asking, target: Path) -> None:
    outcome, _ = export(ask, target)
    assert outcome == exporting.Outcome(0, 0, ())
    assert described(contents(target), "manifest.json")["photos"] == 0


NAMES = ["\u202egpj.\x00exe", "a/b/../c.jpg", "CON.jpg", "ä" * 300, "👨‍👩‍👧.jpg", "...", " ", "IMG.jpg", "img.JPG",
         "IMG.jpg.json", "\ud83d.jpg".encode("utf-16", "surrogatepass").decode("utf-16", "replace")]  # fmt: skip


def test_names_and_titles_of_any_kind(ask: Asking, target: Path, ada: Somebody, http: TestClient) -> None:
    kept = {
        keep(ada, name.encode() + bytes([n]), filename=name.replace("\x00", "")): name.encode() + bytes([n])
        for n, name in enumerate(NAMES)
    }
    for name in NAMES:
        title = name.replace("\x00", "").strip()[:200] or "x"
        made = http.post(
            "/albums/manual", json={"title": title, "image_ids": [str(next(iter(kept)))]}, headers=ada.headers
        )
        assert made.status_code == 201, made.text
    export(ask, target)
    found = contents(target)
    assert sorted(found[name] for name in sums(found)) == sorted(kept.values())
    assert len({name.casefold() for name in found}) == len(found)
    assert len(described(found, "albums.json")["albums"]) == len(NAMES)
    for name in found:
        assert not re.search(r'[\\:*?"<>|\x00-\x1f\u202a-\u202e]|(^|/)\.\.?(/|$)|//|^/', name), name
    shutil.unpack_archive(target, target.parent / "unpacked")


# ------------------------------------------------------------------------------------------------------- going on


class Killed(BaseException):
    """The process is gone."""


PHOTOS = {f"IMG_{n}.jpg": JPEG + bytes([n]) * (n * 1000) for n in range(7)}


def fill(who: Somebody) -> None:
    for name, data in PHOTOS.items():
        keep(who, data, filename=name)


@pytest.mark.parametrize(
    "killed_at",
    [(point, times) for point in ("archive.written", "archive.noted") for times in (1, 2, 5, 8, 10, 12)],
    ids=lambda at: f"{at[0]}-{at[1]}",
)
def test_killed_at_any_step_it_goes_on(
    ask: Asking, target: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch, killed_at: tuple[str, int]
) -> None:
    point, times = killed_at
    monkeypatch.setattr(exporting, "PAGE", 3)
    fill(ada)
    reached = 0

    def reach(name: str) -> None:
        nonlocal reached
        reached += name == point
        if reached == times:
            raise Killed

    monkeypatch.setattr(failpoints, "reach", reach)
    with pytest.raises(Killed):
        export(ask, target)
    assert not target.exists()
    monkeypatch.setattr(failpoints, "reach", lambda _: None)
    _, told = export(ask, target)
    begun = told[0]
    assert isinstance(begun, exporting.Begun)
    added = [event for event in told if isinstance(event, exporting.Added)]
    assert begun.done_photos + len(added) == len(PHOTOS)
    assert begun.done_photos >= min(7, max(0, times - 4))
    found = contents(target)
    assert {name.rpartition("/")[2]: data for name, data in photos(found).items()} == PHOTOS
    assert described(found, "manifest.json")["photos"] == len(PHOTOS)
    assert value(ada.user_id, "SELECT count(*) FROM activity WHERE kind = 'export-made'") == 1


@pytest.mark.parametrize("request_number", range(1, 14))
def test_interrupted_at_any_request_it_goes_on(
    ask: Asking, target: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch, request_number: int
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 3)
    fill(ada)
    ask.asked.clear()

    def interrupt(_: Any) -> None:
        if len(ask.asked) == request_number:
            raise KeyboardInterrupt

    ask.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        export(ask, target)
    ask.before = None
    export(ask, target)
    assert sorted(photos(contents(target)).values()) == sorted(PHOTOS.values())


def begin(ask: Asking, target: Path, ada: Somebody) -> None:
    """An export that stopped after its second photo."""
    fill(ada)
    added = 0

    def stop(event: exporting.Event) -> None:
        nonlocal added
        added += isinstance(event, exporting.Added)
        if added == 2:
            raise Killed

    with pytest.raises(Killed):
        exporting.run(ask.made, target, tell=stop)
    assert archive.is_begun(target)


def test_what_was_uploaded_or_thrown_away_meanwhile_does_not_shift_it(ask: Asking, target: Path, ada: Somebody) -> None:
    begin(ask, target, ada)
    keep(ada, b"new", filename="new.jpg")
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE images SET deleted_at = now() WHERE filename = 'IMG_4.jpg'")
        conn.execute("DELETE FROM images WHERE filename IN ('IMG_0.jpg', 'IMG_5.jpg')")
    _, told = export(ask, target)
    names = {name.rpartition("/")[2] for name in photos(contents(target))}
    assert names == PHOTOS.keys() - {"IMG_4.jpg", "IMG_5.jpg"}, "what was exported before stays in the zip"
    assert isinstance(told[0], exporting.Begun)
    assert told[0].done_photos == 2


def test_a_zip_that_is_there_is_never_touched(ask: Asking, target: Path) -> None:
    target.write_text("somebody's")
    for fresh in (False, True):
        with pytest.raises(Conflict):
            exporting.run(ask.made, target, fresh=fresh, tell=lambda _: None)
    assert target.read_text() == "somebody's"


def test_an_export_that_is_gone_is_told_and_can_be_started_over(ask: Asking, target: Path, ada: Somebody) -> None:
    begin(ask, target, ada)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE exports SET created_at = now() - interval '31 days'")
    with pytest.raises(Conflict, match="--fresh"):
        export(ask, target)
    outcome, _ = export(ask, target, fresh=True)
    assert outcome.photos == len(PHOTOS)


def test_somebody_elses_or_another_servers_is_not_gone_on_with(
    ask: Asking, target: Path, ada: Somebody, http: TestClient
) -> None:
    begin(ask, target, ada)
    with pytest.raises(Conflict, match=r"another person.*--fresh"):
        export(asking(http, somebody()), target)
    ask.made.server = "http://elsewhere"
    with pytest.raises(Conflict, match=r"http://testserver, not http://elsewhere.*--fresh"):
        export(ask, target)


# ------------------------------------------------------------------------------------------------- what goes wrong


def stored(ada: Somebody, image_id: UUID) -> Path:
    """The file that holds the sealed original."""
    with db.transaction(ada.user_id) as conn:
        blob = blobs.get(conn, image_id, "original")
    assert blob
    return Path(get_settings().require("storage_root")) / blob.key


def flip(path: Path) -> None:
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", ["flipped", "lost", "no-row", "other-bytes", "swapped"])
def test_a_photo_that_is_not_what_it_was_is_left_out_and_named(
    ask: Asking, target: Path, ada: Somebody, harm: str
) -> None:
    good = keep(ada, b"good one", filename="good.jpg")
    columns = {"sha256": bytes(32)} if harm == "other-bytes" else {}
    bad = keep(ada, b"bad one!", filename="bad\n.jpg", **columns)
    keep(ada, b"last one", filename="last.jpg")
    if harm == "flipped":
        flip(stored(ada, bad))
    elif harm == "lost":
        stored(ada, bad).unlink()
    elif harm == "swapped":
        stored(ada, bad).chmod(0o600)
        stored(ada, bad).write_bytes(stored(ada, good).read_bytes())
    elif harm == "no-row":
        with db.transaction(ada.user_id) as conn:
            conn.execute("DELETE FROM blobs WHERE image_id = %s", [bad])
    outcome, told = export(ask, target)
    (left_out,) = outcome.left_out
    assert (left_out.id, left_out.filename, outcome.photos) == (str(bad), "bad\n.jpg", 2)
    assert left_out in told
    found = contents(target)
    assert sorted(photos(found).values()) == [b"good one", b"last one"]
    assert not any("bad" in name for name in found)
    (line,) = found["errors.txt"].decode().splitlines()
    assert line == f"bad .jpg ({bad}): {left_out.why}"
    assert described(found, "manifest.json")["left_out"][0]["why"] == left_out.why


def test_a_blob_that_moved_meanwhile_is_found_with_a_fresh_ticket(ask: Asking, target: Path, ada: Somebody) -> None:
    image_id = keep(ada, b"moving house", filename="a.jpg")
    moved = False

    def move(request: Any) -> None:
        nonlocal moved
        if "/blobs/" in request.url.path and not moved:
            moved = True
            with db.transaction(ada.user_id) as conn:
                conn.execute("UPDATE blobs SET key = %s WHERE image_id = %s", ["ab/" + "c" * 38, image_id])
            old = storage.driver("local").get("/".join(request.url.path.split("/")[2:]))
            storage.driver("local").put("ab/" + "c" * 38, old, size=len(old))
            storage.driver("local").delete("/".join(request.url.path.split("/")[2:]))

    ask.before = move
    outcome, _ = export(ask, target)
    assert (outcome.photos, outcome.left_out) == (1, ())
    assert moved


def test_tickets_that_are_about_to_expire_are_asked_for_again(
    ask: Asking, target: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ada)
    listed = exporting._is_stale
    stale = iter([False, False, True, False, False, False, False])
    monkeypatch.setattr(exporting, "_is_stale", lambda photo: listed(photo) or next(stale))
    ask.asked.clear()
    export(ask, target)
    pages = [asked for asked in ask.asked if asked.endswith("/images")]
    assert len(pages) == 2
    assert sorted(photos(contents(target)).values()) == sorted(PHOTOS.values())


def test_a_storage_that_refuses_fresh_tickets_stops_it_and_nothing_is_called_lost(
    ask: Asking, target: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ada)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "verify_local_url", lambda *_: (_ for _ in ()).throw(Unauthenticated()))
        with pytest.raises(Unavailable):
            export(ask, target)
    outcome, _ = export(ask, target)
    assert (outcome.photos, outcome.left_out) == (len(PHOTOS), ())


def test_a_full_disk_stops_it_and_it_goes_on_with_more_room(
    ask: Asking, target: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ada)
    write, left = archive._write_all, 12_000

    def limited(file: Any, data: bytes) -> None:
        nonlocal left
        left -= len(data)
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(archive, "_write_all", limited)
        with pytest.raises(OSError, match="No space"):
            export(ask, target)
    outcome, told = export(ask, target)
    assert isinstance(told[0], exporting.Begun)
    assert 0 < told[0].done_photos < len(PHOTOS) == outcome.photos


def test_a_disk_without_room_is_told_before_the_work(
    ask: Asking, target: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ada)
    usage = shutil.disk_usage(target.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(TooLarge, match="Make room"):
        export(ask, target)
    monkeypatch.undo()
    assert export(ask, target)[0].photos == len(PHOTOS)


def test_a_large_original_is_never_in_memory_as_a_whole(
    ask: Asking, target: Path, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * (40 * 1024 * 4)  # 40 MiB
    keep(ada, data, filename="large.jpg")
    largest = 0
    write = archive._write_all

    def measured(file: Any, data: bytes) -> None:
        nonlocal largest
        largest = max(largest, len(data))
        write(file, data)

    monkeypatch.setattr(archive, "_write_all", measured)
    export(ask, target)
    assert photos(contents(target)) == {"photos/2025/2025-05 (May)/large.jpg": data}
    assert largest <= sealing.CHUNK_SIZE


def test_the_waiting_and_the_thrown_away_are_told(ask: Asking, target: Path, ada: Somebody) -> None:
    keep(ada, b"here")
    trashed = keep(ada, b"gone")
    add_photo(ada.user_id, status="pending", sealed_at=None)
    with db.transaction(ada.user_id) as conn:
        images.move_to_trash(conn, trashed, revision=users.next_revision(conn))
    outcome, told = export(ask, target)
    assert outcome.photos == 1
    assert told[0] == exporting.Begun(photos=1, bytes=4, done_photos=0, done_bytes=0, waiting=1, in_trash=1)
    assert exports.LIFETIME.days == 30
