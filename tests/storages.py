"""Blobs in real storages: a vault whose home is Cloudinary (the stand-in) and whose fallback is a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.arranging import add_photo
from tests.cloudinary_stand_in import API_KEY, API_SECRET, CLOUD, StandIn
from tests.vaults import Somebody

from photovault import blobs, db, images, keyring, staging, storage, vault
from photovault.blobs import Blob
from photovault.settings import get_settings
from photovault.staging import Staged
from photovault.storage import placing


def reconfigure() -> None:
    """Let the next use read the settings anew."""
    get_settings.cache_clear()
    storage.driver.cache_clear()
    placing.forget()


@pytest.fixture
def hybrid(vault: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """STORAGE_DRIVER=hybrid with Cloudinary at home, which the test may take down, and the local folder behind it."""
    del vault
    with StandIn() as cloud:
        for name, value in {
            "STORAGE_DRIVER": "hybrid",
            "STORAGE_PRIMARY": "cloudinary",
            "STORAGE_FALLBACK": "local",
            "CLOUDINARY_CLOUD_NAME": CLOUD,
            "CLOUDINARY_API_KEY": API_KEY,
            "CLOUDINARY_API_SECRET": API_SECRET,
            "CLOUDINARY_UPLOAD_PREFIX": cloud.url,
        }.items():
            monkeypatch.setenv(name, value)
        reconfigure()
        yield cloud
    monkeypatch.undo()
    reconfigure()


@pytest.fixture
def emptied() -> Iterator[None]:
    """No blob is left of other tests, before or after."""

    def empty() -> None:
        for stored in list(storage.driver("local").list()):
            storage.driver("local").delete(stored.key)

    empty()
    yield
    empty()


@pytest.fixture
def settled(database_url: str) -> None:
    """Nothing of other tests' is away or retired."""
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE blobs SET away = false WHERE away")
        conn.execute("DELETE FROM retired_blobs")


@dataclass
class Shelf:
    """What lies in staging, by key: when it was put there."""

    notes: dict[str, datetime] = field(default_factory=dict)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The staging bucket as a dictionary, for notes alone."""
    held = Shelf()

    def objects(prefix: str = "") -> Iterator[Staged]:
        for key in sorted(held.notes):
            if key.startswith(prefix):
                yield Staged(key, 0, held.notes[key], None, None)

    monkeypatch.setattr(staging, "mark", lambda key: held.notes.update({key: datetime.now(UTC)}))
    monkeypatch.setattr(staging, "delete", lambda key: held.notes.pop(key, None))
    monkeypatch.setattr(staging, "objects", objects)
    return held


@dataclass
class Told:
    """Events with their keys, and what was counted, instead of being logged."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def error(self, event: str, *, extra: dict[str, Any]) -> None:
        self.events.append((event, extra))

    warning = error


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the vault tells of blobs that it refuses."""
    recorded = Told()
    monkeypatch.setattr(vault, "logger", lambda: recorded)
    monkeypatch.setattr(vault, "count", recorded.counted.append)
    return recorded


def add_blob(who: Somebody, data: bytes, *, name: str = "preview", image_id: UUID | None = None) -> Blob:
    """Store and commit a blob of a new photo, or of this one."""
    image_id = image_id or add_photo(who.user_id)
    blob = store(who, data, name=name, image_id=image_id)
    with db.transaction(who.user_id) as conn:
        blobs.add(conn, [blob])
    return blob


def store(who: Somebody, data: bytes, *, name: str = "preview", image_id: UUID) -> Blob:
    """Store a blob whose row is not written."""
    return vault.store(
        data,
        content_key=content_key(who, image_id),
        user_id=who.user_id,
        image_id=image_id,
        name=name,
        content_type="image/jpeg",
    )


def content_key(who: Somebody, image_id: UUID) -> bytes:
    with db.transaction(who.user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        return keyring.content_key_of(conn, image)


def content_keys(who: Somebody) -> dict[UUID, bytes]:
    """What each photo's blobs are sealed with, as a process finds it that has nothing in memory."""
    keyring.forget()
    with db.transaction(who.user_id) as conn:
        found = conn.execute("SELECT id, key_version, content_key FROM images").fetchall()
        return {
            image_id: keyring.content_key(conn, who.user_id, image_id, version=version, wrapped=bytes(wrapped))
            for image_id, version, wrapped in found
        }


def row(who: Somebody, blob: Blob) -> Blob | None:
    """The blob's row as it is now."""
    with db.transaction(who.user_id) as conn:
        return blobs.get(conn, blob.image_id, blob.name)


def opened(who: Somebody, blob: Blob) -> bytes:
    """The plaintext of a blob, by its row as it is now."""
    current = row(who, blob)
    assert current is not None
    return vault.fetch(current, content_key=content_key(who, blob.image_id), user_id=who.user_id)


def lying(driver: str) -> set[str]:
    """The keys of a storage."""
    return {stored.key for stored in storage.driver(driver).list()}


def overwrite(blob: Blob, data: bytes) -> None:
    """Put other bytes in a blob's place."""
    driver = storage.driver(blob.driver)
    driver.delete(blob.key)
    driver.put(blob.key, data, size=len(data))


def sealed(blob: Blob) -> bytes:
    """A blob as it lies there."""
    return storage.driver(blob.driver).get(blob.key)


def is_whole(blob: Blob) -> bool:
    return hashlib.sha256(sealed(blob)).digest() == blob.sha256


def retire_earlier(who: Somebody, by: timedelta) -> None:
    """Let a person's copies be retired so much longer ago."""
    with db.transaction(who.user_id) as conn:
        conn.execute("UPDATE retired_blobs SET retired_at = retired_at - %s", [by])
