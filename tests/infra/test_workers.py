"""The two processes of ``make test``: what shares a server or a folder is told to one of them, and so is a module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
from tests.workers import longest_first, pytest_xdist_make_scheduler

def pytest_collection_modifyitems(config, items):
    longest_first(config, items)
"""
MODULE = """
import os
import pathlib
import pytest

def note(name):
    with pathlib.Path(__file__).with_name(name).open("a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")

@pytest.mark.parametrize("n", range(6))
def test_alone(n):
    note("alone in " + __name__)

@pytest.mark.parametrize("n", range(6))
@pytest.mark.xdist_group("server")
def test_grouped(n):
    note("grouped")
"""


def test_a_group_and_a_module_run_in_one_process_each_while_the_other_has_work(tmp_path: Path) -> None:
    # pytest-xdist tells groups by something private of pytest's: a version of either may end it without a word.
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = xdist_group\n")
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(MODULE)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    grouped, one, two = (
        (tmp_path / name).read_text().split() for name in ("grouped", "alone in test_one", "alone in test_two")
    )
    assert (len(grouped), len(one), len(two)) == (12, 6, 6), "the group is of both modules"
    assert len(set(grouped)) == len(set(one)) == len(set(two)) == 1
    assert set(one) != set(grouped), "the group was the first to be told, and the module went to who had nothing"
