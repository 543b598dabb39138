"""Freed memory stays at hand for the next photo, and goes back where it was much."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from photovault import heap

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="tells glibc what to do")

FAULTS = """
import resource, sys
from photovault import heap
if sys.argv[1] == "hold":
    heap.hold()
for _ in range(10):
    blocks = [bytes(range(256)) * 2**16 for _ in range(3)]  # of 16 MiB
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(way: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, way], capture_output=True, text=True, check=True)
    return int(done.stdout)


@glibc
def test_blocks_as_large_as_a_picture_are_not_taken_from_the_system_again_and_again() -> None:
    assert heap.hold()
    assert faults("hold") < faults("as it comes") - 20_000


def test_giving_back_is_possible_everywhere() -> None:
    heap.release()
