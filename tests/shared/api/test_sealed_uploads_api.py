"""Announcing sealed uploads over HTTP, and a vault that takes no others."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.shared.api.photos import JPEG, problem, sealed_photo
from tests.vaults import Somebody, client, somebody

from photovault import db, sealing, staging, users
from photovault.api import edge, health, viewing
from photovault.api import images as api_images
from photovault.settings import get_settings

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[UUID, UUID], bytes]:
    """What was put into staging."""
    held: dict[tuple[UUID, UUID], bytes] = {}

    def put(user_id: UUID, image_id: UUID, data: bytes, **_: str) -> None:
        held[user_id, image_id] = data

    monkeypatch.setattr(staging, "put", put)
    monkeypatch.setattr(staging, "holds", lambda user_id, image_id: (user_id, image_id) in held)
    return held


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([api_images.router, viewing.router, health.router])


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REQUIRE_SEALED_UPLOADS", "true")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def person(vault: Path) -> Somebody:
    return somebody()


def announcement(data: bytes = JPEG, **changes: Any) -> dict[str, Any]:
    whole = {"filename": "IMG_1.jpg", "content_type": "image/jpeg", "size": len(data)}
    return whole | {"sha256": hashlib.sha256(data).hexdigest()} | changes


def announce(api: TestClient, person: Somebody, *items: dict[str, Any], **options: Any) -> Any:
    return api.post("/images/uploads", headers=person.headers, json={"items": list(items), **options})


def reserved(person: Somebody) -> int:
    with db.transaction(person.user_id) as conn:
        user = users.get(conn)
    assert user is not None
    return user.reserved_bytes


def test_a_sealed_announcement_is_answered_with_all_that_seals_the_file(api: TestClient, person: Somebody) -> None:
    answer = announce(api, person, announcement(), sealed=True)
    assert answer.status_code == 201
    (item,) = answer.json()["items"]
    seal = item["seal"]
    assert set(seal) == {"name", "key", "user_id", "image_id", "sealed_bytes"}
    assert (seal["name"], seal["user_id"], seal["image_id"]) == ("upload", str(person.user_id), item["image_id"])
    address = sealing.Address(UUID(seal["user_id"]), UUID(seal["image_id"]), seal["name"])
    envelope = sealing.seal(JPEG, key=base64.urlsafe_b64decode(seal["key"]), address=address)
    assert len(envelope) == seal["sealed_bytes"]
    fields = item["post"]["fields"]
    assert fields["Content-Type"] == "application/octet-stream"
    policy = json.loads(base64.b64decode(fields["policy"]))
    assert ["content-length-range", len(envelope), len(envelope)] in policy["conditions"]
    assert reserved(person) == len(JPEG), "the quota counts photos, not envelopes"


@pytest.mark.parametrize("options", [{}, {"sealed": False}], ids=["default", "false"])
def test_nothing_is_sealed_that_was_not_asked_to_be(api: TestClient, person: Somebody, options: dict[str, Any]) -> None:
    (item,) = announce(api, person, announcement(), **options).json()["items"]
    assert item["seal"] is None
    assert "x-amz-checksum-sha256" in item["post"]["fields"]


def test_whether_to_seal_is_asked_anew_each_time(api: TestClient, person: Somebody) -> None:
    (first,), (second,), (third,) = (
        announce(api, person, announcement(), sealed=sealed).json()["items"] for sealed in (True, False, True)
    )
    assert first["image_id"] == second["image_id"] == third["image_id"]
    assert second["seal"] is None
    assert third["seal"] == first["seal"]


def test_what_is_there_already_gets_no_key(api: TestClient, person: Somebody) -> None:
    sealed_photo(person)
    (item,) = announce(api, person, announcement(), sealed=True).json()["items"]
    assert (item["state"], item["post"], item["seal"]) == ("duplicate", None, None)


@pytest.mark.parametrize("sealed", [None, "yes please", 2, []], ids=str)
def test_sealed_is_true_or_false(api: TestClient, person: Somebody, sealed: Any) -> None:
    found = problem(announce(api, person, announcement(), sealed=sealed), 422, "invalid")
    assert [each["field"] for each in found["errors"]] == ["sealed"]


# ---- another size --------------------------------------------------------------------------------------------------


def expire_posts(person: Somebody) -> None:
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE images SET post_expires_at = now() - interval '1 second'")


def test_a_wrong_size_keeps_the_right_file_out_for_no_longer_than_its_form_lives(
    api: TestClient, person: Somebody, staged: dict[tuple[UUID, UUID], bytes]
) -> None:
    (wrong,) = announce(api, person, announcement(size=len(JPEG) + 5)).json()["items"]
    assert "may still arrive" in problem(announce(api, person, announcement()), 409, "conflict")["detail"]
    expire_posts(person)
    (right,) = announce(api, person, announcement()).json()["items"]
    assert right["image_id"] == wrong["image_id"]
    assert reserved(person) == len(JPEG)


def test_a_file_that_has_arrived_is_not_contradicted(
    api: TestClient, person: Somebody, staged: dict[tuple[UUID, UUID], bytes]
) -> None:
    (item,) = announce(api, person, announcement()).json()["items"]
    staged[person.user_id, UUID(item["image_id"])] = JPEG
    expire_posts(person)
    problem(announce(api, person, announcement(size=1)), 409, "conflict")
    assert reserved(person) == len(JPEG)


# ---- strict mode ---------------------------------------------------------------------------------------------------


def test_health_says_whether_uploads_must_be_sealed(api: TestClient) -> None:
    assert api.get("/health").json()["sealed_uploads"] == "optional"


@pytest.mark.usefixtures("strict")
def test_a_strict_vault_says_so_to_whoever_asks(api: TestClient) -> None:
    assert api.get("/health").json()["sealed_uploads"] == "required"


@pytest.mark.usefixtures("strict")
def test_a_strict_vault_refuses_plain_announcements_and_names_the_way(api: TestClient, person: Somebody) -> None:
    found = problem(announce(api, person, announcement()), 422, "invalid")
    assert found["errors"] == [{"field": "sealed", "message": "must be true"}]
    assert "`sealed: true`" in found["detail"]
    assert reserved(person) == 0
    (item,) = announce(api, person, announcement(), sealed=True).json()["items"]
    assert item["seal"]


@pytest.mark.usefixtures("strict")
def test_a_strict_vault_takes_a_small_photo_through_the_api_and_seals_it_there(
    api: TestClient, person: Somebody, staged: dict[tuple[UUID, UUID], bytes]
) -> None:
    answer = api.post("/images/upload", headers=person.headers, files={"file": ("a.jpg", JPEG, "image/jpeg")})
    assert answer.status_code == 202
    (envelope,) = staged.values()
    assert envelope.startswith(sealing.MAGIC)
    assert JPEG[:64] not in envelope


@pytest.mark.usefixtures("strict")
def test_a_strict_vault_lends_no_plaintext_but_names_the_ways_around(
    api: TestClient, person: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = sealed_photo(person)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "library")
    monkeypatch.setattr(edge, "LARGEST_BODY_IN_CLOUD", len(JPEG) - 1)
    path = f"/images/{image_id}/view?rendition=original"
    detail = problem(api.get(path, headers=person.headers), 413, "too-large")["detail"]
    assert "Range" in detail
    assert "ticket" in detail
    part = api.get(path, headers={**person.headers, "Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, JPEG[:100])
