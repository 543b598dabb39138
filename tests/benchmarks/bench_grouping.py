"""Who is who: quality on labelled real faces, and the cost of grouping 50,000 synthetic ones.

    python tests/benchmarks/bench_grouping.py [faces]

Quality needs the face models and ``photos/faces`` of the folder that ``PHOTOVAULT_SHARED`` names (``../shared`` beside
the project by default); without them that half is skipped. In each labelled photo the largest face has the label; the
others are strangers, and joining one to somebody labelled is an error. Group photos take part unlabelled and are not
counted. Pairs of faces are the unit of precision and recall; a face of nobody forms no pair. The threshold's sweep is
printed for two disjoint halves of the people: choose on one, read on the other.

Speed: identities in 256 dimensions, a few of them huge. ``product`` is the bare blocked product of all founders, the
limit; ``new face`` regroups with the grouping before it. Read the ratios; memory is the peak by tracemalloc.
"""

from __future__ import annotations

import hashlib
import os
import random
import statistics
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "shared"))

import numpy as np  # noqa: E402
from tests.pictures import SHARED  # noqa: E402

from photovault.grouping import Face, Grouping, Parameters, group, quantise  # noqa: E402

THRESHOLDS = (0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.55)
SHUFFLES = 20
STRANGER = "stranger"


@dataclass(frozen=True)
class Labelled:
    """Faces with what is known about them: a name, STRANGER, or nothing for the faces of group photos."""

    faces: list[Face]
    vectors: np.ndarray
    names: dict[UUID, str]


def labelled_faces(folder: Path) -> Labelled:
    from photovault import faces as providers
    from photovault import formats

    provider = providers.provider()
    print(f"model {provider.model.name} {provider.model.version}, centroid {provider.model.same_person_threshold}")
    found: list[Face] = []
    vectors: list[np.ndarray] = []
    names: dict[UUID, str] = {}
    for number, path in enumerate(sorted(folder.glob("*/*/*.jp*g"))):
        data = path.read_bytes()
        seen = provider.find(np.asarray(formats.decode(data).image.convert("RGB")))
        largest = max(seen, key=lambda face: face.box[2] * face.box[3], default=None)
        for face in seen:
            identity = UUID(int=len(found) + 1)
            if path.parent.name != "group":
                names[identity] = path.parent.name if face is largest else STRANGER
            found.append(
                Face(
                    id=identity,
                    image_id=UUID(int=10**9 + number),
                    photo_sha256=hashlib.sha256(data).digest(),
                    box=face.box,
                    quality=face.quality,
                    founder=face.founder,
                    row=len(vectors),
                )
            )
            vectors.append(face.embedding)
    return Labelled(found, np.stack(vectors), names)


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


def quality(data: Labelled) -> None:
    people = sorted({name for name in data.names.values() if name != STRANGER})
    founders = sum(face.founder for face in data.faces)
    strangers = sum(name == STRANGER for name in data.names.values())
    print(f"{len(data.faces)} faces, {founders} founders, {len(people)} people, {strangers} strangers")
    halves = {"first half": set(people[::2]), "second half": set(people[1::2]), "all": set(people)}
    print(f"{'threshold':>9}" + "".join(f"  {name:>12}: P     R     F1    purity" for name in halves))
    for threshold in THRESHOLDS:
        line = f"{threshold:9.2f}"
        for some in halves.values():
            part = restricted(data, some)
            result = group(part.faces, part.vectors, parameters=Parameters(threshold=threshold, join=threshold + 0.05))
            line += "  " + " " * 12 + " ".join(f"{value:5.3f}" for value in scores(result.clusters, part.names)) + " "
        print(line)
    expected = set(group(data.faces, data.vectors).clusters)
    same = 0
    for seed in range(SHUFFLES):
        faces, vectors, back = shuffled(data, seed)
        same += {frozenset(back[face] for face in cluster) for cluster in group(faces, vectors).clusters} == expected
    print(f"identical people in {same} of {SHUFFLES} shuffles")


def synthetic(count: int, *, dimensions: int = 256, seed: int = 5) -> tuple[list[Face], np.ndarray]:
    """People with a long tail of sizes, cosines as the real model has them (same 0.7, different 0), one face in five
    weak, one in ten a stranger."""
    rng = np.random.default_rng(seed)
    who = np.minimum((rng.pareto(0.7, size=count) * 3).astype(int), count)
    strangers = rng.random(count) < 0.1
    who[strangers] = count + 1 + np.arange(strangers.sum())
    _, who = np.unique(who, return_inverse=True)
    centres = rng.normal(size=(who.max() + 1, dimensions)).astype(np.float32)
    vectors = centres[who] + rng.normal(scale=0.65, size=(count, dimensions)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weak = rng.random(count) < 0.2
    faces = [
        Face(UUID(int=n + 1), UUID(int=n + 1), hashlib.sha256(b"%d" % n).digest(), (0.0,), 1.0, not weak[n], n)
        for n in range(count)
    ]
    return faces, vectors


def timed(work: Callable[[], Grouping | None]) -> tuple[float, Grouping | None]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def speed(count: int) -> None:
    faces, vectors = synthetic(count)
    exact = quantise(vectors[[face.row for face in faces if face.founder]])

    def product() -> None:
        for start in range(0, len(exact), 512):
            (exact[start : start + 512] @ exact[start:].T >= 0.4).any()

    limit, _ = timed(product)
    whole, full = timed(lambda: group(faces, vectors))
    sizes = sorted((len(component.founders) for component in full.components), reverse=True)
    print(f"{count} faces: {len(full.clusters)} people, {len(full.unknown)} unknown, components {sizes[:4]}...")
    print(f"product {limit:.1f} s, full regroup {whole:.1f} s ({whole / limit:.2f}x)")
    costs, touched = [], []
    founders = [face for face in faces if face.founder]
    for late in random.Random(3).sample(founders, 7):
        before = group([face for face in faces if face is not late], vectors, previous=full)
        cost, after = timed(lambda before=before: group(faces, vectors, previous=before))
        assert after.clusters == full.clusters
        costs.append(cost)
        touched.append(after.recomputed)
    median = statistics.median(costs)
    print(f"new face {median:.2f} s ({100 * median / whole:.1f} % of a full regroup), founders recomputed {touched}")
    tracemalloc.start()
    group(faces, vectors)
    print(f"peak of a full regroup {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MiB beside the embeddings")
    tracemalloc.stop()


def main() -> None:
    folder = SHARED / "photos" / "faces"
    os.environ.setdefault("MODELS_DIR", str(SHARED / "models"))
    try:
        data = labelled_faces(folder) if folder.is_dir() else None
    except ImportError as error:
        print(f"no face provider: {error}")
        data = None
    if data is None:
        print(f"quality skipped: no labelled faces under {folder}")
    else:
        quality(data)
    speed(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)


if __name__ == "__main__":
    main()
