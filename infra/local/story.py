"""The pictures of the demonstration: half a year of somebody who lives in Vienna, drawn, none of it real.

Everyday photos at home over months, a birthday, a weekend in Portugal, copies as messengers make them, a screenshot
and one broken file. The same number of photos always gives the same files, to the byte.
"""

import io
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from infra.local import pictures
from PIL import Image, ImageDraw

FEWEST = 40
PHONE = ("Fairphone", "FP5")
CAMERA = ("FUJIFILM", "X100V")
HOME = (48.2066, 16.3707)  # Vienna
BIRTHDAY = date(2025, 3, 22)
WEEKEND = date(2025, 5, 16)  # a Friday
FIRST_DAY, LAST_DAY = date(2025, 1, 4), date(2025, 6, 29)
SUMMER_TIME = datetime(2025, 3, 30, 2)  # noqa: DTZ001 - wall-clock times, as cameras write them
# Where the weekend leads: a position and the share of its photos taken around it.
STOPS = (
    (38.7139, -9.1394, 0.45),  # Lisbon
    (38.7972, -9.3906, 0.15),  # Sintra
    (41.1437, -8.6129, 0.40),  # Porto
)


@dataclass(frozen=True)
class Picture:
    """A file to upload: ``draw`` makes its bytes, the same ones each time."""

    filename: str
    content_type: str
    draw: Callable[[], bytes]


def tell(photos: int = 60) -> list[Picture]:
    """The story in so many files, at least FEWEST, in the order they were taken; the odd ones come last."""
    if photos < FEWEST:
        raise ValueError(f"the story needs at least {FEWEST} photos")
    taken = photos - 5  # three copies, a screenshot, a broken file
    away, party = max(10, taken // 4), max(10, min(40, taken // 5))
    shots = [*_weekend(away), *_party(party), *_everyday(taken - away - party)]
    shots.sort(key=lambda shot: shot.taken)
    drawn = [shot.picture(seed) for seed, shot in enumerate(shots)]
    return [*drawn, *_copies(drawn), _screenshot(), _broken()]


def _dice(name: str) -> random.Random:
    """Throws the same every time."""
    return random.Random(name)  # noqa: S311 - nothing secret is made of it


@dataclass(frozen=True)
class _Shot:
    taken: datetime
    position: tuple[float, float] | None
    offset: str
    camera: tuple[str, str] = PHONE
    caption: str | None = None

    def picture(self, seed: int) -> Picture:
        upright = seed % 5 == 0
        draw = partial(
            pictures.draw,
            seed,
            (900, 1200) if upright else (1200, 900),
            gps=self.position,
            taken=self.taken,
            offset=self.offset,
            camera=self.camera,
            caption=self.caption,
        )
        name = f"DSCF{1000 + seed}.jpg" if self.camera == CAMERA else f"IMG_{self.taken:%Y%m%d_%H%M%S}.jpg"
        return Picture(name, "image/jpeg", draw)


def _vienna(taken: datetime, position: tuple[float, float] | None, *, caption: str | None = None) -> _Shot:
    return _Shot(taken, position, "+02:00" if taken >= SUMMER_TIME else "+01:00", caption=caption)


def _everyday(count: int) -> Iterator[_Shot]:
    """Around home, a few hundred metres apart, evenly over the months; some without a position."""
    dice = _dice("everyday")
    apart = (LAST_DAY - FIRST_DAY) / count
    for n in range(count):
        day = FIRST_DAY + math.floor(n * apart.total_seconds() / 86400) * timedelta(days=1)
        if WEEKEND <= day <= WEEKEND + timedelta(days=2):
            day = WEEKEND - timedelta(days=2)
        position = (HOME[0] + dice.uniform(-0.003, 0.003), HOME[1] + dice.uniform(-0.004, 0.004))
        moment = datetime.combine(day, time(dice.randrange(8, 21), dice.randrange(60), dice.randrange(60)))
        yield _vienna(moment, None if n % 9 == 8 else position)


def _party(count: int) -> Iterator[_Shot]:
    """A burst of a few hours on the birthday, from one flat."""
    dice = _dice("party")
    moment = datetime.combine(BIRTHDAY, time(16, 4, 30))
    for _ in range(count):
        flat = (HOME[0] + dice.uniform(-1e-4, 1e-4), HOME[1] + dice.uniform(-1e-4, 1e-4))
        yield _vienna(moment, flat, caption="Clara's birthday")
        moment += timedelta(seconds=dice.randrange(120, 900) * 12 / max(12, count))


def _weekend(count: int) -> Iterator[_Shot]:
    """Friday noon to Sunday evening, city by city, with the better camera."""
    dice = _dice("weekend")
    began = datetime.combine(WEEKEND, time(12, 10))
    for n in range(count):
        hours = 24 * (n * 3 // count) + (n * 3 % count) / count * 9 + dice.uniform(0, 0.1)
        share, stop = (n + 0.5) / count, 0
        while stop < len(STOPS) - 1 and share > STOPS[stop][2]:
            share -= STOPS[stop][2]
            stop += 1
        position = (STOPS[stop][0] + dice.uniform(-0.005, 0.005), STOPS[stop][1] + dice.uniform(-0.005, 0.005))
        yield _Shot(began + timedelta(hours=hours), position, "+01:00", CAMERA)


def _copies(drawn: list[Picture]) -> Iterator[Picture]:
    """What comes back from messengers: recompressed, smaller, without metadata."""
    for n, (source, quality, scale) in enumerate([(drawn[3], 60, 1.0), (drawn[7], 75, 0.5), (drawn[-4], 50, 0.7)]):
        name = f"received-{n + 1}.jpg"
        yield Picture(name, "image/jpeg", partial(_copy, source, quality=quality, scale=scale))


def _copy(source: Picture, *, quality: int, scale: float) -> bytes:
    return pictures.recompressed(source.draw(), quality=quality, scale=scale)


def _screenshot() -> Picture:
    return Picture("Screenshot 2025-04-02 at 10.15.32.png", "image/png", _draw_screenshot)


def _draw_screenshot() -> bytes:
    """A window with text-like lines and a picture in it, PNG without EXIF."""
    image = Image.new("RGB", (1280, 800), (236, 238, 241))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 1280, 44), fill=(52, 58, 70))
    for n, colour in enumerate([(255, 95, 86), (255, 189, 46), (39, 201, 63)]):
        pen.ellipse((18 + 26 * n, 14, 34 + 26 * n, 30), fill=colour)
    dice = _dice("screenshot")
    for line in range(24):
        y, wide = 80 + 28 * line, dice.randrange(200, 560)
        pen.rectangle((40, y, 40 + wide, y + 12), fill=(120, 128, 140) if line % 6 else (40, 90, 200))
    image.paste(pictures.paint(4242, (560, 420)), (680, 100))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _broken() -> Picture:
    return Picture("holiday-from-old-phone.jpg", "image/jpeg", _draw_broken)


def _draw_broken() -> bytes:
    """Begins like a JPEG and goes on as noise, like a file from a dying memory card."""
    return pictures.draw(4711, (640, 480))[:20] + _dice("broken").randbytes(30_000)
