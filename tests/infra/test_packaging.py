"""What Lambda gets: the layers are locked and fresh, the packages fit, and the same sources give the same archives."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from infra.packaging import build as packaging

pytestmark = pytest.mark.xdist_group("packaging")  # one builder at a time

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")
MIB = 1024 * 1024
LIMIT = 240 * MIB  # Lambda's is 250; the rest is for what the next version of a wheel brings
RUNTIME_BRINGS = {"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"}
LAYERS = ("api", "vision", "embedding", "search", "albums")
UNREACHABLE = re.compile(r"(?i)failed to fetch|error sending request|connect|dns|not found in the cache|network")
PACKAGES = ROOT / ".photovault" / "packages" / "arm64"


def requirements(layer: str) -> dict[str, str]:
    """name -> version of a layer's lock (of the newest Python where there are several)."""
    lines = (ROOT / "layers" / f"{layer}.txt").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.match(r"([a-z0-9-]+)==([^ ;\\]+)", line)))


# ---- the locks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_pinned_by_hashes_and_names_no_address(layer: str) -> None:
    text = (ROOT / "layers" / f"{layer}.txt").read_text()
    pinned = re.findall(r"^[a-z0-9-]+==.*\n(?:    --hash=sha256:[0-9a-f]{64}.*\n)+", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9-]+==", text, re.MULTILINE)) > 0
    assert "://" not in text


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_leaves_boto3_to_the_runtime(layer: str) -> None:
    assert not RUNTIME_BRINGS & set(requirements(layer))


def test_opencv_and_onnxruntime_never_share_a_function() -> None:
    assert not [layer for layer in LAYERS if {"opencv-python-headless", "onnxruntime"} <= set(requirements(layer))]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_the_versions_that_the_tests_run_with(layer: str) -> None:
    tested = requirements("dev")
    assert {name: version for name, version in requirements(layer).items() if tested.get(name) != version} == {}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_lock_is_what_pyproject_asks_for(layer: str, tmp_path: Path) -> None:
    """Locking again changes nothing; versions stay, because uv prefers those of the file it writes to."""
    fresh = tmp_path / "layer.txt"
    locked = ROOT / "layers" / f"{layer}.txt"
    fresh.write_bytes(locked.read_bytes())
    command = [UV, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--python-version", "3.11", "-c", "layers/dev.txt", "--extra", layer]
    for name in sorted(RUNTIME_BRINGS):
        command += ["--no-emit-package", name]
    done = subprocess.run(
        [*command, "pyproject.toml", "-o", fresh], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode and UNREACHABLE.search(done.stderr):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    assert fresh.read_text() == locked.read_text(), "run `make compile`"


# ---- the packages ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packages() -> packaging.Build:
    """The arm64 packages, built from uv's cache of wheels (downloaded on the first run)."""
    try:
        made = packaging.build(PACKAGES, arch="arm64")
    except packaging.NotBuilt as error:
        if not UNREACHABLE.search(str(error)):
            raise
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("UV_OFFLINE", "1")
            try:
                made = packaging.build(PACKAGES, arch="arm64")
            except packaging.NotBuilt as missing:
                pytest.skip(f"the package index cannot be reached, and uv's cache lacks a wheel: {missing}")
    print(packaging.report(made))
    return made


def test_every_function_with_its_layers_fits_into_lambda(packages: packaging.Build) -> None:
    sizes = {name: function.bytes for name, function in packages.functions.items()}
    assert {name: f"{size / MIB:.1f} MiB" for name, size in sizes.items() if size >= LIMIT} == {}
    assert len(sizes) == 8


def test_libraries_are_compiled_for_the_deployed_processor(packages: packaging.Build) -> None:
    """An ELF header names the machine at byte 18: 0xB7 is AArch64."""
    for layer in packages.layers.values():
        for path in (PACKAGES / layer.folder).rglob("*.so*"):
            with path.open("rb") as library:
                head = library.read(20)
            assert head[:4] != b"\x7fELF" or head[18] == 0xB7, path


def test_the_library_brings_its_migrations_and_its_places(packages: packaging.Build) -> None:
    shared = (
        ROOT / ".photovault" / "packages" / "arm64" / packages.layers["SharedLayer"].folder / "python" / "photovault"
    )
    assert (shared / "migrations" / "0001_house.sql").is_file()
    assert (shared / "data" / "places.bin").is_file()


def test_no_test_suite_and_no_file_of_this_host_is_packed(packages: packaging.Build) -> None:
    for artefact in [*packages.layers.values(), *(function.code for function in packages.functions.values())]:
        names = []
        for archive in artefact.archives:
            with zipfile.ZipFile(PACKAGES / archive) as opened:
                names += opened.namelist()
        assert names
        assert not [name for name in names if "/tests/" in name or name.endswith((".pyi", ".lock"))]
        assert len(names) == len(set(names))


# ---- the tools ------------------------------------------------------------------------------------------------------


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_equal_files_give_equal_archives_whenever_they_were_written(tmp_path: Path) -> None:
    archives = []
    for number in (1, 2):
        folder = write(tmp_path / str(number), {"python/a.py": "a = 1", "python/b/c.py": "c = 2"})
        os.utime(folder / "python" / "a.py", (number * 10**8, number * 10**8))
        archive = tmp_path / f"{number}.zip"
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        packaging.write_archive(archive, files, root=folder)
        archives.append(archive.read_bytes())
    assert archives[0] == archives[1]


def test_a_split_layer_keeps_a_distribution_whole(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "python/big/__init__.py": "x" * 600,
            "python/big.libs/lib.so": "x" * 300,
            "python/big-1.dist-info/RECORD": "big/__init__.py,,\nbig.libs/lib.so,,\n../bin/big,,\n",
            "python/small/__init__.py": "x" * 200,
            "python/small-1.dist-info/RECORD": "small/__init__.py,,\n",
            "python/single.py": "x" * 100,
            "python/single-1.dist-info/RECORD": "single.py,,\n",
        },
    )
    parts = [{path.relative_to(folder).parts[1] for path in part} for part in packaging.split(folder, 500)]
    assert {"big", "big.libs", "big-1.dist-info"} in parts
    assert sorted(name for part in parts for name in part) == sorted(
        path.name for path in (folder / "python").iterdir()
    )
    (whole,) = packaging.split(folder, None)
    assert len(whole) == 7


def test_distributions_that_share_a_folder_stay_together(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "python/shared/one.py": "x" * 400,
            "python/one-1.dist-info/RECORD": "shared/one.py,,\n",
            "python/shared/two.py": "x" * 400,
            "python/two-1.dist-info/RECORD": "shared/two.py,,\n",
        },
    )
    assert len(list(packaging.split(folder, 500))) == 1
