"""The search function's first request in a new process, by what is asked.

    python -m tests.benchmarks.bench_cold_search

Each case is a process of its own: the handler is imported, answers, and answers again. The tiny CLIP of the tests has
a text tower of the real one's size (64 MB), so that finding, hashing and opening the file cost what they cost; that its
network is three operators long is not: the real one takes some tens of milliseconds for a text. Starts a Postgres of
its own. Prints CPU milliseconds of this machine and ratios; asserts nothing.
"""

from __future__ import annotations

import compileall
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from infra.local.postgres import Postgres
from tests import cold_search, towers
from tests.cold_search import ROOT, Seen, get, post_picture
from tests.libraries import LISBON, photo
from tests.pictures import draw
from tests.vaults import SECRET, Somebody, forget, somebody

from photovault import keys, migrate

RUNS = 3
# The real file is 64,504,507 bytes.
COLUMNS = 64_504_507 // 4 // len(towers.table())


@contextmanager
def library(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Somebody]:
    """Somebody with some photos, in a vault that the environment describes."""
    server = Postgres(folder / "data", folder / "log", scratch=True)
    server.start()
    try:
        url = server.create_database("bench")
        migrate.upgrade(url, jwt_secrets=[SECRET])
        environment = {
            "APP_ENV": "test",
            "DATABASE_URL": url,
            "JWT_SECRET": SECRET,
            "MASTER_KEY": keys.generate_master_key(),
            "STORAGE_DRIVER": "local",
            "STORAGE_ROOT": str(folder / "blobs"),
            "STAGING_BUCKET": "staging",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        forget()
        ada = somebody()
        for number in range(40):
            words = "a dog on the beach" if number % 2 else "sunset"
            photo(ada.user_id, caption=words, labels=["dog"], day=date(2024, 7, 1), **LISBON)
        yield ada
        forget()
    finally:
        server.stop()


def tower_of_real_size() -> bytes:
    rows = np.zeros((len(towers.table()), COLUMNS), np.float32)
    rows[:, : towers.table().shape[1]] = towers.table()
    projection = np.zeros((COLUMNS, 512), np.float32)
    projection[: len(towers.SPACE)] = towers.SPACE
    return towers.text_tower(rows, projection)


def main() -> None:
    for package in ("shared", "functions"):
        compileall.compile_dir(ROOT / package, quiet=2)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        folder.chmod(0o755)
        models = folder / "models"
        models.mkdir()
        with library(folder, patch) as ada:
            towers.install(
                patch,
                models,
                clip_image=towers.image_tower(),
                clip_text=tower_of_real_size(),
                clip_vocabulary=towers.vocabulary(),
            )
            measure(ada, models)


def measure(ada: Somebody, models: Path) -> None:
    picture = draw(seed=1)
    cases = {
        "only a filter": (get("/search", ada.headers, q="in lisbon"), models),
        "completion": (get("/search/suggest", ada.headers, q="lis"), models),
        "a word, no CLIP": (get("/search", ada.headers, q="beach"), None),
        "a word, CLIP": (get("/search", ada.headers, q="beach"), models),
        "a picture, no CLIP": (post_picture("/search/by-image", ada.headers, picture), None),
        "a picture, CLIP": (post_picture("/search/by-image", ada.headers, picture), models),
    }
    samples: dict[str, list[Seen]] = {name: [] for name in cases}
    for _ in range(RUNS):  # in turns, so that a busy machine slows all of them alike
        for name, (event, folder) in cases.items():
            samples[name].append(cold_search.ask(event, models=folder))
    base = statistics.median(seen.import_ms[0] + seen.first_ms[0] for seen in samples["only a filter"])
    print(f"{'CPU ms':<22}{'import':>8}{'first':>8}{'second':>8}{'cold / only a filter':>22}")
    for name, found in samples.items():
        assert all(seen.status == 200 for seen in found)
        imported, first, second = (
            statistics.median(getattr(seen, part)[0] for seen in found)
            for part in ("import_ms", "first_ms", "second_ms")
        )
        print(f"{name:<22}{imported:>8.0f}{first:>8.0f}{second:>8.1f}{(imported + first) / base:>22.2f}")


if __name__ == "__main__":
    main()
