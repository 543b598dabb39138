"""A staging bucket in memory, for tests of what looks through it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest

from photovault import staging
from photovault.errors import StorageUnavailable
from photovault.staging import Staged


@dataclass
class Bucket:
    """Keys and contents. ``away`` makes every call fail; ``modified`` says when a key was stored."""

    contents: dict[str, bytes] = field(default_factory=dict)
    away: bool = False
    modified: dict[str, datetime] = field(default_factory=dict)

    def post(self, user_id: UUID, image_id: UUID, data: bytes = b"plaintext") -> str:
        """What a client's presigned post does."""
        key = staging.key_of(user_id, image_id)
        self.contents[key] = data
        return key

    def of(self, user_id: UUID) -> list[str]:
        return [key for key in self.contents if str(user_id) in key]

    def objects(self, prefix: str = "") -> Iterator[Staged]:
        self._check()
        for key, data in sorted(self.contents.items()):
            if key.startswith(prefix):
                modified = self.modified.setdefault(key, datetime.now(UTC))
                user_id, image_id = staging.ids_of(key) or (None, None)
                etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
                yield Staged(key, len(data), modified, user_id, image_id, etag)

    def get(self, user_id: UUID, image_id: UUID, *, at_most: int) -> bytes | None:
        self._check()
        found = self.contents.get(staging.key_of(user_id, image_id))
        return None if found is None else found[: at_most + 1]

    def find(self, user_id: UUID, image_id: UUID) -> Staged | None:
        key = staging.key_of(user_id, image_id)
        return next((found for found in self.objects(key) if found.key == key), None)

    def delete(self, key: str) -> None:
        self._check()
        self.contents.pop(key, None)
        self.modified.pop(key, None)

    def mark(self, key: str) -> None:
        self._check()
        self.contents[key] = b""
        self.modified[key] = datetime.now(UTC)

    def _check(self) -> None:
        if self.away:
            raise StorageUnavailable


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket()
    for name in ("objects", "find", "get", "delete", "mark"):
        monkeypatch.setattr(staging, name, getattr(made, name))
    return made
