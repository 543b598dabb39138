"""Build what Lambda gets: ``python -m infra.packaging.build --arch arm64 --out DIR``.

``--arch arm64`` makes what the template deploys (python3.13 on arm64), on any host. ``--arch host`` makes the same
with this Python's own wheels, so that packaged functions can run here, on LocalStack.

Which function gets which layers is read from template.yaml, and each layer is made by the Makefile that ``sam build``
calls, so that nothing is described twice. DIR receives a folder and one archive, or several, for every layer and
function, and ``manifest.json``, the report that ``build`` returns. The same sources give the same archives, and a layer
whose sources are those of the last build is kept.
"""

from __future__ import annotations

import argparse
import csv
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from infra.local import stack

ROOT = Path(__file__).resolve().parents[2]
Arch = Literal["arm64", "host"]

#: What Lambda allows a function's code and all its layers together, unzipped, in bytes ("250 MB").
LAMBDA_LIMIT = 262_144_000
#: The earliest date a zip file can hold: archives must not tell when they were made.
EPOCH = (1980, 1, 1, 0, 0, 0)


class NotBuilt(RuntimeError):
    """A layer could not be made; the message is what its tools said."""


@dataclass(frozen=True)
class Artefact:
    """One layer or function. ``bytes`` is its unzipped size; paths are relative to the build's folder."""

    name: str
    folder: str
    archives: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Function:
    """A function's own artefact, its layers' names in Lambda's order (the last one wins), and all their bytes."""

    code: Artefact
    layers: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Build:
    """Everything that was built, by logical id."""

    arch: Arch
    runtime: str
    layers: dict[str, Artefact]
    functions: dict[str, Function]


def build(out: Path, *, arch: Arch, archive_bytes: int | None = None, only: Sequence[str] = ()) -> Build:
    """Build the functions ``only`` (logical ids; none means all) and their layers into ``out``.

    ``archive_bytes`` splits a layer into several archives of at most so many unzipped bytes, for a place with a limit
    for each archive. Raises ``NotBuilt`` when a layer cannot be made.
    """
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two that build here at once, the second finds what the first has made
        return _build(out, arch=arch, archive_bytes=archive_bytes, only=only)


def _build(out: Path, *, arch: Arch, archive_bytes: int | None, only: Sequence[str]) -> Build:
    runtime = "python3.13" if arch == "arm64" else f"python{sys.version_info.major}.{sys.version_info.minor}"
    all_resources = stack.read(ROOT / "template.yaml")["Resources"]
    wanted = {
        name: resource["Properties"]
        for name, resource in all_resources.items()
        if resource["Type"] == "AWS::Serverless::Function" and (not only or name in only)
    }
    layers: dict[str, Artefact] = {}
    functions: dict[str, Function] = {}
    for name, properties in wanted.items():
        names = tuple(layer["Ref"] for layer in properties["Layers"])
        for layer in names:
            if layer not in layers:
                source = ROOT / all_resources[layer]["Properties"]["ContentUri"]
                layers[layer] = _layer(layer, source, out, arch=arch, runtime=runtime, archive_bytes=archive_bytes)
        folder = _copied(ROOT / properties["CodeUri"], out / "functions" / name)
        code = _artefact(name, folder, out, None)
        functions[name] = Function(code, names, code.bytes + sum(layers[layer].bytes for layer in names))
    made = Build(arch, runtime, layers, functions)
    (out / "manifest.json").write_text(json.dumps(asdict(made), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return made


def _layer(name: str, source: Path, out: Path, *, arch: Arch, runtime: str, archive_bytes: int | None) -> Artefact:
    """Make a layer by its own target, as ``sam build`` does, unless the last build made it from the same sources."""
    folder = out / "layers" / name
    variables = [f"ARTIFACTS_DIR={folder}", f"PYTHON_VERSION={runtime.removeprefix('python')}", f"UV={uv()}"]
    if arch == "host":
        variables += ["PLATFORM=", f"COMPILER={sys.executable}"]
    stamp = folder.with_name(f"{name}.json")
    sources = _digest(source, [*variables, str(archive_bytes)])
    if stamp.exists():
        last = json.loads(stamp.read_text(encoding="utf-8"))
        if last.pop("sources") == sources:
            return Artefact(**{**last, "archives": tuple(last["archives"])})
        stamp.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done = subprocess.run(
        ["make", "--silent", "-C", str(source), f"build-{name}", *variables],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # compiled code depends on the order of sets
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotBuilt(f"{name}: {done.stderr.strip() or done.stdout.strip()}")
    made = _artefact(name, folder, out, archive_bytes)
    stamp.write_text(json.dumps({**asdict(made), "sources": sources}), encoding="utf-8")
    return made


def _digest(source: Path, variables: Sequence[str]) -> str:
    """What a layer is made from: its folder's files, and how it is made."""
    digest = hashlib.sha256("\0".join(variables).encode())
    for path in sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(f"\0{path.relative_to(source)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def uv() -> str:
    """uv of this environment, else the one on the PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else "uv"


def _copied(source: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return folder


def _artefact(name: str, folder: Path, out: Path, archive_bytes: int | None) -> Artefact:
    archives = []
    for number, part in enumerate(split(folder, archive_bytes), start=1):
        archive = folder.with_name(f"{name}-{number}.zip" if number > 1 else f"{name}.zip")
        write_archive(archive, part, root=folder)
        archives.append(str(archive.relative_to(out)))
    for stale in folder.parent.glob(f"{name}-*.zip"):
        if str(stale.relative_to(out)) not in archives:
            stale.unlink()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Artefact(name, str(folder.relative_to(out)), tuple(archives), size)


def split(folder: Path, archive_bytes: int | None) -> Iterator[list[Path]]:
    """The files of a layer in groups of at most ``archive_bytes`` unzipped, in a fixed order.

    Distributions stay whole, because a package looks for its parts and its shared libraries beside itself, and layers
    need not be unpacked into one folder; a larger distribution is a group of its own.
    """
    group: list[Path] = []
    size = 0
    for files in _distributions(folder):
        more = sum(path.stat().st_size for path in files)
        if group and archive_bytes is not None and size + more > archive_bytes:
            yield group
            group, size = [], 0
        group += files
        size += more
    yield group


def _distributions(folder: Path) -> list[list[Path]]:
    """The folder's files by distribution; what shares a folder (a namespace package) counts as one."""
    owner: dict[str, str] = {}  # a name directly under python/ -> the name that stands for its distribution
    for record in sorted(folder.glob("python/*.dist-info/RECORD")):
        rows = csv.reader(record.read_text(encoding="utf-8").splitlines())
        tops = {path.split("/")[0] for path, *_ in rows} - {"..", "__pycache__"} | {record.parent.name}
        merged = {owner.get(top, record.parent.name) for top in tops}
        first = min(merged)
        owner = {top: first if name in merged else name for top, name in owner.items()} | dict.fromkeys(tops, first)
    groups: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        inside = path.relative_to(folder).parts
        top = inside[1] if inside[0] == "python" and len(inside) > 1 else inside[0]
        groups.setdefault(owner.get(top, top), []).append(path)
    return [groups[name] for name in sorted(groups)]


def write_archive(archive: Path, files: Sequence[Path], *, root: Path) -> None:
    """A zip of ``files`` by their paths under ``root``, without dates and owners: equal files give equal bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whose permissions follow
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            out.writestr(entry, path.read_bytes(), compresslevel=1)


def report(made: Build) -> str:
    """The sizes as a table for people, in MiB (what Lambda calls MB)."""
    mib = 1024 * 1024
    lines = [f"{made.runtime} on {made.arch}; Lambda allows {LAMBDA_LIMIT / mib:.0f} MiB for a function and its layers"]
    lines += [f"  layer    {each.name:20} {each.bytes / mib:6.1f} MiB" for each in made.layers.values()]
    for name, function in made.functions.items():
        lines.append(f"  function {name:20} {function.bytes / mib:6.1f} MiB  {' '.join(function.layers)}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.packaging.build", description="Build what Lambda gets.")
    parser.add_argument("--arch", choices=("arm64", "host"), default="arm64")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--archive-mb", type=int, help="split a layer into archives of at most so many MiB unzipped")
    parser.add_argument("functions", nargs="*", help="logical ids; all without any")
    chosen = parser.parse_args(arguments)
    archive_bytes = chosen.archive_mb and chosen.archive_mb * 1024 * 1024
    try:
        made = build(chosen.out, arch=chosen.arch, archive_bytes=archive_bytes, only=chosen.functions)
    except NotBuilt as error:
        print(error, file=sys.stderr)
        return 1
    print(report(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
