"""ThumbHash: a picture in 25 bytes or so, shown until the thumbnail arrives.

Written from the published description of the format (Evan Wallace, https://evanw.github.io/thumbhash/): the mean
colour, then the low frequencies of luminance, of two colour differences and of transparency, four bits each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from photovault.formats import scaled

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Floats = np.ndarray[Any, np.dtype[np.float64]]

SIDE = 100
"""Long side in pixels of what is hashed; more adds nothing to so few frequencies."""


def encode(image: Image.Image) -> bytes:
    """The ThumbHash of a picture of any size and of mode L, RGB or RGBA; 18 to 25 bytes."""
    import numpy as np

    return encode_pixels(np.asarray(scaled(image, long_side=SIDE).convert("RGBA")))


def encode_pixels(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """The ThumbHash of ``pixels``, uint8 of shape (height, width, 4), at most 100 a side, alpha not premultiplied."""
    import numpy as np

    height, width = pixels.shape[:2]
    if max(height, width) > SIDE:
        raise ValueError(f"{width} x {height} pixels do not fit {SIDE} x {SIDE}")
    rgba = pixels.astype(np.float64) / 255
    alpha = rgba[..., 3]
    opacity = float(alpha.sum())
    mean = (rgba[..., :3] * alpha[..., None]).sum(axis=(0, 1)) / opacity if opacity else np.zeros(3)
    translucent = opacity < width * height - 1e-9

    # Transparent pixels take the mean colour, so that they pull no frequency anywhere.
    red, green, blue = np.moveaxis(mean * (1 - alpha[..., None]) + rgba[..., :3] * alpha[..., None], -1, 0)
    most = 5 if translucent else 7
    across = max(1, _round(most * width / max(width, height)))
    down = max(1, _round(most * height / max(width, height)))

    light = _channel((red + green + blue) / 3, max(3, across), max(3, down))
    yellow = _channel((red + green) / 2 - blue, 3, 3)
    reddish = _channel(red - green, 3, 3)
    channels = [light, yellow, reddish]

    landscape = width > height
    first = (
        _round(63 * light[0])
        | _round(31.5 + 31.5 * yellow[0]) << 6
        | _round(31.5 + 31.5 * reddish[0]) << 12
        | _round(31 * light[2]) << 18
        | translucent << 23
    )
    second = (
        (down if landscape else across) | _round(63 * yellow[2]) << 3 | _round(63 * reddish[2]) << 9 | landscape << 15
    )
    out = bytearray(first.to_bytes(3, "little") + second.to_bytes(2, "little"))
    if translucent:
        veil = _channel(alpha, 5, 5)
        channels.append(veil)
        out.append(_round(15 * veil[0]) | _round(15 * veil[2]) << 4)
    nibbles = [_round(15 * value) for _, values, _ in channels for value in values]
    nibbles += [0] * (len(nibbles) % 2)
    out += bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return bytes(out)


def _channel(values: Floats, across: int, down: int) -> tuple[float, list[float], float]:
    """Mean, other low frequencies scaled into 0..1, and their scale: a triangle of the two-dimensional DCT."""
    height, width = values.shape
    table = _cosines(down, height) @ values @ _cosines(across, width).T / (width * height)
    kept = [float(table[y, x]) for y, x in _frequencies(across, down)]
    scale = max((abs(value) for value in kept), default=0.0)
    scaled = [0.5 + 0.5 / scale * value if scale else value for value in kept]
    return float(table[0, 0]), scaled, scale


def _cosines(count: int, length: int) -> Floats:
    import numpy as np

    return np.cos(np.pi / length * np.outer(np.arange(count), np.arange(length) + 0.5))


def _frequencies(across: int, down: int) -> list[tuple[int, int]]:
    """(y, x) of the frequencies under the diagonal, in the format's order, without the mean."""
    return [(y, x) for y in range(down) for x in range(across) if (y or x) and x * down < across * (down - y)]


def _round(value: float) -> int:
    """Half up, as the reference rounds."""
    return math.floor(value + 0.5)


def decode(thumbhash: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The placeholder itself: uint8 of shape (height, width, 4), 32 px on the long side."""
    import numpy as np

    header = int.from_bytes(thumbhash[:3], "little")
    shape = int.from_bytes(thumbhash[3:5], "little")
    translucent, landscape = bool(header >> 23), bool(shape >> 15)
    most = 5 if translucent else 7
    across, down = (most, shape & 7) if landscape else (shape & 7, most)
    ratio = across / down
    width, height = (32, _round(32 / ratio)) if ratio > 1 else (_round(32 * ratio), 32)

    nibbles = iter([n for byte in thumbhash[6 if translucent else 5 :] for n in (byte & 15, byte >> 4)])

    def channel(mean: float, scale: float, across: int, down: int) -> Floats:
        table = np.zeros((down, across))
        table[0, 0] = mean / 2
        for y, x in _frequencies(across, down):
            table[y, x] = (next(nibbles, 7.5) / 7.5 - 1) * scale
        return 2 * _cosines(down, height).T @ table @ _cosines(across, width)

    # Colour is quantised coarsely; the reference decoder lifts it by a quarter to make up for what rounding took.
    light = channel((header & 63) / 63, (header >> 18 & 31) / 31, max(3, across), max(3, down))
    yellow = channel((header >> 6 & 63) / 31.5 - 1, (shape >> 3 & 63) / 63 * 1.25, 3, 3)
    reddish = channel((header >> 12 & 63) / 31.5 - 1, (shape >> 9 & 63) / 63 * 1.25, 3, 3)
    alpha = channel((thumbhash[5] & 15) / 15, (thumbhash[5] >> 4) / 15, 5, 5) if translucent else np.ones_like(light)
    blue = light - 2 / 3 * yellow
    red = (3 * light - blue + reddish) / 2
    planes = np.stack([red, red - reddish, blue, alpha], axis=-1)
    return (np.clip(planes, 0, 1) * 255 + 0.5).astype(np.uint8)
