"""Headers of requests and answers about bytes: conditions, ranges, entity tags, names of files (RFC 9110). Pure."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from photovault.errors import RangeNotSatisfiable

# What file systems take as a name. In a header it is three times as long, in a signed address once more.
LONGEST_NAME = 255  # bytes of UTF-8

# More digits than any length in bytes has; such positions are past the end of everything.
_PAST_EVERYTHING = 10**18

_ENDING = re.compile(r"(?<=.)\.\w{1,10}$", re.ASCII)
_KEPT_ENDING = re.compile(r"(?: \([a-z]+\))?\.\w{1,10}$", re.ASCII)

# Controls, line and paragraph ends, marks that turn the writing's direction, and lone surrogates.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")


@dataclass(frozen=True)
class Conditions:
    """What a request says of the copy that its sender has, and the part that it asks for.

    Entity tags given here are strong. Conditions on dates are not looked at: nothing here has a Last-Modified.
    """

    if_match: str | None = None
    if_none_match: str | None = None
    if_range: str | None = None
    range: str | None = None

    def fails(self, etag: str) -> bool:
        """Whether something else than the sender expects is here: 412."""
        return self.if_match is not None and not _names(self.if_match, etag)

    def is_current(self, etag: str) -> bool:
        """Whether the sender has this already: 304."""
        return self.if_none_match is not None and _names(self.if_none_match.replace('W/"', '"'), etag)

    def part(self, etag: str, size: int) -> tuple[int, int] | None:
        """The bytes [start, stop) asked for; None for the whole. Raises ``RangeNotSatisfiable``.

        What the sender began with may be another thing than this. Then the range does not matter at all, and neither
        a weak tag nor a date says that it is the same.
        """
        if self.if_range is not None and self.if_range.strip() != etag:
            return None
        return parse_range(self.range, size)


def conditions(lines_of: Callable[[str], Sequence[str]]) -> Conditions:
    """Those of a request. ``lines_of`` gives a header's lines, which are one list however many they are (5.3)."""

    def joined(name: str) -> str | None:
        lines = lines_of(name)
        return ", ".join(lines) if lines else None

    return Conditions(joined("if-match"), joined("if-none-match"), joined("if-range"), joined("range"))


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes [start, stop) that a Range header asks for; None for the whole.

    Other units, several ranges and malformed headers are ignored, as the standard allows. Raises
    ``RangeNotSatisfiable`` for a range that lies outside.
    """
    unit, _, ranges = (header or "").partition("=")
    if unit.lower() != "bytes":
        return None
    found = [part for part in (part.strip(" \t") for part in ranges.split(",")) if part]  # lists may have empty items
    match = re.fullmatch(r"([0-9]*)-([0-9]*)", found[0]) if len(found) == 1 else None
    if match is None or match[0] == "-":
        return None
    first, last = match[1], match[2]
    if not first:
        return _suffix(_position(last), size)
    if last and _position(last) < _position(first):
        return None
    if _position(first) >= size:
        raise RangeNotSatisfiable(size)
    return _position(first), min(size, _position(last) + 1) if last else size


def _suffix(length: int, size: int) -> tuple[int, int] | None:
    if length == 0:
        raise RangeNotSatisfiable(size)
    return (max(0, size - length), size) if size else None  # the end of nothing is all of it


def _position(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= 18 else _PAST_EVERYTHING


def content_disposition(filename: str, *, inline: bool) -> str:
    """How to show or keep what is sent, with its name in ASCII and, for those that can, in full (RFC 6266, RFC 8187).

    Characters that no name on one line can have are left out, those that divide folders become underscores, and a name
    that no file system takes is cut before its ending.
    """
    name = _fitting(re.sub(r"[/\\]", "_", _UNFIT.sub("", filename)).strip())
    plain = re.sub(r"[^A-Za-z0-9._ ()-]", "_", name)
    extended = urllib.parse.quote(name, safe="")
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{extended}"


def rendition_name(filename: str, rendition: str, extension: str) -> str:
    """What a smaller version is called, so that it is known for what it is beside the original: IMG_1 (preview).jpg."""
    return f"{_ENDING.sub('', filename)} ({rendition}).{extension}"


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in [tag.strip() for tag in header.split(",")]


def _fitting(name: str) -> str:
    encoded = name.encode()
    if len(encoded) > LONGEST_NAME:
        ending = _KEPT_ENDING.search(name)
        kept = ending[0].encode() if ending else b""
        name = (encoded[: LONGEST_NAME - len(kept)] + kept).decode(errors="ignore")
    return name if name.strip(". ") else "photo"
