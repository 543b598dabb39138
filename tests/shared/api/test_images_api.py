"""Uploads, lists and the life of a photo over HTTP, with blobs in the local driver."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.arranging import value
from tests.pictures import draw
from tests.shared.api.photos import JPEG, problem, sealed_photo
from tests.vaults import Somebody, client, somebody

from photovault import db, ids, queues, sealing, staging, users
from photovault.api import edge, trash, viewing
from photovault.api import images as api_images
from photovault.api.images import clean_filename
from photovault.settings import get_settings


@dataclass
class Cloud:
    """What would have gone to S3 and SQS."""

    staged: dict[tuple[UUID, UUID], bytes] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)


@pytest.fixture(autouse=True)
def cloud(vault: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Staging and queues that remember; the real ones are tested where the cloud runs."""
    found = Cloud()

    def put(user_id: UUID, image_id: UUID, data: bytes, *, content_type: str, sha256_base64: str) -> None:
        assert base64.b64decode(sha256_base64) == hashlib.sha256(data).digest()
        found.staged[user_id, image_id] = data

    monkeypatch.setattr(staging, "put", put)
    for name in ("send_albums", "send_rebuild_check", "send_vision", "send_embedding"):
        monkeypatch.setattr(queues, name, lambda *_, _name=name, **__: found.sent.append(_name))
    return found


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([trash.router, api_images.router, viewing.router])


@pytest.fixture
def person(vault: Path) -> Somebody:
    return somebody()


def announcement(data: bytes = JPEG, **changes: Any) -> dict[str, Any]:
    whole = {"filename": "IMG_1.jpg", "content_type": "image/jpeg", "size": len(data),
             "sha256": hashlib.sha256(data).hexdigest()}  # fmt: skip
    return whole | changes


def announce(api: TestClient, person: Somebody, *items: dict[str, Any]) -> Any:
    answer = api.post("/images/uploads", headers=person.headers, json={"items": items})
    assert answer.status_code == 201, answer.text
    return answer.json()["items"]


def used(person: Somebody) -> tuple[int, int]:
    """Used and reserved bytes."""
    with db.transaction(person.user_id) as conn:
        user = users.get(conn)
    assert user is not None
    return user.used_bytes, user.reserved_bytes


# ---------------------------------------------------------------------------------------------------- announcing


def test_an_announced_file_gets_a_form_that_posts_it(api: TestClient, person: Somebody) -> None:
    (item,) = announce(api, person, announcement(filename="/home/ada/Résumé 🌊.jpg"))
    assert set(item) == {"image_id", "state", "post", "expires_at", "status", "reason", "seal"}
    assert (item["state"], item["seal"]) == ("upload", None)
    assert item["post"]["fields"]["key"] == f"incoming/{person.user_id}/{item['image_id']}"
    assert item["post"]["url"].startswith("http://127.0.0.1:9/")
    ends = datetime.fromisoformat(item["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=4) < ends <= timedelta(minutes=5)
    shown = api.get(f"/images/{item['image_id']}", headers=person.headers).json()
    assert (shown["status"], shown["filename"], shown["bytes"]) == ("pending", "Résumé 🌊.jpg", len(JPEG))


def test_asking_again_gives_the_same_id_and_a_sealed_photo_is_a_duplicate(api: TestClient, person: Somebody) -> None:
    (first,) = announce(api, person, announcement())
    (second,) = announce(api, person, announcement())
    assert first["image_id"] == second["image_id"]
    assert second["state"] == "upload"
    assert second["post"]
    image_id = sealed_photo(person)
    assert str(image_id) == first["image_id"]
    (third,) = announce(api, person, announcement())
    assert (third["image_id"], third["state"], third["post"], third["status"]) == (
        str(image_id),
        "duplicate",
        None,
        "ready",
    )


def test_a_photo_in_the_trash_is_named(api: TestClient, person: Somebody) -> None:
    image_id = sealed_photo(person)
    api.delete(f"/images/{image_id}", headers=person.headers)
    (item,) = announce(api, person, announcement())
    assert (item["image_id"], item["state"], item["post"]) == (str(image_id), "in_trash", None)


def test_checksums_are_taken_in_upper_case_too(api: TestClient, person: Somebody) -> None:
    (first,), (second,) = (
        announce(api, person, announcement(sha256=hashlib.sha256(JPEG).hexdigest())),
        announce(api, person, announcement(sha256=hashlib.sha256(JPEG).hexdigest().upper())),
    )
    assert first["image_id"] == second["image_id"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "x" * 256}, "filename"),
        ({"filename": None}, "filename"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"size": "many"}, "size"),
        ({"size": 1.5}, "size"),
        ({"sha256": "a" * 63}, "sha256"),
        ({"sha256": "g" * 64}, "sha256"),
        ({"sha256": "a" * 64 + "\n"}, "sha256"),
        ({"content_type": "x" * 101}, "content_type"),
        ({"modified_at": "yesterday"}, "modified_at"),
        ({"key": "incoming/mine"}, "key"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_named_with_its_item(
    api: TestClient, person: Somebody, change: dict[str, Any], where: str
) -> None:
    answer = api.post(
        "/images/uploads", headers=person.headers, json={"items": [announcement(), announcement() | change]}
    )
    assert [each["field"] for each in problem(answer, 422, "invalid")["errors"]] == [f"items.1.{where}"]
    assert used(person) == (0, 0), "all or none"


@pytest.mark.parametrize("written", ["2014-07-19T16:28:05", "2014-07-19T16:28:05+02:00", "2014-07-19T16:28:05.9Z"])
def test_the_date_of_a_file_is_kept_as_its_device_showed_it(api: TestClient, person: Somebody, written: str) -> None:
    (answer,) = announce(api, person, announcement(modified_at=written))
    kept = value(person.user_id, "SELECT file_modified FROM images WHERE id = %s", [answer["image_id"]])
    assert kept.replace(microsecond=0) == datetime(2014, 7, 19, 16, 28, 5)


@pytest.mark.parametrize("count", [0, 101])
def test_one_to_a_hundred_files_may_be_announced_at_once(api: TestClient, person: Somebody, count: int) -> None:
    items = [announcement(sha256=f"{n:064x}") for n in range(count)]
    problem(api.post("/images/uploads", headers=person.headers, json={"items": items}), 422, "invalid")
    assert len(announce(api, person, *[announcement(sha256=f"{n:064x}") for n in range(100)])) == 100


@pytest.mark.parametrize(
    "content_type", ["text/plain", "image/svg+xml", "application/pdf", "", "image/", "image/jpeg\x00", "video/mp4"]
)
def test_what_is_no_photo_is_415_and_names_the_item(api: TestClient, person: Somebody, content_type: str) -> None:
    answer = api.post(
        "/images/uploads", headers=person.headers, json={"items": [announcement(content_type=content_type)]}
    )
    found = problem(answer, 415, "unsupported-type")
    assert found["errors"][0]["field"] == "items.0.content_type"
    assert "JPEG" in found["detail"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("image/jpg", "image/jpeg"), ("IMAGE/JPEG", "image/jpeg"), ("image/png; charset=x", "image/png"),
     ("image/heic", "image/heic"), ("application/octet-stream", "application/octet-stream")],
)  # fmt: skip
def test_types_that_clients_write_differently_are_understood(
    api: TestClient, person: Somebody, sent: str, kept: str
) -> None:
    (item,) = announce(api, person, announcement(content_type=sent))
    assert item["post"]["fields"]["Content-Type"] == kept


def test_a_file_over_the_limit_is_413_and_one_of_the_limit_is_taken(api: TestClient, person: Somebody) -> None:
    most = get_settings().max_upload_bytes
    answer = api.post(
        "/images/uploads", headers=person.headers, json={"items": [announcement(size=1), announcement(size=most + 1)]}
    )
    found = problem(answer, 413, "too-large")
    assert [each["field"] for each in found["errors"]] == ["items.1.size"]
    huge = api.post("/images/uploads", headers=person.headers, json={"items": [announcement(size=10**40)]})
    assert huge.status_code in {413, 422}
    assert announce(api, person, announcement(size=most))[0]["state"] == "upload"


def test_a_full_vault_is_413_and_says_what_is_free(api: TestClient) -> None:
    person = somebody(quota=1000)
    answer = api.post("/images/uploads", headers=person.headers, json={"items": [announcement(size=1001)]})
    assert "1000 bytes are free" in problem(answer, 413, "quota-exceeded")["detail"]


def test_known_files_are_found_by_their_checksums(api: TestClient, person: Somebody) -> None:
    sealed, pending, rejected, trashed = (draw(n, (32, 32)) for n in range(2, 6))
    unknown = hashlib.sha256(b"unknown").hexdigest()
    sealed_id = sealed_photo(person, sealed)
    rejected_id, trashed_id = sealed_photo(person, rejected), sealed_photo(person, trashed)
    (item,) = announce(api, person, announcement(pending))
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE images SET status = 'rejected', reason = 'Broken.' WHERE id = %s", [rejected_id])
    api.delete(f"/images/{trashed_id}", headers=person.headers)
    hashes = [hashlib.sha256(data).hexdigest() for data in (sealed, pending, rejected, trashed)] + [unknown]
    answer = api.post("/images/uploads/check", headers=person.headers, json={"sha256": [h.upper() for h in hashes]})
    assert [(each["sha256"], each["state"], each["image_id"]) for each in answer.json()["items"]] == [
        (hashes[0], "present", str(sealed_id)),
        (hashes[1], "pending", item["image_id"]),
        (hashes[2], "rejected", str(rejected_id)),
        (hashes[3], "in_trash", str(trashed_id)),
        (unknown, "unknown", None),
    ]
    assert [(each["status"], each["reason"]) for each in answer.json()["items"]] == [
        ("ready", None), ("pending", None), ("rejected", "Broken."), ("ready", None), (None, None)
    ]  # fmt: skip
    theirs = api.post("/images/uploads/check", headers=somebody().headers, json={"sha256": hashes})
    assert {each["state"] for each in theirs.json()["items"]} == {"unknown"}


# ------------------------------------------------------------------------------------------------ through the API


def post_file(
    api: TestClient, person: Somebody, data: bytes, name: str = "a.jpg", content_type: str = "image/jpeg"
) -> Any:
    return api.post("/images/upload", headers=person.headers, files={"file": (name, data, content_type)})


def test_a_file_posted_to_the_api_goes_to_staging_sealed(api: TestClient, person: Somebody, cloud: Cloud) -> None:
    answer = post_file(api, person, JPEG, "C:\\Photos\\Straße.jpg", "text/plain")
    assert answer.status_code == 202
    found = answer.json()
    assert found["duplicate"] is False
    assert (found["image"]["filename"], found["image"]["content_type"]) == ("Straße.jpg", "image/jpeg")
    assert found["image"]["sha256"] == hashlib.sha256(JPEG).hexdigest()
    ((owner, image_id), envelope) = next(iter(cloud.staged.items()))
    assert (owner, str(image_id), len(cloud.staged)) == (person.user_id, found["image"]["id"], 1)
    (item,) = api.post(
        "/images/uploads", headers=person.headers, json={"items": [announcement()], "sealed": True}
    ).json()["items"]
    assert len(envelope) == item["seal"]["sealed_bytes"]
    address = sealing.Address(owner, image_id, "upload")
    assert sealing.unseal(envelope, key=base64.urlsafe_b64decode(item["seal"]["key"]), address=address) == JPEG
    again = post_file(api, person, JPEG).json()
    assert (again["image"]["id"], again["duplicate"]) == (found["image"]["id"], False), "it has not been sealed yet"


def test_a_sealed_or_deleted_file_is_a_duplicate_and_not_staged(
    api: TestClient, person: Somebody, cloud: Cloud
) -> None:
    image_id = sealed_photo(person)
    assert post_file(api, person, JPEG).json()["duplicate"] is True
    api.delete(f"/images/{image_id}", headers=person.headers)
    again = post_file(api, person, JPEG).json()
    assert (again["image"]["id"], again["duplicate"]) == (str(image_id), True)
    assert cloud.staged == {}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF"])
def test_every_format_is_recognised_by_its_bytes(api: TestClient, person: Somebody, format: str) -> None:  # noqa: A002
    answer = post_file(api, person, draw(1, (40, 30), format=format), "photo.bin", "application/octet-stream")
    assert answer.status_code == 202
    assert answer.json()["image"]["content_type"] in {f"image/{format.lower()}", "image/heic"}


@pytest.mark.parametrize(
    "data", [b"hello", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xff", b"GIF8"]
)
def test_a_file_that_is_no_photo_is_415(api: TestClient, person: Somebody, data: bytes) -> None:
    problem(post_file(api, person, data), 415, "unsupported-type")
    assert used(person) == (0, 0)


def test_an_empty_file_is_422(api: TestClient, person: Somebody) -> None:
    problem(post_file(api, person, b""), 422, "invalid")


@pytest.mark.parametrize("over", [1, edge.SMALL_FORM_BYTES + 1])
def test_a_file_too_large_for_the_api_is_413_and_names_the_other_way(
    api: TestClient, person: Somebody, monkeypatch: pytest.MonkeyPatch, over: int
) -> None:
    monkeypatch.setattr(edge, "upload_limit", lambda: 100_000)
    data = JPEG + bytes(100_000 + over - len(JPEG))
    assert "POST /images/uploads" in problem(post_file(api, person, data), 413, "too-large")["detail"]
    assert post_file(api, person, data[:100_000]).status_code == 202


def test_a_streamed_file_too_large_for_the_api_is_413(
    api: TestClient, person: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "upload_limit", lambda: 100_000)

    def form() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        for _ in range(20):
            yield bytes(10_000)
        yield b"\r\n--x--\r\n"

    answer = api.post(
        "/images/upload",
        headers={**person.headers, "Content-Type": "multipart/form-data; boundary=x"},
        content=form(),
    )
    assert "POST /images/uploads" in problem(answer, 413, "too-large")["detail"]


BOUNDARY = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary="),
        (b"{}", "application/json"),
        (b"nonsense", BOUNDARY),
        (b"--x\r\nnonsense\r\n", BOUNDARY),
        (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n', BOUNDARY),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--x--\r\n', BOUNDARY),
    ],
    ids=range(7),
)
def test_a_form_without_a_file_is_a_problem(
    api: TestClient, person: Somebody, content: bytes, content_type: str
) -> None:
    answer = api.post("/images/upload", headers={**person.headers, "Content-Type": content_type}, content=content)
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code, "invalid" if answer.status_code == 422 else "bad-request")


@pytest.mark.parametrize(
    ("filename", "charset"),
    [(b"+2AA-.jpg", "utf-7"), (b"\xff\xfe.jpg", "utf-8"), (b"\xe9.jpg", "nonsense"), (b"\\ud800.jpg", "unicode_escape"),
     (b"a" * 400 + b".jpg", "utf-8"), (b"folder/" * 60 + b"a.jpg", "utf-8"), (b"", "utf-8")],
    ids=range(7),
)  # fmt: skip
def test_whatever_a_form_calls_the_file_it_is_taken(
    api: TestClient, person: Somebody, filename: bytes, charset: str
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + filename + b'"\r\n\r\n'
    answer = api.post(
        "/images/upload",
        headers={**person.headers, "Content-Type": f"{BOUNDARY}; charset={charset}"},
        content=head + JPEG + b"\r\n--x--\r\n",
    )
    assert answer.status_code == 202 if filename else answer.status_code in {202, 422}, answer.text
    if filename:
        name = answer.json()["image"]["filename"]
        assert 0 < len(name) <= 255
        assert clean_filename(name) == name


def test_uploaded_bytes_never_touch_the_disk_of_the_api() -> None:
    from starlette.formparsers import MultiPartParser

    assert MultiPartParser.spool_max_size > 100 * 1024 * 1024, "the largest that the settings allow"


# --------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("IMG_1.jpg", "IMG_1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\a b.jpg", "a b.jpg"),
        ("/", "photo"),
        ("a/", "photo"),
        ("..", "photo"),
        (" . ", "photo"),
        ("\x00\x1f\x7f", "photo"),
        ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie: x.jpg"),
        ("gpj.\u202egnp.exe", "gpj.gnp.exe"),
        ("  spaces .jpg ", "spaces .jpg"),
        ("写真 🌊.heic", "写真 🌊.heic"),
        ("👩\u200d🚀.jpg", "👩\u200d🚀.jpg"),
        ("half \ud83d of a pair.jpg", "half  of a pair.jpg"),
        ("...", "photo"),
        (".hidden.jpg", ".hidden.jpg"),
        ("line\u2028two\u0085three.jpg", "linetwothree.jpg"),
    ],
)  # fmt: skip
def test_names_are_cleaned(sent: str, kept: str) -> None:
    assert clean_filename(sent) == kept


@settings(deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_a_cleaned_name_is_one_line_of_one_path_part_and_stays_so(text: str) -> None:
    name = clean_filename(text)
    assert name
    assert len(name.splitlines()) == 1
    assert not set(name) & set("/\\\x00\u202e")
    assert name not in {".", ".."}
    assert clean_filename(name) == name


# --------------------------------------------------------------------------------------------------------- lists


@pytest.fixture(scope="module")
def library(vault: Path) -> tuple[Somebody, list[tuple[datetime, str]]]:
    """Somebody with photos of some days, three of them at the same second; (time, id) of each."""
    person = somebody()
    moments = [datetime(2025, 5, 1, 12) + timedelta(days=n // 3 * 7) for n in range(9)]
    made = [(moment, str(sealed_photo(person, JPEG + bytes([n]), taken=moment))) for n, moment in enumerate(moments)]
    return person, made


def listed(api: TestClient, person: Somebody, limit: int = 200, **parameters: Any) -> list[Any]:
    items: list[Any] = []
    cursor = None
    while True:
        query = parameters | {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = api.get("/images/list", headers=person.headers, params=query)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return items


@pytest.mark.parametrize("limit", [1, 2, 4, 200])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_give_every_photo_once_in_order(
    api: TestClient, library: tuple[Somebody, list[tuple[datetime, str]]], limit: int, order: str
) -> None:
    person, made = library
    found = [image["id"] for image in listed(api, person, limit, order=order)]
    assert found == [image_id for _, image_id in sorted(made, reverse=order == "newest")]


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({"from": "2025-05-08"}, lambda day: day >= date(2025, 5, 8)),
        ({"to": "2025-05-08"}, lambda day: day <= date(2025, 5, 8)),
        ({"from": "2025-05-08", "to": "2025-05-08"}, lambda day: day == date(2025, 5, 8)),
        ({"status": "ready"}, lambda day: True),
        ({"status": "pending"}, lambda day: False),
        ({"favourite": "true"}, lambda day: False),
        ({"favourite": "false"}, lambda day: True),
        ({"archived": "any"}, lambda day: True),
        ({"archived": "true"}, lambda day: False),
        ({"country": "pt"}, lambda day: False),
        ({"bbox": "-180,-90,180,90"}, lambda day: False),
        ({"album_id": str(ids.new())}, lambda day: False),
        ({"person_id": str(ids.new())}, lambda day: False),
    ],
)  # fmt: skip
def test_filters_narrow_the_list(
    api: TestClient, library: tuple[Somebody, list[tuple[datetime, str]]], query: dict[str, str], matches: Any
) -> None:
    person, made = library
    found = {image["id"] for image in listed(api, person, **query)}
    assert found == {image_id for moment, image_id in made if matches(moment.date())}


@pytest.mark.parametrize(
    "query",
    [{"bbox": "1,2,3"}, {"bbox": "a,b,c,d"}, {"bbox": "0,10,0,-10"}, {"bbox": "nan,0,1,1"}, {"bbox": "-181,0,0,1"},
     {"from": "2025-13-01"}, {"from": "yesterday"}, {"from": "2025-05-02", "to": "2025-05-01"}, {"status": "lost"},
     {"favourite": "perhaps"}, {"album_id": "1"}, {"person_id": "x"}, {"order": "random"}, {"limit": "0"},
     {"limit": "201"}, {"country": "PRT"}, {"city": "\x00"}, {"label": "\x00"}, {"bbox": "0,0,inf,1"},
     {"country": "\x00"}],
    ids=str,
)  # fmt: skip
def test_a_filter_that_cannot_be_is_422(api: TestClient, person: Somebody, query: dict[str, str]) -> None:
    problem(api.get("/images/list", headers=person.headers, params=query), 422, "invalid")


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "a" * 1000, "bnVsbA", "W10", "=", "%00"])
@pytest.mark.parametrize("path", ["/images/list", "/images/trash"])
def test_a_cursor_that_the_list_did_not_give_out_is_422(
    api: TestClient, person: Somebody, path: str, cursor: str
) -> None:
    problem(api.get(path, headers=person.headers, params={"cursor": cursor}), 422, "bad-cursor")


def test_a_cursor_of_the_other_order_is_422(
    api: TestClient, library: tuple[Somebody, list[tuple[datetime, str]]]
) -> None:
    person, _ = library
    page = api.get("/images/list", headers=person.headers, params={"limit": 1}).json()
    query = {"limit": 1, "order": "oldest", "cursor": page["next_cursor"]}
    problem(api.get("/images/list", headers=person.headers, params=query), 422, "bad-cursor")


def test_a_cursor_of_somebody_else_shows_ones_own_photos_only(
    api: TestClient, library: tuple[Somebody, list[tuple[datetime, str]]], person: Somebody
) -> None:
    owner, _ = library
    page = api.get("/images/list", headers=owner.headers, params={"limit": 1}).json()
    answer = api.get("/images/list", headers=person.headers, params={"cursor": page["next_cursor"]})
    assert answer.json() == {"items": [], "next_cursor": None}


# ------------------------------------------------------------------------------------------------ a photo's life


def test_the_trash_takes_a_photo_out_of_the_list_and_gives_it_back(
    api: TestClient, person: Somebody, cloud: Cloud
) -> None:
    image_id = sealed_photo(person)
    assert api.delete(f"/images/{image_id}", headers=person.headers).status_code == 204
    assert listed(api, person) == []
    (trashed,) = api.get("/images/trash", headers=person.headers).json()["items"]
    assert trashed["id"] == str(image_id)
    assert trashed["deleted_at"]
    assert used(person)[0] == len(JPEG), "until the trash is emptied"
    assert "send_albums" in cloud.sent
    assert api.delete(f"/images/{image_id}", headers=person.headers).status_code == 204, "twice is fine"
    assert api.get("/images/trash", headers=person.headers).json()["items"] == [trashed]
    restored = api.post(f"/images/{image_id}/restore", headers=person.headers)
    assert restored.json()["deleted_at"] is None
    assert [image["id"] for image in listed(api, person)] == [str(image_id)]


def test_pages_of_the_trash_give_every_photo_once_latest_deleted_first(api: TestClient, person: Somebody) -> None:
    made = [str(sealed_photo(person, JPEG + bytes([n]))) for n in range(5)]
    for image_id in made:
        api.delete(f"/images/{image_id}", headers=person.headers)
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get("/images/trash", headers=person.headers, params=query).json()
        found += [image["id"] for image in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made[::-1]


def test_caption_favourite_and_archive_are_changed_one_by_one(api: TestClient, person: Somebody, cloud: Cloud) -> None:
    image_id = sealed_photo(person)

    def edit(**change: Any) -> Any:
        answer = api.patch(f"/images/{image_id}", headers=person.headers, json=change)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert edit(caption="<b>At sea</b> 🌊")["caption"] == "<b>At sea</b> 🌊"
    assert edit(favourite=True)["caption"] == "<b>At sea</b> 🌊"
    assert cloud.sent == [], "nothing that albums are made of has changed"
    assert [image["id"] for image in listed(api, person, favourite="true")] == [str(image_id)]
    assert edit(archived=True)["favourite"] is True
    assert "send_albums" in cloud.sent
    assert listed(api, person) == []
    assert [image["id"] for image in listed(api, person, archived="true")] == [str(image_id)]
    shown = edit(caption="", archived=False)
    assert (shown["caption"], shown["archived"], shown["favourite"]) == (None, False, True)


@pytest.mark.parametrize(
    "body",
    [{"caption": "x" * 2001}, {"caption": "nul\x00"}, {"caption": 5}, {"favourite": "perhaps"}, {"archived": []},
     {"sha256": "x"}, {"status": "ready"}, [], "text"],
    ids=str,
)  # fmt: skip
def test_an_edit_that_cannot_be_is_422(api: TestClient, person: Somebody, body: Any) -> None:
    image_id = sealed_photo(person)
    problem(api.patch(f"/images/{image_id}", headers=person.headers, json=body), 422, "invalid")


ROUTES = [
    ("GET", "/images/{id}"),
    ("GET", "/images/{id}/view"),
    ("GET", "/images/{id}/view?rendition=original"),
    ("PATCH", "/images/{id}"),
    ("DELETE", "/images/{id}"),
    ("POST", "/images/{id}/restore"),
    ("POST", "/images/{id}/redrive"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_somebody_elses_photo_is_the_same_as_none(api: TestClient, person: Somebody, method: str, path: str) -> None:
    theirs = sealed_photo(somebody())
    answers = []
    for image_id in (theirs, ids.new()):
        answer = api.request(
            method,
            path.format(id=image_id),
            headers=person.headers,
            json={"caption": "x"} if method == "PATCH" else None,
        )
        body = problem(answer, 404, "not-found") | {"request_id": "", "instance": ""}
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        answers.append((body, headers))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("image_id", ["1", "nonsense", "%00", "'; --", "00000000-0000-0000-0000-00000000000g"])
def test_an_id_that_is_no_uuid_is_422(api: TestClient, person: Somebody, method: str, path: str, image_id: str) -> None:
    answer = api.request(
        method, path.format(id=image_id), headers=person.headers, json={} if method == "PATCH" else None
    )
    assert problem(answer, 422, "invalid")["errors"][0]["field"] == "path.image_id"


@pytest.mark.parametrize(
    ("method", "path"),
    [*ROUTES, ("GET", "/images/list"), ("GET", "/images/trash"), ("POST", "/images/uploads"),
     ("POST", "/images/uploads/check"), ("POST", "/images/upload")],
)  # fmt: skip
def test_without_a_token_nothing_answers(api: TestClient, method: str, path: str) -> None:
    problem(api.request(method, path.format(id=ids.new())), 401, "unauthenticated")


def test_only_failed_steps_are_started_over(api: TestClient, person: Somebody, cloud: Cloud) -> None:
    image_id = sealed_photo(person)
    assert api.post(f"/images/{image_id}/redrive", headers=person.headers).status_code == 202
    assert cloud.sent == []
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE images SET embedding_done_at = NULL, embedding_failed = true WHERE id = %s", [image_id])
    shown = api.get(f"/images/{image_id}", headers=person.headers).json()
    assert shown["steps"] == {"vision": "done", "embedding": "failed"}
    answer = api.post(f"/images/{image_id}/redrive", headers=person.headers).json()
    assert (answer["status"], answer["steps"]) == ("processing", {"vision": "done", "embedding": "waiting"})
    assert cloud.sent == ["send_embedding"]


def test_a_body_is_not_read_before_its_sender_is_known(api: TestClient) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 65536

    headers = {"Content-Type": "multipart/form-data; boundary=b", "Authorization": "Bearer nonsense"}
    answer = api.post("/images/upload", content=endless(), headers=headers)
    assert answer.status_code == 401


def test_a_form_without_a_file_says_what_is_missing(api: TestClient) -> None:
    ada = somebody()
    for options in ({"files": {"other": ("a.jpg", b"x")}}, {"data": {"file": "text"}}, {"json": {}}, {}):
        answer = api.post("/images/upload", headers=ada.headers, **options)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "file", "message": "is missing"}]
