"""iCloud Photos as Apple hands them out at privacy.apple.com: tables beside the photos, and what they say. Pure.

Several parts, each with a folder ``Photos`` that holds originals and tables ``Photo Details*.csv`` with the columns
imgName, favorite, hidden, deleted and originalCreationDate ("Saturday June 4,2022 12:11 PM GMT"). The first part has
``Albums/<title>.csv``, a column of names under the heading imgName, imageName or Images. What was thrown away lies in
``Recently Deleted``. Titles and captions of photos are not handed out.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

from photovault.beside import Known

DETAILS = re.compile(r"Photo Details(?:-\d+)?\.csv", re.IGNORECASE)
DELETED = "recently deleted"
ALBUMS = "albums"
# Apple's own, which every photo says of itself.
NO_ALBUMS = frozenset({"favorites", "hidden"})
_HEADINGS = frozenset({"imgname", "imagename", "images"})
_DATE = re.compile(r"\w+ (\w+) (\d{1,2}), ?(\d{4}),? (\d{1,2}):(\d{2}) ([AP])M (?:GMT|UTC)", re.IGNORECASE)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip


def details(document: bytes) -> dict[str, Known]:
    """What a table of details says, by file name. Raises nothing for what it holds."""
    known: dict[str, Known] = {}
    for row in _rows(document):
        name = row.get("imgname", "")
        if name:
            known[name] = Known(
                filename=name,
                taken=_date(row.get("originalcreationdate", "")),
                favourite=row.get("favorite", "").lower() == "yes",
                archived=row.get("hidden", "").lower() == "yes",
                trashed=row.get("deleted", "").lower() == "yes",
            )
    return known


def members(document: bytes) -> list[str]:
    """The names of an album's photos."""
    found = []
    for row in _rows(document):
        heading = next((heading for heading in row if heading in _HEADINGS), None)
        if heading is not None and row[heading]:
            found.append(row[heading])
    return found


def _rows(document: bytes) -> list[dict[str, str]]:
    text = document.decode("utf-8-sig", "replace").replace("\x00", "")
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return []
    if not rows:
        return []
    heading = [cell.strip().lower() for cell in rows[0]]
    at = heading.index("originalcreationdate") if "originalcreationdate" in heading else len(heading)
    found = []
    for row in rows[1:]:
        # A date holds a comma; where Apple left out the quotes, it has become two cells.
        cells = [*row[:at], ",".join(row[at : at + 2]), *row[at + 2 :]] if len(row) > len(heading) else row
        found.append({name: cell.strip() for name, cell in zip(heading, cells, strict=False)})
    return found


def _date(text: str) -> datetime | None:
    found = _DATE.fullmatch(" ".join(text.split()))
    if found is None or found[1].lower() not in _MONTHS:
        return None
    hour = int(found[4]) % 12 + (12 if found[6].lower() == "p" else 0)
    if not 1800 < int(found[3]) < 2200:  # in no time zone beyond what a calendar has
        return None
    try:
        return datetime(
            int(found[3]), _MONTHS.index(found[1].lower()) + 1, int(found[2]), hour, int(found[5]), tzinfo=UTC
        )
    except ValueError:
        return None
