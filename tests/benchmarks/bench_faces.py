"""How good faces are: the measures of labelled real faces, what spoils them, and what small or tilted faces cost.

    python tests/benchmarks/bench_faces.py [auto|haar]

Needs the face models and ``photos`` of the folder that ``PHOTOVAULT_SHARED`` names (``../shared`` beside the project by
default). The gates of ``face_measures`` were chosen on the second table; ``bench_people.py`` says whom they make.

1. Every labelled face: side in pixels, detection score, sharpness, frontality, quality, whether it may found a person,
   the cosine with the centroid of the person's other faces, and with the nearest centroid of anybody else.
2. What blur, motion, noise, JPEG, size, light, tilt, glasses and a mask do to these faces (all at about 90 pixels): the
   share that is found and that may found a person, the cosine with the face as it was (of the worst in twenty, and the
   median), that of the founders among them, and the highest cosine of two people, both of them spoilt founders.
3. Faces of several sizes in a picture of 2,048 x 1,536: the share that is found, and milliseconds of CPU a picture.
4. Real photos without labels: how many are taken for faces outside of everybody whom people marked there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "shared"))
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from tests.pictures import SHARED  # noqa: E402

from photovault import face_measures, faces  # noqa: E402
from photovault.face_measures import Face  # noqa: E402
from photovault.vision_cv import Picture  # noqa: E402

PHOTOS = SHARED / "photos"
USUAL = 95.0  # pixels across the faces of the second table
SIZES = (20, 24, 32, 40, 48, 64)

Spoiler = Callable[[Picture, np.ndarray], Picture]


@dataclass(frozen=True)
class Portrait:
    name: str
    path: Path
    picture: Picture
    face: Face

    @property
    def side(self) -> float:
        return side(self.face, self.picture)


def side(face: Face, picture: Picture) -> float:
    return min(face.box[2] * picture.shape[1], face.box[3] * picture.shape[0])


def largest(found: list[Face]) -> Face | None:
    return max(found, key=lambda face: face.box[2] * face.box[3], default=None)


def portraits(provider: faces.Provider) -> list[Portrait]:
    """The largest face of each labelled photo."""
    every = []
    for path in sorted((PHOTOS / "faces").glob("*/*/*.jp*g")):
        if path.parent.name != "group":
            picture = np.asarray(Image.open(path).convert("RGB"))
            face = largest(provider.find(picture))
            if face is None:
                print(f"nobody found in {path.name}")
            else:
                every.append(Portrait(path.parent.name, path, picture, face))
    return every


def centroid(vectors: list[np.ndarray]) -> np.ndarray:
    mean = np.mean(vectors, axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def show_measures(every: list[Portrait]) -> None:
    print(f"{'face':28} side score sharp front  qual founder   own other")
    for one in every:
        own = [e.face.embedding for e in every if e.name == one.name and e is not one]
        others = {e.name for e in every} - {one.name}
        nearest = max(
            float(one.face.embedding @ centroid([e.face.embedding for e in every if e.name == name])) for name in others
        )
        points = one.face.landmarks
        frontal = face_measures.frontality(np.array(points) * one.picture.shape[1::-1]) if points else float("nan")
        face = one.face
        print(
            f"{one.path.stem:28} {one.side:4.0f}  {face.score:.2f}  {face.sharpness:.2f}  {frontal:.2f}  "
            f"{face.quality:.2f} {'yes' if face.founder else 'NO ':>7} "
            f"{float(face.embedding @ centroid(own)):5.2f} {nearest:5.2f}"
        )


# --- Spoiling ------------------------------------------------------------------------------------------------------


def blurred(picture: Picture, _: np.ndarray, *, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))


def shaken(picture: Picture, _: np.ndarray, *, pixels: int) -> Picture:
    return np.asarray(cv2.blur(picture, (pixels, 1)))


def noisy(picture: Picture, _: np.ndarray, *, deviation: float) -> Picture:
    noise = np.random.default_rng(int(picture.sum()) % 2**32).normal(0, deviation, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def squeezed(picture: Picture, _: np.ndarray, *, quality: int) -> Picture:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1))


def smaller(picture: Picture, _: np.ndarray, *, factor: float) -> Picture:
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))


def lit(picture: Picture, _: np.ndarray, *, gamma: float) -> Picture:
    return (255 * (picture / 255.0) ** gamma).astype(np.uint8)


def tilted(picture: Picture, _: np.ndarray, *, degrees: float) -> Picture:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT))


def from_one_side(picture: Picture, points: np.ndarray) -> Picture:
    light = 0.15 + 0.85 / (1 + np.exp((points[2, 0] - np.arange(picture.shape[1])) / 6))
    return (picture * light[None, :, None]).astype(np.uint8)


def with_dark_glasses(picture: Picture, points: np.ndarray) -> Picture:
    picture, apart = picture.copy(), float(np.hypot(*(points[1] - points[0])))
    left, right = ([int(value) for value in eye] for eye in points[:2])
    for eye in (left, right):
        cv2.circle(picture, eye, int(apart * 0.33), (20, 22, 25), -1, cv2.LINE_AA)
    cv2.line(picture, left, right, (20, 22, 25), max(1, int(apart * 0.08)))
    return picture


def with_a_mask(picture: Picture, points: np.ndarray) -> Picture:
    picture, apart = picture.copy(), float(np.hypot(*(points[1] - points[0])))
    mouth = [float(value) for value in points[3:].mean(axis=0)]
    cv2.ellipse(picture, (mouth, (apart * 1.7, apart * 1.3), 0.0), (220, 215, 200), -1, cv2.LINE_AA)
    return picture


SPOILERS: dict[str, Spoiler] = {
    "as it is": lambda picture, _: picture,
    **{f"blur {sigma}": partial(blurred, sigma=sigma) for sigma in (1, 2, 3, 4, 6)},
    **{f"motion {pixels}": partial(shaken, pixels=pixels) for pixels in (7, 11, 15)},
    **{f"noise {deviation}": partial(noisy, deviation=deviation) for deviation in (10, 20, 30)},
    **{f"JPEG {quality}": partial(squeezed, quality=quality) for quality in (15, 8, 4)},
    **{f"size {factor}": partial(smaller, factor=factor) for factor in (0.5, 0.35, 0.2)},
    **{f"gamma {gamma}": partial(lit, gamma=gamma) for gamma in (0.3, 4)},
    **{f"tilt {degrees}": partial(tilted, degrees=degrees) for degrees in (20, 30, 45)},
    "light from one side": from_one_side,
    "dark glasses": with_dark_glasses,
    "mask": with_a_mask,
}


def show_spoilt(every: list[Portrait], provider: faces.Provider) -> None:
    """Founders of different people that are more alike than the threshold would make one person of two."""
    shrunk = []
    for one in every:
        factor = min(1.0, USUAL / one.side)
        small = cv2.resize(one.picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        if (face := largest(provider.find(np.asarray(small)))) is not None:
            shrunk.append(Portrait(one.name, one.path, np.asarray(small), face))
    print(f"\n{'spoilt by':20} found founders   kept of all  of founders   two people")
    together: list[tuple[str, np.ndarray]] = []
    for name, spoil in SPOILERS.items():
        kept: list[float] = []
        founders: list[tuple[str, np.ndarray, float]] = []
        for one in shrunk:
            points = np.array(one.face.landmarks or [(0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.42, 0.6), (0.58, 0.6)])
            spoilt = spoil(one.picture, points * one.picture.shape[1::-1])
            face = largest(provider.find(np.ascontiguousarray(spoilt)))
            if face is not None:
                same = float(face.embedding @ one.face.embedding)
                kept.append(same)
                if face.founder:
                    founders.append((one.name, face.embedding, same))
        together += [(who, vector) for who, vector, _ in founders]
        alike = max(strangers([(who, vector) for who, vector, _ in founders]), default=float("nan"))
        all_kept, theirs = (
            np.quantile(values, [0.05, 0.5]) if values else np.full(2, np.nan)
            for values in (kept, [same for *_, same in founders])
        )
        print(
            f"{name:20} {len(kept) / len(shrunk):5.2f} {len(founders) / len(shrunk):8.2f}"
            f"     {all_kept[0]:.2f} {all_kept[1]:.2f}    {theirs[0]:.2f} {theirs[1]:.2f}        {alike:.2f}"
        )
    cosines = np.array(strangers(together))
    shares = " ".join(f">= {least:.2f}: {(cosines >= least).mean() * 1e6:.0f}" for least in (0.40, 0.45, 0.50, 0.55))
    print(
        f"all founders together: {len(cosines):,} pairs of two people; of a million are {shares}; "
        f"max {cosines.max():.2f}"
    )


def strangers(founders: list[tuple[str, np.ndarray]]) -> list[float]:
    """The cosines of all pairs of two people."""
    if len(founders) < 2:
        return []
    names, vectors = np.array([who for who, _ in founders]), np.stack([vector for _, vector in founders])
    different = np.triu(names[:, None] != names, 1)
    return list((vectors @ vectors.T)[different].tolist())


# --- Sizes and false alarms ----------------------------------------------------------------------------------------


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def show_sizes(every: list[Portrait], provider: faces.Provider) -> None:
    width, height = 2048, 1536
    grounds = sorted((PHOTOS / "coco-mini" / "val2017").glob("*.jpg"))
    some = [one for one in every if one.picture.shape == (250, 250, 3)]
    print(f"\n{'pixels across':14} found   ms a picture of ten")
    for pixels in SIZES:
        found, spent, pictures = 0, 0.0, 0
        for start in range(0, len(some) - 9, 10):
            with Image.open(grounds[start // 10]) as ground:
                picture = np.array(ground.convert("RGB").resize((width, height)))
            truth = []
            for place, one in enumerate(some[start : start + 10]):
                small = smaller(one.picture, np.empty(0), factor=pixels / one.side)
                row, column = divmod(place, 5)
                top, left, edge = 150 + 700 * row, 60 + 400 * column, small.shape[0]
                picture[top : top + edge, left : left + edge] = small
                x, y, wide, high = (value * edge for value in one.face.box)
                truth.append(((left + x) / width, (top + y) / height, wide / width, high / height))
            before = time.process_time()
            boxes = [face.box for face in provider.find(picture)]
            spent += time.process_time() - before
            found += sum(any(overlap(box, real) > 0.4 for box in boxes) for real in truth)
            pictures += 1
        print(f"{pixels:14} {found / pictures / 10:5.2f} {spent / pictures * 1000:8.0f}")


def show_false_alarms(provider: faces.Provider) -> None:
    """A face is a false alarm when its middle lies in nobody whom COCO's people marked."""
    folder = PHOTOS / "coco-mini"
    notes = json.loads((folder / "annotations" / "instances_val2017.json").read_text())
    person = next(entry["id"] for entry in notes["categories"] if entry["name"] == "person")
    people: dict[int, list[list[float]]] = defaultdict(list)
    for entry in notes["annotations"]:
        if entry["category_id"] == person:
            people[entry["image_id"]].append(entry["bbox"])
    photos = total = alarms = founders = 0
    spent = 0.0
    for entry in notes["images"]:
        path = folder / "val2017" / entry["file_name"]
        if not path.exists():
            continue
        picture = np.asarray(Image.open(path).convert("RGB"))
        before = time.process_time()
        found = provider.find(picture)
        spent += time.process_time() - before
        photos += 1
        for face in found:
            x = (face.box[0] + face.box[2] / 2) * picture.shape[1]
            y = (face.box[1] + face.box[3] / 2) * picture.shape[0]
            inside = any(
                left <= x <= left + wide and top <= y <= top + high for left, top, wide, high in people[entry["id"]]
            )
            total += 1
            alarms += not inside
            founders += face.founder and not inside
    print(f"\n{photos} photos of COCO: {total} faces, {alarms} of them in nobody ({founders} founders); ", end="")
    print(f"{spent / photos * 1000:.0f} ms a photo")


def main() -> None:
    if not (PHOTOS / "faces").is_dir():
        print(f"skipped: no labelled faces under {PHOTOS}")
        return
    os.environ.setdefault("MODELS_DIR", str(SHARED / "models"))
    os.environ["FACE_PROVIDER"] = (sys.argv[1:] or ["auto"])[0]
    provider = faces.provider()
    print(f"model {provider.model.name} {provider.model.version}")
    every = portraits(provider)
    show_measures(every)
    show_spoilt(every, provider)
    show_sizes(every, provider)
    show_false_alarms(provider)


if __name__ == "__main__":
    main()
