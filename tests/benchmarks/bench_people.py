"""Who is who on labelled real faces: precision, recall, F1 and purity, for people held out from every choice.

    python tests/benchmarks/bench_people.py [auto|haar ...]

Needs the face models and ``photos/faces`` of the folder that ``PHOTOVAULT_SHARED`` names (``../shared`` beside the
project by default). In each labelled photo the largest face has the label; the others are strangers, and joining one to
somebody labelled is an error. Group photos, and photos of other things with strangers in them, take part unlabelled.
Pairs of faces are the unit of precision and recall; a face of nobody forms no pair, so it costs recall.

The people are split into calibration and held-out by the SHA-256 of their names, which nobody chose. The sweep of
thresholds is over the calibration people alone; then the thresholds that are in use are tried on the held-out people.
More than one split is tried, so that the result does not hang on one. After the models of now the
fallback is tried (``haar``): it must put no strangers together, and finds what it can.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "shared"))
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from tests.pictures import SHARED  # noqa: E402

from photovault.grouping import Face, Matrix, Parameters, group  # noqa: E402
from photovault.grouping_memory import Memory  # noqa: E402

THRESHOLDS = (0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70)
# The cosine with a centroid at which leaves join, below the threshold of founders.
JOIN_BELOW = 0.05
SPLITS = 6
SHUFFLES = 20
STRANGER = "stranger"
CROWDS = ("coco-mini", "immich-test-assets")


@dataclass(frozen=True)
class Labelled:
    """Faces with what is known about them: a name, STRANGER, or nothing for the faces of group photos."""

    faces: list[Face]
    vectors: np.ndarray
    names: dict[UUID, str]


def labelled_faces(photos: Path) -> tuple[Labelled, float]:
    """All faces that the provider of now finds, and its threshold of one face with a centroid."""
    from photovault import faces as providers
    from photovault import formats
    from photovault.errors import PhotoVaultError

    provider = providers.provider()
    print(f"model {provider.model.name} {provider.model.version}")
    found: list[Face] = []
    vectors: list[np.ndarray] = []
    names: dict[UUID, str] = {}
    missed = 0
    paths = sorted((photos / "faces").glob("*/*/*.jp*g"))
    crowds = [path for folder in CROWDS for path in sorted((photos / folder).rglob("*.jp*g"))]
    for number, path in enumerate([*paths, *crowds]):
        data = path.read_bytes()
        try:
            picture = np.asarray(formats.decode(data).image.convert("RGB"))
        except PhotoVaultError:
            continue  # a photo for other tests
        seen = provider.find(picture)
        largest = max(seen, key=lambda face: face.box[2] * face.box[3], default=None)
        labelled = number < len(paths) and path.parent.name != "group"
        missed += labelled and largest is None
        for face in seen:
            identity = UUID(int=len(found) + 1)
            if labelled:
                names[identity] = path.parent.name if face is largest else STRANGER
            found.append(
                Face(
                    id=identity,
                    photo_sha256=hashlib.sha256(data).digest(),
                    box=face.box,
                    quality=face.quality,
                    founder=face.founder,
                    row=len(vectors),
                )
            )
            vectors.append(face.embedding)
    known = Counter(name for name in names.values() if name != STRANGER)
    print(f"{len(found)} faces, {sum(face.founder for face in found)} founders; {len(known)} people: {dict(known)}")
    print(f"labelled photos without a face: {missed}")
    return Labelled(found, np.stack(vectors), names), provider.model.same_person_threshold


def pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def scores(clusters: Sequence[frozenset[UUID]], names: Mapping[UUID, str]) -> tuple[float, float, float, float]:
    """Pairwise precision, recall, F1, and purity. Pairs of two strangers are not counted: nobody knows about them."""
    together = both = grouped = pure = 0
    for cluster in clusters:
        counts = Counter(names[face] for face in cluster if face in names)
        strangers = counts.pop(STRANGER, 0)
        known = counts.total()
        together += pairs([known]) + known * strangers
        both += pairs(counts.values())
        grouped += known + (strangers if known else 0)
        pure += max(counts.values(), default=0)
    truth = pairs(Counter(name for name in names.values() if name != STRANGER).values())
    precision, recall = both / together if together else 1.0, both / truth if truth else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return precision, recall, f1, pure / grouped if grouped else 1.0


def restricted(data: Labelled, people: set[str]) -> Labelled:
    """These people's faces, with all strangers and unlabelled ones."""
    others = {identity for identity, name in data.names.items() if name not in people | {STRANGER}}
    names = {identity: name for identity, name in data.names.items() if identity not in others}
    return Labelled([face for face in data.faces if face.id not in others], data.vectors, names)


def shuffled(data: Labelled, seed: int) -> tuple[list[Face], np.ndarray, dict[UUID, UUID]]:
    """Another order of upload: other ids and rows."""
    order = random.Random(seed).sample(data.faces, len(data.faces))
    new = {face.id: UUID(int=7 * 10**9 + k) for k, face in enumerate(order)}
    moved = [replace(face, id=new[face.id], row=k) for k, face in enumerate(order)]
    return moved, data.vectors[[face.row for face in order]], {fresh: old for old, fresh in new.items()}


def split(people: Iterable[str], seed: int) -> tuple[set[str], set[str]]:
    """Calibration and held-out people, half and half."""
    ordered = sorted(people, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    return set(ordered[::2]), set(ordered[1::2])


def measured(data: Labelled, rules: Parameters) -> str:
    result = group(data.faces, Matrix(data.vectors, data.faces), parameters=rules)
    return " ".join(f"{value:6.3f}" for value in scores(result.clusters, data.names))


def in_batches(data: Labelled, rules: Parameters, seed: int) -> set[frozenset[UUID]]:
    """The people after an upload in another order and in batches, each grouped upon the memory of the one before."""
    faces, vectors, back = shuffled(data, seed)
    stored, memory, upto = Matrix(vectors, faces), None, 0
    choice = random.Random(seed)
    while upto < len(faces):
        upto += choice.choice([1, 2, 5, 20, 60])
        result = group(faces[:upto], stored, parameters=rules, previous=memory)
        memory = Memory.from_bytes(result.memory.to_bytes())
    return {frozenset(back[face] for face in cluster) for cluster in result.clusters}


def quality(data: Labelled, rules: Parameters) -> None:
    people = {name for name in data.names.values() if name != STRANGER}
    calibration, held_out = split(people, 0)
    print(f"calibration people {sorted(calibration)}; held out {sorted(held_out)}")
    print("calibration: threshold       P      R     F1 purity")
    part = restricted(data, calibration)
    for threshold in THRESHOLDS:
        swept = replace(rules, threshold=threshold, join=threshold - JOIN_BELOW)
        print(f"{threshold:22.2f}  {measured(part, swept)}")
    print(f"in use: threshold {rules.threshold:.2f}, join {rules.join:.2f}")
    for seed in range(SPLITS):
        calibration, held_out = split(people, seed)
        values = measured(restricted(data, held_out), rules)
        print(f"held out, split {seed + 1}:      {values}   {', '.join(sorted(held_out))}")
    print(f"everybody:             {measured(data, rules)}")
    expected = set(group(data.faces, Matrix(data.vectors, data.faces), parameters=rules).clusters)
    same = sum(in_batches(data, rules, seed) == expected for seed in range(SHUFFLES))
    print(f"identical people in {same} of {SHUFFLES} orders and batchings\n")


def main() -> None:
    photos = SHARED / "photos"
    if not (photos / "faces").is_dir():
        print(f"skipped: no labelled faces under {photos}")
        return
    os.environ.setdefault("MODELS_DIR", str(SHARED / "models"))
    from photovault.settings import get_settings

    for provider in sys.argv[1:] or ("auto", "haar"):
        os.environ["FACE_PROVIDER"] = provider
        get_settings.cache_clear()
        data, threshold = labelled_faces(photos)
        quality(data, Parameters.of_model(threshold))


if __name__ == "__main__":
    main()
