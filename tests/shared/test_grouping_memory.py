"""What a grouping remembers survives as bytes, and only whole."""

from __future__ import annotations

import dataclasses
import hashlib
from uuid import UUID

import numpy as np
import pytest

from photovault import grouping_memory
from photovault.grouping import Face, Matrix, group
from photovault.grouping_memory import Memory


def memory() -> Memory:
    """Of two people of three faces, a leaf, and a stranger whom somebody named."""
    axes = np.eye(8)
    vectors = np.stack([axes[0]] * 3 + [axes[1]] * 3 + [axes[0] + axes[2], axes[3]])
    faces = [
        Face(UUID(int=n + 1), hashlib.sha256(b"%d" % n).digest(), (0.0,), 1.0, founder=n != 6, row=n) for n in range(8)
    ]
    return group(faces, Matrix(vectors, faces), named={UUID(int=8): UUID(int=99)}).memory


def test_memory_comes_back_as_it_was_written() -> None:
    written = memory()
    read = Memory.from_bytes(written.to_bytes())
    assert read is not None
    for field in dataclasses.fields(Memory):
        before, after = getattr(written, field.name), getattr(read, field.name)
        assert np.array_equal(before, after), field.name
    assert len(read.targets) == 2
    assert any(read.laws)


def test_no_memory_comes_back_empty() -> None:
    read = Memory.from_bytes(Memory.empty().to_bytes())
    assert read is not None
    assert read.faces == ()


@pytest.mark.parametrize("damage", ["cut", "nothing", "other version", "noise"])
def test_what_is_not_whole_or_of_another_version_is_no_memory(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = memory().to_bytes()
    if damage == "other version":
        monkeypatch.setattr(grouping_memory, "VERSION", grouping_memory.VERSION + 1)
    broken = {"cut": data[:-1], "nothing": b"", "other version": data, "noise": bytes(range(256)) * 4}[damage]
    assert Memory.from_bytes(broken) is None
