"""Near-duplicates: recall and false groups on real photos, and what finding copies costs among 100,000 photos.

    python tests/benchmarks/bench_duplicates.py [photos]

Quality takes all of ``photos/coco-mini/val2017`` of the folder that ``PHOTOVAULT_SHARED`` names (``../shared`` beside
the project by default) and makes 20 versions of each in memory: recompressed, resized, cropped, sent by a messenger,
turned by EXIF, converted. A version counts as found when both halves of the way find it: it shares a mark with its
original, and is verified as its copy; whichever of the two comes first. Every group of a version and another photo is
false; so is every pair among the photos themselves. ``photos/faces/lfw5x10`` (portraits of one head size) are a second,
harder set. Thresholds were chosen on both.

Scale: looks of as many photos as asked for (100,000 by default), blended from two real photos each so that their marks
are spread as those of real ones. Candidates are counted by sorting all marks once; what one more photo costs is that
average. ``groups`` is what one request for them computes with a tenth of the library in pairs. Times are of the CPU.
"""

from __future__ import annotations

import hashlib
import io
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "shared")]

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from tests.pictures import SHARED  # noqa: E402

from photovault import duplicates, formats, perceptual  # noqa: E402
from photovault.duplicates import NEAR, Pair, Photo  # noqa: E402
from photovault.perceptual import Look  # noqa: E402

CROPS = {  # left, top, right, bottom, as fractions
    "crop left": (0.05, 0, 0, 0),
    "crop right": (0, 0, 0.05, 0),
    "crop top": (0, 0.05, 0, 0),
    "crop bottom": (0, 0, 0, 0.05),
    "crop centre": (0.025, 0.025, 0.025, 0.025),
    "crop corner": (0.05, 0.05, 0, 0),
    "crop other corner": (0, 0.05, 0.05, 0),
    "crop 5 % each side": (0.05, 0.05, 0.05, 0.05),
}


def saved(image: Image.Image, quality: int = 90, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, str(options.pop("format", "JPEG")), quality=quality, **options)
    return out.getvalue()


def within(image: Image.Image, side: int) -> Image.Image:
    fitted = image.copy()
    fitted.thumbnail((side, side))
    return fitted


def versions(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    width, height = image.size
    for quality in (30, 50, 75, 95):
        yield f"quality {quality}", saved(image, quality)
    yield "half the size", saved(image.resize((width // 2, height // 2)), 85)
    yield "a quarter of the size", saved(image.resize((width // 4, height // 4)), 85)
    for name, (left, top, right, bottom) in CROPS.items():
        box = (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
        yield name, saved(image.crop(box))
    # Photos of the set are small; a messenger's 1600 px are as many of 12 megapixels as 0.4 of these.
    yield "messenger", saved(within(image, 1600), 70)
    yield "messenger, small", saved(within(image, round(0.4 * max(image.size))), 70)
    yield "WebP", saved(image, 70, format="WEBP")
    yield "PNG", saved(image, format="PNG")
    yield "HEIC", heic(image)
    tags = Image.Exif()
    tags[0x0112] = 6
    yield "turned by EXIF", saved(image.transpose(Image.Transpose.ROTATE_90), exif=tags)


def heic(image: Image.Image) -> bytes:
    import pillow_heif

    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=60)
    return out.getvalue()


def photo_of(number: int, image: Image.Image) -> Photo:
    return Photo(UUID(int=number), hashlib.sha256(b"%d" % number).digest(), *image.size)


def share_a_mark(one: Look, other: Look) -> bool:
    return any(
        a.value == b.value and abs(a.x - b.x) <= NEAR and abs(a.y - b.y) <= NEAR for a in one.marks for b in other.marks
    )


def quality(name: str, paths: list[Path]) -> None:
    pictures = [formats.decode(path.read_bytes()) for path in paths]
    looks = {n: perceptual.look(picture.small) for n, picture in enumerate(pictures)}
    photos = {n: photo_of(n, picture.small) for n, picture in enumerate(pictures)}
    original_of: dict[int, tuple[int, str]] = {}
    for n, picture in enumerate(pictures):
        for kind, data in versions(picture.image.convert("RGB")):
            small = formats.decode(data).small
            number = len(photos)
            original_of[number] = n, kind
            looks[number], photos[number] = perceptual.look(small), photo_of(number, small)
    sketches = {photos[n].id: look.sketch for n, look in looks.items()}
    wanted = [(photos[n], photos[number]) for number, (n, _) in original_of.items()]
    verified = {frozenset((pair.a, pair.b)) for pair in duplicates.pairs(wanted, sketches)}
    found: dict[str, list[bool]] = {}
    for number, (n, kind) in original_of.items():
        pair = frozenset((photos[n].id, photos[number].id))
        found.setdefault(kind, []).append(pair in verified and share_a_mark(looks[n], looks[number]))
    everything = [one for each in found.values() for one in each]
    print(f"{name}: {len(pictures)} photos, {len(everything)} versions, recall {np.mean(everything):.4f}")
    print("  " + ", ".join(f"{kind} {np.mean(each):.3f}" for kind, each in found.items()))

    # All photos against all, as if every pair were a candidate; then every version against the other photos' marks.
    numbers = range(len(pictures))
    among = duplicates.pairs([(photos[a], photos[b]) for a in numbers for b in numbers if a < b], sketches)
    strangers = [
        (photos[other], photos[number])
        for number, (n, _) in original_of.items()
        for other in numbers
        if other != n and share_a_mark(looks[other], looks[number])
    ]
    false = among + duplicates.pairs(strangers, sketches)
    order = {one.id: one.order for one in photos.values()}
    true = [pair for pair in duplicates.pairs(wanted, sketches) if frozenset((pair.a, pair.b)) in verified]
    groups = duplicates.group([*true, *false], order)
    of_originals = [{original_of.get(m.int, (m.int, ""))[0] for m in group.members} for group in groups]
    mixed = sum(len(originals) > 1 for originals in of_originals)
    print(f"  {len(groups)} groups, false groups {mixed}, false pairs {len(false)} of {len(strangers)} candidates "
          f"and {len(pictures) * (len(pictures) - 1) // 2} pairs")  # fmt: skip


def timed(work: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def cost(paths: list[Path]) -> None:
    picture = formats.decode(paths[0].read_bytes()).small
    look = perceptual.look(picture)
    one = timed(lambda: perceptual.look(picture), 100)
    sketches = [look.sketch] * 400
    each = timed(lambda: duplicates.measure(sketches, sketches), 2) / len(sketches)
    print(f"a photo's look {1000 * one:.2f} ms of {picture.size}, a verified pair {1000 * each:.2f} ms")


def scale(paths: list[Path], count: int) -> None:
    """Marks of blends of parts of two photos, which are spread like those of real ones; and of their mirror images and
    negatives, which are other pictures, and whose marks follow from these by signs alone."""
    rng = np.random.default_rng(4)
    sources = [formats.decode(path.read_bytes()).small.convert("L") for path in paths]
    start = time.process_time()
    made: list[tuple[int, int, int, int]] = []
    for number in range(-(-count // 8)):
        parts = []
        for source in rng.choice(len(sources), 2, replace=False):
            image = sources[source]
            side = rng.uniform(0.3, 0.9)
            left, top = rng.uniform(0, 1 - side, 2)
            box = [left * image.width, top * image.height, (left + side) * image.width, (top + side) * image.height]
            parts.append(image.resize((64, 64), Image.Resampling.BILINEAR, box=box, reducing_gap=1.5))
        pixels = np.asarray(Image.blend(*parts, alpha=0.5), dtype=np.float32)
        made += [(mark.value, mark.x, mark.y, number) for mark in perceptual._marks(pixels)]
    values, across, down, owners = np.array(made).T
    _, rows, columns = perceptual._window_frequencies()
    odd_across, odd_down = (sum(1 << bit for bit, one in enumerate(each) if one % 2) for each in (columns, rows))
    every = (1 << len(rows) + 1) - 1
    turned = [
        (
            values ^ (odd_across * mirrored) ^ (odd_down * upside_down) ^ (every * negative),
            255 - across if mirrored else across,
            255 - down if upside_down else down,
            owners * 8 + mirrored * 4 + upside_down * 2 + negative,
        )
        for mirrored in (0, 1)
        for upside_down in (0, 1)
        for negative in (0, 1)
    ]
    values, across, down, owners = (np.concatenate(each) for each in zip(*turned, strict=True))
    pictures = len(np.unique(owners))
    took = time.process_time() - start
    print(f"{pictures} synthetic pictures, {len(values) / pictures:.1f} marks each, made in {took:.0f} s")
    start = time.process_time()
    read, compared = candidates(values, np.stack([across, down], axis=1), owners)
    took = time.process_time() - start
    whole = pictures * (pictures - 1) // 2
    print(f"candidates of all in {took:.1f} s: {len(compared)} pairs of {whole} ({len(compared) / whole:.1e}), "
          f"{2 * len(compared) / pictures:.1f} a photo; rows read for one {2 * read / pictures:.0f}")  # fmt: skip


def candidates(values: np.ndarray, places: np.ndarray, owners: np.ndarray) -> tuple[int, set[tuple[int, int]]]:
    """Pairs of rows with one value, and the pairs of photos that are candidates."""
    order = np.argsort(values, kind="stable")
    values, places, owners = values[order], places[order], owners[order]
    ends = np.flatnonzero(np.diff(values, append=-1)) + 1
    rows, found = 0, set()
    begin = 0
    for end in ends:
        if end - begin > 1:
            group_places, group_owners = places[begin:end], owners[begin:end]
            near = (np.abs(group_places[:, None] - group_places[None]) <= NEAR).all(axis=2)
            first, second = np.nonzero(np.triu(near & (group_owners[:, None] != group_owners[None]), 1))
            rows += (end - begin) * (end - begin - 1) // 2
            a, b = group_owners[first], group_owners[second]
            found.update(zip(np.minimum(a, b).tolist(), np.maximum(a, b).tolist(), strict=True))
        begin = end
    return rows, found


def groups(count: int) -> None:
    """A tenth of the library in groups of two to five."""
    rng = random.Random(6)
    pairs, order, number = [], {}, 0
    while number < count // 10:
        members = [UUID(int=number + k) for k in range(rng.randint(2, 5))]
        number += len(members)
        order |= {member: hashlib.sha256(member.bytes).digest() for member in members}
        kind = rng.choice(["duplicate", "burst"])
        pairs += [Pair(a, b, kind, rng.uniform(0.93, 1)) for k, a in enumerate(members) for b in members[:k]]
    took = timed(lambda: duplicates.group(pairs, order), 3)
    print(f"groups of {len(order)} photos in {len(pairs)} pairs: {1000 * took:.0f} ms")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    photos = sorted((SHARED / "photos" / "coco-mini" / "val2017").glob("*.jpg"))
    if not photos:
        print(f"skipped: no photos under {SHARED}")
        return
    quality("coco-mini", photos)
    quality("faces", sorted((SHARED / "photos" / "faces" / "lfw5x10").glob("*/*.jpg")))
    cost(photos)
    groups(count)
    scale(photos, count)


if __name__ == "__main__":
    main()
