"""What another service's export knows of a photo beside its file, and what of it a vault still lacks. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

# Where a photo's time comes from when neither it nor its name says anything: exports write their files anew.
_GUESSED = frozenset({"upload", "file_modified"})
_ESTIMATED, _PERSON = "estimated", "person"
_SAME_DEGREES = 0.00005
LONGEST_CAPTION = 2000
LONGEST_TITLE = 200
MOST_STARS = 5
# Names and tags that are kept of one photo.
_MOST_WORDS = 100


@dataclass(frozen=True)
class Known:
    """``taken`` is an instant with its zone; ``location`` are degrees north and east; ``filename`` is the first one.

    ``corrected_time`` (as ``taken_at`` of the API) and ``corrected_location`` are what a person said against the file;
    ``nowhere`` that they said that nobody knows where it was taken.
    ``rating`` is 1 to 5 stars, 0 for none; five are a favourite. ``labels`` are what it shows, ``wrong_labels`` what a
    person said that it does not. ``people`` is for telling what a vault has no place for: nobody says whose face a
    name belongs to; ``tags`` are as they were written, which albums can be made of.
    """

    filename: str = ""
    taken: datetime | None = None
    caption: str = ""
    favourite: bool = False
    archived: bool = False
    location: tuple[float, float] | None = None
    trashed: bool = False
    corrected_time: str = ""
    corrected_location: tuple[float, float] | None = None
    nowhere: bool = False
    rating: int = 0
    people: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    wrong_labels: tuple[str, ...] = ()

    def __or__(self, other: Known) -> Known:
        """Both together: copies of one photo may know different things of it. What is here comes first."""
        return Known(
            filename=self.filename or other.filename,
            taken=self.taken or other.taken,
            caption=self.caption or other.caption,
            favourite=self.favourite or other.favourite,
            archived=self.archived or other.archived,
            location=self.location or other.location,
            trashed=self.trashed and other.trashed,
            corrected_time=self.corrected_time or other.corrected_time,
            corrected_location=self.corrected_location or other.corrected_location,
            nowhere=self.nowhere or other.nowhere,
            rating=self.rating or other.rating,
            people=tuple(dict.fromkeys(self.people + other.people)),
            tags=tuple(dict.fromkeys(self.tags + other.tags)),
            labels=tuple(dict.fromkeys(self.labels + other.labels)),
            wrong_labels=tuple(dict.fromkeys(self.wrong_labels + other.wrong_labels)),
        )

    @property
    def is_empty(self) -> bool:
        return (
            not self.is_favourite and replace(self, filename="", trashed=False, rating=0, people=(), tags=()) == Known()
        )

    @property
    def is_favourite(self) -> bool:
        """Whether it was marked as one, or has all the stars that there are."""
        return self.favourite or self.rating == MOST_STARS


def lacking(photo: Mapping[str, Any], known: Known, *, zone: tzinfo | None) -> dict[str, Any]:
    """What ``PATCH /images/{id}`` is to be told; empty when there is nothing.

    ``photo`` is as the API lists it. What its file or a person says stays, but for a caption, which is here as somebody
    left it. Exports give times in UTC: the clock on the
    wall is taken to have been that of ``zone`` (None: of this computer).
    """
    edit: dict[str, Any] = {}
    caption = known.caption[:LONGEST_CAPTION]
    if caption and caption != photo["caption"] and photo.get("caption_source") != _PERSON:
        edit["caption"] = caption
    if known.is_favourite and not photo["favourite"]:
        edit["favourite"] = True
    if known.archived and not photo["archived"]:
        edit["archived"] = True
    if photo["status"] != "ready":  # its file has not been read to its end
        return edit
    taken, location = photo["taken"], photo["location"]
    if known.corrected_time and (taken is None or not (taken["source"] == _PERSON or _says(taken, known))):
        edit["taken_at"] = known.corrected_time
    elif known.taken is not None and (taken is None or taken["source"] in _GUESSED):
        with suppress(OverflowError, ValueError):  # an end of the calendar, which other zones are beyond
            edit["taken_at"] = known.taken.astimezone(zone).replace(microsecond=0).isoformat()
    at = known.corrected_location
    if at is None and (location is None or location["source"] == _ESTIMATED):
        at = known.location
    if at is not None and (location is None or not (location["source"] == _PERSON or _is_at(location, at))):
        edit["location"] = {"lat": at[0], "lon": at[1]}
    elif at is None and known.nowhere and (location is None or location["source"] != _PERSON):
        edit["location"] = "nowhere"
    return edit


def parts(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Each level of tags such as ``Travel/Portugal`` by itself."""
    found = (title(part) for tag in tags for part in re.split(r"[/|]", tag))
    return tuple(dict.fromkeys(part for part in found if part))


def _says(taken: Mapping[str, Any], known: Known) -> bool:
    """Whether a photo's time is what it would be corrected to: the same moment, or without a zone the same clock."""
    try:
        corrected = datetime.fromisoformat(known.corrected_time).replace(microsecond=0)
    except ValueError:  # of a document that somebody wrote; the vault says what it thinks of it
        return False
    there = taken.get("instant") if corrected.tzinfo is not None else taken.get("local_time")
    return there is not None and bool(datetime.fromisoformat(there).replace(microsecond=0) == corrected)


def _is_at(location: Mapping[str, Any], at: tuple[float, float]) -> bool:
    """Whether a photo is where it would be corrected to, within some metres."""
    if location["source"] == _ESTIMATED or location.get("lat") is None:
        return False
    return bool(abs(location["lat"] - at[0]) < _SAME_DEGREES and abs(location["lon"] - at[1]) < _SAME_DEGREES)


def title(text: str) -> str:
    """What an album can be called: in one line, without controls, at most 200 characters; empty for nothing to see."""
    kept = "".join(" " if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} else each for each in text)
    kept = " ".join(kept.split())[:LONGEST_TITLE].strip()
    return kept if any(unicodedata.category(each) not in {"Cf", "Zs"} for each in kept) else ""


def words(listed: object) -> tuple[str, ...]:
    """Names or tags of a list that somebody else wrote, each once and in one line."""
    found = (title(each) for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
    return tuple(dict.fromkeys(each for each in found if each))[:_MOST_WORDS]


def stars(value: object) -> int:
    """A rating as 1 to 5; 0 for none, and for what is none."""
    try:
        found = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
    except ValueError:
        return 0
    return found if 1 <= found <= MOST_STARS else 0


def position(lat: object, lon: object) -> tuple[float, float] | None:
    """Degrees that are a place on Earth; None for others, and for 0, 0, which stands for none."""
    if not isinstance(lat, (int, float)) or not isinstance(lon, (int, float)):
        return None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
        return None
    return float(lat), float(lon)
