"""Tickets, and the ciphertext that they lead to: over the route of blobs on a disk, with nothing else to go by."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.shared.api.photos import JPEG, problem, sealed_photo
from tests.vaults import Somebody, client, forget, somebody

from photovault import blobs, db, keyring, sealing, staging, storage, tickets
from photovault import images as library
from photovault import vault as sealed_vault
from photovault.api import delivery, edge, images, presenting, viewing
from photovault.settings import get_settings
from photovault.storage import Link

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([images.router, viewing.router, delivery.router])


@pytest.fixture(scope="module")
def person(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture(scope="module")
def photo(person: Somebody) -> UUID:
    return sealed_photo(person, JPEG)


def tickets_of(api: TestClient, person: Somebody, photo: UUID) -> dict[str, Any]:
    answer = api.get(f"/images/{photo}", headers=person.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["tickets"]
    return found


@pytest.fixture
def path(api: TestClient, person: Somebody, photo: UUID) -> str:
    """Where the sealed original is."""
    return path_of(tickets_of(api, person, photo)["original"])


def path_of(ticket: dict[str, Any]) -> str:
    return str(ticket["url"]).removeprefix(get_settings().public_url)


def opened(ticket: dict[str, Any], sealed: bytes) -> bytes:
    """By what the ticket says alone."""
    address = sealing.Address(UUID(ticket["user_id"]), UUID(ticket["image_id"]), ticket["name"])
    assert len(sealed) == ticket["sealed_bytes"]
    plain = sealing.unseal(
        sealed,
        key=base64.urlsafe_b64decode(ticket["key"]),
        address=address,
        header_sha256=bytes.fromhex(ticket["header_sha256"]),
    )
    assert len(plain) == ticket["bytes"]
    return plain


# --------------------------------------------------------------------------------------------------------- tickets


def test_a_ticket_alone_opens_its_blob(api: TestClient, person: Somebody, photo: UUID) -> None:
    given = tickets_of(api, person, photo)
    assert {"thumbnail", "preview", "original"} <= set(given)
    for name, expected in (("original", JPEG), ("thumbnail", b"small")):
        answer = api.get(path_of(given[name]))
        assert answer.status_code == 200
        assert expected not in answer.content
        assert opened(given[name], answer.content) == expected
        assert given[name]["parts"] is None


def test_all_blobs_that_a_client_shows_have_tickets(api: TestClient, person: Somebody) -> None:
    photo = sealed_photo(person, JPEG + b"moving")
    with db.transaction(person.user_id) as conn:
        row = library.get(conn, photo)
        assert row is not None
        key = keyring.content_key_of(conn, row)
    made = [
        sealed_vault.store(
            b"of " + name.encode(),
            content_key=key,
            user_id=person.user_id,
            image_id=photo,
            name=name,
            content_type=kind,
        )
        for name, kind in (("metadata", "application/json"), ("motion", "video/mp4"))
    ]
    with db.transaction(person.user_id) as conn:
        blobs.add(conn, made)
    given = tickets_of(api, person, photo)
    assert set(given) == {"original", "preview", "thumbnail", "metadata", "motion"}
    for name in ("metadata", "motion"):
        assert opened(given[name], api.get(path_of(given[name])).content) == b"of " + name.encode()


def test_a_ticket_opens_no_other_blob(api: TestClient, person: Somebody, photo: UUID) -> None:
    given = tickets_of(api, person, photo)
    assert len({ticket["key"] for ticket in given.values()}) == len(given)
    other = tickets_of(api, person, sealed_photo(person, JPEG + b"another"))["original"]
    for wrong in (given["preview"], other):
        sealed = api.get(path_of(wrong)).content
        with pytest.raises(sealing.Tampered):
            opened(given["original"] | {"sealed_bytes": len(sealed)}, sealed)


def test_the_parts_of_a_large_blob_are_in_its_ticket(
    api: TestClient, person: Somebody, photo: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a storage takes files of a limited size, a blob is several, one after the other."""

    def links(key: str, *, size: int, now: datetime, ttl: int) -> Sequence[Link]:
        del now, ttl
        whole, rest = divmod(size, 100)
        return [Link(f"https://{n}.example/{key}", 100) for n in range(whole)] + [Link("https://end.example", rest)]

    monkeypatch.setattr(storage.driver("local"), "links", links)
    ticket = tickets_of(api, person, photo)["original"]
    assert [part["bytes"] for part in ticket["parts"]][:2] == [100, 100]
    assert sum(part["bytes"] for part in ticket["parts"]) == ticket["sealed_bytes"]
    assert ticket["url"] == ticket["parts"][0]["url"]
    assert ticket["parts"][-1]["url"] == "https://end.example"


def test_a_page_of_tickets_asks_the_storage_nothing_and_stays_the_same_for_caches(
    person: Somebody, photo: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = storage.driver("local")
    for name in ("get", "read", "size", "put", "delete", "list"):
        monkeypatch.delattr(type(driver), name)
    begin = datetime(2025, 5, 9, 12, 0, tzinfo=UTC)
    later, next_bucket = begin + timedelta(seconds=tickets.TTL_SECONDS / 2 - 1), begin + timedelta(hours=1)

    def shown(now: datetime) -> dict[str, Any]:
        with db.transaction(person.user_id) as conn:
            row = library.get(conn, photo)
            assert row is not None
            made = tickets.of_images(conn, [row], names=None, now=now)[photo]
        return {name: presenting.ticket(ticket).model_dump() for name, ticket in made.items()}

    first = shown(begin)
    assert shown(later) == first
    assert shown(next_bucket)["original"]["url"] != first["original"]["url"]
    for ticket in first.values():
        assert ticket["expires_at"] - later > timedelta(seconds=tickets.TTL_SECONDS / 2)


# ------------------------------------------------------------------------------------------------------ the route


def test_a_link_wants_its_own_signature(api: TestClient, path: str) -> None:
    for wrong in (path.replace("signature=", "signature=A"), path.replace("expires=", "expires=1")):
        problem(api.get(wrong), 403, "forbidden")
        assert api.head(wrong).status_code == 403


def test_a_part_of_the_ciphertext_is_206(api: TestClient, path: str) -> None:
    whole = api.get(path)
    for header, part in (("bytes=3-9", (3, 10)), ("bytes=-5", (-5, None)), ("bytes=90-", (90, None))):
        answer = api.get(path, headers={"Range": header})
        assert (answer.status_code, answer.content) == (206, whole.content[slice(*part)])
        for name in ("etag", "cache-control", "accept-ranges", "access-control-allow-origin", "content-type"):
            assert answer.headers[name] == whole.headers[name]
        tag = whole.headers["etag"]
        assert api.get(path, headers={"Range": header, "If-Range": tag}).status_code == 206
        assert api.get(path, headers={"Range": header, "If-Range": '"other"'}).content == whole.content
    outside = api.get(path, headers={"Range": "bytes=999999-"})
    problem(outside, 416, "range-not-satisfiable")
    assert outside.headers["content-range"] == f"bytes */{len(whole.content)}"


def test_what_one_has_is_304_and_what_one_does_not_expect_412(api: TestClient, path: str) -> None:
    whole = api.get(path)
    assert "immutable" in whole.headers["cache-control"]
    for method in ("GET", "HEAD"):
        answer = api.request(method, path, headers={"If-None-Match": f'"x", W/{whole.headers["etag"]}'})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == whole.headers["etag"]
    problem(api.get(path, headers={"If-Match": '"x"'}), 412, "precondition-failed")


def test_a_head_tells_everything_but_the_bytes(api: TestClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = api.get(path)
    for name in ("get", "read"):
        monkeypatch.delattr(type(storage.driver("local")), name)
    for headers in ({}, {"Range": "bytes=5-6"}):
        answer = api.head(path, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        assert dict(answer.headers) == dict(whole.headers)


def test_a_page_from_anywhere_may_read_what_it_needs(api: TestClient, path: str) -> None:
    answer = api.get(path, headers={"Origin": "https://gallery.example", "Range": "bytes=0-9"})
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed >= {"Content-Range", "ETag", "Accept-Ranges"}
    assert "access-control-allow-credentials" not in answer.headers


def test_a_gallery_elsewhere_may_ask_for_parts_and_read_what_it_got(
    vault: Path, person: Somebody, photo: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = "https://gallery.example"
    monkeypatch.setenv("CORS_ORIGINS", gallery)
    get_settings.cache_clear()
    try:
        elsewhere = client([viewing.router, delivery.router])
        url = f"/images/{photo}/view"
        for method in ("GET", "HEAD"):
            names = "authorization,range,if-range,if-none-match,if-match"
            asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": names}
            assert elsewhere.options(url, headers=asked | {"Origin": gallery}).status_code == 200
        answer = elsewhere.get(url, headers=person.headers | {"Origin": gallery, "Range": "bytes=0-1"})
    finally:
        get_settings.cache_clear()
    assert answer.status_code == 206
    assert answer.headers["access-control-allow-origin"] == gallery
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed >= {"Content-Disposition", "Content-Range", "ETag"}


@pytest.mark.parametrize("driver", ["s3", "hybrid", "cloudinary"])
def test_blobs_on_the_disk_are_served_wherever_new_ones_go(
    api: TestClient, path: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a fallback, of another tier, and those that have not been moved yet."""
    whole = api.get(path).content
    monkeypatch.setenv("STORAGE_DRIVER", driver)
    get_settings.cache_clear()
    try:
        assert api.get(path).content == whole
    finally:
        monkeypatch.undo()
        forget()


def test_without_a_disk_there_are_no_blobs(api: TestClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_DRIVER", "s3")
    monkeypatch.delenv("STORAGE_ROOT")
    get_settings.cache_clear()
    try:
        problem(api.get(path), 404, "not-found")
    finally:
        monkeypatch.undo()
        forget()


def test_a_file_that_is_gone_says_so(api: TestClient, person: Somebody, vault: Path) -> None:
    photo = sealed_photo(person, JPEG + b"gone")
    ticket = tickets_of(api, person, photo)["original"]
    with db.transaction(person.user_id) as conn:
        blob = blobs.get(conn, photo, "original")
    assert blob is not None
    (vault / "blobs" / blob.key).unlink()
    assert "gone" in problem(api.get(path_of(ticket)), 404, "not-found")["detail"]


def test_a_file_that_ends_early_does_not_pass_for_a_whole_one(
    api: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = storage.driver("local")
    read = driver.read
    monkeypatch.setattr(driver, "read", lambda key, offset, length: read(key, offset, length)[:-1])
    problem(api.get(path), 500, "blob-missing")


def test_a_large_file_leaves_the_cloud_through_the_storage(
    api: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from EFS: a whole answer beyond the gateway's limit is elsewhere, and a part is cut to it."""
    whole = api.get(path).content
    lent: list[bytes] = []

    def lend(data: bytes, **_: Any) -> str:
        lent.append(data)
        return f"https://storage.example/{len(lent)}"

    monkeypatch.setattr(edge, "in_cloud", lambda: True)
    monkeypatch.setattr(edge, "LARGEST_BODY_IN_CLOUD", 100)
    monkeypatch.setattr(staging, "lend", lend)
    answer = api.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://storage.example/1")
    assert lent == [whole]
    part = api.get(path, headers={"Range": "bytes=7-"})
    assert (part.status_code, part.content) == (206, whole[7:107])
    assert part.headers["content-range"] == f"bytes 7-106/{len(whole)}"
