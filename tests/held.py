"""The staging bucket as a dictionary, for tests of what happens to uploads that need no real one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from photovault import staging
from photovault.staging import Staged


def hold_staging(monkeypatch: pytest.MonkeyPatch, *, age: timedelta = timedelta(0)) -> dict[str, bytes]:
    """Objects by their keys, all of them of one age."""
    held: dict[str, bytes] = {}

    def get(user_id: UUID, image_id: UUID, *, at_most: int) -> bytes | None:
        data = held.get(staging.key_of(user_id, image_id))
        return None if data is None else data[: at_most + 1]

    def shown(key: str) -> Staged:
        return Staged(key, len(held[key]), datetime.now(UTC) - age, *(staging.ids_of(key) or (None, None)))

    def find(user_id: UUID, image_id: UUID) -> Staged | None:
        key = staging.key_of(user_id, image_id)
        return shown(key) if key in held else None

    def objects(prefix: str = "") -> Iterator[Staged]:
        return (shown(key) for key in sorted(held) if key.startswith(prefix))

    monkeypatch.setattr(staging, "get", get)
    monkeypatch.setattr(staging, "find", find)
    monkeypatch.setattr(staging, "objects", objects)
    monkeypatch.setattr(staging, "delete", lambda key: held.pop(key, None))
    return held
