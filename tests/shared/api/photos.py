"""A photo as vision leaves it, for tests of the API, and what a problem looks like."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.pictures import draw
from tests.vaults import Somebody

from photovault import blobs, db, images, keyring, uploads, users
from photovault import vault as sealed_vault

JPEG = draw(1, (64, 48))


def sealed_photo(
    person: Somebody, data: bytes = JPEG, *, filename: str = "IMG_1.jpg", taken: datetime | None = None
) -> UUID:
    """A photo as vision leaves it: sealed original, preview and thumbnail, ready."""
    digest = hashlib.sha256(data).digest()
    with db.transaction(person.user_id) as conn:
        (answer,) = uploads.announce(
            conn,
            person.user_id,
            [uploads.Announcement(filename, "image/jpeg", len(data), digest)],
            now=datetime.now(UTC),
        )
        image = images.get(conn, answer.image_id)
        assert image is not None
        key = keyring.content_key_of(conn, image)
        made = [
            sealed_vault.store(
                plaintext,
                content_key=key,
                user_id=person.user_id,
                image_id=image.id,
                name=name,
                content_type="image/jpeg",
            )
            for name, plaintext in (("original", data), ("preview", b"preview of " + data), ("thumbnail", b"small"))
        ]
        blobs.add(conn, made)
        revision = users.next_revision(conn)
        assert images.mark_sealed(conn, image.id, revision=revision)
        users.move_quota(conn, reserved=-len(data), used=len(data))
        moment = taken or datetime(2025, 5, 1, 12)
        conn.execute(
            "UPDATE images SET status = 'ready', vision_done_at = now(), embedding_done_at = now(), local_day = %s, "
            "sort_at = %s, taken_source = 'exif' WHERE id = %s",
            [moment.date(), moment, image.id],
        )
    return image.id


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"https://photovault.dev/problems/{kind}"
    assert body["status"] == status
    assert body["detail"]
    return body
