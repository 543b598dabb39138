"""Originals of single photos, opened on this computer and written into a folder, each compared with its SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from photovault import export_layout
from photovault.client import Client
from photovault.errors import BlobMissing, Forbidden, Tampered

PIECE = 1024 * 1024


class Folder:
    """A folder that photos are written to. No two get one name, and a file that was there is never written over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: set[str] = set()

    def fetch(self, client: Client, photo: Mapping[str, Any]) -> tuple[Path, bool]:
        """A photo's file, and whether it was there already with the same bytes.

        ``photo`` is as the API lists it. Raises ``Tampered``, ``BlobMissing``, ``Unavailable``, ``OSError``.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        stem, suffix = export_layout.split(export_layout.photo_name(photo))
        number = 1
        while True:
            path = self.folder / (f"{stem}{suffix}" if number == 1 else f"{stem} ({number}){suffix}")
            number += 1
            if path.name.casefold() in self._taken:
                continue
            if not os.path.lexists(path):
                break
            if _is(path, photo):
                self._taken.add(path.name.casefold())
                return path, True
        self._taken.add(path.name.casefold())
        fresh = path.with_name(f".{path.name}.part")
        try:
            _write(client, photo, fresh)
            fresh.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
        return path, False


def _is(path: Path, photo: Mapping[str, Any]) -> bool:
    """Whether a file has a photo's bytes."""
    try:
        if not path.is_file() or path.stat().st_size != photo["bytes"]:
            return False
        with path.open("rb") as file:
            return bool(hashlib.file_digest(file, "sha256").hexdigest() == photo["sha256"])
    except OSError:
        return False


def _write(client: Client, photo: Mapping[str, Any], target: Path) -> None:
    for again in (True, False):
        detail = client.json("GET", f"/images/{photo['id']}")
        ticket = detail["tickets"].get("original")
        if ticket is None:
            raise BlobMissing("The vault has no sealed file of it yet.")
        digest = hashlib.sha256()
        target.unlink(missing_ok=True)  # and never through a link that somebody laid there
        try:
            with client.opened(ticket, image_id=UUID(detail["id"])) as opener, target.open("xb") as file:
                for chunk in opener.chunks(0, opener.size):
                    digest.update(chunk)
                    file.write(chunk)
        except Forbidden:  # the ticket ran out on its way
            if not again:
                raise
            continue
        if digest.hexdigest() != detail["sha256"]:
            raise Tampered("Its bytes are not those that were uploaded.")
        return
