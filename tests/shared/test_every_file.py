"""Every real file ends ``ready`` or ``rejected`` as the table beside this says, and hostile ones end within bounds.

The files go through ``vision.look`` in a process of their own (see ``tests.bounds``), so that a decoder that dies,
hangs or takes all the memory fails a test and nothing else.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import pytest
from tests import bounds, largest
from tests.bounds import Ending, Job
from tests.pictures import SHARED, shared_photos

from photovault import formats

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures memory as Linux tells it")

TABLE = Path(__file__).with_name("every_file.tsv")
FOLDERS = ("formats-pillow", "exif-samples", "immich-test-assets")

# The first sentences of what people are told. Each was compared with its files by eye.
UNDERSTANDABLE = (
    "This is a BMP picture, which cannot be taken.",
    "This is an icon, which cannot be taken.",
    "This is a JPEG XL picture, which cannot be taken.",
    "This is a text, which cannot be taken.",
    "This is an XMP sidecar without its photo, which cannot be taken.",
    "This is not a photo in a known format.",
    "This TIFF is compressed in a way that cannot be read here; save it with LZW or Deflate.",
)


def table() -> dict[str, tuple[str, str]]:
    """File -> how it ends and why: type and upright size, or the reason's first sentence."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return {row["file"]: (row["outcome"], row["detail"]) for row in csv.DictReader(lines, delimiter="\t")}


def files(folder: str) -> list[Path]:
    root = shared_photos(folder)
    if root is None:
        pytest.skip("the shared photos are not here")
    return sorted(path for path in root.rglob("*") if path.is_file())


def within_bounds(jobs: list[Job], *, timeout: float) -> list[Ending]:
    found, peak = bounds.endings(jobs, timeout=timeout)
    assert len(found) == len(jobs)
    assert not [ending for ending in found if not ending.terminal]
    assert peak < bounds.MEMORY
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_real_file_ends_as_the_table_says(folder: str) -> None:
    expected = table()
    found = within_bounds([(str(path), None) for path in files(folder)], timeout=200)
    ends = {
        str(Path(ending.path).relative_to(SHARED / "photos")): (
            ending.outcome,
            ending.detail if ending.outcome == "ready" else ending.detail.partition(". ")[0].rstrip(".") + ".",
        )
        for ending in found
    }
    assert ends == {name: end for name, end in expected.items() if name.startswith(f"{folder}/")}


def test_the_reasons_of_the_table_are_sentences_for_people() -> None:
    assert {detail for outcome, detail in table().values() if outcome == "rejected"} == set(UNDERSTANDABLE)


def test_every_hostile_file_ends_within_ten_seconds_and_a_gibibyte() -> None:
    within_bounds([(str(path), None) for path in files("adversarial")], timeout=400)


# What the models and the database's client take, which this process may be without.
NOT_HERE = 60_000_000


@pytest.mark.parametrize("name", largest.CHEAP)
def test_the_largest_photo_that_is_taken_fits_into_the_function(name: str) -> None:
    most, end = largest.peak(name)
    assert end == "ready"
    assert most < formats.MEMORY - NOT_HERE * (not os.environ.get("MODELS_DIR"))


def mutants(count: int, *, first_seed: int, largest: int) -> list[Job]:
    seeds = [
        path
        for folder in FOLDERS
        for path in files(folder)
        if path.stat().st_size <= largest and table().get(f"{path.relative_to(SHARED / 'photos')}", ("",))[0] == "ready"
    ]
    return [(str(seeds[i % len(seeds)]), first_seed + i) for i in range(count)]


def test_damaged_copies_of_real_files_end_within_bounds() -> None:
    within_bounds(mutants(600, first_seed=0, largest=200_000), timeout=300)


@pytest.mark.slow
def test_many_damaged_copies_of_real_files_end_within_bounds() -> None:
    within_bounds(mutants(10_000, first_seed=1_000_000, largest=4_000_000), timeout=3000)


def test_a_death_would_be_found(tmp_path: Path) -> None:
    """The harness itself: what it cannot open ends its process, and the files behind are still looked at."""
    photo = files("formats-pillow")[-1]
    found, _ = bounds.endings([(str(tmp_path / "none"), None), (str(photo), None)], timeout=60)
    assert [ending.terminal for ending in found] == [False, True]
