"""When and where a photo was taken, with what, and which source was believed.

Sources of the time, the first plausible one wins:

    sidecar         of an XMP file beside the photo, as photo software writes it after the photo: what it says anew
    exif            DateTimeOriginal with SubSecTimeOriginal
    gps             the GPS receiver's date and time (UTC), where the position tells what the clocks there showed
    xmp             exif:DateTimeOriginal, photoshop:DateCreated
    iptc            Date Created and Time Created
    exif_digitized  DateTimeDigitized: when a film was scanned or a file was made; so the next two
    xmp_digitized   exif:DateTimeDigitized, xmp:CreateDate
    iptc_digitized  Digital Creation Date and Time
    png             a PNG's text ``Creation Time``
    gps             the receiver's time without a position: an instant, and UTC in place of the local time
    filename        the date in the name of the file
    exif_modified   DateTime: no earlier than the photo, and no later than the upload
    png_modified    a PNG's tIME (UTC)
    file_modified   when the file was last changed, as the device that it came from told it
    upload          nothing above; ``taken`` is None and callers use the upload's own time

Sources of the offset from UTC, in order: ``exif`` (OffsetTimeOriginal and kin) or what the time's own source wrote,
``gps`` (what the clock shows minus the satellites' time), ``place`` (the zone at the position), ``xmp`` and ``iptc``
(an offset that they hold beside the same wall-clock time).
The wall-clock time is what the photographer saw and is never shifted; where no offset is known, ``instant`` is None.

Bad metadata never raises: an impossible value falls through to the next source. A time that cameras show whose clock
was never set is believed only where ``gps``, ``xmp``, ``iptc`` and ``filename`` say nothing else; of a sidecar always.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from photovault import datenames, embedded, exif, formats, iptc, moments, motion, timezones, xmp

SOURCES = (
    "sidecar", "exif", "gps", "xmp", "iptc", "exif_digitized", "xmp_digitized", "iptc_digitized", "png", "filename",
    "exif_modified", "png_modified", "file_modified", "upload", "person",
)  # fmt: skip
"""Every value of ``taken_source``. Callers write ``upload`` when ``taken`` is None, and ``person`` for a correction."""

ZoneAt = Callable[[float, float], str | None]

Extra = dict[str, str | int | float | bool | list[str]]

# Sources that may contradict a clock that was probably never set.
_INDEPENDENT = frozenset({"gps", "xmp", "iptc", "filename"})
_MOST_KEYWORDS = 50


@dataclass(frozen=True)
class Taken:
    """``local`` is the naive wall-clock time and ``local_day`` its day; ``instant`` is UTC, None without an offset."""

    instant: datetime | None
    offset_minutes: int | None
    local: datetime
    local_day: date
    source: str
    offset_source: str | None = None


class Location(NamedTuple):
    """Degrees north and east, WGS 84; ``source`` is ``exif``, ``xmp`` or ``sidecar``."""

    latitude: float
    longitude: float
    source: str


@dataclass(frozen=True)
class Metadata:
    """What a file says about itself. ``extra`` holds JSON values only."""

    taken: Taken | None
    location: Location | None
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    orientation: int = 1
    extra: Extra = field(default_factory=dict)
    zone: str | None = None
    """The IANA zone at ``location``."""


class _Clock(NamedTuple):
    """A candidate: naive local time, or UTC when ``utc``; minutes of offset when the source wrote one."""

    at: datetime
    source: str
    offset: int | None = None
    offset_source: str | None = None
    utc: bool = False


class _Said(NamedTuple):
    """Everything that speaks about one photo."""

    blocks: embedded.Blocks
    tags: exif.Tags
    properties: xmp.Properties
    records: Mapping[int, bytes]
    keywords: list[str]
    beside: xmp.Properties
    filename: str | None
    file_modified: datetime | None


def read(
    data: bytes,
    *,
    filename: str | None,
    uploaded_at: datetime,
    zone_at: ZoneAt | None,
    sidecar: bytes | None = None,
    file_modified: datetime | None = None,
) -> Metadata:
    """Read a photo's metadata out of its bytes and, as an importer gives it, the XMP file beside it.

    ``uploaded_at`` is aware, ``file_modified`` naive; ``zone_at`` takes latitude and longitude. Never raises for what
    the bytes hold.
    """
    blocks = formats.blocks(data)
    tags = exif.read(blocks.exif, exif=blocks.exif_part, gps=blocks.gps_part)
    press = _packet(0x83BB, tags) if blocks.iptc is None else blocks.iptc
    said = _Said(
        blocks=blocks,
        tags=tags,
        properties=xmp.read(_packet(0x02BC, tags) if blocks.xmp is None else blocks.xmp),
        records=iptc.read(press),
        keywords=iptc.keywords(press),
        beside=xmp.read(sidecar),
        filename=filename,
        file_modified=file_modified,
    )
    location = _location(said)
    zone = zone_at(location.latitude, location.longitude) if location and zone_at else None
    properties = said.properties.under(said.beside)
    return Metadata(
        taken=_taken(said, zone=zone, latest=uploaded_at.astimezone(UTC) + timedelta(days=1)),
        location=location,
        camera_make=tags.text(0x010F, tags.image) or properties.text("tiff:Make"),
        camera_model=tags.text(0x0110, tags.image) or properties.text("tiff:Model"),
        lens=tags.text(0xA434, tags.exif) or properties.text("aux:Lens"),
        orientation=tags.orientation,
        extra=_extra(said, properties),
        zone=zone,
    )


def _packet(tag: int, tags: exif.Tags) -> bytes | None:
    value = tags.image.get(tag)
    return value if isinstance(value, bytes) else None


# When


def _clocks(said: _Said, *, zone: str | None) -> Iterator[_Clock]:
    """All candidates in order of trust."""
    tags, properties = said.tags, said.properties
    original = _exif_clock(tags, tags.exif, 0x9003, 0x9291, (0x9011, 0x9010, 0x9012), source="exif")
    if (beside := _beside(said.beside)) and not _restates(beside, original):
        yield beside
    if original:
        yield original
    satellites = _satellites(said)
    if satellites and zone:
        yield satellites
    yield from _written(said)
    if digitized := _exif_clock(tags, tags.exif, 0x9004, 0x9292, (0x9012, 0x9011, 0x9010), source="exif_digitized"):
        yield digitized
    for name in ("exif:DateTimeDigitized", "xmp:CreateDate"):
        if made := _clock(moments.parse(properties.text(name)), "xmp_digitized", offset_source="xmp"):
            yield made
    if made := _clock(iptc.moment(said.records, iptc.DIGITIZED), "iptc_digitized", offset_source="iptc"):
        yield made
    if made := _clock(moments.parse_mail(said.blocks.png_created), "png"):
        yield made
    if satellites and not zone:
        yield satellites
    if named := datenames.read(said.filename):
        yield _Clock(named.local, "filename", 0 if named.utc else None, "filename" if named.utc else None, named.utc)
    if modified := _exif_clock(tags, tags.image, 0x0132, 0x9290, (0x9010,), source="exif_modified"):
        yield modified
    if modified := _clock(moments.parse(said.blocks.png_modified), "png_modified"):
        yield _Clock(modified.at, "png_modified", 0, "png_modified", utc=True)
    # A disk has clocks without a setting, too, and no person types the date of a file.
    if said.file_modified and not moments.is_doubtful(said.file_modified):
        yield _Clock(said.file_modified, "file_modified")


def _beside(properties: xmp.Properties) -> _Clock | None:
    """A sidecar's time. One that gives xmp:CreateDate alone means the photo by it."""
    for name in ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"):
        if clock := _clock(moments.parse(properties.text(name)), "sidecar"):
            return clock
    return None


def _restates(clock: _Clock, original: _Clock | None) -> bool:
    """Whether a time says no more than EXIF's: the same second, or its day alone, and no other offset."""
    if original is None or clock.offset not in {None, original.offset}:
        return False
    seconds = clock.at.replace(microsecond=0)
    return seconds == original.at.replace(microsecond=0) or seconds == datetime.combine(
        original.at.date(), datenames.NOON
    )


def _written(said: _Said) -> Iterator[_Clock]:
    for name in ("exif:DateTimeOriginal", "photoshop:DateCreated"):
        if clock := _clock(moments.parse(said.properties.text(name)), "xmp"):
            yield clock
    if clock := _clock(iptc.moment(said.records, iptc.CREATED), "iptc"):
        yield clock


def _clock(written: moments.Written | None, source: str, *, offset_source: str | None = None) -> _Clock | None:
    if written is None:
        return None
    at, offset = written
    return _Clock(at, source, offset, None if offset is None else offset_source or source)


def _exif_clock(
    tags: exif.Tags,
    directory: Mapping[int, exif.Value],
    tag: int,
    subsecond: int,
    offsets: tuple[int, ...],
    *,
    source: str,
) -> _Clock | None:
    at = moments.parse(tags.text(tag, directory, most=40))
    if at is None:
        return None
    moment, offset = at
    digits = re.match(r"[0-9]{1,6}", tags.text(subsecond, tags.exif, most=12) or "")
    if digits and not moment.microsecond:
        moment = moment.replace(microsecond=int(digits[0].ljust(6, "0")))
    for name in offsets:
        if offset is None:
            offset = moments.parse_offset(tags.text(name, tags.exif, most=12))
    return _Clock(moment, source, offset, None if offset is None else "exif")


def _taken(said: _Said, *, zone: str | None, latest: datetime) -> Taken | None:
    written = list(_written(said))
    doubted: Taken | None = None
    for clock in _clocks(said, zone=zone):
        taken = _resolved(clock, written=written, gps=said.tags.gps, zone=zone)
        if not _plausible(taken, latest=latest):
            continue
        if moments.is_doubtful(taken.local) and clock.source != "sidecar":
            doubted = doubted or taken
        elif doubted is None or clock.source in _INDEPENDENT:
            return taken
    return doubted


def _resolved(clock: _Clock, *, written: list[_Clock], gps: Mapping[int, exif.Value], zone: str | None) -> Taken:
    """Give a candidate its instant, offset and local day."""
    local, offset, offset_source = clock.at, clock.offset, clock.offset_source
    if clock.utc:  # the source tells the instant; the place tells what the clocks showed
        at_place = timezones.offset_at(zone, local.replace(tzinfo=UTC)) if zone else None
        if at_place is not None:
            offset, offset_source = at_place, "place"
            local = _shifted(local, at_place)
    elif offset is None:
        at_place = timezones.offset_at(zone, local) if zone else None
        offset = _offset_by_satellites(local, gps, at_place=at_place)
        offset_source = None if offset is None else "gps"
        if offset is None and at_place is not None:
            offset, offset_source = at_place, "place"
        if offset is None:
            offset, offset_source = _written_offset(local, written)
    return Taken(
        instant=None if offset is None else timezones.instant_of(local, offset),
        offset_minutes=offset,
        local=local,
        local_day=local.date(),
        source=clock.source,
        offset_source=offset_source,
    )


def _written_offset(local: datetime, written: list[_Clock]) -> tuple[int | None, str | None]:
    """An offset that XMP or IPTC holds beside the same wall-clock time, to the second.

    Zero is not believed: software that does not know the offset writes +0000 there.
    """
    for other in written:
        if other.offset and other.at.replace(microsecond=0) == local.replace(microsecond=0):
            return other.offset, other.offset_source
    return None, None


def _shifted(moment: datetime, minutes: int) -> datetime:
    try:
        return moment + timedelta(minutes=minutes)
    except OverflowError:
        return moment


def _offset_by_satellites(local: datetime, gps: Mapping[int, exif.Value], *, at_place: int | None) -> int | None:
    """What the camera's clock shows minus GPS time, when that is close to a quarter of an hour.

    A clock that runs up to five minutes wrong, or a position a few minutes old, still gives the right quarter; so it
    tells the two hours of autumn apart that a zone alone cannot. Without a GPS date the offset is known up to whole
    days, and the one nearest to the place's is meant. Some phones write their local time into the GPS tags: a
    difference of nothing where the place says otherwise proves nothing.
    """
    day = _gps_day(gps)
    satellites = _gps_time(gps, day or local.date())
    if satellites is None:
        return None
    minutes = (local - satellites) / timedelta(minutes=1)
    if day is None:
        minutes += 1440 * round(((at_place or 0) - minutes) / 1440)
    offset = 15 * round(minutes / 15)
    if abs(minutes - offset) > 5 or not moments.is_offset(offset):
        return None
    if offset == 0 and at_place not in {None, 0}:
        return None
    return offset


def _satellites(said: _Said) -> _Clock | None:
    """EXIF's GPS time, else XMP's, a whole date and UTC by its definition."""
    at = _gps_time(said.tags.gps, _gps_day(said.tags.gps))
    if at is None and (written := moments.parse(said.properties.text("exif:GPSTimeStamp"))):
        at = _shifted(written[0], -(written[1] or 0))
    return None if at is None else _Clock(at, "gps", 0, "gps", utc=True)


def _gps_day(gps: Mapping[int, exif.Value]) -> date | None:
    stamp = moments.parse(exif.Tags.text(0x1D, gps, most=12))
    return None if stamp is None else stamp[0].date()


def _gps_time(gps: Mapping[int, exif.Value], day: date | None) -> datetime | None:
    """GPSTimeStamp on ``day``, as naive UTC."""
    numbers = exif.Tags.numbers(0x07, gps)
    if day is None or len(numbers) != 3:
        return None
    hour, minute, second = numbers
    if hour is None or minute is None or second is None:
        return None
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 61):
        return None
    try:
        return datetime.combine(day, time()) + timedelta(hours=hour, minutes=minute, seconds=second)
    except OverflowError:
        return None


def _plausible(taken: Taken, *, latest: datetime) -> bool:
    """Not before photography, not after the upload in any zone, and no counter's zero."""
    if taken.local < moments.OLDEST or moments.is_zero(taken.local):
        return False
    return max(taken.local.replace(tzinfo=UTC), taken.instant or taken.local.replace(tzinfo=UTC)) <= latest


# Where


def _location(said: _Said) -> Location | None:
    """The sidecar's position, else EXIF's, else XMP's.

    Exactly 0, 0 is a receiver without a fix; one zero alone is a real place.
    """
    gps = said.tags.gps
    candidates = (
        (*xmp_position(said.beside), "sidecar"),
        (_degrees(gps, 0x02, 0x01, negative="S"), _degrees(gps, 0x04, 0x03, negative="W"), "exif"),
        (*xmp_position(said.properties), "xmp"),
    )
    for latitude, longitude, source in candidates:
        if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
            continue
        if latitude == 0 and longitude == 0:
            continue
        return Location(round(latitude, 7), round(longitude, 7), source)
    return None


def _degrees(gps: Mapping[int, exif.Value], tag: int, reference: int, *, negative: str) -> float | None:
    """Degrees, minutes and seconds with their reference letter; without one, the number's own sign counts."""
    value = gps.get(tag)
    numbers = exif.Tags.numbers(tag, gps)
    if isinstance(value, bytes) or not 1 <= len(numbers) <= 3 or numbers[0] is None:
        return None
    parts = [0.0, 0.0, 0.0]
    for place, number in enumerate(numbers):
        if number is None:
            item = (value or ())[place]
            if isinstance(item, tuple) and item[0] == 0:
                continue  # 0/0: a minute or second that was not measured
            return None
        parts[place] = number
    if abs(parts[1]) > 60 or abs(parts[2]) > 60:
        return None
    degrees = abs(parts[0]) + abs(parts[1]) / 60 + abs(parts[2]) / 3600
    letter = (exif.Tags.text(reference, gps, most=8) or "")[:1].upper()
    if letter == negative or (letter not in {"N", "E"} and any(math.copysign(1, part) < 0 for part in parts)):
        degrees = -degrees
    return degrees


def xmp_position(properties: xmp.Properties) -> tuple[float | None, float | None]:
    """Degrees north and east as a packet has them, which need not be a place on Earth."""
    return _xmp_degrees(properties.text("exif:GPSLatitude")), _xmp_degrees(properties.text("exif:GPSLongitude"))


_XMP_DEGREES = re.compile(r"([0-9]+)(?:,([0-9]+(?:\.[0-9]+)?))?(?:,([0-9]+(?:\.[0-9]+)?))?\s*([NSEWnsew])")


def _xmp_degrees(text: str | None) -> float | None:
    """XMP's ``39,6.9N`` or ``39,6,54N`` (ISO 16684-2), or plain signed degrees."""
    text = (text or "").strip()[:40]
    if found := _XMP_DEGREES.fullmatch(text):
        degrees = int(found[1]) + float(found[2] or 0) / 60 + float(found[3] or 0) / 3600
        return -degrees if found[4] in "SWsw" else degrees
    if re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]+)?", text):
        return float(text)
    return None


# With what


def _extra(said: _Said, properties: xmp.Properties) -> Extra:
    """Exposure, captions and keywords; bounded in number and length."""
    tags, records = said.tags, said.records
    numbers: dict[str, float | int | None] = {
        "exposure_seconds": _sane(tags.number(0x829A, tags.exif)),
        "f_number": _sane(tags.number(0x829D, tags.exif)),
        "iso": tags.integer(0x8827, tags.exif),
        "focal_length_mm": _sane(tags.number(0x920A, tags.exif)),
        "focal_length_35mm": tags.integer(0xA405, tags.exif),
        "altitude_m": _altitude(tags.gps),
        "direction_degrees": _sane(tags.number(0x11, tags.gps)),
        "rating": _rating(tags, properties),
    }
    texts = {
        "title": properties.text("dc:title") or iptc.text(records, 5),
        "description": properties.text("dc:description", most=2000)
        or iptc.text(records, 120)
        or tags.text(0x010E, tags.image, most=2000),
        "software": tags.text(0x0131, tags.image),
        "artist": tags.text(0x013B, tags.image),
        "copyright": tags.text(0x8298, tags.image),
        "content_identifier": motion.identifier_in_note(tags.exif.get(0x927C)),  # a Live Photo's film has the same
    }
    extra: Extra = {name: value for name, value in numbers.items() if value is not None}
    extra |= {name: text for name, text in texts.items() if text}
    flash = tags.integer(0x9209, tags.exif)
    if flash is not None:
        extra["flash"] = bool(flash & 1)
    if keywords := _keywords(properties.texts("dc:subject"), said.keywords):
        extra["keywords"] = keywords[:_MOST_KEYWORDS]
    return extra


def _keywords(listed: list[str], press: list[str]) -> list[str]:
    """Of XMP and IPTC, each once. IPTC's are cut: the beginning of one of XMP's is that one."""
    least = iptc.LONGEST_KEYWORD - 4

    def is_cut(word: str) -> bool:
        return len(word.encode()) >= least and any(whole.startswith(word) for whole in listed)

    return list(dict.fromkeys([*listed, *(word for word in press if not is_cut(word))]))


def _sane(number: float | None) -> float | None:
    return round(number, 6) if number is not None and 0 <= number < 1e6 else None


def _altitude(gps: Mapping[int, exif.Value]) -> float | None:
    metres = exif.Tags.number(0x06, gps)
    if metres is None or abs(metres) > 100_000:
        return None
    return round(-metres if exif.Tags.integer(0x05, gps) == 1 else metres, 2)


def _rating(tags: exif.Tags, properties: xmp.Properties) -> int | None:
    text = properties.text("xmp:Rating") or ""
    stars = int(float(text)) if re.fullmatch(r"-?[0-9](\.[0-9]+)?", text) else tags.integer(0x4746, tags.image)
    return stars if stars is not None and -1 <= stars <= 5 else None
