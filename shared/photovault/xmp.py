"""XMP packets: simple properties out of RDF/XML that cannot be trusted.

Reads what cameras and photo software write (ISO 16684-1): properties as attributes or elements of rdf:Description,
the first or the ``x-default`` item of an array, and arrays of words. Document types are refused, so that no entity can
be declared, let alone expanded; a packet that breaks off gives what came before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from photovault import exif

MAX_PACKET = 2**20
MAX_PROPERTIES = 400
MAX_DEPTH = 40
MAX_ELEMENTS = 20_000
"""The longest editing histories have some thousands."""

_PREFIXES = {
    "adobe:ns:meta/": "x",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://www.digikam.org/ns/1.0/": "digiKam",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}


class _StopError(Exception):
    """Enough was read, or more than an honest packet holds."""


@dataclass(frozen=True)
class Properties:
    """Property name with its usual prefix (``exif:DateTimeOriginal``) -> its values, in the packet's order."""

    values: Mapping[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, *, most: int = 200) -> str | None:
        """The first value, printable characters only, at most ``most`` of them."""
        values = self.values.get(name)
        return exif.printable(values[0], most=most) if values else None

    def texts(self, name: str, *, most: int = 50) -> list[str]:
        """Up to ``most`` values of an array."""
        kept = (exif.printable(value, most=100) for value in self.values.get(name, [])[:most])
        return [text for text in kept if text]

    def under(self, other: Properties) -> Properties:
        """These properties, but for those that the other one has."""
        return Properties({**self.values, **other.values}) if other.values else self


def read(packet: bytes | None) -> Properties:
    """The simple properties of a packet; empty for none, for a hostile one, and for none that is XML."""
    reader = _Reader()
    if packet:
        reader.read(packet[:MAX_PACKET].strip(b"\0"))
    return Properties(reader.values)


class _Reader:
    def __init__(self) -> None:
        self.values: dict[str, list[str]] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._elements = 0

    def read(self, packet: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        try:
            parser.Parse(packet, True)
        except (expat.ExpatError, _StopError, ValueError, LookupError):
            return

    def _refuse(self, *_: object) -> None:
        raise _StopError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(_short(name))
        self._text.clear()
        self._elements += 1
        if len(self._path) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _StopError
        if self._path[-1] == "rdf:Description" and self._nested() is None:
            for attribute, value in attributes.items():
                self._add(_short(attribute), value)

    def _end(self, _: str) -> None:
        name = self._path.pop()
        text = "".join(self._text).strip()
        self._text.clear()
        if not text:
            return
        if name == "rdf:li":
            if (owner := self._nested()) is not None and len(self._path) >= 2 and self._path[-2] == owner:
                self._add(owner, text)
        elif self._path and self._path[-1] == "rdf:Description" and self._nested() is None:
            self._add(name, text)

    def _nested(self) -> str | None:
        """The property that encloses the current position, if any."""
        return next((name for name in self._path if not name.startswith(("rdf:", "x:"))), None)

    def _add(self, name: str, value: str) -> None:
        if not name.startswith("?") and len(self.values) < MAX_PROPERTIES:
            self.values.setdefault(name, []).append(value)


def _short(name: str) -> str:
    namespace, _, local = name.rpartition(" ")
    return f"{_PREFIXES.get(namespace, '?')}:{local}"
