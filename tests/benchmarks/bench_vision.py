"""One 12 megapixel JPEG through everything in ``vision`` but inference, against the decode alone and the naive way.

    python tests/benchmarks/bench_vision.py

Ours: one decode at reduced scale gives the preview, the thumbnail, ThumbHash, perceptual hash and the detectors'
inputs; the metadata is read beside it. The floor is Pillow's decode at the scale that the preview needs. The naive way
opens and decodes the whole file for each of these steps. CPU time, the least of several rounds that take turns, one
thread; read the ratios.

Where ``MODELS_DIR`` has the detectors, all of ``vision.look`` is held against the sum of the floor and of inference:
the networks alone, on inputs that are ready for them.

At last memory: the largest file of each format, padded to 25 MiB, in a process of its own that has looked at another
photo before (see tests/largest.py).
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "shared")]

import imagehash  # noqa: E402
import numpy as np  # noqa: E402
from infra.local.pictures import draw  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402
from tests import largest  # noqa: E402

from photovault import (  # noqa: E402
    faces,
    formats,
    labels,
    labels_yolox,
    metadata,
    perceptual,
    renditions,
    thumbhash,
    timezones,
    vision_cv,
)
from photovault.pipeline import vision  # noqa: E402

ROUNDS = 9
DETECTOR_SIDE = 640
LABELS_SIDE = 416


def floor(data: bytes) -> None:
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (image.width // 2, image.height // 2))
    image.load()


def full_decode(data: bytes) -> None:
    Image.open(io.BytesIO(data)).load()


def ours(data: bytes) -> None:
    metadata.read(data, filename="a.jpg", uploaded_at=datetime.now(UTC), zone_at=timezones.zone_at)
    picture = formats.decode(data)
    renditions.preview(picture)
    renditions.thumbnail(picture)
    thumbhash.encode(picture.small)
    perceptual.phash(picture.small)
    renditions.working_image(picture, DETECTOR_SIDE)
    renditions.working_image(picture, LABELS_SIDE)


def naive(data: bytes) -> None:
    """Every step for itself, as one writes it first: open, turn upright, scale, encode."""

    def whole() -> Image.Image:
        return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")

    for side in (2048, 427):
        image = whole()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(io.BytesIO(), "JPEG", quality=84)
    image = whole()
    image.thumbnail((100, 100))
    thumbhash.encode(image)
    imagehash.phash(whole())
    for side in (DETECTOR_SIDE, LABELS_SIDE):
        whole().resize((side, side * 3 // 4), Image.Resampling.BILINEAR)
    Image.open(io.BytesIO(data)).getexif()


STEPS: dict[str, Callable[[formats.Picture, bytes], object]] = {
    "metadata": lambda _, data: metadata.read(data, filename=None, uploaded_at=datetime.now(UTC), zone_at=None),
    "decode": lambda _, data: formats.decode(data),
    "preview": lambda picture, _: renditions.preview(picture),
    "thumbnail": lambda picture, _: (vars(picture).pop("small", None), renditions.thumbnail(picture)),
    "thumbhash": lambda picture, _: thumbhash.encode(picture.small),
    "phash": lambda picture, _: perceptual.phash(picture.small),
    "detector input": lambda picture, _: renditions.working_image(picture, DETECTOR_SIDE),
    "labels input": lambda picture, _: renditions.working_image(picture, LABELS_SIDE),
}


def cpu(call: Callable[[], object]) -> float:
    """Milliseconds of CPU of one call."""
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1000


def main() -> None:
    data = draw(7, (4032, 3024), taken=datetime(2024, 5, 6, 7, 8, 9), gps=(48.1, 11.5), quality=92)
    print(f"4032 x 3024 JPEG, {len(data) / 1e6:.1f} MB\n")
    ways = {"floor": floor, "full decode": full_decode, "ours": ours, "naive": naive}
    times: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name] = min(times.get(name, 1e9), cpu(lambda way=way: way(data)))
    for name, value in times.items():
        print(f"{name:16}{value:8.1f} ms")
    print(f"\nours / floor    {times['ours'] / times['floor']:8.2f}  (aim: at most 2)")
    print(f"naive / ours    {times['naive'] / times['ours']:8.2f}  (aim: over 5)\n")
    picture = formats.decode(data)
    for name, step in STEPS.items():
        value = min(cpu(lambda step=step: step(picture, data)) for _ in range(ROUNDS))
        print(f"  {name:16}{value:6.1f} ms")
    print()
    if os.environ.get("MODELS_DIR"):
        with_models(data)
    else:
        print("without MODELS_DIR: no inference")
    if Path("/proc/self/clear_refs").exists():
        print()
        memory()


def with_models(data: bytes) -> None:
    """Everything that ``vision`` computes for one photo, against the least that it could cost."""
    provider: Any = faces.provider()
    detector: Any = labels.provider()
    if detector.model is None or not hasattr(provider, "_detector"):
        print("MODELS_DIR has not both detectors: no inference")
        return
    image: Any = SimpleNamespace(filename="a.jpg", created_at=datetime.now(UTC))
    pixels = vision_cv.to_bgr(np.asarray(renditions.working_image(formats.decode(data), vision.DETECTOR_SIDE)))
    small, _ = vision_cv.shrink(pixels, DETECTOR_SIDE)
    provider._detector.setInputSize((small.shape[1], small.shape[0]))
    square = vision_cv.cv().dnn.blobFromImage(labels_yolox.letterbox(pixels)[0])

    def things() -> None:
        detector.net.setInput(square)
        detector.net.forward()

    ways: dict[str, Callable[[], object]] = {
        "floor": lambda: floor(data),
        "faces": lambda: provider._detector.detect(small),
        "things": things,
        "vision.look": lambda: vision.look(data, image),
    }
    times: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name] = min(times.get(name, 1e9), cpu(way))
    for name, value in times.items():
        print(f"{name:16}{value:8.1f} ms")
    least = times["floor"] + times["faces"] + times["things"]
    print(f"\nlook / (floor + inference) {times['vision.look'] / least:8.2f}  (aim: at most 1.25)")


def memory() -> None:
    """A table of what a worker holds at most, by format."""
    most = 0
    for name in largest.FILES:
        peak, end = largest.peak(name)
        most = max(most, peak)
        print(f"{name:34}{peak / 1e6:6.0f} MB  {end}")
    print(f"\npeak of memory {most / 1e6:6.0f} MB  (aim: below {formats.MEMORY / 1e6:.0f})")


if __name__ == "__main__":
    main()
