"""IPTC IIM: the datasets that press software writes into photos, out of streams that cannot be trusted.

Written from the IPTC-NAA Information Interchange Model, version 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from photovault import exif, moments

MAX_DATASETS = 1000

KEYWORDS = 25
LONGEST_KEYWORD = 64
"""Bytes; what is longer is cut by whoever writes it."""
CREATED = (55, 60)
"""Date Created and Time Created: of what the photo shows."""
DIGITIZED = (62, 63)
"""Digital Creation Date and Time: of the file, such as a scan's."""


def read(stream: bytes | None) -> dict[int, bytes]:
    """Datasets of record 2: number -> first value. What follows a broken or extended dataset is left out."""
    records: dict[int, bytes] = {}
    for number, value in _datasets(stream):
        records.setdefault(number, value)
    return records


def keywords(stream: bytes | None, *, most: int = 50) -> list[str]:
    """The first ``most`` values of Keywords, each printable and at most 100 characters."""
    found = (exif.clean(_whole(value), most=100) for number, value in _datasets(stream) if number == KEYWORDS)
    return [text for text in found if text][:most]


def _whole(keyword: bytes) -> bytes:
    """Without the half of a letter that is left where one was cut to its 64 bytes."""
    try:
        keyword.decode()
    except UnicodeDecodeError as error:
        if error.end == len(keyword) >= LONGEST_KEYWORD - 3:
            return keyword[: error.start]
    return keyword


def _datasets(stream: bytes | None) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(MAX_DATASETS):
        if not stream or at + 5 > len(stream) or stream[at] != 0x1C:
            break
        size = int.from_bytes(stream[at + 3 : at + 5], "big")
        if size & 0x8000:
            break
        if stream[at + 1] == 2:
            yield stream[at + 2], stream[at + 5 : at + 5 + size]
        at += 5 + size


def moment(records: Mapping[int, bytes], which: tuple[int, int]) -> moments.Written | None:
    """A date (CCYYMMDD) with its time (HHMMSS+HHMM), of ``CREATED`` or ``DIGITIZED``.

    A month or day of 00 is one that was not known. An offset of +0000 is what software writes that knows none.
    """
    day = re.fullmatch(rb"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", records.get(which[0], b"").strip(b" \0"))
    if day is None:
        return None
    year, month, date = day.groups()
    text = b"-".join(part for part in (year, month, date) if part != b"00")
    if month == b"00":
        return moments.parse(year.decode("ascii"))
    clock = re.fullmatch(
        rb"([0-9]{2}):?([0-9]{2}):?([0-9]{2})([+-][0-9]{2}:?[0-9]{2}|Z)?", records.get(which[1], b"").strip(b" \0")
    )
    if clock is not None and date != b"00":
        text += b"T" + b":".join(clock.groups()[:3]) + (clock[4] or b"")
    at = moments.parse(text.decode("ascii"))
    return None if at is None else (at[0], at[1] or None)


def text(records: Mapping[int, bytes], number: int) -> str | None:
    """A dataset's printable text, at most 2,000 characters."""
    raw = records.get(number)
    return exif.clean(raw, most=2000) if raw else None
