"""When, where and with what: the source that is believed, and everything that must fall through."""

from __future__ import annotations

import json
import struct
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from tests.pictures import camera_tags, draw, encode, paint, shared_photos

from photovault import embedded, exif, metadata, moments, timezones, xmp

NOW = datetime(2025, 9, 12, 10, tzinfo=UTC)
MORNING = datetime(2025, 9, 11, 8, 59, 0)


def read(data: bytes, *, filename: str | None = None, uploaded_at: datetime = NOW) -> metadata.Metadata:
    return metadata.read(data, filename=filename, uploaded_at=uploaded_at, zone_at=timezones.zone_at)


def with_tags(
    *, image: dict[int, Any] | None = None, details: dict[int, Any] | None = None, gps: dict[int, Any] | None = None
) -> bytes:
    tags = Image.Exif()
    tags.update(image or {})
    tags.get_ifd(0x8769).update(details or {})
    tags.get_ifd(0x8825).update(gps or {})
    return encode(paint(1, (16, 16)), exif=tags)


def with_xmp(properties: str, *, exif_tags: Image.Exif | None = None) -> bytes:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" {properties}</rdf:RDF></x:xmpmeta>'
    ).encode()
    data = encode(paint(1, (16, 16)), exif=exif_tags)
    segment = b"http://ns.adobe.com/xap/1.0/\0" + packet
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def with_iptc(*records: tuple[int, bytes]) -> bytes:
    stream = b"".join(
        b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(value)) + value for number, value in records
    )
    resource = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(stream)) + stream + b"\0" * (len(stream) % 2)
    segment = b"Photoshop 3.0\0" + resource
    data = encode(paint(1, (16, 16)))
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def taken(data: bytes, **options: Any) -> metadata.Taken:
    found = read(data, **options).taken
    assert found is not None
    return found


# When: sources and their order


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_each_container_gives_up_its_exif(kind: str) -> None:
    found = read(
        draw(
            1,
            (64, 48),
            taken=MORNING.replace(microsecond=250_000),
            offset="+02:00",
            gps=(-33.8567, 151.2153),
            camera=("Maker", "Model 1"),
            format=kind,
        )
    )
    assert found.taken == metadata.Taken(
        instant=datetime(2025, 9, 11, 6, 59, 0, 250_000, tzinfo=UTC),
        offset_minutes=120,
        local=MORNING.replace(microsecond=250_000),
        local_day=date(2025, 9, 11),
        source="exif",
        offset_source="exif",
    )
    assert found.location == metadata.Location(-33.8567, 151.2153, "exif")
    assert (found.camera_make, found.camera_model) == ("Maker", "Model 1")


def test_the_zone_at_the_position_gives_a_missing_offset() -> None:
    found = taken(draw(1, (16, 16), taken=MORNING, gps=(52.5, 13.4)))
    assert (found.offset_minutes, found.offset_source) == (120, "place")
    assert found.instant == datetime(2025, 9, 11, 6, 59, tzinfo=UTC)


def test_the_gps_clock_gives_a_missing_offset() -> None:
    found = taken(
        with_tags(
            details={0x9003: "2025:09:11 08:59:00"},
            gps={0x1D: "2025:09:10", 0x07: (23.0, 58.0, 40.0)},
        )
    )
    assert (found.offset_minutes, found.offset_source) == (540, "gps")
    assert found.instant == datetime(2025, 9, 10, 23, 59, tzinfo=UTC)


def test_a_gps_clock_without_a_date_is_read_on_the_day_that_fits_the_place() -> None:
    found = taken(
        with_tags(
            details={0x9003: "2025:09:11 00:30:00"},
            gps={0x07: (22.0, 30.0, 10.0), 1: "N", 2: (52.5, 0.0, 0.0), 3: "E", 4: (13.4, 0.0, 0.0)},
        )
    )
    assert (found.offset_minutes, found.offset_source) == (120, "gps")
    assert found.local_day == date(2025, 9, 11)


def test_a_gps_clock_that_shows_local_time_proves_nothing() -> None:
    found = taken(
        with_tags(
            details={0x9003: "2025:09:11 08:59:00"},
            gps={0x1D: "2025:09:11", 0x07: (8.0, 59.0, 0.0), 1: "N", 2: (52.5, 0.0, 0.0), 3: "E", 4: (13.4, 0.0, 0.0)},
        )
    )
    assert (found.offset_minutes, found.offset_source) == (120, "place")


def test_a_stale_gps_clock_is_not_believed() -> None:
    found = taken(with_tags(details={0x9003: "2025:09:11 08:59:00"}, gps={0x1D: "2025:09:11", 0x07: (6.0, 22.0, 0.0)}))
    assert (found.offset_minutes, found.instant) == (None, None)
    assert found.local == MORNING


def test_without_any_offset_the_local_time_stands_alone() -> None:
    found = taken(draw(1, (16, 16), taken=MORNING))
    assert (found.local, found.instant, found.offset_minutes, found.source) == (MORNING, None, None, "exif")


def test_a_gps_date_alone_is_an_instant_and_the_place_tells_the_local_day() -> None:
    found = taken(
        with_tags(
            gps={0x1D: "2025:09:10", 0x07: (23.0, 30.0, 0.0), 1: "N", 2: (35.7, 0.0, 0.0), 3: "E", 4: (139.7, 0.0, 0.0)}
        )
    )
    assert (found.source, found.instant) == ("gps", datetime(2025, 9, 10, 23, 30, tzinfo=UTC))
    assert (found.local, found.local_day) == (datetime(2025, 9, 11, 8, 30), date(2025, 9, 11))


@pytest.mark.parametrize(
    ("properties", "local", "offset", "source"),
    [
        ('exif:DateTimeOriginal="2019-05-06T07:08:09.25+05:30"/>', datetime(2019, 5, 6, 7, 8, 9, 250_000), 330, "xmp"),
        (
            "><photoshop:DateCreated>2019-05-06</photoshop:DateCreated></rdf:Description>",
            datetime(2019, 5, 6, 12),
            None,
            "xmp",
        ),
        ('photoshop:DateCreated="1962"/>', datetime(1962, 1, 1, 12), None, "xmp"),
        ('exif:GPSTimeStamp="2019-05-06T07:08:09Z"/>', datetime(2019, 5, 6, 7, 8, 9), 0, "gps"),
        ('xmp:CreateDate="2019-05-06T07:08:09"/>', datetime(2019, 5, 6, 7, 8, 9), None, "xmp_digitized"),
    ],
)
def test_xmp_dates(properties: str, local: datetime, offset: int | None, source: str) -> None:
    found = taken(with_xmp(properties))
    assert (found.local, found.offset_minutes, found.source) == (local, offset, source)


def test_xmp_beside_the_same_wall_clock_gives_its_offset_but_not_a_zero() -> None:
    tags = camera_tags(taken=MORNING)
    found = taken(with_xmp('exif:DateTimeOriginal="2025-09-11T08:59:00+02:00"/>', exif_tags=tags))
    assert (found.source, found.offset_minutes, found.offset_source) == ("exif", 120, "xmp")
    assert taken(with_xmp('exif:DateTimeOriginal="2025-09-11T08:59:00Z"/>', exif_tags=tags)).offset_minutes is None
    assert taken(with_xmp('exif:DateTimeOriginal="2025-09-11T09:59:00+02:00"/>', exif_tags=tags)).offset_minutes is None


def test_iptc_dates() -> None:
    found = taken(with_iptc((55, b"20190506"), (60, b"070809+0900")))
    assert (found.local, found.offset_minutes, found.source) == (datetime(2019, 5, 6, 7, 8, 9), 540, "iptc")
    assert taken(with_iptc((55, b"20190506"), (60, b"070809+0000"))).offset_minutes is None
    assert taken(with_iptc((55, b"20190506"))).local == datetime(2019, 5, 6, 12)
    assert read(with_iptc((60, b"070809+0900"))).taken is None


def test_the_sources_are_asked_in_order() -> None:
    """Each round takes the best source away."""
    rounds = [
        ("exif", {0x9003: "2001:01:01 01:01:01", 0x9004: "2002:02:02 02:02:02"}),
        ("exif_digitized", {0x9004: "2002:02:02 02:02:02"}),
        ("filename", {}),
    ]
    for source, details in rounds:
        data = with_tags(image={0x0132: "2004:04:04 04:04:04"}, details=details)
        assert taken(data, filename="IMG_20030303_030303.jpg").source == source
    assert taken(with_tags(image={0x0132: "2004:04:04 04:04:04"}), filename="photo.jpg").source == "exif_modified"
    assert read(with_tags(), filename="photo.jpg").taken is None


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "1970:01:01 00:00:00",
        "1970:01:01 01:00:00",
        "1969:12:31 16:00:00",
        "1904:01:01 00:00:00",
        "1980:01:01 00:00:00",
        "2025:13:45 08:59:00",
        "2025:02:30 08:59:00",
        "2025:09:11 25:61:00",
        "2031:01:01 00:00:00",
        "1700:01:01 00:00:00",
        "yesterday",
        "",
        "\x00\x01\x02",
    ],
)
def test_impossible_dates_fall_through_to_the_file_name(text: str) -> None:
    data = with_tags(details={0x9003: text})
    assert taken(data, filename="IMG_20240506_070809.jpg").source == "filename"
    assert read(data).taken is None


def test_a_clock_a_few_hours_ahead_of_the_upload_is_another_zones_and_a_day_ahead_is_wrong() -> None:
    ahead = NOW.replace(tzinfo=None) + timedelta(hours=13)
    assert taken(draw(1, (16, 16), taken=ahead)).local == ahead
    assert read(draw(1, (16, 16), taken=ahead + timedelta(hours=12))).taken is None


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("+02:00", 120),
        ("-0530", -330),
        ("Z", 0),
        ("+00:00", 0),
        ("+14:00", 840),
        ("-12:00", -720),
        ("+5:45", 345),
        ("+15:00", None),
        ("-13:00", None),
        ("+01:75", None),
        ("   :  ", None),
        ("", None),
        (None, None),
        ("CEST", None),
    ],
)
def test_offsets_are_read_or_refused(text: str | None, minutes: int | None) -> None:
    assert moments.parse_offset(text) == minutes


def test_the_local_day_is_the_photographers_not_greenwichs() -> None:
    found = taken(draw(1, (16, 16), taken=datetime(2025, 9, 11, 0, 30), offset="+09:00"))
    assert found.local_day == date(2025, 9, 11)
    assert found.instant == datetime(2025, 9, 10, 15, 30, tzinfo=UTC)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2025, 9, 10)).map(lambda d: d.replace(microsecond=0)),
    st.integers(-48, 56).map(lambda quarters: quarters * 15),
)
@settings(max_examples=60, deadline=None)
def test_any_time_and_offset_make_the_round_trip(local: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    found = taken(draw(1, (16, 16), taken=local, offset=offset))
    assert (found.local, found.offset_minutes, found.local_day) == (local, minutes, local.date())
    assert found.instant == local.replace(tzinfo=UTC) - timedelta(minutes=minutes)


# When: names of files


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("IMG_20250911_085900.jpg", MORNING),
        ("IMG_20250911_085900123.jpg", MORNING.replace(microsecond=123_000)),
        ("IMG_20250911_085900_HDR~2.jpg", MORNING),
        ("IMG20250911085900.jpg", MORNING),
        ("MVIMG_20250911_085900.jpg", MORNING),
        ("00100lrPORTRAIT_00100_BURST20250911085900123_COVER.jpg", MORNING.replace(microsecond=123_000)),
        ("20250911_085900.jpg", MORNING),
        ("20250911_085900(1).jpg", MORNING),
        ("WP_20250911_08_59_00_Pro.jpg", MORNING),
        ("2025-09-11 08.59.00.jpg", MORNING),
        ("2025-09-11 08.59.00-2.jpg", MORNING),
        ("photo_2025-09-11_08-59-00.jpg", MORNING),
        ("signal-2025-09-11-085900.jpg", MORNING),
        ("signal-2025-09-11-08-59-00-123.jpg", MORNING.replace(microsecond=123_000)),
        ("signal-2025-09-11-08-59-00-123-1.jpg", MORNING.replace(microsecond=123_000)),
        ("Screenshot_20250911-085900.png", MORNING),
        ("Screenshot_20250911_085900_Chrome.jpg", MORNING),
        ("Screenshot_2025-09-11-08-59-00-123_com.app.png", MORNING.replace(microsecond=123_000)),
        ("Screenshot 2025-09-11 at 08.59.00.png", MORNING),
        ("Screenshot 2025-09-11 at 8.59.00 AM.png", MORNING),
        ("Screen Shot 2025-09-11 at 8.59.00\u202fPM.png", MORNING.replace(hour=20)),
        ("WhatsApp Image 2025-09-11 at 08.59.00.jpeg", MORNING),
        ("WhatsApp Image 2025-09-11 at 12.59.00 AM (1).jpeg", MORNING.replace(hour=0)),
        ("IMG-20250911-WA0001.jpg", datetime(2025, 9, 11, 12)),
        ("C:\\2019-01-01\\IMG-20250911-WA0001.jpg", datetime(2025, 9, 11, 12)),
        ("holiday 2025-09-11.jpg", datetime(2025, 9, 11, 12)),
        ("2025_09_11.jpg", datetime(2025, 9, 11, 12)),
    ],
)
def test_phones_and_messengers_write_dates_into_names(name: str, local: datetime) -> None:
    found = taken(with_tags(), filename=name)
    assert (found.local, found.source, found.instant) == (local, "filename", None)


@pytest.mark.parametrize(
    ("name", "instant"),
    [
        ("PXL_20250911_065900123.jpg", datetime(2025, 9, 11, 6, 59, 0, 123_000, tzinfo=UTC)),
        ("PXL_20250911_065900123.PORTRAIT.jpg", datetime(2025, 9, 11, 6, 59, 0, 123_000, tzinfo=UTC)),
        ("FB_IMG_1757573940123.jpg", datetime(2025, 9, 11, 6, 59, 0, 123_000, tzinfo=UTC)),
        ("mmexport1757573940123.jpg", datetime(2025, 9, 11, 6, 59, 0, 123_000, tzinfo=UTC)),
    ],
)
def test_some_names_tell_utc(name: str, instant: datetime) -> None:
    position = {1: "N", 2: (52.5, 0.0, 0.0), 3: "E", 4: (13.4, 0.0, 0.0)}
    found = taken(with_tags(gps=position), filename=name)
    assert (found.instant, found.offset_minutes, found.source) == (instant, 120, "filename")
    assert found.local == instant.replace(tzinfo=None) + timedelta(hours=2)
    assert taken(with_tags(), filename=name).instant == instant


@pytest.mark.parametrize(
    "name",
    [
        "DSC_0123.jpg",
        "IMG_5195.HEIC",
        "20251399_085900.jpg",
        "12345678901234567890.jpg",
        "photo-0001-02-03.jpg",
        "received_1234567890123456.jpeg",
        "99999999_999999.jpg",
        "",
        "/",
    ],
)
def test_other_numbers_are_no_dates(name: str) -> None:
    assert read(with_tags(), filename=name).taken is None


# Where

PARIS = {1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (48.8582222, 2.2945)),
        ({1: "S", 3: "W"}, (-48.8582222, -2.2945)),
        ({1: "s", 3: "west"}, (-48.8582222, -2.2945)),
        ({1: None, 3: None}, (48.8582222, 2.2945)),
        ({2: (0.0, 0.0, 0.0)}, (0.0, 2.2945)),
        ({4: (0.0, 0.0, 0.0)}, (48.8582222, 0.0)),
        ({2: (48.8582222,)}, (48.8582222, 2.2945)),
        ({2: (48.0, 51.493333)}, (48.8582222, 2.2945)),
        ({2: (IFDRational(48), IFDRational(51), IFDRational(0, 0))}, (48.85, 2.2945)),
        ({2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, None),
        ({2: (91.0, 0.0, 0.0)}, None),
        ({4: (181.0, 0.0, 0.0)}, None),
        ({2: (48.0, 75.0, 0.0)}, None),
        ({2: (IFDRational(48, 0), IFDRational(51), IFDRational(0))}, None),
        ({2: (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))}, None),
        ({2: None}, None),
    ],
)
def test_positions_are_read_or_fall_through(change: dict[int, Any], expected: tuple[float, float] | None) -> None:
    gps = {tag: value for tag, value in (PARIS | change).items() if value is not None}
    location = read(with_tags(gps=gps)).location
    if expected is None:
        assert location is None
    else:
        assert location is not None
        assert location[:2] == pytest.approx(expected, abs=1e-6)
        assert location.source == "exif"


def test_a_reference_may_be_bytes_and_a_number_may_carry_its_own_sign() -> None:
    def rationals(*pairs: tuple[int, int]) -> bytes:
        return b"".join(struct.pack("<ii", *pair) for pair in pairs)

    def block(*, reference_type: int) -> bytes:
        """A TIFF block with only a GPS directory: signed rationals, and a reference of another type."""
        values = rationals((-33, 1), (51, 1), (24, 1)), rationals((151, 1), (12, 1), (55, 1))
        entries = struct.pack("<HHI4s", 1, reference_type, 2, b"s\0\0\0") if reference_type else b""
        count = 3 if reference_type else 2
        start = 26
        data = start + 2 + 12 * count + 4
        entries += struct.pack("<HHII", 2, 10, 3, data) + struct.pack("<HHII", 4, 10, 3, data + 24)
        head = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x8825, 4, 1, start) + bytes(4)
        return head + struct.pack("<H", count) + entries + bytes(4) + b"".join(values)

    for reference_type in (0, 1, 2, 7):
        tags = exif.read(block(reference_type=reference_type))
        said = metadata._Said(embedded.Blocks(), tags, xmp.Properties(), {}, [], xmp.Properties(), None, None)
        location = metadata._location(said)
        assert location is not None
        assert location[:2] == pytest.approx((-33.8566667, 151.2152778), abs=1e-6)


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("39,6.9N", "108,24.058W", (39.115, -108.4009667)),
        ("33,51,24S", "151,12,55E", (-33.8566667, 151.2152778)),
        ("-33.8567", "151.2153", (-33.8567, 151.2153)),
        ("95,0N", "10,0E", None),
        ("0,0N", "0,0E", None),
        ("north", "east", None),
    ],
)
def test_xmp_positions(latitude: str, longitude: str, expected: tuple[float, float] | None) -> None:
    location = read(with_xmp(f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"/>')).location
    if expected is None:
        assert location is None
    else:
        assert location is not None
        assert (*location[:2], location.source) == (
            pytest.approx(expected[0], abs=1e-6),
            pytest.approx(expected[1], abs=1e-6),
            "xmp",
        )


@given(st.floats(-90, 90), st.floats(-180, 180))
@settings(max_examples=60, deadline=None)
def test_any_position_makes_the_round_trip_to_a_centimetre(latitude: float, longitude: float) -> None:
    location = read(draw(1, (8, 8), gps=(latitude, longitude))).location
    if max(abs(latitude), abs(longitude)) < 1e-7:
        return
    assert location is not None
    assert location[:2] == pytest.approx((latitude, longitude), abs=1e-7)


# With what


def test_strings_are_cleaned_and_bounded() -> None:
    found = read(with_tags(image={0x010F: "Evil\x1b[31m\x07 Maker\x00hidden", 0x0110: "M" * 5000}))
    assert found.camera_make == "Evil [31m Maker"
    assert found.camera_model == "M" * 200


def test_the_rest_is_small_and_serialises() -> None:
    details = {
        0x829A: IFDRational(1, 125),
        0x829D: IFDRational(28, 10),
        0x8827: 400,
        0x920A: IFDRational(50, 1),
        0x9209: 1,
        0xA434: "A lens",
    }
    found = read(with_tags(image={0x010E: "A caption <b>"}, details=details, gps={6: IFDRational(5), 5: b"\1"}))
    assert found.lens == "A lens"
    assert json.loads(json.dumps(found.extra)) == {
        "exposure_seconds": 0.008,
        "f_number": 2.8,
        "iso": 400,
        "focal_length_mm": 50.0,
        "flash": True,
        "description": "A caption <b>",
        "altitude_m": -5.0,
    }


def test_captions_and_keywords_come_from_xmp_and_iptc() -> None:
    found = read(
        with_xmp(
            'xmp:Rating="4"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">Titel</rdf:li></rdf:Alt></dc:title>'
            "<dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></dc:subject></rdf:Description>"
        )
    )
    assert found.extra == {"title": "Titel", "keywords": ["one", "two"], "rating": 4}
    assert read(with_iptc((120, "Grüße".encode()))).extra == {"description": "Grüße"}
    words = [(25, word) for word in (b"sea", b"M\xfcnchen", b"\x07", b"sea", *(b"w%d" % n for n in range(60)))]
    keywords = read(with_iptc(*words)).extra["keywords"]
    assert isinstance(keywords, list)
    assert keywords[:3] == ["sea", "München", "w0"]
    assert len(keywords) == 49  # of the first fifty one says what another had said


def test_a_keyword_that_iptc_has_no_room_for_is_that_of_xmp() -> None:
    """As Lightroom writes both: 64 bytes there, be it in the middle of a letter."""
    long = ("Jardin botanique de l'Université de Strasbourg, serre de Bary", "Äpfel und Birnen " * 3 + "und Nusseüü")
    assert [len(word.encode()) for word in long] == [62, 67]
    words = (*long, "sea", "x" * 70)
    listed = "".join(f"<rdf:li>{word}</rdf:li>" for word in words)
    xmp = with_xmp(f"><dc:subject><rdf:Bag>{listed}</rdf:Bag></dc:subject></rdf:Description>")
    press = with_iptc(*((25, word.encode()[:64]) for word in (*words, "of the press")))
    begin = 2 + len(press) - len(encode(paint(1, (16, 16))))
    found = read(xmp[:2] + press[2:begin] + xmp[2:])
    assert found.extra["keywords"] == [*words, "of the press"]


# Hostile


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_mutants_never_raise_and_say_only_possible_things(kind: str, data: st.DataObject) -> None:
    mutant = bytearray(SEEDS[kind])
    for _ in range(data.draw(st.integers(1, 12))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    found = read(bytes(mutant[: data.draw(st.integers(len(mutant) // 2, len(mutant)))]))
    json.dumps(found.extra)
    if found.location is not None:
        assert abs(found.location.latitude) <= 90
        assert abs(found.location.longitude) <= 180
    if found.taken is not None:
        assert found.taken.source in metadata.SOURCES
        assert found.taken.local_day == found.taken.local.date()
        assert found.taken.local.year >= 1826


SEEDS = {
    kind: draw(1, (16, 16), taken=MORNING, offset="+02:00", gps=(1.5, -2.5), camera=("A", "B"), format=kind)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")
}


# Real photos. The expected values were read from their tags by other means: Pillow's EXIF reader, strings(1), and eyes.


@pytest.mark.parametrize(
    ("path", "local", "offset", "source", "offset_source", "location"),
    [
        # Its GPS date is a day ahead of its clock (a known fault of this camera); the place is believed.
        ("exif-samples/jpg/gps/DSCN0010.jpg", "2008-10-22T16:28:39", 120, "exif", "place", (43.467448, 11.885127)),
        (
            "exif-samples/jpg/hdr/iphone_hdr_YES.jpg",
            "2015-04-10T20:12:23.550",
            120,
            "exif",
            "gps",
            (40.446972, -3.724753),
        ),
        # No DateTimeOriginal. Local time and GPS time agree to the second, in a zone of UTC+1; the photo shows the dawn
        # of a January morning in Madrid, where the sun rises at 8:36.
        (
            "exif-samples/heic/mobile/HMD_Nokia_8.3_5G_hdr.heif",
            "2022-01-12T08:30:14",
            60,
            "gps",
            "place",
            (40.662994, -3.763741),
        ),
        ("exif-samples/heic/IMG_5195.HEIC", "2021-04-11T15:47:53.054", -300, "exif", "exif", (39.051344, -94.288772)),
        ("exif-samples/jpg/corrupted.jpg", "2015-09-08T11:02:17", None, "exif", None, None),
        (
            "exif-samples/jpg/tests/67-0_length_string.jpg",
            "2016-09-12T10:05:31",
            120,
            "exif_modified",
            "place",
            (51.025, 7.591944),
        ),
        (
            "immich-test-assets/formats/heic/IMG_2682.heic",
            "2019-03-21T11:04:22.348",
            -300,
            "exif",
            "gps",
            (41.2203, -96.071625),
        ),
        (
            "immich-test-assets/formats/motionphoto/samsung-one-ui-6.heic",
            "2024-01-12T21:38:53.853",
            -480,
            "exif",
            "exif",
            None,
        ),
        (
            "immich-test-assets/metadata/dates/datetimeoriginal-gps.jpg",
            "2025-12-01T11:30:00",
            -420,
            "exif",
            "place",
            (39.0, -108.0),
        ),
        (
            "immich-test-assets/metadata/dates/gps-datetime.jpg",
            "2023-11-15T04:30:00",
            -480,
            "gps",
            "place",
            (37.7749, -122.4194),
        ),
        ("immich-test-assets/metadata/dates/date-priority-test.jpg", "2023-02-02T02:00:00", None, "exif", None, None),
        (
            "immich-test-assets/metadata/gps-position/thompson-springs.jpg",
            "2022-01-10T14:15:33.519",
            -420,
            "gps",
            "place",
            (39.115, -108.400968),
        ),
        (
            "immich-test-assets/metadata/gps-position/empty_gps.jpg",
            "2025-06-01T16:59:26.023460",
            None,
            "exif",
            None,
            None,
        ),
        ("immich-test-assets/albums/nature/tanners_ridge.jpg", "2023-09-25T08:33:30.880", None, "exif", None, None),
        ("immich-test-assets/formats/webp/denali.webp", "2010-08-13T21:00:01.850", None, "exif", None, None),
    ],
)
def test_real_photos(
    *,
    path: str,
    local: str,
    offset: int | None,
    source: str,
    offset_source: str | None,
    location: tuple[float, float] | None,
) -> None:
    file = shared_photos(path)
    if file is None:
        pytest.skip("the shared photos are not here")
    found = read(file.read_bytes(), filename=file.name, uploaded_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert found.taken is not None
    assert found.taken.local == datetime.fromisoformat(local)
    sources = (found.taken.source, found.taken.offset_source)
    assert (found.taken.offset_minutes, *sources) == (offset, source, offset_source)
    if location is None:
        assert found.location is None
    else:
        assert found.location is not None
        assert found.location[:2] == pytest.approx(location, abs=1e-5)


def test_no_real_or_hostile_file_breaks_the_reader() -> None:
    root = shared_photos()
    if root is None:
        pytest.skip("the shared photos are not here")
    for path in sorted(root.rglob("*")):
        if path.is_file() and "coco-mini" not in path.parts:
            json.dumps(read(path.read_bytes(), filename=path.name).extra)
