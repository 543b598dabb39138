"""Pictures that the project draws itself, for the demonstration and for tests: nobody's photos, known to the pixel.

``draw`` paints a landscape from a seed (sky, sun or moon, hills, trees, a house, film grain) and writes what a camera
would: EXIF dates with an offset, a GPS position, make and model. The same arguments always give the same picture.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray[Any, np.dtype[np.float32]]


def draw(
    seed: int,
    size: tuple[int, int] = (1200, 900),
    *,
    exif: Mapping[int, Any] | None = None,
    gps: tuple[float, float] | None = None,
    taken: datetime | None = None,
    offset: str | None = None,
    camera: tuple[str, str] | None = None,
    caption: str | None = None,
    format: str = "JPEG",  # noqa: A002 - Pillow's own word
    quality: int = 88,
    orientation: int | None = None,
) -> bytes:
    """An encoded picture. ``size`` is width and height in pixels before ``orientation`` (EXIF 1 to 8) is applied.

    ``gps`` is latitude and longitude in degrees; ``taken`` a naive wall-clock time, or an aware one, which also fills
    the GPS clock; ``offset`` like ``"+02:00"``; ``camera`` make and model; ``caption`` ASCII; ``exif`` further tags of
    the Exif directory by number. ``format`` is one of JPEG, PNG, WEBP, GIF, TIFF, AVIF and HEIF.
    """
    image = paint(seed, size)
    tags = camera_tags(
        gps=gps, taken=taken, offset=offset, camera=camera, caption=caption, orientation=orientation, extra=exif
    )
    return encode(image, format=format, quality=quality, exif=tags)


def paint(seed: int, size: tuple[int, int] = (1200, 900)) -> Image.Image:
    """The picture itself, RGB. It is composed alike at any size, so that resized copies can be drawn as well."""
    dice = np.random.default_rng(seed)
    width, height = size
    across = np.linspace(0, 1, width, dtype=np.float32)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]

    hour = dice.uniform(0, 1)
    high = _mix((30, 60, 120), (90, 160, 230), hour)
    low = _mix((240, 150, 90), (215, 230, 240), dice.uniform(0, 1))
    horizon = dice.uniform(0.35, 0.6)
    fade = np.clip(down / horizon, 0, 1)
    canvas: Array = np.empty((height, width, 3), dtype=np.float32)
    canvas[:] = (high * (1 - fade) + low * fade)[:, None, :]

    ratio = height / width
    sun = dice.uniform((0.1, 0.05), (0.9, 0.3))
    distance = np.hypot(across - np.float32(sun[0]), (down - np.float32(sun[1])) * np.float32(ratio))
    glow = np.exp(-((distance / np.float32(0.06)) ** 2))[..., None]
    canvas += glow * (np.array((255, 245, 200), dtype=np.float32) - canvas)

    for layer in range(4):
        near = (layer + 1) / 4
        ridge = np.full(width, horizon + (1 - horizon) * (near - 0.25) * 0.9, dtype=np.float32)
        for wave in range(1, 6):
            swing = dice.uniform(0.01, 0.09) / wave
            ridge += swing * np.sin(2 * math.pi * (wave * dice.uniform(0.5, 1.5) * across + dice.uniform())).astype(
                "f4"
            )
        colour = _mix((120, 140, 160), dice.uniform((20, 60, 10), (110, 120, 60)), near)
        canvas[down >= ridge] = colour * dice.uniform(0.8, 1.1)

    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    _furnish(image, dice)
    return _grain(image, seed)


def _mix(one: Any, other: Any, share: float) -> Array:
    return np.asarray(one, dtype=np.float32) * (1 - share) + np.asarray(other, dtype=np.float32) * share


def _furnish(image: Image.Image, dice: np.random.Generator) -> None:
    """Trees and a house in the foreground."""
    pen = ImageDraw.Draw(image)
    width, height = image.size
    for _ in range(int(dice.integers(3, 12))):
        x, y, tall = dice.uniform(0, 1), dice.uniform(0.75, 1), dice.uniform(0.08, 0.25)
        green = tuple(int(c) for c in dice.integers((10, 50, 10), (60, 130, 60)))
        trunk = tall * height * 0.05
        pen.rectangle((x * width - trunk, (y - tall / 3) * height, x * width + trunk, y * height), fill=(70, 50, 30))
        spread = tall * height * 0.3
        top = (y - tall) * height
        pen.polygon(
            [(x * width, top), (x * width - spread, top + spread * 2.4), (x * width + spread, top + spread * 2.4)],
            green,
        )
    x, y, wide = dice.uniform(0.1, 0.7), dice.uniform(0.65, 0.8), dice.uniform(0.08, 0.18)
    left, right, base = x * width, (x + wide) * width, y * height
    tall = wide * width * 0.7
    wall = tuple(int(c) for c in dice.integers((150, 120, 100), (250, 240, 230)))
    pen.rectangle((left, base - tall, right, base), fill=wall)
    pen.polygon(
        [(left - tall / 6, base - tall), ((left + right) / 2, base - tall * 1.7), (right + tall / 6, base - tall)],
        (140, 50, 40),
    )
    pen.rectangle((left + tall / 5, base - tall * 0.7, left + tall / 2, base - tall * 0.4), fill=(60, 80, 110))


def _grain(image: Image.Image, seed: int) -> Image.Image:
    """A little sensor noise, tiled, so that files have a photo's size and nothing is perfectly flat."""
    noise = np.random.default_rng([seed, 1]).normal(0, 4, (256, 256, 1)).astype(np.int16)
    width, height = image.size
    tiled = np.tile(noise, (-(-height // 256), -(-width // 256), 1))[:height, :width]
    return Image.fromarray(np.clip(np.asarray(image).astype(np.int16) + tiled, 0, 255).astype(np.uint8))


def camera_tags(
    *,
    gps: tuple[float, float] | None = None,
    taken: datetime | None = None,
    offset: str | None = None,
    camera: tuple[str, str] | None = None,
    caption: str | None = None,
    orientation: int | None = None,
    extra: Mapping[int, Any] | None = None,
) -> Image.Exif:
    """What a camera writes, as Pillow's Exif."""
    tags = Image.Exif()
    if camera:
        tags[0x010F], tags[0x0110] = camera
    if caption:
        tags[0x010E] = caption
    if orientation:
        tags[0x0112] = orientation
    details = tags.get_ifd(0x8769)
    position = tags.get_ifd(0x8825)
    if taken:
        tags[0x0132] = details[0x9003] = details[0x9004] = taken.strftime("%Y:%m:%d %H:%M:%S")
        if taken.microsecond:
            details[0x9291] = f"{taken.microsecond // 1000:03d}"
        if taken.tzinfo:
            utc = taken.astimezone(UTC)
            position[0x1D] = utc.strftime("%Y:%m:%d")
            position[0x07] = (float(utc.hour), float(utc.minute), float(utc.second))
    if offset:
        details[0x9010] = details[0x9011] = details[0x9012] = offset
    if gps:
        latitude, longitude = gps
        position[0x01], position[0x02] = "S" if latitude < 0 else "N", _sexagesimal(latitude)
        position[0x03], position[0x04] = "W" if longitude < 0 else "E", _sexagesimal(longitude)
    details.update(extra or {})
    return tags


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    ten_thousandths = round(abs(degrees) * 3600 * 10_000)
    minutes, seconds = divmod(ten_thousandths, 60 * 10_000)
    return (float(minutes // 60), float(minutes % 60), seconds / 10_000)


def encode(image: Image.Image, *, format: str = "JPEG", quality: int = 88, exif: Image.Exif | None = None) -> bytes:  # noqa: A002
    """A file's bytes. GIF carries no EXIF."""
    out = io.BytesIO()
    if format.upper() in {"HEIF", "HEIC"}:
        import pillow_heif

        pillow_heif.from_pillow(image).save(out, quality=quality, exif=None if exif is None else exif.tobytes())
        return out.getvalue()
    options: dict[str, Any] = {} if format.upper() in {"GIF", "PNG", "TIFF"} else {"quality": quality}
    if exif is not None and format.upper() != "GIF":  # not "if exif": sub-directories alone count as empty
        options["exif"] = exif.tobytes()  # an Exif object would lose its sub-directories in TIFF
    image.save(out, format.upper(), **options)
    return out.getvalue()


def recompressed(data: bytes, *, quality: int = 60, scale: float = 1.0, crop: float = 0.0) -> bytes:
    """A copy as messengers make them: scaled, cropped by a share of each side's length, JPEG, without metadata."""
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    edge = (round(width * crop / 2), round(height * crop / 2))
    image = image.crop((edge[0], edge[1], width - edge[0], height - edge[1]))
    if scale != 1:
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    return encode(image, quality=quality)
