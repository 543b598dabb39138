"""XMP packets: properties in both spellings, and packets that mean harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import xmp

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:odd="http://ns.adobe.com/exif/1.0/" odd:DateTimeOriginal="2020-01-02T03:04:05">
 <c:creator xmlns:c="http://purl.org/dc/elements/1.1/"><rdf:Seq><rdf:li>One</rdf:li><rdf:li>Two</rdf:li></rdf:Seq></c:creator>
 <h:History xmlns:h="http://ns.adobe.com/xap/1.0/mm/"><rdf:Seq><rdf:li>
  <rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="1,0N"/></rdf:li></rdf:Seq></h:History>
 <x2:Rating xmlns:x2="http://ns.adobe.com/xap/1.0/">5</x2:Rating>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_properties_are_known_by_their_namespace_not_their_prefix(encoding: str) -> None:
    found = xmp.read(PACKET.encode(encoding))
    assert found.text("exif:DateTimeOriginal") == "2020-01-02T03:04:05"
    assert found.text("xmp:Rating") == "5"
    assert found.texts("dc:creator") == ["One", "Two"]


def test_what_belongs_to_another_property_is_not_the_photos() -> None:
    assert xmp.read(PACKET.encode()).text("exif:GPSLatitude") is None


def test_a_packet_that_breaks_off_gives_what_came_before() -> None:
    broken = PACKET[: PACKET.index("<c:creator")].encode()
    assert xmp.read(broken).text("exif:DateTimeOriginal") == "2020-01-02T03:04:05"


def test_entities_are_not_even_declared() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>'
    assert xmp.read(bomb) == xmp.Properties()


def test_xml_as_deep_as_the_sea_is_left_alone() -> None:
    assert xmp.read(b"<a>" * 100_000) == xmp.Properties()


@given(st.binary(max_size=300), st.integers(0, 600))
def test_no_bytes_break_the_reader(raw: bytes, at: int) -> None:
    xmp.read(raw)
    xmp.read(PACKET.encode()[:at] + raw + PACKET.encode()[at:])
