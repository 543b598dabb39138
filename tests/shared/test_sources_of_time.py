"""Which of several sources of a photo's time is believed, at edges of zones, and under attack."""

from __future__ import annotations

import json
import struct
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photovault import metadata, timezones, xmp

UPLOADED = datetime(2025, 9, 12, 10, tzinfo=UTC)
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "exif": "http://ns.adobe.com/exif/1.0/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "dc": "http://purl.org/dc/elements/1.1/",
    }.items()
)


def packet(**properties: str) -> bytes:
    """An XMP packet of simple properties, ``exif_DateTimeOriginal`` being exif:DateTimeOriginal."""
    attributes = " ".join(f'{name.replace("_", ":", 1)}="{value}"' for name, value in properties.items())
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" {NAMESPACES} '
        f"{attributes}/></rdf:RDF></x:xmpmeta>"
    ).encode()


Value = bytes | str | tuple[float, ...]


def tiff(
    *,
    image: dict[int, Value] | None = None,
    details: dict[int, Value] | None = None,
    gps: dict[int, Value] | None = None,
    long_packets: bool = False,
) -> bytes:
    """A TIFF structure without a picture: text as ASCII, bytes as BYTE (or LONG), numbers as rationals."""
    directories = [dict(image or {}), dict(details or {}), dict(gps or {})]
    counts = [len(directories[0]) + 2, len(directories[1]), len(directories[2])]
    starts = [8, 0, 0]
    for n in (1, 2):
        starts[n] = starts[n - 1] + 2 + 12 * counts[n - 1] + 4
    tail_at = starts[2] + 2 + 12 * counts[2] + 4
    tail = b""
    out = b"II*\0" + struct.pack("<I", 8)
    for n, directory in enumerate(directories):
        entries = []
        if n == 0:
            entries = [(0x8769, struct.pack("<HHII", 0x8769, 4, 1, starts[1])),
                       (0x8825, struct.pack("<HHII", 0x8825, 4, 1, starts[2]))]  # fmt: skip
        for tag, value in directory.items():
            if isinstance(value, tuple):
                raw = b"".join(struct.pack("<II", round(number * 10_000), 10_000) for number in value)
                kind, count = 5, len(value)
            elif isinstance(value, bytes):
                raw, kind, count = value, 1, len(value)
                if long_packets:
                    raw += b"\0" * (-len(raw) % 4)
                    kind, count = 4, len(raw) // 4
            else:
                raw = value.encode() + b"\0"
                kind, count = 2, len(raw)
            if len(raw) <= 4:
                where = raw.ljust(4, b"\0")
            else:
                where = struct.pack("<I", tail_at + len(tail))
                tail += raw
            entries.append((tag, struct.pack("<HHI", tag, kind, count) + where))
        out += struct.pack("<H", len(entries)) + b"".join(entry for _, entry in sorted(entries)) + bytes(4)
    return out + tail


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), *chunks, (b"IEND", b""))
    )


def position(latitude: float, longitude: float) -> dict[int, Value]:
    return {
        1: "N" if latitude >= 0 else "S",
        2: (abs(latitude), 0, 0),
        3: "E" if longitude >= 0 else "W",
        4: (abs(longitude), 0, 0),
    }


def read(data: bytes, *, filename: str | None = None, **options: Any) -> metadata.Metadata:
    return metadata.read(data, filename=filename, uploaded_at=UPLOADED, zone_at=timezones.zone_at, **options)


def taken(data: bytes, **options: Any) -> metadata.Taken:
    found = read(data, **options).taken
    assert found is not None
    return found


# The order of belief


def test_the_sources_are_asked_in_their_order_and_each_has_its_name() -> None:
    """Each source tells another year; each round takes the best one away."""
    details: dict[int, Value] = {0x9003: "2002:03:04 05:06:07", 0x9004: "2006:03:04 05:06:07"}
    xmp_says = {"exif_DateTimeOriginal": "2004-03-04T05:06:07", "xmp_CreateDate": "2007-03-04T05:06:07"}
    iptc_says = {55: b"20050304", 62: b"20080304"}
    gps: dict[int, Value] = {0x1D: "2003:03:04", 7: (5, 6, 7)} | position(38.7, -9.1)

    def iptc() -> bytes:
        return b"".join(b"\x1c\x02" + bytes([n]) + struct.pack(">H", len(v)) + v for n, v in iptc_says.items())

    found: list[tuple[str, int]] = []
    sidecar: bytes | None = packet(exif_DateTimeOriginal="2001-03-04T05:06:07")
    filename: str | None = "IMG_20090304_050607.jpg"
    image: dict[int, Value] = {0x0132: "2010:03:04 05:06:07"}
    file_modified: datetime | None = datetime(2011, 3, 4, 5, 6, 7)

    def ask() -> None:
        data = tiff(image=image | {0x02BC: packet(**xmp_says), 0x83BB: iptc()}, details=details, gps=gps)
        said = read(data, filename=filename, sidecar=sidecar, file_modified=file_modified).taken
        found.append((said.source, said.local.year) if said else ("upload", 0))

    ask()
    sidecar = None
    ask()
    del details[0x9003]
    ask()
    del gps[0x1D]
    ask()
    del xmp_says["exif_DateTimeOriginal"]
    ask()
    del iptc_says[55]
    ask()
    del details[0x9004]
    ask()
    del xmp_says["xmp_CreateDate"]
    ask()
    del iptc_says[62]
    ask()
    filename = None
    ask()
    image.clear()
    ask()
    file_modified = None
    ask()
    assert found == [
        ("sidecar", 2001), ("exif", 2002), ("gps", 2003), ("xmp", 2004), ("iptc", 2005), ("exif_digitized", 2006),
        ("xmp_digitized", 2007), ("iptc_digitized", 2008), ("filename", 2009), ("exif_modified", 2010),
        ("file_modified", 2011), ("upload", 0),
    ]  # fmt: skip
    assert {source for source, _ in found} <= set(metadata.SOURCES)


def test_a_file_is_as_old_as_its_device_says_where_the_photo_was_taken() -> None:
    noon = datetime(2011, 3, 4, 12)
    lisbon = tiff(gps=position(38.7, -9.1))
    assert taken(lisbon, file_modified=noon) == metadata.Taken(
        datetime(2011, 3, 4, 12, tzinfo=UTC), 0, noon, noon.date(), "file_modified", "place"
    )
    assert taken(tiff(), file_modified=noon).instant is None


@pytest.mark.parametrize(
    "unset",
    [
        datetime(1980, 1, 1), datetime(1970, 1, 1), datetime(2000, 1, 1), datetime(1, 1, 1), datetime(9999, 12, 31),
        UPLOADED.replace(tzinfo=None) + timedelta(days=3),
    ],
    ids=str,
)  # fmt: skip
def test_a_disk_whose_clock_was_never_set_tells_nothing(unset: datetime) -> None:
    assert read(tiff(), file_modified=unset).taken is None


@pytest.mark.parametrize(
    ("chunks", "local", "offset", "source"),
    [
        ([(b"tEXt", b"Creation Time\0Sun, 11 May 2025 13:37:00 +0200")], datetime(2025, 5, 11, 13, 37), 120, "png"),
        ([(b"tEXt", b"Creation Time\x002025:05:11 13:37:00")], datetime(2025, 5, 11, 13, 37), None, "png"),
        (
            [(b"iTXt", b"Creation Time\0\0\0en\0Creation Time\x002025-05-11T13:37:00Z")],
            datetime(2025, 5, 11, 13, 37), 0, "png",
        ),
        ([(b"zTXt", b"Creation Time\0\0" + zlib.compress(b"2025-05-11"))], datetime(2025, 5, 11, 12), None, "png"),
        ([(b"tIME", struct.pack(">H5B", 2025, 5, 11, 13, 37, 60))], datetime(2025, 5, 11, 13, 38), 0, "png_modified"),
        (
            [
                (b"eXIf", tiff(details={0x9003: "2025:05:11 13:37:00"})),
                (b"tIME", struct.pack(">H5B", 2025, 6, 1, 1, 1, 1)),
            ],
            datetime(2025, 5, 11, 13, 37), None, "exif",
        ),
        (
            [(b"tEXt", b"Creation Time\0no date"), (b"tIME", struct.pack(">H5B", 2025, 5, 11, 13, 37, 0))],
            datetime(2025, 5, 11, 13, 37), 0, "png_modified",
        ),
        # A broken chunk does not hide the next one.
        (
            [(b"zTXt", b"Raw profile type exif\0\0nonsense"), (b"tEXt", b"Creation Time\x002025-05-11T13:37:00")],
            datetime(2025, 5, 11, 13, 37), None, "png",
        ),
    ],
)  # fmt: skip
def test_dates_that_only_png_has(
    chunks: list[tuple[bytes, bytes]], local: datetime, offset: int | None, source: str
) -> None:
    found = taken(png(*chunks))
    assert (found.local, found.offset_minutes, found.source) == (local, offset, source)


@pytest.mark.parametrize(
    "stamp", [(0, 0, 0, 0, 0, 0), (2025, 2, 30, 1, 1, 1), (2026, 1, 1, 0, 0, 0), (65535,) + (255,) * 5]
)
def test_an_impossible_png_date_falls_through(stamp: tuple[int, ...]) -> None:
    assert read(png((b"tIME", struct.pack(">H5B", *stamp)))).taken is None


def test_gps_time_without_a_position_gives_way_to_any_local_time_but_a_names() -> None:
    gps: dict[int, Value] = {0x1D: "2025:09:10", 7: (23, 30, 0)}
    found = taken(tiff(details={0x9004: "2025:09:11 08:30:05"}, gps=gps))
    assert (found.source, found.local_day, found.offset_minutes) == ("exif_digitized", date(2025, 9, 11), 540)
    assert taken(tiff(gps=gps), filename="IMG_20250911_083000.jpg").source == "gps"


def test_iptc_and_xmp_in_a_tiff_are_read_though_a_writer_calls_them_numbers() -> None:
    stream = b"\x1c\x02\x37\x00\x0820190506\x1c\x02\x3c\x00\x0b070809+0900"
    for data in (tiff(image={0x83BB: stream}), tiff(image={0x83BB: stream}, long_packets=True)):
        assert taken(data).instant == datetime(2019, 5, 5, 22, 8, 9, tzinfo=UTC)
    for data in (
        tiff(image={0x02BC: packet(exif_DateTimeOriginal="2019-05-06T07:08:09")}, long_packets=True),
        tiff(image={0x02BC: packet(exif_DateTimeOriginal="2019-05-06T07:08:09")}),
    ):
        assert taken(data).local == datetime(2019, 5, 6, 7, 8, 9)


# Sidecars

ORIGINAL = tiff(details={0x9003: "2025:09:11 08:59:00", 0x9291: "25", 0x9011: "+09:00"})


@pytest.mark.parametrize(
    ("sidecar", "local", "offset", "source"),
    [
        # It corrects the clock, the offset, or both.
        (packet(exif_DateTimeOriginal="2025-09-11T09:59:00"), datetime(2025, 9, 11, 9, 59), None, "sidecar"),
        (packet(exif_DateTimeOriginal="2025-09-11T08:59:00+02:00"), datetime(2025, 9, 11, 8, 59), 120, "sidecar"),
        (packet(photoshop_DateCreated="1985"), datetime(1985, 1, 1, 12), None, "sidecar"),
        (packet(xmp_CreateDate="1985-06-07T08:09:10+01:00"), datetime(1985, 6, 7, 8, 9, 10), 60, "sidecar"),
        (packet(exif_DateTimeOriginal="2000-01-01T00:00:00"), datetime(2000, 1, 1), None, "sidecar"),
        # It says the same, with less: the photo's own time stays, with its sub-seconds and offset.
        (packet(exif_DateTimeOriginal="2025-09-11T08:59:00"), datetime(2025, 9, 11, 8, 59, 0, 250_000), 540, "exif"),
        (
            packet(exif_DateTimeOriginal="2025-09-11T08:59:00.25+09:00"),
            datetime(2025, 9, 11, 8, 59, 0, 250_000), 540, "exif",
        ),
        (packet(photoshop_DateCreated="2025-09-11"), datetime(2025, 9, 11, 8, 59, 0, 250_000), 540, "exif"),
        # It says nothing that could be.
        (packet(exif_DateTimeOriginal="2031-09-11T08:59:00"), datetime(2025, 9, 11, 8, 59, 0, 250_000), 540, "exif"),
        (packet(xmp_ModifyDate="2025-09-11T20:00:00"), datetime(2025, 9, 11, 8, 59, 0, 250_000), 540, "exif"),
        (b"not XML", datetime(2025, 9, 11, 8, 59, 0, 250_000), 540, "exif"),
        (b"", datetime(2025, 9, 11, 8, 59, 0, 250_000), 540, "exif"),
    ],
)  # fmt: skip
def test_a_sidecar_counts_where_it_says_something_new(
    sidecar: bytes, local: datetime, offset: int | None, source: str
) -> None:
    found = taken(ORIGINAL, sidecar=sidecar)
    assert (found.local, found.offset_minutes, found.source) == (local, offset, source)


def test_a_sidecars_position_and_words_come_before_the_photos() -> None:
    beside = packet(exif_GPSLatitude="35,41N", exif_GPSLongitude="139,42E", dc_description="by hand")
    image: dict[int, Value] = {0x010E: "by the camera", 0x0110: "Model"}
    original = tiff(image=image, details={0x9003: "2025:09:11 08:59:00"}, gps=position(52.5, 13.4))
    found = read(original, sidecar=beside)
    assert found.location is not None
    assert (found.location.source, found.zone) == ("sidecar", "Asia/Tokyo")
    assert (found.extra["description"], found.camera_model) == ("by hand", "Model")
    assert found.taken is not None
    assert (found.taken.source, found.taken.offset_minutes, found.taken.offset_source) == ("exif", 540, "place")


# Clocks that were never set


@pytest.mark.parametrize("unset", ["2000:01:01 00:00:00", "2012:01:01 00:00:00", "2002:12:08 12:00:00"])
def test_a_clock_that_was_probably_never_set_is_believed_where_nothing_contradicts(unset: str) -> None:
    details: dict[int, Value] = {0x9003: unset, 0x9004: unset}
    image: dict[int, Value] = {0x0132: "2015:03:04 05:06:07"}
    assert taken(tiff(image=image, details=details)).source == "exif"
    named = taken(tiff(image=image, details=details), filename="IMG_20140506_070809.jpg")
    assert (named.source, named.local) == ("filename", datetime(2014, 5, 6, 7, 8, 9))
    by_gps = taken(tiff(details=details, gps={0x1D: "2014:05:06", 7: (7, 8, 9)} | position(52.5, 13.4)))
    assert (by_gps.source, by_gps.local) == ("gps", datetime(2014, 5, 6, 9, 8, 9))


def test_a_real_second_of_the_millennium_is_a_time_like_any_other() -> None:
    found = taken(tiff(details={0x9003: "2000:01:01 00:00:01"}), filename="IMG_20140506_070809.jpg")
    assert found.source == "exif"


@pytest.mark.parametrize("zero", ["1970:01:01 00:00:00", "1980:01:01 00:00:00", "1904:01:01 00:00:00"])
def test_a_zero_is_never_believed(zero: str) -> None:
    assert read(tiff(details={0x9003: zero, 0x9004: zero})).taken is None


def test_the_receivers_own_zero_is_none_either() -> None:
    assert read(tiff(gps={0x1D: "1980:01:06", 7: (0, 0, 0)})).taken is None


# Zones


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2024:10:27 01:59:59", 120),
        ("2024:10:27 02:30:00", 120),  # twice: the first is meant
        ("2024:10:27 03:00:00", 60),
        ("2024:03:31 02:30:00", 60),  # never: the clock was not moved yet
        ("2024:03:31 03:00:00", 120),
    ],
)
def test_at_the_edges_of_summer_time_the_rule_is_pep_495s(text: str, minutes: int) -> None:
    found = taken(tiff(details={0x9003: text}, gps=position(52.5, 13.4)))
    assert (found.offset_minutes, found.offset_source) == (minutes, "place")
    assert found.local.strftime("%Y:%m:%d %H:%M:%S") == text


@pytest.mark.parametrize(("utc_hour", "minutes"), [(0, 120), (1, 60)])
def test_satellites_tell_the_two_hours_of_autumn_apart(utc_hour: int, minutes: int) -> None:
    gps: dict[int, Value] = {0x1D: "2024:10:27", 7: (utc_hour, 30, 5)} | position(52.5, 13.4)
    found = taken(tiff(details={0x9003: "2024:10:27 02:30:00"}, gps=gps))
    assert (found.offset_minutes, found.offset_source) == (minutes, "gps")
    assert found.instant == datetime(2024, 10, 27, utc_hour, 30, tzinfo=UTC)
    alone = taken(tiff(gps=gps))
    assert (alone.local, alone.offset_minutes) == (datetime(2024, 10, 27, 2, 30, 5), minutes)


@pytest.mark.parametrize(
    ("place", "text", "minutes"),
    [
        ((55.75, 37.6), "2010:01:15 12:00:00", 180),  # Moscow before, during and after its eternal summer
        ((55.75, 37.6), "2012:01:15 12:00:00", 240),
        ((55.75, 37.6), "2015:01:15 12:00:00", 180),
        ((-13.8, -171.8), "2011:12:29 12:00:00", -600),  # Samoa crosses the date line
        ((-13.8, -171.8), "2011:12:31 12:00:00", 840),
        ((1.87, -157.4), "2024:06:01 12:00:00", 840),  # Kiritimati
        ((-14.3, -170.7), "2024:06:01 12:00:00", -660),  # Pago Pago
        ((39.0, 125.75), "2016:06:01 12:00:00", 510),  # Pyongyang's own time
        ((27.7, 85.3), "2024:06:01 12:00:00", 345),
        ((0.0, -30.0), "2024:06:01 12:00:00", -120),  # mid-Atlantic: the nautical zone
        ((-40.0, 100.0), "2024:06:01 12:00:00", 420),
        ((60.0, 179.9), "2024:06:01 12:00:00", 720),
        ((60.0, -179.9), "2024:06:01 12:00:00", -720),
    ],
)
def test_a_place_has_the_time_that_it_had_then(place: tuple[float, float], text: str, minutes: int) -> None:
    found = taken(tiff(details={0x9003: text}, gps=position(*place)))
    assert found.offset_minutes == minutes
    assert found.local.strftime("%Y:%m:%d %H:%M:%S") == text


@pytest.mark.parametrize("latitude", [90.0, -90.0, 89.999, -89.999])
def test_the_poles_have_a_time(latitude: float) -> None:
    found = taken(tiff(details={0x9003: "2024:06:01 12:00:00"}, gps=position(latitude, 10.0)))
    assert found.offset_minutes is not None
    assert found.local_day == date(2024, 6, 1)


@pytest.mark.parametrize(
    ("gps_time", "minutes"),
    [
        (("2025:09:11", (3, 14, 30)), 345),  # a quarter of an hour
        (("2025:09:10", (18, 59, 0)), 840),  # the widest
        (("2025:09:11", (20, 59, 0)), -720),
        (("2025:09:10", (18, 44, 0)), None),  # +14:15 is nowhere
        (("2025:09:11", (21, 14, 0)), None),
        (("2025:09:08", (23, 59, 0)), None),  # days old
        (("2005:01:27", (23, 59, 0)), None),  # a week counter that began again
        (("2025:09:11", (6, 51, 0)), None),  # between two quarters
    ],
)
def test_the_offset_by_satellites_is_a_quarter_hour_that_exists(
    gps_time: tuple[str, tuple[float, ...]], minutes: int | None
) -> None:
    day, clock = gps_time
    found = taken(tiff(details={0x9003: "2025:09:11 08:59:00"}, gps={0x1D: day, 7: clock}))
    assert found.offset_minutes == minutes


# The local day


@pytest.mark.parametrize(
    ("text", "offset", "day"),
    [
        ("2025:09:11 08:59:00", "+09:00", date(2025, 9, 11)),
        ("2025:09:11 00:00:00", "+14:00", date(2025, 9, 11)),
        ("2025:09:11 23:30:00", "-10:00", date(2025, 9, 11)),
        ("2025:09:11 23:59:59", None, date(2025, 9, 11)),
    ],
)
def test_a_photo_is_on_the_day_that_its_photographer_had(text: str, offset: str | None, day: date) -> None:
    details: dict[int, Value] = {0x9003: text} | ({0x9011: offset} if offset else {})
    assert taken(tiff(details=details)).local_day == day


# Under attack

BOMB = b"<!DOCTYPE lolz [<!ENTITY a 'lol'>" + b"".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>".encode() for n in range(12)
)


@pytest.mark.parametrize(
    "hostile",
    [
        BOMB + b"]>" + packet(exif_DateTimeOriginal="&m;"),
        b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" + packet(exif_DateTimeOriginal="2019-05-06"),
        b"<!DOCTYPE x [<!ENTITY y SYSTEM 'http://127.0.0.1/'>]>" + packet(exif_DateTimeOriginal="&y;"),
        b"<a>" * 2**20,
        b"<a/>" * 2**20,
        b"<a " + b"b" * 2**22,
        b"<?xml version='1.0' encoding='utf-7'?>" + packet(exif_DateTimeOriginal="2019-05-06"),
        bytes(2**20),
        b"\xff\xfe" + b"<" * 2**20,
    ],
    ids=["laughs", "file", "address", "deep", "long", "wide", "encoding", "zeros", "half"],
)
def test_hostile_xmp_says_nothing_and_hides_nothing(hostile: bytes) -> None:
    for data, sidecar in (
        (tiff(image={0x02BC: hostile}, details={0x9003: "2025:09:11 08:59:00"}), None),
        (ORIGINAL, hostile),
    ):
        assert taken(data, sidecar=sidecar).source == "exif"
    assert xmp.read(hostile) == xmp.Properties()


def test_megabytes_of_xmp_are_read_to_a_limit() -> None:
    long = packet(exif_DateTimeOriginal="2019-05-06").replace(b"/></rdf:RDF>", b">" + b"<dc:title>x</dc:title>" * 10**6)
    assert xmp.read(long).text("exif:DateTimeOriginal") == "2019-05-06"
    assert len(xmp.read(long).values["dc:title"]) < xmp.MAX_ELEMENTS


texts = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"[0-9]{4}:[0-9]{2}:[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", fullmatch=True),
    st.datetimes().map(lambda moment: moment.strftime("%Y:%m:%d %H:%M:%S")),
    st.datetimes(datetime(2025, 9, 9), datetime(2025, 9, 15)).map(lambda moment: moment.strftime("%Y:%m:%d %H:%M:%S")),
)
offsets = st.one_of(
    st.text(max_size=8), st.integers(-16 * 60, 16 * 60).map(lambda m: f"{m // 60:+03d}:{abs(m) % 60:02d}")
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from([0x9003, 0x9004]), texts),
    st.dictionaries(st.sampled_from([0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292]), offsets),
    st.dictionaries(
        st.sampled_from([1, 2, 3, 4, 7, 0x1D]),
        texts | st.tuples(*[st.floats(0, 400)] * 3) | st.sampled_from(["N", "W"]),
    ),
    texts,
    st.text(st.characters(codec="utf-8"), max_size=40),
)
def test_whatever_is_said_the_day_is_one_between_the_first_photograph_and_tomorrow(
    dates: dict[int, Value], zones: dict[int, Value], gps: dict[int, Value], modified: str, filename: str
) -> None:
    """Contradictory, absurd, out of range: one source is believed and named, or none is."""
    found = read(tiff(image={0x0132: modified}, details=dates | zones, gps=gps), filename=filename)
    json.dumps(found.extra)
    said = found.taken
    if said is None:
        return
    assert date(1826, 1, 1) <= said.local_day <= UPLOADED.date() + timedelta(days=1)
    assert said.local_day == said.local.date()
    assert said.source in metadata.SOURCES
    assert (said.offset_minutes is None) == (said.instant is None) == (said.offset_source is None)
    if said.instant is not None and said.offset_minutes is not None:
        assert said.instant <= UPLOADED + timedelta(days=1)
        assert said.instant == said.local.replace(tzinfo=UTC) - timedelta(minutes=said.offset_minutes)


HEADS = [
    b"", b"\xff\xd8\xff\xe1", b"\xff\xd8\xff\xed\xff\xffPhotoshop 3.0\0008BIM\x04\x04\0\0", b"\x89PNG\r\n\x1a\n",
    b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"GIF89a", b"RIFF\0\0\0\0WEBPEXIF", b"\0\0\0\x10ftypheic\0\0\0\0",
    b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x40meta",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=400), st.none() | st.binary(max_size=200))
def test_no_bytes_break_the_reader(head: bytes, rest: bytes, sidecar: bytes | None) -> None:
    said = read(head + rest, sidecar=sidecar).taken
    assert said is None or date(1826, 1, 1) <= said.local_day <= UPLOADED.date() + timedelta(days=1)
