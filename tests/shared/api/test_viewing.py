"""Photos as the vault opens them: whole, in part, described or refused, also in the middle of an answer."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from infra.local.api import start_api
from infra.local.ports import free_port
from tests.arranging import add_photo
from tests.shared.api.photos import JPEG, problem, sealed_photo
from tests.shared.api.test_served import SECONDS, SETTINGS
from tests.vaults import Somebody, client, somebody

from photovault import blobs, db, formats, images, sealing, staging, storage, users
from photovault.api import edge, viewing
from photovault.api import images as api_images

MIB = sealing.CHUNK_SIZE
LARGE = JPEG + hashlib.shake_256(b"large").digest(2 * MIB + 12_345)
ALWAYS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}

Large = tuple[Somebody, UUID]


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([api_images.router, viewing.router])


@pytest.fixture
def person(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture(scope="module")
def large(vault: Path) -> Large:
    """A photo of three sealed chunks, ``LARGE``."""
    person = somebody()
    return person, sealed_photo(person, LARGE, filename='ключ "quoted".jpg')


@pytest.fixture
def reads(vault: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Start and end of everything that is read from the storage from now on."""
    driver, asked = storage.driver("local"), []
    read: Callable[[str, int, int], bytes] = driver.read
    get: Callable[..., bytes] = driver.get

    def counted(key: str, offset: int, length: int) -> bytes:
        found = read(key, offset, length)
        asked.append((offset, offset + len(found)))
        return found

    def counted_whole(key: str, *, at_most: int | None = None) -> bytes:
        asked.append((0, len(found := get(key, at_most=at_most))))
        return found

    monkeypatch.setattr(driver, "read", counted)
    monkeypatch.setattr(driver, "get", counted_whole)
    return asked


def ask(
    api: TestClient, method: str, person: Somebody, image_id: UUID, rendition: str = "original", **headers: str
) -> Any:
    return api.request(
        method,
        f"/images/{image_id}/view",
        params={"rendition": rendition},
        headers=person.headers | {name.replace("_", "-"): value for name, value in headers.items()},
        follow_redirects=False,
    )


def view(api: TestClient, person: Somebody, image_id: UUID, rendition: str = "original", **headers: str) -> Any:
    answer = ask(api, "GET", person, image_id, rendition, **headers)
    assert answer.headers.items() >= ALWAYS.items(), "whatever the status"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    return answer


def blob_of(person: Somebody, image_id: UUID, name: str = "original") -> blobs.Blob:
    with db.transaction(person.user_id) as conn:
        found = blobs.get(conn, image_id, name)
    assert found is not None
    return found


def file_of(vault: Path, person: Somebody, image_id: UUID, name: str = "original") -> Path:
    return vault / "blobs" / blob_of(person, image_id, name).key


# ---------------------------------------------------------------------------------------------------------- whole


def test_the_original_comes_back_to_the_byte(api: TestClient, large: Large) -> None:
    answer = view(api, *large)
    assert answer.status_code == 200
    assert answer.content == LARGE
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(len(LARGE))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert urllib.parse.quote('ключ "quoted".jpg') in answer.headers["content-disposition"]


def test_the_preview_is_shown_unless_another_rendition_is_asked_for(api: TestClient, person: Somebody) -> None:
    image_id = sealed_photo(person)
    assert api.get(f"/images/{image_id}/view", headers=person.headers).content == b"preview of " + JPEG
    assert view(api, person, image_id, "thumbnail").content == b"small"
    problem(view(api, person, image_id, "metadata"), 422, "invalid")


def test_a_rendition_is_called_after_its_photo_and_told_apart(api: TestClient, person: Somebody) -> None:
    image_id = sealed_photo(person, filename="Straße 1.HEIC")
    for rendition, name in (
        ("original", "Straße 1.HEIC"),
        ("preview", "Straße 1 (preview).jpg"),
        ("thumbnail", "Straße 1 (thumbnail).jpg"),
    ):
        disposition = view(api, person, image_id, rendition).headers["content-disposition"]
        assert disposition.startswith("inline;")
        assert disposition.endswith(f"filename*=UTF-8''{urllib.parse.quote(name, safe='')}")


@pytest.mark.parametrize("content_type", sorted(formats.ACCEPTED))
def test_pictures_are_shown(api: TestClient, person: Somebody, content_type: str) -> None:
    image_id = sealed_photo(person)
    retype(person, image_id, content_type)
    answer = view(api, person, image_id)
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-disposition"].startswith("inline;")


@pytest.mark.parametrize(
    "content_type",
    ["application/octet-stream", "image/svg+xml", "text/html", "application/pdf", "", "a\r\nb"],
)
def test_what_is_not_known_to_be_a_picture_is_kept_and_not_run(
    api: TestClient, person: Somebody, content_type: str
) -> None:
    """Only the first of these gets in, until vision has looked: the others are what an error elsewhere could bring."""
    image_id = sealed_photo(person)
    retype(person, image_id, content_type)
    answer = view(api, person, image_id)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def retype(person: Somebody, image_id: UUID, content_type: str) -> None:
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE images SET content_type = %s WHERE id = %s", [content_type, image_id])


def test_a_photo_that_has_not_come_yet_says_so(api: TestClient, person: Somebody) -> None:
    pending = add_photo(person.user_id, status="pending")
    assert "pending" in problem(view(api, person, pending), 404, "not-found")["detail"]


def test_a_rejected_photo_says_why_it_cannot_be_shown(api: TestClient, person: Somebody) -> None:
    pending = add_photo(person.user_id, status="pending", sealed_at=None, vision_done_at=None, embedding_done_at=None)
    with db.transaction(person.user_id) as conn:
        images.reject(conn, pending, "It is broken.", revision=users.next_revision(conn))
    assert "It is broken." in problem(view(api, person, pending), 404, "not-found")["detail"]


# --------------------------------------------------------------------------------------------------------- in part


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99", (0, 100)),
        (f"bytes={MIB - 1}-{MIB}", (MIB - 1, MIB + 1)),
        (f"bytes={MIB}-{2 * MIB - 1}", (MIB, 2 * MIB)),
        ("bytes=100-", (100, None)),
        ("bytes=-77", (-77, None)),
        ("bytes=5-99999999999999999999", (5, None)),
        ("Bytes= 7-8,", (7, 9)),
    ],
)
def test_a_part_is_206_with_its_bytes_from_the_chunks_that_hold_it(
    api: TestClient, large: Large, reads: list[tuple[int, int]], header: str, part: tuple[int, int | None]
) -> None:
    answer = view(api, *large, Range=header)
    assert answer.status_code == 206
    assert answer.content == LARGE[slice(*part)]
    first = part[0] % len(LARGE)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(LARGE)}"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers.keys() >= {"etag", "cache-control", "vary", "content-disposition"}, "as the whole has"
    chunks = (first + len(answer.content) - 1) // MIB - first // MIB + 1
    header_size, *read = reads
    assert header_size == (0, sealing.header_size("original"))
    assert sum(end - begin for begin, end in read) <= chunks * (MIB + 16)


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "items=0-1", "bytes=9-5", "bytes=x"])
def test_several_ranges_and_other_units_give_the_whole(api: TestClient, person: Somebody, header: str) -> None:
    answer = view(api, person, sealed_photo(person), Range=header)
    assert (answer.status_code, answer.content) == (200, JPEG)


@pytest.mark.parametrize("header", [f"bytes={len(LARGE)}-", "bytes=99999999999999999999-", "bytes=-0"])
def test_a_range_outside_is_416_and_tells_the_length(
    api: TestClient, large: Large, reads: list[tuple[int, int]], header: str
) -> None:
    answer = view(api, *large, Range=header)
    problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(LARGE)}"
    assert reads == []


def test_a_range_of_another_version_gives_the_whole(api: TestClient, person: Somebody) -> None:
    image_id = sealed_photo(person)
    tag = view(api, person, image_id).headers["etag"]
    assert view(api, person, image_id, Range="bytes=0-3", If_Range=tag).status_code == 206
    for other in ('"other"', f"W/{tag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        for wanted in ("bytes=0-3", "bytes=99999-"):
            answer = view(api, person, image_id, Range=wanted, If_Range=other)
            assert (answer.status_code, answer.content) == (200, JPEG)


# ------------------------------------------------------------------------------------------------------ not at all


def test_what_one_has_already_is_304(api: TestClient, person: Somebody, reads: list[tuple[int, int]]) -> None:
    image_id = sealed_photo(person)
    whole = view(api, person, image_id)
    tag = whole.headers["etag"]
    reads.clear()
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            answer = ask(api, method, person, image_id, If_None_Match=header, Range="bytes=0-1")
            assert (answer.status_code, answer.content) == (304, b"")
            for name in ("etag", "cache-control", "vary"):
                assert answer.headers[name] == whole.headers[name]
    assert reads == []
    assert view(api, person, image_id, If_None_Match='"other"').status_code == 200
    assert view(api, person, image_id, "thumbnail", If_None_Match=tag).status_code == 200, "another rendition"


def test_what_one_does_not_expect_is_412(api: TestClient, person: Somebody, reads: list[tuple[int, int]]) -> None:
    image_id = sealed_photo(person)
    tag = view(api, person, image_id).headers["etag"]
    assert view(api, person, image_id, If_Match=f'"other", {tag}').status_code == 200
    reads.clear()
    problem(view(api, person, image_id, If_Match='"other"', If_None_Match=tag), 412, "precondition-failed")
    assert reads == []


@pytest.mark.parametrize("rendition", ["original", "preview"])
def test_a_head_tells_everything_but_the_bytes_and_reads_nothing(
    api: TestClient, large: Large, reads: list[tuple[int, int]], rendition: str
) -> None:
    whole = view(api, *large, rendition)
    reads.clear()
    for headers in ({}, {"Range": "bytes=5-6"}, {"Range": f"bytes={len(LARGE)}-"}):
        answer = ask(api, "HEAD", *large, rendition, **headers)
        assert (answer.status_code, answer.content) == (200, b"")
        assert dict(answer.headers) == dict(whole.headers)
    assert reads == []


def test_a_head_is_refused_as_a_get_is(api: TestClient, person: Somebody) -> None:
    theirs = sealed_photo(somebody())
    assert ask(api, "HEAD", person, theirs).status_code == 404
    assert ask(api, "HEAD", person, add_photo(person.user_id)).status_code == 404
    assert api.head(f"/images/{theirs}/view").status_code == 401


# ------------------------------------------------------------------------------------------- tampered with and lost


def test_a_blob_that_was_changed_is_never_shown_and_one_that_was_lost_is_again_when_it_is_back(
    api: TestClient, person: Somebody, vault: Path
) -> None:
    image_id = sealed_photo(person)
    path = file_of(vault, person, image_id)
    sealed = path.read_bytes()
    for wrong in (flipped(sealed, len(sealed) - 20), flipped(sealed, 40), sealed[:-1], sealed[:50], b""):
        path.write_bytes(wrong)
        for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=-9"}):
            answer = view(api, person, image_id, **headers)
            told = problem(answer, 500, "tampered")
            assert str(image_id) in told["detail"]
            assert "not served" in told["detail"]
            assert JPEG[:50] not in answer.content
            assert answer.headers["cache-control"] == "no-store"
    path.unlink()
    for _ in range(2):
        told = problem(view(api, person, image_id), 500, "blob-missing")
        assert str(image_id) in told["detail"]
    path.write_bytes(sealed)
    assert view(api, person, image_id).content == JPEG


def flipped(sealed: bytes, position: int) -> bytes:
    return sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]


def test_two_blobs_that_changed_places_are_both_refused(api: TestClient, person: Somebody, vault: Path) -> None:
    """Of two photos, and of one: what is sealed for one place opens in no other."""
    one, other = sealed_photo(person), sealed_photo(person, JPEG[::-1])
    for places in (((one, "original"), (other, "original")), ((one, "original"), (one, "preview"))):
        paths = [file_of(vault, person, image_id, name) for image_id, name in places]
        contents = [path.read_bytes() for path in paths]
        for path, content in zip(paths, reversed(contents), strict=True):
            path.write_bytes(content)
        for image_id, name in places:
            told = problem(view(api, person, image_id, name), 500, "tampered")
            assert str(image_id) in told["detail"]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
    assert view(api, person, one).content == JPEG


@pytest.fixture(scope="module")
def port(vault: Path) -> Iterator[int]:
    """uvicorn with the whole API, on the vault's database and blobs."""
    found = free_port()
    child = start_api(found, {name: os.environ[name] for name in SETTINGS}, vault / "viewing.log")
    yield found
    child.stop(patience=5)


@pytest.mark.parametrize("wrong", ["flipped", "truncated"])
def test_what_is_found_wrong_in_the_middle_breaks_the_connection_off(
    vault: Path, large: Large, port: int, wrong: str
) -> None:
    """Two of three chunks are sent when the last one does not verify: nobody takes them for the photo."""
    person, image_id = large
    path = file_of(vault, person, image_id)
    sealed = path.read_bytes()
    path.write_bytes(flipped(sealed, len(sealed) - 1) if wrong == "flipped" else sealed[:-1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", f"/images/{image_id}/view?rendition=original", headers=person.headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["content-length"] == str(len(LARGE))
        with pytest.raises(http.client.IncompleteRead) as broken_off:
            answer.read()
    finally:
        connection.close()
        path.write_bytes(sealed)
    assert broken_off.value.partial == LARGE[: 2 * MIB]
    log = (vault / "viewing.log").read_text()
    assert "blob.tampered" in log
    assert str(image_id) in log


# ------------------------------------------------------------------------------------------------ behind a gateway


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A gateway that takes 1 MiB, and what is lent because of it."""
    found: list[dict[str, Any]] = []

    def lend(data: bytes, **details: Any) -> str:
        found.append({"data": data, **details})
        return f"https://storage.example/outgoing/{len(found)}"

    monkeypatch.setattr(edge, "in_cloud", lambda: True)
    monkeypatch.setattr(edge, "LARGEST_BODY_IN_CLOUD", MIB)
    monkeypatch.setattr(staging, "lend", lend)
    return found


def test_large_originals_leave_the_cloud_through_the_storage_at_a_new_address_each_time(
    api: TestClient, large: Large, lent: list[dict[str, Any]]
) -> None:
    for number in (1, 2):
        answer = view(api, *large)
        assert (answer.status_code, answer.content) == (303, b"")
        assert answer.headers["location"] == f"https://storage.example/outgoing/{number}"
        assert answer.headers["cache-control"] == "no-store"
        assert lent[-1]["data"] == LARGE
        assert lent[-1]["content_type"] == "image/jpeg"
        assert lent[-1]["disposition"].startswith('inline; filename="')
    tag = ask(api, "HEAD", *large).headers["etag"]
    assert view(api, *large, If_None_Match=tag).status_code == 304
    assert len(lent) == 2, "nothing is lent to whoever only asks what it is, or has it"


def test_a_part_beyond_the_gateways_limit_is_cut_to_it(
    api: TestClient, large: Large, lent: list[dict[str, Any]]
) -> None:
    part = view(api, *large, Range="bytes=10-")
    assert part.status_code == 206
    assert part.content == LARGE[10 : 10 + MIB], "less than asked for, as a server may"
    assert part.headers["content-range"] == f"bytes 10-{9 + MIB}/{len(LARGE)}"
    assert lent == []


def test_what_cannot_be_opened_is_a_problem_there_in_whichever_chunk(
    api: TestClient, large: Large, lent: list[dict[str, Any]], vault: Path
) -> None:
    """The gateway takes an answer in one piece, so there is none that breaks off."""
    person, image_id = large
    path = file_of(vault, person, image_id)
    sealed = path.read_bytes()
    path.write_bytes(flipped(sealed, 2 * MIB - 100))
    try:
        for headers in ({}, {"Range": f"bytes={MIB - 10}-{2 * MIB - 20}"}):
            told = problem(view(api, person, image_id, **headers), 500, "tampered")
            assert str(image_id) in told["detail"]
    finally:
        path.write_bytes(sealed)
    assert lent == []
