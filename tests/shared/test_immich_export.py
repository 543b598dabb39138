"""What lies beside photos that come out of Immich is found, and says what it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import immich_export
from photovault.beside import Known

XMP = """<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='Image::ExifTool 13.00'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
 <rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/'
  xmlns:digiKam='http://www.digikam.org/ns/1.0/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'
  xmlns:exif='http://ns.adobe.com/exif/1.0/'>
  {}
  <digiKam:TagsList><rdf:Seq><rdf:li>sea/summer</rdf:li></rdf:Seq></digiKam:TagsList>
  <xmp:Rating>4</xmp:Rating>
 </rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end='w'?>"""


def sidecar(*, caption: str = "", taken: str = "", place: tuple[str, str] | None = None) -> bytes:
    """As Immich has ExifTool write it."""
    parts = []
    if caption:
        li = f"<rdf:li xml:lang='x-default'>{caption}</rdf:li>"
        parts.append(f"<dc:description><rdf:Alt>{li}</rdf:Alt></dc:description>")
    if taken:
        parts.append(f"<exif:DateTimeOriginal>{taken}</exif:DateTimeOriginal>")
    if place:
        parts += [
            f"<exif:GPSLatitude>{place[0]}</exif:GPSLatitude>",
            f"<exif:GPSLongitude>{place[1]}</exif:GPSLongitude>",
        ]
    return XMP.format("\n".join(parts)).encode()


def archived(**more: Any) -> dict[str, Any]:
    """As immich-go writes it."""
    return {"software": "immich-go version:0.26.3, commit:x, date:y", "fileName": "IMG_1.jpg"} | more


def known_of(document: bytes) -> Known:
    read = immich_export.read("a.jpg.xmp", document)
    assert read is not None
    return read[0]


def test_a_sidecar_says_what_a_person_corrected() -> None:
    known = known_of(
        sidecar(caption="At the sea\nagain", taken="2019-05-01T10:00:00.5+02:00", place=("41,8.976N", "8,36.654W"))
    )
    assert known.caption == "At the sea\nagain"
    assert known.corrected_time == "2019-05-01T10:00:00+02:00"
    assert known.corrected_location == pytest.approx((41.1496, -8.6109), abs=1e-4)
    assert (known.taken, known.location, known.favourite, known.archived) == (None, None, False, False)


def test_a_time_without_an_offset_is_the_clock_on_the_wall() -> None:
    assert known_of(sidecar(taken="2019-05-01T10:00:00")).corrected_time == "2019-05-01T10:00:00"


def test_a_time_that_ends_in_z_is_an_instant_and_corrects_nothing() -> None:
    known = known_of(sidecar(taken="2018-08-11T17:38:25Z"))
    assert (known.taken, known.corrected_time) == (datetime(2018, 8, 11, 17, 38, 25, tzinfo=UTC), "")


def test_each_level_of_a_tag_is_a_label() -> None:
    known = known_of(sidecar())
    assert not known.is_empty
    assert (known.rating, known.tags, known.labels) == (4, ("sea/summer",), ("sea", "summer"))


@pytest.mark.parametrize("rating", [5, "5"])
def test_all_the_stars_that_there_are_make_a_favourite(rating: object) -> None:
    read = immich_export.read("a.json", json.dumps(archived(rating=rating)).encode())
    assert read is not None
    assert read[0].is_favourite
    assert not read[0].is_empty


@pytest.mark.parametrize("rating", [4, 0, -1, 6, True, "five", None, [5], 1e99])
def test_fewer_stars_make_none(rating: object) -> None:
    read = immich_export.read("a.json", json.dumps(archived(rating=rating, tags=[7, {"value": 1}, None])).encode())
    assert read is not None
    assert not read[0].is_favourite
    assert read[0].tags == ()


def test_an_archive_says_all_that_immich_knew() -> None:
    document = archived(
        latitude=41.1, longitude=-8.6, dateTaken="2019-05-01T10:00:00+02:00", description="At the sea", favorited=True,
        archived=True, rating=5, tags=[{"value": "People/Ada"}], albums=[{"title": "Porto"}, {"title": ""}, {}, 1],
    )  # fmt: skip
    read = immich_export.read("IMG_1.jpg.json", json.dumps(document).encode())
    assert read == (
        Known(
            filename="IMG_1.jpg",
            taken=datetime(2019, 5, 1, 8, tzinfo=UTC),
            caption="At the sea",
            favourite=True,
            archived=True,
            location=(41.1, -8.6),
            rating=5,
            tags=("People/Ada",),
            labels=("People", "Ada"),
        ),
        ["Porto"],
    )


@pytest.mark.parametrize("taken", ["0001-01-01T00:00:00Z", "", "yesterday", 7, None, "9999-12-31T23:59:59-12:00"])
def test_what_is_no_time_is_none(taken: object) -> None:
    read = immich_export.read("a.json", json.dumps(archived(dateTaken=taken)).encode())
    assert read is not None
    assert read[0].taken is None


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"software": "Ada 1.0"}', b'{"title": "a.jpg"}', b"\xff", b"[" * 9999]
)
def test_documents_of_others_are_none(data: bytes) -> None:
    assert immich_export.read("a.jpg.json", data) is None
    assert immich_export.read("a.jpg.xmp", data) is None


@given(st.binary() | st.text().map(lambda text: sidecar(caption="x", taken=text)))
def test_nothing_in_a_document_does_harm(data: bytes) -> None:
    immich_export.read("a.json", data)
    immich_export.read("a.xmp", data)


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["a.jpg.xmp", "a.xmp"], ["a.jpg.xmp"]),
        (["a.xmp", "b.jpg.xmp"], ["a.xmp"]),
        (["a.jpg.XMP", "a.jpg.JSON"], ["a.jpg.json", "a.jpg.xmp"]),
        (["a.json", "A.jpg.xmp"], []),
    ],
)
def test_what_lies_beside_a_photo_is_found(there: list[str], found: list[str]) -> None:
    assert immich_export.sidecars_of("a.jpg", {immich_export.plain(name) for name in there}) == found


@pytest.mark.parametrize(
    ("name", "album"),
    [
        ("Scanned+1-20250827_225104.zip", "Scanned"),
        ("Our trip 2019-20-20250827_225104 (1).zip", "Our trip 2019-20"),
        ("Scanned-20250827_225104", "Scanned"),
        ("immich-20250827_225104.zip", None),
        ("immich+2-20250827_225104.zip", None),
        ("immich-shared-20250827_225104.zip", None),
        ("Scanned.zip", None),
        ("-20250827_225104.zip", None),
    ],
)
def test_a_download_of_an_album_has_its_title(name: str, album: str | None) -> None:
    assert immich_export.album_of(name) == album


def test_what_immich_made_itself_is_told_from_originals() -> None:
    paths = [PurePath("/x/library/ada/2019"), PurePath("/x/thumbs/ada/ab"), PurePath("/x/library/ada/thumbs")]
    roots = immich_export.roots(paths)
    assert [immich_export.made_in(path, roots) for path in paths] == [None, PurePath("/x/thumbs"), None]
    assert immich_export.made_in(PurePath("/y/thumbs"), roots) is None
