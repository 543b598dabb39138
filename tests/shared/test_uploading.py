"""Uploading, against the real API and a storage that can be made to fail: what is asked, what is read, what arrives."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.pictures import encode, paint
from tests.vaults import Somebody, somebody
from tests.vaults import client as api_client

from photovault import photo_files, uploading, zips
from photovault.api import auth, health, images
from photovault.api.album_photos import router as album_photos_router
from photovault.api.albums import router as albums_router
from photovault.client import Client
from photovault.errors import Forbidden, Unauthenticated, Unavailable
from photovault.hash_cache import HashCache
from photovault.uploading import Advanced, Event, Item, Read, Result, Stopped, Uploader, Wanted

PHOTO = encode(paint(1, (32, 24)), format="JPEG")
S3 = "127.0.0.1:9"
Answer = Callable[[httpx.Request], httpx.Response | Exception | None]


@dataclass
class Cloud(httpx.BaseTransport):
    """The API as it is, and a staging bucket in memory. ``storage`` and ``server`` may answer first."""

    api: httpx.BaseTransport
    requests: Counter[str] = field(default_factory=Counter)
    staged: dict[str, bytes] = field(default_factory=dict)
    posts: int = 0
    storage: Answer = lambda _: None
    server: Answer = lambda _: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.netloc.decode() == S3:
            return self._post(request)
        with self.lock:
            self.requests[f"{request.method} {re.sub('[0-9a-f-]{36}', '*', request.url.path)}"] += 1
            answer = self.server(request)
        if isinstance(answer, Exception):
            raise answer
        return answer or self.api.handle_request(request)

    def _post(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        assert len(body) == int(request.headers["content-length"])
        assert "authorization" not in request.headers
        with self.lock:
            self.posts += 1
            answer = self.storage(request)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        fields, data = _form(request.headers["content-type"], body)
        policy = json.loads(base64.b64decode(fields["policy"]))
        (size,) = [one[1] for one in policy["conditions"] if isinstance(one, list) and one[0] == "content-length-range"]
        if len(data) != size:
            return s3_error(400, "EntityTooSmall")
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        if fields.get("x-amz-checksum-sha256", digest) != digest:
            return s3_error(400, "XAmzContentChecksumMismatch")
        with self.lock:
            self.staged[fields["key"]] = data
        return httpx.Response(204)


def _form(content_type: str, body: bytes) -> tuple[dict[str, str], bytes]:
    boundary = b"--" + content_type.partition("boundary=")[2].encode()
    fields: dict[str, str] = {}
    data = b""
    for part in body.split(boundary + b"\r\n")[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        assert name is not None
        if name[1] == b"file":
            data = content[: content.index(b"\r\n" + boundary + b"--")]
        else:
            fields[name[1].decode()] = content.removesuffix(b"\r\n").decode()
    return fields, data


def s3_error(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, text=f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>")


def problem(status: int, kind: str, detail: str = "Said so.") -> httpx.Response:
    return httpx.Response(status, json={"type": f"https://photovault.dev/problems/{kind}", "detail": detail})


def first(*answers: Any) -> Answer:
    """These answers in turn, then none."""
    left = list(answers)
    return lambda _: left.pop(0) if left else None


@dataclass
class Desk:
    """Somebody's computer: files, a cache of hashes, and what was told."""

    who: Somebody
    cloud: Cloud
    folder: Path
    database_url: str
    events: list[Event] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def write(self, count: int, *, start: int = 0, folder: str = "photos") -> dict[str, bytes]:
        made = {f"IMG_{n:04}.jpg": PHOTO + os.urandom(64) for n in range(start, start + count)}
        (self.folder / folder).mkdir(exist_ok=True)
        for name, data in made.items():
            (self.folder / folder / name).write_bytes(data)
        return made

    def upload(
        self,
        *,
        found: Iterable[photo_files.Found | photo_files.PassedOver] | None = None,
        albums: Sequence[str] = (),
        tell: Callable[[Event], None] | None = None,
        **settings: Any,
    ) -> Uploader:
        self.events.clear()
        self.opened.clear()
        self.cloud.requests.clear()
        if found is None:
            found = photo_files.find([self.folder / "photos"])
        items = [Item.of(each, albums=tuple(albums)) for each in found if isinstance(each, photo_files.Found)]

        def heard(event: Event) -> None:
            self.events.append(event)
            if tell:
                tell(event)

        with (
            Client("http://testserver", transport=self.cloud, sleep=lambda _: None) as client,
            HashCache(self.folder / "hashes.sqlite", clock=lambda: 2**62) as cache,
        ):
            client.use_token(self.who.access_token)
            self.cloud.requests.clear()
            uploader = Uploader(client, cache, tell=heard, stop=self.stop, **settings)
            uploader.run(items)
        return uploader

    @property
    def results(self) -> dict[str, Result]:
        return {each.item.filename: each for each in self.events if isinstance(each, Result)}

    def arrive(self) -> None:
        """What vision does first with all that is staged, as far as an upload can see it."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute(
                "UPDATE images SET sealed_at = now(), status = 'ready' WHERE id = ANY(%s::uuid[])",
                [[key.rpartition("/")[2] for key in self.cloud.staged]],
            )

    def rows(self) -> int:
        with psycopg.connect(self.database_url) as conn:
            found = conn.execute("SELECT count(*) FROM images WHERE user_id = %s", [self.who.user_id]).fetchone()
        return int(found[0]) if found else 0


@pytest.fixture
def desk(vault: Path, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    routers = [images.router, albums_router, album_photos_router, auth.router, health.router]
    with api_client(routers) as api:
        made = Desk(somebody(), Cloud(api._transport), tmp_path, database_url)
        really = photo_files.opened

        def opened(path: Path, stamp: photo_files.Stamp, *member: Any) -> Any:
            made.opened[path.name] += 1
            return really(path, stamp, *member)

        monkeypatch.setattr(photo_files, "opened", opened)
        yield made


def contents(desk: Desk) -> set[bytes]:
    return set(desk.cloud.staged.values())


# -------------------------------------------------------------------------------------------------- what is asked


def test_everything_arrives_and_is_asked_for_in_bulk(desk: Desk) -> None:
    made = desk.write(250)
    uploader = desk.upload()
    assert uploader.counts == {"uploaded": 250}
    assert contents(desk) == set(made.values())
    assert desk.cloud.requests == {"POST /images/uploads/check": 1, "POST /images/uploads": 3, "GET /health": 1}
    assert sum(each.bytes for each in desk.events if isinstance(each, Advanced)) == uploader.uploaded_bytes
    assert sum(each.bytes for each in desk.events if isinstance(each, Wanted)) == uploader.uploaded_bytes
    assert sum(each.files for each in desk.events if isinstance(each, Read)) == 250


def test_again_the_server_is_asked_once_per_thousand_and_no_file_is_opened(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(45)
    monkeypatch.setattr(uploading, "LOT", 20)
    desk.upload()
    desk.arrive()
    assert desk.upload().counts == {"duplicate": 45}
    assert desk.cloud.requests == {"POST /images/uploads/check": 3}
    assert not desk.opened
    monkeypatch.setattr(uploading, "LOT", 1000)
    desk.upload()
    assert desk.cloud.requests == {"POST /images/uploads/check": 1}


def test_only_what_changed_is_read_again(desk: Desk) -> None:
    desk.write(5)
    desk.upload()
    desk.arrive()
    (desk.folder / "photos" / "IMG_0003.jpg").write_bytes(PHOTO + b"edited")
    assert desk.upload().counts == {"duplicate": 4, "uploaded": 1}
    assert desk.opened == {"IMG_0003.jpg": 2}, "to hash it, and to send it"


def test_a_dry_run_sends_nothing(desk: Desk) -> None:
    desk.write(3)
    assert desk.upload(dry_run=True, albums=["Trip"]).counts == {"new": 3}
    assert (desk.cloud.posts, desk.rows()) == (0, 0)
    assert desk.cloud.requests == {"POST /images/uploads/check": 1}


def test_the_same_bytes_under_two_names_go_up_once(desk: Desk) -> None:
    desk.write(2)
    photos = desk.folder / "photos"
    (photos / "copy.jpg").write_bytes((photos / "IMG_0000.jpg").read_bytes())
    assert desk.upload().counts == {"uploaded": 2, "duplicate": 1}
    assert (desk.cloud.posts, desk.rows()) == (2, 2)
    assert len({result.image_id for result in desk.results.values()}) == 2


def test_photos_come_into_an_album_that_is_made_once(desk: Desk) -> None:
    desk.write(3)
    desk.upload(albums=["  The   trip "])
    desk.arrive()
    desk.write(1, start=10)
    desk.upload(albums=["The trip"])
    assert desk.cloud.requests["POST /albums/manual"] == 0
    with api_client([albums_router]) as api:
        (album,) = api.get("/albums/?kind=manual", headers=desk.who.headers).json()["items"]
    assert (album["title"], album["image_count"]) == ("The trip", 4)


def test_two_runs_at_once_make_one_album(desk: Desk) -> None:
    none = httpx.Response(200, json={"items": [], "next_cursor": None})
    desk.cloud.server = lambda request: (
        none if request.url.path == "/albums/" else None
    )  # both asked before it was made
    desk.write(1)
    desk.upload(albums=["Été"])
    desk.write(1, start=10)
    desk.upload(albums=[unicodedata.normalize("NFD", "Été")])
    with api_client([albums_router]) as api:
        (album,) = api.get("/albums/?kind=manual", headers=desk.who.headers).json()["items"]
        assert (album["title"], album["image_count"]) == ("Été", 2)
        api.patch(f"/albums/{album['id']}", headers=desk.who.headers, json={"title": "Summer"})
        desk.upload(albums=["Été"])
        albums = api.get("/albums/?kind=manual", headers=desk.who.headers).json()["items"]
    assert sorted(each["title"] for each in albums) == ["Summer", "Été"], (
        "one that is called otherwise by now is another"
    )


def test_an_album_that_was_deleted_is_made_again(desk: Desk) -> None:
    desk.write(1)
    desk.upload(albums=["The trip"])
    with api_client([albums_router]) as api:
        (album,) = api.get("/albums/?kind=manual", headers=desk.who.headers).json()["items"]
        assert api.delete(f"/albums/{album['id']}", headers=desk.who.headers).status_code < 300
        assert desk.upload(albums=["The trip"]).troubles == []
        (again,) = api.get("/albums/?kind=manual", headers=desk.who.headers).json()["items"]
    assert again["id"] != album["id"]


def test_an_album_that_the_vault_refuses_keeps_no_photo_out(desk: Desk) -> None:
    desk.write(2)
    uploader = desk.upload(albums=["\x07"])
    assert uploader.counts == {"uploaded": 2}
    (trouble,) = uploader.troubles
    assert "Title" in trouble


# ------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    "trouble",
    [httpx.ConnectError("no"), httpx.WriteError("broken"), httpx.ReadTimeout("slow"), s3_error(503, "SlowDown"),
     s3_error(500, "InternalError"), s3_error(400, "RequestTimeout"), httpx.Response(429)],
    ids=["connect", "write", "read", "slow down", "500", "timeout", "429"],
)  # fmt: skip
def test_what_passes_is_tried_again(desk: Desk, trouble: Any) -> None:
    made = desk.write(3)
    desk.cloud.storage = first(trouble, trouble)
    uploader = desk.upload()
    assert uploader.counts == {"uploaded": 3}
    assert contents(desk) == set(made.values())
    assert desk.cloud.posts == 5
    assert sum(each.bytes for each in desk.events if isinstance(each, Advanced)) == uploader.uploaded_bytes


def test_a_form_that_expired_is_asked_for_anew(desk: Desk) -> None:
    desk.write(2)
    desk.cloud.storage = first(s3_error(403, "AccessDenied"))
    assert desk.upload(jobs=1).counts == {"uploaded": 2}
    assert desk.cloud.requests["POST /images/uploads"] == 2
    assert desk.rows() == 2


def test_forms_are_asked_for_anew_before_they_expire(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(4)
    monkeypatch.setattr(uploading, "FRESH_SECONDS", -1.0)
    assert desk.upload(jobs=1).counts == {"uploaded": 4}
    assert desk.cloud.requests["POST /images/uploads"] == 4
    assert desk.rows() == 4


def test_a_clock_that_is_wrong_is_told_and_others_go_on(desk: Desk) -> None:
    desk.write(2)
    desk.cloud.storage = first(*[s3_error(403, "RequestTimeTooSkewed")] * uploading.TRIES)
    uploader = desk.upload(jobs=1)
    assert uploader.counts == {"uploaded": 1, "failed": 1}
    assert "clock" in desk.results["IMG_0000.jpg"].why


def test_when_nothing_gets_through_it_ends_before_every_file_was_tried(desk: Desk) -> None:
    desk.write(40)
    desk.cloud.storage = lambda _: httpx.ConnectError("no route")
    with pytest.raises(Unavailable, match="cannot be reached"):
        desk.upload(jobs=2)
    assert desk.cloud.posts <= 6 * 12


def test_a_session_that_ends_stops_the_run_and_the_next_one_goes_on(desk: Desk) -> None:
    desk.write(250)
    calls = 0

    def second_announcement(request: httpx.Request) -> httpx.Response | None:
        nonlocal calls
        calls += request.url.path == "/images/uploads"
        return problem(401, "unauthenticated") if calls >= 2 else None

    desk.cloud.server = second_announcement
    with pytest.raises(Unauthenticated):
        desk.upload(jobs=2)
    arrived = len(desk.cloud.staged)
    assert 0 < arrived < 250
    desk.cloud.server = lambda _: None
    desk.arrive()
    desk.upload()
    assert len(desk.cloud.staged) == 250
    assert desk.rows() == 250


def test_a_key_that_may_not_upload_is_told_at_once(desk: Desk) -> None:
    desk.write(8)
    desk.cloud.server = lambda r: problem(403, "scope-missing") if r.url.path == "/images/uploads" else None
    with pytest.raises(Forbidden):
        desk.upload(jobs=1)
    assert desk.cloud.requests["POST /images/uploads"] == 1


def test_one_photo_that_is_refused_keeps_no_other_out(desk: Desk) -> None:
    desk.write(20)
    wrong = desk.folder / "photos" / "IMG_0007.jpg"

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/images/uploads":
            return None
        asked = json.loads(request.content)["items"]
        hit = any(item["filename"] == wrong.name for item in asked)
        return problem(415, "unsupported-type", "Not this one.") if hit else None

    desk.cloud.server = refuse
    assert desk.upload().counts == {"uploaded": 19, "failed": 1}
    assert desk.results[wrong.name].why.startswith("Not this one. ")
    assert desk.cloud.requests["POST /images/uploads"] < 12


def test_a_full_vault_takes_what_still_fits(desk: Desk) -> None:
    desk.write(10)
    large = desk.folder / "photos" / "IMG_0005.jpg"
    large.write_bytes(PHOTO + bytes(3_000_000))
    with psycopg.connect(desk.database_url, autocommit=True) as conn:
        conn.execute("UPDATE users SET quota_bytes = 1000000 WHERE id = %s", [desk.who.user_id])
    assert desk.upload().counts == {"uploaded": 9, "failed": 1}
    assert desk.results[large.name].why


# ------------------------------------------------------------------------------------------------- files that change


def test_a_file_that_changes_between_hash_and_upload_arrives_as_it_is(desk: Desk) -> None:
    desk.write(3)
    edited = desk.folder / "photos" / "IMG_0001.jpg"
    fresh = PHOTO + b"another end of the file"

    def edit(event: Event) -> None:
        if isinstance(event, Wanted) and event.bytes > 0 and edited.read_bytes() != fresh:
            edited.write_bytes(fresh)

    assert desk.upload(tell=edit).counts == {"uploaded": 3}
    assert fresh in contents(desk)


def test_the_copy_of_a_file_that_changed_goes_up_itself(desk: Desk) -> None:
    """What was read of the one that changed is nowhere but in its copy."""
    (before,) = desk.write(1).values()
    edited, fresh = desk.folder / "photos" / "IMG_0000.jpg", PHOTO + b"edited meanwhile"
    (desk.folder / "photos" / "copy.jpg").write_bytes(before)
    edited.rename(edited.with_name("a.jpg"))  # comes first
    edited = edited.with_name("a.jpg")

    def edit(event: Event) -> None:
        if isinstance(event, Wanted) and event.bytes > 0 and edited.read_bytes() != fresh:
            edited.write_bytes(fresh)

    assert desk.upload(tell=edit).counts == {"uploaded": 2}
    assert contents(desk) == {before, fresh}
    assert len({result.image_id for result in desk.results.values()}) == 2


def test_a_file_that_becomes_the_copy_of_another_is_told_as_one(desk: Desk) -> None:
    desk.write(2)
    first, second = (desk.folder / "photos" / name for name in ("IMG_0000.jpg", "IMG_0001.jpg"))

    def copy(event: Event) -> None:
        if isinstance(event, Result) and event.item.filename == first.name:
            second.write_bytes(first.read_bytes())

    assert desk.upload(jobs=1, tell=copy).counts == {"uploaded": 1, "duplicate": 1}
    assert desk.results[first.name].image_id == desk.results[second.name].image_id


def test_a_copy_goes_up_where_the_first_cannot_be_read(desk: Desk) -> None:
    (data,) = desk.write(1).values()
    first, copy = desk.folder / "photos" / "IMG_0000.jpg", desk.folder / "photos" / "copy.jpg"
    first.rename(first.with_name("a.jpg"))
    copy.write_bytes(data)

    def remove(event: Event) -> None:
        if isinstance(event, Wanted):
            first.with_name("a.jpg").unlink(missing_ok=True)

    assert desk.upload(tell=remove).counts == {"uploaded": 1, "failed": 1}
    assert contents(desk) == {data}


def test_bytes_that_change_without_a_trace_are_seen_by_the_storage(desk: Desk) -> None:
    made = desk.write(1)
    desk.upload(dry_run=True)
    path = desk.folder / "photos" / "IMG_0000.jpg"
    stamp = photo_files.Stamp.of(path.stat())
    with HashCache(desk.folder / "hashes.sqlite", clock=lambda: 2**62) as cache:
        cache.put(stamp, photo_files.Contents("image/jpeg", b"\x01" * 32))
    assert desk.upload().counts == {"uploaded": 1}
    assert contents(desk) == set(made.values())
    assert desk.results["IMG_0000.jpg"].image_id


def test_a_file_that_never_rests_is_told(desk: Desk) -> None:
    desk.write(2)
    path = desk.folder / "photos" / "IMG_0000.jpg"
    really = photo_files.read

    def restless(at: Path, stamp: photo_files.Stamp, *member: Any, **options: Any) -> photo_files.Contents:
        if at == path:
            with path.open("ab") as file:
                file.write(b"more")
        return really(at, stamp, *member, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photo_files, "read", restless)
        assert desk.upload().counts == {"uploaded": 1, "failed": 1}
    assert desk.results[path.name].why == uploading.CHANGING


def test_a_file_that_goes_away_is_told(desk: Desk) -> None:
    desk.write(2)
    gone = desk.folder / "photos" / "IMG_0000.jpg"
    assert desk.upload(tell=lambda event: gone.unlink(missing_ok=True)).counts["uploaded"] >= 1
    told = desk.results[gone.name]
    assert (told.state, told.why) in {("failed", "No such file or directory."), ("uploaded", "")}


# ----------------------------------------------------------------------------------------------------- the rest


def test_sealed_uploads_are_envelopes(desk: Desk) -> None:
    made = desk.write(2)
    assert desk.upload(sealed=True).counts == {"uploaded": 2}
    assert all(data.startswith(b"PVSEALED") for data in contents(desk))
    assert not any(data[40:] in staged for data in made.values() for staged in contents(desk))


def test_a_vault_that_wants_sealed_uploads_gets_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(1)
    desk.cloud.server = lambda r: (
        httpx.Response(200, json={"sealed_uploads": "required"}) if r.url.path == "/health" else None
    )
    assert desk.upload().counts == {"uploaded": 1}
    assert all(data.startswith(b"PVSEALED") for data in contents(desk))


def test_a_run_that_is_stopped_stops_and_can_be_gone_on_with(desk: Desk) -> None:
    desk.write(60)

    def stop_soon(event: Event) -> None:
        if isinstance(event, Result):
            desk.stop.set()

    with pytest.raises(Stopped):
        desk.upload(jobs=2, tell=stop_soon)
    assert 0 < len(desk.cloud.staged) < 60
    desk.stop.clear()
    desk.arrive()
    desk.upload()
    assert (len(desk.cloud.staged), desk.rows()) == (60, 60)


def test_memory_stays_small_whatever_the_size(desk: Desk) -> None:
    path = desk.folder / "photos" / "large.jpg"
    path.parent.mkdir()
    path.write_bytes(PHOTO + os.urandom(5 * photo_files.PIECE))
    stamp = photo_files.Stamp.of(path.stat())
    assert max(map(len, photo_files.pieces(path, stamp))) == photo_files.PIECE
    assert desk.upload().counts == {"uploaded": 1}
    assert contents(desk) == {path.read_bytes()}


# ---------------------------------------------------------------------------------------------------------- zips


@pytest.fixture
def archive(desk: Desk) -> Iterator[zips.Archive]:
    path = desk.folder / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zip_:
        for name, data in desk.write(30).items():
            zip_.writestr(f"x/{name}", data)
    opened = zips.Archive(path)
    yield opened
    opened.close()


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_photos_go_up_from_within_a_zip(desk: Desk, archive: zips.Archive, *, sealed: bool) -> None:
    uploader = desk.upload(found=zips.find(archive, "all.zip"), sealed=sealed)
    assert uploader.counts == {"uploaded": 30}
    if not sealed:
        there = {path.read_bytes() for path in (desk.folder / "photos").iterdir()}
        assert contents(desk) == there
    desk.arrive()
    desk.upload(found=zips.find(archive, "all.zip"))
    assert desk.upload(found=zips.find(archive, "all.zip")).counts == {"duplicate": 30}
    assert not desk.opened, "what was read before is not unpacked again"


def test_a_run_that_was_killed_goes_on_within_a_zip(desk: Desk, archive: zips.Archive) -> None:
    def kill(event: Event) -> None:
        if sum(isinstance(each, Result) for each in desk.events) == 5:
            desk.stop.set()

    with pytest.raises(Stopped):
        desk.upload(found=zips.find(archive, "all.zip"), tell=kill, jobs=1)
    assert 0 < len(desk.cloud.staged) < 30
    desk.arrive()
    desk.stop.clear()
    left = 30 - len(desk.cloud.staged)
    uploader = desk.upload(found=zips.find(archive, "all.zip"))
    assert uploader.counts == {"uploaded": left, "duplicate": 30 - left}
    assert len(desk.cloud.staged) == 30


def test_a_zip_that_becomes_another_meanwhile_is_told(desk: Desk, archive: zips.Archive) -> None:
    found = list(zips.find(archive, "all.zip"))
    archive.path.write_bytes(archive.path.read_bytes()[:-4000])
    desk.upload(found=found)
    assert {each.state for each in desk.results.values()} <= {"uploaded", "failed"}
    assert any(each.state == "failed" for each in desk.results.values())
