"""The two files of a Live Photo, in any order and by any way, are one photo; nothing is lost, or there twice."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.arranging import Sent, table, value
from tests.pictures import encode, paint
from tests.shared.test_motion import box, film, live_film, maker_note
from tests.staged import Bucket
from tests.vaults import Somebody, client, somebody

from photovault import blobs, db, failpoints, films, images, keyring, originals, staging, storage, uploads, vault
from photovault.api import exports, timeline, trash
from photovault.api import images as api_images
from photovault.errors import Unavailable
from photovault.pipeline import clearing, embedding, maintenance, vision
from photovault.pipeline.messages import PhotoMessage
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "bucket")

ORDERS = ("picture first", "film first")
_seeds = itertools.count(200)


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([trash.router, api_images.router, timeline.router, exports.router])


def identifier() -> str:
    return str(uuid4()).upper()


def picture(name: str, *, format: str = "HEIF") -> bytes:  # noqa: A002 - as in tests.pictures
    tags = Image.Exif()
    tags.get_ifd(0x8769)[0x927C] = maker_note(name)
    return encode(paint(next(_seeds), (64, 48)), format=format, exif=tags)


def announced(who: Somebody, data: bytes, filename: str) -> uploads.Answer:
    content_type = "video/quicktime" if filename.endswith("MOV") else "image/heic"
    file = uploads.Announcement(filename, content_type, len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [file], now=datetime.now(UTC))
    return answer


def uploaded(who: Somebody, bucket: Bucket, data: bytes, filename: str) -> PhotoMessage:
    answer = announced(who, data, filename)
    assert answer.state == "upload"
    bucket.post(who.user_id, answer.image_id, data)
    return PhotoMessage(who.user_id, answer.image_id)


def taken(who: Somebody, bucket: Bucket, data: bytes, filename: str) -> UUID:
    """An upload as both workers leave it."""
    message = uploaded(who, bucket, data, filename)
    vision.handle(message)
    embedding.handle(message)
    return message.image_id


def both(who: Somebody, bucket: Bucket, still: bytes, clip: bytes, order: str = ORDERS[0]) -> tuple[UUID, UUID]:
    """The ids of the picture and of the film."""
    if order == ORDERS[0]:
        return taken(who, bucket, still, "IMG_1234.HEIC"), taken(who, bucket, clip, "IMG_1234.MOV")
    film_id = taken(who, bucket, clip, "IMG_1234.MOV")
    return taken(who, bucket, still, "IMG_1234.HEIC"), film_id


def image(who: Somebody, image_id: UUID) -> images.Image | None:
    with db.transaction(who.user_id) as conn:
        return images.get(conn, image_id)


def moving(who: Somebody, image_id: UUID) -> tuple[bytes, str] | None:
    """The film of a picture and its type."""
    with db.transaction(who.user_id) as conn:
        row, blob = images.get(conn, image_id), blobs.get(conn, image_id, "motion")
        assert row is not None
        key = keyring.content_key_of(conn, row)
    return (vault.fetch(blob, content_key=key, user_id=who.user_id), blob.content_type) if blob else None


def waits(who: Somebody, film_id: UUID) -> bool:
    row = image(who, film_id)
    return row is not None and row.film and row.status == "pending"


def used(who: Somebody) -> tuple[int, int]:
    ((used, reserved),) = table(who.user_id, "SELECT used_bytes, reserved_bytes FROM users")
    return used, reserved


def get(api: TestClient, who: Somebody, path: str, **parameters: Any) -> Any:
    answer = api.get(path, headers=who.headers, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def assert_one_photo(who: Somebody, still: bytes, clip: bytes, *, picture_id: UUID, film_id: UUID) -> None:
    assert moving(who, picture_id) == (clip, "video/quicktime")
    assert originals.open(who.user_id, picture_id).data == still
    assert image(who, film_id) is None
    assert table(who.user_id, "SELECT status FROM images") == [("ready",)]
    assert used(who) == (len(still) + len(clip), 0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("format", ["HEIF", "JPEG"])
def test_the_film_becomes_the_moving_part_of_its_photo(
    ada: Somebody,
    bucket: Bucket,
    order: str,
    format: str,  # noqa: A002
) -> None:
    name = identifier()
    still, clip = picture(name, format=format), live_film(name.lower())
    picture_id, film_id = both(ada, bucket, still, clip, order)
    assert_one_photo(ada, still, clip, picture_id=picture_id, film_id=film_id)
    assert bucket.of(ada.user_id) == []


@pytest.mark.parametrize("order", ORDERS)
def test_a_photo_and_its_film_are_shown_as_one(api: TestClient, ada: Somebody, bucket: Bucket, order: str) -> None:
    name = identifier()
    still, clip = picture(name), live_film(name)
    picture_id, film_id = both(ada, bucket, still, clip, order)
    (listed,) = get(api, ada, "/images/list")["items"]
    assert (listed["id"], listed["status"], listed["bytes"]) == (str(picture_id), "ready", len(still))
    shown = get(api, ada, f"/images/{picture_id}")
    assert shown["tickets"]["motion"]["bytes"] == len(clip)
    assert shown["tickets"]["motion"]["content_type"] == "video/quicktime"
    asked_by_film = get(api, ada, f"/images/{film_id}")
    assert (asked_by_film["id"], asked_by_film["filename"]) == (str(picture_id), "IMG_1234.HEIC")


def test_a_film_that_waits_is_in_no_list_and_says_what_it_waits_for(
    api: TestClient, ada: Somebody, bucket: Bucket
) -> None:
    clip = live_film(identifier())
    film_id = taken(ada, bucket, clip, "IMG_1.MOV")
    assert get(api, ada, "/images/list")["items"] == []
    assert table(ada.user_id, "SELECT * FROM image_days") == []
    assert table(ada.user_id, "SELECT processing, ready, rejected, arranged FROM image_totals") == [(0, 0, 0, 0)]
    shown = get(api, ada, f"/images/{film_id}")
    assert (shown["status"], shown["reason"]) == ("pending", images.WAITING_FILM)
    again = announced(ada, clip, "another name.MOV")
    assert (again.image_id, again.state) == (film_id, "duplicate")
    assert used(ada) == (len(clip), 0)
    made = api.post("/exports", headers=ada.headers).json()  # it is the person's, so an export has it
    (exported,) = get(api, ada, f"/exports/{made['id']}/images")["items"]
    assert (exported["id"], list(exported["tickets"])) == (str(film_id), ["original"])


def test_an_export_of_a_live_photo_has_both_files(api: TestClient, ada: Somebody, bucket: Bucket) -> None:
    name = identifier()
    both(ada, bucket, picture(name), live_film(name))
    made = api.post("/exports", headers=ada.headers).json()
    (exported,) = get(api, ada, f"/exports/{made['id']}/images")["items"]
    assert set(exported["tickets"]) == {"original", "motion"}


def test_uploading_a_film_again_names_its_photo(api: TestClient, ada: Somebody, bucket: Bucket) -> None:
    name = identifier()
    clip = live_film(name)
    picture_id, _ = both(ada, bucket, picture(name), clip)

    def states() -> set[tuple[str, str]]:
        sha256 = hashlib.sha256(clip).hexdigest()
        (checked,) = api.post("/images/uploads/check", headers=ada.headers, json={"sha256": [sha256]}).json()["items"]
        answer = announced(ada, clip, "IMG_1234.MOV")
        return {(checked["image_id"], checked["state"]), (str(answer.image_id), answer.state)}

    assert states() == {(str(picture_id), "present"), (str(picture_id), "duplicate")}
    files = {"file": ("IMG_1234.MOV", clip, "video/quicktime")}
    sent = api.post("/images/upload", headers=ada.headers, files=files).json()
    assert (sent["image"]["id"], sent["duplicate"]) == (str(picture_id), True)
    api.delete(f"/images/{picture_id}", headers=ada.headers)
    assert states() == {(str(picture_id), "in_trash")}
    api.post(f"/images/{picture_id}/restore", headers=ada.headers)
    assert moving(ada, picture_id) == (clip, "video/quicktime")


def test_a_film_is_announced_by_its_type_and_taken_through_the_api(
    api: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged: list[bytes] = []
    monkeypatch.setattr(staging, "put", lambda user_id, image_id, data, **_: staged.append(data))
    clip = live_film(identifier())
    item = {"filename": "IMG_1.MOV", "size": len(clip), "sha256": hashlib.sha256(clip).hexdigest()}
    body = {"items": [item | {"content_type": "video/quicktime"}]}
    (answer,) = api.post("/images/uploads", headers=ada.headers, json=body).json()["items"]
    assert answer["post"]["fields"]["Content-Type"] == "video/quicktime"
    sent = api.post("/images/upload", headers=ada.headers, files={"file": ("IMG_1.MOV", clip)})
    assert sent.status_code == 202, sent.text
    assert sent.json()["image"]["content_type"] == "video/quicktime"
    assert len(staged) == 1


def test_a_film_that_names_no_photo_is_refused(api: TestClient, ada: Somebody, bucket: Bucket) -> None:
    refused = api.post("/images/upload", headers=ada.headers, files={"file": ("IMG_1.MOV", film(b"qt  "))})
    assert refused.status_code == 415
    assert "of films those of Live Photos" in refused.json()["detail"]
    row = image(ada, taken(ada, bucket, film(b"qt  "), "IMG_1.MOV"))
    assert row is not None
    assert (row.status, row.film) == ("rejected", False)
    assert "of films, only those of Live Photos are" in (row.reason or "")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "place", ["sealer.committed", "vision.committed", "vision.film-noted", "joining.stored", "joining.committed"]
)
def test_a_worker_that_dies_anywhere_loses_nothing(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, order: str, place: str
) -> None:
    name = identifier()
    still, clip = picture(name), live_film(name)
    files = [(still, "IMG_1234.HEIC"), (clip, "IMG_1234.MOV")]
    messages = [uploaded(ada, bucket, *file) for file in files]
    died: list[str] = []

    def reach(here: str) -> None:
        if here == place and not died:
            died.append(here)
            raise KeyboardInterrupt

    monkeypatch.setattr(failpoints, "reach", reach)
    for message in messages if order == ORDERS[0] else messages[::-1]:
        for _ in range(3):  # at least once, and again after a death
            try:
                vision.handle(message)
            except KeyboardInterrupt:
                continue
        embedding.handle(message)
    assert died == [place]
    picture_id, film_id = (message.image_id for message in messages)
    assert_one_photo(ada, still, clip, picture_id=picture_id, film_id=film_id)


def test_both_workers_may_join_at_once(ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    name = identifier()
    still, clip = picture(name), live_film(name)
    film_id = taken(ada, bucket, clip, "IMG_1.MOV")
    store, stored = vault.store, []

    def other_first(data: bytes, **named: Any) -> blobs.Blob:
        made = store(data, **named)
        stored.append(made)
        if named["name"] == "motion" and len([blob for blob in stored if blob.name == "motion"]) == 1:
            vision.handle(PhotoMessage(ada.user_id, film_id))  # the film's message comes again meanwhile
        return made

    monkeypatch.setattr(vault, "store", other_first)
    picture_id = taken(ada, bucket, still, "IMG_1.HEIC")
    assert_one_photo(ada, still, clip, picture_id=picture_id, film_id=film_id)
    mine = [blob.key for blob in stored if blob.name == "motion"]
    assert len(mine) == 2
    kept = {each.key for each in storage.driver("local").list()} & set(mine)
    assert kept == {value(ada.user_id, "SELECT key FROM blobs WHERE name = 'motion'")}


def test_a_storage_that_is_away_is_tried_again(ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    name = identifier()
    still, clip = picture(name), live_film(name)
    picture_id = taken(ada, bucket, still, "IMG_1.HEIC")
    message = uploaded(ada, bucket, clip, "IMG_1.MOV")
    store = vault.store

    def away(data: bytes, **named: Any) -> blobs.Blob:
        if named["name"] == "motion":
            raise Unavailable
        return store(data, **named)

    monkeypatch.setattr(vault, "store", away)
    with pytest.raises(Unavailable):
        vision.handle(message)
    monkeypatch.setattr(vault, "store", store)
    vision.handle(message)
    assert_one_photo(ada, still, clip, picture_id=picture_id, film_id=message.image_id)


def test_a_film_joins_no_photo_of_somebody_else(ada: Somebody, bucket: Bucket) -> None:
    name = identifier()
    eve = somebody(name="Eve")
    hers = taken(eve, bucket, picture(name), "IMG_1.HEIC")
    film_id = taken(ada, bucket, live_film(name), "IMG_1.MOV")
    assert waits(ada, film_id)
    assert moving(eve, hers) is None


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_films_with_one_identifier_one_is_taken_and_the_other_says_why_not(
    ada: Somebody, bucket: Bucket, order: str
) -> None:
    name = identifier()
    clip, forged = live_film(name), live_film(name) + box(b"free", b"another film")
    picture_id, film_id = both(ada, bucket, picture(name), clip, order)
    late = taken(ada, bucket, forged, "IMG_9.MOV")
    assert moving(ada, picture_id) == (clip, "video/quicktime")
    assert image(ada, film_id) is None
    row = image(ada, late)
    assert row is not None
    assert (row.status, row.reason) == ("rejected", films.SECOND)
    assert originals.open(ada.user_id, late).data == forged


def test_two_films_that_wait_are_sorted_when_the_photo_comes(ada: Somebody, bucket: Bucket) -> None:
    name = identifier()
    other = taken(ada, bucket, live_film(name) + box(b"free", b"another"), "IMG_9.MOV")
    taken(ada, bucket, live_film(name), "IMG_1.MOV")
    picture_id = taken(ada, bucket, picture(name), "IMG_1.HEIC")
    assert moving(ada, picture_id) == (live_film(name), "video/quicktime")  # the one that is called like it
    assert value(ada.user_id, "SELECT reason FROM images WHERE id = %s", [other]) == films.SECOND


def test_of_two_photos_with_one_identifier_the_film_goes_to_the_one_of_its_name(ada: Somebody, bucket: Bucket) -> None:
    name = identifier()
    edited = taken(ada, bucket, picture(name), "IMG_E1.HEIC")
    original = taken(ada, bucket, picture(name), "IMG_1.HEIC")
    taken(ada, bucket, live_film(name), "img_1.MOV")
    assert moving(ada, edited) is None
    assert moving(ada, original) is not None


def test_the_own_clip_of_a_motion_photo_is_never_replaced(ada: Somebody, bucket: Bucket) -> None:
    name = identifier()
    picture_id = taken(ada, bucket, picture(name, format="JPEG") + film(), "IMG_1.jpg")
    late = taken(ada, bucket, live_film(name), "IMG_1.MOV")
    assert moving(ada, picture_id) == (film(), "video/mp4")
    assert value(ada.user_id, "SELECT reason FROM images WHERE id = %s", [late]) == films.SECOND


def test_a_photo_goes_for_good_with_its_film(
    api: TestClient, ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash.purging, "note", lambda _: None)
    name = identifier()
    clip = live_film(name)
    picture_id, film_id = both(ada, bucket, picture(name), clip)
    keys = [key for (key,) in table(ada.user_id, "SELECT key FROM blobs UNION SELECT key FROM retired_blobs")]
    assert api.delete(f"/images/{picture_id}", headers=ada.headers).status_code == 204
    assert get(api, ada, f"/images/{film_id}")["deleted_at"]
    assert api.delete(f"/images/trash/{picture_id}", headers=ada.headers).status_code == 204
    assert used(ada) == (0, 0)
    assert api.get(f"/images/{film_id}", headers=ada.headers).status_code == 404
    assert announced(ada, clip, "IMG_1.MOV").state == "upload"
    clearing.remove_retired(Report(), now=datetime.now(UTC) + timedelta(days=2))
    assert not set(keys) & {each.key for each in storage.driver("local").list()}


def test_a_film_in_the_trash_stays_there_until_it_is_restored(
    api: TestClient, ada: Somebody, bucket: Bucket, sent: Sent
) -> None:
    name = identifier()
    film_id = taken(ada, bucket, live_film(name), "IMG_1.MOV")
    assert api.delete(f"/images/{film_id}", headers=ada.headers).status_code == 204
    picture_id = taken(ada, bucket, picture(name), "IMG_1.HEIC")
    assert moving(ada, picture_id) is None
    sent.messages.clear()
    assert api.post(f"/images/{film_id}/restore", headers=ada.headers).status_code == 200
    assert "vision_queue_url" in [setting for setting, _, _ in sent.messages]
    vision.handle(PhotoMessage(ada.user_id, film_id))
    assert moving(ada, picture_id) is not None


def test_a_film_alone_is_told_after_a_week_and_joins_all_the_same(
    api: TestClient, ada: Somebody, bucket: Bucket
) -> None:
    name = identifier()
    clip = live_film(name)
    film_id = taken(ada, bucket, clip, "IMG_1.MOV")
    now = datetime.now(UTC)
    maintenance.give_films_up(Report(), now=now + timedelta(days=6))
    assert waits(ada, film_id)
    maintenance.give_films_up(Report(), now=now + timedelta(days=7, minutes=1))
    (listed,) = get(api, ada, "/images/list", status="rejected")["items"]
    assert (listed["id"], listed["reason"]) == (str(film_id), films.ALONE)
    still = picture(name)
    picture_id = taken(ada, bucket, still, "IMG_1.HEIC")
    assert_one_photo(ada, still, clip, picture_id=picture_id, film_id=film_id)


def test_a_film_that_cannot_be_read_holds_its_photo_up_no_longer(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = identifier()
    film_id = taken(ada, bucket, live_film(name), "IMG_1.MOV")
    key = value(ada.user_id, "SELECT key FROM blobs WHERE image_id = %s", [film_id])
    storage.driver("local").delete(key)
    picture_id = taken(ada, bucket, picture(name), "IMG_1.HEIC")
    row = image(ada, picture_id)
    assert row is not None
    assert row.status == "ready"
    assert waits(ada, film_id)


def test_what_left_the_lists_is_told_to_whoever_keeps_a_copy(ada: Somebody, bucket: Bucket) -> None:
    name = identifier()
    picture_id, film_id = both(ada, bucket, picture(name), live_film(name), ORDERS[1])
    revision = value(ada.user_id, "SELECT revision FROM tombstones WHERE subject_id = %s", [film_id])
    assert value(ada.user_id, "SELECT revision FROM images WHERE id = %s", [picture_id]) >= revision


def test_a_film_takes_part_in_nothing_that_is_asked_again(ada: Somebody, bucket: Bucket) -> None:
    film_id = taken(ada, bucket, live_film(identifier()), "IMG_1.MOV")
    with db.maintenance() as conn:
        found = images.unfinished(conn, before=None, after=None, limit=10_000)
        expired = images.never_posted(
            conn, before=datetime.now(UTC) + timedelta(days=9), after=UUID(int=0), limit=10_000
        )
    assert film_id not in {image_id for _, image_id, _ in found} | {image_id for _, image_id in expired}
