"""Walking over the rows of all people's blobs, which may take hours: no transaction is open between two pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from photovault import db

if TYPE_CHECKING:
    from photovault.blobs import Record
    from photovault.db import Connection

PAGE = 500

Place = tuple[UUID, str]
"""Where a walk is: a blob's photo and name."""
FIRST: Place = (UUID(int=0), "")


class Page(Protocol):
    """A page of the rows after a place, in their order, such as ``blobs.walk`` and ``blobs.away``."""

    def __call__(self, conn: Connection, *, after: Place, limit: int) -> list[Record]: ...


def records(page: Page, *, after: Place = FIRST) -> Iterator[Record]:
    """All rows after a place, page by page. Raises ``Unavailable``."""
    while True:
        with db.maintenance() as conn:
            found = page(conn, after=after, limit=PAGE)
        yield from found
        if len(found) < PAGE:
            return
        after = place_of(found[-1])


def place_of(record: Record) -> Place:
    """Where a walk is after this row."""
    return record.image_id, record.name
