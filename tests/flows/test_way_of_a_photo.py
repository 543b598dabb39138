"""A photo's whole way through the deployed template: upload, seal, understand, albums, view, search, dashboards."""

from __future__ import annotations

import hashlib
import io
import json
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from infra.local.pictures import draw
from PIL import Image
from tests.flows.uploader import Client
from tests.local_cloud import Cloud
from tests.pictures import encode, paint
from tests.shared.test_motion import live_film, maker_note

LISBON = (38.7139, -9.1394)
PORTO = (41.1496, -8.6109)


def staged(cloud: Cloud, who: Client) -> list[str]:
    """What lies in staging and is not an upload of somebody else, whom another test of this cloud may have left."""
    found = cloud.client("s3").list_objects_v2(Bucket=cloud.environment["STAGING_BUCKET"])
    keys: list[str] = [entry["Key"] for entry in found.get("Contents", [])]
    return [key for key in keys if not key.startswith("incoming/") or key.startswith(f"incoming/{who.user_id}/")]


def wait_until_staging_is_empty(cloud: Cloud, who: Client) -> None:
    """Until nothing of the person's uploads is left there."""
    deadline = time.monotonic() + 60
    while left := [key for key in staged(cloud, who) if str(who.user_id) in key]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def at_rest(cloud: Cloud) -> list[bytes]:
    """Every file of the storage, whoever it belongs to, but those that are deleted while they are looked at."""
    found = []
    for path in Path(cloud.settings["STORAGE_ROOT"]).rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            found.append(path.read_bytes())
    return found


@pytest.fixture(scope="module")
def journey() -> dict[str, bytes]:
    """Six photos of three days in Lisbon and Porto."""
    start = datetime(2025, 5, 9, 10, 30)
    return {
        f"IMG_{n}.jpg": draw(
            n,
            (1600, 1200),
            gps=LISBON if n < 3 else PORTO,
            taken=start + timedelta(hours=9 * n),
            offset="+01:00",
            camera=("Canon", "EOS R5"),
        )
        for n in range(6)
    }


@pytest.fixture(scope="module")
def ada(api_url: str, journey: dict[str, bytes]) -> Client:
    """A person whose journey has gone all the way."""
    client = Client.sign_up(api_url)
    client.upload(journey)
    client.wait(len(journey))
    client.wait_for_albums()
    return client


def photo(client: Client, name: str) -> dict[str, Any]:
    return next(item for item in client.items("/images/list") if item["filename"] == name)


def test_time_and_place_are_those_of_the_picture(ada: Client) -> None:
    found = photo(ada, "IMG_0.jpg")
    assert found["status"] == "ready"
    assert found["steps"] == {"vision": "done", "embedding": "done"}
    assert found["taken"]["local_day"] == "2025-05-09"
    assert found["taken"]["offset"] == "+01:00"
    assert datetime.fromisoformat(found["taken"]["instant"]) == datetime.fromisoformat("2025-05-09T09:30:00+00:00")
    assert (found["location"]["place"]["city"], found["location"]["place"]["country_code"]) == ("Lisbon", "PT")
    assert found["camera"] == {"make": "Canon", "model": "EOS R5"}
    assert found["thumbhash"]


def test_a_ticket_opens_to_a_picture_without_the_api(ada: Client) -> None:
    found = photo(ada, "IMG_1.jpg")
    thumbnail = Image.open(io.BytesIO(ada.open_ticket(found["id"], found["tickets"]["thumbnail"])))
    assert min(thumbnail.size) == 320
    detail = ada.json(f"/images/{found['id']}")
    preview = Image.open(io.BytesIO(ada.open_ticket(found["id"], detail["tickets"]["preview"])))
    assert max(preview.size) == 1600
    assert not preview.getexif()


def test_the_original_comes_back_byte_for_byte_whole_and_in_ranges(ada: Client, journey: dict[str, bytes]) -> None:
    found = photo(ada, "IMG_2.jpg")
    path = f"/images/{found['id']}/view"
    whole = ada.get(path, params={"rendition": "original"})
    assert whole.content == journey["IMG_2.jpg"]
    assert whole.headers["content-type"] == "image/jpeg"
    part = ada.get(path, params={"rendition": "original"}, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, journey["IMG_2.jpg"][100:200])
    again = ada.get(path, params={"rendition": "original"}, headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304


def test_nothing_readable_is_left_behind(ada: Client, cloud: Cloud, journey: dict[str, bytes]) -> None:
    wait_until_staging_is_empty(cloud, ada)
    stored = at_rest(cloud)
    assert len(stored) >= 4 * len(journey)
    for data in stored:
        assert not data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"RIFF"))
        assert b"JFIF\x00\x01" not in data, "four bytes alone occur by chance"
        assert b"Exif\x00\x00" not in data
        assert all(original[1000:1064] not in data for original in journey.values())


def test_albums_by_place_and_date_were_made_and_say_why(ada: Client) -> None:
    albums = ada.items("/albums/")
    titles = {album["title"] for album in albums}
    assert {"Lisbon", "Porto"} <= {title.split(",")[0] for title in titles}
    assert {"place", "date"} <= {album["kind"] for album in albums}
    lisbon = next(album for album in albums if album["kind"] == "place" and album["title"].startswith("Lisbon"))
    members = ada.items(f"/albums/{lisbon['id']}/images")
    assert {member["filename"] for member in members} == {"IMG_0.jpg", "IMG_1.jpg", "IMG_2.jpg"}
    assert all(member["why"] for member in members)
    places = ada.items("/albums/by-location", level="city")
    assert {(p["place"]["city"], p["image_count"]) for p in places} == {("Lisbon", 3), ("Porto", 3)}
    days = ada.items("/albums/by-date", level="day")
    assert sum(day["image_count"] for day in days) == 6


def test_search_filters_by_place_and_date(ada: Client) -> None:
    found = ada.json("/search", q="porto may 2025")
    assert {hit["image"]["filename"] for hit in found["items"]} == {"IMG_3.jpg", "IMG_4.jpg", "IMG_5.jpg"}
    assert ada.json("/search", q="xyzzy plugh")["items"] == []


def test_dashboards_count_what_is_there(ada: Client, journey: dict[str, bytes]) -> None:
    stats = ada.json("/dashboard/stats")
    text = json.dumps(stats)
    assert "2025-05-09" in text
    storage = ada.json("/dashboard/storage-analysis")
    assert storage["quota"]["used"] == sum(map(len, journey.values()))
    for name in ("recent-activity", "person-analysis", "location-analysis"):
        assert ada.get(f"/dashboard/{name}").status_code == 200


def test_the_same_photo_again_is_recognised_everywhere(ada: Client, journey: dict[str, bytes]) -> None:
    data = journey["IMG_0.jpg"]
    assert [item["state"] for item in ada.announce({"again.jpg": data})] == ["duplicate"]
    answer = ada.post("/images/upload", files={"file": ("again.jpg", data, "image/jpeg")})
    assert (answer.status_code, answer.json()["duplicate"]) == (202, True)
    check = ada.post("/images/uploads/check", {"sha256": [hashlib.sha256(data).hexdigest(), "0" * 64]}).json()
    assert [item["state"] for item in check["items"]] == ["present", "unknown"]


def test_a_small_photo_can_go_through_the_api(api_url: str) -> None:
    client = Client.sign_up(api_url)
    data = draw(77, (640, 480))
    answer = client.post("/images/upload", files={"file": ("holiday.jpg", data, "image/jpeg")})
    assert answer.status_code == 202
    assert answer.json()["duplicate"] is False
    assert client.wait(1)["holiday.jpg"]["status"] == "ready"


def test_a_broken_photo_is_rejected_with_a_reason_and_its_siblings_are_not(api_url: str) -> None:
    client = Client.sign_up(api_url)
    good = {f"good{n}.jpg": draw(90 + n, (640, 480)) for n in range(3)}
    began = time.monotonic()
    client.upload({**good, "broken.jpg": draw(99, (640, 480))[:900], "text.jpg": b"not a photo at all"})
    photos = client.wait(5)
    assert time.monotonic() - began < 60
    assert {name for name, found in photos.items() if found["status"] == "ready"} == set(good)
    for name in ("broken.jpg", "text.jpg"):
        assert photos[name]["status"] == "rejected"
        assert len(photos[name]["reason"]) > 20
    assert client.announce({"again.jpg": b"not a photo at all"})[0]["reason"] == photos["text.jpg"]["reason"]


def test_deleting_and_restoring_changes_every_list_at_once(api_url: str) -> None:
    client = Client.sign_up(api_url)
    data = draw(55, (640, 480), gps=LISBON, taken=datetime(2024, 1, 2, 3, 4))
    (image_id,) = client.upload({"gone.jpg": data}).values()
    client.wait(1)
    assert client.send("DELETE", f"/images/{image_id}").status_code == 204
    assert client.items("/images/list") == []
    assert client.items("/albums/by-location", level="city") == []
    assert client.json("/search", q="lisbon")["items"] == []
    assert [item["state"] for item in client.announce({"gone.jpg": data})] == ["in_trash"]
    assert [item["id"] for item in client.items("/images/trash")] == [image_id]
    assert client.post(f"/images/{image_id}/restore").status_code == 200
    assert [item["id"] for item in client.items("/images/list")] == [image_id]


def test_nobody_else_can_reach_a_photo(ada: Client, api_url: str) -> None:
    stranger = Client.sign_up(api_url)
    image_id = ada.items("/images/list")[0]["id"]
    for path in (f"/images/{image_id}", f"/images/{image_id}/view"):
        theirs, nobodys = (
            stranger.get(path),
            stranger.get(path.replace(image_id, "01972b6f-3c00-7000-8000-000000000001")),
        )
        assert theirs.status_code == nobodys.status_code == 404
        ignore = {"request_id", "instance"}
        assert {k: v for k, v in theirs.json().items() if k not in ignore} == {
            k: v for k, v in nobodys.json().items() if k not in ignore
        }
    assert stranger.items("/images/list") == []


def test_events_that_come_again_and_late_posts_leave_nothing(api_url: str, cloud: Cloud) -> None:
    client = Client.sign_up(api_url)
    data = draw(123, (640, 480))
    (item,) = client.announce({"replayed.jpg": data})
    client.post_form(item["post"], data)
    client.wait(1)
    for _ in range(3):
        client.post_form(item["post"], data)  # the same form again, while it is valid
    wait_until_staging_is_empty(cloud, client)
    with psycopg.connect(cloud.database_url) as conn:
        rows = conn.execute(
            "SELECT name, count(*) FROM blobs WHERE image_id = %s GROUP BY name", [item["image_id"]]
        ).fetchall()
    assert dict(rows)["original"] == 1


@pytest.mark.parametrize("film_first", [False, True], ids=["photo first", "film first"])
def test_the_two_files_of_a_live_photo_arrive_as_one_photo(api_url: str, film_first: bool) -> None:
    client = Client.sign_up(api_url)
    name = str(uuid4()).upper()
    tags = Image.Exif()
    tags.get_ifd(0x8769)[0x927C] = maker_note(name)
    still, clip = encode(paint(321, (640, 480)), format="HEIF", exif=tags), live_film(name)
    files = [("IMG_1.HEIC", still, "image/heic"), ("IMG_1.MOV", clip, "video/quicktime")]
    ids: dict[str, str] = {}
    for filename, data, content_type in reversed(files) if film_first else files:
        ids |= client.upload({filename: data}, content_type, sealed=filename.endswith("MOV"))
    picture_id, deadline = ids["IMG_1.HEIC"], time.monotonic() + 60
    while "motion" not in (shown := client.json(f"/images/{picture_id}"))["tickets"] or shown["status"] != "ready":
        assert time.monotonic() < deadline, shown
        time.sleep(0.1)
    assert client.open_ticket(picture_id, shown["tickets"]["motion"]) == clip
    assert [item["id"] for item in client.items("/images/list")] == [picture_id]
    assert client.json(f"/images/{ids['IMG_1.MOV']}")["id"] == picture_id
    (again,) = client.announce({"IMG_1.MOV": clip}, "video/quicktime")
    assert (again["image_id"], again["state"]) == (picture_id, "duplicate")


def test_the_gateway_serves_the_same_api(cloud: Cloud, ada: Client, journey: dict[str, bytes]) -> None:
    assert cloud.stack.gateway
    gateway = Client(cloud.stack.gateway, headers=ada.headers, user_id=ada.user_id)
    assert gateway.json("/auth/verify")["user"]["id"] == str(ada.user_id)
    found = photo(gateway, "IMG_0.jpg")
    whole = gateway.get(f"/images/{found['id']}/view", params={"rendition": "original"})
    assert whole.content == journey["IMG_0.jpg"]
    assert gateway.json("/search", q="lisbon")["items"]
    missing = gateway.get("/images/01972b6f-3c00-7000-8000-000000000001")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert "./docs/assets/swagger-ui.css" in gateway.get("/docs").text
    assert "../docs/assets/swagger-ui.css" in gateway.get("/docs/").text
    assert gateway.get("/docs/assets/swagger-ui.css").headers["content-type"].startswith("text/css")
    assert "/albums/auto-generate" in gateway.get("/openapi.json").json()["paths"]


def test_an_upload_must_be_exactly_what_was_announced(api_url: str) -> None:
    client = Client.sign_up(api_url)
    data = draw(31, (640, 480))
    (item,) = client.announce({"a.jpg": data})
    for wrong in (data + b"x", data[:-1], bytes(len(data))):
        answer = httpx.post(item["post"]["url"], data=item["post"]["fields"], files={"file": wrong}, timeout=30)
        assert 400 <= answer.status_code < 500
    assert client.items("/images/list") == []
    assert client.announce({"a.jpg": data})[0]["image_id"] == item["image_id"]
