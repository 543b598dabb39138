"""The time, camera and orientation of each real photo: read by us, and held against what other readers found.

The table was checked line by line against the tags that Pillow and a search for the text of XMP and IPTC show:
DateTimeOriginal and kin, their sub-seconds and offsets, GPS date and time, xmp:CreateDate, Date and Time Created.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.pictures import shared_photos

from photovault import metadata, timezones

UPLOADED = datetime(2026, 1, 1, tzinfo=UTC)

# path, local time, minutes of offset, source of the time, source of the offset, camera's model, orientation
PHOTOS: list[tuple[str, str | None, int | None, str | None, str | None, str | None, int]] = [
    ("exif-samples/heic/IMG_5195.HEIC", "2021-04-11T15:47:53.054", -300, "exif", "exif", "iPhone 11 Pro Max", 1),
    ("exif-samples/heic/mobile/HMD_Nokia_8.3_5G_hdr.heif", "2022-01-12T08:30:14", 60, "gps", "place", None, 1),
    ("exif-samples/jpg/corrupted.jpg", "2015-09-08T11:02:17", None, "exif", None, "u1020,S1020", 1),
    ("exif-samples/jpg/gps/DSCN0010.jpg", "2008-10-22T16:28:39", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0012.jpg", "2008-10-22T16:29:49", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0021.jpg", "2008-10-22T16:38:20", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0025.jpg", "2008-10-22T16:43:21", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0027.jpg", "2008-10-22T16:44:01", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0029.jpg", "2008-10-22T16:46:53", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0038.jpg", "2008-10-22T16:52:15", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0040.jpg", "2008-10-22T16:55:37", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/gps/DSCN0042.jpg", "2008-10-22T17:00:07", 120, "exif", "place", "COOLPIX P6000", 1),
    ("exif-samples/jpg/hdr/iphone_hdr_YES.jpg", "2015-04-10T20:12:23.550", 120, "exif", "gps", "iPhone 6", 1),
    ("exif-samples/jpg/invalid/image00971.jpg", "2010-04-13T09:37:22", 120, "xmp_digitized", "xmp", None, 1),
    ("exif-samples/jpg/invalid/image01088.jpg", "2010-04-13T09:37:22", 120, "xmp_digitized", "xmp", None, 1),
    ("exif-samples/jpg/invalid/image01137.jpg", "2009-09-14T11:08:06", 120, "xmp_digitized", "xmp", None, 1),
    ("exif-samples/jpg/invalid/image01551.jpg", "2011-09-23T12:43:03", 0, "xmp_digitized", "xmp", None, 1),
    ("exif-samples/jpg/invalid/image01713.jpg", "2010-03-04T11:59:38", 60, "xmp_digitized", "xmp", None, 1),
    ("exif-samples/jpg/invalid/image01980.jpg", "2011-09-23T11:42:46", 0, "xmp_digitized", "xmp", None, 1),
    ("exif-samples/jpg/invalid/image02206.jpg", "2009-08-04T10:35:03", 0, "xmp_digitized", "xmp", None, 1),
    ("exif-samples/jpg/orientation/landscape_1.jpg", None, None, None, None, None, 1),
    ("exif-samples/jpg/orientation/landscape_2.jpg", None, None, None, None, None, 2),
    ("exif-samples/jpg/orientation/landscape_3.jpg", None, None, None, None, None, 3),
    ("exif-samples/jpg/orientation/landscape_4.jpg", None, None, None, None, None, 4),
    ("exif-samples/jpg/orientation/landscape_5.jpg", None, None, None, None, None, 5),
    ("exif-samples/jpg/orientation/landscape_6.jpg", None, None, None, None, None, 6),
    ("exif-samples/jpg/orientation/landscape_7.jpg", None, None, None, None, None, 7),
    ("exif-samples/jpg/orientation/landscape_8.jpg", None, None, None, None, None, 8),
    ("exif-samples/jpg/orientation/portrait_1.jpg", None, None, None, None, None, 1),
    ("exif-samples/jpg/orientation/portrait_2.jpg", None, None, None, None, None, 2),
    ("exif-samples/jpg/orientation/portrait_3.jpg", None, None, None, None, None, 3),
    ("exif-samples/jpg/orientation/portrait_4.jpg", None, None, None, None, None, 4),
    ("exif-samples/jpg/orientation/portrait_5.jpg", None, None, None, None, None, 5),
    ("exif-samples/jpg/orientation/portrait_6.jpg", None, None, None, None, None, 6),
    ("exif-samples/jpg/orientation/portrait_7.jpg", None, None, None, None, None, 7),
    ("exif-samples/jpg/orientation/portrait_8.jpg", None, None, None, None, None, 8),
    ("exif-samples/jpg/tests/11-tests.jpg", "2007-09-03T16:03:45", None, "exif", None, "Canon DIGITAL IXUS 40", 1),
    ("exif-samples/jpg/tests/32-lens_data.jpeg", "2012-07-14T16:30:12.680", None, "exif", None, "NIKON D300", 1),
    ("exif-samples/jpg/tests/33-type_error.jpg", "2008-05-25T19:31:26", 60, "exif", "xmp", "Canon PowerShot G9", 1),
    ("exif-samples/jpg/tests/45-gps_ifd.jpg", "2012-06-23T06:55:49", None, "exif", None, "Gran Turismo 5", 1),
    (
        "exif-samples/jpg/tests/67-0_length_string.jpg",
        "2016-09-12T10:05:31",
        120,
        "exif_modified",
        "place",
        "SM-G930F",
        1,
    ),
    ("exif-samples/tiff/Arbitro.tiff", None, None, None, None, None, 1),
    ("exif-samples/tiff/BSG1.tiff", None, None, None, None, None, 1),
    ("exif-samples/tiff/Crémieux11.tiff", "2012-01-09T22:52:11", None, "exif_modified", None, None, 1),
    ("exif-samples/tiff/DudleyLeavittUtah.tiff", "2009-09-26T01:11:52", None, "exif_modified", None, None, 1),
    ("exif-samples/tiff/Jobagent.tiff", None, None, None, None, None, 1),
    ("exif-samples/tiff/Picoawards.tiff", None, None, None, None, None, 1),
    ("exif-samples/tiff/Rudless.tiff", None, None, None, None, None, 1),
    ("exif-samples/tiff/Tless0.tiff", None, None, None, None, None, 1),
    (
        "immich-test-assets/albums/nature/cyclamen_persicum.jpg",
        "2007-12-06T14:33:18",
        540,
        "exif",
        "xmp",
        "FinePix S3Pro",
        1,
    ),
    ("immich-test-assets/albums/nature/el_torcal_rocks.jpg", "2012-08-05T11:39:59", None, "exif", None, "DSLR-A550", 1),
    (
        "immich-test-assets/albums/nature/notocactus_minimus.jpg",
        "2008-05-23T15:54:59",
        None,
        "exif",
        None,
        "PENTAX K10D",
        1,
    ),
    ("immich-test-assets/albums/nature/orychophragmus_violaceus.jpg", None, None, None, None, None, 1),
    ("immich-test-assets/albums/nature/polemonium_reptans.jpg", None, None, None, None, None, 1),
    (
        "immich-test-assets/albums/nature/prairie_falcon.jpg",
        "2022-03-31T11:31:56.180",
        None,
        "exif",
        None,
        "Canon EOS R5",
        1,
    ),
    ("immich-test-assets/albums/nature/silver_fir.jpg", None, None, None, None, None, 1),
    (
        "immich-test-assets/albums/nature/tanners_ridge.jpg",
        "2023-09-25T08:33:30.880",
        None,
        "exif",
        None,
        "NIKON D750",
        1,
    ),
    ("immich-test-assets/albums/nature/wood_anemones.jpg", None, None, None, None, None, 1),
    ("immich-test-assets/albums/text/book-beside-flowers.jpg", None, None, None, None, None, 1),
    ("immich-test-assets/albums/text/craft-beer.jpg", None, None, None, None, None, 1),
    ("immich-test-assets/albums/text/handwritten-notes.jpg", None, None, None, None, None, 1),
    ("immich-test-assets/albums/text/japanese-shop.jpg", None, None, None, None, None, 1),
    ("immich-test-assets/formats/avif/10bit-HDR-P3-nclx.avif", None, None, None, None, None, 1),
    ("immich-test-assets/formats/avif/8bit-sRGB.avif", None, None, None, None, None, 1),
    ("immich-test-assets/formats/heic/IMG_2682.heic", "2019-03-21T11:04:22.348", -300, "exif", "gps", "iPhone 7", 1),
    ("immich-test-assets/formats/jpeg/el_torcal_rocks.jpeg", "2012-08-05T11:39:59", None, "exif", None, "DSLR-A550", 1),
    ("immich-test-assets/formats/jpg/el_torcal_rocks.jpg", "2012-08-05T11:39:59", None, "exif", None, "DSLR-A550", 1),
    (
        "immich-test-assets/formats/motionphoto/samsung-one-ui-6.heic",
        "2024-01-12T21:38:53.853",
        -480,
        "exif",
        "exif",
        "SM-S906U",
        6,
    ),
    ("immich-test-assets/formats/png/density_plot.png", "2007-02-13T06:34:38", None, "png", None, None, 1),
    ("immich-test-assets/formats/webp/denali.webp", "2010-08-13T21:00:01.850", None, "exif", None, "Canon EOS 7D", 1),
    ("immich-test-assets/metadata/dates/date-priority-test.jpg", "2023-02-02T02:00:00", None, "exif", None, None, 1),
    (
        "immich-test-assets/metadata/dates/datetimeoriginal-gps.jpg",
        "2025-12-01T11:30:00",
        -420,
        "exif",
        "place",
        None,
        1,
    ),
    ("immich-test-assets/metadata/dates/gps-datetime.jpg", "2023-11-15T04:30:00", -480, "gps", "place", None, 1),
    ("immich-test-assets/metadata/dates/time-created.jpg", None, None, None, None, "EOS R5", 1),
    ("immich-test-assets/metadata/faces/portrait-orientation-6.jpg", None, None, None, None, None, 6),
    ("immich-test-assets/metadata/faces/portrait.jpg", None, None, None, None, None, 1),
    (
        "immich-test-assets/metadata/gps-position/empty_gps.jpg",
        "2025-06-01T16:59:26.023460",
        None,
        "exif",
        None,
        "moto g(9) plus",
        1,
    ),
    (
        "immich-test-assets/metadata/gps-position/thompson-springs.jpg",
        "2022-01-10T14:15:33.519",
        -420,
        "gps",
        "place",
        None,
        1,
    ),
    (
        "immich-test-assets/metadata/rating/mongolels.jpg",
        "2009-08-29T13:18:08.170",
        None,
        "exif",
        None,
        "Canon EOS 500D",
        1,
    ),
    (
        "immich-test-assets/metadata/tags/picasa.jpg",
        "2010-02-13T14:55:31",
        None,
        "exif",
        None,
        "Canon PowerShot SD1100 IS",
        1,
    ),
]


@pytest.mark.parametrize("expected", PHOTOS, ids=lambda row: row[0])
def test_a_real_photo_has_the_time_that_its_tags_tell(
    expected: tuple[str, str | None, int | None, str | None, str | None, str | None, int],
) -> None:
    path, local, offset, source, offset_source, model, orientation = expected
    file = shared_photos(path)
    if file is None:
        pytest.skip("the shared photos are not here")
    found = metadata.read(file.read_bytes(), filename=file.name, uploaded_at=UPLOADED, zone_at=timezones.zone_at)
    assert (found.camera_model, found.orientation) == (model, orientation)
    if local is None:
        assert found.taken is None
        return
    assert found.taken is not None
    assert found.taken.local == datetime.fromisoformat(local)
    assert (found.taken.offset_minutes, found.taken.source, found.taken.offset_source) == (
        offset,
        source,
        offset_source,
    )


def test_every_real_photo_is_in_the_table() -> None:
    known = {row[0] for row in PHOTOS}
    for folder in ("exif-samples", "immich-test-assets"):
        root = shared_photos(folder)
        if root is None:
            pytest.skip("the shared photos are not here")
        there = {
            f"{folder}/{path.relative_to(root).as_posix()}"
            for path in root.rglob("*")
            if path.is_file()
            and path.suffix.lower() in {".jpg", ".jpeg", ".heic", ".heif", ".avif", ".png", ".webp", ".tiff"}
        }
        assert there <= known


@pytest.mark.parametrize(
    ("sidecar", "local", "offset", "place"),
    [
        ("metadata/xmp/dates/2000.xmp", datetime(2000, 9, 27, 14, 35, 33), 120, None),  # in UTF-16
        ("metadata/xmp/dates/2010.xmp", datetime(2010, 9, 27, 14, 35, 33), 120, None),
        ("metadata/xmp/dates/2020.xmp", datetime(2020, 9, 27, 14, 35, 33), 120, None),
        (
            "problems/xmp/iso-value-array/iso-value-array.xmp",
            datetime(2009, 11, 28, 13, 42, 39),
            -300,
            (40.2346441, -76.2871415),
        ),
    ],
)
def test_a_real_sidecar_is_believed_before_the_photo(
    sidecar: str, local: datetime, offset: int, place: tuple[float, float] | None
) -> None:
    root = shared_photos("immich-test-assets")
    if root is None:
        pytest.skip("the shared photos are not here")
    found = metadata.read(
        (root / "albums/nature/prairie_falcon.jpg").read_bytes(),
        filename=None,
        uploaded_at=UPLOADED,
        zone_at=timezones.zone_at,
        sidecar=(root / sidecar).read_bytes(),
    )
    assert found.taken is not None
    assert (found.taken.local, found.taken.offset_minutes, found.taken.source) == (local, offset, "sidecar")
    assert (found.location[:2] if found.location else None) == place
    assert found.camera_model == "Canon EOS R5"
