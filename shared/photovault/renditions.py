"""The pictures that are shown: a thumbnail for grids and a preview for the screen, and inputs for detectors.

All of them come from one decoded ``Picture``. They carry no metadata, are in sRGB, and are never larger than the photo.

Both are JPEG. Measured on a 12 megapixel photo (CPU ms, one run): preview JPEG 10, WebP 143, AVIF 390; thumbnail JPEG
0.6, WebP 9 to 22 for a few per cent fewer bytes. Optimised or progressive tables cost three to six times the encoding
and save 5 to 15 %.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photovault.formats import Picture, scaled

if TYPE_CHECKING:
    from PIL import Image

PREVIEW_SIDE = 2048
"""Long side in pixels. A photo that decoded to within 5 % below it is taken as it is (see ``formats.SLACK``)."""

PREVIEW_QUALITY = 84
THUMBNAIL_QUALITY = 80


@dataclass(frozen=True)
class Rendition:
    """An encoded picture; ``width`` and ``height`` in pixels."""

    name: str
    content_type: str
    data: bytes
    width: int
    height: int


def preview(picture: Picture) -> Rendition:
    """2048 px on the long side, JPEG; transparency becomes white."""
    image = scaled(picture.image, long_side=PREVIEW_SIDE)
    return _jpeg("preview", image, quality=PREVIEW_QUALITY)


def thumbnail(picture: Picture) -> Rendition:
    """320 px on the short side (the long side at most 1280 px), JPEG; transparency becomes white."""
    return _jpeg("thumbnail", picture.small, quality=THUMBNAIL_QUALITY)


def working_image(picture: Picture, long_side: int) -> Image.Image:
    """RGB without transparency, the long side at most ``long_side`` px: what detectors and embedders look at.

    May be ``picture.image`` itself: not to be drawn upon.
    """
    image = _flat(scaled(picture.image, long_side=long_side))
    return image if image.mode == "RGB" else image.convert("RGB")


def _flat(image: Image.Image) -> Image.Image:
    """Over white, as a browser's page would show it."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _jpeg(name: str, image: Image.Image, *, quality: int) -> Rendition:
    out = io.BytesIO()
    _flat(image).save(out, "JPEG", quality=quality)
    return Rendition(name=name, content_type="image/jpeg", data=out.getvalue(), width=image.width, height=image.height)
