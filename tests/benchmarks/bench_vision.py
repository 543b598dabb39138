"""One 12 megapixel JPEG through everything in ``vision`` but inference, against the decode alone and the naive way.

    python tests/benchmarks/bench_vision.py

Ours: one decode at reduced scale gives the preview, the thumbnail, ThumbHash, perceptual hash and the detectors'
inputs; the metadata is read beside it. The floor is Pillow's decode at the scale that the preview needs. The naive way
opens and decodes the whole file for each of these steps. CPU time, the least of several rounds that take turns, one
thread; read the ratios.

Where ``MODELS_DIR`` has the detectors, all of ``vision.look`` is held against the sum of the floor and of inference:
the networks alone, on inputs that are ready for them. So is all of ``vision.handle``, from the upload to what is
committed, with its parts: real Postgres and the local storage driver, while staging is a dict and queues go nowhere.
What of it the database computes in a process of its own is told apart. The photo is a real one where it is at hand.

At last memory: the largest file of each format, padded to 25 MiB, in a process of its own that has looked at another
photo before (see tests/largest.py).
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from uuid import UUID

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "shared")]

import imagehash  # noqa: E402
import numpy as np  # noqa: E402
from infra.local.pictures import draw  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402
from tests import largest  # noqa: E402
from tests.benchmarks import scratch  # noqa: E402
from tests.pictures import shared_photos  # noqa: E402
from tests.vaults import SECRET, forget, somebody  # noqa: E402

from photovault import (  # noqa: E402
    db,
    faces,
    formats,
    images,
    keys,
    labels,
    labels_mobilenet,
    labels_yolox,
    metadata,
    originals,
    perceptual,
    queues,
    renditions,
    staging,
    thumbhash,
    timezones,
    uploads,
    vision_cv,
)
from photovault.pipeline import comparing, sealer, vision  # noqa: E402
from photovault.pipeline.messages import PhotoMessage  # noqa: E402
from photovault.staging import Staged  # noqa: E402

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
        real = shared_photos("immich-test-assets", "albums", "text", "book-beside-flowers.jpg")
        with_models(real.read_bytes() if real else data)
    else:
        print("without MODELS_DIR: no inference")
    if Path("/proc/self/clear_refs").exists():
        print()
        memory()


def with_models(data: bytes) -> None:
    """Everything that ``vision`` computes and does for one photo, against the least that it could cost."""
    provider: Any = faces.provider()
    detector: Any = labels.provider()
    if detector.model is None or not hasattr(provider, "_detector"):
        print("MODELS_DIR has not both detectors: no inference")
        return
    image: Any = SimpleNamespace(filename="a.jpg", created_at=datetime.now(UTC), file_modified=None)
    pixels = vision_cv.to_bgr(np.asarray(renditions.working_image(formats.decode(data), vision.DETECTOR_SIDE)))
    small, _ = vision_cv.shrink(pixels, DETECTOR_SIDE)
    provider._detector.setInputSize((small.shape[1], small.shape[0]))
    square = vision_cv.cv().dnn.blobFromImage(labels_yolox.letterbox(pixels)[0])

    def things() -> None:
        detector.net.setInput(square)
        detector.net.forward()

    whole = vision_cv.resized(pixels, (labels_mobilenet.SIDE,) * 2)

    def classes() -> None:
        if detector.classifier:
            detector.classifier.classify(whole)

    ways: dict[str, Callable[[], object]] = {
        "floor": lambda: floor(data),
        "faces": lambda: provider._detector.detect(small),
        "things": things,
        "classes": classes,
        "vision.look": lambda: vision.look(data, image),
    }
    times: dict[str, float] = {}
    parts: dict[str, float] = {}
    with a_vault() as handled:
        for number in range(ROUNDS):
            for name, way in ways.items():
                times[name] = min(times.get(name, 1e9), cpu(way))
            # Other bytes behind the picture: each is a photo that the person does not have.
            for name, value in handled(data + number.to_bytes(16, "big")).items():
                parts[name] = min(parts.get(name, 1e9), value)
    for name, value in times.items():
        print(f"{name:16}{value:8.1f} ms")
    least = times["floor"] + times["faces"] + times["things"] + times["classes"]
    print(f"\nlook / (floor + inference)   {times['vision.look'] / least:8.2f}  (aim: at most 1.25)")
    print(f"handle / (floor + inference) {parts['handle'] / least:8.2f}\n")
    for name, value in parts.items():
        print(f"  {name:16}{value:6.1f} ms")


PARTS: dict[str, tuple[Any, str]] = {
    "load": (sealer, "load"),
    "seal": (sealer, "take"),
    "open": (originals, "open"),
    "look": (vision, "look"),
    "commit": (vision, "_commit"),
    "compare": (comparing, "compare"),
}


@contextmanager
def a_vault() -> Iterator[Callable[[bytes], dict[str, float]]]:
    """A vault of one person. What it gives uploads a photo, has it handled and deleted, and tells the CPU of the parts.

    ``store`` is what is left of ``handle``: encoding, sealing and storing what was found.
    """
    contents: dict[str, bytes] = {}

    def find(user_id: UUID, image_id: UUID) -> Staged | None:
        key = staging.key_of(user_id, image_id)
        data = contents.get(key)
        return None if data is None else Staged(key, len(data), datetime.now(UTC), user_id, image_id)

    with (
        scratch.database(jwt_secrets=[SECRET]) as database,
        mock.patch.dict(os.environ),
        mock.patch.multiple(
            staging,
            get=lambda user_id, image_id, *, at_most: contents.get(staging.key_of(user_id, image_id)),
            find=find,
            delete=lambda key: contents.pop(key, None),
        ),
        mock.patch.object(queues, "_send"),
    ):
        try:
            os.environ.update(
                APP_ENV="test",
                JWT_SECRET=SECRET,
                MASTER_KEY=keys.generate_master_key(),
                STORAGE_DRIVER="local",
                STORAGE_ROOT=str(database.folder / "blobs"),
                STAGING_BUCKET="staging",
                AWS_ENDPOINT_URL="http://127.0.0.1:9",
                AWS_LAMBDA_FUNCTION_NAME="bench",  # one connection to the database
            )
            for number in range(256):  # those of a vault in use
                (database.folder / "blobs" / f"{number:02x}").mkdir(parents=True)
            forget()
            person = somebody().user_id
            yield lambda data: handle(person, data, contents)
        finally:
            forget()


def handle(person: UUID, data: bytes, contents: dict[str, bytes]) -> dict[str, float]:
    """Milliseconds of CPU of one delivery, by its parts."""
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(person) as conn:
        (answer,) = uploads.announce(conn, person, [announced], now=datetime.now(UTC))
    contents[staging.key_of(person, answer.image_id)] = data
    spent: Counter[str] = Counter(dict.fromkeys(["handle", *PARTS], 0.0))

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return call(*given, **named)
            finally:
                spent[name] += (time.process_time() - start) * 1000

        return run

    patches = [
        mock.patch.object(module, what, timed(name, getattr(module, what))) for name, (module, what) in PARTS.items()
    ]
    before = database_cpu(person)
    for patch in patches:
        patch.start()
    try:
        with redirect_stdout(io.StringIO()):  # log and metrics, which cost what they cost
            timed("handle", vision.handle)(PhotoMessage(person, answer.image_id))
    finally:
        for patch in patches:
            patch.stop()
    spent["(the database)"] = database_cpu(person) - before
    with db.transaction(person) as conn:
        image = images.get(conn, answer.image_id)
        assert image
        assert image.vision_done_at
        images.delete_row(conn, answer.image_id)
    spent["store"] = spent["handle"] - sum(spent[name] for name in PARTS)
    return dict(spent)


def database_cpu(person: UUID) -> float:
    """Milliseconds of CPU of the one connection to the database so far."""
    with db.transaction(person) as conn:
        return int(Path(f"/proc/{conn.info.backend_pid}/schedstat").read_text().split()[0]) / 1e6


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
