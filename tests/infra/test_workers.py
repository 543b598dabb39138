"""The two processes of ``make test``: what shares a server or a folder is told to one of them."""

import subprocess
import sys
from pathlib import Path

MODULE = """
import os
import pathlib
import pytest

@pytest.mark.parametrize("n", range(6))
@pytest.mark.xdist_group("server")
def test_grouped(n):
    with pathlib.Path(__file__).with_suffix(".workers").open("a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")

@pytest.mark.parametrize("n", range(6))
def test_alone(n):
    with pathlib.Path(__file__).with_suffix(".others").open("a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_a_group_runs_in_one_process_while_the_other_has_work(tmp_path: Path) -> None:
    # pytest-xdist tells groups by something private of pytest's: a version of either may end it without a word.
    module = tmp_path / "test_groups.py"
    module.write_text(MODULE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = xdist_group\n")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, module.name], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    grouped = module.with_suffix(".workers").read_text().split()
    others = module.with_suffix(".others").read_text().split()
    assert len(grouped) == len(others) == 6
    assert len(set(grouped)) == 1
    assert set(others) - set(grouped)
