"""Headers of requests and answers about bytes: ranges, entity tags, names of files. Pure."""

from __future__ import annotations

import re
import urllib.parse

from photovault.errors import RangeNotSatisfiable


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this entity tag, or any (RFC 9110)."""
    if header is None:
        return False
    return header.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in header.split(",")]


def range_applies(if_range: str | None, etag: str) -> bool:
    """Whether the range is of what the client has begun with, by its If-Range header."""
    return if_range is None or if_range.strip() == etag


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes [start, stop) that a Range header asks for (RFC 9110); None for the whole.

    Other units, several ranges and malformed headers are ignored, as the standard allows. Raises
    ``RangeNotSatisfiable`` for a range that lies outside.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (header or "").strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        if int(last) == 0:
            raise RangeNotSatisfiable(size)
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise RangeNotSatisfiable(size)
    return int(first), min(size, int(last) + 1) if last else size


def content_disposition(filename: str) -> str:
    """``inline`` with the name in ASCII and, for those that can, in full (RFC 6266, RFC 8187)."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", filename)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{urllib.parse.quote(filename, safe='')}"
