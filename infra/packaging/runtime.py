"""An interpreter with what Lambda's runtime brings, and nothing else, to run packaged functions on.

``python -m infra.packaging.runtime DIR`` makes it: this Python, awslambdaric and boto3 with their dependencies, in the
versions and by the hashes of layers/dev.txt. A function that imports anything else must have it in its layers.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from infra.packaging.build import ROOT, NotBuilt, uv

BROUGHT = ("awslambdaric", "boto3")


def make(folder: Path) -> Path:
    """The interpreter's path; made when it is not there. Raises ``NotBuilt``."""
    python = folder.resolve() / "bin" / "python"
    if not python.exists():
        locked = folder.resolve() / "runtime.txt"
        _run([uv(), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        locked.write_text("".join(_locked(_closure(BROUGHT))), encoding="utf-8")
        _run([uv(), "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(locked)])
    return python


def _closure(names: tuple[str, ...]) -> set[str]:
    """The distributions and all that they need, by their normalised names, as installed here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in found:
            found.add(name)
            needs = [need for need in requires(name) or [] if "extra ==" not in need]
            waiting += [match.group() for need in needs if (match := re.match(r"[\w.-]+", need))]
    return found


def _locked(names: set[str]) -> Iterator[str]:
    """The lines of layers/dev.txt about these distributions."""
    wanted = False
    for line in (ROOT / "layers" / "dev.txt").read_text(encoding="utf-8").splitlines(keepends=True):
        if match := re.match(r"([a-z0-9-]+)==", line):
            wanted = match.group(1) in names
        if wanted and not line.lstrip().startswith("#"):
            yield line


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuilt(done.stderr.strip())


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
