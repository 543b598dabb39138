"""Photos written into a folder: under names of their own, over nothing, and through no link."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from photovault import ids
from photovault.client import Client
from photovault.downloading import Folder

BYTES = b"a photo, as it was uploaded"


@dataclass
class Opener:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        yield self.data[start:end]


class Vault:
    """As much of a client as a download asks for."""

    def json(self, method: str, path: str) -> dict[str, Any]:
        assert method == "GET"
        return photo("IMG_1.jpg") | {"id": path.rpartition("/")[2], "tickets": {"original": {}}}

    @contextmanager
    def opened(self, ticket: Mapping[str, Any], *, image_id: UUID) -> Iterator[Opener]:
        del ticket, image_id
        yield Opener(BYTES)


VAULT = cast(Client, Vault())


def photo(filename: str) -> dict[str, Any]:
    return {
        "id": str(ids.new()),
        "filename": filename,
        "content_type": "image/jpeg",
        "bytes": len(BYTES),
        "sha256": hashlib.sha256(BYTES).hexdigest(),
    }


def test_what_lies_in_the_way_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.jpg").write_bytes(b"another photo")
    written, was_there = Folder(tmp_path).fetch(VAULT, photo("IMG_1.jpg"))
    assert (written.name, was_there) == ("IMG_1 (2).jpg", False)
    assert (tmp_path / "IMG_1.jpg").read_bytes() == b"another photo"


@pytest.mark.parametrize("laid", ["IMG_1.jpg", ".IMG_1.jpg.part"])
def test_nothing_is_written_through_a_link_that_was_laid_there(tmp_path: Path, laid: str) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / laid).symlink_to(mine)
    written, _ = Folder(tmp_path / "out").fetch(VAULT, photo("IMG_1.jpg"))
    assert written.read_bytes() == BYTES
    assert not written.is_symlink()
    assert mine.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "name", ["../../out.jpg", "/etc/passwd", "..", "a\\..\\b.jpg", "C:x.jpg", "nul", ".ssh", "a\x00b", "x/../../y", "~"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "out"
    written, _ = Folder(folder).fetch(VAULT, photo(name))
    assert written.parent == folder
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [written]
    assert not written.name.startswith(".")
