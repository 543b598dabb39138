"""What a check of the vault finds, counts, and goes on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from photovault import cursors
from photovault.errors import BadCursor
from photovault.pipeline.walking import FIRST, Place

Kind = Literal["lost", "tampered", "orphan", "unchecked", "unknown-to-the-database"]
Outcome = Literal["", "mended", "removed"]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. ``outcome`` says what a repair made of it, ``detail`` is a sentence.

    The ids are those of a row, absent for files that no row names and for what is told of a whole storage.
    ``bytes`` is the file's length, or the one that the row says; ``count`` says of how many blobs this is told.
    """

    kind: Kind
    driver: str
    detail: str
    key: str = ""
    user_id: UUID | None = None
    image_id: UUID | None = None
    name: str = ""
    bytes: int = 0
    count: int = 1
    outcome: Outcome = ""


@dataclass
class Tally:
    """What was seen so far. ``cursor`` leads on from there; None when everything was looked at, or nothing yet."""

    blobs: int = 0
    bytes: int = 0
    lost: int = 0
    tampered: int = 0
    unchecked: int = 0
    files: int = 0
    young: int = 0
    foreign: int = 0
    orphans: int = 0
    mended: int = 0
    removed: int = 0
    refused: int = 0
    cursor: str | None = None

    def take(self, finding: Finding) -> None:
        """Count a finding, once it is known what became of it."""
        match finding.kind:
            case "lost":
                self.lost += 1
            case "tampered":
                self.tampered += 1
            case "orphan" if finding.outcome != "mended":  # else it is none: it was what a row looked for
                self.orphans += 1
            case "unchecked":
                self.unchecked += finding.count
            case "unknown-to-the-database":
                self.refused += 1
        self.mended += finding.outcome == "mended"
        self.removed += finding.outcome == "removed"

    @property
    def left(self) -> int:
        """Findings that nothing was done about."""
        return max(0, self.lost + self.tampered - self.mended) + self.orphans - self.removed

    @property
    def complete(self) -> bool:
        """Whether everything could be looked at and judged."""
        return not self.unchecked and not self.refused


@dataclass(frozen=True)
class Position:
    """Where to begin: after a row, or, with ``driver`` set, after a file of that driver, all rows being done."""

    row: Place = FIRST
    driver: str | None = None
    key: str = ""

    @classmethod
    def of(cls, cursor: str | None) -> Position:
        """Raises ``BadCursor``."""
        if not cursor:
            return cls()
        try:
            found = cursors.decode("storage-check-rows", cursor, "us")
        except BadCursor:
            driver, key = cursors.decode("storage-check-files", cursor, "ss") or ("", "")
            return cls(driver=driver, key=key)
        return cls(row=(found[0], found[1]) if found else FIRST)

    @property
    def cursor(self) -> str:
        if self.driver is None:
            return cursors.encode("storage-check-rows", *self.row)
        return cursors.encode("storage-check-files", self.driver, self.key)


def unchecked(driver: str, why: str, *, count: int = 1) -> Finding:
    """What could not be looked at; no loss, as far as anybody knows."""
    return Finding("unchecked", driver, f"Not checked: {why}", count=count)
